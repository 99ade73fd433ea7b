//! A retry takes no effect while it is remembered, and takes effect when it is not.

use proptest::prelude::*;
use rupture_protocols::store::{
    Command, Datum, IdempotencyKey, IdempotencyKeyError, RETENTION_NS, Response, Store,
};

use crate::requests::{SECOND, command, request};

fn add() -> Command {
    Command::Add(Datum::Int(0), 1)
}

fn count(store: &Store) -> Response {
    store.read(&Command::Count(Datum::Int(0)))
}

proptest! {
    /// Each choice is either the next new command, or a retry of an earlier one. All take less than the retention.
    #[test]
    fn retries_change_nothing_and_are_answered_as_before(
        commands in prop::collection::vec(command(), 1..40),
        retries in prop::collection::vec((0..40_usize, any::<prop::sample::Index>()), 0..80),
    ) {
        let (mut once, mut often) = (Store::default(), Store::default());
        let (mut answers, mut now) = (Vec::new(), 0);
        for (index, command) in commands.iter().enumerate() {
            now += SECOND;
            let new = request(&format!("{index}:op"), command.clone());
            answers.push(once.apply(now, &new, true));
            prop_assert_eq!(&often.apply(now, &new, true), &answers[index]);
            for (_, which) in retries.iter().filter(|it| it.0 == index) {
                now += SECOND;
                let earlier = which.index(index + 1);
                let retry = request(&format!("{earlier}:op"), commands[earlier].clone());
                prop_assert_eq!(&often.apply(now, &retry, true), &answers[earlier]);
            }
        }
        prop_assert!(once.same_objects(&often));
        prop_assert_eq!(often.sessions(), commands.len());
    }

    #[test]
    fn a_key_of_another_command_is_a_duplicate_and_changes_nothing(
        first in command(),
        second in command(),
    ) {
        let mut store = Store::default();
        store.apply(0, &request("1:op", first.clone()), true);
        let before = store.clone();
        let answer = store.apply(0, &request("1:op", second.clone()), true);
        prop_assert_eq!(answer == Response::Duplicate, first != second);
        prop_assert_eq!(store, before);
    }

    #[test]
    fn a_key_is_read_as_it_is_printed(id in "[ -~]{1,12}", command in command()) {
        let key = IdempotencyKey::new(&id, &command).expect("the id is not empty");
        prop_assert_eq!(key.to_string(), format!("{id}:{}", command.operation_type()));
        prop_assert_eq!(key.to_string().parse::<IdempotencyKey>(), Ok(key));
    }

    #[test]
    fn a_text_that_reads_as_a_key_prints_as_itself(text in "[a-z:A-]{0,8}") {
        if let Ok(key) = text.parse::<IdempotencyKey>() {
            prop_assert_eq!(key.to_string(), text);
        }
    }
}

#[test]
fn an_answer_is_kept_for_exactly_the_retention() {
    for (later, expected) in [(RETENTION_NS, 1), (RETENTION_NS + 1, 2)] {
        let mut store = Store::default();
        store.apply(7, &request("1:add", add()), true);
        store.apply(7 + later, &request("1:add", add()), true);
        assert_eq!(count(&store), Response::Value(Datum::Int(expected)));
    }
}

#[test]
fn a_retry_begins_the_time_anew() {
    let mut store = Store::default();
    for step in 0..10 {
        store.apply(step * RETENTION_NS, &request("1:add", add()), true);
    }
    assert_eq!(count(&store), Response::Value(Datum::Int(1)));
    assert_eq!(store.sessions(), 1);
    store.apply(10 * RETENTION_NS + 1, &request("2:add", add()), true);
    assert_eq!(store.sessions(), 1);
}

#[test]
fn what_is_old_is_forgotten() {
    let mut store = Store::default();
    for number in 0..1000 {
        store.apply(
            number * SECOND,
            &request(&format!("{number}:add"), add()),
            true,
        );
        assert!(store.sessions() <= 301);
    }
    store.apply(2000 * SECOND, &request("last:add", add()), true);
    assert_eq!(store.sessions(), 1);
}

#[test]
fn time_that_goes_back_is_taken_as_standing_still() {
    let mut store = Store::default();
    store.apply(RETENTION_NS, &request("1:add", add()), true);
    store.apply(0, &request("2:add", add()), true);
    store.apply(2 * RETENTION_NS, &request("2:add", add()), true);
    assert_eq!(count(&store), Response::Value(Datum::Int(2)));
}

#[test]
fn a_store_that_does_not_remember_applies_retries() {
    let mut store = Store::default();
    for _ in 0..3 {
        store.apply(0, &request("1:add", add()), false);
    }
    assert_eq!(count(&store), Response::Value(Datum::Int(3)));
    assert_eq!(store.sessions(), 0);
}

#[test]
fn what_is_no_key_is_an_error() {
    let parse = |text: &str| text.parse::<IdempotencyKey>().err();
    assert_eq!(parse("write"), Some(IdempotencyKeyError::NoColon));
    assert_eq!(parse(":write"), Some(IdempotencyKeyError::NoRequestId));
    assert_eq!(parse("7:"), Some(IdempotencyKeyError::BadOperationType));
    assert_eq!(
        parse("7:Write"),
        Some(IdempotencyKeyError::BadOperationType)
    );
    assert_eq!(parse("a:b:set-add"), None);
}

#[test]
fn a_snapshot_with_contradictions_is_an_error() {
    let mut store = Store::default();
    store.apply(5, &request("1:add", add()), true);
    let good = serde_json::to_value(&store).expect("a store can be written");
    let entry = good["sessions"]["kept"][0].clone();
    let mut twice = good.clone();
    twice["sessions"]["kept"] = serde_json::json!([entry, entry]);
    let mut future = good.clone();
    future["sessions"]["now_ns"] = serde_json::json!(4);
    let mut double = good.clone();
    double["objects"]["counters"]["sums"] = serde_json::json!([["Nil", 1], ["Nil", 2]]);
    assert!(serde_json::from_value::<Store>(good).is_ok());
    for bad in [twice, future, double] {
        assert!(serde_json::from_value::<Store>(bad).is_err());
    }
}
