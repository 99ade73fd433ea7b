//! What is claimed of recovery against what the probes and the final operations saw.

use rupture_nemesis::{FaultKind, Receipt};
use rupture_targets::{NodeName, RecoveryClaim};
use rupture_workloads::checkers::history::{
    Anomaly, Evidence, History, Operation, Process, Validity, Verdict,
};

use crate::drive::Outcome;
use crate::recovery::{Breach, Recovered};

/// The kind of the anomaly.
const NO_RECOVERY: &str = "no-recovery";
/// Under which name this judge speaks.
const MODEL: &str = "recovery";
/// How many breaches are told in words.
const TOLD: usize = 8;

/// What the probes and the final operations say of the target's claim; `None` where it held.
///
/// A claim is broken by the cluster alone: where the world itself was not whole again, a fault that no probe saw
/// end or a process that did not start, nobody is accused and the answer is `unknown`. So it is where every final
/// operation went unanswered before the claimed time was over, or where nothing was claimed.
pub fn verdict(outcome: &Outcome, history: &History, op_timeout_ns: u64) -> Option<Verdict> {
    let Outcome {
        recovered, last, ..
    } = outcome;
    let all_failed = last.ok == 0 && !last.failed.is_empty();
    if recovered.breaches.is_empty() && !all_failed {
        return None;
    }
    let unknown = |reason: String| Some(Verdict::unknown(MODEL, "", reason));
    let unanswered = "no final operation was answered";
    let Some(claim) = recovered.claim else {
        return unknown(format!("{unanswered}; the target claims no recovery"));
    };
    if let Some(reason) = not_whole(outcome) {
        return unknown(format!(
            "the claim to serve again was not put to the test: {reason}"
        ));
    }
    let deadline_ns = recovered.healed_ns.saturating_add(claim.within_ns);
    // A final operation that ran out of a time shorter than the claimed one shows nothing.
    let is_late = |breach: &&Breach| {
        let had_ns = breach.completed_ns.saturating_sub(breach.invoked_ns);
        breach.invoked_ns >= deadline_ns && (had_ns < op_timeout_ns || had_ns >= claim.answers_ns)
    };
    let breaches: Vec<&Breach> = if recovered.breaches.is_empty() {
        last.failed.iter().filter(is_late).collect()
    } else {
        recovered.breaches.iter().collect()
    };
    if breaches.is_empty() {
        return unknown(unanswered.to_owned());
    }
    let mut verdict = Verdict::new(Validity::Invalid, MODEL, "");
    verdict
        .anomalies
        .push(no_recovery(recovered, claim, &breaches, history));
    Some(verdict)
}

/// Why the world around the cluster was not whole again. A change of membership is the cluster's own business.
fn not_whole(outcome: &Outcome) -> Option<String> {
    let names: Vec<&str> = outcome.not_running.iter().map(NodeName::as_str).collect();
    if !names.is_empty() {
        return Some(format!("not running after healing: {}", names.join(", ")));
    }
    if let Some(busy) = outcome.starved {
        return Some(format!(
            "the machine had no time for it: its processors were busy for {:.0} % of the recovery",
            busy * 100.0
        ));
    }
    let lasts = |receipt: &&Receipt| {
        receipt.acted
            && receipt.fault.kind() != FaultKind::Membership
            && !receipt.healed.as_ref().is_some_and(|probe| probe.ok)
    };
    let left = outcome.receipts.iter().find(lasts)?;
    Some(format!(
        "no probe saw the end of fault {} ({})",
        left.id, left.fault
    ))
}

fn no_recovery(
    recovered: &Recovered,
    claim: RecoveryClaim,
    breaches: &[&Breach],
    history: &History,
) -> Anomaly {
    let seconds = |ns: u64| format!("{:.3} s", ns as f64 / 1e9);
    let mut explanation = vec![format!(
        "Claimed: from {} after healing on every key is served through every node that promises it, each answer \
         within {}, as long as {}.",
        seconds(claim.within_ns),
        seconds(claim.answers_ns),
        claim.holds
    )];
    explanation.push(format!(
        "Everything was healed at {}, and all nodes ran.",
        seconds(recovered.healed_ns)
    ));
    let told = breaches.iter().take(TOLD);
    explanation.extend(told.map(|breach| format!("Tried {breach}.")));
    if breaches.len() > TOLD {
        explanation.push(format!(
            "{} more were tried in vain.",
            breaches.len() - TOLD
        ));
    }
    let first = breaches[0];
    let through = first.through.as_ref();
    let through = through.map_or(String::new(), |node| format!(" through {node}"));
    Anomaly {
        kind: NO_RECOVERY.to_owned(),
        summary: format!(
            "`{} {}`{through} was not answered {} after everything was healed",
            first.f,
            first.value,
            seconds(first.completed_ns.saturating_sub(recovered.healed_ns))
        ),
        explanation,
        evidence: evidence(breaches, history),
        ..Anomaly::default()
    }
}

