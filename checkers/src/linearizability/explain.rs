//! Why no order explains a few operations, in words.
//!
//! The words are found by going through the orders themselves: put one operation after another in every way
//! that real time allows, and note what is refused where. If one operation is refused wherever the orders
//! end, it is the one to speak of: here are all the places that it could have had, and here is what the
//! state was there.

use rupture_history::History;
use rustc_hash::{FxHashMap, FxHashSet};

use super::calls::{Call, Part};
use super::shrink::Proof;
use crate::Model;

/// How many facts of real time are told, and how many refusals.
const FACTS: usize = 8;
const REFUSALS: usize = 6;
/// Beyond how many operations nobody would read the orders, and finding them takes longer than anybody would wait.
const MOST_CALLS: usize = 48;
/// How many beginnings of orders are looked at.
const BEGINNINGS: usize = 4096;

/// A counterexample in words.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) summary: String,
    pub(crate) explanation: Vec<String>,
}

/// Puts a proof into words. It is about these calls, which are all of the part or some of them.
pub(crate) fn explain<M: Model>(
    model: &M,
    history: &History,
    part: &Part<M::Op>,
    calls: &[Call<M::Op>],
    proof: &Proof,
) -> Words {
    let calls: Vec<&Call<M::Op>> = proof
        .calls()
        .iter()
        .map(|&call| &calls[call as usize])
        .collect();
    let names = Names::new(model, history, part, &calls);
    if calls.len() > MOST_CALLS {
        let mut explanation = vec![format!(
            "No order of these {} operations agrees with real time and with what each of them saw; they are too many \
             to go through the orders in words.",
            calls.len()
        )];
        explanation.extend(names.others(part, proof));
        return Words {
            summary: names.summary(part, None),
            explanation,
        };
    }
    let orders = Orders::of(model, &calls);
    let culprit = orders.culprit();
    let mut explanation = names.facts();
    explanation.extend(match culprit {
        Some(culprit) => names.no_place(model, part, &orders, culprit),
        None => names.dead_ends(model, part, &orders),
    });
    explanation.extend(names.others(part, proof));
    Words {
        summary: names.summary(part, culprit),
        explanation,
    }
}

/// The beginning of an order.
#[derive(Clone, Debug)]
struct Beginning<S> {
    placed: Vec<usize>,
    state: S,
}

/// A place that was refused to an operation.
#[derive(Clone, Debug)]
struct Refusal<S> {
    call: usize,
    after: Beginning<S>,
}

/// All orders of a few operations, as far as they go.
struct Orders<S> {
    refusals: Vec<Refusal<S>>,
    /// The beginnings that cannot be continued, and what each of them refuses.
    ends: Vec<(Beginning<S>, Vec<usize>)>,
    /// Whether all were looked at.
    all: bool,
}

impl<S: Clone + Eq + std::hash::Hash> Orders<S> {
    fn of<M: Model<State = S>>(model: &M, calls: &[&Call<M::Op>]) -> Self {
        let mut orders = Self {
            refusals: Vec::new(),
            ends: Vec::new(),
            all: true,
        };
        let mut met = FxHashSet::default();
        let mut stack = vec![Beginning {
            placed: Vec::new(),
            state: model.initial(),
        }];
        while let Some(beginning) = stack.pop() {
            let mut set = beginning.placed.clone();
            set.sort_unstable();
            if !met.insert((set, beginning.state.clone())) {
                continue;
            }
            if met.len() > BEGINNINGS {
                orders.all = false;
                break;
            }
            let mut next = orders.extend(model, calls, &beginning);
            next.reverse();
            stack.append(&mut next);
        }
        orders
    }

    /// Every way to continue; what is refused is noted.
    fn extend<M: Model<State = S>>(
        &mut self,
        model: &M,
        calls: &[&Call<M::Op>],
        beginning: &Beginning<S>,
    ) -> Vec<Beginning<S>> {
        let mut continued = Vec::new();
        let mut refused = Vec::new();
        for call in nexts(calls, &beginning.placed) {
            let mut states = Vec::new();
            model.outcomes(&beginning.state, &calls[call].op, &mut states);
            if states.is_empty() {
                refused.push(call);
                self.refusals.push(Refusal {
                    call,
                    after: beginning.clone(),
                });
            }
            continued.extend(states.into_iter().map(|state| {
                let mut placed = beginning.placed.clone();
                placed.push(call);
                Beginning { placed, state }
            }));
        }
        if continued.is_empty() {
            self.ends.push((beginning.clone(), refused));
        }
        continued
    }

    /// The last operation that every order refuses in the end.
    fn culprit(&self) -> Option<usize> {
        let (_, first) = self.ends.first().filter(|_| self.all)?;
        let everywhere =
            |call: &&usize| self.ends.iter().all(|(_, refused)| refused.contains(call));
        first.iter().rev().find(everywhere).copied()
    }
}

/// The operations that may come next: before which no other had completed that is not yet placed.
fn nexts<O>(calls: &[&Call<O>], placed: &[usize]) -> Vec<usize> {
    let left: Vec<usize> = (0..calls.len())
        .filter(|call| !placed.contains(call))
        .collect();
    let free = |&call: &usize| {
        let invoked = calls[call].invoked;
        left.iter().all(|&other| calls[other].completed > invoked)
    };
    left.iter().copied().filter(free).collect()
}

