//! From a preparation to a ruling: what each level forces, whether there is an order, and if not the shortest reasons.

use std::ops::Range;

use super::atomic::{self, Forced, Missed};
use super::clocks::{Clocks, blocks, visible};
use super::dependencies::Dependencies;
use super::guarantees::Told;
use super::precedence::{Precedence, lists};
use super::sessions::Guarantee;
use super::views::{Timekeeper, torn};
use super::words::{Words, of_each_kind};
use super::{Causality, Finding, Prepared, Ruling, causal, process};
use crate::Budget;
use crate::isolation::graph::Graph;
use crate::isolation::rows::Rows;
use crate::isolation::{Level, within};
use crate::linearizability::search::Stop;

/// How many cycles of a level are told.
pub(super) const TOLD: usize = 3;

impl Prepared<'_, '_> {
    /// Judges a level.
    pub(crate) fn judge(&self, level: Level, budget: &Budget<'_>) -> Ruling {
        let words = Words::of(self);
        let mut findings: Vec<Finding> = Vec::new();
        for (fault, count, flaws) in self.flaws.forbidden(level) {
            findings.extend(flaws.first().map(|flaw| words.flaw(fault, *flaw, count)));
        }
        let stopped = match level {
            Level::ReadUncommitted => self
                .contradicts((false, false), budget, &mut findings)
                .map(|_| ()),
            Level::ReadCommitted => self.committed(budget, &mut findings),
            Level::MonotonicAtomicView => self.atomic(true, budget, &mut findings),
            Level::ReadAtomic => self.atomic(false, budget, &mut findings),
            Level::Causal => self.causal(budget, &mut findings),
            Level::CausalConvergence => self.convergent(budget, &mut findings),
            Level::CausalMemory => self.one_order_each(true, budget, &mut findings),
            Level::Pram => self.one_order_each(false, budget, &mut findings),
            Level::ReadYourWrites
            | Level::MonotonicReads
            | Level::MonotonicWrites
            | Level::WritesFollowReads => self.guaranteed(level, budget, &mut findings),
            _ => return Ruling::Stopped(format!("{level} is not judged here")),
        };
        match stopped {
            _ if !findings.is_empty() => Ruling::Violated(of_each_kind(findings)),
            Ok(()) => Ruling::Holds,
            Err(stop) => {
                let count = self.dependencies.len();
                Ruling::Stopped(format!(
                    "{} while {count} transactions were ordered",
                    stop.words()
                ))
            }
        }
    }

    /// What comes before what, without what is assumed.
    fn precedence<'a>(&'a self, sessions: bool, forced: &'a Rows<u32>) -> Precedence<'a> {
        Precedence {
            dependencies: &self.dependencies,
            sessions,
            readers: None,
            presumed: false,
            forced,
        }
    }

    /// Bytes of a walk over all nodes with some forced edges.
    pub(super) fn walk(&self, edges: usize) -> usize {
        Graph::bytes(self.dependencies.len() as usize, 0) + edges * 12 + self.dependencies.bytes()
    }

    fn committed(&self, budget: &Budget<'_>, findings: &mut Vec<Finding>) -> Result<(), Stop> {
        within(budget, self.walk(0))?;
        if self.contradicts((true, false), budget, findings)? {
            return Ok(());
        }
        let nothing = lists(self.dependencies.len(), &[]);
        let graph = self.precedence(false, &nothing);
        if graph.order().is_none() {
            for cycle in graph.cycles(&graph.parts(), TOLD) {
                findings.push(Words::of(self).circular(("G1c", false), &cycle));
            }
        }
        Ok(())
    }

    fn atomic(
        &self,
        later: bool,
        budget: &Budget<'_>,
        findings: &mut Vec<Finding>,
    ) -> Result<(), Stop> {
        let known = findings.len();
        self.committed(budget, findings)?;
        if findings.len() > known {
            return Ok(());
        }
        let forced = atomic::forced(&self.dependencies, later);
        within(budget, self.walk(self.edges(&forced)))?;
        let words = Words::of(self);
        findings.extend(first(&forced.missed).map(|missed| words.torn_initial(later, missed)));
        let edges = lists(self.dependencies.len(), &forced.with(&self.dependencies));
        let graph = self.precedence(false, &edges);
        if graph.order().is_none() {
            for cycle in graph.cycles(&graph.parts(), TOLD) {
                findings.push(words.torn(later, &cycle));
            }
        }
        Ok(())
    }

