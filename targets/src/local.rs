//! The world of real processes on this machine: nodes on loopback, every link between them through a proxy of the
//! controller, clients over HTTP.
//!
//! Needs no root. What is broken here is broken for real: processes die and stop by signals, frames are lost between
//! sockets, disks keep what was synced. Clocks lie through the clock source of the nodes ([`crate::node::clock`]).

mod clients;
mod cluster;
mod links;
mod process;

use std::path::PathBuf;
use std::sync::Arc;

use crate::protocol::Traits;
use crate::{Happening, TargetError, TargetOptions};

/// Hears what happens, from any thread.
pub type Tell = Arc<dyn Fn(Happening) + Send + Sync>;

/// Where a cluster of processes lives.
#[derive(Clone, Debug)]
pub struct LocalSetup {
    /// The program that is a node when its first argument is `node`.
    pub program: PathBuf,
    /// A folder of its own, which is made, and removed when the cluster ends.
    pub folder: PathBuf,
}

/// Why a cluster of processes could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Options that no cluster can be built from.
    #[error(transparent)]
    Target(#[from] TargetError),
}

/// A cluster of processes on this machine.
pub struct Local;

#[allow(clippy::unnecessary_wraps)]
impl Local {
    pub(crate) fn start(
        _name: &'static str,
        _options: &TargetOptions,
        _traits: Traits,
        _setup: &LocalSetup,
        _tell: Tell,
    ) -> Result<Self, LocalError> {
        Ok(Self)
    }
}
