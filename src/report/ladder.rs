//! The levels of isolation as a small picture: which hold, which fail, side by side in three families.

use rupture_workloads::checkers::history::{Rung, Validity};
use rupture_workloads::checkers::isolation::Level;

use super::style;
use crate::report;

/// What the names of levels do not say, and what other tools mean by them.
pub const LEGEND: [&str; 3] = [
    "read-committed, monotonic-atomic-view and read-atomic do not count sessions; where Plume, AWDIT and dbcop judge levels \
     of these names, the order of each session has to be kept as well",
    "what Plume (TCC), AWDIT and dbcop call causal is causal-convergence here; causal is weaker: CC of Bouajjani et al. 2017, \
     whose CM is causal-memory",
    "each session guarantee takes an order of versions of its own: that all four hold does not say that one order serves \
     them together",
];

/// The families, each from its strongest level down.
const FAMILIES: [(&str, &[Level]); 3] = [
    (
        "one order for all",
        &[
            Level::StrictSerializable,
            Level::StrongSessionSerializable,
            Level::Serializable,
            Level::RepeatableRead,
            Level::CursorStability,
            Level::ReadCommitted,
            Level::ReadUncommitted,
        ],
    ),
    (
        "snapshots",
        &[
            Level::StrongSnapshotIsolation,
            Level::StrongSessionSnapshotIsolation,
            Level::SnapshotIsolation,
            Level::ParallelSnapshotIsolation,
            Level::ConsistentView,
            Level::UpdateAtomic,
            Level::ReadAtomic,
            Level::MonotonicAtomicView,
        ],
    ),
    (
        "sessions",
        &[
            Level::Prefix,
            Level::CausalConvergence,
            Level::CausalMemory,
            Level::Causal,
            Level::Pram,
            Level::MonotonicReads,
            Level::MonotonicWrites,
            Level::ReadYourWrites,
            Level::WritesFollowReads,
        ],
    ),
];

/// Between two families.
const GAP: usize = 3;

/// Draws a ladder; nothing where there is none.
pub fn draw(ladder: &[Rung], width: usize) -> Vec<String> {
    if ladder.is_empty() {
        return Vec::new();
    }
    let families: Vec<Family> = FAMILIES
        .iter()
        .map(|(title, levels)| Family::of(title, levels, ladder))
        .filter(|family| !family.rungs.is_empty())
        .collect();
    let together: usize = families.iter().map(|family| family.width + GAP).sum();
    let mut lines = if together + 2 <= width + GAP {
        side_by_side(&families)
    } else {
        families.iter().flat_map(Family::lines).collect()
    };
    lines.push(String::new());
    lines.extend(extremes(ladder, width));
    for sentence in LEGEND {
        lines.extend(
            report::wrap(sentence, width, "  ")
                .into_iter()
                .map(style::dim),
        );
    }
    lines
}

/// One family: its title and its rungs, as text and as it is coloured.
struct Family {
    title: &'static str,
    rungs: Vec<(String, Validity)>,
    width: usize,
}

impl Family {
    fn of(title: &'static str, levels: &[Level], ladder: &[Rung]) -> Self {
        let rungs: Vec<(String, Validity)> = levels
            .iter()
            .filter_map(|level| {
                let rung = ladder.iter().find(|rung| rung.level == level.name())?;
                Some((rung.level.clone(), rung.validity))
            })
            .collect();
        let widest = rungs.iter().map(|(name, _)| name.len() + 2).max();
        let width = widest.unwrap_or(0).max(title.len());
        Self {
            title,
            rungs,
            width,
        }
    }

    /// A line of the family, padded; `0` is the title.
    fn line(&self, number: usize) -> String {
        let Some(at) = number.checked_sub(1) else {
            let rest = self.width - self.title.len();
            return format!("{}{}", style::dim(self.title), " ".repeat(rest));
        };
        match self.rungs.get(at) {
            None => " ".repeat(self.width),
            Some((name, validity)) => {
                let rest = self.width - name.len() - 2;
                let mark = style::mark(*validity);
                let name = match validity {
                    Validity::Valid => name.clone(),
                    Validity::Invalid | Validity::Unknown => style::dim(name),
                };
                format!("{mark} {name}{}", " ".repeat(rest))
            }
        }
    }

