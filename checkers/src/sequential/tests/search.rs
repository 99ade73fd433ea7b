//! The search answers as the definition does.

use crate::searches::share;
use rupture_history::{Outcome, Validity, Verdict};

use super::oracle::{self, Step};
use super::random;
use crate::linearizability::tests::objects::{self, Subject};
use crate::linearizability::tests::oracle::{Op, Part, parts as told, proves};
use crate::linearizability::tests::random::Random;
use crate::models::{
    CasRegister, Counter, FencedLock, FifoQueue, KvAppend, MultiRegister, Mutex, OwnerMutex,
    PriorityQueue, Register, Semaphore, Set, Stack, UnorderedQueue,
};
use crate::{Budget, Checker, Linearizable, Model, Sequential};

/// How many histories a model gets with one object and with several, and how many operations each has at most.
struct Amount {
    single: u64,
    several: u64,
    most: usize,
}

/// For every model; all of them together are 200,000 and more.
const SMALL: Amount = Amount {
    single: share(8_000) as u64,
    several: share(6_500) as u64,
    most: 9,
};

/// For now and then: a million and more.
const LARGE: Amount = Amount {
    single: 40_000,
    several: 30_000,
    most: 9,
};

pub(super) fn judge<M: Model + Copy>(model: M, keys: usize, steps: &[Step]) -> Verdict {
    let independent = keys > 1 && model.name() != "kv-append";
    let history = oracle::history(steps, keys > 1);
    let judge = Sequential::new(model).independent(independent);
    let verdict = judge.check(&history, &Budget::unlimited());
    verdict.unwrap_or_else(|error| panic!("{error}\n{steps:#?}"))
}

pub(super) fn parts(steps: &[Step]) -> Vec<Part> {
    let ops: Vec<Op> = steps.iter().map(|step| step.op.clone()).collect();
    told(&ops)
}

fn observed(steps: &[Step]) -> Vec<Part> {
    let part = |(part, step): (Part, &Step)| match (step.op.f, step.op.outcome) {
        ("cas", Outcome::Fail) => Part::Must,
        _ => part,
    };
    parts(steps).into_iter().zip(steps).map(part).collect()
}

pub(super) fn expected(subject: &Subject, keys: usize, steps: &[Step], parts: &[Part]) -> Validity {
    match oracle::has_order(subject, keys, steps, parts) {
        true if proves(steps.iter().map(|step| (step.op.f, step.op.outcome))) => Validity::Valid,
        true => Validity::Unknown,
        false => Validity::Invalid,
    }
}

/// How many histories had each answer, how many were valid but not linearizable, and how many invalid although
/// each object by itself was not.
#[derive(Debug, Default)]
struct Counts {
    answers: [u64; 3],
    late: u64,
    joint: u64,
}

struct Comparison<'a, M> {
    model: M,
    subject: &'a Subject,
    parts: fn(&[Step]) -> Vec<Part>,
    counts: Counts,
}

impl<M: Model + Copy> Comparison<'_, M> {
    fn compare(&mut self, keys: usize, most: usize, random: &mut Random) {
        let steps = random::history(self.subject, keys, most, random);
        let parts = (self.parts)(&steps);
        let expected = expected(self.subject, keys, &steps, &parts);
        let verdict = judge(self.model, keys, &steps);
        assert_eq!(
            verdict.validity,
            expected,
            "{}: {steps:#?}\n{verdict:#?}",
            self.model.name()
        );
        self.counts.answers[expected as usize] += 1;
        match expected {
            Validity::Valid => {
                assert_eq!(verdict.explained, verdict.operations);
                self.counts.late += u64::from(!self.is_linearizable(keys, &steps));
            }
            Validity::Invalid => {
                let [anomaly, ..] = &verdict.anomalies[..] else {
                    panic!("no anomaly");
                };
                assert_eq!(anomaly.kind, "not-sequential");
                self.counts.joint += u64::from(keys > 1 && anomaly.key.is_none());
            }
            Validity::Unknown => {}
        }
    }

    fn is_linearizable(&self, keys: usize, steps: &[Step]) -> bool {
        let independent = keys > 1 && self.model.name() != "kv-append";
        let judge = Linearizable::new(self.model).independent(independent);
        let history = oracle::history(steps, keys > 1);
        let verdict = judge.check(&history, &Budget::unlimited()).unwrap();
        verdict.validity == Validity::Valid
    }

    fn run(mut self, amount: &Amount, seed: u64) {
        let mut random = Random::new(seed);
        for number in 0..amount.single + amount.several {
            let keys = if number < amount.single {
                1
            } else {
                2 + random.below(4) / 3
            };
            self.compare(keys, amount.most, &mut random);
        }
        let [valid, _, invalid] = self.counts.answers;
        println!("{}: {:?}", self.model.name(), self.counts);
        let all = amount.single + amount.several;
        assert!(valid > all / 5 && invalid > all / 5, "{:?}", self.counts);
        assert!(self.counts.late > all / 50, "{:?}", self.counts);
    }
}

fn compare_by<M: Model + Copy>(model: M, subject: &Subject, amount: &Amount, seed: u64) {
    let comparison = Comparison {
        model,
        subject,
        parts,
        counts: Counts::default(),
    };
    comparison.run(amount, seed);
}

