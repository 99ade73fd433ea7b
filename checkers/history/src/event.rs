//! One event: an invocation or a completion.

use crate::{Name, Process, Value};

/// What an event says of its operation.
///
/// ```
/// use rupture_history::Kind;
///
/// assert_eq!(Kind::from_name("info"), Some(Kind::Info));
/// assert_eq!(Kind::Fail.name(), "fail");
/// assert_eq!(Kind::from_name("failed"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// The operation began.
    Invoke,
    /// It happened.
    Ok,
    /// It did not happen.
    Fail,
    /// Nobody knows: it may have happened, or may yet.
    Info,
}

impl Kind {
    /// The word that histories use for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invoke => "invoke",
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::Info => "info",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "invoke" => Some(Self::Invoke),
            "ok" => Some(Self::Ok),
            "fail" => Some(Self::Fail),
            "info" => Some(Self::Info),
            _ => None,
        }
    }
}

/// An owned event, for building histories and for tests.
///
/// ```
/// use rupture_history::{Event, History, Kind, Value};
///
/// let mut event = Event::new(3, Kind::Ok, "read", Value::Int(7));
/// event.time = 1_500;
/// event.extra.push(("node".into(), Value::str("n1")));
/// let mut history = History::new();
/// let row = history.push(&event);
/// let read = history.get(row);
/// assert_eq!(read.extra("node").and_then(|node| node.as_str()), Some("n1"));
/// assert_eq!(read.to_event(), Event { index: Some(0), ..event });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The event's index; ascending, sparse in some histories. A history numbers it when it is `None`.
    pub index: Option<u64>,
    /// Nanoseconds since the run began; -1 where the history does not say.
    pub time: i64,
    /// Invocation or completion.
    pub kind: Kind,
    /// Who.
    pub process: Process,
    /// The function, such as `read`; empty where the history does not say.
    pub f: Name,
    /// The argument, or in an `ok` completion the result.
    pub value: Value,
    /// All other fields (`error`, `key`, `node`, ...), in the order in which they were written. None bears
    /// the name of one of the six above (`index`, `time`, `type`, `process`, `f`, `value`): writers leave such
    /// a field out, because a file in which a key comes twice is not well formed.
    pub extra: Vec<(Name, Value)>,
}

impl Event {
    /// An event of a client without a time, which tests and generators fill in as they need.
    pub fn new(process: i64, kind: Kind, f: &str, value: Value) -> Self {
        Self {
            index: None,
            time: -1,
            kind,
            process: Process::Client(process),
            f: f.into(),
            value,
            extra: Vec::new(),
        }
    }
}
