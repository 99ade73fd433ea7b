//! The judge finds what the rules find, and its evidence alone shows it.

use crate::searches::{at_least, share};
use std::collections::BTreeMap;

use rupture_history::{Anomaly, Event, History, Kind, Process, Validity, Verdict};

use super::oracle::{self, Counts};
use super::random;
use crate::linearizability::tests::random::Random;
use crate::log::{Log, LogAnomaly};
use crate::{Budget, Checker};

const HISTORIES: usize = share(60_000);
const MOST: usize = 18;

fn judge(judge: Log, events: &[Event]) -> Verdict {
    let history: History = events.iter().collect();
    let verdict = judge.check(&history, &Budget::unlimited());
    verdict.unwrap_or_else(|error| panic!("{error}\n{events:#?}"))
}

fn strict() -> Log {
    LogAnomaly::ALL
        .iter()
        .fold(Log::new(), |judge, kind| judge.forbid(*kind))
}

fn found(verdict: &Verdict) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for anomaly in &verdict.anomalies {
        *counts.entry(&*anomaly.kind).or_default() += 1;
    }
    counts
}

fn is_circle(kind: &str) -> bool {
    kind.starts_with("G1c")
}

/// Eight of a kind are told; of circles, whether there are any, and any of polls alone.
fn expected(counts: &Counts) -> BTreeMap<&str, usize> {
    let told = counts
        .iter()
        .filter(|(kind, _)| **kind != "circle" && !is_circle(kind));
    told.map(|(kind, count)| (*kind, (*count).min(8))).collect()
}

fn compare(verdict: &Verdict, counts: &Counts, events: &[Event]) {
    let mut found = found(verdict);
    let circles = found.keys().any(|kind| is_circle(kind));
    let plain = found.contains_key("G1c");
    found.retain(|kind, _| !is_circle(kind));
    assert_eq!(found, expected(counts), "{events:#?}\n{verdict:#?}");
    assert_eq!(
        circles,
        counts.contains_key("circle"),
        "{events:#?}\n{verdict:#?}"
    );
    assert_eq!(
        plain,
        counts.contains_key("G1c"),
        "{events:#?}\n{verdict:#?}"
    );
}

/// The events of some operations alone.
fn only(events: &[Event], anomaly: &Anomaly) -> Vec<Event> {
    let mut kept = Vec::new();
    let mut open: BTreeMap<Process, bool> = BTreeMap::new();
    for (index, event) in (0..).zip(events) {
        if event.kind == Kind::Invoke {
            let is = anomaly
                .evidence
                .iter()
                .any(|evidence| evidence.index == index);
            open.insert(event.process.clone(), is);
        }
        if open[&event.process] {
            kept.push(event.clone());
        }
    }
    kept
}

fn shows(anomaly: &Anomaly, events: &[Event]) {
    let alone = only(events, anomaly);
    let verdict = judge(strict(), &alone);
    let same = verdict
        .anomalies
        .iter()
        .any(|other| other.kind == anomaly.kind);
    assert!(same, "{events:#?}\n{anomaly:#?}\n{verdict:#?}");
}

fn hold(histories: usize, most: usize, seed: u64) -> BTreeMap<String, usize> {
    let mut random = Random::new(seed);
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for number in 0..histories {
        let events = random::history(&mut random, most);
        let (mut counts, subscribed) = oracle::counts(&events);
        if number % 2 == 0 {
            for (kind, times) in subscribed {
                *counts.entry(kind).or_default() += times;
            }
            let verdict = judge(strict(), &events);
            compare(&verdict, &counts, &events);
            let some = verdict.anomalies.iter().filter(|_| number % 8 == 0);
            some.for_each(|anomaly| shows(anomaly, &events));
            for kind in counts.keys() {
                *count.entry((*kind).to_owned()).or_default() += 1;
            }
        } else {
            counts.retain(|kind, _| !["unseen", "int-send-skip", "send-skip"].contains(kind));
            let verdict = judge(Log::new(), &events);
            compare(&verdict, &counts, &events);
            *count.entry(verdict.validity.name().to_owned()).or_default() += 1;
            let invalid = verdict.validity == Validity::Invalid;
            assert_eq!(invalid, !verdict.anomalies.is_empty());
        }
    }
    count
}

#[test]
fn small_histories_are_judged_by_the_rules() {
    let count = hold(HISTORIES, MOST, 71);
    let kinds = LogAnomaly::ALL.map(LogAnomaly::name);
    let kinds = kinds
        .iter()
        .filter(|kind| !["G1c-process", "G1c-realtime"].contains(kind));
    let answers = ["valid", "unknown", "invalid", "circle"];
    for kind in kinds.chain(&answers) {
        let times = count.get(*kind).copied().unwrap_or_default();
        let least = at_least(if *kind == "G1c" { 8 } else { 40 });
        assert!(times >= least, "too few are {kind}: {count:?}");
    }
}

#[test]
#[ignore = "takes minutes; run every night"]
fn more_histories_are_judged_by_the_rules() {
    hold(2_000_000, 26, 72);
}