fn compare<M: Model + Copy>(model: M, subject: &Subject, seed: u64) {
    compare_by(model, subject, &SMALL, seed);
}

fn compare_observing(amount: &Amount, seed: u64) {
    let comparison = Comparison {
        model: CasRegister {
            observe_failed: true,
        },
        subject: &objects::CAS_REGISTER,
        parts: observed,
        counts: Counts::default(),
    };
    comparison.run(amount, seed);
}

const CAS: CasRegister = CasRegister {
    observe_failed: false,
};
const OWNED: OwnerMutex = OwnerMutex { reentrant: false };
const REENTRANT: OwnerMutex = OwnerMutex { reentrant: true };
const THREE: Semaphore = Semaphore { permits: 3 };

#[test]
fn register() {
    compare(Register, &objects::REGISTER, 1);
}

#[test]
fn cas_register() {
    compare(CAS, &objects::CAS_REGISTER, 2);
}

#[test]
fn cas_register_observing_failures() {
    compare_observing(&SMALL, 3);
}

#[test]
fn multi_register() {
    compare(MultiRegister, &objects::MULTI_REGISTER, 4);
}

#[test]
fn kv_append() {
    compare(KvAppend, &objects::KV, 5);
}

#[test]
fn counter() {
    compare(Counter, &objects::COUNTER, 6);
}

#[test]
fn set() {
    compare(Set, &objects::SET, 7);
}

#[test]
fn fifo_queue() {
    compare(FifoQueue, &objects::FIFO_QUEUE, 8);
}

#[test]
fn unordered_queue() {
    compare(UnorderedQueue, &objects::UNORDERED_QUEUE, 9);
}

#[test]
fn stack() {
    compare(Stack, &objects::STACK, 10);
}

#[test]
fn priority_queue() {
    compare(PriorityQueue, &objects::PRIORITY_QUEUE, 11);
}

#[test]
fn mutex() {
    compare(Mutex, &objects::MUTEX, 12);
}

#[test]
fn owner_mutexes() {
    compare(OWNED, &objects::OWNER_MUTEX, 13);
    compare(REENTRANT, &objects::REENTRANT_MUTEX, 14);
}

#[test]
fn fenced_lock() {
    compare(FencedLock, &objects::FENCED_LOCK, 15);
}

#[test]
fn semaphore() {
    compare(THREE, &objects::SEMAPHORE, 16);
}

/// Histories of which every object has an order by itself, and all together have none.
fn together<M: Model + Copy>(model: M, subject: &Subject, seed: u64) {
    let mut random = Random::new(seed);
    let mut found = 0;
    for _ in 0..JOINT_TRIES {
        let steps = random::history(subject, 2, 10, &mut random);
        let alone = |key: usize| {
            let steps: Vec<Step> = steps.iter().filter(|s| s.key == key).cloned().collect();
            oracle::has_order(subject, 2, &steps, &parts(&steps))
        };
        if !alone(0) || !alone(1) || oracle::has_order(subject, 2, &steps, &parts(&steps)) {
            continue;
        }
        found += 1;
        let verdict = judge(model, 2, &steps);
        assert_eq!(verdict.validity, Validity::Invalid, "{steps:#?}");
        assert_eq!(verdict.anomalies[0].key, None, "{verdict:#?}");
    }
    println!("{}: {found} impossible only together", model.name());
    assert!(found > JOINT_TRIES / 200, "{found}");
}

const JOINT_TRIES: usize = share(4_000);

#[test]
fn objects_are_judged_together() {
    together(Register, &objects::REGISTER, 61);
    together(CAS, &objects::CAS_REGISTER, 62);
    together(KvAppend, &objects::KV, 63);
    together(Counter, &objects::COUNTER, 64);
    together(FifoQueue, &objects::FIFO_QUEUE, 65);
    together(Stack, &objects::STACK, 66);
}

#[test]
#[ignore = "minutes; run by hand and at night"]
fn a_million() {
    compare_by(Register, &objects::REGISTER, &LARGE, 21);
    compare_by(CAS, &objects::CAS_REGISTER, &LARGE, 22);
    compare_observing(&LARGE, 23);
    compare_by(MultiRegister, &objects::MULTI_REGISTER, &LARGE, 24);
    compare_by(KvAppend, &objects::KV, &LARGE, 25);
    compare_by(Counter, &objects::COUNTER, &LARGE, 26);
    compare_by(Set, &objects::SET, &LARGE, 27);
    compare_by(FifoQueue, &objects::FIFO_QUEUE, &LARGE, 28);
    compare_by(UnorderedQueue, &objects::UNORDERED_QUEUE, &LARGE, 29);
    compare_by(Stack, &objects::STACK, &LARGE, 30);
    compare_by(PriorityQueue, &objects::PRIORITY_QUEUE, &LARGE, 31);
    compare_by(Mutex, &objects::MUTEX, &LARGE, 32);
    compare_by(OWNED, &objects::OWNER_MUTEX, &LARGE, 33);
    compare_by(REENTRANT, &objects::REENTRANT_MUTEX, &LARGE, 34);
    compare_by(FencedLock, &objects::FENCED_LOCK, &LARGE, 35);
    compare_by(THREE, &objects::SEMAPHORE, &LARGE, 36);
}
