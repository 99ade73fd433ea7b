//! Chains: versions of which each was written by a transaction that had read the one before.
//!
//! Where updates may not be lost such versions are next to each other in every order, so the chain is what is
//! placed. The first chain of every key begins with the initial version.

use super::Points;
use super::prepared::Prepared;
use super::reads::{NONE, Version};

/// Versions of a key that are placed as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) head: Version,
    pub(super) tail: Version,
}

/// The chains of every key.
#[derive(Clone, Debug)]
pub(super) struct Units {
    /// Where the chains of each key begin; one more at the end.
    first: Vec<u32>,
    pub(super) list: Vec<Unit>,
    /// The chain of each version, and how far along it is.
    pub(super) of: Vec<u32>,
    pub(super) along: Vec<u32>,
}

impl Units {
    pub(super) fn of(prepared: &Prepared<'_, '_>, points: Points) -> Self {
        let keys = prepared.transactions.key_count();
        let versions = prepared.next.len();
        let chains = points != Points::Prefix;
        let mut follows = vec![false; versions];
        if chains {
            for &next in prepared.next.iter().filter(|&&next| next != NONE) {
                follows[next as usize] = true;
            }
        }
        let mut units = Self {
            first: Vec::with_capacity(keys + 1),
            list: Vec::new(),
            of: vec![NONE; versions],
            along: vec![0; versions],
        };
        for key in 0..keys as u32 {
            units.first.push(units.list.len() as u32);
            units.push(prepared, prepared.initial(key), chains);
            for version in prepared.versions(key) {
                if !follows[version as usize] {
                    units.push(prepared, version, chains);
                }
            }
            // Transactions that read each other's updates in a circle; that they do is a cycle of its own.
            for version in prepared.versions(key) {
                if units.of[version as usize] == NONE {
                    units.push(prepared, version, false);
                }
            }
        }
        units.first.push(units.list.len() as u32);
        units
    }

    fn push(&mut self, prepared: &Prepared<'_, '_>, head: Version, chains: bool) {
        let number = self.list.len() as u32;
        let mut tail = head;
        self.of[head as usize] = number;
        while chains && prepared.next[tail as usize] != NONE {
            let next = prepared.next[tail as usize];
            if self.of[next as usize] != NONE {
                break;
            }
            self.of[next as usize] = number;
            self.along[next as usize] = self.along[tail as usize] + 1;
            tail = next;
        }
        self.list.push(Unit { head, tail });
    }

    /// The numbers of the chains of a key. The first is that of the initial version.
    pub(super) fn of_key(&self, key: u32) -> std::ops::Range<u32> {
        self.first[key as usize]..self.first[key as usize + 1]
    }
}
