//! Eventual convergence: after quiet all reads return the same, and that is something that was written.
//!
//! An object is a register (`write` and `read`) or a set that only grows (`add` and `read`), by the functions
//! that are used on it. A register keeps one of its writes, whichever: replicas that resolve conflicts by clocks
//! may keep one that was overwritten long ago, and converge. So a value is explained if some write of it that may
//! have happened began before the read completed; `nil` is explained as long as no write is settled. A set must
//! contain all that is settled, as for [`GrowOnlySet`]. When quiet is, and what is settled, [`rules`](super)
//! says. It takes two final reads to agree.
//!
//! Deliberately absent: which replica answered, which a history does not tell, and how long convergence took.

use rupture_history::{History, Verdict};

use super::finals::Finals;
use super::frame::{Case, Op, Rule, check};
use super::g_set::{GrowOnlySet, judge_set, unexpected};
use super::puts::Puts;
use super::report::{Proof, Report};
use crate::{Budget, CheckError, Checker};

/// Judges whether replicas agree in the end. See the [module](self).
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::rules::Convergence;
/// use rupture_checkers::{Budget, Checker};
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :write :value 1}
///       {:process 1 :type :invoke :f :write :value 2}
///       {:process 0 :type :ok :f :write :value 1}
///       {:process 1 :type :ok :f :write :value 2}
///       {:process 0 :type :invoke :f :read :final? true}
///       {:process 0 :type :ok :f :read :value 1 :final? true}
///       {:process 1 :type :invoke :f :read :final? true}
///       {:process 1 :type :ok :f :read :value 2 :final? true}",
/// )?;
/// let verdict = Convergence::new().check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// assert_eq!(verdict.anomalies[0].kind, "divergent");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Convergence {
    independent: bool,
}

impl Convergence {
    /// A judge of one object.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether values are `[key value]`, and every key is an object of its own.
    #[must_use]
    pub fn independent(mut self, independent: bool) -> Self {
        self.independent = independent;
        self
    }
}

impl Checker for Convergence {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        check(self, self.independent, history, budget)
    }
}

/// It takes two to agree.
const LEAST: usize = 2;

impl Rule for Convergence {
    const MODEL: &'static str = "eventual";
    const FUNCTIONS: &'static str = "read, and either write or add";
    const KINDS: &'static [(&'static str, &'static str)] = GrowOnlySet::KINDS;

    fn judge(
        &self,
        case: &Case<'_>,
        report: &mut Report<'_>,
        budget: &Budget<'_>,
    ) -> Result<(), CheckError> {
        if is_set(case)? {
            return judge_set(case, LEAST, report, budget);
        }
        judge_register(case, report, budget)
    }
}

/// Whether the object is a set: by what is done to it, and where nothing is, by what is read.
fn is_set(case: &Case<'_>) -> Result<bool, CheckError> {
    let mut changes = case.ops().filter(|op| op.f() != "read");
    let Some(first) = changes.next() else {
        let mut results = case.ops().filter_map(Op::result);
        return Ok(results.any(|value| value.items().is_some()));
    };
    let other = changes.find(|op| op.f() != first.f());
    let known = matches!(first.f(), "write" | "add");
    match Some(first).filter(|_| !known).or(other) {
        Some(op) => Err(case.unknown(op, Convergence::FUNCTIONS)),
        None => Ok(first.f() == "add"),
    }
}

fn judge_register(
    case: &Case<'_>,
    report: &mut Report<'_>,
    budget: &Budget<'_>,
) -> Result<(), CheckError> {
    let mut puts = Puts::default();
    for op in case.ops().filter(|op| op.f() == "write") {
        puts.put(op)?;
        if report.is_over(budget, puts.bytes()) {
            return Ok(());
        }
    }
    for op in case.ops().filter(|op| op.f() == "read") {
        if let Some(value) = op.result() {
            puts.look(op, std::iter::once(value).filter(|value| !value.is_nil()));
        }
        if report.is_over(budget, puts.bytes()) {
            return Ok(());
        }
    }
    unexpected(case, &puts, report);
    let finals = Finals::of(case, report);
    if finals.enough(LEAST, case, report) {
        Replies::of(case, &puts, &finals).judge(report);
    }
    Ok(())
}

/// What the final reads of a register returned: values that were written, or nothing.
struct Replies<'a> {
    case: &'a Case<'a>,
    puts: &'a Puts<'a>,
    /// The row of the first invocation of one.
    begin: u32,
    /// The first read that returned each value, in order; `None` is the value before the first write.
    firsts: Vec<(Option<u32>, Op<'a>)>,
}

