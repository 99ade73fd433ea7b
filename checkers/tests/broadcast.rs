//! `broadcast` on histories that a person can check, and on input that is none.

use std::fs;
use std::path::Path;

use rupture_checkers::broadcast::{Broadcast, Order};
use rupture_checkers::history::{History, Validity, Verdict, codec};
use rupture_checkers::{Budget, CheckError, Checker};

fn file(name: &str) -> History {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories/broadcast");
    let path = folder.join(format!("{name}.edn"));
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    codec::read(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn judge(judge: Broadcast, history: &History) -> Verdict {
    judge.check(history, &Budget::unlimited()).unwrap()
}

fn parse(text: &str) -> History {
    codec::read(text.as_bytes()).unwrap()
}

/// The file, the kind of its anomaly, the operations that prove it by the indices of their invocations, the
/// levels that do not hold, and the summary.
struct Expected {
    file: &'static str,
    kind: &'static str,
    evidence: &'static [u64],
    not: &'static [&'static str],
    summary: &'static str,
}

const ALL: &[&str] = &[
    "reliable",
    "fifo",
    "causal",
    "total-order",
    "causal-total-order",
];
const ALL_ORDERS: &[&str] = &["fifo", "causal", "total-order", "causal-total-order"];
const FIFO: &[&str] = &["fifo", "causal", "causal-total-order"];
const TOTAL: &[&str] = &["total-order", "causal-total-order"];

const FILES: &[Expected] = &[
    Expected {
        file: "no-creation",
        kind: "no-creation",
        evidence: &[6],
        not: ALL,
        summary: "message 7 was delivered and had not been broadcast",
    },
    Expected {
        file: "no-creation-failed",
        kind: "no-creation",
        evidence: &[0, 2],
        not: ALL,
        summary: "message 1 was delivered and had not been broadcast",
    },
    Expected {
        file: "no-creation-early",
        kind: "no-creation",
        evidence: &[0, 2],
        not: ALL,
        summary: "message 1 was delivered and had not been broadcast",
    },
    Expected {
        file: "no-duplication",
        kind: "no-duplication",
        evidence: &[4, 6],
        not: ALL,
        summary: "process 1 delivered message 1 twice",
    },
    Expected {
        file: "validity",
        kind: "validity",
        evidence: &[0, 4],
        not: ALL,
        summary: "process 0 never delivered message 1 that it broadcast itself",
    },
    Expected {
        file: "agreement",
        kind: "agreement",
        evidence: &[2, 4],
        not: ALL,
        summary: "process 1 never delivered message 1, which process 0 did",
    },
    Expected {
        file: "fifo-order",
        kind: "fifo-order",
        evidence: &[0, 2, 8, 10],
        not: ALL_ORDERS,
        summary: "process 1 delivered message 2 before message 1, which its sender had broadcast first",
    },
    Expected {
        file: "fifo-order-gap",
        kind: "fifo-order",
        evidence: &[0, 2, 4],
        not: FIFO,
        summary: "process 1 delivered message 2 without message 1, which its sender had broadcast first",
    },
    Expected {
        file: "causal-order",
        kind: "causal-order",
        evidence: &[0, 2, 4, 6, 8],
        not: &["causal", "total-order", "causal-total-order"],
        summary: "process 2 delivered message 2 before message 1, whose broadcast happened before",
    },
    Expected {
        file: "total-order",
        kind: "total-order",
        evidence: &[4, 6, 8, 10],
        not: TOTAL,
        summary: "process 1 delivered message 2 where process 0 delivered message 1",
    },
    Expected {
        file: "total-order-gap",
        kind: "total-order",
        evidence: &[8, 10, 14],
        not: TOTAL,
        summary: "process 1 delivered message 3 where process 0 delivered message 2",
    },
];

/// The level at which a kind of anomaly is one, and those at which it is none.
fn levels(kind: &str) -> (Order, Vec<Order>) {
    let only = |order: Order| {
        let others = Order::ALL
            .into_iter()
            .filter(move |other| !other.implies(order));
        (order, others.collect())
    };
    match kind {
        "fifo-order" => only(Order::Fifo),
        "causal-order" => only(Order::Causal),
        "total-order" => only(Order::Total),
        _ => (Order::Reliable, Vec::new()),
    }
}

#[test]
fn every_anomaly_has_a_smallest_history() {
    for expected in FILES {
        let history = file(expected.file);
        let (order, others) = levels(expected.kind);
        let verdict = judge(Broadcast::new(order), &history);
        let of_kind: Vec<_> = verdict
            .anomalies
            .iter()
            .filter(|a| a.kind == expected.kind)
            .collect();
        let [anomaly] = of_kind[..] else {
            panic!("{}: {verdict:#?}", expected.file);
        };
        let evidence: Vec<u64> = anomaly.evidence.iter().map(|e| e.index).collect();
        assert_eq!(
            evidence, expected.evidence,
            "{}: {anomaly:#?}",
            expected.file
        );
        assert_eq!(anomaly.summary, expected.summary);
        assert!(!anomaly.explanation.is_empty());
        assert_eq!(verdict.not, expected.not, "{}: {verdict:#?}", expected.file);
        for order in others {
            let verdict = judge(Broadcast::new(order), &history);
            let kinds: Vec<_> = verdict.anomalies.iter().map(|a| &*a.kind).collect();
            assert!(
                !kinds.contains(&expected.kind),
                "{} {order:?}",
                expected.file
            );
        }
    }
}

#[test]
fn causes_are_told_step_by_step() {
    let verdict = judge(Broadcast::new(Order::Causal), &file("causal-order"));
    assert_eq!(
        verdict.anomalies[0].explanation,
        [
            "Process 0 broadcast 1 with event 0.",
            "Process 1 delivered 1 with event 3, and after that it broadcast 2 with event 4.",
            "Process 2 delivered 2 with event 7, and delivered 1 only with event 9.",
        ]
    );
}

/// Any two of the three orders agree, but nobody can deliver the third message any more.
#[test]
fn three_may_disagree_where_two_do_not() {
    let verdict = judge(Broadcast::new(Order::Total), &file("total-order-of-three"));
    assert_eq!(verdict.validity, Validity::Invalid);
    let first = "Process 1 delivered 2 with event 11, and did not deliver 1 at all.";
    assert_eq!(verdict.anomalies[0].explanation[0], first, "{verdict:#?}");
}

#[test]
fn who_may_have_crashed_binds_only_uniformly() {
    let history = file("agreement-of-the-crashed");
    for order in Order::ALL {
        let plain = judge(Broadcast::new(order), &history);
        assert_eq!(plain.validity, Validity::Valid, "{plain:#?}");
        let uniform = judge(Broadcast::new(order).uniform(true), &history);
        assert_eq!(uniform.validity, Validity::Invalid);
        assert_eq!(uniform.anomalies[0].kind, "agreement");
    }
}

#[test]
fn what_is_on_its_way_is_not_missing() {
    let history = file("on-their-way");
    let verdict = judge(Broadcast::new(Order::Fifo), &history);
    assert_eq!(verdict.validity, Validity::Unknown);
    let reason = "messages may still be on their way: process 1 has yet to deliver 1";
    assert_eq!(verdict.reasons, [reason]);
    let verdict = judge(Broadcast::new(Order::Fifo).complete(true), &history);
    assert_eq!(verdict.anomalies[0].kind, "agreement", "{verdict:#?}");
}

#[test]
fn a_good_history_is_valid_at_every_level() {
    for order in Order::ALL {
        for complete in [false, true] {
            let judge_of = Broadcast::new(order).complete(complete).uniform(true);
            let verdict = judge(judge_of, &file("causal-total-order"));
            assert_eq!(verdict.validity, Validity::Valid, "{verdict:#?}");
            assert!(verdict.not.is_empty());
        }
    }
}

#[test]
fn a_delivery_that_may_have_happened_excuses_what_follows() {
    for order in Order::ALL {
        let verdict = judge(Broadcast::new(order).uniform(true), &file("unsure"));
        assert_eq!(verdict.validity, Validity::Valid, "{order:?} {verdict:#?}");
    }
}

#[test]
fn where_nothing_was_delivered_nobody_knows() {
    let nothing = judge(Broadcast::new(Order::Fifo), &History::new());
    assert_eq!(nothing.validity, Validity::Unknown);
    assert_eq!(
        nothing.reasons,
        ["the history has no operations of clients"]
    );
    let open = "{:process 0 :type :invoke :f :broadcast :value 1}
                {:process 1 :type :invoke :f :deliver}
                {:process 1 :type :info :f :deliver :value 1}";
    let verdict = judge(Broadcast::new(Order::Fifo), &parse(open));
    assert_eq!(verdict.reasons, ["no operation was seen to happen"]);
    let sent = "{:process 0 :type :invoke :f :broadcast :value 1}
                {:process 0 :type :ok :f :broadcast :value 1}";
    let verdict = judge(Broadcast::new(Order::Fifo), &parse(sent));
    assert_eq!(verdict.validity, Validity::Unknown);
    assert_eq!(verdict.reasons, ["nothing was delivered"]);
}

#[test]
fn past_the_budget_the_answer_is_unknown() {
    let history = file("causal-total-order");
    let check = |budget: &Budget<'_>| {
        let judge = Broadcast::new(Order::CausalTotal);
        judge.check(&history, budget).unwrap()
    };
    let verdict = check(&Budget::unlimited().with_time(&|| true));
    assert_eq!(verdict.validity, Validity::Unknown);
    assert_eq!(verdict.reasons, ["out of time after 0 of 11 operations"]);
    let verdict = check(&Budget::unlimited().with_bytes(1));
    assert_eq!(verdict.reasons, ["out of memory after 0 of 11 operations"]);
}

