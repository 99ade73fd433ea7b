//! The command line as a user meets it: exit codes, error messages, results, replay.

mod arguments;
mod check;
mod input;
mod run;
mod seeds;

use std::path::Path;

use assert_cmd::Command;
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
