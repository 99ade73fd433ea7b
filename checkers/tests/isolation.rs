//! A smallest history by hand for every anomaly of isolation, in `tests/histories/isolation`.
//!
//! Each file says in its comments which anomaly it is, which transactions prove it (numbered by their invocations,
//! from T0), the weakest levels that it violates and the strongest that it holds. Every other level follows: it
//! implies one of those, or one of these implies it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rupture_checkers::history::{Anomaly, History, Validity, Verdict, codec};
use rupture_checkers::isolation::{Level, ListAppend, RwRegister};
use rupture_checkers::{Budget, Checker};

/// Every kind of anomaly that lists have.
const KINDS: [&str; 35] = [
    "internal",
    "garbage-read",
    "duplicate-elements",
    "future-read",
    "incompatible-order",
    "G1a",
    "G1b",
    "dirty-update",
    "lost-update",
    "fractured-read",
    "observed-transaction-vanishes",
    "missed-own-write",
    "non-monotonic-read",
    "non-monotonic-write",
    "write-missing-its-reads",
    "write-co-read",
    "cyclic-co",
    "cyclic-cf",
    "write-skew",
    "G0",
    "G0-process",
    "G0-realtime",
    "G1c",
    "G1c-process",
    "G1c-realtime",
    "G-cursor",
    "G-single",
    "G-single-process",
    "G-single-realtime",
    "G-nonadjacent",
    "G-nonadjacent-process",
    "G-nonadjacent-realtime",
    "G2-item",
    "G2-item-process",
    "G2-item-realtime",
];

/// A history, and what its comments say of it.
struct Case {
    name: String,
    history: History,
    kind: String,
    /// The numbers of the transactions that prove it.
    evidence: Vec<usize>,
    weakest_violated: Vec<Level>,
    strongest_held: Vec<Level>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories/isolation")
}

fn case(kind: &str) -> Case {
    let name = format!("{}.edn", kind.to_lowercase());
    let text = std::fs::read_to_string(folder().join(&name)).unwrap();
    let field = |field: &str| {
        let start = format!("; {field}: ");
        let line = text.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_else(|| panic!("{name} has no {field}"))
            .to_owned()
    };
    let levels = |names: &str| {
        let names = names.split(", ").filter(|name| *name != "nothing");
        names.map(|name| Level::named(name).unwrap()).collect()
    };
    let number = |txn: &str| txn.strip_prefix('T').and_then(|number| number.parse().ok());
    Case {
        history: codec::read(text.as_bytes()).unwrap(),
        kind: field("kind"),
        evidence: field("evidence").split(' ').filter_map(number).collect(),
        weakest_violated: levels(&field("weakest violated")),
        strongest_held: levels(&field("strongest held")),
        name,
    }
}

impl Case {
    fn judge(&self, level: Level) -> Verdict {
        self.judge_by(&ListAppend::new(level))
    }

    fn judge_by(&self, judge: &dyn Checker) -> Verdict {
        let verdict = judge.check(&self.history, &Budget::unlimited());
        verdict.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    fn expected(&self, level: Level) -> Validity {
        let held = self.strongest_held.iter().any(|held| held.implies(level));
        let violated = self
            .weakest_violated
            .iter()
            .any(|weak| level.implies(*weak));
        assert!(held != violated, "{} does not settle {level}", self.name);
        if held {
            Validity::Valid
        } else {
            Validity::Invalid
        }
    }

    /// The numbers of the transactions of some evidence.
    fn numbers(&self, anomaly: &Anomaly) -> Vec<usize> {
        let operations = self.history.operations().unwrap();
        let index = |row: u32| self.history.get(row as usize).index();
        let number = |invoked| operations.iter().position(|o| index(o.invoked) == invoked);
        let evidence = anomaly.evidence.iter();
        evidence.map(|e| number(e.index).unwrap()).collect()
    }
}

#[test]
fn every_history_holds_and_violates_what_it_says() {
    for case in KINDS.map(case) {
        for level in ListAppend::LEVELS {
            let (found, expected) = (case.judge(level), case.expected(level));
            assert_eq!(found.validity, expected, "{} at {level}", case.name);
            assert_eq!(
                found.anomalies.is_empty(),
                expected == Validity::Valid,
                "{} at {level}",
                case.name
            );
        }
    }
}

#[test]
fn every_anomaly_is_named_and_proved_where_it_counts() {
    let mut missing = Vec::new();
    for case in KINDS.map(case) {
        let violated = ListAppend::LEVELS.into_iter();
        let violated = violated.filter(|level| case.expected(*level) == Validity::Invalid);
        let judged = violated.map(|level| case.judge(level));
        let anomalies: Vec<Anomaly> = judged.flat_map(|verdict| verdict.anomalies).collect();
        assert!(
            anomalies.iter().all(|a| !a.summary.is_empty()),
            "{}",
            case.name
        );
        let said = anomalies.iter().map(|a| (a.kind.clone(), case.numbers(a)));
        let said: BTreeSet<(String, Vec<usize>)> = said.collect();
        if !said.contains(&(case.kind.clone(), case.evidence.clone())) {
            missing.push(format!("{}: {:?}, but {said:?}", case.name, case.evidence));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn registers_whose_versions_go_round_are_told_by_what_is_assumed_of_them() {
    let case = case("cyclic-versions");
    for level in RwRegister::LEVELS {
        let found = case.judge_by(&RwRegister::new(level));
        assert_eq!(found.validity, case.expected(level), "{level}");
        // Nothing is assumed, so transactions go round and not versions.
        let versions = found.anomalies.iter().any(|a| a.kind == case.kind);
        assert!(!versions, "{level}");
    }
    for level in RwRegister::LEVELS {
        for judge in [
            RwRegister::new(level).wfr_keys(true),
            RwRegister::new(level).sequential_keys(true),
            RwRegister::new(level).linearizable_keys(true),
        ] {
            let found = case.judge_by(&judge);
            let said = found.anomalies.iter();
            let said: Vec<_> = said.map(|a| (&*a.kind, case.numbers(a))).collect();
            assert_eq!(said, [(&*case.kind, case.evidence.clone())], "{level}");
            let sentences = found.anomalies[0].explanation.len();
            assert_eq!(sentences, 2, "{level}: one for each pair of versions");
        }
    }
}

#[test]
fn every_file_is_used() {
    let files = std::fs::read_dir(folder()).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    // Lists have no versions that could be cyclic but those that are out of order.
    let registers = ["cyclic-versions.edn".to_owned()];
    let used = KINDS.map(|kind| format!("{}.edn", kind.to_lowercase()));
    let used: BTreeSet<String> = used.into_iter().chain(registers).collect();
    assert_eq!(files.collect::<BTreeSet<String>>(), used);
}
