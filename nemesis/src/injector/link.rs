//! Links that treat messages badly.
//!
//! **What may break.** Every message to and from some nodes comes late by a random time, or some are lost,
//! come twice, or overtake others. **How much.** Up to a quarter of a second of delay, half of the messages lost or
//! doubled, three quarters held back, on the links of any number of nodes; more in a script. Messages are
//! never altered. **Why it must be survived.** That is what a network does (RFC 791); the order and the
//! reliability of TCP end with the connection, and a store that reconnects sees all of it.
//!
//! **Streams.** *What may break:* a link carries a few kilobytes a second, or hands on what it carries in slices of a few
//! bytes; a connection is reset with all that is on it, or closed to the receiver while its sender goes on and does not
//! notice. *How much:* up to one message in twenty breaks its connection, on the links of any number of nodes. *Why it must
//! be survived:* routers and load balancers limit, split and drop connections, often one side of them alone; whoever takes
//! what one read returns for a message, or trusts that what was written arrives, shows here.

use rupture_targets::random::Stream;
use rupture_targets::{ClusterError, Link, LinkShape};

use super::probe::Looks;
use super::{Hand, Memory, Trouble};
use crate::fault::{Impossible, Targeting};
use crate::receipt::{Probe, Receipt};
use crate::targeting::select;

/// So many messages must be expected to suffer before it proves anything that none did.
const SURELY: u64 = 40;

pub(super) fn begin(
    hand: &mut Hand<'_>,
    receipt: &mut Receipt,
    (who, shape): (&Targeting, LinkShape),
    random: &mut Stream,
) -> Result<Probe, Trouble> {
    let scene = hand.scene(|_, _| Ok(true))?;
    let hit = select(who, &scene, random)?;
    for from in &scene.nodes {
        for to in scene.nodes.iter().filter(|to| *to != from) {
            let link = Link::new(from, to);
            let is_meant = hit.contains(from) || hit.contains(to);
            // A link that somebody else has shaped is not ours to set right.
            if is_meant && hand.cluster.link_shape(&link)?.is_clean() {
                receipt.links.push(link);
            }
        }
    }
    if receipt.links.is_empty() || shape.is_clean() {
        let reason = "there is no link to shape, or no shape".to_owned();
        return Err(Impossible::NobodyNow(reason).into());
    }
    receipt.nodes = hit;
    receipt.acted = true;
    for link in &receipt.links {
        hand.cluster.shape_link(link, shape)?;
    }
    Ok(all_have(hand, receipt, shape)?)
}

fn all_have(
    hand: &mut Hand<'_>,
    receipt: &Receipt,
    expected: LinkShape,
) -> Result<Probe, ClusterError> {
    let wanted = if expected.is_clean() {
        "clean".to_owned()
    } else {
        receipt.fault.to_string()
    };
    let mut looks = Looks::new("shape of every link that was hit", wanted);
    for link in &receipt.links {
        let shape = hand.cluster.link_shape(link)?;
        looks.see(link, format_args!("has {shape:?}"), shape == expected);
    }
    Ok(looks.probe(hand.now_ns))
}

/// Where every link of the cluster was hit, and so many messages were sent that some must have suffered, the
/// counters must show it. Where only some links were hit nobody knows how many messages those carried.
pub(super) fn before_end(
    hand: &mut Hand<'_>,
    receipt: &Receipt,
    memory: &Memory,
    shape: LinkShape,
) -> Result<Option<Probe>, ClusterError> {
    let nodes = hand.cluster.nodes()?.len();
    let Some(before) = memory.traffic else {
        return Ok(None);
    };
    if receipt.links.len() < nodes * nodes.saturating_sub(1) {
        return Ok(None);
    }
    let traffic = hand.cluster.traffic()?.since(&before);
    let mut looks = Looks::new("messages since the fault began", "some suffered");
    for (what, ppm, count) in [
        ("lost", shape.loss_ppm, traffic.lost),
        ("doubled", shape.duplicate_ppm, traffic.duplicated),
        // Whether anybody overtakes what is held back is up to those who send.
        ("held back", shape.reorder_ppm, traffic.held_back),
        ("reset", shape.reset_ppm, traffic.resets),
        // Once is enough where nobody notices: all that comes after goes nowhere.
        ("half-closed", shape.half_close_ppm, traffic.half_closes),
    ] {
        let expected = u128::from(traffic.sent) * u128::from(ppm) / 1_000_000;
        let is_silent = count == 0 && expected >= u128::from(SURELY);
        let seen = format!("{what} {count} of {}", traffic.sent);
        looks.see("links", seen, !is_silent);
    }
    Ok(Some(looks.probe(hand.now_ns)).filter(|probe| !probe.ok))
}

pub(super) fn undo(hand: &mut Hand<'_>, receipt: &Receipt) -> Option<ClusterError> {
    let mut first = None;
    for link in &receipt.links {
        if !hand.held.shaped.contains(link) {
            let result = hand.cluster.shape_link(link, LinkShape::default());
            first = first.or(result.err());
        }
    }
    first
}

pub(super) fn healed(hand: &mut Hand<'_>, receipt: &Receipt) -> Result<Probe, ClusterError> {
    all_have(hand, receipt, LinkShape::default())
}
