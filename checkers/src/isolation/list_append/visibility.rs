//! The levels that speak of what was visible to a transaction by way of others: causal levels, and the session
//! guarantees about writes.
//!
//! A read of a list shows who appended each of its elements, not only the last, and whose appends to the key it misses:
//! those of the elements that follow, and every committed append that nobody saw. *Happens-before* is the least order
//! that contains sessions and who saw whom. Then for lists
//! - `causal` holds if `read-committed` does, no transaction contradicts itself, happens-before has no cycle, nobody
//!   misses an append of a transaction that happened before, and nobody reads [orders](orders) that go against
//!   happens-before (Bouajjani, Enea, Guerraoui & Hamza, POPL 2017, CC of whole transactions);
//! - `causal-convergence` if `causal` does, and one order of all transactions keeps sessions and the orders of all lists
//!   (`CCv`; who saw whom follows from these);
//! - `monotonic-writes` if every list holds what a session appended in the session's order, and who reads an append of a
//!   session misses, in its later reads, none that the session made in an earlier transaction (Terry et al., PDIS 1994);
//! - `writes-follow-reads` if every list holds what a session appended after all that the session had read of the list,
//!   and who reads an append of a session misses, in its later reads, nothing that the session had read by then.
//!
//! *Theorem* for the first two: given the conditions, let each transaction see what happened before it; that is
//! transitive, keeps sessions, and every read returns exactly the visible appends, since it holds nothing else and misses
//! nothing visible. Any linear extension of the one order arbitrates them as the lists show. Conversely what is visible
//! contains happens-before, and all visible appends are in the list. For `causal` there is such an order for every reader,
//! of what is visible to it.
//!
//! Reads are versions of one list, as for every judge of lists: a store that merges concurrent appends, so that two
//! replicas show `[1]` and `[2]`, breaks `read-committed` here, and by that the causal levels, though a register could not
//! tell. Keys whose reads contradict each other so are passed over by the guarantees. Deliberately absent are causal
//! memory and pipelined memory, under which every process may have an order of its own: a list has one for all.
//!
//! Whatever breaks one of the levels, but for the orders of lists, is a cycle of sessions, of who saw whom, and of one
//! transaction that misses the append of another; so after one pass over the lists and a search for
//! [components](crate::isolation::graph::components) only these parts are looked at.

mod causal;
mod chains;
mod guarantees;
mod orders;
mod sights;
#[cfg(test)]
mod tests;
mod words;

use std::cell::OnceCell;

use rupture_history::verdict::Anomaly;
use rupture_history::{Validity, Verdict};

use super::lists::{Listing, NONE, Read, length};
use super::prepared::Prepared;
use crate::Budget;
use crate::isolation::Level;
use crate::isolation::graph::{RW, WW};
use crate::isolation::transactions::{Lists, Transactions, Write, Writes};
use crate::linearizability::search::Stop;
use chains::Chains;
use sights::Part;

/// What everything here looks at.
#[derive(Clone, Copy)]
struct Scene<'a, 'h> {
    transactions: &'a Transactions<'h, Lists>,
    writes: &'a Writes,
    listing: &'a Listing,
}

/// A history whose visibility can be judged.
pub(super) struct Visibility<'a, 'h> {
    scene: Scene<'a, 'h>,
    chains: Chains,
    parts: Vec<Part>,
    /// What breaks both causal levels, once one of them asked.
    happened: OnceCell<Result<Option<Circle>, Stop>>,
}

/// What is visible, once a level asks for it.
pub(super) struct Lazy<'a, 'p, 'h> {
    prepared: &'a Prepared<'p, 'h>,
    budget: &'a Budget<'a>,
    visibility: OnceCell<Result<Visibility<'a, 'h>, Stop>>,
}

impl<'a, 'p, 'h> Lazy<'a, 'p, 'h> {
    pub(super) fn new(prepared: &'a Prepared<'p, 'h>, budget: &'a Budget<'a>) -> Self {
        Self {
            prepared,
            budget,
            visibility: OnceCell::new(),
        }
    }

    /// What breaks a level beside what the [preparation](Prepared) shows.
    fn broken(&self, level: Level) -> Result<Option<Anomaly>, Stop> {
        let visibility = self
            .visibility
            .get_or_init(|| Visibility::of(self.prepared, self.budget));
        visibility
            .as_ref()
            .map_err(|stop| *stop)?
            .broken(level, self.budget)
    }

    /// Whether a level holds.
    pub(super) fn validity(&self, level: Level) -> Validity {
        match self.prepared.validity(level, self.budget) {
            Validity::Invalid => Validity::Invalid,
            rest => match self.broken(level) {
                Ok(Some(_)) => Validity::Invalid,
                Ok(None) => rest,
                Err(_) => Validity::Unknown,
            },
        }
    }

