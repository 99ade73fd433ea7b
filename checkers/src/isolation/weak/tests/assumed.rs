//! What is assumed of keys, at every weak level, against the definitions.

use rupture_history::{Outcome, Validity, Verdict};

use super::case::{Case, LEVELS};
use super::oracle::Facts;
use super::random::Random;
use super::stores::case;
use crate::isolation::assumed::Assumptions;
use crate::isolation::{Level, RwRegister};
use crate::{Budget, Checker};

/// Whether writes follow reads, keys are sequential, and keys are linearizable.
type Given = (bool, bool, bool);
/// A history, what is assumed, what is told, and which levels it breaks.
type Smallest = (&'static str, Given, &'static str, &'static [Level]);

/// Each assumption alone, and some of them together.
const ASSUMPTIONS: [Given; 5] = [
    (true, false, false),
    (false, true, false),
    (false, false, true),
    (true, true, false),
    (true, true, true),
];

fn asked((wfr_keys, sequential_keys, linearizable_keys): Given) -> Assumptions {
    Assumptions {
        wfr_keys,
        sequential_keys,
        linearizable_keys,
    }
}

fn judge(case: &Case, times: &[(usize, usize)], level: Level, asked: Assumptions) -> Verdict {
    let judge = RwRegister::new(level)
        .wfr_keys(asked.wfr_keys)
        .sequential_keys(asked.sequential_keys)
        .linearizable_keys(asked.linearizable_keys);
    judge
        .check(&case.at(times), &Budget::unlimited())
        .expect("a history")
}

/// Moments at which the transactions are invoked, in their order, and complete; a process does one at a time.
fn times(case: &Case, random: &mut Random) -> Vec<(usize, usize)> {
    let mut times = vec![(0, 0); case.0.len()];
    let mut open: Vec<usize> = Vec::new();
    let mut now = 0;
    for number in 0..case.0.len() {
        open.retain(|&other| {
            let same = case.0[other].process == case.0[number].process;
            let completes = same || random.one_in(2);
            if completes {
                now += 1;
                times[other].1 = now;
            }
            !completes
        });
        now += 1;
        times[number].0 = now;
        open.push(number);
    }
    for number in open {
        now += 1;
        times[number].1 = now;
    }
    times
}

/// Whether an assumption is part of a level.
fn is_implied((wfr, sequential, linearizable): Given, level: Level) -> bool {
    let asked = asked((wfr, sequential, linearizable));
    let count = [wfr, sequential, linearizable]
        .iter()
        .filter(|given| **given)
        .count();
    asked.implied(level).count() == count
}

/// Transactions that are named as evidence, without reads of what others wrote.
fn alone(
    case: &Case,
    times: &[(usize, usize)],
    verdict: &Verdict,
    at: usize,
) -> (Case, Vec<(usize, usize)>) {
    let mut moments: Vec<usize> = times
        .iter()
        .flat_map(|&(one, other)| [one, other])
        .collect();
    moments.sort_unstable();
    let evidence = &verdict.anomalies[at].evidence;
    let moments: Vec<usize> = evidence
        .iter()
        .map(|shown| moments[shown.index as usize])
        .collect();
    let named: Vec<usize> = (0..times.len())
        .filter(|&number| moments.contains(&times[number].0))
        .collect();
    let mut alone = Case::default();
    for &number in &named {
        let mut txn = case.0[number].clone();
        txn.ops.retain(|op| {
            let wrote = |number: &usize| {
                let mut ops = case.0[*number].ops.iter();
                ops.any(|other| other.writes && other.key == op.key && other.value == op.value)
            };
            op.writes || op.value == 0 || named.iter().any(wrote)
        });
        alone.0.push(txn);
    }
    (
        alone,
        named.into_iter().map(|number| times[number]).collect(),
    )
}

/// How often each level held and did not under each assumption, and how often it would have held without.
fn agree(histories: u64, most: usize, seed: u64) -> Vec<Vec<[u32; 3]>> {
    let mut seen = vec![vec![[0; 3]; LEVELS.len()]; ASSUMPTIONS.len()];
    for number in 0..histories {
        let mut random = Random::new(seed << 40 | number);
        let case = case(most, &mut random);
        if case.0.iter().all(|txn| txn.outcome != Outcome::Ok) {
            continue;
        }
        let times = times(&case, &mut random);
        let plain = Facts::of(&case);
        for (assumption, counts) in ASSUMPTIONS.iter().zip(&mut seen) {
            let asked = asked(*assumption);
            let facts = Facts::of(&case).assume(&case, asked, &times);
            for (&level, count) in LEVELS.iter().zip(counts) {
                let holds = facts.holds(level);
                let verdict = judge(&case, &times, level, asked);
                let expected = if holds {
                    Validity::Valid
                } else {
                    Validity::Invalid
                };
                assert_eq!(
                    verdict.validity, expected,
                    "{level} {assumption:?} of {case:?} at {times:?}: {verdict:#?}"
                );
                let only = !holds && plain.holds(level);
                count[usize::from(holds)] += 1;
                count[2] += u32::from(only);
                // Who wrote the versions of a key that has no order of them does not matter.
                let told = verdict
                    .anomalies
                    .iter()
                    .map(|one| one.kind != "cyclic-versions");
                for (at, _) in told
                    .enumerate()
                    .filter(|(_, transactions)| only && *transactions)
                {
                    let (case, times) = alone(&case, &times, &verdict, at);
                    let facts = Facts::of(&case).assume(&case, asked, &times);
                    assert!(
                        !facts.holds(level),
                        "{level} holds of {case:?}: {verdict:#?}"
                    );
                }
            }
        }
    }
    seen
}

#[test]
fn every_level_keeps_every_assumption() {
    let seen = agree(2_000, 5, 11);
    for (assumption, counts) in ASSUMPTIONS.iter().zip(seen) {
        let all = counts
            .iter()
            .fold([0; 3], |sum, of| [0, 1, 2].map(|at| sum[at] + of[at]));
        assert!(all[0] > all[1] / 20, "{assumption:?}: {all:?}");
        for (level, [fails, holds, only]) in LEVELS.iter().zip(counts) {
            assert!(
                fails > 5 && holds > 500,
                "{assumption:?} {level}: {fails} {holds}"
            );
            let implied = is_implied(*assumption, *level);
            assert!(!implied || only == 0, "{assumption:?} changes {level}");
        }
    }
}

#[test]
#[ignore = "minutes"]
fn every_level_keeps_every_assumption_of_many_histories() {
    agree(60_000, 6, 12);
}

const WFR: Given = ASSUMPTIONS[0];
const SEQUENTIAL: Given = ASSUMPTIONS[1];
const LINEARIZABLE: Given = ASSUMPTIONS[2];

/// Smallest histories by assumption: what is told, and the levels that this breaks and that would hold otherwise.
#[rustfmt::skip]
const SMALLEST: [Smallest; 10] = [
    // The order of keys says that each of two came before the other.
    ("0: wx1 wy2 | 1: wx2 wy1 | 0: rx2 | 1: ry2", SEQUENTIAL, "G0", &[
        Level::ReadUncommitted, Level::ReadCommitted, Level::MonotonicAtomicView, Level::ReadAtomic, Level::Causal,
    ]),
    ("0: wx1 wy2 | 1: wx2 wy1 | 0: rx2 | 1: ry2", LINEARIZABLE, "cyclic-versions", &[
        Level::ReadUncommitted, Level::ReadCommitted, Level::MonotonicAtomicView, Level::ReadAtomic,
        Level::MonotonicReads, Level::MonotonicWrites, Level::ReadYourWrites, Level::WritesFollowReads,
    ]),
    ("0: rx2 wx1 wy1 | 1: ry1 wx2 wy2", WFR, "G0", &[Level::ReadUncommitted, Level::Pram]),
    // The order of a key and a read do.
    ("0: wx1 ry2 | 1: wx2 wy2 | 0: rx2", SEQUENTIAL, "G1c", &[
        Level::ReadCommitted, Level::MonotonicAtomicView, Level::ReadAtomic,
    ]),
    ("0: wx1 ry2 | 1: wx2 wy2", LINEARIZABLE, "G1c", &[
        Level::ReadCommitted, Level::MonotonicAtomicView, Level::ReadAtomic, Level::Causal, Level::CausalMemory,
        Level::CausalConvergence,
    ]),
    // A key has no order of its versions.
    ("0: wx1 | 1: wx2 | 0: rx2 | 1: rx1", SEQUENTIAL, "cyclic-versions", &[
        Level::ReadUncommitted, Level::ReadCommitted, Level::MonotonicAtomicView, Level::ReadAtomic, Level::Causal,
        Level::CausalMemory, Level::Pram, Level::MonotonicReads, Level::MonotonicWrites, Level::WritesFollowReads,
    ]),
    ("0: wx1 | 1: wx2 | 2: rx1", LINEARIZABLE, "cyclic-versions", &[
        Level::ReadUncommitted, Level::ReadCommitted, Level::MonotonicAtomicView, Level::ReadAtomic, Level::Causal,
        Level::CausalMemory, Level::CausalConvergence, Level::Pram, Level::MonotonicReads, Level::MonotonicWrites,
        Level::ReadYourWrites, Level::WritesFollowReads,
    ]),
    ("0: rx2 wx1 | 1: rx1 wx2", WFR, "cyclic-versions", &[
        Level::ReadUncommitted, Level::Pram, Level::MonotonicReads, Level::MonotonicWrites, Level::ReadYourWrites,
    ]),
    // What it wrote follows all that it read before, and not the last alone.
    ("0: rx2 rx0 wx1 | 1: rx1 wx2", WFR, "cyclic-versions", &[Level::ReadUncommitted]),
    // Sessions go against the order of two keys.
    ("0: wx1 | 0: wy1 | 1: wx2 wy2 | 2: ry1 | 2: ry2 | 3: rx2 | 3: rx1", SEQUENTIAL, "G0-process", &[
        Level::Pram, Level::CausalMemory,
    ]),
];

#[test]
fn the_smallest_histories_break_what_they_should() {
    for (text, assumption, kind, broken) in SMALLEST {
        let case = Case::read(text);
        let times: Vec<_> = (0..case.0.len()).map(|at| (2 * at, 2 * at + 1)).collect();
        for &level in broken {
            let plain = judge(&case, &times, level, Assumptions::default());
            assert_eq!(
                plain.validity,
                Validity::Valid,
                "{level} of {text}: {plain:#?}"
            );
            let verdict = judge(&case, &times, level, asked(assumption));
            let kinds: Vec<&str> = verdict
                .anomalies
                .iter()
                .map(|anomaly| &*anomaly.kind)
                .collect();
            assert_eq!(kinds, [kind], "{level} of {text}");
        }
        // The ladder says the same, and shows no level held beside what breaks it.
        let (wfr, sequential, linearizable) = assumption;
        let ladder = RwRegister::ladder()
            .wfr_keys(wfr)
            .sequential_keys(sequential)
            .linearizable_keys(linearizable);
        let verdict = ladder
            .check(&case.at(&times), &Budget::unlimited())
            .expect("a history");
        for rung in &verdict.ladder {
            let level = Level::named(&rung.level).expect("a level");
            let breaks = broken.iter().any(|&weaker| level.implies(weaker));
            assert!(
                !breaks || rung.validity == Validity::Invalid,
                "{level} of {text}"
            );
        }
    }
}
