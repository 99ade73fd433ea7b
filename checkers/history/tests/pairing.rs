//! Pairing invocations with completions, against a naive model and by hand; and times out of order.

mod common;

use proptest::prelude::*;
use rupture_history::{
    Event, EventRef, History, Kind, Operation, Outcome, PairingError, Process, Value,
};

fn history(events: &[(i64, Kind, &str)]) -> History {
    let event = |(process, kind, f): &(i64, Kind, &str)| Event::new(*process, *kind, f, Value::Nil);
    let events: Vec<Event> = events.iter().map(event).collect();
    events.iter().collect()
}

#[test]
fn operations_pair_in_the_order_of_their_invocations() {
    let mut history = history(&[
        (0, Kind::Invoke, "write"),
        (1, Kind::Invoke, "read"),
        (1, Kind::Fail, "read"),
        (0, Kind::Ok, "write"),
        (0, Kind::Invoke, "cas"),
        (1, Kind::Invoke, "read"),
        (0, Kind::Info, ""),
    ]);
    let mut nemesis = Event::new(0, Kind::Info, "start", Value::Nil);
    nemesis.process = Process::nemesis();
    history.push(&nemesis);
    let operation = |process, invoked, completed, outcome| Operation {
        process,
        invoked,
        completed,
        outcome,
    };
    let expected = [
        operation(0, 0, Some(3), Outcome::Ok),
        operation(1, 1, Some(2), Outcome::Fail),
        operation(0, 4, Some(6), Outcome::Info),
        operation(1, 5, None, Outcome::Info),
    ];
    assert_eq!(history.operations().expect("pairs"), expected);
    assert_eq!(
        expected.map(|operation| operation.ended()),
        [Some(3), Some(2), None, None]
    );
    assert!(expected[1].precedes(&expected[2]) && !expected[2].precedes(&expected[3]));
    assert!(!expected[0].precedes(&expected[1]));
}

#[test]
fn a_process_runs_one_operation_at_a_time() {
    let error = history(&[(3, Kind::Invoke, "read"), (3, Kind::Invoke, "write")])
        .operations()
        .expect_err("two open");
    assert_eq!(
        error.to_string(),
        "event 1: process 3 invokes `write` while its operation of event 0 is still open; \
         a process runs one operation at a time"
    );
}

#[test]
fn a_process_may_dequeue_inside_its_drain_and_do_nothing_else_there() {
    use Kind::{Fail, Info, Invoke, Ok};
    let drained = |kind: Kind, value: &str| {
        let text = format!(
            "{{:process 3 :type :invoke :f :drain}}
             {{:process 3 :type :invoke :f :dequeue}} {{:process 3 :type :ok :f :dequeue :value 1}}
             {{:process 3 :type :invoke :f :dequeue}} {{:process 3 :type :fail :f :dequeue :value :exhausted}}
             {{:process 3 :type :{} :f :drain :value {value}}}",
            kind.name()
        );
        let history = rupture_history::codec::read(text.as_bytes()).expect("a history");
        history.operations()
    };
    for (kind, value) in [
        (Ok, ":exhausted"),
        (Ok, "nil"),
        (Ok, "[]"),
        (Ok, "[7 :exhausted]"),
        (Ok, "[7 []]"),
        (Info, ":timeout"),
        (Fail, "nil"),
    ] {
        let operations = drained(kind, value).expect("nested");
        let found: Vec<_> = operations
            .iter()
            .map(|o| (o.invoked, o.completed, o.outcome))
            .collect();
        assert_eq!(
            found,
            [
                (0, Some(5), Outcome::Fail),
                (1, Some(2), Outcome::Ok),
                (3, Some(4), Outcome::Fail),
            ],
            "{value}: by itself it did nothing"
        );
    }
    for value in ["[1]", "[7 [1]]", "[1 2]", "#{1}"] {
        let error = drained(Ok, value).expect_err("values twice");
        assert!(
            matches!(error, PairingError::DrainedTwice { index: 5, .. }),
            "{error}"
        );
    }
    // A dequeue that is still open when the drain completes may have happened.
    let operations = history(&[
        (3, Invoke, "drain"),
        (3, Invoke, "dequeue"),
        (3, Info, "drain"),
        (3, Invoke, "enqueue"),
    ])
    .operations()
    .expect("nested");
    assert_eq!(operations[1].outcome, Outcome::Info);
    assert_eq!(
        (operations[0].completed, operations[0].outcome),
        (Some(2), Outcome::Fail)
    );
    assert_eq!(operations.len(), 3);
    // Only dequeues nest, only in drains, and one after another.
    for events in [
        &[(3, Invoke, "drain"), (3, Invoke, "enqueue")][..],
        &[(3, Invoke, "drain"), (3, Invoke, "drain")],
        &[(3, Invoke, "dequeue"), (3, Invoke, "drain")],
        &[
            (3, Invoke, "drain"),
            (3, Invoke, "dequeue"),
            (3, Invoke, "dequeue"),
        ],
        &[
            (3, Invoke, "drain"),
            (3, Invoke, "dequeue"),
            (3, Ok, "dequeue"),
            (3, Invoke, "enqueue"),
        ],
    ] {
        let error = history(events).operations().expect_err("two open");
        assert!(matches!(error, PairingError::TwoOpen { .. }), "{error}");
    }
    // What never completed may go on.
    let operations = history(&[
        (3, Invoke, "drain"),
        (3, Invoke, "dequeue"),
        (3, Ok, "dequeue"),
    ]);
    let operations = operations.operations().expect("nested");
    assert_eq!(operations[0].outcome, Outcome::Info);
}

