//! Appends that nobody saw, of which only one order of several keeps a level.

use rupture_history::{History, Validity, codec};

use crate::isolation::{Level, ListAppend};
use crate::{Budget, Checker};

/// One transaction after another, each of a process of its own.
fn history(txns: &[&str]) -> History {
    let lines = txns.iter().enumerate().map(|(process, micros)| {
        let event =
            |kind| format!("{{:process {process} :type :{kind} :f :txn :value [{micros}]}}\n");
        event("invoke") + &event("ok")
    });
    codec::read(lines.collect::<String>().as_bytes()).expect("a history")
}

fn judge(txns: &[&str], level: Level) -> Validity {
    let verdict = ListAppend::new(level).check(&history(txns), &Budget::unlimited());
    verdict.expect("a history of lists").validity
}

/// Two readers who see the appends to `f` and `g` in different orders; the second misses more.
const FORK: [&str; 3] = [
    "[:append :g 1]",
    "[:r :f [1]] [:r :g []]",
    "[:r :g [1]] [:r :f []] [:r :v []] [:r :u []]",
];

/// Both append to `x`. The second missed what the first appended to `z`, so it cannot be the later one.
const TURNED: [&str; 2] = [
    "[:append :x 1] [:append :z 1] [:append :f 1]",
    "[:append :x 2] [:r :z []] [:append :v 1]",
];

/// Both append to `y`. The first missed what the second appended to `w`, so it cannot be the later one.
const STRAIGHT: [&str; 2] = [
    "[:append :y 1] [:r :w []] [:append :u 1]",
    "[:append :y 2] [:append :w 1] [:r :z []]",
];

#[test]
fn the_order_that_a_level_allows_is_found_wherever_it_stands() {
    let one = [&TURNED[..], &FORK].concat();
    let both = [&TURNED[..], &STRAIGHT, &FORK].concat();
    for txns in [one, both] {
        let parallel = judge(&txns, Level::ParallelSnapshotIsolation);
        assert_eq!(parallel, Validity::Valid, "{txns:?}");
        let snapshots = judge(&txns, Level::SnapshotIsolation);
        assert_eq!(snapshots, Validity::Invalid, "{txns:?}");
    }
}

#[test]
fn where_no_order_is_allowed_the_level_fails() {
    let mut txns = [&TURNED[..], &FORK].concat();
    // Each misses what the other appended, so neither can be the later one.
    txns[0] = "[:append :x 1] [:append :z 1] [:append :f 1] [:r :v []]";
    let parallel = judge(&txns, Level::ParallelSnapshotIsolation);
    assert_eq!(parallel, Validity::Invalid);
}
