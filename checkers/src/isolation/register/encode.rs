//! A level as a problem for the solver.
//!
//! Transaction `t` has the node `t`, or where it has two points the nodes `2 t`, its snapshot, and `2 t + 1`, its
//! commit. Behind these come auxiliary nodes, through which many edges become few: all readers of a version, what
//! comes after the first chain of a key, moments in real time.

use rustc_hash::FxHashMap;

use super::prepared::Prepared;
use super::reads::{NONE, Version};
use super::units::Units;
use super::{Keeps, Points};
use crate::isolation::graph::Edge as TimeEdge;
use crate::isolation::order::{real_time, sessions};
use crate::isolation::solver::{Choices, Edge, Order, Source};

/// What an auxiliary node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Auxiliary {
    /// All who read this version have read it.
    Read,
    /// The first chain of the key is written.
    FirstWritten,
    /// All who read the end of the first chain have read it.
    FirstRead,
    /// A moment in real time.
    Moment,
}

/// The nodes of a chain that edges to and from other chains need.
#[derive(Clone, Copy, Debug)]
struct Ends {
    /// The snapshot and the commit of whoever wrote its first version.
    snapshot: u32,
    commit: u32,
    /// The commit of whoever wrote its last version.
    written: u32,
    /// When all who saw that have read it; [`NONE`] if nobody did.
    read: u32,
    /// The row at which the first of its writers had completed.
    completed: u32,
    /// The last row at which its last writer, or a reader of that version, was invoked.
    invoked: u32,
}

/// One order of two chains.
#[derive(Clone, Copy, Debug)]
struct Sides {
    edges: [Edge; 2],
    count: usize,
}

impl Sides {
    fn get(&self) -> &[Edge] {
        &self.edges[..self.count]
    }
}

pub(super) struct Encoding<'e, 'p, 'a> {
    pub(super) prepared: &'e Prepared<'p, 'a>,
    pub(super) units: Units,
    points: Points,
    pub(super) nodes: u32,
    pub(super) edges: Vec<Edge>,
    pub(super) hints: Vec<u32>,
    auxiliary: Vec<Auxiliary>,
    ends: Vec<Ends>,
    /// The chains of each key but the first, in the order in which they stood last.
    sorted: Vec<u32>,
    /// Where those of each key with more than one begin, and where they end.
    contested: Vec<(u32, u32)>,
}

/// How many chains behind one are looked at for overlaps at a time.
const LOOK: usize = 16;

impl<'e, 'p, 'a> Encoding<'e, 'p, 'a> {
    pub(super) fn of(prepared: &'e Prepared<'p, 'a>, points: Points, keeps: Keeps) -> Self {
        let transactions = prepared.transactions.len() as u32;
        let mut encoding = Self {
            prepared,
            units: Units::of(prepared, points),
            points,
            nodes: if points.are_one() {
                transactions
            } else {
                2 * transactions
            },
            edges: Vec::new(),
            hints: Vec::new(),
            auxiliary: Vec::new(),
            ends: Vec::new(),
            sorted: Vec::new(),
            contested: Vec::new(),
        };
        encoding.hint(keeps);
        encoding.order_points();
        encoding.read_versions();
        encoding.order_time(keeps);
        encoding.close_units();
        encoding.order_first();
        encoding.order_assumed();
        encoding.list_contested();
        encoding
    }

    /// How many bytes such an encoding takes, about.
    pub(super) fn bytes(prepared: &Prepared<'_, '_>) -> usize {
        let versions = prepared.next.len();
        prepared.transactions.len() * 60 + versions * 50 + prepared.reads.list.len() * 16
    }

    pub(super) fn snapshot(&self, transaction: u32) -> u32 {
        if self.points.are_one() {
            transaction
        } else {
            2 * transaction
        }
    }

    pub(super) fn commit(&self, transaction: u32) -> u32 {
        if self.points.are_one() {
            transaction
        } else {
            2 * transaction + 1
        }
    }

    /// The transaction that a node belongs to, or what it stands for.
    pub(super) fn what(&self, node: u32) -> Result<u32, Auxiliary> {
        let points = if self.points.are_one() { 1 } else { 2 };
        let transaction = node / points;
        if (transaction as usize) < self.prepared.transactions.len() {
            return Ok(transaction);
        }
        let transactions = points * self.prepared.transactions.len() as u32;
        Err(self.auxiliary[(node - transactions) as usize])
    }

    fn add(&mut self, what: Auxiliary, hint: u32) -> u32 {
        self.auxiliary.push(what);
        self.hints.push(hint);
        self.nodes += 1;
        self.nodes - 1
    }

