//! A history of operations whose beginnings and ends were kept as times.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Event, History, Kind, Name, Outcome, Process, Value};

/// An operation, when it was begun and when it was answered: what a program has that kept times and not events.
///
/// ```
/// use rupture_history::{Interval, Outcome, Value};
///
/// let write = Interval::new(0, "write", 3, 10..=20).ok(3);
/// assert_eq!((write.outcome, write.ended_ns), (Outcome::Ok, Some(20)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Who.
    pub process: i64,
    /// The function.
    pub f: Name,
    /// What was asked.
    pub argument: Value,
    /// What was answered, where it is `ok`.
    pub result: Value,
    /// What became of it.
    pub outcome: Outcome,
    /// When it was begun, in nanoseconds since any moment, 0 or more.
    pub begun_ns: i64,
    /// When it was answered; `None` where it never was.
    pub ended_ns: Option<i64>,
}

impl Interval {
    /// An operation between two times, in nanoseconds, of which nobody knows yet whether it happened.
    pub fn new(
        process: i64,
        f: &str,
        argument: impl Into<Value>,
        between_ns: std::ops::RangeInclusive<i64>,
    ) -> Self {
        Self {
            process,
            f: f.into(),
            argument: argument.into(),
            result: Value::Nil,
            outcome: Outcome::Info,
            begun_ns: *between_ns.start(),
            ended_ns: Some(*between_ns.end()),
        }
    }

    /// It happened, with this result.
    #[must_use]
    pub fn ok(mut self, result: impl Into<Value>) -> Self {
        (self.outcome, self.result) = (Outcome::Ok, result.into());
        self
    }

    /// It certainly did not happen.
    #[must_use]
    pub fn fail(mut self) -> Self {
        self.outcome = Outcome::Fail;
        self
    }
}

/// An operation that cannot be.
///
/// ```
/// use rupture_history::{History, Interval};
///
/// let backwards = [Interval::new(0, "write", 3, 20..=10).ok(3)];
/// let error = History::from_operations(&backwards).unwrap_err();
/// assert_eq!(error.to_string(), "operation 0 ends at 10 ns, before it begins at 20 ns");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntervalError {
    /// It ends before it begins.
    #[error("operation {at} ends at {ended_ns} ns, before it begins at {begun_ns} ns")]
    Backwards {
        /// Its place among the operations.
        at: usize,
        /// When it is said to begin.
        begun_ns: i64,
        /// When it is said to end.
        ended_ns: i64,
    },
    /// Nobody says when it ended although it was answered.
    #[error("operation {at} was answered, and has no time at which it ended")]
    Endless {
        /// Its place among the operations.
        at: usize,
    },
}

impl History {
    /// The history of operations of which the times were kept, in any order.
    ///
    /// Where one ends at the very moment at which another begins, nobody knows which came first, and the two are taken
    /// to overlap: that may hide an anomaly, and never makes one up. Operations of one process follow each other all the
    /// same. Where both cannot be had, or a process has two operations at once or goes on after one of which nobody
    /// knows, the later one is put under another name, such as `"3'2"`; a note says of how many.
    ///
    /// Time O(n log n).
    ///
    /// ```
    /// use rupture_history::{History, Interval};
    ///
    /// let history = History::from_operations(&[
    ///     Interval::new(0, "write", 3, 10..=20).ok(3),
    ///     Interval::new(1, "read", (), 20..=30).ok(()), // may have begun before the write ended
    /// ])?;
    /// let operations = history.operations()?;
    /// assert!(!operations[0].precedes(&operations[1]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// An operation ends before it begins, or was answered at no time.
    pub fn from_operations(operations: &[Interval]) -> Result<Self, IntervalError> {
        for (at, operation) in operations.iter().enumerate() {
            let begun_ns = operation.begun_ns;
            match operation.ended_ns {
                Some(ended_ns) if ended_ns < begun_ns => {
                    return Err(IntervalError::Backwards {
                        at,
                        begun_ns,
                        ended_ns,
                    });
                }
                None if operation.outcome != Outcome::Info => {
                    return Err(IntervalError::Endless { at });
                }
                _ => {}
            }
        }
        let mut writer = Writer {
            operations,
            ..Writer::default()
        };
        writer.write_all();
        Ok(writer.history)
    }
}

#[derive(Default)]
struct Writer<'a> {
    operations: &'a [Interval],
    history: History,
    /// Of every process, the operation that it runs, and under how many names it ran so far.
    running: BTreeMap<i64, usize>,
    names: BTreeMap<i64, u64>,
    /// Operations that have begun, by their ends, and the names of those that have one.
    ends: BTreeSet<(i64, usize)>,
    named: BTreeMap<usize, u64>,
}

