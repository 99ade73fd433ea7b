//! Who did something that the invariants of Raft speak of.

use std::fmt;

/// Who did something, when and in which term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Witness {
    pub(super) node: u32,
    pub(super) at_ns: u64,
    pub(super) term: u64,
}

impl Witness {
    pub(super) fn name(self) -> String {
        format!("n{}", u64::from(self.node) + 1)
    }
}

/// Such as `n3 at 1200.345 ms in term 4`.
impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ms, us) = (self.at_ns / 1_000_000, self.at_ns / 1_000 % 1_000);
        write!(
            f,
            "{} at {ms}.{us:03} ms in term {}",
            self.name(),
            self.term
        )
    }
}
