//! Lists that transactions append to and read (Elle; Kingsbury & Alvaro, VLDB 2020).
//!
//! Every element is appended once, so a read is the whole order of versions up to it. What follows from that is
//! certain, and used: elements that were seen ([`dependencies`]), committed appends that nobody saw, which come
//! after all that was seen, and what a transaction saw before its own append. A transaction of which nobody knows
//! counts as committed if somebody saw one of its appends.
//!
//! *Sound and complete*: where every key has at most one appender that nobody saw, the order of versions is
//! certain. Where there are several, their order is free, and
//! - a level that forbids all cycles of some kinds of edges holds exactly if there are none among the certain ones:
//!   a topological order of these orders the rest as well;
//! - snapshot isolation and its kin are decided by search within the component (`open`), and said to be open where
//!   the budget ends first.
//!
//! Causal levels, and the guarantees about the writes of sessions, ask who saw whom by way of others: `visibility`.
//!
//! A file's way: [`transactions`](super::transactions) reads it, `lists` finds the order of every key, `own`,
//! `sessions` and `contradicted` look at single transactions and sessions, `dependencies` collects the edges, and
//! [`components`](super::graph::components) finds what can hold a cycle. All the rest looks at these parts alone.

mod anomaly;
mod contradicted;
mod dependencies;
mod findings;
mod lists;
mod open;
mod own;
mod prepared;
mod ruling;
mod sessions;
mod visibility;
mod words;

use rupture_history::{History, Validity, Verdict};

use super::Level;
use super::graph::{CURSOR, DEPENDENCY, RW, SURE};
use super::ladder::{climb, weakest_that_fail};
use super::promise::{Fault, shape};
use super::transactions::{Language, Lists, Transactions, Writes};
use crate::linearizability::opening::{disorder, nothing_seen, unknown};
use crate::{Budget, CheckError, Checker};
use prepared::Prepared;
use visibility::Lazy;

/// Judges lists that transactions append to and read; see the [module](super).
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::isolation::{Level, ListAppend};
/// use rupture_checkers::{Budget, Checker};
///
/// // Each of two transactions misses what the other appended.
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :txn :value [[:r :x nil] [:append :y 1]]}
///       {:process 1 :type :invoke :f :txn :value [[:r :y nil] [:append :x 1]]}
///       {:process 0 :type :ok :f :txn :value [[:r :x []] [:append :y 1]]}
///       {:process 1 :type :ok :f :txn :value [[:r :y []] [:append :x 1]]}",
/// )?;
/// let judge = |level| ListAppend::new(level).check(&history, &Budget::unlimited());
/// assert_eq!(judge(Level::SnapshotIsolation)?.validity, Validity::Valid);
/// let verdict = judge(Level::Serializable)?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// assert_eq!(verdict.anomalies[0].kind, "write-skew");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ListAppend {
    /// One level, or all of them.
    level: Option<Level>,
}

impl ListAppend {
    /// The levels that lists are judged by, the default first.
    pub const LEVELS: [Level; 22] = [
        Level::StrictSerializable,
        Level::StrongSessionSerializable,
        Level::Serializable,
        Level::StrongSnapshotIsolation,
        Level::StrongSessionSnapshotIsolation,
        Level::SnapshotIsolation,
        Level::ParallelSnapshotIsolation,
        Level::Prefix,
        Level::CausalConvergence,
        Level::Causal,
        Level::RepeatableRead,
        Level::ConsistentView,
        Level::CursorStability,
        Level::UpdateAtomic,
        Level::ReadAtomic,
        Level::MonotonicAtomicView,
        Level::ReadCommitted,
        Level::ReadUncommitted,
        Level::MonotonicReads,
        Level::MonotonicWrites,
        Level::ReadYourWrites,
        Level::WritesFollowReads,
    ];

    /// A judge by this level. By one that is not among [`LEVELS`](Self::LEVELS) every verdict is `unknown`.
    pub fn new(level: Level) -> Self {
        Self { level: Some(level) }
    }

    /// A judge by all levels at once. Its answer is that of the strongest, and its
    /// [`ladder`](field@Verdict::ladder) says which levels hold.
    ///
    /// ```
    /// use rupture_checkers::history::codec;
    /// use rupture_checkers::isolation::ListAppend;
    /// use rupture_checkers::{Budget, Checker};
    ///
    /// // The second transaction began when the first had completed, and does not see it.
    /// let history = codec::read(
    ///     b"{:process 0 :type :invoke :f :txn :value [[:append :x 1]]}
    ///       {:process 0 :type :ok :f :txn :value [[:append :x 1]]}
    ///       {:process 1 :type :invoke :f :txn :value [[:r :x nil]]}
    ///       {:process 1 :type :ok :f :txn :value [[:r :x []]]}",
    /// )?;
    /// let verdict = ListAppend::ladder().check(&history, &Budget::unlimited())?;
    /// assert_eq!(verdict.not, ["strong-snapshot-isolation"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ladder() -> Self {
        Self { level: None }
    }
}

impl Checker for ListAppend {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        let operations = history.operations()?;
        let (levels, untimed) = Level::judged(&Self::LEVELS, history);
        let strongest = self.level.unwrap_or(levels[0]);
        let mut verdict = Verdict::new(Validity::Valid, Lists::MODEL, strongest.name());
        verdict.operations = operations.len() as u64;
        verdict.notes.extend(disorder(history));
        if let Some(reason) = nothing_seen(&operations) {
            return Ok(unknown(verdict, reason));
        }
        if !Self::LEVELS.contains(&strongest) {
            return Ok(unknown(
                verdict,
                format!("lists are not judged by {strongest}"),
            ));
        }
        if let Some(reason) = strongest.lacks(history) {
            return Ok(unknown(verdict, reason));
        }
        let transactions = Transactions::<Lists>::read(history, operations)?;
        let writes = Writes::of(&transactions)?;
        let shape = shape(strongest);
        let all = self.level.is_none();
        let asks = |fault: Fault| all || fault.told(strongest);
        // Who sees one write of a transaction and misses another anti-depends on it.
        let torn = asks(Fault::FracturedRead) || asks(Fault::VanishedTransaction);
        let kinds = shape.kinds() | if torn { DEPENDENCY | RW } else { 0 };
        let kinds = kinds | if all { SURE | CURSOR } else { 0 };
        let prepared = match Prepared::of(&transactions, &writes, kinds, &asks, budget) {
            Ok(prepared) => prepared,
            Err(stop) => {
                let reason = format!(
                    "{} after 0 of {} transactions",
                    stop.words(),
                    verdict.operations
                );
                return Ok(unknown(verdict, reason));
            }
        };
        let ruling = prepared.rule(strongest, budget);
        verdict = ruling.close(verdict, &prepared);
        let visibility = Lazy::new(&prepared, budget);
        if visibility::asks(strongest) {
            visibility.close(strongest, &mut verdict);
        }
        if self.level.is_none() {
            let judge = |level| {
                if level == strongest {
                    verdict.validity
                } else if visibility::asks(level) {
                    visibility.validity(level)
                } else {
                    prepared.validity(level, budget)
                }
            };
            verdict.notes.extend(untimed);
            verdict.ladder = climb(&levels, judge);
            verdict.not = weakest_that_fail(&verdict.ladder);
        }
        Ok(verdict)
    }
}
