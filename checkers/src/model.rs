//! What an object should do, as a sequential specification (Herlihy & Wing 1990, section 2).
//!
//! A model knows nothing of concurrency, of files or of verdicts. It reads one operation at a time, and
//! says which state follows which.

use std::borrow::Cow;
use std::fmt::Debug;
use std::hash::Hash;

use rupture_history::{EventRef, ValueRef};

use crate::theory::{Theory, View};
pub use crate::values::{Id, Values};

/// A sequential object.
///
/// Four things make a model: [`State`](Self::State) and [`Op`](Self::Op), the [`initial`](Self::initial) state,
/// how an operation is read from a history ([`decode`](Self::decode)), and which state follows which
/// ([`step`](Self::step)). All others have a default. [`Linearizable`](crate::Linearizable) and
/// [`Sequential`](crate::Sequential) judge a history by it.
///
/// | to have | implement |
/// |---|---|
/// | better messages | `name`, `functions`, `describe`, `describe_state` |
/// | objects by key, each judged apart | `key` |
/// | a faster search | `is_read`, `idle` |
/// | smaller counterexamples | `concerns`, `restrict` |
/// | no search where values are unique | `theory`, `view`, and of texts `with_text` |
/// | operations that may end in several states | `outcomes` |
/// | failures that say something | `decode_failed` |
/// | a bound of memory that holds | `heap_bytes` |
///
/// ```
/// use rupture_checkers::history::{Event, History, Kind, Validity, Value};
/// use rupture_checkers::{Budget, Checker, Linearizable, Mismatch, Model, Seen, Values};
///
/// /// A flag that anyone may raise and that never falls.
/// struct Flag;
///
/// #[derive(Clone, Debug, PartialEq, Eq, Hash)]
/// enum Op {
///     Raise,
///     IsUp(bool),
/// }
///
/// impl Model for Flag {
///     type State = bool;
///     type Op = Op;
///
///     fn initial(&self) -> bool {
///         false
///     }
///     fn decode(&self, seen: &Seen<'_>, _: &mut Values) -> Result<Option<Op>, Mismatch> {
///         match (seen.f, seen.result) {
///             ("raise", _) => Ok(Some(Op::Raise)),
///             ("is-up", None) => Ok(None),
///             ("is-up", Some(up)) => match up.as_bool() {
///                 Some(up) => Ok(Some(Op::IsUp(up))),
///                 None => Err(Mismatch::result("true or false")),
///             },
///             _ => Err(Mismatch::Function),
///         }
///     }
///     fn step(&self, up: &bool, op: &Op) -> Option<bool> {
///         match op {
///             Op::Raise => Some(true),
///             Op::IsUp(seen) => (up == seen).then_some(*up),
///         }
///     }
///     fn is_read(&self, op: &Op) -> bool {
///         matches!(op, Op::IsUp(_))
///     }
/// }
///
/// let history: History = [
///     Event::new(0, Kind::Invoke, "raise", Value::Nil),
///     Event::new(0, Kind::Ok, "raise", Value::Nil),
///     Event::new(1, Kind::Invoke, "is-up", Value::Nil),
///     Event::new(1, Kind::Ok, "is-up", Value::Bool(false)),
/// ]
/// .iter()
/// .collect();
/// let verdict = Linearizable::new(Flag).check(&history, &Budget::unlimited()).unwrap();
/// assert_eq!(verdict.validity, Validity::Invalid);
/// assert_eq!(verdict.model, "Flag");
/// ```
pub trait Model: Send + Sync {
    /// All that the object remembers.
    type State: Clone + Eq + Hash + Debug;
    /// One operation with its argument and its result.
    type Op: Clone + Eq + Hash + Debug + Send + Sync;

    /// The name of the model, such as `cas-register`. The name of its type, without the path to it, unless it
    /// is given another.
    fn name(&self) -> &str {
        short_name(std::any::type_name::<Self>())
    }

    /// The names of its operations, for messages: an error names what there is where a history speaks of
    /// something else.
    fn functions(&self) -> &[&str] {
        &[]
    }

    /// The state before the first operation.
    fn initial(&self) -> Self::State;

