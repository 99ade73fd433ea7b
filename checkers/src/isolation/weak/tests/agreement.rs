//! Every ruling against the definitions, on many small histories, and every implication among levels.

use super::case::{Case, LEVELS};
use super::oracle::Facts;
use super::random::Random;
use super::stores::case;
use crate::isolation::Level;
use crate::isolation::Level::{
    Causal, CausalConvergence, CausalMemory, MonotonicAtomicView, MonotonicReads, MonotonicWrites,
    Pram, ReadAtomic, ReadCommitted, ReadUncommitted, ReadYourWrites, WritesFollowReads,
};
use crate::isolation::weak::{Finding, Ruling};
use crate::searches::{at_least, share};

/// Which of these levels imply which, and no others.
const IMPLIED: [(Level, &[Level]); 12] = [
    (
        CausalConvergence,
        &[
            Causal,
            ReadAtomic,
            MonotonicAtomicView,
            ReadCommitted,
            ReadUncommitted,
            ReadYourWrites,
            MonotonicReads,
            MonotonicWrites,
            WritesFollowReads,
        ],
    ),
    (
        CausalMemory,
        &[Causal, Pram, ReadCommitted, ReadUncommitted],
    ),
    (Causal, &[ReadCommitted, ReadUncommitted]),
    (
        ReadAtomic,
        &[MonotonicAtomicView, ReadCommitted, ReadUncommitted],
    ),
    (MonotonicAtomicView, &[ReadCommitted, ReadUncommitted]),
    (ReadCommitted, &[ReadUncommitted]),
    (ReadUncommitted, &[]),
    // Whoever reads what nobody wrote breaks it, and nothing else does without an assumption.
    (Pram, &[ReadUncommitted]),
    (ReadYourWrites, &[]),
    (MonotonicReads, &[]),
    (MonotonicWrites, &[]),
    (WritesFollowReads, &[]),
];

/// Compares all levels, and returns which hold.
fn compare(case: &Case) -> Vec<bool> {
    let facts = Facts::of(case);
    let rulings = case.judge(&LEVELS);
    let pairs = LEVELS.iter().zip(&rulings);
    pairs
        .map(|(&level, ruling)| {
            let holds = facts.holds(level);
            match ruling {
                Ruling::Holds => assert!(holds, "{level} does not hold of {case:?}"),
                Ruling::Violated(found) => {
                    assert!(!holds, "{level} holds of {case:?}, not {found:?}");
                    assert!(!found.is_empty(), "{level} of {case:?}");
                }
                Ruling::Stopped(why) => panic!("{level} of {case:?}: {why}"),
            }
            holds
        })
        .collect()
}

/// How many histories hold a level and not another, and the first of them.
type Apart = Vec<Vec<(u64, Option<Case>)>>;

fn agree(histories: u64, most: usize, seed: u64) -> Apart {
    let mut apart: Apart = vec![vec![(0, None); LEVELS.len()]; LEVELS.len()];
    for number in 0..histories {
        let mut random = Random::new(seed << 40 | number);
        let case = case(most, &mut random);
        let held = compare(&case);
        for (row, _) in apart.iter_mut().zip(&held).filter(|(_, held)| **held) {
            for ((count, first), _) in row.iter_mut().zip(&held).filter(|(_, held)| !**held) {
                *count += 1;
                first.get_or_insert_with(|| case.clone());
            }
        }
    }
    for (level, row) in LEVELS.iter().zip(&apart) {
        let implied = IMPLIED.iter().find(|(stronger, _)| stronger == level);
        let implied = implied.map_or(&[][..], |(_, implied)| implied);
        for (other, (count, first)) in LEVELS.iter().zip(row) {
            let wrong = implied.contains(other) && *count > 0;
            assert!(!wrong, "{level} holds, and not {other}, of {first:?}");
        }
    }
    apart
}

