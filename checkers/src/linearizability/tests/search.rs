//! The search answers as the definition does.

use crate::searches::share;
use rupture_history::{Outcome, Validity, Value, Verdict};

use super::objects::{self, Subject};
use super::oracle::{self, Op, Part};
use super::random::{self, Random};
use crate::models::{
    CasRegister, Counter, FencedLock, FifoQueue, KvAppend, MultiRegister, Mutex, OwnerMutex,
    PriorityQueue, Register, Semaphore, Set, Stack, UnorderedQueue,
};
use crate::{Budget, Checker, Linearizable, Model};

/// How many histories a model gets, and how many operations each has at most.
struct Amount {
    histories: u64,
    most: usize,
}

/// For every model; all of them together are 200,000 and more.
const SMALL: Amount = Amount {
    histories: share(14_500) as u64,
    most: 9,
};

/// For now and then.
const LARGE: Amount = Amount {
    histories: 100_000,
    most: 9,
};

pub(super) fn judge<M: Model + Copy>(model: M, ops: &[Op]) -> Verdict {
    let history = oracle::history(ops);
    let verdict = Linearizable::new(model).check(&history, &Budget::unlimited());
    verdict.unwrap_or_else(|error| panic!("{error}\n{ops:#?}"))
}

fn expected(subject: &Subject, ops: &[Op], parts: &[Part]) -> Validity {
    match oracle::has_order(subject.object, subject.initial, ops, parts) {
        true if oracle::proves(ops.iter().map(|op| (op.f, op.outcome))) => Validity::Valid,
        true => Validity::Unknown,
        false => Validity::Invalid,
    }
}

fn compare<M: Model + Copy>(model: M, subject: &Subject, seed: u64) {
    compare_with(model, subject, &SMALL, seed, |_| {});
}

fn compare_with<M: Model + Copy>(
    model: M,
    subject: &Subject,
    amount: &Amount,
    seed: u64,
    observe: fn(&mut [(Part, &Op)]),
) {
    let mut random = Random::new(seed);
    let mut counts = [0_u64; 3];
    for _ in 0..amount.histories {
        let ops = random::history(subject, amount.most, &mut random);
        let mut parts: Vec<(Part, &Op)> = oracle::parts(&ops).into_iter().zip(&ops).collect();
        observe(&mut parts);
        let parts: Vec<Part> = parts.into_iter().map(|(part, _)| part).collect();
        let expected = expected(subject, &ops, &parts);
        let verdict = judge(model, &ops);
        assert_eq!(verdict.validity, expected, "{}: {ops:#?}", model.name());
        counts[expected as usize] += 1;
    }
    let [valid, _, invalid] = counts;
    println!(
        "{}: {valid} valid, {invalid} invalid of {}",
        model.name(),
        amount.histories,
    );
    assert!(
        valid > amount.histories / 6 && invalid > amount.histories / 6,
        "{counts:?}"
    );
}

#[test]
fn register() {
    compare(Register, &objects::REGISTER, 1);
}

#[test]
fn cas_register() {
    let model = CasRegister {
        observe_failed: false,
    };
    compare(model, &objects::CAS_REGISTER, 2);
}

