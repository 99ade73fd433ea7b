//! Sets that only grow and are read as a whole.
//!
//! What two reads of the whole set saw must be the same or one a part of the other, so reads fall into
//! groups `G1`, `G2`, ... that saw ever more. An element that `Gk` saw and no group before it must be added
//! after the groups before `k` and before `Gk`; one that nobody saw comes after all. That fixes the order of
//! everything but for what lies between two groups, where order does not matter. Theorem: operations with
//! such an order have linearization points exactly when each of them, put as early as its invocation and
//! those before it allow, is not past its completion. Several additions of one element are one, between the
//! first invocation and the first completion of them. O(n log n) for n operations and elements read.

use super::facts::{Act, Fact, Facts};
use super::points::Points;
use super::{Core, Found};

const NOBODY: u32 = u32::MAX;
/// The layer of an element that no read of the whole set saw.
const UNSEEN: u32 = u32::MAX;

/// An element and all that adds it.
#[derive(Clone, Debug)]
struct Element {
    /// The group that saw it first.
    layer: u32,
    /// The addition that was invoked first, and the first completion of one.
    add: u32,
    until: (u32, u32),
    /// The last invocation of an operation that did not find it.
    missed: (u32, u32),
    wanted: bool,
}

const NEW: Element = Element {
    layer: UNSEEN,
    add: NOBODY,
    until: (u32::MAX, NOBODY),
    missed: (0, NOBODY),
    wanted: false,
};

/// Decides a set from which nothing is removed.
pub(super) fn decide(facts: &Facts<'_>) -> Found {
    if facts.list.iter().any(|fact| fact.act == Act::Take) {
        return Found::Open;
    }
    let mut whole = Whole::new(facts);
    let found = whole.group().and_then(|()| whole.place());
    found.unwrap_or_else(Found::Violation)
}

struct Whole<'a> {
    facts: &'a Facts<'a>,
    elements: Vec<Element>,
    /// The reads of everything, in the order of what they saw, each with its group.
    reads: Vec<(u32, u32)>,
}

impl<'a> Whole<'a> {
    fn new(facts: &'a Facts<'a>) -> Self {
        let mut elements = vec![NEW; facts.values];
        let mut reads = Vec::new();
        for (at, fact) in (0..).zip(&facts.list) {
            if fact.act == Act::All {
                reads.push((facts.lists[fact.value as usize].len(), at));
                continue;
            }
            let element = &mut elements[fact.value as usize];
            match fact.act {
                Act::Put => {
                    if element.add == NOBODY {
                        element.add = at;
                    }
                    element.until = element.until.min((fact.to, at));
                    element.wanted |= fact.must;
                }
                Act::Miss => element.missed = element.missed.max((fact.from, at)),
                Act::See => element.wanted = true,
                _ => {}
            }
        }
        reads.sort_unstable();
        Self {
            facts,
            elements,
            reads: reads.into_iter().map(|(_, at)| (at, 0)).collect(),
        }
    }

