//! The graph of certain edges and of the sides taken, with an order of its nodes that is kept up to date.
//!
//! Certain edges never change and lie in compressed sparse rows, both ways. The edges of sides come and go in any
//! order, so they are linked into lists. When an edge leads backwards in the order, what reaches its source and
//! what its target reaches, within the places between the two, change places (Pearce & Kelly 2006, section 3).
//! Taking an edge away leaves the order right.

use super::Problem;
use super::choices::{Choices, Edge, Side};
use super::order::{self, Rows};

/// No edge.
const NONE: u32 = u32::MAX;

/// An order of all nodes.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(super) places: Vec<u32>,
}

impl Order {
    /// Where a node stands; no two stand at the same place.
    pub(crate) fn place(&self, node: u32) -> u32 {
        self.places[node as usize]
    }

    /// Whether an edge leads forwards.
    pub(crate) fn keeps(&self, (from, to): Edge) -> bool {
        self.place(from) < self.place(to)
    }
}

/// How an edge of a side is linked into the lists of its two nodes.
#[derive(Clone, Copy, Debug)]
struct Link {
    /// The side that the edge belongs to.
    side: Side,
    linked: bool,
    /// The next and the previous edge out of the same node.
    out: [u32; 2],
    /// The next and the previous edge into the same node.
    into: [u32; 2],
}

/// One step of a path: along which edge of a side, if it is none of the certain ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) side: Option<Side>,
}

#[derive(Debug)]
pub(super) struct Graph {
    out: Rows,
    into: Rows,
    order: Order,
    /// The first edge of a side out of each node, and into it.
    heads: Vec<[u32; 2]>,
    links: Vec<Link>,
    marks: Marks,
    ahead: Vec<u32>,
    behind: Vec<u32>,
    /// The places of both, in order.
    free: Vec<u32>,
    /// Nodes that changed places and were not told of yet.
    moved: Vec<u32>,
    has_moved: Vec<bool>,
}

/// Which nodes a walk has seen.
#[derive(Debug)]
struct Marks {
    marks: Vec<u32>,
    now: u32,
}

impl Marks {
    fn clear(&mut self) {
        if self.now == u32::MAX {
            self.marks.fill(0);
            self.now = 0;
        }
        self.now += 1;
    }

    /// Whether it was not seen before.
    fn see(&mut self, node: u32) -> bool {
        std::mem::replace(&mut self.marks[node as usize], self.now) != self.now
    }
}

impl Graph {
    /// The certain edges, in an order near to the hints.
    ///
    /// # Errors
    /// The certain edges have a cycle, which is returned: its nodes in order.
    pub(super) fn of(problem: Problem<'_>) -> Result<Self, Vec<u32>> {
        let out = Rows::out(problem.nodes, problem.edges);
        let into = Rows::into(problem.nodes, problem.edges);
        let places = order::near(&into, problem.hints).ok_or_else(|| order::cycle(&out, &into))?;
        Ok(Self {
            out,
            into,
            order: Order { places },
            heads: vec![[NONE; 2]; problem.nodes as usize],
            links: Vec::new(),
            marks: Marks {
                marks: vec![0; problem.nodes as usize],
                now: 0,
            },
            ahead: Vec::new(),
            behind: Vec::new(),
            free: Vec::new(),
            moved: Vec::new(),
            has_moved: vec![false; problem.nodes as usize],
        })
    }

    /// How many bytes a graph of so many nodes and certain edges takes.
    pub(super) fn bytes(nodes: usize, edges: usize) -> usize {
        nodes * 36 + edges * 8
    }

    pub(super) fn order(&self) -> &Order {
        &self.order
    }

    pub(super) fn into_order(self) -> Order {
        self.order
    }

    pub(super) fn nodes(&self) -> u32 {
        self.order.places.len() as u32
    }

    /// The certain edges out of a node.
    pub(super) fn out(&self, node: u32) -> &[u32] {
        self.out.of(node)
    }

    /// How many bytes there are for the edges of sides.
    pub(super) fn link_bytes(&self) -> usize {
        self.links.capacity() * size_of::<Link>()
    }

