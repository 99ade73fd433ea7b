//! What was found, in words that a person can check by hand. A transaction is called by the index of the event that
//! invoked it.

use rupture_history::verdict::{Anomaly, Evidence};

use super::naming::{self, By, Step, Steps};
use super::prepared::Prepared;
use super::reads::Version;
use crate::Id;
use crate::isolation::Level;
use crate::isolation::cycles::Cycle;
use crate::isolation::graph::{WR, WW};
use crate::isolation::solver::{Case, Proof};
use crate::isolation::transactions::Act;

/// How many transactions of a proof that is not told by cases are shown.
const SHOWN: usize = 12;

pub(super) struct Words<'w, 'p, 'a> {
    pub(super) prepared: &'w Prepared<'p, 'a>,
}

impl Words<'_, '_, '_> {
    pub(super) fn name(&self, transaction: u32) -> String {
        format!("T{}", self.prepared.transactions.index(transaction))
    }

    pub(super) fn key(&self, version: Version) -> String {
        let key = self.prepared.key_of(version);
        self.prepared.transactions.keys.text(Id(key))
    }

    /// What a version holds; `nil` at first.
    pub(super) fn value(&self, version: Version) -> String {
        let write = self.prepared.writes.all().get(version as usize);
        let value = write.map_or(Id::NIL, |write| write.value);
        self.prepared.transactions.values.text(value)
    }

    /// What a micro-operation did.
    pub(super) fn did(&self, place: u32) -> String {
        let transactions = self.prepared.transactions;
        let micro = transactions.micros()[place as usize];
        let key = transactions.keys.text(Id(micro.key));
        match micro.act {
            Act::Write(value) => format!("wrote {} to key {key}", transactions.values.text(value)),
            Act::Read(value) => format!("read {} of key {key}", transactions.values.text(value)),
        }
    }

    pub(super) fn evidence(&self, transactions: &[u32]) -> Vec<Evidence> {
        let mut sorted = transactions.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let all = self.prepared.transactions;
        let of = |&number: &u32| Evidence::of(all.history, &all.operations[number as usize]);
        sorted.iter().map(of).collect()
    }

    pub(super) fn anomaly(&self, kind: &str, transactions: &[u32]) -> Anomaly {
        Anomaly {
            kind: kind.to_owned(),
            evidence: self.evidence(transactions),
            ..Anomaly::default()
        }
    }

    /// The shortest cycles of certain edges, one a name; none if one cannot be told.
    pub(super) fn cycles(&self, cycles: &[Cycle], steps: &Steps<'_, '_, '_, '_>) -> Vec<Anomaly> {
        let told = cycles.iter().filter_map(|cycle| {
            let round = steps.certain(cycle)?;
            let mut anomaly = self.anomaly(cycle.name, &self.all_of(&round, steps));
            anomaly.summary = self.round(&round);
            let whys = round.iter().map(|&step| self.step(step, steps));
            anomaly.explanation.extend(whys);
            anomaly.dependencies = self.edges(&round, steps);
            Some(anomaly)
        });
        told.collect()
    }

    /// Who takes part in some steps, and whom they rest on.
    fn all_of(&self, round: &[Step], steps: &Steps<'_, '_, '_, '_>) -> Vec<u32> {
        let mut all = Vec::new();
        for &step in round {
            all.extend([step.from, step.to]);
            all.extend(self.others(step, steps));
        }
        all
    }

    /// Why there is no order.
    pub(super) fn proof(
        &self,
        proof: &Proof,
        steps: &Steps<'_, '_, '_, '_>,
        level: &str,
    ) -> Anomaly {
        let cycles: Vec<Vec<Step>> = proof
            .cases
            .iter()
            .map(|case| steps.of(&case.cycle))
            .collect();
        let (Some(last), Some(case)) = (cycles.last(), proof.cases.last()) else {
            return self.large(proof, steps, level);
        };
        let plain = |cycle: &Vec<Step>| cycle.iter().all(|step| matches!(step.kind, WW | WR));
        let certain = cycles[..cycles.len() - 1].iter().all(plain);
        let of: Vec<u32> = cycles
            .iter()
            .flat_map(|cycle| self.all_of(cycle, steps))
            .collect();
        let kind = if certain {
            match naming::name(last) {
                // What this level forbids of them.
                name if name == "G-single" && level == "update-atomic" => "fractured-read".into(),
                name => name,
            }
        } else {
            generic(level, &cycles)
        };
        let mut anomaly = self.anomaly(&kind, &of);
        anomaly.summary = if certain {
            self.round(last)
        } else {
            let names: Vec<String> = self.names(&of);
            format!(
                "No order of the versions explains {}: each leads to a cycle.",
                names.join(", ")
            )
        };
        for (case, cycle) in proof.cases.iter().zip(&cycles) {
            if !case.taken.is_empty() {
                anomaly.explanation.push(self.suppose(case, steps));
            }
            anomaly
                .explanation
                .extend(cycle.iter().map(|&step| self.step(step, steps)));
            if proof.cases.len() > 1 {
                anomaly.explanation.push(self.round(cycle));
            }
        }
        anomaly.explanation.extend(self.chains(&cycles, steps));
        anomaly.dependencies = if case.taken.is_empty() {
            self.edges(last, steps)
        } else {
            self.derived(proof, &cycles, steps)
        };
        anomaly
    }

    /// What the chains are whose order was supposed, where they have more than one version.
    fn chains(&self, cycles: &[Vec<Step>], steps: &Steps<'_, '_, '_, '_>) -> Vec<String> {
        let mut units: Vec<u32> = Vec::new();
        for step in cycles.iter().flatten() {
            if let By::Chosen(choice, _) = step.by {
                let (one, other) = steps.choices.about(choice);
                units.extend([one, other]);
            }
        }
        units.sort_unstable();
        units.dedup();
        let tails = units
            .iter()
            .map(|&unit| steps.encoding.units.list[unit as usize].tail);
        tails.filter_map(|tail| self.follows(tail, steps)).collect()
    }

    /// A proof that takes too many cases to tell.
    fn large(&self, proof: &Proof, steps: &Steps<'_, '_, '_, '_>, level: &str) -> Anomaly {
        let mut of = Vec::new();
        let mut pairs = Vec::new();
        for &choice in proof.choices.iter().take(SHOWN) {
            let (one, other) = pair(steps, (choice, false));
            of.extend(
                [one, other]
                    .into_iter()
                    .filter_map(|version| self.prepared.writer(version)),
            );
            pairs.push(self.order(one, other));
        }
        let mut anomaly = self.anomaly(&generic(level, &[]), &of);
        anomaly.summary = format!(
            "No order of {} pairs of writes explains what was read: every one leads to a cycle.",
            proof.choices.len()
        );
        if !proof.minimal {
            anomaly
                .explanation
                .push("Fewer pairs may be enough.".to_owned());
        }
        anomaly.explanation.extend(
            pairs
                .into_iter()
                .map(|pair| format!("Open is whether {pair}.")),
        );
        anomaly
    }

    fn order(&self, one: Version, other: Version) -> String {
        let name = |version| {
            self.prepared
                .writer(version)
                .map_or(String::new(), |t| self.name(t))
        };
        format!(
            "{}'s write of {} to key {} came before {}'s of {}",
            name(one),
            self.value(one),
            self.key(one),
            name(other),
            self.value(other)
        )
    }

    fn suppose(&self, case: &Case, steps: &Steps<'_, '_, '_, '_>) -> String {
        let taken = case.taken.iter().map(|&side| {
            let (one, other) = pair(steps, side);
            self.order(one, other)
        });
        format!("Suppose {}.", taken.collect::<Vec<_>>().join(", and "))
    }

    fn names(&self, transactions: &[u32]) -> Vec<String> {
        let mut sorted = transactions.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        sorted
            .into_iter()
            .map(|transaction| self.name(transaction))
            .collect()
    }

    fn round(&self, cycle: &[Step]) -> String {
        format!(
            "{}: each would have to come before itself.",
            self.circle(cycle)
        )
    }
}

/// The versions that a side of a choice puts in order, the earlier first.
fn pair(steps: &Steps<'_, '_, '_, '_>, (choice, turned): (u32, bool)) -> (Version, Version) {
    let about = steps.choices.about(choice);
    let (one, other) = if turned { (about.1, about.0) } else { about };
    let units = &steps.encoding.units.list;
    (units[one as usize].tail, units[other as usize].head)
}

/// What it is called where no single cycle shows it.
fn generic(level: &str, cycles: &[Vec<Step>]) -> String {
    let all: Vec<Step> = cycles.iter().flatten().copied().collect();
    let name = match Level::named(level) {
        Some(Level::Prefix) => "nonprefix",
        Some(
            Level::SnapshotIsolation
            | Level::ParallelSnapshotIsolation
            | Level::StrongSnapshotIsolation
            | Level::StrongSessionSnapshotIsolation,
        ) => "not-snapshot-isolated",
        Some(Level::ConsistentView) => "inconsistent-view",
        Some(Level::UpdateAtomic | Level::CursorStability) => "nonserializable-updates",
        _ => "nonserializable",
    };
    format!("{name}{}", naming::suffix(&all))
}
