//! Maps have every key once, and sets every element: which of two values counts is nothing to guess.

use rustc_hash::FxHashSet;

use super::error::Problem;
use crate::tape::{Tag, Tape};
use crate::{Value, ValueRef};

/// The problem with a map or a set, the last value on the tape, which begins at this offset of the file.
#[inline]
pub(crate) fn check(tape: &Tape, on_tape: usize, at: usize) -> Result<(), Problem> {
    let value = ValueRef::new(tape, on_tape as u32);
    if ascend(value) {
        return Ok(());
    }
    match repeated(value) {
        None => Ok(()),
        Some(twice) => {
            let expected = match value.tag() {
                Tag::Map => "a map with every key once",
                _ => "a set with every element once",
            };
            let found = format!("`{}` twice", shortened(&twice.to_string()));
            Err(Problem::new(at, expected).found(found))
        }
    }
}

/// The keys of a map, or the elements of a set.
fn members(value: ValueRef<'_>) -> impl Iterator<Item = ValueRef<'_>> {
    let step = if value.tag() == Tag::Map { 2 } else { 1 };
    value.parts().step_by(step)
}

/// Whether the members are small atoms that ascend on the tape, as those of most maps and sets do.
fn ascend(value: ValueRef<'_>) -> bool {
    let mut last = None;
    members(value).all(|member| {
        let word = member.words()[0];
        let above = last.is_none_or(|last| last < word);
        last = Some(word);
        above && is_small(member)
    })
}

/// Whether equal values have one and the same word.
fn is_small(value: ValueRef<'_>) -> bool {
    value.words().len() == 1
}

#[cold]
fn repeated(value: ValueRef<'_>) -> Option<ValueRef<'_>> {
    let mut atoms: FxHashSet<&[u64]> = FxHashSet::default();
    let mut collections: FxHashSet<Value> = FxHashSet::default();
    members(value).find(|member| match member.tag() {
        Tag::Vector | Tag::Map | Tag::Set | Tag::Tagged => {
            !collections.insert(sorted(member.to_value()))
        }
        _ => !atoms.insert(member.words()),
    })
}

/// The same value with sets and maps in one order. A value that was read nests 256 levels at most.
fn sorted(value: Value) -> Value {
    match value {
        Value::Vector(items) => Value::Vector(items.into_iter().map(sorted).collect()),
        Value::Set(items) => {
            let mut items: Vec<Value> = items.into_iter().map(sorted).collect();
            items.sort();
            Value::Set(items)
        }
        Value::Map(entries) => {
            let both = |(key, value)| (sorted(key), sorted(value));
            let mut entries: Vec<(Value, Value)> = entries.into_iter().map(both).collect();
            entries.sort();
            Value::Map(entries)
        }
        Value::Tagged(tag, value) => Value::Tagged(tag, Box::new(sorted(*value))),
        atom => atom,
    }
}

fn shortened(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
