//! A cluster that does what it is told, and lies when it is told to.

use super::*;

/// A cluster of nothing but its own book-keeping. Of what it is told to do it leaves out what it lies about.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Mock {
    pub(super) nodes: Vec<(NodeName, Status, i64, i64)>,
    pub(super) cut: BTreeSet<Link>,
    pub(super) shapes: BTreeMap<Link, LinkShape>,
    pub(super) members: Vec<NodeName>,
    pub(super) sent: u64,
    pub(super) losses: BTreeMap<NodeName, Loss>,
    pub(super) disks: BTreeMap<NodeName, DiskFault>,
    /// The bits that are not as they were.
    pub(super) flipped: BTreeMap<NodeName, BTreeSet<u64>>,
    /// Whose power is to fail.
    pub(super) ordered: BTreeSet<NodeName>,
    /// Whether an order to fail is only taken down.
    pub(super) is_slow: bool,
    /// Who takes no such order.
    pub(super) refuses: Option<NodeName>,
    /// Who was asked to lead; the first member otherwise.
    pub(super) led_by: Option<NodeName>,
    /// One lie, or several with `+` between them.
    pub(super) lies: Option<&'static str>,
}

impl Mock {
    pub(super) fn new(nodes: u32) -> Self {
        let names: Vec<NodeName> = (0..nodes).map(NodeName::numbered).collect();
        Self {
            nodes: names
                .iter()
                .map(|name| (name.clone(), Status::Running, 0, 0))
                .collect(),
            members: names,
            ..Self::default()
        }
    }

    pub(super) fn lies(&self, about: &str) -> bool {
        self.lies
            .is_some_and(|lies| lies.split('+').any(|lie| lie == about))
    }

    pub(super) fn at(
        &mut self,
        name: &NodeName,
    ) -> Result<&mut (NodeName, Status, i64, i64), ClusterError> {
        let found = self.nodes.iter_mut().find(|node| node.0 == *name);
        found.ok_or_else(|| ClusterError::UnknownNode {
            node: name.clone(),
            known: Vec::new(),
        })
    }

    pub(super) fn turn(
        &mut self,
        name: &NodeName,
        lie: &str,
        from: Status,
        to: Status,
    ) -> Result<(), ClusterError> {
        let lies = self.lies(lie);
        let node = self.at(name)?;
        if node.1 != from {
            return Err(ClusterError::WrongStatus {
                action: lie.to_owned(),
                node: name.clone(),
                status: node.1,
            });
        }
        if !lies {
            node.1 = to;
        }
        Ok(())
    }

    fn disk_of(&self, node: &NodeName) -> DiskFault {
        self.disks.get(node).copied().unwrap_or_default()
    }

    /// Lets time pass: clocks drift, nodes write, and messages are sent.
    pub(super) fn pass(&mut self, ns: u64) {
        let writes = !self.lies("write");
        for node in &mut self.nodes {
            let disk = self.disks.get(&node.0).copied().unwrap_or_default();
            let fails = disk.is_full || disk.write_fails || disk.sync_fails;
            if writes && fails && node.1 == Status::Running {
                node.1 = Status::Stopped;
            }
            node.2 += node.3 * (ns / 1_000_000) as i64;
        }
        self.sent += ns / MS;
    }

    pub(super) fn is_new(&self) -> bool {
        let is_new = |node: &(NodeName, Status, i64, i64)| {
            (node.1, node.2, node.3) == (Status::Running, 0, 0)
        };
        self.cut.is_empty()
            && self.shapes.values().all(LinkShape::is_clean)
            && self.disks.values().all(DiskFault::is_none)
            && self.flipped.values().all(BTreeSet::is_empty)
            && self
                .nodes
                .iter()
                .filter(|node| self.members.contains(&node.0))
                .all(is_new)
    }
}

impl Cluster for Mock {
    fn capabilities(&self) -> Capabilities {
        Capability::ALL.into()
    }

    fn nodes(&mut self) -> Result<Vec<NodeName>, ClusterError> {
        Ok(self.members.clone())
    }

    fn members(&mut self) -> Result<Vec<NodeName>, ClusterError> {
        Ok(self.members.clone())
    }

    fn primaries(&mut self) -> Result<Vec<NodeName>, ClusterError> {
        let asked = self.led_by.clone().filter(|it| self.members.contains(it));
        if asked.is_some() && self.sent >= 1_000 && self.lies("lead") {
            return Ok(Vec::new());
        }
        let first = self.members.first().cloned();
        Ok(asked.or(first).into_iter().collect())
    }

    fn status(&mut self, node: &NodeName) -> Result<Status, ClusterError> {
        Ok(self.at(node)?.1)
    }

    fn kill(&mut self, node: &NodeName, _keep: Keep) -> Result<Loss, ClusterError> {
        self.turn(node, "kill", Status::Running, Status::Stopped)?;
        if self.at(node)?.1 == Status::Stopped {
            self.losses.insert(node.clone(), Loss::default());
        }
        Ok(Loss::default())
    }

    fn kill_amid(
        &mut self,
        node: &NodeName,
        keep: Keep,
        _within_ns: u64,
    ) -> Result<(), ClusterError> {
        if self.refuses.as_ref() == Some(node) {
            return Err(ClusterError::Failed {
                action: "order".to_owned(),
                reason: "it is refused".to_owned(),
            });
        }
        self.losses.remove(node);
        if self.is_slow {
            self.ordered.insert(node.clone());
            return Ok(());
        }
        self.kill(node, keep).map(|_| ())
    }

