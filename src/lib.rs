//! The controller: plans a run, drives it, records it, has it judged and says what came out.
//!
//! Only this crate prints, exits, reads the command line or draws a picture. Where to start: [`cli`] for what
//! a user can ask, [`run`] for one run from plan to verdict, [`schedule`] for the pure state machine between
//! generators and drivers, [`drive`] for the worlds that own time.

/// Prints a line. A terminal that is gone or a full device changes no verdict and no exit code.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(anstream::stdout(), $($text)*);
    }};
}

/// Prints a line for whoever watches for trouble.
macro_rules! complain {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(anstream::stderr(), $($text)*);
    }};
}

pub mod cli;
pub mod drive;
pub mod exit;
pub mod interrupt;
pub mod invariants;
pub mod journal;
pub mod plan;
pub mod record;
pub mod report;
pub mod run;
pub mod schedule;
pub mod verbs;
