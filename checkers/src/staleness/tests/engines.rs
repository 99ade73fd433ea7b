//! The engines agree with each other where two apply, on histories too large for the definitions.

use super::oracle::Small;
use super::random::{Random, Shape, history};
use crate::Budget;
use crate::linearizability::calls::{Objects, Part, parts};
use crate::models::Register;
use crate::models::op::RegisterOp;
use crate::searches::{self, share};
use crate::staleness::bounds::{at_least, at_most, needed};
use crate::staleness::chunks::chunks;
use crate::staleness::clusters::{Cluster, Reading, read};
use crate::staleness::delta::{self, Times, conflicts};
use crate::staleness::measure::measure;
use crate::staleness::search::{Clock, Found};
use crate::staleness::{latest, lbt, shifted, writes};

fn part(small: &Small) -> Part<RegisterOp> {
    let history = small.history();
    let operations = history.operations().expect("it pairs");
    let mut parts =
        parts(&Register, &Objects::default(), &history, &operations).expect("a register");
    parts.remove(0)
}

fn clusters(part: &Part<RegisterOp>) -> Option<Vec<Cluster>> {
    let all: Vec<u32> = (0..part.calls.len() as u32).collect();
    match read(&part.calls, &all) {
        Reading::Clusters(clusters) => Some(clusters),
        Reading::Impossible(_) | Reading::Repeated => None,
    }
}

fn random(operations: usize, lag: usize, random: &mut Random) -> Small {
    let shape = Shape {
        operations,
        processes: 2 + random.below(5),
        lag: 1 + random.below(lag),
        unique: true,
        odd: 500,
    };
    history(shape, random)
}

/// An order respects real time, and needs no greater k than it claims.
fn check_order(chunk: &[Cluster], k: u32, order: &[u32]) {
    assert!(needed(chunk, order) <= k);
    let mut all = order.to_vec();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..chunk.len() as u32));
    for (at, &later) in order.iter().enumerate() {
        let early =
            |&earlier: &u32| chunk[later as usize].first_end < chunk[earlier as usize].begin;
        assert!(!order[..at].iter().any(early));
    }
}

#[test]
fn backtracking_and_search_agree_on_two_versions() {
    let mut source = Random::new(11);
    let budget = Budget::unlimited();
    let (mut yes, mut no) = (0, 0);
    for round in 0..share(3_000) {
        let small = random(10 + round % 60, 3, &mut source);
        for chunk in clusters(&part(&small))
            .into_iter()
            .flat_map(|all| chunks(&all))
        {
            let mut clock = Clock::new(&budget, u64::MAX);
            let backtracked = lbt::decide(&chunk, &mut clock);
            let searched = writes::decide(&chunk, 2, &mut clock);
            let (floor, roof) = (at_least(&chunk), at_most(&chunk));
            match (backtracked, searched) {
                (Found::Order(one), Found::Order(other)) => {
                    check_order(&chunk, 2, &one);
                    check_order(&chunk, 2, &other);
                    assert!(floor <= 2);
                    yes += 1;
                }
                (Found::None, Found::None) => {
                    assert!(roof > 2);
                    no += 1;
                }
                answers => panic!("{answers:?} {small:#?}"),
            }
        }
    }
    println!("{yes} with an order, {no} without");
    assert!(yes >= searches::at_least(500) && no >= searches::at_least(500));
}

#[test]
fn orders_of_writes_and_of_all_operations_agree() {
    let mut source = Random::new(12);
    let budget = Budget::unlimited();
    let mut seen = [0; 9];
    for round in 0..share(2_000) {
        let small = random(8 + round % 24, 5, &mut source);
        let part = part(&small);
        let Some(all) = clusters(&part) else { continue };
        let measured = measure(&all, None, &budget);
        let searched = latest::measure(&part.calls, None, &budget);
        assert_eq!(measured.at_most, Some(measured.at_least));
        assert_eq!(searched.at_most, searched.at_least);
        assert_eq!(measured.at_least, searched.at_least, "{small:#?}");
        seen[measured.at_least.min(8) as usize] += 1;
    }
    println!("how often each k: {seen:?}");
    assert!(
        seen[1..=4]
            .iter()
            .all(|&count| count >= searches::at_least(50))
    );
}

#[test]
fn zones_and_search_agree_on_time() {
    let mut source = Random::new(13);
    let budget = Budget::unlimited();
    let mut stale = 0;
    for round in 0..share(2_000) {
        let small = random(8 + round % 50, 5, &mut source);
        let part = part(&small);
        let Some(all) = clusters(&part) else { continue };
        let times = Times(&small.times);
        let smallest = delta::smallest(&all, times);
        let searched = shifted::measure(&part.calls, times, None, &budget);
        assert_eq!(searched.at_most, searched.at_least);
        assert_eq!(smallest, searched.at_least, "{small:#?}");
        stale += u64::from(smallest > 0);
        if smallest > 0 {
            // The worst of any two clusters is what all of them need.
            for bound in [0, smallest / 2, smallest - 1] {
                let found = conflicts(&all, times, bound);
                assert_eq!(found[0].needed, smallest, "{small:#?}");
            }
        }
        assert!(conflicts(&all, times, smallest).is_empty());
    }
    println!("{stale} stale");
    assert!(stale >= searches::at_least(500) as u64);
}
