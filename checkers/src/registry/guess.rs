//! Which model a history is of, told from its operations. A wrong guess would be a wrong verdict: where two models
//! fit that might judge differently there is none.

use std::collections::{BTreeMap, BTreeSet};

use rupture_history::{EventRef, History, Kind, Outcome, Value, ValueRef};

use super::{ModelInfo, models};
use crate::values::canonical;

/// A model for which a history speaks, or why there is none.
///
/// Where values look like `[key value]` they are taken for that, also where `independent` was not asked for: no model
/// reads with an argument of that form.
///
/// ```
/// use rupture_checkers::history::codec;
/// use rupture_checkers::{NoGuess, guess};
///
/// let ids = codec::read(b"{:process 0 :type :invoke :f :push :value 1}").unwrap();
/// assert_eq!(guess(&ids, false).unwrap().model, "stack");
/// let queue = codec::read(b"{:process 0 :type :invoke :f :enqueue :value 1}").unwrap();
/// let Err(NoGuess { models, .. }) = guess(&queue, false) else { panic!("it may or may not promise its order") };
/// assert!(models.contains(&"fifo-queue") && models.contains(&"unordered-queue"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guess {
    /// The name of the model.
    pub model: &'static str,
    /// Whether values are `[key value]`.
    pub independent: bool,
}

/// A history that may be of several models, or is of none.
///
/// ```
/// use rupture_checkers::guess;
/// use rupture_checkers::history::codec;
///
/// let history = codec::read(b"{:process 0 :type :invoke :f :frobnicate}").unwrap();
/// let no_guess = guess(&history, false).unwrap_err();
/// assert_eq!(no_guess.to_string(), "no model speaks of `frobnicate`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoGuess {
    /// What the operations are called.
    pub functions: Vec<String>,
    /// The models that speak all of them, in the order of the alphabet.
    pub models: Vec<&'static str>,
}

/// How many models are told with what tells them apart.
const TOLD: usize = 8;

impl std::fmt::Display for NoGuess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let functions: Vec<String> = self.functions.iter().map(|f| format!("`{f}`")).collect();
        let functions = functions.join(", ");
        if self.models.is_empty() {
            return write!(f, "no model speaks of {functions}");
        }
        let apart = |name: &&str| {
            let info = models().iter().find(|info| info.name == *name);
            format!("{name} ({})", info.map_or("", ModelInfo::apart))
        };
        let told: Vec<String> = if self.models.len() <= TOLD {
            self.models.iter().map(apart).collect()
        } else {
            self.models.iter().map(|&name| name.to_owned()).collect()
        };
        write!(f, "{functions} may be of {}", told.join(", "))
    }
}

impl std::error::Error for NoGuess {}

/// Guesses the model of a history. See [`Guess`].
///
/// ```
/// use rupture_checkers::guess;
/// use rupture_checkers::history::codec;
///
/// // Each process acquires and releases in turn, so that it does not matter who may release.
/// let lock = codec::read(
///     b"{:process 0 :type :invoke :f :acquire}
///       {:process 0 :type :ok :f :acquire}
///       {:process 0 :type :invoke :f :release}
///       {:process 0 :type :ok :f :release}",
/// )?;
/// assert_eq!(guess(&lock, false)?.model, "mutex");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Several models fit, or none.
pub fn guess(history: &History, independent: bool) -> Result<Guess, NoGuess> {
    let independent = independent || asks_for_keys(history);
    let words = Words::of(history, independent);
    let fits = |info: &&ModelInfo| words.are_of(info.name);
    let mut found: Vec<&'static str> = speakers(&words)
        .filter(fits)
        .map(|info| info.name)
        .collect();
    if !history.has_real_time() {
        // The formats without real time have transactions on registers, which may be reads alone.
        found = vec!["rw-register"];
    } else if words.functions.is_empty() {
        // A history without operations is `unknown` by whatever model.
        found = vec!["register"];
    }
    if let [model] = found[..] {
        return Ok(Guess { model, independent });
    }
    if found.is_empty() {
        found = speakers(&words).map(|info| info.name).collect();
    }
    Err(NoGuess {
        functions: words.functions.iter().map(|&f| f.to_owned()).collect(),
        models: found,
    })
}

/// The models that have all functions of a history.
fn speakers(words: &Words<'_>) -> impl Iterator<Item = &'static ModelInfo> {
    let functions: BTreeSet<String> = words.functions.iter().map(|&f| f.to_owned()).collect();
    models().iter().filter(move |info| {
        let has = |f: &String| info.operations().iter().any(|form| form.f == f);
        functions.iter().all(has)
    })
}

/// Functions that no model invokes with a pair.
const ASK: [&str; 9] = [
    "read",
    "dequeue",
    "drain",
    "pop",
    "extract-max",
    "extract-min",
    "acquire",
    "release",
    "generate",
];

/// Whether they are invoked with `[key nil]`: then every key is judged by itself.
fn asks_for_keys(history: &History) -> bool {
    let asks = |event: &EventRef<'_>| {
        event.client().is_some() && event.kind() == Kind::Invoke && ASK.contains(&event.f())
    };
    let mut asking = history.iter().filter(asks).peekable();
    let keyed = |event: EventRef<'_>| {
        event
            .value()
            .pair()
            .is_some_and(|(_, value)| value.is_nil())
    };
    asking.peek().is_some() && asking.all(keyed)
}

