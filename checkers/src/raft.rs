//! The invariants of Raft, judged from what the nodes tell: Ongaro & Ousterhout 2014, *In Search of an
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
//! and to what the rules of figures 2 and 13 and Ongaro's thesis (2014, *Consensus: Bridging Theory and Practice*) say
//! of a single node, which the five rest on:
//!
//! | invariant | what is checked | source |
//! |---|---|---|
//! | apply order | From the snapshot on that it started with, took or installed, a node applies every index once and none out of turn, and what its own log holds there. | figure 2, `lastApplied`; thesis, 3.6 |
//! | snapshot prefix | A snapshot stands for entries that its node has applied, and for the entry that its log holds at that index. | figure 13; thesis, 5.1 |
//! | state digest | All nodes whose state is that of an index have the same state, the sessions of clients included. | thesis, 3.6.3 and 6.3; Schneider 1990 |
//! | term order | No node is ever in a lower term than one that it has sent, whether it restarted or not. | figure 2, `currentTerm`; thesis, 3.8 |
//! | vote binding | In a term a node votes for one candidate, whether it restarted or not. | figure 2, `votedFor`; thesis, 3.8 |
//! | acknowledged entries | What a node acknowledged to a leader is in its log, and is still there after a restart, unless a leader had it dropped. | figure 2, `log[]`; thesis, 3.8 |
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
//! A node can still hide what it never tells: that a leader committed without a majority of acknowledgements (until
//! somebody is elected without the entry, or it is lost), that a read was answered from an old state or under a lease
//! that had ended (the history of the clients shows that), and how it counts votes (until two are elected).
//!
//! Deliberately absent: any knowledge of messages and quorums, and of how a node is built.
//!
//! All entries ever seen form a forest, in which the parent of an entry is the entry before it; a log is one
//! node of it, and a prefix an ancestor (`forest`). Time is O(log n)
//! for each entry observed, memory O(1); an election costs as much again for each term in which something was
//! applied.

mod commits;
mod forest;
mod single;
mod witness;
mod words;

use std::collections::BTreeMap;

use rupture_history::{Anomaly, Validity, Verdict};
use rustc_hash::FxHashMap;

use commits::{Breach, Commits, Election};
use forest::{EntryId, Forest, Place};
use single::Promise;
use witness::Witness;
use words::Teller;

pub use rupture_history::observation::{Entry, Observation, Observed, Snapshot};

/// What verdicts about these invariants call their model, and how a target names them that is to be watched for them.
///
/// ```
/// use rupture_checkers::raft::{Invariants, MODEL};
///
/// assert_eq!(Invariants::new().finish().model, MODEL);
/// ```
pub const MODEL: &str = "raft-invariants";
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
    /// A node applies every index once, in turn, and what its log holds there.
    ApplyOrder,
    /// A snapshot stands for what was applied, and for nothing else.
    SnapshotPrefix,
    /// Equal indices applied, equal states.
    StateDigest,
    /// A term that was sent is never gone back on.
    TermOrder,
    /// A vote is never taken back within its term.
    VoteBinding,
    /// What was acknowledged is kept.
    AcknowledgedEntries,
}

impl Invariant {
    /// All: the five of the paper in its order, then those of single nodes.
    pub const ALL: [Self; 11] = [
        Self::ElectionSafety,
        Self::LeaderAppendOnly,
        Self::LogMatching,
        Self::LeaderCompleteness,
        Self::StateMachineSafety,
        Self::ApplyOrder,
        Self::SnapshotPrefix,
        Self::StateDigest,
        Self::TermOrder,
        Self::VoteBinding,
        Self::AcknowledgedEntries,
    ];

    /// Its name, which is the kind of the anomalies that break it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ElectionSafety => "election-safety",
            Self::LeaderAppendOnly => "leader-append-only",
            Self::LogMatching => "log-matching",
            Self::LeaderCompleteness => "leader-completeness",
            Self::StateMachineSafety => "state-machine-safety",
            Self::ApplyOrder => "apply-order",
            Self::SnapshotPrefix => "snapshot-prefix",
            Self::StateDigest => "state-digest",
            Self::TermOrder => "term-order",
            Self::VoteBinding => "vote-binding",
            Self::AcknowledgedEntries => "acknowledged-entries",
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
    /// The last index that it applied; `None` where that is not known.
    applied: Option<u64>,
    /// What it let others count on last.
    promise: Option<Promise>,
    /// The last entry that it acknowledged and that nobody had it drop since.
    acknowledged: Option<(EntryId, Witness)>,
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
    /// By index: the state there, and who told it first.
    states: FxHashMap<u64, (u64, Witness)>,
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
        self.holds_term(witness);
        match &observation.kind {
            Observed::Started {
                voted_for,
                snapshot,
                entries,
            } => {
                self.holds_vote(witness, *voted_for);
                self.started(witness, *snapshot, entries);
            }
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
                    self.covers(witness, entry);
                    self.apply_whole(witness, entry);
                }
            }
            Observed::SnapshotInstalled(snapshot) => self.installed(witness, *snapshot),
            Observed::Promised {
                voted_for,
                acknowledged,
            } => {
                self.holds_vote(witness, *voted_for);
                self.promised(witness, *voted_for, *acknowledged);
            }
            Observed::State { index, digest } => self.state(witness, *index, *digest),
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
        let mirror = self.mirror(witness);
        mirror.log = last;
        mirror.leads = None;
        mirror.applied = Some(snapshot.index);
        self.keeps_acknowledged(witness);
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
        self.moves_to(witness, snapshot.index);
        self.apply_whole(witness, entry);
    }

    /// Leader append-only: a node's log is another from now on.
    fn change_log(&mut self, witness: Witness, log: Option<EntryId>) {
        let mirror = self.mirror(witness);
        let before = std::mem::replace(&mut mirror.log, log);
        self.drops_acknowledged(witness);
        let mirror = self.mirror(witness);
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
        self.in_turn(witness, first_index, entries.len());
        for (index, entry) in (first_index..=u64::MAX).zip(entries) {
            let entry = self.forest.enter(index, *entry, None);
            self.holds_applied(witness, entry);
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
