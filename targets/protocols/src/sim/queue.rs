//! What is to happen, in order of time.
//!
//! A binary heap holds small keys and a slab holds what travels, so that moving a key costs the same
//! whatever a message weighs, and nothing is allocated once the slab has grown. Two events at the same
//! time happen in the order in which they were put in.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::NodeId;

/// What is due. What it is about lies in the slab or with the node.
#[derive(Clone, Copy, Debug)]
pub(super) enum Due {
    /// Something that travelled arrives.
    Arrival { slot: u32 },
    /// What a node waits for within a step is done, unless it crashed since.
    Done { node: NodeId, epoch: u32 },
    /// A node's timer is to be looked at, unless that was moved since.
    Wake { node: NodeId, generation: u32 },
    /// A crash that was to come by now at the latest, unless it came or was called off.
    Crash { node: NodeId, order: u32 },
    /// An alarm of the outside.
    Alarm { token: u64 },
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Time above, order of entry below: one comparison decides.
    key: u128,
    due: Due,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// Reversed, as the standard heap gives the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key)
    }
}

/// The events to come, and what travels in them.
#[derive(Debug)]
pub(super) struct Queue<T> {
    heap: BinaryHeap<Entry>,
    entered: u64,
    slab: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            entered: 0,
            slab: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Has something happen at this time.
    pub(super) fn push(&mut self, at_ns: u64, due: Due) {
        let key = (u128::from(at_ns) << 64) | u128::from(self.entered);
        self.entered += 1;
        self.heap.push(Entry { key, due });
    }

    /// Has something that travels arrive at this time.
    pub(super) fn send(&mut self, at_ns: u64, parcel: T) {
        let slot = if let Some(slot) = self.free.pop() {
            self.slab[slot as usize] = Some(parcel);
            slot
        } else {
            self.slab.push(Some(parcel));
            (self.slab.len() - 1) as u32
        };
        self.push(at_ns, Due::Arrival { slot });
    }

    /// Takes what arrives out of its slot.
    pub(super) fn receive(&mut self, slot: u32) -> Option<T> {
        self.free.push(slot);
        self.slab[slot as usize].take()
    }

    /// All that is under way, in no order of time.
    #[cfg(test)]
    pub(super) fn under_way(&self) -> impl Iterator<Item = &T> {
        self.slab.iter().flatten()
    }

    /// How many events are to come.
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    /// The next event, unless it is later than the limit.
    pub(super) fn pop(&mut self, limit_ns: u64) -> Option<(u64, Due)> {
        let at_ns = (self.heap.peek()?.key >> 64) as u64;
        if at_ns > limit_ns {
            return None;
        }
        self.heap.pop().map(|entry| (at_ns, entry.due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Events come in order of time and, at one time, in the order of entry; each exactly once.
        #[test]
        fn the_order_is_that_of_a_stable_sort(times in prop::collection::vec(0..20_u64, 0..200)) {
            let mut queue = Queue::new();
            for (number, &at) in times.iter().enumerate() {
                queue.send(at, number);
            }
            let mut expected: Vec<usize> = (0..times.len()).collect();
            expected.sort_by_key(|&number| times[number]);
            let mut got = Vec::new();
            while let Some((at, Due::Arrival { slot })) = queue.pop(u64::MAX) {
                let number = queue.receive(slot).expect("a slot is filled until it is received");
                prop_assert_eq!(times[number], at);
                got.push(number);
            }
            prop_assert_eq!(got, expected);
        }
    }

    #[test]
    fn slots_are_used_again_and_the_limit_holds() {
        let mut queue = Queue::new();
        for at in 0..1_000 {
            queue.send(at, at);
            assert!(queue.pop(at.wrapping_sub(1).min(at)).is_none() || at == 0);
            if let Some((_, Due::Arrival { slot })) = queue.pop(at) {
                queue.receive(slot);
            }
        }
        assert!(queue.slab.len() <= 2);
    }
}
