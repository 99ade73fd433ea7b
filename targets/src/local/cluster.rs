//! What a nemesis may do to processes on this machine, and what it may ask.
//!
//! Probes look at the world: a process by what the machine says of it, a pause by an answer that does not come as well, a
//! link by a frame that one node sends and the other must or must not receive, a clock by reading it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;
use rupture_protocols::random::Stream;
use rustix::process::Signal;
use tokio::runtime::Handle;

use super::admin::Administrator;
use super::nodes::{Nodes, Slot};
use super::process::Reading;
use super::undo::Undo;
use crate::node::clock::monotonic_ns;
use crate::node::control::Order;
use crate::node::disk::{digest, flip_bit, lose_power};
use crate::protocol::{Change, Traits};
use crate::{
    Capabilities, Capability, Cluster, ClusterError, DiskFault, Keep, Link, LinkShape, Loss,
    NodeName, Status, Traffic,
};

/// A power failure in the middle of a write comes after at most so many effects of the node.
const EFFECTS: std::ops::RangeInclusive<u32> = 1..=48;
/// How long a node may take to read its clocks.
const READ_WITHIN: Duration = Duration::from_secs(2);
/// How long a rate is looked at.
const BETWEEN_READINGS: Duration = Duration::from_millis(10);
/// How long a frame is waited for that must arrive: nodes may have to connect first.
const MUST_ARRIVE: Duration = Duration::from_secs(3);
/// How long one is waited for that must not.
const MUST_NOT_ARRIVE: Duration = Duration::from_millis(150);
/// After so long a frame that has not arrived is sent again.
const AGAIN: Duration = Duration::from_millis(100);
/// How long a signal may take until the machine shows it.
const SHOWN_WITHIN: Duration = Duration::from_secs(2);

/// A cluster of processes, as its nemesis sees it.
pub(super) struct LocalCluster {
    pub(super) nodes: Arc<Nodes>,
    pub(super) admin: Administrator,
    pub(super) runtime: Handle,
    pub(super) traits: Traits,
    pub(super) crash_points: Stream,
    pub(super) torn: Stream,
    pub(super) nonce: u64,
    pub(super) orders: u64,
}

/// What can be done to processes on this machine.
pub(crate) fn capabilities(traits: Traits) -> Capabilities {
    [
        Capability::Kill,
        Capability::PowerLoss,
        Capability::TornWrite,
        Capability::Pause,
        Capability::Cut,
        Capability::ShapeLink,
        Capability::BreakStream,
        Capability::SlowDisk,
        Capability::FailDisk,
        Capability::FlipBit,
        Capability::BumpClock,
        Capability::DriftClock,
    ]
    .into_iter()
    .chain(traits.changes())
    .collect()
}

fn names(nodes: impl IntoIterator<Item = u32>) -> Vec<NodeName> {
    nodes.into_iter().map(NodeName::numbered).collect()
}

impl LocalCluster {
    fn find(&self, name: &NodeName) -> Result<u32, ClusterError> {
        let slots = self.nodes.slots();
        let found = name.number().filter(|node| slots.contains_key(node));
        found.ok_or_else(|| ClusterError::UnknownNode {
            node: name.clone(),
            known: names(self.nodes.addresses.present()),
        })
    }

    fn find_link(&self, link: &Link) -> Result<(u32, u32), ClusterError> {
        let (from, to) = (self.find(&link.from)?, self.find(&link.to)?);
        if from == to {
            return Err(ClusterError::no_link(link));
        }
        Ok((from, to))
    }

