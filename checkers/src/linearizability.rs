//! Linearizability (Herlihy & Wing 1990): is there one order of the operations that the model allows and
//! that never puts an operation before another that had completed before it was invoked?
//!
//! The order of the events decides which operation came before which, never their times. An operation that
//! failed did not happen. An operation of which nobody knows may have happened at any moment after its
//! invocation, or never.
//!
//! How a verdict comes about: the history is read and split by key (`calls`), each part is decided by a
//! search (`search`), and where no order exists the part is shrunk to a few operations (`shrink`) and put
//! into words (`explain`). Another engine than the search fits behind the same three types: it is handed
//! the calls of a part and answers as the search does.
//!
//! Deliberately absent: sequential consistency and staleness, algorithms for histories of unique values,
//! and threads.

mod calls;
mod explain;
mod memo;
mod plan;
mod search;
mod shrink;
#[cfg(test)]
mod tests;

use rupture_history::verdict::{Anomaly, Evidence};
use rupture_history::{History, Operation, Outcome, Validity, Verdict};

use crate::{Budget, CheckError, Checker, Model};
use calls::{Part, parts};
use search::{Answer, Limits, Search};

const LEVEL: &str = "linearizable";
/// How many keys an unfinished check names one by one.
const KEYS_NAMED: usize = 5;

/// Judges whether a history is linearizable with respect to a model.
#[derive(Clone, Copy, Debug)]
pub struct Linearizable<M> {
    model: M,
    independent: bool,
}

impl<M: Model> Linearizable<M> {
    /// A judge for this model.
    pub fn new(model: M) -> Self {
        Self {
            model,
            independent: false,
        }
    }

    /// Whether values are `[key value]`, and every key is an object of its own.
    #[must_use]
    pub fn independent(mut self, independent: bool) -> Self {
        self.independent = independent;
        self
    }
}

impl<M: Model> Checker for Linearizable<M> {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        let operations = history.operations()?;
        let parts = parts(&self.model, self.independent, history, &operations)?;
        let mut verdict = Verdict::new(Validity::Valid, self.model.name(), LEVEL);
        verdict.operations = operations.len() as u64;
        verdict.notes.extend(disorder(history));
        if operations.iter().all(|o| o.outcome != Outcome::Ok) {
            verdict
                .notes
                .push("no operation was seen to happen".to_owned());
        }
        if let Some(reason) = nothing_to_judge(&operations) {
            verdict.validity = Validity::Unknown;
            verdict.reasons.push(reason.to_owned());
            return Ok(verdict);
        }
        let mut case = Case {
            model: &self.model,
            history,
            operations: &operations,
            budget,
            verdict,
            stopped: Vec::new(),
        };
        for part in &parts {
            case.judge(part);
        }
        Ok(case.close())
    }
}

/// Why there is nothing to judge. That every operation failed is something: nothing happened, and nothing
/// had to be explained.
fn nothing_to_judge(operations: &[Operation]) -> Option<&'static str> {
    if operations.is_empty() {
        return Some("the history has no operations of clients");
    }
    let completed = operations.iter().any(|o| o.outcome != Outcome::Info);
    (!completed).then_some("nobody knows of any operation whether it happened")
}

/// The first place where the times contradict the order of the events.
fn disorder(history: &History) -> Option<String> {
    let mut last: Option<(u64, i64)> = None;
    for event in history.iter().filter(|event| event.time() >= 0) {
        if let Some((index, time)) = last.filter(|(_, time)| *time > event.time()) {
            return Some(format!(
                "event {} has the time {} ns, before the {time} ns of event {index}; \
                 the order of the events decided, not their times",
                event.index(),
                event.time(),
            ));
        }
        last = Some((event.index(), event.time()));
    }
    None
}

/// A check under way.
struct Case<'a, M: Model> {
    model: &'a M,
    history: &'a History,
    operations: &'a [Operation],
    budget: &'a Budget<'a>,
    verdict: Verdict,
    /// Why parts were left undecided.
    stopped: Vec<String>,
}

impl<M: Model> Case<'_, M> {
    fn judge(&mut self, part: &Part<M::Op>) {
        let limits = Limits::of(self.budget);
        let (answer, steps) = Search::decide(self.model, &part.calls, &limits);
        match answer {
            Answer::Order(_) => self.verdict.explained += part.operations.len() as u64,
            Answer::Impossible(deadly) => {
                self.verdict.explained += self.explained(part, deadly);
                let anomaly = self.anomaly(part, deadly, steps);
                self.verdict.anomalies.push(anomaly);
            }
            Answer::Stopped(stop, call) => {
                let explained = call.map_or(0, |call| self.explained(part, call));
                self.verdict.explained += explained;
                let key = part
                    .key
                    .as_ref()
                    .map_or(String::new(), |key| format!("key {key}: "));
                self.stopped.push(format!(
                    "{key}{} after {explained} of {} operations",
                    stop.words(),
                    part.operations.len(),
                ));
            }
        }
    }

    /// How many operations of a part lie wholly before the completion of a call.
    fn explained(&self, part: &Part<M::Op>, call: u32) -> u64 {
        let row = part.calls[call as usize].completed;
        let over = |&&number: &&u32| {
            let operation = &self.operations[number as usize];
            operation.completed.unwrap_or(operation.invoked) < row
        };
        part.operations.iter().filter(over).count() as u64
    }

    fn anomaly(&self, part: &Part<M::Op>, deadly: u32, steps: u64) -> Anomaly {
        let proof = shrink::shrink(self.model, &part.calls, deadly, steps, self.budget);
        let words = explain::explain(self.model, self.history, part, &proof);
        let of = |call: &u32| {
            let number = part.calls[*call as usize].operation;
            Evidence::of(self.history, &self.operations[number as usize])
        };
        Anomaly {
            kind: "nonlinearizable".to_owned(),
            key: part.key.clone(),
            summary: words.summary,
            explanation: words.explanation,
            evidence: proof.calls().iter().map(of).collect(),
        }
    }

    fn close(mut self) -> Verdict {
        let verdict = &mut self.verdict;
        if !verdict.anomalies.is_empty() {
            verdict.validity = Validity::Invalid;
            verdict.not.push(LEVEL.to_owned());
        } else if !self.stopped.is_empty() {
            verdict.validity = Validity::Unknown;
        }
        let more = self.stopped.len().saturating_sub(KEYS_NAMED);
        self.stopped.truncate(KEYS_NAMED);
        verdict.reasons.append(&mut self.stopped);
        if more > 0 {
            verdict.reasons.push(format!("and so for {more} more keys"));
        }
        self.verdict
    }
}
