//! Whether the receipts of a run show that its faults were real.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::fault::FaultKind;
use crate::receipt::{Probe, Receipt, State};

/// What the receipts of one kind of fault say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Faults that took hold and are gone, or last still.
    pub injected: u64,
    /// Faults that did not take hold, whether or not anything was done.
    pub not_injected: u64,
    /// Faults that nobody has seen the end of.
    pub not_healed: u64,
}

/// Which kinds of fault a run was to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Asked for by a name of their own.
    pub by_name: BTreeSet<FaultKind>,
    /// Asked for by a word that means *as far as it is possible*, such as `default` or `all`.
    pub if_possible: BTreeSet<FaultKind>,
}

impl Asked {
    /// Kinds that were asked for by their names.
    pub fn by_name(kinds: impl IntoIterator<Item = FaultKind>) -> Self {
        Self {
            by_name: kinds.into_iter().collect(),
            if_possible: BTreeSet::new(),
        }
    }

    /// Every kind, in order.
    pub fn kinds(&self) -> BTreeSet<FaultKind> {
        &self.by_name | &self.if_possible
    }
}

/// A kind that the cluster must do itself was tried in earnest when it was tried so often.
const IN_EARNEST: u64 = 10;

/// What the receipts of a run say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// By kind of fault: those that were asked for, and those that there are receipts of.
    pub kinds: BTreeMap<FaultKind, Tally>,
    /// Why the run cannot pass; empty when its faults are proved.
    pub problems: Vec<Problem>,
    /// What is to be said although the run can pass.
    pub notes: Vec<String>,
}

/// Why a run cannot pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Problem {
    /// A kind of fault took hold of nobody: the run was too short for it, or it was not made as it should have been.
    #[error("not injected: no {kind} fault took hold")]
    Never {
        /// Which kind.
        kind: FaultKind,
    },
    /// A fault was made, and no probe saw it take hold.
    #[error("not injected: fault {id} ({fault}): {reason}")]
    NotInjected {
        /// Which, of the run.
        id: u64,
        /// What was asked.
        fault: String,
        /// What a probe saw instead, for people.
        reason: String,
    },
    /// A fault was made, and no probe saw it end.
    #[error("not healed: fault {id} ({fault}): {reason}")]
    NotHealed {
        /// Which, of the run.
        id: u64,
        /// What was asked.
        fault: String,
        /// What a probe saw instead, for people.
        reason: String,
    },
}

impl Problem {
    /// Whether a longer run may do without it.
    pub fn is_of_a_short_run(&self) -> bool {
        matches!(self, Self::Never { .. })
    }
}

/// Weighs receipts, the last of each id, against the kinds that were asked for.
///
/// A run cannot pass when a kind that was asked for by name never took hold, when none did at all, when a fault was made
/// and no probe saw it, or when one was not seen to end. A kind that was asked for as far as it is possible and found
/// nobody to hit, because the run was short or the cluster never in the right state, is noted. A fault that found nobody
/// to hit at its moment does no harm as long as another one of its kind did; nor does what the cluster itself did not get
/// done in time, a change of membership or of its leader, because a cluster under faults may be unable to.
pub fn evidence<'a>(asked: &Asked, receipts: impl IntoIterator<Item = &'a Receipt>) -> Evidence {
    let mut evidence = Evidence::default();
    for kind in asked.kinds() {
        evidence.kinds.insert(kind, Tally::default());
    }
    let mut seen = BTreeSet::new();
    let mut tried: BTreeMap<FaultKind, u64> = BTreeMap::new();
    for receipt in receipts {
        let tally = evidence.kinds.entry(receipt.fault.kind()).or_default();
        match state(receipt) {
            State::Injected => tally.injected += 1,
            State::NotInjected | State::Pending => tally.not_injected += 1,
            State::NotHealed => tally.not_healed += 1,
        }
        evidence.problems.extend(problem(receipt));
        if receipt.acted {
            *tried.entry(receipt.fault.kind()).or_default() += 1;
        }
        if took_hold(receipt) {
            seen.insert(receipt.fault.kind());
        }
    }
    let unseen = evidence.kinds.keys().filter(|kind| !seen.contains(kind));
    for kind in unseen.copied().collect::<Vec<_>>() {
        let tried = tried.get(&kind).copied().unwrap_or_default();
        let found_nobody = evidence.kinds[&kind].not_injected.saturating_sub(tried);
        let in_earnest = if kind.is_up_to_the_cluster() {
            IN_EARNEST
        } else {
            1
        };
        let is_excused = !asked.by_name.contains(&kind) && tried < in_earnest;
        if is_excused && !seen.is_empty() {
            evidence.notes.push(format!(
                "no {kind} fault took hold ({tried} tried, {found_nobody} found nobody to hit)"
            ));
        } else {
            evidence.problems.push(Problem::Never { kind });
        }
    }
    evidence
}

/// Whether a probe saw it, whatever became of it then.
fn took_hold(receipt: &Receipt) -> bool {
    match state(receipt) {
        State::Injected => true,
        State::NotInjected | State::Pending => false,
        State::NotHealed => receipt.began.as_ref().is_some_and(|probe| probe.ok),
    }
}

/// The state of a fault after the run: what was done and never seen to end is not healed.
fn state(receipt: &Receipt) -> State {
    let is_gone = receipt.healed.as_ref().is_some_and(|probe| probe.ok);
    match receipt.state {
        _ if receipt.acted && !is_gone => State::NotHealed,
        state => state,
    }
}

