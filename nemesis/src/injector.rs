//! Makes faults, asks the cluster whether they took hold, and undoes them.
//!
//! Nothing is assumed: after every act the world is asked (can this node reach that one, does the process run,
//! how far off is the clock), and the answer goes into the receipt. Undoing works from the receipt alone, is
//! idempotent, and touches only what the receipt says that we made: a link that somebody else had cut before
//! stays cut, and a process that somebody else killed stays dead.

mod clock;
mod link;
mod membership;
mod partition;
mod probe;
mod process;
mod storage;
mod transfer;

use std::collections::{BTreeMap, BTreeSet};

use rupture_targets::random::Stream;
use rupture_targets::{Cluster, ClusterError, Link, NodeName, Status, Traffic};

use crate::fault::{Fault, FaultKind, Impossible};
use crate::kind::Holds;
use crate::receipt::{Probe, Receipt, State};
use crate::targeting::Scene;
use storage::Illness;

/// Why a fault was not made.
enum Trouble {
    /// Nothing was done.
    Impossible(Impossible),
    /// The cluster did not do what it was asked.
    Cluster(ClusterError),
}

impl From<Impossible> for Trouble {
    fn from(reason: Impossible) -> Self {
        Self::Impossible(reason)
    }
}

impl From<ClusterError> for Trouble {
    fn from(error: ClusterError) -> Self {
        Self::Cluster(error)
    }
}

impl Trouble {
    fn sentence(&self) -> String {
        match self {
            Self::Impossible(reason) => reason.to_string(),
            Self::Cluster(error) => error.to_string(),
        }
    }
}

/// What is remembered of a fault while it lasts, beyond its receipt, to prove it.
#[derive(Clone, Debug, Default)]
struct Memory {
    /// What each wall clock was off by when the fault began.
    offsets: BTreeMap<NodeName, i64>,
    /// What was counted when the fault began.
    traffic: Option<Traffic>,
    /// How often the fault was looked after.
    ticks: u64,
}

/// What faults that last hold on to, so that no two take hold of the same thing.
#[derive(Clone, Debug, Default)]
struct Held {
    processes: BTreeSet<NodeName>,
    clocks: BTreeSet<NodeName>,
    disks: BTreeSet<NodeName>,
    leaving: BTreeSet<NodeName>,
    cut: BTreeSet<Link>,
    shaped: BTreeSet<Link>,
    /// The nodes that any fault has asked to leave, whether or not it lasts.
    sent_away: BTreeSet<NodeName>,
}

impl Held {
    fn add(&mut self, receipt: &Receipt) {
        let nodes = receipt.nodes.iter().cloned();
        let links = receipt.links.iter().cloned();
        match receipt.fault.holds() {
            Holds::CutLinks => self.cut.extend(links),
            Holds::ShapedLinks => self.shaped.extend(links),
            Holds::Clocks => self.clocks.extend(nodes),
            Holds::Processes => self.processes.extend(nodes),
            Holds::Disks => self.disks.extend(nodes),
            Holds::DisksAndProcesses => {
                self.disks.extend(nodes.clone());
                self.processes.extend(nodes);
            }
            Holds::Places => self.leaving.extend(nodes),
            Holds::Nothing => {}
        }
    }
}

/// The cluster in the hands of one fault, at one moment.
struct Hand<'a> {
    cluster: &'a mut dyn Cluster,
    now_ns: u64,
    held: Held,
}

