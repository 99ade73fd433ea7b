//! The names that people choose faults by.
//!
//! A precise name (`partition-halves`, `clock-drift`) is a [`Recipe`]; the name of a kind (`partition`) is all
//! recipes of that kind; `default`, `all` and `none` are words of their own. [`parse`] reads a list of names,
//! and [`Selection::check_against`] refuses what this world and this many nodes do not allow, before anything
//! starts.

use std::collections::{BTreeMap, BTreeSet};

use rupture_targets::Capabilities;
use serde::{Deserialize, Serialize};

use crate::evidence::Asked;
use crate::fault::{FaultKind, Impossible, Shape};
use crate::recipe::{Group, Recipe};

/// A choice of faults, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NemesisInfo {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
}

struct Row {
    info: NemesisInfo,
    recipe: Recipe,
}

const fn row(name: &'static str, recipe: Recipe, about: &'static str) -> Row {
    let info = NemesisInfo { name, about };
    Row { info, recipe }
}

const fn info(name: &'static str, about: &'static str) -> NemesisInfo {
    NemesisInfo { name, about }
}

/// The words that stand for several kinds, and the kinds.
const WORDS: [NemesisInfo; 11] = [
    info(
        "default",
        "partition, kill, pause, clock, disk and transfer, as far as they are possible",
    ),
    info("all", "every kind, as far as it is possible"),
    info("none", "no fault"),
    info("partition", "nodes cannot hear each other, in any shape"),
    info("kill", "processes die and start again"),
    info("pause", "processes stand still"),
    info("clock", "clocks lie"),
    info("link", "links delay, lose, double and reorder messages"),
    info(
        "disk",
        "the power fails, and disks forget what was not synced",
    ),
    info("membership", "nodes join and leave"),
    info("transfer", "leaders hand over to another node"),
];

const DEFAULT: [FaultKind; 6] = [
    FaultKind::Partition,
    FaultKind::Kill,
    FaultKind::Pause,
    FaultKind::Clock,
    FaultKind::Disk,
    FaultKind::Transfer,
];

const RECIPES: [Row; 30] = [
    row(
        "partition-halves",
        Recipe::Partition(Shape::Halves),
        "two halves that cannot hear each other",
    ),
    row(
        "partition-one",
        Recipe::Partition(Shape::One),
        "one node apart from all others",
    ),
    row(
        "partition-minority",
        Recipe::Partition(Shape::Minority),
        "a random minority, together, apart from all others",
    ),
    row(
        "partition-majority",
        Recipe::Partition(Shape::Majority),
        "the smallest majority stays together, every other node is alone",
    ),
    row(
        "partition-majorities-ring",
        Recipe::Partition(Shape::MajoritiesRing),
        "every node hears a majority, no two the same one",
    ),
    row(
        "partition-bridge",
        Recipe::Partition(Shape::Bridge),
        "two halves that only one node joins",
    ),
    row(
        "partition-one-way",
        Recipe::Partition(Shape::OneWay),
        "some nodes cannot hear the others, which hear them",
    ),
    row(
        "partition-primaries",
        Recipe::Partition(Shape::Primaries),
        "every primary is alone",
    ),
    row("kill-one", Recipe::Kill(Group::One), "a process dies"),
    row(
        "kill-minority",
        Recipe::Kill(Group::Minority),
        "a minority of the processes dies",
    ),
    row(
        "kill-majority",
        Recipe::Kill(Group::Majority),
        "a majority of the processes dies",
    ),
    row("kill-all", Recipe::Kill(Group::All), "every process dies"),
    row(
        "kill-primaries",
        Recipe::Kill(Group::Primaries),
        "every primary's process dies",
    ),
    row(
        "pause-one",
        Recipe::Pause(Group::One),
        "a process stands still",
    ),
    row(
        "pause-minority",
        Recipe::Pause(Group::Minority),
        "a minority of the processes stands still",
    ),
    row(
        "pause-majority",
        Recipe::Pause(Group::Majority),
        "a majority of the processes stands still",
    ),
    row(
        "pause-all",
        Recipe::Pause(Group::All),
        "every process stands still",
    ),
    row(
        "pause-primaries",
        Recipe::Pause(Group::Primaries),
        "every primary's process stands still",
    ),
    row(
        "clock-bump",
        Recipe::ClockBump,
        "wall clocks jump, up to a minute either way",
    ),
    row(
        "clock-strobe",
        Recipe::ClockStrobe,
        "wall clocks jump to and fro",
    ),
    row(
        "clock-drift",
        Recipe::ClockDrift,
        "clocks run up to a hundredth too fast or too slow",
    ),
    row("link-delay", Recipe::LinkDelay, "messages come late"),
    row("link-loss", Recipe::LinkLoss, "messages are lost"),
    row(
        "link-duplication",
        Recipe::LinkDuplication,
        "messages come twice",
    ),
    row(
        "link-reordering",
        Recipe::LinkReordering,
        "messages overtake each other",
    ),
    row(
        "disk-lost-writes",
        Recipe::DiskLostWrites,
        "the power fails, and every unsynced write is lost",
    ),
    row(
        "disk-torn",
        Recipe::DiskTorn,
        "the power fails during a write, and tears it",
    ),
    row("membership-grow", Recipe::Grow, "a node joins"),
    row("membership-shrink", Recipe::Shrink, "a node leaves"),
    row(
        "transfer-one",
        Recipe::Transfer,
        "a leader hands over to a random node",
    ),
];

