//! What the arguments may be, and what is said of those that cannot.

use std::fs;

use serde_json::Value;

use crate::{expect, scratch};

#[test]
fn names_that_nobody_knows_are_answered_with_the_nearest() {
    let folder = scratch();
    for (arguments, hint) in [
        (
            vec!["run", "--workload", "registre"],
            "unknown workload `registre`; did you mean `register`",
        ),
        (
            vec!["run", "--target", "rafd"],
            "unknown target `rafd`; did you mean `raft`?",
        ),
        (
            vec!["run", "--nemesis", "partiton"],
            "did you mean `partition",
        ),
        (
            vec!["run", "--mutant", "stale-raed"],
            "unknown mutant `stale-raed`; did you mean `stale-read`",
        ),
        (
            vec!["check", "--model", "cas-registre", "x.edn"],
            "did you mean `cas-register`",
        ),
        (vec!["list", "mutnts"], "did you mean `mutants`?"),
    ] {
        let (_, complaint) = expect(254, folder.path(), &arguments);
        assert!(complaint.contains(hint), "{arguments:?}: {complaint}");
    }
    assert!(
        !folder.path().join("results").exists(),
        "nothing was started"
    );
}

#[test]
fn settings_that_contradict_each_other_are_refused_before_anything_starts() {
    let folder = scratch();
    fs::write(
        folder.path().join("script"),
        "at 1s partition halves for 1s\n",
    )
    .unwrap();
    for (arguments, reason) in [
        (vec!["run", "--nodes", "0"], "clients without nodes"),
        (vec!["run", "--concurrency", "0"], "--concurrency 0"),
        (vec!["run", "--concurrency", "ten"], "--concurrency ten"),
        (vec!["run", "--time-limit", "0"], "--time-limit 0"),
        (vec!["run", "--time-limit", "soon"], "write seconds"),
        (vec!["run", "--seeds", "9..3"], "--seeds 9..3 is empty"),
        (
            vec!["run", "--seeds", "0..3", "--seed", "4"],
            "cannot be used with",
        ),
        (
            vec!["run", "--nodes", "1", "--nemesis", "partition-halves"],
            "partition",
        ),
        (
            vec!["run", "--nemesis", "kill", "--nemesis-script", "script"],
            "contradict each other",
        ),
        (vec!["run", "--nodes", "a,b,c"], "n1"),
        (vec!["dance"], "dance"),
        (vec!["check"], "PATH"),
        (
            vec!["check", "--model", "register", "--total", "100", "x.edn"],
            "--total is no setting of register: it has --independent",
        ),
        (
            vec!["check", "--model", "list-append", "--wfr-keys", "x.edn"],
            "--wfr-keys is no setting of list-append: it has none",
        ),
        (
            vec!["check", "--model", "log", "--allow", "poll-hop", "x.edn"],
            "unknown anomaly of a log `poll-hop`; did you mean `poll-skip`",
        ),
        (
            vec![
                "check",
                "--model",
                "log",
                "--allow",
                "unseen",
                "--forbid",
                "G1a,unseen",
                "x.edn",
            ],
            "--allow and --forbid both name `unseen`",
        ),
    ] {
        let (_, complaint) = expect(254, folder.path(), &arguments);
        assert!(complaint.contains(reason), "{arguments:?}: {complaint}");
    }
    assert!(
        !folder.path().join("results").exists(),
        "nothing was started"
    );
}

#[test]
fn everything_that_is_registered_is_listed() {
    let folder = scratch();
    let (printed, _) = expect(0, folder.path(), &["list", "mutants"]);
    for mutant in [
        "stale-read",
        "follower-read",
        "unsynced-ack",
        "double-vote",
        "commit-old-term",
        "reapply-retry",
    ] {
        assert!(
            printed.lines().any(|line| line.contains(mutant)),
            "no {mutant} in\n{printed}"
        );
    }
    for what in ["targets", "workloads", "nemeses", "models"] {
        let (printed, _) = expect(0, folder.path(), &["list", what]);
        assert!(!printed.trim().is_empty());
        let (printed, _) = expect(0, folder.path(), &["list", what, "--json"]);
        assert!(serde_json::from_str::<Value>(&printed).unwrap().is_object());
    }
}
