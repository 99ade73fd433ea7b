//! Linearizability (Herlihy & Wing 1990): is there one order of the operations that the model allows and
//! that never puts an operation before another that had completed before it was invoked?
//!
//! The order of the events decides which operation came before which, never their times. An operation that
//! failed did not happen. An operation of which nobody knows may have happened at any moment after its
//! invocation, or never.
//!
//! How a verdict comes about: the history is read and split by key (`calls`), each part is decided
//! (`decide`), by the theory of its object where every value is unique (`distinct`) and by a search
//! otherwise (`search`), and where no order exists the proof is shrunk to a few operations (`shrink`) and
//! put into words (`explain`). Parts are decided in parallel; what comes out does not depend on how many
//! threads there are.
//!
//! A history that is still being written is judged event by event by [`online`].
//!
//! Deliberately absent: orders that need not respect real time ([`sequential`](crate::sequential)), and reads
//! that may be stale ([`staleness`](crate::staleness)).

pub(crate) mod calls;
pub(crate) mod decide;
mod distinct;
pub(crate) mod explain;
mod first;
mod memo;
pub mod online;
pub(crate) mod opening;
mod plan;
pub(crate) mod search;
pub(crate) mod shrink;
#[cfg(test)]
pub(crate) mod tests;
mod witness;

use rayon::prelude::*;
use rupture_history::verdict::{Anomaly, Evidence, Witness};
use rupture_history::{History, Operation, Validity, Value, Verdict};

use crate::{Budget, CheckError, Checker, Model};
use calls::{Call, Objects, Part};
use decide::{Decision, Impossible, Ruling, decide};
use first::{First, Prefixes};
use opening::{Opening, open};
use search::{Limits, Search, Stop};

const LEVEL: &str = "linearizable";
/// How many keys an unfinished check names one by one.
const KEYS_NAMED: usize = 5;
/// Into how many shares memory is divided while several keys are decided at once. A fixed number, so that
/// the answer does not depend on the machine; a key that needs more than its share is decided again alone.
const SHARES: usize = 64;
/// How many configurations each of several keys may look at before a first violation was looked for in all of
/// them, and how much more in each round that follows. The rounds together cost a third more than the last.
const FIRST_ROUND: u64 = 200_000;
const GROWTH_OF_ROUNDS: u64 = 4;
const ONE_OBJECT: &str =
    "`anomalies` changes nothing here: it counts violated keys, and there is one object";
/// So many violated keys are looked for unless told.
const ANOMALIES: usize = 1;

/// Judges whether a history is linearizable with respect to a model; see the [module](self).
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::models::Register;
/// use rupture_checkers::{Budget, Checker, Linearizable};
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :write :value 1}
///       {:process 0 :type :ok :f :write :value 1}
///       {:process 0 :type :invoke :f :write :value 2}
///       {:process 1 :type :invoke :f :read}
///       {:process 1 :type :ok :f :read :value 2}
///       {:process 2 :type :invoke :f :read}
///       {:process 2 :type :ok :f :read :value 1}",
/// )?;
/// let verdict = Linearizable::new(Register).check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// assert_eq!(verdict.algorithms, ["zones (Gibbons & Korach 1997)"]);
/// // Once 2 was seen, 1 is gone: no order is left when the second read completes.
/// let anomaly = &verdict.anomalies[0];
/// assert_eq!(anomaly.dies_with.as_ref().map(|read| read.index), Some(5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Linearizable<M> {
    model: M,
    objects: Objects,
    witness: bool,
    anomalies: Option<usize>,
}

impl<M: Model> Linearizable<M> {
    /// A judge for this model.
    pub fn new(model: M) -> Self {
        Self {
            model,
            objects: Objects::default(),
            witness: false,
            anomalies: None,
        }
    }

