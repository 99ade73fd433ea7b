//! The objects that Rupture knows by name, as sequential specifications.
//!
//! | model | name | operations, as `function argument -> result` |
//! |---|---|---|
//! | [`Register`] | `register` | `read -> v`, `write v` |
//! | [`CasRegister`] | `cas-register` | as above, and `cas [old new]` |
//! | [`MultiRegister`] | `multi-register` | `txn [[read k nil] [write k v]] -> [[read k v] [write k v]]` |
//! | [`KvAppend`] | `kv-append` | `get -> s`, `put s`, `append s`, with a field `key` beside them |
//! | [`Counter`] | `counter` | `add n`, `read -> n` |
//! | [`Set`] | `set` | `add e`, `remove e`, `contains e -> [e true]`, `read -> [e ...]` |
//! | [`FifoQueue`] | `fifo-queue` | `enqueue v`, `dequeue -> v`, `drain -> [v ...]` or `:exhausted` |
//! | [`UnorderedQueue`] | `unordered-queue` | the same |
//! | [`Stack`] | `stack` | `push v`, `pop -> v` |
//! | [`PriorityQueue`] | `priority-queue` | `insert n`, `extract-max -> n`, `extract-min -> n` |
//! | [`Mutex`] | `mutex` | `acquire`, `release` |
//! | [`OwnerMutex`] | `owner-mutex`, `reentrant-mutex` | the same; only the process that acquired releases |
//! | [`FencedLock`] | `fenced-lock` | `acquire -> token`, `release token` |
//! | [`Semaphore`] | none | `acquire n`, `release n` |
//!
//! What is taken out of an empty queue or stack is `nil`. A read that completed with `nil` means what it says: it
//! saw the initial value. That is Porcupine's reading, not that of Knossos, which lets it match any state.
//! An operation as a model sees it is one of [`op`].

mod counter;
mod kv_append;
mod lock;
mod multi_register;
mod named;
mod priority_queue;
mod queue;
mod register;
mod set;
mod stack;

pub use counter::Counter;
pub use kv_append::KvAppend;
pub use lock::{FencedLock, Holder, Mutex, OwnerMutex, Semaphore};
pub use multi_register::MultiRegister;
pub(crate) use named::Named;
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

/// Whether a drain ends as Jepsen's do that record their dequeues one by one: it found nothing more.
pub(crate) fn is_exhausted(value: ValueRef<'_>) -> bool {
    value.as_name() == Some("exhausted")
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