/// What things are called in a text about a few operations.
struct Names<'a, O> {
    history: &'a History,
    calls: &'a [&'a Call<O>],
    texts: Vec<String>,
}

impl<'a, O> Names<'a, O> {
    fn new<M: Model<Op = O>>(
        model: &M,
        history: &'a History,
        part: &Part<O>,
        calls: &'a [&'a Call<O>],
    ) -> Self {
        let plain: Vec<String> = calls
            .iter()
            .map(|call| {
                let process = history.get(call.invoked as usize).process();
                format!(
                    "process {process}'s {}",
                    model.describe(&call.op, &part.values)
                )
            })
            .collect();
        let mut times: FxHashMap<&str, usize> = FxHashMap::default();
        for name in &plain {
            *times.entry(name).or_default() += 1;
        }
        let text = |(name, call): (&String, &&Call<O>)| {
            if times[&**name] == 1 {
                return name.clone();
            }
            let index = history.get(call.invoked as usize).index();
            format!("{name} of event {index}")
        };
        Self {
            history,
            calls,
            texts: plain.iter().zip(calls).map(text).collect(),
        }
    }

    fn moment(&self, row: u32) -> String {
        let event = self.history.get(row as usize);
        match event.time() {
            time if time < 0 => format!("event {}", event.index()),
            time => format!("event {}, {:.6} s", event.index(), time as f64 / 1e9),
        }
    }

    fn before(&self, a: usize, b: usize) -> bool {
        self.calls[a].completed < self.calls[b].invoked
    }

    /// Which operation came before which, without what follows from the rest.
    fn facts(&self) -> Vec<String> {
        let all = 0..self.calls.len();
        let mut facts = Vec::new();
        for a in all.clone() {
            for b in all.clone().filter(|&b| self.before(a, b)) {
                if all.clone().any(|c| self.before(a, c) && self.before(c, b)) {
                    continue;
                }
                facts.push(format!(
                    "{} completed ({}) before {} was invoked ({}).",
                    self.texts[a],
                    self.moment(self.calls[a].completed),
                    self.texts[b],
                    self.moment(self.calls[b].invoked),
                ));
            }
        }
        shorten(facts, FACTS, "more such facts")
    }

    /// An order in words.
    fn order(&self, placed: &[usize]) -> String {
        let names: Vec<&str> = placed.iter().map(|&call| &*self.texts[call]).collect();
        names.join(", ")
    }

    /// Where an operation could have come, and why it could not.
    fn no_place<M: Model<Op = O>>(
        &self,
        model: &M,
        part: &Part<O>,
        orders: &Orders<M::State>,
        culprit: usize,
    ) -> Vec<String> {
        let mut told = FxHashSet::default();
        let mut lines = Vec::new();
        for refusal in orders
            .refusals
            .iter()
            .filter(|refusal| refusal.call == culprit)
        {
            let state = model.describe_state(&refusal.after.state, &part.values);
            if !told.insert(state.clone()) {
                continue;
            }
            lines.push(match &refusal.after.placed[..] {
                [] => format!("{} cannot come first: {state}.", self.texts[culprit]),
                placed => format!(
                    "{} cannot come after {}: {state}.",
                    self.texts[culprit],
                    self.order(placed),
                ),
            });
        }
        shorten(
            lines,
            REFUSALS,
            "more states in which it cannot come either",
        )
    }

    /// How far the orders go.
    fn dead_ends<M: Model<Op = O>>(
        &self,
        model: &M,
        part: &Part<O>,
        orders: &Orders<M::State>,
    ) -> Vec<String> {
        let mut told = FxHashSet::default();
        let mut lines = Vec::new();
        for (beginning, refused) in &orders.ends {
            let state = model.describe_state(&beginning.state, &part.values);
            if !told.insert((state.clone(), refused.clone())) {
                continue;
            }
            let begun = match &beginning.placed[..] {
                [] => "At the beginning".to_owned(),
                placed => format!("In the order {}", self.order(placed)),
            };
            lines.push(format!(
                "{begun}, {state}; next could come {}, but cannot.",
                self.order(refused)
            ));
        }
        shorten(lines, REFUSALS, "more orders that end likewise")
    }

    fn others(&self, part: &Part<O>, proof: &Proof) -> Vec<String> {
        let mut lines = Vec::new();
        match part.calls.len() - self.calls.len() {
            0 => {}
            1 => lines.push(
                "The one other operation does not help, whether it took effect or not.".to_owned(),
            ),
            others => lines.push(format!(
                "None of the {others} other operations helps, whichever of them took effect, \
                 at whatever moment while it ran."
            )),
        }
        if !proof.smallest {
            lines.push(
                "The search for the smallest set was cut short: not all of these may be needed."
                    .to_owned(),
            );
        }
        lines
    }

    fn summary(&self, part: &Part<O>, culprit: Option<usize>) -> String {
        let on = part
            .key
            .as_ref()
            .map_or(String::new(), |key| format!(" on key {key}"));
        let these = match self.calls.len() {
            1 => format!("nothing explains this operation{on}"),
            count => format!("no order explains these {count} operations{on}"),
        };
        match culprit {
            Some(culprit) => format!("{these}: {} has no place", self.texts[culprit]),
            None => these,
        }
    }
}

fn shorten(mut lines: Vec<String>, most: usize, what: &str) -> Vec<String> {
    let more = lines.len().saturating_sub(most);
    if more > 0 {
        lines.truncate(most);
        lines.push(format!("There are {more} {what}."));
    }
    lines
}
