//! Random histories, judged by the checkers and by the definitions.

use crate::searches::{at_least, share};
use rupture_history::{Outcome, Validity, Verdict};

use super::oracle::{Small, smallest_delta, smallest_k};
use super::random::{Random, Shape, history, shape};
use crate::models::Register;
use crate::staleness::{KAtomic, Stale};
use crate::{Budget, Checker, Linearizable};

pub(super) fn judge(checker: &dyn Checker, small: &Small) -> Verdict {
    let verdict = checker.check(&small.history(), &Budget::unlimited());
    verdict.unwrap_or_else(|error| panic!("{error}\n{small:#?}"))
}

/// What the definition says of a bound.
fn expected(small: &Small, smallest: Option<u64>, bound: Option<u64>) -> Validity {
    if small.ops.iter().all(|op| op.outcome != Outcome::Ok) {
        return Validity::Unknown;
    }
    match (smallest, bound) {
        (None, _) => Validity::Invalid,
        (Some(smallest), Some(bound)) if smallest > bound => Validity::Invalid,
        _ => Validity::Valid,
    }
}

/// The operations that an anomaly lists, and nothing else.
pub(super) fn evidence(small: &Small, verdict: &Verdict, anomaly: usize) -> Small {
    let history = small.history();
    let rows: Vec<u64> = history
        .iter()
        .map(rupture_history::EventRef::index)
        .collect();
    let listed = |at: usize| {
        let mut evidence = verdict.anomalies[anomaly].evidence.iter();
        evidence.any(|e| e.index == rows[at])
    };
    Small {
        ops: small
            .ops
            .iter()
            .filter(|op| listed(op.invoked))
            .cloned()
            .collect(),
        times: small.times.clone(),
    }
}

#[derive(Default)]
struct Tally {
    valid: u64,
    invalid: u64,
    proofs: u64,
}

impl Tally {
    fn count(&mut self, validity: Validity) {
        self.valid += u64::from(validity == Validity::Valid);
        self.invalid += u64::from(validity == Validity::Invalid);
    }
}

fn compare_versions(small: &Small, random: &mut Random, tally: &mut Tally) {
    let smallest = smallest_k(&small.ops);
    let measured = judge(&KAtomic::new(None, false), small);
    let truth = expected(small, smallest.map(u64::from), None);
    assert_eq!(
        measured.validity, truth,
        "{measured:#?} {smallest:?} {small:#?}"
    );
    if truth == Validity::Valid {
        let found = measured.measured[0].exact();
        assert_eq!(found, smallest.map(u64::from), "{measured:#?} {small:#?}");
    }
    let k = match smallest {
        Some(k) if k > 1 && !random.one_in(3) => 1 + random.below(k as usize - 1) as u32,
        _ => 1 + random.below(4) as u32,
    };
    let verdict = judge(&KAtomic::new(Some(k), false), small);
    let truth = expected(small, smallest.map(u64::from), Some(u64::from(k)));
    assert_eq!(
        verdict.validity, truth,
        "k = {k} {verdict:#?} {smallest:?} {small:#?}"
    );
    tally.count(truth);
    assert_eq!(truth == Validity::Invalid, !verdict.anomalies.is_empty());
    if tally.invalid.is_multiple_of(4) {
        for anomaly in 0..verdict.anomalies.len() {
            let alone = evidence(small, &verdict, anomaly);
            let smallest = smallest_k(&alone.ops);
            assert!(smallest.is_none_or(|s| s > k), "{verdict:#?} {small:#?}");
            tally.proofs += 1;
        }
    }
}

fn compare_times(small: &Small, random: &mut Random, tally: &mut Tally) {
    let smallest = smallest_delta(small);
    let measured = judge(&Stale::new(None, false), small);
    let truth = expected(small, smallest, None);
    assert_eq!(
        measured.validity, truth,
        "{measured:#?} {smallest:?} {small:#?}"
    );
    if truth == Validity::Valid {
        let found = measured.measured[0].exact();
        assert_eq!(found, smallest, "{measured:#?} {small:#?}");
    }
    let bound = match smallest {
        Some(ns) if ns > 0 && !random.one_in(3) => random.below(ns as usize) as u64,
        _ => random.below(14) as u64,
    };
    let verdict = judge(&Stale::new(Some(bound), false), small);
    let truth = expected(small, smallest, Some(bound));
    assert_eq!(
        verdict.validity, truth,
        "{bound} {verdict:#?} {smallest:?} {small:#?}"
    );
    tally.count(truth);
    assert_eq!(truth == Validity::Invalid, !verdict.anomalies.is_empty());
    if tally.invalid.is_multiple_of(4) {
        for anomaly in 0..verdict.anomalies.len() {
            let alone = evidence(small, &verdict, anomaly);
            let smallest = smallest_delta(&alone);
            assert!(
                smallest.is_none_or(|s| s > bound),
                "{verdict:#?} {small:#?}"
            );
            tally.proofs += 1;
        }
    }
}

fn compare(histories: u64, most: usize, seed: u64, one: fn(&Small, &mut Random, &mut Tally)) {
    let mut random = Random::new(seed);
    let mut tally = Tally::default();
    for _ in 0..histories {
        let small = history(shape(most, &mut random), &mut random);
        one(&small, &mut random, &mut tally);
    }
    let Tally {
        valid,
        invalid,
        proofs,
    } = tally;
    println!("{valid} valid, {invalid} invalid, {proofs} proofs of {histories}");
    assert!(valid > histories / 4 && invalid > histories / 4);
    assert!(proofs > histories / 20);
}

#[test]
fn versions_agree_with_the_definition() {
    compare(share(100_000) as u64, 9, 1, compare_versions);
}

#[test]
fn times_agree_with_the_definition() {
    compare(share(100_000) as u64, 9, 2, compare_times);
}

#[test]
#[ignore = "takes minutes"]
fn a_million_histories() {
    compare(500_000, 9, 101, compare_versions);
    compare(500_000, 9, 102, compare_times);
}

#[test]
fn without_staleness_it_is_linearizability() {
    let mut random = Random::new(3);
    let mut tally = Tally::default();
    for round in 0..share(20_000) {
        let mut shape = shape(9, &mut random);
        if round % 20 == 0 {
            shape = Shape {
                operations: 60,
                lag: 1,
                odd: 200,
                ..shape
            };
        }
        let small = history(shape, &mut random);
        let truth = judge(&Linearizable::new(Register), &small);
        for checker in [
            &KAtomic::new(Some(1), false) as &dyn Checker,
            &Stale::new(Some(0), false),
        ] {
            let verdict = judge(checker, &small);
            assert_eq!(verdict.validity, truth.validity, "{verdict:#?} {small:#?}");
        }
        tally.count(truth.validity);
    }
    assert!(tally.valid >= at_least(4_000) as u64 && tally.invalid >= at_least(4_000) as u64);
}
