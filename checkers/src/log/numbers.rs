//! Keys and messages by number, in the order of first mention. Almost all are integers, which are looked up
//! without an allocation.

use rupture_history::{Value, ValueRef};
use rustc_hash::FxHashMap;

use crate::values::canonical;

/// Stands for no operation, no message, no place.
pub(super) const NONE: u32 = u32::MAX;

/// A message of a key, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub(super) key: u32,
    pub(super) value: ValueRef<'a>,
    /// The same, where it is an integer.
    integer: Option<i64>,
    /// The message that came after it when it was last polled.
    follower: u32,
    /// The operation that sent it.
    pub(super) sender: u32,
    /// The first operation that is `ok` and polled it.
    pub(super) reader: u32,
    /// Whether an operation polled it that may have happened.
    pub(super) maybe_read: bool,
}

/// All keys.
#[derive(Debug, Default)]
pub(super) struct Keys<'a> {
    integers: FxHashMap<i64, u32>,
    others: FxHashMap<Value, u32>,
    pub(super) names: Vec<ValueRef<'a>>,
}

impl<'a> Keys<'a> {
    /// In JSON the keys of a map are strings: a string that reads as an integer is that integer.
    pub(super) fn number(&mut self, value: ValueRef<'a>) -> u32 {
        let next = self.names.len() as u32;
        let number = match value.as_int().or_else(|| integer(value.as_str()?)) {
            Some(integer) => *self.integers.entry(integer).or_insert(next),
            None => *self
                .others
                .entry(canonical(value.to_value()))
                .or_insert(next),
        };
        if number == next {
            self.names.push(value);
        }
        number
    }

    /// The number of a key that was mentioned before.
    pub(super) fn get(&self, value: ValueRef<'_>) -> Option<u32> {
        match value.as_int().or_else(|| integer(value.as_str()?)) {
            Some(integer) => self.integers.get(&integer).copied(),
            None => self.others.get(&canonical(value.to_value())).copied(),
        }
    }
}

fn integer(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// All messages of all keys.
#[derive(Debug, Default)]
pub(super) struct Messages<'a> {
    integers: FxHashMap<(u32, i64), u32>,
    others: FxHashMap<(u32, Value), u32>,
    pub(super) all: Vec<Message<'a>>,
}

impl<'a> Messages<'a> {
    pub(super) fn number(&mut self, key: u32, value: ValueRef<'a>) -> u32 {
        let next = self.all.len() as u32;
        let number = match value.as_int() {
            Some(integer) => *self.integers.entry((key, integer)).or_insert(next),
            None => *self
                .others
                .entry((key, canonical(value.to_value())))
                .or_insert(next),
        };
        if number == next {
            self.all.push(Message {
                key,
                value,
                integer: value.as_int(),
                follower: NONE,
                sender: NONE,
                reader: NONE,
                maybe_read: false,
            });
        }
        number
    }

    /// The number of a message that was polled after another of its key: the same as before, most of the time.
    pub(super) fn after(&mut self, previous: u32, key: u32, value: ValueRef<'a>) -> u32 {
        let previous = previous as usize;
        let Some(&Message { follower, .. }) = self.all.get(previous) else {
            return self.number(key, value);
        };
        let integer = value.as_int();
        if let Some(message) = self.all.get(follower as usize)
            && integer.is_some()
            && message.integer == integer
        {
            return follower;
        }
        let number = self.number(key, value);
        self.all[previous].follower = number;
        number
    }

    pub(super) fn bytes(&self) -> usize {
        self.all.capacity() * size_of::<Message<'_>>()
            + self.integers.capacity() * 25
            + self.others.capacity() * 88
    }
}
