//! What operations each model speaks. The one place that says so: guesses, lists, messages and pages are made from
//! it, and a test holds every judge to it.

use super::ModelInfo;

/// One operation of a model: what is invoked and what an `ok` answers, in words.
///
/// ```
/// use rupture_checkers::{Form, models};
///
/// let stack = models().iter().find(|info| info.name == "stack").unwrap();
/// let pop = stack.operations().iter().find(|form| form.f == "pop").unwrap();
/// assert_eq!(*pop, Form { f: "pop", invoked: "nil", ok: "v, or nil when empty" });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// The function.
    pub f: &'static str,
    /// The value with which it is invoked. With `independent` it is the second of `[key value]`.
    pub invoked: &'static str,
    /// The value with which it completes.
    pub ok: &'static str,
}

/// What a model speaks, and what tells it from others that speak the same.
pub(super) struct Language {
    model: &'static str,
    forms: &'static [Form],
    apart: &'static str,
}

const fn form(f: &'static str, invoked: &'static str, ok: &'static str) -> Form {
    Form { f, invoked, ok }
}

const fn speaks(model: &'static str, apart: &'static str, forms: &'static [Form]) -> Language {
    Language {
        model,
        forms,
        apart,
    }
}

const READ_WRITE: &[Form] = &[form("read", "nil", "the value"), form("write", "v", "v")];
const COUNTER: &[Form] = &[form("add", "n", "n"), form("read", "nil", "the sum")];
const GROWING: &[Form] = &[form("add", "x", "x"), form("read", "nil", "all elements")];
const LOCK: &[Form] = &[form("acquire", "nil", "nil"), form("release", "nil", "nil")];
const QUEUE: &[Form] = &[
    form("enqueue", "v", "v"),
    form("dequeue", "nil", "v, or nil when empty"),
    form("drain", "nil", "all that was left, or :exhausted"),
];
const REGISTERS: &[Form] = &[form(
    "txn",
    "[[w k v] [r k nil] ...]",
    "the same, reads filled in",
)];

