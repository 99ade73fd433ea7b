//! What a nemesis may do to a cluster, whatever world is behind it.
//!
//! The trait is synchronous and object-safe. Every method does one thing and says whether it could; none of
//! them waits for a protocol to react, because in the simulator time stands still while they run. What a
//! method has done is asked of the probes ([`Cluster::status`], [`Cluster::reach`], [`Cluster::link_shape`],
//! [`Cluster::clock_offset`], [`Cluster::members`]), which look at the world and not at what was ordered.
//!
//! Deliberately absent: whole faults (a partition is a set of cut links, made by the nemesis), waiting, and
//! any judgement.

use std::collections::BTreeSet;
use std::fmt;

pub use rupture_protocols::sim::DiskFault;
use serde::{Deserialize, Serialize};

use crate::{NodeName, words};

words! {
    /// What a world is able to do. A fault that needs more is refused before anything starts.
    pub enum Capability {
        /// Kill a process and start it again.
        Kill = "kill",
        /// Take the power away, so that only what was synced survives.
        PowerLoss = "power-loss",
        /// Take the power away in the middle of a write, so that the last record is torn.
        TornWrite = "torn-write",
        /// Pause a process and resume it.
        Pause = "pause",
        /// Cut and mend links, one way each.
        Cut = "cut",
        /// Delay, lose, duplicate and reorder messages of a link.
        ShapeLink = "shape-link",
        /// Limit, slice, reset and half-close the stream of a link.
        BreakStream = "break-stream",
        /// Make a wall clock jump.
        BumpClock = "bump-clock",
        /// Make a clock run too fast or too slow.
        DriftClock = "drift-clock",
        /// Add a node to the cluster and take one away.
        Membership = "membership",
        /// Ask the cluster to let another node lead.
        Transfer = "transfer",
        /// Make the syncs of a disk slow.
        SlowDisk = "slow-disk",
        /// Make a disk full, and its writes, syncs and reads fail.
        FailDisk = "fail-disk",
        /// Flip one bit of what the disk of a stopped node holds.
        FlipBit = "flip-bit",
        /// Run a command on a node.
        Run = "run",
    }
}

/// A set of [`Capability`].
pub type Capabilities = BTreeSet<Capability>;

/// One direction between two nodes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Link {
    /// The sender.
    pub from: NodeName,
    /// The receiver.
    pub to: NodeName,
}

impl Link {
    /// The link from one node to another.
    pub fn new(from: &NodeName, to: &NodeName) -> Self {
        Self {
            from: from.clone(),
            to: to.clone(),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.from, self.to)
    }
}

/// What survives the death of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// All that was written: the process dies, the operating system lives and still writes its cache.
    Written,
    /// Only what was synced: the power fails.
    Synced,
    /// What was synced and a part of what was not, the last record of it torn: the power fails during a
    /// write.
    Torn,
}

/// What a death cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Records that were written and not synced, and are gone.
    pub records_lost: u64,
    /// Whether the first of them was torn.
    pub torn: bool,
}

/// What a node's process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It runs.
    Running,
    /// It exists, and takes no step.
    Paused,
    /// There is none.
    Stopped,
}

impl Status {
    /// The word for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }
}

/// How a link treats messages beyond what it does when nobody meddles. The default meddles with nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinkShape {
    /// Added to the delay of every message.
    pub delay_ns: u64,
    /// A random part of the added delay, uniform from 0 to this.
    pub jitter_ns: u64,
    /// How many of a million messages are lost.
    pub loss_ppm: u32,
    /// How many of a million messages arrive twice.
    pub duplicate_ppm: u32,
    /// How many of a million messages are held back until later ones have overtaken them.
    pub reorder_ppm: u32,
    /// How many bytes a second the link carries at most; 0 sets no limit.
    pub rate_bytes_s: u64,
    /// In pieces of how many bytes it hands on what it carries; 0 hands it on whole.
    pub slice_bytes: u32,
    /// With how many of a million messages the connection is reset, and all that is on it lost.
    pub reset_ppm: u32,
    /// With how many of a million messages the connection is closed to the receiver, and still read from the sender, who
    /// does not notice.
    pub half_close_ppm: u32,
}

