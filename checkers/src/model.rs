//! What an object should do, as a sequential specification (Herlihy & Wing 1990, section 2).
//!
//! A model knows nothing of concurrency, of files or of verdicts. It reads one operation at a time, and
//! says which state follows which.

use std::borrow::Cow;
use std::fmt::Debug;
use std::hash::Hash;

use rupture_history::{EventRef, Value, ValueRef};
use rustc_hash::FxHashMap;

use crate::linearizability::{Theory, View};

/// A sequential object.
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
///     fn name(&self) -> &str {
///         "flag"
///     }
///     fn functions(&self) -> &[&str] {
///         &["raise", "is-up"]
///     }
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
/// ```
pub trait Model: Send + Sync {
    /// All that the object remembers.
    type State: Clone + Eq + Hash + Debug;
    /// One operation with its argument and its result.
    type Op: Clone + Eq + Hash + Debug + Send + Sync;

    /// The name of the model, such as `cas-register`.
    fn name(&self) -> &str;

    /// The names of its operations, for messages.
    fn functions(&self) -> &[&str];

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

    /// The key that an operation concerns, where the object is many objects that know nothing of each
    /// other and are judged apart.
    ///
    /// # Errors
    /// The key is missing.
    fn key<'h>(&self, _seen: &Seen<'h>) -> Result<Option<ValueRef<'h>>, Mismatch> {
        Ok(None)
    }

    /// The state after `op`, or `None` if the operation cannot happen, with its result, in this state.
    fn step(&self, state: &Self::State, op: &Self::Op) -> Option<Self::State>;

    /// Appends every state in which `op` may end. Only for objects that choose: an operation whose result
    /// nobody saw may have ended in several.
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
    fn idle(&self, ops: &[&Self::Op], _must: &[bool]) -> Vec<bool> {
        vec![false; ops.len()]
    }

    /// The values, keys or elements that an operation concerns, if the object is so that it would not miss
    /// one of them: take all operations that concern it out of any allowed order, and what is left is
    /// allowed. A queue of which one value never existed is a queue; a register is not so. Operations that
    /// concern nothing in particular (`None`) must be allowed wherever they were, or be ones that need not
    /// happen. Counterexamples get smaller by it; the default says nothing.
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
    fn restrict(&self, _op: &Self::Op, _kept: &dyn Fn(u64) -> bool) -> Option<Self::Op> {
        None
    }

    /// An operation in words, such as `write 3`.
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

/// What was seen of one operation.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'h> {
    /// Who.
    pub process: i64,
    /// The function.
    pub f: &'h str,
    /// The argument. Where keys are judged apart this is the value without its key.
    pub argument: ValueRef<'h>,
    /// The result of an operation that happened.
    pub result: Option<ValueRef<'h>>,
    pub(crate) invocation: EventRef<'h>,
}

impl<'h> Seen<'h> {
    /// Another field of the invocation, such as `key`.
    pub fn field(&self, name: &str) -> Option<ValueRef<'h>> {
        self.invocation.extra(name)
    }
}

/// An operation that is not what the model expects.
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

/// The number of a value: equal values have equal numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u32);

impl Id {
    /// The number of `nil`.
    pub const NIL: Self = Self(0);
}

/// Values that operations carry, each kept once and numbered in the order of first use, so that states and
/// operations stay small.
#[derive(Clone, Debug)]
pub struct Values {
    list: Vec<Value>,
    numbers: FxHashMap<Value, u32>,
}

impl Default for Values {
    fn default() -> Self {
        let mut values = Self {
            list: Vec::new(),
            numbers: FxHashMap::default(),
        };
        values.number(Value::Nil);
        values
    }
}

impl Values {
    /// The number of a value. Sets and maps are equal whatever the order they were written in.
    pub fn id(&mut self, value: ValueRef<'_>) -> Id {
        self.number(canonical(value.to_value()))
    }

    fn number(&mut self, value: Value) -> Id {
        if let Some(&number) = self.numbers.get(&value) {
            return Id(number);
        }
        let number = self.list.len() as u32;
        self.list.push(value.clone());
        self.numbers.insert(value, number);
        Id(number)
    }

    /// The value of a number.
    ///
    /// # Panics
    /// When the number is of another collection of values.
    pub fn get(&self, id: Id) -> &Value {
        &self.list[id.0 as usize]
    }

    /// The value of a number, as EDN.
    pub fn text(&self, id: Id) -> String {
        self.get(id).to_string()
    }
}

/// The same value with sets and maps in one order. Depth is bounded by the reader of the history.
pub(crate) fn canonical(value: Value) -> Value {
    match value {
        Value::Vector(items) => Value::Vector(items.into_iter().map(canonical).collect()),
        Value::Set(items) => {
            let mut items: Vec<Value> = items.into_iter().map(canonical).collect();
            items.sort();
            items.dedup();
            Value::Set(items)
        }
        Value::Map(entries) => {
            let mut entries: Vec<(Value, Value)> = entries
                .into_iter()
                .map(|(key, value)| (canonical(key), canonical(value)))
                .collect();
            entries.sort();
            Value::Map(entries)
        }
        Value::Tagged(tag, value) => Value::Tagged(tag, Box::new(canonical(*value))),
        atom => atom,
    }
}
