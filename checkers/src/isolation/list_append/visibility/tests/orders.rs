//! Orders that one transaction read, against what happened before it.

use rupture_history::{History, Validity, Verdict, codec};

use crate::isolation::{Level, ListAppend};
use crate::{Budget, Checker};

/// One transaction after another, by process.
fn serial(txns: &[(i64, &str)]) -> History {
    let lines = txns.iter().map(|(process, micros)| {
        let event =
            |kind| format!("{{:process {process} :type :{kind} :f :txn :value [{micros}]}}\n");
        event("invoke") + &event("ok")
    });
    codec::read(lines.collect::<String>().as_bytes()).expect("a history")
}

fn verdict(history: &History, level: Level) -> Verdict {
    let verdict = ListAppend::new(level).check(history, &Budget::unlimited());
    verdict.expect("a history of lists")
}

#[test]
fn a_list_does_not_turn_the_order_of_a_session() {
    let history = serial(&[
        (0, "[:append :x 1]"),
        (0, "[:append :x 2]"),
        (1, "[:r :x [2 1]]"),
    ]);
    let verdict = verdict(&history, Level::Causal);
    assert_eq!(verdict.validity, Validity::Invalid);
    assert_eq!(verdict.not, ["causal"]);
    let anomaly = &verdict.anomalies[0];
    assert_eq!(anomaly.kind, "cyclic-cf");
    assert_eq!(
        anomaly.summary,
        "T4 read an order of what happened before it in which T2 < T0 < T2, though each happens only once."
    );
    assert_eq!(
        anomaly.explanation,
        [
            "T0 appended 1 to key :x after T2 had appended 2, as T4 read.",
            "Process 0 had completed T0 before it invoked T2, so T0 came before T2."
        ]
    );
    assert_eq!(anomaly.evidence.len(), 3);
}

#[test]
fn orders_of_two_lists_contradict_each_other_for_whoever_reads_both() {
    let writers = [
        (0, "[:append :x 2]"),
        (0, "[:append :y 1]"),
        (1, "[:append :y 2]"),
        (1, "[:append :x 1]"),
    ];
    let apart = [(2, "[:r :x [1 2]]"), (3, "[:r :y [1 2]]")];
    let together = [(2, "[:r :x [1 2]] [:r :y [1 2]]")];
    let history = serial(&[&writers[..], &apart[..]].concat());
    assert_eq!(verdict(&history, Level::Causal).validity, Validity::Valid);
    let convergent = verdict(&history, Level::CausalConvergence);
    assert_eq!(convergent.validity, Validity::Invalid);
    let history = serial(&[&writers[..], &together[..]].concat());
    let causal = verdict(&history, Level::Causal);
    assert_eq!(causal.validity, Validity::Invalid);
    let kinds = causal.anomalies[0].dependencies.iter();
    let kinds: Vec<&str> = kinds.map(|link| link.kind.as_str()).collect();
    assert_eq!(kinds, ["ww", "process", "ww", "process"]);
    assert_eq!(causal.anomalies[0].evidence.len(), 5);
}
