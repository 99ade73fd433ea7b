//! What is known of registers beyond what the model says: which values somebody still needs to find, and who
//! could still give them.
//!
//! Two facts follow, at any point of an order that is being built. Call a value *alive* when something that is
//! left could find it.
//! - A value that must still be found, and that nothing left could set again, must not be overwritten: no
//!   order that does so has an end.
//! - Where the present value is not alive, a write may come at once if everything that could find its value
//!   can come directly after it (or goes on from it by a compare-and-set that can come at once, and so on).
//!   Take an order of what is left. All that the operations of this block found, they find in the block;
//!   taken out of their places they leave the value that was there before, and between those places and the
//!   next write nothing looked at the value but what moved as well. So the order with the block first is
//!   allowed too, and nothing needs to be tried in its place. An operation that no theory covers, such as a
//!   failed compare-and-set that counts as an observation, may look at any value, so with such ones left no
//!   value is dead.
//!
//! On one register with unique values a write is either the first of such a block or leads nowhere, so the
//! search never goes back: that such histories are easy is known (Cantin, Lipasti & Smith 2005, for memory
//! coherence where each read's write is known).

use rustc_hash::FxHashMap;

use super::program::Program;
use crate::Model;
use crate::theory::{Theory, View};

/// A value of one register, numbered over all registers.
pub(super) type Cell = u32;

/// What an operation does to a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Find(Cell),
    Set(Cell),
    Swap(Cell, Cell),
    Other,
}

impl Deed {
    fn finds(self) -> Option<Cell> {
        match self {
            Self::Find(cell) | Self::Swap(cell, _) => Some(cell),
            Self::Set(_) | Self::Other => None,
        }
    }

    pub(super) fn sets(self) -> Option<Cell> {
        match self {
            Self::Set(cell) => Some(cell),
            Self::Swap(old, new) => (old != new).then_some(new),
            Self::Find(_) | Self::Other => None,
        }
    }
}

/// Who is left to find and to set each value of each register.
#[derive(Debug)]
pub(super) struct Registers {
    deeds: Vec<Deed>,
    /// Of each entry: which register it concerns, and whether it happened for certain.
    about: Vec<(u32, bool)>,
    /// The present value of each register, if it is known.
    present: Vec<Cell>,
    /// How many must still find a value.
    needed: Vec<u32>,
    /// How many may.
    welcome: Vec<u32>,
    /// How many can still set it.
    given: Vec<u32>,
    /// How many are left on each register that may look at any value.
    other: Vec<u32>,
}

impl Registers {
    /// What is left at the beginning, if the model is a register.
    pub(super) fn of<M: Model>(model: &M, program: &Program<'_, M::Op>) -> Option<Self> {
        let Some(Theory::Register { initial }) = model.theory() else {
            return None;
        };
        let mut numbers: FxHashMap<(u32, u64), Cell> = FxHashMap::default();
        let mut cell = |part: u32, value: u64| {
            let next = numbers.len() as u32;
            *numbers.entry((part, value)).or_insert(next)
        };
        // The first cells are the initial values.
        let present = (0..program.parts as u32).map(|part| cell(part, initial));
        let present: Vec<Cell> = present.collect();
        let deeds = program.entries.iter().map(|entry| {
            match model.view(entry.op) {
                View::See(value) => Some(Deed::Find(cell(entry.part, value))),
                View::Put(value) => Some(Deed::Set(cell(entry.part, value))),
                View::Swap(old, new) => {
                    let old = cell(entry.part, old);
                    Some(Deed::Swap(old, cell(entry.part, new)))
                }
                // It only looks, or the search would not know what value it leaves.
                _ => entry.read.then_some(Deed::Other),
            }
        });
        let deeds: Vec<Deed> = deeds.collect::<Option<_>>()?;
        let about = program.entries.iter().map(|entry| (entry.part, entry.must));
        let cells = numbers.len();
        let mut registers = Self {
            deeds,
            about: about.collect(),
            present,
            needed: vec![0; cells],
            welcome: vec![0; cells],
            given: vec![0; cells],
            other: vec![0; program.parts],
        };
        for entry in 0..registers.deeds.len() as u32 {
            registers.count(entry, |count| *count += 1);
        }
        Some(registers)
    }

