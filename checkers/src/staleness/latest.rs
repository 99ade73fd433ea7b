//! The smallest k of a register of which some value was written several times.
//!
//! Which write a read read from is then part of what has to be found, so the search of linearizability decides,
//! with a register that remembers its last k values. Its bounds are the budget's and a number of steps.

use super::clusters::RegisterCall;
use super::search::Why;
use crate::Budget;
use crate::linearizability::search::{Answer, Limits, Search, Stop};
use crate::model::{Id, Mismatch, Model, Seen, Values};
use crate::models::Register;
use crate::models::op::RegisterOp;

/// How many configurations a search may look at that no verdict depends on, and one that was asked to measure.
const STEPS_ASIDE: u64 = 200_000;
const STEPS_TO_MEASURE: u64 = 500_000;

/// In a state, a value that no read can need.
const BLANK: Id = Id(u32::MAX);

/// A register of which a read may return any of the last k values, the initial `nil` among them.
#[derive(Clone, Debug)]
pub(super) struct Latest {
    k: usize,
    /// Which values are read, by their numbers.
    read: Vec<bool>,
}

impl Latest {
    pub(super) fn new(k: u32, calls: &[RegisterCall]) -> Self {
        let mut read = Vec::new();
        for call in calls {
            if let RegisterOp::Read(Id(value)) = call.op {
                let value = value as usize;
                if read.len() <= value {
                    read.resize(value + 1, false);
                }
                read[value] = true;
            }
        }
        Self {
            k: k as usize,
            read,
        }
    }

    fn seen(&self, value: Id) -> Id {
        match self.read.get(value.0 as usize) {
            Some(true) => value,
            _ => BLANK,
        }
    }
}

impl Model for Latest {
    /// The latest value first. Of equal values only the latest counts, the others are blank; blanks at the end
    /// are left out.
    type State = Vec<Id>;
    type Op = RegisterOp;

    fn name(&self) -> &'static str {
        Register.name()
    }

    fn functions(&self) -> &[&str] {
        &["read", "write"]
    }

    fn initial(&self) -> Vec<Id> {
        match self.seen(Id::NIL) {
            BLANK => Vec::new(),
            nil => vec![nil],
        }
    }

    fn decode(&self, seen: &Seen<'_>, values: &mut Values) -> Result<Option<RegisterOp>, Mismatch> {
        Register.decode(seen, values)
    }

    fn step(&self, state: &Vec<Id>, op: &RegisterOp) -> Option<Vec<Id>> {
        match *op {
            RegisterOp::Read(value) => state.contains(&value).then(|| state.clone()),
            RegisterOp::Write(value) => {
                let value = self.seen(value);
                let mut next = Vec::with_capacity(self.k.min(state.len() + 1));
                next.push(value);
                let older = state.iter().take(self.k - 1);
                next.extend(older.map(|&old| if old == value { BLANK } else { old }));
                while next.last() == Some(&BLANK) {
                    next.pop();
                }
                Some(next)
            }
            RegisterOp::Cas(..) | RegisterOp::Differs(_) => None,
        }
    }

    fn is_read(&self, op: &RegisterOp) -> bool {
        matches!(op, RegisterOp::Read(_))
    }

    /// A write of a value that nobody reads only makes others staler.
    fn idle(&self, ops: &[&RegisterOp], must: &[bool]) -> Vec<bool> {
        let idle = |(op, must): (&&RegisterOp, &bool)| match **op {
            RegisterOp::Write(value) => !must && self.seen(value) == BLANK,
            _ => false,
        };
        ops.iter().zip(must).map(idle).collect()
    }

    fn describe(&self, op: &RegisterOp, values: &Values) -> String {
        Register.describe(op, values)
    }

    fn describe_state(&self, state: &Vec<Id>, values: &Values) -> String {
        let name = |id: &Id| match *id {
            BLANK => "another".to_owned(),
            id => values.text(id),
        };
        let names: Vec<String> = state.iter().map(name).collect();
        format!(
            "a read may return one of the {} latest values, which are [{}]",
            self.k,
            names.join(" ")
        )
    }

    fn heap_bytes(&self, state: &Vec<Id>) -> usize {
        state.capacity() * size_of::<Id>()
    }
}

/// Where a search found that no order goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dead {
    /// Every order dies at the latest when this call completes.
    pub(super) call: u32,
}

