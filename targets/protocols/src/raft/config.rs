//! What a cluster is told before it runs, and the check that it makes sense.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::mutant::Mutant;
use crate::node::NodeId;

/// The most nodes that a cluster may have.
pub const MAX_NODES: usize = 1000;

const NS_PER_MS: u64 = 1_000_000;
const MILLION: u64 = 1_000_000;

/// How linearizable reads are served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadMode {
    /// By a round of heartbeats that confirms that the leader still leads (thesis, section 6.4). Needs no clock.
    #[default]
    ReadIndex,
    /// From the leader's state while its lease lasts (thesis, section 6.4.1), else as by `ReadIndex`. Safe only
    /// while no clock's rate is off by more than [`Config::lease_drift_ppm`].
    Lease,
}

/// What kind of fault is to be tolerated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Nodes stop, and may come back.
    Crash,
    /// Nodes do anything. The check below is of the number of nodes alone: Raft itself withstands crashes only.
    Byzantine,
}

/// How many faults a cluster is meant to tolerate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// How many nodes may be faulty at once.
    pub failures: u32,
    /// In which way.
    pub kind: FaultKind,
}

/// What every node of a cluster is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The nodes that the cluster begins with. A node that is added later is told the same ones. This list
    /// counts, and not [`Context::nodes`](crate::Context::nodes): it is what [`Config::validate`] has seen.
    pub members: Vec<NodeId>,
    /// The least and the greatest election timeout in milliseconds. Each timeout is drawn between them.
    pub election_timeout_ms: (u64, u64),
    /// How often an idle leader makes itself heard, and repeats what was not answered, in milliseconds.
    pub heartbeat_ms: u64,
    /// The most entries in one message.
    pub batch_entries: usize,
    /// A snapshot is taken when so many entries were applied since the last one.
    pub snapshot_threshold: u64,
    /// So many entries before a snapshot are kept for followers that lag a little.
    pub snapshot_trailing: u64,
    /// A call that waited longer is answered by `TIMEOUT`, in milliseconds.
    pub call_timeout_ms: u64,
    /// How reads are served.
    pub reads: ReadMode,
    /// By how many parts in a million the rate of any clock may differ from true time, for leases.
    pub lease_drift_ppm: u32,
    /// What the cluster is meant to tolerate, if that is to be checked.
    pub tolerate: Option<Tolerance>,
    /// Whether nodes tell what their whole state is now and then
    /// ([`EventKind::StateDigest`](super::event::EventKind::StateDigest)), which costs as much as it is large.
    pub state_digests: bool,
    /// A bug to switch on.
    pub mutant: Option<Mutant>,
}

impl Default for Config {
    /// Five nodes, reads by read index, no bug.
    fn default() -> Self {
        Self {
            members: (0..5).collect(),
            election_timeout_ms: (150, 300),
            heartbeat_ms: 50,
            batch_entries: 256,
            snapshot_threshold: 2_000,
            snapshot_trailing: 200,
            call_timeout_ms: 1_000,
            reads: ReadMode::ReadIndex,
            state_digests: false,
            lease_drift_ppm: 500,
            tolerate: None,
            mutant: None,
        }
    }
}

/// Why a configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// Too few or too many nodes.
    #[error("a cluster has 1 to {MAX_NODES} nodes, not {nodes}")]
    Nodes {
        /// How many there are.
        nodes: usize,
    },
    /// A node is named twice.
    #[error("node {node} is named twice")]
    Twice {
        /// Which one.
        node: NodeId,
    },
    /// The election timeouts are out of order or zero.
    #[error("election timeouts must be at least 1 ms and in order, not {min_ms} to {max_ms} ms")]
    ElectionTimeout {
        /// The least.
        min_ms: u64,
        /// The greatest.
        max_ms: u64,
    },
    /// Followers would lose patience between two heartbeats.
    #[error(
        "the heartbeat interval, {heartbeat_ms} ms, must be at least 1 ms and less than the least election timeout, {min_ms} ms"
    )]
    Heartbeat {
        /// The interval.
        heartbeat_ms: u64,
        /// The least election timeout.
        min_ms: u64,
    },
    /// A number that must be at least 1 is 0.
    #[error("{name} must be at least 1")]
    Zero {
        /// Which one.
        name: &'static str,
    },
    /// A duration is longer than a day.
    #[error("{name} must be at most a day")]
    TooLong {
        /// Which one.
        name: &'static str,
    },
    /// A clock cannot be wrong by so much.
    #[error("lease_drift_ppm must be less than 1000000, not {ppm}")]
    Drift {
        /// What was asked.
        ppm: u32,
    },
    /// More crashes than a majority survives.
    #[error("Cannot tolerate f failures with fewer than 2f+1 nodes")]
    CrashTolerance {
        /// f.
        failures: u32,
        /// 2f+1.
        needed: u64,
        /// How many nodes there are.
        nodes: usize,
    },
    /// More traitors than a quorum survives.
    #[error("Byzantine tolerance requires 3f+1 nodes")]
    ByzantineTolerance {
        /// f.
        failures: u32,
        /// 3f+1.
        needed: u64,
        /// How many nodes there are.
        nodes: usize,
    },
}

