//! `rupture check` on histories of others.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{expect, scratch};

#[test]
fn histories_that_prove_nothing_are_unknown() {
    let folder = scratch();
    fs::write(folder.path().join("empty.edn"), "").unwrap();
    fs::write(
        folder.path().join("info.edn"),
        "{:process 0, :type :invoke, :f :write, :value 1}\n{:process 0, :type :info, :f :write, :value 1}\n",
    )
    .unwrap();
    for file in ["empty.edn", "info.edn"] {
        let (printed, _) = expect(2, folder.path(), &["check", "--model", "register", file]);
        assert!(printed.contains("unknown"), "{printed}");
    }
}

#[test]
fn a_broken_file_is_named_with_line_and_column() {
    let folder = scratch();
    fs::write(
        folder.path().join("broken.edn"),
        "{:process 0, :type :invoke, :f :write, :value 1}\n{:process 0, :type :done, :f :write, :value 1}\n",
    )
    .unwrap();
    let (_, complaint) = expect(
        254,
        folder.path(),
        &["check", "--model", "register", "broken.edn"],
    );
    assert!(complaint.contains("broken.edn:2:"), "{complaint}");
    let (_, complaint) = expect(
        254,
        folder.path(),
        &["check", "--model", "register", "absent.edn"],
    );
    assert!(complaint.contains("absent.edn"), "{complaint}");
}

#[test]
fn a_model_is_guessed_only_where_it_is_certain() {
    let folder = scratch();
    let event = |kind: &str, f: &str, value: &str| {
        format!("{{:process 0, :type :{kind}, :f :{f}, :value {value}}}\n")
    };
    let history = |events: &[(&str, &str, &str)]| {
        events
            .iter()
            .map(|(k, f, v)| event(k, f, v))
            .collect::<String>()
    };
    let register = history(&[
        ("invoke", "write", "1"),
        ("ok", "write", "1"),
        ("invoke", "read", "nil"),
        ("ok", "read", "1"),
    ]);
    let keyed = history(&[
        ("invoke", "write", "[3 1]"),
        ("ok", "write", "[3 1]"),
        ("invoke", "read", "[3 nil]"),
        ("ok", "read", "[3 1]"),
    ]);
    for (text, words) in [
        (register, "register was guessed"),
        (keyed, "keys independent was guessed"),
    ] {
        fs::write(folder.path().join("history.edn"), text).unwrap();
        let (printed, _) = expect(0, folder.path(), &["check", "history.edn"]);
        assert!(printed.contains(words), "{printed}");
    }
    fs::write(folder.path().join("history.edn"), "").unwrap();
    expect(2, folder.path(), &["check", "history.edn"]);
    // Reads of accounts, of several keys at once, and a queue that may or may not promise its order.
    for text in [
        history(&[("invoke", "read", "nil"), ("ok", "read", "{0 10, 1 10}")]),
        history(&[
            ("invoke", "read", "[[:r 0 nil] [:r 1 nil]]"),
            ("ok", "read", "[[:r 0 1] [:r 1 nil]]"),
        ]),
        history(&[("invoke", "enqueue", "1"), ("ok", "enqueue", "1")]),
    ] {
        fs::write(folder.path().join("history.edn"), text).unwrap();
        let (_, complaint) = expect(254, folder.path(), &["check", "history.edn"]);
        assert!(complaint.contains("name it with --model"), "{complaint}");
    }
    // What several models speak is told with what tells them apart.
    let queue = history(&[("invoke", "enqueue", "1"), ("ok", "enqueue", "1")]);
    fs::write(folder.path().join("history.edn"), queue).unwrap();
    let (_, complaint) = expect(254, folder.path(), &["check", "history.edn"]);
    for words in [
        "fifo-queue (values come out in the order",
        "unordered-queue (",
    ] {
        assert!(complaint.contains(words), "{complaint}");
    }
    let stack = history(&[("invoke", "push", "1"), ("ok", "push", "1")]);
    fs::write(folder.path().join("history.edn"), stack).unwrap();
    let (printed, _) = expect(0, folder.path(), &["check", "history.edn"]);
    assert!(printed.contains("the model stack was guessed"), "{printed}");
    let (printed, _) = expect(0, folder.path(), &["list", "models", "--json"]);
    let listed: Value = serde_json::from_str(&printed).unwrap();
    for model in listed["models"].as_array().unwrap() {
        assert!(
            !model["operations"].as_array().unwrap().is_empty(),
            "{model}"
        );
    }
}

