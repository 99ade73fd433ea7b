//! The command line as a user meets it: exit codes, error messages, results, replay.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

fn rupture(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rupture"));
    command
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env_remove("COLUMNS");
    command
}

fn scratch() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Runs the arguments, expects the exit code, and gives what was printed and what was complained about.
fn expect(code: i32, folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = rupture(folder)
        .args(arguments)
        .output()
        .expect("the binary runs");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}\n{stdout}\n{stderr}"
    );
    (stdout, stderr)
}

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
fn an_unwritable_results_folder_is_found_before_the_run() {
    let folder = scratch();
    fs::write(folder.path().join("file"), "").unwrap();
    let (printed, complaint) = expect(255, folder.path(), &["run", "--results", "file/results"]);
    assert!(complaint.contains("--results"), "{complaint}");
    assert!(!printed.contains("operations"), "{printed}");
}

#[test]
fn histories_that_prove_nothing_are_unknown() {
    let folder = scratch();
    fs::write(folder.path().join("empty.edn"), "").unwrap();
    fs::write(
        folder.path().join("info.edn"),
        "{:process 0, :type :invoke, :f :write, :value 1}\n{:process 0, :type :info, :f :write, :value 1}\n",
    )
    .unwrap();
    for file in ["empty.edn", "info.edn"] {
        let (printed, _) = expect(2, folder.path(), &["check", "--model", "register", file]);
        assert!(printed.contains("unknown"), "{printed}");
    }
}

#[test]
fn a_broken_file_is_named_with_line_and_column() {
    let folder = scratch();
    fs::write(
        folder.path().join("broken.edn"),
        "{:process 0, :type :invoke, :f :write, :value 1}\n{:process 0, :type :done, :f :write, :value 1}\n",
    )
    .unwrap();
    let (_, complaint) = expect(
        254,
        folder.path(),
        &["check", "--model", "register", "broken.edn"],
    );
    assert!(complaint.contains("broken.edn:2:"), "{complaint}");
    let (_, complaint) = expect(
        254,
        folder.path(),
        &["check", "--model", "register", "absent.edn"],
    );
    assert!(complaint.contains("absent.edn"), "{complaint}");
}

#[test]
fn a_model_is_guessed_only_where_it_is_certain() {
    let folder = scratch();
    let event = |kind: &str, f: &str, value: &str| {
        format!("{{:process 0, :type :{kind}, :f :{f}, :value {value}}}\n")
    };
    let history = |events: &[(&str, &str, &str)]| {
        events
            .iter()
            .map(|(k, f, v)| event(k, f, v))
            .collect::<String>()
    };
    let register = history(&[
        ("invoke", "write", "1"),
        ("ok", "write", "1"),
        ("invoke", "read", "nil"),
        ("ok", "read", "1"),
    ]);
    let keyed = history(&[
        ("invoke", "write", "[3 1]"),
        ("ok", "write", "[3 1]"),
        ("invoke", "read", "[3 nil]"),
        ("ok", "read", "[3 1]"),
    ]);
    for (text, words) in [
        (register, "register was guessed"),
        (keyed, "keys independent was guessed"),
    ] {
        fs::write(folder.path().join("history.edn"), text).unwrap();
        let (printed, _) = expect(0, folder.path(), &["check", "history.edn"]);
        assert!(printed.contains(words), "{printed}");
    }
    fs::write(folder.path().join("history.edn"), "").unwrap();
    expect(2, folder.path(), &["check", "history.edn"]);
    // Reads of accounts, of several keys at once, and a queue that may or may not promise its order.
    for text in [
        history(&[("invoke", "read", "nil"), ("ok", "read", "{0 10, 1 10}")]),
        history(&[
            ("invoke", "read", "[[:r 0 nil] [:r 1 nil]]"),
            ("ok", "read", "[[:r 0 1] [:r 1 nil]]"),
        ]),
        history(&[("invoke", "enqueue", "1"), ("ok", "enqueue", "1")]),
    ] {
        fs::write(folder.path().join("history.edn"), text).unwrap();
        let (_, complaint) = expect(254, folder.path(), &["check", "history.edn"]);
        assert!(complaint.contains("name it with --model"), "{complaint}");
    }
}

