//! The session guarantees: what a session may see of versions, given what it or others did before.
//!
//! Terry et al. (PDIS 1994, section 2) say which writes a server must hold before a session reads from it, and assume that
//! all servers come to order the writes of a key alike; Viotti & Vukolić (2016, section 4.5) say the same with one
//! arbitration for all. So here: *there is one order of the versions of each key*, the initial one first, such that
//! - `read-your-writes`: a read of a key returns no older version than those that earlier transactions of the session
//!   wrote;
//! - `monotonic-reads`: it returns no older version than earlier transactions of the session read;
//! - `monotonic-writes`: the versions that a session writes are in the session's order, and if a transaction reads from
//!   one of them, of any key, and after that, in its program order, reads a key that the session wrote before, it reads
//!   no older version than that;
//! - `writes-follow-reads`: a version is no older than those that its session read before or in the same transaction, and
//!   if a transaction reads from `t2`, of any key, and after that reads a key that the session of `t2` had read before or
//!   in `t2`, it reads no older version than those.
//!
//! Keys do not depend on each other. Reads that returned no version, and what a transaction reads of its own, are
//! passed over. The guarantees are weaker than causal convergence. Causal memory and pipelined memory do not imply
//! them, for there two processes may see two concurrent versions in different orders, and here they may not.
//!
//! Every guarantee is a list of pairs of versions of which one is not newer, which are linear in number with one
//! view for each read and session (see [`newer`](super::newer)), so that each takes O(n log n).

use super::atomic::Missed;
use super::dependencies::Dependencies;
use super::newer::Ages;
use super::scan::NONE;
use crate::isolation::Level;
use crate::isolation::rows::Rows;

/// Collects what a guarantee asks of the order of versions.
pub(super) struct Guarantee<'a> {
    dependencies: &'a Dependencies,
    /// Every read, by key and then by reader: who read which version.
    readers: &'a Rows<(u32, u32)>,
    pub(super) ages: Ages,
    /// Reads of the initial version that should have returned another.
    pub(super) missed: Vec<Missed>,
}

impl<'a> Guarantee<'a> {
    pub(super) fn of(
        level: Level,
        dependencies: &'a Dependencies,
        readers: &'a Rows<(u32, u32)>,
    ) -> Self {
        let mut guarantee = Self {
            dependencies,
            readers,
            ages: Ages::new(dependencies),
            missed: Vec::new(),
        };
        match level {
            Level::ReadYourWrites => guarantee.read_your_writes(),
            Level::MonotonicReads => guarantee.monotonic_reads(),
            Level::MonotonicWrites => guarantee.monotonic_writes(),
            _ => guarantee.writes_follow_reads(),
        }
        guarantee
    }

    fn keys(&self) -> std::ops::Range<u32> {
        0..self.dependencies.key_count()
    }

    fn chain(&self, node: u32) -> u32 {
        self.dependencies.chain[node as usize]
    }

    /// A read returned a version that must not be older than a view, of which this node wrote one.
    fn at_least(&mut self, view: u32, (reader, version): (u32, u32), key: u32, writer: u32) {
        if self.dependencies.writer(version) == NONE {
            self.missed.push(Missed {
                reader,
                key,
                writer,
            });
        } else {
            self.ages.not_newer(view, version);
        }
    }

    /// Along each session: the newest of the versions that it wrote, and then its reads.
    fn read_your_writes(&mut self) {
        for key in self.keys() {
            let (first, writers) = self.dependencies.writers(key);
            let mut next = 0;
            // The session at hand, the newest version that it wrote, and who wrote the last of these.
            let (mut chain, mut view, mut writer) = (NONE, NONE, NONE);
            for &(reader, version) in self.readers.of(key) {
                let of_reader = self.chain(reader);
                if of_reader != chain {
                    (chain, view) = (of_reader, NONE);
                }
                while next < writers.len() && writers[next] < reader {
                    if self.chain(writers[next]) == chain {
                        writer = writers[next];
                        view = self.ages.newer(view, first + next as u32);
                    }
                    next += 1;
                }
                if view != NONE {
                    self.at_least(view, (reader, version), key, writer);
                }
            }
        }
    }

