//! The language of logs: micro-operations as they are invoked, and as they are answered.

use rupture_history::{EventRef, ValueRef};

use super::MODEL;
use crate::CheckError;

/// Stands for an offset that is not known.
pub(super) const UNKNOWN: i64 = -1;
const INVOKED: &str = "a list of [:send key value] and [:poll]";
const ANSWERED: &str =
    "the invocation's list, with [:send key [offset value]] and [:poll {key [[offset value] ...]}]";

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It sends and polls.
    Transaction,
    Assign,
    Subscribe,
    /// The client is replaced by a new one.
    Crash,
    /// It has nothing to do with the log.
    Other,
}

pub(super) fn role(event: EventRef<'_>) -> Result<Role, CheckError> {
    match event.f() {
        "send" | "poll" | "txn" => Ok(Role::Transaction),
        "assign" => Ok(Role::Assign),
        "subscribe" => Ok(Role::Subscribe),
        "crash" => Ok(Role::Crash),
        "debug-topic-partitions" => Ok(Role::Other),
        f => Err(CheckError::UnknownFunction {
            index: event.index(),
            f: f.to_owned(),
            model: MODEL.to_owned(),
            known: "send, poll, txn, assign, subscribe, crash, debug-topic-partitions".to_owned(),
        }),
    }
}

pub(super) fn wrong(event: EventRef<'_>, expected: &str) -> CheckError {
    CheckError::WrongValue {
        index: event.index(),
        f: event.f().to_owned(),
        found: event.value().to_string(),
        expected: expected.to_owned(),
    }
}

/// A micro-operation as it was invoked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked<'a> {
    Send {
        key: ValueRef<'a>,
        value: ValueRef<'a>,
    },
    Poll,
}

/// What is told of a micro-operation afterwards.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told<'a> {
    /// The offset of a message, or [`UNKNOWN`].
    Sent(i64),
    /// What a poll was handed, by key; `None` where it does not say.
    Polled(Option<ValueRef<'a>>),
}

/// The micro-operations of an invocation. One that was made up from its completion says what was answered: of
/// `[offset message]` what was sent is the message.
pub(super) fn asked(
    event: EventRef<'_>,
) -> Result<impl Iterator<Item = Result<Asked<'_>, CheckError>>, CheckError> {
    let items = event.value().items().ok_or_else(|| wrong(event, INVOKED))?;
    Ok(items.map(move |item| {
        let asked = asked_one(item).ok_or_else(|| wrong(event, INVOKED))?;
        Ok(if event.is_made_up() {
            asked.unanswered()
        } else {
            asked
        })
    }))
}

impl Asked<'_> {
    fn unanswered(self) -> Self {
        match self {
            Self::Send { key, value } => match value.pair() {
                Some((offset, message)) if offset.is_nil() || offset.as_int().is_some() => {
                    Self::Send {
                        key,
                        value: message,
                    }
                }
                _ => self,
            },
            Self::Poll => self,
        }
    }
}

fn asked_one(item: ValueRef<'_>) -> Option<Asked<'_>> {
    let mut parts = item.items()?;
    match parts.next()?.as_name()? {
        "send" => {
            let (key, value) = (parts.next()?, parts.next()?);
            parts.next().is_none().then_some(Asked::Send { key, value })
        }
        "poll" => Some(Asked::Poll),
        _ => None,
    }
}

/// Answers what was asked, one micro-operation after the other.
pub(super) struct Answers<'a> {
    event: EventRef<'a>,
    items: Option<rupture_history::Items<'a>>,
}

impl<'a> Answers<'a> {
    pub(super) fn of(event: EventRef<'a>) -> Self {
        Self {
            event,
            items: event.value().items(),
        }
    }

    /// # Errors
    /// The completion answers another question.
    pub(super) fn next(&mut self, asked: &Asked<'a>) -> Result<Told<'a>, CheckError> {
        let item = self.items.as_mut().and_then(Iterator::next);
        item.and_then(|item| told(item, asked))
            .ok_or_else(|| wrong(self.event, ANSWERED))
    }

    pub(super) fn end(&mut self) -> Result<(), CheckError> {
        if self.items.as_mut().is_some_and(|items| items.len() == 0) {
            Ok(())
        } else {
            Err(wrong(self.event, ANSWERED))
        }
    }
}

fn told<'a>(item: ValueRef<'a>, asked: &Asked<'a>) -> Option<Told<'a>> {
    let mut parts = item.items()?;
    let f = parts.next()?.as_name()?;
    match asked {
        Asked::Send { key, value } => {
            let (same, answer) = (parts.next()? == *key, parts.next()?);
            let same = f == "send" && same && parts.next().is_none();
            sent(answer, *value).filter(|_| same).map(Told::Sent)
        }
        Asked::Poll => {
            let polled = parts.next().filter(|value| !value.is_nil());
            let is_map = polled.is_none_or(|value| value.entries().is_some());
            let fits = f == "poll" && is_map && parts.next().is_none();
            fits.then_some(Told::Polled(polled))
        }
    }
}

/// A message that is itself a list of two is told from an offset and a message by what was asked.
fn sent(answer: ValueRef<'_>, value: ValueRef<'_>) -> Option<i64> {
    if answer == value {
        return Some(UNKNOWN);
    }
    let (at, of) = answer.pair()?;
    let at = offset(at)?;
    (of == value).then_some(at)
}

/// An offset, which may be unknown.
fn offset(value: ValueRef<'_>) -> Option<i64> {
    match value.as_int() {
        Some(offset) => (offset >= 0).then_some(offset),
        None => value.is_nil().then_some(UNKNOWN),
    }
}

/// A message that a poll was handed, and where it lies.
pub(super) fn polled(pair: ValueRef<'_>) -> Option<(i64, ValueRef<'_>)> {
    let (at, value) = pair.pair()?;
    Some((offset(at)?, value))
}

pub(super) fn not_an_answer(event: EventRef<'_>) -> CheckError {
    wrong(event, ANSWERED)
}

/// The keys that `assign` and `subscribe` name.
pub(super) fn named(event: EventRef<'_>) -> Result<Vec<ValueRef<'_>>, CheckError> {
    let value = event.value();
    match value.items() {
        Some(items) => Ok(items.collect()),
        None if value.is_nil() => Ok(Vec::new()),
        None => Err(wrong(event, "a list of keys")),
    }
}

/// Whether a consumer is told to begin at the beginning.
pub(super) fn rewinds(event: EventRef<'_>) -> bool {
    let seek = event.extra("seek-to-beginning?");
    seek.and_then(ValueRef::as_bool).unwrap_or_default()
}

/// The keys that were taken or given while an operation ran.
pub(super) fn rebalanced(event: EventRef<'_>) -> Vec<ValueRef<'_>> {
    let log = event.extra("rebalance-log").and_then(ValueRef::items);
    let keys = log
        .into_iter()
        .flatten()
        .filter_map(|e| e.field("keys")?.items());
    keys.flatten().collect()
}
