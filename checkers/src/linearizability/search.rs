//! The search for an order: Wing & Gong's (1993) as Lowe (2017) runs it, over a sliding window.
//!
//! All configurations before one completion are found, then all before the next (`levels`), so that memory
//! is bounded by the widest level and not by the history. Where levels are wide a search depth first
//! (`depth`) runs beside it, turn by turn: it finds an order soon where there are many. The two together take at
//! most twice the steps of the better one, and a turn. Where calls never completed, so does a third one, for a
//! quarter of the steps, that takes each of these as often as it likes: it has few configurations, and if even so
//! there is no order, there is none. Whichever decides first has decided; all count their steps, so the same calls
//! always take the same way.
//!
//! What keeps it small:
//! - Reads that agree with the state are taken at once: they change nothing, and taken is better than owed.
//! - A call that need not happen is a debt once it is taken. Of two configurations with the same state and
//!   the same calls that must happen, one whose debt is a part of the other's can do all that the other
//!   can. An owed read is a debt as well.
//! - An effect that can be taken without a trace, because another one hides it at once or because it changes
//!   nothing, need not be decided on: from then on it may have been taken or not (`levels`).
//! - Of equal calls that never complete the oldest is taken first, and those are left out that nobody can
//!   have noticed ([`Model::idle`]).
//!
//! An order is found again from the levels when somebody asks for it (`trace`).

mod depth;
mod level;
mod levels;
mod meter;
mod space;
#[cfg(test)]
mod tests;
mod trace;

use std::cell::Cell;

use super::calls::Call;
use super::plan::{Goal, Plan};
use crate::{Budget, Model};
use depth::{Depth, Found};
use levels::{Levels, Reached};
use meter::Meter;

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// An order exists. These are its calls that change the state, in order; those that nobody needs are
    /// left out, and reads fit in between.
    Order(Vec<u32>),
    /// No order exists. Every one dies at the latest when this call completes; [`Search::first`] says whether it
    /// is the first of which that is true.
    Impossible(u32),
    /// Nobody knows. If it was begun, everything before the completion of this call has an order.
    Stopped(Stop, Option<u32>),
}

/// Why a search stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Time,
    Memory,
    Steps,
}

impl Stop {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Time => "out of time",
            Self::Memory => "out of memory",
            Self::Steps => "out of steps",
        }
    }
}

/// How far a search may go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits<'a> {
    pub(crate) budget: &'a Budget<'a>,
    /// How many configurations it may look at.
    pub(crate) steps: u64,
}

impl<'a> Limits<'a> {
    pub(crate) fn of(budget: &'a Budget<'a>) -> Self {
        Self {
            budget,
            steps: u64::MAX,
        }
    }
}

/// How many steps the levels are given before a search depth first begins, and each of the two before it is the
/// other's turn again: so many, and so many an event. Turns of one length keep what both take together below twice
/// what the better one takes alone, and a turn; turns that double would make it three times as much. Tests
/// let small histories come so far too.
const A_TURN: u64 = if cfg!(test) { 30 } else { 20_000 };
const A_TURN_AN_EVENT: u64 = if cfg!(test) { 1 } else { 4 };
/// Which part of a turn the search is given that takes calls again and again. It comes on top of these two, where
/// there are calls that never completed.
const SHARE_OF_ENDLESS: u64 = 4;

/// Searches for an order.
pub(crate) struct Search;

impl Search {
    /// Decides whether the calls, which are in the order of invocation, have an order, and finds one. Says how
    /// many configurations it looked at.
    pub(crate) fn decide<M: Model>(
        model: &M,
        calls: &[Call<M::Op>],
        limits: &Limits<'_>,
    ) -> (Answer, u64) {
        let (answer, steps, _) = Self::first(model, calls, true, limits);
        (answer, steps)
    }

    /// As [`Self::decide`], for about half of the time where the history is long: the order in the answer is
    /// left empty.
    pub(crate) fn exists<M: Model>(
        model: &M,
        calls: &[Call<M::Op>],
        limits: &Limits<'_>,
    ) -> (Answer, u64) {
        let (answer, steps, _) = Self::first(model, calls, false, limits);
        (answer, steps)
    }

