//! The names that people choose faults by.
//!
//! A precise name (`partition-halves`, `clock-drift`) is a [`Recipe`]; the name of a kind (`partition`) is all
//! recipes of that kind; `default`, `all` and `none` are words of their own. [`parse`] reads a list of names,
//! and [`Selection::check_against`] refuses what this world and this many nodes do not allow, before anything
//! starts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use rupture_targets::Capabilities;
use serde::{Deserialize, Serialize};

use crate::ailment::Ailment;
use crate::evidence::Asked;
use crate::fault::{FaultKind, Impossible, Shape};
use crate::recipe::{Group, Recipe};
use crate::script::join;

/// A choice of faults, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NemesisInfo {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
}

const fn info(name: &'static str, about: &'static str) -> NemesisInfo {
    NemesisInfo { name, about }
}

/// The words that stand for several kinds.
fn words() -> [NemesisInfo; 3] {
    static DEFAULT: LazyLock<String> = LazyLock::new(|| {
        let kinds: Vec<&str> = FaultKind::default_kinds().map(FaultKind::name).collect();
        format!("{}, as far as they are possible", join(&kinds, "and"))
    });
    [
        info("default", &DEFAULT),
        info("all", "every kind, as far as it is possible"),
        info("none", "no fault"),
    ]
}

/// Gives every recipe its name and its line. A recipe without a row does not compile.
macro_rules! recipes {
    ($( $name:literal $recipe:ident $( ( $of:ident :: $part:ident ) )? : $about:literal, )+) => {
        impl Recipe {
            /// Every recipe, in the order in which people should see them.
            pub const ALL: [Self; [$($name),+].len()] = [$( Self::$recipe $( ($of::$part) )? ),+];

            /// Its name on the command line, and its line.
            pub(crate) const fn info(self) -> NemesisInfo {
                match self {
                    $( Self::$recipe $( ($of::$part) )? => info($name, $about), )+
                }
            }
        }
    };
}

recipes! {
    "partition-halves" Partition(Shape::Halves): "two halves that cannot hear each other",
    "partition-one" Partition(Shape::One): "one node apart from all others",
    "partition-minority" Partition(Shape::Minority): "a random minority, together, apart from all others",
    "partition-majority" Partition(Shape::Majority): "the smallest majority stays together, every other node is alone",
    "partition-majorities-ring" Partition(Shape::MajoritiesRing): "every node hears a majority, no two the same one",
    "partition-bridge" Partition(Shape::Bridge): "two halves that only one node joins",
    "partition-one-way" Partition(Shape::OneWay): "some nodes cannot hear the others, which hear them",
    "partition-primaries" Partition(Shape::Primaries): "every primary is alone",
    "kill-one" Kill(Group::One): "a process dies",
    "kill-minority" Kill(Group::Minority): "a minority of the processes dies",
    "kill-majority" Kill(Group::Majority): "a majority of the processes dies",
    "kill-all" Kill(Group::All): "every process dies",
    "kill-primaries" Kill(Group::Primaries): "every primary's process dies",
    "pause-one" Pause(Group::One): "a process stands still",
    "pause-minority" Pause(Group::Minority): "a minority of the processes stands still",
    "pause-majority" Pause(Group::Majority): "a majority of the processes stands still",
    "pause-all" Pause(Group::All): "every process stands still",
    "pause-primaries" Pause(Group::Primaries): "every primary's process stands still",
    "clock-bump" ClockBump: "wall clocks jump, up to a minute either way",
    "clock-strobe" ClockStrobe: "wall clocks jump to and fro",
    "clock-drift" ClockDrift: "clocks run up to a hundredth too fast or too slow",
    "link-delay" LinkDelay: "messages come late",
    "link-loss" LinkLoss: "messages are lost",
    "link-duplication" LinkDuplication: "messages come twice",
    "link-reordering" LinkReordering: "messages overtake each other",
    "disk-lost-writes" DiskLostWrites: "the power fails, and every unsynced write is lost",
    "disk-torn" DiskTorn: "the power fails during a write, and tears it",
    "membership-grow" Grow: "a node joins",
    "membership-shrink" Shrink: "a node leaves",
    "transfer-one" Transfer: "a leader hands over to a random node",
    "disk-slow" Storage(Ailment::Slow): "syncs take up to a fifth of a second longer",
    "disk-full" Storage(Ailment::Full): "a disk has no room, and its node ends at the next write",
    "disk-sync-error" Storage(Ailment::SyncError): "a sync fails, and the node ends",
    "disk-write-error" Storage(Ailment::WriteError): "a write fails, and the node ends",
    "disk-read-error" Storage(Ailment::ReadError): "a node dies, and cannot read its log when it starts",
    "disk-flip" Storage(Ailment::Flip): "a node dies, one bit of its log is flipped, and it starts again",
    "link-rate" LinkRate: "links carry a few kilobytes a second",
    "link-slice" LinkSlice: "links carry what they carry in slices of a few bytes",
    "link-reset" LinkReset: "connections are reset, and what was on them is lost",
    "link-half-close" LinkHalfClose: "connections are closed to the receiver, and the sender does not notice",
}

