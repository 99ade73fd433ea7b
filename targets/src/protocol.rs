//! What one reference system differs in from the others: all that [`SimTarget`](crate::sim_target::SimTarget) asks of it.

use std::sync::Arc;

use rupture_protocols::store::Request;
use rupture_protocols::{Node, NodeId, Reply};
use serde::{Deserialize, Serialize};

use crate::observe::Told;
use crate::{Capability, ClusterError, RecoveryClaim, TargetError, TargetOptions};

/// Something that is asked of the cluster as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Change {
    /// Make this node a member; it runs already.
    Add(NodeId),
    /// Make it a member no longer, for ever.
    Remove(NodeId),
    /// Let it lead.
    HandOver(NodeId),
}

/// The members of the cluster after a change of which a node told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Members {
    /// Later changes have greater numbers.
    pub(crate) version: u64,
    pub(crate) nodes: Vec<NodeId>,
}

type Call<P> = <<P as Protocol>::Node as Node>::Call;
type Event<P> = <<P as Protocol>::Node as Node>::Event;

/// A reference system: its nodes speak the requests and replies of the reference store.
pub(crate) trait Protocol: Sized + 'static {
    /// One node.
    type Node: Node<Reply = Reply>;

    /// Its name on the command line.
    const NAME: &'static str;

    /// The system as the options tell it to be. Names were checked against those of its entry.
    ///
    /// # Errors
    /// Settings that contradict each other.
    fn told_by(options: &TargetOptions) -> Result<Self, TargetError>;

    /// A node as it is told to be, with nothing in its memory.
    fn node(&self, id: NodeId) -> Self::Node;

    /// A client's request, as a call.
    fn request(request: Request) -> Call<Self>;

    /// A change, as a call; `None` for one that it knows nothing of, whichever the node.
    fn change(change: Change) -> Option<Call<Self>>;

    /// Whether the node believes to lead; none ever does where nobody leads.
    fn leads(node: &Self::Node) -> bool;

    /// The members, if the event tells of them.
    fn members(event: &Event<Self>) -> Option<Members>;

    /// What the node told, for whoever watches it, if it is of interest.
    fn told(event: Event<Self>) -> Option<Arc<dyn Told>>;

    /// The node's metrics in Prometheus' text form.
    fn metrics(node: &Self::Node, name: &str) -> String;

    /// What it claims about serving again.
    fn recovery(&self) -> Option<RecoveryClaim>;
}

/// What has to be known of a system outside its nodes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traits {
    pub(crate) claim: Option<RecoveryClaim>,
    /// Whether nodes join and leave.
    pub(crate) is_elastic: bool,
    /// Whether another node can be asked to lead.
    pub(crate) hands_over: bool,
}

impl Traits {
    pub(crate) fn of<P: Protocol>(protocol: &P) -> Self {
        Self {
            claim: protocol.recovery(),
            is_elastic: P::change(Change::Add(0)).is_some(),
            hands_over: P::change(Change::HandOver(0)).is_some(),
        }
    }

    /// What its clusters can be asked to change.
    pub(crate) fn changes(self) -> impl Iterator<Item = Capability> {
        let membership = self.is_elastic.then_some(Capability::Membership);
        let transfer = self.hands_over.then_some(Capability::Transfer);
        membership.into_iter().chain(transfer)
    }

    /// Refuses a change that the protocol knows nothing of.
    ///
    /// # Errors
    /// It is none of [`Traits::changes`].
    pub(crate) fn allow(self, change: Change) -> Result<(), ClusterError> {
        let (is_known, action) = match change {
            Change::Add(_) => (self.is_elastic, "let a node join"),
            Change::Remove(_) => (self.is_elastic, "let a node go"),
            Change::HandOver(_) => (self.hands_over, "let another node lead"),
        };
        if is_known {
            Ok(())
        } else {
            Err(ClusterError::unsupported(action))
        }
    }
}
