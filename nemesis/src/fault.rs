//! Faults as plain data: what is asked for, before anybody knows whom it will hit.
//!
//! A fault is drawn by the schedule or written in a script, made by the [`crate::Injector`], and recorded in
//! a [`crate::Receipt`]. What each may break, how much of it, and why a system must survive it stands beside
//! its injector.

use std::fmt;

use rupture_targets::{Capabilities, Capability, LinkShape, NodeName, words};
use serde::{Deserialize, Serialize};

use crate::ailment::{Ailment, Shows};
pub use crate::kind::FaultKind;
use crate::kind::Holds;
use crate::time::{format_ns, format_signed_ns};

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fault {
    /// Cut links in a shape.
    Partition {
        /// Which links.
        shape: Shape,
    },
    /// Kill processes; what they wrote survives.
    Kill {
        /// Whose.
        who: Targeting,
    },
    /// Pause processes.
    Pause {
        /// Whose.
        who: Targeting,
    },
    /// Make clocks lie.
    Clock {
        /// Whose.
        who: Targeting,
        /// How.
        skew: Skew,
    },
    /// Meddle with every message to and from nodes.
    Link {
        /// Which nodes.
        who: Targeting,
        /// How.
        shape: LinkShape,
    },
    /// Take the power away.
    Disk {
        /// From whom.
        who: Targeting,
        /// What the disks forget.
        damage: Damage,
    },
    /// Make disks do wrong while their nodes live.
    Storage {
        /// Whose.
        who: Targeting,
        /// What they do.
        ailment: Ailment,
        /// How much longer a sync takes; 0 where it is not that.
        #[serde(default, skip_serializing_if = "is_zero")]
        by_ns: u64,
    },
    /// Change who is a member.
    Membership {
        /// How.
        change: Change,
    },
    /// Ask the cluster to let another node lead.
    Transfer {
        /// Which; one node is chosen of several.
        who: Targeting,
    },
}

words! {
    /// Shapes of a partition, as Jepsen names them.
    pub enum Shape {
        /// Two halves; of an odd number of nodes, one half has a node more.
        Halves = "halves",
        /// One node apart from all others.
        One = "one",
        /// A random minority, together, apart from all others.
        Minority = "minority",
        /// The smallest majority stays together, and every other node is alone.
        Majority = "majority",
        /// Every node hears a majority, and no two nodes the same one.
        MajoritiesRing = "majorities-ring",
        /// Two halves that only one node joins.
        Bridge = "bridge",
        /// What some nodes say does not reach the others; what the others say does reach them.
        OneWay = "one-way",
        /// Every primary is alone, and the other nodes stay together.
        Primaries = "primaries",
    }
}

impl Shape {
    /// The smallest cluster in which the shape cuts anything.
    pub fn least_nodes(self) -> usize {
        match self {
            Self::Halves | Self::One | Self::OneWay | Self::Primaries => 2,
            Self::Minority | Self::Majority | Self::MajoritiesRing | Self::Bridge => 3,
        }
    }
}

/// Whom a fault hits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Targeting {
    /// One random node.
    One,
    /// A random number of nodes, fewer than half.
    Minority,
    /// As few nodes as are more than half.
    Majority,
    /// Every node.
    All,
    /// Every node that believes to be primary.
    Primaries,
    /// These nodes.
    Named(Vec<NodeName>),
}

impl Targeting {
    /// The name in scripts and events; the nodes themselves where they are named.
    pub fn name(&self) -> String {
        match self {
            Self::One => "one".to_owned(),
            Self::Minority => "minority".to_owned(),
            Self::Majority => "majority".to_owned(),
            Self::All => "all".to_owned(),
            Self::Primaries => "primaries".to_owned(),
            Self::Named(nodes) => {
                let names: Vec<&str> = nodes.iter().map(NodeName::as_str).collect();
                names.join(",")
            }
        }
    }

    /// The smallest cluster in which it can hit anybody.
    pub fn least_nodes(&self) -> usize {
        match self {
            Self::Minority => 3,
            Self::Named(nodes) => nodes.len().max(1),
            _ => 1,
        }
    }
}

/// How a clock lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Skew {
    /// The wall clock jumps once.
    Bump {
        /// How far; negative is into the past.
        by_ns: i64,
    },
    /// The wall clock jumps to and fro.
    Strobe {
        /// How far.
        by_ns: i64,
        /// How often.
        every_ns: u64,
    },
    /// Both clocks run at a wrong rate.
    Drift {
        /// Millionths too fast; negative is too slow.
        ppm: i64,
    },
}