    fn fact(&self, at: u32) -> &'a Fact {
        &self.facts.list[at as usize]
    }

    fn seen(&self, read: u32) -> impl Iterator<Item = u32> + use<'a> {
        let facts = self.facts;
        let list = facts.lists[self.fact(read).value as usize];
        list.iter().map(move |id| facts.dense(u64::from(id.0)))
    }

    /// These operations, with all additions of these elements, and nothing but these elements.
    fn core(&self, ops: &[u32], elements: &[u32]) -> Core {
        let adds = (0..)
            .zip(&self.facts.list)
            .filter(|(_, fact)| fact.act == Act::Put && elements.contains(&fact.value));
        let ops = ops.iter().copied().filter(|&at| at != NOBODY);
        let mut core = Core::of(self.facts, adds.map(|(at, _)| at).chain(ops));
        let mut only: Vec<u64> = elements
            .iter()
            .map(|&dense| self.facts.original(dense))
            .collect();
        only.sort_unstable();
        only.dedup();
        core.only = Some(only);
        core
    }

    /// Finds the groups of reads and the layers of elements.
    fn group(&mut self) -> Result<(), Core> {
        let mut total = 0;
        let mut group = 0;
        let mut before: Option<u32> = None;
        for number in 0..self.reads.len() {
            let read = self.reads[number].0;
            let size = self.seen(read).count();
            let same = before.is_some_and(|other| self.seen(other).count() == size);
            if before.is_some() && !same {
                group += 1;
            }
            for element in self.seen(read) {
                let state = &mut self.elements[element as usize];
                if state.add == NOBODY {
                    return Err(self.core(&[read], &[element]));
                }
                state.wanted = true;
                if state.layer == UNSEEN {
                    state.layer = group;
                    total += 1;
                }
            }
            if let Some(other) = before.filter(|_| total != size) {
                return Err(self.torn(other, read));
            }
            before = Some(read);
            self.reads[number].1 = group;
        }
        Ok(())
    }

    /// Two reads, each of which saw what the other did not.
    fn torn(&self, a: u32, b: u32) -> Core {
        let mut first: Vec<u32> = self.seen(a).collect();
        let mut second: Vec<u32> = self.seen(b).collect();
        first.sort_unstable();
        second.sort_unstable();
        let only = |these: &[u32], those: &[u32]| {
            these
                .iter()
                .copied()
                .find(|element| those.binary_search(element).is_err())
        };
        let elements: Vec<u32> = only(&first, &second)
            .into_iter()
            .chain(only(&second, &first))
            .collect();
        self.core(&[a, b], &elements)
    }

    /// Puts everything as early as it can be.
    fn place(&self) -> Result<Found, Core> {
        let mut order: Vec<u32> = (0..self.elements.len() as u32)
            .filter(|&at| self.elements[at as usize].wanted)
            .collect();
        order.sort_by_key(|&at| self.elements[at as usize].layer);
        let mut order = order.into_iter().peekable();
        let mut reads = self.reads.iter().peekable();
        let mut places = Places {
            gaps: vec![0; self.elements.len()],
            points: Points::with_capacity(self.facts.list.len()),
            base: (0, NOBODY),
        };
        for fact in self.facts.list.iter().filter(|fact| fact.act == Act::Miss) {
            places.points.push(fact.from, fact.call);
        }
        let groups = self.reads.last().map_or(0, |read| read.1 + 1);
        for group in (0..groups).chain([UNSEEN]) {
            let mut base = places.base;
            while let Some(element) = order.next_if(|&at| self.elements[at as usize].layer == group)
            {
                base = base.max(self.add(element, &mut places)?);
            }
            places.base = base;
            while let Some(&(read, _)) = reads.next_if(|read| read.1 == group) {
                base = base.max(self.read(read, group, &mut places)?);
            }
            places.base = base;
        }
        self.rest(&mut places)?;
        Ok(Found::Order(places.points.order()))
    }

    /// Adds an element. Returns the gap and the operation that made it so late.
    fn add(&self, element: u32, places: &mut Places) -> Result<(u32, u32), Core> {
        let state = &self.elements[element as usize];
        if state.add == NOBODY {
            // Somebody found it, but nobody added it.
            let see = (0..)
                .zip(&self.facts.list)
                .find(|(_, fact)| fact.act == Act::See && fact.value == element);
            return Err(self.core(&[see.map_or(NOBODY, |see| see.0)], &[element]));
        }
        let add = self.fact(state.add);
        let bound = places.base.max((add.from, state.add)).max(state.missed);
        if bound.0 >= state.until.0 {
            return Err(self.late(bound.1, state.until.1, Some(element)));
        }
        places.gaps[element as usize] = bound.0;
        places.points.push(bound.0, add.call);
        Ok(bound)
    }

    fn read(&self, at: u32, _group: u32, places: &mut Places) -> Result<(u32, u32), Core> {
        let fact = self.fact(at);
        let bound = places.base.max((fact.from, at));
        if bound.0 >= fact.to {
            return Err(self.late(bound.1, at, None));
        }
        places.points.push(bound.0, fact.call);
        Ok(bound)
    }

    /// Sightings, and further additions of what is already there.
    fn rest(&self, places: &mut Places) -> Result<(), Core> {
        for (at, fact) in (0..).zip(&self.facts.list) {
            let again = match fact.act {
                Act::See => true,
                Act::Put => fact.must && self.elements[fact.value as usize].add != at,
                _ => false,
            };
            if !again {
                continue;
            }
            let gap = places.gaps[fact.value as usize].max(fact.from);
            if gap >= fact.to {
                return Err(self.seen_early(at, fact, gap));
            }
            places.points.push(gap, fact.call);
        }
        Ok(())
    }

    /// A sighting that ended before the element could be added: which operation made that so late is found by
    /// placing everything once more, up to that element.
    fn seen_early(&self, see: u32, fact: &Fact, gap: u32) -> Core {
        let late = (0..)
            .zip(&self.facts.list)
            .find(|(_, other)| other.from == gap);
        self.late(late.map_or(NOBODY, |(at, _)| at), see, Some(fact.value))
    }

    /// The operation `first` must come before `second`, but was invoked after that had completed.
    fn late(&self, first: u32, second: u32, element: Option<u32>) -> Core {
        let layer_of = |at: u32| {
            let fact = self.fact(at);
            match fact.act {
                Act::All => self
                    .reads
                    .iter()
                    .find(|read| read.0 == at)
                    .map_or(0, |read| read.1),
                _ => self.elements[fact.value as usize].layer,
            }
        };
        let mut elements: Vec<u32> = element.into_iter().collect();
        let mut ops = vec![first, second];
        for &at in &[first, second] {
            if at != NOBODY && self.fact(at).act != Act::All {
                elements.push(self.fact(at).value);
            }
        }
        if first != NOBODY {
            let early = layer_of(first);
            let between = self.reads.iter().find(|read| read.1 == early);
            ops.extend(between.map(|read| read.0));
        }
        for &at in &ops.clone() {
            if at != NOBODY && self.fact(at).act == Act::All {
                let group = layer_of(at);
                elements.extend(
                    self.seen(at)
                        .find(|&seen| self.elements[seen as usize].layer == group),
                );
            }
        }
        self.core(&ops, &elements)
    }
}

/// Where operations were put so far.
struct Places {
    /// The gap of each element's addition.
    gaps: Vec<u32>,
    points: Points,
    /// The earliest gap of whatever comes next, and the operation whose invocation makes it so.
    base: (u32, u32),
}