    /// Transactions would stand where they completed, and those that only read as early as what they saw and what
    /// they have to follow lets them. The unknown stand right before whoever read of them.
    fn hint(&mut self, keeps: Keeps) {
        let operations = &self.prepared.transactions.operations;
        let mut hints: Vec<u32> = operations
            .iter()
            .map(|o| o.ended().unwrap_or(u32::MAX))
            .collect();
        let mut writes = vec![false; operations.len()];
        for write in self.prepared.writes.all() {
            writes[write.transaction as usize] = true;
        }
        let mut seen: Vec<u32> = vec![0; operations.len()];
        for read in &self.prepared.reads.list {
            if let Some(writer) = self.prepared.writer(read.version) {
                let seen = &mut seen[read.reader as usize];
                let row = operations[writer as usize].completed;
                *seen = (*seen).max(row.unwrap_or(operations[writer as usize].invoked));
            }
        }
        for (number, operation) in operations.iter().enumerate() {
            if !writes[number] && operation.ended().is_some() {
                let least = if keeps == Keeps::Nothing {
                    0
                } else {
                    operation.invoked
                };
                hints[number] = seen[number].max(least).min(hints[number]);
            }
        }
        self.hints = match self.points {
            Points::One | Points::Dependency => hints,
            Points::Snapshot | Points::Prefix => {
                hints.iter().flat_map(|&hint| [hint, hint]).collect()
            }
        };
    }

    fn order_points(&mut self) {
        if !self.points.are_one() {
            let transactions = self.prepared.transactions.len() as u32;
            self.edges
                .extend((0..transactions).map(|t| (2 * t, 2 * t + 1)));
        }
    }

    /// Who read a version comes after its writer, and before the writer of the next if that one is known.
    fn read_versions(&mut self) {
        let prepared = self.prepared;
        for read in &prepared.reads.list {
            let snapshot = self.snapshot(read.reader);
            if let Some(writer) = prepared.writer(read.version) {
                self.edges.push((self.commit(writer), snapshot));
            }
            if self.points == Points::Dependency {
                continue;
            }
            let next = self.behind(read.version);
            if let Some(writer) = prepared
                .writer(next)
                .filter(|&writer| writer != read.reader)
            {
                self.edges.push((snapshot, self.commit(writer)));
            }
        }
    }

    /// The next version of the same chain.
    fn behind(&self, version: Version) -> Version {
        let next = self.prepared.next[version as usize];
        let same = next != NONE && self.units.of[next as usize] == self.units.of[version as usize];
        if same { next } else { NONE }
    }

    fn order_time(&mut self, keeps: Keeps) {
        let operations = &self.prepared.transactions.operations;
        let takes_part = &self.prepared.reads.takes_part;
        let mut edges: Vec<TimeEdge> = Vec::new();
        let transactions = operations.len() as u32;
        let mut nodes = transactions;
        match keeps {
            Keeps::Nothing => {}
            Keeps::Sessions | Keeps::RealTimeOfWrites => {
                sessions(operations, takes_part, &mut edges);
            }
            Keeps::RealTime => nodes = real_time(operations, takes_part, nodes, &mut edges),
        }
        self.add_time(&edges, nodes, false);
        if keeps == Keeps::RealTimeOfWrites {
            let mut writes = vec![false; operations.len()];
            for write in self.prepared.writes.all() {
                writes[write.transaction as usize] = takes_part[write.transaction as usize];
            }
            edges.clear();
            nodes = real_time(operations, &writes, transactions, &mut edges);
            self.add_time(&edges, nodes, true);
        }
    }

    /// Adds edges of time between so many nodes, of which those behind the transactions are new. They lead from
    /// commits to snapshots, or to commits.
    fn add_time(&mut self, edges: &[TimeEdge], nodes: u32, to_commits: bool) {
        let transactions = self.prepared.transactions.len() as u32;
        let base = self.nodes - transactions;
        for _ in transactions..nodes {
            self.add(Auxiliary::Moment, u32::MAX);
        }
        for edge in edges {
            let point = |node: u32, commit: bool| match node < transactions {
                true if commit => self.commit(node),
                true => self.snapshot(node),
                false => base + node,
            };
            let edge = (point(edge.from, true), point(edge.to, to_commits));
            self.edges.push(edge);
        }
    }

