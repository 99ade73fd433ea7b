//! Stretches of gaps during which a value is certainly in the object.

/// Which gaps are covered by at least one stretch, where stretches are only added. Amortised inverse
/// Ackermann time an operation (Tarjan 1975), with path halving.
#[derive(Debug)]
pub(super) struct Cover {
    /// The next gap that may be uncovered.
    next: Vec<u32>,
}

impl Cover {
    /// Nothing is covered of the gaps `0..gaps`.
    pub(super) fn new(gaps: u32) -> Self {
        Self {
            next: (0..=gaps).collect(),
        }
    }

    /// The first gap from this one on that is not covered; the number of gaps if there is none.
    pub(super) fn free(&mut self, gap: u32) -> u32 {
        let mut at = gap.min(self.next.len() as u32 - 1);
        while self.next[at as usize] != at {
            let after = self.next[self.next[at as usize] as usize];
            self.next[at as usize] = after;
            at = after;
        }
        at
    }

    /// Covers the gaps `from..to`.
    pub(super) fn add(&mut self, from: u32, to: u32) {
        let to = to.min(self.next.len() as u32 - 1);
        let mut at = self.free(from);
        while at < to {
            self.next[at as usize] = at + 1;
            at = self.free(at + 1);
        }
    }
}

/// A fewest of the stretches (`from`, `to`, name) that together cover the gaps `from..to`. Empty if they do not.
pub(super) fn chain(mut stretches: Vec<(u32, u32, u32)>, from: u32, to: u32) -> Vec<u32> {
    stretches.sort_unstable();
    let mut chain = Vec::new();
    let mut reached = from;
    let mut next = stretches.into_iter().peekable();
    while reached < to {
        let mut best: Option<(u32, u32)> = None;
        while let Some((_, end, name)) = next.next_if(|stretch| stretch.0 <= reached) {
            if best.is_none_or(|(furthest, _)| end > furthest) {
                best = Some((end, name));
            }
        }
        match best.filter(|(end, _)| *end > reached) {
            Some((end, name)) => {
                reached = end;
                chain.push(name);
            }
            None => return Vec::new(),
        }
    }
    chain
}
