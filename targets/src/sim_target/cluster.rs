//! What a nemesis may do to the simulated cluster, and what it may ask.

use rand::RngExt;
use rupture_protocols::NodeId;
use rupture_protocols::sim::{self, CrashReport, LinkFault};

use super::{EPOCH_NS, SimTarget};
use crate::protocol::{Change, Protocol};
use crate::{
    Capabilities, Capability, Cluster, ClusterError, DiskFault, Keep, Link, LinkShape, Loss,
    NodeName, Status, Traffic,
};

/// A power failure in the middle of a write comes after at most so many effects of the node.
const EFFECTS: std::ops::RangeInclusive<u32> = 1..=48;

impl<P: Protocol> SimTarget<P> {
    fn find(&self, name: &NodeName) -> Result<NodeId, ClusterError> {
        let found = name.number().filter(|node| *node < self.sim.nodes());
        found.ok_or_else(|| ClusterError::UnknownNode {
            node: name.clone(),
            known: names(&self.present),
        })
    }

    /// The nodes that believe to lead, in order.
    fn leaders(&self) -> impl Iterator<Item = NodeId> {
        let leads = |node: &NodeId| self.sim.node(*node).is_some_and(P::leads);
        self.present.iter().copied().filter(leads)
    }

    fn find_link(&self, link: &Link) -> Result<(NodeId, NodeId), ClusterError> {
        let (from, to) = (self.find(&link.from)?, self.find(&link.to)?);
        if from == to {
            return Err(ClusterError::no_link(link));
        }
        Ok((from, to))
    }

    /// The node, if it is in one of these states.
    fn find_if(
        &self,
        name: &NodeName,
        action: &str,
        wanted: &[Status],
    ) -> Result<NodeId, ClusterError> {
        let node = self.find(name)?;
        let status = status(self.sim.status(node));
        if wanted.contains(&status) {
            return Ok(node);
        }
        Err(ClusterError::WrongStatus {
            action: action.to_owned(),
            node: name.clone(),
            status,
        })
    }
}

fn names(nodes: &[NodeId]) -> Vec<NodeName> {
    nodes.iter().copied().map(NodeName::numbered).collect()
}

fn status(status: sim::Status) -> Status {
    match status {
        sim::Status::Running => Status::Running,
        sim::Status::Paused => Status::Paused,
        sim::Status::Down => Status::Stopped,
    }
}

fn keep(keep: Keep) -> sim::Keep {
    match keep {
        Keep::Written => sim::Keep::Written,
        Keep::Synced => sim::Keep::Synced,
        Keep::Torn => sim::Keep::Torn,
    }
}

pub(super) fn loss(report: &CrashReport) -> Loss {
    Loss {
        records_lost: report.lost_records as u64,
        torn: report.torn,
    }
}

impl<P: Protocol> Cluster for SimTarget<P> {
    fn capabilities(&self) -> Capabilities {
        [
            Capability::Kill,
            Capability::PowerLoss,
            Capability::TornWrite,
            Capability::Pause,
            Capability::Cut,
            Capability::ShapeLink,
            Capability::BumpClock,
            Capability::DriftClock,
            Capability::SlowDisk,
            Capability::FailDisk,
        ]
        .into_iter()
        .chain(self.traits.changes())
        .collect()
    }

    fn nodes(&mut self) -> Result<Vec<NodeName>, ClusterError> {
        Ok(names(&self.present))
    }

    fn members(&mut self) -> Result<Vec<NodeName>, ClusterError> {
        Ok(names(&self.members.nodes))
    }

    fn primaries(&mut self) -> Result<Vec<NodeName>, ClusterError> {
        let primaries: Vec<NodeId> = self.leaders().collect();
        Ok(names(&primaries))
    }

    fn status(&mut self, node: &NodeName) -> Result<Status, ClusterError> {
        Ok(status(self.sim.status(self.find(node)?)))
    }

    fn kill(&mut self, node: &NodeName, what: Keep) -> Result<Loss, ClusterError> {
        let node = self.find_if(node, "kill", &[Status::Running, Status::Paused])?;
        let loss = loss(&self.sim.crash(node, keep(what)));
        self.losses.insert(node, loss);
        Ok(loss)
    }

    fn kill_amid(
        &mut self,
        node: &NodeName,
        what: Keep,
        within_ns: u64,
    ) -> Result<(), ClusterError> {
        let node = self.find_if(node, "kill", &[Status::Running])?;
        // What is remembered from now on is what this order has done.
        self.losses.remove(&node);
        let effects = self.crash_points.random_range(EFFECTS);
        let by_ns = self.sim.now_ns().saturating_add(within_ns);
        self.sim.crash_amid(node, keep(what), effects, by_ns);
        Ok(())
    }

    fn call_off(&mut self, node: &NodeName) -> Result<(), ClusterError> {
        let node = self.find(node)?;
        self.sim.cancel_crash(node);
        Ok(())
    }

    fn last_loss(&mut self, node: &NodeName) -> Result<Option<Loss>, ClusterError> {
        let node = self.find(node)?;
        self.catch_up();
        Ok(self.losses.get(&node).copied())
    }

    fn start(&mut self, name: &NodeName) -> Result<(), ClusterError> {
        let node = self.find_if(name, "start", &[Status::Stopped])?;
        if self.present.contains(&node) {
            self.sim.start(node);
        }
        Ok(())
    }

