//! The steps of cycles in words, and as data for drawing.
//!
//! Kinds are Adya's: `ww`, `wr` and `rw`, and `process` and `realtime` beside them. An edge that is there in every order
//! says which operations show it. One that is not, but follows as the other order of two versions is impossible, says
//! that and why; what its refutation rests on comes behind the cycle.

use rupture_history::verdict::Dependency;

use super::naming::{By, Step, Steps};
use super::reads::Version;
use super::words::Words;
use crate::isolation::graph::{PROCESS, REALTIME, RW, WR, kind_name};
use crate::isolation::solver::{Case, Proof};

impl Words<'_, '_, '_> {
    pub(super) fn edge(&self, step: Step, why: String) -> Dependency {
        Dependency {
            from: self.prepared.transactions.index(step.from),
            to: self.prepared.transactions.index(step.to),
            kind: kind_name(step.kind).to_owned(),
            why,
        }
    }

    /// The edges of a cycle that is there in every order.
    pub(super) fn edges(&self, cycle: &[Step], steps: &Steps<'_, '_, '_, '_>) -> Vec<Dependency> {
        let edges = cycle.iter();
        edges
            .map(|&step| self.edge(step, self.step(step, steps)))
            .collect()
    }

    /// The edges that a proof by cases leaves: the cycle of the last case, in which every other one is refuted, and what
    /// refutes them.
    pub(super) fn derived(
        &self,
        proof: &Proof,
        cycles: &[Vec<Step>],
        steps: &Steps<'_, '_, '_, '_>,
    ) -> Vec<Dependency> {
        let (Some(last), Some(cycle)) = (proof.cases.last(), cycles.last()) else {
            return Vec::new();
        };
        let holds = |step: &&Step| match step.by {
            By::Chosen(choice, turned) => last.taken.contains(&(choice, turned)),
            _ => true,
        };
        let refuted = cycles[..cycles.len() - 1].iter().flatten().filter(holds);
        let mut known: Vec<Step> = Vec::new();
        let mut edges = Vec::new();
        for &step in cycle.iter().chain(refuted) {
            if known.contains(&step) {
                continue;
            }
            known.push(step);
            let mut why = self.sentence(step, "", steps);
            if let By::Chosen(choice, turned) = step.by {
                why.push(' ');
                why.push_str(&self.refutation((choice, turned), last, proof, cycles));
            }
            edges.push(self.edge(step, why));
        }
        edges
    }

    /// Why the other side of a choice is impossible, given the sides that were taken before it.
    fn refutation(
        &self,
        side: (u32, bool),
        last: &Case,
        proof: &Proof,
        cycles: &[Vec<Step>],
    ) -> String {
        let at = last.taken.iter().position(|&taken| taken == side);
        let at = at.unwrap_or(0);
        let refutes = |case: &Case| {
            case.taken.get(..at) == last.taken.get(..at) && case.taken.get(at) != Some(&side)
        };
        let cases = proof.cases.iter().zip(cycles);
        let found: Vec<String> = cases
            .filter(|(case, _)| refutes(case))
            .map(|(_, cycle)| self.circle(cycle))
            .collect();
        let given = if at > 0 {
            ", as the choices before it stand"
        } else {
            ""
        };
        match &found[..] {
            [one] => format!("The other order of the two versions is impossible{given}: {one}."),
            _ => format!(
                "The other order of the two versions is impossible{given}; each case leads to a cycle: {}.",
                found.join("; ")
            ),
        }
    }

    /// Who comes before whom around a cycle.
    pub(super) fn circle(&self, cycle: &[Step]) -> String {
        let names: Vec<String> = cycle.iter().map(|step| self.name(step.from)).collect();
        let first = names.first().cloned().unwrap_or_default();
        format!("{} < {first}", names.join(" < "))
    }

    /// Why one transaction of a cycle comes before the next.
    pub(super) fn step(&self, step: Step, steps: &Steps<'_, '_, '_, '_>) -> String {
        self.sentence(step, " by what is supposed", steps)
    }

    /// The same, with what is to be said of the sides of choices.
    fn sentence(&self, step: Step, chosen: &str, steps: &Steps<'_, '_, '_, '_>) -> String {
        let (from, to) = (self.name(step.from), self.name(step.to));
        let transactions = self.prepared.transactions;
        if step.kind == PROCESS {
            let process = transactions.process(step.from);
            return format!(
                "Process {process} had completed {from} before it invoked {to}, so {from} came before {to}."
            );
        }
        if step.kind == REALTIME {
            let completed = transactions.operations[step.from as usize].completed;
            let event = completed.map_or(0, |row| transactions.history.get(row as usize).index());
            let invoked = transactions.index(step.to);
            return format!(
                "{from} had completed (event {event}) before {to} was invoked (event {invoked}), so {from} came \
                 before {to}."
            );
        }
        let (key, value, later) = (
            self.key(step.version),
            self.value(step.version),
            self.value(step.later),
        );
        if step.kind == WR {
            return format!(
                "{to} read {value} of key {key}, and {from} had written it, so {from} came before {to}."
            );
        }
        let did = if step.kind == RW {
            format!("{from} read {value} of key {key}")
        } else {
            format!("{from} wrote {value} to key {key}")
        };
        let initial = self.prepared.is_initial(step.version);
        let (how, more) = match step.by {
            By::Shown if initial => (String::new(), None),
            By::Shown => (format!(", which it had read as well, with {later}"), None),
            By::First => (String::new(), self.follows(step.version, steps)),
            By::Assumed(..) => (" by what is assumed".to_owned(), self.assumed(step, steps)),
            By::Chosen(..) => (chosen.to_owned(), None),
        };
        let sentence = if step.by == By::Shown && !initial {
            format!("{did}, and {to} overwrote that{how}, so {from} came before {to}.")
        } else {
            format!("{did}, and {to} overwrote that with {later}{how}, so {from} came before {to}.")
        };
        let more = more.map_or(String::new(), |more| format!(" {more}"));
        sentence + &more
    }

    /// That nothing comes between the versions of the chain that this one ends, if there are several.
    pub(super) fn follows(&self, tail: Version, steps: &Steps<'_, '_, '_, '_>) -> Option<String> {
        let chain = steps.chain(steps.encoding.units.of[tail as usize]);
        let [head, rest @ ..] = &chain[..] else {
            return None;
        };
        let writers: Vec<String> = rest
            .iter()
            .filter_map(|&version| self.prepared.writer(version))
            .map(|writer| self.name(writer))
            .collect();
        let (only, verb) = match &writers[..] {
            [] => return None,
            [one] => (one.clone(), "wrote"),
            several => (several.join(", "), "each wrote"),
        };
        Some(format!(
            "{only} {verb} the version of key {} that follows the one it had read, so nothing comes between {} and {}.",
            self.key(tail),
            self.value(*head),
            self.value(tail)
        ))
    }

    /// Who met the two versions of an assumed order.
    fn met(&self, pair: (Version, Version)) -> Option<String> {
        let at = self.prepared.assumed.binary_search(&pair).ok()?;
        let (from, to) = self.prepared.pairs[at].met;
        let (name, then) = (self.name(from), self.name(to));
        let (earlier, later) = (self.value(pair.0), self.value(pair.1));
        let how = if from == to {
            format!("{name} met {earlier} and then {later}")
        } else {
            format!(
                "{name} met {earlier} and had completed before {then} was invoked, which met {later}"
            )
        };
        Some(format!(
            "{how}, so it is assumed that {earlier} came before {later}."
        ))
    }

    /// Who shows what is assumed, and what the chains of the two versions are.
    fn assumed(&self, step: Step, steps: &Steps<'_, '_, '_, '_>) -> Option<String> {
        let By::Assumed(earlier, later) = step.by else {
            return None;
        };
        let mut said: Vec<String> = self.met((earlier, later)).into_iter().collect();
        said.extend(self.follows(step.version, steps));
        let behind = steps.encoding.units.of[step.later as usize];
        let tail = steps.encoding.units.list[behind as usize].tail;
        said.extend(self.follows(tail, steps));
        (!said.is_empty()).then(|| said.join(" "))
    }

    /// Whom a step needs beside its two ends: those who wrote the chains that it rests on.
    pub(super) fn others(&self, step: Step, steps: &Steps<'_, '_, '_, '_>) -> Vec<u32> {
        let units = &steps.encoding.units.of;
        let chains: Vec<u32> = match step.by {
            By::Shown => Vec::new(),
            By::First => vec![units[step.version as usize]],
            By::Assumed(earlier, later) => vec![units[earlier as usize], units[later as usize]],
            By::Chosen(choice, _) => {
                let (one, other) = steps.choices.about(choice);
                vec![one, other]
            }
        };
        let versions = chains.into_iter().flat_map(|chain| steps.chain(chain));
        let writers = versions.filter_map(|version| self.prepared.writer(version));
        let met = match step.by {
            By::Assumed(earlier, later) => {
                let at = self.prepared.assumed.binary_search(&(earlier, later));
                at.ok().map(|at| self.prepared.pairs[at].met)
            }
            _ => None,
        };
        let met = met.into_iter().flat_map(|(from, to)| [from, to]);
        writers.chain(met).collect()
    }
}
