//! Owned values, for building and for tests. Histories store them flat: see [`crate::ValueRef`].

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A shared, immutable string.
///
/// ```
/// use rupture_history::{Name, Value};
///
/// let name: Name = "x".into();
/// assert_eq!(Value::Str(name.clone()).as_name(), Some(&*name));
/// ```
pub type Name = Arc<str>;

/// What an operation carries: any EDN or JSON value.
///
/// EDN lists are read as vectors: Jepsen's tools treat the two alike, and so does every checker here.
///
/// ```
/// use rupture_history::Value;
///
/// let value = Value::from(vec![Value::keyword("x"), Value::Int(3), Value::Nil]);
/// assert_eq!(value.to_string(), "[:x 3 nil]");
/// let [key, number, nil] = value.items().unwrap() else { panic!("three") };
/// assert_eq!((key.as_name(), number.as_int()), (Some("x"), Some(3)));
/// assert!(nil.is_nil());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// EDN `nil`, JSON `null`.
    #[default]
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// An integer that fits 64 bits; larger ones are kept as [`Value::Other`].
    Int(i64),
    /// A floating point number, with a total order.
    Float(Float),
    /// A string.
    Str(Name),
    /// An EDN keyword, without its colon. JSON has none and writes it as a string.
    Keyword(Name),
    /// An EDN symbol.
    Symbol(Name),
    /// An EDN vector or list, a JSON array.
    Vector(Vec<Value>),
    /// A map, in the order in which it was written.
    Map(Vec<(Value, Value)>),
    /// An EDN set, in the order in which it was written.
    Set(Vec<Value>),
    /// A tagged EDN value, `#tag value`.
    Tagged(Name, Box<Value>),
    /// Any other atom (a ratio, a character, a big number), kept as its own text.
    Other(Name),
}

impl Value {
    /// A string value.
    pub fn str(text: &str) -> Self {
        Self::Str(text.into())
    }

    /// A keyword, named without its colon.
    pub fn keyword(name: &str) -> Self {
        Self::Keyword(name.into())
    }

    /// The integer, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(*n),
            _ => None,
        }
    }

    /// The text of a string or a keyword: JSON has only strings, EDN uses keywords for the same names.
    pub fn as_name(&self) -> Option<&str> {
        match self {
            Self::Str(s) | Self::Keyword(s) => Some(s),
            _ => None,
        }
    }

    /// The elements of a vector or a set.
    pub fn items(&self) -> Option<&[Value]> {
        match self {
            Self::Vector(items) | Self::Set(items) => Some(items),
            _ => None,
        }
    }

    /// Whether this is `nil`.
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Nil
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::str(text)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Vector(items)
    }
}

/// EDN text, as `pr` of Clojure prints it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        crate::codec::edn::write_value(&mut text, self);
        f.write_str(&text)
    }
}

/// A floating point number that is equal to itself and has an order: that of IEEE 754 `totalOrder`, but that -0.0 is
/// 0.0, as EDN and JSON have it.
///
/// ```
/// use rupture_history::{Float, Value};
///
/// assert_eq!(Float(f64::NAN), Float(f64::NAN));
/// assert_eq!(Float(-0.0), Float(0.0));
/// assert!(Float(-1.0) < Float(0.0));
/// assert_eq!(Value::Float(Float(1.5)).to_string(), "1.5");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Float(pub f64);

impl Float {
    /// Equal for equal numbers: adding zero turns -0.0 into 0.0.
    fn bits(self) -> u64 {
        (self.0 + 0.0).to_bits()
    }
}

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.bits() == other.bits()
    }
}

impl Eq for Float {}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Float {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0 + 0.0).total_cmp(&(other.0 + 0.0))
    }
}

impl Hash for Float {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits().hash(state);
    }
}
