//! One object of a history and its operations, as the judges read them.

use rupture_history::{EventRef, Evidence, History, Kind, Operation, Outcome, Value, ValueRef};

use crate::CheckError;

/// All operations on one object.
pub(super) struct Case<'a> {
    pub(super) history: &'a History,
    pub(super) operations: &'a [Operation],
    pub(super) model: &'static str,
    /// The key, where keys are judged apart.
    pub(super) key: Option<Value>,
    pub(super) numbers: Vec<u32>,
}

impl<'a> Case<'a> {
    /// The operations in the order of their invocations.
    pub(super) fn ops(&self) -> impl ExactSizeIterator<Item = Op<'a>> + '_ {
        self.numbers.iter().map(|&number| self.op(number))
    }

    /// The operation of that number in the whole history.
    pub(super) fn op(&self, number: u32) -> Op<'a> {
        Op {
            history: self.history,
            row: &self.operations[number as usize],
            number,
            keyed: self.key.is_some(),
        }
    }

    /// How many operations there are.
    pub(super) fn count(&self) -> usize {
        self.numbers.len()
    }

    /// ` of key k`, or nothing.
    pub(super) fn of_key(&self) -> String {
        let key = self.key.as_ref();
        key.map_or(String::new(), |key| format!(" of key {key}"))
    }

    /// That the type has no such function.
    pub(super) fn unknown(&self, op: Op<'_>, known: &str) -> CheckError {
        CheckError::UnknownFunction {
            index: op.invocation().index(),
            f: op.f().to_owned(),
            model: self.model.to_owned(),
            known: known.to_owned(),
        }
    }
}

/// An operation, with its values freed of the key.
#[derive(Clone, Copy)]
pub(super) struct Op<'a> {
    history: &'a History,
    row: &'a Operation,
    /// Its number in the whole history.
    pub(super) number: u32,
    keyed: bool,
}

impl<'a> Op<'a> {
    fn invocation(self) -> EventRef<'a> {
        self.history.get(self.row.invoked as usize)
    }

    fn completion(self) -> Option<EventRef<'a>> {
        let row = self.row.completed?;
        Some(self.history.get(row as usize))
    }

    fn unkeyed(self, value: ValueRef<'a>) -> ValueRef<'a> {
        let pair = value.pair().filter(|_| self.keyed);
        pair.map_or(value, |(_, value)| value)
    }

    pub(super) fn f(self) -> &'a str {
        self.invocation().f()
    }

    pub(super) fn process(self) -> i64 {
        self.row.process
    }

    pub(super) fn argument(self) -> ValueRef<'a> {
        self.unkeyed(self.invocation().value())
    }

    /// What an `ok` operation returned.
    pub(super) fn result(self) -> Option<ValueRef<'a>> {
        let event = self.completion().filter(|_| self.is_ok())?;
        Some(self.unkeyed(event.value()))
    }

    pub(super) fn is_ok(self) -> bool {
        self.row.outcome == Outcome::Ok && self.row.completed.is_some()
    }

    /// Whether its completion says `ok`, also of a drain that did nothing beside the dequeues inside it.
    pub(super) fn answered(self) -> bool {
        self.completion()
            .is_some_and(|event| event.kind() == Kind::Ok)
    }

    pub(super) fn failed(self) -> bool {
        self.row.outcome == Outcome::Fail
    }

    /// The row of its invocation.
    pub(super) fn invoked(self) -> u32 {
        self.row.invoked
    }

    /// The row of its `ok`, or [`NEVER`].
    pub(super) fn acknowledged(self) -> u32 {
        self.row.completed.filter(|_| self.is_ok()).unwrap_or(NEVER)
    }

    /// The row of its last event, whatever that says.
    pub(super) fn last_row(self) -> u32 {
        self.row.completed.unwrap_or(self.row.invoked)
    }

    /// The row at which it ended, whatever that says; [`NEVER`] if it did not.
    pub(super) fn ended(self) -> u32 {
        self.row.completed.unwrap_or(NEVER)
    }

    /// Whether its workload said that it comes after quiet: Jepsen's `:final? true`.
    pub(super) fn is_final(self) -> bool {
        let marked = |event: EventRef<'_>| {
            let mark = event.extra("final?").and_then(ValueRef::as_bool);
            mark == Some(true)
        };
        marked(self.invocation()) || self.completion().is_some_and(marked)
    }

    pub(super) fn evidence(self) -> Evidence {
        Evidence::of(self.history, self.row)
    }

    /// The index of its invocation, by which people find it.
    pub(super) fn index(self) -> u64 {
        self.invocation().index()
    }

    /// The index of its completion, or of its invocation where there is none.
    pub(super) fn completed_index(self) -> u64 {
        self.completion().unwrap_or(self.invocation()).index()
    }

    /// That its argument is not this.
    pub(super) fn wrong_argument(self, expected: &str) -> CheckError {
        wrong(self.invocation(), expected)
    }

    /// That its result is not this.
    pub(super) fn wrong_result(self, expected: &str) -> CheckError {
        wrong(self.completion().unwrap_or(self.invocation()), expected)
    }
}

/// The row of what never came.
pub(super) const NEVER: u32 = u32::MAX;

/// A value that is not what it should be.
pub(super) fn wrong(event: EventRef<'_>, expected: &str) -> CheckError {
    CheckError::WrongValue {
        index: event.index(),
        f: event.f().to_owned(),
        found: event.value().to_string(),
        expected: expected.to_owned(),
    }
}
