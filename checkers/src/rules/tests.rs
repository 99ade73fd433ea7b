//! Every judge against its definition, over random small histories.
//!
//! An oracle says which kinds of anomalies there are and whether anything stays open, by trying all that the
//! definition speaks of. Beside that the operations that are named as evidence, judged alone, must be wrong as
//! well.

mod bank;
mod bounds;
mod causal_reverse;
mod convergence;
mod counter;
mod dirty_reads;
mod g2;
mod long_fork;
mod openings;

use crate::searches::share;
use std::collections::{BTreeMap, BTreeSet};

use rupture_history::{
    Anomaly, Event, History, Kind, Operation, Outcome, Validity, Value, Verdict,
};

use crate::{Budget, Checker};

/// A small generator of random numbers (`SplitMix64`, Steele, Lea & Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn int(&mut self, end: u64) -> Value {
        Value::Int(self.below(end) as i64)
    }
}

/// What a client asks and how it is answered.
trait Store {
    /// The next operation; `last` when everything else has been asked.
    fn invoke(&mut self, random: &mut Random, last: bool) -> (&'static str, Value);
    /// How it ends, and the result.
    fn complete(&mut self, random: &mut Random, event: &Event) -> (Kind, Value);
}

/// So many steps of a few processes, and then last operations, marked or not.
fn history(random: &mut Random, store: &mut impl Store, steps: u64) -> Vec<Event> {
    let processes = 1 + random.below(4);
    let mut open: Vec<Option<Event>> = vec![None; processes as usize];
    let mut events = Vec::new();
    let steps = random.below(steps + 1);
    let last = random.below(2 * processes + 1);
    let marked = random.one_in(2);
    for step in 0..steps + 2 * last {
        let is_last = step >= steps;
        let process = random.below(processes) as usize;
        let event = match open[process].take() {
            None => {
                let (f, value) = store.invoke(random, is_last);
                let mut event = Event::new(process as i64, Kind::Invoke, f, value);
                if is_last && marked {
                    event.extra.push(("final?".into(), Value::Bool(true)));
                }
                open[process] = Some(event.clone());
                event
            }
            Some(mut event) => {
                (event.kind, event.value) = store.complete(random, &event);
                event
            }
        };
        events.push(event);
    }
    events
}

/// How most operations end.
fn ending(random: &mut Random) -> Kind {
    match random.below(8) {
        0 => Kind::Fail,
        1 => Kind::Info,
        _ => Kind::Ok,
    }
}

/// What an oracle says: the kinds of anomalies, and whether the rest leaves anything open.
#[derive(Debug, Default, PartialEq, Eq)]
struct Judged {
    kinds: BTreeSet<String>,
    open: bool,
}

impl Judged {
    fn find(&mut self, kind: &str) {
        self.kinds.insert(kind.to_owned());
    }