    /// The side that an edge belongs to.
    pub(super) fn side_of(&self, edge: u32) -> Side {
        self.links[edge as usize].side
    }

    /// Makes room for the edges of new choices.
    pub(super) fn grow(&mut self, choices: &Choices) {
        let mut at = self.links.len();
        let mut side = self.links.last().map_or(0, |link| link.side);
        while at < choices.edge_count() {
            while choices.range(side).end <= at {
                side += 1;
            }
            self.links.push(Link {
                side,
                linked: false,
                out: [NONE; 2],
                into: [NONE; 2],
            });
            at += 1;
        }
    }

    /// Adds the edges of a side. False where one of them closes a cycle; [`culprits`](Self::culprits) then tells
    /// with which sides, and those before it stay until they are [released](Self::release).
    pub(super) fn take(&mut self, choices: &Choices, side: Side) -> Result<(), Edge> {
        for number in choices.range(side) {
            let edge = choices.edge(number);
            if !self.order.keeps(edge) && !self.mend(choices, edge) {
                return Err(edge);
            }
            self.link(number as u32, edge);
        }
        Ok(())
    }

    /// Takes the edges of a side away.
    pub(super) fn release(&mut self, choices: &Choices, side: Side) {
        for number in choices.range(side) {
            if self.links[number].linked {
                self.unlink(number as u32, choices.edge(number));
            }
        }
    }

    fn link(&mut self, number: u32, (from, to): Edge) {
        let next = [self.heads[from as usize][0], self.heads[to as usize][1]];
        self.heads[from as usize][0] = number;
        self.heads[to as usize][1] = number;
        let link = &mut self.links[number as usize];
        link.linked = true;
        link.out = [next[0], NONE];
        link.into = [next[1], NONE];
        if next[0] != NONE {
            self.links[next[0] as usize].out[1] = number;
        }
        if next[1] != NONE {
            self.links[next[1] as usize].into[1] = number;
        }
    }

    fn unlink(&mut self, number: u32, (from, to): Edge) {
        let Link { out, into, .. } = self.links[number as usize];
        self.links[number as usize].linked = false;
        match out[1] {
            NONE => self.heads[from as usize][0] = out[0],
            before => self.links[before as usize].out[0] = out[0],
        }
        match into[1] {
            NONE => self.heads[to as usize][1] = into[0],
            before => self.links[before as usize].into[0] = into[0],
        }
        if out[0] != NONE {
            self.links[out[0] as usize].out[1] = out[1];
        }
        if into[0] != NONE {
            self.links[into[0] as usize].into[1] = into[1];
        }
    }

    /// Reorders nodes so that an edge leads forwards. False if it closes a cycle.
    fn mend(&mut self, choices: &Choices, (from, to): Edge) -> bool {
        if from == to || !self.look_ahead(choices, from, to) {
            return false;
        }
        self.look_behind(choices, from, to);
        self.exchange();
        true
    }

    /// Finds what `to` reaches before the place of `from`. False if that includes `from`.
    fn look_ahead(&mut self, choices: &Choices, from: u32, to: u32) -> bool {
        let bound = self.order.place(from);
        self.marks.clear();
        self.marks.see(to);
        self.ahead.clear();
        self.ahead.push(to);
        let mut at = 0;
        while let Some(&node) = self.ahead.get(at) {
            at += 1;
            for &next in self.out.of(node) {
                if next == from {
                    return false;
                }
                if self.order.place(next) < bound && self.marks.see(next) {
                    self.ahead.push(next);
                }
            }
            let mut edge = self.heads[node as usize][0];
            while edge != NONE {
                let next = choices.edge(edge as usize).1;
                if next == from {
                    return false;
                }
                if self.order.place(next) < bound && self.marks.see(next) {
                    self.ahead.push(next);
                }
                edge = self.links[edge as usize].out[0];
            }
        }
        true
    }