fn problem(receipt: &Receipt) -> Option<Problem> {
    let is_harmless = !receipt.acted || receipt.fault.kind().is_up_to_the_cluster();
    let (id, fault) = (receipt.id, receipt.fault.to_string());
    match state(receipt) {
        State::Injected => None,
        State::NotInjected | State::Pending if is_harmless => None,
        State::NotInjected | State::Pending => {
            let reason = receipt.reason.as_deref().unwrap_or("no probe showed it");
            let reason = reason.to_owned();
            Some(Problem::NotInjected { id, fault, reason })
        }
        State::NotHealed => {
            let reason = why_not_healed(receipt);
            Some(Problem::NotHealed { id, fault, reason })
        }
    }
}

/// The receipt's reason tells this only if it says that this is what it is about.
fn why_not_healed(receipt: &Receipt) -> String {
    match (&receipt.reason, &receipt.healed) {
        (Some(reason), _) if receipt.state == State::NotHealed => reason.clone(),
        (
            _,
            Some(Probe {
                looked_at, seen, ..
            }),
        ) => format!("{looked_at}: {seen}"),
        _ => "no probe showed that it ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, Targeting};

    fn receipt(state: State, acted: bool) -> Receipt {
        let fault = Fault::Kill {
            who: Targeting::One,
        };
        let healed = Probe {
            at_ns: 1,
            looked_at: String::new(),
            expected: String::new(),
            seen: String::new(),
            ok: state != State::NotHealed,
        };
        Receipt {
            state,
            acted,
            healed: acted.then_some(healed),
            ..Receipt::new(3, &fault, 0)
        }
    }

    fn texts(evidence: &Evidence) -> Vec<String> {
        evidence.problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn proof_is_one_fault_of_every_kind_and_none_that_failed() {
        let good = receipt(State::Injected, true);
        let nobody = receipt(State::NotInjected, false);
        let asked = Asked::by_name([FaultKind::Kill]);
        assert!(evidence(&asked, [&good, &nobody]).problems.is_empty());
        assert_eq!(
            texts(&evidence(&asked, [&nobody])),
            ["not injected: no kill fault took hold"]
        );
        assert_eq!(evidence(&asked, []).problems.len(), 1);
        assert!(evidence(&Asked::default(), []).problems.is_empty());
        for (state, expected) in [
            (State::NotInjected, "not injected: fault 3 (kill one): why"),
            (State::NotHealed, "not healed: fault 3 (kill one): why"),
        ] {
            let bad = Receipt {
                reason: Some("why".to_owned()),
                ..receipt(state, true)
            };
            assert_eq!(texts(&evidence(&asked, [&good, &bad])), [expected]);
        }
    }

    #[test]
    fn what_was_asked_for_as_far_as_possible_and_found_nobody_is_noted() {
        let asked = Asked {
            by_name: BTreeSet::new(),
            if_possible: [FaultKind::Kill, FaultKind::Pause, FaultKind::Transfer].into(),
        };
        let good = receipt(State::Injected, true);
        let weighed = evidence(&asked, [&good]);
        assert!(weighed.problems.is_empty());
        assert_eq!(
            weighed.notes,
            [
                "no pause fault took hold (0 tried, 0 found nobody to hit)",
                "no transfer fault took hold (0 tried, 0 found nobody to hit)"
            ]
        );
        // A mechanism that was tried and never seen is no bad luck.
        let transfer = |id| Receipt {
            id,
            fault: Fault::Transfer {
                who: Targeting::One,
            },
            ..receipt(State::NotInjected, true)
        };
        let many: Vec<Receipt> = (10..10 + IN_EARNEST).map(transfer).collect();
        let weigh = |count| evidence(&asked, many[..count].iter().chain([&good])).problems;
        assert_eq!(weigh(many.len() - 1), []);
        let kind = FaultKind::Transfer;
        assert_eq!(weigh(many.len()), [Problem::Never { kind }]);
        // Where nothing took hold at all there is nothing to excuse.
        let nothing = evidence(&asked, []).problems;
        assert_eq!(nothing.len(), 3);
        assert!(nothing.iter().all(Problem::is_of_a_short_run));
        assert_eq!(
            evidence(&asked, [&receipt(State::NotInjected, false)])
                .problems
                .len(),
            3
        );
    }

    #[test]
    fn what_took_hold_and_did_not_end_took_hold() {
        let bad = receipt(State::NotHealed, true);
        let unseen = evidence(&Asked::by_name([FaultKind::Kill]), [&bad]).problems;
        assert_eq!(unseen.len(), 2, "{unseen:?}");
        let began = bad.healed.clone().map(|probe| Probe { ok: true, ..probe });
        let seen = Receipt { began, ..bad };
        let problems = evidence(&Asked::by_name([FaultKind::Kill]), [&seen]).problems;
        assert_eq!(problems.len(), 1);
        assert!(matches!(problems[0], Problem::NotHealed { id: 3, .. }));
    }

    #[test]
    fn a_reason_not_to_have_begun_is_none_not_to_have_ended() {
        let receipt = Receipt {
            reason: Some("it did not begin".to_owned()),
            healed: None,
            ..receipt(State::NotInjected, true)
        };
        assert_eq!(
            texts(&evidence(&Asked::default(), [&receipt]))[0],
            "not healed: fault 3 (kill one): no probe showed that it ended"
        );
    }
}