/// What is known of the smallest k.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) at_least: u32,
    pub(super) at_most: u32,
    pub(super) why: Option<Why>,
    /// Why the goal is not met, if it is not.
    pub(super) dead: Option<Dead>,
}

/// Measures the smallest k of calls of which each read has some write before it. With a goal, how it compares
/// with the goal is worth the whole budget, and the exact number little.
pub(super) fn measure(calls: &[RegisterCall], goal: Option<u32>, budget: &Budget<'_>) -> Measured {
    let mut measuring = Measuring {
        calls,
        goal,
        budget,
        measured: Measured {
            at_least: 1,
            at_most: at_most(calls),
            why: None,
            dead: None,
        },
    };
    if let Some(goal) = goal.filter(|goal| *goal < measuring.measured.at_most) {
        measuring.decide(goal, u64::MAX);
    }
    let steps = match goal {
        None => STEPS_TO_MEASURE,
        Some(_) => STEPS_ASIDE,
    };
    measuring.raise(steps);
    measuring.lower(steps);
    let mut measured = measuring.measured;
    measured.why = measured
        .why
        .filter(|_| measured.at_least < measured.at_most);
    measured
}

struct Measuring<'a> {
    calls: &'a [RegisterCall],
    goal: Option<u32>,
    budget: &'a Budget<'a>,
    measured: Measured,
}

impl Measuring<'_> {
    /// Tightens the bounds; false if it could not.
    fn decide(&mut self, k: u32, steps: u64) -> bool {
        let limits = Limits {
            budget: self.budget,
            steps,
        };
        let known = &mut self.measured;
        let model = Latest::new(k, self.calls);
        let (answer, _) = Search::exists(&model, self.calls, &limits);
        match answer {
            Answer::Order(_) => known.at_most = known.at_most.min(k),
            Answer::Impossible(call) => {
                known.at_least = known.at_least.max(k + 1);
                if self.goal.is_some_and(|goal| k >= goal) {
                    known.dead.get_or_insert(Dead { call });
                }
            }
            Answer::Stopped(stop, _) => {
                known.why = Some(why(stop));
                return false;
            }
        }
        true
    }

    fn is_open(&self) -> bool {
        self.measured.at_least < self.measured.at_most
    }

    /// Finds the number from below, in growing strides and then halving what is left.
    fn raise(&mut self, steps: u64) {
        let mut stride = 1;
        while self.is_open() {
            let known = &self.measured;
            let half = u32::midpoint(known.at_least, known.at_most - 1);
            let k = half.min(known.at_least.saturating_add(stride - 1));
            if !self.decide(k, steps) {
                return;
            }
            stride = stride.saturating_mul(2);
        }
    }

    /// Looks for better orders where it stays open how good one can be.
    fn lower(&mut self, steps: u64) {
        let mut low = self.measured.at_least + 1;
        while self.is_open() && low < self.measured.at_most && !self.budget.is_over() {
            let middle = u32::midpoint(low, self.measured.at_most - 1);
            self.decide(middle, steps);
            if middle < self.measured.at_most {
                low = middle + 1;
            }
        }
    }
}

pub(super) fn why(stop: Stop) -> Why {
    match stop {
        Stop::Time => Why::Time,
        Stop::Memory => Why::Memory,
        Stop::Steps => Why::Steps,
    }
}

/// The k of the order in which every write happens at its invocation, and every read at its own or as soon as its
/// value was first written.
fn at_most(calls: &[RegisterCall]) -> u32 {
    let model = Latest::new(1, calls);
    let mut writes: Vec<u32> = Vec::new();
    let mut of: Vec<Vec<u32>> = vec![Vec::new(); model.read.len().max(1)];
    // The initial value is write 0.
    of[0].push(0);
    for call in calls {
        let RegisterOp::Write(value) = call.op else {
            continue;
        };
        let seen = model.seen(value);
        if call.must || seen != BLANK {
            writes.push(call.invoked);
            if seen != BLANK {
                of[value.0 as usize].push(writes.len() as u32);
            }
        }
    }
    let age = |call: &RegisterCall| {
        let RegisterOp::Read(value) = call.op else {
            return 0;
        };
        let begun = writes.partition_point(|&row| row < call.invoked) as u32;
        let own = &of[value.0 as usize];
        let earlier = own.partition_point(|&write| write <= begun);
        earlier.checked_sub(1).map_or(0, |at| begun - own[at])
    };
    calls.iter().map(age).max().unwrap_or(0) + 1
}
