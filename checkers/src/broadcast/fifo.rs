//! FIFO order: of each sender, every process delivers a prefix of what it broadcast.
//!
//! A process stands at a number of messages of each sender. One with a greater number than that leaves out those
//! between. It then stands after it, so that each gap is found once.

use super::findings::{Finding, Findings, Property};
use super::transcript::{Delivery, NONE, Transcript};

/// Looks for gaps.
pub(super) fn gaps(transcript: &Transcript<'_>, findings: &mut Findings) {
    let mut stands = vec![(NONE, 0); transcript.processes.len()];
    for process in transcript.all() {
        for delivery in judged(transcript, process) {
            let message = &transcript.messages[delivery.message as usize];
            if !transcript.was_sent(message) {
                continue;
            }
            let stands = &mut stands[message.sender as usize];
            if stands.0 != process {
                *stands = (process, 0);
            }
            if stands.1 < message.rank {
                let finding = Finding {
                    process,
                    delivery: delivery.operation,
                    message: chained(transcript, message.sender, message.rank - 1),
                    other: NONE,
                };
                findings.add(Property::FifoOrder, finding);
            }
            let after = message.rank + u32::from(message.chained);
            stands.1 = stands.1.max(after);
        }
    }
}

/// The deliveries of a process that are held to an order.
pub(super) fn judged<'a>(transcript: &'a Transcript<'_>, process: u32) -> &'a [Delivery] {
    let all = transcript.delivered_by(process);
    let unsure = transcript.processes[process as usize].unsure;
    &all[..all.partition_point(|delivery| delivery.operation < unsure)]
}

/// The message of a sender with this rank.
pub(super) fn chained(transcript: &Transcript<'_>, sender: u32, rank: u32) -> u32 {
    let sent = transcript.sent_by(sender);
    // Ranks ascend, and of those that share one the last is the one that has a place in the order.
    let after = sent.partition_point(|message| transcript.messages[*message as usize].rank <= rank);
    sent[after - 1]
}
