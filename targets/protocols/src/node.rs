//! What a reference system is: a state machine without input or output of its own.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::random::Stream;

/// A node of the system under test, numbered from 0; people see node 0 as `n1`. Never reused: a node that
/// joins later gets a number that no node had before.
pub type NodeId = u32;

/// One node of a reference system.
///
/// The rule of durability: a driver performs the effects of a step strictly in order, and a crash may fall
/// between any two of them. After a crash the driver makes a new node and hands it [`Input::Start`] with
/// what its disk kept; everything else is gone.
pub trait Node: Sized {
    /// What nodes send each other.
    type Message: Clone + Debug + Serialize + DeserializeOwned;
    /// What a client asks.
    type Call: Clone + Debug + Serialize + DeserializeOwned;
    /// What a client is answered.
    type Reply: Clone + Debug + Serialize + DeserializeOwned;
    /// What the disk keeps: an append-only log of these.
    type Record: Clone + Debug + Serialize + DeserializeOwned;
    /// What the node tells of itself, for its log and for the checkers of its invariants.
    type Event: Clone + Debug;

    /// Takes one input, changes state, and pushes effects onto `context` in the order in which they must
    /// happen.
    fn step(&mut self, input: Input<Self>, context: &mut Context<'_, Self>);

    /// What people call this kind of message, to be counted by.
    fn message_name(_message: &Self::Message) -> &'static str {
        "message"
    }

    /// About how many bytes a message takes. Constant time.
    fn message_bytes(message: &Self::Message) -> usize {
        size_of_val(message)
    }

    /// About how many bytes a record takes. Constant time.
    fn record_bytes(record: &Self::Record) -> usize {
        size_of_val(record)
    }
}

/// How many effects a step may have. No protocol needs a hundredth of it, and a list without end has to end.
pub const MOST_EFFECTS: usize = 200_000;

/// What is thrown out of a step by the effect after [`MOST_EFFECTS`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endless;

/// What happens to a node.
#[derive(Clone, Debug)]
pub enum Input<N: Node> {
    /// The process starts, for the first time or after a crash, with what its disk kept.
    Start {
        /// The records that survived, oldest first. A torn last record is not among them: its checksum
        /// failed when the disk was read.
        records: Vec<N::Record>,
    },
    /// A message arrives. The network may lose, repeat, delay and reorder messages, and never alters one.
    Message {
        /// Who sent it.
        from: NodeId,
        /// What it says.
        message: N::Message,
    },
    /// A client asks something; at most one [`Effect::Reply`] answers it.
    Call {
        /// Names the call in the answer.
        id: u64,
        /// What is asked.
        call: N::Call,
    },
    /// The time of the last [`Effect::WakeAt`] has come.
    Wake,
}

/// What a node wants done.
#[derive(Clone, Debug)]
pub enum Effect<N: Node> {
    /// Append a record to the disk's log. It may be lost in a crash until a [`Effect::Sync`] after it is done.
    Save(N::Record),
    /// Replace the whole log by these records, atomically and durably (write aside, sync, rename).
    Replace(Vec<N::Record>),
    /// Wait until all that was saved is durable. The node takes no input until then.
    Sync,
    /// Send a message. Sending to oneself is not allowed.
    Send {
        /// To whom.
        to: NodeId,
        /// What.
        message: N::Message,
    },
    /// Answer a client's call.
    Reply {
        /// Which call.
        id: u64,
        /// With what.
        reply: N::Reply,
    },
    /// Wake me when my clock shows this time ([`Context::now_ns`]). Only the last one counts.
    WakeAt(u64),
    /// Tell what happened.
    Emit(N::Event),
}

/// Who and when a node is while it takes a step.
#[derive(Debug)]
pub struct Context<'a, N: Node> {
    /// This node.
    pub id: NodeId,
    /// The nodes that the cluster began with, this one included if it was among them.
    pub nodes: &'a [NodeId],
    /// This node's monotonic clock in nanoseconds. It never jumps and never goes back, but its rate may
    /// differ from true time (drift). It goes on across restarts of the process.
    pub now_ns: u64,
    /// This node's wall clock in nanoseconds since the run's epoch: offset, drift and jumps, backwards too.
    /// Fit for time stamps that people read, and for nothing else.
    pub wall_ns: u64,
    /// This node's own stream of random numbers.
    pub random: &'a mut Stream,
    /// What the node wants done, in order.
    pub effects: &'a mut Vec<Effect<N>>,
}

impl<N: Node> Context<'_, N> {
    /// Pushes an effect, unless the step had too many: then it ends here, for whoever drives the node to see.
    fn push(&mut self, effect: Effect<N>) {
        if self.effects.len() >= MOST_EFFECTS {
            std::panic::resume_unwind(Box::new(Endless));
        }
        self.effects.push(effect);
    }

    /// Pushes [`Effect::Save`].
    pub fn save(&mut self, record: N::Record) {
        self.push(Effect::Save(record));
    }

    /// Pushes [`Effect::Replace`].
    pub fn replace(&mut self, records: Vec<N::Record>) {
        self.push(Effect::Replace(records));
    }

    /// Pushes [`Effect::Sync`].
    pub fn sync(&mut self) {
        self.push(Effect::Sync);
    }

    /// Pushes [`Effect::Send`].
    pub fn send(&mut self, to: NodeId, message: N::Message) {
        self.push(Effect::Send { to, message });
    }

    /// Pushes [`Effect::Reply`].
    pub fn reply(&mut self, id: u64, reply: N::Reply) {
        self.push(Effect::Reply { id, reply });
    }

    /// Pushes [`Effect::WakeAt`].
    pub fn wake_at(&mut self, at_ns: u64) {
        self.push(Effect::WakeAt(at_ns));
    }

    /// Pushes [`Effect::Emit`].
    pub fn emit(&mut self, event: N::Event) {
        self.push(Effect::Emit(event));
    }
}
