//! Every edge of every finding, derived once more from the operations and from what the levels ask for. Shares no code
//! with the judge.

use crate::searches::{at_least, share};
use rupture_history::Outcome;

use super::case::{Case, LEVELS, Txn};
use super::random::Random;
use super::stores::case;
use crate::isolation::Level;
use crate::isolation::tests::rounds::{self, cycle, names};
use crate::isolation::weak::{Finding, Ruling};

/// Who wrote a value of a key.
fn writer(case: &Case, key: usize, value: i64) -> Option<usize> {
    let wrote = |txn: &Txn| {
        let mut writes = txn.ops.iter().filter(|op| op.writes);
        writes.any(|op| op.key == key && op.value == value)
    };
    case.0.iter().position(wrote)
}

fn wrote(case: &Case, txn: usize, key: usize) -> bool {
    let mut writes = case.0[txn].ops.iter().filter(|op| op.writes);
    writes.any(|op| op.key == key)
}

/// What an `ok` transaction read of others, in order: the place, the key and the writer; no writer for `nil`.
fn reads(case: &Case, txn: usize) -> Vec<(usize, usize, Option<usize>)> {
    if case.0[txn].outcome != Outcome::Ok {
        return Vec::new();
    }
    let reads = case.0[txn]
        .ops
        .iter()
        .enumerate()
        .filter(|(_, op)| !op.writes);
    let known = reads.filter_map(|(place, op)| match op.value {
        0 => Some((place, op.key, None)),
        value => Some((place, op.key, Some(writer(case, op.key, value)?))),
    });
    known
        .filter(|(_, _, source)| *source != Some(txn))
        .collect()
}

fn reads_of(case: &Case, txn: usize, key: usize, source: usize) -> Vec<usize> {
    let all = reads(case, txn).into_iter();
    let same = all.filter(|&(_, of, from)| of == key && from == Some(source));
    same.map(|(place, ..)| place).collect()
}

/// Whether one precedes the other in its session.
fn before(case: &Case, one: usize, other: usize) -> bool {
    let (first, second) = (&case.0[one], &case.0[other]);
    one < other && first.process == second.process && first.outcome == Outcome::Ok
}

/// The least transitive relation that contains these pairs.
fn closed(pairs: &[(usize, usize)], count: usize) -> Vec<Vec<bool>> {
    let mut reaches = vec![vec![false; count]; count];
    for &(one, other) in pairs {
        reaches[one][other] = true;
    }
    for middle in 0..count {
        for from in 0..count {
            for to in 0..count {
                reaches[from][to] |= reaches[from][middle] && reaches[middle][to];
            }
        }
    }
    reaches
}

/// A history, and what can be derived from it.
struct Derived<'c> {
    case: &'c Case,
    level: Level,
    happened: Vec<Vec<bool>>,
}

impl<'c> Derived<'c> {
    fn of(case: &'c Case, level: Level) -> Self {
        let count = case.0.len();
        let mut pairs = Vec::new();
        for to in 0..count {
            pairs.extend(
                (0..count)
                    .filter(|&from| before(case, from, to))
                    .map(|from| (from, to)),
            );
            let sources = reads(case, to).into_iter().filter_map(|(_, _, from)| from);
            pairs.extend(sources.map(|from| (from, to)));
        }
        Self {
            case,
            level,
            happened: closed(&pairs, count),
        }
    }

    fn count(&self) -> usize {
        self.case.0.len()
    }

    /// Who shows an edge of the conflict relation.
    fn conflict(&self, from: usize, to: usize) -> Vec<usize> {
        let shows = |&reader: &usize| {
            self.happened[from][reader]
                && (0..3).any(|key| {
                    wrote(self.case, from, key) && !reads_of(self.case, reader, key, to).is_empty()
                })
        };
        (0..self.count()).filter(shows).collect()
    }

    /// Whether a read forces one writer before another under an atomic level.
    fn atomic(&self, from: usize, to: usize) -> bool {
        (0..self.count()).any(|reader| {
            let mut saw = reads(self.case, reader).into_iter();
            let Some((seen, ..)) = saw.find(|(_, _, source)| *source == Some(from)) else {
                return false;
            };
            let later = |place: &usize| self.level == Level::ReadAtomic || *place > seen;
            (0..3).any(|key| {
                wrote(self.case, from, key)
                    && reads_of(self.case, reader, key, to).iter().any(later)
            })
        })
    }

    /// Whether a session guarantee asks that the version of one writer is not newer than that of another.
    fn guaranteed(&self, from: usize, to: usize) -> bool {
        (0..3).any(|key| {
            let both = wrote(self.case, from, key) && wrote(self.case, to, key);
            both && self.asked(from, to, key)
        })
    }

