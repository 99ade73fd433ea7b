//! Histories of transactions, and the bars of the isolation engine.
//!
//! Twenty clients run transactions of one to four micro-operations on ten keys at a time; a key is replaced after
//! 32 writes. The store is serial, or keeps snapshots and lets the first committer win, which lets writes be skewed.

use std::collections::HashMap;

use rupture_checkers::history::{Event, History, Kind, Value};

use crate::common::Random;

/// What a store promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// Every transaction runs alone, between its invocation and its completion.
    Serial,
    /// Transactions read from the snapshot of their invocation; of two that overlap only one writes a key.
    Snapshot,
}

/// One history of transactions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transactions {
    pub(crate) model: &'static str,
    pub(crate) store: Store,
    pub(crate) count: usize,
}

/// What is judged, and what we want of it.
pub(crate) struct Row {
    pub(crate) transactions: Transactions,
    pub(crate) level: &'static str,
    pub(crate) expected: &'static str,
    pub(crate) bar: &'static str,
    pub(crate) peer: &'static str,
    pub(crate) memory: &'static str,
}

impl Row {
    pub(crate) fn name(&self) -> String {
        let Transactions { model, store, .. } = self.transactions;
        let store = match store {
            Store::Serial => "serial store",
            Store::Snapshot => "snapshots with skew",
        };
        format!("{model}, {store}, {}", self.level)
    }
}

/// All rows, in the order of the table.
pub(crate) fn rows() -> Vec<Row> {
    const MILLION: usize = 1_000_000;
    let row = |(model, store, count), level, expected, (bar, peer), memory| Row {
        transactions: Transactions {
            model,
            store,
            count,
        },
        level,
        expected,
        bar,
        peer,
        memory,
    };
    let lists = |store, count| ("list-append", store, count);
    let registers = |count| ("rw-register", Store::Serial, count);
    let strict = "strict-serializable";
    vec![
        row(
            lists(Store::Serial, MILLION),
            strict,
            "valid",
            ("4 s, 1.5 GB", "Elle: 106 s"),
            "4GiB",
        ),
        row(
            lists(Store::Snapshot, MILLION),
            strict,
            "invalid",
            ("6 s, 2 GB", ""),
            "4GiB",
        ),
        row(
            lists(Store::Snapshot, MILLION),
            "snapshot-isolation",
            "valid",
            ("6 s, 2 GB", ""),
            "4GiB",
        ),
        row(
            lists(Store::Snapshot, MILLION),
            "ladder",
            "invalid",
            ("", ""),
            "4GiB",
        ),
        row(
            registers(MILLION),
            "read-committed",
            "valid",
            ("1 s without parsing", "AWDIT: 2.2 s"),
            "4GiB",
        ),
        row(
            registers(MILLION),
            "read-atomic",
            "valid",
            ("1 s without parsing", "AWDIT: 2.6 s"),
            "4GiB",
        ),
        row(
            registers(MILLION),
            "causal",
            "valid",
            ("1.5 s without parsing", "AWDIT: 3.7 s"),
            "4GiB",
        ),
        row(
            registers(MILLION),
            "serializable",
            "valid",
            ("", "Elle: 43 s"),
            "4GiB",
        ),
        row(registers(MILLION), strict, "valid", ("", ""), "4GiB"),
        row(
            lists(Store::Serial, 10 * MILLION),
            strict,
            "valid",
            ("16 GB", ""),
            "16GiB",
        ),
    ]
}

const CLIENTS: usize = 20;
const KEYS: usize = 10;
const WRITES_A_KEY: i64 = 32;
const LONGEST: usize = 4;

/// A transaction that runs.
struct Open {
    micros: Vec<(bool, i64, i64)>,
    /// How many writes each key had when it was invoked.
    snapshot: Vec<usize>,
}

