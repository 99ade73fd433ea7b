//! What `rupture check` can read: names of clients, packed files, the standard input.

use std::fs;

use serde_json::Value;

use rupture::report::ladder::LEGEND;

use crate::{expect, rupture, scratch};

const VALID: &str = "{:process 0, :type :invoke, :f :write, :value 1}\n{:process 0, :type :ok, :f :write, :value 1}\n";

/// `VALID`, packed by the tools of these names.
const GZIP: &[u8] = include_bytes!("../data/valid.edn.gz");
const ZSTD: &[u8] = include_bytes!("../data/valid.edn.zst");

fn judged(code: i32, text: &str) -> Value {
    let folder = scratch();
    fs::write(folder.path().join("h"), text).unwrap();
    let (printed, _) = expect(code, folder.path(), &["check", "--json", "h"]);
    serde_json::from_str(&printed).unwrap()
}

#[test]
fn a_client_is_judged_whatever_its_name() {
    let history = |name: &str| {
        format!(
            r#"{{"process":0,"type":"invoke","f":"write","value":1}}
               {{"process":0,"type":"ok","f":"write","value":1}}
               {{"process":{name},"type":"invoke","f":"read","value":null}}
               {{"process":{name},"type":"ok","f":"read","value":99}}"#
        )
    };
    for name in ["\"a\"", "\"0\"", "1.5", "7", "\"client-7\""] {
        let answer = judged(1, &history(name));
        assert_eq!(answer["ops"], 2, "{name}");
        let shown = if name == "\"0\"" {
            name
        } else {
            name.trim_matches('"')
        };
        assert!(
            answer["anomalies"]
                .to_string()
                .contains(&format!("{shown:?}")),
            "{answer}"
        );
        assert_eq!(answer["left_out"], serde_json::json!([]));
    }
    let answer = judged(
        2,
        &history("\"nemesis\"").replace("\"process\":0", "\"process\":\"nemesis\""),
    );
    assert_eq!(answer["left_out"][0]["events"], 4);
    assert!(
        answer["notes"].to_string().contains("acts like a client"),
        "{answer}"
    );
}

#[test]
fn a_name_does_not_raise_a_false_alarm() {
    let event = |process: &str, kind: &str, f: &str, value: &str| {
        format!("{{:process {process} :type :{kind} :f :{f} :value {value}}}\n")
    };
    let text = [
        event("0", "invoke", "write", "1"),
        event("0", "ok", "write", "1"),
        event("\"a\"", "invoke", "write", "2"),
        event("\"a\"", "ok", "write", "2"),
        event("0", "invoke", "read", "nil"),
        event("0", "ok", "read", "2"),
        event(":nemesis", "info", "kill", "nil"),
        event(":nemesis", "info", "kill", "nil"),
    ];
    let answer = judged(0, &text.concat());
    assert_eq!(answer["ops"], 3);
    assert_eq!(
        answer["notes"][1],
        "left out of judgement: 2 events of nemesis"
    );
}

#[test]
fn packed_files_and_the_standard_input_are_read() {
    let folder = scratch();
    fs::write(folder.path().join("history.edn.gz"), GZIP).unwrap();
    fs::create_dir(folder.path().join("b")).unwrap();
    fs::write(
        folder.path().join("b/any.edn.zst"),
        [ZSTD, ZSTD_SKIPPED].concat(),
    )
    .unwrap();
    expect(0, folder.path(), &["check", "history.edn.gz", "b"]);
    for bytes in [VALID.as_bytes(), GZIP, ZSTD] {
        let output = rupture(folder.path())
            .args(["check", "--json", "-"])
            .write_stdin(bytes)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&answer["file"], &answer["ops"]), (&"-".into(), &1.into()));
    }
}

/// A frame that says that it holds nothing.
const ZSTD_SKIPPED: &[u8] = &[0x51, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7];

