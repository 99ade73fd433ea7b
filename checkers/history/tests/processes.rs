//! Who is a client, and how it is named.

use rupture_history::codec::{self, edn, jsonl};
use rupture_history::{History, Process, Value};

fn read(text: &str) -> History {
    codec::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Process 0 writes 1, and this process reads 99.
fn formats(edn: &str, json: Option<&str>) -> Vec<String> {
    let event = |process: &str, kind: &str, f: &str, value: &str| {
        format!("{{:process {process}, :type :{kind}, :f :{f}, :value {value}}}\n")
    };
    let rows = [
        ("0", "invoke", "write", "1"),
        ("0", "ok", "write", "1"),
        (edn, "invoke", "read", "nil"),
        (edn, "ok", "read", "99"),
    ];
    let lines: Vec<String> = rows.iter().map(|(p, k, f, v)| event(p, k, f, v)).collect();
    let mut texts = vec![
        lines.concat(),
        format!("[{}]", lines.concat()),
        log("", &rows),
        log("INFO  jepsen.util - ", &rows),
    ];
    if let Some(json) = json {
        let object = |(p, k, f, v): &(&str, &str, &str, &str)| {
            let p = if *p == "0" { "0" } else { json };
            let v = v.replace("nil", "null");
            format!(r#"{{"process":{p},"type":"{k}","f":"{f}","value":{v}}}"#)
        };
        let objects: Vec<String> = rows.iter().map(object).collect();
        texts.extend([objects.join("\n"), format!("[{}]", objects.join(","))]);
    }
    texts
}

fn log(logger: &str, rows: &[(&str, &str, &str, &str)]) -> String {
    let line = |(p, k, f, v): &(&str, &str, &str, &str)| format!("{logger}{p}\t:{k}\t:{f}\t{v}\n");
    let lines: Vec<String> = rows.iter().map(line).collect();
    lines.concat()
}

#[test]
fn whoever_acts_is_a_client_whatever_its_name() {
    let names = [
        ("\"client-7\"", Some("\"client-7\"")),
        ("\"0\"", Some("\"0\"")),
        (":w1", None),
        ("1.5", Some("1.5")),
        ("w1", None),
        ("[0 1]", Some("[0,1]")),
        ("99999999999999999999", Some("99999999999999999999")),
        ("-9223372036854775808", Some("-9223372036854775808")),
        ("#uuid \"0-1\"", Some("{\"#uuid\":\"0-1\"}")),
        ("true", Some("true")),
    ];
    for (edn, json) in names {
        for text in formats(edn, json) {
            let history = read(&text);
            let operations = history.operations().unwrap();
            assert_eq!(operations.len(), 2, "{text}");
            assert_ne!(operations[0].process, operations[1].process, "{text}");
            assert_eq!(history.left_out(), [], "{text}");
        }
    }
}

#[test]
fn names_that_differ_are_processes_that_differ() {
    let names = [
        "0", "\"0\"", ":0", "0.0", "a", ":a", "\"a\"", "[0]", "\"[0]\"", "i/a",
    ];
    let read_of = |name: &&str| format!("{{:process {name} :type :invoke :f :read}}\n");
    let texts: Vec<String> = names.iter().map(read_of).collect();
    let history = read(&texts.concat());
    let mut numbers: Vec<i64> = history
        .operations()
        .unwrap()
        .iter()
        .map(|op| op.process)
        .collect();
    let named: Vec<String> = numbers
        .iter()
        .map(|n| history.process(*n).to_string())
        .collect();
    assert_eq!(
        named,
        [
            "0", "\"0\"", ":0", "0.0", "a", ":a", "a", "[0]", "\"[0]\"", "i/a"
        ]
    );
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), names.len());
}

#[test]
fn a_nemesis_is_known_by_its_name_or_by_saying_nothing_but_info() {
    let info = |name: &str| {
        let event = format!("{{:process {name} :type :info :f :kill}}\n");
        format!("{event}{event}")
    };
    for name in [
        ":nemesis",
        "\"nemesis\"",
        ":chaos",
        "\"fault-injector\"",
        "7",
        ":nemesis/kill",
    ] {
        let history = read(&(info(name) + "{:process 0 :type :invoke :f :read}"));
        assert_eq!(history.operations().unwrap().len(), 1, "{name}");
        let left_out = history.left_out();
        assert_eq!(
            (left_out.len(), left_out[0].events, left_out[0].acts),
            (1, 2, false),
            "{name}"
        );
    }
    // An operation of which nobody knows may have happened.
    let lost = read("{:process :w1 :type :invoke :f :write} {:process :w1 :type :info :f :write}");
    assert_eq!(lost.operations().unwrap().len(), 1);
    let acts = read("{:process :nemesis :type :invoke :f :w} {:process :nemesis :type :ok :f :w}");
    assert!(acts.operations().unwrap().is_empty());
    assert!(
        acts.left_out()[0]
            .to_string()
            .contains("acts like a client")
    );
}

#[test]
fn a_completion_without_an_invocation_names_its_client() {
    let error = |text: &str| read(text).operations().unwrap_err().to_string();
    assert_eq!(
        error("{:process :w1 :type :ok :f :read}"),
        "event 0: process :w1 completes `read` that it never invoked"
    );
    assert_eq!(
        error("{:process 3 :type :info :f :read}"),
        "event 0: process 3 completes `read` that it never invoked"
    );
}

#[test]
fn a_name_is_written_as_it_was_read() {
    for name in [
        "\"client-7\"",
        ":w1",
        "w1",
        "1.5",
        "\"0\"",
        "0",
        "[0 1]",
        "\"nemesis\"",
        ":nemesis",
    ] {
        let text = format!(
            "{{:index 0, :time -1, :type :invoke, :process {name}, :f :read, :value nil}}\n"
        );
        let mut out = String::new();
        edn::write_history(&mut out, &read(&text));
        assert_eq!(out, text);
    }
    for name in ["\"client-7\"", "1.5", "\"0\"", "0", "[0,1]", "\"nemesis\""] {
        let text = format!(
            "{{\"index\":0,\"time\":-1,\"type\":\"invoke\",\"process\":{name},\"f\":\"read\",\"value\":null}}\n"
        );
        let mut out = String::new();
        jsonl::write_history(&mut out, &read(&text));
        assert_eq!(out, text);
    }
    assert_eq!(Process::Named(Value::str("nil")).to_string(), "\"nil\"");
}