impl Config {
    /// The default for a cluster of nodes 0 to `nodes - 1`.
    pub fn for_nodes(nodes: u32) -> Self {
        Self {
            members: (0..nodes).collect(),
            ..Self::default()
        }
    }

    /// Refuses what cannot work, before it runs.
    ///
    /// # Errors
    ///
    /// Names the first thing that is wrong.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.validate_members()?;
        self.validate_tolerance()?;
        self.validate_times()?;
        for (name, number) in [
            ("batch_entries", self.batch_entries as u64),
            ("snapshot_threshold", self.snapshot_threshold),
            ("call_timeout_ms", self.call_timeout_ms),
        ] {
            if number == 0 {
                return Err(ConfigError::Zero { name });
            }
        }
        let ppm = self.lease_drift_ppm;
        if u64::from(ppm) >= MILLION {
            return Err(ConfigError::Drift { ppm });
        }
        Ok(())
    }

    fn validate_members(&self) -> Result<(), ConfigError> {
        let nodes = self.members.len();
        if !(1..=MAX_NODES).contains(&nodes) {
            return Err(ConfigError::Nodes { nodes });
        }
        let mut sorted = self.members.clone();
        sorted.sort_unstable();
        match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(ConfigError::Twice { node: pair[0] }),
            None => Ok(()),
        }
    }

    fn validate_tolerance(&self) -> Result<(), ConfigError> {
        let Some(Tolerance { failures, kind }) = self.tolerate else {
            return Ok(());
        };
        let nodes = self.members.len();
        match kind {
            FaultKind::Crash => {
                let needed = 2 * u64::from(failures) + 1;
                let error = ConfigError::CrashTolerance {
                    failures,
                    needed,
                    nodes,
                };
                if (nodes as u64) < needed {
                    Err(error)
                } else {
                    Ok(())
                }
            }
            FaultKind::Byzantine => {
                let needed = 3 * u64::from(failures) + 1;
                let error = ConfigError::ByzantineTolerance {
                    failures,
                    needed,
                    nodes,
                };
                if (nodes as u64) < needed {
                    Err(error)
                } else {
                    Ok(())
                }
            }
        }
    }

    fn validate_times(&self) -> Result<(), ConfigError> {
        const DAY_MS: u64 = 24 * 60 * 60 * 1000;
        let (min_ms, max_ms) = self.election_timeout_ms;
        if min_ms == 0 || min_ms > max_ms {
            return Err(ConfigError::ElectionTimeout { min_ms, max_ms });
        }
        let heartbeat_ms = self.heartbeat_ms;
        if heartbeat_ms == 0 || heartbeat_ms >= min_ms {
            return Err(ConfigError::Heartbeat {
                heartbeat_ms,
                min_ms,
            });
        }
        for (name, ms) in [
            ("election_timeout_ms", max_ms),
            ("call_timeout_ms", self.call_timeout_ms),
        ] {
            if ms > DAY_MS {
                return Err(ConfigError::TooLong { name });
            }
        }
        Ok(())
    }
}

/// The durations of a configuration in nanoseconds.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "units stand last in a name")]
pub(super) struct Timing {
    pub(super) election_min_ns: u64,
    pub(super) election_max_ns: u64,
    pub(super) heartbeat_ns: u64,
    pub(super) call_timeout_ns: u64,
    /// For how long after a message that a majority answered a leader may serve reads by its own clock.
    ///
    /// A voter that heard from the leader turns candidates down for the least election timeout of its own
    /// clock. With both clocks off by at most d in opposite directions, that is at least (1-d)/(1+d) of it on
    /// the leader's clock, counted from when the leader sent the message.
    pub(super) lease_ns: u64,
}

