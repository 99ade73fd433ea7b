use super::*;
use crate::rules::{GrowOnlyCounter, PnCounter};

struct Counter {
    sum: i64,
    largest: u64,
    shrinks: bool,
    errors: u64,
}

impl Store for Counter {
    fn invoke(&mut self, random: &mut Random, last: bool) -> (&'static str, Value) {
        if last || random.one_in(3) {
            return ("read", Value::Nil);
        }
        let number = random.below(self.largest) as i64;
        let sign = if self.shrinks && random.one_in(2) {
            -1
        } else {
            1
        };
        ("add", Value::Int(sign * number))
    }

    fn complete(&mut self, random: &mut Random, event: &Event) -> (Kind, Value) {
        let kind = ending(random);
        if let Some(number) = event.value.as_int() {
            if kind == Kind::Ok || kind == Kind::Info && random.one_in(2) {
                self.sum += number;
            }
            return (kind, event.value.clone());
        }
        let wrong = random.one_in(self.errors);
        (
            kind,
            Value::Int(self.sum + i64::from(wrong) * (random.below(7) as i64 - 3)),
        )
    }
}

fn events(random: &mut Random, shrinks: bool) -> Vec<Event> {
    let errors = [3, 12, 1_000_000][random.below(3) as usize];
    let largest = [4, 40][random.below(2) as usize];
    let mut counter = Counter {
        sum: 0,
        largest,
        shrinks,
        errors,
    };
    history(random, &mut counter, 16)
}

#[test]
fn that_grows_by_its_definition() {
    let make = |random: &mut Random| (GrowOnlyCounter::new(), events(random, false));
    compare(4, 20_000, &["wrong-sum"], make, |_, all| oracle(all));
}

#[test]
fn that_shrinks_by_its_definition() {
    let make = |random: &mut Random| (PnCounter::new(), events(random, true));
    compare(5, 20_000, &["wrong-sum"], make, |_, all| oracle(all));
}

/// All sums of those that must count and any of those that may.
fn sums(must: &[i64], may: &[i64]) -> BTreeSet<i64> {
    let base: i64 = must.iter().sum();
    let sum = |subset: u32| {
        let chosen = may
            .iter()
            .enumerate()
            .filter(|(at, _)| subset >> at & 1 == 1);
        base + chosen.map(|(_, number)| number).sum::<i64>()
    };
    (0..1_u32 << may.len()).map(sum).collect()
}

fn oracle(all: &[Seen]) -> Judged {
    let mut judged = Judged::default();
    let finals = finals(all);
    let begin = finals.iter().map(|read| read.invoked).min();
    judged.open = finals.is_empty();
    let number = |op: &Seen| op.result.as_ref().and_then(Value::as_int);
    for read in all
        .iter()
        .filter(|op| op.f == "read" && op.result.is_some())
    {
        let is_final = finals.iter().any(|it| it.invoked == read.invoked);
        let (mut must, mut may) = (Vec::new(), Vec::new());
        for add in all.iter().filter(|op| op.f == "add" && !op.failed) {
            let settled = is_final && add.acknowledged.is_some() && add.acknowledged < begin;
            let list = if settled { &mut must } else { &mut may };
            if Some(add.invoked) < read.acknowledged {
                list.extend(add.argument.as_int());
            }
        }
        let value = number(read).expect("an integer");
        if !sums(&must, &may).contains(&value) {
            judged.find("wrong-sum");
        }
    }
    judged.open |= finals.iter().any(|read| number(read) != number(&finals[0]));
    judged
}
