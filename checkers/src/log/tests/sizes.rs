//! Long logs, and how long they take.

use std::time::Instant;

use rupture_history::{Event, History, Kind, Validity, Value};

use crate::linearizability::tests::random::Random;
use crate::log::Log;
use crate::{Budget, Checker};

fn send(key: usize, value: Value) -> Value {
    Value::Vector(vec![Value::keyword("send"), Value::Int(key as i64), value])
}

fn pair(offset: usize, message: usize) -> Value {
    Value::Vector(vec![Value::Int(offset as i64), Value::Int(message as i64)])
}

/// Clients send to some keys and poll them; half of the operations do each, or all of them both.
fn history(operations: usize, clients: usize, keys: usize, both: bool) -> History {
    let mut random = Random::new(7);
    let mut logs: Vec<Vec<usize>> = vec![Vec::new(); keys];
    let mut stands = vec![vec![0_usize; keys]; clients];
    let mut open: Vec<Option<Event>> = vec![None; clients];
    let mut history = History::new();
    let (mut message, mut begun) = (0_i64, 0);
    while history.len() < 2 * operations {
        let client = random.below(clients);
        let Some(mut event) = open[client].take() else {
            let mut list = Vec::new();
            let sends = both || random.below(2) == 0;
            if sends {
                list.push(send(random.below(keys), Value::Int(message)));
                message += 1;
            }
            if both || !sends {
                list.push(Value::Vector(vec![Value::keyword("poll")]));
            }
            if begun < operations {
                begun += 1;
                let event = Event::new(client as i64, Kind::Invoke, "txn", Value::Vector(list));
                history.push(&event);
                open[client] = Some(event);
            }
            continue;
        };
        event.kind = Kind::Ok;
        let list = event.value.items().unwrap().to_vec();
        let mut told = Vec::new();
        let mut sent = Vec::new();
        for mop in list {
            if let [_, Value::Int(key), Value::Int(message)] = mop.items().unwrap() {
                let (key, message) = (*key as usize, *message as usize);
                sent.push((key, message));
                told.push(send(key, pair(logs[key].len(), message)));
                continue;
            }
            let key = random.below(keys);
            let from = stands[client][key];
            let to = logs[key].len().min(from + 4);
            stands[client][key] = to;
            let polled = (from..to).map(|at| pair(at, logs[key][at])).collect();
            let map = vec![(Value::Int(key as i64), Value::Vector(polled))];
            told.push(Value::Vector(vec![Value::keyword("poll"), Value::Map(map)]));
        }
        for (key, message) in sent {
            logs[key].push(message);
        }
        event.value = Value::Vector(told);
        history.push(&event);
    }
    history
}

#[test]
fn long_logs_are_valid() {
    for both in [false, true] {
        let history = history(20_000, 10, 20, both);
        let verdict = Log::new().check(&history, &Budget::unlimited()).unwrap();
        assert_eq!(
            verdict.validity,
            Validity::Valid,
            "{:#?}",
            verdict.anomalies
        );
    }
}

#[test]
#[ignore = "measures"]
fn a_million_operations() {
    for both in [false, true] {
        let history = history(1_000_000, 20, 40, both);
        let begin = Instant::now();
        let verdict = Log::new().check(&history, &Budget::unlimited()).unwrap();
        assert_eq!(
            verdict.validity,
            Validity::Valid,
            "{:#?}",
            verdict.anomalies
        );
        println!(
            "both {both}: {:?}, {} bytes of history",
            begin.elapsed(),
            history.bytes()
        );
    }
}
