//! Why no order explains a few operations, in words: what each process did, in its own order, and where the
//! orders that keep all of these get stuck.

use rustc_hash::FxHashSet;

use rupture_history::{History, Process};

use super::shrink::{Proof, Subject};
use crate::Model;
use crate::linearizability::calls::{Call, Part};

/// How many orders that get stuck are told.
const ENDS: usize = 6;
/// Beyond how many operations nobody would read the orders.
const MOST_CALLS: usize = 40;
/// How many beginnings of orders are looked at.
const BEGINNINGS: usize = 4096;

/// A counterexample in words.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) summary: String,
    pub(super) explanation: Vec<String>,
}

/// Puts a proof into words.
pub(super) fn explain<M: Model>(
    subject: &Subject<'_, M>,
    history: &History,
    proof: &Proof,
) -> Words {
    let story = Story::new(subject, history, proof);
    let mut explanation = story.orders_of_processes();
    let mut culprit = None;
    if story.told.len() <= MOST_CALLS {
        let ends = story.ends();
        culprit = ends.culprit();
        explanation.extend(story.stuck(&ends));
    } else {
        explanation.push(format!(
            "No one order keeps all of these and agrees with what each of the {} operations saw; they are too \
             many to go through the orders in words.",
            story.told.len()
        ));
    }
    explanation.extend(story.others(proof));
    Words {
        summary: story.summary(culprit),
        explanation,
    }
}

/// An operation of the proof.
struct Told<'a, O> {
    call: &'a Call<O>,
    part: usize,
    process: i64,
    who: Process,
    /// In words, with its object.
    what: String,
    /// The same with its process.
    name: String,
}

/// The beginning of an order.
#[derive(Clone)]
struct Beginning<S> {
    placed: Vec<usize>,
    states: Vec<S>,
}

/// A way to continue an order, and whether by something that happened.
struct Way<S> {
    must: bool,
    next: Beginning<S>,
}

/// The orders that cannot be continued, and what each of them refuses.
struct Ends<S> {
    ends: Vec<(Beginning<S>, Vec<usize>)>,
    /// Whether all were looked at.
    all: bool,
}

impl<S> Ends<S> {
    /// The last operation that every order refuses in the end.
    fn culprit(&self) -> Option<usize> {
        let (_, first) = self.ends.first().filter(|_| self.all)?;
        let everywhere =
            |call: &&usize| self.ends.iter().all(|(_, refused)| refused.contains(call));
        first.iter().rev().find(everywhere).copied()
    }
}

/// What is told of a proof.
struct Story<'a, M: Model> {
    model: &'a M,
    parts: Vec<&'a Part<M::Op>>,
    told: Vec<Told<'a, M::Op>>,
    /// How many operations could have been told.
    all: usize,
}