/// The operations of the breaches that are told, by who invoked them and when: a process runs one at a time.
fn evidence(breaches: &[&Breach], history: &History) -> Vec<Evidence> {
    let operations = history.operations().unwrap_or_default();
    let mut evidence: Vec<Evidence> = breaches
        .iter()
        .take(TOLD)
        .filter_map(|breach| {
            let is_it = |operation: &&Operation| {
                let invoked = history.get(operation.invoked as usize);
                invoked.time() == breach.invoked_ns as i64
                    && breach.process == Process::Client(operation.process)
            };
            let operation = operations.iter().rfind(is_it)?;
            Some(Evidence::of(history, operation))
        })
        .collect();
    evidence.sort_by_key(|operation| operation.index);
    evidence
}

#[cfg(test)]
mod tests {
    use super::*;
    use rupture_workloads::checkers::history::{Event, Kind, Value};

    use crate::plan::Plan;
    use crate::record::Nowhere;
    use crate::schedule::LastPhase;

    const SECOND: u64 = 1_000_000_000;
    const CLAIM: RecoveryClaim = RecoveryClaim {
        within_ns: 10 * SECOND,
        answers_ns: 5 * SECOND,
        holds: "a majority runs",
    };

    fn breach(invoked_s: u64, completed_s: u64) -> Breach {
        let event = Event {
            time: (completed_s * SECOND) as i64,
            ..Event::new(3, Kind::Info, "read", Value::Int(7))
        };
        Breach::new(Some(NodeName::numbered(2)), &event, invoked_s * SECOND, 1)
    }

    fn outcome(probes: Vec<Breach>, last: Vec<Breach>, ok: u64) -> Outcome {
        Outcome {
            recovered: Recovered {
                claim: Some(CLAIM),
                healed_ns: 30 * SECOND,
                breaches: probes,
                ..Recovered::default()
            },
            last: LastPhase { ok, failed: last },
            ..Outcome::default()
        }
    }

    fn validity(outcome: &Outcome) -> Option<Validity> {
        let judged = verdict(outcome, &History::new(), 2 * SECOND);
        judged.map(|verdict| verdict.validity)
    }

    #[test]
    fn a_broken_claim_is_an_anomaly_that_says_what_was_tried_and_answered() {
        let judged = verdict(
            &outcome(vec![breach(40, 45)], vec![], 3),
            &History::new(),
            1,
        );
        let anomaly = &judged.unwrap().anomalies[0];
        assert_eq!(anomaly.kind, "no-recovery");
        let told = anomaly.explanation.join("\n");
        for part in [
            "`read 7` through n3",
            "asked at 40.000 s",
            "info at 45.000 s",
            "10.000 s",
            "a majority runs",
        ] {
            assert!(told.contains(part), "no {part} in {told}");
        }
    }

    #[test]
    fn only_the_cluster_itself_is_accused_and_only_after_its_time() {
        assert_eq!(validity(&outcome(vec![], vec![], 0)), None);
        assert_eq!(validity(&outcome(vec![], vec![breach(41, 43)], 1)), None);
        // All final operations failed: never valid.
        let late = outcome(vec![], vec![breach(41, 46)], 0);
        assert_eq!(validity(&late), Some(Validity::Invalid));
        let early = outcome(vec![], vec![breach(33, 35)], 0);
        assert_eq!(validity(&early), Some(Validity::Unknown));
        // They were given less time than is claimed.
        let hasty = outcome(vec![], vec![breach(41, 43)], 0);
        assert_eq!(validity(&hasty), Some(Validity::Unknown));
        let mut stopped = outcome(vec![breach(40, 45)], vec![], 0);
        stopped.not_running = vec![NodeName::numbered(1)];
        assert_eq!(validity(&stopped), Some(Validity::Unknown));
        let mut unclaimed = late;
        unclaimed.recovered.claim = None;
        assert_eq!(validity(&unclaimed), Some(Validity::Unknown));
    }

    /// The same run is accused when it goes on to its end (`tests/mutants.rs`).
    #[test]
    fn an_interrupted_run_is_not_accused() {
        let plan = Plan {
            mutant: Some("no-back-off".to_owned()),
            ..Plan::default()
        };
        for looks in [0, 5, 20] {
            let left = std::sync::atomic::AtomicU32::new(looks);
            let stop = || {
                left.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1))
                    .is_err()
            };
            let report = crate::run::run(&plan, &mut Nowhere, &stop).unwrap();
            assert!(report.interrupted);
            assert_eq!(report.verdict().validity, Validity::Unknown, "{report:#?}");
        }
    }

    use std::sync::atomic::Ordering::SeqCst;
}
