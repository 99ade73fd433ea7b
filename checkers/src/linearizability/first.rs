//! The first event with which a history is impossible.
//!
//! Linearizability is prefix-closed (Herlihy & Wing 1990), so there is one. A prefix is judged with what was known
//! then: an operation that was running may have happened, with any result, or may not, whatever became of it later.
//! The engines decide with all that became known later. Where they find no order, a prefix may still have had one:
//! a dequeue that was running may have taken another value, and a write may have been seen and have failed only
//! then. So the event may lie later than where the engines see every order end, and may be a failure.
//!
//! It is at most the last completion of what ran there. The completions between are tried, near ones first.

use rupture_history::{History, Operation, Outcome};

use super::calls::{Call, NEVER, Part, Reader};
use super::decide::{Impossible, possible};
use super::search::Limits;
use crate::{Budget, Model, Values};

/// How many configurations one prefix may take at least, and how many times as many as the verdict took.
const STEPS_AT_LEAST: u64 = 200_000;
const TIMES_THE_VERDICT: u64 = 2;
/// After so many prefixes of which nobody knows the rest is not looked at.
const MOST_OPEN: usize = 2;

/// The first event with which a part is impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct First {
    /// The operation that completes there.
    pub(crate) operation: u32,
    /// Whether it is known that everything before has an order.
    pub(crate) alive: bool,
}

/// An object whose history is looked at as it was known at one time or another.
pub(crate) struct Prefixes<'a, M: Model> {
    model: &'a M,
    independent: bool,
    history: &'a History,
    operations: &'a [Operation],
    part: &'a Part<M::Op>,
    /// A copy of the part's, made when it is needed.
    values: Option<Values>,
}

impl<'a, M: Model> Prefixes<'a, M> {
    pub(crate) fn new(
        model: &'a M,
        independent: bool,
        history: &'a History,
        operations: &'a [Operation],
        part: &'a Part<M::Op>,
    ) -> Self {
        Self {
            model,
            independent,
            history,
            operations,
            part,
            values: None,
        }
    }

    /// The first event with which the part, which is impossible in so many steps, is so.
    pub(crate) fn first(
        &mut self,
        impossible: &Impossible<M::Op>,
        steps: u64,
        budget: &Budget<'_>,
    ) -> First {
        let deadly = &self.part.calls[impossible.deadly as usize];
        let late = self.late(deadly.completed, impossible.open);
        if late.is_none() && impossible.alive {
            return First {
                operation: deadly.operation,
                alive: true,
            };
        }
        let end = late.unwrap_or(deadly.completed);
        let from = if impossible.alive {
            deadly.completed
        } else {
            0
        };
        let completions = self.completions(from, end);
        let guess = completions.partition_point(|&(row, _)| row < deadly.completed);
        let limits = Limits {
            budget,
            steps: STEPS_AT_LEAST.max(steps.saturating_mul(TIMES_THE_VERDICT)),
        };
        let (at, alive) = first_of(completions.len(), guess, |at| {
            let calls = self.until(completions[at].0);
            possible(self.model, &calls, &limits).ok()
        });
        First {
            operation: completions[at].1,
            alive,
        }
    }

    /// How an operation ended, in words: `completion of process 1's write of 3`.
    pub(crate) fn ending(&mut self, number: u32) -> String {
        let operation = &self.operations[number as usize];
        let process = self.history.process(operation.process);
        let calls = &self.part.calls;
        let (ending, op) = match calls.binary_search_by_key(&number, |call| call.operation) {
            Ok(at) => ("completion", Some(calls[at].op.clone())),
            Err(_) => ("failure", self.running(number)),
        };
        let op = op.map_or(String::new(), |op| {
            self.model.describe(&op, &self.part.values)
        });
        format!("{ending} of process {process}'s {op}")
    }

    /// The completions from one row to another, in order, each with its operation.
    fn completions(&self, from: u32, to: u32) -> Vec<(u32, u32)> {
        let completion = |&number: &u32| Some((self.operations[number as usize].ended()?, number));
        let all = self.part.operations.iter().filter_map(completion);
        let mut completions: Vec<(u32, u32)> =
            all.filter(|(row, _)| (from..=to).contains(row)).collect();
        completions.sort_unstable();
        completions
    }

