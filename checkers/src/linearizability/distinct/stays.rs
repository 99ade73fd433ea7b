//! Values that were put into a stack or a priority queue, and taken out.
//!
//! When some pops have an unknown result, which value each of them took (if any) is not decided by the
//! theory. Three guesses are tried. *None* of them took anything: if that has an order, so has the history.
//! *Any* value that was left may have been taken as soon as the first such pop was invoked: that is more
//! than they can do, so if it has no order, neither has the history. *Due*: values that others wait for go
//! first. One that is certainly there, and in the way, while another is taken out must itself be taken before
//! that is done; the value whose time comes first gets the first of these pops, and so on. *Latest*: each took
//! the latest value that was there. What lies between is left to the search.

use super::Found;
use super::facts::{Act, Fact, Facts};
use crate::linearizability::calls::NEVER;

/// A value that was put in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stay {
    pub(super) value: u32,
    /// Places in the list of facts.
    pub(super) put: u32,
    pub(super) take: Option<u32>,
    /// Between which events it was put in, and between which taken out. What was never taken out is so
    /// after the last event.
    pub(super) came: (u32, u32),
    pub(super) left: (u32, u32),
}

impl Stay {
    /// Whether it was there for certain at some time, namely from gap `came.1` to before gap `left.0`.
    pub(super) fn is_certain(&self) -> bool {
        self.came.1 < self.left.0
    }
}

/// What pops of unknown result are taken to have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guess {
    Any,
    Latest,
}

/// Which values are in the way of which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Those that were put in later.
    Later,
    /// Those of a higher number.
    Higher,
}

