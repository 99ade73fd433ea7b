//! One order of all operations, from the order of those that change the state.

use super::calls::Call;
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
pub(crate) fn place<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    effects: &[u32],
) -> Option<Vec<(u32, u32)>> {
    let mut taken = vec![false; calls.len()];
    for &at in effects {
        *taken.get_mut(at as usize)? = true;
    }
    let mut waiting = (0..calls.len() as u32)
        .filter(|&at| calls[at as usize].must && !taken[at as usize])
        .peekable();
    let mut placed = Vec::with_capacity(calls.len());
    let mut open: Vec<u32> = Vec::new();
    let mut states = vec![model.initial()];
    let mut since = 0;
    for number in 0..=effects.len() {
        let next = effects.get(number).map(|&at| &calls[at as usize]);
        let until = next.map_or(u32::MAX, |call| since.max(call.invoked + 1));
        // What was invoked by then, and agrees with the state, is done with.
        while let Some(at) = waiting.next_if(|&at| calls[at as usize].invoked < until) {
            open.push(at);
        }
        open.retain(|&at| {
            let call = &calls[at as usize];
            if !keep_agreeing(model, &mut states, &call.op) {
                return true;
            }
            placed.push((since.max(call.invoked + 1), at));
            false
        });
        let late = |&at: &u32| next.is_none() || calls[at as usize].completed < until;
        if open.iter().any(late) {
            return None;
        }
        if let (Some(call), Some(&at)) = (next, effects.get(number)) {
            let mut after = Vec::new();
            for state in &states {
                model.outcomes(state, &call.op, &mut after);
            }
            states = after;
            if states.is_empty() || call.completed < until {
                return None;
            }
            since = until;
            placed.push((since, at));
        }
    }
    Some(placed)
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