pub(super) static LANGUAGES: &[Language] = &[
    speaks(
        "bank",
        "it moves money",
        &[
            form("transfer", "{from to amount}", "the same"),
            form("read", "nil", "{account balance ...}"),
            form("open", "{account balance ...}", "the same"),
        ],
    ),
    speaks(
        "broadcast",
        "every process delivers messages one by one",
        &[form("broadcast", "m", "m"), form("deliver", "nil", "m")],
    ),
    speaks(
        "cas-register",
        "it compares and sets",
        &[
            form("read", "nil", "the value"),
            form("write", "v", "v"),
            form("cas", "[old new]", "[old new]"),
        ],
    ),
    speaks(
        "causal-reverse",
        "a read returns all values that were written",
        &[form("write", "v", "v"), form("read", "nil", "[v ...]")],
    ),
    speaks(
        "counter",
        "every read is the sum at one moment of it",
        COUNTER,
    ),
    speaks(
        "counter-bounds",
        "every read lies between what was and what may have been added",
        COUNTER,
    ),
    speaks(
        "dirty-reads",
        "strong reads at the end return all values",
        &[
            form("write", "v", "v"),
            form("read", "v, or nil", "v, or [v ...]"),
            form("strong-read", "nil", "[v ...]"),
            form("refresh", "nil", "nil"),
        ],
    ),
    speaks(
        "eventual",
        "only the last reads count, and have to agree",
        &[
            form("write", "v", "v"),
            form("add", "x", "x"),
            form("read", "nil", "v, or [x ...]"),
        ],
    ),
    speaks(
        "fenced-lock",
        "whoever acquires is given a token",
        &[
            form("acquire", "nil", "the token"),
            form("release", "the token", "the token"),
        ],
    ),
    speaks(
        "fifo-queue",
        "values come out in the order in which they went in",
        QUEUE,
    ),
    speaks(
        "g-counter",
        "only the last reads count; nothing is taken away",
        COUNTER,
    ),
    speaks("g-set", "only the last reads count", GROWING),
    speaks(
        "g2",
        "of two inserts with one key at most one happens",
        &[form("insert", "[key [a b]], one of them nil", "the same")],
    ),
    speaks(
        "kv-append",
        "strings by the field `key`",
        &[
            form("get", "nil, with `key`", "the string"),
            form("put", "string, with `key`", "the string"),
            form("append", "string, with `key`", "the string"),
        ],
    ),
    speaks(
        "list-append",
        "transactions append to lists",
        &[form(
            "txn",
            "[[append k v] [r k nil] ...]",
            "the same, reads filled in",
        )],
    ),
    speaks(
        "log",
        "messages are sent to logs and polled with their offsets",
        &[
            form("send", "[[send k v] ...]", "[[send k [offset v]] ...]"),
            form("poll", "[[poll]]", "[[poll {k [[offset v] ...]}]]"),
            form("txn", "[[send k v] [poll] ...]", "the same, filled in"),
            form("assign", "[k ...]", "[k ...]"),
            form("subscribe", "[k ...]", "[k ...]"),
            form("crash", "nil", "never"),
            form("debug-topic-partitions", "anything", "anything"),
        ],
    ),
    speaks(
        "long-fork",
        "every key is written once, and several are read together",
        &[
            form("write", "[[w k v]]", "[[w k v]]"),
            form("read", "[[r k nil] ...]", "the same, filled in"),
            form("txn", "either", "either"),
        ],
    ),
    speaks(
        "multi-register",
        "registers that are linearizable together",
        REGISTERS,
    ),
    speaks("mutex", "anyone may release it", LOCK),
    speaks("owner-mutex", "only who holds it may release it", LOCK),
    speaks(
        "pn-counter",
        "only the last reads count; it may be taken from",
        COUNTER,
    ),
    speaks(
        "priority-queue",
        "the greatest or the least comes out",
        &[
            form("insert", "n", "n"),
            form("extract-max", "nil", "the greatest, or nil when empty"),
            form("extract-min", "nil", "the least, or nil when empty"),
        ],
    ),
    speaks("reentrant-mutex", "who holds it may acquire it again", LOCK),
    speaks("register", "every read is the latest write", READ_WRITE),
    speaks(
        "rw-register",
        "transactions write registers, judged by levels of isolation",
        REGISTERS,
    ),
    speaks(
        "semaphore",
        "several may hold it, by the number of permits",
        &[
            form("acquire", "n permits", "n"),
            form("release", "n permits", "n"),
        ],
    ),
    speaks(
        "set",
        "elements may be removed; every answer is that of one moment",
        &[
            form("add", "x", "x"),
            form("remove", "x", "x"),
            form("contains", "x", "[x true] or [x false]"),
            form("read", "nil", "all elements"),
        ],
    ),
    speaks("set-final", "only the last read counts", GROWING),
    speaks(
        "set-full",
        "every element is followed from its add on",
        &[
            form("add", "x", "x"),
            form("broadcast", "x", "x"),
            form("read", "nil", "all elements"),
        ],
    ),
    speaks(
        "stack",
        "the latest comes out",
        &[
            form("push", "v", "v"),
            form("pop", "nil", "v, or nil when empty"),
        ],
    ),
    speaks(
        "total-queue",
        "what went in comes out, by the end and in any order, maybe twice",
        QUEUE,
    ),
    speaks(
        "unique-ids",
        "no id is given twice",
        &[form("generate", "nil", "the id")],
    ),
    speaks("unordered-queue", "values come out in any order", QUEUE),
];

impl ModelInfo {
    fn language(&self) -> Option<&'static Language> {
        LANGUAGES
            .iter()
            .find(|language| language.model == self.name)
    }

    /// The operations that it speaks.
    ///
    /// ```
    /// use rupture_checkers::models;
    ///
    /// for info in models() {
    ///     assert!(!info.operations().is_empty(), "{} speaks nothing", info.name);
    /// }
    /// ```
    pub fn operations(&self) -> &'static [Form] {
        self.language().map_or(&[], |language| language.forms)
    }

    /// What tells it from other models that speak the same operations, in a few words.
    ///
    /// ```
    /// use rupture_checkers::models;
    ///
    /// let of = |name| models().iter().find(|info| info.name == name).unwrap();
    /// assert_eq!(of("mutex").operations(), of("owner-mutex").operations());
    /// assert_eq!(of("owner-mutex").apart(), "only who holds it may release it");
    /// ```
    pub fn apart(&self) -> &'static str {
        self.language().map_or("", |language| language.apart)
    }
}
