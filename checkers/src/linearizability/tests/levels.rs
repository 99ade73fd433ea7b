//! What the search by levels offers beside an answer: orders, several states to begin with, the states in
//! the end, and bounds.

use crate::searches::share;
use std::collections::BTreeSet;

use super::objects::{self, Subject};
use super::oracle::{self, Op};
use super::random::{self, Random};
use crate::linearizability::calls::{self, Call, NEVER};
use crate::linearizability::search::{Answer, Limits, Search, Stop};
use crate::model::Id;
use crate::models::op::{CounterOp, RegisterOp};
use crate::models::{
    CasRegister, Counter, FencedLock, FifoQueue, KvAppend, MultiRegister, Mutex, Register, Set,
    UnorderedQueue,
};
use crate::{Budget, Mismatch, Model, Seen, Values};

const CAS: CasRegister = CasRegister {
    observe_failed: false,
};
/// How many small histories a model gets, and how many operations each has at most.
const HISTORIES: u64 = share(2_500) as u64;
const MOST: usize = 7;

pub(crate) fn calls_of<M: Model>(model: &M, ops: &[Op]) -> Vec<Call<M::Op>> {
    let history = oracle::history(ops);
    let operations = history.operations().unwrap();
    let parts = calls::parts(model, &calls::Objects::default(), &history, &operations).unwrap();
    parts
        .into_iter()
        .next()
        .map_or(Vec::new(), |part| part.calls)
}

/// All states after all calls, by trying one order after another. Every call that completed is taken, the
/// others are or are not.
fn reachable<M: Model>(model: &M, start: &M::State, calls: &[Call<M::Op>]) -> BTreeSet<String> {
    let mut met = BTreeSet::new();
    let mut found = BTreeSet::new();
    let mut stack = vec![(start.clone(), vec![false; calls.len()])];
    while let Some((state, placed)) = stack.pop() {
        if !met.insert((format!("{state:?}"), placed.clone())) {
            continue;
        }
        let all = 0..calls.len();
        if all.clone().all(|at| placed[at] || !calls[at].must) {
            found.insert(format!("{state:?}"));
        }
        for at in all.clone().filter(|&at| !placed[at]) {
            let precedes = |a: usize, b: usize| calls[a].completed < calls[b].invoked;
            let early = all
                .clone()
                .any(|other| calls[other].must && !placed[other] && precedes(other, at));
            let late = all
                .clone()
                .any(|other| placed[other] && precedes(at, other));
            if early || late {
                continue;
            }
            let mut next = Vec::new();
            model.outcomes(&state, &calls[at].op, &mut next);
            for next in next {
                let mut placed = placed.clone();
                placed[at] = true;
                stack.push((next, placed));
            }
        }
    }
    found
}

/// Weakens some of the calls that happened: they may have, while they ran.
fn weaken<O>(calls: &mut [Call<O>], random: &mut Random) {
    for call in calls {
        if call.completed != NEVER && random.below(5) == 0 {
            call.must = false;
        }
    }
}

/// Whether an order of effects, with reads in between, respects the model and real time.
fn is_order<M: Model>(model: &M, calls: &[Call<M::Op>], order: &[u32]) -> bool {
    let mut place = vec![None; calls.len()];
    for (at, &call) in order.iter().enumerate() {
        if place[call as usize].replace(at).is_some() {
            return false;
        }
    }
    // No effect before one that had completed when it was invoked: from the back, the earliest completion.
    let mut first = NEVER;
    for &call in order.iter().rev() {
        if first < calls[call as usize].invoked {
            return false;
        }
        first = first.min(calls[call as usize].completed);
    }
    // The states in which the object may be after each effect.
    let mut states = vec![vec![model.initial()]];
    for &call in order {
        let mut after: Vec<M::State> = Vec::new();
        for state in &states[states.len() - 1] {
            model.outcomes(state, &calls[call as usize].op, &mut after);
        }
        after.dedup();
        if after.is_empty() {
            return false;
        }
        states.push(after);
    }
    // Every other call that happened reads a state that it could have seen.
    let mut until = Vec::with_capacity(order.len());
    let mut last = 0;
    for &call in order {
        last = last.max(calls[call as usize].invoked);
        until.push(last);
    }
    let mut closed = vec![NEVER; order.len() + 1];
    for at in (0..order.len()).rev() {
        closed[at] = closed[at + 1].min(calls[order[at] as usize].completed);
    }
    calls.iter().enumerate().all(|(number, call)| {
        if !call.must || place[number].is_some() {
            return true;
        }
        // After effects that completed before it, and before those that were invoked after it.
        let from = closed.partition_point(|&completed| completed < call.invoked);
        let to = until.partition_point(|&invoked| invoked < call.completed);
        (from..=to).any(|gap| {
            let mut states = states[gap].iter();
            states.any(|state| model.step(state, &call.op).as_ref() == Some(state))
        })
    })
}

