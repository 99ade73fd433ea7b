//! One run: its results, its verdict, its replay.

use std::fs;

use serde_json::Value;

use std::os::unix::fs::symlink;

use crate::{expect, scratch};

#[test]
fn an_unwritable_results_folder_is_found_before_the_run() {
    let folder = scratch();
    fs::write(folder.path().join("file"), "").unwrap();
    let (printed, complaint) = expect(255, folder.path(), &["run", "--results", "file/results"]);
    assert!(complaint.contains("--results"), "{complaint}");
    assert!(!printed.contains("operations"), "{printed}");
}

#[test]
fn a_run_is_recorded_and_replayed_byte_for_byte() {
    let folder = scratch();
    let (printed, _) = expect(
        0,
        folder.path(),
        &["run", "--time-limit", "5", "--seed", "7"],
    );
    assert!(
        printed.contains("valid") && printed.contains("rupture replay"),
        "{printed}"
    );
    let latest = folder.path().join("results/latest");
    for file in [
        "run.json",
        "history.jsonl",
        "history.edn",
        "faults.jsonl",
        "verdict.json",
        "nodes/n1.log",
    ] {
        let length = fs::metadata(latest.join(file))
            .unwrap_or_else(|e| panic!("{file}: {e}"))
            .len();
        assert!(length > 0, "{file} is empty");
    }
    let (printed, _) = expect(0, folder.path(), &["replay", "results/latest"]);
    assert!(printed.contains("byte for byte"), "{printed}");

    // The recorded history is judged alike when it is read again, in both formats.
    for file in [
        "results/latest/history.jsonl",
        "results/latest/history.edn",
        "results/latest",
    ] {
        expect(
            0,
            folder.path(),
            &["check", "--model", "register", "--independent", file],
        );
    }

    // A byte that differs is found, and named.
    let path = latest.join("history.jsonl");
    let changed = fs::read_to_string(&path)
        .unwrap()
        .replacen("write", "wrote", 1);
    fs::write(&path, changed).unwrap();
    let (printed, complaint) = expect(255, folder.path(), &["replay", "results/latest"]);
    assert!(
        format!("{printed}{complaint}").contains("history.jsonl"),
        "{printed}{complaint}"
    );
}

#[test]
fn a_mutant_is_caught_and_explained() {
    let folder = scratch();
    let (printed, _) = expect(1, folder.path(), &["run", "--mutant", "stale-read"]);
    for part in ["INVALID", "nonlinearizable", "├", "rupture replay"] {
        assert!(printed.contains(part), "no {part} in\n{printed}");
    }
    let verdict = fs::read_to_string(folder.path().join("results/latest/verdict.json")).unwrap();
    let verdict: Value = serde_json::from_str(&verdict).unwrap();
    assert_eq!(verdict["valid"], Value::Bool(false));
    expect(1, folder.path(), &["replay", "results/latest"]);
}

#[test]
fn a_run_that_stops_on_an_anomaly_ends_early_and_replays() {
    let folder = scratch();
    let counted = |name: &str| {
        let path = folder
            .path()
            .join("results")
            .join(name)
            .join("verdict.json");
        let verdict: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let seconds = verdict["simulated_seconds"].as_f64().unwrap();
        (verdict["operations"]["ok"].as_u64().unwrap(), seconds)
    };
    let mutant = ["run", "--mutant", "stale-read"];
    expect(1, folder.path(), &mutant);
    let whole = counted("latest");
    let stopping = [&mutant[..], &["--stop-on-anomaly"]].concat();
    let (printed, _) = expect(1, folder.path(), &stopping);
    for part in [
        "INVALID",
        "stopped at event",
        "the first that no order explains",
    ] {
        assert!(printed.contains(part), "no {part} in\n{printed}");
    }
    let early = counted("latest");
    assert!(
        early.0 < whole.0 && early.1 < whole.1,
        "{early:?} {whole:?}"
    );

    // The event that it names is the first: the history up to it is invalid, and valid without it.
    let named: usize = printed
        .split("stopped at event ")
        .nth(1)
        .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next())
        .and_then(|number| number.parse().ok())
        .expect("the number of an event");
    let latest = folder.path().join("results/latest");
    let history = fs::read_to_string(latest.join("history.jsonl")).unwrap();
    for (events, code) in [(named, 0), (named + 1, 1)] {
        let prefix: Vec<&str> = history.lines().take(events).collect();
        fs::write(folder.path().join("prefix.jsonl"), prefix.join("\n")).unwrap();
        let check = [
            "check",
            "--model",
            "register",
            "--independent",
            "prefix.jsonl",
        ];
        expect(code, folder.path(), &check);
    }

    let (printed, _) = expect(1, folder.path(), &["replay", "results/latest"]);
    assert!(printed.contains("byte for byte"), "{printed}");
    let seeds = [&stopping[..], &["--seeds", "0..2"]].concat();
    let (printed, _) = expect(1, folder.path(), &seeds);
    assert!(printed.contains("--stop-on-anomaly --seed "), "{printed}");
    let sets = ["run", "--workload", "set", "--stop-on-anomaly"];
    let (_, complaint) = expect(254, folder.path(), &sets);
    assert!(complaint.contains("cannot be watched"), "{complaint}");
}

