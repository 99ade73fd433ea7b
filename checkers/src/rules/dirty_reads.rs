//! Dirty reads: reads that saw what was never committed, and writes that did not stay.
//!
//! Clients `write` values, each once and never taken away, and `read`; in the end every process makes a
//! `strong-read`, which returns all values that there are. Jepsen's workloads of this name read one value, or
//! one of each row; both are understood. `refresh` is passed over.
//!
//! - *dirty-read*: a read saw a value all of whose writes failed; or a read saw one that no strong read contains,
//!   although one began after it: it was there, was never acknowledged, and was taken back.
//! - *lost*: the value was acknowledged before a strong read began, and no strong read contains it.
//! - *disagreement*: one strong read contains a value and another does not that began after the value was known; or
//!   two strong reads each contain what the other misses. Jepsen wants all strong reads to be equal; here a write
//!   that nobody saw complete may come between two of them.
//! - *unexpected*: a read saw a value before anybody had begun to write it.
//!
//! A value that nobody ever wrote may be an initial one, and is no anomaly as long as strong reads have it as well;
//! all of them that begin after it was seen must.
//! Where a workload has no strong reads, only failed writes prove anything, and a note says so.
//!
//! Time near the size of the strong reads.

use rupture_history::{History, Verdict};

use super::frame::{Case, NEVER, Rule, check};
use super::puts::{Look, Marks, Origin, Put, Puts, Ranked, elements};
use super::report::{Proof, Report};
use crate::{Budget, CheckError, Checker};

/// Judges whether what was read was committed, and stayed. See the [module](self).
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::rules::DirtyReads;
/// use rupture_checkers::{Budget, Checker};
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :write :value 1}
///       {:process 1 :type :invoke :f :read :value 1}
///       {:process 1 :type :ok :f :read :value 1}
///       {:process 0 :type :fail :f :write :value 1}",
/// )?;
/// let verdict = DirtyReads::new().check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// assert_eq!(verdict.anomalies[0].kind, "dirty-read");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct DirtyReads {
    independent: bool,
}

impl DirtyReads {
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

impl Checker for DirtyReads {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        check(self, self.independent, history, budget)
    }
}

impl Rule for DirtyReads {
    const MODEL: &'static str = "dirty-reads";
    const FUNCTIONS: &'static str = "write, read, strong-read, refresh";
    const KINDS: &'static [(&'static str, &'static str)] = &[
        ("dirty-read", "read-committed"),
        ("lost", ""),
        ("unexpected", ""),
        ("disagreement", ""),
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
                "read" | "strong-read" | "refresh" => {}
                _ => return Err(case.unknown(op, Self::FUNCTIONS)),
            }
        }
        look_at_all(case, &mut puts, report, budget)?;
        if report.stopped() {
            return Ok(());
        }
        report.observe(puts.looks.len());
        let mut table = Table::new(case, &puts);
        table.strange(report);
        if table.strong.is_empty() {
            table.without_strong_reads(report);
        } else {
            table.vanished(report);
            table.disagreements(report, budget);
        }
        Ok(())
    }
}

fn look_at_all<'a>(
    case: &Case<'a>,
    puts: &mut Puts<'a>,
    report: &mut Report<'_>,
    budget: &Budget<'_>,
) -> Result<(), CheckError> {
    for op in case.ops() {
        let Some(value) = op.result() else {
            continue;
        };
        match op.f() {
            "strong-read" => {
                puts.look(op, elements(op, value)?);
            }
            "read" if value.items().is_some() => {
                let values = value.items().into_iter().flatten();
                puts.look(op, values.filter(|value| !value.is_nil()));
            }
            "read" => {
                puts.look(op, std::iter::once(value).filter(|value| !value.is_nil()));
            }
            _ => {}
        }
        if report.is_over(budget, puts.bytes()) {
            break;
        }
    }
    Ok(())
}

/// One table, as its strong reads show it.
struct Table<'a> {
    case: &'a Case<'a>,
    puts: &'a Puts<'a>,
    strong: Vec<&'a Look<'a>>,
    /// A strong read that contains each value.
    had: Vec<Option<u32>>,
    /// The strong read that was invoked last: its row and its number.
    last: (u32, u32),
    known: Ranked,
}

impl<'a> Table<'a> {
    fn new(case: &'a Case<'a>, puts: &'a Puts<'a>) -> Self {
        let looks = puts.looks.iter();
        let strong: Vec<_> = looks.filter(|look| look.op.f() == "strong-read").collect();
        let mut had = vec![None; puts.all.len()];
        for (at, look) in strong.iter().enumerate() {
            for &number in puts.seen(look) {
                had[number as usize].get_or_insert(at as u32);
            }
        }
        let last = strong
            .last()
            .map(|look| (look.op.invoked(), look.op.number));
        Self {
            case,
            puts,
            strong,
            had,
            last: last.unwrap_or((0, 0)),
            known: puts.ranked(Put::there),
        }
    }

    /// Values that a read cannot have seen, whatever the strong reads say.
    fn strange(&self, report: &mut Report<'_>) {
        for (number, op, origin) in self.puts.strange_looks() {
            let kind = match origin {
                Origin::Put | Origin::Nobody => continue,
                Origin::Failed => "dirty-read",
                Origin::Future => "unexpected",
            };
            let tell = || self.puts.strange(self.case, number, op);
            report.find(kind, self.puts.name(number), tell);
        }
    }

