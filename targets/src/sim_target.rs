//! A reference system in the simulator: the cluster, a client for each thread, and an administrator, whatever the protocol.
//!
//! Everything is a function of the options and of what is done to it. Client threads use the sans-IO client of
//! the reference store, with its retries and leader hints; the administrator asks for changes of membership until the
//! cluster has made them. Deliberately absent: when anything is done, which a driver says, any judgement, and what only one
//! protocol knows, which its [`Protocol`] says.

mod admin;
mod clients;
mod cluster;

use std::collections::{BTreeMap, VecDeque};

use rupture_history::Value;
use rupture_protocols::NodeId;
use rupture_protocols::random::{Stream, stream};
use rupture_protocols::sim::{Outside, Sim, SimOptions};

use crate::observe::NodeEvent;
use crate::protocol::{Members, Protocol, Traits};
use crate::{
    Cluster, Happening, Invocation, Loss, NodeName, OperationError, RecoveryClaim, Simulated,
    TargetError, TargetOptions,
};
use admin::Administrator;
use clients::Clients;

/// The wall clocks of all nodes begin here, 2000-01-01T00:00:00Z, in nanoseconds since 1970, so that a clock
/// that jumps into the past has a past to show.
const EPOCH_NS: u64 = 946_684_800_000_000_000;

/// How many events in a second of simulated time a client thread may cause before that is a storm.
const EVENTS_OF_A_CLIENT: u64 = 40_000;

/// Whose alarm it is.
#[derive(Clone, Copy, Debug)]
enum Alarm {
    Driver(u64),
    Client(usize),
    Administrator,
}

/// A cluster of a reference system in the simulator, with its clients.
pub(crate) struct SimTarget<P: Protocol> {
    sim: Sim<P::Node>,
    clients: Clients,
    admin: Administrator,
    /// What the alarms of the simulation are for. Never iterated.
    alarms: BTreeMap<u64, Alarm>,
    next_alarm: u64,
    /// What happened and was not asked for yet.
    happened: VecDeque<Happening>,
    /// The nodes that are or will be members, in order.
    present: Vec<NodeId>,
    /// The members as the last change says that was made.
    members: Members,
    losses: BTreeMap<NodeId, Loss>,
    crash_points: Stream,
    traits: Traits,
    watch: bool,
}

impl<P: Protocol> SimTarget<P> {
    /// Builds the target. Names were checked against those of its entry.
    ///
    /// # Errors
    /// Settings that contradict each other.
    pub(crate) fn new(protocol: P, options: &TargetOptions) -> Result<Self, TargetError> {
        let refuse = |reason: String| TargetError::Settings {
            target: P::NAME.to_owned(),
            reason,
        };
        if options.threads == 0 {
            return Err(refuse(
                "there must be at least one client thread".to_owned(),
            ));
        }
        let traits = Traits::of(&protocol);
        let present: Vec<NodeId> = (0..options.nodes).collect();
        let make = move |node| protocol.node(node);
        let mut sim = Sim::new(sim_options(options), options.seed, options.nodes, make);
        for node in &present {
            sim.bump_clock(*node, EPOCH_NS as i64);
        }
        Ok(Self {
            sim,
            clients: Clients::new(P::NAME, options)?,
            admin: Administrator::new(options.threads as u32),
            alarms: BTreeMap::new(),
            next_alarm: 0,
            happened: VecDeque::new(),
            members: Members {
                version: 0,
                nodes: present.clone(),
            },
            present,
            losses: BTreeMap::new(),
            traits,
            crash_points: stream(options.seed, "crash points"),
            watch: options.watch,
        })
    }

    fn set_alarm(&mut self, alarm: Alarm, at_ns: u64) {
        let token = self.next_alarm;
        self.next_alarm += 1;
        self.alarms.insert(token, alarm);
        self.sim.alarm(token, at_ns);
    }

