//! Grow-only sets of eventual consistency, as a CRDT or a gossip keeps them.
//!
//! Promised is no more than this: what a read returns was added, once; and after quiet every read returns all
//! that was added. When quiet is, [`rules`](super) says. Deliberately absent: that a process's own reads
//! never lose an element. A client may ask another replica each time, and nobody promises it that; for one that
//! does, [`SetFull`](crate::set_full::SetFull) follows each element through time.
//!
//! One pass over all reads; memory grows with what they hold.

use rupture_history::{History, Verdict};

use super::finals::Finals;
use super::frame::{Case, NEVER, Op, Rule, check};
use super::puts::{Marks, Put, Puts, Ranked, elements};
use super::report::{Proof, Report};
use crate::{Budget, CheckError, Checker};

/// Judges a set that only grows and is eventually consistent. See the [module](self).
///
/// Operations are `add` of an element and `read` of all elements.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::rules::GrowOnlySet;
/// use rupture_checkers::{Budget, Checker};
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :add :value 1}
///       {:process 0 :type :ok :f :add :value 1}
///       {:process 0 :type :invoke :f :read}
///       {:process 0 :type :ok :f :read :value []}
///       {:process 0 :type :invoke :f :read :final? true}
///       {:process 0 :type :ok :f :read :value [1] :final? true}",
/// )?;
/// let verdict = GrowOnlySet::new().check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Valid, "before quiet a read may be stale");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct GrowOnlySet {
    independent: bool,
}

impl GrowOnlySet {
    /// A judge of one set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether values are `[key value]`, and every key is a set of its own.
    #[must_use]
    pub fn independent(mut self, independent: bool) -> Self {
        self.independent = independent;
        self
    }
}

impl Checker for GrowOnlySet {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        check(self, self.independent, history, budget)
    }
}

impl Rule for GrowOnlySet {
    const MODEL: &'static str = "g-set";
    const FUNCTIONS: &'static str = "add, read";
    const KINDS: &'static [(&'static str, &'static str)] = &[
        ("lost", ""),
        ("unexpected", ""),
        ("divergent", ""),
        ("duplicated", ""),
    ];

    fn judge(
        &self,
        case: &Case<'_>,
        report: &mut Report<'_>,
        budget: &Budget<'_>,
    ) -> Result<(), CheckError> {
        for op in case.ops() {
            if !matches!(op.f(), "add" | "read") {
                return Err(case.unknown(op, Self::FUNCTIONS));
            }
        }
        judge_set(case, 1, report, budget)
    }
}

/// Judges the adds and reads of one set, which takes so many final reads.
pub(super) fn judge_set(
    case: &Case<'_>,
    least: usize,
    report: &mut Report<'_>,
    budget: &Budget<'_>,
) -> Result<(), CheckError> {
    let mut puts = Puts::default();
    for op in case.ops().filter(|op| op.f() == "add") {
        puts.put(op)?;
    }
    for op in case.ops().filter(|op| op.f() == "read") {
        let Some(value) = op.result() else {
            continue;
        };
        for number in puts.look(op, elements(op, value)?) {
            report.find("duplicated", puts.name(number), || {
                twice(case, &puts, number, op)
            });
        }
        if report.is_over(budget, puts.bytes()) {
            return Ok(());
        }
    }
    unexpected(case, &puts, report);
    let finals = Finals::of(case, report);
    if finals.enough(least, case, report) {
        Quiet::new(case, &puts, &finals).judge(report, budget);
    }
    Ok(())
}

fn twice(case: &Case<'_>, puts: &Puts<'_>, number: u32, op: Op<'_>) -> Proof {
    let name = puts.name(number);
    let summary = format!("{name} was read twice at once{}", case.of_key());
    Proof::new(case, summary).by(op).because(format!(
        "The read that completed with event {} contains {name} more than once; a set holds it once.",
        op.completed_index()
    ))
}