    /// When the last of the operations completed that ran at this row and of which less was known then; of failed
    /// ones alone if the others were taken so.
    fn late(&mut self, row: u32, open: bool) -> Option<u32> {
        let part = self.part;
        let mut calls = part.calls.iter().peekable();
        let mut last = None;
        for &number in &part.operations {
            let call = calls.next_if(|call| call.operation == number);
            let operation = &self.operations[number as usize];
            let completed = operation.ended().filter(|&completed| completed > row);
            let Some(completed) = completed.filter(|_| operation.invoked < row) else {
                continue;
            };
            if last >= Some(completed) || (open && call.is_some()) {
                continue;
            }
            // What changes nothing is of no use before it completes.
            let model = self.model;
            let changes = |op: &&M::Op| !model.is_read(op);
            let known = call.map(|call| &call.op).filter(changes);
            let running = self.running(number);
            if running.as_ref().filter(changes) != known {
                last = Some(completed);
            }
        }
        last
    }

    /// An operation as it was known while it ran, if it could then do anything.
    fn running(&mut self, number: u32) -> Option<M::Op> {
        let mut operation = self.operations[number as usize];
        (operation.outcome, operation.completed) = (Outcome::Info, None);
        let values = self.values.get_or_insert_with(|| self.part.values.clone());
        let reader = Reader::new(self.model, self.independent, self.history, &operation);
        reader.and_then(|reader| reader.op(values)).ok().flatten()
    }

    /// The calls as they were known after this row.
    fn until(&mut self, row: u32) -> Vec<Call<M::Op>> {
        let part = self.part;
        let mut known = part.calls.iter().peekable();
        let mut calls = Vec::with_capacity(part.calls.len());
        for &number in &part.operations {
            let operation = &self.operations[number as usize];
            let call = known.next_if(|call| call.operation == number);
            if operation.invoked > row {
                break;
            }
            match operation.ended() {
                Some(completed) if completed > row => {
                    let invoked = operation.invoked;
                    calls.extend(self.running(number).map(|op| Call {
                        op,
                        invoked,
                        completed: NEVER,
                        must: false,
                        operation: number,
                    }));
                }
                _ => calls.extend(call.cloned()),
            }
        }
        calls
    }
}

/// The first of so many prefixes that is impossible, where the last one is, and whether it is known that the one
/// before it is possible. They are tried from a guess on, in ever longer steps, and then by halves.
fn first_of(
    count: usize,
    guess: usize,
    mut possible: impl FnMut(usize) -> Option<bool>,
) -> (usize, bool) {
    // One more than the last that is possible, and the first that is not.
    let (mut low, mut high) = (0, count.saturating_sub(1));
    let mut alive = true;
    let (mut at, mut step) = (guess, 1);
    let mut last = None;
    let mut open = 0;
    while low < high {
        at = at.clamp(low, high - 1);
        let is_possible = possible(at);
        open += usize::from(is_possible.is_none());
        if open > MOST_OPEN {
            return (high, false);
        }
        match is_possible {
            Some(false) => high = at,
            Some(true) => (low, alive) = (at + 1, true),
            None => (low, alive) = (at + 1, false),
        }
        let turned = last.is_some_and(|last| last != (is_possible == Some(false)));
        last.get_or_insert(is_possible == Some(false));
        if turned {
            step = usize::MAX;
        }
        at = match is_possible {
            _ if step == usize::MAX => usize::midpoint(low, high),
            Some(false) => high.saturating_sub(step),
            _ => low.saturating_add(step - 1),
        };
        step = step.saturating_mul(2);
    }
    (high, alive)
}

#[cfg(test)]
mod tests {
    use super::first_of;

    #[test]
    fn the_first_is_found_from_any_guess_in_few_tries() {
        for count in 1..40 {
            for first in 0..count {
                for guess in 0..count {
                    let mut tries = 0;
                    let found = first_of(count, guess, |at| {
                        tries += 1;
                        Some(at < first)
                    });
                    assert_eq!(found, (first, true), "{count} {guess}");
                    assert!(tries <= 12, "{count} {first} {guess}: {tries}");
                }
            }
        }
    }

    #[test]
    fn what_nobody_knows_is_never_called_possible() {
        let found = first_of(20, 10, |at| (at >= 12).then_some(false));
        assert_eq!(found, (12, false));
        assert_eq!(first_of(20, 19, |_| None), (19, false));
    }
}
