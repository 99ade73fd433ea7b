//! Queues, stacks and priority queues: values of their own go in one by one and come out one by one.

use std::collections::{BinaryHeap, VecDeque};

use super::clients::{Atomic, Call, Datum};
use super::random::Random;
use super::traffic::Length;

/// About how many values a short container holds at most.
const SHORT: usize = 16;

/// What is held, and in which order it comes out.
pub enum Order {
    First(VecDeque<i64>),
    Last(Vec<i64>),
    Greatest(BinaryHeap<i64>),
}

impl Order {
    fn put(&mut self, value: i64) {
        match self {
            Self::First(held) => held.push_back(value),
            Self::Last(held) => held.push(value),
            Self::Greatest(held) => held.push(value),
        }
    }

    fn take(&mut self) -> Option<i64> {
        match self {
            Self::First(held) => held.pop_front(),
            Self::Last(held) => held.pop(),
            Self::Greatest(held) => held.pop(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::First(held) => held.len(),
            Self::Last(held) => held.len(),
            Self::Greatest(held) => held.len(),
        }
    }

    fn functions(&self) -> [&'static str; 2] {
        match self {
            Self::First(_) => ["enqueue", "dequeue"],
            Self::Last(_) => ["push", "pop"],
            Self::Greatest(_) => ["insert", "extract-max"],
        }
    }
}

/// A container that starts empty.
pub struct Container {
    held: Order,
    length: Length,
    operations: usize,
}

impl Container {
    pub fn new(held: Order, length: Length, operations: usize) -> Self {
        Self {
            held,
            length,
            operations,
        }
    }

    fn puts(&self, number: usize, random: &mut Random) -> bool {
        let of_four = match (self.length, self.held.len()) {
            (Length::Short, 0) => 3,
            (Length::Short, SHORT..) => 0,
            (Length::Short, _) => 2,
            (Length::Long, _) if number * 2 < self.operations => 3,
            (Length::Long, _) => 1,
        };
        random.below(4) < of_four
    }

    /// A priority in no order, a value of its own for each number: every step can be undone within 40 bits.
    fn priority(number: usize) -> i64 {
        const MASK: u64 = (1 << 40) - 1;
        let mut n = (number as u64 + 1) & MASK;
        for _ in 0..2 {
            n = (n ^ (n >> 20)).wrapping_mul(0xbf58_476d_1ce4_e5b9) & MASK;
        }
        (n ^ (n >> 20)) as i64
    }
}

impl Atomic for Container {
    fn call(&mut self, number: usize, random: &mut Random) -> Call {
        let [put, take] = self.held.functions();
        let (f, argument) = if !self.puts(number, random) {
            (take, Datum::Nil)
        } else if matches!(self.held, Order::Greatest(_)) {
            (put, Datum::Int(Self::priority(number)))
        } else {
            (put, Datum::Int(1 + number as i64))
        };
        Call {
            key: None,
            f,
            argument,
        }
    }

    fn apply(&mut self, call: &Call) -> Option<Datum> {
        if let Datum::Int(value) = call.argument {
            self.held.put(value);
            return Some(call.argument);
        }
        Some(self.held.take().map_or(Datum::Nil, Datum::Int))
    }
}
