//! What each level forbids: things that one or two transactions show, and cycles of dependencies.
//!
//! The table of Adya (1999, chapters 3 and 4) as far as it goes. Snapshot isolation and prefix consistency forbid
//! cycles among the [moments](super::graph::Moments) of transactions.

use super::graph::{CURSOR, DEPENDENCY, Kinds, PROCESS, REALTIME, RW, SURE};
use super::level::Level;

/// What can be wrong with one or two transactions, whatever the rest. The worst comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fault {
    /// A read returned what nobody wrote.
    GarbageRead,
    /// A read returned an element twice.
    DuplicateElements,
    /// Two reads of a list, and neither continues the other.
    IncompatibleOrder,
    /// A list shows what a transaction appended in another order than it appended it.
    DisorderedAppends,
    /// What failed was read.
    AbortedRead,
    /// What committed was written onto what failed.
    DirtyUpdate,
    /// What its writer went on to overwrite was read.
    IntermediateRead,
    /// A transaction saw what it had yet to write.
    FutureRead,
    /// A transaction contradicts what it read or wrote itself.
    Internal,
    /// Two transactions read one version of a key, and both wrote the next (Berenson et al. 1995, P4).
    LostUpdate,
    /// A key was overwritten between the read and the write of one transaction: P4 as well.
    Cursor,
    /// One write of a transaction was seen, and then another was missed.
    VanishedTransaction,
    /// One write of a transaction was seen and another was missed.
    FracturedRead,
    /// A session saw an older version than before.
    NonMonotonicRead,
    /// A session did not see its own write.
    MissedOwnWrite,
}

impl Fault {
    /// The field's word for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::GarbageRead => "garbage-read",
            Self::DuplicateElements => "duplicate-elements",
            Self::IncompatibleOrder | Self::DisorderedAppends => "incompatible-order",
            Self::AbortedRead => "G1a",
            Self::DirtyUpdate => "dirty-update",
            Self::IntermediateRead => "G1b",
            Self::FutureRead => "future-read",
            Self::Internal => "internal",
            Self::LostUpdate | Self::Cursor => "lost-update",
            Self::VanishedTransaction => "observed-transaction-vanishes",
            Self::FracturedRead => "fractured-read",
            Self::NonMonotonicRead => "non-monotonic-read",
            Self::MissedOwnWrite => "missed-own-write",
        }
    }

    /// The weakest levels that forbid it.
    pub(crate) const fn breaks(self) -> &'static [Level] {
        match self {
            Self::GarbageRead | Self::DuplicateElements => &[Level::ReadUncommitted],
            Self::IncompatibleOrder
            | Self::DisorderedAppends
            | Self::AbortedRead
            | Self::DirtyUpdate
            | Self::IntermediateRead
            | Self::FutureRead => &[Level::ReadCommitted],
            Self::Internal => &[Level::ReadAtomic, Level::Causal],
            Self::FracturedRead => &[Level::ReadAtomic],
            Self::LostUpdate | Self::Cursor => &[Level::UpdateAtomic, Level::CursorStability],
            Self::VanishedTransaction => &[Level::MonotonicAtomicView],
            Self::NonMonotonicRead => &[Level::MonotonicReads],
            Self::MissedOwnWrite => &[Level::ReadYourWrites],
        }
    }

    /// Whether a level forbids it.
    pub(crate) fn broken(self, level: Level) -> bool {
        let weakest = self.breaks();
        weakest.iter().any(|&weaker| level.implies(weaker))
    }

    /// Whether a level forbids it and its cycles do not say so already.
    pub(crate) fn told(self, level: Level) -> bool {
        let cycles = shape(level).kinds();
        let anti = cycles & RW != 0;
        let sessions = anti && cycles & (PROCESS | REALTIME) != 0;
        let in_cycles = match self {
            Self::Cursor | Self::VanishedTransaction | Self::FracturedRead => anti,
            Self::NonMonotonicRead | Self::MissedOwnWrite => sessions,
            _ => false,
        };
        self.broken(level) && !in_cycles
    }
}

/// Which cycles a level forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// None.
    Any,
    /// Every cycle of these kinds.
    Acyclic(Kinds),
    /// Every cycle of these kinds, and those with one anti-dependency beside them.
    NoSingle(Kinds),
    /// Every cycle among the moments of transactions, where these kinds count as dependencies.
    Moments {
        /// The dependencies.
        kinds: Kinds,
        /// Whether an update may be lost.
        prefix: bool,
    },
}

impl Shape {
    /// The kinds of edges that the shape looks at.
    pub(crate) const fn kinds(self) -> Kinds {
        match self {
            Self::Any => 0,
            Self::Acyclic(kinds) => kinds,
            Self::NoSingle(kinds) | Self::Moments { kinds, .. } => kinds | RW,
        }
    }
}

/// The cycles that a level forbids over the dependencies of reads and writes.
pub(crate) const fn shape(level: Level) -> Shape {
    const ALL: Kinds = DEPENDENCY | RW;
    const fn moments(kinds: Kinds) -> Shape {
        Shape::Moments {
            kinds,
            prefix: false,
        }
    }
    match level {
        Level::StrictSerializable => Shape::Acyclic(ALL | PROCESS | REALTIME),
        Level::StrongSessionSerializable => Shape::Acyclic(ALL | PROCESS),
        Level::Serializable | Level::RepeatableRead => Shape::Acyclic(ALL),
        Level::StrongSnapshotIsolation => moments(DEPENDENCY | PROCESS | REALTIME),
        Level::StrongSessionSnapshotIsolation => moments(DEPENDENCY | PROCESS),
        Level::SnapshotIsolation => moments(DEPENDENCY),
        Level::Prefix => Shape::Moments {
            kinds: DEPENDENCY | PROCESS,
            prefix: true,
        },
        Level::ParallelSnapshotIsolation | Level::ConsistentView => Shape::NoSingle(DEPENDENCY),
        Level::CursorStability | Level::UpdateAtomic => Shape::Acyclic(DEPENDENCY | CURSOR),
        Level::ReadAtomic | Level::MonotonicAtomicView | Level::ReadCommitted | Level::Causal => {
            Shape::Acyclic(DEPENDENCY)
        }
        Level::CausalConvergence => Shape::Acyclic(DEPENDENCY | PROCESS),
        Level::ReadUncommitted => Shape::Acyclic(SURE),
        Level::CausalMemory
        | Level::Pram
        | Level::MonotonicReads
        | Level::MonotonicWrites
        | Level::ReadYourWrites
        | Level::WritesFollowReads => Shape::Any,
    }
}

/// The weakest levels that forbid cycles of a name.
pub(crate) fn weakest(name: &str) -> &'static [Level] {
    match name {
        "G0" => &[Level::ReadUncommitted],
        "G1c" => &[Level::ReadCommitted],
        "G-cursor" => &[Level::CursorStability],
        "G-single" => &[Level::ConsistentView],
        "G-nonadjacent" => &[Level::SnapshotIsolation],
        "G2-item" | "write-skew" => &[Level::RepeatableRead],
        "G0-process" | "G1c-process" => &[Level::CausalConvergence],
        "G-single-process" | "G-nonadjacent-process" => &[Level::StrongSessionSnapshotIsolation],
        "G2-item-process" => &[Level::StrongSessionSerializable],
        "G0-realtime" | "G1c-realtime" | "G-single-realtime" | "G-nonadjacent-realtime" => {
            &[Level::StrongSnapshotIsolation]
        }
        "G2-item-realtime" => &[Level::StrictSerializable],
        _ => &[],
    }
}
