//! What a leader knows and does beyond the followers' part: it opens its term, keeps contact, batches what
//! clients ask, and answers everybody when it goes.
//!
//! Follows sections 5.3, 5.4.2 and 8 of the Raft paper and, for check-quorum, section 6.2 of the thesis. Calls that
//! arrive in one moment, such as those that waited while the disk synced, are gathered and make one append, one
//! sync and one round of messages: a call only asks to be woken at once, and the wake-up comes after them.

use std::collections::VecDeque;
use std::mem;

use super::event::{EventKind, StepDown};
use super::log::{Entry, Payload};
use super::membership::Change;
use super::message::Beat;
use super::mutant::Mutant;
use super::reads::Read;
use super::transfer::Transfer;
use super::{Ctx, Raft, Role};
use crate::call::client_of;
use crate::error::ErrorCode;
use crate::node::NodeId;
use crate::reply::Reply;
use crate::store::{Begun, Request, Response};

/// What only a leader knows. It begins anew with each term that the node leads.
#[derive(Clone, Debug, Default)]
pub(super) struct Leading {
    /// Everybody to replicate to: members and learners, ascending.
    pub(super) peers: Vec<Peer>,
    /// Whether this node is a member itself.
    pub(super) votes: bool,
    /// The index of the entry that opened the term.
    pub(super) term_start: u64,
    /// The log's own time when the term began, and this node's clock then.
    clock: (u64, u64),
    /// The last round of contact that was begun.
    pub(super) round: u64,
    /// When to make itself heard again.
    pub(super) heartbeat_at_ns: u64,
    /// Whether calls wait to be gathered.
    pub(super) has_work: bool,
    /// Requests that are not in the log yet.
    queue: Vec<Queued>,
    /// Requests in the log that wait to be applied, ascending by index.
    pub(super) writes: VecDeque<Write>,
    /// Reads that wait to be confirmed, ascending by round.
    pub(super) reads: VecDeque<Read>,
    /// Changes of the members: the first is under way.
    pub(super) changes: VecDeque<Change>,
    /// A transfer that is under way.
    pub(super) transfer: Option<Transfer>,
    /// Whether it told somebody to take over, after which followers shield it no longer.
    pub(super) gave_away: bool,
    /// Room for sorting.
    pub(super) scratch: Vec<u64>,
}

/// What a leader knows about another node.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) id: NodeId,
    /// Whether it is a member, and not a learner.
    pub(super) votes: bool,
    /// The next index to send.
    pub(super) next: u64,
    /// Up to here its log is durable and equal to the leader's.
    pub(super) matched: u64,
    /// What was sent and not answered.
    pub(super) flight: Option<Flight>,
    /// When it was heard last.
    pub(super) heard_ns: u64,
    /// Whether it is believed to be cut off.
    pub(super) silent: bool,
    /// The latest beat that it answered.
    pub(super) acked: Option<Beat>,
}

/// Entries, or a snapshot, on their way to a follower.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub(super) prev_index: u64,
    pub(super) to: u64,
    pub(super) sent_ns: u64,
}

#[derive(Clone, Debug)]
struct Queued {
    id: u64,
    since_ns: u64,
    request: Request,
}

/// A request in the log.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) index: u64,
    pub(super) id: u64,
    pub(super) since_ns: u64,
    pub(super) operation_type: &'static str,
}

impl Peer {
    pub(super) fn new(id: NodeId, votes: bool, last_index: u64, now_ns: u64) -> Self {
        Self {
            id,
            votes,
            next: last_index + 1,
            matched: 0,
            flight: None,
            heard_ns: now_ns,
            silent: false,
            acked: None,
        }
    }
}

impl Leading {
    /// The greatest number that a majority of the members has reached: `own` is this node's, `of` a peer's.
    pub(super) fn quorum(&mut self, own: u64, of: impl Fn(&Peer) -> u64) -> u64 {
        self.scratch.clear();
        self.scratch.extend(self.votes.then_some(own));
        let others = self.peers.iter().filter(|peer| peer.votes).map(of);
        self.scratch.extend(others);
        // Of n numbers, ascending, the last n/2+1 are a majority that has reached the first of them.
        match self.scratch.len() {
            0 => 0,
            count => *self.scratch.select_nth_unstable((count - 1) / 2).1,
        }
    }
}

