//! Is there an order that keeps every certain edge and, of every choice, one side?
//!
//! This is the acyclicity of a *polygraph* (Papadimitriou 1979, section 3): some edges are certain, and of each
//! pair of bundles one must be taken whole, so that no cycle comes about. Which of two blind writes of a key came
//! first is such a choice. The problem is NP-complete, and hardly ever hard: of a history that is right, the
//! order in which its transactions completed satisfies nearly all choices.
//!
//! So the solver holds one order of all nodes at any time and decides only the choices that this order does not
//! satisfy. It is a conflict-driven search (as in `MiniSat`, Eén & Sörensson 2003) whose theory is the order:
//!
//! - taking a side adds its edges, and the order is mended about them (Pearce & Kelly 2006): the cost is what
//!   lies between the two ends, not the size of the graph;
//! - where it cannot be mended there is a cycle, and the sides on it cannot be taken together: a clause, from
//!   which the search learns as usual;
//! - a choice whose one side closes a cycle with certain edges is thereby decided for good: this is the pruning
//!   of Cobra (OSDI 2020) and `PolySI` (VLDB 2023), done where it is needed;
//! - sides that are taken back leave the order as it is, so what it satisfied it satisfies still;
//! - what is no cycle of the order, and impossible all the same, is forbidden where it is met: a clause like the others.
//!
//! There may be far more choices than anybody can write down, one for any two writes of a key. They are asked
//! for as they are needed: a [`Source`] is shown an order and tells what it violates. When it has nothing to
//! add, the order is the solution. When there is none, the choices that the proof used are few, and are
//! [made fewer](proof) until none can be spared.
//!
//! Deliberately absent: a SAT solver from elsewhere, which knows nothing of an order that is nearly right; and
//! reachability of all from all, which takes memory that grows with the square of the history.
//!
//! No choice is left to chance, and no memory address or hash is looked at: the same problem has the same answer.

mod bounds;
mod choices;
mod clauses;
mod graph;
mod heap;
mod order;
pub(crate) mod proof;
mod search;
#[cfg(test)]
mod tests;

pub(crate) use choices::{Choices, Edge};
pub(crate) use graph::Order;
pub(crate) use proof::{Case, Hop, Proof};

use crate::Budget;
use bounds::Bounds;
use graph::Graph;
use search::Search;

/// What a solution has to keep.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Problem<'p> {
    /// Nodes are the numbers below this.
    pub(crate) nodes: u32,
    /// The edges that every solution keeps.
    pub(crate) edges: &'p [Edge],
    /// Where each node would like to stand, one number a node; less is earlier. It changes no answer but which
    /// order is found, and how soon.
    pub(crate) hints: &'p [u32],
}

/// Knows of choices that need not be written down before an order violates them.
pub(crate) trait Source {
    /// Adds choices that every solution must satisfy and this order does not, and nothing if it satisfies them
    /// all. The order keeps every certain edge and satisfies every choice that there is already. It may also
    /// [forbid](Choices::forbid) sides that the order has together and no solution has.
    fn violated(&mut self, order: &Order, choices: &mut Choices);
}

/// All choices are written down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoSource;

impl Source for NoSource {
    fn violated(&mut self, _: &Order, _: &mut Choices) {}
}

/// The answer.
#[derive(Clone, Debug)]
pub(crate) enum Solution {
    /// An order that keeps every certain edge, and one side of every choice.
    Order(Order),
    /// There is none, and this is why.
    Cyclic(Proof),
    /// Out of time or memory. How far it got: how many choices there were, and how many decisions it took back.
    Stopped {
        /// The choices that were looked at.
        choices: usize,
        /// How often the search ran into a contradiction.
        conflicts: u64,
    },
}

/// Looks for an order, and gives up after so many contradictions: no proof is looked for. For problems that ask for
/// more than they need to, and as a first try, for it goes about the search in another way than [`solve`].
pub(crate) fn attempt(
    problem: Problem<'_>,
    source: &mut impl Source,
    conflicts: u64,
    budget: &Budget<'_>,
) -> Option<Order> {
    let bounds = Bounds::of(budget).with_conflicts(conflicts).whole();
    if bounds.is_over(Graph::bytes(problem.nodes as usize, problem.edges.len())) {
        return None;
    }
    let mut choices = Choices::default();
    let mut search = Search::new(Graph::of(problem).ok()?, &mut choices, bounds);
    matches!(search.run(source), search::End::Order).then(|| search.into_order())
}

/// Decides a problem. The choices are those that are known from the start; more may be added by the source,
/// and what is in them afterwards is what a [`Proof`] speaks of.
///
/// Time and memory are near to linear where the hints are near to a solution, and exponential at worst; they are
/// kept within the budget.
pub(crate) fn solve(
    problem: Problem<'_>,
    choices: &mut Choices,
    source: &mut impl Source,
    budget: &Budget<'_>,
) -> Solution {
    let bounds = Bounds::of(budget);
    let stopped = |choices: &Choices| Solution::Stopped {
        choices: choices.len(),
        conflicts: 0,
    };
    if bounds.is_over(Graph::bytes(problem.nodes as usize, problem.edges.len())) {
        return stopped(choices);
    }
    let graph = match Graph::of(problem) {
        Ok(graph) => graph,
        Err(cycle) => return Solution::Cyclic(Proof::certain(cycle)),
    };
    let mut search = Search::new(graph, choices, bounds);
    match search.run(source) {
        search::End::Order => Solution::Order(search.into_order()),
        search::End::Stopped => Solution::Stopped {
            conflicts: search.conflicts(),
            choices: search.choices().len(),
        },
        // What was forbidden is not to be seen in the graph, so whoever forbade it has to tell the cases.
        search::End::Contradiction(used) if search.choices().forbids() => Solution::Cyclic(Proof {
            choices: used,
            ..Proof::default()
        }),
        search::End::Contradiction(used) => {
            let graph = search.into_graph();
            Solution::Cyclic(proof::of(&graph, choices, used, bounds))
        }
    }
}
