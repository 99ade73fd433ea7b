//! The world of real processes on this machine: nodes on loopback, every link between them through a proxy of the
//! controller, clients over HTTP.
//!
//! Needs no root. What is broken here is broken for real: processes die and stop by signals, frames are lost between
//! sockets, disks keep what was synced. Clocks lie through the clock source of the nodes ([`crate::node::clock`]).
//! A node ends when its controller does, whatever ends that: the machine kills it, and its orders end.

mod addresses;
mod admin;
mod clients;
mod cluster;
mod links;
mod load;
mod nodes;
mod proc;
mod process;
pub mod undo;

use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rupture_history::Value;
use rupture_protocols::random::stream;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::runtime::Runtime;

use crate::node::clock::{NodeClock, monotonic_ns};
use crate::protocol::Traits;
use crate::real::{Real, Tell};
use crate::{
    Cluster, Invocation, NodeName, OperationError, RecoveryClaim, TargetError, TargetOptions,
};
use addresses::Addresses;
use admin::Administrator;
use clients::Clients;
use cluster::LocalCluster;
pub(crate) use cluster::capabilities;
use links::Links;
use nodes::{Ears, Nodes};
use undo::{Undo, UndoJournal};

/// Where a cluster of processes lives.
#[derive(Clone, Debug)]
pub struct LocalSetup {
    /// The program that is a node when its first argument is `node`.
    pub program: PathBuf,
    /// A folder of its own, which is made, and removed when the cluster ends.
    pub folder: PathBuf,
    /// The undo journal, which is made.
    pub undo: PathBuf,
    /// The first of the ports that nodes listen on, two a node; any that are free where there is none.
    pub base_port: Option<u16>,
}

/// Why a cluster of processes could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Options that no cluster can be built from.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A node did not start.
    #[error("{node} did not start: {reason}")]
    Node {
        /// Which.
        node: NodeName,
        /// Why not.
        reason: String,
    },
    /// The machine does not have what this world needs.
    #[error("{0}")]
    Lacking(String),
    /// The machine refused.
    #[error("cannot {action} `{}`: {reason}", .path.display())]
    Machine {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        reason: io::Error,
    },
}

/// A cluster of processes on this machine, with its clients.
pub struct Local {
    nodes: Arc<Nodes>,
    clients: Clients,
    admin: Administrator,
    claim: Option<RecoveryClaim>,
    cluster: Option<Box<dyn Cluster + Send>>,
    http: reqwest::Client,
    runtime: Option<Runtime>,
}

