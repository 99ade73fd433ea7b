//! Causal order, by vector clocks.
//!
//! The clock of a process counts, for each sender, how many of its messages the process has broadcast or delivered
//! or could have learned of; a broadcast takes the clock along. Messages of one sender happened one after the
//! other, so that what happened before a broadcast is, of each sender, a prefix: the number says it all. A
//! process that delivers a message must stand, of each sender, where the message's clock does.
//!
//! The history is gone through once for each group of senders, so that the clocks of all messages need not be
//! held at once. Gaps of the message's own sender are those of FIFO order and not found again.

use super::fifo::chained;
use super::findings::{Finding, Findings, Property};
use super::transcript::{BREATH, NONE, Transcript};
use crate::Budget;

/// How many senders are looked at together, at most.
const TOGETHER: usize = 16;

/// What happens to a message, in the order of events.
#[derive(Clone, Copy, Debug)]
struct Happening {
    process: u32,
    message: u32,
    /// The operation, if it delivers.
    delivery: u32,
}

/// Whether there was time and memory for it.
pub(super) fn gaps(
    transcript: &Transcript<'_>,
    bytes: usize,
    budget: &Budget<'_>,
    findings: &mut Findings,
) -> bool {
    let happenings = happenings(transcript);
    let senders: Vec<u32> = transcript
        .all()
        .filter(|process| !transcript.sent_by(*process).is_empty())
        .collect();
    let each = 4 * (transcript.messages.len() + 2 * transcript.processes.len());
    let together = TOGETHER.min(bytes / each.max(1));
    if together == 0 && !senders.is_empty() {
        return false;
    }
    for group in senders.chunks(together.max(1)) {
        let mut clocks = Clocks::new(transcript, group);
        for breath in happenings.chunks(BREATH) {
            if budget.is_over() {
                return false;
            }
            for happening in breath {
                clocks.step(happening, findings);
            }
        }
    }
    true
}

fn happenings(transcript: &Transcript<'_>) -> Vec<Happening> {
    let mut happenings: Vec<(u32, Happening)> = Vec::new();
    for process in transcript.all() {
        for &message in transcript.sent_by(process) {
            let operation = transcript.messages[message as usize].operation;
            let row = transcript.operations[operation as usize].invoked;
            let delivery = NONE;
            let happening = Happening {
                process,
                message,
                delivery,
            };
            happenings.push((row, happening));
        }
        for delivery in transcript.delivered_by(process) {
            let row = transcript.delivered_at(delivery.operation);
            let happening = Happening {
                process,
                message: delivery.message,
                delivery: delivery.operation,
            };
            happenings.push((row, happening));
        }
    }
    happenings.sort_unstable_by_key(|(row, _)| *row);
    happenings
        .into_iter()
        .map(|(_, happening)| happening)
        .collect()
}

/// The clocks for a group of senders.
struct Clocks<'a> {
    transcript: &'a Transcript<'a>,
    group: &'a [u32],
    /// The place of each process in the group.
    place: Vec<u32>,
    width: usize,
    /// Of each process, what it could have learned of.
    knows: Vec<u32>,
    /// Of each process, what it has delivered.
    stands: Vec<u32>,
    /// Of each message, what happened before its broadcast.
    before: Vec<u32>,
}

impl<'a> Clocks<'a> {
    fn new(transcript: &'a Transcript<'a>, group: &'a [u32]) -> Self {
        let (width, processes) = (group.len(), transcript.processes.len());
        let mut place = vec![NONE; processes];
        for (at, sender) in (0..).zip(group) {
            place[*sender as usize] = at;
        }
        Self {
            transcript,
            group,
            place,
            width,
            knows: vec![0; processes * width],
            stands: vec![0; processes * width],
            before: vec![0; transcript.messages.len() * width],
        }
    }

    fn step(&mut self, happening: &Happening, findings: &mut Findings) {
        if happening.delivery == NONE {
            self.broadcast(happening);
            return;
        }
        let transcript = self.transcript;
        let message = &transcript.messages[happening.message as usize];
        if transcript.in_time(message, happening.delivery) {
            self.judge(happening, findings);
            self.learn(happening);
        }
        if !transcript.was_sent(message) || !message.chained {
            return;
        }
        let place = self.place[message.sender as usize];
        if place != NONE {
            let at = happening.process as usize * self.width + place as usize;
            let after = message.rank + 1;
            self.stands[at] = self.stands[at].max(after);
            if transcript.in_time(message, happening.delivery) {
                self.knows[at] = self.knows[at].max(after);
            }
        }
    }

    fn broadcast(&mut self, happening: &Happening) {
        let message = &self.transcript.messages[happening.message as usize];
        let from = happening.process as usize * self.width;
        let to = happening.message as usize * self.width;
        self.before[to..to + self.width].copy_from_slice(&self.knows[from..from + self.width]);
        let place = self.place[happening.process as usize];
        if place != NONE && message.chained {
            self.knows[from + place as usize] = message.rank + 1;
        }
    }

    fn learn(&mut self, happening: &Happening) {
        let to = happening.process as usize * self.width;
        let from = happening.message as usize * self.width;
        let learned = &self.before[from..from + self.width];
        for (knows, learned) in self.knows[to..to + self.width].iter_mut().zip(learned) {
            *knows = (*knows).max(*learned);
        }
    }

    fn judge(&mut self, happening: &Happening, findings: &mut Findings) {
        let transcript = self.transcript;
        if happening.delivery > transcript.processes[happening.process as usize].unsure {
            return;
        }
        let at = happening.process as usize * self.width;
        let of = happening.message as usize * self.width;
        let before = &self.before[of..of + self.width];
        let stands = &mut self.stands[at..at + self.width];
        let own = self.place[transcript.messages[happening.message as usize].sender as usize];
        for (place, (stands, before)) in (0..).zip(stands.iter_mut().zip(before)) {
            if *stands >= *before {
                continue;
            }
            if place != own {
                let finding = Finding {
                    process: happening.process,
                    delivery: happening.delivery,
                    message: chained(transcript, self.group[place as usize], *before - 1),
                    other: NONE,
                };
                findings.add(Property::CausalOrder, finding);
            }
            *stands = *before;
        }
    }
}
