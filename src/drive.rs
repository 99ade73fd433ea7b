//! The drivers: what owns time and bytes. All decisions are the schedule's.

pub mod real;
pub mod simulated;

use rupture_nemesis::Receipt;
use rupture_targets::{Cluster, Invocation, NodeEvent, NodeName, Status, Storm};
use rupture_workloads::checkers::history::observation::Observation;

use crate::recovery::Recovered;
use crate::schedule::{LastPhase, Task};

/// How a run went, beside its history.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What became of each fault, in the order in which they began.
    pub receipts: Vec<Receipt>,
    /// How much time passed: virtual time in the simulator.
    pub lasted_ns: u64,
    /// How the probes went after everything was healed.
    pub recovered: Recovered,
    /// How the final operations went.
    pub last: LastPhase,
    /// The nodes that did not run although everything was healed.
    pub not_running: Vec<NodeName>,
    /// Whether an end was asked for before the run was over.
    pub interrupted: bool,
    /// What ended the run because more happened than may.
    pub storm: Option<Storm>,
    /// The nodes whose processes ended by themselves, and how.
    pub died: Vec<(NodeName, String)>,
    /// Which part of the time all processors were busy while the cluster was to serve again, where that leaves too little.
    pub starved: Option<f64>,
    /// Whether a node told something of itself so late that its invariants were not judged from then on.
    pub is_deaf: bool,
    /// The phase that did not end in time, and why.
    pub stuck: Option<String>,
    /// What could not be taken away when the run was over.
    pub left: Vec<String>,
}

/// Who hears what nodes tell of themselves.
pub trait Watcher {
    /// A node told something.
    fn told(&mut self, event: &NodeEvent);

    /// A node told something for the judge of its invariants alone; such tellings come in the order of time.
    fn observed(&mut self, observation: &Observation);
}

/// What is handed to a target; `nodes` are those that there are, where the task is to go through one of them.
fn invocation<'t>(task: &'t Task, nodes: &[NodeName]) -> Invocation<'t> {
    let through = task.through.as_ref();
    let through = through.and_then(|name| nodes.iter().position(|node| node == name));
    Invocation {
        thread: task.thread,
        request_id: task.request_id,
        node: through.unwrap_or(task.node),
        stays: through.is_some(),
        f: &task.event.f,
        value: &task.event.value,
        extra: &task.event.extra,
        deadline_ns: task.deadline_ns,
    }
}

/// The nodes that do not run.
fn not_running(cluster: &mut dyn Cluster) -> Vec<NodeName> {
    let nodes = cluster.nodes().unwrap_or_default();
    nodes
        .into_iter()
        .filter(|node| !matches!(cluster.status(node), Ok(Status::Running)))
        .collect()
}
