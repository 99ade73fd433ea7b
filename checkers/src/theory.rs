//! What the log-linear algorithms need to know of an object.
//!
//! A [`Model`](crate::Model) that is one of these objects says so ([`Model::theory`](crate::Model::theory))
//! and translates its operations ([`Model::view`](crate::Model::view)). Where every value is put in at most
//! once, the history is then decided without a search.

use crate::values::Id;

/// An object of which it is known how to decide linearizability in O(n log n) when every value is unique.
///
/// ```
/// use rupture_checkers::history::codec;
/// use rupture_checkers::{
///     Budget, Checker, Linearizable, Mismatch, Model, Seen, Theory, Values, View,
/// };
///
/// /// Messages that are sent and received in order.
/// struct Channel;
///
/// #[derive(Clone, Debug, PartialEq, Eq, Hash)]
/// enum Op {
///     Send(u64),
///     Receive(u64),
/// }
///
/// impl Model for Channel {
///     type State = Vec<u64>;
///     type Op = Op;
///
///     fn initial(&self) -> Vec<u64> {
///         Vec::new()
///     }
///     fn decode(&self, seen: &Seen<'_>, values: &mut Values) -> Result<Option<Op>, Mismatch> {
///         match (seen.f, seen.result) {
///             ("send", _) => Ok(Some(Op::Send(values.id(seen.argument).0.into()))),
///             ("receive", Some(value)) => Ok(Some(Op::Receive(values.id(value).0.into()))),
///             _ => Err(Mismatch::Function),
///         }
///     }
///     fn step(&self, state: &Vec<u64>, op: &Op) -> Option<Vec<u64>> {
///         match op {
///             Op::Send(value) => Some([&state[..], &[*value]].concat()),
///             Op::Receive(value) => (state.first() == Some(value)).then(|| state[1..].to_vec()),
///         }
///     }
///     // These two are all that the log-linear algorithm needs.
///     fn theory(&self) -> Option<Theory> {
///         Some(Theory::FifoQueue)
///     }
///     fn view<'o>(&self, op: &'o Op) -> View<'o> {
///         match *op {
///             Op::Send(value) => View::Put(value),
///             Op::Receive(value) => View::Take(value),
///         }
///     }
/// }
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :send :value :hello}
///       {:process 0 :type :ok :f :send :value :hello}
///       {:process 1 :type :invoke :f :receive}
///       {:process 1 :type :ok :f :receive :value :hello}",
/// )?;
/// let verdict = Linearizable::new(Channel).check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.algorithms, ["queue patterns (Henzinger, Sezgin & Vafeiadis 2013)"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theory {
    /// A value that is read and written.
    Register {
        /// The number of the value before the first write.
        initial: u64,
    },
    /// Elements that are added, removed, asked for and read as a whole. Starts empty.
    Set,
    /// First in, first out. Starts empty.
    FifoQueue,
    /// What is put in comes out in any order. Starts empty.
    UnorderedQueue,
    /// Last in, first out. Starts empty.
    Stack,
    /// The greatest or the least number goes first. Starts empty.
    PriorityQueue,
    /// A text that is replaced, appended to and read as a whole. Starts empty. Here it matters less that all
    /// pieces are unique than that one can tell which of them a text that was read is made of.
    Text,
}

/// An operation as a [`Theory`] sees it. Values are numbers, equal for equal values; those of a priority
/// queue are in the order of their priorities.
///
/// ```
/// use rupture_checkers::models::op::{SetOp, StackOp};
/// use rupture_checkers::models::{Set, Stack};
/// use rupture_checkers::{Id, Model, View};
///
/// assert_eq!(Stack.view(&StackOp::Push(Id(7))), View::Put(7));
/// assert_eq!(Stack.view(&StackOp::Popped), View::TakeAny);
/// assert_eq!(Set.view(&SetOp::Contains(Id(7), false)), View::Miss(7));
/// assert_eq!(Set.view(&SetOp::Read(None)), View::Never);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View<'a> {
    /// It puts a value in: a write, an addition, an enqueue, a push, an insertion.
    Put(u64),
    /// It sees a value and leaves it: a read of a register, an element found.
    See(u64),
    /// It does not see an element.
    Miss(u64),
    /// It takes a value out: a removal, a dequeue, a pop, the extraction of the greatest.
    Take(u64),
    /// It takes a value out, which is the least.
    TakeLeast(u64),
    /// It found nothing to take.
    Empty,
    /// It saw the first value and put the second in its place.
    Swap(u64, u64),
    /// It took something out, or found nothing: nobody saw it. The greatest, if it is a priority queue.
    TakeAny,
    /// It took the least out, or found nothing: nobody saw it.
    TakeAnyLeast,
    /// It saw exactly these elements, which are in ascending order.
    All(&'a [Id]),
    /// It saw this text.
    Text(&'a str),
    /// It put this text in the place of the one that was there.
    Replace(&'a str),
    /// It appended this text.
    Append(&'a str),
    /// It cannot happen, whatever the object holds.
    Never,
    /// It is something else, which no theory covers.
    Other,
}
