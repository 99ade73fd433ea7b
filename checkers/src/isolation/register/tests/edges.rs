//! Every edge of every anomaly, derived once more from the operations. Shares no code with the judge.
//!
//! An edge that is certain must be there in every order of the versions of its key in which each update comes right
//! behind what it updated. One that is derived is told with a cycle that the other order of its two versions would
//! close: each step of that cycle must be there in every order of versions that has them so. Where all edges of a
//! cycle are certain, and the level is one graph, the cycle must be as short as the shortest. What is assumed is
//! derived as its definition has it.

use crate::searches::{at_least, share};
use rupture_history::{Anomaly, Outcome};

use super::compare::{assumptions, some};
use super::stores::{Act, Txn, events};
use crate::Budget;
use crate::isolation::Level;
use crate::isolation::assumed::Assumptions;
use crate::isolation::register::{LEVELS, Prepared, Ruling};
use crate::isolation::tests::rounds::{self, cycle, names};
use crate::isolation::transactions::{Registers, Transactions, Writes};
use crate::linearizability::tests::random::Random;

/// The last value that a transaction wrote to a key.
fn left(txn: &Txn, key: usize) -> Option<u32> {
    txn.acts.iter().rev().find_map(|&(of, act)| match act {
        Act::Write(value) if of == key => Some(value),
        _ => None,
    })
}

fn wrote(txn: &Txn, key: usize, value: u32) -> bool {
    txn.acts.contains(&(key, Act::Write(value)))
}

/// What an `ok` transaction read of a key that it had not written itself.
fn read(txn: &Txn, key: usize, value: u32) -> bool {
    txn.outcome == Outcome::Ok
        && !wrote(txn, key, value)
        && txn.acts.contains(&(key, Act::Read(value)))
}

/// Whether somebody read of a transaction what it left behind or not.
fn is_seen(txns: &[Txn], txn: &Txn) -> bool {
    txn.acts.iter().any(|&(key, act)| match act {
        Act::Write(value) => txns.iter().any(|other| read(other, key, value)),
        Act::Read(_) => false,
    })
}

fn takes_part(txns: &[Txn], txn: &Txn) -> bool {
    txn.outcome == Outcome::Ok || txn.outcome == Outcome::Info && is_seen(txns, txn)
}

/// The versions of a key: 0, and what those left who take part.
fn versions(txns: &[Txn], key: usize) -> Vec<u32> {
    let written = txns.iter().filter(|txn| takes_part(txns, txn));
    let written = written.filter_map(|txn| left(txn, key));
    std::iter::once(0).chain(written).collect()
}

/// A history, and what is asked of it.
struct Asked<'t> {
    txns: &'t [Txn],
    level: Level,
    assumptions: Assumptions,
}

/// All orders of the versions of each key that updates allow, the initial one first.
type Orders = Vec<Vec<Vec<u32>>>;

