//! The invariants of single nodes, and of states: a table of sequences of events, made by hand, valid and invalid.

use rupture_checkers::history::Validity;
use rupture_checkers::raft::{Entry, Invariants, Observation, Observed, Snapshot};

/// Every entry is of term 1 in the log that all share, unless it says otherwise.
fn digest(index: u64) -> u64 {
    1_000 + index
}

fn entries(first: u64, last: u64) -> Vec<Entry> {
    let entry = |index| Entry {
        term: 1,
        digest: digest(index),
    };
    (first..=last).map(entry).collect()
}

fn point(index: u64) -> Snapshot {
    Snapshot {
        index,
        term: u64::from(index > 0),
        digest: if index > 0 { digest(index) } else { 0 },
    }
}

/// It started with a snapshot up to the first index and entries up to the second.
fn started(snapshot: u64, last: u64) -> Observed {
    Observed::Started {
        voted_for: None,
        snapshot: point(snapshot),
        entries: entries(snapshot + 1, last),
    }
}

fn restarted(voted_for: u32) -> Observed {
    Observed::Started {
        voted_for: Some(voted_for),
        snapshot: point(0),
        entries: Vec::new(),
    }
}

fn appended(first_index: u64, last: u64) -> Observed {
    Observed::Appended {
        first_index,
        entries: entries(first_index, last),
    }
}

fn applied(first_index: u64, last: u64) -> Observed {
    Observed::Applied {
        first_index,
        entries: entries(first_index, last),
    }
}

/// Another leader's entry in the place of ours.
fn foreign(index: u64) -> Vec<Entry> {
    vec![Entry {
        term: 2,
        digest: 7_000 + index,
    }]
}

fn promised(voted_for: Option<u32>, acknowledged: u64) -> Observed {
    Observed::Promised {
        voted_for,
        acknowledged: point(acknowledged),
    }
}

fn state(index: u64, digest: u64) -> Observed {
    Observed::State { index, digest }
}

/// Node, term and what it tells.
type Told = (u32, u64, Observed);

/// What breaks, and how often each: an empty list for a sequence in which nothing does.
fn broken(told: &[Told]) -> Vec<(String, usize)> {
    let mut invariants = Invariants::new();
    for (at_ns, (node, term, kind)) in (1..).zip(told) {
        invariants.observe(&Observation {
            at_ns,
            node: *node,
            term: *term,
            kind: kind.clone(),
        });
    }
    let verdict = invariants.finish();
    assert_eq!(
        verdict.validity == Validity::Invalid,
        !verdict.anomalies.is_empty()
    );
    for anomaly in &verdict.anomalies {
        assert!(!anomaly.summary.is_empty() && anomaly.explanation.len() >= 3);
    }
    let count = |(invariant, count): (&rupture_checkers::raft::Invariant, &usize)| {
        (invariant.name().to_owned(), *count)
    };
    invariants.broken().iter().map(count).collect()
}

fn on_one(told: Vec<Observed>) -> Vec<Told> {
    told.into_iter().map(|kind| (0, 1, kind)).collect()
}

#[test]
fn indices_are_applied_once_and_in_turn() {
    let begun = || vec![started(0, 0), appended(1, 9)];
    let with = |rest: Vec<Observed>| on_one([begun(), rest].concat());
    let snapshot = |index| Observed::SnapshotTaken(point(index));
    let installed = |index| Observed::SnapshotInstalled(point(index));
    let valid = [
        with(vec![applied(1, 3), applied(4, 4), applied(5, 9)]),
        with(vec![applied(1, 3), snapshot(3), applied(4, 4)]),
        with(vec![applied(1, 3), snapshot(2), applied(4, 4)]),
        with(vec![applied(1, 3), installed(8), applied(9, 9)]),
        // A process that restarts begins at its snapshot again.
        with(vec![applied(1, 5), started(0, 9), applied(1, 6)]),
        with(vec![
            applied(1, 5),
            snapshot(5),
            started(5, 9),
            applied(6, 9),
        ]),
        // Where nobody saw the beginning, nobody is accused of it.
        on_one(vec![applied(7, 8), applied(9, 9)]),
    ];
    for told in valid {
        assert_eq!(broken(&told), [], "{told:?}");
    }
    let invalid = [
        with(vec![applied(2, 3)]),
        with(vec![applied(1, 3), applied(5, 6)]),
        with(vec![applied(1, 3), applied(3, 4)]),
        with(vec![applied(1, 3), applied(1, 3)]),
        with(vec![applied(1, 8), snapshot(8), applied(10, 10)]),
        with(vec![applied(1, 3), installed(8), applied(10, 10)]),
        with(vec![applied(1, 3), installed(8), applied(8, 9)]),
        with(vec![applied(1, 5), installed(3)]),
        with(vec![applied(1, 5), started(0, 9), applied(6, 6)]),
        with(vec![
            applied(1, 5),
            snapshot(5),
            started(5, 9),
            applied(7, 9),
        ]),
        with(vec![
            applied(1, 5),
            snapshot(5),
            started(5, 9),
            applied(5, 9),
        ]),
    ];
    for told in invalid {
        assert_eq!(broken(&told), [("apply-order".to_owned(), 1)], "{told:?}");
    }
}

