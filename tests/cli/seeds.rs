//! A search of seeds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::{expect, result_folder, scratch};

/// A search that finds something now and then, and takes some minutes.
const LONG: [&str; 8] = [
    "run",
    "--seeds",
    "0..100000",
    "--mutant",
    "stale-read",
    "--time-limit",
    "8",
    "--keep=1",
];

/// Starts a search and waits until its index names a failure, a seed that is valid, and a few more.
fn start(folder: &TempDir, arguments: &[&str]) -> (Child, PathBuf) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rupture"))
        .args(arguments)
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let index = (0..1_200).find_map(|_| {
        std::thread::sleep(Duration::from_millis(50));
        if !folder.path().join("results").is_dir() {
            return None;
        }
        let search = folder.path().join(result_folder(folder, "-seeds"));
        let index = search.join("index.jsonl");
        let text = fs::read_to_string(&index).unwrap_or_default();
        let is_both = text.contains("recorded") && text.contains("\"verdict\":\"valid\"");
        (is_both && text.lines().count() > 3).then_some(index)
    });
    let Some(index) = index else {
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("no failure was found within a minute");
    };
    (child, index)
}

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// The verdicts that an index names, by seed. No seed has two.
fn verdicts(index: &Path) -> BTreeMap<u64, String> {
    let mut verdicts = BTreeMap::new();
    for line in fs::read_to_string(index).unwrap().lines() {
        let line: Value = serde_json::from_str(line).expect("an object a line");
        if let Some(verdict) = line["verdict"].as_str() {
            let seed = line["seed"].as_u64().unwrap();
            let twice = verdicts.insert(seed, verdict.to_owned());
            assert_eq!(twice, None, "seed {seed} ran twice");
        }
    }
    verdicts
}

#[test]
fn a_killed_search_loses_nothing_and_goes_on() {
    let folder = scratch();
    let (mut child, index) = start(&folder, &LONG);
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let before = verdicts(&index);
    let failing: Vec<u64> = before
        .iter()
        .filter(|(_, v)| *v != "valid")
        .map(|(s, _)| *s)
        .collect();
    assert!(
        before.len() > failing.len(),
        "valid seeds leave a line as well"
    );
    assert!(
        printed.contains(&format!("  seed {}: ", failing[0])),
        "{printed}"
    );
    // The line that was being written, and a run that was being recorded.
    let mut text = fs::read_to_string(&index).unwrap();
    text.push_str("{\"seed\":9999");
    fs::write(&index, &text).unwrap();
    let search = index.parent().unwrap();
    let half = search.join(format!("seed-{}", failing[0]));
    let _ = fs::remove_file(half.join("verdict.json"));

    let search = search.to_str().unwrap();
    let last = before.len() + 5;
    let seeds = format!("0..{last}");
    let resume = [
        "run", "--resume", search, "--seeds", &seeds, "--json", "--keep", "all",
    ];
    let (printed, complaint) = expect(1, folder.path(), &resume);
    assert!(complaint.contains("were done before"), "{complaint}");
    let text = fs::read_to_string(&index).unwrap();
    fs::write(&index, text.replace("{\"seed\":9999\n", "")).unwrap();
    let after = verdicts(&index);
    assert!((0..last as u64).all(|seed| after.contains_key(&seed)));
    assert!(before.iter().all(|(seed, verdict)| after[seed] == *verdict));
    let summary: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(summary["done"], last);
    for failure in summary["failures"].as_array().unwrap() {
        assert_eq!(failure["anomalies"][0], "nonlinearizable", "{failure}");
        let run = failure["folder"].as_str().expect("--keep all");
        assert!(Path::new(run).join("verdict.json").exists(), "{run}");
    }

    // Another plan or another version does not go on with it.
    let other = ["run", "--resume", search, "--time-limit", "9"];
    let (_, complaint) = expect(254, folder.path(), &other);
    assert!(
        complaint.contains("time_limit_ms was 8000 and is 9000"),
        "{complaint}"
    );
    let same = [
        "run",
        "--resume",
        search,
        "--mutant",
        "stale-read",
        "--time-limit",
        "8",
    ];
    let (printed, _) = expect(
        1,
        folder.path(),
        &[&same[..], &["--seeds", &seeds]].concat(),
    );
    assert!(
        printed.contains(&format!("{last} of {last} seeds were done before")),
        "{printed}"
    );
    let manifest = Path::new(search).join("search.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace(env!("CARGO_PKG_VERSION"), "0.0.1")).unwrap();
    let (_, complaint) = expect(254, folder.path(), &resume);
    assert!(complaint.contains("0.0.1"), "{complaint}");
    expect(254, folder.path(), &["run", "--resume", "absent"]);
    expect(
        254,
        folder.path(),
        &["run", "--resume", search, "--seed", "3"],
    );
}

#[test]
fn signals_end_a_search_with_what_it_knows() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let folder = scratch();
        let (child, index) = start(&folder, &LONG);
        // A second search in the same folder would run seeds twice.
        let search = index.parent().unwrap().to_str().unwrap();
        let (_, complaint) = expect(254, folder.path(), &["run", "--resume", search]);
        assert!(complaint.contains("another process"), "{complaint}");
        send(&child, signal);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{signal:?}");
        let printed = String::from_utf8(output.stdout).unwrap();
        let done = verdicts(&index).len();
        for words in [
            &format!("{done} of 100000 seeds: "),
            "interrupted",
            "--resume results/",
        ] {
            assert!(
                printed.contains(words),
                "{signal:?}: no {words} in {printed}"
            );
        }
    }
    let folder = scratch();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rupture"));
    let run = ["run", "--time-limit", "1h", "--rate", "2000", "--json"];
    let child = command
        .args(run)
        .current_dir(folder.path())
        .stdout(Stdio::piped());
    let child = child.stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    send(&child, Signal::TERM);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(verdict["interrupted"], true);
}

