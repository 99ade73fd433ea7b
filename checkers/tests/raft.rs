//! The invariants of Raft: each broken by itself, all of them held by a run that has everything in it, and all
//! of them against their definitions over random sequences of events.
//!
//! A [`World`] keeps the logs themselves, makes the observations from them, and remembers facts from which the
//! definitions can be read off. Digests exist only in the observations.

#[allow(dead_code, reason = "it takes one of several shares")]
#[path = "../src/searches.rs"]
mod searches;

use std::collections::{BTreeMap, BTreeSet};

use rupture_checkers::history::Validity;
use rupture_checkers::raft::{Entry, Invariant, Invariants, Observation, Observed, Snapshot};
use searches::{at_least, share};

/// The five that the definitions below are of.
const OF_THE_PAPER: &[Invariant] = Invariant::ALL.split_at(5).0;

/// Term and content.
type Item = (u64, u64);

fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn digest(log: &[Item]) -> u64 {
    log.iter()
        .fold(1, |chain, (term, content)| mix(mix(chain ^ term) ^ content))
}

/// The entries of a log behind an index.
fn entries(log: &[Item], behind: usize) -> Vec<Entry> {
    let entry = |end: usize| Entry {
        term: log[end - 1].0,
        digest: digest(&log[..end]),
    };
    (behind + 1..=log.len()).map(entry).collect()
}

fn snapshot(log: &[Item]) -> Snapshot {
    Snapshot {
        index: log.len() as u64,
        term: log.last().map_or(0, |item| item.0),
        digest: digest(log),
    }
}

/// What happened, with whole logs.
#[derive(Clone, Debug)]
enum Fact {
    Restarted {
        node: usize,
        log: Vec<Item>,
    },
    Elected {
        node: usize,
        term: u64,
        log: Vec<Item>,
    },
    SteppedDown {
        node: usize,
    },
    Changed {
        node: usize,
        term: u64,
        log: Vec<Item>,
    },
    /// The last of these was applied.
    Applied {
        term: u64,
        log: Vec<Item>,
    },
    /// All of these were applied.
    Covered {
        term: u64,
        log: Vec<Item>,
    },
}

#[derive(Clone, Debug, Default)]
struct Node {
    term: u64,
    log: Vec<Item>,
    snapshot: usize,
    applied: usize,
}

#[derive(Default)]
struct World {
    nodes: Vec<Node>,
    facts: Vec<Fact>,
    observations: Vec<Observation>,
}

impl World {
    fn new(count: usize) -> Self {
        let mut world = Self {
            nodes: vec![Node::default(); count],
            ..Self::default()
        };
        (0..count).for_each(|node| world.restart(node, 0));
        world
    }

    fn tell(&mut self, node: usize, kind: Observed) {
        self.observations.push(Observation {
            at_ns: self.observations.len() as u64 * 1_000_000,
            node: node as u32,
            term: self.nodes[node].term,
            kind,
        });
    }

    /// A crash that leaves the log up to `kept`, and what the snapshot covers.
    fn restart(&mut self, node: usize, kept: usize) {
        let it = &mut self.nodes[node];
        it.log.truncate(kept.max(it.snapshot));
        it.snapshot = it.snapshot.min(it.log.len());
        it.applied = it.snapshot;
        let (log, covered) = (it.log.clone(), it.log[..it.snapshot].to_vec());
        let kind = Observed::Started {
            voted_for: None,
            snapshot: snapshot(&covered),
            entries: entries(&log, covered.len()),
        };
        self.tell(node, kind);
        self.facts.push(Fact::Restarted { node, log });
        let term = self.nodes[node].term;
        self.facts.push(Fact::Covered { term, log: covered });
    }

    fn elect(&mut self, node: usize, term: u64) {
        self.nodes[node].term = term;
        let log = self.nodes[node].log.clone();
        let kind = Observed::LeaderElected {
            last_index: log.len() as u64,
            last_term: log.last().map_or(0, |item| item.0),
        };
        self.tell(node, kind);
        self.facts.push(Fact::Elected { node, term, log });
    }

    fn step_down(&mut self, node: usize, term: u64) {
        self.nodes[node].term = term;
        self.tell(node, Observed::SteppedDown);
        self.facts.push(Fact::SteppedDown { node });
    }

