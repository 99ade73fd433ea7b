//! What has to come before what, and the shortest way in which that contradicts itself.
//!
//! The graph is not built: what comes before a node is its last predecessor in its session, whom it read from, and what a
//! level adds. Walking these backwards from each transaction in the order of invocations meets little that is not done
//! yet, so that most histories are ordered at the speed of reading them. All walks are loops.

use std::collections::VecDeque;

use super::dependencies::{Dependencies, Presumed, Read};
use super::scan::NONE;
use crate::isolation::graph::{Digraph, components};
use crate::isolation::rows::Rows;

/// How many steps the search for the shortest cycle may take, once it has one.
const STEPS: u64 = 20_000_000;

/// Precedence among nodes. As a [`Digraph`] its edges lead from a node to what comes before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Precedence<'a> {
    pub(super) dependencies: &'a Dependencies,
    /// Whether the order of sessions counts.
    pub(super) sessions: bool,
    /// The only chain whose reads count, if there is one.
    pub(super) readers: Option<u32>,
    /// Whether what is assumed of versions counts.
    pub(super) presumed: bool,
    /// By node: what a level puts before it.
    pub(super) forced: &'a Rows<u32>,
}

/// Some nodes come before some others.
pub(super) fn lists(nodes: u32, edges: &[(u32, u32)]) -> Rows<u32> {
    let edges = edges.iter().map(|&(from, to)| (to, from));
    Rows::sorted(nodes as usize, edges, NONE)
}

impl Digraph for Precedence<'_> {
    fn nodes(&self) -> u32 {
        self.dependencies.len()
    }

    fn next(&self, node: u32, cursor: &mut u32) -> Option<u32> {
        if *cursor == 0 {
            *cursor = 1;
            if let Some(previous) = self.previous(node) {
                return Some(previous);
            }
        }
        let reads = self.reads(node);
        while let Some(read) = reads.get(*cursor as usize - 1) {
            *cursor += 1;
            if read.source != NONE {
                return Some(read.source);
            }
        }
        let forced = self.forced.of(node);
        let place = *cursor as usize - 1 - reads.len();
        let next = match forced.get(place) {
            Some(&next) => next,
            None => self.assumed(node).get(place - forced.len())?.earlier,
        };
        *cursor += 1;
        Some(next)
    }
}

/// A node was not met yet, is on the path that is walked, or has its place.
const NEW: u8 = 0;
const OPEN: u8 = 1;
const DONE: u8 = 2;

impl<'a> Precedence<'a> {
    /// The reads of a node that count.
    pub(super) fn reads(&self, node: u32) -> &'a [Read] {
        let chain = self.dependencies.chain[node as usize];
        if self.readers.is_none_or(|readers| readers == chain) {
            self.dependencies.reads.of(node)
        } else {
            &[]
        }
    }

    /// What is assumed to come before a node, if that counts.
    fn assumed(&self, node: u32) -> &'a [Presumed] {
        if self.presumed {
            self.dependencies.presumed.of(node)
        } else {
            &[]
        }
    }

    fn previous(&self, node: u32) -> Option<u32> {
        let counts = self.sessions.then_some(node)?;
        self.dependencies.previous(counts)
    }

    /// All nodes in an order that keeps precedence, close to the order of invocations; `None` if there is a cycle.
    pub(super) fn order(&self) -> Option<Vec<u32>> {
        let mut state = vec![NEW; self.nodes() as usize];
        let mut order = Vec::with_capacity(state.len());
        let mut path: Vec<(u32, u32)> = Vec::new();
        for &start in &self.dependencies.node {
            if start == NONE || state[start as usize] != NEW {
                continue;
            }
            state[start as usize] = OPEN;
            path.push((start, 0));
            while let Some((node, cursor)) = path.last_mut() {
                let node = *node;
                let Some(before) = self.next(node, cursor) else {
                    state[node as usize] = DONE;
                    order.push(node);
                    path.pop();
                    continue;
                };
                match state[before as usize] {
                    NEW => {
                        state[before as usize] = OPEN;
                        path.push((before, 0));
                    }
                    OPEN => return None,
                    _ => {}
                }
            }
        }
        Some(order)
    }

    /// A shortest way from one node to another: the first node, those between, and the last.
    pub(super) fn path(&self, from: u32, to: u32) -> Option<Vec<u32>> {
        let everybody: Vec<u32> = (0..self.nodes()).collect();
        let mut search = Search::new(*self);
        let mut path = search.between(&everybody, from, to, u32::MAX)?;
        path.push(to);
        Some(path)
    }

    /// The parts in which every node comes before every other, each in ascending order.
    pub(super) fn parts(&self) -> Vec<Vec<u32>> {
        components(self)
    }

    /// The shortest cycles of the parts, one of each, the shortest first and so many at most: each node comes before the
    /// next, and the last before the first. The smallest parts are looked at first, and all of them within the bound of
    /// steps; past it a cycle may not be the shortest.
    pub(super) fn cycles(&self, parts: &[Vec<u32>], most: usize) -> Vec<Vec<u32>> {
        let mut search = Search::new(*self);
        let mut by_size: Vec<&Vec<u32>> = parts.iter().collect();
        by_size.sort_by_key(|part| part.len());
        let mut cycles: Vec<Vec<u32>> = Vec::new();
        for part in by_size {
            if search.steps == 0 && cycles.len() >= most {
                break;
            }
            cycles.push(search.shortest(part));
        }
        cycles.sort_by_key(|cycle| (cycle.len(), cycle.iter().min().copied()));
        cycles.truncate(most);
        cycles
    }
}