#[test]
fn a_replay_without_the_recorded_verdict_is_not_the_same() {
    let folder = scratch();
    expect(
        0,
        folder.path(),
        &["run", "--time-limit", "3", "--nemesis", "none"],
    );
    let latest = folder.path().join("results/latest");
    let verdict = fs::read_to_string(latest.join("verdict.json")).unwrap();
    fs::remove_file(latest.join("verdict.json")).unwrap();
    let (printed, _) = expect(255, folder.path(), &["replay"]);
    assert!(printed.contains("verdict.json is gone"), "{printed}");
    assert!(!printed.contains("the same"), "{printed}");
    for (changed, place) in [
        (
            verdict.replace("\"valid\": true", "\"valid\": false"),
            "verdict.json, valid",
        ),
        (
            verdict.replace("\"seed\": 0", "\"seed\": 1"),
            "verdict.json, seed",
        ),
        (
            verdict.replace("\"fail\": ", "\"fail\": 1"),
            "verdict.json, operations",
        ),
        (
            verdict.replace("linearizable", "sequential"),
            "verdict.json, checkers",
        ),
        (String::new(), "verdict.json: "),
    ] {
        fs::write(latest.join("verdict.json"), changed).unwrap();
        let (printed, _) = expect(255, folder.path(), &["replay"]);
        assert!(printed.contains(place), "{printed}");
    }
    fs::write(latest.join("verdict.json"), &verdict).unwrap();
    let (printed, _) = expect(0, folder.path(), &["replay"]);
    assert!(printed.contains("byte for byte"), "{printed}");
    // A plan that no command line could make.
    let plan = fs::read_to_string(latest.join("run.json")).unwrap();
    for (from, to, why) in [
        (
            "\"time_limit_ms\": 3000",
            "\"time_limit_ms\": 18446744073709551615",
            "--time-limit",
        ),
        (
            "\"op_timeout_ms\": 2000",
            "\"op_timeout_ms\": 18446744073709551615",
            "--op-timeout",
        ),
        (
            "\"concurrency\": 10",
            "\"concurrency\": 18446744073709551615",
            "--concurrency",
        ),
        ("\"concurrency\": 10", "\"concurrency\": -1", "run.json"),
        ("\"rate\": 200", "\"rate\": 4294967296", "run.json"),
        (
            "\"format\": 1",
            "\"format\": 18446744073709551615",
            "format",
        ),
        ("{", "[", "run.json"),
    ] {
        let changed = plan.replacen(from, to, 1);
        assert_ne!(changed, plan, "{from}");
        fs::write(latest.join("run.json"), changed).unwrap();
        let (_, complaint) = expect(254, folder.path(), &["replay"]);
        assert!(complaint.contains(why), "{complaint}");
    }
    fs::write(latest.join("run.json"), plan).unwrap();
    // A recorded file without an end, or that is no file.
    for device in ["/dev/zero", "/dev/null", "/"] {
        fs::remove_file(latest.join("history.jsonl")).unwrap();
        symlink(device, latest.join("history.jsonl")).unwrap();
        let (printed, _) = expect(255, folder.path(), &["replay"]);
        assert!(printed.contains("history.jsonl is not a file"), "{printed}");
    }
}

#[test]
fn what_is_called_latest_and_is_no_link_of_ours_stays() {
    let folder = scratch();
    let run = ["run", "--time-limit", "3", "--nemesis", "none"];
    fs::create_dir(folder.path().join("results")).unwrap();
    let latest = folder.path().join("results/latest");
    fs::write(&latest, "mine").unwrap();
    let (_, complaint) = expect(0, folder.path(), &run);
    assert!(
        complaint.contains("`results/latest` is a file"),
        "{complaint}"
    );
    assert_eq!(fs::read_to_string(&latest).unwrap(), "mine");
    fs::remove_file(&latest).unwrap();
    fs::create_dir(&latest).unwrap();
    let (_, complaint) = expect(0, folder.path(), &run);
    assert!(
        complaint.contains("`results/latest` is a folder"),
        "{complaint}"
    );
    assert_eq!(fs::read_dir(&latest).unwrap().count(), 0);
    fs::remove_dir(&latest).unwrap();
    symlink("../nowhere", &latest).unwrap();
    let (_, complaint) = expect(0, folder.path(), &run);
    assert_eq!(complaint, "");
    assert!(latest.join("verdict.json").exists());
}

