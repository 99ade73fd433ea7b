//! Cutting a register into pieces of time that can be judged apart (Golab, Hurwitz & Li 2013, section 4, for
//! k = 2; the argument below holds for every k).
//!
//! With `f` its first end and `s` its last begin, a cluster has the *zone* `[f, s]` and is forward if `f < s`;
//! otherwise it is backward and its zone is `[s, f]`, during all of which all of its operations run. A *chunk*
//! is a connected union of forward zones with the backward clusters whose zones lie inside of it.
//!
//! **Theorem.** A history of clusters is k-atomic exactly when each of its chunks is.
//!
//! Taking whole clusters out of an order makes no read staler, so every chunk of a k-atomic history is k-atomic.
//! Conversely let each chunk have its order, and give every operation a moment at which it happens. Every
//! operation of a chunk begins before the chunk's right end and ends after its left end, so moments that lie
//! outside of it can be moved to its nearer end without changing their order. Chunks are disjoint, so none now
//! comes between the operations of another. A backward cluster that is in no chunk has a moment of its zone that no
//! chunk covers; all of it happens there. So no read has more writes between it and its own write than before.
//!
//! A chunk of one cluster is 1-atomic. One of several is not: two forward zones that overlap, or a backward zone
//! inside a forward one, have no order (Gibbons & Korach 1997, theorem 3.1). So a history is linearizable
//! exactly when no chunk has two clusters.

use super::clusters::Cluster;

/// The chunks of several clusters, each in the order of first ends, one after another in time. The clusters are
/// in that order, too. O(n).
pub(super) fn chunks(clusters: &[Cluster]) -> Vec<Vec<Cluster>> {
    let spans = spans(clusters);
    let mut members: Vec<Vec<Cluster>> = vec![Vec::new(); spans.len()];
    let mut at = 0;
    for cluster in clusters {
        while at < spans.len() && spans[at].1 < cluster.first_end {
            at += 1;
        }
        let Some(&(left, _)) = spans.get(at) else {
            break;
        };
        let inside =
            left <= cluster.first_end && (cluster.is_forward() || left < cluster.last_begin);
        if inside {
            members[at].push(*cluster);
        }
    }
    members.retain(|chunk| chunk.len() > 1);
    members
}

/// The connected unions of forward zones, from left to right.
fn spans(clusters: &[Cluster]) -> Vec<(u32, u32)> {
    let mut spans: Vec<(u32, u32)> = Vec::new();
    for cluster in clusters.iter().filter(|cluster| cluster.is_forward()) {
        match spans.last_mut() {
            Some((_, right)) if cluster.first_end < *right => {
                *right = (*right).max(cluster.last_begin);
            }
            _ => spans.push((cluster.first_end, cluster.last_begin)),
        }
    }
    spans
}
