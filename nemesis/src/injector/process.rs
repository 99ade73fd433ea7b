//! Processes that die or stand still, and disks that forget when the power fails.
//!
//! **Kill.** *What may break:* a process ends at any moment; what it wrote to its files survives, synced or
//! not, because the operating system lives. *How much:* any number of processes at once, all of them too, and
//! each starts again later with its disk. *Why it must be survived:* processes are killed for memory, crash,
//! and are deployed anew every day.
//!
//! **Power.** *What may break:* the process ends in the middle of a write, and of what it wrote only the
//! synced part is sure to survive (`lost-writes`); or a prefix of the rest survives too and the record after it
//! is torn (`torn`). What was synced is never lost: no protocol with a fixed quorum survives that on a
//! majority. *How much:* any number of nodes at once, all of them too, as when a whole rack loses power. *Why
//! it must be survived:* a store that acknowledges before it has synced loses acknowledged writes here and
//! nowhere else (Pillai et al., *All File Systems Are Not Created Equal*, 2014; Ganesan et al., *Redundancy
//! Does Not Imply Fault Tolerance*, 2017).
//!
//! **Pause.** *What may break:* a process takes no step for a while and then goes on as if no time had passed,
//! while its clocks have gone on. *How much:* any number of processes. *Why it must be survived:* garbage
//! collectors, virtual machines and full disks do that; a leader that wakes up must notice that it no longer
//! is one before it answers.

use std::collections::BTreeMap;

use rupture_targets::random::Stream;
use rupture_targets::{ClusterError, Keep, NodeName, Status};

use super::probe::Looks;
use super::{Hand, Trouble};
use crate::fault::{Damage, Impossible, Targeting};
use crate::receipt::{Probe, Receipt};
use crate::targeting::select;

/// The latest that a failing power may wait for a write to interrupt.
const POWER_WITHIN_NS: u64 = 150_000_000;

fn choose(
    hand: &mut Hand<'_>,
    who: &Targeting,
    random: &mut Stream,
) -> Result<Vec<NodeName>, Trouble> {
    let scene = hand.scene(Hand::runs_free)?;
    Ok(select(who, &scene, random)?)
}

pub(super) fn kill(
    hand: &mut Hand<'_>,
    receipt: &mut Receipt,
    who: &Targeting,
    random: &mut Stream,
) -> Result<Probe, Trouble> {
    for node in choose(hand, who, random)? {
        receipt.acted = true;
        receipt.nodes.push(node.clone());
        let loss = hand.cluster.kill(&node, Keep::Written)?;
        receipt.losses.insert(node, loss);
    }
    Ok(all_are(hand, receipt, Status::Stopped)?)
}

pub(super) fn pause(
    hand: &mut Hand<'_>,
    receipt: &mut Receipt,
    who: &Targeting,
    random: &mut Stream,
) -> Result<Probe, Trouble> {
    for node in choose(hand, who, random)? {
        receipt.acted = true;
        receipt.nodes.push(node.clone());
        hand.cluster.pause(&node)?;
    }
    Ok(all_are(hand, receipt, Status::Paused)?)
}

/// Orders the power to fail; a later look shows when it has.
pub(super) fn fail_power(
    hand: &mut Hand<'_>,
    receipt: &mut Receipt,
    who: &Targeting,
    damage: Damage,
    random: &mut Stream,
) -> Result<(), Trouble> {
    let keep = kept(damage);
    for node in choose(hand, who, random)? {
        receipt.acted = true;
        receipt.nodes.push(node.clone());
        hand.cluster.kill_amid(&node, keep, POWER_WITHIN_NS)?;
    }
    Ok(())
}

fn kept(damage: Damage) -> Keep {
    match damage {
        Damage::LostWrites => Keep::Synced,
        Damage::Torn => Keep::Torn,
    }
}

/// The fault ends before the power failed by itself: it fails now. A node that is gone for another reason was
/// never hit.
pub(super) fn fail_power_now(
    hand: &mut Hand<'_>,
    receipt: &mut Receipt,
    damage: Damage,
) -> Result<Option<Probe>, Trouble> {
    for node in &receipt.nodes {
        if hand.cluster.status(node)? != Status::Stopped {
            hand.cluster.call_off(node)?;
            hand.cluster.kill(node, kept(damage))?;
        }
    }
    forget_spared(hand, receipt, |status| status == Status::Stopped)?;
    if !receipt.acted {
        let reason = "every node whose power was to fail had stopped for another reason before";
        return Err(Impossible::NobodyNow(reason.to_owned()).into());
    }
    tick(hand, receipt)
}

