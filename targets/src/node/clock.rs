//! The clocks of a node: true time, an offset, and a rate.
//!
//! A controller makes them lie; the node and the controller compute the same from the same few numbers, so that a clock can
//! be read back and compared. Both clocks go on across restarts of the process, as those of a host do.

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

const PPM: i128 = 1_000_000;

/// What both clocks of a node showed at one true moment, and how fast they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeClock {
    /// The true moment, on this machine's monotonic clock.
    at_ns: u64,
    /// What the node's monotonic clock showed then.
    now_ns: u64,
    /// What its wall clock showed then, in nanoseconds since 1970.
    wall_ns: u64,
    /// By how many millionths both run too fast since then.
    ppm: i64,
}

/// This machine's monotonic clock, in nanoseconds; the same for every process.
pub fn monotonic_ns() -> u64 {
    nanoseconds(ClockId::Monotonic)
}

/// This machine's wall clock, in nanoseconds since 1970.
pub fn true_wall_ns() -> u64 {
    nanoseconds(ClockId::Realtime)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let ns = i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec);
    ns.clamp(0, i128::from(u64::MAX)) as u64
}

impl NodeClock {
    /// Clocks that tell the truth; the monotonic one begins with the machine's.
    pub fn honest() -> Self {
        let at_ns = monotonic_ns();
        Self {
            at_ns,
            now_ns: at_ns,
            wall_ns: true_wall_ns(),
            ppm: 0,
        }
    }

    /// What the monotonic clock shows at a true moment, which must not lie before the last change.
    pub fn now_ns(&self, at_ns: u64) -> u64 {
        self.now_ns.saturating_add(self.elapsed_ns(at_ns))
    }

    /// What the wall clock shows then.
    pub fn wall_ns(&self, at_ns: u64) -> u64 {
        self.wall_ns.saturating_add(self.elapsed_ns(at_ns))
    }

    /// How long it truly takes from a true moment until the monotonic clock shows this time.
    pub fn until_ns(&self, at_ns: u64, now_ns: u64) -> u64 {
        let shown_ns = i128::from(now_ns.saturating_sub(self.now_ns(at_ns)));
        let ns = shown_ns * PPM / (PPM + i128::from(self.ppm)).max(1);
        u64::try_from(ns).unwrap_or(u64::MAX)
    }

    fn elapsed_ns(&self, at_ns: u64) -> u64 {
        let ns = i128::from(at_ns.saturating_sub(self.at_ns)) * (PPM + i128::from(self.ppm)) / PPM;
        ns.clamp(0, i128::from(u64::MAX)) as u64
    }

    /// The same clocks, told from another moment on.
    fn rebased(&self, at_ns: u64) -> Self {
        Self {
            at_ns,
            now_ns: self.now_ns(at_ns),
            wall_ns: self.wall_ns(at_ns),
            ppm: self.ppm,
        }
    }

    /// The wall clock jumps.
    #[must_use]
    pub fn bumped(&self, at_ns: u64, by_ns: i64) -> Self {
        let clock = self.rebased(at_ns);
        Self {
            wall_ns: clock.wall_ns.saturating_add_signed(by_ns),
            ..clock
        }
    }

    /// Both clocks run at another rate from now on.
    #[must_use]
    pub fn drifting(&self, at_ns: u64, ppm: i64) -> Self {
        Self {
            ppm,
            ..self.rebased(at_ns)
        }
    }

    /// The drift ends, and the wall clock shows this.
    #[must_use]
    pub fn set(&self, at_ns: u64, wall_ns: u64) -> Self {
        Self {
            wall_ns,
            ppm: 0,
            ..self.rebased(at_ns)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn clock() -> NodeClock {
        NodeClock {
            at_ns: 100 * SECOND,
            now_ns: 5 * SECOND,
            wall_ns: 1_000 * SECOND,
            ppm: 0,
        }
    }

    #[test]
    fn a_drift_moves_both_clocks_and_a_jump_only_the_wall_clock() {
        let fast = clock().drifting(110 * SECOND, 10_000);
        assert_eq!(fast.now_ns(110 * SECOND), 15 * SECOND);
        assert_eq!(fast.now_ns(210 * SECOND), 116 * SECOND);
        assert_eq!(fast.wall_ns(210 * SECOND), 1_111 * SECOND);
        let back = fast.bumped(210 * SECOND, -(500 * SECOND as i64));
        assert_eq!(back.now_ns(210 * SECOND), 116 * SECOND);
        assert_eq!(back.wall_ns(210 * SECOND), 611 * SECOND);
        let right = back.set(310 * SECOND, 1_210 * SECOND);
        assert_eq!(right.now_ns(310 * SECOND), 217 * SECOND);
        assert_eq!(right.wall_ns(320 * SECOND), 1_220 * SECOND);
    }

    #[test]
    fn who_runs_too_fast_is_woken_sooner() {
        let fast = clock().drifting(100 * SECOND, 250_000);
        assert_eq!(fast.until_ns(100 * SECOND, 10 * SECOND), 4 * SECOND);
        assert_eq!(fast.until_ns(104 * SECOND, 10 * SECOND), 0);
        assert_eq!(fast.until_ns(200 * SECOND, 10 * SECOND), 0);
    }
}
