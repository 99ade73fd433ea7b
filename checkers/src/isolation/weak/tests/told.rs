//! The smallest history of each anomaly and what is told of it, and what is said out of bounds.

use rupture_history::History;

use super::case::{Case, LEVELS, judge};
use crate::Budget;
use crate::isolation::Level;
use crate::isolation::transactions::{Registers, Transactions, Writes};
use crate::isolation::weak::{Finding, Prepared, Ruling};
use crate::linearizability::search::Stop;

/// The only finding.
fn finding(text: &str, level: Level) -> Finding {
    match &Case::read(text).judge(&[level])[..] {
        [Ruling::Violated(findings)] if findings.len() == 1 => findings[0].clone(),
        other => panic!("{text}: {other:?}"),
    }
}

/// A history, a level that it breaks, the kind of anomaly, and the numbers of the transactions that prove it.
const SMALLEST: [(&str, Level, &str, &[u32]); 24] = [
    (
        "0: wx1 | 1: rx2",
        Level::ReadCommitted,
        "garbage-read",
        &[1],
    ),
    ("0!: wx1 | 1: rx1", Level::ReadCommitted, "G1a", &[0, 1]),
    ("0: wx1 wx2 | 1: rx1", Level::ReadCommitted, "G1b", &[0, 1]),
    (
        "0: ry2 wx1 | 1: rx1 wy2",
        Level::ReadCommitted,
        "G1c",
        &[0, 1],
    ),
    (
        "0: wx1 wy1 | 1: ry1 rx0",
        Level::MonotonicAtomicView,
        "observed-transaction-vanishes",
        &[0, 1],
    ),
    (
        "0: wx1 wy1 | 1: wx2 wy2 | 2: ry1 rx2 ry1",
        Level::MonotonicAtomicView,
        "observed-transaction-vanishes",
        &[0, 1, 2],
    ),
    (
        "0: wx1 wy1 | 1: rx0 ry1",
        Level::ReadAtomic,
        "fractured-read",
        &[0, 1],
    ),
    (
        "0: wx1 wy1 | 1: wx2 wy2 | 2: ry1 rx2",
        Level::ReadAtomic,
        "fractured-read",
        &[0, 1, 2],
    ),
    ("0: wx1 rx0", Level::ReadAtomic, "internal", &[0]),
    ("0: rx1 wx1", Level::ReadCommitted, "future-read", &[0]),
    ("0: rx1 | 0: wx1", Level::Causal, "cyclic-co", &[0, 1]),
    (
        "0: wx1 | 0: rx0",
        Level::Causal,
        "write-co-init-read",
        &[0, 1],
    ),
    (
        "0: wx1 | 0: wx2 | 0: rx1",
        Level::Causal,
        "write-co-read",
        &[0, 1, 2],
    ),
    (
        "0: wx1 wy1 | 1: wx2 wy2 | 2: ry1 rx2",
        Level::Causal,
        "fractured-read",
        &[0, 1, 2],
    ),
    (
        "0: wx1 | 1: wx2 | 0: rx2 | 1: rx1",
        Level::CausalConvergence,
        "cyclic-cf",
        &[0, 1, 2, 3],
    ),
    (
        "0: wz1 wx1 | 0: wy1 | 1: wx2 | 1: rz0 | 1: ry1 | 1: rx2",
        Level::CausalMemory,
        "write-hb-init-read",
        &[0, 1, 2, 3, 4, 5],
    ),
    (
        "0: wx1 | 1: wx2 | 2: rx1 | 2: rx2 | 2: rx1",
        Level::CausalMemory,
        "cyclic-hb",
        &[0, 1, 2, 3, 4],
    ),
    (
        "0: wx1 | 0: wy1 | 1: ry1 | 1: rx0",
        Level::Pram,
        "non-pipelined",
        &[0, 1, 2, 3],
    ),
    (
        "0: wx1 | 0: wx2 | 1: rx2 | 1: rx1",
        Level::Pram,
        "non-pipelined",
        &[0, 1, 2, 3],
    ),
    (
        "0: wx1 | 0: rx0",
        Level::ReadYourWrites,
        "missed-own-write",
        &[0, 1],
    ),
    (
        "0: wx1 | 0: wx2 | 0: rx2 | 0: rx1",
        Level::ReadYourWrites,
        "missed-own-write",
        &[0, 1, 2, 3],
    ),
    (
        "0: wx1 | 1: rx1 | 1: rx0",
        Level::MonotonicReads,
        "non-monotonic-read",
        &[0, 1, 2],
    ),
    (
        "0: wx1 | 0: wy1 | 1: ry1 rx0",
        Level::MonotonicWrites,
        "non-monotonic-write",
        &[0, 1, 2],
    ),
    (
        "0: wx1 | 1: rx1 | 1: wy1 | 2: ry1 rx0",
        Level::WritesFollowReads,
        "write-missing-its-reads",
        &[0, 1, 2, 3],
    ),
];

