//! Registers over independent keys, judged for linearizability (Herlihy & Wing 1990).
//!
//! `register` writes each value once to a key: a read then says by itself which write it saw, and a
//! counterexample reads easily. `cas-register` uses five values, so that a compare-and-set succeeds about one
//! time in five; it is Jepsen's classic.
//!
//! A key is left after [`ops_per_key`](crate::WorkloadOptions::ops_per_key) operations, or as soon as as many
//! of them are unaccounted for as it has threads. After the main phase every key is read once more: an
//! acknowledged write that a crash lost is seen only by who reads it afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rand::RngExt;

use crate::checkers::{Checker, Options, checker};
use crate::generator::{
    Context, Generator, GeneratorExt, KeyOptions, Op, function, keyed, mix, per_key, repeat,
};
use crate::history::Value;
use crate::{Probes, SECOND_NS, Workload, WorkloadOptions};

/// The values of a cas-register: few, so that expectations are met often.
const VALUES: i64 = 5;
/// How long the final reads may take altogether.
const FINAL_NS: u64 = 30 * SECOND_NS;

/// Reads and writes of ever new values.
pub(crate) fn register(options: &WorkloadOptions) -> Workload {
    // What probes write is negative: no client writes that.
    let mut probed = 0;
    let probe = move || {
        probed -= 1;
        probed
    };
    over_keys("register", options, probe, |_| {
        let mut written = 0..;
        let write = function(move |_| Some(Op::new("write", Value::Int(written.next()?))));
        mix(vec![(2, reads()), (1, write.boxed())]).boxed()
    })
}

/// Reads, writes and compare-and-sets of a few values.
pub(crate) fn cas_register(options: &WorkloadOptions) -> Workload {
    let mut probed = (0..VALUES).cycle();
    let probe = move || probed.next().unwrap_or_default();
    over_keys("cas-register", options, probe, |_| {
        let write = function(|context| Some(Op::new("write", any_value(context))));
        let cas = function(|context| {
            let pair = vec![any_value(context), any_value(context)];
            Some(Op::new("cas", Value::Vector(pair)))
        });
        mix(vec![(2, reads()), (1, write.boxed()), (1, cas.boxed())]).boxed()
    })
}

fn reads() -> Box<dyn Generator> {
    repeat(Op::new("read", Value::Nil)).boxed()
}

fn any_value(context: &mut Context<'_>) -> Value {
    Value::Int(context.random.random_range(0..VALUES))
}

fn over_keys(
    model: &'static str,
    options: &WorkloadOptions,
    mut probe: impl FnMut() -> i64 + Send + 'static,
    mut one_key: impl FnMut(i64) -> Box<dyn Generator> + Send + 'static,
) -> Workload {
    let key_options = KeyOptions {
        threads_per_key: options.threads_per_key,
        ops_per_key: Some(options.ops_per_key),
        keys: options.keys,
    };
    let threads = key_options.largest_group(options.threads);
    // How many keys were used. The two phases belong to one schedule, which runs them one after the other.
    let used = Arc::new(AtomicI64::new(0));
    let count = used.clone();
    let main = per_key(key_options, move |key| {
        count.fetch_max(key + 1, Ordering::Relaxed);
        one_key(key).process_limit(2 * threads).boxed()
    });
    let probed = used.clone();
    let on_key =
        |f: &str, key: usize, value: Value| Op::new(f, keyed(Value::Int(key as i64), value));
    let probes = Probes::new(
        move || probed.load(Ordering::Relaxed) as usize,
        move |key| on_key("read", key, Value::Nil),
        move |key| on_key("write", key, Value::Int(probe())),
    );
    Workload {
        probes,
        name: model,
        generator: options.at_rate(main),
        final_generator: Some(read_every_key(used)),
        checker: judge(model),
        model,
        consistency: "linearizable",
        independent: true,
    }
}

/// The judge of a model, object by object. From the registry, where it is compiled already.
fn judge(model: &'static str) -> Box<dyn Checker> {
    let options = Options {
        independent: true,
        ..Options::default()
    };
    match checker(model, Some("linearizable"), &options) {
        Ok(judge) => judge,
        Err(unknown) => panic!("a model of this name is always there: {unknown}"),
    }
}

fn read_every_key(used: Arc<AtomicI64>) -> Box<dyn Generator> {
    let mut next = 0;
    let reads = function(move |_| {
        let key = next;
        next += 1;
        let op = Op::new("read", keyed(Value::Int(key), Value::Nil));
        (key < used.load(Ordering::Relaxed)).then(|| op.marked_final())
    });
    reads.time_limit(FINAL_NS).boxed()
}
