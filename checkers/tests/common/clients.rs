//! Clients in a closed loop on an atomic object, and the events that they would have recorded.

use std::collections::BTreeMap;

use rupture_checkers::history::{Event, History, Kind, Name, Process, Value};

use super::random::Random;
use super::traffic::{Fate, Traffic};

/// An argument or a result, in a form that ten million operations can afford.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Datum {
    Nil,
    Int(i64),
    Pair(i64, i64),
    Answer(i64, bool),
    /// The first `count` elements that were ever added, but for the one at this place.
    Elements {
        count: usize,
        but: Option<usize>,
    },
}

impl Datum {
    /// An integer, 0 being the initial `nil` of a register.
    pub fn of_state(n: i64) -> Self {
        match n {
            0 => Self::Nil,
            n => Self::Int(n),
        }
    }

    /// The integer; 0 for anything else.
    pub fn int(self) -> i64 {
        match self {
            Self::Int(n) => n,
            _ => 0,
        }
    }

    fn value(self, elements: &[i64]) -> Value {
        match self {
            Self::Nil => Value::Nil,
            Self::Int(n) => Value::Int(n),
            Self::Pair(a, b) => Value::Vector(vec![Value::Int(a), Value::Int(b)]),
            Self::Answer(n, answer) => Value::Vector(vec![Value::Int(n), Value::Bool(answer)]),
            Self::Elements { count, but } => Value::Vector(
                (0..count)
                    .filter(|&at| Some(at) != but)
                    .map(|at| Value::Int(elements[at]))
                    .collect(),
            ),
        }
    }
}

/// What a client asks for.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Of objects side by side, which one.
    pub key: Option<u32>,
    pub f: &'static str,
    pub argument: Datum,
}

/// An object whose operations have their effect at one moment.
pub trait Atomic {
    /// What the next client asks for. The state is that of the moment, operations under way not counted.
    fn call(&mut self, number: usize, random: &mut Random) -> Call;

    /// Lets an operation have its effect and gives its result; `None` if it fails.
    fn apply(&mut self, call: &Call) -> Option<Datum>;

    /// Every element that was added, in the order in which that took effect; empty if nobody reads them whole.
    fn elements(&mut self) -> Vec<i64> {
        Vec::new()
    }
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct Draft {
    pub process: i64,
    pub key: Option<u32>,
    pub f: &'static str,
    pub argument: Datum,
    pub result: Datum,
    pub kind: Kind,
    pub invoked: i64,
    pub completed: i64,
}

impl Draft {
    fn of(
        traffic: &Traffic,
        call: &Call,
        process: i64,
        (invoked, completed): (f64, f64),
        random: &mut Random,
    ) -> Self {
        let lost = random.below(1000) < traffic.lost_per_mille;
        Self {
            process,
            key: call.key,
            f: call.f,
            argument: call.argument,
            result: Datum::Nil,
            kind: if lost { Kind::Info } else { Kind::Ok },
            invoked: invoked as i64,
            completed: completed as i64,
        }
    }

    /// Whether it was seen to complete before the other was invoked.
    pub fn precedes(&self, other: &Self) -> bool {
        self.kind == Kind::Ok && self.completed < other.invoked
    }
}

/// Operations under way, by the moment of their effect and then by their number.
type Pending = BTreeMap<(i64, usize), Draft>;

/// Lets the clients run. The operations come in the order of their effects; those that never have one are
/// the last.
pub fn run(traffic: &Traffic, object: &mut dyn Atomic, random: &mut Random) -> Vec<Draft> {
    let mut done = Vec::with_capacity(traffic.operations);
    let mut never = Vec::new();
    let mut pending = Pending::new();
    let mut clocks = vec![0.0; traffic.clients];
    let mut names: Vec<i64> = (0..traffic.clients as i64).collect();
    for number in 0..traffic.operations {
        let client = (0..traffic.clients)
            .min_by(|&a, &b| f64::total_cmp(&clocks[a], &clocks[b]))
            .unwrap_or_default();
        // No operation to come is invoked before this moment.
        take_effect(&mut pending, clocks[client] as i64, object, &mut done);
        let invoked = clocks[client] + random.exponential(traffic.pause_ns);
        clocks[client] = invoked + (1.0 + random.exponential(2e6));
        let call = object.call(number, random);
        let draft = Draft::of(
            traffic,
            &call,
            names[client],
            (invoked, clocks[client]),
            random,
        );
        match effect(traffic, &draft, (invoked, clocks[client]), random) {
            Some(effect) => drop(pending.insert((effect as i64, number), draft)),
            None => never.push(draft),
        }
        if draft.kind == Kind::Info {
            names[client] += traffic.clients as i64;
        }
    }
    take_effect(&mut pending, i64::MAX, object, &mut done);
    done.append(&mut never);
    done
}

/// When an operation has its effect. One that nobody saw complete may have it while its client waited,
/// later, or never.
fn effect(
    traffic: &Traffic,
    draft: &Draft,
    (invoked, completed): (f64, f64),
    random: &mut Random,
) -> Option<f64> {
    let soon = invoked + (completed - invoked) * random.unit();
    if draft.kind == Kind::Ok || traffic.fate == Fate::Soon {
        return Some(soon);
    }
    match random.below(3) {
        0 => Some(soon),
        1 => Some(completed + random.exponential(2e7)),
        _ => None,
    }
}

fn take_effect(pending: &mut Pending, until: i64, object: &mut dyn Atomic, done: &mut Vec<Draft>) {
    while let Some(first) = pending.first_entry() {
        if first.key().0 > until {
            break;
        }
        let mut draft = first.remove();
        let call = Call {
            key: draft.key,
            f: draft.f,
            argument: draft.argument,
        };
        match object.apply(&call) {
            Some(result) => draft.result = result,
            None if draft.kind == Kind::Ok => draft.kind = Kind::Fail,
            None => {}
        }
        done.push(draft);
    }
}

/// The history of these operations.
pub fn events(drafts: &[Draft], elements: &[i64]) -> History {
    let mut moments: Vec<(i64, u32, bool)> = Vec::with_capacity(drafts.len() * 2);
    for (number, draft) in drafts.iter().enumerate() {
        moments.push((draft.invoked, number as u32, false));
        moments.push((draft.completed, number as u32, true));
    }
    moments.sort_unstable();
    let mut names: BTreeMap<&'static str, Name> = BTreeMap::new();
    let mut event = Event::new(0, Kind::Invoke, "", Value::Nil);
    let mut history = History::new();
    for (time, number, completes) in moments {
        let draft = &drafts[number as usize];
        event.time = time;
        event.process = Process::Client(draft.process);
        event.f = names
            .entry(draft.f)
            .or_insert_with(|| draft.f.into())
            .clone();
        event.kind = if completes { draft.kind } else { Kind::Invoke };
        let datum = match event.kind {
            Kind::Ok => draft.result,
            Kind::Invoke | Kind::Fail | Kind::Info => draft.argument,
        };
        let value = datum.value(elements);
        event.value = match draft.key {
            Some(key) => Value::Vector(vec![Value::Int(i64::from(key)), value]),
            None => value,
        };
        history.push(&event);
    }
    history
}
