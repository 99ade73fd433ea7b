//! Every workload against a store that is right, one that is wrong and one that never answers.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use rupture_workloads::checkers::{Budget, Checker};
use rupture_workloads::generator::testing::{Completion, Run, run};
use rupture_workloads::generator::{GeneratorExt, Invocation, phases, unkeyed};
use rupture_workloads::history::{History, Kind, Validity, Value, Verdict};
use rupture_workloads::{Workload, WorkloadOptions, workload, workloads};

/// A store in one place: every operation takes effect when it is invoked.
#[derive(Default)]
struct Store {
    registers: BTreeMap<Value, Value>,
    set: BTreeSet<Value>,
    accounts: BTreeMap<Value, i64>,
    count: u64,
    /// Every so many operations a read answers what was there long ago, and a write is forgotten.
    wrong_every: Option<u64>,
    /// Whether every eleventh operation takes effect but ends `info`.
    forgetful: bool,
}

impl Store {
    fn answer(&mut self, invocation: &Invocation) -> Completion {
        self.count += 1;
        let wrong = self
            .wrong_every
            .is_some_and(|every| self.count.is_multiple_of(every));
        let value = self.apply(invocation, wrong);
        let kind = match value {
            _ if self.forgetful && self.count.is_multiple_of(11) => Kind::Info,
            None => Kind::Fail,
            Some(_) => Kind::Ok,
        };
        Completion {
            after_ns: 1_000_000 + self.count % 7 * 100_000,
            kind,
            value: value
                .filter(|_| kind == Kind::Ok)
                .unwrap_or(invocation.value.clone()),
        }
    }

    fn apply(&mut self, invocation: &Invocation, wrong: bool) -> Option<Value> {
        if let Some(steps) = steps_of(&invocation.value) {
            let taken = steps.iter().map(|step| self.take(step, wrong));
            return Some(Value::Vector(taken.collect()));
        }
        match (&*invocation.f, unkeyed(&invocation.value)) {
            ("open", _) => {
                let Value::Map(accounts) = &invocation.value else {
                    return None;
                };
                let account = |(name, balance): &(Value, Value)| (name.clone(), int(balance));
                self.accounts = accounts.iter().map(account).collect();
                Some(invocation.value.clone())
            }
            ("transfer", _) => self.transfer(&invocation.value, wrong),
            ("read", None) if !self.accounts.is_empty() => {
                let account = |(name, balance): (&Value, &i64)| (name.clone(), (*balance).into());
                Some(Value::Map(self.accounts.iter().map(account).collect()))
            }
            ("add", _) => {
                if !wrong {
                    self.set.insert(invocation.value.clone());
                }
                Some(invocation.value.clone())
            }
            ("read", None) => Some(Value::Vector(self.set.iter().cloned().collect())),
            ("read", Some((key, _))) => {
                let value = self.registers.get(key).cloned().unwrap_or_default();
                let value = if wrong { Value::Int(0) } else { value };
                Some(Value::Vector(vec![key.clone(), value]))
            }
            ("write", Some((key, value))) => {
                if !wrong {
                    self.registers.insert(key.clone(), value.clone());
                }
                Some(invocation.value.clone())
            }
            ("cas", Some((key, pair))) => {
                let [old, new] = pair.items()? else {
                    return None;
                };
                if self.registers.get(key) != Some(old) {
                    return None;
                }
                self.registers.insert(key.clone(), new.clone());
                Some(invocation.value.clone())
            }
            (f, _) => panic!("no workload has {f}"),
        }
    }
}

impl Store {
    /// Takes a step of a transaction; a wrong read shows nothing of a key whose number is even.
    fn take(&mut self, step: &Value, wrong: bool) -> Value {
        let [name, key, value] = step.items().expect("a step") else {
            panic!("{step} is no step");
        };
        let held = self.registers.entry(key.clone()).or_default();
        let value = match (name.as_name(), &mut *held) {
            (Some("r"), _) if wrong && int(key) % 2 == 0 => Value::Nil,
            (Some("r"), held) => held.clone(),
            (Some("append"), Value::Vector(list)) => {
                list.push(value.clone());
                value.clone()
            }
            (Some("append"), held) => {
                *held = vec![value.clone()].into();
                value.clone()
            }
            (Some("w"), held) => {
                held.clone_from(value);
                value.clone()
            }
            _ => panic!("no workload has {step}"),
        };
        vec![name.clone(), key.clone(), value].into()
    }

    /// Moves money; a wrong transfer forgets to add it.
    fn transfer(&mut self, order: &Value, wrong: bool) -> Option<Value> {
        let Value::Map(fields) = order else {
            return None;
        };
        let field = |name| {
            let found = fields.iter().find(|(key, _)| key.as_name() == Some(name));
            found.map(|(_, value)| value)
        };
        let amount = int(field("amount")?);
        let from = self.accounts.get_mut(field("from")?)?;
        if *from < amount {
            return None;
        }
        *from -= amount;
        if !wrong {
            *self.accounts.get_mut(field("to")?)? += amount;
        }
        Some(order.clone())
    }
}

/// The steps of a transaction, if this is one.
fn steps_of(value: &Value) -> Option<&[Value]> {
    let steps = value.items()?;
    let first = steps.first()?.items()?.first()?;
    first.as_name().map(|_| steps)
}

fn int(value: &Value) -> i64 {
    value.as_int().expect("an integer")
}

