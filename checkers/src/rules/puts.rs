//! Values that operations put in once and reads return: who put each in, since when it must be there, and what
//! every read saw.
//!
//! A value is *known* from the completion of the operation that put it in, or from that of the first read that
//! saw it, whichever comes first: from then on it had certainly happened.

use std::ops::Range;

use rupture_history::ValueRef;

use super::frame::{Case, NEVER, Op};
use super::report::Proof;
use crate::{CheckError, Id, Values};

/// What is told of one value. Rows are [`NEVER`] and operations `None` where there are none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Put {
    /// The row from which it may be there: the first invocation that did not fail.
    pub(super) invoked: u32,
    pub(super) by: Option<u32>,
    /// The row of its first acknowledgement.
    pub(super) acknowledged: u32,
    acknowledged_by: Option<u32>,
    /// How many operations put it in that did not fail, and the row from which all of them were acknowledged.
    attempts: u32,
    closed: u32,
    /// An operation that was to put it in and failed.
    failed: Option<u32>,
    /// The row of the first completion of a read that saw it, and may have: nobody is known to have failed to put
    /// it in, or to have begun later.
    pub(super) seen: u32,
    seen_by: Option<u32>,
}

impl Put {
    const NONE: Self = Self {
        invoked: NEVER,
        by: None,
        acknowledged: NEVER,
        acknowledged_by: None,
        attempts: 0,
        closed: 0,
        failed: None,
        seen: NEVER,
        seen_by: None,
    };

    /// The row from which it had certainly happened.
    pub(super) fn known(&self) -> u32 {
        match self.by {
            Some(_) => self.acknowledged.min(self.seen),
            None => NEVER,
        }
    }

    /// The same, or from which a value was there that nobody put in, as initial ones are.
    pub(super) fn there(&self) -> u32 {
        self.acknowledged.min(self.seen)
    }

    /// Whether it may be put in after a row, at a time that nobody knows. What a read saw before has happened, if
    /// there was but one to put it in.
    pub(super) fn is_open(&self, row: u32) -> bool {
        self.closed >= row && (self.attempts > 1 || self.seen >= row)
    }

    /// Where a value comes from that a read saw which completed in this row.
    pub(super) fn origin(&self, completed: u32) -> Origin {
        match (self.by, self.failed) {
            (Some(_), _) if self.invoked < completed => Origin::Put,
            (Some(_), _) => Origin::Future,
            (None, Some(_)) => Origin::Failed,
            (None, None) => Origin::Nobody,
        }
    }
}

/// Where a value that was read comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// From an operation that may have put it in.
    Put,
    /// All that would have put it in began later.
    Future,
    /// All that would have put it in failed.
    Failed,
    /// Nobody ever tried.
    Nobody,
}

/// An `ok` read and the different values that it saw, by their numbers.
#[derive(Clone)]
pub(super) struct Look<'a> {
    pub(super) op: Op<'a>,
    seen: Range<usize>,
}

/// Everything that was put in and seen.
#[derive(Default)]
pub(super) struct Puts<'a> {
    values: Values,
    /// By number; the first is that of nil, which nobody puts in.
    pub(super) all: Vec<Put>,
    /// In the order of their invocations.
    pub(super) looks: Vec<Look<'a>>,
    seen: Vec<u32>,
    /// The last look that saw a value, by its number.
    met: Vec<u32>,
}

impl<'a> Puts<'a> {
    fn number(&mut self, value: ValueRef<'_>) -> u32 {
        let Id(number) = self.values.id(value);
        if number as usize >= self.all.len() {
            self.all.resize(number as usize + 1, Put::NONE);
            self.met.resize(number as usize + 1, NEVER);
        }
        number
    }

    /// An operation that puts its argument in.
    pub(super) fn put(&mut self, op: Op<'_>) -> Result<(), CheckError> {
        if op.argument().is_nil() {
            return Err(op.wrong_argument("a value that is not nil"));
        }
        let number = self.number(op.argument());
        let put = &mut self.all[number as usize];
        if op.failed() {
            put.failed.get_or_insert(op.number);
            return Ok(());
        }
        if put.by.is_none() {
            (put.invoked, put.by) = (op.invoked(), Some(op.number));
        }
        put.attempts += 1;
        put.closed = put.closed.max(op.acknowledged());
        if op.acknowledged() < put.acknowledged {
            (put.acknowledged, put.acknowledged_by) = (op.acknowledged(), Some(op.number));
        }
        Ok(())
    }

    /// A read and what it returned, after all that was put in; the answer are the values that came twice.
    pub(super) fn look(
        &mut self,
        op: Op<'a>,
        values: impl Iterator<Item = ValueRef<'a>>,
    ) -> Vec<u32> {
        let (start, this) = (self.seen.len(), self.looks.len() as u32);
        let mut twice = Vec::new();
        for value in values {
            let number = self.number(value);
            if self.met[number as usize] == this {
                twice.push(number);
                continue;
            }
            self.met[number as usize] = this;
            self.seen.push(number);
            let put = &mut self.all[number as usize];
            let row = op.acknowledged();
            let may = matches!(put.origin(row), Origin::Put | Origin::Nobody);
            if may && row < put.seen {
                (put.seen, put.seen_by) = (row, Some(op.number));
            }
        }
        let seen = start..self.seen.len();
        self.looks.push(Look { op, seen });
        twice
    }