impl Skew {
    /// A jump must be longer than this, because that exactly are jumps looked for.
    pub const LEAST_JUMP_NS: u64 = 1_000;
    /// No jump is longer than a year of 365 days, so that no clock comes to an end of its range, where it could
    /// not be set back by as much.
    pub const LONGEST_JUMP_NS: u64 = 365 * 24 * 3_600_000_000_000;
    /// A strobe jumps at most so often.
    pub const LEAST_EVERY_NS: u64 = 1_000_000;
    /// The rates that a clock can have: from a tenth of the true one to ten times that.
    pub const RATES_PPM: std::ops::RangeInclusive<i64> = -900_000..=9_000_000;

    fn check_bounds(&self) -> Result<(), &'static str> {
        match self {
            Self::Strobe { every_ns, .. } if *every_ns < Self::LEAST_EVERY_NS => {
                Err("a strobe jumps every 1ms at the most")
            }
            Self::Bump { by_ns } | Self::Strobe { by_ns, .. } => check_jump(*by_ns),
            Self::Drift { ppm: 0 } => Err("a drift of 0ppm is none"),
            Self::Drift { ppm } if !Self::RATES_PPM.contains(ppm) => {
                Err("a drift is between -900000ppm and +9000000ppm")
            }
            Self::Drift { .. } => Ok(()),
        }
    }
}

fn check_jump(by_ns: i64) -> Result<(), &'static str> {
    let size_ns = by_ns.unsigned_abs();
    if size_ns <= Skew::LEAST_JUMP_NS {
        return Err("a clock must jump by more than 1us for anybody to see it");
    }
    if size_ns > Skew::LONGEST_JUMP_NS {
        return Err("a clock can jump by 365 days at the most, either way");
    }
    Ok(())
}

fn check_link(shape: &LinkShape) -> Result<(), &'static str> {
    if shape.is_clean() {
        return Err("it changes nothing about a link");
    }
    let rates = [
        shape.loss_ppm,
        shape.duplicate_ppm,
        shape.reorder_ppm,
        shape.reset_ppm,
        shape.half_close_ppm,
    ];
    if rates.iter().any(|ppm| *ppm > 1_000_000) {
        return Err("a rate is 1000000ppm (100%) at the most");
    }
    Ok(())
}

words! {
    /// What a disk forgets when the power fails.
    pub enum Damage {
        /// Every write that was not synced.
        LostWrites = "lost-writes",
        /// Some writes that were not synced, and half of one.
        Torn = "torn",
    }
}

/// How the membership changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// A new node joins.
    Grow,
    /// A node leaves.
    Shrink {
        /// Which; one node is chosen of several.
        who: Targeting,
    },
}

/// Why a fault cannot be. Nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Impossible {
    /// There are too few nodes, ever.
    #[error("{fault} needs {needed} nodes, and there {} {nodes}", if *.nodes == 1 { "is" } else { "are" })]
    TooFewNodes {
        /// What was asked for.
        fault: String,
        /// How many nodes it takes.
        needed: usize,
        /// How many there are.
        nodes: usize,
    },
    /// The world cannot make it.
    #[error("this world cannot make {fault}: it has no {capability}")]
    Unsupported {
        /// What was asked for.
        fault: String,
        /// What is missing.
        capability: String,
    },
    /// It would do nothing that could be seen, or so much that it could not be undone.
    #[error("{fault} is out of bounds: {reason}")]
    OutOfBounds {
        /// What was asked for.
        fault: String,
        /// What would be right.
        reason: String,
    },
    /// A node that was named does not exist.
    #[error("no node is called {node}")]
    UnknownNode {
        /// The name.
        node: NodeName,
    },
    /// Nobody is in a state in which it could be hit now.
    #[error("{0}")]
    NobodyNow(String),
}

