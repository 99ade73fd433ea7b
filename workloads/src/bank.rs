//! Transfers between a few accounts, and reads of all balances: money is neither made nor lost.
//!
//! The accounts are opened first, with the same balance each, and by an operation like any other: a store that was
//! asked so begins with a total that everybody knows. Opening is repeated until it is answered, which a store that
//! opens once takes no notice of. Transfers that would overdraw an account are refused, and are meant to happen.
//!
//! The invariant sees what tears a transaction apart: half a transfer, a read of two moments, a balance overwritten by
//! one that was computed from an old one. It says nothing of the order of transactions.

use rand::RngExt;

use crate::checkers::rules::Bank;
use crate::generator::{Context, GeneratorExt, Op, each_thread, function, mix, phases, repeat};
use crate::history::Value;
use crate::{Probes, SECOND_NS, Workload, WorkloadOptions};

/// How many accounts there are.
const ACCOUNTS: i64 = 5;
/// What every account is opened with.
const OPENED_WITH: i64 = 20;
/// The most that is moved at once.
const MOST: i64 = 5;
/// How long a thread waits before it asks again for what it was not answered.
const PAUSE_NS: u64 = SECOND_NS / 10;
/// How long the final reads may take.
const FINAL_NS: u64 = 30 * SECOND_NS;

/// Transfers and reads, and final reads on every thread.
pub(crate) fn bank(options: &WorkloadOptions) -> Workload {
    let open = repeat(Op::new("open", opening())).delay(PAUSE_NS);
    let transfer = function(|context| Some(transfer(context)));
    let read = repeat(Op::new("read", Value::Nil));
    let traffic = mix(vec![(1, transfer.boxed()), (1, read.boxed())]);
    let last_read = |_| {
        repeat(Op::new("read", Value::Nil).marked_final())
            .delay(PAUSE_NS)
            .until(|_| true)
            .boxed()
    };
    Workload {
        name: "bank",
        generator: phases(vec![open.until(|_| true).boxed(), options.at_rate(traffic)]).boxed(),
        final_generator: Some(each_thread(last_read).time_limit(FINAL_NS).boxed()),
        checker: Box::new(Bank::new()),
        model: "bank",
        // Opening is what no store refuses and what changes nothing once it is done.
        probes: Probes::new(
            || 1,
            |_| Op::new("read", Value::Nil),
            |_| Op::new("open", opening()),
        ),
        // The rule itself is what is promised.
        consistency: "",
        independent: false,
    }
}

/// All accounts with what they are opened with.
fn opening() -> Value {
    let account = |name| (Value::Int(name), Value::Int(OPENED_WITH));
    Value::Map((0..ACCOUNTS).map(account).collect())
}

fn transfer(context: &mut Context<'_>) -> Op {
    let from = context.random.random_range(0..ACCOUNTS);
    let to = (from + context.random.random_range(1..ACCOUNTS)) % ACCOUNTS;
    let amount = context.random.random_range(1..=MOST);
    let field = |(name, value)| (Value::keyword(name), Value::Int(value));
    let fields = [("from", from), ("to", to), ("amount", amount)].map(field);
    Op::new("transfer", Value::Map(fields.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::testing::{Completion, run};
    use crate::history::Kind;

    fn field(map: &Value, name: &str) -> i64 {
        let Value::Map(entries) = map else {
            panic!("{map} is no map");
        };
        let entry = entries.iter().find(|(key, _)| key.as_name() == Some(name));
        entry.unwrap().1.as_int().unwrap()
    }

    #[test]
    fn accounts_are_opened_until_that_is_answered_and_then_money_moves() {
        let mut main = bank(&WorkloadOptions::default()).generator.limit(1_000);
        let mut asked = 0;
        let run = run(&mut main, 5, 1, 100_000, |invocation| {
            asked += 1;
            Completion {
                after_ns: 1_000,
                kind: if asked < 3 { Kind::Info } else { Kind::Ok },
                value: invocation.value.clone(),
            }
        });
        let run = run.unwrap();
        let names: Vec<_> = run.invocations().map(|event| event.f.clone()).collect();
        assert!(names[..3].iter().all(|f| &**f == "open"));
        assert!(names[3..].iter().all(|f| &**f != "open"));
        let mut transfers = 0;
        for event in run.invocations().filter(|event| &*event.f == "transfer") {
            let [from, to, amount] = ["from", "to", "amount"].map(|it| field(&event.value, it));
            assert!(from != to && (1..=MOST).contains(&amount));
            assert!((0..ACCOUNTS).contains(&from) && (0..ACCOUNTS).contains(&to));
            transfers += 1;
        }
        assert!((400..600).contains(&transfers), "{transfers}");
    }
}