impl Asked<'_> {
    fn keys(&self) -> usize {
        let acts = self.txns.iter().flat_map(|txn| &txn.acts);
        acts.map(|(key, _)| key + 1).max().unwrap_or(0)
    }

    /// Whether an order of the versions of a key has every update right behind what it updated.
    fn keeps_updates(&self, key: usize, order: &[u32]) -> bool {
        let place = |value: u32| order.iter().position(|&one| one == value);
        self.txns.iter().all(|txn| {
            let Some(own) = left(txn, key).and_then(place) else {
                return true;
            };
            order.iter().enumerate().all(|(at, &value)| {
                let updates = read(txn, key, value);
                !updates || at + 1 == own || self.level == Level::Prefix && at < own
            })
        })
    }

    /// The places at which a transaction met a version: it read it of another, or left it.
    fn met(&self, txn: usize, key: usize, value: u32) -> Vec<usize> {
        let txn = &self.txns[txn];
        let acts = txn.acts.iter().enumerate();
        let meets = |&(_, &act): &(usize, &(usize, Act))| match act {
            (of, Act::Write(written)) => {
                of == key && written == value && left(txn, key) == Some(value)
            }
            (of, Act::Read(_)) => {
                of == key && act.1 == Act::Read(value) && txn.outcome == Outcome::Ok
            }
        };
        acts.filter(meets).map(|(place, _)| place).collect()
    }

    /// Whether what is assumed puts a version of a key before another one.
    fn is_assumed(&self, key: usize, earlier: u32, later: u32) -> bool {
        let Assumptions {
            sequential_keys: sequential,
            linearizable_keys: linearizable,
            ..
        } = self.assumptions;
        if self.assumptions == Assumptions::default() {
            return false;
        }
        let count = self.txns.len();
        let pairs = (0..count).flat_map(|one| (0..count).map(move |other| (one, other)));
        pairs
            .filter(|&(one, other)| {
                takes_part(self.txns, &self.txns[one]) && takes_part(self.txns, &self.txns[other])
            })
            .any(|(one, other)| {
                let (first, second) = (self.met(one, key, earlier), self.met(other, key, later));
                let (Some(first), Some(second)) = (first.first(), second.last()) else {
                    return false;
                };
                let (a, b) = (&self.txns[one], &self.txns[other]);
                let follows = a.precedes(b) && a.outcome == Outcome::Ok;
                let along = sequential || linearizable || left(a, key) == Some(later);
                one == other && first < second && along
                    || follows && (linearizable || sequential && a.process == b.process)
            })
    }

    fn orders(&self) -> Orders {
        let of = |key: usize| {
            let mut all = vec![vec![0]];
            let versions = versions(self.txns, key);
            for _ in 1..versions.len() {
                let longer = all.iter().flat_map(|order: &Vec<u32>| {
                    let left = versions.iter().filter(|value| !order.contains(value));
                    left.map(|&value| [&order[..], &[value]].concat())
                });
                all = longer.collect();
            }
            all.retain(|order| self.keeps_updates(key, order));
            all.retain(|order| {
                let pairs = (0..order.len()).flat_map(|at| (0..at).map(move |before| (before, at)));
                let mut turned = pairs.map(|(before, at)| (order[at], order[before]));
                !turned.any(|(earlier, later)| self.is_assumed(key, earlier, later))
            });
            all
        };
        (0..self.keys()).map(of).collect()
    }

    /// Whether an edge is there when the versions of a key are in this order.
    fn ordered(&self, kind: &str, key: usize, order: &[u32], (from, to): (usize, usize)) -> bool {
        let later =
            left(&self.txns[to], key).and_then(|own| order.iter().position(|&one| one == own));
        let Some(later) = later else { return false };
        order[..later].iter().any(|&value| match kind {
            "ww" => left(&self.txns[from], key) == Some(value) && value != 0,
            _ => read(&self.txns[from], key, value),
        })
    }

    /// Whether one read what the other updated: an anti-dependency whatever the order of the other versions.
    fn updated(&self, key: usize, (from, to): (usize, usize)) -> bool {
        let (one, other) = (&self.txns[from], &self.txns[to]);
        let read = |value| read(one, key, value) && read(other, key, value);
        left(other, key).is_some() && (0..20).any(read)
    }

    /// Whether an edge is there in all of these orders of versions.
    fn certain(&self, kind: &str, (from, to): (usize, usize), orders: &Orders) -> bool {
        let (one, other) = (&self.txns[from], &self.txns[to]);
        match kind {
            "process" => {
                one.process == other.process && one.precedes(other) && one.outcome == Outcome::Ok
            }
            "realtime" => one.precedes(other) && one.outcome == Outcome::Ok,
            "wr" => one.acts.iter().any(|&(key, act)| match act {
                Act::Write(value) => read(other, key, value),
                Act::Read(_) => false,
            }),
            _ => (0..self.keys()).any(|key| {
                let there = |order: &Vec<u32>| self.ordered(kind, key, order, (from, to));
                kind == "rw" && self.level != Level::Prefix && self.updated(key, (from, to))
                    || orders[key].iter().all(there)
            }),
        }
    }

    /// The length of the shortest cycle of edges that are certain for a reason that two transactions, or the first chain
    /// of a key, show.
    fn shortest(&self, time: Option<&str>) -> Option<usize> {
        let count = self.txns.len();
        let nothing: Orders = vec![vec![vec![0]]; self.keys()];
        let first: Vec<(u32, Vec<u32>)> =
            (0..self.keys()).map(|key| self.first_chain(key)).collect();
        let edge = |from: usize, to: usize| {
            let both =
                takes_part(self.txns, &self.txns[from]) && takes_part(self.txns, &self.txns[to]);
            let overwritten = (0..self.keys()).any(|key| {
                let (tail, heads) = &first[key];
                let met = read(&self.txns[from], key, *tail)
                    || *tail != 0 && left(&self.txns[from], key) == Some(*tail);
                met && left(&self.txns[to], key).is_some_and(|own| heads.contains(&own))
            });
            let shown = self.certain("wr", (from, to), &nothing)
                || (0..self.keys()).any(|key| self.updated(key, (from, to)))
                || time.is_some_and(|time| self.certain(time, (from, to), &nothing));
            from != to && both && (overwritten || shown)
        };
        rounds::shortest(count, edge)
    }

    /// The last version of the chain of updates that begins with the initial one, and the versions that update nothing.
    fn first_chain(&self, key: usize) -> (u32, Vec<u32>) {
        let versions = versions(self.txns, key);
        let update_of = |value: u32| {
            let mut updates = self.txns.iter().filter(|txn| read(txn, key, value));
            updates.find_map(|txn| left(txn, key))
        };
        let mut tail = 0;
        for _ in 0..versions.len() {
            tail = update_of(tail).unwrap_or(tail);
        }
        let updates: Vec<u32> = versions
            .iter()
            .filter_map(|&value| update_of(value))
            .collect();
        let blind = versions
            .iter()
            .filter(|&value| *value != 0 && !updates.contains(value));
        (tail, blind.copied().collect())
    }
}

