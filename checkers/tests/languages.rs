//! What each model speaks: the table of the registry, the judges, the page and the guesses agree.

#[path = "common/samples.rs"]
#[allow(unreachable_pub)]
mod samples;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use rupture_checkers::history::{History, Validity, codec};
use rupture_checkers::{Budget, Options, checker, guess, models};
use samples::SAMPLES;

fn history(events: &str) -> History {
    codec::read(events.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{events}"))
}

/// What a log may hold beside what clients ask of it.
const NOT_IN_SAMPLES: [&str; 2] = ["crash", "debug-topic-partitions"];

#[test]
fn every_judge_speaks_what_the_table_says_and_nothing_else() {
    let everything: BTreeSet<&str> = models()
        .iter()
        .flat_map(|info| info.operations().iter().map(|form| form.f))
        .collect();
    assert_eq!(SAMPLES.len(), models().len());
    for (info, (model, sample)) in models().iter().zip(SAMPLES) {
        assert_eq!(info.name, *model);
        assert!(!info.apart().is_empty(), "{model}");
        let said: BTreeSet<&str> = info.operations().iter().map(|form| form.f).collect();
        assert_eq!(
            said.len(),
            info.operations().len(),
            "{model} says something twice"
        );
        let mut sampled: BTreeSet<&str> = sample.iter().map(|(f, ..)| *f).collect();
        if *model == "log" {
            sampled.extend(NOT_IN_SAMPLES);
        }
        if *model == "eventual" {
            sampled.insert("add");
        }
        assert_eq!(
            said, sampled,
            "{model}: `tests/nothing_seen.rs` judges every sample"
        );
        let judge = checker(model, None, &Options::default()).unwrap();
        for f in everything.difference(&said) {
            let text = format!(
                "{{:process 0 :type :invoke :f :{f} :value nil}} {{:process 0 :type :ok :f :{f} :value nil}}"
            );
            let refused = judge.check(&history(&text), &Budget::unlimited());
            assert!(refused.is_err(), "{model} takes `{f}`: {refused:?}");
        }
    }
}

#[test]
fn the_page_says_the_same() {
    let mut table =
        String::from("| model | `f` | value invoked | value when `ok` |\n|---|---|---|---|\n");
    for info in models() {
        for form in info.operations() {
            writeln!(
                table,
                "| {} | `{}` | {} | {} |",
                info.name, form.f, form.invoked, form.ok
            )
            .unwrap();
        }
    }
    let page = include_str!("../README.md");
    assert!(
        page.contains(&table),
        "checkers/README.md should say:\n{table}"
    );
}

/// One process, an operation after another, each `ok`.
fn said(operations: &[(&str, &str, &str)]) -> String {
    let mut text = String::new();
    for (f, invoked, ok) in operations {
        for (kind, value) in [("invoke", invoked), ("ok", ok)] {
            writeln!(text, "{{:process 0 :type :{kind} :f :{f} :value {value}}}").unwrap();
        }
    }
    text
}

#[test]
fn completions_alone_are_judged_as_if_each_had_been_invoked_right_before() {
    for (model, sample) in SAMPLES {
        let whole = history(&said(sample));
        let events: Vec<_> = (1..whole.len())
            .step_by(2)
            .map(|row| {
                let mut event = whole.get(row).to_event();
                // Where only completions are kept they say of which key they are.
                event.extra = whole.get(row - 1).to_event().extra;
                event
            })
            .collect();
        let alone: History = events.iter().collect();
        assert!(alone.has_completions_alone());
        let judge = checker(model, None, &Options::default()).unwrap();
        assert!(
            judge.check(&alone, &Budget::unlimited()).is_err(),
            "{model}"
        );
        let added = alone.with_invocations().unwrap();
        let validity = |history: &History| {
            judge
                .check(history, &Budget::unlimited())
                .unwrap_or_else(|error| panic!("{model}: {error}"))
                .validity
        };
        assert_eq!(validity(&added), validity(&whole), "{model}");
    }
}

#[test]
fn a_model_is_guessed_where_only_one_fits() {
    for (operations, model) in [
        (&[("write", "1", "1"), ("read", "nil", "1")][..], "register"),
        (
            &[("write", "1", "1"), ("cas", "[1 2]", "[1 2]")],
            "cas-register",
        ),
        (&[("get", "nil :key 1", "\"\"")], "kv-append"),
        (&[("push", "1", "1"), ("pop", "nil", "1")], "stack"),
        (
            &[("insert", "1", "1"), ("extract-max", "nil", "1")],
            "priority-queue",
        ),
        (&[("insert", "[1 [2 nil]]", "[1 [2 nil]]")], "g2"),
        (
            &[("acquire", "nil", "nil"), ("release", "nil", "nil")],
            "mutex",
        ),
        (
            &[("acquire", "nil", "7"), ("release", "7", "7")],
            "fenced-lock",
        ),
        (
            &[
                ("transfer", "{:from 0 :to 1 :amount 1}", "nil"),
                ("read", "nil", "{0 50 1 50}"),
            ],
            "bank",
        ),
        (&[("add", "1", "1"), ("read", "nil", "[1]")], "set-full"),
        (&[("add", "1", "1"), ("remove", "1", "1")], "set"),
        (
            &[("add", "1", "1"), ("read", "nil :final? true", "1")],
            "g-counter",
        ),
        (
            &[("add", "-1", "-1"), ("read", "nil :final? true", "-1")],
            "pn-counter",
        ),
        (&[("send", "[[:send 1 1]]", "[[:send 1 [0 1]]]")], "log"),
        (&[("poll", "[[:poll]]", "[[:poll {}]]")], "log"),
        (&[("txn", "[[:send 1 1]]", "[[:send 1 [0 1]]]")], "log"),
        (
            &[
                ("write", "[[:w 1 1]]", "[[:w 1 1]]"),
                ("read", "[[:r 1 nil]]", "[[:r 1 1]]"),
            ],
            "long-fork",
        ),
        (
            &[("txn", "[[:append 1 1]]", "[[:append 1 1]]")],
            "list-append",
        ),
        (
            &[("txn", "[[:r 1 nil] [:w 1 1]]", "[[:r 1 nil] [:w 1 1]]")],
            "rw-register",
        ),
        (
            &[("broadcast", "1", "1"), ("deliver", "nil", "1")],
            "broadcast",
        ),
        // Maelstrom's broadcast has reads of all messages.
        (
            &[("broadcast", "1", "1"), ("read", "nil", "[1]")],
            "set-full",
        ),
        (
            &[("write", "1", "1"), ("read", "nil", "[1]")],
            "causal-reverse",
        ),
        (&[("generate", "nil", "7")], "unique-ids"),
        (&[("acquire", "2", "2"), ("release", "2", "2")], "semaphore"),
        (
            &[("write", "1", "1"), ("strong-read", "nil", "[1]")],
            "dirty-reads",
        ),
    ] {
        let text = said(operations);
        let guessed =
            guess(&history(&text), false).unwrap_or_else(|error| panic!("{model}: {error}"));
        assert_eq!(
            (guessed.model, guessed.independent),
            (model, false),
            "{text}"
        );
        let judge = checker(model, None, &Options::default()).unwrap();
        let verdict = judge.check(&history(&text), &Budget::unlimited()).unwrap();
        assert_ne!(verdict.validity, Validity::Invalid, "{text}{verdict:#?}");
    }
}

#[test]
fn keys_are_seen_where_values_show_them() {
    let keyed = said(&[
        ("acquire", "[3 nil]", "[3 nil]"),
        ("release", "[3 nil]", "[3 nil]"),
    ]);
    let guessed = guess(&history(&keyed), false).unwrap();
    assert_eq!((guessed.model, guessed.independent), ("mutex", true));
}

#[test]
fn what_several_models_speak_is_not_guessed_but_told() {
    for (operations, several) in [
        (
            &[("enqueue", "1", "1"), ("dequeue", "nil", "1")][..],
            &["fifo-queue", "unordered-queue"][..],
        ),
        (
            &[("enqueue", "1", "1"), ("drain", "nil", "[1]")],
            &["fifo-queue", "total-queue", "unordered-queue"],
        ),
        (
            &[("acquire", "nil", "nil"), ("acquire", "nil", "nil")],
            &["mutex", "owner-mutex", "reentrant-mutex"],
        ),
        (
            &[("release", "nil", "nil")],
            &["mutex", "owner-mutex", "reentrant-mutex"],
        ),
        (
            &[("add", "1", "1"), ("read", "nil", "1")],
            &["counter", "counter-bounds", "g-counter"],
        ),
        (
            &[("add", "-1", "-1"), ("read", "nil", "-1")],
            &["counter", "pn-counter"],
        ),
        (
            &[("add", "1", "1"), ("read", "nil :final? true", "[1]")],
            &["g-set", "set", "set-final", "set-full"],
        ),
        (
            &[("write", "1", "1"), ("read", "nil :final? true", "1")],
            &["eventual", "register"],
        ),
        (
            &[("txn", "[[:r 1 nil]]", "[[:r 1 nil]]")],
            &["list-append", "rw-register", "multi-register"],
        ),
        (&[("broadcast", "1", "1")], &["broadcast", "set-full"]),
        (&[("read", "nil", "1")], &["register", "bank"]),
        (&[("frobnicate", "nil", "1")], &[]),
    ] {
        let text = said(operations);
        let error = guess(&history(&text), false).expect_err(&text);
        for model in several {
            assert!(error.models.contains(model), "{model}: {error}");
            assert!(error.to_string().contains(model), "{model}: {error}");
        }
        assert_eq!(error.models.is_empty(), several.is_empty(), "{error}");
    }
}

#[test]
fn locks_that_are_taken_in_turn_are_judged_alike_by_all_who_speak_of_them() {
    // Every order of the events of two processes, of three operations and of two, each acquiring and releasing in
    // turn: the three judges agree, so that the guess is none.
    let program = ["acquire", "release", "acquire"];
    for order in 0_u32..1 << 10 {
        if order.count_ones() != 6 {
            continue;
        }
        let (mut text, mut at) = (String::new(), [0_usize; 2]);
        for event in 0..10 {
            let process = (order >> event & 1) as usize;
            let kind = ["invoke", "ok"][at[process] % 2];
            let f = program[at[process] / 2];
            writeln!(text, "{{:process {process} :type :{kind} :f :{f}}}").unwrap();
            at[process] += 1;
        }
        let history = history(&text);
        assert_eq!(guess(&history, false).unwrap().model, "mutex");
        let verdicts: BTreeSet<&str> = ["mutex", "owner-mutex", "reentrant-mutex"]
            .map(|model| {
                let judge = checker(model, None, &Options::default()).unwrap();
                judge
                    .check(&history, &Budget::unlimited())
                    .unwrap()
                    .validity
                    .name()
            })
            .into();
        assert_eq!(verdicts.len(), 1, "{text}");
    }
}