impl Hand<'_> {
    /// Who is there, those that the fault can hit being chosen by `is_able`.
    fn scene(
        &mut self,
        mut is_able: impl FnMut(&mut Self, &NodeName) -> Result<bool, ClusterError>,
    ) -> Result<Scene, ClusterError> {
        let nodes = self.cluster.nodes()?;
        let primaries = self.cluster.primaries()?;
        let mut candidates = Vec::new();
        for node in &nodes {
            if is_able(self, node)? {
                candidates.push(node.clone());
            }
        }
        Ok(Scene {
            nodes,
            primaries,
            candidates,
        })
    }

    /// Whether the node runs, no fault that lasts holds its process or its place in the cluster, and none has
    /// sent it away: whoever leaves is stopped at any moment, and what had been done to it could not be told
    /// from that.
    fn runs_free(&mut self, node: &NodeName) -> Result<bool, ClusterError> {
        let is_held = self.held.processes.contains(node)
            || self.held.leaving.contains(node)
            || self.held.sent_away.contains(node);
        Ok(!is_held && self.cluster.status(node)? == Status::Running)
    }
}

/// Makes faults and keeps their receipts.
#[derive(Debug, Default)]
pub struct Injector {
    /// In the order in which the faults began.
    receipts: Vec<Receipt>,
    /// The faults that last, by id.
    active: BTreeMap<u64, Memory>,
    /// The faults that were undone without a probe having shown it yet.
    unproved: BTreeSet<u64>,
}

impl Injector {
    /// An injector that has done nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// An injector that goes on where another one ended, from the receipts that it left behind: of several
    /// with the same id the last counts. What they say was made and not healed is undone by
    /// [`Injector::heal_all`].
    pub fn from_receipts(receipts: impl IntoIterator<Item = Receipt>) -> Self {
        let last: BTreeMap<u64, Receipt> = receipts
            .into_iter()
            .map(|receipt| (receipt.id, receipt))
            .collect();
        let mut injector = Self::default();
        for (id, receipt) in last {
            if receipt.acted && (receipt.healed_ns.is_none() || receipt.state == State::NotHealed) {
                injector.active.insert(id, Memory::default());
            }
            injector.receipts.push(receipt);
        }
        injector
    }

    /// The receipts so far, one a fault, in the order in which the faults began.
    pub fn receipts(&self) -> &[Receipt] {
        &self.receipts
    }

    /// Whether the fault of this id lasts.
    pub fn is_active(&self, id: u64) -> bool {
        self.active.contains_key(&id)
    }

    /// Makes a fault, and says in its receipt whether a probe saw it. One that was made and not seen is undone
    /// at once. `id` must not have been used before; whom it hits is drawn from `random`.
    pub fn begin(
        &mut self,
        id: u64,
        fault: &Fault,
        cluster: &mut dyn Cluster,
        now_ns: u64,
        random: &mut Stream,
    ) -> Receipt {
        let mut receipt = Receipt::new(id, fault, now_ns);
        let mut memory = Memory {
            traffic: cluster.traffic().ok(),
            ..Memory::default()
        };
        let held = self.held(id);
        let mut hand = Hand {
            cluster,
            now_ns,
            held,
        };
        let result = check(fault, &mut hand)
            .and_then(|()| make(&mut hand, &mut receipt, &mut memory, random));
        let is_over = settle(&mut receipt, result);
        if !is_over {
            self.active.insert(id, memory);
        } else if receipt.acted && !undo_failed(&mut hand, &mut receipt) {
            self.unproved.insert(id);
        }
        self.receipts.push(receipt.clone());
        receipt
    }

    /// Looks after a fault that lasts: a strobe jumps again, and what was not proved yet is looked at again.
    /// The receipt, if the look has changed it; it may say that the fault did not hold.
    pub fn tick(&mut self, id: u64, cluster: &mut dyn Cluster, now_ns: u64) -> Option<Receipt> {
        let held = self.held(id);
        let memory = self.active.get_mut(&id)?;
        let receipt = self.receipts.iter_mut().rfind(|receipt| receipt.id == id)?;
        let mut hand = Hand {
            cluster,
            now_ns,
            held,
        };
        memory.ticks += 1;
        let before = receipt.clone();
        let result = look_after(&mut hand, receipt, memory);
        settle_once(receipt, result);
        (*receipt != before).then(|| receipt.clone())
    }

