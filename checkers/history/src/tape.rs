//! Values stored flat, one 64-bit word an atom, so that a million operations stay small and are read
//! without an allocation each. The layout is private to this module.
//!
//! An atom is one word (two for wide integers and floats). A collection is a header word with its number
//! of elements and its span in words, then its elements one after another; a map's elements are key,
//! value, key, value. Strings are interned: a word holds the number of the name.

use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::{Float, Name, Value};

const TAG_SHIFT: u32 = 56;
const PAYLOAD: u64 = (1 << TAG_SHIFT) - 1;
const HALF: u32 = 28;
const HALF_MASK: u64 = (1 << HALF) - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Tag {
    Nil,
    False,
    True,
    Int,
    WideInt,
    Float,
    Str,
    Keyword,
    Symbol,
    Other,
    Vector,
    Map,
    Set,
    Tagged,
}

const TAGS: [Tag; 14] = [
    Tag::Nil,
    Tag::False,
    Tag::True,
    Tag::Int,
    Tag::WideInt,
    Tag::Float,
    Tag::Str,
    Tag::Keyword,
    Tag::Symbol,
    Tag::Other,
    Tag::Vector,
    Tag::Map,
    Tag::Set,
    Tag::Tagged,
];

/// Strings, each stored once and numbered in the order of first use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    list: Vec<Name>,
    numbers: FxHashMap<Name, u32>,
}

impl Names {
    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let name: Name = Arc::from(text);
        let number = self.list.len() as u32;
        self.list.push(name.clone());
        self.numbers.insert(name, number);
        number
    }

    pub(crate) fn get(&self, number: u32) -> &str {
        &self.list[number as usize]
    }

    pub(crate) fn bytes(&self) -> usize {
        let text: usize = self.list.iter().map(|name| name.len() + 16).sum();
        text + self.list.capacity() * 16 + self.numbers.capacity() * 25
    }
}

/// An append-only store of values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tape {
    words: Vec<u64>,
    pub(crate) names: Names,
}

fn word(tag: Tag, payload: u64) -> u64 {
    ((tag as u64) << TAG_SHIFT) | payload
}

fn tag_of(word: u64) -> Tag {
    TAGS[(word >> TAG_SHIFT) as usize]
}

/// An open collection that is being written.
#[derive(Debug)]
pub(crate) struct Open {
    at: usize,
    tag: Tag,
}

impl Tape {
    /// Where the next value will begin.
    pub(crate) fn end(&self) -> u32 {
        self.words.len() as u32
    }

    pub(crate) fn bytes(&self) -> usize {
        self.words.capacity() * 8 + self.names.bytes()
    }

    pub(crate) fn at(&self, at: u32) -> ValueRef<'_> {
        ValueRef { tape: self, at }
    }

    pub(crate) fn nil(&mut self) {
        self.words.push(word(Tag::Nil, 0));
    }

    pub(crate) fn bool(&mut self, b: bool) {
        self.words
            .push(word(if b { Tag::True } else { Tag::False }, 0));
    }

    pub(crate) fn int(&mut self, n: i64) {
        let narrow = (n << 8) >> 8;
        if narrow == n {
            self.words.push(word(Tag::Int, n as u64 & PAYLOAD));
        } else {
            self.words.push(word(Tag::WideInt, 0));
            self.words.push(n as u64);
        }
    }

    pub(crate) fn float(&mut self, x: f64) {
        self.words.push(word(Tag::Float, 0));
        self.words.push(x.to_bits());
    }

    pub(crate) fn str(&mut self, text: &str) {
        self.named(Tag::Str, text);
    }

    pub(crate) fn keyword(&mut self, text: &str) {
        self.named(Tag::Keyword, text);
    }

    pub(crate) fn symbol(&mut self, text: &str) {
        self.named(Tag::Symbol, text);
    }

    pub(crate) fn other(&mut self, text: &str) {
        self.named(Tag::Other, text);
    }

    fn named(&mut self, tag: Tag, text: &str) {
        let number = self.names.intern(text);
        self.words.push(word(tag, u64::from(number)));
    }

    pub(crate) fn open_vector(&mut self) -> Open {
        self.open(Tag::Vector)
    }

    pub(crate) fn open_map(&mut self) -> Open {
        self.open(Tag::Map)
    }

    pub(crate) fn open_set(&mut self) -> Open {
        self.open(Tag::Set)
    }

    pub(crate) fn open_tagged(&mut self, tag: &str) -> Open {
        let open = self.open(Tag::Tagged);
        self.symbol(tag);
        open
    }

    fn open(&mut self, tag: Tag) -> Open {
        let at = self.words.len();
        self.words.push(0);
        Open { at, tag }
    }

    /// Closes a collection of `count` elements (a map counts its entries; a tagged value counts one).
    pub(crate) fn close(&mut self, open: &Open, count: usize) {
        let span = (self.words.len() - open.at) as u64;
        assert!(
            span <= HALF_MASK && count as u64 <= HALF_MASK,
            "a value of more than 2^28 words"
        );
        self.words[open.at] = word(open.tag, (span << HALF) | count as u64);
    }

    /// Appends an owned value.
    pub(crate) fn push(&mut self, value: &Value) {
        match value {
            Value::Nil => self.nil(),
            Value::Bool(b) => self.bool(*b),
            Value::Int(n) => self.int(*n),
            Value::Float(x) => self.float(x.0),
            Value::Str(s) => self.str(s),
            Value::Keyword(s) => self.keyword(s),
            Value::Symbol(s) => self.symbol(s),
            Value::Other(s) => self.other(s),
            Value::Vector(items) => {
                let open = self.open_vector();
                items.iter().for_each(|item| self.push(item));
                self.close(&open, items.len());
            }
            Value::Set(items) => {
                let open = self.open_set();
                items.iter().for_each(|item| self.push(item));
                self.close(&open, items.len());
            }
            Value::Map(entries) => {
                let open = self.open_map();
                for (key, value) in entries {
                    self.push(key);
                    self.push(value);
                }
                self.close(&open, entries.len());
            }
            Value::Tagged(tag, value) => {
                let open = self.open_tagged(tag);
                self.push(value);
                self.close(&open, 1);
            }
        }
    }

    fn span(&self, at: u32) -> u32 {
        let header = self.words[at as usize];
        match tag_of(header) {
            Tag::WideInt | Tag::Float => 2,
            Tag::Vector | Tag::Map | Tag::Set | Tag::Tagged => {
                ((header >> HALF) & HALF_MASK) as u32
            }
            _ => 1,
        }
    }
}

