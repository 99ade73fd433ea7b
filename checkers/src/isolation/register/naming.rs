//! Cycles as steps between transactions, and their names.

use super::Points;
use super::encode::{Auxiliary, Encoding};
use super::prepared::Prepared;
use super::reads::{NONE, Version};
use crate::isolation::graph::{Kinds, PROCESS, REALTIME, RW, WR, WW};
use crate::isolation::solver::{Choices, Hop};

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
    /// Whether that order of versions was taken for the sake of the argument.
    pub(super) supposed: bool,
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

/// Turns cycles of nodes into steps.
pub(super) struct Steps<'s, 'e, 'p, 'a> {
    pub(super) prepared: &'s Prepared<'p, 'a>,
    pub(super) encoding: &'s Encoding<'e, 'p, 'a>,
    pub(super) choices: &'s Choices,
    pub(super) points: Points,
}

impl Steps<'_, '_, '_, '_> {
    /// The steps of a cycle between different transactions.
    pub(super) fn of(&self, cycle: &[Hop]) -> Vec<Step> {
        let is_transaction = |hop: &Hop| self.encoding.what(hop.from).is_ok();
        let start = cycle.iter().position(is_transaction).unwrap_or(0);
        let mut steps = Vec::new();
        let mut at = 0;
        while at < cycle.len() {
            let hop = cycle[(start + at) % cycle.len()];
            let mut passed = None;
            let mut side = hop.side;
            at += 1;
            let end = loop {
                let next = cycle[(start + at) % cycle.len()];
                match self.encoding.what(next.from) {
                    Ok(_) => break next.from,
                    Err(what) => {
                        passed = Some(passed.map_or(what, |before| stronger(before, what)));
                        side = side.or(next.side);
                        at += 1;
                    }
                }
                if at > 2 * cycle.len() {
                    return steps;
                }
            };
            steps.extend(self.step(hop.from, end, passed, side));
        }
        steps
    }

    fn step(
        &self,
        from: u32,
        to: u32,
        passed: Option<Auxiliary>,
        side: Option<(u32, bool)>,
    ) -> Option<Step> {
        let one = self.encoding.what(from).ok()?;
        let other = self.encoding.what(to).ok()?;
        if one == other {
            return None;
        }
        let time = |kind| Step {
            from: one,
            to: other,
            kind,
            version: NONE,
            later: NONE,
            supposed: false,
        };
        if passed == Some(Auxiliary::Moment) {
            return Some(time(REALTIME));
        }
        if let Some((choice, turned)) = side {
            let about = self.choices.about(choice);
            let (before, behind) = if turned { (about.1, about.0) } else { about };
            let version = self.encoding.units.list[before as usize].tail;
            let later = self.encoding.units.list[behind as usize].head;
            return Some(self.ordered(one, other, version, later, true));
        }
        let may_read = from == self.encoding.commit(one) && passed.is_none();
        if may_read && let Some(version) = self.seen(one, other) {
            return Some(Step {
                kind: WR,
                version,
                later: version,
                ..time(WR)
            });
        }
        let operations = &self.prepared.transactions.operations;
        let (first, second) = (operations[one as usize], operations[other as usize]);
        if passed.is_none()
            && from == self.encoding.commit(one)
            && to == self.encoding.snapshot(other)
            && let Some((version, later)) = self.assumed(one, other)
        {
            return Some(self.ordered(one, other, version, later, false));
        }
        if let Some((version, later)) = self.overwritten(one, other, passed) {
            return Some(self.ordered(one, other, version, later, false));
        }
        let same = first.process == second.process && first.precedes(&second);
        if same && passed.is_none() {
            return Some(time(PROCESS));
        }
        let (version, later) = self.assumed(one, other)?;
        Some(self.ordered(one, other, version, later, false))
    }

