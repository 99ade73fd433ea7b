//! The faults: each exact and immediate, each harmless when it is repeated, and each with its undoing.
//!
//! A fault for a node that does not exist changes nothing, unless it says otherwise.

use super::host::{Armed, Host, Task, Waiting};
use super::{CrashReport, Due, Keep, LinkFault, Outside, Sim, Status};
use crate::{Input, Node, NodeId};

impl<N: Node> Sim<N> {
    /// Cuts the link from one node to another, in this direction alone. Messages that would arrive while
    /// it is cut are dropped, those under way included; those that a mended link delivers later pass.
    /// Says whether that changed anything.
    pub fn cut(&mut self, from: NodeId, to: NodeId) -> bool {
        self.is_link(from, to) && self.network.set_cut(from, to, true)
    }

    /// Undoes [`cut`](Self::cut). Says whether that changed anything.
    pub fn mend(&mut self, from: NodeId, to: NodeId) -> bool {
        self.is_link(from, to) && self.network.set_cut(from, to, false)
    }

    /// Mends every link and takes every [`LinkFault`] away.
    pub fn mend_all(&mut self) {
        self.network.mend_all();
    }

    /// Whether a message that arrives now over this link passes: the same function decides each delivery.
    pub fn carries(&self, from: NodeId, to: NodeId) -> bool {
        self.network.carries(from, to)
    }

    /// What is wrong with this link, to be read and changed; set it to the default to undo it.
    ///
    /// # Panics
    ///
    /// If one of the nodes does not exist, or both are the same.
    pub fn link(&mut self, from: NodeId, to: NodeId) -> &mut LinkFault {
        assert!(self.is_link(from, to), "there is no link {from} to {to}");
        self.network.fault(from, to)
    }

    /// Crashes a node. Of a node that is down only the disk is hit: its host can lose power all the same.
    /// A crash that was ordered for it is called off.
    pub fn crash(&mut self, node: NodeId, keep: Keep) -> CrashReport {
        self.cancel_crash(node);
        self.fall(node, keep, None)
    }

    /// Crashes a node as soon as it has performed `effects` more effects, with 0 at once, and at `by_ns`
    /// in true time at the latest. A sync counts when it is done. The crash reports itself as
    /// [`Outside::Crashed`]. It replaces one that was ordered before; [`crash`](Self::crash),
    /// [`start`](Self::start) and [`cancel_crash`](Self::cancel_crash) call it off.
    pub fn crash_amid(&mut self, node: NodeId, keep: Keep, effects: u32, by_ns: u64) {
        let Some(host) = self.hosts.get_mut(node as usize) else {
            return;
        };
        host.orders += 1;
        let order = host.orders;
        host.armed = Some(Armed {
            keep,
            effects,
            order,
        });
        if effects == 0 {
            self.crash_at_last(node, order);
        } else {
            let at_ns = by_ns.max(self.now_ns);
            self.queue.push(at_ns, Due::Crash { node, order });
        }
    }

    /// Whether a crash that [`crash_amid`](Self::crash_amid) ordered is still to come.
    pub fn crash_is_ordered(&self, node: NodeId) -> bool {
        let host = self.hosts.get(node as usize);
        host.is_some_and(|host| host.armed.is_some())
    }

    /// Calls off the crash that [`crash_amid`](Self::crash_amid) ordered. Says whether there was one.
    pub fn cancel_crash(&mut self, node: NodeId) -> bool {
        let host = self.hosts.get_mut(node as usize);
        host.is_some_and(|host| host.armed.take().is_some())
    }

    /// Starts a new process on a node that is down, with what its disk kept; one that cannot read its disk ends at
    /// once. Says whether there was anything to start.
    pub fn start(&mut self, node: NodeId) -> bool {
        if self.status(node) != Status::Down || node as usize >= self.hosts.len() {
            return false;
        }
        if self.disk(node).read_fails {
            self.disk_failed(node, Keep::Written, Some(0));
            return true;
        }
        let process = (self.make)(node);
        let host = &mut self.hosts[node as usize];
        host.armed = None;
        host.status = Status::Running;
        host.process = Some(process);
        let records = host.disk.records().to_vec();
        self.counters.starts += 1;
        self.step(node, Input::Start { records });
        true
    }

    /// Stops a running process. What reaches it waits, its wake-up too; its clocks and its disk go on.
    /// Says whether that changed anything.
    pub fn pause(&mut self, node: NodeId) -> bool {
        self.change(node, Status::Running, Status::Paused)
    }

    /// Lets a paused process go on: it finishes its step and then takes what waited, in order, in this
    /// instant. Says whether that changed anything.
    pub fn resume(&mut self, node: NodeId) -> bool {
        if !self.change(node, Status::Paused, Status::Running) {
            return false;
        }
        if self.hosts[node as usize].task_done {
            self.go_on(node);
        } else {
            self.take_waiting(node);
        }
        true
    }

