//! First-in first-out queues whose values are all enqueued once.
//!
//! Theorem (Henzinger, Sezgin & Vafeiadis 2013, section 4): a complete history has an order exactly when no
//! value is dequeued that was not enqueued before, none is dequeued twice, no value `v` that was enqueued
//! before another, `w`, is dequeued after it or never, and no dequeue that found nothing runs while the
//! queue is certainly filled all the time. A value is certainly in the queue from the completion of its
//! enqueue to the invocation of its dequeue.
//!
//! Operations that never completed: an enqueue whose value nobody dequeued can be left out; otherwise it
//! happened. A dequeue of which nobody knows the value may have taken any value that nobody else dequeued,
//! at any later time. Let those values be in the order in which their enqueues completed, and those
//! dequeues in the order of invocation: then it is best to give the first value to the first dequeue, and
//! so on. For of two values with `c < c'` (completions of their enqueues) and two dequeues invoked at
//! `p < p'`, what must be dequeued before a moment on account of the second value must be so on account of
//! the first, and the stretches `[c, p]` and `[c', p']` cover no more than `[c, p']` and `[c', p]` do.
//!
//! The order that is given enqueues as late and dequeues as early as it can.

use super::Found;
use super::cover::{Cover, chain};
use super::facts::{Act, Fact, Facts};
use super::points::Points;
use crate::linearizability::calls::NEVER;

/// A value that was in the queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stay {
    /// Places in the list of facts. `take` is there if it was dequeued.
    pub(super) put: u32,
    pub(super) take: Option<u32>,
    /// Between which events it was enqueued, and between which dequeued.
    pub(super) enqueued: (u32, u32),
    pub(super) dequeued: (u32, u32),
}

/// Decides a queue.
pub(super) fn decide(facts: &Facts<'_>) -> Found {
    let queue = match Queue::new(facts) {
        Ok(queue) => queue,
        Err(found) => return found,
    };
    if let Some(core) = queue.overtaken() {
        return Found::violation(facts, core);
    }
    let empties = match queue.empties() {
        Ok(empties) => empties,
        Err(core) => return Found::violation(facts, core),
    };
    Found::Order(queue.order(&empties))
}

/// The values in the order in which their enqueues were invoked.
fn stays(facts: &Facts<'_>) -> Result<Vec<Stay>, Found> {
    let lives = facts.by_value();
    let mut stays = Vec::new();
    let mut left = Vec::new();
    for (at, fact) in (0..).zip(&facts.list) {
        let life = &lives[fact.value as usize];
        match fact.act {
            Act::Take if life.put.is_none() => return Err(Found::violation(facts, [at])),
            Act::Put => {}
            _ => continue,
        }
        let Some(take) = life.take else {
            if fact.must {
                left.push((fact.to, stays.len()));
                stays.push(stay(at, fact, None));
            }
            continue;
        };
        // A value that was enqueued twice can be told from itself only if one of the two did not happen.
        if life.again {
            return Err(Found::Open);
        }
        let taken = &facts.list[take as usize];
        if let Some(twice) = life.twice {
            return Err(Found::violation(facts, [at, take, twice]));
        }
        if taken.to < fact.from {
            return Err(Found::violation(facts, [at, take]));
        }
        stays.push(stay(at, fact, Some((take, taken))));
    }
    left.sort_unstable();
    let unknown = (0..)
        .zip(&facts.list)
        .filter(|(_, fact)| fact.act == Act::TakeAny);
    for ((_, stay), (at, fact)) in left.into_iter().zip(unknown) {
        stays[stay].take = Some(at);
        stays[stay].dequeued = (fact.from, NEVER);
    }
    Ok(stays)
}

fn stay(put: u32, fact: &Fact, take: Option<(u32, &Fact)>) -> Stay {
    Stay {
        put,
        take: take.map(|(at, _)| at),
        enqueued: (fact.from, fact.to),
        dequeued: take.map_or((NEVER, NEVER), |(_, fact)| (fact.from, fact.to)),
    }
}

/// The values of a queue.
pub(super) struct Queue<'a> {
    pub(super) facts: &'a Facts<'a>,
    pub(super) stays: Vec<Stay>,
}

impl<'a> Queue<'a> {
    /// Reads the facts, and gives values to dequeues of which nobody knows the value.
    pub(super) fn new(facts: &'a Facts<'a>) -> Result<Self, Found> {
        let stays = stays(facts)?;
        Ok(Self { facts, stays })
    }

    /// A gap for every dequeue that found nothing, with its call; or operations that leave one none.
    pub(super) fn empties(&self) -> Result<Vec<(u32, u32)>, Vec<u32>> {
        let mut cover = Cover::new(self.facts.events + 1);
        for stay in &self.stays {
            cover.add(stay.enqueued.1, stay.dequeued.0);
        }
        let mut empties = Vec::new();
        for (at, fact) in (0..).zip(&self.facts.list) {
            if fact.act == Act::Empty {
                let gap = cover.free(fact.from);
                if gap >= fact.to {
                    return Err(self.filled(at, fact));
                }
                empties.push((gap, fact.call));
            }
        }
        Ok(empties)
    }

