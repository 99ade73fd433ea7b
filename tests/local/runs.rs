//! Whole runs, from start to verdict.

use std::fs;

use crate::{expect, left, runs, scratch};

#[test]
fn five_nodes_are_broken_heal_and_keep_their_promise_and_leave_nothing() {
    let folder = scratch();
    let arguments = ["--time-limit", "5", "--nemesis-interval", "0.5"];
    let (stdout, _) = expect(0, folder.path(), &arguments);
    assert!(
        stdout.contains("raft as processes of this machine"),
        "{stdout}"
    );
    assert!(stdout.contains("valid linearizable register"), "{stdout}");
    assert!(stdout.contains("served again"), "{stdout}");
    // A replay is for runs that are functions of their seed.
    assert!(!stdout.contains("rupture replay"), "{stdout}");
    let [run] = &runs(folder.path())[..] else {
        panic!("one run");
    };
    assert_eq!(left(run), Vec::<String>::new());
    let undo = fs::read_to_string(run.join("undo.jsonl")).unwrap();
    assert!(undo.ends_with("{\"undo\":\"nothing\"}\n"), "{undo}");
    for node in 1..=5 {
        let log = fs::read_to_string(run.join(format!("nodes/n{node}.log"))).unwrap();
        assert!(log.contains("node_started"), "n{node}: {log}");
        let metrics = fs::read_to_string(run.join(format!("nodes/n{node}.prom"))).unwrap();
        assert!(metrics.contains("leader_elections_total"), "{metrics}");
    }
    let faults = fs::read_to_string(run.join("faults.jsonl")).unwrap();
    assert!(faults.contains("\"injected\""), "{faults}");
}

/// The power fails, and what was acknowledged before it was on the disk is gone.
#[test]
fn a_store_that_does_not_sync_is_caught() {
    let folder = scratch();
    let arguments = ["--target", "single", "--nodes", "1", "--mutant", "no-sync"];
    let faults = [
        "--nemesis",
        "disk",
        "--time-limit",
        "6",
        "--nemesis-interval",
        "0.5",
    ];
    let (stdout, _) = expect(1, folder.path(), &[&arguments[..], &faults].concat());
    assert!(stdout.contains("nonlinearizable"), "{stdout}");
    assert_eq!(left(&runs(folder.path())[0]), Vec::<String>::new());
}

/// The same store that syncs, under the same faults: a test that cannot pass shows nothing.
#[test]
fn a_store_that_syncs_keeps_what_it_acknowledged() {
    let folder = scratch();
    let arguments = [
        "--target",
        "single",
        "--nodes",
        "1",
        "--nemesis",
        "disk,kill",
    ];
    let faults = ["--time-limit", "5", "--nemesis-interval", "0.5"];
    expect(0, folder.path(), &[&arguments[..], &faults].concat());
}

#[test]
fn a_run_of_processes_is_no_function_of_its_seed_and_says_so() {
    let folder = scratch();
    let (_, stderr) = expect(254, folder.path(), &["--seeds", "0..5"]);
    assert!(stderr.contains("no function of its seed"), "{stderr}");
    assert!(!folder.path().join("results").exists());
}