    /// Reads one operation that happened (`seen.result` is there) or of which nobody knows (it is not).
    /// `None` says that the operation means nothing to the object: a read whose result nobody saw.
    ///
    /// # Errors
    /// The model has no such function, or its value has the wrong type.
    fn decode(&self, seen: &Seen<'_>, values: &mut Values) -> Result<Option<Self::Op>, Mismatch>;

    /// Reads an operation that failed, which did not happen and therefore means nothing, unless the model
    /// takes its failure for an observation. The checker has already passed it through [`Self::decode`].
    ///
    /// # Errors
    /// As [`Self::decode`].
    fn decode_failed(
        &self,
        _seen: &Seen<'_>,
        _values: &mut Values,
    ) -> Result<Option<Self::Op>, Mismatch> {
        Ok(None)
    }

    /// Whether `f` fails because the object compared and refused, as a compare-and-set does, so that a failure that
    /// names no error is its answer. A history in which every operation failed then shows an object that was there,
    /// and is `valid`; without such an answer it is `unknown`, for so looks one that was dead.
    ///
    /// ```
    /// use rupture_checkers::Model;
    /// use rupture_checkers::models::CasRegister;
    ///
    /// let model = CasRegister { observe_failed: false };
    /// assert!(model.refuses("cas") && !model.refuses("write"));
    /// ```
    fn refuses(&self, _f: &str) -> bool {
        false
    }

    /// The key that an operation concerns, where the object is many objects that know nothing of each
    /// other and are judged apart.
    ///
    /// ```
    /// use rupture_checkers::history::{Validity, codec};
    /// use rupture_checkers::models::KvAppend;
    /// use rupture_checkers::{Budget, Checker, Linearizable};
    ///
    /// // KvAppend takes the field `key`: these are two objects, and each of them is consistent.
    /// let history = codec::read(
    ///     br#"{:process 0 :type :invoke :f :put :key "a" :value "1"}
    ///         {:process 0 :type :ok :f :put :key "a" :value "1"}
    ///         {:process 0 :type :invoke :f :get :key "b"}
    ///         {:process 0 :type :ok :f :get :key "b" :value ""}"#,
    /// )?;
    /// let verdict = Linearizable::new(KvAppend).check(&history, &Budget::unlimited())?;
    /// assert_eq!(verdict.validity, Validity::Valid);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The key is missing.
    fn key<'h>(&self, _seen: &Seen<'h>) -> Result<Option<ValueRef<'h>>, Mismatch> {
        Ok(None)
    }

    /// The state after `op`, or `None` if the operation cannot happen, with its result, in this state.
    ///
    /// ```
    /// use rupture_checkers::Model;
    /// use rupture_checkers::models::{Semaphore, op::PermitsOp};
    ///
    /// let model = Semaphore { permits: 2 };
    /// let mut free = model.initial();
    /// for op in [PermitsOp::Acquire(1), PermitsOp::Acquire(1), PermitsOp::Release(2)] {
    ///     free = model.step(&free, &op).expect("enough are free");
    /// }
    /// assert_eq!(free, 2);
    /// ```
    fn step(&self, state: &Self::State, op: &Self::Op) -> Option<Self::State>;

    /// Appends every state in which `op` may end. Only for objects that choose: an operation whose result
    /// nobody saw may have ended in several.
    ///
    /// ```
    /// use rupture_checkers::models::{Held, UnorderedQueue, op::QueueOp};
    /// use rupture_checkers::{Id, Model};
    ///
    /// // Nobody saw which of the two values was dequeued.
    /// let held = Held { values: vec![Id(1), Id(2)], leaking: false };
    /// let mut next = Vec::new();
    /// UnorderedQueue.outcomes(&held, &QueueOp::Taken, &mut next);
    /// let left: Vec<&[Id]> = next.iter().map(|held| &held.values[..]).collect();
    /// assert_eq!(left, [[Id(2)], [Id(1)]]);
    /// ```
    fn outcomes(&self, state: &Self::State, op: &Self::Op, next: &mut Vec<Self::State>) {
        next.extend(self.step(state, op));
    }

    /// Whether `op` leaves every state as it is in which it can happen.
    fn is_read(&self, _op: &Self::Op) -> bool {
        false
    }

    /// Which of the operations that need not happen (`must` is false) can be left out for certain: any
    /// order of `ops` that is allowed stays allowed when they are taken out of it. A true answer saves a
    /// search much; the default leaves none out.
    ///
    /// ```
    /// use rupture_checkers::models::{Register, op::RegisterOp};
    /// use rupture_checkers::{Id, Model};
    ///
    /// // Two writes that timed out. Nobody read 2, so the write of it can be left out.
    /// let ops = [RegisterOp::Write(Id(1)), RegisterOp::Write(Id(2)), RegisterOp::Read(Id(1))];
    /// let idle = Register.idle(&[&ops[0], &ops[1], &ops[2]], &[false, false, true]);
    /// assert_eq!(idle, [false, true, false]);
    /// ```
    fn idle(&self, ops: &[&Self::Op], _must: &[bool]) -> Vec<bool> {
        vec![false; ops.len()]
    }

    /// The values, keys or elements that an operation concerns, if the object is so that it would not miss
    /// one of them: take all operations that concern it out of any allowed order, and what is left is
    /// allowed. A queue of which one value never existed is a queue; a register is not so. Operations that
    /// concern nothing in particular (`None`) must be allowed wherever they were, or be ones that need not
    /// happen. Counterexamples get smaller by it; the default says nothing.
    ///
    /// ```
    /// use rupture_checkers::models::{FifoQueue, Register, op::QueueOp, op::RegisterOp};
    /// use rupture_checkers::{Id, Model};
    ///
    /// assert_eq!(FifoQueue.concerns(&QueueOp::Enqueue(Id(4))), Some(vec![4]));
    /// assert_eq!(Register.concerns(&RegisterOp::Write(Id(4))), None);
    /// ```
    fn concerns(&self, _op: &Self::Op) -> Option<Vec<u64>> {
        None
    }

    /// The object as the log-linear algorithms know it, if it is one of theirs. The default is none, and the
    /// search decides.
    fn theory(&self) -> Option<Theory> {
        None
    }

    /// An operation as that theory sees it. What it cannot see is [`View::Other`].
    fn view<'o>(&self, _op: &'o Self::Op) -> View<'o> {
        View::Other
    }

    /// The operation as it looks to an object in which only the values of [`Self::concerns`] exist that are
    /// kept: a read of a whole set sees those elements. None if there is no such view.
    ///
    /// ```
    /// use rupture_checkers::models::{Set, op::SetOp};
    /// use rupture_checkers::{Id, Model};
    ///
    /// let read = SetOp::Read(Some(vec![Id(1), Id(2), Id(3)]));
    /// let small = Set.restrict(&read, &|element| element != 2);
    /// assert_eq!(small, Some(SetOp::Read(Some(vec![Id(1), Id(3)]))));
    /// ```
    fn restrict(&self, _op: &Self::Op, _kept: &dyn Fn(u64) -> bool) -> Option<Self::Op> {
        None
    }

    /// The same operation with another text in its place, of objects of [`Theory::Text`]. Their violations are
    /// shown with only the pieces of text that matter; without it the search decides instead of the theory.
    ///
    /// ```
    /// use rupture_checkers::Model;
    /// use rupture_checkers::models::{KvAppend, op::KvOp};
    ///
    /// let get = KvOp::Get("abc".into());
    /// assert_eq!(KvAppend.with_text(&get, "ac"), Some(KvOp::Get("ac".into())));
    /// ```
    fn with_text(&self, _op: &Self::Op, _text: &str) -> Option<Self::Op> {
        None
    }

    /// An operation in words, such as `write 3`.
    ///
    /// ```
    /// use rupture_checkers::models::{Stack, op::StackOp};
    /// use rupture_checkers::{Id, Model, Values};
    ///
    /// let values = Values::default();
    /// assert_eq!(Stack.describe(&StackOp::Push(Id::NIL), &values), "push of nil");
    /// assert_eq!(Stack.describe_state(&vec![], &values), "the stack is empty");
    /// ```
    fn describe(&self, op: &Self::Op, _values: &Values) -> String {
        format!("{op:?}")
    }

    /// A state in words, such as `the value is 3`.
    fn describe_state(&self, state: &Self::State, _values: &Values) -> String {
        format!("the state is {state:?}")
    }

    /// How many bytes a state holds outside itself.
    fn heap_bytes(&self, _state: &Self::State) -> usize {
        0
    }
}

