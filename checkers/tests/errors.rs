//! A history that does not speak the language of the model is an error that names the event, and never a
//! verdict.

use rupture_checkers::history::{Event, History, Kind, Validity, Value};
use rupture_checkers::{Budget, CheckError, Options, Unknown, checker, models};

/// Every key is judged by itself.
fn keys() -> Options {
    Options {
        independent: true,
        ..Options::default()
    }
}

fn event(process: i64, kind: Kind, f: &str, value: Value) -> Event {
    Event::new(process, kind, f, value)
}

fn error(model: &str, options: &Options, events: &[Event]) -> CheckError {
    let history: History = events.iter().collect();
    let judge = checker(model, None, options).unwrap();
    let answer = judge.check(&history, &Budget::unlimited());
    answer.expect_err("the history was judged")
}

fn vector(items: &[i64]) -> Value {
    Value::Vector(items.iter().map(|&n| Value::Int(n)).collect())
}

#[test]
fn unknown_names_come_with_the_known_ones() {
    let Err(unknown) = checker("cas_register", None, &Options::default()) else {
        panic!("there is no such model");
    };
    assert_eq!(unknown.name(), "cas_register");
    assert!(unknown.known().contains(&"cas-register"));
    assert_eq!(unknown.known().len(), models().len());
    let level = checker("set", Some("serializable"), &Options::default());
    let Err(Unknown::Consistency { model, known, .. }) = level else {
        panic!("there is no such level");
    };
    assert_eq!(
        (model, &known[..]),
        ("set", &["linearizable", "sequential"][..])
    );
}

#[test]
fn the_registry_is_in_order_and_complete() {
    let names: Vec<&str> = models().iter().map(|info| info.name).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(names, sorted);
    for info in models() {
        assert!(!info.about.is_empty());
        for level in info.consistency {
            let judge = checker(info.name, Some(level), &Options::default()).unwrap();
            let verdict = judge.check(&History::new(), &Budget::unlimited()).unwrap();
            assert_eq!(verdict.validity, Validity::Unknown, "{}", info.name);
            assert!(!verdict.reasons.is_empty(), "{}", info.name);
        }
    }
}

#[test]
fn a_function_that_the_model_does_not_have() {
    let mut events = vec![
        event(0, Kind::Invoke, "read", Value::Nil),
        event(0, Kind::Ok, "read", Value::Nil),
        event(1, Kind::Invoke, "cas", vector(&[1, 2])),
        event(1, Kind::Fail, "cas", vector(&[1, 2])),
    ];
    events[2].index = Some(17);
    let error = error("register", &Options::default(), &events);
    assert_eq!(
        error.to_string(),
        "event 17: `cas` is no operation of register; it has read, write"
    );
}

#[test]
fn values_of_the_wrong_type() {
    let cases = [
        (
            "cas-register",
            "cas",
            Value::Int(1),
            Value::Nil,
            0,
            "a pair [old new]",
        ),
        (
            "counter",
            "add",
            Value::str("1"),
            Value::Nil,
            0,
            "an integer",
        ),
        ("counter", "read", Value::Nil, Value::Nil, 1, "an integer"),
        (
            "set",
            "contains",
            Value::Int(1),
            vector(&[1]),
            1,
            "[1 true] or [1 false]",
        ),
        (
            "set",
            "read",
            Value::Nil,
            Value::Int(3),
            1,
            "a collection of elements",
        ),
        (
            "fifo-queue",
            "enqueue",
            Value::Nil,
            Value::Nil,
            0,
            "a value other than nil",
        ),
        (
            "stack",
            "push",
            Value::Nil,
            Value::Nil,
            0,
            "a value other than nil",
        ),
        (
            "priority-queue",
            "insert",
            Value::str("x"),
            Value::Nil,
            0,
            "an integer",
        ),
        (
            "fenced-lock",
            "acquire",
            Value::Nil,
            Value::Nil,
            1,
            "a token",
        ),
        (
            "multi-register",
            "txn",
            vector(&[1]),
            Value::Nil,
            1,
            "a vector of [read key value]",
        ),
        (
            "kv-append",
            "get",
            Value::Nil,
            Value::Nil,
            0,
            "a field `key`",
        ),
    ];
    for (model, f, argument, result, at, expected) in cases {
        let events = [
            event(0, Kind::Invoke, f, argument),
            event(0, Kind::Ok, f, result),
        ];
        let error = error(model, &Options::default(), &events);
        let CheckError::WrongValue {
            index,
            expected: said,
            ..
        } = &error
        else {
            panic!("{model}: {error}");
        };
        assert_eq!(*index, at, "{model}: {error}");
        assert!(said.starts_with(expected), "{model}: {error}");
    }
}

#[test]
fn values_without_their_key() {
    let bare = [
        event(0, Kind::Invoke, "write", Value::Int(1)),
        event(0, Kind::Ok, "write", Value::Int(1)),
    ];
    let text = error("register", &keys(), &bare).to_string();
    assert!(
        text.contains("event 0") && text.contains("[key value]"),
        "{text}"
    );
    let other = [
        event(0, Kind::Invoke, "write", vector(&[7, 1])),
        event(0, Kind::Ok, "write", vector(&[8, 1])),
    ];
    let text = error("register", &keys(), &other).to_string();
    assert!(
        text.contains("event 1") && text.contains("[7 value]"),
        "{text}"
    );
}

