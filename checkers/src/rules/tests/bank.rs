use super::*;
use crate::rules::Bank;

/// Accounts whose transfers come apart now and then.
struct Accounts {
    balances: BTreeMap<i64, i64>,
    errors: u64,
    phantoms: bool,
}

impl Store for Accounts {
    fn invoke(&mut self, random: &mut Random, last: bool) -> (&'static str, Value) {
        if last || random.one_in(2) {
            return ("read", Value::Nil);
        }
        let pair = |name: &str, value: Value| (Value::keyword(name), value);
        let amount = 1 + random.below(5) as i64;
        let amount = if random.one_in(30) { -amount } else { amount };
        let accounts = self.balances.len() as u64;
        let transfer = vec![
            pair("from", random.int(accounts)),
            pair("to", random.int(accounts)),
            pair("amount", Value::Int(amount)),
        ];
        ("transfer", Value::Map(transfer))
    }

    fn complete(&mut self, random: &mut Random, event: &Event) -> (Kind, Value) {
        let kind = ending(random);
        let errors = self.errors;
        if let Some([from, to, amount]) = transfer_of(&event.value) {
            // Either money is lost on the way, or transfers that failed happen.
            let (failed, lost) = (self.phantoms, !self.phantoms);
            if kind != Kind::Fail || failed && random.one_in(errors) {
                let arrives = [(); 2].map(|()| i64::from(!(lost && random.one_in(errors))));
                *self.balances.entry(from).or_default() -= amount * arrives[0];
                *self.balances.entry(to).or_default() += amount * arrives[1];
            }
            return (kind, event.value.clone());
        }
        let mut shown: Vec<(Value, Value)> = Vec::new();
        let rate = if self.phantoms { 1_000_000 } else { 8 * errors };
        for (account, balance) in &self.balances {
            let value = match random.below(rate) {
                0 => Value::Nil,
                1 => Value::Int(balance + 1),
                2 => continue,
                _ => Value::Int(*balance),
            };
            let account = match random.below(4) {
                0 => Value::str(&account.to_string()),
                _ => Value::Int(*account),
            };
            shown.push((account, value));
        }
        if self.phantoms && random.one_in(errors) {
            for ((_, balance), change) in shown.iter_mut().zip([-7, 7]) {
                *balance = Value::Int(balance.as_int().unwrap_or_default() + change);
            }
        }
        if random.one_in(8 * errors) {
            shown.push((Value::Int(9), Value::Int(0)));
        }
        (kind, Value::Map(shown))
    }
}

fn field(value: &Value, name: &str) -> Option<i64> {
    let Value::Map(entries) = value else {
        return None;
    };
    let mut entries = entries.iter();
    entries
        .find(|(key, _)| key.as_name() == Some(name))
        .and_then(|(_, value)| value.as_int())
}

fn transfer_of(value: &Value) -> Option<[i64; 3]> {
    Some([
        field(value, "from")?,
        field(value, "to")?,
        field(value, "amount")?,
    ])
}

fn balances_of(read: &Seen) -> Option<BTreeMap<i64, Option<i64>>> {
    let Some(Value::Map(entries)) = read.result.as_ref().filter(|_| read.f == "read") else {
        return None;
    };
    let account = |key: &Value| key.as_int().or_else(|| key.as_name()?.parse().ok());
    let each = entries
        .iter()
        .map(|(key, value)| (account(key).expect("a number"), value.as_int()));
    Some(each.collect())
}

fn make(random: &mut Random) -> (Case, Vec<Event>) {
    let errors = [2, 5, 1_000_000][random.below(3) as usize];
    let begin = if random.one_in(3) { 100 } else { 12 };
    let total = *[Some(begin), None, Some(begin), Some(7)]
        .get(random.below(4) as usize)
        .expect("one of four");
    let mut balances: BTreeMap<i64, i64> = (0..2 + random.below(2) as i64)
        .map(|account| (account, 0))
        .collect();
    balances.insert(0, begin);
    let negative = random.one_in(2);
    let phantoms = random.one_in(2);
    let mut accounts = Accounts {
        balances,
        errors,
        phantoms,
    };
    let bank = Bank::new().total(total).negative_balances(negative);
    let case = Case {
        bank,
        total,
        negative,
    };
    (case, history(random, &mut accounts, 16))
}

struct Case {
    bank: Bank,
    total: Option<i64>,
    negative: bool,
}

impl Checker for Case {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, crate::CheckError> {
        self.bank.check(history, budget)
    }
}

