//! A counterexample proves what it claims, by the definition, and nothing can be left out of it.

use crate::searches::{at_least, share};
use rupture_history::Validity;

use super::objects::{self, Subject};
use super::oracle::{self, Op, Part};
use super::random::{self, Random};
use super::search::judge;
use crate::linearizability::calls;
use crate::linearizability::decide::{Ruling, decide};
use crate::linearizability::search::Limits;
use crate::linearizability::shrink::{Proof, shrink};
use crate::models::{
    CasRegister, Counter, FencedLock, FifoQueue, KvAppend, MultiRegister, Mutex, OwnerMutex,
    PriorityQueue, Register, Set, Stack, UnorderedQueue,
};
use crate::{Budget, Model};

const HISTORIES: u64 = share(2_000) as u64;
const MOST: usize = 7;

/// The proof by the numbers of operations, if the history has no order, and whether it is about some values
/// only.
fn proof<M: Model>(model: &M, ops: &[Op]) -> Option<(Vec<usize>, Vec<usize>, bool)> {
    let history = oracle::history(ops);
    let operations = history.operations().unwrap();
    let parts = calls::parts(model, &calls::Objects::default(), &history, &operations).unwrap();
    let calls = &parts.first()?.calls;
    let budget = Budget::unlimited();
    let decision = decide(model, calls, &Limits::of(&budget));
    let Ruling::Impossible(impossible) = decision.ruling else {
        return None;
    };
    let restricted = impossible.restricted;
    let (calls, deadly) = impossible
        .core
        .unwrap_or_else(|| (calls.clone(), impossible.deadly));
    let steps = decision.steps;
    let Proof {
        must,
        may,
        smallest,
        ..
    } = shrink(model, &calls, deadly, steps, &budget);
    assert!(smallest);
    let numbers = |list: Vec<u32>| {
        let number = |call: u32| calls[call as usize].operation as usize;
        list.into_iter().map(number).collect()
    };
    Some((numbers(must), numbers(may), restricted.is_some()))
}

struct Claim<'a> {
    subject: &'a Subject,
    ops: &'a [Op],
    real: Vec<Part>,
    must: Vec<usize>,
    may: Vec<usize>,
}

impl Claim<'_> {
    fn has_order(&self, part: impl Fn(usize) -> Part) -> bool {
        let parts: Vec<Part> = (0..self.ops.len())
            .map(|op| match self.real[op] {
                Part::Out => Part::Out,
                _ => part(op),
            })
            .collect();
        oracle::has_order(self.subject.object, self.subject.initial, self.ops, &parts)
    }

    /// Whether there is an order once an operation is weakened, of the two sets without `out`.
    fn order_without(&self, weakened: usize, out: Option<usize>) -> bool {
        self.has_order(|op| {
            if op == weakened || (self.may.contains(&op) && out != Some(op)) {
                Part::May
            } else if self.must.contains(&op) {
                Part::Must
            } else {
                Part::Out
            }
        })
    }

    /// Whether there is an order if those of `free` could have happened at any time.
    fn order_at_any_time(&self, free: impl Fn(usize) -> bool) -> bool {
        self.has_order(|op| {
            if self.must.contains(&op) {
                Part::Must
            } else if free(op) {
                Part::Any
            } else {
                Part::Out
            }
        })
    }

    fn is_honest(&self, out: Option<usize>) -> bool {
        let needed = self.must.iter().all(|&op| self.order_without(op, out));
        let timed = !self.order_at_any_time(|_| true)
            || self.order_at_any_time(|op| self.may.contains(&op) && out != Some(op));
        needed && timed
    }

    fn check(&self, restricted: bool) {
        let whole = |op| {
            if self.must.contains(&op) {
                Part::Must
            } else {
                Part::May
            }
        };
        assert!(
            !self.has_order(whole),
            "the others could explain it: {self}"
        );
        if restricted {
            // The oracle cannot leave out a value from what a read saw.
            return;
        }
        let listed = |op: usize| self.must.contains(&op) || self.may.contains(&op);
        let alone = |op| if listed(op) { self.real[op] } else { Part::Out };
        assert!(
            !self.has_order(alone),
            "as it stands it has an order: {self}"
        );
        assert!(self.is_honest(None), "something is not needed: {self}");
        for &op in &self.may {
            assert!(!self.is_honest(Some(op)), "{op} can be left out: {self}");
        }
    }
}

impl std::fmt::Display for Claim<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "must {:?}, may {:?} of {:#?}",
            self.must, self.may, self.ops
        )
    }
}

fn prove<M: Model + Copy>(model: M, subject: &Subject, seed: u64) {
    let mut random = Random::new(seed);
    let (mut proved, mut listed) = (0, 0);
    for _ in 0..HISTORIES {
        let ops = random::history(subject, MOST, &mut random);
        let verdict = judge(model, &ops);
        let Some((must, may, restricted)) = proof(&model, &ops) else {
            assert!(verdict.anomalies.is_empty());
            assert_ne!(verdict.validity, Validity::Invalid);
            continue;
        };
        let anomaly = &verdict.anomalies[0];
        assert_eq!(anomaly.evidence.len(), must.len() + may.len());
        assert!(!anomaly.summary.is_empty() && !anomaly.explanation.is_empty());
        proved += 1;
        listed += anomaly.evidence.len();
        let claim = Claim {
            subject,
            ops: &ops,
            real: oracle::parts(&ops),
            must,
            may,
        };
        claim.check(restricted);
    }
    println!("{}: {proved} proofs, {listed} operations", model.name());
    assert!(proved >= at_least(100));
}

#[test]
fn of_registers() {
    prove(Register, &objects::REGISTER, 101);
    let model = CasRegister {
        observe_failed: false,
    };
    prove(model, &objects::CAS_REGISTER, 102);
    prove(MultiRegister, &objects::MULTI_REGISTER, 103);
    prove(KvAppend, &objects::KV, 104);
}

#[test]
fn of_collections() {
    prove(Counter, &objects::COUNTER, 105);
    prove(Set, &objects::SET, 106);
    prove(FifoQueue, &objects::FIFO_QUEUE, 107);
    prove(UnorderedQueue, &objects::UNORDERED_QUEUE, 108);
    prove(Stack, &objects::STACK, 109);
    prove(PriorityQueue, &objects::PRIORITY_QUEUE, 110);
}

#[test]
fn of_locks() {
    prove(Mutex, &objects::MUTEX, 111);
    prove(OwnerMutex { reentrant: false }, &objects::OWNER_MUTEX, 112);
    prove(
        OwnerMutex { reentrant: true },
        &objects::REENTRANT_MUTEX,
        113,
    );
    prove(FencedLock, &objects::FENCED_LOCK, 114);
}
