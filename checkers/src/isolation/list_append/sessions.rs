//! What single transactions and single sessions see of others, place by place in the lists.
//!
//! - *Fractured reads* (Bailis et al., SIGMOD 2014, definition 2): a transaction reads a version that another wrote,
//!   and of another key a version from before that one's write. If the second read comes later, that one's writes
//!   have *vanished* after they were observed (Bailis et al., VLDB 2014, OTV).
//! - *Monotonic reads* and *read your writes* (Terry et al. 1994): a session reads no list that is shorter than one
//!   that it read in an earlier transaction, or that misses what an earlier transaction of its own appended. What a
//!   transaction appended itself at the end of what it read is not what it saw of the store, and obliges nobody.
//!
//! Keys whose reads contradict each other have no places: a fractured read of one is passed over, and what
//! sessions read of them is compared element by element in [`contradicted`](super::contradicted).

use rupture_history::Outcome;
use rustc_hash::FxHashMap;

use super::findings::Finding;
use super::lists::{Listing, NONE, Read, length};
use crate::isolation::promise::Fault;
use crate::isolation::transactions::{Act, Lists, Transactions, Write, Writes};

/// What the search has at hand.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a, 'h> {
    pub(super) transactions: &'a Transactions<'h, Lists>,
    pub(super) writes: &'a Writes,
    pub(super) listing: &'a Listing,
}

impl Sight<'_, '_> {
    /// The reads of a transaction, of keys whose reads agree.
    fn reads(self, number: u32) -> Vec<Shown> {
        let reads = self.listing.reads_by(self.transactions, number);
        let shown = reads.map(|(key, read)| {
            let whole = length(self.transactions, read);
            let own = |&place: &usize| self.write(key, place).transaction == number;
            let hidden = (0..whole).rev().take_while(own).count();
            Shown {
                key,
                read,
                whole,
                others: whole - hidden,
            }
        });
        shown.collect()
    }

    /// The write of an element of a list.
    fn write(self, key: u32, place: usize) -> Write {
        let list = &self.listing.lists[key as usize];
        self.writes.all()[list.order[place] as usize]
    }

    /// The place in the list of an append of a transaction to a key that a read of so many elements holds.
    fn holds(self, transaction: u32, key: u32, length: usize) -> bool {
        self.transactions
            .micros_of(transaction)
            .iter()
            .any(|micro| {
                let Act::Write(value) = micro.act else {
                    return false;
                };
                let write = self.writes.place(key, value).filter(|_| micro.key == key);
                write.is_some_and(|write| (self.listing.place_of[write] as usize) < length)
            })
    }

    /// The committed transactions whose appends to a key a read of so many elements misses.
    fn missed(self, key: u32, length: usize) -> impl Iterator<Item = u32> {
        let list = &self.listing.lists[key as usize].order;
        let range = self.writes.range(key);
        let unseen = range.filter(move |&write| self.listing.place_of[write] == NONE);
        let seen = list[length.min(list.len())..]
            .iter()
            .map(|&write| write as usize);
        seen.chain(unseen)
            .map(move |write| self.writes.all()[write].transaction)
            .filter(move |&writer| self.listing.takes_part[writer as usize])
    }

    /// Reads of one transaction of which one sees another transaction and one misses it. Every such transaction lies
    /// on a cycle with one anti-dependency.
    pub(super) fn fractured(self, number: u32, found: &mut Vec<Finding>) {
        let reads = self.reads(number);
        for torn in &reads {
            for seen in reads
                .iter()
                .filter(|seen| seen.read.place != torn.read.place)
            {
                let mut missed = self
                    .missed(torn.key, torn.others)
                    .filter(|&writer| writer != number);
                if let Some(writer) =
                    missed.find(|&writer| self.holds(writer, seen.key, seen.others))
                {
                    let later = torn.read.place > seen.read.place;
                    find_fractured(later, (torn.key, torn.read), (seen.read, writer), found);
                }
            }
        }
    }

    /// What every session saw and wrote, held against what it reads later.
    pub(super) fn sessions(self, found: &mut Vec<Finding>) {
        let mut sessions = Sessions::default();
        for number in 0..self.transactions.len() as u32 {
            if self.transactions.outcome(number) != Outcome::Ok {
                continue;
            }
            let process = self.transactions.operations[number as usize].process;
            let reads = self.reads(number);
            for shown in &reads {
                sessions.hold(process, shown, found);
            }
            for shown in reads {
                let longest = sessions.read.entry((process, shown.key));
                let longest = longest.or_insert((shown.others, shown.read));
                if shown.others > longest.0 {
                    *longest = (shown.others, shown.read);
                }
            }
            self.remember(number, process, &mut sessions.wrote);
        }
    }

    /// Remembers how far the appends of a transaction reach in their lists; what nobody saw reaches beyond.
    fn remember(
        self,
        number: u32,
        process: i64,
        wrote: &mut FxHashMap<(i64, u32), (usize, Place)>,
    ) {
        for place in self.transactions.places(number) {
            let micro = self.transactions.micros()[place];
            let Act::Write(value) = micro.act else {
                continue;
            };
            let Some(write) = self.writes.place(micro.key, value) else {
                continue;
            };
            let reach = match self.listing.place_of[write] {
                NONE => usize::MAX,
                reach => reach as usize,
            };
            let place = (number, place as u32);
            let furthest = wrote.entry((process, micro.key)).or_insert((reach, place));
            if reach > furthest.0 {
                *furthest = (reach, place);
            }
        }
    }
}

/// A transaction, and a place among the micro-operations of all.
pub(super) type Place = (u32, u32);

/// A read, with the number of its elements, and of those up to what the transaction appended itself.
struct Shown {
    key: u32,
    read: Read,
    whole: usize,
    others: usize,
}

/// What the sessions did so far, by process and key.
#[derive(Default)]
struct Sessions {
    /// The longest list that was read.
    read: FxHashMap<(i64, u32), (usize, Read)>,
    /// The append that reaches furthest in the list.
    wrote: FxHashMap<(i64, u32), (usize, Place)>,
}

impl Sessions {
    /// Holds a read against what the session did in earlier transactions.
    fn hold(&self, process: i64, now: &Shown, found: &mut Vec<Finding>) {
        let about = (process, now.key);
        if let Some(&(before, earlier)) = self.read.get(&about)
            && before > now.whole
        {
            let earlier = (earlier.transaction, earlier.place);
            found.push(finding(Fault::NonMonotonicRead, now.key, now.read, earlier));
        }
        if let Some(&(reach, append)) = self.wrote.get(&about)
            && reach >= now.whole
        {
            found.push(finding(Fault::MissedOwnWrite, now.key, now.read, append));
        }
    }
}

pub(super) fn finding(fault: Fault, key: u32, read: Read, (other, other_place): Place) -> Finding {
    Finding {
        fault,
        reader: read.transaction,
        key,
        place: read.place,
        other,
        other_place,
    }
}

fn find_fractured(
    later: bool,
    (key, torn): (u32, Read),
    (read, writer): (Read, u32),
    found: &mut Vec<Finding>,
) {
    let fractured = Finding {
        fault: Fault::FracturedRead,
        reader: torn.transaction,
        key,
        place: torn.place,
        other: writer,
        other_place: read.place,
    };
    found.push(fractured);
    if later {
        let fault = Fault::VanishedTransaction;
        found.push(Finding { fault, ..fractured });
    }
}