    /// How many violated keys are looked for, 1 unless told; `usize::MAX` decides every key as far as the budget
    /// goes.
    ///
    /// Keys are searched in rounds, each of which lets every key that is still open look at four times as many
    /// configurations as the round before, beginning with 200,000. After a round in which so many violations are
    /// known, the keys that are still open are left undecided, and the verdict says how many. All violations
    /// that were found are told, however many.
    ///
    /// ```
    /// use rupture_checkers::history::codec;
    /// use rupture_checkers::models::Register;
    /// use rupture_checkers::{Budget, Checker, Linearizable};
    ///
    /// let history = codec::read(
    ///     b"{:process 0 :type :invoke :f :read :value [:x nil]}
    ///       {:process 0 :type :ok :f :read :value [:x 1]}
    ///       {:process 0 :type :invoke :f :read :value [:y nil]}
    ///       {:process 0 :type :ok :f :read :value [:y 1]}",
    /// )?;
    /// let judge = Linearizable::new(Register).independent(true).anomalies(1);
    /// let verdict = judge.check(&history, &Budget::unlimited())?;
    /// // Both keys are decided at once, and both are told.
    /// assert_eq!(verdict.anomalies.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn anomalies(mut self, anomalies: usize) -> Self {
        self.anomalies = Some(anomalies);
        self
    }

    /// What registers hold before the first write; nil unless told. Every key holds it where keys are judged apart.
    ///
    /// Only for models of registers ([`Register`](crate::models::Register), [`CasRegister`](crate::models::CasRegister),
    /// [`MultiRegister`](crate::models::MultiRegister)), or of your own whose first state is [`Id::NIL`](crate::Id::NIL):
    /// others hold no value at first, and to them it means nothing.
    ///
    /// ```
    /// use rupture_checkers::history::{Validity, Value, codec};
    /// use rupture_checkers::models::Register;
    /// use rupture_checkers::{Budget, Checker, Linearizable};
    ///
    /// let history = codec::read(
    ///     b"{:process 0 :type :invoke :f :read}
    ///       {:process 0 :type :ok :f :read :value 0}",
    /// )?;
    /// let judge = Linearizable::new(Register).initial(Value::Int(0));
    /// assert_eq!(judge.check(&history, &Budget::unlimited())?.validity, Validity::Valid);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn initial(mut self, value: Value) -> Self {
        self.objects.initial = Some(value);
        self
    }

    /// Whether a `valid` verdict brings an order of the operations with it ([`Verdict::witnesses`]).
    ///
    /// ```
    /// use rupture_checkers::history::codec;
    /// use rupture_checkers::models::Mutex;
    /// use rupture_checkers::{Budget, Checker, Linearizable};
    ///
    /// let history = codec::read(
    ///     b"{:process 0 :type :invoke :f :acquire}
    ///       {:process 1 :type :invoke :f :acquire}
    ///       {:process 1 :type :ok :f :acquire}
    ///       {:process 1 :type :invoke :f :release}
    ///       {:process 0 :type :ok :f :acquire}
    ///       {:process 1 :type :ok :f :release}",
    /// )?;
    /// let judge = Linearizable::new(Mutex).witness(true);
    /// let verdict = judge.check(&history, &Budget::unlimited())?;
    /// // By the rows of their invocations: process 0 acquired what process 1 had released.
    /// assert_eq!(verdict.witnesses[0].order, [1, 3, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn witness(mut self, witness: bool) -> Self {
        self.witness = witness;
        self
    }

    /// Whether values are `[key value]`, and every key is an object of its own.
    ///
    /// ```
    /// use rupture_checkers::history::codec;
    /// use rupture_checkers::models::Register;
    /// use rupture_checkers::{Budget, Checker, Linearizable};
    ///
    /// let history = codec::read(
    ///     b"{:process 0 :type :invoke :f :write :value [:x 1]}
    ///       {:process 0 :type :ok :f :write :value [:x 1]}
    ///       {:process 0 :type :invoke :f :read :value [:y nil]}
    ///       {:process 0 :type :ok :f :read :value [:y 1]}",
    /// )?;
    /// let judge = Linearizable::new(Register).independent(true);
    /// let verdict = judge.check(&history, &Budget::unlimited())?;
    /// assert_eq!(verdict.anomalies[0].key.as_deref(), Some(":y"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn independent(mut self, independent: bool) -> Self {
        self.objects.independent = independent;
        self
    }
}

impl<M: Model> Checker for Linearizable<M> {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        let opening = open(&self.model, LEVEL, &self.objects, history, budget)?;
        let mut opened = match opening {
            Opening::Judge(opened) => opened,
            Opening::Closed(verdict) => return Ok(verdict),
        };
        let verdict = std::mem::take(&mut opened.verdict);
        let case = Case {
            model: &self.model,
            independent: self.objects.independent,
            history,
            operations: &opened.operations,
            budget: &budget.with_bytes(opened.bytes),
            witness: self.witness,
            anomalies: self.anomalies,
        };
        Ok(opened.close(case.close(verdict, &opened.parts)))
    }
}

