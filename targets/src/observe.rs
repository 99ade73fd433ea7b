//! What nodes tell of themselves, as plain data: the line of a log, and the observation that a checker of
//! invariants wants.
//!
//! Both are made only when somebody asks, so that a run that keeps no logs pays nothing for them. Targets do
//! not know who judges; the controller hands observations on.

use std::fmt::Debug;
use std::sync::Arc;

use rupture_history::observation::Observation;
use rupture_protocols::NodeId;

/// One thing that a node told.
#[derive(Clone, Debug)]
pub struct NodeEvent {
    /// When, in true virtual time.
    pub at_ns: u64,
    /// The node, by its number from 0.
    pub node: u32,
    wall_ns: u64,
    told: Arc<dyn Told>,
}

/// What a node of some protocol told.
pub(crate) trait Told: Debug + Send + Sync {
    /// The line of its log: one JSON object, without the end of the line.
    fn line(&self, node: NodeId, wall_ns: u64) -> String;

    /// What a checker of invariants wants to know of it.
    fn observation(&self, at_ns: u64, node: NodeId) -> Option<Observation>;
}

/// A line that is one already.
#[derive(Debug)]
struct Line(String);

impl Told for Line {
    fn line(&self, _: NodeId, _: u64) -> String {
        self.0.clone()
    }

    fn observation(&self, _: u64, _: NodeId) -> Option<Observation> {
        None
    }
}

impl NodeEvent {
    pub(crate) fn new(at_ns: u64, node: u32, wall_ns: u64, told: Arc<dyn Told>) -> Self {
        Self {
            at_ns,
            node,
            wall_ns,
            told,
        }
    }

    /// A line of a log, as a process wrote it.
    pub(crate) fn of_line(at_ns: u64, node: u32, line: &str) -> Self {
        Self::new(at_ns, node, 0, Arc::new(Line(line.to_owned())))
    }

    /// The line of the node's log: one JSON object, without the end of the line. Its time is what the node's
    /// own wall clock shows.
    pub fn line(&self) -> String {
        self.told.line(self.node, self.wall_ns)
    }

    /// What a checker of invariants wants to know of it; `None` for what concerns no invariant.
    pub fn observation(&self) -> Option<Observation> {
        self.told.observation(self.at_ns, self.node)
    }
}
