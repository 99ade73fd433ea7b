//! The search depth first: Wing & Gong's (1993) as Lowe (2017) runs it.
//!
//! It goes from completion to completion with a stack of its own, and with a memory of all configurations,
//! so that each is looked at once. It finds an order quickly where there are many, although it remembers
//! the whole way; where there is none it is of no use, and so it is only tried for a while.

use super::meter::Meter;
use super::{Answer, Stop};
use crate::Model;
use crate::linearizability::calls::Call;
use crate::linearizability::memo::{Memo, States};
use crate::linearizability::plan::{Plan, Role, Window};

/// Lists one after another.
#[derive(Debug, Default)]
struct Lists {
    items: Vec<u32>,
    starts: Vec<u32>,
}

impl Lists {
    fn push(&mut self, items: &[u32]) {
        self.starts.push(self.items.len() as u32);
        self.items.extend_from_slice(items);
    }

    fn get(&self, at: usize) -> &[u32] {
        let end = self
            .starts
            .get(at + 1)
            .map_or(self.items.len(), |&end| end as usize);
        &self.items[self.starts[at] as usize..end]
    }
}

/// What runs at each event.
#[derive(Debug, Default)]
struct Running {
    effects: Lists,
    reads: Lists,
    /// Reads that were invoked since the event before.
    fresh: Lists,
}

impl Running {
    fn new<O>(plan: &Plan, calls: &[Call<O>]) -> Self {
        let mut running = Self::default();
        let mut window = Window::default();
        for _ in 0..plan.events() {
            window.enter(plan, calls);
            running.effects.push(&window.effects);
            running.reads.push(&window.reads);
            let fresh: Vec<u32> = window
                .begun
                .clone()
                .map(|call| call as u32)
                .filter(|&call| plan.role(call) == Role::Read)
                .collect();
            running.fresh.push(&fresh);
            window.leave(plan);
        }
        running
    }

    /// How many bytes this takes at most, while it grows too.
    fn bytes_of(plan: &Plan) -> usize {
        (plan.running().saturating_mul(2) + 3 * plan.events()).saturating_mul(3 * size_of::<u32>())
    }
}

/// A configuration on the stack, and which of its successors were tried.
#[derive(Clone, Copy, Debug)]
struct Frame {
    node: u32,
    /// The next candidate: running calls, then classes of free calls.
    candidate: u32,
    /// The next of the candidate's outcomes.
    outcome: u32,
    /// The call that was taken last.
    taken: Option<u32>,
}

/// A search under way.
pub(super) struct Depth<'a, M: Model> {
    model: &'a M,
    calls: &'a [Call<M::Op>],
    plan: &'a Plan,
    running: Running,
    /// The states to begin with, and how many of them were tried.
    starts: &'a [M::State],
    tried: usize,
    states: States<M::State>,
    memo: Memo,
    frames: Vec<Frame>,
    /// The furthest event that could not be passed at once.
    deepest: usize,
    /// The configuration that is being built: the number of the event, and the words of a configuration.
    node: Vec<u64>,
    outcomes: Vec<M::State>,
    /// How much room it was given.
    room: usize,
}

/// How far a search depth first came.
pub(super) enum Found {
    Answer(Answer),
    /// Its quota is used up.
    Quota,
    /// Its room is used up, so that it cannot go on.
    Room,
}

/// How much of the memory that is left a search depth first is given, and how much at most.
const SHARE_OF_ROOM: usize = 4;
const ROOM_AT_MOST: usize = 256 << 20;

/// The part of a word that holds the number of the state.
const STATE: u64 = u32::MAX as u64;

fn event(node: &[u64]) -> usize {
    node[0] as usize
}

fn state(node: &[u64]) -> u32 {
    node[1] as u32
}

impl<'a, M: Model> Depth<'a, M> {
    /// A search from these states, if there is room for one. The room is taken at once.
    pub(super) fn new(
        model: &'a M,
        starts: &'a [M::State],
        calls: &'a [Call<M::Op>],
        plan: &'a Plan,
        meter: &mut Meter<'_>,
    ) -> Option<Self> {
        let all = (meter.left() / SHARE_OF_ROOM).min(ROOM_AT_MOST);
        let room = all.checked_sub(Running::bytes_of(plan))?;
        meter.take(all).ok()?;
        Some(Self {
            model,
            calls,
            plan,
            running: Running::new(plan, calls),
            starts,
            tried: 0,
            states: States::new(),
            memo: Memo::new(1 + plan.exact, plan.debt),
            frames: Vec::new(),
            deepest: 0,
            node: vec![0; 1 + plan.exact + plan.debt],
            outcomes: Vec::new(),
            room,
        })
    }

