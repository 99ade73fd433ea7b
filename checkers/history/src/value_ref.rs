//! Reading values where they lie, without copying them.

use std::fmt;

use crate::tape::{PAYLOAD, Tag, Tape, count_of, tag_of};
use crate::{Float, Value};

/// A view of a value inside a [`crate::History`]: copying it costs nothing.
///
/// ```
/// let history = rupture_history::codec::read(
///     b"{:process 0 :type :ok :f :read :value [:x {:version 4, :data \"abc\"}]}",
/// )?;
/// let (key, entry) = history.get(0).value().pair().unwrap();
/// assert_eq!(key.as_name(), Some("x"));
/// assert_eq!(entry.field("version").and_then(|v| v.as_int()), Some(4));
/// assert_eq!(entry.field("data").and_then(|v| v.as_str()), Some("abc"));
/// assert_eq!(entry.as_int(), None, "a map is no integer");
/// # Ok::<(), rupture_history::codec::ParseError>(())
/// ```
#[derive(Clone, Copy)]
pub struct ValueRef<'a> {
    tape: &'a Tape,
    at: u32,
}

impl<'a> ValueRef<'a> {
    pub(crate) fn new(tape: &'a Tape, at: u32) -> Self {
        Self { tape, at }
    }

    fn header(self) -> u64 {
        self.tape.words[self.at as usize]
    }

    pub(crate) fn tag(self) -> Tag {
        tag_of(self.header())
    }

    pub(crate) fn text(self) -> &'a str {
        self.tape.names.get((self.header() & PAYLOAD) as u32)
    }

    /// The words of the value on its tape.
    pub(crate) fn words(self) -> &'a [u64] {
        let at = self.at as usize;
        &self.tape.words[at..at + self.tape.span(at)]
    }

    fn second_word(self) -> u64 {
        self.tape.words[self.at as usize + 1]
    }

    /// The value that lies directly behind this one.
    pub(crate) fn following(self) -> Self {
        let at = self.at + self.tape.span(self.at as usize) as u32;
        Self { at, ..self }
    }

    /// Whether this is `nil`.
    pub fn is_nil(self) -> bool {
        self.tag() == Tag::Nil
    }

    /// The integer, if it is one.
    pub fn as_int(self) -> Option<i64> {
        match self.tag() {
            Tag::Int => Some(((self.header() << 8) as i64) >> 8),
            Tag::WideInt => Some(self.second_word() as i64),
            _ => None,
        }
    }

    /// The floating point number, if it is one; an integer is not.
    pub fn as_float(self) -> Option<f64> {
        (self.tag() == Tag::Float).then(|| f64::from_bits(self.second_word()))
    }

    /// The truth value, if it is one.
    pub fn as_bool(self) -> Option<bool> {
        match self.tag() {
            Tag::False => Some(false),
            Tag::True => Some(true),
            _ => None,
        }
    }

    /// The text of a string or a keyword: JSON has only strings, EDN uses keywords for the same names.
    pub fn as_name(self) -> Option<&'a str> {
        matches!(self.tag(), Tag::Str | Tag::Keyword).then(|| self.text())
    }

    /// The text of a string, and of nothing else.
    pub fn as_str(self) -> Option<&'a str> {
        (self.tag() == Tag::Str).then(|| self.text())
    }

    /// How many elements a vector, set or map has.
    pub fn count(self) -> Option<usize> {
        matches!(self.tag(), Tag::Vector | Tag::Map | Tag::Set)
            .then(|| count_of(self.header()) as usize)
    }

    /// The elements of a vector or a set, in order.
    pub fn items(self) -> Option<Items<'a>> {
        matches!(self.tag(), Tag::Vector | Tag::Set).then(|| self.parts())
    }

    /// Whether this is a vector or a list, whose elements have places; those of a set have none.
    ///
    /// ```
    /// let history = rupture_history::codec::read(b"{:process 0 :type :ok :f :read :value #{1 2}}")?;
    /// assert!(!history.get(0).value().is_vector());
    /// # Ok::<(), rupture_history::codec::ParseError>(())
    /// ```
    pub fn is_vector(self) -> bool {
        self.tag() == Tag::Vector
    }

    /// The entries of a map, in order.
    pub fn entries(self) -> Option<Entries<'a>> {
        (self.tag() == Tag::Map).then(|| Entries {
            parts: self.parts(),
        })
    }

    /// The value of a map under a string or keyword of this name; linear in the size of the map.
    pub fn field(self, name: &str) -> Option<ValueRef<'a>> {
        let mut entries = self.entries()?;
        entries
            .find(|(key, _)| key.as_name() == Some(name))
            .map(|(_, value)| value)
    }

    /// The tag and the value of a tagged value.
    pub fn tagged(self) -> Option<(&'a str, ValueRef<'a>)> {
        let part = |offset| Self::new(self.tape, self.at + offset);
        (self.tag() == Tag::Tagged).then(|| (part(1).text(), part(2)))
    }

    /// The element at `index` of a vector or a set; linear in `index`.
    pub fn get(self, index: usize) -> Option<ValueRef<'a>> {
        self.items()?.nth(index)
    }

    /// Whether a vector or set begins with the elements of another; every value begins with `nil`. Linear
    /// in the length of the other.
    ///
    /// ```
    /// let history = rupture_history::codec::read(
    ///     b"[{:process 0 :type :ok :f :read :value [1 2 3]} {:process 0 :type :ok :f :read :value [1 2]}]",
    /// )?;
    /// let (long, short) = (history.get(0).value(), history.get(1).value());
    /// assert!(long.starts_with(short) && !short.starts_with(long));
    /// # Ok::<(), rupture_history::codec::ParseError>(())
    /// ```
    pub fn starts_with(self, other: ValueRef<'_>) -> bool {
        let (Some(mine), Some(others)) = (self.items(), other.items()) else {
            return other.is_nil();
        };
        if others.len() > mine.len() {
            return false;
        }
        let (from, to) = (self.at as usize + 1, other.at as usize + 1);
        let words = other.tape.span(other.at as usize) - 1;
        let same_tape = std::ptr::eq(self.tape, other.tape);
        if same_tape && self.tape.words.len() >= from + words {
            return self.tape.words[from..from + words] == other.tape.words[to..to + words];
        }
        mine.zip(others).all(|(mine, other)| mine == other)
    }

    /// The two elements of a vector of exactly two.
    pub fn pair(self) -> Option<(ValueRef<'a>, ValueRef<'a>)> {
        let mut items = self.items()?;
        let pair = (items.next()?, items.next()?);
        items.next().is_none().then_some(pair)
    }

    /// Every part of a collection: a map's keys and values in turn.
    pub(crate) fn parts(self) -> Items<'a> {
        let each = if self.tag() == Tag::Map { 2 } else { 1 };
        Items {
            tape: self.tape,
            at: self.at + 1,
            left: count_of(self.header()) * each,
        }
    }

    /// An owned copy.
    pub fn to_value(self) -> Value {
        let items = || self.parts().map(ValueRef::to_value).collect();
        match self.tag() {
            Tag::Nil => Value::Nil,
            Tag::False => Value::Bool(false),
            Tag::True => Value::Bool(true),
            Tag::Int | Tag::WideInt => Value::Int(self.as_int().unwrap_or_default()),
            Tag::Float => Value::Float(Float(self.as_float().unwrap_or_default())),
            Tag::Str => Value::Str(self.text().into()),
            Tag::Keyword => Value::Keyword(self.text().into()),
            Tag::Symbol => Value::Symbol(self.text().into()),
            Tag::Other => Value::Other(self.text().into()),
            Tag::Vector => Value::Vector(items()),
            Tag::Set => Value::Set(items()),
            Tag::Map => {
                let entries = self.entries().into_iter().flatten();
                Value::Map(entries.map(|(k, v)| (k.to_value(), v.to_value())).collect())
            }
            Tag::Tagged => self.tagged().map_or(Value::Nil, |(tag, value)| {
                Value::Tagged(tag.into(), Box::new(value.to_value()))
            }),
        }
    }
}

