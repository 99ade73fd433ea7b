//! What becomes of other keys once one is known to be violated.

use rupture_history::{Validity, codec};

use crate::models::Counter;
use crate::{Budget, Checker, Linearizable};

/// A counter with so many additions side by side, the sums of which are all different, and a read of none of
/// them; and another counter that is wrong at once.
fn history(additions: usize) -> String {
    let event = |process: usize, kind: &str, f: &str, value: &str| {
        format!("{{:process {process} :type :{kind} :f :{f} :value [{value}]}}\n")
    };
    let add = |kind: &str| -> String {
        let one = |at: usize| event(at, kind, "add", &format!(":hard {}", 2 << at));
        (0..additions).map(one).collect()
    };
    [
        add("invoke"),
        event(100, "invoke", "read", ":hard nil"),
        event(100, "ok", "read", ":hard 1"),
        add("ok"),
        event(101, "invoke", "read", ":wrong nil"),
        event(101, "ok", "read", ":wrong 7"),
    ]
    .concat()
}

#[test]
fn a_violation_is_not_held_back_by_keys_that_take_long() {
    let history = codec::read(history(30).as_bytes()).expect("a history");
    let judge = Linearizable::new(Counter).independent(true);
    let verdict = judge
        .check(&history, &Budget::unlimited())
        .expect("a verdict");
    assert_eq!(verdict.validity, Validity::Invalid);
    assert_eq!(verdict.anomalies[0].key.as_deref(), Some(":wrong"));
    assert_eq!(verdict.anomalies.len(), 1);
    assert!(
        verdict.notes[0].starts_with("1 of 2 keys were left undecided"),
        "{:?}",
        verdict.notes
    );
    assert!(
        verdict.reasons[0].starts_with("key :hard: out of steps"),
        "{:?}",
        verdict.reasons
    );
}

#[test]
fn keys_that_a_short_search_decides_are_all_judged() {
    let history = codec::read(history(6).as_bytes()).expect("a history");
    for anomalies in [1, usize::MAX] {
        let judge = Linearizable::new(Counter)
            .independent(true)
            .anomalies(anomalies);
        let verdict = judge
            .check(&history, &Budget::unlimited())
            .expect("a verdict");
        assert_eq!(verdict.anomalies.len(), 2);
        assert!(verdict.notes.is_empty(), "{:?}", verdict.notes);
    }
}