    fn changed(&mut self, node: usize) {
        let Node { term, log, .. } = self.nodes[node].clone();
        self.facts.push(Fact::Changed { node, term, log });
    }

    /// Puts these in the place of all behind `kept`.
    fn append(&mut self, node: usize, kept: usize, items: &[Item]) {
        let it = &mut self.nodes[node];
        it.log.truncate(kept);
        it.log.extend(items);
        let kind = Observed::Appended {
            first_index: kept as u64 + 1,
            entries: entries(&it.log, kept),
        };
        self.tell(node, kind);
        if !items.is_empty() {
            self.changed(node);
        }
    }

    /// A leader appends contents of its own term.
    fn lead(&mut self, node: usize, contents: &[u64]) {
        let Node { term, log, .. } = &self.nodes[node];
        let items: Vec<Item> = contents.iter().map(|content| (*term, *content)).collect();
        self.append(node, log.len(), &items);
    }

    fn truncate(&mut self, node: usize, kept: usize) {
        self.nodes[node].log.truncate(kept);
        let from_index = kept as u64 + 1;
        self.tell(node, Observed::Truncated { from_index });
        self.changed(node);
    }

    /// Makes a follower's log that of another up to an index, as replication does.
    fn replicate(&mut self, from: usize, to: usize, upto: usize) {
        let source = self.nodes[from].log[..upto.min(self.nodes[from].log.len())].to_vec();
        self.nodes[to].term = self.nodes[to].term.max(self.nodes[from].term);
        let log = &self.nodes[to].log;
        let same = log
            .iter()
            .zip(&source)
            .take_while(|(one, other)| one == other)
            .count();
        if same < log.len() && same < source.len() {
            self.truncate(to, same);
        }
        if same < source.len() {
            self.append(to, same, &source[same..]);
        }
    }

    fn apply_items(&mut self, node: usize, log: &[Item], behind: usize) {
        let kind = Observed::Applied {
            first_index: behind as u64 + 1,
            entries: entries(log, behind),
        };
        self.tell(node, kind);
        let term = self.nodes[node].term;
        for end in behind + 1..=log.len() {
            let log = log[..end].to_vec();
            self.facts.push(Fact::Applied { term, log });
        }
    }

    /// Applies a node's own log up to an index.
    fn apply(&mut self, node: usize, upto: usize) {
        let log = self.nodes[node].log[..upto].to_vec();
        let behind = std::mem::replace(&mut self.nodes[node].applied, upto);
        self.apply_items(node, &log, behind.min(upto));
    }

    fn take_snapshot(&mut self, node: usize) {
        let it = &mut self.nodes[node];
        it.snapshot = it.applied.min(it.log.len());
        let log = it.log[..it.snapshot].to_vec();
        self.tell(node, Observed::SnapshotTaken(snapshot(&log)));
        let term = self.nodes[node].term;
        self.facts.push(Fact::Covered { term, log });
    }

    fn install(&mut self, node: usize, log: &[Item]) {
        let it = &mut self.nodes[node];
        if !it.log.starts_with(log) {
            it.log = log.to_vec();
        }
        (it.snapshot, it.applied) = (log.len(), log.len());
        self.tell(node, Observed::SnapshotInstalled(snapshot(log)));
        self.changed(node);
        let (term, log) = (self.nodes[node].term, log.to_vec());
        self.facts.push(Fact::Covered { term, log });
    }

    fn judge(&self) -> Invariants {
        let mut invariants = Invariants::new();
        for observation in &self.observations {
            invariants.observe(observation);
        }
        invariants
    }

    /// Which invariants are broken, by the checker and by the definitions.
    fn broken(&self) -> BTreeMap<Invariant, usize> {
        let mut judged = self.judge().broken().clone();
        judged.retain(|invariant, _| OF_THE_PAPER.contains(invariant));
        assert_eq!(
            judged,
            by_definition(&self.facts),
            "{:#?}",
            self.observations
        );
        judged
    }
}

/// How often each invariant is broken, from the definitions of figure 3.
fn by_definition(facts: &[Fact]) -> BTreeMap<Invariant, usize> {
    let mut counts = BTreeMap::new();
    counts.insert(Invariant::ElectionSafety, election_safety(facts));
    counts.insert(Invariant::LeaderAppendOnly, leader_append_only(facts));
    counts.insert(Invariant::LogMatching, log_matching(facts));
    counts.insert(Invariant::LeaderCompleteness, leader_completeness(facts));
    counts.insert(Invariant::StateMachineSafety, state_machine_safety(facts));
    counts.retain(|_, count| *count > 0);
    counts
}

