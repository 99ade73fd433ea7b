//! A node as a process: any reference system on real sockets, a real disk and real clocks, chosen by the same entry as in
//! the simulator.
//!
//! One thread takes the node's steps and performs their effects strictly in order (`steps`); a runtime carries bytes
//! to and from it: frames between peers (`peers`), HTTP for clients (`api`), and lines of JSON on the standard input
//! and output for a controller that watches it (`control`). What it tells of itself goes to the standard error, a JSON
//! object a line, as in the simulator's logs.
//!
//! Nothing listens beyond the addresses that it is told.

mod api;
pub mod clock;
mod complain;
pub(crate) mod control;
pub(crate) mod disk;
pub(crate) mod frame;
pub(crate) mod inbox;
mod options;
pub(crate) mod peers;
pub(crate) mod race;
pub(crate) mod socket;
mod steps;

pub(crate) use api::{CHANGES, CLIENT_HEADER, REQUESTS, TOKEN_HEADER};
pub use options::{NodeError, NodeOptions};
pub(crate) use steps::run;
