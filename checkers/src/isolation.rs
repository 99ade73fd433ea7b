//! Transactional isolation: did concurrent transactions see what their level promises?

pub(crate) mod cycles;
pub(crate) mod graph;
pub(crate) mod ladder;
mod level;
mod list_append;
pub(crate) mod order;
pub(crate) mod promise;
pub(crate) mod register;
mod rw_register;
pub(crate) mod solver;
pub(crate) mod transactions;
mod weak;

pub use level::Level;
pub use list_append::ListAppend;
pub use rw_register::RwRegister;

use rupture_history::{Operation, Outcome};

/// Why there is nothing to judge. That every transaction failed is something: nothing happened.
pub(crate) fn nothing_to_judge(operations: &[Operation]) -> Option<&'static str> {
    if operations.is_empty() {
        return Some("the history has no operations of clients");
    }
    let completed = operations.iter().any(|o| o.outcome != Outcome::Info);
    (!completed).then_some("nobody knows of any operation whether it happened")
}
