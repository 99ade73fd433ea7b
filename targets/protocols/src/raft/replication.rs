//! Replication: how the followers' logs become equal to the leader's.
//!
//! Follows section 5.3 of the Raft paper, with its hint for back-off over whole terms. At most one message with
//! entries is on its way to each follower: what is appended meanwhile goes with the next one, so that batches
//! grow with the load, and nothing is repeated but after a loss. A follower never touches an entry that it knows
//! to be committed, whatever old message arrives.

use std::sync::Arc;

use super::event::EventKind;
use super::leader::Flight;
use super::log::Entry;
use super::message::{Beat, Message, Outcome};
use super::mutant::Mutant;
use super::{Ctx, Raft, Role};
use crate::node::NodeId;

/// What a leader asks a follower to append, and behind what.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) prev_index: u64,
    pub(super) prev_term: u64,
    pub(super) commit: u64,
    pub(super) entries: Vec<Arc<Entry>>,
}

/// The leader's part.
impl Raft {
    /// Sends to everybody what is missing; a heartbeat where nothing is, if `all` are to be heard of.
    pub(super) fn contact_all(&mut self, all: bool, cx: &mut Ctx<'_>) {
        for place in 0..self.lead.peers.len() {
            if !self.replicate(place, cx) && all {
                self.send_heartbeat(place, cx);
            }
        }
    }

    /// Sends a follower what it misses, unless that is on its way already. Says whether it sent something.
    pub(super) fn replicate(&mut self, place: usize, cx: &mut Ctx<'_>) -> bool {
        let peer = &self.lead.peers[place];
        let overdue_ns = self.timing.heartbeat_ns;
        let waits = |flight: &Flight| cx.now_ns < flight.sent_ns.saturating_add(overdue_ns);
        if peer.matched >= self.log.last_index() || peer.flight.as_ref().is_some_and(waits) {
            return false;
        }
        let prev_index = peer.next - 1;
        match self.log.term_at(prev_index) {
            Some(prev_term) => self.send_entries(place, prev_index, prev_term, cx),
            None => self.send_snapshot(place, cx),
        }
        true
    }

    fn send_entries(&mut self, place: usize, prev_index: u64, prev_term: u64, cx: &mut Ctx<'_>) {
        let entries = self.log.slice(prev_index + 1, self.config.batch_entries);
        let to = prev_index + entries.len() as u64;
        let message = Message::Append {
            term: self.term,
            beat: self.beat(cx.now_ns),
            prev_index,
            prev_term,
            commit: self.commit,
            entries,
        };
        self.launch(place, prev_index, to, message, cx);
    }

    fn send_snapshot(&mut self, place: usize, cx: &mut Ctx<'_>) {
        let Some(snapshot) = self.snapshot.clone() else {
            return;
        };
        let to = snapshot.point.index;
        let message = Message::InstallSnapshot {
            term: self.term,
            beat: self.beat(cx.now_ns),
            snapshot,
        };
        self.launch(place, 0, to, message, cx);
    }

    fn launch(
        &mut self,
        place: usize,
        prev_index: u64,
        to: u64,
        message: Message,
        cx: &mut Ctx<'_>,
    ) {
        let peer = &mut self.lead.peers[place];
        peer.flight = Some(Flight {
            prev_index,
            to,
            sent_ns: cx.now_ns,
        });
        let id = peer.id;
        self.send(id, message, cx);
    }

    fn send_heartbeat(&mut self, place: usize, cx: &mut Ctx<'_>) {
        let peer = &self.lead.peers[place];
        let (id, commit) = (peer.id, self.commit.min(peer.matched));
        let heartbeat = Message::Heartbeat {
            term: self.term,
            beat: self.beat(cx.now_ns),
            commit,
        };
        self.send(id, heartbeat, cx);
    }

    fn beat(&self, now_ns: u64) -> Beat {
        Beat {
            round: self.lead.round,
            sent_ns: now_ns,
        }
    }

    /// A follower answers in this term.
    pub(super) fn on_ack(&mut self, from: NodeId, beat: Beat, outcome: Outcome, cx: &mut Ctx<'_>) {
        let Ok(place) = self.lead.peers.binary_search_by_key(&from, |peer| peer.id) else {
            return;
        };
        self.note_contact(place, beat, cx);
        match outcome {
            Outcome::Heard => {}
            Outcome::Matched(index) => self.note_match(place, index),
            Outcome::Conflict {
                prev_index,
                hint_index,
                hint_term,
            } => self.back_off(place, prev_index, hint_index, hint_term),
        }
        self.replicate(place, cx);
        if self.lead.peers[place].matched > self.commit {
            self.advance_commit(cx);
        }
        if self.role == Role::Leader {
            if self.mutates(Mutant::AckStorm) {
                self.contact_all(true, cx);
            }
            self.after_ack(cx);
        }
    }

