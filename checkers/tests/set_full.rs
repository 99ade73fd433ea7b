//! `set-full` against its definition, over random small histories, and against histories that are known.

use std::collections::{BTreeMap, BTreeSet};

use rupture_checkers::history::{Anomaly, Event, History, Kind, Outcome, Validity, Value, Verdict};
use rupture_checkers::set_full::SetFull;
use rupture_checkers::{Budget, CheckError, Checker};

/// A small generator of random numbers (`SplitMix64`, Steele, Lea & Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// What a read of a set that is right most of the time returns.
fn read(random: &mut Random, set: &BTreeSet<i64>, elements: i64, errors: u64) -> Value {
    let mut seen: Vec<Value> = Vec::new();
    for element in 0..elements {
        if set.contains(&element) != random.one_in(errors) {
            seen.insert(
                random.below(seen.len() as u64 + 1) as usize,
                Value::Int(element),
            );
        }
    }
    if random.one_in(4 * errors) && !seen.is_empty() {
        seen.push(seen[0].clone());
    }
    match random.below(2) {
        0 => Value::Vector(seen),
        _ => Value::Set(seen),
    }
}

/// A history of a few processes and elements, wrong now and then.
fn random_history(random: &mut Random) -> Vec<Event> {
    let (processes, elements) = (1 + random.below(4), 1 + random.below(4) as i64);
    let errors = [3, 10, 1_000_000][random.below(3) as usize];
    let mut open: Vec<Option<Event>> = vec![None; processes as usize];
    let mut set = BTreeSet::new();
    let mut events = Vec::new();
    for time in 0..2 + random.below(14) {
        let process = random.below(processes) as usize;
        let mut event = match open[process].take() {
            None => {
                let (f, value) = match random.below(2) {
                    0 => ("add", Value::Int(random.below(elements as u64) as i64)),
                    _ => ("read", Value::Nil),
                };
                let event = Event::new(process as i64, Kind::Invoke, f, value);
                open[process] = Some(event.clone());
                event
            }
            Some(event) => completion(random, event, &mut set, elements, errors),
        };
        event.time = time as i64;
        events.push(event);
    }
    events
}

fn completion(
    random: &mut Random,
    mut event: Event,
    set: &mut BTreeSet<i64>,
    elements: i64,
    errors: u64,
) -> Event {
    event.kind = match random.below(8) {
        0 => Kind::Fail,
        1 => Kind::Info,
        _ => Kind::Ok,
    };
    match event.value.as_int() {
        None if event.kind == Kind::Ok => event.value = read(random, set, elements, errors),
        Some(element) if event.kind != Kind::Fail && !random.one_in(errors) => {
            set.insert(element);
        }
        _ => {}
    }
    event
}

/// The definition, for one set, read off event by event.
#[derive(Default)]
struct Oracle {
    found: BTreeSet<(&'static str, i64)>,
    operations: usize,
    reads: usize,
    stable: usize,
    unanswered: usize,
}

impl Oracle {
    fn of(history: &History) -> Self {
        let mut oracle = Self::default();
        let operations = history.operations().unwrap();
        oracle.operations = operations.len();
        let rows = |kind: Outcome, f: &str| {
            let wanted = |o: &&_| -> bool {
                let o: &rupture_checkers::history::Operation = o;
                o.outcome == kind && history.get(o.invoked as usize).f() == f
            };
            operations
                .iter()
                .filter(wanted)
                .copied()
                .collect::<Vec<_>>()
        };
        let reads = rows(Outcome::Ok, "read");
        oracle.reads = reads.len();
        let seen = |row: u32| -> Vec<i64> {
            let value = history.get(row as usize).value();
            value
                .items()
                .unwrap()
                .map(|item| item.as_int().unwrap())
                .collect()
        };
        for element in 0..5 {
            let is = |o: &&rupture_checkers::history::Operation| {
                history.get(o.invoked as usize).value().as_int() == Some(element)
            };
            let added = [Outcome::Ok, Outcome::Info]
                .into_iter()
                .flat_map(|kind| rows(kind, "add"))
                .filter(|o| is(&o))
                .map(|o| o.invoked)
                .min();
            let acknowledged = rows(Outcome::Ok, "add")
                .iter()
                .filter(is)
                .filter_map(|o| o.completed)
                .min();
            // When it was known, when the reads that saw it ended, and when those that missed it began.
            let (mut known, mut saw, mut missed) = (acknowledged, Vec::new(), Vec::new());
            for o in &reads {
                let (began, completed) = (o.invoked, o.completed.unwrap());
                let times = seen(completed).iter().filter(|e| **e == element).count();
                if times > 1 {
                    oracle.found.insert(("duplicated", element));
                }
                if added.is_none_or(|added| completed < added) {
                    if times > 0 {
                        oracle.found.insert(("unexpected", element));
                    }
                } else if times > 0 {
                    known = Some(known.map_or(completed, |k: u32| k.min(completed)));
                    saw.push(completed);
                } else {
                    missed.push(began);
                }
            }
            if added.is_none() {
                continue;
            }
            missed.retain(|began| known.is_some_and(|known| known < *began));
            if missed.iter().any(|began| saw.iter().all(|end| end < began)) {
                oracle.found.insert(("lost", element));
            } else if !saw.is_empty() {
                oracle.stable += 1;
                if !missed.is_empty() {
                    oracle.found.insert(("stale", element));
                }
            } else if acknowledged.is_some() {
                oracle.unanswered += 1;
            }
        }
        oracle
    }

