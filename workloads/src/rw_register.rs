//! Transactions of writes to registers and reads of them, judged for strict serializability.
//!
//! Every value is written once to its key, so that a read says which write it saw; in which order the writes came it
//! does not say, which makes this weaker than lists and closer to what most stores serve.

use crate::checkers::isolation::{Level, RwRegister};
use crate::pool::transactions;
use crate::{Workload, WorkloadOptions};

const LEVEL: Level = Level::StrictSerializable;

/// Writes and reads.
pub(crate) fn rw_register(options: &WorkloadOptions) -> Workload {
    let (generator, last, probes) = transactions("w", options);
    Workload {
        name: "rw-register",
        generator,
        probes,
        final_generator: Some(last),
        checker: Box::new(RwRegister::new(LEVEL)),
        model: "rw-register",
        consistency: LEVEL.name(),
        independent: false,
    }
}
