//! The replicated log of one node: what stands in it, and what compaction left of its beginning.
//!
//! Follows section 5.3 of the Raft paper (Ongaro & Ousterhout 2014) and section 5.1 of the thesis (Ongaro 2014)
//! for compaction. Entries are shared and never altered, so that the log, the disk's records and the messages to
//! every follower hold the same one.
//!
//! # The log's own time
//!
//! Each entry carries `at_ns`, a time that belongs to the log. It never goes back, and while a leader is in
//! office it advances as the leader's monotonic clock does. It stands still between two leaders. The store
//! forgets idempotency keys by it. A wall clock would not do: a replica that asked its own would forget at
//! another entry than its peers and so hold another state, and a leader whose wall clock jumped an hour ahead
//! would make every replica forget the requests that clients are still retrying. As the log's time runs at
//! most as fast as the leader's clock, a key is kept at least as long as promised.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Mark;
use super::digest::{digest_of, link};
use super::membership::Membership;
use crate::store::{Begun, Request};

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the log; the first is 1.
    pub index: u64,
    /// The term of the leader that made it.
    pub term: u64,
    /// The log's own time.
    pub at_ns: u64,
    /// What it says.
    pub payload: Payload,
    /// A digest of time and payload, made once by the leader.
    content: u64,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Payload {
    /// Nothing: it opens a leader's term.
    Noop,
    /// A client's request.
    Request(Request),
    /// The same under a mutant of isolation, with what the transaction began from.
    Begun(Begun),
    /// From here on these are the members.
    Members(Arc<Membership>),
}

impl Entry {
    /// An entry with its digest.
    pub(super) fn new(index: u64, term: u64, at_ns: u64, payload: Payload) -> Self {
        let content = match &payload {
            Payload::Noop => digest_of(&(at_ns, 0_u8)),
            Payload::Request(it) => digest_of(&(at_ns, 1_u8, &it.idempotency_key, &it.command)),
            Payload::Begun(it) => {
                let request = (&it.request.idempotency_key, &it.request.command);
                digest_of(&(at_ns, 3_u8, request, it.start, it.session))
            }
            Payload::Members(it) => digest_of(&(at_ns, 2_u8, it)),
        };
        Self {
            index,
            term,
            at_ns,
            payload,
            content,
        }
    }
}

/// A place in the log and all that must be known of the log up to it once it is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// The index of the last entry up to there; 0 if there is none.
    pub index: u64,
    /// Its term.
    pub term: u64,
    /// The digest of the log up to it.
    pub digest: u64,
    /// The log's own time at it.
    pub at_ns: u64,
}

/// Entries one after the other, behind a base that compaction may have moved.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    base: Point,
    slots: Vec<Slot>,
}

#[derive(Clone, Debug)]
struct Slot {
    entry: Arc<Entry>,
    digest: u64,
}

impl Log {
    /// A log of which nothing is left but this point.
    pub(super) fn at(base: Point) -> Self {
        let slots = Vec::new();
        Self { base, slots }
    }

    /// The point before the first entry that is here.
    pub(super) fn base(&self) -> Point {
        self.base
    }

    /// The index of the last entry.
    pub(super) fn last_index(&self) -> u64 {
        self.base.index + self.slots.len() as u64
    }

    /// The point at the last entry.
    pub(super) fn last(&self) -> Point {
        self.slots.last().map_or(self.base, Slot::point)
    }

    /// The entry at an index, if it is here.
    pub(super) fn get(&self, index: u64) -> Option<&Arc<Entry>> {
        self.slot(index).map(|slot| &slot.entry)
    }

    /// The point at an index, if it is here or the base.
    pub(super) fn point(&self, index: u64) -> Option<Point> {
        if index == self.base.index {
            return Some(self.base);
        }
        self.slot(index).map(Slot::point)
    }

    /// The term at an index, if it is known.
    pub(super) fn term_at(&self, index: u64) -> Option<u64> {
        self.point(index).map(|point| point.term)
    }

    fn slot(&self, index: u64) -> Option<&Slot> {
        let offset = index.checked_sub(self.base.index + 1)?;
        self.slots.get(usize::try_from(offset).ok()?)
    }

    /// How many entries are here up to an index.
    fn offset(&self, index: u64) -> usize {
        let entries = index.saturating_sub(self.base.index);
        self.slots.len().min(entries as usize)
    }

    /// Appends an entry whose index is the next one; another one is refused, and the answer is `false`.
    pub(super) fn push(&mut self, entry: Arc<Entry>) -> bool {
        let last = self.last();
        if entry.index != last.index + 1 {
            return false;
        }
        let digest = link(last.digest, entry.term, entry.content);
        self.slots.push(Slot { entry, digest });
        true
    }

    /// Drops the entries from an index on.
    pub(super) fn truncate_from(&mut self, index: u64) {
        let kept = self.offset(index.saturating_sub(1));
        self.slots.truncate(kept);
    }

    /// Forgets the entries up to an index that is here.
    pub(super) fn compact_to(&mut self, index: u64) {
        let Some(point) = self.point(index) else {
            return;
        };
        self.slots.drain(..self.offset(index));
        self.base = point;
    }

    /// At most `limit` entries from an index on.
    pub(super) fn slice(&self, from: u64, limit: usize) -> Vec<Arc<Entry>> {
        let start = self.offset(from.saturating_sub(1));
        let end = self.slots.len().min(start.saturating_add(limit));
        let slots = &self.slots[start..end];
        slots.iter().map(|slot| slot.entry.clone()).collect()
    }

    /// Term and digest of the entries from an index to another one, both included.
    pub(super) fn marks(&self, from: u64, to: u64) -> Vec<Mark> {
        let slots = &self.slots[self.offset(from.saturating_sub(1))..self.offset(to)];
        slots.iter().map(Slot::mark).collect()
    }

    /// The first index that is here with the term of the entry at `index`. Terms never decrease along a log.
    pub(super) fn first_of_term(&self, index: u64) -> u64 {
        let Some(term) = self.term_at(index) else {
            return index;
        };
        let before = self.slots.partition_point(|slot| slot.entry.term < term);
        (self.base.index + 1 + before as u64).min(index)
    }

    /// The last index of a term, if an entry of it is here or is the base.
    pub(super) fn last_of_term(&self, term: u64) -> Option<u64> {
        let count = self.slots.partition_point(|slot| slot.entry.term <= term);
        let index = self.base.index + count as u64;
        (self.term_at(index) == Some(term)).then_some(index)
    }
}

impl Slot {
    fn point(&self) -> Point {
        Point {
            index: self.entry.index,
            term: self.entry.term,
            digest: self.digest,
            at_ns: self.entry.at_ns,
        }
    }

    fn mark(&self) -> Mark {
        Mark {
            term: self.entry.term,
            digest: self.digest,
        }
    }
}
