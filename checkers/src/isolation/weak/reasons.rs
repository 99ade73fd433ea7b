//! Why a level forces one transaction before another: the read that says so, looked for only once it is needed.

use rustc_hash::FxHashMap;

use super::Finding;
use super::arrows::{Arrow, CF, VERSIONS};
use super::atomic::Missed;
use super::clocks::{Clocks, visible};
use super::scan::NONE;
use super::words::{Reason, Words};

/// How many forced steps of a cycle are explained with all that proves them; longer ones are not read by anyone.
const EXPLAINED: usize = 8;
/// How many readers are tried for a short proof.
const TRIED: usize = 2;

/// A read that forces an edge: who read from the later, and which key both wrote.
type Witness = (u32, u32);

impl Words<'_, '_> {
    /// The steps of a cycle that need a read to prove them.
    fn forced_steps(&self, cycle: &[u32], sessions: bool) -> Vec<(u32, u32)> {
        let followed = cycle.iter().zip(cycle.iter().cycle().skip(1));
        followed
            .map(|(&from, &to)| (from, to))
            .filter(|&(from, to)| self.direct(from, to, sessions).is_none())
            .filter(|&(from, to)| self.presumed(from, to).is_none())
            .collect()
    }

    /// By step: the readers of the later that may force it, with the key.
    fn readers(&self, steps: &[(u32, u32)]) -> FxHashMap<(u32, u32), Vec<Witness>> {
        let mut by_later: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        for &(earlier, later) in steps {
            by_later.entry(later).or_default().push(earlier);
        }
        let mut readers: FxHashMap<(u32, u32), Vec<Witness>> = FxHashMap::default();
        for &reader in &self.dependencies.node {
            if reader == NONE {
                continue;
            }
            for read in self.dependencies.reads.of(reader) {
                for &earlier in by_later.get(&read.source).into_iter().flatten() {
                    if self.dependencies.wrote(earlier, read.key) {
                        let step = (earlier, read.source);
                        readers.entry(step).or_default().push((reader, read.key));
                    }
                }
            }
        }
        readers
    }

    /// A step that a read forces, as an edge of a kind.
    fn read_instead(
        &self,
        kind: &'static str,
        (earlier, later): (u32, u32),
        (reader, key): Witness,
    ) -> Reason {
        let (reader_name, earlier_name, later_name) =
            (self.name(reader), self.name(earlier), self.name(later));
        let why = format!(
            "{reader_name} read {} of key {}, which {later_name} had written, and not {}, which {earlier_name} \
             wrote: so {earlier_name} came before {later_name}.",
            self.value(later, key),
            self.key(key),
            self.value(earlier, key),
        );
        Reason {
            way: vec![Arrow::forced((earlier, later), kind, &why)],
            rests: vec![self.read_from(later, reader, key)],
            sentences: vec![why],
            nodes: vec![reader, earlier, later],
        }
    }

    /// A cycle of read atomic, or of monotonic atomic view.
    pub(super) fn torn(&self, later: bool, cycle: &[u32]) -> Finding {
        let steps = self.forced_steps(cycle, false);
        let readers = self.readers(&steps);
        let kind = kind(later);
        self.cycle((kind, false), cycle, |from, to| {
            let witnesses = readers.get(&(from, to)).into_iter().flatten();
            let mut saw = witnesses.filter_map(|&(reader, key)| {
                let place = self.saw(later, reader, from, (key, to))?;
                Some(((reader, key), place))
            });
            let Some((witness, place)) = saw.next() else {
                return Reason::default();
            };
            let read = self.dependencies.reads.of(witness.0)[place];
            let mut reason = self.read_instead(VERSIONS, (from, to), witness);
            let seen = format!(
                "{} read {} of key {}, which {} had written{}.",
                self.name(witness.0),
                self.value(from, read.key),
                self.key(read.key),
                self.name(from),
                if later {
                    ", before it read the rest"
                } else {
                    ""
                },
            );
            reason.sentences.insert(0, seen);
            reason
                .rests
                .insert(0, self.read_from(from, witness.0, read.key));
            reason
        })
    }