/// The order to fail could not be given to all: it is called off, and who had no time to fail was not hit.
pub(super) fn call_off(hand: &mut Hand<'_>, receipt: &mut Receipt) -> Result<(), ClusterError> {
    forget_spared(hand, receipt, |_| true)
}

/// Takes the nodes out of the receipt whose power never failed, as far as their status says that nothing else
/// was done to them either, and calls off what was ordered for them.
fn forget_spared(
    hand: &mut Hand<'_>,
    receipt: &mut Receipt,
    is_spared: impl Fn(Status) -> bool,
) -> Result<(), ClusterError> {
    let mut hit = Vec::new();
    for node in &receipt.nodes {
        let status = hand.cluster.status(node)?;
        if is_spared(status) && hand.cluster.last_loss(node)?.is_none() {
            hand.cluster.call_off(node)?;
        } else {
            hit.push(node.clone());
        }
    }
    receipt.acted = !hit.is_empty();
    receipt.nodes = hit;
    Ok(())
}

/// Looks whether the power has failed by now. That a process has stopped proves nothing, because it does so too
/// when its node leaves the cluster: only what the disk lost since the order shows that the order was carried
/// out.
pub(super) fn tick(hand: &mut Hand<'_>, receipt: &mut Receipt) -> Result<Option<Probe>, Trouble> {
    let mut losses = BTreeMap::new();
    let mut looks = Looks::new(
        "status and losses of every node that was hit",
        "stopped by the failure of its power",
    );
    for node in &receipt.nodes {
        let status = hand.cluster.status(node)?;
        let loss = hand.cluster.last_loss(node)?;
        let seen = format!("is {}, and its power did not fail", status.name());
        looks.see(node, seen, status == Status::Stopped && loss.is_some());
        losses.extend(loss.map(|loss| (node.clone(), loss)));
    }
    let probe = looks.probe(hand.now_ns);
    if !probe.ok {
        return Ok(None);
    }
    receipt.losses = losses;
    Ok(Some(probe))
}

fn all_are(
    hand: &mut Hand<'_>,
    receipt: &Receipt,
    expected: Status,
) -> Result<Probe, ClusterError> {
    let mut looks = Looks::new("status of every node that was hit", expected.name());
    for node in &receipt.nodes {
        let status = hand.cluster.status(node)?;
        looks.see(
            node,
            format_args!("is {}", status.name()),
            status == expected,
        );
    }
    Ok(looks.probe(hand.now_ns))
}

/// Starts what is dead, and calls off a failure of power that has not come yet.
pub(super) fn start_all(hand: &mut Hand<'_>, receipt: &Receipt) -> Option<ClusterError> {
    let nodes = match hand.cluster.nodes() {
        Ok(nodes) => nodes,
        Err(error) => return Some(error),
    };
    let mut first = None;
    for node in &receipt.nodes {
        let result = match hand.cluster.status(node) {
            // A node that has left the cluster in the meantime stays dead.
            Ok(Status::Stopped) if nodes.contains(node) => hand.cluster.start(node),
            Ok(_) => hand.cluster.call_off(node),
            Err(error) => Err(error),
        };
        first = first.or(result.err());
    }
    first
}

pub(super) fn started(hand: &mut Hand<'_>, receipt: &Receipt) -> Result<Probe, ClusterError> {
    let mut looks = Looks::new(
        "status of every node that was hit",
        "a process, or no member",
    );
    let nodes = hand.cluster.nodes()?;
    for node in &receipt.nodes {
        let is_whole = hand.cluster.status(node)? != Status::Stopped || !nodes.contains(node);
        looks.see(node, "is stopped", is_whole);
    }
    Ok(looks.probe(hand.now_ns))
}

pub(super) fn resume_all(hand: &mut Hand<'_>, receipt: &Receipt) -> Option<ClusterError> {
    let mut first = None;
    for node in &receipt.nodes {
        let result = match hand.cluster.status(node) {
            Ok(Status::Paused) => hand.cluster.resume(node),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        first = first.or(result.err());
    }
    first
}

pub(super) fn resumed(hand: &mut Hand<'_>, receipt: &Receipt) -> Result<Probe, ClusterError> {
    let mut looks = Looks::new("status of every node that was hit", "not paused");
    for node in &receipt.nodes {
        let status = hand.cluster.status(node)?;
        looks.see(node, "is paused", status != Status::Paused);
    }
    Ok(looks.probe(hand.now_ns))
}
