//! Sets by their last read: what was added is in it, and nothing else.
//!
//! Jepsen's checker `set`. Clients add elements, and in the end somebody reads all of them; only the last `ok` read
//! counts. [`set_full`](crate::set_full) follows every element through all reads, and the model `set` looks for an order
//! of all operations.
//!
//! - *lost*: the add was acknowledged before the last read began, and the read does not have the element;
//! - *unexpected*: the read has an element that nobody had begun to add when it completed, or whose adds all failed;
//! - *recovered*: the read has it although no add of it was acknowledged: counted, and no anomaly.
//!
//! Jepsen takes a failed add for one that may have happened, and an add that ends after the last read began for lost
//! if it is missing; here that is open, and the verdict is `unknown` if nothing else is wrong. Time O(n) with hashing,
//! n with the elements of the last read.

use rupture_history::{History, Verdict};

use super::frame::{Case, Op, Rule, check};
use super::puts::elements;
use super::report::{Proof, Report};
use crate::{Budget, CheckError, Checker, Id, Values};

/// Judges a set by its last read. See the [module](self).
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::rules::SetFinal;
/// use rupture_checkers::{Budget, Checker};
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :add :value 1}
///       {:process 0 :type :ok :f :add :value 1}
///       {:process 1 :type :invoke :f :add :value 2}
///       {:process 0 :type :invoke :f :read}
///       {:process 0 :type :ok :f :read :value [2]}",
/// )?;
/// let verdict = SetFinal::new().check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// assert_eq!(verdict.anomalies[0].kind, "lost");
/// assert!(verdict.notes.iter().any(|note| note.contains("1 recovered")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SetFinal {
    independent: bool,
}

impl SetFinal {
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

impl Checker for SetFinal {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        check(self, self.independent, history, budget)
    }
}

/// What is known of an element.
#[derive(Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools)] // Each is a question of its own.
struct Element {
    /// Whether an add that did not fail had begun when the last read completed.
    tried: bool,
    /// Whether an add was acknowledged, and whether one was before the last read began.
    acknowledged: bool,
    known: bool,
    in_read: bool,
    /// The add that shows it best.
    add: Option<u32>,
}

/// How many bytes an element takes, about, beside what it holds.
const AN_ELEMENT: usize = 160;
/// After how many operations the budget is asked again.
const PACE: usize = 4_096;

impl Rule for SetFinal {
    const MODEL: &'static str = "set-final";
    const FUNCTIONS: &'static str = "add, read";
    const KINDS: &'static [(&'static str, &'static str)] = &[("lost", ""), ("unexpected", "")];

    fn judge(
        &self,
        case: &Case<'_>,
        report: &mut Report<'_>,
        budget: &Budget<'_>,
    ) -> Result<(), CheckError> {
        let mut last: Option<Op<'_>> = None;
        for op in case.ops() {
            match (op.f(), op.result()) {
                ("add", _) | ("read", None) => {}
                ("read", Some(value)) => {
                    drop(elements(op, value)?);
                    if last.is_none_or(|last| last.last_row() < op.last_row()) {
                        last = Some(op);
                    }
                }
                _ => return Err(case.unknown(op, Self::FUNCTIONS)),
            }
        }
        let Some(read) = last else {
            report.leave_open(format!("the set{} was never read", case.of_key()));
            return Ok(());
        };
        report.observe(1);
        let mut values = Values::default();
        let mut all: Vec<Element> = Vec::new();
        for (at, op) in case.ops().filter(|op| op.f() == "add").enumerate() {
            if at % PACE == 0 && report.is_over(budget, all.len() * AN_ELEMENT) {
                return Ok(());
            }
            let element = number(&mut all, values.id(op.argument()));
            element.tried |= !op.failed() && op.invoked() < read.last_row();
            element.acknowledged |= op.is_ok();
            element.known |= op.acknowledged() < read.invoked();
            if op.is_ok() || element.add.is_none() {
                element.add = Some(op.number);
            }
        }
        let mut twice = 0;
        for (at, value) in read
            .result()
            .map(|value| elements(read, value))
            .transpose()?
            .into_iter()
            .flatten()
            .enumerate()
        {
            if at % PACE == 0 && report.is_over(budget, all.len() * AN_ELEMENT) {
                return Ok(());
            }
            let element = number(&mut all, values.id(value));
            twice += usize::from(element.in_read);
            element.in_read = true;
        }
        tell(
            &LastRead {
                case,
                read,
                values,
                elements: all,
                twice,
            },
            report,
        );
        Ok(())
    }
}

fn number(all: &mut Vec<Element>, Id(number): Id) -> &mut Element {
    let number = number as usize;
    if number >= all.len() {
        all.resize(number + 1, Element::default());
    }
    &mut all[number]
}

struct LastRead<'a> {
    case: &'a Case<'a>,
    read: Op<'a>,
    values: Values,
    elements: Vec<Element>,
    /// How often an element stands in the read once more.
    twice: usize,
}

fn tell(set: &LastRead<'_>, report: &mut Report<'_>) {
    let LastRead {
        case,
        read,
        values,
        elements: all,
        twice,
    } = set;
    let count = |of: fn(&Element) -> bool| all.iter().filter(|element| of(element)).count();
    let lost = |element: &Element| element.known && !element.in_read;
    let late = |element: &Element| element.acknowledged && !element.known && !element.in_read;
    let unexpected = |element: &Element| element.in_read && !element.tried;
    report.note(format!(
        "{} elements{} were tried, {} acknowledged; the last read has {}: {} ok, {} recovered, {} unexpected; {} lost",
        count(|element| element.add.is_some()),
        case.of_key(),
        count(|element| element.acknowledged),
        count(|element| element.in_read),
        count(|element| element.in_read && element.tried),
        count(|element| element.in_read && element.tried && !element.acknowledged),
        count(unexpected),
        count(lost),
    ));
    if *twice > 0 {
        report.note(format!(
            "the last read{} has {twice} elements more than once",
            case.of_key()
        ));
    }
    for (number, element) in all.iter().enumerate() {
        let name = || values.text(Id(number as u32));
        let add = element.add.map(|add| case.op(add));
        let proof = |summary: String| {
            let proof = Proof::new(case, summary).by(*read);
            add.into_iter().fold(proof, Proof::by)
        };
        if lost(element) {
            report.find("lost", name(), || {
                let summary = format!(
                    "{}{} was added, and the last read does not have it",
                    name(),
                    case.of_key()
                );
                proof(summary).because(format!(
                    "The add was acknowledged before the read of event {} began.",
                    read.index()
                ))
            });
        }
        if unexpected(element) {
            report.find("unexpected", name(), || {
                let summary = format!("{}{} was read, and was not added", name(), case.of_key());
                proof(summary).because(match add {
                    None => "There is no add of it.",
                    Some(add) if add.failed() => {
                        "Every add of it that had begun failed: it did not happen."
                    }
                    Some(_) => "Its add began after the read.",
                })
            });
        }
    }
    let open = count(late);
    if open > 0 {
        report.leave_open(format!(
            "{open} elements{} were acknowledged after the last read began, which does not have them: nothing says \
             whether they were kept",
            case.of_key()
        ));
    }
}