    fn lines(&self) -> Vec<String> {
        (0..=self.rungs.len())
            .map(|number| format!("  {}", self.line(number)))
            .collect()
    }
}

fn side_by_side(families: &[Family]) -> Vec<String> {
    let longest = families.iter().map(|family| family.rungs.len()).max();
    (0..=longest.unwrap_or(0))
        .map(|number| {
            let parts: Vec<String> = families.iter().map(|family| family.line(number)).collect();
            format!("  {}", parts.join(&" ".repeat(GAP)))
                .trim_end()
                .to_owned()
        })
        .collect()
}

/// The strongest levels that hold and the weakest that fail.
fn extremes(ladder: &[Rung], width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let holds = strongest_that_hold(ladder);
    if !holds.is_empty() {
        lines.extend(report::wrap(
            &format!("holds {}", holds.join(", ")),
            width,
            "  ",
        ));
    }
    let fails = weakest_that_fail(ladder);
    if !fails.is_empty() {
        lines.extend(report::wrap(
            &format!("fails {}", fails.join(", ")),
            width,
            "  ",
        ));
    }
    lines
}

/// The levels that hold and that no other that holds implies.
pub fn strongest_that_hold(ladder: &[Rung]) -> Vec<String> {
    names(&Level::strongest(&levels(ladder, Validity::Valid)))
}

/// The levels that fail and imply no other that does.
pub fn weakest_that_fail(ladder: &[Rung]) -> Vec<String> {
    names(&Level::weakest(&levels(ladder, Validity::Invalid)))
}

/// The levels that fail because a weaker one does.
pub fn fail_as_well(ladder: &[Rung]) -> Vec<String> {
    let weakest = weakest_that_fail(ladder);
    let failed = ladder
        .iter()
        .filter(|rung| rung.validity == Validity::Invalid);
    let others = failed.filter(|rung| !weakest.contains(&rung.level));
    others.map(|rung| rung.level.clone()).collect()
}

/// The levels with this answer.
fn levels(ladder: &[Rung], validity: Validity) -> Vec<Level> {
    let judged = ladder.iter().filter(|rung| rung.validity == validity);
    judged
        .filter_map(|rung| Level::named(&rung.level))
        .collect()
}

fn names(levels: &[Level]) -> Vec<String> {
    levels.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder() -> Vec<Rung> {
        let rung = |level: Level| Rung {
            level: level.name().to_owned(),
            validity: if Level::SnapshotIsolation.implies(level) {
                Validity::Valid
            } else {
                Validity::Invalid
            },
        };
        [
            Level::StrictSerializable,
            Level::Serializable,
            Level::SnapshotIsolation,
            Level::ReadCommitted,
        ]
        .map(rung)
        .to_vec()
    }

    #[test]
    fn the_extremes_are_named_and_every_level_is_drawn() {
        assert_eq!(strongest_that_hold(&ladder()), ["snapshot-isolation"]);
        assert_eq!(weakest_that_fail(&ladder()), ["serializable"]);
        assert_eq!(fail_as_well(&ladder()), ["strict-serializable"]);
        let drawn = draw(&ladder(), 100);
        for rung in ladder() {
            let lines = drawn.iter().filter(|line| line.contains(&rung.level));
            assert!(lines.count() >= 1, "{}", rung.level);
        }
        assert!(
            draw(&ladder(), 30).len() > drawn.len(),
            "one below the other where it is narrow"
        );
        assert!(draw(&[], 100).is_empty());
    }

    #[test]
    fn every_level_has_its_place() {
        let drawn = |level: Level| FAMILIES.iter().any(|(_, levels)| levels.contains(&level));
        assert!(Level::ALL.into_iter().all(drawn));
    }
}