/// The two versions that an edge says are in this order, and their key.
fn pair(why: &str) -> (usize, u32, u32) {
    let after = |before: &str| {
        let rest = why.split_once(before).expect("said").1;
        let word: String = rest
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        word
    };
    let number = |word: &str| {
        if word == "nil" {
            0
        } else {
            word.parse().expect("a number")
        }
    };
    let did = if why.contains(" read ") {
        " read "
    } else {
        " wrote "
    };
    (
        number(&after(" key ")) as usize,
        number(&after(did)),
        number(&after(" with ")),
    )
}

/// The transactions of the cycle that refutes the other order, if it is a single one.
fn refutation(why: &str) -> Option<Vec<u64>> {
    let (_, cycle) = why.split_once("is impossible")?;
    if cycle.contains("each case") {
        return None;
    }
    let (_, cycle) = cycle.split_once(": ")?;
    let names = cycle.trim_end_matches('.').split(" < ");
    Some(
        names
            .map(|name| name[1..].parse().expect("an index"))
            .collect(),
    )
}

const FAULTS: [&str; 7] = [
    "cyclic-versions",
    "garbage-read",
    "G1a",
    "G1b",
    "internal",
    "future-read",
    "lost-update",
];

/// A history with its events, judged.
struct Judged<'t> {
    asked: Asked<'t>,
    orders: Orders,
    /// By transaction: the index of its invocation.
    index: Vec<u64>,
}

