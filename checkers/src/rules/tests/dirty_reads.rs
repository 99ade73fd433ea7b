use super::*;
use crate::rules::DirtyReads;

struct Table {
    next: i64,
    there: Vec<i64>,
    errors: u64,
    strong: bool,
}

impl Store for Table {
    fn invoke(&mut self, random: &mut Random, last: bool) -> (&'static str, Value) {
        if self.strong && (last || random.one_in(12)) {
            return ("strong-read", Value::Nil);
        }
        match random.below(5) {
            0..3 => {
                self.next += i64::from(!random.one_in(8));
                ("write", Value::Int(self.next))
            }
            3 => ("refresh", Value::Nil),
            _ => ("read", Value::Nil),
        }
    }

    fn complete(&mut self, random: &mut Random, event: &Event) -> (Kind, Value) {
        let kind = ending(random);
        if let Some(value) = event.value.as_int() {
            if kind != Kind::Fail && !random.one_in(self.errors) || random.one_in(3 * self.errors) {
                self.there.push(value);
            }
            return (kind, event.value.clone());
        }
        if random.one_in(4 * self.errors) {
            self.there.push(random.below(6) as i64 + 1);
        }
        let mut seen = self.there.clone();
        seen.sort_unstable();
        seen.dedup();
        if random.one_in(self.errors) {
            seen.retain(|_| !random.one_in(self.errors));
        }
        if random.one_in(8 * self.errors) {
            seen.push(99);
        }
        if &*event.f == "read" && random.one_in(2) {
            return (
                kind,
                seen.last().map_or(Value::Nil, |last| Value::Int(*last)),
            );
        }
        (
            kind,
            Value::Vector(seen.into_iter().map(Value::Int).collect()),
        )
    }
}

#[test]
fn by_its_definition() {
    let make = |random: &mut Random| {
        let errors = [3, 6, 1_000_000][random.below(3) as usize];
        let strong = !random.one_in(5);
        let (next, there) = (0, Vec::new());
        let mut table = Table {
            next,
            there,
            errors,
            strong,
        };
        (DirtyReads::new(), history(random, &mut table, 20))
    };
    let kinds = ["dirty-read", "lost", "unexpected", "disagreement"];
    compare(3, 20_000, &kinds, make, |_, all| oracle(all));
}

fn values_of(op: &Seen) -> Option<Vec<i64>> {
    match op.result.as_ref()? {
        Value::Int(value) => Some(vec![*value]),
        other => Some(integers(other)),
    }
}

#[test]
fn an_initial_value_stays() {
    let history = rupture_history::codec::read(
        b"{:process 0 :type :invoke :f :strong-read}
          {:process 0 :type :ok :f :strong-read :value [7]}
          {:process 1 :type :invoke :f :strong-read}
          {:process 1 :type :ok :f :strong-read :value []}",
    );
    let verdict = DirtyReads::new().check(&history.unwrap(), &Budget::unlimited());
    let anomaly = &verdict.unwrap().anomalies[0];
    assert_eq!(anomaly.kind, "disagreement");
    assert_eq!(
        anomaly.explanation[0],
        "Nobody put 7 in, so that it was there from the beginning: the strong-read that completed with event 1 saw it."
    );
    assert_eq!(anomaly.evidence.len(), 2);
}

fn oracle(all: &[Seen]) -> Judged {
    let mut judged = Judged::default();
    let of = |f: &'static str| all.iter().filter(move |op| op.f == f);
    let reads: Vec<(&Seen, Vec<i64>)> = all
        .iter()
        .filter(|op| op.f.ends_with("read"))
        .filter_map(|op| Some((op, values_of(op)?)))
        .collect();
    let strong: Vec<_> = reads
        .iter()
        .filter(|(op, _)| op.f == "strong-read")
        .collect();
    judged.open = reads.is_empty() || strong.is_empty() && of("strong-read").count() > 0;
    for value in 0..100 {
        let writes = || of("write").filter(|op| op.argument == Value::Int(value));
        let began = writes().filter(|op| !op.failed).map(|op| op.invoked).min();
        let (mut seen_at, mut from_nowhere_at) = (None::<u32>, None::<u32>);
        for (read, _) in reads.iter().filter(|(_, values)| values.contains(&value)) {
            let completed = read.acknowledged.expect("it was answered");
            let least = |at: Option<u32>| Some(at.map_or(completed, |at| at.min(completed)));
            match (began, writes().count()) {
                (Some(began), _) if began < completed => seen_at = least(seen_at),
                (Some(_), _) => judged.find("unexpected"),
                (None, 0) => from_nowhere_at = least(from_nowhere_at),
                (None, _) => judged.find("dirty-read"),
            }
        }
        if strong.is_empty() {
            continue;
        }
        let acknowledged = writes().filter_map(|op| op.acknowledged).min();
        let known = [acknowledged, seen_at].into_iter().flatten().min();
        let there = known.or(from_nowhere_at);
        let began_after = |row: u32| strong.iter().any(|(op, _)| op.invoked > row);
        let in_some = strong.iter().any(|(_, values)| values.contains(&value));
        if in_some {
            let misses = |(op, values): &&(&Seen, Vec<i64>)| -> bool {
                !values.contains(&value) && there.is_some_and(|there| op.invoked > there)
            };
            if strong.iter().any(misses) {
                judged.find("disagreement");
            }
        } else if known.is_some_and(began_after) {
            judged.find(if acknowledged.is_some() {
                "lost"
            } else {
                "dirty-read"
            });
        } else if acknowledged.is_some() {
            judged.open = true;
        } else if from_nowhere_at.is_some_and(began_after) {
            judged.find("dirty-read");
        }
    }
    for (_, one) in &strong {
        for (_, other) in &strong {
            let misses =
                |one: &[i64], other: &[i64]| one.iter().any(|value| !other.contains(value));
            if misses(one, other) && misses(other, one) {
                judged.find("disagreement");
            }
        }
    }
    judged
}
