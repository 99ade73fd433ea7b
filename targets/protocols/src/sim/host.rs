//! One node with all that surrounds it: its process, disk, clocks, and what waits for it.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::clock::{Clock, Timer};
use super::disk::{Disk, Keep};
use super::report::Status;
use crate::random::Stream;
use crate::{Effect, Node, NodeId};

/// What a step waits for before its next effect.
pub(super) enum Task<N: Node> {
    /// The disk syncs.
    Sync,
    /// The disk writes a new log.
    Replace(Vec<N::Record>),
    /// The effect before took time.
    Cost,
}

/// An input that the node cannot take yet.
pub(super) enum Waiting<N: Node> {
    Message { from: NodeId, message: N::Message },
    Call { id: u64, call: N::Call },
    Wake,
}

/// A crash that comes between two effects.
#[derive(Clone, Copy)]
pub(super) struct Armed {
    pub(super) keep: Keep,
    /// After so many more effects.
    pub(super) effects: u32,
    /// Which order it is; the one at the latest time must not fire for an order that is gone.
    pub(super) order: u32,
}

pub(super) struct Host<N: Node> {
    pub(super) process: Option<N>,
    pub(super) status: Status,
    pub(super) armed: Option<Armed>,
    /// What the step under way waits for.
    pub(super) task: Option<Task<N>>,
    /// Whether that is done and only the paused process has not noticed.
    pub(super) task_done: bool,
    pub(super) timer: Timer,
    pub(super) clock: Clock,
    pub(super) random: Stream,
    /// How many processes there were, so that what an earlier one waited for is known.
    pub(super) epoch: u32,
    /// The rest of the step under way.
    pub(super) rest: Vec<Effect<N>>,
    pub(super) inbox: VecDeque<Waiting<N>>,
    pub(super) disk: Disk<N::Record>,
    pub(super) disk_random: Stream,
    pub(super) torn_random: Stream,
    /// The calls that the process has, and their clients. Never iterated unsorted.
    pub(super) open: FxHashMap<u64, u32>,
    pub(super) orders: u32,
}

impl<N: Node> Host<N> {
    /// Whether it can take an input now.
    pub(super) fn is_idle(&self) -> bool {
        self.status == Status::Running && self.task.is_none()
    }
}
