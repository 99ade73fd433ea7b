//! Whatever the input, the answer is a history or an error that says where and what.

mod common;

use proptest::prelude::*;
use rupture_history::codec::{self, Format};

const SAMPLES: [&[u8]; 13] = [
    include_bytes!("data/lines.edn"),
    include_bytes!("data/vector.edn"),
    include_bytes!("data/list.edn"),
    include_bytes!("data/records.edn"),
    include_bytes!("data/opaque.edn"),
    include_bytes!("data/sparse.edn"),
    include_bytes!("data/key-value.txt"),
    include_bytes!("data/array.json"),
    include_bytes!("data/lines.jsonl"),
    include_bytes!("data/jepsen.log"),
    include_bytes!("data/history.txt"),
    b"(ns t)\n(def h '[(op/invoke :a :cas [1 2]) #_x {:process :a, :type :info, :f :cas, :value \"(\"}]) ; \xc3\xa9\n",
    b"> # Seen\n> ```edn\n> (h/op {:type :ok, :f :read, :process 0})\n> ```\n",
];

const FORMATS: [Format; 3] = [Format::Edn, Format::Json, Format::Log];

/// A history, or an error whose place lies in the file; and a history that pairs, or does not.
fn check(bytes: &[u8]) {
    match codec::read(bytes) {
        Ok(history) => {
            let _ = history.operations();
            let mut text = String::new();
            codec::edn::write_history(&mut text, &history);
            let again =
                codec::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
            assert_eq!(again.len(), history.len());
        }
        Err(error) => {
            let lines = bytes.split(|&byte| byte == b'\n').count();
            assert!((1..=lines).contains(&error.line), "{error}");
            assert!(
                error.column >= 1 && error.column <= bytes.len() + 1,
                "{error}"
            );
            assert!(
                !error.expected.is_empty() && !error.found.is_empty(),
                "{error}"
            );
        }
    }
}

#[test]
fn every_prefix_of_every_sample() {
    for sample in SAMPLES {
        assert!(codec::read(sample).is_ok());
        for length in 0..sample.len() {
            check(&sample[..length]);
            for format in FORMATS {
                let _ = codec::read_as(format, &sample[..length]);
            }
        }
    }
}