#[test]
fn as_many_failures_are_kept_as_were_asked_for_and_the_rest_is_counted() {
    let folder = scratch();
    let search = |keep: &str, name: &str| {
        let (printed, _) = expect(
            1,
            folder.path(),
            &[
                "run",
                "--seeds",
                "0..12",
                "--mutant",
                "stale-read",
                "--time-limit",
                "8",
                "--keep",
                keep,
                "--name",
                name,
            ],
        );
        let runs = fs::read_dir(
            folder
                .path()
                .join(result_folder(&folder, &format!("{name}/"))),
        )
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().join("verdict.json").exists())
        .count();
        (printed, runs)
    };
    let (printed, all) = search("all", "everything");
    assert!(all >= 2 && !printed.contains("not recorded"), "{printed}");
    expect(1, folder.path(), &["replay", "results/latest"]);
    let (printed, none) = search("0", "nothing");
    let words = format!("{all} of {all} seeds that are not valid were not recorded");
    assert!(none == 0 && printed.contains(&words), "{printed}");
    let (printed, one) = search("1", "one");
    assert!(
        one >= 1 && printed.contains("were not recorded"),
        "{printed}"
    );
}

#[test]
fn a_search_ends_at_its_first_anomaly_when_asked() {
    let folder = scratch();
    let begun = [&LONG[..7], &["--fail-fast"]].concat();
    let (printed, _) = expect(1, folder.path(), &begun);
    assert!(printed.contains("ended at the first anomaly"), "{printed}");
    let index = folder
        .path()
        .join(result_folder(&folder, "-seeds"))
        .join("index.jsonl");
    let verdicts = verdicts(&index);
    let first = verdicts
        .iter()
        .find(|(_, verdict)| *verdict == "invalid")
        .unwrap()
        .0;
    assert!(
        (0..*first).all(|seed| verdicts.contains_key(&seed)),
        "{verdicts:?}"
    );
    for alone in ["--fail-fast", "--keep=3"] {
        let (_, complaint) = expect(254, folder.path(), &["run", alone]);
        assert!(complaint.contains("belong to a search"), "{complaint}");
    }
}

#[test]
fn the_highest_seed_is_the_last_one() {
    let folder = scratch();
    for (arguments, seeds) in [
        (
            &["--seeds", "18446744073709551613..18446744073709551615"][..],
            2,
        ),
        (
            &["--seeds", "18446744073709551613..=18446744073709551615"],
            3,
        ),
        (&["--seed", "18446744073709551615", "--test-count", "1"], 1),
    ] {
        let run = ["run", "--time-limit", "3", "--nemesis", "none", "--json"];
        let (printed, _) = expect(0, folder.path(), &[&run[..], arguments].concat());
        let summary: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(
            (&summary["done"], &summary["seeds"]),
            (&seeds.into(), &seeds.into())
        );
    }
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
