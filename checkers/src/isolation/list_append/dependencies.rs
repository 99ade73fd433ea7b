//! Who depends on whom, by what the lists of all keys show (Adya 1999, section 3.1).
//!
//! Of a key's list follow: that each writer overwrote the one before it (`ww`), that a reader read what the writer
//! of its last element wrote (`wr`), and that the writer of the next element overwrote what the reader read
//! (`rw`). Elements of transactions that failed are passed over.
//!
//! Committed appends that nobody saw come after all that was seen: who wrote the last element that was seen
//! comes before each of them, and who read it anti-depends on each. In which order they come among each other
//! nobody can say; where there are several, the key is [open](Found::open).
//!
//! A key whose reads contradict each other has no list: only what was read from whom is certain.

use rayon::prelude::*;
use rupture_history::Outcome;

use super::findings::Finding;
use super::lists::{self, List, Listing, NONE, Read, elements, length};
use crate::isolation::graph::{CURSOR, Edge, Kinds, ON, RW, SURE, WR, WW};
use crate::isolation::promise::Fault;
use crate::isolation::transactions::{Act, Lists, Transactions, Write, Writes};

/// Keys that are looked at together.
const KEYS_A_TURN: usize = 256;

/// What the lists show.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) edges: Vec<Edge>,
    pub(super) findings: Vec<Finding>,
    /// Keys with several committed appenders whom nobody saw, and these.
    pub(super) open: Vec<(u32, Vec<u32>)>,
    /// How many nodes there are, auxiliary ones included.
    pub(super) nodes: u32,
}

/// Collects the dependencies of all keys. Linear in the number of micro-operations.
pub(super) fn found(
    transactions: &Transactions<'_, Lists>,
    writes: &Writes,
    listing: &Listing,
) -> Found {
    let keys: Vec<u32> = (0..transactions.key_count() as u32).collect();
    let turns: Vec<Turn<'_, '_>> = keys
        .par_chunks(KEYS_A_TURN)
        .map(|keys| {
            let mut turn = Turn::new(transactions, writes, listing);
            for &key in keys {
                turn.key(key);
            }
            turn
        })
        .collect();
    let mut found = Found {
        nodes: transactions.len() as u32,
        ..Found::default()
    };
    found
        .edges
        .reserve(turns.iter().map(|turn| turn.edges.len()).sum());
    for turn in turns {
        // Auxiliary nodes were numbered in each turn from the number of transactions on.
        let moved = found.nodes - transactions.len() as u32;
        let real = transactions.len() as u32;
        let place = |node: u32| if node < real { node } else { node + moved };
        found.edges.extend(turn.edges.iter().map(|edge| Edge {
            from: place(edge.from),
            to: place(edge.to),
            kind: edge.kind,
        }));
        found.nodes = turn.nodes + moved;
        found.findings.extend(turn.findings);
        found.open.extend(turn.open);
    }
    found
}

/// The work on some keys.
struct Turn<'a, 'h> {
    transactions: &'a Transactions<'h, Lists>,
    writes: &'a Writes,
    listing: &'a Listing,
    edges: Vec<Edge>,
    findings: Vec<Finding>,
    open: Vec<(u32, Vec<u32>)>,
    nodes: u32,
    /// By place in the list: the first writer there or later who did not fail, or [`NONE`].
    after: Vec<u32>,
    /// The first element of the list whose transaction failed, and its place.
    aborted: Option<(usize, Write)>,
}

impl<'a, 'h> Turn<'a, 'h> {
    fn new(
        transactions: &'a Transactions<'h, Lists>,
        writes: &'a Writes,
        listing: &'a Listing,
    ) -> Self {
        Self {
            transactions,
            writes,
            listing,
            edges: Vec::new(),
            findings: Vec::new(),
            open: Vec::new(),
            nodes: transactions.len() as u32,
            after: Vec::new(),
            aborted: None,
        }
    }

