//! Single writes and reads of whole groups of keys, which show a long fork: two reads of one group of which each saw
//! a write that the other did not (Sovran et al. 2011, section 3, where parallel snapshot isolation is defined by it).
//!
//! Every key is written once, and the keys of a group one after the other, so that two sites which see each other late
//! disagree on them for a while. Reads go to the groups written last: to those the disagreement is about.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rand::RngExt;
use rand::seq::SliceRandom;

use crate::checkers::rules::LongFork;
use crate::generator::{Context, Generator, GeneratorExt, Op, function, mix};
use crate::history::Value;
use crate::{Probes, SECOND_NS, Workload, WorkloadOptions};

/// How many keys a group has.
const GROUP: i64 = 2;
/// How many groups are read: those written last.
const READ_GROUPS: i64 = 4;
/// How many reads there are to a write.
const READS_PER_WRITE: u32 = 5;
/// How long the final reads may take altogether.
const FINAL_NS: u64 = 30 * SECOND_NS;

/// Writes of one key and reads of a group, and a final read of every group.
pub(crate) fn long_fork(options: &WorkloadOptions) -> Workload {
    // How many keys were written. The two phases belong to one schedule, which runs them one after the other.
    let written = Arc::new(AtomicI64::new(0));
    let (for_reads, for_last) = (written.clone(), written.clone());
    let (for_probes, for_keys) = (written.clone(), written.clone());
    let write = function(move |_| Some(write_of(written.fetch_add(1, Ordering::Relaxed))));
    let read = function(move |context| {
        let newest = group_of(for_reads.load(Ordering::Relaxed));
        let oldest = (newest - READ_GROUPS + 1).max(0);
        let group = context.random.random_range(oldest..=newest);
        Some(read_of(group, context))
    });
    let main = mix(vec![(READS_PER_WRITE, read.boxed()), (1, write.boxed())]);
    Workload {
        name: "long-fork",
        generator: options.at_rate(main),
        final_generator: Some(read_every_group(for_last)),
        // A group counts as a key; a key is written once, so a write is of the next one whatever it is to probe.
        probes: Probes::new(
            move || (for_keys.load(Ordering::Relaxed) + GROUP - 1).div_euclid(GROUP) as usize,
            |group| read_in_order(group as i64),
            move |_| write_of(for_probes.fetch_add(1, Ordering::Relaxed)),
        ),
        checker: Box::new(LongFork::new()),
        model: "long-fork",
        // The rule itself is what is promised.
        consistency: "",
        independent: false,
    }
}

/// The group of a key, where keys are numbered in the order in which they are written.
fn group_of(key: i64) -> i64 {
    key / GROUP
}

fn write_of(key: i64) -> Op {
    let step = vec![Value::keyword("w"), Value::Int(key), Value::Int(1)];
    Op::new("write", Value::Vector(vec![Value::Vector(step)]))
}

/// A read of a group, its keys in any order.
fn read_of(group: i64, context: &mut Context<'_>) -> Op {
    let mut keys: Vec<i64> = keys_of(group).collect();
    keys.shuffle(context.random);
    read_keys(keys)
}

fn read_in_order(group: i64) -> Op {
    read_keys(keys_of(group).collect())
}

fn keys_of(group: i64) -> std::ops::Range<i64> {
    group * GROUP..(group + 1) * GROUP
}

fn read_keys(keys: Vec<i64>) -> Op {
    let step = |key| Value::Vector(vec![Value::keyword("r"), Value::Int(key), Value::Nil]);
    Op::new("read", Value::Vector(keys.into_iter().map(step).collect()))
}

fn read_every_group(written: Arc<AtomicI64>) -> Box<dyn Generator> {
    let mut groups = 0..;
    let reads = function(move |context| {
        let group = groups.next()?;
        let is_used = group * GROUP < written.load(Ordering::Relaxed);
        is_used.then(|| read_of(group, context).marked_final())
    });
    reads.time_limit(FINAL_NS).boxed()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::generator::testing::{Completion, Run, run};
    use crate::history::Kind;

    fn answered(generator: &mut dyn Generator) -> Run {
        let run = run(generator, 5, 1, 100_000, |invocation| Completion {
            after_ns: 1_000,
            kind: Kind::Ok,
            value: invocation.value.clone(),
        });
        run.unwrap()
    }

    /// The name and the key of every step of an operation.
    fn steps(value: &Value) -> Vec<(String, i64)> {
        let step = |step: &Value| match step.items() {
            Some([name, key, _]) => (name.as_name().unwrap().to_owned(), key.as_int().unwrap()),
            _ => panic!("{step} is no step"),
        };
        value.items().unwrap().iter().map(step).collect()
    }

    #[test]
    fn keys_are_written_once_and_their_groups_are_read_soon_and_at_the_end() {
        let mut made = long_fork(&WorkloadOptions::default());
        let mut main = made.generator.limit(3_000);
        let (mut written, mut orders) = (0, BTreeSet::new());
        for event in answered(&mut main).invocations() {
            let steps = steps(&event.value);
            if &*event.f == "write" {
                assert_eq!(steps, [("w".to_owned(), written)]);
                written += 1;
                continue;
            }
            let group = group_of(steps[0].1);
            assert!(
                steps
                    .iter()
                    .all(|step| step.0 == "r" && group_of(step.1) == group)
            );
            assert_eq!(steps.len() as i64, GROUP);
            assert!((group_of(written) - READ_GROUPS + 1..=group_of(written)).contains(&group));
            orders.insert(steps[0].1 % GROUP);
        }
        assert_eq!(orders.len() as i64, GROUP, "keys are read in any order");
        assert!((400..600).contains(&written), "{written}");
        let last = made.final_generator.as_mut().unwrap();
        let groups: Vec<i64> = answered(last)
            .invocations()
            .map(|event| group_of(steps(&event.value)[0].1))
            .collect();
        assert_eq!(groups, (0..=group_of(written - 1)).collect::<Vec<_>>());
    }
}
