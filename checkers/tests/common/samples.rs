//! Of every model of the registry, operations that it speaks: what is invoked, and what an `ok` answers, as EDN.

/// `(f, invoked, ok)`.
pub type Sample = (&'static str, &'static str, &'static str);

const READ_WRITE: &[Sample] = &[("write", "1", "1"), ("read", "nil", "1")];
const COUNTER: &[Sample] = &[("add", "1", "1"), ("read", "nil", "1")];
const GROWING: &[Sample] = &[("add", "1", "1"), ("read", "nil", "[1]")];
const LOCK: &[Sample] = &[("acquire", "nil", "nil"), ("release", "nil", "nil")];
const QUEUE: &[Sample] = &[
    ("enqueue", "1", "1"),
    ("dequeue", "nil", "1"),
    ("drain", "nil", "[]"),
];
const FORK: &[Sample] = &[
    ("write", "[[:w 0 1]]", "[[:w 0 1]]"),
    ("read", "[[:r 0 nil] [:r 1 nil]]", "[[:r 0 1] [:r 1 nil]]"),
    ("txn", "[[:w 2 1]]", "[[:w 2 1]]"),
];
const TRANSACTIONS: &[Sample] = &[("txn", "[[:w 0 1] [:r 1 nil]]", "[[:w 0 1] [:r 1 nil]]")];

/// Models and their operations, in the order of the alphabet. Together the operations of a model are a history that
/// it allows, one after another.
pub const SAMPLES: &[(&str, &[Sample])] = &[
    (
        "bank",
        &[
            ("open", "{0 10 1 0}", "{0 10 1 0}"),
            ("read", "nil", "{0 10 1 0}"),
            (
                "transfer",
                "{:from 0 :to 1 :amount 2}",
                "{:from 0 :to 1 :amount 2}",
            ),
        ],
    ),
    (
        "broadcast",
        &[("broadcast", "1", "1"), ("deliver", "nil", "1")],
    ),
    (
        "cas-register",
        &[
            ("write", "1", "1"),
            ("read", "nil", "1"),
            ("cas", "[1 2]", "[1 2]"),
        ],
    ),
    (
        "causal-reverse",
        &[("write", "1", "1"), ("read", "nil", "[1]")],
    ),
    ("counter", COUNTER),
    ("counter-bounds", COUNTER),
    (
        "dirty-reads",
        &[
            ("write", "1", "1"),
            ("read", "1", "1"),
            ("refresh", "nil", "nil"),
            ("strong-read", "nil", "[1]"),
        ],
    ),
    ("eventual", READ_WRITE),
    (
        "fenced-lock",
        &[("acquire", "nil", "1"), ("release", "1", "1")],
    ),
    ("fifo-queue", QUEUE),
    ("g-counter", COUNTER),
    ("g-set", GROWING),
    ("g2", &[("insert", "[1 [2 nil]]", "[1 [2 nil]]")]),
    (
        "kv-append",
        &[
            ("put", r#""a" :key "k""#, r#""a""#),
            ("append", r#""b" :key "k""#, r#""b""#),
            ("get", r#"nil :key "k""#, r#""ab""#),
        ],
    ),
    (
        "list-append",
        &[(
            "txn",
            "[[:append 0 1] [:r 0 nil]]",
            "[[:append 0 1] [:r 0 [1]]]",
        )],
    ),
    (
        "log",
        &[
            ("assign", "[0]", "[0]"),
            ("subscribe", "[0]", "[0]"),
            ("send", "[[:send 0 1]]", "[[:send 0 [0 1]]]"),
            ("poll", "[[:poll]]", "[[:poll {0 [[0 1]]}]]"),
            (
                "txn",
                "[[:send 0 2] [:poll]]",
                "[[:send 0 [1 2]] [:poll {}]]",
            ),
        ],
    ),
    ("long-fork", FORK),
    ("multi-register", TRANSACTIONS),
    ("mutex", LOCK),
    ("owner-mutex", LOCK),
    ("pn-counter", COUNTER),
    (
        "priority-queue",
        &[
            ("insert", "1", "1"),
            ("insert", "2", "2"),
            ("extract-max", "nil", "2"),
            ("extract-min", "nil", "1"),
        ],
    ),
    ("reentrant-mutex", LOCK),
    ("register", READ_WRITE),
    ("rw-register", TRANSACTIONS),
    ("semaphore", &[("acquire", "1", "1"), ("release", "1", "1")]),
    (
        "set",
        &[
            ("add", "1", "1"),
            ("contains", "1", "[1 true]"),
            ("remove", "1", "1"),
            ("read", "nil", "[]"),
        ],
    ),
    ("set-final", GROWING),
    (
        "set-full",
        &[
            ("add", "1", "1"),
            ("broadcast", "2", "2"),
            ("read", "nil", "[1 2]"),
        ],
    ),
    ("stack", &[("push", "1", "1"), ("pop", "nil", "1")]),
    ("total-queue", QUEUE),
    ("unique-ids", &[("generate", "nil", "7")]),
    ("unordered-queue", QUEUE),
];
