//! What clients of a reference system are answered, whichever system it is.

use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;
use crate::node::NodeId;
use crate::store::Response;

/// What a client is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// It was done; this is the store's answer. Changes to the cluster are answered by [`Response::Done`].
    Ok(Response),
    /// It was not done as far as the node knows.
    Error {
        /// What went wrong.
        code: ErrorCode,
        /// Who is believed to lead.
        leader: Option<NodeId>,
        /// Whether it may have taken effect, or still may. `false` is a promise.
        maybe_executed: bool,
    },
}