/// A shortest way by which one node happened before another: the first node, those between, and the last.
pub(super) fn path(dependencies: &Dependencies, from: u32, to: u32) -> Option<Vec<u32>> {
    let forced = lists(dependencies.len(), &[]);
    let graph = Precedence {
        dependencies,
        sessions: true,
        readers: None,
        presumed: false,
        forced: &forced,
    };
    graph.path(from, to)
}

/// A search for ways, backwards along precedence.
struct Search<'a> {
    graph: Precedence<'a>,
    /// By node: the number of its part, from 1.
    part_of: Vec<u32>,
    part: u32,
    /// By node: the last search that met it, from 1, and the node that it was found to precede.
    met: Vec<u32>,
    after: Vec<u32>,
    /// By chain: the last search that looked at it, and up to which node.
    looked: Vec<(u32, u32)>,
    searches: u32,
    steps: u64,
    queue: VecDeque<(u32, u32)>,
}

impl<'a> Search<'a> {
    fn new(graph: Precedence<'a>) -> Self {
        let nodes = graph.nodes() as usize;
        Self {
            graph,
            part_of: vec![0; nodes],
            part: 0,
            met: vec![0; nodes],
            after: vec![NONE; nodes],
            looked: vec![(0, 0); graph.dependencies.chains() as usize],
            searches: 0,
            steps: STEPS,
            queue: VecDeque::new(),
        }
    }

    fn shortest(&mut self, members: &[u32]) -> Vec<u32> {
        self.part += 1;
        for &member in members {
            self.part_of[member as usize] = self.part;
        }
        let mut best: Vec<u32> = Vec::new();
        for &start in members {
            if !best.is_empty() && (best.len() == 2 || self.steps == 0) {
                break;
            }
            let bound = if best.is_empty() {
                u32::MAX
            } else {
                best.len() as u32
            };
            if let Some(cycle) = self.between(members, start, start, bound) {
                best = cycle;
            }
        }
        best
    }

    /// A shortest way from one node to another, which is left out if it is not the first, of fewer than so many nodes.
    fn between(&mut self, members: &[u32], start: u32, end: u32, bound: u32) -> Option<Vec<u32>> {
        self.searches += 1;
        self.queue.clear();
        self.queue.push_back((end, 1));
        while let Some((node, length)) = self.queue.pop_front() {
            if length >= bound {
                return None;
            }
            if self.expand(members, node, length, start) {
                return Some(self.way(start, node, end));
            }
        }
        None
    }

    /// Meets all that comes right before a node. Whether the start does.
    fn expand(&mut self, members: &[u32], node: u32, length: u32, start: u32) -> bool {
        let graph = self.graph;
        if graph.sessions && self.session(members, node, length, start) {
            return true;
        }
        let sources = graph.reads(node).iter().map(|read| read.source);
        let forced = graph.forced.of(node).iter().copied();
        let assumed = graph.assumed(node).iter().map(|pair| pair.earlier);
        let all = sources.chain(forced).chain(assumed);
        for before in all.filter(|&before| before != NONE) {
            if before == start {
                return true;
            }
            self.meet(before, node, length);
        }
        false
    }

    fn meet(&mut self, before: u32, node: u32, length: u32) {
        self.steps = self.steps.saturating_sub(1);
        let place = before as usize;
        if self.part_of[place] == self.part && self.met[place] != self.searches {
            self.met[place] = self.searches;
            self.after[place] = node;
            self.queue.push_back((before, length + 1));
        }
    }

    /// Meets the predecessors of a node in its session, each once a search.
    fn session(&mut self, members: &[u32], node: u32, length: u32, start: u32) -> bool {
        let before = self.graph.dependencies.before(node);
        if before.is_empty() {
            return false;
        }
        if before.contains(&start) {
            return true;
        }
        let chain = self.graph.dependencies.chain[before.start as usize] as usize;
        let (search, looked) = self.looked[chain];
        let from = if search == self.searches {
            looked.max(before.start)
        } else {
            before.start
        };
        self.looked[chain] = (self.searches, from.max(before.end));
        let first = members.partition_point(|&member| member < from);
        for &member in members[first..]
            .iter()
            .take_while(|&&member| member < before.end)
        {
            self.meet(member, node, length);
        }
        false
    }

    /// From the start over a node that it precedes to the end.
    fn way(&self, start: u32, node: u32, end: u32) -> Vec<u32> {
        let mut way = vec![start];
        let mut node = node;
        while node != end {
            way.push(node);
            node = self.after[node as usize];
        }
        way
    }
}