#[test]
fn by_its_definition() {
    let kinds = [
        "wrong-total",
        "unexplained-balance",
        "negative-value",
        "nil-balance",
        "unexpected-key",
        "missing-account",
    ];
    compare(9, 15_000, &kinds, make, oracle);
}

fn sum(balances: &BTreeMap<i64, Option<i64>>) -> Option<i64> {
    balances.values().copied().sum()
}

fn total_of(case: &Case, reads: &[(&Seen, BTreeMap<i64, Option<i64>>)]) -> i64 {
    if let Some(total) = case.total {
        return total;
    }
    let times = |total: i64| {
        reads
            .iter()
            .filter(|(_, balances)| sum(balances) == Some(total))
            .count()
    };
    let most = reads
        .iter()
        .filter_map(|(_, balances)| sum(balances))
        .map(times)
        .max();
    let mut totals = reads.iter().filter_map(|(_, balances)| sum(balances));
    let usual = totals.find(|total| Some(times(*total)) == most && times(*total) > 1);
    usual.unwrap_or(100)
}

fn oracle(case: &Case, all: &[Seen]) -> Judged {
    let mut judged = Judged::default();
    let reads: Vec<_> = all
        .iter()
        .filter_map(|op| Some((op, balances_of(op)?)))
        .collect();
    judged.open = reads.is_empty();
    let total = total_of(case, &reads);
    let model = reads
        .iter()
        .find(|(_, balances)| sum(balances) == Some(total))
        .or(reads.first());
    for (read, balances) in &reads {
        for account in 0..10 {
            let named = |op: &Seen| {
                let transfer =
                    transfer_of(&op.argument).filter(|_| Some(op.invoked) < read.acknowledged);
                transfer.is_some_and(|[from, to, _]| from == account || to == account)
            };
            let there = model.is_some_and(|(_, model)| model.contains_key(&account));
            match (
                balances.contains_key(&account),
                there || all.iter().any(named),
            ) {
                (true, false) => judged.find("unexpected-key"),
                (false, true) if !all.iter().any(named) => judged.find("missing-account"),
                _ => {}
            }
        }
        for balance in balances.values() {
            match balance {
                None => judged.find("nil-balance"),
                Some(balance) if *balance < 0 && !case.negative => judged.find("negative-value"),
                Some(_) => {}
            }
        }
        if sum(balances).is_some_and(|sum| sum != total) {
            judged.find("wrong-total");
        }
    }
    let good = || {
        reads
            .iter()
            .filter(|(_, balances)| sum(balances) == Some(total))
    };
    for account in [0, 1, 2, 9] {
        let began_with = |begin: i64| {
            good().all(|(read, balances)| {
                let balance = balances
                    .get(&account)
                    .copied()
                    .flatten()
                    .unwrap_or_default();
                let (mut least, mut most) = (begin, begin);
                for op in all
                    .iter()
                    .filter(|op| !op.failed && Some(op.invoked) < read.acknowledged)
                {
                    let Some([from, to, amount]) = transfer_of(&op.argument) else {
                        continue;
                    };
                    let change = amount * (i64::from(to == account) - i64::from(from == account));
                    least += change.min(0);
                    most += change.max(0);
                }
                (least..=most).contains(&balance)
            })
        };
        if !(-80..180).any(began_with) {
            judged.find("unexplained-balance");
        }
    }
    judged
}

#[test]
fn names_of_accounts_in_json_are_those_of_integers() {
    let json = r#"{"process":0,"type":"invoke","f":"transfer","value":{"from":0,"to":1,"amount":5}}
        {"process":0,"type":"ok","f":"transfer","value":{"from":0,"to":1,"amount":5}}
        {"process":0,"type":"invoke","f":"read","value":null}
        {"process":0,"type":"ok","f":"read","value":{"0":95,"1":5}}"#;
    assert_eq!(text(&Bank::new(), json).validity, Validity::Valid);
}

#[test]
fn what_was_assumed_is_told() {
    let read = |event: &str| {
        format!(
            "{{:process 0 :type :invoke :f :read}} {{:process 0 :type :ok :f :read :value {event}}}"
        )
    };
    let one = text(&Bank::new(), &read("{0 10, 1 10}"));
    assert_eq!(one.validity, Validity::Invalid, "100 is Jepsen's total");
    assert!(
        one.notes[1].contains("100 was taken for it"),
        "{:?}",
        one.notes
    );
    let two = text(&Bank::new(), &read("{0 10, 1 10}").repeat(2));
    assert_eq!(two.validity, Validity::Valid);
    assert!(
        two.notes[0].contains("20 was taken for it, which 2 of 2"),
        "{:?}",
        two.notes
    );
}