#[test]
fn every_small_mutation_of_every_sample() {
    const BYTES: &[u8] = b"\0\t\n \"#'(),-./09:;<>@[\\]^_`aNMe{}~\x7f\x80\xc3\xff";
    for sample in SAMPLES {
        for at in 0..sample.len() {
            let mut bytes = sample.to_vec();
            bytes.remove(at);
            check(&bytes);
            for &byte in BYTES {
                bytes.insert(at, byte);
                check(&bytes);
                bytes[at] = sample[at];
                bytes.insert(at, byte);
                check(&bytes);
                bytes.remove(at);
                bytes.remove(at);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        check(&bytes);
        for format in FORMATS {
            let _ = codec::read_as(format, &bytes);
        }
    }

    #[test]
    fn any_text_of_the_right_alphabet(text in r#"[\[\](){}#^_:;<"\\,/ \n\t0-9a-eNM.+-]{0,40}"#) {
        let events = [format!("{{:type :ok, :value {text}}}"), format!("{{\"type\":\"ok\",\"value\":{text}}}")];
        check(text.as_bytes());
        for event in events {
            check(event.as_bytes());
        }
    }

    #[test]
    fn any_mutation_of_what_we_write(
        events in common::events(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..4),
        as_json in any::<bool>(),
    ) {
        let mut text = String::new();
        for event in &events {
            if as_json {
                codec::jsonl::write_event(&mut text, event);
            } else {
                codec::edn::write_event(&mut text, event);
            }
        }
        let mut bytes = text.into_bytes();
        for (at, byte, edit) in edits {
            let place = at.index(bytes.len() + 1);
            match edit {
                0 => bytes.insert(place, byte),
                _ if place == bytes.len() => {}
                1 => bytes[place] = byte,
                _ => drop(bytes.remove(place)),
            }
        }
        check(&bytes);
    }
}

#[test]
fn deep_values_are_refused_and_never_overflow() {
    let million = 1_000_000;
    let wrap = |opener: &str, closer: &str, levels: usize| {
        let inside = format!("{}1{}", opener.repeat(levels), closer.repeat(levels));
        [
            format!("{{:type :ok, :value {inside}}}"),
            format!("{{\"type\":\"ok\",\"value\":{inside}}}"),
            format!("0\t:ok\t:read\t{inside}"),
        ]
    };
    for (number, text) in wrap("[", "]", 256).iter().enumerate() {
        assert!(codec::read(text.as_bytes()).is_ok(), "{number}");
    }
    for (opener, closer) in [
        ("[", "]"),
        ("{1 ", "}"),
        ("#a ", ""),
        ("#_ ", ""),
        ("^ a ", ""),
        ("#{", "}"),
    ] {
        for text in wrap(opener, closer, million) {
            check(text.as_bytes());
        }
    }
    for text in wrap("[", "]", 257) {
        let error = codec::read(text.as_bytes()).expect_err("too deep");
        assert_eq!(error.expected, "a value of at most 256 levels");
    }
    for text in [
        "[".repeat(million),
        "{\"a\":".repeat(million),
        "\u{feff}".repeat(million),
    ] {
        check(text.as_bytes());
    }
    check(format!("{{:type :ok, :value {}", "#<".repeat(million)).as_bytes());
}

/// The message of the error that reading this text gives.
fn message(text: impl AsRef<[u8]>) -> String {
    match codec::read(text.as_ref()) {
        Ok(history) => panic!("read {:?}", history.iter().collect::<Vec<_>>()),
        Err(error) => error.with_file("h").to_string(),
    }
}

/// A file and the message of its error, in which CUT stands for the advice on files that end too early.
const MESSAGES: &[(&str, &str)] = &[
    (
        "{:type :ok}\n{:type :done}",
        "h:2:8: expected :invoke, :ok, :fail or :info, found `:done`",
    ),
    (
        "{:process 0}",
        "h:1:1: expected an event with a `type` of invoke, ok, fail or info, \
            found an event without a `type`",
    ),
    (
        "{:type :ok, :value [1 2}",
        "h:1:24: expected a value or `]`, found `}`",
    ),
    (
        "{:type :ok, :value [1 2",
        "h:1:24: expected a value or `]`, found the end of the file; CUT",
    ),
    (
        "{:type :ok, :value",
        "h:1:19: expected an EDN value, found the end of the file; CUT",
    ),
    (
        "{:type :ok,",
        "h:1:12: expected a key of an event, such as :type, or `}`, \
            found the end of the file; CUT",
    ),
    (
        "[{:type :ok}\n",
        "h:2:1: expected an event or `]`, found the end of the file; CUT",
    ),
    (
        "[{:type :ok}] {}",
        "h:1:15: expected the end of the file, found `{`; \
            put all events into one vector, or one event on each line",
    ),
    (
        "{:type :ok} 5",
        "h:1:13: expected an event, a map such as {:process 0, :type :invoke, :f :read}, \
            found `5`",
    ),
    (
        "{:type :ok, 5 6}",
        "h:1:13: expected a key of an event, such as :type, or `}`, found `5`",
    ),
    (
        "{:type :ok, :é \"x",
        "h:1:16: expected a string that ends, found one without a closing quote; CUT",
    ),
    (
        "{:type :ok, :value \"\\x\"}",
        "h:1:21: expected an escape that EDN knows, such as \\n, found `\\\\x`",
    ),
    (
        "{:type :ok, :value {1}}",
        "h:1:22: expected a value for the last key of the map, found `}`",
    ),
    (
        "{:type :ok, :value @x}",
        "h:1:20: expected an EDN value, found `@x`",
    ),
    (
        "{:type :ok, :type :ok}",
        "h:1:13: expected every field of an event once, found `type` a second time",
    ),
    (
        "{:type :ok, :time 1.5}",
        "h:1:19: expected a time in nanoseconds, an integer, found `1.5`",
    ),
    (
        "{:type :ok, :index -2}",
        "h:1:20: expected an index, which is not below zero, found `-2`",
    ),
    (
        "w(1,1,0,0)\n  w(1,2,0)\n",
        "h:2:3: expected an operation such as w(KEY,VALUE,SESSION,TRANSACTION), all of them integers, \
            found `w`",
    ),
    (
        "[[{\"events\": [{\"Scan\": 1}], \"committed\": true}]]",
        "h:1:1: expected transaction 0 to be {\"events\": [{\"Write\": {\"variable\": 0, \"version\": 1}}], \
            \"committed\": true} or alike, found something else in session 0, counted from 0",
    ),
    (
        "{:type :ok, :value {:a 1, :b 2, :a 3}}",
        "h:1:20: expected a map with every key once, found `:a` twice",
    ),
    (
        "{:type :ok, :value {#{1 2} 1, 1 2, #{2 1} 3}}",
        "h:1:20: expected a map with every key once, found `#{2 1}` twice",
    ),
    (
        "{:type :ok, :value {7 1, 7N 2}}",
        "h:1:20: expected a map with every key once, found `7` twice",
    ),
    (
        "{:type :ok, :value [#{2 0.5 1 -0.0 0.0}]}",
        "h:1:21: expected a set with every element once, found `0.0` twice",
    ),
    (
        "{:type :ok, :node 1, :node 2}",
        "h:1:1: expected a map with every key once, found `:node` twice",
    ),
    (
        "{\"type\": \"ok\", \"value\": {\"7\": 1, \"7\": 2}}",
        "h:1:25: expected a map with every key once, found `7` twice",
    ),
    (
        "{:type :ok, :value 007}",
        "h:1:20: expected a number, found `007`; \
            leave out the zeros in front, with which other readers take it for octal",
    ),
    (
        "{:type :ok, :value 1/0}",
        "h:1:20: expected a number, found `1/0`",
    ),
    (
        "{\"type\": \"ok\", \"value\": +1}",
        "h:1:25: expected a JSON value, found `+1`",
    ),
    (
        "{:type :ok, :index 4}\n{:type :ok, :index 3}",
        "h:2:20: expected an index above that of the event before, \
            found `3`; sort the events by index, or leave all indices out",
    ),
    (
        "{:type :ok, :process 1}\n{:type :ok}",
        "h:2:1: expected a `process` in every event or in none, \
            found the first event without one; give every event its process",
    ),
    (
        "{:type :ok}\n{:type :ok, :process 1}",
        "h:2:1: expected a `process` in every event or in none, \
            found the first event with one; give every event its process",
    ),
    (
        "{\"type\":\"ok\",\"value\":[1,2}",
        "h:1:26: expected `,` or `]`, found `}`",
    ),
    (
        "{\"type\":\"ok\",\"value\":[1,",
        "h:1:25: expected a JSON value, found the end of the file; CUT",
    ),
    (
        "{\"type\":\"ok\",}",
        "h:1:14: expected a key of an event, such as \"type\", found `}`",
    ),
    (
        "{\"type\":\"done\"}",
        "h:1:9: expected \"invoke\", \"ok\", \"fail\" or \"info\", found `\"done`",
    ),
    (
        "{\"type\":ok}",
        "h:1:9: expected \"invoke\", \"ok\", \"fail\" or \"info\", found `ok`",
    ),
    ("{\"type\" \"ok\"}", "h:1:9: expected `:`, found `\"ok`"),
    (
        "{\"type\":\"ok\",\"value\":01}",
        "h:1:22: expected a number, found `01`",
    ),
    (
        "{\"type\":\"ok\",\"value\":nul}",
        "h:1:22: expected a JSON value, found `nul`",
    ),
    (
        "{\"type\":\"ok\",\"value\":\"\\ud800x\"}",
        "h:1:25: expected the code of a character, or both halves of a pair, \
            found `d800x`",
    ),
    (
        "{\"type\":\"ok\",\"value\":\"a\tb\"}",
        "h:1:24: expected an escape such as \\n within a string, \
            found `\\tb`",
    ),
    (
        "[{\"type\":\"ok\"} {\"type\":\"ok\"}]",
        "h:1:16: expected `,` or `]`, found `{`",
    ),
    (
        "[{\"type\":\"ok\"}]\n[",
        "h:2:1: expected the end of the file, found `[`; \
            put all events into one array, or one event on each line",
    ),
    (
        "INFO  jepsen.util - 0\t:ok\t:read",
        "h:1:32: expected a tab or a blank, and the rest of an operation, \
            found the end of the line",
    ),
    (
        "0\t:ok\t:read\tnil\n0\t:o",
        "h:2:1: expected an operation, PROCESS :TYPE :F VALUE with tabs or blanks between, \
            found `0`; remove lines that are no operations",
    ),
    (
        "index,time\n",
        "h:1:1: expected a history in EDN or JSON, or Jepsen's text log, found `index`",
    ),
];

const CUT: &str = "if its writer was stopped, remove the incomplete event at the end of the file";

#[test]
fn messages_name_place_expectation_and_remedy() {
    let wrong: Vec<_> = MESSAGES
        .iter()
        .map(|(text, expected)| (message(text), expected.replace("CUT", CUT)))
        .filter(|(message, expected)| message != expected)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn bytes_that_are_no_text() {
    assert_eq!(
        message(b"{:type :ok}\n{:type \xff}"),
        "h:2:8: expected UTF-8, found `\u{fffd}`; convert the file to UTF-8"
    );
    assert_eq!(
        message(b"\x1f\x8b\x08"),
        "h:1:1: expected a history in EDN or JSON, or Jepsen's text log, found a gzip archive; unpack it first"
    );
}

#[test]
fn without_a_file_the_message_names_line_and_column() {
    let error = codec::read(b"{:type :done}").expect_err("no such type");
    assert!(
        error.to_string().starts_with("line 1, column 8: expected "),
        "{error}"
    );
    assert_eq!((error.line, error.column, error.file), (1, 8, None));
}

#[test]
fn long_words_are_shortened() {
    let text = format!("{{:type :{}}}", "x".repeat(100));
    let expected = format!("found `:{}...`", "x".repeat(23));
    assert!(message(&text).ends_with(&expected), "{}", message(&text));
}

#[test]
fn a_namespace_cannot_blow_up_memory() {
    let text = format!("{{:type :ok, :value #:{}{{:a 1}}}}", "n".repeat(300));
    assert!(message(text).contains("expected a namespace of at most 256 bytes"));
}
