//! Registers: one, one a key, and one with compare-and-set.

use super::clients::{Atomic, Call, Datum};
use super::random::Random;

/// A register a key, whose writes are all unique.
pub struct Registers {
    /// By key; 0 is the initial `nil`.
    values: Vec<i64>,
    keyed: bool,
}

impl Registers {
    pub fn one() -> Self {
        Self {
            values: vec![0],
            keyed: false,
        }
    }

    pub fn keyed(keys: u32) -> Self {
        Self {
            values: vec![0; keys as usize],
            keyed: true,
        }
    }
}

impl Atomic for Registers {
    fn call(&mut self, number: usize, random: &mut Random) -> Call {
        let key = self
            .keyed
            .then(|| random.below(self.values.len() as u64) as u32);
        let (f, argument) = match random.below(2) {
            0 => ("read", Datum::Nil),
            _ => ("write", Datum::Int(1 + number as i64)),
        };
        Call { key, f, argument }
    }

    fn apply(&mut self, call: &Call) -> Option<Datum> {
        let value = &mut self.values[call.key.unwrap_or_default() as usize];
        if call.f == "read" {
            return Some(Datum::of_state(*value));
        }
        *value = call.argument.int();
        Some(call.argument)
    }
}

/// How many values a register with compare-and-set takes.
pub const VALUES: u64 = 5;

/// A register with compare-and-set of few values.
#[derive(Default)]
pub struct Cas(i64);

impl Atomic for Cas {
    fn call(&mut self, _: usize, random: &mut Random) -> Call {
        let mut small = || 1 + random.below(VALUES) as i64;
        let pair = Datum::Pair(small(), small());
        let one = Datum::Int(small());
        let (f, argument) = match random.below(3) {
            0 => ("read", Datum::Nil),
            1 => ("write", one),
            _ => ("cas", pair),
        };
        Call {
            key: None,
            f,
            argument,
        }
    }

    fn apply(&mut self, call: &Call) -> Option<Datum> {
        match call.argument {
            Datum::Int(value) => self.0 = value,
            Datum::Pair(old, new) if old == self.0 => self.0 = new,
            Datum::Pair(..) => return None,
            _ => return Some(Datum::of_state(self.0)),
        }
        Some(call.argument)
    }
}
