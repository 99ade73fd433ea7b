//! Some levels a second time, without graphs: run the transactions, in every order in which they could have
//! committed, and see whether their reads return what they returned.
//!
//! An order of commits makes a sequence of states. A serializable transaction reads the state in which it commits.
//! Under snapshot isolation it may read an earlier one if nobody appended to its keys since (Cerone & Gotsman 2016);
//! under `prefix` whoever did so does not matter (Cerone, Bernardi & Gotsman 2015), but here every read must be a
//! prefix of the final list all the same, as it must be from `read-committed` on.

use super::levels::Levels;
use super::oracle::choices;
use super::txn::{Micro, Seen, Txn, key_count};
use crate::isolation::Level;

/// The levels that are decided here.
pub(super) const DECIDED: [Level; 7] = [
    Level::Prefix,
    Level::SnapshotIsolation,
    Level::StrongSessionSnapshotIsolation,
    Level::StrongSnapshotIsolation,
    Level::Serializable,
    Level::StrongSessionSerializable,
    Level::StrictSerializable,
];

/// Those of them that hold.
pub(super) fn holds(txns: &[Txn]) -> Levels {
    let choices = choices(txns);
    let runs = |level: &Level| {
        choices.iter().any(|committed| {
            let mut run = Run {
                txns,
                committed,
                rules: Rules::of(*level),
                states: vec![vec![Vec::new(); key_count(txns)]],
                commits: vec![None; txns.len()],
            };
            run.goes_on()
        })
    };
    let held: Vec<Level> = DECIDED.into_iter().filter(runs).collect();
    Levels::of(&held)
}

/// What a transaction sees, of what ended before it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeps {
    Nothing,
    Sessions,
    RealTime,
}

/// What a level asks of a transaction.
#[derive(Clone, Copy, Debug)]
struct Rules {
    /// It reads the state in which it commits.
    newest: bool,
    /// Nobody appended to its keys since the state that it reads.
    first_committer_wins: bool,
    keeps: Keeps,
}

impl Rules {
    fn of(level: Level) -> Self {
        use Level::{
            Prefix, Serializable, StrictSerializable, StrongSessionSerializable,
            StrongSessionSnapshotIsolation, StrongSnapshotIsolation,
        };
        Self {
            newest: matches!(
                level,
                Serializable | StrongSessionSerializable | StrictSerializable
            ),
            first_committer_wins: level != Prefix,
            keeps: match level {
                Prefix | StrongSessionSerializable | StrongSessionSnapshotIsolation => {
                    Keeps::Sessions
                }
                StrictSerializable | StrongSnapshotIsolation => Keeps::RealTime,
                _ => Keeps::Nothing,
            },
        }
    }

    fn precedes(self, one: &Txn, other: &Txn) -> bool {
        let counts = match self.keeps {
            Keeps::Nothing => false,
            Keeps::Sessions => one.process == other.process,
            Keeps::RealTime => true,
        };
        counts && one.precedes(other)
    }
}

/// The lists of all keys.
type State = Vec<Vec<i64>>;

struct Run<'a> {
    txns: &'a [Txn],
    committed: &'a [bool],
    rules: Rules,
    /// The state at first and after each commit.
    states: Vec<State>,
    /// After which state each transaction committed.
    commits: Vec<Option<usize>>,
}

impl Run<'_> {
    /// Whether those that are left can commit in some order.
    fn goes_on(&mut self) -> bool {
        let mut all = true;
        for next in 0..self.txns.len() {
            if !self.committed[next] || self.commits[next].is_some() {
                continue;
            }
            all = false;
            let Some(state) = self.commit(next) else {
                continue;
            };
            self.commits[next] = Some(self.states.len());
            self.states.push(state);
            let done = self.goes_on();
            self.states.pop();
            self.commits[next] = None;
            if done {
                return true;
            }
        }
        all && self.reads_are_prefixes()
    }

    /// The state after a transaction, if it can commit now.
    fn commit(&self, next: usize) -> Option<State> {
        let txn = &self.txns[next];
        let now = self.states.len() - 1;
        let mut first = if self.rules.newest { now } else { 0 };
        for (other, of) in self.txns.iter().enumerate() {
            if self.committed[other] && self.rules.precedes(of, txn) {
                first = first.max(self.commits[other]?);
            }
        }
        let sees = |state: &State| {
            answers(txn, state) && (!self.rules.first_committer_wins || self.is_first(txn, state))
        };
        if !self.states[first..].iter().any(sees) {
            return None;
        }
        let mut after = self.states[now].clone();
        for micro in &txn.micros {
            if let Micro::Append(key, value) = micro {
                after[*key].push(*value);
            }
        }
        Some(after)
    }

    fn is_first(&self, txn: &Txn, snapshot: &State) -> bool {
        let now = &self.states[self.states.len() - 1];
        let appended = |micro: &&Micro| matches!(micro, Micro::Append(..));
        let mut appends = txn.micros.iter().filter(appended);
        appends.all(|micro| now[micro.key()] == snapshot[micro.key()])
    }

    fn reads_are_prefixes(&self) -> bool {
        let last = &self.states[self.states.len() - 1];
        let mut reads = self.txns.iter().flat_map(Txn::reads);
        reads.all(|(_, key, list)| last[key].starts_with(list))
    }
}

/// Whether a transaction that begins in a state reads what it read. A read that nobody was told of does not count.
fn answers(txn: &Txn, state: &State) -> bool {
    let mut state = state.clone();
    txn.micros.iter().all(|micro| match micro {
        Micro::Append(key, value) => {
            state[*key].push(*value);
            true
        }
        Micro::Read(key, Seen::List(list)) => !txn.is_ok() || state[*key] == *list,
        Micro::Read(..) | Micro::Write(..) => true,
    })
}