#[test]
fn what_cannot_be_unpacked_says_why() {
    let folder = scratch();
    for (name, bytes) in [
        ("a.gz", &GZIP[..GZIP.len() - 9]),
        ("a.zst", &ZSTD[..ZSTD.len() - 9]),
    ] {
        fs::write(folder.path().join(name), bytes).unwrap();
        let (_, complaint) = expect(254, folder.path(), &["check", name]);
        assert!(complaint.contains("cannot be unpacked"), "{complaint}");
    }
    fs::write(folder.path().join("a.xz"), b"\xfd7zXZ\0rest").unwrap();
    let (_, complaint) = expect(254, folder.path(), &["check", "a.xz"]);
    assert!(complaint.contains("unpack it first"), "{complaint}");
}

#[test]
fn an_archive_that_unpacks_to_too_much_ends() {
    let folder = scratch();
    // 64 MB of blanks in 63 KB.
    fs::write(
        folder.path().join("bomb"),
        include_bytes!("../data/bomb.gz"),
    )
    .unwrap();
    let arguments = ["check", "--memory", "100MB", "bomb", "/dev/zero"];
    let (printed, _) = expect(2, folder.path(), &arguments);
    assert!(printed.contains("unpacks to more than"), "{printed}");
    assert!(
        printed.contains("the file has more than 50000000 bytes"),
        "{printed}"
    );
}

#[test]
fn sessions_without_real_time_are_judged_by_the_levels_that_need_none() {
    // The second reads what the first wrote, and after it the initial value of another key that the first had written.
    let fractured = "w(1,1,0,0)\nw(2,1,0,0)\nr(1,1,1,1)\nr(2,0,1,1)\n";
    let answer = judged(1, fractured);
    assert_eq!(answer["model"], "rw-register");
    assert_eq!(answer["levels"]["read-atomic"], false, "{answer}");
    // In real time the read would be too late.
    let late = "w(1,1,0,0)\nr(1,0,1,1)\n";
    let answer = judged(0, late);
    assert_eq!(answer["consistency"], "strong-session-serializable");
    assert!(
        answer["levels"].get("strict-serializable").is_none(),
        "{answer}"
    );
    assert!(
        answer["notes"]
            .to_string()
            .contains("strict-serializable and strong-snapshot-isolation")
    );
    // Each session reads its own write last.
    let skew = r#"[[{"events":[{"Read":{"variable":1,"version":null}},{"Write":{"variable":0,"version":1}}],"committed":true}],
                   [{"events":[{"Read":{"variable":0,"version":null}},{"Write":{"variable":1,"version":1}}],"committed":true}]]"#;
    let answer = judged(1, skew);
    assert_eq!(answer["levels"]["serializable"], false);
    assert_eq!(answer["levels"]["snapshot-isolation"], true);
    let folder = scratch();
    fs::write(folder.path().join("h"), late).unwrap();
    for arguments in [["-c", "strict-serializable"], ["-m", "rw-register"]] {
        let mut all = vec!["check", "h"];
        all.extend(arguments);
        let code = if arguments[0] == "-c" { 2 } else { 0 };
        expect(code, folder.path(), &all);
    }
    let all = ["check", "-m", "rw-register", "--linearizable-keys", "h"];
    expect(2, folder.path(), &all);
}

#[test]
fn an_index_that_repeats_is_a_warning() {
    let twice = "{:index 7, :process 0, :type :invoke, :f :write, :value 1}\n{:index 7, :process 0, :type :ok, :f :write, :value 1}\n";
    let answer = judged(0, twice);
    assert!(
        answer["notes"]
            .to_string()
            .contains("the index 7 comes more than once"),
        "{answer}"
    );
}

