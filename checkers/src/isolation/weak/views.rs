//! Causal consistency: for each transaction by itself, an order of what happened before it that explains its reads.
//!
//! This is Bouajjani, Enea, Guerraoui & Hamza's weak causal consistency (POPL 2017, definition 1, axiom `AxCausal`), where
//! an operation is a whole transaction: happens-before is acyclic, and for each transaction the ones that happened
//! before it can be put into an order that keeps happens-before, such that each of its reads returns the last version
//! before it. Orders of different transactions need not agree.
//!
//! For one transaction this forces that of each key it read, from `s`, the other writers that happened before the
//! reader come before `s`. Every forced edge ends at one of the transactions it read from, so there is such an order
//! exactly if these are not on a cycle, where `a` comes before `b` if `a` happened before `b`, or is or happened before a
//! writer that is forced before `b`. A cycle of one is the bad pattern `WriteCORead` there. Longer ones come from reading
//! several keys at once, which single operations cannot.
//!
//! Such a cycle is one of causal convergence as well. So only transactions that read from the same part of its graph
//! are looked at, and a history that converges costs nothing more.

use std::ops::Range;

use super::clocks::Clocks;
use super::dependencies::Dependencies;
use super::scan::NONE;
use crate::Budget;
use crate::linearizability::search::Stop;

/// A transaction that reads from a part.
#[derive(Debug)]
struct View {
    reader: u32,
    /// Whom it reads from.
    sources: Vec<u32>,
    /// By source: the writers that are forced to come before it or to be it, and the key.
    before: Vec<Vec<(u32, u32)>>,
    /// By two sources: the writer by which the first comes before the second, and the key that they both wrote.
    edges: Vec<Option<(u32, u32)>>,
}

/// What one transaction read and no order explains: each source comes before the next, and the last before the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Torn {
    pub(super) reader: u32,
    pub(super) steps: Vec<Overtaken>,
}

/// A source comes before a writer that is forced before the next source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overtaken {
    pub(super) source: u32,
    /// The source itself, or what it happened before; the next source where it happened before that.
    pub(super) writer: u32,
    /// What the writer and the next source both wrote; [`NONE`] where they are the same.
    pub(super) key: u32,
}

/// Hands out clocks of chains.
pub(super) trait Timekeeper {
    /// The blocks of chains that there are.
    fn blocks(&self) -> Vec<Range<u32>>;

    /// The clocks of one block.
    fn clocks(&mut self, block: usize) -> Result<&Clocks, Stop>;
}

/// The transactions whose reads no order explains, with the shortest reason for each; at most so many.
pub(super) fn torn(
    dependencies: &Dependencies,
    parts: &[Vec<u32>],
    time: &mut impl Timekeeper,
    budget: &Budget<'_>,
    most: usize,
) -> Result<Vec<Torn>, Stop> {
    let mut views = views(dependencies, parts);
    let chains = chains(dependencies, parts);
    let blocks = time.blocks();
    let used: Vec<usize> = (0..blocks.len())
        .filter(|&block| chains.iter().any(|chain| blocks[block].contains(chain)))
        .collect();
    for &block in &used {
        let clocks = time.clocks(block)?;
        for view in &mut views {
            view.find_writers(dependencies, clocks);
        }
        if budget.is_over() {
            return Err(Stop::Time);
        }
    }
    for &block in &used {
        let clocks = time.clocks(block)?;
        for view in &mut views {
            view.find_edges(dependencies, clocks);
        }
        if budget.is_over() {
            return Err(Stop::Time);
        }
    }
    let mut torn: Vec<Torn> = views.iter().filter_map(View::shortest).collect();
    torn.sort_by_key(|torn| (torn.steps.len(), torn.reader));
    torn.truncate(most);
    Ok(torn)
}

/// The chains of the parts.
fn chains(dependencies: &Dependencies, parts: &[Vec<u32>]) -> Vec<u32> {
    let nodes = parts.iter().flatten();
    let mut chains: Vec<u32> = nodes
        .map(|&node| dependencies.chain[node as usize])
        .collect();
    chains.sort_unstable();
    chains.dedup();
    chains
}

