//! The parts of the judgement, one after the other.

use rupture_history::{History, Validity, Verdict};

use super::findings::Findings;
use super::kind::{LogAnomaly, Severity};
use super::orders::Orders;
use super::transcript::{Stop, Transcript};
use super::{Log, MODEL, circles, clients, contiguity, lag, report, visibility};
use crate::linearizability::opening::{disorder, unknown};
use crate::{Budget, CheckError};

/// Judges a history.
///
/// # Errors
/// Its events do not pair, or it does not speak the language of logs.
pub(super) fn check(
    log: &Log,
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
    let whole = judge(log, &transcript, budget, &mut verdict);
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
    log: &Log,
    transcript: &Transcript<'_>,
    budget: &Budget<'_>,
    verdict: &mut Verdict,
) -> bool {
    let orders = Orders::of(transcript);
    let severities = log.severities;
    let mut findings = Findings::new(severities);
    if log.ww_deps {
        findings.overwrites = orders.overwrites(transcript);
    } else if let Some(idle) = log.idle() {
        verdict.notes.push(format!(
            "{}: not looked for without `ww-deps`, so there is nothing to allow",
            idle.name()
        ));
    }
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
        lag::measure(transcript, verdict);
    }
    whole
}
