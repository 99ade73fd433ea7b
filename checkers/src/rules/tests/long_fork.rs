use super::*;
use crate::rules::LongFork;

/// Keys that are written once, and reads that now and then are not of the newest.
struct Keys {
    count: u64,
    next: u64,
    there: BTreeMap<i64, i64>,
    errors: u64,
    again: u64,
}

fn step(f: &str, key: Value, value: Value) -> Value {
    Value::Vector(vec![Value::keyword(f), key, value])
}

impl Store for Keys {
    fn invoke(&mut self, random: &mut Random, last: bool) -> (&'static str, Value) {
        if !last && self.next < self.count && random.one_in(2) {
            let again = random.one_in(self.again);
            let key = if again {
                random.below(self.count)
            } else {
                self.next
            };
            self.next += 1;
            let value = Value::Int(random.below(2) as i64 + 1);
            return (
                "txn",
                Value::Vector(vec![step("w", Value::Int(key as i64), value)]),
            );
        }
        let mut keys: Vec<i64> = (0..self.count as i64)
            .filter(|_| !random.one_in(3))
            .collect();
        if random.one_in(2) {
            keys.reverse();
        }
        let steps = keys
            .into_iter()
            .map(|key| step("r", Value::Int(key), Value::Nil));
        ("txn", Value::Vector(steps.collect()))
    }

    fn complete(&mut self, random: &mut Random, event: &Event) -> (Kind, Value) {
        let kind = ending(random);
        let steps = steps_of(&event.value);
        if let [(true, key, Some(value))] = steps[..] {
            if kind != Kind::Fail || random.one_in(2 * self.errors) {
                self.there.insert(key, value);
            }
            return (kind, event.value.clone());
        }
        let read = |(_, key, _): &(bool, i64, Option<i64>)| {
            let mut value = self.there.get(key).copied();
            if random.one_in(self.errors) {
                value = None;
            }
            if random.one_in(8 * self.errors) {
                value = Some(1);
            }
            step("r", Value::Int(*key), value.map_or(Value::Nil, Value::Int))
        };
        let steps: Vec<Value> = steps.iter().map(read).collect();
        (kind, Value::Vector(steps))
    }
}

/// Whether each step is a write, its key and its value.
fn steps_of(value: &Value) -> Vec<(bool, i64, Option<i64>)> {
    let step = |step: &Value| {
        let [f, key, value] = step.items()? else {
            return None;
        };
        Some((f.as_name() == Some("w"), key.as_int()?, value.as_int()))
    };
    value
        .items()
        .unwrap_or_default()
        .iter()
        .filter_map(step)
        .collect()
}

#[test]
fn by_its_definition() {
    let make = |random: &mut Random| {
        let errors = [4, 8, 1_000_000][random.below(3) as usize];
        let again = [5, 1_000_000][random.below(2) as usize];
        let mut keys = Keys {
            count: 2 + random.below(3),
            next: 0,
            there: BTreeMap::new(),
            errors,
            again,
        };
        (LongFork::new(), history(random, &mut keys, 14))
    };
    compare(
        10,
        20_000,
        &["long-fork", "G1a", "garbage-read"],
        make,
        |_, all| oracle(all),
    );
}

/// All orders of so many things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    for next in 0..count {
        let longer = orders.iter().flat_map(|order: &Vec<usize>| {
            (0..=order.len()).map(move |at| {
                let mut order = order.clone();
                order.insert(at, next);
                order
            })
        });
        orders = longer.collect();
    }
    orders
}

fn oracle(all: &[Seen]) -> Judged {
    let mut judged = Judged::default();
    let is_write = |op: &&Seen| matches!(steps_of(&op.argument)[..], [(true, ..)]);
    let reads: Vec<_> = all
        .iter()
        .filter(|op| !is_write(op))
        .filter_map(|op| op.result.as_ref().map(steps_of))
        .collect();
    judged.open = reads.is_empty();
    // In some order of the keys every read must have seen those before some point.
    let explains = |order: &Vec<usize>| {
        reads.iter().all(|read| {
            let seen = order
                .iter()
                .filter_map(|at| read.iter().find(|(_, key, _)| *key == *at as i64));
            let seen: Vec<bool> = seen.map(|(_, _, value)| value.is_some()).collect();
            seen.windows(2).all(|pair| pair[0] || !pair[1])
        })
    };
    if !orders(4).iter().any(explains) {
        judged.find("long-fork");
    }
    for key in 0..4 {
        let write = |op: &Seen| steps_of(&op.argument)[0];
        let writes = || all.iter().filter(is_write).filter(|op| write(op).1 == key);
        judged.open |= writes().filter(|op| !op.failed).count() > 1;
        let values = reads.iter().flatten().filter(|(_, other, _)| *other == key);
        let values: BTreeSet<i64> = values.filter_map(|(_, _, value)| *value).collect();
        for value in &values {
            let wrote = |failed: bool| {
                writes().any(|op| op.failed == failed && write(op).2 == Some(*value))
            };
            if wrote(false) {
            } else if wrote(true) {
                judged.find("G1a");
            } else if writes().next().is_some() {
                judged.find("garbage-read");
            } else if values.len() > 1 {
                judged.open = true;
            }
        }
    }
    judged
}

#[test]
fn reads_of_different_keys_fork_together() {
    let read = |one: &str, other: &str| {
        format!(
            "{{:process 0 :type :invoke :f :read :value [[:r {one} nil] [:r {other} nil]]}}
             {{:process 0 :type :ok :f :read :value [[:r {one} 1] [:r {other} nil]]}}"
        )
    };
    let chain = read("1", "2") + &read("2", "3");
    assert_eq!(text(&LongFork::new(), &chain).validity, Validity::Valid);
    let verdict = text(&LongFork::new(), &(chain + &read("3", "1")));
    assert_eq!(verdict.anomalies[0].evidence.len(), 3, "{verdict:#?}");
}
