//! Transactions of appends to lists and reads of them, judged for strict serializability.
//!
//! Every element is appended once to its key, so that a read of a list tells the whole order in which its elements
//! came, and with it what each transaction came after (Kingsbury & Alvaro 2020): of all workloads the one that shows
//! the most.

use crate::checkers::isolation::{Level, ListAppend};
use crate::pool::transactions;
use crate::{Workload, WorkloadOptions};

const LEVEL: Level = Level::StrictSerializable;

/// Appends and reads.
pub(crate) fn list_append(options: &WorkloadOptions) -> Workload {
    let (generator, last, probes) = transactions("append", options);
    Workload {
        name: "list-append",
        generator,
        probes,
        final_generator: Some(last),
        checker: Box::new(ListAppend::new(LEVEL)),
        model: "list-append",
        consistency: LEVEL.name(),
        independent: false,
    }
}
