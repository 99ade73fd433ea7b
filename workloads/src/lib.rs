//! Workloads: which operations to send, and which checker judges what came back.
//!
//! A workload never learns who answers: it says what is invoked and hears of events, and is the same in
//! virtual and in real time. It opens no file, reads no clock and draws randomness only from the stream that
//! it is handed.
//!
//! Where to start: [`workload`] finds one by name; [`generator`] is the algebra that they are made of. What
//! the operations look like, and how they are judged, is the business of [`checkers`].

mod bank;
pub mod generator;
mod list_append;
mod long_fork;
mod pool;
mod register;
mod rw_register;
mod set;

use std::fmt;
use std::num::NonZeroU32;

pub use rupture_checkers as checkers;
pub use rupture_checkers::history;

use checkers::Checker;
use generator::{Generator, GeneratorExt, Op};

/// One nanosecond after another, a second.
const SECOND_NS: u64 = 1_000_000_000;

/// Which operations to send, and how to judge them.
pub struct Workload {
    /// Its name, as [`workload`] takes it.
    pub name: &'static str,
    /// The main phase, at the rate that was asked for. Most go on for ever: whoever runs them limits their
    /// time.
    pub generator: Box<dyn Generator>,
    /// What to do once faults are undone and the main phase is over; it ends by itself, also where nothing
    /// is answered.
    pub final_generator: Option<Box<dyn Generator>>,
    /// What shows that a healed system serves again.
    pub probes: Probes,
    /// Who judges the history of all phases.
    pub checker: Box<dyn Checker>,
    /// The model that the history is judged by.
    pub model: &'static str,
    /// The level that it is judged at.
    pub consistency: &'static str,
    /// Whether values are `[key value]`, and every key is judged by itself.
    pub independent: bool,
}

/// Operations that a system which serves answers `ok`: a read and a write of every key that the workload has used.
/// They are operations of clients like any other, and are judged with them.
pub struct Probes {
    keys: Box<dyn Fn() -> usize + Send>,
    read: Box<dyn Fn(usize) -> Op + Send>,
    write: Box<dyn FnMut(usize) -> Op + Send>,
}

impl Probes {
    pub(crate) fn new(
        keys: impl Fn() -> usize + Send + 'static,
        read: impl Fn(usize) -> Op + Send + 'static,
        write: impl FnMut(usize) -> Op + Send + 'static,
    ) -> Self {
        Self {
            keys: Box::new(keys),
            read: Box::new(read),
            write: Box::new(write),
        }
    }

    /// How many keys were used so far, at least one; what has no keys counts as one.
    pub fn keys(&self) -> usize {
        (self.keys)().max(1)
    }

    /// A read of a key, by its number from 0.
    pub fn read(&self, key: usize) -> Op {
        (self.read)(key)
    }

    /// A write of a key that no system refuses. What it writes is written nowhere else, where the workload says so
    /// of its writes.
    pub fn write(&mut self, key: usize) -> Op {
        (self.write)(key)
    }
}

/// What can be chosen about a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkloadOptions {
    /// How many worker threads there are.
    pub threads: usize,
    /// How many operations a second are invoked on average, by all threads together; `None` invokes one
    /// whenever a thread is free.
    pub rate_per_second: Option<NonZeroU32>,
    /// How many operations a key gets before its threads move on to the next, where a workload has keys. Where
    /// transactions range over several keys it is how many writes a key gets before a new one takes its place.
    pub ops_per_key: u64,
    /// How many threads work on a key together.
    pub threads_per_key: usize,
    /// How many keys there are; `None` goes on for ever.
    pub keys: Option<u64>,
    /// How many steps a transaction has at most, where a workload has transactions of any length.
    pub txn_length: u64,
}

impl Default for WorkloadOptions {
    /// Ten threads, as fast as they can, five and 150 operations to a key: short enough to be judged at once
    /// even when some of them never complete. Transactions of 1 to 4 steps, as Jepsen's.
    fn default() -> Self {
        Self {
            threads: 10,
            rate_per_second: None,
            ops_per_key: 150,
            threads_per_key: 5,
            keys: None,
            txn_length: 4,
        }
    }
}

impl WorkloadOptions {
    /// The generator at the rate that was asked for.
    fn at_rate(&self, generator: impl Generator + 'static) -> Box<dyn Generator> {
        match self.rate_per_second {
            None => generator.boxed(),
            Some(rate) => generator.stagger(SECOND_NS / u64::from(rate.get())).boxed(),
        }
    }
}

/// A workload that there is.
#[derive(Clone, Copy)]
pub struct WorkloadInfo {
    /// Its name.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    build: fn(&WorkloadOptions) -> Workload,
}

/// No workload has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no workload is named `{name}`")]
pub struct UnknownWorkload {
    /// What was asked for.
    pub name: String,
    /// Every name that there is, in order.
    pub known: Vec<&'static str>,
}

static WORKLOADS: [WorkloadInfo; 7] = [
    WorkloadInfo {
        name: "bank",
        about: "transfers between five accounts and reads of all balances, and final reads on every thread",
        build: bank::bank,
    },
    WorkloadInfo {
        name: "cas-register",
        about: "reads, writes and compare-and-sets of five values, over independent keys",
        build: register::cas_register,
    },
    WorkloadInfo {
        name: "list-append",
        about: "transactions that append to lists and read them, over a few hot keys",
        build: list_append::list_append,
    },
    WorkloadInfo {
        name: "long-fork",
        about: "writes of single keys and reads of groups of them, which may disagree on what came first",
        build: long_fork::long_fork,
    },
    WorkloadInfo {
        name: "register",
        about: "reads and writes of ever new values, over independent keys",
        build: register::register,
    },
    WorkloadInfo {
        name: "rw-register",
        about: "transactions that write registers and read them, over a few hot keys",
        build: rw_register::rw_register,
    },
    WorkloadInfo {
        name: "set",
        about: "adds of ever new integers and reads of them all, and final reads on every thread",
        build: set::set,
    },
];

/// Every workload, by name in the order of the alphabet.
pub fn workloads() -> &'static [WorkloadInfo] {
    &WORKLOADS
}

/// The workload of this name, fresh.
///
/// # Errors
/// There is none.
pub fn workload(name: &str, options: &WorkloadOptions) -> Result<Workload, UnknownWorkload> {
    match WORKLOADS.iter().find(|info| info.name == name) {
        Some(info) => Ok((info.build)(options)),
        None => Err(UnknownWorkload {
            name: name.to_owned(),
            known: WORKLOADS.iter().map(|info| info.name).collect(),
        }),
    }
}

impl fmt::Debug for WorkloadInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorkloadInfo").field(&self.name).finish()
    }
}

impl fmt::Debug for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workload")
            .field("name", &self.name)
            .field("model", &self.model)
            .field("consistency", &self.consistency)
            .finish_non_exhaustive()
    }
}
