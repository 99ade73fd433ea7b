//! Histories that everybody knows, and what the words of the definition say of single operations.

use rupture_history::{Event, History, Kind, Process, Validity, Value, Verdict};

use crate::models::{CasRegister, FifoQueue, KvAppend, Register};
use crate::{Budget, CheckError, Checker, Model, Sequential};

const CAS: CasRegister = CasRegister {
    observe_failed: false,
};

/// One event a word: the process, then `i`, `o`, `f` or `n` for invoke, ok, fail and info, then the function
/// (`r`ead, `w`rite, `c`as), then where there are keys the key, then `:` and the value.
fn history(words: &str) -> History {
    let event = |word: &str| {
        let mut letters = word.chars();
        let process = letters.next().and_then(|c| c.to_digit(10)).unwrap();
        let kind = match letters.next().unwrap() {
            'i' => Kind::Invoke,
            'o' => Kind::Ok,
            'f' => Kind::Fail,
            _ => Kind::Info,
        };
        let f = match letters.next().unwrap() {
            'r' => "read",
            'w' => "write",
            'c' => "cas",
            'e' => "enqueue",
            _ => "dequeue",
        };
        let (key, value) = letters.as_str().split_once(':').unwrap();
        let numbers: Vec<Value> = value
            .split(',')
            .map(|n| n.parse().map_or(Value::Nil, Value::Int))
            .collect();
        let value = match &numbers[..] {
            [one] => one.clone(),
            _ => Value::Vector(numbers),
        };
        let value = match key {
            "" => value,
            key => Value::Vector(vec![Value::keyword(key), value]),
        };
        Event::new(i64::from(process), kind, f, value)
    };
    words
        .split_whitespace()
        .map(event)
        .collect::<Vec<Event>>()
        .iter()
        .collect()
}

fn judge_keys(model: impl Model, words: &str) -> Verdict {
    let judge = Sequential::new(model).independent(true);
    judge.check(&history(words), &Budget::unlimited()).unwrap()
}

fn judge(model: impl Model, words: &str) -> Validity {
    let judge = Sequential::new(model);
    let verdict = judge.check(&history(words), &Budget::unlimited());
    verdict.unwrap().validity
}

const TWO_KEYS: &str = "0iwx:1 0owx:1 0iry: 0ory:nil 1iwy:1 1owy:1 1irx: 1orx:nil";

#[test]
fn each_of_two_keys_has_an_order_and_both_have_none() {
    for key in ["x", "y"] {
        let one: Vec<&str> = TWO_KEYS
            .split_whitespace()
            .filter(|word| word.contains(key))
            .collect();
        let verdict = judge_keys(Register, &one.join(" "));
        assert_eq!(verdict.validity, Validity::Valid, "{verdict:#?}");
    }
    let verdict = judge_keys(Register, TWO_KEYS);
    assert_eq!(verdict.validity, Validity::Invalid);
    assert_eq!(verdict.not, ["sequential"]);
    let [anomaly] = &verdict.anomalies[..] else {
        panic!("{verdict:#?}");
    };
    assert_eq!((&*anomaly.kind, &anomaly.key), ("not-sequential", &None));
    assert_eq!(anomaly.evidence.len(), 4);
    assert_eq!(
        anomaly.explanation[0],
        "Process 0 did, in this order: write of 1 on key :x, then read of nil on key :y."
    );
    assert!(anomaly.explanation.len() > 2, "{anomaly:#?}");
}

#[test]
fn keys_of_the_model_are_judged_in_one_order_too() {
    let event = |process, kind, f, key, value: &str| {
        let mut event = Event::new(process, kind, f, Value::str(value));
        event.extra.push(("key".into(), Value::str(key)));
        event
    };
    let mut events = Vec::new();
    for (process, mine, other) in [(0, "x", "y"), (1, "y", "x")] {
        events.push(event(process, Kind::Invoke, "put", mine, "a"));
        events.push(event(process, Kind::Ok, "put", mine, "a"));
        events.push(event(process, Kind::Invoke, "get", other, ""));
        events.push(event(process, Kind::Ok, "get", other, ""));
    }
    let history: History = events.iter().collect();
    let verdict = Sequential::new(KvAppend).check(&history, &Budget::unlimited());
    assert_eq!(verdict.unwrap().validity, Validity::Invalid);
}