    /// Lets go of everything.
    pub(super) fn drop(self, meter: &mut Meter<'_>) {
        meter.give(self.room + Running::bytes_of(self.plan));
    }

    /// Goes on for so many steps.
    pub(super) fn run(&mut self, steps: u64, meter: &mut Meter<'_>) -> Result<Found, Stop> {
        let end = meter.steps().saturating_add(steps);
        loop {
            if self.frames.is_empty() {
                let Some(start) = self.starts.get(self.tried) else {
                    let call = self.plan.end(self.deepest);
                    return Ok(Found::Answer(Answer::Impossible(call)));
                };
                self.begin(start.clone());
            } else if !self.successor() {
                self.frames.pop();
                continue;
            }
            if self.settle() {
                let order = self.frames.iter().filter_map(|f| f.taken).collect();
                return Ok(Found::Answer(Answer::Order(order)));
            }
            self.keep();
            meter.step()?;
            if self.is_full() {
                return Ok(Found::Room);
            }
            if meter.steps() >= end {
                return Ok(Found::Quota);
            }
        }
    }

    fn begin(&mut self, start: M::State) {
        self.tried += 1;
        let number = self
            .states
            .number(start, |state| self.model.heap_bytes(state));
        self.node.fill(0);
        self.node[1] = u64::from(number);
        self.owe_fresh();
    }

    /// Whether what it holds may outgrow its room with the next step.
    fn is_full(&self) -> bool {
        let held = self.memo.bytes()
            + self.memo.growth()
            + self.states.bytes()
            + self.states.growth()
            + 3 * self.frames.len() * size_of::<Frame>();
        held > self.room
    }

    /// Remembers the configuration that was built, and looks at it next, unless it is needless.
    fn keep(&mut self) {
        if let Some(node) = self.memo.insert(&self.node) {
            self.deepest = self.deepest.max(event(&self.node));
            self.frames.push(Frame {
                node,
                candidate: 0,
                outcome: 0,
                taken: None,
            });
        }
    }

    /// The word of the built configuration and the bit that tell of a call.
    fn mark(&self, call: u32) -> (usize, u64) {
        let mark = self.plan.mark(call);
        (1 + mark.word as usize, mark.mask)
    }

    /// Passes every event whose call was taken. True when none is left.
    fn settle(&mut self) -> bool {
        loop {
            let at = event(&self.node);
            if at == self.plan.events() {
                return true;
            }
            let end = self.plan.end(at);
            let (word, mask) = self.mark(end);
            let marked = self.node[word] & mask != 0;
            let owed = self.plan.role(end) == Role::Read;
            if marked == owed {
                return false;
            }
            self.pass();
        }
    }

    /// Goes past the next event, whether or not its call was taken.
    fn pass(&mut self) {
        let (word, mask) = self.mark(self.plan.end(event(&self.node)));
        self.node[word] &= !mask;
        self.node[0] += 1;
        self.owe_fresh();
    }

    /// Adds the reads that were invoked since the last event to the debt, but for those that agree with
    /// the state.
    fn owe_fresh(&mut self) {
        let at = event(&self.node);
        if at == self.plan.events() {
            return;
        }
        let now = self.states.get(state(&self.node));
        for &read in self.running.fresh.get(at) {
            if self
                .model
                .step(now, &self.calls[read as usize].op)
                .is_none()
            {
                let (word, mask) = self.mark(read);
                self.node[word] |= mask;
            }
        }
    }

    /// Takes the owed reads that agree with the state.
    fn absorb(&mut self) {
        let now = self.states.get(state(&self.node));
        for &read in self.running.reads.get(event(&self.node)) {
            let (word, mask) = self.mark(read);
            if self.node[word] & mask != 0
                && self
                    .model
                    .step(now, &self.calls[read as usize].op)
                    .is_some()
            {
                self.node[word] &= !mask;
            }
        }
    }

