//! What is judged of registers that hold a value at first is what is judged of those that hold nil, once the two
//! values have changed places. Linearizability is held against the definition in `first`.

use rupture_history::{Event, History, Kind, Value, Verdict};

use super::objects;
use super::oracle;
use super::random::{self, Random};
use crate::searches::share;
use crate::{Budget, Options, checker};

/// The history with nil and another value in each other's place, wherever something was written or seen.
fn swapped(history: &History, other: &Value) -> History {
    let swap = |value: &Value| match value {
        Value::Nil => other.clone(),
        value if value == other => Value::Nil,
        value => value.clone(),
    };
    let event = |mut event: Event| {
        if &*event.f != "read" || event.kind == Kind::Ok {
            event.value = match &event.value {
                Value::Vector(pair) => Value::Vector(pair.iter().map(swap).collect()),
                value => swap(value),
            };
        }
        event
    };
    let events: Vec<Event> = history.iter().map(|it| event(it.to_event())).collect();
    events.iter().collect()
}

#[test]
fn a_register_that_begins_with_a_value_is_judged_as_one_that_begins_with_nil() {
    let mut random = Random::new(91);
    let levels = [
        "linearizable",
        "sequential",
        "k-atomic",
        "stale",
        "k-atomic=2",
        "stale=8ns",
    ];
    let cas = [
        ("cas-register", "linearizable"),
        ("cas-register", "sequential"),
    ];
    let judges = levels
        .map(|level| ("register", level))
        .into_iter()
        .chain(cas);
    for (model, level) in judges {
        let subject = match model {
            "register" => &objects::REGISTER,
            _ => &objects::CAS_REGISTER,
        };
        let mut kinds = [0; 3];
        for _ in 0..share(2_000) {
            let mut ops = random::history(subject, 8, &mut random);
            if model == "register" && random.below(2) == 0 {
                // What is written is unique, as theories want it.
                for (op, value) in ops.iter_mut().filter(|op| op.f == "write").zip(1..) {
                    op.argument = Value::Int(value);
                    op.result = op.result.take().map(|_| Value::Int(value));
                }
            }
            let told = oracle::history(&ops);
            let timed = told.iter().map(|event| {
                let mut event = event.to_event();
                event.time = event.index.unwrap_or_default() as i64 * 4;
                event
            });
            let nil: History = timed.collect::<Vec<Event>>().iter().collect();
            let two = swapped(&nil, &Value::Int(2));
            let judge = |history: &History, initial: Option<i64>| {
                let options = Options {
                    initial: initial.map(Value::Int),
                    ..Options::default()
                };
                let judge = checker(model, Some(level), &options).expect("a level");
                judge
                    .check(history, &Budget::unlimited())
                    .expect("a register")
            };
            let (expected, found) = (judge(&nil, None), judge(&two, Some(2)));
            assert_eq!(found.validity, expected.validity, "{level}: {ops:#?}");
            assert_eq!(found.measured, expected.measured, "{level}: {ops:#?}");
            let evidence = |verdict: &Verdict| -> Vec<Vec<u64>> {
                let anomalies = verdict.anomalies.iter();
                let rows = anomalies.map(|it| it.evidence.iter().map(|op| op.index).collect());
                rows.collect()
            };
            assert_eq!(evidence(&found), evidence(&expected), "{level}: {ops:#?}");
            kinds[expected.validity as usize] += 1;
        }
        println!("{model} {level}: {kinds:?}");
    }
}

#[test]
fn words_name_the_value_that_was_there() {
    let mut history = History::new();
    for (kind, value) in [(Kind::Invoke, Value::Nil), (Kind::Ok, Value::Nil)] {
        let mut event = Event::new(0, kind, "read", value);
        event.time = history.len() as i64;
        history.push(&event);
    }
    for level in ["linearizable", "sequential"] {
        let options = Options {
            initial: Some(Value::Int(7)),
            ..Options::default()
        };
        let judge = checker("register", Some(level), &options).expect("a level");
        let verdict = judge
            .check(&history, &Budget::unlimited())
            .expect("a register");
        let words = verdict.anomalies[0].explanation.join(" ");
        assert!(words.contains("the value is 7"), "{words}");
    }
}
