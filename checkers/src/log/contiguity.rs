//! Whether messages were sent and polled one after the other, and whether they were within an operation.

use rupture_history::Outcome;

use super::findings::{Finding, Findings};
use super::kind::LogAnomaly;
use super::last::{Held, Last};
use super::numbers::NONE;
use super::orders::Orders;
use super::parse;
use super::transcript::{Mention, Transcript};

/// Which anomalies two messages make that do not follow each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kinds {
    pub(super) back: LogAnomaly,
    pub(super) skip: LogAnomaly,
    /// Whether partitions that move explain it.
    pub(super) moves: bool,
}

const POLLS: Kinds = Kinds {
    back: LogAnomaly::IntNonmonotonicPoll,
    skip: LogAnomaly::IntPollSkip,
    moves: true,
};
const SENDS: Kinds = Kinds {
    back: LogAnomaly::IntNonmonotonicSend,
    skip: LogAnomaly::IntSendSkip,
    moves: false,
};

impl Kinds {
    /// What it is that the second message came after the first, and the entries of both.
    pub(super) fn judge(
        self,
        orders: &Orders,
        first: &Mention,
        second: &Mention,
    ) -> Option<(LogAnomaly, u32, u32)> {
        let (first, second) = (orders.entry(first)?, orders.entry(second)?);
        let kind = match orders.distance(first, second) {
            ..=0 => self.back,
            1 => return None,
            _ => self.skip,
        };
        Some((kind, first, second))
    }

    /// Whether a key was taken or given while an operation ran, if that explains anything.
    pub(super) fn moved(self, transcript: &Transcript<'_>, operation: u32, key: u32) -> bool {
        let completed = transcript.completion(operation).filter(|_| self.moves);
        let keys = completed.map(parse::rebalanced).unwrap_or_default();
        let numbers = keys.into_iter().map(|key| transcript.keys.get(key));
        numbers.flatten().any(|moved| moved == key)
    }
}

/// Contiguity within each operation.
pub(super) fn internal(transcript: &Transcript<'_>, orders: &Orders, findings: &mut Findings) {
    let keys = transcript.keys.names.len();
    let pairs = |kinds| Pairs {
        transcript,
        orders,
        kinds,
        last: Last::new(keys),
    };
    let (mut polls, mut sends) = (pairs(POLLS), pairs(SENDS));
    for number in 0..transcript.len() {
        polls.judge(number, transcript.polled_by(number), findings);
        if transcript.outcome(number) != Outcome::Fail {
            sends.judge(number, transcript.sends_of(number), findings);
        }
    }
}

/// Messages of one operation in pairs.
struct Pairs<'a> {
    transcript: &'a Transcript<'a>,
    orders: &'a Orders,
    kinds: Kinds,
    last: Last,
}

impl Pairs<'_> {
    fn judge(&mut self, operation: u32, mentions: &[Mention], findings: &mut Findings) {
        if mentions.len() < 2 {
            return;
        }
        for mention in mentions {
            let before = self.last.get(operation, mention.key).map(|h| h.mention);
            let apart = before.and_then(|before| self.kinds.judge(self.orders, &before, mention));
            let apart =
                apart.filter(|_| !self.kinds.moved(self.transcript, operation, mention.key));
            if let Some((kind, first, second)) = apart {
                let finding = Finding {
                    kind,
                    operation,
                    before: NONE,
                    first,
                    second,
                };
                findings.add(finding, false);
            }
            let held = Held {
                mention: *mention,
                operation,
                subscribed: false,
            };
            self.last.set(operation, held);
        }
    }
}
