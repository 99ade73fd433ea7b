//! Broken invariants in words: which nodes, terms and indices, when, and the two events that contradict.

use rupture_history::Anomaly;

use super::Invariant;
use super::commits::Breach;
use super::forest::{EntryId, Forest, Place};
use super::witness::Witness;

fn anomaly(invariant: Invariant, summary: String, explanation: Vec<String>) -> Anomaly {
    Anomaly {
        kind: invariant.name().to_owned(),
        key: None,
        summary,
        explanation,
        evidence: Vec::new(),
        ..Anomaly::default()
    }
}

pub(super) fn election_safety(first: Witness, second: Witness) -> Anomaly {
    anomaly(
        Invariant::ElectionSafety,
        format!(
            "{} and {} were both elected in term {}",
            first.name(),
            second.name(),
            first.term
        ),
        vec![
            format!("Elected leader: {first}."),
            format!("Elected leader: {second}."),
            "At most one leader can be elected in a given term.".to_owned(),
        ],
    )
}

/// Tells of entries.
pub(super) struct Teller<'a>(pub(super) &'a Forest);

impl Teller<'_> {
    fn entry(&self, id: EntryId) -> String {
        if id == Forest::ROOT {
            return "no entry at all".to_owned();
        }
        let known = &self.0[id];
        let (index, term, digest) = (known.index, known.term, known.digest);
        format!("entry {index} of term {term} (digest {digest:016x})")
    }

    /// What a log holds at an index.
    fn held(&self, log: EntryId, index: u64) -> String {
        match self.0.at(log, index) {
            Place::Entry(id) => self.entry(id),
            Place::Beyond => format!("nothing at index {index}: its last is {}", self.entry(log)),
            Place::Unknown => format!("something unknown at index {index}"),
        }
    }

    pub(super) fn log_matching(&self, one: EntryId, other: EntryId) -> Anomaly {
        let (index, term) = (self.0[one].index, self.0[one].term);
        let mut explanation = Vec::new();
        for id in [one, other] {
            if let Some(witness) = self.0[id].logged {
                explanation.push(format!("In the log of {witness}: {}.", self.entry(id)));
            }
        }
        explanation.push(
            "If two logs contain an entry with the same index and term, they are identical up to it: one \
             digest for both."
                .to_owned(),
        );
        let summary = format!("two logs differ up to their entry {index} of term {term}");
        anomaly(Invariant::LogMatching, summary, explanation)
    }

    pub(super) fn leader_append_only(
        &self,
        elected: Witness,
        changed: Witness,
        before: EntryId,
        after: EntryId,
    ) -> Anomaly {
        let index = self.first_missing(after, before);
        let explanation = vec![
            format!("Elected leader: {elected}."),
            format!("Still leading, {changed} changed its log."),
            format!("Its log held {} before.", self.held(before, index)),
            format!("Its log held {} after.", self.held(after, index)),
            "A leader never overwrites or deletes entries in its log.".to_owned(),
        ];
        let summary = format!(
            "{} lost entry {index} from its log while it led term {}",
            changed.name(),
            changed.term
        );
        anomaly(Invariant::LeaderAppendOnly, summary, explanation)
    }

    pub(super) fn leader_completeness(&self, breach: &Breach) -> Anomaly {
        let Breach {
            leader,
            log,
            entry,
            witness,
        } = *breach;
        let index = self.first_missing(log, entry);
        let mut explanation = vec![format!(
            "Applied, so committed: {}, by {witness}.",
            self.entry(entry)
        )];
        if index < self.0[entry].index {
            explanation.push(format!("It stands on {}.", self.held(entry, index)));
        }
        explanation.push(format!("Elected leader: {leader}."));
        explanation.push(format!("Its log then held {}.", self.held(log, index)));
        explanation.push(
            "An entry committed in a term is in the logs of the leaders of all greater terms."
                .to_owned(),
        );
        let summary = format!(
            "{} led term {} without entry {index}, which was committed in term {} or before",
            leader.name(),
            leader.term,
            witness.term
        );
        anomaly(Invariant::LeaderCompleteness, summary, explanation)
    }

    pub(super) fn state_machine_safety(&self, first: EntryId, second: EntryId) -> Anomaly {
        let index = self.0[first].index;
        let mut explanation = Vec::new();
        for id in [first, second] {
            if let Some(witness) = self.0[id].applied {
                explanation.push(format!("Applied by {witness}: {}.", self.entry(id)));
            }
        }
        explanation.push("No two servers apply different entries at the same index.".to_owned());
        let summary = format!("two entries were applied at index {index}");
        anomaly(Invariant::StateMachineSafety, summary, explanation)
    }

    /// The first index at which `log` differs from the log of `entry`, which it does not contain.
    fn first_missing(&self, log: EntryId, entry: EntryId) -> u64 {
        let mut missing = entry;
        while let Some(parent) = self.0.parent(missing) {
            if self.0.contains(log, parent) != Some(false) {
                break;
            }
            missing = parent;
        }
        self.0[missing].index
    }
}