#[test]
fn settings_of_a_model_change_its_verdict() {
    let folder = scratch();
    let judge = |history: &str, code: i32, arguments: &[&str]| {
        fs::write(folder.path().join("history.edn"), history).unwrap();
        let arguments = [&["check", "history.edn", "--model"], arguments].concat();
        expect(code, folder.path(), &arguments);
    };
    // A second message that nobody polled, and one that was polled twice.
    let log = "{:process 0 :type :invoke :f :send :value [[:send :x 1] [:send :x 2]]}
        {:process 0 :type :ok :f :send :value [[:send :x [0 1]] [:send :x [1 2]]]}
        {:process 1 :type :invoke :f :poll :value [[:poll]]}
        {:process 1 :type :ok :f :poll :value [[:poll {:x [[0 1]]}]]}
        {:process 1 :type :invoke :f :poll :value [[:poll]]}
        {:process 1 :type :ok :f :poll :value [[:poll {:x [[0 1]]}]]}";
    judge(log, 1, &["log"]);
    judge(log, 0, &["log", "--allow", "nonmonotonic-poll"]);
    let both = ["log", "--allow", "nonmonotonic-poll", "--forbid", "unseen"];
    judge(log, 1, &both);
    // What process 0 delivered before it may have crashed, process 1 has not.
    let broadcast = "{:process 0 :type :invoke :f :broadcast :value 1}
        {:process 0 :type :ok :f :broadcast :value 1}
        {:process 0 :type :invoke :f :deliver :value nil}
        {:process 0 :type :ok :f :deliver :value 1}
        {:process 1 :type :invoke :f :deliver :value nil}";
    judge(broadcast, 2, &["broadcast"]);
    judge(broadcast, 1, &["broadcast", "--complete"]);
    let crashed = format!(
        "{broadcast}
        {{:process 1 :type :ok :f :deliver :value nil}}
        {{:process 0 :type :invoke :f :deliver :value nil}}
        {{:process 0 :type :info :f :deliver :value nil}}"
    );
    judge(&crashed, 0, &["broadcast"]);
    judge(&crashed, 1, &["broadcast", "--uniform"]);
}

#[test]
fn check_judges_what_a_real_etcd_answered() {
    let folder = scratch();
    let etcd = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/etcd_000.log");
    let etcd = etcd.to_str().unwrap();
    let (printed, _) = expect(
        1,
        folder.path(),
        &["check", "--model", "cas-register", "--json", etcd],
    );
    let line: Value = serde_json::from_str(printed.trim()).expect("one object a line");
    assert_eq!(line["valid"], Value::Bool(false));
    assert_eq!(line["model"], "cas-register");
    assert_eq!(line["consistency"], "linearizable");
    assert!(line["ops"].as_u64().unwrap() > 0);
    assert_eq!(line["anomalies"][0]["type"], "nonlinearizable");
    assert!(line["seconds"].is_number() && line["bytes_peak"].is_u64());
    assert!(
        line["not"]
            .as_array()
            .unwrap()
            .iter()
            .any(|level| level == "linearizable")
    );

    let (printed, _) = expect(1, folder.path(), &["check", etcd]);
    assert!(
        printed.contains("INVALID") && printed.contains('├'),
        "{printed}"
    );
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
fn many_seeds_end_with_the_commands_that_rerun_the_failing_ones() {
    let folder = scratch();
    let (printed, _) = expect(
        0,
        folder.path(),
        &["run", "--seeds", "0..4", "--time-limit", "5"],
    );
    assert!(printed.contains("4 of 4 seeds"), "{printed}");
    let (printed, _) = expect(
        1,
        folder.path(),
        &[
            "run",
            "--seeds",
            "0..4",
            "--mutant",
            "stale-read",
            "--time-limit",
            "20",
        ],
    );
    let rerun = printed
        .lines()
        .find(|line| line.contains("rupture run") && line.contains("--seed "))
        .unwrap_or_else(|| panic!("no command in\n{printed}"));
    let arguments: Vec<&str> = rerun
        .trim()
        .trim_start_matches("rupture ")
        .split_whitespace()
        .collect();
    expect(1, folder.path(), &arguments);
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
