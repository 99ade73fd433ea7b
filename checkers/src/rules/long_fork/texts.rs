//! The transactions as they are written: one write, or reads only.

use std::ops::Range;

use rupture_history::ValueRef;

use super::super::frame::{Case, Op};
use super::super::report::{Proof, Report};
use crate::{CheckError, Id, Values};

/// What is known of the writes of a key.
#[derive(Clone, Default)]
pub(super) struct Writes {
    /// The operations that did not fail. There should be one.
    pub(super) any: Vec<u32>,
    failed: Vec<u32>,
}

/// An `ok` transaction of reads.
#[derive(Clone)]
pub(super) struct Read<'a> {
    pub(super) op: Op<'a>,
    lines: Range<usize>,
}

/// What a read says of a key.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) key: u32,
    value: ValueRef<'a>,
}

impl Line<'_> {
    /// Whether the key was there.
    pub(super) fn seen(&self) -> bool {
        !self.value.is_nil()
    }
}

/// All transactions on one store.
#[derive(Default)]
pub(super) struct Transactions<'a> {
    keys: Values,
    pub(super) writes: Vec<Writes>,
    pub(super) reads: Vec<Read<'a>>,
    lines: Vec<Line<'a>>,
}

const EXPECTED: &str = "[[:w key value]], or [[:r key nil] ...] with every key once";

impl<'a> Transactions<'a> {
    pub(super) fn read(&mut self, op: Op<'a>) -> Result<(), CheckError> {
        let steps = steps(op.argument()).ok_or_else(|| op.wrong_argument(EXPECTED))?;
        if let [("w", key, value)] = steps[..] {
            if value.is_nil() {
                return Err(op.wrong_argument("a value to write that is not nil"));
            }
            let number = self.key(key) as usize;
            let writes = &mut self.writes[number];
            let list = if op.failed() {
                &mut writes.failed
            } else {
                &mut writes.any
            };
            list.push(op.number);
            return Ok(());
        }
        self.keys_once(&steps)
            .ok_or_else(|| op.wrong_argument(EXPECTED))?;
        let Some(result) = op.result() else {
            return Ok(());
        };
        let steps = self::steps(result).ok_or_else(|| op.wrong_result(EXPECTED))?;
        let start = self.lines.len();
        let lines = self
            .keys_once(&steps)
            .ok_or_else(|| op.wrong_result(EXPECTED))?;
        self.lines.extend(lines);
        let lines = start..self.lines.len();
        self.reads.push(Read { op, lines });
        Ok(())
    }

    /// Reads in the order of their keys' numbers, if they are nothing but reads of different keys.
    fn keys_once(&mut self, steps: &[(&str, ValueRef<'a>, ValueRef<'a>)]) -> Option<Vec<Line<'a>>> {
        let mut lines = Vec::with_capacity(steps.len());
        for &(f, key, value) in steps {
            if f != "r" {
                return None;
            }
            let key = self.key(key);
            lines.push(Line { key, value });
        }
        lines.sort_by_key(|line| line.key);
        let twice = lines.windows(2).any(|pair| pair[0].key == pair[1].key);
        (!twice).then_some(lines)
    }

    fn key(&mut self, key: ValueRef<'_>) -> u32 {
        let Id(number) = self.keys.id(key);
        if number as usize >= self.writes.len() {
            self.writes.resize(number as usize + 1, Writes::default());
        }
        number
    }

    /// What a read says, in the order of the keys' numbers.
    pub(super) fn lines(&self, read: &Read<'_>) -> &[Line<'a>] {
        &self.lines[read.lines.clone()]
    }

    pub(super) fn name(&self, key: u32) -> String {
        self.keys.text(Id(key))
    }

    /// What is held, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.writes.capacity() * (size_of::<Writes>() + 48)
            + self.reads.capacity() * size_of::<Read<'_>>()
            + self.lines.capacity() * size_of::<Line<'_>>()
    }

    /// Whether all values that were read were written, each key once.
    pub(super) fn values(&self, case: &Case<'_>, report: &mut Report<'_>) {
        let many = |writes: &Writes| writes.any.len() > 1;
        let twice: Vec<usize> = (0..self.writes.len())
            .filter(|&key| many(&self.writes[key]))
            .collect();
        if let [key, ..] = twice[..] {
            let [one, other] = [0, 1].map(|at| case.op(self.writes[key].any[at]).index());
            report.leave_open(format!(
                "multiple-writes: {} keys{} are written more than once (key {} by events {one} and {other}); of such keys \
                 only whether they were written at all is judged",
                twice.len(),
                case.of_key(),
                self.name(key as u32)
            ));
        }
        let mut firsts: Vec<Option<(ValueRef<'_>, Op<'_>)>> = vec![None; self.writes.len()];
        for read in &self.reads {
            for line in self.lines(read).iter().filter(|line| line.seen()) {
                if self.is_written(case, line, read, report) {
                    continue;
                }
                let first = firsts[line.key as usize].get_or_insert((line.value, read.op));
                if first.0 != line.value {
                    report.leave_open(format!(
                        "key {} was read as {} and as {} (events {} and {}), and the history has no write of it",
                        self.name(line.key),
                        first.0,
                        line.value,
                        first.1.completed_index(),
                        read.op.completed_index()
                    ));
                }
            }
        }
    }

    /// Whether the history has writes of the key. It then tells of values that none of them has.
    fn is_written(
        &self,
        case: &Case<'_>,
        line: &Line<'_>,
        read: &Read<'_>,
        report: &mut Report<'_>,
    ) -> bool {
        let writes = &self.writes[line.key as usize];
        let has = |number: &&u32| written(case.op(**number)) == Some(line.value);
        if writes.any.iter().any(|number| has(&number)) {
            return true;
        }
        if let Some(&failed) = writes.failed.iter().find(has) {
            let tell = || self.wrong_value(case, line, read, failed, "failed: it did not happen");
            report.find("G1a", self.name(line.key), tell);
            return true;
        }
        if let Some(&other) = writes.any.first().or(writes.failed.first()) {
            let tell = || {
                self.wrong_value(
                    case,
                    line,
                    read,
                    other,
                    "wrote another value, and no other write did",
                )
            };
            report.find("garbage-read", self.name(line.key), tell);
            return true;
        }
        false
    }

    fn wrong_value(
        &self,
        case: &Case<'_>,
        line: &Line<'_>,
        read: &Read<'_>,
        write: u32,
        what: &str,
    ) -> Proof {
        let key = self.name(line.key);
        let write = case.op(write);
        let summary = format!(
            "key {key} was read as {}, which was not written",
            line.value
        );
        Proof::new(case, summary).by(write).by(read.op).because(format!(
            "The read that completed with event {} returned {} of key {key}; the write of event {} {what}.",
            read.op.completed_index(),
            line.value,
            write.index()
        ))
    }
}

/// The value that a transaction of one write writes.
fn written(op: Op<'_>) -> Option<ValueRef<'_>> {
    op.argument().get(0)?.get(2)
}

type Step<'a> = (&'a str, ValueRef<'a>, ValueRef<'a>);

/// The steps of a transaction: what, key and value.
fn steps<'a>(value: ValueRef<'a>) -> Option<Vec<Step<'a>>> {
    let step = |step: ValueRef<'a>| {
        let mut parts = step.items()?;
        let whole = (parts.next()?.as_name()?, parts.next()?, parts.next()?);
        parts.next().is_none().then_some(whole)
    };
    value.items()?.map(step).collect()
}
