//! What nodes of a replicated log tell of themselves, in words that no protocol's implementation is needed for: a target
//! says them, the judge of the invariants of Raft hears them, and a node that is a process writes them as lines of JSON.

use serde::{Deserialize, Serialize};

/// Something that a node told.
///
/// ```
/// use rupture_history::observation::{Observation, Observed};
///
/// let told = Observation { at_ns: 3, node: 0, term: 1, kind: Observed::SteppedDown };
/// let line = serde_json::to_string(&told)?;
/// assert_eq!(line, r#"{"at_ns":3,"node":0,"term":1,"kind":"stepped-down"}"#);
/// assert_eq!(serde_json::from_str::<Observation>(&line)?, told);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
/// use rupture_history::observation::Entry;
///
/// // Equal term, and yet another log: the digests say so.
/// assert_ne!(Entry { term: 1, digest: 0xaa }, Entry { term: 1, digest: 0xbb });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The term of the leader that created it.
    pub term: u64,
    /// Stands for the whole log up to and including it.
    pub digest: u64,
}

/// Stands for all entries of a log up to and including the one at `index`; index 0 for none at all.
///
/// ```
/// use rupture_history::observation::Snapshot;
///
/// assert_eq!(Snapshot::default(), Snapshot { index: 0, term: 0, digest: 0 });
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
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
/// use rupture_history::observation::{Entry, Observed};
///
/// let entries = vec![Entry { term: 1, digest: 7 }];
/// let line = serde_json::to_string(&Observed::Applied { first_index: 1, entries })?;
/// assert_eq!(line, r#"{"applied":{"first_index":1,"entries":[{"term":1,"digest":7}]}}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
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
