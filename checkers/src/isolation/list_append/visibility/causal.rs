//! Circles of happens-before, and appends that happened before who misses them.
//!
//! From each transaction a breadth-first search begins at those whose appends it misses, and follows happens-before. An edge
//! of happens-before leads to a smaller height, so it is enough to go where the heights are not below that of the start.
//! That is quadratic at worst, and bounded.

use std::collections::VecDeque;

use super::sights::Part;
use super::{Circle, Link, Scene};
use crate::Budget;
use crate::isolation::graph::{Graph, Kinds, Masked, ON, PROCESS, RW, WR, components, heights};
use crate::isolation::list_append::lists::{NONE, Read, length};
use crate::isolation::transactions::{Act, Write};
use crate::linearizability::search::Stop;

/// How many edges are followed in one part.
const STEPS: u64 = 400_000_000;
const BEFORE: Kinds = PROCESS | WR;

/// A shortest circle of the smallest kind, if there is any.
pub(super) fn circle(
    scene: &Scene<'_, '_>,
    parts: &[Part],
    budget: &Budget<'_>,
) -> Result<Option<Circle>, Stop> {
    let mut best: Option<Circle> = None;
    let mut stopped = None;
    for part in parts {
        let bound = best.as_ref().map_or(usize::MAX, |best| best.links.len());
        match part.shortest(bound, budget) {
            Ok(None) => {}
            Ok(Some(path)) => best = Some(scene.linked(part, &path)),
            Err(stop) => stopped = Some(stop),
        }
    }
    match (best, stopped) {
        (Some(best), _) => Ok(Some(best)),
        (None, Some(stop)) => Err(stop),
        (None, None) => Ok(None),
    }
}

/// One step of a way: whence, where to, and whether the first is missed, of the same session, or seen.
#[derive(Clone, Copy, Debug)]
struct Step {
    from: u32,
    to: u32,
    kind: Kinds,
}

impl Part {
    /// The steps of a circle of fewer than `bound` links.
    fn shortest(&self, bound: usize, budget: &Budget<'_>) -> Result<Option<Vec<Step>>, Stop> {
        let graph = &self.graph;
        let before = Masked {
            graph,
            kinds: BEFORE,
        };
        let heights = heights(&before);
        let circular = !components(&before).is_empty();
        let mut search = Search::new(graph, &heights, circular);
        let mut best: Option<Vec<Step>> = None;
        for start in 0..graph.transactions() {
            let bound = best.as_ref().map_or(bound, Vec::len);
            if let Some(steps) = search.from(start, bound) {
                best = Some(steps);
            }
            let over = search.steps > STEPS;
            if over || budget.is_over() {
                let stop = if over { Stop::Steps } else { Stop::Time };
                return if best.is_some() { Ok(best) } else { Err(stop) };
            }
        }
        Ok(best)
    }
}

/// A search from one transaction after another.
struct Search<'a> {
    graph: &'a Graph,
    heights: &'a [u32],
    /// By auxiliary node that stands for an end of a list: the greatest height of the transactions in it.
    highest: Vec<u32>,
    /// Whether happens-before has a circle in the part: then no others are looked for.
    circular: bool,
    /// By [place](index): the transaction from which it was reached last, and by how many links.
    reached: Vec<(u32, usize)>,
    whence: Vec<(Place, Kinds)>,
    queue: VecDeque<(Place, usize)>,
    steps: u64,
}

/// Where a search is: a node, and whether it came there along a session, which further steps of the session prolong.
type Place = (u32, bool);

fn index((node, along): Place) -> usize {
    2 * node as usize + usize::from(along)
}

impl<'a> Search<'a> {
    fn new(graph: &'a Graph, heights: &'a [u32], circular: bool) -> Self {
        let nodes = graph.nodes() as usize;
        Self {
            graph,
            heights,
            highest: highest(graph, heights),
            circular,
            reached: vec![(NONE, 0); 2 * nodes],
            whence: vec![((NONE, false), 0); 2 * nodes],
            queue: VecDeque::new(),
            steps: 0,
        }
    }

    /// A shortest circle through a transaction.
    fn from(&mut self, start: u32, bound: usize) -> Option<Vec<Step>> {
        self.queue.clear();
        if self.circular {
            self.follow(start, (start, false), 0, bound);
        } else {
            self.missed(start);
        }
        while let Some((place, length)) = self.queue.pop_front() {
            if place.0 == start {
                return Some(self.way(place));
            }
            if self.reached[index(place)] == (start, length) {
                self.follow(start, place, length, bound);
            }
        }
        None
    }

    /// Notes that a place is reached by so many links, unless it was by as few.
    fn reach(&mut self, start: u32, place: Place, length: usize, whence: (Place, Kinds)) -> bool {
        let at = index(place);
        let (from, shortest) = self.reached[at];
        if from == start && shortest <= length {
            return false;
        }
        self.reached[at] = (start, length);
        self.whence[at] = whence;
        true
    }

