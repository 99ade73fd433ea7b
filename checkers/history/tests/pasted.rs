//! Histories pasted from tests, pages and messages: read as people mean them, or refused with the place and the remedy.

use rupture_history::codec::{self, ParseError};
use rupture_history::{History, Kind};

const EVENTS: &str = "{:process 0, :type :invoke, :f :write, :value 1}
{:process 0, :type :ok, :f :write, :value 1}
{:process 1, :type :invoke, :f :read, :value nil}
{:process 1, :type :ok, :f :read, :value 1}";

const CALLS: &str = "(invoke-op 0 :write 1)
(ok-op 0 :write 1) ; it happened
#_(fail-op 0 :write (inc 1))
(invoke-op 1 :read nil)
(ok-op 1 :read 1)";

fn read(text: &str) -> Result<History, ParseError> {
    codec::read(text.as_bytes())
}

/// The events as lines of EDN, without their indices.
fn lines(history: &History) -> Vec<String> {
    let line = |event: rupture_history::EventRef<'_>| {
        format!(
            "{} {} {} {}",
            event.process(),
            event.kind().name(),
            event.f(),
            event.value()
        )
    };
    history.iter().map(line).collect()
}

/// Every line of a text with something before and behind it.
fn around(text: &str, before: &str, behind: &str) -> String {
    text.lines()
        .flat_map(|line| [before, line, behind])
        .collect()
}

fn same(text: &str) -> History {
    let history = read(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let plain = read(EVENTS).expect("plain events");
    assert_eq!(lines(&history), lines(&plain), "{text}");
    history
}

#[test]
fn code_around_a_history_is_left_out() {
    for text in [
        "'[E]",
        "`(E)",
        "(def h [E])",
        "(ns foo.test (:require [knossos.op :refer :all]))\n\n(def history\n  \"What went wrong\"\n  '(E))",
        "(let [h [E]] (check (model/register) h))",
        "(deftest stale (testing \"a (strange] name\" (is (= false (:valid? (analysis (register) [E]))))))",
        "(h/history [E])",
        "(history E)",
        "(vec (list E))",
        "'[[E]]",
        "; a comment\n(def ^:private h ^{:a 1} [E])",
        "(def c \\() (def r #\"(\") (def h [E])",
        "(is (= {:valid? false :op nil} (check c nil (history [E]) {})))",
    ] {
        same(&text.replace('E', EVENTS));
        same(&text.replace('E', CALLS));
        same(&text.replace('E', CALLS).replace('\n', "\r\n"));
    }
    same(CALLS);
    same(&format!("[{CALLS}]"));
    same(&format!("({CALLS})"));
    same(&format!("\u{feff}({CALLS})"));
    same(&CALLS.replace("-op", ""));
    same(&CALLS.replace('(', "(op/"));
    same(
        "[(op 0 :invoke :write 1) (op 0 :ok :write 1) (knossos.op/op 1 :invoke :read nil) (op 1 :ok :read 1)]",
    );
    let ops = around(EVENTS, "(h/op ", ")\n");
    same(&format!("(h/history [{ops}])"));
    let info =
        read("[(invoke-op :a :cas [1 2]) (info-op :a :cas '(1 2))]").expect("two operations");
    assert_eq!(info.get(1).kind(), Kind::Info);
    assert_eq!(info.get(1).value().to_string(), "[1 2]");
}

#[test]
fn pages_and_messages_around_a_history_are_left_out() {
    let json = r#"[{"process":0,"type":"invoke","f":"write","value":1},{"process":0,"type":"ok","f":"write","value":1},
        {"process":1,"type":"invoke","f":"read","value":null},{"process":1,"type":"ok","f":"read","value":1}]"#;
    let log = "0\t:invoke\t:write\t1\n0\t:ok\t:write\t1\n1\t:invoke\t:read\tnil\n1\t:ok\t:read\t1";
    for content in [EVENTS, CALLS, json, log, "(def h [E])"] {
        let content = content.replace('E', EVENTS);
        for text in [
            "```edn\nC\n```",
            "~~~\nC\n~~~\n",
            "# What I saw\n\nHere it is:\n\n````clojure\nC\n````\n\nIs that a bug?",
            "  ```json\nC\n  ```",
        ] {
            let history = same(&text.replace('C', &content));
            assert!(history.notes().is_empty());
        }
        let quoted = around(&content, "> ", "\n");
        same(&quoted);
        same(&format!("> ```\n{quoted}> ```\n"));
        same(&quoted.replace('>', "> >"));
        let indented = around(&content, "    ", "\r\n");
        same(&indented);
    }
    let history = same(&format!(
        "Run it:\n```sh\nlein test\n```\nIt wrote:\n```\n{EVENTS}\n```"
    ));
    assert_eq!(history.notes().len(), 1);
}

