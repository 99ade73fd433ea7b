//! What a search needs to know of the calls of one part before it begins: what each call is to it, which
//! completions it passes, and which bit of a configuration each running call has.
//!
//! Only what runs takes room in a configuration. A call that ends gives its bit to a later one, so a
//! configuration grows with the number of clients and of calls that never completed, not with the history.
//! What runs at a completion is not noted here: a [`Window`] goes through the completions and knows it.

use rustc_hash::FxHashMap;

use super::calls::{Call, NEVER};
use crate::Model;

/// What a call is to the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It happened and may have changed the state.
    Effect,
    /// It happened and changed nothing.
    Read,
    /// It may have happened, and if so before it completed.
    Optional,
    /// It may have happened at any time after its invocation.
    Free,
    /// Nobody can tell whether it happened.
    Idle,
}

/// Where a configuration says whether a call was taken: a word and a bit of it. For a read, where it says
/// that the read is still owed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mark {
    pub(crate) word: u32,
    pub(crate) mask: u64,
}

impl Mark {
    fn of(slot: usize) -> Self {
        Self {
            word: (slot / 64) as u32,
            mask: 1 << (slot % 64),
        }
    }
}

/// What a search asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Whether there is an order, from the model's initial state.
    Order,
    /// The same where free calls may be taken again and again, and so are no debt. If there is no order even
    /// then, there is none.
    Endless,
    /// An order from any state: what a model calls idle is not known to be.
    #[cfg_attr(not(test), allow(dead_code))]
    OrderFrom,
    /// The states after all calls: every completion counts, and what nobody saw may matter.
    #[cfg_attr(not(test), allow(dead_code))]
    Finals,
}

/// The calls of a part as a search goes through them. An *event* is the completion of a call that
/// completed, numbered from 0 in the order of the history.
#[derive(Debug)]
pub(crate) struct Plan {
    roles: Vec<Role>,
    marks: Vec<Mark>,
    /// Where a configuration says of an effect that it can only have been taken if it says so.
    open: Vec<Mark>,
    /// The column of each effect and optional call, which it shares with calls that run at other times.
    columns: Vec<u32>,
    /// The call that completes at each event, up to the last one that must have happened.
    ends: Vec<u32>,
    /// Free calls in classes of equal operations, each in the order of invocation. Which of a class is
    /// taken makes no difference, so the oldest is.
    classes: Vec<Vec<u32>>,
    /// The first column of the classes, each of which has one.
    class_columns: usize,
    /// How many words of a configuration must be equal, and how many are its debt.
    pub(crate) exact: usize,
    pub(crate) debt: usize,
    /// How many calls run at each event, summed over all events.
    running: usize,
    goal: Goal,
}

/// Bits of the first word that hold the number of the state.
const STATE_BITS: usize = 32;

impl Plan {
    pub(crate) fn new<M: Model>(model: &M, calls: &[Call<M::Op>], goal: Goal) -> Self {
        let roles = roles(model, calls, goal);
        let mut plan = Self {
            marks: vec![Mark::default(); calls.len()],
            open: vec![Mark::default(); calls.len()],
            columns: vec![0; calls.len()],
            ends: ends(calls, &roles, goal),
            classes: classes(calls, &roles),
            class_columns: 0,
            exact: 0,
            debt: 0,
            running: 0,
            goal,
            roles,
        };
        plan.sweep(calls);
        plan
    }

    /// How many bytes a plan of so many calls takes at most.
    pub(crate) fn bytes_of(calls: usize) -> usize {
        let each = size_of::<Role>() + 2 * size_of::<Mark>() + 3 * size_of::<u32>();
        // Classes, while they are made, take the most: a list, an entry, and a number for each.
        calls.saturating_mul(each + 64)
    }

    pub(crate) fn events(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn end(&self, event: usize) -> u32 {
        self.ends[event]
    }

    pub(crate) fn role(&self, call: u32) -> Role {
        self.roles[call as usize]
    }

    pub(crate) fn mark(&self, call: u32) -> Mark {
        self.marks[call as usize]
    }

    /// Where a configuration says of an effect that was not taken that it is *open*: it has to be taken. One
    /// that is neither taken nor open may or may not have been.
    pub(crate) fn open(&self, call: u32) -> Mark {
        self.open[call as usize]
    }

    pub(crate) fn column(&self, call: u32) -> usize {
        self.columns[call as usize] as usize
    }

    pub(crate) fn classes(&self) -> &[Vec<u32>] {
        &self.classes
    }

    pub(crate) fn class_column(&self, class: usize) -> usize {
        self.class_columns + class
    }

    /// Whether free calls may be taken again and again.
    pub(crate) fn endless(&self) -> bool {
        self.goal == Goal::Endless
    }

    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        self.class_columns + self.classes.len()
    }

    /// How many calls run at each event, summed over all events.
    pub(crate) fn running(&self) -> usize {
        self.running
    }