    /// Begins with those whose appends the transaction misses.
    fn missed(&mut self, start: u32) {
        let height = self.heights[start as usize];
        let mut open: Vec<u32> = Vec::new();
        for (to, kind) in self.graph.edges(start) {
            self.steps += 1;
            if kind & RW != 0 && self.highest[to as usize] >= height {
                open.push(to);
            }
        }
        while let Some(end) = open.pop() {
            if !self.reach(start, (end, false), 1, ((start, false), RW)) {
                continue;
            }
            for (to, _) in self.graph.edges(end) {
                self.steps += 1;
                if self.is_auxiliary(to) {
                    if self.highest[to as usize] >= height {
                        open.push(to);
                    }
                } else if to != start
                    && self.heights[to as usize] >= height
                    && self.reach(start, (to, false), 1, ((start, false), RW))
                {
                    self.queue.push_back(((to, false), 1));
                }
            }
        }
    }

    fn is_auxiliary(&self, node: u32) -> bool {
        node >= self.graph.transactions()
    }

    /// Follows happens-before from a place. Steps through auxiliary nodes cost nothing, and neither does to go on
    /// along a session.
    fn follow(&mut self, start: u32, place: Place, length: usize, bound: usize) {
        let height = self.heights[start as usize];
        let (node, along) = place;
        for (to, kind) in self.graph.edges(node) {
            self.steps += 1;
            if kind & (BEFORE | ON) == 0 || self.heights[to as usize] < height {
                continue;
            }
            let session = kind & PROCESS != 0;
            let free = self.is_auxiliary(node) || along && session;
            let length = length + usize::from(!free);
            if length < bound && self.reach(start, (to, session), length, (place, kind)) {
                let next = ((to, session), length);
                if free {
                    self.queue.push_front(next);
                } else {
                    self.queue.push_back(next);
                }
            }
        }
    }

    /// The circle that ends at a place of the transaction where it began.
    fn way(&self, end: Place) -> Vec<Step> {
        let (start, _) = end;
        let mut steps: Vec<Step> = Vec::new();
        let mut to = start;
        let mut place = end;
        loop {
            let (from, kind) = self.whence[index(place)];
            if !self.is_auxiliary(from.0) {
                match steps.last_mut() {
                    Some(next) if next.kind & kind & PROCESS != 0 => next.from = from.0,
                    _ => steps.push(Step {
                        from: from.0,
                        to,
                        kind,
                    }),
                }
                to = from.0;
            }
            if from.0 == start {
                break;
            }
            place = from;
        }
        steps.reverse();
        steps
    }
}

/// By node that stands for an end of a list: the greatest height of the transactions in it.
fn highest(graph: &Graph, heights: &[u32]) -> Vec<u32> {
    let mut auxiliary: Vec<u32> = (graph.transactions()..graph.nodes()).collect();
    auxiliary.sort_unstable_by_key(|&node| heights[node as usize]);
    let mut highest = vec![0; graph.nodes() as usize];
    for node in auxiliary {
        let leads = graph.edges(node).map(|(to, _)| {
            let real = to < graph.transactions();
            if real {
                heights[to as usize]
            } else {
                highest[to as usize]
            }
        });
        highest[node as usize] = leads.max().unwrap_or(0);
    }
    highest
}

impl Scene<'_, '_> {
    fn linked(&self, part: &Part, steps: &[Step]) -> Circle {
        let number = |node: u32| part.nodes[node as usize];
        let link = |step: &Step| {
            let (from, to) = (number(step.from), number(step.to));
            match step.kind {
                PROCESS => Some(Link::Session { from, to }),
                RW => self.missed(from, to),
                _ => self.saw(from, to),
            }
        };
        let missed = steps.iter().any(|step| step.kind == RW);
        Circle {
            kind: if missed { "write-co-read" } else { "cyclic-co" },
            links: steps.iter().filter_map(link).collect(),
        }
    }

    /// The reads of a transaction, with their keys.
    pub(super) fn reads(&self, transaction: u32) -> impl Iterator<Item = (u32, Read)> {
        self.listing.reads_by(self.transactions, transaction)
    }

    /// The appends of a transaction to a key, and their places in the list.
    pub(super) fn appends(
        &self,
        transaction: u32,
        key: u32,
    ) -> impl Iterator<Item = (Write, usize)> {
        let micros = self.transactions.micros_of(transaction);
        micros.iter().filter_map(move |micro| {
            let Act::Write(value) = micro.act else {
                return None;
            };
            let write = self.writes.place(key, value).filter(|_| micro.key == key)?;
            let place = self.listing.place_of[write];
            Some((self.writes.all()[write], place as usize))
        })
    }

    /// A read of one transaction that misses an append of another.
    fn missed(&self, reader: u32, writer: u32) -> Option<Link> {
        self.reads(reader).find_map(|(key, read)| {
            let length = length(self.transactions, read);
            let mut appends = self.appends(writer, key);
            let (write, _) = appends.find(|&(_, place)| place >= length)?;
            Some(Link::Missed { read, write, key })
        })
    }

    /// A read of one transaction that holds an append of another.
    pub(super) fn saw(&self, writer: u32, reader: u32) -> Option<Link> {
        self.reads(reader).find_map(|(key, read)| {
            let length = length(self.transactions, read);
            let mut appends = self.appends(writer, key);
            let (write, _) = appends.find(|&(_, place)| place < length)?;
            Some(Link::Saw { write, read, key })
        })
    }
}
