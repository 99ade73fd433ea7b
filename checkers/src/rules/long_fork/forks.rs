//! Forks among reads of the same keys, and among groups of reads that share some.

use rustc_hash::FxHashMap;

use super::super::frame::Case;
use super::super::report::{Proof, Report};
use super::cycle::{Graph, Node};
use super::texts::{Read, Transactions};
use crate::Budget;

/// Which reads have the same keys.
pub(super) struct Forks<'a> {
    case: &'a Case<'a>,
    texts: &'a Transactions<'a>,
    /// The reads of each group, by their places.
    groups: Vec<Vec<u32>>,
}

impl<'a> Forks<'a> {
    pub(super) fn new(case: &'a Case<'a>, texts: &'a Transactions<'a>) -> Self {
        let mut groups: Vec<Vec<u32>> = Vec::new();
        let mut by_keys: FxHashMap<Vec<u32>, usize> = FxHashMap::default();
        for (at, read) in texts.reads.iter().enumerate() {
            let keys = texts.lines(read).iter().map(|line| line.key).collect();
            let group = *by_keys.entry(keys).or_insert(groups.len());
            if group == groups.len() {
                groups.push(Vec::new());
            }
            groups[group].push(at as u32);
        }
        Self {
            case,
            texts,
            groups,
        }
    }

    fn get(&self, read: u32) -> &'a Read<'a> {
        &self.texts.reads[read as usize]
    }

    /// The keys of a read that were there, in order.
    fn seen(&self, read: u32) -> impl Iterator<Item = u32> + Clone + 'a {
        let lines = self.texts.lines(self.get(read)).iter();
        lines.filter(|line| line.seen()).map(|line| line.key)
    }

    pub(super) fn judge(&self, report: &mut Report<'_>, budget: &Budget<'_>) {
        let mut graph = Graph::new(self.texts.writes.len());
        for group in &self.groups {
            if report.is_over(budget, self.texts.bytes() * 2 + graph.bytes()) {
                return;
            }
            let mut reads = group.clone();
            reads.sort_by_cached_key(|&read| (self.seen(read).count(), read));
            reads.dedup_by(|one, other| self.seen(*one).eq(self.seen(*other)));
            let forks = reads
                .windows(2)
                .filter_map(|pair| self.fork(pair[0], pair[1]));
            let mut is_chain = true;
            for (pair, keys) in forks {
                is_chain = false;
                let names = keys.map(|key| self.texts.name(key)).join(" ");
                report.find("long-fork", names, || self.two_reads(pair, keys));
            }
            if is_chain {
                self.add_chain(&reads, &mut graph);
            }
        }
        if let Some(cycle) = graph.cycle(budget) {
            let names: Vec<String> = cycle.iter().map(|(key, _)| self.texts.name(*key)).collect();
            report.find("long-fork", names.join(" "), || self.many_reads(&cycle));
        }
        report.is_over(budget, 0);
    }

    /// A key that only the first of two reads saw, and one that only the second did.
    fn fork(&self, one: u32, other: u32) -> Option<([u32; 2], [u32; 2])> {
        let only = |one: u32, other: u32| {
            let mut seen = self.seen(other).peekable();
            let mut keys = self.seen(one);
            keys.find(|key| {
                while seen.next_if(|it| it < key).is_some() {}
                seen.peek() != Some(key)
            })
        };
        let keys = [only(one, other)?, only(other, one)?];
        Some(([one, other], keys))
    }

    /// Reads of which each saw what the one before it saw: what a read added comes after it, and before the next.
    fn add_chain(&self, reads: &[u32], graph: &mut Graph) {
        let Some(&first) = reads.first() else {
            return;
        };
        let keys = self.texts.lines(self.get(first)).len();
        let mut rest: Vec<u32> = self
            .texts
            .lines(self.get(first))
            .iter()
            .map(|line| line.key)
            .collect();
        let mut before: Option<Node> = None;
        for &read in reads {
            let mut seen = self.seen(read).peekable();
            let (mut added, mut left) = (Vec::new(), Vec::with_capacity(keys));
            for key in rest {
                while seen.next_if(|it| *it < key).is_some() {}
                let list = if seen.peek() == Some(&key) {
                    &mut added
                } else {
                    &mut left
                };
                list.push(key);
            }
            rest = left;
            let after = graph.boundary(read);
            for key in added {
                if let Some(before) = before {
                    graph.edge(before, graph.key(key));
                }
                graph.edge(graph.key(key), after);
            }
            if let Some(before) = before {
                graph.edge(before, after);
            }
            before = Some(after);
        }
        for key in rest {
            if let Some(before) = before {
                graph.edge(before, graph.key(key));
            }
        }
    }

    fn with_writes(&self, keys: &[u32], proof: Proof) -> Proof {
        let writes = keys
            .iter()
            .filter_map(|key| self.texts.writes[*key as usize].any.first());
        writes.fold(proof, |proof, &write| proof.by(self.case.op(write)))
    }

    fn saw_one(&self, read: u32, seen: u32, missed: u32, proof: Proof) -> Proof {
        let op = self.get(read).op;
        let [seen, missed] = [seen, missed].map(|key| self.texts.name(key));
        proof.by(op).because(format!(
            "The read that completed with event {} saw key {seen} and not key {missed}: the write of {seen} came before \
             that of {missed}.",
            op.completed_index()
        ))
    }

    fn two_reads(&self, [one, other]: [u32; 2], keys: [u32; 2]) -> Proof {
        let [first, second] = keys.map(|key| self.texts.name(key));
        let summary = format!(
            "two reads{} saw the writes of keys {first} and {second} in opposite orders",
            self.case.of_key()
        );
        let proof = self.with_writes(&keys, Proof::new(self.case, summary));
        let proof = self.saw_one(one, keys[0], keys[1], proof);
        self.saw_one(other, keys[1], keys[0], proof)
    }

    fn many_reads(&self, cycle: &[(u32, u32)]) -> Proof {
        let keys: Vec<u32> = cycle.iter().map(|(key, _)| *key).collect();
        let summary = format!(
            "{} reads{} saw the writes of as many keys in orders that contradict each other",
            cycle.len(),
            self.case.of_key()
        );
        let mut proof = self.with_writes(&keys, Proof::new(self.case, summary));
        for (at, &(key, read)) in cycle.iter().enumerate() {
            let next = keys[(at + 1) % keys.len()];
            proof = self.saw_one(read, key, next, proof);
        }
        proof.because("That is a circle.")
    }
}