    pub(super) fn deed(&self, entry: u32) -> Deed {
        self.deeds[entry as usize]
    }

    /// How many values there are.
    pub(super) fn cells(&self) -> usize {
        self.needed.len()
    }

    /// How many entries that are left set a value.
    pub(super) fn givers(&self, cell: Cell) -> u32 {
        self.given[cell as usize]
    }

    /// Whether a value is that of a register before everything.
    pub(super) fn is_initial(&self, cell: Cell) -> bool {
        (cell as usize) < self.present.len()
    }

    pub(super) fn present(&self, part: u32) -> Cell {
        self.present[part as usize]
    }

    pub(super) fn put(&mut self, part: u32, cell: Cell) {
        self.present[part as usize] = cell;
    }

    fn count(&mut self, entry: u32, change: fn(&mut u32)) {
        let (part, must) = self.about[entry as usize];
        let deed = self.deed(entry);
        if let Some(found) = deed.finds() {
            let list = if must {
                &mut self.needed
            } else {
                &mut self.welcome
            };
            change(&mut list[found as usize]);
        }
        if let Some(set) = deed.sets() {
            change(&mut self.given[set as usize]);
        }
        if deed == Deed::Other {
            change(&mut self.other[part as usize]);
        }
    }

    /// An entry is no longer left.
    pub(super) fn leave(&mut self, entry: u32) {
        self.count(entry, |count| *count -= 1);
    }

    /// It is again.
    pub(super) fn come_back(&mut self, entry: u32) {
        self.count(entry, |count| *count += 1);
    }

    /// Whether something that is left could notice this value of a register.
    pub(super) fn alive(&self, part: u32, cell: Cell) -> bool {
        let at = cell as usize;
        self.other[part as usize] > 0 || self.needed[at] > 0 || self.welcome[at] > 0
    }

    /// Whether something that is left could notice the present value.
    pub(super) fn noticed(&self, part: u32) -> bool {
        self.alive(part, self.present(part))
    }

    /// Whether a value must still be found that only one entry can set.
    pub(super) fn hangs_on_one(&self, cell: Cell) -> bool {
        self.needed[cell as usize] > 0 && self.given[cell as usize] == 1
    }

    /// Whether this entry would overwrite for ever a value that must still be found.
    pub(super) fn destroys(&self, entry: u32) -> bool {
        let (part, must) = self.about[entry as usize];
        let (deed, now) = (self.deed(entry), self.present(part));
        let finds = u32::from(must && deed.finds().is_some());
        let sets = deed.sets().filter(|set| *set != now);
        sets.is_some() && self.needed[now as usize] > finds && self.given[now as usize] == 0
    }

    /// Whether leaving this entry out would leave a value unset that must still be found.
    pub(super) fn indispensable(&self, entry: u32) -> bool {
        let (part, _) = self.about[entry as usize];
        let sets = self.deed(entry).sets();
        sets.is_some_and(|set| set != self.present(part) && self.hangs_on_one(set))
    }

    /// Whether some value must be found that nothing sets and that is not there at the beginning.
    pub(super) fn hopeless(&self) -> bool {
        let first = self.present.len();
        let mut cells = self.needed.iter().zip(&self.given).skip(first);
        cells.any(|(&needed, &given)| needed > 0 && given == 0)
    }

    pub(super) fn bytes(&self) -> usize {
        self.deeds.capacity() * size_of::<Deed>()
            + self.about.capacity() * 8
            + (self.present.capacity() + self.other.capacity()) * 4
            + self.needed.capacity() * 12
    }
}
