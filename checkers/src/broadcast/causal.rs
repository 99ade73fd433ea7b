//! Causal order, by its two halves.
//!
//! *Local order*: if a process delivers m before it broadcasts m', nobody delivers m' who has not delivered m.
//! Hadzilacos & Toueg 1994 show that causal order is FIFO order and local order: who delivers m' has delivered what
//! its sender had broadcast and delivered before, and with each of those what its sender had, and so on. So no
//! clocks are needed, and a breach shows with the two messages and one process between them. Messages that their
//! own sender broadcast earlier are those of FIFO order and not found again.
//!
//! For each process and each sender whose messages it delivered, the sender's deliveries are gone through once, as far
//! as the process has delivered them as well: that is O(n · p) at most.

use super::fifo::judged;
use super::findings::{Finding, Findings, Property};
use super::transcript::{BREATH, Delivery, NONE, Transcript};
use crate::Budget;

/// Whether there was time for it.
pub(super) fn gaps(
    transcript: &Transcript<'_>,
    budget: &Budget<'_>,
    findings: &mut Findings,
) -> bool {
    let mut search = Search {
        transcript,
        causes: Causes::of(transcript),
        delivered: vec![NONE; transcript.messages.len()],
        steps: 0,
    };
    for process in transcript.all() {
        if search.steps >= BREATH {
            search.steps = 0;
            if budget.is_over() {
                return false;
            }
        }
        search.judge(process, findings);
    }
    true
}

/// What each process delivered of which all that it broadcasts later must come after it: nothing for a second
/// time, nothing before it was broadcast, and no messages of its own that are a matter of FIFO order.
struct Causes {
    all: Vec<Delivery>,
    /// Those of a process lie between its number and the next.
    first: Vec<usize>,
}

impl Causes {
    fn of(transcript: &Transcript<'_>) -> Self {
        let mut met = vec![NONE; transcript.messages.len()];
        let (mut all, mut first) = (Vec::new(), vec![0]);
        for process in transcript.all() {
            for delivery in transcript.delivered_by(process) {
                let message = &transcript.messages[delivery.message as usize];
                let own = message.sender == process && message.chained;
                let in_time = transcript.in_time(message, delivery.operation);
                if in_time && !own && met[delivery.message as usize] != process {
                    met[delivery.message as usize] = process;
                    all.push(*delivery);
                }
            }
            first.push(all.len());
        }
        Self { all, first }
    }

    fn of_sender(&self, sender: u32) -> &[Delivery] {
        &self.all[self.first[sender as usize]..self.first[sender as usize + 1]]
    }
}

struct Search<'a> {
    transcript: &'a Transcript<'a>,
    causes: Causes,
    /// With which operation the present process first delivered each message; `NONE`, which is after everything, where
    /// it did not.
    delivered: Vec<u32>,
    /// How much was done since the budget was asked.
    steps: usize,
}

impl Search<'_> {
    fn judge(&mut self, process: u32, findings: &mut Findings) {
        let transcript = self.transcript;
        for delivery in transcript.delivered_by(process).iter().rev() {
            self.delivered[delivery.message as usize] = delivery.operation;
        }
        let sent = |delivery: &Delivery| {
            let message = &transcript.messages[delivery.message as usize];
            (message.sender, message.operation)
        };
        let is_first = |delivery: &&Delivery| {
            let message = &transcript.messages[delivery.message as usize];
            let first = self.delivered[delivery.message as usize] == delivery.operation;
            first && transcript.was_sent(message)
        };
        let judged = judged(transcript, process).iter().filter(is_first);
        let mut judged: Vec<Delivery> = judged.copied().collect();
        judged.sort_unstable_by_key(sent);
        self.steps += judged.len();
        for messages in judged.chunk_by(|one, other| sent(one).0 == sent(other).0) {
            self.judge_sender(process, sent(&messages[0]).0, messages, findings);
        }
        for delivery in transcript.delivered_by(process) {
            self.delivered[delivery.message as usize] = NONE;
        }
    }

    /// The messages of one sender, in the order of their broadcasts.
    fn judge_sender(
        &mut self,
        process: u32,
        sender: u32,
        messages: &[Delivery],
        findings: &mut Findings,
    ) {
        let causes = self.causes.of_sender(sender);
        let mut next = 0;
        // Of what the sender had delivered so far, what the process delivered last. A message that is late for one
        // broadcast and not for the one before shows where that one has no place in FIFO order.
        let mut last: Option<(u32, &Delivery)> = None;
        for delivery in messages {
            let broadcast = self.transcript.messages[delivery.message as usize].operation;
            let until = next + causes[next..].partition_point(|cause| cause.operation < broadcast);
            for cause in &causes[next..until] {
                self.steps += 1;
                let delivered = self.delivered[cause.message as usize];
                if last.is_none_or(|(latest, _)| latest < delivered) {
                    last = Some((delivered, cause));
                }
                if delivered == NONE {
                    break;
                }
            }
            next = until;
            if let Some((_, cause)) = last.filter(|(latest, _)| *latest > delivery.operation) {
                let finding = Finding {
                    process,
                    delivery: delivery.operation,
                    message: cause.message,
                    other: cause.operation,
                };
                findings.add(Property::CausalOrder, finding);
                last = None;
            }
        }
    }
}