/// Tells of values that nobody can have put in when they were read.
pub(super) fn unexpected(case: &Case<'_>, puts: &Puts<'_>, report: &mut Report<'_>) {
    for (number, op, _) in puts.strange_looks() {
        let tell = || puts.strange(case, number, op);
        report.find("unexpected", puts.name(number), tell);
    }
}

/// What the final reads say.
struct Quiet<'a> {
    case: &'a Case<'a>,
    puts: &'a Puts<'a>,
    finals: &'a Finals<'a>,
    settled: Ranked,
    /// How many final reads saw each element.
    times: Vec<u32>,
    /// Of those that did not, and of those that did, the first.
    missed: Vec<u32>,
    saw: Vec<u32>,
}

impl<'a> Quiet<'a> {
    fn new(case: &'a Case<'a>, puts: &'a Puts<'a>, finals: &'a Finals<'a>) -> Self {
        Self {
            case,
            puts,
            finals,
            settled: puts.ranked(Put::known),
            times: vec![0; puts.all.len()],
            missed: vec![NEVER; puts.all.len()],
            saw: vec![NEVER; puts.all.len()],
        }
    }

    fn judge(mut self, report: &mut Report<'_>, budget: &Budget<'_>) {
        let mut marks = Marks::of(self.puts.all.len());
        let mut finals = self.finals.reads.iter().peekable();
        for look in &self.puts.looks {
            if finals.next_if(|op| op.number == look.op.number).is_none() {
                continue;
            }
            if report.is_over(budget, self.puts.bytes() * 2) {
                return;
            }
            marks.set(self.puts.explained(look));
            for number in self.puts.explained(look) {
                self.times[number as usize] += 1;
                let saw = &mut self.saw[number as usize];
                *saw = (*saw).min(look.op.number);
            }
            for number in self.settled.before(self.finals.begin) {
                if !marks.has(number) {
                    let missed = &mut self.missed[number as usize];
                    *missed = (*missed).min(look.op.number);
                }
            }
        }
        self.settled(report);
        self.unsettled(report);
    }

    fn settled(&self, report: &mut Report<'_>) {
        for number in self.settled.before(self.finals.begin) {
            let at = number as usize;
            if self.missed[at] == NEVER {
                continue;
            }
            let kind = match self.times[at] {
                0 => "lost",
                _ => "divergent",
            };
            report.find(kind, self.puts.name(number), || self.missing(number));
        }
    }

    /// Elements that may have come only while the final reads ran.
    fn unsettled(&self, report: &mut Report<'_>) {
        let all = self.finals.reads.len() as u32;
        let mut open = Vec::new();
        for (at, put) in self.puts.all.iter().enumerate() {
            let settled = put.known() < self.finals.begin;
            let partly = self.times[at] > 0 || put.acknowledged != NEVER;
            if put.by.is_some() && !settled && partly && self.times[at] < all {
                open.push(self.puts.name(at as u32));
            }
        }
        if !open.is_empty() {
            let count = open.len();
            open.truncate(16);
            report.leave_open(format!(
                "not every final read{} has all of {count} elements, which may have been added only while the final reads \
                 ran: {}",
                self.case.of_key(),
                open.join(" ")
            ));
        }
    }

    fn missing(&self, number: u32) -> Proof {
        let at = number as usize;
        let name = self.puts.name(number);
        let of_key = self.case.of_key();
        let lost = self.saw[at] == NEVER;
        let summary = if lost {
            format!("element {name}{of_key} was lost: no final read contains it")
        } else {
            format!("the final reads{of_key} do not agree: only some contain element {name}")
        };
        let proof = Proof::new(self.case, summary);
        let proof = self
            .puts
            .tell_known(self.case, number, self.finals.begin, proof);
        let missed = self.case.op(self.missed[at]);
        let proof = proof.by(missed).because(format!(
            "The final read that began with event {}, after that, does not contain {name}.",
            missed.index()
        ));
        if lost {
            return proof.because("Nor does any other final read.");
        }
        let saw = self.case.op(self.saw[at]);
        proof.by(saw).because(format!(
            "The final read that completed with event {} does.",
            saw.completed_index()
        ))
    }
}
