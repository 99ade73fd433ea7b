//! A set that only grows: every element is added once, and reads return all of them.
//!
//! Judged element by element (Jepsen's `set-full`): a read that began after an element was known must
//! contain it. It judges histories far longer than a search could, at the price of seeing only elements
//! that go missing, come from nowhere or come twice, not an order that contradicts itself.
//!
//! The final reads decide what was lost: an element that is missing from a read may still turn up in a later
//! one, but nothing comes after the last. Every thread reads until it is answered, so that each node is
//! asked where threads are spread over nodes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::checkers::set_full::SetFull;
use crate::generator::{GeneratorExt, Op, each_thread, function, mix, repeat};
use crate::history::Value;
use crate::{Probes, SECOND_NS, Workload, WorkloadOptions};

/// How many adds there are to a read, which costs as much as the set is large.
const ADDS_PER_READ: u32 = 9;
/// How long a thread waits before it asks again for what it was not answered.
const FINAL_PAUSE_NS: u64 = SECOND_NS / 10;
/// How long the final reads may take.
const FINAL_NS: u64 = 30 * SECOND_NS;

/// Adds and reads, and final reads on every thread.
pub(crate) fn set(options: &WorkloadOptions) -> Workload {
    // The phases belong to one schedule, which runs them one after the other.
    let elements = Arc::new(AtomicI64::new(0));
    let next = move || Op::new("add", Value::Int(elements.fetch_add(1, Ordering::Relaxed)));
    let probe = next.clone();
    let add = function(move |_| Some(next()));
    let read = repeat(Op::new("read", Value::Nil));
    let last_read = |_| {
        repeat(Op::new("read", Value::Nil).marked_final())
            .delay(FINAL_PAUSE_NS)
            .until(|_| true)
            .boxed()
    };
    Workload {
        name: "set",
        generator: options.at_rate(mix(vec![(ADDS_PER_READ, add.boxed()), (1, read.boxed())])),
        final_generator: Some(each_thread(last_read).time_limit(FINAL_NS).boxed()),
        probes: Probes::new(|| 1, |_| Op::new("read", Value::Nil), move |_| probe()),
        checker: Box::new(SetFull::new().linearizable(true)),
        model: "set-full",
        consistency: "linearizable",
        independent: false,
    }
}