#[test]
fn a_drain_may_end_exhausted_and_hold_its_dequeues() {
    let put = "{:process 0 :type :invoke :f :enqueue :value 1} {:process 0 :type :ok :f :enqueue :value 1}
        {:process 0 :type :invoke :f :enqueue :value 2} {:process 0 :type :ok :f :enqueue :value 2}
        {:process 1 :type :invoke :f :drain :value nil}\n";
    let take = |value: &str| {
        format!(
            "{{:process 1 :type :invoke :f :dequeue}} {{:process 1 :type :ok :f :dequeue :value {value}}}\n"
        )
    };
    let nothing = "{:process 1 :type :invoke :f :dequeue} {:process 1 :type :fail :f :dequeue :value :exhausted}\n";
    let check = |model: &str, code: i32, events: &[&str], end: &str| {
        let folder = scratch();
        let text = format!(
            "{put}{}{{:process 1 :type {end}, :f :drain}}",
            events.concat()
        );
        fs::write(folder.path().join("h.edn"), text).unwrap();
        let (printed, _) = expect(
            code,
            folder.path(),
            &["check", "--json", "-m", model, "h.edn"],
        );
        serde_json::from_str::<Value>(&printed).unwrap()
    };
    let (one, two) = (take("1"), take("2"));
    for end in [
        ":ok :value :exhausted",
        ":info :value :timeout",
        ":ok :value nil",
        ":ok :value []",
    ] {
        for model in ["total-queue", "fifo-queue", "unordered-queue"] {
            check(model, 0, &[&one, &two, nothing], end);
        }
        check("fifo-queue", 1, &[&two, &one, nothing], end);
        check("fifo-queue", 1, &[&one, &one], end);
        check("unordered-queue", 0, &[&two, &one], end);
        let lost = check("total-queue", 1, &[&one, nothing], end);
        assert_eq!(lost["anomalies"][0]["type"], "lost", "{end}: {lost}");
    }
    // A drain without dequeues inside it found nothing, unless nobody knows.
    for model in ["total-queue", "fifo-queue", "unordered-queue"] {
        check(model, 1, &[], ":ok :value :exhausted");
        check(model, 1, &[], ":ok :value \"exhausted\"");
        check(model, 0, &[], ":ok :value [1 2]");
    }
    check("total-queue", 2, &[], ":info :value :exhausted");
    let folder = scratch();
    let text = format!("{put}{one}{{:process 1 :type :ok :f :drain :value [1 2]}}");
    fs::write(folder.path().join("h.edn"), text).unwrap();
    let (_, complaint) = expect(254, folder.path(), &["check", "-m", "total-queue", "h.edn"]);
    assert!(
        complaint.contains("event 7") && complaint.contains("keep one"),
        "{complaint}"
    );
}

#[test]
fn messages_that_are_broadcast_and_read_arrive_at_last() {
    let events = |reads: &[&str]| {
        let mut text = String::from(
            "{:process 0, :type :invoke, :f :broadcast, :value 1}\n{:process 0, :type :ok, :f :broadcast, :value 1}\n",
        );
        for read in reads {
            text.push_str("{:process 1, :type :invoke, :f :read, :value nil}\n");
            text.push_str("{:process 1, :type :ok, :f :read, :value ");
            text.push_str(read);
            text.push_str("}\n");
        }
        text
    };
    let late = judged(0, &events(&["[]", "[1]"]));
    assert_eq!(
        (&late["model"], &late["consistency"]),
        (&"set-full".into(), &"eventual".into())
    );
    assert_eq!(late["not"][0], "linearizable");
    let lost = judged(1, &events(&["[1]", "[]"]));
    assert_eq!(lost["anomalies"][0]["type"], "lost");
    assert_eq!(
        judged(1, &events(&["[1 1]"]))["anomalies"][0]["type"],
        "duplicated"
    );
    let folder = scratch();
    fs::write(folder.path().join("h"), events(&["[]", "[1]"])).unwrap();
    expect(1, folder.path(), &["check", "-c", "linearizable", "h"]);
    fs::write(
        folder.path().join("h"),
        events(&["[]", "[1]"]).replace("broadcast", "add"),
    )
    .unwrap();
    expect(1, folder.path(), &["check", "h"]);
    expect(
        0,
        folder.path(),
        &["check", "-m", "set-full", "-c", "eventual", "h"],
    );
    // Deliveries are of the other model; without either nobody knows.
    let (_, complaint) = {
        fs::write(folder.path().join("h"), events(&[])).unwrap();
        expect(254, folder.path(), &["check", "h"])
    };
    assert!(
        complaint.contains("broadcast (") && complaint.contains("set-full ("),
        "{complaint}"
    );
}

