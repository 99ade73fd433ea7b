//! The levels of isolation and consistency, and which of them imply which.
//!
//! Transactional levels are Adya's (*Weak Consistency*, 1999) as far as he has them. `snapshot-isolation`,
//! `parallel-snapshot-isolation` and `prefix` are those of Cerone, Bernardi & Gotsman (CONCUR 2015), the first
//! two without the order of sessions. `monotonic-atomic-view` is Bailis et al. (VLDB 2014). The causal levels
//! are those of Bouajjani, Enea, Guerraoui & Hamza (POPL 2017), read on whole transactions; the session
//! guarantees are those of Terry et al. (PDIS 1994).

use std::fmt;

use rupture_history::History;

/// What a store of transactions can promise.
///
/// ```
/// use rupture_checkers::isolation::Level;
///
/// let level = Level::named("snapshot-isolation").unwrap();
/// assert_eq!(level, Level::SnapshotIsolation);
/// assert!(Level::Serializable.implies(level));
/// assert!(!level.implies(Level::Causal), "it knows no sessions");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Serializable in an order that real time allows.
    StrictSerializable,
    /// Serializable in an order that keeps the order of every session.
    StrongSessionSerializable,
    /// There is an order of the transactions in which they could have run one after the other.
    Serializable,
    /// Snapshot isolation whose snapshots hold all that had committed before.
    StrongSnapshotIsolation,
    /// Snapshot isolation whose snapshots hold all that their session saw or wrote before.
    StrongSessionSnapshotIsolation,
    /// Every transaction reads from a snapshot, and of two that overlap only one writes a key.
    SnapshotIsolation,
    /// Snapshot isolation whose snapshots need not be prefixes of one order.
    ParallelSnapshotIsolation,
    /// Snapshots are prefixes of one order of commits that keeps sessions; updates may be lost.
    Prefix,
    /// Adya's PL-2.99: no dependency cycle over items.
    RepeatableRead,
    /// Adya's PL-2+: no dependency cycle with one anti-dependency.
    ConsistentView,
    /// Adya's PL-CS: a key that is read and then written is not overwritten in between.
    CursorStability,
    /// Read atomic, and no two transactions update the same version.
    UpdateAtomic,
    /// Whoever sees one write of a transaction sees all of them.
    ReadAtomic,
    /// Once a read saw one write of a transaction, later reads miss none of its writes.
    MonotonicAtomicView,
    /// Adya's PL-2: reads see committed values that their writer meant to leave behind.
    ReadCommitted,
    /// Adya's PL-1: writes of two transactions are not interleaved.
    ReadUncommitted,
    /// Causal convergence: causal, with one order of concurrent writes for all.
    CausalConvergence,
    /// Causal memory: every process sees all writes in some order that keeps causality, and keeps to it.
    CausalMemory,
    /// Causal consistency: every read is explained by what came causally before it.
    Causal,
    /// Pipelined memory: every process sees the writes of every other in that one's order.
    Pram,
    /// A session never sees older writes than it saw before.
    MonotonicReads,
    /// The writes of a session are seen in their order.
    MonotonicWrites,
    /// A session sees its own writes.
    ReadYourWrites,
    /// Whoever sees a write sees what its session had seen when it wrote.
    WritesFollowReads,
}

use Level::{
    Causal, CausalConvergence, CausalMemory, ConsistentView, CursorStability, MonotonicAtomicView,
    MonotonicReads, MonotonicWrites, ParallelSnapshotIsolation, Pram, Prefix, ReadAtomic,
    ReadCommitted, ReadUncommitted, ReadYourWrites, RepeatableRead, Serializable,
    SnapshotIsolation, StrictSerializable, StrongSessionSerializable,
    StrongSessionSnapshotIsolation, StrongSnapshotIsolation, UpdateAtomic, WritesFollowReads,
};

