//! The five invariants of Raft, judged from what the nodes tell: Ongaro & Ousterhout 2014, *In Search of an
//! Understandable Consensus Algorithm*, figure 3.
//!
//! Nodes say what happens to their logs, who is elected and what is applied ([`Observed`]); from that every
//! node's log is mirrored, and each step is held to the invariants as it comes:
//!
//! | invariant | what is checked |
//! |---|---|
//! | election safety | No two nodes are elected in one term. |
//! | leader append-only | From its election until it steps down, restarts or is in another term, a leader's log before any change is a prefix of its log after it. |
//! | log matching | In all logs that ever were, two entries of the same index and term have the same digest. A digest stands for the whole log up to its entry, so that equal digests mean equal logs. |
//! | leader completeness | An entry that some node applied while it was in term *t* is in the log of every leader elected in a term greater than *t*, at its election, whether that election was observed before or after. |
//! | state machine safety | All nodes that ever apply an entry at an index apply the same one. A snapshot applies all that it covers. |
//!
//! About leader completeness: the paper speaks of entries *committed in a term*, which no node tells. But what
//! a node applies was committed, by a leader whose term is at most the term that the node is in: a node only
//! believes a leader of its own term. So the check accuses nobody who is innocent. It says nothing of
//! leaders between the term of commitment and the lowest term in which anybody was seen to apply the entry,
//! nor of an entry that was committed and that nobody applied. (In figure 8 of the paper an entry of term 2 lies
//! on a majority in term 4 and may yet be overwritten by the leader of term 5: it is not committed, and as long
//! as nobody applies it nobody is accused. Who commits it by counting replicas applies it, and is.)
//!
//! What is not known accuses nobody either: where a log's beginning was never observed (a snapshot whose
//! entries no node was seen to have), questions about it are left open. Observations that contradict
//! each other make the verdict `unknown`.
//!
//! Deliberately absent: any knowledge of messages, votes and quorums, and of how a node is built.
//!
//! All entries ever seen form a forest, in which the parent of an entry is the entry before it; a log is one
//! node of it, and a prefix an ancestor (`forest`). Time is O(log n)
//! for each entry observed, memory O(1); an election costs as much again for each term in which something was
//! applied.

mod commits;
mod forest;
mod observed;
mod witness;
mod words;

use std::collections::BTreeMap;

use rupture_history::{Anomaly, Validity, Verdict};
use rustc_hash::FxHashMap;

use commits::{Breach, Commits, Election};
use forest::{EntryId, Forest, Place};
use witness::Witness;
use words::Teller;

pub use observed::{Entry, Observation, Observed, Snapshot};

const MODEL: &str = "raft-invariants";
/// How many anomalies of an invariant are told.
const TOLD: usize = 8;

/// One of the invariants.
///
/// ```
/// use rupture_checkers::raft::Invariant;
///
/// let names = Invariant::ALL.map(Invariant::name);
/// assert_eq!(names[0], "election-safety");
/// assert_eq!(names[4], "state-machine-safety");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// At most one leader can be elected in a term.
    ElectionSafety,
    /// A leader never overwrites or deletes entries in its log.
    LeaderAppendOnly,
    /// Logs that contain an entry of the same index and term are the same up to it.
    LogMatching,
    /// What was committed in a term is in the logs of the leaders of all greater terms.
    LeaderCompleteness,
    /// Nobody applies another entry at an index than anybody else.
    StateMachineSafety,
}

impl Invariant {
    /// All five, in the order of the paper.
    pub const ALL: [Self; 5] = [
        Self::ElectionSafety,
        Self::LeaderAppendOnly,
        Self::LogMatching,
        Self::LeaderCompleteness,
        Self::StateMachineSafety,
    ];

    /// Its name, which is the kind of the anomalies that break it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ElectionSafety => "election-safety",
            Self::LeaderAppendOnly => "leader-append-only",
            Self::LogMatching => "log-matching",
            Self::LeaderCompleteness => "leader-completeness",
            Self::StateMachineSafety => "state-machine-safety",
        }
    }
}

