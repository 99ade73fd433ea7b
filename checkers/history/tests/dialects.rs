//! A small file of every dialect, and what it must say.

use rupture_history::codec::{self, Format};
use rupture_history::{Event, EventRef, Float, History, Kind, Name, Process, Value};

fn read(format: Format, text: &str) -> Vec<Event> {
    assert_eq!(codec::detect(text.as_bytes()), Some(format), "{text}");
    let history = codec::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    history.iter().map(EventRef::to_event).collect()
}

/// The value of the only event of a history, from its text.
fn edn(value: &str) -> Value {
    let text = format!("{{:type :ok, :process 0, :value {value}}}");
    read(Format::Edn, &text).remove(0).value
}

fn json(value: &str) -> Value {
    let text = format!(r#"{{"type":"ok","process":0,"value":{value}}}"#);
    read(Format::Json, &text).remove(0).value
}

fn event(index: u64, time: i64, kind: Kind, process: i64, f: &str, value: Value) -> Event {
    let mut event = Event::new(process, kind, f, value);
    event.index = Some(index);
    event.time = time;
    event
}

fn named(event: Event, name: &str) -> Event {
    let process = Process::Named(key(name));
    Event { process, ..event }
}

fn with(mut event: Event, name: &str, value: Value) -> Event {
    event.extra.push((Name::from(name), value));
    event
}

fn key(name: &str) -> Value {
    Value::keyword(name)
}

fn str(text: &str) -> Value {
    Value::str(text)
}

fn other(text: &str) -> Value {
    Value::Other(text.into())
}

fn float(x: f64) -> Value {
    Value::Float(Float(x))
}

fn vector<const N: usize>(items: [Value; N]) -> Value {
    Value::Vector(Vec::from(items))
}

fn ints<const N: usize>(items: [i64; N]) -> Value {
    Value::Vector(items.map(Value::Int).to_vec())
}

fn map<const N: usize>(entries: [(Value, Value); N]) -> Value {
    Value::Map(Vec::from(entries))
}

#[test]
fn one_map_a_line() {
    let set = |node: &str| Value::Set(vec![str(node)]);
    let txn = vector([
        vector([key("append"), 2.into(), 1.into()]),
        vector([key("r"), key("x"), Value::Nil]),
    ]);
    let isolated = map([(str("n1"), set("n3")), (str("n3"), set("n1"))]);
    let start = |index, time, value| {
        named(
            event(index, time, Kind::Info, 0, "start-partition", value),
            "nemesis",
        )
    };
    let timed_out = event(3, 3_567_733_708, Kind::Info, 0, "txn", txn.clone());
    let failed = event(9, 3_567_733_999, Kind::Fail, 5, "read", Value::Nil);
    let refused = vector([key("conn-refused"), str("connection\nrefused")]);
    let expected = [
        event(0, 3_291_485_317, Kind::Invoke, 0, "txn", txn),
        start(1, 3_301_485_317, key("majority")),
        start(2, 3_301_900_000, vector([key("isolated"), isolated])),
        with(timed_out, "error", str("indeterminate: timeout")),
        event(7, 3_567_733_709, Kind::Invoke, 5, "read", Value::Nil),
        with(
            with(with(failed, "error", refused), "node", str("n1")),
            "final?",
            true.into(),
        ),
    ];
    assert_eq!(read(Format::Edn, include_str!("data/lines.edn")), expected);
}

#[test]
fn a_vector_with_comments() {
    let cas = event(3, -1, Kind::Fail, 1, "cas", ints([2, 3]));
    let expected = [
        event(0, -1, Kind::Invoke, 4, "write", 2.into()),
        event(1, -1, Kind::Ok, 4, "write", 2.into()),
        event(2, -1, Kind::Invoke, 1, "cas", ints([2, 3])),
        with(cas, "error", key("precondition")),
    ];
    assert_eq!(read(Format::Edn, include_str!("data/vector.edn")), expected);
}

#[test]
fn a_list() {
    let expected = [
        event(0, 99_286_665_244, Kind::Invoke, 0, "write", 0.into()),
        event(1, 99_286_666_632, Kind::Ok, 0, "write", 0.into()),
        event(2, 99_286_666_700, Kind::Invoke, 1, "read", Value::Nil),
    ];
    assert_eq!(read(Format::Edn, include_str!("data/list.edn")), expected);
}

#[test]
fn records_with_exceptions_metadata_and_namespaces() {
    let events = read(Format::Edn, include_str!("data/records.edn"));
    assert_eq!(events.len(), 3);
    assert_eq!(events[0], event(0, 12, Kind::Invoke, 0, "read", Value::Nil));
    let exception = events[1].extra[0].1.to_string();
    assert!(
        exception.contains(":type java.net.SocketTimeoutException"),
        "{exception}"
    );
    let clocks = [
        (key("clock/n1"), float(1.5e-4)),
        (key("clock/n2"), float(f64::NAN)),
    ];
    let offsets = map([(str("n1"), float(0.001)), (str("n2"), float(-1e9))]);
    let bump = named(event(2, 14, Kind::Info, 0, "bump", map(clocks)), "nemesis");
    assert_eq!(events[2], with(bump, "clock-offsets", offsets));
}

#[test]
fn values_that_have_no_place_are_kept() {
    let events = read(Format::Edn, include_str!("data/opaque.edn"));
    let numbers = vector([
        Value::Set(vec![1.into(), 2.into()]),
        float(f64::NAN),
        float(f64::INFINITY),
        float(f64::NEG_INFINITY),
        other("4/5"),
        7.into(),
        other("123456789012345678901234567890"),
        other("1.5M"),
        float(0.0),
        float(1000.0),
    ]);
    assert_eq!(events[0].value, numbers);
    let symbol = |name: &str| Value::Symbol(name.into());
    let atoms = vector([
        other("\\a"),
        other("\\newline"),
        other("\\("),
        other("\\u00e9"),
        symbol("a.b/c"),
        symbol("+"),
        symbol("-"),
        symbol("-x"),
        str("q\"\\é\n"),
        other("#\"a\\\"b\""),
        other("#'user/x"),
        other("#<Object <a>>"),
    ]);
    assert_eq!(events[1].value, atoms);
    let tagged = |tag: &str, value| Value::Tagged(tag.into(), Box::new(value));
    let error = map([(key("cause"), str("x")), (key("via"), vector([]))]);
    let object = vector([symbol("java.lang.Object"), 42.into(), str("o")]);
    let instant = tagged("inst", str("2024-01-01T00:00:00.000-00:00"));
    let odd = event(2, -1, Kind::Info, 0, "odd", instant);
    let db = Event {
        process: Process::Named(str("db")),
        ..odd
    };
    let db = with(db, "error", tagged("error", error));
    assert_eq!(events[2], with(db, "lock", tagged("object", object)));
    let nested = vector([1.into(), ints([2]), map([]), Value::Set(vec![])]);
    let last = event(3, -1, Kind::Info, -1, "", nested);
    assert_eq!(
        events[3],
        with(last, "thrown", tagged("unordered/set", ints([1])))
    );
}

#[test]
fn events_without_index_time_process_or_function() {
    let read_of = |value| vector([vector([key("r"), 0.into(), value])]);
    let expected = [
        event(0, -1, Kind::Invoke, 0, "", read_of(Value::Nil)),
        event(1, -1, Kind::Ok, 0, "", read_of(1.into())),
        event(2, -1, Kind::Invoke, 0, "read", Value::Nil),
        event(
            3,
            -1,
            Kind::Ok,
            0,
            "read",
            map([(0.into(), 100.into()), (1.into(), 0.into())]),
        ),
    ];
    assert_eq!(read(Format::Edn, include_str!("data/sparse.edn")), expected);
}

#[test]
fn porcupines_key_value_log() {
    let events = read(Format::Edn, include_str!("data/key-value.txt"));
    let get = event(2, -1, Kind::Ok, 1, "get", str(""));
    assert_eq!(events[2], with(get, "key", str("0")));
}

#[test]
fn a_json_array() {
    let txn = |seen| {
        vector([
            vector([str("append"), 1.into(), 2.into()]),
            vector([str("r"), str("x"), seen]),
        ])
    };
    let seen = vector([1.into(), float(2.5), float(-300.0)]);
    let entries = map([
        (0.into(), 100.into()),
        ((-7).into(), 0.into()),
        (str("07"), true.into()),
        (str("n1"), str("café 😀\n")),
    ]);
    let expected = [
        event(0, 1, Kind::Invoke, 0, "txn", txn(Value::Nil)),
        event(1, 2, Kind::Ok, 0, "txn", txn(seen)),
        named(event(2, -1, Kind::Info, 0, "start", entries), "nemesis"),
    ];
    assert_eq!(
        read(Format::Json, include_str!("data/array.json")),
        expected
    );
}

#[test]
fn json_lines() {
    let wide = || other("12345678901234567890");
    let info = event(1, 9, Kind::Info, 0, "write", wide());
    let expected = [
        event(0, 1, Kind::Invoke, 0, "write", wide()),
        with(info, "error", vector([str("timed-out"), Value::Nil])),
        event(2, 10, Kind::Invoke, 1, "read", Value::Nil),
    ];
    assert_eq!(
        read(Format::Json, include_str!("data/lines.jsonl")),
        expected
    );
}

#[test]
fn the_text_log() {
    let start = named(event(4, -1, Kind::Info, 0, "start", Value::Nil), "nemesis");
    let expected = [
        event(0, -1, Kind::Invoke, 0, "read", Value::Nil),
        event(1, -1, Kind::Invoke, 3, "cas", ints([0, 2])),
        event(2, -1, Kind::Fail, 0, "read", key("timed-out")),
        event(3, -1, Kind::Info, 3, "cas", key("timed-out")),
        with(start, "error", str("indeterminate: no leader yet")),
    ];
    assert_eq!(read(Format::Log, include_str!("data/jepsen.log")), expected);
}

#[test]
fn the_text_log_without_loggers() {
    let cut = str("Cut off {:n1 #{:n2}}");
    let info = event(2, -1, Kind::Info, 0, "write", 3.into());
    let expected = [
        event(0, -1, Kind::Invoke, 0, "write", 3.into()),
        named(event(1, -1, Kind::Info, 0, "start", cut), "nemesis"),
        with(info, "error", vector([key("timeout"), 5.into()])),
    ];
    assert_eq!(
        read(Format::Log, include_str!("data/history.txt")),
        expected
    );
}

#[test]
fn the_text_log_with_blanks_numbers_and_other_loggers() {
    let expected = [
        event(0, -1, Kind::Invoke, 0, "cas", ints([1, 2])),
        event(1, -1, Kind::Invoke, 1, "read", Value::Nil),
        event(2, -1, Kind::Ok, 1, "read", 3.into()),
        with(
            event(3, -1, Kind::Info, 0, "cas", ints([1, 2])),
            "error",
            key("timed-out"),
        ),
    ];
    let lines = [
        "0 :invoke :cas [1 2]",
        "1   :invoke :read  nil",
        "1\t:ok\t:read\t3",
        "0   :info :cas  [1 2] :timed-out",
    ];
    let with_prefix = |prefix: fn(usize) -> String| -> String {
        let numbered = lines.iter().enumerate();
        let texts: Vec<String> = numbered
            .map(|(n, line)| format!("{}{line}\r\n", prefix(n)))
            .collect();
        texts.concat()
    };
    let prefixes: [fn(usize) -> String; 15] = [
        |_| String::new(),
        |_| "  ".to_owned(),
        |n| format!("{:6}\t", n + 1),
        |n| format!("{n} "),
        |_| "INFO  jepsen.util - ".to_owned(),
        |n| format!("{n}\tINFO  jepsen.util - "),
        |n| format!("{n}: "),
        |n| format!("{n}) "),
        |_| "2016-01-01 00:00:00,123 INFO  jepsen.util - ".to_owned(),
        |n| format!("  {n}  2016-01-01T00:00:00.123Z INFO  jepsen.util - "),
        |_| "2018-01-01 12:00:00,000{GMT} INFO [jepsen worker 1] jepsen.util: ".to_owned(),
        |_| "INFO [main] jepsen.util - ".to_owned(),
        |_| "[2016-01-01 00:00:00] ".to_owned(),
        |n| format!("00:00:00,123 {n} "),
        |_| "1451606400.123 ".to_owned(),
    ];
    for prefix in prefixes {
        let text = with_prefix(prefix);
        assert_eq!(read(Format::Log, &text), expected, "{text}");
        assert_eq!(codec::detect(text.as_bytes()), Some(Format::Log), "{text}");
    }
    for stamped in [
        "2016-01-01 00:00:00,123 INFO  jepsen.core - ",
        "12:00:00 WARN [main] a.b: ",
    ] {
        let other = format!("{stamped}Worker 1 :invoke :read nil is told apart\n");
        let mixed = format!("{other}{}{other}", with_prefix(prefixes[8]));
        assert_eq!(read(Format::Log, &mixed), expected);
    }
    let other = "INFO  jepsen.core - Worker 1 :invoke :read nil is told apart\n";
    let mixed = format!("{other}{}{other}", with_prefix(prefixes[4]));
    assert_eq!(read(Format::Log, &mixed), expected);
    // A newer Jepsen puts the time and the thread in front of everything.
    let new = "2018-01-01 12:00:00,000{GMT}\tINFO\t[jepsen worker 1] jepsen.util: 1\t:invoke\t:read\tnil\n";
    assert_eq!(
        read(Format::Log, new),
        [event(0, -1, Kind::Invoke, 1, "read", Value::Nil)]
    );
    // An event in EDN is none of the text log, whatever blanks are in it.
    for text in [
        "{:process 0 :type :invoke :f :read :value nil}",
        "[{:process 1 :type :invoke :f :read}]",
    ] {
        assert_eq!(codec::detect(text.as_bytes()), Some(Format::Edn), "{text}");
    }
}

#[test]
fn the_same_history_in_every_format() {
    let history = codec::read(include_bytes!("data/history.txt")).expect("a good file");
    let owned = |history: &History| history.iter().map(EventRef::to_event).collect::<Vec<_>>();
    let mut text = String::new();
    codec::edn::write_history(&mut text, &history);
    assert_eq!(read(Format::Edn, &text), owned(&history));
    let expected = "\
{:index 0, :time -1, :type :invoke, :process 0, :f :write, :value 3}
{:index 1, :time -1, :type :info, :process :nemesis, :f :start, :value \"Cut off {:n1 #{:n2}}\"}
{:index 2, :time -1, :type :info, :process 0, :f :write, :value 3, :error [:timeout 5]}
";
    assert_eq!(text, expected);
}

#[test]
fn what_jepsen_wrote_is_written_back_byte_for_byte() {
    let lines = include_str!("data/lines.edn");
    let history = codec::read(lines.as_bytes()).expect("a good file");
    let mut text = String::new();
    codec::edn::write_history(&mut text, &history);
    // Jepsen's extras come in the order of their making; ours are sorted.
    let sorted = lines.replace(
        ", :node \"n1\", :final? true",
        ", :final? true, :node \"n1\"",
    );
    assert_eq!(text, sorted);
}

#[test]
fn nothing_is_an_empty_history() {
    for text in [
        "",
        " \n",
        "[]",
        "()",
        "; nothing\n",
        "#_ {:a 1}",
        "[\n]\n",
        "\u{feff}",
    ] {
        assert_eq!(read(Format::Edn, text), [], "{text}");
    }
}

#[test]
fn sessions_without_real_time() {
    // 0 and null are what nobody wrote; an aborted write fails.
    let plume = " w(1,1,0,0)\nr(2, 0, 0, 0)\n\nr(1,1,1,1)\nw(1,2,1,1)\nw(1,3,1,-1)\n";
    let micro = |name: &str, key: i64, value: Value| vector([self::key(name), key.into(), value]);
    let txn = |row: u64, kind, process, micros| {
        event(row, -1, kind, process, "txn", Value::Vector(micros))
    };
    let expected = [
        txn(
            0,
            Kind::Invoke,
            0,
            vec![micro("w", 1, 1.into()), micro("r", 2, Value::Nil)],
        ),
        txn(
            1,
            Kind::Ok,
            0,
            vec![micro("w", 1, 1.into()), micro("r", 2, Value::Nil)],
        ),
        txn(
            2,
            Kind::Invoke,
            1,
            vec![micro("r", 1, Value::Nil), micro("w", 1, 2.into())],
        ),
        txn(
            3,
            Kind::Ok,
            1,
            vec![micro("r", 1, 1.into()), micro("w", 1, 2.into())],
        ),
        txn(4, Kind::Invoke, 1, vec![micro("w", 1, 3.into())]),
        txn(5, Kind::Fail, 1, vec![micro("w", 1, 3.into())]),
    ];
    assert_eq!(read(Format::Plume, plume), expected);
    let new = r#"[[{"events":[{"Write":{"variable":1,"version":1}},{"Read":{"variable":2,"version":null}}],"committed":true}],
        [{"events":[["r",1,1],["w",1,2]],"committed":true},{"events":[["w",1,3]],"committed":false}]]"#;
    let old = r#"{"params":{"id":0},"info":"i","start":"s","end":"e","data":
        [[{"events":[{"write":true,"variable":1,"value":1,"success":true},{"write":true,"variable":7,"value":7,"success":false},
            {"write":false,"variable":2,"value":0,"success":true}],"success":true}],
        [{"events":[{"write":false,"variable":1,"value":1,"success":true},{"write":true,"variable":1,"value":2,"success":true}],"success":true},
         {"events":[{"write":true,"variable":1,"value":3,"success":true}],"success":false}]]}"#;
    for text in [new, old] {
        assert_eq!(read(Format::Dbcop, text), expected);
        assert!(!codec::read(text.as_bytes()).unwrap().has_real_time());
    }
    // Where somebody writes 0 it is a value like any other.
    let zero = codec::read(b"w(1,0,0,0)\nr(1,0,1,1)").unwrap();
    assert_eq!(zero.get(3).value().to_string(), "[[:r 1 0]]");
    assert_eq!(codec::read(b"[[],[]]").unwrap().len(), 0);
}