fn small<M: Model>(model: &M, subject: &Subject, seed: u64) {
    let mut random = Random::new(seed);
    let budget = Budget::unlimited();
    let limits = Limits::of(&budget);
    let mut impossible = 0;
    for _ in 0..HISTORIES {
        let ops = random::history(subject, MOST, &mut random);
        let mut calls = calls_of(model, &ops);
        weaken(&mut calls, &mut random);
        let starts = vec![model.initial()];
        let expected = reachable(model, &starts[0], &calls);
        let finals = Search::finals(model, &starts, &calls, &limits).unwrap();
        let found: BTreeSet<String> = finals.iter().map(|state| format!("{state:?}")).collect();
        assert_eq!(found.len(), finals.len(), "twice the same: {finals:?}");
        assert_eq!(found, expected, "{calls:#?}");
        let answers = [
            Search::decide(model, &calls, &limits).0,
            Search::exists(model, &calls, &limits).0,
            Search::decide_from(model, &starts, &calls, &limits).0,
        ];
        for answer in &answers {
            assert_eq!(
                matches!(answer, Answer::Order(_)),
                !expected.is_empty(),
                "{answer:?} {calls:#?}"
            );
        }
        if let Answer::Order(order) = &answers[0] {
            assert!(is_order(model, &calls, order), "{order:?} of {calls:#?}");
        }
        impossible += u64::from(expected.is_empty());
        halves(model, &calls, &limits);
    }
    assert!(impossible > HISTORIES / 10, "{impossible}");
}

/// The second half of a history from all states that the first half leads to is the same as the whole, where
/// nothing runs in between.
fn halves<M: Model>(model: &M, calls: &[Call<M::Op>], limits: &Limits<'_>) {
    let quiet = |&at: &usize| {
        let before = calls[..at].iter().map(|call| call.completed).max();
        before.is_none_or(|before| before < calls[at].invoked)
    };
    let Some(at) = (1..calls.len()).find(quiet) else {
        return;
    };
    let (first, second) = calls.split_at(at);
    let starts = Search::finals(model, &[model.initial()], first, limits).unwrap();
    let whole = Search::finals(model, &[model.initial()], calls, limits).unwrap();
    let parts = Search::finals(model, &starts, second, limits).unwrap();
    let names = |states: &[M::State]| -> BTreeSet<String> {
        states.iter().map(|state| format!("{state:?}")).collect()
    };
    assert_eq!(names(&parts), names(&whole));
    let (answer, _) = Search::decide_from(model, &starts, second, limits);
    assert_eq!(
        matches!(answer, Answer::Order(_)) && !starts.is_empty(),
        !whole.is_empty()
    );
}

#[test]
fn finals_of_registers() {
    small(&Register, &objects::REGISTER, 301);
    small(&CAS, &objects::CAS_REGISTER, 302);
    small(&MultiRegister, &objects::MULTI_REGISTER, 303);
    small(&KvAppend, &objects::KV, 304);
}

#[test]
fn finals_of_collections() {
    small(&Counter, &objects::COUNTER, 305);
    small(&Set, &objects::SET, 306);
    small(&FifoQueue, &objects::FIFO_QUEUE, 307);
    small(&UnorderedQueue, &objects::UNORDERED_QUEUE, 308);
}