/// The transactions that read from a part; those that they read from, part by part.
fn views(dependencies: &Dependencies, parts: &[Vec<u32>]) -> Vec<View> {
    let mut part_of = vec![NONE; dependencies.len() as usize];
    for (part, nodes) in (0..).zip(parts) {
        for &node in nodes {
            part_of[node as usize] = part;
        }
    }
    let mut views = Vec::new();
    let mut sources: Vec<(u32, u32)> = Vec::new();
    for reader in 0..dependencies.len() {
        sources.clear();
        let from = dependencies.reads.of(reader).iter().map(|read| read.source);
        let from = from.filter(|&source| source != NONE);
        sources.extend(from.map(|source| (part_of[source as usize], source)));
        sources.retain(|(part, _)| *part != NONE);
        sources.sort_unstable();
        sources.dedup();
        for together in sources.chunk_by(|one, other| one.0 == other.0) {
            let sources: Vec<u32> = together.iter().map(|(_, source)| *source).collect();
            let count = sources.len();
            views.push(View {
                reader,
                before: sources.iter().map(|&source| vec![(source, NONE)]).collect(),
                sources,
                edges: vec![None; count * count],
            });
        }
    }
    views
}

impl View {
    /// The last writers in each chain that the reader has seen, of every key that it read.
    fn find_writers(&mut self, dependencies: &Dependencies, clocks: &Clocks) {
        let seen = clocks.of_node(self.reader);
        let first = &dependencies.first;
        let end = first[clocks.chains.end as usize];
        for read in dependencies.reads.of(self.reader) {
            let Ok(place) = self.sources.binary_search(&read.source) else {
                continue;
            };
            let before = clocks.of_node(read.source);
            let (_, writers) = dependencies.writers(read.key);
            let start = first[clocks.chains.start as usize];
            let mut from = writers.partition_point(|&writer| writer < start);
            while from < writers.len() && writers[from] < end {
                let chain = dependencies.chain[writers[from] as usize];
                let column = (chain - clocks.chains.start) as usize;
                let next = first[chain as usize + 1];
                let of_chain = &writers[from..];
                let of_chain = &of_chain[..of_chain.partition_point(|&writer| writer < next)];
                from += of_chain.len();
                let count = of_chain.partition_point(|&writer| writer < seen[column]);
                if let Some(&last) = of_chain[..count].last()
                    && last != read.source
                    && last >= before[column]
                {
                    self.before[place].push((last, read.key));
                }
            }
        }
    }

    fn find_edges(&mut self, dependencies: &Dependencies, clocks: &Clocks) {
        let count = self.sources.len();
        for (from, &source) in self.sources.iter().enumerate() {
            let chain = dependencies.chain[source as usize];
            if !clocks.chains.contains(&chain) {
                continue;
            }
            let column = (chain - clocks.chains.start) as usize;
            for (to, writers) in self.before.iter().enumerate() {
                let itself = |writer: u32| from == to && writer == source;
                let by = writers.iter().find(|&&(writer, _)| {
                    !itself(writer) && (writer == source || source < clocks.of_node(writer)[column])
                });
                self.edges[from * count + to] = by.copied();
            }
        }
    }

    /// The shortest cycle among the sources.
    fn shortest(&self) -> Option<Torn> {
        let count = self.sources.len();
        let mut best: Option<Vec<usize>> = None;
        for start in 0..count {
            if let Some(cycle) = self.cycle(start)
                && best.as_ref().is_none_or(|best| cycle.len() < best.len())
            {
                best = Some(cycle);
            }
        }
        let cycle = best?;
        let followed = cycle.iter().zip(cycle.iter().cycle().skip(1));
        let steps = followed.filter_map(|(&from, &to)| {
            let (writer, key) = self.edges[from * count + to]?;
            Some(Overtaken {
                source: self.sources[from],
                writer,
                key,
            })
        });
        Some(Torn {
            reader: self.reader,
            steps: steps.collect(),
        })
    }

    /// A shortest cycle through a source.
    fn cycle(&self, start: usize) -> Option<Vec<usize>> {
        let count = self.sources.len();
        let mut from: Vec<Option<usize>> = vec![None; count];
        let mut queue = vec![start];
        let mut next = 0;
        while let Some(&source) = queue.get(next) {
            next += 1;
            for to in 0..count {
                if self.edges[source * count + to].is_none() || from[to].is_some() {
                    continue;
                }
                from[to] = Some(source);
                if to == start {
                    return Some(way(&from, start));
                }
                queue.push(to);
            }
        }
        None
    }
}

/// The cycle that leads back to the start.
fn way(from: &[Option<usize>], start: usize) -> Vec<usize> {
    let mut way = Vec::new();
    let mut at = start;
    while let Some(before) = from[at] {
        way.push(before);
        at = before;
        if at == start {
            break;
        }
    }
    way.reverse();
    way
}
