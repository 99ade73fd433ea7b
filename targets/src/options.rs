//! What a target is built from, what of it can be set, and why it cannot be built.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A setting of a target, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingInfo {
    /// Its name, with the unit last.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    /// The least that it may be.
    pub least: u64,
    /// The most that it may be.
    pub most: u64,
    /// What it is where nobody says.
    pub default: u64,
}

/// What was set, by the names of [`SettingInfo`].
pub type Settings = BTreeMap<String, u64>;

/// A target with one named bug switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MutantInfo {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line: what is wrong in it.
    pub about: &'static str,
    /// The models whose operations it can show in, all of [`crate::TargetInfo::models`] or fewer.
    pub models: &'static [&'static str],
}

/// What a target is built from. Same options, same run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetOptions {
    /// How many nodes the cluster begins with.
    pub nodes: u32,
    /// How many client threads there are.
    pub threads: usize,
    /// From which every random number of the target is drawn.
    pub seed: u64,
    /// What the operations mean: a name of [`crate::TargetInfo::models`].
    pub model: String,
    /// Whether values are `[key value]`, keys being independent of each other.
    pub independent: bool,
    /// One bug to switch on: a name of [`crate::TargetInfo::mutants`].
    pub mutant: Option<String>,
    /// How reads are answered: a name of [`crate::TargetInfo::reads`], or the target's default.
    pub reads: Option<String>,
    /// Numbers by the names of [`crate::TargetInfo::settings`]; the target's default for every other.
    pub settings: Settings,
    /// Whether [`crate::Happening::Node`] is wanted: it costs time.
    pub watch: bool,
    /// Whether a client goes where a leader is said to be, and on to another node after a failure. One that does not
    /// talks to its own node alone.
    #[serde(default = "usually")]
    pub follow: bool,
}

fn usually() -> bool {
    true
}

impl Default for TargetOptions {
    /// Five nodes, ten threads that follow hints, independent cas-registers, no bug, not watched.
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
            follow: true,
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
