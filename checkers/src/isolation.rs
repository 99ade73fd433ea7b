//! Transactional isolation: did concurrent transactions see what their level promises?
//!
//! A level holds when some choice of which indeterminate transactions committed, and some order of the versions of
//! every key, both agreeing with every committed read, show none of the phenomena that the level forbids (Adya 1999).
//! Two models say what can be read from a history:
//!
//! | model | what a read shows | judge |
//! |---|---|---|
//! | `list-append` | the whole order of versions up to it | [`ListAppend`] |
//! | `rw-register` | whose write it saw | [`RwRegister`] |
//!
//! ```
//! use rupture_checkers::history::{Validity, codec};
//! use rupture_checkers::isolation::ListAppend;
//! use rupture_checkers::{Budget, Checker};
//!
//! // Two transactions read the same list, and both append to it.
//! let history = codec::read(
//!     b"{:process 0 :type :invoke :f :txn :value [[:r :x nil] [:append :x 1]]}
//!       {:process 1 :type :invoke :f :txn :value [[:r :x nil] [:append :x 2]]}
//!       {:process 0 :type :ok :f :txn :value [[:r :x []] [:append :x 1]]}
//!       {:process 1 :type :ok :f :txn :value [[:r :x []] [:append :x 2]]}",
//! )?;
//! let verdict = ListAppend::ladder().check(&history, &Budget::unlimited())?;
//! let holds = |name: &str| verdict.ladder.iter().any(|rung| rung.level == name && rung.validity == Validity::Valid);
//! assert!(holds("read-committed") && !holds("snapshot-isolation"));
//! assert_eq!(verdict.anomalies[0].kind, "lost-update");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which levels imply which
//! [`Level::weaker`] has it all. Transactional levels up to `snapshot-isolation` and `serializable` know no sessions;
//! those named `strong-session-` keep the order of every process, `strong-` and `strict-serializable` real time.
//!
//! # Words for what goes wrong
//! Cycles are named as Adya and Elle name them: `G0` (overwritings alone), `G1c` (and reads), `G-single` (one
//! anti-dependency), `G-nonadjacent` (several, no two in a row), `G2-item` (two in a row; `write-skew` if that is
//! all of it), with `-process` or
//! `-realtime` behind where such an edge is needed. What one or two transactions show is `G1a` (an aborted read), `G1b`
//! (an intermediate read), `internal`, `future-read`, `lost-update`, `fractured-read`, `duplicate-elements`,
//! `incompatible-order`, `garbage-read` and the like. A transaction is called `T` and the index of the event that
//! invoked it.
//!
//! # Sessions, real time, and what nobody knows
//! A transaction comes before another of its process, or in real time, if it had completed `ok` before the other was
//! invoked, by the order of events. One that failed did not happen: to read from it is `G1a`. One of which nobody
//! knows counts as committed if an `ok` transaction saw one of its writes, and is left out otherwise, which never
//! hurts: it only takes edges away.

pub(crate) mod assumed;
pub(crate) mod cycles;
pub(crate) mod graph;
pub(crate) mod ladder;
mod level;
mod list_append;
pub(crate) mod order;
pub(crate) mod promise;
pub(crate) mod register;
pub(crate) mod rows;
mod rw_register;
pub(crate) mod solver;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod transactions;
mod weak;

pub use level::Level;
pub use list_append::ListAppend;
pub use rw_register::RwRegister;

use crate::Budget;
use crate::linearizability::search::Stop;

/// Says whether the budget has ended, for what is held or is about to be.
pub(crate) fn within(budget: &Budget<'_>, bytes: usize) -> Result<(), Stop> {
    if bytes > budget.bytes() {
        return Err(Stop::Memory);
    }
    if budget.is_over() {
        return Err(Stop::Time);
    }
    Ok(())
}
