//! The smallest k of one register whose reads are known to be of one write each.
//!
//! Chunk by chunk (see [`super::chunks`]): bounds that are cheap, then [`super::lbt`] for k = 2, then the search of
//! [`super::writes`] for every k between the bounds that are left. The k of the register is the greatest of
//! its chunks, so a chunk that cannot raise it any more is left as it is.

use super::bounds::{at_least, at_most, needed};
use super::chunks::chunks;
use super::clusters::Cluster;
use super::search::{Clock, Found, Why};
use super::{lbt, writes};
use crate::Budget;

/// How many configurations one search may look at that no verdict depends on, and one that was asked to measure.
const STEPS_ASIDE: u64 = 20_000;
const STEPS_TO_MEASURE: u64 = 1_000_000;
/// How many times that all such searches of a register may look at.
const SEARCHES: u64 = 8;
/// How many bytes of bookkeeping a cluster needs at most.
pub(super) const BYTES_A_CLUSTER: usize = 160;

/// The names of the algorithms.
pub(super) const ZONES: &str = "zones (Gibbons & Korach 1997)";
const LBT: &str = "limited backtracking (Golab, Hurwitz & Li 2013)";
const BOUNDS: &str = "bounds on overwritten and overlapping values";
const WRITES: &str = "search for an order of writes";

/// A chunk and the bounds of its smallest k.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) clusters: Vec<Cluster>,
    pub(super) at_least: u32,
    pub(super) at_most: u32,
}

/// What is known of the smallest k.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    pub(super) at_least: u32,
    /// `None` if the check was stopped before it could tell.
    pub(super) at_most: Option<u32>,
    /// Why the two differ, if they do.
    pub(super) why: Option<Why>,
    /// In the order of time; those that were looked at.
    pub(super) chunks: Vec<Judged>,
    /// What decided, each once.
    pub(super) algorithms: Vec<&'static str>,
}

/// Measures the smallest k of clusters in the order of first ends. With a goal, how it compares with the goal is
/// worth the whole budget, and the exact number little.
pub(super) fn measure(clusters: &[Cluster], goal: Option<u32>, budget: &Budget<'_>) -> Measured {
    let mut clock = Clock::new(budget, u64::MAX);
    if !clock.holds(clusters.len().saturating_mul(BYTES_A_CLUSTER)) || !clock.tick(1) {
        return Measured {
            at_least: 1,
            why: clock.why(),
            ..Measured::default()
        };
    }
    let mut measuring = Measuring {
        budget,
        why: None,
        floor: 1,
        left: 0,
        algorithms: vec![ZONES],
        chunks: chunks(clusters).into_iter().map(bounded).collect(),
    };
    let floors = measuring.chunks.iter().map(|chunk| chunk.at_least);
    measuring.floor = floors.max().unwrap_or(1);
    if !measuring.chunks.is_empty() {
        measuring.algorithms.push(BOUNDS);
    }
    measuring.settle_two();
    if let Some(goal) = goal {
        measuring.settle(goal);
    }
    let steps = match goal {
        None => STEPS_TO_MEASURE,
        Some(_) => STEPS_ASIDE,
    };
    measuring.narrow(steps);
    measuring.close()
}

/// Whether clusters are k-atomic, if so many steps tell.
pub(super) fn holds(clusters: &[Cluster], k: u32, clock: &mut Clock<'_, '_>) -> Option<bool> {
    let mut open = false;
    for chunk in chunks(clusters) {
        if k < 2 || at_least(&chunk) > k {
            return Some(false);
        }
        if at_most(&chunk) <= k {
            continue;
        }
        match decide(&chunk, k, clock) {
            Found::Order(_) => {}
            Found::None => return Some(false),
            Found::Stopped => open = true,
        }
    }
    (!open).then_some(true)
}

