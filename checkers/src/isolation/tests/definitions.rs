//! The definitions against each other, before any engine.

use super::corrupt::random_history;
use super::levels::{JUDGED, Levels};
use super::stores::{self, Store};
use super::txn::{Txn, edn};
use super::{executions, oracle};
use crate::isolation::Level;
use crate::linearizability::tests::Random;
use crate::searches::share;

/// Histories with more orders of appends than this take the oracle too long.
pub(super) const MOST_ORDERS: usize = 1_000;

/// The levels that every history of a store holds.
fn promises(store: Store) -> &'static [Level] {
    use Level::{
        ParallelSnapshotIsolation, ReadCommitted, Serializable, SnapshotIsolation,
        StrictSerializable, StrongSessionSerializable, StrongSnapshotIsolation,
    };
    match store {
        Store::Serial => &[StrictSerializable],
        Store::Reordered => &[Serializable],
        Store::Sessions => &[StrongSessionSerializable],
        Store::Snapshot => &[StrongSnapshotIsolation],
        Store::OldSnapshot => &[SnapshotIsolation],
        Store::Parallel => &[ParallelSnapshotIsolation],
        Store::Locked => &[ReadCommitted],
        // The first four read their own appends where these will not stay.
        Store::Prefix
        | Store::Committed
        | Store::Stale
        | Store::Overwriting
        | Store::Uncommitted
        | Store::Arbitrary => &[],
    }
}

fn show(txns: &[Txn]) -> String {
    let lines: Vec<String> = txns.iter().map(Txn::to_string).collect();
    format!("{}\n{}", lines.join("\n"), edn(txns))
}

#[test]
fn stores_keep_their_promises() {
    let random = &mut Random::new(1);
    for _ in 0..share(250) {
        for store in Store::ALL {
            let txns = stores::run(store, 6, random);
            if oracle::orders(&txns) > MOST_ORDERS {
                continue;
            }
            let held = oracle::holds(&txns);
            for level in promises(store) {
                assert!(
                    held.has(*level),
                    "{store:?} broke {level}; held {held}\n{}",
                    show(&txns)
                );
            }
        }
    }
}

/// A level that holds has what it implies held, and both oracles agree.
fn agree(txns: &[Txn]) -> Levels {
    let held = oracle::holds(txns);
    for level in held.iter() {
        let below = Levels::of(&JUDGED).filter(|other| level.implies(other));
        assert!(
            below.without(held).is_empty(),
            "{level} without {}\n{}",
            below.without(held),
            show(txns)
        );
    }
    let decided = Levels::of(&executions::DECIDED);
    let (graphs, runs) = (
        held.filter(|level| decided.has(level)),
        executions::holds(txns),
    );
    assert!(
        graphs == runs,
        "by graphs: {graphs}\nby runs: {runs}\n{}",
        show(txns)
    );
    held
}

/// Every level is broken by histories that hold each of the levels right below it.
fn assert_telling(held: &[Levels]) {
    for level in JUDGED {
        let count = held.iter().filter(|held| held.has(level)).count();
        assert!(count > 20 && count + 20 < held.len(), "{level}: {count}");
        for weaker in level
            .weaker()
            .iter()
            .filter(|weaker| JUDGED.contains(weaker))
        {
            let between = held
                .iter()
                .filter(|held| held.has(*weaker) && !held.has(level));
            println!("{} hold {weaker}, not {level}", between.clone().count());
            assert!(between.count() > 3, "{weaker} without {level}");
        }
    }
}

fn agree_on(histories: usize, most: usize, seed: u64) {
    let random = &mut Random::new(seed);
    let mut held = Vec::new();
    while held.len() < histories {
        let txns = random_history(most, random);
        if oracle::orders(&txns) <= MOST_ORDERS {
            held.push(agree(&txns));
        }
    }
    assert_telling(&held);
}

#[test]
fn graphs_and_runs_agree() {
    agree_on(share(32_000), 6, 2);
}

#[test]
#[ignore = "slow"]
fn graphs_and_runs_agree_on_many() {
    agree_on(400_000, 7, 3);
}
