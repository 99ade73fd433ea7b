//! From the lives of elements to a verdict: anomalies with their evidence, and figures as notes.

use rupture_history::{Anomaly, Evidence, History, Operation, Validity, Verdict};

use super::latency::Latencies;
use super::life::{Fate, Life, Lives};
use super::object::{Object, Read};
use crate::linearizability::opening::nothing_seen;

/// How many anomalies of a kind are told with their evidence.
const TOLD: usize = 8;
/// How many elements of a kind are named in a note, and of a read in its evidence.
const NAMED: usize = 32;

/// The kinds of anomalies, worst first.
const KINDS: [&str; 4] = ["lost", "unexpected", "duplicated", "stale"];
const STALE: usize = 3;

/// All elements of one kind.
#[derive(Debug, Default)]
struct Found {
    count: usize,
    anomalies: Vec<Anomaly>,
    named: Vec<String>,
}

/// A verdict in the making.
pub(super) struct Report<'a> {
    history: &'a History,
    operations: &'a [Operation],
    linearizable: bool,
    stopped: bool,
    judged: u64,
    reads: usize,
    elements: usize,
    stable: usize,
    never_read: usize,
    unanswered: usize,
    unanswered_named: Vec<String>,
    found: [Found; 4],
    stable_after_ns: Vec<u64>,
    lost_after_ns: Vec<u64>,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        history: &'a History,
        operations: &'a [Operation],
        linearizable: bool,
    ) -> Self {
        Self {
            history,
            operations,
            linearizable,
            stopped: false,
            judged: 0,
            reads: 0,
            elements: 0,
            stable: 0,
            never_read: 0,
            unanswered: 0,
            unanswered_named: Vec::new(),
            found: Default::default(),
            stable_after_ns: Vec::new(),
            lost_after_ns: Vec::new(),
        }
    }

    pub(super) fn stop(&mut self) {
        self.stopped = true;
    }

    pub(super) fn add(&mut self, object: &Object, lives: &Lives<'_>) {
        self.judged += object.operations;
        self.reads += object.reads.len();
        for life in &lives.all {
            let element = Element {
                history: self.history,
                operations: self.operations,
                object,
                lives,
                life,
            };
            self.elements += usize::from(life.add.is_some());
            self.judge(&element);
        }
    }

    fn judge(&mut self, element: &Element<'_>) {
        if let Some(read) = element.life.unexpected {
            self.find(1, element, || element.unexpected(read));
        }
        if let Some(read) = element.life.duplicated {
            self.find(2, element, || element.duplicated(read));
        }
        match element.lives.fate(element.life) {
            Fate::Stable { missed } => {
                self.stable += 1;
                self.stable_after_ns.extend(element.stable_after_ns(missed));
                if let Some(read) = missed {
                    self.find(STALE, element, || element.missing("stale", read));
                }
            }
            Fate::Lost { missed } => {
                self.lost_after_ns.extend(element.lost_after_ns());
                self.find(0, element, || element.missing("lost", missed));
            }
            Fate::NeverRead => {
                self.never_read += 1;
                if element.lives.acknowledged(element.life).is_some() {
                    self.unanswered += 1;
                    name(&mut self.unanswered_named, element);
                }
            }
            Fate::NotAdded => {}
        }
    }

    fn find(&mut self, kind: usize, element: &Element<'_>, tell: impl FnOnce() -> Anomaly) {
        let found = &mut self.found[kind];
        found.count += 1;
        name(&mut found.named, element);
        if found.anomalies.len() < TOLD {
            found.anomalies.push(tell());
        }
    }

    pub(super) fn close(mut self, mut verdict: Verdict) -> Verdict {
        verdict.operations = self.operations.len() as u64;
        verdict.explained = self.judged;
        self.give_reasons(&mut verdict);
        verdict.notes = self.notes();
        self.measure(&mut verdict);
        if self.found.iter().any(|found| found.count > 0) {
            verdict.not.push(super::LEVEL.to_owned());
        }
        for (kind, found) in self.found.into_iter().enumerate() {
            if self.linearizable || kind != STALE {
                verdict.anomalies.extend(found.anomalies);
            }
        }
        if !verdict.anomalies.is_empty() {
            verdict.validity = Validity::Invalid;
        } else if !verdict.reasons.is_empty() {
            verdict.validity = Validity::Unknown;
        }
        verdict
    }

    fn give_reasons(&self, verdict: &mut Verdict) {
        let reasons = &mut verdict.reasons;
        if self.stopped {
            reasons.push(format!(
                "out of time or memory after {} of {} operations",
                self.judged,
                self.operations.len()
            ));
        } else if let Some(reason) = nothing_seen(self.operations) {
            reasons.push(reason.to_owned());
        } else if self.reads == 0 {
            reasons.push("the set was never read".to_owned());
        } else if self.stable == 0 {
            reasons.push("no element that was added was seen by a last read".to_owned());
        } else if self.unanswered > 0 {
            reasons.push(format!(
                "{} acknowledged elements may be lost: no read that could tell began after they were known ({})",
                self.unanswered,
                listed(&self.unanswered_named, self.unanswered)
            ));
        }
    }

    fn notes(&self) -> Vec<String> {
        let [lost, unexpected, duplicated, stale] = &self.found;
        let mut notes = vec![format!(
            "{} elements: {} stable, {} of them stale; {} lost, {} never read, {} unexpected, {} duplicated; {} reads",
            self.elements,
            self.stable,
            stale.count,
            lost.count,
            self.never_read,
            unexpected.count,
            duplicated.count,
            self.reads,
        )];
        for (kind, found) in KINDS.iter().zip(&self.found) {
            if found.count > 0 {
                notes.push(format!("{kind}: {}", listed(&found.named, found.count)));
            }
        }
        notes
    }

    fn measure(&mut self, verdict: &mut Verdict) {
        let stable = Latencies::of(std::mem::take(&mut self.stable_after_ns));
        let lost = Latencies::of(std::mem::take(&mut self.lost_after_ns));
        for (latencies, name, what) in [
            (stable, "stable-latency", "seen by every read from"),
            (lost, "lost-latency", "last seen"),
        ] {
            let Some(latencies) = latencies else {
                continue;
            };
            verdict.measured.extend(latencies.measures(name));
            verdict.notes.push(latencies.note(what));
        }
    }
}