fn decide(chunk: &[Cluster], k: u32, clock: &mut Clock<'_, '_>) -> Found {
    match k {
        2 => lbt::decide(chunk, clock),
        _ => writes::decide(chunk, k, clock),
    }
}

fn bounded(clusters: Vec<Cluster>) -> Judged {
    Judged {
        at_least: at_least(&clusters).max(2),
        at_most: at_most(&clusters),
        clusters,
    }
}

struct Measuring<'a> {
    budget: &'a Budget<'a>,
    why: Option<Why>,
    /// The smallest k is not below that of any chunk.
    floor: u32,
    /// How many steps are left to narrow the bounds.
    left: u64,
    chunks: Vec<Judged>,
    algorithms: Vec<&'static str>,
}

impl Measuring<'_> {
    /// Tightens the bounds of a chunk by deciding whether it is k-atomic.
    fn decide(&mut self, at: usize, k: u32, clock: &mut Clock<'_, '_>) {
        let algorithm = if k == 2 { LBT } else { WRITES };
        if !self.algorithms.contains(&algorithm) {
            self.algorithms.push(algorithm);
        }
        let chunk = &mut self.chunks[at];
        match decide(&chunk.clusters, k, clock) {
            Found::Order(order) => {
                let k = needed(&chunk.clusters, &order);
                chunk.at_most = chunk.at_most.min(k);
            }
            Found::None => chunk.at_least = chunk.at_least.max(k + 1),
            Found::Stopped => {}
        }
        self.floor = self.floor.max(chunk.at_least);
    }

    fn settle_two(&mut self) {
        let mut clock = Clock::new(self.budget, u64::MAX);
        for at in 0..self.chunks.len() {
            if self.chunks[at].at_least == 2 && self.chunks[at].at_most > 2 {
                self.decide(at, 2, &mut clock);
            }
        }
        self.why = clock.why();
    }

    /// Finds out whether all chunks are k-atomic.
    fn settle(&mut self, k: u32) {
        let mut clock = Clock::new(self.budget, u64::MAX);
        for at in 0..self.chunks.len() {
            if self.floor > k {
                return;
            }
            if k < self.chunks[at].at_most {
                self.decide(at, k, &mut clock);
            }
        }
        self.why = self.why.or(clock.why());
    }

    /// Brings the bounds of the chunks together as far as that can change the bounds of all.
    fn narrow(&mut self, steps: u64) {
        self.left = steps.saturating_mul(SEARCHES);
        for at in 0..self.chunks.len() {
            while self.chunks[at].at_most > self.floor {
                if let Some(why) = self.search(at, self.floor, steps) {
                    self.why = Some(why);
                    self.lower(at, steps);
                    break;
                }
            }
        }
    }

    /// Tightens the bounds of a chunk by a search of so many steps; says why it did not, if so.
    fn search(&mut self, at: usize, k: u32, steps: u64) -> Option<Why> {
        let allowed = steps.min(self.left);
        let mut clock = Clock::new(self.budget, allowed);
        self.decide(at, k, &mut clock);
        self.left -= allowed - clock.steps();
        clock.why()
    }

    /// Looks for better orders of a chunk of which it stays open how good an order can be.
    fn lower(&mut self, at: usize, steps: u64) {
        let (mut low, mut high) = (self.floor + 1, self.chunks[at].at_most);
        while low < high {
            let middle = u32::midpoint(low, high);
            if self.search(at, middle, steps) == Some(Why::Time) {
                return;
            }
            high = high.min(self.chunks[at].at_most);
            if middle < high {
                low = middle + 1;
            }
        }
    }

    fn close(self) -> Measured {
        let at_least = self.floor;
        let at_most = self.chunks.iter().map(|chunk| chunk.at_most);
        let at_most = at_most.max().unwrap_or(1);
        Measured {
            at_least,
            at_most: Some(at_most),
            why: self.why.filter(|_| at_least < at_most),
            chunks: self.chunks,
            algorithms: self.algorithms,
        }
    }
}
