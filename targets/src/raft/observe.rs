//! What a node of Raft tells, as a line of its log and as an observation for a checker of invariants.

use rupture_history::observation::{Entry, Observation, Observed, Snapshot};
use rupture_protocols::NodeId;
use rupture_protocols::raft::event::json_line;
use rupture_protocols::raft::{Event, EventKind, Mark, Point};

use crate::NodeName;
use crate::observe::Told;

impl Told for Event {
    fn line(&self, node: NodeId, wall_ns: u64) -> String {
        json_line(NodeName::numbered(node).as_str(), wall_ns, self)
    }

    fn observation(&self, at_ns: u64, node: NodeId) -> Option<Observation> {
        observation(at_ns, node, self)
    }
}

fn observation(at_ns: u64, node: NodeId, event: &Event) -> Option<Observation> {
    use Observed as K;
    let kind = match &event.kind {
        EventKind::NodeStarted {
            voted_for,
            snapshot,
            entries,
        } => K::Started {
            voted_for: *voted_for,
            snapshot: point(snapshot),
            entries: marks(entries),
        },
        EventKind::LeaderElected {
            last_index,
            last_term,
        } => K::LeaderElected {
            last_index: *last_index,
            last_term: *last_term,
        },
        EventKind::SteppedDown { .. } => K::SteppedDown,
        EventKind::LogReplicated { first, marks: list } => K::Appended {
            first_index: *first,
            entries: marks(list),
        },
        EventKind::ConflictResolved { from } => K::Truncated { from_index: *from },
        EventKind::CommitApplied { first, marks: list } => K::Applied {
            first_index: *first,
            entries: marks(list),
        },
        EventKind::SnapshotTaken { point: at } => K::SnapshotTaken(point(at)),
        EventKind::SnapshotInstalled { point: at } => K::SnapshotInstalled(point(at)),
        EventKind::Promised {
            voted_for,
            acknowledged,
        } => K::Promised {
            voted_for: *voted_for,
            acknowledged: point(acknowledged),
        },
        EventKind::StateDigest { index, digest } => K::State {
            index: *index,
            digest: *digest,
        },
        EventKind::ElectionStarted { .. }
        | EventKind::MembershipChanged { .. }
        | EventKind::LeadershipTransferred { .. }
        | EventKind::PartitionDetected { .. }
        | EventKind::PartitionHealed { .. } => return None,
    };
    Some(Observation {
        at_ns,
        node,
        term: event.term,
        kind,
    })
}

fn point(point: &Point) -> Snapshot {
    Snapshot {
        index: point.index,
        term: point.term,
        digest: point.digest,
    }
}

fn marks(marks: &[Mark]) -> Vec<Entry> {
    let entry = |mark: &Mark| Entry {
        term: mark.term,
        digest: mark.digest,
    };
    marks.iter().map(entry).collect()
}
