//! What a schedule is made from.

use rupture_targets::{Capabilities, NodeName};
use serde::{Deserialize, Serialize};

use crate::catalogue::{Refused, Selection};
use crate::evidence::Asked;
use crate::fault::{Fault, FaultKind, Impossible, Targeting};
use crate::script::{Action, Script};
use crate::time::format_ns;

const SECOND: u64 = 1_000_000_000;

/// Which faults, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Which faults are drawn; a script says so itself.
    pub selection: Selection,
    /// How their times are chosen.
    pub timing: Timing,
    /// How long a lane waits between two faults, on average. Faults last 0.2 to 4 s where this is
    /// [`Plan::INTERVAL_NS`], and longer or shorter in proportion where it is not.
    pub interval_ns: u64,
    /// No fault begins before this time.
    pub start_ns: u64,
    /// At this time every fault ends, and no other begins.
    pub stop_ns: u64,
    /// How long the cluster is then left alone before anybody looks whether everything is gone.
    pub recovery_ns: u64,
}

impl Default for Plan {
    /// No fault, for thirty seconds.
    fn default() -> Self {
        Self::mix(Selection::default(), 30 * SECOND)
    }
}

/// How the times of faults are chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Timing {
    /// Every kind of fault comes and goes by itself, so that different kinds overlap.
    #[default]
    Mix,
    /// One fault at a time, of a random kind.
    Interval,
    /// One phase after another, each with kinds of its own, which mix; after the last phase there are no
    /// faults.
    Phases(Vec<Phase>),
    /// At the times that a script says.
    Script(Script),
}

/// One phase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// How long it lasts.
    pub lasts_ns: u64,
    /// The kinds of fault in it; none is a rest.
    pub kinds: Vec<FaultKind>,
}

/// Why a plan cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A name that was chosen cannot be.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A fault of the script cannot be.
    #[error("the script at {}: {reason}", format_ns(*.at_ns))]
    Script {
        /// When.
        at_ns: u64,
        /// Why not.
        reason: Impossible,
    },
    /// A line of the script would never be reached.
    #[error("the script at {}: faults stop at {}", format_ns(*.at_ns), format_ns(*.stop_ns))]
    TooLate {
        /// When.
        at_ns: u64,
        /// When faults stop.
        stop_ns: u64,
    },
    /// A phase has a kind that was not chosen.
    #[error("a phase has {kind} faults, and none were chosen")]
    NotChosen {
        /// The kind.
        kind: FaultKind,
    },
    /// Faults would come without a pause between them.
    #[error("the interval between faults must be at least {}, not {}", format_ns(*.least_ns), format_ns(*.interval_ns))]
    Interval {
        /// What was asked.
        interval_ns: u64,
        /// The least.
        least_ns: u64,
    },
}

impl Plan {
    /// The usual average wait between two faults of a kind.
    pub const INTERVAL_NS: u64 = 3 * SECOND;
    /// The shortest average wait between two faults of a kind.
    pub const LEAST_INTERVAL_NS: u64 = SECOND / 100;
    /// The usual time to elect a first leader in peace.
    pub const START_NS: u64 = SECOND;
    /// The usual time for a healed cluster to recover.
    pub const RECOVERY_NS: u64 = 3 * SECOND;

    /// A mix of these faults that ends at this time, with the usual pace.
    pub fn mix(selection: Selection, stop_ns: u64) -> Self {
        Self {
            selection,
            timing: Timing::Mix,
            interval_ns: Self::INTERVAL_NS,
            start_ns: Self::START_NS.min(stop_ns / 4),
            stop_ns,
            recovery_ns: Self::RECOVERY_NS,
        }
    }

    /// A script, everything being healed at this time at the latest.
    pub fn script(script: Script, stop_ns: u64) -> Self {
        Self {
            timing: Timing::Script(script),
            ..Self::mix(Selection::default(), stop_ns)
        }
    }

