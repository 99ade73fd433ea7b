//! Cycles as steps between transactions, each with what it rests on, and their names.

use super::Points;
use super::encode::{Auxiliary, Encoding};
use super::prepared::Prepared;
use super::reads::{NONE, Version};
use crate::isolation::cycles;
use crate::isolation::graph::{Kinds, PROCESS, REALTIME, RW, WR, WW};
use crate::isolation::solver::{Choices, Hop};

/// What the order of two versions rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The operations themselves: time, a read, or a read by whoever wrote the later version.
    Shown,
    /// The earlier version ends the first chain of its key, which begins with the initial version.
    First,
    /// These two are assumed to be in this order.
    Assumed(Version, Version),
    /// A side of a choice, taken for the sake of the argument: a choice, and whether it is its second side.
    Chosen(u32, bool),
}

/// Why a transaction comes before another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) kind: Kinds,
    /// What the first wrote or read; [`NONE`] where it is about time.
    pub(super) version: Version,
    /// What the second wrote.
    pub(super) later: Version,
    pub(super) by: By,
}

/// The name of a cycle, as Adya and Elle have it.
pub(super) fn name(steps: &[Step]) -> String {
    let has = |kind: Kinds| steps.iter().any(|step| step.kind == kind);
    let anti = |at: usize| steps[at % steps.len()].kind == RW;
    let count = (0..steps.len()).filter(|&at| anti(at)).count();
    let adjacent = count > 1 && (0..steps.len()).any(|at| anti(at) && anti(at + 1));
    let name = match count {
        0 if has(WR) => "G1c",
        0 if has(WW) => "G0",
        // Sessions and real time do not contradict each other, so there is another edge.
        0 => "G0",
        1 => "G-single",
        _ if adjacent => "G2-item",
        _ => "G-nonadjacent",
    };
    format!("{name}{}", suffix(steps))
}

/// What a name says of sessions and real time.
pub(super) fn suffix(steps: &[Step]) -> &'static str {
    let has = |kind: Kinds| steps.iter().any(|step| step.kind == kind);
    if has(REALTIME) {
        "-realtime"
    } else if has(PROCESS) {
        "-process"
    } else {
        ""
    }
}

/// Turns cycles into steps.
pub(super) struct Steps<'s, 'e, 'p, 'a> {
    pub(super) prepared: &'s Prepared<'p, 'a>,
    pub(super) encoding: &'s Encoding<'e, 'p, 'a>,
    pub(super) choices: &'s Choices,
    pub(super) points: Points,
}

impl Steps<'_, '_, '_, '_> {
    /// The steps of a cycle of certain edges between transactions; `None` if one of them cannot be told.
    pub(super) fn certain(&self, cycle: &cycles::Cycle) -> Option<Vec<Step>> {
        let steps = cycle.steps.iter();
        steps
            .map(|step| {
                let apart = step.from != step.to;
                apart.then(|| self.why(step.from, step.to, step.kind))?
            })
            .collect()
    }

    /// The steps of a cycle of nodes between different transactions.
    pub(super) fn of(&self, cycle: &[Hop]) -> Vec<Step> {
        let is_transaction = |hop: &Hop| self.encoding.what(hop.from).is_ok();
        let start = cycle.iter().position(is_transaction).unwrap_or(0);
        let mut steps = Vec::new();
        let mut at = 0;
        while at < cycle.len() {
            let hop = cycle[(start + at) % cycle.len()];
            let mut timed = false;
            let mut side = hop.side;
            at += 1;
            let end = loop {
                let next = cycle[(start + at) % cycle.len()];
                match self.encoding.what(next.from) {
                    Ok(_) => break next.from,
                    Err(what) => {
                        timed |= what == Auxiliary::Moment;
                        side = side.or(next.side);
                        at += 1;
                    }
                }
                if at > 2 * cycle.len() {
                    return steps;
                }
            };
            steps.extend(self.step(hop.from, end, timed, side));
        }
        self.joined(&steps)
    }

    /// Steps of time that follow each other as one.
    fn joined(&self, steps: &[Step]) -> Vec<Step> {
        let is_time = |step: &Step| matches!(step.kind, PROCESS | REALTIME);
        let start = steps.iter().position(|step| !is_time(step)).unwrap_or(0);
        let mut joined: Vec<Step> = Vec::new();
        for at in 0..steps.len() {
            let step = steps[(start + at) % steps.len()];
            match joined.last_mut().filter(|last| is_time(last)) {
                Some(last) if is_time(&step) => *last = self.time(last.from, step.to),
                _ => joined.push(step),
            }
        }
        joined
    }

    /// One had completed before the other was invoked.
    fn time(&self, from: u32, to: u32) -> Step {
        let operations = &self.prepared.transactions.operations;
        let same = operations[from as usize].process == operations[to as usize].process;
        Step {
            from,
            to,
            kind: if same { PROCESS } else { REALTIME },
            version: NONE,
            later: NONE,
            by: By::Shown,
        }
    }