    /// Moves a node's wall clock, forwards or backwards.
    pub fn bump_clock(&mut self, node: NodeId, delta_ns: i64) {
        if let Some(host) = self.hosts.get_mut(node as usize) {
            host.clock.bump(delta_ns);
        }
    }

    /// Has both clocks of a node run this much faster, or slower if it is negative, from now on: by a
    /// million they run twice as fast. What they show does not jump, and 0 stops the drift but does not
    /// take back what has added up. Kept between a tenth and ten times true time.
    pub fn set_drift(&mut self, node: NodeId, ppm: i64) {
        let now_ns = self.now_ns;
        if let Some(host) = self.hosts.get_mut(node as usize) {
            host.clock.set_drift(now_ns, ppm);
            self.arm(node);
        }
    }

    /// Adds a node with an empty disk, and starts it. Its [`Context::nodes`](crate::Context::nodes) is the
    /// list that the cluster began with, without it.
    pub fn add_node(&mut self) -> NodeId {
        let node = self.add_host();
        self.start(node);
        node
    }

    fn is_link(&self, from: NodeId, to: NodeId) -> bool {
        from != to && from < self.nodes() && to < self.nodes()
    }

    fn change(&mut self, node: NodeId, from: Status, to: Status) -> bool {
        let host = self.hosts.get_mut(node as usize);
        host.filter(|host| host.status == from)
            .map(|host| host.status = to)
            .is_some()
    }

    /// Notes that one more effect was performed; whether the node crashes of it.
    pub(super) fn spend(&mut self, node: NodeId, undone_effects: usize) -> bool {
        let Some(armed) = &mut self.hosts[node as usize].armed else {
            return false;
        };
        armed.effects -= 1;
        if armed.effects > 0 {
            return false;
        }
        self.fall_as_ordered(node, Some(undone_effects));
        true
    }

    /// The latest time of an ordered crash has come.
    pub(super) fn crash_at_last(&mut self, node: NodeId, order: u32) {
        let armed = self.hosts[node as usize].armed;
        if armed.is_some_and(|armed| armed.order == order) {
            self.fall_as_ordered(node, None);
        }
    }

    /// Ends a process whose disk did not do what it was asked.
    pub(super) fn disk_failed(&mut self, node: NodeId, keep: Keep, undone_effects: Option<usize>) {
        self.cancel_crash(node);
        let report = self.fall(node, keep, undone_effects);
        self.ready.push_back(Outside::Crashed { node, report });
    }

    fn fall_as_ordered(&mut self, node: NodeId, undone_effects: Option<usize>) {
        if let Some(armed) = self.hosts[node as usize].armed.take() {
            let report = self.fall(node, armed.keep, undone_effects);
            self.ready.push_back(Outside::Crashed { node, report });
        }
    }

    /// Crashes a node. `undone_effects` is how many effects its step leaves undone, when the step is being
    /// performed; otherwise what it waits with counts.
    fn fall(&mut self, node: NodeId, keep: Keep, undone_effects: Option<usize>) -> CrashReport {
        let mut report = CrashReport::default();
        let Some(host) = self.hosts.get_mut(node as usize) else {
            return report;
        };
        if host.status != Status::Down {
            report.was_up = true;
            report.undone_effects = undone_effects.unwrap_or_else(|| undone(host));
            self.counters.crashes += 1;
            self.counters.unheard += unread(host);
            kill(host);
        }
        host.disk.crash(keep, &mut host.torn_random, &mut report);
        report.broken_calls = self.break_calls(node);
        report
    }

    /// Tells the clients of open calls that their connection broke, in order of the calls' ids.
    fn break_calls(&mut self, node: NodeId) -> usize {
        let mut open: Vec<(u64, u32)> = self.hosts[node as usize].open.drain().collect();
        open.sort_unstable();
        for &(id, client) in &open {
            self.counters.broken += 1;
            let from = node;
            self.tell_client(client, Outside::Broken { client, id, from });
        }
        open.len()
    }
}

/// How many effects of its step a node has not performed.
fn undone<N: Node>(host: &Host<N>) -> usize {
    let under_way = match host.task {
        // The disk is done; a paused process has only not noticed.
        Some(Task::Sync) => usize::from(!host.task_done),
        Some(Task::Replace(_)) => 1,
        Some(Task::Cost) | None => 0,
    };
    host.rest.len() + under_way
}

/// How many messages wait to be taken in.
fn unread<N: Node>(host: &Host<N>) -> u64 {
    let is_message = |waiting: &&Waiting<N>| matches!(waiting, Waiting::Message { .. });
    host.inbox.iter().filter(is_message).count() as u64
}

/// Ends the process: everything that is not on the disk is gone.
fn kill<N: Node>(host: &mut Host<N>) {
    host.process = None;
    host.status = Status::Down;
    host.epoch += 1;
    host.task = None;
    host.task_done = false;
    host.rest.clear();
    host.inbox.clear();
    host.timer.target_ns = None;
}
