//! From a part without an order to the few operations that prove it.
//!
//! Not every operation may be left out: without the write of 3, a read of 3 is impossible although the
//! history was fine. What may be done is to *weaken*: a read may be dropped, and an operation that changes
//! the state may be turned into one that perhaps happened, at any moment while it ran, or did not. Whatever
//! order the whole history has is an order of the weakened one too, so if the weakened one has none, neither
//! has the whole.
//!
//! Of some objects whole values can be left out as well, with all that concerns them
//! ([`Model::concerns`]): a queue of which a value never existed is a queue.
//!
//! The proof has two sets. `must` is a smallest set of operations such that no order exists if these
//! happened, whichever of all the others did: weakening any one of them gives an order. The others cannot
//! be listed, they are the rest of the history, and leaving them all out would often change what the
//! violation is. So `may` is a smallest set of them that keeps it what it is:
//! - each operation of `must` is still needed: weaken it, and the two sets have an order;
//! - if an order would exist had the others been free to happen at any time, then it would with those in
//!   `may`, so a value that came too late or too early is not shown as a value from nowhere.
//!
//! Smallest means that no member can be left out (Zeller & Hildebrandt 2002, 1-minimal), not that there is
//! no other set with fewer.

use rustc_hash::{FxHashMap, FxHashSet};

use super::calls::{Call, NEVER};
use super::search::{Answer, Limits, Search, Stop};
use crate::{Budget, Model};

/// How much more than the verdict one step of shrinking may cost, and all of them.
const STEPS_A_TEST: u64 = 2;
const STEPS_IN_ALL: u64 = 40;
const STEPS_AT_LEAST: u64 = 100_000;
/// How many calls are read in the time that a step of a search takes.
const CALLS_A_STEP: u64 = 4;
/// Beyond how many calls what a theory found is not shrunk.
const MOST_OF_A_CORE: usize = 200;
/// From how many calls on the object is taken to be in any state before what is looked at, and of how many
/// states that can be said.
const LONG: usize = 256;
const FEW_STATES: usize = 64;
const FEW_OPERATIONS: usize = 1024;
/// How many equal operations are tried in the place of an earlier one.
const SUBSTITUTES: usize = 8;

/// The operations that prove a violation, by their place in the part.
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    /// These happened, and that is impossible.
    pub(crate) must: Vec<u32>,
    /// Whether or not these did.
    pub(crate) may: Vec<u32>,
    /// Whether it was shown that none can be left out.
    pub(crate) smallest: bool,
}

impl Proof {
    fn size(&self) -> usize {
        self.must.len() + self.may.len()
    }

    /// All of them in the order of invocation.
    pub(crate) fn calls(&self) -> Vec<u32> {
        let mut calls = [&self.must[..], &self.may[..]].concat();
        calls.sort_unstable();
        calls
    }
}

/// Shrinks a part that has no order left when `deadly` completes, which was found in so many steps.
pub(crate) fn shrink<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    deadly: u32,
    steps: u64,
    budget: &Budget<'_>,
) -> Proof {
    if calls.len() > MOST_OF_A_CORE && steps == 0 {
        return whole(calls);
    }
    let row = calls[deadly as usize].completed;
    let (calls, begun) = until(calls, row);
    let mut shrinker = Shrinker {
        model,
        kept: vec![true; calls.len()],
        begun,
        budget,
        anywhere: anywhere(model, &calls),
        calls,
        steps_a_test: steps.saturating_mul(STEPS_A_TEST).max(STEPS_AT_LEAST),
        steps_left: steps.saturating_mul(STEPS_IN_ALL).max(STEPS_AT_LEAST * 10),
        doubt: false,
    };
    shrinker.project();
    let all = shrinker.happened();
    let last = shrinker.last_of(&all);
    let first = shrinker.prove(last);
    let second = shrinker.prove(shrinker.completed(&first));
    if second.size() < first.size() {
        second
    } else {
        first
    }
}

/// All of the calls as a proof: what a theory found is about as small as it can be.
fn whole<O>(calls: &[Call<O>]) -> Proof {
    let places = |must: bool| {
        let of = |at: &u32| calls[*at as usize].must == must;
        (0..calls.len() as u32).filter(of).collect()
    };
    Proof {
        must: places(true),
        may: places(false),
        smallest: false,
    }
}

/// The history as it was at a moment: what had not completed may have happened. How many had begun, too.
fn until<O: Clone>(calls: &[Call<O>], row: u32) -> (Vec<Call<O>>, u32) {
    let begun = calls.partition_point(|call| call.invoked < row);
    let cut = calls.iter().map(|call| {
        let mut call = call.clone();
        if call.completed > row {
            call.must = false;
            call.completed = NEVER;
        }
        call
    });
    (cut.collect(), begun as u32)
}

