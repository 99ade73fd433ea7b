//! The levels of committed transactions a second time, without cycles: by who sees whom.
//!
//! An execution is an order of commits, which orders the appends to every key, and says for every transaction which
//! ones before it are *visible* to it (Cerone, Bernardi & Gotsman, CONCUR 2015; Cerone, Gotsman & Yang, CONCUR 2017). A
//! read returns what the visible transactions appended and then what its own did. So a level is decided by the least
//! set that must be visible, and by whether the reads show no more than that; no graph is built and no cycle is
//! looked for. Every read must be a prefix of the final list, as it must be for every judge of lists.
//!
//! | level | visible to a transaction |
//! |---|---|
//! | `read-committed` | to each read by itself, whom it shows |
//! | `monotonic-atomic-view` | to each read, whom it or an earlier read of the transaction shows |
//! | `read-atomic` | whom any of its reads shows |
//! | `consistent-view`, `parallel-snapshot-isolation` | besides, who appended before it to its keys; and whoever is visible to these |
//! | `repeatable-read` | whoever committed before it |
//!
//! `cursor-stability` and `update-atomic` ask besides that nobody's append stands between what a transaction read of a
//! key and its own append to it.

use rupture_history::Outcome;

use super::corrupt::random_history;
use super::definitions::MOST_ORDERS;
use super::levels::Levels;
use super::oracle;
use super::txn::{Micro, Txn, edn, key_count};
use crate::isolation::Level;
use crate::linearizability::tests::Random;

/// The levels that are decided here.
const DECIDED: [Level; 8] = [
    Level::ReadCommitted,
    Level::MonotonicAtomicView,
    Level::ReadAtomic,
    Level::UpdateAtomic,
    Level::CursorStability,
    Level::ConsistentView,
    Level::ParallelSnapshotIsolation,
    Level::RepeatableRead,
];

/// A set of transactions.
type Set = u32;

fn has(set: Set, txn: usize) -> bool {
    set & 1 << txn != 0
}

/// What a read shows.
struct Shown<'a> {
    key: usize,
    list: &'a [i64],
    /// The others of whom it shows an append.
    others: Set,
}

/// An order of commits that grows.
struct Execution<'a> {
    txns: &'a [Txn],
    shown: Vec<Vec<Shown<'a>>>,
    /// By key: who appends to it.
    writers: Vec<Set>,
    /// Whether no transaction contradicts its own reads and appends.
    internal: bool,
    committed: Set,
    order: Vec<usize>,
    lists: Vec<Vec<i64>>,
    held: Levels,
}

/// Those of the decided levels that hold.
fn holds(txns: &[Txn]) -> Levels {
    let of_key = |key: usize| {
        let writers = (0..txns.len()).filter(|&txn| txns[txn].appends(key).next().is_some());
        writers.fold(0, |all, txn| all | 1 << txn)
    };
    let mut execution = Execution {
        txns,
        shown: (0..txns.len()).map(|txn| shown(txns, txn)).collect(),
        writers: (0..key_count(txns)).map(of_key).collect(),
        internal: txns.iter().all(is_internal),
        committed: 0,
        order: Vec::new(),
        lists: vec![Vec::new(); key_count(txns)],
        held: Levels::default(),
    };
    if txns.iter().any(sees_its_future) {
        return execution.held;
    }
    for committed in 0..1_u32 << txns.len() {
        let fits = |txn: usize| match txns[txn].outcome {
            Outcome::Ok => has(committed, txn),
            Outcome::Fail => !has(committed, txn),
            Outcome::Info => true,
        };
        if (0..txns.len()).all(fits) {
            execution.committed = committed;
            execution.extend(0);
        }
    }
    execution.held
}

fn shown(txns: &[Txn], reader: usize) -> Vec<Shown<'_>> {
    let reads = txns[reader].reads();
    let shown = reads.map(|(_, key, list)| {
        let seen = |&txn: &usize| {
            txn != reader && txns[txn].appends(key).any(|value| list.contains(&value))
        };
        let others = (0..txns.len()).filter(seen);
        Shown {
            key,
            list,
            others: others.fold(0, |all, txn| all | 1 << txn),
        }
    });
    shown.collect()
}

fn sees_its_future(txn: &Txn) -> bool {
    txn.reads().any(|(place, key, list)| {
        let later = txn.micros[place..].iter();
        let mut later = later.filter(|micro| matches!(micro, Micro::Append(..)));
        later.any(|micro| {
            list.iter()
                .any(|&value| *micro == Micro::Append(key, value))
        })
    })
}

/// Whether every read of a key is the one before with the own appends since; the first need only end with them.
fn is_internal(txn: &Txn) -> bool {
    let reads: Vec<(usize, usize, &[i64])> = txn.reads().collect();
    reads.iter().enumerate().all(|(at, &(place, key, list))| {
        let before = reads[..at].iter().rev().find(|(_, of, _)| *of == key);
        let since = before.map_or(0, |(place, _, _)| *place);
        let own = txn.micros[since..place]
            .iter()
            .filter_map(|micro| match micro {
                Micro::Append(of, value) if *of == key => Some(*value),
                _ => None,
            });
        let own: Vec<i64> = own.collect();
        match before {
            Some((_, _, before)) => list == [before, &own[..]].concat(),
            None => list.ends_with(&own),
        }
    })
}

