//! How long it takes, for the release build: `cargo test --release -- --ignored --nocapture register::tests::sizes`.

use std::time::Instant;

use super::stores::{Kind, Size, events, history};
use crate::Budget;
use crate::isolation::Level;
use crate::isolation::assumed::Assumptions;
use crate::isolation::register::{Prepared, Ruling};
use crate::isolation::transactions::{Registers, Transactions, Writes};
use crate::linearizability::tests::random::Random;

const LEVELS: [Level; 8] = [
    Level::StrictSerializable,
    Level::Serializable,
    Level::SnapshotIsolation,
    Level::Prefix,
    Level::ParallelSnapshotIsolation,
    Level::ConsistentView,
    Level::CursorStability,
    Level::UpdateAtomic,
];

fn measure(name: &str, kind: Kind, size: Size) {
    let txns = history(kind, size, &mut Random::new(7));
    let history = events(&txns);
    drop(txns);
    let start = Instant::now();
    let over = || start.elapsed().as_secs() > 300;
    let budget = Budget::unlimited().with_time(&over).with_bytes(8 << 30);
    let operations = history.operations().unwrap();
    let transactions = Transactions::<Registers>::read(&history, operations).unwrap();
    let writes = Writes::of(&transactions).unwrap();
    let read = start.elapsed();
    let prepared = Prepared::of(&transactions, &writes, Assumptions::default(), &budget).unwrap();
    println!(
        "{name} {kind:?} {} keys {}: read {read:.2?}, prepared {:.2?}",
        size.transactions,
        size.keys,
        start.elapsed().saturating_sub(read)
    );
    for level in LEVELS {
        let start = Instant::now();
        let over = || start.elapsed().as_secs() >= 60;
        let budget = Budget::unlimited().with_time(&over).with_bytes(8 << 30);
        let words = match prepared.judge(level, &budget) {
            Ruling::Holds => "holds".to_owned(),
            Ruling::Violated(anomalies) => {
                format!("{}: {}", anomalies[0].kind, anomalies[0].summary)
            }
            Ruling::Unknown(reason) => reason,
        };
        println!(
            "  {level}: {:.2?} {}",
            start.elapsed(),
            &words[..words.len().min(150)]
        );
    }
}

fn size(transactions: usize, keys: usize, processes: usize) -> Size {
    Size {
        transactions,
        processes,
        keys,
        acts: 4,
        writes: 50,
        losing: 1_000,
    }
}

#[test]
#[ignore = "measures"]
fn a_million_transactions() {
    for keys in [100, 100_000] {
        measure("valid", Kind::Serial, size(1_000_000, keys, 20));
    }
    measure("valid", Kind::Snapshot, size(1_000_000, 100_000, 20));
}

#[test]
#[ignore = "measures"]
fn a_hundred_thousand_transactions() {
    for keys in [10, 1_000] {
        measure("valid", Kind::Serial, size(100_000, keys, 20));
        measure("snapshots", Kind::Snapshot, size(100_000, keys, 20));
        measure("stale", Kind::Stale, size(100_000, keys, 20));
        measure("invalid", Kind::ReadCommitted, size(100_000, keys, 20));
    }
}

#[test]
#[ignore = "measures"]
fn many_blind_writes_of_few_keys() {
    for transactions in [1_000, 10_000] {
        for (keys, processes) in [(2, 20), (5, 100), (10, 500)] {
            let size = Size {
                acts: 3,
                writes: 80,
                ..size(transactions, keys, processes)
            };
            measure("blind", Kind::Serial, size);
            measure("blind", Kind::Snapshot, size);
            measure("blind", Kind::Stale, size);
        }
    }
}
