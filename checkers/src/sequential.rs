//! Sequential consistency (Lamport 1979): is there one order of all operations that the model allows and that
//! keeps the order of every process?
//!
//! Real time counts for nothing but the order of each process's own operations. An operation that failed did
//! not happen. One of which nobody knows may have happened: after everything that its process had completed
//! before, at any moment from then on, or never.
//!
//! Sequential consistency is not compositional: two objects can each have such an order, and the two orders
//! not fit into one (Herlihy & Wing 1990, section 3.3). So where a history has several objects they are judged
//! together, in one order over all of them. Linearizability is compositional (the same, theorem 1) and implies
//! it. Hence the way of a verdict:
//! 1. If every object is linearizable, the history is sequentially consistent.
//! 2. If one object alone has no order, neither has the whole, and the proof is small.
//! 3. Otherwise all objects are searched together (`program`, `search`, `registers`, `forced`).
//!
//! A history without an order is shrunk to a few operations (`shrink`) and put into words (`explain`).
//!
//! Deliberately absent: threads, and any use of times.

mod explain;
mod forced;
mod program;
mod registers;
mod search;
mod shrink;
mod store;
#[cfg(test)]
mod tests;

use rupture_history::verdict::{Anomaly, Evidence};
use rupture_history::{History, Operation, Validity, Value, Verdict};

use crate::linearizability::calls::{Objects, Part};
use crate::linearizability::decide::{Decision, Ruling, decide};
use crate::linearizability::opening::{Opening, open};
use crate::linearizability::search as linear;
use crate::{Budget, CheckError, Checker, Model};
use program::{Program, Role, program_bytes};
use search::{Answer, Finding, Limits, Search, Stop};
use shrink::Subject;

const LEVEL: &str = "sequential";
/// The name of the search among the algorithms.
const SEARCH: &str = "search over the orders of processes";
/// How many configurations each operation is worth to a search whose answer would spare a longer one, and how
/// many any history is.
const STEPS_AN_OPERATION: u64 = 50;
const STEPS_AT_LEAST: u64 = 100_000;

/// Judges whether a history is sequentially consistent with respect to a model; see the [module](self).
///
/// ```
/// use rupture_checkers::history::{Event, History, Kind, Validity, Value};
/// use rupture_checkers::models::Register;
/// use rupture_checkers::{Budget, Checker, Linearizable, Sequential};
///
/// let history: History = [
///     Event::new(0, Kind::Invoke, "write", Value::Int(1)),
///     Event::new(0, Kind::Ok, "write", Value::Int(1)),
///     Event::new(1, Kind::Invoke, "read", Value::Nil),
///     Event::new(1, Kind::Ok, "read", Value::Nil),
/// ]
/// .iter()
/// .collect();
/// // The read came too late to see nothing, but its process cannot know that.
/// let linearizable = Linearizable::new(Register).check(&history, &Budget::unlimited());
/// assert_eq!(linearizable.unwrap().validity, Validity::Invalid);
/// let sequential = Sequential::new(Register).check(&history, &Budget::unlimited());
/// assert_eq!(sequential.unwrap().validity, Validity::Valid);
/// ```
#[derive(Clone, Debug)]
pub struct Sequential<M> {
    model: M,
    objects: Objects,
}

impl<M: Model> Sequential<M> {
    /// A judge for this model.
    pub fn new(model: M) -> Self {
        Self {
            model,
            objects: Objects::default(),
        }
    }

    /// Whether values are `[key value]`, and every key is an object of its own. All of them are judged in one
    /// order.
    ///
    /// ```
    /// use rupture_checkers::history::{Validity, codec};
    /// use rupture_checkers::models::Register;
    /// use rupture_checkers::{Budget, Checker, Sequential};
    ///
    /// // Each process writes one register and then finds the other unwritten. Either register has an
    /// // order, and the two do not fit into one.
    /// let history = codec::read(
    ///     b"{:process 0 :type :invoke :f :write :value [:x 1]}
    ///       {:process 0 :type :ok :f :write :value [:x 1]}
    ///       {:process 1 :type :invoke :f :write :value [:y 1]}
    ///       {:process 1 :type :ok :f :write :value [:y 1]}
    ///       {:process 0 :type :invoke :f :read :value [:y nil]}
    ///       {:process 0 :type :ok :f :read :value [:y nil]}
    ///       {:process 1 :type :invoke :f :read :value [:x nil]}
    ///       {:process 1 :type :ok :f :read :value [:x nil]}",
    /// )?;
    /// let judge = Sequential::new(Register).independent(true);
    /// let verdict = judge.check(&history, &Budget::unlimited())?;
    /// assert_eq!(verdict.validity, Validity::Invalid);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn independent(mut self, independent: bool) -> Self {
        self.objects.independent = independent;
        self
    }

    /// What registers hold before the first write; see [`Linearizable::initial`](crate::Linearizable::initial).
    ///
    /// ```
    /// use rupture_checkers::history::{Validity, Value, codec};
    /// use rupture_checkers::models::Register;
    /// use rupture_checkers::{Budget, Checker, Sequential};
    ///
    /// let history = codec::read(
    ///     b"{:process 0 :type :invoke :f :read}
    ///       {:process 0 :type :ok :f :read :value 0}",
    /// )?;
    /// let judge = Sequential::new(Register).initial(Value::Int(0));
    /// assert_eq!(judge.check(&history, &Budget::unlimited())?.validity, Validity::Valid);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn initial(mut self, value: Value) -> Self {
        self.objects.initial = Some(value);
        self
    }
}