/// How operations outside `must` are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    /// They may have happened while they ran.
    AsTheyRan,
    /// They may have happened at any time.
    AnyTime,
}

struct Shrinker<'a, M: Model> {
    model: &'a M,
    calls: Vec<Call<M::Op>>,
    /// Which of them concern something that was kept.
    kept: Vec<bool>,
    /// How many of them were invoked before the last completion that counts.
    begun: u32,
    budget: &'a Budget<'a>,
    /// All states that the object may ever have been in, if the history is long and they are few.
    anywhere: Option<Vec<M::State>>,
    steps_a_test: u64,
    steps_left: u64,
    /// Whether a test was stopped, so that something may have been kept without need.
    doubt: bool,
}

impl<M: Model> Shrinker<'_, M> {
    /// Whether some of the calls have an order. Both lists are sorted.
    fn decide(&mut self, must: &[u32], may: &[u32], others: Others) -> Answer {
        self.search(must, may, others, false)
    }

    /// Looks for an order of some of the calls.
    fn search(&mut self, must: &[u32], may: &[u32], others: Others, ordered: bool) -> Answer {
        if self.is_over() {
            return Answer::Stopped(Stop::Time, None);
        }
        let mut chosen: Vec<u32> = match others {
            Others::AsTheyRan => Vec::new(),
            Others::AnyTime => may.to_vec(),
        };
        let early = chosen.len();
        chosen.extend_from_slice(must);
        if others == Others::AsTheyRan {
            chosen.extend_from_slice(may);
            chosen.sort_unstable();
        }
        let calls: Vec<Call<M::Op>> = chosen
            .iter()
            .enumerate()
            .map(|(at, &number)| {
                let mut call = self.calls[number as usize].clone();
                call.must = must.binary_search(&number).is_ok();
                if at < early {
                    call.invoked = 0;
                    call.completed = NEVER;
                }
                call
            })
            .collect();
        let limits = Limits {
            budget: self.budget,
            steps: self.steps_a_test.min(self.steps_left),
        };
        let (answer, steps) = if ordered {
            Search::decide(self.model, &calls, &limits)
        } else {
            Search::exists(self.model, &calls, &limits)
        };
        // Reading the calls is work as well.
        let steps = steps + calls.len() as u64 / CALLS_A_STEP;
        self.steps_left -= steps.min(self.steps_left);
        match answer {
            Answer::Order(order) => {
                Answer::Order(order.iter().map(|&at| chosen[at as usize]).collect())
            }
            Answer::Impossible(call) => Answer::Impossible(chosen[call as usize]),
            Answer::Stopped(stop, call) => {
                self.doubt = true;
                Answer::Stopped(stop, call)
            }
        }
    }

    /// Whether no order exists if these happened, whatever the others did. In a long history what had completed
    /// before them is not looked at: whatever it did, it left the object in one of the states of `anywhere`. A
    /// true answer is certain; a false one is then made sure of at the end ([`Self::make_sure`]).
    fn impossible(&mut self, must: &[u32]) -> bool {
        match self.anywhere.take() {
            None => self.is_impossible(must),
            Some(states) => {
                let impossible = self.impossible_from(&states, must);
                self.anywhere = Some(states);
                impossible
            }
        }
    }

    /// Whether there is no time left to shrink, so that what was found so far must do.
    fn is_over(&mut self) -> bool {
        let over = self.steps_left == 0 || self.budget.is_over();
        self.doubt |= over;
        over
    }

    fn impossible_from(&mut self, states: &[M::State], must: &[u32]) -> bool {
        let since = must.iter().map(|&at| self.calls[at as usize].invoked).min();
        let since = since.unwrap_or(0);
        let touches = |call: &Call<M::Op>| call.completed > since;
        let chosen = (0..self.begun).filter(|&at| {
            let call = &self.calls[at as usize];
            let is_must = must.binary_search(&at).is_ok();
            is_must || (self.kept[at as usize] && touches(call))
        });
        let calls: Vec<Call<M::Op>> = chosen
            .map(|at| {
                let mut call = self.calls[at as usize].clone();
                call.must = must.binary_search(&at).is_ok();
                call
            })
            .collect();
        let limits = Limits {
            budget: self.budget,
            steps: self.steps_a_test.min(self.steps_left),
        };
        let (answer, steps) = Search::decide_from(self.model, states, &calls, &limits);
        let steps = steps + u64::from(self.begun) / (8 * CALLS_A_STEP);
        self.steps_left -= steps.min(self.steps_left);
        self.doubt |= matches!(answer, Answer::Stopped(..));
        matches!(answer, Answer::Impossible(_))
    }

    /// Leaves out what only the states of `anywhere` made look needed.
    fn make_sure(&mut self, must: &mut Vec<u32>) {
        if self.anywhere.is_none() {
            return;
        }
        for call in must.clone() {
            let fewer = without(must, call);
            if !fewer.is_empty() && self.is_impossible(&fewer) {
                *must = fewer;
            }
        }
    }

    fn is_impossible(&mut self, must: &[u32]) -> bool {
        let others = self.others(must, self.begun);
        matches!(
            self.decide(must, &others, Others::AsTheyRan),
            Answer::Impossible(_)
        )
    }

    /// Leaves out all that concerns one value after another, where the object would not miss it.
    fn project(&mut self) {
        let groups = groups(self.model, &self.calls);
        let mut size = groups.len().div_ceil(2);
        let mut groups: Vec<Vec<u32>> = groups;
        while size > 0 && !groups.is_empty() {
            let mut needed = Vec::new();
            for piece in groups.chunks(size) {
                if self.is_over() {
                    return;
                }
                self.keep(piece, false);
                let mut must = self.happened();
                must.sort_unstable();
                if must.is_empty() || !self.impossible(&must) {
                    self.keep(piece, true);
                    needed.extend_from_slice(piece);
                }
            }
            groups = needed;
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }

    fn keep(&mut self, groups: &[Vec<u32>], kept: bool) {
        for &call in groups.iter().flatten() {
            self.kept[call as usize] = kept;
        }
    }

    /// The first so many calls that were kept but for those of `must`.
    fn others(&self, must: &[u32], until: u32) -> Vec<u32> {
        let other = |call: &u32| self.kept[*call as usize] && must.binary_search(call).is_err();
        (0..until).filter(other).collect()
    }

    /// A proof from among these, which have no order, whatever the others did.
    fn prove(&mut self, mut must: Vec<u32>) -> Proof {
        let reads: Vec<u32> = must
            .iter()
            .copied()
            .filter(|&call| self.model.is_read(&self.calls[call as usize].op))
            .collect();
        self.leave_out(&mut must, &reads);
        let rest = must.clone();
        self.leave_out(&mut must, &rest);
        self.make_sure(&mut must);
        let may = self.smallest_may(&must);
        Proof {
            must,
            may,
            smallest: !self.doubt,
        }
    }

    /// What happened, in the order of completion.
    fn happened(&self) -> Vec<u32> {
        let mut all: Vec<u32> = (0..self.begun)
            .filter(|&call| self.calls[call as usize].must && self.kept[call as usize])
            .collect();
        all.sort_unstable_by_key(|&call| self.calls[call as usize].completed);
        all
    }

    /// What happened of a proof. A read that saw a write is needless where the write itself is listed, and
    /// the first proof, which prefers late operations, may have taken the read.
    fn completed(&self, proof: &Proof) -> Vec<u32> {
        let mut calls = proof.calls();
        calls.retain(|&call| self.calls[call as usize].must);
        calls
    }

    /// The fewest of the last to complete that will do. What is impossible stays so with more.
    fn last_of(&mut self, all: &[u32]) -> Vec<u32> {
        let tail = |count: usize| {
            let mut tail = all[all.len() - count..].to_vec();
            tail.sort_unstable();
            tail
        };
        let (mut low, mut high) = (0, 1);
        while high < all.len() && !self.impossible(&tail(high)) {
            low = high;
            high *= 2;
        }
        high = high.min(all.len());
        while low + 1 < high {
            let middle = usize::midpoint(low, high);
            if self.impossible(&tail(middle)) {
                high = middle;
            } else {
                low = middle;
            }
        }
        tail(high)
    }

    /// Leaves out what it can of the candidates, large pieces first. One pass of single ones is enough: what
    /// is needed now is needed in every smaller set.
    fn leave_out(&mut self, must: &mut Vec<u32>, candidates: &[u32]) {
        let mut candidates = candidates.to_vec();
        let mut size = candidates.len().div_ceil(2);
        while size > 0 && !candidates.is_empty() {
            let mut kept = Vec::new();
            for piece in candidates.chunks(size) {
                if self.is_over() {
                    return;
                }
                let without: Vec<u32> = must
                    .iter()
                    .copied()
                    .filter(|call| !piece.contains(call))
                    .collect();
                if !without.is_empty() && self.impossible(&without) {
                    *must = without;
                } else {
                    kept.extend_from_slice(piece);
                }
            }
            candidates = kept;
            size = match size {
                1 => 0,
                _ => size.div_ceil(2),
            };
        }
    }

    fn smallest_may(&mut self, must: &[u32]) -> Vec<u32> {
        let all = self.others(must, self.calls.len() as u32);
        let others = self.others(must, self.begun);
        let mut may = Vec::new();
        for &weakened in must {
            let rest = without(must, weakened);
            let free = with(&others, weakened);
            self.collect(&rest, &free, Others::AsTheyRan, &mut may);
        }
        let timed = self.collect(must, &all, Others::AnyTime, &mut may);
        may.sort_unstable();
        may.dedup();
        may.retain(|call| must.binary_search(call).is_err());
        for call in may.clone() {
            let fewer = without(&may, call);
            if self.honest(must, &fewer, timed) {
                may = fewer;
            }
        }
        self.substitute(must, &mut may, &others, timed);
        may
    }

    /// Collects the calls that some order takes; false if there is none.
    fn collect(&mut self, must: &[u32], may: &[u32], others: Others, into: &mut Vec<u32>) -> bool {
        match self.search(must, may, others, true) {
            Answer::Order(order) => {
                into.extend(order);
                true
            }
            Answer::Impossible(_) | Answer::Stopped(..) => false,
        }
    }

    /// Whether these others are enough to keep the violation what it is.
    fn honest(&mut self, must: &[u32], may: &[u32], timed: bool) -> bool {
        let explained = |answer| matches!(answer, Answer::Order(_));
        if timed && !explained(self.decide(must, may, Others::AnyTime)) {
            return false;
        }
        must.iter().all(|&weakened| {
            let rest = without(must, weakened);
            let free = with(may, weakened);
            explained(self.decide(&rest, &free, Others::AsTheyRan))
        })
    }

    /// Puts later equal operations in the place of earlier ones: what happened just before is easier to
    /// follow than what happened long ago.
    fn substitute(&mut self, must: &[u32], may: &mut Vec<u32>, others: &[u32], timed: bool) {
        for call in may.clone() {
            let same = |&&other: &&u32| {
                let (old, new) = (&self.calls[call as usize], &self.calls[other as usize]);
                other > call && new.op == old.op && new.completed != NEVER
            };
            let later: Vec<u32> = others.iter().rev().filter(same).copied().collect();
            for other in later.into_iter().take(SUBSTITUTES) {
                let changed = with(&without(may, call), other);
                if !may.contains(&other) && self.honest(must, &changed, timed) {
                    *may = changed;
                    break;
                }
            }
        }
    }
}