#[test]
fn completions_alone_are_given_invocations_when_asked() {
    let folder = scratch();
    let path = folder.path();
    let ok = |process: i64, f: &str, value: &str| {
        format!("{{:process {process}, :type :ok, :f :{f}, :value {value}}}\n")
    };
    fs::write(path.join("h"), ok(0, "write", "1") + &ok(1, "read", "1")).unwrap();
    let (_, complaint) = expect(254, path, &["check", "h"]);
    assert!(complaint.contains("--completions-only"), "{complaint}");
    let (printed, _) = expect(0, path, &["check", "--completions-only", "h"]);
    assert!(printed.contains("completions alone"), "{printed}");
    fs::write(path.join("h"), ok(0, "write", "1") + &ok(1, "read", "nil")).unwrap();
    expect(1, path, &["check", "--completions-only", "h"]);
    fs::write(path.join("h"), VALID).unwrap();
    let (_, complaint) = expect(254, path, &["check", "--completions-only", "h"]);
    assert!(complaint.contains("leave it out"), "{complaint}");
    // Nobody can tell tokens from permits when an invocation says what its completion does.
    fs::write(path.join("h"), ok(0, "acquire", "1")).unwrap();
    let (_, complaint) = expect(254, path, &["check", "--completions-only", "h"]);
    assert!(
        complaint.contains("semaphore") && complaint.contains("fenced-lock"),
        "{complaint}"
    );
}

#[test]
fn a_file_without_processes_is_told_how_it_is_read() {
    let read = |events: &[&str]| {
        let line = |event: &&str| format!("{{:type :{event}}}\n");
        events.iter().map(line).collect::<String>()
    };
    let answer = judged(
        0,
        &read(&["invoke :f :write :value 1", "ok :f :write :value 1"]),
    );
    assert!(
        answer["notes"]
            .to_string()
            .contains("no event has a `process`"),
        "{answer}"
    );
    assert!(!judged(0, VALID)["notes"].to_string().contains("`process`"));
    // What runs at the same time cannot be of one client: the error says where that came from.
    let folder = scratch();
    fs::write(
        folder.path().join("h"),
        read(&["invoke :f :write :value 1", "invoke :f :read"]),
    )
    .unwrap();
    let (_, complaint) = expect(254, folder.path(), &["check", "-m", "register", "h"]);
    assert!(
        complaint.contains("still open") && complaint.contains("no event has a `process`"),
        "{complaint}"
    );
}

