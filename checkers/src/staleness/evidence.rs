//! Making evidence small: operations are left out as long as the rest is still impossible by itself (Zeller &
//! Hildebrandt 2002). What is left is smallest in the sense that nothing of it can be left out, if there were
//! steps enough to find that out.

use super::clusters::{Cluster, Reading, RegisterCall, read};
use super::delta::{self, Times};
use super::measure::holds;
use super::search::Clock;
use crate::Budget;
use crate::linearizability::search::{Answer, Limits};
use crate::model::Id;
use crate::models::op::RegisterOp;
use rustc_hash::FxHashSet;

/// How many configurations a test may look at, and how many operations all tests together.
const STEPS_A_TEST: u64 = 20_000;
const OPERATIONS_IN_ALL: usize = 20_000_000;
const STEPS_IN_ALL: u64 = 4_000_000;

/// What evidence has to contradict.
#[derive(Clone, Copy, Debug)]
pub(super) enum Claim<'a> {
    /// Every read returns one of so many latest writes.
    Versions(u32),
    /// Every read is at most so stale.
    Time(Times<'a>, u64),
}

/// Looks for small sets of calls that contradict a claim.
pub(super) struct Shrinker<'a> {
    calls: &'a [RegisterCall],
    claim: Claim<'a>,
    budget: &'a Budget<'a>,
    operations: usize,
    steps: u64,
    /// Whether some test was not made for want of steps.
    pub(super) doubt: bool,
}

impl<'a> Shrinker<'a> {
    pub(super) fn new(calls: &'a [RegisterCall], claim: Claim<'a>, budget: &'a Budget<'a>) -> Self {
        Self {
            calls,
            claim,
            budget,
            operations: OPERATIONS_IN_ALL,
            steps: STEPS_IN_ALL,
            doubt: false,
        }
    }

    /// Whether these calls, in the order of invocation, contradict the claim for certain. That a read's write was
    /// left out is no contradiction.
    fn contradicts(&mut self, chosen: &[u32]) -> bool {
        if self.operations < chosen.len() || self.steps == 0 {
            self.doubt = true;
            return false;
        }
        self.operations -= chosen.len();
        let Reading::Clusters(clusters) = read(self.calls, chosen) else {
            return false;
        };
        match self.claim {
            Claim::Time(times, delta) => !delta::holds(&clusters, times, delta),
            Claim::Versions(k) => {
                let allowed = STEPS_A_TEST.min(self.steps);
                let mut clock = Clock::new(self.budget, allowed);
                let holds = holds(&clusters, k, &mut clock);
                self.steps -= allowed - clock.steps();
                self.doubt |= holds.is_none();
                holds == Some(false)
            }
        }
    }

    /// Fewer calls that still contradict the claim; the calls themselves if they do not. Clusters are left out as a
    /// whole before single operations are, because a read says nothing without its write.
    pub(super) fn smallest(&mut self, calls: &[u32]) -> Vec<u32> {
        let groups = match read(self.calls, calls) {
            Reading::Clusters(clusters) => clusters.iter().map(|c| members(&[*c])).collect(),
            Reading::Impossible(_) | Reading::Repeated => Vec::new(),
        };
        let calls = self.leave_out(calls.to_vec(), groups);
        let single = calls.iter().map(|&call| vec![call]).collect();
        self.leave_out(calls, single)
    }

