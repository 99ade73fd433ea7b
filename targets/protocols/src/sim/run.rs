//! The loop: takes the next event, hands it to its node, and performs the effects.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::vec::Drain;

use super::host::{Task, Waiting};
use super::load::Storm;
use super::{Due, Keep, Outside, Parcel, Sim, Status};
use crate::node::Endless;
use crate::random::stream;
use crate::{Context, Effect, Input, Node, NodeId};

/// A wake-up comes at least this long after it was asked for. It keeps a node that asks for one in the
/// past, over and over, from stopping virtual time: this is a timer's resolution, as on a real host.
pub const WAKE_RESOLUTION_NS: u64 = 1_000;

impl<N: Node> Sim<N> {
    /// Runs until something reaches the outside, and returns it; or until nothing more happens up to
    /// `limit_ns`, and returns `None`: the time is then `limit_ns`, unless it was later already. What
    /// happens at `limit_ns` itself is included. After [`Outside::Storm`] nothing happens any more: the answer is `None`,
    /// and the time stands still.
    pub fn advance(&mut self, limit_ns: u64) -> Option<Outside<N>> {
        loop {
            if let Some(outside) = self.ready.pop_front() {
                self.load.is_heard();
                return Some(outside);
            }
            if self.load.is_over() {
                return None;
            }
            if let Some(storm) = self.storm() {
                return Some(Outside::Storm(Box::new(storm)));
            }
            if self.load.is_impatient() {
                return Some(Outside::Busy);
            }
            let Some((at_ns, due)) = self.queue.pop(limit_ns) else {
                self.now_ns = self.now_ns.max(limit_ns);
                return None;
            };
            self.now_ns = at_ns;
            self.load.count(at_ns);
            self.happen(due);
        }
    }

