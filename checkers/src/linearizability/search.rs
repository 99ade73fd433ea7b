//! The search for an order: Wing & Gong's (1993) as Lowe (2017) runs it.
//!
//! It goes from completion to completion. A configuration is the number of the next completion, the state,
//! and which of the running calls were taken. When the call that completes next was taken, nothing needs to
//! be decided; when it was not, some running call is taken, that one or another before it (*just-in-time
//! linearization*: nothing is taken earlier than some completion asks for it). Depth first, with a stack of
//! its own, and with a memory of configurations, so that each is looked at once.
//!
//! What keeps it small:
//! - Reads that agree with the state are taken at once: they change nothing, and taken is better than owed.
//! - A call that need not happen is a debt once it is taken. Of two configurations with the same state and
//!   the same calls that must happen, one whose debt is a part of the other's can do all that the other
//!   can. An owed read is a debt as well.
//! - A call that need not happen is not taken if the next one hides it and no read saw it.
//! - Of equal calls that never complete the oldest is taken first, and those are left out that nobody can
//!   have noticed ([`Model::idle`]).

use super::calls::Call;
use super::memo::{Memo, States};
use super::plan::{Plan, Role};
use crate::{Budget, Model};

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// An order exists. These are its calls that change the state, in order; those that nobody needs are
    /// left out, and reads fit in between.
    Order(Vec<u32>),
    /// No order exists. Every one dies at the latest when this call completes.
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

/// How many configurations are looked at between two looks at the clock.
const STEPS_A_LOOK: u64 = 512;

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

/// How many calls run at each completion, summed over all completions: what a plan notes. Calls that never complete are
/// left out, because a plan has cheaper ways to note those.
fn windows<O>(calls: &[Call<O>]) -> usize {
    let complete = || calls.iter().filter(|call| call.completed != u32::MAX);
    let mut ends: Vec<u32> = complete().map(|call| call.completed).collect();
    ends.sort_unstable();
    let mut begins = complete().map(|call| call.invoked).peekable();
    let mut running = 0usize;
    let mut sum = 0usize;
    for end in ends {
        while begins.next_if(|begin| *begin < end).is_some() {
            running += 1;
        }
        sum = sum.saturating_add(running);
        running = running.saturating_sub(1);
    }
    sum
}

/// A search under way.
pub(crate) struct Search<'a, M: Model> {
    model: &'a M,
    calls: &'a [Call<M::Op>],
    plan: &'a Plan,
    states: States<M::State>,
    memo: Memo,
    frames: Vec<Frame>,
    /// The furthest event that could not be passed at once.
    deepest: usize,
    /// The configuration that is being built.
    node: Vec<u64>,
    outcomes: Vec<M::State>,
    steps: u64,
}

fn event(node: &[u64]) -> usize {
    (node[0] >> 32) as usize
}

fn state(node: &[u64]) -> u32 {
    node[0] as u32
}

impl<'a, M: Model> Search<'a, M> {
    /// Decides whether the calls, which are in the order of invocation, have an order. Says how many
    /// configurations it looked at.
    pub(crate) fn decide(model: &M, calls: &[Call<M::Op>], limits: &Limits<'_>) -> (Answer, u64) {
        if limits.budget.is_over() {
            return (Answer::Stopped(Stop::Time, None), 0);
        }
        if windows(calls).saturating_mul(size_of::<u32>()) > limits.budget.bytes() {
            return (Answer::Stopped(Stop::Memory, None), 0);
        }
        let plan = Plan::new(model, calls);
        let mut search = Search::new(model, calls, &plan);
        let answer = search.run(limits);
        (answer, search.steps)
    }

    fn new(model: &'a M, calls: &'a [Call<M::Op>], plan: &'a Plan) -> Self {
        Self {
            model,
            calls,
            plan,
            states: States::new(),
            memo: Memo::new(plan.exact, plan.debt),
            frames: Vec::new(),
            deepest: 0,
            node: vec![0; plan.exact + plan.debt],
            outcomes: Vec::new(),
            steps: 0,
        }
    }

