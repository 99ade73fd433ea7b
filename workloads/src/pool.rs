//! The keys and the transactions of `list-append` and `rw-register`.
//!
//! Follows Elle's generator (Kingsbury & Alvaro 2020, section 6): a few keys are in use at a time, some far more often
//! than others, and a key that was written so many times is left for a new one. Hot keys make transactions meet; the
//! limit keeps lists, and so the history, short. What is written to a key is written there once, so that a read says
//! whose write it saw.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rand::RngExt;

use crate::generator::{Context, Generator, GeneratorExt, Op, function};
use crate::history::Value;
use crate::{Probes, SECOND_NS, WorkloadOptions};

/// How many keys are in use at a time.
const ACTIVE: u32 = 8;
/// How long the final reads may take altogether.
const FINAL_NS: u64 = 30 * SECOND_NS;

/// The keys in use.
pub(crate) struct Pool {
    active: Vec<Key>,
    writes_per_key: u64,
    /// The first key that was never in use. The final reads ask up to where.
    unused: Arc<AtomicI64>,
}

#[derive(Clone, Copy)]
struct Key {
    name: i64,
    writes: u64,
}

impl Pool {
    fn new(writes_per_key: u64) -> Self {
        let active = (0..i64::from(ACTIVE)).map(|name| Key { name, writes: 0 });
        Self {
            active: active.collect(),
            writes_per_key: writes_per_key.max(1),
            unused: Arc::new(AtomicI64::new(i64::from(ACTIVE))),
        }
    }

    fn name(&self, place: usize) -> Value {
        Value::Int(self.active[place].name)
    }

    /// A key, and what was never written to it. When it was written often enough a new key takes its place.
    fn write(&mut self, place: usize) -> (Value, Value) {
        let key = &mut self.active[place];
        key.writes += 1;
        let written = (Value::Int(key.name), Value::Int(key.writes as i64));
        if key.writes >= self.writes_per_key {
            let name = self.unused.fetch_add(1, Ordering::Relaxed);
            *key = Key { name, writes: 0 };
        }
        written
    }

    /// A transaction of 1 to `longest` steps, each a read or a write as likely as the other.
    fn transaction(&mut self, write: &str, longest: u64, context: &mut Context<'_>) -> Op {
        let steps = context.random.random_range(1..=longest.max(1));
        let step = |_| {
            let place = any_place(context);
            let (name, (key, value)) = if context.random.random_range(0..2_u32) == 0 {
                ("r", (self.name(place), Value::Nil))
            } else {
                (write, self.write(place))
            };
            Value::Vector(vec![Value::keyword(name), key, value])
        };
        Op::new("txn", Value::Vector((0..steps).map(step).collect()))
    }
}

/// One of the keys in use: the first half of the time, each further one half as often as the one before it.
fn any_place(context: &mut Context<'_>) -> usize {
    let number: u32 = context.random.random_range(1..1 << ACTIVE);
    (ACTIVE - 1 - number.ilog2()) as usize
}

/// Transactions of reads and of writes that have this name, and a final read of every key that was used.
pub(crate) fn transactions(
    write: &'static str,
    options: &WorkloadOptions,
) -> (Box<dyn Generator>, Box<dyn Generator>, Probes) {
    let mut pool = Pool::new(options.ops_per_key);
    let unused = pool.unused.clone();
    let longest = options.txn_length;
    let main = function(move |context| Some(pool.transaction(write, longest, context)));
    let probes = probes(write, unused.clone());
    (options.at_rate(main), read_every_key(unused), probes)
}

/// Transactions of one step. What they write is negative: no other transaction writes that.
fn probes(write: &'static str, unused: Arc<AtomicI64>) -> Probes {
    let step = |name: &str, key: usize, value: Value| {
        let step = vec![Value::keyword(name), Value::Int(key as i64), value];
        Op::new("txn", Value::Vector(vec![Value::Vector(step)]))
    };
    let mut written = 0;
    Probes::new(
        move || unused.load(Ordering::Relaxed) as usize,
        move |key| step("r", key, Value::Nil),
        move |key| {
            written -= 1;
            step(write, key, Value::Int(written))
        },
    )
}