impl<M: Model> Checker for Sequential<M> {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        let opening = open(&self.model, LEVEL, &self.objects, history, budget)?;
        let mut opened = match opening {
            Opening::Judge(opened) => opened,
            Opening::Closed(verdict) => return Ok(verdict),
        };
        let mut verdict = std::mem::take(&mut opened.verdict);
        let case = Case {
            model: &self.model,
            history,
            operations: &opened.operations,
            parts: &opened.parts,
            budget: &budget.with_bytes(opened.bytes),
        };
        case.judge(&mut verdict);
        Ok(opened.close(verdict))
    }
}

/// A check under way.
struct Case<'a, M: Model> {
    model: &'a M,
    history: &'a History,
    operations: &'a [Operation],
    parts: &'a [Part<M::Op>],
    budget: &'a Budget<'a>,
}

impl<M: Model> Case<'_, M> {
    fn judge(&self, verdict: &mut Verdict) {
        let mut doubtful: Vec<&Part<M::Op>> = Vec::new();
        for part in self.parts {
            match self.linearizable(part) {
                Some(algorithm) => name(algorithm, verdict),
                None => doubtful.push(part),
            }
        }
        if doubtful.is_empty() {
            verdict.explained = verdict.operations;
            return;
        }
        verdict.algorithms.clear();
        name(SEARCH, verdict);
        if self.parts.len() > 1 {
            let alone = doubtful.iter().filter_map(|part| self.refuted_alone(part));
            verdict.anomalies.extend(alone);
        }
        let stopped = if verdict.anomalies.is_empty() {
            self.judge_together(verdict)
        } else {
            None
        };
        if !verdict.anomalies.is_empty() {
            verdict.validity = Validity::Invalid;
            verdict.not.push(LEVEL.to_owned());
        } else if let Some(stop) = stopped {
            verdict.validity = Validity::Unknown;
            verdict.reasons.push(format!(
                "{} after {} of {} operations",
                stop.words(),
                verdict.explained,
                verdict.operations
            ));
        }
    }

    /// Which algorithm says that a part is linearizable, if one does. This is the one place that asks.
    fn linearizable(&self, part: &Part<M::Op>) -> Option<&'static str> {
        let limits = linear::Limits {
            budget: self.budget,
            steps: worth(part.calls.len()),
        };
        let Decision {
            ruling, algorithm, ..
        } = decide(self.model, &part.calls, &limits);
        matches!(ruling, Ruling::Order(_)).then_some(algorithm)
    }

    fn refuted_alone(&self, part: &Part<M::Op>) -> Option<Anomaly> {
        let parts = std::slice::from_ref(part);
        let finding = self.search(parts, worth(part.calls.len()));
        (finding.answer == Answer::Impossible).then(|| self.anomaly(parts, &finding))
    }

    /// Judges all parts in one order. Says why it stopped, if it did.
    fn judge_together(&self, verdict: &mut Verdict) -> Option<Stop> {
        let finding = self.search(self.parts, u64::MAX);
        let idle = verdict.operations - self.needed();
        verdict.explained = finding.explained + idle;
        match finding.answer {
            Answer::Order(_) => verdict.explained = verdict.operations,
            Answer::Impossible => verdict.anomalies.push(self.anomaly(self.parts, &finding)),
            Answer::Stopped(stop) => return Some(stop),
        }
        None
    }

    /// How many operations an order must have.
    fn needed(&self) -> u64 {
        let calls = self.parts.iter().flat_map(|part| &part.calls);
        calls.filter(|call| call.must).count() as u64
    }

    fn search(&self, parts: &[Part<M::Op>], steps: u64) -> Finding {
        let stopped = |stop| Finding {
            answer: Answer::Stopped(stop),
            steps: 0,
            explained: 0,
        };
        if self.budget.is_over() {
            return stopped(Stop::Time);
        }
        if program_bytes(parts) > self.budget.bytes() {
            return stopped(Stop::Memory);
        }
        let program = Program::new(self.model, parts, self.operations, |_| Role::AsTold);
        let limits = Limits {
            budget: self.budget,
            held: program.bytes(),
            steps,
        };
        Search::decide(self.model, &program, &limits)
    }

    fn anomaly(&self, parts: &[Part<M::Op>], finding: &Finding) -> Anomaly {
        let subject = Subject {
            model: self.model,
            parts,
            operations: self.operations,
            budget: self.budget,
        };
        let proof = shrink::shrink(&subject, finding.steps);
        let words = explain::explain(&subject, self.history, &proof);
        let touched: Vec<&Part<M::Op>> = parts.iter().filter(|part| proof.touches(part)).collect();
        let of = |&number: &u32| Evidence::of(self.history, &self.operations[number as usize]);
        Anomaly {
            kind: "not-sequential".to_owned(),
            key: match touched[..] {
                [part] => part.key.clone(),
                _ => None,
            },
            summary: words.summary,
            explanation: words.explanation,
            evidence: proof.operations().iter().map(of).collect(),
            ..Anomaly::default()
        }
    }
}

/// Names an algorithm that decided, once.
fn name(algorithm: &str, verdict: &mut Verdict) {
    if verdict.algorithms.iter().all(|known| known != algorithm) {
        verdict.algorithms.push(algorithm.to_owned());
    }
}

/// How many configurations of a search so many operations are worth, if its answer would spare a longer one.
fn worth(operations: usize) -> u64 {
    (operations as u64)
        .saturating_mul(STEPS_AN_OPERATION)
        .max(STEPS_AT_LEAST)
}