impl Transactions {
    /// The history, the same whenever it is asked for.
    pub(crate) fn generate(self) -> History {
        let mut run = Run {
            transactions: self,
            random: Random(7),
            keys: (0..KEYS as i64).collect(),
            next_key: KEYS as i64,
            begun: HashMap::new(),
            lists: HashMap::new(),
            history: History::new(),
        };
        let mut idle: Vec<usize> = (0..CLIENTS).collect();
        let mut running: Vec<(usize, Open)> = Vec::new();
        let mut left = self.count;
        while left > 0 || !running.is_empty() {
            let begins = !idle.is_empty() && left > 0 && (running.is_empty() || run.below(2) == 0);
            if begins {
                let at = run.below(idle.len());
                let client = idle.swap_remove(at);
                running.push((client, run.invoke(client)));
                left -= 1;
            } else {
                let at = run.below(running.len());
                let (client, open) = running.swap_remove(at);
                run.complete(client, &open);
                idle.push(client);
            }
        }
        run.history
    }
}

struct Run {
    transactions: Transactions,
    random: Random,
    keys: Vec<i64>,
    next_key: i64,
    /// How many writes of each key were invoked.
    begun: HashMap<i64, i64>,
    lists: HashMap<i64, Vec<i64>>,
    history: History,
}

impl Run {
    fn below(&mut self, bound: usize) -> usize {
        self.random.below(bound as u64) as usize
    }

    fn invoke(&mut self, client: usize) -> Open {
        let mut micros = Vec::new();
        for _ in 0..=self.below(LONGEST) {
            let place = self.below(KEYS);
            let key = self.keys[place];
            let writes = self.below(2) == 0;
            let mut value = 0;
            if writes {
                let begun = self.begun.entry(key).or_insert(0);
                *begun += 1;
                value = *begun;
                if value == WRITES_A_KEY {
                    self.keys[place] = self.next_key;
                    self.next_key += 1;
                }
            }
            micros.push((writes, key, value));
        }
        let asked = micros.iter().map(|&(writes, key, value)| {
            let value = if writes {
                Value::Int(value)
            } else {
                Value::Nil
            };
            self.micro(writes, key, value)
        });
        let asked = Value::Vector(asked.collect());
        self.push(client, Kind::Invoke, asked);
        let written = |&(_, key, _): &(bool, i64, i64)| self.lists.get(&key).map_or(0, Vec::len);
        let snapshot = micros.iter().map(written).collect();
        Open { micros, snapshot }
    }

    fn complete(&mut self, client: usize, open: &Open) {
        let snapshots = self.transactions.store == Store::Snapshot;
        let changed = open
            .micros
            .iter()
            .zip(&open.snapshot)
            .any(|(&(writes, key, _), &length)| {
                writes && self.lists.get(&key).map_or(0, Vec::len) != length
            });
        let fails = snapshots && changed;
        let mut own: HashMap<i64, usize> = HashMap::new();
        let mut done = Vec::new();
        for (&(writes, key, value), &length) in open.micros.iter().zip(&open.snapshot) {
            let list = self.lists.entry(key).or_default();
            let result = if writes {
                if !fails {
                    list.push(value);
                    *own.entry(key).or_insert(0) += 1;
                }
                Value::Int(value)
            } else {
                let own = own.get(&key).copied().unwrap_or(0);
                let seen = if snapshots && own == 0 {
                    length
                } else {
                    list.len()
                };
                result(self.transactions.model, &list[..seen])
            };
            done.push(self.micro(writes, key, result));
        }
        let kind = if fails { Kind::Fail } else { Kind::Ok };
        self.push(client, kind, Value::Vector(done));
    }

    fn micro(&self, writes: bool, key: i64, value: Value) -> Value {
        let name = match (writes, self.transactions.model) {
            (false, _) => "r",
            (true, "list-append") => "append",
            (true, _) => "w",
        };
        Value::Vector(vec![Value::Str(name.into()), Value::Int(key), value])
    }

    fn push(&mut self, client: usize, kind: Kind, value: Value) {
        let mut event = Event::new(client as i64, kind, "txn", value);
        event.time = self.history.len() as i64 * 1_000;
        self.history.push(&event);
    }
}

/// What a read returns of all that was written to a key.
fn result(model: &str, written: &[i64]) -> Value {
    if model == "list-append" {
        return Value::Vector(written.iter().copied().map(Value::Int).collect());
    }
    written.last().copied().map_or(Value::Nil, Value::Int)
}
