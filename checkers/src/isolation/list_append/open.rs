//! Parts whose appends nobody saw have no certain order: is there one that the level allows?
//!
//! Under snapshot isolation of two transactions that append to a key one committed before the other took its
//! snapshot; which one is a choice, and the [solver](crate::isolation::solver) looks for choices without a cycle
//! among the moments. It is shown only the choices that its order violates: if of the appenders of a key, in the
//! order of their commits, none overlaps the next, then no two overlap.
//!
//! Where at most updates may be lost (`prefix`), or only cycles of some kinds of edges count, any topological
//! order of what is certain orders the rest, and nothing need be chosen.
//!
//! Whether some order is without a cycle of one anti-dependency is no question of one order of moments. If
//! snapshot isolation holds, so does that; otherwise the orders are tried one by one where they are few.

use rupture_history::Operation;

use super::prepared::Part;
use crate::Budget;
use crate::isolation::graph::{Digraph, Edge, Graph, Kinds, Moments, WW};
use crate::isolation::solver::{Choices, Order, Problem, Solution, Source, solve};

/// What became of an open part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Holds,
    /// No order will do: what happens in each case, as pairs of nodes of which the first wrote before the second.
    Fails(Vec<Vec<(u32, u32)>>),
    Unknown,
}

/// How many orders are tried one by one.
const ORDERS: usize = 2_000;
/// How many of them are told.
const TOLD: usize = 6;

impl Part {
    /// Whether the unseen appends have an order without a cycle among the moments.
    pub(super) fn open_moments(
        &self,
        kinds: Kinds,
        operations: &[Operation],
        budget: &Budget<'_>,
    ) -> Outcome {
        let moments = Moments {
            graph: &self.graph,
            kinds,
            prefix: false,
        };
        let edges = edges(&moments);
        let hints = self.hints(operations);
        let problem = Problem {
            nodes: moments.nodes(),
            edges: &edges,
            hints: &hints,
        };
        let mut choices = Choices::default();
        let mut source = Unseen { open: &self.open };
        match solve(problem, &mut choices, &mut source, budget) {
            Solution::Order(_) => Outcome::Holds,
            Solution::Stopped { .. } => Outcome::Unknown,
            Solution::Cyclic(proof) => {
                let side = |&(choice, second): &(u32, bool)| {
                    let (one, other) = choices.about(choice);
                    if second { (other, one) } else { (one, other) }
                };
                let cases = proof.cases.iter();
                Outcome::Fails(
                    cases
                        .map(|case| case.taken.iter().map(side).collect())
                        .collect(),
                )
            }
        }
    }

    /// Whether they have an order of which `bad` says no.
    pub(super) fn open_orders(
        &self,
        budget: &Budget<'_>,
        mut bad: impl FnMut(&Graph) -> Option<bool>,
    ) -> Outcome {
        let orders = self.open.iter().map(|(_, nodes)| factorial(nodes.len()));
        let orders = orders.fold(1_usize, usize::saturating_mul);
        if orders > ORDERS {
            return Outcome::Unknown;
        }
        for number in 0..orders {
            if budget.is_over() {
                return Outcome::Unknown;
            }
            let graph = self.with(&self.ordered(number));
            match bad(&graph) {
                Some(false) => return Outcome::Holds,
                Some(true) => {}
                None => return Outcome::Unknown,
            }
        }
        Outcome::Fails(
            (0..orders.min(TOLD))
                .map(|number| self.ordered(number))
                .collect(),
        )
    }

    /// The graph with more overwritings.
    pub(super) fn with(&self, before: &[(u32, u32)]) -> Graph {
        let mut edges: Vec<Edge> = Vec::new();
        for from in 0..self.graph.nodes() {
            let own = self.graph.edges(from);
            edges.extend(own.map(|(to, kind)| Edge { from, to, kind }));
        }
        let more = |&(from, to): &(u32, u32)| Edge { from, to, kind: WW };
        edges.extend(before.iter().map(more));
        Graph::of(self.graph.transactions(), self.graph.nodes(), &edges)
    }

    /// One of the orders of all unseen appends, each before the next.
    fn ordered(&self, mut number: usize) -> Vec<(u32, u32)> {
        let mut before = Vec::new();
        for (_, nodes) in &self.open {
            let mut left = nodes.clone();
            let mut last = None;
            while !left.is_empty() {
                let next = left.remove(number % left.len());
                number /= left.len() + 1;
                before.extend(last.map(|last| (last, next)));
                last = Some(next);
            }
        }
        before
    }

    /// Where moments would like to stand: snapshots at invocations, commits at completions.
    fn hints(&self, operations: &[Operation]) -> Vec<u32> {
        let real = self.graph.transactions() as usize;
        let mut hints = Vec::with_capacity(2 * self.nodes.len());
        for (node, &number) in self.nodes.iter().enumerate() {
            if node < real {
                let operation = operations[number as usize];
                let committed = operation.ended().unwrap_or(operation.invoked);
                hints.extend([operation.invoked, committed]);
            } else {
                hints.extend([u32::MAX / 2; 2]);
            }
        }
        hints
    }
}

fn factorial(n: usize) -> usize {
    (1..=n).fold(1, usize::saturating_mul)
}

/// All edges of a graph.
fn edges(graph: &impl Digraph) -> Vec<(u32, u32)> {
    let mut edges = Vec::new();
    for node in 0..graph.nodes() {
        let mut cursor = 0;
        while let Some(to) = graph.next(node, &mut cursor) {
            edges.push((node, to));
        }
    }
    edges
}

/// Knows which appenders of a key overlap in an order of moments.
struct Unseen<'a> {
    open: &'a [(u32, Vec<u32>)],
}

impl Source for Unseen<'_> {
    fn violated(&mut self, order: &Order, choices: &mut Choices) {
        for (_, nodes) in self.open {
            let mut nodes = nodes.clone();
            nodes.sort_unstable_by_key(|&node| order.place(2 * node + 1));
            for pair in nodes.windows(2) {
                let (one, other) = (pair[0], pair[1]);
                if !order.keeps((2 * one + 1, 2 * other)) {
                    let either = [(2 * one + 1, 2 * other)];
                    let or = [(2 * other + 1, 2 * one)];
                    choices.push(&either, &or, (one, other));
                }
            }
        }
    }
}
