//! How every judge of a model begins: reads the history in the model's language, and says what can be said
//! before anything is decided.

use rupture_history::{EventRef, History, Kind, Operation, Outcome, Validity, Verdict};

pub(crate) use super::calls::contradicted_invocations;
use super::calls::{Objects, Part, contradicted, parts};
use crate::{Budget, CheckError, Model};

/// A history that is to be judged.
pub(crate) struct Opened<O> {
    pub(crate) operations: Vec<Operation>,
    pub(crate) parts: Vec<Part<O>>,
    /// Valid so far, with the notes that any judge makes.
    pub(crate) verdict: Verdict,
    /// How many bytes the budget has left beside the above.
    pub(crate) bytes: usize,
    /// Why the history proves nothing unless something is wrong with it.
    nothing: Option<&'static str>,
}

impl<O> Opened<O> {
    /// The verdict once it is decided: `valid` only where something was seen to happen.
    pub(crate) fn close(&self, verdict: Verdict) -> Verdict {
        proved(verdict, self.nothing)
    }
}

/// What a history is once it was read.
pub(crate) enum Opening<O> {
    Judge(Opened<O>),
    /// There is nothing to judge, or no room for it.
    Closed(Verdict),
}

/// Reads a history by a model and splits it into parts.
///
/// # Errors
/// The history's events do not pair, or it does not speak the model's language.
pub(crate) fn open<M: Model>(
    model: &M,
    level: &str,
    objects: &Objects,
    history: &History,
    budget: &Budget<'_>,
) -> Result<Opening<M::Op>, CheckError> {
    let operations = history.operations()?;
    let mut verdict = Verdict::new(Validity::Valid, model.name(), level);
    verdict.operations = operations.len() as u64;
    let held = held(history, &operations);
    let Some(bytes) = budget.bytes().checked_sub(held) else {
        let count = operations.len();
        let reason = format!(
            "out of memory after 0 of {count} operations: reading them alone may take {held} bytes"
        );
        return Ok(Opening::Closed(unknown(verdict, reason)));
    };
    let parts = parts(model, objects, history, &operations)?;
    verdict.notes.extend(disorder(history));
    let contradicted = contradicted(model, objects, history, &operations);
    verdict.notes.extend(contradicted);
    let is_ok = |&number: &u32| operations[number as usize].outcome == Outcome::Ok;
    let seen = |part: &Part<M::Op>| part.operations.iter().any(is_ok);
    verdict.notes.extend(unseen_keys(parts.iter().map(seen)));
    let nothing = nothing_seen(&operations);
    let nothing = nothing.filter(|_| !all_refused(model, history, &operations));
    // A failure that the model takes for an observation can be wrong, although nothing happened.
    let observed = |part: &Part<M::Op>| part.calls.iter().any(|call| call.must);
    if let (Some(reason), false) = (nothing, parts.iter().any(observed)) {
        return Ok(Opening::Closed(unknown(verdict, reason)));
    }
    Ok(Opening::Judge(Opened {
        operations,
        parts,
        verdict,
        bytes,
        nothing,
    }))
}

/// The verdict turned to `unknown`, for this reason.
pub(crate) fn unknown(mut verdict: Verdict, reason: impl Into<String>) -> Verdict {
    verdict.validity = Validity::Unknown;
    verdict.reasons.push(reason.into());
    verdict
}

/// What the decoded operations may take, in bytes: what is kept of each, and the values that they carry.
fn held(history: &History, operations: &[Operation]) -> usize {
    const AN_OPERATION: usize = 160;
    let each = operations.len().saturating_mul(AN_OPERATION);
    each.saturating_add(history.bytes())
}

/// Why a history proves nothing: no operation of it was seen to happen. What fails, and what nobody knows of, keeps
/// every promise, and so does a system that is dead. Every judge asks this, or counts observations that only an `ok`
/// brings.
pub(crate) fn nothing_seen(operations: &[Operation]) -> Option<&'static str> {
    if operations.is_empty() {
        return Some(NO_OPERATIONS);
    }
    let seen = operations.iter().any(|o| o.outcome == Outcome::Ok);
    (!seen).then_some(NOTHING_SEEN)
}

/// What is said of a history in which clients did nothing.
pub(crate) const NO_OPERATIONS: &str = "the history has no operations of clients";
/// What is said of a history without any `ok`.
pub(crate) const NOTHING_SEEN: &str = "no operation was seen to happen";

/// A note that some keys have no `ok`, of keys for each of which it is said whether they have one. They take nothing
/// from what the others prove.
pub(crate) fn unseen_keys(seen: impl IntoIterator<Item = bool>) -> Option<String> {
    let (mut all, mut unseen) = (0_usize, 0_usize);
    for seen in seen {
        all += 1;
        unseen += usize::from(!seen);
    }
    (0 < unseen && unseen < all).then(|| {
        format!("of {unseen} of {all} keys no operation was seen to happen, which proves nothing of them")
    })
}

/// A verdict, which is not `valid` where nothing was seen.
pub(crate) fn proved(mut verdict: Verdict, nothing: Option<&str>) -> Verdict {
    if let (Validity::Valid, Some(reason)) = (verdict.validity, nothing) {
        verdict.witnesses.clear();
        return unknown(verdict, reason);
    }
    verdict
}

/// Whether every operation failed, and one of them by the object's own answer: then the object was there, and kept
/// its promise. Knossos calls two histories of `MongoDB` valid that are so.
fn all_refused<M: Model>(model: &M, history: &History, operations: &[Operation]) -> bool {
    operations.iter().all(|o| o.outcome == Outcome::Fail)
        && operations.iter().any(|operation| {
            let f = history.get(operation.invoked as usize).f();
            let completed = operation.completed.map(|row| history.get(row as usize));
            completed.is_some_and(|event| is_refusal(model, f, event))
        })
}

/// Whether a failure is the answer of the object itself. One that says what went wrong is not.
pub(crate) fn is_refusal<M: Model>(model: &M, f: &str, completed: EventRef<'_>) -> bool {
    completed.kind() == Kind::Fail && model.refuses(f) && completed.extra("error").is_none()
}

/// The first place where the times contradict the order of the events.
pub(crate) fn disorder(history: &History) -> Option<String> {
    let row = history.first_time_disorder()?;
    let event = history.get(row);
    let mut before = (0..row).rev().map(|row| history.get(row));
    let before = before.find(|event| event.time() >= 0)?;
    Some(format!(
        "event {} has the time {} ns, before the {} ns of event {}; \
         the order of the events decided, not their times",
        event.index(),
        event.time(),
        before.time(),
        before.index(),
    ))
}
