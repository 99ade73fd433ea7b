//! Which fault, when, on whom; how it is proved and undone.
//!
//! Three parts, each without the others' knowledge:
//! - [`catalogue`] and [`script`]: what people ask for, read and checked before anything starts;
//! - [`Schedule`]: a pure state machine that says when a fault begins, is looked after, and ends;
//! - [`Injector`]: makes a fault through [`rupture_targets::Cluster`], proves it by probes, undoes it, and
//!   keeps a [`Receipt`] of each.
//!
//! A driver asks [`Schedule::next`] and does what it says with the [`Injector`]:
//!
//! ```text
//! Begin { id, fault } -> receipt = injector.begin(...); schedule.told(&receipt)
//! Tick { id }         -> injector.tick(...)
//! End { id }          -> injector.end(...)
//! HealAll             -> injector.heal_all(...)
//! Verify              -> injector.verify(...)
//! Wait { until_ns }   -> ask again then
//! Done                -> the cluster is whole and had time to recover: final reads
//! ```
//!
//! After the run [`evidence`] says whether its receipts prove its faults. This crate never learns which
//! system it breaks, reads no clock, and draws only from the stream that it is handed.

mod ailment;
pub mod catalogue;
mod evidence;
pub mod fault;
mod injector;
mod kind;
mod receipt;
pub mod recipe;
mod schedule;
pub mod script;
mod shape;
mod targeting;
mod time;

pub use ailment::Ailment;
pub use catalogue::{NemesisInfo, Refused, Selection, UnknownNemesis, nemeses, parse};
pub use evidence::{Asked, Evidence, Problem, Tally, evidence};
pub use fault::{Fault, FaultKind, Impossible, Shape, Skew, Targeting};
pub use injector::Injector;
pub use receipt::{Flip, Probe, RECEIPT_VERSION, Receipt, State, asked_to_begin, asked_to_end};
pub use schedule::{Phase, Plan, PlanError, Schedule, Step, Timing};
pub use script::{Script, ScriptError};
pub use shape::cuts;