    fn key(&mut self, key: u32) {
        let list = &self.listing.lists[key as usize];
        if list.broken {
            self.contradictions(key, list);
            return;
        }
        let (last, sure) = self.overwritings(key, list);
        let unseen = self.unseen(key);
        let fan = self.fan(&unseen);
        if last != NONE {
            self.reach(&fan, last, if last == sure { WW | SURE } else { WW });
        }
        if sure != NONE && sure != last {
            self.reach(&fan, sure, SURE);
        }
        if unseen.len() > 1 {
            self.open.push((key, unseen));
        }
        let mut first_updaters = Updaters::default();
        for &read in self.listing.reads_of(key) {
            let length = length(self.transactions, read);
            self.read(key, list, read, length);
            self.overwritten(read, length, &fan);
            if let Some((_, own)) = self.updates(key, read, length) {
                let read = (read, length);
                self.update((key, list), read, own, &fan, &mut first_updaters);
            }
        }
    }

    fn edge(&mut self, from: u32, to: u32, kind: Kinds) {
        if from != to {
            self.edges.push(Edge { from, to, kind });
        }
    }

    fn write(&self, list: &List, place: usize) -> Write {
        self.writes.all()[list.order[place] as usize]
    }

    fn failed(&self, transaction: u32) -> bool {
        self.transactions.outcome(transaction) == Outcome::Fail
    }

    /// The edges from each writer to the next; returns the last writer, and the last that surely committed.
    fn overwritings(&mut self, key: u32, list: &List) -> (u32, u32) {
        self.after.clear();
        self.after.resize(list.order.len() + 1, NONE);
        for place in (0..list.order.len()).rev() {
            let writer = self.write(list, place).transaction;
            self.after[place] = if self.failed(writer) {
                self.after[place + 1]
            } else {
                writer
            };
        }
        let mut last = NONE;
        let mut sure = NONE;
        let mut dirty = None;
        self.aborted = None;
        for place in 0..list.order.len() {
            let write = self.write(list, place);
            if self.failed(write.transaction) {
                dirty = Some(write);
                self.aborted.get_or_insert((place, write));
                continue;
            }
            if let Some(aborted) = dirty.take() {
                self.find(
                    Fault::DirtyUpdate,
                    key,
                    write.transaction,
                    write.place,
                    aborted,
                );
            }
            self.overwrites(last, sure, write.transaction);
            last = write.transaction;
            if self.is_sure(last) {
                sure = last;
            }
        }
        (last, sure)
    }

    /// The edges into a writer from the one before it, and from the last one before it that surely committed.
    fn overwrites(&mut self, last: u32, sure: u32, to: u32) {
        let known = self.is_sure(to);
        if last != NONE {
            let both = known && last == sure;
            self.edge(last, to, if both { WW | SURE } else { WW });
        }
        if known && sure != NONE && sure != last {
            self.edge(sure, to, SURE);
        }
    }

    fn is_sure(&self, transaction: u32) -> bool {
        self.transactions.outcome(transaction) == Outcome::Ok
    }

    /// The committed transactions with appends that nobody saw, in order.
    fn unseen(&self, key: u32) -> Vec<u32> {
        let writes = self.writes.of_key(key).iter();
        let places = self.listing.place_of[self.writes.range(key)].iter();
        let mut unseen: Vec<u32> = writes
            .zip(places)
            .filter(|&(write, &place)| {
                place == NONE && self.listing.takes_part[write.transaction as usize]
            })
            .map(|(write, _)| write.transaction)
            .collect();
        unseen.sort_unstable();
        unseen.dedup();
        unseen
    }

    /// What a read shows by itself, and the edge from whom it read.
    fn read(&mut self, key: u32, list: &List, read: Read, length: usize) {
        if length == 0 {
            return;
        }
        // What one appended oneself hides whose version it was appended to, and does not make it less seen.
        let own = |&place: &usize| self.write(list, place).transaction == read.transaction;
        let hidden = (0..length).rev().take_while(own).count();
        if let Some(last) = (length - hidden).checked_sub(1) {
            let last = self.write(list, last);
            self.read_from(key, read, last, hidden > 0);
        }
        let aborted = self.aborted.filter(|&(place, _)| place < length);
        if let Some((_, aborted)) = aborted {
            self.find(
                Fault::AbortedRead,
                key,
                read.transaction,
                read.place,
                aborted,
            );
        }
    }

    fn read_from(&mut self, key: u32, read: Read, last: Write, hidden: bool) {
        if last.transaction == read.transaction || self.failed(last.transaction) {
            return;
        }
        self.edge(last.transaction, read.transaction, WR);
        if !hidden && self.is_intermediate(key, last) {
            self.find(
                Fault::IntermediateRead,
                key,
                read.transaction,
                read.place,
                last,
            );
        }
    }