/// Equal values have equal words where they share a tape, and are compared as trees where they do not.
impl PartialEq for ValueRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        if std::ptr::eq(self.tape, other.tape) {
            let span = self.tape.span(self.at as usize);
            let (a, b) = (self.at as usize, other.at as usize);
            return self.tape.words[a] == self.tape.words[b]
                && self.tape.words[a..a + span] == self.tape.words[b..b + span];
        }
        self.to_value() == other.to_value()
    }
}

impl Eq for ValueRef<'_> {}

impl fmt::Debug for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// EDN text.
impl fmt::Display for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        crate::codec::edn::write_value_ref(&mut text, *self);
        f.write_str(&text)
    }
}

/// The elements of a collection, in order.
///
/// ```
/// let history = rupture_history::codec::read(b"{:process 0 :type :ok :f :read :value [3 1 2]}")?;
/// let items = history.get(0).value().items().unwrap();
/// assert_eq!(items.len(), 3);
/// assert_eq!(items.filter_map(|item| item.as_int()).max(), Some(3));
/// # Ok::<(), rupture_history::codec::ParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Items<'a> {
    tape: &'a Tape,
    at: u32,
    left: u32,
}

impl<'a> Iterator for Items<'a> {
    type Item = ValueRef<'a>;

    fn next(&mut self) -> Option<ValueRef<'a>> {
        self.left = self.left.checked_sub(1)?;
        let item = ValueRef::new(self.tape, self.at);
        self.at += self.tape.span(self.at as usize) as u32;
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for Items<'_> {}

/// The entries of a map, in order.
///
/// ```
/// let history = rupture_history::codec::read(b"{:process 0 :type :ok :f :read :value {0 10, 1 90}}")?;
/// let accounts = history.get(0).value().entries().unwrap();
/// assert_eq!(accounts.filter_map(|(_, balance)| balance.as_int()).sum::<i64>(), 100);
/// # Ok::<(), rupture_history::codec::ParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    parts: Items<'a>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = (ValueRef<'a>, ValueRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.parts.next()?, self.parts.next()?))
    }
}