    fn validity(&self) -> Validity {
        match (self.kinds.is_empty(), self.open) {
            (false, _) => Validity::Invalid,
            (true, true) => Validity::Unknown,
            (true, false) => Validity::Valid,
        }
    }
}

/// An operation, ready to be looked at.
#[derive(Clone, Debug)]
struct Seen {
    f: String,
    process: i64,
    argument: Value,
    result: Option<Value>,
    invoked: u32,
    /// The row of its `ok`.
    acknowledged: Option<u32>,
    /// The row of its last event, or one that never comes.
    ended: u32,
    failed: bool,
    marked: bool,
}

fn seen(history: &History) -> Vec<Seen> {
    let one = |operation: &Operation| {
        let invocation = history.get(operation.invoked as usize).to_event();
        let ok = operation
            .completed
            .filter(|_| operation.outcome == Outcome::Ok);
        Seen {
            f: invocation.f.to_string(),
            process: operation.process,
            argument: invocation.value,
            result: ok.map(|row| history.get(row as usize).value().to_value()),
            invoked: operation.invoked,
            acknowledged: ok,
            ended: operation.completed.unwrap_or(u32::MAX),
            failed: operation.outcome == Outcome::Fail,
            marked: !invocation.extra.is_empty(),
        }
    };
    history
        .operations()
        .expect("pairs")
        .iter()
        .map(one)
        .collect()
}

/// The final reads, by their definition.
fn finals(all: &[Seen]) -> Vec<Seen> {
    let reads = || all.iter().filter(|op| op.f == "read");
    let answered = || reads().filter(|op| op.result.is_some());
    if reads().any(|op| op.marked) {
        return answered().filter(|op| op.marked).cloned().collect();
    }
    let changes = all.iter().filter(|op| op.f != "read");
    let last_change = changes.map(|op| i64::from(op.ended)).max().unwrap_or(-1);
    let is_last = |op: &&Seen| {
        i64::from(op.invoked) > last_change
            && answered().all(|other| other.process != op.process || other.invoked <= op.invoked)
    };
    answered().filter(is_last).cloned().collect()
}

fn integers(value: &Value) -> Vec<i64> {
    let items = value.items().unwrap_or_default();
    items.iter().filter_map(Value::as_int).collect()
}

fn judge(checker: &impl Checker, history: &History) -> Verdict {
    checker
        .check(history, &Budget::unlimited())
        .expect("a history of the type")
}

/// The operations of an anomaly's evidence alone.
fn evidence_alone(history: &History, anomaly: &Anomaly) -> History {
    let of = |index: u64| {
        let proof = anomaly.evidence.iter();
        let mut proof = proof.filter(|it| it.index == index || it.completed_index == Some(index));
        proof.next().is_some()
    };
    let kept: Vec<Event> = history
        .iter()
        .filter(|event| of(event.index()))
        .map(rupture_history::EventRef::to_event)
        .collect();
    kept.iter().collect()
}

/// Compares a judge with its oracle on so many histories; every kind must come up now and then.
fn compare<C: Checker>(
    seed: u64,
    count: u64,
    kinds: &[&str],
    make: impl Fn(&mut Random) -> (C, Vec<Event>),
    oracle: impl Fn(&C, &[Seen]) -> Judged,
) {
    let mut random = Random(seed);
    let count = share(count as usize) as u64;
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for number in 0..count {
        let (checker, events) = make(&mut random);
        let history: History = events.iter().collect();
        let expected = oracle(&checker, &seen(&history));
        let verdict = judge(&checker, &history);
        let anomalies = verdict.anomalies.iter();
        let found = Judged {
            kinds: anomalies.map(|anomaly| anomaly.kind.clone()).collect(),
            open: !verdict.reasons.is_empty(),
        };
        let shown: Vec<_> = history.iter().collect();
        assert_eq!(found, expected, "{number}: {shown:#?}\n{verdict:#?}");
        assert_eq!(verdict.validity, expected.validity());
        for anomaly in &verdict.anomalies {
            let alone = judge(&checker, &evidence_alone(&history, anomaly));
            // Fewer reads may leave too few to agree, which the proof does not need.
            let few = alone
                .reasons
                .iter()
                .any(|reason| reason.contains("takes 2 to agree"));
            assert!(
                alone.validity == Validity::Invalid || few,
                "{number}: {shown:#?}\n{anomaly:#?}\n{alone:#?}"
            );
        }
        let names = expected.kinds.iter().map(String::as_str);
        for name in names.chain([verdict.validity.name()]) {
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }
    for kind in kinds.iter().chain(&["valid", "unknown", "invalid"]) {
        let times = counts.get(*kind).copied().unwrap_or_default();
        assert!(times > count / 200, "too few are {kind}: {counts:?}");
    }
}

fn text<C: Checker>(checker: &C, edn: &str) -> Verdict {
    let history = rupture_history::codec::read(edn.as_bytes()).expect("a history");
    judge(checker, &history)
}