    /// Whether the writer went on to append more to the key.
    fn is_intermediate(&self, key: u32, write: Write) -> bool {
        let end = self.transactions.places(write.transaction).end;
        self.transactions.micros()[write.place as usize + 1..end]
            .iter()
            .any(|micro| micro.key == key && matches!(micro.act, Act::Write(_)))
    }

    /// The edges to whoever overwrote what was read.
    fn overwritten(&mut self, read: Read, length: usize, fan: &Fan) {
        match self.after[length] {
            NONE => self.reach(fan, read.transaction, RW),
            next => self.edge(read.transaction, next, RW),
        }
    }

    /// The first append to a key by the transaction of a read that the read does not hold: its place among all
    /// micro-operations, and in the list if somebody saw it; of several, the last that was seen.
    fn updates(&self, key: u32, read: Read, length: usize) -> Option<(u32, u32)> {
        let mut last: Option<(u32, u32)> = None;
        for place in self.transactions.places(read.transaction) {
            let micro = self.transactions.micros()[place];
            let (true, Act::Write(value)) = (micro.key == key, micro.act) else {
                continue;
            };
            let seen = self.writes.place(key, value);
            let seen = seen.map_or(NONE, |write| self.listing.place_of[write]);
            let held = seen != NONE && (seen as usize) < length;
            if !held && last.is_none_or(|(_, before)| before < seen) {
                last = Some((place as u32, seen));
            }
        }
        last
    }

    /// What a transaction shows that reads a key and appends to it what the read does not hold.
    fn update(
        &mut self,
        (key, list): (u32, &List),
        (read, length): (Read, usize),
        own: u32,
        fan: &Fan,
        updaters: &mut Updaters,
    ) {
        let reader = read.transaction;
        if let Some(first) = updaters.meet(length, read) {
            self.findings.push(Finding {
                fault: Fault::LostUpdate,
                reader,
                key,
                place: read.place,
                other: first.transaction,
                other_place: first.place,
            });
        }
        let others = (length..list.order.len()).map(|place| self.write(list, place));
        let mut others =
            others.filter(|write| write.transaction != reader && !self.failed(write.transaction));
        match others.next() {
            None => self.reach(fan, reader, CURSOR),
            Some(other) => {
                let place = self.writes.place(key, other.value);
                let between = place.is_none_or(|write| self.listing.place_of[write] < own);
                if between {
                    self.find(Fault::Cursor, key, reader, read.place, other);
                }
            }
        }
    }

    /// A key whose reads contradict each other or themselves.
    fn contradictions(&mut self, key: u32, list: &List) {
        let mut lists = Vec::new();
        for &read in self.listing.reads_of(key) {
            let elements = elements(self.transactions, self.writes, key, read);
            self.contradiction(key, read, &elements);
            lists.push(self.surely_committed(&elements));
        }
        self.surely_overwritten(key, lists);
        if let (Some(read), Some(element)) = (list.longest, list.disordered) {
            let write = self.writes.all()[element as usize];
            self.find(
                Fault::DisorderedAppends,
                key,
                read.transaction,
                read.place,
                write,
            );
        }
        if let (Some(longest), Some(other)) = (list.longest, list.other) {
            self.findings.push(Finding {
                fault: Fault::IncompatibleOrder,
                reader: other.transaction,
                key,
                place: other.place,
                other: longest.transaction,
                other_place: longest.place,
            });
        }
    }

    /// The elements of transactions of which it is known that they committed.
    fn surely_committed(&self, elements: &[u32]) -> Vec<u32> {
        let sure = |element: &u32| {
            let write = self.writes.all().get(*element as usize);
            write.is_some_and(|write| self.is_sure(write.transaction))
        };
        elements.iter().copied().filter(sure).collect()
    }