#[test]
fn cas_register_observing_failures() {
    let model = CasRegister {
        observe_failed: true,
    };
    compare_with(model, &objects::CAS_REGISTER, &SMALL, 3, |parts| {
        for (part, op) in parts {
            if op.f == "cas" && op.outcome == Outcome::Fail {
                *part = Part::Must;
            }
        }
    });
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
fn owner_mutex() {
    compare(OwnerMutex { reentrant: false }, &objects::OWNER_MUTEX, 13);
    compare(
        OwnerMutex { reentrant: true },
        &objects::REENTRANT_MUTEX,
        14,
    );
}

#[test]
fn fenced_lock() {
    compare(FencedLock, &objects::FENCED_LOCK, 15);
}

#[test]
fn semaphore() {
    compare(Semaphore { permits: 3 }, &objects::SEMAPHORE, 16);
}

#[test]
#[ignore = "takes minutes"]
fn a_million_larger_histories() {
    let cas = CasRegister {
        observe_failed: false,
    };
    compare_with(Register, &objects::REGISTER, &LARGE, 201, |_| {});
    compare_with(cas, &objects::CAS_REGISTER, &LARGE, 202, |_| {});
    compare_with(MultiRegister, &objects::MULTI_REGISTER, &LARGE, 203, |_| {});
    compare_with(KvAppend, &objects::KV, &LARGE, 204, |_| {});
    compare_with(Counter, &objects::COUNTER, &LARGE, 205, |_| {});
    compare_with(Set, &objects::SET, &LARGE, 206, |_| {});
    compare_with(FifoQueue, &objects::FIFO_QUEUE, &LARGE, 207, |_| {});
    compare_with(
        UnorderedQueue,
        &objects::UNORDERED_QUEUE,
        &LARGE,
        208,
        |_| {},
    );
    compare_with(Stack, &objects::STACK, &LARGE, 209, |_| {});
    compare_with(PriorityQueue, &objects::PRIORITY_QUEUE, &LARGE, 210, |_| {});
    compare_with(Mutex, &objects::MUTEX, &LARGE, 211, |_| {});
    compare_with(FencedLock, &objects::FENCED_LOCK, &LARGE, 212, |_| {});
}

/// Every history of a register with three operations by two processes: every call of two values, every
/// result, every outcome, and every way in which their events can lie.
#[test]
fn every_small_register_history() {
    let mut calls = Vec::new();
    for outcome in [Outcome::Ok, Outcome::Info] {
        for value in [1, 2] {
            calls.push(("write", Value::Int(value), Some(Value::Int(value)), outcome));
        }
    }
    for value in [Value::Nil, Value::Int(1), Value::Int(2)] {
        calls.push(("read", Value::Nil, Some(value), Outcome::Ok));
    }
    let op = |call: usize, process, invoked, recorded| {
        let (f, argument, result, outcome) = calls[call].clone();
        Op {
            process,
            f,
            argument,
            result: result.filter(|_| outcome == Outcome::Ok),
            outcome,
            invoked,
            recorded: Some(recorded),
        }
    };
    let mut judged = 0;
    let mut invalid = 0;
    // Two operations of process 0 one after the other, and one of process 1.
    for slots in interleavings() {
        for first in 0..calls.len() {
            for second in 0..calls.len() {
                for other in 0..calls.len() {
                    // After info a process goes on under another name.
                    let name = if calls[first].3 == Outcome::Info {
                        2
                    } else {
                        0
                    };
                    let ops = [
                        op(first, 0, slots[0], slots[1]),
                        op(second, name, slots[2], slots[3]),
                        op(other, 1, slots[4], slots[5]),
                    ];
                    let expected = expected(&objects::REGISTER, &ops, &oracle::parts(&ops));
                    assert_eq!(judge(Register, &ops).validity, expected, "{ops:#?}");
                    judged += 1;
                    invalid += u64::from(expected == Validity::Invalid);
                }
            }
        }
    }
    assert_eq!(judged, 15 * 343);
    println!("{judged} judged, {invalid} invalid");
}

/// Every way to lay two moments among four.
fn interleavings() -> Vec<[usize; 6]> {
    let mut all = Vec::new();
    for e in 0..6 {
        for f in e + 1..6 {
            let mut rest = (0..6).filter(|slot| *slot != e && *slot != f);
            let mut next = || rest.next().unwrap_or_default();
            all.push([next(), next(), next(), next(), e, f]);
        }
    }
    all
}

#[test]
fn a_call_that_may_have_happened_while_it_ran_can_explain_a_read() {
    use crate::Id;
    use crate::linearizability::calls::{Call, NEVER};
    use crate::linearizability::search::{Answer, Limits, Search};
    use crate::models::op::RegisterOp::{self, Read, Write};

    let call = |op: RegisterOp, invoked: u32, completed: u32, must: bool| Call {
        op,
        invoked,
        completed,
        must,
        operation: invoked,
    };
    let calls = [
        call(Write(Id(1)), 0, NEVER, false),
        call(Read(Id(1)), 1, 2, true),
        call(Write(Id(2)), 3, 4, true),
        call(Write(Id(1)), 5, 6, false),
        call(Read(Id(1)), 13, 14, true),
    ];
    let budget = Budget::unlimited();
    let (answer, _) = Search::decide(&Register, &calls, &Limits::of(&budget));
    assert!(matches!(answer, Answer::Order(_)), "{answer:?}");
}
