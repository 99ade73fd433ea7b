//! Linearization points.
//!
//! Events are numbered from 1; the *gap* `g` is the time after event `g` and before event `g + 1`, so that
//! gap 0 is before everything. An operation that was invoked by event `from` and completed by event `to`
//! takes effect in one of the gaps `from..to`.

/// Which operation takes effect in which gap. Those of one gap do so in the order in which they were noted.
#[derive(Debug, Default)]
pub(crate) struct Points {
    gaps: Vec<u32>,
    calls: Vec<u32>,
}

impl Points {
    pub(crate) fn with_capacity(calls: usize) -> Self {
        Self {
            gaps: Vec::with_capacity(calls),
            calls: Vec::with_capacity(calls),
        }
    }

    pub(crate) fn push(&mut self, gap: u32, call: u32) {
        self.gaps.push(gap);
        self.calls.push(call);
    }

    /// The operations in the order in which they take effect. O(n).
    pub(crate) fn order(self) -> Vec<u32> {
        let last = self.gaps.iter().max().map_or(0, |&gap| gap as usize);
        let mut starts = vec![0_u32; last + 2];
        for &gap in &self.gaps {
            starts[gap as usize + 1] += 1;
        }
        for gap in 0..=last {
            starts[gap + 1] += starts[gap];
        }
        let mut order = vec![0; self.calls.len()];
        for (gap, call) in self.gaps.into_iter().zip(self.calls) {
            let at = &mut starts[gap as usize];
            order[*at as usize] = call;
            *at += 1;
        }
        order
    }
}
