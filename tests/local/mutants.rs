//! The planted bugs over real sockets, signals and disks: as in the simulator, with what shows each.

use std::fs;
use std::path::Path;

use rupture_targets::targets;
use serde_json::Value;

use crate::{alone, left, runs, rupture, scratch};

/// A mutant, the arguments that bring it out, and the kinds of anomaly that it shows as.
type Row = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const LEADERS: &[&str] = &[
    "--nemesis",
    "partition-primaries",
    "--nemesis-interval",
    "2",
    "--rate",
    "300",
];
const POWER: &[&str] = &[
    "--nemesis",
    "disk,kill",
    "--nemesis-interval",
    "0.5",
    "--time-limit",
    "20",
];
const LISTS: &[&str] = &["--workload", "list-append", "--rate", "300"];

const CAUGHT: &[Row] = &[
    ("stale-read", LEADERS, &["nonlinearizable"]),
    ("follower-read", &[], &["nonlinearizable"]),
    (
        "unsynced-ack",
        POWER,
        &[
            "acknowledged-entries",
            "leader-completeness",
            "state-machine-safety",
            "nonlinearizable",
        ],
    ),
    (
        "double-vote",
        &[
            "--nemesis",
            "kill,partition",
            "--nemesis-interval",
            "0.4",
            "--time-limit",
            "20",
        ],
        &["vote-binding", "election-safety"],
    ),
    (
        "reapply-retry",
        &[
            "--nemesis",
            "kill-primaries,pause-primaries,link",
            "--nemesis-interval",
            "0.7",
            "--time-limit",
            "20",
        ],
        &["nonlinearizable"],
    ),
    (
        "no-back-off",
        &[
            "--nemesis",
            "partition-primaries,kill",
            "--nemesis-interval",
            "1",
            "--time-limit",
            "15",
        ],
        &["no-recovery"],
    ),
    ("ack-storm", &[], &["message-storm"]),
    ("read-uncommitted", LISTS, &["G1a", "G1b"]),
    (
        "read-committed",
        LISTS,
        &["internal", "G-single", "lost-update"],
    ),
    ("lost-update", LISTS, &["lost-update", "G-single"]),
    ("write-skew", LISTS, &["write-skew", "G2-item"]),
    ("long-fork", LISTS, &["G-nonadjacent"]),
    ("stale-snapshot", LISTS, &["G-single-realtime"]),
    (
        "no-sync",
        &[
            "--target",
            "single",
            "--nodes",
            "1",
            "--nemesis",
            "disk",
            "--nemesis-interval",
            "0.5",
        ],
        &["nonlinearizable"],
    ),
];

/// Mutants that hide too well for a few runs of real time, and why.
const HIDDEN: &[(&str, &str)] = &[(
    "commit-old-term",
    "4 of 200 seeds of the simulator show it, with a command made for it: an hour of real time",
)];

#[test]
fn every_mutant_is_hunted_here_or_hides_for_a_reason() {
    let mut known: Vec<&str> = CAUGHT.iter().map(|row| row.0).collect();
    known.extend(HIDDEN.iter().map(|row| row.0));
    known.sort_unstable();
    let mutants = targets().iter().flat_map(|target| &target.mutants);
    let mut all: Vec<&str> = mutants.map(|mutant| mutant.name).collect();
    all.sort_unstable();
    assert_eq!(known, all);
}

/// Runs a mutant once, and gives the kinds of what it showed as.
fn shown(folder: &Path, mutant: &str, arguments: &[&str], seed: u32) -> Vec<String> {
    let output = rupture(folder)
        .args(["run", "--world", "local", "--mutant", mutant, "--json"])
        .args(["--seed", &seed.to_string()])
        .args(arguments)
        .output()
        .expect("the binary runs");
    let verdict: Value = serde_json::from_slice(&output.stdout).expect("a verdict");
    let parts = verdict["checkers"].as_array().expect("parts");
    let anomalies = parts.iter().filter_map(|part| part["anomalies"].as_array());
    let kinds = anomalies
        .flatten()
        .map(|it| it["type"].as_str().unwrap_or_default());
    let kinds: Vec<String> = kinds.map(str::to_owned).collect();
    assert_eq!(
        output.status.code() == Some(1),
        !kinds.is_empty(),
        "{verdict}"
    );
    kinds
}

/// How often each shows in so many runs of ten to twenty seconds; one of them is enough.
#[test]
#[ignore = "a quarter of an hour"]
fn every_mutant_is_caught_in_real_time() {
    const RUNS: u32 = 5;
    let _alone = alone();
    let mut missed = Vec::new();
    for (mutant, arguments, kinds) in CAUGHT {
        let mut caught = 0;
        for seed in 0..RUNS {
            let folder = scratch();
            let seen = shown(folder.path(), mutant, arguments, seed);
            let is_it = seen.iter().any(|kind| kinds.contains(&kind.as_str()));
            assert!(is_it || seen.is_empty(), "{mutant} showed as {seen:?}");
            caught += u32::from(is_it);
            for run in runs(folder.path()) {
                assert_eq!(left(&run), Vec::<String>::new());
                fs::remove_dir_all(run).unwrap();
            }
        }
        println!(
            "{mutant}: {caught} of {RUNS} runs of `{}`",
            arguments.join(" ")
        );
        if caught == 0 {
            missed.push(mutant);
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}
