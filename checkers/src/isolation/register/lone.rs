//! Cycles with one anti-dependency, for levels that forbid them without forbidding those with more.
//!
//! Of these there is no order of points that shows them: *consistent view* (PL-2+, Adya 1999, section 4.2.1) and *parallel
//! snapshot isolation* (Cerone, Bernardi & Gotsman 2015) forbid a way of dependencies from whoever overwrote a read back
//! to its reader, and *update atomic* forbids such a way of one step, a read. So the solver looks for an order that keeps
//! dependencies alone; what that order makes of the versions is looked through for such cycles, and the sides of choices
//! on one are forbidden together. Each such clause holds in every order, so what is refuted is impossible; and an order
//! without a cycle is looked at as a whole, so what is found holds.
//!
//! As few sides as possible are forbidden at once: the way takes certain edges where it can, and where two sides follow
//! each other on one key, the first chain comes before the last, which is one side.
//!
//! A look takes linear time where readers stand before whoever overwrote what they read, as they do where little is
//! stale, and a walk between the two otherwise.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::encode::Encoding;
use super::prepared::Prepared;
use super::reads::{NONE, Read, Version};
use crate::Budget;
use crate::isolation::Level;
use crate::isolation::rows::Rows;
use crate::isolation::solver::{Choices, Hop, Order, Source};

/// How many cycles are told at a time.
const MOST: usize = 64;
/// After how many steps the budget is looked at.
const LOOK: usize = 1 << 14;

/// Which ways back to a reader are forbidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ways {
    /// Any of dependencies.
    Any,
    /// A read of what the one wrote who overwrote the other read.
    Read,
}

/// What a level forbids of this kind.
pub(super) fn ways(level: Level) -> Option<Ways> {
    match level {
        Level::ParallelSnapshotIsolation | Level::ConsistentView => Some(Ways::Any),
        Level::UpdateAtomic => Some(Ways::Read),
        _ => None,
    }
}

/// The first chain comes before the second.
pub(super) type Pair = (u32, u32);

/// An edge of a cycle: where it leaves, and which order of chains it rests on, if it is not certain by reads alone.
pub(super) type Leg = (u32, Option<Pair>);

/// A reader that reads from someone who also wrote another key that it read, from somebody else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Missed {
    pub(super) reader: u32,
    /// What it read of the key, and what was written to it by the one it reads from.
    pub(super) read: Version,
    pub(super) written: Version,
}

pub(super) struct Lone<'e, 'p, 'a> {
    prepared: &'e Prepared<'p, 'a>,
    pub(super) ways: Ways,
    budget: &'e Budget<'e>,
    /// By transaction: who read from it.
    pub(super) readers: Rows<u32>,
    /// By transaction: the chains whose last version it wrote.
    pub(super) ended: Rows<u32>,
    pub(super) missed: Vec<Missed>,
    /// By chain: the one that is next, as the versions stand.
    follow: Vec<u32>,
    /// The numbers of choices, by their chains, the smaller first.
    pairs: FxHashMap<Pair, u32>,
    steps: usize,
    /// Whether the budget ended while cycles were looked for, so that some may have been missed.
    pub(super) is_over: bool,
    /// A cycle that is there in every order.
    pub(super) certain: Option<Vec<Hop>>,
}

/// An encoding, and what is forbidden beside its cycles.
pub(super) struct Watched<'w, 'e, 'p, 'a> {
    pub(super) encoding: &'w mut Encoding<'e, 'p, 'a>,
    pub(super) lone: Option<Lone<'e, 'p, 'a>>,
}

impl Watched<'_, '_, '_, '_> {
    /// Whether the budget ended before all was looked at.
    pub(super) fn is_over(&self) -> bool {
        self.lone.as_ref().is_some_and(|lone| lone.is_over)
    }

    /// Forgets the choices of an earlier search.
    pub(super) fn start_over(&mut self) {
        if let Some(lone) = &mut self.lone {
            lone.pairs.clear();
        }
    }
}

impl Source for Watched<'_, '_, '_, '_> {
    /// The chains first: only an order that has them all says what overwrote what.
    fn violated(&mut self, order: &Order, choices: &mut Choices) {
        let before = choices.len();
        self.encoding.violated(order, choices);
        let Some(lone) = &mut self.lone else { return };
        for choice in before as u32..choices.len() as u32 {
            lone.know(choices.about(choice), choice);
        }
        if choices.len() == before {
            lone.look(self.encoding, order, choices);
        }
    }
}

