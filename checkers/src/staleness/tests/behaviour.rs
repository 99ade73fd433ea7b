//! What is said of particular histories.

use crate::searches::{at_least, share};
use std::sync::atomic::{AtomicU64, Ordering};

use rupture_history::{Event, History, Kind, Validity, Value, Verdict};

use super::agreement::{evidence, judge};
use super::oracle::{smallest_delta, smallest_k};
use super::random::{Random, Shape, history};
use crate::staleness::{KAtomic, Level, Stale, level};
use crate::{Budget, CheckError, Checker};

/// One event a word: the process, then `w3(` and `)` for a write of 3, `r(` and `3` for a read of 3, `!` for a
/// failure and `?` for nobody knows. Ten nanoseconds pass between events.
fn events(text: &str) -> Vec<Event> {
    let mut open: Vec<(char, &'static str, Value)> = Vec::new();
    let mut events = Vec::new();
    for (at, word) in text.split_whitespace().enumerate() {
        let process = word.chars().next().unwrap_or_default();
        let rest = &word[1..];
        let (kind, f, value) = if let Some(written) = rest.strip_prefix('w') {
            let value = number(written.trim_end_matches('('));
            open.push((process, "write", value.clone()));
            (Kind::Invoke, "write", value)
        } else if rest == "r(" {
            open.push((process, "read", Value::Nil));
            (Kind::Invoke, "read", Value::Nil)
        } else {
            let last = open.iter().rposition(|(p, ..)| *p == process);
            let (_, f, argument) = open.remove(last.expect("an open operation"));
            match rest {
                "!" => (Kind::Fail, f, argument),
                "?" => (Kind::Info, f, argument),
                ")" => (Kind::Ok, f, argument),
                read => (Kind::Ok, f, number(read)),
            }
        };
        let process = i64::from(process.to_digit(36).unwrap_or(0));
        let mut event = Event::new(process, kind, f, value);
        event.time = 10 * at as i64;
        events.push(event);
    }
    events
}

fn number(text: &str) -> Value {
    text.parse().map_or(Value::Nil, Value::Int)
}

fn check(checker: &dyn Checker, events: &[Event]) -> Verdict {
    let history: History = events.iter().collect();
    checker
        .check(&history, &Budget::unlimited())
        .expect("a register")
}

fn k(bound: Option<u32>, text: &str) -> Verdict {
    check(&KAtomic::new(bound, false), &events(text))
}

fn stale(bound: Option<u64>, text: &str) -> Verdict {
    check(&Stale::new(bound, false), &events(text))
}

/// 1 is read when 2, 3 and 4 have been written.
const THREE_BACK: &str = "0w1( 0) 0w2( 0) 0w3( 0) 0w4( 0) 1r( 11";

#[test]
fn the_smallest_bounds_are_numbers() {
    let verdict = k(None, THREE_BACK);
    assert_eq!(verdict.validity, Validity::Valid);
    assert_eq!(
        (&*verdict.model, &*verdict.consistency),
        ("register", "k-atomic")
    );
    assert_eq!(verdict.explained, 5);
    let measure = &verdict.measured[0];
    assert_eq!((&*measure.name, &*measure.unit), ("k-atomic", "versions"));
    assert_eq!(measure.exact(), Some(4));
    assert_eq!(
        verdict.notes,
        ["the smallest bound of k-atomic is 4 versions"]
    );
    // 2 had overwritten 1 at 30, and the read began at 80.
    let verdict = stale(None, THREE_BACK);
    assert_eq!(
        (verdict.measured[0].exact(), &*verdict.measured[0].unit),
        (Some(50), "ns")
    );
    assert_eq!(verdict.notes, ["the smallest bound of stale is 50 ns"]);
}

#[test]
fn a_stale_read_is_told_with_what_overwrote_it() {
    let verdict = k(Some(2), THREE_BACK);
    assert_eq!(verdict.validity, Validity::Invalid);
    assert_eq!(verdict.not, ["k-atomic=2"]);
    let anomaly = &verdict.anomalies[0];
    assert_eq!(anomaly.kind, "stale-read");
    assert_eq!(
        anomaly.summary,
        "process 1's read of 1 (events 8 to 9) returned a value that at least 3 later writes had replaced, \
         where k-atomic=2 allows 1"
    );
    assert_eq!(
        anomaly.explanation,
        [
            "process 0's write of 1 (events 0 to 1) had completed before the following writes began.",
            "process 0's write of 3 (events 4 to 5) had completed before process 1's read of 1 (events 8 to 9) began.",
            "process 0's write of 4 (events 6 to 7) had completed before process 1's read of 1 (events 8 to 9) began.",
            "In every order 2 writes lie between the value and its read, so it is not among the 2 latest; in all there \
             are at least 3.",
        ]
    );
    assert_eq!(anomaly.evidence.len(), 4);
    assert_eq!(verdict.measured[0].exact(), Some(4));
}

#[test]
fn a_read_that_is_stale_in_time_is_told_with_what_overwrote_it() {
    let verdict = stale(Some(49), THREE_BACK);
    assert_eq!(verdict.validity, Validity::Invalid);
    assert_eq!(verdict.not, ["stale=49ns"]);
    let anomaly = &verdict.anomalies[0];
    assert_eq!(
        anomaly.summary,
        "process 1's read of 1 (events 8 to 9) returned a value that was at least 50 ns stale when it began, \
         where 49 ns is allowed"
    );
    assert_eq!(anomaly.evidence.len(), 3);
    assert_eq!(anomaly.explanation.len(), 3);
    assert_eq!(stale(Some(50), THREE_BACK).validity, Validity::Valid);
}

#[test]
fn without_one_stale_read_the_orders_are_gone_through() {
    // Two values that are read by turns: no read is stale by itself.
    let text = "0w1( 1w2( 0) 1) 2r( 21 2r( 22 2r( 21";
    let verdict = k(Some(1), text);
    assert_eq!(verdict.validity, Validity::Invalid);
    assert_eq!(verdict.anomalies[0].kind, "too-stale");
    assert_eq!(verdict.anomalies[0].evidence.len(), 4);
    assert!(!verdict.anomalies[0].explanation.is_empty());
    assert_eq!(k(Some(2), text).validity, Validity::Valid);
}

#[test]
fn no_bound_explains_values_from_nowhere_or_the_future() {
    for text in ["0w1( 0) 1r( 17", "1r( 11 0w1( 0)", "0w1( 0! 1r( 11"] {
        for verdict in [
            k(Some(9), text),
            k(None, text),
            stale(Some(9), text),
            stale(None, text),
        ] {
            assert_eq!(verdict.validity, Validity::Invalid, "{text}");
            assert_eq!(verdict.not, std::slice::from_ref(&verdict.consistency));
            assert!(verdict.measured.is_empty());
            let kind = &*verdict.anomalies[0].kind;
            assert!(["unwritten-read", "future-read"].contains(&kind), "{kind}");
        }
    }
}

#[test]
fn writes_of_which_nobody_knows_may_have_happened_late() {
    assert_eq!(
        k(None, "0w1( 0? 1w2( 1) 2r( 22 2r( 21").measured[0].exact(),
        Some(1)
    );
    // Nobody read 3: nothing is staler for it.
    assert_eq!(
        k(None, "0w1( 0) 1w3( 1? 2r( 21").measured[0].exact(),
        Some(1)
    );
    assert_eq!(
        stale(None, "0w1( 0? 1w2( 1) 2r( 22 2r( 21").measured[0].exact(),
        Some(0)
    );
}

#[test]
fn the_initial_value_counts_as_a_write() {
    assert_eq!(k(None, "0w1( 0) 1r( 1nil").measured[0].exact(), Some(2));
    assert_eq!(k(Some(1), "0w1( 0) 1r( 1nil").validity, Validity::Invalid);
    assert_eq!(
        stale(None, "0w1( 0) 1r( 1nil").measured[0].exact(),
        Some(10)
    );
}

#[test]
fn values_that_were_written_twice_are_searched() {
    let text = "0w1( 0) 0w2( 0) 0w1( 0) 0w3( 0) 1r( 12";
    assert_eq!(k(None, text).measured[0].exact(), Some(3));
    assert_eq!(stale(None, text).measured[0].exact(), Some(30));
    let text = "0w1( 0) 0w2( 0) 0w1( 0) 0w3( 0) 1r( 11";
    let verdict = k(None, text);
    assert_eq!(verdict.measured[0].exact(), Some(2));
    assert!(verdict.algorithms[0].starts_with("search"));
    let broken = k(Some(1), text);
    assert!(!broken.anomalies[0].explanation.is_empty());
    let broken = stale(Some(5), text);
    assert!(!broken.anomalies[0].explanation.is_empty());
}

#[test]
fn evidence_keeps_every_write_that_a_read_may_have_read() {
    let text = "0w3( 1r( 13 1w1( 1) 1w3( 1) 1r( 13 1wnil( 1) 1r( 1nil 1r( 13 1r( 1nil";
    let verdict = k(Some(1), text);
    let listed: Vec<u64> = verdict.anomalies[0]
        .evidence
        .iter()
        .map(|e| e.index)
        .collect();
    // The write of nil hides both writes of 3, of which the first must have happened early.
    assert!(
        listed.contains(&0) && listed.contains(&5) && listed.contains(&9),
        "{listed:?}"
    );
}

#[test]
fn nothing_to_judge_is_unknown() {
    for text in ["", "0w1( 0?", "1r( 1?"] {
        for verdict in [
            k(None, text),
            k(Some(2), text),
            stale(None, text),
            stale(Some(2), text),
        ] {
            assert_eq!(verdict.validity, Validity::Unknown);
            assert_eq!(verdict.reasons.len(), 1);
        }
    }
}

#[test]
fn staleness_in_time_needs_times() {
    let mut events = events(THREE_BACK);
    events[3].time = -1;
    let verdict = check(&Stale::new(None, false), &events);
    assert_eq!(verdict.validity, Validity::Unknown);
    assert!(
        verdict.reasons[0].starts_with("event 3 has no time"),
        "{:?}",
        verdict.reasons
    );
    assert_eq!(
        check(&KAtomic::new(None, false), &events).measured[0].exact(),
        Some(4)
    );
}

#[test]
fn times_that_run_backwards_are_noted_and_taken_for_the_latest() {
    let mut events = events(THREE_BACK);
    events[8].time = 5;
    let verdict = check(&Stale::new(None, false), &events);
    assert!(
        verdict.notes[0].contains("event 8 has the time 5 ns"),
        "{:?}",
        verdict.notes
    );
    assert_eq!(verdict.measured[0].exact(), Some(40));
}

#[test]
fn a_nemesis_has_no_say_in_times() {
    let mut events = events(THREE_BACK);
    let mut nemesis = Event::new(0, Kind::Info, "kill", Value::Nil);
    nemesis.process = rupture_history::Process::nemesis();
    nemesis.time = 1_000_000;
    events.insert(1, nemesis.clone());
    nemesis.time = -1;
    events.insert(1, nemesis);
    assert_eq!(
        check(&Stale::new(None, false), &events).measured[0].exact(),
        Some(50)
    );
}

#[test]
fn the_worst_key_is_named() {
    let mut all = Vec::new();
    for (key, text) in [("a", "0w1( 0) 1r( 11"), ("b", THREE_BACK)] {
        for mut event in events(text) {
            event.value = Value::Vector(vec![Value::str(key), event.value]);
            event.time = 10 * all.len() as i64;
            all.push(event);
        }
    }
    let verdict = check(&KAtomic::new(None, true), &all);
    let found: Vec<(Option<&str>, Option<u64>)> = verdict
        .measured
        .iter()
        .map(|measure| (measure.key.as_deref(), measure.exact()))
        .collect();
    assert_eq!(
        found,
        [
            (None, Some(4)),
            (Some("\"b\""), Some(4)),
            (Some("\"a\""), Some(1))
        ]
    );
    assert_eq!(
        verdict.notes,
        ["the smallest bound of k-atomic is 4 versions (key \"b\" is the worst)"]
    );
    let verdict = check(&Stale::new(Some(20), true), &all);
    assert_eq!(verdict.anomalies.len(), 1);
    assert_eq!(verdict.anomalies[0].key.as_deref(), Some("\"b\""));
}

#[test]
fn other_operations_are_an_error() {
    let mut events = events("0w1( 0)");
    for event in &mut events {
        event.f = "cas".into();
    }
    let history: History = events.iter().collect();
    for checker in [
        &KAtomic::new(None, false) as &dyn Checker,
        &Stale::new(None, false),
    ] {
        let found = checker.check(&history, &Budget::unlimited());
        assert!(
            matches!(found, Err(CheckError::UnknownFunction { .. })),
            "{found:?}"
        );
    }
}

#[test]
fn what_stays_open_is_unknown_between_bounds() {
    let mut random = Random::new(5);
    let shape = Shape {
        operations: 300,
        processes: 12,
        lag: 6,
        unique: true,
        odd: 1_000,
    };
    let small = history(shape, &mut random);
    let exact = judge(&KAtomic::new(None, false), &small).measured[0].exact();
    let exact = exact.expect("it can be found");
    let looks = AtomicU64::new(0);
    let over = || looks.fetch_add(1, Ordering::Relaxed) > 1;
    let budget = Budget::unlimited().with_time(&over);
    let verdict = KAtomic::new(None, false).check(&small.history(), &budget);
    let verdict = verdict.expect("a register");
    let measure = &verdict.measured[0];
    assert!(measure.at_least <= exact && measure.at_most.is_none_or(|most| exact <= most));
    let none = Budget::unlimited().with_bytes(1_000);
    for checker in [
        &KAtomic::new(None, false) as &dyn Checker,
        &Stale::new(None, false),
    ] {
        let verdict = checker.check(&small.history(), &none).expect("a register");
        assert_eq!(verdict.validity, Validity::Unknown);
        assert!(
            verdict.reasons[0].starts_with("out of memory"),
            "{:?}",
            verdict.reasons
        );
    }
}

#[test]
fn whatever_time_there_is_invalid_comes_with_evidence() {
    let mut random = Random::new(7);
    let mut proved = 0;
    for round in 0..share(2_000) as u64 {
        let shape = Shape {
            operations: 9,
            processes: 3,
            lag: 4,
            unique: random.one_in(3),
            odd: 60,
        };
        let small = history(shape, &mut random);
        let looks = AtomicU64::new(0);
        let over = || looks.fetch_add(1, Ordering::Relaxed) >= round % 12;
        let budget = Budget::unlimited().with_time(&over);
        let verdict = KAtomic::new(Some(1), false).check(&small.history(), &budget);
        let versions = verdict.expect("a register");
        looks.store(0, Ordering::Relaxed);
        let verdict = Stale::new(Some(2), false).check(&small.history(), &budget);
        let times = verdict.expect("a register");
        for verdict in [&versions, &times] {
            let invalid = verdict.validity == Validity::Invalid;
            assert_eq!(invalid, !verdict.anomalies.is_empty(), "{verdict:#?}");
        }
        if !versions.anomalies.is_empty() {
            let alone = evidence(&small, &versions, 0);
            assert!(
                smallest_k(&alone.ops).is_none_or(|k| k > 1),
                "{versions:#?} {small:#?}"
            );
            proved += 1;
        }
        if !times.anomalies.is_empty() {
            let alone = evidence(&small, &times, 0);
            assert!(
                smallest_delta(&alone).is_none_or(|ns| ns > 2),
                "{times:#?} {small:#?}"
            );
            proved += 1;
        }
    }
    println!("{proved} proofs");
    assert!(proved >= at_least(1_000));
}

#[test]
fn a_larger_bound_never_breaks_what_a_smaller_one_allows() {
    let mut random = Random::new(6);
    for _ in 0..300 {
        let shape = Shape {
            operations: 30,
            processes: 4,
            lag: 4,
            unique: !random.one_in(3),
            odd: 60,
        };
        let small = history(shape, &mut random);
        let holds = |checker: &dyn Checker| judge(checker, &small).validity == Validity::Valid;
        let versions: Vec<bool> = (1..8)
            .map(|k| holds(&KAtomic::new(Some(k), false)))
            .collect();
        let times: Vec<bool> = (0..40)
            .step_by(5)
            .map(|ns| holds(&Stale::new(Some(ns), false)))
            .collect();
        assert!(
            versions.is_sorted() && times.is_sorted(),
            "{versions:?} {times:?} {small:#?}"
        );
    }
}

#[test]
fn levels_are_read_as_they_are_written() {
    for known in [
        Level::KAtomic(None),
        Level::KAtomic(Some(1)),
        Level::KAtomic(Some(u32::MAX)),
        Level::Stale(None),
        Level::Stale(Some(1)),
        Level::Stale(Some(1_500)),
        Level::Stale(Some(100_000_000)),
        Level::Stale(Some(90_000_000_000)),
    ] {
        assert_eq!(level(&known.to_string()), Some(Ok(known)));
    }
    assert_eq!(Level::Stale(Some(100_000_000)).to_string(), "stale=100ms");
    assert_eq!(level("stale=0.1s").and_then(Result::ok), None);
    for other in ["linearizable", "k-atomicity", "stale 5ms", "", "K-atomic"] {
        assert_eq!(level(other), None);
    }
    for bad in ["", "0", "-1", "+1", "1.5", "two", "4294967296", " 2", "2 "] {
        let error = level(&format!("k-atomic={bad}")).and_then(Result::err);
        let error = error.expect("not a bound");
        assert!(error.contains("write `k-atomic=2`"), "{error}");
    }
    for bad in [
        "",
        "0ms",
        "0",
        "5",
        "ms",
        "-5ms",
        "1.5ms",
        "5m",
        "5 ms",
        "9223372037s",
        "99999999999999999999ns",
    ] {
        let error = level(&format!("stale={bad}")).and_then(Result::err);
        let error = error.expect("not a bound");
        assert!(error.contains("write `stale=100ms`"), "{error}");
    }
}
