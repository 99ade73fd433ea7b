//! Whether transactions keep to what they read and wrote themselves.
//!
//! What a transaction read of a key, and then appended to it, is what it must read again; where it only appended so
//! far, its next read must end with that. No other transaction takes part in this.

use rayon::prelude::*;
use rupture_history::{Outcome, ValueRef};
use rustc_hash::FxHashMap;

use super::findings::Finding;
use crate::Id;
use crate::isolation::promise::Fault;
use crate::isolation::transactions::{Act, Lists, Transactions};

/// Transactions that are looked at together.
const A_TURN: usize = 4096;
/// Up to how many micro-operations keys are looked for one by one.
const FEW: usize = 16;

/// What a transaction knows of a key.
struct Known<'a> {
    key: u32,
    /// What it read last.
    read: Option<ValueRef<'a>>,
    /// What it appended since.
    appended: Vec<Id>,
    place: u32,
}

/// Finds the transactions that contradict themselves. Linear in the lengths of the reads that are not the first of
/// their key in their transaction.
pub(super) fn found(transactions: &Transactions<'_, Lists>) -> Vec<Finding> {
    let numbers: Vec<u32> = (0..transactions.len() as u32).collect();
    let found: Vec<Vec<Finding>> = numbers
        .par_chunks(A_TURN)
        .map(|numbers| {
            let mut found = Vec::new();
            for &number in numbers {
                transaction(transactions, number, &mut found);
            }
            found
        })
        .collect();
    found.concat()
}

fn transaction(transactions: &Transactions<'_, Lists>, number: u32, found: &mut Vec<Finding>) {
    let places = transactions.places(number);
    if transactions.outcome(number) != Outcome::Ok || places.len() < 2 {
        return;
    }
    let many = places.len() > FEW;
    let mut known: Vec<Known<'_>> = Vec::new();
    let mut by_key: FxHashMap<u32, usize> = FxHashMap::default();
    for place in places {
        let micro = transactions.micros()[place];
        let at = if many {
            by_key.get(&micro.key).copied()
        } else {
            known.iter().position(|known| known.key == micro.key)
        };
        let at = at.unwrap_or_else(|| {
            by_key.insert(micro.key, known.len());
            known.push(Known {
                key: micro.key,
                read: None,
                appended: Vec::new(),
                place: place as u32,
            });
            known.len() - 1
        });
        let known = &mut known[at];
        match micro.act {
            Act::Write(value) => known.appended.push(value),
            Act::Read(value) => {
                if !known.agrees(transactions, value) {
                    found.push(known.finding(Fault::Internal, number, place as u32));
                }
                known.read = Some(value);
                known.appended.clear();
                known.place = place as u32;
                if sees_the_future(transactions, number, place, value) {
                    found.push(known.finding(Fault::FutureRead, number, place as u32));
                }
            }
        }
    }
}

impl Known<'_> {
    /// Whether a read of the key continues what was known of it.
    fn agrees(&self, transactions: &Transactions<'_, Lists>, value: ValueRef<'_>) -> bool {
        let length = value.count().unwrap_or(0);
        let Some(tail) = length.checked_sub(self.appended.len()) else {
            return false;
        };
        if let Some(read) = self.read {
            let before = read.count().unwrap_or(0);
            if before != tail || before > 0 && !value.starts_with(read) {
                return false;
            }
        }
        let last = value.items().into_iter().flatten().skip(tail);
        last.zip(&self.appended)
            .all(|(item, &own)| transactions.values.find(item) == Some(own))
    }

    fn finding(&self, fault: Fault, number: u32, place: u32) -> Finding {
        Finding {
            fault,
            reader: number,
            key: self.key,
            place,
            other: number,
            other_place: self.place,
        }
    }
}

/// Whether a read holds what its transaction appends only later.
fn sees_the_future(
    transactions: &Transactions<'_, Lists>,
    number: u32,
    place: usize,
    value: ValueRef<'_>,
) -> bool {
    let end = transactions.places(number).end;
    let key = transactions.micros()[place].key;
    let later = transactions.micros()[place + 1..end].iter();
    let mut later = later
        .filter(|micro| micro.key == key)
        .filter_map(|micro| match micro.act {
            Act::Write(own) => Some(own),
            Act::Read(_) => None,
        })
        .peekable();
    if later.peek().is_none() {
        return false;
    }
    let later: Vec<Id> = later.collect();
    let mut items = value.items().into_iter().flatten();
    items.any(|item| {
        let item = transactions.values.find(item);
        item.is_some_and(|item| later.contains(&item))
    })
}
