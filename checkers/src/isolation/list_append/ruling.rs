//! Whether a level holds, and what shows that it does not.

use std::collections::BTreeMap;

use rupture_history::verdict::Anomaly;
use rupture_history::{Validity, Verdict};

use super::findings::{Assumed, Finding};
use super::open::Outcome;
use super::prepared::{Part, Prepared};
use super::words::Words;
use crate::Budget;
use crate::isolation::cycles::{Cycle, Pattern, Search, Step, any};
use crate::isolation::graph::{DEPENDENCY, Graph, Masked, Moments, RW, components, heights};
use crate::isolation::promise::{Fault, Shape, shape, weakest};
use crate::isolation::{Level, within};
use crate::linearizability::search::Stop;

/// How many edges the search for short cycles follows altogether, and in one part for one name.
const STEPS: u64 = 60_000_000;
const STEPS_A_NAME: u64 = 8_000_000;
/// How many edges are followed to find out whether a part has a cycle with one anti-dependency.
const STEPS_SINGLE: u64 = 400_000_000;

/// What became of a level.
#[derive(Debug, Default)]
pub(super) struct Ruling {
    /// The first finding of every fault, and how many there are.
    faults: BTreeMap<Fault, (Finding, usize)>,
    /// The shortest cycle of every name, between transactions, and in how many parts there is one.
    cycles: Vec<(Cycle, usize)>,
    /// Why nobody knows.
    stopped: Option<Stop>,
    /// What happens in each case, where every order of unseen appends has a cycle: first the pairs of which one
    /// wrote before the other.
    cases: Vec<Vec<(Assumed, Cycle)>>,
    /// Keys whose unseen appends may or may not have an order that the level allows.
    open: Vec<u32>,
    /// Whether everything is known to hold.
    violated: bool,
}

/// What a part says of a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Holds,
    Violated,
    /// Whatever the order of appends that nobody saw: what happens in each case.
    Impossible(Vec<Vec<(u32, u32)>>),
    /// It depends on the order of appends that nobody saw.
    Open,
    Stopped(Stop),
}

impl Prepared<'_, '_> {
    /// Judges a level that the preparation was made for.
    pub(super) fn rule(&self, level: Level, budget: &Budget<'_>) -> Ruling {
        let mut ruling = Ruling::default();
        for &finding in &self.findings {
            if finding.fault.told(level) {
                let entry = ruling.faults.entry(finding.fault).or_insert((finding, 0));
                entry.1 += 1;
            }
        }
        ruling.violated = !ruling.faults.is_empty();
        let shape = shape(level);
        let mut steps = STEPS;
        for part in &self.parts {
            if let Err(stop) = within(budget, 0) {
                ruling.stopped = Some(stop);
                break;
            }
            match self.answer(part, shape, budget) {
                Answer::Holds => {}
                Answer::Violated => ruling.add(part, shape, &mut steps, budget),
                Answer::Impossible(cases) => ruling.impossible(part, &cases, shape),
                Answer::Open => ruling.open.extend(part.open.iter().map(|(key, _)| *key)),
                Answer::Stopped(stop) => ruling.stopped = Some(stop),
            }
        }
        ruling
            .cycles
            .sort_by_key(|(cycle, _)| Pattern::rank(cycle.name));
        ruling
    }
}

impl Prepared<'_, '_> {
    /// Whether a level holds that implies no more than the preparation was made for.
    pub(super) fn validity(&self, level: Level, budget: &Budget<'_>) -> Validity {
        let broken = |finding: &Finding| finding.fault.broken(level);
        if self.findings.iter().any(broken) {
            return Validity::Invalid;
        }
        let shape = shape(level);
        let mut validity = Validity::Valid;
        for part in &self.parts {
            let answer = match self.answer(part, shape, budget) {
                Answer::Holds => Validity::Valid,
                Answer::Violated | Answer::Impossible(_) => return Validity::Invalid,
                Answer::Open | Answer::Stopped(_) => Validity::Unknown,
            };
            validity = validity.merge(answer);
        }
        validity
    }

