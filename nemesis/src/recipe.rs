//! What is drawn under a precise name: a fault whose whom and how much are left to chance.
//!
//! Ranges follow Jepsen's combined nemesis where it has them (clocks are drawn with an even logarithm, so that
//! small and large errors are equally likely), and are otherwise such that a run of thirty seconds feels them.

use rand::RngExt;
use rand::seq::IndexedRandom;
use rupture_targets::random::Stream;
use rupture_targets::{Capabilities, LinkShape};
use serde::{Deserialize, Serialize};

use crate::ailment::{Ailment, Shows};
use crate::fault::{Change, Damage, Fault, FaultKind, Impossible, Shape, Skew, Targeting};

const MS: u64 = 1_000_000;

/// What a precise name draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipe {
    /// A partition of this shape.
    Partition(Shape),
    /// Kill these.
    Kill(Group),
    /// Pause these.
    Pause(Group),
    /// Wall clocks jump once.
    ClockBump,
    /// Wall clocks jump to and fro.
    ClockStrobe,
    /// Clocks run at a wrong rate.
    ClockDrift,
    /// Messages come late.
    LinkDelay,
    /// Messages are lost.
    LinkLoss,
    /// Messages come twice.
    LinkDuplication,
    /// Messages overtake each other.
    LinkReordering,
    /// Unsynced writes are lost.
    DiskLostWrites,
    /// The last write is torn.
    DiskTorn,
    /// A node joins.
    Grow,
    /// A node leaves.
    Shrink,
    /// A leader hands over.
    Transfer,
    /// Disks do this wrong.
    Storage(Ailment),
    /// Links carry little at a time.
    LinkRate,
    /// Links cut what they carry into slices.
    LinkSlice,
    /// Connections are reset.
    LinkReset,
    /// Connections are closed to one side, and the other does not notice.
    LinkHalfClose,
}

/// A targeting without names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// [`Targeting::One`].
    One,
    /// [`Targeting::Minority`].
    Minority,
    /// [`Targeting::Majority`].
    Majority,
    /// [`Targeting::All`].
    All,
    /// [`Targeting::Primaries`].
    Primaries,
}

/// Clocks and links of any number of nodes may be wrong.
const ANY_NUMBER: [Group; 4] = [Group::One, Group::Minority, Group::Majority, Group::All];
const ANYBODY: [Group; 5] = [
    Group::One,
    Group::Minority,
    Group::Majority,
    Group::All,
    Group::Primaries,
];

impl Group {
    fn targeting(self) -> Targeting {
        match self {
            Self::One => Targeting::One,
            Self::Minority => Targeting::Minority,
            Self::Majority => Targeting::Majority,
            Self::All => Targeting::All,
            Self::Primaries => Targeting::Primaries,
        }
    }
}

impl Recipe {
    /// The kind of fault that it draws.
    pub fn kind(self) -> FaultKind {
        self.smallest().kind()
    }

    /// Whether it can draw a fault that this world and this many nodes allow.
    ///
    /// # Errors
    /// Why not.
    pub fn check_against(
        self,
        capabilities: &Capabilities,
        nodes: usize,
    ) -> Result<(), Impossible> {
        self.smallest().check_against(capabilities, nodes)
    }

    /// The fault that it draws with the least demands.
    fn smallest(self) -> Fault {
        match self {
            Self::Partition(shape) => Fault::Partition { shape },
            Self::Kill(group) => Fault::Kill {
                who: group.targeting(),
            },
            Self::Pause(group) => Fault::Pause {
                who: group.targeting(),
            },
            Self::ClockBump => clock(
                Targeting::One,
                Skew::Bump {
                    by_ns: 64 * MS as i64,
                },
            ),
            Self::ClockStrobe => clock(
                Targeting::One,
                Skew::Strobe {
                    by_ns: 4 * MS as i64,
                    every_ns: 10 * MS,
                },
            ),
            Self::ClockDrift => clock(Targeting::One, Skew::Drift { ppm: 500 }),
            Self::LinkDelay | Self::LinkLoss | Self::LinkDuplication | Self::LinkReordering => {
                Fault::Link {
                    who: Targeting::One,
                    shape: LinkShape {
                        delay_ns: 10 * MS,
                        ..LinkShape::default()
                    },
                }
            }
            Self::DiskLostWrites => disk(Targeting::One, Damage::LostWrites),
            Self::DiskTorn => disk(Targeting::One, Damage::Torn),
            Self::Grow => Fault::Membership {
                change: Change::Grow,
            },
            Self::Shrink => Fault::Membership {
                change: Change::Shrink {
                    who: Targeting::One,
                },
            },
            Self::Transfer => Fault::Transfer {
                who: Targeting::One,
            },
            Self::Storage(ailment) => Fault::Storage {
                who: Targeting::One,
                ailment,
                by_ns: ailment.info().slow_ms.map_or(0, |ms| ms.start() * MS),
            },
            Self::LinkRate | Self::LinkSlice | Self::LinkReset | Self::LinkHalfClose => {
                Fault::Link {
                    who: Targeting::One,
                    shape: LinkShape {
                        slice_bytes: 1,
                        ..LinkShape::default()
                    },
                }
            }
        }
    }

