//! Counters of eventual consistency: `g-counter`, which only grows, and `pn-counter`, which may shrink.
//!
//! Promised is no more than this: every read is the sum of some of the adds that had begun when it completed, and
//! after quiet it is the sum of all that were settled and of some of the others, the same for every read. When quiet
//! is, [`rules`](super) says. Deliberately absent: that the reads of a process never go down. A client may ask
//! another replica each time, and nobody promises it that, not even where nothing is ever taken away.
//!
//! Maelstrom judges final reads like this; the agreement, and the reads before quiet, it does not.
//!
//! Which sums are possible is decided exactly by ranges of integers, as long as they are few.

use rupture_history::{History, Verdict};

use super::finals::Finals;
use super::frame::{Case, Op, Rule, check};
use super::report::{Proof, Report};
use super::sums::Sums;
use crate::{Budget, CheckError, Checker};

/// Judges a counter that only grows. See the [module](self).
///
/// Operations are `add` of an integer that is not negative, and `read` of the sum.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::rules::GrowOnlyCounter;
/// use rupture_checkers::{Budget, Checker};
///
/// // Nobody knows whether the second add happened: the sum is 2 or 5.
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :add :value 2}
///       {:process 0 :type :ok :f :add :value 2}
///       {:process 1 :type :invoke :f :add :value 3}
///       {:process 1 :type :info :f :add :value 3}
///       {:process 0 :type :invoke :f :read :final? true}
///       {:process 0 :type :ok :f :read :value 3 :final? true}",
/// )?;
/// let verdict = GrowOnlyCounter::new().check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// assert_eq!(verdict.anomalies[0].kind, "wrong-sum");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct GrowOnlyCounter {
    independent: bool,
}

impl GrowOnlyCounter {
    /// A judge of one counter.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether values are `[key value]`, and every key is a counter of its own.
    #[must_use]
    pub fn independent(mut self, independent: bool) -> Self {
        self.independent = independent;
        self
    }
}

impl Checker for GrowOnlyCounter {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        check(self, self.independent, history, budget)
    }
}

impl Rule for GrowOnlyCounter {
    const MODEL: &'static str = "g-counter";
    const FUNCTIONS: &'static str = FUNCTIONS;
    const KINDS: &'static [(&'static str, &'static str)] = KINDS;

    fn judge(
        &self,
        case: &Case<'_>,
        report: &mut Report<'_>,
        budget: &Budget<'_>,
    ) -> Result<(), CheckError> {
        Counter::of(case, 0)?.judge(report, budget);
        Ok(())
    }
}

/// Judges a counter that grows and shrinks. See the [module](self).
///
/// Operations are `add` of any integer, and `read` of the sum.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::rules::PnCounter;
/// use rupture_checkers::{Budget, Checker};
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :add :value -2}
///       {:process 0 :type :ok :f :add :value -2}
///       {:process 0 :type :invoke :f :read :final? true}
///       {:process 0 :type :ok :f :read :value -2 :final? true}",
/// )?;
/// let verdict = PnCounter::new().check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Valid);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct PnCounter {
    independent: bool,
}

impl PnCounter {
    /// A judge of one counter.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether values are `[key value]`, and every key is a counter of its own.
    #[must_use]
    pub fn independent(mut self, independent: bool) -> Self {
        self.independent = independent;
        self
    }
}

impl Checker for PnCounter {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        check(self, self.independent, history, budget)
    }
}

impl Rule for PnCounter {
    const MODEL: &'static str = "pn-counter";
    const FUNCTIONS: &'static str = FUNCTIONS;
    const KINDS: &'static [(&'static str, &'static str)] = KINDS;

    fn judge(
        &self,
        case: &Case<'_>,
        report: &mut Report<'_>,
        budget: &Budget<'_>,
    ) -> Result<(), CheckError> {
        Counter::of(case, i64::MIN)?.judge(report, budget);
        Ok(())
    }
}

const FUNCTIONS: &str = "add, read";
const KINDS: &[(&str, &str)] = &[("wrong-sum", "")];
/// A sum of so few adds is shown with all of them.
const SHOWN: usize = 12;

/// An add that did not fail, or an `ok` read, with its number.
#[derive(Clone, Copy)]
struct Count<'a> {
    op: Op<'a>,
    number: i128,
}

/// The adds and reads of one counter, in the order of their invocations.
struct Counter<'a> {
    case: &'a Case<'a>,
    adds: Vec<Count<'a>>,
    reads: Vec<Count<'a>>,
}

impl<'a> Counter<'a> {
    fn of(case: &'a Case<'a>, least: i64) -> Result<Self, CheckError> {
        let mut counter = Self {
            case,
            adds: Vec::new(),
            reads: Vec::new(),
        };
        for op in case.ops() {
            match op.f() {
                "add" => counter.add(op, least)?,
                "read" => counter.read(op)?,
                _ => return Err(case.unknown(op, FUNCTIONS)),
            }
        }
        Ok(counter)
    }

