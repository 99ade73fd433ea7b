//! What every anomaly of lists begins with.

use rupture_history::verdict::{Anomaly, Evidence};

use super::prepared::Prepared;

/// The evidence of some transactions, in the order of their invocations.
pub(super) fn evidence(prepared: &Prepared<'_, '_>, transactions: &[u32]) -> Vec<Evidence> {
    let mut transactions = transactions.to_vec();
    transactions.sort_unstable();
    transactions.dedup();
    let operations = &prepared.transactions.operations;
    transactions
        .iter()
        .map(|&number| Evidence::of(prepared.transactions.history, &operations[number as usize]))
        .collect()
}

/// An anomaly with nothing in it but its kind and who shows it.
pub(super) fn anomaly(prepared: &Prepared<'_, '_>, kind: &str, transactions: &[u32]) -> Anomaly {
    Anomaly {
        kind: kind.to_owned(),
        evidence: evidence(prepared, transactions),
        ..Anomaly::default()
    }
}