    fn run(&mut self, limits: &Limits<'_>) -> Answer {
        let initial = self.model.initial();
        let number = self
            .states
            .number(initial, |state| self.model.heap_bytes(state));
        self.node[0] = u64::from(number);
        self.owe_fresh();
        if self.settle() {
            return Answer::Order(Vec::new());
        }
        self.keep();
        while !self.frames.is_empty() {
            if !self.successor() {
                self.frames.pop();
                continue;
            }
            if self.settle() {
                return Answer::Order(self.frames.iter().filter_map(|f| f.taken).collect());
            }
            self.keep();
            if let Some(stop) = self.stop(limits) {
                return Answer::Stopped(stop, Some(self.plan.end(self.deepest)));
            }
        }
        Answer::Impossible(self.plan.end(self.deepest))
    }

    fn stop(&mut self, limits: &Limits<'_>) -> Option<Stop> {
        self.steps += 1;
        if self.steps >= limits.steps {
            return Some(Stop::Steps);
        }
        let growth = self.memo.growth() + self.states.growth();
        let look = self.steps.is_multiple_of(STEPS_A_LOOK);
        if (look || growth > 0) && self.bytes() + growth > limits.budget.bytes() {
            return Some(Stop::Memory);
        }
        (look && limits.budget.is_over()).then_some(Stop::Time)
    }

    fn bytes(&self) -> usize {
        self.memo.bytes()
            + self.states.bytes()
            + self.plan.bytes()
            + self.frames.capacity() * size_of::<Frame>()
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

    /// Passes every event whose call was taken. True when none is left.
    fn settle(&mut self) -> bool {
        loop {
            let at = event(&self.node);
            if at == self.plan.events() {
                return true;
            }
            let end = self.plan.end(at);
            let mark = self.plan.mark(end);
            let marked = self.node[mark.word as usize] & mark.mask != 0;
            let owed = self.plan.role(end) == Role::Read;
            if marked == owed {
                return false;
            }
            self.pass();
        }
    }

    /// Goes past the next event, whether or not its call was taken.
    fn pass(&mut self) {
        let mark = self.plan.mark(self.plan.end(event(&self.node)));
        self.node[mark.word as usize] &= !mark.mask;
        self.node[0] += 1 << 32;
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
        for &read in self.plan.fresh(at) {
            if self
                .model
                .step(now, &self.calls[read as usize].op)
                .is_none()
            {
                let mark = self.plan.mark(read);
                self.node[mark.word as usize] |= mark.mask;
            }
        }
    }

    /// Takes the owed reads that agree with the state.
    fn absorb(&mut self) {
        let now = self.states.get(state(&self.node));
        for &read in self.plan.reads(event(&self.node)) {
            let mark = self.plan.mark(read);
            let word = &mut self.node[mark.word as usize];
            if *word & mark.mask != 0
                && self
                    .model
                    .step(now, &self.calls[read as usize].op)
                    .is_some()
            {
                *word &= !mark.mask;
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
        let effects = self.plan.effects(at);
        if let Some(&call) = effects.get(number - skips) {
            return Some(if self.taken(call) {
                Candidate::None
            } else {
                Candidate::Take(call)
            });
        }
        let class = self.plan.class(number - skips - effects.len())?;
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
        let mark = self.plan.mark(call);
        self.node[mark.word as usize] & mark.mask != 0
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
        let mark = self.plan.mark(last);
        let unseen = event(known) == event(&self.node)
            && (1..known.len()).all(|word| {
                let bit = if word == mark.word as usize {
                    mark.mask
                } else {
                    0
                };
                known[word] | bit == self.node[word]
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
        let mark = self.plan.mark(call);
        self.node[mark.word as usize] |= mark.mask;
        if after != before {
            self.node[0] = (self.node[0] >> 32 << 32) | u64::from(after);
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