impl LinkShape {
    /// Whether it breaks a stream of bytes, which takes [`Capability::BreakStream`]: a world that carries whole messages
    /// cannot.
    pub fn breaks_stream(&self) -> bool {
        self.rate_bytes_s > 0
            || self.slice_bytes > 0
            || self.reset_ppm > 0
            || self.half_close_ppm > 0
    }

    /// Whether it meddles with nothing.
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}

/// What has become of the messages between nodes since the run began, on all links together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Traffic {
    /// Messages that were handed to links.
    pub sent: u64,
    /// Messages that cut links swallowed.
    pub blocked: u64,
    /// Messages that were lost by chance.
    pub lost: u64,
    /// Messages that arrived twice.
    pub duplicated: u64,
    /// Messages that were held back for later ones to overtake them.
    pub held_back: u64,
    /// Messages that overtook others.
    pub reordered: u64,
    /// Connections that were reset by chance, each with all that was on it.
    pub resets: u64,
    /// Connections that were closed to the receiver by chance, each with all that came after.
    pub half_closes: u64,
}

impl Traffic {
    /// What was counted since an earlier count.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(earlier.sent),
            blocked: self.blocked.saturating_sub(earlier.blocked),
            lost: self.lost.saturating_sub(earlier.lost),
            duplicated: self.duplicated.saturating_sub(earlier.duplicated),
            held_back: self.held_back.saturating_sub(earlier.held_back),
            reordered: self.reordered.saturating_sub(earlier.reordered),
            resets: self.resets.saturating_sub(earlier.resets),
            half_closes: self.half_closes.saturating_sub(earlier.half_closes),
        }
    }
}

/// Why a cluster did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// This world cannot do that at all.
    #[error("this world cannot {action}")]
    Unsupported {
        /// What was asked, as a verb.
        action: String,
    },
    /// There is no such node.
    #[error("no node is called {node}; there are {}", list(.known))]
    UnknownNode {
        /// The name that was asked for.
        node: NodeName,
        /// The names that there are.
        known: Vec<NodeName>,
    },
    /// The node is not in a state in which this can be done.
    #[error("cannot {action} {node}: it is {}", .status.name())]
    WrongStatus {
        /// What was asked, as a verb.
        action: String,
        /// Of which node.
        node: NodeName,
        /// What it does instead.
        status: Status,
    },
    /// The world tried and could not.
    #[error("cannot {action}: {reason}")]
    Failed {
        /// What was asked, as a verb.
        action: String,
        /// What stood in the way.
        reason: String,
    },
}

fn list(names: &[NodeName]) -> String {
    let names: Vec<&str> = names.iter().map(NodeName::as_str).collect();
    names.join(", ")
}

impl ClusterError {
    /// This world cannot do that.
    pub(crate) fn unsupported(action: &str) -> Self {
        Self::Unsupported {
            action: action.to_owned(),
        }
    }

    /// It tried and could not.
    pub(crate) fn failed(action: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self::Failed {
            action: action.into(),
            reason: reason.to_string(),
        }
    }

    /// This leads from a node to itself.
    pub(crate) fn no_link(link: &Link) -> Self {
        Self::failed(
            format!("find the link {link}"),
            "a node has no link to itself",
        )
    }

    /// Nobody would stay.
    pub(crate) fn last_node(name: &NodeName) -> Self {
        Self::failed(format!("let {name} go"), "it is the last node")
    }

    /// Nobody could hand over to it.
    pub(crate) fn no_leader(to: &NodeName) -> Self {
        Self::failed(format!("let {to} lead"), "no node leads now")
    }
}

/// A cluster under test, as its nemesis sees it.
pub trait Cluster {
    /// What this world is able to do.
    fn capabilities(&self) -> Capabilities;

    /// Every node that is or will be a member again, running or not, in order. A node that was taken out
    /// of the cluster is not among them.
    ///
    /// # Errors
    /// The world cannot say.
    fn nodes(&mut self) -> Result<Vec<NodeName>, ClusterError>;

    /// The nodes that the cluster itself counts as members now, as its primary, or failing that most of its
    /// nodes, know it; in order.
    ///
    /// # Errors
    /// The world cannot say.
    fn members(&mut self) -> Result<Vec<NodeName>, ClusterError>;

