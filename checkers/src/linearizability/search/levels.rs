//! The search by levels: all configurations before one completion, then all before the next.
//!
//! A configuration is a state, which of the running calls were taken, and a debt. Where the call that
//! completes next was taken, nothing needs to be decided. Where it was not, some running call is taken, that
//! one or another before it (*just-in-time linearization*, Lowe 2017, section 3: nothing is taken earlier
//! than some completion asks for it). What has passed the completion is the next level. Only two levels are
//! held, so memory does not grow with the history, and where nothing runs a level is a set of states.

use super::Stop;
use super::level::{self, Level, Origin};
use super::meter::Meter;
use super::space::{Next, Space};
use crate::Model;
use crate::linearizability::calls::Call;
use crate::linearizability::plan::{Plan, Role, Window};

/// A running call that a configuration may take.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    call: u32,
    column: usize,
    word: usize,
    mask: u64,
    must: bool,
}

/// The call that completes next.
#[derive(Clone, Copy, Debug)]
struct End {
    word: usize,
    mask: u64,
    role: Role,
}

impl End {
    /// Whether a configuration can pass the completion as it is.
    fn is_done(&self, words: &[u64]) -> bool {
        let marked = words[self.word] & self.mask != 0;
        marked != (self.role == Role::Read)
    }
}

/// How far a search by levels came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// Its quota is used up, and there is more to do.
    Quota,
    /// The level before this event.
    Event,
    /// No configuration passes the next event.
    Nowhere,
}

/// A place from which a search can go on.
#[derive(Clone, Debug)]
pub(super) struct Checkpoint<S> {
    window: Window,
    begun: Vec<usize>,
    words: Vec<u64>,
    states: Vec<S>,
    /// What the rest takes, and what the states hold outside themselves.
    bytes: usize,
}

impl<S> Checkpoint<S> {
    pub(super) fn event(&self) -> usize {
        self.window.event
    }

    /// Lets go of everything.
    pub(super) fn drop(mut self, meter: &mut Meter<'_>) {
        meter.give(self.bytes);
        meter.drop(&mut self.words);
        meter.drop(&mut self.states);
    }
}

/// States are renumbered when there are so many times more than at the last time, and so many in all.
const GROWTH: usize = 4;
const STATES_AT_LEAST: usize = 256;

/// A search by levels under way.
pub(super) struct Levels<'a, M: Model> {
    plan: &'a Plan,
    calls: &'a [Call<M::Op>],
    space: Space<'a, M>,
    window: Window,
    /// How many calls of each class have begun.
    begun: Vec<usize>,
    /// The classes of which some call has begun.
    open: Vec<usize>,
    /// The level before the event.
    level: Level,
    /// The level after it.
    next: Level,
    /// How many configurations of the level came from the level before, and how many were looked at.
    roots: usize,
    cursor: usize,
    candidates: Vec<Candidate>,
    /// Whether the window is open: the calls that are invoked before the event have begun.
    entered: bool,
    states_kept: usize,
    node: Vec<u64>,
    built: Vec<u64>,
    /// The origins of all configurations of the levels so far, if they are noted.
    history: Option<Vec<Vec<Origin>>>,
}

impl<'a, M: Model> Levels<'a, M> {
    pub(super) fn new(model: &'a M, calls: &'a [Call<M::Op>], plan: &'a Plan, noted: bool) -> Self {
        let stride = plan.exact + plan.debt;
        Self {
            plan,
            calls,
            space: Space::new(model, plan.debt, plan.width()),
            window: Window::default(),
            begun: vec![0; plan.classes().len()],
            open: Vec::new(),
            level: Level::new(plan.exact, plan.debt, noted),
            next: Level::new(plan.exact, plan.debt, noted),
            roots: 0,
            cursor: 0,
            candidates: Vec::new(),
            entered: false,
            states_kept: 0,
            node: vec![0; stride],
            built: vec![0; stride],
            history: noted.then(Vec::new),
        }
    }

    /// Begins in any of these states.
    pub(super) fn start(&mut self, starts: &[M::State], meter: &mut Meter<'_>) -> Result<(), Stop> {
        for start in starts {
            let number = self.space.number(start.clone(), meter)?;
            self.built.fill(0);
            level::set_state(&mut self.built, number);
            let origin = Origin::root(self.level.len());
            self.level.insert(&self.built, origin, 0, meter)?;
        }
        Ok(())
    }