/// A view of a value inside a [`crate::History`]: copying it costs nothing.
#[derive(Clone, Copy)]
pub struct ValueRef<'a> {
    tape: &'a Tape,
    at: u32,
}

impl<'a> ValueRef<'a> {
    fn header(self) -> u64 {
        self.tape.words[self.at as usize]
    }

    fn tag(self) -> Tag {
        tag_of(self.header())
    }

    fn text(self) -> &'a str {
        self.tape.names.get((self.header() & PAYLOAD) as u32)
    }

    /// Whether this is `nil`.
    pub fn is_nil(self) -> bool {
        self.tag() == Tag::Nil
    }

    /// The integer, if it is one.
    pub fn as_int(self) -> Option<i64> {
        match self.tag() {
            Tag::Int => Some(((self.header() << 8) as i64) >> 8),
            Tag::WideInt => Some(self.tape.words[self.at as usize + 1] as i64),
            _ => None,
        }
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
            .then(|| (self.header() & HALF_MASK) as usize)
    }

    /// The elements of a vector or a set, in order.
    pub fn items(self) -> Option<Items<'a>> {
        matches!(self.tag(), Tag::Vector | Tag::Set).then(|| self.parts(self.at + 1, 1))
    }

    /// The entries of a map, in order.
    pub fn entries(self) -> Option<impl Iterator<Item = (ValueRef<'a>, ValueRef<'a>)> + use<'a>> {
        if self.tag() != Tag::Map {
            return None;
        }
        let mut parts = self.parts(self.at + 1, 2);
        Some(std::iter::from_fn(move || {
            Some((parts.next()?, parts.next()?))
        }))
    }

    /// The element at `index` of a vector or a set; linear in `index`.
    pub fn get(self, index: usize) -> Option<ValueRef<'a>> {
        self.items()?.nth(index)
    }

    /// The two elements of a vector of exactly two.
    pub fn pair(self) -> Option<(ValueRef<'a>, ValueRef<'a>)> {
        let mut items = self.items()?;
        let pair = (items.next()?, items.next()?);
        items.next().is_none().then_some(pair)
    }

    fn parts(self, at: u32, each: u32) -> Items<'a> {
        Items {
            tape: self.tape,
            at,
            left: (self.header() & HALF_MASK) as u32 * each,
        }
    }

    /// An owned copy.
    pub fn to_value(self) -> Value {
        let items = |each| self.parts(self.at + 1, each).map(ValueRef::to_value);
        match self.tag() {
            Tag::Nil => Value::Nil,
            Tag::False => Value::Bool(false),
            Tag::True => Value::Bool(true),
            Tag::Int | Tag::WideInt => Value::Int(self.as_int().unwrap_or_default()),
            Tag::Float => {
                Value::Float(Float(f64::from_bits(self.tape.words[self.at as usize + 1])))
            }
            Tag::Str => Value::Str(self.text().into()),
            Tag::Keyword => Value::Keyword(self.text().into()),
            Tag::Symbol => Value::Symbol(self.text().into()),
            Tag::Other => Value::Other(self.text().into()),
            Tag::Vector => Value::Vector(items(1).collect()),
            Tag::Set => Value::Set(items(1).collect()),
            Tag::Map => {
                let flat: Vec<Value> = items(2).collect();
                Value::Map(
                    flat.chunks_exact(2)
                        .map(|entry| (entry[0].clone(), entry[1].clone()))
                        .collect(),
                )
            }
            Tag::Tagged => {
                let tag = self.tape.at(self.at + 1).text().into();
                Value::Tagged(tag, Box::new(self.tape.at(self.at + 2).to_value()))
            }
        }
    }
}

impl PartialEq for ValueRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        if std::ptr::eq(self.tape, other.tape) {
            let span = self.tape.span(self.at) as usize;
            let (a, b) = (self.at as usize, other.at as usize);
            return self.tape.words[a] == self.tape.words[b]
                && self.tape.words[a..a + span] == self.tape.words[b..b + span];
        }
        self.to_value() == other.to_value()
    }
}

impl fmt::Debug for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// EDN text.
impl fmt::Display for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_value().fmt(f)
    }
}

/// The elements of a collection, in order.
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
        let item = self.tape.at(self.at);
        self.at += self.tape.span(self.at);
        Some(item)
    }
}
