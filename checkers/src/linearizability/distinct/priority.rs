//! Priority queues whose priorities all differ. The greatest goes first; where the least does, numbers are
//! mirrored before they come here.
//!
//! Theorem (after Lee & Mathur 2025, section 5): take the value `v` of the lowest priority. It never stands
//! in another's way, and it can leave only in a gap in which nothing else is there. An order of the others
//! can be bent so that all of them are out in any gap in which none is there for certain, because each of
//! them can then do everything before the gap or everything after it. So the history has an order exactly
//! when the others have one and `v` is taken out in a gap that no other value covers, and likewise a dequeue
//! that found nothing is a value lower than all. Going from the highest priority to the lowest, every value
//! needs a gap that the higher ones leave uncovered.

use super::Found;
use super::cover::{Cover, chain};
use super::facts::{Act, Fact, Facts};
use super::points::Points;
use super::stays::{Stay, core};

/// A value and the gaps in which it is put in and taken out.
struct Placed {
    stay: u32,
    came: u32,
    left: u32,
}

/// Decides a priority queue.
pub(super) fn decide(facts: &Facts<'_>, stays: &[Stay]) -> Found {
    let mut by_priority: Vec<(u32, u32)> = (0..)
        .zip(stays)
        .map(|(at, stay)| (stay.value, at))
        .collect();
    by_priority.sort_unstable_by(|a, b| b.cmp(a));
    let mut cover = Cover::new(facts.events + 2);
    let mut placed = Vec::with_capacity(stays.len());
    for (rank, &(_, at)) in by_priority.iter().enumerate() {
        let stay = &stays[at as usize];
        let gap = cover.free(stay.left.0.max(stay.came.0));
        if gap >= stay.left.1 {
            let higher = by_priority[..rank].iter().map(|&(_, at)| at);
            let from = stay.left.0.max(stay.came.0);
            let mut found = core(stays, blocking(stays, higher, from, stay.left.1));
            found.extend(core(stays, [at]));
            return Found::violation(facts, found);
        }
        if stay.is_certain() {
            cover.add(stay.came.1, stay.left.0);
        }
        placed.push(Placed {
            stay: at,
            came: gap.min(stay.came.1.saturating_sub(1)),
            left: gap,
        });
    }
    let mut empties = Vec::new();
    for (at, fact) in (0..).zip(&facts.list) {
        if fact.act == Act::Empty {
            let gap = cover.free(fact.from);
            if gap >= fact.to {
                return Found::violation(facts, filled(stays, at, fact));
            }
            empties.push((gap, fact.call));
        }
    }
    Found::Order(order(facts, stays, &placed, &empties))
}

/// Values of which one or another is there in all of these gaps.
fn blocking(stays: &[Stay], among: impl Iterator<Item = u32>, from: u32, to: u32) -> Vec<u32> {
    let stretch = |at: u32| {
        let stay = &stays[at as usize];
        let (begin, end) = (stay.came.1, stay.left.0);
        (begin < end && end > from && begin < to).then_some((begin, end, at))
    };
    let end = stays.iter().map(|stay| stay.left.0).max().unwrap_or(0);
    chain(among.filter_map(stretch).collect(), from, to.min(end))
}

pub(super) fn filled(stays: &[Stay], at: u32, empty: &Fact) -> Vec<u32> {
    let all = 0..stays.len() as u32;
    let mut found = core(stays, blocking(stays, all, empty.from, empty.to));
    found.push(at);
    found
}

fn order(facts: &Facts<'_>, stays: &[Stay], placed: &[Placed], empties: &[(u32, u32)]) -> Vec<u32> {
    let call = |at: u32| facts.list[at as usize].call;
    let mut points = Points::with_capacity(facts.list.len());
    // In a gap first those leave that came earlier, the highest first, and those that only pass through;
    // then the queue may be found empty; then others come.
    for value in placed {
        let stay = &stays[value.stay as usize];
        let Some(take) = stay.take else { continue };
        if value.came == value.left {
            points.push(value.came, call(stay.put));
        }
        points.push(value.left, call(take));
    }
    for &(gap, call) in empties {
        points.push(gap, call);
    }
    for value in placed {
        let stay = &stays[value.stay as usize];
        if stay.take.is_none() || value.came != value.left {
            points.push(value.came, call(stay.put));
        }
    }
    points.order()
}
