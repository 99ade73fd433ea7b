//! Leaders that hand over.
//!
//! **What may break.** Nothing: the cluster is asked to let another node lead, while other faults come and go.
//! **How much.** One node at a time, asked once. **Why it must be survived.** Operators move leadership before every
//! restart and every upgrade (Ongaro's thesis, section 3.10), and it is a change of leader without the silence that
//! precedes all others: two nodes act on one moment.
//!
//! Only time shows whether the cluster does as it was asked; one that has no quorum just then may not, and that is
//! no fault of it. There is nothing to undo but to see that somebody leads afterwards.

use rupture_targets::random::Stream;
use rupture_targets::{ClusterError, NodeName};

use super::probe::Looks;
use super::{Hand, Trouble};
use crate::fault::{Impossible, Targeting};
use crate::receipt::{Probe, Receipt};
use crate::targeting::select;

pub(super) fn begin(
    hand: &mut Hand<'_>,
    receipt: &mut Receipt,
    who: &Targeting,
    random: &mut Stream,
) -> Result<(), Trouble> {
    let members = hand.cluster.members()?;
    let primaries = hand.cluster.primaries()?;
    if primaries.is_empty() {
        let reason = "no node leads now, so none can hand over".to_owned();
        return Err(Impossible::NobodyNow(reason).into());
    }
    let scene = hand.scene(|hand, node| {
        let is_able = members.contains(node) && !primaries.contains(node);
        Ok(is_able && hand.runs_free(node)?)
    })?;
    let mut chosen = select(who, &scene, random)?;
    chosen.truncate(1);
    for node in chosen {
        hand.cluster.hand_over(&node)?;
        receipt.acted = true;
        receipt.nodes.push(node);
    }
    Ok(())
}

/// Whether the node leads; told once it does.
pub(super) fn tick(hand: &mut Hand<'_>, receipt: &Receipt) -> Result<Option<Probe>, Trouble> {
    let primaries = hand.cluster.primaries()?;
    let mut looks = Looks::new("nodes that say they lead", "the node that was chosen");
    for node in &receipt.nodes {
        looks.see(node, "does not lead", primaries.contains(node));
    }
    Ok(Some(looks.probe(hand.now_ns)).filter(|probe| probe.ok))
}

pub(super) fn healed(hand: &mut Hand<'_>) -> Result<Probe, ClusterError> {
    let primaries = hand.cluster.primaries()?;
    let names: Vec<&str> = primaries.iter().map(NodeName::as_str).collect();
    let mut looks = Looks::new("nodes that say they lead", "some node");
    let seen = if names.is_empty() {
        "none does".to_owned()
    } else {
        names.join(", ")
    };
    looks.see("the cluster:", seen, !names.is_empty());
    Ok(looks.probe(hand.now_ns))
}
