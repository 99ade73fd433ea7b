//! The checker of k-atomicity.

use rupture_history::{Anomaly, History, Value, Verdict};

use super::bounds::overwritten;
use super::case::{Asked, Case, Known, RegisterPart, SEARCH, TOLD, check};
use super::clusters::{Cluster, Reading, RegisterCall, read};
use super::evidence::{Claim, Shrinker, members, smallest_of_repeated};
use super::latest::{self, Dead, Latest};
use super::level::Level;
use super::measure::{Measured, measure};
use super::search::Why;
use crate::linearizability::calls::Objects;
use crate::linearizability::explain::explain;
use crate::linearizability::search::{Limits, Search};
use crate::linearizability::shrink::Proof;
use crate::{Budget, CheckError, Checker};

/// Judges whether every read of a register returns one of the k latest writes; see the
/// [module](crate::staleness).
///
/// ```
/// use rupture_checkers::history::{Event, History, Kind, Validity, Value};
/// use rupture_checkers::staleness::KAtomic;
/// use rupture_checkers::{Budget, Checker};
///
/// let mut history = History::new();
/// for (f, argument, result) in [("write", 1, 1), ("write", 2, 2), ("read", 0, 1)] {
///     history.push(&Event::new(0, Kind::Invoke, f, Value::Int(argument)));
///     history.push(&Event::new(0, Kind::Ok, f, Value::Int(result)));
/// }
/// let check = |k| KAtomic::new(k, false).check(&history, &Budget::unlimited()).unwrap();
/// assert_eq!(check(Some(1)).validity, Validity::Invalid);
/// assert_eq!(check(Some(2)).validity, Validity::Valid);
/// assert_eq!(check(None).measured[0].exact(), Some(2));
/// ```
#[derive(Clone, Debug)]
pub struct KAtomic {
    k: Option<u32>,
    objects: Objects,
}

