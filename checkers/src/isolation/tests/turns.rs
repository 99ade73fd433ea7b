//! Histories of several hundred keys, which the engine looks at in turns of some, each with auxiliary nodes of its own.

use rupture_history::{Event, History, Kind, Validity, Value};

use crate::isolation::{Level, ListAppend};
use crate::{Budget, Checker};

/// More than two turns.
const KEYS: i64 = 600;

fn micro(f: &str, key: i64, argument: Value) -> Value {
    Value::Vector(vec![Value::keyword(f), Value::Int(key), argument])
}

/// Adds a transaction of one micro-operation, which has completed before the next is invoked.
fn run(history: &mut History, asked: Value, answered: Value) {
    for (kind, micro) in [(Kind::Invoke, asked), (Kind::Ok, answered)] {
        let event = Event::new(0, kind, "txn", Value::Vector(vec![micro]));
        history.push(&event);
    }
}

fn read(history: &mut History, key: i64) {
    let empty = Value::Vector(Vec::new());
    run(history, micro("r", key, Value::Nil), micro("r", key, empty));
}

fn append(history: &mut History, key: i64, element: i64) {
    let append = micro("append", key, Value::Int(element));
    run(history, append.clone(), append);
}

/// One key after another is read, and then appended to twice; nobody sees that. One key is read late.
fn serial(late: Option<i64>) -> History {
    let mut history = History::new();
    for key in 0..KEYS {
        if late != Some(key) {
            read(&mut history, key);
        }
        append(&mut history, key, 1);
        append(&mut history, key, 2);
        if late == Some(key) {
            read(&mut history, key);
        }
    }
    history
}

fn judge(history: &History, level: Level) -> Validity {
    let verdict = ListAppend::new(level).check(history, &Budget::unlimited());
    verdict.expect("a history of lists").validity
}

#[test]
fn unseen_appends_to_one_key_are_not_those_to_another() {
    let levels = [
        Level::StrictSerializable,
        Level::StrongSessionSerializable,
        Level::StrongSessionSnapshotIsolation,
    ];
    let history = serial(None);
    for level in levels {
        assert_eq!(judge(&history, level), Validity::Valid, "{level}");
    }
    for late in [0, 255, 256, 511, 512, KEYS - 1] {
        let history = serial(Some(late));
        for level in levels {
            assert_eq!(judge(&history, level), Validity::Invalid, "{level}: {late}");
        }
        assert_eq!(judge(&history, Level::Serializable), Validity::Valid);
    }
}