/// Takes the first of a queue if it is meant.
pub(super) fn pop_front_if<T>(
    queue: &mut VecDeque<T>,
    is_meant: impl FnOnce(&T) -> bool,
) -> Option<T> {
    if queue.front().is_some_and(is_meant) {
        queue.pop_front()
    } else {
        None
    }
}

impl Raft {
    /// The election is won.
    pub(super) fn lead_term(&mut self, cx: &mut Ctx<'_>) {
        let last = self.log.last();
        self.role = Role::Leader;
        self.leader = Some(self.id);
        self.lost = None;
        self.metrics.elections_won += 1;
        self.lead = Leading {
            clock: (last.at_ns, cx.now_ns),
            heartbeat_at_ns: cx.now_ns + self.timing.heartbeat_ns,
            ..Leading::default()
        };
        self.refresh_peers(cx.now_ns);
        let elected = EventKind::LeaderElected {
            last_index: last.index,
            last_term: last.term,
        };
        self.emit(elected, cx);
        if !self.mutates(Mutant::CommitOldTerm) {
            self.propose([Payload::Noop], cx);
        }
        self.lead.term_start = self.log.last_index();
        self.begin_round(cx);
    }

    /// Appends to its own log.
    pub(super) fn propose(
        &mut self,
        payloads: impl IntoIterator<Item = Payload>,
        cx: &mut Ctx<'_>,
    ) {
        let last = self.log.last();
        let (log_ns, own_ns) = self.lead.clock;
        let at_ns = last.at_ns.max(log_ns + cx.now_ns.saturating_sub(own_ns));
        let term = self.term;
        let entries = (last.index + 1..)
            .zip(payloads)
            .map(|(index, payload)| Entry::new(index, term, at_ns, payload).into())
            .collect();
        self.append(entries, cx);
    }

    /// The log's own time, now.
    fn log_now_ns(&self, now_ns: u64) -> u64 {
        let (log_ns, own_ns) = self.lead.clock;
        log_ns + now_ns.saturating_sub(own_ns)
    }

    /// A client asks to write.
    pub(super) fn on_write(&mut self, id: u64, request: Request, cx: &mut Ctx<'_>) {
        let away = self.lead.transfer.as_ref().map(|it| it.target);
        if self.role != Role::Leader || away.is_some() {
            return Self::fail(
                id,
                ErrorCode::LeaderNotFound,
                away.or(self.leader),
                false,
                cx,
            );
        }
        self.lead.has_work = true;
        self.lead.queue.push(Queued {
            id,
            since_ns: cx.now_ns,
            request,
        });
    }

    /// Does what was gathered.
    pub(super) fn work_off(&mut self, cx: &mut Ctx<'_>) {
        self.lead.has_work = false;
        self.take_queue(cx);
        if self.wants_round() {
            self.begin_round(cx);
        } else {
            self.contact_all(false, cx);
            self.settle(cx);
        }
    }

    fn take_queue(&mut self, cx: &mut Ctx<'_>) {
        if self.lead.queue.is_empty() {
            return;
        }
        let queue = mem::take(&mut self.lead.queue);
        let indices = self.log.last_index() + 1..;
        for (index, queued) in indices.zip(&queue) {
            self.lead.writes.push_back(Write {
                index,
                id: queued.id,
                since_ns: queued.since_ns,
                operation_type: queued.request.command.operation_type(),
            });
        }
        let start = self.commit.max(self.lead.term_start);
        let weak = self.weakness().is_some();
        let payloads = queue.into_iter().map(|it| match it.request {
            request if weak => Payload::Begun(Begun {
                request,
                start,
                session: client_of(it.id),
            }),
            request => Payload::Request(request),
        });
        self.propose(payloads, cx);
    }

    /// Begins a round of contact with everybody.
    pub(super) fn begin_round(&mut self, cx: &mut Ctx<'_>) {
        self.lead.round += 1;
        self.contact_all(true, cx);
        self.settle(cx);
    }

    /// After a sync: commits what may be committed, and answers what may be answered.
    fn settle(&mut self, cx: &mut Ctx<'_>) {
        self.sync(cx);
        self.advance_commit(cx);
        if self.role == Role::Leader {
            self.serve_reads(cx);
        }
    }

