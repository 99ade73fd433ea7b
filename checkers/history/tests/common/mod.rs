//! Strategies for arbitrary values and events, shared by the tests of this folder.

#![allow(dead_code, reason = "each test is a crate of its own and uses a part")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use rupture_history::{Event, Float, Kind, Name, Process, Value};

/// Text with everything in it that a format could stumble over.
pub(crate) fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z]{1,8}",
        1 => "[a-z]{1,4}/[a-z.-]{1,4}",
        2 => r"[ -~]{0,6}",
        2 => any::<String>(),
        1 => prop::sample::select(&[
            "", "nil", "true", ":", "::a", "-", "+1", "-x", "1", "1a", "a b", "#", "#a", "'", "a'", "\\", "/",
            "rupture/keyword", "rupture/tagged", "_", "^", "\u{feff}", "\u{2028}", "\u{0}", "##NaN", "inst",
        ][..]).prop_map(str::to_owned),
    ]
}

pub(crate) fn names() -> impl Strategy<Value = Name> {
    texts().prop_map(Name::from)
}

/// Other atoms as readers make them, and as no reader does.
fn others() -> impl Strategy<Value = Name> {
    prop_oneof![
        prop::sample::select(
            &[
                "4/5",
                "-1/3",
                "99999999999999999999",
                "99999999999999999999N",
                "1.50M",
                "\\a",
                "\\newline",
                "\\u0041",
                "\\(",
                "#\"a.*\\\"b\"",
                "#<Object a<b>>",
                "#'user/x",
                "\\é",
            ][..]
        )
        .prop_map(Name::from),
        names(),
    ]
}

fn floats() -> impl Strategy<Value = f64> {
    let special = prop::sample::select(
        &[
            0.0,
            -0.0,
            1e7,
            9_999_999.0,
            1e-3,
            0.000_999,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
        ][..],
    );
    let number = any::<f64>().prop_map(|x| if x.is_nan() { f64::NAN } else { x });
    prop_oneof![special, number]
}

fn integers() -> impl Strategy<Value = i64> {
    let edges = [
        0,
        -1,
        i64::MIN,
        i64::MAX,
        (1 << 55) - 1,
        1 << 55,
        -(1 << 55),
        -(1 << 55) - 1,
    ];
    prop_oneof![
        -9..10_i64,
        any::<i64>(),
        prop::sample::select(edges.to_vec())
    ]
}

pub(crate) fn atoms() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Bool),
        integers().prop_map(Value::Int),
        floats().prop_map(|x| Value::Float(Float(x))),
        names().prop_map(Value::Str),
        names().prop_map(Value::Keyword),
        names().prop_map(Value::Symbol),
        others().prop_map(Value::Other),
    ]
}

pub(crate) fn values() -> impl Strategy<Value = Value> {
    atoms().prop_recursive(4, 24, 5, |inner| {
        let items = prop::collection::vec(inner.clone(), 0..5);
        let entries = prop::collection::vec((inner.clone(), inner.clone()), 0..4);
        prop_oneof![
            items.clone().prop_map(Value::Vector),
            items.prop_map(set),
            entries.prop_map(map),
            (names(), inner).prop_map(|(tag, value)| Value::Tagged(tag, Box::new(value))),
        ]
    })
}

/// A set with every element once.
fn set(mut items: Vec<Value>) -> Value {
    let mut seen = BTreeSet::new();
    items.retain(|item| seen.insert(item.clone()));
    Value::Set(items)
}

/// A map with every key once, also after JSON has made a string of it.
fn map(mut entries: Vec<(Value, Value)>) -> Value {
    let mut seen = BTreeSet::new();
    entries.retain(|(key, _)| {
        seen.insert(match key {
            Value::Str(text) | Value::Keyword(text) | Value::Symbol(text) | Value::Other(text) => {
                text.to_string()
            }
            Value::Float(x) => Value::Float(Float(x.0 + 0.0)).to_string(),
            _ => key.to_string(),
        })
    });
    Value::Map(entries)
}

fn extras() -> impl Strategy<Value = Vec<(Name, Value)>> {
    const OWN: [&str; 6] = ["index", "time", "type", "process", "f", "value"];
    prop::collection::btree_map(names(), values(), 0..3).prop_map(|map| {
        map.into_iter()
            .filter(|(name, _)| !OWN.contains(&&**name))
            .collect()
    })
}

pub(crate) fn kinds() -> impl Strategy<Value = Kind> {
    prop::sample::select(&[Kind::Invoke, Kind::Ok, Kind::Fail, Kind::Info][..])
}

fn processes() -> impl Strategy<Value = Process> {
    prop_oneof![
        integers().prop_map(Process::Client),
        values().prop_filter_map("a name that is no integer", |name| {
            (!matches!(name, Value::Nil | Value::Int(_))).then_some(Process::Named(name))
        })
    ]
}

/// Events with ascending indices, as histories have them.
pub(crate) fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (
        kinds(),
        processes(),
        names(),
        values(),
        extras(),
        integers(),
        1..1000_u64,
    );
    prop::collection::vec(event, 0..6).prop_map(|events| {
        let mut index = 0;
        events
            .into_iter()
            .map(|(kind, process, f, value, extra, time, step)| {
                index += step;
                Event {
                    index: Some(index),
                    time,
                    kind,
                    process,
                    f,
                    value,
                    extra,
                }
            })
            .collect()
    })
}
