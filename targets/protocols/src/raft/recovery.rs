//! What the disk holds, how it is written, and how a node is made of it again.
//!
//! Follows figure 2 of the Raft paper: term, vote and log are durable before anybody may count on them. The disk
//! keeps a log of [`Record`]s. Saving is cheap and may be lost; what matters is that [`Raft::sync`] comes before
//! the message that lets somebody count on it:
//!
//! | who counts | on what | synced by |
//! |---|---|---|
//! | a candidate | a vote, and the term it is in | [`Raft::send`] |
//! | anybody | a term that a message carries | [`Raft::send`] |
//! | a leader | entries that a follower acknowledges | [`Raft::ack`] |
//! | a leader | its own entries when it commits | `synced`, which is what it counts itself with |
//!
//! A leader sends entries before they are durable at home (thesis, section 10.2.1): the followers' disks
//! work while its own does.

use std::sync::Arc;

use super::event::EventKind;
use super::log::{Entry, Log, Payload, Point};
use super::membership::{Membership, Memberships};
use super::message::{Beat, Message, Outcome, Record};
use super::mutant::Mutant;
use super::{Ctx, Raft};
use crate::node::NodeId;

/// What is saved and not yet known to be durable.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unsynced {
    /// Term or vote.
    state: bool,
    /// Entries or truncations.
    log: bool,
}

/// What others count on: told when it becomes more.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Promised {
    term: u64,
    voted_for: Option<NodeId>,
    /// Index and digest of the last entry that was acknowledged.
    log: (u64, u64),
}

impl Raft {
    /// Begins with what the disk kept.
    pub(super) fn start(&mut self, records: Vec<Record>, cx: &mut Ctx<'_>) {
        self.id = cx.id;
        // What survived may still stand in a cache only, so that it is synced before anybody counts on it.
        let written = !records.is_empty();
        self.unsynced = Unsynced {
            state: written,
            log: written,
        };
        for record in records {
            self.recall(record);
        }
        self.synced = 0;
        self.commit = self.snapshot_point().index;
        self.applied = self.commit;
        if let Some(snapshot) = &self.snapshot {
            self.store = snapshot.store.clone();
        }
        self.recall_memberships();
        self.heard_ns = Some(cx.now_ns);
        self.redraw_timeout(cx);
        self.emit_started(cx);
        self.sync(cx);
        if self.snapshot.is_some() {
            self.tell_state(cx);
        }
    }

    fn recall(&mut self, record: Record) {
        match record {
            Record::State { term, voted_for } => {
                self.term = term;
                self.voted_for = voted_for;
            }
            Record::Append(entries) => {
                for entry in entries {
                    self.log.push(entry);
                }
            }
            Record::Truncate { from } => self.log.truncate_from(from),
            Record::Snapshot { snapshot, base } => {
                self.snapshot = Some(snapshot);
                self.log = Log::at(base);
            }
        }
    }

    /// The members as the snapshot and the entries behind it tell.
    fn recall_memberships(&mut self) {
        let point = self.snapshot_point();
        let first = match &self.snapshot {
            Some(snapshot) => snapshot.members.clone(),
            None => Arc::new(Membership::founded_by(&self.config.members)),
        };
        self.memberships = Memberships::new(point.index, first);
        for entry in self.log.slice(point.index + 1, usize::MAX) {
            self.note_members(&entry);
        }
    }

    /// The latest members in the log apply at once, committed or not.
    pub(super) fn note_members(&mut self, entry: &Entry) {
        if let Payload::Members(members) = &entry.payload {
            self.memberships.push(entry.index, members.clone());
        }
    }

    fn emit_started(&mut self, cx: &mut Ctx<'_>) {
        let snapshot = self.snapshot_point();
        let started = EventKind::NodeStarted {
            voted_for: self.voted_for,
            snapshot,
            entries: self.log.marks(snapshot.index + 1, self.log.last_index()),
        };
        self.emit(started, cx);
    }

    pub(super) fn state_record(&self) -> Record {
        Record::State {
            term: self.term,
            voted_for: self.voted_for,
        }
    }

    /// Saves term and vote.
    pub(super) fn save_state(&mut self, cx: &mut Ctx<'_>) {
        cx.save(self.state_record());
        self.unsynced.state = true;
    }

    /// Appends entries to the log and saves them.
    pub(super) fn append(&mut self, entries: Vec<Arc<Entry>>, cx: &mut Ctx<'_>) {
        let first = self.log.last_index() + 1;
        for entry in &entries {
            self.note_members(entry);
            self.log.push(entry.clone());
        }
        cx.save(Record::Append(entries));
        self.unsynced.log = true;
        if self.mutates(Mutant::UnsyncedAck) {
            self.unsynced.log = false;
            self.synced = self.log.last_index();
        }
        let marks = self.log.marks(first, self.log.last_index());
        self.emit(EventKind::LogReplicated { first, marks }, cx);
    }

    /// Drops the entries from an index on, which nobody ever committed.
    pub(super) fn truncate_from(&mut self, from: u64, cx: &mut Ctx<'_>) {
        self.log.truncate_from(from);
        self.memberships.truncate_from(from);
        self.synced = self.synced.min(from - 1);
        cx.save(Record::Truncate { from });
        self.unsynced.log = true;
        self.emit(EventKind::ConflictResolved { from }, cx);
    }

    /// Waits until all that was saved is durable, if anything may not be.
    pub(super) fn sync(&mut self, cx: &mut Ctx<'_>) {
        if self.unsynced.state || self.unsynced.log {
            cx.sync();
        }
        self.all_is_durable();
    }

    pub(super) fn all_is_durable(&mut self) {
        self.unsynced = Unsynced::default();
        self.synced = self.log.last_index();
    }

    /// Sends a message. The term that it carries, and the vote, are durable before.
    pub(super) fn send(&mut self, to: NodeId, message: Message, cx: &mut Ctx<'_>) {
        if self.unsynced.state {
            self.sync(cx);
        }
        self.promise(Point::default(), cx);
        cx.send(to, message);
    }

    /// Tells what others count on from now on, where that is more than they did: the term and the vote, and the log
    /// up to this point.
    pub(super) fn promise(&mut self, acknowledged: Point, cx: &mut Ctx<'_>) {
        let promised = Promised {
            term: self.term,
            voted_for: self.voted_for,
            log: (acknowledged.index, acknowledged.digest),
        };
        let is_known = (promised.term, promised.voted_for)
            == (self.promised.term, self.promised.voted_for)
            && (acknowledged.index == 0 || promised.log == self.promised.log);
        if is_known {
            return;
        }
        self.promised = promised;
        let voted_for = self.voted_for;
        let promised = EventKind::Promised {
            voted_for,
            acknowledged,
        };
        self.emit(promised, cx);
    }

    /// Answers a leader. What it may count on is durable before.
    pub(super) fn ack(&mut self, to: NodeId, beat: Beat, outcome: Outcome, cx: &mut Ctx<'_>) {
        self.sync(cx);
        if let Outcome::Matched(index) = outcome
            && let Some(point) = self.log.point(index)
        {
            self.promise(point, cx);
        }
        let term = self.term;
        self.send(
            to,
            Message::Ack {
                term,
                beat,
                outcome,
            },
            cx,
        );
    }
}