    /// The nodes that believe to be primary (leader) now: none, one, or for a while several; in order.
    ///
    /// # Errors
    /// The world cannot say.
    fn primaries(&mut self) -> Result<Vec<NodeName>, ClusterError>;

    /// Probe: what the node's process does.
    ///
    /// # Errors
    /// An unknown node, or the world cannot say.
    fn status(&mut self, node: &NodeName) -> Result<Status, ClusterError>;

    /// Ends the node's process at once, and tells what its disk lost.
    ///
    /// # Errors
    /// An unknown node, one without a process, or a kind of loss that this world cannot make.
    fn kill(&mut self, node: &NodeName, keep: Keep) -> Result<Loss, ClusterError>;

    /// Orders the node's process to end in the middle of one of its next writes, where it hurts most, and
    /// after `within_ns` at the latest. [`Cluster::last_loss`] forgets what it knew of the node, and shows when it
    /// has happened.
    ///
    /// # Errors
    /// An unknown node, one that does not run, or a kind of loss that this world cannot make.
    fn kill_amid(
        &mut self,
        node: &NodeName,
        keep: Keep,
        within_ns: u64,
    ) -> Result<(), ClusterError>;

    /// Calls off what [`Cluster::kill_amid`] has ordered and what has not happened yet; without an order this
    /// changes nothing.
    ///
    /// # Errors
    /// An unknown node.
    fn call_off(&mut self, node: &NodeName) -> Result<(), ClusterError>;

    /// Probe: what the node's disk lost when its process was last killed by [`Cluster::kill`] or
    /// [`Cluster::kill_amid`]; `None` if it never was, or not since the last order of [`Cluster::kill_amid`]. The
    /// end of a process that leaves the cluster does not count.
    ///
    /// # Errors
    /// An unknown node, or the world cannot say.
    fn last_loss(&mut self, node: &NodeName) -> Result<Option<Loss>, ClusterError>;

    /// Starts the node's process with what its disk kept.
    ///
    /// # Errors
    /// An unknown node, or one with a process.
    fn start(&mut self, node: &NodeName) -> Result<(), ClusterError>;

    /// Stops the node's process from taking steps; what is sent to it waits.
    ///
    /// # Errors
    /// An unknown node, or one that does not run.
    fn pause(&mut self, node: &NodeName) -> Result<(), ClusterError>;

    /// Lets a paused process go on.
    ///
    /// # Errors
    /// An unknown node, or one that is not paused.
    fn resume(&mut self, node: &NodeName) -> Result<(), ClusterError>;

    /// Cuts links. Cutting a link twice is the same as once.
    ///
    /// # Errors
    /// An unknown node; then some of the links may be cut.
    fn cut(&mut self, links: &[Link]) -> Result<(), ClusterError>;

    /// Mends cut links. Mending a whole link changes nothing.
    ///
    /// # Errors
    /// An unknown node; then some of the links may be mended.
    fn mend(&mut self, links: &[Link]) -> Result<(), ClusterError>;

    /// Probe: whether a message of one node can arrive at another, both running or not.
    ///
    /// # Errors
    /// An unknown node, or the world cannot say.
    fn reach(&mut self, link: &Link) -> Result<bool, ClusterError>;

    /// Probe: the same for several links, in their order. A world that has to wait for messages waits for all at once.
    ///
    /// # Errors
    /// An unknown node, or the world cannot say.
    fn reach_all(&mut self, links: &[Link]) -> Result<Vec<bool>, ClusterError> {
        links.iter().map(|link| self.reach(link)).collect()
    }

    /// Sets how a link treats messages; [`LinkShape::default`] leaves it alone again.
    ///
    /// # Errors
    /// An unknown node, or a shape that this world cannot make.
    fn shape_link(&mut self, link: &Link, shape: LinkShape) -> Result<(), ClusterError>;

    /// Probe: the shape in force on a link, as the world reports it.
    ///
    /// # Errors
    /// An unknown node, or the world cannot say.
    fn link_shape(&mut self, link: &Link) -> Result<LinkShape, ClusterError>;

    /// Probe: what has become of the messages between nodes so far.
    ///
    /// # Errors
    /// The world does not count them.
    fn traffic(&mut self) -> Result<Traffic, ClusterError>;