    /// Adds to a verdict of a level what breaks it, unless something else does.
    pub(super) fn close(&self, level: Level, verdict: &mut Verdict) {
        verdict
            .algorithms
            .push("happens-before over lists (Bouajjani et al. 2017)".to_owned());
        if verdict.validity == Validity::Invalid {
            return;
        }
        match self.broken(level) {
            Ok(None) => return,
            Ok(Some(anomaly)) => {
                verdict.validity = Validity::Invalid;
                verdict.anomalies.push(anomaly);
                // What breaks causal convergence here breaks the causal level below it as well.
                let weakest = match level {
                    Level::CausalConvergence => Level::Causal,
                    level => level,
                };
                verdict.not = vec![weakest.to_string()];
            }
            Err(stop) => {
                verdict.validity = Validity::Unknown;
                let total = verdict.operations;
                let reason = format!(
                    "{} while it was looked for what {total} transactions could see",
                    stop.words()
                );
                verdict.reasons.push(reason);
            }
        }
        verdict.explained = 0;
    }
}

/// Whether a level asks what was visible.
pub(super) fn asks(level: Level) -> bool {
    matches!(
        level,
        Level::Causal
            | Level::CausalConvergence
            | Level::MonotonicWrites
            | Level::WritesFollowReads
    )
}

/// One edge of what is told.
#[derive(Clone, Copy, Debug)]
enum Link {
    /// The same process had completed the earlier before it invoked the later.
    Session { from: u32, to: u32 },
    /// A read holds an append.
    Saw { write: Write, read: Read, key: u32 },
    /// A read misses an append.
    Missed { read: Read, write: Write, key: u32 },
    /// One append comes before the other in a list.
    Before {
        first: Write,
        second: Write,
        key: u32,
        /// Whose read tells, if not the longest.
        by: Option<Read>,
    },
}

/// Links of which each begins where the one before ended.
#[derive(Clone, Debug)]
struct Circle {
    kind: &'static str,
    links: Vec<Link>,
}

impl<'a, 'h> Visibility<'a, 'h> {
    /// Collects who saw whom. Linear in the number of micro-operations.
    ///
    /// # Errors
    /// The budget ends first.
    pub(super) fn of(prepared: &'a Prepared<'_, 'h>, budget: &Budget<'_>) -> Result<Self, Stop> {
        let scene = Scene {
            transactions: prepared.transactions,
            writes: prepared.writes,
            listing: &prepared.listing,
        };
        Ok(Self {
            scene,
            chains: Chains::of(&scene),
            parts: sights::parts(&scene, RW, budget)?,
            happened: OnceCell::new(),
        })
    }

    /// A circle of happens-before, or of what happened before who misses it.
    fn happened(&self, budget: &Budget<'_>) -> Result<Option<Circle>, Stop> {
        let found = || causal::circle(&self.scene, &self.parts, budget);
        self.happened.get_or_init(found).clone()
    }

    /// What breaks a level, beside what `read-committed` and the order of sessions and lists already forbid: a
    /// shortest circle where it is looked for, nothing if there is none.
    ///
    /// # Errors
    /// The budget ends first.
    pub(super) fn broken(
        &self,
        level: Level,
        budget: &Budget<'_>,
    ) -> Result<Option<Anomaly>, Stop> {
        let circle = match level {
            Level::Causal => match self.happened(budget)? {
                None => {
                    let parts = sights::parts(&self.scene, WW, budget)?;
                    orders::circle(&self.scene, &parts, budget)?
                }
                found => found,
            },
            // Circles with the orders of lists are among those of dependencies and sessions.
            Level::CausalConvergence => self.happened(budget)?,
            Level::MonotonicWrites | Level::WritesFollowReads => {
                guarantees::circle(&self.scene, &self.chains, &self.parts, level, budget)?
            }
            _ => None,
        };
        Ok(circle.map(|circle| self.scene.told(&circle)))
    }
}

impl<'a> Scene<'a, '_> {
    /// The write of an element of a list.
    fn element(&self, key: u32, place: usize) -> Write {
        let list = &self.listing.lists[key as usize];
        self.writes.all()[list.order[place] as usize]
    }

    /// How many elements a list has.
    fn count(&self, key: u32) -> usize {
        self.listing.lists[key as usize].order.len()
    }

    /// Whether a write counts as committed.
    fn counts(&self, write: Write) -> bool {
        self.listing.takes_part[write.transaction as usize]
    }

    /// How many elements a read shows of others: up to the last that somebody else committed.
    fn seen(&self, key: u32, read: Read) -> usize {
        let length = length(self.transactions, read);
        let of_other = |&place: &usize| {
            let write = self.element(key, place);
            write.transaction != read.transaction && self.counts(write)
        };
        (0..length).rev().find(of_other).map_or(0, |last| last + 1)
    }

    /// The committed appends to a key that nobody saw.
    fn unseen(&self, key: u32) -> impl Iterator<Item = Write> + 'a {
        let (listing, writes) = (self.listing, self.writes);
        let nobody = move |&write: &usize| listing.place_of[write] == NONE;
        let range = writes.range(key).filter(nobody);
        let write = range.map(move |write| writes.all()[write]);
        write.filter(move |write| listing.takes_part[write.transaction as usize])
    }
}
