//! The objects that Rupture knows by name, as sequential specifications.
//!
//! `reference/operations.md` says what their operations look like. A read that completed with `nil` means
//! what it says: it saw the initial value. That is Porcupine's reading, not that of Knossos, which lets it
//! match any state.

mod counter;
mod kv_append;
mod lock;
mod multi_register;
mod priority_queue;
mod queue;
mod register;
mod set;
mod stack;

pub use counter::Counter;
pub use kv_append::KvAppend;
pub use lock::{FencedLock, Holder, Mutex, OwnerMutex, Semaphore};
pub use multi_register::MultiRegister;
pub use priority_queue::PriorityQueue;
pub use queue::{FifoQueue, Held, UnorderedQueue};
pub use register::{CasRegister, Register};
pub use set::Set;
pub use stack::Stack;

/// The operations of each model.
pub mod op {
    pub use super::counter::CounterOp;
    pub use super::kv_append::KvOp;
    pub use super::lock::{FencedOp, LockOp, OwnerOp, PermitsOp};
    pub use super::multi_register::TxnOp;
    pub use super::priority_queue::PriorityOp;
    pub use super::queue::QueueOp;
    pub use super::register::RegisterOp;
    pub use super::set::SetOp;
    pub use super::stack::StackOp;
}

use crate::model::{Id, Mismatch, Values};
use rupture_history::ValueRef;

/// The number of a value that is an element of a collection, where `nil` stands for *empty*.
fn element(value: ValueRef<'_>, values: &mut Values) -> Option<Id> {
    (!value.is_nil()).then(|| values.id(value))
}

fn pushed(value: ValueRef<'_>, values: &mut Values) -> Result<Id, Mismatch> {
    element(value, values)
        .ok_or_else(|| Mismatch::argument("a value other than nil, which means empty"))
}

fn all(value: ValueRef<'_>, values: &mut Values) -> Result<Vec<Id>, Mismatch> {
    let items = value
        .items()
        .ok_or_else(|| Mismatch::result("a collection of elements"))?;
    Ok(items.map(|item| values.id(item)).collect())
}

/// Values as what an operation concerns.
fn numbers(ids: &[Id]) -> Vec<u64> {
    ids.iter().map(|id| u64::from(id.0)).collect()
}

fn list(ids: &[Id], values: &Values) -> String {
    let texts: Vec<String> = ids.iter().map(|&id| values.text(id)).collect();
    format!("[{}]", texts.join(" "))
}
