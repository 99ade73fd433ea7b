use super::*;
use crate::rules::CausalReverse;

/// A table from which reads leave out some.
struct Table {
    next: i64,
    there: Vec<i64>,
    errors: u64,
}

impl Store for Table {
    fn invoke(&mut self, random: &mut Random, last: bool) -> (&'static str, Value) {
        if last || random.one_in(3) {
            return ("read", Value::Nil);
        }
        // Now and then somebody writes a value again.
        self.next += i64::from(!random.one_in(8));
        ("write", Value::Int(self.next))
    }

    fn complete(&mut self, random: &mut Random, event: &Event) -> (Kind, Value) {
        let kind = ending(random);
        if let Some(value) = event.value.as_int() {
            if kind != Kind::Fail || random.one_in(4 * self.errors) {
                self.there.push(value);
            }
            return (kind, event.value.clone());
        }
        let mut seen = self.there.clone();
        seen.sort_unstable();
        seen.dedup();
        seen.retain(|_| !random.one_in(self.errors));
        if random.one_in(4 * self.errors) {
            seen.push(self.next + 1);
        }
        (kind, Value::Set(seen.into_iter().map(Value::Int).collect()))
    }
}

fn may_be_there(all: &[Seen], value: i64, read: &Seen) -> bool {
    let writes = all
        .iter()
        .filter(|op| op.f == "write" && op.argument == Value::Int(value));
    let mut writes = writes.filter(|op| !op.failed);
    writes.any(|op| Some(op.invoked) < read.acknowledged)
}

#[test]
fn by_its_definition() {
    let make = |random: &mut Random| {
        let errors = [2, 4, 1_000_000][random.below(3) as usize];
        let (next, there) = (0, Vec::new());
        let mut table = Table {
            next,
            there,
            errors,
        };
        (CausalReverse::new(), history(random, &mut table, 20))
    };
    let kinds = ["causal-reverse", "dirty-read", "unexpected"];
    compare(2, 20_000, &kinds, make, |_, all| oracle(all));
}

fn oracle(all: &[Seen]) -> Judged {
    let mut judged = Judged::default();
    let reads: Vec<(&Seen, Vec<i64>)> = all
        .iter()
        .filter(|op| op.f == "read")
        .filter_map(|op| Some((op, integers(op.result.as_ref()?))))
        .collect();
    judged.open = reads.is_empty();
    let writes = |value: i64| {
        all.iter()
            .filter(move |op| op.f == "write" && op.argument == Value::Int(value))
    };
    // Whether a value was certainly there when an operation began.
    let known = |value: i64, row: u32| {
        let seen = |(read, values): &(&Seen, Vec<i64>)| {
            values.contains(&value)
                && may_be_there(all, value, read)
                && read.acknowledged < Some(row)
        };
        let acknowledged = |op: &Seen| op.acknowledged.is_some_and(|at| at < row);
        writes(value).any(acknowledged) || reads.iter().any(seen)
    };
    for (read, values) in &reads {
        for &value in values {
            if !may_be_there(all, value, read) {
                let tried = writes(value).count() > 0;
                let failed = tried && writes(value).all(|op| op.failed);
                judged.find(if failed { "dirty-read" } else { "unexpected" });
                continue;
            }
            let began = writes(value)
                .filter(|op| !op.failed)
                .map(|op| op.invoked)
                .min();
            for earlier in 0..20 {
                if known(earlier, began.expect("it was written")) && !values.contains(&earlier) {
                    judged.find("causal-reverse");
                }
            }
        }
    }
    judged
}
