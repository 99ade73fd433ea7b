//! The engine against the oracle.

use crate::searches::small_share;
use std::collections::BTreeMap;

use rayon::prelude::*;
use rupture_history::{Outcome, Validity};

use super::corrupt::random_history;
use super::definitions::MOST_ORDERS;
use super::levels::{JUDGED, Levels};
use super::oracle;
use super::txn::{Txn, edn, history};
use crate::isolation::{Level, ListAppend};
use crate::linearizability::tests::Random;
use crate::{Budget, Checker};

/// How many differences are shown of each level.
const SHOWN: usize = 2;

/// What the engine says.
fn judge(txns: &[Txn], level: Level) -> Validity {
    let verdict = ListAppend::new(level).check(&history(txns), &Budget::unlimited());
    verdict.expect("a history of lists").validity
}

/// What it should say: that nobody knows where nobody was told whether anything happened.
fn expected(txns: &[Txn], held: Levels, level: Level) -> Validity {
    match held.has(level) {
        _ if txns.iter().all(|txn| txn.outcome != Outcome::Ok) => Validity::Unknown,
        true => Validity::Valid,
        false => Validity::Invalid,
    }
}

fn differs(txns: &[Txn], level: Level) -> bool {
    expected(txns, oracle::holds(txns), level) != judge(txns, level)
}

/// A history with the same difference, without transactions and micro-operations that it does not need.
fn shrink(mut txns: Vec<Txn>, level: Level) -> Vec<Txn> {
    loop {
        let next = smaller(&txns).find(|smaller| differs(smaller, level));
        match next {
            Some(smaller) => txns = smaller,
            None => return txns,
        }
    }
}

/// The histories with one transaction or micro-operation less.
fn smaller(txns: &[Txn]) -> impl Iterator<Item = Vec<Txn>> {
    let whole = (0..txns.len()).map(|at| {
        let mut txns = txns.to_vec();
        txns.remove(at);
        txns
    });
    let micros = (0..txns.len()).flat_map(move |at| {
        let places = 0..txns[at].micros.len();
        places.map(move |place| {
            let mut txns = txns.to_vec();
            txns[at].micros.remove(place);
            txns
        })
    });
    whole.chain(micros)
}

/// The levels that every store is asked for, and every history is held against.
const ALWAYS: [Level; 5] = [
    Level::ReadCommitted,
    Level::SnapshotIsolation,
    Level::Serializable,
    Level::StrongSessionSerializable,
    Level::StrictSerializable,
];

/// How often engine and oracle were asked, and how often the engine did not know.
#[derive(Debug, Default)]
struct Count {
    histories: usize,
    pairs: usize,
    unknown: usize,
    differences: usize,
    /// The differences at each of the levels.
    by_level: BTreeMap<Level, usize>,
}

impl Count {
    /// Compares some levels. An answer that the engine does not know is not a difference, but counts.
    fn add(&mut self, txns: &[Txn], levels: impl Iterator<Item = Level>) {
        self.histories += 1;
        let held = oracle::holds(txns);
        for level in levels {
            self.pairs += 1;
            let (expected, found) = (expected(txns, held, level), judge(txns, level));
            if found == expected {
                continue;
            }
            if found == Validity::Unknown {
                self.unknown += 1;
            }
            self.differences += 1;
            let of_level = self.by_level.entry(level).or_default();
            *of_level += 1;
            if *of_level <= SHOWN {
                report(txns, level);
            }
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.histories += other.histories;
        self.pairs += other.pairs;
        self.unknown += other.unknown;
        self.differences += other.differences;
        for (level, count) in other.by_level {
            *self.by_level.entry(level).or_default() += count;
        }
        self
    }
}

fn report(txns: &[Txn], level: Level) {
    let txns = shrink(txns.to_vec(), level);
    let (held, found) = (oracle::holds(&txns), judge(&txns, level));
    println!("{level}: the engine says {}; held {held}", found.name());
    for txn in &txns {
        println!("  {txn}");
    }
    println!("{}", edn(&txns));
}

/// Histories that one random number leads to.
const A_TURN: usize = 500;

/// Compares engine and oracle on so many histories: every history at the levels that count most and one of the others,
/// each in its turn, or at `all`.
fn compare(histories: usize, most: usize, seed: u64, all: bool) {
    let turns = histories.div_ceil(A_TURN) as u64;
    let count = (0..turns).into_par_iter().map(|turn| {
        let random = &mut Random::new(seed << 32 | turn);
        let mut count = Count::default();
        while count.histories < A_TURN {
            let txns = random_history(most, random);
            if oracle::orders(&txns) > MOST_ORDERS {
                continue;
            }
            let other = JUDGED[count.histories % JUDGED.len()];
            let asked = |level: &Level| all || ALWAYS.contains(level) || *level == other;
            count.add(&txns, JUDGED.into_iter().filter(asked));
        }
        count
    });
    let count = count.reduce(Count::default, Count::and);
    println!("{count:?}");
    assert!(count.histories >= histories);
    assert_eq!(count.differences, 0, "{count:?}");
}

#[test]
fn the_engine_says_what_the_definitions_say() {
    compare(small_share(200_000), 7, 4, false);
}

#[test]
#[ignore = "slow"]
fn the_engine_says_what_the_definitions_say_of_many() {
    for seed in 5..15 {
        compare(100_000, 4 + seed as usize % 4, seed, true);
    }
}
