//! What the search has learned: clauses, each watched at two of its sides, and where each came from.
//!
//! A clause is a list of sides of which one must be taken. Those that come straight from a cycle are *lemmas*;
//! the others were resolved from earlier ones, which is written down, so that in the end one can tell which
//! choices a contradiction rests on.

use super::choices::{Side, choice_of};

/// A clause by where it begins in the store.
pub(super) type Clause = u32;

/// No clause: a decision.
pub(super) const NONE: Clause = u32::MAX;

/// How many words stand before the sides of a clause: its length, its rank, and its number in the record.
const HEAD: usize = 3;
/// In the record, marks a choice that is decided for good and stands for the clause that decided it.
const DECIDED: u32 = 1 << 31;

/// The store of clauses.
#[derive(Debug, Default)]
pub(super) struct Clauses {
    store: Vec<u32>,
    /// Clauses that were learned, in order.
    list: Vec<Clause>,
    /// For each side the clauses that watch it.
    watchers: Vec<Vec<Clause>>,
    record: Record,
}

/// Where clauses come from, for as long as the search goes on.
#[derive(Debug)]
pub(super) struct Record {
    entries: Vec<u32>,
    /// Where the entry of each clause begins; one more at the end.
    first: Vec<u32>,
    /// Whether each is a lemma; its entry then names choices, and otherwise clauses and decided choices.
    lemma: Vec<bool>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            first: vec![0],
            lemma: Vec::new(),
        }
    }
}

impl Record {
    fn close(&mut self, lemma: bool) -> u32 {
        self.first.push(self.entries.len() as u32);
        self.lemma.push(lemma);
        self.lemma.len() as u32 - 1
    }

    fn range(&self, number: u32) -> std::ops::Range<usize> {
        self.first[number as usize] as usize..self.first[number as usize + 1] as usize
    }
}

impl Clauses {
    /// Makes room for the sides of so many choices.
    pub(super) fn grow(&mut self, choices: usize) {
        self.watchers.resize(2 * choices, Vec::new());
    }

    /// Keeps a clause that a cycle proves. It is watched at its first two sides.
    pub(super) fn add_lemma(&mut self, sides: &[Side]) -> Clause {
        let choices = sides.iter().map(|&side| choice_of(side));
        self.record.entries.extend(choices);
        let number = self.record.close(true);
        self.add(sides, 0, number)
    }

    /// Keeps a clause that was resolved from others. It is watched at its first two sides.
    pub(super) fn add_learned(&mut self, sides: &[Side], rank: u32, from: &Origins) -> Clause {
        let clauses = from.clauses.iter().map(|&clause| self.number(clause));
        let entries: Vec<u32> = clauses
            .chain(from.decided.iter().map(|&choice| choice | DECIDED))
            .collect();
        self.record.entries.extend(entries);
        let number = self.record.close(false);
        self.add(sides, rank, number)
    }

    fn add(&mut self, sides: &[Side], rank: u32, number: u32) -> Clause {
        let clause = self.store.len() as Clause;
        self.store.extend([sides.len() as u32, rank, number]);
        self.store.extend_from_slice(sides);
        self.list.push(clause);
        self.watch(clause);
        clause
    }

    fn watch(&mut self, clause: Clause) {
        let sides = self.range(clause);
        if sides.len() > 1 {
            for at in sides.start..sides.start + 2 {
                self.watchers[self.store[at] as usize].push(clause);
            }
        }
    }

    fn range(&self, clause: Clause) -> std::ops::Range<usize> {
        let start = clause as usize + HEAD;
        start..start + self.store[clause as usize] as usize
    }

    fn number(&self, clause: Clause) -> u32 {
        self.store[clause as usize + 2]
    }

    /// The sides of a clause.
    pub(super) fn sides(&self, clause: Clause) -> &[Side] {
        &self.store[self.range(clause)]
    }

    /// The sides of a clause, to be put into another order before it is watched anew.
    pub(super) fn sides_mut(&mut self, clause: Clause) -> &mut [Side] {
        let range = self.range(clause);
        &mut self.store[range]
    }

