//! What is assumed of the order of versions, as edges between those who wrote them.
//!
//! A level that has one order of versions for all holds exactly if the edges that it forces have no cycle with these.
//! Where such a cycle has no edge that only the level forces, it has a name of its own: `G0` if it is of versions alone,
//! `G1c` with reads, and `-process` behind it with the order of sessions.

use super::Finding;
use super::arrows::{Arrow, CF, VERSIONS};
use super::atomic::Forced;
use super::dependencies::{Dependencies, Presumed};
use super::judge::TOLD;
use super::precedence::{Precedence, lists};
use super::scan::NONE;
use super::words::{Reason, Words};
use super::{Causality, Prepared};
use crate::Budget;
use crate::isolation::graph::Digraph;
use crate::isolation::within;
use crate::linearizability::search::Stop;

/// Which edges count beside what is assumed, and what a cycle of all of them is called. Those of fewer come first.
const NAMES: [(bool, bool, &str); 4] = [
    (false, false, "G0"),
    (true, false, "G1c"),
    (false, true, "G0-process"),
    (true, true, "G1c-process"),
];

impl Prepared<'_, '_> {
    /// Tells of cycles with what is assumed, if `reads` and `sessions` count. Whether there are any.
    pub(super) fn contradicts(
        &self,
        (reads, sessions): (bool, bool),
        budget: &Budget<'_>,
        findings: &mut Vec<Finding>,
    ) -> Result<bool, Stop> {
        let dependencies = &self.dependencies;
        within(budget, self.walk(dependencies.presumed.all().len()))?;
        if dependencies.presumed.all().is_empty() {
            return Ok(false);
        }
        let nothing = lists(dependencies.len(), &[]);
        for (with_reads, with_sessions, kind) in NAMES {
            if with_reads && !reads || with_sessions && !sessions {
                continue;
            }
            let graph = Precedence {
                dependencies,
                sessions: with_sessions,
                readers: (!with_reads).then_some(NONE),
                presumed: true,
                forced: &nothing,
            };
            if graph.order().is_some() {
                continue;
            }
            let words = Words::of(self);
            for cycle in graph.cycles(&graph.parts(), TOLD) {
                findings.push(words.assumed_cycle((kind, with_sessions), with_reads, &cycle));
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Transactions to which no order of what happened before them keeps what is assumed and explains their reads; so
    /// many at most. Each is looked at by itself: quadratic, where some order is contradicted at all.
    pub(super) fn unseen(
        &self,
        causality: &Causality,
        budget: &Budget<'_>,
    ) -> Result<Vec<Finding>, Stop> {
        let dependencies = &self.dependencies;
        let words = Words::of(self);
        let mut past = vec![NONE; dependencies.len() as usize];
        let mut findings = Vec::new();
        for &reader in &causality.order {
            within(budget, self.walk(dependencies.presumed.all().len()))?;
            mark(dependencies, reader, &mut past);
            let seen = |node: u32| past[node as usize] == reader;
            let mut edges: Vec<(u32, u32)> = Vec::new();
            let presumed = dependencies.presumed.all().iter();
            let presumed = presumed.map(|pair| (pair.earlier, pair.later));
            edges.extend(presumed.filter(|&(one, other)| seen(one) && seen(other)));
            let known = edges.len();
            for read in dependencies.reads.of(reader) {
                let (_, writers) = dependencies.writers(read.key);
                let others = writers.iter().filter(|&&writer| writer != read.source);
                let others = others.filter(|&&writer| writer != reader && seen(writer));
                let others = others.filter(|_| read.source != NONE);
                edges.extend(others.map(|&writer| (writer, read.source)));
            }
            if edges.len() == known && known == 0 {
                continue;
            }
            let forced = lists(dependencies.len(), &edges);
            let graph = Precedence {
                dependencies,
                sessions: true,
                readers: None,
                presumed: false,
                forced: &forced,
            };
            if graph.order().is_none() {
                let cycles = graph.cycles(&graph.parts(), 1);
                findings.extend(cycles.iter().map(|cycle| words.seen_by(reader, cycle)));
            }
            if findings.len() >= TOLD {
                break;
            }
        }
        findings.sort_by_key(|finding| finding.transactions.len());
        Ok(findings)
    }
}

/// Marks a node, and what happened before it, with its number.
fn mark(dependencies: &Dependencies, node: u32, past: &mut [u32]) {
    let nothing = lists(dependencies.len(), &[]);
    let graph = Precedence {
        dependencies,
        sessions: true,
        readers: None,
        presumed: false,
        forced: &nothing,
    };
    past[node as usize] = node;
    let mut open = vec![node];
    while let Some(next) = open.pop() {
        let mut cursor = 0;
        while let Some(before) = graph.next(next, &mut cursor) {
            if past[before as usize] != node {
                past[before as usize] = node;
                open.push(before);
            }
        }
    }
}

impl Forced {
    /// The edges of a level and those that are assumed.
    pub(super) fn with(&self, dependencies: &Dependencies) -> Vec<(u32, u32)> {
        let presumed = dependencies.presumed.all().iter();
        let presumed = presumed.map(|pair| (pair.earlier, pair.later));
        self.edges.iter().copied().chain(presumed).collect()
    }
}

impl Words<'_, '_> {
    /// Whether it is assumed that a version of the one node comes before one of the other, in words.
    pub(super) fn presumed(&self, from: u32, to: u32) -> Option<Reason> {
        let mut pairs = self.dependencies.presumed.of(to).iter();
        let pair = pairs.find(|pair| pair.earlier == from)?;
        Some(self.presumption(pair))
    }

    /// The same of two versions.
    pub(super) fn presumed_versions(&self, older: u32, newer: u32) -> Option<Reason> {
        let later = self.dependencies.versions.all().get(newer as usize);
        let later = later.copied().filter(|&later| later != NONE)?;
        let mut pairs = self.dependencies.presumed.of(later).iter();
        let pair = pairs.find(|pair| pair.older == older && pair.newer == newer)?;
        Some(self.presumption(pair))
    }

    fn presumption(&self, pair: &Presumed) -> Reason {
        let versions = &self.dependencies.versions;
        let key = (0..versions.count()).find(|&key| versions.range(key).end > pair.newer as usize);
        let key = key.unwrap_or(0);
        let (older, newer) = (self.value(pair.earlier, key), self.value(pair.later, key));
        let (earlier, later) = (self.name(pair.earlier), self.name(pair.later));
        let met = [pair.met.0, pair.met.1].map(|number| self.dependencies.node[number as usize]);
        let (one, other) = (self.name(met[0]), self.name(met[1]));
        let how = if met[0] == met[1] {
            format!(
                "{one} met {older} of key {} and then {newer}",
                self.key(key)
            )
        } else {
            format!(
                "{one} met {older} of key {} and had completed before {other} was invoked, which met {newer}",
                self.key(key)
            )
        };
        let why = format!(
            "{how}, so it is assumed that {older}, which {earlier} wrote, came before {newer}, which {later} wrote."
        );
        Reason {
            way: vec![Arrow::forced((pair.earlier, pair.later), VERSIONS, &why)],
            rests: Vec::new(),
            sentences: vec![why],
            nodes: vec![pair.earlier, pair.later, met[0], met[1]],
        }
    }

    /// A cycle of what is assumed, of sessions, and of reads if they count.
    fn assumed_cycle(
        &self,
        (kind, sessions): (&'static str, bool),
        reads: bool,
        cycle: &[u32],
    ) -> Finding {
        self.cycle_of(kind, cycle, |from, to| {
            let assumed = self.presumed(from, to);
            let direct = || {
                let follows = sessions && self.dependencies.before(to).contains(&from);
                let counts = reads || follows;
                counts.then(|| self.direct(from, to, sessions)).flatten()
            };
            assumed.or_else(direct).unwrap_or_default()
        })
    }

    /// A cycle in the eyes of a transaction.
    fn seen_by(&self, reader: u32, cycle: &[u32]) -> Finding {
        let followed = cycle.iter().zip(cycle.iter().cycle().skip(1));
        let known = |from, to| {
            let direct = self.direct(from, to, true);
            direct.or_else(|| self.presumed(from, to))
        };
        let forced = followed.filter(|&(&from, &to)| known(from, to).is_none());
        let kind = if forced.count() == 1 {
            "write-co-read"
        } else {
            "fractured-read"
        };
        let mut finding = self.cycle_of(kind, cycle, |from, to| {
            let mut reason = known(from, to).unwrap_or_else(|| self.overwrote(reader, from, to));
            for &node in &[from, to] {
                reason.rests_on(self.happened(node, reader));
            }
            reason.nodes.push(reader);
            reason
        });
        finding.summary = format!(
            "To {}, which saw all of them, {}",
            self.name(reader),
            finding.summary
        );
        finding
    }

    /// A reader read from the later of two nodes a key that both wrote.
    fn overwrote(&self, reader: u32, from: u32, to: u32) -> Reason {
        let mut reads = self.dependencies.reads.of(reader).iter();
        let read = reads.find(|read| read.source == to && self.dependencies.wrote(from, read.key));
        let Some(read) = read else {
            return Reason::default();
        };
        let (name, earlier, later) = (self.name(reader), self.name(from), self.name(to));
        let why = format!(
            "{earlier} wrote {} to key {}, and {name} read {}, which {later} had written: so to {name} {earlier} came \
             before {later}.",
            self.value(from, read.key),
            self.key(read.key),
            self.value(to, read.key),
        );
        Reason {
            way: vec![Arrow::forced((from, to), CF, &why)],
            rests: vec![self.read_from(to, reader, read.key)],
            sentences: vec![why],
            nodes: vec![from, to, reader],
        }
    }
}
