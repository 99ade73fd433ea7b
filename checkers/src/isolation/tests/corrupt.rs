//! Small lies in a history: what a client was told is changed a little.

use rupture_history::Outcome;

use super::stores::{self, Store};
use super::txn::{Micro, Seen, Txn};
use crate::linearizability::tests::Random;

/// A history of at most so many transactions on one of the stores; two in five of them have lies in them.
pub(crate) fn random_history(most: usize, random: &mut Random) -> Vec<Txn> {
    let store = Store::ALL[random.below(Store::ALL.len())];
    let mut txns = stores::run(store, most, random);
    if random.below(5) < 2 {
        for _ in 0..=random.below(2) {
            corrupt(&mut txns, random);
        }
    }
    txns
}

fn corrupt(txns: &mut [Txn], random: &mut Random) {
    match random.below(8) {
        0 => swap_moments(txns, random),
        1 => change_outcome(txns, random),
        _ => change_read(txns, random),
    }
}

/// Two events that follow each other change places, if they are not of one process.
fn swap_moments(txns: &mut [Txn], random: &mut Random) {
    let (a, b) = (random.below(txns.len()), random.below(txns.len()));
    let Some(completed) = txns[a].completed else {
        return;
    };
    let invoked = txns[b].invoked;
    let between = |moment: usize| completed < moment && moment < invoked;
    let apart = txns
        .iter()
        .any(|txn| between(txn.invoked) || txn.completed.is_some_and(between));
    if completed < invoked && !apart && txns[a].process != txns[b].process {
        (txns[a].completed, txns[b].invoked) = (Some(invoked), completed);
    }
    txns.sort_by_key(|txn| txn.invoked);
}

fn change_outcome(txns: &mut [Txn], random: &mut Random) {
    let unused = 1 + txns.iter().map(|txn| txn.process).max().unwrap_or_default();
    let txn = &mut txns[random.below(txns.len())];
    if txn.completed.is_none() || !txn.is_ok() {
        return;
    }
    txn.outcome = if random.below(2) == 0 {
        Outcome::Fail
    } else {
        // Nobody uses the process again.
        txn.process = unused;
        Outcome::Info
    };
}

fn change_read(txns: &mut [Txn], random: &mut Random) {
    let micros = || {
        txns.iter()
            .enumerate()
            .flat_map(|(at, txn)| (0..txn.micros.len()).map(move |place| (at, place)))
    };
    let is_read = |(at, place): &(usize, usize)| {
        matches!(txns[*at].micros[*place], Micro::Read(_, Seen::List(_)))
    };
    let reads: Vec<(usize, usize)> = micros().filter(is_read).collect();
    if reads.is_empty() {
        return;
    }
    let (at, place) = reads[random.below(reads.len())];
    let key = txns[at].micros[place].key();
    let values: Vec<i64> = txns.iter().flat_map(|txn| txn.appends(key)).collect();
    if let Micro::Read(_, Seen::List(list)) = &mut txns[at].micros[place] {
        change_list(list, &values, random);
    }
}

fn change_list(list: &mut Vec<i64>, values: &[i64], random: &mut Random) {
    let count = list.len();
    match random.below(16) {
        0..6 => drop(list.pop()),
        6..9 if count > 1 => list.swap(count - 1, count - 2),
        9 if count > 0 => drop(list.remove(random.below(count))),
        10 if count > 1 => list.push(list[0]),
        11 => list.push(99),
        12 => list.clear(),
        _ => {
            let missing: Vec<i64> = values
                .iter()
                .copied()
                .filter(|value| !list.contains(value))
                .collect();
            if !missing.is_empty() {
                list.push(missing[random.below(missing.len())]);
            }
        }
    }
}