/// The name of a type without the path to it and without what it is generic over.
fn short_name(path: &str) -> &str {
    let path = path.split_once('<').map_or(path, |(path, _)| path);
    path.rsplit_once("::").map_or(path, |(_, name)| name)
}

/// What was seen of one operation, from which [`Model::decode`] makes an operation.
///
/// ```
/// use rupture_checkers::models::{Register, op::RegisterOp};
/// use rupture_checkers::{Linearizable, Mismatch, Model, Seen, Values};
///
/// /// Reads an operation by what was seen of it: a read says nothing before it has a result.
/// fn decode(seen: &Seen<'_>, values: &mut Values) -> Result<Option<RegisterOp>, Mismatch> {
///     match (seen.f, seen.result) {
///         ("get", Some(value)) => Ok(Some(RegisterOp::Read(values.id(value)))),
///         ("get", None) => Ok(None),
///         // A deletion is a write of nil, whatever its argument.
///         ("delete", _) => Ok(Some(RegisterOp::Write(rupture_checkers::Id::NIL))),
///         _ => Register.decode(seen, values),
///     }
/// }
/// # struct Renamed;
/// # impl Model for Renamed {
/// #     type State = rupture_checkers::Id;
/// #     type Op = RegisterOp;
/// #     fn initial(&self) -> Self::State { Register.initial() }
/// #     fn decode(&self, seen: &Seen<'_>, values: &mut Values) -> Result<Option<RegisterOp>, Mismatch> { decode(seen, values) }
/// #     fn step(&self, state: &Self::State, op: &RegisterOp) -> Option<Self::State> { Register.step(state, op) }
/// # }
/// # use rupture_checkers::{Budget, Checker, history::{Validity, codec}};
/// # let file = b"{:process 0 :type :invoke :f :delete :value 3} {:process 0 :type :ok :f :delete :value 3}
/// #     {:process 0 :type :invoke :f :get} {:process 0 :type :ok :f :get :value nil}";
/// # let verdict = Linearizable::new(Renamed).check(&codec::read(file).unwrap(), &Budget::unlimited());
/// # assert_eq!(verdict.unwrap().validity, Validity::Valid);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Seen<'h> {
    /// Who: the number of [`History::process`](rupture_history::History::process).
    pub process: i64,
    /// The function.
    pub f: &'h str,
    /// The argument. Where keys are judged apart this is the value without its key.
    pub argument: ValueRef<'h>,
    /// The result of an operation that happened.
    pub result: Option<ValueRef<'h>>,
    pub(crate) invocation: EventRef<'h>,
    /// Whether a key was taken off the argument and the result.
    pub(crate) keyed: bool,
}

