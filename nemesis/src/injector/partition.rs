//! Partitions.
//!
//! **What may break.** Messages between two nodes are dropped, in one direction or both, from one moment to
//! another. Clients reach every node all the while. **How much.** Any set of links, so that no node, one node,
//! a majority or nobody has a quorum. **Why it must be survived.** Switches fail, firewalls are
//! misconfigured, cables are half broken: no protocol may answer wrongly because messages are lost, and one
//! that claims availability must go on where a majority hears each other both ways. Bailis & Kingsbury, *The
//! Network is Reliable* (2014), collect such failures.

use std::collections::BTreeSet;

use rupture_targets::random::Stream;
use rupture_targets::{ClusterError, Link};

use super::probe::Looks;
use super::{Hand, Trouble};
use crate::fault::{Impossible, Shape};
use crate::receipt::{Probe, Receipt};
use crate::shape::cuts;

/// In a cluster of more nodes only the links that were cut are looked at.
const LOOK_AT_ALL: usize = 32;

pub(super) fn begin(
    hand: &mut Hand<'_>,
    receipt: &mut Receipt,
    shape: Shape,
    random: &mut Stream,
) -> Result<Probe, Trouble> {
    let nodes = hand.cluster.nodes()?;
    let primaries = hand.cluster.primaries()?;
    let wanted = cuts(shape, &nodes, &primaries, random)?;
    let mut ours = Vec::new();
    for link in wanted {
        // A link that somebody else has cut is not ours to mend.
        if hand.held.cut.contains(&link) || hand.cluster.reach(&link)? {
            ours.push(link);
        }
    }
    if ours.is_empty() {
        let reason = "every link that it would cut is cut already".to_owned();
        return Err(Impossible::NobodyNow(reason).into());
    }
    let before = if nodes.len() <= LOOK_AT_ALL {
        open_links(hand, &nodes)?
    } else {
        BTreeSet::new()
    };
    let hit: BTreeSet<_> = ours
        .iter()
        .flat_map(|link| [&link.from, &link.to])
        .collect();
    receipt.nodes = hit.into_iter().cloned().collect();
    receipt.links = ours;
    receipt.acted = true;
    hand.cluster.cut(&receipt.links)?;
    look(hand, receipt, &before)
}

fn open_links(
    hand: &mut Hand<'_>,
    nodes: &[rupture_targets::NodeName],
) -> Result<BTreeSet<Link>, ClusterError> {
    let mut open = BTreeSet::new();
    for from in nodes {
        for to in nodes.iter().filter(|to| *to != from) {
            let link = Link::new(from, to);
            if hand.cluster.reach(&link)? {
                open.insert(link);
            }
        }
    }
    Ok(open)
}

/// The links that were cut must not carry anything, and the others must carry what they did.
fn look(hand: &mut Hand<'_>, receipt: &Receipt, before: &BTreeSet<Link>) -> Result<Probe, Trouble> {
    let cut: BTreeSet<&Link> = receipt.links.iter().collect();
    let mut looks = Looks::new(
        "reach over every link",
        format!("{} cut, all others as before", cut.len()),
    );
    for link in &receipt.links {
        let reached = hand.cluster.reach(link)?;
        looks.see(link, "still reaches", !reached);
    }
    for link in before.iter().filter(|link| !cut.contains(link)) {
        let reached = hand.cluster.reach(link)?;
        looks.see(link, "does not reach any more", reached);
    }
    Ok(looks.probe(hand.now_ns))
}

/// The links that only this fault holds cut.
fn to_mend(hand: &Hand<'_>, receipt: &Receipt) -> Vec<Link> {
    let is_held = |link: &&Link| hand.held.cut.contains(*link);
    receipt
        .links
        .iter()
        .filter(|link| !is_held(link))
        .cloned()
        .collect()
}

pub(super) fn undo(hand: &mut Hand<'_>, receipt: &Receipt) -> Option<ClusterError> {
    let links = to_mend(hand, receipt);
    hand.cluster.mend(&links).err()
}

pub(super) fn healed(hand: &mut Hand<'_>, receipt: &Receipt) -> Result<Probe, ClusterError> {
    let mut looks = Looks::new("reach over every link that was cut", "all reach");
    for link in &receipt.links {
        let is_held = hand.held.cut.contains(link);
        let reached = is_held || hand.cluster.reach(link)?;
        looks.see(link, "does not reach", reached);
    }
    Ok(looks.probe(hand.now_ns))
}