    /// Two values of which the second was enqueued after the first and dequeued before it.
    fn overtaken(&self) -> Option<Vec<u32>> {
        let stays = &self.stays;
        let mut soonest: Vec<(u32, u32)> = (0..)
            .zip(stays)
            .map(|(at, stay)| (stay.dequeued.1, at))
            .collect();
        for at in (1..soonest.len()).rev() {
            soonest[at - 1] = soonest[at - 1].min(soonest[at]);
        }
        let found = stays.iter().find_map(|stay| {
            let later = stays.partition_point(|other| other.enqueued.0 < stay.enqueued.1);
            let &(dequeued, other) = soonest.get(later)?;
            (dequeued < stay.dequeued.0).then_some((stay, &stays[other as usize]))
        })?;
        let mut core = self.core(found.0);
        core.extend(self.core(found.1));
        Some(core)
    }

    /// The operations of a value. If nobody knows whether it was dequeued, those as well that compete with
    /// it for the dequeues of which nobody knows.
    fn core(&self, stay: &Stay) -> Vec<u32> {
        let known = stay
            .take
            .filter(|&at| self.facts.list[at as usize].act == Act::Take);
        if let Some(take) = known {
            return vec![stay.put, take];
        }
        let mut core = vec![stay.put];
        for other in &self.stays {
            let unknown = other
                .take
                .is_some_and(|at| self.facts.list[at as usize].act == Act::TakeAny);
            if unknown && other.enqueued.1 <= stay.enqueued.1 {
                core.extend([other.put].into_iter().chain(other.take));
            }
        }
        core
    }

    /// Values of which one or another was in the queue as long as this dequeue ran, which found nothing.
    fn filled(&self, at: u32, empty: &Fact) -> Vec<u32> {
        let stretch = |(number, stay): (u32, &Stay)| {
            let (from, to) = (stay.enqueued.1, stay.dequeued.0);
            (from < to && to > empty.from && from < empty.to).then_some((from, to, number))
        };
        let stretches = (0..).zip(&self.stays).filter_map(stretch).collect();
        let mut core = vec![at];
        for number in chain(stretches, empty.from, empty.to) {
            core.extend(self.core(&self.stays[number as usize]));
        }
        core
    }

    fn order(&self, empties: &[(u32, u32)]) -> Vec<u32> {
        let call = |at: u32| self.facts.list[at as usize].call;
        let enqueued = self.enqueues();
        let mut dequeues = Vec::with_capacity(enqueued.len());
        let mut gap = 0;
        for &(since, stay) in &enqueued {
            let stay = &self.stays[stay as usize];
            let Some(take) = stay.take else { continue };
            gap = since.max(stay.dequeued.0).max(gap);
            dequeues.push((since, gap, take));
        }
        let mut points = Points::with_capacity(self.facts.list.len());
        // In a gap first those leave that came earlier; then the queue may be found empty; then others come.
        for &(since, gap, take) in &dequeues {
            if since < gap {
                points.push(gap, call(take));
            }
        }
        for &(gap, call) in empties {
            points.push(gap, call);
        }
        for (gap, stay) in enqueued {
            points.push(gap, call(self.stays[stay as usize].put));
        }
        for &(since, gap, take) in &dequeues {
            if since == gap {
                points.push(gap, call(take));
            }
        }
        points.order()
    }

    /// The values in the order of the queue, each with the gap in which it is enqueued: the last one before
    /// its enqueue or dequeue completes, or before one is enqueued that must come after it.
    fn enqueues(&self) -> Vec<(u32, u32)> {
        let stays = &self.stays;
        let needed = |stay: &Stay| stay.enqueued.1.min(stay.dequeued.1);
        let mut by_need: Vec<(u32, u32)> = (0..)
            .zip(stays)
            .map(|(at, stay)| (needed(stay), at))
            .collect();
        by_need.sort_unstable();
        let mut by_end: Vec<(u32, u32)> = (0..)
            .zip(stays)
            .map(|(at, stay)| (stay.dequeued.1, at))
            .collect();
        by_end.sort_unstable();
        let mut by_end = by_end.into_iter().peekable();
        let mut placed = vec![false; stays.len()];
        let mut order = Vec::with_capacity(stays.len());
        let mut pulled = Vec::new();
        for (need, at) in by_need {
            if placed[at as usize] {
                continue;
            }
            let gap = need - 1;
            let until = stays[at as usize].dequeued.0;
            while let Some((_, other)) = by_end.next_if(|end| end.0 < until) {
                if !placed[other as usize] {
                    pulled.push((stays[other as usize].dequeued.0, other));
                }
            }
            pulled.sort_unstable();
            for (_, other) in pulled.drain(..) {
                placed[other as usize] = true;
                order.push((gap, other));
            }
            placed[at as usize] = true;
            order.push((gap, at));
        }
        order
    }
}