#[test]
fn the_smallest_history_of_each_anomaly_is_told_with_what_proves_it() {
    for (text, level, kind, transactions) in SMALLEST {
        let found = finding(text, level);
        assert_eq!(
            (found.kind, &*found.transactions),
            (kind, transactions),
            "{text}: {found:#?}"
        );
        let long = transactions.len() > 2;
        assert!(!long || !found.explanation.is_empty(), "{text}: {found:#?}");
        let all = found.explanation.join(" ");
        assert!(!all.contains("Someone"), "{text}: {found:#?}");
    }
}

#[test]
fn a_finding_is_told_in_words() {
    let found = finding("0: wx1 | 1: wx2 | 0: rx2 | 1: rx1", Level::ReadYourWrites);
    assert_eq!(
        found.summary,
        "No order of the versions 1, 2 of key :x gives read-your-writes."
    );
    let explanation = [
        "Process 0 wrote 1 to key :x in T0, and then read 2 in T4. So 2 is not older than 1.",
        "Process 1 wrote 2 to key :x in T2, and then read 1 in T6. So 1 is not older than 2.",
    ];
    assert_eq!(found.explanation, explanation);
    let found = finding("0: wx1 | 0: wx2 | 1: rx2 | 1: rx1", Level::Causal);
    assert_eq!(
        found.summary,
        "T6 read 1 of key :x, but T2 had overwritten it with 2 before that happened."
    );
    let found = finding("0?: wx1 wy1 | 1: ry1 rx0", Level::ReadAtomic);
    assert_eq!(
        found.explanation,
        ["Nobody was told whether T0 committed; what was read of it shows that it did."]
    );
}

#[test]
fn transactions_that_nobody_knows_of_have_predecessors_and_no_successors() {
    let holds = |text: &str, level| Case::read(text).judge(&[level]) == [Ruling::Holds];
    // What process 0 wrote before comes before what nobody was told of.
    assert!(!holds("0: wx1 | 0?: wy1 | 1: ry1 | 1: rx0", Level::Causal));
    assert!(!holds("0: wx1 | 0?: wy1 | 1: ry1 | 1: rx0", Level::Pram));
    // That may have taken effect after all that its process did later.
    assert!(holds("0?: wx1 | 0: wy1 | 0: rx0 | 1: rx1", Level::Causal));
    assert!(holds(
        "0?: wx1 | 0: wy1 | 0: rx0 | 1: rx1",
        Level::ReadYourWrites
    ));
    // Nobody saw it, so it need not have happened.
    assert!(holds("0?: wx1 wy1 | 1: rx0 ry0", Level::CausalConvergence));
}

#[test]
fn out_of_time_or_memory_nothing_is_claimed() {
    let history = Case::read("0: wx1 | 1: wx2 | 0: rx2 | 1: rx1").history();
    let operations = history.operations().expect("pairs");
    let transactions = Transactions::<Registers>::read(&history, operations).expect("transactions");
    let writes = Writes::of(&transactions).expect("unique writes");
    let late = Budget::unlimited().with_time(&|| true);
    let small = Budget::unlimited().with_bytes(1);
    let prepare = |budget: &Budget<'_>| Prepared::of(&transactions, &writes, &[], budget);
    assert_eq!(prepare(&late).err(), Some(Stop::Time));
    assert_eq!(prepare(&small).err(), Some(Stop::Memory));
    let prepared = prepare(&Budget::unlimited()).expect("no bound");
    for level in LEVELS {
        for (budget, why) in [(late, "time"), (small, "memory")] {
            let ruling = prepared.judge(level, &budget);
            let expected = format!("out of {why} while 4 transactions were ordered");
            assert_eq!(ruling, Ruling::Stopped(expected), "{level}");
        }
    }
}

#[test]
fn an_empty_history_breaks_nothing() {
    let rulings = judge(&History::new(), &LEVELS);
    assert!(rulings.iter().all(|ruling| *ruling == Ruling::Holds));
}
