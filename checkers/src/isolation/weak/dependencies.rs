//! Who reads from whom and who follows whom in its session, in flat columns.
//!
//! *Nodes* are the transactions that take part: those that are `ok`, and those of which nobody knows but which an `ok`
//! transaction read. To leave the others out never hurts: nobody depends on them, and they only ask for more. Nodes are
//! numbered session by session, so that "before it in its session" compares two numbers. One of which nobody knows has
//! predecessors in its session and no successors; it is a *chain* of its own, behind all sessions.
//!
//! *Versions* are numbered key by key: first the initial one, which nobody wrote, then one for each node that wrote the
//! key, in the order of nodes.

use std::iter;
use std::ops::Range;

use rupture_history::Outcome;
use rustc_hash::FxHashMap;

use super::scan::{NONE, Scan, Sight};
use crate::isolation::assumed::Assumed;
use crate::isolation::rows::Rows;
use crate::isolation::transactions::{Act, Registers, Transactions, Writes};

/// A node read a version of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) key: u32,
    pub(super) version: u32,
    /// Who wrote it; [`NONE`] for the initial version.
    pub(super) source: u32,
}

/// A version of a key is assumed to come before another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Presumed {
    /// Who wrote them.
    pub(super) earlier: u32,
    pub(super) later: u32,
    pub(super) older: u32,
    pub(super) newer: u32,
    /// The numbers of the transactions that met the older, and then the newer one.
    pub(super) met: (u32, u32),
}

impl Presumed {
    const NONE: Self = Self {
        earlier: NONE,
        later: NONE,
        older: NONE,
        newer: NONE,
        met: (NONE, NONE),
    };
}

/// The nodes, whom they read and what they wrote.
#[derive(Debug)]
pub(super) struct Dependencies {
    /// By node: the number of its transaction.
    pub(super) number: Vec<u32>,
    /// By transaction: its node, or [`NONE`].
    pub(super) node: Vec<u32>,
    /// By node: its chain.
    pub(super) chain: Vec<u32>,
    /// By chain: its first node; one more at the end.
    pub(super) first: Vec<u32>,
    /// How many chains are sessions. Each chain behind them is a single transaction that nobody knows of.
    sessions: u32,
    /// For those, in order: its predecessors in its session.
    before: Vec<Range<u32>>,
    /// By node, in program order.
    pub(super) reads: Rows<Read>,
    /// By node: the keys it wrote, in ascending order.
    pub(super) writes: Rows<u32>,
    /// By key: the nodes that wrote its versions. The initial one comes first.
    pub(super) versions: Rows<u32>,
    /// What is assumed of versions that were written, by who wrote the later one.
    pub(super) presumed: Rows<Presumed>,
}

impl Dependencies {
    pub(super) fn of(
        transactions: &Transactions<'_, Registers>,
        writes: &Writes,
        scan: &Scan,
        assumed: &[Assumed],
    ) -> Self {
        let mut nodes = Nodes::of(transactions, scan);
        nodes.order(transactions, scan);
        let (versions, version_of) = versions(transactions, writes, scan, &nodes.node);
        let written = written(transactions, scan, &nodes.number);
        let mut first_sight = vec![0_u32; transactions.len() + 1];
        for sight in &scan.sights {
            first_sight[sight.reader as usize + 1] += 1;
        }
        for reader in 1..first_sight.len() {
            first_sight[reader] += first_sight[reader - 1];
        }
        let mut reads = Rows::with_room(nodes.number.len(), scan.sights.len());
        for &number in &nodes.number {
            let from = first_sight[number as usize] as usize;
            let until = first_sight[number as usize + 1] as usize;
            let sights = scan.sights[from..until].iter();
            reads.push(sights.map(|sight| read(sight, &versions, &version_of)));
        }
        // The initial version of a key comes first anyway.
        let pairs = assumed.iter().filter_map(|pair| {
            let older = *version_of.get(pair.earlier as usize)?;
            let newer = *version_of.get(pair.later as usize)?;
            if older == NONE || newer == NONE {
                return None;
            }
            let [earlier, later] = [older, newer].map(|version| versions.all()[version as usize]);
            let met = pair.met;
            let pair = Presumed {
                earlier,
                later,
                older,
                newer,
                met,
            };
            Some((later, pair))
        });
        let presumed = Rows::sorted(nodes.number.len(), pairs, Presumed::NONE);
        Self {
            number: nodes.number,
            node: nodes.node,
            chain: nodes.chain,
            first: nodes.first,
            sessions: nodes.sessions,
            before: nodes.before,
            reads,
            writes: written,
            versions,
            presumed,
        }
    }

    pub(super) fn len(&self) -> u32 {
        self.number.len() as u32
    }

    pub(super) fn chains(&self) -> u32 {
        self.first.len() as u32 - 1
    }

    /// How many chains are sessions; they come first.
    pub(super) fn sessions(&self) -> u32 {
        self.sessions
    }

    pub(super) fn key_count(&self) -> u32 {
        self.versions.count()
    }

    /// The nodes before one in its session: a range of a chain.
    pub(super) fn before(&self, node: u32) -> Range<u32> {
        let chain = self.chain[node as usize];
        match chain.checked_sub(self.sessions) {
            Some(unknown) => self.before[unknown as usize].clone(),
            None => self.first[chain as usize]..node,
        }
    }

    /// The last node before one in its session.
    pub(super) fn previous(&self, node: u32) -> Option<u32> {
        let before = self.before(node);
        (!before.is_empty()).then(|| before.end - 1)
    }

