//! The systems under test: what a client and a nemesis may do to each.
//!
//! [`Cluster`] is what a nemesis sees of a target, [`Simulated`] what the driver of virtual time sees. Which
//! targets there are stands in [`targets`]; [`simulated`] builds one.
//!
//! This crate never learns who judges, and nothing in it reads a clock, spawns, or draws entropy: a target in
//! the simulator is a function of its [`TargetOptions`] and of what is done to it.

mod changes;
mod client_thread;
pub mod cluster;
mod entry;
pub mod local;
mod name;
pub mod node;
pub mod observe;
mod operations;
mod options;
mod protocol;
mod raft;
mod real;
mod registry;
mod settings;
mod sim_target;
mod simulated;
mod single;
mod words;

pub use cluster::{
    Capabilities, Capability, Cluster, ClusterError, DiskFault, Keep, Link, LinkShape, Loss,
    Status, Traffic,
};
pub use entry::TargetInfo;
pub use name::NodeName;
pub use observe::NodeEvent;
pub use options::{MutantInfo, SettingInfo, Settings, TargetError, TargetOptions};
pub use real::{Real, Tell};
pub use registry::{local, local_capabilities, serve, simulated, target, targets};
pub use rupture_protocols::random;
pub use rupture_protocols::sim::{Excess, Storm};
pub use simulated::{Completion, Happening, Invocation, OperationError, RecoveryClaim, Simulated};