/// How many too many there are in each group.
fn surplus<K: Ord, V: Ord>(pairs: impl Iterator<Item = (K, V)>) -> usize {
    let mut groups = BTreeMap::<K, BTreeSet<V>>::new();
    for (key, value) in pairs {
        groups.entry(key).or_default().insert(value);
    }
    groups.values().map(|group| group.len() - 1).sum()
}

fn election_safety(facts: &[Fact]) -> usize {
    surplus(facts.iter().filter_map(|fact| match fact {
        Fact::Elected { node, term, .. } => Some((*term, *node)),
        _ => None,
    }))
}

fn leader_append_only(facts: &[Fact]) -> usize {
    let mut leads = BTreeMap::new();
    let mut logs = BTreeMap::<usize, &Vec<Item>>::new();
    let mut count = 0;
    for fact in facts {
        match fact {
            Fact::Elected { node, term, .. } => {
                leads.insert(node, term);
            }
            Fact::SteppedDown { node } => {
                leads.remove(node);
            }
            Fact::Restarted { node, log } => {
                leads.remove(node);
                logs.insert(*node, log);
            }
            Fact::Changed { node, term, log } => {
                let before = logs.insert(*node, log).expect("every node starts");
                count += usize::from(leads.get(node) == Some(&term) && !log.starts_with(before));
            }
            Fact::Applied { .. } | Fact::Covered { .. } => {}
        }
    }
    count
}

fn prefixes(log: &[Item]) -> impl Iterator<Item = &[Item]> {
    (1..=log.len()).map(|end| &log[..end])
}

fn log_matching(facts: &[Fact]) -> usize {
    let logs = facts.iter().filter_map(|fact| match fact {
        Fact::Restarted { log, .. } | Fact::Elected { log, .. } | Fact::Changed { log, .. } => {
            Some(log)
        }
        _ => None,
    });
    let entry = |upto: &[Item]| (upto.len(), upto[upto.len() - 1].0);
    surplus(
        logs.flat_map(|log| prefixes(log))
            .map(|upto| (entry(upto), upto.to_vec())),
    )
}

/// Every entry that was applied, with all before it, and the term in which it was.
fn applied(facts: &[Fact]) -> impl Iterator<Item = (u64, &[Item])> {
    facts.iter().flat_map(|fact| match fact {
        Fact::Applied { term, log } => vec![(*term, log.as_slice())],
        Fact::Covered { term, log } => prefixes(log).map(|upto| (*term, upto)).collect(),
        _ => Vec::new(),
    })
}

fn leader_completeness(facts: &[Fact]) -> usize {
    let lacking = |fact: &&Fact| match fact {
        Fact::Elected { term, log, .. } => {
            applied(facts).any(|(committed, entry)| committed < *term && !log.starts_with(entry))
        }
        _ => false,
    };
    facts.iter().filter(lacking).count()
}

