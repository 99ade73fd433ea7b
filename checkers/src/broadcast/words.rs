//! Findings in words, with the operations that prove them.

use rupture_history::{Anomaly, Evidence, Process};

use super::findings::{Finding, Property};
use super::transcript::{NONE, Transcript};

/// An anomaly in the making.
#[derive(Default)]
struct Case {
    summary: String,
    explanation: Vec<String>,
    operations: Vec<u32>,
}

impl Case {
    fn say(&mut self, sentence: String) {
        self.explanation.push(sentence);
    }
}

/// Tells findings.
pub(super) struct Teller<'a> {
    pub(super) transcript: &'a Transcript<'a>,
}

impl Teller<'_> {
    pub(super) fn tell(&self, property: Property, finding: &Finding) -> Anomaly {
        let mut case = Case::default();
        match property {
            Property::NoCreation => self.creation(finding, &mut case),
            Property::NoDuplication => self.duplication(finding, &mut case),
            Property::Validity => self.validity(finding, &mut case),
            Property::Agreement => self.agreement(finding, &mut case),
            Property::FifoOrder => self.fifo(finding, &mut case),
            Property::CausalOrder => self.causal(finding, &mut case),
            Property::TotalOrder => self.total(finding, &mut case),
        }
        case.operations.sort_unstable();
        case.operations.dedup();
        let row = |operation: &u32| &self.transcript.operations[*operation as usize];
        let evidence = case
            .operations
            .iter()
            .map(|o| Evidence::of(self.transcript.history, row(o)));
        Anomaly {
            kind: property.name().to_owned(),
            summary: case.summary,
            explanation: case.explanation,
            evidence: evidence.collect(),
            ..Anomaly::default()
        }
    }

    fn value(&self, message: u32) -> String {
        self.transcript.messages[message as usize].value.to_string()
    }

    fn name(&self, process: u32) -> Process {
        let number = self.transcript.processes[process as usize].name;
        self.transcript.history.process(number)
    }

    fn sender(&self, message: u32) -> Process {
        self.name(self.transcript.messages[message as usize].sender)
    }

    fn broadcast(&self, message: u32) -> u32 {
        self.transcript.messages[message as usize].operation
    }

    /// The index of the event with which an operation was invoked.
    fn invoked(&self, operation: u32) -> u64 {
        let row = self.transcript.operations[operation as usize].invoked;
        self.transcript.history.get(row as usize).index()
    }

    /// The index of the event with which a message was delivered.
    fn delivered(&self, operation: u32) -> u64 {
        let row = self.transcript.delivered_at(operation);
        self.transcript.history.get(row as usize).index()
    }

    /// What an operation delivered.
    fn message_of(&self, process: u32, operation: u32) -> u32 {
        let delivered = self.transcript.delivered_by(process);
        delivered[delivered.partition_point(|d| d.operation < operation)].message
    }

    fn owner(&self, operation: u32) -> Process {
        let number = self.transcript.operations[operation as usize].process;
        self.transcript.history.process(number)
    }

    fn creation(&self, finding: &Finding, case: &mut Case) {
        let (delivery, operation) = (finding.delivery, self.broadcast(finding.message));
        let value = self.value(finding.message);
        case.operations.push(delivery);
        case.say(format!(
            "Process {} delivered {value} with event {}.",
            self.owner(delivery),
            self.delivered(delivery)
        ));
        if operation == NONE {
            case.say(format!("Nobody ever broadcast {value}."));
        } else {
            case.operations.push(operation);
            let what = if self
                .transcript
                .was_sent(&self.transcript.messages[finding.message as usize])
            {
                "began only after that"
            } else {
                "failed: it did not happen"
            };
            case.say(format!(
                "Its broadcast of event {} {what}.",
                self.invoked(operation)
            ));
        }
        case.summary = format!("message {value} was delivered and had not been broadcast");
    }

    fn duplication(&self, finding: &Finding, case: &mut Case) {
        let (name, value) = (self.name(finding.process), self.value(finding.message));
        case.operations.extend([finding.other, finding.delivery]);
        case.say(format!(
            "Process {name} delivered {value} with event {} and again with event {}.",
            self.delivered(finding.other),
            self.delivered(finding.delivery)
        ));
        case.summary = format!("process {name} delivered message {value} twice");
    }

    /// Why a message that a process has not delivered will not come any more.
    fn never(&self, finding: &Finding, case: &mut Case) {
        let (name, value) = (self.name(finding.process), self.value(finding.message));
        let about = &self.transcript.processes[finding.process as usize];
        let drained = about.drained;
        if drained == NONE {
            case.operations.push(about.asked);
            case.say(format!("Process {name} did not deliver {value} until the end of the history, which is complete."));
            return;
        }
        case.operations.push(drained);
        case.say(format!(
            "Process {name} did not deliver {value}, and when it asked for the last time, with event {}, nothing was left.",
            self.invoked(drained)
        ));
    }

    fn validity(&self, finding: &Finding, case: &mut Case) {
        let (name, value) = (self.name(finding.process), self.value(finding.message));
        let operation = self.broadcast(finding.message);
        let sender = self.sender(finding.message);
        case.operations.push(operation);
        case.say(format!(
            "Process {sender} broadcast {value}, which was acknowledged with event {}.",
            self.delivered(operation)
        ));
        self.never(finding, case);
        case.summary = if sender == name {
            format!("process {name} never delivered message {value} that it broadcast itself")
        } else {
            format!(
                "process {name} never delivered message {value} that process {sender} broadcast"
            )
        };
    }

    fn agreement(&self, finding: &Finding, case: &mut Case) {
        let (name, value) = (self.name(finding.process), self.value(finding.message));
        let other = self.owner(finding.other);
        case.operations.push(finding.other);
        case.say(format!(
            "Process {other} delivered {value} with event {}.",
            self.delivered(finding.other)
        ));
        self.never(finding, case);
        case.summary =
            format!("process {name} never delivered message {value}, which process {other} did");
    }

    /// That a process had not delivered a message when it delivered another.
    fn without(&self, finding: &Finding, missing: u32, case: &mut Case) {
        let (name, value) = (self.name(finding.process), self.value(missing));
        let second = self.message_of(finding.process, finding.delivery);
        case.operations.push(finding.delivery);
        let delivered = self.transcript.delivered_by(finding.process);
        let later = delivered
            .iter()
            .find(|d| d.message == missing && d.operation > finding.delivery);
        let then = match later {
            Some(later) => {
                case.operations.push(later.operation);
                format!(
                    "delivered {value} only with event {}",
                    self.delivered(later.operation)
                )
            }
            None => format!("did not deliver {value} at all"),
        };
        case.say(format!(
            "Process {name} delivered {} with event {}, and {then}.",
            self.value(second),
            self.delivered(finding.delivery)
        ));
        let order = if later.is_some() { "before" } else { "without" };
        case.summary = format!(
            "process {name} delivered message {} {order} message {value}",
            self.value(second)
        );
    }

    fn fifo(&self, finding: &Finding, case: &mut Case) {
        let second = self.message_of(finding.process, finding.delivery);
        let (first, sender) = (finding.message, self.sender(second));
        case.operations
            .extend([self.broadcast(first), self.broadcast(second)]);
        case.say(format!(
            "Process {sender} broadcast {} with event {} and then {} with event {}.",
            self.value(first),
            self.invoked(self.broadcast(first)),
            self.value(second),
            self.invoked(self.broadcast(second))
        ));
        self.without(finding, first, case);
        case.summary
            .push_str(", which its sender had broadcast first");
    }

    fn causal(&self, finding: &Finding, case: &mut Case) {
        let second = self.message_of(finding.process, finding.delivery);
        let (first, learned) = (finding.message, finding.other);
        let (one, other) = (self.broadcast(first), self.broadcast(second));
        case.operations.extend([one, learned, other]);
        case.say(format!(
            "Process {} broadcast {} with event {}.",
            self.sender(first),
            self.value(first),
            self.invoked(one)
        ));
        case.say(format!(
            "Process {} delivered {} with event {}, and after that it broadcast {} with event {}.",
            self.sender(second),
            self.value(first),
            self.delivered(learned),
            self.value(second),
            self.invoked(other)
        ));
        self.without(finding, first, case);
        case.summary.push_str(", whose broadcast happened before");
    }

    fn total(&self, finding: &Finding, case: &mut Case) {
        let other = self.process_of(finding.other);
        let (first, second) = (finding.message, self.message_of(other, finding.other));
        let place = self.place(finding.process, finding.delivery);
        if place > 0 {
            let name = (self.name(finding.process), self.name(other));
            case.say(format!(
                "Processes {} and {} delivered the same {place} messages first.",
                name.0, name.1
            ));
        }
        let both = [
            (finding.process, finding.delivery, first, second),
            (other, finding.other, second, first),
        ];
        for (process, operation, is, misses) in both {
            let about = Finding {
                process,
                delivery: operation,
                message: is,
                other: NONE,
            };
            self.without(&about, misses, case);
        }
        case.say(
            "Whichever of the two comes first in the order of all messages, one of them delivered the other \
             without it."
                .to_owned(),
        );
        case.summary = format!(
            "process {} delivered message {} where process {} delivered message {}",
            self.name(finding.process),
            self.value(first),
            self.name(other),
            self.value(second)
        );
    }

    fn process_of(&self, operation: u32) -> u32 {
        let name = self.transcript.operations[operation as usize].process;
        let all = self.transcript.processes.iter();
        all.take_while(|process| process.name != name).count() as u32
    }

    /// How many messages a process had delivered before.
    fn place(&self, process: u32, operation: u32) -> usize {
        let delivered = self.transcript.delivered_by(process);
        let before = delivered.iter().take_while(|d| d.operation < operation);
        let mut messages: Vec<u32> = before.map(|delivery| delivery.message).collect();
        messages.sort_unstable();
        messages.dedup();
        messages.len()
    }
}
