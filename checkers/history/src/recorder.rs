//! Recording what threads ask and are answered, as it happens.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Event, History, Kind, Process, Value};

/// Takes down what threads ask and are answered: one call before an operation, and one after it. Clones record into
/// one history.
///
/// An invocation is recorded before [`invoke`](Self::invoke) returns and a completion not before
/// [`ok`](Pending::ok) is called, each in the order in which the threads come to a lock. So where one operation was
/// recorded to end before another began, it did; two that are recorded to overlap may have followed each
/// other closely, which can hide an anomaly and never makes one up. Events have no times: nothing here reads a clock.
///
/// A process runs one operation at a time, and ends with an operation of which nobody knows. Where one goes on all the
/// same, or begins an operation before the last has ended, the new operation is recorded under another name, such as
/// `"3'2"`: the order of the two is then not that of a process.
///
/// ```
/// use rupture_history::{Outcome, Recorder, Value};
///
/// let recorder = Recorder::new();
/// let done = recorder.invoke(0, "write", 3);
/// // Here a client asks a server, and is answered.
/// done.ok(3);
/// drop(recorder.invoke(1, "read", Value::Nil)); // a thread that dies, or forgets: nobody knows
/// let operations = recorder.history();
/// let operations = operations.operations()?;
/// assert_eq!((operations[0].outcome, operations[1].outcome), (Outcome::Ok, Outcome::Info));
/// # Ok::<(), rupture_history::PairingError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    tape: Arc<Mutex<Tape>>,
}

#[derive(Debug, Default)]
struct Tape {
    history: History,
    /// Of every process, the number of its names so far, and whether the last of them is free.
    names: BTreeMap<i64, (u64, bool)>,
}

impl Tape {
    /// The number of the name under which the process begins an operation.
    fn name(&mut self, process: i64) -> u64 {
        let (number, free) = self.names.entry(process).or_insert((1, true));
        if !*free {
            *number += 1;
        }
        *free = false;
        *number
    }

    fn push(&mut self, process: i64, number: u64, kind: Kind, f: &str, value: Value) {
        let mut event = Event::new(process, kind, f, value);
        event.process = named(process, number);
        self.history.push(&event);
    }
}

fn named(process: i64, number: u64) -> Process {
    match number {
        1 => Process::Client(process),
        _ => Process::again(process, number),
    }
}

impl Recorder {
    /// A recorder of a history that is about to begin.
    pub fn new() -> Self {
        Self::default()
    }

    /// That a process begins an operation. To be called before the operation is begun; what it returns says what became
    /// of it, and says that nobody knows if it is dropped.
    pub fn invoke(&self, process: i64, f: &str, value: impl Into<Value>) -> Pending {
        let value = value.into();
        let mut tape = self.tape();
        let number = tape.name(process);
        tape.push(process, number, Kind::Invoke, f, value.clone());
        drop(tape);
        Pending {
            recorder: self.clone(),
            process,
            number,
            f: f.to_owned(),
            argument: Some(value),
        }
    }

    /// What was recorded so far.
    pub fn history(&self) -> History {
        self.tape().history.clone()
    }

    /// A thread that panicked leaves the events whole.
    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An operation that has begun. Dropped, it says that nobody knows what became of it.
///
/// ```
/// use rupture_history::{Outcome, Recorder};
///
/// let recorder = Recorder::new();
/// recorder.invoke(0, "write", 3).fail(); // it certainly did not happen
/// recorder.invoke(0, "write", 4).info(); // nobody knows
/// recorder.invoke(0, "write", 5).ok(5); // process 0 is over: this is recorded as one of another
/// let history = recorder.history();
/// let outcomes: Vec<Outcome> = history.operations()?.iter().map(|o| o.outcome).collect();
/// assert_eq!(outcomes, [Outcome::Fail, Outcome::Info, Outcome::Ok]);
/// assert_eq!(history.get(4).process().to_string(), "\"0'2\"");
/// # Ok::<(), rupture_history::PairingError>(())
/// ```
#[derive(Debug)]
#[must_use = "dropped, it says at once that nobody knows what became of the operation"]
pub struct Pending {
    recorder: Recorder,
    process: i64,
    number: u64,
    f: String,
    /// What was asked; gone once it is told what became of it.
    argument: Option<Value>,
}

impl Pending {
    /// It happened, with this result. To be called after the answer has come.
    pub fn ok(mut self, result: impl Into<Value>) {
        self.argument = None;
        self.end(Kind::Ok, result.into());
    }

    /// It certainly did not happen, and never will.
    pub fn fail(mut self) {
        if let Some(argument) = self.argument.take() {
            self.end(Kind::Fail, argument);
        }
    }

    /// Nobody knows: it may have happened, or may yet, or never.
    pub fn info(self) {
        drop(self);
    }

    fn end(&self, kind: Kind, value: Value) {
        let mut tape = self.recorder.tape();
        tape.push(self.process, self.number, kind, &self.f, value);
        if let Some((number, free)) = tape.names.get_mut(&self.process) {
            *free |= *number == self.number && kind != Kind::Info;
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(argument) = self.argument.take() {
            self.end(Kind::Info, argument);
        }
    }
}

#[cfg(test)]
mod tests;