    fn verdict(&self, linearizable: bool) -> (Validity, BTreeSet<(String, i64)>) {
        let wrong = self
            .found
            .iter()
            .filter(|(kind, _)| linearizable || *kind != "stale");
        let wrong: BTreeSet<_> = wrong
            .map(|(kind, element)| ((*kind).to_owned(), *element))
            .collect();
        let unknown =
            self.operations == 0 || self.reads == 0 || self.stable == 0 || self.unanswered > 0;
        let validity = match (wrong.is_empty(), unknown) {
            (false, _) => Validity::Invalid,
            (true, true) => Validity::Unknown,
            (true, false) => Validity::Valid,
        };
        (validity, wrong)
    }
}

fn check(history: &History, linearizable: bool) -> Verdict {
    let checker = SetFull::new().linearizable(linearizable);
    checker.check(history, &Budget::unlimited()).unwrap()
}

fn element_of(anomaly: &Anomaly) -> i64 {
    let word = anomaly.summary.split(' ').nth(1).unwrap();
    word.parse().unwrap()
}

fn found(verdict: &Verdict) -> BTreeSet<(String, i64)> {
    let anomalies = verdict.anomalies.iter();
    anomalies
        .map(|anomaly| (anomaly.kind.clone(), element_of(anomaly)))
        .collect()
}

/// The history of some operations alone.
fn only(history: &History, invocations: &BTreeSet<u64>) -> History {
    let mut process_open = BTreeMap::new();
    let mut kept = Vec::new();
    for event in history.iter() {
        let process = event.client().unwrap();
        if event.kind() == Kind::Invoke {
            process_open.insert(process, invocations.contains(&event.index()));
        }
        if process_open[&process] {
            kept.push(event.to_event());
        }
    }
    kept.iter().collect()
}

/// The evidence alone shows the anomaly, and no operation of it can be left out.
fn is_proof(history: &History, anomaly: &Anomaly) -> bool {
    let element = element_of(anomaly);
    let missing = |kind: &str| kind == "lost" || kind == "stale";
    let shows = |operations: &BTreeSet<u64>| {
        let verdict = check(&only(history, operations), true);
        found(&verdict).iter().any(|(kind, of)| {
            *of == element && (*kind == anomaly.kind || missing(kind) && missing(&anomaly.kind))
        })
    };
    let all: BTreeSet<u64> = anomaly
        .evidence
        .iter()
        .map(|evidence| evidence.index)
        .collect();
    // The add of an unexpected element shows why it was not expected; without it nobody added it at all.
    let needed = |index: &&u64| {
        let evidence = anomaly
            .evidence
            .iter()
            .find(|evidence| evidence.index == **index)
            .unwrap();
        anomaly.kind != "unexpected" || evidence.f == "read"
    };
    let less = |index: &u64| all.iter().copied().filter(|other| other != index).collect();
    shows(&all) && all.iter().filter(needed).all(|index| !shows(&less(index)))
}

#[test]
fn random_histories_are_judged_by_the_definition() {
    let mut random = Random(7);
    let mut count = BTreeMap::<String, u32>::new();
    for number in 0..120_000 {
        let events = random_history(&mut random);
        let history: History = events.iter().collect();
        let oracle = Oracle::of(&history);
        for linearizable in [false, true] {
            let verdict = check(&history, linearizable);
            let judged = (verdict.validity, found(&verdict));
            assert_eq!(
                judged,
                oracle.verdict(linearizable),
                "{number}: {events:#?}\n{verdict:#?}"
            );
            *count.entry(verdict.validity.name().to_owned()).or_default() += 1;
            for anomaly in &verdict.anomalies {
                *count.entry(anomaly.kind.clone()).or_default() += 1;
                if number % 8 == 0 {
                    assert!(
                        is_proof(&history, anomaly),
                        "{number}: {events:#?}\n{anomaly:#?}"
                    );
                }
            }
        }
    }
    let kinds = [
        "valid",
        "unknown",
        "invalid",
        "lost",
        "stale",
        "unexpected",
        "duplicated",
    ];
    for kind in kinds {
        assert!(count[kind] > 1_000, "too few are {kind}: {count:?}");
    }
}

/// What is said of a history and must not depend on what real time does not order: the verdict, the elements of each
/// kind, and how many are stable, lost and never read.
fn said(events: &[Event], linearizable: bool) -> (Validity, BTreeSet<(String, i64)>, String) {
    let verdict = check(&events.iter().collect(), linearizable);
    (verdict.validity, found(&verdict), verdict.notes[0].clone())
}

/// Two neighbours of different processes that both begin or both end may have been recorded the other way round.
#[test]
fn neighbours_that_both_begin_or_both_end_order_nothing() {
    let mut random = Random(9);
    let mut swaps = BTreeMap::<(&str, bool), u32>::new();
    for number in 0..20_000 {
        let mut events = random_history(&mut random);
        let linearizable = number % 2 == 0;
        let before = said(&events, linearizable);
        for at in 1..events.len() {
            let (a, b) = (&events[at - 1], &events[at]);
            let begins = a.kind == Kind::Invoke;
            if a.process == b.process || begins != (b.kind == Kind::Invoke) {
                continue;
            }
            events.swap(at - 1, at);
            let after = said(&events, linearizable);
            assert_eq!(after, before, "{number}, swapped at {at}: {events:#?}");
            *swaps.entry((before.0.name(), begins)).or_default() += 1;
        }
    }
    for validity in ["valid", "unknown", "invalid"] {
        for begins in [false, true] {
            let count = swaps.get(&(validity, begins)).copied().unwrap_or(0);
            assert!(count > 1_000, "too few swaps: {swaps:?}");
        }
    }
}

/// Two reads that overlap, one of which sees the element: whichever was invoked first, and whichever ended first.
#[test]
fn reads_that_overlap_are_not_ordered() {
    let begin = |process, f: &str, value| Event::new(process, Kind::Invoke, f, value);
    let end = |process, f: &str, value| Event::new(process, Kind::Ok, f, value);
    let sees = begin(1, "read", Value::Nil);
    let misses = begin(2, "read", Value::Nil);
    let saw = end(1, "read", numbers(1..2));
    let missed = end(2, "read", numbers(0..0));
    let add = [begin(0, "add", Value::Int(1)), end(0, "add", Value::Int(1))];
    for begins in [[&sees, &misses], [&misses, &sees]] {
        for ends in [[&saw, &missed], [&missed, &saw]] {
            // The add overlaps both: what the one read saw was read.
            let early = begins.into_iter().chain(&add).chain(ends);
            let verdict = check(&early.cloned().collect::<Vec<_>>().iter().collect(), true);
            assert_eq!(verdict.validity, Validity::Valid, "{verdict:#?}");
            // The add had ended: the other read is stale, and the element is not lost.
            let late = add.iter().chain(begins).chain(ends);
            let verdict = check(&late.cloned().collect::<Vec<_>>().iter().collect(), true);
            assert_eq!(verdict.anomalies.len(), 1, "{verdict:#?}");
            assert_eq!(verdict.anomalies[0].kind, "stale");
        }
    }
    // Real time orders them: it was seen, and then it was gone.
    let order = add.iter().chain([&sees, &saw, &misses, &missed]);
    let verdict = check(&order.cloned().collect::<Vec<_>>().iter().collect(), false);
    assert_eq!(verdict.anomalies[0].kind, "lost");
}

#[test]
fn keys_are_judged_apart() {
    let mut random = Random(8);
    for _ in 0..3_000 {
        let histories = [random_history(&mut random), random_history(&mut random)];
        let mut both: Vec<Event> = Vec::new();
        for (key, events) in histories.iter().enumerate() {
            both.extend(events.iter().cloned().map(|mut event| {
                event.value = Value::Vector(vec![Value::Int(key as i64), event.value]);
                event.process = rupture_checkers::history::Process::Client(match event.process {
                    rupture_checkers::history::Process::Client(process) => process * 2 + key as i64,
                    rupture_checkers::history::Process::Named(_) => unreachable!("all are clients"),
                });
                event
            }));
        }
        let checker = SetFull::new().linearizable(true).independent(true);
        let verdict = checker
            .check(&both.iter().collect(), &Budget::unlimited())
            .unwrap();
        for (key, events) in histories.iter().enumerate() {
            let alone = found(&check(&events.iter().collect(), true));
            let key = Some(key.to_string());
            let of_key = |anomaly: &&Anomaly| anomaly.key == key;
            let told = verdict.anomalies.iter().filter(of_key);
            let told: BTreeSet<_> = told.map(|a| (a.kind.clone(), element_of(a))).collect();
            assert_eq!(told, alone);
        }
    }
}

fn ok(events: &mut Vec<Event>, process: i64, f: &str, argument: Value, result: Value) {
    events.push(Event::new(process, Kind::Invoke, f, argument));
    events.push(Event::new(process, Kind::Ok, f, result));
}

fn numbers(range: std::ops::Range<i64>) -> Value {
    Value::Vector(range.map(Value::Int).collect())
}

#[test]
fn a_large_lost_set_is_told_briefly() {
    let mut events = Vec::new();
    for element in 0..500 {
        ok(
            &mut events,
            0,
            "add",
            Value::Int(element),
            Value::Int(element),
        );
    }
    ok(&mut events, 1, "read", Value::Nil, numbers(0..400));
    let verdict = check(&events.iter().collect(), false);
    assert_eq!(verdict.validity, Validity::Invalid);
    assert_eq!(verdict.anomalies.len(), 8);
    assert!(
        verdict
            .notes
            .iter()
            .any(|note| note.starts_with("lost: 400 401") && note.ends_with("68 more"))
    );
    let lost = &verdict.anomalies[0];
    assert_eq!(lost.evidence.len(), 2);
    let seen = lost.evidence[1].result.as_deref().unwrap();
    assert_eq!(seen, "[0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 ...]");
}

#[test]
fn an_acknowledged_element_that_nobody_read_leaves_the_verdict_open() {
    let mut events = Vec::new();
    ok(&mut events, 0, "add", Value::Int(1), Value::Int(1));
    ok(&mut events, 0, "read", Value::Nil, numbers(1..2));
    assert_eq!(
        check(&events.iter().collect(), true).validity,
        Validity::Valid
    );
    ok(&mut events, 0, "add", Value::Int(2), Value::Int(2));
    let verdict = check(&events.iter().collect(), true);
    assert_eq!(verdict.validity, Validity::Unknown);
    assert!(verdict.reasons[0].contains("(2)"), "{:?}", verdict.reasons);
}

#[test]
fn what_is_no_set_is_no_verdict() {
    let mut events = vec![Event::new(0, Kind::Invoke, "remove", Value::Int(1))];
    let result = SetFull::new().check(&events.iter().collect(), &Budget::unlimited());
    assert!(matches!(result, Err(CheckError::UnknownFunction { .. })));
    events.clear();
    ok(&mut events, 0, "read", Value::Nil, Value::Int(3));
    let result = SetFull::new().check(&events.iter().collect(), &Budget::unlimited());
    assert!(matches!(result, Err(CheckError::WrongValue { .. })));
}

#[test]
fn a_spent_budget_is_unknown() {
    let mut events = Vec::new();
    ok(&mut events, 0, "add", Value::Int(1), Value::Int(1));
    ok(&mut events, 0, "read", Value::Nil, numbers(1..2));
    let history: History = events.iter().collect();
    for budget in [
        Budget::unlimited().with_time(&|| true),
        Budget::unlimited().with_bytes(1),
    ] {
        let verdict = SetFull::new().check(&history, &budget).unwrap();
        assert_eq!(verdict.validity, Validity::Unknown);
    }
}

/// 100,000 adds and 1,000 reads of all there was: run it with `--release -- --ignored --nocapture`.
#[test]
#[ignore = "large"]
fn a_large_history() {
    let mut events = Vec::new();
    let mut history = History::new();
    for element in 0..100_000 {
        ok(
            &mut events,
            0,
            "add",
            Value::Int(element),
            Value::Int(element),
        );
        if element % 100 == 99 {
            ok(&mut events, 1, "read", Value::Nil, numbers(0..element + 1));
        }
        for event in events.drain(..) {
            history.push(&event);
        }
    }
    let start = std::time::Instant::now();
    let verdict = check(&history, true);
    println!(
        "{} bytes of history judged in {:?}",
        history.bytes(),
        start.elapsed()
    );
    assert_eq!(verdict.validity, Validity::Valid);
}
