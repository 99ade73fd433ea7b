//! Long histories, and how long they take.

use std::time::Instant;

use rupture_history::{Event, History, Kind, Validity, Value};

use crate::broadcast::{Broadcast, Order};
use crate::linearizability::tests::random::Random;
use crate::{Budget, Checker};

fn push(history: &mut History, process: usize, f: &str, result: Value, argument: Value) {
    let mut event = Event::new(process as i64, Kind::Invoke, f, argument);
    history.push(&event);
    (event.kind, event.value) = (Kind::Ok, result);
    history.push(&event);
}

/// Everybody delivers everything in the order in which it was broadcast, some of them late.
fn history(operations: usize, processes: usize) -> History {
    let mut random = Random::new(9);
    let mut stands = vec![0; processes];
    let mut history = History::new();
    let mut sent = 0;
    while history.len() < 2 * operations {
        let process = random.below(processes);
        if random.below(processes + 1) == 0 {
            sent += 1;
            push(
                &mut history,
                process,
                "broadcast",
                Value::Int(sent),
                Value::Int(sent),
            );
        } else if stands[process] < sent {
            stands[process] += 1;
            push(
                &mut history,
                process,
                "deliver",
                Value::Int(stands[process]),
                Value::Nil,
            );
        }
    }
    for (process, stands) in stands.iter().enumerate() {
        for value in stands + 1..=sent {
            push(
                &mut history,
                process,
                "deliver",
                Value::Int(value),
                Value::Nil,
            );
        }
        push(&mut history, process, "deliver", Value::Nil, Value::Nil);
    }
    history
}

#[test]
fn long_histories_are_valid() {
    let judge = Broadcast::new(Order::CausalTotal).uniform(true);
    let verdict = judge
        .check(&history(5_000, 40), &Budget::unlimited())
        .unwrap();
    assert_eq!(
        verdict.validity,
        Validity::Valid,
        "{:#?}",
        verdict.anomalies
    );
}

/// Each process delivers what the one before it broadcast, and nothing else.
#[test]
fn many_processes_with_little_to_say_are_judged() {
    let mut history = History::new();
    let links = 20_000;
    push(&mut history, 0, "broadcast", Value::Int(0), Value::Int(0));
    for link in 1..links {
        let (before, own) = (Value::Int(link as i64 - 1), Value::Int(link as i64));
        push(&mut history, link, "deliver", before, Value::Nil);
        push(&mut history, link, "broadcast", own.clone(), own);
    }
    let verdict = Broadcast::new(Order::Causal);
    let verdict = verdict.check(&history, &Budget::unlimited()).unwrap();
    assert_eq!(verdict.validity, Validity::Invalid);
    let evidence = verdict
        .anomalies
        .iter()
        .map(|anomaly| anomaly.evidence.len());
    assert_eq!(evidence.collect::<Vec<_>>(), [4; 8]);
}

#[test]
#[ignore = "measures"]
fn a_million_operations() {
    for processes in [5, 20, 100] {
        let history = history(1_000_000, processes);
        let begin = Instant::now();
        let judge = Broadcast::new(Order::CausalTotal).uniform(true);
        let verdict = judge.check(&history, &Budget::unlimited()).unwrap();
        assert_eq!(
            verdict.validity,
            Validity::Valid,
            "{:#?}",
            verdict.anomalies
        );
        println!(
            "{processes} processes, {} operations: {:?}",
            verdict.operations,
            begin.elapsed()
        );
    }
}
