//! Broken session guarantees in words: who saw which version after which.

use rustc_hash::FxHashMap;

use super::Finding;
use super::arrows::{Arrow, VERSIONS};
use super::atomic::Missed;
use super::dependencies::Read;
use super::scan::NONE;
use super::words::{Reason, Words};
use crate::isolation::Level;
use crate::isolation::rows::Rows;

/// The field's word for what breaks a guarantee.
fn kind(level: Level) -> &'static str {
    match level {
        Level::ReadYourWrites => "missed-own-write",
        Level::MonotonicReads => "non-monotonic-read",
        Level::MonotonicWrites => "non-monotonic-write",
        _ => "write-missing-its-reads",
    }
}

/// Puts what breaks one guarantee into words.
pub(super) struct Told<'a, 'w, 'h> {
    pub(super) words: Words<'w, 'h>,
    pub(super) readers: &'a Rows<(u32, u32)>,
    pub(super) level: Level,
}

/// One version is not newer than another of its key, which somebody read, or wrote.
#[derive(Clone, Copy)]
struct Hop {
    key: u32,
    older: u32,
    newer: u32,
}

impl Told<'_, '_, '_> {
    fn writer(&self, version: u32) -> u32 {
        self.words.dependencies.writer(version)
    }

    fn key_of(&self, version: u32) -> u32 {
        let dependencies = self.words.dependencies;
        let (mut low, mut high) = (0, dependencies.key_count());
        while low + 1 < high {
            let middle = u32::midpoint(low, high);
            if dependencies.versions.range(middle).start as u32 <= version {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    /// A cycle of versions, none newer than the next.
    pub(super) fn cycle(&self, cycle: &[u32]) -> Finding {
        let key = self.key_of(cycle.first().copied().unwrap_or(0));
        let names: Vec<String> = cycle
            .iter()
            .map(|&version| self.words.value(self.writer(version), key))
            .collect();
        let name = self.words.key(key);
        let summary = format!(
            "No order of the versions {} of key {name} gives {}.",
            names.join(", "),
            self.level
        );
        let mut all = Reason::default();
        for (&older, &newer) in cycle.iter().zip(cycle.iter().cycle().skip(1)) {
            let why = self.why(Hop { key, older, newer }, None);
            let why = why.or_else(|| self.words.presumed_versions(older, newer));
            all.then(why.unwrap_or_default());
            all.nodes.extend([self.writer(older), self.writer(newer)]);
        }
        self.words
            .finding(kind(self.level), Some(key), summary, all)
    }

    /// Somebody read the initial version.
    pub(super) fn initial(&self, missed: &Missed) -> Finding {
        let key = missed.key;
        let initial = self.words.dependencies.versions.range(key).start as u32;
        let older = self.missed_version(missed).unwrap_or(initial);
        let newer = initial;
        let why = self.why(Hop { key, older, newer }, Some(missed.reader));
        let mut why = why.unwrap_or_default();
        why.nodes.extend([missed.reader, self.writer(older)]);
        let summary = format!(
            "{} read nil of key {}, but {} asks for {} or something newer.",
            self.words.name(missed.reader),
            self.words.key(key),
            self.level,
            self.words.value(self.writer(older), key),
        );
        self.words
            .finding(kind(self.level), Some(key), summary, why)
    }

    /// The version that should have been read.
    fn missed_version(&self, missed: &Missed) -> Option<u32> {
        let dependencies = self.words.dependencies;
        let (first, writers) = dependencies.writers(missed.key);
        if missed.writer != NONE {
            let place = writers.binary_search(&missed.writer).ok()?;
            return Some(first + place as u32);
        }
        let sources = dependencies.reads.of(missed.reader).iter();
        let mut sources = sources.map(|read| read.source).filter(|&s| s != NONE);
        sources.find_map(|source| {
            let before = dependencies.before(source);
            let mut readers = self.readers.of(missed.key).iter();
            let known = |node: u32| node == source || before.contains(&node);
            let read = readers.find(|&&(node, version)| known(node) && version >= first)?;
            Some(read.1)
        })
    }

    fn why(&self, hop: Hop, reader: Option<u32>) -> Option<Reason> {
        let readers = self.readers.of(hop.key).iter();
        let mut readers = readers
            .filter(|&&(_, version)| version == hop.newer)
            .map(|&(node, _)| node)
            .filter(|&node| reader.is_none_or(|reader| reader == node));
        match self.level {
            Level::ReadYourWrites => {
                let writer = self.writer(hop.older);
                let before = |node: &u32| self.words.dependencies.before(*node).contains(&writer);
                let reader = readers.find(before)?;
                Some(self.session(hop, ("wrote", writer), ("read", reader)))
            }
            Level::MonotonicReads => {
                let earliest = self.earliest(hop.key, hop.older);
                readers.find_map(|reader| {
                    let earlier = self.read_by(&earliest, reader, false)?;
                    Some(self.session(hop, ("read", earlier), ("read", reader)))
                })
            }
            Level::MonotonicWrites => {
                let (older, newer) = (self.writer(hop.older), self.writer(hop.newer));
                let before = |node: u32| self.words.dependencies.before(node).contains(&older);
                if newer != NONE && before(newer) {
                    return Some(self.session(hop, ("wrote", older), ("wrote", newer)));
                }
                readers.find_map(|reader| {
                    let seen = self.seen(hop, reader, |source| before(source).then_some(older))?;
                    Some(self.followed(hop, "written", reader, seen))
                })
            }
            _ => {
                let earliest = self.earliest(hop.key, hop.older);
                let newer = self.writer(hop.newer);
                if newer != NONE
                    && let Some(earlier) = self.read_by(&earliest, newer, true)
                {
                    return Some(self.session(hop, ("read", earlier), ("wrote", newer)));
                }
                readers.find_map(|reader| {
                    let read_by = |source| self.read_by(&earliest, source, true);
                    let seen = self.seen(hop, reader, read_by)?;
                    Some(self.followed(hop, "read", reader, seen))
                })
            }
        }
    }

    /// By chain: the first node that read a version.
    fn earliest(&self, key: u32, version: u32) -> FxHashMap<u32, u32> {
        let mut earliest = FxHashMap::default();
        for &(node, read) in self.readers.of(key) {
            if read == version {
                let chain = self.words.dependencies.chain[node as usize];
                earliest.entry(chain).or_insert(node);
            }
        }
        earliest
    }

    /// The first node before one in its session that read, or the node itself if that counts.
    fn read_by(&self, earliest: &FxHashMap<u32, u32>, node: u32, itself: bool) -> Option<u32> {
        let dependencies = self.words.dependencies;
        let before = dependencies.before(node);
        let session = if before.is_empty() {
            node
        } else {
            before.start
        };
        let first = earliest.get(&dependencies.chain[session as usize]);
        let first = first.copied()?;
        (before.contains(&first) || itself && first == node).then_some(first)
    }

    /// From whom a reader read before it read the newer version, and what that one's session did before.
    fn seen(&self, hop: Hop, reader: u32, did: impl Fn(u32) -> Option<u32>) -> Option<(Read, u32)> {
        let reads = self.words.dependencies.reads.of(reader);
        let last = reads.iter().rposition(|read| read.version == hop.newer)?;
        let mut seen = reads[..last].iter().filter(|read| read.source != NONE);
        seen.find_map(|read| Some((*read, did(read.source)?)))
    }

    fn values(&self, hop: Hop) -> (String, String) {
        let value = |version| self.words.value(self.writer(version), hop.key);
        (value(hop.older), value(hop.newer))
    }

    fn conclusion(older: &str, newer: &str) -> String {
        if newer == "nil" {
            String::new()
        } else {
            format!(" So {newer} is not older than {older}.")
        }
    }

    /// One process did one thing and then another.
    fn session(&self, hop: Hop, (one, earlier): (&str, u32), (then, later): (&str, u32)) -> Reason {
        let (older, newer) = self.values(hop);
        let dependencies = self.words.dependencies;
        let number = dependencies.number[earlier as usize];
        let process = self.words.transactions.process(number);
        let why = format!(
            "Process {process} {one} {older} {} key {} in {}, and then {then} {newer} in {}.{}",
            if one == "wrote" { "to" } else { "of" },
            self.words.key(hop.key),
            self.words.name(earlier),
            self.words.name(later),
            Self::conclusion(&older, &newer),
        );
        let mut chain = self.known(hop, one == "read", earlier, later);
        let mut reason = self.forbidden(hop, why, &mut chain, (then == "read").then_some(later));
        reason.nodes = vec![earlier, later];
        reason
    }

    /// Somebody read from a transaction and then an old version of what its session had known.
    fn followed(&self, hop: Hop, known: &str, reader: u32, (seen, earlier): (Read, u32)) -> Reason {
        let (older, newer) = self.values(hop);
        let key = self.words.key(hop.key);
        let why = format!(
            "{} read {} of key {} from {}, whose process had {known} {older} {} key {key} in {}; and then {} \
             read {newer} of key {key}.{}",
            self.words.name(reader),
            self.words.value(seen.source, seen.key),
            self.words.key(seen.key),
            self.words.name(seen.source),
            if known == "written" { "to" } else { "of" },
            self.words.name(earlier),
            self.words.name(reader),
            Self::conclusion(&older, &newer),
        );
        let mut chain = self.known(hop, known == "read", earlier, seen.source);
        chain.push(self.words.read_from(seen.source, reader, seen.key));
        let mut reason = self.forbidden(hop, why, &mut chain, Some(reader));
        reason.nodes = vec![reader, seen.source, earlier];
        reason
    }

    /// From who wrote the older version, over who knew it, to what that one did later.
    fn known(&self, hop: Hop, read: bool, earlier: u32, later: u32) -> Vec<Arrow> {
        let mut chain = Vec::new();
        if read {
            let writer = self.writer(hop.older);
            chain.push(self.words.read_from(writer, earlier, hop.key));
        }
        if earlier != later {
            chain.push(self.words.in_session(earlier, later));
        }
        chain
    }

    /// What follows from a chain: that the newer version is not older, or that a reader of the initial one should not
    /// have been.
    fn forbidden(
        &self,
        hop: Hop,
        why: String,
        chain: &mut Vec<Arrow>,
        reader: Option<u32>,
    ) -> Reason {
        let (older, newer) = (self.writer(hop.older), self.writer(hop.newer));
        let mut reason = Reason::default();
        if newer == NONE {
            let back = reader.map(|it| self.words.initial_overwritten(it, older, hop.key));
            chain.extend(back);
            reason.way.append(chain);
        } else {
            let read = reader.map(|reader| self.words.read_from(newer, reader, hop.key));
            chain.extend(read);
            let (one, other) = self.values(hop);
            let shown = format!(
                "{why} {} wrote {one}, and {} wrote {other}.",
                self.words.name(older),
                self.words.name(newer)
            );
            let arrow = Arrow::forced((older, newer), VERSIONS, &shown);
            reason.way.push(arrow);
            reason.rests.append(chain);
        }
        reason.sentences.push(why);
        reason
    }
}
