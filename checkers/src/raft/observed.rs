//! What nodes tell, in words that no protocol's implementation is needed for.

/// Something that a node told.
///
/// ```
/// use rupture_checkers::raft::{Invariants, Observation, Observed};
///
/// let mut invariants = Invariants::new();
/// invariants.observe(&Observation { at_ns: 3, node: 0, term: 1, kind: Observed::SteppedDown });
/// assert!(invariants.broken().is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// When, in nanoseconds of true time. Observations are handed over in this order.
    pub at_ns: u64,
    /// Which node, numbered from 0; people see node 0 as `n1`.
    pub node: u32,
    /// The node's term at that moment.
    pub term: u64,
    /// What.
    pub kind: Observed,
}

/// An entry of a log. Its index follows from where it is told.
///
/// ```
/// use rupture_checkers::raft::{Entry, Invariants, Observation, Observed};
///
/// // Equal index and term, and yet another log: the digests say so.
/// let mut invariants = Invariants::new();
/// for (node, digest) in [(0, 0xaa), (1, 0xbb)] {
///     let kind = Observed::Appended { first_index: 1, entries: vec![Entry { term: 1, digest }] };
///     invariants.observe(&Observation { at_ns: 1, node, term: 1, kind });
/// }
/// assert_eq!(invariants.finish().anomalies[0].kind, "log-matching");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// The term of the leader that created it.
    pub term: u64,
    /// Stands for the whole log up to and including it.
    pub digest: u64,
}

/// Stands for all entries of a log up to and including the one at `index`; index 0 for none at all.
///
/// ```
/// use rupture_checkers::raft::{Entry, Invariants, Observation, Observed, Snapshot};
///
/// // What the snapshot covers was applied, and so was something else at the same index.
/// let mut invariants = Invariants::new();
/// let mut tell = |node, kind| {
///     invariants.observe(&Observation { at_ns: 1, node, term: 2, kind });
///     invariants.broken().len()
/// };
/// let snapshot = Snapshot { index: 1, term: 1, digest: 0xaa };
/// assert_eq!(tell(0, Observed::SnapshotInstalled(snapshot)), 0);
/// let entries = vec![Entry { term: 2, digest: 0xbb }];
/// assert_eq!(tell(1, Observed::Applied { first_index: 1, entries }), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Snapshot {
    /// The index of its last entry.
    pub index: u64,
    /// The term of that entry.
    pub term: u64,
    /// The digest of that entry.
    pub digest: u64,
}

/// What a node tells.
///
/// ```
/// use rupture_checkers::history::Validity;
/// use rupture_checkers::raft::{Entry, Invariants, Observation, Observed};
///
/// // One node leads, appends an entry and applies it.
/// let entries = vec![Entry { term: 1, digest: 0xaa }];
/// let told = [
///     Observed::LeaderElected { last_index: 0, last_term: 0 },
///     Observed::Appended { first_index: 1, entries: entries.clone() },
///     Observed::Applied { first_index: 1, entries },
/// ];
/// let mut invariants = Invariants::new();
/// for (at_ns, kind) in (0..).zip(told) {
///     invariants.observe(&Observation { at_ns, node: 0, term: 1, kind });
/// }
/// assert_eq!(invariants.finish().validity, Validity::Valid);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed {
    /// Its process started, with this on its disk. It leads nothing.
    Started {
        /// Whom it voted for in its term.
        voted_for: Option<u32>,
        /// The last snapshot.
        snapshot: Snapshot,
        /// The entries behind it; the first has the index `snapshot.index + 1`.
        entries: Vec<Entry>,
    },
    /// It was elected leader of its term; its log is that of before it appends anything as leader.
    LeaderElected {
        /// The index of the last entry of its log.
        last_index: u64,
        /// The term of that entry.
        last_term: u64,
    },
    /// It leads no longer.
    SteppedDown,
    /// Entries were put into its log, in the place of all that it had from `first_index` on.
    Appended {
        /// The index of the first.
        first_index: u64,
        /// The entries.
        entries: Vec<Entry>,
    },
    /// All entries from an index on were taken off its log.
    Truncated {
        /// The first index that it lacks now.
        from_index: u64,
    },
    /// Entries were applied to its state machine.
    Applied {
        /// The index of the first.
        first_index: u64,
        /// The entries.
        entries: Vec<Entry>,
    },
    /// A snapshot was taken of what it had applied. Its log is the same, compacted or not.
    SnapshotTaken(Snapshot),
    /// A snapshot from elsewhere took the place of its state, and of its log unless the log contains the
    /// snapshot's last entry.
    SnapshotInstalled(Snapshot),
    /// A message is about to leave by which others may count on this, whatever becomes of the process: the term, the
    /// vote in it, and the log up to an entry that was acknowledged to a leader.
    Promised {
        /// Whom it voted for in its term.
        voted_for: Option<u32>,
        /// The last entry that it acknowledged; index 0 for none.
        acknowledged: Snapshot,
    },
    /// Its whole state, whatever clients can see of it, once all up to an index was applied and nothing more.
    State {
        /// The index.
        index: u64,
        /// Stands for the state.
        digest: u64,
    },
}
