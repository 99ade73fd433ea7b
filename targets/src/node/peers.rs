//! The connections of a node to its peers.

use std::net::SocketAddr;

use rupture_protocols::NodeId;
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use super::inbox::Inbox;

/// A node's way to its peers.
pub(crate) struct Peers;

impl Peers {
    /// Listens to peers that know the token, and puts what they send into the inbox.
    pub(crate) fn new(
        _runtime: &Handle,
        _me: NodeId,
        _token: &str,
        _listener: TcpListener,
        _inbox: Inbox,
    ) -> Self {
        Self
    }

    /// A peer is to be found here from now on.
    pub(crate) fn find(&self, _peer: NodeId, _address: SocketAddr) {}

    /// Sends a message, as far as it goes: never blocks, and a full queue drops its oldest.
    pub(crate) fn send(&self, _to: NodeId, _message: Vec<u8>) {}

    /// Sends a probe, which the peer tells its controller of.
    pub(crate) fn probe(&self, _to: NodeId, _nonce: u64) {}
}
