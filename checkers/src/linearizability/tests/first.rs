//! Every model names the event at which its history becomes impossible as the definition does, prefix by prefix:
//! whichever engine decides, with keys apart or without, at the end or while the history grows.

use rupture_history::{Event, History, Kind, Outcome, Validity, Value, Verdict};
use std::collections::{BTreeMap, BTreeSet};

use super::objects::{self, Subject};
use super::online::{first_by_definition, give_up};
use super::oracle::{self, Op};
use super::random::{self, Random};
use crate::linearizability::decide::SEARCH;
use crate::linearizability::online::{Standing, watcher};
use crate::searches::{at_least, share};
use crate::{Budget, Options, checker, models};

/// How many histories each model gets, of how many operations at most.
const HISTORIES: usize = share(8_000);
const MOST: usize = 7;
/// How many histories of several keys.
const KEYED: usize = share(1_600);
const KEYS: usize = 3;

/// The models whose operations are known to a theory where values are unique.
const THEORIES: [&str; 7] = [
    "fifo-queue",
    "kv-append",
    "priority-queue",
    "register",
    "set",
    "stack",
    "unordered-queue",
];

/// Registers that hold 2 at first.
static TWO: Subject = Subject {
    initial: &[2],
    ..objects::REGISTER
};
static CAS_OF_TWO: Subject = Subject {
    initial: &[2],
    ..objects::CAS_REGISTER
};
static TWOS: Subject = Subject {
    initial: &[2, 2],
    ..objects::MULTI_REGISTER
};

/// A model with its settings, and the same object for the definition.
struct Judged {
    name: &'static str,
    options: Options,
    subject: &'static Subject,
}

/// Every model that is judged by an order of its operations. One that the definition does not know fails here.
fn judged() -> Vec<Judged> {
    let orders = models()
        .iter()
        .filter(|info| info.settings.contains(&"witness"));
    let mut judged: Vec<Judged> = orders
        .map(|info| {
            let subject = match info.name {
                "cas-register" => &objects::CAS_REGISTER,
                "counter" => &objects::COUNTER,
                "fenced-lock" => &objects::FENCED_LOCK,
                "fifo-queue" => &objects::FIFO_QUEUE,
                "kv-append" => &objects::KV,
                "multi-register" => &objects::MULTI_REGISTER,
                "mutex" => &objects::MUTEX,
                "owner-mutex" => &objects::OWNER_MUTEX,
                "priority-queue" => &objects::PRIORITY_QUEUE,
                "reentrant-mutex" => &objects::REENTRANT_MUTEX,
                "register" => &objects::REGISTER,
                "semaphore" => &objects::SEMAPHORE,
                "set" => &objects::SET,
                "stack" => &objects::STACK,
                "unordered-queue" => &objects::UNORDERED_QUEUE,
                name => panic!("say here what object {name} is"),
            };
            let options = Options {
                permits: (info.name == "semaphore").then_some(3),
                anomalies: Some(usize::MAX),
                ..Options::default()
            };
            Judged {
                name: info.name,
                options,
                subject,
            }
        })
        .collect();
    let all = || Options {
        anomalies: Some(usize::MAX),
        ..Options::default()
    };
    judged.push(Judged {
        name: "cas-register",
        options: Options {
            observe_failed_cas: true,
            ..all()
        },
        subject: &objects::CAS_REGISTER,
    });
    for (name, subject) in [
        ("register", &TWO),
        ("cas-register", &CAS_OF_TWO),
        ("multi-register", &TWOS),
    ] {
        judged.push(Judged {
            name,
            options: Options {
                initial: Some(Value::Int(2)),
                ..all()
            },
            subject,
        });
    }
    judged
}

impl Judged {
    fn judge(&self, history: &History, independent: bool) -> Verdict {
        let options = Options {
            independent,
            ..self.options.clone()
        };
        let judge = checker(self.name, None, &options).expect("a model");
        judge
            .check(history, &Budget::unlimited())
            .expect("a history")
    }

    /// What the watch says in the end.
    fn watch(&self, history: &History, independent: bool) -> Option<u64> {
        let options = Options {
            independent,
            ..self.options.clone()
        };
        let mut watch = watcher(self.name, &options).expect("it is watched");
        for event in history.iter() {
            watch.push(event).expect("a history");
        }
        match watch.finish() {
            Standing::Invalid(found) => {
                assert!(found.is_first);
                Some(found.event)
            }
            Standing::Valid | Standing::Unknown(_) => None,
        }
    }

    fn expected(&self, ops: &[Op]) -> Option<usize> {
        let first = first_by_definition(self.subject, ops, self.options.observe_failed_cas);
        first.map(|first| first as usize)
    }
}

/// Where each anomaly says that its key became impossible. It must know it to be the first.
fn named(verdict: &Verdict) -> BTreeMap<Option<String>, u64> {
    let named = verdict.anomalies.iter().map(|anomaly| {
        let last = anomaly.explanation.last().expect("an explanation");
        assert!(last.starts_with("Everything up to event "), "{last}");
        let dies_with = anomaly.dies_with.as_ref().expect("an operation");
        let event = dies_with.completed_index.expect("a completion");
        let failed = dies_with.outcome == "fail";
        assert!(
            !failed || last.contains("past the failure of") || last.contains("failed cas"),
            "{last}"
        );
        (anomaly.key.clone(), event)
    });
    named.collect()
}

