//! How much nodes send each other for what clients ask, and when that is too much.
//!
//! A bug whose messages multiply keeps a real cluster as busy as its machine can be, and everything slow. No sound
//! protocol comes near: a write takes two messages a follower, a heartbeat every few hundredths of a second the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;

use super::nodes::Nodes;
use crate::node::clock::monotonic_ns;
use crate::real::Tell;
use crate::{Excess, Happening, Storm};

/// How many messages all nodes together may send each other in a second, beside those for operations: a sound cluster of
/// five sends some hundred.
const MOST: u64 = 5_000;
/// How many more for each pair of nodes.
const MOST_OF_A_PAIR: u64 = 500;
/// How many more for each operation that completes.
const MOST_OF_AN_OPERATION: u64 = 200;
/// After so many seconds of it in a row it is a storm: a node that comes back may have much to catch up with.
const SECONDS: u32 = 2;

/// How many operations have completed.
pub(super) struct Load(Arc<AtomicU64>);

/// Counts the completions that are told.
pub(super) fn counted(tell: Tell) -> (Tell, Load) {
    let completed = Arc::new(AtomicU64::new(0));
    let counter = completed.clone();
    let counting: Tell = Arc::new(move |happening| {
        if matches!(happening, Happening::Completed { .. }) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        tell(happening);
    });
    (counting, Load(completed))
}

impl Load {
    /// Tells of a storm, once, if there is one.
    pub(super) fn watch(self, runtime: &Handle, nodes: Arc<Nodes>) {
        runtime.spawn(async move {
            let (mut sent, mut completed, mut seconds) = (0, 0, 0);
            while seconds < SECONDS {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let before = (sent, completed);
                sent = nodes.links.traffic().sent;
                completed = self.0.load(Ordering::Relaxed);
                let (messages, operations) = (sent - before.0, completed - before.1);
                let most = most(nodes.addresses.present().len() as u64, operations);
                seconds = if messages > most { seconds + 1 } else { 0 };
                if seconds == SECONDS {
                    let at_ns = monotonic_ns().saturating_sub(nodes.origin_ns);
                    nodes.ears.tell(Happening::Storm(Box::new(Storm {
                        at_ns,
                        excess: Excess::Messages { operations },
                        events: messages,
                        most_events: most,
                        bytes: 0,
                        most_bytes: 0,
                        kinds: Vec::new(),
                        before: Vec::new(),
                    })));
                }
            }
        });
    }
}

/// How many messages a second so many nodes may send for so many operations.
fn most(nodes: u64, operations: u64) -> u64 {
    let pairs = nodes * nodes.saturating_sub(1);
    MOST + pairs * MOST_OF_A_PAIR + operations * MOST_OF_AN_OPERATION
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was measured of five nodes: 900 messages a second at 200 operations a second in peace, and 220,000 with the
    /// mutant that answers every acknowledgement.
    #[test]
    fn a_storm_lies_far_above_and_a_sound_cluster_far_below() {
        assert!(most(5, 0) > 10 * 900);
        assert!(most(5, 200) < 220_000 / 2);
    }
}