#[test]
fn finals_of_locks() {
    small(&Mutex, &objects::MUTEX, 309);
    small(&FencedLock, &objects::FENCED_LOCK, 310);
}

/// Long histories, some with a lie: the answers agree, an order is one, and where it must be found again by
/// checkpoints too.
fn long<M: Model>(model: &M, subject: &Subject, operations: usize, seed: u64) {
    let mut random = Random::new(seed);
    let budget = Budget::unlimited();
    let limits = Limits::of(&budget);
    let (mut orders, mut impossible) = (0, 0);
    for round in 0..6 {
        let mut ops = random::long(subject, operations, 6, &mut random);
        if round % 2 == 1 {
            random::lies(subject, &mut ops, &mut random);
        }
        let calls = calls_of(model, &ops);
        let (answer, _) = Search::decide(model, &calls, &limits);
        let (only, _) = Search::exists(model, &calls, &limits);
        let finals = Search::finals(model, &[model.initial()], &calls, &limits);
        let finals = finals.map_or(0, |finals| finals.len());
        match (answer, only) {
            (Answer::Order(order), Answer::Order(none)) => {
                assert!(none.is_empty() || none.len() == order.len());
                assert!(is_order(model, &calls, &order), "{}", model.name());
                assert_ne!(finals, 0);
                orders += 1;
            }
            (Answer::Impossible(call), Answer::Impossible(same)) => {
                assert_eq!(call, same);
                assert_eq!(finals, 0);
                impossible += 1;
            }
            (answer, only) => panic!("{answer:?}, but {only:?}"),
        }
    }
    println!("{}: {orders} orders, {impossible} without", model.name());
    assert!(orders >= 3);
}

#[test]
fn long_histories() {
    long(&CAS, &objects::CAS_REGISTER, 3_000, 401);
    long(&Register, &objects::REGISTER, 3_000, 402);
    long(&MultiRegister, &objects::MULTI_REGISTER, 2_000, 403);
    long(&Mutex, &objects::MUTEX, 2_000, 404);
    long(&Counter, &objects::COUNTER, 2_000, 405);
}

/// With fewer bytes a search stops, or answers the same; it never answers something else.
#[test]
fn memory_is_bounded() {
    let mut random = Random::new(501);
    let ops = random::long(&objects::CAS_REGISTER, 2_000, 12, &mut random);
    let calls = calls_of(&CAS, &ops);
    let mut bytes = 1 << 10;
    let (mut stopped, mut decided) = (0, 0);
    while bytes < 1 << 26 {
        let budget = Budget::unlimited().with_bytes(bytes);
        let limits = Limits::of(&budget);
        match Search::decide(&CAS, &calls, &limits).0 {
            Answer::Stopped(Stop::Memory, _) => stopped += 1,
            Answer::Order(_) => decided += 1,
            answer => panic!("{answer:?}"),
        }
        let finals = Search::finals(&CAS, &[CAS.initial()], &calls, &limits);
        assert!(finals.is_none_or(|finals| !finals.is_empty()));
        bytes *= 2;
    }
    assert!(
        stopped > 2 && decided > 2,
        "{stopped} stopped, {decided} decided"
    );
}

/// Time that is over stops it, and steps do.
#[test]
fn time_and_steps_are_bounded() {
    let mut random = Random::new(502);
    let ops = random::long(&objects::CAS_REGISTER, 2_000, 12, &mut random);
    let calls = calls_of(&CAS, &ops);
    let over = || true;
    let budget = Budget::unlimited().with_time(&over);
    let (answer, _) = Search::decide(&CAS, &calls, &Limits::of(&budget));
    assert_eq!(answer, Answer::Stopped(Stop::Time, None));
    assert!(Search::finals(&CAS, &[CAS.initial()], &calls, &Limits::of(&budget)).is_none());
    let budget = Budget::unlimited();
    let limits = Limits {
        budget: &budget,
        steps: 500,
    };
    let (answer, steps) = Search::decide(&CAS, &calls, &limits);
    assert!(
        matches!(answer, Answer::Stopped(Stop::Steps, Some(_))),
        "{answer:?}"
    );
    assert_eq!(steps, 500);
}

