//! The states that the configurations of a level are in, each kept once, and what is known of each of
//! them: which of the running reads agree with it, and which state each running call would lead to.
//!
//! A running call has a *column*, which it gives to a later call when it completes. So what is known
//! grows with the states at hand and with what runs, not with the history.

use std::hash::BuildHasher;

use rustc_hash::FxBuildHasher;

use super::Stop;
use super::meter::{ALLOCATION_BYTES, Meter};
use crate::Model;

const NONE: u32 = u32::MAX;
/// Nobody has asked the model yet.
const UNKNOWN: u32 = u32::MAX;
/// The call cannot happen.
const NOWHERE: u32 = u32::MAX - 1;
/// The rest of the number says where a list of several states stands.
const SEVERAL: u32 = 1 << 31;
/// States beyond this have no number.
const MOST: usize = 1 << 30;
const PLACES_AT_LEAST: usize = 64;

/// Where a call leads.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    Nowhere,
    /// To this state.
    One(u32),
    /// To the states of a list, see [`Space::several`].
    Several(u32),
}

pub(super) struct Space<'a, M: Model> {
    model: &'a M,
    states: Vec<M::State>,
    /// Open addressing by hash.
    table: Vec<u32>,
    /// For each state the running reads that agree with it, where a configuration says that they are owed.
    agreed: Vec<u64>,
    debt: usize,
    reads: Vec<Read<'a, M::Op>>,
    /// For each state and column where the call leads.
    nexts: Vec<u32>,
    columns: usize,
    /// For each state and column where in `hidden` the effects stand that the call can hide, if it was asked.
    places: Vec<u32>,
    /// When that was found, and then the effects, for those that were asked: most never are.
    hidden: Vec<u64>,
    /// Lists of states, each after its length.
    lists: Vec<u32>,
    /// What the states hold outside themselves.
    heap: usize,
    outcomes: Vec<M::State>,
}

