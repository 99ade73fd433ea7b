//! What to generate, and how.

use std::collections::{BinaryHeap, VecDeque};

use rupture_checkers::history::History;

use super::clients::{self, Atomic, Draft};
use super::containers::{Container, Order};
use super::random::Random;
use super::registers::{Cas, Registers};
use super::sets::{Growing, Repeated, Unique};
use super::violations::{self, Violation};

/// Clients in a closed loop: what they do, how often, and what goes wrong.
#[derive(Clone, Copy, Debug)]
pub struct Traffic {
    pub object: Object,
    pub operations: usize,
    pub clients: usize,
    /// Nanoseconds between two operations of a client, on average: [`Traffic::CONTENDED`] or
    /// [`Traffic::MODERATE`].
    pub pause_ns: f64,
    /// Of a thousand operations, how many are never seen to complete. Their clients go on as new processes.
    pub lost_per_mille: u64,
    /// What became of these.
    pub fate: Fate,
    /// What is wrong at nine tenths of the history.
    pub violation: Option<Violation>,
    pub seed: u64,
}

/// What becomes of an operation that nobody saw complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It has its effect within the time that an operation takes.
    Soon,
    /// It has its effect then, or about 20 ms after its client gave up, or never.
    Any,
}

/// How many values a container holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Few, and now and then none.
    Short,
    /// Ever more until half of the operations are done, a quarter of their number in the end, and then ever
    /// fewer.
    Long,
}

/// On what the clients work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// A register whose writes are all unique.
    Register,
    /// Such a register a key; values are `[key value]`.
    KeyValue { keys: u32 },
    /// A register of five values with compare-and-set.
    CasRegister,
    /// A set in which every element is added once and removed at most once.
    Set,
    /// A set of so many elements that are added and removed again and again.
    RepeatedSet { elements: u32 },
    /// A set that only grows, with about so many reads of the whole.
    GrowingSet { reads: u32 },
    /// A queue of unique values.
    FifoQueue(Length),
    /// A stack of unique values.
    Stack(Length),
    /// A priority queue of unique values in no order, the greatest of which comes out first.
    PriorityQueue(Length),
}

impl Object {
    /// The model's name.
    pub fn model(self) -> &'static str {
        match self {
            Self::Register | Self::KeyValue { .. } => "register",
            Self::CasRegister => "cas-register",
            Self::Set | Self::RepeatedSet { .. } | Self::GrowingSet { .. } => "set",
            Self::FifoQueue(_) => "fifo-queue",
            Self::Stack(_) => "stack",
            Self::PriorityQueue(_) => "priority-queue",
        }
    }

    /// Whether values are `[key value]`.
    pub fn independent(self) -> bool {
        matches!(self, Self::KeyValue { .. })
    }

    /// Whether it is a container that fills up.
    pub fn is_long(self) -> bool {
        let (Self::FifoQueue(length) | Self::Stack(length) | Self::PriorityQueue(length)) = self
        else {
            return false;
        };
        length == Length::Long
    }

    /// What can go wrong with it.
    pub fn violations(self) -> &'static [Violation] {
        use Violation::{Contradicted, Empty, Lost, Missing, Nowhere, Swapped, Twice};
        match self {
            Self::Register | Self::KeyValue { .. } | Self::CasRegister => &[Contradicted, Nowhere],
            Self::Set | Self::RepeatedSet { .. } => &[Contradicted],
            Self::GrowingSet { .. } => &[Missing],
            Self::FifoQueue(_) | Self::Stack(_) | Self::PriorityQueue(_) => {
                &[Swapped, Twice, Empty, Lost, Nowhere]
            }
        }
    }

    fn start(self, operations: usize) -> Box<dyn Atomic> {
        let contain = |order, length| Box::new(Container::new(order, length, operations));
        match self {
            Self::Register => Box::new(Registers::one()),
            Self::KeyValue { keys } => Box::new(Registers::keyed(keys)),
            Self::CasRegister => Box::new(Cas::default()),
            Self::Set => Box::new(Unique::default()),
            Self::RepeatedSet { elements } => Box::new(Repeated::new(elements)),
            Self::GrowingSet { reads } => Box::new(Growing::new(operations, reads)),
            Self::FifoQueue(length) => contain(Order::First(VecDeque::new()), length),
            Self::Stack(length) => contain(Order::Last(Vec::new()), length),
            Self::PriorityQueue(length) => contain(Order::Greatest(BinaryHeap::new()), length),
        }
    }
}

impl Traffic {
    /// A register that about as many operations are at work on as there are clients.
    pub const CONTENDED: Self = Self {
        object: Object::Register,
        operations: 1_000,
        clients: 20,
        pause_ns: 1e5,
        lost_per_mille: 0,
        fate: Fate::Soon,
        violation: None,
        seed: 7,
    };

    /// The same with pauses between operations.
    pub const MODERATE: Self = Self {
        pause_ns: 4e6,
        ..Self::CONTENDED
    };

    /// The history: linearizable without a violation, and certainly not with one. `None` if there is no place
    /// at which the violation would be certain.
    pub fn generate(&self) -> Option<History> {
        let (mut drafts, elements) = self.drafts();
        let planted = match self.violation {
            Some(violation) => violations::plant(self.object, violation, &mut drafts, &elements),
            None => true,
        };
        planted.then(|| clients::events(&drafts, &elements))
    }

    /// The operations in the order of their effects, and every element that was added where sets are read
    /// whole.
    pub(super) fn drafts(&self) -> (Vec<Draft>, Vec<i64>) {
        let mut object = self.object.start(self.operations);
        let drafts = clients::run(self, &mut *object, &mut Random(self.seed));
        (drafts, object.elements())
    }
}
