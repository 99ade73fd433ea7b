//! What a search remembers: states, vectors of numbers, and which configurations it has met.
//!
//! A configuration has one number a process and one a part, of which a step changes two or three. So vectors
//! are kept as trees of which equal branches are stored once (hash-consing: Filliâtre & Conchon 2006): a step
//! costs a few nodes, whatever the number of processes and parts, and equal vectors have equal roots.
//! Everything lies in flat lists whose room, and whose growth before it happens, can be told.

use std::hash::{BuildHasher, Hash};

use rustc_hash::FxBuildHasher;

const NONE: u32 = u32::MAX;
/// How many numbers a node holds.
const WIDTH: usize = 8;

/// The numbers of things that are kept elsewhere, found by their hashes. At most half full.
#[derive(Debug, Default)]
struct Index {
    slots: Vec<u32>,
    held: usize,
}

impl Index {
    fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        // The upper half of the hash is the better mixed one.
        let mut at = (hash >> 32) as usize & mask;
        loop {
            match self.slots[at] {
                NONE => return None,
                number if is(number) => return Some(number),
                _ => at = (at + 1) & mask,
            }
        }
    }

    /// Adds a number that is not there; `hash` tells the hash of any that is.
    fn insert(&mut self, number: u32, hash: impl Fn(u32) -> u64) {
        if self.full() {
            let doubled = vec![NONE; (self.slots.len() * 2).max(16)];
            for old in std::mem::replace(&mut self.slots, doubled) {
                if old != NONE {
                    self.place(old, hash(old));
                }
            }
        }
        self.place(number, hash(number));
        self.held += 1;
    }

    fn place(&mut self, number: u32, hash: u64) {
        let mask = self.slots.len() - 1;
        let mut at = (hash >> 32) as usize & mask;
        while self.slots[at] != NONE {
            at = (at + 1) & mask;
        }
        self.slots[at] = number;
    }

    fn full(&self) -> bool {
        (self.held + 1) * 2 > self.slots.len()
    }

    fn bytes(&self) -> usize {
        self.slots.capacity() * 4
    }

    fn growth(&self) -> usize {
        usize::from(self.full()) * self.slots.len() * 8
    }
}

/// What a list takes while it moves to a larger place, if `more` do not fit.
pub(super) fn list_growth<T>(list: &Vec<T>, more: usize) -> usize {
    let moves = list.len() + more > list.capacity();
    usize::from(moves) * list.capacity().max(more) * 2 * size_of::<T>()
}

