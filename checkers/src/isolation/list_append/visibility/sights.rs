//! Who saw whom, and who missed whom, as a graph whose size is that of the history.
//!
//! A read of `n` elements saw up to `n` transactions, and misses all that follow. So both go through auxiliary nodes: one
//! for each beginning of a list, which all its appenders lead to, and one for each end of it, which leads to its
//! appenders.

use super::Scene;
use crate::Budget;
use crate::isolation::graph::{
    Edge, Graph, Kinds, Masked, NOWHERE, ON, PROCESS, RW, WR, WW, components,
};
use crate::isolation::list_append::lists::{NONE, Read, length};
use crate::isolation::{order, within};
use crate::linearizability::search::Stop;

/// A part of the graph in which every node reaches every other.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) graph: Graph,
    /// Which transaction each node is; auxiliary nodes come after them.
    pub(super) nodes: Vec<u32>,
}

/// The kinds of edges along which one transaction saw another, those from auxiliary nodes included.
pub(super) const SIGHT: Kinds = WR | ON;

/// The parts that can hold a circle of sessions, of who saw whom, and besides of edges of one kind: of who missed
/// whom ([`RW`]), or of the orders of lists ([`WW`]).
///
/// # Errors
/// The budget ends first.
pub(super) fn parts(
    scene: &Scene<'_, '_>,
    besides: Kinds,
    budget: &Budget<'_>,
) -> Result<Vec<Part>, Stop> {
    let transactions = scene.transactions.len() as u32;
    let mut sights = Sights {
        scene: *scene,
        edges: Vec::new(),
        nodes: transactions,
    };
    for key in 0..scene.transactions.key_count() as u32 {
        if !scene.listing.lists[key as usize].broken {
            sights.key(key, besides);
        }
    }
    let Sights {
        mut edges, nodes, ..
    } = sights;
    order::sessions(
        &scene.transactions.operations,
        &scene.listing.takes_part,
        &mut edges,
    );
    let bytes = Graph::bytes(nodes as usize, edges.len());
    within(budget, scene.transactions.bytes() + bytes)?;
    let graph = Graph::of(transactions, nodes, &edges);
    drop(edges);
    let kinds = PROCESS | WR | besides;
    let mut places = vec![NOWHERE; nodes as usize];
    let parts = components(&Masked {
        graph: &graph,
        kinds,
    });
    let part = |nodes: Vec<u32>| Part {
        graph: graph.part(&nodes, &mut places),
        nodes,
    };
    Ok(parts.into_iter().map(part).collect())
}

impl Part {
    /// Its nodes that are transactions.
    pub(super) fn transactions(&self) -> &[u32] {
        &self.nodes[..self.graph.transactions() as usize]
    }
}

/// The edges as they are collected.
struct Sights<'a, 'h> {
    scene: Scene<'a, 'h>,
    edges: Vec<Edge>,
    nodes: u32,
}

impl Sights<'_, '_> {
    fn key(&mut self, key: u32, besides: Kinds) {
        let seen = self.beginnings(key);
        for &read in self.scene.listing.reads_of(key) {
            if let Some(last) = self.scene.seen(key, read).checked_sub(1) {
                self.leads(seen[last], read.transaction, WR);
            }
        }
        if besides & RW != 0 {
            self.misses(key);
        }
        if besides & WW != 0 {
            self.overwritings(key);
        }
    }

    /// Who missed whom.
    fn misses(&mut self, key: u32) {
        let missed = self.ends(key);
        for &read in self.scene.listing.reads_of(key) {
            let next = missed[self.first_missed(key, read)];
            if next != NONE {
                self.edge(read.transaction, next, RW);
            }
        }
    }

    /// The order of a list.
    fn overwritings(&mut self, key: u32) {
        let scene = self.scene;
        let writes = (0..scene.count(key)).map(|place| scene.element(key, place));
        let mut last = None;
        for write in writes.filter(|&write| scene.counts(write)) {
            if let Some(last) = last {
                self.edge(last, write.transaction, WW);
            }
            last = Some(write.transaction);
        }
    }

    fn edge(&mut self, from: u32, to: u32, kind: Kinds) {
        if from != to {
            self.edges.push(Edge { from, to, kind });
        }
    }

    fn is_auxiliary(&self, node: u32) -> bool {
        node as usize >= self.scene.transactions.len()
    }

    /// An edge from what stands for a beginning, if anything does.
    fn leads(&mut self, from: u32, to: u32, kind: Kinds) {
        if from != NONE {
            let auxiliary = self.is_auxiliary(from);
            self.edge(from, to, if auxiliary { ON } else { kind });
        }
    }

    fn auxiliary(&mut self) -> u32 {
        self.nodes += 1;
        self.nodes - 1
    }

    /// By place: the node that stands for all appenders up to there.
    fn beginnings(&mut self, key: u32) -> Vec<u32> {
        let count = self.scene.count(key);
        let mut beginnings = Vec::with_capacity(count);
        let mut last = NONE;
        for place in 0..count {
            let write = self.scene.element(key, place);
            let writer = write.transaction;
            if self.scene.counts(write) && last != writer {
                if last == NONE {
                    last = writer;
                } else {
                    let all = self.auxiliary();
                    self.leads(last, all, WR);
                    self.edge(writer, all, WR);
                    last = all;
                }
            }
            beginnings.push(last);
        }
        beginnings
    }

    /// By place, and once more: the node that stands for all appenders from there on, those whom nobody saw included.
    fn ends(&mut self, key: u32) -> Vec<u32> {
        let count = self.scene.count(key);
        let mut unseen = self.scene.unseen(key).peekable();
        let mut next = NONE;
        if unseen.peek().is_some() {
            next = self.auxiliary();
            for write in unseen {
                self.edge(next, write.transaction, ON);
            }
        }
        let mut ends = vec![next; count + 1];
        for place in (0..count).rev() {
            let write = self.scene.element(key, place);
            if self.scene.counts(write) {
                let all = self.auxiliary();
                self.edge(all, write.transaction, ON);
                if next != NONE {
                    self.edge(all, next, ON);
                }
                next = all;
            }
            ends[place] = next;
        }
        ends
    }

    /// The place of the first element after a read that the reader did not append itself.
    fn first_missed(&self, key: u32, read: Read) -> usize {
        let from = length(self.scene.transactions, read);
        let own = |&place: &usize| self.scene.element(key, place).transaction == read.transaction;
        let count = self.scene.count(key);
        from + (from..count).take_while(own).count()
    }
}
