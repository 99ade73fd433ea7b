//! What every key's list was, as far as reads show it.
//!
//! Every element of a list is appended once, so the longest read of a key is the order of its versions, and
//! every other read must be the beginning of it.

use rayon::prelude::*;
use rupture_history::{Outcome, ValueRef};

use crate::Id;
use crate::isolation::rows::Rows;
use crate::isolation::transactions::{Act, Lists, Transactions, Writes};

/// No such write, or no place in the list.
pub(super) const NONE: u32 = u32::MAX;

/// One `ok` read of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub(super) transaction: u32,
    /// Its place among the micro-operations of all transactions.
    pub(super) place: u32,
}

/// The lists of all keys.
#[derive(Debug)]
pub(super) struct Listing {
    /// By key.
    reads: Rows<Read>,
    /// By key.
    pub(super) lists: Vec<List>,
    /// By the place of a write among all writes: its place in its key's list, or [`NONE`] if nobody saw it.
    pub(super) place_of: Vec<u32>,
    /// By transaction: whether it counts as committed.
    pub(super) takes_part: Vec<bool>,
}

/// The list of a key.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    /// The writes by their place among all writes, in the order of the longest read; [`NONE`] for an element
    /// that nobody appended.
    pub(super) order: Vec<u32>,
    /// Whether the reads contradict each other or themselves, so that there is no such order.
    pub(super) broken: bool,
    /// The longest read.
    pub(super) longest: Option<Read>,
    /// The first read that does not begin the longest.
    pub(super) other: Option<Read>,
    /// An element that its transaction appended after one that comes later or that nobody saw.
    pub(super) disordered: Option<u32>,
    /// The writes that only reads beside the longest saw, where they contradict it.
    seen_beside: Vec<u32>,
}

impl Listing {
    /// Finds every key's list. Linear in the lengths of all reads.
    pub(super) fn of(transactions: &Transactions<'_, Lists>, writes: &Writes) -> Self {
        let reads = reads(transactions);
        let lists: Vec<List> = (0..transactions.key_count() as u32)
            .into_par_iter()
            .map(|key| List::of(transactions, writes, key, reads.of(key)))
            .collect();
        let mut listing = Self {
            reads,
            lists,
            place_of: vec![NONE; writes.all().len()],
            takes_part: Vec::new(),
        };
        listing.take_part(transactions, writes);
        listing
    }

    /// The reads of a key, in the order of their transactions.
    pub(super) fn reads_of(&self, key: u32) -> &[Read] {
        self.reads.of(key)
    }

    /// The reads of a transaction, in its order and with their keys, of keys whose reads agree.
    pub(super) fn reads_by(
        &self,
        transactions: &Transactions<'_, Lists>,
        transaction: u32,
    ) -> impl Iterator<Item = (u32, Read)> {
        let places = transactions.places(transaction);
        places.filter_map(move |place| {
            let micro = transactions.micros()[place];
            let broken = self.lists[micro.key as usize].broken;
            let read = Read {
                transaction,
                place: place as u32,
            };
            (!broken && matches!(micro.act, Act::Read(_))).then_some((micro.key, read))
        })
    }

    /// A transaction of which nobody knows counts as committed if somebody saw it. Any other may be left out:
    /// that takes edges away and adds none.
    fn take_part(&mut self, transactions: &Transactions<'_, Lists>, writes: &Writes) {
        let outcome = |transaction: usize| transactions.outcome(transaction as u32);
        self.takes_part = (0..transactions.len())
            .map(|transaction| outcome(transaction) == Outcome::Ok)
            .collect();
        for list in &self.lists {
            for (place, &write) in list.order.iter().enumerate() {
                if write != NONE && self.place_of[write as usize] == NONE {
                    self.place_of[write as usize] = place as u32;
                }
            }
            let seen = list.order.iter().chain(&list.seen_beside);
            for &write in seen.filter(|&&write| write != NONE) {
                let transaction = writes.all()[write as usize].transaction as usize;
                if outcome(transaction) == Outcome::Info {
                    self.takes_part[transaction] = true;
                }
            }
        }
    }
}

