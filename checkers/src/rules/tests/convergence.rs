use super::*;
use crate::rules::{Convergence, GrowOnlySet};

/// Replicas that may keep what they have for themselves.
struct Replicas {
    sets: bool,
    next: i64,
    there: Vec<i64>,
    errors: u64,
}

impl Store for Replicas {
    fn invoke(&mut self, random: &mut Random, last: bool) -> (&'static str, Value) {
        if last || random.one_in(4) {
            return ("read", Value::Nil);
        }
        self.next += i64::from(!random.one_in(8));
        (
            if self.sets { "add" } else { "write" },
            Value::Int(self.next),
        )
    }

    fn complete(&mut self, random: &mut Random, event: &Event) -> (Kind, Value) {
        let kind = ending(random);
        if let Some(value) = event.value.as_int() {
            if kind == Kind::Ok && !random.one_in(4 * self.errors)
                || random.one_in(2 * self.errors.min(2))
            {
                self.there.push(value);
                if random.one_in(4 * self.errors) {
                    self.there.push(value);
                }
            }
            return (kind, event.value.clone());
        }
        let mut seen = self.there.clone();
        if random.one_in(self.errors) {
            seen.retain(|_| !random.one_in(2));
        }
        if random.one_in(8 * self.errors) {
            seen.push(self.next + 1);
        }
        if !self.sets {
            return (
                kind,
                seen.last().map_or(Value::Nil, |last| Value::Int(*last)),
            );
        }
        if !random.one_in(3 * self.errors) {
            seen.sort_unstable();
            seen.dedup();
        }
        (
            kind,
            Value::Vector(seen.into_iter().map(Value::Int).collect()),
        )
    }
}

fn events(random: &mut Random, sets: bool) -> Vec<Event> {
    let errors = [2, 6, 1_000_000][random.below(3) as usize];
    let mut replicas = Replicas {
        sets,
        next: 0,
        there: Vec::new(),
        errors,
    };
    history(random, &mut replicas, 14)
}

const SET_KINDS: [&str; 4] = ["lost", "divergent", "unexpected", "duplicated"];

#[test]
fn of_grow_only_sets_by_its_definition() {
    let make = |random: &mut Random| (GrowOnlySet::new(), events(random, true));
    compare(6, 20_000, &SET_KINDS, make, |_, all| sets(all, 1));
}

#[test]
fn of_sets_by_its_definition() {
    let make = |random: &mut Random| (Convergence::new(), events(random, true));
    let expect = |_: &Convergence, all: &[Seen]| {
        // Where nothing was added, a list that was read makes it a set.
        let is_set = |op: &Seen| op.f == "add" || op.result.as_ref().is_some_and(|it| !it.is_nil());
        if all.iter().any(is_set) {
            sets(all, 2)
        } else {
            registers(all)
        }
    };
    compare(7, 20_000, &SET_KINDS, make, expect);
}

#[test]
fn of_registers_by_its_definition() {
    let make = |random: &mut Random| (Convergence::new(), events(random, false));
    let kinds = ["lost", "divergent", "unexpected"];
    compare(8, 30_000, &kinds, make, |_, all| registers(all));
}

/// The changes that may have put a value there before a row.
fn changes(all: &[Seen], value: i64) -> impl Iterator<Item = &Seen> {
    all.iter()
        .filter(move |op| op.f != "read" && !op.failed && op.argument == Value::Int(value))
}

fn explained(all: &[Seen], value: i64, read: &Seen) -> bool {
    changes(all, value).any(|op| Some(op.invoked) < read.acknowledged)
}

/// Whether a value was there when the first final read began.
fn settled(all: &[Seen], value: i64, begin: u32, seen: impl Fn(&Seen, i64) -> bool) -> bool {
    let before = |op: &Seen| op.acknowledged.is_some_and(|row| row < begin);
    let reads = all
        .iter()
        .filter(|op| op.f == "read" && op.result.is_some());
    let mut reads = reads.filter(|read| before(read) && explained(all, value, read));
    changes(all, value).any(before) || reads.any(|read| seen(read, value))
}

fn sets(all: &[Seen], least: usize) -> Judged {
    let mut judged = Judged::default();
    let of = |read: &Seen| read.result.as_ref().map(integers).unwrap_or_default();
    let has = |read: &Seen, value: i64| of(read).contains(&value);
    for read in all.iter().filter(|op| op.f == "read") {
        for value in of(read) {
            if !explained(all, value, read) {
                judged.find("unexpected");
            }
            if of(read).iter().filter(|other| **other == value).count() > 1 {
                judged.find("duplicated");
            }
        }
    }
    let finals = finals(all);
    judged.open = finals.len() < least;
    let Some(begin) = finals
        .iter()
        .map(|read| read.invoked)
        .min()
        .filter(|_| !judged.open)
    else {
        return judged;
    };
    for value in 0..20 {
        let saw = |read: &&Seen| has(read, value) && explained(all, value, read);
        let times = finals.iter().filter(saw).count();
        if times == finals.len() || changes(all, value).next().is_none() {
            continue;
        }
        if settled(all, value, begin, has) {
            judged.find(if times == 0 { "lost" } else { "divergent" });
        } else if times > 0 || changes(all, value).any(|op| op.acknowledged.is_some()) {
            judged.open = true;
        }
    }
    judged
}

fn registers(all: &[Seen]) -> Judged {
    let mut judged = Judged::default();
    let value_of = |read: &Seen| read.result.as_ref().and_then(Value::as_int);
    for read in all.iter().filter(|op| op.f == "read") {
        if value_of(read).is_some_and(|value| !explained(all, value, read)) {
            judged.find("unexpected");
        }
    }
    let finals = finals(all);
    judged.open = finals.len() < 2;
    let Some(begin) = finals
        .iter()
        .map(|read| read.invoked)
        .min()
        .filter(|_| !judged.open)
    else {
        return judged;
    };
    let has = |read: &Seen, value: i64| value_of(read) == Some(value);
    let nothing = |read: &Seen| read.result.as_ref().is_some_and(Value::is_nil);
    let any_settled = (0..20).any(|value| settled(all, value, begin, has));
    if any_settled && finals.iter().any(nothing) {
        judged.find("lost");
    }
    // Some value was there everywhere when quiet came; any other has come since, by a write that was still open.
    let right = |read: &&Seen| value_of(read).is_none_or(|value| explained(all, value, read));
    let values: BTreeSet<Option<i64>> = finals
        .iter()
        .filter(|read| right(read) && (nothing(read) || value_of(read).is_some()))
        .map(value_of)
        .collect();
    let came_since = |value: Option<i64>| {
        value.is_some_and(|value| {
            let late = |op: &Seen| op.acknowledged.is_none_or(|row| row > begin);
            let reads = all.iter().filter(|op| op.f == "read" && has(op, value));
            let mut before =
                reads.filter(|op| op.acknowledged < Some(begin) && explained(all, value, op));
            let only = changes(all, value).count() == 1;
            changes(all, value).any(late) && !(only && before.next().is_some())
        })
    };
    let one_was_there = values.iter().any(|there| {
        values
            .iter()
            .all(|value| value == there || came_since(*value))
    });
    if values.len() > 1 && !one_was_there {
        judged.find("divergent");
    } else if values.len() > 1 {
        judged.open = true;
    }
    judged
}
