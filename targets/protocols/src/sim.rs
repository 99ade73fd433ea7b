//! A deterministic simulation of a cluster: its network, its disks, its clocks and all that breaks them.
//!
//! [`Sim`] runs [`Node`]s in virtual time, in one thread, from one seed. It is a discrete-event simulation:
//! the earliest event happens, and may cause later ones. The same options, seed and calls give the same
//! behaviour on every machine and in every build: time is counted in whole nanoseconds, nothing is computed
//! with floating point, and nothing is taken from a hash map in its order. Every part draws from a random
//! stream of its own (`network 0 1`, `disk 2`, `node 3`, ...), so that what one part draws never shifts
//! what another sees.
//!
//! # The fault model
//!
//! **Network.** Each pair of nodes has a link in each direction. A message is lost, copied and delayed when
//! it is sent, by what [`LinkFault`] says then. A link keeps the order of its messages, as TCP does, with
//! three exceptions: a message that is *held back* is overtaken by later ones, the second copy of a message
//! comes when it comes, and once a delay is taken away what is sent then does not wait for what the delay
//! still holds (as when a new connection replaces a stuck one), so that undoing it works at once. A cut is
//! decided when a message arrives: a cut link drops what would arrive, and what it is mended in time for
//! passes. Messages are never altered. A message may reach a process that started after it was sent, and may
//! come from one that has crashed since, as on a datagram network; a protocol must live with that anyway.
//!
//! **Process.** The effects of a step are performed strictly in order. [`Effect::Sync`] and
//! [`Effect::Replace`] take time; the node takes no input meanwhile, and its inputs wait in the order in
//! which they came. A crash takes all that waits with it. Without these two a step happens in one instant
//! (unless [`SimOptions::effect_cost_ns`] is set), and [`crash_amid`](Sim::crash_amid) is what cuts it in
//! two. A paused process keeps its state, and what reaches it waits. A wake-up comes when the node's own
//! clock shows the time, and at least [`WAKE_RESOLUTION_NS`] after it was asked for.
//!
//! **Disk.** [`Keep`] says what each kind of crash leaves. A sync makes durable all that was saved; a
//! crash before its end leaves the records unsynced. A replacement is atomic and durable at its end; a
//! crash before leaves the old log. The disk finishes a sync even while its process is paused; a
//! replacement takes more than one call and waits for the process. What a restarted process reads is no
//! more durable than it was: after [`Keep::Written`] the log may have an unsynced tail, and a node that
//! relies on it must sync first. Disks do not forget or alter what they synced: no protocol with a fixed
//! quorum survives that on enough nodes. [`DiskFault`] says what a disk does wrong while its node lives: it is slow, or it
//! fails, and then the process ends at the effect that failed rather than to go on without what it wrote.
//!
//! **Clocks.** Each node has a monotonic clock that starts anywhere and a wall clock that starts right. Both
//! drift at the same rate. Only the wall clock jumps. Both go on while a node is paused or down.
//!
//! **Clients.** Each call is an exchange of its own over the client's link, which no fault touches: whoever
//! partitions the nodes wants to hear from both sides. Two calls of one client may overtake each other. A
//! call that finds no process is refused, one round later. A call that a process has when it crashes is
//! broken, whether it was executed or not. An answer under way outlives the process that sent it.
//!
//! **Storms.** What happens is counted by the second of simulated time. More than any sound protocol makes happen ends
//! the simulation ([`Outside::Storm`]), and so does one step with effects without end; a step that never ends and has
//! no effects is beyond it.
//!
//! Deliberately absent: bandwidth, and the cost of computing (but for `effect_cost_ns`): a verdict is about
//! order, and order is what the latencies above already explore.

mod clock;
mod disk;
mod faults;
mod host;
mod load;
mod network;
mod options;
mod queue;
mod report;
mod run;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use rand::Rng;
use rustc_hash::FxHashMap;

pub use disk::{DiskFault, Keep};
pub use load::{Excess, Storm};
pub use network::LinkFault;
pub use options::{Latency, OptionsError, SimOptions};
pub use report::{Counters, CrashReport, Outside, Status};
pub use run::WAKE_RESOLUTION_NS;

use crate::random::{Stream, stream};
use crate::{Effect, Node, NodeId};
use clock::{Clock, Timer};
use disk::Disk;
use host::Host;
use load::Load;
use network::Network;
use queue::{Due, Queue};

/// What travels.
enum Parcel<N: Node> {
    Message {
        from: NodeId,
        to: NodeId,
        message: N::Message,
    },
    Call {
        client: u32,
        to: NodeId,
        id: u64,
        call: N::Call,
    },
    Outside(Outside<N>),
}

/// A cluster in simulation. See the [module](self) for what is simulated and how.
pub struct Sim<N: Node> {
    options: SimOptions,
    seed: u64,
    now_ns: u64,
    queue: Queue<Parcel<N>>,
    /// What has reached the outside and was not fetched yet.
    ready: VecDeque<Outside<N>>,
    hosts: Vec<Host<N>>,
    /// The nodes that the cluster began with.
    members: Vec<NodeId>,
    network: Network,
    /// The streams of the clients' links. Never iterated.
    clients: FxHashMap<u32, Stream>,
    make: Box<dyn FnMut(NodeId) -> N>,
    /// The effects of the step under way; kept for its memory.
    scratch: Vec<Effect<N>>,
    counters: Counters,
    load: Load,
}

