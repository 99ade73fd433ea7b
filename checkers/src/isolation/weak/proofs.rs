//! Why there is no order for a process, in words: every forced step with the read that forces it, after the steps that
//! this read rests on.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::arrows::{Arrow, HB};
use super::precedence::{Precedence, lists};
use super::process::{Broken, Forced};
use super::words::{Reason, Words};

/// How many forced steps are explained with all that proves them.
const EXPLAINED: usize = 32;

/// A way from one transaction to another, as pairs that follow each other.
type Way = Vec<(u32, u32)>;

impl Words<'_, '_> {
    /// A process to which there is no order.
    pub(super) fn broken(&self, memory: bool, broken: &Broken) -> Finding {
        let way = match &broken.missed {
            Some(missed) => self.way(memory, broken, broken.forced.len(), |graph| {
                let path = graph.path(missed.writer, missed.reader).unwrap_or_default();
                path.windows(2).map(|pair| (pair[0], pair[1])).collect()
            }),
            None => self.way(memory, broken, broken.forced.len(), |graph| {
                let cycles = graph.cycles(&graph.parts(), 1);
                let cycle = cycles.first().map_or(&[][..], |cycle| cycle);
                let followed = cycle.iter().zip(cycle.iter().cycle().skip(1));
                followed.map(|(&from, &to)| (from, to)).collect()
            }),
        };
        let mut reason = self.proof(memory, broken, &way);
        let first = self.dependencies.first[broken.process as usize];
        let number = self.dependencies.number[first as usize];
        let process = self.transactions.process(number);
        let Some(missed) = broken.missed else {
            let names: Vec<String> = way.iter().map(|&(from, _)| self.name(from)).collect();
            let start = names.first().cloned().unwrap_or_default();
            let summary = format!(
                "To process {process}, {} < {start}: each would have to come before itself.",
                names.join(" < ")
            );
            let kind = if memory { "cyclic-hb" } else { "non-pipelined" };
            return self.finding(kind, None, summary, reason);
        };
        let summary = format!(
            "{} read nil of key {}, but to its process {process} {}, which wrote {} to it, came before.",
            self.name(missed.reader),
            self.key(missed.key),
            self.name(missed.writer),
            self.value(missed.writer, missed.key),
        );
        let overwritten = self.initial_overwritten(missed.reader, missed.writer, missed.key);
        reason.way.push(overwritten);
        let kind = if memory {
            "write-hb-init-read"
        } else {
            "non-pipelined"
        };
        self.finding(kind, Some(missed.key), summary, reason)
    }

    /// A way in the order of a process, as far as the first forced steps make it.
    fn way(
        &self,
        memory: bool,
        broken: &Broken,
        known: usize,
        find: impl Fn(&Precedence<'_>) -> Way,
    ) -> Way {
        let edges = broken.forced[..known].iter();
        let edges: Vec<(u32, u32)> = edges.map(|step| (step.earlier, step.later)).collect();
        let forced = lists(self.dependencies.len(), &edges);
        find(&Precedence {
            dependencies: self.dependencies,
            sessions: true,
            readers: (!memory).then_some(broken.process),
            presumed: true,
            forced: &forced,
        })
    }

    /// What proves a way, and what proves that, in the order in which it was found.
    fn proof(&self, memory: bool, broken: &Broken, way: &Way) -> Reason {
        let mut ways: BTreeMap<usize, Way> = BTreeMap::new();
        let mut open: BTreeSet<usize> = BTreeSet::new();
        self.needs(memory, broken, way, &mut open);
        while let Some(step) = open.pop_last() {
            if ways.len() == EXPLAINED {
                break;
            }
            let Forced {
                earlier, reader, ..
            } = broken.forced[step];
            let way = self.way(memory, broken, step, |graph| {
                let path = graph.path(earlier, reader).unwrap_or_default();
                path.windows(2).map(|pair| (pair[0], pair[1])).collect()
            });
            self.needs(memory, broken, &way, &mut open);
            ways.insert(step, way);
        }
        let mut all = Reason::default();
        for (&step, way) in &ways {
            self.walk(memory, broken, way, &mut all);
            all.add(self.forced_before(&broken.forced[step]));
        }
        // What was told so far is what the way itself rests on.
        let told = std::mem::take(&mut all.way);
        all.rests.extend(told);
        self.walk(memory, broken, way, &mut all);
        all
    }

    /// The forced steps of a way.
    fn needs(&self, memory: bool, broken: &Broken, way: &Way, open: &mut BTreeSet<usize>) {
        for &(from, to) in way {
            if self.counts(memory, broken, from, to).is_none() {
                let step = |step: &Forced| step.earlier == from && step.later == to;
                open.extend(broken.forced.iter().position(step));
            }
        }
    }

    /// Why one comes right before another without a read of the process in between.
    fn counts(&self, memory: bool, broken: &Broken, from: u32, to: u32) -> Option<Reason> {
        let own = self.dependencies.chain[to as usize] == broken.process;
        let session = self.dependencies.before(to).contains(&from);
        (memory || own || session)
            .then(|| self.direct(from, to, true))
            .flatten()
            .or_else(|| self.presumed(from, to))
    }

    /// The steps of a way, in words as far as they are not forced.
    fn walk(&self, memory: bool, broken: &Broken, way: &Way, all: &mut Reason) {
        for &(from, to) in way {
            all.nodes.extend([from, to]);
            match self.counts(memory, broken, from, to) {
                Some(reason) => all.add(reason),
                None => all.way.extend(self.forced_arrow(broken, from, to)),
            }
        }
    }

    /// The edge of a forced step, and what was read there.
    fn forced_arrow(&self, broken: &Broken, from: u32, to: u32) -> Option<Arrow> {
        let mut forced = broken.forced.iter();
        let step = forced.find(|step| step.earlier == from && step.later == to)?;
        self.forced_before(step).way.pop()
    }

    fn forced_before(&self, step: &Forced) -> Reason {
        let (earlier, later) = (self.name(step.earlier), self.name(step.later));
        let reader = self.name(step.reader);
        let why = format!(
            "{earlier} wrote {} to key {} and came before {reader}, which read {} from {later}: so {earlier} came \
             before {later}.",
            self.value(step.earlier, step.key),
            self.key(step.key),
            self.value(step.later, step.key),
        );
        Reason {
            way: vec![Arrow::forced((step.earlier, step.later), HB, &why)],
            rests: vec![self.read_from(step.later, step.reader, step.key)],
            sentences: vec![why],
            nodes: vec![step.earlier, step.later, step.reader],
        }
    }
}

impl Reason {
    /// Adds what is not said yet.
    fn add(&mut self, more: Self) {
        for sentence in more.sentences {
            if !self.sentences.contains(&sentence) {
                self.sentences.push(sentence);
            }
        }
        self.nodes.extend(more.nodes);
        self.way.extend(more.way);
        self.rests.extend(more.rests);
    }
}
