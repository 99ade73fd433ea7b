//! A number that is added to and read.

use crate::model::{Mismatch, Model, Seen, Values};

/// An operation of a counter.
///
/// ```
/// use rupture_checkers::Model;
/// use rupture_checkers::models::{Counter, op::CounterOp};
///
/// assert_eq!(Counter.step(&7, &CounterOp::Add(-2)), Some(5));
/// assert_eq!(Counter.step(&5, &CounterOp::Read(5)), Some(5));
/// assert_eq!(Counter.step(&5, &CounterOp::Read(6)), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CounterOp {
    /// It added this number, which may be negative.
    Add(i64),
    /// It saw this sum.
    Read(i64),
}

/// A counter that starts at 0.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::models::Counter;
/// use rupture_checkers::{Budget, Checker, Linearizable};
///
/// // An addition that timed out may be seen or not, but not half of it.
/// let check = |sum: i64| {
///     let history = codec::read(
///         format!(
///             "{{:process 0 :type :invoke :f :add :value 2}}
///              {{:process 0 :type :info :f :add :value 2}}
///              {{:process 1 :type :invoke :f :read}}
///              {{:process 1 :type :ok :f :read :value {sum}}}"
///         )
///         .as_bytes(),
///     );
///     Linearizable::new(Counter).check(&history.unwrap(), &Budget::unlimited()).unwrap()
/// };
/// assert_eq!(check(0).validity, Validity::Valid);
/// assert_eq!(check(1).validity, Validity::Invalid);
/// assert_eq!(check(2).validity, Validity::Valid);
/// ```
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
