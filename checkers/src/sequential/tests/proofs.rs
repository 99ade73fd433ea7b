//! A counterexample proves what it claims, by the definition; an order is one.

use super::oracle::{self, Step};
use super::random;
use super::search::parts as told;
use crate::linearizability::calls::{Objects, parts};
use crate::linearizability::tests::objects::{self, Subject};
use crate::linearizability::tests::oracle::Part;
use crate::linearizability::tests::random::Random;
use crate::models::{
    CasRegister, Counter, FifoQueue, KvAppend, MultiRegister, Mutex, Register, Set, Stack,
    UnorderedQueue,
};
use crate::searches::share;
use crate::sequential::program::{Program, Role};
use crate::sequential::search::{Answer, Limits, Search};
use crate::sequential::shrink::{self, Proof};
use crate::{Budget, Model};

const HISTORIES: usize = share(1_200);
const MOST: usize = 8;

struct Claim<'a> {
    subject: &'a Subject,
    keys: usize,
    steps: &'a [Step],
    told: Vec<Part>,
}

impl Claim<'_> {
    fn has_order(&self, part: impl Fn(u32) -> Part) -> bool {
        let parts: Vec<Part> = (0..)
            .zip(&self.told)
            .map(|(number, told)| match told {
                Part::Out => Part::Out,
                Part::May if part(number) == Part::Must => Part::May,
                _ => part(number),
            })
            .collect();
        oracle::has_order(self.subject, self.keys, self.steps, &parts)
    }

    fn check_proof(&self, proof: &Proof) {
        assert!(proof.smallest);
        let must = |op: u32| proof.must.binary_search(&op).is_ok();
        let whole = |op| if must(op) { Part::Must } else { Part::May };
        assert!(!self.has_order(whole), "others help: {proof:?}");
        let alone = |op| {
            if proof.has(op) { Part::Must } else { Part::Out }
        };
        assert!(!self.has_order(alone), "it has an order: {proof:?}");
        for &weakened in &proof.must {
            let without = |op| match (op == weakened, must(op), proof.has(op)) {
                (true, ..) | (_, false, true) => Part::May,
                (_, true, _) => Part::Must,
                (_, _, false) => Part::Out,
            };
            assert!(
                self.has_order(without),
                "{weakened} is not needed: {proof:?}"
            );
        }
    }

    /// The order takes everything that happened, and the object allows it.
    fn check_order(&self, order: &[u32]) {
        let mut states = vec![vec![self.subject.initial.to_vec()]; self.keys];
        for (place, &number) in order.iter().enumerate() {
            let Step { key, op } = &self.steps[number as usize];
            let next = |state: &Vec<i64>| (self.subject.object)(state, op);
            states[*key] = states[*key].iter().flat_map(next).collect();
            assert!(
                !states[*key].is_empty(),
                "{number} is not allowed: {order:?}"
            );
            let after = &order[place + 1..];
            let early = after.iter().find(|&&other| {
                let other = &self.steps[other as usize].op;
                let ended = other.outcome != rupture_history::Outcome::Info;
                other.process == op.process && ended && other.invoked < op.invoked
            });
            assert_eq!(early, None, "{number} comes too early: {order:?}");
        }
        for (number, told) in (0..).zip(&self.told) {
            let taken = order.iter().filter(|&&other| other == number).count();
            assert!(
                taken <= 1 && (taken == 1 || *told != Part::Must),
                "{order:?}"
            );
        }
    }
}

fn prove<M: Model + Copy>(model: M, subject: &Subject, seed: u64) {
    let mut random = Random::new(seed);
    let (mut proved, mut ordered) = (0, 0);
    for number in 0..HISTORIES {
        let keys = 1 + number % 2;
        let steps = random::history(subject, keys, MOST, &mut random);
        let claim = Claim {
            subject,
            keys,
            steps: &steps,
            told: told(&steps),
        };
        let history = oracle::history(&steps, keys > 1);
        let operations = history.operations().unwrap();
        let independent = keys > 1 && model.name() != "kv-append";
        let objects = Objects {
            independent,
            initial: None,
        };
        let parts = parts(&model, &objects, &history, &operations).unwrap();
        let program = Program::new(&model, &parts, &operations, |_| Role::AsTold);
        let budget = Budget::unlimited();
        let limits = Limits {
            budget: &budget,
            held: 0,
            steps: u64::MAX,
        };
        let finding = Search::decide(&model, &program, &limits);
        match finding.answer {
            Answer::Order(order) => {
                ordered += 1;
                claim.check_order(&order);
            }
            Answer::Impossible => {
                proved += 1;
                let subject = shrink::Subject {
                    model: &model,
                    parts: &parts,
                    operations: &operations,
                    budget: &budget,
                };
                claim.check_proof(&shrink::shrink(&subject, finding.steps));
            }
            Answer::Stopped(stop) => panic!("{stop:?}"),
        }
    }
    println!("{}: {proved} proofs, {ordered} orders", model.name());
    assert!(proved > HISTORIES / 6 && ordered > HISTORIES / 6);
}

#[test]
fn of_registers() {
    let cas = CasRegister {
        observe_failed: false,
    };
    prove(Register, &objects::REGISTER, 101);
    prove(cas, &objects::CAS_REGISTER, 102);
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
    prove(Mutex, &objects::MUTEX, 110);
}
