//! What nodes send each other, what clients ask and are answered, and what the disk keeps.
//!
//! The messages are those of the Raft paper's figures 2 and 13 with the additions of the thesis: a flag for
//! pre-votes (section 9.6), a beat that answers echo (sections 6.4 and 6.2), a hint for back-off (section 5.3 of
//! the paper) and `TimeoutNow` (section 3.10). All answers to a leader are one [`Message::Ack`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::log::{Entry, Point};
use super::snapshot::Snapshot;
use crate::node::NodeId;
use crate::store::Request;

/// Names one moment of a leader's term. Followers echo it, so that an answer tells for how long the leader
/// is known to lead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Beat {
    /// Counts the rounds of contact in this term.
    pub round: u64,
    /// The leader's monotonic clock when it sent the message.
    pub sent_ns: u64,
}

/// What nodes send each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Message {
    /// Vote for me, or would you.
    RequestVote {
        /// The term to be elected in.
        term: u64,
        /// Whether it only asks what the answer would be (thesis, section 9.6).
        pre: bool,
        /// Whether the leader itself asked for this election, so that voters do not shield it.
        transfer: bool,
        /// The last index of the candidate's log.
        last_index: u64,
        /// The term of that entry.
        last_term: u64,
    },
    /// The answer to [`Message::RequestVote`].
    Vote {
        /// For a granted pre-vote the term that was asked for, else the voter's own.
        term: u64,
        /// Whether a pre-vote was asked.
        pre: bool,
        /// Whether the vote is given.
        granted: bool,
    },
    /// Append these entries.
    Append {
        /// The leader's term.
        term: u64,
        /// When it was sent.
        beat: Beat,
        /// The index before the first entry.
        prev_index: u64,
        /// The term there.
        prev_term: u64,
        /// The leader's commit index.
        commit: u64,
        /// What to append, maybe nothing.
        entries: Vec<Arc<Entry>>,
    },
    /// I lead.
    Heartbeat {
        /// The leader's term.
        term: u64,
        /// When it was sent.
        beat: Beat,
        /// What is committed of that which the follower is known to have.
        commit: u64,
    },
    /// Take this instead of the entries that I have no longer.
    InstallSnapshot {
        /// The leader's term.
        term: u64,
        /// When it was sent.
        beat: Beat,
        /// All of it.
        snapshot: Arc<Snapshot>,
    },
    /// The answer to a leader.
    Ack {
        /// The follower's term.
        term: u64,
        /// What it answers to.
        beat: Beat,
        /// How it went.
        outcome: Outcome,
    },
    /// Start an election at once: I hand over to you.
    TimeoutNow {
        /// The leader's term.
        term: u64,
    },
}

/// How a message of a leader went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was heard, or the sender is no longer the leader, which the term tells.
    Heard,
    /// The follower's log agrees with the leader's up to this index, durably.
    Matched(u64),
    /// The entry before the first one is missing or another one.
    Conflict {
        /// The index that was tried.
        prev_index: u64,
        /// From here on the logs may agree: the end of the log, or the first entry of `hint_term`.
        hint_index: u64,
        /// The term of the entry that is in the way.
        hint_term: Option<u64>,
    },
}

impl Message {
    /// The sender's term, or the one that it asks about.
    pub fn term(&self) -> u64 {
        match self {
            Self::RequestVote { term, .. }
            | Self::Vote { term, .. }
            | Self::Append { term, .. }
            | Self::Heartbeat { term, .. }
            | Self::InstallSnapshot { term, .. }
            | Self::Ack { term, .. }
            | Self::TimeoutNow { term } => *term,
        }
    }

    /// Its name, for people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RequestVote { pre: true, .. } => "RequestPreVote",
            Self::RequestVote { .. } => "RequestVote",
            Self::Vote { .. } => "Vote",
            Self::Append { .. } => "Append",
            Self::Heartbeat { .. } => "Heartbeat",
            Self::InstallSnapshot { .. } => "InstallSnapshot",
            Self::Ack { .. } => "Ack",
            Self::TimeoutNow { .. } => "TimeoutNow",
        }
    }

    /// Whether its term has begun. A pre-vote asks about, and grants, one that has not.
    pub(super) fn is_of_a_term(&self) -> bool {
        !matches!(
            self,
            Self::RequestVote { pre: true, .. }
                | Self::Vote {
                    pre: true,
                    granted: true,
                    ..
                }
        )
    }
}

/// What a client asks a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// Something of the store.
    Request(Request),
    /// Something of the cluster.
    Admin(Admin),
}

/// A change to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Admin {
    /// Make a node a member; it must have been started, and must never have been one.
    AddNode(NodeId),
    /// Make a node a member no longer, for ever.
    RemoveNode(NodeId),
    /// Let this member lead.
    TransferTo(NodeId),
}

/// What the disk keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// The current term and the vote in it.
    State {
        /// The term.
        term: u64,
        /// Who got this node's vote in it.
        voted_for: Option<NodeId>,
    },
    /// Entries, each with the index after the one before.
    Append(Vec<Arc<Entry>>),
    /// The entries from this index on are gone.
    Truncate {
        /// The first that is gone.
        from: u64,
    },
    /// A snapshot, and where the entries that follow begin: at its point, or before it where some were kept for
    /// followers that lag.
    Snapshot {
        /// The snapshot.
        snapshot: Arc<Snapshot>,
        /// The point before the first entry that follows.
        base: Point,
    },
}