    pub(super) fn event(&self) -> usize {
        self.window.event
    }

    /// Goes on until the level before an event is there, or until so many steps were taken in all.
    pub(super) fn run(
        &mut self,
        until: usize,
        steps: u64,
        meter: &mut Meter<'_>,
    ) -> Result<Reached, Stop> {
        while self.window.event < until {
            if !self.entered {
                self.enter();
            }
            if !self.close(steps, meter)? {
                return Ok(Reached::Quota);
            }
            if self.next.len() == 0 {
                return Ok(Reached::Nowhere);
            }
            self.leave(meter)?;
        }
        Ok(Reached::Event)
    }

    /// Lets the calls begin that are invoked before the event.
    fn enter(&mut self) {
        self.entered = true;
        self.window.enter(self.plan, self.calls);
        let mut fresh = false;
        for at in self.window.begun.clone() {
            let call = at as u32;
            match self.plan.role(call) {
                Role::Read => {
                    let mark = self.plan.mark(call);
                    let word = mark.word as usize - self.plan.exact;
                    self.space.begin_read(&self.calls[at].op, word, mark.mask);
                    fresh = true;
                }
                Role::Effect | Role::Optional => {
                    self.space.begin_column(self.plan.column(call));
                }
                Role::Free | Role::Idle => {}
            }
        }
        self.begin_free();
        if fresh {
            self.owe_fresh();
        }
        self.roots = self.level.len();
        self.cursor = 0;
        self.candidates.clear();
        for &call in &self.window.effects {
            let mark = self.plan.mark(call);
            self.candidates.push(Candidate {
                call,
                column: self.plan.column(call),
                word: mark.word as usize,
                mask: mark.mask,
                must: self.calls[call as usize].must,
            });
        }
    }

    fn begin_free(&mut self) {
        let row = self.calls[self.plan.end(self.window.event) as usize].completed;
        self.open.clear();
        for (number, class) in self.plan.classes().iter().enumerate() {
            let begun = &mut self.begun[number];
            let more = class[*begun..].iter();
            *begun += more
                .take_while(|&&call| self.calls[call as usize].invoked < row)
                .count();
            if *begun > 0 {
                self.open.push(number);
            }
        }
    }

    /// Adds the reads that have just begun to the debt, but for those that agree with the state.
    fn owe_fresh(&mut self) {
        let mut fresh = vec![0; self.plan.debt];
        for at in self.window.begun.clone() {
            if self.plan.role(at as u32) == Role::Read {
                let mark = self.plan.mark(at as u32);
                fresh[mark.word as usize - self.plan.exact] |= mark.mask;
            }
        }
        let exact = self.plan.exact;
        for words in self.level.each() {
            let state = level::state(words);
            if state == u32::MAX {
                continue;
            }
            let agreed = self.space.agreed(state);
            for ((word, fresh), agreed) in words[exact..].iter_mut().zip(&fresh).zip(agreed) {
                *word |= fresh & !agreed;
            }
        }
    }

    /// Takes running calls until every configuration has passed the event or cannot. False if the quota was
    /// used up before.
    fn close(&mut self, steps: u64, meter: &mut Meter<'_>) -> Result<bool, Stop> {
        let call = self.plan.end(self.window.event);
        let mark = self.plan.mark(call);
        let end = End {
            word: mark.word as usize,
            mask: mark.mask,
            role: self.plan.role(call),
        };
        while self.cursor < self.level.len() {
            if meter.steps() >= steps {
                return Ok(false);
            }
            let number = self.cursor;
            self.cursor += 1;
            if self.level.is_dead(number) {
                continue;
            }
            self.node.clear();
            self.node.extend_from_slice(self.level.get(number));
            let done = end.is_done(&self.node);
            // What was taken at this event need not have been if its call did not happen.
            let skips = end.role == Role::Optional && number < self.roots;
            if done || skips {
                self.built.clear();
                self.built.extend_from_slice(&self.node);
                let origin = Origin {
                    before: number as u32,
                    taken: Origin::PASSED,
                    passed: true,
                };
                self.pass(&end, origin, meter)?;
            }
            if !done {
                self.expand(number as u32, &end, meter)?;
            }
        }
        Ok(true)
    }