    /// Leaves out what groups it can, many at a time first.
    fn leave_out(&mut self, mut calls: Vec<u32>, mut groups: Vec<Vec<u32>>) -> Vec<u32> {
        let mut size = groups.len().div_ceil(2);
        while size > 0 {
            let mut kept = Vec::new();
            for piece in groups.chunks(size) {
                let mut out = piece.concat();
                out.sort_unstable();
                let mut without = calls.clone();
                without.retain(|call| out.binary_search(call).is_err());
                if self.contradicts(&without) {
                    calls = without;
                } else {
                    kept.extend_from_slice(piece);
                }
            }
            groups = kept;
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
        calls
    }

    /// The calls of a few clusters next to each other in time that contradict the claim as all of these do.
    pub(super) fn window(&mut self, chunk: &[Cluster]) -> Vec<u32> {
        let (mut from, mut until) = (0, chunk.len());
        let (mut low, mut high) = (0, until);
        while low + 1 < high {
            let middle = usize::midpoint(low, high);
            if self.contradicts(&members(&chunk[..middle])) {
                high = middle;
            } else {
                low = middle;
            }
        }
        until = until.min(high);
        (low, high) = (0, until);
        while low + 1 < high {
            let middle = usize::midpoint(low, high);
            if self.contradicts(&members(&chunk[middle..until])) {
                low = middle;
            } else {
                high = middle;
            }
        }
        from = from.max(low);
        members(&chunk[from..until])
    }
}

/// A few calls of a register with repeated values that have no order by themselves, and whether it was shown that none
/// can be left out. Every order of all calls is known to die at the latest when `deadly` completes.
///
/// A write stays as long as a read of its value does, so that no read is left without a write that it may have
/// read from. Then what is impossible for these calls is impossible for all: whatever else happened leaves no read
/// less stale.
pub(super) fn smallest_of_repeated(
    calls: &[RegisterCall],
    deadly: u32,
    budget: &Budget<'_>,
    search: impl Fn(&[RegisterCall], &Limits<'_>) -> (Answer, u64),
) -> (Vec<u32>, bool) {
    let row = calls[deadly as usize].completed;
    let begun = |call: &u32| {
        let call = &calls[*call as usize];
        call.invoked < row && (call.completed <= row || matches!(call.op, RegisterOp::Write(_)))
    };
    let mut kept: Vec<u32> = (0..calls.len() as u32).filter(begun).collect();
    let mut steps = STEPS_IN_ALL;
    let mut doubt = false;
    let mut impossible = |chosen: &[u32]| {
        let chosen: Vec<RegisterCall> = chosen.iter().map(|&c| calls[c as usize].clone()).collect();
        let limits = Limits {
            budget,
            steps: steps.min(STEPS_A_TEST),
        };
        let (answer, taken) = search(&chosen, &limits);
        steps -= taken.max(chosen.len() as u64 / 16).min(steps);
        doubt |= matches!(answer, Answer::Stopped(..));
        matches!(answer, Answer::Impossible(_))
    };
    let reads = kept
        .iter()
        .copied()
        .filter(|&c| value_read(calls, c).is_some());
    let reads: Vec<u32> = reads.collect();
    leave_out(&mut kept, reads, &mut impossible);
    let read: FxHashSet<Id> = kept.iter().filter_map(|&c| value_read(calls, c)).collect();
    let unread = |&c: &u32| match calls[c as usize].op {
        RegisterOp::Write(value) => !read.contains(&value),
        _ => false,
    };
    let writes: Vec<u32> = kept.iter().copied().filter(unread).collect();
    leave_out(&mut kept, writes, &mut impossible);
    (kept, !doubt)
}

fn value_read(calls: &[RegisterCall], call: u32) -> Option<Id> {
    match calls[call as usize].op {
        RegisterOp::Read(value) => Some(value),
        _ => None,
    }
}

/// Leaves out what it can of the candidates, many at a time first, the last of them last.
fn leave_out(
    kept: &mut Vec<u32>,
    mut candidates: Vec<u32>,
    impossible: &mut impl FnMut(&[u32]) -> bool,
) {
    let mut size = candidates.len().div_ceil(2);
    while size > 0 {
        let mut needed = Vec::new();
        for piece in candidates.chunks(size) {
            let without: Vec<u32> = kept
                .iter()
                .copied()
                .filter(|call| piece.binary_search(call).is_err())
                .collect();
            if impossible(&without) {
                *kept = without;
            } else {
                needed.extend_from_slice(piece);
            }
        }
        candidates = needed;
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
}

/// The calls that matter of some clusters, in the order of invocation.
pub(super) fn members(clusters: &[Cluster]) -> Vec<u32> {
    let mut calls: Vec<u32> = clusters.iter().flat_map(Cluster::calls).collect();
    calls.sort_unstable();
    calls.dedup();
    calls
}