    /// As one of these two, and whether the call that is named, if one is, is the first with whose completion no
    /// order goes on: everything before it then has an order.
    pub(crate) fn first<M: Model>(
        model: &M,
        calls: &[Call<M::Op>],
        order: bool,
        limits: &Limits<'_>,
    ) -> (Answer, u64, bool) {
        let task = Task {
            model,
            starts: &[model.initial()],
            calls,
            goal: Goal::Order,
            order,
            relaxed: Cell::new(false),
        };
        let (answer, steps) = task.run(limits);
        (answer, steps, !task.relaxed.get())
    }

    /// As [`Self::exists`], for an object that is in any of these states at the beginning.
    pub(crate) fn decide_from<M: Model>(
        model: &M,
        starts: &[M::State],
        calls: &[Call<M::Op>],
        limits: &Limits<'_>,
    ) -> (Answer, u64) {
        let task = Task {
            model,
            starts,
            calls,
            goal: Goal::OrderFrom,
            order: false,
            relaxed: Cell::new(false),
        };
        task.run(limits)
    }

    /// All states that the object may be in after the calls, if it is in any of `starts` before them: those
    /// that must be taken are, the others may or may not be. In an order that depends on the arguments only;
    /// `None` when the bounds were passed.
    #[cfg_attr(not(test), allow(dead_code))]
    pub(crate) fn finals<M: Model>(
        model: &M,
        starts: &[M::State],
        calls: &[Call<M::Op>],
        limits: &Limits<'_>,
    ) -> Option<Vec<M::State>> {
        let mut meter = Meter::new(*limits);
        meter.look().ok()?;
        meter.take(Plan::bytes_of(calls.len())).ok()?;
        let plan = Plan::new(model, calls, Goal::Finals);
        let mut levels = Levels::new(model, calls, &plan, false);
        levels.start(starts, &mut meter).ok()?;
        match levels.run(plan.events(), u64::MAX, &mut meter).ok()? {
            Reached::Event => levels.finals(&mut meter).ok(),
            Reached::Nowhere => Some(Vec::new()),
            Reached::Quota => None,
        }
    }
}

/// How many steps each search has taken.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    levels: u64,
    depth: u64,
    endless: u64,
}

/// What is searched for.
struct Task<'a, M: Model> {
    model: &'a M,
    starts: &'a [M::State],
    calls: &'a [Call<M::Op>],
    goal: Goal,
    /// Whether an order is wanted, and not only whether there is one.
    order: bool,
    /// Whether it was the search that takes more than there is which found that there is no order.
    relaxed: Cell<bool>,
}

