//! Leadership transfer.
//!
//! Follows section 3.10 of the thesis: the leader takes no more writes, brings the target's log up to date, and
//! tells it to stand at once. If no election follows within an election timeout, it leads on. A transfer
//! is answered as done when the target itself shows that it has moved to a later term.

use super::event::EventKind;
use super::message::Message;
use super::{Ctx, Raft, Role};
use crate::error::ErrorCode;
use crate::node::NodeId;
use crate::reply::Reply;
use crate::store::Response;

/// A transfer that is under way.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    pub(super) id: u64,
    pub(super) target: NodeId,
    since_ns: u64,
    told: bool,
}

impl Raft {
    /// Somebody asks this leader to hand over.
    pub(super) fn on_transfer(&mut self, id: u64, target: NodeId, cx: &mut Ctx<'_>) {
        if target == self.id {
            return cx.reply(id, Reply::Ok(Response::Done));
        }
        if !self.memberships.latest().contains(target) {
            return Self::fail(id, ErrorCode::PermanentFailure, self.leader, false, cx);
        }
        if self.lead.transfer.is_some() {
            return Self::fail(id, ErrorCode::Timeout, self.leader, false, cx);
        }
        self.lead.transfer = Some(Transfer {
            id,
            target,
            since_ns: cx.now_ns,
            told: false,
        });
        self.drive_transfer(cx);
    }

    /// Tells the target to stand as soon as its log is complete.
    pub(super) fn drive_transfer(&mut self, cx: &mut Ctx<'_>) {
        let last_index = self.log.last_index();
        let Some(transfer) = &mut self.lead.transfer else {
            return;
        };
        let target = transfer.target;
        let complete = |peer: &super::leader::Peer| peer.id == target && peer.matched >= last_index;
        if transfer.told || !self.lead.peers.iter().any(complete) {
            return;
        }
        transfer.told = true;
        self.tell_to_stand(target, cx);
    }

    fn tell_to_stand(&mut self, target: NodeId, cx: &mut Ctx<'_>) {
        self.lead.gave_away = true;
        self.emit(EventKind::LeadershipTransferred { to: target }, cx);
        self.send(target, Message::TimeoutNow { term: self.term }, cx);
    }

    /// Gives up a transfer that takes too long.
    pub(super) fn expire_transfer(&mut self, cx: &mut Ctx<'_>) {
        let patience_ns = self.timing.election_max_ns;
        let late = |it: &mut Transfer| cx.now_ns.saturating_sub(it.since_ns) > patience_ns;
        if let Some(transfer) = self.lead.transfer.take_if(late) {
            Self::fail(
                transfer.id,
                ErrorCode::Timeout,
                self.leader,
                transfer.told,
                cx,
            );
        }
    }

    /// A leader that must go tells the member whose log is the most advanced.
    pub(super) fn hand_over(&mut self, cx: &mut Ctx<'_>) {
        let members = self.lead.peers.iter().filter(|peer| peer.votes);
        if let Some(best) = members.max_by_key(|peer| peer.matched) {
            self.tell_to_stand(best.id, cx);
        }
    }

    /// The leader hands over to this node.
    pub(super) fn on_timeout_now(&mut self, from: NodeId, cx: &mut Ctx<'_>) {
        let is_member = self.memberships.latest().contains(self.id);
        if self.role != Role::Leader && self.leader == Some(from) && is_member {
            self.stand(true, cx);
        }
    }
}
