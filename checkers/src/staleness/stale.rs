//! The checker of Δ-atomicity.

use rupture_history::{Anomaly, History, Operation, Value, Verdict};

use super::case::{Asked, Case, Known, RegisterPart, SEARCH, TOLD, check};
use super::clusters::{Cluster, Reading, RegisterCall, read};
use super::delta::{self, Conflict, Times, conflicts};
use super::evidence::{Claim, Shrinker, members, smallest_of_repeated};
use super::latest::Dead;
use super::level::Level;
use super::measure::{BYTES_A_CLUSTER, ZONES};
use super::search::{Clock, Why};
use super::shifted;
use super::words::duration;
use crate::linearizability::calls::Objects;
use crate::linearizability::search::{Limits, Search};
use crate::models::Register;
use crate::{Budget, CheckError, Checker};

/// Judges whether every read of a register returns a value that was overwritten at most so long before; see the
/// [module](crate::staleness).
///
/// ```
/// use rupture_checkers::history::{Event, History, Kind, Validity, Value};
/// use rupture_checkers::staleness::Stale;
/// use rupture_checkers::{Budget, Checker};
///
/// let mut history = History::new();
/// for (f, argument, result, at) in [("write", 1, 1, 0), ("write", 2, 2, 20), ("read", 0, 1, 40)] {
///     for (kind, value, time) in [(Kind::Invoke, argument, at), (Kind::Ok, result, at + 10)] {
///         let mut event = Event::new(0, kind, f, Value::Int(value));
///         event.time = time;
///         history.push(&event);
///     }
/// }
/// // 2 had overwritten 1 by the time 30, and the read of 1 began at 40.
/// let check = |ns| Stale::new(ns, false).check(&history, &Budget::unlimited()).unwrap();
/// assert_eq!(check(Some(9)).validity, Validity::Invalid);
/// assert_eq!(check(Some(10)).validity, Validity::Valid);
/// assert_eq!(check(None).measured[0].exact(), Some(10));
/// ```
#[derive(Clone, Debug)]
pub struct Stale {
    bound_ns: Option<u64>,
    objects: Objects,
}

impl Stale {
    /// A judge by this bound in nanoseconds; without one, the smallest is looked for. A bound of 0 is
    /// linearizability. With `independent`, values are `[key value]` and every key is a register of its own.
    pub fn new(bound_ns: Option<u64>, independent: bool) -> Self {
        Self {
            bound_ns,
            objects: Objects {
                independent,
                initial: None,
            },
        }
    }

    /// What registers hold before the first write; see [`Linearizable::initial`](crate::Linearizable::initial).
    ///
    /// ```
    /// use rupture_checkers::history::{Event, History, Kind, Validity, Value};
    /// use rupture_checkers::staleness::Stale;
    /// use rupture_checkers::{Budget, Checker};
    ///
    /// let mut history = History::new();
    /// for (kind, value, time) in [(Kind::Invoke, Value::Nil, 1), (Kind::Ok, Value::Int(0), 2)] {
    ///     let mut event = Event::new(0, kind, "read", value);
    ///     event.time = time;
    ///     history.push(&event);
    /// }
    /// let judge = Stale::new(Some(1), false).initial(Value::Int(0));
    /// let verdict = judge.check(&history, &Budget::unlimited()).unwrap();
    /// assert_eq!(verdict.validity, Validity::Valid);
    /// ```
    #[must_use]
    pub fn initial(mut self, value: Value) -> Self {
        self.objects.initial = Some(value);
        self
    }
}

impl Checker for Stale {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        let asked = Asked {
            level: Level::Stale(self.bound_ns).to_string(),
            name: "stale",
            unit: "ns",
            bound: duration,
            goal: self.bound_ns,
        };
        let times = monotone(history);
        let times = Times(&times);
        let refuse = |operations: &[Operation]| timeless(history, operations);
        let judge = |case: &mut Case<'_>, part: &RegisterPart| self.judge(case, part, times);
        check(&asked, &self.objects, history, budget, refuse, judge)
    }
}

/// The time of every row, or the latest of a client before it if that is later.
fn monotone(history: &History) -> Vec<i64> {
    let mut latest = 0;
    let time = |event: rupture_history::EventRef<'_>| {
        if event.client().is_some() {
            latest = latest.max(event.time());
        }
        latest
    };
    history.iter().map(time).collect()
}

