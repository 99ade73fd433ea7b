use super::*;
use crate::rules::WriteSkew;

struct Inserts(i64);

impl Store for Inserts {
    fn invoke(&mut self, random: &mut Random, _: bool) -> (&'static str, Value) {
        self.0 += 1;
        let mut ids = vec![Value::Nil, Value::Int(self.0)];
        if random.one_in(2) {
            ids.reverse();
        }
        (
            "insert",
            Value::Vector(vec![random.int(4), Value::Vector(ids)]),
        )
    }

    fn complete(&mut self, random: &mut Random, event: &Event) -> (Kind, Value) {
        (ending(random), event.value.clone())
    }
}

#[test]
fn by_its_definition() {
    let make = |random: &mut Random| (WriteSkew::new(), history(random, &mut Inserts(0), 8));
    compare(1, 20_000, &["G2"], make, |_, all| {
        let mut judged = Judged::default();
        let happened: Vec<&Seen> = all.iter().filter(|op| op.result.is_some()).collect();
        judged.open = happened.is_empty();
        for (at, one) in happened.iter().enumerate() {
            for other in &happened[..at] {
                let key = |op: &Seen| op.argument.items().map(|items| items[0].clone());
                if key(one) == key(other) {
                    judged.find("G2");
                }
            }
        }
        judged
    });
}
