//! From findings to a verdict.

use rupture_history::{Measure, Outcome, Validity, Verdict};

use super::findings::Findings;
use super::kind::LogAnomaly;
use super::orders::Orders;
use super::transcript::Transcript;
use super::words::Teller;
use crate::linearizability::opening::nothing_seen;

/// How many anomalies of a kind are told with their evidence.
const TOLD: usize = 8;
/// How many messages are named in a note.
const NAMED: usize = 32;

/// Tells what was found, worst first.
pub(super) fn anomalies(
    transcript: &Transcript<'_>,
    orders: &Orders,
    findings: &mut Findings,
    verdict: &mut Verdict,
) {
    findings.counted.sort_unstable();
    let teller = Teller {
        transcript,
        orders,
        circles: &findings.circles,
        overwrites: &findings.overwrites,
    };
    for group in findings.counted.chunk_by(|a, b| a.kind == b.kind) {
        let told = group.iter().take(TOLD).map(|finding| teller.tell(finding));
        verdict.anomalies.extend(told);
        if group.len() > TOLD {
            let name = group[0].kind.name();
            verdict.notes.push(format!(
                "{name}: {} in all, the first {TOLD} are told",
                group.len()
            ));
        }
    }
    if !verdict.anomalies.is_empty() {
        verdict.validity = Validity::Invalid;
    }
}

/// What is worth knowing and changes nothing.
pub(super) fn notes(
    transcript: &Transcript<'_>,
    findings: &Findings,
    unseen: &[u32],
    verdict: &mut Verdict,
) {
    if findings.more_circles > 0 {
        let more = findings.more_circles;
        verdict.notes.push(format!(
            "at least {more} more circles of messages are not told"
        ));
    }
    for kind in LogAnomaly::ALL {
        let count = findings.noted[kind as usize];
        if count > 0 && kind != LogAnomaly::Unseen {
            verdict
                .notes
                .push(format!("{}: {count}, allowed", kind.name()));
        }
    }
    verdict.measured.push(Measure {
        name: LogAnomaly::Unseen.name().to_owned(),
        unit: "messages".to_owned(),
        at_least: unseen.len() as u64,
        at_most: Some(unseen.len() as u64),
        key: None,
    });
    if unseen.is_empty() {
        return;
    }
    let name = |message: &u32| {
        let message = &transcript.messages.all[*message as usize];
        let key = &transcript.keys.names[message.key as usize];
        format!("{} of key {key}", message.value)
    };
    let mut names: Vec<String> = unseen.iter().take(NAMED).map(name).collect();
    if unseen.len() > NAMED {
        names.push(format!("and {} more", unseen.len() - NAMED));
    }
    verdict.notes.push(format!(
        "unseen: {} messages were acknowledged and never polled ({})",
        unseen.len(),
        names.join(", ")
    ));
}

/// Why nothing can be said for a history in which nothing was found wrong.
pub(super) fn nothing_judged(transcript: &Transcript<'_>) -> Option<String> {
    let operations = transcript.operations;
    if let Some(reason) = nothing_seen(operations) {
        return Some(reason.to_owned());
    }
    let polled = (0..transcript.len()).any(|number| {
        transcript.outcome(number) == Outcome::Ok && !transcript.polled_by(number).is_empty()
    });
    (!polled).then(|| "no message was polled".to_owned())
}