impl<'a> Replies<'a> {
    fn of(case: &'a Case<'a>, puts: &'a Puts<'a>, finals: &Finals<'a>) -> Self {
        let mut reads = finals.reads.iter().peekable();
        let mut seen = vec![false; puts.all.len().max(1)];
        let mut firsts = Vec::new();
        for look in &puts.looks {
            if reads.next_if(|op| op.number == look.op.number).is_none() {
                continue;
            }
            let strange = puts.seen(look).len() > puts.explained(look).count();
            let value = puts.explained(look).next();
            let at = value.unwrap_or_default() as usize;
            // What nobody wrote is told already.
            if !strange && !std::mem::replace(&mut seen[at], true) {
                firsts.push((value, look.op));
            }
        }
        Self {
            case,
            puts,
            begin: finals.begin,
            firsts,
        }
    }

    /// Of a settled write, the value.
    fn settled(&self) -> Option<u32> {
        let all = self.puts.all.iter();
        let known = all.map(super::puts::Put::known);
        let first = known.enumerate().min_by_key(|&(_, row)| row);
        let first = first.filter(|&(_, row)| row < self.begin);
        first.map(|(number, _)| number as u32)
    }

    fn judge(&self, report: &mut Report<'_>) {
        let settled = self.settled();
        let nothing = self.firsts.iter().find(|(value, _)| value.is_none());
        if let (Some(written), Some((_, read))) = (settled, nothing) {
            report.find("lost", "nil".to_owned(), || self.lost(written, *read));
        }
        // A value stays open that a write may have put there while the final reads ran. What was there before is one
        // and the same everywhere, so at most one other value may be among the replies.
        let certain: Vec<_> = self
            .firsts
            .iter()
            .filter(|(value, _)| !self.is_open(*value))
            .collect();
        if let [one, other, ..] = certain[..] {
            let name = format!("{} {}", self.name(one.0), self.name(other.0));
            report.find("divergent", name, || self.divergent(one, other));
        } else if let [(one, first), (other, second), ..] = self.firsts[..] {
            report.leave_open(format!(
                "the final reads{} do not agree: events {} and {} returned {} and {}; a write that nobody saw complete \
                 before may have come between them",
                self.case.of_key(),
                first.completed_index(),
                second.completed_index(),
                self.name(one),
                self.name(other)
            ));
        }
    }

    /// Whether a write of the value that was not settled may have come while the final reads ran.
    fn is_open(&self, value: Option<u32>) -> bool {
        value.is_some_and(|number| self.puts.all[number as usize].is_open(self.begin))
    }

    fn name(&self, value: Option<u32>) -> String {
        value.map_or_else(|| "nil".to_owned(), |number| self.puts.name(number))
    }

    fn lost(&self, written: u32, read: Op<'_>) -> Proof {
        let summary = format!(
            "a final read{} returned nothing, although {} was written",
            self.case.of_key(),
            self.puts.name(written)
        );
        let proof = Proof::new(self.case, summary);
        let proof = self.puts.tell_known(self.case, written, self.begin, proof);
        proof.by(read).because(format!(
            "The final read that began with event {}, after that, returned nil; nothing takes a value away.",
            read.index()
        ))
    }

    fn divergent(&self, one: &(Option<u32>, Op<'_>), other: &(Option<u32>, Op<'_>)) -> Proof {
        let summary = format!(
            "the final reads{} do not agree: {} and {}",
            self.case.of_key(),
            self.name(one.0),
            self.name(other.0)
        );
        let mut proof = Proof::new(self.case, summary);
        for (value, read) in [one, other] {
            proof = proof.by(*read).because(format!(
                "The final read that completed with event {} returned {}.",
                read.completed_index(),
                self.name(*value)
            ));
            if let Some(number) = *value {
                proof = self.tell_write(number, proof);
            }
        }
        proof.because(
            "No write of either was still open when the first final read began, so none came between the two.",
        )
    }

    /// The write of a value, and why it was no longer open.
    fn tell_write(&self, number: u32, proof: Proof) -> Proof {
        let put = &self.puts.all[number as usize];
        match put.by {
            Some(_) if put.known() < self.begin => {
                self.puts.tell_known(self.case, number, self.begin, proof)
            }
            Some(by) => proof.by(self.case.op(by)),
            None => proof,
        }
    }
}
