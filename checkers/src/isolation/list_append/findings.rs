//! What is wrong with a transaction or two, as it is found, to be put into words later if at all.

use crate::isolation::promise::Fault;

/// A fault, where it was found and who shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    pub(super) fault: Fault,
    /// The transaction that shows it.
    pub(super) reader: u32,
    /// The key.
    pub(super) key: u32,
    /// The place of the read, among the micro-operations of all transactions, that shows it.
    pub(super) place: u32,
    /// Another transaction that takes part in it; the same where there is none.
    pub(super) other: u32,
    /// The place of what that one did, or of another read.
    pub(super) other_place: u32,
}

/// Pairs of transactions of which the first is taken to have written before the second.
pub(super) type Assumed = Vec<(u32, u32)>;
