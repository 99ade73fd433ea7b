//! Small histories as tests write them.

use rupture_history::{Event, History, Kind, Outcome, Value};

use crate::Budget;
use crate::isolation::Level;
use crate::isolation::transactions::{Registers, Transactions, Writes};
use crate::isolation::weak::{Prepared, Ruling};

/// All weak levels, the stronger ones before those that they imply.
pub(super) const LEVELS: [Level; 12] = [
    Level::CausalConvergence,
    Level::CausalMemory,
    Level::Causal,
    Level::ReadAtomic,
    Level::MonotonicAtomicView,
    Level::ReadCommitted,
    Level::ReadUncommitted,
    Level::Pram,
    Level::MonotonicReads,
    Level::MonotonicWrites,
    Level::ReadYourWrites,
    Level::WritesFollowReads,
];

/// A read or a write of a value; 0 is the initial one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Op {
    pub(super) writes: bool,
    pub(super) key: usize,
    pub(super) value: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Txn {
    pub(super) process: i64,
    pub(super) outcome: Outcome,
    pub(super) ops: Vec<Op>,
}

/// Transactions, each invoked when the one before has completed.
#[derive(Clone, Debug, Default)]
pub(super) struct Case(pub(super) Vec<Txn>);

impl Case {
    /// Reads one transaction a word group, as in `0: wx1 ry2 | 1: rx1 | 2?: wx3 | 1!: wx4`: the process, `?` for info
    /// and `!` for fail, then the operations.
    pub(super) fn read(text: &str) -> Self {
        let transactions = text.split('|').map(|text| {
            let (process, ops) = text.split_once(':').expect("a process");
            let process = process.trim();
            let outcome = match process.chars().last() {
                Some('?') => Outcome::Info,
                Some('!') => Outcome::Fail,
                _ => Outcome::Ok,
            };
            let process = process.trim_end_matches(['?', '!']);
            Txn {
                process: process.parse().expect("a process"),
                outcome,
                ops: ops.split_whitespace().map(op).collect(),
            }
        });
        Self(transactions.collect())
    }

    pub(super) fn history(&self) -> History {
        let times: Vec<_> = (0..self.0.len()).map(|at| (2 * at, 2 * at + 1)).collect();
        self.at(&times)
    }

    /// The history in which each transaction was invoked and completed at these moments.
    pub(super) fn at(&self, times: &[(usize, usize)]) -> History {
        let mut events = Vec::new();
        for (txn, &(invoked, completed)) in self.0.iter().zip(times) {
            let asked = txn.ops.iter().map(|op| micro(*op, op.writes)).collect();
            let value = Value::Vector(asked);
            let event = Event::new(txn.process, Kind::Invoke, "txn", value);
            events.push((invoked, event));
            let done = txn.ops.iter().map(|op| micro(*op, true)).collect();
            let kind = match txn.outcome {
                Outcome::Ok => Kind::Ok,
                Outcome::Fail => Kind::Fail,
                Outcome::Info => Kind::Info,
            };
            let event = Event::new(txn.process, kind, "txn", Value::Vector(done));
            events.push((completed, event));
        }
        events.sort_by_key(|(moment, _)| *moment);
        let mut history = History::new();
        for (_, event) in events {
            history.push(&event);
        }
        history
    }

    /// What is said of some levels.
    pub(super) fn judge(&self, levels: &[Level]) -> Vec<Ruling> {
        let history = self.history();
        judge(&history, levels)
    }
}

pub(super) fn judge(history: &History, levels: &[Level]) -> Vec<Ruling> {
    let operations = history.operations().expect("pairs");
    let transactions = Transactions::<Registers>::read(history, operations).expect("transactions");
    let writes = Writes::of(&transactions).expect("unique writes");
    let budget = Budget::unlimited();
    let prepared = Prepared::of(&transactions, &writes, &[], &budget).expect("no bound");
    let rulings = levels.iter().map(|&level| prepared.judge(level, &budget));
    rulings.collect()
}

fn op(text: &str) -> Op {
    let mut letters = text.chars();
    let writes = letters.next() == Some('w');
    let key = letters.next().map_or(0, |key| key as usize - 'x' as usize);
    Op {
        writes,
        key,
        value: letters.as_str().parse().expect("a value"),
    }
}

fn micro(op: Op, known: bool) -> Value {
    let value = if known && op.value != 0 {
        Value::Int(op.value)
    } else {
        Value::Nil
    };
    Value::Vector(vec![
        Value::keyword(if op.writes { "w" } else { "r" }),
        Value::keyword(["x", "y", "z"][op.key]),
        value,
    ])
}
