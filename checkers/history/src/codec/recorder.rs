//! The event that a reader is in the middle of, whatever its format, and the history that it goes into.
//!
//! Fields come in any order, but the tape wants an event's value first and a map of its other fields
//! directly behind it. Values are therefore written where the tape ends, and `:value` is moved in front of
//! other fields when it comes after them.

use super::error::{Problem, Read};
use super::unique;
use crate::history::{Head, MOST_FUNCTIONS};
use crate::process;
use crate::tape::{Open, Tag, TooLarge};
use crate::{EventRef, History, Kind, Value, ValueRef};

/// The fields that every event has a place for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Index,
    Time,
    Type,
    Process,
    F,
    Value,
}

impl Field {
    #[inline]
    pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
        match name {
            b"index" => Some(Self::Index),
            b"time" => Some(Self::Time),
            b"type" => Some(Self::Type),
            b"process" => Some(Self::Process),
            b"f" => Some(Self::F),
            b"value" => Some(Self::Value),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Time => "time",
            Self::Type => "type",
            Self::Process => "process",
            Self::F => "f",
            Self::Value => "value",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) history: History,
    /// Where the event in hand begins in the file, and on the tape.
    at: usize,
    start: usize,
    index: Option<u64>,
    time: i64,
    kind: Option<Kind>,
    who: Option<i64>,
    f: Option<u32>,
    value_ends: Option<usize>,
    extras: Option<Open>,
    extra_count: usize,
    seen: u8,
    /// Where the first event with a process begins, and the first without.
    first_with: Option<usize>,
    first_without: Option<usize>,
    /// Where an index stands that is not above the one before.
    disorder: Option<usize>,
}

/// Filling in one event.
impl Recorder {
    pub(crate) fn new() -> Self {
        Self {
            history: History::new(),
            at: 0,
            start: 0,
            index: None,
            time: -1,
            kind: None,
            who: None,
            f: None,
            value_ends: None,
            extras: None,
            extra_count: 0,
            seen: 0,
            first_with: None,
            first_without: None,
            disorder: None,
        }
    }

    /// The whole history. Indices that repeat are no numbers of one recorder, so the order of the file is all there
    /// is; where they do not, they contradict that order, and nobody knows which of the two is right.
    pub(crate) fn close(self) -> Read<History> {
        let mut history = self.history;
        history.forget_processes(self.first_without.is_some());
        let Some(at) = self.disorder else {
            return Ok(history);
        };
        let mut indices: Vec<u64> = history.iter().map(EventRef::index).collect();
        let back = indices.windows(2).enumerate();
        let back: Vec<_> = back.filter(|(_, pair)| pair[1] < pair[0]).collect();
        let back = back.first().map(|&(row, pair)| {
            let (times, more) = (back.len(), if back.len() == 1 { "" } else { "s" });
            format!(
                "indices go back {times} time{more}, first from {} to {} at event {} of the file: which operation came \
                 first is judged by the order of the file there, and not by the indices",
                pair[0],
                pair[1],
                row + 1
            )
        });
        indices.sort_unstable();
        let Some(twice) = indices.windows(2).find(|pair| pair[0] == pair[1]) else {
            return Err(Problem::new(at, "an index above that of the event before")
                .remedy("sort the events by index, or leave all indices out"));
        };
        let twice = twice[0];
        history.number_by_row();
        history.note(format!(
            "the index {twice} comes more than once: events are taken in the order of the file, and numbered by it from 0"
        ));
        if let Some(back) = back {
            history.note(back);
        }
        Ok(history)
    }

    /// Begins the event that stands at this offset.
    pub(crate) fn begin(&mut self, at: usize) {
        self.at = at;
        self.start = self.history.tape.end();
        self.index = None;
        self.time = -1;
        self.kind = None;
        self.who = None;
        self.f = None;
        self.value_ends = None;
        self.extras = None;
        self.extra_count = 0;
        self.seen = 0;
    }

    /// Notes that a field was read, once.
    pub(crate) fn see(&mut self, field: Field, at: usize) -> Read<()> {
        let bit = 1 << field as u8;
        if self.seen & bit != 0 {
            return Err(Problem::new(at, "every field of an event once")
                .found(format!("`{}` a second time", field.name())));
        }
        self.seen |= bit;
        Ok(())
    }

    /// The index. -1 is what Jepsen gives an event that has none yet.
    pub(crate) fn set_index(&mut self, index: i64, at: usize) -> Read<()> {
        if index == -1 {
            return Ok(());
        }
        let index = u64::try_from(index)
            .map_err(|_| Problem::new(at, "an index, which is not below zero"))?;
        if self.history.last_index().is_some_and(|last| index <= last) {
            self.disorder.get_or_insert(at);
        }
        self.index = Some(index);
        Ok(())
    }

    pub(crate) fn set_time(&mut self, time: i64) {
        self.time = time;
    }

    pub(crate) fn set_kind(&mut self, kind: Kind) {
        self.kind = Some(kind);
    }

    pub(crate) fn kind(&self) -> Option<Kind> {
        self.kind
    }

