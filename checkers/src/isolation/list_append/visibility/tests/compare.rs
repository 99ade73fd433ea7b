//! The levels of visibility against their definitions, read with matrices and nothing else.

use crate::searches::{at_least, share};
use rupture_history::{Anomaly, Outcome, Validity, Verdict};

use crate::isolation::tests::stores::{Store, run};
use crate::isolation::tests::txn::{Txn, edn, history, key_count};
use crate::isolation::{Level, ListAppend};
use crate::linearizability::tests::Random;
use crate::{Budget, Checker};

const JUDGED: [Level; 4] = [
    Level::Causal,
    Level::CausalConvergence,
    Level::MonotonicWrites,
    Level::WritesFollowReads,
];

type Matrix = Vec<Vec<bool>>;

/// What the definitions speak of.
struct Case<'a> {
    txns: &'a [Txn],
    /// By key: the elements in order, unless the reads contradict each other.
    lists: Vec<Option<Vec<i64>>>,
    counts: Vec<bool>,
}

impl<'a> Case<'a> {
    fn of(txns: &'a [Txn]) -> Self {
        let lists: Vec<Option<Vec<i64>>> =
            (0..key_count(txns)).map(|key| agreed(txns, key)).collect();
        let seen = |txn: &Txn| {
            (0..lists.len()).any(|key| {
                let mut reads = txns
                    .iter()
                    .flat_map(Txn::reads)
                    .filter(|read| read.1 == key);
                reads.any(|(_, _, list)| txn.appends(key).any(|own| list.contains(&own)))
            })
        };
        let counts = txns
            .iter()
            .map(|txn| match txn.outcome {
                Outcome::Ok => true,
                Outcome::Fail => false,
                Outcome::Info => seen(txn),
            })
            .collect();
        Self {
            txns,
            lists,
            counts,
        }
    }

    fn writer(&self, key: usize, element: i64) -> usize {
        let appended = |txn: &Txn| txn.appends(key).any(|own| own == element);
        self.txns.iter().position(appended).expect("an appender")
    }

    /// The reads of keys with a list: place, key, and elements.
    fn reads(&self, txn: usize) -> Vec<(usize, usize, Vec<i64>)> {
        let reads = self.txns[txn].reads();
        let known = reads.filter(|(_, key, _)| self.lists[*key].is_some());
        known
            .map(|(place, key, list)| (place, key, list.to_vec()))
            .collect()
    }

    /// The elements that a read shows: up to the last that another transaction that counts appended.
    fn shown(&self, txn: usize, key: usize, list: &[i64]) -> Vec<i64> {
        let other = |element: &i64| {
            let writer = self.writer(key, *element);
            writer != txn && self.counts[writer]
        };
        let count = list.iter().rposition(other).map_or(0, |last| last + 1);
        list[..count].to_vec()
    }

    fn session(&self, one: usize, other: usize) -> bool {
        let same = self.txns[one].process == self.txns[other].process;
        let both = self.counts[one] && self.counts[other];
        same && both && self.txns[one].is_ok() && self.txns[one].precedes(&self.txns[other])
    }

    fn matrix(&self, related: impl Fn(usize, usize) -> bool) -> Matrix {
        let all = 0..self.txns.len();
        all.clone()
            .map(|one| all.clone().map(|other| related(one, other)).collect())
            .collect()
    }

    fn saw(&self, reader: usize, writer: usize) -> bool {
        let mut reads = self.reads(reader).into_iter();
        let seen = |element: &i64, key| self.writer(key, *element) == writer;
        reader != writer
            && self.counts[writer]
            && reads.any(|(_, key, list)| list.iter().any(|element| seen(element, key)))
    }

    fn happens_before(&self) -> Matrix {
        let direct = |one, other| self.session(one, other) || self.saw(other, one);
        closed(self.matrix(direct))
    }

    /// Whether a read of a transaction misses an append of another.
    fn misses(&self, reader: usize, writer: usize) -> bool {
        let mut reads = self.reads(reader).into_iter();
        reader != writer
            && self.counts[writer]
            && reads.any(|(_, key, list)| {
                let mut appends = self.txns[writer].appends(key);
                appends.any(|own| !list.contains(&own))
            })
    }