    /// It is time to be heard.
    pub(super) fn on_heartbeat(&mut self, cx: &mut Ctx<'_>) {
        self.lead.heartbeat_at_ns = cx.now_ns + self.timing.heartbeat_ns;
        let leads = self.hears_majority(cx.now_ns) || self.mutates(Mutant::StaleRead);
        if !leads {
            return self.become_follower(self.term, StepDown::QuorumLost, None, cx);
        }
        self.note_silence(cx);
        self.expire_calls(cx);
        self.expire_transfer(cx);
        self.drive_changes(cx);
        if self.role == Role::Leader {
            self.begin_round(cx);
        }
    }

    /// Whether a majority was heard within the greatest election timeout.
    fn hears_majority(&mut self, now_ns: u64) -> bool {
        let patience_ns = self.timing.election_max_ns;
        let heard = |peer: &Peer| u64::from(now_ns.saturating_sub(peer.heard_ns) < patience_ns);
        self.lead.quorum(1, heard) == 1
    }

    /// Notes who has fallen silent, and by how much each follower lags.
    fn note_silence(&mut self, cx: &mut Ctx<'_>) {
        let log_now_ns = self.log_now_ns(cx.now_ns);
        let last_index = self.log.last_index();
        for place in 0..self.lead.peers.len() {
            let peer = &mut self.lead.peers[place];
            let (id, matched) = (peer.id, peer.matched);
            let silence_ns = cx.now_ns.saturating_sub(peer.heard_ns);
            if silence_ns >= self.timing.election_max_ns && !peer.silent {
                peer.silent = true;
                self.metrics.partitions_detected += 1;
                self.emit(EventKind::PartitionDetected { peer: id }, cx);
            }
            let lag_ns = if matched >= last_index {
                0
            } else {
                let missing = self.log.get(matched + 1).map(|entry| entry.at_ns);
                log_now_ns.saturating_sub(missing.unwrap_or(self.log.base().at_ns))
            };
            self.metrics.set_lag(id, lag_ns);
        }
    }

    /// Answers calls that waited for too long.
    fn expire_calls(&mut self, cx: &mut Ctx<'_>) {
        let expired =
            |since_ns: u64| cx.now_ns.saturating_sub(since_ns) > self.timing.call_timeout_ns;
        let (mut writes, mut reads) = (Vec::new(), Vec::new());
        while let Some(write) = pop_front_if(&mut self.lead.writes, |it| expired(it.since_ns)) {
            writes.push(write.id);
        }
        while let Some(read) = pop_front_if(&mut self.lead.reads, |it| expired(it.since_ns)) {
            reads.push(read.id);
        }
        let code = self.timeout_code();
        for id in writes {
            Self::fail(id, code, self.leader, true, cx);
        }
        for id in reads {
            Self::fail(id, code, self.leader, false, cx);
        }
    }

    /// What a call that waited for too long waited for: a leader that could not yet commit anything in its term
    /// has not caught up with what was decided before.
    pub(super) fn timeout_code(&self) -> ErrorCode {
        if self.commit < self.lead.term_start {
            ErrorCode::NetworkPartitionHealing
        } else {
            ErrorCode::Timeout
        }
    }

    /// Answers all who wait, as it leads no longer.
    pub(super) fn resign(&mut self, why: StepDown, by: Option<NodeId>, cx: &mut Ctx<'_>) {
        let code = match why {
            StepDown::QuorumLost => ErrorCode::QuorumUnreachable,
            StepDown::Superseded | StepDown::Removed => ErrorCode::LeaderNotFound,
        };
        let lead = mem::take(&mut self.lead);
        for write in lead.writes {
            Self::fail(write.id, code, None, true, cx);
        }
        for queued in lead.queue {
            Self::fail(queued.id, code, None, false, cx);
        }
        for read in lead.reads {
            Self::fail(read.id, code, None, false, cx);
        }
        for change in lead.changes {
            Self::fail(change.id, code, None, change.may_happen(), cx);
        }
        if let Some(transfer) = lead.transfer {
            if by == Some(transfer.target) {
                cx.reply(transfer.id, Reply::Ok(Response::Done));
            } else {
                Self::fail(transfer.id, code, None, true, cx);
            }
        }
        self.metrics.clear_lag();
    }

    /// Answers a call that was not done.
    pub(super) fn fail(
        id: u64,
        code: ErrorCode,
        leader: Option<NodeId>,
        maybe_executed: bool,
        cx: &mut Ctx<'_>,
    ) {
        let reply = Reply::Error {
            code,
            leader,
            maybe_executed,
        };
        cx.reply(id, reply);
    }
}