impl<'h> Seen<'h> {
    /// Another field of the invocation, such as `key`.
    ///
    /// ```
    /// use rupture_checkers::{Mismatch, Seen};
    ///
    /// /// Whether the operation went to the leader, which its client wrote down as `:node`.
    /// fn to_the_leader(seen: &Seen<'_>) -> Result<bool, Mismatch> {
    ///     let node = seen.field("node").and_then(|node| node.as_name());
    ///     node.map(|node| node == "n1").ok_or_else(|| Mismatch::argument("a field `node` beside it"))
    /// }
    /// # use rupture_checkers::{Budget, Checker, Linearizable, Model, Values, history::codec};
    /// # struct Routed;
    /// # impl Model for Routed {
    /// #     type State = ();
    /// #     type Op = bool;
    /// #     fn initial(&self) {}
    /// #     fn decode(&self, seen: &Seen<'_>, _: &mut Values) -> Result<Option<bool>, Mismatch> { to_the_leader(seen).map(Some) }
    /// #     fn step(&self, (): &(), to_the_leader: &bool) -> Option<()> { to_the_leader.then_some(()) }
    /// # }
    /// # let check = |file: &[u8]| Linearizable::new(Routed).check(&codec::read(file).unwrap(), &Budget::unlimited());
    /// # let ok = check(b"{:process 0 :type :invoke :f :get :node :n1} {:process 0 :type :ok :f :get :node :n1}");
    /// # assert_eq!(ok.unwrap().validity, rupture_checkers::history::Validity::Valid);
    /// # assert!(check(b"{:process 0 :type :invoke :f :get}").is_err());
    /// ```
    pub fn field(&self, name: &str) -> Option<ValueRef<'h>> {
        self.invocation.extra(name)
    }
}

/// An operation that is not what the model expects. The checker makes a [`CheckError`](crate::CheckError) of
/// it that names the event.
///
/// ```
/// use rupture_checkers::Mismatch;
///
/// let port = |n: i64| u16::try_from(n).map_err(|_| Mismatch::argument("a port"));
/// assert_eq!(port(443), Ok(443));
/// assert_eq!(port(-1), Err(Mismatch::Argument("a port".into())));
/// assert_eq!(Mismatch::result("an integer"), Mismatch::Result("an integer".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The model has no such function.
    Function,
    /// The argument is not this.
    Argument(Cow<'static, str>),
    /// The result is not this.
    Result(Cow<'static, str>),
}

impl Mismatch {
    /// The argument should have been this.
    pub fn argument(expected: impl Into<Cow<'static, str>>) -> Self {
        Self::Argument(expected.into())
    }

    /// The result should have been this.
    pub fn result(expected: impl Into<Cow<'static, str>>) -> Self {
        Self::Result(expected.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_without_a_name_is_named_like_its_type() {
        assert_eq!(short_name("app::models::Flag"), "Flag");
        assert_eq!(short_name("app::Keyed<app::models::Flag, u8>"), "Keyed");
        assert_eq!(short_name("&app::Flag"), "Flag");
        assert_eq!(short_name("Flag"), "Flag");
    }
}