    fn causal(&self) -> bool {
        let before = self.happens_before();
        let all = 0..self.txns.len();
        all.clone().all(|one| {
            !before[one][one]
                && self.orders(one, &before)
                && all
                    .clone()
                    .all(|other| !(before[one][other] && self.misses(other, one)))
        })
    }

    /// Whether one order of transactions keeps happens-before and all the lists that a transaction read.
    fn orders(&self, reader: usize, before: &Matrix) -> bool {
        let mut order = before.clone();
        for (_, key, list) in self.reads(reader) {
            let writers: Vec<usize> = list.iter().map(|&one| self.writer(key, one)).collect();
            for pair in writers.windows(2).filter(|pair| pair[0] != pair[1]) {
                order[pair[0]][pair[1]] = true;
            }
        }
        let order = closed(order);
        (0..self.txns.len()).all(|txn| !order[txn][txn])
    }

    /// Whether one transaction appended to a list what surely comes before what another appended.
    fn overwrote(&self, one: usize, other: usize) -> bool {
        one != other
            && self.counts[one]
            && self.counts[other]
            && (0..self.lists.len()).any(|key| {
                self.lists[key].is_some()
                    && self.txns[one].appends(key).any(|first| {
                        let mut later = self.txns[other].appends(key);
                        later.any(|second| self.before(key, first, second))
                    })
            })
    }

    fn before(&self, key: usize, first: i64, second: i64) -> bool {
        let list = self.lists[key].as_ref().expect("a list");
        let place = |element| list.iter().position(|&own| own == element);
        match (place(first), place(second)) {
            (Some(first), Some(second)) => first < second,
            (first, second) => first.is_some() && second.is_none(),
        }
    }

    fn convergent(&self) -> bool {
        let before = self.happens_before();
        let order =
            closed(self.matrix(|one, other| before[one][other] || self.overwrote(one, other)));
        (0..self.txns.len()).all(|txn| !order[txn][txn])
    }

    /// The transactions whose appends a read shows.
    fn sources(&self, txn: usize, key: usize, list: &[i64]) -> Vec<usize> {
        let shown = self.shown(txn, key, list);
        let writers = shown.iter().map(|&element| self.writer(key, element));
        writers.filter(|&writer| self.counts[writer]).collect()
    }

    fn monotonic_writes(&self) -> bool {
        let all = || 0..self.txns.len();
        for one in all() {
            for other in all().filter(|&other| self.session(one, other)) {
                for key in (0..self.lists.len()).filter(|&key| self.lists[key].is_some()) {
                    for first in self.txns[one].appends(key) {
                        let mut later = self.txns[other].appends(key);
                        if later.any(|second| self.before(key, second, first)) {
                            return false;
                        }
                        for reader in all() {
                            if self.pairs(reader, key, |source| source == other, &[first]) {
                                return false;
                            }
                        }
                    }
                }
            }
        }
        true
    }

    /// Whether a read of a key misses one of some elements, after a read that shows one of some transactions.
    fn pairs(
        &self,
        reader: usize,
        key: usize,
        of: impl Fn(usize) -> bool,
        elements: &[i64],
    ) -> bool {
        let reads = self.reads(reader);
        reads.iter().enumerate().any(|(at, (_, of_key, held))| {
            *of_key == key
                && elements.iter().any(|element| !held.contains(element))
                && reads[..at]
                    .iter()
                    .any(|(_, first, list)| self.sources(reader, *first, list).into_iter().any(&of))
        })
    }

