//! Queues: in the order of arrival, or in any.

use crate::model::{Id, Mismatch, Model, Seen, Values};
use crate::theory::{Theory, View};

/// An operation of a queue.
///
/// ```
/// use rupture_checkers::models::{FifoQueue, Held, op::QueueOp};
/// use rupture_checkers::{Id, Model};
///
/// let state = FifoQueue.step(&Held::default(), &QueueOp::Enqueue(Id(1))).unwrap();
/// assert!(FifoQueue.step(&state, &QueueOp::Empty).is_none());
/// assert!(FifoQueue.step(&state, &QueueOp::Drain(vec![Id(1)])).is_some());
/// assert_eq!(FifoQueue.step(&state, &QueueOp::Dequeue(Id(1))), Some(Held::default()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum QueueOp {
    /// It put this value in.
    Enqueue(Id),
    /// It took this value out.
    Dequeue(Id),
    /// It found the queue empty.
    Empty,
    /// A dequeue whose result nobody saw: it took some value out.
    Taken,
    /// It took everything out at once: these values, in the queue's order where it has one.
    Drain(Vec<Id>),
    /// A drain whose result nobody saw. It may go on taking values out for ever.
    Drained,
}

use QueueOp::{Dequeue, Drain, Drained, Empty, Enqueue, Taken};

/// A first-in first-out queue that starts empty.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::models::{FifoQueue, UnorderedQueue};
/// use rupture_checkers::{Budget, Checker, Linearizable};
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :enqueue :value 1}
///       {:process 0 :type :ok :f :enqueue :value 1}
///       {:process 0 :type :invoke :f :enqueue :value 2}
///       {:process 0 :type :ok :f :enqueue :value 2}
///       {:process 1 :type :invoke :f :dequeue}
///       {:process 1 :type :ok :f :dequeue :value 2}",
/// )?;
/// let fifo = Linearizable::new(FifoQueue).check(&history, &Budget::unlimited())?;
/// assert_eq!(fifo.validity, Validity::Invalid, "1 should have come first");
/// let any = Linearizable::new(UnorderedQueue).check(&history, &Budget::unlimited())?;
/// assert_eq!(any.validity, Validity::Valid);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct FifoQueue;

/// A queue that gives back what it holds in any order, and starts empty.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::models::UnorderedQueue;
/// use rupture_checkers::{Budget, Checker, Linearizable};
///
/// // The order does not matter, but a job that is handed out twice does.
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :enqueue :value :job}
///       {:process 0 :type :ok :f :enqueue :value :job}
///       {:process 1 :type :invoke :f :dequeue}
///       {:process 2 :type :invoke :f :dequeue}
///       {:process 1 :type :ok :f :dequeue :value :job}
///       {:process 2 :type :ok :f :dequeue :value :job}",
/// )?;
/// let verdict = Linearizable::new(UnorderedQueue).check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct UnorderedQueue;

fn decode(seen: &Seen<'_>, values: &mut Values) -> Result<Option<QueueOp>, Mismatch> {
    let op = match (seen.f, seen.result) {
        ("enqueue", _) => Enqueue(super::pushed(seen.argument, values)?),
        ("dequeue", None) => Taken,
        ("dequeue", Some(value)) => super::element(value, values).map_or(Empty, Dequeue),
        ("drain", None) => Drained,
        ("drain", Some(value)) if super::is_exhausted(value) => Empty,
        ("drain", Some(value)) => Drain(super::all(value, values)?),
        _ => return Err(Mismatch::Function),
    };
    Ok(Some(op))
}

/// What a queue holds.
///
/// ```
/// use rupture_checkers::models::{FifoQueue, Held, op::QueueOp};
/// use rupture_checkers::{Id, Model};
///
/// let held = Held { values: vec![Id(1), Id(2)], leaking: false };
/// assert!(FifoQueue.step(&held, &QueueOp::Dequeue(Id(2))).is_none());
/// // A drain that nobody saw complete may have taken the first value away.
/// let leaking = FifoQueue.step(&held, &QueueOp::Drained).unwrap();
/// assert!(leaking.leaking);
/// assert!(FifoQueue.step(&leaking, &QueueOp::Dequeue(Id(2))).is_some());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Held {
    /// The values: in the order of arrival, or where a queue has no order, in the order of their numbers.
    pub values: Vec<Id>,
    /// Whether a drain is under way that nobody saw complete, so that values may vanish.
    pub leaking: bool,
}

impl Held {
    fn with(&self, values: Vec<Id>) -> Self {
        Self {
            values,
            leaking: self.leaking,
        }
    }

    fn without(&self, at: usize) -> Self {
        self.with([&self.values[..at], &self.values[at + 1..]].concat())
    }
}

/// Whether `part` is what is left of `whole` when some elements vanish.
fn is_part(part: &[Id], whole: &[Id]) -> bool {
    let mut whole = whole.iter();
    part.iter().all(|value| whole.any(|other| other == value))
}