/// What a history says, as far as it tells models apart.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools)] // Each is a question of its own.
struct Words<'a> {
    functions: BTreeSet<&'a str>,
    /// The names of the parts of values, such as `append` of `[[append 1 2]]`.
    parts: BTreeSet<&'a str>,
    /// Whether no value of a read or write, and none of a write, has parts.
    atoms: bool,
    plain_writes: bool,
    /// Whether some read returned several elements, or a number.
    collections: bool,
    integers: bool,
    /// Whether some number was added that is less than nothing, or something that is no number.
    negative: bool,
    others_added: bool,
    /// Whether some read is marked as one of the last.
    marked: bool,
    /// Whether some number was inserted.
    numbers: bool,
    /// Whether some `acquire` asked for a number of permits, or was answered by anything.
    permits: bool,
    tokens: bool,
    /// Whether invocations were made up from completions, so that they do not tell permits from tokens.
    added: bool,
    /// Whether each process acquires and releases in turn, and knows of each whether it happened.
    turns: bool,
}

impl<'a> Words<'a> {
    fn of(history: &'a History, independent: bool) -> Self {
        let mut words = Self {
            atoms: true,
            plain_writes: true,
            turns: turns(history, independent),
            added: history.has_added_invocations(),
            ..Self::default()
        };
        for event in history.iter().filter(|event| event.client().is_some()) {
            words.hear(event, independent);
        }
        words
    }

    fn hear(&mut self, event: EventRef<'a>, independent: bool) {
        // Transactions need not say that they are some.
        let f = if event.f().is_empty() {
            "txn"
        } else {
            event.f()
        };
        self.functions.insert(f);
        let value = event.value();
        let value = match (independent, value.pair()) {
            (true, Some((_, value))) => value,
            _ => value,
        };
        let whole = value.items().into_iter().flatten();
        self.parts
            .extend(whole.filter_map(|part| part.items()?.next()?.as_name()));
        self.marked |= event.extra("final?").and_then(ValueRef::as_bool) == Some(true);
        let ok = event.kind() == Kind::Ok;
        let invoked = event.kind() == Kind::Invoke;
        match event.f() {
            "read" | "write" => {
                self.atoms &= value.count().is_none();
                self.plain_writes &= event.f() == "read" || value.count().is_none();
                self.collections |= ok && event.f() == "read" && value.items().is_some();
                self.integers |= ok && event.f() == "read" && value.as_int().is_some();
            }
            "add" if invoked => {
                self.negative |= value.as_int().is_some_and(|number| number < 0);
                self.others_added |= value.as_int().is_none();
            }
            "acquire" if invoked => self.permits |= value.as_int().is_some(),
            "acquire" if ok => self.tokens |= !value.is_nil(),
            "insert" if invoked => self.numbers |= value.as_int().is_some(),
            _ => {}
        }
    }

    fn has(&self, f: &str) -> bool {
        self.functions.contains(f)
    }

    /// Whether a value has such a part.
    fn says(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.parts.contains(name))
    }

    /// Whether a model that has all the functions also fits what was said.
    fn are_of(&self, model: &str) -> bool {
        let registers = self.says(&["w", "write"]) && !self.says(&["append", "send", "poll"]);
        let grows = self.has("add") && self.collections && !self.has("write");
        let counts = self.has("add") && !self.collections && self.integers && !self.others_added;
        match model {
            "register" => self.has("write") && self.atoms,
            "cas-register" => self.has("cas") && self.atoms,
            "causal-reverse" => self.has("write") && self.plain_writes && self.collections,
            "dirty-reads" => self.has("strong-read"),
            "eventual" => self.marked && (self.has("write") && self.atoms || grows),
            // Transactions of reads and writes alone are read as `rw-register`: at its strongest level it says of
            // them what a multi-register says. A long fork has `read` and `write` of its own.
            "long-fork" => !self.has("txn") && self.says(&["w"]) && self.says(&["r"]),
            "rw-register" => registers,
            "list-append" => self.says(&["append"]),
            "log" => self.has("send") || self.has("poll") || self.says(&["send", "poll"]),
            "bank" => self.has("transfer"),
            "counter" | "counter-bounds" => counts && !self.marked,
            "g-counter" => counts && !self.negative,
            "pn-counter" => counts && self.negative,
            // Whoever reads all elements of a set that grows follows them, unless only the last reads count.
            "set-full" => grows || self.has("broadcast"),
            "set" => self.has("remove") || self.has("contains") || (grows && self.marked),
            "g-set" | "set-final" => grows && self.marked,
            "total-queue" => self.has("drain"),
            "semaphore" => self.permits,
            "fenced-lock" => self.tokens && (!self.permits || self.added),
            "mutex" => !self.tokens && !self.permits,
            // Where each process acquires and releases in turn, whoever releases is who holds it.
            "owner-mutex" | "reentrant-mutex" => !self.tokens && !self.permits && !self.turns,
            "priority-queue" => self.numbers || !self.has("insert"),
            "g2" => !self.numbers,
            "multi-register" => false,
            _ => true,
        }
    }
}

/// Whether each process acquires and releases in turn, a release first of none, and goes on only after it knows what
/// became of an operation.
fn turns(history: &History, independent: bool) -> bool {
    let Ok(operations) = history.operations() else {
        return false;
    };
    // Of each process, and of each key: whether it is between the two; `None` where it does not know.
    let mut inside: BTreeMap<(i64, Option<Value>), Option<bool>> = BTreeMap::new();
    for operation in &operations {
        let event = history.get(operation.invoked as usize);
        let acquires = event.f() == "acquire";
        if !(acquires || event.f() == "release") || operation.outcome == Outcome::Fail {
            continue;
        }
        let key = event.value().pair().filter(|_| independent);
        let key = key.map(|(key, _)| canonical(key.to_value()));
        let held = inside
            .entry((operation.process, key))
            .or_insert(Some(false));
        if *held != Some(!acquires) {
            return false;
        }
        *held = (operation.outcome == Outcome::Ok).then_some(acquires);
    }
    true
}
