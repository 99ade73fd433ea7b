//! The tester is tested: every planted bug is caught, and the unmodified system passes.

use rupture::plan::Plan;
use rupture::record::Nowhere;
use rupture::run::{self, Report};
use rupture_targets::targets;
use rupture_workloads::checkers::history::Validity;

/// Under which workload and faults each mutant shows itself, how many seeds it may take, and an anomaly that is
/// among those found.
const HUNTS: &[(&str, Hunt)] = &[
    (
        "stale-read",
        Hunt {
            workload: "register",
            nemesis: "default",
            seeds: 5,
            kind: "nonlinearizable",
        },
    ),
    (
        "follower-read",
        Hunt {
            workload: "register",
            nemesis: "default",
            seeds: 5,
            kind: "nonlinearizable",
        },
    ),
    (
        "unsynced-ack",
        Hunt {
            workload: "register",
            nemesis: "disk",
            seeds: 20,
            kind: "leader-completeness",
        },
    ),
    (
        "double-vote",
        Hunt {
            workload: "register",
            nemesis: "default",
            seeds: 20,
            kind: "election-safety",
        },
    ),
    (
        "commit-old-term",
        Hunt {
            workload: "register",
            nemesis: "kill,partition",
            seeds: 60,
            kind: "leader-completeness",
        },
    ),
    (
        "reapply-retry",
        Hunt {
            workload: "register",
            nemesis: "default",
            seeds: 20,
            kind: "nonlinearizable",
        },
    ),
];

struct Hunt {
    workload: &'static str,
    nemesis: &'static str,
    seeds: u64,
    kind: &'static str,
}

fn run_plan(plan: &Plan) -> Report {
    run::run(plan, &mut Nowhere, &|| false).expect("a run")
}

fn plan(seed: u64, workload: &str, nemesis: &str) -> Plan {
    Plan {
        seed,
        workload: workload.to_owned(),
        nemesis: vec![nemesis.to_owned()]
            .iter()
            .flat_map(|n| n.split(',').map(str::to_owned).collect::<Vec<_>>())
            .collect(),
        nemesis_interval_ms: 500,
        time_limit_ms: 10_000,
        ..Plan::default()
    }
}

#[test]
fn every_mutant_that_is_listed_is_hunted() {
    let listed: Vec<&str> = targets()
        .iter()
        .flat_map(|target| &target.mutants)
        .map(|mutant| mutant.name)
        .collect();
    let hunted: Vec<&str> = HUNTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(listed, hunted);
}

#[test]
fn every_mutant_is_caught() {
    for (mutant, hunt) in HUNTS {
        let caught = (0..hunt.seeds).find(|seed| {
            let report = run_plan(&Plan {
                mutant: Some((*mutant).to_owned()),
                ..plan(*seed, hunt.workload, hunt.nemesis)
            });
            let verdict = report.verdict();
            verdict.validity == Validity::Invalid
                && verdict
                    .anomalies
                    .iter()
                    .any(|anomaly| anomaly.kind == hunt.kind)
        });
        assert!(
            caught.is_some(),
            "{mutant} was not caught as {} in {} seeds",
            hunt.kind,
            hunt.seeds
        );
    }
}

#[test]
fn the_unmodified_system_passes_under_every_mix_of_faults() {
    for workload in ["register", "cas-register", "set"] {
        for nemesis in [
            "none",
            "default",
            "all",
            "partition",
            "kill",
            "pause",
            "clock",
            "link",
            "disk",
            "membership",
        ] {
            for seed in 0..3 {
                let report = run_plan(&plan(seed, workload, nemesis));
                let verdict = report.verdict();
                assert_eq!(
                    verdict.validity,
                    Validity::Valid,
                    "{workload} under {nemesis}, seed {seed}: {verdict:#?}"
                );
            }
        }
    }
}

#[test]
fn a_cluster_of_any_size_passes() {
    for nodes in 1..=9 {
        let plan = Plan {
            nodes: (1..=nodes).map(|i| format!("n{i}")).collect(),
            ..plan(1, "cas-register", "default")
        };
        let verdict = run_plan(&plan).verdict();
        assert_eq!(
            verdict.validity,
            Validity::Valid,
            "{nodes} nodes: {verdict:#?}"
        );
    }
}
