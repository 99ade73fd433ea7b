//! What must come before what in every order, of registers whose values are unique.
//!
//! Each process keeps its order, and a read comes after the write that it saw. From these follows more, until
//! nothing new does: let `r` have found what only `w` sets, and let `v` set another value of the same register.
//! If `v` must come before `r`, it must come before `w`, and if it must come after `w`, it must come after
//! `r`, because it may not come between them. What found the initial value that nobody sets again comes before
//! everything that sets another one. An operation that must come before itself refutes the history. (These are
//! the rules of Gibbons & Korach 1997 for known reads, taken as far as they go without trying; they do not
//! decide, so the search goes on with what they found.)
//!
//! Only operations that happened force anything, and only values that one operation sets, which happened too.
//! What must come before an operation is told by a number a process: how far that process must have come.

use super::program::Program;
use super::registers::{Deed, Registers};
use crate::Budget;

/// How often all reads are looked at.
const ROUNDS: usize = 64;
/// Of the memory that there is, which part may be used.
const SHARE: usize = 4;

/// What must come before each entry.
#[derive(Debug)]
pub(super) struct Forced {
    processes: usize,
    /// For each entry, how far each process must have come.
    before: Vec<u32>,
    /// Whether something must come before itself.
    pub(super) impossible: bool,
}

/// A read of a value that only one entry sets.
struct Seen {
    read: u32,
    write: u32,
    part: u32,
}

impl Forced {
    /// What follows, if there is room to find it out.
    pub(super) fn of<O>(
        program: &Program<'_, O>,
        registers: &Registers,
        budget: &Budget<'_>,
    ) -> Option<Self> {
        let processes = program.starts.len() - 1;
        let bound = program.starts.last().map_or(0, |&end| end as usize);
        let bytes = bound
            .saturating_mul(processes * 4 + 32)
            .saturating_add(processes.saturating_mul(program.parts).saturating_mul(24));
        if bytes > budget.bytes() / SHARE {
            return None;
        }
        let mut finder = Finder::new(program, registers, processes, bound);
        for _ in 0..ROUNDS {
            if budget.is_over() || !finder.round() {
                break;
            }
        }
        Some(finder.forced)
    }

    /// Whether all has come that must come before an entry, when every process has come so far.
    pub(super) fn ready(&self, entry: u32, come: impl Fn(usize) -> u32) -> bool {
        let at = entry as usize * self.processes;
        let Some(before) = self.before.get(at..at + self.processes) else {
            return true;
        };
        (0..self.processes).all(|process| before[process] <= come(process))
    }

    pub(super) fn bytes(&self) -> usize {
        self.before.capacity() * 4
    }
}

struct Finder<'a> {
    forced: Forced,
    starts: &'a [u32],
    process: Vec<u32>,
    seen: Vec<Seen>,
    /// What found initial values, and of which register.
    firsts: Vec<(u32, u32)>,
    /// What set another value, for each register and process, in order.
    writes: Vec<Vec<u32>>,
    /// What each entry must come before, beside what its process does next.
    after: Vec<Vec<u32>>,
    changed: bool,
}

impl<'a> Finder<'a> {
    fn new<O>(
        program: &'a Program<'_, O>,
        registers: &Registers,
        processes: usize,
        bound: usize,
    ) -> Self {
        let mut finder = Self {
            forced: Forced {
                processes,
                before: vec![0; bound * processes],
                impossible: false,
            },
            starts: &program.starts,
            process: vec![0; bound],
            seen: Vec::new(),
            firsts: Vec::new(),
            writes: vec![Vec::new(); processes * program.parts],
            after: vec![Vec::new(); bound],
            changed: false,
        };
        for process in 0..processes {
            for entry in program.starts[process]..program.starts[process + 1] {
                finder.process[entry as usize] = process as u32;
                finder.forced.before[entry as usize * processes + process] = entry;
                let at = &program.entries[entry as usize];
                if at.must && registers.deed(entry).sets().is_some() {
                    finder.writes[at.part as usize * processes + process].push(entry);
                }
            }
        }
        finder.read(program, registers, bound);
        finder
    }

