//! Queues that give their values in any order, where all values are enqueued once.
//!
//! Theorem: an order exists exactly when no value is dequeued that was not enqueued before, none is dequeued
//! twice, and no dequeue that found nothing runs while the queue is certainly filled all the time. Values do
//! not stand in each other's way, so each can be enqueued as late and dequeued as early as it can, and is then
//! out in every gap in which it is not there for certain. Dequeues of which nobody knows the value are given
//! values as in a queue that is first in, first out, for the same reason.

use super::Found;
use super::facts::Facts;
use super::fifo::Queue;
use super::points::Points;

/// Decides a queue without an order.
pub(super) fn decide(facts: &Facts<'_>) -> Found {
    let queue = match Queue::new(facts) {
        Ok(queue) => queue,
        Err(found) => return found,
    };
    match queue.empties() {
        Ok(empties) => Found::Order(order(&queue, &empties)),
        Err(core) => Found::violation(facts, core),
    }
}

fn order(queue: &Queue<'_>, empties: &[(u32, u32)]) -> Vec<u32> {
    let call = |at: u32| queue.facts.list[at as usize].call;
    let mut points = Points::with_capacity(queue.facts.list.len());
    let mut stayed = Vec::new();
    // In a gap first those leave that came earlier, and those that only pass through; then the queue may be
    // found empty; then others come.
    for stay in &queue.stays {
        let last = stay.enqueued.1 - 1;
        let Some(take) = stay.take else {
            stayed.push((last, stay.put));
            continue;
        };
        let left = stay.dequeued.0.max(stay.enqueued.0);
        if left <= last {
            points.push(left, call(stay.put));
        } else {
            stayed.push((last, stay.put));
        }
        points.push(left, call(take));
    }
    for &(gap, call) in empties {
        points.push(gap, call);
    }
    for (gap, put) in stayed {
        points.push(gap, call(put));
    }
    points.order()
}
