//! When the search has to stop.

use crate::Budget;

/// How many places of the order are looked at together.
const PART: u32 = 1 << 11;

/// The bounds of one search.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds<'b> {
    budget: &'b Budget<'b>,
    /// How often the search may run into a contradiction.
    pub(super) conflicts: u64,
    /// How many places of the order are looked at together.
    pub(super) part: u32,
}

impl<'b> Bounds<'b> {
    pub(super) fn of(budget: &'b Budget<'b>) -> Self {
        Self {
            budget,
            conflicts: u64::MAX,
            part: PART,
        }
    }

    /// The same, for a side question that is worth only so many contradictions.
    pub(super) fn with_conflicts(self, conflicts: u64) -> Self {
        Self { conflicts, ..self }
    }

    /// The same, looking at the whole order at once: sometimes that is better, and nobody can tell when.
    pub(super) fn whole(self) -> Self {
        Self {
            part: u32::MAX,
            ..self
        }
    }

    /// Whether time is up, or so many bytes are too many.
    pub(super) fn is_over(&self, bytes: usize) -> bool {
        bytes > self.budget.bytes() || self.budget.is_over()
    }
}
