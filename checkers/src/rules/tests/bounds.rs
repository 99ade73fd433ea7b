//! Histories that say nothing, are cut short, or are not of the type.

use super::*;
use crate::rules::{
    Bank, CausalReverse, Convergence, DirtyReads, GrowOnlyCounter, GrowOnlySet, LongFork,
    PnCounter, WriteSkew,
};

/// Every judge, with an operation that changes something and one that looks.
fn judges() -> Vec<(&'static str, Box<dyn Checker>, &'static str, &'static str)> {
    let transfer = ":f :transfer :value {:from 0 :to 1 :amount 1}";
    vec![
        (
            "bank",
            Box::new(Bank::new()),
            transfer,
            ":f :read :value {0 50, 1 50}",
        ),
        (
            "long-fork",
            Box::new(LongFork::new()),
            ":f :txn :value [[:w 1 1]]",
            ":f :txn :value [[:r 1 nil]]",
        ),
        (
            "causal-reverse",
            Box::new(CausalReverse::new()),
            ":f :write :value 1",
            ":f :read :value [1]",
        ),
        (
            "dirty-reads",
            Box::new(DirtyReads::new()),
            ":f :write :value 1",
            ":f :strong-read :value [1]",
        ),
        (
            "g2",
            Box::new(WriteSkew::new()),
            ":f :insert :value [1 [1 nil]]",
            ":f :insert :value [1 [nil 2]]",
        ),
        (
            "g-set",
            Box::new(GrowOnlySet::new()),
            ":f :add :value 1",
            ":f :read :value [1]",
        ),
        (
            "g-counter",
            Box::new(GrowOnlyCounter::new()),
            ":f :add :value 1",
            ":f :read :value 1",
        ),
        (
            "pn-counter",
            Box::new(PnCounter::new()),
            ":f :add :value -1",
            ":f :read :value -1",
        ),
        (
            "eventual",
            Box::new(Convergence::new()),
            ":f :write :value 1",
            ":f :read :value 1",
        ),
    ]
}

fn event(process: i64, kind: &str, what: &str) -> String {
    format!("{{:process {process} :type :{kind} {what}}}")
}

fn check(
    checker: &dyn Checker,
    edn: &str,
    budget: &Budget<'_>,
) -> Result<Verdict, crate::CheckError> {
    let history = rupture_history::codec::read(edn.as_bytes()).expect("a history");
    checker.check(&history, budget)
}

#[test]
fn nothing_judged_is_unknown() {
    for (name, checker, change, look) in judges() {
        let unanswered = event(0, "invoke", change) + &event(1, "invoke", look);
        let info = unanswered.clone() + &event(0, "info", change) + &event(1, "info", look);
        for edn in ["", &*unanswered, &*info] {
            let verdict =
                check(&*checker, edn, &Budget::unlimited()).expect("a history of the type");
            assert_eq!(verdict.validity, Validity::Unknown, "{name}: {edn}");
            assert_eq!(verdict.model, name);
            assert_eq!(verdict.reasons.len(), 1, "{name}: {verdict:?}");
        }
    }
}

#[test]
fn past_a_bound_the_answer_is_unknown_and_says_how_far_it_got() {
    for (name, checker, change, look) in judges() {
        let edn = event(0, "invoke", change) + &event(0, "ok", change);
        let edn = edn + &event(1, "invoke", look) + &event(1, "ok", look);
        for (budget, what) in [
            (
                Budget::unlimited().with_time(&|| true),
                "out of time after 0 of 2 operations",
            ),
            (
                Budget::unlimited().with_bytes(1),
                "out of memory after 0 of 2 operations",
            ),
        ] {
            let verdict = check(&*checker, &edn, &budget).expect("a history of the type");
            assert_eq!(verdict.validity, Validity::Unknown, "{name}");
            assert_eq!(verdict.reasons, [what], "{name}");
            assert_eq!(verdict.explained, 0);
        }
    }
}

#[test]
fn what_is_not_of_the_type_is_an_error_that_names_the_event() {
    for (name, checker, change, look) in judges() {
        let good = event(0, "invoke", change);
        let strange = good.clone() + &event(3, "invoke", ":f :frobnicate :value [1 [1 nil]]");
        let error = check(&*checker, &strange, &Budget::unlimited()).expect_err(name);
        assert!(
            error.to_string().starts_with("event 1: `frobnicate`"),
            "{name}: {error}"
        );
        let f = look.split(" :value").next().expect("a function");
        let wrong = good.clone()
            + &event(1, "invoke", look)
            + &event(1, "ok", &format!("{f} :value \"x\""));
        // Anything may be written to a register, and then read.
        if name != "eventual" {
            let error = check(&*checker, &wrong, &Budget::unlimited()).expect_err(name);
            assert!(error.to_string().contains("event 2"), "{name}: {error}");
            assert!(error.to_string().contains("expected"), "{name}: {error}");
        }
        let twice = good.clone() + &good;
        let error = check(&*checker, &twice, &Budget::unlimited()).expect_err(name);
        assert!(error.to_string().contains("still open"), "{name}: {error}");
    }
}

