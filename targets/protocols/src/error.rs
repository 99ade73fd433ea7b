//! Why a call was not answered with a response: the codes that clients, logs and metrics speak of.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What went wrong with a call, whether or not it took effect: that the reply says apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// The node does not lead, and may know who does.
    LeaderNotFound,
    /// The leader hears of no majority.
    QuorumUnreachable,
    /// It took too long.
    Timeout,
    /// A partition ended lately and the node is not up to date yet.
    NetworkPartitionHealing,
    /// The term is not one in which the call can be served.
    InvalidTerm,
    /// The idempotency key was used for another command.
    DuplicateRequest,
    /// It will never succeed.
    PermanentFailure,
}

/// A text that names no code.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown error code `{0}`")]
pub struct UnknownErrorCode(pub String);

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 7] = [
        Self::LeaderNotFound,
        Self::QuorumUnreachable,
        Self::Timeout,
        Self::NetworkPartitionHealing,
        Self::InvalidTerm,
        Self::DuplicateRequest,
        Self::PermanentFailure,
    ];

    /// How it is spelled everywhere: `LEADER_NOT_FOUND` and so on.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LeaderNotFound => "LEADER_NOT_FOUND",
            Self::QuorumUnreachable => "QUORUM_UNREACHABLE",
            Self::Timeout => "TIMEOUT",
            Self::NetworkPartitionHealing => "NETWORK_PARTITION_HEALING",
            Self::InvalidTerm => "INVALID_TERM",
            Self::DuplicateRequest => "DUPLICATE_REQUEST",
            Self::PermanentFailure => "PERMANENT_FAILURE",
        }
    }
}

impl Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for ErrorCode {
    type Err = UnknownErrorCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|code| code.as_str() == text)
            .ok_or_else(|| UnknownErrorCode(text.to_owned()))
    }
}
