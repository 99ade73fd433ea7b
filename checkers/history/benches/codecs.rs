//! How fast histories are read and written: a register history and one of list-append transactions, in
//! JSONL and in EDN. `cargo bench -p rupture-history`.
//!
//! The histories are a million events each, so a figure in milliseconds, doubled, is the time for a million
//! operations; the throughput that is printed counts events. What memory they take is printed first.

#![allow(
    missing_docs,
    reason = "criterion's macros define undocumented functions"
)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rupture_history::codec::{self, edn, jsonl};
use rupture_history::{Event, History, Kind, Value};

const OPERATIONS: i64 = 500_000;

/// Ten clients take turns; every operation lasts a little.
fn history(operation: impl Fn(i64) -> (&'static str, Value, Value)) -> History {
    let mut history = History::new();
    for number in 0..OPERATIONS {
        let (f, argument, result) = operation(number);
        let mut event = Event::new(number % 10, Kind::Invoke, f, argument);
        event.time = number * 1_003_217;
        history.push(&event);
        event.kind = Kind::Ok;
        event.time += 731_911;
        event.value = result;
        history.push(&event);
    }
    history.shrink_to_fit();
    history
}

fn register(number: i64) -> (&'static str, Value, Value) {
    let value = Value::Int(number % 5);
    match number % 3 {
        0 => ("write", value.clone(), value),
        1 => ("read", Value::Nil, value),
        _ => {
            let pair = Value::Vector(vec![Value::Int((number + 1) % 5), value]);
            ("cas", pair.clone(), pair)
        }
    }
}

/// A transaction of four micro-operations on a hundred keys; a read sees up to sixteen elements.
fn transaction(number: i64) -> (&'static str, Value, Value) {
    let (mut argument, mut result) = (Vec::new(), Vec::new());
    for part in 0..4 {
        let key = Value::Int((number * 7 + part * 13) % 100);
        if (number + part) % 2 == 0 {
            let append = Value::Vector(vec![
                Value::keyword("append"),
                key,
                Value::Int(number * 4 + part),
            ]);
            argument.push(append.clone());
            result.push(append);
        } else {
            let seen = (0..number % 16).map(|n| Value::Int(n + number)).collect();
            let read = |list| Value::Vector(vec![Value::keyword("r"), key.clone(), list]);
            argument.push(read(Value::Nil));
            result.push(read(Value::Vector(seen)));
        }
    }
    ("txn", Value::Vector(argument), Value::Vector(result))
}

fn codecs(criterion: &mut Criterion) {
    for (name, history) in [
        ("register", history(register)),
        ("list-append", history(transaction)),
    ] {
        let (mut json, mut jepsen) = (String::new(), String::new());
        jsonl::write_history(&mut json, &history);
        edn::write_history(&mut jepsen, &history);
        println!(
            "{name}: {} events, {} bytes in memory, {} of JSONL, {} of EDN",
            history.len(),
            history.bytes(),
            json.len(),
            jepsen.len()
        );
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10);
        group.measurement_time(Duration::from_secs(5));
        group.throughput(Throughput::Elements(history.len() as u64));
        group.bench_function("read JSONL", |bench| {
            bench.iter(|| codec::read(black_box(json.as_bytes())));
        });
        group.bench_function("read EDN", |bench| {
            bench.iter(|| codec::read(black_box(jepsen.as_bytes())));
        });
        group.bench_function("write JSONL", |bench| {
            bench.iter(|| {
                let mut out = String::with_capacity(json.len());
                jsonl::write_history(&mut out, black_box(&history));
                out
            });
        });
        group.bench_function("write EDN", |bench| {
            bench.iter(|| {
                let mut out = String::with_capacity(jepsen.len());
                edn::write_history(&mut out, black_box(&history));
                out
            });
        });
        group.bench_function("pair", |bench| {
            bench.iter(|| black_box(&history).operations());
        });
        group.finish();
    }
}

criterion_group!(benches, codecs);
criterion_main!(benches);