    fn writes_follow_reads(&self) -> bool {
        let all = || 0..self.txns.len();
        for reader in all() {
            for (place, key, list) in self.reads(reader) {
                let shown = self.shown(reader, key, &list);
                for writer in all().filter(|&writer| self.counts[writer]) {
                    if reader != writer && !self.session(reader, writer) {
                        continue;
                    }
                    let from = if reader == writer { place } else { 0 };
                    let mut appends = self.txns[writer].micros[from..].iter();
                    let early = appends.any(|micro| match micro {
                        crate::isolation::tests::txn::Micro::Append(of, own) if *of == key => {
                            shown.iter().any(|&element| self.before(key, *own, element))
                        }
                        _ => false,
                    });
                    let missed = |by| self.pairs(by, key, |source| source == writer, &shown);
                    if early || all().any(missed) {
                        return false;
                    }
                }
            }
        }
        true
    }

    fn holds(&self, level: Level, committed: bool) -> bool {
        match level {
            Level::Causal => committed && self.causal(),
            Level::CausalConvergence => committed && self.causal() && self.convergent(),
            Level::MonotonicWrites => self.monotonic_writes(),
            _ => self.writes_follow_reads(),
        }
    }
}

/// The list of a key, unless reads contradict each other, or hold what is not theirs.
fn agreed(txns: &[Txn], key: usize) -> Option<Vec<i64>> {
    let reads = txns.iter().flat_map(Txn::reads);
    let lists: Vec<&[i64]> = reads
        .filter(|(_, of, _)| *of == key)
        .map(|(_, _, list)| list)
        .collect();
    let longest = lists.iter().max_by_key(|list| list.len());
    let longest = longest.copied().unwrap_or(&[]);
    let mut sorted = longest.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let known = |element: &i64| {
        txns.iter()
            .any(|txn| txn.appends(key).any(|own| own == *element))
    };
    let in_order = |txn: &Txn| {
        let own: Vec<i64> = txn.appends(key).collect();
        let seen: Vec<i64> = longest
            .iter()
            .copied()
            .filter(|e| own.contains(e))
            .collect();
        own.starts_with(&seen)
    };
    let agree = lists.iter().all(|list| longest.starts_with(list))
        && sorted.len() == longest.len()
        && longest.iter().all(known)
        && txns.iter().all(in_order);
    agree.then(|| longest.to_vec())
}

/// The transitive closure.
fn closed(mut matrix: Matrix) -> Matrix {
    let count = matrix.len();
    for middle in 0..count {
        for one in 0..count {
            for other in 0..count {
                matrix[one][other] |= matrix[one][middle] && matrix[middle][other];
            }
        }
    }
    matrix
}

impl Case<'_> {
    /// Whether every link of what is told is in the history, and each begins where the one before ended.
    fn is_true(&self, anomaly: &Anomaly) -> bool {
        let history = history(self.txns);
        let operations = history.operations().expect("events pair");
        let mut invoked: Vec<usize> = self.txns.iter().map(|txn| txn.invoked).collect();
        invoked.sort_unstable();
        // The number of the transaction that an event invoked.
        let number = |index: u64| {
            let operation = operations
                .iter()
                .position(|operation| u64::from(operation.invoked) == index);
            let at = invoked[operation.expect("an operation")];
            let txn = self.txns.iter().position(|txn| txn.invoked == at);
            txn.expect("a transaction")
        };
        let links = &anomaly.dependencies;
        let closes = links.iter().zip(links.iter().cycle().skip(1));
        closes.take(links.len()).all(|(link, next)| {
            let (from, to) = (number(link.from), number(link.to));
            let holds = match link.kind.as_str() {
                "process" => self.session(from, to),
                "wr" => self.saw(to, from),
                "rw" => self.misses(from, to),
                "ww" => self.overwrote(from, to),
                _ => false,
            };
            holds && link.to == next.from && !link.why.is_empty()
        })
    }

    /// How many links a shortest circle has that breaks the causal level.
    fn shortest(&self) -> Option<usize> {
        let direct = self.matrix(|one, other| self.session(one, other) || self.saw(other, one));
        let all = || 0..self.txns.len();
        // By number of links: who reaches whom by as many at most.
        let mut reached = vec![direct.clone()];
        for length in 1..self.txns.len() {
            let shorter = &reached[length - 1];
            let next = |one: usize, other: usize| {
                shorter[one][other]
                    || all().any(|middle| shorter[one][middle] && direct[middle][other])
            };
            reached.push(self.matrix(next));
        }
        let circle = reached
            .iter()
            .position(|reached| all().any(|one| reached[one][one]));
        let missed = reached.iter().position(|reached| {
            all().any(|one| all().any(|other| reached[one][other] && self.misses(other, one)))
        });
        circle
            .map(|links| links + 1)
            .or(missed.map(|links| links + 2))
    }
}

