//! Linearizable reads that need no entry in the log.
//!
//! By read index (thesis, section 6.4): a read that arrives is noted with the commit index, but at least the index of
//! the entry that opened the term, because only then is the commit index known to cover all that was committed
//! before. It is answered when a round of contact that began after it arrived was answered by a majority, so that
//! nobody can have led a later term when it arrived, and when the state has reached its index. Reads that arrive
//! during a round share the next one.
//!
//! By lease (section 6.4.1): the round is left out while no voter of some majority may yet have turned to
//! another candidate. That rests on how far clocks may differ in rate ([`super::Config::lease_drift_ppm`]), never on
//! what time they show. A leader that told another node to take over has no lease any more in its term.

use super::config::ReadMode;
use super::leader::{Peer, pop_front_if};
use super::message::Beat;
use super::mutant::Mutant;
use super::{Ctx, Raft, Role};
use crate::call::client_of;
use crate::error::ErrorCode;
use crate::reply::Reply;
use crate::store::Command;

/// A read that waits.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) id: u64,
    pub(super) since_ns: u64,
    command: Command,
    /// The round that must be confirmed.
    round: u64,
    /// The index that must be applied.
    index: u64,
}

impl Raft {
    /// A client asks to read.
    pub(super) fn on_read(&mut self, id: u64, command: Command, cx: &mut Ctx<'_>) {
        let leads = self.role == Role::Leader;
        if self.mutates(Mutant::FollowerRead) || (leads && self.mutates(Mutant::StaleRead)) {
            return self.answer_read(id, cx.now_ns, &command, cx);
        }
        if !leads {
            return Self::fail(id, ErrorCode::LeaderNotFound, self.leader, false, cx);
        }
        let index = self.commit.max(self.lead.term_start);
        if self.applied >= index && self.has_lease(cx.now_ns) {
            return self.answer_read(id, cx.now_ns, &command, cx);
        }
        self.lead.has_work = true;
        self.lead.reads.push_back(Read {
            id,
            since_ns: cx.now_ns,
            command,
            round: self.lead.round + 1,
            index,
        });
    }

    /// Whether reads wait for a round that has not begun, and none is on its way. One that got lost is followed by
    /// the next heartbeat.
    pub(super) fn wants_round(&mut self) -> bool {
        let waiting = self.lead.reads.back();
        waiting.is_some_and(|read| read.round > self.lead.round)
            && self.confirmed_round() == self.lead.round
    }

    /// The last round that a majority has answered.
    fn confirmed_round(&mut self) -> u64 {
        let begun = self.lead.round;
        let answered = |peer: &Peer| peer.acked.map_or(0, |beat| beat.round);
        self.lead.quorum(begun, answered)
    }

    /// Answers the reads whose round is confirmed and whose index is applied.
    pub(super) fn serve_reads(&mut self, cx: &mut Ctx<'_>) {
        if self.lead.reads.is_empty() {
            return;
        }
        let (confirmed, applied) = (self.confirmed_round(), self.applied);
        let ready = |read: &Read| read.round <= confirmed && read.index <= applied;
        while let Some(read) = pop_front_if(&mut self.lead.reads, ready) {
            self.answer_read(read.id, read.since_ns, &read.command, cx);
        }
    }

    fn answer_read(&mut self, id: u64, since_ns: u64, command: &Command, cx: &mut Ctx<'_>) {
        let waited_ns = cx.now_ns.saturating_sub(since_ns);
        self.metrics.observe(command.operation_type(), waited_ns);
        let response = match self.weakness() {
            None => self.store.read(command),
            Some(weakness) => {
                let session = client_of(id);
                self.store
                    .read_weakly(self.applied, session, command, weakness)
            }
        };
        cx.reply(id, Reply::Ok(response));
    }

    /// Whether a majority heard from this leader so lately that it cannot have elected another one.
    fn has_lease(&mut self, now_ns: u64) -> bool {
        if self.config.reads != ReadMode::Lease || self.lead.gave_away {
            return false;
        }
        // One more than the time, so that zero says never.
        let sent = |beat: Beat| beat.sent_ns.saturating_add(1);
        let reached = self
            .lead
            .quorum(u64::MAX, |peer| peer.acked.map_or(0, sent));
        reached > 0 && now_ns < (reached - 1).saturating_add(self.timing.lease_ns)
    }
}
