//! Small random histories, as stores of every kind would give them, and now and then with a lie.

use rupture_history::Outcome;

use super::case::{Case, Op, Txn};
use super::random::Random;

/// How a store answers reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Store {
    /// One transaction after another.
    Serial,
    /// From a snapshot, which may be old.
    Snapshot,
    /// Each read sees what had committed by then; others commit meanwhile.
    Committed,
    /// Each process has a replica, which applies others' transactions once all that happened before is applied.
    Causal,
    /// The same, but of two values the one with the higher stamp stays.
    Convergent,
    /// Each process has a replica, which applies the transactions of each other process in order.
    Pipelined,
    /// Any value that was written before.
    Stale,
    /// Any value at all.
    Arbitrary,
}

const STORES: [Store; 10] = [
    Store::Stale,
    Store::Stale,
    Store::Serial,
    Store::Snapshot,
    Store::Committed,
    Store::Causal,
    Store::Convergent,
    Store::Pipelined,
    Store::Stale,
    Store::Arbitrary,
];

/// A history that is being made.
struct Making<'a> {
    random: &'a mut Random,
    store: Store,
    keys: usize,
    longest: usize,
    processes: usize,
    txns: Vec<Txn>,
    /// By transaction: those that its process knew of when it began.
    knew: Vec<u32>,
    /// By process: the transactions that its replica applied, in order.
    applied: Vec<Vec<usize>>,
}

/// A history of at most so many transactions.
pub(super) fn case(most: usize, random: &mut Random) -> Case {
    let store = STORES[random.below(STORES.len())];
    let processes = 1 + random.below(4);
    let mut making = Making {
        store,
        keys: 1 + random.below(3),
        longest: 1 + random.below(3),
        processes,
        txns: Vec::new(),
        knew: Vec::new(),
        applied: vec![Vec::new(); processes],
        random,
    };
    let count = if making.random.one_in(4) {
        1 + making.random.below(most)
    } else {
        most - making.random.below(2)
    };
    for number in 0..count {
        making.add(number);
    }
    making.answer();
    making.lie();
    Case(making.txns)
}