    /// Builds the next successor of the configuration on top of the stack.
    fn successor(&mut self) -> bool {
        let top = self.frames.len() - 1;
        loop {
            let frame = self.frames[top];
            self.node.clear();
            self.node.extend_from_slice(self.memo.get(frame.node));
            let Some(candidate) = self.candidate(frame.candidate as usize) else {
                return false;
            };
            let mut next = Frame {
                candidate: frame.candidate + 1,
                outcome: 0,
                taken: None,
                ..frame
            };
            let built = match candidate {
                Candidate::Skip => {
                    self.pass();
                    true
                }
                Candidate::None => false,
                Candidate::Take(call) => {
                    let (built, more) = self.take(call, frame.outcome as usize);
                    if more {
                        next.candidate = frame.candidate;
                        next.outcome = frame.outcome + 1;
                    }
                    next.taken = Some(call);
                    built
                }
            };
            self.frames[top] = next;
            if built {
                return true;
            }
        }
    }

    /// What the number of a candidate means in the configuration that is being built.
    fn candidate(&self, number: usize) -> Option<Candidate> {
        let at = event(&self.node);
        let end = self.plan.end(at);
        let skips = usize::from(self.plan.role(end) == Role::Optional);
        if number < skips {
            return Some(Candidate::Skip);
        }
        let effects = self.running.effects.get(at);
        if let Some(&call) = effects.get(number - skips) {
            return Some(if self.taken(call) {
                Candidate::None
            } else {
                Candidate::Take(call)
            });
        }
        let class = self.plan.classes().get(number - skips - effects.len())?;
        let row = self.calls[end as usize].completed;
        let invoked = |call: &&u32| self.calls[**call as usize].invoked < row;
        class.first().filter(invoked)?;
        let unused = class
            .iter()
            .take_while(invoked)
            .find(|call| !self.taken(**call));
        Some(unused.map_or(Candidate::None, |&call| Candidate::Take(call)))
    }

    fn taken(&self, call: u32) -> bool {
        let (word, mask) = self.mark(call);
        self.node[word] & mask != 0
    }

    /// Whether the call that was taken last need not have happened, was seen by no read, and leaves no trace
    /// in the state once this one is taken. Then the same is reached without it and with less debt.
    fn hides_the_last(&self, call: u32, after: u32) -> bool {
        let [.., parent, _] = self.frames[..] else {
            return false;
        };
        let Some(last) = parent.taken.filter(|&last| !self.calls[last as usize].must) else {
            return false;
        };
        let known = self.memo.get(parent.node);
        let (marked, mask) = self.mark(last);
        let unseen = event(known) == event(&self.node)
            && (1..known.len()).all(|word| {
                let bit = if word == marked { mask } else { 0 };
                let state = if word == 1 { STATE } else { 0 };
                (known[word] | bit) & !state == self.node[word] & !state
            });
        if !unseen {
            return false;
        }
        let mut without = Vec::new();
        let op = &self.calls[call as usize].op;
        self.model
            .outcomes(self.states.get(state(known)), op, &mut without);
        without.iter().any(|state| state == self.states.get(after))
    }

    /// Takes a call with one of its outcomes. Says whether it could, and whether there are more outcomes.
    fn take(&mut self, call: u32, outcome: usize) -> (bool, bool) {
        let before = state(&self.node);
        let at = &self.calls[call as usize];
        self.outcomes.clear();
        self.model
            .outcomes(self.states.get(before), &at.op, &mut self.outcomes);
        let more = outcome + 1 < self.outcomes.len();
        if outcome >= self.outcomes.len() {
            return (false, false);
        }
        let after = self.outcomes.swap_remove(outcome);
        let after = self
            .states
            .number(after, |state| self.model.heap_bytes(state));
        if (after == before && !at.must) || self.hides_the_last(call, after) {
            return (false, more);
        }
        let (word, mask) = self.mark(call);
        self.node[word] |= mask;
        if after != before {
            self.node[1] = (self.node[1] & !STATE) | u64::from(after);
            self.absorb();
        }
        (true, more)
    }
}

/// What can be done next in a configuration.
enum Candidate {
    /// The optional call that completes next did not happen.
    Skip,
    /// This call is taken.
    Take(u32),
    /// Nothing: the call was taken already.
    None,
}
