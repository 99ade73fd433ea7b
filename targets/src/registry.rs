//! Which targets there are, by name, and their mutants.

use std::sync::LazyLock;

use crate::Simulated;
use crate::settings::{self, SettingInfo, Settings};
use crate::{raft, single};

/// A target, for people.
#[derive(Clone, Debug)]
pub struct TargetInfo {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    /// Its mutants.
    pub mutants: Vec<MutantInfo>,
    /// The models that it can serve, by the names of `rupture check --model`.
    pub models: &'static [&'static str],
    /// How it may answer reads; the first is the default.
    pub reads: Vec<&'static str>,
    /// Its numbers that can be set.
    pub settings: Vec<SettingInfo>,
    /// Builds it in the simulator, once its names were checked.
    pub(crate) simulated: BuildSimulated,
}

pub(crate) type BuildSimulated = fn(&TargetOptions) -> Result<Box<dyn Simulated>, TargetError>;

/// A target with one named bug switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MutantInfo {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line: what is wrong in it.
    pub about: &'static str,
    /// The models whose operations it can show in, all of [`TargetInfo::models`] or fewer.
    pub models: &'static [&'static str],
}

/// What a target is built from. Same options, same run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetOptions {
    /// How many nodes the cluster begins with.
    pub nodes: u32,
    /// How many client threads there are.
    pub threads: usize,
    /// From which every random number of the target is drawn.
    pub seed: u64,
    /// What the operations mean: a name of [`TargetInfo::models`].
    pub model: String,
    /// Whether values are `[key value]`, keys being independent of each other.
    pub independent: bool,
    /// One bug to switch on: a name of [`TargetInfo::mutants`].
    pub mutant: Option<String>,
    /// How reads are answered: a name of [`TargetInfo::reads`], or the target's default.
    pub reads: Option<String>,
    /// Numbers by the names of [`TargetInfo::settings`]; the target's default for every other.
    pub settings: Settings,
    /// Whether [`crate::Happening::Node`] is wanted: it costs time.
    pub watch: bool,
}

impl Default for TargetOptions {
    /// Five nodes, ten threads, independent cas-registers, no bug, not watched.
    fn default() -> Self {
        Self {
            nodes: 5,
            threads: 10,
            seed: 0,
            model: "cas-register".to_owned(),
            independent: true,
            mutant: None,
            reads: None,
            settings: Settings::new(),
            watch: false,
        }
    }
}

/// Why a target cannot be built. Names that nobody knows carry the known ones, for the nearest of them to be
/// offered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// No target has this name.
    #[error("no target is called `{name}`; there are {}", .known.join(", "))]
    UnknownTarget {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// No target has a mutant of this name.
    #[error("no mutant is called `{name}`; {target} has {}", .known.join(", "))]
    UnknownMutant {
        /// The target.
        target: String,
        /// The name that was asked for.
        name: String,
        /// The names that the target has.
        known: Vec<String>,
    },
    /// The mutant is one of another target.
    #[error("`{mutant}` is a mutant of {owner}, not of {target}")]
    MutantOfAnother {
        /// The mutant.
        mutant: String,
        /// The target that was asked for.
        target: String,
        /// The target that has it.
        owner: String,
    },
    /// The target does not serve this model.
    #[error("{target} does not serve the model `{name}`; it serves {}", .known.join(", "))]
    UnknownModel {
        /// The target.
        target: String,
        /// The name that was asked for.
        name: String,
        /// The models that it serves.
        known: Vec<String>,
    },
    /// The target cannot answer reads in this way.
    #[error("{target} does not read by `{name}`; it reads by {}", .known.join(", "))]
    UnknownReads {
        /// The target.
        target: String,
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// The target has no setting of this name.
    #[error("{target} has no setting called `{name}`; it has {}", .known.join(", "))]
    UnknownSetting {
        /// The target.
        target: String,
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// The settings contradict each other or are out of bounds.
    #[error("{target} cannot run so: {reason}")]
    Settings {
        /// The target.
        target: String,
        /// Why not.
        reason: String,
    },
}

/// All targets, in the order in which people should see them.
pub fn targets() -> &'static [TargetInfo] {
    static TARGETS: LazyLock<Vec<TargetInfo>> =
        LazyLock::new(|| vec![raft::info(), single::info()]);
    &TARGETS
}

/// The target of this name.
///
/// # Errors
/// A name that nobody knows.
pub fn target(name: &str) -> Result<&'static TargetInfo, TargetError> {
    targets()
        .iter()
        .find(|info| info.name == name)
        .ok_or_else(|| TargetError::UnknownTarget {
            name: name.to_owned(),
            known: targets().iter().map(|info| info.name.to_owned()).collect(),
        })
}