impl KAtomic {
    /// A judge by this bound, which counts from 1 (0 is taken for 1); without one, the smallest is looked for. With
    /// `independent`, values are `[key value]` and every key is a register of its own.
    pub fn new(k: Option<u32>, independent: bool) -> Self {
        Self {
            k: k.map(|k| k.max(1)),
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
    /// use rupture_checkers::staleness::KAtomic;
    /// use rupture_checkers::{Budget, Checker};
    ///
    /// let mut history = History::new();
    /// for (kind, value, time) in [(Kind::Invoke, Value::Nil, 1), (Kind::Ok, Value::Int(0), 2)] {
    ///     let mut event = Event::new(0, kind, "read", value);
    ///     event.time = time;
    ///     history.push(&event);
    /// }
    /// let judge = KAtomic::new(Some(1), false).initial(Value::Int(0));
    /// let verdict = judge.check(&history, &Budget::unlimited()).unwrap();
    /// assert_eq!(verdict.validity, Validity::Valid);
    /// ```
    #[must_use]
    pub fn initial(mut self, value: Value) -> Self {
        self.objects.initial = Some(value);
        self
    }
}

fn versions(k: u64) -> String {
    match k {
        1 => "1 version".to_owned(),
        k => format!("{k} versions"),
    }
}

impl Checker for KAtomic {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        let asked = Asked {
            level: Level::KAtomic(self.k).to_string(),
            name: "k-atomic",
            unit: "versions",
            bound: versions,
            goal: self.k.map(u64::from),
        };
        let judge = |case: &mut Case<'_>, part: &RegisterPart| self.judge(case, part);
        check(&asked, &self.objects, history, budget, |_| None, judge)
    }
}

impl KAtomic {
    fn judge(&self, case: &mut Case<'_>, part: &RegisterPart) {
        let all: Vec<u32> = (0..part.calls.len() as u32).collect();
        match read(&part.calls, &all) {
            Reading::Impossible(reads) => case.impossible(part, &reads),
            Reading::Clusters(clusters) => {
                let measured = measure(&clusters, self.k, case.budget);
                for algorithm in &measured.algorithms {
                    case.decided_by(algorithm);
                }
                let known = Known {
                    at_least: Some(measured.at_least.into()),
                    at_most: measured.at_most.map(u64::from),
                    why: measured.why.map(Why::words),
                };
                case.judged(part, known, self.k, |case, k| {
                    tell(case, part, &measured, k)
                });
            }
            Reading::Repeated => {
                let measured = latest::measure(&part.calls, self.k, case.budget);
                case.decided_by(SEARCH);
                let known = Known {
                    at_least: Some(measured.at_least.into()),
                    at_most: Some(measured.at_most.into()),
                    why: measured.why.map(Why::words),
                };
                case.judged(part, known, self.k, |case, k| {
                    let told = measured.dead.map(|dead| shrunk(case, part, k, dead));
                    told.into_iter().collect()
                });
            }
        }
    }
}

/// The reads that are certainly too stale, the worst first; if there are none, sets of operations without an order.
fn tell(case: &Case<'_>, part: &RegisterPart, measured: &Measured, k: u32) -> Vec<Anomaly> {
    let mut stale: Vec<(u32, usize, usize)> = Vec::new();
    for (number, chunk) in measured.chunks.iter().enumerate() {
        let counts = overwritten(&chunk.clusters).into_iter().enumerate();
        stale.extend(
            counts
                .filter(|(_, n)| *n >= k)
                .map(|(at, n)| (n, number, at)),
        );
    }
    stale.sort_by_key(|&(count, number, at)| (std::cmp::Reverse(count), number, at));
    stale.truncate(TOLD);
    if !stale.is_empty() {
        let one = |&(_, number, at): &(u32, usize, usize)| {
            let chunk = &measured.chunks[number].clusters;
            stale_read(case, part, chunk, &chunk[at], k)
        };
        return stale.iter().map(one).collect();
    }
    let broken = measured.chunks.iter().filter(|chunk| chunk.at_least > k);
    let broken = broken.take(TOLD);
    broken
        .map(|chunk| without_order(case, part, &chunk.clusters, k))
        .collect()
}

/// A read that is too stale in every order, with as many writes between as it takes.
fn stale_read(
    case: &Case<'_>,
    part: &RegisterPart,
    chunk: &[Cluster],
    stale: &Cluster,
    k: u32,
) -> Anomaly {
    let between =
        |other: &&Cluster| other.begin > stale.first_end && other.first_end < stale.last_begin;
    let between: Vec<Cluster> = chunk.iter().filter(between).copied().collect();
    // The last ones are the easiest to follow.
    let last = between.len() - between.len().min(k as usize);
    let mut evidence = between[last..].to_vec();
    evidence.push(*stale);
    let mut shrinker = Shrinker::new(&part.calls, Claim::Versions(k), case.budget);
    let calls = shrinker.smallest(&members(&evidence));
    let words = case.words(part);
    words.stale_by_versions(&calls, k, between.len())
}

/// A chunk of which no two operations alone are to blame.
fn without_order(case: &Case<'_>, part: &RegisterPart, chunk: &[Cluster], k: u32) -> Anomaly {
    let mut shrinker = Shrinker::new(&part.calls, Claim::Versions(k), case.budget);
    let window = shrinker.window(chunk);
    let calls = shrinker.smallest(&window);
    let proof = Proof {
        must: calls,
        may: Vec::new(),
        smallest: !shrinker.doubt,
    };
    by_proof(case, part, &proof, k)
}

fn by_proof(case: &Case<'_>, part: &RegisterPart, proof: &Proof, k: u32) -> Anomaly {
    let model = Latest::new(k, &part.calls);
    let told = explain(&model, case.history, part, &part.calls, proof);
    let words = case.words(part);
    words.no_order("too-stale", told.summary, told.explanation, &proof.calls())
}

/// Shrinks a register with repeated values that has no order.
fn shrunk(case: &Case<'_>, part: &RegisterPart, k: u32, dead: Dead) -> Anomaly {
    let model = Latest::new(k, &part.calls);
    let search =
        |calls: &[RegisterCall], limits: &Limits<'_>| Search::exists(&model, calls, limits);
    let (must, smallest) = smallest_of_repeated(&part.calls, dead.call, case.budget, search);
    let proof = Proof {
        must,
        may: Vec::new(),
        smallest,
    };
    by_proof(case, part, &proof, k)
}
