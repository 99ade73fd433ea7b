//! What a checker says of a history.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The three answers, in the order in which they merge: the worst of several counts.
///
/// ```
/// use rupture_history::Validity;
///
/// assert_eq!(Validity::Valid.merge(Validity::Unknown), Validity::Unknown);
/// assert_eq!(Validity::Unknown.merge(Validity::Invalid), Validity::Invalid);
/// assert_eq!(Validity::Invalid.name(), "invalid");
/// ```
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
///
/// ```
/// use rupture_history::{Validity, Verdict};
///
/// let verdict = Verdict::unknown("register", "linearizable", "out of time");
/// assert_eq!(verdict.validity, Validity::Unknown);
/// assert!(verdict.anomalies.is_empty());
/// let json = serde_json::to_value(&verdict)?;
/// assert_eq!(json["reasons"][0], "out of time");
/// # Ok::<(), serde_json::Error>(())
/// ```
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
    /// The algorithms that decided, each once.
    #[serde(default)]
    pub algorithms: Vec<String>,
    /// Orders of operations that prove `valid`, where the caller asked for them.
    #[serde(default)]
    pub witnesses: Vec<Witness>,
    /// What was measured, of all keys together first, then of the worst keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<Measure>,
    /// Every level that was judged, where no single one was asked for; stronger ones before those that they
    /// imply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ladder: Vec<Rung>,
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

    /// Whether the history kept the promise. `unknown` is not valid.
    ///
    /// ```
    /// use rupture_history::Verdict;
    ///
    /// let late = Verdict::unknown("register", "linearizable", "out of time");
    /// assert!(!late.is_valid());
    /// assert_eq!(late.to_string(), "unknown: linearizable register\n  out of time");
    /// ```
    pub fn is_valid(&self) -> bool {
        self.validity == Validity::Valid
    }

    /// `unknown`, for this reason.
    pub fn unknown(model: &str, consistency: &str, reason: impl Into<String>) -> Self {
        let mut verdict = Self::new(Validity::Unknown, model, consistency);
        verdict.reasons.push(reason.into());
        verdict
    }

    /// One verdict for two: of several keys, or of several checkers of the same history.
    ///
    /// The worse answer counts (invalid, then unknown, then valid). Operations add up, so two checkers that
    /// judged the same operations count them twice: merge counts only what was judged apart. Anomalies,
    /// reasons and notes are those of `self` and then those of `other`; levels, models and consistencies are
    /// named once each, in that order, the latter two with ` + ` between them. An empty verdict (the
    /// default, which is valid and names nothing) changes nothing, and merging is associative.
    ///
    /// ```
    /// use rupture_history::{Validity, Verdict};
    ///
    /// let good = Verdict::new(Validity::Valid, "cas-register", "linearizable");
    /// let late = Verdict::unknown("cas-register", "linearizable", "out of time");
    /// let both = good.merge(late);
    /// assert_eq!(both.validity, Validity::Unknown);
    /// assert_eq!(both.model, "cas-register");
    /// assert_eq!(both.reasons, ["out of time"]);
    /// ```
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.validity = self.validity.merge(other.validity);
        self.model = both_names(&self.model, &other.model);
        self.consistency = both_names(&self.consistency, &other.consistency);
        self.operations = self.operations.saturating_add(other.operations);
        self.explained = self.explained.saturating_add(other.explained);
        self.anomalies.extend(other.anomalies);
        for level in other.not {
            if !self.not.contains(&level) {
                self.not.push(level);
            }
        }
        self.reasons.extend(other.reasons);
        self.notes.extend(other.notes);
        for algorithm in other.algorithms {
            if !self.algorithms.contains(&algorithm) {
                self.algorithms.push(algorithm);
            }
        }
        self.witnesses.extend(other.witnesses);
        self.measured.extend(other.measured);
        for rung in other.ladder {
            match self.ladder.iter_mut().find(|own| own.level == rung.level) {
                Some(own) => own.validity = own.validity.merge(rung.validity),
                None => self.ladder.push(rung),
            }
        }
        self
    }
}

