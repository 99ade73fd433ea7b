//! What checks of transactions cost beside reading the file: `cargo bench -p rupture-checkers --bench isolation`.
//!
//! The histories are those of `benches/compare`: 20 clients, transactions of one to four micro-operations.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use rupture_checkers::history::{Event, History, Kind, Value};
use rupture_checkers::isolation::{Level, ListAppend};
use rupture_checkers::{Budget, Checker, Options, checker};

#[allow(dead_code, unreachable_pub)]
#[path = "../tests/common/mod.rs"]
mod common;
#[allow(dead_code)]
#[path = "../../benches/compare/transactions.rs"]
mod transactions;

use transactions::{Store, Transactions};

fn lists(c: &mut Criterion) {
    let mut group = group(c);
    for (name, store) in [("serial", Store::Serial), ("snapshots", Store::Snapshot)] {
        let history = generate("list-append", store);
        for level in [
            Level::StrictSerializable,
            Level::SnapshotIsolation,
            Level::CausalConvergence,
        ] {
            let judge = ListAppend::new(level);
            group.bench_function(format!("list-append, {name}, {level}"), |b| {
                b.iter(|| judge.check(black_box(&history), &Budget::unlimited()));
            });
        }
        group.bench_function(format!("list-append, {name}, ladder"), |b| {
            b.iter(|| ListAppend::ladder().check(black_box(&history), &Budget::unlimited()));
        });
    }
    group.finish();
}

fn registers(c: &mut Criterion) {
    let mut group = group(c);
    let history = generate("rw-register", Store::Serial);
    for level in ["read-committed", "read-atomic", "causal", "serializable"] {
        let Ok(judge) = checker("rw-register", Some(level), &Options::default()) else {
            continue;
        };
        group.bench_function(format!("rw-register, serial, {level}"), |b| {
            b.iter(|| judge.check(black_box(&history), &Budget::unlimited()));
        });
    }
    group.finish();
}

/// One component of 20,000 transactions, and one of a million: a ring, of which each reads what the one before
/// wrote, and the first what the last did.
fn rings(c: &mut Criterion) {
    let mut group = group(c);
    for length in [20_000, 1_000_000] {
        let history = ring(length);
        let judge = ListAppend::new(Level::ReadCommitted);
        group.bench_function(format!("list-append, a cycle of {length}"), |b| {
            b.iter(|| judge.check(black_box(&history), &Budget::unlimited()));
        });
    }
    let history = skewed(20_000);
    let judge = ListAppend::new(Level::StrictSerializable);
    group.bench_function("list-append, a component of 20000 with many cycles", |b| {
        b.iter(|| judge.check(black_box(&history), &Budget::unlimited()));
    });
    group.finish();
}

fn ring(length: i64) -> History {
    let mut history = History::new();
    for process in 0..length {
        let before = (process + length - 1) % length;
        push(
            &mut history,
            process,
            Kind::Invoke,
            vec![append(process), read(before, &[])],
        );
    }
    for process in 0..length {
        let before = (process + length - 1) % length;
        push(
            &mut history,
            process,
            Kind::Ok,
            vec![append(process), read(before, &[1])],
        );
    }
    history
}

/// Every transaction misses what the next one appends, and the last what the first does; and each reads what one
/// far behind it appended.
fn skewed(length: i64) -> History {
    let mut history = History::new();
    let far = |process: i64| (process + length - 97) % length;
    for process in 0..length {
        let next = (process + 1) % length;
        let asked = vec![append(process), read(next, &[]), read(far(process), &[])];
        push(&mut history, process, Kind::Invoke, asked);
    }
    for process in 0..length {
        let next = (process + 1) % length;
        let done = vec![append(process), read(next, &[]), read(far(process), &[1])];
        push(&mut history, process, Kind::Ok, done);
    }
    history
}

fn append(key: i64) -> Value {
    Value::Vector(vec![
        Value::Str("append".into()),
        Value::Int(key),
        Value::Int(1),
    ])
}

fn read(key: i64, list: &[i64]) -> Value {
    let list = list.iter().copied().map(Value::Int).collect();
    Value::Vector(vec![
        Value::Str("r".into()),
        Value::Int(key),
        Value::Vector(list),
    ])
}

fn push(history: &mut History, process: i64, kind: Kind, micros: Vec<Value>) {
    history.push(&Event::new(process, kind, "txn", Value::Vector(micros)));
}

fn group(c: &mut Criterion) -> criterion::BenchmarkGroup<'_, criterion::measurement::WallTime> {
    let mut group = c.benchmark_group("1,000,000 transactions");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(5));
    group
}

fn generate(model: &'static str, store: Store) -> History {
    let transactions = Transactions {
        model,
        store,
        count: 1_000_000,
    };
    transactions.generate()
}

criterion_group!(benches, lists, registers, rings);
criterion_main!(benches);
