//! The administrator in virtual time.

use rupture_protocols::sim::Keep;
use rupture_protocols::{NodeId, Reply, call_id};

use super::{Alarm, SimTarget};
use crate::changes::{Answered, Changes, PATIENCE_NS, REST_NS};
use crate::protocol::{Change, Protocol};

/// The administrator.
pub(super) struct Administrator {
    client: u32,
    changes: Changes,
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
            changes: Changes::default(),
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
        if self.admin.changes.push(change) {
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
        let id = call_id(client, self.admin.calls);
        self.admin.calls += 1;
        // What the protocol does not know was refused before it came here.
        if let Some(call) = P::change(change) {
            self.sim.call(client, to, id, call);
        }
        id
    }

    /// Asks whoever is believed to lead, else the next node.
    fn ask(&mut self) {
        let Some(change) = self.admin.changes.first() else {
            return;
        };
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
        match Answered::from(reply) {
            Answered::Made => self.changed(),
            Answered::Never => self.next_change(),
            Answered::NotYet(leader) => {
                self.admin.leader = leader;
                self.ask_later();
            }
        }
    }

    fn changed(&mut self) {
        if let Some(Change::Remove(node)) = self.admin.changes.first() {
            self.sim.crash(node, Keep::Written);
            self.present.retain(|it| *it != node);
        }
        self.next_change();
    }

    fn next_change(&mut self) {
        self.admin.call = None;
        self.admin.changes.pop();
        self.ask();
    }

    /// Whether the node is asked to leave.
    pub(super) fn is_leaving(&self, node: NodeId) -> bool {
        self.admin.changes.is_leaving(node)
    }
}
