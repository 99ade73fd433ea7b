//! Bugs that can be switched on, one at a time, to see whether a test finds them.
//!
//! Each is a mistake that real systems made, a few lines at the place where it would be made, and none is ever
//! on by default.

use serde::{Deserialize, Serialize};

/// One named bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mutant {
    /// Reads skip the round that confirms leadership, and a leader that hears no majority goes on leading.
    StaleRead,
    /// Reads are served by whoever is asked.
    FollowerRead,
    /// Log appends are acknowledged before they are durable.
    UnsyncedAck,
    /// A vote does not bind.
    DoubleVote,
    /// Figure 8 of the paper.
    CommitOldTerm,
    /// Sessions do not work.
    ReapplyRetry,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::StaleRead,
        Self::FollowerRead,
        Self::UnsyncedAck,
        Self::DoubleVote,
        Self::CommitOldTerm,
        Self::ReapplyRetry,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::StaleRead => "stale-read",
            Self::FollowerRead => "follower-read",
            Self::UnsyncedAck => "unsynced-ack",
            Self::DoubleVote => "double-vote",
            Self::CommitOldTerm => "commit-old-term",
            Self::ReapplyRetry => "reapply-retry",
        }
    }

    /// What it does, in one line.
    pub fn about(self) -> &'static str {
        match self {
            Self::StaleRead => {
                "a leader answers reads from its own state and never asks whether it still leads"
            }
            Self::FollowerRead => "any node answers reads from its own state",
            Self::UnsyncedAck => "a node acknowledges entries before they are durable",
            Self::DoubleVote => "a node forgets whom it voted for and votes again in the same term",
            Self::CommitOldTerm => {
                "a leader commits entries of earlier terms by counting replicas (Figure 8 of the paper)"
            }
            Self::ReapplyRetry => "a retried request takes effect again",
        }
    }
}
