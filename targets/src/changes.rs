//! The changes that an administrator asks of a cluster, one after another, each until the cluster has made it.
//!
//! A change that was asked for twice is made once, because adding a member and removing one that is none are
//! answered as done; and a node's number is never used again, so that no late request can undo a later one.

use std::collections::VecDeque;

use rupture_protocols::{ErrorCode, NodeId, Reply};

use crate::protocol::Change;

/// After so long without an answer somebody else is asked.
pub(crate) const PATIENCE_NS: u64 = 1_500_000_000;
/// After so long somebody is asked again who turned the administrator away.
pub(crate) const REST_NS: u64 = 50_000_000;

/// What is still to be changed, the first of it being asked for.
#[derive(Debug, Default)]
pub(crate) struct Changes(VecDeque<Change>);

impl Changes {
    /// Adds a change. Whether it is the only one.
    pub(crate) fn push(&mut self, change: Change) -> bool {
        self.0.push_back(change);
        self.0.len() == 1
    }

    /// What is being asked for.
    pub(crate) fn first(&self) -> Option<Change> {
        self.0.front().copied()
    }

    /// The first is over.
    pub(crate) fn pop(&mut self) {
        self.0.pop_front();
    }

    /// Whether a node is asked to leave.
    pub(crate) fn is_leaving(&self, node: NodeId) -> bool {
        self.0.contains(&Change::Remove(node))
    }
}

/// What an answer means to the administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// The change is made.
    Made,
    /// It will never succeed, and is not asked for again: somebody removed the last member but this one.
    Never,
    /// It is to be asked again, of this node if anybody is named.
    NotYet(Option<NodeId>),
}

impl From<&Reply> for Answered {
    fn from(reply: &Reply) -> Self {
        match reply {
            Reply::Ok(_) => Self::Made,
            Reply::Error {
                code: ErrorCode::PermanentFailure,
                ..
            } => Self::Never,
            Reply::Error { leader, .. } => Self::NotYet(*leader),
        }
    }
}
