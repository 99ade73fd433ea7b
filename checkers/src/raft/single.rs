//! What is checked of one node by itself, and of states: see the second table of the [module](super).

use super::Snapshot;
use super::forest::{EntryId, Place};
use super::witness::Witness;
use super::{Invariant, Invariants, words};

/// What a node let others count on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promise {
    /// Who, when, and the term.
    pub(super) witness: Witness,
    pub(super) voted_for: Option<u32>,
}

impl Invariants {
    /// Term order: whatever a node tells, it is in no lower term than it has sent.
    pub(super) fn holds_term(&mut self, witness: Witness) {
        let mirror = self.mirror(witness);
        let Some(promise) = mirror.promise.filter(|it| it.witness.term > witness.term) else {
            return;
        };
        // What it promises from here on is held against what it promises from here on.
        mirror.promise = None;
        self.breaks(Invariant::TermOrder, |_| {
            words::term_order(promise.witness, witness)
        });
    }

    /// Vote binding: in the term of its promise the node has voted for the same candidate.
    pub(super) fn holds_vote(&mut self, witness: Witness, voted_for: Option<u32>) {
        let mirror = self.mirror(witness);
        let Some(promise) = mirror.promise.filter(|it| it.witness.term == witness.term) else {
            return;
        };
        let Some(vote) = promise.voted_for.filter(|vote| voted_for != Some(*vote)) else {
            return;
        };
        mirror.promise = None;
        self.breaks(Invariant::VoteBinding, |_| {
            words::vote_binding(promise.witness, vote, witness, voted_for)
        });
    }

    /// A message leaves by which others count on the node.
    pub(super) fn promised(
        &mut self,
        witness: Witness,
        voted_for: Option<u32>,
        acknowledged: Snapshot,
    ) {
        self.mirror(witness).promise = Some(Promise { witness, voted_for });
        let Some(entry) = self.snapshot(acknowledged) else {
            return;
        };
        let mirror = self.mirror(witness);
        let (log, old) = (mirror.log, mirror.acknowledged);
        if let Some(log) = log
            && self.forest.contains(log, entry) == Some(false)
        {
            return self.breaks(Invariant::AcknowledgedEntries, |teller| {
                teller.acknowledged_entries(entry, witness, log, witness)
            });
        }
        // An answer that repeats an earlier one takes nothing back.
        let covers = |old: EntryId| self.forest.contains(old, entry) == Some(true);
        if !old.is_some_and(|(old, _)| covers(old)) {
            self.mirror(witness).acknowledged = Some((entry, witness));
        }
    }

    /// Acknowledged entries: the log with which a node starts has them.
    pub(super) fn keeps_acknowledged(&mut self, witness: Witness) {
        let mirror = self.mirror(witness);
        let (Some(log), Some((entry, promised))) = (mirror.log, mirror.acknowledged) else {
            return;
        };
        if self.forest.contains(log, entry) == Some(false) {
            self.mirror(witness).acknowledged = None;
            self.breaks(Invariant::AcknowledgedEntries, |teller| {
                teller.acknowledged_entries(entry, promised, log, witness)
            });
        }
    }

    /// A running node changed its log, as a leader may have it do: what is gone is no longer promised.
    pub(super) fn drops_acknowledged(&mut self, witness: Witness) {
        let mirror = self.mirror(witness);
        let Some((entry, promised)) = mirror.acknowledged else {
            return;
        };
        let log = mirror.log;
        let kept = match log.map(|log| (log, self.forest.contains(log, entry))) {
            Some((_, Some(true))) => Some(entry),
            // The rest of the log is as good as before, where it is a part of what was promised.
            Some((log, _)) if self.forest.contains(entry, log) == Some(true) => Some(log),
            _ => None,
        };
        self.mirror(witness).acknowledged = kept.map(|entry| (entry, promised));
    }

    /// Apply order: so many entries are applied from this index on.
    pub(super) fn in_turn(&mut self, witness: Witness, first_index: u64, count: usize) {
        if count == 0 {
            return;
        }
        let mirror = self.mirror(witness);
        let last = first_index.saturating_add(count as u64 - 1);
        let before = mirror.applied.replace(last);
        if let Some(before) = before
            && before.checked_add(1) != Some(first_index)
        {
            self.breaks(Invariant::ApplyOrder, |_| {
                words::apply_order(witness, before, first_index)
            });
        }
    }

    /// Apply order: what is applied is what the node's log holds.
    pub(super) fn holds_applied(&mut self, witness: Witness, entry: EntryId) {
        let Some(log) = self.mirror(witness).log else {
            return;
        };
        if let Place::Entry(held) = self.forest.at(log, self.forest[entry].index)
            && held != entry
        {
            self.breaks(Invariant::ApplyOrder, |teller| {
                teller.applied_not_held(witness, entry, log)
            });
        }
    }

    /// Apply order: a snapshot takes the place of the state, which never goes back.
    pub(super) fn moves_to(&mut self, witness: Witness, index: u64) {
        let before = self.mirror(witness).applied.replace(index);
        if let Some(before) = before.filter(|before| *before > index) {
            self.breaks(Invariant::ApplyOrder, |_| {
                words::went_back(witness, before, index)
            });
        }
    }

    /// Snapshot prefix: a node took a snapshot that ends with this entry.
    pub(super) fn covers(&mut self, witness: Witness, entry: EntryId) {
        let mirror = self.mirror(witness);
        let (applied, log) = (mirror.applied, mirror.log);
        let index = self.forest[entry].index;
        if let Some(applied) = applied.filter(|applied| *applied < index) {
            return self.breaks(Invariant::SnapshotPrefix, |_| {
                words::snapshot_ahead(witness, applied, index)
            });
        }
        if let Some(log) = log
            && let Place::Entry(held) = self.forest.at(log, index)
            && held != entry
        {
            self.breaks(Invariant::SnapshotPrefix, |teller| {
                teller.snapshot_prefix(witness, entry, log)
            });
        }
    }

    /// State digest: this is the node's state at an index.
    pub(super) fn state(&mut self, witness: Witness, index: u64, digest: u64) {
        let (first, teller) = *self.states.entry(index).or_insert((digest, witness));
        if first != digest {
            self.breaks(Invariant::StateDigest, |_| {
                words::state_digest(index, (first, teller), (digest, witness))
            });
        }
    }
}
