//! The command line as a user meets it: exit codes, error messages, results, replay.

mod arguments;
mod check;
mod doctor;
mod files;
mod input;
mod plans;
mod run;
mod schemas;
mod screen;
mod seeds;
mod stop;
mod told;

use std::fs;
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

/// A valid history of a register, and one that nothing explains.
const VALID: &str = "{:process 0, :type :invoke, :f :write, :value 1}\n\
                     {:process 0, :type :ok, :f :write, :value 1}\n";
const INVALID: &str = "{:process 0, :type :invoke, :f :write, :value 1}\n\
                       {:process 0, :type :ok, :f :write, :value 1}\n\
                       {:process 0, :type :invoke, :f :read, :value nil}\n\
                       {:process 0, :type :ok, :f :read, :value 2}\n";

/// Writes a file into a folder.
fn write(folder: &TempDir, name: &str, text: impl AsRef<[u8]>) {
    fs::write(folder.path().join(name), text).expect("a file is written");
}

/// The one folder below `results/` whose name has these words, as its path from the scratch folder.
fn result_folder(folder: &TempDir, words: &str) -> String {
    let results = folder.path().join("results");
    let names = fs::read_dir(results).expect("results").flatten();
    let runs = names.filter_map(|name| fs::read_dir(name.path()).ok());
    let paths = runs.flatten().flatten().map(|entry| entry.path());
    let found: Vec<_> = paths
        .filter(|path| path.to_string_lossy().contains(words))
        .filter(|path| !path.starts_with(folder.path().join("results/latest")))
        .collect();
    let [path] = &found[..] else {
        panic!("{words}: {found:?}");
    };
    let path = path.strip_prefix(folder.path()).expect("below the folder");
    path.to_string_lossy().into_owned()
}
