//! Controllers that are killed or interrupted in the middle of faults.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::{left, runs, rupture, scratch, texts};

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

/// When the last event of the history was, and whether the history is whole but for a cut last line.
fn last_event_ns(run: &Path) -> u64 {
    let history = fs::read_to_string(run.join("history.jsonl")).unwrap();
    let whole = history.rfind('\n').map_or("", |end| &history[..end]);
    let last = whole.lines().last().unwrap_or("{\"time\":0}");
    let event: serde_json::Value = serde_json::from_str(last).expect("a whole line");
    event["time"].as_u64().unwrap()
}

/// Kills a controller at some moment, and holds what it left against what it promised.
fn kill_once(number: u64, after: Duration) {
    let folder = scratch();
    let mut child = start(folder.path(), number);
    let begun = Instant::now();
    thread::sleep(after);
    child.kill().unwrap();
    let lived = begun.elapsed();
    child.wait().unwrap();
    let run = &runs(folder.path())[0];
    // The history ends at most 100 ms before the controller did; it began a little after the process.
    let last = Duration::from_nanos(last_event_ns(run));
    let set_up = Duration::from_millis(1_500);
    assert!(
        last + Duration::from_millis(100) + set_up > lived,
        "the last event is of {last:?}, the controller lived for {lived:?}"
    );
    let (code, told) = heal(folder.path(), run);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(left(run), Vec::<String>::new(), "{told}");
    // It can be done again, and says the same.
    assert_eq!(heal(folder.path(), run).0, Some(0));
    assert!(folder.path().join("results/latest/run.json").is_file());
}

/// A moment between two and three seconds, different for each number: most fall into a fault or its undoing.
fn moment(number: u64) -> Duration {
    Duration::from_millis(2_000 + number * 617 % 1_000)
}

#[test]
fn a_killed_controller_loses_little_and_what_it_left_is_taken_away() {
    for number in 0..3 {
        kill_once(number, moment(number));
    }
}

#[test]
#[ignore = "four minutes"]
fn a_controller_is_killed_a_hundred_times() {
    thread::scope(|scope| {
        for lane in 0..4 {
            scope.spawn(move || {
                (lane..100)
                    .step_by(4)
                    .for_each(|it| kill_once(it, moment(it)));
            });
        }
    });
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