    fn readers(&self) -> &Rows<(u32, u32)> {
        self.readers
            .get_or_init(|| causal::readers(&self.dependencies))
    }

    fn guaranteed(
        &self,
        level: Level,
        budget: &Budget<'_>,
        findings: &mut Vec<Finding>,
    ) -> Result<(), Stop> {
        within(budget, self.walk(0))?;
        let readers = self.readers();
        let Guarantee {
            mut ages, missed, ..
        } = Guarantee::of(level, &self.dependencies, readers);
        for pair in self.dependencies.presumed.all() {
            ages.not_newer(pair.older, pair.newer);
        }
        let told = Told {
            words: Words::of(self),
            readers,
            level,
        };
        findings.extend(first(&missed).map(|missed| told.initial(missed)));
        within(budget, self.walk(0) + ages.bytes())?;
        let order = ages.close();
        for cycle in order.cycles(&order.parts(), TOLD) {
            findings.push(told.cycle(&cycle));
        }
        Ok(())
    }

    /// What happened before what, and what that forces; `None` where something happened before itself.
    fn causality(&self, budget: &Budget<'_>) -> Result<Option<&Causality>, Stop> {
        if let Some(known) = self.causality.get() {
            return Ok(known.as_ref());
        }
        within(budget, self.walk(0))?;
        let nothing = lists(self.dependencies.len(), &[]);
        let causality = match self.precedence(true, &nothing).order() {
            None => None,
            Some(order) => {
                let forced = force(&self.dependencies, self.readers(), &order, budget)?;
                Some(Causality { order, forced })
            }
        };
        Ok(self.causality.get_or_init(|| causality).as_ref())
    }

    /// Tells how something happened before itself.
    fn circular(&self, findings: &mut Vec<Finding>) {
        let nothing = lists(self.dependencies.len(), &[]);
        let graph = self.precedence(true, &nothing);
        for cycle in graph.cycles(&graph.parts(), TOLD) {
            findings.push(Words::of(self).circular(("cyclic-co", true), &cycle));
        }
    }

    fn convergent(&self, budget: &Budget<'_>, findings: &mut Vec<Finding>) -> Result<(), Stop> {
        let Some(causality) = self.causality(budget)? else {
            self.circular(findings);
            return Ok(());
        };
        if self.contradicts((true, true), budget, findings)? {
            return Ok(());
        }
        let words = Words::of(self);
        let forced = &causality.forced;
        findings.extend(first(&forced.missed).map(|missed| words.causal_initial(missed)));
        within(budget, self.walk(self.edges(forced)))?;
        let edges = lists(self.dependencies.len(), &forced.with(&self.dependencies));
        let graph = self.precedence(true, &edges);
        if graph.order().is_none() {
            for cycle in graph.cycles(&graph.parts(), TOLD) {
                findings.push(words.conflict(&cycle, &causality.order));
            }
        }
        Ok(())
    }

    /// For each process one order that explains its reads; `memory`: one that keeps happens-before.
    fn one_order_each(
        &self,
        memory: bool,
        budget: &Budget<'_>,
        findings: &mut Vec<Finding>,
    ) -> Result<(), Stop> {
        within(budget, self.walk(0) + process::bytes(&self.dependencies))?;
        let nothing = lists(self.dependencies.len(), &[]);
        if memory && self.precedence(true, &nothing).order().is_none() {
            self.circular(findings);
            return Ok(());
        }
        if self.contradicts((memory, true), budget, findings)? {
            return Ok(());
        }
        let mut broken = process::broken(&self.dependencies, memory, budget)?;
        broken.sort_by_key(|broken| (broken.forced.len(), broken.process));
        let words = Words::of(self);
        let told = broken.iter().take(TOLD);
        let mut told: Vec<Finding> = told.map(|broken| words.broken(memory, broken)).collect();
        told.sort_by_key(|finding| finding.transactions.len());
        findings.extend(told);
        Ok(())
    }