    /// Undoes a fault that lasts, and says in its receipt whether a probe saw that. `None` when it does not
    /// last: undoing twice is the same as once.
    pub fn end(&mut self, id: u64, cluster: &mut dyn Cluster, now_ns: u64) -> Option<Receipt> {
        let memory = self.active.remove(&id)?;
        let held = self.held(id);
        let receipt = self.receipts.iter_mut().rfind(|receipt| receipt.id == id)?;
        let mut hand = Hand {
            cluster,
            now_ns,
            held,
        };
        prove_before_end(&mut hand, receipt, &memory);
        if let (Some(before), Ok(after)) = (memory.traffic, hand.cluster.traffic()) {
            receipt.traffic = Some(after.since(&before));
        }
        receipt.healed_ns = Some(now_ns);
        if !receipt.acted {
            // It turned out that nobody was hit: there is nothing to undo.
            return Some(receipt.clone());
        }
        let failures = undo(&mut hand, receipt);
        note_left(&mut hand, receipt);
        // The cluster needs time to undo a change of membership, and to have a leader again.
        let is_final = !receipt.fault.kind().is_up_to_the_cluster();
        if !check_healed(&mut hand, receipt, failures, is_final) {
            self.unproved.insert(id);
        }
        Some(receipt.clone())
    }

    /// Undoes every fault that lasts, in the order in which they began.
    pub fn heal_all(&mut self, cluster: &mut dyn Cluster, now_ns: u64) -> Vec<Receipt> {
        let ids: Vec<u64> = self.active.keys().copied().collect();
        ids.into_iter()
            .filter_map(|id| self.end(id, cluster, now_ns))
            .collect()
    }

    /// Looks again at what was undone and not seen to be, after the cluster has had time to recover; undoes it
    /// once more where that is possible. Returns the receipts that this changed.
    pub fn verify(&mut self, cluster: &mut dyn Cluster, now_ns: u64) -> Vec<Receipt> {
        let ids = std::mem::take(&mut self.unproved);
        let mut changed = Vec::new();
        for id in ids {
            let held = self.held(id);
            let Some(receipt) = self.receipts.iter_mut().rfind(|receipt| receipt.id == id) else {
                continue;
            };
            let mut hand = Hand {
                cluster,
                now_ns,
                held,
            };
            // A change of membership is asked for once; the world keeps asking.
            let failures = match receipt.fault.kind() {
                kind if kind.is_up_to_the_cluster() => Vec::new(),
                _ => undo(&mut hand, receipt),
            };
            if !check_healed(&mut hand, receipt, failures, true) {
                self.unproved.insert(id);
            }
            changed.push(receipt.clone());
        }
        changed
    }

    /// What all faults but this one hold.
    fn held(&self, but: u64) -> Held {
        let mut held = Held::default();
        let is_held = |id| id != but && self.active.contains_key(&id);
        for receipt in &self.receipts {
            if is_held(receipt.id) {
                held.add(receipt);
            }
            if receipt.fault.kind() == FaultKind::Membership {
                held.sent_away.extend(receipt.nodes.iter().cloned());
            }
        }
        held
    }
}

/// Refuses what this world and its nodes do not allow.
fn check(fault: &Fault, hand: &mut Hand<'_>) -> Result<(), Trouble> {
    let nodes = hand.cluster.nodes()?.len();
    Ok(fault.check_against(&hand.cluster.capabilities(), nodes)?)
}