    fn asked(&self, from: usize, to: usize, key: usize) -> bool {
        let case = self.case;
        let all = 0..self.count();
        let session = |one, other| before(case, one, other);
        // Whoever knew the version of the earlier, and what it, or its session, did after that.
        let knew = |node: usize| match self.level {
            Level::MonotonicWrites => session(from, node),
            _ => all.clone().any(|one| {
                (one == node || session(one, node)) && !reads_of(case, one, key, from).is_empty()
            }),
        };
        match self.level {
            Level::ReadYourWrites => all
                .clone()
                .any(|reader| session(from, reader) && !reads_of(case, reader, key, to).is_empty()),
            Level::MonotonicReads => all.clone().any(|reader| {
                let earlier =
                    |one: usize| session(one, reader) && !reads_of(case, one, key, from).is_empty();
                all.clone().any(earlier) && !reads_of(case, reader, key, to).is_empty()
            }),
            _ => {
                knew(to)
                    || all.clone().any(|reader| {
                        let last = reads_of(case, reader, key, to).last().copied();
                        last.is_some_and(|last| {
                            let seen = reads(case, reader).into_iter();
                            let mut seen = seen.filter(|(place, ..)| *place < last);
                            seen.any(|(_, _, source)| source.is_some_and(knew))
                        })
                    })
            }
        }
    }

    /// What must come before what to a process (Bouajjani et al. 2017, definition 6), by the least fixpoint.
    fn to_process(&self, process: i64) -> Vec<(usize, usize)> {
        let count = self.count();
        let memory = self.level == Level::CausalMemory;
        let own = |txn: usize| {
            self.case.0[txn].process == process && self.case.0[txn].outcome == Outcome::Ok
        };
        let mut base = Vec::new();
        for to in 0..count {
            base.extend(
                (0..count)
                    .filter(|&from| before(self.case, from, to))
                    .map(|from| (from, to)),
            );
            if memory || own(to) {
                let sources = reads(self.case, to)
                    .into_iter()
                    .filter_map(|(_, _, from)| from);
                base.extend(sources.map(|from| (from, to)));
            }
        }
        let mut forced: Vec<(usize, usize)> = Vec::new();
        loop {
            let all: Vec<(usize, usize)> = base.iter().chain(&forced).copied().collect();
            let reaches = closed(&all, count);
            let known = forced.len();
            for reader in (0..count).filter(|&txn| own(txn)) {
                for (_, key, source) in reads(self.case, reader) {
                    let Some(source) = source else { continue };
                    let writers =
                        (0..count).filter(|&one| one != source && wrote(self.case, one, key));
                    for one in writers.filter(|&one| reaches[one][reader]) {
                        if !forced.contains(&(one, source)) {
                            forced.push((one, source));
                        }
                    }
                }
            }
            if forced.len() == known {
                return forced;
            }
        }
    }

    /// Whether an edge holds by itself.
    fn holds(&self, kind: &str, from: usize, to: usize) -> bool {
        match kind {
            "wr" => reads(self.case, to)
                .iter()
                .any(|(_, _, source)| *source == Some(from)),
            "process" => before(self.case, from, to),
            "rw" => reads(self.case, from)
                .iter()
                .any(|&(_, key, source)| source.is_none() && wrote(self.case, to, key)),
            "ww" if matches!(self.level, Level::ReadAtomic | Level::MonotonicAtomicView) => {
                self.atomic(from, to)
            }
            "ww" => self.guaranteed(from, to),
            "cf" => !self.conflict(from, to).is_empty(),
            "hb" => true,
            _ => false,
        }
    }

    /// Whether some edges hold together: those of one view have one reader, or one process.
    fn together(&self, edges: &[(&str, usize, usize)]) -> bool {
        let of = |kind: &str| {
            let edges = edges.iter().filter(|(of, ..)| *of == kind);
            edges.map(|&(_, from, to)| (from, to)).collect::<Vec<_>>()
        };
        let (conflicts, views) = (of("cf"), of("hb"));
        let one_reader = self.level != Level::Causal
            || conflicts.is_empty()
            || (0..self.count()).any(|reader| {
                let shows =
                    |&(from, to): &(usize, usize)| self.conflict(from, to).contains(&reader);
                conflicts.iter().all(shows)
            });
        let one_process = views.is_empty()
            || (0..4).any(|process| {
                let forced = self.to_process(process);
                views.iter().all(|edge| forced.contains(edge))
            });
        one_reader && one_process
    }

