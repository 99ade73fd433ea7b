//! What a disk does wrong while its node lives, one row each.

use std::ops::RangeInclusive;

use rupture_targets::{Capability, DiskFault, words};

words! {
    /// What a disk does wrong while its node lives.
    pub enum Ailment {
        /// Syncs take longer.
        Slow = "slow",
        /// There is no room for another write.
        Full = "full",
        /// A sync fails.
        SyncError = "sync-error",
        /// A write fails.
        WriteError = "write-error",
        /// The log cannot be read at a start.
        ReadError = "read-error",
        /// One bit of the log is flipped.
        Flip = "flip",
    }
}

/// When it shows that a disk is ill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    /// At once, and the node lives on.
    AtOnce,
    /// When the node writes: it ends then.
    AtAWrite,
    /// When the node starts: it is killed for that, and cannot start.
    AtAStart,
    /// On the disk of a node that was killed for that. It may find out when it starts, or the bit may mean nothing.
    OnTheDisk,
}

/// What is said of an ailment.
#[derive(Clone, Debug)]
pub(crate) struct AilmentInfo {
    /// What a world needs to make it.
    pub(crate) capability: Capability,
    /// What is ordered of the disk, where it is slow by so much.
    pub(crate) fault: fn(u64) -> DiskFault,
    /// How many milliseconds longer a sync takes, as it is drawn.
    pub(crate) slow_ms: Option<RangeInclusive<u64>>,
    /// When it shows.
    pub(crate) shows: Shows,
    /// The `f` of the events of its beginning.
    pub(crate) f: &'static str,
    /// What was done to a node, in the history.
    pub(crate) done: &'static str,
}

impl Ailment {
    /// Its row.
    pub(crate) fn info(self) -> AilmentInfo {
        match self {
            Self::Slow => AilmentInfo {
                capability: Capability::SlowDisk,
                fault: |slow_sync_ns| DiskFault {
                    slow_sync_ns,
                    ..DiskFault::default()
                },
                slow_ms: Some(10..=200),
                shows: Shows::AtOnce,
                f: "slow-disk",
                done: "slow",
            },
            Self::Full => AilmentInfo {
                capability: Capability::FailDisk,
                fault: |_| DiskFault {
                    is_full: true,
                    ..DiskFault::default()
                },
                slow_ms: None,
                shows: Shows::AtAWrite,
                f: "fill-disk",
                done: "full",
            },
            Self::SyncError => AilmentInfo {
                capability: Capability::FailDisk,
                fault: |_| DiskFault {
                    sync_fails: true,
                    ..DiskFault::default()
                },
                slow_ms: None,
                shows: Shows::AtAWrite,
                f: "fail-syncs",
                done: "syncs-fail",
            },
            Self::WriteError => AilmentInfo {
                capability: Capability::FailDisk,
                fault: |_| DiskFault {
                    write_fails: true,
                    ..DiskFault::default()
                },
                slow_ms: None,
                shows: Shows::AtAWrite,
                f: "fail-writes",
                done: "writes-fail",
            },
            Self::ReadError => AilmentInfo {
                capability: Capability::FailDisk,
                fault: |_| DiskFault {
                    read_fails: true,
                    ..DiskFault::default()
                },
                slow_ms: None,
                shows: Shows::AtAStart,
                f: "fail-reads",
                done: "reads-fail",
            },
            Self::Flip => AilmentInfo {
                capability: Capability::FlipBit,
                fault: |_| DiskFault::default(),
                slow_ms: None,
                shows: Shows::OnTheDisk,
                f: "flip-bit",
                done: "flipped",
            },
        }
    }
}
