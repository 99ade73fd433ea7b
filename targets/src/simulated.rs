//! What the simulated driver needs of a target, whatever protocol it runs.

use rupture_history::observation::Observation;
use rupture_history::{Kind, Name, Value};

use rupture_protocols::sim::Storm;

use crate::observe::NodeEvent;
use crate::{Cluster, NodeName};

/// One operation that a client thread invokes.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// The thread, from 0; it has no other operation open.
    pub thread: usize,
    /// Names the operation in the whole run; its retries carry the same number.
    pub request_id: u64,
    /// The node, by its position from 0, that the first attempt goes to; Jepsen binds thread `t` to node
    /// `t % nodes`. Later attempts follow the target's hints.
    pub node: usize,
    /// Whether no other node is asked unless that one points to it: an answer then shows that clients are served
    /// through this node.
    pub stays: bool,
    /// The function, such as `read`.
    pub f: &'a str,
    /// The argument; `[key value]` with [`crate::TargetOptions::independent`].
    pub value: &'a Value,
    /// The operation's other fields.
    pub extra: &'a [(Name, Value)],
    /// When the client gives up: the operation completes at the latest then.
    pub deadline_ns: u64,
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// `ok`, `fail` or `info`, never `invoke`.
    pub kind: Kind,
    /// The result when `ok`, else the argument; in the form of the invocation, `[key value]` for `[key value]`.
    pub value: Value,
    /// Why it is not `ok`, for the event's field `error`.
    pub error: Option<Value>,
}

/// What happened while virtual time went on.
#[derive(Clone, Debug)]
pub enum Happening {
    /// The open operation of a thread completed.
    Completed {
        /// Which thread.
        thread: usize,
        /// How.
        completion: Completion,
    },
    /// The time of an alarm has come.
    Alarm {
        /// Which alarm.
        token: u64,
    },
    /// A node told something of itself; only when [`crate::TargetOptions::watch`] is set.
    Node(NodeEvent),
    /// A node told something that a judge of its invariants wants to know, where that does not come with a line of its
    /// log; perhaps later than what others told who acted after it.
    Observed(Observation),
    /// A node's process ended by itself; never in the simulator.
    Died {
        /// Which.
        node: NodeName,
        /// How, for people.
        how: String,
        /// The last lines of its log.
        tail: Vec<String>,
    },
    /// Nothing, but much went on: a good moment to look whether an end was asked for.
    Busy,
    /// More went on in a second of virtual time than any sound system makes go on. Nothing happens any more.
    Storm(Box<Storm>),
}

/// An operation that the target has no meaning for: a mistake of the workload, found before it is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{target} cannot do `{f}` with the value {value}: {expected}")]
pub struct OperationError {
    /// The target.
    pub target: &'static str,
    /// The function.
    pub f: String,
    /// The argument as EDN.
    pub value: String,
    /// What would be right.
    pub expected: String,
}

/// What a target claims about serving again after faults.
///
/// Once every fault is undone and every process runs, whatever is asked of it `within_ns` later or after that is
/// answered `ok` within `answers_ns`: every operation that it can never refuse, on every key, through every node of
/// [`Simulated::serving`]. Until then it may answer or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryClaim {
    /// From when on it serves, in nanoseconds since everything was healed.
    pub within_ns: u64,
    /// How long an answer may take then, in nanoseconds.
    pub answers_ns: u64,
    /// Under which settings it claims this, for people.
    pub holds: &'static str,
}

/// A target in virtual time: a single-threaded world that moves only when it is told to.
pub trait Simulated: Cluster {
    /// True virtual time since the run began.
    fn now_ns(&self) -> u64;

    /// Hands an operation to a client thread, now. Exactly one [`Happening::Completed`] answers it, at the
    /// latest at its deadline.
    ///
    /// # Errors
    /// An operation that this target does not know; nothing was sent.
    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), OperationError>;

    /// Asks for [`Happening::Alarm`] at a time; one in the past rings at once. Alarms of the same time ring
    /// in the order in which they were set.
    fn alarm(&mut self, token: u64, at_ns: u64);

    /// Moves time on to the next happening, or to the limit if there is none until then (`None`).
    /// A happening at the limit itself is returned.
    fn advance(&mut self, limit_ns: u64) -> Option<Happening>;

    /// What it claims about serving again, under the settings that it was built with; `None` for a target that
    /// claims nothing.
    fn recovery(&self) -> Option<RecoveryClaim>;

    /// The nodes through which clients are promised an answer to this operation, in order. Who leads, or whether
    /// anybody does, does not matter.
    fn serving(&mut self, f: &str, value: &Value) -> Vec<NodeName>;

    /// The metrics of a node in Prometheus' text form. `position` counts the nodes of [`Cluster::nodes`] as they are
    /// now, from 0; it is no node's number, because nodes come and go. Empty beyond the last node, and for one
    /// without a process.
    fn metrics(&self, position: usize) -> String;

    /// This target as its nemesis sees it.
    fn as_cluster(&mut self) -> &mut dyn Cluster;
}
