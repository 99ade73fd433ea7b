//! Elections: who leads a term.
//!
//! Follows section 5.2 and 5.4.1 of the Raft paper, with two additions of the thesis: a candidate first asks
//! whether it could win (pre-vote, section 9.6), so that a node that was cut off does not raise everybody's term
//! when it returns; and a voter that hears from a leader turns candidates down, so that a node that was removed,
//! or that alone has lost the leader, cannot depose it (section 4.2.3). Leases rest on the latter.

use rand::Rng;

use super::event::{EventKind, StepDown};
use super::log::Point;
use super::message::Message;
use super::mutant::Mutant;
use super::{Ctx, Raft, Role};
use crate::node::NodeId;

/// What a candidate asks with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidacy {
    pub(super) term: u64,
    pub(super) pre: bool,
    pub(super) transfer: bool,
    pub(super) last_index: u64,
    pub(super) last_term: u64,
}

impl Raft {
    /// Draws a new election timeout and lets it run from now.
    pub(super) fn redraw_timeout(&mut self, cx: &mut Ctx<'_>) {
        let (min_ns, max_ns) = (self.timing.election_min_ns, self.timing.election_max_ns);
        let width = u128::from(max_ns.saturating_sub(min_ns)) + 1;
        let part = (u128::from(cx.random.next_u64()) * width) >> 64;
        self.timeout_ns = min_ns + part as u64;
        self.election_at_ns = cx.now_ns + self.timeout_ns;
    }

    /// No leader was heard, or no election won, for too long.
    pub(super) fn on_election_timeout(&mut self, cx: &mut Ctx<'_>) {
        if let Some(peer) = self.leader.take() {
            self.lost = Some(peer);
            self.metrics.partitions_detected += 1;
            self.emit(EventKind::PartitionDetected { peer }, cx);
        }
        if self.role == Role::Candidate {
            self.metrics.elections_lost += 1;
        }
        self.role = Role::Follower;
        self.redraw_timeout(cx);
        if self.may_stand() {
            self.ask_beforehand(cx);
        }
    }

    /// Whether it may become the leader: as a member, or as one whose removal is not committed yet and who
    /// may be the only one able to win (thesis, section 4.2.2).
    fn may_stand(&self) -> bool {
        let removed_at = self.memberships.latest_index();
        self.memberships.latest().contains(self.id)
            || (removed_at > self.commit && self.memberships.before_latest().contains(self.id))
    }

    fn ask_beforehand(&mut self, cx: &mut Ctx<'_>) {
        self.role = Role::PreCandidate;
        self.ask_for_votes(true, false, cx);
    }

    /// Stands for election in a new term.
    pub(super) fn stand(&mut self, transfer: bool, cx: &mut Ctx<'_>) {
        self.role = Role::Candidate;
        self.term += 1;
        self.voted_for = Some(self.id);
        self.leader = None;
        self.save_state(cx);
        self.redraw_timeout(cx);
        let last = self.log.last();
        let started = EventKind::ElectionStarted {
            last_index: last.index,
            last_term: last.term,
        };
        self.emit(started, cx);
        self.ask_for_votes(false, transfer, cx);
    }

    fn ask_for_votes(&mut self, pre: bool, transfer: bool, cx: &mut Ctx<'_>) {
        let last = self.log.last();
        let request = Message::RequestVote {
            term: self.term + u64::from(pre),
            pre,
            transfer,
            last_index: last.index,
            last_term: last.term,
        };
        // Its own vote counts at once, so it must be durable even if there is nobody to ask.
        self.sync(cx);
        self.promise(Point::default(), cx);
        for &voter in &self.memberships.latest().voters {
            if voter != self.id {
                cx.send(voter, request.clone());
            }
        }
        self.votes.clear();
        self.count_vote(self.id, cx);
    }

    /// Counts a vote, once, and only a member's.
    fn count_vote(&mut self, voter: NodeId, cx: &mut Ctx<'_>) {
        let members = self.memberships.latest();
        if let (true, Err(place)) = (members.contains(voter), self.votes.binary_search(&voter)) {
            self.votes.insert(place, voter);
        }
        if self.votes.len() < members.majority() {
            return;
        }
        match self.role {
            Role::PreCandidate => self.stand(false, cx),
            Role::Candidate => self.lead_term(cx),
            Role::Follower | Role::Leader => {}
        }
    }

