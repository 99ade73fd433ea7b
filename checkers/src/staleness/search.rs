//! How far a search may go, and what it may say.

use crate::Budget;

/// The answer of a search for an order of writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// This order; the numbers are those of clusters in the chunk.
    Order(Vec<u32>),
    /// There is none.
    None,
    /// Nobody knows.
    Stopped,
}

/// Why a search stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Time,
    Memory,
    Steps,
}

impl Why {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Time => "out of time",
            Self::Memory => "out of memory",
            Self::Steps => "out of steps",
        }
    }
}

/// How many steps are taken between two looks at the time.
const STEPS_A_LOOK: u64 = 1024;

/// Counts the steps of a search. Once it has said that it is over, it goes on saying so.
#[derive(Debug)]
pub(super) struct Clock<'a, 'b> {
    budget: &'a Budget<'b>,
    steps: u64,
    look: u64,
    why: Option<Why>,
}

impl<'a, 'b> Clock<'a, 'b> {
    /// A search of at most so many steps.
    pub(super) fn new(budget: &'a Budget<'b>, steps: u64) -> Self {
        Self {
            budget,
            steps,
            look: 0,
            why: None,
        }
    }

    /// Takes steps; false if there are none left.
    pub(super) fn tick(&mut self, steps: u64) -> bool {
        if self.why.is_some() {
            return false;
        }
        if steps > self.steps {
            self.why = Some(Why::Steps);
            return false;
        }
        self.steps -= steps;
        if steps > self.look {
            self.look = STEPS_A_LOOK;
            if self.budget.is_over() {
                self.why = Some(Why::Time);
            }
        } else {
            self.look -= steps;
        }
        self.why.is_none()
    }

    /// Whether there is room for so many bytes.
    pub(super) fn holds(&mut self, bytes: usize) -> bool {
        if bytes > self.budget.bytes() {
            self.why.get_or_insert(Why::Memory);
        }
        self.why.is_none()
    }

    /// Why it is over, if it is.
    pub(super) fn why(&self) -> Option<Why> {
        self.why
    }

    /// How many steps are left.
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }
}
