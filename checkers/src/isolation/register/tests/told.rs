//! What is told of small histories, and who is named for it.

use rupture_history::codec;
use rupture_history::verdict::Anomaly;

use crate::isolation::{Level, RwRegister};
use crate::{Budget, Checker};

/// Transactions of one process each, one after the other, as `process: micro-operations`.
fn told(judge: RwRegister, transactions: &[(u32, &str)]) -> Vec<Anomaly> {
    let lines = transactions.iter().flat_map(|(process, acts)| {
        ["invoke", "ok"]
            .map(|kind| format!("{{:process {process} :type :{kind} :f :txn :value [{acts}]}}\n"))
    });
    let text: String = lines.collect();
    let history = codec::read(text.as_bytes()).unwrap();
    judge
        .check(&history, &Budget::unlimited())
        .unwrap()
        .anomalies
}

fn evidence(anomaly: &Anomaly) -> Vec<u64> {
    anomaly.evidence.iter().map(|one| one.index).collect()
}

#[test]
fn versions_that_go_round_are_told_with_all_who_met_them() {
    let stale = [(0, "[:w :x 1]"), (0, "[:r :x nil]")];
    let found = told(
        RwRegister::new(Level::SnapshotIsolation).sequential_keys(true),
        &stale,
    );
    let [one] = &found[..] else {
        panic!("{found:#?}")
    };
    assert_eq!((&*one.kind, evidence(one)), ("cyclic-versions", vec![0, 2]));
    assert_eq!(
        one.summary,
        "Key :x would have held 1 before nil before 1: no order of its versions does."
    );
    let explanation = [
        "T0 wrote 1 to key :x and had completed before T2 was invoked, which read nil, so it is assumed that 1 came \
         first.",
        "Key :x held nil before anything was written to it.",
    ];
    assert_eq!(one.explanation, explanation);
    assert_eq!(told(RwRegister::new(Level::SnapshotIsolation), &stale), []);
}

#[test]
fn of_versions_that_go_round_the_fewest_are_told() {
    let history = [
        (0, "[:w :x 1]"),
        (1, "[:w :x 2]"),
        (2, "[:w :x 3]"),
        (3, "[:r :x 1]"),
        (3, "[:r :x 2]"),
        (3, "[:r :x 3]"),
        (3, "[:r :x 1]"),
        (4, "[:r :x 3]"),
        (4, "[:r :x 2]"),
    ];
    let judge = RwRegister::new(Level::SnapshotIsolation).sequential_keys(true);
    let found = told(judge, &history);
    assert_eq!(found[0].kind, "cyclic-versions");
    // Who read the two versions in which order, and who wrote them.
    assert_eq!(evidence(&found[0]), [2, 4, 8, 10, 14, 16], "{found:#?}");
    let edges = found[0].dependencies.iter();
    let edges: Vec<_> = edges.map(|one| (one.from, one.to, &*one.kind)).collect();
    assert_eq!(edges, [(2, 4, "ww"), (4, 2, "ww")]);
    // Real time says that 1, 2 and 3 were written in this order, so going back once is enough.
    let judge = RwRegister::new(Level::SnapshotIsolation).linearizable_keys(true);
    let found = told(judge, &history);
    assert_eq!(found[0].explanation.len(), 2, "{found:#?}");
}

#[test]
fn a_read_of_what_was_overwritten_long_ago_follows_no_write() {
    let blind = [(0, "[:w :x 1] [:r :x nil]")];
    let judge = RwRegister::new(Level::RepeatableRead);
    assert_eq!(told(judge.wfr_keys(true), &blind), []);
    assert_eq!(
        told(judge.sequential_keys(true), &blind)[0].kind,
        "cyclic-versions"
    );
}

#[test]
fn two_updates_of_one_version_are_a_lost_update() {
    let both = [(0, "[:r :x nil] [:w :x 1]"), (1, "[:r :x nil] [:w :x 2]")];
    let found = told(RwRegister::new(Level::SnapshotIsolation), &both);
    let kinds: Vec<_> = found
        .iter()
        .map(|one| (&*one.kind, evidence(one)))
        .collect();
    assert_eq!(kinds, [("lost-update", vec![0, 2])]);
    assert_eq!(told(RwRegister::new(Level::Prefix), &both), []);
}