    fn add(&mut self, op: Op<'a>, least: i64) -> Result<(), CheckError> {
        let number = op.argument().as_int().filter(|&number| number >= least);
        let Some(number) = number.map(i128::from) else {
            return Err(op.wrong_argument(match least {
                0 => "an integer that is not negative",
                _ => "an integer",
            }));
        };
        if !op.failed() {
            self.adds.push(Count { op, number });
        }
        Ok(())
    }

    fn read(&mut self, op: Op<'a>) -> Result<(), CheckError> {
        if let Some(value) = op.result() {
            let number = value.as_int().map(i128::from);
            let number = number.ok_or_else(|| op.wrong_result("an integer"))?;
            self.reads.push(Count { op, number });
        }
        Ok(())
    }

    fn judge(self, report: &mut Report<'_>, budget: &Budget<'_>) {
        let finals = Finals::of(self.case, report);
        let enough = finals.enough(1, self.case, report);
        let last: Vec<u32> = finals.reads.iter().map(|read| read.number).collect();
        let is_final = |read: &Count<'_>| last.binary_search(&read.op.number).is_ok();
        let (finals_too, mut reads): (Vec<_>, Vec<_>) =
            self.reads.iter().copied().partition(is_final);
        self.sums(&mut reads, 0, report, budget);
        if report.stopped() || !enough {
            return;
        }
        let mut final_reads = finals_too;
        self.sums(&mut final_reads, finals.begin, report, budget);
        self.agree(&final_reads, report);
    }

    /// Whether each read is the sum of all adds acknowledged before a row, and some others that had begun.
    fn sums(
        &self,
        reads: &mut [Count<'a>],
        settled_before: u32,
        report: &mut Report<'_>,
        budget: &Budget<'_>,
    ) {
        reads.sort_by_key(|read| read.op.acknowledged());
        let is_settled = |add: &&Count<'_>| add.op.acknowledged() < settled_before;
        let settled = self.adds.iter().filter(is_settled);
        let mut sums = Sums::of(settled.map(|add| add.number).sum());
        let mut others = self.adds.iter().filter(|add| !is_settled(add)).peekable();
        for read in reads.iter() {
            let begun = |add: &&Count<'_>| add.op.invoked() < read.op.acknowledged();
            while let Some(add) = others.next_if(begun) {
                sums.may_add(add.number);
                if report.is_over(budget, sums.bytes()) {
                    return;
                }
            }
            match sums.has(read.number) {
                Some(true) => {}
                Some(false) => {
                    let tell = || self.wrong(*read, settled_before, &sums);
                    report.find("wrong-sum", read.number.to_string(), tell);
                }
                None => report.leave_open(format!(
                    "too many sums are possible to say whether {} is one of them (event {})",
                    read.number,
                    read.op.completed_index()
                )),
            }
        }
    }

    /// Every final read has its sum; some add that is not settled may have come between two.
    fn agree(&self, finals: &[Count<'a>], report: &mut Report<'_>) {
        let differing = finals.iter().find(|read| read.number != finals[0].number);
        if let Some(other) = differing {
            report.leave_open(format!(
                "the final reads{} do not agree: events {} and {} returned {} and {}; adds that nobody saw complete may \
                 have come between them",
                self.case.of_key(),
                finals[0].op.completed_index(),
                other.op.completed_index(),
                finals[0].number,
                other.number
            ));
        }
    }

    fn wrong(&self, read: Count<'a>, settled_before: u32, sums: &Sums) -> Proof {
        let counts = |add: &&Count<'_>| add.op.invoked() < read.op.acknowledged();
        let adds: Vec<&Count<'_>> = self.adds.iter().filter(counts).collect();
        let is_settled = |add: &&&Count<'_>| add.op.acknowledged() < settled_before;
        let settled = adds.iter().filter(is_settled).count();
        let summary = format!(
            "a read{} returned {}, which is no sum of the adds",
            self.case.of_key(),
            read.number
        );
        let mut proof = Proof::new(self.case, summary).by(read.op);
        if settled_before != 0 {
            let sum: i128 = adds.iter().filter(is_settled).map(|add| add.number).sum();
            proof = proof.because(format!(
                "Before the first final read began, {settled} adds had been acknowledged; their sum is {sum}."
            ));
        }
        let others = adds.len() - settled;
        proof = proof.because(format!(
            "Of {others} other adds that had begun by event {}, each may count or not: the sum is {}.",
            read.op.completed_index(),
            sums.around(read.number)
        ));
        if adds.len() > SHOWN {
            return proof;
        }
        adds.iter().fold(proof, |proof, add| proof.by(add.op))
    }
}
