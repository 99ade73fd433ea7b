//! A priority queue of integers that gives out its greatest or its least.

use crate::model::{Mismatch, Model, Seen, Values};
use crate::theory::{Theory, View};

/// An operation of a priority queue.
///
/// ```
/// use rupture_checkers::Model;
/// use rupture_checkers::models::{PriorityQueue, op::PriorityOp};
///
/// let state = vec![1, 5, 9];
/// assert_eq!(PriorityQueue.step(&state, &PriorityOp::Greatest(9)), Some(vec![1, 5]));
/// assert_eq!(PriorityQueue.step(&state, &PriorityOp::TookLeast), Some(vec![5, 9]));
/// assert_eq!(PriorityQueue.step(&state, &PriorityOp::Least(5)), None);
/// assert_eq!(PriorityQueue.step(&state, &PriorityOp::Empty), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PriorityOp {
    /// It put this value in.
    Insert(i64),
    /// It took this value out, the greatest.
    Greatest(i64),
    /// It took this value out, the least.
    Least(i64),
    /// It found nothing.
    Empty,
    /// It took the greatest out, if there was one; nobody saw it.
    TookGreatest,
    /// It took the least out, if there was one; nobody saw it.
    TookLeast,
}

/// A priority queue that starts empty.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::models::PriorityQueue;
/// use rupture_checkers::{Budget, Checker, Linearizable};
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :insert :value 3}
///       {:process 0 :type :ok :f :insert :value 3}
///       {:process 0 :type :invoke :f :insert :value 8}
///       {:process 0 :type :ok :f :insert :value 8}
///       {:process 1 :type :invoke :f :extract-max}
///       {:process 1 :type :ok :f :extract-max :value 3}",
/// )?;
/// let verdict = Linearizable::new(PriorityQueue).check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid, "8 was in it, and greater");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct PriorityQueue;

fn extracted(seen: &Seen<'_>, greatest: bool) -> Result<PriorityOp, Mismatch> {
    let Some(result) = seen.result else {
        return Ok(if greatest {
            PriorityOp::TookGreatest
        } else {
            PriorityOp::TookLeast
        });
    };
    match result.as_int() {
        Some(value) if greatest => Ok(PriorityOp::Greatest(value)),
        Some(value) => Ok(PriorityOp::Least(value)),
        None if result.is_nil() => Ok(PriorityOp::Empty),
        None => Err(Mismatch::result("an integer, or nil when empty")),
    }
}

impl Model for PriorityQueue {
    /// Its values, ascending.
    type State = Vec<i64>;
    type Op = PriorityOp;

    fn name(&self) -> &'static str {
        "priority-queue"
    }

    fn functions(&self) -> &[&str] {
        &["insert", "extract-max", "extract-min"]
    }

    fn initial(&self) -> Vec<i64> {
        Vec::new()
    }

    fn decode(&self, seen: &Seen<'_>, _: &mut Values) -> Result<Option<PriorityOp>, Mismatch> {
        let op = match seen.f {
            "insert" => match seen.argument.as_int() {
                Some(value) => PriorityOp::Insert(value),
                None => return Err(Mismatch::argument("an integer")),
            },
            "extract-max" => extracted(seen, true)?,
            "extract-min" => extracted(seen, false)?,
            _ => return Err(Mismatch::Function),
        };
        Ok(Some(op))
    }

    fn theory(&self) -> Option<Theory> {
        Some(Theory::PriorityQueue)
    }

    fn view<'o>(&self, op: &'o PriorityOp) -> View<'o> {
        // The numbers in the order of the priorities, negative ones first.
        let number = |value: i64| value as u64 ^ (1 << 63);
        match *op {
            PriorityOp::Insert(value) => View::Put(number(value)),
            PriorityOp::Greatest(value) => View::Take(number(value)),
            PriorityOp::Least(value) => View::TakeLeast(number(value)),
            PriorityOp::Empty => View::Empty,
            PriorityOp::TookGreatest => View::TakeAny,
            PriorityOp::TookLeast => View::TakeAnyLeast,
        }
    }

    fn step(&self, state: &Vec<i64>, op: &PriorityOp) -> Option<Vec<i64>> {
        let but_greatest = &state[..state.len().saturating_sub(1)];
        let but_least = state.get(1..).unwrap_or_default();
        match op {
            PriorityOp::Insert(value) => {
                let at = state.partition_point(|other| other <= value);
                Some([&state[..at], &[*value], &state[at..]].concat())
            }
            PriorityOp::Greatest(value) => {
                (state.last() == Some(value)).then(|| but_greatest.to_vec())
            }
            PriorityOp::Least(value) => (state.first() == Some(value)).then(|| but_least.to_vec()),
            PriorityOp::Empty => state.is_empty().then(Vec::new),
            PriorityOp::TookGreatest => Some(but_greatest.to_vec()),
            PriorityOp::TookLeast => Some(but_least.to_vec()),
        }
    }

    fn is_read(&self, op: &PriorityOp) -> bool {
        matches!(op, PriorityOp::Empty)
    }

    fn concerns(&self, op: &PriorityOp) -> Option<Vec<u64>> {
        match *op {
            PriorityOp::Insert(value) | PriorityOp::Greatest(value) | PriorityOp::Least(value) => {
                Some(vec![value as u64])
            }
            PriorityOp::Empty | PriorityOp::TookGreatest | PriorityOp::TookLeast => None,
        }
    }

    fn describe(&self, op: &PriorityOp, _: &Values) -> String {
        match op {
            PriorityOp::Insert(value) => format!("insert of {value}"),
            PriorityOp::Greatest(value) => format!("extract-max of {value}"),
            PriorityOp::Least(value) => format!("extract-min of {value}"),
            PriorityOp::Empty => "extraction that found it empty".to_owned(),
            PriorityOp::TookGreatest => "extract-max of an unknown value".to_owned(),
            PriorityOp::TookLeast => "extract-min of an unknown value".to_owned(),
        }
    }

    fn describe_state(&self, state: &Vec<i64>, _: &Values) -> String {
        if state.is_empty() {
            "the queue is empty".to_owned()
        } else {
            format!("the queue holds {state:?}")
        }
    }

    fn heap_bytes(&self, state: &Vec<i64>) -> usize {
        state.capacity() * 8
    }
}
