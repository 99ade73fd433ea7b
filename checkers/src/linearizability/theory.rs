//! What the log-linear algorithms need to know of an object.
//!
//! A [`Model`](crate::Model) that is one of these objects says so ([`Model::theory`](crate::Model::theory))
//! and translates its operations ([`Model::view`](crate::Model::view)). Where every value is put in at most
//! once, the history is then decided without a search.

/// An object of which it is known how to decide linearizability in O(n log n) when every value is unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theory {
    /// A value that is read and written.
    Register {
        /// The number of the value before the first write.
        initial: u64,
    },
    /// Elements that are added, removed, asked for and read as a whole. Starts empty.
    Set,
    /// First in, first out. Starts empty.
    FifoQueue,
    /// What is put in comes out in any order. Starts empty.
    UnorderedQueue,
    /// Last in, first out. Starts empty.
    Stack,
    /// The greatest or the least number goes first. Starts empty.
    PriorityQueue,
}

/// An operation as a [`Theory`] sees it. Values are numbers, equal for equal values; those of a priority
/// queue are in the order of their priorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View<'a> {
    /// It puts a value in: a write, an addition, an enqueue, a push, an insertion.
    Put(u64),
    /// It sees a value and leaves it: a read of a register, an element found.
    See(u64),
    /// It does not see an element.
    Miss(u64),
    /// It takes a value out: a removal, a dequeue, a pop, the extraction of the greatest.
    Take(u64),
    /// It takes a value out, which is the least.
    TakeLeast(u64),
    /// It found nothing to take.
    Empty,
    /// It saw the first value and put the second in its place.
    Swap(u64, u64),
    /// It took something out, or found nothing: nobody saw it. The greatest, if it is a priority queue.
    TakeAny,
    /// It took the least out, or found nothing: nobody saw it.
    TakeAnyLeast,
    /// It saw exactly these elements, which are in ascending order.
    All(&'a [crate::Id]),
    /// It cannot happen, whatever the object holds.
    Never,
    /// It is something else, which no theory covers.
    Other,
}
