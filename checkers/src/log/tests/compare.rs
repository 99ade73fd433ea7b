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
    kind.starts_with("G1c") || kind.starts_with("G0")
}

/// Eight of a kind are told; of circles, whether there are any, and any of polls alone.
fn expected(counts: &Counts) -> BTreeMap<&str, usize> {
    let told = counts
        .iter()
        .filter(|(kind, _)| !kind.starts_with("circle") && !is_circle(kind));
    told.map(|(kind, count)| (*kind, (*count).min(8))).collect()
}

fn compare(verdict: &Verdict, counts: &Counts, events: &[Event]) {
    let mut found = found(verdict);
    let circles = found.keys().any(|kind| is_circle(kind));
    let plain = found.contains_key("G1c") || found.contains_key("G0");
    let writes = found.contains_key("G0");
    let of_writes = found.keys().any(|kind| kind.starts_with("G0"));
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
    let expected = ["G0", "circle of sends"].map(|kind| counts.contains_key(kind));
    assert_eq!([writes, of_writes], expected, "{events:#?}\n{verdict:#?}");
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
    let verdict = judge(strict().ww_deps(is_circle(&anomaly.kind)), &alone);
    // What was not certain beside the others may be now, and then a circle is a worse one.
    let worse = |other: &Anomaly| {
        let both = [anomaly, other].map(|one| LogAnomaly::from_name(&one.kind));
        is_circle(&other.kind) && is_circle(&anomaly.kind) && both[1] < both[0]
    };
    let same = |other: &Anomaly| other.kind == anomaly.kind || worse(other);
    let same = verdict.anomalies.iter().any(same);
    assert!(same, "{events:#?}\n{anomaly:#?}\n{verdict:#?}");
}

fn hold(histories: usize, most: usize, seed: u64) -> BTreeMap<String, usize> {
    let mut random = Random::new(seed);
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for number in 0..histories {
        let events = random::history(&mut random, most);
        let ww = number % 4 >= 2;
        let (mut counts, subscribed) = oracle::counts(&events, ww);
        if number % 2 == 0 {
            for (kind, times) in subscribed {
                *counts.entry(kind).or_default() += times;
            }
            let verdict = judge(strict().ww_deps(ww), &events);
            compare(&verdict, &counts, &events);
            let some = verdict.anomalies.iter().filter(|_| number % 8 < 4);
            some.for_each(|anomaly| shows(anomaly, &events));
            for kind in counts.keys() {
                *count.entry((*kind).to_owned()).or_default() += 1;
            }
        } else {
            counts.retain(|kind, _| !["unseen", "int-send-skip", "send-skip"].contains(kind));
            let verdict = judge(Log::new().ww_deps(ww), &events);
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
        .filter(|kind| !kind.ends_with("-process") && !kind.ends_with("-realtime"));
    let answers = ["valid", "unknown", "invalid", "circle", "circle of sends"];
    for kind in kinds.chain(&answers) {
        let times = count.get(*kind).copied().unwrap_or_default();
        let least = at_least(if is_circle(kind) { 8 } else { 40 });
        assert!(times >= least, "too few are {kind}: {count:?}");
    }
}

/// How often a poll lagged.
fn measure(histories: usize, seed: u64) -> usize {
    let mut random = Random::new(seed);
    let mut late = 0;
    for _ in 0..histories {
        let mut events = random::history(&mut random, MOST);
        let mut time = 0;
        for event in &mut events {
            time += random.below(4) as i64;
            event.time = time;
        }
        let verdict = judge(Log::new(), &events);
        let of = |name: &str| {
            let mut measured = verdict.measured.iter().filter(|one| one.name == name);
            measured.next().map(|one| one.at_least as i64)
        };
        let found = of("realtime-lag").zip(of("realtime-lag-offsets"));
        let expected = oracle::lag(&events);
        let same = match (found, &expected) {
            (Some((time, offsets)), Some((worst, far))) => time == *worst && far.contains(&offsets),
            (found, expected) => found.is_none() && expected.is_none(),
        };
        assert!(same, "{found:?} {expected:?} {events:#?}");
        let noted = verdict
            .notes
            .iter()
            .any(|note| note.starts_with("realtime-lag"));
        assert_eq!(noted, expected.is_some_and(|(worst, _)| worst > 0));
        late += usize::from(noted);
    }
    late
}

#[test]
fn the_worst_lag_is_measured_as_it_is_defined() {
    let late = measure(HISTORIES / 4, 73);
    assert!(late >= at_least(2_000), "{late}");
}

#[test]
#[ignore = "takes minutes; run every night"]
fn more_histories_are_judged_by_the_rules() {
    hold(2_000_000, 26, 72);
}
