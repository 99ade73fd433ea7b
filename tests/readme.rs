//! Runs what the README says: every command in a shell block, as written, with the binary of this build.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The commands of the README's shell blocks, without comments; a comment `# exits 1` names another exit code than 0.
fn commands() -> Vec<(String, i32)> {
    let text = fs::read_to_string(root().join("README.md")).expect("a README");
    let mut inside = false;
    let mut commands = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```sh";
            continue;
        }
        if inside && !line.trim_start().starts_with('#') && !line.trim().is_empty() {
            let (command, comment) = line.split_once(" #").unwrap_or((line, ""));
            let code = comment.trim().strip_prefix("exits ").and_then(|rest| {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                digits.parse().ok()
            });
            commands.push((command.trim().to_owned(), code.unwrap_or(0)));
        }
    }
    commands
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_command_of_the_readme_does_what_it_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // Paths in the README are those of a checkout.
    for name in ["tests", "docs", "plans"] {
        std::os::unix::fs::symlink(root().join(name), folder.path().join(name)).expect("a link");
    }
    let mut ran = 0;
    for (command, code) in commands() {
        let Some(arguments) = arguments_of(&command) else {
            // `cargo test` is what runs this test; everything else must be a command of ours.
            assert!(
                command.starts_with("cargo test"),
                "unknown command in the README: {command}"
            );
            continue;
        };
        let status = run(folder.path(), &arguments);
        assert_eq!(status, Some(code), "{command}");
        ran += 1;
    }
    assert!(ran >= 4, "the README shows {ran} commands");
}

/// The arguments after `rupture` or `cargo run --release --`.
fn arguments_of(command: &str) -> Option<Vec<String>> {
    let rest = command
        .strip_prefix("cargo run --release -- ")
        .or_else(|| command.strip_prefix("rupture "))?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

fn run(folder: &Path, arguments: &[String]) -> Option<i32> {
    let output = Command::new(env!("CARGO_BIN_EXE_rupture"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the binary runs");
    output.status.code()
}
