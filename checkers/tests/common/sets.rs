//! Sets: with removals and questions, of elements that come once or of a few that come again and again; and
//! one that only grows and is read as a whole.

use super::clients::{Atomic, Call, Datum};
use super::random::Random;

/// A set hovers below this many elements, and questions are about this many of the newest.
const ELEMENTS: usize = 64;

/// A set in which every element is added once and removed at most once.
#[derive(Default)]
pub struct Unique {
    /// Whether an element is in it.
    present: Vec<bool>,
    /// What is in it and nobody has asked to remove.
    removable: Vec<i64>,
}

impl Unique {
    fn add(&mut self) -> (&'static str, i64) {
        self.present.push(false);
        ("add", self.present.len() as i64)
    }

    fn remove(&mut self, random: &mut Random) -> (&'static str, i64) {
        if self.removable.is_empty() {
            return self.add();
        }
        let at = random.below(self.removable.len() as u64) as usize;
        ("remove", self.removable.swap_remove(at))
    }

    fn ask(&self, random: &mut Random) -> (&'static str, i64) {
        // Some questions are about elements that nobody has added yet, or ever.
        let newest = self.present.len() as i64 + 2;
        let back = random.below(2 * ELEMENTS as u64) as i64;
        ("contains", (newest - back).max(1))
    }
}

impl Atomic for Unique {
    fn call(&mut self, _: usize, random: &mut Random) -> Call {
        let (f, element) = match random.below(4) {
            0 if self.removable.len() < ELEMENTS => self.add(),
            0 | 1 => self.remove(random),
            _ => self.ask(random),
        };
        Call {
            key: None,
            f,
            argument: Datum::Int(element),
        }
    }

    fn apply(&mut self, call: &Call) -> Option<Datum> {
        let element = call.argument.int();
        let at = (element - 1) as usize;
        match call.f {
            "add" => {
                self.present[at] = true;
                self.removable.push(element);
            }
            "remove" => self.present[at] = false,
            _ => {
                let answer = self.present.get(at).copied().unwrap_or_default();
                return Some(Datum::Answer(element, answer));
            }
        }
        Some(call.argument)
    }
}

/// A set of a few elements that are added and removed again and again.
pub struct Repeated {
    present: Vec<bool>,
}

impl Repeated {
    pub fn new(elements: u32) -> Self {
        Self {
            present: vec![false; elements as usize],
        }
    }
}

impl Atomic for Repeated {
    fn call(&mut self, _: usize, random: &mut Random) -> Call {
        let element = 1 + random.below(self.present.len() as u64) as i64;
        let f = ["add", "remove", "contains"][random.below(3) as usize];
        Call {
            key: None,
            f,
            argument: Datum::Int(element),
        }
    }

    fn apply(&mut self, call: &Call) -> Option<Datum> {
        let element = call.argument.int();
        let present = &mut self.present[(element - 1) as usize];
        match call.f {
            "add" => *present = true,
            "remove" => *present = false,
            _ => return Some(Datum::Answer(element, *present)),
        }
        Some(call.argument)
    }
}

/// A set that only grows. Its whole reads are few, because each of them is as long as the set.
pub struct Growing {
    /// One operation in so many is a read.
    read_every: u64,
    elements: Vec<i64>,
}

impl Growing {
    pub fn new(operations: usize, reads: u32) -> Self {
        Self {
            read_every: (operations as u64 / u64::from(reads).max(1)).max(2),
            elements: Vec::new(),
        }
    }
}

impl Atomic for Growing {
    fn call(&mut self, number: usize, random: &mut Random) -> Call {
        let (f, argument) = if random.below(self.read_every) == 0 {
            ("read", Datum::Nil)
        } else {
            ("add", Datum::Int(1 + number as i64))
        };
        Call {
            key: None,
            f,
            argument,
        }
    }

    fn apply(&mut self, call: &Call) -> Option<Datum> {
        if call.f == "read" {
            let count = self.elements.len();
            return Some(Datum::Elements { count, but: None });
        }
        self.elements.push(call.argument.int());
        Some(call.argument)
    }

    fn elements(&mut self) -> Vec<i64> {
        std::mem::take(&mut self.elements)
    }
}