    fn without_strong_reads(&self, report: &mut Report<'_>) {
        if self.case.ops().any(|op| op.f() == "strong-read") {
            let of_key = self.case.of_key();
            report.leave_open(format!("no strong read{of_key} was answered"));
        } else {
            report.note("there are no strong reads: lost writes are not judged");
        }
    }

    /// Values that are in no strong read although they were there before one began.
    fn vanished(&self, report: &mut Report<'_>) {
        let mut unasked = Vec::new();
        for (at, put) in self.puts.all.iter().enumerate() {
            if put.by.is_none() || self.had[at].is_some() {
                continue;
            }
            let kind = match put.acknowledged {
                NEVER => "dirty-read",
                _ => "lost",
            };
            if put.known() < self.last.0 {
                let tell = || self.taken_back(at as u32);
                report.find(kind, self.puts.name(at as u32), tell);
            } else if put.acknowledged != NEVER {
                unasked.push(self.puts.name(at as u32));
            }
        }
        self.nowhere(report);
        if !unasked.is_empty() {
            let count = unasked.len();
            unasked.truncate(16);
            report.leave_open(format!(
                "{count} acknowledged writes{} may be lost: no strong read began after them ({})",
                self.case.of_key(),
                unasked.join(" ")
            ));
        }
    }

    fn taken_back(&self, number: u32) -> Proof {
        let name = self.puts.name(number);
        let summary = format!(
            "{name}{} was there, and no strong read contains it",
            self.case.of_key()
        );
        let proof = Proof::new(self.case, summary);
        let proof = self.puts.tell_known(self.case, number, self.last.0, proof);
        let read = self.case.op(self.last.1);
        proof.by(read).because(format!(
            "The strong read that began with event {}, after that, does not contain {name}, nor does any other.",
            read.index()
        ))
    }

    /// Values that nobody wrote are initial ones only if they stay.
    fn nowhere(&self, report: &mut Report<'_>) {
        let mut told = vec![false; self.puts.all.len()];
        for look in &self.puts.looks {
            for &number in self.puts.seen(look) {
                let at = number as usize;
                let origin = self.puts.all[at].origin(look.op.acknowledged());
                let vanished = self.had[at].is_none() && look.op.acknowledged() < self.last.0;
                if origin != Origin::Nobody || !vanished || std::mem::replace(&mut told[at], true) {
                    continue;
                }
                let read = self.case.op(self.last.1);
                let tell = || {
                    self.puts.strange(self.case, number, look.op).by(read).because(format!(
                        "It was no initial value either: no strong read contains it, and that of event {} began later.",
                        read.index()
                    ))
                };
                report.find("dirty-read", self.puts.name(number), tell);
            }
        }
    }

    fn disagreements(&mut self, report: &mut Report<'_>, budget: &Budget<'_>) {
        let mut marks = Marks::of(self.puts.all.len());
        for look in &self.strong {
            if report.is_over(budget, self.puts.bytes() * 2) {
                return;
            }
            marks.set(self.puts.seen(look).iter().copied());
            for number in self.known.before(look.op.invoked()) {
                if let Some(had) = self.had[number as usize].filter(|_| !marks.has(number)) {
                    let tell = || self.forgotten(look, had, number);
                    report.find("disagreement", self.puts.name(number), tell);
                    break;
                }
            }
        }
        self.forks(report, budget);
    }

    fn forgotten(&self, look: &Look<'_>, had: u32, number: u32) -> Proof {
        let name = self.puts.name(number);
        let summary = format!("not all strong reads{} contain {name}", self.case.of_key());
        let proof = Proof::new(self.case, summary);
        let proof = self
            .puts
            .tell_known(self.case, number, look.op.invoked(), proof);
        let had = self.strong[had as usize].op;
        proof
            .by(look.op)
            .because(format!(
                "The strong read that began with event {}, after that, does not contain {name}.",
                look.op.index()
            ))
            .by(had)
            .because(format!(
                "That which completed with event {} does.",
                had.completed_index()
            ))
    }

    /// Sets of which none contains the other. Sorted by size, each must contain the one before it.
    fn forks(&self, report: &mut Report<'_>, budget: &Budget<'_>) {
        let mut strong = self.strong.clone();
        strong.sort_by_key(|look| (self.puts.seen(look).len(), look.op.number));
        let mut marks = [(); 2].map(|()| Marks::of(self.puts.all.len()));
        for pair in strong.windows(2) {
            if report.is_over(budget, self.puts.bytes() * 2) {
                return;
            }
            let seen = [pair[0], pair[1]].map(|look| self.puts.seen(look).iter().copied());
            for (marks, seen) in marks.iter_mut().zip(seen.clone()) {
                marks.set(seen);
            }
            let [mut one, mut other] = seen;
            let only_one = one.find(|&number| !marks[1].has(number));
            let only_other = other.find(|&number| !marks[0].has(number));
            if let (Some(first), Some(second)) = (only_one, only_other) {
                let names = [first, second].map(|number| self.puts.name(number));
                report.find("disagreement", names.join(" "), || self.fork(pair, &names));
            }
        }
    }

    fn fork(&self, pair: &[&Look<'_>], names: &[String; 2]) -> Proof {
        let summary = format!(
            "two strong reads{} each contain what the other misses",
            self.case.of_key()
        );
        let mut proof = Proof::new(self.case, summary);
        for (at, look) in pair.iter().enumerate() {
            proof = proof.by(look.op).because(format!(
                "The strong read that completed with event {} contains {} and not {}.",
                look.op.completed_index(),
                names[at],
                names[1 - at]
            ));
        }
        proof.because("Whichever came first, the other would have to contain all that it contains.")
    }
}
