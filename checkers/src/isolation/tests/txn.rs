//! Small transactions, and the histories that clients would have recorded of them.

use std::fmt;

use rupture_history::{Event, EventRef, History, Kind, Outcome, Value, ValueRef};

/// A micro-operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Micro {
    /// Appends a value to the list of a key.
    Append(usize, i64),
    /// Writes a value to the register of a key.
    Write(usize, i64),
    /// Reads a key.
    Read(usize, Seen),
}

/// What a read returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nobody was told.
    Nothing,
    /// A list.
    List(Vec<i64>),
    /// What a register held, if anything was written to it.
    Value(Option<i64>),
}

/// A transaction between two moments. The moments of a history all differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Txn {
    pub(crate) process: i64,
    pub(crate) invoked: usize,
    /// When its completion was recorded, whatever that said.
    pub(crate) completed: Option<usize>,
    pub(crate) outcome: Outcome,
    pub(crate) micros: Vec<Micro>,
}

/// The names of the keys.
const KEYS: [&str; 4] = ["x", "y", "z", "w"];

impl Micro {
    pub(crate) fn key(&self) -> usize {
        match self {
            Self::Append(key, _) | Self::Write(key, _) | Self::Read(key, _) => *key,
        }
    }

    /// As an invocation has it, or with what it saw.
    fn value(&self, answered: bool) -> Value {
        let (f, argument) = match self {
            Self::Append(_, value) => ("append", Value::Int(*value)),
            Self::Write(_, value) => ("w", Value::Int(*value)),
            Self::Read(_, seen) if answered => ("r", seen.value()),
            Self::Read(..) => ("r", Value::Nil),
        };
        let key = Value::keyword(KEYS[self.key()]);
        Value::Vector(vec![Value::keyword(f), key, argument])
    }

    fn read(micro: ValueRef<'_>) -> Self {
        let mut parts = micro.items().expect("a micro-operation");
        let mut part = || parts.next().expect("three parts");
        let (f, key, argument) = (part(), part(), part());
        let key = key.as_name().expect("a name");
        let key = KEYS.iter().position(|name| *name == key);
        let key = key.expect("a known key");
        match f.as_name().expect("a name") {
            "append" => Self::Append(key, argument.as_int().expect("an integer")),
            "w" => Self::Write(key, argument.as_int().expect("an integer")),
            _ => Self::Read(key, Seen::of(argument)),
        }
    }
}

impl Seen {
    fn value(&self) -> Value {
        match self {
            Self::Nothing | Self::Value(None) => Value::Nil,
            Self::List(list) => Value::Vector(list.iter().copied().map(Value::Int).collect()),
            Self::Value(Some(value)) => Value::Int(*value),
        }
    }

    /// A `nil` is taken as an empty register; lists are read as `[]`.
    fn of(value: ValueRef<'_>) -> Self {
        match value.items() {
            None => Self::Value(value.as_int()),
            Some(items) => Self::List(items.filter_map(ValueRef::as_int).collect()),
        }
    }
}

impl Txn {
    pub(crate) fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    /// What it appended to a key, in order.
    pub(crate) fn appends(&self, of: usize) -> impl Iterator<Item = i64> {
        self.micros.iter().filter_map(move |micro| match micro {
            Micro::Append(key, value) if *key == of => Some(*value),
            _ => None,
        })
    }

    /// Its reads of lists that were answered: their place among its micro-operations, their key, and the list.
    pub(crate) fn reads(&self) -> impl Iterator<Item = (usize, usize, &[i64])> {
        let places = self.micros.iter().enumerate();
        places.filter_map(|(place, micro)| match micro {
            Micro::Read(key, Seen::List(list)) if self.is_ok() => Some((place, *key, &**list)),
            _ => None,
        })
    }

    /// Whether it was seen to end before the other began.
    pub(crate) fn precedes(&self, other: &Self) -> bool {
        let known = self.outcome != Outcome::Info;
        let ended = self.completed.filter(|_| known);
        ended.is_some_and(|ended| ended < other.invoked)
    }

