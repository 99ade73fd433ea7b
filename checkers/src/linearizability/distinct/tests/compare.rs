//! The algorithms against the search and the search's own oracle, on histories of unique values.

use crate::linearizability::calls::{Call, NEVER};
use crate::linearizability::decide::{Ruling, decide};
use crate::linearizability::distinct::{Distinct, Found, Outcome, is_order};
use crate::linearizability::search::{Answer, Limits, Search};
use crate::linearizability::tests::Random;
use crate::models::op::{PriorityOp, QueueOp, RegisterOp, SetOp, StackOp};
use crate::models::{FifoQueue, PriorityQueue, Register, Set, Stack, UnorderedQueue};
use crate::searches::share;
use crate::{Budget, Id, Model};

/// What can be done to an object of unique values.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Act {
    Put(u32),
    See(u32),
    Miss(u32),
    Take(u32),
    Empty,
    TakeAny,
    All(Vec<u32>),
}

use Act::{All, Empty, Miss, Put, See, Take, TakeAny};

/// An object that does one random thing after another.
struct Object {
    kind: Kind,
    held: Vec<u32>,
    next: u32,
    /// Of how many things a put is one.
    puts: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Register,
    Elements,
    Whole,
    Fifo,
    Unordered,
    Stack,
    Greatest,
}

impl Object {
    fn act(&mut self, random: &mut Random) -> Act {
        if random.below(self.puts) == 0 {
            return self.put(random);
        }
        let last = self.held.len().checked_sub(1);
        match self.kind {
            Kind::Register => See(self.held.last().copied().unwrap_or(0)),
            Kind::Elements => {
                let element = 1 + random.below(self.next as usize) as u32;
                let at = self.held.iter().position(|&held| held == element);
                match (random.below(3), at) {
                    (0, Some(at)) => {
                        self.held.remove(at);
                        Take(element)
                    }
                    (0, None) if random.below(4) == 0 => Take(element),
                    (_, Some(_)) => See(element),
                    (_, None) => Miss(element),
                }
            }
            Kind::Whole => {
                let element = 1 + random.below(self.next as usize) as u32;
                match random.below(4) {
                    0 if self.held.contains(&element) => See(element),
                    0 => Miss(element),
                    _ => All(self.held.clone()),
                }
            }
            Kind::Fifo if last.is_some() => Take(self.held.remove(0)),
            Kind::Unordered if last.is_some() => {
                let at = random.below(self.held.len());
                Take(self.held.remove(at))
            }
            Kind::Stack if last.is_some() => Take(self.held.pop().unwrap_or(0)),
            Kind::Greatest if last.is_some() => {
                let greatest = self.held.iter().copied().max().unwrap_or(0);
                self.held.retain(|&held| held != greatest);
                Take(greatest)
            }
            Kind::Fifo | Kind::Unordered | Kind::Stack | Kind::Greatest => Empty,
        }
    }

    fn put(&mut self, random: &mut Random) -> Act {
        let mut value = self.next;
        self.next += 1;
        if self.kind == Kind::Greatest {
            // Unique, and in no order.
            value = value * 97 % 101;
        }
        if matches!(self.kind, Kind::Elements | Kind::Whole) && value > 1 && random.below(8) == 0 {
            value -= 1;
            self.held.retain(|&held| held != value);
        }
        if self.kind == Kind::Register {
            self.held.clear();
        }
        self.held.push(value);
        Put(value)
    }
}

/// A moment of effect and a stretch around it.
struct Draft {
    act: Act,
    from: usize,
    to: usize,
    must: bool,
}

/// A history of this many operations, and often a lie or two.
fn history(kind: Kind, count: usize, random: &mut Random) -> Vec<Draft> {
    let mut object = Object {
        kind,
        held: Vec::new(),
        next: 1,
        puts: 2 + random.below(2),
    };
    let width = 1 + random.below(40);
    let unknown = random.below(3) == 0;
    let mut drafts: Vec<Draft> = (0..count)
        .map(|number| {
            let moment = 1000 + number * 10;
            Draft {
                act: object.act(random),
                from: moment - random.below(width),
                to: moment + 1 + random.below(width),
                must: !(unknown && random.below(6) == 0),
            }
        })
        .collect();
    let lies = [0, 1, 2, 4, 6, 8][random.below(6)];
    for _ in 0..lies {
        lie(&mut drafts, &object, random);
    }
    drafts
}

