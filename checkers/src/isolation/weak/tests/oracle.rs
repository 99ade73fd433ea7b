//! The levels from their definitions: every order of transactions or of versions is tried.

use rupture_history::Outcome;

use super::case::{Case, Op};
use crate::isolation::Level;
use crate::isolation::assumed::Assumptions;

/// The initial version.
pub(super) const INITIAL: usize = usize::MAX;

/// A read of a version by a transaction.
#[derive(Clone, Copy, Debug)]
struct Read {
    key: usize,
    from: usize,
}

/// A history with every read resolved.
#[allow(clippy::struct_excessive_bools)] // Each is a fact of its own.
#[derive(Debug)]
pub(super) struct Facts {
    count: usize,
    /// By transaction.
    part: Vec<bool>,
    /// By transaction: those before it in its session, as a set.
    session: Vec<u32>,
    process: Vec<i64>,
    /// By transaction: the reads of versions that others wrote, in order.
    reads: Vec<Vec<Read>>,
    /// By transaction: the keys it wrote.
    writes: Vec<Vec<usize>>,
    /// A read that no level but the session guarantees allows.
    no_version: bool,
    /// A transaction contradicts itself.
    internal: bool,
    /// A transaction read what it wrote only later: it depends on itself.
    future: bool,
    /// A read of what nobody wrote.
    garbage: bool,
    /// By key: versions of which the first is assumed to be earlier than the second.
    assumed: Vec<Vec<(usize, usize)>>,
}

/// Which write a value of a key is: the transaction and the place.
fn writer(case: &Case, key: usize, value: i64) -> Option<(usize, usize)> {
    let same = |op: &Op| op.writes && op.key == key && op.value == value;
    let all = case.0.iter().enumerate();
    let mut found =
        all.filter_map(|(txn, it)| it.ops.iter().position(same).map(|place| (txn, place)));
    found.next()
}

impl Facts {
    pub(super) fn of(case: &Case) -> Self {
        let count = case.0.len();
        let mut facts = Self {
            count,
            part: case.0.iter().map(|t| t.outcome == Outcome::Ok).collect(),
            session: vec![0; count],
            process: case.0.iter().map(|t| t.process).collect(),
            reads: vec![Vec::new(); count],
            writes: vec![Vec::new(); count],
            no_version: false,
            internal: false,
            future: false,
            garbage: false,
            assumed: vec![Vec::new(); 3],
        };
        for number in 0..count {
            if case.0[number].outcome == Outcome::Ok {
                facts.resolve(case, number);
            }
        }
        for later in 0..count {
            if !facts.part[later] {
                continue;
            }
            let mut keys: Vec<usize> = case.0[later]
                .ops
                .iter()
                .filter(|op| op.writes)
                .map(|op| op.key)
                .collect();
            keys.sort_unstable();
            keys.dedup();
            facts.writes[later] = keys;
            for earlier in 0..later {
                let ok = case.0[earlier].outcome == Outcome::Ok;
                if ok && facts.process[earlier] == facts.process[later] {
                    facts.session[later] |= 1 << earlier;
                }
            }
        }
        facts
    }

    fn resolve(&mut self, case: &Case, number: usize) {
        let ops = &case.0[number].ops;
        for (place, op) in ops.iter().enumerate().filter(|(_, op)| !op.writes) {
            let before = ops[..place].iter().rev().find(|other| other.key == op.key);
            self.internal |= before.is_some_and(|before| before.value != op.value);
            let mut read = Read {
                key: op.key,
                from: INITIAL,
            };
            if op.value == 0 {
                self.reads[number].push(read);
                continue;
            }
            let Some((from, at)) = writer(case, op.key, op.value) else {
                self.no_version = true;
                self.garbage = true;
                continue;
            };
            if from == number {
                self.future |= at > place;
                continue;
            }
            if case.0[from].outcome == Outcome::Fail {
                self.no_version = true;
                continue;
            }
            self.part[from] = true;
            let later = &case.0[from].ops[at + 1..];
            if later
                .iter()
                .any(|later| later.writes && later.key == op.key)
            {
                self.no_version = true;
                continue;
            }
            read.from = from;
            self.reads[number].push(read);
        }
    }

