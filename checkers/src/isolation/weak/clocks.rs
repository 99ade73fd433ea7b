//! Vector clocks (Fidge 1988, Mattern 1989): how much of every chain comes causally before each node.
//!
//! A node's entry for a chain is one more than the last node of it that comes before, or 0; as nodes are numbered along
//! their chains, `other` comes before the node exactly if it is smaller than the node's entry for the chain of `other`.
//! A history of many chains is looked at a block of chains at a time, so that memory stays linear in the number of
//! transactions. Tests make blocks small, to meet all of this in small histories.

use std::ops::Range;

use super::dependencies::Dependencies;
use super::scan::NONE;

/// How many chains a block may have at least, and how many entries the clocks of one may have beyond that.
const WIDTH: u32 = if cfg!(all(test, debug_assertions)) {
    2
} else {
    48
};
const ENTRIES: u32 = if cfg!(all(test, debug_assertions)) {
    0
} else {
    1 << 26
};

/// The clocks of all nodes, as far as they concern some chains.
///
/// Most sessions of a long history are short, and what all of them did is soon known to everybody. So nodes that have
/// seen nothing of the chains share one clock, and so do those that have seen all that anybody else ever saw of them.
pub(super) struct Clocks {
    pub(super) chains: Range<u32>,
    width: usize,
    /// By node: which clock is its; its own where all chains are looked at.
    row: Option<Vec<u32>>,
    entries: Vec<u32>,
}

/// The clock of those that have seen nothing, and of those that have seen all.
const NOTHING: u32 = 0;
const ALL: u32 = 1;

/// The chains in blocks of about the same size.
pub(super) fn blocks(dependencies: &Dependencies) -> Vec<Range<u32>> {
    let chains = dependencies.chains();
    let widest = WIDTH.max(ENTRIES / dependencies.len().max(1));
    let count = chains.div_ceil(widest).max(1);
    let width = chains.div_ceil(count).max(1);
    (0..count)
        .map(|block| (block * width).min(chains)..((block + 1) * width).min(chains))
        .filter(|block| !block.is_empty())
        .collect()
}

/// By chain: how much of it the nodes of other chains ever see.
pub(super) fn visible(dependencies: &Dependencies) -> Vec<u32> {
    let chains = 0..dependencies.chains();
    let mut visible = vec![0; chains.len()];
    for node in 0..dependencies.len() {
        let chain = dependencies.chain[node as usize];
        for read in dependencies.reads.of(node) {
            if read.source != NONE && dependencies.chain[read.source as usize] != chain {
                see(&mut visible, &chains, dependencies, read.source);
            }
        }
        // The predecessors of one that nobody knows of are in another chain.
        let previous = dependencies
            .previous(node)
            .filter(|_| chain >= dependencies.sessions());
        if let Some(previous) = previous {
            see(&mut visible, &chains, dependencies, previous);
        }
    }
    visible
}

impl Clocks {
    /// The most bytes that the clocks of a block take.
    pub(super) fn bytes(dependencies: &Dependencies, chains: &Range<u32>) -> usize {
        (dependencies.len() as usize + 2) * (chains.len() + 1) * size_of::<u32>()
    }

    /// The clocks of happens-before, the least order that contains sessions and who reads from whom. `order` has every
    /// node after those that come before it; `visible` is of these dependencies.
    pub(super) fn of(
        dependencies: &Dependencies,
        order: &[u32],
        visible: &[u32],
        chains: Range<u32>,
    ) -> Self {
        let width = chains.len();
        let whole = width == visible.len();
        let mut clocks = Self {
            width,
            row: if whole {
                None
            } else {
                Some(vec![NOTHING; order.len()])
            },
            entries: Vec::new(),
            chains,
        };
        let mut clock = vec![0_u32; width];
        if whole {
            clocks.entries = vec![0; order.len() * width];
            for &node in order {
                clocks.join_before(dependencies, node, &mut clock);
                let at = node as usize * width;
                clocks.entries[at..at + width].copy_from_slice(&clock);
            }
            return clocks;
        }
        clocks.entries.resize(width, 0);
        let range = clocks.chains.start as usize..clocks.chains.end as usize;
        clocks.entries.extend_from_slice(&visible[range]);
        for &node in order {
            let row = clocks.add(dependencies, node, &mut clock);
            if let Some(rows) = &mut clocks.row {
                rows[node as usize] = row;
            }
        }
        clocks
    }

    /// What comes before a node, from the clocks of those right before it.
    fn join_before(&self, dependencies: &Dependencies, node: u32, clock: &mut [u32]) {
        match dependencies.previous(node) {
            Some(before) => {
                clock.copy_from_slice(self.of_node(before));
                see(clock, &self.chains, dependencies, before);
            }
            None => clock.fill(0),
        }
        let mut last = NONE;
        for read in dependencies.reads.of(node) {
            if read.source == NONE || read.source == last {
                continue;
            }
            last = read.source;
            join(clock, self.of_node(read.source));
            see(clock, &self.chains, dependencies, read.source);
        }
    }

    fn row(&self, node: u32) -> u32 {
        self.row.as_ref().map_or(node, |rows| rows[node as usize])
    }

    /// Which clock is that of a node. The clocks of those before are known.
    fn add(&mut self, dependencies: &Dependencies, node: u32, clock: &mut [u32]) -> u32 {
        let sources = dependencies.reads.of(node).iter().map(|read| read.source);
        let sources = sources.filter(|&source| source != NONE);
        let mut before = dependencies.previous(node).into_iter().chain(sources);
        let inside = |node: u32| self.chains.contains(&dependencies.chain[node as usize]);
        let unseen = |node: u32| self.row(node) == NOTHING && !inside(node);
        if before.clone().all(unseen) {
            return NOTHING;
        }
        let own = inside(node);
        if !own && before.any(|node| self.row(node) == ALL) {
            return ALL;
        }
        self.join_before(dependencies, node, clock);
        if !own && *clock == self.entries[self.width..2 * self.width] {
            return ALL;
        }
        self.entries.extend_from_slice(clock);
        (self.entries.len() / self.width) as u32 - 1
    }

    /// What comes before a node, by chain of the block.
    pub(super) fn of_node(&self, node: u32) -> &[u32] {
        let from = self.row(node) as usize * self.width;
        &self.entries[from..from + self.width]
    }
}

/// Notes that a node itself comes before.
fn see(clock: &mut [u32], chains: &Range<u32>, dependencies: &Dependencies, node: u32) {
    let chain = dependencies.chain[node as usize];
    if chains.contains(&chain) {
        let entry = &mut clock[(chain - chains.start) as usize];
        *entry = (node + 1).max(*entry);
    }
}

/// What comes before one or the other.
pub(super) fn join(clock: &mut [u32], other: &[u32]) {
    for (entry, &other) in clock.iter_mut().zip(other) {
        *entry = other.max(*entry);
    }
}