/// Every name that [`parse`] knows, in the order in which people should see them.
pub fn nemeses() -> Vec<NemesisInfo> {
    let kinds = FaultKind::ALL.map(FaultKind::info);
    words()
        .into_iter()
        .chain(kinds.map(|kind| info(kind.name, kind.about)))
        .chain(Recipe::ALL.map(Recipe::info))
        .collect()
}

impl Recipe {
    /// Its name on the command line. It stands here because the catalogue gives the names.
    pub fn name(self) -> &'static str {
        self.info().name
    }
}

/// What was chosen: pools of recipes, one a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    choices: Vec<Choice>,
}

/// One name that was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    name: String,
    recipes: Vec<Recipe>,
    /// Whether it was asked for by itself, so that it is refused rather than left out when it cannot be.
    strict: bool,
}

/// A name that no fault has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no nemesis is called `{name}`")]
pub struct UnknownNemesis {
    /// The name that was asked for.
    pub name: String,
    /// The names that there are, for the nearest of them to be offered.
    pub known: Vec<String>,
}

/// A chosen name that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` cannot be: {reason}")]
pub struct Refused {
    /// The name.
    pub name: String,
    /// Why not.
    pub reason: Impossible,
}

/// Reads names; each may be several, separated by commas. No name at all is `none`.
///
/// # Errors
/// A name that no fault has.
pub fn parse(names: &[&str]) -> Result<Selection, UnknownNemesis> {
    let mut selection = Selection::default();
    let names = names.iter().flat_map(|list| list.split(','));
    for name in names.map(str::trim).filter(|name| !name.is_empty()) {
        selection.add(name)?;
    }
    Ok(selection)
}

impl Selection {
    fn add(&mut self, name: &str) -> Result<(), UnknownNemesis> {
        match name {
            "none" => {}
            "default" => {
                FaultKind::default_kinds().for_each(|kind| self.add_kind(kind, false));
            }
            "all" => FaultKind::ALL
                .into_iter()
                .for_each(|kind| self.add_kind(kind, false)),
            _ => self.add_one(name)?,
        }
        Ok(())
    }

    fn add_kind(&mut self, kind: FaultKind, strict: bool) {
        let recipes = Recipe::ALL.into_iter();
        self.choices.push(Choice {
            name: kind.name().to_owned(),
            recipes: recipes.filter(|recipe| recipe.kind() == kind).collect(),
            strict,
        });
    }

    fn add_one(&mut self, name: &str) -> Result<(), UnknownNemesis> {
        if let Some(kind) = FaultKind::ALL.into_iter().find(|kind| kind.name() == name) {
            self.add_kind(kind, true);
        } else if let Some(recipe) = Recipe::ALL.into_iter().find(|it| it.name() == name) {
            self.choices.push(Choice {
                name: name.to_owned(),
                recipes: vec![recipe],
                strict: true,
            });
        } else {
            return Err(UnknownNemesis {
                name: name.to_owned(),
                known: nemeses().iter().map(|info| info.name.to_owned()).collect(),
            });
        }
        Ok(())
    }

    /// Leaves out what this world and this many nodes do not allow.
    ///
    /// # Errors
    /// A name that was asked for by itself and of which nothing would be left. What `default` and `all` stand
    /// for is left out silently: they mean *as far as it is possible*.
    pub fn check_against(
        &self,
        capabilities: &Capabilities,
        nodes: usize,
    ) -> Result<Self, Refused> {
        let mut checked = Self::default();
        for choice in &self.choices {
            let mut reason = None;
            let mut kept = choice.clone();
            kept.recipes.retain(|recipe| {
                let verdict = recipe.check_against(capabilities, nodes);
                let is_possible = verdict.is_ok();
                reason = reason.take().or(verdict.err());
                is_possible
            });
            if !kept.recipes.is_empty() {
                checked.choices.push(kept);
            } else if let (true, Some(reason)) = (choice.strict, reason) {
                let name = choice.name.clone();
                return Err(Refused { name, reason });
            }
        }
        Ok(checked)
    }

    /// Whether no fault was chosen.
    pub fn is_empty(&self) -> bool {
        self.choices.is_empty()
    }

    /// The kinds that were chosen, in order.
    pub fn kinds(&self) -> Vec<FaultKind> {
        self.pools().into_keys().collect()
    }

