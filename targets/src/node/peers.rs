//! The connections of a node to its peers.
//!
//! Each node opens one connection to each peer and sends on it; what a peer sends comes on the connection that the peer
//! opened. So a link is one stream in one direction, and what breaks one direction leaves the other alone.
//!
//! A connection begins with a hello that carries the token of the cluster as it is. Nothing is encrypted, the messages no
//! more than the token: it keeps the nodes of two clusters on one machine apart, and guards against nobody who can read
//! the network.

mod incoming;
mod outgoing;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rupture_protocols::NodeId;
use rustc_hash::FxHashMap;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use self::incoming::Gate;
use self::outgoing::Outgoing;
use super::frame::Kind;
use super::inbox::Inbox;

/// A node's way to its peers. Its connections end with it.
pub(crate) struct Peers {
    runtime: Handle,
    me: NodeId,
    token: Arc<str>,
    accepts: AbortHandle,
    /// Made when a peer is first found or written to.
    ways: Mutex<FxHashMap<NodeId, Way>>,
}

struct Way {
    outgoing: Arc<Outgoing>,
    carries: AbortHandle,
}

impl Peers {
    /// Listens to peers that know the token, and puts what they send into the inbox.
    pub(crate) fn new(
        runtime: &Handle,
        me: NodeId,
        token: &str,
        listener: TcpListener,
        inbox: Inbox,
    ) -> Self {
        let token: Arc<str> = token.into();
        let gate = Gate::new(me, Arc::clone(&token), inbox);
        Self {
            runtime: runtime.clone(),
            me,
            token,
            accepts: runtime.spawn(gate.accept(listener)).abort_handle(),
            ways: Mutex::default(),
        }
    }

    /// A peer is to be found here from now on. Whoever waits to try again to connect to it does so at once.
    pub(crate) fn find(&self, peer: NodeId, address: SocketAddr) {
        self.way(peer).find(address);
    }

    /// Sends a message, as far as it goes: never blocks, and a full queue drops its oldest.
    pub(crate) fn send(&self, to: NodeId, message: Vec<u8>) {
        self.way(to).push(Kind::Message, message);
    }

    /// Sends a probe, which the peer tells its controller of.
    pub(crate) fn probe(&self, to: NodeId, nonce: u64) {
        self.way(to).push(Kind::Probe, nonce.to_le_bytes().to_vec());
    }

    fn way(&self, peer: NodeId) -> Arc<Outgoing> {
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        let way = ways.entry(peer).or_insert_with(|| {
            let outgoing = Arc::new(Outgoing::new(self.me, peer, &self.token));
            let task = self.runtime.spawn(Arc::clone(&outgoing).carry());
            Way {
                outgoing,
                carries: task.abort_handle(),
            }
        });
        Arc::clone(&way.outgoing)
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        self.accepts.abort();
        let ways = self.ways.get_mut().unwrap_or_else(PoisonError::into_inner);
        for way in ways.values() {
            way.carries.abort();
        }
    }
}
