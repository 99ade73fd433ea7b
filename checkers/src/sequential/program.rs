//! What every process did, in its own order, as a search goes through it.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use rupture_history::Operation;

use crate::Model;
use crate::linearizability::calls::Part;

/// How an operation takes part in the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// As the history tells it: it happened, or if nobody knows, it may have.
    AsTold,
    /// If it happened, it may as well not have; its place in the order of its process stays.
    Weakened,
    /// It takes no part.
    Out,
}

/// An operation of a program.
#[derive(Debug)]
pub(super) struct Entry<'a, O> {
    pub(super) op: &'a O,
    /// The number of the object.
    pub(super) part: u32,
    /// Its number in the history.
    pub(super) operation: u32,
    /// Whether it happened; otherwise it may have.
    pub(super) must: bool,
    /// Whether it changes nothing.
    pub(super) read: bool,
}

/// The processes of a history, and what is bound to no place in them.
#[derive(Debug)]
pub(super) struct Program<'a, O> {
    /// Process by process, each in its own order; then the free ones, which are those that nobody saw complete.
    pub(super) entries: Vec<Entry<'a, O>>,
    /// Where each process begins, and where the last one ends.
    pub(super) starts: Vec<u32>,
    /// Free entries that do the same.
    pub(super) classes: Vec<Vec<u32>>,
    /// For a free entry, in the order of such: the entry after which it may come, if there is one.
    after: Vec<Option<u32>>,
    /// After which entry another one of which class may come; sorted.
    unlocks: Vec<(u32, u32)>,
    pub(super) parts: usize,
}

/// What an entry takes, with its share of all lists, before anything is known of it.
const ENTRY_BYTES: usize = 96;

