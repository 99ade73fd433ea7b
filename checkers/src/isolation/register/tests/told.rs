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

type Txns = &'static [(u32, &'static str)];

// Two blind writes of x, and two readers of which each saw, by way of a third, what the writer of the other left.
const EITHER: Txns = &[
    (0, "[:w :x 1] [:w :z 1]"),
    (1, "[:w :x 2] [:w :y 1]"),
    (2, "[:r :y 1] [:w :q 1]"),
    (3, "[:r :z 1] [:w :p 1]"),
    (4, "[:r :q 1] [:r :x 1]"),
    (5, "[:r :p 1] [:r :x 2]"),
];
const SKEW: Txns = &[
    (0, "[:w :x 1]"),
    (1, "[:r :x 1] [:w :y 1]"),
    (2, "[:r :y 1] [:r :x nil]"),
];
const LOST: Txns = &[(0, "[:r :x nil] [:w :x 1]"), (1, "[:r :x nil] [:w :x 2]")];
const BETWEEN: Txns = &[(0, "[:w :x 1]"), (1, "[:r :x nil] [:r :x 1] [:w :x 2]")];
// Whose write follows the initial version is known, so the first write of x came after it.
const MISSED: Txns = &[
    (0, "[:w :x 1] [:w :y 1]"),
    (1, "[:r :x nil] [:w :x 2]"),
    (2, "[:r :y 1] [:r :x 2]"),
];
const FORK: Txns = &[
    (0, "[:w :x 1]"),
    (1, "[:w :y 1]"),
    (2, "[:r :x 1] [:r :y nil]"),
    (3, "[:r :y 1] [:r :x nil]"),
];

/// A history, the levels that it breaks, what shows it and the invocations that prove it, and levels that it keeps.
type Smallest = (
    Txns,
    &'static [Level],
    &'static str,
    &'static [u64],
    &'static [Level],
);

const SMALLEST: [Smallest; 8] = {
    use Level::{
        ConsistentView, CursorStability, ParallelSnapshotIsolation, ReadAtomic, ReadCommitted,
        SnapshotIsolation, UpdateAtomic,
    };
    const ALL: &[u64] = &[0, 2, 4, 6, 8, 10];
    const UPDATES: &[Level] = &[CursorStability, UpdateAtomic];
    [
        (
            EITHER,
            &[ParallelSnapshotIsolation],
            "not-snapshot-isolated",
            ALL,
            UPDATES,
        ),
        (EITHER, &[ConsistentView], "inconsistent-view", ALL, UPDATES),
        (
            SKEW,
            &[ParallelSnapshotIsolation, ConsistentView],
            "G-single",
            &[0, 2, 4],
            UPDATES,
        ),
        (
            LOST,
            &[
                ParallelSnapshotIsolation,
                ConsistentView,
                CursorStability,
                UpdateAtomic,
            ],
            "lost-update",
            &[0, 2],
            &[ReadAtomic],
        ),
        (
            BETWEEN,
            &[CursorStability],
            "G-cursor",
            &[0, 2],
            &[ReadCommitted],
        ),
        (
            MISSED,
            &[UpdateAtomic],
            "fractured-read",
            &[0, 2, 4],
            &[ReadAtomic, CursorStability],
        ),
        (
            MISSED,
            &[ConsistentView],
            "G-single",
            &[0, 2, 4],
            &[ReadAtomic, CursorStability],
        ),
        (
            FORK,
            &[SnapshotIsolation],
            "G-nonadjacent",
            &[0, 2, 4, 6],
            &[ParallelSnapshotIsolation],
        ),
    ]
};

/// The smallest histories that break a level which forbids some cycles with one anti-dependency, and the levels right
/// below that they keep.
#[test]
fn levels_without_an_order_of_points_have_their_smallest_histories() {
    for (history, broken, kind, proof, kept) in SMALLEST {
        for &level in broken {
            let found = told(RwRegister::new(level), history);
            let said: Vec<_> = found
                .iter()
                .map(|one| (&*one.kind, evidence(one)))
                .collect();
            assert_eq!(said, [(kind, proof.to_vec())], "{level} {found:#?}");
            assert!(!found[0].dependencies.is_empty(), "{level} {found:#?}");
        }
        for &level in kept {
            assert_eq!(told(RwRegister::new(level), history), [], "{level}");
        }
    }
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
