//! Bugs that can be switched on, one at a time, to see whether a test finds them.
//!
//! Each is a mistake that real systems made, a few lines at the place where it would be made, and none is ever
//! on by default.

use serde::{Deserialize, Serialize};

use crate::store::Weakness;

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
    /// A leader sends a follower whose log differs the same entries for ever.
    NoBackOff,
    /// Acknowledgements multiply.
    AckStorm,
    /// Transactions see what others have not committed.
    ReadUncommitted,
    /// Each step of a transaction reads at its own moment.
    ReadCommitted,
    /// Transactions overwrite what they have not seen.
    LostUpdate,
    /// Transactions are snapshot isolated, and no more.
    WriteSkew,
    /// Two sites see each other's commits late.
    LongFork,
    /// Read-only transactions read what was there a while ago.
    StaleSnapshot,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::StaleRead,
        Self::FollowerRead,
        Self::UnsyncedAck,
        Self::DoubleVote,
        Self::CommitOldTerm,
        Self::ReapplyRetry,
        Self::NoBackOff,
        Self::AckStorm,
        Self::ReadUncommitted,
        Self::ReadCommitted,
        Self::LostUpdate,
        Self::WriteSkew,
        Self::LongFork,
        Self::StaleSnapshot,
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
            Self::NoBackOff => "no-back-off",
            Self::AckStorm => "ack-storm",
            Self::ReadUncommitted => "read-uncommitted",
            Self::ReadCommitted => "read-committed",
            Self::LostUpdate => "lost-update",
            Self::WriteSkew => "write-skew",
            Self::LongFork => "long-fork",
            Self::StaleSnapshot => "stale-snapshot",
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
            Self::AckStorm => {
                "a leader answers every acknowledgement with a heartbeat to everybody"
            }
            Self::NoBackOff => {
                "a leader never tries earlier entries with a follower whose log lacks what it sends"
            }
            Self::ReadUncommitted => {
                "a transaction sees what another has written so far, also where that one aborts"
            }
            Self::ReadCommitted => {
                "each step of a transaction reads the newest committed state of its own moment"
            }
            Self::LostUpdate => {
                "a transaction reads a snapshot and writes on top of what others wrote since"
            }
            Self::WriteSkew => {
                "a transaction reads a snapshot, and only the keys that it writes are validated"
            }
            Self::LongFork => {
                "two groups of clients see each other's transactions late, each in an order of its own"
            }
            Self::StaleSnapshot => {
                "transactions that only read are answered from a snapshot of a while ago"
            }
        }
    }

    /// How weakly transactions are isolated under it; `None` where they are as they should be.
    pub fn weakness(self) -> Option<Weakness> {
        Some(match self {
            Self::ReadUncommitted => Weakness::ReadUncommitted,
            Self::ReadCommitted => Weakness::ReadCommitted,
            Self::LostUpdate => Weakness::LostUpdate,
            Self::WriteSkew => Weakness::WriteSkew,
            Self::LongFork => Weakness::LongFork,
            Self::StaleSnapshot => Weakness::StaleSnapshot,
            _ => return None,
        })
    }
}