    /// Draws a fault for a cluster of this many nodes.
    pub fn draw(self, nodes: usize, random: &mut Stream) -> Fault {
        match self.smallest() {
            Fault::Clock { skew, .. } => {
                clock(among(&ANY_NUMBER, nodes, random), draw_skew(skew, random))
            }
            Fault::Link { .. } => Fault::Link {
                who: among(&ANY_NUMBER, nodes, random),
                shape: self.draw_link(random),
            },
            Fault::Disk { damage, .. } => disk(among(&ANYBODY, nodes, random), damage),
            Fault::Storage { ailment, .. } => draw_ailment(ailment, nodes, random),
            Fault::Membership {
                change: Change::Shrink { .. },
            } => Fault::Membership {
                change: Change::Shrink {
                    who: among(&[Group::One, Group::Primaries], nodes, random),
                },
            },
            whole => whole,
        }
    }

    fn draw_link(self, random: &mut Stream) -> LinkShape {
        let mut shape = LinkShape::default();
        match self {
            Self::LinkLoss => shape.loss_ppm = random.random_range(50_000..=500_000),
            Self::LinkDuplication => shape.duplicate_ppm = random.random_range(50_000..=500_000),
            Self::LinkReordering => shape.reorder_ppm = random.random_range(100_000..=750_000),
            Self::LinkRate => shape.rate_bytes_s = random.random_range(2_000..=64_000),
            Self::LinkSlice => shape.slice_bytes = random.random_range(1..=64),
            Self::LinkReset => shape.reset_ppm = random.random_range(1_000..=50_000),
            Self::LinkHalfClose => shape.half_close_ppm = random.random_range(1_000..=50_000),
            _ => {
                shape.delay_ns = random.random_range(10 * MS..=150 * MS);
                shape.jitter_ns = shape.delay_ns / 2;
            }
        }
        shape
    }
}

fn clock(who: Targeting, skew: Skew) -> Fault {
    Fault::Clock { who, skew }
}

fn disk(who: Targeting, damage: Damage) -> Fault {
    Fault::Disk { who, damage }
}

fn draw_ailment(ailment: Ailment, nodes: usize, random: &mut Stream) -> Fault {
    let info = ailment.info();
    let whom: &[Group] = match info.shows {
        // Of more than one node it could be more than a protocol with a fixed quorum survives.
        Shows::OnTheDisk => &[Group::One],
        Shows::AtOnce | Shows::AtAWrite | Shows::AtAStart => &ANYBODY,
    };
    Fault::Storage {
        who: among(whom, nodes, random),
        ailment,
        by_ns: info.slow_ms.map_or(0, |ms| random.random_range(ms) * MS),
    }
}

/// One of the groups that a cluster of this size has.
fn among(groups: &[Group], nodes: usize, random: &mut Stream) -> Targeting {
    let possible: Vec<Targeting> = groups
        .iter()
        .map(|group| group.targeting())
        .filter(|who| who.least_nodes() <= nodes)
        .collect();
    possible.choose(random).cloned().unwrap_or(Targeting::One)
}

fn draw_skew(skew: Skew, random: &mut Stream) -> Skew {
    let sign = if random.random_range(0..2) == 0 {
        1
    } else {
        -1
    };
    match skew {
        // 64 ms to 65 s.
        Skew::Bump { .. } => Skew::Bump {
            by_ns: sign * powers_of_two(6..=15, random) as i64,
        },
        // 4 ms to 2 s.
        Skew::Strobe { .. } => Skew::Strobe {
            by_ns: sign * powers_of_two(2..=10, random) as i64,
            every_ns: random.random_range(10..=200) * MS,
        },
        Skew::Drift { .. } => Skew::Drift {
            ppm: sign * random.random_range(500..=10_000),
        },
    }
}

/// Milliseconds, in nanoseconds, drawn with an even logarithm.
fn powers_of_two(powers: std::ops::RangeInclusive<u32>, random: &mut Stream) -> u64 {
    let whole = 1 << random.random_range(powers);
    (whole + random.random_range(0..whole)) * MS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::parse;
    use proptest::prelude::*;
    use rupture_targets::{Capability, random};

    /// Each group of each recipe, and each shape.
    #[test]
    fn every_kind_can_be_drawn_where_everything_is_possible() {
        let world: Capabilities = Capability::ALL.into();
        for recipe in Recipe::ALL {
            assert_eq!(recipe.check_against(&world, 5), Ok(()), "{}", recipe.name());
        }
    }

    proptest! {
        /// What is possible by name is possible as drawn.
        #[test]
        fn every_draw_is_possible(nodes in 1usize..=9, seed: u64) {
            let world: Capabilities = Capability::ALL.into();
            let all = parse(&["all"]).unwrap().check_against(&world, nodes).unwrap();
            let mut stream = random::stream(seed, "nemesis");
            for recipe in all.pools().into_values().flatten() {
                let fault = recipe.draw(nodes, &mut stream);
                prop_assert_eq!(fault.kind(), recipe.kind());
                prop_assert_eq!(fault.check_against(&world, nodes), Ok(()));
            }
        }
    }
}
