//! What every judge of this module does alike: it takes a history apart by key, and each key's operations in
//! turn.

use rupture_history::{EventRef, History, Operation, Outcome, Value, Verdict};
use rustc_hash::FxHashMap;

use super::case::wrong;
pub(super) use super::case::{Case, NEVER, Op};
use super::report::Report;
use crate::linearizability::opening::{contradicted_invocations, disorder, unseen_keys};
use crate::values::canonical;
use crate::{Budget, CheckError};

/// What one data type promises.
pub(super) trait Rule {
    /// Its name.
    const MODEL: &'static str;
    /// Its functions, for people.
    const FUNCTIONS: &'static str;
    /// The kinds of its anomalies, worst first, each with the weakest usual levels that rule it out, if any has
    /// a name.
    const KINDS: &'static [(&'static str, &'static str)];

    /// Judges one object. Where it stops early it tells the report.
    fn judge(
        &self,
        case: &Case<'_>,
        report: &mut Report<'_>,
        budget: &Budget<'_>,
    ) -> Result<(), CheckError>;
}

/// Judges a history by a rule.
pub(super) fn check<R: Rule>(
    rule: &R,
    independent: bool,
    history: &History,
    budget: &Budget<'_>,
) -> Result<Verdict, CheckError> {
    let operations = history.operations()?;
    let mut report = Report::new(&operations, R::KINDS);
    let cases = cases(history, &operations, independent, R::MODEL)?;
    for case in &cases {
        if report.is_over(budget, case.numbers.len() * 4) {
            break;
        }
        rule.judge(case, &mut report, budget)?;
        if report.stopped() {
            break;
        }
        report.judged(case);
    }
    let mut verdict = report.close(R::MODEL);
    let seen = |case: &Case<'_>| case.ops().any(Op::is_ok);
    verdict.notes.extend(unseen_keys(cases.iter().map(seen)));
    verdict.notes.extend(disorder(history));
    let contradicted = contradicted_invocations(history, &operations, independent);
    verdict.notes.extend(contradicted);
    Ok(verdict)
}

/// The objects of a history in the order of their first operations: one, or one for each key.
fn cases<'a>(
    history: &'a History,
    operations: &'a [Operation],
    independent: bool,
    model: &'static str,
) -> Result<Vec<Case<'a>>, CheckError> {
    let new = |key| Case {
        history,
        operations,
        model,
        key,
        numbers: Vec::new(),
    };
    if !independent && !operations.is_empty() {
        let mut all = new(None);
        all.numbers = (0..operations.len() as u32).collect();
        return Ok(vec![all]);
    }
    let mut cases: Vec<Case<'a>> = Vec::new();
    let mut by_key: FxHashMap<Value, usize> = FxHashMap::default();
    for (number, operation) in operations.iter().enumerate() {
        let key = key_of(history, operation)?;
        let at = *by_key.entry(key.clone()).or_insert(cases.len());
        if at == cases.len() {
            cases.push(new(Some(key)));
        }
        cases[at].numbers.push(number as u32);
    }
    Ok(cases)
}

/// The key of an operation, which its result names again.
fn key_of(history: &History, operation: &Operation) -> Result<Value, CheckError> {
    let keyed = |event: EventRef<'_>| {
        let pair = event.value().pair();
        pair.map(|(key, _)| canonical(key.to_value()))
            .ok_or_else(|| wrong(event, "[key value]"))
    };
    let key = keyed(history.get(operation.invoked as usize))?;
    if let (Outcome::Ok, Some(row)) = (operation.outcome, operation.completed) {
        let event = history.get(row as usize);
        if keyed(event)? != key {
            return Err(wrong(event, "[key value] with the key that was invoked"));
        }
    }
    Ok(key)
}