/// About how many bytes building a program of so many operations takes.
pub(super) fn program_bytes<O>(parts: &[Part<O>]) -> usize {
    let calls: usize = parts.iter().map(|part| part.calls.len()).sum();
    calls.saturating_mul(ENTRY_BYTES + size_of::<Entry<'_, O>>())
}

impl<'a, O: Eq + Hash> Program<'a, O> {
    /// The program of the operations that take part. Those are left out that nobody can have noticed.
    pub(super) fn new<M: Model<Op = O>>(
        model: &M,
        parts: &'a [Part<O>],
        operations: &[Operation],
        role: impl Fn(u32) -> Role,
    ) -> Self {
        let mut chosen: Vec<Entry<'a, O>> = Vec::new();
        let mut told: Vec<bool> = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            for (entry, known) in noticed(model, part, number as u32, &role) {
                chosen.push(entry);
                told.push(known);
            }
        }
        Self::build(chosen, &told, operations, parts.len())
    }

    fn build(
        chosen: Vec<Entry<'a, O>>,
        told: &[bool],
        operations: &[Operation],
        parts: usize,
    ) -> Self {
        let mut order: Vec<u32> = (0..chosen.len() as u32).collect();
        order.sort_unstable_by_key(|&at| chosen[at as usize].operation);
        let mut numbers: FxHashMap<i64, usize> = FxHashMap::default();
        let mut processes: Vec<Vec<u32>> = Vec::new();
        // Of each free one: its process, and how many of that come before it.
        let mut free: Vec<(u32, usize, usize)> = Vec::new();
        for at in order {
            let process = operations[chosen[at as usize].operation as usize].process;
            let process = *numbers.entry(process).or_insert_with(|| {
                processes.push(Vec::new());
                processes.len() - 1
            });
            if told[at as usize] {
                processes[process].push(at);
            } else {
                free.push((at, process, processes[process].len()));
            }
        }
        let mut starts = vec![0];
        for process in &processes {
            starts.push(starts[starts.len() - 1] + process.len() as u32);
        }
        let after = free
            .iter()
            .map(|&(_, process, before)| (before > 0).then(|| starts[process] + before as u32 - 1));
        let after: Vec<Option<u32>> = after.collect();
        let bound = processes.concat();
        let places = bound.into_iter().chain(free.iter().map(|&(at, ..)| at));
        let mut program = Self {
            entries: arranged(chosen, places),
            starts,
            classes: Vec::new(),
            after,
            unlocks: Vec::new(),
            parts,
        };
        program.classify();
        program
    }

    fn classify(&mut self) {
        let mut numbers: FxHashMap<(u32, &O), usize> = FxHashMap::default();
        let mut classes: Vec<Vec<u32>> = Vec::new();
        let first = self.bound();
        for (at, entry) in self.entries.iter().enumerate().skip(first) {
            let class = *numbers
                .entry((entry.part, entry.op))
                .or_insert(classes.len());
            if class == classes.len() {
                classes.push(Vec::new());
            }
            classes[class].push(at as u32);
            if let Some(after) = self.after[at - first] {
                self.unlocks.push((after, class as u32));
            }
        }
        self.unlocks.sort_unstable();
        self.classes = classes;
    }

    /// How many entries have a place in the order of a process.
    pub(super) fn bound(&self) -> usize {
        self.starts.last().map_or(0, |&end| end as usize)
    }

    pub(super) fn processes(&self) -> usize {
        self.starts.len() - 1
    }

    /// The classes of which one more may come once the process has passed this entry.
    pub(super) fn unlocked(&self, entry: u32) -> &[(u32, u32)] {
        let from = self.unlocks.partition_point(|(after, _)| *after < entry);
        let until = self.unlocks.partition_point(|(after, _)| *after <= entry);
        &self.unlocks[from..until]
    }

    /// After which entry a free one may come.
    pub(super) fn after(&self, free: u32) -> Option<u32> {
        self.after[free as usize - self.bound()]
    }

    /// How many of a class may come at the beginning.
    pub(super) fn unbound(&self, class: usize) -> u32 {
        let free = |entry: &&u32| self.after(**entry).is_none();
        self.classes[class].iter().filter(free).count() as u32
    }

    pub(super) fn bytes(&self) -> usize {
        let classes: usize = self
            .classes
            .iter()
            .map(|class| class.capacity() * 4 + 24)
            .sum();
        self.entries.capacity() * size_of::<Entry<'_, O>>()
            + self.starts.capacity() * 4
            + self.after.capacity() * 8
            + self.unlocks.capacity() * 8
            + classes
    }
}

/// The entries in another order.
fn arranged<T>(things: Vec<T>, places: impl Iterator<Item = u32>) -> Vec<T> {
    let mut things: Vec<Option<T>> = things.into_iter().map(Some).collect();
    places.filter_map(|at| things[at as usize].take()).collect()
}

/// The operations on a part of which somebody can have noticed that they happened, and of each whether it has
/// a place in the order of its process.
fn noticed<'a, M: Model>(
    model: &M,
    part: &'a Part<M::Op>,
    number: u32,
    role: &impl Fn(u32) -> Role,
) -> Vec<(Entry<'a, M::Op>, bool)> {
    let mut entries: Vec<(Entry<'a, M::Op>, bool)> = Vec::new();
    for call in &part.calls {
        let role = role(call.operation);
        let must = call.must && role == Role::AsTold;
        let read = model.is_read(&call.op);
        if role == Role::Out || (read && !must) {
            continue;
        }
        let entry = Entry {
            op: &call.op,
            part: number,
            operation: call.operation,
            must,
            read,
        };
        entries.push((entry, call.must));
    }
    if entries.iter().all(|(entry, _)| entry.must) {
        return entries;
    }
    let ops: Vec<&M::Op> = entries.iter().map(|(entry, _)| entry.op).collect();
    let must: Vec<bool> = entries.iter().map(|(entry, _)| entry.must).collect();
    let mut idle = model.idle(&ops, &must).into_iter();
    entries.retain(|(entry, _)| !idle.next().is_some_and(|idle| idle) || entry.must);
    entries
}
