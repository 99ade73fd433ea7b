//! What a simulated network and disk are like when nothing is broken.

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::random::Stream;

/// No more than this may be under way at one moment: some hundred megabytes.
const MOST_UNDER_WAY: u64 = 4_000_000;
/// Parts in a million that make a certainty.
pub(super) const MILLION: u32 = 1_000_000;

/// How long something takes: never less than `min_ns`, half of the time less than `typical_ns`, and never
/// more than `max_ns`.
///
/// Between them the chance of taking longer halves with every further `typical_ns - min_ns`, as in an
/// exponential distribution, and is linear within each such span. It is drawn with integers alone, from
/// the leading zeros of one random word, so that every machine and every build draws the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// The least.
    pub min_ns: u64,
    /// The median.
    pub typical_ns: u64,
    /// The most; what the tail would draw beyond it takes just this long.
    pub max_ns: u64,
}

impl Latency {
    /// A latency with this least, median and greatest duration.
    pub const fn new(min_ns: u64, typical_ns: u64, max_ns: u64) -> Self {
        Self {
            min_ns,
            typical_ns,
            max_ns,
        }
    }

    /// Always the same duration.
    pub const fn fixed(ns: u64) -> Self {
        Self::new(ns, ns, ns)
    }

    /// Draws one duration; takes exactly one word from the stream.
    pub fn draw(&self, random: &mut Stream) -> u64 {
        let word = random.next_u64();
        let halvings = word.leading_zeros();
        // The bits behind the leading one are independent of where it stands.
        let within = word.checked_shl(halvings + 1).unwrap_or(0) >> 32;
        let spans = (u64::from(halvings) << 32) | within;
        let span_ns = self.typical_ns - self.min_ns;
        let beyond_ns = (u128::from(span_ns) * u128::from(spans)) >> 32;
        let ns = u128::from(self.min_ns) + beyond_ns;
        u64::try_from(ns).map_or(self.max_ns, |ns| ns.min(self.max_ns))
    }

    fn validate(&self, name: &'static str) -> Result<(), OptionsError> {
        if self.min_ns == 0 {
            return Err(OptionsError::Instant { name });
        }
        if self.min_ns > self.typical_ns || self.typical_ns > self.max_ns {
            return Err(OptionsError::Order { name });
        }
        Ok(())
    }
}

/// The simulated world when no fault is injected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimOptions {
    /// From one node to another.
    pub latency: Latency,
    /// Between a client and a node, each way.
    pub client_latency: Latency,
    /// One sync of the disk, or one replacement of the log.
    pub sync: Latency,
    /// How many of a million messages between nodes are lost, on every link.
    pub loss_ppm: u32,
    /// How many of a million messages between nodes arrive twice, on every link.
    pub duplicate_ppm: u32,
    /// How many of a million messages between nodes are held back, so that later ones overtake them.
    pub reorder_ppm: u32,
    /// How many events may come in a second of simulated time, whatever nodes there are. Beyond it is a
    /// [`Storm`](super::Storm).
    pub base_events: u64,
    /// How many more for each pair of nodes.
    pub pair_events: u64,
    /// About how many bytes may be sent and saved for each event that may come.
    pub event_bytes: u64,
    /// How long a node is busy with each effect. With 0 a step without a sync happens in one instant.
    pub effect_cost_ns: u64,
    /// Each node's monotonic clock begins somewhere below this, as hosts were not booted together. It
    /// brings to light a node that compares its monotonic clock with another's.
    pub uptime_ns: u64,
}

impl Default for SimOptions {
    /// A quiet local network (half of the messages take under 0.35 ms, one in forty over 1 ms) and disks
    /// that sync in about half a millisecond.
    fn default() -> Self {
        Self {
            latency: Latency::new(200_000, 350_000, 5_000_000),
            client_latency: Latency::new(200_000, 350_000, 5_000_000),
            sync: Latency::new(300_000, 500_000, 20_000_000),
            loss_ppm: 0,
            duplicate_ppm: 0,
            reorder_ppm: 0,
            base_events: 1_000_000,
            pair_events: 40,
            event_bytes: 1_024,
            effect_cost_ns: 0,
            uptime_ns: 3_600_000_000_000,
        }
    }
}

