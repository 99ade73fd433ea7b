//! Files that are read and written: what they may be, and what happens when they cannot.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::{INVALID, VALID, expect, scratch, write};

/// Longer than anything that is bounded may take.
const SOON: Duration = Duration::from_secs(20);

fn pipe(folder: &TempDir, name: &str) {
    let path = folder.path().join(name);
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}

#[test]
fn an_output_never_takes_the_place_of_what_is_read() {
    let folder = scratch();
    let at = |name: &str| folder.path().join(name);
    write(&folder, "history.edn", VALID);
    write(&folder, "run.json", "{}");
    symlink(at("history.edn"), at("link")).unwrap();
    fs::hard_link(at("history.edn"), at("twin")).unwrap();
    fs::create_dir(at("sub")).unwrap();
    let outputs = [
        "history.edn",
        "./history.edn",
        "sub/../history.edn",
        "link",
        "twin",
        "run.json",
    ];
    for option in ["--witness", "--dot"] {
        for output in outputs {
            for history in ["history.edn", "link", "twin"] {
                let arguments = ["check", option, output, history];
                let (printed, complaint) = expect(254, folder.path(), &arguments);
                assert!(
                    complaint.contains("which is read"),
                    "{arguments:?}: {complaint}"
                );
                assert_eq!(printed, "", "nothing was judged");
            }
        }
    }
    // Nor of what the shell reads for us.
    let status = Command::new(env!("CARGO_BIN_EXE_rupture"))
        .args(["check", "--witness", "link", "-"])
        .current_dir(folder.path())
        .stdin(File::open(at("history.edn")).unwrap())
        .stderr(Stdio::null())
        .status();
    assert_eq!(status.unwrap().code(), Some(254));
    assert_eq!(fs::read_to_string(at("history.edn")).unwrap(), VALID);
    assert_eq!(fs::read_to_string(at("run.json")).unwrap(), "{}");
    let both = [
        "check",
        "--dot",
        "new",
        "--witness",
        "sub/../new",
        "history.edn",
    ];
    let (_, complaint) = expect(254, folder.path(), &both);
    assert!(
        complaint.contains("--witness and --dot both name"),
        "{complaint}"
    );
    assert!(!at("new").exists());
}