    /// The kinds, by how they were asked for.
    pub(crate) fn asked(&self) -> Asked {
        let mut asked = Asked::default();
        for choice in &self.choices {
            let kinds = choice.recipes.iter().map(|recipe| recipe.kind());
            if choice.strict {
                asked.by_name.extend(kinds);
            } else {
                asked.if_possible.extend(kinds);
            }
        }
        asked
    }

    /// The recipes of each kind, each once.
    pub(crate) fn pools(&self) -> BTreeMap<FaultKind, Vec<Recipe>> {
        let mut pools: BTreeMap<FaultKind, BTreeSet<Recipe>> = BTreeMap::new();
        for recipe in self.choices.iter().flat_map(|choice| &choice.recipes) {
            pools.entry(recipe.kind()).or_default().insert(*recipe);
        }
        pools
            .into_iter()
            .map(|(kind, pool)| (kind, pool.into_iter().collect()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rupture_targets::Capability;

    fn everything() -> Capabilities {
        Capability::ALL.into()
    }

    #[test]
    fn every_name_is_read_and_no_other() {
        for info in nemeses() {
            assert!(parse(&[info.name]).is_ok(), "{}", info.name);
            assert!(!info.about.is_empty());
        }
        let unknown = parse(&["kill, partitoin"]).unwrap_err();
        assert_eq!(unknown.name, "partitoin");
        assert!(unknown.known.contains(&"partition".to_owned()));
        assert!(parse(&["none"]).unwrap().is_empty());
        assert!(parse(&[""]).unwrap().is_empty());
    }

    #[test]
    fn names_are_different_and_so_are_recipes() {
        let names: BTreeSet<&str> = nemeses().iter().map(|info| info.name).collect();
        let recipes = BTreeSet::from(Recipe::ALL);
        assert_eq!(names.len(), nemeses().len());
        assert_eq!(recipes.len(), Recipe::ALL.len());
    }

    #[test]
    fn every_kind_and_every_capability_has_a_recipe() {
        for kind in FaultKind::ALL {
            let draws = |recipe: &Recipe| recipe.kind() == kind;
            assert!(Recipe::ALL.iter().any(draws), "{kind} has no recipe");
        }
        // Commands are for what people want done to a node; no fault is made of them.
        let mut used = BTreeSet::from([Capability::Run]);
        for recipe in Recipe::ALL {
            let lacking = recipe.check_against(&Capabilities::new(), 9).unwrap_err();
            assert!(
                matches!(lacking, Impossible::Unsupported { .. }),
                "{lacking}"
            );
            used.extend(
                Capability::ALL
                    .into_iter()
                    .filter(|one| recipe.check_against(&[*one].into(), 9).is_ok()),
            );
        }
        assert_eq!(used, everything(), "a capability that no fault needs");
    }

    #[test]
    fn default_says_which_kinds_it_stands_for() {
        assert_eq!(
            nemeses()[0].about,
            "partition, kill, pause, clock, disk and transfer, as far as they are possible"
        );
    }

    #[test]
    fn a_name_twice_counts_once() {
        let pools = parse(&["partition,partition-one,kill-one"])
            .unwrap()
            .pools();
        assert_eq!(pools[&FaultKind::Partition].len(), Shape::ALL.len());
        assert_eq!(pools[&FaultKind::Kill], [Recipe::Kill(Group::One)]);
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_reason() {
        let refuse = |names: &str, nodes| {
            let selection = parse(&[names]).unwrap();
            selection.check_against(&everything(), nodes).unwrap_err()
        };
        assert_eq!(
            refuse("partition-bridge", 2).to_string(),
            "`partition-bridge` cannot be: partition bridge needs 3 nodes, and there are 2"
        );
        assert_eq!(
            refuse("partition", 1).to_string(),
            "`partition` cannot be: partition halves needs 2 nodes, and there is 1"
        );
        assert_eq!(refuse("membership-shrink", 1).name, "membership-shrink");
        let selection = parse(&["disk"]).unwrap();
        let refused = selection.check_against(&[Capability::Kill].into(), 5);
        assert!(refused.unwrap_err().to_string().contains("power-loss"));
    }

    #[test]
    fn the_default_leaves_out_what_cannot_be() {
        let one = parse(&["default"]).unwrap();
        let kinds = one.check_against(&everything(), 1).unwrap().kinds();
        let alone = FaultKind::default_kinds().filter(|kind| {
            // Nobody to be cut off from, and nobody to hand over to.
            !matches!(kind, FaultKind::Partition | FaultKind::Transfer)
        });
        assert!(alone.eq(kinds));
        let two = parse(&["partition"]).unwrap();
        let pools = two.check_against(&everything(), 2).unwrap().pools();
        assert!(!pools[&FaultKind::Partition].contains(&Recipe::Partition(Shape::Bridge)));
    }
}
