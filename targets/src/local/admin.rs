//! The administrator: asks for changes of the cluster, one after another, each until it was made.
//!
//! A change that was asked for twice is made once, because adding a member and removing one that is none are
//! answered as done; and a node's number is never used again, so that no late request can undo a later one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rupture_protocols::{ErrorCode, NodeId, Reply};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::nodes::Nodes;
use crate::node::{CHANGES, TOKEN_HEADER};
use crate::protocol::Change;

/// After so long without an answer it asks somebody else.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// After so long it asks again when it was turned away.
const REST: Duration = Duration::from_millis(50);

/// The administrator; clones are the same one.
#[derive(Clone)]
pub(super) struct Administrator {
    inner: Arc<Inner>,
}

struct Inner {
    changes: Mutex<VecDeque<Change>>,
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
        self.inner.changes().push_back(change);
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
        let leaves = |change: &Change| matches!(change, Change::Remove(it) if *it == node);
        self.inner.changes().iter().any(leaves)
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
    fn changes(&self) -> std::sync::MutexGuard<'_, VecDeque<Change>> {
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
        let Some(change) = inner.changes().front().copied() else {
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
        match inner.ask(to, change).await {
            Some(Reply::Ok(_)) => {
                if let Change::Remove(node) = change {
                    let nodes = inner.nodes.clone();
                    // It waits for the end of a process.
                    let _ = tokio::task::spawn_blocking(move || nodes.remove(node)).await;
                }
                inner.changes().pop_front();
            }
            // What will never succeed is not asked for again: somebody removed the last member but this one.
            Some(Reply::Error {
                code: ErrorCode::PermanentFailure,
                ..
            }) => {
                inner.changes().pop_front();
            }
            Some(Reply::Error { leader: hint, .. }) => {
                leader = hint;
                tokio::time::sleep(REST).await;
            }
            None => tokio::time::sleep(REST).await,
        }
    }
}