#[test]
fn processes_that_do_not_talk_cannot_tell_late_from_early() {
    // Stale, and from the future.
    assert_eq!(judge(Register, "0iw:1 0ow:1 1ir: 1or:nil"), Validity::Valid);
    assert_eq!(judge(Register, "1ir: 1or:1 0iw:1 0ow:1"), Validity::Valid);
    // But a process sees its own writes, and no process goes back.
    assert_eq!(
        judge(Register, "0iw:1 0ow:1 0ir: 0or:nil"),
        Validity::Invalid
    );
    let back = "0iw:1 0ow:1 0iw:2 0ow:2 1ir: 1or:2 1ir: 1or:1";
    assert_eq!(judge(Register, back), Validity::Invalid);
    // Two that see two writes in two orders.
    let writes = "0iw:1 0ow:1 1iw:2 1ow:2";
    let split = format!("{writes} 2ir: 2or:1 2ir: 2or:2 3ir: 3or:2 3ir: 3or:1");
    assert_eq!(judge(Register, &split), Validity::Invalid);
    let queue = "0ie:1 0oe:1 1ie:2 1oe:2 0id: 0od:2 1id: 1od:1";
    assert_eq!(judge(FifoQueue, queue), Validity::Valid);
    let queue = "0ie:1 0oe:1 0ie:2 0oe:2 1id: 1od:2 1id: 1od:1";
    assert_eq!(judge(FifoQueue, queue), Validity::Invalid);
}

#[test]
fn what_nobody_saw_complete_comes_after_what_its_process_did_before_and_at_any_time() {
    // After what its process does later.
    let late = "0iw:1 0nw:1 0ir: 0or:nil 0iw:2 0ow:2 1ir: 1or:2 1ir: 1or:1";
    assert_eq!(judge(Register, late), Validity::Valid);
    // Not before what its process did before, in the order 2, 1.
    let early = "0iw:2 0ow:2 0iw:1 0nw:1 1ir: 1or:1 1ir: 1or:2";
    assert_eq!(judge(Register, early), Validity::Invalid);
    // Once.
    let twice = "0iw:1 0nw:1 1iw:2 1ow:2 2ir: 2or:1 2ir: 2or:2 2ir: 2or:1";
    assert_eq!(judge(Register, twice), Validity::Invalid);
    let again = format!("3iw:1 {twice}");
    assert_eq!(judge(Register, &again), Validity::Valid);
}

#[test]
fn what_failed_did_not_happen() {
    assert_eq!(judge(Register, "0iw:1 0fw:1 1ir: 1or:1"), Validity::Invalid);
    let words = "0iw:1 0ow:1 0ic:1,2 0fc:1,2";
    assert_eq!(judge(CAS, words), Validity::Valid);
    let observing = CasRegister {
        observe_failed: true,
    };
    assert_eq!(judge(observing, words), Validity::Invalid);
}

#[test]
fn nothing_to_judge_is_unknown() {
    for words in ["", "0iw:1", "0iw:1 0nw:1", "0iw:1 0fw:1"] {
        let judge = Sequential::new(Register);
        let verdict = judge.check(&history(words), &Budget::unlimited()).unwrap();
        assert_eq!(verdict.validity, Validity::Unknown);
        assert_eq!(verdict.reasons.len(), 1);
        assert_eq!(verdict.consistency, "sequential");
    }
}

#[test]
fn another_language_is_an_error() {
    let judge = Sequential::new(Register);
    let verdict = judge.check(&history("0ie:1"), &Budget::unlimited());
    assert!(matches!(verdict, Err(CheckError::UnknownFunction { .. })));
    let mut event = Event::new(0, Kind::Ok, "read", Value::Nil);
    event.process = Process::Client(3);
    let history: History = [event].iter().collect();
    let verdict = judge.check(&history, &Budget::unlimited());
    assert!(matches!(verdict, Err(CheckError::Pairing(_))));
}

/// A history that no theory decides and that takes the search some steps.
fn hard() -> History {
    let mut words = Vec::new();
    for round in 0..60 {
        for process in 0..5 {
            let (old, new) = ((round + process) % 5, (round * process) % 5);
            for (f, value) in [("iw", new), ("ow", new), ("ir", old), ("or", old)] {
                words.push(format!("{process}{f}:{value}"));
            }
        }
    }
    history(&words.join(" "))
}

#[test]
fn out_of_time_is_unknown() {
    let over = || true;
    let budget = Budget::unlimited().with_time(&over);
    let verdict = Sequential::new(CAS).check(&hard(), &budget).unwrap();
    assert_eq!(verdict.validity, Validity::Unknown);
    assert!(verdict.reasons[0].starts_with("out of time after "));
}

#[test]
fn out_of_memory_is_unknown() {
    for bytes in [0, 1 << 10, 1 << 14] {
        let budget = Budget::unlimited().with_bytes(bytes);
        let verdict = Sequential::new(CAS).check(&hard(), &budget).unwrap();
        assert_eq!(verdict.validity, Validity::Unknown, "{bytes}");
        assert!(verdict.reasons[0].starts_with("out of memory after "));
    }
}