impl Execution<'_> {
    /// Lets those commit next, in every order, who are not among the done.
    fn extend(&mut self, done: Set) {
        if done == self.committed {
            self.judge();
            return;
        }
        for next in 0..self.txns.len() {
            let ready = has(self.committed & !done, next);
            // Whom it sees has committed.
            if !ready || self.shown[next].iter().any(|read| read.others & !done != 0) {
                continue;
            }
            let lengths: Vec<usize> = self.lists.iter().map(Vec::len).collect();
            for (key, list) in self.lists.iter_mut().enumerate() {
                list.extend(self.txns[next].appends(key));
            }
            self.order.push(next);
            self.extend(done | 1 << next);
            self.order.pop();
            for (list, length) in self.lists.iter_mut().zip(lengths) {
                list.truncate(length);
            }
        }
    }

    fn judge(&mut self) {
        if !self.order.iter().all(|&txn| self.shows_whole_prefixes(txn)) {
            return;
        }
        let held = DECIDED.into_iter().filter(|&level| self.allows(level));
        self.held = self.held.or(Levels::of(&held.collect::<Vec<_>>()));
    }

    /// Its reads begin the final lists, and show all that anybody appended to the key of whom they show anything.
    fn shows_whole_prefixes(&self, txn: usize) -> bool {
        self.shown[txn].iter().all(|read| {
            let whole = |other: usize| {
                let mut appends = self.txns[other].appends(read.key);
                !has(read.others, other) || appends.all(|value| read.list.contains(&value))
            };
            self.lists[read.key].starts_with(read.list) && (0..self.txns.len()).all(whole)
        })
    }

    fn allows(&self, level: Level) -> bool {
        use Level::{
            ConsistentView, CursorStability, MonotonicAtomicView, ParallelSnapshotIsolation,
            ReadAtomic, ReadCommitted, RepeatableRead, UpdateAtomic,
        };
        match level {
            ReadCommitted => true,
            CursorStability => self.keeps_updates(),
            MonotonicAtomicView => self.order.iter().all(|&txn| self.sees_ever_more(txn)),
            ReadAtomic => self.internal && self.is_atomic(),
            UpdateAtomic => self.internal && self.is_atomic() && self.keeps_updates(),
            ConsistentView => self.is_causal(),
            ParallelSnapshotIsolation => self.internal && self.is_causal(),
            RepeatableRead => self.sees_all(),
            _ => false,
        }
    }

    /// Whether the reads of a transaction show no less than a set.
    fn shows(&self, txn: usize, visible: Set) -> bool {
        let mut reads = self.shown[txn].iter();
        reads.all(|read| visible & self.writers[read.key] & !read.others & !(1 << txn) == 0)
    }

    fn sees_ever_more(&self, txn: usize) -> bool {
        let mut seen = 0;
        self.shown[txn].iter().all(|read| {
            seen |= read.others;
            seen & self.writers[read.key] & !read.others == 0
        })
    }

    /// Whom its reads show.
    fn seen(&self, txn: usize) -> Set {
        let reads = self.shown[txn].iter();
        reads.fold(0, |all, read| all | read.others)
    }

    fn is_atomic(&self) -> bool {
        let mut order = self.order.iter();
        order.all(|&txn| self.shows(txn, self.seen(txn)))
    }

    fn is_causal(&self) -> bool {
        let mut visible = vec![0; self.txns.len()];
        let mut done = 0;
        self.order.iter().all(|&txn| {
            let keys = self.writers.iter().filter(|&&writers| has(writers, txn));
            let direct = keys.fold(self.seen(txn), |all, writers| all | writers & done);
            let others = (0..self.txns.len()).filter(|&other| has(direct, other));
            visible[txn] = others.fold(direct, |all, other| all | visible[other]);
            done |= 1 << txn;
            self.shows(txn, visible[txn])
        })
    }

    fn sees_all(&self) -> bool {
        let mut done = 0;
        self.order.iter().all(|&txn| {
            let sees = self.shows(txn, done);
            done |= 1 << txn;
            sees
        })
    }

    /// Between what a transaction read of a key and the last that it appended to it stands nothing of others.
    fn keeps_updates(&self) -> bool {
        self.order.iter().all(|&txn| {
            self.shown[txn].iter().all(|read| {
                let own = |value: &i64| self.txns[txn].appends(read.key).any(|own| own == *value);
                let missed = &self.lists[read.key][read.list.len()..];
                let last = missed.iter().rposition(own);
                last.is_none_or(|last| missed[..last].iter().all(own))
            })
        })
    }
}

fn agree_on(histories: usize, most: usize, seed: u64) {
    let random = &mut Random::new(seed);
    let decided = Levels::of(&DECIDED);
    let mut held_by = [0; DECIDED.len()];
    let mut judged = 0;
    while judged < histories {
        let txns = random_history(most, random);
        if oracle::orders(&txns) > MOST_ORDERS {
            continue;
        }
        judged += 1;
        let graphs = oracle::holds(&txns).filter(|level| decided.has(level));
        let seen = holds(&txns);
        assert!(
            graphs == seen,
            "by graphs: {graphs}\nby visibility: {seen}\n{}",
            edn(&txns)
        );
        for (count, level) in held_by.iter_mut().zip(DECIDED) {
            *count += usize::from(seen.has(level));
        }
    }
    for (count, level) in held_by.into_iter().zip(DECIDED) {
        assert!(count > 20 && count + 20 < judged, "{level}: {count}");
    }
}

#[test]
fn graphs_and_visibility_agree() {
    agree_on(3_000, 6, 31);
}

#[test]
#[ignore = "slow"]
fn graphs_and_visibility_agree_on_many() {
    agree_on(200_000, 6, 32);
}