/// The answer and its subject, why it is so, and every anomaly with its argument and its operations, for a test that
/// fails. The command line draws more.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = [&*self.consistency, &*self.model]
            .into_iter()
            .filter(|part| !part.is_empty());
        let subject: Vec<&str> = subject.collect();
        write!(f, "{}: {}", self.validity.name(), subject.join(" "))?;
        for reason in &self.reasons {
            write!(f, "\n  {reason}")?;
        }
        for anomaly in &self.anomalies {
            write!(f, "\n{anomaly}")?;
        }
        Ok(())
    }
}

/// A number that a checker found out about a history, or the bounds between which it lies.
///
/// ```
/// use rupture_history::Measure;
///
/// let between = Measure { at_least: 2, at_most: Some(4), ..Measure::default() };
/// assert_eq!(between.exact(), None);
/// assert_eq!(Measure { at_most: Some(2), ..between }.exact(), Some(2));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// What was measured, such as `k-atomic`: the least bound by which the level holds.
    pub name: String,
    /// The unit, such as `versions` or `ns`.
    pub unit: String,
    /// It is not less than this.
    pub at_least: u64,
    /// It is not more than this; `None` where nobody knows. Where the two are equal, this is the number.
    pub at_most: Option<u64>,
    /// The key that has it, as EDN, where keys are judged apart.
    pub key: Option<String>,
}

impl Measure {
    /// The number, if it is known.
    pub fn exact(&self) -> Option<u64> {
        self.at_most.filter(|most| *most == self.at_least)
    }
}

/// One level of a ladder, and whether the history holds it.
///
/// ```
/// use rupture_history::{Rung, Validity};
///
/// let rung = Rung { level: "serializable".to_owned(), validity: Validity::Valid };
/// let json = serde_json::to_string(&rung)?;
/// assert_eq!(json, r#"{"level":"serializable","validity":"valid"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// The level's name.
    pub level: String,
    /// Whether it holds.
    pub validity: Validity,
}

/// Why one transaction of an anomaly comes before another: an edge of its graph.
///
/// ```
/// use rupture_history::{Anomaly, Dependency};
///
/// let overwritten = Dependency { from: 7, to: 9, kind: "rw".to_owned(), why: String::new() };
/// let anomaly = Anomaly { dependencies: vec![overwritten], ..Anomaly::default() };
/// assert_eq!(serde_json::to_value(&anomaly)?["dependencies"][0]["kind"], "rw");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The index of the invocation of the earlier transaction.
    pub from: u64,
    /// The index of the invocation of the later one.
    pub to: u64,
    /// `ww`, `wr`, `rw`, `process` or `realtime`; `cf` and `hb` where causal levels force an order of two writers: the
    /// conflict relation, and happened-before of one process.
    pub kind: String,
    /// A sentence that says what shows it.
    pub why: String,
}

/// One order in which the operations on an object can have taken effect.
///
/// ```
/// use rupture_history::{Witness, codec};
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :write :value 1}
///       {:process 1 :type :invoke :f :read}",
/// )?;
/// let witness = Witness { key: None, order: vec![1, 0] };
/// let order: Vec<&str> = witness.order.iter().map(|&row| history.get(row as usize).f()).collect();
/// assert_eq!(order, ["read", "write"]);
/// # Ok::<(), codec::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// The key of the object, as EDN, where keys are judged apart.
    pub key: Option<String>,
    /// The rows of the invocations in that order.
    pub order: Vec<u32>,
}

const BOTH: &str = " + ";

