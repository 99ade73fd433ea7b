//! The links between nodes: proxies of the controller.
//!
//! A node reaches each of its peers through a listener of its own on loopback. The proxy behind it reads frames
//! ([`crate::node`]'s) and decides about each by what is in force when it arrives: it swallows, loses, doubles, delays,
//! holds back, slows down, slices, or breaks the connection with it. Nothing here waits for a nemesis: an order is a few
//! numbers that the next frame meets.
//!
//! - **A cut link is a black hole**: what it swallows is read and gone, and the connection stays up, as one does whose
//!   packets vanish. A hello is kept rather than swallowed and goes ahead of the first frame that passes again: it
//!   stands for the beginning of a TCP connection, which TCP would repeat. What is under way when a link is cut is
//!   swallowed where it would arrive.
//! - **The order is kept** but for frames that are held back and second copies. When a shape makes frames less late, those
//!   under way are hurried, so that nobody overtakes them and nobody waits for them.
//! - **A dead node refuses**: connections to it are closed, and those that lived with it.
//!
//! Times are as exact as the runtime's timer: a millisecond.

mod connection;
mod pipe;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use self::rules::Rules;
use crate::node::socket::SYSTEM_BYTES;
use crate::{LinkShape, Traffic};

/// How many connections a link has at most: one that is in use, and some that end.
const MOST_CONNECTIONS: usize = 64;
/// How many connections wait at most until they are taken.
const BACKLOG: u32 = 64;
/// How long [`Links::close`] waits.
const PATIENCE: Duration = Duration::from_secs(1);

/// All links of a cluster. Every method may be called from any thread and takes microseconds, but for
/// [`Links::close`].
pub(crate) struct Links {
    runtime: Handle,
    seed: u64,
    counters: Arc<Counters>,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    /// Made when a link is first named.
    links: BTreeMap<(u32, u32), Arc<Link>>,
    doors: BTreeMap<(u32, u32), Door>,
    /// Where nodes listen; those that are not there are dead.
    aims: BTreeMap<u32, SocketAddr>,
    is_closed: bool,
}

/// Where a node reaches another.
struct Door {
    address: SocketAddr,
    accepts: JoinHandle<()>,
}

/// One direction between two nodes, as its connections see it.
struct Link {
    rules: Mutex<Rules>,
    /// Rules have changed.
    changes: watch::Sender<()>,
    counters: Arc<Counters>,
}

/// [`Traffic`], counted by all links.
#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    blocked: AtomicU64,
    lost: AtomicU64,
    duplicated: AtomicU64,
    held_back: AtomicU64,
    reordered: AtomicU64,
    resets: AtomicU64,
    half_closes: AtomicU64,
}

fn count(counter: &AtomicU64, more: u64) {
    if more > 0 {
        counter.fetch_add(more, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Links {
    /// No links yet. What faults draw follows from the seed, a stream for each link.
    pub(crate) fn new(runtime: Handle, seed: u64) -> Self {
        Self {
            runtime,
            seed,
            counters: Arc::default(),
            table: Mutex::default(),
        }
    }

    /// Where a node is to look for another: the same address whenever it is asked for.
    ///
    /// # Errors
    /// No port is free, or the links are closed.
    pub(crate) fn open(&self, from: u32, to: u32) -> io::Result<SocketAddr> {
        let mut table = lock(&self.table);
        if table.is_closed {
            return Err(io::Error::other("the links between nodes are closed"));
        }
        if let Some(door) = table.doors.get(&(from, to)) {
            return Ok(door.address);
        }
        let link = table.link(self, from, to);
        let _runtime = self.runtime.enter();
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(SYSTEM_BYTES)?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let accepts = self.runtime.spawn(accept(listener, link));
        table.doors.insert((from, to), Door { address, accepts });
        Ok(address)
    }

    /// A node listens here from now on; nowhere while it is dead. Connections to where it was are closed.
    pub(crate) fn aim(&self, to: u32, at: Option<SocketAddr>) {
        let mut table = lock(&self.table);
        match at {
            Some(at) => table.aims.insert(to, at),
            None => table.aims.remove(&to),
        };
        for ((_, receiver), link) in &table.links {
            if *receiver == to {
                link.change(|rules| rules.aim = at);
            }
        }
    }

    /// Swallows what the link carries from now on.
    pub(crate) fn cut(&self, from: u32, to: u32) {
        self.link(from, to).change(|rules| rules.cut = true);
    }

    /// Carries again.
    pub(crate) fn mend(&self, from: u32, to: u32) {
        self.link(from, to).change(|rules| rules.cut = false);
    }

    /// Whether the link is not cut.
    pub(crate) fn carries(&self, from: u32, to: u32) -> bool {
        !lock(&self.link(from, to).rules).cut
    }

    /// Treats what the link carries like this from now on.
    pub(crate) fn shape(&self, from: u32, to: u32, shape: LinkShape) {
        self.link(from, to).change(|rules| rules.set_shape(shape));
    }

    /// How it treats what it carries.
    pub(crate) fn shape_of(&self, from: u32, to: u32) -> LinkShape {
        lock(&self.link(from, to).rules).shape()
    }

    /// What has become of the messages and probes of all links so far. Those to dead nodes are not told apart.
    pub(crate) fn traffic(&self) -> Traffic {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        Traffic {
            sent: read(&counters.sent),
            blocked: read(&counters.blocked),
            lost: read(&counters.lost),
            duplicated: read(&counters.duplicated),
            held_back: read(&counters.held_back),
            reordered: read(&counters.reordered),
            resets: read(&counters.resets),
            half_closes: read(&counters.half_closes),
        }
    }

    /// Ends every connection and gives the ports back; none is opened again. Waits for it, a second at most.
    pub(crate) fn close(&self) {
        let doors = {
            let mut table = lock(&self.table);
            table.is_closed = true;
            std::mem::take(&mut table.doors)
        };
        for door in doors.values() {
            door.accepts.abort();
        }
        let began = Instant::now();
        while doors.values().any(|door| !door.accepts.is_finished()) && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn link(&self, from: u32, to: u32) -> Arc<Link> {
        lock(&self.table).link(self, from, to)
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        for door in lock(&self.table).doors.values() {
            door.accepts.abort();
        }
    }
}

impl Table {
    fn link(&mut self, links: &Links, from: u32, to: u32) -> Arc<Link> {
        let aim = self.aims.get(&to).copied();
        let link = self.links.entry((from, to)).or_insert_with(|| {
            Arc::new(Link {
                rules: Mutex::new(Rules::new(links.seed, from, to, aim)),
                changes: watch::Sender::new(()),
                counters: Arc::clone(&links.counters),
            })
        });
        Arc::clone(link)
    }
}

impl Link {
    fn change(&self, change: impl FnOnce(&mut Rules)) {
        change(&mut lock(&self.rules));
        self.changes.send_replace(());
    }
}

/// Takes connections, for ever; they end when it is dropped.
async fn accept(listener: TcpListener, link: Arc<Link>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) if connections.len() < MOST_CONNECTIONS => {
                connections.spawn(connection::carry(Arc::clone(&link), stream));
            }
            Ok(_) => {}
            // No file descriptors, most likely: they come back when something is closed.
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}
