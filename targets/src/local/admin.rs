//! The administrator over HTTP.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rupture_protocols::{NodeId, Reply};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::nodes::Nodes;
use crate::changes::{Answered, Changes, PATIENCE_NS, REST_NS};
use crate::node::{CHANGES, TOKEN_HEADER};
use crate::protocol::Change;

const PATIENCE: Duration = Duration::from_nanos(PATIENCE_NS);
const REST: Duration = Duration::from_nanos(REST_NS);

/// The administrator; clones are the same one.
#[derive(Clone)]
pub(super) struct Administrator {
    inner: Arc<Inner>,
}

struct Inner {
    changes: Mutex<Changes>,
    more: Notify,
    task: Mutex<Option<JoinHandle<()>>>,
    http: reqwest::Client,
    nodes: Arc<Nodes>,
    runtime: Handle,
}

impl Administrator {
    pub(super) fn begin(runtime: &Handle, http: reqwest::Client, nodes: Arc<Nodes>) -> Self {
        let inner = Arc::new(Inner {
            changes: Mutex::default(),
            more: Notify::new(),
            task: Mutex::default(),
            http,
            nodes,
            runtime: runtime.clone(),
        });
        let task = runtime.spawn(work(inner.clone()));
        *inner.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        Self { inner }
    }

    /// Sees to a change.
    pub(super) fn change(&self, change: Change) {
        self.inner.changes().push(change);
        self.inner.more.notify_one();
    }

    /// Asks a node for a change once, and never minds the answer.
    pub(super) fn ask_once(&self, to: NodeId, change: Change) {
        let inner = self.inner.clone();
        self.inner
            .runtime
            .spawn(async move { inner.ask(to, change).await });
    }

    /// Whether a node is asked to leave.
    pub(super) fn is_leaving(&self, node: NodeId) -> bool {
        self.inner.changes().is_leaving(node)
    }

    /// Asks for nothing more.
    pub(super) fn end(&self) {
        let task = self
            .inner
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            task.abort();
        }
    }
}

impl Inner {
    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks a node for a change; `None` when it does not answer in time.
    async fn ask(&self, to: NodeId, change: Change) -> Option<Reply> {
        let address = self.nodes.addresses.get(to)?;
        let request = self
            .http
            .post(format!("http://{address}{CHANGES}"))
            .header(TOKEN_HEADER, &self.nodes.token)
            .json(&change);
        let answer = async { request.send().await?.json::<Reply>().await };
        tokio::time::timeout(PATIENCE, answer).await.ok()?.ok()
    }
}

async fn work(inner: Arc<Inner>) {
    let mut leader = None;
    let mut turn = 0;
    loop {
        let Some(change) = inner.changes().first() else {
            inner.more.notified().await;
            continue;
        };
        let present = inner.nodes.addresses.present();
        let next = present.get(turn % present.len().max(1)).copied();
        turn += 1;
        let Some(to) = leader.take().or(next) else {
            tokio::time::sleep(REST).await;
            continue;
        };
        let reply = inner.ask(to, change).await;
        let answered = reply
            .as_ref()
            .map_or(Answered::NotYet(None), Answered::from);
        match answered {
            Answered::Made => {
                if let Change::Remove(node) = change {
                    let nodes = inner.nodes.clone();
                    // It waits for the end of a process.
                    let _ = tokio::task::spawn_blocking(move || nodes.remove(node)).await;
                }
                inner.changes().pop();
            }
            Answered::Never => inner.changes().pop(),
            Answered::NotYet(hint) => {
                leader = hint;
                tokio::time::sleep(REST).await;
            }
        }
    }
}
