//! The search by levels: all configurations before one completion, then all before the next.
//!
//! A configuration is a state, which of the running calls were taken, and a debt. Where the call that
//! completes next was taken, nothing needs to be decided. Where it was not, some running call is taken, that
//! one or another before it (*just-in-time linearization*, Lowe 2017, section 3: nothing is taken earlier
//! than some completion asks for it). What has passed the completion is the next level. Only two levels are
//! held, so memory does not grow with the history, and where nothing runs a level is a set of states.
//!
//! An effect that runs is *taken*, or *open*, or neither: then it is *loose*, and the configuration stands for
//! two, one in which it was taken and one in which it was not. It becomes loose where it changes nothing, and
//! where it can be taken just before another call that leads to the same state with and without it, such as
//! a write before another write. Several become loose at once only if any of them may have been taken, in any
//! order (`Space::hidden`). So a configuration in which an effect is loose can do all that the ones can do
//! in which it is taken or open, and these are left out: the open one because being open is a debt, the taken
//! one because the level looks for the other (`Level::insert`).
//!
//! A loose effect that completes may pass as it is. It may also be taken for all to see, and so its
//! configuration goes on as one does in which it is open. What is reached from there and does not end with
//! the effect itself need not pass: it would have been taken too early, since the configuration that it came
//! from has passed as it was, and can still do the same.

use super::Stop;
use super::level::{self, Level, Origin};
use super::meter::Meter;
use super::space::{Effect, Next, Space, Taken};
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
    /// For an effect, the bit that says that it is open.
    open: (usize, u64),
}

/// The call that completes next.
#[derive(Clone, Copy, Debug)]
struct End {
    word: usize,
    mask: u64,
    /// For an effect, the bit that says that it is open.
    open: (usize, u64),
    role: Role,
}

impl End {
    /// Nothing completes any more.
    #[cfg_attr(not(test), allow(dead_code))]
    const NEVER: Self = Self {
        word: 0,
        mask: 0,
        open: (0, 0),
        role: Role::Idle,
    };

    /// Whether a configuration can pass the completion, and there is nothing else that it could do before.
    fn is_done(&self, words: &[u64]) -> bool {
        let marked = words[self.word] & self.mask != 0;
        match self.role {
            Role::Effect | Role::Optional => marked,
            Role::Read => !marked,
            Role::Free | Role::Idle => false,
        }
    }

