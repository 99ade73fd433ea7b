//! What stands around a history in Clojure and would change the verdict on it.
//!
//! A model that begins as its arguments say, `(register 0)`, and options of a checker, `{:consistency-models [...]}`, count
//! for the one who wrote them. As nothing is evaluated they would be dropped, and the verdict be that on another question.

use super::syntax;
use crate::codec::error::Problem;

/// Whether a call by this name makes a model, by its function or its record: `model/cas-register`, `->CASRegister`, `Mutex.`.
pub(super) fn is_model(symbol: &str) -> bool {
    const MODELS: [&str; 9] = [
        "register",
        "casregister",
        "multiregister",
        "mutex",
        "reentrantmutex",
        "semaphore",
        "fifoqueue",
        "unorderedqueue",
        "noop",
    ];
    let (namespace, name) = symbol.rsplit_once('/').unwrap_or(("", symbol));
    if namespace.rsplit('.').next() == Some("model") {
        return true;
    }
    let name = name.strip_prefix("map").unwrap_or(name);
    let name = name.trim_start_matches("->").trim_end_matches('.');
    // A record is named by its package, too.
    let name = name.rsplit('.').next().unwrap_or(name);
    let name = name.replace('-', "").to_ascii_lowercase();
    MODELS.contains(&&*name)
}

/// Whether a call by this name judges a history.
pub(super) fn judges(symbol: &str) -> bool {
    let name = symbol.rsplit('/').next().unwrap_or(symbol);
    matches!(name, "analysis" | "check" | "check-safe")
}

/// Whether an option by this name, or an entry of a test, leaves every verdict as it is. The model is one of them: what
/// changes the verdict is its arguments.
pub(super) fn is_harmless(key: &str) -> bool {
    const HARMLESS: [&str; 18] = [
        "algorithm",
        "already-ops?",
        "assume-indices?",
        "concurrency",
        "dense-indices?",
        "directory",
        "have-indices?",
        "history-key",
        "model",
        "name",
        "nodes",
        "plot-format",
        "start-time",
        "subdirectory",
        "time-limit",
        "timeout",
        "timeout-ms",
        "with-ops?",
    ];
    HARMLESS.contains(&key)
}

/// Whether an option by this name changes verdicts wherever it stands, be it far from what judges.
pub(super) fn is_option(key: &str) -> bool {
    matches!(
        key,
        "consistency-models"
            | "linearizable?"
            | "linearizable-keys?"
            | "negative-balances?"
            | "sequential-keys?"
            | "wfr-keys?"
    )
}

/// Whether this is a number, a string or a truth value, which says something of itself.
pub(super) fn is_literal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let first = unsigned.bytes().next();
    first.is_some_and(|byte| byte.is_ascii_digit())
        || text.starts_with('"')
        || matches!(text, "true" | "false")
}

/// The problem with a model that is given arguments.
pub(super) fn of_model(text: &str, at: usize, arguments: usize, end: usize) -> Problem {
    let call = shortened(&text[at..end]);
    let initial = text[arguments..end - 1].trim();
    let one = is_literal(initial) || initial.starts_with(':');
    let one = one && !initial.contains([' ', ',', '\n', '\t', '\'', '"', '(', '[', '{']);
    let remedy = if one {
        format!("--initial {}", shortened(initial))
    } else {
        "its value with --initial".to_owned()
    };
    Problem::new(at, "a model without arguments around the history")
        .found(format!("`{call}`"))
        .remedy(format!(
            "`{call}` says how the object begins, and is not evaluated: keep the history alone, and give {remedy} (or \
             another --model)"
        ))
}

/// The problem with an option of a checker.
pub(super) fn of_option(text: &str, at: usize, end: usize) -> Problem {
    let option = shortened(&text[at..end]);
    Problem::new(at, "nothing around the history that changes its verdict")
        .found(format!("`{option}`"))
        .remedy(format!(
            "`{option}` is not evaluated: keep the history alone, and say with flags, such as --model or --consistency, what \
             it has to hold"
        ))
}

/// Text on one line, cut where it is long.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 40;
    let blank = |c: char| {
        c == ',' || u8::try_from(c).is_ok_and(|byte| syntax::class(byte) == syntax::Class::Blank)
    };
    let words: Vec<&str> = text
        .split(blank)
        .filter(|word| !word.is_empty())
        .take(SHOWN)
        .collect();
    let line = words.join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}
