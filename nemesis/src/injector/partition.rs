//! Partitions.
//!
//! **What may break.** Messages between two nodes are dropped, in one direction or both, from one moment to
//! another. Clients reach every node all the while. **How much.** Any set of links, so that no node, one node,
//! a majority or nobody has a quorum. **Why it must be survived.** Switches fail, firewalls are
//! misconfigured, cables are half broken: no protocol may answer wrongly because messages are lost, and one
//! that claims availability must go on where a majority hears each other both ways. Bailis & Kingsbury, *The
//! Network is Reliable* (2014), collect such failures.

use std::collections::{BTreeMap, BTreeSet};

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
    let reached = hand.cluster.reach_all(&wanted)?;
    for (link, is_open) in wanted.into_iter().zip(reached) {
        // A link that somebody else has cut is not ours to mend.
        if is_open || hand.held.cut.contains(&link) {
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
    let mut links = Vec::new();
    for from in nodes {
        let others = nodes.iter().filter(|to| *to != from);
        links.extend(others.map(|to| Link::new(from, to)));
    }
    let reached = hand.cluster.reach_all(&links)?;
    let open = links
        .into_iter()
        .zip(reached)
        .filter(|(_, is_open)| *is_open);
    Ok(open.map(|(link, _)| link).collect())
}

/// The links that were cut must not carry anything, and the others must carry what they did.
fn look(hand: &mut Hand<'_>, receipt: &Receipt, before: &BTreeSet<Link>) -> Result<Probe, Trouble> {
    let cut: BTreeSet<&Link> = receipt.links.iter().collect();
    let mut looks = Looks::new(
        "reach over every link",
        format!("{} cut, all others as before", cut.len()),
    );
    let others = before.iter().filter(|link| !cut.contains(link));
    let others: Vec<Link> = others.cloned().collect();
    for (link, reached) in receipt
        .links
        .iter()
        .zip(hand.cluster.reach_all(&receipt.links)?)
    {
        looks.see(link, "still reaches", !reached);
    }
    for (link, reached) in others.iter().zip(hand.cluster.reach_all(&others)?) {
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
    let free: Vec<Link> = to_mend(hand, receipt);
    let reached = hand.cluster.reach_all(&free)?;
    let reached: BTreeMap<&Link, bool> = free.iter().zip(reached).collect();
    for link in &receipt.links {
        // One that another fault holds cut is not asked.
        let is_whole = reached.get(link).copied().unwrap_or(true);
        looks.see(link, "does not reach", is_whole);
    }
    Ok(looks.probe(hand.now_ns))
}