#[test]
fn an_output_belongs_to_its_verdict() {
    let folder = scratch();
    let at = |name: &str| folder.path().join(name);
    write(&folder, "valid.edn", VALID);
    write(&folder, "invalid.edn", INVALID);
    write(&folder, "witness", "old");
    symlink(at("witness"), at("link")).unwrap();
    expect(
        0,
        folder.path(),
        &["check", "--witness", "link", "valid.edn"],
    );
    let witness = fs::read_to_string(at("witness")).unwrap();
    assert!(witness.contains("\"write\""), "{witness}");
    assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
    let (printed, _) = expect(
        1,
        folder.path(),
        &["check", "--witness", "witness", "invalid.edn"],
    );
    assert!(printed.contains("was removed"), "{printed}");
    assert!(!at("witness").exists());
    write(&folder, "graph", "old");
    expect(0, folder.path(), &["check", "--dot", "graph", "valid.edn"]);
    assert!(!at("graph").exists());
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn a_path_without_a_history_leaves_the_others_judged() {
    let folder = scratch();
    write(&folder, "valid.edn", VALID);
    write(&folder, "invalid.edn", INVALID);
    write(&folder, "broken.edn", "{:process 0, :type :what}");
    fs::create_dir(folder.path().join("empty")).unwrap();
    let check = [
        "check",
        "absent.edn",
        "valid.edn",
        "broken.edn",
        "empty",
        "invalid.edn",
    ];
    let (printed, complaint) = expect(254, folder.path(), &check);
    assert!(printed.contains("valid.edn: valid"), "{printed}");
    assert!(printed.contains("invalid.edn: INVALID"), "{printed}");
    for problem in ["absent.edn", "broken.edn:1:", "no history file"] {
        assert!(complaint.contains(problem), "{complaint}");
    }
    let (printed, _) = expect(254, folder.path(), &[&check[..], &["--json"]].concat());
    let lines: Vec<Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object a line"))
        .collect();
    let files: Vec<&str> = lines
        .iter()
        .map(|line| line["file"].as_str().unwrap())
        .collect();
    assert_eq!(files, check[1..]);
    let errors: Vec<bool> = lines.iter().map(|line| line["error"].is_string()).collect();
    assert_eq!(errors, [true, false, true, true, false]);
    assert_eq!(lines[4]["valid"], false);
}

#[test]
fn nothing_that_is_read_hangs_or_has_no_end() {
    let folder = scratch();
    let at = |name: &str| folder.path().join(name);
    pipe(&folder, "pipe");
    let _socket = UnixListener::bind(at("socket")).unwrap();
    let sparse = File::create(at("sparse.edn")).unwrap();
    sparse.set_len(1 << 42).unwrap();
    let start = Instant::now();
    for (path, code, why) in [
        ("/dev/zero", 2, ""),
        ("/dev/urandom", 2, ""),
        ("/dev/null", 2, ""),
        ("pipe", 254, "nobody writes to it"),
        ("socket", 254, "a socket"),
        ("sparse.edn", 2, ""),
    ] {
        let check = ["check", "--model", "register", "--memory", "100MB", path];
        let (printed, complaint) = expect(code, folder.path(), &check);
        assert!(complaint.contains(why), "{path}: {printed}{complaint}");
    }
    let (printed, _) = expect(2, folder.path(), &["check", "/dev/zero"]);
    assert!(printed.contains("no text"), "{printed}");
    // Nor does what lies beside a history.
    fs::create_dir_all(at("run/nodes")).unwrap();
    fs::write(at("run/history.edn"), VALID).unwrap();
    pipe(&folder, "run/run.json");
    expect(0, folder.path(), &["check", "run"]);
    for (option, path) in [
        ("--nodes-file", "/dev/zero"),
        ("--nemesis-script", "/dev/urandom"),
        ("--nemesis-script", "pipe"),
        ("--nodes-file", "socket"),
        ("--nemesis-script", "run"),
    ] {
        let (_, complaint) = expect(254, folder.path(), &["run", option, path]);
        assert!(
            complaint.contains(&format!("cannot read `{path}`")),
            "{complaint}"
        );
    }
    for manifest in ["/dev/zero", "/dev/null", "/"] {
        fs::remove_file(at("run/run.json")).unwrap();
        symlink(manifest, at("run/run.json")).unwrap();
        expect(254, folder.path(), &["replay", "run"]);
    }
    assert!(start.elapsed() < SOON);
}

#[test]
fn a_pipe_is_read_to_its_end_and_within_its_bounds() {
    let folder = scratch();
    pipe(&folder, "pipe");
    let path = folder.path().join("pipe");
    let judge = |text: String, times: usize, arguments: &[&str], code: i32| {
        let path = path.clone();
        let writer = std::thread::spawn(move || {
            let mut pipe = OpenOptions::new().write(true).open(path).unwrap();
            // Whoever stops to read ends the writing.
            (0..times).try_for_each(|_| pipe.write_all(text.as_bytes()))
        });
        let arguments = [&["check", "--model", "register", "pipe"], arguments].concat();
        let (printed, _) = expect(code, folder.path(), &arguments);
        let _ = writer.join();
        printed
    };
    judge(VALID.to_owned(), 1, &[], 0);
    let printed = judge("\n".repeat(1 << 16), 1_000, &["--memory", "20MB"], 2);
    assert!(printed.contains("out of memory"), "{printed}");
    // A writer that says nothing is not waited for longer than the file may take.
    let _silent = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    let check = ["check", "--model", "register", "--timeout", "300ms", "pipe"];
    let (printed, _) = expect(2, folder.path(), &check);
    assert!(printed.contains("out of time"), "{printed}");
}

#[test]
fn what_was_asked_for_and_not_written_is_a_failure_and_no_verdict() {
    let folder = scratch();
    write(&folder, "valid.edn", VALID);
    write(&folder, "invalid.edn", INVALID);
    pipe(&folder, "pipe");
    for output in ["/dev/full", "absent/witness", ".", "pipe"] {
        let check = ["check", "--witness", output, "valid.edn"];
        let (printed, complaint) = expect(255, folder.path(), &check);
        assert!(printed.contains(": valid"), "{printed}");
        assert!(
            complaint.contains(&format!("cannot write `{output}`")),
            "{complaint}"
        );
        let (printed, _) = expect(255, folder.path(), &[&check[..], &["--json"]].concat());
        let line: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(line["valid"], true);
        assert!(line["error"].is_string(), "{printed}");
    }
    let skew = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/write-skew.edn");
    let skew = skew.to_str().unwrap();
    let (printed, _) = expect(255, folder.path(), &["check", "--dot", "/dev/full", skew]);
    assert!(printed.contains("write-skew"), "{printed}");
    // The screen itself.
    for arguments in [
        &["check", "valid.edn"][..],
        &["check", "invalid.edn"],
        &["check", "--json", "valid.edn"],
        &["list"],
        &["list", "--json"],
        &["help"],
        &["run", "--time-limit", "2"],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let status = Command::new(env!("CARGO_BIN_EXE_rupture"))
            .args(arguments)
            .current_dir(folder.path())
            .stdout(full)
            .stderr(Stdio::null())
            .status();
        assert_eq!(status.unwrap().code(), Some(255), "{arguments:?}");
    }
}
