//! What reaches the screen: data that would steer a terminal, and the width of one.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::{Value, json};

use crate::stop::hard;
use crate::{INVALID, expect, rupture, scratch, write};

/// Steers a terminal in every way there is: colours, a title, a control of eight bits, a direction, an invisible mark,
/// a faked line.
const HOSTILE: &str = "\u{1b}[31m\u{1b}]0;t\u{7}\u{9b}2J\u{7f}\u{202e}\u{2066}\u{200b}\u{e0041}\r\nx: valid\t\u{fdd0}";

fn is_harmless(text: &str) -> bool {
    let harmful = |c: char| {
        (c.is_control() && c != '\n') || "\u{202e}\u{2066}\u{200b}\u{e0041}\u{fdd0}".contains(c)
    };
    !text.chars().any(harmful) && !text.lines().any(|line| line.starts_with("x: valid"))
}

#[test]
fn nothing_of_a_history_steers_the_terminal_or_is_lost() {
    let folder = scratch();
    let event = |process: &Value, kind: &str, f: &str, value: &Value| {
        json!({ "process": process, "type": kind, "f": f, "value": value }).to_string() + "\n"
    };
    let hostile = json!(HOSTILE);
    let named = json!(format!("p{HOSTILE}"));
    // Values, keys, names of processes and of operations, and text that is no history.
    let mut register = String::new();
    for (kind, f, value) in [
        ("invoke", "write", json!([HOSTILE, "a"])),
        ("ok", "write", json!([HOSTILE, "a"])),
        ("invoke", "read", json!([HOSTILE, null])),
        ("ok", "read", json!([HOSTILE, HOSTILE])),
    ] {
        register += &event(&json!(0), kind, f, &value);
    }
    let unknown = event(&json!(0), "invoke", HOSTILE, &json!(1))
        + &event(&json!(0), "ok", HOSTILE, &json!(1));
    let process = event(&named, "invoke", "write", &json!(1))
        + &event(&named, "ok", "write", &json!(1))
        + &event(&named, "invoke", "read", &json!(null))
        + &event(&named, "ok", "read", &hostile);
    let broken = format!("{{:process 0 :type :{HOSTILE}}}");
    for (name, text, arguments) in [
        ("register.jsonl", register.as_str(), &["--independent"][..]),
        ("unknown.jsonl", &unknown, &[]),
        ("unknown2.jsonl", &unknown, &["--model", "register"]),
        ("process.jsonl", &process, &["--model", "register"]),
        ("broken.edn", &broken, &[]),
        ("broken.jsonl", HOSTILE, &[]),
    ] {
        write(&folder, name, text);
        let check = [&["check", name][..], arguments].concat();
        let output = rupture(folder.path()).args(&check).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(
            is_harmless(&printed) && is_harmless(&complaint),
            "{printed:?} {complaint:?}"
        );
        let output = rupture(folder.path())
            .args(&check)
            .arg("--json")
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(is_harmless(&printed), "{printed:?}");
        let line: Value = serde_json::from_str(printed.trim()).expect("valid JSON");
        if name == "register.jsonl" {
            // What is shown is the data and nothing else.
            let result = line["anomalies"][0]["evidence"].to_string();
            assert!(
                result.contains("u{202e}") || result.contains('\u{202e}'),
                "{result}"
            );
            let (printed, _) = expect(1, folder.path(), &check);
            assert!(printed.contains(r"\u{1b}[31m"), "{printed}");
        }
    }
}

#[test]
fn nothing_of_a_name_steers_the_terminal_and_commands_can_be_copied() {
    let folder = scratch();
    let name = HOSTILE.replace('/', "");
    let file = format!("{name}.edn");
    write(&folder, &file, INVALID);
    for (arguments, code) in [
        (&["check", &file][..], 1),
        (&["check", "--dot", &name, &file], 1),
        (&["check", "--witness", &file, &file], 254),
        (&["check", "absent", HOSTILE], 254),
        (&["check", "--model", HOSTILE, &file], 254),
        (
            &[
                "check",
                "--consistency",
                HOSTILE,
                "--model",
                "register",
                &file,
            ],
            254,
        ),
        (&["check", &format!("--{name}")], 254),
        (&["check", "--timeout", HOSTILE, &file], 254),
        (&["run", "--nodes", HOSTILE], 254),
        (&["run", "--target", HOSTILE], 254),
        (&["run", "--seeds", HOSTILE], 254),
        (&["run", "--name", &format!("a/{HOSTILE}")], 254),
        (&["run", "--nodes-file", HOSTILE], 254),
        (&["run", "--resume", HOSTILE], 254),
        (
            &[
                "run",
                "--name",
                &name,
                "--results",
                "my res",
                "--time-limit",
                "3",
            ],
            0,
        ),
        (&["replay", HOSTILE], 254),
        (&["list", HOSTILE], 254),
        (&[HOSTILE], 254),
        (&["help", HOSTILE], 254),
    ] {
        let (printed, complaint) = expect(code, folder.path(), arguments);
        assert!(
            is_harmless(&printed) && is_harmless(&complaint),
            "{printed:?} {complaint:?}"
        );
        assert!(!complaint.is_empty() || !printed.is_empty());
        let told = format!("{printed}{complaint}");
        assert!(
            told.contains("1b") || arguments.contains(&"--nodes"),
            "{arguments:?} shows what it was: {told}"
        );
        if code == 0 {
            let replay = printed
                .lines()
                .find_map(|line| line.strip_prefix("replay   "));
            let replay = replay.expect("a command").strip_prefix("rupture ").unwrap();
            let command = format!("{} {replay}", env!("CARGO_BIN_EXE_rupture"));
            let status = Command::new("bash")
                .args(["-c", &command])
                .current_dir(folder.path())
                .stdout(Stdio::null())
                .status();
            assert!(status.unwrap().success(), "{command}");
        }
    }
}

