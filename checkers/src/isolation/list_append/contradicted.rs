//! What sessions see of keys whose reads contradict each other.
//!
//! Such a key has no order of versions, but a session that misses what it saw or appended before misses it all the
//! same: what an earlier transaction of the session read of the key (but for what it appended itself at the end), or
//! appended to it, must be among the elements of a later read (Terry et al., PDIS 1994, who speak of sets of writes).
//! Where reads agree this is what [`sessions`](super::sessions) compares by lengths. In which order the elements
//! come is nothing that a session guarantee speaks of.
//!
//! A session is told of a key until it misses something of it. Until then every read has at least as many elements
//! as are remembered, so the time is linear in the lengths of the reads.

use rupture_history::Outcome;
use rustc_hash::{FxHashMap, FxHashSet};

use super::findings::Finding;
use super::lists::{NONE, Read, elements};
use super::sessions::{Place, Sight, finding};
use crate::isolation::promise::Fault;
use crate::isolation::transactions::Act;

/// What a session did with a key so far.
#[derive(Default)]
struct Memory {
    /// The elements that it read, by their place among all writes, and where.
    read: Vec<(u32, Place)>,
    known: FxHashSet<u32>,
    /// Those that it appended.
    wrote: Vec<(u32, Place)>,
    /// Whether something of these was missed.
    misses_read: bool,
    misses_own: bool,
}

/// Holds the reads of contradicted keys against what their sessions did before.
pub(super) fn found(sight: Sight<'_, '_>, found: &mut Vec<Finding>) {
    if !sight.listing.lists.iter().any(|list| list.broken) {
        return;
    }
    let mut search = Search {
        sight,
        memories: FxHashMap::default(),
        stamps: vec![NONE; sight.writes.all().len()],
    };
    for number in 0..sight.transactions.len() as u32 {
        if sight.transactions.outcome(number) == Outcome::Ok {
            search.transaction(number, found);
        }
    }
}

struct Search<'a, 'h> {
    sight: Sight<'a, 'h>,
    /// By process and key.
    memories: FxHashMap<(i64, u32), Memory>,
    /// By the place of a write among all: the last read that held it.
    stamps: Vec<u32>,
}

impl Search<'_, '_> {
    fn transaction(&mut self, number: u32, found: &mut Vec<Finding>) {
        let transactions = self.sight.transactions;
        let process = transactions.operations[number as usize].process;
        let mut learnt: Vec<(u32, bool, u32, Place)> = Vec::new();
        for place in transactions.places(number) {
            let micro = transactions.micros()[place];
            if !self.sight.listing.lists[micro.key as usize].broken {
                continue;
            }
            let place = (number, place as u32);
            match micro.act {
                Act::Write(value) => {
                    let write = self.sight.writes.place(micro.key, value);
                    learnt.extend(write.map(|write| (micro.key, true, write as u32, place)));
                }
                Act::Read(_) => {
                    let seen = self.read((process, micro.key), place, found);
                    let seen = seen.into_iter();
                    learnt.extend(seen.map(|write| (micro.key, false, write, place)));
                }
            }
        }
        for (key, own, write, place) in learnt {
            let memory = self.memories.entry((process, key)).or_default();
            if own && !memory.misses_own {
                memory.wrote.push((write, place));
            }
            if !own && !memory.misses_read && memory.known.insert(write) {
                memory.read.push((write, place));
            }
        }
    }

    /// Holds a read against what is remembered. Returns the elements that its session has seen by it.
    fn read(&mut self, about: (i64, u32), at: Place, found: &mut Vec<Finding>) -> Vec<u32> {
        let (number, place) = at;
        let read = Read {
            transaction: number,
            place,
        };
        let sight = self.sight;
        let mut seen = elements(sight.transactions, sight.writes, about.1, read);
        seen.retain(|&write| write != NONE);
        for &write in &seen {
            self.stamps[write as usize] = place;
        }
        if let Some(memory) = self.memories.get_mut(&about) {
            memory.hold(&self.stamps, about.1, read, found);
        }
        let own = |&write: &u32| sight.writes.all()[write as usize].transaction == number;
        let others = seen.iter().rposition(|write| !own(write));
        seen.truncate(others.map_or(0, |last| last + 1));
        seen
    }
}

impl Memory {
    /// Notes what a read misses, if it is the first that does.
    fn hold(&mut self, stamps: &[u32], key: u32, read: Read, found: &mut Vec<Finding>) {
        let missed = |all: &[(u32, Place)]| {
            let mut all = all.iter();
            let missed = all.find(|(write, _)| stamps[*write as usize] != read.place);
            missed.map(|&(_, place)| place)
        };
        if !self.misses_read
            && let Some(place) = missed(&self.read)
        {
            self.misses_read = true;
            self.read.clear();
            found.push(finding(Fault::NonMonotonicRead, key, read, place));
        }
        if !self.misses_own
            && let Some(place) = missed(&self.wrote)
        {
            self.misses_own = true;
            self.wrote.clear();
            found.push(finding(Fault::MissedOwnWrite, key, read, place));
        }
    }
}
