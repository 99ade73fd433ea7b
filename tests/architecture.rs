//! Holds the code against the map of ARCHITECTURE.md: which crate knows which, and what each must never do.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// The arrows of the design, and no others.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "rupture",
        &[
            "rupture-nemesis",
            "rupture-protocols",
            "rupture-targets",
            "rupture-workloads",
        ],
    ),
    ("rupture-workloads", &["rupture-checkers"]),
    ("rupture-checkers", &["rupture-history"]),
    ("rupture-nemesis", &["rupture-history", "rupture-targets"]),
    ("rupture-targets", &["rupture-history", "rupture-protocols"]),
    ("rupture-history", &[]),
    ("rupture-protocols", &[]),
];

/// What a pure crate may not depend on, not even through others: runtimes, entropy, clocks, sockets.
const IMPURE: &[&str] = &[
    "tokio",
    "getrandom",
    "chrono",
    "mio",
    "socket2",
    "reqwest",
    "ssh2",
    "libc",
    "nix",
];

/// Folders of the pure crates' sources, and words that betray a clock, a socket, a thread, the operating
/// system's entropy, an order that differs between runs, or a printed line.
const PURE_SOURCES: &[&str] = &[
    "checkers/history/src",
    "checkers/src",
    "workloads/src",
    "nemesis/src",
    "targets/src",
    "targets/protocols/src",
];
const FORBIDDEN: &[&str] = &[
    "std::time",
    "std::net",
    "std::fs",
    "std::thread",
    "std::process",
    "std::env",
    "collections::HashMap",
    "collections::HashSet",
    "RandomState",
    "SystemTime",
    "Instant::now",
    "println!",
    "eprintln!",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn metadata() -> cargo_metadata::Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(vec!["--offline".into(), "--locked".into()])
        .exec()
        .expect("cargo metadata answers")
}

#[test]
fn the_arrows_between_crates_are_those_of_the_design() {
    let metadata = metadata();
    let found: BTreeMap<String, BTreeSet<String>> = metadata
        .workspace_packages()
        .iter()
        .map(|package| {
            let ours = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind == DependencyKind::Normal)
                .map(|dependency| dependency.name.clone())
                .filter(|name| name.starts_with("rupture"))
                .collect();
            (package.name.to_string(), ours)
        })
        .collect();
    let wanted: BTreeMap<String, BTreeSet<String>> = ARROWS
        .iter()
        .map(|(from, to)| {
            (
                (*from).to_owned(),
                to.iter().map(|t| (*t).to_owned()).collect(),
            )
        })
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn pure_crates_reach_no_runtime_clock_or_entropy() {
    for (package, _) in ARROWS.iter().filter(|(name, _)| *name != "rupture") {
        // What is really built for the package: the graph of `cargo metadata` also has what only tests switch on.
        let output = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--offline",
                "--locked",
                "--edges",
                "normal",
                "--prefix",
                "none",
            ])
            .args(["--format", "{lib}", "--package", package])
            .current_dir(root())
            .output()
            .expect("cargo tree answers");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let reached = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            reached.lines().count() > 3,
            "cargo tree says nothing of {package}: {reached}"
        );
        for name in reached.lines() {
            assert!(!IMPURE.contains(&name), "{package} reaches {name}");
        }
    }
}

#[test]
fn pure_sources_use_no_clock_socket_thread_or_unordered_map() {
    let mut found = Vec::new();
    for folder in PURE_SOURCES {
        for file in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&file).expect("a source file");
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for word in FORBIDDEN.iter().filter(|word| code.contains(**word)) {
                    found.push(format!("{}:{}: {word}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a source folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                // What only tests use may print.
                if path.file_name().is_none_or(|name| name != "tests") {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    assert!(!files.is_empty(), "no sources in {}", folder.display());
    files.sort();
    files
}