    /// Sets what the node's disk does wrong from now on, also over restarts of its process; [`DiskFault::default`] ends
    /// it. A node whose disk fails ends its process rather than to go on without what it wrote.
    ///
    /// # Errors
    /// An unknown node, or a fault that this world cannot make.
    fn disk_fault(&mut self, node: &NodeName, fault: DiskFault) -> Result<(), ClusterError> {
        let _ = (node, fault);
        Err(ClusterError::unsupported("make disks fail"))
    }

    /// Probe: what the node's disk does wrong now.
    ///
    /// # Errors
    /// An unknown node, or the world cannot say.
    fn disk(&mut self, node: &NodeName) -> Result<DiskFault, ClusterError> {
        let _ = node;
        Err(ClusterError::unsupported("look at disks"))
    }

    /// Flips this bit of what the disk of a stopped node holds, counted from its beginning, or a random one; tells
    /// which it was. Twice the same bit is as never.
    ///
    /// # Errors
    /// An unknown node, one with a process, a disk without such a bit, or a world that cannot do it.
    fn flip_bit(&mut self, node: &NodeName, bit: Option<u64>) -> Result<u64, ClusterError> {
        let _ = (node, bit);
        Err(ClusterError::unsupported("flip bits"))
    }

    /// Probe: a digest of all that the disk of a stopped node holds.
    ///
    /// # Errors
    /// An unknown node, one with a process, or the world cannot say.
    fn disk_digest(&mut self, node: &NodeName) -> Result<u64, ClusterError> {
        let _ = node;
        Err(ClusterError::unsupported("look at what disks hold"))
    }

    /// Probe: how far the node's wall clock is ahead of true time, in nanoseconds.
    ///
    /// # Errors
    /// An unknown node, or the world cannot say.
    fn clock_offset(&mut self, node: &NodeName) -> Result<i64, ClusterError>;

    /// Probe: by how many millionths the node's clocks run too fast now; `None` in a world where only their offsets
    /// can be seen.
    ///
    /// # Errors
    /// An unknown node, or the world cannot say.
    fn clock_drift(&mut self, node: &NodeName) -> Result<Option<i64>, ClusterError> {
        let _ = node;
        Ok(None)
    }

    /// Makes the node's wall clock jump by this much.
    ///
    /// # Errors
    /// An unknown node.
    fn bump_clock(&mut self, node: &NodeName, by_ns: i64) -> Result<(), ClusterError>;

    /// Makes both clocks of the node run this many millionths too fast (or, if negative, too slow) from now
    /// on. This replaces an earlier drift.
    ///
    /// # Errors
    /// An unknown node.
    fn drift_clock(&mut self, node: &NodeName, ppm: i64) -> Result<(), ClusterError>;

    /// Ends the drift and sets the node's wall clock to true time. Its monotonic clock keeps what it has
    /// gained or lost, as it must.
    ///
    /// # Errors
    /// An unknown node.
    fn reset_clock(&mut self, node: &NodeName) -> Result<(), ClusterError>;

    /// Starts a new node, asks the cluster to take it in, and keeps asking. The answer is its name, at once;
    /// [`Cluster::members`] shows when the cluster has done it.
    ///
    /// # Errors
    /// The world cannot do it.
    fn grow(&mut self) -> Result<NodeName, ClusterError>;

    /// Asks the cluster to let a node go, and keeps asking. [`Cluster::members`] shows when it has; then its
    /// process is stopped, and it is no longer one of [`Cluster::nodes`].
    ///
    /// # Errors
    /// An unknown node, or the last one.
    fn shrink(&mut self, node: &NodeName) -> Result<(), ClusterError>;

    /// Asks the cluster, once, to let a node lead. [`Cluster::primaries`] shows when it has; a cluster that cannot just
    /// then may never do it.
    ///
    /// # Errors
    /// An unknown node, no primary that could hand over, or a world that cannot do it.
    fn hand_over(&mut self, to: &NodeName) -> Result<(), ClusterError>;

    /// Runs a command on a node and returns what it printed.
    ///
    /// # Errors
    /// An unknown node, a command that failed, or a world without commands.
    fn run(&mut self, node: &NodeName, command: &str) -> Result<String, ClusterError>;
}
