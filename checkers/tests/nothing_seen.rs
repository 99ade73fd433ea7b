//! One rule for all: where no operation was seen to happen, nothing is proved.

#[path = "common/samples.rs"]
#[allow(unreachable_pub)]
mod samples;

use std::fmt::Write as _;

use rupture_checkers::history::{History, Validity, Verdict, codec};
use rupture_checkers::{Budget, ModelInfo, Options, checker, models};
use samples::{SAMPLES, Sample};

fn sample(info: &ModelInfo) -> &'static [Sample] {
    let found = SAMPLES.iter().find(|(model, _)| *model == info.name);
    found
        .unwrap_or_else(|| panic!("no sample of {}", info.name))
        .1
}

/// A history in which every operation of a sample, each by a process of its own, ends like this: one kind after
/// another, in turn.
fn history(sample: &[Sample], ends: &[&str]) -> History {
    let mut text = String::new();
    for (process, (f, invoked, _)) in sample.iter().enumerate() {
        let event =
            |kind: &str| format!("{{:process {process} :type {kind} :f :{f} :value {invoked}}}\n");
        text += &event(":invoke");
        if let Some(end) = ends.get(process % ends.len().max(1)) {
            text += &event(end);
        }
    }
    codec::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn judged(info: &ModelInfo, level: Option<&str>, options: &Options, history: &History) -> Verdict {
    let judge = checker(info.name, level, options).unwrap();
    let verdict = judge.check(history, &Budget::unlimited());
    verdict.unwrap_or_else(|error| panic!("{}: {error}", info.name))
}

/// No judge at no level.
fn levels(info: &ModelInfo) -> impl Iterator<Item = Option<&'static str>> {
    std::iter::once(None).chain(info.consistency.iter().copied().map(Some))
}

#[test]
fn where_nothing_was_seen_every_judge_says_unknown() {
    let nemesis = "{:process :nemesis :type :info :f :kill} {:process :nemesis :type :info :f :kill :value :n1}";
    for info in models() {
        let sample = sample(info);
        let mut histories = vec![
            ("empty", History::new()),
            ("nemesis only", codec::read(nemesis.as_bytes()).unwrap()),
            ("invocations only", history(sample, &[])),
            ("all info", history(sample, &[":info"])),
            ("fail and info", history(sample, &[":fail", ":info"])),
            (
                "fail that says why",
                history(sample, &[":fail :error :refused"]),
            ),
        ];
        // What a compare-and-set refuses is an answer.
        if info.name != "cas-register" {
            histories.push(("all fail", history(sample, &[":fail"])));
        }
        for level in levels(info) {
            for (what, history) in &histories {
                let verdict = judged(info, level, &Options::default(), history);
                let of = format!("{} at {level:?}, {what}: {verdict:#?}", info.name);
                assert_eq!(verdict.validity, Validity::Unknown, "{of}");
                assert!(!verdict.reasons.is_empty(), "{of}");
                assert!(
                    verdict.witnesses.is_empty() && verdict.anomalies.is_empty(),
                    "{of}"
                );
            }
        }
    }
}

#[test]
fn what_was_seen_is_judged() {
    for info in models() {
        let verdict = judged(
            info,
            None,
            &Options::default(),
            &history_of_oks(sample(info)),
        );
        assert_ne!(
            verdict.validity,
            Validity::Invalid,
            "{}: {verdict:#?}",
            info.name
        );
        assert_eq!(verdict.operations, sample(info).len() as u64);
    }
}

/// One after another, by one process, each as its sample answers.
fn history_of_oks(sample: &[Sample]) -> History {
    let mut text = String::new();
    for (f, invoked, ok) in sample {
        for (kind, value) in [("invoke", invoked), ("ok", ok)] {
            writeln!(text, "{{:process 0 :type :{kind} :f :{f} :value {value}}}").unwrap();
        }
    }
    codec::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn a_key_without_an_ok_takes_nothing_from_the_others_and_is_counted() {
    let independent = Options {
        independent: true,
        ..Options::default()
    };
    let text = "{:process 0 :type :invoke :f :write :value [:x 1]}
                {:process 0 :type :ok :f :write :value [:x 1]}
                {:process 1 :type :invoke :f :write :value [:y 1]}
                {:process 1 :type :fail :f :write :value [:y 1]}
                {:process 2 :type :invoke :f :write :value [:z 1]}";
    let history = codec::read(text.as_bytes()).unwrap();
    let register = models()
        .iter()
        .find(|info| info.name == "register")
        .unwrap();
    let verdict = judged(register, None, &independent, &history);
    assert_eq!(verdict.validity, Validity::Valid);
    assert!(
        verdict.notes[0].starts_with("of 2 of 3 keys no operation"),
        "{:?}",
        verdict.notes
    );
    let keys = models()
        .iter()
        .filter(|info| info.settings.contains(&"independent"));
    for info in keys {
        let mut text = String::new();
        for (process, (f, invoked, _)) in sample(info).iter().enumerate() {
            for kind in ["invoke", "fail :error 1"] {
                let (value, field) = invoked.split_once(" :key").unwrap_or((invoked, ""));
                let field = if field.is_empty() {
                    String::new()
                } else {
                    format!(":key{field}")
                };
                writeln!(
                    text,
                    "{{:process {process} :type :{kind} :f :{f} :value [{process} {value}] {field}}}"
                )
                .unwrap();
            }
        }
        let history = codec::read(text.as_bytes()).unwrap();
        let verdict = judged(info, None, &independent, &history);
        assert_eq!(
            verdict.validity,
            Validity::Unknown,
            "{}: {verdict:#?}",
            info.name
        );
    }
}

#[test]
fn a_compare_and_set_that_refuses_is_an_answer() {
    let cas = |ends: &str, observe_failed_cas| {
        let text = format!(
            "{{:process 0 :type :invoke :f :cas :value [nil 1]}} {{:process 0 :type {ends} :f :cas :value [nil 1]}}
             {{:process 1 :type :invoke :f :read}} {{:process 1 :type :fail :f :read}}"
        );
        let history = codec::read(text.as_bytes()).unwrap();
        let options = Options {
            observe_failed_cas,
            ..Options::default()
        };
        let info = models()
            .iter()
            .find(|info| info.name == "cas-register")
            .unwrap();
        judged(info, None, &options, &history).validity
    };
    assert_eq!(cas(":fail", false), Validity::Valid);
    assert_eq!(cas(":fail :error :timeout", false), Validity::Unknown);
    assert_eq!(cas(":info", false), Validity::Unknown);
    // Nothing had taken the nil away that it did not find: wrong without any `ok`.
    assert_eq!(cas(":fail", true), Validity::Invalid);
}
