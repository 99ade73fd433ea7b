//! One lane: faults one after another, with rests between them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use rand::RngExt;
use rand::seq::IndexedRandom;
use rupture_targets::random::Stream;

use super::{Plan, Timing};
use crate::fault::{Fault, FaultKind};
use crate::recipe::Recipe;

const MS: u64 = 1_000_000;

/// No fault is shorter than this: a probe must be able to see that a clock that is off by a few hundred millionths drifts.
const LEAST_NS: u64 = 5 * MS;

/// After a fault that found nobody to hit.
const SHORT_REST_NS: RangeInclusive<u64> = 100 * MS..=400 * MS;

/// What a lane waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// The lane opens then; its first fault comes at a random time within an interval.
    First { from_ns: u64 },
    /// A fault has ended.
    Long { from_ns: u64 },
    /// A fault has found nobody to hit.
    Short { from_ns: u64 },
    /// The next fault begins then.
    Until { begin_ns: u64 },
    /// The lane is closed.
    Forever,
}

#[derive(Clone, Debug)]
pub(super) struct Lane {
    pools: Vec<(FaultKind, Vec<Recipe>)>,
    interval_ns: u64,
    close_ns: u64,
    pub(super) rest: Rest,
}

/// The lanes of a plan.
pub(super) fn lanes(plan: &Plan) -> Vec<Lane> {
    let pools = plan.selection.pools();
    let lane = |pools: Vec<(FaultKind, Vec<Recipe>)>, open_ns, close_ns| Lane {
        pools,
        interval_ns: plan.interval_ns.max(1),
        close_ns,
        rest: Rest::First { from_ns: open_ns },
    };
    match &plan.timing {
        Timing::Script(_) => Vec::new(),
        _ if pools.is_empty() => Vec::new(),
        Timing::Interval => vec![lane(
            pools.into_iter().collect(),
            plan.start_ns,
            plan.stop_ns,
        )],
        Timing::Mix => each(&pools, |pool| lane(vec![pool], plan.start_ns, plan.stop_ns)),
        Timing::Phases(phases) => {
            let mut lanes = Vec::new();
            let mut open_ns = plan.start_ns;
            for phase in phases {
                let close_ns = open_ns.saturating_add(phase.lasts_ns);
                let mut pools = pools.clone();
                pools.retain(|kind, _| phase.kinds.contains(kind));
                lanes.extend(each(&pools, |pool| lane(vec![pool], open_ns, close_ns)));
                open_ns = close_ns;
            }
            lanes
        }
    }
}

fn each(
    pools: &BTreeMap<FaultKind, Vec<Recipe>>,
    lane: impl Fn((FaultKind, Vec<Recipe>)) -> Lane,
) -> Vec<Lane> {
    let pools = pools.iter();
    pools
        .map(|(kind, pool)| lane((*kind, pool.clone())))
        .collect()
}

impl Lane {
    /// When the next fault begins, drawn when it is first asked for; `None` when none does.
    pub(super) fn begin_ns(&mut self, random: &mut Stream) -> Option<u64> {
        let interval_ns = self.interval_ns;
        let (from_ns, rest_ns) = match self.rest {
            Rest::Forever => return None,
            Rest::Until { begin_ns } => return Some(begin_ns),
            Rest::First { from_ns } => (from_ns, 0..=interval_ns),
            Rest::Long { from_ns } => (
                from_ns,
                interval_ns / 2..=interval_ns.saturating_add(interval_ns / 2),
            ),
            Rest::Short { from_ns } => (from_ns, SHORT_REST_NS),
        };
        let begin_ns = from_ns.saturating_add(random.random_range(rest_ns));
        self.rest = Rest::Until { begin_ns };
        Some(begin_ns)
    }

    /// The same, where it was drawn already.
    pub(super) fn known_begin_ns(&self) -> Option<u64> {
        match self.rest {
            Rest::Until { begin_ns } => Some(begin_ns),
            _ => None,
        }
    }

    /// Whether the lane closes before a fault could last for its least time.
    pub(super) fn is_over(&self, now_ns: u64) -> bool {
        let least_ns = |kind: FaultKind| *self.duration(kind).start();
        let needed_ns = self.pools.iter().map(|(kind, _)| least_ns(*kind)).max();
        now_ns.saturating_add(needed_ns.unwrap_or(1)) > self.close_ns
    }

    /// A fault, and when it ends.
    pub(super) fn draw(&mut self, now_ns: u64, nodes: usize, random: &mut Stream) -> (Fault, u64) {
        self.rest = Rest::Long { from_ns: now_ns };
        let fault = self
            .pools
            .choose(random)
            .and_then(|(_, pool)| pool.choose(random))
            .map_or_else(nothing, |recipe| recipe.draw(nodes, random));
        let lasts_ns = random.random_range(self.duration(fault.kind()));
        let end_ns = now_ns.saturating_add(lasts_ns);
        (fault, end_ns.min(self.close_ns))
    }

    /// How long a fault of this kind lasts at the lane's pace. It is longer and shorter with the interval, so that a
    /// lane makes its cluster suffer for the same part of the time at any pace. What the cluster itself has to do takes it
    /// the time that it takes.
    fn duration(&self, kind: FaultKind) -> RangeInclusive<u64> {
        let usual_ms = kind.info().lasts_ms;
        let usual = usual_ms.start() * MS..=usual_ms.end() * MS;
        let is_short = self.interval_ns < Plan::INTERVAL_NS;
        if is_short && kind.is_up_to_the_cluster() {
            return usual;
        }
        let scale = |ns: u64| {
            let scaled =
                u128::from(ns) * u128::from(self.interval_ns) / u128::from(Plan::INTERVAL_NS);
            u64::try_from(scaled).unwrap_or(u64::MAX).max(LEAST_NS)
        };
        scale(*usual.start())..=scale(*usual.end())
    }
}

/// A fault that hits nobody; a lane without recipes is never made.
fn nothing() -> Fault {
    Fault::Pause {
        who: crate::fault::Targeting::Named(Vec::new()),
    }
}
