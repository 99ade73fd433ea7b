//! The watch of a growing history names the event that the definition names.

use crate::searches::share;
use rupture_history::{Event, EventRef, History, Kind, Outcome, Validity, Value};

use super::objects::{self, Subject};
use super::oracle::{self, Op, Part};
use super::random::{self, Random};
use crate::linearizability::online::{Online, Standing};
use crate::models::{
    CasRegister, Counter, FencedLock, FifoQueue, KvAppend, MultiRegister, Mutex, OwnerMutex,
    PriorityQueue, Register, Semaphore, Set, Stack, UnorderedQueue,
};
use crate::{Budget, Checker, Linearizable, Model};

/// How many histories each model gets.
const SMALL: u64 = share(2_000) as u64;
const LONG: u64 = share(1_600) as u64;

/// What the watch said at which event, and what in the end.
fn watch<M: Model>(mut online: Online<M>, history: &History) -> (Option<u64>, Standing) {
    let mut found = None;
    for event in history.iter() {
        let now = online.push(event).expect("the history is well formed");
        assert!(found.is_none() || now.is_none(), "said twice");
        if let Some(now) = now {
            assert!(now.event <= event.index() && now.is_first);
            found = Some(now.event);
        }
    }
    let standing = online.finish();
    if let Standing::Invalid(end) = &standing {
        assert!(end.is_first);
        assert!(found.is_none_or(|found| found == end.event));
        found = Some(end.event);
    }
    (found, standing)
}

/// The operations as they were known before a moment.
fn known_at(ops: &[Op], moment: usize) -> Vec<Op> {
    let begun = ops.iter().filter(|op| op.invoked <= moment);
    let known = |op: &Op| {
        let mut op = op.clone();
        if op.recorded.is_none_or(|recorded| recorded > moment) {
            op.outcome = Outcome::Info;
            op.result = None;
            op.recorded = None;
        }
        op
    };
    begun.map(known).collect()
}

fn is_possible(subject: &Subject, ops: &[Op], observes: bool) -> bool {
    let mut parts = oracle::parts(ops);
    for (part, op) in parts.iter_mut().zip(ops) {
        if observes && op.f == "cas" && op.outcome == Outcome::Fail {
            *part = Part::Must;
        }
    }
    oracle::has_order(subject.object, subject.initial, ops, &parts)
}

/// The moments of the events, in order.
fn moments(ops: &[Op]) -> Vec<usize> {
    let invoked = ops.iter().map(|op| op.invoked);
    let recorded = ops.iter().filter_map(|op| op.recorded);
    let mut moments: Vec<usize> = invoked.chain(recorded).collect();
    moments.sort_unstable();
    moments
}

/// The first event from which on there is no order, by the definition, prefix by prefix.
pub(super) fn first_by_definition(subject: &Subject, ops: &[Op], observes: bool) -> Option<u64> {
    let moments = moments(ops);
    let first = moments
        .iter()
        .position(|&moment| !is_possible(subject, &known_at(ops, moment), observes));
    first.map(|first| first as u64)
}

/// Says of operations of which nobody heard that nobody knows, so that the object is quiet now and then.
pub(super) fn give_up(ops: &mut [Op]) {
    for op in ops {
        if op.recorded.is_none() {
            op.recorded = Some(op.invoked + 2);
        }
    }
}

fn assert_agrees(name: &str, said: &(Option<u64>, Standing), expected: Option<u64>, ops: &[Op]) {
    let unknown = !oracle::proves(ops.iter().map(|op| (op.f, op.outcome)));
    assert_eq!(said.0, expected, "{name}: {ops:#?}");
    match (&said.1, expected) {
        (Standing::Invalid(_), Some(_)) => {}
        (Standing::Valid, None) => assert!(!unknown, "{name}: {ops:#?}"),
        (Standing::Unknown(_), None) => assert!(unknown, "{name}: {ops:#?}"),
        (standing, _) => panic!("{name}: {standing:?} {expected:?} {ops:#?}"),
    }
}