impl Level {
    /// Every level, stronger ones before those that they imply.
    pub const ALL: [Self; 24] = [
        StrictSerializable,
        StrongSessionSerializable,
        Serializable,
        StrongSnapshotIsolation,
        StrongSessionSnapshotIsolation,
        SnapshotIsolation,
        ParallelSnapshotIsolation,
        Prefix,
        CausalConvergence,
        CausalMemory,
        Causal,
        RepeatableRead,
        ConsistentView,
        CursorStability,
        UpdateAtomic,
        ReadAtomic,
        MonotonicAtomicView,
        ReadCommitted,
        ReadUncommitted,
        Pram,
        MonotonicReads,
        MonotonicWrites,
        ReadYourWrites,
        WritesFollowReads,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            StrictSerializable => "strict-serializable",
            StrongSessionSerializable => "strong-session-serializable",
            Serializable => "serializable",
            StrongSnapshotIsolation => "strong-snapshot-isolation",
            StrongSessionSnapshotIsolation => "strong-session-snapshot-isolation",
            SnapshotIsolation => "snapshot-isolation",
            ParallelSnapshotIsolation => "parallel-snapshot-isolation",
            Prefix => "prefix",
            RepeatableRead => "repeatable-read",
            ConsistentView => "consistent-view",
            CursorStability => "cursor-stability",
            UpdateAtomic => "update-atomic",
            ReadAtomic => "read-atomic",
            MonotonicAtomicView => "monotonic-atomic-view",
            ReadCommitted => "read-committed",
            ReadUncommitted => "read-uncommitted",
            CausalConvergence => "causal-convergence",
            CausalMemory => "causal-memory",
            Causal => "causal",
            Pram => "pram",
            MonotonicReads => "monotonic-reads",
            MonotonicWrites => "monotonic-writes",
            ReadYourWrites => "read-your-writes",
            WritesFollowReads => "writes-follow-reads",
        }
    }

    /// The level of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// The levels directly below it.
    ///
    /// Causal memory and pipelined memory let every process see concurrent writes in an order of its own, so they do
    /// not imply the session guarantees, which have one order of versions for all: causal convergence does.
    pub const fn weaker(self) -> &'static [Self] {
        match self {
            StrictSerializable => &[StrongSessionSerializable, StrongSnapshotIsolation],
            StrongSessionSerializable => {
                &[Serializable, StrongSessionSnapshotIsolation, CausalMemory]
            }
            Serializable => &[SnapshotIsolation, RepeatableRead],
            StrongSnapshotIsolation => &[StrongSessionSnapshotIsolation],
            StrongSessionSnapshotIsolation => &[SnapshotIsolation, Prefix],
            SnapshotIsolation => &[ParallelSnapshotIsolation],
            ParallelSnapshotIsolation => &[ConsistentView, CursorStability, UpdateAtomic],
            Prefix => &[CausalConvergence],
            RepeatableRead => &[ConsistentView, CursorStability],
            ConsistentView | ReadAtomic => &[MonotonicAtomicView],
            CursorStability | MonotonicAtomicView | Causal => &[ReadCommitted],
            UpdateAtomic => &[ReadAtomic],
            ReadCommitted => &[ReadUncommitted],
            CausalConvergence => &[
                Causal,
                ReadAtomic,
                MonotonicReads,
                ReadYourWrites,
                MonotonicWrites,
                WritesFollowReads,
            ],
            CausalMemory => &[Causal, Pram],
            ReadUncommitted | Pram | MonotonicReads | MonotonicWrites | ReadYourWrites
            | WritesFollowReads => &[],
        }
    }

    /// Those of some levels that imply no other of them, stronger ones first.
    ///
    /// ```
    /// use rupture_checkers::isolation::Level;
    ///
    /// let failed = [Level::Serializable, Level::RepeatableRead, Level::MonotonicReads];
    /// assert_eq!(Level::weakest(&failed), [Level::RepeatableRead, Level::MonotonicReads]);
    /// ```
    pub fn weakest(levels: &[Self]) -> Vec<Self> {
        extreme(levels, Self::implies)
    }

    /// Those of some levels that no other of them implies, stronger ones first.
    ///
    /// ```
    /// use rupture_checkers::isolation::Level;
    ///
    /// let held = [Level::ReadCommitted, Level::ReadAtomic, Level::MonotonicReads];
    /// assert_eq!(Level::strongest(&held), [Level::ReadAtomic, Level::MonotonicReads]);
    /// ```
    pub fn strongest(levels: &[Self]) -> Vec<Self> {
        extreme(levels, |level, other| other.implies(level))
    }

    /// Whether the level asks what came before what in real time, which not every file says: see
    /// [`History::has_real_time`].
    ///
    /// ```
    /// use rupture_checkers::isolation::Level;
    ///
    /// assert!(Level::StrictSerializable.needs_real_time());
    /// assert!(!Level::StrongSessionSerializable.needs_real_time());
    /// ```
    pub fn needs_real_time(self) -> bool {
        matches!(self, StrictSerializable | StrongSnapshotIsolation)
    }

    /// Those of some levels by which a history can be judged, and what to note of the others.
    pub(crate) fn judged(levels: &[Self], history: &History) -> (Vec<Self>, Option<String>) {
        if history.has_real_time() {
            return (levels.to_vec(), None);
        }
        let (out, judged): (Vec<Self>, Vec<Self>) =
            levels.iter().partition(|level| level.needs_real_time());
        let names: Vec<&str> = out.into_iter().map(Self::name).collect();
        let names = names.join(" and ");
        let note = format!("the file has no real time: {names}, which need it, were not judged");
        (judged, Some(note))
    }

    /// Why a history cannot be judged by this level, if it cannot.
    pub(crate) fn lacks(self, history: &History) -> Option<String> {
        let lacks = self.needs_real_time() && !history.has_real_time();
        lacks.then(|| format!("{self} needs real time, which the file does not have"))
    }

    /// Whether every history that holds this level holds the other.
    pub fn implies(self, other: Self) -> bool {
        let mut open = vec![self];
        while let Some(level) = open.pop() {
            if level == other {
                return true;
            }
            open.extend(level.weaker());
        }
        false
    }
}

/// Those of some levels of which no other is beyond, each once.
fn extreme(levels: &[Level], beyond: impl Fn(Level, Level) -> bool) -> Vec<Level> {
    let is_extreme = |level: Level| {
        let mut others = levels.iter().filter(|&&other| other != level);
        !others.any(|&other| beyond(level, other))
    };
    Level::ALL
        .into_iter()
        .filter(|&level| levels.contains(&level) && is_extreme(level))
        .collect()
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_levels_and_stronger_levels_come_first() {
        for (place, level) in Level::ALL.into_iter().enumerate() {
            assert_eq!(Level::named(level.name()), Some(level));
            for weaker in level.weaker() {
                let below = Level::ALL.iter().position(|other| other == weaker);
                assert!(below > Some(place), "{level} implies {weaker}");
            }
        }
        assert_eq!(Level::named("eventual"), None);
    }
}
