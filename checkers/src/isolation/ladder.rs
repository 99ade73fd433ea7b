//! The levels of a history: which are the strongest that hold, and which the weakest that fail.

use rupture_history::{Rung, Validity};

use super::Level;

/// Judges levels, the stronger ones before those that they imply. What a stronger level implies is not judged
/// again, and a level above one that fails fails as well.
pub(crate) fn climb(levels: &[Level], mut judge: impl FnMut(Level) -> Validity) -> Vec<Rung> {
    let mut judged: Vec<(Level, Validity)> = Vec::with_capacity(levels.len());
    for &level in levels {
        let implied = judged
            .iter()
            .any(|&(above, validity)| validity == Validity::Valid && above.implies(level));
        let validity = if implied {
            Validity::Valid
        } else {
            judge(level)
        };
        if validity == Validity::Invalid {
            for (above, validity) in &mut judged {
                if above.implies(level) {
                    *validity = Validity::Invalid;
                }
            }
        }
        judged.push((level, validity));
    }
    judged
        .into_iter()
        .map(|(level, validity)| Rung {
            level: level.name().to_owned(),
            validity,
        })
        .collect()
}

/// The weakest levels that fail: those that imply no other that does.
pub(crate) fn weakest_that_fail(rungs: &[Rung]) -> Vec<String> {
    let failed = levels(rungs, Validity::Invalid);
    let weakest = Level::weakest(&failed);
    weakest.iter().map(ToString::to_string).collect()
}

/// The levels with this answer.
fn levels(rungs: &[Rung], validity: Validity) -> Vec<Level> {
    rungs
        .iter()
        .filter(|rung| rung.validity == validity)
        .filter_map(|rung| Level::named(&rung.level))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_implied_is_not_judged_and_what_implies_a_failure_fails() {
        let mut asked = Vec::new();
        let rungs = climb(&Level::ALL, |level| {
            asked.push(level);
            match level {
                Level::SnapshotIsolation => Validity::Valid,
                Level::StrictSerializable => Validity::Unknown,
                _ => Validity::Invalid,
            }
        });
        let of = |level: Level| {
            let rung = rungs.iter().find(|rung| rung.level == level.name());
            rung.map(|rung| rung.validity)
        };
        assert_eq!(of(Level::StrictSerializable), Some(Validity::Invalid));
        assert_eq!(of(Level::ReadCommitted), Some(Validity::Valid));
        assert!(!asked.contains(&Level::ReadCommitted));
        assert!(weakest_that_fail(&rungs).contains(&"repeatable-read".to_owned()));
        assert!(!weakest_that_fail(&rungs).contains(&"serializable".to_owned()));
    }
}