    /// The length of a shortest cycle of a level that has one graph.
    fn shortest(&self) -> Option<usize> {
        let count = self.count();
        let forced = self.level != Level::ReadCommitted;
        let edge = |from: usize, to: usize| {
            let read = self.holds("wr", from, to);
            from != to && (read || forced && self.atomic(from, to))
        };
        rounds::shortest(count, edge)
    }
}

const FLAWS: [&str; 5] = ["garbage-read", "G1a", "G1b", "internal", "future-read"];

/// Checks the edges of a finding; returns how many there are.
fn check(case: &Case, level: Level, finding: &Finding) -> usize {
    let derived = Derived::of(case, level);
    let number = |index: u64| index as usize / 2;
    for edge in &finding.dependencies {
        let (from, to) = (number(edge.from), number(edge.to));
        assert!(
            derived.holds(&edge.kind, from, to),
            "{level} {edge:?} of {case:?}: {finding:#?}"
        );
        assert!(
            names(&edge.why, edge.from) && names(&edge.why, edge.to),
            "{edge:?}"
        );
        for end in [from, to] {
            assert!(
                finding.transactions.contains(&(end as u32)),
                "{edge:?}: {finding:#?}"
            );
        }
    }
    let edges = finding.dependencies.iter();
    let edges: Vec<_> = edges
        .map(|e| (&*e.kind, number(e.from), number(e.to)))
        .collect();
    assert!(
        derived.together(&edges),
        "{level} of {case:?}: {finding:#?}"
    );
    if !FLAWS.contains(&finding.kind) {
        assert!(
            cycle(&finding.dependencies) > 1,
            "{level} of {case:?}: {finding:#?}"
        );
    }
    finding.dependencies.len()
}

/// Judges random histories until so many were found invalid, and checks every edge.
fn search(seed: u64, invalid: u64) -> usize {
    let (mut found, mut number, mut edges) = (0, 0, 0);
    while found < invalid {
        let mut random = Random::new(seed << 40 | number);
        number += 1;
        let case = case(7, &mut random);
        let mut any = false;
        for (&level, ruling) in LEVELS.iter().zip(case.judge(&LEVELS)) {
            let Ruling::Violated(findings) = ruling else {
                continue;
            };
            any = true;
            edges += findings
                .iter()
                .map(|it| check(&case, level, it))
                .sum::<usize>();
            shortest(&case, level, &findings);
        }
        found += u64::from(any);
    }
    edges
}

/// Where the level is one graph, the shortest cycle that was told is the shortest there is.
fn shortest(case: &Case, level: Level, findings: &[Finding]) {
    let one_graph = [
        Level::ReadCommitted,
        Level::MonotonicAtomicView,
        Level::ReadAtomic,
    ];
    let cycles = findings.iter().filter(|it| !FLAWS.contains(&it.kind));
    let whole = cycles.clone().count() == findings.len();
    // Reads that contradict their own transaction make cycles that are not told as such.
    let initial = cycles
        .clone()
        .any(|it| it.dependencies.iter().any(|edge| edge.kind == "rw"));
    // Where something happened before itself, nothing more is forced.
    let circular = cycles
        .clone()
        .any(|it| matches!(it.kind, "G1c" | "cyclic-co"));
    if !one_graph.contains(&level) || !whole || initial || circular && level != Level::ReadCommitted
    {
        return;
    }
    let told = cycles.map(|it| cycle(&it.dependencies)).min();
    assert_eq!(
        told,
        Derived::of(case, level).shortest(),
        "{level} of {case:?}: {findings:#?}"
    );
}

#[test]
fn every_edge_follows_from_the_operations() {
    let edges = search(21, share(3_000) as u64);
    assert!(edges >= at_least(30_000), "{edges} edges");
}

#[test]
#[ignore = "minutes"]
fn every_edge_follows_from_the_operations_of_many_histories() {
    search(22, 100_000);
}

/// The edges of the only finding, as text.
fn told(text: &str, level: Level) -> Vec<String> {
    match &Case::read(text).judge(&[level])[..] {
        [Ruling::Violated(findings)] if findings.len() == 1 => {
            let edges = findings[0].dependencies.iter();
            let lines = edges.map(|e| format!("T{} {} T{}: {}", e.from, e.kind, e.to, e.why));
            lines.collect()
        }
        other => panic!("{text}: {other:?}"),
    }
}