impl Fault {
    /// Its kind.
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Partition { .. } => FaultKind::Partition,
            Self::Kill { .. } => FaultKind::Kill,
            Self::Pause { .. } => FaultKind::Pause,
            Self::Clock { .. } => FaultKind::Clock,
            Self::Link { shape, .. } if shape.breaks_stream() => FaultKind::Stream,
            Self::Link { .. } => FaultKind::Link,
            Self::Disk { .. } => FaultKind::Disk,
            Self::Storage { .. } => FaultKind::Storage,
            Self::Membership { .. } => FaultKind::Membership,
            Self::Transfer { .. } => FaultKind::Transfer,
        }
    }

    /// Whom it hits, where that is said by a targeting.
    pub fn who(&self) -> Option<&Targeting> {
        match self {
            Self::Kill { who }
            | Self::Pause { who }
            | Self::Clock { who, .. }
            | Self::Link { who, .. }
            | Self::Disk { who, .. }
            | Self::Storage { who, .. }
            | Self::Transfer { who }
            | Self::Membership {
                change: Change::Shrink { who },
            } => Some(who),
            Self::Partition { .. }
            | Self::Membership {
                change: Change::Grow,
            } => None,
        }
    }

    /// The capability that a world needs to make it.
    pub fn capability(&self) -> Capability {
        match self {
            Self::Partition { .. } => Capability::Cut,
            Self::Kill { .. } => Capability::Kill,
            Self::Pause { .. } => Capability::Pause,
            Self::Link { shape, .. } if shape.breaks_stream() => Capability::BreakStream,
            Self::Link { .. } => Capability::ShapeLink,
            Self::Membership { .. } => Capability::Membership,
            Self::Transfer { .. } => Capability::Transfer,
            Self::Clock { skew, .. } => match skew {
                Skew::Drift { .. } => Capability::DriftClock,
                Skew::Bump { .. } | Skew::Strobe { .. } => Capability::BumpClock,
            },
            Self::Storage { ailment, .. } => ailment.info().capability,
            Self::Disk { damage, .. } => match damage {
                Damage::LostWrites => Capability::PowerLoss,
                Damage::Torn => Capability::TornWrite,
            },
        }
    }

    /// What it takes hold of while it lasts.
    pub(crate) fn holds(&self) -> Holds {
        match self {
            // Its process goes on, and whatever else happens to it may happen.
            Self::Storage { ailment, .. } if ailment.info().shows == Shows::AtOnce => Holds::Disks,
            _ => self.kind().info().holds,
        }
    }

    /// The smallest cluster in which it is possible.
    pub fn least_nodes(&self) -> usize {
        let by_kind = match self {
            Self::Partition { shape } => shape.least_nodes(),
            Self::Link { .. }
            | Self::Transfer { .. }
            | Self::Membership {
                change: Change::Shrink { .. },
            } => 2,
            Self::Kill { .. }
            | Self::Pause { .. }
            | Self::Clock { .. }
            | Self::Disk { .. }
            | Self::Storage { .. }
            | Self::Membership {
                change: Change::Grow,
            } => 1,
        };
        self.who()
            .map_or(by_kind, |who| by_kind.max(who.least_nodes()))
    }

    /// Whether its numbers are such that a probe can see it take hold, and see it gone again.
    ///
    /// # Errors
    /// Which number is not.
    pub fn check_bounds(&self) -> Result<(), Impossible> {
        let result = match self {
            Self::Clock { skew, .. } => skew.check_bounds(),
            Self::Link { shape, .. } => check_link(shape),
            Self::Storage { ailment, by_ns, .. } => check_slowness(*ailment, *by_ns),
            Self::Partition { .. }
            | Self::Kill { .. }
            | Self::Pause { .. }
            | Self::Disk { .. }
            | Self::Membership { .. }
            | Self::Transfer { .. } => Ok(()),
        };
        let is_nobody = matches!(self.who(), Some(Targeting::Named(nodes)) if nodes.is_empty());
        let result = match result {
            Ok(()) if is_nobody => Err("it names no node"),
            result => result,
        };
        result.map_err(|reason| Impossible::OutOfBounds {
            fault: self.to_string(),
            reason: reason.to_owned(),
        })
    }

    /// Whether a world with these capabilities and this many nodes could ever make it.
    ///
    /// # Errors
    /// Why not.
    pub fn check_against(
        &self,
        capabilities: &Capabilities,
        nodes: usize,
    ) -> Result<(), Impossible> {
        self.check_bounds()?;
        if !capabilities.contains(&self.capability()) {
            return Err(Impossible::Unsupported {
                fault: self.to_string(),
                capability: self.capability().name().to_owned(),
            });
        }
        if nodes < self.least_nodes() {
            return Err(Impossible::TooFewNodes {
                fault: self.to_string(),
                needed: self.least_nodes(),
                nodes,
            });
        }
        Ok(())
    }

    /// How often it must be looked after while it lasts: a strobe jumps again, and the cluster is asked
    /// again whether it has taken in the new node, or the power has failed. `None` when once is enough.
    pub fn tick_every_ns(&self) -> Option<u64> {
        match self {
            Self::Clock { skew, .. } => match skew {
                Skew::Strobe { every_ns, .. } => Some((*every_ns).max(Skew::LEAST_EVERY_NS)),
                Skew::Bump { .. } | Skew::Drift { .. } => None,
            },
            Self::Membership { .. } => Some(MEMBERSHIP_TICK_NS),
            Self::Transfer { .. } => Some(TRANSFER_TICK_NS),
            Self::Disk { .. } => Some(DISK_TICK_NS),
            Self::Storage { ailment, .. } => match ailment.info().shows {
                Shows::AtAWrite | Shows::AtAStart => Some(DISK_TICK_NS),
                Shows::AtOnce | Shows::OnTheDisk => None,
            },
            Self::Partition { .. } | Self::Kill { .. } | Self::Pause { .. } | Self::Link { .. } => {
                None
            }
        }
    }
}

/// No sync takes longer by more: what waits for it must come to an end within a run.
const LONGEST_SYNC_NS: u64 = 60_000_000_000;