/// A check under way.
struct Case<'a, M: Model> {
    model: &'a M,
    independent: bool,
    history: &'a History,
    operations: &'a [Operation],
    budget: &'a Budget<'a>,
    witness: bool,
    anomalies: Option<usize>,
}

/// What became of a part.
struct Judged {
    explained: u64,
    algorithm: &'static str,
    outcome: Judgement,
}

impl Judged {
    fn stopped(&self) -> Option<Stop> {
        match self.outcome {
            Judgement::Stopped(stop) => Some(stop),
            Judgement::Valid(_) | Judgement::Invalid(_) => None,
        }
    }
}

enum Judgement {
    Valid(Option<Witness>),
    Invalid(Box<Anomaly>),
    Stopped(Stop),
}

impl<M: Model> Case<'_, M> {
    /// Judges every part, in rounds of ever more steps, until enough violations are known. Parts for which a
    /// share of the memory was too little come last, one by one, with all of it.
    fn judge_all(&self, parts: &[Part<M::Op>]) -> Vec<Judged> {
        if let [part] = parts {
            return vec![self.judge(part, &Limits::of(self.budget))];
        }
        let share = self.budget.with_bytes(self.budget.bytes() / SHARES);
        let mut limits = Limits {
            steps: FIRST_ROUND,
            ..Limits::of(&share)
        };
        let judge = |part: &Part<M::Op>, limits: &Limits<'_>| self.judge(part, limits);
        let mut judged: Vec<Judged> = parts.par_iter().map(|part| judge(part, &limits)).collect();
        while !self.is_enough(&judged) && judged.iter().any(|it| it.stopped() == Some(Stop::Steps))
        {
            limits.steps = limits.steps.saturating_mul(GROWTH_OF_ROUNDS);
            judged.par_iter_mut().zip(parts).for_each(|(judged, part)| {
                if judged.stopped() == Some(Stop::Steps) {
                    *judged = judge(part, &limits);
                }
            });
        }
        for at in 0..parts.len() {
            if judged[at].stopped() == Some(Stop::Memory) && !self.is_enough(&judged) {
                judged[at] = judge(&parts[at], &Limits::of(self.budget));
            }
        }
        judged
    }

    /// Whether as many violations are known as were looked for.
    fn is_enough(&self, judged: &[Judged]) -> bool {
        let invalid = |judged: &&Judged| matches!(judged.outcome, Judgement::Invalid(_));
        judged.iter().filter(invalid).count() >= self.anomalies.unwrap_or(ANOMALIES).max(1)
    }

    fn judge(&self, part: &Part<M::Op>, limits: &Limits<'_>) -> Judged {
        let budget = limits.budget;
        let Decision {
            ruling,
            algorithm,
            steps,
        } = decide(self.model, &part.calls, limits);
        let all = part.operations.len() as u64;
        let (explained, outcome) = match ruling {
            Ruling::Order(order) => (all, self.valid(part, order, budget)),
            Ruling::Impossible(impossible) => {
                let mut prefixes = Prefixes::new(
                    self.model,
                    self.independent,
                    self.history,
                    self.operations,
                    part,
                );
                let first = prefixes.first(&impossible, steps, budget);
                let ending = prefixes.ending(first.operation);
                let anomaly = self.anomaly(part, &impossible, (first, &ending), steps, budget);
                let explained = if first.alive {
                    self.explained(part, self.operations[first.operation as usize].completed)
                } else {
                    0
                };
                (explained, Judgement::Invalid(Box::new(anomaly)))
            }
            Ruling::Stopped(stop, call) => (
                call.map_or(0, |call| {
                    self.explained(part, Some(part.calls[call as usize].completed))
                }),
                Judgement::Stopped(stop),
            ),
        };
        Judged {
            explained,
            algorithm,
            outcome,
        }
    }

    fn valid(&self, part: &Part<M::Op>, order: Option<Vec<u32>>, budget: &Budget<'_>) -> Judgement {
        if !self.witness {
            return Judgement::Valid(None);
        }
        let order = order.or_else(|| self.searched(part, budget));
        let witness = order.map(|order| Witness {
            key: part.key.clone(),
            order: order
                .iter()
                .map(|&call| part.calls[call as usize].invoked)
                .collect(),
        });
        Judgement::Valid(witness)
    }

    /// An order of a part that was decided by search.
    fn searched(&self, part: &Part<M::Op>, budget: &Budget<'_>) -> Option<Vec<u32>> {
        match Search::decide(self.model, &part.calls, &Limits::of(budget)).0 {
            search::Answer::Order(effects) => witness::order(self.model, &part.calls, &effects),
            search::Answer::Impossible(_) | search::Answer::Stopped(..) => None,
        }
    }

    /// How many operations of a part lie wholly before a row.
    fn explained(&self, part: &Part<M::Op>, row: Option<u32>) -> u64 {
        let over = |&&number: &&u32| {
            let operation = &self.operations[number as usize];
            Some(operation.completed.unwrap_or(operation.invoked)) < row
        };
        part.operations.iter().filter(over).count() as u64
    }

    fn anomaly(
        &self,
        part: &Part<M::Op>,
        impossible: &Impossible<M::Op>,
        (first, ending): (First, &str),
        steps: u64,
        budget: &Budget<'_>,
    ) -> Anomaly {
        let (calls, deadly): (&[Call<M::Op>], u32) = match &impossible.core {
            Some((calls, deadly)) => (calls, *deadly),
            None => (&part.calls, impossible.deadly),
        };
        let proof = shrink::shrink(self.model, calls, deadly, steps, budget);
        let mut words = explain::explain(self.model, self.history, part, calls, &proof);
        words
            .explanation
            .extend(impossible.restricted.map(str::to_owned));
        let dies_with = self.evidence(first.operation);
        let before = if first.alive {
            let last = self.before(first.operation);
            format!("Everything up to event {last} has an order, but none goes on")
        } else {
            "No order goes on".to_owned()
        };
        words
            .explanation
            .push(format!("{before} past the {ending}."));
        Anomaly {
            kind: "nonlinearizable".to_owned(),
            key: part.key.clone(),
            summary: words.summary,
            explanation: words.explanation,
            evidence: proof
                .calls()
                .iter()
                .map(|&call| self.evidence(calls[call as usize].operation))
                .collect(),
            dies_with: Some(dies_with),
            ..Anomaly::default()
        }
    }

    fn evidence(&self, operation: u32) -> Evidence {
        Evidence::of(self.history, &self.operations[operation as usize])
    }

    /// The index of the event before the completion of an operation.
    fn before(&self, operation: u32) -> u64 {
        let row = self.operations[operation as usize].completed;
        let row = row.unwrap_or_default().saturating_sub(1);
        self.history.get(row as usize).index()
    }

    /// Adds what became of the parts to a verdict.
    fn close(&self, mut verdict: Verdict, parts: &[Part<M::Op>]) -> Verdict {
        let mut stopped = Vec::new();
        if self.anomalies.is_some() && parts.len() < 2 {
            verdict.notes.push(ONE_OBJECT.to_owned());
        }
        for (judged, part) in self.judge_all(parts).into_iter().zip(parts) {
            verdict.explained += judged.explained;
            let algorithm = judged.algorithm.to_owned();
            if !verdict.algorithms.contains(&algorithm) {
                verdict.algorithms.push(algorithm);
            }
            match judged.outcome {
                Judgement::Valid(witness) => verdict.witnesses.extend(witness),
                Judgement::Invalid(anomaly) => verdict.anomalies.push(*anomaly),
                Judgement::Stopped(stop) => stopped.push(unfinished(part, stop, judged.explained)),
            }
        }
        if !verdict.anomalies.is_empty() {
            if !stopped.is_empty() {
                verdict.notes.push(undecided(stopped.len(), parts.len()));
            }
            verdict.validity = Validity::Invalid;
            verdict.not.push(LEVEL.to_owned());
        } else if !stopped.is_empty() {
            verdict.validity = Validity::Unknown;
        }
        if verdict.validity != Validity::Valid {
            verdict.witnesses.clear();
        }
        let more = stopped.len().saturating_sub(KEYS_NAMED);
        stopped.truncate(KEYS_NAMED);
        verdict.reasons.append(&mut stopped);
        if more > 0 {
            verdict.reasons.push(format!("and so for {more} more keys"));
        }
        verdict
    }
}

/// That keys were left open behind a violation.
fn undecided(open: usize, keys: usize) -> String {
    format!(
        "{open} of {keys} keys were left undecided after the violation of another was proved; \
         ask for all anomalies to have them judged"
    )
}

/// How far the check of a part got.
fn unfinished<O>(part: &Part<O>, stop: Stop, explained: u64) -> String {
    let key = part
        .key
        .as_ref()
        .map_or(String::new(), |key| format!("key {key}: "));
    format!(
        "{key}{} after {explained} of {} operations",
        stop.words(),
        part.operations.len(),
    )
}
