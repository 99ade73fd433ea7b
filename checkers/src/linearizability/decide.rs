//! Decides one object: by theory where it applies, else by search, after a cheap look for what is
//! impossible at once.

use rustc_hash::FxHashMap;

use super::calls::{Call, NEVER};
use super::distinct::{Core, Distinct, Elements, Fact, Found, Outcome, is_order};
use super::search::{Answer, Limits, Search, Stop};
use super::witness;
use crate::Model;
use crate::theory::{Theory, View};

/// The name of the search among the algorithms.
pub(crate) const SEARCH: &str = "search (Wing & Gong 1993, Lowe 2017)";
/// How many operations are named at most that led to a value.
const MOST_SOURCES: usize = 16;
/// How far a search may go to confirm what a theory found.
const STEPS_TO_CONFIRM: u64 = 200_000;
const ELEMENTS: &str = "Reads of everything are told as if only the elements named here existed.";
const PIECES: &str = "Texts are told as if only the pieces named here existed.";
const REFUTATION: &str = "values from nowhere";
/// What it takes to decide anything at all, in bytes a call: what the log-linear algorithms hold at most.
const BYTES_A_CALL: usize = 200;

/// What was found of one object, and how.
#[derive(Debug)]
pub(crate) struct Decision<O> {
    pub(crate) ruling: Ruling<O>,
    pub(crate) algorithm: &'static str,
    /// How many configurations a search looked at.
    pub(crate) steps: u64,
}

#[derive(Debug)]
pub(crate) enum Ruling<O> {
    /// There is an order; this one of all operations, if it is known.
    Order(Option<Vec<u32>>),
    Impossible(Impossible<O>),
    /// Nobody knows. Everything before the completion of this call has an order, if it was begun.
    Stopped(Stop, Option<u32>),
}

/// Why there is no order.
#[derive(Debug)]
pub(crate) struct Impossible<O> {
    /// The call of the object past whose completion no order goes on.
    pub(crate) deadly: u32,
    /// Whether everything before that completion is known to have an order.
    pub(crate) alive: bool,
    /// Whether nothing was made use of there that became known later of what was running. Operations that failed
    /// take no part at all.
    pub(crate) open: bool,
    /// Calls that are impossible by themselves, and the last of them that matters; all calls if there are
    /// none here.
    pub(crate) core: Option<(Vec<Call<O>>, u32)>,
    /// How they are told, if it is as if only some values existed.
    pub(crate) restricted: Option<&'static str>,
}

/// Decides whether the calls, which are in the order of invocation, have an order.
pub(crate) fn decide<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    limits: &Limits<'_>,
) -> Decision<M::Op> {
    let decider = Decider {
        model,
        calls,
        limits,
        first: true,
    };
    decider.decide()
}

/// As [`decide`], but for where the calls become impossible and why.
///
/// # Errors
/// Why nobody knows.
pub(crate) fn possible<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    limits: &Limits<'_>,
) -> Result<bool, Stop> {
    let decider = Decider {
        model,
        calls,
        limits,
        first: false,
    };
    match decider.decide().ruling {
        Ruling::Order(_) => Ok(true),
        Ruling::Impossible(_) => Ok(false),
        Ruling::Stopped(stop, _) => Err(stop),
    }
}

fn stopped<O>(stop: Stop) -> Decision<O> {
    Decision {
        ruling: Ruling::Stopped(stop, None),
        algorithm: SEARCH,
        steps: 0,
    }
}

struct Decider<'a, M: Model> {
    model: &'a M,
    calls: &'a [Call<M::Op>],
    limits: &'a Limits<'a>,
    /// Whether the first completion is looked for past which no order goes on.
    first: bool,
}

