//! What the simulator tells the outside: what reaches it, what a crash did, and what was counted.

use std::fmt::{self, Debug, Formatter};

use super::load::Storm;
use crate::{Node, NodeId};

/// What reaches the outside.
pub enum Outside<N: Node> {
    /// A client is answered.
    Reply {
        /// Which client.
        client: u32,
        /// Which call.
        id: u64,
        /// The node that answers.
        from: NodeId,
        /// With what.
        reply: N::Reply,
    },
    /// No process listened, or no such node exists: the call was certainly not executed.
    Refused {
        /// Which client.
        client: u32,
        /// Which call.
        id: u64,
        /// The node that was called.
        from: NodeId,
    },
    /// The node had the call and crashed before it answered: nobody knows whether it was executed.
    Broken {
        /// Which client.
        client: u32,
        /// Which call.
        id: u64,
        /// The node that was called.
        from: NodeId,
    },
    /// An alarm's time has come.
    Alarm {
        /// As it was set.
        token: u64,
    },
    /// A node tells what happened.
    Event {
        /// Which node.
        node: NodeId,
        /// True time.
        now_ns: u64,
        /// The node's wall clock.
        wall_ns: u64,
        /// What it tells.
        event: N::Event,
    },
    /// A crash that [`Sim::crash_amid`](super::Sim::crash_amid) ordered has come, now.
    Crashed {
        /// Which node.
        node: NodeId,
        /// What it did.
        report: CrashReport,
    },
    /// Nothing: so much has happened without anything reaching the outside that it gets a say. Go on as before.
    Busy,
    /// More happened in a second than may: nothing will happen any more, and time stands still.
    Storm(Box<Storm>),
}

impl<N: Node> Debug for Outside<N> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply {
                client,
                id,
                from,
                reply,
            } => write!(
                f,
                "reply to client {client}, call {id}, from {from}: {reply:?}"
            ),
            Self::Refused { client, id, from } => {
                write!(f, "refused client {client}, call {id}, by {from}")
            }
            Self::Broken { client, id, from } => {
                write!(f, "broken client {client}, call {id}, by {from}")
            }
            Self::Alarm { token } => write!(f, "alarm {token}"),
            Self::Event {
                node,
                now_ns,
                wall_ns,
                event,
            } => write!(f, "event of {node} at {now_ns} (wall {wall_ns}): {event:?}"),
            Self::Busy => write!(f, "busy"),
            Self::Storm(storm) => write!(f, "storm: {storm:?}"),
            Self::Crashed { node, report } => write!(f, "crashed {node}: {report:?}"),
        }
    }
}

/// What a crash did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CrashReport {
    /// Whether a process ran until then. If not, only the disk was hit.
    pub was_up: bool,
    /// Records that were saved and are gone.
    pub lost_records: usize,
    /// Whether the first of them was found torn.
    pub torn: bool,
    /// Effects of the step that was under way that are left undone, a sync that did not end among them.
    pub undone_effects: usize,
    /// Calls that were open and that the clients find broken.
    pub broken_calls: usize,
}

/// Whether a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// It takes its inputs.
    Running,
    /// Its process is stopped and keeps its state; its inputs wait.
    Paused,
    /// It has no process.
    Down,
}

/// How often what happened. Messages are those between nodes, and every one of them is somewhere:
/// `sent + duplicated = delivered + lost + cut + unheard + in flight`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages that nodes sent.
    pub sent: u64,
    /// Second copies that faulty links made.
    pub duplicated: u64,
    /// Messages that a node took in.
    pub delivered: u64,
    /// Messages that faulty links lost.
    pub lost: u64,
    /// Messages that would have arrived over a cut link.
    pub cut: u64,
    /// Messages that reached no process, or one that crashed before it took them in.
    pub unheard: u64,
    /// Messages that were held back for later ones to overtake them.
    pub held_back: u64,
    /// Messages that overtook another on their link, or would have if neither was dropped on arrival.
    pub reordered: u64,
    /// Syncs that ended.
    pub syncs: u64,
    /// Replacements of a log that ended.
    pub replacements: u64,
    /// Steps that nodes took.
    pub steps: u64,
    /// Wake-ups among them.
    pub wakes: u64,
    /// Processes that started, the first ones included.
    pub starts: u64,
    /// Processes that crashed.
    pub crashes: u64,
    /// Calls that clients made.
    pub calls: u64,
    /// Calls that nodes answered.
    pub replies: u64,
    /// Answers to calls that were not open: given twice, or to a call of an earlier process.
    pub stray_replies: u64,
    /// Calls that were refused.
    pub refused: u64,
    /// Calls that a crash broke.
    pub broken: u64,
}

impl Counters {
    /// Messages that came to nothing.
    pub fn dropped(&self) -> u64 {
        self.lost + self.cut + self.unheard
    }

    /// Messages under way, those that wait at a paused or busy node included.
    pub fn in_flight(&self) -> u64 {
        self.sent + self.duplicated - self.delivered - self.dropped()
    }
}