    /// With what is assumed of versions, by when each transaction was invoked and completed.
    pub(super) fn assume(
        mut self,
        case: &Case,
        asked: Assumptions,
        times: &[(usize, usize)],
    ) -> Self {
        let along = asked.sequential_keys || asked.linearizable_keys;
        for key in 0..3 {
            let met: Vec<Vec<(usize, bool)>> = (0..self.count)
                .map(|number| self.met(case, number, key))
                .collect();
            let mut pairs = Vec::new();
            for (number, own) in met.iter().enumerate() {
                for (at, &(later, wrote)) in own.iter().enumerate() {
                    let follows = along || asked.wfr_keys && wrote;
                    let before = own[..at].iter().filter(|_| follows);
                    pairs.extend(before.map(|&(earlier, _)| (earlier, later)));
                }
                for (other, first) in met.iter().enumerate() {
                    let same = self.process[number] == self.process[other];
                    let counts = asked.linearizable_keys || asked.sequential_keys && same;
                    let ended = case.0[number].outcome == Outcome::Ok;
                    let before = ended && times[number].1 < times[other].0;
                    if let (true, Some(last), Some(first)) =
                        (counts && before, own.last(), first.first())
                    {
                        pairs.push((last.0, first.0));
                    }
                }
            }
            pairs.retain(|(earlier, later)| earlier != later);
            self.assumed[key] = pairs;
        }
        self
    }

    /// The versions of a key that a transaction met, and whether it wrote them.
    fn met(&self, case: &Case, number: usize, key: usize) -> Vec<(usize, bool)> {
        let txn = &case.0[number];
        if !self.part[number] {
            return Vec::new();
        }
        let of_key = txn.ops.iter().filter(|op| op.key == key);
        let seen = of_key.filter(|op| op.writes || txn.outcome == Outcome::Ok);
        let version = |op: &Op| {
            if op.value == 0 {
                return Some((INITIAL, false));
            }
            let (from, at) = writer(case, key, op.value)?;
            let mut later = case.0[from].ops[at + 1..].iter();
            let last = !later.any(|later| later.writes && later.key == key);
            (last && self.part[from]).then_some((from, op.writes))
        };
        seen.filter_map(version).collect()
    }

    /// Whether an order of transactions, or of the versions of a key, keeps what is assumed of those in it.
    fn keeps(&self, order: &[usize], keys: std::ops::Range<usize>) -> bool {
        let place = |version: usize| order.iter().position(|&other| other == version);
        self.assumed[keys]
            .iter()
            .flatten()
            .all(|&(earlier, later)| {
                if later == INITIAL {
                    return false;
                }
                match (place(earlier), place(later)) {
                    (Some(earlier), Some(later)) => earlier < later,
                    _ => true,
                }
            })
    }

    /// Whether the initial versions come first, and the others have some order.
    fn versions_have_orders(&self) -> bool {
        (0..3).all(|key| {
            let writers =
                (0..self.count).filter(|&t| self.part[t] && self.writes[t].contains(&key));
            let writers = writers.fold(0, |all, number| all | 1 << number);
            let free = vec![0; self.count];
            some_order(writers, &free, &|order| self.keeps(order, key..key + 1))
        })
    }

    /// Whether a level holds.
    pub(super) fn holds(&self, level: Level) -> bool {
        let committed = !self.no_version && !self.future;
        let whole = committed && !self.internal;
        self.versions_have_orders()
            && match level {
                Level::ReadUncommitted => {
                    let free = vec![0; self.count];
                    !self.garbage
                        && some_order(self.everybody(), &free, &|all| self.keeps(all, 0..3))
                }
                Level::ReadCommitted => committed && self.committed(),
                Level::MonotonicAtomicView => committed && self.atomic(true),
                Level::ReadAtomic => whole && self.atomic(false),
                Level::CausalConvergence => whole && self.convergent(),
                Level::Causal => whole && self.committed() && self.causal(),
                Level::CausalMemory => whole && self.one_each(true),
                Level::Pram => whole && self.one_each(false),
                _ => self.guaranteed(level),
            }
    }