#[test]
fn arguments_that_make_no_sense_are_errors() {
    let wrong: [(Box<dyn Checker>, &str); 9] = [
        (Box::new(Bank::new()), ":f :transfer :value {:from 0 :to 1}"),
        (
            Box::new(LongFork::new()),
            ":f :txn :value [[:w 1 1] [:w 2 1]]",
        ),
        (
            Box::new(LongFork::new()),
            ":f :txn :value [[:r 1 nil] [:r 1 nil]]",
        ),
        (Box::new(LongFork::new()), ":f :txn :value [[:w 1 nil]]"),
        (Box::new(CausalReverse::new()), ":f :write :value nil"),
        (Box::new(WriteSkew::new()), ":f :insert :value [1 [2 3]]"),
        (Box::new(WriteSkew::new()), ":f :insert :value 1"),
        (Box::new(GrowOnlyCounter::new()), ":f :add :value -1"),
        (
            Box::new(GrowOnlySet::new().independent(true)),
            ":f :add :value 1",
        ),
    ];
    for (checker, what) in wrong {
        let error =
            check(&*checker, &event(0, "invoke", what), &Budget::unlimited()).expect_err(what);
        assert!(error.to_string().contains("event 0"), "{what}: {error}");
    }
}

#[test]
fn a_register_and_a_set_are_not_mixed() {
    let edn = event(0, "invoke", ":f :write :value 1") + &event(1, "invoke", ":f :add :value 1");
    let error = check(&Convergence::new(), &edn, &Budget::unlimited()).expect_err("mixed");
    assert!(error.to_string().starts_with("event 1: `add`"), "{error}");
}

#[test]
fn keys_are_judged_apart() {
    // The same element, acknowledged under one key and read under another.
    let edn = "{:process 0 :type :invoke :f :add :value [:a 1]} {:process 0 :type :ok :f :add :value [:a 1]}
        {:process 0 :type :invoke :f :read :value [:a nil]} {:process 0 :type :ok :f :read :value [:a []]}
        {:process 0 :type :invoke :f :add :value [:b 1]} {:process 0 :type :ok :f :add :value [:b 1]}
        {:process 0 :type :invoke :f :read :value [:b nil]} {:process 0 :type :ok :f :read :value [:b [1]]}";
    let checker = GrowOnlySet::new().independent(true);
    let verdict = check(&checker, edn, &Budget::unlimited()).expect("a history of sets");
    let found: Vec<_> = verdict
        .anomalies
        .iter()
        .map(|it| (&*it.kind, it.key.as_deref()))
        .collect();
    assert_eq!(found, [("lost", Some(":a"))]);
    assert_eq!((verdict.operations, verdict.explained), (4, 4));
    let other = edn.replace(":ok :f :read :value [:b", ":ok :f :read :value [:c");
    assert!(check(&checker, &other, &Budget::unlimited()).is_err());
}

#[test]
fn many_anomalies_are_told_briefly_and_a_long_result_is_cut() {
    let all: Vec<String> = (0..3_000).map(|number| number.to_string()).collect();
    let add = |number: &String| {
        let what = format!(":f :add :value {number}");
        event(0, "invoke", &what) + &event(0, "ok", &what)
    };
    let adds: String = all.iter().map(add).collect();
    let read = format!(":f :read :value [{}]", all[..2_900].join(" "));
    let edn = adds + &event(1, "invoke", ":f :read") + &event(1, "ok", &read);
    let verdict =
        check(&GrowOnlySet::new(), &edn, &Budget::unlimited()).expect("a history of sets");
    assert_eq!(verdict.anomalies.len(), 8);
    assert!(
        verdict.notes[0].starts_with("lost: 2900 2901")
            && verdict.notes[0].ends_with("and 68 more")
    );
    let result = verdict.anomalies[0].evidence[1]
        .result
        .as_deref()
        .expect("a read");
    assert!(result.len() < 4_200 && result.ends_with(" ..."), "{result}");
}