fn compare<M: Model + Copy>(model: M, subject: &Subject, seed: u64) {
    compare_with(model, subject, seed, SMALL, false);
}

fn compare_with<M: Model + Copy>(
    model: M,
    subject: &Subject,
    seed: u64,
    histories: u64,
    observes: bool,
) {
    let mut random = Random::new(seed);
    let mut invalid = 0;
    for number in 0..histories {
        let mut ops = random::history(subject, 7, &mut random);
        if number % 2 == 0 {
            give_up(&mut ops);
        }
        let expected = first_by_definition(subject, &ops, observes);
        let history = oracle::history(&ops);
        // Once event by event, and once with all that can be put off put off to the end.
        for small in [64, 0] {
            let online = Online::new(model).with_small(small);
            assert_agrees(model.name(), &watch(online, &history), expected, &ops);
        }
        invalid += u64::from(expected.is_some());
    }
    println!("{}: {invalid} invalid of {histories}", model.name());
    assert!((histories / 6..histories * 5 / 6).contains(&invalid));
    long(model, subject, seed, histories * LONG / SMALL);
}

/// Longer histories with several cuts, against the judge of whole histories, prefix by prefix.
fn long<M: Model + Copy>(model: M, subject: &Subject, seed: u64, histories: u64) {
    let mut random = Random::new(seed + 1000);
    let (mut invalid, mut cut) = (0, 0);
    for _ in 0..histories {
        let mut ops = rounds(subject, &mut random);
        give_up(&mut ops);
        let history = oracle::history(&ops);
        let expected = first_by_judge(model, &history);
        let verdict = Linearizable::new(model).check(&history, &Budget::unlimited());
        let named = verdict.unwrap().anomalies.pop().and_then(|a| a.dies_with);
        assert_eq!(
            named.and_then(|op| op.completed_index),
            expected,
            "{ops:#?}"
        );
        for small in [64, 0] {
            let mut online = Online::new(model).with_small(small);
            for event in history.iter() {
                online.push(event).unwrap();
            }
            cut += u64::from(online.held() < history.len());
            let online = Online::new(model).with_small(small);
            assert_agrees(model.name(), &watch(online, &history), expected, &ops);
        }
        invalid += u64::from(expected.is_some());
    }
    println!(
        "{}: {invalid} invalid of {histories} long ones, {cut} cut",
        model.name()
    );
    assert!(cut > histories / 2);
}

/// Several small histories one after the other. Only what the last one of them does is often a lie.
fn rounds(subject: &Subject, random: &mut Random) -> Vec<Op> {
    let mut ops: Vec<Op> = Vec::new();
    let count = 2 + random.below(4);
    let mut tries = 0;
    while tries < count {
        let from = moments(&ops).last().map_or(0, |last| last + 10);
        let mut more = random::history(subject, 4, random);
        give_up(&mut more);
        for op in &mut more {
            op.process += 100 * tries as i64;
            op.invoked += from;
            op.recorded = op.recorded.map(|recorded| recorded + from);
        }
        let last = tries + 1 == count;
        tries += 1;
        let mut all = ops.clone();
        all.extend(more);
        if last || is_possible(subject, &all, false) {
            ops = all;
        }
    }
    ops
}

/// The first event with which the judge says that the history, as it was known then, is impossible.
fn first_by_judge<M: Model + Copy>(model: M, history: &History) -> Option<u64> {
    let is_invalid = |length: &usize| {
        let events: Vec<Event> = history
            .iter()
            .take(*length)
            .map(EventRef::to_event)
            .collect();
        let prefix: History = events.iter().collect();
        let verdict = Linearizable::new(model).check(&prefix, &Budget::unlimited());
        verdict.unwrap().validity == Validity::Invalid
    };
    let first = (1..=history.len()).find(is_invalid)?;
    Some(history.get(first - 1).index())
}