    /// Finds the ends of every chain.
    fn close_units(&mut self) {
        for at in 0..self.units.list.len() {
            let unit = self.units.list[at];
            let of = |version| self.prepared.writer(version);
            let operations = &self.prepared.transactions.operations;
            let readers = self.prepared.readers(unit.tail).map(|read| read.reader);
            let last = readers.chain(of(unit.tail));
            let invoked = last.map(|t| operations[t as usize].invoked).max();
            let completed = of(unit.head).and_then(|writer| operations[writer as usize].ended());
            let ends = Ends {
                invoked: invoked.unwrap_or(0),
                completed: completed.unwrap_or(u32::MAX),
                snapshot: of(unit.head).map_or(NONE, |writer| self.snapshot(writer)),
                commit: of(unit.head).map_or(NONE, |writer| self.commit(writer)),
                written: of(unit.tail).map_or(NONE, |writer| self.commit(writer)),
                read: self.all_read(unit.tail),
            };
            self.ends.push(ends);
        }
    }

    /// The node behind all who read a version and do not write the next.
    fn all_read(&mut self, version: Version) -> u32 {
        if self.points == Points::Dependency {
            return NONE;
        }
        let chains = self.points != Points::Prefix;
        let next = if chains {
            self.prepared.next[version as usize]
        } else {
            NONE
        };
        let next = self.prepared.writer(next);
        let readers = self.prepared.readers(version).map(|read| read.reader);
        let readers: Vec<u32> = readers.filter(|&reader| Some(reader) != next).collect();
        match readers[..] {
            [] => NONE,
            [one] => self.snapshot(one),
            _ => {
                let latest = readers
                    .iter()
                    .map(|&r| self.hints[self.snapshot(r) as usize])
                    .max();
                let node = self.add(Auxiliary::Read, latest.unwrap_or(0));
                for reader in readers {
                    self.edges.push((self.snapshot(reader), node));
                }
                node
            }
        }
    }

    /// The edges by which one chain comes before another one.
    fn before(&self, one: u32, other: u32) -> Sides {
        let (one, other) = (self.ends[one as usize], self.ends[other as usize]);
        let written = match self.points {
            Points::One if one.read != NONE => None,
            Points::One | Points::Dependency | Points::Snapshot => {
                Some((one.written, other.snapshot))
            }
            Points::Prefix => Some((one.written, other.commit)),
        };
        let read = (one.read != NONE).then_some((one.read, other.commit));
        let mut sides = Sides {
            edges: [(0, 0); 2],
            count: 0,
        };
        let needed = written.filter(|&(from, _)| from != NONE);
        for edge in needed.into_iter().chain(read) {
            sides.edges[sides.count] = edge;
            sides.count += 1;
        }
        sides
    }

    /// The chain of the initial version comes before all others.
    fn order_first(&mut self) {
        for key in 0..self.prepared.transactions.key_count() as u32 {
            let units = self.units.of_key(key);
            let first = units.start;
            if units.len() < 2 {
                continue;
            }
            let mut ends = self.ends[first as usize];
            if ends.read != NONE {
                let read = self.add(Auxiliary::FirstRead, self.hints[ends.read as usize]);
                self.edges.push((ends.read, read));
                ends.read = read;
            }
            if ends.written != NONE {
                let written = self.add(Auxiliary::FirstWritten, self.hints[ends.written as usize]);
                self.edges.push((ends.written, written));
                ends.written = written;
            }
            self.ends[first as usize] = ends;
            for other in units.start + 1..units.end {
                let sides = self.before(first, other);
                self.edges.extend_from_slice(sides.get());
            }
        }
    }

    /// Versions that are assumed to be in an order put their chains in that order.
    fn order_assumed(&mut self) {
        let prepared = self.prepared;
        for &(earlier, later) in &prepared.assumed {
            let (one, other) = (
                self.units.of[earlier as usize],
                self.units.of[later as usize],
            );
            let first = |unit: u32| prepared.is_initial(self.units.list[unit as usize].head);
            if one == other || first(one) {
                continue;
            }
            if !first(other) {
                let sides = self.before(one, other);
                self.edges.extend_from_slice(sides.get());
            } else if let Some(writer) = prepared.writer(later) {
                // The first chain comes before the other one, so this closes a cycle.
                let written = self.ends[one as usize].written;
                self.edges.push((written, self.snapshot(writer)));
            }
        }
    }

    fn list_contested(&mut self) {
        for key in 0..self.prepared.transactions.key_count() as u32 {
            let units = self.units.of_key(key);
            if units.len() > 2 {
                let start = self.sorted.len() as u32;
                self.sorted.extend(units.start + 1..units.end);
                self.contested.push((start, self.sorted.len() as u32));
            }
        }
    }

