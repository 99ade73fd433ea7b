//! Monotonic writes and writes follow reads: appends of a session out of its order, in a list or to a reader.
//!
//! Within a list one sweep along the transactions of its key remembers what each session appended or read. For readers,
//! what sessions appended to a key, and how far they had read it, is sorted by session; then a pair of reads of one
//! transaction takes a few binary searches for each session that it could show out of order.

use rustc_hash::FxHashMap;

use super::chains::Chains;
use super::sights::Part;
use super::{Circle, Link, Scene};
use crate::Budget;
use crate::isolation::Level;
use crate::isolation::list_append::lists::{NONE, Read, length};
use crate::isolation::transactions::Write;
use crate::linearizability::search::Stop;

/// The smallest circle that was found of a guarantee.
pub(super) fn circle(
    scene: &Scene<'_, '_>,
    chains: &Chains,
    parts: &[Part],
    level: Level,
    budget: &Budget<'_>,
) -> Result<Option<Circle>, Stop> {
    let mut found = Found {
        kind: match level {
            Level::MonotonicWrites => "non-monotonic-write",
            _ => "write-missing-its-reads",
        },
        best: None,
    };
    for key in 0..scene.transactions.key_count() as u32 {
        if budget.is_over() {
            return found.or(Stop::Time);
        }
        if scene.listing.lists[key as usize].broken {
            continue;
        }
        match level {
            Level::MonotonicWrites => scene.disordered(chains, key, &mut found),
            _ => scene.overtaken(chains, key, &mut found),
        }
    }
    let mut known = Known::default();
    for part in parts {
        for &reader in part.transactions() {
            if budget.is_over() {
                return found.or(Stop::Time);
            }
            let reads: Vec<(u32, Read)> = scene.reads(reader).collect();
            for (at, &second) in reads.iter().enumerate() {
                for &first in &reads[..at] {
                    let pair = Pair {
                        first,
                        second,
                        shown: scene.seen(first.0, first.1) as u32,
                        held: length(scene.transactions, second.1) as u32,
                    };
                    known.look_up(scene, chains, pair);
                    match level {
                        Level::MonotonicWrites => known.monotonic(chains, pair, &mut found),
                        _ => known.following(scene, chains, pair, &mut found),
                    }
                }
            }
        }
    }
    Ok(found.best)
}

/// The smallest circle so far.
struct Found {
    kind: &'static str,
    best: Option<Circle>,
}

impl Found {
    fn add<const N: usize>(&mut self, links: [Option<Link>; N]) {
        let links: Vec<Link> = links.into_iter().flatten().collect();
        let smaller = |best: &Circle| links.len() < best.links.len();
        if self.best.as_ref().is_none_or(smaller) {
            let kind = self.kind;
            self.best = Some(Circle { kind, links });
        }
    }

    fn or(self, stop: Stop) -> Result<Option<Circle>, Stop> {
        self.best.map_or(Err(stop), |best| Ok(Some(best)))
    }
}

impl Scene<'_, '_> {
    /// Appends of a session to a key that are not in its order.
    fn disordered(&self, chains: &Chains, key: u32, found: &mut Found) {
        // By session: the latest of its transactions that the list has shown so far.
        let mut latest: FxHashMap<u32, Write> = FxHashMap::default();
        let seen = (0..self.count(key)).map(|place| self.element(key, place));
        let seen = seen.filter(|&write| self.counts(write));
        for write in seen.chain(self.unseen(key)) {
            let writer = write.transaction;
            let last = latest.entry(chains.chain(writer)).or_insert(write);
            if chains.precedes(writer, last.transaction) && self.follows(key, write, *last) {
                let (from, to) = (writer, last.transaction);
                let (first, second) = (*last, write);
                found.add([session(from, to), link_of_order(first, second, key)]);
            }
            if chains.before(writer) > chains.before(last.transaction) {
                *last = write;
            }
        }
    }

    /// Whether an append surely comes after another in its list.
    fn follows(&self, key: u32, write: Write, other: Write) -> bool {
        let place = |write: Write| {
            let found = self.writes.place(key, write.value);
            found.map_or(NONE, |at| self.listing.place_of[at])
        };
        place(other) < place(write)
    }

