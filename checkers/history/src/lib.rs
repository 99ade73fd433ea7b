//! The words that every part of Rupture shares: operations, events, histories and verdicts, and the
//! formats that they are written in.
//!
//! A [`History`] is what clients saw: a sequence of [`Event`]s, each an invocation or a completion.
//! [`History::operations`] pairs them. A [`Verdict`] is what a checker says of a history.
//!
//! This crate knows no other crate of ours, reads no clock, opens no file and draws no randomness: it is
//! handed bytes and gives back values.
//!
//! ```
//! use rupture_history::{Outcome, codec};
//!
//! let file = br#"
//! {:process 0, :type :invoke, :f :write, :value 1}
//! {:process 1, :type :invoke, :f :read, :value nil}
//! {:process 0, :type :info, :f :write, :value 1, :error :timeout}
//! {:process 1, :type :ok, :f :read, :value 1}
//! "#;
//! let history = codec::read(file)?;
//! let operations = history.operations()?;
//! let [write, read] = operations[..] else { panic!("two operations") };
//! assert_eq!((write.outcome, read.outcome), (Outcome::Info, Outcome::Ok));
//! let result = history.get(read.completed.unwrap() as usize).value();
//! assert_eq!(result.as_int(), Some(1));
//!
//! let mut line = String::new();
//! codec::jsonl::write_event(&mut line, history.get(2));
//! assert_eq!(
//!     line,
//!     "{\"index\":2,\"time\":-1,\"type\":\"info\",\"process\":0,\"f\":\"write\",\"value\":1,\
//!      \"error\":\"timeout\"}\n"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Deliberately absent: opening files, which the command line does; and any judgement, which is that of the
//! checkers.
//!
//! Where to start: [`History`], then [`codec`] for reading and writing, then [`verdict`].

pub mod codec;
mod completions;
mod event;
mod history;
mod intervals;
mod names;
pub mod observation;
mod operation;
mod process;
mod recorder;
mod tape;
mod value;
mod value_ref;
pub mod verdict;

pub use event::{Event, Kind};
pub use history::{EventRef, History};
pub use intervals::{Interval, IntervalError};
pub use operation::{Operation, Outcome, PairingError};
pub use process::{LeftOut, Process};
pub use recorder::{Pending, Recorder};
pub use value::{Float, Name, Value};
pub use value_ref::{Entries, Items, ValueRef};
pub use verdict::{Anomaly, Dependency, Evidence, Measure, Rung, Validity, Verdict, Witness};
