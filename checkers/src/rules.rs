//! Judges of data types that have rules of their own.
//!
//! Each of these types is not judged by looking for an order of all operations, but by a rule that its workload
//! was made for; most workloads are Jepsen's or Maelstrom's, and their names are kept.
//!
//! | model | judge | rule |
//! |---|---|---|
//! | `bank` | [`Bank`] | transfers between accounts never change the total |
//! | `long-fork` | [`LongFork`] | no two reads see two writes in opposite orders |
//! | `causal-reverse` | [`CausalReverse`] | no write is seen without one that completed before it began |
//! | `dirty-reads` | [`DirtyReads`] | no failed write is seen, and strong reads agree and lose nothing |
//! | `g2` | [`WriteSkew`] | of two inserts that exclude each other at most one happens |
//! | `g-set` | [`GrowOnlySet`] | after quiet reads contain all that was added, and nothing else |
//! | `g-counter`, `pn-counter` | [`GrowOnlyCounter`], [`PnCounter`] | after quiet reads are the sum of what was added |
//! | `eventual` | [`Convergence`] | after quiet all reads agree, on something that was written |
//! | `unique-ids` | [`UniqueIds`] | no id is given twice |
//! | `total-queue` | [`TotalQueue`] | what goes in comes out by the end, and nothing else |
//! | `set-final` | [`SetFinal`] | the last read has what was added, and nothing else |
//! | `counter-bounds` | [`CounterBounds`] | reads lie between what was and what may have been added |
//!
//! # Quiet
//! Convergence is promised for the time when nothing is going on any more, and a history does not show when that
//! is. So a workload marks its last reads with `:final? true`, and where any read is marked, the marked ones are
//! the *final reads*. Where none is, the last `ok` read of each process counts if it was invoked after the last
//! event of every operation that changes something, and a note says so. One that never ended may still be under way,
//! so beside it no read is final that is not marked, wherever it was invoked: invocations do not order each other.
//! Either way the verdict stands on the assumption that what had taken effect before the first final read began had
//! reached every replica.
//!
//! What had certainly taken effect by then is *settled*: it was acknowledged, or some read that had completed saw it.
//! Everything else that did not fail may take effect at any time, between two final reads as well, so no
//! disagreement about it proves anything, and the verdict is then `unknown`.
//!
//! # What all of them share
//! The order of events decides and never their times; what failed did not happen; what nobody
//! saw complete may have happened at any time or never, and is no evidence by itself; a verdict is `unknown` where
//! nothing was observed that the rule speaks of. Every anomaly names the few operations that prove it.

pub mod bank;
mod case;
pub mod causal_reverse;
pub mod counter;
pub mod counter_bounds;
pub mod dirty_reads;
pub mod eventual;
mod finals;
mod frame;
pub mod g2;
pub mod g_set;
pub mod long_fork;
mod puts;
mod report;
pub mod set_final;
mod sums;
#[cfg(test)]
mod tests;
pub mod total_queue;
pub mod unique_ids;

pub use bank::Bank;
pub use causal_reverse::CausalReverse;
pub use counter::{GrowOnlyCounter, PnCounter};
pub use counter_bounds::CounterBounds;
pub use dirty_reads::DirtyReads;
pub use eventual::Convergence;
pub use g_set::GrowOnlySet;
pub use g2::WriteSkew;
pub use long_fork::LongFork;
pub use set_final::SetFinal;
pub use total_queue::TotalQueue;
pub use unique_ids::UniqueIds;