    /// Takes in what has reached the outside already, and lets nothing else happen: whatever is due now or later
    /// lies beyond the limit.
    fn catch_up(&mut self) {
        let Some(before_ns) = self.sim.now_ns().checked_sub(1) else {
            return;
        };
        while let Some(outside) = self.sim.advance(before_ns) {
            self.take_in(outside);
        }
    }

    /// Takes in what reached the outside of the simulation.
    fn take_in(&mut self, outside: Outside<P::Node>) {
        match outside {
            Outside::Reply {
                client,
                id,
                from,
                reply,
            } => {
                if client == self.admin.client() {
                    self.answer_admin(id, &reply);
                } else {
                    self.reply(client, id, from, reply);
                }
            }
            Outside::Refused { client, id, from } => self.no_reply(client, id, from, true),
            Outside::Broken { client, id, from } => self.no_reply(client, id, from, false),
            Outside::Alarm { token } => match self.alarms.remove(&token) {
                Some(Alarm::Driver(token)) => self.happened.push_back(Happening::Alarm { token }),
                Some(Alarm::Client(thread)) => self.wake(thread),
                Some(Alarm::Administrator) => self.ask_again(),
                None => {}
            },
            Outside::Event {
                node,
                now_ns,
                wall_ns,
                event,
            } => {
                if let Some(members) = P::members(&event)
                    && members.version > self.members.version
                {
                    self.members = members;
                }
                if self.watch
                    && let Some(told) = P::told(event)
                {
                    // The first words of a process come before its clock could be set.
                    let wall_ns = wall_ns + if wall_ns < EPOCH_NS / 2 { EPOCH_NS } else { 0 };
                    let told = NodeEvent::new(now_ns, node, wall_ns, told);
                    self.happened.push_back(Happening::Node(told));
                }
            }
            Outside::Busy => self.happened.push_back(Happening::Busy),
            Outside::Storm(storm) => self.happened.push_back(Happening::Storm(storm)),
            Outside::Crashed { node, report } => {
                self.losses.insert(node, cluster::loss(&report));
            }
        }
    }
}

/// The usual world. Each client thread may cause so much more in a second: one that never waits asks some
/// hundred times, and every attempt is a dozen events and some of them go to all nodes.
fn sim_options(options: &TargetOptions) -> SimOptions {
    let usual = SimOptions::default();
    let of_clients = EVENTS_OF_A_CLIENT.saturating_mul(options.threads as u64);
    SimOptions {
        base_events: usual.base_events.saturating_add(of_clients),
        ..usual
    }
}

impl<P: Protocol> Simulated for SimTarget<P> {
    fn now_ns(&self) -> u64 {
        self.sim.now_ns()
    }

    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), OperationError> {
        self.begin(&invocation)
    }

    fn alarm(&mut self, token: u64, at_ns: u64) {
        self.set_alarm(Alarm::Driver(token), at_ns);
    }

    fn advance(&mut self, limit_ns: u64) -> Option<Happening> {
        loop {
            if let Some(happening) = self.happened.pop_front() {
                return Some(happening);
            }
            let outside = self.sim.advance(limit_ns)?;
            self.take_in(outside);
        }
    }

    fn metrics(&self, position: usize) -> String {
        let Some(&node) = self.present.get(position) else {
            return String::new();
        };
        let name = NodeName::numbered(node);
        let process = self.sim.node(node);
        process.map_or(String::new(), |node| P::metrics(node, name.as_str()))
    }

    fn recovery(&self) -> Option<RecoveryClaim> {
        self.traits.claim
    }

    /// Every node that is no longer on its way out: a leader answers, and the others point to it.
    fn serving(&mut self, _f: &str, _value: &Value) -> Vec<NodeName> {
        let stays = |node: &&NodeId| !self.is_leaving(**node);
        let serving = self.present.iter().filter(stays);
        serving.copied().map(NodeName::numbered).collect()
    }

    fn as_cluster(&mut self) -> &mut dyn Cluster {
        self
    }
}