    /// Whether the call need not have been taken.
    fn is_loose(&self, words: &[u64]) -> bool {
        match self.role {
            Role::Effect => words[self.open.0] & self.open.1 == 0,
            Role::Optional => true,
            Role::Read | Role::Free | Role::Idle => false,
        }
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
    hiding: Hiding,
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

/// Whether it pays to look for effects that can be hidden.
#[derive(Clone, Copy, Debug)]
struct Hiding {
    on: bool,
    tries: u64,
    hits: u64,
}

impl Hiding {
    /// After how many tries to think again, and one of how many must have helped.
    const TRIES: u64 = 4096;
    const ONE_OF: u64 = 32;

    fn note(&mut self, hit: bool) {
        self.tries += 1;
        self.hits += u64::from(hit);
        if self.tries == Self::TRIES {
            self.on = self.hits * Self::ONE_OF >= self.tries;
            self.tries = 0;
            self.hits = 0;
        }
    }
}

/// A level that is over.
struct Past {
    words: Vec<u64>,
    origins: Vec<Origin>,
    /// What ran, and what completed.
    effects: Vec<u32>,
    end: u32,
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
    /// The running effects.
    effects: Vec<Effect<'a, M::Op>>,
    hiding: Hiding,
    /// The levels so far, if they are noted.
    history: Option<Vec<Past>>,
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
            effects: Vec::new(),
            hiding: Hiding {
                on: true,
                tries: 0,
                hits: 0,
            },
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
                role @ (Role::Effect | Role::Optional) => {
                    self.space.begin_column(self.plan.column(call));
                    fresh |= role == Role::Effect;
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
        self.line_up();
    }

    /// Lists what runs and can be taken.
    fn line_up(&mut self) {
        self.candidates.clear();
        self.effects.clear();
        for &call in &self.window.effects {
            let mark = self.plan.mark(call);
            let column = self.plan.column(call);
            let mut open = (0, 0);
            if self.plan.role(call) == Role::Effect {
                let mark = self.plan.open(call);
                open = (mark.word as usize, mark.mask);
                self.effects.push(Effect {
                    op: &self.calls[call as usize].op,
                    column,
                    word: open.0 - self.plan.exact,
                    mask: open.1,
                });
            }
            self.candidates.push(Candidate {
                call,
                column,
                word: mark.word as usize,
                mask: mark.mask,
                open,
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

    /// Adds the effects that have just begun to the debt, and the reads that have but for those that agree
    /// with the state.
    fn owe_fresh(&mut self) {
        let mut fresh = vec![0; self.plan.debt];
        for at in self.window.begun.clone() {
            let call = at as u32;
            let mark = match self.plan.role(call) {
                Role::Read => self.plan.mark(call),
                Role::Effect => self.plan.open(call),
                Role::Optional | Role::Free | Role::Idle => continue,
            };
            fresh[mark.word as usize - self.plan.exact] |= mark.mask;
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
        let end = self.end();
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
            // A call that need not have been taken may pass so. What was taken since the level began was taken
            // for its sake, and would be in vain.
            if done || (number < self.roots && end.is_loose(&self.node)) {
                self.built.clear();
                self.built.extend_from_slice(&self.node);
                let origin = Origin {
                    before: number as u32,
                    taken: Origin::PASSED,
                    passed: true,
                };
                self.pass(&end, origin, meter)?;
            }
            if !done && !self.loosen(number as u32, &end, meter)? {
                self.expand(number as u32, &end, meter)?;
            }
        }
        Ok(true)
    }

    fn end(&self) -> End {
        let call = self.plan.end(self.window.event);
        let mark = self.plan.mark(call);
        let role = self.plan.role(call);
        let open = match role {
            Role::Effect => {
                let open = self.plan.open(call);
                (open.word as usize, open.mask)
            }
            _ => (0, 0),
        };
        End {
            word: mark.word as usize,
            mask: mark.mask,
            open,
            role,
        }
    }

    /// Puts the configuration that was built into the next level.
    fn pass(&mut self, end: &End, origin: Origin, meter: &mut Meter<'_>) -> Result<(), Stop> {
        self.built[end.word] &= !end.mask;
        self.built[end.open.0] &= !end.open.1;
        meter.step()?;
        self.next.insert(&self.built, origin, 0, meter)?;
        Ok(())
    }

    /// Open effects that change nothing in this state need not be open: they may be taken here, and nobody
    /// could tell. False if there are none.
    fn loosen(&mut self, number: u32, end: &End, meter: &mut Meter<'_>) -> Result<bool, Stop> {
        let state = level::state(&self.node);
        self.built.clear();
        self.built.extend_from_slice(&self.node);
        let mut loosened = false;
        for at in 0..self.candidates.len() {
            let Candidate {
                call, column, open, ..
            } = self.candidates[at];
            if self.node[open.0] & open.1 == 0 {
                continue;
            }
            let op = &self.calls[call as usize].op;
            let stays = match self.space.next(state, column, op, meter)? {
                Next::Nowhere => false,
                Next::One(next) => next == state,
                Next::Several(list) => self.space.several(list).contains(&state),
            };
            if stays {
                self.built[open.0] &= !open.1;
                loosened = true;
            }
        }
        if loosened {
            self.settle(number, Origin::PASSED, end, meter)?;
        }
        Ok(loosened)
    }

    /// Keeps the configuration that was built, and lets it pass as well if the call that completes has become
    /// loose just now.
    fn settle(
        &mut self,
        number: u32,
        taken: u32,
        end: &End,
        meter: &mut Meter<'_>,
    ) -> Result<(), Stop> {
        let within = Origin {
            before: number,
            taken,
            passed: false,
        };
        meter.step()?;
        self.level.insert(&self.built, within, self.cursor, meter)?;
        if end.role == Role::Effect && end.is_loose(&self.built) && !end.is_loose(&self.node) {
            let beyond = Origin {
                passed: true,
                ..within
            };
            self.pass(end, beyond, meter)?;
        }
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
        if self.plan.endless() {
            return Some(Candidate {
                call: *self.plan.classes()[class].first()?,
                column: self.plan.class_column(class),
                word: 0,
                mask: 0,
                open: (0, 0),
            });
        }
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
            open: (0, 0),
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

    /// Takes a call that leads to a state, and with it the owed reads that agree with the state. Open effects
    /// that it hides are not open any more.
    fn reach(
        &mut self,
        number: u32,
        candidate: &Candidate,
        after: u32,
        end: &End,
        meter: &mut Meter<'_>,
    ) -> Result<(), Stop> {
        let before = level::state(&self.node);
        if after == before {
            // An effect is loose then, and any other call would be taken in vain.
            return Ok(());
        }
        self.built.clear();
        self.built.extend_from_slice(&self.node);
        self.built[candidate.word] |= candidate.mask;
        self.built[candidate.open.0] &= !candidate.open.1;
        level::set_state(&mut self.built, after);
        let exact = self.plan.exact;
        let free = self.space.agreed(after);
        for (word, agreed) in self.built[exact..].iter_mut().zip(free) {
            *word &= !agreed;
        }
        if self.hiding.on && !self.effects.is_empty() {
            self.hide((before, candidate, after), meter)?;
        }
        if end.is_done(&self.built) {
            let origin = Origin {
                before: number,
                taken: candidate.call,
                passed: true,
            };
            return self.pass(end, origin, meter);
        }
        self.settle(number, candidate.call, end, meter)
    }

    fn hide(
        &mut self,
        (before, by, after): (u32, &Candidate, u32),
        meter: &mut Meter<'_>,
    ) -> Result<(), Stop> {
        let taken = Taken {
            op: &self.calls[by.call as usize].op,
            column: by.column,
        };
        let now = self.window.event as u64 + 1;
        let step = (before, taken, after);
        let hidden = self.space.hidden(step, &self.effects, now, meter)?;
        let mut hit = false;
        for (word, hidden) in self.built[self.plan.exact..].iter_mut().zip(hidden) {
            hit |= *hidden != 0;
            *word &= !hidden;
        }
        self.hiding.note(hit);
        self.level.hides = self.hiding.on;
        self.next.hides = self.hiding.on;
        Ok(())
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
            let (words, origins) = self.level.take();
            let effects = self.window.effects.clone();
            meter.take(effects.len() * size_of::<u32>())?;
            let past = Past {
                words,
                origins,
                effects,
                end,
            };
            meter.push(history, past)?;
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
            hiding: self.hiding,
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
        self.hiding = place.hiding;
        self.level.hides = self.hiding.on;
        self.next.hides = self.hiding.on;
        for &read in &self.window.reads {
            let mark = self.plan.mark(read);
            let word = mark.word as usize - self.plan.exact;
            let op = &self.calls[read as usize].op;
            self.space.begin_read(op, word, mark.mask);
        }
        for state in &place.states {
            self.space.number(state.clone(), meter)?;
        }
        self.level.restore(&place.words, meter)
    }

    /// The states in which the object may be after all events, once every call that is still running was
    /// taken or not.
    #[cfg_attr(not(test), allow(dead_code))]
    pub(super) fn finals(&mut self, meter: &mut Meter<'_>) -> Result<Vec<M::State>, Stop> {
        let classes = self.plan.classes();
        self.begun = classes.iter().map(Vec::len).collect();
        self.open = (0..classes.len()).collect();
        self.candidates.clear();
        self.cursor = 0;
        let mut met = Vec::new();
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
            self.expand(number as u32, &End::NEVER, meter)?;
        }
        Ok(finals)
    }

    /// The effects that lead to a configuration of the level, the last one first, and the number of the
    /// configuration among those that the search began with. The levels must have been noted. Effects in
    /// `placed` come later in the order; those that are found join them.
    pub(super) fn trace(&self, number: usize, placed: &mut [bool]) -> (usize, Vec<u32>) {
        let history = self.history.as_deref().unwrap_or_default();
        let stride = self.plan.exact + self.plan.debt;
        let words_of = |at: usize, number: usize| {
            let words = history
                .get(at)
                .map_or(self.level.words(), |past| &past.words);
            &words[number * stride..(number + 1) * stride]
        };
        let mut order = Vec::new();
        let (mut at, mut number) = (history.len(), number);
        loop {
            let origins = history
                .get(at)
                .map_or(self.level.origins(), |past| &past.origins);
            let origin = origins[number];
            let child = words_of(at, number);
            if origin.passed {
                if at == 0 {
                    return (origin.before as usize, order);
                }
                at -= 1;
            }
            number = origin.before as usize;
            if origin.taken != Origin::PASSED {
                placed[origin.taken as usize] = true;
                order.push(origin.taken);
            }
            let past = history.get(at);
            let effects = past.map_or(&self.window.effects, |past| &past.effects);
            let ended = past.filter(|_| origin.passed).map(|past| past.end);
            for &effect in effects {
                let hidden = self.is_hidden(effect, words_of(at, number), child, ended);
                if hidden && !placed[effect as usize] {
                    placed[effect as usize] = true;
                    order.push(effect);
                }
            }
        }
    }

    /// Whether an effect was open before a step and is not after it. The bit of one that has completed may be
    /// another's already.
    fn is_hidden(&self, effect: u32, before: &[u64], after: &[u64], ended: Option<u32>) -> bool {
        if self.plan.role(effect) != Role::Effect {
            return false;
        }
        let open = self.plan.open(effect);
        let is_open = |words: &[u64]| words[open.word as usize] & open.mask != 0;
        is_open(before) && (ended == Some(effect) || !is_open(after))
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
        for mut past in self.history.take().unwrap_or_default() {
            meter.give(past.effects.len() * size_of::<u32>());
            meter.drop(&mut past.words);
            meter.drop(&mut past.origins);
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
