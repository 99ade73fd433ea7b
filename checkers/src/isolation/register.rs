//! Registers that transactions write and read, judged by the levels that need one order of versions for all.
//!
//! Every value is written to a key once, so a read tells whose write it saw, and nothing else: in which order two
//! blind writes of a key came is for nobody to see, and any order must do that explains the reads. Deciding that is
//! NP-complete (Papadimitriou 1979); the [solver](super::solver) does it.
//!
//! # What is certain
//! - A read comes after the write that it saw (`wr`), and a read of the initial value before every write.
//! - A transaction that reads a version and writes the next is directly behind it wherever updates may not be lost:
//!   such versions make a *chain*, and a chain is placed as a whole (Cobra, OSDI 2020, section 3.1). Two that
//!   update the same version have lost an update.
//! - The options may add more; see [`Assumptions`](super::assumed::Assumptions).
//!
//! For any two chains of a key one comes first, its readers included: that is the choice that is left.
//!
//! # The levels as acyclicity
//! Serializability, with sessions or real time or without, has one point a transaction. Snapshot isolation has two,
//! its snapshot and its commit (Cerone & Gotsman 2016): a dependency leads from a commit to a snapshot, an
//! anti-dependency from a snapshot to a commit. Prefix consistency orders overwritings by their commits alone, so
//! an update may be lost. Repeatable read is serializability that does not ask whether a transaction contradicts
//! itself.
//!
//! Cursor stability, update atomic, consistent view and parallel snapshot isolation ask for an order that keeps
//! dependencies alone: a version comes before the next, and a read after what it saw. That updates are not lost is in the
//! chains. Cycles with one anti-dependency are no cycles among points; the last three forbid some, which are
//! [looked for](lone) in each order that is found, and excluded one by one.
//!
//! # Which transactions there are
//! Those that completed `ok`, and those of which nobody knows but of which something was read. To leave the other
//! unknown ones out never hurts: take any order that explains the history with one of them in it. Nobody saw its
//! writes and nobody was told what it read, so whoever depends on it does so by `ww` or by `rw` into it and `ww` out
//! of it; take it out, and the edge of that kind from what came before it leads to what came behind it. Every cycle
//! that is then there was there before, with the same anti-dependencies side by side.
//!
//! Deliberately absent: the weak levels, which need no search.

mod cases;
mod cyclic;
mod edges;
mod encode;
mod lone;
mod naming;
mod pairs;
mod prepared;
mod reads;
mod ruling;
mod shortest;
#[cfg(test)]
mod tests;
mod units;
mod words;

pub(crate) use prepared::Prepared;
pub(crate) use ruling::Ruling;

use super::Level;

/// How a level becomes points in one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Points {
    /// One a transaction.
    One,
    /// A snapshot and a commit.
    Snapshot,
    /// The same, and overwriting orders commits alone.
    Prefix,
    /// One a transaction, and anti-dependencies order nothing.
    Dependency,
}

impl Points {
    /// Whether a transaction is one point.
    fn are_one(self) -> bool {
        matches!(self, Self::One | Self::Dependency)
    }
}

/// What a level asks of the order beside reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Keeps {
    Nothing,
    Sessions,
    RealTime,
    /// Beside sessions, the commits of those that write are in the order of real time; what is read may be old.
    /// No level asks for that, but most stores do it.
    RealTimeOfWrites,
}

/// The levels that are judged here, stronger ones before those that they imply.
pub(crate) const LEVELS: [Level; 12] = [
    Level::StrictSerializable,
    Level::StrongSessionSerializable,
    Level::Serializable,
    Level::StrongSnapshotIsolation,
    Level::StrongSessionSnapshotIsolation,
    Level::SnapshotIsolation,
    Level::ParallelSnapshotIsolation,
    Level::Prefix,
    Level::RepeatableRead,
    Level::ConsistentView,
    Level::CursorStability,
    Level::UpdateAtomic,
];

fn shape(level: Level) -> Option<(Points, Keeps)> {
    Some(match level {
        Level::StrictSerializable => (Points::One, Keeps::RealTime),
        Level::StrongSessionSerializable => (Points::One, Keeps::Sessions),
        Level::Serializable | Level::RepeatableRead => (Points::One, Keeps::Nothing),
        Level::StrongSnapshotIsolation => (Points::Snapshot, Keeps::RealTime),
        Level::StrongSessionSnapshotIsolation => (Points::Snapshot, Keeps::Sessions),
        Level::SnapshotIsolation => (Points::Snapshot, Keeps::Nothing),
        Level::Prefix => (Points::Prefix, Keeps::Sessions),
        Level::ParallelSnapshotIsolation
        | Level::ConsistentView
        | Level::CursorStability
        | Level::UpdateAtomic => (Points::Dependency, Keeps::Nothing),
        _ => return None,
    })
}
