//! The words that every part of Rupture shares: operations, events, histories and verdicts, and the
//! formats that they are written in.
//!
//! A [`History`] is what clients saw: a sequence of [`Event`]s, each an invocation or a completion.
//! [`History::operations`] pairs them. A [`Verdict`] is what a checker says of a history.
//!
//! This crate knows no other crate of ours, reads no clock, opens no file and draws no randomness: it is
//! handed bytes and gives back values.
//!
//! Where to start: [`History`], then [`codec`] for reading and writing, then [`verdict`].

pub mod codec;
mod event;
mod history;
mod operation;
mod tape;
mod value;
pub mod verdict;

pub use event::{Event, Kind, Process};
pub use history::{EventRef, History};
pub use operation::{Operation, Outcome, PairingError};
pub use tape::ValueRef;
pub use value::{Float, Name, Value};
pub use verdict::{Anomaly, Evidence, Validity, Verdict};
