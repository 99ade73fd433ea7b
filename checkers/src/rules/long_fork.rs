//! Long forks: two reads that see two writes in opposite orders.
//!
//! Every key is written at most once, by a transaction of one write, and read together with others. If a read
//! sees one write and not another, the one was committed before the other; under snapshot isolation (and already
//! under prefix consistency) all reads agree on that, and under parallel snapshot isolation they need not (Sovran
//! et al. 2011, *Transactional storage for geo-replicated systems*). So there must be an order of the keys of
//! which every read saw a beginning, among its own keys; Jepsen looks for two reads of the same keys of which
//! neither saw all that the other did.
//!
//! Reads of the same keys are sorted by how many they saw: there is an order exactly if each saw what the
//! one before it saw. Where reads of different keys share some, the orders of all groups are put into
//! one graph, of a size near that of the reads, and a cycle in it is a fork among more than two reads.
//!
//! - *long-fork*: such reads, two or more;
//! - *G1a*: a read saw a write that failed;
//! - *garbage-read*: a read saw a value that no write of its key has.
//!
//! A key that is written twice is against the rule of the game. That it was once nil is then all that is certain:
//! forks are still forks, and the verdict is `unknown` where there is none. Writes that the history does not
//! have, as in excerpts, are no obstacle.
//!
//! Deliberately absent: real time, which snapshot isolation does not promise to follow.

mod cycle;
mod forks;
mod texts;

use rupture_history::{History, Verdict};

use super::frame::{Case, Rule, check};
use super::report::Report;
use crate::{Budget, CheckError, Checker};
use forks::Forks;
use texts::Transactions;

/// Judges whether all reads saw the writes in one order. See the [module](self).
///
/// Operations are `txn`, or `write` and `read`, of `[[:w key value]]` or `[[:r key nil] ...]`.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::rules::LongFork;
/// use rupture_checkers::{Budget, Checker};
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :read :value [[:r 1 nil] [:r 2 nil]]}
///       {:process 0 :type :ok :f :read :value [[:r 1 7] [:r 2 nil]]}
///       {:process 1 :type :invoke :f :read :value [[:r 2 nil] [:r 1 nil]]}
///       {:process 1 :type :ok :f :read :value [[:r 2 8] [:r 1 nil]]}",
/// )?;
/// let verdict = LongFork::new().check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// assert_eq!(verdict.not, ["snapshot-isolation", "prefix"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct LongFork {
    independent: bool,
}

impl LongFork {
    /// A judge of all keys together.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether values are `[key transaction]`, and every such key is a store of its own.
    #[must_use]
    pub fn independent(mut self, independent: bool) -> Self {
        self.independent = independent;
        self
    }
}

impl Checker for LongFork {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        check(self, self.independent, history, budget)
    }
}

impl Rule for LongFork {
    const MODEL: &'static str = "long-fork";
    const FUNCTIONS: &'static str = "txn, write, read";
    const KINDS: &'static [(&'static str, &'static str)] = &[
        ("G1a", "read-committed"),
        ("garbage-read", ""),
        ("long-fork", "snapshot-isolation prefix"),
    ];

    fn judge(
        &self,
        case: &Case<'_>,
        report: &mut Report<'_>,
        budget: &Budget<'_>,
    ) -> Result<(), CheckError> {
        let mut texts = Transactions::default();
        for op in case.ops() {
            if !matches!(op.f(), "txn" | "write" | "read" | "") {
                return Err(case.unknown(op, Self::FUNCTIONS));
            }
            texts.read(op)?;
            if report.is_over(budget, texts.bytes()) {
                return Ok(());
            }
        }
        report.observe(texts.reads.len());
        texts.values(case, report);
        Forks::new(case, &texts).judge(report, budget);
        Ok(())
    }
}