    /// Appends of a session that come before what it had read of the list.
    fn overtaken(&self, chains: &Chains, key: u32, found: &mut Found) {
        let reads = self.listing.reads_of(key);
        let range = self.writes.range(key);
        let mut writes: Vec<(Write, u32)> = range
            .map(|at| (self.writes.all()[at], self.listing.place_of[at]))
            .filter(|&(write, place)| place != NONE && self.counts(write))
            .collect();
        writes.sort_unstable_by_key(|(write, _)| write.place);
        // By session: its read that went furthest so far.
        let mut furthest: FxHashMap<u32, (usize, Read)> = FxHashMap::default();
        let mut next = 0;
        for (write, place) in writes {
            while let Some(&read) = reads.get(next).filter(|read| read.place < write.place) {
                next += 1;
                let seen = self.seen(key, read);
                let most = furthest.entry(chains.chain(read.transaction));
                let most = most.or_insert((seen, read));
                if most.0 < seen {
                    *most = (seen, read);
                }
            }
            let Some(&(seen, read)) = furthest.get(&chains.chain(write.transaction)) else {
                continue;
            };
            if seen > place as usize + 1 {
                let second = self.element(key, seen - 1);
                let (first, to) = (write, read.transaction);
                found.add([
                    link_of_order(first, second, key),
                    link_of_sight(second, read, key),
                    session(to, write.transaction),
                ]);
            }
        }
    }
}

/// The step from one transaction of a session to another, unless it is the same.
fn session(from: u32, to: u32) -> Option<Link> {
    (from != to).then_some(Link::Session { from, to })
}

/// One append before another in a list, unless they are of one transaction.
fn link_of_order(first: Write, second: Write, key: u32) -> Option<Link> {
    let differ = first.transaction != second.transaction;
    differ.then_some(Link::Before {
        first,
        second,
        key,
        by: None,
    })
}

/// A read that holds an append, unless it is the reader's own.
fn link_of_sight(write: Write, read: Read, key: u32) -> Option<Link> {
    (write.transaction != read.transaction).then_some(Link::Saw { write, read, key })
}

/// A read that misses an append, unless it is the reader's own.
fn link_of_miss(write: Write, read: Read, key: u32) -> Option<Link> {
    (write.transaction != read.transaction).then_some(Link::Missed { read, write, key })
}

/// An append, by its session and its place in the list, which is [`NONE`] where nobody saw it.
#[derive(Clone, Copy, Debug)]
struct Append {
    chain: u32,
    place: u32,
    write: Write,
    /// Of the appends of the session up to this place, the one of the latest transaction.
    latest: Write,
    /// Of those from this place on whose transactions are `ok`, the one of the earliest.
    earliest: Option<Write>,
}

/// A read, by its session.
#[derive(Clone, Copy, Debug)]
struct Sight {
    chain: u32,
    before: u32,
    /// Of the reads of the session up to this one, the one that went furthest, and how far.
    furthest: (usize, Read),
}

/// What was looked up of keys.
#[derive(Default)]
struct Known {
    appends: FxHashMap<u32, Vec<Append>>,
    sights: FxHashMap<u32, Vec<Sight>>,
}

/// Two reads of a transaction, with their keys: what the first shows binds the second.
#[derive(Clone, Copy)]
struct Pair {
    first: (u32, Read),
    second: (u32, Read),
    /// How much the first shows, and how much the second holds.
    shown: u32,
    held: u32,
}

impl Known {
    fn look_up(&mut self, scene: &Scene<'_, '_>, chains: &Chains, pair: Pair) {
        for key in [pair.first.0, pair.second.0] {
            let appends = self.appends.entry(key);
            appends.or_insert_with(|| scene.appends_of(chains, key));
        }
        let sights = self.sights.entry(pair.second.0);
        sights.or_insert_with(|| scene.sights_of(chains, pair.second.0));
    }

    /// The last transaction of each session of which a read shows an append.
    fn shown(&self, pair: Pair) -> impl Iterator<Item = Write> {
        let appends = &self.appends[&pair.first.0];
        let sessions = appends.chunk_by(|one, other| one.chain == other.chain);
        sessions.filter_map(move |appends| {
            let count = appends.partition_point(|append| append.place < pair.shown);
            Some(appends[count.checked_sub(1)?].latest)
        })
    }

