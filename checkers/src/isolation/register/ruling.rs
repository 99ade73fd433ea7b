//! Whether a level holds, and what shows that it does not.

use std::collections::BTreeMap;

use rupture_history::verdict::Anomaly;

use super::cases;
use super::cyclic;
use super::encode::Encoding;
use super::lone::{Lone, Watched, ways};
use super::naming::Steps;
use super::prepared::Prepared;
use super::reads::{Finding, NONE, Reads};
use super::shortest;
use super::words::Words;
use super::{Keeps, Points, shape};
use crate::Budget;
use crate::isolation::Level;
use crate::isolation::promise::Fault;
use crate::isolation::solver::{Case, Choices, Hop, Problem, Proof, Solution, attempt, solve};

/// How many contradictions an attempt may run into that asks for more than it needs to.
const CONFLICTS: u64 = 2_000;
/// The same of an attempt at snapshots where they are far easier to decide than what was asked for.
const MORE: u64 = 20_000;

/// What became of a level.
#[derive(Clone, Debug)]
pub(crate) enum Ruling {
    /// There is an order that shows it.
    Holds,
    /// There is none; these show it, the worst first.
    Violated(Vec<Anomaly>),
    /// Nobody knows, for this reason.
    Unknown(String),
}

/// That a cycle is there in every order.
fn certain(cycle: Vec<Hop>) -> Proof {
    let taken = Vec::new();
    Proof {
        choices: Vec::new(),
        minimal: true,
        cases: vec![Case { taken, cycle }],
    }
}

impl Prepared<'_, '_> {
    /// Judges one of the [levels](super::LEVELS). Near to linear time where the order in which transactions
    /// completed is near to one that explains them, and exponential at worst, within the budget.
    pub(crate) fn judge(&self, level: Level, budget: &Budget<'_>) -> Ruling {
        let Some((points, keeps)) = shape(level) else {
            return Ruling::Unknown(format!("registers are not judged by {level} here"));
        };
        let words = Words { prepared: self };
        let faults = self.faults(level, &words);
        if !faults.is_empty() {
            return Ruling::Violated(faults);
        }
        let bytes = Encoding::bytes(self) + cyclic::bytes(self);
        if bytes > budget.bytes() || budget.is_over() {
            return Ruling::Unknown(format!(
                "out of time or memory after 0 of {} transactions",
                self.transactions.len()
            ));
        }
        if let Some(round) = cyclic::round(self, points) {
            return Ruling::Violated(vec![cyclic::told(&words, points, &round)]);
        }
        // Serial orders and snapshots explain more than a level asks for that has no anti-dependencies in its order.
        let easy: &[Points] = match points {
            Points::Dependency => &[Points::One, Points::Snapshot],
            Points::One => &[Points::One],
            Points::Snapshot => &[Points::Snapshot],
            Points::Prefix => &[Points::Prefix],
        };
        if easy.iter().any(|&easy| self.is_easy(easy, keeps, budget)) {
            return Ruling::Holds;
        }
        if points == Points::Dependency && self.has_order(Points::Snapshot, keeps, MORE, budget) {
            return Ruling::Holds;
        }
        let mut encoding = Encoding::of(self, points, keeps);
        let lone = ways(level).map(|ways| Lone::of(&encoding, ways, budget));
        let edges = std::mem::take(&mut encoding.edges);
        let hints = std::mem::take(&mut encoding.hints);
        let problem = Problem {
            nodes: encoding.nodes,
            edges: &edges,
            hints: &hints,
        };
        let mut watched = Watched {
            encoding: &mut encoding,
            lone,
        };
        let found = attempt(problem, &mut watched, CONFLICTS, budget);
        if found.is_some() && !watched.is_over() {
            return Ruling::Holds;
        }
        watched.start_over();
        let mut choices = Choices::default();
        let solution = solve(problem, &mut choices, &mut watched, budget);
        let (is_over, lone) = (watched.is_over(), watched.lone);
        match solution {
            Solution::Order(_) if is_over => Ruling::Unknown(format!(
                "out of time: {} pairs of writes were put in order, and not all ways back to a reader were looked at",
                choices.len()
            )),
            Solution::Order(order) => {
                debug_assert!(edges.iter().all(|&edge| order.keeps(edge)));
                Ruling::Holds
            }
            Solution::Stopped { choices, conflicts } => Ruling::Unknown(format!(
                "out of time or memory: the order of {choices} pairs of writes was looked at, and {conflicts} \
                 attempts were given up"
            )),
            Solution::Cyclic(mut proof) => {
                if let Some(lone) = lone.as_ref().filter(|_| proof.cases.is_empty()) {
                    proof = match &lone.certain {
                        Some(cycle) if proof.choices.is_empty() => certain(cycle.clone()),
                        _ => cases::proof(&encoding, lone, &choices, proof.choices, budget),
                    };
                }
                let steps = Steps {
                    prepared: self,
                    encoding: &encoding,
                    choices: &choices,
                    points,
                };
                let mut anomalies = Vec::new();
                if proof.choices.is_empty() {
                    let cycles =
                        shortest::cycles(self, &encoding.units, (points, keeps), level, budget);
                    anomalies = words.cycles(&cycles, &steps);
                }
                if anomalies.is_empty() {
                    anomalies.push(words.proof(&proof, &steps, level.name()));
                }
                Ruling::Violated(anomalies)
            }
        }
    }

