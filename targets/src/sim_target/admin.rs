//! The administrator: asks for changes of membership, one after another, each until the cluster has made it.
//!
//! A change that was asked for twice is made once, because adding a member and removing one that is none are
//! answered as done; and a node's number is never used again, so that no late request can undo a later one.

use std::collections::VecDeque;

use rupture_protocols::sim::Keep;
use rupture_protocols::{ErrorCode, NodeId, Reply};

use super::{Alarm, SimTarget};
use crate::protocol::{Change, Protocol};

/// After so long without an answer it asks somebody else.
const PATIENCE_NS: u64 = 1_500_000_000;
/// After so long it asks again when it was turned away.
const REST_NS: u64 = 50_000_000;

/// The administrator.
pub(super) struct Administrator {
    client: u32,
    changes: VecDeque<Change>,
    /// The call that is open.
    call: Option<u64>,
    calls: u64,
    leader: Option<NodeId>,
    /// When it acts next; earlier alarms are void.
    act_ns: u64,
}

impl Administrator {
    pub(super) fn new(client: u32) -> Self {
        Self {
            client,
            changes: VecDeque::new(),
            call: None,
            calls: 0,
            leader: None,
            act_ns: 0,
        }
    }

    /// Its number among the clients of the simulation.
    pub(super) fn client(&self) -> u32 {
        self.client
    }
}

impl<P: Protocol> SimTarget<P> {
    /// Has the administrator see to a change.
    pub(super) fn change(&mut self, change: Change) {
        self.admin.changes.push_back(change);
        if self.admin.changes.len() == 1 {
            self.ask();
        }
    }

    /// Asks a node for a change once, and never minds the answer.
    pub(super) fn ask_once(&mut self, to: NodeId, change: Change) {
        self.call_admin(to, change);
    }

    /// Calls a node, and gives the number of the call.
    fn call_admin(&mut self, to: NodeId, change: Change) -> u64 {
        let client = self.admin.client;
        let id = (u64::from(client) << 40) | self.admin.calls;
        self.admin.calls += 1;
        // What the protocol does not know was refused before it came here.
        if let Some(call) = P::change(change) {
            self.sim.call(client, to, id, call);
        }
        id
    }

    /// Asks whoever is believed to lead, else the next node.
    fn ask(&mut self) {
        let Some(change) = self.admin.changes.front() else {
            return;
        };
        let change = *change;
        let turn = self.present[(self.admin.calls % self.present.len() as u64) as usize];
        let to = self.admin.leader.take().unwrap_or(turn);
        self.admin.call = Some(self.call_admin(to, change));
        self.act_in(PATIENCE_NS);
    }

    fn act_in(&mut self, ns: u64) {
        self.admin.act_ns = self.sim.now_ns() + ns;
        self.set_alarm(Alarm::Administrator, self.admin.act_ns);
    }

    /// Its alarm has rung.
    pub(super) fn ask_again(&mut self) {
        if self.sim.now_ns() >= self.admin.act_ns {
            self.ask();
        }
    }

    /// It was turned away.
    pub(super) fn ask_later(&mut self) {
        self.admin.call = None;
        self.act_in(REST_NS);
    }

    pub(super) fn answer_admin(&mut self, id: u64, reply: &Reply) {
        if self.admin.call != Some(id) {
            return;
        }
        match reply {
            Reply::Ok(_) => self.changed(),
            // What will never succeed is not asked for again: somebody removed the last member but this one.
            Reply::Error {
                code: ErrorCode::PermanentFailure,
                ..
            } => self.next_change(),
            Reply::Error { leader, .. } => {
                self.admin.leader = *leader;
                self.ask_later();
            }
        }
    }

    fn changed(&mut self) {
        if let Some(Change::Remove(node)) = self.admin.changes.front() {
            let node = *node;
            self.sim.crash(node, Keep::Written);
            self.present.retain(|it| *it != node);
        }
        self.next_change();
    }

    fn next_change(&mut self) {
        self.admin.call = None;
        self.admin.changes.pop_front();
        self.ask();
    }

    /// Whether the node is asked to leave.
    pub(super) fn is_leaving(&self, node: NodeId) -> bool {
        let leaves = |change: &Change| matches!(change, Change::Remove(it) if *it == node);
        self.admin.changes.iter().any(leaves)
    }
}
