//! The nodes of a cluster of processes, and all that surrounds each: its process, clocks, disk, and what was ordered.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rupture_history::observation::Observation;
use rupture_protocols::random::Stream;

use super::addresses::Addresses;
use super::links::Links;
use super::process::{Listener, Process};
use super::undo::{self, Undo, UndoJournal};
use super::{LocalError, LocalSetup};
use crate::node::NodeOptions;
use crate::node::clock::{NodeClock, monotonic_ns};
use crate::node::control::Order;
use crate::node::disk::lose_power;
use crate::observe::NodeEvent;
use crate::protocol::Members;
use crate::real::Tell;
use crate::{Happening, Keep, Loss, NodeName, TargetOptions};

/// How long a node may take until it listens.
const READY_WITHIN: Duration = Duration::from_secs(15);

/// Hears processes, and tells of what happens to whoever wants to know.
pub(super) struct Ears {
    tell: Tell,
    origin_ns: u64,
    members: Mutex<Members>,
}

impl Ears {
    pub(super) fn new(tell: Tell, origin_ns: u64, members: &[u32]) -> Self {
        Self {
            tell,
            origin_ns,
            members: Mutex::new(Members {
                version: 0,
                nodes: members.to_vec(),
            }),
        }
    }

    /// Tells that something happened.
    pub(super) fn tell(&self, happening: Happening) {
        (self.tell)(happening);
    }

    pub(super) fn members(&self) -> Vec<u32> {
        let members = self.members.lock();
        members
            .unwrap_or_else(PoisonError::into_inner)
            .nodes
            .clone()
    }
}

impl Listener for Ears {
    fn line(&self, node: u32, line: &str) {
        let at_ns = monotonic_ns().saturating_sub(self.origin_ns);
        (self.tell)(Happening::Node(NodeEvent::of_line(at_ns, node, line)));
    }

    fn members(&self, _node: u32, members: Members) {
        let known = self.members.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        if members.version > known.version {
            *known = members;
        }
    }

    fn observed(&self, observation: Observation) {
        let at_ns = observation.at_ns.saturating_sub(self.origin_ns);
        (self.tell)(Happening::Observed(Observation {
            at_ns,
            ..observation
        }));
    }

    fn died(&self, node: u32, how: &str, tail: Vec<String>) {
        (self.tell)(Happening::Died {
            node: NodeName::numbered(node),
            how: how.to_owned(),
            tail,
        });
    }
}

/// One node.
pub(super) struct Slot {
    pub(super) process: Option<Process>,
    pub(super) clock: NodeClock,
    /// What its disk does wrong.
    pub(super) disk: crate::node::disk::DiskFault,
    /// Whether it had a process before, and so has files.
    pub(super) has_run: bool,
    /// What was ordered of its next end: what it keeps, and which order that was.
    pub(super) armed: Option<(Keep, u64)>,
    /// What its disk lost when it was last killed.
    pub(super) loss: Option<Loss>,
}

/// All nodes.
pub(super) struct Nodes {
    pub(super) name: &'static str,
    pub(super) options: TargetOptions,
    pub(super) setup: LocalSetup,
    pub(super) mark: String,
    pub(super) token: String,
    pub(super) links: Links,
    pub(super) addresses: Arc<Addresses>,
    pub(super) journal: UndoJournal,
    pub(super) ears: Arc<Ears>,
    /// What an honest clock shows.
    pub(super) truth: NodeClock,
    pub(super) origin_ns: u64,
    pub(super) slots: Mutex<BTreeMap<u32, Slot>>,
    /// Where the first node of each pair finds the second: a proxy.
    pub(super) ways: Mutex<BTreeMap<(u32, u32), SocketAddr>>,
}

impl Nodes {
    pub(super) fn slots(&self) -> MutexGuard<'_, BTreeMap<u32, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a node finds another one.
    pub(super) fn way(&self, from: u32, to: u32) -> Option<SocketAddr> {
        let ways = self.ways.lock();
        ways.unwrap_or_else(PoisonError::into_inner)
            .get(&(from, to))
            .copied()
    }

    /// Where clients find a node now.
    pub(super) fn address(&self, node: &NodeName) -> Option<SocketAddr> {
        self.addresses.get(node.number()?)
    }

    /// The folder of a node.
    pub(super) fn data(&self, node: u32) -> std::path::PathBuf {
        self.setup.folder.join(NodeName::numbered(node).as_str())
    }

    /// Starts the first nodes, side by side.
    ///
    /// # Errors
    /// The first that did not start.
    pub(super) fn start_all(&self, nodes: &[u32]) -> Result<(), LocalError> {
        for node in nodes {
            self.add(*node, nodes)?;
        }
        let mut slots = self.slots();
        for node in nodes {
            self.launch(*node, &mut slots)?;
        }
        for node in nodes {
            self.await_ready(*node, &mut slots)?;
        }
        Ok(())
    }

    /// Makes room for a node, and its links with those that there are.
    ///
    /// # Errors
    /// When a proxy cannot listen.
    pub(super) fn add(&self, node: u32, all: &[u32]) -> Result<(), LocalError> {
        for other in all.iter().filter(|it| **it != node) {
            for (from, to) in [(node, *other), (*other, node)] {
                let opened = self.links.open(from, to);
                let address = opened.map_err(|reason| LocalError::Machine {
                    action: "listen on loopback for a link of",
                    path: self.data(node),
                    reason,
                })?;
                let ways = self.ways.lock();
                ways.unwrap_or_else(PoisonError::into_inner)
                    .insert((from, to), address);
            }
        }
        let slot = Slot {
            process: None,
            clock: self.truth,
            disk: crate::node::disk::DiskFault::default(),
            has_run: false,
            armed: None,
            loss: None,
        };
        self.slots().insert(node, slot);
        Ok(())
    }