    /// Appends that the second read misses of sessions of which the first shows a later one.
    fn monotonic(&self, chains: &Chains, pair: Pair, found: &mut Found) {
        let missed = &self.appends[&pair.second.0];
        for source in self.shown(pair) {
            let chain = chains.chain(source.transaction);
            let first =
                missed.partition_point(|append| (append.chain, append.place) < (chain, pair.held));
            let of_session = missed.get(first).filter(|append| append.chain == chain);
            let Some(write) = of_session.and_then(|append| append.earliest) else {
                continue;
            };
            let (from, to) = (write.transaction, source.transaction);
            if chains.precedes(from, to) {
                found.add([
                    link_of_miss(write, pair.second.1, pair.second.0),
                    session(from, to),
                    link_of_sight(source, pair.first.1, pair.first.0),
                ]);
            }
        }
    }

    /// Elements that the second read misses, and that sessions had read of which the first shows a later append.
    fn following(&self, scene: &Scene<'_, '_>, chains: &Chains, pair: Pair, found: &mut Found) {
        let sights = &self.sights[&pair.second.0];
        for source in self.shown(pair) {
            let chain = chains.chain(source.transaction);
            let limit = chains.until(source.transaction);
            let count =
                sights.partition_point(|sight| (sight.chain, sight.before) < (chain, limit));
            let last = count.checked_sub(1).map(|last| sights[last]);
            let Some(sight) = last.filter(|sight| sight.chain == chain) else {
                continue;
            };
            let (seen, read) = sight.furthest;
            if seen > pair.held as usize {
                let key = pair.second.0;
                let write = scene.element(key, seen - 1);
                found.add([
                    link_of_miss(write, pair.second.1, key),
                    link_of_sight(write, read, key),
                    session(read.transaction, source.transaction),
                    link_of_sight(source, pair.first.1, pair.first.0),
                ]);
            }
        }
    }
}

impl Scene<'_, '_> {
    /// The appends to a key that count, by session and place.
    fn appends_of(&self, chains: &Chains, key: u32) -> Vec<Append> {
        let range = self.writes.range(key);
        let writes = range.map(|at| (self.writes.all()[at], self.listing.place_of[at]));
        let counted = writes.filter(|&(write, _)| self.counts(write));
        let mut appends: Vec<Append> = counted
            .map(|(write, place)| Append {
                chain: chains.chain(write.transaction),
                place,
                write,
                latest: write,
                earliest: chains.is_ok(write.transaction).then_some(write),
            })
            .collect();
        appends.sort_unstable_by_key(|append| (append.chain, append.place, append.write.place));
        let before = |write: Write| chains.before(write.transaction);
        for at in 1..appends.len() {
            let last = appends[at - 1];
            let append = &mut appends[at];
            if last.chain == append.chain && before(last.latest) >= before(append.latest) {
                append.latest = last.latest;
            }
        }
        for at in (1..appends.len()).rev() {
            let next = appends[at];
            let append = &mut appends[at - 1];
            let earlier = |write: &Write| {
                next.chain == append.chain
                    && append
                        .earliest
                        .is_none_or(|own| before(*write) < before(own))
            };
            append.earliest = next.earliest.filter(earlier).or(append.earliest);
        }
        appends
    }

    /// The reads of a key, by session and in its order.
    fn sights_of(&self, chains: &Chains, key: u32) -> Vec<Sight> {
        let reads = self.listing.reads_of(key).iter();
        let mut sights: Vec<Sight> = reads
            .map(|&read| Sight {
                chain: chains.chain(read.transaction),
                before: chains.before(read.transaction),
                furthest: (self.seen(key, read), read),
            })
            .collect();
        // Sorting is stable: reads of one transaction stay in its order.
        sights.sort_by_key(|sight| (sight.chain, sight.before));
        for at in 1..sights.len() {
            let last = sights[at - 1];
            let sight = &mut sights[at];
            if last.chain == sight.chain && last.furthest.0 >= sight.furthest.0 {
                sight.furthest = last.furthest;
            }
        }
        sights
    }
}
