//! Unique ids: no two `generate` return the same.
//!
//! Jepsen's checker of this name. What nobody saw is no id: an `info` that had one may give it to nobody. A note has
//! how many ids were asked for and given, and the least and the greatest of them. Time O(n) with hashing, memory for
//! every id.

use rupture_history::{History, Value, Verdict};
use rustc_hash::FxHashMap;

use super::frame::{Case, Op, Rule, check};
use super::report::{Proof, Report};
use crate::values::canonical;
use crate::{Budget, CheckError, Checker};

/// Judges whether ids are given once. See the [module](self).
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::rules::UniqueIds;
/// use rupture_checkers::{Budget, Checker};
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :generate}
///       {:process 0 :type :ok :f :generate :value 7}
///       {:process 1 :type :invoke :f :generate}
///       {:process 1 :type :ok :f :generate :value 7}",
/// )?;
/// let verdict = UniqueIds::new().check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// assert_eq!(verdict.anomalies[0].kind, "duplicated");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct UniqueIds {
    independent: bool,
}

impl UniqueIds {
    /// A judge of one source of ids.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether values are `[key value]`, and every key is a source of ids of its own.
    #[must_use]
    pub fn independent(mut self, independent: bool) -> Self {
        self.independent = independent;
        self
    }
}

impl Checker for UniqueIds {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        check(self, self.independent, history, budget)
    }
}

/// How many operations of those that were given one id are told.
const SHOWN: usize = 8;
/// How many bytes an id takes, about, beside what it holds.
const AN_ID: usize = 160;
/// After how many operations the budget is asked again.
const PACE: usize = 4_096;

impl Rule for UniqueIds {
    const MODEL: &'static str = "unique-ids";
    const FUNCTIONS: &'static str = "generate";
    const KINDS: &'static [(&'static str, &'static str)] = &[("duplicated", "")];

    fn judge(
        &self,
        case: &Case<'_>,
        report: &mut Report<'_>,
        budget: &Budget<'_>,
    ) -> Result<(), CheckError> {
        let mut given: FxHashMap<Value, u32> = FxHashMap::default();
        let mut repeated: FxHashMap<Value, Vec<Op<'_>>> = FxHashMap::default();
        let mut count = 0_usize;
        for (at, op) in case.ops().enumerate() {
            if at % PACE == 0 && report.is_over(budget, given.len() * AN_ID) {
                return Ok(());
            }
            if op.f() != Self::FUNCTIONS {
                return Err(case.unknown(op, Self::FUNCTIONS));
            }
            let Some(id) = op.result() else { continue };
            count += 1;
            let id = canonical(id.to_value());
            match given.get(&id) {
                None => {
                    given.insert(id, op.number);
                }
                Some(&first) => {
                    let others = repeated.entry(id).or_insert_with(|| vec![case.op(first)]);
                    others.push(op);
                }
            }
        }
        report.observe(count);
        let duplicated = repeated.len();
        let mut repeated: Vec<(Value, Vec<Op<'_>>)> = repeated.into_iter().collect();
        repeated.sort_by_key(|(_, ops)| ops[0].number);
        for (id, ops) in repeated {
            report.find("duplicated", id.to_string(), || duplicate(case, &id, &ops));
        }
        let range = match (given.keys().min(), given.keys().max()) {
            (Some(least), Some(greatest)) => format!(", from {least} to {greatest}"),
            _ => String::new(),
        };
        report.note(format!(
            "{} ids were asked for{} and {count} given, {duplicated} of them more than once{range}",
            case.count(),
            case.of_key()
        ));
        Ok(())
    }
}

fn duplicate(case: &Case<'_>, id: &Value, ops: &[Op<'_>]) -> Proof {
    let summary = format!("the id {id}{} was given {} times", case.of_key(), ops.len());
    let proof = Proof::new(case, summary).because(format!(
        "The `generate` of events {} and {} both returned {id}.",
        ops[0].completed_index(),
        ops[1].completed_index()
    ));
    ops.iter()
        .take(SHOWN)
        .fold(proof, |proof, &op| proof.by(op))
}