fn lie(drafts: &mut [Draft], object: &Object, random: &mut Random) {
    let a = random.below(drafts.len());
    let others: Vec<usize> = (0..drafts.len())
        .filter(|&b| !matches!(drafts[b].act, Put(_)))
        .collect();
    let b = match others.len() {
        0 => random.below(drafts.len()),
        count => others[random.below(count)],
    };
    match random.below(5) {
        0 => {
            let taken = drafts[a].act.clone();
            if !matches!(taken, Put(_)) && !matches!(drafts[b].act, Put(_)) {
                drafts[a].act = drafts[b].act.clone();
                drafts[b].act = taken;
            }
        }
        1 => {
            let stretch = (drafts[a].from, drafts[a].to);
            (drafts[a].from, drafts[a].to) = (drafts[b].from, drafts[b].to);
            (drafts[b].from, drafts[b].to) = stretch;
        }
        2 => drafts[a].to = drafts[a].from + 1,
        3 => {
            let value = 1 + random.below(object.next as usize) as u32;
            drafts[a].act = match &drafts[a].act {
                See(_) if object.kind == Kind::Register => See(value % object.next),
                See(element) => Miss(*element),
                Miss(element) => See(*element),
                Take(_) if object.kind == Kind::Elements => Take(value),
                Take(_) => Empty,
                All(list) => All(list
                    .iter()
                    .copied()
                    .filter(|_| random.below(4) > 0)
                    .collect()),
                other => other.clone(),
            };
        }
        _ => drafts[a].from = drafts[a].from.saturating_sub(50),
    }
}

/// The history as an engine is handed it. Reads of which nobody knows are nothing.
fn calls<M: Model>(drafts: &[Draft], removes: bool, op: fn(&Act) -> M::Op) -> Vec<Call<M::Op>> {
    let mut events: Vec<(usize, usize, bool)> = Vec::new();
    for (at, draft) in drafts.iter().enumerate() {
        events.push((draft.from, at, false));
        events.push((draft.to, at, true));
    }
    events.sort_unstable();
    let mut calls: Vec<(usize, Call<M::Op>)> = Vec::new();
    for (row, (_, at, completes)) in (0..).zip(events) {
        let draft = &drafts[at];
        if completes {
            let call = calls.iter_mut().find(|(number, _)| *number == at);
            if let Some((_, call)) = call.filter(|_| draft.must) {
                call.completed = row;
            }
            continue;
        }
        let act = match &draft.act {
            act if draft.must => act.clone(),
            Put(value) => Put(*value),
            Take(value) if removes => Take(*value),
            Take(_) | Empty => TakeAny,
            _ => continue,
        };
        calls.push((
            at,
            Call {
                op: op(&act),
                invoked: row,
                completed: NEVER,
                must: draft.must,
                operation: at as u32,
            },
        ));
    }
    calls.into_iter().map(|(_, call)| call).collect()
}

#[derive(Debug, Default)]
struct Counts {
    valid: u64,
    invalid: u64,
    open: u64,
    /// The search took too long to be compared with.
    stopped: u64,
}

/// How far the search may go.
const STEPS: u64 = 20_000;

/// Compares an algorithm with the search on this many histories of at most so many operations.
fn compare<M: Model>(model: &M, kind: Kind, op: fn(&Act) -> M::Op, histories: u64, most: usize) {
    let mut random = Random::new(most as u64 * 31 + histories);
    let mut counts = Counts::default();
    let budget = Budget::unlimited();
    let limits = Limits {
        steps: STEPS,
        ..Limits::of(&budget)
    };
    for _ in 0..histories {
        let count = 1 + random.below(most);
        let drafts = history(kind, count, &mut random);
        let calls = calls::<M>(&drafts, kind == Kind::Elements, op);
        let Some(distinct) = Distinct::new(model, &calls, usize::MAX) else {
            counts.open += 1;
            continue;
        };
        let (answer, _) = Search::decide(model, &calls, &limits);
        if matches!(answer, Answer::Stopped(..)) {
            counts.stopped += 1;
            continue;
        }
        match distinct.decide() {
            Outcome::Found(Found::Order(order)) => {
                assert!(is_order(model, &calls, &order), "{order:?} of {calls:#?}");
                assert!(matches!(answer, Answer::Order(_)), "{calls:#?}");
                counts.valid += 1;
            }
            Outcome::Found(Found::Violation(core)) => {
                assert!(
                    matches!(answer, Answer::Impossible(_)),
                    "{core:?} of {calls:#?}"
                );
                confirm(model, &calls, &limits);
                counts.invalid += 1;
            }
            Outcome::Found(Found::Open) | Outcome::Elements(..) => {
                let decision = decide(model, &calls, &limits);
                let valid = matches!(decision.ruling, Ruling::Order(_));
                assert_eq!(valid, matches!(answer, Answer::Order(_)), "{calls:#?}");
                counts.open += 1;
            }
        }
    }
    println!("{kind:?}: {counts:?}");
    assert!(
        counts.valid > histories / 8 && counts.invalid > histories / 8,
        "{counts:?}"
    );
    assert!(counts.open + counts.stopped < histories / 4, "{counts:?}");
}

/// What the algorithm calls impossible is so by itself, and every order has died where it says, not before.
fn confirm<M: Model>(model: &M, calls: &[Call<M::Op>], limits: &Limits<'_>) {
    let decision = decide(model, calls, limits);
    let Ruling::Impossible(impossible) = decision.ruling else {
        panic!("no proof of {calls:#?}");
    };
    let (core, _) = impossible.core.expect("the algorithm's own proof");
    assert!(core.iter().any(|call| call.must), "{core:#?}");
    let dead = calls[impossible.deadly as usize].completed;
    assert_ne!(dead, NEVER, "{calls:#?}");
    let until = |row: u32| -> Vec<Call<M::Op>> {
        let cut = |call: &Call<M::Op>| {
            let mut call = call.clone();
            if call.completed > row {
                call.must = false;
                call.completed = NEVER;
            }
            (call.invoked <= row).then_some(call)
        };
        calls.iter().filter_map(cut).collect()
    };
    let (answer, _) = Search::decide(model, &until(dead), limits);
    assert!(
        matches!(answer, Answer::Impossible(_)),
        "alive after {dead} of {calls:#?}"
    );
}

