//! One way to look at owned and at stored values and events, so that each format has one writer.

use crate::tape::Tag;
use crate::{Entries, Event, EventRef, Items, Kind, Process, Value, ValueRef};

/// What a value is, one level deep.
pub(crate) enum Shape<'a, V: View<'a>> {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(&'a str),
    Keyword(&'a str),
    Symbol(&'a str),
    Other(&'a str),
    Vector(V::Items),
    Set(V::Items),
    Map(V::Entries),
    Tagged(&'a str, V),
}

pub(crate) trait View<'a>: Copy {
    type Items: Iterator<Item = Self>;
    type Entries: Iterator<Item = (Self, Self)>;

    fn shape(self) -> Shape<'a, Self>;
}

impl<'a> View<'a> for &'a Value {
    type Items = std::slice::Iter<'a, Value>;
    type Entries = OwnedEntries<'a>;

    fn shape(self) -> Shape<'a, Self> {
        match self {
            Value::Nil => Shape::Nil,
            Value::Bool(b) => Shape::Bool(*b),
            Value::Int(n) => Shape::Int(*n),
            // As it is stored: -0.0 is 0.0.
            Value::Float(x) => Shape::Float(x.0 + 0.0),
            Value::Str(s) => Shape::Str(s),
            Value::Keyword(s) => Shape::Keyword(s),
            Value::Symbol(s) => Shape::Symbol(s),
            Value::Other(s) => Shape::Other(s),
            Value::Vector(items) => Shape::Vector(items.iter()),
            Value::Set(items) => Shape::Set(items.iter()),
            Value::Map(entries) => Shape::Map(OwnedEntries(entries.iter())),
            Value::Tagged(tag, value) => Shape::Tagged(tag, value),
        }
    }
}

pub(crate) struct OwnedEntries<'a>(std::slice::Iter<'a, (Value, Value)>);

impl<'a> Iterator for OwnedEntries<'a> {
    type Item = (&'a Value, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (key, value))
    }
}

impl<'a> View<'a> for ValueRef<'a> {
    type Items = Items<'a>;
    type Entries = Entries<'a>;

    #[inline]
    fn shape(self) -> Shape<'a, Self> {
        match self.tag() {
            Tag::Nil => Shape::Nil,
            Tag::False => Shape::Bool(false),
            Tag::True => Shape::Bool(true),
            Tag::Int | Tag::WideInt => Shape::Int(self.as_int().unwrap_or_default()),
            Tag::Float => Shape::Float(self.as_float().unwrap_or_default()),
            Tag::Str => Shape::Str(self.text()),
            Tag::Keyword => Shape::Keyword(self.text()),
            Tag::Symbol => Shape::Symbol(self.text()),
            Tag::Other => Shape::Other(self.text()),
            Tag::Vector => Shape::Vector(self.parts()),
            Tag::Set => Shape::Set(self.parts()),
            Tag::Map => self.entries().map_or(Shape::Nil, Shape::Map),
            Tag::Tagged => self
                .tagged()
                .map_or(Shape::Nil, |(tag, value)| Shape::Tagged(tag, value)),
        }
    }
}

/// Who, without owning the name.
pub(crate) enum Actor<'a> {
    Client(i64),
    Named(&'a Value),
}

/// An event, owned or in a history, as writers see it.
pub(crate) struct Fields<'a, V> {
    pub(crate) index: Option<u64>,
    pub(crate) time: i64,
    pub(crate) kind: Kind,
    pub(crate) actor: Actor<'a>,
    pub(crate) f: &'a str,
    pub(crate) value: V,
    /// Sorted by name.
    pub(crate) extra: Vec<(&'a str, V)>,
}

/// An event that can be written: [`&Event`](Event) and [`EventRef`].
///
/// ```
/// use rupture_history::codec::{AsEvent, jsonl};
/// use rupture_history::{Event, History, Kind, Value};
///
/// fn line(event: impl AsEvent) -> String {
///     let mut out = String::new();
///     jsonl::write_event(&mut out, event);
///     out
/// }
///
/// let event = Event { index: Some(0), ..Event::new(2, Kind::Invoke, "read", Value::Nil) };
/// let history: History = [event.clone()].iter().collect();
/// assert_eq!(line(&event), line(history.get(0)));
/// ```
#[expect(private_bounds, reason = "only events of this crate can be written")]
pub trait AsEvent: Parts {}

impl AsEvent for &Event {}
impl AsEvent for EventRef<'_> {}

pub(crate) trait Parts {
    /// Hands the event's fields to a writer.
    fn write_with<W: FieldsWriter>(self, out: &mut String, writer: W);
}

/// A format's way to write an event.
pub(crate) trait FieldsWriter {
    fn write<'a, V: View<'a>>(self, out: &mut String, fields: &Fields<'a, V>);
}

impl Parts for &Event {
    fn write_with<W: FieldsWriter>(self, out: &mut String, writer: W) {
        let fields = Fields {
            index: self.index,
            time: self.time,
            kind: self.kind,
            actor: match &self.process {
                Process::Client(number) => Actor::Client(*number),
                Process::Named(name) => Actor::Named(name),
            },
            f: &self.f,
            value: &self.value,
            extra: sorted(self.extra.iter().map(|(name, value)| (&**name, value))),
        };
        writer.write(out, &fields);
    }
}

impl Parts for EventRef<'_> {
    fn write_with<W: FieldsWriter>(self, out: &mut String, writer: W) {
        let fields = Fields {
            index: Some(self.index()),
            time: self.time(),
            kind: self.kind(),
            actor: match self.actor() {
                (_, Some(name)) => Actor::Named(name),
                (number, None) => Actor::Client(number),
            },
            f: self.f(),
            value: self.value(),
            extra: sorted(self.extras()),
        };
        writer.write(out, &fields);
    }
}

/// The other fields by name. One that bears the name of a field of its own is left out: written, it would
/// make the file unreadable.
fn sorted<'a, V>(extras: impl Iterator<Item = (&'a str, V)>) -> Vec<(&'a str, V)> {
    let own = |name: &str| super::recorder::Field::from_name(name.as_bytes()).is_some();
    let mut extras: Vec<_> = extras.filter(|(name, _)| !own(name)).collect();
    extras.sort_by_key(|(name, _)| *name);
    extras
}

/// Appends what the standard library's formatting makes of it; writing to a string cannot fail.
pub(crate) fn write_plainly(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = std::fmt::Write::write_fmt(out, text);
}

/// Appends an integer in decimal digits.
pub(crate) fn write_int(out: &mut String, n: i64) {
    if n < 0 {
        out.push('-');
    }
    write_uint(out, n.unsigned_abs());
}

/// Appends an unsigned integer in decimal digits, two at a time.
pub(crate) fn write_uint(out: &mut String, mut n: u64) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    while n >= 100 {
        start -= 2;
        digits[start..start + 2].copy_from_slice(&PAIRS[(n % 100) as usize]);
        n /= 100;
    }
    start -= 2;
    digits[start..start + 2].copy_from_slice(&PAIRS[n as usize]);
    start += usize::from(n < 10);
    out.push_str(std::str::from_utf8(&digits[start..]).unwrap_or_default());
}

/// The digits of the numbers below a hundred.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut n = 0;
    while n < 100 {
        pairs[n] = [b'0' + n as u8 / 10, b'0' + n as u8 % 10];
        n += 1;
    }
    pairs
};
