//! Nodes that join and leave.
//!
//! **What may break.** Nothing: the cluster is asked to take in a node with an empty disk, or to let one go,
//! while other faults come and go. **How much.** One node at a time, and never so that the last one goes; the
//! opposite change undoes it, so that the cluster ends with as many nodes as it began with. **Why it must be
//! survived.** Machines are replaced. A change of membership is where quorums change, and where Raft's own
//! first version was wrong (Ongaro, *Bug in single-server membership changes*, raft-dev, 2015).
//!
//! Only time shows whether the cluster does as it was asked; a cluster without a quorum may not, and that is
//! no fault of it.

use rupture_targets::ClusterError;
use rupture_targets::random::Stream;

use super::probe::Looks;
use super::{Hand, Trouble};
use crate::fault::Change;
use crate::receipt::{Probe, Receipt};
use crate::targeting::select;

pub(super) fn begin(
    hand: &mut Hand<'_>,
    receipt: &mut Receipt,
    change: &Change,
    random: &mut Stream,
) -> Result<(), Trouble> {
    match change {
        Change::Grow => {
            receipt.acted = true;
            receipt.nodes.push(hand.cluster.grow()?);
        }
        Change::Shrink { who } => {
            // Whoever is on the way in or out has a change to wait for already.
            let members = hand.cluster.members()?;
            let scene = hand.scene(|hand, node| {
                let is_settled = members.contains(node) && !hand.held.sent_away.contains(node);
                Ok(is_settled && hand.runs_free(node)?)
            })?;
            let mut chosen = select(who, &scene, random)?;
            chosen.truncate(1);
            for node in chosen {
                hand.cluster.shrink(&node)?;
                receipt.acted = true;
                receipt.nodes.push(node);
            }
        }
    }
    Ok(())
}

pub(super) fn tick(
    hand: &mut Hand<'_>,
    receipt: &Receipt,
    change: &Change,
) -> Result<Option<Probe>, Trouble> {
    let is_member = matches!(change, Change::Grow);
    let mut looks = members(is_member);
    let members = hand.cluster.members()?;
    for node in &receipt.nodes {
        look(&mut looks, node, members.contains(node), is_member);
    }
    Ok(Some(looks.probe(hand.now_ns)).filter(|probe| probe.ok))
}

fn members(is_member: bool) -> Looks {
    let expected = if is_member { "a member" } else { "no member" };
    Looks::new("members, as the cluster knows them", expected)
}

fn look(looks: &mut Looks, node: &rupture_targets::NodeName, is: bool, must_be: bool) {
    let seen = if is { "is a member" } else { "is no member" };
    looks.see(node, seen, is == must_be);
}

/// Asks for the opposite change.
pub(super) fn undo(hand: &mut Hand<'_>, receipt: &mut Receipt) -> Option<ClusterError> {
    let is_growth = is_growth(receipt);
    if is_growth {
        let mut first = None;
        for node in &receipt.nodes {
            first = first.or(hand.cluster.shrink(node).err());
        }
        return first;
    }
    if receipt.replacement.is_some() {
        return None;
    }
    match hand.cluster.grow() {
        Ok(node) => {
            receipt.replacement = Some(node);
            None
        }
        Err(error) => Some(error),
    }
}

fn is_growth(receipt: &Receipt) -> bool {
    matches!(
        receipt.fault,
        crate::fault::Fault::Membership {
            change: Change::Grow
        }
    )
}

pub(super) fn healed(hand: &mut Hand<'_>, receipt: &Receipt) -> Result<Probe, ClusterError> {
    let is_growth = is_growth(receipt);
    let mut looks = members(!is_growth);
    let members = hand.cluster.members()?;
    let nodes = hand.cluster.nodes()?;
    let changed = if is_growth {
        receipt.nodes.as_slice()
    } else {
        receipt.replacement.as_slice()
    };
    for node in changed {
        let is_member = if is_growth {
            // A node that is still on its way in has not left.
            members.contains(node) || nodes.contains(node)
        } else {
            // A node that joined may have left again, for another fault.
            members.contains(node) || hand.held.sent_away.contains(node)
        };
        look(&mut looks, node, is_member, !is_growth);
    }
    Ok(looks.probe(hand.now_ns))
}