impl<'e, 'p, 'a> Lone<'e, 'p, 'a> {
    pub(super) fn of(encoding: &Encoding<'e, 'p, 'a>, ways: Ways, budget: &'e Budget<'e>) -> Self {
        let prepared = encoding.prepared;
        let count = prepared.transactions.len();
        let reads = prepared.reads.list.iter();
        let seen = reads.filter_map(|read| Some((prepared.writer(read.version)?, read.reader)));
        let ended = (0..)
            .zip(&encoding.units.list)
            .filter_map(|(chain, unit)| Some((prepared.writer(unit.tail)?, chain)));
        let readers = Rows::sorted(count, seen, 0);
        let mut lone = Self {
            prepared,
            ways,
            budget,
            ended: Rows::sorted(count, ended, 0),
            missed: Vec::new(),
            follow: Vec::new(),
            pairs: FxHashMap::default(),
            steps: 0,
            is_over: false,
            certain: None,
            readers,
        };
        if ways == Ways::Read {
            lone.find_missed();
        }
        lone
    }

    /// Finds every two reads of a transaction of which the one is of a transaction that wrote what the other is of.
    fn find_missed(&mut self) {
        let prepared = self.prepared;
        for reads in prepared.reads.list.chunk_by(|a, b| a.reader == b.reader) {
            let mut by_key: FxHashMap<u32, Version> = FxHashMap::default();
            let mut writers: Vec<u32> = Vec::new();
            for read in reads {
                by_key.insert(prepared.key_of(read.version), read.version);
                writers.extend(prepared.writer(read.version));
            }
            writers.sort_unstable();
            writers.dedup();
            for writer in writers {
                for written in prepared.versions_of(writer) {
                    let read = by_key.get(&prepared.key_of(written)).copied();
                    if let Some(read) = read.filter(|&read| read != written) {
                        let reader = reads[0].reader;
                        self.missed.push(Missed {
                            reader,
                            read,
                            written,
                        });
                    }
                }
            }
        }
    }

    /// Keeps in mind that there is a choice between two chains.
    fn know(&mut self, (one, other): Pair, choice: u32) {
        self.pairs.insert((one.min(other), one.max(other)), choice);
    }

    /// Forbids what this order of versions has together and must not. Chains are sorted as they stand.
    fn look(&mut self, encoding: &Encoding<'_, '_, '_>, order: &Order, choices: &mut Choices) {
        match self.ways {
            Ways::Any => self.look_for_any(encoding, order, choices),
            Ways::Read => self.look_for_missed(encoding, order, choices),
        }
    }

    fn look_for_any(
        &mut self,
        encoding: &Encoding<'_, '_, '_>,
        order: &Order,
        choices: &mut Choices,
    ) {
        self.follow = encoding.followers();
        let mut found = 0;
        for read in &self.prepared.reads.list {
            if found == MOST || self.is_over {
                return;
            }
            self.count(1);
            let Some((over, by)) = self.overwritten(encoding, read) else {
                continue;
            };
            // Dependencies lead forwards in the order.
            if over == read.reader || !order.keeps((over, read.reader)) {
                continue;
            }
            if let Some(way) = self.way(encoding, order, over, read.reader) {
                found += 1;
                let cycle: Vec<Leg> = std::iter::once((read.reader, by)).chain(way).collect();
                self.forbid(encoding, &cycle, choices);
            }
        }
    }

    fn look_for_missed(
        &mut self,
        encoding: &Encoding<'_, '_, '_>,
        order: &Order,
        choices: &mut Choices,
    ) {
        let mut found = 0;
        for at in 0..self.missed.len() {
            if found == MOST {
                return;
            }
            let missed = self.missed[at];
            let (units, along) = (&encoding.units.of, &encoding.units.along);
            let (one, other) = (units[missed.read as usize], units[missed.written as usize]);
            let later = if one == other {
                along[missed.read as usize] < along[missed.written as usize]
            } else {
                encoding.is_first(one)
                    || !encoding.is_first(other) && encoding.comes_before(order, one, other)
            };
            if later {
                found += 1;
                let cycle = self.missing(encoding, missed);
                self.forbid(encoding, &cycle, choices);
            }
        }
    }

