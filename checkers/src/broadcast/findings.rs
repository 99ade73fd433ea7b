//! What was found wrong, in numbers.

use super::Order;

/// How many anomalies of a kind are told.
pub(super) const TOLD: usize = 8;

/// A property of broadcasts, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Property {
    NoCreation,
    NoDuplication,
    Validity,
    Agreement,
    FifoOrder,
    CausalOrder,
    TotalOrder,
}

impl Property {
    pub(super) const ALL: [Self; 7] = [
        Self::NoCreation,
        Self::NoDuplication,
        Self::Validity,
        Self::Agreement,
        Self::FifoOrder,
        Self::CausalOrder,
        Self::TotalOrder,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::NoCreation => "no-creation",
            Self::NoDuplication => "no-duplication",
            Self::Validity => "validity",
            Self::Agreement => "agreement",
            Self::FifoOrder => "fifo-order",
            Self::CausalOrder => "causal-order",
            Self::TotalOrder => "total-order",
        }
    }

    /// Whether an order promises it.
    pub(super) fn is_of(self, order: Order) -> bool {
        order.implies(match self {
            Self::FifoOrder => Order::Fifo,
            Self::CausalOrder => Order::Causal,
            Self::TotalOrder => Order::Total,
            _ => Order::Reliable,
        })
    }
}

/// One breach. What the fields mean depends on the property; those without a meaning are `NONE`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finding {
    /// Who broke it, or for total order one of the two.
    pub(super) process: u32,
    /// The delivery with which it did.
    pub(super) delivery: u32,
    /// The message that is missing, or was delivered twice, or was not broadcast.
    pub(super) message: u32,
    /// The other delivery, of the same message or at the same place.
    pub(super) other: u32,
}

/// Everything that was found.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) told: [Vec<Finding>; 7],
    pub(super) count: [usize; 7],
    /// How many deliveries may still come, and some of them: who has yet to deliver what.
    pub(super) outstanding: usize,
    pub(super) named: Vec<(u32, u32)>,
}

impl Findings {
    pub(super) fn add(&mut self, property: Property, finding: Finding) {
        self.count[property as usize] += 1;
        let told = &mut self.told[property as usize];
        if told.len() < TOLD {
            told.push(finding);
        }
    }

    /// Further breaches that nobody needs to see.
    pub(super) fn add_count(&mut self, property: Property, count: usize) {
        self.count[property as usize] += count;
    }
}