    /// The different values that a read saw.
    pub(super) fn seen(&self, look: &Look<'_>) -> &[u32] {
        &self.seen[look.seen.clone()]
    }

    /// The values that a read saw and that somebody may have put in.
    pub(super) fn explained<'b>(
        &'b self,
        look: &'b Look<'_>,
    ) -> impl Iterator<Item = u32> + Clone + 'b {
        let row = look.op.acknowledged();
        let seen = self.seen(look).iter().copied();
        seen.filter(move |&number| self.all[number as usize].origin(row) == Origin::Put)
    }

    /// Every value that a read cannot have seen, with the first such read and where it comes from instead.
    pub(super) fn strange_looks(&self) -> Vec<(u32, Op<'a>, Origin)> {
        let mut told = vec![false; self.all.len()];
        let mut strange = Vec::new();
        for look in &self.looks {
            for &number in self.seen(look) {
                let origin = self.all[number as usize].origin(look.op.acknowledged());
                if origin != Origin::Put && !std::mem::replace(&mut told[number as usize], true) {
                    strange.push((number, look.op, origin));
                }
            }
        }
        strange
    }

    pub(super) fn name(&self, number: u32) -> String {
        self.values.text(Id(number))
    }

    /// What is held, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.all.capacity() * (size_of::<Put>() + 40)
            + self.looks.capacity() * size_of::<Look<'_>>()
            + self.seen.capacity() * 4
    }

    /// All values that became known at some time, in the order in which they did by this account.
    pub(super) fn ranked(&self, known: impl Fn(&Put) -> u32) -> Ranked {
        let with_row = |number: usize| (known(&self.all[number]), number as u32);
        let all = (0..self.all.len()).map(with_row);
        let mut all: Vec<(u32, u32)> = all.filter(|(row, _)| *row != NEVER).collect();
        all.sort_unstable();
        Ranked { all }
    }

    /// Tells why a value was known, and who shows it.
    pub(super) fn tell_known(
        &self,
        case: &Case<'_>,
        number: u32,
        before: u32,
        proof: Proof,
    ) -> Proof {
        let put = &self.all[number as usize];
        let name = self.name(number);
        let acknowledged = put.acknowledged_by.map(|by| case.op(by));
        if let Some(op) = acknowledged.filter(|_| put.acknowledged < before) {
            let (f, event) = (op.f(), op.completed_index());
            return proof.by(op).because(format!(
                "The {f} of {name} was acknowledged by event {event}."
            ));
        }
        let Some(read) = put.seen_by.map(|read| case.op(read)) else {
            return proof;
        };
        let Some(op) = put.by.map(|by| case.op(by)) else {
            return proof.by(read).because(format!(
                "Nobody put {name} in, so that it was there from the beginning: the {} that completed with event {} saw it.",
                read.f(),
                read.completed_index()
            ));
        };
        proof.by(op).by(read).because(format!(
            "The {} of {name} was not acknowledged by then, but it had happened: the {} that completed with event {} \
             saw it.",
            op.f(),
            read.f(),
            read.completed_index()
        ))
    }

    /// That a read saw what it cannot have seen.
    pub(super) fn strange(&self, case: &Case<'_>, number: u32, read: Op<'_>) -> Proof {
        let put = &self.all[number as usize];
        let name = self.name(number);
        let proof = Proof::new(case, format!("{name} was read, and nothing explains it"))
            .by(read)
            .because(format!(
                "The {} that completed with event {} returned {name}.",
                read.f(),
                read.completed_index()
            ));
        match (put.by, put.failed) {
            (Some(by), _) => proof.by(case.op(by)).because(format!(
                "The first {} of it that may have happened began only with event {}.",
                case.op(by).f(),
                case.op(by).index()
            )),
            (None, Some(failed)) => proof.by(case.op(failed)).because(format!(
                "The {} of it of event {} failed: it did not happen.",
                case.op(failed).f(),
                case.op(failed).index()
            )),
            (None, None) => proof.because("Nobody ever put it in."),
        }
    }
}

/// Values by the row from which they were known.
pub(super) struct Ranked {
    all: Vec<(u32, u32)>,
}

impl Ranked {
    /// The values that were known before a row.
    pub(super) fn before(&self, row: u32) -> impl ExactSizeIterator<Item = u32> + '_ {
        let end = self.all.partition_point(|&(known, _)| known < row);
        self.all[..end].iter().map(|&(_, number)| number)
    }
}

/// The elements of a collection; nil has none.
pub(super) fn elements<'a>(
    op: Op<'a>,
    value: ValueRef<'a>,
) -> Result<impl Iterator<Item = ValueRef<'a>> + use<'a>, CheckError> {
    if value.items().is_none() && !value.is_nil() {
        return Err(op.wrong_result("a collection of values"));
    }
    Ok(value.items().into_iter().flatten())
}

/// A set of numbers that is emptied in no time.
#[derive(Default)]
pub(super) struct Marks {
    marks: Vec<u32>,
    round: u32,
}

impl Marks {
    pub(super) fn of(numbers: usize) -> Self {
        Self {
            marks: vec![0; numbers],
            round: 0,
        }
    }

    /// The set of these numbers and no others.
    pub(super) fn set(&mut self, numbers: impl Iterator<Item = u32>) {
        self.round += 1;
        for number in numbers {
            self.marks[number as usize] = self.round;
        }
    }

    pub(super) fn has(&self, number: u32) -> bool {
        self.marks[number as usize] == self.round
    }
}