#[test]
fn registers() {
    compare(Register, &objects::REGISTER, 301);
    let model = CasRegister {
        observe_failed: false,
    };
    compare(model, &objects::CAS_REGISTER, 302);
    let model = CasRegister {
        observe_failed: true,
    };
    compare_with(model, &objects::CAS_REGISTER, 303, SMALL, true);
}

#[test]
fn several_registers_and_strings() {
    compare(MultiRegister, &objects::MULTI_REGISTER, 304);
    compare(KvAppend, &objects::KV, 305);
}

#[test]
fn counter_and_set() {
    compare(Counter, &objects::COUNTER, 306);
    compare(Set, &objects::SET, 307);
}

#[test]
fn queues() {
    compare(FifoQueue, &objects::FIFO_QUEUE, 308);
    compare(UnorderedQueue, &objects::UNORDERED_QUEUE, 309);
    compare(Stack, &objects::STACK, 310);
    compare(PriorityQueue, &objects::PRIORITY_QUEUE, 311);
}

#[test]
fn locks() {
    compare(Mutex, &objects::MUTEX, 312);
    compare(OwnerMutex { reentrant: false }, &objects::OWNER_MUTEX, 313);
    compare(
        OwnerMutex { reentrant: true },
        &objects::REENTRANT_MUTEX,
        314,
    );
    compare(FencedLock, &objects::FENCED_LOCK, 315);
    compare(Semaphore { permits: 3 }, &objects::SEMAPHORE, 316);
}

#[test]
#[ignore = "takes minutes"]
fn many_more() {
    let cas = CasRegister {
        observe_failed: false,
    };
    let many = SMALL * 40;
    compare_with(Register, &objects::REGISTER, 401, many, false);
    compare_with(cas, &objects::CAS_REGISTER, 402, many, false);
    compare_with(MultiRegister, &objects::MULTI_REGISTER, 403, many, false);
    compare_with(KvAppend, &objects::KV, 404, many, false);
    compare_with(Counter, &objects::COUNTER, 405, many, false);
    compare_with(Set, &objects::SET, 406, many, false);
    compare_with(FifoQueue, &objects::FIFO_QUEUE, 407, many, false);
    compare_with(UnorderedQueue, &objects::UNORDERED_QUEUE, 408, many, false);
    compare_with(Stack, &objects::STACK, 409, many, false);
    compare_with(PriorityQueue, &objects::PRIORITY_QUEUE, 410, many, false);
    compare_with(Mutex, &objects::MUTEX, 411, many, false);
    compare_with(FencedLock, &objects::FENCED_LOCK, 412, many, false);
    compare_with(
        Semaphore { permits: 3 },
        &objects::SEMAPHORE,
        413,
        many,
        false,
    );
}