#[test]
fn what_is_applied_and_what_a_snapshot_stands_for_is_in_the_log() {
    let other = Observed::Applied {
        first_index: 2,
        entries: foreign(2),
    };
    let told = on_one(vec![started(0, 0), appended(1, 3), applied(1, 1), other]);
    assert_eq!(broken(&told), [("apply-order".to_owned(), 1)]);
    let taken = |index, term, digest| {
        let at = Snapshot {
            index,
            term,
            digest,
        };
        let mut told = vec![started(0, 0), appended(1, 9), applied(1, 5)];
        told.push(Observed::SnapshotTaken(at));
        broken(&on_one(told))
    };
    assert_eq!(taken(5, 1, digest(5)), []);
    assert_eq!(taken(4, 1, digest(4)), []);
    // More than was applied.
    assert_eq!(taken(6, 1, digest(6))[0].0, "snapshot-prefix");
    // The last term, or the contents, are not those of the log: somebody else applied other entries there, too.
    for (term, digest) in [(2, digest(5)), (1, 77)] {
        let broken: Vec<String> = taken(5, term, digest).into_iter().map(|it| it.0).collect();
        assert!(broken.contains(&"snapshot-prefix".to_owned()), "{broken:?}");
        assert!(
            broken.contains(&"state-machine-safety".to_owned()),
            "{broken:?}"
        );
    }
}

#[test]
fn equal_indices_have_equal_states() {
    assert_eq!(
        broken(&[
            (0, 1, state(5, 1)),
            (1, 2, state(5, 1)),
            (1, 2, state(6, 2))
        ]),
        []
    );
    let differ = [
        (0, 1, state(5, 1)),
        (1, 1, state(5, 2)),
        (2, 1, state(5, 1)),
    ];
    assert_eq!(broken(&differ), [("state-digest".to_owned(), 1)]);
    // One node by itself, before and after a restart.
    let twice = [
        (0, 1, state(5, 1)),
        (0, 1, started(5, 5)),
        (0, 1, state(5, 2)),
    ];
    assert_eq!(broken(&twice), [("state-digest".to_owned(), 1)]);
}

#[test]
fn terms_that_were_sent_are_not_gone_back_on() {
    let sent = |term| (0, term, promised(None, 0));
    let up = |term| (0, term, started(0, 0));
    for valid in [
        vec![up(0), sent(3), up(3), sent(4)],
        // It was in term 4 and told nobody.
        vec![up(0), sent(3), (0, 4, Observed::SteppedDown), up(3)],
        vec![
            up(0),
            sent(3),
            (1, 1, started(0, 0)),
            (1, 1, promised(None, 0)),
        ],
    ] {
        assert_eq!(broken(&valid), [], "{valid:?}");
    }
    for invalid in [
        vec![up(0), sent(3), up(2)],
        vec![up(0), sent(3), sent(2)],
        vec![up(0), sent(3), (0, 2, Observed::SteppedDown)],
        vec![up(0), sent(3), up(0), sent(3)],
    ] {
        assert_eq!(
            broken(&invalid),
            [("term-order".to_owned(), 1)],
            "{invalid:?}"
        );
    }
}

#[test]
fn a_vote_binds_for_its_term() {
    let vote = |term, who| (0, term, promised(Some(who), 0));
    for valid in [
        vec![vote(3, 1), vote(3, 1), (0, 3, restarted(1)), vote(4, 2)],
        vec![(0, 3, promised(None, 0)), vote(3, 2)],
        // The vote was for nobody to know yet.
        vec![(0, 3, promised(None, 0)), (0, 3, restarted(2)), vote(3, 2)],
    ] {
        assert_eq!(broken(&valid), [], "{valid:?}");
    }
    for invalid in [
        vec![vote(3, 1), vote(3, 2)],
        vec![vote(3, 1), (0, 3, promised(None, 0))],
        vec![vote(3, 1), (0, 3, restarted(2))],
        vec![vote(3, 1), (0, 3, started(0, 0))],
    ] {
        assert_eq!(
            broken(&invalid),
            [("vote-binding".to_owned(), 1)],
            "{invalid:?}"
        );
    }
}

#[test]
fn acknowledged_entries_are_kept() {
    let begun = || vec![started(0, 0), appended(1, 5), promised(None, 4)];
    let with = |rest: Vec<Observed>| on_one([begun(), rest].concat());
    let dropped = |from_index| Observed::Truncated { from_index };
    let replaced = Observed::Appended {
        first_index: 3,
        entries: foreign(3),
    };
    for valid in [
        with(vec![started(0, 4)]),
        with(vec![started(0, 5), started(0, 4)]),
        with(vec![started(4, 4)]),
        with(vec![promised(None, 2), started(0, 4)]),
        // A leader had it dropped, whether or not that was on disk when the process ended.
        with(vec![dropped(3), started(0, 2)]),
        with(vec![dropped(3), started(0, 5)]),
        with(vec![replaced.clone(), started(0, 2)]),
        with(vec![Observed::SnapshotInstalled(point(9)), started(9, 9)]),
    ] {
        assert_eq!(broken(&valid), [], "{valid:?}");
    }
    for invalid in [
        with(vec![started(0, 3)]),
        with(vec![started(0, 0)]),
        with(vec![started(2, 3)]),
        with(vec![promised(None, 2), started(0, 3)]),
        with(vec![dropped(3), started(0, 1)]),
        // It acknowledges what it does not have.
        with(vec![promised(None, 6)]),
        with(vec![dropped(3), promised(None, 3)]),
    ] {
        let expected = [("acknowledged-entries".to_owned(), 1)];
        assert_eq!(broken(&invalid), expected, "{invalid:?}");
    }
}
