//! The smallest history of every anomaly of the types with their own rules, and the histories of other tools.
//!
//! A file `histories/rules/MODEL-KIND.edn` must be judged invalid with that one kind, and without any one of
//! the operations that prove it must not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rupture_checkers::history::{Event, History, Kind, Validity, Value, codec};
use rupture_checkers::rules::{
    Bank, CausalReverse, Convergence, DirtyReads, GrowOnlyCounter, GrowOnlySet, LongFork,
    PnCounter, WriteSkew,
};
use rupture_checkers::set_full::SetFull;
use rupture_checkers::{Budget, Checker};

fn judges() -> BTreeMap<&'static str, Box<dyn Checker>> {
    let judges: [(&str, Box<dyn Checker>); 9] = [
        ("bank", Box::new(Bank::new())),
        ("long-fork", Box::new(LongFork::new())),
        ("causal-reverse", Box::new(CausalReverse::new())),
        ("dirty-reads", Box::new(DirtyReads::new())),
        ("g2", Box::new(WriteSkew::new())),
        ("g-set", Box::new(GrowOnlySet::new())),
        ("g-counter", Box::new(GrowOnlyCounter::new())),
        ("pn-counter", Box::new(PnCounter::new())),
        ("eventual", Box::new(Convergence::new())),
    ];
    judges.into_iter().collect()
}

/// Every kind of every model.
const KINDS: [(&str, &str); 28] = [
    ("bank", "wrong-total"),
    ("bank", "unexplained-balance"),
    ("bank", "negative-value"),
    ("bank", "nil-balance"),
    ("bank", "unexpected-key"),
    ("bank", "missing-account"),
    ("long-fork", "long-fork"),
    ("long-fork", "G1a"),
    ("long-fork", "garbage-read"),
    ("causal-reverse", "causal-reverse"),
    ("causal-reverse", "dirty-read"),
    ("causal-reverse", "unexpected"),
    ("dirty-reads", "dirty-read"),
    ("dirty-reads", "lost"),
    ("dirty-reads", "disagreement"),
    ("dirty-reads", "unexpected"),
    ("g2", "G2"),
    ("g-set", "lost"),
    ("g-set", "divergent"),
    ("g-set", "unexpected"),
    ("g-set", "duplicated"),
    ("g-counter", "wrong-sum"),
    ("pn-counter", "wrong-sum"),
    ("eventual", "divergent"),
    ("eventual", "lost"),
    ("eventual", "unexpected"),
    ("eventual", "set-divergent"),
    ("eventual", "set-lost"),
];

