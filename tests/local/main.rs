//! Real processes on this machine: runs that pass and fail, controllers that are killed, and machines that refuse. Only
//! Linux tells of processes what these tests ask.
#![cfg(target_os = "linux")]

mod killed;
mod mutants;
mod refused;
mod runs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

fn rupture(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rupture"));
    command.current_dir(folder).env("NO_COLOR", "1");
    command
}

/// Long hunts go one after the other: each takes what the machine has.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn scratch() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Runs a cluster of processes, expects the exit code, and gives what was printed and what was complained about.
fn expect(code: i32, folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = rupture(folder)
        .args(["run", "--world", "local"])
        .args(arguments)
        .output()
        .expect("the binary runs");
    let (stdout, stderr) = texts(&output);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}\n{stdout}\n{stderr}"
    );
    (stdout, stderr)
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// The folders of all runs below `results/`.
fn runs(folder: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(folder.join("results")).expect("results");
    let names = names.flatten().filter(|it| it.file_name() != "latest");
    let runs = names.filter_map(|name| fs::read_dir(name.path()).ok());
    runs.flatten().flatten().map(|it| it.path()).collect()
}

/// What a run has left: processes that carry its mark, and its folder of data.
fn left(run: &Path) -> Vec<String> {
    let undo = fs::read_to_string(run.join("undo.jsonl")).unwrap_or_default();
    let mark = undo.split("\"mark\":\"").nth(1);
    let mark = mark.and_then(|it| it.split('"').next()).unwrap_or_default();
    let mut left = Vec::new();
    if !mark.is_empty() {
        let wanted = format!("RUPTURE_RUN={mark}");
        for entry in fs::read_dir("/proc").expect("/proc").flatten() {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let mut variables = environment.split(|byte| *byte == 0);
            if variables.any(|it| it == wanted.as_bytes()) {
                left.push(entry.path().display().to_string());
            }
        }
    }
    if run.join("data").exists() {
        left.push(run.join("data").display().to_string());
    }
    left
}
