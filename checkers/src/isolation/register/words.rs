//! What was found, in words that a person can check by hand. A transaction is called by the index of the event that
//! invoked it.

use rupture_history::Outcome;
use rupture_history::verdict::{Anomaly, Dependency, Evidence};

use super::naming::{self, Step, Steps};
use super::prepared::Prepared;
use super::reads::{Finding, Version};
use crate::Id;
use crate::isolation::graph::{PROCESS, REALTIME, RW, WR, WW, kind_name};
use crate::isolation::promise::Fault;
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

    fn key(&self, version: Version) -> String {
        let key = self.prepared.key_of(version);
        self.prepared.transactions.keys.text(Id(key))
    }

    /// What a version holds; `nil` at first.
    fn value(&self, version: Version) -> String {
        let write = self.prepared.writes.all().get(version as usize);
        let value = write.map_or(Id::NIL, |write| write.value);
        self.prepared.transactions.values.text(value)
    }

    /// What a micro-operation did.
    fn did(&self, place: u32) -> String {
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

    /// The transaction that a micro-operation belongs to.
    fn owner(&self, place: u32) -> u32 {
        let transactions = self.prepared.transactions;
        let mut least = 0;
        let mut most = transactions.len() as u32;
        while most - least > 1 {
            let middle = least + (most - least) / 2;
            if transactions.places(middle).start <= place as usize {
                least = middle;
            } else {
                most = middle;
            }
        }
        least
    }

    /// Something that one or two transactions show.
    pub(super) fn finding(&self, finding: &Finding, count: usize) -> Anomaly {
        let other = self.owner(finding.other_place);
        let (reader, writer) = (self.name(finding.reader), self.name(other));
        let (read, theirs) = (self.did(finding.place), self.did(finding.other_place));
        let sentence = match finding.fault {
            Fault::GarbageRead => format!("{reader} {read}, which nobody wrote."),
            Fault::AbortedRead => format!("{reader} {read}; but {writer}, which {theirs}, failed."),
            Fault::IntermediateRead => {
                format!("{reader} {read}; but {writer}, which {theirs}, went on to overwrite it.")
            }
            Fault::FutureRead => format!("{reader} {read}, which it wrote only later."),
            Fault::LostUpdate => format!(
                "{writer} {theirs} and {reader} {read}, and both then wrote that key: one of them did not see \
                 what it updated."
            ),
            _ => format!("{reader} {read}, but before that it {theirs}."),
        };
        let key = self.prepared.transactions.micros()[finding.place as usize].key;
        let mut anomaly = self.anomaly(finding.fault.name(), &[finding.reader, other]);
        anomaly.key = Some(self.prepared.transactions.keys.text(Id(key)));
        anomaly.summary = counted(sentence, count);
        let unknown = self.prepared.transactions.outcome(other) == Outcome::Info;
        if unknown {
            anomaly.explanation.push(format!(
                "Nobody was told whether {writer} committed; what was read of it shows that it did."
            ));
        }
        anomaly
    }

    fn anomaly(&self, kind: &str, transactions: &[u32]) -> Anomaly {
        Anomaly {
            kind: kind.to_owned(),
            evidence: self.evidence(transactions),
            ..Anomaly::default()
        }
    }

    /// Two versions that one transaction read of a key, neither its own.
    pub(super) fn read_twice(&self, (before, place): (u32, u32), count: usize) -> Anomaly {
        let reader = self.owner(place);
        let writers = [before, place].map(|place| {
            let micro = self.prepared.transactions.micros()[place as usize];
            match micro.act {
                Act::Read(value) => self
                    .prepared
                    .writes
                    .find(micro.key, value)
                    .map(|w| w.transaction),
                Act::Write(_) => None,
            }
        });
        let mut of = vec![reader];
        of.extend(writers.into_iter().flatten());
        let mut anomaly = self.anomaly("G-single", &of);
        let name = self.name(reader);
        anomaly.summary = counted(
            format!("{name} {} and also {}.", self.did(before), self.did(place)),
            count,
        );
        anomaly.explanation.push(format!(
            "Whichever of the two versions came first, {name} depends on the writer of the later one, and that \
             one overwrote what {name} had read: each would have to come before the other."
        ));
        anomaly
    }

    /// An assumed order of versions that contradicts what updates show.
    pub(super) fn impossible(&self, (earlier, later): (Version, Version), count: usize) -> Anomaly {
        let of: Vec<u32> = [earlier, later]
            .into_iter()
            .filter_map(|version| self.prepared.writer(version))
            .collect();
        let mut anomaly = self.anomaly("cyclic-versions", &of);
        let (key, first, second) = (self.key(earlier), self.value(earlier), self.value(later));
        anomaly.key = Some(key.clone());
        anomaly.summary = counted(
            format!(
                "key {key} held {first} before {second} by what is assumed, and after it by what was read"
            ),
            count,
        );
        anomaly
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
            .flatten()
            .flat_map(|step| [step.from, step.to])
            .collect();
        let kind = if certain {
            naming::name(last)
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
                .extend(cycle.iter().map(|&step| self.step(step)));
            if proof.cases.len() > 1 {
                anomaly.explanation.push(self.round(cycle));
            }
        }
        if certain || case.taken.is_empty() {
            anomaly.dependencies = last.iter().map(|&step| self.dependency(step)).collect();
        }
        anomaly
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
        let names: Vec<String> = cycle.iter().map(|step| self.name(step.from)).collect();
        let first = names.first().cloned().unwrap_or_default();
        format!(
            "{} < {first}: each would have to come before itself.",
            names.join(" < ")
        )
    }

    fn dependency(&self, step: Step) -> Dependency {
        Dependency {
            from: self.prepared.transactions.index(step.from),
            to: self.prepared.transactions.index(step.to),
            kind: kind_name(step.kind).to_owned(),
            why: self.step(step),
        }
    }

    /// Why one transaction of a cycle comes before the next.
    fn step(&self, step: Step) -> String {
        let (from, to) = (self.name(step.from), self.name(step.to));
        let transactions = self.prepared.transactions;
        if step.kind == PROCESS {
            let process = transactions.operations[step.from as usize].process;
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
        let then = if step.supposed {
            " by what is supposed"
        } else {
            ""
        };
        match step.kind {
            WR => format!(
                "{to} read {value} of key {key}, and {from} had written it, so {from} came before {to}."
            ),
            RW => format!(
                "{from} read {value} of key {key}, and {to} overwrote that with {later}{then}, so {from} came \
                 before {to}."
            ),
            _ => format!(
                "{from} wrote {value} to key {key}, and {to} overwrote that with {later}{then}, so {from} came \
                 before {to}."
            ),
        }
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
    let name = match level {
        "prefix" => "nonprefix",
        level if level.ends_with("snapshot-isolation") => "not-snapshot-isolated",
        _ => "nonserializable",
    };
    format!("{name}{}", naming::suffix(&all))
}

fn counted(sentence: String, count: usize) -> String {
    if count > 1 {
        return format!("{sentence} (The first of {count}.)");
    }
    sentence
}