    /// Does something to a node that is in one of these states.
    fn with<T>(
        &mut self,
        name: &NodeName,
        action: &str,
        wanted: &[Status],
        act: impl FnOnce(&mut Self, u32, &mut BTreeMap<u32, Slot>) -> Result<T, String>,
    ) -> Result<T, ClusterError> {
        let node = self.find(name)?;
        let nodes = self.nodes.clone();
        let mut slots = nodes.slots();
        let status = self.look(node, &mut slots);
        if !wanted.contains(&status) {
            return Err(ClusterError::WrongStatus {
                action: action.to_owned(),
                node: name.clone(),
                status,
            });
        }
        let refuse = |reason| ClusterError::failed(format!("{action} {name}"), reason);
        act(self, node, &mut slots).map_err(refuse)
    }

    /// What a node's process does, after what its end has cost was taken in.
    fn look(&mut self, node: u32, slots: &mut BTreeMap<u32, Slot>) -> Status {
        let Some(slot) = slots.get_mut(&node) else {
            return Status::Stopped;
        };
        let status = match &mut slot.process {
            Some(process) if process.has_ended() => Status::Stopped,
            Some(process) => process.status(),
            None => Status::Stopped,
        };
        // A disk that cannot be cut shows as a loss that is not there.
        let _ = self.nodes.settle(node, slot, &mut self.torn);
        status
    }

