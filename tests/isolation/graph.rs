//! The graph of transactions and the cycles in it, by the names of Adya and Elle.
//!
//! Real time has nodes of its own, one for each completion, in a chain: a transaction leads to its completion and is
//! reached from the last one before its invocation.

use std::collections::BTreeSet;

use crate::phenomena::Txn;

type Edges = Vec<(usize, usize)>;

/// Transactions and what orders them.
pub(crate) struct Graph {
    /// Transactions, and after them completions.
    nodes: usize,
    ww: Edges,
    wr: Edges,
    rw: Edges,
    process: Edges,
    realtime: Edges,
}

impl Graph {
    pub(crate) fn new(txns: &[Txn]) -> Self {
        let mut ends: Vec<(usize, usize)> = Vec::new();
        for (number, txn) in txns.iter().enumerate() {
            ends.extend(txn.completed.map(|row| (row, number)));
        }
        ends.sort_unstable();
        let mut realtime = Edges::new();
        for (place, (_, number)) in ends.iter().enumerate() {
            let node = txns.len() + place;
            realtime.push((*number, node));
            if place > 0 {
                realtime.push((node - 1, node));
            }
        }
        let mut process = Edges::new();
        for (number, txn) in txns.iter().enumerate() {
            let before = ends.partition_point(|(row, _)| *row < txn.invoked);
            if before > 0 {
                realtime.push((txns.len() + before - 1, number));
            }
            let mut earlier = ends[..before].iter().rev();
            let same = earlier.find(|(_, other)| txns[*other].process == txn.process);
            process.extend(same.map(|(_, other)| (*other, number)));
        }
        Self {
            nodes: txns.len() + ends.len(),
            ww: Edges::new(),
            wr: Edges::new(),
            rw: Edges::new(),
            process,
            realtime,
        }
    }

    pub(crate) fn overwrites(&mut self, earlier: usize, later: usize) {
        push(&mut self.ww, Some(earlier), Some(later));
    }

    pub(crate) fn reads_from(&mut self, writer: Option<usize>, reader: usize) {
        push(&mut self.wr, writer, Some(reader));
    }

    pub(crate) fn overwritten_by(&mut self, reader: usize, writer: Option<usize>) {
        push(&mut self.rw, Some(reader), writer);
    }

    /// Adds the names of the cycles that there are.
    pub(crate) fn cycles(&self, found: &mut BTreeSet<&'static str>) {
        let dependencies = [&self.ww[..], &self.wr[..]].concat();
        let mut note = |name, holds: bool| {
            if holds {
                found.insert(name);
            }
        };
        note("G0", self.order(&self.ww).is_none());
        let order = self.order(&dependencies);
        note("G1c", order.is_none());
        note("G-single", self.has_single(&dependencies, order));
        for (further, nonadjacent, any) in [
            (&Edges::new(), "G-nonadjacent", "G2"),
            (&self.process, "G-nonadjacent-process", "G2-process"),
            (&self.realtime, "G-nonadjacent-realtime", "G2-realtime"),
        ] {
            let steps = [&dependencies[..], further].concat();
            note(nonadjacent, self.has_nonadjacent(&steps));
            let all = [&steps[..], &self.rw].concat();
            note(any, self.order(&all).is_none());
        }
    }

    /// The place of every node in an order that keeps the edges; `None` where there is a cycle.
    fn order(&self, edges: &[(usize, usize)]) -> Option<Vec<usize>> {
        topological(self.nodes, edges)
    }

    /// Whether there is a cycle with one anti-dependency, given that there is none without.
    fn has_single(&self, dependencies: &[(usize, usize)], order: Option<Vec<usize>>) -> bool {
        let Some(place) = order else {
            return true;
        };
        let after = successors(self.nodes, dependencies);
        self.rw.iter().any(|(reader, writer)| {
            let mut open = vec![*writer];
            let mut met = BTreeSet::from([*writer]);
            while let Some(node) = open.pop() {
                if node == *reader {
                    return true;
                }
                let near = after[node]
                    .iter()
                    .filter(|it| place[**it] <= place[*reader]);
                open.extend(near.filter(|it| met.insert(**it)));
            }
            false
        })
    }

    /// Whether there is a cycle without two adjacent anti-dependencies: every node is there twice, the second time for
    /// those who came by an anti-dependency and must not go on by another.
    fn has_nonadjacent(&self, steps: &[(usize, usize)]) -> bool {
        let twin = |node: &usize| self.nodes + node;
        let mut edges = steps.to_vec();
        edges.extend(steps.iter().map(|(from, to)| (twin(from), *to)));
        edges.extend(self.rw.iter().map(|(from, to)| (*from, twin(to))));
        topological(2 * self.nodes, &edges).is_none()
    }
}

fn push(edges: &mut Edges, from: Option<usize>, to: Option<usize>) {
    if let (Some(from), Some(to)) = (from, to)
        && from != to
    {
        edges.push((from, to));
    }
}

fn successors(nodes: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut after = vec![Vec::new(); nodes];
    for (from, to) in edges {
        after[*from].push(*to);
    }
    after
}

/// Takes nodes that nothing leads to, until none is left (Kahn 1962).
fn topological(nodes: usize, edges: &[(usize, usize)]) -> Option<Vec<usize>> {
    let after = successors(nodes, edges);
    let mut waits_for = vec![0_usize; nodes];
    for (_, to) in edges {
        waits_for[*to] += 1;
    }
    let mut open: Vec<usize> = (0..nodes).filter(|node| waits_for[*node] == 0).collect();
    let mut place = vec![0; nodes];
    let mut taken = 0;
    while let Some(node) = open.pop() {
        place[node] = taken;
        taken += 1;
        for next in &after[node] {
            waits_for[*next] -= 1;
            if waits_for[*next] == 0 {
                open.push(*next);
            }
        }
    }
    (taken == nodes).then_some(place)
}
