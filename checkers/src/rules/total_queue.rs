//! Total queues: what goes in comes out, by the end of the history.
//!
//! Jepsen's checker of this name. Nothing is said of the order, nor of when a value came out; a workload drains the
//! queue at its end. Values are counted, each as often as it was enqueued:
//!
//! - *lost*: enqueues that were acknowledged, more than came out;
//! - *unexpected*: what came out and was never enqueued, or only by enqueues that failed: those put nothing in;
//! - *duplicated*: what came out more often than it was enqueued. At least once is what queues promise: it is counted
//!   and is no anomaly;
//! - *recovered*: what came out although its enqueue was not acknowledged: counted as well.
//!
//! Jepsen takes a failed enqueue for one that may have happened, and a dequeue of which nobody knows for one that took
//! nothing. Here it may have taken a value, and a drain any number of them: while there may be as many as are missing,
//! the verdict is `unknown`.
//!
//! Time O(n) with hashing, n with the values that were drained.

use rupture_history::{History, ValueRef, Verdict};

use super::frame::{Case, Op, Rule, check};
use super::puts::elements;
use super::report::{Proof, Report};
use crate::models::is_exhausted;
use crate::{Budget, CheckError, Checker, Id, Values};

/// Judges whether what was enqueued came out. See the [module](self).
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::rules::TotalQueue;
/// use rupture_checkers::{Budget, Checker};
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :enqueue :value 1}
///       {:process 0 :type :ok :f :enqueue :value 1}
///       {:process 0 :type :invoke :f :drain}
///       {:process 0 :type :ok :f :drain :value []}",
/// )?;
/// let verdict = TotalQueue::new().check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// assert_eq!(verdict.anomalies[0].kind, "lost");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TotalQueue {
    independent: bool,
}

impl TotalQueue {
    /// A judge of one queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether values are `[key value]`, and every key is a queue of its own.
    #[must_use]
    pub fn independent(mut self, independent: bool) -> Self {
        self.independent = independent;
        self
    }
}

impl Checker for TotalQueue {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        check(self, self.independent, history, budget)
    }
}

/// What happened to one value: how often it was enqueued, by enqueues that did not fail and by ones that were `ok`,
/// and how often it came out.
#[derive(Clone, Copy, Default)]
struct Count {
    tried: usize,
    acknowledged: usize,
    out: usize,
    /// The operations that show it best: an `ok` enqueue, or else any, and the last that it came out of.
    enqueue: Option<u32>,
    taken: Option<u32>,
}

#[derive(Default)]
struct Queue {
    values: Values,
    counts: Vec<Count>,
    /// How many dequeues nobody knows of, and whether some drain is so.
    open: usize,
    open_drain: bool,
    drained: bool,
}

/// How many bytes a value takes, about, beside what it holds.
const A_VALUE: usize = 200;
/// After how many operations the budget is asked again.
const PACE: usize = 4_096;

impl Queue {
    fn count(&mut self, value: ValueRef<'_>) -> &mut Count {
        let Id(number) = self.values.id(value);
        let number = number as usize;
        if number >= self.counts.len() {
            self.counts.resize(number + 1, Count::default());
        }
        &mut self.counts[number]
    }

    fn enqueue(&mut self, op: Op<'_>) {
        let count = self.count(op.argument());
        count.tried += usize::from(!op.failed());
        count.acknowledged += usize::from(op.is_ok());
        if op.is_ok() || count.enqueue.is_none() {
            count.enqueue = Some(op.number);
        }
    }

    fn take(&mut self, op: Op<'_>, value: ValueRef<'_>) {
        let count = self.count(value);
        count.out += 1;
        count.taken = Some(op.number);
    }

