//! Counters by bounds: every read lies between what had certainly been added and what may have been.
//!
//! Jepsen's checker `counter`. A read is at least the sum of the adds that were acknowledged before it began, and at
//! most the sum of those that were invoked before it completed and did not fail. A number that is taken away counts
//! for the lower bound as soon as it may have been, and for the upper once it was. This is less than the model
//! `counter` asks, which wants one order for all reads, and it takes O(n).
//!
//! Deliberately absent: which sums within the bounds are possible.

use rupture_history::{History, Verdict};

use super::frame::{Case, NEVER, Op, Rule, check};
use super::report::{Proof, Report};
use crate::{Budget, CheckError, Checker};

/// Judges the reads of a counter by bounds. See the [module](self).
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::rules::CounterBounds;
/// use rupture_checkers::{Budget, Checker};
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :add :value 2}
///       {:process 0 :type :ok :f :add :value 2}
///       {:process 1 :type :invoke :f :add :value 3}
///       {:process 0 :type :invoke :f :read}
///       {:process 0 :type :ok :f :read :value 6}",
/// )?;
/// let verdict = CounterBounds::new().check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// assert_eq!(verdict.anomalies[0].summary, "a read of 6 lies outside [2 5]");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct CounterBounds {
    independent: bool,
}

impl CounterBounds {
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

impl Checker for CounterBounds {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        check(self, self.independent, history, budget)
    }
}

/// So many adds at most are told with a read.
const SHOWN: usize = 12;
/// How many bytes an operation takes.
const AN_OPERATION: usize = 160;

/// What adds up: numbers above nothing and below it.
#[derive(Clone, Copy, Default)]
struct Sums {
    above: i128,
    below: i128,
}

impl Sums {
    fn add(&mut self, number: i128) {
        let side = if number > 0 {
            &mut self.above
        } else {
            &mut self.below
        };
        *side += number;
    }
}

/// Sums at the rows at which they change.
#[derive(Default)]
struct Steps(Vec<(u32, Sums)>);

impl Steps {
    fn of(mut changes: Vec<(u32, i128)>) -> Self {
        changes.sort_unstable_by_key(|&(row, _)| row);
        let mut sums = Sums::default();
        let step = |(row, number): (u32, i128)| {
            sums.add(number);
            (row, sums)
        };
        Self(changes.into_iter().map(step).collect())
    }

    /// The sums before a row.
    fn before(&self, row: u32) -> Sums {
        let end = self.0.partition_point(|&(at, _)| at < row);
        end.checked_sub(1)
            .map_or(Sums::default(), |last| self.0[last].1)
    }
}

impl Rule for CounterBounds {
    const MODEL: &'static str = "counter-bounds";
    const FUNCTIONS: &'static str = "add, read";
    const KINDS: &'static [(&'static str, &'static str)] = &[("out-of-bounds", "linearizable")];

    fn judge(
        &self,
        case: &Case<'_>,
        report: &mut Report<'_>,
        budget: &Budget<'_>,
    ) -> Result<(), CheckError> {
        if report.is_over(budget, case.count() * AN_OPERATION) {
            return Ok(());
        }
        let (mut begun, mut known, mut reads) = (Vec::new(), Vec::new(), Vec::new());
        for op in case.ops() {
            match op.f() {
                "add" => {
                    let number = added(op)?;
                    if !op.failed() {
                        begun.push((op.invoked(), number));
                    }
                    if op.is_ok() {
                        known.push((op.acknowledged(), number));
                    }
                }
                "read" => {
                    if let Some(value) = op.result() {
                        let number = value.as_int().map(i128::from);
                        reads.push((op, number.ok_or_else(|| op.wrong_result("an integer"))?));
                    }
                }
                _ => return Err(case.unknown(op, Self::FUNCTIONS)),
            }
        }
        report.observe(reads.len());
        let (begun, known) = (Steps::of(begun), Steps::of(known));
        let mut outside = 0;
        for &(op, read) in &reads {
            // What may have happened is all that had begun by the end; what must have is what was known at the start.
            let (may, must) = (begun.before(op.acknowledged()), known.before(op.invoked()));
            let (lower, upper) = (must.above + may.below, may.above + must.below);
            if !(lower..=upper).contains(&read) {
                outside += 1;
                let name = format!("[{lower} {read} {upper}]");
                report.find("out-of-bounds", name, || {
                    proof(case, op, read, (lower, upper))
                });
            }
        }
        report.note(format!(
            "{} reads{}, {outside} of them out of bounds",
            reads.len(),
            case.of_key()
        ));
        Ok(())
    }
}

fn added(op: Op<'_>) -> Result<i128, CheckError> {
    let number = op.argument().as_int().map(i128::from);
    number.ok_or_else(|| op.wrong_argument("an integer"))
}

fn proof(case: &Case<'_>, op: Op<'_>, read: i128, (lower, upper): (i128, i128)) -> Proof {
    let low = read < lower;
    let adds = || case.ops().filter(|add| add.f() == "add" && !add.failed());
    let may = |add: &Op<'_>| add.invoked() < op.acknowledged();
    let must = |add: &Op<'_>| add.acknowledged() != NEVER && add.acknowledged() < op.invoked();
    // What keeps the sum from being what was read.
    let number = |add: &Op<'_>| added(*add).unwrap_or_default();
    let counts = |add: &Op<'_>| {
        if (number(add) > 0) == low {
            must(add)
        } else {
            may(add)
        }
    };
    let count = adds().filter(counts).count();
    let mut proof = Proof::new(
        case,
        format!(
            "a read of {read}{} lies outside [{lower} {upper}]",
            case.of_key()
        ),
    );
    proof = proof.by(op);
    if count <= SHOWN {
        proof = adds().filter(counts).fold(proof, Proof::by);
    }
    let because = if low {
        format!(
            "The {count} adds that were known before it began, and those that may have taken away, come to {lower} at least."
        )
    } else {
        format!(
            "The {count} adds that had begun before it completed, without what was certainly taken away, come to {upper} at most."
        )
    };
    proof.because(because)
}
