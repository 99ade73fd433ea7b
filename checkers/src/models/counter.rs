//! A number that is added to and read.

use crate::model::{Mismatch, Model, Seen, Values};

/// An operation of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CounterOp {
    /// It added this number, which may be negative.
    Add(i64),
    /// It saw this sum.
    Read(i64),
}

/// A counter that starts at 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counter;

impl Model for Counter {
    /// Wide enough for any number of additions.
    type State = i128;
    type Op = CounterOp;

    fn name(&self) -> &'static str {
        "counter"
    }

    fn functions(&self) -> &[&str] {
        &["add", "read"]
    }

    fn initial(&self) -> i128 {
        0
    }

    fn decode(&self, seen: &Seen<'_>, _: &mut Values) -> Result<Option<CounterOp>, Mismatch> {
        match (seen.f, seen.result) {
            ("add", _) => match seen.argument.as_int() {
                Some(n) => Ok(Some(CounterOp::Add(n))),
                None => Err(Mismatch::argument("an integer")),
            },
            ("read", None) => Ok(None),
            ("read", Some(sum)) => match sum.as_int() {
                Some(n) => Ok(Some(CounterOp::Read(n))),
                None => Err(Mismatch::result("an integer")),
            },
            _ => Err(Mismatch::Function),
        }
    }

    fn step(&self, sum: &i128, op: &CounterOp) -> Option<i128> {
        match op {
            CounterOp::Add(n) => Some(sum + i128::from(*n)),
            CounterOp::Read(n) => (*sum == i128::from(*n)).then_some(*sum),
        }
    }

    fn is_read(&self, op: &CounterOp) -> bool {
        matches!(op, CounterOp::Read(_) | CounterOp::Add(0))
    }

    fn describe(&self, op: &CounterOp, _: &Values) -> String {
        match op {
            CounterOp::Add(n) => format!("add of {n}"),
            CounterOp::Read(n) => format!("read of {n}"),
        }
    }

    fn describe_state(&self, sum: &i128, _: &Values) -> String {
        format!("the sum is {sum}")
    }
}