fn name(names: &mut Vec<String>, element: &Element<'_>) {
    if names.len() < NAMED {
        names.push(element.name());
    }
}

fn listed(names: &[String], count: usize) -> String {
    let list = names.join(" ");
    match count - names.len() {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}

/// An element with all that one needs to speak of it.
struct Element<'a> {
    history: &'a History,
    operations: &'a [Operation],
    object: &'a Object,
    lives: &'a Lives<'a>,
    life: &'a Life,
}

impl Element<'_> {
    fn read(&self, number: u32) -> &Read {
        &self.object.reads[number as usize]
    }

    fn index(&self, row: u32) -> u64 {
        self.history.get(row as usize).index()
    }

    fn time_ns(&self, row: u32) -> Option<u64> {
        u64::try_from(self.history.get(row as usize).time()).ok()
    }

    fn name(&self) -> String {
        let life = self.life;
        if let Some(add) = life.add {
            let add = &self.object.adds[add as usize];
            return self.object.element(self.history, add).to_string();
        }
        // Nobody added it: it is in the read that makes it unexpected.
        let mut seen = life.unexpected.into_iter().flat_map(|read| {
            let elements = self.object.seen(self.history, self.read(read));
            elements.filter(|element| self.lives.is(*element, life))
        });
        seen.next()
            .map_or(String::new(), |element| element.to_string())
    }

    fn stable_after_ns(&self, missed: Option<u32>) -> Option<u64> {
        let known_ns = self.time_ns(self.lives.known(self.life)?)?;
        let Some(missed) = missed else {
            return Some(0);
        };
        let missed_ns = self.time_ns(self.read(missed).invoked)?;
        Some((missed_ns + 1).saturating_sub(known_ns))
    }

    fn lost_after_ns(&self) -> Option<u64> {
        let known_ns = self.time_ns(self.lives.known(self.life)?)?;
        let Some(seen) = self.life.last_seen else {
            return Some(0);
        };
        let seen_ns = self.time_ns(self.read(seen).invoked)?;
        Some((seen_ns + 1).saturating_sub(known_ns))
    }

    fn anomaly(
        &self,
        kind: &str,
        summary: String,
        explanation: Vec<String>,
        of: &[u32],
    ) -> Anomaly {
        let mut operations = of.to_vec();
        operations.sort_unstable();
        operations.dedup();
        Anomaly {
            kind: kind.to_owned(),
            key: self.object.key.as_ref().map(ToString::to_string),
            summary,
            explanation,
            evidence: operations
                .iter()
                .map(|&operation| self.evidence(operation))
                .collect(),
            ..Anomaly::default()
        }
    }

    fn missing(&self, kind: &str, missed: u32) -> Anomaly {
        let name = self.name();
        let read = self.read(missed);
        let mut operations = vec![read.operation];
        let mut explanation = self.how_known(&name, read.invoked, &mut operations);
        explanation.push(format!(
            "The read of event {} began after that, and does not contain {name}.",
            self.index(read.invoked)
        ));
        let summary = if kind == "lost" {
            explanation.push("Every read that contains it had ended before.".to_owned());
            format!("element {name} was lost: it was known and then missing for good")
        } else {
            explanation.push("A read that ended later contains it.".to_owned());
            format!("element {name} was missing from a read that began after it was known")
        };
        self.anomaly(kind, summary, explanation, &operations)
    }

    /// Why the element was known before the row, by the fewest operations.
    fn how_known(&self, name: &str, before: u32, operations: &mut Vec<u32>) -> Vec<String> {
        let life = self.life;
        let add_of = |add: u32| &self.object.adds[add as usize];
        let acknowledged = life.acknowledged.map(add_of);
        let acknowledged = acknowledged.and_then(|add| Some((add, add.acknowledged?)));
        if let Some((add, row)) = acknowledged.filter(|(_, row)| *row < before) {
            operations.push(add.operation);
            let event = self.index(row);
            return vec![format!(
                "The add of {name} was acknowledged by event {event}."
            )];
        }
        operations.extend(life.add.map(|add| add_of(add).operation));
        let Some(read) = life.first_seen.map(|read| self.read(read)) else {
            return Vec::new();
        };
        operations.push(read.operation);
        let event = self.index(read.completed);
        vec![format!(
            "The add of {name} was not acknowledged by then, but it had happened: the read that completed \
             with event {event} contains it."
        )]
    }

    fn unexpected(&self, read: u32) -> Anomaly {
        let name = self.name();
        let read = self.read(read);
        let mut operations = vec![read.operation];
        let mut explanation = vec![format!(
            "The read that completed with event {} contains {name}.",
            self.index(read.completed)
        )];
        explanation.push(
            match self.life.add.map(|add| &self.object.adds[add as usize]) {
                None => format!("Nobody ever added {name}."),
                Some(add) => {
                    operations.push(add.operation);
                    let event = self.index(add.invoked);
                    if add.failed {
                        format!("The add of {name} of event {event} failed: it did not happen.")
                    } else {
                        format!("The add of {name} began only with event {event}.")
                    }
                }
            },
        );
        let summary = format!("element {name} was read but not added");
        self.anomaly("unexpected", summary, explanation, &operations)
    }

    fn duplicated(&self, read: u32) -> Anomaly {
        let name = self.name();
        let read = self.read(read);
        let event = self.index(read.completed);
        let explanation = vec![format!(
            "The read that completed with event {event} contains {name} more than once; a set holds it once."
        )];
        let summary = format!("element {name} was read twice at once");
        self.anomaly("duplicated", summary, explanation, &[read.operation])
    }

    /// The evidence of an operation. Of a large set it shows the first elements and those around this one;
    /// `...` stands for the rest, as Clojure prints it.
    fn evidence(&self, operation: u32) -> Evidence {
        let row = &self.operations[operation as usize];
        let mut reads = self.object.reads.iter();
        let read = reads.find(|read| read.operation == operation);
        let Some(read) = read else {
            return Evidence::of(self.history, row);
        };
        let seen: Vec<_> = self.object.seen(self.history, read).collect();
        if seen.len() <= NAMED {
            return Evidence::of(self.history, row);
        }
        let mut evidence = Evidence::of(self.history, row);
        let here = |at: usize| self.lives.is(seen[at], self.life);
        let near = |at: usize| (at.saturating_sub(1)..seen.len().min(at + 2)).any(here);
        let mut shown = Vec::new();
        for (at, element) in seen.iter().enumerate() {
            if at < NAMED / 2 || near(at) {
                shown.push(element.to_string());
            } else if shown.last().is_some_and(|last| last != "...") {
                shown.push("...".to_owned());
            }
        }
        let set = format!("[{}]", shown.join(" "));
        evidence.result = Some(match &self.object.key {
            Some(key) => format!("[{key} {set}]"),
            None => set,
        });
        evidence
    }
}
