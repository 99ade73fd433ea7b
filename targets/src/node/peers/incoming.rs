//! What comes from peers: connections that say who they are, and what they bring.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rupture_protocols::NodeId;
use rustc_hash::FxHashMap;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::node::complain::Complaints;
use crate::node::frame::{self, Hello, Kind, Reader};
use crate::node::inbox::{Inbox, Input};
use crate::node::race::{Either, race};

/// How many connections there are at most.
const MOST_CONNECTIONS: usize = 256;
/// How soon a connection must say who it is, and in how many bytes at most.
pub(super) const PATIENCE: Duration = Duration::from_millis(if cfg!(test) { 600 } else { 5000 });
const HELLO_BYTES: usize = 4096;
/// How often a probe knocks at a full inbox, a millisecond apart.
const KNOCKS: u32 = 1000;

/// Lets in who knows the token.
pub(super) struct Gate {
    me: NodeId,
    token: Arc<str>,
    inbox: Inbox,
    /// The newest connection of each peer is told here when a newer one replaces it.
    newest: Mutex<FxHashMap<NodeId, Arc<Notify>>>,
    dropped: AtomicU64,
    strangers: Complaints,
    behind: Complaints,
}

impl Gate {
    pub(super) fn new(me: NodeId, token: Arc<str>, inbox: Inbox) -> Self {
        Self {
            me,
            token,
            inbox,
            newest: Mutex::default(),
            dropped: AtomicU64::new(0),
            strangers: Complaints::default(),
            behind: Complaints::default(),
        }
    }

    /// Takes connections, for ever; they end when it is dropped.
    pub(super) async fn accept(self, listener: TcpListener) {
        let gate = Arc::new(self);
        let mut connections = JoinSet::new();
        loop {
            let accepted = listener.accept().await;
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok(_) if connections.len() >= MOST_CONNECTIONS => gate.strangers.say(&format!(
                    "a connection is refused: there are {MOST_CONNECTIONS} already"
                )),
                Ok((stream, address)) => {
                    let gate = Arc::clone(&gate);
                    connections.spawn(async move {
                        if let Err(reason) = gate.hear(stream).await {
                            gate.strangers
                                .say(&format!("the connection of {address} is closed: {reason}"));
                        }
                    });
                }
                // No file descriptors, most likely: they come back when something is closed.
                Err(error) => {
                    gate.strangers
                        .say(&format!("cannot take a connection: {error}"));
                    sleep(Duration::from_millis(10)).await;
                }
            }
        }
    }

    /// Hears a connection to its end. An error is what nobody who means well does.
    async fn hear(&self, mut stream: TcpStream) -> Result<(), String> {
        let _ = stream.set_nodelay(true);
        let mut reader = Reader::new(HELLO_BYTES);
        let hello = timeout(PATIENCE, self.greet(&mut stream, &mut reader)).await;
        let Some(from) = hello.map_err(|_| format!("no hello in {PATIENCE:?}"))?? else {
            return Ok(());
        };
        reader.limit(frame::MOST_BYTES);
        let replaced = Arc::new(Notify::new());
        if let Some(older) = self.newest().insert(from, Arc::clone(&replaced)) {
            older.notify_one();
        }
        let result = loop {
            if let Err(reason) = self.take(from, &mut reader).await {
                break Err(format!("node {from} sent {reason}"));
            }
            match race(fill(&mut stream, &mut reader), replaced.notified()).await {
                Either::First(true) => {}
                Either::First(false) | Either::Second(()) => break Ok(()),
            }
        };
        let mut newest = self.newest();
        if newest
            .get(&from)
            .is_some_and(|it| Arc::ptr_eq(it, &replaced))
        {
            newest.remove(&from);
        }
        result
    }

    fn newest(&self) -> std::sync::MutexGuard<'_, FxHashMap<NodeId, Arc<Notify>>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who it is; nobody if it is closed before it says anything.
    async fn greet(
        &self,
        stream: &mut TcpStream,
        reader: &mut Reader,
    ) -> Result<Option<NodeId>, String> {
        loop {
            if let Some(frame) = reader.next().map_err(|error| error.to_string())? {
                if frame.kind != Kind::Hello {
                    return Err("it says something before hello".to_owned());
                }
                return self.admit(&Hello::decode(frame.payload())?).map(Some);
            }
            if !fill(stream, reader).await {
                return Ok(None);
            }
        }
    }

    fn admit(&self, hello: &Hello<'_>) -> Result<NodeId, String> {
        if !is_same(hello.token, self.token.as_bytes()) {
            return Err("its token is not that of this cluster".to_owned());
        }
        if hello.to != self.me || hello.from == self.me {
            return Err(format!(
                "it is from node {} for node {}; this is node {}",
                hello.from, hello.to, self.me
            ));
        }
        Ok(hello.from)
    }

    /// Takes in every frame that is there.
    async fn take(&self, from: NodeId, reader: &mut Reader) -> Result<(), String> {
        while let Some(frame) = reader.next().map_err(|error| error.to_string())? {
            match frame.kind {
                Kind::Message => {
                    let bytes = frame.payload().to_vec();
                    if self.inbox.offer(Input::Message { from, bytes }).is_err() {
                        let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
                        self.behind.say(&format!(
                            "{dropped} messages of peers were dropped so far: this node is behind"
                        ));
                    }
                }
                Kind::Probe => {
                    let nonce = frame.payload().try_into().map(u64::from_le_bytes);
                    let nonce = nonce.map_err(|_| "a probe that is not 8 bytes long".to_owned())?;
                    self.probed(from, nonce).await;
                }
                Kind::Hello => return Err("a second hello".to_owned()),
            }
        }
        Ok(())
    }

    /// A probe that arrived must be told, or a link would look cut because its node is busy.
    async fn probed(&self, from: NodeId, nonce: u64) {
        for _ in 0..KNOCKS {
            if self.inbox.offer(Input::Probed { from, nonce }).is_ok() {
                return;
            }
            sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Reads what there is; whether the other end may send more.
async fn fill(stream: &mut TcpStream, reader: &mut Reader) -> bool {
    let read: io::Result<usize> = stream.read_buf(reader.space()).await;
    read.is_ok_and(|bytes| bytes > 0)
}

/// Compares in a time that does not depend on where two tokens of one length differ.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    let differing = a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b));
    a.len() == b.len() && std::hint::black_box(differing) == 0
}