impl<'a, M: Model> Space<'a, M> {
    pub(super) fn new(model: &'a M, debt: usize, columns: usize) -> Self {
        Self {
            model,
            states: Vec::new(),
            table: Vec::new(),
            agreed: Vec::new(),
            debt,
            reads: Vec::new(),
            nexts: Vec::new(),
            columns,
            places: Vec::new(),
            hidden: Vec::new(),
            lists: Vec::new(),
            heap: 0,
            outcomes: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    #[cfg_attr(not(test), allow(dead_code))]
    pub(super) fn get(&self, number: u32) -> &M::State {
        &self.states[number as usize]
    }

    pub(super) fn states(&self) -> &[M::State] {
        &self.states
    }

    /// What the states hold outside themselves.
    pub(super) fn heap(&self) -> usize {
        self.heap
    }

    /// The running reads that agree with a state.
    pub(super) fn agreed(&self, state: u32) -> &[u64] {
        let at = state as usize * self.debt;
        &self.agreed[at..at + self.debt]
    }

    /// The number of a state.
    pub(super) fn number(&mut self, state: M::State, meter: &mut Meter<'_>) -> Result<u32, Stop> {
        if self.states.len() * 2 >= self.table.len() {
            self.widen(meter)?;
        }
        let place = self.place(&state);
        if self.table[place] != NONE {
            return Ok(self.table[place]);
        }
        let number = self.states.len();
        if number >= MOST {
            return Err(Stop::Memory);
        }
        let heap = self.heap_bytes(&state);
        meter.take(heap)?;
        self.heap += heap;
        meter.reserve(&mut self.agreed, self.debt)?;
        meter.reserve(&mut self.nexts, self.columns)?;
        meter.reserve(&mut self.places, self.columns)?;
        self.agreed.resize(self.agreed.len() + self.debt, 0);
        self.nexts.resize(self.nexts.len() + self.columns, UNKNOWN);
        self.places.resize(self.places.len() + self.columns, NONE);
        meter.push(&mut self.states, state)?;
        self.table[place] = number as u32;
        for at in 0..self.reads.len() {
            self.agree(number, self.reads[at]);
        }
        Ok(number as u32)
    }

    fn heap_bytes(&self, state: &M::State) -> usize {
        match self.model.heap_bytes(state) {
            0 => 0,
            bytes => bytes + ALLOCATION_BYTES,
        }
    }

    fn agree(&mut self, state: usize, read: Read<'_, M::Op>) {
        if self.model.step(&self.states[state], read.op).is_some() {
            self.agreed[state * self.debt + read.word] |= read.mask;
        }
    }

    /// A read begins, on a bit that another may have had.
    pub(super) fn begin_read(&mut self, op: &'a M::Op, word: usize, mask: u64) {
        let read = Read { op, word, mask };
        self.reads.push(read);
        for state in 0..self.states.len() {
            self.agreed[state * self.debt + read.word] &= !read.mask;
            self.agree(state, read);
        }
    }

    /// A read completes, and its bit may be another call's.
    pub(super) fn end_read(&mut self, word: usize, mask: u64) {
        for state in 0..self.states.len() {
            self.agreed[state * self.debt + word] &= !mask;
        }
        self.reads
            .retain(|read| (read.word, read.mask) != (word, mask));
    }

    /// Another call has the column from now on.
    pub(super) fn begin_column(&mut self, column: usize) {
        for state in 0..self.states.len() {
            self.nexts[state * self.columns + column] = UNKNOWN;
        }
    }

    /// Where a call leads.
    pub(super) fn next(
        &mut self,
        state: u32,
        column: usize,
        op: &M::Op,
        meter: &mut Meter<'_>,
    ) -> Result<Next, Stop> {
        let at = state as usize * self.columns + column;
        let mut known = self.nexts[at];
        if known == UNKNOWN {
            known = self.ask(state, op, meter)?;
            self.nexts[at] = known;
        }
        Ok(match known {
            NOWHERE => Next::Nowhere,
            list if list & SEVERAL != 0 => Next::Several(list & !SEVERAL),
            one => Next::One(one),
        })
    }

    pub(super) fn several(&self, list: u32) -> &[u32] {
        let at = list as usize;
        let length = self.lists[at] as usize;
        &self.lists[at + 1..=at + length]
    }

    fn ask(&mut self, state: u32, op: &M::Op, meter: &mut Meter<'_>) -> Result<u32, Stop> {
        let mut outcomes = std::mem::take(&mut self.outcomes);
        outcomes.clear();
        self.model
            .outcomes(&self.states[state as usize], op, &mut outcomes);
        let count = outcomes.len();
        let known = if count == 0 {
            NOWHERE
        } else if count == 1 {
            self.number(outcomes.swap_remove(0), meter)?
        } else {
            let list = self.lists.len();
            if list + count >= MOST {
                return Err(Stop::Memory);
            }
            meter.push(&mut self.lists, count as u32)?;
            for one in outcomes.drain(..) {
                let number = self.number(one, meter)?;
                meter.push(&mut self.lists, number)?;
            }
            SEVERAL | list as u32
        };
        self.outcomes = outcomes;
        Ok(known)
    }

    /// Which of the running effects can be taken just before a call that leads from one state to another,
    /// any of them and in any order, so that it leads there all the same: nobody can tell whether they were.
    /// `now` is another number whenever other effects run.
    pub(super) fn hidden(
        &mut self,
        (before, by, after): (u32, Taken<'a, M::Op>, u32),
        effects: &[Effect<'a, M::Op>],
        now: u64,
        meter: &mut Meter<'_>,
    ) -> Result<&[u64], Stop> {
        let place = self.hidden_place(before as usize * self.columns + by.column, meter)?;
        let words = place + 1..place + 1 + self.debt;
        if self.hidden[place] == now {
            return Ok(&self.hidden[words]);
        }
        self.hidden[place] = now;
        self.hidden[words.clone()].fill(0);
        // Where the call chooses, what one of its outcomes hides another does not.
        if matches!(
            self.next(before, by.column, by.op, meter)?,
            Next::Several(_)
        ) {
            return Ok(&self.hidden[words]);
        }
        let mut through = vec![before];
        let mut inside = Vec::new();
        for effect in effects.iter().filter(|effect| effect.column != by.column) {
            let length = through.len();
            inside.push(*effect);
            if self.stays(&mut through, &inside, (by, after), meter)? {
                self.hidden[words.start + effect.word] |= effect.mask;
            } else {
                through.truncate(length);
                inside.pop();
            }
        }
        Ok(&self.hidden[words])
    }

    /// Where it stands what a call can hide in a state, with room for it.
    fn hidden_place(&mut self, at: usize, meter: &mut Meter<'_>) -> Result<usize, Stop> {
        if self.places[at] == NONE {
            let place = self.hidden.len();
            let room = 1 + self.debt;
            let number = place / room;
            if number >= NONE as usize {
                return Err(Stop::Memory);
            }
            meter.reserve(&mut self.hidden, room)?;
            self.hidden.resize(place + room, 0);
            self.places[at] = number as u32;
        }
        Ok(self.places[at] as usize * (1 + self.debt))
    }

    /// Closes some states under some effects. Whether all of these can happen in all of those, and the call
    /// leads to the same state from all of them.
    fn stays(
        &mut self,
        through: &mut Vec<u32>,
        inside: &[Effect<'a, M::Op>],
        (by, after): (Taken<'a, M::Op>, u32),
        meter: &mut Meter<'_>,
    ) -> Result<bool, Stop> {
        let mut at = 0;
        while at < through.len() {
            let state = through[at];
            at += 1;
            for effect in inside {
                let Next::One(next) = self.next(state, effect.column, effect.op, meter)? else {
                    return Ok(false);
                };
                if through.contains(&next) {
                    continue;
                }
                let leads = match self.next(next, by.column, by.op, meter)? {
                    Next::One(leads) => leads == after,
                    Next::Nowhere | Next::Several(_) => false,
                };
                if !leads || through.len() >= THROUGH_AT_MOST {
                    return Ok(false);
                }
                through.push(next);
            }
        }
        Ok(true)
    }

    fn place(&self, state: &M::State) -> usize {
        let mask = self.table.len() - 1;
        let hash = FxBuildHasher.hash_one(state);
        let mut place = (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        loop {
            let number = self.table[place];
            if number == NONE || self.states[number as usize] == *state {
                return place;
            }
            place = (place + 1) & mask;
        }
    }

    fn widen(&mut self, meter: &mut Meter<'_>) -> Result<(), Stop> {
        let places = (self.table.len() * 2).max(PLACES_AT_LEAST);
        let mut table = Vec::new();
        meter.reserve(&mut table, places)?;
        table.resize(places, NONE);
        meter.drop(&mut self.table);
        self.table = table;
        self.index();
        Ok(())
    }

    fn index(&mut self) {
        self.table.fill(NONE);
        for number in 0..self.states.len() {
            let place = self.place(&self.states[number]);
            self.table[place] = number as u32;
        }
    }

    /// Keeps only these states, and says which number each has from now on. What is kept of where calls
    /// lead is asked anew.
    pub(super) fn keep(&mut self, kept: &[bool], meter: &mut Meter<'_>) -> Result<Vec<u32>, Stop> {
        let mut numbers = Vec::new();
        meter.reserve(&mut numbers, kept.len())?;
        let mut next = 0;
        for (old, &keep) in kept.iter().enumerate() {
            numbers.push(if keep { next as u32 } else { NONE });
            if keep {
                self.states.swap(next, old);
                self.agreed
                    .copy_within(old * self.debt..(old + 1) * self.debt, next * self.debt);
                next += 1;
            }
        }
        let gone: usize = self.states[next..].iter().map(|s| self.heap_bytes(s)).sum();
        meter.give(gone);
        self.heap -= gone.min(self.heap);
        self.states.truncate(next);
        self.agreed.truncate(next * self.debt);
        self.nexts.truncate(next * self.columns);
        self.nexts.fill(UNKNOWN);
        self.places.truncate(next * self.columns);
        self.places.fill(NONE);
        self.hidden.clear();
        self.lists.clear();
        self.index();
        Ok(numbers)
    }

    /// Lets go of everything.
    pub(super) fn drop(&mut self, meter: &mut Meter<'_>) {
        meter.give(self.heap);
        self.heap = 0;
        meter.drop(&mut self.states);
        meter.drop(&mut self.table);
        meter.drop(&mut self.agreed);
        meter.drop(&mut self.nexts);
        meter.drop(&mut self.places);
        meter.drop(&mut self.hidden);
        meter.drop(&mut self.lists);
    }
}

/// How many states hidden effects may lead through.
const THROUGH_AT_MOST: usize = 16;

/// A call that is taken: what it does, and its column.
pub(super) struct Taken<'a, O> {
    pub(super) op: &'a O,
    pub(super) column: usize,
}

impl<O> Clone for Taken<'_, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O> Copy for Taken<'_, O> {}

/// A running effect: what it does, its column, and the bit of the debt that says that it is open.
#[derive(Debug)]
pub(super) struct Effect<'a, O> {
    pub(super) op: &'a O,
    pub(super) column: usize,
    pub(super) word: usize,
    pub(super) mask: u64,
}

impl<O> Clone for Effect<'_, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O> Copy for Effect<'_, O> {}

/// A running read: what it did, and where a configuration says that it is owed.
struct Read<'a, O> {
    op: &'a O,
    word: usize,
    mask: u64,
}

impl<O> Clone for Read<'_, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O> Copy for Read<'_, O> {}