    /// Which write each read saw.
    fn read<O>(&mut self, program: &Program<'_, O>, registers: &Registers, bound: usize) {
        let mut setters: Vec<Option<u32>> = vec![None; registers.cells()];
        for (entry, at) in (0..).zip(&program.entries) {
            if let Some(set) = registers.deed(entry).sets()
                && at.must
                && (entry as usize) < bound
            {
                setters[set as usize] = Some(entry);
            }
        }
        for (entry, at) in (0..).zip(&program.entries[..bound]) {
            let (Deed::Find(found) | Deed::Swap(found, _)) = registers.deed(entry) else {
                continue;
            };
            if !at.must {
                continue;
            }
            let part = at.part;
            match (registers.givers(found), registers.is_initial(found)) {
                (0, true) => self.firsts.push((entry, part)),
                (1, false) => self.seen.extend(setters[found as usize].map(|write| Seen {
                    read: entry,
                    write,
                    part,
                })),
                _ => {}
            }
        }
    }

    fn before(&self, entry: u32) -> &[u32] {
        let at = entry as usize * self.forced.processes;
        &self.forced.before[at..at + self.forced.processes]
    }

    /// Whether the first must come before the second.
    fn precedes(&self, first: u32, second: u32) -> bool {
        self.before(second)[self.process[first as usize] as usize] > first
    }

    /// The first comes before the second, and all that follows.
    fn force(&mut self, first: u32, second: u32) {
        if first == second {
            self.forced.impossible = true;
        }
        if self.forced.impossible || self.precedes(first, second) {
            return;
        }
        self.after[first as usize].push(second);
        self.changed = true;
        let mut open = vec![(first, second)];
        while let Some((from, to)) = open.pop() {
            if !self.join(from, to) {
                continue;
            }
            let process = self.process[to as usize] as usize;
            if self.before(to)[process] > to {
                self.forced.impossible = true;
                return;
            }
            if to + 1 < self.starts[process + 1] {
                open.push((to, to + 1));
            }
            open.extend(self.after[to as usize].iter().map(|&next| (to, next)));
        }
    }

    /// What must come before one entry, and that entry, must come before another. Whether that was new.
    fn join(&mut self, from: u32, to: u32) -> bool {
        let processes = self.forced.processes;
        let own = self.process[from as usize] as usize;
        let mut new = false;
        for process in 0..processes {
            let mut far = self.forced.before[from as usize * processes + process];
            if process == own {
                far = far.max(from + 1);
            }
            let known = &mut self.forced.before[to as usize * processes + process];
            if *known < far {
                *known = far;
                new = true;
            }
        }
        new
    }

    /// Draws every conclusion once. False when there was none.
    fn round(&mut self) -> bool {
        self.changed = false;
        let processes = self.forced.processes;
        for (finder, part) in std::mem::take(&mut self.firsts) {
            for process in 0..processes {
                let writes = &self.writes[part as usize * processes + process];
                let first = writes.iter().find(|other| **other != finder).copied();
                if let Some(other) = first {
                    self.force(finder, other);
                }
            }
        }
        for at in 0..self.seen.len() {
            if self.forced.impossible {
                return false;
            }
            self.conclude(at);
        }
        self.changed && !self.forced.impossible
    }

    fn conclude(&mut self, at: usize) {
        let Seen { read, write, part } = self.seen[at];
        self.force(write, read);
        let processes = self.forced.processes;
        for process in 0..processes {
            let place = part as usize * processes + process;
            let far = self.before(read)[process];
            let writes = &self.writes[place];
            let last = writes[..writes.partition_point(|&other| other < far)]
                .iter()
                .rev()
                .find(|other| **other != write && **other != read);
            if let Some(&other) = last {
                self.force(other, write);
            }
            let writes = &self.writes[place];
            let from = writes.partition_point(|&other| !self.precedes(write, other));
            let first = writes[from..]
                .iter()
                .find(|other| **other != write && **other != read);
            if let Some(&other) = first {
                self.force(read, other);
            }
        }
    }
}