#[test]
fn every_model_names_the_first_event_with_which_its_history_is_impossible() {
    let mut failed = 0;
    for (number, judged) in judged().into_iter().enumerate() {
        let mut random = Random::new(700 + number as u64);
        let (mut invalid, mut failures, mut algorithms) = (0, 0, BTreeSet::new());
        for round in 0..HISTORIES {
            let mut ops = random::history(judged.subject, MOST, &mut random);
            if round % 2 == 0 {
                give_up(&mut ops);
            }
            if round % 3 != 0 {
                let at = random.below(ops.len());
                fail(&mut ops[at]);
            }
            let expected = judged.expected(&ops).map(|event| event as u64);
            let history = oracle::history(&ops);
            let verdict = judged.judge(&history, false);
            let named = named(&verdict).into_values().next();
            assert_eq!(named, expected, "{}: {ops:#?}", judged.name);
            assert_eq!(verdict.validity == Validity::Invalid, expected.is_some());
            assert_eq!(
                judged.watch(&history, false),
                expected,
                "{}: {ops:#?}",
                judged.name
            );
            let Some(event) = expected else { continue };
            invalid += 1;
            failures += usize::from(history.get(event as usize).kind() == Kind::Fail);
            algorithms.extend(verdict.algorithms);
        }
        println!(
            "{}: {invalid} invalid, {failures} with a failure, {algorithms:?}",
            judged.name
        );
        assert!(invalid > at_least(HISTORIES / 6));
        failed += failures;
        assert!(algorithms.contains(SEARCH));
        if THEORIES.contains(&judged.name) {
            assert!(algorithms.len() > 1, "{}: {algorithms:?}", judged.name);
        }
    }
    assert!(failed > at_least(HISTORIES / 10), "{failed}");
}

/// Lets an operation fail in the end that may have been seen.
fn fail(op: &mut Op) {
    if op.outcome == Outcome::Ok {
        (op.outcome, op.result) = (Outcome::Fail, None);
    }
}

/// Histories of several keys, whose events lie among each other.
#[test]
fn so_it_does_of_every_key() {
    for (number, judged) in judged().into_iter().enumerate() {
        let mut random = Random::new(800 + number as u64);
        let mut invalid = 0;
        for _ in 0..KEYED {
            let keys: Vec<Vec<Op>> = (0..KEYS)
                .map(|key| {
                    let mut ops = random::history(judged.subject, MOST - 2, &mut random);
                    let at = random.below(ops.len());
                    fail(&mut ops[at]);
                    for op in &mut ops {
                        op.process = op.process * KEYS as i64 + key as i64;
                        op.invoked = op.invoked * KEYS + key;
                        op.recorded = op.recorded.map(|at| at * KEYS + key);
                    }
                    ops
                })
                .collect();
            let (history, rows) = keyed(&keys);
            let expected: BTreeMap<Option<String>, u64> = (0..KEYS)
                .filter_map(|key| {
                    let event = judged.expected(&keys[key])?;
                    Some((Some(key.to_string()), rows[key][event]))
                })
                .collect();
            let verdict = judged.judge(&history, true);
            assert_eq!(named(&verdict), expected, "{}: {keys:#?}", judged.name);
            let first = expected.values().min().copied();
            assert_eq!(
                judged.watch(&history, true),
                first,
                "{}: {keys:#?}",
                judged.name
            );
            invalid += expected.len();
        }
        println!("{}: {invalid} keys invalid", judged.name);
        assert!(invalid > at_least(KEYED / 2));
    }
}

/// The operations of several keys in one history, and by key which of its rows its events are.
fn keyed(keys: &[Vec<Op>]) -> (History, Vec<Vec<u64>>) {
    let mut events: Vec<(usize, usize, Event)> = Vec::new();
    for (key, ops) in keys.iter().enumerate() {
        let value = |value: &Value| Value::Vector(vec![Value::Int(key as i64), value.clone()]);
        for op in ops {
            let event = |kind, of: &Value| Event::new(op.process, kind, op.f, value(of));
            events.push((op.invoked, key, event(Kind::Invoke, &op.argument)));
            let Some(at) = op.recorded else { continue };
            let end = match op.outcome {
                Outcome::Ok => event(Kind::Ok, op.result.as_ref().unwrap_or(&op.argument)),
                Outcome::Fail => event(Kind::Fail, &op.argument),
                Outcome::Info => event(Kind::Info, &op.argument),
            };
            events.push((at, key, end));
        }
    }
    events.sort_by_key(|(at, ..)| *at);
    let mut rows = vec![Vec::new(); keys.len()];
    for (row, (_, key, _)) in (0..).zip(&events) {
        rows[*key].push(row);
    }
    (events.iter().map(|(.., event)| event).collect(), rows)
}
