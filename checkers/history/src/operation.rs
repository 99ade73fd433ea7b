//! Pairing invocations with completions.

use rustc_hash::FxHashMap;

use crate::{History, Kind};

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It happened.
    Ok,
    /// It did not happen.
    Fail,
    /// Nobody knows: it may have happened, or may yet.
    Info,
}

/// One operation of a client, by the rows of its two events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Who.
    pub process: i64,
    /// The row of the invocation.
    pub invoked: u32,
    /// The row of the completion, if it ever completed. An `info` operation counts as running forever,
    /// whether or not it has one.
    pub completed: Option<u32>,
    /// How it ended.
    pub outcome: Outcome,
}

/// A history whose events do not pair.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairingError {
    /// A client invoked an operation while its last one was open.
    #[error(
        "event {index}: process {process} invokes `{f}` while its operation of event {open} is still open; \
         a process runs one operation at a time"
    )]
    TwoOpen {
        /// The index of the second invocation.
        index: u64,
        /// The index of the first.
        open: u64,
        /// Who.
        process: i64,
        /// What it invoked.
        f: String,
    },
    /// A completion without an invocation.
    #[error("event {index}: process {process} completes `{f}` that it never invoked")]
    NeverInvoked {
        /// The index of the completion.
        index: u64,
        /// Who.
        process: i64,
        /// What it completed.
        f: String,
    },
    /// A completion names another function than its invocation.
    #[error(
        "event {index}: process {process} completes `{f}`, but event {open} had invoked `{invoked}`"
    )]
    OtherFunction {
        /// The index of the completion.
        index: u64,
        /// The index of the invocation.
        open: u64,
        /// Who.
        process: i64,
        /// What it completed.
        f: String,
        /// What it had invoked.
        invoked: String,
    },
}

pub(crate) fn pair(history: &History) -> Result<Vec<Operation>, PairingError> {
    let mut operations: Vec<Operation> = Vec::with_capacity(history.len() / 2);
    let mut open: FxHashMap<i64, usize> = FxHashMap::default();
    for (row, event) in history.iter().enumerate() {
        let Some(process) = event.client() else {
            continue;
        };
        if event.kind() == Kind::Invoke {
            if let Some(first) = open.insert(process, operations.len()) {
                return Err(PairingError::TwoOpen {
                    index: event.index(),
                    open: history.get(operations[first].invoked as usize).index(),
                    process,
                    f: event.f().to_owned(),
                });
            }
            operations.push(Operation {
                process,
                invoked: row as u32,
                completed: None,
                outcome: Outcome::Info,
            });
            continue;
        }
        let Some(number) = open.remove(&process) else {
            return Err(PairingError::NeverInvoked {
                index: event.index(),
                process,
                f: event.f().to_owned(),
            });
        };
        let operation = &mut operations[number];
        let invocation = history.get(operation.invoked as usize);
        if invocation.f() != event.f() {
            return Err(PairingError::OtherFunction {
                index: event.index(),
                open: invocation.index(),
                process,
                f: event.f().to_owned(),
                invoked: invocation.f().to_owned(),
            });
        }
        operation.completed = Some(row as u32);
        operation.outcome = match event.kind() {
            Kind::Ok => Outcome::Ok,
            Kind::Fail => Outcome::Fail,
            Kind::Invoke | Kind::Info => Outcome::Info,
        };
    }
    Ok(operations)
}
