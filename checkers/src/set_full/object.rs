//! One set's adds and reads, taken from a history.

use rupture_history::{EventRef, History, Operation, Outcome, Value, ValueRef};
use rustc_hash::FxHashMap;

use crate::CheckError;
use crate::values::canonical;

use super::MODEL;

/// An `ok` read of all elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    /// The operation's number.
    pub(super) operation: u32,
    /// The rows of its events.
    pub(super) invoked: u32,
    pub(super) completed: u32,
}

/// One add, whatever came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Add {
    pub(super) operation: u32,
    pub(super) invoked: u32,
    /// The row of its `ok`.
    pub(super) acknowledged: Option<u32>,
    pub(super) failed: bool,
}

/// A set: all that the history says of one key.
#[derive(Debug, Default)]
pub(super) struct Object {
    pub(super) key: Option<Value>,
    /// In the order of their invocations.
    pub(super) adds: Vec<Add>,
    /// The same.
    pub(super) reads: Vec<Read>,
    /// How many operations there are, reads that saw nothing included.
    pub(super) operations: u64,
}

impl Object {
    /// The sets of a history in the order of their first operations: one, or one for each key.
    pub(super) fn all(
        history: &History,
        operations: &[Operation],
        independent: bool,
    ) -> Result<Vec<Self>, CheckError> {
        let mut objects: Vec<Self> = Vec::new();
        let mut by_key: FxHashMap<Option<Value>, usize> = FxHashMap::default();
        for (number, operation) in operations.iter().enumerate() {
            let event = history.get(operation.invoked as usize);
            let key = if independent {
                Some(canonical(unkeyed(event)?.0.to_value()))
            } else {
                None
            };
            let at = *by_key.entry(key.clone()).or_insert(objects.len());
            if at == objects.len() {
                objects.push(Self {
                    key,
                    ..Self::default()
                });
            }
            objects[at].push(history, number as u32, operation)?;
        }
        Ok(objects)
    }

    /// Whether any of its operations was `ok`.
    pub(super) fn is_seen(&self) -> bool {
        let acknowledged = |add: &Add| add.acknowledged.is_some();
        !self.reads.is_empty() || self.adds.iter().any(acknowledged)
    }

    fn push(
        &mut self,
        history: &History,
        number: u32,
        operation: &Operation,
    ) -> Result<(), CheckError> {
        let event = history.get(operation.invoked as usize);
        self.operations += 1;
        match event.f() {
            "add" | "broadcast" => self.push_add(number, operation),
            "read" => self.push_read(history, number, operation)?,
            f => {
                return Err(CheckError::UnknownFunction {
                    index: event.index(),
                    f: f.to_owned(),
                    model: MODEL.to_owned(),
                    known: "add, broadcast, read".to_owned(),
                });
            }
        }
        Ok(())
    }

    fn push_add(&mut self, operation: u32, add: &Operation) {
        self.adds.push(Add {
            operation,
            invoked: add.invoked,
            acknowledged: add.completed.filter(|_| add.outcome == Outcome::Ok),
            failed: add.outcome == Outcome::Fail,
        });
    }

    fn push_read(
        &mut self,
        history: &History,
        operation: u32,
        read: &Operation,
    ) -> Result<(), CheckError> {
        let Some(completed) = read.completed.filter(|_| read.outcome == Outcome::Ok) else {
            return Ok(());
        };
        let event = history.get(completed as usize);
        let value = self.result(event)?;
        if value.items().is_none() && !value.is_nil() {
            return Err(wrong(event, "a collection of elements"));
        }
        self.reads.push(Read {
            operation,
            invoked: read.invoked,
            completed,
        });
        Ok(())
    }

    /// The value of an event, without its key.
    fn result<'a>(&self, event: EventRef<'a>) -> Result<ValueRef<'a>, CheckError> {
        let Some(invoked) = &self.key else {
            return Ok(event.value());
        };
        let (key, value) = unkeyed(event)?;
        if canonical(key.to_value()) == *invoked {
            Ok(value)
        } else {
            Err(wrong(event, "[key value] with the key that was invoked"))
        }
    }

    /// What an add adds.
    pub(super) fn element<'a>(&self, history: &'a History, add: &Add) -> ValueRef<'a> {
        let value = history.get(add.invoked as usize).value();
        self.without_key(value)
    }

    /// What a read saw.
    pub(super) fn seen<'a>(
        &self,
        history: &'a History,
        read: &Read,
    ) -> impl Iterator<Item = ValueRef<'a>> + use<'a> {
        let value = history.get(read.completed as usize).value();
        self.without_key(value).items().into_iter().flatten()
    }

    fn without_key<'a>(&self, value: ValueRef<'a>) -> ValueRef<'a> {
        match (&self.key, value.pair()) {
            (Some(_), Some((_, value))) => value,
            _ => value,
        }
    }
}

fn unkeyed(event: EventRef<'_>) -> Result<(ValueRef<'_>, ValueRef<'_>), CheckError> {
    event
        .value()
        .pair()
        .ok_or_else(|| wrong(event, "[key value]"))
}

fn wrong(event: EventRef<'_>, expected: &str) -> CheckError {
    CheckError::WrongValue {
        index: event.index(),
        f: event.f().to_owned(),
        found: event.value().to_string(),
        expected: expected.to_owned(),
    }
}
