//! Bounded staleness from its definitions alone, for nine operations or so. Shares no code with the checkers.

use std::collections::HashSet;

use rupture_history::{Event, History, Kind, Outcome, Value};

/// An operation between two moments, which lie in the order of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Op {
    pub(super) process: i64,
    /// A write, or else a read.
    pub(super) write: bool,
    /// What it wrote or read; 0 is nil.
    pub(super) value: i64,
    pub(super) outcome: Outcome,
    pub(super) invoked: usize,
    /// When its completion was recorded, if it was.
    pub(super) recorded: Option<usize>,
}

impl Op {
    fn completed(&self) -> usize {
        match self.outcome {
            Outcome::Info => usize::MAX,
            _ => self.recorded.unwrap_or(usize::MAX),
        }
    }

    fn must(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    /// Whether it takes part: it may have happened, and says something.
    fn counts(&self) -> bool {
        self.must() || (self.write && self.outcome == Outcome::Info)
    }
}

/// Operations and the time of each moment, which never runs backwards.
#[derive(Clone, Debug)]
pub(super) struct Small {
    pub(super) ops: Vec<Op>,
    pub(super) times: Vec<i64>,
}

impl Small {
    /// As a history. The moments must be all numbers from 0, each once.
    pub(super) fn history(&self) -> History {
        let mut events: Vec<Option<Event>> = vec![None; self.times.len()];
        for op in &self.ops {
            let value = match op.value {
                0 => Value::Nil,
                n => Value::Int(n),
            };
            let f = if op.write { "write" } else { "read" };
            let argument = if op.write { value.clone() } else { Value::Nil };
            let mut event = |at: usize, kind, value: &Value| {
                let mut event = Event::new(op.process, kind, f, value.clone());
                event.time = self.times[at];
                events[at] = Some(event);
            };
            event(op.invoked, Kind::Invoke, &argument);
            let Some(at) = op.recorded else { continue };
            match op.outcome {
                Outcome::Ok => event(at, Kind::Ok, &value),
                Outcome::Fail => event(at, Kind::Fail, &argument),
                Outcome::Info => event(at, Kind::Info, &argument),
            }
        }
        events.iter().flatten().collect()
    }
}

/// The smallest k for which some order of the operations respects real time and lets each read return one of the
/// k latest writes; `None` if no k will do.
pub(super) fn smallest_k(ops: &[Op]) -> Option<u32> {
    let most = ops.len() + 1;
    (1..=most).find(|&k| has_order(ops, k)).map(|k| k as u32)
}

/// Tries all orders. Two beginnings of orders that placed the same operations and left the same last k writes go on
/// alike, so only one of them is followed.
fn has_order(ops: &[Op], k: usize) -> bool {
    let mut met: HashSet<(u32, Vec<i64>)> = HashSet::new();
    let mut open = vec![(0_u32, vec![0_i64])];
    while let Some((placed, last)) = open.pop() {
        if !met.insert((placed, last.clone())) {
            continue;
        }
        let left = |at: usize| placed & (1 << at) == 0;
        if (0..ops.len()).all(|at| !left(at) || !ops[at].must()) {
            return true;
        }
        for (at, op) in ops.iter().enumerate() {
            // Nothing that has to be there may have ended before it began.
            let early = |(other, o): (usize, &Op)| {
                left(other) && o.must() && other != at && o.completed() < op.invoked
            };
            if !left(at) || !op.counts() || ops.iter().enumerate().any(early) {
                continue;
            }
            let mut next = last.clone();
            if op.write {
                next.insert(0, op.value);
                next.truncate(k);
            } else if !last.contains(&op.value) {
                continue;
            }
            open.push((placed | 1 << at, next));
        }
    }
    false
}

/// The smallest Δ for which every operation has a moment at which it happens, such that each read returns what the
/// register held at some moment of the last Δ before its own; `None` if none will do.
///
/// Goes through every order of writes, and through every choice of the write that each read read. Then every write
/// happens as late as it can: before its own completion, before every read of it completes, before the
/// next write. That is best for the reads of the write before it, whose value is there the longer, and no worse
/// for others. A read happens as early as it can, at its invocation if the value had been written by then; its
/// staleness is the time that had passed since the next write. Where that write happened no later than the moment
/// before an event of an earlier row, but at the same time, it is less than one nanosecond and not nothing.
pub(super) fn smallest_delta(small: &Small) -> Option<u64> {
    let ops = &small.ops;
    let writes: Vec<usize> = (0..ops.len())
        .filter(|&at| ops[at].write && ops[at].counts())
        .collect();
    let reads: Vec<usize> = (0..ops.len())
        .filter(|&at| !ops[at].write && ops[at].must())
        .collect();
    let mut best = None;
    let mut open: Vec<Vec<usize>> = vec![Vec::new()];
    while let Some(order) = open.pop() {
        let left = || writes.iter().filter(|at| !order.contains(at));
        if left().all(|&at| !ops[at].must()) {
            let stale = choose(small, &order, &reads);
            best = match (best, stale) {
                (Some(a), Some(b)) => Some(u64::min(a, b)),
                (a, b) => a.or(b),
            };
        }
        for &at in left() {
            if !order
                .iter()
                .any(|&before| ops[at].completed() < ops[before].invoked)
            {
                let mut longer = order.clone();
                longer.push(at);
                open.push(longer);
            }
        }
    }
    best
}

/// The least staleness of an order of writes over all choices of the writes that reads read; place 0 is the initial
/// value.
fn choose(small: &Small, order: &[usize], reads: &[usize]) -> Option<u64> {
    let ops = &small.ops;
    let value = |place: usize| match place {
        0 => 0,
        place => ops[order[place - 1]].value,
    };
    let mut best = None;
    let mut open: Vec<Vec<usize>> = vec![Vec::new()];
    while let Some(chosen) = open.pop() {
        let Some(&read) = reads.get(chosen.len()) else {
            let stale = staleness(small, order, reads, &chosen);
            best = match (best, stale) {
                (Some(a), Some(b)) => Some(u64::min(a, b)),
                (a, b) => a.or(b),
            };
            continue;
        };
        for place in (0..=order.len()).filter(|&place| value(place) == ops[read].value) {
            let mut longer = chosen.clone();
            longer.push(place);
            open.push(longer);
        }
    }
    best
}

/// The greatest staleness of the reads when each read the write at its place, or `None` if the writes have no moments.
fn staleness(small: &Small, order: &[usize], reads: &[usize], chosen: &[usize]) -> Option<u64> {
    let ops = &small.ops;
    // Each write happens just before this row.
    let mut happens = vec![usize::MAX; order.len() + 1];
    let mut latest = usize::MAX;
    for place in (0..=order.len()).rev() {
        for (&read, _) in reads.iter().zip(chosen).filter(|(_, c)| **c == place) {
            latest = latest.min(ops[read].completed());
        }
        if place > 0 {
            let write = &ops[order[place - 1]];
            latest = latest.min(write.completed());
            if latest <= write.invoked {
                return None;
            }
        }
        happens[place] = latest;
    }
    let stale = |(&read, &place): (&usize, &usize)| {
        let begun = ops[read].invoked;
        match happens.get(place + 1) {
            Some(&row) if row < begun => {
                let passed = small.times[begun] - small.times[row];
                u64::try_from(passed).unwrap_or(0).max(1)
            }
            _ => 0,
        }
    };
    Some(reads.iter().zip(chosen).map(stale).max().unwrap_or(0))
}