    /// Waits until the machine shows what a signal does.
    fn signal(
        slot: &mut Slot,
        signal: Signal,
        shows: impl Fn(Status) -> bool,
    ) -> Result<(), String> {
        let Some(process) = &mut slot.process else {
            return Err("it has no process".to_owned());
        };
        process.signal(signal).map_err(|error| error.to_string())?;
        let begun = Instant::now();
        while !shows(process.status()) {
            if begun.elapsed() > SHOWN_WITHIN {
                return Err("the machine does not show what the signal should do".to_owned());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Sets the clocks of a node.
    fn set_clock(
        &mut self,
        name: &NodeName,
        action: &str,
        change: impl FnOnce(&Nodes, &Slot, u64) -> crate::node::clock::NodeClock,
    ) -> Result<(), ClusterError> {
        let node = self.find(name)?;
        let nodes = self.nodes.clone();
        let mut slots = nodes.slots();
        let Some(slot) = slots.get_mut(&node) else {
            return Ok(());
        };
        slot.clock = change(&nodes, slot, monotonic_ns());
        let order = Order::Clock(slot.clock);
        Nodes::order(slot, &order)
            .map_err(|error| ClusterError::failed(format!("{action} {name}"), error))
    }

    /// Reads the wall clock and the disk of a node.
    fn read(&mut self, name: &NodeName) -> Result<Reading, ClusterError> {
        let node = self.find(name)?;
        let nodes = self.nodes.clone();
        let mut slots = nodes.slots();
        let status = self.look(node, &mut slots);
        let unread = || {
            ClusterError::failed(
                format!("read the clock and disk of {name}"),
                "it does not answer",
            )
        };
        let slot = slots.get_mut(&node).ok_or_else(unread)?;
        match &mut slot.process {
            Some(process) if status == Status::Running => {
                process.read(READ_WITHIN).ok_or_else(unread)
            }
            // Who takes no step reads nothing; this is what it will read.
            _ => {
                let at_ns = monotonic_ns();
                Ok(Reading {
                    at_ns,
                    wall_ns: slot.clock.wall_ns(at_ns),
                    disk: slot.disk,
                })
            }
        }
    }

    /// Has frames sent over links both ends of which run, and says which arrived. `None` for the other links.
    fn probe(&mut self, links: &[(u32, u32)]) -> Vec<Option<bool>> {
        let nodes = self.nodes.clone();
        let mut slots = nodes.slots();
        let mut runs: BTreeMap<u32, bool> = BTreeMap::new();
        for node in links.iter().flat_map(|(from, to)| [*from, *to]) {
            runs.entry(node)
                .or_insert_with(|| self.look(node, &mut slots) == Status::Running);
        }
        let first = self.nonce + 1;
        self.nonce += links.len() as u64;
        let numbers = first..=self.nonce;
        let mut seen: Vec<Option<bool>> = links
            .iter()
            .map(|(from, to)| (runs[from] && runs[to]).then_some(false))
            .collect();
        let begun = Instant::now();
        loop {
            let mut is_waited_for = false;
            for ((link, nonce), seen) in links.iter().zip(numbers.clone()).zip(&mut seen) {
                if *seen != Some(false) {
                    continue;
                }
                let shape = nodes.links.shape_of(link.0, link.1);
                let slow = Duration::from_nanos((shape.delay_ns + shape.jitter_ns) * 2);
                let limit = if nodes.links.carries(link.0, link.1) {
                    MUST_ARRIVE
                } else {
                    MUST_NOT_ARRIVE
                };
                is_waited_for |= begun.elapsed() < limit + slow;
                if let Some(sender) = slots.get_mut(&link.0) {
                    let _ = Nodes::order(sender, &Order::Probe { to: link.1, nonce });
                }
            }
            let again = Instant::now() + AGAIN;
            for ((link, nonce), seen) in links.iter().zip(numbers.clone()).zip(&mut seen) {
                let receiver = slots.get(&link.1).and_then(|slot| slot.process.as_ref());
                if *seen == Some(false)
                    && let Some(receiver) = receiver
                {
                    let most = again.saturating_duration_since(Instant::now());
                    *seen = Some(receiver.was_probed(link.0, nonce, most));
                }
            }
            if !is_waited_for || !seen.contains(&Some(false)) {
                break;
            }
        }
        // An end that has stopped meanwhile tells nothing of the link.
        for ((from, to), seen) in links.iter().zip(&mut seen) {
            if *seen == Some(false)
                && [*from, *to]
                    .into_iter()
                    .any(|end| self.look(end, &mut slots) != Status::Running)
            {
                *seen = None;
            }
        }
        seen
    }
}

impl Cluster for LocalCluster {
    fn capabilities(&self) -> Capabilities {
        capabilities(self.traits)
    }

    fn nodes(&mut self) -> Result<Vec<NodeName>, ClusterError> {
        Ok(names(self.nodes.addresses.present()))
    }

    fn members(&mut self) -> Result<Vec<NodeName>, ClusterError> {
        Ok(names(self.nodes.ears.members()))
    }

    fn primaries(&mut self) -> Result<Vec<NodeName>, ClusterError> {
        let present = self.nodes.addresses.present();
        let slots = self.nodes.slots();
        let leads = |node: &u32| {
            let process = slots.get(node).and_then(|slot| slot.process.as_ref());
            process.is_some_and(super::process::Process::leads)
        };
        Ok(names(present.into_iter().filter(leads)))
    }

    fn status(&mut self, node: &NodeName) -> Result<Status, ClusterError> {
        let node = self.find(node)?;
        let nodes = self.nodes.clone();
        let mut slots = nodes.slots();
        Ok(self.look(node, &mut slots))
    }

    fn kill(&mut self, node: &NodeName, keep: Keep) -> Result<Loss, ClusterError> {
        let alive = [Status::Running, Status::Paused];
        self.with(node, "kill", &alive, |this, node, slots| {
            let Some(slot) = slots.get_mut(&node) else {
                return Ok(Loss::default());
            };
            if let Some(process) = &slot.process {
                process.kill().map_err(|error| error.to_string())?;
            }
            this.nodes.hide(node);
            slot.armed = None;
            let loss = lose_power(&this.nodes.data(node), keep, &mut this.torn);
            let loss = loss.map_err(|error| error.to_string())?;
            slot.loss = Some(loss);
            Ok(loss)
        })
    }

    fn kill_amid(
        &mut self,
        node: &NodeName,
        keep: Keep,
        within_ns: u64,
    ) -> Result<(), ClusterError> {
        self.with(node, "kill", &[Status::Running], |this, node, slots| {
            let Some(slot) = slots.get_mut(&node) else {
                return Ok(());
            };
            let effects = Some(this.crash_points.random_range(EFFECTS));
            this.orders += 1;
            let order = this.orders;
            slot.loss = None;
            slot.armed = Some((keep, order));
            if let Some(process) = &slot.process {
                process.doom(true);
            }
            Nodes::order(slot, &Order::DieAfter { effects })?;
            let nodes = this.nodes.clone();
            this.runtime.spawn(async move {
                tokio::time::sleep(Duration::from_nanos(within_ns)).await;
                let end = move || {
                    let slots = nodes.slots();
                    let slot = slots
                        .get(&node)
                        .filter(|slot| slot.armed == Some((keep, order)));
                    if let Some(process) = slot.and_then(|slot| slot.process.as_ref()) {
                        let _ = process.signal(Signal::KILL);
                    }
                };
                let _ = tokio::task::spawn_blocking(end).await;
            });
            Ok(())
        })
    }

    fn call_off(&mut self, name: &NodeName) -> Result<(), ClusterError> {
        let node = self.find(name)?;
        let nodes = self.nodes.clone();
        let mut slots = nodes.slots();
        self.look(node, &mut slots);
        let Some(slot) = slots.get_mut(&node) else {
            return Ok(());
        };
        let Some(process) = slot.process.as_mut().filter(|_| slot.armed.is_some()) else {
            return Ok(());
        };
        let spare = Order::DieAfter { effects: None };
        let ordered = process.order(&spare);
        // Its answer shows that it is past the moment at which it might have died; it may have died in the meantime.
        let is_spared = ordered.is_ok() && process.read(READ_WITHIN).is_some();
        if is_spared {
            process.doom(slot.disk.fails());
            slot.armed = None;
            return Ok(());
        }
        match self.look(node, &mut slots) {
            Status::Stopped => Ok(()),
            // It stands still: it is spared when it goes on, and is dead by another order until then.
            _ if ordered.is_ok() => Ok(()),
            _ => Err(ClusterError::failed(
                format!("spare {name}"),
                "it takes no orders",
            )),
        }
    }

    fn last_loss(&mut self, node: &NodeName) -> Result<Option<Loss>, ClusterError> {
        let node = self.find(node)?;
        let nodes = self.nodes.clone();
        let mut slots = nodes.slots();
        self.look(node, &mut slots);
        Ok(slots.get(&node).and_then(|slot| slot.loss))
    }

    fn start(&mut self, node: &NodeName) -> Result<(), ClusterError> {
        self.with(node, "start", &[Status::Stopped], |this, node, slots| {
            if !this.nodes.addresses.present().contains(&node) {
                return Ok(());
            }
            let started = this.nodes.launch(node, slots);
            let ready = started.and_then(|()| this.nodes.await_ready(node, slots));
            ready.map_err(|error| error.to_string())
        })
    }

    fn pause(&mut self, name: &NodeName) -> Result<(), ClusterError> {
        self.with(name, "pause", &[Status::Running], |this, node, slots| {
            let Some(slot) = slots.get_mut(&node) else {
                return Ok(());
            };
            if let Some(process) = &slot.process {
                let (pid, started) = process.identity();
                let undo = Undo::ResumeProcess {
                    pid,
                    started,
                    node: NodeName::numbered(node).to_string(),
                };
                let kept = this.nodes.journal.add(&undo);
                kept.map_err(|error| format!("the undo journal cannot be kept: {error}"))?;
            }
            Self::signal(slot, Signal::STOP, |status| status == Status::Paused)
        })
    }

    fn resume(&mut self, name: &NodeName) -> Result<(), ClusterError> {
        self.with(
            name,
            "resume",
            &[Status::Paused],
            |_, node, slots| match slots.get_mut(&node) {
                Some(slot) => Self::signal(slot, Signal::CONT, |status| status != Status::Paused),
                None => Ok(()),
            },
        )
    }

    fn cut(&mut self, links: &[Link]) -> Result<(), ClusterError> {
        for link in links {
            let (from, to) = self.find_link(link)?;
            self.nodes.links.cut(from, to);
        }
        Ok(())
    }

    fn mend(&mut self, links: &[Link]) -> Result<(), ClusterError> {
        for link in links {
            let (from, to) = self.find_link(link)?;
            self.nodes.links.mend(from, to);
        }
        Ok(())
    }

    fn reach(&mut self, link: &Link) -> Result<bool, ClusterError> {
        let reached = self.reach_all(std::slice::from_ref(link))?;
        Ok(reached.first().copied().unwrap_or_default())
    }

    fn reach_all(&mut self, links: &[Link]) -> Result<Vec<bool>, ClusterError> {
        let pairs: Result<Vec<(u32, u32)>, _> = links.iter().map(|it| self.find_link(it)).collect();
        let pairs = pairs?;
        let seen = self.probe(&pairs);
        let carries = |(from, to): (u32, u32)| self.nodes.links.carries(from, to);
        let reached = pairs.iter().zip(seen);
        Ok(reached
            .map(|(pair, seen)| seen.unwrap_or_else(|| carries(*pair)))
            .collect())
    }

    fn shape_link(&mut self, link: &Link, shape: LinkShape) -> Result<(), ClusterError> {
        let (from, to) = self.find_link(link)?;
        self.nodes.links.shape(from, to, shape);
        Ok(())
    }

    fn link_shape(&mut self, link: &Link) -> Result<LinkShape, ClusterError> {
        let (from, to) = self.find_link(link)?;
        Ok(self.nodes.links.shape_of(from, to))
    }

    fn traffic(&mut self) -> Result<Traffic, ClusterError> {
        Ok(self.nodes.links.traffic())
    }

    fn disk_fault(&mut self, name: &NodeName, fault: DiskFault) -> Result<(), ClusterError> {
        let node = self.find(name)?;
        let nodes = self.nodes.clone();
        let mut slots = nodes.slots();
        let Some(slot) = slots.get_mut(&node) else {
            return Ok(());
        };
        slot.disk = fault;
        let Some(process) = slot.process.as_mut().filter(|it| !it.has_ended()) else {
            return Ok(());
        };
        // That a node ends whose disk fails surprises nobody.
        process.doom(true);
        let ordered = process.order(&Order::Disk(fault));
        // Its answer shows that the order is in force. Without one it stands still, or is on its way out.
        let is_in_force = ordered.is_ok() && process.read(READ_WITHIN).is_some();
        if is_in_force && !fault.fails() && slot.armed.is_none() {
            process.doom(false);
        }
        Ok(())
    }

    fn disk(&mut self, name: &NodeName) -> Result<DiskFault, ClusterError> {
        match self.read(name) {
            Ok(read) => Ok(read.disk),
            // It may end of its disk in this moment.
            Err(_) if self.status(name)? == Status::Stopped => Ok(self.read(name)?.disk),
            Err(error) => Err(error),
        }
    }

    fn flip_bit(&mut self, name: &NodeName, bit: Option<u64>) -> Result<u64, ClusterError> {
        self.with(
            name,
            "flip a bit of",
            &[Status::Stopped],
            |this, node, _| {
                let flip = flip_bit(&this.nodes.data(node), bit, &mut this.torn);
                let flip = flip.map_err(|error| error.to_string())?;
                flip.map(|flip| flip.bit)
                    .ok_or_else(|| "its disk has no such bit".to_owned())
            },
        )
    }

    fn disk_digest(&mut self, name: &NodeName) -> Result<u64, ClusterError> {
        self.with(
            name,
            "read the disk of",
            &[Status::Stopped],
            |this, node, _| digest(&this.nodes.data(node)).map_err(|error| error.to_string()),
        )
    }

    fn clock_offset(&mut self, name: &NodeName) -> Result<i64, ClusterError> {
        let read = self.read(name)?;
        let offset_ns = i128::from(read.wall_ns) - i128::from(self.nodes.truth.wall_ns(read.at_ns));
        Ok(i64::try_from(offset_ns).unwrap_or(i64::MAX))
    }

    /// Two readings, each with its true moment.
    fn clock_drift(&mut self, name: &NodeName) -> Result<Option<i64>, ClusterError> {
        let first = self.read(name)?;
        std::thread::sleep(BETWEEN_READINGS);
        let second = self.read(name)?;
        let shown_ns = i128::from(second.wall_ns) - i128::from(first.wall_ns);
        let true_ns = i128::from(second.at_ns.saturating_sub(first.at_ns)).max(1);
        let ppm = (shown_ns - true_ns) * 1_000_000 / true_ns;
        Ok(i64::try_from(ppm).ok())
    }

    fn bump_clock(&mut self, node: &NodeName, by_ns: i64) -> Result<(), ClusterError> {
        self.set_clock(node, "set the clock of", |_, slot, at_ns| {
            slot.clock.bumped(at_ns, by_ns)
        })
    }

    fn drift_clock(&mut self, node: &NodeName, ppm: i64) -> Result<(), ClusterError> {
        self.set_clock(node, "drift the clock of", |_, slot, at_ns| {
            slot.clock.drifting(at_ns, ppm)
        })
    }

    fn reset_clock(&mut self, node: &NodeName) -> Result<(), ClusterError> {
        self.set_clock(node, "reset the clock of", |nodes, slot, at_ns| {
            slot.clock.set(at_ns, nodes.truth.wall_ns(at_ns))
        })
    }

    fn grow(&mut self) -> Result<NodeName, ClusterError> {
        self.traits.allow(Change::Add(0))?;
        let nodes = self.nodes.clone();
        let node = nodes.slots().keys().next_back().map_or(0, |last| last + 1);
        let name = NodeName::numbered(node);
        let refuse =
            |error: super::LocalError| ClusterError::failed(format!("start {name}"), error);
        let all: Vec<u32> = nodes.slots().keys().copied().collect();
        nodes.add(node, &all).map_err(refuse)?;
        let mut slots = nodes.slots();
        for (other, slot) in slots.iter_mut().filter(|(other, _)| **other != node) {
            if let Some(address) = nodes.way(*other, node) {
                let order = Order::Peer { id: node, address };
                // One that has just ended learns it when it starts.
                let _ = Nodes::order(slot, &order);
            }
        }
        let started = nodes.launch(node, &mut slots);
        started
            .and_then(|()| nodes.await_ready(node, &mut slots))
            .map_err(refuse)?;
        drop(slots);
        let mut present = nodes.addresses.present();
        present.push(node);
        nodes.addresses.set_present(present);
        self.admin.change(Change::Add(node));
        Ok(name)
    }

    fn shrink(&mut self, name: &NodeName) -> Result<(), ClusterError> {
        self.traits.allow(Change::Remove(0))?;
        let node = self.find(name)?;
        let present = self.nodes.addresses.present();
        if self.admin.is_leaving(node) || !present.contains(&node) {
            return Ok(());
        }
        let stays = |it: &&u32| **it != node && !self.admin.is_leaving(**it);
        if present.iter().filter(stays).count() == 0 {
            return Err(ClusterError::last_node(name));
        }
        self.admin.change(Change::Remove(node));
        Ok(())
    }

    fn hand_over(&mut self, to: &NodeName) -> Result<(), ClusterError> {
        self.traits.allow(Change::HandOver(0))?;
        let node = self.find(to)?;
        let primaries = self.primaries()?;
        let Some(leader) = primaries.first() else {
            return Err(ClusterError::no_leader(to));
        };
        let leader = self.find(leader)?;
        self.admin.ask_once(leader, Change::HandOver(node));
        Ok(())
    }

    fn run(&mut self, _node: &NodeName, _command: &str) -> Result<String, ClusterError> {
        Err(ClusterError::unsupported("run commands"))
    }
}