/// A node as far as it was observed.
#[derive(Debug, Default)]
struct Mirror {
    /// The last entry of its log; `None` where that is not known.
    log: Option<EntryId>,
    /// Its last election, while it leads.
    leads: Option<Witness>,
}

/// Holds what nodes tell to the invariants, as it comes.
///
/// ```
/// use rupture_checkers::history::Validity;
/// use rupture_checkers::raft::{Invariant, Invariants, Observation, Observed};
///
/// // Two nodes are elected in term 5.
/// let mut invariants = Invariants::new();
/// for node in [0, 1] {
///     let kind = Observed::LeaderElected { last_index: 0, last_term: 0 };
///     invariants.observe(&Observation { at_ns: 10 + u64::from(node), node, term: 5, kind });
/// }
/// assert_eq!(invariants.broken().get(&Invariant::ElectionSafety), Some(&1));
/// let verdict = invariants.finish();
/// assert_eq!(verdict.validity, Validity::Invalid);
/// assert_eq!(verdict.anomalies[0].kind, "election-safety");
/// ```
#[derive(Debug, Default)]
pub struct Invariants {
    forest: Forest,
    nodes: BTreeMap<u32, Mirror>,
    /// By term: who was elected, each node once.
    leaders: BTreeMap<u64, Vec<Witness>>,
    commits: Commits,
    /// By index: the entry that was applied there first.
    applied: FxHashMap<u64, EntryId>,
    observations: u64,
    broken: BTreeMap<Invariant, usize>,
    anomalies: Vec<Anomaly>,
    contradictions: Vec<String>,
}

impl Invariants {
    /// Nothing was observed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one observation, in the order of time.
    pub fn observe(&mut self, observation: &Observation) {
        self.observations += 1;
        let witness = Witness {
            node: observation.node,
            at_ns: observation.at_ns,
            term: observation.term,
        };
        match &observation.kind {
            Observed::Started { snapshot, entries } => self.started(witness, *snapshot, entries),
            Observed::LeaderElected {
                last_index,
                last_term,
            } => self.elected(witness, *last_index, *last_term),
            Observed::SteppedDown => self.mirror(witness).leads = None,
            Observed::Appended {
                first_index,
                entries,
            } => self.appended(witness, *first_index, entries),
            Observed::Truncated { from_index } => self.truncated(witness, *from_index),
            Observed::Applied {
                first_index,
                entries,
            } => self.applied(witness, *first_index, entries),
            Observed::SnapshotTaken(snapshot) => {
                if let Some(entry) = self.snapshot(*snapshot) {
                    self.apply_whole(witness, entry);
                }
            }
            Observed::SnapshotInstalled(snapshot) => self.installed(witness, *snapshot),
        }
    }

    /// How often each invariant was broken so far; those that hold are not in it.
    pub fn broken(&self) -> &BTreeMap<Invariant, usize> {
        &self.broken
    }

    /// The verdict on all that was observed so far. It judges no operations of clients.
    pub fn finish(&self) -> Verdict {
        let mut verdict = Verdict::new(Validity::Valid, MODEL, "");
        verdict.reasons = self.reasons();
        verdict.notes = self.notes();
        verdict.anomalies.clone_from(&self.anomalies);
        if !self.anomalies.is_empty() {
            verdict.validity = Validity::Invalid;
        } else if !verdict.reasons.is_empty() {
            verdict.validity = Validity::Unknown;
        }
        verdict
    }

    fn reasons(&self) -> Vec<String> {
        if self.observations == 0 {
            return vec!["the nodes told nothing".to_owned()];
        }
        let mut reasons = self.contradictions.clone();
        if self.leaders.is_empty() {
            reasons.push("no leader was elected".to_owned());
        }
        if self.applied.is_empty() {
            reasons.push("no entry was applied".to_owned());
        }
        reasons
    }

