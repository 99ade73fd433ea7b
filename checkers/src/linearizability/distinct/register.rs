//! Registers whose writes all write different values.
//!
//! A value's *cluster* is its write and the reads that saw it. With `f` the earliest completion in it and
//! `s` the latest invocation, it is a *forward zone* from `f` to `s` if `f < s`, else a *backward zone* from
//! `s` to `f`. Theorem (Gibbons & Korach 1997, section 4.1): an order exists exactly when
//! - every value that was read was written or is the initial one, and no read of it completed before its
//!   write was invoked,
//! - no two forward zones overlap, and
//! - no backward zone lies within a forward one.
//!
//! The initial value is a write that completed before everything. A write of which nobody knows and whose
//! value nobody read can be left out; one whose value was read happened.

use super::Found;
use super::facts::{Act, Fact, Facts};
use super::points::Points;

const NOBODY: u32 = u32::MAX;

/// A value's write and its reads.
#[derive(Clone, Copy, Debug)]
struct Cluster {
    /// The write, as a place in the list of facts; nobody for the initial value.
    write: u32,
    /// The earliest completion, and whose it is.
    first: (u32, u32),
    /// The latest invocation, and whose it is.
    last: (u32, u32),
    reads: u32,
}

impl Cluster {
    const NONE: Self = Self {
        write: NOBODY,
        first: (u32::MAX, NOBODY),
        last: (0, NOBODY),
        reads: 0,
    };

    fn add(&mut self, at: u32, fact: &Fact) {
        self.first = self.first.min((fact.to, at));
        self.last = self.last.max((fact.from, at));
    }

    fn is_forward(&self) -> bool {
        self.first.0 < self.last.0
    }

    /// The operations that make it what it is.
    fn core(&self) -> [u32; 3] {
        [self.write, self.first.1, self.last.1]
    }
}

/// Decides a register with this initial value.
pub(super) fn decide(facts: &Facts<'_>, initial: u32) -> Found {
    let clusters = match clusters(facts, initial) {
        Ok(clusters) => clusters,
        Err(found) => return found,
    };
    let mut forward: Vec<(u32, u32)> = (0..)
        .zip(&clusters)
        .filter(|(_, cluster)| cluster.is_forward())
        .map(|(value, cluster)| (cluster.first.0, value))
        .collect();
    forward.sort_unstable();
    if let Some(core) = overlap(&clusters, &forward) {
        return Found::violation(facts, core);
    }
    match places(&clusters, &forward) {
        Ok(places) => Found::Order(order(facts, &clusters, initial, places)),
        Err(core) => Found::violation(facts, core),
    }
}

/// The clusters by value. Those without a write or a read have nothing in them.
fn clusters(facts: &Facts<'_>, initial: u32) -> Result<Vec<Cluster>, Found> {
    let mut clusters = vec![Cluster::NONE; facts.values];
    for (at, fact) in (0..).zip(&facts.list) {
        if fact.act == Act::See {
            let cluster = &mut clusters[fact.value as usize];
            cluster.add(at, fact);
            cluster.reads += 1;
        }
    }
    for (at, fact) in (0..).zip(&facts.list) {
        if fact.act != Act::Put {
            continue;
        }
        let cluster = &mut clusters[fact.value as usize];
        if !fact.must && cluster.reads == 0 {
            continue;
        }
        if cluster.write != NOBODY || fact.value == initial {
            return Err(Found::Open);
        }
        cluster.write = at;
        if cluster.first.0 < fact.from {
            return Err(Found::violation(facts, [cluster.first.1, at]));
        }
        cluster.add(at, fact);
    }
    if let Some(cluster) = clusters.get_mut(initial as usize).filter(|c| c.reads > 0) {
        cluster.first = (0, NOBODY);
    }
    let unwritten = (0..)
        .zip(&clusters)
        .find(|(value, cluster)| cluster.reads > 0 && cluster.write == NOBODY && *value != initial);
    match unwritten {
        Some((_, cluster)) => Err(Found::violation(facts, [cluster.first.1])),
        None => Ok(clusters),
    }
}

/// Two forward zones that overlap. They are in the order of their beginnings.
fn overlap(clusters: &[Cluster], forward: &[(u32, u32)]) -> Option<[u32; 6]> {
    let pair = forward.windows(2).find(|pair| {
        let end = clusters[pair[0].1 as usize].last.0;
        pair[1].0 < end
    })?;
    Some(both(clusters, pair[0].1, pair[1].1))
}

fn both(clusters: &[Cluster], a: u32, b: u32) -> [u32; 6] {
    let (a, b) = (clusters[a as usize].core(), clusters[b as usize].core());
    [a[0], a[1], a[2], b[0], b[1], b[2]]
}

/// The values in the order in which they are written, each with the gap of its write.
fn places(clusters: &[Cluster], forward: &[(u32, u32)]) -> Result<Vec<(u64, u32)>, [u32; 6]> {
    let mut places = Vec::new();
    for (value, cluster) in (0..).zip(clusters) {
        if cluster.first.0 == u32::MAX && cluster.last.0 == 0 {
            continue;
        }
        if cluster.is_forward() {
            let gap = u64::from(cluster.first.0).saturating_sub(1);
            // The initial value comes before all others.
            let key = if cluster.first.0 == 0 { 0 } else { 2 * gap + 2 };
            places.push((key, value));
            continue;
        }
        let mut gap = cluster.last.0;
        let before = forward.partition_point(|zone| zone.0 < gap);
        if let Some(&(_, other)) = before.checked_sub(1).and_then(|at| forward.get(at)) {
            let end = clusters[other as usize].last.0;
            if end > cluster.first.0 {
                return Err(both(clusters, other, value));
            }
            gap = gap.max(end);
        }
        places.push((2 * u64::from(gap) + 1, value));
    }
    places.sort_unstable();
    Ok(places)
}

fn order(
    facts: &Facts<'_>,
    clusters: &[Cluster],
    initial: u32,
    places: Vec<(u64, u32)>,
) -> Vec<u32> {
    let mut starts = vec![0_u32; clusters.len() + 1];
    for (value, cluster) in clusters.iter().enumerate() {
        starts[value + 1] = starts[value] + cluster.reads;
    }
    let mut reads = vec![0_u32; starts[clusters.len()] as usize];
    let mut ends = starts.clone();
    for (at, fact) in (0..).zip(&facts.list) {
        if fact.act == Act::See {
            let end = &mut ends[fact.value as usize];
            reads[*end as usize] = at;
            *end += 1;
        }
    }
    let mut points = Points::with_capacity(facts.list.len());
    for (key, value) in places {
        let gap = match key {
            0 => 0,
            key if key % 2 == 0 => (key / 2 - 1) as u32,
            key => (key / 2) as u32,
        };
        let write = clusters[value as usize].write;
        if write != NOBODY {
            points.push(gap, facts.list[write as usize].call);
        }
        debug_assert!(write != NOBODY || value == initial);
        for &read in &reads[starts[value as usize] as usize..starts[value as usize + 1] as usize] {
            let fact = &facts.list[read as usize];
            points.push(gap.max(fact.from), fact.call);
        }
    }
    points.order()
}
