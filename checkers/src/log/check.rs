//! The parts of the judgement, one after the other.

use rupture_history::{History, Validity, Verdict};

use super::findings::Findings;
use super::kind::{LogAnomaly, Severity};
use super::orders::Orders;
use super::transcript::{Stop, Transcript};
use super::{MODEL, circles, clients, contiguity, report, visibility};
use crate::linearizability::opening::{disorder, unknown};
use crate::{Budget, CheckError};

/// Judges a history.
///
/// # Errors
/// Its events do not pair, or it does not speak the language of logs.
pub(super) fn check(
    severities: &[Severity; LogAnomaly::ALL.len()],
    history: &History,
    budget: &Budget<'_>,
) -> Result<Verdict, CheckError> {
    let operations = history.operations()?;
    let mut verdict = Verdict::new(Validity::Valid, MODEL, "");
    verdict.operations = operations.len() as u64;
    let (transcript, stopped) = Transcript::read(history, &operations, budget)?;
    verdict.notes.extend(disorder(history));
    if let Some((stop, read)) = stopped {
        let what = match stop {
            Stop::Time => "time",
            Stop::Memory => "memory",
        };
        let all = operations.len();
        return Ok(unknown(
            verdict,
            format!("out of {what} after {read} of {all} operations"),
        ));
    }
    verdict.algorithms.push("order of offsets".to_owned());
    let whole = judge(*severities, &transcript, budget, &mut verdict);
    if whole {
        verdict.explained = verdict.operations;
        verdict.reasons.extend(report::nothing_judged(&transcript));
    } else {
        let reason = "out of time before all anomalies had been looked for";
        verdict.reasons.push(reason.to_owned());
    }
    if verdict.validity == Validity::Valid && !verdict.reasons.is_empty() {
        verdict.validity = Validity::Unknown;
    }
    Ok(verdict)
}

/// Looks for everything; says whether there was time.
fn judge(
    severities: [Severity; LogAnomaly::ALL.len()],
    transcript: &Transcript<'_>,
    budget: &Budget<'_>,
    verdict: &mut Verdict,
) -> bool {
    let orders = Orders::of(transcript);
    let mut findings = Findings::new(severities);
    let mut unseen = Vec::new();
    let send_skips = severities[LogAnomaly::SendSkip as usize] == Severity::Counted;
    let parts: [&mut dyn FnMut(&mut Findings); 8] = [
        &mut |found| visibility::inconsistent_offsets(&orders, found),
        &mut |found| visibility::duplicates(&orders, found),
        &mut |found| unseen = visibility::reads(transcript, found),
        &mut |found| visibility::precommitted_reads(transcript, found),
        &mut |found| visibility::lost_writes(transcript, &orders, found),
        &mut |found| contiguity::internal(transcript, &orders, found),
        &mut |found| clients::external(transcript, &orders, send_skips, found),
        &mut |found| circles::circles(transcript, found),
    ];
    let mut whole = true;
    for part in parts {
        whole = whole && !budget.is_over();
        if whole {
            part(&mut findings);
        }
    }
    report::anomalies(transcript, &orders, &mut findings, verdict);
    if whole {
        report::notes(transcript, &findings, &unseen, verdict);
    }
    whole
}
