//! All entries that were ever seen, each once. The parent of an entry is the entry before it in every log that
//! holds it: the digest of an entry stands for the whole log up to it, so there is only one.
//!
//! A log is its last entry, and to ask what it holds at an index is to ask for an ancestor at a depth. Every
//! entry has, beside its parent, a jump to an ancestor further up, by which that takes O(log n) (Myers 1983, *An
//! applicative random-access stack*).

use std::ops::{Index, IndexMut};

use rustc_hash::FxHashMap;

use super::Entry;
use super::witness::Witness;

/// The number of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct EntryId(u32);

/// An entry, and what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) index: u64,
    pub(super) term: u64,
    pub(super) digest: u64,
    /// The first node in whose log it was.
    pub(super) logged: Option<Witness>,
    /// The first node that applied it.
    pub(super) applied: Option<Witness>,
    /// Whether some node's snapshot covered it, so that all before it were applied as well.
    pub(super) applied_whole: bool,
    parent: Option<EntryId>,
    jump: EntryId,
    /// The entry of the same index and term that was seen before it.
    twin: Option<EntryId>,
}

/// What a log holds at an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// This entry.
    Entry(EntryId),
    /// Nothing: the log is shorter.
    Beyond,
    /// Nobody knows.
    Unknown,
}

#[derive(Debug)]
pub(super) struct Forest {
    entries: Vec<Known>,
    /// The last seen of each index and term.
    last: FxHashMap<(u64, u64), EntryId>,
}

impl Default for Forest {
    fn default() -> Self {
        let root = Known {
            index: 0,
            term: 0,
            digest: 0,
            logged: None,
            applied: None,
            applied_whole: true,
            parent: None,
            jump: Self::ROOT,
            twin: None,
        };
        Self {
            entries: vec![root],
            last: FxHashMap::default(),
        }
    }
}

impl Forest {
    /// What stands before the first entry: the empty log.
    pub(super) const ROOT: EntryId = EntryId(0);

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - 1
    }

    /// The number of an entry. What stands before it may be unknown; it is learned when it is first told.
    pub(super) fn enter(&mut self, index: u64, entry: Entry, parent: Option<EntryId>) -> EntryId {
        // What stands before the first entry is no secret.
        let parent = if index == 1 { Some(Self::ROOT) } else { parent };
        let id = match self.find(index, entry) {
            Some(id) => id,
            None => self.add(index, entry),
        };
        if self[id].parent.is_none() && parent.is_some() {
            self[id].parent = parent;
            self[id].jump = parent.map_or(id, |parent| self.jump_over(parent));
        }
        id
    }

    fn find(&self, index: u64, entry: Entry) -> Option<EntryId> {
        let mut next = self.last.get(&(index, entry.term)).copied();
        while let Some(id) = next.filter(|&id| self[id].digest != entry.digest) {
            next = self[id].twin;
        }
        next
    }

    fn add(&mut self, index: u64, entry: Entry) -> EntryId {
        let id = EntryId(self.entries.len() as u32);
        let twin = self.last.insert((index, entry.term), id);
        self.entries.push(Known {
            index,
            term: entry.term,
            digest: entry.digest,
            logged: None,
            applied: None,
            applied_whole: false,
            parent: None,
            jump: id,
            twin,
        });
        id
    }

    /// The jump of a child of `parent`: over two jumps of equal length, or else to the parent itself.
    fn jump_over(&self, parent: EntryId) -> EntryId {
        let near = self[parent].jump;
        let far = self[near].jump;
        if self[parent].index - self[near].index == self[near].index - self[far].index {
            far
        } else {
            parent
        }
    }

    /// The entry before it.
    pub(super) fn parent(&self, id: EntryId) -> Option<EntryId> {
        self[id].parent
    }

    /// What the log that ends with `last` holds at an index.
    pub(super) fn at(&self, last: EntryId, index: u64) -> Place {
        if index > self[last].index {
            return Place::Beyond;
        }
        let mut id = last;
        while self[id].index > index {
            let known = &self[id];
            id = match known.parent {
                _ if known.jump != id && self[known.jump].index >= index => known.jump,
                Some(parent) => parent,
                None => return Place::Unknown,
            };
        }
        Place::Entry(id)
    }

    /// Whether the log that ends with `last` holds the entry; `None` where nobody knows.
    pub(super) fn contains(&self, last: EntryId, entry: EntryId) -> Option<bool> {
        match self.at(last, self[entry].index) {
            Place::Entry(id) => Some(id == entry),
            Place::Beyond => Some(false),
            Place::Unknown => None,
        }
    }

    /// All other entries of the same index and term.
    pub(super) fn twins(&self, entry: EntryId) -> impl Iterator<Item = EntryId> {
        let known = &self[entry];
        let last = self.last.get(&(known.index, known.term)).copied();
        std::iter::successors(last, |id| self[*id].twin).filter(move |id| *id != entry)
    }
}

impl Index<EntryId> for Forest {
    type Output = Known;

    fn index(&self, id: EntryId) -> &Known {
        &self.entries[id.0 as usize]
    }
}

impl IndexMut<EntryId> for Forest {
    fn index_mut(&mut self, id: EntryId) -> &mut Known {
        &mut self.entries[id.0 as usize]
    }
}