/// Clients in rounds: all begin, then all complete, in another order. Every so many rounds one of them hears
/// nothing.
fn in_rounds(
    count: i64,
    silent: i64,
    call: impl Fn(i64, i64) -> (&'static str, Value, Value),
) -> Vec<Event> {
    const CLIENTS: i64 = 3;
    let mut events = Vec::new();
    for round in 0..count {
        let process = |client: i64| client + CLIENTS * (round / silent);
        for client in 0..CLIENTS {
            let (f, argument, _) = call(round, client);
            events.push(Event::new(process(client), Kind::Invoke, f, argument));
        }
        for client in (0..CLIENTS).rev() {
            let (f, argument, result) = call(round, client);
            let last = client == 0 && round % silent == silent - 1;
            events.push(if last {
                Event::new(process(client), Kind::Info, f, argument)
            } else {
                Event::new(process(client), Kind::Ok, f, result)
            });
        }
    }
    events
}

fn held_at_most<M: Model>(model: M, mut events: Vec<Event>, lie: Event) -> usize {
    let mut online = Online::new(model);
    let history: History = events.iter().collect();
    for event in history.iter() {
        assert_eq!(online.push(event), Ok(None));
    }
    assert_eq!(online.standing(), Standing::Valid);
    let most = online.most_held();
    events.push(Event {
        kind: Kind::Invoke,
        ..lie.clone()
    });
    events.push(lie);
    let history: History = events.iter().collect();
    let end = history.len() - 2;
    assert_eq!(online.push(history.get(end)), Ok(None));
    let found = online.push(history.get(end + 1)).unwrap().unwrap();
    assert_eq!(found.event, end as u64 + 1);
    most
}

/// The third client reads what the first or the second has written, or what was there before.
fn register_call(round: i64, client: i64) -> (&'static str, Value, Value) {
    if client == 2 {
        return ("read", Value::Nil, Value::Int(2 * round));
    }
    let value = Value::Int(2 * round + client);
    ("write", value.clone(), value)
}

/// More events than are kept of an object that is quiet after every few.
const KEPT: usize = 300;

#[test]
fn windows_stay_small_while_the_object_goes_quiet() {
    let lie = Event::new(-1, Kind::Ok, "read", Value::Int(-7));
    let events = in_rounds(3_000, i64::MAX, register_call);
    assert!(held_at_most(Register, events, lie.clone()) < KEPT);
    // Now and then the write of the same value may yet happen.
    let events = in_rounds(3_000, 600, |round, client| match client {
        0 => ("write", Value::Int(1), Value::Int(1)),
        1 => ("read", Value::Nil, Value::Int(1)),
        _ => (
            "read",
            Value::Nil,
            if round == 0 {
                Value::Nil
            } else {
                Value::Int(1)
            },
        ),
    });
    assert!(held_at_most(Register, events, lie) < KEPT);
    let events = in_rounds(3_000, 1_000, |round, client| match client {
        2 if round % 2 == 0 => ("enqueue", Value::Int(round), Value::Int(round)),
        2 => ("dequeue", Value::Nil, Value::Int(round - 1)),
        _ => ("enqueue", Value::Int(-1), Value::Int(-1)),
    });
    let events: Vec<Event> = events
        .into_iter()
        .filter(|e| e.value != Value::Int(-1))
        .collect();
    let lie = Event::new(-1, Kind::Ok, "dequeue", Value::Int(-7));
    assert!(held_at_most(FifoQueue, events, lie) < KEPT);
    // Without a theory nothing is kept behind a cut.
    let events = in_rounds(3_000, i64::MAX, |round, client| match client {
        2 => ("read", Value::Nil, Value::Int(2 * (round + 1))),
        _ => ("add", Value::Int(1), Value::Int(1)),
    });
    let lie = Event::new(-1, Kind::Ok, "read", Value::Int(-7));
    assert_eq!(held_at_most(Counter, events, lie), 6);
}

/// A queue that is quiet once, at the beginning, and then has so many orders that only its theory knows.
#[test]
fn what_was_quiet_only_at_first_is_still_judged_by_theory() {
    const CLIENTS: i64 = 12;
    let event = |process: i64, kind, f, value: i64| Event::new(process, kind, f, Value::Int(value));
    let mut events = vec![
        event(0, Kind::Invoke, "enqueue", -1),
        event(0, Kind::Ok, "enqueue", -1),
    ];
    events.push(event(99, Kind::Invoke, "enqueue", -2));
    for round in 0..10 {
        for kind in [Kind::Invoke, Kind::Ok] {
            for client in 0..CLIENTS {
                events.push(event(client, kind, "enqueue", round * CLIENTS + client));
            }
        }
    }
    for kind in [Kind::Invoke, Kind::Ok] {
        events.push(event(0, kind, "dequeue", 5));
    }
    let history: History = events.iter().collect();
    let (found, _) = watch(Online::new(FifoQueue).with_steps(100_000), &history);
    assert_eq!(found, Some(events.len() as u64 - 1));
}

/// Clients that are never quiet: every one begins its next operation before another's last completes.
#[test]
fn what_is_never_quiet_is_judged_from_its_beginning() {
    let mut events = Vec::new();
    let write = |at: i64, kind| Event::new(at % 2, kind, "write", Value::Int(at));
    events.push(write(0, Kind::Invoke));
    for at in 1..2_000 {
        events.push(write(at, Kind::Invoke));
        events.push(write(at - 1, Kind::Ok));
    }
    for kind in [Kind::Invoke, Kind::Ok] {
        events.push(Event::new(5, kind, "read", Value::Int(700)));
    }
    let deadly = events.len() as u64 - 1;
    for at in 2_000..3_000 {
        events.push(write(at, Kind::Invoke));
        events.push(write(at - 1, Kind::Ok));
    }
    let history: History = events.iter().collect();
    let mut online = Online::new(Register);
    let mut said = None;
    for event in history.iter() {
        if let Some(found) = online.push(event).unwrap() {
            assert_eq!((found.event, found.is_first), (deadly, true));
            said = Some(event.index());
        }
    }
    // Not much later than the window has grown by a quarter.
    assert!(
        said.is_some_and(|said| said <= deadly * 5 / 4 + 2),
        "{said:?}"
    );
}

/// The first event counts, also where the window of its key is decided later than that of another.
#[test]
fn the_first_of_several_keys_is_named() {
    let pair = |key: i64, value: Value| Value::Vector(vec![Value::Int(key), value]);
    let mut events = vec![Event::new(9, Kind::Invoke, "write", pair(0, Value::Int(1)))];
    for at in 0..100 {
        for kind in [Kind::Invoke, Kind::Ok] {
            events.push(Event::new(0, kind, "write", pair(0, Value::Int(at))));
        }
    }
    for kind in [Kind::Invoke, Kind::Ok] {
        events.push(Event::new(0, kind, "read", pair(0, Value::Int(3))));
    }
    let deadly = events.len() as u64 - 1;
    for kind in [Kind::Invoke, Kind::Ok] {
        events.push(Event::new(1, kind, "read", pair(1, Value::Int(3))));
    }
    let history: History = events.iter().collect();
    let (found, standing) = watch(Online::new(Register).independent(true), &history);
    assert_eq!(found, Some(deadly));
    let Standing::Invalid(found) = standing else {
        panic!("{standing:?}");
    };
    assert_eq!(found.key.as_deref(), Some("0"));
}

#[test]
fn past_its_bounds_it_says_so_and_raises_no_false_alarm() {
    let events = in_rounds(50, i64::MAX, register_call);
    let mut history: History = events.iter().collect();
    for kind in [Kind::Invoke, Kind::Ok] {
        history.push(&Event::new(-1, kind, "read", Value::Int(-7)));
    }
    for online in [
        Online::new(Register).with_bytes(100),
        Online::new(Register).with_steps(1).with_bytes(10_000),
    ] {
        let (found, standing) = watch(online, &history);
        assert_eq!(found, None);
        assert!(matches!(standing, Standing::Unknown(_)), "{standing:?}");
    }
}

#[test]
fn what_the_model_does_not_speak_is_an_error() {
    let events = [
        Event::new(0, Kind::Invoke, "write", Value::Int(1)),
        Event::new(0, Kind::Invoke, "write", Value::Int(1)),
        Event::new(1, Kind::Ok, "write", Value::Int(1)),
        Event::new(2, Kind::Invoke, "enqueue", Value::Int(1)),
    ];
    let history: History = events.iter().collect();
    let mut online = Online::new(Register);
    assert_eq!(online.push(history.get(0)), Ok(None));
    for (row, words) in [
        (1, "event 1: process 0 invokes"),
        (2, "event 2: process 1 completes"),
        (3, "event 3: `enqueue` is no operation of register"),
    ] {
        let error = online.push(history.get(row)).unwrap_err();
        assert!(error.to_string().starts_with(words), "{error}");
    }
}