impl Local {
    pub(crate) fn start(
        name: &'static str,
        options: &TargetOptions,
        traits: Traits,
        setup: &LocalSetup,
        tell: Tell,
    ) -> Result<Self, LocalError> {
        let pid = std::process::id();
        let seen = proc::look(pid).ok().flatten().ok_or_else(|| {
            LocalError::Lacking(
                "this world looks at processes below /proc, and cannot: it takes Linux".to_owned(),
            )
        })?;
        make_room_for_files(options)?;
        let refused = |action, path: &PathBuf| {
            let path = path.clone();
            move |reason| LocalError::Machine {
                action,
                path,
                reason,
            }
        };
        let mark = secret().map_err(refused("read", &"/dev/urandom".into()))?;
        let token = secret().map_err(refused("read", &"/dev/urandom".into()))?;
        let keeps = refused("keep the undo journal in", &setup.undo);
        let journal = UndoJournal::create(&setup.undo)
            .and_then(|journal| {
                journal.add(&Undo::AfterController {
                    pid,
                    started: seen.started,
                })?;
                journal.add(&Undo::EndMarked { mark: mark.clone() })?;
                journal.add(&Undo::RemoveFolder {
                    path: setup.folder.clone(),
                    mark: mark.clone(),
                })?;
                Ok(journal)
            })
            .map_err(keeps)?;
        fs::create_dir(&setup.folder)
            .and_then(|()| fs::write(setup.folder.join(undo::MARK), &mark))
            .map_err(refused("make the folder", &setup.folder))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(refused("start a runtime for", &setup.folder))?;
        let origin_ns = monotonic_ns();
        let (tell, load) = load::counted(tell);
        let addresses = Arc::new(Addresses::default());
        let first: Vec<u32> = (0..options.nodes).collect();
        addresses.set_present(first.clone());
        let nodes = Arc::new(Nodes {
            name,
            options: options.clone(),
            setup: setup.clone(),
            mark,
            token,
            links: Links::new(runtime.handle().clone(), options.seed),
            addresses: addresses.clone(),
            journal,
            ears: Arc::new(Ears::new(tell.clone(), origin_ns, &first)),
            truth: NodeClock::honest(),
            origin_ns,
            slots: std::sync::Mutex::default(),
            ways: std::sync::Mutex::default(),
        });
        let http = clients::http().map_err(|error| LocalError::Machine {
            action: "make a client for",
            path: setup.folder.clone(),
            reason: io::Error::other(error),
        })?;
        load.watch(runtime.handle(), nodes.clone());
        let admin = Administrator::begin(runtime.handle(), http.clone(), nodes.clone());
        let clients = Clients::new(
            runtime.handle(),
            options,
            name,
            addresses,
            tell,
            origin_ns,
            &http,
        )?;
        let cluster = LocalCluster {
            nodes: nodes.clone(),
            admin: admin.clone(),
            runtime: runtime.handle().clone(),
            traits,
            crash_points: stream(options.seed, "crash points"),
            torn: stream(options.seed, "torn writes"),
            nonce: 0,
            orders: 0,
        };
        let mut local = Self {
            nodes,
            clients,
            admin,
            claim: traits.claim,
            cluster: Some(Box::new(cluster)),
            http,
            runtime: Some(runtime),
        };
        if let Err(error) = local.nodes.start_all(&first) {
            local.end();
            return Err(error);
        }
        Ok(local)
    }
}

/// Lets this process open as many files as it may, and refuses a cluster that takes more.
fn make_room_for_files(options: &TargetOptions) -> Result<(), LocalError> {
    // A link takes a listener and a connection on either side; a client one to each node; some are for the rest.
    let nodes = u64::from(options.nodes) + 1;
    let needed = nodes * nodes * 3 + options.threads as u64 * nodes + 200;
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
    match getrlimit(Resource::Nofile).current {
        Some(most) if most < needed => Err(LocalError::Lacking(format!(
            "{} nodes and {} clients take about {needed} open files, and this process may have {most}: take fewer, or \
             allow more (ulimit -n)",
            options.nodes, options.threads
        ))),
        _ => Ok(()),
    }
}

/// A random text that nobody guesses.
fn secret() -> io::Result<String> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

impl Real for Local {
    fn now_ns(&self) -> u64 {
        monotonic_ns().saturating_sub(self.nodes.origin_ns)
    }

    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), OperationError> {
        self.clients.begin(&invocation)
    }

    fn cluster(&mut self) -> Option<Box<dyn Cluster + Send>> {
        self.cluster.take()
    }

    fn recovery(&self) -> Option<RecoveryClaim> {
        self.claim
    }

    fn present(&self) -> Vec<NodeName> {
        let present = self.nodes.addresses.present();
        present.into_iter().map(NodeName::numbered).collect()
    }

    /// Every node that is no longer on its way out: a leader answers, and the others point to it.
    fn serving(&self, _f: &str, _value: &Value) -> Vec<NodeName> {
        let present = self.nodes.addresses.present().into_iter();
        let stays = present.filter(|node| !self.admin.is_leaving(*node));
        stays.map(NodeName::numbered).collect()
    }

    fn metrics(&self, node: &NodeName) -> String {
        let (Some(runtime), Some(address)) = (&self.runtime, self.nodes.address(node)) else {
            return String::new();
        };
        let get = async {
            let url = format!("http://{address}/metrics");
            self.http.get(url).send().await?.text().await
        };
        let got =
            runtime.block_on(async { tokio::time::timeout(Duration::from_secs(1), get).await });
        got.ok().and_then(Result::ok).unwrap_or_default()
    }

    fn end(&mut self) -> Vec<String> {
        let mut left = Vec::new();
        self.clients.stop();
        self.admin.end();
        self.nodes.links.close();
        left.extend(self.nodes.end());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
        left
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        if self.runtime.is_some() {
            self.end();
        }
    }
}