#[test]
fn a_mark_in_front_means_nothing() {
    let quoted = around(EVENTS, "> ", "\n");
    let fenced = format!("```edn\n{EVENTS}\n```");
    for text in [
        fenced.clone(),
        format!("Look:\n\n{fenced}"),
        quoted.clone(),
        format!("> ```\n{quoted}> ```"),
        format!("```\n\u{feff}(def h [{CALLS}])\n```"),
        format!("(def h [{CALLS}])"),
    ] {
        let text = format!("\u{feff}{text}");
        same(&text);
        for unit in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes: Vec<u8> = text.encode_utf16().flat_map(unit).collect();
            let history = codec::read(&bytes).expect("UTF-16");
            assert_eq!(lines(&history), lines(&same(&text)));
        }
    }
    let broken = read("\u{feff}```\n{:type :invoke}\n{:type 5}\n```").expect_err("no type");
    assert_eq!((broken.line, broken.column), (3, 8), "{broken}");
    let broken = read("\u{feff}> {:type :invoke}\n> {:type 5}").expect_err("no type");
    assert_eq!((broken.line, broken.column), (2, 10), "{broken}");
}

#[test]
fn commas_of_json_may_be_left_over() {
    let event = r#"{"process":0,"type":"invoke","f":"write","value":1}"#;
    for text in ["E,\nE,\n", "E,E", "[E,\n E,\n]", "E,\nE"] {
        assert_eq!(
            read(&text.replace('E', event)).expect(text).len(),
            2,
            "{text}"
        );
    }
    for text in ["[E,,E]", "E,,E", "[E E]", "[,E]", "[E,", "[E, 1]"] {
        let error = read(&text.replace('E', event)).expect_err(text);
        assert!(error.to_string().contains("expected"), "{error}");
    }
}

#[test]
fn what_may_mean_several_things_is_refused() {
    for (text, line, word) in [
        // Two histories.
        ("(def a [E])\n(def b [E])", 5, "another one"),
        ("'[[E]\n[E]]", 5, "another one"),
        ("```\nE\n```\n```\nE\n```", 8, "another one"),
        // Something that would have to be evaluated.
        ("(def h (reverse [E]))", 1, "`reverse`"),
        ("(def h (concat [E]\n[E]))", 1, "`concat`"),
        ("(-> [E] (check))", 1, "`->`"),
        ("(def h [E\n(f 1)])", 5, "(f"),
        ("(def h [E\nx])", 5, "`x`"),
        ("[(invoke-op 0 :write x)]", 1, "`x`"),
        ("[(invoke-op 0 :write (+ 1 2))]", 1, "`+`"),
        ("[(invoke-op p :write 1)]", 1, "`p`"),
        (
            "(def h [{:process 0 :type :invoke :f :write :value (rand-int 5)}])",
            1,
            "`rand-int`",
        ),
        (
            "(def h [{:process 0 :type :invoke :f :write :value x}])",
            1,
            "`x`",
        ),
        (
            "(def h [{:process 0 :type :invoke :f :write :value @x}])",
            1,
            "`@x`",
        ),
        // Calls with other arguments.
        ("[(invoke-op 0 :read)]", 1, "invoke-op PROCESS"),
        ("[(invoke-op 0 :read nil 1)]", 1, "invoke-op PROCESS"),
        ("[(invoke-op :read 0 nil)]", 1, "invoke-op PROCESS"),
        ("[(op :invoke 0 :read nil)]", 1, ":invoke, :ok"),
        // No history, or half of one.
        ("(def h [1 2 3])", 1, "without any"),
        ("(def h [E", 4, "last bracket"),
        ("(def h [E)", 4, "`]`"),
        ("```\nE", 1, "closing fence"),
        ("```sh\nls\n```", 2, "`ls`"),
        ("> E", 1, "`>`"),
        ("\"E\"", 1, "`\""),
    ] {
        let text = text.replace('E', EVENTS);
        let error = read(&text).expect_err(&text);
        assert!(error.to_string().contains(word), "{error}\n{text}");
        assert_eq!(error.line, line, "{error}\n{text}");
    }
}

