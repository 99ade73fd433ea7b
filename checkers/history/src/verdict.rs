//! What a checker says of a history.

use serde::{Deserialize, Serialize};

/// The three answers, in the order in which they merge: the worst of several counts.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Validity {
    /// The history kept the promise.
    #[default]
    Valid,
    /// Nobody can say: out of time or memory, or there was nothing to judge. Not valid.
    Unknown,
    /// The history broke the promise, and here is the evidence.
    Invalid,
}

impl Validity {
    /// The worse of the two.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        self.max(other)
    }

    /// The word for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Unknown => "unknown",
            Self::Invalid => "invalid",
        }
    }
}

/// The judgement of one history by one checker, or several merged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The answer.
    pub validity: Validity,
    /// The model, such as `cas-register`, or the checker's name where it has none.
    pub model: String,
    /// The level that was judged, such as `linearizable`; empty where the model has only one.
    pub consistency: String,
    /// How many operations of clients were judged.
    pub operations: u64,
    /// How many of them were explained before the checker stopped; all of them when `valid`.
    pub explained: u64,
    /// What went wrong, worst first.
    pub anomalies: Vec<Anomaly>,
    /// The levels that the history is shown not to hold.
    pub not: Vec<String>,
    /// Why the answer is not `valid` although nothing is proved wrong: out of time, nothing completed.
    pub reasons: Vec<String>,
    /// Anything worth knowing that changes no answer.
    pub notes: Vec<String>,
}

impl Verdict {
    /// A verdict with nothing in it yet but its subject.
    pub fn new(validity: Validity, model: &str, consistency: &str) -> Self {
        Self {
            validity,
            model: model.to_owned(),
            consistency: consistency.to_owned(),
            ..Self::default()
        }
    }

    /// `unknown`, for this reason.
    pub fn unknown(model: &str, consistency: &str, reason: impl Into<String>) -> Self {
        let mut verdict = Self::new(Validity::Unknown, model, consistency);
        verdict.reasons.push(reason.into());
        verdict
    }
}

/// One thing that went wrong, with what a person needs to check it by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anomaly {
    /// Its kind in the field's words, such as `nonlinearizable` or `lost`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The key that it concerns, as EDN, where keys are judged apart.
    pub key: Option<String>,
    /// One sentence.
    pub summary: String,
    /// The argument, a sentence a line: why no order explains these operations.
    pub explanation: Vec<String>,
    /// The operations that prove it, in the order of their invocations.
    pub evidence: Vec<Evidence>,
}

/// One operation of a proof, self-contained.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The index of the invocation in the history.
    pub index: u64,
    /// The index of the completion, if there was one.
    pub completed_index: Option<u64>,
    /// Who.
    pub process: String,
    /// The function.
    pub f: String,
    /// The argument as EDN.
    pub argument: String,
    /// The result as EDN, when `ok`.
    pub result: Option<String>,
    /// `ok`, `fail` or `info`.
    pub outcome: String,
    /// When it was invoked, in nanoseconds since the run began; -1 where the history does not say.
    pub invoked_ns: i64,
    /// When it completed; `None` when it never did (an `info` operation never does).
    pub completed_ns: Option<i64>,
}

impl Evidence {
    /// The evidence of one operation of a history.
    pub fn of(history: &crate::History, operation: &crate::Operation) -> Self {
        use crate::Outcome;
        let invoked = history.get(operation.invoked as usize);
        let completed = operation.completed.map(|row| history.get(row as usize));
        let known = operation.outcome != Outcome::Info;
        Self {
            index: invoked.index(),
            completed_index: completed.map(crate::EventRef::index),
            process: operation.process.to_string(),
            f: invoked.f().to_owned(),
            argument: invoked.value().to_string(),
            result: completed
                .filter(|_| operation.outcome == Outcome::Ok)
                .map(|event| event.value().to_string()),
            outcome: match operation.outcome {
                Outcome::Ok => "ok",
                Outcome::Fail => "fail",
                Outcome::Info => "info",
            }
            .to_owned(),
            invoked_ns: invoked.time(),
            completed_ns: completed.filter(|_| known).map(crate::EventRef::time),
        }
    }
}
