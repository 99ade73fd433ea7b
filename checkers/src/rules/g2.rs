//! Write skew by predicate: Adya's G2, as Jepsen's `adya` workload looks for it.
//!
//! For every key two transactions each look whether the other's row is there, and insert their own only where
//! it is not. Whatever their order, the second sees the first; so under serializability at most one insert
//! of a key succeeds. Values are `[key [a-id b-id]]`, where one of the two is nil: it says which of two tables
//! the row is for.
//!
//! Deliberately absent: any use of real time or of the ids; two inserts that succeeded are wrong by themselves.
//! One that nobody saw complete proves nothing.

use rupture_history::{History, Verdict};

use super::frame::{Case, Rule, check};
use super::report::{Proof, Report};
use crate::{Budget, CheckError, Checker};

/// Judges whether inserts that exclude each other both happened. See the [module](self).
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::rules::WriteSkew;
/// use rupture_checkers::{Budget, Checker};
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :insert :value [7 [1 nil]]}
///       {:process 1 :type :invoke :f :insert :value [7 [nil 2]]}
///       {:process 0 :type :ok :f :insert :value [7 [1 nil]]}
///       {:process 1 :type :ok :f :insert :value [7 [nil 2]]}",
/// )?;
/// let verdict = WriteSkew::new().check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// assert_eq!((&*verdict.anomalies[0].kind, &*verdict.not[0]), ("G2", "serializable"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct WriteSkew;

impl WriteSkew {
    /// A judge of all keys; values are always `[key [a-id b-id]]`.
    pub fn new() -> Self {
        Self
    }
}

impl Checker for WriteSkew {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        check(self, true, history, budget)
    }
}

impl Rule for WriteSkew {
    const MODEL: &'static str = "g2";
    const FUNCTIONS: &'static str = "insert";
    const KINDS: &'static [(&'static str, &'static str)] = &[("G2", "serializable")];

    fn judge(
        &self,
        case: &Case<'_>,
        report: &mut Report<'_>,
        _: &Budget<'_>,
    ) -> Result<(), CheckError> {
        for op in case.ops() {
            if op.f() != "insert" {
                return Err(case.unknown(op, Self::FUNCTIONS));
            }
            let ids = op.argument().pair();
            if ids.is_none_or(|(a, b)| a.is_nil() == b.is_nil()) {
                return Err(op.wrong_argument("[key [a-id nil]] or [key [nil b-id]]"));
            }
        }
        let mut happened = case.ops().filter(|op| op.is_ok());
        let Some(first) = happened.next() else {
            return Ok(());
        };
        report.observe(1);
        for second in happened {
            let name = case.key.as_ref().map(ToString::to_string);
            let tell = || {
                Proof::new(case, format!("two inserts{} succeeded", case.of_key()))
                    .by(first)
                    .by(second)
                    .because(
                        "Each is made only where there is no row of this key: the later of the two must have seen the other's.",
                    )
                    .because("Neither was seen by the other, so there is no order of the two.")
            };
            report.find("G2", name.unwrap_or_default(), tell);
        }
        Ok(())
    }
}