    /// What a part says of a shape, once the order of unseen appends is looked for where it matters.
    fn answer(&self, part: &Part, shape: Shape, budget: &Budget<'_>) -> Answer {
        let answer = part.certain(shape, budget);
        if answer != Answer::Open {
            return answer;
        }
        let operations = &self.transactions.operations;
        let outcome = match shape {
            Shape::Moments { kinds, .. } => part.open_moments(kinds, operations, budget),
            Shape::NoSingle(kinds) => match part.open_moments(kinds, operations, budget) {
                Outcome::Holds => Outcome::Holds,
                Outcome::Fails(_) | Outcome::Unknown => part.open_orders(budget, |graph| {
                    let masked = Masked { graph, kinds };
                    let cyclic = !components(&masked).is_empty();
                    if cyclic {
                        return Some(true);
                    }
                    single(graph, budget).ok()
                }),
            },
            Shape::Any | Shape::Acyclic(_) => Outcome::Holds,
        };
        match outcome {
            Outcome::Holds => Answer::Holds,
            Outcome::Fails(cases) => Answer::Impossible(cases),
            Outcome::Unknown => Answer::Open,
        }
    }
}

impl Part {
    /// What the certain edges say.
    fn certain(&self, shape: Shape, budget: &Budget<'_>) -> Answer {
        let graph = &self.graph;
        let cyclic = match shape {
            Shape::Any => false,
            Shape::Acyclic(kinds) => !components(&Masked { graph, kinds }).is_empty(),
            Shape::NoSingle(kinds) => {
                if !components(&Masked { graph, kinds }).is_empty() {
                    return Answer::Violated;
                }
                match single(graph, budget) {
                    Ok(found) => found,
                    Err(stop) => return Answer::Stopped(stop),
                }
            }
            Shape::Moments { kinds, prefix } => {
                let moments = Moments {
                    graph,
                    kinds,
                    prefix,
                };
                !components(&moments).is_empty()
            }
        };
        let prefix = matches!(shape, Shape::Moments { prefix: true, .. });
        let free =
            prefix || matches!(shape, Shape::Any | Shape::Acyclic(_)) || self.open.is_empty();
        match (cyclic, free) {
            (true, _) => Answer::Violated,
            (false, true) => Answer::Holds,
            (false, false) => Answer::Open,
        }
    }
}

/// Whether there is a cycle with one anti-dependency, where there is none without. An edge of a dependency
/// leads to the same height or a smaller one, so most searches end at once.
fn single(graph: &Graph, budget: &Budget<'_>) -> Result<bool, Stop> {
    let heights = heights(&Masked {
        graph,
        kinds: DEPENDENCY,
    });
    let mut seen = vec![u32::MAX; graph.nodes() as usize];
    let mut steps = 0_u64;
    let mut open = Vec::new();
    for start in 0..graph.transactions() {
        let height = heights[start as usize];
        for (to, kind) in graph.edges(start) {
            if kind & RW != 0 && heights[to as usize] >= height {
                open.push(to);
            }
        }
        while let Some(node) = open.pop() {
            if node == start {
                return Ok(true);
            }
            if std::mem::replace(&mut seen[node as usize], start) == start {
                continue;
            }
            for (to, kind) in graph.edges(node) {
                steps += 1;
                let on = kind & (DEPENDENCY | crate::isolation::graph::ON) != 0;
                if on && heights[to as usize] >= height {
                    open.push(to);
                }
            }
        }
        if steps > STEPS_SINGLE {
            return Err(Stop::Steps);
        }
        if budget.is_over() {
            return Err(Stop::Time);
        }
    }
    Ok(false)
}

impl Ruling {
    /// Looks for cycles by name in a part that has some.
    fn add(&mut self, part: &Part, shape: Shape, steps: &mut u64, budget: &Budget<'_>) {
        self.violated = true;
        let roomy = Search::bytes(part.nodes.len()) <= budget.bytes();
        let mut found = false;
        if *steps > 0 && roomy {
            for pattern in Pattern::forbidden(shape) {
                let bound = (*steps).min(STEPS_A_NAME);
                let mut search = Search::new(&part.graph, bound);
                let cycle = search.find(pattern, usize::MAX);
                *steps -= bound - search.left();
                if let Some(cycle) = cycle {
                    found = true;
                    self.keep(part, &cycle);
                }
            }
        }
        if !found && let Some(cycle) = any(&part.graph, shape) {
            self.keep(part, &cycle);
        }
    }