fn state_machine_safety(facts: &[Fact]) -> usize {
    surplus(applied(facts).map(|(_, entry)| (entry.len(), entry)))
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (mix(self.0) % end as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// One random thing; every `wrong`th time one that a right implementation would not do.
fn random_step(world: &mut World, random: &mut Random, wrong: usize) {
    let (node, other) = (
        random.below(world.nodes.len()),
        random.below(world.nodes.len()),
    );
    let highest = world.nodes.iter().map(|node| node.term).max().unwrap_or(0);
    let length = world.nodes[node].log.len();
    match random.below(12) {
        0 | 1 if random.one_in(wrong) => world.elect(node, world.nodes[node].term.max(1)),
        0 | 1 => world.elect(node, highest + 1 + random.below(2) as u64),
        2 => world.step_down(node, highest),
        3 | 4 if random.one_in(wrong) => {
            let items = [(1 + random.below(3) as u64, random.below(3) as u64)];
            world.append(node, random.below(length + 1), &items);
        }
        3 | 4 => world.lead(node, &[random.below(3) as u64]),
        5 | 6 => world.replicate(other, node, random.below(world.nodes[other].log.len() + 1)),
        7 if random.one_in(wrong) && world.nodes[node].snapshot < length => {
            let kept = world.nodes[node].snapshot;
            world.truncate(node, kept + random.below(length - kept));
        }
        7 | 8 if random.one_in(wrong) => {
            // Somebody else's entries, or ones that nobody has.
            let mut log = world.nodes[other].log.clone();
            if random.one_in(2) {
                log.push((1 + random.below(3) as u64, 7));
            }
            let behind = log.len().saturating_sub(1 + random.below(2));
            world.apply_items(node, &log, behind);
        }
        7 | 8 => {
            let applied = world.nodes[node].applied.min(length);
            world.apply(node, applied + random.below(length - applied + 1));
        }
        9 => world.take_snapshot(node),
        10 => {
            let upto = random.below(world.nodes[other].log.len() + 1);
            let log = world.nodes[other].log[..upto].to_vec();
            if !log.is_empty() {
                world.install(node, &log);
            }
        }
        _ => world.restart(node, random.below(length + 1)),
    }
}

#[test]
fn random_events_are_judged_by_the_definitions() {
    let mut random = Random(11);
    let (mut seen, mut alone, mut valid) = (BTreeMap::new(), BTreeMap::new(), 0);
    for _ in 0..share(300_000) {
        let mut world = World::new(1 + random.below(3));
        let wrong = [2, 6, 1_000_000][random.below(3)];
        for _ in 0..=random.below(24) {
            random_step(&mut world, &mut random, wrong);
        }
        let broken = world.broken();
        valid += usize::from(broken.is_empty());
        for invariant in broken.keys() {
            *seen.entry(*invariant).or_insert(0) += 1;
            *alone.entry(*invariant).or_insert(0) += usize::from(broken.len() == 1);
        }
    }
    assert!(valid >= at_least(1_000), "{valid} runs are valid");
    for invariant in OF_THE_PAPER {
        assert!(
            seen[invariant] >= at_least(1_000) && alone[invariant] >= at_least(20),
            "{seen:?}, alone {alone:?}"
        );
    }
}

/// The anomalies' kinds, after checker and definitions agreed.
fn kinds(world: &World) -> Vec<String> {
    world.broken();
    let verdict = world.judge().finish();
    let expected = if verdict.anomalies.is_empty() {
        Validity::Valid
    } else {
        Validity::Invalid
    };
    assert_eq!(verdict.validity, expected, "{verdict:?}");
    verdict
        .anomalies
        .into_iter()
        .map(|anomaly| anomaly.kind)
        .collect()
}

/// Three nodes; n1 leads term 1 and has two entries, the first of which everybody has and n1 applied.
fn begun() -> World {
    let mut world = World::new(3);
    world.elect(0, 1);
    world.lead(0, &[10, 11]);
    world.replicate(0, 1, 1);
    world.replicate(0, 2, 1);
    world.apply(0, 1);
    world
}

#[test]
fn crashes_truncations_and_snapshots_are_no_anomalies() {
    let mut world = begun();
    world.apply(1, 1);
    world.take_snapshot(1);
    // The leader crashes with an entry that nobody else has, and loses it or not.
    world.restart(0, 2);
    world.elect(1, 2);
    world.lead(1, &[20, 21]);
    world.replicate(1, 2, 3);
    world.apply(1, 3);
    world.take_snapshot(1);
    // A crash of the new leader, which finds all in its snapshot.
    world.restart(1, 3);
    world.elect(2, 3);
    world.lead(2, &[30]);
    // The old leader's leftover is cut off.
    world.replicate(2, 0, 4);
    world.apply(2, 4);
    // A node that lost its disk gets a snapshot.
    world.nodes[1] = Node::default();
    world.restart(1, 0);
    let log = world.nodes[2].log.clone();
    world.step_down(1, 3);
    world.install(1, &log);
    world.step_down(2, 4);
    world.elect(0, 4);
    world.lead(0, &[40]);
    world.replicate(0, 1, 5);
    world.apply(0, 5);
    assert_eq!(kinds(&world), Vec::<String>::new());
}

#[test]
fn two_leaders_of_a_term_break_election_safety() {
    let mut world = begun();
    world.elect(2, 1);
    assert_eq!(kinds(&world), ["election-safety"]);
    let told = &world.judge().finish().anomalies[0];
    assert_eq!(told.summary, "n1 and n3 were both elected in term 1");
    assert!(
        told.explanation[0].contains("n1 at 3.000 ms in term 1"),
        "{told:?}"
    );
}

#[test]
fn a_node_that_is_told_twice_to_lead_is_one_leader() {
    let mut world = begun();
    world.elect(0, 1);
    assert_eq!(kinds(&world), Vec::<String>::new());
}

#[test]
fn a_leader_that_drops_or_overwrites_an_entry_breaks_append_only() {
    let mut world = begun();
    world.truncate(0, 1);
    assert_eq!(kinds(&world), ["leader-append-only"]);
    let told = &world.judge().finish().anomalies[0];
    assert_eq!(
        told.summary,
        "n1 lost entry 2 from its log while it led term 1"
    );

    let mut world = begun();
    world.append(0, 1, &[(2, 5)]);
    assert_eq!(kinds(&world), ["leader-append-only"]);
    let mut world = begun();
    let log = world.nodes[1].log.clone();
    world.append(1, 1, &[(2, 5)]);
    let longer = world.nodes[1].log.clone();
    world.install(0, &log);
    assert_eq!(
        kinds(&world),
        Vec::<String>::new(),
        "a snapshot of its own log takes nothing away"
    );
    world.install(0, &longer);
    assert_eq!(kinds(&world), ["leader-append-only"]);
}

#[test]
fn who_leads_no_longer_may_drop_entries() {
    for stop in [
        |world: &mut World| world.step_down(0, 1),
        |world: &mut World| world.restart(0, 2),
    ] {
        let mut world = begun();
        stop(&mut world);
        world.truncate(0, 1);
        assert_eq!(kinds(&world), Vec::<String>::new());
    }
    let mut world = begun();
    world.nodes[0].term = 2;
    world.truncate(0, 1);
    assert_eq!(
        kinds(&world),
        Vec::<String>::new(),
        "it led term 1, and is in term 2"
    );
}

#[test]
fn two_entries_of_an_index_and_term_break_log_matching() {
    let mut world = begun();
    world.append(1, 1, &[(1, 99)]);
    assert_eq!(kinds(&world), ["log-matching"]);
    // Equal contents behind unequal logs are unequal, too.
    let mut world = World::new(2);
    world.append(0, 0, &[(1, 1), (3, 3)]);
    world.append(1, 0, &[(2, 1), (3, 3)]);
    assert_eq!(
        world.broken(),
        BTreeMap::from([(Invariant::LogMatching, 1)])
    );
}

#[test]
fn a_leader_without_a_committed_entry_breaks_leader_completeness() {
    let mut world = begun();
    world.apply(0, 2);
    world.elect(1, 2);
    assert_eq!(kinds(&world), ["leader-completeness"]);
    let told = &world.judge().finish().anomalies[0];
    assert_eq!(
        told.summary,
        "n2 led term 2 without entry 2, which was committed in term 1 or before"
    );
    // The same, when the old leader is seen to apply only afterwards.
    let mut world = begun();
    world.elect(1, 2);
    world.apply(0, 2);
    assert_eq!(kinds(&world), ["leader-completeness"]);
    // A leader of the same term or a lower one is not concerned.
    let mut world = begun();
    world.elect(1, 2);
    world.nodes[0].term = 2;
    world.apply(0, 2);
    assert_eq!(kinds(&world), Vec::<String>::new());
}

#[test]
fn different_entries_applied_at_an_index_break_state_machine_safety() {
    let mut world = begun();
    world.append(2, 1, &[(2, 99)]);
    world.apply(0, 2);
    world.apply(2, 2);
    assert_eq!(kinds(&world), ["state-machine-safety"]);
    // A snapshot applies what it covers.
    let mut world = begun();
    world.append(2, 1, &[(2, 99), (3, 99)]);
    world.apply(0, 2);
    let log = world.nodes[2].log.clone();
    world.install(1, &log);
    assert_eq!(kinds(&world), ["state-machine-safety"]);
}

/// Figure 8 of the paper: an entry of term 2 on a majority in term 4, overwritten by the leader of term 5.
fn figure_8(commits_old_terms: bool) -> World {
    let mut world = World::new(5);
    world.elect(0, 1);
    world.lead(0, &[1]);
    (1..5).for_each(|node| world.replicate(0, node, 1));
    world.apply(0, 1);
    world.elect(0, 2);
    world.lead(0, &[2]);
    world.replicate(0, 1, 2);
    world.restart(0, 2);
    world.elect(4, 3);
    world.lead(4, &[3]);
    world.restart(4, 2);
    world.elect(0, 4);
    world.replicate(0, 2, 2);
    if commits_old_terms {
        world.apply(0, 2);
    }
    world.restart(0, 2);
    world.elect(4, 5);
    (0..4).for_each(|node| world.replicate(4, node, 2));
    world
}

#[test]
fn figure_8_accuses_only_who_commits_an_entry_of_an_old_term() {
    assert_eq!(kinds(&figure_8(false)), Vec::<String>::new());
    assert_eq!(kinds(&figure_8(true)), ["leader-completeness"]);
}

#[test]
fn nothing_to_judge_is_unknown() {
    assert_eq!(Invariants::new().finish().validity, Validity::Unknown);
    let mut world = World::new(3);
    assert_eq!(world.judge().finish().validity, Validity::Unknown);
    world.elect(0, 1);
    world.lead(0, &[1]);
    assert_eq!(world.judge().finish().reasons, ["no entry was applied"]);
}

#[test]
fn observations_that_do_not_add_up_accuse_nobody() {
    let mut world = begun();
    world.nodes[1].log.clear();
    world.elect(1, 2);
    let verdict = world.judge().finish();
    assert_eq!(verdict.validity, Validity::Unknown, "{verdict:?}");
    let odd = [
        Observed::Appended {
            first_index: 0,
            entries: entries(&[(1, 1)], 0),
        },
        Observed::Appended {
            first_index: u64::MAX,
            entries: entries(&[(1, 1), (1, 2)], 0),
        },
        Observed::Applied {
            first_index: u64::MAX,
            entries: entries(&[(1, 1), (1, 2)], 0),
        },
        Observed::Truncated { from_index: 0 },
        Observed::SnapshotTaken(Snapshot {
            index: u64::MAX,
            term: u64::MAX,
            digest: 0,
        }),
    ];
    for (number, kind) in odd.into_iter().enumerate() {
        let mut invariants = begun().judge();
        for node in [1, 77] {
            let kind = kind.clone();
            invariants.observe(&Observation {
                at_ns: 1,
                node,
                term: u64::MAX,
                kind,
            });
        }
        // What a node by itself must not do stands in `raft_single`.
        let broken = invariants.broken().keys();
        assert!(
            !broken.clone().any(|it| OF_THE_PAPER.contains(it)),
            "{number}: {:?}",
            invariants.finish()
        );
    }
}

/// A long run: see it with `--release -- --ignored --nocapture`.
#[test]
#[ignore = "large"]
fn a_long_run() {
    let mut invariants = Invariants::new();
    let mut chain = 1;
    let observe = |invariants: &mut Invariants, node, term, kind| {
        invariants.observe(&Observation {
            at_ns: 0,
            node,
            term,
            kind,
        });
    };
    let start = std::time::Instant::now();
    for node in 0..5 {
        let snapshot = Snapshot {
            index: 0,
            term: 0,
            digest: 1,
        };
        observe(
            &mut invariants,
            node,
            0,
            Observed::Started {
                voted_for: None,
                snapshot,
                entries: Vec::new(),
            },
        );
    }
    let (mut index, mut last_term) = (0, 0);
    for number in 0..10_000_u64 {
        let term = 1 + number / 50;
        if number % 50 == 0 {
            let kind = Observed::LeaderElected {
                last_index: index,
                last_term,
            };
            observe(&mut invariants, (term % 5) as u32, term, kind);
            last_term = term;
        }
        let mut entries = Vec::new();
        for _ in 0..10 {
            chain = mix(chain ^ term);
            entries.push(Entry {
                term,
                digest: chain,
            });
        }
        for node in 0..5 {
            let (first_index, entries) = (index + 1, entries.clone());
            observe(
                &mut invariants,
                node,
                term,
                Observed::Appended {
                    first_index,
                    entries,
                },
            );
        }
        for node in 0..5 {
            let (first_index, entries) = (index + 1, entries.clone());
            observe(
                &mut invariants,
                node,
                term,
                Observed::Applied {
                    first_index,
                    entries,
                },
            );
        }
        index += 10;
    }
    let verdict = invariants.finish();
    println!(
        "{:?}, 1,000,000 entries told, in {:?}",
        verdict.notes,
        start.elapsed()
    );
    assert_eq!(verdict.validity, Validity::Valid, "{verdict:?}");
}