    fn step(&self, from: u32, to: u32, timed: bool, side: Option<(u32, bool)>) -> Option<Step> {
        let one = self.encoding.what(from).ok()?;
        let other = self.encoding.what(to).ok()?;
        if one == other {
            return None;
        }
        if timed {
            return Some(self.time(one, other));
        }
        if let Some((choice, turned)) = side {
            return Some(self.chosen(one, other, (choice, turned)));
        }
        let leaves = from == self.encoding.commit(one);
        let arrives = to == self.encoding.snapshot(other);
        let kinds: &[Kinds] = match (self.points, leaves, arrives) {
            (Points::One, ..) => &[WR, RW, WW, PROCESS],
            (Points::Dependency, ..) => &[WR, WW, RW],
            (_, true, true) => &[WR, WW, PROCESS],
            (_, true, false) => &[WW],
            (_, false, _) => &[RW],
        };
        kinds.iter().find_map(|&kind| self.why(one, other, kind))
    }

    /// A step by a side of a choice.
    fn chosen(&self, from: u32, to: u32, (choice, turned): (u32, bool)) -> Step {
        let about = self.choices.about(choice);
        let (before, behind) = if turned { (about.1, about.0) } else { about };
        let version = self.encoding.units.list[before as usize].tail;
        let later = self.encoding.units.list[behind as usize].head;
        let wrote = self.prepared.writer(version) == Some(from);
        Step {
            from,
            to,
            kind: if wrote { WW } else { RW },
            version,
            later,
            by: By::Chosen(choice, turned),
        }
    }

    /// Why one comes before another by an edge of a kind that is certain; `None` if it does not.
    fn why(&self, from: u32, to: u32, kind: Kinds) -> Option<Step> {
        let found = match kind {
            WR => {
                let mut seen = self.seen(to);
                let version = seen.find(|&version| self.prepared.writer(version) == Some(from))?;
                (version, version, By::Shown)
            }
            RW => {
                let mut seen = self.seen(from);
                seen.find_map(|version| {
                    self.next(version, to)
                        .or_else(|| self.overwritten(version, to))
                })?
            }
            WW => {
                let mut wrote = self.versions_of(from);
                wrote.find_map(|version| self.overwritten(version, to))?
            }
            _ => {
                let operations = &self.prepared.transactions.operations;
                let (first, second) = (operations[from as usize], operations[to as usize]);
                let same = first.process == second.process;
                let fits = first.precedes(&second) && (same || kind == REALTIME);
                return fits.then(|| self.time(from, to));
            }
        };
        let (version, later, by) = found;
        Some(Step {
            from,
            to,
            kind,
            version,
            later,
            by,
        })
    }

    /// What a transaction read of others.
    fn seen(&self, reader: u32) -> impl Iterator<Item = Version> + '_ {
        let own = self.prepared.reads.of_reader(reader).iter();
        own.map(|read| read.version)
    }

    /// The next version of the same chain, if that transaction wrote it.
    fn next(&self, version: Version, writer: u32) -> Option<(Version, Version, By)> {
        let next = self.prepared.next[version as usize];
        let of = &self.encoding.units.of;
        let same = next != NONE && of[next as usize] == of[version as usize];
        let wrote = same && self.prepared.writer(next) == Some(writer);
        wrote.then_some((version, next, By::Shown))
    }

    /// A version that a transaction wrote after this one, which is the last of its chain, and why that is certain.
    fn overwritten(&self, version: Version, writer: u32) -> Option<(Version, Version, By)> {
        let units = &self.encoding.units;
        let unit = units.of[version as usize];
        if units.list[unit as usize].tail != version {
            return None;
        }
        let is_first = |unit: u32| self.prepared.is_initial(units.list[unit as usize].head);
        let key = self.prepared.key_of(version);
        let others = self
            .versions_of(writer)
            .filter(|&later| self.prepared.key_of(later) == key)
            .filter(|&later| units.of[later as usize] != unit);
        for later in others {
            let behind = units.of[later as usize];
            let begins = units.list[behind as usize].head == later;
            if is_first(unit) && begins {
                return Some((version, later, By::First));
            }
            let mut assumed = self.prepared.assumed.iter();
            let pair = assumed.find(|&&(one, other)| {
                let same = units.of[one as usize] == unit && units.of[other as usize] == behind;
                same && (begins || is_first(behind) && other == later)
            });
            if let Some(&(one, other)) = pair {
                return Some((version, later, By::Assumed(one, other)));
            }
        }
        None
    }

    fn versions_of(&self, transaction: u32) -> impl Iterator<Item = Version> + '_ {
        self.prepared.versions_of(transaction)
    }

    /// The versions of a chain, in their order.
    pub(super) fn chain(&self, unit: u32) -> Vec<Version> {
        let unit = self.encoding.units.list[unit as usize];
        let mut chain = vec![unit.head];
        let mut last = unit.head;
        while last != unit.tail {
            last = self.prepared.next[last as usize];
            chain.push(last);
        }
        chain
    }
}