/// Makes a fault. `None` when only time can tell whether it takes hold.
fn make(
    hand: &mut Hand<'_>,
    receipt: &mut Receipt,
    memory: &mut Memory,
    random: &mut Stream,
) -> Result<Option<Probe>, Trouble> {
    match receipt.fault.clone() {
        Fault::Partition { shape } => partition::begin(hand, receipt, shape, random).map(Some),
        Fault::Kill { who } => process::kill(hand, receipt, &who, random).map(Some),
        Fault::Pause { who } => process::pause(hand, receipt, &who, random).map(Some),
        Fault::Disk { who, damage } => {
            process::fail_power(hand, receipt, &who, damage, random).map(|()| None)
        }
        Fault::Storage {
            who,
            ailment,
            by_ns,
        } => storage::begin(hand, receipt, (&who, Illness { ailment, by_ns }), random),
        Fault::Clock { who, skew } => clock::begin(hand, receipt, memory, (&who, skew), random),
        Fault::Link { who, shape } => link::begin(hand, receipt, (&who, shape), random).map(Some),
        Fault::Membership { change } => {
            membership::begin(hand, receipt, &change, random).map(|()| None)
        }
        Fault::Transfer { who } => transfer::begin(hand, receipt, &who, random).map(|()| None),
    }
}

fn look_after(
    hand: &mut Hand<'_>,
    receipt: &mut Receipt,
    memory: &Memory,
) -> Result<Option<Probe>, Trouble> {
    match receipt.fault.clone() {
        Fault::Clock { skew, .. } => clock::tick(hand, receipt, memory, skew),
        Fault::Disk { .. } if receipt.state == State::Pending => process::tick(hand, receipt),
        Fault::Storage { ailment, by_ns, .. } if receipt.state == State::Pending => {
            storage::tick(hand, receipt, Illness { ailment, by_ns })
        }
        Fault::Membership { change } if receipt.state == State::Pending => {
            membership::tick(hand, receipt, &change)
        }
        Fault::Transfer { .. } if receipt.state == State::Pending => transfer::tick(hand, receipt),
        _ => Ok(None),
    }
}

/// The last chance of a fault to show itself.
fn prove_before_end(hand: &mut Hand<'_>, receipt: &mut Receipt, memory: &Memory) {
    let result = match receipt.fault.clone() {
        Fault::Clock { skew, .. } => clock::before_end(hand, receipt, memory, skew),
        Fault::Link { shape, .. } => {
            link::before_end(hand, receipt, memory, shape).map_err(Trouble::from)
        }
        Fault::Storage { ailment, by_ns, .. } if receipt.state == State::Pending => {
            storage::before_end(hand, receipt, Illness { ailment, by_ns })
        }
        Fault::Disk { damage, .. } if receipt.state == State::Pending => {
            process::fail_power_now(hand, receipt, damage)
        }
        _ => look_after(hand, receipt, memory),
    };
    settle_once(receipt, result);
    if receipt.state == State::Pending {
        receipt.state = State::NotInjected;
        receipt.reason = Some("no probe had seen it when it was to end".to_owned());
    }
}

/// The same for a later look, unless an earlier one has shown already that the fault does not hold: the first
/// reason stays.
fn settle_once(receipt: &mut Receipt, result: Result<Option<Probe>, Trouble>) {
    if receipt.state != State::NotInjected {
        settle(receipt, result);
    }
}

/// Notes what came of making a fault or looking after it. Whether that is the end of it.
fn settle(receipt: &mut Receipt, result: Result<Option<Probe>, Trouble>) -> bool {
    match result {
        Ok(None) => false,
        Ok(Some(probe)) => {
            let is_seen = probe.ok;
            if is_seen {
                receipt.state = State::Injected;
            } else {
                receipt.state = State::NotInjected;
                receipt.reason = Some(why_not_seen(Some(&probe)));
            }
            receipt.began = Some(probe);
            !is_seen
        }
        Err(trouble) => {
            receipt.state = State::NotInjected;
            receipt.reason = Some(trouble.sentence());
            true
        }
    }
}

/// Undoes a fault that was made and not seen. Whether it is gone.
fn undo_failed(hand: &mut Hand<'_>, receipt: &mut Receipt) -> bool {
    let mut failures = Vec::new();
    if receipt.fault.kind() == FaultKind::Disk {
        let result = process::call_off(hand, receipt);
        failures.extend(result.err().map(|error| error.to_string()));
        if !receipt.acted {
            return true;
        }
    }
    receipt.healed_ns = Some(hand.now_ns);
    failures.extend(undo(hand, receipt));
    note_left(hand, receipt);
    check_healed(hand, receipt, failures, true)
}