fn options() -> WorkloadOptions {
    WorkloadOptions {
        rate_per_second: NonZeroU32::new(2_000),
        ..WorkloadOptions::default()
    }
}

fn run_workload(workload: Workload, store: &mut Store, operations: u64) -> (Run, Box<dyn Checker>) {
    let main = workload.generator.limit(operations).boxed();
    let last = workload.final_generator.expect("all have final reads");
    let mut both = phases(vec![main, last]);
    let run = run(&mut both, 10, 5, 100_000, |invocation| {
        store.answer(invocation)
    })
    .unwrap();
    assert!(run.done_ns.is_some());
    (run, workload.checker)
}

fn judge(name: &str, store: &mut Store) -> (Run, Verdict) {
    let (run, checker) = run_workload(workload(name, &options()).unwrap(), store, 2_000);
    let history: History = run.events.iter().collect();
    (run, checker.check(&history, &Budget::unlimited()).unwrap())
}

#[test]
fn a_right_store_is_valid() {
    for info in workloads() {
        let (run, verdict) = judge(info.name, &mut Store::default());
        assert_eq!(
            verdict.validity,
            Validity::Valid,
            "{}: {verdict:?}",
            info.name
        );
        assert!(run.threads.len() > 2_000, "there are final reads");
        let forgetful = &mut Store {
            forgetful: true,
            ..Store::default()
        };
        let (_, verdict) = judge(info.name, forgetful);
        assert_eq!(
            verdict.validity,
            Validity::Valid,
            "{}: {verdict:?}",
            info.name
        );
    }
}

#[test]
fn a_wrong_store_is_invalid() {
    for info in workloads() {
        let wrong = &mut Store {
            wrong_every: Some(97),
            ..Store::default()
        };
        let (_, verdict) = judge(info.name, wrong);
        assert_eq!(verdict.validity, Validity::Invalid, "{}", info.name);
        assert!(!verdict.anomalies[0].evidence.is_empty());
    }
}

#[test]
fn what_a_workload_says_of_its_judge_is_what_the_judge_says() {
    for info in workloads() {
        let made = workload(info.name, &options()).unwrap();
        let (name, model, level) = (made.name, made.model, made.consistency);
        let independent = made.independent;
        let (run, verdict) = judge(info.name, &mut Store::default());
        assert_eq!(
            (name, model, level),
            (info.name, &*verdict.model, &*verdict.consistency)
        );
        assert!(
            !independent
                || run
                    .invocations()
                    .all(|event| unkeyed(&event.value).is_some())
        );
    }
}

#[test]
fn every_workload_ends_where_nobody_answers() {
    for info in workloads() {
        let made = workload(info.name, &options()).unwrap();
        let mut last = made.final_generator.unwrap();
        let main = &mut made.generator.limit(200);
        let never = |invocation: &Invocation| Completion {
            after_ns: 5_000_000_000,
            kind: Kind::Info,
            value: invocation.value.clone(),
        };
        run(main, 10, 1, 1_000, never).unwrap();
        let run = run(&mut last, 10, 1, 10_000, never).unwrap();
        assert!(
            run.done_ns.is_some_and(|at| at <= 30_000_000_000),
            "{}",
            info.name
        );
        assert!(!run.threads.is_empty(), "{}", info.name);
    }
}

#[test]
fn a_key_is_short_its_writes_are_unique_and_it_is_read_at_the_end() {
    for (name, unique) in [("register", true), ("cas-register", false)] {
        let (run, _) = judge(
            name,
            &mut Store {
                forgetful: true,
                ..Store::default()
            },
        );
        let mut written = BTreeSet::new();
        let mut operations = BTreeMap::<Value, u64>::new();
        let mut processes = BTreeMap::<Value, BTreeSet<_>>::new();
        let mut last = BTreeSet::new();
        for event in run.invocations() {
            let (key, value) = unkeyed(&event.value).unwrap();
            if event.extra.iter().any(|(field, _)| &**field == "final?") {
                assert!(
                    last.insert(key.clone()),
                    "{name}: key {key} is read twice at the end"
                );
                continue;
            }
            *operations.entry(key.clone()).or_default() += 1;
            processes
                .entry(key.clone())
                .or_default()
                .insert(event.process.clone());
            let fresh = &*event.f != "write" || written.insert((key.clone(), value.clone()));
            assert!(
                !unique || fresh,
                "{name}: key {key} is written {value} again"
            );
        }
        assert!(operations.len() > 20 && operations.values().all(|count| *count <= 150));
        assert!(processes.values().all(|processes| processes.len() <= 10));
        assert!(
            operations.keys().all(|key| last.contains(key)),
            "{name}: a key is not read at the end"
        );
    }
}

#[test]
fn an_unknown_name_says_what_is_known() {
    let unknown = workload("regster", &options()).unwrap_err();
    assert_eq!(unknown.name, "regster");
    let names: Vec<_> = workloads().iter().map(|info| info.name).collect();
    assert_eq!(unknown.known, names);
    assert!(unknown.known.is_sorted());
}

#[test]
fn the_rate_is_kept_on_average() {
    for info in workloads() {
        let (run, _) = judge(info.name, &mut Store::default());
        let nth = run.invocations().nth(1_999).unwrap().time as f64;
        assert!(
            (nth / 1e9 - 1.0).abs() < 0.1,
            "{}: 2,000 operations take {nth} ns",
            info.name
        );
    }
}
