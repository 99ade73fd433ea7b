//! How much of its bounds a search has used.
//!
//! Every store of a search grows through a meter, which is asked before anything grows, so that the moment
//! at which a vector moves and both places are taken is bounded as well.

use super::{Limits, Stop};

/// How many configurations are looked at between two looks at the clock.
const STEPS_A_LOOK: u64 = 256;
/// The fewest items that a store makes room for.
const ITEMS_AT_LEAST: usize = 8;
/// What an allocation costs beside its bytes.
pub(in super::super) const ALLOCATION_BYTES: usize = 16;

/// The bounds of a search and what it has used of them.
pub(in super::super) struct Meter<'a> {
    limits: Limits<'a>,
    bytes: usize,
    steps: u64,
}

impl<'a> Meter<'a> {
    pub(in super::super) fn new(limits: Limits<'a>) -> Self {
        Self {
            limits,
            bytes: 0,
            steps: 0,
        }
    }

    pub(in super::super) fn steps(&self) -> u64 {
        self.steps
    }

    /// How many bytes may still be taken.
    pub(in super::super) fn left(&self) -> usize {
        self.limits.budget.bytes().saturating_sub(self.bytes)
    }

    /// Counts a configuration.
    pub(in super::super) fn step(&mut self) -> Result<(), Stop> {
        self.steps += 1;
        if self.steps >= self.limits.steps {
            return Err(Stop::Steps);
        }
        if self.steps.is_multiple_of(STEPS_A_LOOK) {
            return self.look();
        }
        Ok(())
    }

    /// Looks at the clock.
    pub(in super::super) fn look(&self) -> Result<(), Stop> {
        if self.limits.budget.is_over() {
            return Err(Stop::Time);
        }
        Ok(())
    }

    /// Takes so many bytes.
    pub(in super::super) fn take(&mut self, bytes: usize) -> Result<(), Stop> {
        if bytes > self.left() {
            return Err(Stop::Memory);
        }
        self.bytes += bytes;
        Ok(())
    }

    /// Gives so many bytes back.
    pub(in super::super) fn give(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Makes room for so many more items. While they move, the old place is still taken.
    pub(in super::super) fn reserve<T>(
        &mut self,
        list: &mut Vec<T>,
        more: usize,
    ) -> Result<(), Stop> {
        let needed = list.len() + more;
        if needed <= list.capacity() {
            return Ok(());
        }
        let items = needed.max(list.capacity() * 2).max(ITEMS_AT_LEAST);
        let before = list.capacity() * size_of::<T>();
        self.take(items.saturating_mul(size_of::<T>()))?;
        list.reserve_exact(items - list.len());
        self.give(before);
        Ok(())
    }

    /// Appends an item.
    pub(in super::super) fn push<T>(&mut self, list: &mut Vec<T>, item: T) -> Result<(), Stop> {
        self.reserve(list, 1)?;
        list.push(item);
        Ok(())
    }

    /// Appends copies of items.
    pub(in super::super) fn extend<T: Copy>(
        &mut self,
        list: &mut Vec<T>,
        items: &[T],
    ) -> Result<(), Stop> {
        self.reserve(list, items.len())?;
        list.extend_from_slice(items);
        Ok(())
    }

    /// Lets go of a store.
    pub(in super::super) fn drop<T>(&mut self, list: &mut Vec<T>) {
        self.give(list.capacity() * size_of::<T>());
        *list = Vec::new();
    }
}
