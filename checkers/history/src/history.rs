//! A history: what clients saw, event by event, in a compact form.

use crate::event::{Event, Kind, Process};
use crate::operation::{self, Operation, PairingError};
use crate::tape::{Tape, ValueRef};
use crate::{Name, Value};

const NO_EXTRA: u32 = u32::MAX;

/// One event, 40 bytes; its value lies on the tape.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) index: u64,
    pub(crate) time: i64,
    /// A client's number, or the number of a name.
    pub(crate) process: i64,
    pub(crate) value: u32,
    pub(crate) extra: u32,
    pub(crate) f: u32,
    pub(crate) kind: Kind,
    pub(crate) client: bool,
}

/// A sequence of events in the order in which they were recorded.
///
/// Stored flat: 40 bytes an event, and eight more for each atom of its value; strings are kept once. A
/// *row* is an event's position, from 0; its `index` is the number that the file gave it.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub(crate) rows: Vec<Row>,
    pub(crate) tape: Tape,
}

impl History {
    /// An empty history.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an event and returns its row. An event without an index gets the next one.
    pub fn push(&mut self, event: &Event) -> usize {
        let f = self.tape.names.intern(&event.f);
        let (client, process) = match &event.process {
            Process::Client(number) => (true, *number),
            Process::Named(name) => (false, i64::from(self.tape.names.intern(name))),
        };
        let value = self.tape.end();
        self.tape.push(&event.value);
        let extra = self.push_extra(&event.extra);
        let next = self.rows.last().map_or(0, |row| row.index + 1);
        self.rows.push(Row {
            index: event.index.unwrap_or(next),
            time: event.time,
            process,
            value,
            extra,
            f,
            kind: event.kind,
            client,
        });
        self.rows.len() - 1
    }

    fn push_extra(&mut self, extra: &[(Name, Value)]) -> u32 {
        if extra.is_empty() {
            return NO_EXTRA;
        }
        let at = self.tape.end();
        let open = self.tape.open_map();
        for (name, value) in extra {
            self.tape.keyword(name);
            self.tape.push(value);
        }
        self.tape.close(&open, extra.len());
        at
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The event at a row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn get(&self, row: usize) -> EventRef<'_> {
        EventRef {
            history: self,
            row: &self.rows[row],
        }
    }

    /// All events, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = EventRef<'_>> {
        self.rows.iter().map(|row| EventRef { history: self, row })
    }

    /// The operations of clients, in the order of their invocations. An operation that never completed
    /// has the outcome `info`. Linear time.
    ///
    /// # Errors
    /// A client with two open operations, or a completion that nobody invoked.
    pub fn operations(&self) -> Result<Vec<Operation>, PairingError> {
        operation::pair(self)
    }

    /// How many bytes of memory the history holds.
    pub fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Row>() + self.tape.bytes()
    }
}

impl<'a> FromIterator<&'a Event> for History {
    fn from_iter<I: IntoIterator<Item = &'a Event>>(events: I) -> Self {
        let mut history = Self::new();
        for event in events {
            history.push(event);
        }
        history
    }
}

/// A view of one event.
#[derive(Clone, Copy, Debug)]
pub struct EventRef<'a> {
    history: &'a History,
    row: &'a Row,
}

impl<'a> EventRef<'a> {
    /// The number that the file gave the event.
    pub fn index(self) -> u64 {
        self.row.index
    }

    /// Nanoseconds since the run began; -1 where the history does not say.
    pub fn time(self) -> i64 {
        self.row.time
    }

    /// Invocation or completion.
    pub fn kind(self) -> Kind {
        self.row.kind
    }

    /// The client's number; `None` for the nemesis and the like.
    pub fn client(self) -> Option<i64> {
        self.row.client.then_some(self.row.process)
    }

    /// Who.
    pub fn process(self) -> Process {
        match self.client() {
            Some(number) => Process::Client(number),
            None => Process::Named(self.history.tape.names.get(self.row.process as u32).into()),
        }
    }

    /// The function; empty where the history does not say.
    pub fn f(self) -> &'a str {
        self.history.tape.names.get(self.row.f)
    }

    /// The argument, or in an `ok` completion the result.
    pub fn value(self) -> ValueRef<'a> {
        self.history.tape.at(self.row.value)
    }

    /// All other fields, in the order in which they were written.
    pub fn extras(self) -> impl Iterator<Item = (&'a str, ValueRef<'a>)> {
        let map = (self.row.extra != NO_EXTRA).then(|| self.history.tape.at(self.row.extra));
        map.and_then(ValueRef::entries)
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.as_name()?, value)))
    }

    /// One of the other fields.
    pub fn extra(self, name: &str) -> Option<ValueRef<'a>> {
        self.extras().find(|(n, _)| *n == name).map(|(_, v)| v)
    }

    /// An owned copy.
    pub fn to_event(self) -> Event {
        Event {
            index: Some(self.index()),
            time: self.time(),
            kind: self.kind(),
            process: self.process(),
            f: self.f().into(),
            value: self.value().to_value(),
            extra: self
                .extras()
                .map(|(name, value)| (name.into(), value.to_value()))
                .collect(),
        }
    }
}
