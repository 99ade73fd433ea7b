//! What a node tells of itself: for people, and for the checker of Raft's invariants.
//!
//! Events are small values; their text is made only by [`json_line`]. The five invariants of the Raft paper
//! (figure 3) can be judged from them alone: [`EventKind::NodeStarted`] says what a node's log holds,
//! [`EventKind::LogReplicated`], [`EventKind::ConflictResolved`] and [`EventKind::SnapshotInstalled`] every
//! change to it since, [`EventKind::LeaderElected`] who led which term, and [`EventKind::CommitApplied`] what
//! was applied. [`EventKind::Promised`] says what others may count on across a restart, and
//! [`EventKind::StateDigest`] what the log has made of the state. The digest of an entry stands for the whole log up to
//! it. Reads, which change nothing, tell nothing.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Value, json};

use super::log::Point;
use crate::node::NodeId;

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The protocol's daily work.
    Debug,
    /// A change of state.
    Info,
    /// Something is wrong outside.
    Warn,
}

/// An entry as a checker sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mark {
    /// Its term.
    pub term: u64,
    /// The digest of the log up to it.
    pub digest: u64,
}

/// Something happened at a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The node's term at the time.
    pub term: u64,
    /// What happened.
    pub kind: EventKind,
}

/// Why a leader or candidate steps down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepDown {
    /// Somebody is in a later term, or leads this one.
    Superseded,
    /// No majority was heard for a while (check-quorum).
    QuorumLost,
    /// It is a member no longer.
    Removed,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The process started, with this on its disk.
    NodeStarted {
        /// The vote in the current term.
        voted_for: Option<NodeId>,
        /// The snapshot's point; index 0 if there is none.
        snapshot: Point,
        /// The entries behind the snapshot: the first has the index after it.
        entries: Vec<Mark>,
    },
    /// It asks for votes in a new term.
    ElectionStarted {
        /// The last index of its log.
        last_index: u64,
        /// The term there.
        last_term: u64,
    },
    /// It leads the term.
    LeaderElected {
        /// The last index of its log, before the entry that opens its term.
        last_index: u64,
        /// The term there.
        last_term: u64,
    },
    /// It leads no longer, or gives its candidacy up.
    SteppedDown {
        /// Why.
        why: StepDown,
    },
    /// Entries were appended to the node's own log.
    LogReplicated {
        /// The index of the first.
        first: u64,
        /// The entries.
        marks: Vec<Mark>,
    },
    /// Entries that another leader had left behind were dropped.
    ConflictResolved {
        /// From this index on.
        from: u64,
    },
    /// Entries were committed and applied.
    CommitApplied {
        /// The index of the first.
        first: u64,
        /// The entries.
        marks: Vec<Mark>,
    },
    /// A snapshot was taken of what was applied.
    SnapshotTaken {
        /// Up to where.
        point: Point,
    },
    /// A leader's snapshot took the place of the whole log and state.
    SnapshotInstalled {
        /// Up to where.
        point: Point,
    },
    /// A message is about to leave by which others count on more than before: on the term, on the vote in it, or on
    /// the log up to an entry. All of it is durable by then.
    Promised {
        /// The vote in the current term.
        voted_for: Option<NodeId>,
        /// The last entry that was acknowledged to a leader; index 0 if this is about term and vote alone.
        acknowledged: Point,
    },
    /// What the whole state is, members and sessions included, now that so much of the log is applied.
    StateDigest {
        /// The last index that was applied.
        index: u64,
        /// Stands for the state.
        digest: u64,
    },
    /// An entry that changes the members was committed and applied.
    MembershipChanged {
        /// Its index.
        index: u64,
        /// The members now.
        members: Vec<NodeId>,
    },
    /// A leader told another node to take over.
    LeadershipTransferred {
        /// Which one.
        to: NodeId,
    },
    /// A leader has not heard from a follower for a while, or a follower from its leader.
    PartitionDetected {
        /// From whom.
        peer: NodeId,
    },
    /// It hears from that node again, or a follower from a new leader.
    PartitionHealed {
        /// From whom.
        peer: NodeId,
    },
}

impl StepDown {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Superseded => "superseded",
            Self::QuorumLost => "quorum_lost",
            Self::Removed => "removed",
        }
    }
}

impl Event {
    /// How much it matters.
    pub fn level(&self) -> Level {
        match self.kind {
            EventKind::LogReplicated { .. }
            | EventKind::CommitApplied { .. }
            | EventKind::Promised { .. }
            | EventKind::StateDigest { .. } => Level::Debug,
            EventKind::PartitionDetected { .. }
            | EventKind::SteppedDown {
                why: StepDown::QuorumLost,
            } => Level::Warn,
            _ => Level::Info,
        }
    }

    /// The node's term at the time.
    pub fn term(&self) -> u64 {
        self.term
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self.kind {
            EventKind::NodeStarted { .. } => "node_started",
            EventKind::ElectionStarted { .. } => "election_started",
            EventKind::LeaderElected { .. } => "leader_elected",
            EventKind::SteppedDown { .. } => "stepped_down",
            EventKind::LogReplicated { .. } => "log_replicated",
            EventKind::ConflictResolved { .. } => "conflict_resolved",
            EventKind::CommitApplied { .. } => "commit_applied",
            EventKind::SnapshotTaken { .. } => "snapshot_taken",
            EventKind::SnapshotInstalled { .. } => "snapshot_installed",
            EventKind::Promised { .. } => "promised",
            EventKind::StateDigest { .. } => "state_digest",
            EventKind::MembershipChanged { .. } => "membership_changed",
            EventKind::LeadershipTransferred { .. } => "leadership_transferred",
            EventKind::PartitionDetected { .. } => "partition_detected",
            EventKind::PartitionHealed { .. } => "partition_healed",
        }
    }

