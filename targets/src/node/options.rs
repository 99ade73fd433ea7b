//! What a node is told, and why it could not start or go on.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::clock::NodeClock;
use super::disk::DiskError;
use crate::{DiskFault, TargetError, TargetOptions};

/// What a node is told when it starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeOptions {
    /// The system, by its name in `rupture list targets`.
    pub name: String,
    /// How the system is told to be; the same for every node of a cluster.
    pub target: TargetOptions,
    /// Which node this is, from 0.
    pub id: u32,
    /// Where clients find it; port 0 for any that is free.
    pub listen: SocketAddr,
    /// Where peers find it; port 0 for any that is free.
    pub listen_peers: SocketAddr,
    /// Where it finds its peers, by number.
    pub peers: BTreeMap<u32, SocketAddr>,
    /// Its folder; made when it does not exist.
    pub data: PathBuf,
    /// What the nodes of a cluster know and nobody else does.
    pub token: String,
    /// What its clocks show.
    pub clock: NodeClock,
    /// What its disk does wrong from the start.
    #[serde(default)]
    pub disk: DiskFault,
    /// The process that speaks to it on the standard input, if any does; the node ends with it.
    pub controller: Option<u32>,
}

/// Why a node could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// Settings that no node can be built from.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// An address that cannot be listened on.
    #[error(
        "cannot listen on {address} for {whom}: {reason}; choose another port, or 0 for any that is free"
    )]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Clients or peers.
        whom: &'static str,
        /// Why not.
        reason: io::Error,
    },
    /// The disk did not keep what it was given, or what it kept is damaged.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The folder holds the log of another node.
    #[error("`{}` is the folder of {owner}: name another with --data", .folder.display())]
    Another {
        /// Which.
        folder: PathBuf,
        /// Whose.
        owner: String,
    },
    /// Anything else that the machine refused.
    #[error("cannot {action}: {reason}")]
    Machine {
        /// What was tried, as a verb.
        action: &'static str,
        /// Why not.
        reason: io::Error,
    },
}