    /// A vote, or the answer that there would be one, arrives.
    pub(super) fn on_vote(&mut self, from: NodeId, term: u64, pre: bool, cx: &mut Ctx<'_>) {
        let expected = match self.role {
            Role::PreCandidate => pre && term == self.term + 1,
            Role::Candidate => !pre && term == self.term,
            Role::Follower | Role::Leader => false,
        };
        if expected {
            self.count_vote(from, cx);
        }
    }

    /// Somebody asks for a vote.
    pub(super) fn on_request_vote(&mut self, from: NodeId, asked: Candidacy, cx: &mut Ctx<'_>) {
        let shielded = !asked.transfer && self.shields_a_leader(cx.now_ns);
        if !asked.pre && asked.term > self.term && !shielded {
            self.become_follower(asked.term, StepDown::Superseded, Some(from), cx);
        }
        let last = self.log.last();
        let up_to_date = (asked.last_term, asked.last_index) >= (last.term, last.index);
        let free = if asked.pre {
            asked.term > self.term
        } else {
            asked.term == self.term && self.is_free_to_vote_for(from)
        };
        let granted = free && up_to_date && !shielded;
        if granted && !asked.pre {
            self.vote_for(from, cx);
        }
        let term = if granted { asked.term } else { self.term };
        let pre = asked.pre;
        self.send(from, Message::Vote { term, pre, granted }, cx);
    }

    /// Whether it heard from a leader so lately that nobody else should stand. A process that has just started
    /// may have heard from one before, and forgotten.
    fn shields_a_leader(&self, now_ns: u64) -> bool {
        let lately = |at: u64| now_ns.saturating_sub(at) < self.timing.election_min_ns;
        self.role == Role::Leader || self.heard_ns.is_some_and(lately)
    }

    fn is_free_to_vote_for(&self, candidate: NodeId) -> bool {
        let forgets = self.mutates(Mutant::DoubleVote) && self.role != Role::Leader;
        forgets || self.voted_for.is_none_or(|it| it == candidate)
    }

    fn vote_for(&mut self, candidate: NodeId, cx: &mut Ctx<'_>) {
        if self.voted_for != Some(candidate) {
            self.voted_for = Some(candidate);
            self.save_state(cx);
        }
        if self.role == Role::Follower {
            self.election_at_ns = cx.now_ns + self.timeout_ns;
        }
    }

    /// Leads no longer, or gives a candidacy up; in this term or in a later one that was heard of from `by`.
    pub(super) fn become_follower(
        &mut self,
        term: u64,
        why: StepDown,
        by: Option<NodeId>,
        cx: &mut Ctx<'_>,
    ) {
        let was = self.role;
        self.role = Role::Follower;
        if term > self.term || was == Role::Leader {
            self.leader = None;
        }
        if matches!(was, Role::Leader | Role::Candidate) {
            self.emit(EventKind::SteppedDown { why }, cx);
        }
        if term > self.term {
            self.term = term;
            self.voted_for = None;
            self.save_state(cx);
        }
        match was {
            Role::Leader => self.resign(why, by, cx),
            Role::Candidate => self.metrics.elections_lost += 1,
            Role::PreCandidate | Role::Follower => {}
        }
        if was != Role::Follower {
            self.redraw_timeout(cx);
        }
    }

    /// A leader of this term was heard.
    pub(super) fn follow(&mut self, leader: NodeId, cx: &mut Ctx<'_>) {
        if self.role != Role::Follower {
            self.become_follower(self.term, StepDown::Superseded, Some(leader), cx);
        }
        self.leader = Some(leader);
        self.heard_ns = Some(cx.now_ns);
        self.election_at_ns = cx.now_ns + self.timeout_ns;
        if self.lost.take().is_some() {
            self.metrics.partitions_healed += 1;
            self.emit(EventKind::PartitionHealed { peer: leader }, cx);
        }
    }
}
