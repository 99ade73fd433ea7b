//! A node's two clocks, and its one timer.
//!
//! The monotonic clock is a line through the instant at which its rate last changed; it is computed with
//! integers and rounded down, so that it never goes back, not even by the rounding. The wall clock is the
//! monotonic clock moved by an offset that jumps.

use super::options::MILLION;

/// The slowest a clock can be made: a tenth of true time.
pub(super) const SLOWEST_PPM: i64 = -900_000;
/// The fastest a clock can be made: ten times true time.
pub(super) const FASTEST_PPM: i64 = 9_000_000;

/// Both clocks of a node, as functions of true time.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    /// True time when the rate last changed.
    since_ns: u64,
    /// What the monotonic clock showed then.
    shown_ns: u64,
    drift_ppm: i64,
    /// Wall clock less monotonic clock. Wide, so that jumps add up without loss and can be taken back.
    offset_ns: i128,
}

impl Clock {
    /// A clock that shows `uptime_ns` at the true time `now_ns`, and true time on the wall.
    pub(super) fn new(now_ns: u64, uptime_ns: u64) -> Self {
        Self {
            since_ns: now_ns,
            shown_ns: uptime_ns,
            drift_ppm: 0,
            offset_ns: i128::from(now_ns) - i128::from(uptime_ns),
        }
    }

    /// What the monotonic clock shows at this true time.
    pub(super) fn monotonic_ns(&self, now_ns: u64) -> u64 {
        let passed_ns = now_ns - self.since_ns;
        if self.drift_ppm == 0 {
            return self.shown_ns.saturating_add(passed_ns);
        }
        let shown = u128::from(passed_ns) * u128::from(self.rate()) / u128::from(MILLION);
        self.shown_ns.saturating_add(narrow(shown))
    }

    /// What the wall clock shows at this true time; never less than 0.
    pub(super) fn wall_ns(&self, now_ns: u64) -> u64 {
        self.wall_at(self.monotonic_ns(now_ns))
    }

    /// What the wall clock shows when the monotonic clock shows this.
    pub(super) fn wall_at(&self, monotonic_ns: u64) -> u64 {
        let wall = i128::from(monotonic_ns) + self.offset_ns;
        narrow(u128::try_from(wall).unwrap_or(0))
    }

    /// The first true time at which the monotonic clock shows this or more.
    pub(super) fn true_ns(&self, monotonic_ns: u64) -> u64 {
        let ahead_ns = monotonic_ns.saturating_sub(self.shown_ns);
        if self.drift_ppm == 0 {
            return self.since_ns.saturating_add(ahead_ns);
        }
        let passed = (u128::from(ahead_ns) * u128::from(MILLION)).div_ceil(u128::from(self.rate()));
        self.since_ns.saturating_add(narrow(passed))
    }

    /// Changes the rate from this true time on; what the clocks show does not jump.
    pub(super) fn set_drift(&mut self, now_ns: u64, ppm: i64) {
        self.shown_ns = self.monotonic_ns(now_ns);
        self.since_ns = now_ns;
        self.drift_ppm = ppm.clamp(SLOWEST_PPM, FASTEST_PPM);
    }

    /// Moves the wall clock.
    pub(super) fn bump(&mut self, delta_ns: i64) {
        self.offset_ns = self.offset_ns.saturating_add(i128::from(delta_ns));
    }

    pub(super) fn drift_ppm(&self) -> i64 {
        self.drift_ppm
    }

    /// How far the clock goes in a million nanoseconds.
    fn rate(&self) -> u64 {
        (i64::from(MILLION) + self.drift_ppm) as u64
    }
}

fn narrow(ns: u128) -> u64 {
    u64::try_from(ns).unwrap_or(u64::MAX)
}

/// The wake-up that a node asked for last.
///
/// A node that moves its time-out further with every message would fill the event queue with wake-ups
/// that nobody wants. So at most one event is looked at, the earliest; when it comes too early, it is put
/// off to the time that is wanted by then.
#[derive(Clone, Debug)]
pub(super) struct Timer {
    /// When, by the node's monotonic clock.
    pub(super) target_ns: Option<u64>,
    /// Not before this true time, whatever the clock shows.
    pub(super) soonest_ns: u64,
    /// When the event comes, in true time; `u64::MAX` when there is none.
    pub(super) event_ns: u64,
    /// Which event counts: those of an earlier generation were replaced by an earlier one.
    pub(super) generation: u32,
}

impl Timer {
    pub(super) fn new() -> Self {
        Self {
            target_ns: None,
            soonest_ns: 0,
            event_ns: u64::MAX,
            generation: 0,
        }
    }

    /// Whether the wake-up is due at this true time.
    pub(super) fn is_due(&self, clock: &Clock, now_ns: u64) -> bool {
        let shown_ns = clock.monotonic_ns(now_ns);
        now_ns >= self.soonest_ns && self.target_ns.is_some_and(|at_ns| at_ns <= shown_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever is done to it, the monotonic clock never goes back, and its inverse is exact.
        #[test]
        fn the_clock_is_monotonic_and_its_inverse_exact(
            uptime in 0..10_u64.pow(13),
            changes in prop::collection::vec((0..10_u64.pow(10), -2_000_000..20_000_000_i64), 0..20),
            ahead in 0..10_u64.pow(12),
        ) {
            let mut clock = Clock::new(0, uptime);
            let (mut now, mut last) = (0, uptime);
            for (passed, ppm) in changes {
                now += passed;
                let shown = clock.monotonic_ns(now);
                prop_assert!(shown >= last);
                clock.set_drift(now, ppm);
                prop_assert_eq!(clock.monotonic_ns(now), shown);
                last = shown;
            }
            let target = last + ahead;
            let when = clock.true_ns(target);
            prop_assert!(clock.monotonic_ns(when) >= target);
            prop_assert!(when == now || clock.monotonic_ns(when - 1) < target);
        }

        /// Jumps add up and can be taken back; the monotonic clock does not feel them.
        #[test]
        fn a_jump_moves_the_wall_alone(jumps in prop::collection::vec(any::<i64>(), 0..20)) {
            let mut clock = Clock::new(0, 5);
            for &jump in &jumps {
                clock.bump(jump);
            }
            let sum: i128 = jumps.iter().map(|&jump| i128::from(jump)).sum();
            let wall = (sum + 1_000).clamp(0, i128::from(u64::MAX));
            prop_assert_eq!(i128::from(clock.wall_ns(1_000)), wall);
            prop_assert_eq!(clock.monotonic_ns(1_000), 1_005);
        }
    }
}
