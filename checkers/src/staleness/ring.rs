//! Items in a fixed order of which some are taken out for a while (Knuth 2000, *Dancing links*): taking one out
//! and putting the last one back are a few assignments.

use super::clusters::Cluster;

/// The numbers from 0 in some order.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    /// The neighbours of each item; the one behind the last stands for the beginning and the end.
    next: Vec<u32>,
    before: Vec<u32>,
}

impl Ring {
    /// The numbers of clusters, the one with the greatest key first.
    pub(super) fn new(clusters: &[Cluster], key: impl Fn(&Cluster) -> u32) -> Self {
        let mut order: Vec<u32> = (0..clusters.len() as u32).collect();
        order.sort_unstable_by_key(|&item| std::cmp::Reverse(key(&clusters[item as usize])));
        let end = clusters.len() as u32;
        let mut ring = Self {
            next: vec![end; clusters.len() + 1],
            before: vec![end; clusters.len() + 1],
        };
        let mut last = end;
        for item in order {
            ring.next[last as usize] = item;
            ring.before[item as usize] = last;
            last = item;
        }
        ring.next[last as usize] = end;
        ring.before[end as usize] = last;
        ring
    }

    fn end(&self) -> u32 {
        self.next.len() as u32 - 1
    }

    /// The items that are there, from the first.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        Walk {
            links: &self.next,
            at: self.end(),
        }
    }

    /// The items that are there, from the last.
    pub(super) fn backwards(&self) -> impl Iterator<Item = u32> {
        Walk {
            links: &self.before,
            at: self.end(),
        }
    }

    /// Takes out an item that is there.
    pub(super) fn remove(&mut self, item: u32) {
        let (before, next) = (self.before[item as usize], self.next[item as usize]);
        self.next[before as usize] = next;
        self.before[next as usize] = before;
    }

    /// Puts back the item that was taken out last.
    pub(super) fn restore(&mut self, item: u32) {
        let (before, next) = (self.before[item as usize], self.next[item as usize]);
        self.next[before as usize] = item;
        self.before[next as usize] = item;
    }
}

struct Walk<'a> {
    links: &'a [u32],
    at: u32,
}

impl Iterator for Walk<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.at = self.links[self.at as usize];
        (self.at as usize + 1 < self.links.len()).then_some(self.at)
    }
}
