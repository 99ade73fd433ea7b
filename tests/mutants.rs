//! The tester is tested: every planted bug is caught, and the unmodified system passes.

use std::num::NonZeroU32;

use rayon::prelude::*;
use rupture::plan::Plan;
use rupture::record::Nowhere;
use rupture::run::{self, Report};
use rupture_nemesis::FaultKind;
use rupture_targets::targets;
use rupture_workloads::checkers::history::Validity;
use rupture_workloads::workloads;

/// Under which faults each mutant shows itself, how many seeds it may take, and an anomaly that is among those found.
const HUNTS: &[(&str, Hunt)] = &[
    (
        "stale-read",
        Hunt {
            kind: "nonlinearizable",
            ..Hunt::USUAL
        },
    ),
    (
        "follower-read",
        Hunt {
            kind: "nonlinearizable",
            ..Hunt::USUAL
        },
    ),
    (
        "unsynced-ack",
        Hunt {
            kind: "leader-completeness",
            ..Hunt::USUAL
        },
    ),
    (
        "double-vote",
        Hunt {
            kind: "election-safety",
            ..Hunt::USUAL
        },
    ),
    // Figure 8 of the paper takes leaders that lose their place, again and again, before they have replicated what
    // little they were asked.
    (
        "commit-old-term",
        Hunt {
            nemesis: &["partition-primaries", "kill-primaries", "pause-primaries"],
            nemesis_interval_ms: 300,
            rate: 300,
            seeds: 400,
            kind: "leader-completeness",
            ..Hunt::USUAL
        },
    ),
    (
        "reapply-retry",
        Hunt {
            kind: "nonlinearizable",
            ..Hunt::USUAL
        },
    ),
    (
        "no-back-off",
        Hunt {
            kind: "no-recovery",
            ..Hunt::USUAL
        },
    ),
    (
        "ack-storm",
        Hunt {
            kind: "message-storm",
            seeds: 1,
            ..Hunt::USUAL
        },
    ),
    // At which levels these show, and at which they do not, is told in `isolation`.
    (
        "read-uncommitted",
        Hunt {
            kind: "G1a",
            ..Hunt::TRANSACTIONS
        },
    ),
    (
        "read-committed",
        Hunt {
            kind: "internal",
            ..Hunt::TRANSACTIONS
        },
    ),
    (
        "lost-update",
        Hunt {
            kind: "lost-update",
            ..Hunt::TRANSACTIONS
        },
    ),
    (
        "write-skew",
        Hunt {
            kind: "G2-item",
            ..Hunt::TRANSACTIONS
        },
    ),
    (
        "long-fork",
        Hunt {
            kind: "G-nonadjacent",
            ..Hunt::TRANSACTIONS
        },
    ),
    (
        "stale-snapshot",
        Hunt {
            kind: "G-single-realtime",
            ..Hunt::TRANSACTIONS
        },
    ),
    (
        "no-sync",
        Hunt {
            target: "single",
            kind: "nonlinearizable",
            ..Hunt::USUAL
        },
    ),
];

struct Hunt {
    target: &'static str,
    workload: &'static str,
    nemesis: &'static [&'static str],
    nemesis_interval_ms: u64,
    rate: u32,
    seeds: u64,
    kind: &'static str,
}

impl Hunt {
    /// What `rupture run` does without arguments.
    const USUAL: Self = Self {
        target: "raft",
        workload: "register",
        nemesis: &["default"],
        nemesis_interval_ms: 3_000,
        rate: 200,
        seeds: 12,
        kind: "",
    };
    const TRANSACTIONS: Self = Self {
        workload: "list-append",
        ..Self::USUAL
    };

    fn plan(&self, mutant: &str, seed: u64) -> Plan {
        Plan {
            target: self.target.to_owned(),
            mutant: Some(mutant.to_owned()),
            workload: self.workload.to_owned(),
            nemesis: self.nemesis.iter().map(|name| (*name).to_owned()).collect(),
            nemesis_interval_ms: self.nemesis_interval_ms,
            rate: NonZeroU32::new(self.rate),
            seed,
            ..Plan::default()
        }
    }
}

fn run_plan(plan: &Plan) -> Report {
    run::run(plan, &mut Nowhere, &|| false).expect("a run")
}

fn plan(seed: u64, workload: &str, nemesis: &str) -> Plan {
    Plan {
        seed,
        workload: workload.to_owned(),
        nemesis: vec![nemesis.to_owned()],
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
            let verdict = run_plan(&hunt.plan(mutant, *seed)).verdict();
            let mut kinds = verdict
                .anomalies
                .iter()
                .map(|anomaly| anomaly.kind.as_str());
            verdict.validity == Validity::Invalid && kinds.any(|kind| kind == hunt.kind)
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
    let names = workloads().iter().map(|info| info.name);
    let kinds = FaultKind::ALL.map(FaultKind::name);
    let mixes = [&["none", "default", "all"][..], &kinds[..]].concat();
    let runs = names.flat_map(|name| mixes.iter().map(move |mix| (name, *mix)));
    let runs = runs.flat_map(|(name, mix)| targets().iter().map(move |it| (it.name, name, mix)));
    let runs: Vec<(&str, &str, &str)> = runs.collect();
    runs.par_iter().for_each(|(target, workload, nemesis)| {
        // The store on one node has little that can go wrong.
        let seeds = if *target == "single" { 1 } else { 2 };
        for seed in 0..seeds {
            let mut plan = plan(seed, workload, nemesis);
            (*target).clone_into(&mut plan.target);
            // A store on one node has no members and no leader to change.
            let is_static = *target == "single" && ["membership", "transfer"].contains(nemesis);
            // The simulator carries whole messages and no streams.
            if is_static || *nemesis == "stream" {
                assert!(run::prepare(&plan).is_err(), "{nemesis}");
                continue;
            }
            let report = run_plan(&plan);
            let verdict = report.verdict();
            assert_eq!(
                verdict.validity,
                Validity::Valid,
                "{target}, {workload} under {nemesis}, seed {seed}: {verdict:#?}"
            );
        }
    });
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
