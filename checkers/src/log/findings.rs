//! What was found wrong, in numbers. Only what is told is put into words.

use super::kind::{LogAnomaly, Severity};
use super::orders::Overwrite;

/// One anomaly. Which of the fields mean something depends on its kind; the others are `NONE`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    pub(super) kind: LogAnomaly,
    /// The operation in which it shows; of those of one kind, the first are told.
    pub(super) operation: u32,
    /// The operation before it, in contiguity from one to the next.
    pub(super) before: u32,
    /// The entries or messages that it is about, the first and the second.
    pub(super) first: u32,
    pub(super) second: u32,
}

/// Everything that was found.
pub(super) struct Findings {
    severities: [Severity; LogAnomaly::ALL.len()],
    pub(super) counted: Vec<Finding>,
    /// How many of each kind are only noted.
    pub(super) noted: [usize; LogAnomaly::ALL.len()],
    /// Circles, by the place of their finding's `first`.
    pub(super) circles: Vec<Vec<u32>>,
    /// Circles that were seen and are not told.
    pub(super) more_circles: usize,
    /// Who wrote to a log right before whom, if that was asked for.
    pub(super) overwrites: Vec<Overwrite>,
}

impl Findings {
    pub(super) fn new(severities: [Severity; LogAnomaly::ALL.len()]) -> Self {
        Self {
            severities,
            counted: Vec::new(),
            noted: [0; LogAnomaly::ALL.len()],
            circles: Vec::new(),
            more_circles: 0,
            overwrites: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, finding: Finding, subscribed: bool) {
        let counted = match self.severities[finding.kind as usize] {
            Severity::Counted => true,
            Severity::UnlessSubscribed => !subscribed,
            Severity::Noted => false,
        };
        if counted {
            self.counted.push(finding);
        } else {
            self.noted[finding.kind as usize] += 1;
        }
    }
}
