//! Which versions of a key cannot be newer than which others, and whether that leaves an order.
//!
//! A *view* is a node that is no version: the newest of those that lead to it. With views, "none of these is newer than
//! that" is one edge each. All edges mean *not newer*, so two versions on one cycle would have to be the same; where no
//! cycle has two versions, a topological order of the parts is an order of versions.

use std::collections::VecDeque;

use super::dependencies::Dependencies;
use super::precedence::lists;
use super::scan::NONE;
use crate::isolation::graph::{Digraph, components};
use crate::isolation::rows::Rows;

/// How many steps the search for the shortest cycle may take, once it has one.
const STEPS: u64 = 20_000_000;

/// Versions and views in the making.
#[derive(Debug, Default)]
pub(super) struct Ages {
    versions: u32,
    nodes: u32,
    /// The first is not newer than the second.
    edges: Vec<(u32, u32)>,
}

impl Ages {
    pub(super) fn new(dependencies: &Dependencies) -> Self {
        let versions = dependencies.versions.all().len() as u32;
        Self {
            versions,
            nodes: versions,
            edges: Vec::new(),
        }
    }

    /// Notes that one is not newer than another.
    pub(super) fn not_newer(&mut self, one: u32, than: u32) {
        if one != than && self.edges.last() != Some(&(one, than)) {
            self.edges.push((one, than));
        }
    }

    /// The newer of a view, if there is one yet, and a version.
    pub(super) fn newer(&mut self, view: u32, version: u32) -> u32 {
        if view == NONE || view == version {
            return version;
        }
        let both = self.nodes;
        self.nodes += 1;
        self.not_newer(view, both);
        self.not_newer(version, both);
        both
    }

    pub(super) fn bytes(&self) -> usize {
        self.edges.capacity() * 12 + self.nodes as usize * 17
    }

    pub(super) fn close(self) -> Order {
        Order {
            versions: self.versions,
            older: lists(self.nodes, &self.edges),
            nodes: self.nodes,
        }
    }
}

/// The versions and views that none is newer than.
#[derive(Debug)]
pub(super) struct Order {
    versions: u32,
    nodes: u32,
    /// By node: those that are not newer.
    older: Rows<u32>,
}

impl Digraph for Order {
    fn nodes(&self) -> u32 {
        self.nodes
    }

    fn next(&self, node: u32, cursor: &mut u32) -> Option<u32> {
        let next = self.older.of(node).get(*cursor as usize).copied()?;
        *cursor += 1;
        Some(next)
    }
}

impl Order {
    /// The parts that would make several versions one, versions first.
    pub(super) fn parts(&self) -> Vec<Vec<u32>> {
        let mut parts = components(self);
        parts.retain(|part| part.get(1).is_some_and(|&second| second < self.versions));
        parts
    }

    /// The shortest cycles of versions of the parts, one of each, the shortest first and so many at most: each version is
    /// not newer than the next, and the last not newer than the first. The smallest parts are looked at first, and all of
    /// them within the bound of steps; past it a cycle may not be the shortest.
    pub(super) fn cycles(&self, parts: &[Vec<u32>], most: usize) -> Vec<Vec<u32>> {
        let nodes = self.nodes as usize;
        let mut search = Search {
            order: self,
            part_of: vec![NONE; nodes],
            met: vec![(0, 0); 2 * nodes],
            after: vec![NONE; 2 * nodes],
            searches: 0,
            steps: STEPS,
            queue: VecDeque::new(),
        };
        let mut by_size: Vec<&Vec<u32>> = parts.iter().collect();
        by_size.sort_by_key(|part| part.len());
        let mut cycles: Vec<Vec<u32>> = Vec::new();
        for (number, part) in (0..).zip(by_size) {
            if search.steps == 0 && cycles.len() >= most {
                break;
            }
            cycles.push(search.shortest(number, part));
        }
        cycles.sort_by_key(|cycle| (cycle.len(), cycle.iter().min().copied()));
        cycles.truncate(most);
        cycles
    }
}

/// A search backwards, in which only versions count. A *place* is a node before or after another version than the start
/// was passed, as a way back to the start that passes none says nothing.
struct Search<'a> {
    order: &'a Order,
    part_of: Vec<u32>,
    /// By place: the last search that met it, and after how many versions.
    met: Vec<(u32, u32)>,
    /// By place: the place that it was found not to be newer than.
    after: Vec<u32>,
    searches: u32,
    steps: u64,
    /// Places, and how many versions were passed.
    queue: VecDeque<(u32, u32)>,
}

impl Search<'_> {
    fn shortest(&mut self, number: u32, part: &[u32]) -> Vec<u32> {
        for &node in part {
            self.part_of[node as usize] = number;
        }
        let mut best: Vec<u32> = Vec::new();
        for &start in part.iter().filter(|&&node| node < self.order.versions) {
            if !best.is_empty() && (best.len() == 2 || self.steps == 0) {
                break;
            }
            let bound = if best.is_empty() {
                NONE
            } else {
                best.len() as u32
            };
            if let Some(cycle) = self.from(number, start, bound) {
                best = cycle;
            }
        }
        best
    }

    /// A shortest cycle through a version and another, of fewer versions than the bound.
    fn from(&mut self, number: u32, start: u32, bound: u32) -> Option<Vec<u32>> {
        self.searches += 1;
        self.queue.clear();
        self.queue.push_back((2 * start, 0));
        self.met[2 * start as usize] = (self.searches, 0);
        while let Some((place, length)) = self.queue.pop_front() {
            if length > bound || self.met[place as usize] != (self.searches, length) {
                continue;
            }
            if place == 2 * start + 1 {
                return (length < bound).then(|| self.way(start));
            }
            for &older in self.order.older.of(place / 2) {
                if self.part_of[older as usize] == number {
                    self.meet(older, start, (place, length));
                }
            }
        }
        None
    }

    fn meet(&mut self, older: u32, start: u32, (place, length): (u32, u32)) {
        self.steps = self.steps.saturating_sub(1);
        let version = older < self.order.versions;
        let passed = place % 2 == 1 || version && older != start;
        let length = length + u32::from(version && (passed || older != start));
        let next = 2 * older + u32::from(passed);
        let (search, known) = self.met[next as usize];
        if search == self.searches && known <= length {
            return;
        }
        self.met[next as usize] = (self.searches, length);
        self.after[next as usize] = place;
        if version {
            self.queue.push_back((next, length));
        } else {
            self.queue.push_front((next, length));
        }
    }

    /// The versions of the cycle that was closed, each not newer than the next.
    fn way(&self, start: u32) -> Vec<u32> {
        let mut way = vec![start];
        let mut place = self.after[2 * start as usize + 1];
        while place != 2 * start {
            if place / 2 < self.order.versions {
                way.push(place / 2);
            }
            place = self.after[place as usize];
        }
        way
    }
}
