//! Completions that say another argument than their invocation did: the verdict names them and says which was used.

use rupture_checkers::history::codec;
use rupture_checkers::{Budget, Options, checker};

/// The notes on a history in which one operation is invoked with a value and completes with another.
fn notes(model: &str, f: &str, invoked: &str, completed: &str, independent: bool) -> Vec<String> {
    let text = format!(
        "{{:index 4 :process 0 :type :invoke :f :{f} :value {invoked}}}
         {{:index 5 :process 0 :type :ok :f :{f} :value {completed}}}"
    );
    let history = codec::read(text.as_bytes()).expect("two events");
    let options = Options {
        independent,
        ..Options::default()
    };
    let judge = checker(model, None, &options).expect(model);
    let verdict = judge.check(&history, &Budget::unlimited());
    verdict.expect(model).notes
}

#[test]
fn a_completion_that_contradicts_its_invocation_is_named() {
    for (model, f, invoked, completed) in [
        ("register", "write", "1", "2"),
        ("register", "write", ":a", ":b"),
        ("cas-register", "write", "1", "[2]"),
        ("cas-register", "cas", "[nil 2]", "[nil 3]"),
        ("fifo-queue", "enqueue", "1", "2"),
        ("unordered-queue", "enqueue", "1", "2"),
        ("set", "add", "1", "2"),
        ("stack", "push", "1", "2"),
        ("counter", "add", "1", "2"),
        ("priority-queue", "insert", "1", "2"),
        ("total-queue", "enqueue", "1", "2"),
        ("set-final", "add", "1", "2"),
        ("set-full", "add", "1", "2"),
    ] {
        let notes = notes(model, f, invoked, completed, false);
        let note = format!(
            "event 5 completes `{f}` with {completed}, but event 4 had invoked it with {invoked}: the value of the \
             invocation was used"
        );
        assert!(notes.contains(&note), "{model} {notes:?}");
    }
    let keyed = notes("register", "write", "[7 1]", "[7 2]", true);
    assert!(
        keyed.iter().any(|note| note.contains("with 2, but")),
        "{keyed:?}"
    );
}

#[test]
fn an_answer_is_no_contradiction() {
    for (model, f, invoked, completed) in [
        ("register", "write", "1", "1"),
        ("register", "write", "1", "nil"),
        ("register", "write", "1", "true"),
        ("register", "write", "1", ":ok"),
        ("register", "write", "{:a 1 :b 2}", "{:b 2 :a 1}"),
        ("register", "read", "nil", "nil"),
        ("cas-register", "cas", "[nil 2]", "true"),
        ("mutex", "acquire", "1", "2"),
        ("multi-register", "txn", "[[:r :x nil]]", "[[:r :x nil]]"),
    ] {
        let notes = notes(model, f, invoked, completed, false);
        let said = notes.iter().any(|note| note.contains("completes"));
        assert!(!said, "{model} {notes:?}");
    }
}
