//! 2-atomicity of a chunk by limited backtracking: LBT of Golab, Hurwitz & Li (ICDCS 2013), section 3, stated
//! over writes alone (see [`super::writes`]).
//!
//! The order of writes is built from its end. Whichever write comes last of those that remain, every other one of
//! which a read began after that write's first end has to be its immediate predecessor: more than one such, and
//! the choice was wrong; one, and the next choice is forced; none, and an *epoch* ends. When an epoch ends, the
//! writes that remain owe nothing to those that were placed, so it is never gone back on: what remains is
//! 2-atomic if the whole is, because taking clusters out makes no read staler. Only the first choice of an epoch
//! is tried in several ways, and the tries take turns, each allowed twice the steps of the turn before, so that
//! one long wrong try does not hold up a short right one. O(c·n) for c candidates an epoch, after sorting.

use super::clusters::Cluster;
use super::ring::Ring;
use super::search::{Clock, Found};

/// How a try of an epoch went.
enum Try {
    /// The epoch ended.
    Done,
    /// There is no such order.
    Wrong,
    /// It has had its turn.
    Longer,
}

/// Decides whether a chunk is 2-atomic, and finds an order of writes.
pub(super) fn decide(chunk: &[Cluster], clock: &mut Clock<'_, '_>) -> Found {
    let mut epochs = Epochs {
        chunk,
        by_end: Ring::new(chunk, |cluster| cluster.first_end),
        by_begin: Ring::new(chunk, |cluster| cluster.begin),
        by_last: Ring::new(chunk, |cluster| cluster.last_begin),
        placed: Vec::with_capacity(chunk.len()),
    };
    while epochs.placed.len() < chunk.len() {
        match epochs.epoch(clock) {
            Try::Done => {}
            Try::Wrong => return Found::None,
            Try::Longer => return Found::Stopped,
        }
    }
    epochs.placed.reverse();
    Found::Order(epochs.placed)
}

struct Epochs<'a> {
    chunk: &'a [Cluster],
    /// What remains, the last first.
    by_end: Ring,
    by_begin: Ring,
    by_last: Ring,
    /// From the end.
    placed: Vec<u32>,
}

impl Epochs<'_> {
    fn epoch(&mut self, clock: &mut Clock<'_, '_>) -> Try {
        let mut candidates = self.candidates();
        let mut turn = 4;
        while !candidates.is_empty() {
            let mut open = Vec::new();
            for &candidate in &candidates {
                let from = self.placed.len();
                match self.attempt(candidate, turn) {
                    Try::Done => return Try::Done,
                    Try::Wrong => {}
                    Try::Longer => open.push(candidate),
                }
                if !clock.tick((self.placed.len() - from) as u64 + 1) {
                    return Try::Longer;
                }
                self.undo(from);
            }
            candidates = open;
            turn *= 2;
        }
        Try::Wrong
    }

    /// Which of those that remain may be last: those that no other has to follow.
    fn candidates(&self) -> Vec<u32> {
        let last = |write: &u32| self.may_be_last(*write);
        self.by_end.iter().take_while(last).collect()
    }

    fn may_be_last(&self, write: u32) -> bool {
        let end = self.chunk[write as usize].first_end;
        let other = self.by_begin.iter().find(|&other| other != write);
        other.is_none_or(|other| self.chunk[other as usize].begin < end)
    }

    /// Places writes as long as each forces the next.
    fn attempt(&mut self, first: u32, steps: usize) -> Try {
        let mut write = first;
        for _ in 0..steps {
            if !self.may_be_last(write) {
                return Try::Wrong;
            }
            let end = self.chunk[write as usize].first_end;
            self.place(write);
            let mut forced = self
                .by_last
                .iter()
                .take_while(|&other| self.chunk[other as usize].last_begin > end);
            match (forced.next(), forced.next()) {
                (None, _) => return Try::Done,
                (Some(one), None) => write = one,
                (Some(_), Some(_)) => return Try::Wrong,
            }
        }
        Try::Longer
    }

    fn place(&mut self, write: u32) {
        self.by_end.remove(write);
        self.by_begin.remove(write);
        self.by_last.remove(write);
        self.placed.push(write);
    }

    fn undo(&mut self, until: usize) {
        while self.placed.len() > until {
            let Some(write) = self.placed.pop() else {
                return;
            };
            self.by_last.restore(write);
            self.by_begin.restore(write);
            self.by_end.restore(write);
        }
    }
}