#[test]
fn events_that_do_not_pair() {
    let two = [
        event(0, Kind::Invoke, "read", Value::Nil),
        event(0, Kind::Invoke, "read", Value::Nil),
    ];
    let none = [event(0, Kind::Ok, "read", Value::Nil)];
    for events in [&two[..], &none[..]] {
        let error = error("register", &Options::default(), events);
        assert!(matches!(error, CheckError::Pairing(_)), "{error}");
    }
}

#[test]
fn the_nemesis_takes_no_part() {
    let mut kill = event(0, Kind::Info, "kill", Value::Nil);
    kill.process = rupture_checkers::history::Process::nemesis();
    let history: History = [
        kill.clone(),
        event(0, Kind::Invoke, "read", Value::Nil),
        kill,
        event(0, Kind::Ok, "read", Value::Nil),
    ]
    .iter()
    .collect();
    let judge = checker("register", None, &Options::default()).unwrap();
    let verdict = judge.check(&history, &Budget::unlimited()).unwrap();
    assert_eq!(verdict.validity, Validity::Valid);
    assert_eq!((verdict.operations, verdict.explained), (1, 1));
}

#[test]
fn nothing_known_is_unknown() {
    let history: History = [
        event(0, Kind::Invoke, "write", Value::Int(1)),
        event(1, Kind::Invoke, "write", Value::Int(2)),
        event(1, Kind::Info, "write", Value::Int(2)),
    ]
    .iter()
    .collect();
    let judge = checker("register", None, &Options::default()).unwrap();
    let verdict = judge.check(&history, &Budget::unlimited()).unwrap();
    assert_eq!(verdict.validity, Validity::Unknown);
    assert_eq!(verdict.reasons.len(), 1);
}

#[test]
fn times_out_of_order_are_a_note() {
    let mut events = [
        event(0, Kind::Invoke, "read", Value::Nil),
        event(0, Kind::Ok, "read", Value::Nil),
    ];
    events[0].time = 20;
    events[1].time = 10;
    let history: History = events.iter().collect();
    let judge = checker("register", None, &Options::default()).unwrap();
    let verdict = judge.check(&history, &Budget::unlimited()).unwrap();
    assert_eq!(verdict.validity, Validity::Valid);
    assert!(
        verdict.notes[0].starts_with("event 1 has the time 10 ns"),
        "{:?}",
        verdict.notes
    );
}

fn txn(micros: &[(&str, &str, Value)]) -> Value {
    let micro = |(name, key, value): &(&str, &str, Value)| {
        Value::Vector(vec![
            Value::keyword(name),
            Value::keyword(key),
            value.clone(),
        ])
    };
    Value::Vector(micros.iter().map(micro).collect())
}

/// What is wrong with a transaction that is invoked as event 5 and completes as event 6.
fn wrong_transaction(model: &str, asked: Value, answered: Value) -> String {
    let write = if model == "list-append" {
        "append"
    } else {
        "w"
    };
    let first = txn(&[(write, "x", Value::Int(1))]);
    let mut events = vec![
        event(0, Kind::Invoke, "txn", first.clone()),
        event(0, Kind::Ok, "txn", first),
        event(1, Kind::Invoke, "txn", asked),
        event(1, Kind::Ok, "txn", answered),
    ];
    for (event, index) in events.iter_mut().zip([3, 4, 5, 6]) {
        event.index = Some(index);
    }
    error(model, &Options::default(), &events).to_string()
}

#[test]
fn a_value_that_is_written_twice_to_a_key_names_both_events() {
    for (model, write) in [("list-append", "append"), ("rw-register", "w")] {
        let again = txn(&[(write, "x", Value::Int(1))]);
        let message = wrong_transaction(model, again.clone(), again);
        assert!(message.starts_with("event 5: "), "{message}");
        assert!(
            message.contains("event 3 writes 1 to key :x already"),
            "{message}"
        );
    }
}

#[test]
fn a_micro_operation_that_the_model_does_not_have_is_named() {
    for model in ["list-append", "rw-register"] {
        let unknown = txn(&[("increment", "x", Value::Int(2))]);
        let message = wrong_transaction(model, unknown.clone(), unknown);
        assert!(
            message.starts_with("event 6: ") || message.starts_with("event 5: "),
            "{message}"
        );
        assert!(
            message.contains(&format!("{model} has no `increment`")),
            "{message}"
        );
    }
}

#[test]
fn an_answer_to_another_transaction_and_a_list_that_is_none_are_errors() {
    let asked = txn(&[("r", "x", Value::Nil)]);
    let other = txn(&[("r", "y", Value::Nil)]);
    let message = wrong_transaction("list-append", asked.clone(), other);
    assert!(message.starts_with("event 6: "), "{message}");
    assert!(
        message.contains("the transaction that event 5 invoked"),
        "{message}"
    );
    let number = txn(&[("r", "x", Value::Int(7))]);
    let message = wrong_transaction("list-append", asked, number);
    assert!(message.starts_with("event 6: "), "{message}");
}
