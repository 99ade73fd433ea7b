//! Bounded staleness of registers: by how many versions, and by how much time, reads lag behind.
//!
//! Two levels below linearizability, each with a bound, and each measured if no bound is given:
//!
//! - [`KAtomic`] (Aiyer, Alvisi & Bazzi 2005; Golab, Li & Shah 2011): there is an order of all operations that
//!   respects real time, in which every read returns one of the k latest writes before it. The initial value,
//!   `nil`, is a write before everything. 1-atomic is linearizable.
//! - [`Stale`], Δ-atomicity (Golab, Li & Shah 2011): there is a moment for every operation between its invocation
//!   and its completion, such that every read returns a value that the register had at some moment of the last Δ
//!   before the read's own. A read whose moment is `p` may thus take effect anywhere in `[p - Δ, p]`, and `p` anywhere in
//!   the read, so equivalently: the history in which every read was invoked Δ earlier is linearizable. That is
//!   how it is decided; its test goes by the definition and shifts nothing.
//!
//! The order of the events decides what was before what, as for linearizability; Δ needs their times as well. Times
//! that run backwards are taken for the latest one so far. With Δ = 0 the order of the events alone decides.
//! Otherwise an operation that completed at a time c is before a read invoked at a time i when c + Δ < i, and before
//! a write as the order of events says. So a history that is not linearizable by the order of two events with the
//! same time has the smallest Δ of 1 ns.
//!
//! Where it is known of each read from which write it read (values that are read were written once), clusters of a
//! write and its reads are all that matters (`clusters`), and a theorem allows to forget the reads (`writes`).
//! Time goes by the zones of Gibbons & Korach in O(n log n) (`delta`). Versions are cut into chunks that are judged
//! apart (`chunks`) with bounds that are cheap (`bounds`), limited backtracking for k = 2 (`lbt`), and a search for
//! k >= 3, of which no polynomial algorithm is published (`writes`). Where values repeat, the search of
//! linearizability decides (`latest`, `shifted`).
//!
//! Deliberately absent: averages and distributions of staleness (Golab's Γ among them), which need no verdict;
//! compare-and-set; and staleness of anything but registers.

mod bounds;
mod case;
mod chunks;
mod clusters;
mod delta;
mod evidence;
mod k_atomic;
mod latest;
mod lbt;
mod level;
mod measure;
mod ring;
mod search;
mod shifted;
mod stale;
#[cfg(test)]
mod tests;
mod words;
mod writes;

pub use k_atomic::KAtomic;
pub use level::{Level, level};
pub use stale::Stale;

use rupture_history::Value;

use crate::Checker;

impl Level {
    /// The judge of registers by this level, which hold a value at first. It stands here because the judges know the names of levels.
    pub fn checker(self, independent: bool, initial: Value) -> Box<dyn Checker> {
        match self {
            Self::KAtomic(k) => Box::new(KAtomic::new(k, independent).initial(initial)),
            Self::Stale(bound_ns) => Box::new(Stale::new(bound_ns, independent).initial(initial)),
        }
    }
}
