//! A graph of what came before what, and a short cycle in it.
//!
//! Its nodes are keys, and the boundaries between what one read of a group saw and what it did not: a key
//! comes before the boundary of every read that saw it, and after those of the reads that did not. The boundaries
//! of a group are chained, so that the edges are as many as the keys of the group and its different reads, and not
//! as their product.

use std::collections::VecDeque;

use crate::Budget;

/// A node's number: keys first, then boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node(u32);

/// How many keys are tried as the beginning of a shortest cycle.
const TRIED: usize = 64;

/// Keys and boundaries.
pub(super) struct Graph {
    keys: usize,
    /// The read of each boundary.
    reads: Vec<u32>,
    edges: Vec<(u32, u32)>,
}

impl Graph {
    pub(super) fn new(keys: usize) -> Self {
        Self {
            keys,
            reads: Vec::new(),
            edges: Vec::new(),
        }
    }

    #[allow(clippy::unused_self)]
    pub(super) fn key(&self, key: u32) -> Node {
        Node(key)
    }

    /// The boundary of a read.
    pub(super) fn boundary(&mut self, read: u32) -> Node {
        self.reads.push(read);
        Node((self.keys + self.reads.len() - 1) as u32)
    }

    pub(super) fn edge(&mut self, Node(from): Node, Node(to): Node) {
        self.edges.push((from, to));
    }

    /// What is held, in bytes, and what the search will hold.
    pub(super) fn bytes(&self) -> usize {
        self.edges.capacity() * 24 + self.reads.capacity() * 24
    }

    /// The keys of a short cycle, each with a read that saw it and not the next; `None` if there is no cycle.
    pub(super) fn cycle(mut self, budget: &Budget<'_>) -> Option<Vec<(u32, u32)>> {
        self.trim();
        let nodes = self.keys + self.reads.len();
        let forward = Lists::of(nodes, self.edges.iter().copied());
        let begin = on_a_cycle(&forward, self.edges.first()?.0);
        let others = self.edges.iter().map(|(from, _)| *from);
        let others = others
            .filter(|from| (*from as usize) < self.keys)
            .take(TRIED);
        let mut shortest: Option<Vec<(u32, u32)>> = None;
        let mut tried = None;
        for start in std::iter::once(begin).chain(others) {
            if tried == Some(start) || (shortest.is_some() && budget.is_over()) {
                continue;
            }
            tried = Some(start);
            if let Some(cycle) = self.shortest_through(&forward, start)
                && shortest
                    .as_ref()
                    .is_none_or(|other| cycle.len() < other.len())
            {
                shortest = Some(cycle);
            }
        }
        shortest
    }

    /// Takes away what is on no cycle, again and again: nodes that nothing comes before, or after.
    fn trim(&mut self) {
        let nodes = self.keys + self.reads.len();
        for _ in 0..2 {
            let lists = Lists::of(nodes, self.edges.iter().copied());
            let mut before = vec![0_u32; nodes];
            self.edges
                .iter()
                .for_each(|(_, to)| before[*to as usize] += 1);
            let mut free: Vec<u32> = (0..nodes as u32)
                .filter(|&node| before[node as usize] == 0)
                .collect();
            while let Some(node) = free.pop() {
                for &next in lists.after(node) {
                    before[next as usize] -= 1;
                    if before[next as usize] == 0 {
                        free.push(next);
                    }
                }
            }
            let stays = |node: u32| before[node as usize] > 0;
            self.edges.retain(|&(from, to)| stays(from) && stays(to));
            // The second time it is the other direction's turn.
            self.edges
                .iter_mut()
                .for_each(|edge| *edge = (edge.1, edge.0));
        }
        self.edges.sort_unstable();
        self.edges.dedup();
    }

    /// The cycle through a node with the fewest keys: steps from a key cost one, and all others nothing.
    fn shortest_through(&self, forward: &Lists, start: u32) -> Option<Vec<(u32, u32)>> {
        let nodes = self.keys + self.reads.len();
        let mut costs = vec![u32::MAX; nodes];
        let mut from = vec![u32::MAX; nodes];
        let mut queue = VecDeque::from([(0, start)]);
        let mut end: Option<(u32, u32)> = None;
        while let Some((cost, node)) = queue.pop_front() {
            if cost > costs[node as usize] {
                continue;
            }
            let is_key = (node as usize) < self.keys;
            for &next in forward.after(node) {
                let cost = cost + u32::from(is_key);
                if next == start && end.is_none_or(|(least, _)| cost < least) {
                    end = Some((cost, node));
                }
                if next == start || cost >= costs[next as usize] {
                    continue;
                }
                (costs[next as usize], from[next as usize]) = (cost, node);
                if is_key {
                    queue.push_back((cost, next));
                } else {
                    queue.push_front((cost, next));
                }
            }
        }
        let mut path = vec![end?.1];
        while let Some(&last) = path.last().filter(|last| **last != start) {
            path.push(from[last as usize]);
        }
        path.reverse();
        Some(self.keys_of(&path))
    }

    /// The keys of a cycle, each with the read of the boundary that follows it.
    fn keys_of(&self, path: &[u32]) -> Vec<(u32, u32)> {
        let at = |place: usize| path[place % path.len()];
        let is_key = |node: u32| (node as usize) < self.keys;
        let places = (0..path.len()).filter(|&place| is_key(at(place)));
        let with_read = |place: usize| (at(place), self.reads[at(place + 1) as usize - self.keys]);
        places.map(with_read).collect()
    }
}

/// From a node whose every successor has one in turn, a node that is on a cycle.
fn on_a_cycle(forward: &Lists, start: u32) -> u32 {
    let mut visited = vec![false; forward.ends.len()];
    let mut node = start;
    while !std::mem::replace(&mut visited[node as usize], true) {
        node = forward.after(node).first().copied().unwrap_or(node);
    }
    node
}

/// The successors of each node.
struct Lists {
    ends: Vec<u32>,
    list: Vec<u32>,
}

impl Lists {
    fn of(nodes: usize, edges: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut ends = vec![0_u32; nodes + 1];
        for (from, _) in edges.clone() {
            ends[from as usize + 1] += 1;
        }
        for node in 0..nodes {
            ends[node + 1] += ends[node];
        }
        let mut places = ends.clone();
        let mut list = vec![0; ends[nodes] as usize];
        for (from, to) in edges {
            let place = &mut places[from as usize];
            list[*place as usize] = to;
            *place += 1;
        }
        Self { ends, list }
    }

    fn after(&self, node: u32) -> &[u32] {
        let range = self.ends[node as usize] as usize..self.ends[node as usize + 1] as usize;
        &self.list[range]
    }
}
