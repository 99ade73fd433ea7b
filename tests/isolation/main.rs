//! The isolation engine against whole stores: the reference store keeps strict serializability under every fault, and
//! every planted bug of its transaction path is caught at exactly the levels that it breaks.
//!
//! The verdicts are compared with a second opinion, which shares no code with the checkers.

mod graph;
mod phenomena;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use rupture::plan::Plan;
use rupture::record::{Memory, Nowhere};
use rupture::run::{self, Report};
use rupture_checkers::history::{History, Validity, codec};
use rupture_checkers::isolation::{Level, ListAppend};
use rupture_checkers::{Budget, Checker};
use rupture_nemesis::FaultKind;

use Level::{
    Causal, ConsistentView, CursorStability, MonotonicReads, ParallelSnapshotIsolation, Prefix,
    ReadAtomic, ReadCommitted, ReadUncommitted, RepeatableRead, Serializable, SnapshotIsolation,
    StrictSerializable, StrongSessionSerializable, StrongSessionSnapshotIsolation,
    StrongSnapshotIsolation, UpdateAtomic,
};

/// What a mutant breaks: every level that implies one of `breaks`, and no other. About `either` nothing is said.
struct Expected {
    mutant: &'static str,
    breaks: &'static [Level],
    either: &'static [Level],
}

const EXPECTED: &[Expected] = &[
    Expected {
        mutant: "read-uncommitted",
        breaks: &[ReadCommitted],
        // What was undone is not seen again.
        either: &[MonotonicReads],
    },
    Expected {
        mutant: "read-committed",
        breaks: &[ReadAtomic, ConsistentView, CursorStability, Causal],
        either: &[],
    },
    Expected {
        mutant: "lost-update",
        breaks: &[UpdateAtomic, ConsistentView, CursorStability],
        either: &[],
    },
    Expected {
        mutant: "write-skew",
        breaks: &[RepeatableRead],
        either: &[],
    },
    Expected {
        mutant: "long-fork",
        breaks: &[SnapshotIsolation, Prefix, RepeatableRead],
        either: &[],
    },
    Expected {
        mutant: "stale-snapshot",
        breaks: &[StrongSnapshotIsolation],
        either: &[],
    },
];

/// Every mix of faults, by name.
fn mixes() -> Vec<&'static str> {
    let mut kinds = FaultKind::ALL.map(FaultKind::name).to_vec();
    // The simulator carries whole messages and no streams.
    kinds.retain(|kind| *kind != FaultKind::Stream.name());
    [&["none", "default", "all"][..], &kinds[..]].concat()
}

impl Expected {
    fn is_broken(&self, level: Level) -> bool {
        self.breaks.iter().any(|broken| level.implies(*broken))
    }

    fn plan(&self, seed: u64) -> Plan {
        Plan {
            mutant: Some(self.mutant.to_owned()),
            workload: "list-append".to_owned(),
            seed,
            ..Plan::default()
        }
    }
}

/// Runs a plan, and hands its history out besides.
fn recorded(plan: &Plan) -> (Report, History) {
    let mut memory = Memory::default();
    let report = run::run(plan, &mut memory, &|| false).expect("a run");
    let file = memory.files.iter().find(|it| it.0 == "history.jsonl");
    let history = codec::read(&file.expect("a history").1).expect("its own language");
    (report, history)
}

fn validity(history: &History, level: Level) -> Validity {
    let verdict = ListAppend::new(level).check(history, &Budget::unlimited());
    verdict.expect("transactions").validity
}

/// The levels that the second opinion finds broken, among those that it knows.
fn broken(history: &History) -> BTreeMap<Level, bool> {
    let found = phenomena::phenomena(history);
    let mut broken = BTreeMap::new();
    for (level, forbidden) in FORBIDDEN {
        let any = |names: &[&str]| names.iter().any(|name| found.contains(name));
        let weaker = FORBIDDEN.iter().filter(|(other, _)| level.implies(*other));
        broken.insert(
            *level,
            weaker.into_iter().any(|(_, names)| any(names)) || any(forbidden),
        );
    }
    broken
}

/// What each level forbids beside what those that it implies forbid.
const FORBIDDEN: &[(Level, &[&str])] = &[
    (StrictSerializable, &["G2-realtime"]),
    (StrongSessionSerializable, &["G2-process"]),
    (Serializable, &["G2"]),
    (StrongSnapshotIsolation, &["G-nonadjacent-realtime"]),
    (StrongSessionSnapshotIsolation, &["G-nonadjacent-process"]),
    (SnapshotIsolation, &["G-nonadjacent"]),
    (ParallelSnapshotIsolation, &[]),
    (RepeatableRead, &["G2"]),
    (ConsistentView, &["G-single"]),
    (CursorStability, &["lost-update"]),
    (UpdateAtomic, &["lost-update"]),
    (ReadAtomic, &["internal", "fractured-read"]),
    (ReadCommitted, &["incompatible-order", "G1a", "G1b", "G1c"]),
    (ReadUncommitted, &["duplicate-elements", "G0"]),
];

