//! What is cheap to know of the smallest k of a chunk: bounds from below, and orders that show bounds from above.
//!
//! From below, two patterns, each with its proof in the terms of [`super::writes`]:
//! - *Overwritten*: writes that began after the first end of a cluster, and whose own cluster had an end before
//!   a read of the first one began, lie between the write and that read in every order. With m of them k > m.
//! - *Overlap*: if the zones of m forward clusters have a moment in common, then of any two of them each
//!   has an end before the other's last begin. So the first of their writes and the last are less than k apart,
//!   and k >= m. A backward cluster whose zone lies inside the zones of m forward ones counts with them.
//!
//! From above: any order of writes that respects real time has a k of its own. Orders by some moment between a
//! write's begin and the first end of its cluster are such.

use super::clusters::{Cluster, Moment};

/// The smallest k that neither pattern excludes. O(n log n).
pub(super) fn at_least(chunk: &[Cluster]) -> u32 {
    let between = overwritten(chunk).into_iter().max().unwrap_or(0);
    overlap(chunk).max(between + 1)
}

/// Of every cluster, by how many writes it was overwritten for certain when its last read began.
pub(super) fn overwritten(chunk: &[Cluster]) -> Vec<u32> {
    let mut begins: Vec<Moment> = chunk.iter().map(|cluster| cluster.begin).collect();
    begins.sort_unstable();
    let mut by_last: Vec<u32> = (0..chunk.len() as u32).collect();
    by_last.sort_unstable_by_key(|&at| chunk[at as usize].last_begin);
    let mut tree = Counts::new(begins.len());
    let mut ended = 0;
    let mut counts = vec![0; chunk.len()];
    for at in by_last {
        let cluster = &chunk[at as usize];
        while ended < chunk.len() && chunk[ended].first_end < cluster.last_begin {
            tree.add(begins.partition_point(|&begin| begin < chunk[ended].begin));
            ended += 1;
        }
        // The initial value begins and ends at once.
        let before = begins.partition_point(|&begin| begin <= cluster.first_end);
        counts[at as usize] = ended as u32 - tree.before(before);
    }
    counts
}

/// How many clusters are pairwise bound to be near each other.
fn overlap(chunk: &[Cluster]) -> u32 {
    let forward = || chunk.iter().filter(|cluster| cluster.is_forward());
    let mut lasts: Vec<Moment> = forward().map(|cluster| cluster.last_begin).collect();
    lasts.sort_unstable();
    let mut depth = 0;
    let (mut open, mut closed) = (0, 0);
    for cluster in forward() {
        open += 1;
        while lasts[closed] < cluster.first_end {
            closed += 1;
        }
        depth = depth.max((open - closed) as u32);
    }
    depth.max(covered(chunk))
}

/// The most forward zones that a backward zone lies inside of, and one for itself.
fn covered(chunk: &[Cluster]) -> u32 {
    let mut ends: Vec<Moment> = Vec::new();
    let mut lasts: Vec<Moment> = Vec::new();
    for cluster in chunk.iter().filter(|cluster| cluster.is_forward()) {
        ends.push(cluster.first_end);
        lasts.push(cluster.last_begin);
    }
    lasts.sort_unstable();
    let mut most = 0;
    for cluster in chunk.iter().filter(|cluster| !cluster.is_forward()) {
        // A zone that closed before this one ended may have begun after it began; so this counts too few
        // rather than too many.
        let begun = ends.partition_point(|&end| end < cluster.last_begin);
        let closed = lasts.partition_point(|&last| last < cluster.first_end);
        most = most.max(begun.saturating_sub(closed) as u32 + 1);
    }
    most
}

/// The k of the best of a few orders. O(n log n).
pub(super) fn at_most(chunk: &[Cluster]) -> u32 {
    let middle = |cluster: &Cluster| u64::from(cluster.begin) + u64::from(cluster.first_end);
    [
        sorted(chunk, |cluster| u64::from(cluster.first_end)),
        sorted(chunk, |cluster| u64::from(cluster.begin)),
        sorted(chunk, middle),
    ]
    .iter()
    .map(|order| needed(chunk, order))
    .min()
    .unwrap_or(1)
}

fn sorted(chunk: &[Cluster], key: impl Fn(&Cluster) -> u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..chunk.len() as u32).collect();
    order.sort_by_key(|&at| key(&chunk[at as usize]));
    order
}

/// The k of an order: how far behind its write the last read of each cluster comes at least.
pub(super) fn needed(chunk: &[Cluster], order: &[u32]) -> u32 {
    let mut place = vec![0_u32; chunk.len()];
    for (at, &write) in order.iter().enumerate() {
        place[write as usize] = at as u32;
    }
    // The chunk is in the order of first ends: what has ended before a moment is a beginning of it.
    let mut furthest = place.clone();
    for at in 1..furthest.len() {
        furthest[at] = furthest[at].max(furthest[at - 1]);
    }
    let k = |(at, cluster): (usize, &Cluster)| {
        let ended = chunk.partition_point(|other| other.first_end < cluster.last_begin);
        let behind = ended.checked_sub(1).map_or(0, |last| furthest[last]);
        behind.saturating_sub(place[at]) + 1
    };
    chunk.iter().enumerate().map(k).max().unwrap_or(1)
}

/// Counts of numbers, which are asked for how many lie below another (Fenwick 1994).
struct Counts(Vec<u32>);

impl Counts {
    fn new(numbers: usize) -> Self {
        Self(vec![0; numbers + 1])
    }

    fn add(&mut self, number: usize) {
        let mut at = number + 1;
        while at < self.0.len() {
            self.0[at] += 1;
            at += at & at.wrapping_neg();
        }
    }

    fn before(&self, number: usize) -> u32 {
        let mut at = number;
        let mut sum = 0;
        while at > 0 {
            sum += self.0[at];
            at &= at - 1;
        }
        sum
    }
}
