//! Sets.
//!
//! Without reads of the whole set every element is an object of its own (Horn & Kroening 2015,
//! P-compositionality), a flag that `add` raises and `remove` lowers. Where an element is never removed,
//! all its additions are one, which can take effect between the first invocation and the first completion
//! of them. Where it is added once and removed once, either the removal comes first and changes nothing,
//! or the element is there from a gap `a` to a gap `d`. Every sighting wants `a` before its completion and
//! `d` after its invocation, and every miss wants to lie partly outside; so the latest `a` and the earliest
//! `d` are the best, and an order exists exactly when they do. Elements that are added or removed more
//! often are left to the search, each by itself.

use super::Core;
use super::facts::{Act, Fact, Facts};
use super::points::Points;

/// The operations on one element, as places in the list of facts.
#[derive(Debug, Default)]
struct Element {
    adds: Vec<u32>,
    removes: Vec<u32>,
    sees: Vec<u32>,
    misses: Vec<u32>,
}

/// What the elements of a set come to.
#[derive(Debug)]
pub(crate) struct Elements {
    /// When things were done to the elements that have an order.
    pub(crate) points: Points,
    /// Elements of which nothing is known yet: what was done to each.
    pub(crate) open: Vec<Vec<Fact>>,
    /// Operations on another element that are impossible.
    pub(crate) violation: Option<Core>,
}

/// Decides a set that is never read as a whole.
pub(super) fn decide(facts: &Facts<'_>) -> Elements {
    let mut points = Points::with_capacity(facts.list.len());
    let mut open = Vec::new();
    let mut violation = None;
    for element in elements(facts) {
        let asked = Asked {
            facts,
            element: &element,
        };
        match asked.decide(&mut points) {
            Answer::Placed => {}
            Answer::Violation(core) => violation = violation.or(Some(Core::of(facts, core))),
            Answer::Open => open.push(element.facts(facts)),
        }
    }
    Elements {
        points,
        open,
        violation,
    }
}

fn elements(facts: &Facts<'_>) -> Vec<Element> {
    let mut elements: Vec<Element> = Vec::new();
    let mut numbers = vec![u32::MAX; facts.values];
    for (at, fact) in (0..).zip(&facts.list) {
        let number = &mut numbers[fact.value as usize];
        if *number == u32::MAX {
            *number = elements.len() as u32;
            elements.push(Element::default());
        }
        let element = &mut elements[*number as usize];
        match fact.act {
            Act::Put => element.adds.push(at),
            Act::Take => element.removes.push(at),
            Act::See => element.sees.push(at),
            Act::Miss => element.misses.push(at),
            Act::Empty | Act::TakeAny | Act::All | Act::Never => {}
        }
    }
    elements
}

impl Element {
    fn facts(&self, facts: &Facts<'_>) -> Vec<Fact> {
        let lists = [&self.adds, &self.removes, &self.sees, &self.misses];
        let mut all: Vec<Fact> = lists
            .into_iter()
            .flatten()
            .map(|&at| facts.list[at as usize])
            .collect();
        all.sort_unstable_by_key(|fact| fact.from);
        all
    }
}

enum Answer {
    Placed,
    Violation(Vec<u32>),
    Open,
}

/// One element and what was asked of it.
struct Asked<'a> {
    facts: &'a Facts<'a>,
    element: &'a Element,
}

/// A bound on a gap, and the operation that sets it.
type Bound = (u32, u32);

