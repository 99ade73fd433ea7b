//! Generators that slow another down.

use rand::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::history::Event;

use super::{Context, Generator, Next};

/// How long it takes from one operation to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// Always the same.
    Exactly {
        /// Nanoseconds.
        interval_ns: u64,
    },
    /// Uniform from 0 to twice the mean.
    Uniform {
        /// Nanoseconds.
        mean_ns: u64,
    },
    /// Exponentially distributed.
    Exponential {
        /// Nanoseconds.
        mean_ns: u64,
    },
}

impl Interval {
    /// Draws one, in nanoseconds. Integers only: no floating point library decides what a seed replays.
    fn draw(self, random: &mut Xoshiro256PlusPlus) -> u64 {
        match self {
            Self::Exactly { interval_ns } => interval_ns,
            Self::Uniform { mean_ns } => fraction(mean_ns.saturating_mul(2), random.next_u64()),
            Self::Exponential { mean_ns } => {
                let (whole, part) = exponential(random);
                mean_ns
                    .saturating_mul(whole)
                    .saturating_add(fraction(mean_ns, part))
            }
        }
    }
}

/// `n × part / 2^64`.
fn fraction(n: u64, part: u64) -> u64 {
    ((u128::from(n) * u128::from(part)) >> 64) as u64
}

/// An exponentially distributed number of mean 1, as a whole part and a fraction in units of `2^-64`, by
/// nothing but comparisons (von Neumann 1951, *Various techniques used in connection with random digits*):
/// the fraction is the first of a descending run of uniform numbers of odd length, and the whole part is the
/// number of runs of even length that came before it. Takes 4.3 numbers on average.
fn exponential(random: &mut Xoshiro256PlusPlus) -> (u64, u64) {
    let mut whole = 0;
    loop {
        let first = random.next_u64();
        let (mut last, mut odd) = (first, true);
        loop {
            let drawn = random.next_u64();
            if drawn >= last {
                break;
            }
            (last, odd) = (drawn, !odd);
        }
        if odd {
            return (whole, first);
        }
        whole += 1;
    }
}

/// Spaces operations out. See [`GeneratorExt::stagger`](super::GeneratorExt::stagger),
/// [`poisson`](super::GeneratorExt::poisson) and [`delay`](super::GeneratorExt::delay).
///
/// The interval counts from the operation's invocation. Time lost because no thread was free is not made
/// up for: a burst after a pause would be another workload.
#[derive(Clone, Debug)]
pub struct Paced<G> {
    inner: G,
    interval: Interval,
    /// The earliest time of the next operation.
    due_ns: u64,
    first: bool,
}

impl<G: Generator> Paced<G> {
    pub(super) fn new(inner: G, interval: Interval) -> Self {
        Self {
            inner,
            interval,
            due_ns: 0,
            first: true,
        }
    }

    fn put_off(&mut self, context: &mut Context<'_>) {
        self.due_ns = context
            .now_ns
            .saturating_add(self.interval.draw(context.random));
    }
}

impl<G: Generator> Generator for Paced<G> {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        // Random intervals begin with one, so that many of them together do not all fire at first.
        if std::mem::take(&mut self.first) && !matches!(self.interval, Interval::Exactly { .. }) {
            self.put_off(context);
        }
        if context.now_ns < self.due_ns {
            return Next::WaitUntil(self.due_ns);
        }
        let next = self.inner.next(context);
        if matches!(next, Next::Invoke(_)) {
            self.put_off(context);
        }
        next
    }

    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        self.inner.update(context, event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_xoshiro::rand_core::SeedableRng;

    /// Mean and standard deviation of many draws, in units of the mean asked for.
    fn moments(interval: Interval, mean_ns: u64) -> (f64, f64) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        let count = 100_000;
        let drawn: Vec<f64> = (0..count)
            .map(|_| interval.draw(&mut random) as f64 / mean_ns as f64)
            .collect();
        let mean = drawn.iter().sum::<f64>() / f64::from(count);
        let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(count);
        (mean, variance.sqrt())
    }

    #[test]
    fn intervals_have_the_moments_of_their_distributions() {
        let mean_ns = 5_000_000;
        for (interval, deviation) in [
            (
                Interval::Exactly {
                    interval_ns: mean_ns,
                },
                0.0,
            ),
            (Interval::Uniform { mean_ns }, 1.0 / 3f64.sqrt()),
            (Interval::Exponential { mean_ns }, 1.0),
        ] {
            let (mean, found) = moments(interval, mean_ns);
            assert!((mean - 1.0).abs() < 0.02, "{interval:?}: mean {mean}");
            assert!(
                (found - deviation).abs() < 0.02,
                "{interval:?}: deviation {found}"
            );
        }
    }
}
