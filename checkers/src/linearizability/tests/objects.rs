//! The objects once more, in the plainest way, for the oracle; and what to call on them.

use rupture_history::{Outcome, Value};

use super::oracle::{Object, Op};
use super::random::Random;

pub(crate) const NIL: i64 = -1;

fn number(value: &Value) -> i64 {
    match value {
        Value::Int(n) => *n,
        Value::Bool(b) => i64::from(*b),
        _ => NIL,
    }
}

fn numbers(value: &Value) -> Vec<i64> {
    value
        .items()
        .unwrap_or_default()
        .iter()
        .map(number)
        .collect()
}

fn int(n: i64) -> Value {
    match n {
        NIL => Value::Nil,
        n => Value::Int(n),
    }
}

fn vector(items: &[i64]) -> Value {
    Value::Vector(items.iter().map(|&n| int(n)).collect())
}

/// An object and how to call it at random.
pub(crate) struct Subject {
    pub(crate) object: Object,
    pub(crate) initial: &'static [i64],
    /// A function and its argument.
    pub(crate) call: fn(&mut Random) -> (&'static str, Value),
    /// Every result that such a call could have, or `None` if it is the argument.
    pub(crate) results: fn(&'static str, &Value) -> Option<Vec<Value>>,
}

fn small(random: &mut Random) -> Value {
    Value::Int(1 + random.below(3) as i64)
}

fn no_results(_: &'static str, _: &Value) -> Option<Vec<Value>> {
    None
}

fn one(allowed: bool, state: Vec<i64>) -> Vec<Vec<i64>> {
    if allowed { vec![state] } else { Vec::new() }
}

fn register(state: &[i64], op: &Op) -> Vec<Vec<i64>> {
    let argument = number(&op.argument);
    match (op.f, &op.result) {
        ("read", Some(value)) => one(state[0] == number(value), state.to_vec()),
        ("read", None) => vec![state.to_vec()],
        ("write", _) => vec![vec![argument]],
        _ => {
            let pair = numbers(&op.argument);
            match op.outcome {
                Outcome::Fail => one(state[0] != pair[0], state.to_vec()),
                _ => one(state[0] == pair[0], vec![pair[1]]),
            }
        }
    }
}

fn read_values(f: &'static str, _: &Value) -> Option<Vec<Value>> {
    (f == "read").then(|| [NIL, 1, 2, 3].map(int).to_vec())
}

pub(crate) const REGISTER: Subject = Subject {
    object: register,
    initial: &[NIL],
    call: |random| match random.below(2) {
        0 => ("read", Value::Nil),
        _ => ("write", small(random)),
    },
    results: read_values,
};

pub(crate) const CAS_REGISTER: Subject = Subject {
    object: register,
    initial: &[NIL],
    call: |random| match random.below(3) {
        0 => ("read", Value::Nil),
        1 => ("write", small(random)),
        _ => ("cas", Value::Vector(vec![small(random), small(random)])),
    },
    results: read_values,
};

/// Two registers, the keys 0 and 1.
fn multi_register(state: &[i64], op: &Op) -> Vec<Vec<i64>> {
    let mut state = state.to_vec();
    let seen = op.result.is_some();
    let txn = op.result.as_ref().unwrap_or(&op.argument);
    for part in txn.items().unwrap_or_default() {
        let part = part.items().unwrap_or_default();
        let (key, value) = (number(&part[1]) as usize, number(&part[2]));
        if part[0] == Value::keyword("write") {
            state[key] = value;
        } else if seen && state[key] != value {
            return Vec::new();
        }
    }
    vec![state]
}

fn txn(random: &mut Random) -> (&'static str, Value) {
    let parts = (0..=random.below(2)).map(|_| {
        let key = Value::Int(random.below(2) as i64);
        match random.below(2) {
            0 => Value::Vector(vec![Value::keyword("read"), key, Value::Nil]),
            _ => Value::Vector(vec![Value::keyword("write"), key, small(random)]),
        }
    });
    ("txn", Value::Vector(parts.collect()))
}

/// The transaction with every choice of values for its reads.
fn txn_results(argument: &Value) -> Vec<Value> {
    let mut results = vec![Vec::new()];
    for part in argument.items().unwrap_or_default() {
        let fields = part.items().unwrap_or_default();
        let choices = if fields[0] == Value::keyword("write") {
            vec![part.clone()]
        } else {
            [NIL, 1, 2, 3]
                .map(|n| Value::Vector(vec![fields[0].clone(), fields[1].clone(), int(n)]))
                .to_vec()
        };
        results = results
            .iter()
            .flat_map(|known: &Vec<Value>| {
                choices.iter().map(|choice| {
                    let mut known = known.clone();
                    known.push(choice.clone());
                    known
                })
            })
            .collect();
    }
    results.into_iter().map(Value::Vector).collect()
}

pub(crate) const MULTI_REGISTER: Subject = Subject {
    object: multi_register,
    initial: &[NIL, NIL],
    call: txn,
    results: |_, argument| Some(txn_results(argument)),
};

fn bytes(value: &Value) -> Vec<i64> {
    value
        .as_name()
        .unwrap_or_default()
        .bytes()
        .map(i64::from)
        .collect()
}

fn kv(state: &[i64], op: &Op) -> Vec<Vec<i64>> {
    match (op.f, &op.result) {
        ("get", Some(value)) => one(state == bytes(value), state.to_vec()),
        ("get", None) => vec![state.to_vec()],
        ("put", _) => vec![bytes(&op.argument)],
        _ => vec![[state, &bytes(&op.argument)].concat()],
    }
}

pub(crate) const KV: Subject = Subject {
    object: kv,
    initial: &[],
    call: |random| {
        let text = Value::str(["a", "b", "ab", ""][random.below(4)]);
        match random.below(5) {
            0 | 1 => ("get", Value::Nil),
            2 => ("put", text),
            _ => ("append", text),
        }
    },
    results: |f, _| {
        let texts = ["", "a", "b", "ab", "ba", "aa", "aab", "aba", "abab"];
        (f == "get").then(|| texts.map(Value::str).to_vec())
    },
};

fn counter(state: &[i64], op: &Op) -> Vec<Vec<i64>> {
    match (op.f, &op.result) {
        ("read", Some(value)) => one(state[0] == number(value), state.to_vec()),
        ("read", None) => vec![state.to_vec()],
        _ => vec![vec![state[0] + number(&op.argument)]],
    }
}

pub(crate) const COUNTER: Subject = Subject {
    object: counter,
    initial: &[0],
    call: |random| match random.below(2) {
        0 => ("read", Value::Nil),
        _ => ("add", Value::Int([1, 2, 3, 0][random.below(4)])),
    },
    results: |f, _| (f == "read").then(|| (0..8).map(Value::Int).collect()),
};

fn set(state: &[i64], op: &Op) -> Vec<Vec<i64>> {
    let element = number(&op.argument);
    let mut next: Vec<i64> = state.iter().copied().filter(|&e| e != element).collect();
    match (op.f, &op.result) {
        ("add", _) => {
            next.push(element);
            next.sort_unstable();
            vec![next]
        }
        ("remove", _) => vec![next],
        ("contains", Some(answer)) => {
            let found = i64::from(state.contains(&element));
            one(numbers(answer)[1] == found, state.to_vec())
        }
        ("read", Some(elements)) => {
            let mut elements = numbers(elements);
            elements.sort_unstable();
            one(elements == state, state.to_vec())
        }
        _ => vec![state.to_vec()],
    }
}

fn set_results(f: &'static str, argument: &Value) -> Option<Vec<Value>> {
    let answer = |b: bool| Value::Vector(vec![argument.clone(), Value::Bool(b)]);
    match f {
        "contains" => Some(vec![answer(true), answer(false)]),
        "read" => Some(
            [
                &[][..],
                &[1],
                &[2],
                &[3],
                &[2, 1],
                &[1, 3],
                &[3, 2],
                &[1, 2, 3],
                &[1, 1],
            ]
            .map(vector)
            .to_vec(),
        ),
        _ => None,
    }
}

pub(crate) const SET: Subject = Subject {
    object: set,
    initial: &[],
    call: |random| match random.below(6) {
        0 | 1 => ("add", small(random)),
        2 => ("remove", small(random)),
        3 | 4 => ("contains", small(random)),
        _ => ("read", Value::Nil),
    },
    results: set_results,
};

/// Marks a queue of which a drain that nobody saw complete takes values for ever.
const LEAK: i64 = -2;

/// All that can be left of a queue when any of its values vanish.
fn leftovers(held: &[i64]) -> Vec<Vec<i64>> {
    let mut all = vec![Vec::new()];
    for &value in held {
        let with: Vec<Vec<i64>> = all
            .iter()
            .map(|part| [&part[..], &[value]].concat())
            .collect();
        all.extend(with);
    }
    all
}

/// A queue without leaks. `ordered` says whether values come out as they went in.
fn tight_queue(held: &[i64], op: &Op, ordered: bool) -> Vec<Vec<i64>> {
    let sorted = |mut values: Vec<i64>| {
        if !ordered {
            values.sort_unstable();
        }
        values
    };
    let without = |at: usize| [&held[..at], &held[at + 1..]].concat();
    let reach = if ordered { 1 } else { held.len() };
    match (op.f, &op.result) {
        ("enqueue", _) => vec![sorted([held, &[number(&op.argument)]].concat())],
        ("dequeue", Some(Value::Nil)) => one(held.is_empty(), Vec::new()),
        ("dequeue", Some(value)) => (0..held.len())
            .take(reach)
            .filter(|&at| held[at] == number(value))
            .map(without)
            .collect(),
        ("dequeue", None) if held.is_empty() => vec![Vec::new()],
        ("dequeue", None) => (0..held.len()).take(reach).map(without).collect(),
        (_, Some(all)) => one(sorted(numbers(all)) == sorted(held.to_vec()), Vec::new()),
        (_, None) => vec![[held, &[LEAK]].concat()],
    }
}

fn queue(state: &[i64], op: &Op, ordered: bool) -> Vec<Vec<i64>> {
    let held: Vec<i64> = state
        .iter()
        .copied()
        .filter(|&value| value != LEAK)
        .collect();
    if held.len() == state.len() {
        return tight_queue(state, op, ordered);
    }
    let mut all: Vec<Vec<i64>> = leftovers(&held)
        .iter()
        .flat_map(|left| tight_queue(left, op, ordered))
        .map(|mut after| {
            after.retain(|&value| value != LEAK);
            after.push(LEAK);
            after
        })
        .collect();
    all.sort();
    all.dedup();
    all
}

fn queue_call(random: &mut Random) -> (&'static str, Value) {
    match random.below(9) {
        0..4 => ("enqueue", small(random)),
        4..8 => ("dequeue", Value::Nil),
        _ => ("drain", Value::Nil),
    }
}

fn queue_results(f: &'static str, _: &Value) -> Option<Vec<Value>> {
    match f {
        "dequeue" => Some([NIL, 1, 2, 3].map(int).to_vec()),
        "drain" => Some(
            [
                &[][..],
                &[1],
                &[2],
                &[3],
                &[1, 2],
                &[2, 1],
                &[1, 1],
                &[3, 1],
                &[2, 3],
            ]
            .map(vector)
            .to_vec(),
        ),
        _ => None,
    }
}

pub(crate) const FIFO_QUEUE: Subject = Subject {
    object: |state, op| queue(state, op, true),
    initial: &[],
    call: queue_call,
    results: queue_results,
};

pub(crate) const UNORDERED_QUEUE: Subject = Subject {
    object: |state, op| queue(state, op, false),
    initial: &[],
    call: queue_call,
    results: queue_results,
};

fn stack(state: &[i64], op: &Op) -> Vec<Vec<i64>> {
    let mut rest = state.to_vec();
    let top = rest.pop();
    match (op.f, &op.result) {
        ("push", _) => vec![[state, &[number(&op.argument)]].concat()],
        (_, Some(value)) => one(top.unwrap_or(NIL) == number(value), rest),
        (_, None) => vec![rest],
    }
}

pub(crate) const STACK: Subject = Subject {
    object: stack,
    initial: &[],
    call: |random| match random.below(2) {
        0 => ("push", small(random)),
        _ => ("pop", Value::Nil),
    },
    results: |f, _| (f == "pop").then(|| [NIL, 1, 2, 3].map(int).to_vec()),
};

fn priority_queue(state: &[i64], op: &Op) -> Vec<Vec<i64>> {
    let mut rest = state.to_vec();
    let found = match op.f {
        "insert" => {
            rest.push(number(&op.argument));
            rest.sort_unstable();
            return vec![rest];
        }
        "extract-max" => rest.pop(),
        _ => (!rest.is_empty()).then(|| rest.remove(0)),
    };
    match &op.result {
        Some(value) => one(found.unwrap_or(NIL) == number(value), rest),
        None => vec![rest],
    }
}

pub(crate) const PRIORITY_QUEUE: Subject = Subject {
    object: priority_queue,
    initial: &[],
    call: |random| match random.below(5) {
        0 | 1 => ("insert", small(random)),
        2 | 3 => ("extract-max", Value::Nil),
        _ => ("extract-min", Value::Nil),
    },
    results: |f, _| (f != "insert").then(|| [NIL, 1, 2, 3].map(int).to_vec()),
};

fn mutex(state: &[i64], op: &Op) -> Vec<Vec<i64>> {
    let acquires = op.f == "acquire";
    one((state[0] == 0) == acquires, vec![i64::from(acquires)])
}

fn lock_call(random: &mut Random) -> (&'static str, Value) {
    (["acquire", "release"][random.below(2)], Value::Nil)
}

pub(crate) const MUTEX: Subject = Subject {
    object: mutex,
    initial: &[0],
    call: lock_call,
    results: no_results,
};

/// One entry for each time that a process holds it.
fn owned(state: &[i64], op: &Op, most: usize) -> Vec<Vec<i64>> {
    let mine = state.iter().all(|&owner| owner == op.process);
    match op.f {
        "acquire" => one(mine && state.len() < most, [state, &[op.process]].concat()),
        _ if state.is_empty() => Vec::new(),
        _ => one(mine, state[1..].to_vec()),
    }
}

pub(crate) const OWNER_MUTEX: Subject = Subject {
    object: |state, op| owned(state, op, 1),
    initial: &[],
    call: lock_call,
    results: no_results,
};

pub(crate) const REENTRANT_MUTEX: Subject = Subject {
    object: |state, op| owned(state, op, usize::MAX),
    initial: &[],
    call: lock_call,
    results: no_results,
};

/// All tokens that were given out; a last entry of [`NIL`] while the lock is held.
fn fenced(state: &[i64], op: &Op) -> Vec<Vec<i64>> {
    let held = state.last() == Some(&NIL);
    match (op.f, &op.result) {
        ("acquire", Some(token)) => {
            let token = number(token);
            let fresh = state.iter().all(|&other| other < token);
            one(!held && fresh, [state, &[token, NIL]].concat())
        }
        ("acquire", None) => {
            let last = state.iter().max().copied().unwrap_or(0);
            let given = |token: i64| [state, &[token, NIL]].concat();
            if held {
                Vec::new()
            } else {
                (last + 1..9).map(given).collect()
            }
        }
        _ => {
            let token = number(&op.argument);
            let mine = held && state[state.len() - 2] == token;
            one(mine, state[..state.len().saturating_sub(1)].to_vec())
        }
    }
}

pub(crate) const FENCED_LOCK: Subject = Subject {
    object: fenced,
    initial: &[],
    call: |random| match random.below(2) {
        0 => ("acquire", Value::Nil),
        _ => ("release", Value::Int(1 + random.below(4) as i64)),
    },
    results: |f, _| (f == "acquire").then(|| (1..5).map(Value::Int).collect()),
};

/// How many of three permits are taken.
fn semaphore(state: &[i64], op: &Op) -> Vec<Vec<i64>> {
    let n = number(&op.argument);
    match op.f {
        "acquire" => one(state[0] + n <= 3, vec![state[0] + n]),
        _ => one(state[0] >= n, vec![state[0] - n]),
    }
}

pub(crate) const SEMAPHORE: Subject = Subject {
    object: semaphore,
    initial: &[0],
    call: |random| {
        let n = Value::Int(1 + random.below(2) as i64);
        (["acquire", "release"][random.below(2)], n)
    },
    results: no_results,
};