    fn causal(&self, budget: &Budget<'_>, findings: &mut Vec<Finding>) -> Result<(), Stop> {
        let Some(causality) = self.causality(budget)? else {
            self.circular(findings);
            return Ok(());
        };
        if self.contradicts((true, false), budget, findings)? {
            return Ok(());
        }
        let words = Words::of(self);
        let forced = &causality.forced;
        findings.extend(first(&forced.missed).map(|missed| words.causal_initial(missed)));
        within(budget, self.walk(self.edges(forced)))?;
        let edges = lists(self.dependencies.len(), &forced.with(&self.dependencies));
        let graph = self.precedence(true, &edges);
        if graph.order().is_some() {
            return Ok(());
        }
        if !self.dependencies.presumed.all().is_empty() {
            findings.extend(self.unseen(causality, budget)?);
            return Ok(());
        }
        let mut time = Recomputed::new(&self.dependencies, &causality.order, budget);
        let torn = torn(&self.dependencies, &graph.parts(), &mut time, budget, TOLD)?;
        findings.extend(torn.iter().map(|torn| words.view(torn)));
        Ok(())
    }
    /// How many edges a level forces, with those that are assumed.
    fn edges(&self, forced: &Forced) -> usize {
        forced.edges.len() + self.dependencies.presumed.all().len()
    }

    /// Whether a level forbids a read that is no read of a version, or that its own transaction contradicts.
    pub(crate) fn is_flawed(&self, level: Level) -> bool {
        self.flaws.forbidden(level).next().is_some()
    }
}

/// The first in the order of readers.
fn first(missed: &[Missed]) -> Option<&Missed> {
    missed
        .iter()
        .min_by_key(|missed| (missed.reader, missed.key, missed.writer))
}

/// What causal reads force, block by block of chains.
fn force(
    dependencies: &Dependencies,
    readers: &Rows<(u32, u32)>,
    order: &[u32],
    budget: &Budget<'_>,
) -> Result<Forced, Stop> {
    let mut forced = Forced::default();
    let visible = visible(dependencies);
    for block in blocks(dependencies) {
        let held = dependencies.bytes() + readers.bytes();
        within(budget, held + Clocks::bytes(dependencies, &block))?;
        let clocks = Clocks::of(dependencies, order, &visible, block);
        causal::force(dependencies, readers, &clocks, &mut forced);
    }
    Ok(forced)
}

/// Computes the clocks of a block when it is asked for, unless it was the last.
struct Recomputed<'a> {
    dependencies: &'a Dependencies,
    order: &'a [u32],
    budget: &'a Budget<'a>,
    visible: Vec<u32>,
    blocks: Vec<Range<u32>>,
    last: Option<(usize, Clocks)>,
}

impl<'a> Recomputed<'a> {
    fn new(dependencies: &'a Dependencies, order: &'a [u32], budget: &'a Budget<'a>) -> Self {
        Self {
            dependencies,
            order,
            budget,
            visible: visible(dependencies),
            blocks: blocks(dependencies),
            last: None,
        }
    }
}

impl Timekeeper for Recomputed<'_> {
    fn blocks(&self) -> Vec<Range<u32>> {
        self.blocks.clone()
    }

    fn clocks(&mut self, block: usize) -> Result<&Clocks, Stop> {
        let last = self.last.take().filter(|(last, _)| *last == block);
        let clocks = if let Some((_, clocks)) = last {
            clocks
        } else {
            let chains = self.blocks[block].clone();
            let held = self.dependencies.bytes();
            within(
                self.budget,
                held + Clocks::bytes(self.dependencies, &chains),
            )?;
            Clocks::of(self.dependencies, self.order, &self.visible, chains)
        };
        Ok(&self.last.insert((block, clocks)).1)
    }
}
