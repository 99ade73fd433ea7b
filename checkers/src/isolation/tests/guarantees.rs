//! The session guarantees over lists, from their definition.
//!
//! Terry et al. (PDIS 1994) speak of the writes that a session has seen or made, and of those from which a later read
//! of it is computed: the first must be among the second. For a list these are its elements. What a transaction
//! appended itself at the end of what it read is not what it saw of the store; what nobody appended is no write. No
//! order of versions is needed for this, so reads that contradict each other are no excuse.

use crate::searches::{at_least, share};
use rupture_history::{Anomaly, Outcome, Validity, codec};

use super::corrupt::random_history;
use super::txn::{Txn, edn, history};
use crate::isolation::{Level, ListAppend};
use crate::linearizability::tests::Random;
use crate::{Budget, Checker};

const GUARANTEES: [Level; 2] = [Level::MonotonicReads, Level::ReadYourWrites];

/// What a transaction obliges later reads of its session to show of a key.
fn obliges(level: Level, txns: &[Txn], txn: &Txn, key: usize) -> Vec<i64> {
    if level == Level::ReadYourWrites {
        return txn.appends(key).collect();
    }
    let is_own = |value: &i64| txn.appends(key).any(|own| own == *value);
    let is_write = |value: &i64| {
        txns.iter()
            .any(|txn| txn.appends(key).any(|own| own == *value))
    };
    let lists = txn.reads().filter(|(_, of, _)| *of == key);
    let seen = lists.flat_map(|(_, _, list)| {
        let writes: Vec<i64> = list.iter().copied().filter(is_write).collect();
        let others = writes.iter().rposition(|value| !is_own(value));
        writes[..others.map_or(0, |last| last + 1)].to_vec()
    });
    seen.collect()
}

fn holds(level: Level, txns: &[Txn]) -> bool {
    txns.iter().filter(|later| later.is_ok()).all(|later| {
        let earlier = txns
            .iter()
            .filter(|txn| txn.is_ok() && txn.process == later.process && txn.precedes(later));
        earlier.into_iter().all(|earlier| {
            later.reads().all(|(_, key, list)| {
                let must = obliges(level, txns, earlier, key);
                must.iter().all(|value| list.contains(value))
            })
        })
    })
}

/// Returns how many histories each of the guarantees held in, and how many it did not.
fn compare(histories: usize, seed: u64) -> [[usize; 2]; 2] {
    let random = &mut Random::new(seed);
    let mut counts = [[0; 2]; 2];
    for _ in 0..histories {
        let txns = random_history(8, random);
        if txns.iter().all(|txn| txn.outcome != Outcome::Ok) {
            continue;
        }
        for (level, count) in GUARANTEES.into_iter().zip(&mut counts) {
            let holds = holds(level, &txns);
            count[usize::from(holds)] += 1;
            let expected = if holds {
                Validity::Valid
            } else {
                Validity::Invalid
            };
            let judge = |by: ListAppend| by.check(&history(&txns), &Budget::unlimited());
            let verdict = judge(ListAppend::new(level)).expect("a history of lists");
            assert_eq!(verdict.validity, expected, "{level}\n{}", edn(&txns));
            let ladder = judge(ListAppend::ladder())
                .expect("a history of lists")
                .ladder;
            let rung = ladder.iter().find(|rung| rung.level == level.name());
            assert_eq!(
                rung.map(|rung| rung.validity),
                Some(expected),
                "{}",
                edn(&txns)
            );
        }
    }
    counts
}

#[test]
fn the_engine_keeps_session_guarantees_as_they_are_defined() {
    for [broken, held] in compare(share(6_000), 41) {
        assert!(
            broken >= at_least(100) && held >= at_least(1_000),
            "{broken} {held}"
        );
    }
}

#[test]
#[ignore = "slow"]
fn the_engine_keeps_session_guarantees_in_many_histories() {
    compare(1_000_000, 42);
}

/// What the engine finds in a history of one process whose transactions follow each other, each given as its result.
fn found(level: Level, results: &[&str]) -> Vec<Anomaly> {
    let events = results.iter().map(|value| {
        let event = |kind: &str| format!("{{:process 0 :type :{kind} :f :txn :value {value}}}\n");
        event("invoke") + &event("ok")
    });
    let history = codec::read(events.collect::<String>().as_bytes()).expect("a history");
    let verdict = ListAppend::new(level).check(&history, &Budget::unlimited());
    verdict.expect("a history of lists").anomalies
}

#[test]
fn reads_that_contradict_each_other_excuse_no_session() {
    // Nothing orders 1 and 2, and still the last read misses what the first showed.
    let lists = [
        "[[:r :x [2]]]",
        "[[:append :x 1] [:append :x 2]]",
        "[[:r :x []]]",
    ];
    let anomalies = found(Level::MonotonicReads, &lists);
    assert_eq!(anomalies[0].kind, "non-monotonic-read");
    assert_eq!(
        anomalies[0].summary,
        "T4 read [] of key :x; but T0, which the same process had completed before, read [2] of key :x."
    );
    let anomalies = found(Level::ReadYourWrites, &lists);
    assert_eq!(anomalies[0].kind, "missed-own-write");
}

#[test]
fn it_is_told_which_write_was_missed() {
    let lists = ["[[:append :x 1] [:append :x 2]]", "[[:r :x [1]]]"];
    let anomalies = found(Level::ReadYourWrites, &lists);
    assert_eq!(
        anomalies[0].summary,
        "T2 read [1] of key :x; but T0, which the same process had completed before, appended 2 to key :x."
    );
}

#[test]
fn to_read_the_same_again_is_monotonic_whoever_appended_it() {
    // That the first transaction saw the future is no matter of sessions.
    let lists = ["[[:r :x [1]]]", "[[:r :x [1]] [:append :x 1]]"];
    assert_eq!(found(Level::MonotonicReads, &lists), []);
    assert_eq!(found(Level::ReadCommitted, &lists)[0].kind, "future-read");
}
