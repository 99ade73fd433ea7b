//! What follows from what a machine allows: a row a world, a row a capability, a row a mechanism.

use rupture_nemesis::{self as nemesis, FaultKind};
use rupture_targets::{Capabilities, Capability, TargetOptions, local_capabilities, simulated};

use super::looks::Fact;
use crate::plan::WORLDS;

/// What a world needs of the machine before anything of it works.
pub(super) const WORLD_ROWS: [(&str, &str, &[Fact]); WORLDS.len()] = [
    ("sim", "a deterministic simulator in this process", &[]),
    (
        "local",
        "real processes on this machine, over loopback",
        &[Fact::Ports, Fact::Sync, Fact::Space],
    ),
];

/// How the world `local` does what a fault needs, and what that takes.
pub(super) const LOCAL_ROWS: [(Capability, &str, &[Fact]); Capability::ALL.len()] = [
    (Capability::Kill, "kill -9, and a start", &[Fact::Signals]),
    (
        Capability::PowerLoss,
        "the node's storage drops what was not synced",
        &[Fact::Signals],
    ),
    (
        Capability::TornWrite,
        "the node's storage tears the last record",
        &[Fact::Signals],
    ),
    (Capability::Pause, "SIGSTOP and SIGCONT", &[Fact::Signals]),
    (Capability::Cut, "a proxy in each link drops frames", &[]),
    (
        Capability::ShapeLink,
        "a proxy in each link delays and drops frames",
        &[],
    ),
    (
        Capability::BreakStream,
        "a proxy in each link limits, slices and resets",
        &[],
    ),
    (
        Capability::BumpClock,
        "the node's clock source",
        &[Fact::Clocks],
    ),
    (
        Capability::DriftClock,
        "the node's clock source",
        &[Fact::Clocks],
    ),
    (Capability::Membership, "the cluster is asked", &[]),
    (Capability::Transfer, "the cluster is asked", &[]),
    (Capability::SlowDisk, "the node's storage waits", &[]),
    (Capability::FailDisk, "the node's storage refuses", &[]),
    (
        Capability::FlipBit,
        "a file of a stopped node is changed",
        &[Fact::Signals],
    ),
    (Capability::Run, "a command beside the node", &[]),
];

/// What could be done to programs that are not ours.
pub(super) const MECHANISMS: [(&str, &str, &[Fact]); 9] = [
    (
        "nodes apart",
        "each in namespaces of its own, on one machine",
        &[Fact::Nets],
    ),
    (
        "partitions",
        "rules of iptables in a node's network",
        &[Fact::Nets, Fact::Iptables],
    ),
    (
        "partitions, sets",
        "sets of nftables in a node's network",
        &[Fact::Nets, Fact::Nftables],
    ),
    (
        "delay and loss",
        "tc netem in a node's network",
        &[Fact::Nets, Fact::Netem],
    ),
    (
        "disk faults",
        "a file system of our own below the node",
        &[Fact::Fuse],
    ),
    (
        "clocks",
        "the vDSO of a running process, patched (x86-64)",
        &[Fact::Ptrace],
    ),
    (
        "without root",
        "the same in user namespaces",
        &[Fact::Users],
    ),
    ("other machines", "commands over SSH", &[Fact::Ssh]),
    (
        "this machine",
        "nodes of its own with a server of SSH each",
        &[Fact::Root, Fact::Nets, Fact::Ssh, Fact::Sshd],
    ),
];

/// What a world could do on a machine that allows everything, with the default target.
pub(super) fn abilities(world: &str) -> Capabilities {
    let options = TargetOptions::default();
    let target = "raft";
    let able = match world {
        "local" => local_capabilities(target, &options),
        _ => simulated(target, &options).map(|target| target.capabilities()),
    };
    able.unwrap_or_default()
}

/// The same on a machine that lacks some facts.
pub(super) fn left(world: &str, lacks: impl Fn(Fact) -> bool) -> Capabilities {
    let mut able = abilities(world);
    if world == "local" {
        able.retain(|capability| {
            let row = LOCAL_ROWS.iter().find(|(it, ..)| it == capability);
            row.is_some_and(|(_, _, needs)| !needs.iter().any(|fact| lacks(*fact)))
        });
    }
    able
}

/// Why a kind of fault cannot be; nothing where it can.
pub(super) fn why_not(kind: FaultKind, able: &Capabilities) -> Option<String> {
    const NODES: usize = 5;
    let selection = nemesis::parse(&[kind.name()]).ok()?;
    let refused = selection.check_against(able, NODES).err()?;
    Some(refused.reason.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::looks::ROWS;
    use super::*;

    /// Which facts make a machine a good one, whatever is done on it.
    const COMFORT: [Fact; 2] = [Fact::Cores, Fact::Files];

    #[test]
    fn every_world_and_every_capability_has_a_row() {
        assert_eq!(WORLD_ROWS.map(|(name, ..)| name), WORLDS);
        let rows: BTreeSet<Capability> = LOCAL_ROWS.iter().map(|(it, ..)| *it).collect();
        assert_eq!(rows, Capability::ALL.into());
    }

    #[test]
    fn every_fact_is_looked_at_once_and_something_follows_from_it() {
        let used = WORLD_ROWS.iter().map(|(.., needs)| *needs);
        let used = used.chain(LOCAL_ROWS.iter().map(|(.., needs)| *needs));
        let used = used.chain(MECHANISMS.iter().map(|(.., needs)| *needs));
        let used: BTreeSet<Fact> = used.flatten().chain(&COMFORT).copied().collect();
        let looked: BTreeSet<Fact> = ROWS.iter().map(|row| row.fact).collect();
        assert_eq!(looked.len(), ROWS.len());
        assert_eq!(used, looked);
    }

    #[test]
    fn every_kind_of_fault_is_possible_somewhere_on_a_machine_that_allows_everything() {
        for kind in FaultKind::ALL {
            let is_possible = |world: &&str| why_not(kind, &left(world, |_| false)).is_none();
            assert!(WORLDS.iter().any(is_possible), "{kind}");
        }
        let without = left("local", |fact| fact == Fact::Signals);
        assert!(why_not(FaultKind::Pause, &without).is_some());
    }
}