    /// Starts the process of a node with what its disk kept, and does not wait for it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn launch(
        &self,
        node: u32,
        slots: &mut BTreeMap<u32, Slot>,
    ) -> Result<(), LocalError> {
        let refuse = |reason: String| LocalError::Node {
            node: NodeName::numbered(node),
            reason,
        };
        let others = slots.keys().copied().filter(|it| *it != node);
        let peers = others.filter_map(|it| Some((it, self.way(node, it)?)));
        let peers = peers.collect();
        let Some(slot) = slots.get_mut(&node) else {
            return Err(refuse("there is no such node".to_owned()));
        };
        slot.armed = None;
        let mark = std::fs::read_to_string(self.setup.folder.join(undo::MARK));
        if mark.ok().as_deref() != Some(self.mark.as_str())
            || (slot.has_run && !self.data(node).is_dir())
        {
            // One that starts without what it wrote would break promises that it kept.
            return Err(refuse(
                "somebody has taken its files away while it ran".to_owned(),
            ));
        }
        slot.has_run = true;
        let port = |which: u32| match self.setup.base_port {
            None => 0,
            Some(base) => base.saturating_add((node * 2 + which) as u16),
        };
        let loopback = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        let options = NodeOptions {
            name: self.name.to_owned(),
            target: self.options.clone(),
            id: node,
            listen: loopback(port(0)),
            listen_peers: loopback(port(1)),
            peers,
            data: self.data(node),
            token: self.token.clone(),
            clock: slot.clock,
            disk: slot.disk,
            controller: Some(std::process::id()),
        };
        let program = &self.setup.program;
        let process = Process::launch(program, &self.mark, &options, self.ears.clone());
        let process =
            process.map_err(|error| refuse(format!("`{}`: {error}", program.display())))?;
        let (pid, started) = process.identity();
        let entry = Undo::EndProcess {
            pid,
            started,
            node: NodeName::numbered(node).to_string(),
        };
        self.journal
            .add(&entry)
            .map_err(|error| refuse(format!("the undo journal cannot be kept: {error}")))?;
        slot.process = Some(process);
        Ok(())
    }

    /// Waits until a node that was started listens, and lets everybody find it.
    ///
    /// # Errors
    /// Why it does not listen; then it has ended.
    pub(super) fn await_ready(
        &self,
        node: u32,
        slots: &mut BTreeMap<u32, Slot>,
    ) -> Result<(), LocalError> {
        let Some(slot) = slots.get_mut(&node) else {
            return Ok(());
        };
        let Some(process) = &slot.process else {
            return Ok(());
        };
        match process.ready(READY_WITHIN) {
            Ok((clients, peers)) => {
                process.doom(slot.disk.fails());
                self.links.aim(node, Some(peers));
                self.addresses.set(node, Some(clients));
                Ok(())
            }
            Err(reason) => {
                let _ = process.kill();
                Err(LocalError::Node {
                    node: NodeName::numbered(node),
                    reason,
                })
            }
        }
    }

    /// Nobody finds a node any more.
    pub(super) fn hide(&self, node: u32) {
        self.links.aim(node, None);
        self.addresses.set(node, None);
    }

    /// Lets the disk of a node that has ended lose what was ordered.
    ///
    /// # Errors
    /// When its log cannot be cut.
    pub(super) fn settle(
        &self,
        node: u32,
        slot: &mut Slot,
        random: &mut Stream,
    ) -> Result<(), String> {
        let has_ended = slot.process.as_ref().is_none_or(Process::has_ended);
        if let Some((keep, _)) = slot.armed
            && has_ended
        {
            slot.armed = None;
            self.hide(node);
            let loss = lose_power(&self.data(node), keep, random);
            slot.loss = Some(loss.map_err(|error| error.to_string())?);
        }
        Ok(())
    }

    /// Tells a node something, if it runs.
    pub(super) fn order(slot: &mut Slot, order: &Order) -> Result<(), String> {
        match slot.process.as_mut().filter(|process| !process.has_ended()) {
            Some(process) => process.order(order).map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }

    /// A node that has left the cluster ends, and is no longer one of it.
    pub(super) fn remove(&self, node: u32) -> Result<(), String> {
        self.hide(node);
        let mut present = self.addresses.present();
        present.retain(|it| *it != node);
        self.addresses.set_present(present);
        match self
            .slots()
            .get_mut(&node)
            .and_then(|slot| slot.process.take())
        {
            Some(process) => process.kill().map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }

    /// Ends every process and removes the folder. Gives what could not be taken away.
    pub(super) fn end(&self) -> Vec<String> {
        let mut left = Vec::new();
        let slots = std::mem::take(&mut *self.slots());
        let processes: Vec<(u32, Process)> = slots
            .into_iter()
            .filter_map(|(node, slot)| Some((node, slot.process?)))
            .collect();
        for (_, process) in &processes {
            process.doom(true);
            let _ = process.signal(rustix::process::Signal::KILL);
        }
        for (node, process) in &processes {
            if let Err(error) = process.kill() {
                left.push(format!("{}: {error}", NodeName::numbered(*node)));
            }
        }
        if let Err(error) = undo::remove_marked(&self.setup.folder)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            left.push(format!("`{}`: {error}", self.setup.folder.display()));
        }
        if left.is_empty()
            && let Err(error) = self.journal.add(&Undo::Nothing)
        {
            left.push(format!("the undo journal cannot be closed: {error}"));
        }
        left
    }
}
