//! What the driver of real time needs of a target, whatever world it lives in.

use std::sync::Arc;

use rupture_history::Value;

use crate::{Cluster, Happening, Invocation, NodeName, OperationError, RecoveryClaim};

/// Hears what happens, from any thread and at any moment: it must be quick.
pub type Tell = Arc<dyn Fn(Happening) + Send + Sync>;

/// A target in real time. What happens to it is told to the [`Tell`] that it was started with.
pub trait Real {
    /// Nanoseconds since the run began.
    fn now_ns(&self) -> u64;

    /// Hands an operation to a client thread, now. Exactly one [`Happening::Completed`] answers it, at the
    /// latest at its deadline.
    ///
    /// # Errors
    /// An operation that this target does not know; nothing was sent.
    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), OperationError>;

    /// This target as its nemesis sees it, for a thread of its own. The processes that it starts end with that thread.
    /// `None` when it was taken already.
    fn cluster(&mut self) -> Option<Box<dyn Cluster + Send>>;

    /// What it claims about serving again; `None` for a target that claims nothing.
    fn recovery(&self) -> Option<RecoveryClaim>;

    /// The nodes that there are, in order, some of which may be on their way in or out.
    fn present(&self) -> Vec<NodeName>;

    /// The nodes through which clients are promised an answer to this operation, in order.
    fn serving(&self, f: &str, value: &Value) -> Vec<NodeName>;

    /// The metrics of a node in Prometheus' text form; empty where there are none or it does not answer in time.
    fn metrics(&self, node: &NodeName) -> String;

    /// Ends it, and takes away all that it has made. Gives what could not be taken away, for people.
    fn end(&mut self) -> Vec<String>;
}
