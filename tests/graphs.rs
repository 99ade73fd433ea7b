//! Anomalies as graphs, as a user gets them: `--dot` draws what `--json` lists.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

/// What `rupture check` printed of a history, and the drawing.
fn check(history: &str, model: &str, level: &str) -> (Value, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let history = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(history);
    let output = Command::new(env!("CARGO_BIN_EXE_rupture"))
        .current_dir(folder.path())
        .env("NO_COLOR", "1")
        .args([
            "check",
            "--model",
            model,
            "--consistency",
            level,
            "--json",
            "--dot",
            "graph.dot",
        ])
        .arg(history)
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let printed = serde_json::from_slice(&output.stdout).expect("one object");
    let drawn = fs::read_to_string(folder.path().join("graph.dot")).expect("a drawing");
    (printed, drawn)
}

/// The edges of the first anomaly, as `from kind to`.
fn edges(printed: &Value) -> Vec<String> {
    let edges = printed["anomalies"][0]["dependencies"]
        .as_array()
        .expect("edges");
    let edge = |edge: &Value| format!("{} {} {}", edge["from"], edge["kind"], edge["to"]);
    edges.iter().map(edge).collect()
}

/// Holds a drawing against the edges and the operations that were listed.
fn assert_drawn(printed: &Value, drawn: &str) {
    let anomalies = printed["anomalies"].as_array().expect("anomalies");
    for anomaly in anomalies {
        let evidence = anomaly["evidence"].as_array().expect("evidence");
        let place = |index: &Value| evidence.iter().position(|one| one["index"] == *index);
        assert!(
            drawn.contains(&format!("digraph {}", anomaly["type"])),
            "{drawn}"
        );
        for edge in anomaly["dependencies"].as_array().expect("edges") {
            let (from, to) = (place(&edge["from"]), place(&edge["to"]));
            let arrow = format!(
                "{} -> {} [ label = {}]",
                from.expect("an operation that proves it"),
                to.expect("an operation that proves it"),
                edge["kind"]
            );
            assert!(drawn.contains(&arrow), "{arrow}: {drawn}");
            assert!(
                edge["why"].as_str().is_some_and(|why| !why.is_empty()),
                "{edge}"
            );
        }
    }
}

#[test]
fn lists_are_drawn() {
    let (printed, drawn) = check("write-skew.edn", "list-append", "serializable");
    assert_eq!(edges(&printed), [r#"0 "rw" 1"#, r#"1 "rw" 0"#]);
    assert_drawn(&printed, &drawn);
}

#[test]
fn registers_are_drawn_at_strong_levels_with_why_another_order_is_impossible() {
    let (printed, drawn) = check("stale-register.edn", "rw-register", "strict-serializable");
    let expected = [r#"4 "rw" 2"#, r#"2 "realtime" 4"#, r#"0 "process" 2"#];
    assert_eq!(edges(&printed), expected);
    assert_eq!(
        printed["anomalies"][0]["dependencies"][0]["why"],
        "T4 read 1 of key :x, and T2 overwrote that with 2, so T4 came before T2. The other order of the two versions \
         is impossible: T2 < T0 < T2."
    );
    assert_drawn(&printed, &drawn);
}

#[test]
fn registers_are_drawn_at_weak_levels() {
    let (printed, drawn) = check("causal-register.edn", "rw-register", "causal");
    assert_drawn(&printed, &drawn);
    assert_eq!(printed["anomalies"][0]["type"], "write-co-read");
    let expected = [
        r#"0 "process" 2"#,
        r#"2 "cf" 0"#,
        r#"2 "wr" 4"#,
        r#"4 "process" 6"#,
        r#"0 "wr" 6"#,
    ];
    assert_eq!(edges(&printed), expected);
}
