//! No creation and no duplication.

use super::findings::{Finding, Findings, Property};
use super::transcript::{NONE, Transcript};

/// Messages that were delivered and not broadcast, or not by then.
pub(super) fn creations(transcript: &Transcript<'_>, findings: &mut Findings) {
    for (number, message) in (0..).zip(&transcript.messages) {
        let delivery = message.delivered;
        if delivery == NONE || transcript.in_time(message, delivery) {
            continue;
        }
        let finding = Finding {
            process: NONE,
            delivery,
            message: number,
            other: NONE,
        };
        findings.add(Property::NoCreation, finding);
    }
}

/// Messages that a process delivered again.
pub(super) fn duplications(transcript: &Transcript<'_>, findings: &mut Findings) {
    let mut first = vec![(NONE, NONE); transcript.messages.len()];
    for process in transcript.all() {
        for delivery in transcript.delivered_by(process) {
            let first = &mut first[delivery.message as usize];
            if first.0 != process {
                *first = (process, delivery.operation);
                continue;
            }
            let finding = Finding {
                process,
                delivery: delivery.operation,
                message: delivery.message,
                other: first.1,
            };
            findings.add(Property::NoDuplication, finding);
        }
    }
}
