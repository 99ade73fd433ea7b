//! Hands what nodes tell of themselves to the checker of their protocol's invariants. A target does not know who
//! judges, and a checker does not know who told: here the words of the one become those of the other.

use rupture_targets::NodeEvent;
use rupture_targets::observe::{self, ObservationKind};
use rupture_workloads::checkers::history::Verdict;
use rupture_workloads::checkers::raft::{Entry, Invariants, Observation, Observed, Snapshot};

use crate::drive::simulated::Watcher;

/// Watches one run.
#[derive(Default)]
pub struct InvariantWatcher {
    invariants: Invariants,
    heard: bool,
}

impl InvariantWatcher {
    /// What the invariants say; nothing when the target told nothing that concerns one.
    pub fn finish(self) -> Option<Verdict> {
        self.heard.then(|| self.invariants.finish())
    }
}

impl Watcher for InvariantWatcher {
    fn told(&mut self, event: &NodeEvent) {
        if let Some(observation) = event.observation() {
            self.heard = true;
            self.invariants.observe(&translate(observation));
        }
    }
}

fn translate(told: observe::Observation) -> Observation {
    Observation {
        at_ns: told.at_ns,
        node: told.node,
        term: told.term,
        kind: match told.kind {
            ObservationKind::Started {
                voted_for,
                snapshot: at,
                entries: log,
            } => Observed::Started {
                voted_for,
                snapshot: snapshot(at),
                entries: entries(&log),
            },
            ObservationKind::LeaderElected {
                last_index,
                last_term,
            } => Observed::LeaderElected {
                last_index,
                last_term,
            },
            ObservationKind::SteppedDown => Observed::SteppedDown,
            ObservationKind::Appended {
                first_index,
                entries: log,
            } => Observed::Appended {
                first_index,
                entries: entries(&log),
            },
            ObservationKind::Truncated { from_index } => Observed::Truncated { from_index },
            ObservationKind::Applied {
                first_index,
                entries: log,
            } => Observed::Applied {
                first_index,
                entries: entries(&log),
            },
            ObservationKind::SnapshotTaken(at) => Observed::SnapshotTaken(snapshot(at)),
            ObservationKind::SnapshotInstalled(at) => Observed::SnapshotInstalled(snapshot(at)),
            ObservationKind::Promised {
                voted_for,
                acknowledged,
            } => Observed::Promised {
                voted_for,
                acknowledged: snapshot(acknowledged),
            },
            ObservationKind::State { index, digest } => Observed::State { index, digest },
        },
    }
}

fn snapshot(at: observe::Snapshot) -> Snapshot {
    Snapshot {
        index: at.index,
        term: at.term,
        digest: at.digest,
    }
}

fn entries(log: &[observe::Entry]) -> Vec<Entry> {
    let entry = |entry: &observe::Entry| Entry {
        term: entry.term,
        digest: entry.digest,
    };
    log.iter().map(entry).collect()
}
