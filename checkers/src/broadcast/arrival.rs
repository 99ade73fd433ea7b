//! Validity and agreement: who has yet to deliver what, and whether it still may.

use rupture_history::Outcome;

use super::Broadcast;
use super::findings::{Finding, Findings, Property, TOLD};
use super::transcript::{NONE, Transcript};

/// How many outstanding deliveries are named.
const NAMED: usize = 8;

/// A message that all members must deliver.
#[derive(Clone, Copy, Debug)]
struct Owed {
    /// The row from which on it is owed.
    since: u32,
    message: u32,
    /// The delivery that binds the others; `NONE` where the message's sender is no member.
    because: u32,
}

/// Looks for deliveries that are missing.
pub(super) fn missing(judge: Broadcast, transcript: &Transcript<'_>, findings: &mut Findings) {
    let owed = owed(judge, transcript);
    let mut place = vec![NONE; transcript.messages.len()];
    for (at, owed) in (0..).zip(&owed) {
        place[owed.message as usize] = at;
    }
    let mut arrivals = Arrivals {
        judge,
        transcript,
        owed: &owed,
        place,
        delivered: vec![NONE; transcript.messages.len()],
    };
    for process in transcript.all() {
        let about = &transcript.processes[process as usize];
        if transcript.is_member(process) && !about.stopped {
            arrivals.judge(process, findings);
        }
    }
}

/// What all must deliver, by the time since when.
fn owed(judge: Broadcast, transcript: &Transcript<'_>) -> Vec<Owed> {
    let mut owed = Vec::new();
    let mut first = vec![NONE; transcript.messages.len()];
    for process in transcript.all() {
        if judge.uniform || !transcript.processes[process as usize].stopped {
            for delivery in transcript.delivered_by(process) {
                let first = &mut first[delivery.message as usize];
                let sooner = |other| {
                    transcript.delivered_at(delivery.operation) < transcript.delivered_at(other)
                };
                if *first == NONE || sooner(*first) {
                    *first = delivery.operation;
                }
            }
        }
    }
    for (number, message) in (0..).zip(&transcript.messages) {
        let because = first[number as usize];
        let since = if because != NONE {
            transcript.delivered_at(because)
        } else if is_announced(transcript, message.sender, message.operation) {
            transcript.delivered_at(message.operation)
        } else {
            continue;
        };
        owed.push(Owed {
            since,
            message: number,
            because,
        });
    }
    owed.sort_unstable_by_key(|owed| (owed.since, owed.message));
    owed
}

/// Whether a broadcast certainly happened at a process that goes on, and delivers nothing itself.
fn is_announced(transcript: &Transcript<'_>, sender: u32, operation: u32) -> bool {
    if operation == NONE || transcript.outcome(operation) != Outcome::Ok {
        return false;
    }
    !transcript.is_member(sender) && !transcript.processes[sender as usize].stopped
}

struct Arrivals<'a> {
    judge: Broadcast,
    transcript: &'a Transcript<'a>,
    owed: &'a [Owed],
    /// The place of each message among those that are owed.
    place: Vec<u32>,
    /// The last process that was met to have delivered a message.
    delivered: Vec<u32>,
}

impl Arrivals<'_> {
    fn judge(&mut self, process: u32, findings: &mut Findings) {
        let due = self.due(process);
        let (mut here, mut later) = (0, 0);
        for delivery in self.transcript.delivered_by(process) {
            let delivered = &mut self.delivered[delivery.message as usize];
            if std::mem::replace(delivered, process) == process {
                continue;
            }
            match self.place[delivery.message as usize] {
                NONE => {}
                place if (place as usize) < due => here += 1,
                _ => later += 1,
            }
        }
        let (own_here, own_later) = self.judge_own(process, due, findings);
        let missing = due - here - own_here;
        self.tell(process, missing, due, findings);
        let outstanding = self.owed.len() - due - later - own_later;
        self.name(process, outstanding, due, findings);
    }

    /// How many of the owed messages must have been delivered.
    fn due(&self, process: u32) -> usize {
        if self.judge.complete {
            return self.owed.len();
        }
        let drained = self.transcript.processes[process as usize].drained;
        if drained == NONE {
            return 0;
        }
        let asked = self.transcript.operations[drained as usize].invoked;
        self.owed.partition_point(|owed| owed.since < asked)
    }

    /// Its own messages that it has not delivered; returns how many of the owed ones those are, due and not.
    fn judge_own(&self, process: u32, due: usize, findings: &mut Findings) -> (usize, usize) {
        let drained = self.transcript.processes[process as usize].drained != NONE;
        let (mut here, mut later) = (0, 0);
        for &message in self.transcript.sent_by(process) {
            if !self.is_own(process, message) || self.delivered[message as usize] == process {
                continue;
            }
            match self.place[message as usize] {
                NONE => {}
                place if (place as usize) < due => here += 1,
                _ => later += 1,
            }
            if self.judge.complete || drained {
                let finding = Finding {
                    process,
                    delivery: NONE,
                    message,
                    other: NONE,
                };
                findings.add(Property::Validity, finding);
            } else {
                outstanding(process, message, findings);
            }
        }
        (here, later)
    }

    /// Whether a process owes a message to itself.
    fn is_own(&self, process: u32, message: u32) -> bool {
        let message = &self.transcript.messages[message as usize];
        let ok =
            message.operation != NONE && self.transcript.outcome(message.operation) == Outcome::Ok;
        message.sender == process && ok
    }

    /// Tells the first of so many that are missing, and counts the others with the last of those.
    fn tell(&self, process: u32, missing: usize, due: usize, findings: &mut Findings) {
        let mut property = Property::Agreement;
        let most = missing.min(TOLD);
        for owed in self.absent(process, &self.owed[..due]).take(most) {
            if owed.because == NONE {
                property = Property::Validity;
            } else {
                property = Property::Agreement;
            }
            let finding = Finding {
                process,
                delivery: NONE,
                message: owed.message,
                other: owed.because,
            };
            findings.add(property, finding);
        }
        findings.add_count(property, missing - most);
    }

    fn name(&self, process: u32, count: usize, due: usize, findings: &mut Findings) {
        let room = NAMED.saturating_sub(findings.named.len()).min(count);
        let absent = self.absent(process, &self.owed[due..]).take(room);
        let named: Vec<u32> = absent.map(|owed| owed.message).collect();
        findings.outstanding += count - named.len();
        for message in named {
            outstanding(process, message, findings);
        }
    }

    /// What a process has not delivered, its own messages left out.
    fn absent<'a>(&'a self, process: u32, owed: &'a [Owed]) -> impl Iterator<Item = &'a Owed> {
        owed.iter().filter(move |owed| {
            let absent = self.delivered[owed.message as usize] != process;
            absent && !self.is_own(process, owed.message)
        })
    }
}

fn outstanding(process: u32, message: u32, findings: &mut Findings) {
    findings.outstanding += 1;
    if findings.named.len() < NAMED {
        findings.named.push((process, message));
    }
}