#[test]
fn an_index_may_repeat_or_begin_anywhere() {
    let indices = |text: &str| {
        let history = codec::read(text.as_bytes()).unwrap();
        let indices: Vec<u64> = history.iter().map(EventRef::index).collect();
        (indices, history.notes().to_vec())
    };
    let (given, notes) = indices("{:type :info, :index 1000} {:type :info, :index 1003}");
    assert_eq!((given, notes.len()), (vec![1000, 1003], 0));
    // Where they repeat the file is followed, and it is said where that contradicts them.
    let (_, notes) =
        indices("{:type :info, :index 7} {:type :info, :index 7} {:type :info, :index 9}");
    assert_eq!(notes.len(), 1, "{notes:?}");
    let (given, notes) = indices(
        "{:type :info, :index 5} {:type :info, :index 5} {:type :info, :index 9} {:type :info, :index 7}",
    );
    assert_eq!(given, [0, 1, 2, 3]);
    assert!(
        notes[1].starts_with("indices go back 1 time, first from 9 to 7 at event 3 of the file"),
        "{notes:?}"
    );
    let (_, notes) = indices(
        r#"[{"type":"info","index":7},{"type":"info","index":9},{"type":"info","index":7},{"type":"info","index":0}]"#,
    );
    assert!(
        notes[1].starts_with("indices go back 2 times, first from 9 to 7 at event 2 "),
        "{notes:?}"
    );
    for text in [
        "{:type :info, :index 7} {:type :info, :index 7} {:type :info, :index 9}",
        r#"[{"type":"info","index":7},{"type":"info","index":9},{"type":"info","index":7}]"#,
    ] {
        let (given, notes) = indices(text);
        assert_eq!(given, [0, 1, 2]);
        assert!(
            notes[0].starts_with("the index 7 comes more than once"),
            "{notes:?}"
        );
    }
}

