//! One order of all operations, from the order of those that change the state.

use super::calls::{Call, NEVER};
use crate::Model;

/// The effects of an order, with every other operation that happened put where the state agrees with it.
/// None if that is not possible, in which case it was no order.
pub(crate) fn order<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    effects: &[u32],
) -> Option<Vec<u32>> {
    let mut placed = place(model, calls, effects)?;
    placed.sort_by_key(|(gap, _)| *gap);
    Some(placed.into_iter().map(|(_, call)| call).collect())
}

/// Every operation with the row after which it takes effect; those of one row do so in the order given.
/// Rows are counted from 1, so that 0 is before the first.
///
/// Effects are put off until a completion asks for them, and everything else is done as soon as the state
/// agrees. That misses no order of these effects: at any moment no fewer of them can have been taken, because
/// what asked for the last one had to be done by then. So whoever needs an earlier state still finds it.
pub(crate) fn place<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    effects: &[u32],
) -> Option<Vec<(u32, u32)>> {
    let mut placing = Placing::new(model, calls, effects)?;
    let mut completions: Vec<u32> = (0..calls.len() as u32)
        .filter(|&at| calls[at as usize].completed != NEVER)
        .collect();
    completions.sort_by_key(|&at| calls[at as usize].completed);
    let mut invocations = (0..calls.len() as u32).peekable();
    for at in completions {
        let row = calls[at as usize].completed;
        while let Some(at) = invocations.next_if(|&at| calls[at as usize].invoked < row) {
            placing.invoke(at);
        }
        while placing.is_owed(at) {
            placing.take_effect(row)?;
        }
    }
    invocations.for_each(|at| placing.invoke(at));
    while placing.left() {
        placing.take_effect(placing.earliest()?)?;
    }
    placing.open.is_empty().then_some(placing.placed)
}

/// An order that is being put into the rows.
struct Placing<'a, M: Model> {
    model: &'a M,
    calls: &'a [Call<M::Op>],
    effects: &'a [u32],
    /// How many effects were taken.
    taken: usize,
    /// For every call its place among the effects, if it is one.
    places: Vec<Option<usize>>,
    states: Vec<M::State>,
    /// What happened, was invoked, and has not agreed with a state yet.
    open: Vec<u32>,
    placed: Vec<(u32, u32)>,
}

impl<'a, M: Model> Placing<'a, M> {
    fn new(model: &'a M, calls: &'a [Call<M::Op>], effects: &'a [u32]) -> Option<Self> {
        let mut places = vec![None; calls.len()];
        for (place, &at) in effects.iter().enumerate() {
            *places.get_mut(at as usize)? = Some(place);
        }
        Some(Self {
            model,
            calls,
            effects,
            taken: 0,
            places,
            states: vec![model.initial()],
            open: Vec::new(),
            placed: Vec::with_capacity(calls.len()),
        })
    }

    fn invoke(&mut self, at: u32) {
        let call = &self.calls[at as usize];
        if call.must && self.places[at as usize].is_none() {
            self.open.push(at);
            self.agree(call.invoked + 1);
        }
    }

    /// Whether a call that completes now has not taken effect.
    fn is_owed(&self, at: u32) -> bool {
        match self.places[at as usize] {
            Some(place) => place >= self.taken,
            None => self.open.contains(&at),
        }
    }

    fn left(&self) -> bool {
        self.taken < self.effects.len()
    }

    /// The first row after which the next effect can be taken.
    fn earliest(&self) -> Option<u32> {
        let &at = self.effects.get(self.taken)?;
        let since = self.placed.last().map_or(0, |(row, _)| *row);
        Some(since.max(self.calls[at as usize].invoked + 1))
    }

    /// Takes the next effect after this row, if there is one and it runs there.
    fn take_effect(&mut self, row: u32) -> Option<()> {
        let &at = self.effects.get(self.taken)?;
        let call = &self.calls[at as usize];
        let mut after = Vec::new();
        for state in &self.states {
            self.model.outcomes(state, &call.op, &mut after);
        }
        if after.is_empty() || call.invoked >= row || call.completed < row {
            return None;
        }
        self.states = after;
        self.taken += 1;
        self.placed.push((row, at));
        self.agree(row);
        Some(())
    }

    /// Takes every open call that agrees with the state.
    fn agree(&mut self, row: u32) {
        let Self {
            model,
            calls,
            states,
            open,
            placed,
            ..
        } = self;
        open.retain(|&at| {
            let agrees = keep_agreeing(*model, states, &calls[at as usize].op);
            if agrees {
                placed.push((row, at));
            }
            !agrees
        });
    }
}

/// Keeps the states that the operation leaves as they are. False, and keeps all, if there are none.
fn keep_agreeing<M: Model>(model: &M, states: &mut Vec<M::State>, op: &M::Op) -> bool {
    let agrees = |state: &M::State| model.step(state, op).as_ref() == Some(state);
    if !states.iter().any(agrees) {
        return false;
    }
    states.retain(|state| agrees(state));
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Counter;
    use crate::models::op::CounterOp::{Add, Read};

    #[test]
    fn an_effect_waits_for_what_needs_the_state_before_it() {
        let call = |op, invoked, completed, operation| Call {
            op,
            invoked,
            completed,
            must: true,
            operation,
        };
        let calls = [call(Add(5), 0, 3, 0), call(Read(0), 1, 2, 1)];
        assert_eq!(order(&Counter, &calls, &[0]), Some(vec![1, 0]));
        let calls = [call(Add(5), 0, 3, 0), call(Read(5), 1, 2, 1)];
        assert_eq!(order(&Counter, &calls, &[0]), Some(vec![0, 1]));
        let calls = [call(Add(5), 0, 1, 0), call(Read(0), 2, 3, 1)];
        assert_eq!(order(&Counter, &calls, &[0]), None);
    }
}