impl Timing {
    pub(super) fn of(config: &Config) -> Self {
        let ns = |ms: u64| ms.saturating_mul(NS_PER_MS);
        let election_min_ns = ns(config.election_timeout_ms.0);
        let drift = u64::from(config.lease_drift_ppm).min(MILLION);
        let lease = u128::from(election_min_ns) * u128::from(MILLION - drift);
        Self {
            election_min_ns,
            election_max_ns: ns(config.election_timeout_ms.1),
            heartbeat_ns: ns(config.heartbeat_ms),
            call_timeout_ns: ns(config.call_timeout_ms),
            lease_ns: (lease / u128::from(MILLION + drift)) as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tolerating(nodes: u32, failures: u32, kind: FaultKind) -> Result<(), ConfigError> {
        let config = Config {
            tolerate: Some(Tolerance { failures, kind }),
            ..Config::for_nodes(nodes)
        };
        config.validate()
    }

    #[test]
    fn tolerance_is_a_matter_of_numbers() {
        for failures in 0..20 {
            for nodes in 1..70 {
                let crash = tolerating(nodes, failures, FaultKind::Crash);
                assert_eq!(crash.is_ok(), nodes > 2 * failures);
                let byzantine = tolerating(nodes, failures, FaultKind::Byzantine);
                assert_eq!(byzantine.is_ok(), nodes > 3 * failures);
            }
        }
        let text = |kind| tolerating(3, 2, kind).map_err(|error| error.to_string());
        assert_eq!(
            text(FaultKind::Crash).unwrap_err(),
            "Cannot tolerate f failures with fewer than 2f+1 nodes"
        );
        assert_eq!(
            text(FaultKind::Byzantine).unwrap_err(),
            "Byzantine tolerance requires 3f+1 nodes"
        );
        assert!(tolerating(1000, u32::MAX, FaultKind::Byzantine).is_err());
    }

    #[test]
    fn one_to_a_thousand_nodes() {
        let valid = |nodes| Config::for_nodes(nodes).validate().is_ok();
        assert_eq!([0, 1, 1000, 1001].map(valid), [false, true, true, false]);
        let twice = Config {
            members: vec![3, 1, 3],
            ..Config::default()
        };
        assert_eq!(twice.validate(), Err(ConfigError::Twice { node: 3 }));
    }

    #[test]
    fn times_must_fit_each_other() {
        let with = |heartbeat_ms, election_timeout_ms| {
            let config = Config {
                election_timeout_ms,
                heartbeat_ms,
                ..Config::default()
            };
            config.validate().is_ok()
        };
        assert!(with(149, (150, 300)));
        assert!(with(50, (150, 150)));
        assert!(!with(150, (150, 300)));
        assert!(!with(0, (150, 300)));
        assert!(!with(50, (300, 150)));
        assert!(!with(50, (0, 300)));
        assert!(!with(50, (150, u64::MAX)));
    }

    #[test]
    fn a_lease_is_shorter_than_the_patience_of_any_voter() {
        let lease = |lease_drift_ppm| {
            let config = Config {
                lease_drift_ppm,
                ..Config::default()
            };
            Timing::of(&config).lease_ns
        };
        assert_eq!(lease(0), 150_000_000);
        assert_eq!(lease(500_000), 50_000_000);
        assert!(lease(500) < 150_000_000 - 149_000);
    }

    #[test]
    fn a_configuration_survives_json() {
        let config = Config {
            mutant: Some(Mutant::StaleRead),
            tolerate: Some(Tolerance {
                failures: 1,
                kind: FaultKind::Crash,
            }),
            ..Config::default()
        };
        let text = serde_json::to_string(&config).unwrap();
        assert!(text.contains(r#""mutant":"stale-read""#), "{text}");
        assert_eq!(serde_json::from_str::<Config>(&text).unwrap(), config);
        assert_eq!(
            serde_json::from_str::<Config>("{}").unwrap(),
            Config::default()
        );
    }
}
