//! Single reads that no version explains, or that their own transaction contradicts.

use crate::isolation::Level;
use crate::isolation::promise::Fault;

/// How many of a kind are kept; the others are counted.
const KEPT: usize = 8;

/// The kinds that there are, the worst first.
const KINDS: [Fault; 5] = [
    Fault::GarbageRead,
    Fault::AbortedRead,
    Fault::IntermediateRead,
    Fault::FutureRead,
    Fault::Internal,
];

/// One read that should not have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) reader: u32,
    pub(super) key: u32,
    /// The place of the read among the micro-operations of all transactions.
    pub(super) place: u32,
    /// Who wrote what was read; the reader where nobody did.
    pub(super) other: u32,
    /// The place of that write, or of what contradicts the read.
    pub(super) other_place: u32,
}

impl Flaw {
    pub(super) fn read(reader: u32, key: u32, place: u32) -> Self {
        Self {
            reader,
            key,
            place,
            other: reader,
            other_place: place,
        }
    }

    pub(super) fn with(self, other: u32, other_place: u32) -> Self {
        Self {
            other,
            other_place,
            ..self
        }
    }
}

/// The first few of every kind, and how many there are.
#[derive(Debug, Default)]
pub(super) struct Flaws {
    of: [(usize, Vec<Flaw>); KINDS.len()],
}

impl Flaws {
    pub(super) fn add(&mut self, fault: Fault, flaw: Flaw) {
        let Some(kind) = KINDS.iter().position(|&kind| kind == fault) else {
            return;
        };
        let (count, kept) = &mut self.of[kind];
        *count += 1;
        if kept.len() < KEPT {
            kept.push(flaw);
        }
    }

    /// What a level forbids of them: the kind, how many there are, and the first few.
    pub(super) fn forbidden(&self, level: Level) -> impl Iterator<Item = (Fault, usize, &[Flaw])> {
        let all = KINDS.into_iter().zip(&self.of);
        all.filter(move |(kind, (count, _))| *count > 0 && forbids(level, *kind))
            .map(|(kind, (count, kept))| (kind, *count, &**kept))
    }
}

/// Whether a level forbids reads of a kind. The session guarantees say something of versions alone: a read that returned
/// none is passed over. All the others ask for reads of versions that were there, so to read what oneself writes only
/// later is a `G1c` of one transaction; and those that speak of whole transactions ask them not to contradict
/// themselves.
fn forbids(level: Level, fault: Fault) -> bool {
    match level {
        Level::MonotonicReads
        | Level::MonotonicWrites
        | Level::ReadYourWrites
        | Level::WritesFollowReads => false,
        Level::ReadUncommitted => fault == Fault::GarbageRead,
        Level::ReadCommitted | Level::MonotonicAtomicView => fault != Fault::Internal,
        _ => true,
    }
}
