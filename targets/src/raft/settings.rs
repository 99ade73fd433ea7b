//! The settings of Raft that have names.

use rupture_protocols::raft::Config;

use super::config_of_nodes;
use crate::options::SettingInfo;
use crate::settings::Row;

/// No cluster is of use that needs longer, and its claim to serve again would excuse one that is dead.
const MINUTE_MS: u64 = 60 * 1000;
const MANY: u64 = 1_000_000_000;

/// Every setting of [`Config`] that is a number.
pub(super) const ROWS: [Row<Config>; 8] = [
    Row {
        name: "election-timeout-min-ms",
        about: "the least time without a leader after which a node stands for election",
        range: 1..=MINUTE_MS,
        get: |config| config.election_timeout_ms.0,
        set: |config, value| config.election_timeout_ms.0 = value,
    },
    Row {
        name: "election-timeout-max-ms",
        about: "the most time without a leader after which a node stands for election",
        range: 1..=MINUTE_MS,
        get: |config| config.election_timeout_ms.1,
        set: |config, value| config.election_timeout_ms.1 = value,
    },
    Row {
        name: "heartbeat-ms",
        about: "how often an idle leader makes itself heard; less than the least election timeout",
        range: 1..=MINUTE_MS,
        get: |config| config.heartbeat_ms,
        set: |config, value| config.heartbeat_ms = value,
    },
    Row {
        name: "batch-entries",
        about: "the most entries in one message",
        range: 1..=MANY,
        get: |config| config.batch_entries as u64,
        set: |config, value| {
            config.batch_entries = usize::try_from(value).unwrap_or(usize::MAX);
        },
    },
    Row {
        name: "snapshot-threshold",
        about: "a snapshot is taken when so many entries were applied since the last one",
        range: 1..=MANY,
        get: |config| config.snapshot_threshold,
        set: |config, value| config.snapshot_threshold = value,
    },
    Row {
        name: "snapshot-trailing",
        about: "so many entries before a snapshot are kept for followers that lag a little",
        range: 0..=MANY,
        get: |config| config.snapshot_trailing,
        set: |config, value| config.snapshot_trailing = value,
    },
    Row {
        name: "call-timeout-ms",
        about: "a node answers a call that waited longer with a timeout",
        range: 1..=MINUTE_MS,
        get: |config| config.call_timeout_ms,
        set: |config, value| config.call_timeout_ms = value,
    },
    Row {
        name: "lease-drift-ppm",
        about: "by how much the rate of any clock may be off before reads by lease are wrong",
        range: 0..=999_999,
        get: |config| u64::from(config.lease_drift_ppm),
        set: |config, value| {
            config.lease_drift_ppm = u32::try_from(value).unwrap_or(u32::MAX);
        },
    },
];

/// The rows for people.
pub(super) fn infos() -> Vec<SettingInfo> {
    let usual = config_of_nodes(5);
    ROWS.iter().map(|row| row.info(&usual)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field that is new stops this from compiling: give it a row, or say here why it has none.
    #[test]
    fn every_number_of_the_configuration_has_a_row() {
        let Config {
            // The cluster's own nodes, `--reads` and `--mutant`.
            members: _,
            reads: _,
            mutant: _,
            // Whether anybody looks at the events, which changes no run.
            state_digests: _,
            // A check of the number of nodes, which no run asks for.
            tolerate: _,
            election_timeout_ms: (min_ms, max_ms),
            heartbeat_ms,
            batch_entries,
            snapshot_threshold,
            snapshot_trailing,
            call_timeout_ms,
            lease_drift_ppm,
        } = config_of_nodes(5);
        let numbers = [
            min_ms,
            max_ms,
            heartbeat_ms,
            batch_entries as u64,
            snapshot_threshold,
            snapshot_trailing,
            call_timeout_ms,
            u64::from(lease_drift_ppm),
        ];
        let defaults = infos().iter().map(|info| info.default).collect::<Vec<_>>();
        assert_eq!(defaults, numbers);
    }

    #[test]
    fn every_row_sets_what_it_gets_and_nothing_else() {
        for row in &ROWS {
            let mut config = config_of_nodes(5);
            let before: Vec<u64> = ROWS.iter().map(|row| (row.get)(&config)).collect();
            let other = (row.get)(&config) + 1;
            (row.set)(&mut config, other);
            for (other_row, before) in ROWS.iter().zip(before) {
                let wanted = if other_row.name == row.name {
                    other
                } else {
                    before
                };
                assert_eq!(
                    (other_row.get)(&config),
                    wanted,
                    "{} by {}",
                    other_row.name,
                    row.name
                );
            }
            let default = (row.get)(&config_of_nodes(5));
            assert!(row.range.contains(&default), "{}", row.name);
        }
    }
}