/// Judges a mutant over some seeds at every level: the broken ones are to be found in most of them, and the others in
/// none.
fn hunt(expected: &Expected, seeds: u64) {
    let mut caught = BTreeMap::<Level, u64>::new();
    for seed in 0..seeds {
        let (report, history) = recorded(&expected.plan(seed));
        let name = expected.mutant;
        let opinion = broken(&history);
        for level in ListAppend::LEVELS {
            let found = validity(&history, level);
            let is_broken = found == Validity::Invalid;
            assert_ne!(found, Validity::Unknown, "{name}, seed {seed}, {level}");
            *caught.entry(level).or_default() += u64::from(is_broken);
            let may_break = expected.is_broken(level) || expected.either.contains(&level);
            assert!(
                may_break || !is_broken,
                "{name}, seed {seed}: {level} is broken"
            );
            if let Some(other) = opinion.get(&level) {
                assert_eq!(
                    is_broken, *other,
                    "{name}, seed {seed}: {level}, by a second opinion"
                );
            }
        }
        let raft = &report.parts[1..];
        let raft_holds = raft.iter().all(|part| part.validity == Validity::Valid);
        assert!(raft_holds, "{name}, seed {seed}: {raft:#?}");
    }
    for level in ListAppend::LEVELS
        .into_iter()
        .filter(|level| expected.is_broken(*level))
    {
        let times = caught[&level];
        println!(
            "{}: {level} is broken in {times} of {seeds} seeds",
            expected.mutant
        );
        assert!(
            times * 4 > seeds * 3,
            "{}: {level} in {times} of {seeds}",
            expected.mutant
        );
    }
}

#[test]
fn every_mutant_of_isolation_breaks_its_levels_and_no_weaker_one() {
    EXPECTED.par_iter().for_each(|expected| hunt(expected, 3));
}

#[test]
#[ignore = "minutes; the nightly command runs it"]
fn over_many_seeds_every_mutant_of_isolation_breaks_its_levels_and_no_weaker_one() {
    EXPECTED.par_iter().for_each(|expected| hunt(expected, 200));
}

/// Runs the unmodified store under a mix of faults. Whether each kind of fault took hold is not asked of runs this
/// short, but some must.
fn holds(nemesis: &str, seeds: std::ops::Range<u64>, time_limit_ms: u64) {
    let (mut transactions, mut faults) = (0, 0);
    for seed in seeds {
        let plan = Plan {
            workload: "list-append".to_owned(),
            nemesis: vec![nemesis.to_owned()],
            nemesis_interval_ms: time_limit_ms / 10,
            time_limit_ms,
            seed,
            ..Plan::default()
        };
        let report = run::run(&plan, &mut Nowhere, &|| false).expect("a run");
        let judged = &report.parts[0];
        assert_eq!(judged.consistency, "strict-serializable");
        assert_eq!(
            judged.validity,
            Validity::Valid,
            "{nemesis}, seed {seed}: {judged:#?}"
        );
        let bad = report
            .parts
            .iter()
            .any(|part| part.validity == Validity::Invalid);
        assert!(!bad, "{nemesis}, seed {seed}: {:#?}", report.parts);
        transactions += report.counts.ok;
        faults += report.injected();
    }
    println!("{nemesis}: {transactions} transactions, {faults} faults");
    assert!(transactions > 0 && (faults > 0 || nemesis == "none"));
}

#[test]
fn the_reference_store_is_strictly_serializable_under_every_mix_of_faults() {
    for nemesis in mixes() {
        holds(nemesis, 0..3, 5_000);
    }
}

#[test]
#[ignore = "minutes; the nightly command runs it"]
fn over_200_seeds_the_reference_store_is_strictly_serializable_under_every_mix_of_faults() {
    for nemesis in mixes() {
        holds(nemesis, 0..200, 20_000);
    }
}

#[test]
fn forks_show_in_the_workload_that_is_named_for_them() {
    for (mutant, expected) in [
        (None, Validity::Valid),
        (Some("long-fork"), Validity::Invalid),
    ] {
        let plan = Plan {
            mutant: mutant.map(str::to_owned),
            workload: "long-fork".to_owned(),
            ..Plan::default()
        };
        let report = run::run(&plan, &mut Nowhere, &|| false).expect("a run");
        assert_eq!(report.verdict().validity, expected, "{:#?}", report.parts);
    }
}

#[test]
fn the_second_opinion_agrees_on_the_unmodified_store() {
    let plan = Plan {
        workload: "list-append".to_owned(),
        ..Plan::default()
    };
    let (_, history) = recorded(&plan);
    assert_eq!(phenomena::phenomena(&history), BTreeSet::new());
}
