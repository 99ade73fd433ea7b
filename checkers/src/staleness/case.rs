//! What both checkers have in common: reading the history, and from the parts' numbers to a verdict.

use rupture_history::verdict::Measure;
use rupture_history::{Anomaly, History, Operation, Validity, Verdict};

use super::clusters::Impossible;
pub(super) use super::words::RegisterPart;
use super::words::Words;
use crate::linearizability::calls::Objects;
pub(super) use crate::linearizability::decide::SEARCH;
use crate::linearizability::opening::{Opened, Opening, open, unknown};
use crate::models::Register;
use crate::{Budget, CheckError};

/// How many anomalies of a key are told, and how many keys are named one by one.
pub(super) const TOLD: usize = 5;
const KEYS_NAMED: usize = 5;

/// What is known of the smallest bound of a part. Without `at_least` there is none that holds.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) at_least: Option<u64>,
    pub(super) at_most: Option<u64>,
    /// Why the two differ.
    pub(super) why: Option<&'static str>,
}

/// A level whose bound is given or looked for.
pub(super) struct Asked {
    pub(super) level: String,
    /// The name of the level without its bound, and the unit of the bound.
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    /// Puts a bound into words.
    pub(super) bound: fn(u64) -> String,
    pub(super) goal: Option<u64>,
}

/// A check under way.
pub(super) struct Case<'a> {
    pub(super) history: &'a History,
    pub(super) operations: &'a [Operation],
    pub(super) budget: &'a Budget<'a>,
    pub(super) asked: &'a Asked,
    verdict: Verdict,
    /// The keys of the parts that have a smallest bound, and what is known of it.
    known: Vec<(Option<String>, Known)>,
    stopped: Vec<String>,
}

/// How a part compares with what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    Holds,
    Broken,
    Open,
}

impl Known {
    pub(super) fn compare(&self, goal: Option<u64>) -> Compared {
        let Some(least) = self.at_least else {
            return Compared::Broken;
        };
        let meets = match goal {
            Some(goal) => self.at_most.is_some_and(|most| most <= goal),
            None => self.at_most == Some(least),
        };
        match goal {
            _ if meets => Compared::Holds,
            Some(goal) if least > goal => Compared::Broken,
            _ => Compared::Open,
        }
    }

    fn text(&self, bound: fn(u64) -> String) -> String {
        match (self.at_least.unwrap_or(0), self.at_most) {
            (least, Some(most)) if least == most => bound(least),
            (least, Some(most)) => format!("between {} and {}", bound(least), bound(most)),
            (least, None) => format!("at least {}", bound(least)),
        }
    }
}

