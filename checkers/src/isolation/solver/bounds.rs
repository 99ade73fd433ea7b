//! When the search has to stop.

use crate::Budget;

/// The bounds of one search.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds<'b> {
    budget: &'b Budget<'b>,
    /// How often the search may run into a contradiction.
    pub(super) conflicts: u64,
}

impl<'b> Bounds<'b> {
    pub(super) fn of(budget: &'b Budget<'b>) -> Self {
        Self {
            budget,
            conflicts: u64::MAX,
        }
    }

    /// The same, for a side question that is worth only so many contradictions.
    pub(super) fn with_conflicts(self, conflicts: u64) -> Self {
        Self { conflicts, ..self }
    }

    /// Whether time is up, or so many bytes are too many.
    pub(super) fn is_over(&self, bytes: usize) -> bool {
        bytes > self.budget.bytes() || self.budget.is_over()
    }
}
