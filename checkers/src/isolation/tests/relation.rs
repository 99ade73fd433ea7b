//! Relations between at most sixteen transactions, and the few operations by which definitions are written.

/// A set of pairs; row `a` has a bit for each `b` with `(a, b)` in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Relation([u16; Self::MOST]);

impl Relation {
    /// How many transactions there may be.
    pub(super) const MOST: usize = 16;

    pub(super) fn insert(&mut self, a: usize, b: usize) {
        self.0[a] |= 1 << b;
    }

    pub(super) fn has(&self, a: usize, b: usize) -> bool {
        self.0[a] & 1 << b != 0
    }

    /// The pairs of either.
    pub(super) fn or(mut self, other: Self) -> Self {
        for (row, more) in self.0.iter_mut().zip(other.0) {
            *row |= more;
        }
        self
    }

    /// A pair of this, and then one of the other.
    pub(super) fn then(self, other: Self) -> Self {
        let mut both = Self::default();
        for (row, middle) in both.0.iter_mut().zip(self.0) {
            for (b, &after) in other.0.iter().enumerate() {
                if middle & 1 << b != 0 {
                    *row |= after;
                }
            }
        }
        both
    }

    /// A pair of this, or nothing: every transaction is related to itself as well.
    pub(super) fn maybe(mut self) -> Self {
        for (at, row) in self.0.iter_mut().enumerate() {
            *row |= 1 << at;
        }
        self
    }

    /// One pair after another, at least one.
    pub(super) fn plus(mut self) -> Self {
        for middle in 0..Self::MOST {
            let after = self.0[middle];
            if after == 0 {
                continue;
            }
            for row in &mut self.0 {
                if *row & 1 << middle != 0 {
                    *row |= after;
                }
            }
        }
        self
    }

    /// Whether a transaction is related to itself.
    pub(super) fn has_loop(&self) -> bool {
        (0..Self::MOST).any(|at| self.has(at, at))
    }

    /// Whether pairs one after another lead back to where they began.
    pub(super) fn has_cycle(self) -> bool {
        self.plus().has_loop()
    }
}

#[test]
fn a_chain_closes_when_its_end_meets_its_beginning() {
    let mut chain = Relation::default();
    chain.insert(15, 0);
    chain.insert(0, 7);
    assert!(!chain.has_cycle() && chain.maybe().has_loop());
    assert!(chain.then(chain).has(15, 7) && !chain.then(chain).has(0, 7));
    let mut back = Relation::default();
    back.insert(7, 15);
    assert!(chain.or(back).has_cycle() && !chain.or(back).has_loop());
    assert!(chain.plus().then(back).has_loop());
}