/// Builds a target in the simulator.
///
/// # Errors
/// Names that nobody knows, and settings that contradict each other.
pub fn simulated(name: &str, options: &TargetOptions) -> Result<Box<dyn Simulated>, TargetError> {
    let info = target(name)?;
    check(info, options)?;
    (info.simulated)(options)
}

/// Refuses names that the target does not have.
fn check(info: &TargetInfo, options: &TargetOptions) -> Result<(), TargetError> {
    let target = info.name.to_owned();
    if let Some(name) = &options.mutant
        && !has_mutant(info, name)
    {
        if let Some(owner) = targets().iter().find(|other| has_mutant(other, name)) {
            return Err(TargetError::MutantOfAnother {
                mutant: name.clone(),
                target,
                owner: owner.name.to_owned(),
            });
        }
        return Err(TargetError::UnknownMutant {
            target,
            name: name.clone(),
            known: info.mutants.iter().map(|it| it.name.to_owned()).collect(),
        });
    }
    let texts = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
    if !info.models.contains(&options.model.as_str()) {
        return Err(TargetError::UnknownModel {
            target,
            name: options.model.clone(),
            known: texts(info.models),
        });
    }
    settings::check(info.name, &info.settings, &options.settings)?;
    match &options.reads {
        Some(name) if !info.reads.contains(&name.as_str()) => Err(TargetError::UnknownReads {
            target,
            name: name.clone(),
            known: texts(&info.reads),
        }),
        _ => Ok(()),
    }
}

fn has_mutant(info: &TargetInfo, name: &str) -> bool {
    info.mutants.iter().any(|mutant| mutant.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuse(name: &str, options: &TargetOptions) -> TargetError {
        match simulated(name, options) {
            Ok(_) => panic!("{name} was built"),
            Err(error) => error,
        }
    }

    #[test]
    fn names_that_nobody_knows_carry_the_known_ones() {
        let good = TargetOptions::default();
        let text = refuse("rafft", &good).to_string();
        assert_eq!(text, "no target is called `rafft`; there are raft, single");
        let with = |change: fn(&mut TargetOptions)| {
            let mut options = good.clone();
            change(&mut options);
            refuse("raft", &options).to_string()
        };
        assert!(with(|it| it.mutant = Some("stale".into())).contains("stale-read"));
        assert!(with(|it| it.model = "queue".into()).contains("fifo-queue"));
        assert!(with(|it| it.reads = Some("guess".into())).contains("read-index"));
        let set = |name: &str, value| Settings::from([(name.to_owned(), value)]);
        let refused = |settings| {
            let options = TargetOptions {
                settings,
                ..good.clone()
            };
            refuse("raft", &options).to_string()
        };
        assert!(refused(set("snapshot", 5)).contains("snapshot-threshold"));
        assert_eq!(
            refused(set("snapshot-threshold", 0)),
            "raft cannot run so: snapshot-threshold is 1 to 1000000000, not 0"
        );
        assert!(refused(set("heartbeat-ms", 150)).contains("less than the least election timeout"));
        assert!(with(|it| it.nodes = 0).contains("1 to 1000 nodes"));
        assert!(with(|it| it.nodes = 1001).contains("1 to 1000 nodes"));
        assert!(with(|it| it.threads = 0).contains("client thread"));
    }

    #[test]
    fn every_name_that_is_offered_is_built() {
        for info in targets() {
            for mutant in &info.mutants {
                let options = TargetOptions {
                    mutant: Some(mutant.name.to_owned()),
                    ..TargetOptions::default()
                };
                assert!(simulated(info.name, &options).is_ok(), "{}", mutant.name);
            }
            for (model, reads) in info
                .models
                .iter()
                .flat_map(|m| info.reads.iter().map(move |r| (m, r)))
            {
                let options = TargetOptions {
                    model: (*model).to_owned(),
                    reads: Some((*reads).to_owned()),
                    ..TargetOptions::default()
                };
                assert!(simulated(info.name, &options).is_ok(), "{model} {reads}");
            }
        }
    }
}