    #[inline]
    pub(crate) fn set_process(&mut self, integer: i64) {
        self.who = Some(if process::is_integer(integer) {
            integer
        } else {
            self.history.number_of(&Value::Int(integer))
        });
    }

    pub(crate) fn name_process(&mut self, tag: Tag, text: &str) {
        let names = &mut self.history.tape.names;
        self.who = Some(self.history.processes.named(names, tag, text));
    }

    /// The process is a value that the reader has written, from this position of the tape to its end. Nil is no
    /// name.
    pub(crate) fn process_written(&mut self, from: usize) {
        let name = ValueRef::new(&self.history.tape, from as u32).to_value();
        self.history.tape.words.truncate(from);
        self.who = (!name.is_nil()).then(|| self.history.number_of(&name));
    }

    pub(crate) fn set_f(&mut self, name: &str) {
        self.f = Some(self.history.tape.names.intern(name));
    }

    /// The reader has written the event's value, from this position of the tape to its end.
    pub(crate) fn value_written(&mut self, from: usize) {
        let words = &mut self.history.tape.words;
        let length = words.len() - from;
        if let Some(extras) = &mut self.extras {
            words[self.start..].rotate_right(length);
            extras.at += length;
        }
        self.value_ends = Some(self.start + length);
    }

    /// Another field: the reader writes its value next.
    pub(crate) fn extra(&mut self, name: &str) {
        let tape = &mut self.history.tape;
        if self.extras.is_none() {
            self.extras = Some(tape.open(Tag::Map));
        }
        tape.named(Tag::Keyword, name);
        self.extra_count += 1;
    }
}

/// Recording it.
impl Recorder {
    /// The event is complete.
    pub(crate) fn finish(&mut self) -> Read<()> {
        let Some(kind) = self.kind else {
            return Err(self.incomplete());
        };
        if self.value_ends.is_none() {
            let from = self.history.tape.end();
            self.history.tape.nil();
            self.value_written(from);
        }
        if let Some(open) = self.extras {
            let closed = self.history.tape.close(open, self.extra_count);
            closed.map_err(|TooLarge| too_large(self.at))?;
            if self.extra_count > 1 {
                unique::check(&self.history.tape, open.at, self.at)?;
            }
        }
        let process = self.process()?;
        let f = self.f.unwrap_or_else(|| self.history.tape.names.intern(""));
        let value = u32::try_from(self.start).map_err(|_| too_large(self.at))?;
        if f >= MOST_FUNCTIONS || u32::try_from(self.history.len()).is_err() {
            return Err(too_large(self.at));
        }
        self.history.push_row(Head {
            index: self.index,
            time: self.time,
            kind,
            process,
            f,
            value,
            extra: self.extras.is_some(),
        });
        Ok(())
    }

    fn incomplete(&self) -> Problem {
        Problem::new(
            self.at,
            "an event with a `type` of invoke, ok, fail or info",
        )
        .found("an event without a `type`")
    }

    /// A history in which nobody has a process is that of one client, 0, who does one thing after the
    /// other. One in which only some events have none is refused: whichever client we put them to, we
    /// could make up an order that never was.
    fn process(&mut self) -> Read<i64> {
        let (own, other) = match self.who {
            Some(_) => (&mut self.first_with, self.first_without),
            None => (&mut self.first_without, self.first_with),
        };
        own.get_or_insert(self.at);
        if other.is_some() {
            return Err(
                Problem::new(self.at, "a `process` in every event or in none")
                    .found(match self.who {
                        Some(_) => "the first event with one",
                        None => "the first event without one",
                    })
                    .remedy("give every event its process"),
            );
        }
        Ok(self.who.unwrap_or(0))
    }
}

pub(crate) fn too_large(at: usize) -> Problem {
    Problem::new(at, "a value of at most 2^28 atoms")
        .found("a larger one")
        .remedy("split the history")
}

#[cfg(test)]
mod tests {
    use crate::codec::edn::Reader;

    #[test]
    fn a_value_with_too_many_atoms_is_refused() {
        let read = |text: &str| {
            let mut reader = Reader::new(text);
            reader.recorder.history.tape.set_most_words(4);
            reader.value().map_err(|problem| problem.at())
        };
        assert_eq!(read("[1 2 3]"), Ok(()));
        assert_eq!(read("1 [1 2 3 4]"), Ok(()), "only the first value is read");
        assert_eq!(read("[1 2 3 4]"), Err(0));
        assert_eq!(read("[[] #{1 2 3 4}]"), Err(4));
        assert_eq!(read("#a [1]"), Ok(()));
        assert_eq!(read("#a [1 2]"), Err(0));
    }

    #[test]
    fn other_fields_with_too_many_atoms_are_refused() {
        let mut reader = Reader::new("");
        reader.recorder.history.tape.set_most_words(4);
        reader.recorder.begin(7);
        reader.recorder.set_kind(crate::Kind::Ok);
        for name in ["a", "b"] {
            reader.recorder.extra(name);
            reader.recorder.history.tape.nil();
        }
        assert_eq!(
            reader.recorder.finish().map_err(|problem| problem.at()),
            Err(7)
        );
    }
}
