//! Causal reverse: a write is seen without one that had completed before it began.
//!
//! Clients insert values that are never changed, each once, and read all of them at once. Under strict
//! serializability a read that sees a write also sees every write that was known before that one began: it
//! comes after the one, which comes after the other. A serializable store without real time may break that.
//! Jepsen's workload of this name counts a write as known once it was acknowledged; here also once a read
//! saw it, which is as certain.
//!
//! Deliberately absent: reads that miss what was known before the reads themselves began. Such a read is stale,
//! and may still be the latest state of a consistent past.
//!
//! Every read asks for a prefix of all values in the order in which they became known, so that counting decides:
//! time near the size of the reads.

use rupture_history::{History, Verdict};

use super::frame::{Case, Rule, check};
use super::puts::{Look, Marks, Origin, Puts, Ranked, elements};
use super::report::{Proof, Report};
use crate::{Budget, CheckError, Checker};

/// Judges whether writes become visible in the order in which they were made. See the [module](self).
///
/// Operations are `write` of a value and `read` of all values.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::rules::CausalReverse;
/// use rupture_checkers::{Budget, Checker};
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :write :value 1}
///       {:process 0 :type :ok :f :write :value 1}
///       {:process 0 :type :invoke :f :write :value 2}
///       {:process 1 :type :invoke :f :read}
///       {:process 1 :type :ok :f :read :value [2]}",
/// )?;
/// let verdict = CausalReverse::new().check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// assert_eq!(verdict.anomalies[0].kind, "causal-reverse");
/// assert_eq!(verdict.not, ["strict-serializable"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct CausalReverse {
    independent: bool,
}

impl CausalReverse {
    /// A judge of one table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether values are `[key value]`, and every key is a table of its own.
    #[must_use]
    pub fn independent(mut self, independent: bool) -> Self {
        self.independent = independent;
        self
    }
}

impl Checker for CausalReverse {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        check(self, self.independent, history, budget)
    }
}

impl Rule for CausalReverse {
    const MODEL: &'static str = "causal-reverse";
    const FUNCTIONS: &'static str = "write, read";
    const KINDS: &'static [(&'static str, &'static str)] = &[
        ("dirty-read", "read-committed"),
        ("unexpected", ""),
        ("causal-reverse", "strict-serializable"),
    ];

    fn judge(
        &self,
        case: &Case<'_>,
        report: &mut Report<'_>,
        budget: &Budget<'_>,
    ) -> Result<(), CheckError> {
        let mut puts = Puts::default();
        for op in case.ops() {
            match op.f() {
                "write" => puts.put(op)?,
                "read" => {}
                _ => return Err(case.unknown(op, Self::FUNCTIONS)),
            }
        }
        for op in case.ops().filter(|op| op.f() == "read") {
            if let Some(value) = op.result() {
                puts.look(op, elements(op, value)?);
            }
            if report.is_over(budget, puts.bytes()) {
                return Ok(());
            }
        }
        report.observe(puts.looks.len());
        Visible::new(case, &puts).judge(report, budget);
        Ok(())
    }
}

/// The writes and what makes them visible.
struct Visible<'a> {
    case: &'a Case<'a>,
    puts: &'a Puts<'a>,
    known: Ranked,
    marks: Marks,
}

impl<'a> Visible<'a> {
    fn new(case: &'a Case<'a>, puts: &'a Puts<'a>) -> Self {
        Self {
            case,
            puts,
            known: puts.ranked(super::puts::Put::known),
            marks: Marks::of(puts.all.len()),
        }
    }

    fn judge(&mut self, report: &mut Report<'_>, budget: &Budget<'_>) {
        self.origins(report);
        for look in &self.puts.looks {
            if report.is_over(budget, self.puts.bytes() * 2) {
                return;
            }
            self.order(look, report);
        }
    }

    fn origins(&self, report: &mut Report<'_>) {
        for (number, op, origin) in self.puts.strange_looks() {
            let kind = match origin {
                Origin::Failed => "dirty-read",
                _ => "unexpected",
            };
            let tell = || self.puts.strange(self.case, number, op);
            report.find(kind, self.puts.name(number), tell);
        }
    }

    /// Of all writes that a read saw, the one that began last asks for the most.
    fn order(&mut self, look: &Look<'_>, report: &mut Report<'_>) {
        let puts = self.puts;
        let began = |number: &u32| puts.all[*number as usize].invoked;
        let Some(last) = puts.explained(look).max_by_key(began) else {
            return;
        };
        let before = began(&last);
        let asked = self.known.before(before);
        let known = |number: &u32| puts.all[*number as usize].known() < before;
        if puts.explained(look).filter(known).count() == asked.len() {
            return;
        }
        self.marks.set(puts.explained(look));
        let marks = &self.marks;
        let missing = self.known.before(before).find(|&number| !marks.has(number));
        if let Some(missing) = missing {
            let name = puts.name(missing);
            report.find("causal-reverse", name, || {
                self.reversed(look, missing, last)
            });
        }
    }

    fn reversed(&self, look: &Look<'_>, missing: u32, seen: u32) -> Proof {
        let (first, second) = (self.puts.name(missing), self.puts.name(seen));
        let put = &self.puts.all[seen as usize];
        let summary = format!(
            "{second} was seen without {first}, which was there before {second} began to be written{}",
            self.case.of_key()
        );
        let proof = Proof::new(self.case, summary);
        let mut proof = self.puts.tell_known(self.case, missing, put.invoked, proof);
        if let Some(by) = put.by {
            proof = proof.by(self.case.op(by)).because(format!(
                "The write of {second} began after that, with event {}.",
                self.case.op(by).index()
            ));
        }
        proof.by(look.op).because(format!(
            "The read that completed with event {} contains {second} and not {first}: it would have to come after the \
             later write and before the earlier.",
            look.op.completed_index()
        ))
    }
}