/// What a terminal of this size is shown.
fn on_terminal(columns: u16, rows: u16, folder: &Path, arguments: &[&str]) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let open = || {
        File::options()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap()
    };
    let side = open();
    tcsetwinsize(&side, size).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_rupture"))
        .args(arguments)
        .current_dir(folder)
        .env("TERM", "xterm")
        .env_remove("COLUMNS")
        .env_remove("NO_COLOR")
        .stdin(OwnedFd::from(open()))
        .stdout(OwnedFd::from(open()))
        .stderr(OwnedFd::from(side))
        .spawn()
        .unwrap();
    let mut shown = Vec::new();
    // The end of a terminal that nobody holds any more is an error.
    let _ = File::from(terminal).read_to_end(&mut shown);
    child.wait().unwrap();
    String::from_utf8(shown).unwrap()
}

/// Text without sequences for the terminal.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}

/// Takes more than the second after which progress is shown.
const SLOW: [&str; 5] = ["check", "--model", "stack", "--timeout", "1500ms"];

#[test]
fn a_terminal_is_asked_for_its_width_and_shown_how_far_things_are() {
    let folder = scratch();
    write(&folder, "invalid.edn", INVALID);
    let skew = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/write-skew.edn");
    std::os::unix::fs::symlink(skew, folder.path().join("skew.edn")).unwrap();
    let run = [
        "run",
        "--mutant",
        "stale-read",
        "--time-limit",
        "12",
        "--seed",
        "4",
    ];
    write(&folder, "hard.edn", hard());
    let slow = |files: &[&'static str]| [&SLOW[..], files].concat();
    // What is shown of progress, and whether there is time to show it.
    for (arguments, progress, is_slow) in [
        (&slow(&["hard.edn", "hard.edn"])[..], "histories", true),
        (&slow(&["hard.edn"]), "judging", true),
        (&["check", "invalid.edn", "skew.edn"], "histories", false),
        (&["check", "skew.edn"], "judging", false),
        (&["list"], "histories,", false),
        (&["help"], "histories,", false),
        (&["help", "run"], "histories,", false),
        (&run, "simulated time,", false),
        (&["replay"], "simulated time,", false),
        (
            &["run", "--seeds", "0..2", "--time-limit", "2"],
            " left)",
            false,
        ),
    ] {
        // Some terminals report no rows.
        for rows in [40, 0] {
            let start = Instant::now();
            let shown = on_terminal(60, rows, folder.path(), arguments);
            let is_over_at_once = start.elapsed() < Duration::from_secs(1);
            assert!(shown.contains("\u{1b}["), "{arguments:?} has colours");
            let text = plain(&shown);
            if is_slow {
                assert!(text.contains(progress), "{arguments:?}: {text}");
            } else if is_over_at_once {
                assert!(!text.contains(progress), "{arguments:?}: {text}");
            }
            for line in text.split("\r\n").flat_map(|line| line.split('\r')) {
                // Paths and commands stay whole, for they are copied.
                let is_whole = line.contains("results/") || line.starts_with("rupture ");
                assert!(
                    is_whole || line.chars().count() <= 60,
                    "{arguments:?}: {line}"
                );
            }
        }
    }
    let (printed, complaint) = expect(0, folder.path(), &["run", "--time-limit", "3"]);
    assert!(
        is_harmless(&printed),
        "no colours where there is no terminal"
    );
    assert_eq!(complaint, "", "nor a bar");
}

/// Ways to write to the screen. All text goes through one place, which shows what would steer a terminal.
const PRINTING: [&str; 9] = [
    "println!",
    "print!(",
    "eprint",
    "dbg!",
    "io::stdout",
    "io::stderr",
    "/dev/tty",
    ".exit()",
    "anstream::",
];

#[test]
fn only_the_screen_prints() {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if !path.ends_with("src/screen.rs") {
            let text = fs::read_to_string(&path).unwrap();
            let words = PRINTING.iter().filter(|word| text.contains(**word));
            found.extend(words.map(|word| format!("{}: {word}", path.display())));
        }
    }
    assert!(found.is_empty(), "{found:?}");
}
