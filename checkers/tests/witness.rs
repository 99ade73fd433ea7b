//! Every `valid` verdict brings an order if it is asked for one, and the order is one by the definition: it
//! holds everything that happened, keeps real time, and every operation sees what those before it left.

use rupture_checkers::history::{Event, History, Kind, Operation, Outcome, Validity, Value};
use rupture_checkers::models::CasRegister;
use rupture_checkers::{Budget, Checker, Linearizable};

const HISTORIES: u64 = 20_000;

/// A small generator (splitmix64), so that every run has the same histories.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// Some operations on a register of two values, up to three at once, each of a process of its own.
fn history(random: &mut Random) -> History {
    let mut history = History::new();
    let mut running: Vec<Option<(i64, &str, Value)>> = vec![None; 3];
    for _ in 0..4 + random.below(10) {
        let at = random.below(3) as usize;
        let mut value = || Value::Int(random.below(2) as i64);
        let Some((process, f, argument)) = running[at].take() else {
            let (f, argument) = match value() {
                Value::Int(0) => ("read", Value::Nil),
                _ if value() == Value::Int(0) => ("write", value()),
                _ => ("cas", Value::Vector(vec![value(), value()])),
            };
            let process = history.len() as i64;
            history.push(&Event::new(process, Kind::Invoke, f, argument.clone()));
            running[at] = Some((process, f, argument));
            continue;
        };
        let result = if f == "read" { value() } else { argument };
        let kind = [Kind::Ok, Kind::Ok, Kind::Ok, Kind::Info, Kind::Fail][random.below(5) as usize];
        history.push(&Event::new(process, kind, f, result));
    }
    history
}

/// What is wrong with an order of a history, if anything is.
fn wrong(history: &History, operations: &[Operation], order: &[u32]) -> Option<&'static str> {
    let find = |row: &u32| operations.iter().find(|o| o.invoked == *row);
    let Some(order) = order.iter().map(find).collect::<Option<Vec<_>>>() else {
        return Some("a row that is no invocation");
    };
    let times = |one: &Operation| order.iter().filter(|other| **other == one).count();
    let mut state = Value::Nil;
    for (place, operation) in order.iter().enumerate() {
        if order[place + 1..]
            .iter()
            .any(|later| later.precedes(operation))
        {
            return Some("real time");
        }
        let value = |row: u32| history.get(row as usize).value();
        let argument = value(operation.invoked);
        match history.get(operation.invoked as usize).f() {
            "read"
                if operation
                    .completed
                    .map(value)
                    .is_some_and(|v| v.to_value() != state) =>
            {
                return Some("a read of another value");
            }
            "read" => {}
            "write" => state = argument.to_value(),
            _ => match argument.pair() {
                Some((old, new)) if old.to_value() == state => state = new.to_value(),
                _ => return Some("a cas from another value"),
            },
        }
    }
    let once = |one: &Operation| match one.outcome {
        Outcome::Ok => times(one) == 1,
        Outcome::Fail => times(one) == 0,
        Outcome::Info => times(one) <= 1,
    };
    (!operations.iter().all(once)).then_some("an operation is missing or comes twice")
}

#[test]
fn valid_brings_an_order_and_the_order_is_one() {
    let judge = Linearizable::new(CasRegister::default()).witness(true);
    let random = &mut Random(3);
    let (mut valid, mut searched) = (0, 0);
    for number in 0..HISTORIES {
        let history = history(random);
        let verdict = judge
            .check(&history, &Budget::unlimited())
            .expect("speaks the language");
        if verdict.validity != Validity::Valid {
            continue;
        }
        valid += 1;
        searched += u64::from(
            verdict
                .algorithms
                .iter()
                .any(|name| name.starts_with("search")),
        );
        let [witness] = &verdict.witnesses[..] else {
            panic!(
                "history {number} is valid and has no witness: {:#?}",
                history.iter().collect::<Vec<_>>()
            );
        };
        let operations = history.operations().expect("pairs");
        let wrong = wrong(&history, &operations, &witness.order);
        assert_eq!(
            wrong,
            None,
            "history {number}: {:?} of {:#?}",
            witness.order,
            history.iter().collect::<Vec<_>>()
        );
    }
    assert!(
        valid > HISTORIES / 10 && searched > HISTORIES / 20,
        "{valid} valid, {searched} searched"
    );
}
