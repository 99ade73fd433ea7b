//! Every ruling against the definitions, on many small histories, and every implication among levels.

use super::case::Case;
use super::oracle::Facts;
use super::random::Random;
use super::stores::case;
use crate::isolation::Level;
use crate::isolation::Level::{
    Causal, CausalConvergence, CausalMemory, MonotonicAtomicView, MonotonicReads, MonotonicWrites,
    Pram, ReadAtomic, ReadCommitted, ReadYourWrites, WritesFollowReads,
};
use crate::isolation::weak::{Prepared, Ruling};

/// Which of these levels imply which, and no others.
const IMPLIED: [(Level, &[Level]); 11] = [
    (
        CausalConvergence,
        &[
            Causal,
            ReadAtomic,
            MonotonicAtomicView,
            ReadCommitted,
            ReadYourWrites,
            MonotonicReads,
            MonotonicWrites,
            WritesFollowReads,
        ],
    ),
    (CausalMemory, &[Causal, Pram, ReadCommitted]),
    (Causal, &[ReadCommitted]),
    (ReadAtomic, &[MonotonicAtomicView, ReadCommitted]),
    (MonotonicAtomicView, &[ReadCommitted]),
    (ReadCommitted, &[]),
    (Pram, &[]),
    (ReadYourWrites, &[]),
    (MonotonicReads, &[]),
    (MonotonicWrites, &[]),
    (WritesFollowReads, &[]),
];

fn levels() -> Vec<Level> {
    let all = Level::ALL.into_iter();
    all.filter(|&level| Prepared::judges(level)).collect()
}

/// Compares all levels, and returns which hold.
fn compare(case: &Case, levels: &[Level]) -> Vec<bool> {
    let facts = Facts::of(case);
    let rulings = case.judge(levels);
    let pairs = levels.iter().zip(&rulings);
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
    let levels = levels();
    let mut apart: Apart = vec![vec![(0, None); levels.len()]; levels.len()];
    for number in 0..histories {
        let mut random = Random::new(seed << 40 | number);
        let case = case(most, &mut random);
        let held = compare(&case, &levels);
        for (row, _) in apart.iter_mut().zip(&held).filter(|(_, held)| **held) {
            for ((count, first), _) in row.iter_mut().zip(&held).filter(|(_, held)| !**held) {
                *count += 1;
                first.get_or_insert_with(|| case.clone());
            }
        }
    }
    for (level, row) in levels.iter().zip(&apart) {
        let implied = IMPLIED.iter().find(|(stronger, _)| stronger == level);
        let implied = implied.map_or(&[][..], |(_, implied)| implied);
        for (other, (count, first)) in levels.iter().zip(row) {
            println!("{level} and not {other}: {count}");
            let wrong = implied.contains(other) && *count > 0;
            assert!(!wrong, "{level} holds, and not {other}, of {first:?}");
        }
    }
    apart
}

#[test]
fn rulings_agree_with_the_definitions() {
    agree(20_000, 5, 1);
}

#[test]
#[ignore = "a million histories: minutes"]
fn rulings_agree_with_the_definitions_on_a_million_histories() {
    agree(300_000, 7, 3);
    let apart = agree(700_000, 6, 2);
    let levels = levels();
    for (level, row) in levels.iter().zip(&apart) {
        let implied = IMPLIED.iter().find(|(stronger, _)| stronger == level);
        let implied = implied.map_or(&[][..], |(_, implied)| implied);
        for (other, (count, _)) in levels.iter().zip(row) {
            let told_apart = *count > 0 || level == other || implied.contains(other);
            assert!(told_apart, "{level} always came with {other}");
        }
    }
}