    fn notes(&self) -> Vec<String> {
        let elections: usize = self.leaders.values().map(Vec::len).sum();
        let mut notes = vec![format!(
            "{} observations of {} nodes: {elections} leaders elected, {} entries in logs, {} indices applied",
            self.observations,
            self.nodes.len(),
            self.forest.len(),
            self.applied.len(),
        )];
        for (invariant, &count) in self.broken.iter().filter(|(_, count)| **count > TOLD) {
            let more = count - TOLD;
            notes.push(format!("{}: {more} more of the kind", invariant.name()));
        }
        notes
    }

    fn mirror(&mut self, witness: Witness) -> &mut Mirror {
        self.nodes.entry(witness.node).or_default()
    }

    fn breaks(&mut self, invariant: Invariant, tell: impl FnOnce(&Teller<'_>) -> Anomaly) {
        let count = self.broken.entry(invariant).or_default();
        *count += 1;
        if *count <= TOLD {
            self.anomalies.push(tell(&Teller(&self.forest)));
        }
    }

    fn contradicts(&mut self, witness: Witness, what: &str) {
        if self.contradictions.len() < TOLD {
            let said = format!("the observations do not add up: {witness}, {what}");
            self.contradictions.push(said);
        }
    }

    /// The last entry of a snapshot; `None` for the empty one.
    fn snapshot(&mut self, snapshot: Snapshot) -> Option<EntryId> {
        let Snapshot {
            index,
            term,
            digest,
        } = snapshot;
        let entry = Entry { term, digest };
        (index > 0).then(|| self.forest.enter(index, entry, None))
    }

    fn started(&mut self, witness: Witness, snapshot: Snapshot, entries: &[Entry]) {
        let base = self.snapshot(snapshot);
        if let Some(base) = base {
            self.log_holds(witness, base);
        }
        let base = base.unwrap_or(Forest::ROOT);
        let last = self.append(witness, Some(base), snapshot.index, entries);
        *self.mirror(witness) = Mirror {
            log: last,
            leads: None,
        };
        self.apply_whole(witness, base);
    }

    /// Enters entries into the forest that stand in a log behind `before`, the entry at `index`.
    fn append(
        &mut self,
        witness: Witness,
        before: Option<EntryId>,
        index: u64,
        entries: &[Entry],
    ) -> Option<EntryId> {
        let mut last = before;
        for (index, entry) in (index..=u64::MAX).skip(1).zip(entries) {
            let id = self.forest.enter(index, *entry, last);
            if last.is_some_and(|last| self.forest.parent(id) != Some(last)) {
                self.contradicts(witness, "one digest stands for two logs");
            }
            self.log_holds(witness, id);
            last = Some(id);
        }
        last
    }

    /// Log matching: the entry is in somebody's log.
    fn log_holds(&mut self, witness: Witness, entry: EntryId) {
        if self.forest[entry].logged.is_some() {
            return;
        }
        let logged = |twin: &EntryId| self.forest[*twin].logged.is_some();
        let other = self.forest.twins(entry).find(logged);
        self.forest[entry].logged = Some(witness);
        if let Some(other) = other {
            self.breaks(Invariant::LogMatching, |teller| {
                teller.log_matching(other, entry)
            });
        }
    }

    fn elected(&mut self, witness: Witness, last_index: u64, last_term: u64) {
        let log = self.mirror(witness).log;
        if let Some(last) = log.map(|log| &self.forest[log])
            && (last.index, last.term) != (last_index, last_term)
        {
            self.contradicts(
                witness,
                "elected with another log than it had been seen to have",
            );
            self.mirror(witness).log = None;
        }
        let mirror = self.mirror(witness);
        mirror.leads = Some(witness);
        let log = mirror.log;
        self.lead(witness);
        let election = Election::new(witness, log);
        if let Some(breach) = self.commits.elect(&self.forest, election) {
            self.misses(&breach);
        }
    }

    /// Election safety: the node leads the term.
    fn lead(&mut self, witness: Witness) {
        let leaders = self.leaders.entry(witness.term).or_default();
        if leaders.iter().any(|leader| leader.node == witness.node) {
            return;
        }
        let first = leaders.first().copied();
        leaders.push(witness);
        if let Some(first) = first {
            self.breaks(Invariant::ElectionSafety, |_| {
                words::election_safety(first, witness)
            });
        }
    }

    fn misses(&mut self, breach: &Breach) {
        self.breaks(Invariant::LeaderCompleteness, |teller| {
            teller.leader_completeness(breach)
        });
    }

    fn appended(&mut self, witness: Witness, first_index: u64, entries: &[Entry]) {
        let Some(index) = first_index.checked_sub(1) else {
            return self.contradicts(witness, "an entry was appended at index 0");
        };
        if entries.is_empty() {
            return;
        }
        let before = match self
            .mirror(witness)
            .log
            .map(|log| self.forest.at(log, index))
        {
            Some(Place::Entry(before)) => Some(before),
            Some(Place::Beyond) => {
                self.contradicts(witness, "entries were appended behind a gap");
                None
            }
            Some(Place::Unknown) | None => None,
        };
        let log = self.append(witness, before, index, entries);
        self.change_log(witness, log);
    }

    fn truncated(&mut self, witness: Witness, from_index: u64) {
        let Some(log) = self.mirror(witness).log else {
            return;
        };
        match self.forest.at(log, from_index.saturating_sub(1)) {
            Place::Entry(last) => self.change_log(witness, Some(last)),
            Place::Beyond => {}
            Place::Unknown => self.change_log(witness, None),
        }
    }

    fn installed(&mut self, witness: Witness, snapshot: Snapshot) {
        let Some(entry) = self.snapshot(snapshot) else {
            return;
        };
        self.log_holds(witness, entry);
        let log = self.mirror(witness).log;
        if log.and_then(|log| self.forest.contains(log, entry)) != Some(true) {
            self.change_log(witness, Some(entry));
        }
        self.apply_whole(witness, entry);
    }

    /// Leader append-only: a node's log is another from now on.
    fn change_log(&mut self, witness: Witness, log: Option<EntryId>) {
        let mirror = self.mirror(witness);
        let before = std::mem::replace(&mut mirror.log, log);
        let Some(elected) = mirror.leads.filter(|elected| elected.term == witness.term) else {
            return;
        };
        if let (Some(before), Some(after)) = (before, log)
            && self.forest.contains(after, before) == Some(false)
        {
            self.breaks(Invariant::LeaderAppendOnly, |teller| {
                teller.leader_append_only(elected, witness, before, after)
            });
        }
    }

    fn applied(&mut self, witness: Witness, first_index: u64, entries: &[Entry]) {
        if first_index == 0 {
            return self.contradicts(witness, "an entry was applied at index 0");
        }
        for (index, entry) in (first_index..=u64::MAX).zip(entries) {
            let entry = self.forest.enter(index, *entry, None);
            self.apply(witness, entry);
            self.commit(witness, entry);
        }
    }

    /// A node's state is what all entries up to this one make.
    fn apply_whole(&mut self, witness: Witness, last: EntryId) {
        let mut next = Some(last);
        while let Some(entry) = next.filter(|&entry| entry != Forest::ROOT) {
            if std::mem::replace(&mut self.forest[entry].applied_whole, true) {
                break;
            }
            self.apply(witness, entry);
            next = self.forest.parent(entry);
        }
        if last != Forest::ROOT {
            self.commit(witness, last);
        }
    }

    /// State machine safety: a node applied the entry.
    fn apply(&mut self, witness: Witness, entry: EntryId) {
        if self.forest[entry].applied.is_some() {
            return;
        }
        self.forest[entry].applied = Some(witness);
        let first = *self
            .applied
            .entry(self.forest[entry].index)
            .or_insert(entry);
        if first != entry {
            self.breaks(Invariant::StateMachineSafety, |teller| {
                teller.state_machine_safety(first, entry)
            });
        }
    }

    fn commit(&mut self, witness: Witness, entry: EntryId) {
        for breach in self.commits.commit(&self.forest, witness, entry) {
            self.misses(&breach);
        }
    }
}
