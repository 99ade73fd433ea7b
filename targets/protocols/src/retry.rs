//! When a client tries again: exponential back-off with jitter.
//!
//! All numbers are integers, so that the same stream gives the same delays on every machine. Deliberately absent:
//! who is asked next and whether a retry is safe, which [`crate::client`] decides.

use rand::Rng;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::error::ErrorCode;
use crate::random::Stream;

const NS_PER_MS: u64 = 1_000_000;

/// How often, and after how long, a client tries again.
///
/// The delay after attempt *n* (counted from 1) is `first_ms` times `factor` to the power *n* - 1, and at most
/// `max_ms`; then a uniform jitter of up to `jitter_permille` thousandths of that is added *or taken away*, and
/// what exceeds `max_ms` is cut off. The mean is the plain back-off until the cut begins to matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Attempts in all, the first one included; at least 1.
    pub attempts: u32,
    /// The delay after the first attempt, in milliseconds, before jitter; at least 1.
    pub first_ms: u64,
    /// No delay is longer, in milliseconds, jitter included.
    pub max_ms: u64,
    /// What a delay is multiplied by to get the next; at least 1.
    pub factor: u32,
    /// The greatest jitter in thousandths of the delay, to either side; at most 1000.
    pub jitter_permille: u32,
}

/// Why a policy makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// Without attempts nothing is ever asked.
    #[error("retry attempts must be at least 1")]
    NoAttempts,
    /// A first delay of nothing stays nothing.
    #[error("the first retry delay must be at least 1 ms")]
    NoDelay,
    /// The first delay exceeds the greatest.
    #[error("the first retry delay, {first_ms} ms, is longer than the longest, {max_ms} ms")]
    FirstBeyondMax {
        /// The first delay.
        first_ms: u64,
        /// The greatest delay.
        max_ms: u64,
    },
    /// A delay longer than a day is a mistake of units.
    #[error("the longest retry delay must be at most a day")]
    TooLong,
    /// Delays would shrink to nothing.
    #[error("the retry factor must be at least 1")]
    NoFactor,
    /// A delay could become negative.
    #[error("retry jitter must be at most 1000 thousandths, not {0}")]
    TooMuchJitter(u32),
}

/// Ten attempts, after 50 ms first and 10 s at most, doubling, give or take a quarter.
impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts: 10,
            first_ms: 50,
            max_ms: 10_000,
            factor: 2,
            jitter_permille: 250,
        }
    }
}

impl Policy {
    /// Says whether the numbers make sense together.
    ///
    /// # Errors
    /// Names the first number that does not.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let Self {
            first_ms, max_ms, ..
        } = *self;
        if self.attempts == 0 {
            Err(PolicyError::NoAttempts)
        } else if first_ms == 0 {
            Err(PolicyError::NoDelay)
        } else if first_ms > max_ms {
            Err(PolicyError::FirstBeyondMax { first_ms, max_ms })
        } else if max_ms > 24 * 60 * 60 * 1000 {
            Err(PolicyError::TooLong)
        } else if self.factor == 0 {
            Err(PolicyError::NoFactor)
        } else if self.jitter_permille > 1000 {
            Err(PolicyError::TooMuchJitter(self.jitter_permille))
        } else {
            Ok(())
        }
    }

    /// How long to wait after this attempt, counted from 1, in nanoseconds. Always draws one number.
    pub fn delay_ns(&self, attempt: u32, random: &mut Stream) -> u64 {
        let plain = self.plain_ns(attempt);
        let widest = u128::from(plain) * u128::from(self.jitter_permille.min(1000)) / 1000;
        // A number of 64 bits times the width, shifted down: uniform but for one part in 2^64 of the width.
        let jitter = (u128::from(random.next_u64()) * (2 * widest + 1)) >> 64;
        let delay = (u128::from(plain) - widest + jitter) as u64;
        delay.min(self.max_ms.saturating_mul(NS_PER_MS))
    }

    /// The same without jitter.
    pub fn plain_ns(&self, attempt: u32) -> u64 {
        u64::from(self.factor)
            .saturating_pow(attempt.saturating_sub(1))
            .saturating_mul(self.first_ms)
            .min(self.max_ms)
            .saturating_mul(NS_PER_MS)
    }
}

/// Whether an attempt that ended so may be followed by another one. What is not retried is given up.
pub fn is_retried(code: ErrorCode) -> bool {
    match code {
        ErrorCode::LeaderNotFound
        | ErrorCode::QuorumUnreachable
        | ErrorCode::Timeout
        | ErrorCode::NetworkPartitionHealing => true,
        ErrorCode::InvalidTerm | ErrorCode::DuplicateRequest | ErrorCode::PermanentFailure => false,
    }
}