impl<N: Node> Sim<N> {
    /// A cluster of this many nodes, all of which start at time 0, in order. `make` makes the process of a
    /// node each time that it starts; it must be a pure function of the node's number for a run to be
    /// repeatable.
    ///
    /// # Panics
    ///
    /// If the options are invalid: [`SimOptions::validate`] says so beforehand.
    pub fn new(
        options: SimOptions,
        seed: u64,
        nodes: u32,
        make: impl FnMut(NodeId) -> N + 'static,
    ) -> Self {
        if let Err(error) = options.validate() {
            panic!("the simulation's options are invalid: {error}");
        }
        let mut sim = Self {
            network: Network::new(seed, &options),
            options,
            seed,
            now_ns: 0,
            queue: Queue::new(),
            ready: VecDeque::new(),
            hosts: Vec::new(),
            members: (0..nodes).collect(),
            clients: FxHashMap::default(),
            make: Box::new(make),
            scratch: Vec::new(),
            counters: Counters::default(),
            load: Load::default(),
        };
        (0..nodes).for_each(|_| {
            sim.add_host();
        });
        (0..nodes).for_each(|node| {
            sim.start(node);
        });
        sim
    }

    /// True time: nanoseconds since the run began.
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// Sends a client's call to a node. Its answer, if any, comes as [`Outside::Reply`],
    /// [`Outside::Refused`] or [`Outside::Broken`]; it may never come, and a client that gives up ignores
    /// what comes later. `id` must be unique in the run: a call whose id the node has open is refused.
    pub fn call(&mut self, client: u32, to: NodeId, id: u64, call: N::Call) {
        self.counters.calls += 1;
        self.load.count_kind(self.now_ns, "call", 0);
        let at_ns = self.client_arrival(client);
        let parcel = Parcel::Call {
            client,
            to,
            id,
            call,
        };
        self.queue.send(at_ns, parcel);
    }

    /// Sets an alarm, which comes back as [`Outside::Alarm`] at this true time, or now if that is past. Any
    /// number may be set.
    pub fn alarm(&mut self, token: u64, at_ns: u64) {
        self.load.count_kind(self.now_ns, "alarm", 0);
        let at_ns = at_ns.max(self.now_ns);
        self.queue.push(at_ns, Due::Alarm { token });
    }

    /// Whether a node runs. One that does not exist is down.
    pub fn status(&self, node: NodeId) -> Status {
        let host = self.hosts.get(node as usize);
        host.map_or(Status::Down, |host| host.status)
    }

    /// How many nodes there are; they are numbered from 0.
    pub fn nodes(&self) -> u32 {
        self.hosts.len() as u32
    }

    /// The process of a node, unless it is down.
    pub fn node(&self, node: NodeId) -> Option<&N> {
        self.hosts.get(node as usize)?.process.as_ref()
    }

    /// What a node's wall clock shows, or 0 if it does not exist.
    pub fn wall_ns(&self, node: NodeId) -> u64 {
        let host = self.hosts.get(node as usize);
        host.map_or(0, |host| host.clock.wall_ns(self.now_ns))
    }

    /// What a node's monotonic clock shows, or 0 if it does not exist.
    pub fn monotonic_ns(&self, node: NodeId) -> u64 {
        let host = self.hosts.get(node as usize);
        host.map_or(0, |host| host.clock.monotonic_ns(self.now_ns))
    }

    /// How much faster than true time a node's clocks run, in parts in a million.
    pub fn drift_ppm(&self, node: NodeId) -> i64 {
        let host = self.hosts.get(node as usize);
        host.map_or(0, |host| host.clock.drift_ppm())
    }

    /// How many records on a node's disk are not durable.
    pub fn unsynced(&self, node: NodeId) -> usize {
        let host = self.hosts.get(node as usize);
        host.map_or(0, |host| host.disk.unsynced())
    }

    /// What is on a node's disk now, durable or not.
    pub fn records(&self, node: NodeId) -> &[N::Record] {
        let host = self.hosts.get(node as usize);
        host.map_or(&[], |host| host.disk.records())
    }

    /// How often what happened so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Adds a node that is down.
    fn add_host(&mut self) -> NodeId {
        let node = self.nodes();
        let draw = |part: &str| stream(self.seed, &format!("{part} {node}"));
        let uptime_ns = network::below(draw("clock").next_u64(), self.options.uptime_ns);
        self.hosts.push(Host {
            process: None,
            status: Status::Down,
            armed: None,
            task: None,
            task_done: false,
            timer: Timer::new(),
            clock: Clock::new(self.now_ns, uptime_ns),
            random: draw("node"),
            epoch: 0,
            rest: Vec::new(),
            inbox: VecDeque::new(),
            disk: Disk::new(),
            disk_random: draw("disk"),
            torn_random: draw("torn"),
            open: FxHashMap::default(),
            orders: 0,
        });
        node
    }
}
