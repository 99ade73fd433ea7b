//! `rupture check`, stopped by a signal.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::{scratch, write};

const EASY: &str = "{:process 0, :type :invoke, :f :push, :value 1}\n\
                    {:process 0, :type :ok, :f :push, :value 1}\n";

/// A stack that no search decides in minutes: everything overlaps, values repeat, and at the end pops come out in an
/// order that nothing explains.
pub(crate) fn hard() -> String {
    let mut text = String::new();
    let mut event = |process: usize, kind: &str, f: &str, value: Option<usize>| {
        let value = value.map_or("nil".to_owned(), |value| value.to_string());
        writeln!(
            text,
            "{{:process {process}, :type :{kind}, :f :{f}, :value {value}}}"
        )
        .unwrap();
    };
    (0..24).for_each(|n| event(n, "invoke", "push", Some(n % 5)));
    (0..24).for_each(|n| event(100 + n, "invoke", "pop", None));
    (0..24).for_each(|n| event(n, "ok", "push", Some(n % 5)));
    (0..22).for_each(|n| event(100 + n, "ok", "pop", Some(n % 5)));
    for value in [1000, 1001, 1002] {
        event(300, "invoke", "push", Some(value));
        event(300, "ok", "push", Some(value));
    }
    for value in [1001, 1002, 1000] {
        event(300, "invoke", "pop", None);
        event(300, "ok", "pop", Some(value));
    }
    text
}

fn start(folder: &TempDir, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_rupture"))
        .args(["check", "--model", "stack"])
        .args(arguments)
        .current_dir(folder.path())
        .env("NO_COLOR", "1")
        .env("RAYON_NUM_THREADS", "2")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[test]
fn a_verdict_is_printed_when_it_is_known_and_a_signal_leaves_the_rest_unknown() {
    let folder = scratch();
    write(&folder, "easy.edn", EASY);
    write(&folder, "hard.edn", hard());
    write(&folder, "harder.edn", hard());
    for (files, signal) in [
        (["easy.edn", "hard.edn", "harder.edn"], Signal::INT),
        (["hard.edn", "easy.edn", "harder.edn"], Signal::TERM),
    ] {
        let mut child = start(&folder, &files);
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        assert!(first.starts_with("easy.edn: valid"), "{first}");
        // `timeout` sends it twice.
        send(&child, signal);
        std::thread::sleep(Duration::from_millis(20));
        send(&child, signal);
        let mut rest = String::new();
        lines.read_to_string(&mut rest).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(2), "{rest}");
        for file in ["hard.edn: unknown", "harder.edn: unknown"] {
            assert!(rest.contains(file), "{rest}");
        }
        assert_eq!(rest.matches("interrupted").count(), 2, "{rest}");
        assert!(!rest.contains("out of time"), "{rest}");

        let child = start(&folder, &[&files[..], &["--json"]].concat());
        std::thread::sleep(Duration::from_millis(700));
        send(&child, signal);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let lines: Vec<Value> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).expect("an object a line"))
            .collect();
        assert_eq!(lines.len(), 3);
        for (line, file) in lines.iter().zip(files) {
            assert_eq!(line["file"], file);
            let easy = file == "easy.edn";
            assert_eq!(line["valid"] == true, easy, "{line}");
            let reason = line["reasons"][0].as_str().unwrap_or_default();
            assert_eq!(reason.starts_with("interrupted"), !easy, "{line}");
        }
    }
}

#[test]
fn a_signal_ends_the_wait_for_a_history() {
    let folder = scratch();
    let mut child = start(&folder, &["-"]);
    // Held open: nobody writes, and nobody closes.
    let stdin = child.stdin.take();
    std::thread::sleep(Duration::from_millis(300));
    send(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    assert_eq!(output.status.code(), Some(2));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        printed.contains("interrupted before the file was read"),
        "{printed}"
    );
}