#[test]
fn what_would_change_the_verdict_is_refused() {
    // A history as it is, and calls whose arguments leave every verdict as it is.
    for text in [
        "(analysis (model/mutex) [E])",
        "(linear/analysis (cas-register nil) (history [E]))",
        "(analysis (register) #_(register 0) [E])",
        "(check (checker/linearizable {:model (model/cas-register) :algorithm :linear}) {:name \"a\"} (history [E]) {})",
        "(is (= {:valid? false :op 3} (wgl/analysis m (h/history {:have-indices? true} [E]))) \"told\")",
        "(let [m (register) h [E]] (:valid? (analysis m h)))",
    ] {
        same(&text.replace('E', EVENTS));
        same(&text.replace('E', CALLS));
    }
    let value = "(analysis (register) [{:type :ok :f :read :process 0 :value {:a 1}} (ok-op 0 :read {:b \"c\"})])";
    assert_eq!(read(value).expect("values with options' looks").len(), 2);
    for (text, line, words) in [
        (
            "(deftest stale (is (:valid? (analysis (register 0) [E]))))",
            1,
            "`(register 0)`|--initial 0 ",
        ),
        (
            "(linear/analysis\n (cas-register 3)\n (history [E]))",
            2,
            "`(cas-register 3)`|--initial 3 ",
        ),
        ("(analysis (model/cas-register :a) [E])", 1, "--initial :a "),
        (
            "(let [m (register\n0) h [E]] (analysis m h))",
            1,
            "`(register 0)`|--initial 0 ",
        ),
        (
            "(def h [E])\n(def m (model/set #{1}))",
            5,
            "`(model/set #{1})`|--initial",
        ),
        (
            "(analysis (multi-register {:x 0}) [E])",
            1,
            "`(multi-register {:x 0})`|--initial",
        ),
        (
            "(analysis (register x) [E])",
            1,
            "`(register x)`|its value with --initial",
        ),
        ("(analysis (->Register 0) [E])", 1, "`(->Register 0)`"),
        (
            "(analysis (knossos.model.CASRegister. 0) [E])",
            1,
            "CASRegister. 0",
        ),
        (
            "(analysis (map->Register {:value 0}) [E])",
            1,
            "map->Register",
        ),
        ("(analysis (assoc (register) :value 0) [E])", 1, "found `0`"),
        (
            "(check (linearizable {:model (register 0)}) nil [E] {})",
            1,
            "`(register 0)`",
        ),
        (
            "(check (set-full {:linearizable? true}) nil [E] {})",
            1,
            "`:linearizable?`",
        ),
        (
            "(elle.list-append/check {:consistency-models [:read-atomic]} [E])",
            1,
            "`:consistency-models`|keep the history alone",
        ),
        (
            "(let [o {:consistency-models [:read-atomic]} h [E]]\n(check o h))",
            1,
            "`:consistency-models`",
        ),
        ("(check (compose {:a (queue)}) nil\n[E] {:b 1})", 1, "`:a`"),
        ("(check c nil [E] {:b 1})", 4, "`:b`"),
    ] {
        for content in [EVENTS, CALLS] {
            if content == CALLS && line > 3 {
                continue;
            }
            let text = text.replace('E', content);
            let error = read(&text).expect_err(&text);
            for word in words.split('|') {
                assert!(error.to_string().contains(word), "{error}\n{text}");
            }
            assert_eq!(error.line, line, "{error}\n{text}");
        }
    }
}

#[test]
fn deep_and_long_code_ends() {
    let deep = "(def h ".repeat(200_000);
    assert!(read(&deep).is_err());
    assert!(
        read(&format!(
            "(def h {}{}",
            "[".repeat(200_000),
            "]".repeat(200_000)
        ))
        .is_err()
    );
    assert!(read(&"```\n```\n".repeat(100_000)).is_err());
    let many = format!("(def h [{}])", "(ok-op 0 :read 1) ".repeat(100_000));
    assert_eq!(read(&many).expect("many").len(), 100_000);
}

#[test]
fn what_shells_of_windows_write_is_read() {
    for text in [
        EVENTS.to_owned(),
        CALLS.replace('1', "\"\u{1f600}\u{e9}\""),
        "```\r\n".to_owned() + EVENTS + "\r\n```",
    ] {
        let little = text.encode_utf16().flat_map(u16::to_le_bytes);
        let big = text.encode_utf16().flat_map(u16::to_be_bytes);
        let plain = read(&text).expect("UTF-8");
        for bytes in [
            [0xff, 0xfe].into_iter().chain(little).collect::<Vec<u8>>(),
            [0xfe, 0xff].into_iter().chain(big).collect(),
        ] {
            assert_eq!(lines(&codec::read(&bytes).expect("UTF-16")), lines(&plain));
            let error = codec::read(&bytes[..bytes.len() - 1]).expect_err("half a character");
            assert!(
                error.to_string().contains("convert the file to UTF-8"),
                "{error}"
            );
        }
    }
    let text: Vec<u8> = "\u{feff}{:type :ok}\n{:type 5}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(codec::read(&text).expect_err("no type").line, 2);
}