    fn value(&self, answered: bool) -> Value {
        Value::Vector(
            self.micros
                .iter()
                .map(|micro| micro.value(answered))
                .collect(),
        )
    }
}

/// How many keys they have.
pub(crate) fn key_count(txns: &[Txn]) -> usize {
    let keys = txns.iter().flat_map(|txn| &txn.micros).map(Micro::key);
    keys.max().map_or(0, |last| last + 1)
}

/// What clients would have recorded.
pub(crate) fn history(txns: &[Txn]) -> History {
    let mut events: Vec<(usize, Event)> = Vec::new();
    for txn in txns {
        let event = |kind| {
            let value = txn.value(kind == Kind::Ok);
            Event::new(txn.process, kind, "txn", value)
        };
        events.push((txn.invoked, event(Kind::Invoke)));
        if let Some(at) = txn.completed {
            let kind = match txn.outcome {
                Outcome::Ok => Kind::Ok,
                Outcome::Fail => Kind::Fail,
                Outcome::Info => Kind::Info,
            };
            events.push((at, event(kind)));
        }
    }
    events.sort_by_key(|(at, _)| *at);
    events.iter().map(|(_, event)| event).collect()
}

/// The transactions of a history.
pub(crate) fn transactions(history: &History) -> Vec<Txn> {
    let micros = |event: EventRef<'_>| -> Vec<Micro> {
        let items = event.value().items().expect("micro-operations");
        items.map(Micro::read).collect()
    };
    let operations = history.operations().expect("events pair");
    let txn = |operation: &rupture_history::Operation| {
        let completed = operation.completed.map(|row| row as usize);
        let answer = completed.filter(|_| operation.outcome == Outcome::Ok);
        Txn {
            process: operation.process,
            invoked: operation.invoked as usize,
            completed,
            outcome: operation.outcome,
            micros: micros(history.get(answer.unwrap_or(operation.invoked as usize))),
        }
    };
    operations.iter().map(txn).collect()
}

/// The history as EDN, an event a line.
pub(crate) fn edn(txns: &[Txn]) -> String {
    let line = |event: EventRef<'_>| {
        let process = event.client().expect("clients only");
        let (kind, value) = (event.kind().name(), event.value());
        format!("{{:process {process}, :type :{kind}, :f :txn, :value {value}}}\n")
    };
    history(txns).iter().map(line).collect()
}

/// Such as `T p0 3-7 ok: x<1 x[1 2]`, where `<` appends.
impl fmt::Display for Txn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = self.outcome.name();
        let completed = self.completed.map(|at| at.to_string()).unwrap_or_default();
        write!(
            f,
            "T p{} {}-{completed} {outcome}:",
            self.process, self.invoked
        )?;
        for micro in &self.micros {
            let key = KEYS[micro.key()];
            match micro {
                Micro::Append(_, value) => write!(f, " {key}<{value}")?,
                Micro::Write(_, value) => write!(f, " {key}={value}")?,
                Micro::Read(_, seen) => write!(f, " {key}{}", seen.value())?,
            }
        }
        Ok(())
    }
}

#[test]
fn a_history_keeps_the_transactions() {
    let txns = [
        Txn {
            process: 0,
            invoked: 0,
            completed: Some(2),
            outcome: Outcome::Ok,
            micros: vec![Micro::Append(0, 1), Micro::Read(0, Seen::List(vec![1]))],
        },
        Txn {
            process: 1,
            invoked: 1,
            completed: None,
            outcome: Outcome::Info,
            micros: vec![Micro::Write(1, 2), Micro::Read(1, Seen::Value(None))],
        },
    ];
    assert_eq!(transactions(&history(&txns)), txns);
    assert_eq!(txns[0].to_string(), "T p0 0-2 ok: x<1 x[1]");
    assert_eq!(txns[1].to_string(), "T p1 1- info: y=2 ynil");
    assert!(
        edn(&txns)
            .ends_with("{:process 0, :type :ok, :f :txn, :value [[:append :x 1] [:r :x [1]]]}\n")
    );
}
