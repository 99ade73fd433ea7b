//! Weak levels over registers: read committed, read atomic, the causal levels, pipelined memory and the session
//! guarantees.
//!
//! A value is written to a key once, so it is known who reads from whom; what nobody knows is in which order the versions
//! of a key came. Every level here asks for orders that the reads allow, and each can be decided in time near the size
//! of the history: what a read rules out is an edge between two transactions, or two versions, and the orders exist
//! exactly if no edges go round. What is not here: snapshot isolation, serializability, and whatever else forbids
//! anti-dependencies, for which the order of versions has to be searched.
//!
//! | level | definition | by |
//! |---|---|---|
//! | `read-committed` | Adya 1999, G1: no read of what failed, was overwritten by its own writer, or was written by nobody or only later by the reader; no cycle of who reads from whom | [`precedence`] |
//! | `monotonic-atomic-view`, `read-atomic` | Biswas & Enea 2019, without sessions | [`atomic`] |
//! | `causal-convergence` | Bouajjani et al. 2017, `CCv`; Biswas & Enea's causal consistency | [`causal`] |
//! | `causal` | Bouajjani et al. 2017, CC, of whole transactions | [`views`] |
//! | `causal-memory` | Ahamad et al. 1995; Bouajjani et al. 2017, CM | [`process`] |
//! | `pram` | Lipton & Sandberg 1988 | [`process`] |
//! | `read-your-writes`, `monotonic-reads`, `monotonic-writes`, `writes-follow-reads` | Terry et al. 1994, with one order of versions for each key | [`sessions`] |
//!
//! *Sessions*: a transaction precedes another of its process if it was `ok` before the other was invoked. Of
//! transactions that nobody knows of those take part that an `ok` one read; failed ones never do.
//!
//! *Assumptions* about the keys put some versions of a key in order, and then every level asks for an order of versions,
//! one for all, that keeps these pairs. Where a level gives a transaction or a process an order of its own, that one
//! keeps them as well. So each pair is one more edge, between those who wrote the two versions ([`presumed`]).
//!
//! A file's way: [`scan`] resolves reads, [`dependencies`] numbers who takes part, then each level adds what it forces
//! and asks [`precedence`] for an order. Only where there is none the shortest reason is looked for and put into [`words`].

mod arrows;
mod atomic;
mod causal;
mod clocks;
mod dependencies;
mod edges;
mod flaws;
mod guarantees;
mod judge;
mod newer;
mod precedence;
mod presumed;
mod process;
mod proofs;
mod reasons;
mod scan;
mod sessions;
mod views;
mod words;

#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use rupture_history::{Anomaly, Dependency, Evidence};

use super::assumed::Assumed;
use super::rows::Rows;
use super::transactions::{Registers, Transactions, Writes};
use super::within;
use crate::Budget;
use crate::linearizability::search::Stop;
use atomic::Forced;
use dependencies::Dependencies;
use flaws::Flaws;
use scan::Scan;

/// A history, ready to be judged by every weak level.
pub(crate) struct Prepared<'t, 'h> {
    transactions: &'t Transactions<'h, Registers>,
    flaws: Flaws,
    dependencies: Dependencies,
    /// What causal convergence forces, and a causal order, once a level asked for them.
    causality: OnceLock<Option<Causality>>,
    /// Every read, by key and then by reader: who read which version.
    readers: OnceLock<Rows<(u32, u32)>>,
}

/// Who happened before whom, and what follows.
struct Causality {
    /// All nodes, each after what happened before it.
    order: Vec<u32>,
    forced: Forced,
}

/// What became of a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    Holds,
    /// The worst kind first, and of each kind the smallest first.
    Violated(Vec<Finding>),
    /// Nobody knows, for this reason.
    Stopped(String),
}

/// One thing that went wrong. Transactions are called by the index of the event that invoked them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) kind: &'static str,
    /// The number of the key that it concerns, if it is one.
    pub(crate) key: Option<u32>,
    pub(crate) summary: String,
    pub(crate) explanation: Vec<String>,
    /// The transactions that prove it, in the order of their invocations.
    pub(crate) transactions: Vec<u32>,
    /// The edges between them, those of a cycle first.
    pub(crate) dependencies: Vec<Dependency>,
}

impl Finding {
    /// The finding for a verdict.
    pub(crate) fn anomaly(self, transactions: &Transactions<'_, Registers>) -> Anomaly {
        let key = self.key.map(|key| transactions.keys.text(crate::Id(key)));
        let evidence = self.transactions.iter().map(|&number| {
            let operation = &transactions.operations[number as usize];
            Evidence::of(transactions.history, operation)
        });
        Anomaly {
            kind: self.kind.to_owned(),
            key,
            summary: self.summary,
            explanation: self.explanation,
            evidence: evidence.collect(),
            dependencies: self.dependencies,
            ..Anomaly::default()
        }
    }
}

/// Bytes a transaction and a micro-operation while reads are resolved.
const A_TRANSACTION: usize = 40;
const A_MICRO: usize = 40;
/// Bytes a pair of versions that are assumed to be in order.
const A_PAIR: usize = 32;

impl<'t, 'h> Prepared<'t, 'h> {
    /// Resolves every read. O(n log n) time for n reads and writes, and linear memory. `assumed` is what is taken for
    /// granted of the order of versions, which must leave every key an order of its own.
    ///
    /// # Errors
    /// The budget ends first.
    pub(crate) fn of(
        transactions: &'t Transactions<'h, Registers>,
        writes: &Writes,
        assumed: &[Assumed],
        budget: &Budget<'_>,
    ) -> Result<Self, Stop> {
        let micros = transactions.micros().len();
        let bytes = transactions.len() * A_TRANSACTION + micros * A_MICRO + assumed.len() * A_PAIR;
        within(budget, bytes)?;
        let scan = Scan::of(transactions, writes);
        within(budget, bytes)?;
        let dependencies = Dependencies::of(transactions, writes, &scan, assumed);
        Ok(Self {
            transactions,
            flaws: scan.flaws,
            dependencies,
            causality: OnceLock::new(),
            readers: OnceLock::new(),
        })
    }
}
