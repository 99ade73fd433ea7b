//! What belongs to keys, versions or transactions by number, grouped in flat columns by a counting sort (Knuth, volume
//! 3, section 5.2): linear time, two arrays.

use std::ops::Range;

/// Rows in one column, one after another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows<T> {
    first: Vec<u32>,
    items: Vec<T>,
}

impl<T: Copy> Rows<T> {
    /// Sorts items into so many rows; within a row they keep their order. `any` fills the column before that.
    pub(crate) fn sorted(
        rows: usize,
        items: impl Iterator<Item = (u32, T)> + Clone,
        any: T,
    ) -> Self {
        let mut first = vec![0_u32; rows + 1];
        for (row, _) in items.clone() {
            first[row as usize + 1] += 1;
        }
        for row in 1..first.len() {
            first[row] += first[row - 1];
        }
        let mut sorted = vec![any; first[rows] as usize];
        let mut next = first.clone();
        for (row, item) in items {
            let at = &mut next[row as usize];
            sorted[*at as usize] = item;
            *at += 1;
        }
        Self {
            first,
            items: sorted,
        }
    }

    /// The items of a row.
    pub(crate) fn of(&self, row: u32) -> &[T] {
        &self.items[self.range(row)]
    }

    /// The places of the items of a row among all.
    pub(crate) fn range(&self, row: u32) -> Range<usize> {
        self.first[row as usize] as usize..self.first[row as usize + 1] as usize
    }

    /// The items of all rows.
    pub(crate) fn all(&self) -> &[T] {
        &self.items
    }

    /// No rows yet, and room for so many with so many items.
    pub(crate) fn with_room(rows: usize, items: usize) -> Self {
        let mut first = Vec::with_capacity(rows + 1);
        first.push(0);
        Self {
            first,
            items: Vec::with_capacity(items),
        }
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = T>) {
        self.items.extend(row);
        self.first.push(self.items.len() as u32);
    }

    /// The items of a row, to be put into another order.
    pub(crate) fn of_mut(&mut self, row: u32) -> &mut [T] {
        let range = self.range(row);
        &mut self.items[range]
    }

    /// How many rows there are.
    pub(crate) fn count(&self) -> u32 {
        self.first.len() as u32 - 1
    }

    /// How many bytes it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.first.capacity() * size_of::<u32>() + self.items.capacity() * size_of::<T>()
    }
}
