//! A queue whose clones share all of it but the end.
//!
//! The elements lie in blocks of a fixed size. Only the last block grows, and elements leave at the front by
//! being counted off, so that nothing but the last block is copied when a clone and its original go separate ways.

use std::collections::VecDeque;
use std::sync::Arc;

/// Elements in a block.
const BLOCK: usize = 256;

/// A queue in which every element has a number: one more than the one before it.
#[derive(Clone, Debug)]
pub(super) struct Ring<T> {
    /// All but the last are full. The first one holds the element `first`, if there is one.
    blocks: VecDeque<Arc<Vec<T>>>,
    first: u64,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self {
            blocks: VecDeque::new(),
            first: 0,
        }
    }
}

impl<T: Clone> Ring<T> {
    /// The number of the first element, or of the next one if there is none.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// The number that the next element will get.
    pub(super) fn end(&self) -> u64 {
        let Some(last) = self.blocks.back() else {
            return self.first;
        };
        self.base() + ((self.blocks.len() - 1) * BLOCK + last.len()) as u64
    }

    /// The number of the first place of the first block.
    fn base(&self) -> u64 {
        self.first - self.first % BLOCK as u64
    }

    /// In which block, and where in it, the element of this number is.
    fn place(&self, number: u64) -> Option<(usize, usize)> {
        let place = usize::try_from(number.checked_sub(self.base())?).ok()?;
        (number >= self.first).then_some((place / BLOCK, place % BLOCK))
    }

    pub(super) fn get(&self, number: u64) -> Option<&T> {
        let (block, at) = self.place(number)?;
        self.blocks.get(block)?.get(at)
    }

    /// An element, to be changed; its block is copied first if somebody shares it.
    pub(super) fn edit(&mut self, number: u64) -> Option<&mut T> {
        let (block, at) = self.place(number)?;
        Arc::make_mut(self.blocks.get_mut(block)?).get_mut(at)
    }

    pub(super) fn push(&mut self, element: T) {
        match self.blocks.back_mut() {
            Some(last) if last.len() < BLOCK => Arc::make_mut(last).push(element),
            _ => self.blocks.push_back(Arc::new(vec![element])),
        }
    }

    /// Gives up the first element. It is dropped with its block.
    pub(super) fn pop(&mut self) {
        if self.first < self.end() {
            self.first += 1;
            if self.first.is_multiple_of(BLOCK as u64) {
                self.blocks.pop_front();
            }
        }
    }

    /// The elements, first to last, with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        let all = self.blocks.iter().flat_map(|block| block.iter());
        let skipped = (self.first - self.base()) as usize;
        (self.first..).zip(all.skip(skipped))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::Ring;

    #[derive(Clone, Debug)]
    enum Step {
        Push(usize),
        Pop(usize),
        Edit(u64),
        Clone,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..600_usize).prop_map(Step::Push),
            (0..600_usize).prop_map(Step::Pop),
            (0..1_000_u64).prop_map(Step::Edit),
            Just(Step::Clone),
        ]
    }

    /// The ring and its model: elements with their numbers, and the number of the next.
    #[derive(Clone, Default)]
    struct Pair {
        ring: Ring<u64>,
        model: VecDeque<(u64, u64)>,
        next: u64,
    }

    impl Pair {
        fn take(&mut self, step: &Step) {
            match step {
                Step::Push(times) => (0..*times).for_each(|_| {
                    self.ring.push(self.next);
                    self.model.push_back((self.next, self.next));
                    self.next += 1;
                }),
                Step::Pop(times) => (0..*times).for_each(|_| {
                    self.ring.pop();
                    self.model.pop_front();
                }),
                Step::Edit(number) => {
                    let changed = self.ring.edit(*number);
                    let found = self.model.iter_mut().find(|it| it.0 == *number);
                    assert_eq!(changed.is_some(), found.is_some());
                    if let (Some(a), Some(b)) = (changed, found) {
                        *a += 1_000_000;
                        b.1 += 1_000_000;
                    }
                }
                Step::Clone => {}
            }
        }

        fn check(&self) {
            let all: Vec<_> = self.ring.iter().map(|(number, it)| (number, *it)).collect();
            assert!(self.model.iter().eq(all.iter()));
            assert_eq!(self.ring.end(), self.next);
            assert_eq!(self.ring.end() - self.ring.first(), self.model.len() as u64);
            for number in 0..self.next + 3 {
                let expected = self.model.iter().find(|it| it.0 == number).map(|it| &it.1);
                assert_eq!(self.ring.get(number), expected);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_ring_is_a_queue_and_so_are_its_clones(steps in prop::collection::vec(step(), 0..10)) {
            let mut pairs = vec![Pair::default()];
            for (index, step) in steps.iter().enumerate() {
                let which = index % pairs.len();
                pairs[which].take(step);
                if matches!(step, Step::Clone) {
                    pairs.push(pairs[which].clone());
                }
            }
            pairs.iter().for_each(Pair::check);
        }
    }
}