/// Undoes what the receipt says was made; the sentences say what could not be undone.
fn undo(hand: &mut Hand<'_>, receipt: &mut Receipt) -> Vec<String> {
    let result = match receipt.fault {
        Fault::Partition { .. } => partition::undo(hand, receipt),
        Fault::Kill { .. } | Fault::Disk { .. } => process::start_all(hand, receipt),
        Fault::Pause { .. } => process::resume_all(hand, receipt),
        Fault::Clock { .. } => clock::undo(hand, receipt),
        Fault::Link { .. } => link::undo(hand, receipt),
        Fault::Storage { ailment, by_ns, .. } => {
            storage::undo(hand, receipt, Illness { ailment, by_ns })
        }
        Fault::Membership { .. } => membership::undo(hand, receipt),
        Fault::Transfer { .. } => None,
    };
    result.into_iter().map(|error| error.to_string()).collect()
}

/// Notes whose process could not be set going again because the node is not there any more. When the world
/// cannot say who is there, the probe that follows cannot either, and that counts.
fn note_left(hand: &mut Hand<'_>, receipt: &mut Receipt) {
    let holds = receipt.fault.holds();
    let is_about_processes = matches!(holds, Holds::Processes | Holds::DisksAndProcesses);
    if is_about_processes && let Ok(nodes) = hand.cluster.nodes() {
        let has_left = |node: &&NodeName| !nodes.contains(node);
        receipt.left = receipt.nodes.iter().filter(has_left).cloned().collect();
    }
}

/// Asks the world whether the fault is gone, and notes the answer. Whether it is.
///
/// Unless the answer is final a fault that is still there is not held against it.
fn check_healed(
    hand: &mut Hand<'_>,
    receipt: &mut Receipt,
    failures: Vec<String>,
    is_final: bool,
) -> bool {
    let probed = match receipt.fault {
        Fault::Partition { .. } => partition::healed(hand, receipt),
        Fault::Kill { .. } | Fault::Disk { .. } => process::started(hand, receipt),
        Fault::Pause { .. } => process::resumed(hand, receipt),
        Fault::Clock { .. } => clock::healed(hand, receipt),
        Fault::Link { .. } => link::healed(hand, receipt),
        Fault::Storage { ailment, by_ns, .. } => {
            storage::healed(hand, receipt, Illness { ailment, by_ns })
        }
        Fault::Membership { .. } => membership::healed(hand, receipt),
        Fault::Transfer { .. } => transfer::healed(hand),
    };
    let why = match probed {
        Ok(probe) if probe.ok => {
            receipt.healed = Some(probe);
            if receipt.state == State::NotHealed {
                let was_seen = receipt.began.as_ref().is_some_and(|probe| probe.ok);
                receipt.state = if was_seen {
                    receipt.reason = None;
                    State::Injected
                } else {
                    receipt.reason = Some(why_not_seen(receipt.began.as_ref()));
                    State::NotInjected
                };
            }
            return true;
        }
        Ok(probe) => {
            let why = format!("{}: {}", probe.looked_at, probe.seen);
            receipt.healed = Some(probe);
            why
        }
        Err(error) => error.to_string(),
    };
    if !is_final {
        return false;
    }
    receipt.state = State::NotHealed;
    receipt.reason = Some(failures.into_iter().next().unwrap_or(why));
    false
}

/// Why a fault did not take hold whose undoing failed at first, which is what its reason tells until then.
fn why_not_seen(began: Option<&Probe>) -> String {
    began.map_or_else(
        || "no probe had seen it before it was undone".to_owned(),
        |probe| format!("{}: {}", probe.looked_at, probe.seen),
    )
}

#[cfg(test)]
mod tests;