    /// By transaction: whom it reads from, as a set.
    fn sources(&self) -> Vec<u32> {
        let set = |reads: &Vec<Read>| {
            let sources = reads.iter().filter(|read| read.from != INITIAL);
            sources.fold(0, |all, read| all | 1 << read.from)
        };
        self.reads.iter().map(set).collect()
    }

    fn everybody(&self) -> u32 {
        (0..self.count)
            .filter(|&number| self.part[number])
            .fold(0, |all, number| all | 1 << number)
    }

    /// Some order of versions with which dependencies have no cycle: an order of all that contains who reads from whom
    /// gives one.
    fn committed(&self) -> bool {
        some_order(self.everybody(), &self.sources(), &|order| {
            self.keeps(order, 0..3)
        })
    }

    fn atomic(&self, later: bool) -> bool {
        some_order(self.everybody(), &self.sources(), &|order| {
            self.keeps(order, 0..3) && (0..self.count).all(|t3| self.sees_whole(t3, later, order))
        })
    }

    fn sees_whole(&self, t3: usize, later: bool, order: &[usize]) -> bool {
        let reads = &self.reads[t3];
        let place = |number: usize| order.iter().position(|&other| other == number);
        reads.iter().enumerate().all(|(at, seen)| {
            let t2 = seen.from;
            reads.iter().enumerate().all(|(then, read)| {
                let counts = t2 != INITIAL && (!later || at < then);
                let missed = counts && read.from != t2 && self.writes[t2].contains(&read.key);
                !missed || place(t2) < place(read.from) && read.from != INITIAL
            })
        })
    }

    /// By transaction: those that happened before it; `None` if one happened before itself.
    fn happened(&self) -> Option<Vec<u32>> {
        let mut before: Vec<u32> = self.sources();
        for (number, set) in before.iter_mut().enumerate() {
            *set |= self.session[number];
        }
        for middle in 0..self.count {
            for number in 0..self.count {
                if before[number] & 1 << middle != 0 {
                    before[number] |= before[middle];
                }
            }
        }
        let circular = (0..self.count).any(|number| before[number] & 1 << number != 0);
        (!circular).then_some(before)
    }

    /// Whether the reads of a transaction return the last versions among what comes before it in an order.
    fn explained(&self, reader: usize, before: &(impl Iterator<Item = usize> + Clone)) -> bool {
        self.reads[reader].iter().all(|read| {
            let writers = before
                .clone()
                .filter(|&other| self.writes[other].contains(&read.key));
            writers.last().unwrap_or(INITIAL) == read.from
        })
    }

    fn convergent(&self) -> bool {
        let Some(happened) = self.happened() else {
            return false;
        };
        some_order(self.everybody(), &happened, &|order| {
            self.keeps(order, 0..3)
                && order.iter().all(|&reader| {
                    let seen = order.iter().copied();
                    self.explained(
                        reader,
                        &seen.filter(|&other| happened[reader] & 1 << other != 0),
                    )
                })
        })
    }

    /// For each transaction an order of what happened before it that explains its reads.
    fn causal(&self) -> bool {
        let Some(happened) = self.happened() else {
            return false;
        };
        let mut everybody = (0..self.count).filter(|&number| self.part[number]);
        everybody.all(|last| {
            some_order(happened[last] | 1 << last, &happened, &|order| {
                let place = order.iter().position(|&other| other == last);
                let before = order[..place.unwrap_or(0)].iter().copied();
                self.keeps(order, 0..3) && self.explained(last, &before)
            })
        })
    }