fn register(act: &Act) -> RegisterOp {
    match act {
        Put(value) => RegisterOp::Write(Id(*value)),
        See(value) => RegisterOp::Read(Id(*value)),
        other => panic!("{other:?}"),
    }
}

fn set(act: &Act) -> SetOp {
    match act {
        Put(value) => SetOp::Add(Id(*value)),
        Take(value) => SetOp::Remove(Id(*value)),
        See(value) => SetOp::Contains(Id(*value), true),
        Miss(value) => SetOp::Contains(Id(*value), false),
        All(list) => {
            let mut list: Vec<Id> = list.iter().map(|&value| Id(value)).collect();
            list.sort_unstable();
            SetOp::Read(Some(list))
        }
        Empty | TakeAny => panic!("{act:?}"),
    }
}

fn queue(act: &Act) -> QueueOp {
    match act {
        Put(value) => QueueOp::Enqueue(Id(*value)),
        Take(value) => QueueOp::Dequeue(Id(*value)),
        Empty => QueueOp::Empty,
        TakeAny => QueueOp::Taken,
        other => panic!("{other:?}"),
    }
}

fn stack(act: &Act) -> StackOp {
    match act {
        Put(value) => StackOp::Push(Id(*value)),
        Take(value) => StackOp::Pop(Id(*value)),
        Empty => StackOp::Empty,
        TakeAny => StackOp::Popped,
        other => panic!("{other:?}"),
    }
}

fn greatest(act: &Act) -> PriorityOp {
    match act {
        Put(value) => PriorityOp::Insert(i64::from(*value) - 50),
        Take(value) => PriorityOp::Greatest(i64::from(*value) - 50),
        Empty => PriorityOp::Empty,
        TakeAny => PriorityOp::TookGreatest,
        other => panic!("{other:?}"),
    }
}

fn least(act: &Act) -> PriorityOp {
    match greatest(act) {
        PriorityOp::Insert(value) => PriorityOp::Insert(-value),
        PriorityOp::Greatest(value) => PriorityOp::Least(-value),
        PriorityOp::TookGreatest => PriorityOp::TookLeast,
        other => other,
    }
}

fn compare_all(histories: u64, most: usize) {
    registers_and_sets(histories, most);
    collections(histories, most);
}

fn registers_and_sets(histories: u64, most: usize) {
    compare(&Register, Kind::Register, register, histories, most);
    compare(&Set, Kind::Elements, set, histories, most);
    compare(&Set, Kind::Whole, set, histories, most);
}

fn collections(histories: u64, most: usize) {
    compare(&FifoQueue, Kind::Fifo, queue, histories, most);
    compare(&UnorderedQueue, Kind::Unordered, queue, histories, most);
    compare(&Stack, Kind::Stack, stack, histories, most);
    compare(&PriorityQueue, Kind::Greatest, greatest, histories, most);
    compare(&PriorityQueue, Kind::Greatest, least, histories, most);
}

#[test]
fn small_registers_and_sets() {
    registers_and_sets(share(30_000) as u64, 9);
}

#[test]
fn small_collections() {
    collections(share(30_000) as u64, 9);
}

#[test]
fn longer_registers_and_sets() {
    registers_and_sets(share(4_000) as u64, 24);
}

#[test]
fn longer_collections() {
    collections(share(4_000) as u64, 24);
}

/// Calls from what was done, and when: invoked, completed or never.
fn told<O>(calls: Vec<(O, u32, Option<u32>)>) -> Vec<Call<O>> {
    let call = |(number, (op, invoked, completed)): (u32, (O, u32, Option<u32>))| Call {
        op,
        invoked,
        completed: completed.unwrap_or(NEVER),
        must: completed.is_some(),
        operation: number,
    };
    (0..).zip(calls).map(call).collect()
}

/// The pop of which nobody knows took the value that had to go, not the latest.
#[test]
fn unknown_pops_take_what_is_due() {
    let calls = told(vec![
        (StackOp::Push(Id(3)), 0, Some(5)),
        (StackOp::Push(Id(1)), 1, Some(2)),
        (StackOp::Push(Id(2)), 3, Some(4)),
        (StackOp::Popped, 6, None),
        (StackOp::Pop(Id(1)), 7, Some(8)),
    ]);
    let budget = Budget::unlimited();
    let decision = decide(&Stack, &calls, &Limits::of(&budget));
    assert!(matches!(decision.ruling, Ruling::Order(Some(_))));
}

#[test]
#[ignore = "millions of histories; the nightly command runs it"]
fn many_histories() {
    compare_all(400_000, 9);
    compare_all(100_000, 14);
    compare_all(40_000, 30);
}