impl Making<'_> {
    /// A transaction whose reads are not answered yet. Of two writes of a key the second has the higher value.
    fn add(&mut self, number: usize) {
        let length = 1 + self.random.below(self.longest) + usize::from(self.random.one_in(6));
        let ops = (0..length).map(|place| Op {
            writes: self.random.one_in(2),
            key: self.random.below(self.keys),
            value: (number * 10 + place + 1) as i64,
        });
        let ops: Vec<Op> = ops.collect();
        let outcome = match self.random.below(24) {
            0 => Outcome::Fail,
            1 | 2 => Outcome::Info,
            _ => Outcome::Ok,
        };
        self.txns.push(Txn {
            process: self.random.below(self.processes) as i64,
            outcome,
            ops,
        });
    }

    fn answer(&mut self) {
        for number in 0..self.txns.len() {
            match self.store {
                Store::Serial | Store::Snapshot | Store::Committed => self.one_copy(number),
                Store::Causal | Store::Convergent | Store::Pipelined => self.replica(number),
                Store::Stale | Store::Arbitrary => self.any(number),
            }
        }
    }

    /// What a transaction wrote to a key before a place.
    fn own(&self, number: usize, place: usize) -> Option<i64> {
        let key = self.txns[number].ops[place].key;
        let before = self.txns[number].ops[..place].iter().rev();
        let mut writes = before.filter(|op| op.writes && op.key == key);
        writes.next().map(|op| op.value)
    }

    /// The last value of a key that a transaction leaves behind.
    fn left(&self, number: usize, key: usize) -> Option<i64> {
        let ops = self.txns[number].ops.iter().rev();
        let mut writes = ops.filter(|op| op.writes && op.key == key);
        writes.next().map(|op| op.value)
    }

    fn one_copy(&mut self, number: usize) {
        let mut seen = match self.store {
            Store::Serial => number,
            _ => number - self.random.below(3).min(number),
        };
        for place in 0..self.txns[number].ops.len() {
            if self.store == Store::Committed && seen < self.txns.len() && self.random.one_in(2) {
                // Some that come later here may have committed already, if they are not of the same process.
                seen = (seen + 1 + self.random.below(2)).min(number);
            }
            let op = self.txns[number].ops[place];
            if op.writes {
                continue;
            }
            let committed = (0..seen).rev();
            let mut writers = committed.filter(|&other| self.txns[other].outcome != Outcome::Fail);
            let value = self
                .own(number, place)
                .or_else(|| writers.find_map(|other| self.left(other, op.key)));
            self.txns[number].ops[place].value = value.unwrap_or(0);
        }
    }

    fn replica(&mut self, number: usize) {
        let process = self.txns[number].process as usize;
        for other in 0..number {
            let known = self.applied[process].contains(&other);
            if !known && self.random.one_in(2) && self.ready(process, other) {
                self.applied[process].push(other);
            }
        }
        let knew = self.applied[process].iter();
        self.knew.push(knew.fold(0, |all, &other| all | 1 << other));
        for place in 0..self.txns[number].ops.len() {
            let op = self.txns[number].ops[place];
            if !op.writes {
                let value = self.own(number, place);
                let value = value.or_else(|| self.held(process, op.key));
                self.txns[number].ops[place].value = value.unwrap_or(0);
            }
        }
        self.applied[process].push(number);
    }

    /// Whether a replica may apply a transaction.
    fn ready(&self, process: usize, other: usize) -> bool {
        let applied = &self.applied[process];
        if self.txns[other].outcome == Outcome::Fail {
            return false;
        }
        (0..other).all(|before| {
            let needed = match self.store {
                Store::Pipelined => self.txns[before].process == self.txns[other].process,
                _ => self.knew[other] & 1 << before != 0,
            };
            !needed || applied.contains(&before)
        })
    }

    /// What a replica holds for a key.
    fn held(&self, process: usize, key: usize) -> Option<i64> {
        let applied = self.applied[process].iter();
        let mut values = applied.filter_map(|&other| self.left(other, key));
        if self.store == Store::Convergent {
            values.max()
        } else {
            values.next_back()
        }
    }

    /// Any value, but mostly one that the transaction does not contradict itself.
    fn any(&mut self, number: usize) {
        let stale = self.store == Store::Stale;
        for place in 0..self.txns[number].ops.len() {
            let op = self.txns[number].ops[place];
            if op.writes {
                continue;
            }
            let mut before = self.txns[number].ops[..place].iter().rev();
            let known = before.find(|other| other.key == op.key);
            if let Some(known) = known.filter(|_| !self.random.one_in(12)) {
                self.txns[number].ops[place].value = known.value;
                continue;
            }
            let odd = self.random.one_in(16);
            let until = if stale { number } else { self.txns.len() };
            let others = (0..until).filter(|&other| {
                odd || other != number && self.txns[other].outcome != Outcome::Fail
            });
            let mut values: Vec<i64> = others
                .filter_map(|other| self.left(other, op.key))
                .collect();
            if values.is_empty() || self.random.one_in(3) {
                values.push(0);
            }
            self.txns[number].ops[place].value = values[self.random.below(values.len())];
        }
    }

    /// Now and then a read returns something else.
    fn lie(&mut self) {
        if !self.random.one_in(6) {
            return;
        }
        let reads: Vec<(usize, usize)> = (0..self.txns.len())
            .flat_map(|txn| (0..self.txns[txn].ops.len()).map(move |op| (txn, op)))
            .filter(|&(txn, op)| !self.txns[txn].ops[op].writes)
            .collect();
        if reads.is_empty() {
            return;
        }
        let (txn, place) = reads[self.random.below(reads.len())];
        let key = self.txns[txn].ops[place].key;
        let all = self.txns.iter().flat_map(|txn| &txn.ops);
        let writes = all.filter(|op| op.writes && op.key == key);
        let mut values: Vec<i64> = writes.map(|op| op.value).collect();
        values.push(0);
        if self.random.one_in(8) {
            values.push(1000);
        }
        self.txns[txn].ops[place].value = values[self.random.below(values.len())];
    }
}
