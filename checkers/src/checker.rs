//! What every checker has in common, and what it says of a history that it cannot judge.

use rupture_history::{History, PairingError, Verdict};

use crate::Budget;

/// Judges a history. [`checker`](crate::checker()) finds one by name; [`Linearizable`](crate::Linearizable),
/// [`Sequential`](crate::Sequential), [`SetFull`](crate::set_full::SetFull) and those of
/// [`staleness`](crate::staleness) are some.
///
/// ```
/// use rupture_checkers::history::{History, Validity, Verdict};
/// use rupture_checkers::{Budget, CheckError, Checker};
///
/// /// Promises that no operation is left open.
/// struct AllAnswered;
///
/// impl Checker for AllAnswered {
///     fn check(&self, history: &History, _: &Budget<'_>) -> Result<Verdict, CheckError> {
///         let open = history.operations()?.iter().filter(|o| o.completed.is_none()).count();
///         let validity = if open == 0 { Validity::Valid } else { Validity::Invalid };
///         Ok(Verdict::new(validity, "all-answered", ""))
///     }
/// }
///
/// let verdict = AllAnswered.check(&History::new(), &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Valid);
/// # Ok::<(), CheckError>(())
/// ```
pub trait Checker: Send + Sync {
    /// Judges the operations of clients; events of others, such as the nemesis, take no part.
    ///
    /// # Errors
    /// The history does not speak the language of the model. That is never a verdict.
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError>;
}

/// A history that a checker cannot judge because it is not what it should be.
///
/// ```
/// use rupture_checkers::history::codec;
/// use rupture_checkers::models::Counter;
/// use rupture_checkers::{Budget, CheckError, Checker, Linearizable};
///
/// let history = codec::read(b"{:process 0 :type :invoke :f :add :value :many}").unwrap();
/// let error = Linearizable::new(Counter).check(&history, &Budget::unlimited()).unwrap_err();
/// assert!(matches!(error, CheckError::WrongValue { index: 0, .. }));
/// assert_eq!(error.to_string(), "event 0: `add` has the value :many; expected an integer");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// Its invocations and completions do not pair.
    #[error(transparent)]
    Pairing(#[from] PairingError),
    /// The model does not know a function.
    #[error("event {index}: `{f}` is no operation of {model}{}", listed(.known))]
    UnknownFunction {
        /// The index of the event.
        index: u64,
        /// The function that the history names.
        f: String,
        /// The model.
        model: String,
        /// The functions that it has, separated by commas; empty where the model does not say.
        known: String,
    },
    /// A value is not of the type that its operation has.
    #[error("event {index}: `{f}` has the value {found}; expected {expected}")]
    WrongValue {
        /// The index of the event.
        index: u64,
        /// The function.
        f: String,
        /// The value, as EDN.
        found: String,
        /// What should have stood there.
        expected: String,
    },
}

fn listed(known: &str) -> String {
    if known.is_empty() {
        return String::new();
    }
    format!("; it has {known}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_model_has_is_only_told_where_it_is_known() {
        let error = |known: &str| CheckError::UnknownFunction {
            index: 3,
            f: "pop".to_owned(),
            model: "Flag".to_owned(),
            known: known.to_owned(),
        };
        assert_eq!(
            error("").to_string(),
            "event 3: `pop` is no operation of Flag"
        );
        assert_eq!(
            error("raise, is-up").to_string(),
            "event 3: `pop` is no operation of Flag; it has raise, is-up"
        );
    }
}