impl<'a, M: Model> Story<'a, M> {
    fn new(subject: &Subject<'a, M>, history: &History, proof: &Proof) -> Self {
        let parts: Vec<&Part<M::Op>> = subject
            .parts
            .iter()
            .filter(|part| proof.touches(part))
            .collect();
        let mut told: Vec<Told<'a, M::Op>> = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let key = match (&part.key, parts.len()) {
                (Some(key), 2..) => format!(" on key {key}"),
                _ => String::new(),
            };
            for call in part.calls.iter().filter(|call| proof.has(call.operation)) {
                let what = subject.model.describe(&call.op, &part.values);
                told.push(Told {
                    call,
                    part: number,
                    process: subject.operations[call.operation as usize].process,
                    who: history.get(call.invoked as usize).process(),
                    what: format!("{what}{key}"),
                    name: String::new(),
                });
            }
        }
        told.sort_by_key(|told| told.call.operation);
        name(&mut told, history);
        Self {
            model: subject.model,
            all: subject.parts.iter().map(|part| part.calls.len()).sum(),
            parts,
            told,
        }
    }

    /// A line for each process; operations that nobody saw complete have lines of their own.
    fn orders_of_processes(&self) -> Vec<String> {
        let mut processes: Vec<i64> = self.told.iter().map(|told| told.process).collect();
        processes.sort_unstable();
        processes.dedup();
        let mut lines = Vec::new();
        for process in processes {
            let (known, open): (Vec<_>, Vec<_>) = self
                .told
                .iter()
                .filter(|told| told.process == process)
                .partition(|told| told.call.must);
            let whats: Vec<&str> = known.iter().map(|told| &*told.what).collect();
            let name = known.iter().chain(&open).map(|told| &told.who).next();
            let Some(process) = name else { continue };
            if let [one] = whats[..] {
                lines.push(format!("Process {process} did: {one}."));
            } else if !whats.is_empty() {
                lines.push(format!(
                    "Process {process} did, in this order: {}.",
                    whats.join(", then ")
                ));
            }
            for told in open {
                let before = known
                    .iter()
                    .rev()
                    .find(|other| other.call.operation < told.call.operation);
                let after = before.map_or("at any point".to_owned(), |before| {
                    format!("anywhere after its {}", before.what)
                });
                lines.push(format!(
                    "Process {process} never learned of its {}: it may come {after}, or not at all.",
                    told.what
                ));
            }
        }
        lines
    }

    /// The operations that may come next.
    fn nexts(&self, placed: &[usize]) -> Vec<usize> {
        let left = |at: &usize| !placed.contains(at);
        let free = |&at: &usize| {
            let told = &self.told[at];
            (0..at).all(|other| {
                let other_told = &self.told[other];
                let same = other_told.process == told.process && other_told.call.must;
                !same || placed.contains(&other)
            })
        };
        (0..self.told.len()).filter(left).filter(free).collect()
    }

    /// Goes through all orders, as far as they go.
    fn ends(&self) -> Ends<M::State> {
        let mut ends = Ends {
            ends: Vec::new(),
            all: true,
        };
        let mut met = FxHashSet::default();
        let mut stack = vec![Beginning {
            placed: Vec::new(),
            states: vec![self.model.initial(); self.parts.len()],
        }];
        while let Some(beginning) = stack.pop() {
            let mut set = beginning.placed.clone();
            set.sort_unstable();
            if !met.insert((set, beginning.states.clone())) {
                continue;
            }
            if met.len() > BEGINNINGS {
                ends.all = false;
                break;
            }
            let (mut continued, refused) = self.continued(&beginning);
            // What may have happened does not have to come next, so an order that only it continues is stuck too.
            if !continued.iter().any(|way| way.must) {
                ends.ends.push((beginning, refused));
            }
            continued.reverse();
            stack.extend(continued.into_iter().map(|way| way.next));
        }
        ends
    }

    /// Every way to continue, and what is refused.
    fn continued(&self, beginning: &Beginning<M::State>) -> (Vec<Way<M::State>>, Vec<usize>) {
        let mut continued = Vec::new();
        let mut refused = Vec::new();
        for call in self.nexts(&beginning.placed) {
            let told = &self.told[call];
            let mut states = Vec::new();
            self.model
                .outcomes(&beginning.states[told.part], &told.call.op, &mut states);
            if states.is_empty() {
                refused.push(call);
            }
            continued.extend(states.into_iter().map(|state| {
                let mut next = beginning.clone();
                next.placed.push(call);
                next.states[told.part] = state;
                Way {
                    must: told.call.must,
                    next,
                }
            }));
        }
        (continued, refused)
    }

    fn names(&self, placed: &[usize]) -> String {
        let names: Vec<&str> = placed.iter().map(|&call| &*self.told[call].name).collect();
        names.join(", ")
    }

    fn state(&self, states: &[M::State]) -> String {
        let one = |(part, state): (&&Part<M::Op>, &M::State)| {
            let state = self.model.describe_state(state, &part.values);
            match (&part.key, self.parts.len()) {
                (Some(key), 2..) => format!("on key {key} {state}"),
                _ => state,
            }
        };
        let all: Vec<String> = self.parts.iter().zip(states).map(one).collect();
        all.join(" and ")
    }

    /// How far the orders go.
    fn stuck(&self, ends: &Ends<M::State>) -> Vec<String> {
        let mut told = FxHashSet::default();
        let mut lines = Vec::new();
        for (beginning, refused) in &ends.ends {
            let state = self.state(&beginning.states);
            if !told.insert((state.clone(), refused.clone())) {
                continue;
            }
            let begun = match &beginning.placed[..] {
                [] => "At the beginning".to_owned(),
                placed => format!("In the order {}", self.names(placed)),
            };
            lines.push(format!(
                "{begun}, {state}; next could come {}, but cannot.",
                self.names(refused)
            ));
        }
        let more = lines.len().saturating_sub(ENDS);
        if more > 0 {
            lines.truncate(ENDS);
            lines.push(format!("There are {more} more orders that end likewise."));
        }
        lines
    }

    fn others(&self, proof: &Proof) -> Vec<String> {
        let mut lines = Vec::new();
        match self.all - self.told.len() {
            0 => {}
            1 => lines.push(
                "The one other operation does not help, whether it took effect or not.".to_owned(),
            ),
            others => lines.push(format!(
                "None of the {others} other operations helps, whichever of them took effect."
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

    fn summary(&self, culprit: Option<usize>) -> String {
        let on = match self.parts[..] {
            [part] => part
                .key
                .as_ref()
                .map_or(String::new(), |key| format!(" on key {key}")),
            _ => format!(" on {} keys", self.parts.len()),
        };
        let these = match self.told.len() {
            1 => format!("nothing explains this operation{on}"),
            count => format!(
                "no one order of these {count} operations{on} keeps the order of every process"
            ),
        };
        match culprit {
            Some(culprit) => format!("{these}: {} has no place", self.told[culprit].name),
            None => these,
        }
    }
}

/// Names every operation so that no two are named alike.
fn name<O>(told: &mut [Told<'_, O>], history: &History) {
    let plain: Vec<String> = told
        .iter()
        .map(|told| format!("process {}'s {}", told.who, told.what))
        .collect();
    for (at, told) in told.iter_mut().enumerate() {
        let alike = plain.iter().filter(|other| **other == plain[at]).count();
        told.name.clone_from(&plain[at]);
        if alike > 1 {
            let index = history.get(told.call.invoked as usize).index();
            told.name = format!("{} of event {index}", plain[at]);
        }
    }
}