    fn keeps(&self, order: &Order, one: u32, other: u32) -> bool {
        let sides = self.before(one, other);
        sides.get().iter().all(|&edge| order.keeps(edge))
    }

    /// Of two chains first the one that is likely to be first: as they stand, unless real time says otherwise, which
    /// stores mostly keep though their level may not ask for it.
    fn likely(&self, one: u32, other: u32) -> (u32, u32) {
        let late = self.ends[one as usize].invoked > self.ends[other as usize].completed;
        if late { (other, one) } else { (one, other) }
    }

    /// Where a chain stands among those of its key.
    fn stands(&self, order: &Order, unit: u32) -> u32 {
        let ends = self.ends[unit as usize];
        order.place(match self.points {
            Points::One | Points::Dependency | Points::Snapshot => ends.snapshot,
            Points::Prefix => ends.commit,
        })
    }

    /// Adds the choice between two chains.
    pub(super) fn choose(&self, (one, other): (u32, u32), choices: &mut Choices) -> u32 {
        let (first, second) = self.likely(one, other);
        let (sides, turned) = (self.before(first, second), self.before(second, first));
        choices.push(sides.get(), turned.get(), (first, second))
    }

    /// Whether a chain begins with the initial version of its key.
    pub(super) fn is_first(&self, chain: u32) -> bool {
        let head = self.units.list[chain as usize].head;
        self.prepared.is_initial(head)
    }

    /// The other chains of the key of a first chain; of another chain none.
    pub(super) fn others(&self, chain: u32) -> impl Iterator<Item = u32> + use<> {
        let mut others = 0..0;
        if self.is_first(chain) {
            let key = self.prepared.key_of(self.units.list[chain as usize].head);
            others = self.units.of_key(key);
            others.start += 1;
        }
        others
    }

    /// Who wrote the first version of a chain, if there is a chain and it is not the initial one.
    pub(super) fn head_writer(&self, chain: u32) -> Option<u32> {
        let unit = self.units.list.get(chain as usize)?;
        self.prepared.writer(unit.head)
    }

    /// Who wrote the last version of a chain.
    pub(super) fn tail_writer(&self, chain: u32) -> Option<u32> {
        self.prepared.writer(self.units.list[chain as usize].tail)
    }

    /// Whether one chain stands before another one of its key.
    pub(super) fn comes_before(&self, order: &Order, one: u32, other: u32) -> bool {
        self.stands(order, one) < self.stands(order, other)
    }

    /// By chain, but for the first of each key, those that are assumed to come after it.
    pub(super) fn assumed_after(&self) -> FxHashMap<u32, Vec<u32>> {
        let mut after: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        for &(earlier, later) in &self.prepared.assumed {
            let (one, other) = (
                self.units.of[earlier as usize],
                self.units.of[later as usize],
            );
            if one != other && !self.is_first(one) && !self.is_first(other) {
                after.entry(one).or_default().push(other);
            }
        }
        after
    }

    /// The chain after each one, as they are sorted; [`NONE`] after the last of a key.
    pub(super) fn followers(&self) -> Vec<u32> {
        let mut follow = vec![NONE; self.units.list.len()];
        for key in 0..self.prepared.transactions.key_count() as u32 {
            let units = self.units.of_key(key);
            if units.len() == 2 {
                follow[units.start as usize] = units.start + 1;
            }
        }
        for &(start, end) in &self.contested {
            let units = &self.sorted[start as usize..end as usize];
            let first = self.first_of(units[0]);
            follow[first as usize] = units[0];
            for pair in units.windows(2) {
                follow[pair[0] as usize] = pair[1];
            }
        }
        follow
    }

    /// The first chain of the key of a chain.
    fn first_of(&self, chain: u32) -> u32 {
        let key = self.prepared.key_of(self.units.list[chain as usize].head);
        self.units.of_key(key).start
    }
}

impl Source for Encoding<'_, '_, '_> {
    /// Chains of a key may not overlap. If each is before the next, each is before all behind it.
    fn violated(&mut self, order: &Order, choices: &mut Choices) {
        let mut sorted = std::mem::take(&mut self.sorted);
        for at in 0..self.contested.len() {
            let (start, end) = self.contested[at];
            let units = &mut sorted[start as usize..end as usize];
            units.sort_by_key(|&unit| self.stands(order, unit));
            for at in 1..units.len() {
                let one = units[at - 1];
                for &other in units[at..].iter().take(LOOK) {
                    if self.keeps(order, one, other) {
                        break;
                    }
                    self.choose((one, other), choices);
                }
            }
        }
        self.sorted = sorted;
    }
}
