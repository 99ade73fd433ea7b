//! The parts of the judgement, one after the other, and the verdict.

use rupture_history::{History, Validity, Verdict};

use super::findings::{Findings, Property, TOLD};
use super::transcript::Transcript;
use super::words::Teller;
use super::{Broadcast, MODEL, Order, arrival, causal, fifo, integrity, total};
use crate::linearizability::opening::{disorder, nothing_seen, unknown};
use crate::{Budget, CheckError};

/// Judges a history.
///
/// # Errors
/// Its events do not pair, or it does not speak the language of broadcasts.
pub(super) fn check(
    judge: Broadcast,
    history: &History,
    budget: &Budget<'_>,
) -> Result<Verdict, CheckError> {
    let operations = history.operations()?;
    let all = operations.len();
    let mut verdict = Verdict::new(Validity::Valid, MODEL, judge.order.name());
    verdict.operations = all as u64;
    verdict.notes.extend(disorder(history));
    if Transcript::bytes(all) > budget.bytes() {
        return Ok(unknown(
            verdict,
            format!("out of memory after 0 of {all} operations"),
        ));
    }
    let transcript = match Transcript::read(history, &operations, budget)? {
        Ok(transcript) => transcript,
        Err(read) => {
            let reason = format!("out of time after {read} of {all} operations");
            return Ok(unknown(verdict, reason));
        }
    };
    let mut findings = Findings::default();
    let whole = look(judge, &transcript, budget, &mut findings);
    tell(judge, &transcript, &findings, &mut verdict);
    if whole {
        verdict.explained = verdict.operations;
        verdict.reasons.extend(nothing_judged(&transcript));
        verdict.reasons.extend(outstanding(&transcript, &findings));
    } else {
        let reason = "out of time before all properties had been judged";
        verdict.reasons.push(reason.to_owned());
    }
    if verdict.validity == Validity::Valid && !verdict.reasons.is_empty() {
        verdict.validity = Validity::Unknown;
    }
    Ok(verdict)
}

/// Looks for everything; says whether there was time.
fn look(
    judge: Broadcast,
    transcript: &Transcript<'_>,
    budget: &Budget<'_>,
    findings: &mut Findings,
) -> bool {
    integrity::creations(transcript, findings);
    integrity::duplications(transcript, findings);
    if budget.is_over() {
        return false;
    }
    arrival::missing(judge, transcript, findings);
    fifo::gaps(transcript, findings);
    total::differences(transcript, judge.uniform, findings);
    !budget.is_over() && causal::gaps(transcript, budget, findings)
}

/// What was found, worst first, and which levels do not hold.
fn tell(judge: Broadcast, transcript: &Transcript<'_>, findings: &Findings, verdict: &mut Verdict) {
    let teller = Teller { transcript };
    let broken = |property: &Property| findings.count[*property as usize] > 0;
    for property in Property::ALL.into_iter().filter(broken) {
        if !property.is_of(judge.order) {
            continue;
        }
        let told = &findings.told[property as usize];
        let told = told.iter().map(|finding| teller.tell(property, finding));
        verdict.anomalies.extend(told);
        let count = findings.count[property as usize];
        if count > TOLD {
            let name = property.name();
            verdict
                .notes
                .push(format!("{name}: {count} in all, the first {TOLD} are told"));
        }
    }
    for order in Order::ALL {
        let breaks = |property: &Property| broken(property) && property.is_of(order);
        if Property::ALL.iter().any(breaks) {
            verdict.not.push(order.name().to_owned());
        }
    }
    if !verdict.anomalies.is_empty() {
        verdict.validity = Validity::Invalid;
    }
}

fn nothing_judged(transcript: &Transcript<'_>) -> Option<String> {
    let operations = transcript.operations;
    if let Some(reason) = nothing_seen(operations) {
        return Some(reason.to_owned());
    }
    let nothing = transcript
        .all()
        .all(|process| transcript.delivered_by(process).is_empty());
    nothing.then(|| "nothing was delivered".to_owned())
}

/// What may be on its way.
fn outstanding(transcript: &Transcript<'_>, findings: &Findings) -> Option<String> {
    if findings.outstanding == 0 {
        return None;
    }
    let name = |(process, message): &(u32, u32)| {
        let number = transcript.processes[*process as usize].name;
        let process = transcript.history.process(number);
        let value = transcript.messages[*message as usize].value;
        format!("process {process} has yet to deliver {value}")
    };
    let mut names: Vec<String> = findings.named.iter().map(name).collect();
    if findings.outstanding > names.len() {
        names.push(format!("and {} more", findings.outstanding - names.len()));
    }
    Some(format!(
        "messages may still be on their way: {}",
        names.join(", ")
    ))
}