    fn storm(&mut self) -> Option<Storm> {
        let nodes = self.nodes();
        // Messages that wait at a paused node take memory, too.
        let under_way = (self.queue.len() as u64).max(self.counters.in_flight());
        self.load
            .storm(self.now_ns, under_way, &self.options, nodes)
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Arrival { slot } => match self.queue.receive(slot) {
                Some(Parcel::Message { from, to, message }) => self.message(from, to, message),
                Some(Parcel::Call {
                    client,
                    to,
                    id,
                    call,
                }) => self.called(client, to, id, call),
                Some(Parcel::Outside(outside)) => self.ready.push_back(outside),
                None => {}
            },
            Due::Done { node, epoch } => self.done(node, epoch),
            Due::Wake { node, generation } => self.wake(node, generation),
            Due::Crash { node, order } => self.crash_at_last(node, order),
            Due::Alarm { token } => self.ready.push_back(Outside::Alarm { token }),
        }
    }

    fn message(&mut self, from: NodeId, to: NodeId, message: N::Message) {
        if !self.network.carries(from, to) {
            self.counters.cut += 1;
            return;
        }
        let host = &mut self.hosts[to as usize];
        if host.is_idle() {
            self.counters.delivered += 1;
            self.step(to, Input::Message { from, message });
        } else if host.status == Status::Down {
            self.counters.unheard += 1;
        } else {
            host.inbox.push_back(Waiting::Message { from, message });
        }
    }

    fn called(&mut self, client: u32, to: NodeId, id: u64, call: N::Call) {
        let Some(host) = self.hosts.get_mut(to as usize) else {
            return self.refuse(client, to, id);
        };
        if host.status == Status::Down || host.open.contains_key(&id) {
            return self.refuse(client, to, id);
        }
        host.open.insert(id, client);
        if host.is_idle() {
            self.step(to, Input::Call { id, call });
        } else {
            host.inbox.push_back(Waiting::Call { id, call });
        }
    }

    fn refuse(&mut self, client: u32, from: NodeId, id: u64) {
        self.counters.refused += 1;
        self.tell_client(client, Outside::Refused { client, id, from });
    }

    /// Sends something over a client's link.
    pub(super) fn tell_client(&mut self, client: u32, outside: Outside<N>) {
        let at_ns = self.client_arrival(client);
        self.queue.send(at_ns, Parcel::Outside(outside));
    }

    /// When what is sent now over a client's link arrives.
    pub(super) fn client_arrival(&mut self, client: u32) -> u64 {
        let seed = self.seed;
        let random = self
            .clients
            .entry(client)
            .or_insert_with(|| stream(seed, &format!("client link {client}")));
        let latency_ns = self.options.client_latency.draw(random);
        self.now_ns.saturating_add(latency_ns)
    }

    fn wake(&mut self, node: NodeId, generation: u32) {
        let now_ns = self.now_ns;
        let host = &mut self.hosts[node as usize];
        if generation != host.timer.generation {
            return;
        }
        host.timer.event_ns = u64::MAX;
        if !host.timer.is_due(&host.clock, now_ns) {
            self.arm(node);
        } else if host.is_idle() {
            self.woken(node);
        } else {
            host.inbox.push_back(Waiting::Wake);
        }
    }

    /// Wakes a node whose time has come.
    fn woken(&mut self, node: NodeId) {
        self.hosts[node as usize].timer.target_ns = None;
        self.counters.wakes += 1;
        self.load.count_wake(self.now_ns);
        self.step(node, Input::Wake);
    }

    /// Makes sure that the node's timer is looked at by the time that it wants.
    pub(super) fn arm(&mut self, node: NodeId) {
        let host = &mut self.hosts[node as usize];
        let Some(target_ns) = host.timer.target_ns else {
            return;
        };
        let soonest_ns = host.timer.soonest_ns.max(self.now_ns);
        let at_ns = host.clock.true_ns(target_ns).max(soonest_ns);
        if at_ns < host.timer.event_ns {
            host.timer.generation = host.timer.generation.wrapping_add(1);
            host.timer.event_ns = at_ns;
            let generation = host.timer.generation;
            self.queue.push(at_ns, Due::Wake { node, generation });
        }
    }

    /// What a step waited for is done.
    fn done(&mut self, node: NodeId, epoch: u32) {
        let host = &mut self.hosts[node as usize];
        if epoch != host.epoch {
            return;
        }
        let waits_for_disk = matches!(host.task, Some(Task::Sync | Task::Replace(_)));
        if waits_for_disk && host.disk.fault.sync_fails {
            return self.disk_failed(node, Keep::Synced, None);
        }
        // The disk does not stop when the process does.
        if matches!(host.task, Some(Task::Sync)) {
            host.disk.sync();
            self.counters.syncs += 1;
        }
        host.task_done = true;
        if host.status == Status::Running {
            self.go_on(node);
        }
    }

    /// Goes on with a step whose wait is over, and then with what waits for the node.
    pub(super) fn go_on(&mut self, node: NodeId) {
        let host = &mut self.hosts[node as usize];
        host.task_done = false;
        let task = host.task.take();
        let is_effect = !matches!(task, Some(Task::Cost));
        if let Some(Task::Replace(records)) = task {
            host.disk.replace(records);
            self.counters.replacements += 1;
        }
        let undone = host.rest.len();
        if is_effect && self.spend(node, undone) {
            return;
        }
        mem::swap(&mut self.scratch, &mut self.hosts[node as usize].rest);
        self.perform(node);
        self.take_waiting(node);
    }

    /// Hands a node what waits for it, as long as it can take it.
    pub(super) fn take_waiting(&mut self, node: NodeId) {
        loop {
            let host = &mut self.hosts[node as usize];
            if !host.is_idle() {
                return;
            }
            match host.inbox.pop_front() {
                None => return,
                Some(Waiting::Message { from, message }) => {
                    self.counters.delivered += 1;
                    self.step(node, Input::Message { from, message });
                }
                Some(Waiting::Call { id, call }) => self.step(node, Input::Call { id, call }),
                Some(Waiting::Wake) => self.wake_if_due(node),
            }
        }
    }

    /// An input that came before the wake-up may have asked for a later one.
    fn wake_if_due(&mut self, node: NodeId) {
        let host = &self.hosts[node as usize];
        if host.timer.is_due(&host.clock, self.now_ns) {
            self.woken(node);
        }
    }

    /// Has a node take one input, and performs the effects.
    pub(super) fn step(&mut self, node: NodeId, input: Input<N>) {
        let host = &mut self.hosts[node as usize];
        let Some(process) = &mut host.process else {
            return;
        };
        self.counters.steps += 1;
        let now_ns = host.clock.monotonic_ns(self.now_ns);
        let mut context = Context {
            id: node,
            nodes: &self.members,
            now_ns,
            wall_ns: host.clock.wall_at(now_ns),
            random: &mut host.random,
            effects: &mut self.scratch,
        };
        // A step whose effects have no end unwinds out of the node; whatever else it throws goes on.
        let step = AssertUnwindSafe(|| process.step(input, &mut context));
        if let Err(thrown) = catch_unwind(step) {
            if !thrown.is::<Endless>() {
                resume_unwind(thrown);
            }
            self.scratch.clear();
            return self.load.has_no_end(node);
        }
        self.perform(node);
    }

    /// Performs the effects of a step in order, until one takes time, the node crashes, or all are done.
    fn perform(&mut self, node: NodeId) {
        let mut effects = mem::take(&mut self.scratch);
        self.perform_each(node, effects.drain(..));
        self.scratch = effects;
    }

    fn perform_each(&mut self, node: NodeId, mut rest: Drain<'_, Effect<N>>) {
        while let Some(effect) = rest.next() {
            if self.cannot_write(node, &effect) {
                return self.disk_failed(node, Keep::Written, Some(rest.len() + 1));
            }
            self.apply(node, effect);
            let host = &mut self.hosts[node as usize];
            if host.task.is_none() {
                if host.armed.is_some() && self.spend(node, rest.len()) {
                    return;
                }
                if self.options.effect_cost_ns == 0 {
                    continue;
                }
                self.wait(node, Task::Cost, self.options.effect_cost_ns);
            }
            self.hosts[node as usize].rest.extend(rest);
            return;
        }
    }

    fn apply(&mut self, node: NodeId, effect: Effect<N>) {
        match effect {
            Effect::Send { to, message } => self.send(node, to, message),
            Effect::WakeAt(at_ns) => self.wake_at(node, at_ns),
            Effect::Reply { id, reply } => self.reply(node, id, reply),
            Effect::Save(record) => {
                let bytes = N::record_bytes(&record);
                self.load.count_kind(self.now_ns, "save", bytes);
                self.hosts[node as usize].disk.save(record);
            }
            Effect::Sync => self.wait_for_disk(node, Task::Sync),
            Effect::Replace(records) => self.wait_for_disk(node, Task::Replace(records)),
            Effect::Emit(event) => {
                self.load.count(self.now_ns);
                let wall_ns = self.hosts[node as usize].clock.wall_ns(self.now_ns);
                self.ready.push_back(Outside::Event {
                    node,
                    now_ns: self.now_ns,
                    wall_ns,
                    event,
                });
            }
        }
    }

    fn wake_at(&mut self, node: NodeId, at_ns: u64) {
        let timer = &mut self.hosts[node as usize].timer;
        timer.target_ns = Some(at_ns);
        timer.soonest_ns = self.now_ns.saturating_add(WAKE_RESOLUTION_NS);
        self.arm(node);
    }

    /// Has a step wait for the disk.
    pub(super) fn wait_for_disk(&mut self, node: NodeId, task: Task<N>) {
        let host = &mut self.hosts[node as usize];
        let usual_ns = self.options.sync.draw(&mut host.disk_random);
        let takes_ns = host.disk.sync_takes_ns(usual_ns);
        self.wait(node, task, takes_ns);
    }

    pub(super) fn wait(&mut self, node: NodeId, task: Task<N>, takes_ns: u64) {
        let host = &mut self.hosts[node as usize];
        host.task = Some(task);
        let epoch = host.epoch;
        let at_ns = self.now_ns.saturating_add(takes_ns);
        self.queue.push(at_ns, Due::Done { node, epoch });
    }

    fn reply(&mut self, node: NodeId, id: u64, reply: N::Reply) {
        let Some(client) = self.hosts[node as usize].open.remove(&id) else {
            self.counters.stray_replies += 1;
            return;
        };
        self.counters.replies += 1;
        let from = node;
        self.tell_client(
            client,
            Outside::Reply {
                client,
                id,
                from,
                reply,
            },
        );
    }

    fn send(&mut self, from: NodeId, to: NodeId, message: N::Message) {
        assert_ne!(from, to, "a node must not send to itself");
        self.counters.sent += 1;
        let (name, bytes) = (N::message_name(&message), N::message_bytes(&message));
        self.load.count_kind(self.now_ns, name, bytes);
        if to as usize >= self.hosts.len() {
            self.counters.unheard += 1;
            return;
        }
        let passage = self.network.pass(from, to, self.now_ns, &self.options);
        let Some(at_ns) = passage.arrives_ns else {
            self.counters.lost += 1;
            return;
        };
        self.counters.held_back += u64::from(passage.held_back);
        self.counters.reordered += u64::from(passage.overtakes);
        if let Some(again_ns) = passage.again_ns {
            self.counters.duplicated += 1;
            let message = message.clone();
            self.queue
                .send(again_ns, Parcel::Message { from, to, message });
        }
        self.queue
            .send(at_ns, Parcel::Message { from, to, message });
    }
}
