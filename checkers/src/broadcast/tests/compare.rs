//! The judge finds what the definitions find, and its evidence alone shows it.

use crate::searches::{at_least, share};
use std::collections::BTreeMap;

use rupture_history::{Anomaly, Event, History, Kind, Process, Validity, Verdict};

use super::oracle::{self, Truth};
use super::random;
use crate::broadcast::{Broadcast, Order};
use crate::linearizability::tests::random::Random;
use crate::{Budget, Checker};

const HISTORIES: usize = share(60_000);
const MOST: usize = 24;

fn check(judge: Broadcast, events: &[Event]) -> Verdict {
    let history: History = events.iter().collect();
    let verdict = judge.check(&history, &Budget::unlimited());
    verdict.unwrap_or_else(|error| panic!("{error}\n{events:#?}"))
}

/// The properties that a level promises.
fn promised(order: Order) -> Vec<&'static str> {
    let mut all = vec!["no-creation", "no-duplication", "validity", "agreement"];
    if matches!(order, Order::Fifo | Order::Causal | Order::CausalTotal) {
        all.push("fifo-order");
    }
    if matches!(order, Order::Causal | Order::CausalTotal) {
        all.push("causal-order");
    }
    if matches!(order, Order::Total | Order::CausalTotal) {
        all.push("total-order");
    }
    all
}

fn is_order(property: &str) -> bool {
    property.ends_with("-order")
}

fn compare(order: Order, verdict: &Verdict, truth: &Truth, events: &[Event]) {
    let broken = |property: &&str| truth.broken.contains_key(*property);
    let context = || format!("{order:?} {truth:#?}\n{events:#?}\n{verdict:#?}");
    let not: Vec<&str> = Order::ALL
        .into_iter()
        .filter(|order| promised(*order).iter().any(broken))
        .map(Order::name)
        .collect();
    assert_eq!(verdict.not, not, "{}", context());
    for property in promised(order) {
        let told = verdict
            .anomalies
            .iter()
            .filter(|a| a.kind == property)
            .count();
        let times = truth.broken.get(property).copied().unwrap_or_default();
        if !is_order(property) {
            assert_eq!(told, times.min(8), "{property} {}", context());
        } else if property != "causal-order" || !truth.broken.contains_key("fifo-order") {
            // A gap of FIFO order may hide one of causal order.
            assert_eq!(told > 0, times > 0, "{property} {}", context());
        }
    }
    let expected = if not.contains(&order.name()) {
        Validity::Invalid
    } else if truth.nothing || truth.outstanding > 0 {
        Validity::Unknown
    } else {
        Validity::Valid
    };
    assert_eq!(verdict.validity, expected, "{}", context());
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

fn shows(judge: Broadcast, anomaly: &Anomaly, events: &[Event]) {
    let alone = only(events, anomaly);
    let verdict = check(judge, &alone);
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
        let (uniform, complete) = (random.below(2) == 0, random.below(3) == 0);
        let truth = oracle::truth(&events, uniform, complete);
        let order = Order::ALL[random.below(5)];
        let judge = Broadcast::new(order).uniform(uniform).complete(complete);
        let verdict = check(judge, &events);
        compare(order, &verdict, &truth, &events);
        *count.entry(verdict.validity.name().to_owned()).or_default() += 1;
        *count
            .entry(format!("{} {}", order.name(), verdict.validity.name()))
            .or_default() += 1;
        for anomaly in &verdict.anomalies {
            *count.entry(anomaly.kind.clone()).or_default() += 1;
            if number % 4 == 0 {
                shows(judge, anomaly, &events);
            }
        }
    }
    count
}

#[test]
fn small_histories_are_judged_by_the_definitions() {
    let count = hold(HISTORIES, MOST, 81);
    let mut kinds: Vec<String> = promised(Order::CausalTotal)
        .iter()
        .map(|&k| k.to_owned())
        .collect();
    for order in Order::ALL {
        for validity in ["valid", "unknown", "invalid"] {
            kinds.push(format!("{} {validity}", order.name()));
        }
    }
    for kind in kinds {
        let times = count.get(&kind).copied().unwrap_or_default();
        assert!(times >= at_least(150), "too few are {kind}: {count:#?}");
    }
}

/// Process 2 delivers 6 before 1, which the sender of 6 had delivered; but 4, which the same sender may have broadcast
/// between them, it delivers after both.
#[test]
fn a_broadcast_that_may_have_happened_hides_no_cause() {
    let event = |process, kind, f: &str, value: Option<i64>| {
        let value = value.map_or(rupture_history::Value::Nil, rupture_history::Value::Int);
        Event::new(process, kind, f, value)
    };
    let done = |process, f: &str, value| {
        let argument = (f == "broadcast").then_some(value);
        let invoked = event(process, Kind::Invoke, f, argument);
        [invoked, event(process, Kind::Ok, f, Some(value))]
    };
    let mut maybe = done(0, "broadcast", 4);
    maybe[1].kind = Kind::Info;
    let events = [
        done(1, "broadcast", 1),
        done(0, "deliver", 1),
        maybe,
        done(0, "broadcast", 6),
        done(2, "deliver", 6),
        done(2, "deliver", 1),
        done(2, "deliver", 4),
    ];
    let events = events.concat();
    let truth = oracle::truth(&events, false, false);
    assert!(truth.broken.contains_key("causal-order"), "{truth:#?}");
    let verdict = check(Broadcast::new(Order::Causal), &events);
    compare(Order::Causal, &verdict, &truth, &events);
}

#[test]
#[ignore = "takes minutes; run every night"]
fn more_histories_are_judged_by_the_definitions() {
    hold(2_000_000, 40, 82);
}
