//! The kinds of fault, one row a kind: all that is said of a kind stands in its row.

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// What a fault that lasts takes hold of, so that no two take hold of the same thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// The links that it cut.
    CutLinks,
    /// The links that it shaped.
    ShapedLinks,
    /// The processes of its nodes.
    Processes,
    /// The clocks of its nodes.
    Clocks,
    /// The disks of its nodes.
    Disks,
    /// The disks of its nodes, and their processes.
    DisksAndProcesses,
    /// The places of its nodes in the cluster.
    Places,
    /// Nothing.
    Nothing,
}

/// What is said of a kind.
#[derive(Clone, Debug)]
pub(crate) struct KindInfo {
    /// Its name, on the command line too.
    pub(crate) name: &'static str,
    /// One line.
    pub(crate) about: &'static str,
    /// Whether `default` stands for it.
    pub(crate) is_default: bool,
    /// How many milliseconds it lasts at the usual pace: long enough to be felt (an election takes about 0.3 s), short
    /// enough for many in a run.
    pub(crate) lasts_ms: RangeInclusive<u64>,
    /// Whether the cluster itself has to do it.
    pub(crate) is_up_to_the_cluster: bool,
    /// What it takes hold of.
    pub(crate) holds: Holds,
}

/// Declares the kinds: the enum, the list of them, and the row of each.
macro_rules! kinds {
    ($( $(#[$about:meta])* $kind:ident { $($row:tt)* } )+) => {
        /// The kinds of fault. Faults of different kinds overlap; two of one kind do not.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "kebab-case")]
        pub enum FaultKind {
            $( $(#[$about])* $kind, )+
        }

        impl FaultKind {
            /// Every kind, in the order in which they are listed.
            pub const ALL: [Self; [$(stringify!($kind)),+].len()] = [$(Self::$kind),+];

            /// Its row.
            pub(crate) const fn info(self) -> KindInfo {
                match self {
                    $( Self::$kind => KindInfo { $($row)* }, )+
                }
            }
        }
    };
}

kinds! {
    /// Nodes cannot hear each other.
    Partition {
        name: "partition",
        about: "nodes cannot hear each other, in any shape",
        is_default: true,
        lasts_ms: 500..=3_000,
        is_up_to_the_cluster: false,
        holds: Holds::CutLinks,
    }
    /// Processes die.
    Kill {
        name: "kill",
        about: "processes die and start again",
        is_default: true,
        lasts_ms: 200..=2_000,
        is_up_to_the_cluster: false,
        holds: Holds::Processes,
    }
    /// Processes stand still.
    Pause {
        name: "pause",
        about: "processes stand still",
        is_default: true,
        lasts_ms: 200..=2_000,
        is_up_to_the_cluster: false,
        holds: Holds::Processes,
    }
    /// Clocks lie.
    Clock {
        name: "clock",
        about: "clocks lie",
        is_default: true,
        lasts_ms: 300..=3_000,
        is_up_to_the_cluster: false,
        holds: Holds::Clocks,
    }
    /// Links treat messages badly.
    Link {
        name: "link",
        about: "links delay, lose, double and reorder messages",
        is_default: false,
        lasts_ms: 500..=3_000,
        is_up_to_the_cluster: false,
        holds: Holds::ShapedLinks,
    }
    /// Disks forget.
    Disk {
        name: "disk",
        about: "the power fails, and disks forget what was not synced",
        is_default: true,
        lasts_ms: 300..=2_000,
        is_up_to_the_cluster: false,
        holds: Holds::Processes,
    }
    /// Nodes join and leave.
    Membership {
        name: "membership",
        about: "nodes join and leave",
        is_default: false,
        lasts_ms: 1_500..=4_000,
        is_up_to_the_cluster: true,
        holds: Holds::Places,
    }
    /// Leaders hand over.
    Transfer {
        name: "transfer",
        about: "leaders hand over to another node",
        is_default: true,
        lasts_ms: 500..=1_000,
        is_up_to_the_cluster: true,
        holds: Holds::Nothing,
    }
    /// Disks do wrong while nodes live.
    Storage {
        name: "storage",
        about: "disks are slow, full or failing, and flip bits",
        is_default: false,
        lasts_ms: 500..=2_000,
        is_up_to_the_cluster: false,
        holds: Holds::DisksAndProcesses,
    }
    /// Links break the streams that they carry.
    Stream {
        name: "stream",
        about: "links carry little at a time, cut what they carry into slices, and break connections",
        is_default: false,
        lasts_ms: 500..=3_000,
        is_up_to_the_cluster: false,
        holds: Holds::ShapedLinks,
    }
}

impl FaultKind {
    /// Its name, on the command line too.
    pub const fn name(self) -> &'static str {
        self.info().name
    }

    /// Whether the cluster itself has to do it, which takes it time and may be beyond it just then. Such a fault that
    /// never took hold is held against nobody.
    pub const fn is_up_to_the_cluster(self) -> bool {
        self.info().is_up_to_the_cluster
    }

    /// The kinds that `default` stands for, in order.
    pub(crate) fn default_kinds() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|kind| kind.info().is_default)
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