    /// Goes through the events and gives every call its mark.
    fn sweep<O>(&mut self, calls: &[Call<O>]) {
        let mut window = Window::default();
        let (mut taken, mut owed, mut columns) =
            (Slots::default(), Slots::default(), Slots::default());
        if !self.endless() {
            owed.next = self.classes.iter().map(Vec::len).sum();
        }
        for event in 0..self.ends.len() {
            window.enter(self, calls);
            for at in window.begun.clone() {
                let slot = match self.roles[at] {
                    Role::Effect => taken.take(),
                    Role::Optional | Role::Read => owed.take(),
                    Role::Free | Role::Idle => continue,
                };
                self.marks[at].word = slot as u32;
                if self.roles[at] == Role::Effect {
                    self.open[at].word = owed.take() as u32;
                }
                if self.roles[at] != Role::Read {
                    self.columns[at] = columns.take() as u32;
                }
            }
            self.running += window.effects.len() + window.reads.len();
            let end = self.ends[event] as usize;
            let slot = self.marks[end].word as usize;
            match self.roles[end] {
                Role::Effect => {
                    taken.free.push(slot);
                    owed.free.push(self.open[end].word as usize);
                }
                _ => owed.free.push(slot),
            }
            if self.roles[end] != Role::Read {
                columns.free.push(self.columns[end] as usize);
            }
            window.leave(self);
        }
        self.class_columns = columns.next;
        self.lay_out(taken.next, owed.next);
    }

    /// Turns numbers of slots into words and bits: the first word begins with the state, then come the taken
    /// effects, then the debt with the free calls first.
    fn lay_out(&mut self, taken: usize, owed: usize) {
        self.exact = (STATE_BITS + taken).div_ceil(64);
        self.debt = owed.div_ceil(64);
        for (number, &call) in self.classes.iter().flatten().enumerate() {
            self.marks[call as usize].word = number as u32;
        }
        for (mark, role) in self.marks.iter_mut().zip(&self.roles) {
            *mark = match role {
                Role::Effect => Mark::of(STATE_BITS + mark.word as usize),
                _ => Mark::of(self.exact * 64 + mark.word as usize),
            };
        }
        for mark in &mut self.open {
            *mark = Mark::of(self.exact * 64 + mark.word as usize);
        }
    }
}

/// Slots that are given out and taken back.
#[derive(Debug, Default)]
struct Slots {
    free: Vec<usize>,
    next: usize,
}

impl Slots {
    fn take(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        })
    }
}

/// What runs at an event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    pub(crate) event: usize,
    /// The calls that were invoked since the event before.
    pub(crate) begun: std::ops::Range<usize>,
    /// Effects and optional calls: those that must happen first, each kind in the order of completion.
    pub(crate) effects: Vec<u32>,
    pub(crate) reads: Vec<u32>,
}

impl Window {
    /// Lets those calls begin that are invoked before the event.
    pub(crate) fn enter<O>(&mut self, plan: &Plan, calls: &[Call<O>]) {
        let row = calls[plan.end(self.event) as usize].completed;
        let first = self.begun.end;
        let more = calls[first..].iter().take_while(|call| call.invoked < row);
        self.begun = first..first + more.count();
        let rank = |call: u32| {
            let call = &calls[call as usize];
            (!call.must, call.completed)
        };
        for call in self.begun.clone() {
            let call = call as u32;
            match plan.role(call) {
                Role::Effect | Role::Optional => {
                    let at = self
                        .effects
                        .partition_point(|&other| rank(other) < rank(call));
                    self.effects.insert(at, call);
                }
                Role::Read => self.reads.push(call),
                Role::Free | Role::Idle => {}
            }
        }
    }

    /// Goes past the event.
    pub(crate) fn leave(&mut self, plan: &Plan) {
        let end = plan.end(self.event);
        let list = match plan.role(end) {
            Role::Read => &mut self.reads,
            _ => &mut self.effects,
        };
        list.retain(|&other| other != end);
        self.event += 1;
    }
}

fn roles<M: Model>(model: &M, calls: &[Call<M::Op>], goal: Goal) -> Vec<Role> {
    let role = |call: &Call<M::Op>| match (model.is_read(&call.op), call.must) {
        (true, true) => Role::Read,
        (true, false) => Role::Idle,
        (false, true) => Role::Effect,
        (false, false) if call.completed == NEVER => Role::Free,
        (false, false) => Role::Optional,
    };
    let mut roles: Vec<Role> = calls.iter().map(role).collect();
    if !matches!(goal, Goal::Order | Goal::Endless) {
        return roles;
    }
    let judged: Vec<usize> = (0..calls.len())
        .filter(|&at| roles[at] != Role::Idle)
        .collect();
    let ops: Vec<&M::Op> = judged.iter().map(|&at| &calls[at].op).collect();
    let must: Vec<bool> = judged.iter().map(|&at| calls[at].must).collect();
    for (at, idle) in judged.into_iter().zip(model.idle(&ops, &must)) {
        if idle && !calls[at].must {
            roles[at] = Role::Idle;
        }
    }
    roles
}

fn ends<O>(calls: &[Call<O>], roles: &[Role], goal: Goal) -> Vec<u32> {
    let bounded = |call: &u32| !matches!(roles[*call as usize], Role::Free | Role::Idle);
    let mut ends: Vec<u32> = (0..calls.len() as u32).filter(bounded).collect();
    ends.sort_unstable_by_key(|&call| calls[call as usize].completed);
    if goal != Goal::Finals {
        let needed = ends.iter().rposition(|&call| calls[call as usize].must);
        ends.truncate(needed.map_or(0, |last| last + 1));
    }
    ends
}

fn classes<O: Eq + std::hash::Hash>(calls: &[Call<O>], roles: &[Role]) -> Vec<Vec<u32>> {
    let mut numbers: FxHashMap<&O, usize> = FxHashMap::default();
    let mut classes: Vec<Vec<u32>> = Vec::new();
    for (number, call) in calls.iter().enumerate() {
        if roles[number] != Role::Free {
            continue;
        }
        let class = *numbers.entry(&call.op).or_insert(classes.len());
        if class == classes.len() {
            classes.push(Vec::new());
        }
        classes[class].push(number as u32);
    }
    classes
}