    /// Along each session: the newest of the versions that one transaction read, and then those that the next reads.
    fn monotonic_reads(&mut self) {
        for key in self.keys() {
            let (mut chain, mut view, mut source) = (NONE, NONE, NONE);
            let readers = self.readers.of(key);
            for reads in readers.chunk_by(|one, other| one.0 == other.0) {
                let of_reader = self.chain(reads[0].0);
                if of_reader != chain {
                    (chain, view) = (of_reader, NONE);
                }
                if view != NONE {
                    for &read in reads {
                        self.at_least(view, read, key, source);
                    }
                }
                let mut newest = NONE;
                for &(_, version) in reads {
                    let writer = self.dependencies.writer(version);
                    if writer != NONE {
                        newest = self.ages.newer(newest, version);
                        source = writer;
                    }
                }
                if newest != NONE {
                    view = newest;
                }
            }
        }
    }

    /// The last write of a key that came before a node in its session: the version and its writer.
    fn written_before(&self, node: u32, key: u32) -> Option<(u32, u32)> {
        let before = self.dependencies.before(node);
        let (first, writers) = self.dependencies.writers(key);
        let count = writers.partition_point(|&writer| writer < before.end);
        let last = count.checked_sub(1)?;
        (writers[last] >= before.start).then(|| (first + last as u32, writers[last]))
    }

    fn monotonic_writes(&mut self) {
        for key in self.keys() {
            let (first, writers) = self.dependencies.writers(key);
            for (place, &writer) in writers.iter().enumerate() {
                if let Some((version, _)) = self.written_before(writer, key) {
                    self.ages.not_newer(version, first + place as u32);
                }
            }
        }
        for reader in 0..self.dependencies.len() {
            self.held_by(reader, |guarantee, source, read, version| {
                if let Some((before, writer)) = guarantee.written_before(source, read) {
                    guarantee.at_least(before, (reader, version), read, writer);
                }
            });
        }
    }

    /// Holds every read of a transaction against those from whom it read before: of each session the last.
    fn held_by(&mut self, reader: u32, mut hold: impl FnMut(&mut Self, u32, u32, u32)) {
        let dependencies = self.dependencies;
        let reads = dependencies.reads.of(reader);
        if reads.len() < 2 {
            return;
        }
        let mut sources: Vec<(u32, u32)> = Vec::new();
        for read in reads {
            for &(_, source) in &sources {
                hold(self, source, read.key, read.version);
            }
            if read.source == NONE {
                continue;
            }
            let chain = self.chain(read.source);
            match sources.iter_mut().find(|(known, _)| *known == chain) {
                Some((_, source)) => *source = read.source.max(*source),
                None => sources.push((chain, read.source)),
            }
        }
    }

    /// By read, in the order of `readers`: the newest version that its session had read then.
    fn views(&mut self) -> Vec<u32> {
        let mut views = Vec::with_capacity(self.readers.all().len());
        for key in self.keys() {
            let (mut chain, mut view) = (NONE, NONE);
            let mut last = NONE;
            for &(reader, version) in self.readers.of(key) {
                let of_reader = self.chain(reader);
                if of_reader != chain {
                    (chain, view, last) = (of_reader, NONE, NONE);
                }
                if version != last && self.dependencies.writer(version) != NONE {
                    view = self.ages.newer(view, version);
                    last = version;
                }
                views.push(view);
            }
        }
        views
    }

    /// The newest version of a key that the session of a node had read by then, the node included.
    fn read_by(&self, views: &[u32], node: u32, key: u32) -> u32 {
        let before = self.dependencies.before(node);
        let known = before.start.min(node)..before.end.max(before.start);
        let own = node == known.end;
        let range = self.readers.range(key);
        let readers = self.readers.of(key);
        let count = readers
            .partition_point(|&(reader, _)| reader < known.end || own && reader == known.end);
        match count.checked_sub(1) {
            Some(last) if readers[last].0 >= known.start => views[range.start + last],
            _ => NONE,
        }
    }

    fn writes_follow_reads(&mut self) {
        let views = self.views();
        for key in self.keys() {
            let (first, writers) = self.dependencies.writers(key);
            for (place, &writer) in writers.iter().enumerate() {
                let view = self.read_by(&views, writer, key);
                if view != NONE {
                    self.ages.not_newer(view, first + place as u32);
                }
            }
        }
        for reader in 0..self.dependencies.len() {
            self.held_by(reader, |guarantee, source, key, version| {
                let view = guarantee.read_by(&views, source, key);
                if view != NONE {
                    guarantee.at_least(view, (reader, version), key, NONE);
                }
            });
        }
    }
}