    /// Where a reader read from the earlier, if it may be held against its read of a key from the later.
    fn saw(&self, later: bool, reader: u32, from: u32, (key, to): (u32, u32)) -> Option<usize> {
        let reads = self.dependencies.reads.of(reader);
        let last = reads
            .iter()
            .rposition(|read| read.key == key && read.source == to)?;
        let place = reads.iter().position(|read| read.source == from)?;
        (!later || place < last).then_some(place)
    }

    /// Someone read the initial version of a key and saw a transaction that wrote it.
    pub(super) fn torn_initial(&self, later: bool, missed: &Missed) -> Finding {
        let (reader, writer) = (self.name(missed.reader), self.name(missed.writer));
        let mut reads = self.dependencies.reads.of(missed.reader).iter();
        let seen = reads.find(|read| read.source == missed.writer);
        let seen_key = seen.map_or(missed.key, |read| read.key);
        let summary = format!(
            "{reader} read {} of key {}, which {writer} wrote; but {}it read nil of key {}, to which {writer} wrote {}.",
            self.value(missed.writer, seen_key),
            self.key(seen_key),
            if later { "after that " } else { "" },
            self.key(missed.key),
            self.value(missed.writer, missed.key),
        );
        let reason = Reason {
            nodes: vec![missed.reader, missed.writer],
            way: vec![
                self.read_from(missed.writer, missed.reader, seen_key),
                self.initial_overwritten(missed.reader, missed.writer, missed.key),
            ],
            ..Reason::default()
        };
        self.finding(kind(later), Some(missed.key), summary, reason)
    }

    /// A cycle of causal convergence; `order` has every node after those that happened before it.
    pub(super) fn conflict(&self, cycle: &[u32], order: &[u32]) -> Finding {
        let steps = self.forced_steps(cycle, true);
        let readers = self.readers(&steps[..steps.len().min(EXPLAINED)]);
        let kind = if steps.len() == 1 {
            "write-co-read"
        } else {
            "cyclic-cf"
        };
        self.cycle((kind, true), cycle, |from, to| {
            let witnesses = readers.get(&(from, to)).map_or(&[][..], |found| found);
            self.witnessed((from, to), witnesses, order)
                .unwrap_or_else(|| self.unexplained(from, to))
        })
    }

    /// The shortest of the first few proofs that a reader had seen the earlier.
    fn witnessed(&self, step: (u32, u32), witnesses: &[Witness], order: &[u32]) -> Option<Reason> {
        let chain = self.dependencies.chain[step.0 as usize];
        let clocks = Clocks::of(
            self.dependencies,
            order,
            &visible(self.dependencies),
            chain..chain + 1,
        );
        let saw = |reader: u32| step.0 < clocks.of_node(reader)[0];
        let first = witnesses.iter().filter(|(reader, _)| saw(*reader));
        let proofs = first.take(TRIED).map(|&witness| {
            let mut reason = Reason::default();
            reason.rests_on(self.happened(step.0, witness.0));
            reason.then(self.read_instead(CF, step, witness));
            reason
        });
        proofs.min_by_key(|reason| reason.sentences.len())
    }

    /// A step that is forced, where there are too many of them to look for what forces each.
    fn unexplained(&self, from: u32, to: u32) -> Reason {
        let why = format!(
            "Someone who read what {} wrote had seen {}, which wrote the key before.",
            self.name(to),
            self.name(from)
        );
        Reason {
            way: vec![Arrow::forced((from, to), CF, &why)],
            sentences: vec![why],
            ..Reason::default()
        }
    }
}

fn kind(later: bool) -> &'static str {
    if later {
        "observed-transaction-vanishes"
    } else {
        "fractured-read"
    }
}