    fn pause(&mut self, node: &NodeName) -> Result<(), ClusterError> {
        let node = self.find_if(node, "pause", &[Status::Running])?;
        self.sim.pause(node);
        Ok(())
    }

    fn resume(&mut self, node: &NodeName) -> Result<(), ClusterError> {
        let node = self.find_if(node, "resume", &[Status::Paused])?;
        self.sim.resume(node);
        Ok(())
    }

    fn cut(&mut self, links: &[Link]) -> Result<(), ClusterError> {
        for link in links {
            let (from, to) = self.find_link(link)?;
            self.sim.cut(from, to);
        }
        Ok(())
    }

    fn mend(&mut self, links: &[Link]) -> Result<(), ClusterError> {
        for link in links {
            let (from, to) = self.find_link(link)?;
            self.sim.mend(from, to);
        }
        Ok(())
    }

    fn reach(&mut self, link: &Link) -> Result<bool, ClusterError> {
        let (from, to) = self.find_link(link)?;
        Ok(self.sim.carries(from, to))
    }

    fn shape_link(&mut self, link: &Link, shape: LinkShape) -> Result<(), ClusterError> {
        let (from, to) = self.find_link(link)?;
        if shape.breaks_stream() {
            return Err(ClusterError::unsupported(
                "limit, slice, reset or half-close the stream of a link: it carries whole messages",
            ));
        }
        *self.sim.link(from, to) = LinkFault {
            delay_ns: shape.delay_ns,
            jitter_ns: shape.jitter_ns,
            loss_ppm: shape.loss_ppm,
            duplicate_ppm: shape.duplicate_ppm,
            reorder_ppm: shape.reorder_ppm,
        };
        Ok(())
    }

    fn link_shape(&mut self, link: &Link) -> Result<LinkShape, ClusterError> {
        let (from, to) = self.find_link(link)?;
        let fault = *self.sim.link(from, to);
        Ok(LinkShape {
            delay_ns: fault.delay_ns,
            jitter_ns: fault.jitter_ns,
            loss_ppm: fault.loss_ppm,
            duplicate_ppm: fault.duplicate_ppm,
            reorder_ppm: fault.reorder_ppm,
            ..LinkShape::default()
        })
    }

    fn traffic(&mut self) -> Result<Traffic, ClusterError> {
        let counters = self.sim.counters();
        Ok(Traffic {
            sent: counters.sent,
            blocked: counters.cut,
            lost: counters.lost,
            duplicated: counters.duplicated,
            held_back: counters.held_back,
            reordered: counters.reordered,
            ..Traffic::default()
        })
    }

    fn disk_fault(&mut self, node: &NodeName, fault: DiskFault) -> Result<(), ClusterError> {
        let node = self.find(node)?;
        *self.sim.disk(node) = fault;
        Ok(())
    }

    fn disk(&mut self, node: &NodeName) -> Result<DiskFault, ClusterError> {
        let node = self.find(node)?;
        Ok(*self.sim.disk(node))
    }

    fn clock_offset(&mut self, node: &NodeName) -> Result<i64, ClusterError> {
        let node = self.find(node)?;
        let right_ns = i128::from(self.sim.now_ns()) + i128::from(EPOCH_NS);
        let offset_ns = i128::from(self.sim.wall_ns(node)) - right_ns;
        Ok(i64::try_from(offset_ns).unwrap_or(i64::MAX))
    }

    fn bump_clock(&mut self, node: &NodeName, by_ns: i64) -> Result<(), ClusterError> {
        let node = self.find(node)?;
        self.sim.bump_clock(node, by_ns);
        Ok(())
    }

    fn drift_clock(&mut self, node: &NodeName, ppm: i64) -> Result<(), ClusterError> {
        let node = self.find(node)?;
        self.sim.set_drift(node, ppm);
        Ok(())
    }

    fn reset_clock(&mut self, name: &NodeName) -> Result<(), ClusterError> {
        let node = self.find(name)?;
        self.sim.set_drift(node, 0);
        let offset_ns = self.clock_offset(name)?;
        self.sim.bump_clock(node, offset_ns.saturating_neg());
        Ok(())
    }

    fn grow(&mut self) -> Result<NodeName, ClusterError> {
        self.traits.allow(Change::Add(0))?;
        let node = self.sim.add_node();
        self.sim.bump_clock(node, EPOCH_NS as i64);
        self.present.push(node);
        self.change(Change::Add(node));
        Ok(NodeName::numbered(node))
    }

    fn shrink(&mut self, name: &NodeName) -> Result<(), ClusterError> {
        self.traits.allow(Change::Remove(0))?;
        let node = self.find(name)?;
        if self.is_leaving(node) || !self.present.contains(&node) {
            return Ok(());
        }
        let stays = |it: &&NodeId| **it != node && !self.is_leaving(**it);
        if self.present.iter().filter(stays).count() == 0 {
            return Err(ClusterError::last_node(name));
        }
        self.change(Change::Remove(node));
        Ok(())
    }

    fn hand_over(&mut self, to: &NodeName) -> Result<(), ClusterError> {
        self.traits.allow(Change::HandOver(0))?;
        let node = self.find(to)?;
        let Some(leader) = self.leaders().next() else {
            return Err(ClusterError::no_leader(to));
        };
        self.ask_once(leader, Change::HandOver(node));
        Ok(())
    }

    fn run(&mut self, _node: &NodeName, _command: &str) -> Result<String, ClusterError> {
        Err(ClusterError::unsupported("run commands"))
    }
}