/// A hash whose upper half depends on all of its input.
fn hash_of(of: impl Hash) -> u64 {
    let hash = FxBuildHasher.hash_one(of);
    (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// States, each kept once.
#[derive(Debug)]
pub(super) struct States<S> {
    list: Vec<S>,
    index: Index,
    heap: usize,
}

impl<S: Eq + Hash> States<S> {
    pub(super) fn new() -> Self {
        Self {
            list: Vec::new(),
            index: Index::default(),
            heap: 0,
        }
    }

    pub(super) fn get(&self, number: u32) -> &S {
        &self.list[number as usize]
    }

    /// The number of a state; `heap` is what it holds outside itself.
    pub(super) fn number(&mut self, state: S, heap: impl Fn(&S) -> usize) -> u32 {
        let list = &mut self.list;
        let found = self
            .index
            .find(hash_of(&state), |at| list[at as usize] == state);
        if let Some(number) = found {
            return number;
        }
        let number = list.len() as u32;
        self.heap += heap(&state);
        list.push(state);
        self.index.insert(number, |at| hash_of(&list[at as usize]));
        number
    }

    pub(super) fn bytes(&self) -> usize {
        self.list.capacity() * size_of::<S>() + self.index.bytes() + self.heap
    }

    /// What so many more may add.
    pub(super) fn growth(&self, more: usize) -> usize {
        list_growth(&self.list, more) + self.index.growth()
    }
}

/// Nodes of vectors, each kept once.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    list: Vec<[u32; WIDTH]>,
    index: Index,
}

impl Nodes {
    fn number(&mut self, node: [u32; WIDTH]) -> u32 {
        let list = &mut self.list;
        let found = self
            .index
            .find(hash_of(node), |at| list[at as usize] == node);
        if let Some(number) = found {
            return number;
        }
        let number = list.len() as u32;
        list.push(node);
        self.index.insert(number, |at| hash_of(list[at as usize]));
        number
    }

    /// Whether no number of one vector is greater than that of another. Both have so many levels.
    pub(super) fn at_most(&self, less: u32, more: u32, levels: usize) -> bool {
        let mut pairs = vec![(less, more, levels)];
        while let Some((less, more, level)) = pairs.pop() {
            if less == more {
                continue;
            }
            let both = self.list[less as usize]
                .into_iter()
                .zip(self.list[more as usize]);
            for (less, more) in both {
                match level {
                    1 if less > more => return false,
                    1 => {}
                    _ => pairs.push((less, more, level - 1)),
                }
            }
        }
        true
    }

    pub(super) fn bytes(&self) -> usize {
        self.list.capacity() * size_of::<[u32; WIDTH]>() + self.index.bytes()
    }

    pub(super) fn growth(&self, more: usize) -> usize {
        list_growth(&self.list, more) + self.index.growth()
    }
}

/// A vector whose numbers change, and the nodes that it is made of.
#[derive(Debug)]
pub(super) struct Vector {
    /// The numbers, and above them the numbers of nodes, up to the root.
    levels: Vec<Vec<u32>>,
    /// The nodes below each level that are out of date, each once.
    dirty: Vec<Vec<u32>>,
    stale: Vec<Vec<bool>>,
}

impl Vector {
    pub(super) fn new(length: usize) -> Self {
        let mut vector = Self {
            levels: Vec::new(),
            dirty: Vec::new(),
            stale: Vec::new(),
        };
        let mut length = length.max(1);
        loop {
            let nodes = length.div_ceil(WIDTH);
            vector.levels.push(vec![0; nodes * WIDTH]);
            vector.dirty.push((0..nodes as u32).collect());
            vector.stale.push(vec![true; nodes]);
            if nodes == 1 {
                return vector;
            }
            length = nodes;
        }
    }

    pub(super) fn get(&self, at: usize) -> u32 {
        self.levels[0][at]
    }

    pub(super) fn set(&mut self, at: usize, number: u32) {
        self.change(0, at, number);
    }

    fn change(&mut self, level: usize, at: usize, number: u32) {
        if self.levels[level][at] == number {
            return;
        }
        self.levels[level][at] = number;
        let node = at / WIDTH;
        if !std::mem::replace(&mut self.stale[level][node], true) {
            self.dirty[level].push(node as u32);
        }
    }

    /// How many levels of nodes there are.
    pub(super) fn height(&self) -> usize {
        self.levels.len()
    }

    /// The number that stands for the whole vector. The root is in date only here, because nobody asks between.
    pub(super) fn root(&mut self, nodes: &mut Nodes) -> u32 {
        let mut root = 0;
        for level in 0..self.height() {
            let top = level + 1 == self.height();
            if top {
                self.stale[level][0] = true;
                self.dirty[level] = vec![0];
            }
            while let Some(node) = self.dirty[level].pop() {
                let at = node as usize;
                self.stale[level][at] = false;
                let mut held = [0; WIDTH];
                held.copy_from_slice(&self.levels[level][at * WIDTH..(at + 1) * WIDTH]);
                let number = nodes.number(held);
                if top {
                    root = number;
                } else {
                    self.change(level + 1, at, number);
                }
            }
        }
        root
    }

    pub(super) fn bytes(&self) -> usize {
        let numbers: usize = self.levels.iter().map(Vec::len).sum();
        numbers * (4 + 4 + 1) + self.height() * 72
    }
}

/// Configurations, of which none is kept that another makes needless (Lowe 2017, section 4): its first vector
/// is the same, and in its second, which counts what was used that need not have happened, no number is
/// greater.
#[derive(Debug)]
pub(super) struct Memo {
    /// The two vectors, and the configuration before it with the same first one.
    list: Vec<[u32; 3]>,
    /// The newest configuration with a first vector.
    newest: Vec<u32>,
    levels: usize,
}

impl Memo {
    pub(super) fn new(levels: usize) -> Self {
        Self {
            list: Vec::new(),
            newest: Vec::new(),
            levels,
        }
    }

    /// Keeps a configuration, unless one is known that makes it needless.
    pub(super) fn insert(&mut self, exact: u32, debt: u32, nodes: &Nodes) -> bool {
        if self.newest.len() <= exact as usize {
            self.newest.resize(exact as usize + 1, NONE);
        }
        let first = self.newest[exact as usize];
        let mut at = first;
        while at != NONE {
            let [_, known, before] = self.list[at as usize];
            if nodes.at_most(known, debt, self.levels) {
                return false;
            }
            at = before;
        }
        self.newest[exact as usize] = self.list.len() as u32;
        self.list.push([exact, debt, first]);
        true
    }

    pub(super) fn bytes(&self) -> usize {
        self.list.capacity() * 12 + self.newest.capacity() * 4
    }

    pub(super) fn growth(&self, nodes: &Nodes, more: usize) -> usize {
        let longer = (nodes.list.len() + more).saturating_sub(self.newest.len());
        list_growth(&self.list, 1) + list_growth(&self.newest, longer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_vectors_have_equal_roots_however_they_came_about() {
        let mut nodes = Nodes::default();
        let mut vector = Vector::new(100);
        let empty = vector.root(&mut nodes);
        vector.set(77, 5);
        let one = vector.root(&mut nodes);
        vector.set(3, 9);
        let two = vector.root(&mut nodes);
        vector.set(77, 0);
        vector.set(3, 0);
        assert_eq!(vector.root(&mut nodes), empty);
        vector.set(3, 9);
        vector.set(77, 5);
        assert_eq!(vector.root(&mut nodes), two);
        vector.set(3, 0);
        assert_eq!(vector.root(&mut nodes), one);
        assert!(nodes.at_most(empty, one, vector.height()));
        assert!(nodes.at_most(one, two, vector.height()));
        assert!(!nodes.at_most(two, one, vector.height()));
    }

    #[test]
    fn a_configuration_that_owes_more_is_needless() {
        let mut nodes = Nodes::default();
        let mut vector = Vector::new(9);
        let mut root = |numbers: [u32; 2]| {
            vector.set(0, numbers[0]);
            vector.set(8, numbers[1]);
            vector.root(&mut nodes)
        };
        let (less, other, more) = (root([0, 1]), root([1, 0]), root([1, 1]));
        let mut memo = Memo::new(vector.height());
        assert!(memo.insert(7, less, &nodes));
        assert!(memo.insert(7, other, &nodes));
        assert!(!memo.insert(7, more, &nodes));
        assert!(memo.insert(8, more, &nodes));
        assert!(memo.insert(8, less, &nodes));
    }
}