    /// The cycle by which a read misses what its reader saw another write of: along the chain of what was read, over to
    /// that of what was written and along it, and back by the other read.
    pub(super) fn missing(&self, encoding: &Encoding<'_, '_, '_>, missed: Missed) -> Vec<Leg> {
        let units = &encoding.units;
        let (one, other) = (
            units.of[missed.read as usize],
            units.of[missed.written as usize],
        );
        let mut cycle: Vec<Leg> = vec![(missed.reader, None)];
        let mut at = missed.read;
        let go = |version: Version, by: Option<Pair>, cycle: &mut Vec<Leg>| {
            if let Some(leg) = cycle.last_mut() {
                leg.1 = leg.1.or(by);
            }
            if let Some(writer) = self
                .prepared
                .writer(version)
                .filter(|&writer| writer != missed.reader)
            {
                cycle.push((writer, None));
            }
        };
        while one != other && at != units.list[one as usize].tail {
            at = self.prepared.next[at as usize];
            go(at, None, &mut cycle);
        }
        if one != other {
            at = units.list[other as usize].head;
            go(at, Some((one, other)), &mut cycle);
        }
        while at != missed.written {
            at = self.prepared.next[at as usize];
            go(at, None, &mut cycle);
        }
        cycle
    }

    fn count(&mut self, steps: usize) {
        self.steps += steps;
        if self.steps >= LOOK {
            self.steps = 0;
            self.is_over |= self.budget.is_over();
        }
    }

    /// Who wrote the version after one that was read, as the versions stand, and by which order of chains it is that.
    fn overwritten(
        &self,
        encoding: &Encoding<'_, '_, '_>,
        read: &Read,
    ) -> Option<(u32, Option<Pair>)> {
        let chain = encoding.units.of[read.version as usize];
        if encoding.units.list[chain as usize].tail != read.version {
            let next = self.prepared.next[read.version as usize];
            return Some((self.prepared.writer(next)?, None));
        }
        let next = self.follow[chain as usize];
        let over = encoding.head_writer(next)?;
        Some((over, Some((chain, next))))
    }

    /// A way of dependencies from one transaction to another, as the versions stand, with as few open sides as possible.
    fn way(
        &mut self,
        encoding: &Encoding<'_, '_, '_>,
        order: &Order,
        from: u32,
        to: u32,
    ) -> Option<Vec<Leg>> {
        let last = order.place(to);
        let within = |node: u32| order.place(node) <= last;
        let mut came: FxHashMap<u32, Leg> = FxHashMap::default();
        let mut queue: VecDeque<(u32, Leg)> = VecDeque::from([(from, (NONE, None))]);
        while let Some((node, leg)) = queue.pop_front() {
            if came.contains_key(&node) {
                continue;
            }
            came.insert(node, leg);
            if node == to {
                return Some(back(&came, to));
            }
            let readers = self.readers.of(node);
            let ended = self.ended.of(node);
            let steps = 1 + readers.len() + ended.len();
            for &reader in readers.iter().filter(|&&reader| within(reader)) {
                queue.push_front((reader, (node, None)));
            }
            for &chain in ended {
                let next = self.follow[chain as usize];
                let Some(over) = encoding.head_writer(next).filter(|&over| within(over)) else {
                    continue;
                };
                let step = (over, (node, Some((chain, next))));
                if encoding.is_first(chain) {
                    queue.push_front(step);
                } else {
                    queue.push_back(step);
                }
            }
            self.count(steps);
            if self.is_over {
                return None;
            }
        }
        None
    }

    /// Forbids the sides of a cycle together.
    fn forbid(&mut self, encoding: &Encoding<'_, '_, '_>, cycle: &[Leg], choices: &mut Choices) {
        let mut pairs: Vec<Pair> = Vec::new();
        for pair in cycle.iter().filter_map(|leg| leg.1) {
            match pairs.last_mut() {
                // What comes before a chain comes before all that follow it.
                Some(last) if last.1 == pair.0 => last.1 = pair.1,
                _ => pairs.push(pair),
            }
        }
        let open = pairs.into_iter().filter(|pair| !encoding.is_first(pair.0));
        let sides: Vec<(u32, bool)> = open
            .map(|pair| self.side(encoding, pair, choices))
            .collect();
        if sides.is_empty() {
            let hops = cycle.iter().map(|&(from, _)| Hop { from, side: None });
            self.certain = Some(hops.collect());
        }
        choices.forbid(&sides);
    }

    fn side(
        &mut self,
        encoding: &Encoding<'_, '_, '_>,
        pair: Pair,
        choices: &mut Choices,
    ) -> (u32, bool) {
        let known = (pair.0.min(pair.1), pair.0.max(pair.1));
        let new = || encoding.choose(pair, choices);
        let choice = *self.pairs.entry(known).or_insert_with(new);
        (choice, choices.about(choice).0 != pair.0)
    }
}

/// The legs of a way, from where it began.
fn back(came: &FxHashMap<u32, Leg>, to: u32) -> Vec<Leg> {
    let mut way = Vec::new();
    let mut at = to;
    while let Some(&(before, by)) = came.get(&at).filter(|leg| leg.0 != NONE) {
        way.push((before, by));
        at = before;
    }
    way.reverse();
    way
}
