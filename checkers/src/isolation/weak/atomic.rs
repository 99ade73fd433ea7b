//! Read atomic and monotonic atomic view: whoever saw one write of a transaction misses none of them.
//!
//! Both are as Biswas & Enea (OOPSLA 2019, section 2.2) have them, without the order of sessions. There is a commit order
//! that contains who reads from whom, in which the initial versions come first, such that: if a transaction read from
//! `t2`, which wrote `x`, and read `x` from another, `t1`, then `t2` comes before `t1`.
//! - `read-atomic` asks this of every two reads of a transaction (their *read atomic*),
//! - `monotonic-atomic-view` only where the read of `x` comes later in the transaction (their *read committed*, which is
//!   Bailis et al.'s, VLDB 2014, *observed transactions do not vanish*).
//!
//! So the level is a list of forced edges, and holds exactly if these and who reads from whom form no cycle: any
//! topological order is a commit order. For each transaction and each that it reads from, the smaller of what the one
//! read and the other wrote is walked, which makes O(n^1.5) for n operations, and that is optimal (Møldrup & Pavlogiannis,
//! PLDI 2025, AWDIT).

use std::ops::Range;

use rayon::prelude::*;

use super::dependencies::{Dependencies, Read};
use super::scan::NONE;

/// A read of the initial version of a key, though a writer of it came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missed {
    pub(super) reader: u32,
    pub(super) key: u32,
    pub(super) writer: u32,
}

/// What a level forces.
#[derive(Clone, Debug, Default)]
pub(super) struct Forced {
    /// The first comes before the second.
    pub(super) edges: Vec<(u32, u32)>,
    /// What no order allows.
    pub(super) missed: Vec<Missed>,
}

impl Forced {
    pub(super) fn join(parts: Vec<Self>) -> Self {
        let mut all = Self::default();
        for part in parts {
            all.edges.extend(part.edges);
            all.missed.extend(part.missed);
        }
        all
    }
}

/// Nodes that are looked at together.
const A_TURN: usize = 1 << 14;
/// Up to how many reads of a transaction every two of them are looked at.
const FEW: usize = 16;

/// What is forced by transactions that read from one and miss what it wrote; `later`: that read it before.
pub(super) fn forced(dependencies: &Dependencies, later: bool) -> Forced {
    let turn = |from: u32| {
        let until = dependencies.len().min(from + A_TURN as u32);
        let mut reader = Reader {
            dependencies,
            later,
            by_key: Vec::new(),
            sources: Vec::new(),
            forced: Forced::default(),
        };
        for node in from..until {
            reader.look(node);
        }
        reader.forced
    };
    if dependencies.len() as usize <= A_TURN {
        return turn(0);
    }
    let turns: Vec<u32> = (0..dependencies.len()).step_by(A_TURN).collect();
    Forced::join(turns.into_par_iter().map(turn).collect())
}

/// Looks at one transaction after another.
struct Reader<'a> {
    dependencies: &'a Dependencies,
    later: bool,
    /// The reads by key and place, where there are many.
    by_key: Vec<(u32, u32)>,
    /// Whom they read from and where first, where there are many.
    sources: Vec<(u32, u32)>,
    forced: Forced,
}

impl Reader<'_> {
    fn look(&mut self, node: u32) {
        let reads = self.dependencies.reads.of(node);
        if reads.len() < 2 {
            return;
        }
        if reads.len() > FEW {
            self.look_at_many(node, reads);
            return;
        }
        for (place, read) in reads.iter().enumerate() {
            let new = reads[..place]
                .iter()
                .all(|before| before.source != read.source);
            if new && read.source != NONE {
                let among = self.among(place, reads.len());
                self.every(node, read.source, &reads[among]);
            }
        }
    }

    /// The reads that a read has a say in.
    fn among(&self, place: usize, count: usize) -> Range<usize> {
        if self.later {
            place + 1..count
        } else {
            0..count
        }
    }

    /// Looks at every read of those.
    fn every(&mut self, reader: u32, seen: u32, reads: &[Read]) {
        for read in reads {
            if read.source != seen && self.dependencies.wrote(seen, read.key) {
                self.force(reader, seen, *read);
            }
        }
    }

    fn force(&mut self, reader: u32, seen: u32, read: Read) {
        if read.source != NONE {
            self.forced.edges.push((seen, read.source));
            return;
        }
        self.forced.missed.push(Missed {
            reader,
            key: read.key,
            writer: seen,
        });
    }

    fn look_at_many(&mut self, node: u32, reads: &[Read]) {
        self.by_key.clear();
        let places = reads.iter().zip(0..);
        self.by_key
            .extend(places.clone().map(|(read, place)| (read.key, place)));
        self.by_key.sort_unstable();
        self.sources.clear();
        self.sources
            .extend(places.map(|(read, place)| (read.source, place)));
        self.sources.sort_unstable();
        self.sources.dedup_by_key(|(source, _)| *source);
        for at in 0..self.sources.len() {
            let (source, place) = self.sources[at];
            if source == NONE {
                continue;
            }
            let among = self.among(place as usize, reads.len());
            let keys = self.dependencies.writes.of(source);
            if keys.len() < among.len() {
                for &key in keys {
                    self.of_key(node, source, reads, (key, among.clone()));
                }
            } else {
                self.every(node, source, &reads[among]);
            }
        }
    }

    /// Looks at the reads of one key.
    fn of_key(
        &mut self,
        node: u32,
        source: u32,
        reads: &[Read],
        (key, among): (u32, Range<usize>),
    ) {
        let from = (key, among.start as u32);
        let first = self.by_key.partition_point(|&entry| entry < from);
        for at in first..self.by_key.len() {
            let (of, place) = self.by_key[at];
            if of != key {
                break;
            }
            let read = reads[place as usize];
            if read.source != source {
                self.force(node, source, read);
            }
        }
    }
}
