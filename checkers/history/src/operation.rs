//! Pairing invocations with completions.
//!
//! A process runs one operation at a time, so a completion belongs to the last invocation of its process.
//! That a process which got `info` is never used again is not required here: its operation stays open for
//! ever either way.
//!
//! One thing nests: Jepsen's clients drain a queue by dequeues of the same process, which they record before the drain
//! itself completes. What such a drain did are the dequeues inside it, so by itself it did nothing, and that is how it is
//! paired: as `fail`, or as `info` if it never completed. Where it answers with values as well nobody knows whether they
//! are the same ones: that is refused.

use rustc_hash::FxHashMap;

use crate::{EventRef, History, Kind, Process, ValueRef};

/// How an operation ended.
///
/// ```
/// use rupture_history::{Outcome, codec};
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :cas :value [1 2]}
///       {:process 0 :type :fail :f :cas :value [1 2]}",
/// )?;
/// assert_eq!(history.operations()?[0].outcome, Outcome::Fail);
/// assert_eq!(Outcome::Fail.name(), "fail");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
///
/// ```
/// use rupture_history::{Operation, Outcome};
///
/// let write = Operation { process: 0, invoked: 0, completed: Some(1), outcome: Outcome::Ok };
/// let read = Operation { process: 1, invoked: 2, completed: Some(3), outcome: Outcome::Ok };
/// assert!(write.precedes(&read));
/// // Nobody knows when an operation took effect that timed out.
/// let lost = Operation { outcome: Outcome::Info, ..write };
/// assert_eq!(lost.ended(), None);
/// assert!(!lost.precedes(&read));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Who: a client's integer, or the number that the history has given to a name (see
    /// [`History::process`]).
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
///
/// ```
/// use rupture_history::{PairingError, codec};
///
/// let history = codec::read(b"{:process 0 :type :ok :f :read :value 1}")?;
/// let error = history.operations().unwrap_err();
/// assert!(matches!(error, PairingError::NeverInvoked { index: 0, .. }));
/// assert_eq!(error.to_string(), "event 0: process 0 completes `read` that it never invoked");
/// # Ok::<(), codec::ParseError>(())
/// ```
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
        process: Process,
        /// What it invoked.
        f: String,
    },
    /// A completion without an invocation.
    #[error("event {index}: process {process} completes `{f}` that it never invoked")]
    NeverInvoked {
        /// The index of the completion.
        index: u64,
        /// Who.
        process: Process,
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
        process: Process,
        /// What it completed.
        f: String,
        /// What it had invoked.
        invoked: String,
    },
    /// A drain that answers with values although its process dequeued inside it.
    #[error(
        "event {index}: process {process} answers its drain with values and had dequeued inside it; keep one of the two, \
         or what came out would count twice"
    )]
    DrainedTwice {
        /// The index of the drain's completion.
        index: u64,
        /// Who.
        process: Process,
    },
}

impl Operation {
    /// Until when the operation ran: the row of its completion, or `None` when it may run forever, which
    /// every `info` operation may.
    pub fn ended(&self) -> Option<u32> {
        self.completed.filter(|_| self.outcome != Outcome::Info)
    }

    /// Whether this operation had ended before the other was invoked: the real-time order.
    pub fn precedes(&self, other: &Self) -> bool {
        self.ended().is_some_and(|row| row < other.invoked)
    }
}

impl Outcome {
    /// The word that histories use for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::Info => "info",
        }
    }
}

/// The operation in which others of the same process may nest, and those others.
const DRAIN: &str = "drain";
const DEQUEUE: &str = "dequeue";

pub(crate) fn pair(history: &History) -> Result<Vec<Operation>, PairingError> {
    let mut operations: Vec<Operation> = Vec::with_capacity(history.len() / 2);
    let mut open: FxHashMap<i64, usize> = FxHashMap::default();
    // Drains inside which their process dequeued; as a rule there are none.
    let mut drains: FxHashMap<i64, usize> = FxHashMap::default();
    for (row, event) in history.iter().enumerate() {
        let Some(process) = event.client() else {
            continue;
        };
        if event.kind() != Kind::Invoke {
            let innermost = open.remove(&process);
            // A drain that completes may leave a dequeue open, of which then nobody knows.
            let ends = innermost.is_none() || (!drains.is_empty() && event.f() == DRAIN);
            let drain = if ends { drains.remove(&process) } else { None };
            match (drain, innermost) {
                (Some(drain), _) => complete_drain(history, &mut operations[drain], event, row)?,
                (None, Some(number)) => complete(history, &mut operations[number], event, row)?,
                (None, None) => return Err(never_invoked(event)),
            }
            continue;
        }
        if let Some(first) = open.insert(process, operations.len()) {
            let outer = history.get(operations[first].invoked as usize);
            let nests = outer.f() == DRAIN && event.f() == DEQUEUE;
            if !nests || drains.insert(process, first).is_some() {
                return Err(two_open(history, &operations[first], event));
            }
        } else if !drains.is_empty()
            && let Some(drain) = drains.get(&process).filter(|_| event.f() != DEQUEUE)
        {
            return Err(two_open(history, &operations[*drain], event));
        }
        operations.push(Operation {
            process,
            invoked: row as u32,
            completed: None,
            outcome: Outcome::Info,
        });
    }
    Ok(operations)
}

/// A drain inside which its process dequeued.
fn complete_drain(
    history: &History,
    drain: &mut Operation,
    completion: EventRef<'_>,
    row: usize,
) -> Result<(), PairingError> {
    complete(history, drain, completion, row)?;
    if drain.outcome == Outcome::Ok && has_values(completion.value()) {
        return Err(PairingError::DrainedTwice {
            index: completion.index(),
            process: completion.process(),
        });
    }
    drain.outcome = Outcome::Fail;
    Ok(())
}

/// Whether a drain answers with values: some, and not `[key :exhausted]` nor `[key []]` where keys are independent.
fn has_values(value: ValueRef<'_>) -> bool {
    let some = |value: ValueRef<'_>| value.count().is_some_and(|count| count > 0);
    match value.pair() {
        Some((_, inner)) if inner.is_nil() || inner.as_name() == Some("exhausted") => false,
        Some((_, inner)) if inner.count().is_some() => some(inner),
        _ => some(value),
    }
}

/// A completion may leave its function out: it cannot name another than its invocation anyway.
fn complete(
    history: &History,
    operation: &mut Operation,
    completion: EventRef<'_>,
    row: usize,
) -> Result<(), PairingError> {
    let invocation = history.get(operation.invoked as usize);
    if invocation.f_number() != completion.f_number() && !completion.f().is_empty() {
        return Err(PairingError::OtherFunction {
            index: completion.index(),
            open: invocation.index(),
            process: completion.process(),
            f: completion.f().to_owned(),
            invoked: invocation.f().to_owned(),
        });
    }
    operation.completed = Some(row as u32);
    operation.outcome = match completion.kind() {
        Kind::Ok => Outcome::Ok,
        Kind::Fail => Outcome::Fail,
        Kind::Invoke | Kind::Info => Outcome::Info,
    };
    Ok(())
}

fn never_invoked(event: EventRef<'_>) -> PairingError {
    PairingError::NeverInvoked {
        index: event.index(),
        process: event.process(),
        f: event.f().to_owned(),
    }
}

fn two_open(history: &History, first: &Operation, event: EventRef<'_>) -> PairingError {
    PairingError::TwoOpen {
        index: event.index(),
        open: history.get(first.invoked as usize).index(),
        process: event.process(),
        f: event.f().to_owned(),
    }
}