impl SimOptions {
    pub(super) fn most_events(&self, nodes: u32) -> u64 {
        let pairs = u64::from(nodes).saturating_mul(u64::from(nodes));
        let of_pairs = self.pair_events.saturating_mul(pairs);
        self.base_events.saturating_add(of_pairs)
    }

    /// How much may be under way at one moment, whoever sent it.
    pub(super) fn most_under_way(&self, nodes: u32) -> u64 {
        self.most_events(nodes).min(MOST_UNDER_WAY)
    }

    pub(super) fn most_bytes(&self, nodes: u32) -> u64 {
        self.most_events(nodes).saturating_mul(self.event_bytes)
    }

    /// Refuses what cannot be simulated.
    ///
    /// # Errors
    ///
    /// A duration that could be zero (events without end could share one instant), a latency whose least,
    /// median and greatest values are out of order, or a rate over a million.
    pub fn validate(&self) -> Result<(), OptionsError> {
        self.latency.validate("latency")?;
        self.client_latency.validate("client_latency")?;
        self.sync.validate("sync")?;
        for (name, ppm) in [
            ("loss_ppm", self.loss_ppm),
            ("duplicate_ppm", self.duplicate_ppm),
            ("reorder_ppm", self.reorder_ppm),
        ] {
            if ppm > MILLION {
                return Err(OptionsError::Rate { name, ppm });
            }
        }
        Ok(())
    }
}

/// Why a simulation's options are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// The least duration is zero.
    #[error("{name}: the least duration must be at least 1 ns")]
    Instant {
        /// Which option.
        name: &'static str,
    },
    /// The least, the median and the greatest duration are out of order.
    #[error("{name}: must be min_ns <= typical_ns <= max_ns")]
    Order {
        /// Which option.
        name: &'static str,
    },
    /// More than a million parts in a million.
    #[error("{name}: {ppm} is more than 1000000")]
    Rate {
        /// Which option.
        name: &'static str,
        /// What was asked.
        ppm: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    #[test]
    fn half_are_below_the_median_and_each_further_span_halves_what_is_left() {
        let latency = Latency::new(100, 1_100, 1_000_000);
        let mut random = stream(1, "test");
        let drawn: Vec<u64> = (0..100_000).map(|_| latency.draw(&mut random)).collect();
        assert!(drawn.iter().all(|ns| (100..=1_000_000).contains(ns)));
        for (beyond_ns, expected) in [(1_100, 50_000_usize), (2_100, 25_000), (4_100, 6_250)] {
            let count = drawn.iter().filter(|&&ns| ns >= beyond_ns).count();
            assert!(count.abs_diff(expected) < 600, "{count} beyond {beyond_ns}");
        }
    }

    #[test]
    fn the_extremes_neither_overflow_nor_leave_the_bounds() {
        let mut random = stream(2, "test");
        let wide = Latency::new(1, u64::MAX, u64::MAX);
        let capped = Latency::new(10, 20, 25);
        for _ in 0..1_000 {
            assert!(wide.draw(&mut random) >= 1);
            assert!((10..=25).contains(&capped.draw(&mut random)));
            assert_eq!(Latency::fixed(7).draw(&mut random), 7);
        }
    }

    #[test]
    fn the_default_is_valid_and_nonsense_is_refused() {
        let good = SimOptions::default();
        assert_eq!(good.validate(), Ok(()));
        let instant = SimOptions {
            sync: Latency::fixed(0),
            ..good.clone()
        };
        assert_eq!(
            instant.validate(),
            Err(OptionsError::Instant { name: "sync" })
        );
        let order = SimOptions {
            latency: Latency::new(5, 4, 9),
            ..good.clone()
        };
        assert_eq!(
            order.validate(),
            Err(OptionsError::Order { name: "latency" })
        );
        let rate = SimOptions {
            loss_ppm: 1_000_001,
            ..good
        };
        assert!(matches!(rate.validate(), Err(OptionsError::Rate { .. })));
    }
}
