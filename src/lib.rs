//! The controller: plans a run, drives it, records it, has it judged and says what came out.
//!
//! Only this crate prints, exits, reads the command line or draws a picture. Where to start: [`cli`] for what
//! a user can ask, [`run`] for one run from plan to verdict, [`schedule`] for the pure state machine between
//! generators and drivers, [`drive`] for the worlds that own time.

#[macro_use]
pub mod screen;

pub mod claim;
pub mod cli;
pub mod drive;
pub mod exit;
pub mod input;
pub mod interrupt;
pub mod invariants;
pub mod journal;
pub mod output;
pub mod plan;
pub mod record;
pub mod recovery;
pub mod report;
pub mod run;
pub mod schedule;
pub mod storm;
pub mod verbs;
