//! Disks that do something wrong while their nodes live.
//!
//! **Slow disks.** *What may break:* every sync takes a fifth of a second longer, more in a script. *How much:* the disks
//! of any number of nodes, also while their processes die and their power fails. *Why it must be survived:* a neighbour,
//! a controller that retries, a cloud's quota do that, and what waits for a disk must not hold up what does not; a leader
//! that cannot write must not keep its followers waiting for ever (Gunawi et al., *Fail-Slow at Scale*, 2018).
//!
//! **Failing disks.** *What may break:* a write or a sync fails, there is no room, or the log cannot be read when the
//! process starts. The process ends at once rather than to go on without what it wrote, and starts again once the disk is
//! whole. A sync that fails may have lost what it was to keep, and nothing that was synced before. *How much:* the disks of
//! any number of nodes at once. *Why it must be survived:* disks fail; a store that tries a failed sync again believes what
//! is not there (Rebello et al., *Can Applications Recover from fsync Failures?*, 2020).
//!
//! **Flipped bits.** *What may break:* one bit anywhere in the log of one dead node. *How much:* one node at a time: no
//! protocol with a fixed quorum survives it on a majority. The node finds out when it starts, and stays down until the bit
//! is flipped back; or it starts, because the bit means nothing, and then it must be none the worse. *Why it must be
//! survived:* disks do that (Bairavasundaram et al., *An Analysis of Data Corruption in the Storage Stack*, 2008), and a
//! store that takes a broken record for a torn one forgets what it acknowledged (Alagappan et al., *Protocol-Aware
//! Recovery*, 2018).

use rupture_targets::random::Stream;
use rupture_targets::{ClusterError, DiskFault, Keep, NodeName, Status};

use super::probe::Looks;
use super::{Hand, Trouble};
use crate::ailment::{Ailment, Shows};
use crate::fault::{Impossible, Targeting};
use crate::receipt::{Flip, Probe, Receipt};
use crate::targeting::select;

/// What is to be wrong with disks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Illness {
    pub(super) ailment: Ailment,
    pub(super) by_ns: u64,
}

impl Illness {
    fn fault(self) -> DiskFault {
        (self.ailment.info().fault)(self.by_ns)
    }

    fn shows(self) -> Shows {
        self.ailment.info().shows
    }
}

