//! A history in, a verdict out.
//!
//! Every checker decides from the recorded history alone: it opens no file, reads no clock, spawns
//! nothing and draws no randomness. Time and memory are bounded by a [`Budget`] that the caller hands in.
//! The same history and the same budget of memory give the same verdict.
//!
//! Where to start: [`checker`] finds a judge by the name of its model; [`Linearizable`] judges any
//! [`Model`] of your own:
//!
//! ```
//! use rupture_checkers::history::{Event, History, Kind, Validity, Value};
//! use rupture_checkers::{Budget, Options, checker};
//!
//! let history: History = [
//!     Event::new(0, Kind::Invoke, "write", Value::Int(1)),
//!     Event::new(0, Kind::Ok, "write", Value::Int(1)),
//!     Event::new(1, Kind::Invoke, "read", Value::Nil),
//!     Event::new(1, Kind::Ok, "read", Value::Nil),
//! ]
//! .iter()
//! .collect();
//! let judge = checker("register", None, &Options::default()).unwrap();
//! let verdict = judge.check(&history, &Budget::unlimited()).unwrap();
//! assert_eq!(verdict.validity, Validity::Invalid);
//! assert_eq!(verdict.anomalies[0].evidence.len(), 2);
//! ```

mod budget;
mod checker;
pub mod linearizability;
mod model;
pub mod models;
pub mod raft;
mod registry;
pub mod sequential;
pub mod set_full;
pub mod staleness;

pub use budget::Budget;
pub use checker::{CheckError, Checker};
pub use linearizability::{Linearizable, Theory, View};
pub use model::{Id, Mismatch, Model, Seen, Values};
pub use registry::{ModelInfo, Options, Unknown, checker, models};
pub use rupture_history as history;
pub use sequential::Sequential;