/// Reads the history and judges each register of it by `judge`, which tells what it found.
pub(super) fn check(
    asked: &Asked,
    objects: &Objects,
    history: &History,
    budget: &Budget<'_>,
    refuse: impl Fn(&[Operation]) -> Option<String>,
    mut judge: impl FnMut(&mut Case<'_>, &RegisterPart),
) -> Result<Verdict, CheckError> {
    let opening = open(&Register, &asked.level, objects, history, budget)?;
    let Opened {
        operations,
        parts,
        verdict,
        bytes,
        ..
    } = match opening {
        Opening::Judge(opened) => opened,
        Opening::Closed(verdict) => return Ok(verdict),
    };
    if let Some(reason) = refuse(&operations) {
        return Ok(unknown(verdict, reason));
    }
    let budget = budget.with_bytes(bytes);
    let mut case = Case {
        history,
        operations: &operations,
        budget: &budget,
        asked,
        verdict,
        known: Vec::new(),
        stopped: Vec::new(),
    };
    for part in &parts {
        judge(&mut case, part);
    }
    Ok(case.close())
}

impl Case<'_> {
    pub(super) fn words<'b>(&'b self, part: &'b RegisterPart) -> Words<'b> {
        Words::new(self.history, self.operations, part)
    }

    /// Notes what is known of a part, and tells why if it breaks the bound that is asked about.
    pub(super) fn judged<B>(
        &mut self,
        part: &RegisterPart,
        known: Known,
        bound: Option<B>,
        tell: impl FnOnce(&Self, B) -> Vec<Anomaly>,
    ) {
        let broken = known.compare(self.asked.goal) == Compared::Broken;
        if let Some(bound) = bound.filter(|_| broken) {
            let anomalies = tell(self, bound);
            self.tell(anomalies);
        }
        self.learn(part, known);
    }

    /// Reads that no bound explains.
    pub(super) fn impossible(&mut self, part: &RegisterPart, reads: &[Impossible]) {
        let words = Words::new(self.history, self.operations, part);
        let told = reads.iter().take(TOLD).map(|read| words.impossible(*read));
        let told: Vec<Anomaly> = told.collect();
        self.verdict.anomalies.extend(told);
        let nothing = Known {
            at_least: None,
            at_most: None,
            why: None,
        };
        self.decided_by("values from nowhere");
        self.learn(part, nothing);
    }

    /// What is known of a part.
    pub(super) fn learn(&mut self, part: &RegisterPart, known: Known) {
        let compared = known.compare(self.asked.goal);
        if compared == Compared::Open {
            let key = part.key.as_ref();
            let key = key.map_or(String::new(), |key| format!("key {key}: "));
            self.stopped.push(format!(
                "{key}{}; the smallest bound is {}",
                known.why.unwrap_or("out of time"),
                known.text(self.asked.bound),
            ));
        } else {
            self.verdict.explained += part.operations.len() as u64;
        }
        self.known.push((part.key.clone(), known));
    }

    /// Names an algorithm that took part.
    pub(super) fn decided_by(&mut self, algorithm: &str) {
        let known = &mut self.verdict.algorithms;
        if !known.iter().any(|known| known == algorithm) {
            known.push(algorithm.to_owned());
        }
    }

    pub(super) fn tell(&mut self, anomalies: impl IntoIterator<Item = Anomaly>) {
        self.verdict.anomalies.extend(anomalies);
    }

    fn close(mut self) -> Verdict {
        let compared = self.known.iter();
        let compared: Vec<Compared> = compared.map(|(_, k)| k.compare(self.asked.goal)).collect();
        if compared.contains(&Compared::Broken) {
            self.verdict.validity = Validity::Invalid;
            self.verdict.not.push(self.asked.level.clone());
        } else if compared.contains(&Compared::Open) {
            self.verdict.validity = Validity::Unknown;
        }
        self.measured();
        let more = self.stopped.len().saturating_sub(KEYS_NAMED);
        self.stopped.truncate(KEYS_NAMED);
        self.verdict.reasons.append(&mut self.stopped);
        if more > 0 {
            let more = format!("and so for {more} more keys");
            self.verdict.reasons.push(more);
        }
        self.verdict
    }

    /// Reports the smallest bound of the history, which is that of its worst key, and the worst keys.
    fn measured(&mut self) {
        let name = self.asked.name;
        if self.known.iter().any(|(_, known)| known.at_least.is_none()) {
            let note = format!("no bound of {name} holds: a read returned what nobody had written");
            self.verdict.notes.push(note);
            return;
        }
        let mut known = std::mem::take(&mut self.known);
        known.sort_by_key(|(_, known)| std::cmp::Reverse((known.at_least, known.at_most)));
        let Some((key, _)) = known.first().cloned() else {
            return;
        };
        let most = known.iter().map(|(_, known)| known.at_most);
        let all = Known {
            at_least: known.iter().filter_map(|(_, known)| known.at_least).max(),
            at_most: most
                .collect::<Option<Vec<u64>>>()
                .and_then(|m| m.into_iter().max()),
            why: None,
        };
        let on = key.as_ref();
        let on = on.map_or(String::new(), |key| format!(" (key {key} is the worst)"));
        let text = all.text(self.asked.bound);
        let note = format!("the smallest bound of {name} is {text}{on}");
        self.verdict.notes.push(note);
        let keyed = known.iter().filter(|(key, _)| key.is_some());
        let keyed = keyed
            .take(KEYS_NAMED)
            .map(|(key, known)| (key.clone(), known));
        let measure = |(key, known): (Option<String>, &Known)| Measure {
            name: name.to_owned(),
            unit: self.asked.unit.to_owned(),
            at_least: known.at_least.unwrap_or(0),
            at_most: known.at_most,
            key,
        };
        let measures: Vec<Measure> = std::iter::once((None, &all))
            .chain(keyed)
            .map(measure)
            .collect();
        self.verdict.measured = measures;
    }
}