    /// The overwritings that hold even where reads may see what was undone: if the reads agree once only what
    /// surely committed is looked at. Otherwise nobody can tell which of them saw what was undone, and a list that has
    /// an element twice is no order.
    fn surely_overwritten(&mut self, key: u32, mut lists: Vec<Vec<u32>>) {
        lists.sort_by_key(Vec::len);
        let agree = lists.windows(2).all(|pair| pair[1].starts_with(&pair[0]));
        let list = lists.pop().unwrap_or_default();
        let disordered = lists::disordered(self.transactions, self.writes, key, &list).is_some();
        if !agree || disordered || lists::repeats(&list, self.writes.range(key)) {
            return;
        }
        let writer = |&element: &u32| self.writes.all()[element as usize].transaction;
        let writers: Vec<u32> = list.iter().map(writer).collect();
        for pair in writers.windows(2) {
            self.edge(pair[0], pair[1], SURE);
        }
        let Some(&last) = writers.last() else {
            return;
        };
        let unseen = self.writes.range(key).filter(|&write| {
            !list.contains(&(write as u32)) && self.is_sure(self.writes.all()[write].transaction)
        });
        let unseen: Vec<u32> = unseen.map(|write| writer(&(write as u32))).collect();
        for to in unseen {
            self.edge(last, to, SURE);
        }
    }

    fn contradiction(&mut self, key: u32, read: Read, elements: &[u32]) {
        let plain = Finding {
            fault: Fault::GarbageRead,
            reader: read.transaction,
            key,
            place: read.place,
            other: read.transaction,
            other_place: read.place,
        };
        if elements.contains(&NONE) {
            self.findings.push(plain);
        }
        let mut sorted: Vec<u32> = elements.iter().copied().filter(|&e| e != NONE).collect();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            let fault = Fault::DuplicateElements;
            self.findings.push(Finding { fault, ..plain });
        }
        let write = |&element: &u32| self.writes.all().get(element as usize).copied();
        let aborted = elements
            .iter()
            .filter_map(write)
            .find(|write| self.failed(write.transaction));
        if let Some(aborted) = aborted {
            self.find(
                Fault::AbortedRead,
                key,
                read.transaction,
                read.place,
                aborted,
            );
        }
        if let Some(last) = elements.last().and_then(write) {
            self.read_from(key, read, last, false);
        }
    }

    fn find(&mut self, fault: Fault, key: u32, reader: u32, place: u32, write: Write) {
        self.findings.push(Finding {
            fault,
            reader,
            key,
            place,
            other: write.transaction,
            other_place: write.place,
        });
    }
}

/// The first transaction that read so many elements and went on to append.
#[derive(Default)]
struct Updaters {
    first: rustc_hash::FxHashMap<usize, Read>,
}

impl Updaters {
    /// Another transaction that read as many, and appends as well.
    fn meet(&mut self, length: usize, read: Read) -> Option<Read> {
        let first = *self.first.entry(length).or_insert(read);
        (first.transaction != read.transaction).then_some(first)
    }
}

/// Auxiliary nodes through which an edge reaches all of some transactions, or all but one: node `up + i` goes on
/// to the first `i + 1` of them, node `down + i` to all from the `i`-th.
#[derive(Debug, Default)]
struct Fan {
    to: Vec<u32>,
    up: u32,
    down: u32,
}

impl Turn<'_, '_> {
    fn fan(&mut self, to: &[u32]) -> Fan {
        let fan = Fan {
            to: to.to_vec(),
            up: self.nodes,
            down: self.nodes + to.len() as u32,
        };
        if to.len() < 2 {
            return fan;
        }
        self.nodes += 2 * to.len() as u32;
        let mut on = |from, to| {
            self.edges.push(Edge { from, to, kind: ON });
        };
        for (i, &transaction) in to.iter().enumerate() {
            let i = i as u32;
            on(fan.up + i, transaction);
            on(fan.down + i, transaction);
            if i > 0 {
                on(fan.up + i, fan.up + i - 1);
                on(fan.down + i - 1, fan.down + i);
            }
        }
        fan
    }

    /// Edges of a kind from a transaction to all of a fan but itself.
    fn reach(&mut self, fan: &Fan, from: u32, kind: Kinds) {
        let count = fan.to.len() as u32;
        if count < 2 {
            if let Some(&to) = fan.to.first() {
                self.edge(from, to, kind);
            }
            return;
        }
        let Ok(own) = fan.to.binary_search(&from) else {
            self.edge(from, fan.up + count - 1, kind);
            return;
        };
        let own = own as u32;
        if own > 0 {
            self.edge(from, fan.up + own - 1, kind);
        }
        if own + 1 < count {
            self.edge(from, fan.down + own + 1, kind);
        }
    }
}