    /// Puts the configuration that was built into the next level.
    fn pass(&mut self, end: &End, origin: Origin, meter: &mut Meter<'_>) -> Result<(), Stop> {
        self.built[end.word] &= !end.mask;
        meter.step()?;
        self.next.insert(&self.built, origin, 0, meter)?;
        Ok(())
    }

    /// Takes every call that can be taken in a configuration.
    fn expand(&mut self, number: u32, end: &End, meter: &mut Meter<'_>) -> Result<(), Stop> {
        for at in 0..self.candidates.len() {
            let candidate = self.candidates[at];
            if self.node[candidate.word] & candidate.mask == 0 {
                self.take(number, &candidate, end, meter)?;
            }
        }
        for at in 0..self.open.len() {
            let class = self.open[at];
            if let Some(candidate) = self.unused(class) {
                self.take(number, &candidate, end, meter)?;
            }
        }
        Ok(())
    }

    /// The oldest call of a class that the configuration has not taken.
    fn unused(&self, class: usize) -> Option<Candidate> {
        let calls = &self.plan.classes()[class][..self.begun[class]];
        let marks = calls.iter().map(|&call| (call, self.plan.mark(call)));
        let (call, mark) = marks
            .into_iter()
            .find(|(_, mark)| self.node[mark.word as usize] & mark.mask == 0)?;
        Some(Candidate {
            call,
            column: self.plan.class_column(class),
            word: mark.word as usize,
            mask: mark.mask,
            must: false,
        })
    }

    /// Takes a call, with each of its outcomes.
    fn take(
        &mut self,
        number: u32,
        candidate: &Candidate,
        end: &End,
        meter: &mut Meter<'_>,
    ) -> Result<(), Stop> {
        let before = level::state(&self.node);
        let op = &self.calls[candidate.call as usize].op;
        match self.space.next(before, candidate.column, op, meter)? {
            Next::Nowhere => Ok(()),
            Next::One(after) => self.reach(number, candidate, after, end, meter),
            Next::Several(list) => {
                for at in 0..self.space.several(list).len() {
                    let after = self.space.several(list)[at];
                    self.reach(number, candidate, after, end, meter)?;
                }
                Ok(())
            }
        }
    }

    /// Takes a call that leads to a state, and with it the owed reads that agree with the state.
    fn reach(
        &mut self,
        number: u32,
        candidate: &Candidate,
        after: u32,
        end: &End,
        meter: &mut Meter<'_>,
    ) -> Result<(), Stop> {
        if after == level::state(&self.node) && !candidate.must {
            return Ok(());
        }
        self.built.clear();
        self.built.extend_from_slice(&self.node);
        self.built[candidate.word] |= candidate.mask;
        level::set_state(&mut self.built, after);
        let owed = &mut self.built[self.plan.exact..];
        let free = self.space.agreed(after);
        for (word, agreed) in owed.iter_mut().zip(free) {
            *word &= !agreed;
        }
        let passed = end.is_done(&self.built);
        let origin = Origin {
            before: number,
            taken: candidate.call,
            passed,
        };
        if passed {
            return self.pass(end, origin, meter);
        }
        meter.step()?;
        self.level
            .insert(&self.built, origin, self.cursor, meter)
            .map(|_| ())
    }

    /// Goes to the next level.
    fn leave(&mut self, meter: &mut Meter<'_>) -> Result<(), Stop> {
        let end = self.plan.end(self.window.event);
        if self.plan.role(end) == Role::Read {
            let mark = self.plan.mark(end);
            self.space
                .end_read(mark.word as usize - self.plan.exact, mark.mask);
        }
        if let Some(history) = &mut self.history {
            meter.push(history, self.level.take_origins())?;
        }
        std::mem::swap(&mut self.level, &mut self.next);
        self.next.clear();
        self.window.leave(self.plan);
        self.entered = false;
        if self.space.len() > STATES_AT_LEAST.max(self.states_kept * GROWTH) {
            self.renumber(meter)?;
        }
        Ok(())
    }

    /// Where the search is, between two events.
    pub(super) fn checkpoint(
        &mut self,
        meter: &mut Meter<'_>,
    ) -> Result<Checkpoint<M::State>, Stop> {
        self.renumber(meter)?;
        let mut place = Checkpoint {
            window: self.window.clone(),
            begun: self.begun.clone(),
            words: Vec::new(),
            states: Vec::new(),
            bytes: 0,
        };
        meter.extend(&mut place.words, self.level.words())?;
        meter.reserve(&mut place.states, self.space.len())?;
        place.bytes = self.space.heap()
            + place.begun.len() * size_of::<usize>()
            + (place.window.effects.len() + place.window.reads.len()) * size_of::<u32>();
        meter.take(place.bytes)?;
        place.states.extend_from_slice(self.space.states());
        Ok(place)
    }

