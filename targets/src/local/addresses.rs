//! Where clients find which node now.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A table that clients read and the world writes.
#[derive(Debug, Default)]
pub(super) struct Addresses(RwLock<Table>);

#[derive(Debug, Default)]
struct Table {
    addresses: BTreeMap<u32, SocketAddr>,
    present: Vec<u32>,
}

impl Addresses {
    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a node listens to clients; nowhere while it has no process.
    pub(super) fn get(&self, node: u32) -> Option<SocketAddr> {
        self.read().addresses.get(&node).copied()
    }

    /// A node listens here from now on, or nowhere.
    pub(super) fn set(&self, node: u32, address: Option<SocketAddr>) {
        let mut table = self.write();
        match address {
            Some(address) => table.addresses.insert(node, address),
            None => table.addresses.remove(&node),
        };
    }

    /// The nodes that are or will be members, in order.
    pub(super) fn present(&self) -> Vec<u32> {
        self.read().present.clone()
    }

    /// These are or will be members from now on.
    pub(super) fn set_present(&self, nodes: Vec<u32>) {
        self.write().present = nodes;
    }
}