fn verdict(txns: &[Txn], level: Level) -> Verdict {
    let verdict = ListAppend::new(level).check(&history(txns), &Budget::unlimited());
    verdict.expect("a history of lists")
}

fn judge(txns: &[Txn], level: Level) -> Validity {
    verdict(txns, level).validity
}

/// A read that its transaction contradicts; `causal` forbids it beside what it says of others.
fn contradicts_itself(txns: &[Txn]) -> bool {
    let verdict = verdict(txns, Level::ReadAtomic);
    verdict
        .anomalies
        .iter()
        .any(|anomaly| anomaly.kind == "internal")
}

#[derive(Debug, Default)]
struct Count {
    judged: usize,
    invalid: [usize; JUDGED.len()],
    differences: usize,
    /// How many circles were told, by how many links they have.
    told: [usize; 8],
}

const OURS: [&str; 5] = [
    "cyclic-co",
    "write-co-read",
    "cyclic-cf",
    "non-monotonic-write",
    "write-missing-its-reads",
];

impl Count {
    fn tell(&mut self, case: &Case<'_>, verdict: &Verdict) {
        let ours = verdict.anomalies.iter();
        for anomaly in ours.filter(|anomaly| OURS.contains(&&*anomaly.kind)) {
            let links = anomaly.dependencies.len();
            self.told[links.min(7)] += 1;
            assert!(case.is_true(anomaly), "{anomaly:?}\n{}", edn(case.txns));
            let shortest = case.shortest();
            let causal = OURS[..2].contains(&&*anomaly.kind);
            assert!(
                !causal || Some(links) == shortest,
                "{shortest:?}: {anomaly:?}\n{}",
                edn(case.txns)
            );
        }
    }
}

fn compare(histories: usize, most: usize, seed: u64) -> Count {
    let random = &mut Random::new(seed);
    let mut count = Count::default();
    for _ in 0..histories {
        let store = Store::ALL[random.below(Store::ALL.len())];
        let txns = run(store, most, random);
        if txns.iter().all(|txn| txn.outcome != Outcome::Ok) {
            continue;
        }
        let case = Case::of(&txns);
        let committed = judge(&txns, Level::ReadCommitted) == Validity::Valid;
        let committed = committed && !contradicts_itself(&txns);
        for (at, level) in JUDGED.into_iter().enumerate() {
            count.judged += 1;
            let holds = case.holds(level, committed);
            let verdict = verdict(&txns, level);
            let found = verdict.validity;
            count.tell(&case, &verdict);
            count.invalid[at] += usize::from(!holds);
            let expected = if holds {
                Validity::Valid
            } else {
                Validity::Invalid
            };
            if found != expected {
                count.differences += 1;
                if count.differences < 4 {
                    println!(
                        "{level}: {} and should be {}",
                        found.name(),
                        expected.name()
                    );
                    for txn in &txns {
                        println!("  {txn}");
                    }
                    println!("{}", edn(&txns));
                }
            }
        }
    }
    println!("{count:?}");
    assert_eq!(count.differences, 0, "{count:?}");
    count
}

#[test]
fn what_was_visible_is_what_the_definitions_say() {
    let count = compare(share(12_000), 7, 3);
    assert!(
        count
            .invalid
            .iter()
            .all(|&invalid| invalid >= at_least(100)),
        "{count:?}"
    );
    assert!(
        count.told[2..5].iter().all(|&told| told >= at_least(10)),
        "{count:?}"
    );
}

#[test]
#[ignore = "slow"]
fn what_was_visible_is_what_the_definitions_say_of_many() {
    for seed in 100..110 {
        compare(100_000, 4 + seed as usize % 5, seed);
    }
}
