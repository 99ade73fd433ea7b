//! Linearizability from its definition alone: try the orders one by one.
//!
//! Shares no code with the models, the plan or the search. It is slow, and meant for seven operations.

use rupture_history::{Event, History, Kind, Outcome, Value};

/// An operation between two moments.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    pub(crate) process: i64,
    pub(crate) f: &'static str,
    pub(crate) argument: Value,
    /// What it gave back, if it happened and was seen to.
    pub(crate) result: Option<Value>,
    pub(crate) outcome: Outcome,
    pub(crate) invoked: usize,
    /// When its completion was recorded, whatever that said.
    pub(crate) recorded: Option<usize>,
}

/// What an object may turn into: all states after an operation. None when it cannot happen.
pub(crate) type Object = fn(&[i64], &Op) -> Vec<Vec<i64>>;

/// How an operation takes part in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It happened.
    Must,
    /// It may have happened.
    May,
    /// It may have happened, at any time at all.
    Any,
    /// It takes no part.
    Out,
}

/// How operations take part in a history by the definition: a failed one did not happen, one of which nobody
/// knows may have.
pub(crate) fn parts(ops: &[Op]) -> Vec<Part> {
    let part = |op: &Op| match op.outcome {
        Outcome::Ok => Part::Must,
        Outcome::Fail => Part::Out,
        Outcome::Info => Part::May,
    };
    ops.iter().map(part).collect()
}

/// Whether one order of the operations respects real time and the object.
pub(crate) fn has_order(object: Object, initial: &[i64], ops: &[Op], parts: &[Part]) -> bool {
    let mut placed = vec![false; ops.len()];
    extend(object, initial, ops, parts, &mut placed)
}

fn completed(op: &Op, part: Part) -> Option<usize> {
    let known = op.outcome != Outcome::Info && part != Part::Any;
    op.recorded.filter(|_| known)
}

/// `a` must come before `b` if both are in the order.
fn precedes(ops: &[Op], parts: &[Part], a: usize, b: usize) -> bool {
    parts[b] != Part::Any
        && completed(&ops[a], parts[a]).is_some_and(|completed| completed < ops[b].invoked)
}

fn extend(
    object: Object,
    state: &[i64],
    ops: &[Op],
    parts: &[Part],
    placed: &mut Vec<bool>,
) -> bool {
    let all = 0..ops.len();
    if all.clone().all(|a| placed[a] || parts[a] != Part::Must) {
        return true;
    }
    for next in all.clone() {
        if placed[next] || parts[next] == Part::Out {
            continue;
        }
        // Nothing that was placed may have had to wait for it, and nothing left must come before it.
        let late = all
            .clone()
            .any(|a| placed[a] && precedes(ops, parts, next, a));
        let early = all.clone().any(|a| {
            !placed[a] && parts[a] == Part::Must && a != next && precedes(ops, parts, a, next)
        });
        if late || early {
            continue;
        }
        placed[next] = true;
        for after in object(state, &ops[next]) {
            if extend(object, &after, ops, parts, placed) {
                return true;
            }
        }
        placed[next] = false;
    }
    false
}

/// The operations as a history. Their moments must all differ.
pub(crate) fn history(ops: &[Op]) -> History {
    let mut events: Vec<(usize, Event)> = Vec::new();
    for op in ops {
        let event = |kind, value: &Value| {
            let mut event = Event::new(op.process, kind, op.f, value.clone());
            if matches!(op.f, "get" | "put" | "append") {
                event.extra.push(("key".into(), Value::str("k")));
            }
            event
        };
        events.push((op.invoked, event(Kind::Invoke, &op.argument)));
        let Some(at) = op.recorded else { continue };
        events.push((
            at,
            match op.outcome {
                Outcome::Ok => event(Kind::Ok, op.result.as_ref().unwrap_or(&op.argument)),
                Outcome::Fail => event(Kind::Fail, &op.argument),
                Outcome::Info => event(Kind::Info, &op.argument),
            },
        ));
    }
    events.sort_by_key(|(at, _)| *at);
    events.iter().map(|(_, event)| event).collect()
}

/// Whether anything was seen to happen, or an object that was there refused all that it was asked.
pub(crate) fn proves<'a>(ops: impl IntoIterator<Item = (&'a str, Outcome)>) -> bool {
    let (mut seen, mut refused, mut all_failed) = (false, false, true);
    for (f, outcome) in ops {
        seen |= outcome == Outcome::Ok;
        refused |= f == "cas";
        all_failed &= outcome == Outcome::Fail;
    }
    seen || (refused && all_failed)
}
