//! Holds the code against the map of ARCHITECTURE.md: which crate knows which, and what each must never do.

#[path = "architecture/circles.rs"]
mod circles;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, MetadataCommand};
use circles::{Arrow, Modules, circles};

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

/// Crates that own worlds beyond the simulator, and those that reach them.
const WORLDLY: &[&str] = &["rupture", "rupture-targets", "rupture-nemesis"];

/// Where those worlds live: a node as a process, and processes on this machine.
const WORLDS: &[&str] = &[
    "targets/src/node.rs",
    "targets/src/node",
    "targets/src/local.rs",
    "targets/src/local",
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

/// The root files of all crates, and of the larger benches.
const ROOTS: &[&str] = &[
    "src/lib.rs",
    "checkers/history/src/lib.rs",
    "checkers/src/lib.rs",
    "workloads/src/lib.rs",
    "nemesis/src/lib.rs",
    "targets/src/lib.rs",
    "targets/protocols/src/lib.rs",
    "benches/compare/main.rs",
];

/// Arrows between modules that may close a circle: the root file, who uses whom, and why it is so.
const KNOTS: &[(&str, &str, &str, &str)] = &[
    (
        "src/lib.rs",
        "cli",
        "verbs",
        "a verb is handed its arguments, which the command line declares, and the command line starts the verb",
    ),
    (
        "src/lib.rs",
        "verbs::run",
        "verbs::seeds",
        "`run` with several seeds is a search, and each seed of a search is a run",
    ),
    (
        "checkers/history/src/lib.rs",
        "event",
        "process",
        "an event says who did it, and who is a client shows in the events",
    ),
    (
        "checkers/history/src/lib.rs",
        "history",
        "codec",
        "an event prints itself as EDN, and codecs make histories",
    ),
    (
        "checkers/history/src/lib.rs",
        "value",
        "codec",
        "a value prints itself as EDN",
    ),
    (
        "checkers/history/src/lib.rs",
        "value_ref",
        "codec",
        "a value prints itself as EDN",
    ),
    (
        "checkers/history/src/lib.rs",
        "operation",
        "history",
        "operations are rows of a history, which pairs its rows to operations",
    ),
    (
        "targets/protocols/src/lib.rs",
        "raft",
        "raft",
        "Raft is one state machine, and its files are chapters of it",
    ),
    (
        "benches/compare/main.rs",
        "common",
        "common",
        "traffic of every kind of object, which the tests of the checkers share",
    ),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn metadata() -> cargo_metadata::Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        // Without the crates of others, of which a build fetches only those of its own platform.
        .no_deps()
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
    let pure = |(name, _): &&(&str, _)| !WORLDLY.contains(name);
    for (package, _) in ARROWS.iter().filter(pure) {
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
        let of_a_world = |file: &PathBuf| {
            let mut worlds = WORLDS.iter().map(|world| root().join(world));
            worlds.any(|world| file.starts_with(world))
        };
        let files = rust_files(&root().join(folder));
        for file in files.into_iter().filter(|file| !of_a_world(file)) {
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

#[test]
fn modules_form_no_circle() {
    let mut used = BTreeSet::new();
    for &file in ROOTS {
        let mut arrows = Modules::read(&root().join(file)).arrows();
        assert!(arrows.len() > 20, "too few arrows in {file}");
        let known = |arrow: &Arrow| {
            KNOTS.iter().position(|(of, from, to, _)| {
                *of == file && circles::within(&arrow.from, from) && circles::within(&arrow.to, to)
            })
        };
        // An exception that no circle needs any more is to be struck off the list.
        used.extend((0..KNOTS.len()).filter(|&at| {
            let alone = arrows
                .iter()
                .filter(|arrow| known(arrow).is_none_or(|other| other == at));
            let alone: Vec<Arrow> = alone.cloned().collect();
            KNOTS[at].0 == file && !circles(&alone).is_empty()
        }));
        arrows.retain(|arrow| known(arrow).is_none());
        let found = circles(&arrows);
        let found: Vec<String> = found
            .iter()
            .map(|circle| circle.iter().map(|arrow| format!("  {arrow}")).collect())
            .map(|lines: Vec<String>| lines.join("\n"))
            .collect();
        assert!(
            found.is_empty(),
            "circles among the modules of {file}; move what both need to a module of its own:\n{}",
            found.join("\nand\n")
        );
    }
    let idle = (0..KNOTS.len()).filter(|at| !used.contains(at));
    let idle: Vec<_> = idle.map(|at| &KNOTS[at]).collect();
    assert!(idle.is_empty(), "no circle needs these: {idle:?}");
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
