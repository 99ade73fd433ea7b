//! Banks: transfers move money between accounts, and no read may see it in between.
//!
//! Under snapshot isolation every `read` of all accounts shows a state between two transfers, so the total is the
//! same in all of them. The rules are those of Jepsen's workload, and one more:
//!
//! - *wrong-total*: the balances of a read do not add up to the total;
//! - *unexplained-balance*: two reads of an account differ by more than all transfers that had begun could have
//!   moved;
//! - *negative-value*: a balance is below zero, unless that is allowed;
//! - *nil-balance*: an account has no balance;
//! - *unexpected-key*, *missing-account*: a read shows an account that another does not show, or the other way
//!   round, and no transfer had named it.
//!
//! The second is the one more, and certain whatever the order: a balance is what the account began with, and what
//! some transfers brought in, less what some took out; so every read bounds what it began with from both sides.
//!
//! A bank may be opened by an operation, `open`, before anything is read: what it holds is then the total, and where
//! that was acknowledged before anything else began, every account began with what it was opened with, and there
//! are no accounts beside these and those that transfers name.
//!
//! What is not given is taken from the history, and a note says so. The *total* is the one that most reads show,
//! if at least two show it: then it is conservation itself that is judged. One read alone confirms nothing, and
//! is held to Jepsen's own total, 100. The *accounts* are those of the first read with the total, and
//! those that transfers name. One of the latter that a read does not show holds nothing: some stores
//! delete accounts that are empty.
//!
//! Deliberately absent: an order of the transfers. Time and memory near the size of the reads.

mod balances;
mod ledger;

use rupture_history::{History, Verdict};

use super::frame::{Case, Rule, check};
use super::report::Report;
use crate::{Budget, CheckError, Checker};
use balances::Balances;
use ledger::Ledger;

/// Judges a bank. See the [module](self).
///
/// Operations are `transfer` of `{:from account :to account :amount n}` and `read` of `{account balance ...}`, and
/// `open` of `{account balance ...}` (balances may also be a vector, of accounts 0, 1, ...), which comes before all others where there is one.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::rules::Bank;
/// use rupture_checkers::{Budget, Checker};
///
/// // The read sees what account 0 paid, and not that account 1 got it.
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :transfer :value {:from 0 :to 1 :amount 5}}
///       {:process 1 :type :invoke :f :read}
///       {:process 1 :type :ok :f :read :value {0 45, 1 50}}
///       {:process 0 :type :ok :f :transfer :value {:from 0 :to 1 :amount 5}}",
/// )?;
/// let verdict = Bank::new().total(Some(100)).check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// assert_eq!(verdict.anomalies[0].kind, "wrong-total");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Bank {
    total: Option<i64>,
    negative_balances: bool,
    independent: bool,
}

impl Bank {
    /// A judge of a bank whose total the history tells, and whose balances are never negative.
    pub fn new() -> Self {
        Self::default()
    }

    /// What all balances add up to; `None` if the history is to tell.
    #[must_use]
    pub fn total(mut self, total: Option<i64>) -> Self {
        self.total = total;
        self
    }

    /// Whether balances may be below zero.
    #[must_use]
    pub fn negative_balances(mut self, allowed: bool) -> Self {
        self.negative_balances = allowed;
        self
    }

    /// Whether values are `[key value]`, and every key is a bank of its own.
    #[must_use]
    pub fn independent(mut self, independent: bool) -> Self {
        self.independent = independent;
        self
    }
}

impl Checker for Bank {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        check(self, self.independent, history, budget)
    }
}

impl Rule for Bank {
    const MODEL: &'static str = "bank";
    const FUNCTIONS: &'static str = "transfer, read, open";
    const KINDS: &'static [(&'static str, &'static str)] = &[
        ("wrong-total", "snapshot-isolation"),
        ("unexplained-balance", ""),
        ("negative-value", ""),
        ("nil-balance", ""),
        ("unexpected-key", ""),
        ("missing-account", ""),
    ];

    fn judge(
        &self,
        case: &Case<'_>,
        report: &mut Report<'_>,
        budget: &Budget<'_>,
    ) -> Result<(), CheckError> {
        let mut ledger = Ledger::default();
        for op in case.ops() {
            match op.f() {
                "transfer" => ledger.transfer(op)?,
                "read" => ledger.read(op)?,
                "open" => ledger.open(op)?,
                _ => return Err(case.unknown(op, Self::FUNCTIONS)),
            }
            if report.is_over(budget, ledger.bytes()) {
                return Ok(());
            }
        }
        report.observe(ledger.reads.len());
        let total = self.total.map(i128::from).or(ledger.opened_with());
        let balances = Balances::new(case, &ledger, total);
        balances.tell_assumptions(total, report);
        balances.judge(self.negative_balances, report, budget);
        Ok(())
    }
}
