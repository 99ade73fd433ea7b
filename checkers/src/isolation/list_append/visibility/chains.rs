//! Where each transaction stands in its session.

use rupture_history::Outcome;
use rustc_hash::FxHashMap;

use super::Scene;

/// The sessions by number, and the place of every transaction in its own.
#[derive(Debug)]
pub(super) struct Chains {
    chain: Vec<u32>,
    /// How many transactions of the session were `ok` before this one was invoked.
    before: Vec<u32>,
    ok: Vec<bool>,
}

impl Chains {
    pub(super) fn of(scene: &Scene<'_, '_>) -> Self {
        let operations = &scene.transactions.operations;
        let mut chains = Self {
            chain: Vec::with_capacity(operations.len()),
            before: Vec::with_capacity(operations.len()),
            ok: Vec::with_capacity(operations.len()),
        };
        let mut known: FxHashMap<i64, (u32, u32)> = FxHashMap::default();
        for operation in operations {
            let next = known.len() as u32;
            let (chain, count) = known.entry(operation.process).or_insert((next, 0));
            let ok = operation.outcome == Outcome::Ok;
            chains.chain.push(*chain);
            chains.before.push(*count);
            chains.ok.push(ok);
            *count += u32::from(ok);
        }
        chains
    }

    /// The session of a transaction.
    pub(super) fn chain(&self, transaction: u32) -> u32 {
        self.chain[transaction as usize]
    }

    /// How many transactions of its session precede a transaction.
    pub(super) fn before(&self, transaction: u32) -> u32 {
        self.before[transaction as usize]
    }

    /// Whether a transaction was known to have ended before what its session invoked next.
    pub(super) fn is_ok(&self, transaction: u32) -> bool {
        self.ok[transaction as usize]
    }

    /// How many transactions of its session precede what comes right after a transaction.
    pub(super) fn until(&self, transaction: u32) -> u32 {
        self.before(transaction) + u32::from(self.is_ok(transaction))
    }

    /// Whether a transaction precedes another of its session.
    pub(super) fn precedes(&self, one: u32, other: u32) -> bool {
        self.chain(one) == self.chain(other)
            && self.is_ok(one)
            && self.before(one) < self.before(other)
    }
}