/// Decides by the given theory, with every guess that it takes.
pub(super) fn decide(
    facts: &Facts<'_>,
    way: Way,
    theory: fn(&Facts<'_>, &[Stay]) -> Found,
) -> Found {
    let stays = match stays(facts) {
        Ok(stays) => stays,
        Err(found) => return found,
    };
    let unknown: Vec<(u32, &Fact)> = (0..)
        .zip(&facts.list)
        .filter(|(_, fact)| fact.act == Act::TakeAny)
        .collect();
    let found = theory(facts, &stays);
    let violated = matches!(found, Found::Violation(_));
    let left = stays.iter().any(|stay| stay.take.is_none());
    if !violated || unknown.is_empty() || !left {
        return found;
    }
    let any = theory(facts, &guessed(&stays, &unknown, Guess::Any));
    if let Found::Violation(_) = any {
        return any;
    }
    if let Found::Order(order) = theory(facts, &due(facts, way, &stays, &unknown)) {
        return Found::Order(order);
    }
    match theory(facts, &guessed(&stays, &unknown, Guess::Latest)) {
        Found::Order(order) => Found::Order(order),
        Found::Violation(_) | Found::Open => Found::Open,
    }
}

/// What was left, taken by these pops in the order in which it was due.
fn due(facts: &Facts<'_>, way: Way, stays: &[Stay], unknown: &[(u32, &Fact)]) -> Vec<Stay> {
    let due = dues(facts, way, stays);
    let mut left: Vec<(u32, u32, usize)> = (0..stays.len())
        .filter(|&at| stays[at].take.is_none())
        .map(|at| (due[at], stays[at].came.1, at))
        .collect();
    left.sort_unstable();
    let mut stays = stays.to_vec();
    for ((_, _, stay), (at, fact)) in left.into_iter().zip(unknown) {
        stays[stay].take = Some(*at);
        stays[stay].left.0 = fact.from;
    }
    stays
}

/// Of each value the first completion of an operation that cannot happen while it is there, and was not invoked
/// before it was: one that took a value in whose way it is, or found nothing. O(n log n).
fn dues(facts: &Facts<'_>, way: Way, stays: &[Stay]) -> Vec<u32> {
    let mut ends = Ends::new(facts.events + 2);
    for fact in facts.list.iter().filter(|fact| fact.act == Act::Empty) {
        ends.add(fact.from, fact.to);
    }
    // Values in the order in which they are in others' way, and in the order in which others are in theirs.
    let asks = |stay: &Stay| match way {
        Way::Later => stay.came.0,
        Way::Higher => stay.value,
    };
    let answers = |stay: &Stay| match way {
        Way::Later => stay.came.1,
        Way::Higher => stay.value,
    };
    let sorted = |key: &dyn Fn(&Stay) -> u32| {
        let mut order: Vec<(u32, usize)> = stays.iter().map(key).zip(0..).collect();
        order.sort_unstable();
        order
    };
    let taken = |at: usize| stays[at].take.is_some();
    let mut below = sorted(&answers)
        .into_iter()
        .filter(|&(_, at)| taken(at))
        .peekable();
    let mut dues = vec![NEVER; stays.len()];
    for (key, at) in sorted(&asks) {
        while let Some((_, other)) = below.next_if(|&(other, _)| other < key) {
            let (from, to) = stays[other].left;
            ends.add(from, to);
        }
        dues[at] = ends.since(stays[at].came.1);
    }
    dues
}

/// The least completion of operations that were invoked at a moment or later, as a Fenwick tree (1994).
struct Ends {
    least: Vec<u32>,
}

impl Ends {
    fn new(events: u32) -> Self {
        Self {
            least: vec![NEVER; events as usize + 1],
        }
    }

    fn add(&mut self, from: u32, to: u32) {
        let mut at = from as usize;
        while at > 0 {
            self.least[at] = self.least[at].min(to);
            at &= at - 1;
        }
    }

    fn since(&self, from: u32) -> u32 {
        let mut least = NEVER;
        let mut at = from as usize;
        while at > 0 && at < self.least.len() {
            least = least.min(self.least[at]);
            at += at & at.wrapping_neg();
        }
        least
    }
}

/// The values in the order in which they began to be put in.
fn stays(facts: &Facts<'_>) -> Result<Vec<Stay>, Found> {
    let lives = facts.by_value();
    let end = facts.events + 1;
    let mut stays = Vec::new();
    for (at, fact) in (0..).zip(&facts.list) {
        let life = &lives[fact.value as usize];
        match fact.act {
            Act::Take if life.put.is_none() => return Err(Found::violation(facts, [at])),
            Act::Put => {}
            _ => continue,
        }
        let taken = life.take.map(|take| &facts.list[take as usize]);
        if taken.is_none() && !fact.must {
            continue;
        }
        if life.again {
            return Err(Found::Open);
        }
        if let Some(twice) = life.twice {
            return Err(Found::violation(
                facts,
                [Some(at), life.take, Some(twice)].into_iter().flatten(),
            ));
        }
        if taken.is_some_and(|taken| taken.to < fact.from) {
            return Err(Found::violation(facts, [at].into_iter().chain(life.take)));
        }
        stays.push(Stay {
            value: fact.value,
            put: at,
            take: life.take,
            came: (fact.from, fact.to),
            left: taken.map_or((end, NEVER), |taken| (taken.from, taken.to)),
        });
    }
    Ok(stays)
}

fn guessed(stays: &[Stay], unknown: &[(u32, &Fact)], guess: Guess) -> Vec<Stay> {
    let mut stays = stays.to_vec();
    match guess {
        Guess::Any => {
            let first = unknown.first().map_or(NEVER, |(_, fact)| fact.from);
            for stay in stays.iter_mut().filter(|stay| stay.take.is_none()) {
                stay.left.0 = first;
            }
        }
        Guess::Latest => {
            let mut left: Vec<(u32, usize)> = stays
                .iter()
                .enumerate()
                .filter(|(_, stay)| stay.take.is_none())
                .map(|(at, stay)| (stay.came.1, at))
                .collect();
            left.sort_unstable();
            let mut there: Vec<usize> = Vec::new();
            let mut left = left.into_iter().peekable();
            for (at, fact) in unknown {
                while let Some((_, stay)) = left.next_if(|(came, _)| *came < fact.from) {
                    there.push(stay);
                }
                if let Some(stay) = there.pop() {
                    stays[stay].take = Some(*at);
                    stays[stay].left.0 = fact.from;
                }
            }
        }
    }
    stays
}

/// The operations of these values.
pub(super) fn core(stays: &[Stay], of: impl IntoIterator<Item = u32>) -> Vec<u32> {
    of.into_iter()
        .flat_map(|at| {
            let stay = &stays[at as usize];
            [Some(stay.put), stay.take].into_iter().flatten()
        })
        .collect()
}