    /// Whether a node wrote a key.
    pub(super) fn wrote(&self, node: u32, key: u32) -> bool {
        let keys = self.writes.of(node);
        if keys.len() < 8 {
            keys.contains(&key)
        } else {
            keys.binary_search(&key).is_ok()
        }
    }

    /// The versions of a key that somebody wrote: the number of the first of them, and their writers.
    pub(super) fn writers(&self, key: u32) -> (u32, &[u32]) {
        let range = self.versions.range(key);
        (
            range.start as u32 + 1,
            &self.versions.all()[range.start + 1..range.end],
        )
    }

    /// Who wrote a version.
    pub(super) fn writer(&self, version: u32) -> u32 {
        self.versions.all()[version as usize]
    }

    pub(super) fn bytes(&self) -> usize {
        let nodes = self.number.capacity() + self.node.capacity() + self.chain.capacity();
        let chains = self.first.capacity() + 2 * self.before.capacity();
        (nodes + chains) * size_of::<u32>()
            + self.reads.bytes()
            + self.writes.bytes()
            + self.versions.bytes()
            + self.presumed.bytes()
    }
}

/// Which transactions are nodes, and in which order.
struct Nodes {
    number: Vec<u32>,
    node: Vec<u32>,
    chain: Vec<u32>,
    first: Vec<u32>,
    sessions: u32,
    before: Vec<Range<u32>>,
    session_of: FxHashMap<i64, u32>,
}

impl Nodes {
    /// Counts the transactions of each session.
    fn of(transactions: &Transactions<'_, Registers>, scan: &Scan) -> Self {
        let mut session_of: FxHashMap<i64, u32> = FxHashMap::default();
        let mut sizes: Vec<u32> = Vec::new();
        let mut unknown = 0;
        for (number, operation) in transactions.operations.iter().enumerate() {
            match operation.outcome {
                Outcome::Ok => {
                    let next = sizes.len() as u32;
                    let session = *session_of.entry(operation.process).or_insert(next);
                    if session == next {
                        sizes.push(0);
                    }
                    sizes[session as usize] += 1;
                }
                Outcome::Info if scan.seen[number] => unknown += 1,
                Outcome::Info | Outcome::Fail => {}
            }
        }
        let sessions = sizes.len() as u32;
        sizes.extend(iter::repeat_n(1, unknown));
        let mut first = vec![0];
        for size in sizes {
            first.push(first.last().map_or(0, |&last: &u32| last) + size);
        }
        let count = first.last().map_or(0, |&last| last as usize);
        Self {
            number: vec![NONE; count],
            node: vec![NONE; transactions.len()],
            chain: vec![NONE; count],
            first,
            sessions,
            before: Vec::with_capacity(unknown),
            session_of,
        }
    }

    fn order(&mut self, transactions: &Transactions<'_, Registers>, scan: &Scan) {
        let mut next = self.first.clone();
        for (number, operation) in transactions.operations.iter().enumerate() {
            let session = self.session_of.get(&operation.process).copied();
            let chain = match operation.outcome {
                Outcome::Ok => session,
                Outcome::Info if scan.seen[number] => {
                    let before = session.map_or(0..0, |session| {
                        self.first[session as usize]..next[session as usize]
                    });
                    self.before.push(before);
                    Some(self.sessions + self.before.len() as u32 - 1)
                }
                Outcome::Info | Outcome::Fail => None,
            };
            if let Some(chain) = chain {
                let node = next[chain as usize];
                next[chain as usize] += 1;
                self.number[node as usize] = number as u32;
                self.chain[node as usize] = chain;
                self.node[number] = node;
            }
        }
    }
}

/// The writers of the versions of each key, and by the number of a write its version.
fn versions(
    transactions: &Transactions<'_, Registers>,
    writes: &Writes,
    scan: &Scan,
    node: &[u32],
) -> (Rows<u32>, Vec<u32>) {
    let mut versions = Rows::with_room(transactions.key_count(), writes.all().len());
    let mut version_of = vec![NONE; writes.all().len()];
    let mut of_key: Vec<(u32, u32)> = Vec::new();
    for key in 0..transactions.key_count() as u32 {
        of_key.clear();
        for number in writes.range(key) {
            let write = writes.all()[number];
            let writer = node[write.transaction as usize];
            if writer != NONE && !scan.overwritten[write.place as usize] {
                of_key.push((writer, number as u32));
            }
        }
        of_key.sort_unstable();
        let initial = versions.all().len() as u32;
        for (version, &(_, number)) in (initial + 1..).zip(&of_key) {
            version_of[number as usize] = version;
        }
        let writers = of_key.iter().map(|&(writer, _)| writer);
        versions.push(iter::once(NONE).chain(writers));
    }
    (versions, version_of)
}

/// The keys that each node wrote.
fn written(transactions: &Transactions<'_, Registers>, scan: &Scan, number: &[u32]) -> Rows<u32> {
    let mut written = Rows::with_room(number.len(), transactions.micros().len());
    let mut of_node: Vec<u32> = Vec::new();
    for &number in number {
        of_node.clear();
        for place in transactions.places(number) {
            let micro = transactions.micros()[place];
            if matches!(micro.act, Act::Write(_)) && !scan.overwritten[place] {
                of_node.push(micro.key);
            }
        }
        of_node.sort_unstable();
        written.push(of_node.iter().copied());
    }
    written
}

fn read(sight: &Sight, versions: &Rows<u32>, version_of: &[u32]) -> Read {
    let initial = versions.range(sight.key).start as u32;
    let version = version_of
        .get(sight.write as usize)
        .copied()
        .unwrap_or(initial);
    Read {
        key: sight.key,
        version,
        source: versions.all()[version as usize],
    }
}
