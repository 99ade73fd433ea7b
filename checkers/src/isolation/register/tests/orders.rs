//! The levels as they are defined operationally, by trying every order of commits. Shares no code with the judge.
//!
//! A history holds a level if its transactions can be put into an order of commits, and each be given a snapshot, that
//! is, a prefix of this order, so that its reads return what its snapshot holds (Cerone, Bernardi & Gotsman 2015). What
//! the levels differ in is which snapshots they allow. Repeatable read is the serial order of transactions of which
//! each reads what others left, whatever it wrote itself.
//!
//! An order that a stronger level allows is one that a weaker level allows, so what one level showed is not tried again.

use rupture_history::Outcome;

use super::oracle::has_versions;
use super::stores::{Act, Txn};
use crate::isolation::Level;
use crate::isolation::assumed::Assumptions;
use crate::isolation::register::LEVELS;

const KEYS: usize = 3;
const TXNS: usize = 8;

/// Who left the earlier and who the later of two versions of a key.
type Pair = (usize, usize);

/// The initial version, for who left it; and a value that nobody left.
const INITIAL: usize = TXNS;
const NOBODY: usize = TXNS + 1;

/// A history, with every read resolved once.
pub(super) struct Facts<'t> {
    txns: &'t [Txn],
    /// By transaction: first reads of keys that it had not touched, and who left what they returned.
    outer: Vec<Vec<(usize, usize)>>,
    /// The same of all reads but those of its own writes.
    others: Vec<Vec<(usize, usize)>>,
    /// By transaction: the keys it wrote, as a set.
    writes: Vec<u8>,
    /// By transaction: those before it in its session, and in real time, as sets.
    session: Vec<u8>,
    time: Vec<u8>,
    consistent: bool,
    foresees: bool,
    /// By later transaction: those whose version of some key is assumed to be earlier, as a set.
    earlier: Vec<u8>,
    /// Whether some version is assumed to be earlier than the initial one.
    impossible: bool,
    assumptions: Assumptions,
}

/// What an order of commits has to keep.
#[derive(Clone, Copy)]
#[allow(clippy::struct_excessive_bools)]
struct Rules {
    snapshots: bool,
    may_lose_updates: bool,
    sessions: bool,
    real_time: bool,
    own_reads: bool,
}

fn rules(level: Level) -> Rules {
    use Level::{
        Prefix, RepeatableRead, SnapshotIsolation, StrictSerializable, StrongSessionSerializable,
        StrongSessionSnapshotIsolation, StrongSnapshotIsolation,
    };
    Rules {
        snapshots: matches!(
            level,
            SnapshotIsolation | StrongSessionSnapshotIsolation | StrongSnapshotIsolation | Prefix
        ),
        may_lose_updates: level == Prefix,
        sessions: matches!(
            level,
            StrongSessionSerializable | StrongSessionSnapshotIsolation | Prefix
        ),
        real_time: matches!(level, StrictSerializable | StrongSnapshotIsolation),
        own_reads: level != RepeatableRead,
    }
}

fn last_write(txn: &Txn, key: usize) -> Option<u32> {
    txn.acts.iter().rev().find_map(|&(of, act)| match act {
        Act::Write(value) if of == key => Some(value),
        _ => None,
    })
}

impl<'t> Facts<'t> {
    pub(super) fn of(txns: &'t [Txn], assumptions: Assumptions) -> Self {
        let mut facts = Self {
            txns,
            outer: vec![Vec::new(); txns.len()],
            others: vec![Vec::new(); txns.len()],
            writes: vec![0; txns.len()],
            session: vec![0; txns.len()],
            time: vec![0; txns.len()],
            consistent: true,
            foresees: false,
            earlier: vec![0; txns.len()],
            impossible: false,
            assumptions,
        };
        for (at, txn) in txns.iter().enumerate() {
            for (other, before) in txns.iter().enumerate() {
                let precedes = before.outcome == Outcome::Ok && before.precedes(txn);
                facts.time[at] |= u8::from(precedes) << other;
                facts.session[at] |= u8::from(precedes && before.process == txn.process) << other;
            }
            let keys = txn
                .acts
                .iter()
                .filter(|(_, act)| matches!(act, Act::Write(_)));
            facts.writes[at] = keys.fold(0, |all, (key, _)| all | 1 << key);
            if txn.outcome == Outcome::Ok {
                facts.resolve(at);
            }
        }
        facts.assume(assumptions);
        facts
    }

    /// Who left a value behind.
    fn left(&self, key: usize, value: u32) -> usize {
        if value == 0 {
            return INITIAL;
        }
        let mut txns = self.txns.iter();
        let left = txns
            .position(|txn| txn.outcome != Outcome::Fail && last_write(txn, key) == Some(value));
        left.unwrap_or(NOBODY)
    }

    fn resolve(&mut self, at: usize) {
        let acts = &self.txns[at].acts;
        let mut known: [Option<u32>; KEYS] = [None; KEYS];
        for (place, &(key, act)) in acts.iter().enumerate() {
            let (Act::Read(value) | Act::Write(value)) = act;
            let before = known[key].replace(value);
            if matches!(act, Act::Write(_)) {
                continue;
            }
            self.consistent &= before.is_none_or(|before| before == value);
            self.foresees |= acts[place..].contains(&(key, Act::Write(value)));
            let left = self.left(key, value);
            if before.is_none() {
                self.outer[at].push((key, left));
            }
            if !acts.contains(&(key, Act::Write(value))) {
                self.others[at].push((key, left));
            }
        }
    }

