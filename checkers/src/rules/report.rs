//! A verdict in the making: what was found, by kind, and why it may stay open.

use rupture_history::{Anomaly, Evidence, Operation, Validity, Verdict};

use super::case::{Case, Op};
use crate::Budget;
use crate::linearizability::opening::nothing_seen;

/// How many anomalies of a kind are told with their evidence.
const TOLD: usize = 8;
/// How many of a kind are named in a note.
const NAMED: usize = 32;
/// Results longer than this are cut in evidence: at most this many bytes of one are shown.
const SHOWN: usize = 4_096;

/// All that was found of one kind.
#[derive(Debug, Default)]
struct Found {
    count: usize,
    anomalies: Vec<Anomaly>,
    named: Vec<String>,
}

/// What was found so far.
pub(super) struct Report<'a> {
    operations: &'a [Operation],
    kinds: &'static [(&'static str, &'static str)],
    found: Vec<Found>,
    judged: u64,
    /// How many observations there were that a rule can be held to.
    observations: u64,
    open: Vec<String>,
    more_open: usize,
    notes: Vec<String>,
    stopped: Option<&'static str>,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        operations: &'a [Operation],
        kinds: &'static [(&'static str, &'static str)],
    ) -> Self {
        let mut found = Vec::new();
        found.resize_with(kinds.len(), Found::default);
        Self {
            operations,
            kinds,
            found,
            judged: 0,
            observations: 0,
            open: Vec::new(),
            more_open: 0,
            notes: Vec::new(),
            stopped: None,
        }
    }

    /// Whether time is up, or memory where so many bytes are held; it then stops.
    pub(super) fn is_over(&mut self, budget: &Budget<'_>, bytes: usize) -> bool {
        if bytes > budget.bytes() {
            self.stopped = Some("memory");
        } else if budget.is_over() {
            self.stopped = Some("time");
        }
        self.stopped()
    }

    pub(super) fn stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// That an object is judged altogether.
    pub(super) fn judged(&mut self, case: &Case<'_>) {
        self.judged += case.count() as u64;
    }

    /// That there was something to hold the object to: without any, nothing was judged.
    pub(super) fn observe(&mut self, count: usize) {
        self.observations += count as u64;
    }

    /// Something that changes no answer, once for all keys that it is said of.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if self.notes.len() < NAMED && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// A reason why the object may not have kept its promise although nothing is proved.
    pub(super) fn leave_open(&mut self, reason: impl Into<String>) {
        if self.open.len() < TOLD {
            self.open.push(reason.into());
        } else {
            self.more_open += 1;
        }
    }

    /// An anomaly of one of the rule's kinds. What proves it is only put together while few are told.
    pub(super) fn find(&mut self, kind: &'static str, name: String, tell: impl FnOnce() -> Proof) {
        let at = self.kinds.iter().position(|(known, _)| *known == kind);
        let found = &mut self.found[at.unwrap_or_default()];
        found.count += 1;
        if found.named.len() < NAMED {
            found.named.push(name);
        }
        if found.anomalies.len() < TOLD {
            found.anomalies.push(tell().anomaly(kind));
        }
    }

    pub(super) fn close(mut self, model: &str) -> Verdict {
        let mut verdict = Verdict::new(Validity::Valid, model, "");
        verdict.operations = self.operations.len() as u64;
        verdict.explained = self.judged;
        verdict.reasons = self.reasons();
        for ((kind, level), found) in self.kinds.iter().zip(self.found) {
            if found.count == 0 {
                continue;
            }
            verdict.anomalies.extend(found.anomalies);
            for level in level.split_whitespace() {
                if !verdict.not.iter().any(|not| not == level) {
                    verdict.not.push(level.to_owned());
                }
            }
            let names = found.named.join(" ");
            verdict.notes.push(match found.count - found.named.len() {
                0 => format!("{kind}: {names}"),
                more => format!("{kind}: {names} and {more} more"),
            });
        }
        verdict.notes.append(&mut self.notes);
        if !verdict.anomalies.is_empty() {
            verdict.validity = Validity::Invalid;
        } else if !verdict.reasons.is_empty() {
            verdict.validity = Validity::Unknown;
        }
        verdict
    }

    fn reasons(&mut self) -> Vec<String> {
        let mut reasons = Vec::new();
        if let Some(what) = self.stopped {
            reasons.push(format!(
                "out of {what} after {} of {} operations",
                self.judged,
                self.operations.len()
            ));
        } else if let Some(reason) = nothing_seen(self.operations) {
            // Whatever else stays open follows from that.
            return vec![reason.to_owned()];
        } else if self.observations == 0 && self.open.is_empty() {
            reasons.push("nothing was observed that could be judged".to_owned());
        }
        reasons.append(&mut self.open);
        if self.more_open > 0 {
            reasons.push(format!("{} more of the same kind", self.more_open));
        }
        reasons
    }
}

/// What shows that something is wrong.
pub(super) struct Proof {
    key: Option<String>,
    summary: String,
    explanation: Vec<String>,
    evidence: Vec<(u32, Evidence)>,
}

impl Proof {
    pub(super) fn new(case: &Case<'_>, summary: impl Into<String>) -> Self {
        Self {
            key: case.key.as_ref().map(ToString::to_string),
            summary: summary.into(),
            explanation: Vec::new(),
            evidence: Vec::new(),
        }
    }

    /// A sentence of the argument.
    #[must_use]
    pub(super) fn because(mut self, sentence: impl Into<String>) -> Self {
        self.explanation.push(sentence.into());
        self
    }

    /// An operation that proves it.
    #[must_use]
    pub(super) fn by(mut self, op: Op<'_>) -> Self {
        if self.evidence.iter().all(|(number, _)| *number != op.number) {
            let mut evidence = op.evidence();
            evidence.result = evidence.result.map(cut);
            self.evidence.push((op.number, evidence));
        }
        self
    }

    fn anomaly(mut self, kind: &str) -> Anomaly {
        self.evidence.sort_by_key(|(number, _)| *number);
        let evidence = self.evidence.into_iter().map(|(_, evidence)| evidence);
        Anomaly {
            kind: kind.to_owned(),
            key: self.key,
            summary: self.summary,
            explanation: self.explanation,
            evidence: evidence.collect(),
            ..Anomaly::default()
        }
    }
}

/// A long text cut at a word; `...` stands for the rest, as Clojure prints it.
fn cut(mut text: String) -> String {
    if text.len() <= SHOWN {
        return text;
    }
    let end = text.as_bytes()[..SHOWN]
        .iter()
        .rposition(|&byte| byte == b' ');
    text.truncate(end.unwrap_or_default());
    text.push_str(" ...");
    text
}
