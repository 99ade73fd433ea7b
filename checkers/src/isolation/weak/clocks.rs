//! Vector clocks (Fidge 1988, Mattern 1989): how much of every chain comes causally before each node.
//!
//! A node's entry for a chain is one more than the last node of it that comes before, or 0; as nodes are numbered along
//! their chains, `other` comes before the node exactly if it is smaller than the node's entry for the chain of `other`.
//! A history of many chains is looked at a block of chains at a time, so that memory stays linear in the number of
//! transactions.

use std::ops::Range;

use super::dependencies::Dependencies;
use super::scan::NONE;

/// The most chains of a block.
const WIDEST: u32 = 48;

/// The clocks of all nodes, as far as they concern some chains.
pub(super) struct Clocks {
    pub(super) chains: Range<u32>,
    width: usize,
    entries: Vec<u32>,
}

/// The chains in blocks of about the same size.
pub(super) fn blocks(dependencies: &Dependencies) -> Vec<Range<u32>> {
    let chains = dependencies.chains();
    let count = chains.div_ceil(WIDEST).max(1);
    let width = chains.div_ceil(count).max(1);
    (0..count)
        .map(|block| (block * width).min(chains)..((block + 1) * width).min(chains))
        .filter(|block| !block.is_empty())
        .collect()
}

impl Clocks {
    /// How many bytes the clocks of a block take.
    pub(super) fn bytes(dependencies: &Dependencies, chains: &Range<u32>) -> usize {
        dependencies.len() as usize * chains.len() * size_of::<u32>()
    }

    /// The clocks of happens-before, the least order that contains sessions and who reads from whom. `order` has every
    /// node after those that come before it.
    pub(super) fn of(dependencies: &Dependencies, order: &[u32], chains: Range<u32>) -> Self {
        let width = chains.len();
        let mut entries = vec![0_u32; order.len() * width];
        let mut clock = vec![0_u32; width];
        for &node in order {
            match dependencies.previous(node) {
                Some(before) => {
                    clock.copy_from_slice(&entries[row(before, width)]);
                    see(&mut clock, &chains, dependencies, before);
                }
                None => clock.fill(0),
            }
            let mut last = NONE;
            for read in dependencies.reads.of(node) {
                if read.source == NONE || read.source == last {
                    continue;
                }
                last = read.source;
                join(&mut clock, &entries[row(read.source, width)]);
                see(&mut clock, &chains, dependencies, read.source);
            }
            entries[row(node, width)].copy_from_slice(&clock);
        }
        Self {
            chains,
            width,
            entries,
        }
    }

    /// What comes before a node, by chain of the block.
    pub(super) fn of_node(&self, node: u32) -> &[u32] {
        &self.entries[row(node, self.width)]
    }
}

fn row(node: u32, width: usize) -> Range<usize> {
    node as usize * width..(node as usize + 1) * width
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