impl Judged<'_> {
    fn number(&self, index: u64) -> usize {
        self.index
            .iter()
            .position(|&known| known == index)
            .expect("an invocation")
    }

    fn check(&self, anomaly: &Anomaly) {
        if anomaly.kind == "cyclic-versions" {
            // It is versions that go round, and told by who met them.
            return;
        }
        for edge in &anomaly.dependencies {
            let ends = (self.number(edge.from), self.number(edge.to));
            assert!(
                names(&edge.why, edge.from) && names(&edge.why, edge.to),
                "{edge:?}"
            );
            for end in [edge.from, edge.to] {
                assert!(
                    anomaly.evidence.iter().any(|one| one.index == end),
                    "{anomaly:#?}"
                );
            }
            if edge.why.contains("by what is assumed") {
                self.check_assumed(&edge.why);
            }
            if edge.why.contains("is impossible") {
                self.check_refutation(anomaly, &edge.why);
            } else if edge.why.contains("is supposed") {
                panic!("nothing says why: {edge:?}");
            } else if anomaly.kind == "G1a" || anomaly.kind == "G1b" {
                assert_eq!(edge.kind, "wr");
            } else {
                assert!(
                    self.asked.certain(&edge.kind, ends, &self.orders),
                    "{} {edge:?} of {:#?}",
                    self.asked.level,
                    self.asked.txns
                );
            }
        }
        let two = anomaly.summary.contains(" and also ");
        if !FAULTS.contains(&&*anomaly.kind) && !two {
            let large = anomaly.summary.contains(" pairs of writes ");
            assert!(
                cycle(&anomaly.dependencies) > 1 || large,
                "{} {anomaly:#?}",
                self.asked.level
            );
        }
    }

    /// Holds what is said to be assumed against what is.
    fn check_assumed(&self, why: &str) {
        let (key, mut earlier, mut later) = pair(why);
        if let Some((_, said)) = why.split_once("it is assumed that ") {
            let words: Vec<&str> = said.split([' ', '.']).collect();
            let number = |word: &str| {
                if word == "nil" {
                    0
                } else {
                    word.parse().expect("a number")
                }
            };
            (earlier, later) = (number(words[0]), number(words[3]));
        }
        assert!(
            self.asked.is_assumed(key, earlier, later),
            "{why} {:?}",
            self.asked.txns
        );
    }

    /// Holds every step of a refutation against the orders of versions that have the two the other way round.
    fn check_refutation(&self, anomaly: &Anomaly, why: &str) {
        let Some(refuted) = refutation(why) else {
            return;
        };
        let mut orders = self.orders.clone();
        let mut keep = |(key, first, second): (usize, u32, u32)| {
            orders[key].retain(|order| {
                let place = |value| order.iter().position(|&one| one == value);
                place(first) < place(second)
            });
        };
        let own = pair(why);
        keep((own.0, own.2, own.1));
        if why.contains("as the choices before it stand") {
            let others = anomaly
                .dependencies
                .iter()
                .filter(|edge| edge.why.contains("is impossible"));
            for other in others.map(|edge| pair(&edge.why)) {
                if other != own {
                    keep(other);
                }
            }
        }
        for step in refuted.windows(2) {
            let ends = (self.number(step[0]), self.number(step[1]));
            let kinds = ["wr", "ww", "rw", "process", "realtime"];
            assert!(
                kinds
                    .iter()
                    .any(|kind| self.asked.certain(kind, ends, &orders)),
                "{step:?} of {why} of {anomaly:#?} of {:#?}",
                self.asked.txns
            );
        }
    }

    /// Of levels that are one graph the shortest cycle of certain edges is told.
    fn check_length(&self, anomalies: &[Anomaly]) -> bool {
        let time = match self.asked.level {
            Level::Serializable => None,
            Level::StrongSessionSerializable => Some("process"),
            Level::StrictSerializable => Some("realtime"),
            _ => return false,
        };
        if self.asked.assumptions != Assumptions::default() {
            return false;
        }
        let is_certain = |one: &Anomaly| {
            let derived = one
                .dependencies
                .iter()
                .any(|edge| edge.why.contains("is impossible"));
            !derived && !FAULTS.contains(&&*one.kind) && cycle(&one.dependencies) > 0
        };
        if !anomalies.iter().all(is_certain) {
            return false;
        }
        let told = anomalies.iter().map(|one| cycle(&one.dependencies)).min();
        assert_eq!(
            told,
            self.asked.shortest(time),
            "{} {anomalies:#?} {:?}",
            self.asked.level,
            self.asked.txns
        );
        true
    }
}

