//! What all levels share: reads, versions and their readers, and the order of versions that is assumed.

use super::reads::{NONE, Read, Reads, Version};
use crate::Budget;
use crate::isolation::assumed::{Assumed, Assumptions, assumed};
use crate::isolation::rows::Rows;
use crate::isolation::transactions::{Act, Registers, Transactions, Writes};

/// Registers, ready to be judged by any of the [levels](super::LEVELS).
pub(crate) struct Prepared<'p, 'a> {
    pub(super) transactions: &'p Transactions<'a, Registers>,
    pub(super) writes: &'p Writes,
    pub(super) reads: Reads,
    /// Places in the list of reads, by version.
    readers: Rows<u32>,
    /// The version whose writer read this one: it is directly behind it, unless updates may be lost.
    pub(super) next: Vec<Version>,
    /// Two reads of one version whose readers both wrote the key.
    pub(super) lost: Vec<(u32, u32)>,
    /// Pairs of versions of a key that are assumed to be in this order.
    pub(super) assumed: Vec<(Version, Version)>,
    /// The same, with who met them.
    pub(crate) pairs: Vec<Assumed>,
}

impl<'p, 'a> Prepared<'p, 'a> {
    /// Looks at all reads. `None` if that takes more memory than there is. Linear but for finding the write that
    /// each read saw.
    pub(crate) fn of(
        transactions: &'p Transactions<'a, Registers>,
        writes: &'p Writes,
        assumptions: Assumptions,
        budget: &Budget<'_>,
    ) -> Option<Self> {
        let versions = writes.all().len() + transactions.key_count();
        let bytes = versions * 12 + transactions.micros().len() * 32 + transactions.len() * 8;
        if bytes > budget.bytes() || budget.is_over() {
            return None;
        }
        let reads = Reads::of(transactions, writes);
        let mut prepared = Self {
            transactions,
            writes,
            reads,
            readers: Rows::default(),
            next: vec![NONE; versions],
            lost: Vec::new(),
            assumed: Vec::new(),
            pairs: Vec::new(),
        };
        let sights = (0..).zip(&prepared.reads.list);
        let sights = sights.map(|(at, read)| (read.version, at));
        prepared.readers = Rows::sorted(versions, sights, 0);
        prepared.find_updates();
        prepared.pairs = assumed(
            transactions,
            writes,
            &prepared.reads.is_version,
            assumptions,
        );
        let pairs = prepared.pairs.iter();
        prepared.assumed = pairs.map(|pair| (pair.earlier, pair.later)).collect();
        Some(prepared)
    }

    fn find_updates(&mut self) {
        let mut earlier: Vec<u32> = vec![NONE; self.next.len()];
        for (at, read) in self.reads.list.iter().enumerate() {
            if read.own == NONE {
                continue;
            }
            let version = read.version as usize;
            if self.next[version] == NONE {
                self.next[version] = read.own;
                earlier[version] = at as u32;
            } else if self.next[version] != read.own {
                self.lost.push((earlier[version], at as u32));
            }
        }
    }

    /// The reads that saw a version.
    pub(super) fn readers(&self, version: Version) -> impl Iterator<Item = &Read> + '_ {
        let places = self.readers.of(version).iter();
        places.map(|&at| &self.reads.list[at as usize])
    }

    /// The initial version of a key.
    pub(super) fn initial(&self, key: u32) -> Version {
        self.writes.initial(key)
    }

    /// Whether a version was there from the start.
    pub(super) fn is_initial(&self, version: Version) -> bool {
        version as usize >= self.writes.all().len()
    }

    /// Who wrote a version; nobody wrote an initial one.
    pub(super) fn writer(&self, version: Version) -> Option<u32> {
        self.writes.writer(version)
    }

    pub(super) fn key_of(&self, version: Version) -> u32 {
        match self.writes.all().get(version as usize) {
            Some(write) => self.transactions.micros()[write.place as usize].key,
            None => version - self.writes.all().len() as u32,
        }
    }

    /// The versions that a transaction made.
    pub(super) fn versions_of(&self, transaction: u32) -> impl Iterator<Item = Version> + '_ {
        let transactions = self.transactions;
        transactions.places(transaction).filter_map(move |place| {
            let micro = transactions.micros()[place];
            let Act::Write(value) = micro.act else {
                return None;
            };
            let write = self.writes.place(micro.key, value)?;
            self.reads.is_version[write].then_some(write as Version)
        })
    }

    /// The versions of a key that were written, in the order in which their values were met first.
    pub(super) fn versions(&self, key: u32) -> impl Iterator<Item = Version> + '_ {
        let range = self.writes.range(key);
        let written = range.filter(|&write| self.reads.is_version[write]);
        written.map(|write| write as Version)
    }
}