    /// The versions of a key that a transaction met, by who left them. Only what it left itself is a version of its own.
    fn met(&self, at: usize, key: usize) -> Vec<(usize, bool)> {
        let txn = &self.txns[at];
        let of_key = txn.acts.iter().filter(|(of, _)| *of == key);
        let met = of_key.filter_map(|&(_, act)| match act {
            Act::Write(value) => (last_write(txn, key) == Some(value)
                && txn.outcome != Outcome::Fail)
                .then_some((at, true)),
            Act::Read(value) if txn.outcome == Outcome::Ok => Some((self.left(key, value), false)),
            Act::Read(_) => None,
        });
        met.filter(|&(left, _)| left != NOBODY).collect()
    }

    fn assume(&mut self, assumptions: Assumptions) {
        if assumptions == Assumptions::default() {
            return;
        }
        let mut pairs: Vec<Pair> = Vec::new();
        let along = assumptions.sequential_keys || assumptions.linearizable_keys;
        for key in 0..KEYS {
            let met: Vec<_> = (0..self.txns.len()).map(|at| self.met(at, key)).collect();
            for (at, own) in met.iter().enumerate() {
                for (place, &(later, writes)) in own.iter().enumerate() {
                    let before = own[..place].iter().filter(|_| along || writes);
                    pairs.extend(before.map(|&(earlier, _)| (earlier, later)));
                }
                for (other, theirs) in met.iter().enumerate() {
                    let session = assumptions.sequential_keys && self.session[at] >> other & 1 == 1;
                    let time = assumptions.linearizable_keys && self.time[at] >> other & 1 == 1;
                    for &(earlier, _) in theirs.iter().filter(|_| session || time) {
                        pairs.extend(own.iter().map(|&(later, _)| (earlier, later)));
                    }
                }
            }
        }
        for (earlier, later) in pairs
            .into_iter()
            .filter(|(earlier, later)| earlier != later)
        {
            if later == INITIAL {
                self.impossible = true;
            } else if earlier != INITIAL {
                self.earlier[later] |= 1 << earlier;
            }
        }
    }

    /// Which of the [levels](LEVELS) some order of commits shows, in their order.
    pub(super) fn held(&self) -> Vec<bool> {
        let mut held: Vec<(Level, bool)> = Vec::new();
        for level in LEVELS {
            // These have no order of commits that shows them, so all orders of versions are tried.
            let versions = matches!(
                level,
                Level::ParallelSnapshotIsolation
                    | Level::ConsistentView
                    | Level::CursorStability
                    | Level::UpdateAtomic
            );
            let known = held
                .iter()
                .find_map(|&(other, holds)| (holds && other.implies(level)).then_some(true));
            held.push((
                level,
                known.unwrap_or_else(|| {
                    if versions {
                        has_versions(self.txns, level, self.assumptions)
                    } else {
                        self.holds(level)
                    }
                }),
            ));
        }
        held.into_iter().map(|(_, holds)| holds).collect()
    }

    /// Whether some order of commits explains the history.
    pub(super) fn holds(&self, level: Level) -> bool {
        let rules = rules(level);
        if self.impossible || self.foresees || rules.own_reads && !self.consistent {
            return false;
        }
        let all = self.txns.iter().enumerate();
        let part = |outcome| {
            let of = all.clone().filter(move |(_, txn)| txn.outcome == outcome);
            of.fold(0, |all, (at, _)| all | 1 << at)
        };
        Search {
            facts: self,
            rules,
            known: part(Outcome::Ok),
            unknown: part(Outcome::Info),
            order: Vec::new(),
            last: vec![[INITIAL; KEYS]],
            placed: 0,
        }
        .extend()
    }
}

struct Search<'f, 't> {
    facts: &'f Facts<'t>,
    rules: Rules,
    /// Sets of transactions: those that committed, those that may have, and those that have their place.
    known: u8,
    unknown: u8,
    placed: u8,
    order: Vec<usize>,
    /// After so many commits: who wrote each key last.
    last: Vec<[usize; KEYS]>,
}

impl Search<'_, '_> {
    fn extend(&mut self) -> bool {
        let left = self.known & !self.placed;
        if left == 0 {
            return true;
        }
        for next in 0..self.facts.txns.len() {
            let free = (left | self.unknown & !self.placed) >> next & 1 == 1;
            if !free || !self.may_commit(next) {
                continue;
            }
            let mut last = self.last[self.order.len()];
            for (key, last) in last.iter_mut().enumerate() {
                if self.facts.writes[next] >> key & 1 == 1 {
                    *last = next;
                }
            }
            self.order.push(next);
            self.last.push(last);
            self.placed |= 1 << next;
            if self.extend() {
                return true;
            }
            self.placed &= !(1 << next);
            self.last.pop();
            self.order.pop();
        }
        false
    }

    /// Whether a transaction that commits now may have seen some snapshot.
    fn may_commit(&self, next: usize) -> bool {
        let facts = self.facts;
        // Nobody's version may be there already that should come later.
        let late = self
            .order
            .iter()
            .any(|&at| facts.earlier[at] >> next & 1 == 1);
        let before = match self.rules {
            Rules {
                real_time: true, ..
            } => facts.time[next],
            Rules { sessions: true, .. } => facts.session[next],
            _ => 0,
        };
        if late || before & !self.placed != 0 {
            return false;
        }
        let reads = if self.rules.own_reads {
            &facts.outer[next]
        } else {
            &facts.others[next]
        };
        let mut missed = 0;
        for snapshot in (0..=self.order.len()).rev() {
            if let Some(&at) = self.order.get(snapshot) {
                missed |= facts.writes[at];
                let follows = before >> at & 1 == 1;
                let conflict = !self.rules.may_lose_updates && missed & facts.writes[next] != 0;
                if !self.rules.snapshots || follows || conflict {
                    return false;
                }
            }
            let last = &self.last[snapshot];
            if reads.iter().all(|&(key, from)| last[key] == from) {
                return true;
            }
        }
        false
    }
}