    /// Finds what reaches `from` behind the place of `to`.
    fn look_behind(&mut self, choices: &Choices, from: u32, to: u32) {
        let bound = self.order.place(to);
        self.marks.see(from);
        self.behind.clear();
        self.behind.push(from);
        let mut at = 0;
        while let Some(&node) = self.behind.get(at) {
            at += 1;
            for &next in self.into.of(node) {
                if self.order.place(next) > bound && self.marks.see(next) {
                    self.behind.push(next);
                }
            }
            let mut edge = self.heads[node as usize][1];
            while edge != NONE {
                let next = choices.edge(edge as usize).0;
                if self.order.place(next) > bound && self.marks.see(next) {
                    self.behind.push(next);
                }
                edge = self.links[edge as usize].into[0];
            }
        }
    }

    /// Gives what is behind the first of the places of both, and what is ahead the others.
    fn exchange(&mut self) {
        let places = &mut self.order.places;
        self.ahead
            .sort_unstable_by_key(|&node| places[node as usize]);
        self.behind
            .sort_unstable_by_key(|&node| places[node as usize]);
        self.free.clear();
        let both = self.behind.iter().chain(&self.ahead);
        self.free.extend(both.map(|&node| places[node as usize]));
        self.free.sort_unstable();
        let both = self.behind.iter().chain(&self.ahead);
        for (&node, &place) in both.zip(&self.free) {
            places[node as usize] = place;
            if !std::mem::replace(&mut self.has_moved[node as usize], true) {
                self.moved.push(node);
            }
        }
    }

    /// A node that changed places since it was told of last.
    pub(super) fn next_moved(&mut self) -> Option<u32> {
        let node = self.moved.pop()?;
        self.has_moved[node as usize] = false;
        Some(node)
    }

    /// Whether one of the edges of a side would close a cycle, and which.
    pub(super) fn closes(&mut self, choices: &Choices, side: Side) -> Option<Edge> {
        let mut edges = choices.edges(side).iter().copied();
        edges.find(|&(from, to)| {
            let backwards = !self.order.keeps((from, to));
            backwards && (from == to || !self.look_ahead(choices, from, to))
        })
    }

    /// The sides on a cycle that an edge closes, as few as there can be on one: each taken side costs a step, and
    /// a certain edge nothing, nor a side that is taken for good.
    pub(super) fn culprits(
        &mut self,
        choices: &Choices,
        (from, to): Edge,
        for_good: impl Fn(Side) -> bool,
    ) -> Vec<Side> {
        if from == to {
            return Vec::new();
        }
        let bound = self.order.place(from);
        self.marks.clear();
        let mut came: Vec<(u32, u32, Step)> = Vec::new();
        // Nodes of this cost and of the next; with each where it came from, as a place in `came`.
        let mut here = vec![(to, NONE, Step { side: None })];
        let mut next = Vec::new();
        loop {
            while let Some((node, before, step)) = here.pop() {
                if !self.marks.see(node) {
                    continue;
                }
                let place = came.len() as u32;
                came.push((node, before, step));
                if node == from {
                    return trace(&came, place);
                }
                let within = |node: u32| self.order.place(node) <= bound;
                let certain = self.out.of(node).iter().filter(|&&node| within(node));
                here.extend(certain.map(|&node| (node, place, Step { side: None })));
                let mut edge = self.heads[node as usize][0];
                while edge != NONE {
                    let link = &self.links[edge as usize];
                    let node = choices.edge(edge as usize).1;
                    if within(node) {
                        let list = if for_good(link.side) {
                            &mut here
                        } else {
                            &mut next
                        };
                        let side = Some(link.side);
                        list.push((node, place, Step { side }));
                    }
                    edge = link.out[0];
                }
            }
            if next.is_empty() {
                return Vec::new();
            }
            std::mem::swap(&mut here, &mut next);
            here.reverse();
        }
    }
}

/// The sides on the way to a place.
fn trace(came: &[(u32, u32, Step)], mut place: u32) -> Vec<Side> {
    let mut sides = Vec::new();
    while place != NONE {
        let (_, before, step) = came[place as usize];
        sides.extend(step.side);
        place = before;
    }
    sides
}
