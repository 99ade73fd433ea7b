//! Clocks that lie.
//!
//! **What may break.** A wall clock jumps once (`bump`) or to and fro (`strobe`); or both clocks of a node run
//! too fast or too slow (`drift`). A monotonic clock never jumps and never goes back. **How much.** Wall clocks
//! by any amount, on any number of nodes. Rates by one in a hundred as far as chance draws them, which is a
//! hundred times what a broken quartz does and less than what lease-based protocols usually allow for; a
//! script may go further than that, beyond what a target with leases promises to survive. **Why it must be
//! survived.** Clocks are set by hand, by virtual machines and by time daemons that panic; nothing that a
//! store answers may rest on a wall clock.

use rupture_targets::random::Stream;
use rupture_targets::{ClusterError, NodeName};

use super::probe::Looks;
use super::{Hand, Memory, Trouble};
use crate::fault::{Skew, Targeting};
use crate::receipt::{Probe, Receipt, State};
use crate::targeting::select;

/// A clock that is off by less counts as right: so exactly can a real one be measured.
const RIGHT_NS: u64 = 20_000_000;

pub(super) fn begin(
    hand: &mut Hand<'_>,
    receipt: &mut Receipt,
    memory: &mut Memory,
    (who, skew): (&Targeting, Skew),
    random: &mut Stream,
) -> Result<Option<Probe>, Trouble> {
    let scene = hand.scene(|hand, node| Ok(!hand.held.clocks.contains(node)))?;
    for node in select(who, &scene, random)? {
        let offset_ns = hand.cluster.clock_offset(&node)?;
        memory.offsets.insert(node.clone(), offset_ns);
        receipt.acted = true;
        receipt.nodes.push(node.clone());
        match skew {
            Skew::Bump { by_ns } | Skew::Strobe { by_ns, .. } => {
                hand.cluster.bump_clock(&node, by_ns)?;
            }
            Skew::Drift { ppm } => hand.cluster.drift_clock(&node, ppm)?,
        }
    }
    match skew {
        Skew::Bump { by_ns } | Skew::Strobe { by_ns, .. } => {
            moved(hand, receipt, memory, by_ns).map(Some)
        }
        // Where only offsets can be seen, time must show a wrong rate.
        Skew::Drift { ppm } => drifting(hand, receipt, ppm),
    }
}

/// Every clock must run too fast by this much, give or take a tenth. `None` where no rate can be seen.
fn drifting(hand: &mut Hand<'_>, receipt: &Receipt, ppm: i64) -> Result<Option<Probe>, Trouble> {
    let mut looks = Looks::new(
        "rate of every clock that was hit",
        format!("{ppm:+} ppm, about"),
    );
    for node in &receipt.nodes {
        let Some(seen) = hand.cluster.clock_drift(node)? else {
            return Ok(None);
        };
        let is_near = seen.abs_diff(ppm) <= ppm.unsigned_abs() / 10 + 1;
        looks.see(node, format_args!("runs at {seen:+} ppm"), is_near);
    }
    Ok(Some(looks.probe(hand.now_ns)))
}

/// A strobe jumps back, or forth again.
pub(super) fn tick(
    hand: &mut Hand<'_>,
    receipt: &mut Receipt,
    memory: &Memory,
    skew: Skew,
) -> Result<Option<Probe>, Trouble> {
    let Skew::Strobe { by_ns, .. } = skew else {
        return Ok(None);
    };
    let is_back = memory.ticks % 2 == 1;
    for node in &receipt.nodes {
        let jump_ns = if is_back {
            by_ns.saturating_neg()
        } else {
            by_ns
        };
        hand.cluster.bump_clock(node, jump_ns)?;
    }
    let expected_ns = if is_back { 0 } else { by_ns };
    let probe = moved(hand, receipt, memory, expected_ns)?;
    // The first jump is the proof; later ones are told of only when they fail.
    Ok(Some(probe).filter(|probe| !probe.ok))
}

/// By its end a drift has moved the wall clock.
pub(super) fn before_end(
    hand: &mut Hand<'_>,
    receipt: &mut Receipt,
    memory: &Memory,
    skew: Skew,
) -> Result<Option<Probe>, Trouble> {
    let Skew::Drift { ppm } = skew else {
        return Ok(None);
    };
    if receipt.state == State::Injected {
        // Its rate was seen.
        return Ok(None);
    }
    let lasted_ns = i128::from(hand.now_ns.saturating_sub(receipt.began_ns));
    let by_ns = lasted_ns * i128::from(ppm) / 1_000_000;
    let by_ns = i64::try_from(by_ns).unwrap_or(i64::MAX);
    let mut probe = moved(hand, receipt, memory, by_ns)?;
    if by_ns.unsigned_abs() <= Skew::LEAST_JUMP_NS {
        // A clock that runs right would look the same.
        probe.ok = false;
        probe.seen = format!("{by_ns} ns were to be gained, too little to be told from none");
    }
    Ok(Some(probe))
}

/// Every wall clock must have moved by this much, give or take a fifth, since the fault began.
fn moved(
    hand: &mut Hand<'_>,
    receipt: &Receipt,
    memory: &Memory,
    by_ns: i64,
) -> Result<Probe, Trouble> {
    let mut looks = Looks::new(
        "offset of every wall clock that was hit",
        format!("moved by about {by_ns} ns"),
    );
    let slack_ns = (by_ns.unsigned_abs() / 5).clamp(Skew::LEAST_JUMP_NS, RIGHT_NS);
    for node in &receipt.nodes {
        let before_ns = memory.offsets.get(node).copied().unwrap_or_default();
        let moved_ns = hand.cluster.clock_offset(node)?.saturating_sub(before_ns);
        let is_near = moved_ns.abs_diff(by_ns) <= slack_ns;
        looks.see(node, format_args!("moved by {moved_ns} ns"), is_near);
    }
    Ok(looks.probe(hand.now_ns))
}

pub(super) fn undo(hand: &mut Hand<'_>, receipt: &Receipt) -> Option<ClusterError> {
    let mut first = None;
    for node in ours(hand, receipt) {
        first = first.or(hand.cluster.reset_clock(&node).err());
    }
    first
}

pub(super) fn healed(hand: &mut Hand<'_>, receipt: &Receipt) -> Result<Probe, ClusterError> {
    let mut looks = Looks::new("offset of every wall clock that was hit", "none");
    for node in &receipt.nodes {
        let is_held = hand.held.clocks.contains(node);
        let offset_ns = hand.cluster.clock_offset(node)?;
        let is_right = is_held || offset_ns.unsigned_abs() <= RIGHT_NS;
        looks.see(node, format_args!("is off by {offset_ns} ns"), is_right);
    }
    Ok(looks.probe(hand.now_ns))
}

fn ours(hand: &Hand<'_>, receipt: &Receipt) -> Vec<NodeName> {
    let is_held = |node: &NodeName| hand.held.clocks.contains(node);
    receipt
        .nodes
        .iter()
        .filter(|node| !is_held(node))
        .cloned()
        .collect()
}
