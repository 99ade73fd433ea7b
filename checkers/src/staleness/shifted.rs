//! The smallest Δ of a register of which some value was written several times: the search of linearizability on
//! calls of which every read begins Δ earlier, and bisection over Δ.

use super::clusters::RegisterCall;
use super::delta::Times;
use super::latest::{Dead, why};
use super::search::Why;
use crate::Budget;
use crate::linearizability::calls::NEVER;
use crate::linearizability::search::{Answer, Limits, Search};
use crate::models::Register;
use crate::models::op::RegisterOp;

/// As in [`super::latest`].
const STEPS_ASIDE: u64 = 200_000;
const STEPS_TO_MEASURE: u64 = 500_000;

/// What is known of the smallest Δ.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) at_least: u64,
    pub(super) at_most: u64,
    pub(super) why: Option<Why>,
    /// Why the goal is not met, if it is not: where the calls died when they were shifted by this.
    pub(super) dead: Option<(u64, Dead)>,
}

/// The calls as they would have been had every read begun `delta` earlier, in the order of invocation, and the
/// number that each had before. Events in the order of rows are given odd places, so that a read can begin between
/// two of them: before all events that are not more than `delta` before it.
pub(super) fn shift(
    calls: &[RegisterCall],
    times: Times<'_>,
    delta: u64,
) -> (Vec<RegisterCall>, Vec<u32>) {
    let place = |row: u32| row.saturating_mul(2).saturating_add(1);
    let begin = |call: &RegisterCall| {
        let read = matches!(call.op, RegisterOp::Read(_));
        if !read || delta == 0 {
            return place(call.invoked);
        }
        let from = times.0[call.invoked as usize].saturating_sub_unsigned(delta);
        let row = times.0.partition_point(|&time| time < from) as u32;
        row.min(call.invoked).saturating_mul(2)
    };
    let mut numbers: Vec<(u32, u32)> = (0..).zip(calls).map(|(n, call)| (begin(call), n)).collect();
    numbers.sort_unstable();
    let shifted = numbers.iter().map(|&(invoked, number)| {
        let mut call = calls[number as usize].clone();
        call.invoked = invoked;
        if call.completed != NEVER {
            call.completed = place(call.completed);
        }
        call
    });
    let shifted = shifted.collect();
    (
        shifted,
        numbers.into_iter().map(|(_, number)| number).collect(),
    )
}

/// Measures the smallest Δ of calls of which each read has some write before it. With a goal, how it compares with
/// the goal is worth the whole budget, and the exact number little.
pub(super) fn measure(
    calls: &[RegisterCall],
    times: Times<'_>,
    goal: Option<u64>,
    budget: &Budget<'_>,
) -> Measured {
    let mut measuring = Measuring {
        calls,
        times,
        goal,
        budget,
        measured: Measured {
            at_least: 0,
            at_most: times.span().max(1),
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
    measuring.narrow(steps);
    let mut measured = measuring.measured;
    measured.why = measured
        .why
        .filter(|_| measured.at_least < measured.at_most);
    measured
}

struct Measuring<'a> {
    calls: &'a [RegisterCall],
    times: Times<'a>,
    goal: Option<u64>,
    budget: &'a Budget<'a>,
    measured: Measured,
}

impl Measuring<'_> {
    fn decide(&mut self, delta: u64, steps: u64) -> bool {
        let limits = Limits {
            budget: self.budget,
            steps,
        };
        let (shifted, _) = shift(self.calls, self.times, delta);
        let known = &mut self.measured;
        let (answer, _) = Search::exists(&Register, &shifted, &limits);
        match answer {
            Answer::Order(_) => known.at_most = known.at_most.min(delta),
            Answer::Impossible(call) => {
                known.at_least = known.at_least.max(delta + 1);
                if self.goal.is_some_and(|goal| delta >= goal) {
                    known.dead.get_or_insert((delta, Dead { call }));
                }
            }
            Answer::Stopped(stop, _) => {
                known.why = Some(why(stop));
                return false;
            }
        }
        true
    }

    /// Bisects. What stays open is passed over upwards, so that the bound from above still comes down. The first
    /// try is that of no staleness at all.
    fn narrow(&mut self, steps: u64) {
        let mut low = self.measured.at_least;
        let mut middle = low;
        while low < self.measured.at_most && !self.budget.is_over() {
            self.decide(middle, steps);
            low = low.max(self.measured.at_least);
            if middle < self.measured.at_most {
                low = low.max(middle + 1);
            }
            let high = self.measured.at_most.max(1);
            middle = u64::midpoint(low, high - 1);
        }
        if self.measured.at_least < self.measured.at_most && self.measured.why.is_none() {
            self.measured.why = Some(Why::Time);
        }
    }
}