fn describe(op: &QueueOp, values: &Values) -> String {
    match op {
        Enqueue(value) => format!("enqueue of {}", values.text(*value)),
        Dequeue(value) => format!("dequeue of {}", values.text(*value)),
        Empty => "dequeue that found it empty".to_owned(),
        Taken => "dequeue of an unknown value".to_owned(),
        Drain(list) => format!("drain of {}", super::list(list, values)),
        Drained => "drain of unknown values".to_owned(),
    }
}

macro_rules! queue_model {
    ($name:literal) => {
        type State = Held;
        type Op = QueueOp;

        fn name(&self) -> &'static str {
            $name
        }

        fn functions(&self) -> &[&str] {
            &["enqueue", "dequeue", "drain"]
        }

        fn initial(&self) -> Held {
            Held::default()
        }

        fn decode(
            &self,
            seen: &Seen<'_>,
            values: &mut Values,
        ) -> Result<Option<QueueOp>, Mismatch> {
            decode(seen, values)
        }

        fn concerns(&self, op: &QueueOp) -> Option<Vec<u64>> {
            match op {
                Enqueue(value) | Dequeue(value) => Some(super::numbers(&[*value])),
                Drain(values) => Some(super::numbers(values)),
                Empty | Taken | Drained => None,
            }
        }

        fn view<'o>(&self, op: &'o QueueOp) -> View<'o> {
            match op {
                Enqueue(value) => View::Put(u64::from(value.0)),
                Dequeue(value) => View::Take(u64::from(value.0)),
                Empty => View::Empty,
                Taken => View::TakeAny,
                Drain(_) | Drained => View::Other,
            }
        }

        fn describe(&self, op: &QueueOp, values: &Values) -> String {
            describe(op, values)
        }

        fn describe_state(&self, state: &Held, values: &Values) -> String {
            if state.values.is_empty() {
                "the queue is empty".to_owned()
            } else {
                format!("the queue holds {}", super::list(&state.values, values))
            }
        }

        fn heap_bytes(&self, state: &Held) -> usize {
            state.values.capacity() * 4
        }
    };
}

/// Where the values of a drain must stand for it to have taken everything out.
fn drained(state: &Held, values: &[Id]) -> Option<Held> {
    let all = if state.leaking {
        is_part(values, &state.values)
    } else {
        state.values == values
    };
    all.then(|| state.with(Vec::new()))
}

/// What happens alike in every queue.
fn step(state: &Held, op: &QueueOp) -> Option<Held> {
    match op {
        Empty => (state.leaking || state.values.is_empty()).then(|| state.with(Vec::new())),
        Drained => Some(Held {
            values: state.values.clone(),
            leaking: true,
        }),
        Taken if state.values.is_empty() => Some(state.clone()),
        Taken => Some(state.without(0)),
        Enqueue(_) | Dequeue(_) | Drain(_) => None,
    }
}

impl Model for FifoQueue {
    queue_model!("fifo-queue");

    fn theory(&self) -> Option<Theory> {
        Some(Theory::FifoQueue)
    }

    fn step(&self, state: &Held, op: &QueueOp) -> Option<Held> {
        match op {
            Enqueue(value) => Some(state.with([&state.values[..], &[*value]].concat())),
            Dequeue(value) => {
                let at = state.values.iter().position(|other| other == value)?;
                let reached = at == 0 || state.leaking;
                reached.then(|| state.with(state.values[at + 1..].to_vec()))
            }
            Drain(values) => drained(state, values),
            Empty | Taken | Drained => step(state, op),
        }
    }
}

impl Model for UnorderedQueue {
    queue_model!("unordered-queue");

    fn theory(&self) -> Option<Theory> {
        Some(Theory::UnorderedQueue)
    }

    fn step(&self, state: &Held, op: &QueueOp) -> Option<Held> {
        match op {
            Enqueue(value) => {
                let at = state.values.partition_point(|other| other <= value);
                let (before, after) = state.values.split_at(at);
                Some(state.with([before, &[*value], after].concat()))
            }
            Dequeue(value) => {
                let at = state.values.binary_search(value).ok()?;
                Some(state.without(at))
            }
            Drain(values) => {
                let mut values = values.clone();
                values.sort_unstable();
                drained(state, &values)
            }
            Empty | Taken | Drained => step(state, op),
        }
    }

    fn outcomes(&self, state: &Held, op: &QueueOp, next: &mut Vec<Held>) {
        if *op != Taken || state.values.is_empty() {
            next.extend(self.step(state, op));
            return;
        }
        let values = &state.values;
        let firsts = (0..values.len()).filter(|&at| at == 0 || values[at] != values[at - 1]);
        next.extend(firsts.map(|at| state.without(at)));
    }
}
