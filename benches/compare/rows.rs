//! The histories of the table: those of our bars, and those that Porcupine was measured on.

use crate::common::{Length, Object, Traffic};

/// One history, what we want of it, and what Porcupine needs for it where that is known.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) traffic: Traffic,
    /// Whether one operation at nine tenths is made wrong: the first violation of the object for which there
    /// is a place.
    pub(crate) violation: bool,
    pub(crate) bar: &'static str,
    /// Published for such a history; not measured here.
    pub(crate) porcupine: &'static str,
}

/// Objects of unique values, by name.
pub(crate) const DISTINCT: [(&str, Object); 11] = [
    ("register", Object::Register),
    ("key-value, 100 keys", Object::KeyValue { keys: 100 }),
    (
        "key-value, 100,000 keys",
        Object::KeyValue { keys: 100_000 },
    ),
    ("set", Object::Set),
    (
        "set, grow-only with 8 whole reads",
        Object::GrowingSet { reads: 8 },
    ),
    ("FIFO queue, short", Object::FifoQueue(Length::Short)),
    ("FIFO queue, long", Object::FifoQueue(Length::Long)),
    ("stack, short", Object::Stack(Length::Short)),
    ("stack, long", Object::Stack(Length::Long)),
    (
        "priority queue, short",
        Object::PriorityQueue(Length::Short),
    ),
    ("priority queue, long", Object::PriorityQueue(Length::Long)),
];

/// All rows, in the order of the table.
pub(crate) fn all() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, object) in DISTINCT {
        let bar = match object {
            Object::Stack(_) | Object::PriorityQueue(_) => "5 s, 1 GB",
            _ => "3 s, 1 GB",
        };
        let traffic = Traffic {
            object,
            operations: 1_000_000,
            ..Traffic::CONTENDED
        };
        for violation in [false, true] {
            rows.push(row(name, "contended", traffic, violation, (bar, "")));
        }
    }
    cas(&mut rows);
    registers(&mut rows);
    others(&mut rows);
    rows
}

fn row(
    name: &str,
    pace: &str,
    traffic: Traffic,
    violation: bool,
    (bar, porcupine): (&'static str, &'static str),
) -> Row {
    let wrong = if violation { ", violation" } else { "" };
    let lost = match traffic.lost_per_mille {
        0 => String::new(),
        lost => format!(", {} % never complete", lost as f64 / 10.0),
    };
    Row {
        name: format!("{name}, {pace}, {} clients{lost}{wrong}", traffic.clients),
        traffic,
        violation,
        bar,
        porcupine,
    }
}

const CLIENTS: [usize; 3] = [5, 10, 20];
const BAR: &str = "5 s, 1 GB";

fn cas(rows: &mut Vec<Row>) {
    const VALID: [(usize, [(&str, &str); 3]); 2] = [
        (
            10_000,
            [("", "31 ms"), ("", "376 ms, 637 MB"), (BAR, "over 9 GB")],
        ),
        (1_000, [("", "2 ms"), ("", "23 ms"), ("", "5.0 s, 787 MB")]),
    ];
    const WRONG: [(usize, [(&str, &str); 3]); 2] = [
        (
            10_000,
            [("", "229 ms"), ("", "21.8 s, 7.6 GB"), (BAR, "over 9 GB")],
        ),
        (
            1_000,
            [
                ("", "18 ms"),
                ("", "570 ms, 309 MB"),
                ("", "over 60 s, 5.6 GB"),
            ],
        ),
    ];
    let name = "cas-register of five values";
    let base = Traffic {
        object: Object::CasRegister,
        ..Traffic::CONTENDED
    };
    for (violation, figures) in [(false, VALID), (true, WRONG)] {
        for (operations, of_clients) in figures {
            for (clients, figure) in CLIENTS.into_iter().zip(of_clients) {
                let traffic = Traffic {
                    operations,
                    clients,
                    ..base
                };
                rows.push(row(name, "contended", traffic, violation, figure));
            }
        }
    }
    let lossy = Traffic {
        clients: 10,
        lost_per_mille: 10,
        operations: 10_000,
        ..base
    };
    rows.push(row(name, "contended", lossy, false, (BAR, "")));
    let short = Traffic {
        operations: 1_000,
        ..lossy
    };
    rows.push(row(
        name,
        "contended",
        short,
        true,
        ("", "over 60 s, 2.4 GB"),
    ));
}

fn registers(rows: &mut Vec<Row>) {
    const CONTENDED: [(usize, [&str; 3]); 2] = [
        (1_000, ["2 ms", "51 ms, 41 MB", "over 60 s, 6.6 GB"]),
        (10_000, ["69 ms", "1.8 s, 2.1 GB", "over 9 GB"]),
    ];
    const MODERATE: [&str; 3] = ["2.0 s, 2.2 GB", "8.2 s, 4.3 GB", "over 9 GB"];
    for (operations, figures) in CONTENDED {
        for (clients, figure) in CLIENTS.into_iter().zip(figures) {
            let traffic = Traffic {
                operations,
                clients,
                ..Traffic::CONTENDED
            };
            rows.push(row("register", "contended", traffic, false, ("", figure)));
        }
    }
    for (clients, figure) in CLIENTS.into_iter().zip(MODERATE) {
        let traffic = Traffic {
            operations: 100_000,
            clients,
            ..Traffic::MODERATE
        };
        rows.push(row("register", "moderate", traffic, false, ("", figure)));
    }
}

fn others(rows: &mut Vec<Row>) {
    const SET: [&str; 3] = ["53 ms", "406 ms", "over 60 s, 7.5 GB"];
    let queue = Traffic {
        object: Object::FifoQueue(Length::Short),
        clients: 5,
        ..Traffic::MODERATE
    };
    rows.push(row(
        "FIFO queue, short",
        "moderate",
        queue,
        false,
        ("", "over 9 GB"),
    ));
    for (clients, figure) in CLIENTS.into_iter().zip(SET) {
        let traffic = Traffic {
            object: Object::RepeatedSet { elements: 16 },
            operations: 10_000,
            clients,
            ..Traffic::CONTENDED
        };
        rows.push(row(
            "set of 16 elements",
            "contended",
            traffic,
            false,
            ("", figure),
        ));
    }
}
