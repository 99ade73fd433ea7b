//! What every checker has in common, and what it says of a history that it cannot judge.

use rupture_history::{History, PairingError, Verdict};

use crate::Budget;

/// Judges a history.
pub trait Checker: Send + Sync {
    /// Judges the operations of clients; events of others, such as the nemesis, take no part.
    ///
    /// # Errors
    /// The history does not speak the language of the model. That is never a verdict.
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError>;
}

/// A history that a checker cannot judge because it is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// Its invocations and completions do not pair.
    #[error(transparent)]
    Pairing(#[from] PairingError),
    /// The model does not know a function.
    #[error("event {index}: `{f}` is no operation of {model}; it has {known}")]
    UnknownFunction {
        /// The index of the event.
        index: u64,
        /// The function that the history names.
        f: String,
        /// The model.
        model: String,
        /// The functions that it has, separated by commas.
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
