//! How long large histories take. Run by hand, in release:
//! `cargo test --release -p rupture-checkers --lib weak::tests::sizes -- --ignored --nocapture --test-threads 1`

use std::time::Instant;

use rupture_history::{Event, History, Kind, Value};

use super::case::LEVELS;
use super::random::Random;
use crate::Budget;
use crate::isolation::transactions::{Registers, Transactions, Writes};
use crate::isolation::weak::{Prepared, Ruling};

/// What a store of one copy gives to sessions that run at the same time.
struct Shape {
    transactions: usize,
    sessions: usize,
    keys: usize,
    /// Whether transactions read from the snapshot of their invocation, and fail where they would lose an update.
    snapshot: bool,
    /// After how many transactions a session ends and another begins.
    retire: usize,
    /// Of how many reads one returns an older version; 0 if none does.
    lies: usize,
}

/// What a session began: after how many commits, and what it does: whether it writes, the key and the value.
type Begun = (usize, Vec<(bool, usize, i64)>);

/// A key's versions: when each was committed, and its value.
type Versions = Vec<Vec<(usize, i64)>>;

fn read(versions: &Versions, key: usize, at: usize) -> i64 {
    let of_key = &versions[key];
    let until = of_key.partition_point(|&(commit, _)| commit <= at);
    until.checked_sub(1).map_or(0, |last| of_key[last].1)
}

fn value(number: i64) -> Value {
    if number == 0 {
        Value::Nil
    } else {
        Value::Int(number)
    }
}

fn micro(name: &str, key: usize, number: i64) -> Value {
    Value::Vector(vec![
        Value::keyword(name),
        Value::Int(key as i64),
        value(number),
    ])
}

fn history(shape: &Shape) -> History {
    let mut random = Random::new(1);
    let mut history = History::new();
    let mut versions: Versions = vec![Vec::new(); shape.keys];
    let mut open: Vec<Option<Begun>> = vec![None; shape.sessions];
    let mut done = vec![0; shape.sessions];
    let (mut clock, mut written, mut begun) = (0, 0, 0);
    while begun < shape.transactions || open.iter().any(Option::is_some) {
        let session = random.below(shape.sessions);
        let process = (session + done[session] / shape.retire * shape.sessions) as i64;
        let Some((snapshot, mut ops)) = open[session].take() else {
            if begun < shape.transactions {
                begun += 1;
                let count = 2 + random.below(5);
                let ops = (0..count).map(|_| (random.one_in(2), random.below(shape.keys), 0));
                let mut ops: Vec<(bool, usize, i64)> = ops.collect();
                for op in ops.iter_mut().filter(|op| op.0) {
                    written += 1;
                    op.2 = written;
                }
                let asked = ops
                    .iter()
                    .map(|&(w, key, number)| micro(if w { "w" } else { "r" }, key, number));
                let asked = Value::Vector(asked.collect());
                history.push(&Event::new(process, Kind::Invoke, "txn", asked));
                open[session] = Some((clock, ops));
            }
            continue;
        };
        let at = if shape.snapshot { snapshot } else { clock };
        let lost = |&(w, key, _): &(bool, usize, i64)| {
            w && versions[key].last().is_some_and(|last| last.0 > at)
        };
        let fails = ops.iter().any(lost);
        for place in 0..ops.len() {
            let (writes, key, _) = ops[place];
            if !writes {
                let own = ops[..place].iter().rev().find(|op| op.1 == key);
                let lies = shape.lies > 0 && random.one_in(shape.lies);
                let at = if lies { at.saturating_sub(50_000) } else { at };
                ops[place].2 = own.map_or_else(|| read(&versions, key, at), |own| own.2);
            }
        }
        done[session] += 1;
        let answer = ops
            .iter()
            .map(|&(w, key, number)| micro(if w { "w" } else { "r" }, key, number));
        let answer = Value::Vector(answer.collect());
        let kind = if fails { Kind::Fail } else { Kind::Ok };
        history.push(&Event::new(process, kind, "txn", answer));
        if !fails {
            clock += 1;
            for &(writes, key, number) in &ops {
                if writes {
                    if versions[key].last().is_some_and(|last| last.0 == clock) {
                        versions[key].pop();
                    }
                    versions[key].push((clock, number));
                }
            }
        }
    }
    history
}

/// Seconds of processor time that this process took so far, where the system tells.
fn processor_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

/// Runs something, and returns its seconds by the clock and of processors.
fn timed<T>(run: impl FnOnce() -> T) -> (T, String) {
    let (clock, processor) = (Instant::now(), processor_s());
    let result = run();
    let told = format!(
        "{:6.2} s ({:.2} s of processors)",
        clock.elapsed().as_secs_f64(),
        processor_s() - processor
    );
    (result, told)
}

fn measure(shape: &Shape) {
    let history = history(shape);
    let operations = history.operations().expect("pairs");
    let transactions = Transactions::<Registers>::read(&history, operations).expect("transactions");
    let writes = Writes::of(&transactions).expect("unique writes");
    let budget = Budget::unlimited();
    let prepare = || Prepared::of(&transactions, &writes, &[], &budget).expect("no bound");
    let (prepared, time) = timed(prepare);
    println!(
        "{} transactions, {} sessions, {} keys, snapshots {}: prepared in {time}",
        shape.transactions, shape.sessions, shape.keys, shape.snapshot,
    );
    for level in LEVELS {
        let (ruling, time) = timed(|| prepare().judge(level, &budget));
        let told = match &ruling {
            Ruling::Holds => "holds".to_owned(),
            Ruling::Violated(found) => format!("{} x {}", found.len(), found[0].kind),
            Ruling::Stopped(why) => why.clone(),
        };
        println!("  {:24} {time}, preparation included: {told}", level.name());
    }
    let ((), time) = timed(|| {
        for level in LEVELS {
            prepared.judge(level, &budget);
        }
    });
    println!("  all on one preparation   {time}");
}

#[test]
#[ignore = "measures"]
fn a_million_transactions() {
    for (keys, snapshot) in [(10_000, false), (100_000, true)] {
        measure(&Shape {
            transactions: 1_000_000,
            sessions: 20,
            keys,
            snapshot,
            retire: usize::MAX,
            lies: 0,
        });
    }
}

#[test]
#[ignore = "measures"]
fn many_sessions() {
    for (transactions, sessions, retire) in [(1_000_000, 20, 100), (100_000, 10_000, usize::MAX)] {
        measure(&Shape {
            transactions,
            sessions,
            keys: 10_000,
            snapshot: false,
            retire,
            lies: 0,
        });
    }
}

#[test]
#[ignore = "measures"]
fn a_million_transactions_with_anomalies() {
    for lies in [1_000_000, 1_000] {
        measure(&Shape {
            transactions: 1_000_000,
            sessions: 20,
            keys: 10_000,
            snapshot: false,
            retire: usize::MAX,
            lies,
        });
    }
}
