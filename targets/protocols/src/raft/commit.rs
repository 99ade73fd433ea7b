//! Commit and application.
//!
//! Follows sections 5.3 and 5.4.2 of the Raft paper: a leader commits by counting replicas only entries of its own
//! term, and with them all that stand before (Figure 8 shows why). Everybody applies what is committed, in the order
//! of the log.

use super::digest::{digest_of, link};
use super::event::{EventKind, StepDown};
use super::leader::pop_front_if;
use super::log::{Entry, Payload};
use super::mutant::Mutant;
use super::{Ctx, Raft, Role};
use crate::error::ErrorCode;
use crate::reply::Reply;
use crate::store::Response;

/// Whether every node tells its state at this index. A digest costs as much as the state is large, so that they
/// become rarer as the log grows: 16 each time that it doubles.
fn is_milestone(index: u64) -> bool {
    let every = 1_u64 << index.max(1).ilog2().saturating_sub(4);
    index.is_multiple_of(every)
}

impl Raft {
    /// Commits what a majority has made durable.
    pub(super) fn advance_commit(&mut self, cx: &mut Ctx<'_>) {
        let reached = self.lead.quorum(self.synced, |peer| peer.matched);
        let own_term = self.log.term_at(reached) == Some(self.term);
        if own_term || self.mutates(Mutant::CommitOldTerm) {
            self.commit_to(reached, cx);
        }
    }

    /// Everything up to an index is known to be committed, and as much of it as is here is applied.
    pub(super) fn commit_to(&mut self, index: u64, cx: &mut Ctx<'_>) {
        let index = index.min(self.log.last_index());
        if index <= self.commit {
            return;
        }
        self.commit = index;
        let first = self.applied + 1;
        let marks = self.log.marks(first, index);
        self.emit(EventKind::CommitApplied { first, marks }, cx);
        while self.applied < self.commit {
            let Some(entry) = self.log.get(self.applied + 1).cloned() else {
                break;
            };
            self.applied += 1;
            self.apply(&entry, cx);
            if self.config.state_digests && is_milestone(self.applied) {
                self.tell_state(cx);
            }
        }
        self.snapshot_if_due(cx);
        self.leave_if_removed(cx);
    }

    fn apply(&mut self, entry: &Entry, cx: &mut Ctx<'_>) {
        match &entry.payload {
            Payload::Noop => {}
            Payload::Request(request) => {
                let remember = !self.mutates(Mutant::ReapplyRetry);
                let response = self.store.apply(entry.at_ns, request, remember);
                self.answer_write(entry.index, response, cx);
            }
            Payload::Begun(begun) => {
                if let Some(weakness) = self.weakness() {
                    let (at_ns, index) = (entry.at_ns, entry.index);
                    let response = self.store.apply_weakly(at_ns, index, begun, weakness);
                    self.answer_write(index, response, cx);
                }
            }
            Payload::Members(members) => {
                let changed = EventKind::MembershipChanged {
                    index: entry.index,
                    members: members.voters.clone(),
                };
                self.emit(changed, cx);
                self.finish_change(entry.index, cx);
            }
        }
    }

    /// Tells what the whole state is.
    pub(super) fn tell_state(&mut self, cx: &mut Ctx<'_>) {
        if !self.config.state_digests {
            return;
        }
        let index = self.applied;
        let members = digest_of(&*self.memberships.at(index));
        let digest = link(self.store.digest(), index, members);
        self.emit(EventKind::StateDigest { index, digest }, cx);
    }

    /// Answers the call that an entry was made for, if this node made it and the call still waits.
    fn answer_write(&mut self, index: u64, response: Response, cx: &mut Ctx<'_>) {
        let Some(write) = pop_front_if(&mut self.lead.writes, |write| write.index == index) else {
            return;
        };
        let waited_ns = cx.now_ns.saturating_sub(write.since_ns);
        self.metrics.observe(write.operation_type, waited_ns);
        match response {
            Response::Duplicate => {
                Self::fail(
                    write.id,
                    ErrorCode::DuplicateRequest,
                    self.leader,
                    false,
                    cx,
                );
            }
            response => cx.reply(write.id, Reply::Ok(response)),
        }
    }

    /// A leader that was removed steps down when that is committed (thesis, section 4.2.2), and tells the most
    /// advanced member to take over, so that nobody has to wait for a timeout.
    fn leave_if_removed(&mut self, cx: &mut Ctx<'_>) {
        let committed = self.memberships.latest_index() <= self.commit;
        if self.role == Role::Leader && committed && !self.lead.votes {
            self.hand_over(cx);
            self.become_follower(self.term, StepDown::Removed, None, cx);
        }
    }
}
