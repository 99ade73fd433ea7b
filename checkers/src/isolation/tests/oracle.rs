//! The levels of a history of lists from their definitions: try every choice.
//!
//! A level holds when some choice of which indeterminate transactions committed, and of an order of the appends to
//! each key, agrees with every committed read and shows none of the phenomena that the level and those below it
//! proscribe. This tries them all: it is slow, and meant for seven transactions. It shares no code with the engine.
//!
//! A version of a key is a list, so a read *depends* on whoever appended an element of it, and *anti-depends* on
//! whoever appended to the final list what the read does not have; one's own appends take no part in either. As
//! all later writers count and not only the next, every edge here is a path of edges in Adya's sense and the other
//! way round, with as many anti-dependencies.
//!
//! | level | what must not be (beside G1 of Adya 1999, and what is not in order at all) |
//! |---|---|
//! | `monotonic-atomic-view` | a read misses an append of a transaction that an earlier read saw (Bailis et al. 2014, 5.1) |
//! | `read-atomic` | `internal`; a read misses an append of a transaction that another read saw (Bailis et al. 2014, RAMP) |
//! | `update-atomic` | what `read-atomic` proscribes; a transaction reads a key and appends to it, and an append that the read does not have comes before its own (P4 of Berenson et al. 1995) |
//! | `cursor-stability` | G-cursor: a cycle of one `rw` and `ww`, all on one key (Adya 1999, 4.2.2) |
//! | `consistent-view` | G-single (Adya 1999, 4.2.1) |
//! | `repeatable-read` | a cycle of `ww`, `wr`, `rw` (Adya 1999, 3.2.2; every read here is of an item) |
//! | `prefix` | `internal`; a cycle of ((so ∪ wr) ; rw?) ∪ ww (Cerone & Gotsman 2018, theorem for prefix consistency) |
//! | `parallel-snapshot-isolation` | `internal`; a cycle of (ww ∪ wr)⁺ ; rw? (Cerone & Gotsman 2018) |
//! | `snapshot-isolation` | `internal`; a cycle of (ww ∪ wr) ; rw? (Cerone & Gotsman 2018) |
//! | `serializable` | `internal`; a cycle of `ww`, `wr`, `rw` |
//!
//! The strong levels count the order of sessions, or of real time, among `ww` and `wr`. Cycles are closed walks:
//! a transaction may come twice. One level allows dirty reads and is decided in [`weakest`].

use super::choice::Choice;
use super::graph::Graph;
use super::levels::Levels;
use super::relation::Relation;
use super::txn::{Micro, Txn, key_count};
use super::weakest;
use crate::isolation::Level;

/// The levels that a history holds.
pub(crate) fn holds(txns: &[Txn]) -> Levels {
    assert!(txns.len() <= Relation::MOST);
    let mut held = Levels::default();
    if weakest::is_read_uncommitted(txns) {
        held.insert(Level::ReadUncommitted);
    }
    if weakest::is_garbled(txns) {
        return held;
    }
    for committed in choices(txns) {
        let Some(choice) = Choice::new(txns, &committed) else {
            continue;
        };
        let mut search = Search {
            lists: choice.known.clone(),
            choice: &choice,
            held,
        };
        search.extend(0, choice.alive());
        held = search.held;
    }
    held
}

/// How many orders of appends there are at most, which says how long [`holds`] takes.
pub(super) fn orders(txns: &[Txn]) -> usize {
    let everybody = vec![true; txns.len()];
    let keys = 0..key_count(txns);
    let orders = keys.map(|key| {
        let known = if weakest::agree(txns, key) {
            longest(txns, key)
        } else {
            Vec::new()
        };
        (1..=remaining(txns, &everybody, key, &known).len()).product::<usize>()
    });
    orders.product()
}

/// Every choice of which transactions committed.
pub(super) fn choices(txns: &[Txn]) -> Vec<Vec<bool>> {
    let mut choices = vec![Vec::new()];
    for txn in txns {
        use rupture_history::Outcome::{Fail, Info, Ok};
        let mut both = Vec::new();
        for mut choice in choices {
            if txn.outcome == Info {
                both.push([&*choice, &[true]].concat());
            }
            choice.push(match txn.outcome {
                Ok => true,
                Fail | Info => false,
            });
            both.push(choice);
        }
        choices = both;
    }
    choices
}

/// Who appended this value to this key.
pub(super) fn writer(txns: &[Txn], key: usize, value: i64) -> Option<usize> {
    let wrote = |txn: &Txn| txn.micros.contains(&Micro::Append(key, value));
    txns.iter().position(wrote)
}

/// The longest list that was read of a key.
pub(super) fn longest(txns: &[Txn], of: usize) -> Vec<i64> {
    let reads = txns.iter().flat_map(Txn::reads);
    let lists = reads.filter(|(_, key, _)| *key == of);
    let longest = lists.map(|(_, _, list)| list).max_by_key(|list| list.len());
    longest.unwrap_or_default().to_vec()
}

/// What every committed transaction appended to a key and this list does not have.
pub(super) fn remaining(
    txns: &[Txn],
    committed: &[bool],
    key: usize,
    list: &[i64],
) -> Vec<Vec<i64>> {
    let rest = |txn: &Txn| -> Vec<i64> {
        let appends = txn.appends(key);
        appends.filter(|value| !list.contains(value)).collect()
    };
    let all = txns.iter().zip(committed);
    let rests = all.filter(|(_, committed)| **committed);
    let rests = rests.map(|(txn, _)| rest(txn));
    rests.filter(|rest| !rest.is_empty()).collect()
}

/// Every way to go on with a list by all of the others. Each of them is what one transaction appended: where two of
/// these are interleaved there is G0, which every level proscribes, so that is left out.
pub(super) fn continuations(list: &[i64], others: &[Vec<i64>]) -> Vec<Vec<i64>> {
    if others.is_empty() {
        return vec![list.to_vec()];
    }
    let mut all = Vec::new();
    for at in 0..others.len() {
        let mut others = others.to_vec();
        let next = others.remove(at);
        all.append(&mut continuations(&[list, &next].concat(), &others));
    }
    all
}

/// Whether what a list has of a transaction is how its appends begin.
pub(super) fn keeps_order(txn: &Txn, key: usize, list: &[i64]) -> bool {
    let own = |value: &&i64| txn.appends(key).any(|own| own == **value);
    let seen = list.iter().filter(own).copied();
    seen.zip(txn.appends(key)).all(|(seen, own)| seen == own)
}

/// The orders of appends, key by key.
struct Search<'a> {
    choice: &'a Choice<'a>,
    /// The final list of each key that was decided, and what is known of the others.
    lists: Vec<Vec<i64>>,
    held: Levels,
}

impl Search<'_> {
    /// Decides the final lists from this key on, for the levels that are neither refuted nor held already.
    /// More appends only add edges, so what the lists up to here refute stays refuted.
    fn extend(&mut self, key: usize, alive: Levels) {
        let graph = Graph::new(self.choice, &self.lists);
        let alive = alive.without(self.held);
        let alive = alive.filter(|level| !graph.refutes(level));
        if key == self.lists.len() {
            self.held = self.held.or(alive);
            return;
        }
        for list in &self.choice.finals[key] {
            if alive.without(self.held).is_empty() {
                break;
            }
            self.lists[key].clone_from(list);
            self.extend(key + 1, alive);
        }
        self.lists[key].clone_from(&self.choice.known[key]);
    }
}
