//! `read-uncommitted` from its definition.
//!
//! It proscribes G0, a cycle of `ww`, and reads that no order of appends explains whatever was undone: with an
//! element twice, or one that nobody appended (Adya 1999, 3.2.1, and Elle for lists).
//!
//! It speaks of committed writes alone, so an indeterminate transaction harms least where it did not commit. Reads
//! show the order of the committed appends to a key, with what did not commit left out, and the rest of the order is
//! free. Where two reads contradict each other, or one contradicts the order in which a transaction appended, one
//! of them saw something that was undone; nobody can tell which, and neither says anything of the order.

use super::oracle::{continuations, keeps_order, remaining, writer};
use super::relation::Relation;
use super::txn::{Txn, key_count};

/// Whether a read has an element twice, or one that nobody appended.
pub(super) fn is_garbled(txns: &[Txn]) -> bool {
    let mut reads = txns.iter().flat_map(Txn::reads);
    reads.any(|(_, key, list)| {
        let twice = (1..list.len()).any(|at| list[..at].contains(&list[at]));
        twice || list.iter().any(|value| writer(txns, key, *value).is_none())
    })
}

/// Whether some order of the committed appends that the reads allow is free of G0.
pub(super) fn is_read_uncommitted(txns: &[Txn]) -> bool {
    let finals: Vec<Vec<Vec<i64>>> = (0..key_count(txns)).map(|key| finals(txns, key)).collect();
    !is_garbled(txns) && has_order(txns, &finals, Relation::default())
}

/// What the reads of a key returned of the appends that committed for sure, the shortest first.
fn lists(txns: &[Txn], key: usize) -> Vec<Vec<i64>> {
    let is_committed = |value: &i64| writer(txns, key, *value).is_some_and(|who| txns[who].is_ok());
    let reads = txns.iter().flat_map(Txn::reads);
    let mut lists: Vec<Vec<i64>> = reads
        .filter(|(_, of, _)| *of == key)
        .map(|(_, _, list)| list.iter().copied().filter(is_committed).collect())
        .collect();
    lists.sort_by_key(Vec::len);
    lists
}

/// Whether they contradict neither each other nor the order of a transaction.
pub(super) fn agree(txns: &[Txn], key: usize) -> bool {
    let lists = lists(txns, key);
    let in_order = |list: &Vec<i64>| txns.iter().all(|txn| keeps_order(txn, key, list));
    lists.iter().all(in_order) && lists.windows(2).all(|pair| pair[1].starts_with(&pair[0]))
}

/// Every order of the committed appends to a key that its reads allow.
fn finals(txns: &[Txn], key: usize) -> Vec<Vec<i64>> {
    let committed: Vec<bool> = txns.iter().map(Txn::is_ok).collect();
    let mut lists = lists(txns, key);
    let longest = lists.pop().unwrap_or_default();
    let known = if agree(txns, key) {
        longest
    } else {
        Vec::new()
    };
    continuations(&known, &remaining(txns, &committed, key, &known))
}

/// Whether the keys whose lists these are have an order without G0, given the `ww` edges of the keys before.
fn has_order(txns: &[Txn], finals: &[Vec<Vec<i64>>], ww: Relation) -> bool {
    let Some((lists, rest)) = finals.split_first() else {
        return true;
    };
    let key = key_count(txns) - finals.len();
    lists.iter().any(|list| {
        let mut ww = ww;
        let who = |value: &i64| writer(txns, key, *value);
        let writers: Vec<usize> = list.iter().filter_map(who).collect();
        for pair in writers.windows(2).filter(|pair| pair[0] != pair[1]) {
            ww.insert(pair[0], pair[1]);
        }
        !ww.has_cycle() && has_order(txns, rest, ww)
    })
}
