//! Everything about a history that does not depend on the level, so that all levels can be judged by it.

use super::contradicted;
use super::dependencies::{self, Found};
use super::findings::Finding;
use super::lists::Listing;
use super::own;
use super::sessions::Sight;
use crate::Budget;
use crate::isolation::graph::{Graph, Kinds, Masked, NOWHERE, PROCESS, REALTIME, components};
use crate::isolation::promise::Fault;
use crate::isolation::transactions::{Lists, Transactions, Writes};
use crate::isolation::{order, within};
use crate::linearizability::search::Stop;

/// A part of the graph in which every node reaches every other.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) graph: Graph,
    /// Which transaction each node of the part is; auxiliary nodes come after them.
    pub(super) nodes: Vec<u32>,
    /// Keys of which several appenders that nobody saw are in the part, and these by their nodes.
    pub(super) open: Vec<(u32, Vec<u32>)>,
}

/// A history, ready to be judged.
pub(super) struct Prepared<'a, 'h> {
    pub(super) transactions: &'a Transactions<'h, Lists>,
    pub(super) writes: &'a Writes,
    pub(super) listing: Listing,
    /// By fault, in order.
    pub(super) findings: Vec<Finding>,
    pub(super) parts: Vec<Part>,
}

/// Bytes for each write, read and key while the lists are found.
const A_MICRO: usize = 24;

impl<'a, 'h> Prepared<'a, 'h> {
    /// Prepares for levels that look at edges of these kinds and ask for these faults.
    ///
    /// # Errors
    /// The budget ends first.
    pub(super) fn of(
        transactions: &'a Transactions<'h, Lists>,
        writes: &'a Writes,
        kinds: Kinds,
        asks: &dyn Fn(Fault) -> bool,
        budget: &Budget<'_>,
    ) -> Result<Self, Stop> {
        let micros = transactions.micros().len();
        let held = transactions.bytes() + micros * A_MICRO;
        within(budget, held)?;
        let listing = Listing::of(transactions, writes);
        within(budget, held)?;
        let Found {
            mut edges,
            mut findings,
            open,
            mut nodes,
        } = dependencies::found(transactions, writes, &listing);
        let sight = Sight {
            transactions,
            writes,
            listing: &listing,
        };
        single(sight, asks, &mut findings);
        edges.retain(|edge| edge.kind & (kinds | crate::isolation::graph::ON) != 0);
        within(budget, held + Graph::bytes(nodes as usize, edges.len()))?;
        if kinds & PROCESS != 0 {
            order::sessions(&transactions.operations, &listing.takes_part, &mut edges);
        }
        if kinds & REALTIME != 0 {
            nodes = order::real_time(
                &transactions.operations,
                &listing.takes_part,
                nodes,
                &mut edges,
            );
        }
        within(budget, held + Graph::bytes(nodes as usize, edges.len()))?;
        let graph = Graph::of(transactions.len() as u32, nodes, &edges);
        drop(edges);
        let parts = parts(&graph, kinds, &open);
        if asks(Fault::FracturedRead) || asks(Fault::VanishedTransaction) {
            let sight = Sight {
                transactions,
                writes,
                listing: &listing,
            };
            for part in &parts {
                within(budget, held)?;
                for &number in &part.nodes[..part.graph.transactions() as usize] {
                    sight.fractured(number, &mut findings);
                }
            }
        }
        findings.retain(|finding| asks(finding.fault));
        findings.sort_unstable();
        Ok(Self {
            transactions,
            writes,
            listing,
            findings,
            parts,
        })
    }
}

/// What single transactions and sessions show, as far as somebody asks.
fn single(sight: Sight<'_, '_>, asks: &dyn Fn(Fault) -> bool, findings: &mut Vec<Finding>) {
    if asks(Fault::Internal) || asks(Fault::FutureRead) {
        findings.extend(own::found(sight.transactions));
    }
    if asks(Fault::NonMonotonicRead) || asks(Fault::MissedOwnWrite) {
        sight.sessions(findings);
        contradicted::found(sight, findings);
    }
}

/// The parts that can hold a cycle.
fn parts(graph: &Graph, kinds: Kinds, open: &[(u32, Vec<u32>)]) -> Vec<Part> {
    let mut places = vec![NOWHERE; graph.nodes() as usize];
    let components = components(&Masked { graph, kinds });
    let mut parts: Vec<Part> = components
        .into_iter()
        .map(|nodes| Part {
            graph: graph.part(&nodes, &mut places),
            nodes,
            open: Vec::new(),
        })
        .collect();
    if parts.is_empty() || open.is_empty() {
        return parts;
    }
    // Where each transaction is: the number of its part, and its node there.
    let mut part_of = vec![NOWHERE; graph.transactions() as usize];
    for (number, part) in parts.iter().enumerate() {
        for (node, &transaction) in part.nodes.iter().enumerate() {
            if transaction < graph.transactions() {
                part_of[transaction as usize] = number as u32;
                places[transaction as usize] = node as u32;
            }
        }
    }
    for (key, unseen) in open {
        let mut inside: Vec<(u32, u32)> = unseen
            .iter()
            .map(|&transaction| (part_of[transaction as usize], places[transaction as usize]))
            .filter(|&(part, _)| part != NOWHERE)
            .collect();
        inside.sort_unstable();
        for together in inside.chunk_by(|one, other| one.0 == other.0) {
            if together.len() > 1 {
                let nodes = together.iter().map(|&(_, node)| node).collect();
                parts[together[0].0 as usize].open.push((*key, nodes));
            }
        }
    }
    parts
}
