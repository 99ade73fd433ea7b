//! What nodes tell of themselves, as plain data: the line of a log, and the observation that a checker of
//! invariants wants.
//!
//! Both are made only when somebody asks, so that a run that keeps no logs pays nothing for them. Targets do
//! not know who judges; the controller hands observations on.

use std::fmt::Debug;
use std::sync::Arc;

use rupture_protocols::NodeId;

/// One thing that a node told.
#[derive(Clone, Debug)]
pub struct NodeEvent {
    /// When, in true virtual time.
    pub at_ns: u64,
    /// The node, by its number from 0.
    pub node: u32,
    wall_ns: u64,
    told: Arc<dyn Told>,
}

/// What a node of some protocol told.
pub(crate) trait Told: Debug + Send + Sync {
    /// The line of its log: one JSON object, without the end of the line.
    fn line(&self, node: NodeId, wall_ns: u64) -> String;

    /// What a checker of invariants wants to know of it.
    fn observation(&self, at_ns: u64, node: NodeId) -> Option<Observation>;
}

/// A line that is one already.
#[derive(Debug)]
struct Line(String);

impl Told for Line {
    fn line(&self, _: NodeId, _: u64) -> String {
        self.0.clone()
    }

    fn observation(&self, _: u64, _: NodeId) -> Option<Observation> {
        None
    }
}

impl NodeEvent {
    pub(crate) fn new(at_ns: u64, node: u32, wall_ns: u64, told: Arc<dyn Told>) -> Self {
        Self {
            at_ns,
            node,
            wall_ns,
            told,
        }
    }

    /// A line of a log, as a process wrote it.
    pub(crate) fn of_line(at_ns: u64, node: u32, line: &str) -> Self {
        Self::new(at_ns, node, 0, Arc::new(Line(line.to_owned())))
    }

    /// The line of the node's log: one JSON object, without the end of the line. Its time is what the node's
    /// own wall clock shows.
    pub fn line(&self) -> String {
        self.told.line(self.node, self.wall_ns)
    }

    /// What a checker of Raft's invariants wants to know of it; `None` for what concerns no invariant.
    pub fn observation(&self) -> Option<Observation> {
        self.told.observation(self.at_ns, self.node)
    }
}

/// What a Raft node did, for the invariants of Raft (Ongaro & Ousterhout 2014, figure 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// When, in true virtual time.
    pub at_ns: u64,
    /// The node, by its number from 0.
    pub node: u32,
    /// Its term afterwards.
    pub term: u64,
    /// What.
    pub kind: ObservationKind,
}

/// One entry of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The term in which it was appended.
    pub term: u64,
    /// A digest of its content.
    pub digest: u64,
}

/// What a snapshot stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The last index that it covers; 0 for the empty one.
    pub index: u64,
    /// The term of that index.
    pub term: u64,
    /// A digest of the state.
    pub digest: u64,
}

/// The kinds of [`Observation`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObservationKind {
    /// It started with what its disk kept.
    Started {
        /// Whom it voted for in its term.
        voted_for: Option<u32>,
        /// Where its log begins.
        snapshot: Snapshot,
        /// The entries after it.
        entries: Vec<Entry>,
    },
    /// It became leader of its term.
    LeaderElected {
        /// The last index of its log then.
        last_index: u64,
        /// The term of that index.
        last_term: u64,
    },
    /// It ceased to be leader.
    SteppedDown,
    /// It appended entries to its log.
    Appended {
        /// The index of the first.
        first_index: u64,
        /// The entries.
        entries: Vec<Entry>,
    },
    /// It removed all entries from an index on.
    Truncated {
        /// The first index that is gone.
        from_index: u64,
    },
    /// It applied entries to its state machine.
    Applied {
        /// The index of the first.
        first_index: u64,
        /// The entries.
        entries: Vec<Entry>,
    },
    /// It took a snapshot of its own state.
    SnapshotTaken(Snapshot),
    /// It replaced its state by a leader's snapshot.
    SnapshotInstalled(Snapshot),
    /// A message is about to leave by which others count on its term, its vote and its log up to here.
    Promised {
        /// Whom it voted for in its term.
        voted_for: Option<u32>,
        /// The last entry that it acknowledged to a leader; index 0 for none.
        acknowledged: Snapshot,
    },
    /// Its whole state at an index, sessions included.
    State {
        /// The last index that was applied.
        index: u64,
        /// A digest of the state.
        digest: u64,
    },
}