    /// What else may have waited for the answer.
    fn after_ack(&mut self, cx: &mut Ctx<'_>) {
        self.serve_reads(cx);
        if self.wants_round() {
            self.lead.has_work = true;
        }
        self.drive_transfer(cx);
        self.drive_changes(cx);
    }

    fn note_contact(&mut self, place: usize, beat: Beat, cx: &mut Ctx<'_>) {
        let peer = &mut self.lead.peers[place];
        peer.heard_ns = cx.now_ns;
        // Rounds count from 1: a beat without one answers nothing of this term.
        if beat.round > 0 {
            peer.acked = peer.acked.max(Some(beat));
        }
        if peer.silent {
            peer.silent = false;
            let peer = peer.id;
            self.metrics.partitions_healed += 1;
            self.emit(EventKind::PartitionHealed { peer }, cx);
        }
    }

    fn note_match(&mut self, place: usize, index: u64) {
        // No follower can match what the leader does not have.
        let index = index.min(self.log.last_index());
        let peer = &mut self.lead.peers[place];
        peer.matched = peer.matched.max(index);
        peer.next = peer.next.max(index + 1);
        if peer.flight.is_some_and(|flight| flight.to <= index) {
            peer.flight = None;
        }
    }

    /// The follower's log is another one at `prev_index`. An answer to anything but what is on its way is old.
    fn back_off(&mut self, place: usize, prev_index: u64, hint_index: u64, hint_term: Option<u64>) {
        let peer = &self.lead.peers[place];
        if peer
            .flight
            .is_none_or(|flight| flight.prev_index != prev_index)
        {
            return;
        }
        let shared = hint_term.and_then(|term| self.log.last_of_term(term));
        let next = shared.map_or(hint_index, |index| index + 1).min(prev_index);
        let stays = self.mutates(Mutant::NoBackOff);
        let peer = &mut self.lead.peers[place];
        peer.next = if stays { peer.next } else { next }.max(peer.matched + 1);
        peer.flight = None;
    }
}

/// The follower's part.
impl Raft {
    /// A leader of this term sends entries.
    pub(super) fn on_append(&mut self, from: NodeId, beat: Beat, batch: Batch, cx: &mut Ctx<'_>) {
        let (prev_index, commit) = (batch.prev_index, batch.commit);
        let matched = prev_index + batch.entries.len() as u64;
        self.follow(from, cx);
        if !self.agrees_at(prev_index, batch.prev_term) {
            let conflict = self.conflict_at(prev_index);
            return self.ack(from, beat, conflict, cx);
        }
        self.take_entries(batch.entries, cx);
        self.ack(from, beat, Outcome::Matched(matched), cx);
        self.commit_to(commit.min(matched), cx);
    }

    /// A leader of this term is alive.
    pub(super) fn on_beat(&mut self, from: NodeId, beat: Beat, commit: u64, cx: &mut Ctx<'_>) {
        self.follow(from, cx);
        let term = self.term;
        let outcome = Outcome::Heard;
        self.send(
            from,
            Message::Ack {
                term,
                beat,
                outcome,
            },
            cx,
        );
        self.commit_to(commit, cx);
    }

    /// Whether the log is the leader's up to an index. What is committed is in every leader's log, even where it
    /// was compacted here.
    fn agrees_at(&self, index: u64, term: u64) -> bool {
        index <= self.commit || self.log.term_at(index) == Some(term)
    }

    fn conflict_at(&self, prev_index: u64) -> Outcome {
        let hint_term = self.log.term_at(prev_index);
        let hint_index = match hint_term {
            Some(_) => self.log.first_of_term(prev_index),
            None => self.log.last_index() + 1,
        };
        Outcome::Conflict {
            prev_index,
            hint_index,
            hint_term,
        }
    }

    /// Appends what is new, after dropping what another leader left in its place.
    fn take_entries(&mut self, mut entries: Vec<Arc<Entry>>, cx: &mut Ctx<'_>) {
        let known = |entry: &Arc<Entry>| {
            entry.index <= self.commit || self.log.term_at(entry.index) == Some(entry.term)
        };
        let kept = entries.iter().take_while(|entry| known(entry)).count();
        entries.drain(..kept);
        let Some(first) = entries.first() else {
            return;
        };
        if first.index <= self.log.last_index() {
            self.truncate_from(first.index, cx);
        }
        self.append(entries, cx);
    }
}