    /// That what is assumed leaves some key without an order of its versions, where updates may be lost.
    pub(crate) fn without_versions(&self) -> Option<Anomaly> {
        let round = cyclic::round(self, Points::Prefix)?;
        Some(cyclic::told(
            &Words { prepared: self },
            Points::Prefix,
            &round,
        ))
    }

    /// Whether there is an order that keeps more than the level asks for. Most stores keep real time, or at least
    /// commit in its order, and with that there is little left to search.
    fn is_easy(&self, points: Points, keeps: Keeps, budget: &Budget<'_>) -> bool {
        let more = [Keeps::RealTime, Keeps::RealTimeOfWrites];
        keeps != Keeps::RealTime
            && more
                .into_iter()
                .any(|more| self.has_order(points, more, CONFLICTS, budget))
    }

    /// Whether an order that keeps this is found before so many contradictions were run into.
    fn has_order(&self, points: Points, keeps: Keeps, conflicts: u64, budget: &Budget<'_>) -> bool {
        let mut encoding = Encoding::of(self, points, keeps);
        let edges = std::mem::take(&mut encoding.edges);
        let hints = std::mem::take(&mut encoding.hints);
        let problem = Problem {
            nodes: encoding.nodes,
            edges: &edges,
            hints: &hints,
        };
        attempt(problem, &mut encoding, conflicts, budget).is_some()
    }

    /// What single transactions show, and pairs of them: the first of each kind.
    fn faults(&self, level: Level, words: &Words<'_, '_, '_>) -> Vec<Anomaly> {
        let mut first: BTreeMap<Fault, (Finding, usize)> = BTreeMap::new();
        let lost = self
            .lost
            .iter()
            .map(|&(one, other)| self.lost_update(one, other));
        for finding in self.reads.findings.iter().copied().chain(lost) {
            // A cycle with one anti-dependency, as well.
            let single = level == Level::ConsistentView && finding.fault == Fault::LostUpdate;
            if single || finding.fault.broken(level) {
                first.entry(finding.fault).or_insert((finding, 0)).1 += 1;
            }
        }
        let two = self.reads.twice.iter().filter(|twice| match level {
            // Reading twice is allowed; but what it updates is one version.
            Level::CursorStability => self.updates(**twice),
            _ => true,
        });
        let mut faults: Vec<Anomaly> = first
            .values()
            .map(|(finding, count)| words.finding(finding, *count))
            .collect();
        let count = two.clone().count();
        if faults.is_empty()
            && let Some(&twice) = two.clone().next()
        {
            faults.push(match level {
                Level::CursorStability => words.updates_two(twice, count),
                _ => words.read_twice(twice, count),
            });
        }
        faults
    }

    /// Whether who read two versions of a key wrote it as well.
    fn updates(&self, (_, place): (u32, u32)) -> bool {
        let mut reads = self.reads.list.iter();
        reads.any(|read| read.place == place && read.own != NONE)
    }

    fn lost_update(&self, one: u32, other: u32) -> Finding {
        let Reads { list, .. } = &self.reads;
        let (one, other) = (list[one as usize], list[other as usize]);
        Finding {
            fault: Fault::LostUpdate,
            reader: other.reader,
            place: other.place,
            other_place: one.place,
        }
    }
}
