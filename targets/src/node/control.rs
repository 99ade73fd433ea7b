//! What a controller says to a node and hears from it: a JSON object a line, orders on the node's standard input,
//! answers on its standard output.
//!
//! The first line of the input is the node's [`NodeOptions`](super::NodeOptions). When the input ends the controller is
//! gone, and the node ends too.

use std::net::SocketAddr;

use rupture_history::observation::Observation;
use serde::{Deserialize, Serialize};

use super::clock::NodeClock;
use super::disk::DiskFault;
use crate::protocol::Members;

/// An order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Order {
    /// The clocks show this from now on.
    Clock(NodeClock),
    /// A peer is to be found here.
    Peer {
        /// Which.
        id: u32,
        /// Where.
        address: SocketAddr,
    },
    /// Tell what the clocks show, and what the disk does wrong.
    Read {
        /// Comes back with the answer.
        nonce: u64,
    },
    /// Send a frame to a peer, which tells of it.
    Probe {
        /// To whom.
        to: u32,
        /// What the peer tells.
        nonce: u64,
    },
    /// Be killed right after this many more effects.
    DieAfter {
        /// How many; none calls it off.
        effects: Option<u32>,
    },
    /// The disk does this from now on.
    Disk(DiskFault),
}

/// What a node tells its controller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// It listens.
    Ready {
        /// Where clients find it.
        clients: SocketAddr,
        /// Where peers find it.
        peers: SocketAddr,
    },
    /// What its clocks showed, and its disk does.
    Read {
        /// Of the order.
        nonce: u64,
        /// The true moment.
        at_ns: u64,
        /// Its monotonic clock.
        now_ns: u64,
        /// Its wall clock.
        wall_ns: u64,
        /// What its disk does wrong.
        disk: DiskFault,
    },
    /// A peer's probe has arrived.
    Probed {
        /// Who sent it.
        from: u32,
        /// What was in it.
        nonce: u64,
    },
    /// It begins or ceases to believe that it leads.
    Leads(bool),
    /// The members have changed.
    Members(Members),
    /// Something of itself, for whoever judges its invariants. The time is this machine's monotonic clock.
    Observed(Observation),
    /// The disk did not do what it was asked, and the node is about to end.
    Failed {
        /// Why, for people.
        reason: String,
    },
}
