//! `log` on histories that a person can check, and on input that is none.

use std::fs;
use std::path::Path;

use rupture_checkers::history::{History, Validity, Verdict, codec};
use rupture_checkers::log::{Log, LogAnomaly};
use rupture_checkers::{Budget, CheckError, Checker};

fn file(name: &str) -> History {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories/log");
    let path = folder.join(format!("{name}.edn"));
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    codec::read(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn judge(judge: Log, history: &History) -> Verdict {
    judge.check(history, &Budget::unlimited()).unwrap()
}

fn parse(text: &str) -> History {
    codec::read(text.as_bytes()).unwrap()
}

fn refused(text: &str) -> CheckError {
    Log::new()
        .check(&parse(text), &Budget::unlimited())
        .unwrap_err()
}

/// The file of an anomaly bears its name. By the indices of their invocations, the operations that prove it.
const FILES: &[(&str, &[u64], &str)] = &[
    (
        "lost-write",
        &[0, 2],
        "message 1 of key :x was lost: it was sent, passed over, and never polled",
    ),
    (
        "inconsistent-offsets",
        &[4, 6],
        "two messages lie at offset 0 of key :x: 1 and 2",
    ),
    (
        "G1a",
        &[0, 2],
        "aborted read: message 1 of key :x was polled, and its send failed",
    ),
    (
        "garbage-read",
        &[2],
        "message 7 of key :x was polled and nobody had sent it",
    ),
    (
        "duplicate",
        &[2, 4],
        "message 1 of key :x lies at two offsets: 0 and 3",
    ),
    (
        "precommitted-read",
        &[0],
        "message 1 of key :x was polled by the operation that sent it",
    ),
    ("G0", &[0, 1], "2 operations wrote to logs in a circle"),
    (
        "G0-process",
        &[0, 1, 3],
        "3 operations wrote to logs in a circle that time closes",
    ),
    (
        "G0-realtime",
        &[0, 2],
        "2 operations wrote to logs in a circle that time closes",
    ),
    (
        "G1c",
        &[0, 1],
        "2 operations polled each other's messages in a circle",
    ),
    (
        "G1c-process",
        &[0, 2],
        "2 operations polled messages in a circle that time closes",
    ),
    (
        "G1c-realtime",
        &[0, 2],
        "2 operations polled messages in a circle that time closes",
    ),
    (
        "int-nonmonotonic-poll",
        &[0, 2],
        "one operation polled 1 of key :x at offset 0 after 2 at offset 1",
    ),
    (
        "int-poll-skip",
        &[0, 2],
        "one operation left message 2 of key :x out, which lies at offset 1, between 0 and 2",
    ),
    (
        "nonmonotonic-poll",
        &[0, 4, 6],
        "a consumer went back: it polled 1 of key :x at offset 0 after 2 at offset 1",
    ),
    (
        "poll-skip",
        &[0, 4, 6],
        "a consumer left message 2 of key :x out, which lies at offset 1, between 0 and 2",
    ),
    (
        "int-nonmonotonic-send",
        &[0],
        "one operation sent 2 of key :x at offset 0 after 1 at offset 1",
    ),
    (
        "nonmonotonic-send",
        &[0, 2],
        "a producer's messages were turned round: it sent 2 of key :x at offset 0 after 1 at offset 1",
    ),
];

/// What is no anomaly unless it is forbidden.
const ALLOWED: &[(LogAnomaly, &[u64], &str)] = &[
    (
        LogAnomaly::IntSendSkip,
        &[0, 1],
        "the messages of one operation leave message 2 of key :x out, which lies at offset 1, between 0 and 2",
    ),
    (
        LogAnomaly::SendSkip,
        &[0, 2, 4],
        "the messages of a producer leave message 2 of key :x out, which lies at offset 1, between 0 and 2",
    ),
    (
        LogAnomaly::Unseen,
        &[0],
        "message 2 of key :x was acknowledged and never polled",
    ),
];

fn assert_one(verdict: &Verdict, kind: &str, evidence: &[u64], summary: &str) {
    assert_eq!(verdict.validity, Validity::Invalid, "{kind}");
    let [anomaly] = &verdict.anomalies[..] else {
        panic!("{kind}: {:#?}", verdict.anomalies);
    };
    let indices: Vec<u64> = anomaly.evidence.iter().map(|e| e.index).collect();
    assert_eq!(
        (&*anomaly.kind, &indices[..], &*anomaly.summary),
        (kind, evidence, summary),
        "{anomaly:#?}"
    );
    assert!(!anomaly.explanation.is_empty());
}

/// Whether a kind is noted. Nobody looks for skips between sends who does not forbid them.
fn is_noted(verdict: &Verdict, kind: LogAnomaly) -> bool {
    let named = |note: &String| note.starts_with(kind.name());
    verdict.notes.iter().any(named) == (kind != LogAnomaly::SendSkip)
}

/// A judge that looks for a kind.
fn looking_for(kind: &str) -> Log {
    let kind = LogAnomaly::from_name(kind);
    Log::new().ww_deps(kind.is_some_and(LogAnomaly::needs_ww_deps))
}

#[test]
fn every_anomaly_has_a_smallest_history() {
    for (kind, evidence, summary) in FILES {
        let verdict = judge(looking_for(kind), &file(kind));
        assert_one(&verdict, kind, evidence, summary);
    }
    for (kind, evidence, summary) in ALLOWED {
        let history = file(kind.name());
        let allowed = judge(Log::new(), &history);
        assert_eq!(allowed.validity, Validity::Valid, "{allowed:#?}");
        assert!(is_noted(&allowed, *kind), "{allowed:#?}");
        assert_one(
            &judge(Log::new().forbid(*kind), &history),
            kind.name(),
            evidence,
            summary,
        );
    }
    let named = |kind: &LogAnomaly| {
        let counted = FILES.iter().any(|(name, ..)| *name == kind.name());
        counted || ALLOWED.iter().any(|(allowed, ..)| allowed == kind)
    };
    assert!(LogAnomaly::ALL.iter().all(named));
}

#[test]
fn every_anomaly_can_be_allowed() {
    for kind in LogAnomaly::ALL {
        let verdict = judge(looking_for(kind.name()).allow(kind), &file(kind.name()));
        assert_eq!(verdict.validity, Validity::Valid, "{verdict:#?}");
        assert!(is_noted(&verdict, kind), "{verdict:#?}");
    }
}

#[test]
fn an_operation_that_nobody_acknowledged_counts_where_it_was_polled() {
    let verdict = judge(Log::new(), &file("lost-write-info"));
    let summary = "message 1 of key :x was lost: it was sent, passed over, and never polled";
    assert_one(&verdict, "lost-write", &[0, 2, 4, 6], summary);
    let took_effect = "The txn of event 0 was not acknowledged, but took effect: the poll that completed with \
                       event 5 returned 2 of key :y, which it sent.";
    assert_eq!(verdict.anomalies[0].explanation[0], took_effect);
}

#[test]
fn consumers_may_begin_anew() {
    for name in [
        "subscribed",
        "subscribed-between",
        "assigned-anew",
        "rewound",
        "rebalanced",
    ] {
        let verdict = judge(Log::new(), &file(name));
        assert_eq!(verdict.validity, Validity::Valid, "{name}: {verdict:#?}");
    }
    let strict = Log::new()
        .forbid(LogAnomaly::PollSkip)
        .forbid(LogAnomaly::NonmonotonicPoll);
    let verdict = judge(strict, &file("subscribed"));
    let kinds: Vec<&str> = verdict.anomalies.iter().map(|a| &*a.kind).collect();
    assert_eq!(kinds, ["nonmonotonic-poll", "poll-skip"]);
}

/// A poll whose result is lost may have been handed the message, and its group goes on after it.
#[test]
fn an_unknown_poll_of_a_subscriber_may_have_had_the_message() {
    let sent = "{:process 0 :type :invoke :f :send :value [[:send :x 1] [:send :x 2]]}
                {:process 0 :type :ok :f :send :value [[:send :x [0 1]] [:send :x [1 2]]]}";
    let unknown = "{:process 1 :type :invoke :f :subscribe :value [:x]}
                   {:process 1 :type :ok :f :subscribe :value [:x]}
                   {:process 1 :type :invoke :f :poll :value [[:poll]]}
                   {:process 1 :type :info :f :poll :value [[:poll]]}";
    let goes_on = |turn: &str| {
        format!(
            "{{:process 2 :type :invoke :f :{turn} :value [:x]}}
             {{:process 2 :type :ok :f :{turn} :value [:x]}}
             {{:process 2 :type :invoke :f :poll :value [[:poll]]}}
             {{:process 2 :type :ok :f :poll :value [[:poll {{:x [[1 2]]}}]]}}"
        )
    };
    let (subscribes, assigned) = (goes_on("subscribe"), goes_on("assign"));
    for (text, validity) in [
        (format!("{sent}{unknown}{subscribes}"), Validity::Valid),
        (format!("{sent}{subscribes}"), Validity::Invalid),
        (format!("{sent}{unknown}{assigned}"), Validity::Invalid),
    ] {
        let verdict = judge(Log::new(), &parse(&text));
        assert_eq!(verdict.validity, validity, "{text}\n{verdict:#?}");
        assert_eq!(
            verdict.measured[0].exact(),
            Some(1),
            "message 1 was not seen"
        );
    }
}

#[test]
fn json_has_strings_for_keys_of_maps() {
    let text = r#"{"process":0,"type":"invoke","f":"send","value":[["send",11,1],["send",11,2]]}
                  {"process":0,"type":"ok","f":"send","value":[["send",11,[0,1]],["send",11,[1,2]]]}
                  {"process":1,"type":"invoke","f":"poll","value":[["poll"]]}
                  {"process":1,"type":"ok","f":"poll","value":[["poll",{"11":[[1,2]]}]]}"#;
    let verdict = judge(Log::new(), &parse(text));
    assert_eq!(verdict.anomalies[0].kind, "lost-write", "{verdict:#?}");
}

#[test]
fn where_nothing_was_polled_nobody_knows() {
    let nothing = judge(Log::new(), &History::new());
    assert_eq!(nothing.validity, Validity::Unknown);
    assert_eq!(
        nothing.reasons,
        ["the history has no operations of clients"]
    );
    let open = "{:process 0 :type :invoke :f :send :value [[:send :x 1]]}
                {:process 1 :type :invoke :f :poll :value [[:poll]]}
                {:process 1 :type :info :f :poll :value [[:poll {:x [[0 1]]}]]}";
    let verdict = judge(Log::new(), &parse(open));
    assert_eq!(verdict.validity, Validity::Unknown);
    assert_eq!(verdict.reasons, ["no operation was seen to happen"]);
    let sent = "{:process 0 :type :invoke :f :send :value [[:send :x 1]]}
                {:process 0 :type :ok :f :send :value [[:send :x [0 1]]]}";
    let verdict = judge(Log::new(), &parse(sent));
    assert_eq!(verdict.validity, Validity::Unknown);
    assert_eq!(verdict.reasons, ["no message was polled"]);
}

#[test]
fn past_the_budget_the_answer_is_unknown() {
    let history = file("lost-write");
    let late = Budget::unlimited().with_time(&|| true);
    let verdict = Log::new().check(&history, &late).unwrap();
    assert_eq!(verdict.validity, Validity::Unknown);
    assert_eq!(verdict.reasons, ["out of time after 0 of 2 operations"]);
    let small = Budget::unlimited().with_bytes(1);
    let verdict = Log::new().check(&history, &small).unwrap();
    assert_eq!(verdict.reasons, ["out of memory after 0 of 2 operations"]);
}

fn answered(argument: &str, result: &str) -> String {
    format!(
        "{{:process 0 :type :invoke :f :txn :value {argument}}}
         {{:process 0 :type :ok :f :txn :value {result}}}"
    )
}

#[test]
fn what_is_no_log_is_refused() {
    for (argument, result, at) in [
        ("7", "7", 0),
        ("[[:send :x]]", "[[:send :x]]", 0),
        ("[[:append :x 1]]", "[[:append :x 1]]", 0),
        ("[[:send :x 1]]", "[]", 1),
        ("[[:send :x 1]]", "nil", 1),
        ("[[:send :x 1]]", "[[:send :y 1]]", 1),
        ("[[:send :x 1]]", "[[:send :x [0 2]]]", 1),
        ("[[:send :x 1]]", "[[:send :x [-1 1]]]", 1),
        ("[[:send :x 1]]", "[[:poll {}]]", 1),
        ("[[:poll]]", "[[:poll {}] [:poll {}]]", 1),
        ("[[:poll]]", "[[:poll [[:x 1]]]]", 1),
        ("[[:poll]]", "[[:poll {:x 1}]]", 1),
        ("[[:poll]]", "[[:poll {:x [1]}]]", 1),
        ("[[:poll]]", "[[:poll {:x [[:a 1]]}]]", 1),
    ] {
        let error = refused(&answered(argument, result));
        assert!(
            matches!(error, CheckError::WrongValue { index, .. } if index == at),
            "{argument} {result}: {error:?}"
        );
    }
    let twice = answered("[[:send :x 1]]", "[[:send :x 1]]");
    let error = refused(&format!("{twice}{twice}"));
    assert_eq!(
        error.to_string(),
        "event 2: `txn` has the value [[:send :x 1]]; expected messages that their key was not sent before; 1 was"
    );
    let error = refused("{:process 0 :type :invoke :f :read :value nil}");
    assert!(
        matches!(error, CheckError::UnknownFunction { index: 0, .. }),
        "{error:?}"
    );
    let error = refused("{:process 0 :type :invoke :f :assign :value :x}");
    assert!(
        matches!(error, CheckError::WrongValue { index: 0, .. }),
        "{error:?}"
    );
    let error = refused("{:process 0 :type :ok :f :poll :value [[:poll {}]]}");
    assert!(matches!(error, CheckError::Pairing(_)), "{error:?}");
}

/// Completions that are not `ok` may bear anything, and what does not fit is not listened to.
#[test]
fn the_words_of_an_error_are_no_result() {
    for kind in ["fail", "info"] {
        for value in [
            ":timed-out",
            "nil",
            "[[:poll {:x [[0 1]]}] [:poll {:x 7}]]",
            "[[:poll {:x [[0]]}]]",
        ] {
            let text = format!(
                "{{:process 0 :type :invoke :f :txn :value [[:poll] [:poll]]}}
                 {{:process 0 :type :{kind} :f :txn :value {value}}}"
            );
            let verdict = judge(Log::new(), &parse(&text));
            assert_eq!(verdict.validity, Validity::Unknown, "{verdict:#?}");
        }
    }
}

/// A message may itself look like an offset and a message.
#[test]
fn lists_are_messages_too() {
    let text = "{:process 0 :type :invoke :f :send :value [[:send :x [0 5]] [:send :x [1 6]]]}
                {:process 0 :type :ok :f :send :value [[:send :x [0 5]] [:send :x [4 [1 6]]]]}
                {:process 1 :type :invoke :f :poll :value [[:poll]]}
                {:process 1 :type :ok :f :poll :value [[:poll {:x [[3 [0 5]] [4 [1 6]]]}]]}";
    let verdict = judge(Log::new(), &parse(text));
    assert_eq!(verdict.validity, Validity::Valid, "{verdict:#?}");
}

#[test]
fn evidence_of_long_polls_shows_what_matters() {
    let sent: Vec<String> = (0..100).map(|n| format!("[:send :x {n}]")).collect();
    let told: Vec<String> = (0..100).map(|n| format!("[:send :x [{n} {n}]]")).collect();
    let polled: Vec<String> = (0..100)
        .filter(|n| *n != 50)
        .map(|n| format!("[{n} {n}]"))
        .collect();
    let text = format!(
        "{{:process 0 :type :invoke :f :send :value [{}]}}
         {{:process 0 :type :ok :f :send :value [{}]}}
         {{:process 1 :type :invoke :f :poll :value [[:poll]]}}
         {{:process 1 :type :ok :f :poll :value [[:poll {{:x [{}]}}]]}}",
        sent.join(" "),
        told.join(" "),
        polled.join(" ")
    );
    let verdict = judge(Log::new(), &parse(&text));
    let [lost, skip] = &verdict.anomalies[..] else {
        panic!("{verdict:#?}");
    };
    assert_eq!((&*lost.kind, &*skip.kind), ("lost-write", "int-poll-skip"));
    let producer = &skip.evidence[0];
    assert_eq!(
        producer.argument,
        "[... [:send :x 49] [:send :x 50] [:send :x 51] ...]"
    );
    let poll = &skip.evidence[1];
    let result = "[[:poll {:x [... [48 48] [49 49] [51 51] [52 52] ...]}]]";
    assert_eq!(poll.result.as_deref(), Some(result));
}

#[test]
fn circles_of_sends_are_looked_for_where_they_are_asked_for() {
    for kind in LogAnomaly::ALL
        .into_iter()
        .filter(|kind| kind.needs_ww_deps())
    {
        let history = file(kind.name());
        assert_eq!(judge(Log::new(), &history).validity, Validity::Valid);
        // To allow what nobody looks for changes nothing, and the verdict says so.
        let allowed = judge(Log::new().allow(kind), &history);
        let said = format!("{}: not looked for without `ww-deps`", kind.name());
        assert!(
            allowed.notes.iter().any(|note| note.starts_with(&said)),
            "{allowed:#?}"
        );
    }
    // A step by the order of a log, and one by a poll.
    let mixed = parse(
        "{:process 0 :type :invoke :f :txn :value [[:send :x 1] [:poll]]}
         {:process 1 :type :invoke :f :txn :value [[:send :x 2] [:send :y 1]]}
         {:process 0 :type :ok :f :txn :value [[:send :x [0 1]] [:poll {:y [[0 1]]}]]}
         {:process 1 :type :ok :f :txn :value [[:send :x [1 2]] [:send :y [0 1]]]}",
    );
    assert_eq!(judge(Log::new(), &mixed).validity, Validity::Valid);
    let verdict = judge(Log::new().ww_deps(true), &mixed);
    let kinds: Vec<&str> = verdict.anomalies.iter().map(|a| &*a.kind).collect();
    assert_eq!(kinds, ["G1c"]);
    assert_eq!(verdict.anomalies[0].evidence.len(), 2);
    let ways = &verdict.anomalies[0].explanation;
    assert!(
        ways.iter()
            .any(|way| way.contains("lies at offset 0, and the other 2")),
        "{ways:#?}"
    );
}

/// The example of Jepsen's kafka workload: the poll began one nanosecond after the log had gone on.
#[test]
fn lag_is_measured_from_when_the_log_went_on() {
    let text = |polled: &str, subscribe: &str| {
        format!(
            "{subscribe}
             {{:process 0 :time 0 :type :invoke :f :send :value [[:send :x :a]]}}
             {{:process 0 :time 1 :type :ok :f :send :value [[:send :x [0 :a]]]}}
             {{:process 1 :time 1 :type :invoke :f :poll :value [[:poll]]}}
             {{:process 1 :time 2 :type :ok :f :poll :value [[:poll {{:x [[0 :a]]}}]]}}
             {{:process 0 :time 2 :type :invoke :f :send :value [[:send :x :b]]}}
             {{:process 0 :time 3 :type :ok :f :send :value [[:send :x [1 :b]]]}}
             {{:process 1 :time 4 :type :invoke :f :poll :value [[:poll]]}}
             {{:process 1 :time 5 :type :ok :f :poll :value [[:poll {{{polled}}}]]}}"
        )
    };
    let lag = |text: &str| {
        let verdict = judge(Log::new(), &parse(text));
        let measured = verdict.measured.into_iter();
        let lag = measured.filter(|one| one.name.starts_with("realtime-lag"));
        let lag: Vec<_> = lag.map(|one| (one.unit, one.at_least, one.key)).collect();
        (lag, verdict.notes)
    };
    let expected = |time: u64, offsets: u64| {
        let of = |unit: &str, number| (unit.to_owned(), number, Some(":x".to_owned()));
        vec![of("ns", time), of("offsets", offsets)]
    };
    let (found, notes) = lag(&text(":x []", ""));
    assert_eq!(found, expected(1, 1));
    let note = "realtime-lag: at worst 0.000000 s and 1 offset, of key :x in the poll of process 1 that was invoked with \
                event 6";
    assert!(notes.iter().any(|one| one == note), "{notes:#?}");
    // The poll may have been handed what came after it was invoked.
    assert_eq!(lag(&text(":x [[1 :b]]", "")).0, expected(0, 0));
    // An old poll of another process says nothing of a consumer that has just subscribed.
    let subscribe = "{:process 1 :time 0 :type :invoke :f :subscribe :value [:x]}
                     {:process 1 :time 0 :type :ok :f :subscribe :value [:x]}";
    assert_eq!(lag(&text("", subscribe)).0, expected(1, 1));
    // Without times there is nothing to measure.
    let timeless = text(":x []", "").replace(":time", ":clock");
    assert_eq!(lag(&timeless).0, []);
}
