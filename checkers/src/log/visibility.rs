//! Which messages may be seen, and which must: offsets that disagree, aborted and garbage reads, lost writes.

use rupture_history::Outcome;
use rustc_hash::FxHashMap;

use super::findings::{Finding, Findings};
use super::kind::LogAnomaly;
use super::numbers::NONE;
use super::orders::Orders;
use super::parse::Role;
use super::transcript::Transcript;

fn finding(kind: LogAnomaly, operation: u32, first: u32, second: u32) -> Finding {
    Finding {
        kind,
        operation,
        before: NONE,
        first,
        second,
    }
}

/// Offsets with two messages, by the first two of them.
pub(super) fn inconsistent_offsets(orders: &Orders, findings: &mut Findings) {
    let mut last = None;
    for (second, pair) in (1..).zip(orders.entries.windows(2)) {
        let offset = (pair[0].key, pair[0].offset);
        if (pair[1].key, pair[1].offset) == offset && last != Some(offset) {
            last = Some(offset);
            let operation = pair[0].shown_by.max(pair[1].shown_by);
            let kind = LogAnomaly::InconsistentOffsets;
            findings.add(finding(kind, operation, second - 1, second), false);
        }
    }
}

/// Messages at two offsets, by the first two of them.
pub(super) fn duplicates(orders: &Orders, findings: &mut Findings) {
    let several = (0..orders.entries.len() as u32)
        .filter(|entry| orders.is_duplicated(orders.entries[*entry as usize].message));
    let mut several: Vec<u32> = several.collect();
    let message = |entry: u32| orders.entries[entry as usize].message;
    several.sort_by_key(|entry| message(*entry));
    let mut last = NONE;
    for pair in several.windows(2) {
        let (first, second) = (pair[0], pair[1]);
        if message(first) == message(second) && message(first) != last {
            last = message(first);
            let shown_by = |entry: u32| orders.entries[entry as usize].shown_by;
            let operation = shown_by(first).max(shown_by(second));
            let kind = LogAnomaly::Duplicate;
            findings.add(finding(kind, operation, first, second), false);
        }
    }
}

/// Messages that a poll returned although they were not sent, or not in effect; and acknowledged ones that
/// no poll returned.
pub(super) fn reads(transcript: &Transcript<'_>, findings: &mut Findings) -> Vec<u32> {
    let mut unseen = Vec::new();
    for (number, message) in (0..).zip(&transcript.messages.all) {
        let (reader, sender) = (message.reader, message.sender);
        let sent = (sender != NONE).then(|| transcript.outcome(sender));
        let kind = match (sent, reader != NONE) {
            (None, true) => LogAnomaly::GarbageRead,
            (Some(Outcome::Fail), true) => LogAnomaly::AbortedRead,
            (Some(Outcome::Ok), false) => {
                unseen.push(number);
                LogAnomaly::Unseen
            }
            _ => continue,
        };
        let operation = if reader == NONE { sender } else { reader };
        findings.add(finding(kind, operation, number, NONE), false);
    }
    unseen
}

/// Operations that polled what they sent themselves.
pub(super) fn precommitted_reads(transcript: &Transcript<'_>, findings: &mut Findings) {
    for operation in 0..transcript.len() {
        let own = transcript.polled_by(operation).iter().find(|mention| {
            let message = &transcript.messages.all[mention.message as usize];
            message.sender == operation
        });
        if let Some(own) = own {
            let kind = LogAnomaly::PrecommittedRead;
            findings.add(finding(kind, operation, own.message, NONE), false);
        }
    }
}

/// Messages that took effect, lie at or before a place that was polled, and that no poll returned.
pub(super) fn lost_writes(transcript: &Transcript<'_>, orders: &Orders, findings: &mut Findings) {
    let bounds = bounds(transcript, orders);
    let mut met = vec![false; transcript.messages.all.len()];
    // Backwards, for a message that lies at several places is judged by the last of them.
    for (number, entry) in orders.entries.iter().enumerate().rev() {
        let number = number as u32;
        if std::mem::replace(&mut met[entry.message as usize], true) {
            continue;
        }
        let message = &transcript.messages.all[entry.message as usize];
        let never = message.reader == NONE && !message.maybe_read;
        let sent = message.sender != NONE && orders.happened(transcript, message.sender);
        let Some((bound, reader)) = bounds[entry.key as usize].filter(|_| never && sent) else {
            continue;
        };
        if orders.distance(number, bound) >= 0 {
            let kind = LogAnomaly::LostWrite;
            let lost = finding(kind, message.sender, number, bound);
            let before = reader;
            findings.add(Finding { before, ..lost }, false);
        }
    }
}

/// For each key, the furthest entry that was polled so that what lies before must have been as well, and who
/// polled it. Of a message at several places the first counts.
fn bounds(transcript: &Transcript<'_>, orders: &Orders) -> Vec<Option<(u32, u32)>> {
    let firm = firm_readers(transcript);
    let mut readers = vec![NONE; transcript.messages.all.len()];
    for operation in 0..transcript.len() {
        let counts = firm.as_ref().is_none_or(|firm| firm[operation as usize]);
        if counts && transcript.outcome(operation) == Outcome::Ok {
            for mention in transcript.polled_by(operation) {
                let reader = &mut readers[mention.message as usize];
                *reader = operation.min(*reader);
            }
        }
    }
    let mut bounds = vec![None; transcript.keys.names.len()];
    for (number, entry) in (0..).zip(&orders.entries) {
        let reader = std::mem::replace(&mut readers[entry.message as usize], NONE);
        if reader != NONE {
            bounds[entry.key as usize] = Some((number, reader));
        }
    }
    bounds
}

/// Whether each operation is of a process that, up to it, never subscribed and knows what its polls returned;
/// `None` where all polls are known, and everyone's polls count.
fn firm_readers(transcript: &Transcript<'_>) -> Option<Vec<bool>> {
    let unknown = |operation: &u32| transcript.step(*operation).silent;
    (0..transcript.len()).find(unknown)?;
    let mut loose: FxHashMap<i64, bool> = FxHashMap::default();
    let firm = (0..transcript.len()).map(|number| {
        let process = transcript.operations[number as usize].process;
        let step = transcript.step(number);
        let open = step.polls && transcript.outcome(number) == Outcome::Info;
        let loose = loose.entry(process).or_default();
        let firm = !*loose;
        *loose |= step.role == Role::Subscribe || open;
        firm
    });
    Some(firm.collect())
}