    /// A step by the order of two versions: the first wrote or read the earlier one, the second wrote the later one.
    fn ordered(
        &self,
        from: u32,
        to: u32,
        version: Version,
        later: Version,
        supposed: bool,
    ) -> Step {
        let wrote = self.prepared.writer(version) == Some(from);
        Step {
            from,
            to,
            kind: if wrote { WW } else { RW },
            version,
            later,
            supposed,
        }
    }

    /// What the second read of the first.
    fn seen(&self, one: u32, other: u32) -> Option<Version> {
        let reads = &self.prepared.reads.list;
        let start = reads.partition_point(|read| read.reader < other);
        let own = reads[start..]
            .iter()
            .take_while(|read| read.reader == other);
        own.map(|read| read.version)
            .find(|&version| self.prepared.writer(version) == Some(one))
    }

    /// What the first read or wrote, and the second overwrote for certain: it read the same, or the first belongs to
    /// the first chain of the key and the second begins another.
    fn overwritten(
        &self,
        one: u32,
        other: u32,
        passed: Option<Auxiliary>,
    ) -> Option<(Version, Version)> {
        let units = &self.encoding.units;
        let reads = &self.prepared.reads.list;
        let start = reads.partition_point(|read| read.reader < one);
        let own = reads[start..].iter().take_while(|read| read.reader == one);
        let read = own.map(|read| read.version);
        let wrote = self.versions_of(one);
        let theirs: Vec<Version> = self.versions_of(other).collect();
        let mut pairs = read.chain(wrote).flat_map(|version| {
            let key = self.prepared.key_of(version);
            let theirs = theirs.iter().copied();
            theirs
                .filter(move |&later| self.prepared.key_of(later) == key)
                .map(move |later| (version, later))
        });
        let through = passed.is_some();
        pairs.find(|&(version, later)| {
            let (unit, behind) = (units.of[version as usize], units.of[later as usize]);
            let is_first = self.prepared.is_initial(units.list[unit as usize].head);
            if unit == behind {
                !through
                    && self.prepared.next[version as usize] == later
                    && self.points != Points::Prefix
            } else {
                let ends = units.list[unit as usize].tail == version;
                is_first && ends && (through || self.prepared.assumed.is_empty())
            }
        })
    }

    fn versions_of(&self, transaction: u32) -> impl Iterator<Item = Version> + '_ {
        let transactions = self.prepared.transactions;
        transactions.places(transaction).filter_map(move |place| {
            let micro = transactions.micros()[place];
            let crate::isolation::transactions::Act::Write(value) = micro.act else {
                return None;
            };
            let write = self.prepared.writes.place(micro.key, value)?;
            self.prepared.reads.is_version[write].then_some(write as Version)
        })
    }

    /// Versions that are assumed to be in an order, of which the first wrote or read the earlier, or one of its
    /// chain, and the second wrote the later one.
    fn assumed(&self, one: u32, other: u32) -> Option<(Version, Version)> {
        let units = &self.encoding.units;
        let reads = &self.prepared.reads.list;
        let start = reads.partition_point(|read| read.reader < one);
        let own = reads[start..].iter().take_while(|read| read.reader == one);
        let met: Vec<u32> = (own.map(|read| read.version))
            .chain(self.versions_of(one))
            .map(|version| units.of[version as usize])
            .collect();
        let theirs: Vec<u32> = self
            .versions_of(other)
            .map(|version| units.of[version as usize])
            .collect();
        let pairs = self.prepared.assumed.iter().copied();
        pairs.clone().find(|&(earlier, later)| {
            let (unit, behind) = (units.of[earlier as usize], units.of[later as usize]);
            met.contains(&unit) && theirs.contains(&behind) && unit != behind
        })
    }
}

/// Of two auxiliary nodes that are passed, the one that tells more.
fn stronger(one: Auxiliary, other: Auxiliary) -> Auxiliary {
    match (one, other) {
        (Auxiliary::Moment, _) | (_, Auxiliary::Moment) => Auxiliary::Moment,
        (Auxiliary::Read, _) => other,
        _ => one,
    }
}