/// Why staleness in time cannot be told, if some event of a client has no time.
fn timeless(history: &History, operations: &[Operation]) -> Option<String> {
    let rows = operations.iter().flat_map(|operation| {
        let completed = operation.completed;
        std::iter::once(operation.invoked).chain(completed)
    });
    let without = rows
        .filter(|&row| history.get(row as usize).time() < 0)
        .min()?;
    Some(format!(
        "event {} has no time, and staleness in time needs the time of every event of a client; \
         k-atomic measures staleness in versions and needs none",
        history.get(without as usize).index()
    ))
}

impl Stale {
    fn judge(&self, case: &mut Case<'_>, part: &RegisterPart, times: Times<'_>) {
        let all: Vec<u32> = (0..part.calls.len() as u32).collect();
        match read(&part.calls, &all) {
            Reading::Impossible(reads) => case.impossible(part, &reads),
            Reading::Clusters(clusters) => {
                case.decided_by(ZONES);
                let known = measured(&clusters, times, case.budget);
                case.judged(part, known, self.bound_ns, |case, delta| {
                    tell(case, part, &clusters, times, delta)
                });
            }
            Reading::Repeated => {
                let measured = shifted::measure(&part.calls, times, self.bound_ns, case.budget);
                case.decided_by(SEARCH);
                let known = Known {
                    at_least: Some(measured.at_least),
                    at_most: Some(measured.at_most),
                    why: measured.why.map(Why::words),
                };
                case.judged(part, known, self.bound_ns, |case, _| {
                    let told = measured.dead.map(|dead| shrunk(case, part, times, dead));
                    told.into_iter().collect()
                });
            }
        }
    }
}

/// The smallest Δ, unless there is no time or memory to find it.
fn measured(clusters: &[Cluster], times: Times<'_>, budget: &Budget<'_>) -> Known {
    let mut clock = Clock::new(budget, u64::MAX);
    let bytes = clusters.len().saturating_mul(BYTES_A_CLUSTER);
    if !clock.holds(bytes) || !clock.tick(1) {
        return Known {
            at_least: Some(0),
            at_most: None,
            why: clock.why().map(Why::words),
        };
    }
    let smallest = delta::smallest(clusters, times);
    Known {
        at_least: Some(smallest),
        at_most: Some(smallest),
        why: None,
    }
}

/// The reads that are too stale, the worst first, each once.
fn tell(
    case: &Case<'_>,
    part: &RegisterPart,
    clusters: &[Cluster],
    times: Times<'_>,
    delta: u64,
) -> Vec<Anomaly> {
    let mut told: Vec<Conflict> = Vec::new();
    for conflict in conflicts(clusters, times, delta) {
        let known = |other: &Conflict| other.stale.last_begun == conflict.stale.last_begun;
        if !told.iter().any(known) {
            told.push(conflict);
        }
        if told.len() == TOLD {
            break;
        }
    }
    let one = |conflict: &Conflict| {
        let calls = members(&[conflict.stale, conflict.other]);
        let claim = Claim::Time(times, delta);
        let calls = Shrinker::new(&part.calls, claim, case.budget).smallest(&calls);
        let words = case.words(part);
        words.stale_by_time(&calls, times, delta)
    };
    told.iter().map(one).collect()
}

/// Shrinks a register with repeated values that has no order when its reads begin earlier. That of a greater Δ than
/// the goal is as good.
fn shrunk(
    case: &Case<'_>,
    part: &RegisterPart,
    times: Times<'_>,
    (delta, dead): (u64, Dead),
) -> Anomaly {
    let (shifted, numbers) = shifted::shift(&part.calls, times, delta);
    let search =
        |calls: &[RegisterCall], limits: &Limits<'_>| Search::exists(&Register, calls, limits);
    let (calls, smallest) = smallest_of_repeated(&shifted, dead.call, case.budget, search);
    let mut calls: Vec<u32> = calls.iter().map(|&c| numbers[c as usize]).collect();
    calls.sort_unstable();
    case.words(part).no_order_in_time(&calls, delta, smallest)
}
