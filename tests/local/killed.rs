//! Controllers that are killed or interrupted in the middle of faults.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, kill_process};

use crate::{alone, left, runs, rupture, scratch, texts};

fn start(folder: &Path, number: u64) -> Child {
    rupture(folder)
        .args([
            "run",
            "--world",
            "local",
            "--nodes",
            "3",
            "--time-limit",
            "20",
        ])
        .args([
            "--nemesis",
            "pause,kill,partition",
            "--nemesis-interval",
            "0.2",
        ])
        .args(["--seed", &number.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs")
}

fn heal(folder: &Path, run: &Path) -> (Option<i32>, String) {
    let output = rupture(folder).arg("heal").arg(run).output().unwrap();
    let (stdout, stderr) = texts(&output);
    (output.status.code(), stdout + &stderr)
}

/// How long before this moment the history was written to for the last time; it is whole but for a cut last line.
fn silent_before(run: &Path, moment: SystemTime) -> Duration {
    let path = run.join("history.jsonl");
    let history = fs::read_to_string(&path).unwrap();
    let whole = history.rfind('\n').map_or("", |end| &history[..end]);
    assert!(whole.lines().count() > 100, "the run had hardly begun");
    for line in whole.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("a whole line");
    }
    let written = fs::metadata(&path).unwrap().modified().unwrap();
    moment.duration_since(written).unwrap_or_default()
}

/// Kills a controller at some moment, and holds what it left against what it promised. Gives how much of the history may
/// be gone.
fn kill_once(number: u64, after: Duration) -> Duration {
    let folder = scratch();
    let mut child = start(folder.path(), number);
    thread::sleep(after);
    let moment = SystemTime::now();
    child.kill().unwrap();
    child.wait().unwrap();
    let run = &runs(folder.path())[0];
    // Operations come every five milliseconds.
    let silent = silent_before(run, moment);
    let (code, told) = heal(folder.path(), run);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(left(run), Vec::<String>::new(), "{told}");
    // It can be done again, and says the same.
    assert_eq!(heal(folder.path(), run).0, Some(0));
    assert!(folder.path().join("results/latest/run.json").is_file());
    silent
}

/// A moment between two and three seconds, different for each number: most fall into a fault or its undoing.
fn moment(number: u64) -> Duration {
    Duration::from_millis(2_000 + number * 617 % 1_000)
}

/// How long a machine that is busy with other tests may keep a controller from writing.
const BUSY: Duration = Duration::from_millis(150);

#[test]
fn a_killed_controller_loses_little_and_what_it_left_is_taken_away() {
    for number in 0..3 {
        let silent = kill_once(number, moment(number));
        assert!(silent < Duration::from_millis(100) + BUSY, "{silent:?}");
    }
}

#[test]
#[ignore = "six minutes"]
fn a_controller_is_killed_a_hundred_times() {
    let _alone = alone();
    let mut silent: Vec<Duration> = (0..100).map(|it| kill_once(it, moment(it))).collect();
    silent.sort();
    println!(
        "silent before the kill: median {:?}, longest {:?}",
        silent[50], silent[99]
    );
    assert!(
        silent[99] < Duration::from_millis(100) + BUSY,
        "{:?}",
        silent[99]
    );
    assert!(silent[90] < Duration::from_millis(100), "{:?}", silent[90]);
}

#[test]
fn an_interrupted_run_undoes_its_faults_and_says_what_it_knows() {
    let folder = scratch();
    let child = start(folder.path(), 7);
    thread::sleep(Duration::from_millis(2_500));
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let begun = Instant::now();
    let output = child.wait_with_output().unwrap();
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{stdout}{stderr}");
    assert!(stdout.contains("interrupted"), "{stdout}");
    assert!(begun.elapsed() < Duration::from_secs(15));
    assert_eq!(left(&runs(folder.path())[0]), Vec::<String>::new());
}

/// A node that stands still reads no orders: many of them must hold up nobody.
#[test]
fn orders_for_a_node_that_stands_still_hold_up_nobody() {
    let folder = scratch();
    let script = "at 1s clock strobe 50ms every 2ms all for 6s\nat 1500ms pause one for 5s\n";
    fs::write(folder.path().join("faults"), script).unwrap();
    let output = rupture(folder.path())
        .args([
            "run",
            "--world",
            "local",
            "--nodes",
            "3",
            "--time-limit",
            "8",
        ])
        .args(["--nemesis-script", "faults"])
        .output()
        .unwrap();
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
}

#[test]
fn nothing_is_healed_under_a_run_that_goes_on() {
    let folder = scratch();
    let mut child = start(folder.path(), 1);
    thread::sleep(Duration::from_millis(1_500));
    let (code, told) = heal(folder.path(), &folder.path().join("results/latest"));
    assert_eq!(code, Some(255), "{told}");
    assert!(told.contains("still goes on"), "{told}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(
        heal(folder.path(), &folder.path().join("results/latest")).0,
        Some(0)
    );
}
