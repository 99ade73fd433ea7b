//! Membership: who votes, and how that changes.
//!
//! Follows chapter 4 of the thesis: one server at a time, so that any majority of the old members meets any majority of
//! the new ones. The latest members in the log apply at once, committed or not. A leader changes nothing before it has
//! committed an entry of its term (the correction of 2015 to section 4.1) and while the last change is not
//! committed. A node that is to be added first catches up as a learner without a vote (section 4.2.1), in
//! rounds, of which the last must be shorter than an election timeout. A removed node's number is kept, because a
//! node that came back under it could have forgotten its votes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::leader::{Peer, pop_front_if};
use super::log::Payload;
use super::message::Admin;
use super::{Ctx, Raft, Role};
use crate::error::ErrorCode;
use crate::node::NodeId;
use crate::reply::Reply;
use crate::store::Response;

/// How many rounds a learner gets to catch up.
const CATCH_UP_ROUNDS: u32 = 10;

/// Who belongs to the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Membership {
    /// The members, ascending.
    pub voters: Vec<NodeId>,
    /// Those who were members once, ascending.
    pub removed: Vec<NodeId>,
}

impl Membership {
    /// The members at the beginning.
    pub(super) fn founded_by(nodes: &[NodeId]) -> Self {
        let mut voters = nodes.to_vec();
        voters.sort_unstable();
        voters.dedup();
        Self {
            voters,
            removed: Vec::new(),
        }
    }

    /// Whether a node is a member.
    pub fn contains(&self, node: NodeId) -> bool {
        self.voters.binary_search(&node).is_ok()
    }

    /// How many members are a majority.
    pub fn majority(&self) -> usize {
        self.voters.len() / 2 + 1
    }

    fn with(&self, node: NodeId) -> Self {
        let mut changed = self.clone();
        changed.voters.push(node);
        changed.voters.sort_unstable();
        changed
    }

    fn without(&self, node: NodeId) -> Self {
        let mut changed = self.clone();
        changed.voters.retain(|it| *it != node);
        changed.removed.push(node);
        changed.removed.sort_unstable();
        changed
    }
}

/// The members along the log: each set with the index from which on it holds.
#[derive(Clone, Debug)]
pub(super) struct Memberships {
    first: (u64, Arc<Membership>),
    later: Vec<(u64, Arc<Membership>)>,
}

impl Memberships {
    pub(super) fn new(index: u64, members: Arc<Membership>) -> Self {
        Self {
            first: (index, members),
            later: Vec::new(),
        }
    }

    pub(super) fn latest(&self) -> &Arc<Membership> {
        &self.later.last().unwrap_or(&self.first).1
    }

    /// The index of the entry that the latest members stand in.
    pub(super) fn latest_index(&self) -> u64 {
        self.later.last().unwrap_or(&self.first).0
    }

    /// The members before the latest change.
    pub(super) fn before_latest(&self) -> &Membership {
        match &self.later[..] {
            [.., before, _] => &before.1,
            _ => &self.first.1,
        }
    }

    /// The members at an index.
    pub(super) fn at(&self, index: u64) -> Arc<Membership> {
        let known = self.later.iter().rev().find(|(from, _)| *from <= index);
        known.unwrap_or(&self.first).1.clone()
    }

    pub(super) fn push(&mut self, index: u64, members: Arc<Membership>) {
        self.later.push((index, members));
    }

    pub(super) fn truncate_from(&mut self, index: u64) {
        self.later.retain(|(from, _)| *from < index);
    }

    /// Forgets what held before an index.
    pub(super) fn compact_to(&mut self, index: u64) {
        while self.later.first().is_some_and(|(from, _)| *from <= index) {
            self.first = self.later.remove(0);
        }
    }
}

/// A change that was asked for.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) id: u64,
    since_ns: u64,
    node: NodeId,
    adds: bool,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// It has not begun.
    Waiting,
    /// The new node is to have the log up to `target`.
    CatchingUp {
        target: u64,
        since_ns: u64,
        rounds: u32,
    },
    /// It stands in the log at this index.
    Appended(u64),
}

impl Change {
    /// Whether it may still happen, or has, when its leader goes.
    pub(super) fn may_happen(&self) -> bool {
        matches!(self.stage, Stage::Appended(_))
    }
}

impl Raft {
    /// Somebody asks for a change of the cluster.
    pub(super) fn on_admin(&mut self, id: u64, admin: Admin, cx: &mut Ctx<'_>) {
        if self.role != Role::Leader {
            return Self::fail(id, ErrorCode::LeaderNotFound, self.leader, false, cx);
        }
        let (node, adds) = match admin {
            Admin::TransferTo(target) => return self.on_transfer(id, target, cx),
            Admin::AddNode(node) => (node, true),
            Admin::RemoveNode(node) => (node, false),
        };
        self.lead.changes.push_back(Change {
            id,
            since_ns: cx.now_ns,
            node,
            adds,
            stage: Stage::Waiting,
        });
        self.drive_changes(cx);
    }

