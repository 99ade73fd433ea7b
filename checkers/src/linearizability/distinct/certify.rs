//! Checking an order by replaying it: respects real time, leaves nothing out, and the object allows it.
//!
//! Shares nothing with the algorithms that find orders but the reading of operations.

use std::collections::{BTreeSet, VecDeque};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::Model;
use crate::linearizability::calls::Call;
use crate::theory::{Theory, View};

/// An object as it is, one operation after another.
enum Object {
    Register(u64),
    Set(FxHashSet<u64>),
    Fifo(VecDeque<u64>),
    /// What is there, and what somebody is known to have taken: other values go first where nobody knows.
    Unordered(BTreeSet<(u32, u64)>, FxHashMap<u64, u32>, FxHashSet<u64>),
    Stack(Vec<u64>),
    /// Several values may have one priority.
    Priority(BTreeSet<(u64, u32)>),
    Text(String),
}

impl Object {
    /// An object at the beginning, of which these values will be taken by name.
    fn new(theory: Theory, taken: FxHashSet<u64>) -> Self {
        match theory {
            Theory::Register { initial } => Self::Register(initial),
            Theory::Set => Self::Set(FxHashSet::default()),
            Theory::FifoQueue => Self::Fifo(VecDeque::new()),
            Theory::UnorderedQueue => Self::Unordered(BTreeSet::new(), FxHashMap::default(), taken),
            Theory::Stack => Self::Stack(Vec::new()),
            Theory::PriorityQueue => Self::Priority(BTreeSet::new()),
            Theory::Text => Self::Text(String::new()),
        }
    }

    /// Lets an operation happen. False if it cannot.
    fn allows(&mut self, view: View<'_>, call: u32) -> bool {
        match self {
            Self::Register(value) => match view {
                View::Put(written) => {
                    *value = written;
                    true
                }
                View::See(seen) => *value == seen,
                _ => false,
            },
            Self::Set(elements) => match view {
                View::Put(element) => {
                    elements.insert(element);
                    true
                }
                View::Take(element) => {
                    elements.remove(&element);
                    true
                }
                View::See(element) => elements.contains(&element),
                View::Miss(element) => !elements.contains(&element),
                View::All(list) => {
                    list.len() == elements.len()
                        && list.iter().all(|id| elements.contains(&u64::from(id.0)))
                }
                _ => false,
            },
            Self::Fifo(queue) => match view {
                View::Put(value) => {
                    queue.push_back(value);
                    true
                }
                View::Take(value) => queue.pop_front() == Some(value),
                View::TakeAny => {
                    queue.pop_front();
                    true
                }
                View::Empty => queue.is_empty(),
                _ => false,
            },
            Self::Unordered(there, numbers, taken) => match view {
                View::Put(value) => {
                    numbers.insert(value, call);
                    there.insert((call, value))
                }
                View::Take(value) => numbers
                    .get(&value)
                    .is_some_and(|&number| there.remove(&(number, value))),
                View::TakeAny => {
                    let first = there.iter().find(|(_, value)| !taken.contains(value));
                    if let Some(first) = first.copied() {
                        there.remove(&first);
                    }
                    true
                }
                View::Empty => there.is_empty(),
                _ => false,
            },
            Self::Stack(stack) => match view {
                View::Put(value) => {
                    stack.push(value);
                    true
                }
                View::Take(value) => stack.pop() == Some(value),
                View::TakeAny => {
                    stack.pop();
                    true
                }
                View::Empty => stack.is_empty(),
                _ => false,
            },
            Self::Priority(values) => match view {
                View::Put(value) => values.insert((value, call)),
                View::Take(value) => values.pop_last().is_some_and(|(last, _)| last == value),
                View::TakeLeast(value) => {
                    values.pop_first().is_some_and(|(first, _)| first == value)
                }
                View::TakeAny => {
                    values.pop_last();
                    true
                }
                View::TakeAnyLeast => {
                    values.pop_first();
                    true
                }
                View::Empty => values.is_empty(),
                _ => false,
            },
            Self::Text(text) => write(text, view),
        }
    }
}

/// Lets an operation on a text happen. False if it cannot.
fn write(text: &mut String, view: View<'_>) -> bool {
    match view {
        View::Replace(put) => {
            put.clone_into(text);
            true
        }
        View::Append(piece) => {
            text.push_str(piece);
            true
        }
        View::Text(seen) => text == seen,
        _ => false,
    }
}

/// The values that are taken by name, where that matters.
fn taken<M: Model>(model: &M, theory: Theory, calls: &[Call<M::Op>]) -> FxHashSet<u64> {
    let of = |call: &Call<M::Op>| match model.view(&call.op) {
        View::Take(value) => Some(value),
        _ => None,
    };
    match theory {
        Theory::UnorderedQueue => calls.iter().filter_map(of).collect(),
        _ => FxHashSet::default(),
    }
}

/// Whether this is an order of the calls: every one that happened is in it once, none stands before another
/// that had completed when it was invoked, and the object allows it.
pub(crate) fn is_order<M: Model>(model: &M, calls: &[Call<M::Op>], order: &[u32]) -> bool {
    let Some(theory) = model.theory() else {
        return false;
    };
    let mut object = Object::new(theory, taken(model, theory, calls));
    let mut placed = vec![false; calls.len()];
    let mut latest = 0;
    for &at in order {
        let Some(call) = calls.get(at as usize) else {
            return false;
        };
        let again = std::mem::replace(&mut placed[at as usize], true);
        if again || call.completed < latest || !object.allows(model.view(&call.op), at) {
            return false;
        }
        latest = latest.max(call.invoked);
    }
    calls
        .iter()
        .zip(placed)
        .all(|(call, placed)| placed || !call.must)
}
