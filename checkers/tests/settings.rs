//! No setting does nothing in silence: of every model, at every level, each either changes what is said of some
//! history, which stands here, or is refused, or the verdict says in a note that it is part of the level anyway.

use std::fmt::Write;

use rupture_checkers::history::{History, Value, Verdict, codec};
use rupture_checkers::{Budget, Options, Setting, SettingKind, Unknown, checker, models, settings};

/// A model, a setting, whether keys are judged by themselves, and a history.
type Shown = (&'static str, &'static str, bool, &'static str);

/// Gives a setting as the histories below want it.
fn give(setting: &Setting, options: &mut Options) {
    match &setting.kind {
        SettingKind::Flag(give) | SettingKind::Beside(give) => give(options),
        SettingKind::Integer { range, give, .. } => give(options, 1.max(*range.start())),
        SettingKind::Count(give) => give(options, 2),
        SettingKind::Value(give) => give(options, Value::Int(0)),
        SettingKind::Words { give, .. } => {
            let words = ["nonmonotonic-poll", "unseen"];
            let taken = words.map(|word| give(options, word).is_ok());
            assert!(
                taken.contains(&true),
                "`{}` takes none of {words:?}",
                setting.name
            );
        }
    }
}

/// Histories by model on which its settings say something. Operations follow each other: a process, a function, an
/// argument, and what was answered if it differs; `!` behind the process says that it failed, `?` that nobody knows.
/// With `keyed` the keys are judged by themselves before the setting is given.
#[rustfmt::skip]
const HISTORIES: &[Shown] = &[
    ("bank", "independent", false, "0 read [1 {:a 10}] | 0 read [2 {:a 5}]"),
    ("bank", "total", false, "0 read {:a 10} | 0 read {:a 10}"),
    ("bank", "negative-balances", false, "0 read {:a -5, :b 15}"),
    // Who crashed had delivered, and nobody else did.
    ("broadcast", "uniform", false,
        "0 broadcast 1 | 0 deliver nil => 1 | 0? deliver nil | 1 deliver nil"),
    // What is on its way never arrived.
    ("broadcast", "complete", false, "0 broadcast 1 | 0 deliver nil => 1 | 1! deliver nil"),
    ("cas-register", "independent", false, "0 write [1 1] | 0 write [2 2] | 0 read [1 nil] => [1 1]"),
    ("cas-register", "initial", false, "0 cas [0 1]"),
    ("cas-register", "observe-failed-cas", false, "0 write 1 | 0! cas [1 2] | 0 read nil => 1"),
    ("cas-register", "witness", false, "0 write 1"),
    ("causal-reverse", "independent", false, "0 write [1 1] | 0 read [1 nil] => [1 [1]]"),
    ("counter", "independent", false, "0 add [1 1] | 0 read [1 nil] => [1 1]"),
    ("counter", "witness", false, "0 add 1"),
    ("counter-bounds", "independent", false, "0 add [1 1] | 0 read [1 nil] => [1 1]"),
    ("dirty-reads", "independent", false, "0 write [1 1] | 0 strong-read [1 nil] => [1 [1]]"),
    ("eventual", "independent", false,
        "0 write [1 1] | 0 write [2 2] | 0 read [1 nil] => [1 1] | 1 read [2 nil] => [2 2]"),
    ("fenced-lock", "independent", false, "0 acquire [1 nil] => [1 1] | 0 acquire [2 nil] => [2 1]"),
    ("fenced-lock", "witness", false, "0 acquire nil => 1"),
    ("fifo-queue", "independent", false, "0 enqueue [1 1] | 0 enqueue [2 1] | 0 dequeue [2 nil] => [2 1]"),
    ("fifo-queue", "witness", false, "0 enqueue 1"),
    ("g-counter", "independent", false, "0 add [1 1] | 0 read [1 nil] => [1 1]"),
    ("g-set", "independent", false, "0 add [1 1] | 0 read [1 nil] => [1 [1]]"),
    ("kv-append", "independent", false, "0 append [1 \"a\"] | 0 get [1 nil] => [1 \"a\"]"),
    ("kv-append", "witness", false, "0 append@1 \"a\""),
    ("log", "allow", false,
        "0 send [[:send 1 1]] => [[:send 1 [0 1]]] | 1 poll [[:poll]] => [[:poll {1 [[0 1]]}]] | 1 poll [[:poll]] => [[:poll {1 [[0 1]]}]]"),
    ("log", "forbid", false, "0 send [[:send 1 1]] => [[:send 1 [0 1]]]"),
    ("log", "ww-deps", false,
        "0 send [[:send 1 1]] => [[:send 1 [1 1]]] | 1 send [[:send 1 2]] => [[:send 1 [0 2]]] | 1 poll [[:poll]] => [[:poll {1 [[0 2]]}]]"),
    ("long-fork", "independent", false, "0 write [1 [[:w 1 1]]] | 0 read [1 [[:r 1 nil]]] => [1 [[:r 1 1]]]"),
    ("multi-register", "independent", false, "0 txn [1 [[:w :x 1]]] | 0 txn [1 [[:r :x nil]]] => [1 [[:r :x 1]]]"),
    ("multi-register", "initial", false, "0 txn [[:r :x nil]] => [[:r :x 0]]"),
    ("multi-register", "witness", false, "0 txn [[:w :x 1]]"),
    ("mutex", "independent", false, "0 acquire [1 nil] | 0 acquire [2 nil]"),
    ("mutex", "witness", false, "0 acquire nil"),
    ("owner-mutex", "independent", false, "0 acquire [1 nil] | 0 acquire [2 nil]"),
    ("owner-mutex", "witness", false, "0 acquire nil"),
    ("pn-counter", "independent", false, "0 add [1 1] | 0 read [1 nil] => [1 1]"),
    ("priority-queue", "independent", false, "0 insert [1 1] | 0 extract-max [1 nil] => [1 1]"),
    ("priority-queue", "witness", false, "0 insert 1"),
    ("reentrant-mutex", "independent", false, "0 acquire [1 nil] | 1 acquire [2 nil]"),
    ("reentrant-mutex", "witness", false, "0 acquire nil"),
    ("register", "independent", false, "0 write [1 1] | 0 write [2 2] | 0 read [1 nil] => [1 1]"),
    ("register", "initial", false, "0 read nil => 0"),
    ("register", "witness", false, "0 write 1"),
    ("rw-register", "wfr-keys", false, "0 txn [[:r :x 2] [:w :x 1]] | 1 txn [[:r :x 1] [:w :x 2]]"),
    ("rw-register", "sequential-keys", false,
        "0 txn [[:w :x 1]] | 1 txn [[:w :x 2]] | 0 txn [[:r :x 2]] | 1 txn [[:r :x 1]]"),
    ("rw-register", "sequential-keys", false,
        "0 txn [[:w :x 1]] | 1 txn [[:w :x 2]] | 2 txn [[:r :x 1]] | 2 txn [[:r :x 2]] | 3 txn [[:r :x 2]] | 3 txn [[:r :x 1]]"),
    ("rw-register", "linearizable-keys", false, "0 txn [[:w :x 1]] | 1 txn [[:w :x 2]] | 2 txn [[:r :x 1]]"),
    ("semaphore", "independent", false, "0 acquire [1 1] | 0 acquire [2 1]"),
    ("semaphore", "permits", false, "0 acquire 2"),
    ("semaphore", "witness", false, "0 acquire 1"),
    ("set", "independent", false, "0 add [1 1] | 0 read [1 nil] => [1 [1]]"),
    ("set", "witness", false, "0 add 1"),
    ("set-final", "independent", false, "0 add [1 1] | 0 read [1 nil] => [1 [1]]"),
    ("set-full", "independent", false, "0 add [1 1] | 0 read [1 nil] => [1 [1]]"),
    ("stack", "independent", false, "0 push [1 1] | 0 push [2 2] | 0 pop [1 nil] => [1 1]"),
    ("stack", "witness", false, "0 push 1"),
    // Here it asks for keys, and there are none.
    ("total-queue", "independent", false, "0 enqueue 1 | 0 dequeue nil => 1"),
    ("unique-ids", "independent", false, "0 generate nil => 7"),
    ("unordered-queue", "independent", false, "0 enqueue [1 1] | 0 dequeue [2 nil] => [2 nil]"),
    ("unordered-queue", "witness", false, "0 enqueue 1"),
];

fn history(text: &str) -> History {
    let mut events = String::new();
    let mut time = 0;
    for step in text.split(" | ") {
        let mut parts = step.trim().splitn(3, ' ');
        let [process, f, rest] = [parts.next(), parts.next(), parts.next()].map(Option::unwrap);
        let kind = match process.chars().last() {
            Some('!') => "fail",
            Some('?') => "info",
            _ => "ok",
        };
        let process = process.trim_end_matches(['!', '?']);
        let (f, key) = f.split_once('@').unwrap_or((f, ""));
        let field = if key.is_empty() { "" } else { ":key" };
        let (asked, answered) = rest.split_once(" => ").unwrap_or((rest, rest));
        for (kind, value) in [("invoke", asked), (kind, answered)] {
            time += 1_000;
            let _ = writeln!(
                events,
                "{{:process {process} :type :{kind} :f :{f} :time {time} {field} {key} :value {value}}}"
            );
        }
    }
    codec::read(events.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What is said of a history, but for notes.
fn said(model: &str, level: Option<&str>, options: &Options, text: &str) -> (String, Vec<String>) {
    let judge = checker(model, level, options).unwrap_or_else(|error| panic!("{model}: {error}"));
    match judge.check(&history(text), &Budget::unlimited()) {
        Err(error) => (error.to_string(), Vec::new()),
        Ok(verdict) => {
            let Verdict {
                validity,
                measured,
                witnesses,
                ..
            } = &verdict;
            let kinds: Vec<&str> = verdict.anomalies.iter().map(|one| &*one.kind).collect();
            let held: Vec<_> = verdict.ladder.iter().map(|rung| rung.validity).collect();
            let said = format!("{validity:?} {kinds:?} {held:?} {measured:?} {witnesses:?}");
            (said, verdict.notes)
        }
    }
}

/// Histories of one object, of which a verdict says that it asked for violated keys in vain.
fn one_object(name: &str, setting: &str) -> bool {
    name == "anomalies" && setting == "witness"
}

/// How a setting shows at a level of a model; the reason why not, if it does not.
fn shows(model: &str, level: Option<&str>, setting: &Setting) -> Result<(), String> {
    let name = setting.name;
    let mut alone = Options::default();
    give(setting, &mut alone);
    let info = models().iter().find(|info| info.name == model).unwrap();
    match checker(model, level, &alone) {
        Err(Unknown::Setting { known, .. }) if !known.contains(&name) => return Ok(()),
        Err(Unknown::Idle { why, .. }) if info.settings.contains(&name) && !why.is_empty() => {
            return Ok(());
        }
        Err(error) => return Err(error.to_string()),
        Ok(_) if !info.settings.contains(&name) => return Err("it is not listed".to_owned()),
        Ok(_) => {}
    }
    let mut why = "no history stands here".to_owned();
    for (_, _, keyed, text) in HISTORIES
        .iter()
        .filter(|(of, setting, ..)| *of == model && (*setting == name || one_object(name, setting)))
    {
        let before = Options {
            independent: *keyed,
            // Without them a semaphore is not judged.
            permits: (model == "semaphore" && name != "permits").then_some(2),
            ..Options::default()
        };
        let mut after = before.clone();
        give(setting, &mut after);
        let (one, other) = (
            said(model, level, &before, text),
            said(model, level, &after, text),
        );
        let noted = other
            .1
            .iter()
            .any(|note| note.contains(&format!("`{name}`")));
        if one.0 != other.0 || noted {
            return Ok(());
        }
        why = format!("{} either way", one.0);
    }
    Err(why)
}

#[test]
fn every_setting_says_something_at_every_level_or_is_refused() {
    let mut idle = Vec::new();
    for info in models() {
        let levels = info.consistency.iter().copied().map(Some);
        for level in levels.chain([None]) {
            for setting in settings() {
                if let Err(why) = shows(info.name, level, setting) {
                    idle.push(format!("{} {level:?} `{}`: {why}", info.name, setting.name));
                }
            }
        }
    }
    assert!(
        idle.is_empty(),
        "settings that change nothing:\n{}",
        idle.join("\n")
    );
}

#[test]
fn a_setting_that_changes_nothing_is_refused_with_the_reason() {
    let options = Options {
        witness: true,
        ..Options::default()
    };
    let refused = |model, level| checker(model, level, &options).err().unwrap().to_string();
    assert_eq!(
        refused("register", Some("sequential")),
        "`witness` changes nothing for register at the level sequential: only the level linearizable brings an order \
         of the operations"
    );
    let options = Options {
        anomalies: Some(2),
        ..Options::default()
    };
    let refused_too = |model, level| checker(model, level, &options).err().unwrap().to_string();
    assert_eq!(
        refused_too("register", Some("k-atomic")),
        "`anomalies` changes nothing for register at the level k-atomic: only the level linearizable leaves keys open \
         once a violation is known"
    );
    assert_eq!(
        refused_too("bank", None),
        "bank has no setting named `anomalies`"
    );
    assert_eq!(
        refused("list-append", None),
        "list-append has no setting named `witness`"
    );
}