/// Judges random histories until so many were found invalid, and checks every edge; returns how many edges were certain
/// and derived, and how many lengths were compared.
fn search(seed: u64, invalid: usize) -> (usize, usize, usize) {
    let mut random = Random::new(seed);
    let (mut found, mut certain, mut derived, mut lengths) = (0, 0, 0, 0);
    while found < invalid {
        let (_, txns) = some(&mut random);
        if (0..3).any(|key| versions(&txns, key).len() > 6) {
            continue;
        }
        let history = events(&txns);
        let operations = history.operations().unwrap();
        let index = operations
            .iter()
            .map(|one| history.get(one.invoked as usize).index());
        let index: Vec<u64> = index.collect();
        let transactions = Transactions::<Registers>::read(&history, operations).unwrap();
        let writes = Writes::of(&transactions).unwrap();
        let budget = Budget::unlimited();
        let assumptions = assumptions(&mut random);
        let prepared = Prepared::of(&transactions, &writes, assumptions, &budget).unwrap();
        let mut any = false;
        for level in LEVELS {
            let Ruling::Violated(anomalies) = prepared.judge(level, &budget) else {
                continue;
            };
            any = true;
            let asked = Asked {
                txns: &txns,
                level,
                assumptions,
            };
            let judged = Judged {
                orders: asked.orders(),
                asked,
                index: index.clone(),
            };
            for anomaly in &anomalies {
                judged.check(anomaly);
                let edges = anomaly.dependencies.iter();
                let count = edges
                    .filter(|edge| edge.why.contains("is impossible"))
                    .count();
                derived += count;
                certain += anomaly.dependencies.len() - count;
            }
            let mut kinds: Vec<&str> = anomalies.iter().map(|one| &*one.kind).collect();
            kinds.sort_unstable();
            assert!(kinds.windows(2).all(|pair| pair[0] != pair[1]), "{kinds:?}");
            lengths += usize::from(judged.check_length(&anomalies));
        }
        found += usize::from(any);
    }
    (certain, derived, lengths)
}

#[test]
fn every_edge_follows_from_the_operations() {
    let (certain, derived, lengths) = search(31, share(8_000).min(2_000));
    assert!(
        certain >= at_least(8_000) && derived >= at_least(100) && lengths >= at_least(200),
        "{certain} {derived} {lengths}"
    );
}

#[test]
#[ignore = "minutes"]
fn every_edge_follows_from_the_operations_of_many_histories() {
    for seed in 0..10 {
        search(3_100 + seed, 5_000);
    }
}

/// What is told of a history at a level: each anomaly's kind, summary, and edges.
fn told(text: &str, level: Level) -> String {
    let history = rupture_history::codec::read(text.as_bytes()).unwrap();
    let operations = history.operations().unwrap();
    let transactions = Transactions::<Registers>::read(&history, operations).unwrap();
    let writes = Writes::of(&transactions).unwrap();
    let budget = Budget::unlimited();
    let nothing = Assumptions::default();
    let prepared = Prepared::of(&transactions, &writes, nothing, &budget).unwrap();
    let Ruling::Violated(anomalies) = prepared.judge(level, &budget) else {
        panic!("{level} holds");
    };
    let mut lines: Vec<String> = Vec::new();
    for one in anomalies {
        lines.push(format!("{}: {}\n", one.kind, one.summary));
        for edge in one.dependencies {
            let ends = (edge.from, edge.to);
            lines.push(format!(
                "T{} {} T{}: {}\n",
                ends.0, edge.kind, ends.1, edge.why
            ));
        }
    }
    lines.concat()
}

/// Transactions as a text has them, one a line: the process, when it was invoked and when it completed in events, and
/// what it did.
fn timed(lines: &[(u32, [usize; 2], &str)]) -> String {
    let mut events: Vec<(usize, String)> = Vec::new();
    for (process, rows, acts) in lines {
        for (row, kind) in rows.iter().zip(["invoke", "ok"]) {
            let event = format!("{{:process {process} :type :{kind} :f :txn :value [{acts}]}}\n");
            events.push((*row, event));
        }
    }
    events.sort();
    events.into_iter().map(|(_, event)| event).collect()
}

