//! Raft in the simulator: the cluster, a client for each thread, and an administrator.
//!
//! Everything is a function of the options and of what is done to it. Client threads use the sans-IO client of
//! the protocol, with its retries and leader hints; the administrator asks for changes of membership until the
//! cluster has made them. Deliberately absent: when anything is done, which a driver says, and any judgement.

mod admin;
mod clients;
mod cluster;
mod observe;
mod settings;

use std::collections::{BTreeMap, VecDeque};

use rupture_history::Value;
use rupture_protocols::NodeId;
use rupture_protocols::raft::{Config, EventKind, Mutant, Raft, ReadMode};
use rupture_protocols::random::{Stream, stream};
use rupture_protocols::sim::{Outside, Sim, SimOptions};

use crate::observe::NodeEvent;
use crate::operations::{MODELS, Model, TRANSACTIONAL};
use crate::registry::{MutantInfo, TargetInfo};
use crate::settings::apply;
use crate::{
    Cluster, Happening, Invocation, Loss, NodeName, OperationError, RecoveryClaim, Simulated,
    TargetError, TargetOptions,
};
use admin::Administrator;
use clients::Clients;
pub(crate) use observe::{line, observation};

/// The wall clocks of all nodes begin here, 2000-01-01T00:00:00Z, in nanoseconds since 1970, so that a clock
/// that jumps into the past has a past to show.
const EPOCH_NS: u64 = 946_684_800_000_000_000;

/// By how many millionths the rate of a clock may be off before leases break: somewhat more than
/// the nemesis makes it by chance.
const LEASE_DRIFT_PPM: u32 = 15_000;

/// How many events in a second of simulated time a client thread may cause before that is a storm.
const EVENTS_OF_A_CLIENT: u64 = 40_000;

/// What this target claims about serving again: at the usual settings more than five times what any of a thousand runs
/// took, and ten times as much more as an election may take longer.
fn recovery(config: &Config) -> RecoveryClaim {
    let usual = Config::default();
    let ns = |ms: u64, usual_ms: u64| ms.saturating_sub(usual_ms).saturating_mul(1_000_000);
    let election_ns = ns(config.election_timeout_ms.1, usual.election_timeout_ms.1);
    let call_ns = ns(config.call_timeout_ms, usual.call_timeout_ms);
    RecoveryClaim {
        within_ns: 10_000_000_000_u64.saturating_add(election_ns.saturating_mul(10)),
        answers_ns: 5_000_000_000_u64
            .saturating_add(call_ns)
            .saturating_add(election_ns),
        holds: "a majority of the members runs with what it acknowledged, and links lose nothing",
    }
}

/// Entries between two snapshots: about a second of writes at the usual rate.
const SNAPSHOT_THRESHOLD: u64 = 100;
/// Entries that are kept before a snapshot.
const SNAPSHOT_TRAILING: u64 = 20;

const READS: [(&str, ReadMode); 2] = [
    ("read-index", ReadMode::ReadIndex),
    ("lease", ReadMode::Lease),
];

/// This target, for people.
pub(crate) fn info() -> TargetInfo {
    let mutant = |mutant: Mutant| MutantInfo {
        name: mutant.name(),
        about: mutant.about(),
        models: match mutant.weakness() {
            Some(_) => TRANSACTIONAL,
            None => MODELS,
        },
    };
    TargetInfo {
        name: "raft",
        about: "a replicated store on Raft, with snapshots, membership change and client sessions",
        mutants: Mutant::ALL.map(mutant).to_vec(),
        models: MODELS,
        reads: READS.map(|(name, _)| name).to_vec(),
        settings: settings::infos(),
    }
}

/// Whose alarm it is.
#[derive(Clone, Copy, Debug)]
enum Alarm {
    Driver(u64),
    Client(usize),
    Administrator,
}

/// A cluster of Raft in the simulator, with its clients.
pub(crate) struct RaftTarget {
    sim: Sim<Raft>,
    clients: Clients,
    admin: Administrator,
    /// What the alarms of the simulation are for. Never iterated.
    alarms: BTreeMap<u64, Alarm>,
    next_alarm: u64,
    /// What happened and was not asked for yet.
    happened: VecDeque<Happening>,
    /// The nodes that are or will be members, in order.
    present: Vec<NodeId>,
    /// The members as the last committed change says, and its index.
    members: (u64, Vec<NodeId>),
    losses: BTreeMap<NodeId, Loss>,
    crash_points: Stream,
    claim: RecoveryClaim,
    watch: bool,
}

impl RaftTarget {
    /// Builds the target. Names were checked against [`info`].
    ///
    /// # Errors
    /// Settings that contradict each other.
    pub(crate) fn new(options: &TargetOptions) -> Result<Self, TargetError> {
        let refuse = |reason: String| TargetError::Settings {
            target: "raft".to_owned(),
            reason,
        };
        let config = config(options);
        config
            .validate()
            .map_err(|error| refuse(error.to_string()))?;
        if options.threads == 0 {
            return Err(refuse(
                "there must be at least one client thread".to_owned(),
            ));
        }
        let model = Model::of(&options.model).ok_or_else(|| refuse(options.model.clone()))?;
        let claim = recovery(&config);
        let present: Vec<NodeId> = (0..options.nodes).collect();
        let make = move |_| Raft::new(config.clone());
        let mut sim = Sim::new(sim_options(options), options.seed, options.nodes, make);
        for node in &present {
            sim.bump_clock(*node, EPOCH_NS as i64);
        }
        Ok(Self {
            sim,
            clients: Clients::new(options, model),
            admin: Administrator::new(options.threads as u32),
            alarms: BTreeMap::new(),
            next_alarm: 0,
            happened: VecDeque::new(),
            members: (0, present.clone()),
            present,
            losses: BTreeMap::new(),
            claim,
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
    fn take_in(&mut self, outside: Outside<Raft>) {
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
                if let EventKind::MembershipChanged { index, members } = &event.kind
                    && *index > self.members.0
                {
                    self.members = (*index, members.clone());
                }
                if self.watch {
                    // The first words of a process come before its clock could be set.
                    let wall_ns = wall_ns + if wall_ns < EPOCH_NS / 2 { EPOCH_NS } else { 0 };
                    let told = NodeEvent::raft(now_ns, node, wall_ns, event);
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

/// What the nodes are told where nobody says anything. Snapshots come so often that every run of half a minute takes
/// some, and a node that was away for a few seconds is sent one.
fn config_of_nodes(nodes: u32) -> Config {
    Config {
        lease_drift_ppm: LEASE_DRIFT_PPM,
        snapshot_threshold: SNAPSHOT_THRESHOLD,
        snapshot_trailing: SNAPSHOT_TRAILING,
        ..Config::for_nodes(nodes)
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

fn config(options: &TargetOptions) -> Config {
    let mutant = options.mutant.as_deref();
    let reads = options.reads.as_deref();
    let mut config = Config {
        mutant: Mutant::ALL.into_iter().find(|it| Some(it.name()) == mutant),
        reads: READS
            .into_iter()
            .find(|(name, _)| Some(*name) == reads)
            .map_or(ReadMode::default(), |(_, mode)| mode),
        state_digests: options.watch,
        ..config_of_nodes(options.nodes)
    };
    apply(&settings::ROWS, &options.settings, &mut config);
    config
}

impl Simulated for RaftTarget {
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
        process.map_or(String::new(), |raft| {
            raft.metrics().to_prometheus(name.as_str())
        })
    }

    fn recovery(&self) -> Option<RecoveryClaim> {
        Some(self.claim)
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

#[cfg(test)]
mod tests;