/// All states that any of the operations can lead to, in whatever order, if the history is long and they are
/// few.
fn anywhere<M: Model>(model: &M, calls: &[Call<M::Op>]) -> Option<Vec<M::State>> {
    if calls.len() < LONG {
        return None;
    }
    let mut met = FxHashSet::default();
    let mut ops: Vec<&M::Op> = Vec::new();
    for call in calls {
        if met.insert(&call.op) {
            ops.push(&call.op);
        }
        if ops.len() > FEW_OPERATIONS {
            return None;
        }
    }
    let mut states = vec![model.initial()];
    let mut at = 0;
    let mut next = Vec::new();
    while at < states.len() {
        for op in &ops {
            model.outcomes(&states[at], op, &mut next);
            for state in next.drain(..) {
                if !states.contains(&state) {
                    states.push(state);
                }
            }
            if states.len() > FEW_STATES {
                return None;
            }
        }
        at += 1;
    }
    Some(states)
}

/// Calls that concern the same, directly or by way of others, in the order of their first.
fn groups<M: Model>(model: &M, calls: &[Call<M::Op>]) -> Vec<Vec<u32>> {
    let mut group_of: FxHashMap<u64, usize> = FxHashMap::default();
    let mut groups: Vec<Vec<u32>> = Vec::new();
    for (number, call) in calls.iter().enumerate() {
        let Some(concerned) = model.concerns(&call.op).filter(|list| !list.is_empty()) else {
            continue;
        };
        let known: Vec<usize> = concerned
            .iter()
            .filter_map(|of| group_of.get(of).copied())
            .collect();
        let group = known.iter().min().copied().unwrap_or_else(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        for other in known.into_iter().filter(|&other| other != group) {
            let moved = std::mem::take(&mut groups[other]);
            groups[group].extend(moved);
            for at in group_of.values_mut().filter(|at| **at == other) {
                *at = group;
            }
        }
        groups[group].push(number as u32);
        group_of.extend(concerned.into_iter().map(|of| (of, group)));
    }
    groups.retain(|group| !group.is_empty());
    groups
}

fn without(calls: &[u32], call: u32) -> Vec<u32> {
    calls
        .iter()
        .copied()
        .filter(|&other| other != call)
        .collect()
}

fn with(calls: &[u32], call: u32) -> Vec<u32> {
    let mut calls = calls.to_vec();
    calls.insert(calls.partition_point(|&other| other < call), call);
    calls
}
