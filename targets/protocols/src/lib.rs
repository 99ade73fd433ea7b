//! Reference systems as pure state machines, and the simulator that runs them.
//!
//! A reference system implements [`Node`]: it is handed an [`Input`] and a [`Context`], and answers with
//! [`Effect`]s in order. Time is a field and sending is a value: there is no transport trait and no clock
//! trait, so the simulator, local processes and real hosts run it unchanged.
//!
//! This crate knows no other crate of ours. Nothing in it reads a clock, opens a socket, spawns, or draws
//! entropy: every random number comes from a [`random::Stream`] that it is handed.

mod call;
pub mod client;
pub mod echo;
pub mod error;
mod mix;
pub mod node;
pub mod raft;
pub mod random;
pub mod reply;
pub mod retry;
pub mod sim;
pub mod store;

pub use call::{call_id, client_of, count_of};
pub use error::ErrorCode;
pub use node::{Context, Effect, Input, Node, NodeId};
pub use reply::Reply;
