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

pub(super) fn term_order(sent: Witness, back: Witness) -> Anomaly {
    let explanation = vec![
        format!("Sent a message of its term: {sent}."),
        format!("Later in a lower one: {back}."),
        "A term is on disk before anybody hears of it, and only grows.".to_owned(),
    ];
    let summary = format!(
        "{} was in term {} after it had sent term {}",
        back.name(),
        back.term,
        sent.term
    );
    anomaly(Invariant::TermOrder, summary, explanation)
}

fn candidate(vote: Option<u32>) -> String {
    vote.map_or("nobody".to_owned(), |node| {
        format!("n{}", u64::from(node) + 1)
    })
}

pub(super) fn vote_binding(
    promised: Witness,
    vote: u32,
    changed: Witness,
    other: Option<u32>,
) -> Anomaly {
    let (vote, other) = (candidate(Some(vote)), candidate(other));
    let explanation = vec![
        format!("Voted for {vote}, and sent a message after that: {promised}."),
        format!("Voted for {other}: {changed}."),
        "A vote is on disk before anybody hears of it, and binds for its term.".to_owned(),
    ];
    let summary = format!(
        "{} voted for {vote} in term {} and then for {other}",
        changed.name(),
        changed.term
    );
    anomaly(Invariant::VoteBinding, summary, explanation)
}

pub(super) fn apply_order(witness: Witness, before: u64, first: u64) -> Anomaly {
    let what = if first > before {
        format!("left out {}", range(before + 1, first - 1))
    } else {
        format!("applied {} again", range(first, before))
    };
    let explanation = vec![
        format!("Its state was that of index {before}."),
        format!("The next index that it applied was {first}: {witness}."),
        "A node applies every index once, one after the other.".to_owned(),
    ];
    anomaly(
        Invariant::ApplyOrder,
        format!("{} {what}", witness.name()),
        explanation,
    )
}

fn range(first: u64, last: u64) -> String {
    if first == last {
        format!("index {first}")
    } else {
        format!("indices {first} to {last}")
    }
}

pub(super) fn went_back(witness: Witness, before: u64, index: u64) -> Anomaly {
    let explanation = vec![
        format!("Its state was that of index {before}."),
        format!("A snapshot up to index {index} took its place: {witness}."),
        "A state never goes back while its process runs.".to_owned(),
    ];
    let summary = format!(
        "{} went back from index {before} to {index}",
        witness.name()
    );
    anomaly(Invariant::ApplyOrder, summary, explanation)
}

pub(super) fn snapshot_ahead(witness: Witness, applied: u64, index: u64) -> Anomaly {
    let explanation = vec![
        format!("Its state was that of index {applied}."),
        format!("It took a snapshot up to index {index}: {witness}."),
        "A snapshot stands for what was applied.".to_owned(),
    ];
    let summary = format!(
        "{} took a snapshot up to index {index} and had applied {applied}",
        witness.name()
    );
    anomaly(Invariant::SnapshotPrefix, summary, explanation)
}

pub(super) fn state_digest(index: u64, one: (u64, Witness), other: (u64, Witness)) -> Anomaly {
    let mut explanation: Vec<String> = [one, other]
        .iter()
        .map(|(digest, witness)| format!("State with digest {digest:016x}: {witness}."))
        .collect();
    explanation.push(
        "Whoever has applied the same entries has the same state, sessions included.".to_owned(),
    );
    let (one, other) = (one.1.name(), other.1.name());
    let summary = if one == other {
        format!("{one} had two states at index {index}")
    } else {
        format!("{one} and {other} have different states at index {index}")
    };
    anomaly(Invariant::StateDigest, summary, explanation)
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

    pub(super) fn acknowledged_entries(
        &self,
        entry: EntryId,
        promised: Witness,
        log: EntryId,
        seen: Witness,
    ) -> Anomaly {
        let index = self.first_missing(log, entry);
        let explanation = vec![
            format!("Acknowledged: {}, by {promised}.", self.entry(entry)),
            format!("Its log held {}: {seen}.", self.held(log, index)),
            "What is acknowledged is on disk, and stays there until a leader has it dropped."
                .to_owned(),
        ];
        let summary = format!("{} lacks entry {index}, which it acknowledged", seen.name());
        anomaly(Invariant::AcknowledgedEntries, summary, explanation)
    }

    pub(super) fn applied_not_held(
        &self,
        witness: Witness,
        entry: EntryId,
        log: EntryId,
    ) -> Anomaly {
        let index = self.0[entry].index;
        let explanation = vec![
            format!("Applied: {}, by {witness}.", self.entry(entry)),
            format!("Its log then held {}.", self.held(log, index)),
            "A node applies what its log holds.".to_owned(),
        ];
        let summary = format!(
            "{} applied an entry at index {index} that its log does not hold",
            witness.name()
        );
        anomaly(Invariant::ApplyOrder, summary, explanation)
    }

    pub(super) fn snapshot_prefix(
        &self,
        witness: Witness,
        entry: EntryId,
        log: EntryId,
    ) -> Anomaly {
        let index = self.0[entry].index;
        let explanation = vec![
            format!("Snapshot up to {}, by {witness}.", self.entry(entry)),
            format!("Its log held {}.", self.held(log, index)),
            "The last entry of a snapshot is the one that the log holds there.".to_owned(),
        ];
        let summary = format!(
            "{} took a snapshot whose entry {index} is not that of its log",
            witness.name()
        );
        anomaly(Invariant::SnapshotPrefix, summary, explanation)
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