impl List {
    fn of(
        transactions: &Transactions<'_, Lists>,
        writes: &Writes,
        key: u32,
        reads: &[Read],
    ) -> Self {
        let mut longest: Option<(usize, Read)> = None;
        for &read in reads {
            let length = length(transactions, read);
            if longest.is_none_or(|(most, _)| length > most) {
                longest = Some((length, read));
            }
        }
        let Some((_, longest)) = longest else {
            return Self::default();
        };
        let whole = value(transactions, longest);
        let other = reads.iter().copied().find(|&read| {
            length(transactions, read) > 0 && !whole.starts_with(value(transactions, read))
        });
        let order = elements(transactions, writes, key, longest);
        let disordered = disordered(transactions, writes, key, &order);
        let mut list = Self {
            disordered,
            broken: disordered.is_some()
                || other.is_some()
                || order.contains(&NONE)
                || repeats(&order, writes.range(key)),
            order,
            longest: Some(longest),
            other,
            seen_beside: Vec::new(),
        };
        if other.is_some() {
            for &read in reads {
                let elements = elements(transactions, writes, key, read);
                list.seen_beside.extend(elements);
            }
            list.seen_beside.sort_unstable();
            list.seen_beside.dedup();
        }
        list
    }
}

/// What a read returned.
pub(super) fn value<'a>(transactions: &Transactions<'a, Lists>, read: Read) -> ValueRef<'a> {
    match transactions.micros()[read.place as usize].act {
        Act::Read(value) => value,
        Act::Write(_) => unreachable!("a read is a read"),
    }
}

/// How many elements a read returned.
pub(super) fn length(transactions: &Transactions<'_, Lists>, read: Read) -> usize {
    value(transactions, read).count().unwrap_or(0)
}

/// The writes that a read saw, by their place among all writes; [`NONE`] for what nobody appended.
pub(super) fn elements(
    transactions: &Transactions<'_, Lists>,
    writes: &Writes,
    key: u32,
    read: Read,
) -> Vec<u32> {
    let items = value(transactions, read).items().into_iter().flatten();
    items
        .map(|item| {
            let found = transactions
                .values
                .find(item)
                .and_then(|id: Id| writes.place(key, id));
            found.map_or(NONE, |place| place as u32)
        })
        .collect()
}

/// Whether an element stands in the list twice.
pub(super) fn repeats(order: &[u32], range: std::ops::Range<usize>) -> bool {
    let mut seen = vec![false; range.len()];
    order.iter().any(|&write| {
        write != NONE && std::mem::replace(&mut seen[write as usize - range.start], true)
    })
}

/// All reads by key.
fn reads(transactions: &Transactions<'_, Lists>) -> Rows<Read> {
    let nobody = Read {
        transaction: 0,
        place: 0,
    };
    let numbers = 0..transactions.len() as u32;
    let places = numbers.flat_map(|number| transactions.places(number).map(move |at| (number, at)));
    let reads = places.filter_map(|(transaction, place)| {
        let micro = transactions.micros()[place];
        let place = place as u32;
        let read = Read { transaction, place };
        matches!(micro.act, Act::Read(_)).then_some((micro.key, read))
    });
    Rows::sorted(transactions.key_count(), reads, nobody)
}

/// The first element of a list whose transaction had appended something to the key before, which does not come
/// before it.
pub(super) fn disordered(
    transactions: &Transactions<'_, Lists>,
    writes: &Writes,
    key: u32,
    order: &[u32],
) -> Option<u32> {
    let range = writes.range(key);
    let mut seen = vec![false; range.len()];
    order.iter().copied().find(|&element| {
        let Some(write) = writes.all().get(element as usize) else {
            return false;
        };
        seen[element as usize - range.start] = true;
        let first = transactions.places(write.transaction).start;
        let mut before = transactions.micros()[first..write.place as usize]
            .iter()
            .rev();
        let before = before.find_map(|micro| match micro.act {
            Act::Write(value) if micro.key == key => writes.place(key, value),
            _ => None,
        });
        before.is_some_and(|before| !seen[before - range.start])
    })
}