/// An object of four states with an operation that chooses where it leads.
struct Chooser;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Choice {
    Choose,
    Settle,
    Sees(u8),
}

impl Model for Chooser {
    type State = u8;
    type Op = Choice;

    fn name(&self) -> &'static str {
        "chooser"
    }

    fn functions(&self) -> &[&str] {
        &[]
    }

    fn initial(&self) -> u8 {
        0
    }

    fn decode(&self, _: &Seen<'_>, _: &mut Values) -> Result<Option<Choice>, Mismatch> {
        Ok(None)
    }

    fn step(&self, state: &u8, op: &Choice) -> Option<u8> {
        let mut next = Vec::new();
        self.outcomes(state, op, &mut next);
        next.first().copied()
    }

    fn outcomes(&self, state: &u8, op: &Choice, next: &mut Vec<u8>) {
        match (op, state) {
            (Choice::Settle, _) => next.push(2),
            (Choice::Choose, 2) => next.push(1),
            (Choice::Choose, 3) => next.extend([2, 1]),
            (Choice::Choose, _) => next.extend([1, 3]),
            (Choice::Sees(seen), _) => next.extend((seen == state).then_some(*state)),
        }
    }

    fn is_read(&self, op: &Choice) -> bool {
        matches!(op, Choice::Sees(_))
    }
}

/// What one outcome of a choice hides, another does not: settled before the choice the state is 1, and so it
/// cannot be 3 after both.
#[test]
fn a_choice_hides_by_one_outcome_only() {
    let call = |op, invoked, completed, must| Call {
        op,
        invoked,
        completed,
        must,
        operation: 0,
    };
    let mut calls = vec![
        call(Choice::Choose, 1, NEVER, false),
        call(Choice::Settle, 2, 3, true),
        call(Choice::Choose, 4, 5, true),
    ];
    let budget = Budget::unlimited();
    let limits = Limits::of(&budget);
    let mut finals = Search::finals(&Chooser, &[0], &calls, &limits).unwrap();
    finals.sort_unstable();
    assert_eq!(finals, [1, 3]);
    calls.push(call(Choice::Sees(2), 6, 7, true));
    let (answer, _) = Search::decide(&Chooser, &calls, &limits);
    assert_eq!(answer, Answer::Impossible(3));
}

/// Where nothing can be hidden, nothing is held for it: thousands of operations may be pending.
#[test]
fn pending_operations_take_little_memory() {
    const PENDING: u32 = 1_000;
    let mut calls: Vec<Call<RegisterOp>> = (0..PENDING)
        .map(|at| Call {
            op: RegisterOp::Cas(Id(at), Id(at + 1)),
            invoked: at,
            completed: NEVER,
            must: false,
            operation: at,
        })
        .collect();
    calls.push(Call {
        op: RegisterOp::Read(Id(PENDING)),
        invoked: PENDING,
        completed: PENDING + 1,
        must: true,
        operation: PENDING,
    });
    let budget = Budget::unlimited().with_bytes(32 << 20);
    let (answer, _) = Search::decide(&CAS, &calls, &Limits::of(&budget));
    let Answer::Order(order) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(order, (0..PENDING).collect::<Vec<u32>>());
}

/// Sums without end of operations that may be taken again and again fill any memory. That search is given up
/// then, and the levels go on.
#[test]
fn levels_outlive_the_relaxed_search() {
    let mut calls: Vec<Call<CounterOp>> = (0..15)
        .map(|at| Call {
            op: CounterOp::Add(3 << at),
            invoked: at,
            completed: NEVER,
            must: false,
            operation: at,
        })
        .collect();
    calls.push(Call {
        op: CounterOp::Read(-5),
        invoked: 90,
        completed: 91,
        must: true,
        operation: 15,
    });
    let budget = Budget::unlimited().with_bytes(10 << 20);
    let (answer, _) = Search::decide(&Counter, &calls, &Limits::of(&budget));
    assert_eq!(answer, Answer::Impossible(15));
}