fn check_slowness(ailment: Ailment, by_ns: u64) -> Result<(), &'static str> {
    match (ailment.info().slow_ms, by_ns) {
        (None, 0) | (Some(_), 1..=LONGEST_SYNC_NS) => Ok(()),
        (None, _) => Err("only a slow disk has a time"),
        (Some(_), _) => Err("a sync takes longer by more than nothing, and by 1m at the most"),
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // That is what serde hands over.
fn is_zero(value: &u64) -> bool {
    *value == 0
}

const MEMBERSHIP_TICK_NS: u64 = 100_000_000;
const TRANSFER_TICK_NS: u64 = 10_000_000;
const DISK_TICK_NS: u64 = 25_000_000;

/// The fault as a line of a script says it, and as a script reads it.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partition { shape } => write!(f, "partition {}", shape.name()),
            Self::Kill { who } => write!(f, "kill {}", who.name()),
            Self::Pause { who } => write!(f, "pause {}", who.name()),
            Self::Clock { who, skew } => match skew {
                Skew::Bump { by_ns } => {
                    write!(f, "clock bump {} {}", format_signed_ns(*by_ns), who.name())
                }
                Skew::Strobe { by_ns, every_ns } => {
                    let (by, every) = (format_signed_ns(*by_ns), format_ns(*every_ns));
                    write!(f, "clock strobe {by} every {every} {}", who.name())
                }
                Skew::Drift { ppm } => write!(f, "clock drift {ppm:+}ppm {}", who.name()),
            },
            Self::Link { who, shape } => {
                f.write_str(self.kind().name())?;
                for (name, value) in [("delay", shape.delay_ns), ("jitter", shape.jitter_ns)] {
                    if value > 0 {
                        write!(f, " {name} {}", format_ns(value))?;
                    }
                }
                for (name, value) in [
                    ("rate", shape.rate_bytes_s),
                    ("slice", u64::from(shape.slice_bytes)),
                ] {
                    if value > 0 {
                        write!(f, " {name} {value}B")?;
                    }
                }
                for (name, value) in [
                    ("loss", shape.loss_ppm),
                    ("duplication", shape.duplicate_ppm),
                    ("reordering", shape.reorder_ppm),
                    ("reset", shape.reset_ppm),
                    ("half-close", shape.half_close_ppm),
                ] {
                    if value > 0 {
                        write!(f, " {name} {value}ppm")?;
                    }
                }
                write!(f, " {}", who.name())
            }
            Self::Storage {
                who,
                ailment,
                by_ns,
            } => {
                write!(f, "storage {}", ailment.name())?;
                if *by_ns > 0 {
                    write!(f, " {}", format_ns(*by_ns))?;
                }
                write!(f, " {}", who.name())
            }
            Self::Disk { who, damage } => write!(f, "disk {} {}", damage.name(), who.name()),
            Self::Membership { change } => match change {
                Change::Grow => f.write_str("membership grow"),
                Change::Shrink { who } => write!(f, "membership shrink {}", who.name()),
            },
            Self::Transfer { who } => write!(f, "transfer {}", who.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_in_bounds(skew: Skew) -> bool {
        let who = Targeting::One;
        Fault::Clock { who, skew }.check_bounds().is_ok()
    }

    #[test]
    fn what_nobody_could_see_or_undo_is_out_of_bounds() {
        let year_ns = 365 * 24 * 3_600_000_000_000;
        for (by_ns, is_good) in [
            (0, false),
            (1_000, false),
            (1_001, true),
            (year_ns, true),
            (year_ns + 1, false),
        ] {
            for by_ns in [by_ns, -by_ns] {
                let every_ns = 1_000_000;
                assert_eq!(is_in_bounds(Skew::Bump { by_ns }), is_good, "{by_ns}");
                assert_eq!(is_in_bounds(Skew::Strobe { by_ns, every_ns }), is_good);
            }
        }
        assert!(!is_in_bounds(Skew::Bump { by_ns: i64::MIN }));
        let (by_ns, every_ns) = (1_000_000, 999_999);
        assert!(!is_in_bounds(Skew::Strobe { by_ns, every_ns }));
        for (ppm, is_good) in [
            (0, false),
            (-1, true),
            (-900_000, true),
            (-900_001, false),
            (9_000_001, false),
        ] {
            assert_eq!(is_in_bounds(Skew::Drift { ppm }), is_good, "{ppm}");
        }
        let world = [Capability::BumpClock].into();
        let still = Fault::Clock {
            who: Targeting::One,
            skew: Skew::Bump { by_ns: 0 },
        };
        assert_eq!(
            still.check_against(&world, 5).unwrap_err().to_string(),
            "clock bump +0s one is out of bounds: a clock must jump by more than 1us for anybody to see it"
        );
    }
}
