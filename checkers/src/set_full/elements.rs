//! Elements by number. Almost all sets hold integers, which are looked up without an allocation.

use rupture_history::{Value, ValueRef};
use rustc_hash::FxHashMap;

use crate::values::canonical;

/// Elements, numbered in the order of first use.
#[derive(Debug, Default)]
pub(super) struct Elements {
    integers: FxHashMap<i64, u32>,
    others: FxHashMap<Value, u32>,
    count: u32,
}

impl Elements {
    pub(super) fn number(&mut self, value: ValueRef<'_>) -> u32 {
        let next = self.count;
        let number = match value.as_int() {
            Some(integer) => *self.integers.entry(integer).or_insert(next),
            None => *self
                .others
                .entry(canonical(value.to_value()))
                .or_insert(next),
        };
        self.count = self.count.max(number + 1);
        number
    }

    pub(super) fn get(&self, value: ValueRef<'_>) -> Option<u32> {
        match value.as_int() {
            Some(integer) => self.integers.get(&integer).copied(),
            None => self.others.get(&canonical(value.to_value())).copied(),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.integers.capacity() * 17 + self.others.capacity() * 80
    }
}