    /// The kinds of fault that the plan asks for, in order.
    pub fn kinds(&self) -> Vec<FaultKind> {
        let mut kinds = match &self.timing {
            Timing::Mix | Timing::Interval => self.selection.kinds(),
            Timing::Phases(phases) => phases
                .iter()
                .flat_map(|phase| phase.kinds.clone())
                .collect(),
            Timing::Script(script) => {
                let fault = |action: &Action| match action {
                    Action::Begin { fault, .. } => Some(fault.kind()),
                    Action::Heal { .. } => None,
                };
                let actions = script.entries().iter().map(|entry| &entry.action);
                actions.filter_map(fault).collect()
            }
        };
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// The kinds of fault that the plan asks for, by how it does; those of phases and scripts are asked for by name.
    pub fn asked(&self) -> Asked {
        match &self.timing {
            Timing::Mix | Timing::Interval => self.selection.asked(),
            Timing::Phases(_) | Timing::Script(_) => Asked::by_name(self.kinds()),
        }
    }

    /// The plan without what a world with these capabilities and this many nodes does not allow, as far as
    /// that was not asked for by name. The nodes are called `n1` to `n<nodes>`, and those that join go on from
    /// there; a script that names others is refused.
    ///
    /// # Errors
    /// What was asked for and cannot be, or never would be.
    pub fn check_against(
        &self,
        capabilities: &Capabilities,
        nodes: usize,
    ) -> Result<Self, PlanError> {
        if self.interval_ns < Self::LEAST_INTERVAL_NS {
            return Err(PlanError::Interval {
                interval_ns: self.interval_ns,
                least_ns: Self::LEAST_INTERVAL_NS,
            });
        }
        let selection = self.selection.check_against(capabilities, nodes)?;
        match &self.timing {
            Timing::Mix | Timing::Interval => {}
            Timing::Phases(phases) => check_phases(phases, &self.selection)?,
            Timing::Script(script) => self.check_script(script, capabilities, nodes)?,
        }
        Ok(Self {
            selection,
            ..self.clone()
        })
    }

    fn check_script(
        &self,
        script: &Script,
        capabilities: &Capabilities,
        nodes: usize,
    ) -> Result<(), PlanError> {
        let mut most_nodes = nodes;
        for entry in script.entries() {
            let (at_ns, stop_ns) = (entry.at_ns, self.stop_ns);
            if at_ns >= stop_ns {
                return Err(PlanError::TooLate { at_ns, stop_ns });
            }
            if let Action::Begin { fault, .. } = &entry.action {
                fault
                    .check_against(capabilities, nodes)
                    .and_then(|()| check_names(fault, most_nodes))
                    .map_err(|reason| PlanError::Script { at_ns, reason })?;
                // A node joins, or takes the place of one that left; its number is the next one.
                most_nodes += usize::from(fault.kind() == FaultKind::Membership);
            }
        }
        Ok(())
    }
}

/// Refuses names that no node can have by then.
fn check_names(fault: &Fault, most_nodes: usize) -> Result<(), Impossible> {
    let Some(Targeting::Named(names)) = fault.who() else {
        return Ok(());
    };
    match names.iter().find(|name| !is_numbered(name, most_nodes)) {
        Some(name) => Err(Impossible::UnknownNode { node: name.clone() }),
        None => Ok(()),
    }
}

/// Whether the name is one of the first so many.
fn is_numbered(name: &NodeName, nodes: usize) -> bool {
    let digits = name.as_str().strip_prefix('n');
    let number = digits.and_then(|digits| digits.parse::<u32>().ok());
    let position = number.and_then(|number| number.checked_sub(1));
    position.is_some_and(|position| {
        (position as usize) < nodes && NodeName::numbered(position) == *name
    })
}

fn check_phases(phases: &[Phase], selection: &Selection) -> Result<(), PlanError> {
    let chosen = selection.kinds();
    let mut kinds = phases.iter().flat_map(|phase| &phase.kinds);
    match kinds.find(|kind| !chosen.contains(kind)) {
        Some(&kind) => Err(PlanError::NotChosen { kind }),
        None => Ok(()),
    }
}
