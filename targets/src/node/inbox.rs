//! What waits for a node's next step, bounded.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use rupture_protocols::store::Request;
use rupture_protocols::{NodeId, Reply};
use tokio::sync::oneshot;

use super::control::Order;
use crate::protocol::Change;

/// How much may wait. What comes beyond that is refused or dropped, which every protocol bears.
const MOST_WAITING: usize = 16_384;

/// Something that reached a node.
pub(crate) enum Input {
    /// A peer's message, not decoded yet.
    Message { from: NodeId, bytes: Vec<u8> },
    /// A client or an administrator asks something.
    Call {
        client: u32,
        call: Call,
        answer: oneshot::Sender<Reply>,
    },
    /// Somebody wants the metrics in Prometheus' text form.
    Metrics { answer: oneshot::Sender<String> },
    /// The controller orders something.
    Order(Order),
    /// A peer's probe.
    Probed { from: NodeId, nonce: u64 },
    /// The process is to end.
    Stop,
}

/// What is asked of a node.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Request(Request),
    Change(Change),
}

/// Where inputs are put; cheap to clone.
#[derive(Clone)]
pub(crate) struct Inbox(SyncSender<Input>);

/// Where they are taken out.
pub(crate) struct Outbox(Receiver<Input>);

/// An inbox and its other end.
pub(crate) fn inbox() -> (Inbox, Outbox) {
    let (sender, receiver) = sync_channel(MOST_WAITING);
    (Inbox(sender), Outbox(receiver))
}

impl Inbox {
    /// Puts an input in, or gives it back when too much waits or the node has ended.
    #[allow(clippy::result_large_err)] // It is handed back, not made.
    pub(crate) fn offer(&self, input: Input) -> Result<(), Input> {
        self.0.try_send(input).map_err(|error| match error {
            TrySendError::Full(input) | TrySendError::Disconnected(input) => input,
        })
    }

    /// Puts in what must not be lost, and waits for room. Nothing when the node has ended.
    pub(crate) fn insist(&self, input: Input) {
        let _ = self.0.send(input);
    }
}

impl Outbox {
    /// The next input, waiting for it at most so long; `None` when there is none. An error when none will come any more.
    pub(crate) fn wait(&self, most: Duration) -> Result<Option<Input>, ()> {
        match self.0.recv_timeout(most) {
            Ok(input) => Ok(Some(input)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(()),
        }
    }

    /// An input that waits already.
    pub(crate) fn waiting(&self) -> Option<Input> {
        self.0.try_recv().ok()
    }
}