impl Asked<'_> {
    fn fact(&self, at: u32) -> &Fact {
        &self.facts.list[at as usize]
    }

    /// The latest invocation among these.
    fn latest(&self, list: &[u32]) -> Option<Bound> {
        list.iter().map(|&at| (self.fact(at).from, at)).max()
    }

    /// The last gap of whichever of these ends first.
    fn earliest(&self, list: &[u32]) -> Option<Bound> {
        list.iter().map(|&at| (self.fact(at).last(), at)).min()
    }

    fn decide(&self, points: &mut Points) -> Answer {
        let Element {
            adds,
            removes,
            sees,
            misses,
        } = self.element;
        let needed =
            |list: &[u32], wanted: bool| wanted || list.iter().any(|&at| self.fact(at).must);
        // What nobody knows of and nobody needs is left out.
        let added = needed(adds, !sees.is_empty()) && !adds.is_empty();
        let removed = needed(removes, !misses.is_empty()) && !removes.is_empty();
        match (added, removed) {
            (false, _) => match sees.first() {
                Some(&see) => return Answer::Violation(vec![see]),
                None => self.absent(removed, points),
            },
            (true, false) => return self.grown(points),
            (true, true) => match (&adds[..], &removes[..]) {
                (&[add], &[remove]) => return self.once(add, remove, points),
                _ => return Answer::Open,
            },
        }
        Answer::Placed
    }

    fn place(&self, points: &mut Points, gap: u32, at: u32) {
        points.push(gap, self.fact(at).call);
    }

    /// It was never there.
    fn absent(&self, removed: bool, points: &mut Points) {
        let gone = if removed {
            &self.element.removes[..]
        } else {
            &[]
        };
        for &at in self.element.misses.iter().chain(gone) {
            self.place(points, self.fact(at).from, at);
        }
    }

    /// It was added, perhaps several times, and never removed.
    fn grown(&self, points: &mut Points) -> Answer {
        let Element {
            adds, sees, misses, ..
        } = self.element;
        let Some(first) = adds.first().copied() else {
            return Answer::Open;
        };
        let low = self
            .latest(misses)
            .max(Some((self.fact(first).from, first)));
        let high = self
            .earliest(adds)
            .into_iter()
            .chain(self.earliest(sees))
            .min();
        let (Some(low), Some(high)) = (low, high) else {
            return Answer::Open;
        };
        if low.0 > high.0 {
            // Whether another addition helps is for the proof to find out.
            let mut core = adds.clone();
            core.extend([low.1, high.1]);
            return Answer::Violation(core);
        }
        for &at in misses {
            self.place(points, self.fact(at).from, at);
        }
        self.place(points, low.0, first);
        for &at in adds[1..]
            .iter()
            .filter(|&&at| self.fact(at).must)
            .chain(sees)
        {
            self.place(points, self.fact(at).from.max(low.0), at);
        }
        Answer::Placed
    }

    /// It was added once and removed once.
    fn once(&self, add: u32, remove: u32, points: &mut Points) -> Answer {
        let Element { sees, misses, .. } = self.element;
        let (put, take) = (self.fact(add), self.fact(remove));
        let latest_miss = self.latest(misses);
        let latest_see = self.latest(sees);
        let earliest_see = self.earliest(sees);
        let high = earliest_see.map_or(put.last(), |see| see.0.min(put.last()));
        // The removal first, or not at all.
        let after = if take.must { take.from } else { 0 };
        let low = latest_miss
            .map_or(put.from, |miss| miss.0.max(put.from))
            .max(after);
        if low <= high {
            if take.must {
                self.place(points, take.from, remove);
            }
            for &at in misses {
                self.place(points, self.fact(at).from, at);
            }
            self.place(points, low, add);
            for &at in sees {
                self.place(points, self.fact(at).from.max(low), at);
            }
            return Answer::Placed;
        }
        // The removal after the addition.
        let low = latest_see.map_or(take.from, |see| see.0.max(take.from));
        let mut gone = (low, high);
        let mut possible = put.from <= high && low <= take.last() && put.from <= take.last();
        if low <= high {
            let gap = low.max(put.from);
            gone = (gap, gap);
            possible &= gap <= take.last().min(high);
        }
        let (leaves, comes) = gone;
        let unplaced = |&&at: &&u32| {
            let miss = self.fact(at);
            miss.from > comes && miss.last() < leaves
        };
        let hidden = misses.iter().find(unplaced);
        if !possible || hidden.is_some() {
            let named = [latest_miss, latest_see, earliest_see];
            let mut core = vec![add, remove];
            core.extend(named.iter().flatten().map(|bound| bound.1));
            core.extend(hidden);
            return Answer::Violation(core);
        }
        let (after, before): (Vec<u32>, Vec<u32>) =
            misses.iter().partition(|&&at| self.fact(at).from > comes);
        for &at in &before {
            self.place(points, self.fact(at).from, at);
        }
        self.place(points, comes, add);
        for &at in sees {
            self.place(points, self.fact(at).from.max(comes), at);
        }
        self.place(points, leaves, remove);
        for &at in &after {
            self.place(points, self.fact(at).from.max(leaves), at);
        }
        Answer::Placed
    }
}
