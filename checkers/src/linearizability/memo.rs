//! Which configurations a search has met, and which states.

use std::hash::{BuildHasher, Hash};

use rustc_hash::{FxBuildHasher, FxHashMap};

const NONE: u32 = u32::MAX;
/// An entry of the table: a hash and the number of the newest record, with the table's slack.
const ENTRY_BYTES: usize = 24;

/// Chains of records that share a hash.
#[derive(Debug, Default)]
struct Chains {
    heads: FxHashMap<u64, u32>,
    next: Vec<u32>,
}

impl Chains {
    fn head(&self, hash: u64) -> u32 {
        self.heads.get(&hash).copied().unwrap_or(NONE)
    }

    fn push(&mut self, hash: u64) -> u32 {
        let number = self.next.len() as u32;
        let before = self.heads.insert(hash, number);
        self.next.push(before.unwrap_or(NONE));
        number
    }

    fn bytes(&self) -> usize {
        self.heads.capacity() * ENTRY_BYTES + self.next.capacity() * 4
    }

    /// What the next record may add while the stores move to larger places.
    fn growth(&self) -> usize {
        let mut growth = 0;
        if self.heads.len() == self.heads.capacity() {
            growth += self.heads.capacity() * 2 * ENTRY_BYTES;
        }
        if self.next.len() == self.next.capacity() {
            growth += self.next.capacity() * 8;
        }
        growth
    }
}

/// States, each kept once.
#[derive(Debug)]
pub(crate) struct States<S> {
    list: Vec<S>,
    chains: Chains,
    heap: usize,
}

impl<S: Eq + Hash> States<S> {
    pub(crate) fn new() -> Self {
        Self {
            list: Vec::new(),
            chains: Chains::default(),
            heap: 0,
        }
    }

    pub(crate) fn get(&self, number: u32) -> &S {
        &self.list[number as usize]
    }

    /// The number of a state; `heap` is what it holds outside itself.
    pub(crate) fn number(&mut self, state: S, heap: impl Fn(&S) -> usize) -> u32 {
        let hash = FxBuildHasher.hash_one(&state);
        let mut at = self.chains.head(hash);
        while at != NONE {
            if self.list[at as usize] == state {
                return at;
            }
            at = self.chains.next[at as usize];
        }
        self.heap += heap(&state);
        self.list.push(state);
        self.chains.push(hash)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.list.capacity() * size_of::<S>() + self.chains.bytes() + self.heap
    }

    pub(crate) fn growth(&self) -> usize {
        let moved = self.list.len() == self.list.capacity();
        self.chains.growth() + usize::from(moved) * self.list.capacity() * 2 * size_of::<S>()
    }
}

/// Configurations, of which none is kept that another makes needless (Lowe 2017, section 4).
///
/// A configuration is a few words: the first ones must be equal for two to be compared at all, the rest is
/// its *debt*, a set of which less is better.
#[derive(Debug)]
pub(crate) struct Memo {
    stride: usize,
    exact: usize,
    words: Vec<u64>,
    chains: Chains,
}

impl Memo {
    pub(crate) fn new(exact: usize, debt: usize) -> Self {
        Self {
            stride: exact + debt,
            exact,
            words: Vec::new(),
            chains: Chains::default(),
        }
    }

    pub(crate) fn get(&self, number: u32) -> &[u64] {
        let at = number as usize * self.stride;
        &self.words[at..at + self.stride]
    }

    /// Keeps a configuration, unless one is known that is equal or has less debt.
    pub(crate) fn insert(&mut self, words: &[u64]) -> Option<u32> {
        let (exact, debt) = words.split_at(self.exact);
        let hash = FxBuildHasher.hash_one(exact);
        let mut at = self.chains.head(hash);
        while at != NONE {
            let (known, owed) = self.get(at).split_at(self.exact);
            let less = owed.iter().zip(debt).all(|(owed, debt)| owed & !debt == 0);
            if less && known == exact {
                return None;
            }
            at = self.chains.next[at as usize];
        }
        self.words.extend_from_slice(words);
        Some(self.chains.push(hash))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.words.capacity() * 8 + self.chains.bytes()
    }

    pub(crate) fn growth(&self) -> usize {
        let moved = self.words.len() + self.stride > self.words.capacity();
        self.chains.growth() + usize::from(moved) * self.words.capacity() * 16
    }
}