#[test]
fn settings_of_a_model_change_its_verdict() {
    let folder = scratch();
    let judge = |history: &str, code: i32, arguments: &[&str]| {
        fs::write(folder.path().join("history.edn"), history).unwrap();
        let arguments = [&["check", "history.edn", "--model"], arguments].concat();
        expect(code, folder.path(), &arguments);
    };
    // A second message that nobody polled, and one that was polled twice.
    let log = "{:process 0 :type :invoke :f :send :value [[:send :x 1] [:send :x 2]]}
        {:process 0 :type :ok :f :send :value [[:send :x [0 1]] [:send :x [1 2]]]}
        {:process 1 :type :invoke :f :poll :value [[:poll]]}
        {:process 1 :type :ok :f :poll :value [[:poll {:x [[0 1]]}]]}
        {:process 1 :type :invoke :f :poll :value [[:poll]]}
        {:process 1 :type :ok :f :poll :value [[:poll {:x [[0 1]]}]]}";
    judge(log, 1, &["log"]);
    judge(log, 0, &["log", "--allow", "nonmonotonic-poll"]);
    let both = ["log", "--allow", "nonmonotonic-poll", "--forbid", "unseen"];
    judge(log, 1, &both);
    // The second message was sent when the first was acknowledged, and lies before it.
    let turned = "{:process 0 :type :invoke :f :send :value [[:send :x 1]]}
        {:process 0 :type :ok :f :send :value [[:send :x [1 1]]]}
        {:process 1 :type :invoke :f :send :value [[:send :x 2]]}
        {:process 1 :type :ok :f :send :value [[:send :x [0 2]]]}
        {:process 2 :type :invoke :f :poll :value [[:poll]]}
        {:process 2 :type :ok :f :poll :value [[:poll {:x [[0 2] [1 1]]}]]}";
    judge(turned, 0, &["log"]);
    judge(turned, 1, &["log", "--ww-deps"]);
    // What process 0 delivered before it may have crashed, process 1 has not.
    let broadcast = "{:process 0 :type :invoke :f :broadcast :value 1}
        {:process 0 :type :ok :f :broadcast :value 1}
        {:process 0 :type :invoke :f :deliver :value nil}
        {:process 0 :type :ok :f :deliver :value 1}
        {:process 1 :type :invoke :f :deliver :value nil}";
    judge(broadcast, 2, &["broadcast"]);
    judge(broadcast, 1, &["broadcast", "--complete"]);
    let crashed = format!(
        "{broadcast}
        {{:process 1 :type :ok :f :deliver :value nil}}
        {{:process 0 :type :invoke :f :deliver :value nil}}
        {{:process 0 :type :info :f :deliver :value nil}}"
    );
    judge(&crashed, 0, &["broadcast"]);
    judge(&crashed, 1, &["broadcast", "--uniform"]);
}

#[test]
fn check_judges_what_a_real_etcd_answered() {
    let folder = scratch();
    let etcd = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/etcd_000.log");
    let etcd = etcd.to_str().unwrap();
    let (printed, _) = expect(
        1,
        folder.path(),
        &["check", "--model", "cas-register", "--json", etcd],
    );
    let line: Value = serde_json::from_str(printed.trim()).expect("one object a line");
    assert_eq!(line["valid"], Value::Bool(false));
    assert_eq!(line["model"], "cas-register");
    assert_eq!(line["consistency"], "linearizable");
    assert!(line["ops"].as_u64().unwrap() > 0);
    assert_eq!(line["anomalies"][0]["type"], "nonlinearizable");
    assert!(line["seconds"].is_number() && line["bytes_peak"].is_u64());
    assert!(
        line["not"]
            .as_array()
            .unwrap()
            .iter()
            .any(|level| level == "linearizable")
    );

    let (printed, _) = expect(1, folder.path(), &["check", etcd]);
    assert!(
        printed.contains("INVALID") && printed.contains('├'),
        "{printed}"
    );
}