/// The names of two lists of names, each once.
fn both_names(first: &str, second: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in first.split(BOTH).chain(second.split(BOTH)) {
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(BOTH)
}

/// One thing that went wrong, with what a person needs to check it by hand.
///
/// ```
/// use rupture_history::{Anomaly, Validity, Verdict};
///
/// let mut verdict = Verdict::new(Validity::Invalid, "bank", "");
/// verdict.anomalies.push(Anomaly {
///     kind: "wrong-total".to_owned(),
///     summary: "The accounts held 100 and now hold 95.".to_owned(),
///     ..Anomaly::default()
/// });
/// assert_eq!(serde_json::to_value(&verdict)?["anomalies"][0]["type"], "wrong-total");
/// # Ok::<(), serde_json::Error>(())
/// ```
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
    /// The edges between the operations of the proof, where it is a graph: first a cycle in its order, then those that
    /// its edges rest on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// The operation with whose completion every order has died: the first event with which the history so far is
    /// impossible, if what ran then may have happened, with any result, or not. Where an operation was seen that
    /// failed only later, it is the one that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dies_with: Option<Evidence>,
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if let Some(key) = &self.key {
            write!(f, " of key {key}")?;
        }
        write!(f, ": {}", self.summary)?;
        for sentence in &self.explanation {
            write!(f, "\n  {sentence}")?;
        }
        for operation in &self.evidence {
            write!(f, "\n  {operation}")?;
        }
        Ok(())
    }
}

/// `event 4: process 1: read nil ok 7`.
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            index,
            process,
            f: function,
            argument,
            outcome,
            ..
        } = self;
        write!(
            f,
            "event {index}: process {process}: {function} {argument} {outcome}"
        )?;
        self.result
            .iter()
            .try_for_each(|result| write!(f, " {result}"))
    }
}

