//! Key-value stores under fifty clients, of which those that fail do so on one key or on several.

use crate::common::Store;

/// Histories of one kind, each judged by a process of its own.
pub(crate) struct Row {
    pub(crate) operations: usize,
    violated: usize,
    seeds: std::ops::Range<u64>,
    pub(crate) bar: &'static str,
}

const CLIENTS: usize = 50;
const KEYS: usize = 10;

/// Ten histories a size.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (operations, bar) in [(2_000, "0.5 s"), (20_000, "5 s")] {
        for (violated, seeds) in [(0, 1..5), (1, 5..8), (5, 8..11)] {
            rows.push(Row {
                operations,
                violated,
                seeds,
                bar,
            });
        }
    }
    rows
}

impl Row {
    pub(crate) fn name(&self) -> String {
        let wrong = match self.violated {
            0 => String::new(),
            1 => ", one key violated".to_owned(),
            several => format!(", {several} keys violated"),
        };
        let count = self.seeds.end - self.seeds.start;
        format!("kv-append, contended, {CLIENTS} clients, {KEYS} keys{wrong}, {count} histories")
    }

    pub(crate) fn expected(&self) -> &'static str {
        if self.violated == 0 {
            "valid"
        } else {
            "invalid"
        }
    }

    /// The stores, one a history.
    pub(crate) fn stores(&self) -> impl Iterator<Item = Store> {
        let (operations, violated) = (self.operations, self.violated);
        self.seeds.clone().map(move |seed| Store {
            clients: CLIENTS,
            operations,
            keys: KEYS,
            violated,
            seed,
        })
    }
}