/// Histories that hold some of the causal levels, and break what these do not imply: to two processes two writes that
/// nothing orders come in different orders.
const APART: [&str; 7] = [
    // Each process writes, and then reads what the other wrote.
    "0: wx1 | 1: wx2 | 0: rx2 | 1: rx1",
    // One reads 1 and then 2, the other 2 and then 1.
    "0: wx1 | 1: wx2 | 2: rx1 | 2: rx2 | 3: rx2 | 3: rx1",
    // Both see a later write of the one process and the write of the other.
    "0: wx1 | 0: wy1 | 1: wx2 | 1: wz1 | 2: ry1 rx2 | 3: rz1 rx1",
    // Both see what followed a read of the one write, and then the other write.
    "0: wx1 | 1: wx2 | 2: rx1 wy1 | 3: rx2 wz1 | 4: ry1 rx2 | 5: rz1 rx1",
    // Both see one write of each transaction.
    "0: wx1 wy1 | 1: wx2 wz2 | 2: ry1 rx2 | 3: rz2 rx1",
    // Who converges need not keep to one order: to process 1 what 0 wrote first comes last.
    "0: wz1 | 0: wx1 | 0: wy1 | 1: wx2 | 1: rz0 | 1: ry1 | 1: rx2",
    // A transaction reads from two, and nothing tells which of them came first.
    "0: wx1 wy1 | 1: wx2 wy2 | 2: ry1 rx2",
];

#[test]
fn rulings_agree_with_the_definitions_and_levels_imply_only_what_they_should() {
    let mut apart = agree(share(200_000) as u64, 5, 1);
    for text in APART {
        let held = compare(&Case::read(text));
        for (row, _) in apart.iter_mut().zip(&held).filter(|(_, held)| **held) {
            for ((count, _), _) in row.iter_mut().zip(&held).filter(|(_, held)| !**held) {
                *count += 1;
            }
        }
    }
    for (level, row) in LEVELS.iter().zip(&apart) {
        let implied = IMPLIED.iter().find(|(stronger, _)| stronger == level);
        let implied = implied.map_or(&[][..], |(_, implied)| implied);
        for (other, (count, _)) in LEVELS.iter().zip(row) {
            let told_apart = *count > 0 || level == other || implied.contains(other);
            assert!(told_apart, "{level} always came with {other}");
        }
    }
}

#[test]
#[ignore = "a million histories: minutes"]
fn rulings_agree_with_the_definitions_on_a_million_histories() {
    agree(300_000, 7, 3);
    agree(700_000, 6, 2);
}

/// The transactions that a finding names, without the reads of what others wrote.
fn alone(case: &Case, finding: &Finding) -> Case {
    let named = |number: usize| finding.transactions.contains(&(number as u32));
    let mut alone = Case::default();
    for (_, txn) in case
        .0
        .iter()
        .enumerate()
        .filter(|(number, _)| named(*number))
    {
        let mut txn = txn.clone();
        txn.ops.retain(|op| {
            let written = case.0.iter().enumerate().find(|(_, txn)| {
                let mut writes = txn.ops.iter().filter(|other| other.writes);
                writes.any(|other| other.key == op.key && other.value == op.value)
            });
            op.writes || op.value == 0 || written.is_some_and(|(number, _)| named(number))
        });
        alone.0.push(txn);
    }
    alone
}

#[test]
fn the_transactions_of_a_finding_break_the_level_by_themselves() {
    let flaws = ["garbage-read", "G1a", "G1b", "internal", "future-read"];
    let mut told = 0;
    for number in 0..share(6_000) as u64 {
        let mut random = Random::new(9 << 40 | number);
        let case = case(7, &mut random);
        for (level, ruling) in LEVELS.iter().zip(case.judge(&LEVELS)) {
            let Ruling::Violated(findings) = ruling else {
                continue;
            };
            for finding in findings.iter().filter(|found| !flaws.contains(&found.kind)) {
                told += 1;
                let alone = alone(&case, finding);
                let holds = Facts::of(&alone).holds(*level);
                assert!(
                    !holds,
                    "{level} holds of {alone:?}, part of {case:?}: {finding:#?}"
                );
            }
        }
    }
    assert!(told >= at_least(2_000), "{told} findings");
}