    /// Takes the list of the clauses that watch a side; what is left of it must be given back.
    pub(super) fn take_watchers(&mut self, side: Side) -> Vec<Clause> {
        std::mem::take(&mut self.watchers[side as usize])
    }

    pub(super) fn give_watchers(&mut self, side: Side, watchers: Vec<Clause>) {
        self.watchers[side as usize] = watchers;
    }

    pub(super) fn add_watcher(&mut self, side: Side, clause: Clause) {
        self.watchers[side as usize].push(clause);
    }

    pub(super) fn count(&self) -> usize {
        self.list.len()
    }

    /// Forgets the worse half of the clauses that may go, and tells where the others went. `keeps` tells of a
    /// clause whether it must stay.
    pub(super) fn forget(&mut self, keeps: impl Fn(Clause) -> bool) -> Moves {
        let mut going: Vec<Clause> = (self.list.iter().copied())
            .filter(|&clause| self.sides(clause).len() > 2 && !keeps(clause))
            .collect();
        going.sort_by_key(|&clause| {
            std::cmp::Reverse((self.store[clause as usize + 1], self.range(clause).len()))
        });
        going.truncate(going.len() / 2);
        going.sort_unstable();
        self.remove(&going)
    }

    /// Removes these, which are in ascending order.
    fn remove(&mut self, going: &[Clause]) -> Moves {
        let mut moves = Vec::with_capacity(self.list.len());
        let mut store = Vec::with_capacity(self.store.len());
        for &clause in &self.list {
            if going.binary_search(&clause).is_err() {
                moves.push((clause, store.len() as Clause));
                store.extend_from_slice(&self.store[clause as usize..self.range(clause).end]);
            }
        }
        self.store = store;
        self.list = moves.iter().map(|&(_, to)| to).collect();
        self.watchers.iter_mut().for_each(Vec::clear);
        for at in 0..self.list.len() {
            self.watch(self.list[at]);
        }
        Moves(moves)
    }

    /// The choices on the lemmas that a clause rests on. `reasons` are the clauses that decided choices for good.
    pub(super) fn foundation(&self, clause: Clause, reasons: &[Clause]) -> Vec<u32> {
        let mut open: Vec<u32> = vec![self.number(clause)];
        open.extend(
            self.sides(clause)
                .iter()
                .map(|&side| choice_of(side) | DECIDED),
        );
        let mut known = vec![false; self.record.lemma.len()];
        let mut decided = vec![false; reasons.len()];
        let mut found = Vec::new();
        while let Some(entry) = open.pop() {
            let number = if entry & DECIDED == 0 {
                entry
            } else {
                let choice = (entry & !DECIDED) as usize;
                let reason = reasons[choice];
                if reason == NONE || std::mem::replace(&mut decided[choice], true) {
                    continue;
                }
                let sides = self.sides(reason).iter();
                open.extend(sides.map(|&side| choice_of(side) | DECIDED));
                self.number(reason)
            };
            if std::mem::replace(&mut known[number as usize], true) {
                continue;
            }
            let entries = &self.record.entries[self.record.range(number)];
            if self.record.lemma[number as usize] {
                found.extend_from_slice(entries);
            } else {
                open.extend_from_slice(entries);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    pub(super) fn bytes(&self) -> usize {
        let record = self.record.entries.capacity() * 4 + self.record.first.capacity() * 5;
        // Each clause is watched twice.
        self.store.capacity() * 4
            + self.list.capacity() * 12
            + self.watchers.capacity() * 24
            + record
    }
}

/// What a clause was resolved from.
#[derive(Debug, Default)]
pub(super) struct Origins {
    pub(super) clauses: Vec<Clause>,
    /// Choices whose sides were left out because they are decided for good.
    pub(super) decided: Vec<u32>,
}

/// Where clauses went, in ascending order.
#[derive(Debug)]
pub(super) struct Moves(Vec<(Clause, Clause)>);

impl Moves {
    pub(super) fn of(&self, clause: Clause) -> Clause {
        self.0
            .binary_search_by_key(&clause, |&(from, _)| from)
            .map_or(NONE, |at| self.0[at].1)
    }
}
