//! Looking at many things at once, and saying in one line what was seen.

use std::fmt::Display;

use crate::receipt::Probe;

/// How many things that were not as expected are named.
const NAMED: usize = 6;

/// Collects looks.
pub(super) struct Looks {
    looked_at: String,
    expected: String,
    count: usize,
    odd: Vec<String>,
    odd_count: usize,
}

impl Looks {
    /// Looks at `what`, where `expected` must be seen.
    pub(super) fn new(what: &str, expected: impl Into<String>) -> Self {
        Self {
            looked_at: what.to_owned(),
            expected: expected.into(),
            count: 0,
            odd: Vec::new(),
            odd_count: 0,
        }
    }

    /// One look at `what`, which saw `seen`.
    pub(super) fn see(&mut self, what: impl Display, seen: impl Display, is_expected: bool) {
        self.count += 1;
        if is_expected {
            return;
        }
        self.odd_count += 1;
        if self.odd.len() < NAMED {
            self.odd.push(format!("{what} {seen}"));
        }
    }

    /// The probe that these looks make. Without a single look nothing was seen, and nothing is proved.
    pub(super) fn probe(self, at_ns: u64) -> Probe {
        let ok = self.odd_count == 0 && self.count > 0;
        let seen = if ok {
            format!("{} of {} as expected", self.count, self.count)
        } else if self.count == 0 {
            "nothing to look at".to_owned()
        } else {
            let rest = self.odd_count - self.odd.len();
            let more = if rest > 0 {
                format!(", and {rest} more")
            } else {
                String::new()
            };
            format!(
                "{} of {} not as expected: {}{more}",
                self.odd_count,
                self.count,
                self.odd.join(", ")
            )
        };
        Probe {
            at_ns,
            looked_at: self.looked_at,
            expected: self.expected,
            seen,
            ok,
        }
    }
}