fn read(path: &Path) -> History {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    codec::read(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories/rules")
}

#[test]
fn every_kind_has_its_smallest_history() {
    let judges = judges();
    for (model, kind) in KINDS {
        let history = read(&folder().join(format!("{model}-{kind}.edn")));
        let judge = &judges[model];
        let check = |history: &History| judge.check(history, &Budget::unlimited()).unwrap();
        let verdict = check(&history);
        let kind = kind.strip_prefix("set-").unwrap_or(kind);
        let found: Vec<&str> = verdict.anomalies.iter().map(|it| &*it.kind).collect();
        assert!(found.contains(&kind), "{model} {kind}: {verdict:#?}");
        let others = found
            .iter()
            .all(|other| *other == kind || *other == "divergent");
        assert!(others, "{model} {kind}: {verdict:#?}");
        assert_eq!(verdict.validity, Validity::Invalid);
        assert_eq!(verdict, check(&history), "a verdict is always the same");
        for anomaly in verdict.anomalies.iter().filter(|it| it.kind == kind) {
            assert!(!anomaly.evidence.is_empty() && !anomaly.explanation.is_empty());
            assert!(!anomaly.summary.is_empty());
        }
    }
}

#[test]
fn every_smallest_history_is_one_of_a_kind() {
    let names = std::fs::read_dir(folder()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> = names.collect();
    let expected = KINDS
        .iter()
        .map(|(model, kind)| format!("{model}-{kind}.edn"));
    assert_eq!(files, expected.collect());
}

/// Without any one of the operations that prove it there is no such anomaly.
#[test]
fn no_evidence_is_there_in_vain() {
    let judges = judges();
    for (model, kind) in KINDS {
        // The first read only shows which total is meant, and so does Jepsen's own; without an add that may
        // count, less is explained still; the writes only tell what the reads of a fork saw; and a value that
        // vanished is worse if nobody wrote it.
        if ["wrong-total", "wrong-sum", "long-fork", "dirty-read"].contains(&kind) {
            continue;
        }
        let history = read(&folder().join(format!("{model}-{kind}.edn")));
        let kind = kind.strip_prefix("set-").unwrap_or(kind);
        let found = |history: &History| {
            let verdict = judges[model].check(history, &Budget::unlimited()).unwrap();
            let mut anomalies = verdict.anomalies.into_iter();
            anomalies.find(|anomaly| anomaly.kind == kind)
        };
        for evidence in found(&history).unwrap().evidence {
            let is_kept = |event: &Event| {
                event.index != Some(evidence.index) && event.index != evidence.completed_index
            };
            let events: Vec<Event> = history
                .iter()
                .map(rupture_checkers::history::EventRef::to_event)
                .collect();
            let less: History = events.iter().filter(|event| is_kept(event)).collect();
            let still = found(&less);
            assert!(
                still.is_none(),
                "{model} {kind} without event {}",
                evidence.index
            );
        }
    }
}

#[test]
fn histories_of_other_tools_keep_their_verdicts() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = manifest
        .ancestors()
        .map(|up| up.join("shared/histories/elle-cli"));
    let Some(folder) = folders.find(|folder| folder.is_dir()) else {
        println!("skipped: no folder shared/histories beside the repository");
        return;
    };
    for (file, model, expected) in [
        ("bank.edn", "bank", Validity::Valid),
        ("bank-neg.edn", "bank", Validity::Invalid),
        ("long-fork.edn", "long-fork", Validity::Invalid),
        ("set.edn", "g-set", Validity::Valid),
        ("counter.edn", "g-counter", Validity::Unknown),
    ] {
        let verdict = judges()[model]
            .check(&read(&folder.join(file)), &Budget::unlimited())
            .unwrap();
        assert_eq!(verdict.validity, expected, "{file}: {verdict:#?}");
    }
}

/// An element is known at 10 ns; a read that began at 30 ns missed it, one at 50 ns saw it.
#[test]
fn the_time_to_stable_is_measured() {
    let history = codec::read(
        b"{:process 0 :type :invoke :f :add :value 1 :time 5}
          {:process 0 :type :ok :f :add :value 1 :time 10}
          {:process 0 :type :invoke :f :add :value 2 :time 20}
          {:process 0 :type :ok :f :add :value 2 :time 25}
          {:process 1 :type :invoke :f :read :time 30}
          {:process 1 :type :ok :f :read :value [2] :time 40}
          {:process 1 :type :invoke :f :read :time 50}
          {:process 1 :type :ok :f :read :value [1] :time 60}",
    )
    .unwrap();
    let verdict = SetFull::new()
        .check(&history, &Budget::unlimited())
        .unwrap();
    let measured = verdict.measured.iter();
    let measured: Vec<_> = measured
        .map(|it| (&*it.name, it.exact(), &*it.unit))
        .collect();
    let stable = Some(30 + 1 - 10);
    let lost = Some(30 + 1 - 25);
    assert_eq!(
        measured,
        [
            ("stable-latency-0", stable, "ns"),
            ("stable-latency-0.5", stable, "ns"),
            ("stable-latency-0.95", stable, "ns"),
            ("stable-latency-0.99", stable, "ns"),
            ("stable-latency-1", stable, "ns"),
            ("lost-latency-0", lost, "ns"),
            ("lost-latency-0.5", lost, "ns"),
            ("lost-latency-0.95", lost, "ns"),
            ("lost-latency-0.99", lost, "ns"),
            ("lost-latency-1", lost, "ns"),
        ]
    );
}

/// A history of so many operations, each `ok` at once, by what the number says.
fn long(count: i64, operation: impl Fn(i64) -> (&'static str, Value, Value)) -> History {
    let mut history = History::new();
    for number in 0..count {
        let (f, argument, result) = operation(number);
        let process = number % 20;
        history.push(&Event::new(process, Kind::Invoke, f, argument));
        history.push(&Event::new(process, Kind::Ok, f, result));
    }
    history
}

fn list(values: impl Iterator<Item = Value>) -> Value {
    Value::Vector(values.collect())
}

/// An add that never ends may come at any time, so only a mark says that a read beside it is final; which of the two was
/// invoked first says nothing.
#[test]
fn beside_a_change_that_never_ended_only_a_mark_makes_a_read_final() {
    let judged = |model: &str, last: &str, read: &str, mark: &str| {
        let add = "{:process 1 :type :invoke :f :add :value 2}".to_owned();
        let invoke = format!("{{:process 0 :type :invoke :f :read {mark}}}");
        let ok = format!("{{:process 0 :type :ok :f :read :value {read} {mark}}}");
        let orders = [
            [&add, &invoke, &ok],
            [&invoke, &add, &ok],
            [&invoke, &ok, &add],
        ];
        orders.map(|events| {
            let text = events.map(String::as_str).join("\n");
            let text = format!(
                "{{:process 0 :type :invoke :f :add :value 1}}
                 {{:process 0 :type :ok :f :add :value 1}} {text} {last}"
            );
            let history = codec::read(text.as_bytes()).unwrap();
            judges()[model]
                .check(&history, &Budget::unlimited())
                .unwrap()
        })
    };
    let never = [Validity::Unknown; 3];
    for (model, read) in [("g-set", "[]"), ("g-counter", "0"), ("pn-counter", "0")] {
        let verdicts = judged(model, "", read, "");
        let said = &verdicts[0].reasons[0];
        assert!(
            said.contains("1 change never ended") && said.contains("event 2"),
            "{said}"
        );
        assert_eq!(verdicts.map(|it| it.validity), never, "{model}");
        let marked = judged(model, "", read, ":final? true");
        assert_eq!(
            marked.map(|it| it.validity),
            [Validity::Invalid; 3],
            "{model}"
        );
        // One that was given up has ended, and reads before that come before quiet.
        let ended = "{:process 1 :type :info :f :add :value 2}";
        assert_eq!(
            judged(model, ended, read, "").map(|it| it.validity),
            never,
            "{model}"
        );
    }
}

/// The time of a million operations: run it with `--release -- --ignored --nocapture`.
#[test]
#[ignore = "large"]
#[allow(clippy::too_many_lines)] // One history after another, for every judge.
fn a_million_operations() {
    let int = Value::Int;
    let step = |f: &str, key: i64, value| list([Value::keyword(f), int(key), value].into_iter());
    let accounts = |number: i64| {
        (0..10).map(move |at| (int(at), int(if at == number % 10 { 100 } else { 0 })))
    };
    let fork = |number: i64| match number % 3 {
        0 => ("txn", list([step("w", number, int(1))].into_iter())),
        _ => (
            "txn",
            list((0..3).map(|at| step("r", number / 9 * 9 + 3 * at, int(1)))),
        ),
    };
    let histories = [
        (
            "bank",
            long(1_000_000, |number| match number % 2 {
                0 => {
                    let fields = [
                        ("from", number / 2 % 10),
                        ("to", (number / 2 + 1) % 10),
                        ("amount", 100),
                    ];
                    let transfer = fields.map(|(name, value)| (Value::keyword(name), int(value)));
                    let transfer = Value::Map(transfer.to_vec());
                    ("transfer", transfer.clone(), transfer)
                }
                _ => (
                    "read",
                    Value::Nil,
                    Value::Map(accounts(number / 2 + 1).collect()),
                ),
            }),
        ),
        (
            "long-fork",
            long(1_000_000, |number| {
                let (f, value) = fork(number);
                (f, value.clone(), value)
            }),
        ),
        (
            "causal-reverse",
            long(1_000_000, |number| match number % 1_000 {
                999 => (
                    "read",
                    Value::Nil,
                    list(
                        (0..number)
                            .filter(|at| at % 1_000 != 999)
                            .map(int)
                            .take(10_000),
                    ),
                ),
                _ => ("write", int(number), int(number)),
            }),
        ),
        (
            "dirty-reads",
            long(1_000_000, |number| match number {
                999_980.. => (
                    "strong-read",
                    Value::Nil,
                    list((0..999_980).filter(|at| at % 2 == 0).map(int)),
                ),
                _ if number % 2 == 0 => ("write", int(number), int(number)),
                _ => ("read", int(number - 1), int(number - 1)),
            }),
        ),
        (
            "g2",
            long(1_000_000, |number| {
                let insert =
                    list([int(number), list([int(number), Value::Nil].into_iter())].into_iter());
                ("insert", insert.clone(), insert)
            }),
        ),
        (
            "g-set",
            long(1_000_000, |number| match number {
                999_980.. => ("read", Value::Nil, list((0..999_980).map(int))),
                _ => ("add", int(number), int(number)),
            }),
        ),
        (
            "pn-counter",
            long(1_000_000, |number| match number % 2 {
                0 => ("add", int(number % 7 - 3), int(number % 7 - 3)),
                _ => (
                    "read",
                    Value::Nil,
                    int((0..=number / 2 % 7).map(|at| at * 2 % 7 - 3).sum()),
                ),
            }),
        ),
        (
            "eventual",
            long(1_000_000, |number| match number {
                999_980.. => ("read", Value::Nil, int(1)),
                _ => ("write", int(number), int(number)),
            }),
        ),
    ];
    for (model, history) in histories {
        let start = std::time::Instant::now();
        let verdict = judges()[model]
            .check(&history, &Budget::unlimited())
            .unwrap();
        println!(
            "{model}: {:?} in {:?}, {} bytes of history",
            verdict.validity,
            start.elapsed(),
            history.bytes()
        );
        assert!(verdict.operations == 1_000_000, "{model}: {verdict:#?}");
    }
}