/// Small histories, and the edges that they are told with.
const TOLD: [(&str, Level, &[&str]); 8] = [
    (
        "0: wx1 wy1 | 1: wx2 wy2 | 2: ry1 rx2",
        Level::ReadAtomic,
        &[
            "T0 ww T2: T4 read 2 of key :x, which T2 had written, and not 1, which T0 wrote: so T0 came before T2.",
            "T2 ww T0: T4 read 1 of key :y, which T0 had written, and not 2, which T2 wrote: so T2 came before T0.",
            "T0 wr T4: T4 read 1 of key :y, which T0 had written, so T0 came before T4.",
            "T2 wr T4: T4 read 2 of key :x, which T2 had written, so T2 came before T4.",
        ],
    ),
    (
        "0: wx1 wy1 | 1: rx0 ry1",
        Level::ReadAtomic,
        &[
            "T0 wr T2: T2 read 1 of key :y, which T0 had written, so T0 came before T2.",
            "T2 rw T0: T2 read nil of key :x, and T0 overwrote that with 1, so T2 came before T0.",
        ],
    ),
    (
        "0: wx1 | 0: wx2 | 0: rx1",
        Level::Causal,
        &[
            "T0 process T2: Process 0 had completed T0 before it invoked T2, so T0 came before T2.",
            "T2 cf T0: T2 wrote 2 to key :x, and T4 read 1, which T0 had written: so to T4 T2 came before T0.",
            "T2 process T4: Process 0 had completed T2 before it invoked T4, so T2 came before T4.",
            "T0 wr T4: T4 read 1 of key :x, which T0 had written, so T0 came before T4.",
        ],
    ),
    (
        "0: wx1 | 1: wx2 | 0: rx2 | 1: rx1",
        Level::CausalConvergence,
        &[
            "T0 cf T2: T4 read 2 of key :x, which T2 had written, and not 1, which T0 wrote: so T0 came before T2.",
            "T2 cf T0: T6 read 1 of key :x, which T0 had written, and not 2, which T2 wrote: so T2 came before T0.",
            "T0 process T4: Process 0 had completed T0 before it invoked T4, so T0 came before T4.",
            "T2 wr T4: T4 read 2 of key :x, which T2 had written, so T2 came before T4.",
            "T2 process T6: Process 1 had completed T2 before it invoked T6, so T2 came before T6.",
            "T0 wr T6: T6 read 1 of key :x, which T0 had written, so T0 came before T6.",
        ],
    ),
    (
        "0: wx1 | 0: wx2 | 1: rx2 | 1: rx1",
        Level::Pram,
        &[
            "T0 process T2: Process 0 had completed T0 before it invoked T2, so T0 came before T2.",
            "T2 hb T0: T2 wrote 2 to key :x and came before T6, which read 1 from T0: so T2 came before T0.",
            "T0 wr T6: T6 read 1 of key :x, which T0 had written, so T0 came before T6.",
            "T2 wr T4: T4 read 2 of key :x, which T2 had written, so T2 came before T4.",
            "T4 process T6: Process 1 had completed T4 before it invoked T6, so T4 came before T6.",
        ],
    ),
    (
        "0: wx1 | 1: rx1 | 1: rx0",
        Level::MonotonicReads,
        &[
            "T0 wr T2: T2 read 1 of key :x, which T0 had written, so T0 came before T2.",
            "T2 process T4: Process 1 had completed T2 before it invoked T4, so T2 came before T4.",
            "T4 rw T0: T4 read nil of key :x, and T0 overwrote that with 1, so T4 came before T0.",
        ],
    ),
    (
        "0: wx1 | 1: wx2 | 0: rx2 | 1: rx1",
        Level::ReadYourWrites,
        &[
            "T0 ww T2: Process 0 wrote 1 to key :x in T0, and then read 2 in T4. So 2 is not older than 1. T0 wrote 1, and T2 wrote 2.",
            "T2 ww T0: Process 1 wrote 2 to key :x in T2, and then read 1 in T6. So 1 is not older than 2. T2 wrote 2, and T0 wrote 1.",
            "T0 process T4: Process 0 had completed T0 before it invoked T4, so T0 came before T4.",
            "T2 wr T4: T4 read 2 of key :x, which T2 had written, so T2 came before T4.",
            "T2 process T6: Process 1 had completed T2 before it invoked T6, so T2 came before T6.",
            "T0 wr T6: T6 read 1 of key :x, which T0 had written, so T0 came before T6.",
        ],
    ),
    (
        "0!: wx1 | 1: rx1",
        Level::ReadCommitted,
        &["T0 wr T2: T2 read 1 of key :x, and T0 wrote 1 to key :x."],
    ),
];

#[test]
fn the_edges_of_small_histories_are_told_in_words() {
    for (text, level, edges) in TOLD {
        assert_eq!(told(text, level), edges, "{level} {text}");
    }
}