    /// Moves the changes on as far as they go now.
    pub(super) fn drive_changes(&mut self, cx: &mut Ctx<'_>) {
        while self.role == Role::Leader {
            let Some(change) = self.lead.changes.front().cloned() else {
                return;
            };
            let moved = match change.stage {
                _ if cx.now_ns.saturating_sub(change.since_ns) > self.timing.call_timeout_ns => {
                    self.end_change(self.timeout_code(), change.may_happen(), cx);
                    true
                }
                Stage::Waiting => self.begin_change(&change, cx),
                Stage::CatchingUp {
                    target,
                    since_ns,
                    rounds,
                } => self.catch_up(change.node, target, since_ns, rounds, cx),
                Stage::Appended(_) => false,
            };
            if !moved {
                return;
            }
        }
    }

    /// Begins the first change, if it may. Says whether anything moved.
    fn begin_change(&mut self, change: &Change, cx: &mut Ctx<'_>) -> bool {
        let settled = self.lead.term_start.max(self.memberships.latest_index());
        if self.commit < settled || self.lead.transfer.is_some() {
            return false;
        }
        let members = self.memberships.latest().clone();
        let node = change.node;
        if members.contains(node) == change.adds {
            self.lead.changes.pop_front();
            cx.reply(change.id, Reply::Ok(Response::Done));
        } else if members.removed.contains(&node) || members.voters == [node] {
            self.end_change(ErrorCode::PermanentFailure, false, cx);
        } else if change.adds {
            self.begin_catching_up(1, cx);
        } else {
            self.change_members(members.without(node), cx);
        }
        true
    }

    fn begin_catching_up(&mut self, rounds: u32, cx: &mut Ctx<'_>) {
        let stage = Stage::CatchingUp {
            target: self.log.last_index(),
            since_ns: cx.now_ns,
            rounds,
        };
        self.set_stage(stage);
        self.refresh_peers(cx.now_ns);
        self.contact_all(false, cx);
    }

    /// Whether the learner has reached its target, and what follows. Says whether anything moved.
    fn catch_up(
        &mut self,
        node: NodeId,
        target: u64,
        since_ns: u64,
        rounds: u32,
        cx: &mut Ctx<'_>,
    ) -> bool {
        let reached = |peer: &Peer| peer.id == node && peer.matched >= target;
        if !self.lead.peers.iter().any(reached) {
            return false;
        }
        if cx.now_ns.saturating_sub(since_ns) < self.timing.election_min_ns {
            let members = self.memberships.latest().with(node);
            self.change_members(members, cx);
        } else if rounds < CATCH_UP_ROUNDS {
            self.begin_catching_up(rounds + 1, cx);
        } else {
            self.end_change(ErrorCode::Timeout, false, cx);
        }
        true
    }

    fn change_members(&mut self, members: Membership, cx: &mut Ctx<'_>) {
        self.set_stage(Stage::Appended(self.log.last_index() + 1));
        self.propose([Payload::Members(Arc::new(members))], cx);
        self.refresh_peers(cx.now_ns);
        self.begin_round(cx);
    }

    fn set_stage(&mut self, stage: Stage) {
        if let Some(change) = self.lead.changes.front_mut() {
            change.stage = stage;
        }
    }

    /// Gives the first change up.
    fn end_change(&mut self, code: ErrorCode, maybe_executed: bool, cx: &mut Ctx<'_>) {
        if let Some(change) = self.lead.changes.pop_front() {
            Self::fail(change.id, code, self.leader, maybe_executed, cx);
            self.refresh_peers(cx.now_ns);
        }
    }

    /// A change at this index is committed.
    pub(super) fn finish_change(&mut self, index: u64, cx: &mut Ctx<'_>) {
        let is_it = |change: &Change| matches!(change.stage, Stage::Appended(at) if at == index);
        if let Some(change) = pop_front_if(&mut self.lead.changes, is_it) {
            cx.reply(change.id, Reply::Ok(Response::Done));
        }
    }

    /// Brings the list of peers in line with the latest members and the learner.
    pub(super) fn refresh_peers(&mut self, now_ns: u64) {
        let members = self.memberships.latest().clone();
        let learner = self.lead.changes.front().and_then(|change| {
            matches!(change.stage, Stage::CatchingUp { .. }).then_some(change.node)
        });
        let mut nodes: Vec<NodeId> = members.voters.iter().copied().chain(learner).collect();
        nodes.retain(|node| *node != self.id);
        nodes.sort_unstable();
        let last_index = self.log.last_index();
        let known = std::mem::take(&mut self.lead.peers);
        let peer = |id: NodeId| {
            let votes = members.contains(id);
            let place = known.binary_search_by_key(&id, |peer| peer.id);
            match place {
                Ok(place) => Peer {
                    votes,
                    ..known[place].clone()
                },
                Err(_) => Peer::new(id, votes, last_index, now_ns),
            }
        };
        self.lead.peers = nodes.into_iter().map(peer).collect();
        self.lead.votes = members.contains(self.id);
    }
}