    /// Whatever the order of unseen appends is, there is a cycle.
    fn impossible(&mut self, part: &Part, cases: &[Vec<(u32, u32)>], shape: Shape) {
        self.violated = true;
        let number = |node: u32| part.nodes[node as usize];
        let case = |assumed: &Vec<(u32, u32)>| {
            let cycle = any(&part.with(assumed), shape)?;
            let pairs = assumed
                .iter()
                .map(|&(one, other)| (number(one), number(other)));
            Some((pairs.collect(), renamed(part, &cycle)))
        };
        self.cases.push(cases.iter().filter_map(case).collect());
    }

    fn keep(&mut self, part: &Part, cycle: &Cycle) {
        let cycle = renamed(part, cycle);
        let known = self
            .cycles
            .iter_mut()
            .find(|(known, _)| known.name == cycle.name);
        match known {
            None => self.cycles.push((cycle, 1)),
            Some((known, count)) => {
                *count += 1;
                if cycle.steps.len() < known.steps.len() {
                    *known = cycle;
                }
            }
        }
    }

    /// Puts what was found into a verdict.
    pub(super) fn close(self, mut verdict: Verdict, prepared: &Prepared<'_, '_>) -> Verdict {
        let words = Words::of(prepared);
        let mut broken: Vec<Level> = Vec::new();
        let mut found: Vec<(usize, Anomaly)> = Vec::new();
        for (fault, (finding, count)) in &self.faults {
            broken.extend(fault.breaks());
            found.push((severity(fault.breaks()), words.fault(finding, *count)));
        }
        for (cycle, count) in &self.cycles {
            let breaks = weakest(cycle.name);
            broken.extend(breaks);
            found.push((severity(breaks), words.cycle(cycle, *count)));
        }
        if let Some(cases) = self.cases.first() {
            let level = Level::named(&verdict.consistency);
            broken.extend(level);
            let severity = severity(level.as_slice());
            found.push((
                severity,
                words.cases(cases, &verdict.consistency, self.cases.len()),
            ));
        }
        // Sorting is stable: what is equally bad stays in the order of its names.
        found.sort_by_key(|(severity, _)| std::cmp::Reverse(*severity));
        verdict
            .anomalies
            .extend(found.into_iter().map(|(_, anomaly)| anomaly));
        verdict.not = Level::weakest(&broken)
            .iter()
            .map(ToString::to_string)
            .collect();
        verdict
            .algorithms
            .push("dependency cycles (Adya 1999)".to_owned());
        if self.violated {
            verdict.validity = Validity::Invalid;
            return verdict;
        }
        let total = verdict.operations;
        if let Some(stop) = self.stopped {
            verdict.validity = Validity::Unknown;
            let reason = format!(
                "{} while cycles of {total} transactions were looked for",
                stop.words()
            );
            verdict.reasons.push(reason);
        }
        if !self.open.is_empty() {
            verdict.validity = Validity::Unknown;
            verdict.reasons.push(words.open(&self.open));
        }
        if verdict.validity == Validity::Valid {
            verdict.explained = total;
        }
        verdict
    }
}

/// A cycle of a part as one of transactions.
fn renamed(part: &Part, cycle: &Cycle) -> Cycle {
    let node = |node: u32| part.nodes[node as usize];
    let steps = cycle.steps.iter().map(|step| Step {
        from: node(step.from),
        to: node(step.to),
        kind: step.kind,
    });
    Cycle {
        name: cycle.name,
        steps: steps.collect(),
    }
}

/// How many levels fall with these.
fn severity(levels: &[Level]) -> usize {
    let falls = |level: &Level| levels.iter().any(|&weaker| level.implies(weaker));
    Level::ALL.into_iter().filter(falls).count()
}
