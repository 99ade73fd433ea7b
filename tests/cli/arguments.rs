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
        (
            vec!["run", "--set", "snapshot-treshold=50"],
            "did you mean `snapshot-threshold`",
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
        (
            vec!["run", "--set", "snapshot-threshold=0"],
            "snapshot-threshold is 1 to",
        ),
        (
            vec!["run", "--set", "snapshot-threshold"],
            "write a name and a number",
        ),
        (
            vec!["run", "--nemesis", "none,kill"],
            "contradict each other",
        ),
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
            "--total is no setting of register: it has --anomalies, --independent, --initial",
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

#[test]
fn help_is_there_for_everything_and_goes_to_standard_output() {
    let folder = scratch();
    let (printed, _) = expect(0, folder.path(), &["help"]);
    for verb in ["run", "check", "replay", "list"] {
        assert!(printed.contains(&format!("\n  {verb} ")), "{printed}");
        let (of_verb, _) = expect(0, folder.path(), &["help", verb]);
        assert_eq!(of_verb, expect(0, folder.path(), &[verb, "--help"]).0);
        assert!(of_verb.contains("Usage: "), "{of_verb}");
    }
    let (_, complaint) = expect(254, folder.path(), &["help", "dance"]);
    assert!(complaint.contains("dance"), "{complaint}");
}

#[test]
fn lists_tell_levels_reads_and_settings() {
    let folder = scratch();
    for (what, words) in [
        ("targets", &["reads: read-index, lease", "models: "][..]),
        (
            "models",
            &[
                "levels: linearizable, sequential",
                "settings: --independent",
                "operations: read nil → the value, write v → v",
                "--wfr-keys",
            ],
        ),
    ] {
        let (printed, _) = expect(0, folder.path(), &["list", what]);
        for words in words {
            assert!(printed.contains(words), "no {words} in {printed}");
        }
    }
}

#[test]
fn numbers_at_their_ends_are_taken_or_refused() {
    let folder = scratch();
    let highest = u64::MAX.to_string();
    let beyond = format!("{highest}0");
    for option in [
        "--rate",
        "--ops-per-key",
        "--seed",
        "--test-count",
        "--nodes",
        "--concurrency",
        "--time-limit",
        "--op-timeout",
        "--nemesis-interval",
        "--check-timeout",
        "--check-memory",
    ] {
        for value in ["-1", &beyond, "1e99", "nan", "inf", "", "0x10", "1,5"] {
            let (_, complaint) = expect(254, folder.path(), &["run", &format!("{option}={value}")]);
            assert!(complaint.contains(option), "{option} {value}: {complaint}");
        }
    }
    for option in ["--timeout", "--memory", "--total"] {
        let check = [
            "check",
            "--model",
            "bank",
            "absent",
            &format!("{option}={beyond}"),
        ];
        let (_, complaint) = expect(254, folder.path(), &check);
        assert!(complaint.contains(option), "{complaint}");
    }
    // What is taken does what it says: nothing overflows.
    for (option, value) in [
        ("--rate", "4294967295"),
        ("--rate", "0"),
        ("--ops-per-key", &highest),
        ("--op-timeout", "11574d"),
        ("--check-timeout", "11574d"),
        ("--check-memory", "1e15"),
        ("--seed", &highest),
        ("--concurrency", "200n"),
    ] {
        let run = [
            "run",
            "--time-limit",
            "500ms",
            "--nemesis",
            "none",
            option,
            value,
        ];
        expect(0, folder.path(), &run);
    }
    let bank = r#"{"process":0,"type":"invoke","f":"read","value":null}
        {"process":0,"type":"ok","f":"read","value":{"0":9223372036854775807,"1":9223372036854775807}}"#;
    fs::write(folder.path().join("bank.jsonl"), bank).unwrap();
    for total in [i64::MAX, i64::MIN, 0, -1] {
        let check = [
            "check",
            "--model",
            "bank",
            "bank.jsonl",
            &format!("--total={total}"),
        ];
        expect(1, folder.path(), &check);
    }
}

#[test]
fn times_are_written_as_people_write_them() {
    let folder = scratch();
    fs::write(folder.path().join("empty.edn"), "").unwrap();
    for time in ["2h", "1d", "1h30m", "1.5s", "250ms", "7", "0.5", "1m1s1ms"] {
        let check = [
            "check",
            "--model",
            "register",
            "empty.edn",
            "--timeout",
            time,
        ];
        expect(2, folder.path(), &check);
    }
    for time in [
        "1w", "30m1h", "1h1h", "h", "1 h", "1h30", "11575d", "-1s", "0.5ms",
    ] {
        let timeout = format!("--timeout={time}");
        let check = ["check", "--model", "register", "empty.edn", &timeout];
        let (_, complaint) = expect(254, folder.path(), &check);
        assert!(complaint.contains("--timeout"), "{time}: {complaint}");
    }
}

/// What the reference of operations names, and calls each of them.
const NAMED: [(&str, &str); 22] = [
    ("register", "read write"),
    ("cas-register", "read write cas"),
    ("multi-register", "txn"),
    ("kv-append", "get put append"),
    ("counter", "add read"),
    ("set", "add remove contains read"),
    ("fifo-queue", "enqueue dequeue drain"),
    ("unordered-queue", "enqueue dequeue drain"),
    ("stack", "push pop"),
    ("priority-queue", "insert extract-max extract-min"),
    ("mutex", "acquire release"),
    ("owner-mutex", "acquire release"),
    ("reentrant-mutex", "acquire release"),
    ("fenced-lock", "acquire release"),
    ("semaphore", "acquire release"),
    ("unique-ids", "generate"),
    ("list-append", "txn"),
    ("rw-register", "txn"),
    ("bank", "transfer read"),
    ("long-fork", "write read"),
    ("log", "send poll txn assign subscribe"),
    ("broadcast", "broadcast deliver"),
];

#[test]
fn the_command_line_knows_all_that_the_reference_of_operations_names() {
    let folder = scratch();
    let (printed, _) = expect(0, folder.path(), &["list", "models", "--json"]);
    let listed: Value = serde_json::from_str(&printed).unwrap();
    let models = listed["models"].as_array().unwrap();
    for (name, functions) in NAMED {
        let model = models.iter().find(|model| model["name"] == name);
        let model = model.unwrap_or_else(|| panic!("no {name} in {printed}"));
        let operations = model["operations"].as_array().unwrap();
        for f in functions.split(' ') {
            assert!(
                operations.iter().any(|form| form["f"] == f),
                "{name} lacks {f}"
            );
        }
        fs::write(folder.path().join("empty"), "").unwrap();
        expect(2, folder.path(), &["check", "-m", name, "empty"]);
    }
}