    /// Goes on from a place where a search was.
    pub(super) fn resume(
        &mut self,
        place: &Checkpoint<M::State>,
        meter: &mut Meter<'_>,
    ) -> Result<(), Stop> {
        self.window.clone_from(&place.window);
        self.begun.clone_from(&place.begun);
        for &read in &self.window.reads {
            let mark = self.plan.mark(read);
            let word = mark.word as usize - self.plan.exact;
            let op = &self.calls[read as usize].op;
            self.space.begin_read(op, word, mark.mask);
        }
        for state in &place.states {
            self.space.number(state.clone(), meter)?;
        }
        for words in place.words.chunks_exact(self.plan.exact + self.plan.debt) {
            let origin = Origin::root(self.level.len());
            self.level.insert(words, origin, 0, meter)?;
        }
        Ok(())
    }

    /// The states in which the object may be after all events, once every call that is still running was
    /// taken or not.
    pub(super) fn finals(&mut self, meter: &mut Meter<'_>) -> Result<Vec<M::State>, Stop> {
        let classes = self.plan.classes();
        self.begun = classes.iter().map(Vec::len).collect();
        self.open = (0..classes.len()).collect();
        self.candidates.clear();
        let never = End {
            word: 0,
            mask: 0,
            role: Role::Effect,
        };
        self.cursor = 0;
        let mut met = vec![false; 0];
        let mut finals = Vec::new();
        while self.cursor < self.level.len() {
            let number = self.cursor;
            self.cursor += 1;
            if self.level.is_dead(number) {
                continue;
            }
            self.node.clear();
            self.node.extend_from_slice(self.level.get(number));
            let state = level::state(&self.node);
            met.resize(self.space.len(), false);
            if !std::mem::replace(&mut met[state as usize], true) {
                meter.push(&mut finals, self.space.get(state).clone())?;
            }
            self.expand(number as u32, &never, meter)?;
        }
        Ok(finals)
    }

    /// The calls that lead to the first configuration of the level, in order, and the number of the first one
    /// among those that the search began with. All origins must have been noted.
    pub(super) fn trace(&self, number: usize) -> (usize, Vec<u32>) {
        let history = self.history.as_deref().unwrap_or_default();
        let mut order = Vec::new();
        let mut level = self.level.origins();
        let mut number = number;
        let mut before = history.len();
        loop {
            let origin = level[number];
            if origin.taken != Origin::PASSED {
                order.push(origin.taken);
            }
            if origin.passed {
                if before == 0 {
                    break;
                }
                before -= 1;
                level = &history[before];
            }
            number = origin.before as usize;
        }
        order.reverse();
        (number, order)
    }

    /// Some configuration of the level.
    pub(super) fn any(&self) -> Option<usize> {
        (0..self.level.len()).find(|&number| !self.level.is_dead(number))
    }

    /// Lets go of everything.
    pub(super) fn drop(mut self, meter: &mut Meter<'_>) {
        self.space.drop(meter);
        self.level.drop(meter);
        self.next.drop(meter);
        for mut origins in self.history.take().unwrap_or_default() {
            meter.drop(&mut origins);
        }
    }

    /// Brings the level into the shape that a checkpoint has.
    pub(super) fn tidy(&mut self, meter: &mut Meter<'_>) -> Result<(), Stop> {
        self.renumber(meter)
    }

    /// Forgets the states that no configuration of the level is in.
    fn renumber(&mut self, meter: &mut Meter<'_>) -> Result<(), Stop> {
        self.level.compact();
        let mut kept = Vec::new();
        meter.reserve(&mut kept, self.space.len())?;
        kept.resize(self.space.len(), false);
        for words in self.level.each() {
            kept[level::state(words) as usize] = true;
        }
        let mut numbers = self.space.keep(&kept, meter)?;
        for words in self.level.each() {
            let number = numbers[level::state(words) as usize];
            level::set_state(words, number);
        }
        meter.drop(&mut kept);
        meter.drop(&mut numbers);
        self.states_kept = self.space.len();
        self.level.index(meter)
    }
}
