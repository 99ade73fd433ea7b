//! A stack: last in, first out.

use crate::model::{Id, Mismatch, Model, Seen, Values};
use crate::theory::{Theory, View};

/// An operation of a stack.
///
/// ```
/// use rupture_checkers::models::{Stack, op::StackOp};
/// use rupture_checkers::{Id, Model};
///
/// let state = vec![Id(1), Id(2)];
/// assert_eq!(Stack.step(&state, &StackOp::Push(Id(3))).unwrap().last(), Some(&Id(3)));
/// assert_eq!(Stack.step(&state, &StackOp::Pop(Id(2))), Some(vec![Id(1)]));
/// assert_eq!(Stack.step(&state, &StackOp::Popped), Some(vec![Id(1)]));
/// assert_eq!(Stack.step(&state, &StackOp::Pop(Id(1))), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StackOp {
    /// It put this value on top.
    Push(Id),
    /// It took this value from the top.
    Pop(Id),
    /// It found the stack empty.
    Empty,
    /// A pop whose result nobody saw: it took the top away, if there was one.
    Popped,
}

/// A stack that starts empty.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::models::Stack;
/// use rupture_checkers::{Budget, Checker, Linearizable};
///
/// // The pop that found the stack empty began before the push had ended: it may have come first.
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :push :value 1}
///       {:process 1 :type :invoke :f :pop}
///       {:process 0 :type :ok :f :push :value 1}
///       {:process 1 :type :ok :f :pop :value nil}",
/// )?;
/// let judge = Linearizable::new(Stack).witness(true);
/// let verdict = judge.check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Valid);
/// assert_eq!(verdict.witnesses[0].order, [1, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Stack;

impl Model for Stack {
    /// The values from the bottom up.
    type State = Vec<Id>;
    type Op = StackOp;

    fn name(&self) -> &'static str {
        "stack"
    }

    fn functions(&self) -> &[&str] {
        &["push", "pop"]
    }

    fn initial(&self) -> Vec<Id> {
        Vec::new()
    }

    fn decode(&self, seen: &Seen<'_>, values: &mut Values) -> Result<Option<StackOp>, Mismatch> {
        let op = match (seen.f, seen.result) {
            ("push", _) => StackOp::Push(super::pushed(seen.argument, values)?),
            ("pop", None) => StackOp::Popped,
            ("pop", Some(value)) => {
                super::element(value, values).map_or(StackOp::Empty, StackOp::Pop)
            }
            _ => return Err(Mismatch::Function),
        };
        Ok(Some(op))
    }

    fn theory(&self) -> Option<Theory> {
        Some(Theory::Stack)
    }

    fn view<'o>(&self, op: &'o StackOp) -> View<'o> {
        match op {
            StackOp::Push(value) => View::Put(u64::from(value.0)),
            StackOp::Pop(value) => View::Take(u64::from(value.0)),
            StackOp::Empty => View::Empty,
            StackOp::Popped => View::TakeAny,
        }
    }

    fn step(&self, state: &Vec<Id>, op: &StackOp) -> Option<Vec<Id>> {
        let rest = &state[..state.len().saturating_sub(1)];
        match op {
            StackOp::Push(value) => Some([&state[..], &[*value]].concat()),
            StackOp::Pop(value) => (state.last() == Some(value)).then(|| rest.to_vec()),
            StackOp::Empty => state.is_empty().then(Vec::new),
            StackOp::Popped => Some(rest.to_vec()),
        }
    }

    fn is_read(&self, op: &StackOp) -> bool {
        matches!(op, StackOp::Empty)
    }

    fn concerns(&self, op: &StackOp) -> Option<Vec<u64>> {
        match op {
            StackOp::Push(value) | StackOp::Pop(value) => Some(super::numbers(&[*value])),
            StackOp::Empty | StackOp::Popped => None,
        }
    }

    fn describe(&self, op: &StackOp, values: &Values) -> String {
        match op {
            StackOp::Push(value) => format!("push of {}", values.text(*value)),
            StackOp::Pop(value) => format!("pop of {}", values.text(*value)),
            StackOp::Empty => "pop that found it empty".to_owned(),
            StackOp::Popped => "pop of an unknown value".to_owned(),
        }
    }

    fn describe_state(&self, state: &Vec<Id>, values: &Values) -> String {
        if state.is_empty() {
            "the stack is empty".to_owned()
        } else {
            format!(
                "the stack, from the bottom, is {}",
                super::list(state, values)
            )
        }
    }

    fn heap_bytes(&self, state: &Vec<Id>) -> usize {
        state.capacity() * 4
    }
}
