//! The engines of isolation against the definitions, on many small histories.
//!
//! [`txn`] is what a small transaction is, [`stores`] runs such transactions on stores of several kinds, and
//! [`oracle`] decides by brute force which levels hold. [`executions`] decides some of them a second time, without a
//! graph, and [`definitions`] holds the two against each other, so that an error in a definition shows before an
//! engine is blamed for it; so does [`visibility`] with others. [`compare`] holds the engine to the oracle,
//! [`guarantees`] to the session guarantees, and [`explanations`] to what its anomalies claim.

mod choice;
mod compare;
mod corrupt;
mod definitions;
mod executions;
mod explanations;
mod files;
mod graph;
mod guarantees;
mod levels;
pub(crate) mod oracle;
mod relation;
pub(crate) mod rounds;
mod server;
pub(crate) mod stores;
mod turns;
pub(crate) mod txn;
mod unseen;
mod visibility;
mod weakest;