    /// For each process an order of all that explains its reads; `memory`: that keeps happens-before, and not sessions
    /// alone.
    fn one_each(&self, memory: bool) -> bool {
        let happened = self.happened().filter(|_| memory);
        if memory && happened.is_none() {
            return false;
        }
        let before = happened.as_ref().unwrap_or(&self.session);
        let mut processes = self.process.clone();
        processes.sort_unstable();
        processes.dedup();
        processes.into_iter().all(|process| {
            some_order(self.everybody(), before, &|order| {
                let own = |reader: usize| self.process[reader] == process;
                self.keeps(order, 0..3)
                    && order.iter().enumerate().all(|(place, &reader)| {
                        !own(reader) || self.explained(reader, &order[..place].iter().copied())
                    })
            })
        })
    }

    /// Whether each key has an order of its versions that a session guarantee allows.
    fn guaranteed(&self, level: Level) -> bool {
        (0..3).all(|key| {
            let writers =
                (0..self.count).filter(|&t| self.part[t] && self.writes[t].contains(&key));
            let writers = writers.fold(0, |all, number| all | 1 << number);
            let free = vec![0; self.count];
            some_order(writers, &free, &|order| {
                let age = |version: usize| order.iter().position(|&other| other == version);
                let keeps = self.keeps(order, key..key + 1);
                keeps
                    && self
                        .pairs(level, key)
                        .iter()
                        .all(|&(older, newer)| age(older) <= age(newer))
            })
        })
    }

    /// Versions of a key of which the first must not be newer than the second.
    fn pairs(&self, level: Level, key: usize) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        for reader in (0..self.count).filter(|&reader| self.part[reader]) {
            let reads = &self.reads[reader];
            let before = |other: usize| self.session[reader] & 1 << other != 0;
            let own = (0..self.count).filter(|&other| before(other));
            for (place, read) in reads.iter().enumerate().filter(|(_, r)| r.key == key) {
                match level {
                    Level::ReadYourWrites => {
                        let wrote = own.clone().filter(|&t| self.writes[t].contains(&key));
                        pairs.extend(wrote.map(|other| (other, read.from)));
                    }
                    Level::MonotonicReads => {
                        let read_before = own.clone().flat_map(|t| &self.reads[t]);
                        let same = read_before.filter(|other| other.key == key);
                        pairs.extend(same.map(|other| (other.from, read.from)));
                    }
                    _ => {
                        let seen = reads[..place].iter().filter(|r| r.from != INITIAL);
                        for other in seen {
                            let known = self.known(level, other.from, key);
                            pairs.extend(known.into_iter().map(|version| (version, read.from)));
                        }
                    }
                }
            }
            if self.writes[reader].contains(&key) {
                let known = self.known(level, reader, key);
                pairs.extend(known.into_iter().map(|version| (version, reader)));
            }
        }
        pairs
    }

    /// Versions that whoever sees a transaction must see as well.
    fn known(&self, level: Level, transaction: usize, key: usize) -> Vec<usize> {
        let before = |other: usize| self.session[transaction] & 1 << other != 0;
        match level {
            Level::MonotonicWrites => (0..self.count)
                .filter(|&other| before(other) && self.writes[other].contains(&key))
                .collect(),
            Level::WritesFollowReads => (0..self.count)
                .filter(|&other| before(other) || other == transaction)
                .flat_map(|other| &self.reads[other])
                .filter(|read| read.key == key)
                .map(|read| read.from)
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// Whether some order of a set, in which each comes after those that must precede it, is good. Who is not in the set
/// precedes nobody.
pub(super) fn some_order(set: u32, before: &[u32], good: &dyn Fn(&[usize]) -> bool) -> bool {
    fn place(
        left: u32,
        before: &[u32],
        order: &mut Vec<usize>,
        good: &dyn Fn(&[usize]) -> bool,
    ) -> bool {
        if left == 0 {
            return good(order);
        }
        (0..before.len()).any(|next| {
            if left & 1 << next == 0 || before[next] & left != 0 {
                return false;
            }
            order.push(next);
            let found = place(left & !(1 << next), before, order, good);
            order.pop();
            found
        })
    }
    place(set, before, &mut Vec::new(), good)
}