#[test]
fn certain_cycles_are_told_in_words() {
    let own = timed(&[
        (0, [0, 1], "[:w 0 1]"),
        (0, [2, 3], "[:r 1 nil]"),
        (0, [4, 5], "[:r 0 nil]"),
    ]);
    let own_text = "\
G-single-process: T4 < T0 < T4: each would have to come before itself.
T4 rw T0: T4 read nil of key 0, and T0 overwrote that with 1, so T4 came before T0.
T0 process T4: Process 0 had completed T0 before it invoked T4, so T0 came before T4.
";
    // Sessions are told as such though they are real time too.
    for level in [Level::StrongSessionSerializable, Level::StrictSerializable] {
        assert_eq!(told(&own, level), own_text);
    }
    let skew = timed(&[
        (0, [0, 3], "[:r 0 nil] [:w 1 1]"),
        (1, [1, 2], "[:r 1 nil] [:w 0 1]"),
    ]);
    let skew_text = "\
write-skew: T0 < T1 < T0: each would have to come before itself.
T0 rw T1: T0 read nil of key 0, and T1 overwrote that with 1, so T0 came before T1.
T1 rw T0: T1 read nil of key 1, and T0 overwrote that with 1, so T1 came before T0.
";
    assert_eq!(told(&skew, Level::Serializable), skew_text);
    let lost = timed(&[
        (0, [0, 3], "[:r 0 nil] [:w 0 1]"),
        (1, [1, 2], "[:r 0 nil] [:w 0 2]"),
    ]);
    let lost_text = "\
lost-update: T0 read nil of key 0 and T1 read nil of key 0, and both then wrote that key: one of them did not see \
what it updated.
T0 rw T1: T0 read nil of key 0, and T1, which had read that as well, wrote 2 to the key, so T0 came before T1.
T1 rw T0: T1 read nil of key 0, and T0, which had read that as well, wrote 1 to the key, so T1 came before T0.
";
    assert_eq!(told(&lost, Level::SnapshotIsolation), lost_text);
}

#[test]
fn what_rests_on_updates_that_are_not_lost_names_them() {
    let chain = timed(&[
        (0, [0, 1], "[:r 0 nil] [:w 0 1]"),
        (1, [2, 3], "[:r 0 1] [:w 0 2] [:r 1 5]"),
        (2, [4, 5], "[:w 0 3] [:w 1 5]"),
    ]);
    let text = "\
G1c: T4 < T2 < T4: each would have to come before itself.
T4 wr T2: T2 read 5 of key 1, and T4 had written it, so T4 came before T2.
T2 ww T4: T2 wrote 2 to key 0, and T4 overwrote that with 3, so T2 came before T4. T0, T2 each wrote the version of \
key 0 that follows the one it had read, so nothing comes between nil and 2.
";
    assert_eq!(told(&chain, Level::Serializable), text);
}

#[test]
fn derived_orders_are_told_with_why_the_other_is_impossible() {
    let stale = timed(&[
        (0, [0, 1], "[:w 0 1]"),
        (0, [2, 3], "[:w 0 2]"),
        (1, [4, 5], "[:r 0 1]"),
    ]);
    let text = "\
nonserializable-realtime: No order of the versions explains T0, T2, T4: each leads to a cycle.
T4 rw T2: T4 read 1 of key 0, and T2 overwrote that with 2, so T4 came before T2. The other order of the two versions \
is impossible: T2 < T0 < T2.
T2 realtime T4: T2 had completed (event 3) before T4 was invoked (event 4), so T2 came before T4.
T0 process T2: Process 0 had completed T0 before it invoked T2, so T0 came before T2.
";
    assert_eq!(told(&stale, Level::StrictSerializable), text);
    let forks = timed(&[
        (0, [0, 4], "[:w 0 1] [:w 1 1]"),
        (1, [1, 5], "[:w 0 2] [:w 1 2]"),
        (2, [2, 6], "[:r 0 1] [:r 1 2]"),
    ]);
    let text = "\
nonserializable: No order of the versions explains T0, T1, T2: each leads to a cycle.
T1 ww T0: T1 wrote 2 to key 0, and T0 overwrote that with 1, so T1 came before T0. The other order of the two versions \
is impossible: T2 < T1 < T2.
T0 ww T1: T0 wrote 1 to key 1, and T1 overwrote that with 2, so T0 came before T1. The other order of the two versions \
is impossible, as the choices before it stand: T2 < T0 < T2.
T1 wr T2: T2 read 2 of key 1, and T1 had written it, so T1 came before T2.
T0 wr T2: T2 read 1 of key 0, and T0 had written it, so T0 came before T2.
";
    assert_eq!(told(&forks, Level::Serializable), text);
}