/// One operation of a proof, self-contained.
///
/// ```
/// use rupture_history::{Evidence, codec};
///
/// let history = codec::read(
///     b"{:process 2 :type :invoke :f :read :time 10}
///       {:process 2 :type :ok :f :read :value 7 :time 25}",
/// )?;
/// let evidence = Evidence::of(&history, &history.operations()?[0]);
/// assert_eq!((&*evidence.f, evidence.result.as_deref()), ("read", Some("7")));
/// assert_eq!((evidence.invoked_ns, evidence.completed_ns), (10, Some(25)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The index of the invocation in the history.
    pub index: u64,
    /// The index of the completion, if there was one.
    pub completed_index: Option<u64>,
    /// Who, as [`Process`](crate::Process) prints it.
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
            process: history.process(operation.process).to_string(),
            f: invoked.f().to_owned(),
            argument: invoked.value().to_string(),
            result: completed
                .filter(|_| operation.outcome == Outcome::Ok)
                .map(|event| event.value().to_string()),
            outcome: operation.outcome.name().to_owned(),
            invoked_ns: invoked.time(),
            completed_ns: completed.filter(|_| known).map(crate::EventRef::time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, History, Kind, Value};
    use proptest::prelude::*;

    fn words(alphabet: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
        prop::sample::select(alphabet).prop_map(str::to_owned)
    }

    fn lists() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec(words(&["a", "b", "c"]), 0..3)
    }

    #[allow(clippy::ptr_arg)]
    fn measure(name: &String) -> Measure {
        Measure {
            name: name.clone(),
            at_least: 2,
            ..Measure::default()
        }
    }

    fn rung(level: &str, validity: Validity) -> Rung {
        Rung {
            level: level.to_owned(),
            validity,
        }
    }

    fn verdicts() -> impl Strategy<Value = Verdict> {
        use Validity::{Invalid, Unknown, Valid};
        let validity = prop::sample::select(&[Valid, Unknown, Invalid][..]);
        let names = words(&["", "register", "set", "register + set"]);
        let not = prop::sample::subsequence(vec!["x".to_owned(), "y".to_owned()], 0..=2);
        (
            validity,
            names.clone(),
            names,
            0..9_u64,
            lists(),
            not,
            lists(),
        )
            .prop_map(
                |(validity, model, consistency, operations, kinds, not, reasons)| Verdict {
                    validity,
                    model,
                    consistency,
                    operations,
                    explained: operations / 2,
                    anomalies: kinds
                        .into_iter()
                        .map(|kind| Anomaly {
                            kind,
                            ..Anomaly::default()
                        })
                        .collect(),
                    ladder: not.iter().map(|level| rung(level, validity)).collect(),
                    not,
                    notes: reasons.iter().rev().cloned().collect(),
                    measured: reasons.iter().map(measure).collect(),
                    reasons,
                    ..Verdict::default()
                },
            )
    }

    proptest! {
        #[test]
        fn merging_is_associative(a in verdicts(), b in verdicts(), c in verdicts()) {
            let left = a.clone().merge(b.clone()).merge(c.clone());
            prop_assert_eq!(left, a.merge(b.merge(c)));
        }

        #[test]
        fn an_empty_verdict_changes_nothing(a in verdicts()) {
            prop_assert_eq!(&a.clone().merge(Verdict::default()), &a);
            prop_assert_eq!(&Verdict::default().merge(a.clone()), &a);
        }

        #[test]
        fn the_worst_answer_counts_and_nothing_is_lost(a in verdicts(), b in verdicts()) {
            let both = a.clone().merge(b.clone());
            prop_assert_eq!(both.validity, a.validity.max(b.validity));
            prop_assert_eq!(both.operations, a.operations + b.operations);
            prop_assert_eq!(both.explained, a.explained + b.explained);
            prop_assert_eq!(both.anomalies, [a.anomalies, b.anomalies].concat());
            prop_assert_eq!(both.reasons, [a.reasons, b.reasons].concat());
            prop_assert_eq!(both.measured, [a.measured, b.measured].concat());
            prop_assert_eq!(both.notes, [a.notes, b.notes].concat());
            prop_assert!(a.not.iter().chain(&b.not).all(|level| both.not.contains(level)));
        }
    }

    #[test]
    fn invalid_is_worse_than_unknown_is_worse_than_valid() {
        assert!(Validity::Invalid > Validity::Unknown && Validity::Unknown > Validity::Valid);
    }

    #[test]
    fn a_verdict_survives_json() {
        let mut verdict = Verdict::unknown("register", "linearizable", "out of time");
        verdict.anomalies.push(Anomaly::default());
        let text = serde_json::to_string(&verdict).expect("a verdict is plain data");
        assert!(text.contains(r#""validity":"unknown""#), "{text}");
        assert!(text.contains(r#""type":"""#), "{text}");
        let back: Verdict = serde_json::from_str(&text).expect("its own form");
        assert_eq!(back, verdict);
        assert!(!text.contains("measured"), "{text}");
        verdict.measured.push(measure(&"k-atomic".to_owned()));
        let text = serde_json::to_string(&verdict).expect("a verdict is plain data");
        let back: Verdict = serde_json::from_str(&text).expect("its own form");
        assert_eq!(back, verdict);
    }

    #[test]
    fn a_measure_is_exact_where_its_bounds_meet() {
        let mut two = measure(&"k-atomic".to_owned());
        assert_eq!(two.exact(), None);
        two.at_most = Some(3);
        assert_eq!(two.exact(), None);
        two.at_most = Some(2);
        assert_eq!(two.exact(), Some(2));
    }

    #[test]
    fn evidence_says_when_an_operation_ran_and_what_it_saw() {
        let mut history = History::new();
        let mut event = Event::new(3, Kind::Invoke, "read", Value::Nil);
        for (kind, time, value) in [(Kind::Invoke, 5, Value::Nil), (Kind::Ok, 9, Value::Int(7))] {
            (event.kind, event.time, event.value) = (kind, time, value);
            history.push(&event);
        }
        (event.kind, event.value) = (Kind::Invoke, Value::Nil);
        history.push(&event);
        (event.kind, event.value) = (Kind::Info, Value::keyword("timed-out"));
        history.push(&event);
        let operations = history.operations().expect("pairs");
        let known = Evidence::of(&history, &operations[0]);
        let expected = Evidence {
            index: 0,
            completed_index: Some(1),
            process: "3".to_owned(),
            f: "read".to_owned(),
            argument: "nil".to_owned(),
            result: Some("7".to_owned()),
            outcome: "ok".to_owned(),
            invoked_ns: 5,
            completed_ns: Some(9),
        };
        assert_eq!(known, expected);
        let open = Evidence::of(&history, &operations[1]);
        assert_eq!((open.result, open.completed_ns), (None, None));
        assert_eq!((open.completed_index, &*open.outcome), (Some(3), "info"));
    }
}