    fn call_off(&mut self, node: &NodeName) -> Result<(), ClusterError> {
        self.ordered.remove(node);
        self.at(node).map(|_| ())
    }

    fn last_loss(&mut self, node: &NodeName) -> Result<Option<Loss>, ClusterError> {
        self.at(node)?;
        Ok(self.losses.get(node).copied())
    }

    fn start(&mut self, node: &NodeName) -> Result<(), ClusterError> {
        if self.disk_of(node).read_fails && !self.lies("read") {
            return Ok(());
        }
        if self.flipped.get(node).is_some_and(|bits| !bits.is_empty()) {
            return Err(ClusterError::Failed {
                action: "start".to_owned(),
                reason: "its log is damaged".to_owned(),
            });
        }
        self.turn(node, "start", Status::Stopped, Status::Running)
    }

    fn pause(&mut self, node: &NodeName) -> Result<(), ClusterError> {
        self.turn(node, "pause", Status::Running, Status::Paused)
    }

    fn resume(&mut self, node: &NodeName) -> Result<(), ClusterError> {
        self.turn(node, "resume", Status::Paused, Status::Running)
    }

    fn cut(&mut self, links: &[Link]) -> Result<(), ClusterError> {
        let skipped = usize::from(self.lies("cut"));
        self.cut.extend(links.iter().skip(skipped).cloned());
        if self.lies("cut more") {
            self.cut
                .extend(links.iter().map(|link| Link::new(&link.to, &link.from)));
        }
        Ok(())
    }

    fn mend(&mut self, links: &[Link]) -> Result<(), ClusterError> {
        let skipped = usize::from(self.lies("mend"));
        self.cut
            .retain(|link| !links.iter().skip(skipped).any(|it| it == link));
        Ok(())
    }

    fn reach(&mut self, link: &Link) -> Result<bool, ClusterError> {
        Ok(!self.cut.contains(link))
    }

    fn shape_link(&mut self, link: &Link, shape: LinkShape) -> Result<(), ClusterError> {
        let lies = self.lies("shape") || self.lies("unshape") && shape.is_clean();
        if !lies {
            self.shapes.insert(link.clone(), shape);
        }
        Ok(())
    }

    fn link_shape(&mut self, link: &Link) -> Result<LinkShape, ClusterError> {
        Ok(self.shapes.get(link).copied().unwrap_or_default())
    }

    fn traffic(&mut self) -> Result<Traffic, ClusterError> {
        let lost = if self.lies("lose") { 0 } else { self.sent };
        Ok(Traffic {
            sent: self.sent,
            lost,
            duplicated: lost,
            held_back: lost,
            resets: lost,
            half_closes: lost,
            // Nobody sends again in time: what is held back is overtaken by nobody.
            ..Traffic::default()
        })
    }

    fn disk_fault(&mut self, node: &NodeName, fault: DiskFault) -> Result<(), ClusterError> {
        let lie = if fault.is_none() { "cure" } else { "ail" };
        if !self.lies(lie) {
            self.disks.insert(node.clone(), fault);
        }
        Ok(())
    }

    fn disk(&mut self, node: &NodeName) -> Result<DiskFault, ClusterError> {
        Ok(self.disk_of(node))
    }

    fn flip_bit(&mut self, node: &NodeName, bit: Option<u64>) -> Result<u64, ClusterError> {
        let bit = bit.unwrap_or(77);
        if !self.lies("flip") {
            let bits = self.flipped.entry(node.clone()).or_default();
            if !bits.remove(&bit) {
                bits.insert(bit);
            }
        }
        Ok(bit)
    }

    fn disk_digest(&mut self, node: &NodeName) -> Result<u64, ClusterError> {
        let bits = self.flipped.get(node).into_iter().flatten();
        Ok(bits.fold(1, |digest, bit| digest * 31 + bit))
    }

    fn clock_offset(&mut self, node: &NodeName) -> Result<i64, ClusterError> {
        Ok(self.at(node)?.2)
    }

    fn bump_clock(&mut self, node: &NodeName, by_ns: i64) -> Result<(), ClusterError> {
        if !self.lies("bump") {
            self.at(node)?.2 += by_ns;
        }
        Ok(())
    }

    fn drift_clock(&mut self, node: &NodeName, ppm: i64) -> Result<(), ClusterError> {
        if !self.lies("drift") {
            self.at(node)?.3 = ppm;
        }
        Ok(())
    }

    fn reset_clock(&mut self, node: &NodeName) -> Result<(), ClusterError> {
        if !self.lies("reset") {
            let node = self.at(node)?;
            (node.2, node.3) = (0, 0);
        }
        Ok(())
    }

    fn grow(&mut self) -> Result<NodeName, ClusterError> {
        let name = NodeName::numbered(self.nodes.len() as u32);
        self.nodes.push((name.clone(), Status::Running, 0, 0));
        if !self.lies("grow") {
            self.members.push(name.clone());
        }
        Ok(name)
    }

    fn shrink(&mut self, node: &NodeName) -> Result<(), ClusterError> {
        if !self.lies("shrink") {
            self.members.retain(|it| it != node);
        }
        Ok(())
    }

    fn hand_over(&mut self, to: &NodeName) -> Result<(), ClusterError> {
        self.at(to)?;
        if !self.lies("hand over") {
            self.led_by = Some(to.clone());
        }
        Ok(())
    }

    fn run(&mut self, _node: &NodeName, _command: &str) -> Result<String, ClusterError> {
        unreachable!("no fault runs commands")
    }
}