/// Every name that [`parse`] knows, in the order in which people should see them.
pub fn nemeses() -> Vec<NemesisInfo> {
    WORDS
        .into_iter()
        .chain(RECIPES.iter().map(|row| row.info))
        .collect()
}

impl Recipe {
    /// Its name on the command line. It stands here because the catalogue gives the names.
    pub fn name(self) -> &'static str {
        RECIPES
            .iter()
            .find(|row| row.recipe == self)
            .map_or("?", |row| row.info.name)
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
            "default" => DEFAULT
                .into_iter()
                .for_each(|kind| self.add_kind(kind, false)),
            "all" => FaultKind::ALL
                .into_iter()
                .for_each(|kind| self.add_kind(kind, false)),
            _ => self.add_one(name)?,
        }
        Ok(())
    }

    fn add_kind(&mut self, kind: FaultKind, strict: bool) {
        let recipes = RECIPES.iter().map(|row| row.recipe);
        self.choices.push(Choice {
            name: kind.name().to_owned(),
            recipes: recipes.filter(|recipe| recipe.kind() == kind).collect(),
            strict,
        });
    }

    fn add_one(&mut self, name: &str) -> Result<(), UnknownNemesis> {
        if let Some(kind) = FaultKind::ALL.into_iter().find(|kind| kind.name() == name) {
            self.add_kind(kind, true);
        } else if let Some(row) = RECIPES.iter().find(|row| row.info.name == name) {
            self.choices.push(Choice {
                name: name.to_owned(),
                recipes: vec![row.recipe],
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
        let recipes: BTreeSet<Recipe> = RECIPES.iter().map(|row| row.recipe).collect();
        assert_eq!(names.len(), nemeses().len());
        assert_eq!(recipes.len(), RECIPES.len());
        let prefixed = |row: &Row| row.info.name.starts_with(row.recipe.kind().name());
        assert!(RECIPES.iter().all(prefixed));
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
        let alone = DEFAULT.into_iter().filter(|kind| {
            // Nobody to be cut off from, and nobody to hand over to.
            !matches!(kind, FaultKind::Partition | FaultKind::Transfer)
        });
        assert!(alone.eq(kinds));
        let two = parse(&["partition"]).unwrap();
        let pools = two.check_against(&everything(), 2).unwrap().pools();
        assert!(!pools[&FaultKind::Partition].contains(&Recipe::Partition(Shape::Bridge)));
    }
}
