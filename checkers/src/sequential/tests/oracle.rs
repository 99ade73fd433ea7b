//! Sequential consistency from its definition alone: try the orders one by one.
//!
//! Shares no code with the models, the program or the search.

use rupture_history::{Event, History, Kind, Outcome, Value};

use crate::linearizability::tests::objects::Subject;
use crate::linearizability::tests::oracle::{Op, Part};

/// An operation on one of several objects. The moments of operations say nothing but which of a process came first.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) key: usize,
    pub(super) op: Op,
}

/// Whether one order of the operations on so many objects keeps the order of every process.
pub(super) fn has_order(subject: &Subject, keys: usize, steps: &[Step], parts: &[Part]) -> bool {
    let states = vec![subject.initial.to_vec(); keys];
    let mut placed = vec![false; steps.len()];
    extend(subject, &states, steps, parts, &mut placed)
}

/// `a` must come before `b` if both are in the order: its process had seen it end.
fn precedes(steps: &[Step], a: usize, b: usize) -> bool {
    let (a, b) = (&steps[a].op, &steps[b].op);
    a.process == b.process && a.outcome != Outcome::Info && a.invoked < b.invoked
}

fn extend(
    subject: &Subject,
    states: &[Vec<i64>],
    steps: &[Step],
    parts: &[Part],
    placed: &mut Vec<bool>,
) -> bool {
    let all = 0..steps.len();
    if all.clone().all(|a| placed[a] || parts[a] != Part::Must) {
        return true;
    }
    for next in all.clone() {
        if placed[next] || parts[next] == Part::Out {
            continue;
        }
        let late = all.clone().any(|a| placed[a] && precedes(steps, next, a));
        let early = all
            .clone()
            .any(|a| !placed[a] && parts[a] == Part::Must && precedes(steps, a, next));
        if late || early {
            continue;
        }
        placed[next] = true;
        let key = steps[next].key;
        for after in (subject.object)(&states[key], &steps[next].op) {
            let mut states = states.to_vec();
            states[key] = after;
            if extend(subject, &states, steps, parts, placed) {
                return true;
            }
        }
        placed[next] = false;
    }
    false
}

/// The operations as a history. Where there are keys, values are `[key value]`, but for functions of the
/// key-value store, whose key is a field.
pub(super) fn history(steps: &[Step], keyed: bool) -> History {
    let mut events: Vec<(usize, Event)> = Vec::new();
    for Step { key, op } in steps {
        let has_field = matches!(op.f, "get" | "put" | "append");
        let event = |kind, value: &Value| {
            let key = Value::Int(*key as i64);
            let value = if keyed && !has_field {
                Value::Vector(vec![key.clone(), value.clone()])
            } else {
                value.clone()
            };
            let mut event = Event::new(op.process, kind, op.f, value);
            if has_field {
                event.extra.push(("key".into(), key));
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