impl<M: Model> Decider<'_, M> {
    fn decide(&self) -> Decision<M::Op> {
        let budget = self.limits.budget;
        if budget.is_over() {
            return stopped(Stop::Time);
        }
        if self.calls.len().saturating_mul(BYTES_A_CALL) > budget.bytes() {
            return stopped(Stop::Memory);
        }
        let found = self.by_theory().or_else(|| self.refute());
        found.unwrap_or_else(|| self.search())
    }

    fn search(&self) -> Decision<M::Op> {
        let (answer, steps, first) = Search::first(self.model, self.calls, false, self.limits);
        let ruling = match answer {
            Answer::Order(_) => Ruling::Order(None),
            Answer::Impossible(deadly) => Ruling::Impossible(Impossible {
                deadly,
                alive: first,
                open: false,
                core: None,
                restricted: None,
            }),
            Answer::Stopped(stop, call) => Ruling::Stopped(stop, call),
        };
        Decision {
            ruling,
            algorithm: SEARCH,
            steps,
        }
    }

    /// What the theory says, if it says anything that holds.
    fn by_theory(&self) -> Option<Decision<M::Op>> {
        let distinct = Distinct::new(self.model, self.calls, self.limits.budget.bytes())?;
        let algorithm = distinct.algorithm();
        let ruling = match distinct.decide() {
            Outcome::Found(Found::Order(order)) => self.certified(order)?,
            Outcome::Found(Found::Violation(core)) => {
                Ruling::Impossible(self.violated(&distinct, &core)?)
            }
            Outcome::Found(Found::Open) => return None,
            Outcome::Elements(elements) => return self.elements(&distinct, elements),
        };
        Some(Decision {
            ruling,
            algorithm,
            steps: 0,
        })
    }

    /// The order, if it is one.
    fn certified(&self, order: Vec<u32>) -> Option<Ruling<M::Op>> {
        let holds = is_order(self.model, self.calls, &order);
        debug_assert!(holds, "an order that the object does not allow");
        holds.then_some(Ruling::Order(Some(order)))
    }

    /// The calls of a core, if they are impossible, and the last of them that matters.
    fn confirmed(&self, core: &Core) -> Option<(Vec<Call<M::Op>>, u32)> {
        let kept = |value: u64| {
            core.only
                .as_ref()
                .is_none_or(|only| only.binary_search(&value).is_ok())
        };
        let calls: Option<Vec<Call<M::Op>>> = core
            .calls
            .iter()
            .enumerate()
            .map(|(number, &at)| {
                let mut call = self.calls[at as usize].clone();
                if core.only.is_some() {
                    call.op = self.model.restrict(&call.op, &kept)?;
                }
                if let Some(text) = core.texts.get(number) {
                    call.op = self.model.with_text(&call.op, text)?;
                }
                Some(call)
            })
            .collect();
        let calls = calls?;
        let limits = Limits {
            steps: STEPS_TO_CONFIRM,
            ..*self.limits
        };
        let (answer, _) = Search::exists(self.model, &calls, &limits);
        match answer {
            Answer::Impossible(last) => Some((calls, last)),
            Answer::Order(_) => {
                // Texts may be told apart by reads that are not among the calls.
                debug_assert!(
                    !core.texts.is_empty(),
                    "a violation that has an order: {calls:?}"
                );
                None
            }
            // The search cannot say of so many calls; the theorem does.
            Answer::Stopped(..) => {
                let last = (0..).zip(&calls).filter(|(_, call)| call.must);
                let last = last.max_by_key(|(_, call)| call.completed)?.0;
                Some((calls, last))
            }
        }
    }

    /// A violation that the theory found, if it is one.
    fn violated(&self, distinct: &Distinct<'_>, core: &Core) -> Option<Impossible<M::Op>> {
        let confirmed = self.confirmed(core)?;
        let found = if self.first {
            distinct.dies_with(core, || self.limits.budget.is_over())?
        } else {
            (core.calls[confirmed.1 as usize], false)
        };
        let (deadly, alive, open) = self.first_to_die(found);
        Some(Impossible {
            deadly,
            alive,
            open,
            core: Some(confirmed),
            restricted: match core {
                Core { only: Some(_), .. } => Some(ELEMENTS),
                Core { texts, .. } if !texts.is_empty() => Some(PIECES),
                Core { .. } => None,
            },
        })
    }

    /// The call past whose completion no order goes on, where it is not known to be the first: a search says it, if
    /// it comes that far, by what became known later.
    fn first_to_die(&self, (deadly, alive): (u32, bool)) -> (u32, bool, bool) {
        if alive || !self.first {
            return (deadly, alive, true);
        }
        let limits = Limits {
            steps: STEPS_TO_CONFIRM.min(self.limits.steps),
            ..*self.limits
        };
        match Search::first(self.model, self.calls, false, &limits) {
            (Answer::Impossible(first), _, true) => (first, true, false),
            _ => (deadly, false, true),
        }
    }

    /// Decides elements of a set one by one that were added or removed more than once. Of several elements
    /// that have no order the one is told that dies first.
    fn elements(&self, distinct: &Distinct<'_>, mut elements: Elements) -> Option<Decision<M::Op>> {
        let mut steps = 0;
        let mut stopped = None;
        let mut worst = match &elements.violation {
            Some(core) => Some(self.violated(distinct, core)?),
            None => None,
        };
        let mut all_first = worst.as_ref().is_none_or(|worst| worst.alive);
        for facts in &elements.open {
            let calls: Vec<Call<M::Op>> = facts.iter().map(|fact| self.moved(fact)).collect();
            let (answer, looked, first) = Search::first(self.model, &calls, true, self.limits);
            steps += looked;
            all_first &= first;
            match answer {
                Answer::Order(effects) => {
                    for (gap, at) in witness::place(self.model, &calls, &effects)? {
                        elements.points.push(gap, facts[at as usize].call);
                    }
                }
                Answer::Impossible(last) => {
                    let deadly = facts[last as usize].call;
                    let earlier = worst.as_ref().is_none_or(|worst| {
                        self.calls[deadly as usize].completed
                            < self.calls[worst.deadly as usize].completed
                    });
                    if earlier {
                        let as_recorded = |fact: &Fact| self.calls[fact.call as usize].clone();
                        worst = Some(Impossible {
                            deadly,
                            alive: true,
                            open: true,
                            core: Some((facts.iter().map(as_recorded).collect(), last)),
                            restricted: None,
                        });
                    }
                }
                Answer::Stopped(stop, call) => {
                    let call = call.map(|call| facts[call as usize].call);
                    stopped = stopped.or(Some((stop, call)));
                }
            }
        }
        let ruling = match (worst, stopped) {
            (Some(impossible), _) => Ruling::Impossible(Impossible {
                alive: all_first && stopped.is_none(),
                ..impossible
            }),
            (None, Some((stop, call))) => Ruling::Stopped(stop, call),
            (None, None) => self.certified(elements.points.order())?,
        };
        Some(Decision {
            ruling,
            algorithm: distinct.algorithm(),
            steps,
        })
    }

    /// A call in the time of the theory, whose events are numbered from 1.
    fn moved(&self, fact: &Fact) -> Call<M::Op> {
        let mut call = self.calls[fact.call as usize].clone();
        call.invoked = fact.from - 1;
        call.completed = if fact.to == NEVER { NEVER } else { fact.to - 1 };
        call
    }

    /// An operation that gave a value, what gave it the value that it needed, and so on: what could have
    /// explained the value, had it come in time.
    fn sources(&self, value: u64, source: impl Fn(u64) -> Option<u32>) -> Vec<u32> {
        let mut sources = Vec::new();
        let mut next = source(value);
        while let Some(at) = next.filter(|at| !sources.contains(at) && sources.len() < MOST_SOURCES)
        {
            sources.push(at);
            next = match self.model.view(&self.calls[at as usize].op) {
                View::Swap(old, _) => source(old),
                _ => None,
            };
        }
        sources
    }

    /// Looks for an operation of a register that found a value which nobody can have put there.
    fn refute(&self) -> Option<Decision<M::Op>> {
        let Some(Theory::Register { initial }) = self.model.theory() else {
            return None;
        };
        let mut givers: FxHashMap<u64, u32> = FxHashMap::default();
        let mut writes: FxHashMap<u64, u32> = FxHashMap::default();
        for (at, call) in (0..).zip(self.calls) {
            let view = self.model.view(&call.op);
            if let View::Put(value) | View::Swap(_, value) = view {
                givers.entry(value).or_insert(at);
            }
            if let View::Put(value) = view {
                writes.entry(value).or_insert(at);
            }
        }
        let impossible = |call: &Call<M::Op>| {
            let (View::See(value) | View::Swap(value, _)) = self.model.view(&call.op) else {
                return None;
            };
            let giver = givers.get(&value).copied();
            let early =
                giver.is_none_or(|giver| self.calls[giver as usize].invoked > call.completed);
            (value != initial && early).then_some(value)
        };
        let found = (0..)
            .zip(self.calls)
            .filter(|(_, call)| call.must)
            .filter_map(|(at, call)| Some((call.completed, at, impossible(call)?)))
            .min()?;
        let (_, deadly, value) = found;
        let source = |value: u64| writes.get(&value).or_else(|| givers.get(&value)).copied();
        let mut calls: Vec<u32> = vec![deadly];
        calls.extend(self.sources(value, source));
        calls.sort_unstable();
        calls.dedup();
        let core = Core::whole(calls);
        let (deadly, alive, open) = self.first_to_die((deadly, false));
        Some(Decision {
            ruling: Ruling::Impossible(Impossible {
                deadly,
                alive,
                open,
                core: Some(self.confirmed(&core)?),
                restricted: None,
            }),
            algorithm: REFUTATION,
            steps: 0,
        })
    }
}
