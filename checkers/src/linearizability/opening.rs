//! How every judge of a model begins: reads the history in the model's language, and says what can be said
//! before anything is decided.

use rupture_history::{History, Operation, Outcome, Validity, Verdict};

use super::calls::{Part, parts};
use crate::{Budget, CheckError, Model};

/// A history that is to be judged.
pub(crate) struct Opened<O> {
    pub(crate) operations: Vec<Operation>,
    pub(crate) parts: Vec<Part<O>>,
    /// Valid so far, with the notes that any judge makes.
    pub(crate) verdict: Verdict,
    /// How many bytes the budget has left beside the above.
    pub(crate) bytes: usize,
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
    independent: bool,
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
    let parts = parts(model, independent, history, &operations)?;
    verdict.notes.extend(disorder(history));
    if operations.iter().all(|o| o.outcome != Outcome::Ok) {
        let note = "no operation was seen to happen".to_owned();
        verdict.notes.push(note);
    }
    if let Some(reason) = nothing_to_judge(&operations) {
        return Ok(Opening::Closed(unknown(verdict, reason)));
    }
    Ok(Opening::Judge(Opened {
        operations,
        parts,
        verdict,
        bytes,
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

/// Why there is nothing to judge. That every operation failed is something: nothing happened, and nothing
/// had to be explained.
pub(crate) fn nothing_to_judge(operations: &[Operation]) -> Option<&'static str> {
    if operations.is_empty() {
        return Some("the history has no operations of clients");
    }
    let completed = operations.iter().any(|o| o.outcome != Outcome::Info);
    (!completed).then_some("nobody knows of any operation whether it happened")
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