fn refused(text: &str) -> CheckError {
    let judge = Broadcast::new(Order::Reliable);
    judge.check(&parse(text), &Budget::unlimited()).unwrap_err()
}

#[test]
fn what_is_no_broadcast_is_refused() {
    let again = "{:process 0 :type :invoke :f :broadcast :value 1}
                 {:process 0 :type :fail :f :broadcast :value 1}
                 {:process 1 :type :invoke :f :broadcast :value 1}";
    assert_eq!(
        refused(again).to_string(),
        "event 2: `broadcast` has the value 1; expected a message of its own; event 0 broadcasts the same"
    );
    let error = refused("{:process 0 :type :invoke :f :broadcast :value nil}");
    assert!(
        matches!(error, CheckError::WrongValue { index: 0, .. }),
        "{error:?}"
    );
    let other = "{:process 0 :type :invoke :f :broadcast :value 1}
                 {:process 0 :type :ok :f :broadcast :value 2}";
    assert!(matches!(
        refused(other),
        CheckError::WrongValue { index: 1, .. }
    ));
    let error = refused("{:process 0 :type :invoke :f :read :value nil}");
    assert!(
        matches!(error, CheckError::UnknownFunction { index: 0, .. }),
        "{error:?}"
    );
    let error = refused("{:process 0 :type :ok :f :deliver :value 1}");
    assert!(matches!(error, CheckError::Pairing(_)), "{error:?}");
}

#[test]
fn orders_have_names() {
    for order in Order::ALL {
        assert_eq!(Order::from_name(order.name()), Some(order));
        assert!(order.implies(order) && order.implies(Order::Reliable));
        assert!(Order::CausalTotal.implies(order));
    }
    assert_eq!(Order::from_name("linearizable"), None);
}
