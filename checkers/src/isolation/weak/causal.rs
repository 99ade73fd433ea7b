//! What causal reads force: the edges of causal convergence.
//!
//! *Happens-before* is the least order that contains sessions and who reads from whom. If a transaction read `x` from
//! `t1` and another writer of `x`, `t2`, happened before it, then `t2` comes before `t1` in every order that explains the
//! read. Bouajjani, Enea, Guerraoui & Hamza (POPL 2017, section 3.2) call this order the conflict relation, and theorem 3
//! there says: a history is causally convergent exactly if happens-before is acyclic together with it, and no initial
//! version is read after a write of its key happened. Biswas & Enea (OOPSLA 2019) read the same on whole transactions,
//! and call it causal consistency.
//!
//! Of the writers of a key in one session only the last that happened before a reader counts, as the others precede
//! it; and of all readers of one version only what any of them has seen. So for each version one entry of its writer's
//! clock is held against one of its readers' clocks, session by session of those that wrote the key: O(n k) for n reads
//! and writes and k sessions, as in AWDIT (Møldrup & Pavlogiannis, PLDI 2025).

use rayon::prelude::*;

use super::atomic::{Forced, Missed};
use super::clocks::{Clocks, join};
use super::dependencies::Dependencies;
use super::scan::NONE;
use crate::isolation::rows::Rows;

/// Keys that are looked at together.
const A_TURN: usize = 64;

/// Every read, by key and then by reader: who read which version.
pub(super) fn readers(dependencies: &Dependencies) -> Rows<(u32, u32)> {
    let nodes = 0..dependencies.len();
    let reads = nodes.flat_map(|node| {
        let reads = dependencies.reads.of(node).iter();
        reads.map(move |read| (read.key, (node, read.version)))
    });
    Rows::sorted(dependencies.key_count() as usize, reads, (NONE, NONE))
}

/// Adds what is forced by the writers of some chains.
pub(super) fn force(
    dependencies: &Dependencies,
    readers: &Rows<(u32, u32)>,
    clocks: &Clocks,
    forced: &mut Forced,
) {
    let keys: Vec<u32> = (0..dependencies.key_count()).collect();
    let turn = |keys: &[u32]| {
        let mut turn = Turn::new(dependencies, clocks);
        for &key in keys {
            turn.look(key, readers.of(key));
        }
        turn.forced
    };
    let parts = if keys.len() <= A_TURN {
        vec![turn(&keys)]
    } else {
        keys.par_chunks(A_TURN).map(turn).collect()
    };
    let all = Forced::join(parts);
    forced.edges.extend(all.edges);
    forced.missed.extend(all.missed);
}

/// The writers of a key in one chain.
struct Group {
    column: usize,
    from: usize,
    until: usize,
    /// The first of them that the writer at hand has not seen.
    next: usize,
}

/// Looks at one key after another.
struct Turn<'a> {
    dependencies: &'a Dependencies,
    clocks: &'a Clocks,
    groups: Vec<Group>,
    /// By version and group: what the readers of the version have seen together of the group's chain.
    seen: Vec<u32>,
    forced: Forced,
}

impl<'a> Turn<'a> {
    fn new(dependencies: &'a Dependencies, clocks: &'a Clocks) -> Self {
        Self {
            dependencies,
            clocks,
            groups: Vec::new(),
            seen: Vec::new(),
            forced: Forced::default(),
        }
    }

    fn look(&mut self, key: u32, readers: &[(u32, u32)]) {
        let (first, writers) = self.dependencies.writers(key);
        if readers.is_empty() || writers.is_empty() {
            return;
        }
        self.group(writers);
        if self.groups.is_empty() {
            return;
        }
        let initial = first - 1;
        self.see(readers, initial, writers.len());
        self.look_at_initial(key, readers, writers, initial);
        let mut chain = NONE;
        for (place, &writer) in writers.iter().enumerate() {
            let of_writer = self.dependencies.chain[writer as usize];
            if of_writer != chain {
                chain = of_writer;
                for group in &mut self.groups {
                    group.next = group.from;
                }
            }
            let at = (place + 1) * self.groups.len();
            self.look_at_version(writer, writers, at);
        }
    }

    /// Joins what the readers of each version have seen, as far as it is of chains that wrote the key.
    fn see(&mut self, readers: &[(u32, u32)], initial: u32, writers: usize) {
        let count = self.groups.len();
        self.seen.clear();
        self.seen.resize((writers + 1) * count, 0);
        for &(reader, version) in readers {
            let at = (version - initial) as usize * count;
            let seen = &mut self.seen[at..at + count];
            let clock = self.clocks.of_node(reader);
            if count == clock.len() {
                join(seen, clock);
                continue;
            }
            for (entry, group) in seen.iter_mut().zip(&self.groups) {
                *entry = clock[group.column].max(*entry);
            }
        }
    }

    /// Groups the writers of a key by chain, as far as their chains are looked at.
    fn group(&mut self, writers: &[u32]) {
        let first = &self.dependencies.first;
        let chains = &self.clocks.chains;
        let end = first[chains.end as usize];
        self.groups.clear();
        let mut from = writers.partition_point(|&writer| writer < first[chains.start as usize]);
        while from < writers.len() && writers[from] < end {
            let chain = self.dependencies.chain[writers[from] as usize];
            let next = first[chain as usize + 1];
            let until = from + writers[from..].partition_point(|&writer| writer < next);
            self.groups.push(Group {
                column: (chain - chains.start) as usize,
                from,
                until,
                next: from,
            });
            from = until;
        }
    }

    /// Whether somebody read the initial version after a write of the key.
    fn look_at_initial(&mut self, key: u32, readers: &[(u32, u32)], writers: &[u32], initial: u32) {
        for (group, &seen) in self.groups.iter().zip(&self.seen) {
            let writer = writers[group.from];
            if writer >= seen {
                continue;
            }
            let missed = readers.iter().find(|&&(reader, version)| {
                version == initial && writer < self.clocks.of_node(reader)[group.column]
            });
            self.forced.missed.extend(missed.map(|&(reader, _)| Missed {
                reader,
                key,
                writer,
            }));
        }
    }

    /// What comes before the writer of a version that was read. Writers of one chain come in order, so that what they
    /// have seen only grows.
    fn look_at_version(&mut self, writer: u32, writers: &[u32], at: usize) {
        let seen = &self.seen[at..at + self.groups.len()];
        let before = self.clocks.of_node(writer);
        for (group, &seen) in self.groups.iter_mut().zip(seen) {
            let before = before[group.column];
            if seen <= before {
                continue;
            }
            while group.next < group.until && writers[group.next] < before {
                group.next += 1;
            }
            let unseen = &writers[group.next..group.until];
            let count = unseen.partition_point(|&other| other < seen);
            if let Some(last) = count.checked_sub(1).map(|last| unseen[last])
                && last != writer
            {
                self.forced.edges.push((last, writer));
            }
        }
    }
}
