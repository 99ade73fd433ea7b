//! What every read of a history returned: whose write it was, or why it was nobody's.
//!
//! Values are written to a key once, so a read says whom it read from. Some reads say more than that: that what failed
//! was seen, or what its writer went on to overwrite, or that a transaction contradicts itself. These become
//! [`Flaw`]s here; what is left are reads of versions, where a *version* of a key is the last write of a transaction to
//! it that may have committed.
//!
//! Linear, if the values of a key lie close to each other or are used for no other key; a binary search a read
//! otherwise.

use rupture_history::Outcome;

use super::flaws::{Flaw, Flaws};
use crate::Id;
use crate::isolation::promise::Fault;
use crate::isolation::transactions::{Act, Registers, Transactions, Writes};

/// Nobody, nothing, nowhere.
pub(super) const NONE: u32 = u32::MAX;

/// A read of an `ok` transaction that returned what another may have committed, or the initial value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sight {
    pub(super) reader: u32,
    pub(super) key: u32,
    /// The number of the write that was read; [`NONE`] for the initial value.
    pub(super) write: u32,
}

/// All reads, looked at once.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// By reader, in program order. A read that repeats the one right before it is left out.
    pub(super) sights: Vec<Sight>,
    /// By place of a write: whether its own transaction overwrote it.
    pub(super) overwritten: Vec<bool>,
    /// By transaction: whether an `ok` transaction read from it.
    pub(super) seen: Vec<bool>,
    pub(super) flaws: Flaws,
}

/// What a transaction knows of a key.
#[derive(Clone, Copy)]
struct Known {
    transaction: u32,
    value: Id,
    /// The place of its last write; [`NONE`] where it wrote none.
    wrote: u32,
    /// The place of what it did last.
    place: u32,
}

impl Scan {
    pub(super) fn of(transactions: &Transactions<'_, Registers>, writes: &Writes) -> Self {
        let mut scan = Self {
            overwritten: vec![false; transactions.micros().len()],
            seen: vec![false; transactions.len()],
            ..Self::default()
        };
        let finder = Finder::of(transactions, writes);
        let nothing = Known {
            transaction: NONE,
            value: Id::NIL,
            wrote: NONE,
            place: NONE,
        };
        let mut known = vec![nothing; transactions.key_count()];
        for number in 0..transactions.len() as u32 {
            scan.transaction(transactions, &finder, number, &mut known);
        }
        scan.drop_intermediate(transactions, writes);
        scan
    }

    fn transaction(
        &mut self,
        transactions: &Transactions<'_, Registers>,
        finder: &Finder<'_>,
        number: u32,
        known: &mut [Known],
    ) {
        for place in transactions.places(number) {
            let micro = transactions.micros()[place];
            let known = &mut known[micro.key as usize];
            let before = Some(*known).filter(|known| known.transaction == number);
            let place = place as u32;
            let wrote = before.map_or(NONE, |before| before.wrote);
            *known = Known {
                transaction: number,
                value: Id::NIL,
                wrote,
                place,
            };
            match micro.act {
                Act::Write(value) => {
                    (known.value, known.wrote) = (value, place);
                    if wrote != NONE {
                        self.overwritten[wrote as usize] = true;
                    }
                }
                Act::Read(value) => {
                    known.value = value;
                    let read = Flaw::read(number, micro.key, place);
                    self.read(transactions, finder, read, value, before);
                }
            }
        }
    }

    fn read(
        &mut self,
        transactions: &Transactions<'_, Registers>,
        finder: &Finder<'_>,
        read: Flaw,
        value: Id,
        before: Option<Known>,
    ) {
        if let Some(before) = before.filter(|before| before.value != value) {
            self.flaws
                .add(Fault::Internal, read.with(read.reader, before.place));
        }
        let mut sight = Sight {
            reader: read.reader,
            key: read.key,
            write: NONE,
        };
        if value == Id::NIL {
            self.see(sight);
            return;
        }
        let Some(number) = finder.find(read.key, value) else {
            self.flaws.add(Fault::GarbageRead, read);
            return;
        };
        let write = finder.writes.all()[number as usize];
        let flaw = read.with(write.transaction, write.place);
        if write.transaction == read.reader {
            // What it wrote before and overwrote itself is known of the key, and told above.
            if write.place > read.place {
                self.flaws.add(Fault::FutureRead, flaw);
            }
            return;
        }
        if transactions.outcome(write.transaction) == Outcome::Fail {
            self.flaws.add(Fault::AbortedRead, flaw);
            return;
        }
        sight.write = number;
        self.seen[write.transaction as usize] = true;
        self.see(sight);
    }

    fn see(&mut self, sight: Sight) {
        if self.sights.last() != Some(&sight) {
            self.sights.push(sight);
        }
    }

    /// Reads of what its writer overwrote are no reads of versions. Only now are all of them known.
    fn drop_intermediate(&mut self, transactions: &Transactions<'_, Registers>, writes: &Writes) {
        let (overwritten, flaws) = (&self.overwritten, &mut self.flaws);
        self.sights.retain(|sight| {
            let Some(write) = writes.all().get(sight.write as usize) else {
                return true;
            };
            if !overwritten[write.place as usize] {
                return true;
            }
            let place = place_of(transactions, sight, write.value);
            let read = Flaw::read(sight.reader, sight.key, place);
            flaws.add(
                Fault::IntermediateRead,
                read.with(write.transaction, write.place),
            );
            false
        });
    }
}

/// Where a transaction first read a value of a key.
fn place_of(transactions: &Transactions<'_, Registers>, sight: &Sight, value: Id) -> u32 {
    let mut places = transactions.places(sight.reader);
    let found = places.find(|&place| {
        let micro = transactions.micros()[place];
        micro.key == sight.key && matches!(micro.act, Act::Read(read) if read == value)
    });
    found.map_or(NONE, |place| place as u32)
}

/// Finds the write of a value by guessing before it searches.
struct Finder<'w> {
    writes: &'w Writes,
    /// By value: one of the writes of it.
    by_value: Vec<u32>,
}

impl<'w> Finder<'w> {
    fn of(transactions: &Transactions<'_, Registers>, writes: &'w Writes) -> Self {
        let mut by_value = vec![NONE; transactions.values.count()];
        for (number, write) in writes.all().iter().enumerate() {
            by_value[write.value.0 as usize] = number as u32;
        }
        Self { writes, by_value }
    }

    /// The number of the write of a value to a key.
    fn find(&self, key: u32, value: Id) -> Option<u32> {
        let range = self.writes.range(key);
        let guess = self.by_value[value.0 as usize] as usize;
        if range.contains(&guess) {
            return Some(guess as u32);
        }
        let of_key = &self.writes.all()[range.clone()];
        let offset = value.0.checked_sub(of_key.first()?.value.0)? as usize;
        let at = match of_key.get(offset) {
            Some(write) if write.value == value => offset,
            _ => of_key
                .binary_search_by_key(&value, |write| write.value)
                .ok()?,
        };
        Some((range.start + at) as u32)
    }
}