#[test]
fn a_completion_needs_an_invocation() {
    let events = [
        (3, Kind::Invoke, "read"),
        (3, Kind::Ok, "read"),
        (3, Kind::Info, "read"),
    ];
    let error = history(&events)
        .operations()
        .expect_err("nobody invoked it");
    let (index, process, f) = (2, Process::Client(3), "read".to_owned());
    assert_eq!(error, PairingError::NeverInvoked { index, process, f });
    assert_eq!(
        error.to_string(),
        "event 2: process 3 completes `read` that it never invoked"
    );
}

#[test]
fn a_completion_names_its_invocations_function() {
    let error = history(&[(3, Kind::Invoke, "read"), (3, Kind::Ok, "write")])
        .operations()
        .expect_err("another function");
    assert_eq!(
        error.to_string(),
        "event 1: process 3 completes `write`, but event 0 had invoked `read`"
    );
}

/// For every completion the invocation is searched by walking back.
fn naive(events: &[(i64, Kind, &str)]) -> Option<Vec<(usize, Option<usize>, Outcome)>> {
    let mut operations = Vec::new();
    for (row, (process, kind, f)) in events.iter().enumerate() {
        let before = events[..row].iter().rposition(|(p, _, _)| p == process);
        let open = before.filter(|&at| events[at].1 == Kind::Invoke);
        match (kind, open) {
            (Kind::Invoke, None) => operations.push((row, None, Outcome::Info)),
            (Kind::Invoke, Some(_)) | (_, None) => return None,
            (_, Some(at)) => {
                if events[at].2 != *f && !f.is_empty() {
                    return None;
                }
                let outcome = match kind {
                    Kind::Ok => Outcome::Ok,
                    Kind::Fail => Outcome::Fail,
                    _ => Outcome::Info,
                };
                let operation = operations.iter_mut().find(|(invoked, ..)| *invoked == at)?;
                (operation.1, operation.2) = (Some(row), outcome);
            }
        }
    }
    Some(operations)
}

proptest! {
    #[test]
    fn pairing_agrees_with_walking_back(
        events in prop::collection::vec(
            (0..3_i64, common::kinds(), prop::sample::select(&["", "r", "r", "r"][..])), 0..10)
    ) {
        let paired = history(&events).operations().ok().map(|operations| {
            let row = |operation: Operation| (
                operation.invoked as usize,
                operation.completed.map(|row| row as usize),
                operation.outcome,
            );
            operations.into_iter().map(row).collect::<Vec<_>>()
        });
        prop_assert_eq!(paired, naive(&events));
    }

    #[test]
    fn the_first_time_that_runs_back_is_found(times in prop::collection::vec(-1..6_i64, 0..8)) {
        let mut history = History::new();
        let mut event = Event::new(0, Kind::Info, "", Value::Nil);
        for &time in &times {
            event.time = time;
            history.push(&event);
        }
        let earlier = |row: usize| times[..row].iter().any(|&before| before > times[row]);
        let expected = (0..times.len()).find(|&row| times[row] >= 0 && earlier(row));
        prop_assert_eq!(history.first_time_disorder(), expected);
    }
}

#[test]
fn indices_are_given_where_they_are_missing() {
    let mut history = history(&[(0, Kind::Invoke, "a")]);
    let mut event = Event::new(0, Kind::Ok, "a", Value::Nil);
    event.index = Some(u64::MAX);
    history.push(&event);
    event.index = None;
    history.push(&event);
    let indices: Vec<_> = history.iter().map(EventRef::index).collect();
    assert_eq!(indices, [0, u64::MAX, u64::MAX]);
}

#[test]
fn a_million_register_operations_stay_small() {
    let mut history = History::new();
    for number in 0..100_000 {
        let mut event = Event::new(number % 10, Kind::Invoke, "write", Value::Int(number % 5));
        event.time = number * 1_000_003;
        history.push(&event);
        event.kind = Kind::Ok;
        history.push(&event);
    }
    // A tenth of a million, against a tenth of 200 MB; doubling of buffers is included.
    assert!(history.bytes() < 20_000_000, "{} bytes", history.bytes());
    history.shrink_to_fit();
    assert!(history.bytes() < 8_100_000, "{} bytes", history.bytes());
}