    fn hear(&mut self, op: Op<'_>) -> Result<bool, CheckError> {
        match (op.f(), op.result()) {
            ("enqueue", _) => self.enqueue(op),
            ("dequeue", Some(value)) if value.is_nil() => {}
            ("dequeue", Some(value)) => self.take(op, value),
            ("drain", Some(value)) if is_exhausted(value) => self.drained = true,
            ("drain", Some(value)) => {
                self.drained = true;
                for value in elements(op, value)? {
                    self.take(op, value);
                }
            }
            ("dequeue", None) => self.open += usize::from(!op.failed()),
            ("drain", None) => {
                // One that ended well and did nothing by itself recorded its dequeues inside it.
                self.drained |= op.answered();
                self.open_drain |= !op.failed();
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Rule for TotalQueue {
    const MODEL: &'static str = "total-queue";
    const FUNCTIONS: &'static str = "enqueue, dequeue, drain";
    const KINDS: &'static [(&'static str, &'static str)] = &[("lost", ""), ("unexpected", "")];

    fn judge(
        &self,
        case: &Case<'_>,
        report: &mut Report<'_>,
        budget: &Budget<'_>,
    ) -> Result<(), CheckError> {
        let mut queue = Queue::default();
        for (at, op) in case.ops().enumerate() {
            if at % PACE == 0 && report.is_over(budget, queue.counts.len() * A_VALUE) {
                return Ok(());
            }
            if !queue.hear(op)? {
                return Err(case.unknown(op, Self::FUNCTIONS));
            }
        }
        queue.tell(case, report);
        Ok(())
    }
}

impl Queue {
    fn tell(&self, case: &Case<'_>, report: &mut Report<'_>) {
        let sum = |of: fn(&Count) -> usize| self.counts.iter().map(of).sum::<usize>();
        let lost = sum(Count::lost);
        report.observe(sum(|count| count.acknowledged + count.out));
        report.note(format!(
            "{} enqueues{} were tried, {} acknowledged; {} values came out: {} as enqueued, {} unexpected, {} duplicated; \
             {lost} lost, {} recovered",
            sum(|count| count.tried),
            case.of_key(),
            sum(|count| count.acknowledged),
            sum(|count| count.out),
            sum(Count::expected),
            sum(Count::unexpected),
            sum(Count::duplicated),
            sum(Count::recovered),
        ));
        let proved = !self.open_drain && lost > self.open;
        for (number, count) in self.counts.iter().enumerate() {
            let name = || self.values.text(Id(number as u32));
            if proved && count.lost() > 0 {
                report.find("lost", name(), || self.lost(case, count, &name(), lost));
            }
            if count.unexpected() > 0 {
                report.find("unexpected", name(), || unexpected(case, count, &name()));
            }
        }
        if lost > 0 && !proved {
            let taker = if self.open_drain {
                "a drain"
            } else {
                "dequeues"
            };
            report.leave_open(format!(
                "{lost} acknowledged values{} did not come out, and {taker} of which nobody knows may have taken them",
                case.of_key()
            ));
        }
        if lost > 0 && !self.drained {
            report.note(format!("the queue{} was never drained", case.of_key()));
        }
        if sum(Count::duplicated) > 0 {
            let twice = self.counts.iter().enumerate();
            let twice = twice.filter(|(_, count)| count.duplicated() > 0);
            let names = twice.map(|(number, _)| self.values.text(Id(number as u32)));
            let names: Vec<String> = names.take(NAMED).collect();
            report.note(format!("duplicated{}: {}", case.of_key(), names.join(" ")));
        }
    }

    fn lost(&self, case: &Case<'_>, count: &Count, name: &str, lost: usize) -> Proof {
        let summary = format!(
            "{name}{} was enqueued {} and came out {}",
            case.of_key(),
            times(count.acknowledged),
            times(count.out)
        );
        let mut proof = Proof::new(case, summary);
        for number in count.enqueue.into_iter().chain(count.taken) {
            proof = proof.by(case.op(number));
        }
        if self.open > 0 {
            proof = proof.because(format!(
                "Of {lost} values that are missing, dequeues of which nobody knows may have taken {}: not all of them.",
                self.open
            ));
        }
        proof.because("By the end of the history everything that was acknowledged has to come out.")
    }
}

/// How many duplicated values are named.
const NAMED: usize = 32;

fn unexpected(case: &Case<'_>, count: &Count, name: &str) -> Proof {
    let summary = format!("{name}{} came out and was never put in", case.of_key());
    let mut proof = Proof::new(case, summary);
    for number in count.enqueue.into_iter().chain(count.taken) {
        proof = proof.by(case.op(number));
    }
    if count.enqueue.is_some() {
        return proof.because("Every enqueue of it failed: it put nothing in.");
    }
    proof.because("There is no enqueue of it.")
}

fn times(count: usize) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

impl Count {
    fn expected(&self) -> usize {
        self.out.min(self.tried)
    }

    fn unexpected(&self) -> usize {
        if self.tried == 0 { self.out } else { 0 }
    }

    fn duplicated(&self) -> usize {
        if self.tried == 0 {
            return 0;
        }
        self.out.saturating_sub(self.tried)
    }

    fn lost(&self) -> usize {
        self.acknowledged.saturating_sub(self.out)
    }

    fn recovered(&self) -> usize {
        self.expected().saturating_sub(self.acknowledged)
    }
}