impl<M: Model> Task<'_, M> {
    fn run(&self, limits: &Limits<'_>) -> (Answer, u64) {
        let mut meter = Meter::new(*limits);
        let begun = meter
            .look()
            .and_then(|()| meter.take(Plan::bytes_of(self.calls.len())));
        if let Err(stop) = begun {
            return (Answer::Stopped(stop, None), 0);
        }
        let plan = Plan::new(self.model, self.calls, self.goal);
        let answer = self.search(&plan, &mut meter);
        (answer, meter.steps())
    }

    fn search(&self, plan: &Plan, meter: &mut Meter<'_>) -> Answer {
        if plan.events() == 0 {
            return Answer::Order(Vec::new());
        }
        let mut levels = Levels::new(self.model, self.calls, plan, self.is_noted(plan));
        match self.both(plan, &mut levels, meter) {
            Ok(answer) => answer,
            Err(stop) => {
                // After the last event the order is only written down.
                let event = levels.event().min(plan.events() - 1);
                Answer::Stopped(stop, Some(plan.end(event)))
            }
        }
    }

    /// Whether the levels note where everything came from.
    fn is_noted(&self, plan: &Plan) -> bool {
        self.order && plan.events() <= trace::SEGMENT
    }

    /// Runs the levels, and beside them where they are wide the others.
    fn both<'p>(
        &'p self,
        plan: &'p Plan,
        levels: &mut Levels<'p, M>,
        meter: &mut Meter<'_>,
    ) -> Result<Answer, Stop> {
        levels.start(self.starts, meter)?;
        let turn = A_TURN + A_TURN_AN_EVENT * plan.events() as u64;
        match levels.run(plan.events(), turn, meter)? {
            Reached::Event => return self.order(plan, levels, meter),
            Reached::Nowhere => return Ok(Answer::Impossible(plan.end(levels.event()))),
            Reached::Quota => {}
        }
        let endless = self.endless(plan, meter)?;
        let mut endless = match &endless {
            Some(plan) => Some(Levels::new(self.model, self.calls, plan, false)),
            None => None,
        };
        if let Some(levels) = &mut endless {
            levels.start(self.starts, meter)?;
        }
        let mut depth = Depth::new(self.model, self.starts, self.calls, plan, meter);
        // Up to how many steps each may come until the other's turn: a turn that took too many is paid back.
        let mut share = turn;
        let mut used = Used {
            levels: meter.steps(),
            ..Used::default()
        };
        loop {
            if let Some(search) = &mut depth {
                let before = meter.steps();
                let found = search.run(share.saturating_sub(used.depth), meter)?;
                used.depth += meter.steps() - before;
                match found {
                    Found::Answer(answer) => return Ok(answer),
                    Found::Quota => {}
                    Found::Room => depth = drop_depth(depth, meter),
                }
            }
            if let Some(search) = &mut endless {
                let before = meter.steps();
                let until = before + (share / SHARE_OF_ENDLESS).saturating_sub(used.endless);
                let reached = search.run(plan.events(), until, meter);
                used.endless += meter.steps() - before;
                match reached {
                    Ok(Reached::Nowhere) => {
                        self.relaxed.set(true);
                        return Ok(Answer::Impossible(plan.end(search.event())));
                    }
                    Ok(Reached::Quota) => {}
                    Err(stop @ (Stop::Time | Stop::Steps)) => return Err(stop),
                    // The others need the room, and may find an answer without it.
                    Ok(Reached::Event) | Err(Stop::Memory) => {
                        if let Some(search) = endless.take() {
                            search.drop(meter);
                        }
                    }
                }
            }
            share += turn;
            let before = meter.steps();
            let until = before + share.saturating_sub(used.levels);
            let reached = match levels.run(plan.events(), until, meter) {
                // With the room that the others held there may be enough for them.
                Err(Stop::Memory) if depth.is_some() || endless.is_some() => {
                    depth = drop_depth(depth, meter);
                    if let Some(search) = endless.take() {
                        search.drop(meter);
                    }
                    let anew = Levels::new(self.model, self.calls, plan, self.is_noted(plan));
                    std::mem::replace(levels, anew).drop(meter);
                    levels.start(self.starts, meter)?;
                    Reached::Quota
                }
                reached => reached?,
            };
            used.levels += meter.steps() - before;
            match reached {
                Reached::Nowhere => return Ok(Answer::Impossible(plan.end(levels.event()))),
                Reached::Quota => {}
                Reached::Event => {
                    drop_depth(depth, meter);
                    if let Some(search) = endless.take() {
                        search.drop(meter);
                    }
                    return self.order(plan, levels, meter);
                }
            }
        }
    }

    /// The plan of a search in which free calls may be taken again and again, if there are any.
    fn endless(&self, plan: &Plan, meter: &mut Meter<'_>) -> Result<Option<Plan>, Stop> {
        if plan.classes().is_empty() || self.goal != Goal::Order {
            return Ok(None);
        }
        meter.take(Plan::bytes_of(self.calls.len()))?;
        Ok(Some(Plan::new(self.model, self.calls, Goal::Endless)))
    }

    /// The order that the last level stands for.
    fn order(
        &self,
        plan: &Plan,
        levels: &Levels<'_, M>,
        meter: &mut Meter<'_>,
    ) -> Result<Answer, Stop> {
        if !self.order {
            return Ok(Answer::Order(Vec::new()));
        }
        if plan.events() <= trace::SEGMENT {
            let mut placed = vec![false; self.calls.len()];
            let mut order = levels
                .any()
                .map_or(Vec::new(), |any| levels.trace(any, &mut placed).1);
            order.reverse();
            return Ok(Answer::Order(order));
        }
        trace::order(self.model, self.starts, self.calls, plan, meter).map(Answer::Order)
    }
}

fn drop_depth<'a, M: Model>(
    depth: Option<Depth<'a, M>>,
    meter: &mut Meter<'_>,
) -> Option<Depth<'a, M>> {
    if let Some(depth) = depth {
        depth.drop(meter);
    }
    None
}
