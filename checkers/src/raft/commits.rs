//! Leader completeness: what was committed, and who was elected with which log.

use std::collections::BTreeMap;

use super::forest::{EntryId, Forest};
use super::witness::Witness;

/// An election and the log that the leader had then.
#[derive(Clone, Debug)]
pub(super) struct Election {
    pub(super) leader: Witness,
    /// The last entry of its log; `None` where that is not known.
    pub(super) log: Option<EntryId>,
    /// Whether it was told already that something is missing.
    broken: bool,
}

/// An entry that was committed, by whoever was seen to apply it.
#[derive(Clone, Copy, Debug)]
struct Committed {
    entry: EntryId,
    witness: Witness,
}

/// A leader whose log lacks what was committed.
#[derive(Clone, Debug)]
pub(super) struct Breach {
    pub(super) leader: Witness,
    pub(super) log: EntryId,
    pub(super) entry: EntryId,
    /// Who applied the entry, in a lower term than the leader's.
    pub(super) witness: Witness,
}

/// Everything committed and everybody elected.
#[derive(Debug, Default)]
pub(super) struct Commits {
    /// By the term in which a node applied them: those entries that lie before no other of the term. As long
    /// as all is well there is one in each term.
    last: BTreeMap<u64, Vec<Committed>>,
    /// By term.
    elections: BTreeMap<u64, Vec<Election>>,
}

impl Election {
    pub(super) fn new(leader: Witness, log: Option<EntryId>) -> Self {
        Self {
            leader,
            log,
            broken: false,
        }
    }

    /// The breach, if its log lacks the entry and nothing was found to be missing before.
    fn lacks(&mut self, forest: &Forest, committed: Committed) -> Option<Breach> {
        let Committed { entry, witness } = committed;
        let log = self.log.filter(|_| !self.broken)?;
        if forest.contains(log, entry) != Some(false) {
            return None;
        }
        self.broken = true;
        Some(Breach {
            leader: self.leader,
            log,
            entry,
            witness,
        })
    }
}

impl Commits {
    /// A node was elected: does its log hold all that was committed in lower terms?
    pub(super) fn elect(&mut self, forest: &Forest, mut election: Election) -> Option<Breach> {
        let term = election.leader.term;
        let mut before = self.last.range(..term).flat_map(|(_, committed)| committed);
        let breach = before.find_map(|committed| election.lacks(forest, *committed));
        self.elections.entry(term).or_default().push(election);
        breach
    }

    /// A node applied an entry: do the logs of all leaders of higher terms hold it?
    pub(super) fn commit(
        &mut self,
        forest: &Forest,
        witness: Witness,
        entry: EntryId,
    ) -> Vec<Breach> {
        let last = self.last.entry(witness.term).or_default();
        let covers = |one: EntryId, other: EntryId| forest.contains(one, other) == Some(true);
        if last.iter().any(|old| covers(old.entry, entry)) {
            return Vec::new();
        }
        last.retain(|old| !covers(entry, old.entry));
        let committed = Committed { entry, witness };
        last.push(committed);
        let above = (witness.term.saturating_add(1))..;
        let later = self
            .elections
            .range_mut(above)
            .flat_map(|(_, elections)| elections);
        later
            .filter_map(|election| election.lacks(forest, committed))
            .collect()
    }
}
