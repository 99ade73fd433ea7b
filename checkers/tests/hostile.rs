//! Histories that a hostile reader found: results that answer another question, proofs and windows without end.

use rupture_checkers::history::{Event, History, Kind, Validity, Value, codec};
use rupture_checkers::{Budget, CheckError, Options, checker};

fn history(text: &str) -> History {
    codec::read(text.as_bytes()).expect("a history")
}

fn refused(model: &str, independent: bool, text: &str) -> CheckError {
    let options = Options {
        independent,
        ..Options::default()
    };
    let judge = checker(model, None, &options).expect("a model");
    judge
        .check(&history(text), &Budget::unlimited())
        .expect_err("an error and no verdict")
}

#[test]
fn a_transaction_is_answered_by_itself() {
    for (argument, result) in [
        ("[[:write 1 1]]", "[]"),
        ("[[:read 1 nil]]", "[[:read 2 nil]]"),
        ("[[:write 1 1]]", "[[:write 1 2]]"),
        ("[[:write 1 1]]", "[[:read 1 1]]"),
        ("[[:read 1 nil]]", "[[:read 1 nil] [:read 1 nil]]"),
    ] {
        let text = format!(
            "{{:process 0, :type :invoke, :f :txn, :value {argument}}}\n{{:process 0, :type :ok, :f :txn, :value {result}}}"
        );
        let error = refused("multi-register", false, &text);
        assert!(
            matches!(error, CheckError::WrongValue { index: 1, .. }),
            "{error:?}"
        );
    }
}

#[test]
fn a_read_of_one_set_does_not_answer_for_another() {
    for seen in ["[2 [7]]", "[2 []]"] {
        let text = format!(
            "{{:process 0, :type :invoke, :f :add, :value [1 7]}}\n{{:process 0, :type :ok, :f :add, :value [1 7]}}\n\
             {{:process 0, :type :invoke, :f :read, :value [1 nil]}}\n{{:process 0, :type :ok, :f :read, :value {seen}}}"
        );
        let error = refused("set-full", true, &text);
        assert!(
            matches!(error, CheckError::WrongValue { index: 3, .. }),
            "{error:?}"
        );
    }
}

/// An object that many change at the same moment, and nobody reads: the windows of a search alone would fill any
/// memory. Where the theory decides, there are none.
#[test]
fn windows_that_are_too_large_are_unknown_and_not_built() {
    // Fewer where the compiler does not optimize: still too many by far.
    let clients = if cfg!(debug_assertions) {
        10_000
    } else {
        30_000
    };
    for (model, f, expected) in [
        ("counter", "add", Validity::Unknown),
        ("register", "write", Validity::Valid),
    ] {
        let call = |process, kind| Event::new(process, kind, f, Value::Int(process));
        let begin = (0..clients).map(|process| call(process, Kind::Invoke));
        let end = (0..clients).map(|process| call(process, Kind::Ok));
        let events: Vec<Event> = begin.chain(end).collect();
        let history: History = events.iter().collect();
        let judge = checker(model, None, &Options::default()).expect("a model");
        let budget = Budget::unlimited().with_bytes(100_000_000);
        let verdict = judge.check(&history, &budget).expect("a verdict");
        assert_eq!(verdict.validity, expected, "{model}");
    }
}

/// Thousands of sequential adds and a wrong sum: all of them are needed to prove it, and nobody would read why.
#[test]
fn a_proof_of_thousands_of_operations_is_told_in_short() {
    let mut events = Vec::new();
    for _ in 0..2_000 {
        events.push(Event::new(0, Kind::Invoke, "add", Value::Int(1)));
        events.push(Event::new(0, Kind::Ok, "add", Value::Int(1)));
    }
    events.push(Event::new(0, Kind::Invoke, "read", Value::Nil));
    events.push(Event::new(0, Kind::Ok, "read", Value::Int(1_999)));
    let history: History = events.iter().collect();
    let judge = checker("counter", None, &Options::default()).expect("a model");
    let verdict = judge
        .check(&history, &Budget::unlimited())
        .expect("a verdict");
    assert_eq!(verdict.validity, Validity::Invalid);
    assert!(verdict.anomalies[0].explanation.len() < 20);
}
