//! The five invariants of figure 3 of the Raft paper, judged from the nodes' events.

use std::collections::BTreeMap;

use rupture_protocols::NodeId;
use rupture_protocols::raft::{Event, EventKind, Mark, Point};

/// A node's log as its events tell it.
#[derive(Clone, Debug, Default)]
struct Log {
    base: u64,
    base_digest: u64,
    marks: Vec<Mark>,
}

impl Log {
    fn last(&self) -> u64 {
        self.base + self.marks.len() as u64
    }

    /// The digest at an index, unless compaction took it.
    fn digest_at(&self, index: u64) -> Option<u64> {
        if index == self.base {
            return Some(self.base_digest);
        }
        let place = index.checked_sub(self.base + 1)?;
        self.marks.get(place as usize).map(|mark| mark.digest)
    }

    fn truncate_from(&mut self, index: u64) {
        self.marks.truncate((index - 1 - self.base) as usize);
    }
}

#[derive(Debug, Default)]
struct Replica {
    log: Log,
    /// The term that it leads.
    leads: Option<u64>,
    applied: u64,
}

/// Everything that was seen, and what was wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Invariants {
    replicas: BTreeMap<NodeId, Replica>,
    /// By term: who led it, and with which log it began.
    leaders: BTreeMap<u64, (NodeId, Log)>,
    /// By index and term: the digest.
    entries: BTreeMap<(u64, u64), u64>,
    /// By index: the entry that was applied first, and the term in which it was seen to be committed.
    applied: BTreeMap<u64, (Mark, u64)>,
    pub(crate) violations: Vec<String>,
    pub(crate) leaders_seen: usize,
}

impl Invariants {
    pub(crate) fn note(&mut self, node: NodeId, event: &Event) {
        match &event.kind {
            EventKind::NodeStarted {
                snapshot, entries, ..
            } => self.started(node, *snapshot, entries),
            EventKind::LeaderElected { last_index, .. } => {
                self.elected(node, event.term, *last_index);
            }
            EventKind::SteppedDown { .. } => self.replica(node).leads = None,
            EventKind::LogReplicated { first, marks } => self.appended(node, *first, marks),
            EventKind::ConflictResolved { from } => self.truncated(node, event.term, *from),
            EventKind::CommitApplied { first, marks } => {
                self.committed(node, event.term, *first, marks);
            }
            EventKind::SnapshotInstalled { point } => self.installed(node, event.term, *point),
            _ => {}
        }
    }

    fn replica(&mut self, node: NodeId) -> &mut Replica {
        self.replicas.entry(node).or_default()
    }

    fn wrong(&mut self, what: String) {
        self.violations.push(what);
    }

    fn started(&mut self, node: NodeId, snapshot: Point, entries: &[Mark]) {
        let log = Log {
            base: snapshot.index,
            base_digest: snapshot.digest,
            marks: Vec::new(),
        };
        *self.replica(node) = Replica {
            log,
            leads: None,
            applied: snapshot.index,
        };
        self.appended(node, snapshot.index + 1, entries);
    }

    /// Election safety, and leader completeness for what was committed before.
    fn elected(&mut self, node: NodeId, term: u64, last_index: u64) {
        self.leaders_seen += 1;
        let log = self.replica(node).log.clone();
        if log.last() != last_index {
            self.wrong(format!("n{node} was elected with another log than it told"));
        }
        self.replica(node).leads = Some(term);
        for (&index, &(mark, seen_in)) in &self.applied {
            if seen_in < term && !holds(&log, index, mark) {
                self.violations.push(format!(
                    "leader completeness: n{node} leads term {term} without entry {index} of term {}",
                    mark.term
                ));
            }
        }
        if let Some((other, _)) = self.leaders.insert(term, (node, log))
            && other != node
        {
            self.wrong(format!(
                "election safety: n{other} and n{node} lead term {term}"
            ));
        }
    }

    /// Log matching.
    fn appended(&mut self, node: NodeId, first: u64, marks: &[Mark]) {
        let log = &mut self.replica(node).log;
        if log.last() + 1 == first {
            log.marks.extend_from_slice(marks);
        } else {
            let last = log.last();
            self.wrong(format!("n{node} appends {first} behind {last}"));
        }
        for (index, mark) in (first..).zip(marks) {
            let known = *self
                .entries
                .entry((index, mark.term))
                .or_insert(mark.digest);
            if known != mark.digest {
                self.wrong(format!(
                    "log matching: entry {index} of term {} has two pasts, one at n{node}",
                    mark.term
                ));
            }
        }
    }

    /// A leader only appends.
    fn truncated(&mut self, node: NodeId, term: u64, from: u64) {
        let replica = self.replica(node);
        replica.log.truncate_from(from);
        if replica.leads == Some(term) {
            self.wrong(format!(
                "leader append-only: n{node} truncates in its term {term}"
            ));
        }
    }

    fn installed(&mut self, node: NodeId, term: u64, point: Point) {
        let replica = self.replica(node);
        replica.log = Log {
            base: point.index,
            base_digest: point.digest,
            marks: Vec::new(),
        };
        replica.applied = point.index;
        if replica.leads == Some(term) {
            self.wrong(format!(
                "leader append-only: n{node} installs in its term {term}"
            ));
        }
    }

    /// State machine safety, and leader completeness for leaders that were elected before.
    fn committed(&mut self, node: NodeId, term: u64, first: u64, marks: &[Mark]) {
        let applied = self.replica(node).applied;
        if applied + 1 != first {
            self.wrong(format!("n{node} applies {first} after {applied}"));
        }
        self.replica(node).applied = first + marks.len() as u64 - 1;
        for (index, &mark) in (first..).zip(marks) {
            if self.replica(node).log.digest_at(index) != Some(mark.digest) {
                self.wrong(format!(
                    "n{node} applies entry {index} that is not in its log"
                ));
            }
            match self.applied.get(&index) {
                Some((known, _)) if *known != mark => self.wrong(format!(
                    "state machine safety: n{node} applies another entry {index}"
                )),
                Some(_) => {}
                None => self.newly_committed(index, mark, term),
            }
        }
    }

    fn newly_committed(&mut self, index: u64, mark: Mark, term: u64) {
        self.applied.insert(index, (mark, term));
        for (later, (leader, log)) in self.leaders.range(term + 1..) {
            if !holds(log, index, mark) {
                self.violations.push(format!(
                    "leader completeness: n{leader} led term {later} without entry {index}, committed in {term}"
                ));
            }
        }
    }
}

/// Whether a log holds an entry; what was compacted is taken to be there.
fn holds(log: &Log, index: u64, mark: Mark) -> bool {
    index < log.base || log.digest_at(index) == Some(mark.digest)
}