/// One read a key: a write that was acknowledged and then lost is seen only by who reads afterwards.
fn read_every_key(unused: Arc<AtomicI64>) -> Box<dyn Generator> {
    let mut keys = 0..;
    let reads = function(move |_| {
        let key = keys.next()?;
        let read = Value::Vector(vec![Value::keyword("r"), Value::Int(key), Value::Nil]);
        let op = Op::new("txn", Value::Vector(vec![read]));
        (key < unused.load(Ordering::Relaxed)).then(|| op.marked_final())
    });
    reads.time_limit(FINAL_NS).boxed()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::generator::testing::{Completion, run};
    use crate::history::{Event, Kind};

    const WRITES_PER_KEY: u64 = 20;

    /// The transactions of a run, each a list of `[name key value]`.
    fn steps(longest: u64, seed: u64) -> Vec<Vec<(String, i64, Value)>> {
        let options = WorkloadOptions {
            ops_per_key: WRITES_PER_KEY,
            txn_length: longest,
            ..WorkloadOptions::default()
        };
        let (main, _, _) = transactions("append", &options);
        let mut main = main.limit(2_000);
        let run = run(&mut main, 5, seed, 100_000, |invocation| Completion {
            after_ns: 1_000,
            kind: Kind::Ok,
            value: invocation.value.clone(),
        });
        let run = run.unwrap();
        run.invocations().map(steps_of).collect()
    }

    fn steps_of(event: &Event) -> Vec<(String, i64, Value)> {
        assert_eq!(&*event.f, "txn");
        let step = |step: &Value| {
            let [name, key, value] = step.items().unwrap() else {
                panic!("{step} is no step");
            };
            let name = name.as_name().unwrap().to_owned();
            (name, key.as_int().unwrap(), value.clone())
        };
        event.value.items().unwrap().iter().map(step).collect()
    }

    #[test]
    fn a_transaction_has_as_many_steps_as_it_may() {
        for longest in [1, 4] {
            let lengths: BTreeSet<u64> = steps(longest, 1).iter().map(|t| t.len() as u64).collect();
            assert_eq!(lengths, (1..=longest).collect());
        }
    }

    #[test]
    fn an_element_is_appended_once_to_its_key_and_a_full_key_is_left() {
        let mut written = BTreeMap::<i64, Vec<i64>>::new();
        let mut reads = 0;
        for (name, key, value) in steps(4, 2).into_iter().flatten() {
            match (&*name, value) {
                ("append", Value::Int(element)) => written.entry(key).or_default().push(element),
                ("r", Value::Nil) => {
                    reads += 1;
                    let writes = written.get(&key).map_or(0, Vec::len);
                    assert!(writes < WRITES_PER_KEY as usize, "key {key} was left");
                }
                (_, value) => panic!("[{name} {key} {value}]"),
            }
        }
        let writes: usize = written.values().map(Vec::len).sum();
        assert!(reads * 10 > writes * 9 && writes * 10 > reads * 9);
        let expected: Vec<i64> = (1..=WRITES_PER_KEY as i64).collect();
        assert!(
            written
                .values()
                .all(|elements| expected.starts_with(elements))
        );
        let full = written.values().filter(|it| **it == expected).count();
        assert!(full > 50 && written.len() - full <= ACTIVE as usize);
    }

    #[test]
    fn some_keys_are_hot() {
        let mut uses = BTreeMap::<i64, usize>::new();
        let options = WorkloadOptions {
            ops_per_key: u64::MAX,
            ..WorkloadOptions::default()
        };
        let (main, _, _) = transactions("w", &options);
        let run = run(&mut main.limit(4_000), 5, 3, 100_000, |invocation| {
            Completion {
                after_ns: 1_000,
                kind: Kind::Ok,
                value: invocation.value.clone(),
            }
        });
        for (_, key, _) in run.unwrap().invocations().flat_map(steps_of) {
            *uses.entry(key).or_default() += 1;
        }
        assert_eq!(uses.len(), ACTIVE as usize);
        let all: usize = uses.values().sum();
        assert!(uses[&0].abs_diff(all / 2) < all / 20);
        assert!(uses[&1].abs_diff(all / 4) < all / 20);
    }

    #[test]
    fn equal_seeds_give_equal_transactions() {
        assert_eq!(steps(4, 7), steps(4, 7));
        assert_ne!(steps(4, 7), steps(4, 8));
    }
}
