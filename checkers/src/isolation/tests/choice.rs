//! One choice of which transactions committed, and the phenomena that no order of appends changes.

use super::levels::Levels;
use super::oracle::{continuations, keeps_order, longest, remaining, writer};
use super::relation::Relation;
use super::txn::{Micro, Seen, Txn, key_count};
use crate::isolation::Level;

/// A choice of who committed, with what does not depend on the order of appends that nobody saw.
pub(super) struct Choice<'a> {
    pub(super) txns: &'a [Txn],
    /// What was read of each key: how its final list begins.
    pub(super) known: Vec<Vec<i64>>,
    /// How each final list may look.
    pub(super) finals: Vec<Vec<Vec<i64>>>,
    /// A committed transaction was invoked after another had ended, in its process or anywhere.
    pub(super) session: Relation,
    pub(super) real_time: Relation,
}

impl<'a> Choice<'a> {
    /// `None` where committed reads are dirty or have no order, so that nothing clean holds.
    pub(super) fn new(txns: &'a [Txn], committed: &[bool]) -> Option<Self> {
        let keys = 0..key_count(txns);
        let known: Vec<Vec<i64>> = keys.clone().map(|key| longest(txns, key)).collect();
        let reads = || txns.iter().enumerate().flat_map(reads_of);
        let dirty = |read: &Read<'_>| is_dirty(txns, committed, read);
        let broken = |read: &Read<'_>| !known[read.key].starts_with(read.list);
        let unordered = |key: usize| {
            let whose = |txn: &Txn| !keeps_order(txn, key, &known[key]);
            txns.iter().any(whose)
        };
        if reads().any(|read| dirty(&read) || broken(&read)) || keys.clone().any(unordered) {
            return None;
        }
        let finals = keys.map(|key| {
            let others = remaining(txns, committed, key, &known[key]);
            continuations(&known[key], &others)
        });
        let (mut session, mut real_time) = (Relation::default(), Relation::default());
        for (a, one) in txns.iter().enumerate().filter(|(a, _)| committed[*a]) {
            for (b, other) in txns.iter().enumerate().filter(|(b, _)| committed[*b]) {
                if one.precedes(other) {
                    real_time.insert(a, b);
                    if one.process == other.process {
                        session.insert(a, b);
                    }
                }
            }
        }
        Some(Self {
            txns,
            finals: finals.collect(),
            known,
            session,
            real_time,
        })
    }

    /// The levels that hold as far as no order of appends is looked at.
    pub(super) fn alive(&self) -> Levels {
        use Level::{
            ConsistentView, CursorStability, MonotonicAtomicView, ReadAtomic, ReadCommitted,
            RepeatableRead, UpdateAtomic,
        };
        let internal = self.txns.iter().any(contradicts_itself);
        let fractured = self.is_fractured(|_, _| true);
        let receding = self.is_fractured(|seen, missing| seen < missing);
        Levels::clean().filter(|level| match level {
            ReadCommitted | CursorStability | ConsistentView | RepeatableRead => true,
            MonotonicAtomicView => !receding,
            ReadAtomic | UpdateAtomic => !internal && !fractured,
            _ => !internal,
        })
    }

    /// Whether a transaction saw another in one read and missed an append of it in another read, at such places.
    fn is_fractured(&self, places: impl Fn(usize, usize) -> bool) -> bool {
        let txns = || self.txns.iter().enumerate();
        txns().any(|(t, txn)| {
            txns().filter(|(w, _)| *w != t).any(|(_, writer)| {
                txn.reads().any(|(seen, key, list)| {
                    let sees = writer.appends(key).any(|value| list.contains(&value));
                    sees && txn.reads().any(|(missing, key, list)| {
                        places(seen, missing)
                            && writer.appends(key).any(|value| !list.contains(&value))
                    })
                })
            })
        })
    }
}

/// A read of a committed transaction.
struct Read<'a> {
    txn: usize,
    place: usize,
    key: usize,
    list: &'a [i64],
}

fn reads_of((txn, of): (usize, &Txn)) -> impl Iterator<Item = Read<'_>> {
    of.reads().map(move |(place, key, list)| Read {
        txn,
        place,
        key,
        list,
    })
}

/// G1a, G1b, or one's own append before it was made, which is G1c of one transaction.
fn is_dirty(txns: &[Txn], committed: &[bool], read: &Read<'_>) -> bool {
    let aborted = |value: &i64| writer(txns, read.key, *value).is_none_or(|who| !committed[who]);
    let later = &txns[read.txn].micros[read.place..];
    let early = |value: &i64| later.contains(&Micro::Append(read.key, *value));
    let intermediate = |value: &i64| {
        writer(txns, read.key, *value).is_some_and(|who| {
            who != read.txn && txns[who].appends(read.key).last() != Some(*value)
        })
    };
    read.list.iter().any(|value| aborted(value) || early(value))
        || read.list.last().is_some_and(intermediate)
}

/// `internal`: a read is not what the transaction's own reads and appends before it make of the key.
fn contradicts_itself(txn: &Txn) -> bool {
    txn.reads().any(|(place, key, list)| {
        let mut known: Option<Vec<i64>> = None;
        let mut own = Vec::new();
        for micro in txn.micros[..place]
            .iter()
            .filter(|micro| micro.key() == key)
        {
            match micro {
                Micro::Append(_, value) => {
                    own.push(*value);
                    known = known.map(|known| [known, vec![*value]].concat());
                }
                Micro::Read(_, Seen::List(list)) => known = Some(list.clone()),
                Micro::Read(..) | Micro::Write(..) => {}
            }
        }
        known.map_or(!list.ends_with(&own), |known| known != list)
    })
}