/// Makes disks ill. `None` when only time can tell whether it shows.
pub(super) fn begin(
    hand: &mut Hand<'_>,
    receipt: &mut Receipt,
    (who, illness): (&Targeting, Illness),
    random: &mut Stream,
) -> Result<Option<Probe>, Trouble> {
    let scene = hand.scene(|hand, node| {
        // What somebody else did to a disk is not ours to set right.
        Ok(hand.runs_free(node)? && !hand.held.disks.contains(node))
    })?;
    let shows = illness.shows();
    let mut looks = Looks::new("disk of every node that was hit", receipt.fault.to_string());
    for node in select(who, &scene, random)? {
        receipt.acted = true;
        receipt.nodes.push(node.clone());
        if matches!(shows, Shows::AtAStart | Shows::OnTheDisk) {
            let loss = hand.cluster.kill(&node, Keep::Written)?;
            receipt.losses.insert(node.clone(), loss);
        }
        if shows == Shows::OnTheDisk {
            let before = hand.cluster.disk_digest(&node)?;
            let bit = match hand.cluster.flip_bit(&node, None) {
                Ok(bit) => bit,
                Err(ClusterError::Failed { reason, .. }) => {
                    // It has written nothing yet.
                    hand.cluster.start(&node)?;
                    receipt.acted = false;
                    receipt.nodes.clear();
                    return Err(Impossible::NobodyNow(reason).into());
                }
                Err(error) => return Err(error.into()),
            };
            receipt.flipped.insert(node.clone(), Flip { bit, before });
            let after = hand.cluster.disk_digest(&node)?;
            looks.see(&node, "holds what it held", before != after);
        } else {
            hand.cluster.disk_fault(&node, illness.fault())?;
            look(hand, &mut looks, &node, illness.fault())?;
        }
    }
    let probe = looks.probe(hand.now_ns);
    if !probe.ok {
        return Ok(Some(probe));
    }
    if matches!(shows, Shows::AtAStart | Shows::OnTheDisk) {
        for node in &receipt.nodes {
            match hand.cluster.start(node) {
                // That it cannot is the fault.
                Ok(()) | Err(ClusterError::Failed { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    let is_seen = matches!(shows, Shows::AtOnce | Shows::OnTheDisk);
    Ok(is_seen.then_some(probe))
}

fn look(
    hand: &mut Hand<'_>,
    looks: &mut Looks,
    node: &NodeName,
    expected: DiskFault,
) -> Result<(), ClusterError> {
    let fault = hand.cluster.disk(node)?;
    looks.see(node, format_args!("has {fault:?}"), fault == expected);
    Ok(())
}

/// Looks whether every node has ended by now.
pub(super) fn tick(
    hand: &mut Hand<'_>,
    receipt: &Receipt,
    illness: Illness,
) -> Result<Option<Probe>, Trouble> {
    let probe = have_ended(hand, receipt, illness)?;
    Ok(Some(probe).filter(|probe| probe.ok))
}

fn have_ended(
    hand: &mut Hand<'_>,
    receipt: &Receipt,
    illness: Illness,
) -> Result<Probe, ClusterError> {
    let expected = format!("{}, and stopped by it", receipt.fault);
    let mut looks = Looks::new("disk and status of every node that was hit", expected);
    for node in &receipt.nodes {
        let (fault, status) = (hand.cluster.disk(node)?, hand.cluster.status(node)?);
        let is_ended = status == Status::Stopped && fault == illness.fault();
        let seen = format!("is {}, and its disk has {fault:?}", status.name());
        looks.see(node, seen, is_ended);
    }
    Ok(looks.probe(hand.now_ns))
}

/// The fault ends before every node has ended: who never wrote was not hit. Who could not have started, and did, was hit
/// in vain, and so was whoever wrote to a disk that is well.
pub(super) fn before_end(
    hand: &mut Hand<'_>,
    receipt: &mut Receipt,
    illness: Illness,
) -> Result<Option<Probe>, Trouble> {
    if illness.shows() == Shows::AtAWrite {
        let mut hit = Vec::new();
        for node in &receipt.nodes {
            let is_spared = hand.cluster.status(node)? != Status::Stopped
                && hand.cluster.disk(node)? == illness.fault();
            if is_spared {
                hand.cluster.disk_fault(node, DiskFault::default())?;
            }
            // It may have met its end in this very moment.
            if !is_spared || hand.cluster.status(node)? == Status::Stopped {
                hand.cluster.disk_fault(node, illness.fault())?;
                hit.push(node.clone());
            }
        }
        if hit.is_empty() {
            receipt.acted = false;
            receipt.nodes = hit;
            let reason = "no node whose disk was to fail has written to it";
            return Err(Impossible::NobodyNow(reason.to_owned()).into());
        }
        receipt.nodes = hit;
    }
    Ok(Some(have_ended(hand, receipt, illness)?))
}

/// Makes disks well, and starts who has ended of it.
pub(super) fn undo(
    hand: &mut Hand<'_>,
    receipt: &Receipt,
    illness: Illness,
) -> Option<ClusterError> {
    let nodes = match hand.cluster.nodes() {
        Ok(nodes) => nodes,
        Err(error) => return Some(error),
    };
    let mut first = None;
    for node in &receipt.nodes {
        let result = undo_one(hand, receipt, illness, node, nodes.contains(node));
        first = first.or(result.err());
    }
    first
}

fn undo_one(
    hand: &mut Hand<'_>,
    receipt: &Receipt,
    illness: Illness,
    node: &NodeName,
    is_there: bool,
) -> Result<(), ClusterError> {
    if illness.shows() != Shows::OnTheDisk && !hand.held.disks.contains(node) {
        // Before anybody looks who has ended: until then it may.
        hand.cluster.disk_fault(node, DiskFault::default())?;
    }
    let is_stopped = hand.cluster.status(node)? == Status::Stopped;
    if illness.shows() == Shows::OnTheDisk {
        // A node that starts with it has written since: what the bit is now nobody knows.
        if let (true, Some(flip)) = (is_stopped, receipt.flipped.get(node))
            && hand.cluster.disk_digest(node)? != flip.before
        {
            hand.cluster.flip_bit(node, Some(flip.bit))?;
        }
    }
    // A slow disk stops nobody, and a node that has left the cluster in the meantime stays dead.
    if is_stopped && is_there && illness.shows() != Shows::AtOnce {
        hand.cluster.start(node)?;
    }
    Ok(())
}

pub(super) fn healed(
    hand: &mut Hand<'_>,
    receipt: &Receipt,
    illness: Illness,
) -> Result<Probe, ClusterError> {
    let what = "disk and status of every node that was hit";
    let mut looks = Looks::new(what, "a whole disk, and a process or no member");
    let nodes = hand.cluster.nodes()?;
    for node in &receipt.nodes {
        if illness.shows() != Shows::OnTheDisk && !hand.held.disks.contains(node) {
            look(hand, &mut looks, node, DiskFault::default())?;
        }
        if illness.shows() != Shows::AtOnce {
            let is_whole = hand.cluster.status(node)? != Status::Stopped || !nodes.contains(node);
            looks.see(node, "is stopped", is_whole);
        }
    }
    Ok(looks.probe(hand.now_ns))
}