#[test]
fn a_byte_order_mark_means_nothing() {
    let text = "\u{feff}{:type :ok, :process 1}";
    assert_eq!(
        read(Format::Edn, text),
        [event(0, -1, Kind::Ok, 1, "", Value::Nil)]
    );
    assert_eq!(read(Format::Json, "\u{feff}[{\"type\":\"ok\"}]").len(), 1);
}

#[test]
fn formats_are_known_by_content() {
    let cases = [
        (r#"{"type":"ok"}"#, Some(Format::Json)),
        ("[ {\n\"type\" : \"ok\"} ]", Some(Format::Json)),
        ("{}", Some(Format::Edn)),
        ("[{:type :ok}]", Some(Format::Edn)),
        ("#jepsen.history.Op{:type :ok}", Some(Format::Edn)),
        ("; a comment\n[]", Some(Format::Edn)),
        ("INFO  jepsen.util - 0\t:ok\t:read\tnil", Some(Format::Log)),
        ("0\t:ok\t:read\tnil", Some(Format::Log)),
        ("WARN  jepsen.db - slow", Some(Format::Log)),
        ("index,time\n0,1\n", None),
        ("<html>", None),
        ("\u{1f}", None),
    ];
    for (text, format) in cases {
        assert_eq!(codec::detect(text.as_bytes()), format, "{text}");
    }
}

#[test]
fn keys_come_in_any_order_and_values_move_in_front() {
    let text =
        "{:error [1 2], :f :cas, :node \"n1\", :value [3 [4]], :x 5, :type :fail, :process 2}";
    let cas = event(0, -1, Kind::Fail, 2, "cas", vector([3.into(), ints([4])]));
    let expected = with(with(cas, "error", ints([1, 2])), "node", str("n1"));
    assert_eq!(read(Format::Edn, text), [with(expected, "x", 5.into())]);
    let text = "{:error [1 2] :type :fail :process 2}";
    let bare = with(
        event(0, -1, Kind::Fail, 2, "", Value::Nil),
        "error",
        ints([1, 2]),
    );
    assert_eq!(read(Format::Edn, text), [bare]);
}

#[test]
fn indices_may_be_sparse_or_missing() {
    let indices = |text: &str| -> Vec<_> {
        read(Format::Edn, text)
            .iter()
            .filter_map(|event| event.index)
            .collect()
    };
    let text =
        "{:type :info, :index 5} {:type :info} {:type :info, :index 9} {:index nil :type :info}";
    assert_eq!(indices(text), [5, 6, 9, 10]);
    assert_eq!(
        indices("{:type :ok, :index -1} {:type :ok, :index -1}"),
        [0, 1]
    );
}

#[test]
fn a_process_is_named_as_it_is_written() {
    let process = |text: &str| {
        let text = format!("{{:type :info, :process {text}}}");
        read(Format::Edn, &text).remove(0).process
    };
    assert_eq!(process("7"), Process::Client(7));
    assert_eq!(process("-3"), Process::Client(-3));
    assert_eq!(process("7N"), Process::Client(7));
    for (text, name) in [
        (":nemesis", key("nemesis")),
        ("\"7\"", str("7")),
        ("db", Value::Symbol("db".into())),
        ("1.5", float(1.5)),
        ("[0 1]", ints([0, 1])),
        ("#_ 5 :admin", key("admin")),
    ] {
        assert_eq!(process(text), Process::Named(name), "{text}");
    }
    let text = r#"[{"type":"info","process":1.0},{"type":"info","process":"7"}]"#;
    let processes = read(Format::Json, text)
        .into_iter()
        .map(|event| event.process);
    let expected = [float(1.0), str("7")].map(Process::Named);
    assert_eq!(processes.collect::<Vec<_>>(), expected);
}

#[test]
fn functions_of_every_kind() {
    let f = |text: &str| {
        let text = format!("{{:type :info, :process 0, :f {text}}}");
        read(Format::Edn, &text).remove(0).f
    };
    for (text, name) in [
        (":read", "read"),
        ("\"a b\"", "a b"),
        ("read", "read"),
        ("nil", ""),
    ] {
        assert_eq!(&*f(text), name);
    }
    assert_eq!(&*f("[:a 1]"), "[:a 1]");
}

#[test]
fn types_may_be_strings() {
    let text = "{\"type\" \"ok\", \"process\" 3} {:type info :process 3}";
    let history = codec::read_as(Format::Edn, text.as_bytes()).expect("EDN with string keys");
    let kinds: Vec<_> = history.iter().map(EventRef::kind).collect();
    assert_eq!(kinds, [Kind::Ok, Kind::Info]);
}

#[test]
fn edn_details() {
    assert_eq!(edn("#_ #_ 1 2 3"), 3.into());
    assert_eq!(edn("[1 #_2 3 #_ [4]]"), ints([1, 3]));
    assert_eq!(edn("^:a ^{:b 1} [^String 2]"), ints([2]));
    assert_eq!(edn("#^:a 1"), 1.into());
    assert_eq!(edn("[1,,2 , ,3]"), ints([1, 2, 3]));
    assert_eq!(edn("[1;2\n3]"), ints([1, 3]));
    assert_eq!(
        edn("[:a:b :::c :1 :/ :a/b]"),
        vector(["a:b", "::c", "1", "/", "a/b"].map(key))
    );
    assert_eq!(
        edn("[+5 -5 -0 9223372036854775807 -9223372036854775808]"),
        ints([5, -5, 0, i64::MAX, i64::MIN])
    );
    assert_eq!(edn("9223372036854775808"), other("9223372036854775808"));
    assert_eq!(
        edn("[36028797018963967 36028797018963968 -36028797018963969]"),
        ints([
            36_028_797_018_963_967,
            36_028_797_018_963_968,
            -36_028_797_018_963_969
        ])
    );
    assert_eq!(
        edn("[1. 1.e2 1E-2 -2.5e+3]"),
        vector([1.0, 100.0, 0.01, -2500.0].map(float))
    );
    assert_eq!(edn(r#""\u00e9\ud83d\ude00\101\t""#), str("é😀A\t"));
    assert_eq!(edn("\"two\nlines\""), str("two\nlines"));
    assert_eq!(
        edn("#:a{:x 1, _ 2, :_/y :z, :b/c 3, 4 5}"),
        map([
            (key("a/x"), 1.into()),
            (Value::Symbol("_".into()), 2.into()),
            (key("y"), key("z")),
            (key("b/c"), 3.into()),
            (4.into(), 5.into()),
        ])
    );
    assert_eq!(edn("#a #b 1").to_string(), "#a #b 1");
    assert_eq!(edn("#rupture/keyword \"a b\""), key("a b"));
    assert_eq!(
        edn("#rupture/keyword 5").to_string(),
        "#rupture/tagged [\"rupture/keyword\" 5]"
    );
}

#[test]
fn equal_numbers_are_one_value() {
    let same = [
        [
            "99999999999999999999999999N",
            "99999999999999999999999999",
            "+99999999999999999999999999",
        ],
        ["7N", "7", "+7"],
        ["0", "-0", "-0N"],
        ["0.0", "-0.0", "0e5"],
        ["1.50M", "1.5M", "15e-1M"],
        ["100M", "1e2M", "1.00E+2M"],
        ["8/10", "4/5", "+4/5"],
        ["4/2", "2", "0x2"],
        ["0xFF", "255", "16rff"],
        ["1e400", "10.0e399", "1E+400"],
        ["1e-400", "0.1e-399", "10e-401"],
        ["1e2", "100.0", "100."],
    ];
    for texts in same {
        let [first, second, third] = texts.map(edn);
        assert!(
            first == second && second == third,
            "{texts:?}: {first} {second} {third}"
        );
    }
    let different = [
        "1",
        "1.0",
        "1M",
        "-1",
        "1e400",
        "1e401",
        "-1e400",
        "1e-400",
        "1e-401",
        "0",
        "0.0",
        "0M",
        "99999999999999999999",
        "99999999999999999998",
        "1/3",
        "1/4",
        "nil",
        "\"1\"",
        ":1",
    ];
    for (at, one) in different.iter().enumerate() {
        for other in &different[..at] {
            assert_ne!(edn(one), edn(other), "{one} {other}");
        }
    }
    let [wide, wider] = ["1e400", "1e401"].map(json);
    assert_ne!(wide, wider);
    assert_eq!(json("1e400"), json("10E+399"));
    assert_eq!(json("0.0"), json("-0.0"));
    assert_eq!(json("-0"), 0.into());
    assert_eq!(json("99999999999999999999"), edn("99999999999999999999N"));
    assert_eq!(
        edn("99999999999999999999N").to_string(),
        "99999999999999999999"
    );
}

#[test]
fn json_details() {
    assert_eq!(json("[]"), vector([]));
    assert_eq!(json("{}"), map([]));
    assert_eq!(
        json(" [ 1 , { } , [ [ ] ] ] "),
        vector([1.into(), map([]), vector([vector([])])])
    );
    assert_eq!(
        json("[-0, 0.0, 1E2, 1e-2]"),
        vector([0.into(), float(0.0), float(100.0), float(0.01)])
    );
    assert_eq!(
        json("[NaN, Infinity, -Infinity]"),
        vector([f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(float))
    );
    assert_eq!(
        json(r#""\"\\\/\b\f\n\r\t\u0041""#),
        str("\"\\/\u{8}\u{c}\n\r\tA")
    );
    assert_eq!(json("9223372036854775807"), i64::MAX.into());
    assert_eq!(
        json(r#"{"-0":1,"9223372036854775808":2,"-1":3,"+1":4}"#),
        map([
            (str("-0"), 1.into()),
            (str("9223372036854775808"), 2.into()),
            ((-1).into(), 3.into()),
            (str("+1"), 4.into()),
        ])
    );
}

#[test]
fn values_are_printed_as_clojure_prints_them() {
    for text in [
        "nil",
        "true",
        "[1 -2 \"a\\nb\" :k sym]",
        "{:a 1, \"b\" [2]}",
        "#{1 2}",
        "#inst \"2024\"",
        "0.1",
        "1.0E10",
        "1.0E-4",
        "1234567.0",
        "1.0E7",
        "0.001",
        "-1.5E300",
        "##NaN",
        "4/5",
        "\\a",
        "()",
    ] {
        // Lists are read as vectors.
        let expected = match text {
            "()" => "[]",
            text => text,
        };
        assert_eq!(edn(text).to_string(), expected);
    }
}

#[test]
fn surplus_words_of_the_text_log_are_no_error() {
    for (line, found) in [
        ("0 :invoke :write 1 99", "`99`"),
        ("0\t:invoke\t:write\t1\t99", "`99`"),
        ("0 :invoke :cas 1 2", "`2`"),
        ("0 :invoke :write a b", "`b`"),
        ("0 :ok :cas 1 2", "`2`"),
        ("0 :ok :read 1 nil", "`nil`"),
        ("0 :ok :read :a :b", "`:b`"),
        ("0\t:ok\t:cas\t1\t-2", "`-2`"),
        ("0 :fail :cas 1 2", "`2`"),
        ("0 :info :cas 1 2 3", "`2`"),
        ("INFO  jepsen.util - 0   :invoke :write   1 [2]", "`[2`"),
    ] {
        let text = format!("1 :invoke :read nil\n{line}\n");
        let error = codec::read(text.as_bytes()).expect_err(line);
        assert_eq!(error.line, 2, "{error}");
        let message = error.to_string();
        assert!(message.contains(&found[..3]), "{error}");
        assert!(message.contains("the end of the operation"), "{error}");
    }
    for line in [
        "0 :info :cas [1 2] :timed-out",
        "0\t:fail\t:write\t1\t500 Internal Server Error",
        "0\t:ok\t:read\t1\t:slow",
    ] {
        let history = codec::read(line.as_bytes()).expect(line);
        assert_eq!(history.get(0).extras().count(), 1, "{line}");
    }
}