#[test]
fn a_cluster_that_does_not_serve_again_is_invalid_and_replays() {
    let folder = scratch();
    let (printed, _) = expect(
        1,
        folder.path(),
        &["run", "--mutant", "no-back-off", "--seed", "0"],
    );
    for part in ["INVALID", "no-recovery", "Claimed:", "through n", "healed"] {
        assert!(printed.contains(part), "no {part} in\n{printed}");
    }
    let verdict = fs::read_to_string(folder.path().join("results/latest/verdict.json")).unwrap();
    let verdict: Value = serde_json::from_str(&verdict).unwrap();
    assert_eq!(verdict["served_after_seconds"], Value::Null);
    let (printed, _) = expect(1, folder.path(), &["replay", "results/latest"]);
    assert!(printed.contains("byte for byte"), "{printed}");
}

#[test]
fn a_setting_changes_the_run_and_stands_in_its_plan() {
    let folder = scratch();
    let run = |set: &[&str], name: &str| {
        let mut arguments = vec![
            "run",
            "--time-limit",
            "5",
            "--nemesis",
            "none",
            "--name",
            name,
        ];
        arguments.extend(set.iter().flat_map(|set| ["--set", set]));
        let (said, _) = expect(0, folder.path(), &arguments);
        let latest = folder.path().join("results/latest");
        let manifest = fs::read_to_string(latest.join("run.json")).unwrap();
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        let log = fs::read_to_string(latest.join("nodes/n1.log")).unwrap();
        let snapshots = log.matches("snapshot_taken").count();
        let (replayed, _) = expect(0, folder.path(), &["replay", "results/latest"]);
        assert!(!replayed.is_empty());
        (said, manifest["plan"]["settings"].clone(), snapshots)
    };
    let (usual, settings, few) = run(&[], "usual");
    assert_eq!(settings["snapshot-threshold"], 100);
    assert!(!usual.contains("settings"), "{usual}");
    let (other, settings, many) = run(&["snapshot-threshold=10", "heartbeat-ms=20"], "other");
    assert_eq!(settings["snapshot-threshold"], 10);
    assert_eq!(
        settings["election-timeout-min-ms"], 150,
        "all of them are kept"
    );
    assert!(
        other.contains("heartbeat-ms=20, snapshot-threshold=10"),
        "{other}"
    );
    assert!(many > 2 * few.max(1), "{many} {few}");
    let (listed, _) = expect(0, folder.path(), &["list", "targets"]);
    assert!(
        listed.contains("--set snapshot-threshold=100 (1 to 1000000000)"),
        "{listed}"
    );
}

#[test]
fn a_mutant_that_the_workload_cannot_show_is_said() {
    let folder = scratch();
    let arguments = [
        "run",
        "--mutant",
        "write-skew",
        "--time-limit",
        "3",
        "--nemesis",
        "none",
    ];
    let (said, _) = expect(0, folder.path(), &arguments);
    assert!(
        said.contains("write-skew cannot show itself in register"),
        "{said}"
    );
    let verdict = fs::read_to_string(folder.path().join("results/latest/verdict.json")).unwrap();
    assert!(verdict.contains("cannot show itself"), "{verdict}");
}

#[test]
fn messages_that_multiply_end_the_run_and_it_replays() {
    let folder = scratch();
    let (printed, _) = expect(1, folder.path(), &["run", "--mutant", "ack-storm"]);
    for part in [
        "INVALID",
        "message-storm",
        "Heartbeat: ",
        "Ack: ",
        "in the one before",
    ] {
        assert!(printed.contains(part), "no {part} in\n{printed}");
    }
    let (printed, _) = expect(1, folder.path(), &["replay", "results/latest"]);
    assert!(printed.contains("byte for byte"), "{printed}");
}

#[test]
fn a_claim_to_serve_again_knows_how_long_elections_may_take() {
    let folder = scratch();
    let mut arguments = vec!["run", "--seed", "3"];
    for set in [
        "election-timeout-min-ms=20000",
        "election-timeout-max-ms=30000",
    ] {
        arguments.extend(["--set", set]);
    }
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_rupture"))
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_ne!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
