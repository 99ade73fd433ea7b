//! Sets of levels.

use std::fmt;

use crate::isolation::Level;

/// The levels that a history of lists is judged by, the first of which allows dirty reads.
pub(super) const JUDGED: [Level; 16] = [
    Level::ReadUncommitted,
    Level::ReadCommitted,
    Level::MonotonicAtomicView,
    Level::ReadAtomic,
    Level::UpdateAtomic,
    Level::CursorStability,
    Level::ConsistentView,
    Level::RepeatableRead,
    Level::Prefix,
    Level::ParallelSnapshotIsolation,
    Level::SnapshotIsolation,
    Level::StrongSessionSnapshotIsolation,
    Level::StrongSnapshotIsolation,
    Level::Serializable,
    Level::StrongSessionSerializable,
    Level::StrictSerializable,
];

/// A set of levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Levels(u32);

fn bit(level: Level) -> u32 {
    1 << level as u32
}

impl Levels {
    /// The levels that know committed transactions and nothing else.
    pub(super) fn clean() -> Self {
        Self::of(&JUDGED[1..])
    }

    pub(super) fn of(levels: &[Level]) -> Self {
        Self(levels.iter().fold(0, |all, level| all | bit(*level)))
    }

    pub(crate) fn has(self, level: Level) -> bool {
        self.0 & bit(level) != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn insert(&mut self, level: Level) {
        self.0 |= bit(level);
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Level> {
        JUDGED.into_iter().filter(move |level| self.has(*level))
    }

    /// Those of these that satisfy a condition.
    pub(super) fn filter(self, condition: impl Fn(Level) -> bool) -> Self {
        let kept: Vec<Level> = self.iter().filter(|level| condition(*level)).collect();
        Self::of(&kept)
    }
}

impl fmt::Display for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Level::name).collect();
        f.write_str(&names.join(", "))
    }
}