    /// All else that is to say. Digests are 16 hexadecimal digits, because many readers of JSON keep only 53
    /// bits of a number; keys are in alphabetical order.
    pub fn context(&self) -> Value {
        match &self.kind {
            EventKind::NodeStarted {
                voted_for,
                snapshot,
                entries,
            } => json!({
                "voted_for": voted_for.map(node_name),
                "snapshot": point_json(snapshot),
                "entries": marks_json(snapshot.index + 1, entries),
            }),
            EventKind::ElectionStarted {
                last_index,
                last_term,
            }
            | EventKind::LeaderElected {
                last_index,
                last_term,
            } => json!({"last_index": last_index, "last_term": last_term}),
            EventKind::SteppedDown { why } => json!({"why": why.name()}),
            EventKind::LogReplicated { first, marks }
            | EventKind::CommitApplied { first, marks } => {
                json!({"first": first, "entries": marks_json(*first, marks)})
            }
            EventKind::ConflictResolved { from } => json!({"from": from}),
            EventKind::SnapshotTaken { point } | EventKind::SnapshotInstalled { point } => {
                point_json(point)
            }
            EventKind::Promised {
                voted_for,
                acknowledged,
            } => json!({
                "voted_for": voted_for.map(node_name),
                "acknowledged": point_json(acknowledged),
            }),
            EventKind::StateDigest { index, digest } => {
                json!({"index": index, "digest": hex(*digest)})
            }
            EventKind::MembershipChanged { index, members } => {
                let names: Vec<String> = members.iter().copied().map(node_name).collect();
                json!({"index": index, "members": names})
            }
            EventKind::LeadershipTransferred { to } => json!({"to": node_name(*to)}),
            EventKind::PartitionDetected { peer } | EventKind::PartitionHealed { peer } => {
                json!({"peer": node_name(*peer)})
            }
        }
    }
}

/// What people call a node: node 0 is `n1`.
pub(super) fn node_name(node: NodeId) -> String {
    format!("n{}", u64::from(node) + 1)
}

fn point_json(point: &Point) -> Value {
    json!({"index": point.index, "term": point.term, "digest": hex(point.digest)})
}

fn marks_json(first: u64, marks: &[Mark]) -> Value {
    let entry = |(index, mark): (u64, &Mark)| json!({"index": index, "term": mark.term, "digest": hex(mark.digest)});
    (first..).zip(marks).map(entry).collect()
}

fn hex(digest: u64) -> String {
    format!("{digest:016x}")
}

/// A line of a node's log, without its end: one JSON object with `level`, `timestamp`, `node_id`, `term`, `event`
/// and `context`. `wall_ns` is the node's wall clock, taken as nanoseconds since 1970.
pub fn json_line(node_name: &str, wall_ns: u64, event: &Event) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        level: Level,
        timestamp: String,
        node_id: &'a str,
        term: u64,
        event: &'static str,
        context: Value,
    }
    let line = Line {
        level: event.level(),
        timestamp: timestamp(wall_ns),
        node_id: node_name,
        term: event.term(),
        event: event.name(),
        context: event.context(),
    };
    // Nothing in it can fail to be written: all keys are texts.
    serde_json::to_string(&line).unwrap_or_default()
}

/// ISO 8601 in UTC with nanoseconds. The calendar is counted in eras of 400 years that begin on a first of March,
/// so that the leap day is the last of its year.
fn timestamp(ns: u64) -> String {
    const DAYS_TO_1970: u64 = 719_468;
    let (seconds, nanos) = (ns / 1_000_000_000, ns % 1_000_000_000);
    let days = seconds / 86_400 + DAYS_TO_1970;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let mut text = String::with_capacity(30);
    // Writing to a text never fails.
    let _ = write!(
        text,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stamps_follow_the_calendar() {
        let at = |seconds: u64| timestamp(seconds * 1_000_000_000);
        assert_eq!(at(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(at(951_782_399), "2000-02-28T23:59:59.000000000Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00.000000000Z");
        assert_eq!(at(951_868_800), "2000-03-01T00:00:00.000000000Z");
        assert_eq!(at(4_107_542_399), "2100-02-28T23:59:59.000000000Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00.000000000Z");
        assert_eq!(timestamp(1), "1970-01-01T00:00:00.000000001Z");
    }

    /// Walks through 200 years day by day with the calendar's plain rules.
    #[test]
    fn every_day_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1970_u64, 1_u64, 1_u64);
        for days in 0..73_000_u64 {
            let text = timestamp(days * 86_400_000_000_000);
            assert_eq!(text[..10], format!("{year:04}-{month:02}-{day:02}"));
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 => 28 + u64::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > length {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
    }

    #[test]
    fn a_line_has_its_parts_in_order() {
        let event = Event {
            term: 3,
            kind: EventKind::CommitApplied {
                first: 7,
                marks: vec![Mark {
                    term: 2,
                    digest: 255,
                }],
            },
        };
        assert_eq!(
            json_line("n1", 1_500_000_000, &event),
            concat!(
                r#"{"level":"debug","timestamp":"1970-01-01T00:00:01.500000000Z","node_id":"n1","term":3,"#,
                r#""event":"commit_applied","context":{"entries":[{"digest":"00000000000000ff","index":7,"term":2}],"#,
                r#""first":7}}"#
            )
        );
    }
}
