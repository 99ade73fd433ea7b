//! Hands what nodes tell of themselves to the judge of the invariants that their target names. A target does not know who
//! judges, and a judge does not know who told.

use rupture_targets::{NodeEvent, TargetInfo};
use rupture_workloads::checkers::history::Verdict;
use rupture_workloads::checkers::history::observation::Observation;
use rupture_workloads::checkers::raft::{self, Invariants};

use crate::drive::Watcher;

/// Watches one run.
#[derive(Default)]
pub struct InvariantWatcher {
    invariants: Option<Invariants>,
    heard: bool,
}

impl InvariantWatcher {
    /// Who watches this target; nobody where it names no invariants.
    pub fn of(target: &TargetInfo) -> Self {
        Self {
            invariants: target.invariants.and_then(judge),
            heard: false,
        }
    }

    /// What the invariants say; nothing when the target told nothing that concerns one.
    pub fn finish(self) -> Option<Verdict> {
        let invariants = self.invariants.filter(|_| self.heard);
        invariants.as_ref().map(Invariants::finish)
    }
}

/// The judge of the invariants of this name.
fn judge(name: &str) -> Option<Invariants> {
    (name == raft::MODEL).then(Invariants::new)
}

impl Watcher for InvariantWatcher {
    fn told(&mut self, event: &NodeEvent) {
        if self.invariants.is_some()
            && let Some(observation) = event.observation()
        {
            self.observed(&observation);
        }
    }

    fn observed(&mut self, observation: &Observation) {
        if let Some(invariants) = &mut self.invariants {
            self.heard = true;
            invariants.observe(observation);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_names_invariants_is_watched_for_them_and_nobody_else() {
        for target in rupture_targets::targets() {
            let watcher = InvariantWatcher::of(target);
            let is_watched = watcher.invariants.is_some();
            assert_eq!(is_watched, target.invariants.is_some(), "{}", target.name);
        }
        assert!(judge("raft").is_none());
    }
}