#[test]
fn only_a_judge_that_looks_for_an_order_explains() {
    let folder = scratch();
    let path = folder.path();
    let check = |model: &str, level: &str, events: &[(&str, &str, &str)]| {
        let line = |(f, invoked, ok): &(&str, &str, &str)| {
            format!(
                "{{:process 0 :type :invoke :f :{f} :value {invoked}}} {{:process 0 :type :ok :f :{f} :value {ok}}}\n"
            )
        };
        fs::write(path.join("h"), events.iter().map(line).collect::<String>()).unwrap();
        let mut arguments = vec!["check", "-m", model, "h"];
        if !level.is_empty() {
            arguments.extend(["-c", level]);
        }
        expect(0, path, &arguments).0
    };
    let txn = [("txn", "[[:append 1 1]]", "[[:append 1 1]]")];
    let set = [("add", "1", "1"), ("read", "nil", "[1]")];
    let write = [("write", "1", "1")];
    for (model, level, events) in [
        ("register", "", &write[..]),
        ("register", "sequential", &write),
        ("register", "k-atomic=2", &write),
        ("list-append", "", &txn),
        ("list-append", "serializable", &txn),
        ("set", "", &set),
    ] {
        let printed = check(model, level, events);
        assert!(
            printed.contains("every one explained"),
            "{model} {level}: {printed}"
        );
    }
    for (model, level, events) in [
        ("unique-ids", "", &[("generate", "nil", "1")][..]),
        ("set-full", "", &set),
        ("set-final", "", &set),
        (
            "total-queue",
            "",
            &[("enqueue", "1", "1"), ("drain", "nil", "[1]")],
        ),
        ("list-append", "read-committed", &txn),
        ("list-append", "monotonic-reads", &txn),
    ] {
        let printed = check(model, level, events);
        assert!(!printed.contains("explained"), "{model} {level}: {printed}");
    }
}

#[test]
fn a_model_without_levels_says_so() {
    let bank = "{:process 0 :type :invoke :f :transfer :value {:from 0 :to 1 :amount 1}}
        {:process 0 :type :ok :f :transfer :value {:from 0 :to 1 :amount 1}}
        {:process 0 :type :invoke :f :read} {:process 0 :type :ok :f :read :value {0 49 1 51}}";
    let folder = scratch();
    let path = folder.path();
    fs::write(path.join("h"), bank).unwrap();
    let says = "bank has no levels: it is judged by a rule of its own";
    for arguments in [
        &["check", "-c", "serializable", "h"][..],
        &["check", "-m", "bank", "-c", "serializable", "h"],
        &["check", "-m", "bank", "-c", "linearizable", "--json", "h"],
    ] {
        let (_, complaint) = expect(254, path, arguments);
        assert!(
            complaint.contains(says) && complaint.contains("leave --consistency out"),
            "{complaint}"
        );
        assert!(!complaint.contains("known:"), "{complaint}");
    }
    assert!(expect(0, path, &["check", "h"]).0.contains(says));
    assert!(judged(0, bank)["notes"].to_string().contains(says));
    assert!(!judged(0, VALID)["notes"].to_string().contains("no levels"));
    let (printed, _) = expect(0, path, &["list", "models"]);
    assert!(
        printed.contains("levels: none, a rule of its own"),
        "{printed}"
    );
    let (printed, _) = expect(0, path, &["list", "models", "--json"]);
    let models: Value = serde_json::from_str(&printed).unwrap();
    for model in models["models"].as_array().unwrap() {
        let none = model["consistency"].as_array().unwrap().is_empty();
        let levels = model["levels"].as_str().unwrap();
        assert_eq!(levels.starts_with("none"), none, "{model}");
        assert!(!levels.is_empty(), "{model}");
    }
}

#[test]
fn what_names_of_levels_mean_stands_where_users_look() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let folder = scratch();
    let text = "{:process 0 :type :invoke :f :txn :value [[:append 1 1]]} {:process 0 :type :ok :f :txn :value [[:append 1 1]]}";
    fs::write(folder.path().join("h"), text).unwrap();
    let ladder = words(&expect(0, folder.path(), &["check", "h"]).0);
    let help = words(&expect(0, folder.path(), &["check", "--help"]).0);
    let readme = words(include_str!("../../README.md"));
    assert_eq!(LEGEND.len(), 3);
    for sentence in LEGEND.map(words) {
        for (place, text) in [("ladder", &ladder), ("--help", &help), ("README", &readme)] {
            assert!(text.contains(&sentence), "{place} does not say: {sentence}");
        }
    }
    let one = expect(0, folder.path(), &["check", "-c", "causal", "h"]).0;
    assert!(!one.contains("Plume"), "{one}");
}
