//! The replicated store on Raft: what is said of it, what it can be told, and what it differs in from other systems.

mod observe;
mod settings;

use std::sync::Arc;

use rupture_protocols::NodeId;
use rupture_protocols::raft::{Admin, Call, Config, Event, EventKind, Mutant, Raft, ReadMode};
use rupture_protocols::store::Request;

use crate::entry::{TargetInfo, Worlds};
use crate::observe::Told;
use crate::operations::{MODELS, TRANSACTIONAL};
use crate::options::MutantInfo;
use crate::protocol::{Change, Members, Protocol};
use crate::settings::apply;
use crate::{RecoveryClaim, TargetError, TargetOptions};

const NAME: &str = "raft";

/// By how many millionths the rate of a clock may be off before leases break: somewhat more than
/// the nemesis makes it by chance.
const LEASE_DRIFT_PPM: u32 = 15_000;

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
        name: NAME,
        about: "a replicated store on Raft, with snapshots, membership change and client sessions",
        mutants: Mutant::ALL.map(mutant).to_vec(),
        models: MODELS,
        reads: READS.map(|(name, _)| name).to_vec(),
        settings: settings::infos(),
        invariants: Some("raft-invariants"),
        worlds: Worlds::of::<OnRaft>(),
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

/// A store on Raft that is told this.
struct OnRaft {
    config: Config,
    /// Whether clients go on to the node that leads.
    follow: bool,
}

impl Protocol for OnRaft {
    type Node = Raft;

    const NAME: &'static str = NAME;

    fn told_by(options: &TargetOptions) -> Result<Self, TargetError> {
        let config = config(options);
        config.validate().map_err(|error| TargetError::Settings {
            target: NAME.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self {
            config,
            follow: options.follow,
        })
    }

    fn node(&self, _: NodeId) -> Raft {
        Raft::new(self.config.clone())
    }

    fn request(request: Request) -> Call {
        Call::Request(request)
    }

    fn change(change: Change) -> Option<Call> {
        Some(Call::Admin(match change {
            Change::Add(node) => Admin::AddNode(node),
            Change::Remove(node) => Admin::RemoveNode(node),
            Change::HandOver(node) => Admin::TransferTo(node),
        }))
    }

    fn leads(node: &Raft) -> bool {
        node.is_leader()
    }

    fn members(event: &Event) -> Option<Members> {
        match &event.kind {
            EventKind::MembershipChanged { index, members } => Some(Members {
                version: *index,
                nodes: members.clone(),
            }),
            _ => None,
        }
    }

    fn told(event: Event) -> Option<Arc<dyn Told>> {
        Some(Arc::new(event))
    }

    fn metrics(node: &Raft, name: &str) -> String {
        node.metrics().to_prometheus(name)
    }

    /// Nothing is claimed to clients that talk to one node alone: one that does not lead only says so.
    fn recovery(&self) -> Option<RecoveryClaim> {
        self.follow.then(|| recovery(&self.config))
    }
}

#[cfg(test)]
mod tests;
