//! How a client behaves.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::retry::{Policy, PolicyError};

/// How a client behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How often and after how long it tries again. Leader hints that are followed at once count apart.
    pub policy: Policy,
    /// After how many milliseconds without a reply another attempt is made; at least 1.
    pub attempt_timeout_ms: u64,
    /// How many leader hints are followed at once before the next back-off.
    pub redirects: u32,
    /// Whether to go where a leader is said to be, and on to the next node after a failure. A client that does not stays
    /// at the node that its operation prefers: so reads can be sent to a chosen node.
    pub follow_leader: bool,
}

/// Why settings make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// The retry policy makes none.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Every attempt would time out before it was made.
    #[error("the timeout of an attempt must be at least 1 ms")]
    NoTimeout,
}

/// The default policy, one second an attempt, and three hints in a row.
impl Default for Settings {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            attempt_timeout_ms: 1_000,
            redirects: 3,
            follow_leader: true,
        }
    }
}

impl Settings {
    /// Says whether the numbers make sense.
    ///
    /// # Errors
    /// Names the first number that does not.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.policy.validate()?;
        if self.attempt_timeout_ms == 0 {
            return Err(SettingsError::NoTimeout);
        }
        Ok(())
    }

    /// The timeout of an attempt in nanoseconds.
    pub(super) fn attempt_timeout_ns(&self) -> u64 {
        self.attempt_timeout_ms.saturating_mul(1_000_000)
    }
}