impl Writer<'_> {
    fn write_all(&mut self) {
        let mut order: Vec<usize> = (0..self.operations.len()).collect();
        // Of one process what ended first came first.
        order.sort_by_key(|&at| {
            let operation = &self.operations[at];
            (
                operation.begun_ns,
                operation.ended_ns.unwrap_or(i64::MAX),
                at,
            )
        });
        let mut rest = &order[..];
        while let Some(&first) = rest.first() {
            let now = self.operations[first].begun_ns;
            self.end_before(now);
            let count = rest.partition_point(|&at| self.operations[at].begun_ns == now);
            self.begin_all(&rest[..count], now);
            rest = &rest[count..];
        }
        while let Some(&(_, at)) = self.ends.first() {
            self.end(at);
        }
        let renamed = self.named.len();
        if renamed > 0 {
            self.history.note(format!(
                "{renamed} operations were put under processes of their own, because theirs had not certainly ended another"
            ));
        }
    }

    fn end_before(&mut self, now: i64) {
        while let Some(&(ended, at)) = self.ends.first() {
            if ended >= now {
                return;
            }
            self.end(at);
        }
    }

    /// Begins all that begins now before anything else ends now. One process alone may end an operation in between,
    /// with everything else that begins already begun.
    fn begin_all(&mut self, all: &[usize], now: i64) {
        let mut blocked: Vec<usize> = Vec::new();
        let mut queued: BTreeSet<i64> = BTreeSet::new();
        for &at in all {
            let process = self.operations[at].process;
            if self.running.contains_key(&process) || queued.contains(&process) {
                queued.insert(process);
                blocked.push(at);
            } else {
                self.begin(at);
            }
        }
        let ends_now = |writer: &Self, at: usize| {
            let running = writer.running.get(&writer.operations[at].process);
            running
                .filter(|&&before| {
                    let before = &writer.operations[before];
                    before.ended_ns == Some(now) && before.outcome != Outcome::Info
                })
                .copied()
        };
        let chained = blocked.iter().find(|&&at| ends_now(self, at).is_some());
        let chained = chained.map(|&at| self.operations[at].process);
        let (chain, others): (Vec<usize>, Vec<usize>) = blocked
            .into_iter()
            .partition(|&at| Some(self.operations[at].process) == chained);
        for at in others {
            self.rename(at);
        }
        for at in chain {
            match ends_now(self, at) {
                Some(before) => {
                    self.end(before);
                    self.begin(at);
                }
                None => self.rename(at),
            }
        }
    }

    fn rename(&mut self, at: usize) {
        let count = self.names.entry(self.operations[at].process).or_insert(1);
        *count += 1;
        self.named.insert(at, *count);
        self.write(at, Kind::Invoke);
        self.ends
            .extend(self.operations[at].ended_ns.map(|ended| (ended, at)));
    }

    fn begin(&mut self, at: usize) {
        self.running.insert(self.operations[at].process, at);
        self.write(at, Kind::Invoke);
        self.ends
            .extend(self.operations[at].ended_ns.map(|ended| (ended, at)));
    }

    fn end(&mut self, at: usize) {
        let operation = &self.operations[at];
        let ended = operation.ended_ns.unwrap_or(i64::MAX);
        self.ends.remove(&(ended, at));
        // A process ends with what nobody knows.
        if operation.outcome != Outcome::Info && self.running.get(&operation.process) == Some(&at) {
            self.running.remove(&operation.process);
        }
        self.write(
            at,
            match operation.outcome {
                Outcome::Ok => Kind::Ok,
                Outcome::Fail => Kind::Fail,
                Outcome::Info => Kind::Info,
            },
        );
    }

    fn write(&mut self, at: usize, kind: Kind) {
        let operation = &self.operations[at];
        let value = if kind == Kind::Ok {
            &operation.result
        } else {
            &operation.argument
        };
        let mut event = Event::new(operation.process, kind, &operation.f, value.clone());
        let begins = kind == Kind::Invoke;
        event.time = if begins {
            operation.begun_ns
        } else {
            operation.ended_ns.unwrap_or(-1)
        };
        if let Some(number) = self.named.get(&at) {
            event.process = Process::again(operation.process, *number);
        }
        self.history.push(&event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every history of three operations with times below four and two processes: one precedes another where its end
    /// lies before the beginning, never where it lies after, and at a tie only within a process.
    #[test]
    fn ties_overlap_and_nothing_else_does() {
        let spans: Vec<(i64, i64)> = (0..4).flat_map(|a| (a..4).map(move |b| (a, b))).collect();
        for number in 0..spans.len().pow(3) * 8 {
            let mut left = number;
            let mut draw = |below: usize| {
                let drawn = left % below;
                left /= below;
                drawn
            };
            let all: Vec<Interval> = (0..3)
                .map(|at| {
                    let (begun, ended) = spans[draw(spans.len())];
                    let process = draw(2) as i64;
                    Interval::new(process, "f", at, begun..=ended).ok(at)
                })
                .collect();
            let history = History::from_operations(&all).expect("they can be");
            let operations = history.operations().expect("they pair");
            assert_eq!(operations.len(), 3);
            let of = |row: u32| {
                &all[history
                    .get(row as usize)
                    .value()
                    .as_int()
                    .expect("a number") as usize]
            };
            for one in &operations {
                for other in &operations {
                    let (a, b) = (of(one.invoked), of(other.invoked));
                    let ended = a.ended_ns.expect("they ended");
                    let tie = ended == b.begun_ns && a.process == b.process;
                    if one.precedes(other) {
                        assert!(ended < b.begun_ns || tie, "{all:#?}");
                    } else {
                        assert!(ended >= b.begun_ns, "{all:#?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_process_keeps_its_order_where_its_times_touch() {
        let history = History::from_operations(&[
            Interval::new(0, "a", 0, 0..=5).ok(0),
            Interval::new(0, "b", 1, 5..=9).ok(1),
            Interval::new(1, "c", 2, 5..=5).ok(2),
        ])
        .expect("they can be");
        let operations = history.operations().expect("pairs");
        assert!(history.notes().is_empty(), "{:?}", history.notes());
        let named = |f: &str| {
            *operations
                .iter()
                .find(|o| history.get(o.invoked as usize).f() == f)
                .expect("there")
        };
        assert!(named("a").precedes(&named("b")));
        assert!(!named("a").precedes(&named("c")) && !named("c").precedes(&named("b")));
    }

    #[test]
    fn what_nobody_knows_ends_its_process() {
        let history = History::from_operations(&[
            Interval::new(0, "write", 1, 0..=5),
            Interval::new(0, "write", 2, 6..=7).ok(2),
        ])
        .expect("they can be");
        assert_eq!(history.operations().expect("pairs").len(), 2);
        assert_eq!(history.notes().len(), 1);
    }
}
