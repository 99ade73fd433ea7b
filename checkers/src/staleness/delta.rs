//! The smallest Δ of one register whose reads are known to be of one write each.
//!
//! When every read begins Δ earlier, the register has to be linearizable: its clusters have the zones of
//! Gibbons & Korach (1997, section 3), of which an earlier begin of reads changes only the side of the last begin.
//! Call a cluster `x` *bound before* `w` at Δ if its first end comes before w's write began, or more than Δ
//! before w's last read began; then x's write comes before w's in every order that Δ allows. The zone conditions
//! say: there is an order exactly when no two clusters are bound before each other. `x` stops being bound
//! before `w` at a Δ that depends on the two alone, so the smallest Δ of all is the greatest of the pairs', and what
//! holds at some Δ holds at every greater one. It is found by bisection; a try is one pass over the clusters, which
//! were sorted before.

use super::clusters::{Cluster, Moment};

/// The times of the rows, in nanoseconds, none before its predecessor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times<'a>(pub(super) &'a [i64]);

impl Times<'_> {
    /// The time of a moment; that of the initial value lies before all others.
    fn at(self, moment: Moment) -> Option<i64> {
        (moment as usize).checked_sub(1).map(|row| self.0[row])
    }

    /// How long after a first end a last begin was: never too long to be counted, because times are not negative.
    pub(super) fn between(self, end: Moment, begin: Moment) -> u64 {
        match (self.at(end), self.at(begin)) {
            (Some(end), Some(begin)) => begin.saturating_sub(end).max(0) as u64,
            _ => u64::MAX,
        }
    }

    /// From the first event to the last.
    pub(super) fn span(self) -> u64 {
        match (self.0.first(), self.0.last()) {
            (Some(first), Some(last)) => last.saturating_sub(*first).max(0) as u64,
            _ => 0,
        }
    }

    /// Whether `x` is bound before `w`.
    fn bound(self, x: &Cluster, w: &Cluster, delta: u64) -> bool {
        x.first_end < w.begin || self.is_late(x, w, delta)
    }

    fn is_late(self, x: &Cluster, w: &Cluster, delta: u64) -> bool {
        match delta {
            0 => x.first_end < w.last_begin,
            _ => self.between(x.first_end, w.last_begin) > delta,
        }
    }

    /// The smallest Δ at which `x` is not bound before `w`, if there is one.
    fn freed(self, x: &Cluster, w: &Cluster) -> Option<u64> {
        if x.first_end < w.begin {
            return None;
        }
        if x.first_end > w.last_begin {
            return Some(0);
        }
        match self.between(x.first_end, w.last_begin) {
            u64::MAX => None,
            ns => Some(ns.max(1)),
        }
    }

    /// The smallest Δ at which two clusters are not bound before each other.
    fn needed(self, one: &Cluster, other: &Cluster) -> Option<u64> {
        match (self.freed(one, other), self.freed(other, one)) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}

/// Whether clusters in the order of first ends are Δ-atomic. O(n).
pub(super) fn holds(clusters: &[Cluster], times: Times<'_>, delta: u64) -> bool {
    let mut last: Option<&Cluster> = None;
    for cluster in clusters {
        let forward = times.bound(cluster, cluster, delta);
        let conflict = last.is_some_and(|last| {
            times.bound(cluster, last, delta) && (forward || times.bound(last, cluster, delta))
        });
        if conflict {
            return false;
        }
        if forward {
            last = Some(cluster);
        }
    }
    true
}

/// The smallest Δ at which the clusters, which are in the order of first ends, are Δ-atomic. O(n log t) for a
/// history that takes a time of t.
pub(super) fn smallest(clusters: &[Cluster], times: Times<'_>) -> u64 {
    if holds(clusters, times, 0) {
        return 0;
    }
    let (mut low, mut high) = (0, times.span().max(1));
    while low + 1 < high {
        let middle = u64::midpoint(low, high);
        if holds(clusters, times, middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// Two clusters that are bound before each other, and the smallest Δ that would free them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conflict {
    /// The one whose last read is the staler.
    pub(super) stale: Cluster,
    pub(super) other: Cluster,
    pub(super) needed: u64,
}

/// For every cluster at most one conflict at Δ; at least one in all if there is any, and the worst of all among
/// them. The worst come first.
pub(super) fn conflicts(clusters: &[Cluster], times: Times<'_>, delta: u64) -> Vec<Conflict> {
    let mut found = Vec::new();
    let mut widest: Option<&Cluster> = None;
    for cluster in clusters {
        if let Some(open) = widest {
            let both = times.bound(cluster, open, delta) && times.bound(open, cluster, delta);
            if both {
                found.extend(conflict(open, cluster, times));
            }
        }
        let forward = times.bound(cluster, cluster, delta);
        if forward && widest.is_none_or(|open| open.last_begin < cluster.last_begin) {
            widest = Some(cluster);
        }
    }
    found.sort_by_key(|conflict| std::cmp::Reverse(conflict.needed));
    found
}

fn conflict(one: &Cluster, other: &Cluster, times: Times<'_>) -> Option<Conflict> {
    let needed = times.needed(one, other)?;
    let own = times.freed(other, one) == Some(needed);
    let (stale, other) = if own { (one, other) } else { (other, one) };
    Some(Conflict {
        stale: *stale,
        other: *other,
        needed,
    })
}
