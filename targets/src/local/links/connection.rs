//! One connection of a node to a peer, as it passes through the controller.
//!
//! A reader takes frames from the sender and decides about each; a writer hands on what is due. Both are one task, so that
//! a frame of an untouched link is handed on in the same turn in which it is read. The receiver is connected to
//! when the first frame is due for it.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Notify, watch};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use super::pipe::{Load, Pipe, Taken};
use super::rules::{Manner, Passage};
use super::{Link, PATIENCE, count, lock};
use crate::node::clock::monotonic_ns;
use crate::node::frame::{Frame, Kind, MOST_BYTES, Reader};
use crate::node::race::{Either, race};
use crate::node::socket::{self, connect, write_some};

/// While more than this is under way the sender is not read.
const FULL_BYTES: usize = 16 << 20;
/// So many bytes that are due are written at once.
const BATCH_BYTES: usize = 64 << 10;

struct Connection {
    link: Arc<Link>,
    sender: TcpStream,
    receiver: Mutex<Option<Arc<Receiver>>>,
    /// The hello as it came; empty before.
    hello: Mutex<Vec<u8>>,
    pipe: Mutex<Pipe>,
    /// Something is in the pipe, or the sender has gone.
    more: Notify,
    /// There is room in the pipe.
    room: Notify,
    is_gone: AtomicBool,
    /// The receiver gets nothing more.
    is_shut: AtomicBool,
}

struct Receiver {
    at: SocketAddr,
    stream: OwnedReadHalf,
    /// Whoever drops it shuts the stream for the receiver.
    end: Mutex<Option<OwnedWriteHalf>>,
}

/// Whether to go on with a connection.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    On,
    End,
}

/// Carries what comes on a connection, until one of its ends has gone.
pub(super) async fn carry(link: Arc<Link>, sender: TcpStream) {
    let _ = sender.set_nodelay(true);
    let connection = Connection {
        link,
        sender,
        receiver: Mutex::default(),
        hello: Mutex::default(),
        pipe: Mutex::default(),
        more: Notify::new(),
        room: Notify::new(),
        is_gone: AtomicBool::new(false),
        is_shut: AtomicBool::new(false),
    };
    if let Either::First(()) = race(connection.read(), connection.write()).await {
        connection.reset();
    }
}

impl Connection {
    /// Takes frames from the sender; ends only with a reset.
    async fn read(&self) {
        let mut changes = self.link.changes.subscribe();
        let mut reader = Reader::new(MOST_BYTES);
        'all: loop {
            while self.is_full() {
                race(self.room.notified(), changes.changed()).await;
            }
            if self.sender.readable().await.is_err() {
                break;
            }
            match self.sender.try_read_buf(reader.space()) {
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Ok(0) | Err(_) => break,
            }
            loop {
                match reader.next() {
                    Ok(Some(frame)) if self.arrives(frame) == Next::End => return,
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    // Nothing can be told apart any more; what came before still goes.
                    Err(_) => break 'all,
                }
            }
            self.more.notify_one();
        }
        self.is_gone.store(true, Ordering::Relaxed);
        self.more.notify_one();
        pending::<()>().await;
    }

    /// A cut link is read on whatever waits.
    fn is_full(&self) -> bool {
        let is_cut = lock(&self.link.rules).cut;
        !is_cut && lock(&self.pipe).bytes() > FULL_BYTES
    }

    /// Decides about a frame. The end is a reset.
    fn arrives(&self, frame: Frame<'_>) -> Next {
        let now_ns = monotonic_ns();
        let counters = &self.link.counters;
        let mut rules = lock(&self.link.rules);
        let mut pipe = lock(&self.pipe);
        pipe.follow(&rules);
        if frame.kind == Kind::Hello && lock(&self.hello).is_empty() {
            *lock(&self.hello) = frame.whole.to_vec();
            let manner = Manner {
                late_ns: rules.late_ns(),
                ..Manner::default()
            };
            pipe.put(now_ns, Load::Hello, manner);
            return Next::On;
        }
        count(&counters.sent, 1);
        if rules.cut {
            count(&counters.blocked, 1);
            return Next::On;
        }
        if self.is_shut.load(Ordering::Relaxed) {
            count(&counters.lost, 1);
            return Next::On;
        }
        match rules.judge() {
            Passage::Reset => {
                count(&counters.resets, 1);
                count(&counters.lost, 1 + pipe.frames());
                return Next::End;
            }
            Passage::Lost => count(&counters.lost, 1),
            Passage::Goes(manner) => {
                count(&counters.duplicated, manner.copy_ns.is_some().into());
                count(&counters.held_back, manner.held_for.is_some().into());
                if manner.is_last {
                    count(&counters.half_closes, 1);
                    self.is_shut.store(true, Ordering::Relaxed);
                }
                pipe.put(now_ns, Load::Frame(frame.whole.to_vec()), manner);
            }
        }
        Next::On
    }

    /// Hands on what is due, until there is nothing more to do.
    async fn write(&self) {
        let mut changes = self.link.changes.subscribe();
        loop {
            changes.borrow_and_update();
            let (taken, next_ns) = self.take();
            if self.hand_on(taken, &mut changes).await == Next::End || self.look() == Next::End {
                return;
            }
            let next = if let Some(next_ns) = next_ns {
                let wait_ns = next_ns.saturating_sub(monotonic_ns());
                if wait_ns == 0 {
                    continue;
                }
                let wait = sleep(Duration::from_nanos(wait_ns));
                self.wait(wait, &mut changes).await
            } else if self.is_gone.load(Ordering::Relaxed) && lock(&self.pipe).is_empty() {
                Next::End
            } else {
                self.wait(pending(), &mut changes).await
            };
            if next == Next::End {
                return;
            }
        }
    }

    /// Waits for this, for more in the pipe, for other rules, or for the receiver to go.
    async fn wait(
        &self,
        time: impl Future<Output = ()>,
        changes: &mut watch::Receiver<()>,
    ) -> Next {
        let receiver = lock(&self.receiver).clone();
        let inside = race(self.more.notified(), changes.changed());
        let outside = race(closed(receiver.as_deref()), time);
        match race(inside, outside).await {
            Either::Second(Either::First(())) => self.lose_receiver(),
            _ => Next::On,
        }
    }

    fn take(&self) -> (Taken, Option<u64>) {
        let rules = lock(&self.link.rules);
        let mut pipe = lock(&self.pipe);
        pipe.follow(&rules);
        // What is slow is taken frame by frame: the rest can still be swallowed.
        let most = if rules.shape().rate_bytes_s > 0 {
            1
        } else {
            BATCH_BYTES
        };
        let was_full = pipe.bytes() > FULL_BYTES;
        let taken = pipe.take(monotonic_ns(), rules.cut, most);
        if was_full && pipe.bytes() <= FULL_BYTES {
            self.room.notify_one();
        }
        count(&self.link.counters.blocked, taken.blocked);
        count(&self.link.counters.reordered, taken.reordered);
        (taken, pipe.next_ns())
    }

    /// Whether the connection is still to live by the rules.
    fn look(&self) -> Next {
        let rules = lock(&self.link.rules);
        if rules.cut {
            // The sender learns nothing.
            return Next::On;
        }
        let at = lock(&self.receiver).as_ref().map(|receiver| receiver.at);
        let is_elsewhere = at.is_some() && at != rules.aim;
        // What came of a fault ends with it.
        let is_shut = self.is_shut.load(Ordering::Relaxed) && rules.shape().half_close_ppm == 0;
        let is_over = rules.aim.is_none() || is_elsewhere || is_shut && lock(&self.pipe).is_empty();
        if is_over { Next::End } else { Next::On }
    }

    async fn hand_on(&self, taken: Taken, changes: &mut watch::Receiver<()>) -> Next {
        if taken.bytes.is_empty() && !taken.hello {
            if taken.shut {
                self.shut();
            }
            return Next::On;
        }
        let known = lock(&self.receiver).clone();
        let receiver = match known {
            Some(receiver) => receiver,
            None => match self.connect(changes).await {
                Some(receiver) => receiver,
                None => return Next::End,
            },
        };
        if lock(&receiver.end).is_none() {
            // A frame that was held back until the receiver's side was shut.
            count(&self.link.counters.lost, taken.frames);
            return Next::On;
        }
        let next = self.write_all(&receiver, &taken.bytes, changes).await;
        if taken.shut {
            drop(lock(&receiver.end).take());
        }
        next
    }

    /// Connects to the receiver and says hello.
    async fn connect(&self, changes: &mut watch::Receiver<()>) -> Option<Arc<Receiver>> {
        let at = lock(&self.link.rules).aim?;
        let stream = timeout(PATIENCE, connect(at)).await.ok()?.ok()?;
        let (stream, end) = stream.into_split();
        let receiver = Arc::new(Receiver {
            at,
            stream,
            end: Mutex::new(Some(end)),
        });
        *lock(&self.receiver) = Some(Arc::clone(&receiver));
        let hello = lock(&self.hello).clone();
        let next = self.write_all(&receiver, &hello, changes).await;
        (next == Next::On).then_some(receiver)
    }

    async fn write_all(
        &self,
        receiver: &Receiver,
        bytes: &[u8],
        changes: &mut watch::Receiver<()>,
    ) -> Next {
        let stream = receiver.stream.as_ref();
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.look() == Next::End {
                return Next::End;
            }
            let pace = lock(&self.link.rules).pace(monotonic_ns(), rest.len());
            let others = race(closed(Some(receiver)), changes.changed());
            let is_closed = match pace {
                Err(wait_ns) => {
                    let wait = sleep(Duration::from_nanos(wait_ns));
                    matches!(race(wait, others).await, Either::Second(Either::First(())))
                }
                Ok(most) => match race(write_some(stream, &rest[..most]), others).await {
                    Either::First(Ok(written)) => {
                        rest = &rest[written..];
                        lock(&self.link.rules).spend(monotonic_ns(), written);
                        if !rest.is_empty() {
                            // The receiver may have the piece before it has the next.
                            yield_now().await;
                        }
                        false
                    }
                    Either::First(Err(_)) | Either::Second(Either::First(())) => true,
                    Either::Second(Either::Second(_)) => false,
                },
            };
            if is_closed {
                return self.lose_receiver();
            }
        }
        Next::On
    }

    /// The receiver has gone. The sender learns of it unless the link is cut; then the next frame that passes connects
    /// again.
    fn lose_receiver(&self) -> Next {
        if !lock(&self.link.rules).cut {
            return Next::End;
        }
        *lock(&self.receiver) = None;
        self.is_shut.store(false, Ordering::Relaxed);
        Next::On
    }

    /// Shuts the receiver's side.
    fn shut(&self) {
        if let Some(receiver) = &*lock(&self.receiver) {
            drop(lock(&receiver.end).take());
        }
    }

    /// Resets both sides: what is with the system is lost too.
    fn reset(&self) {
        let _ = self.sender.set_zero_linger();
        if let Some(receiver) = &*lock(&self.receiver) {
            let _ = receiver.stream.as_ref().set_zero_linger();
            if let Some(end) = lock(&receiver.end).take() {
                end.forget();
            }
        }
    }
}

/// Until the receiver closes; for ever where there is none.
async fn closed(receiver: Option<&Receiver>) {
    match receiver {
        Some(receiver) => socket::closed(receiver.stream.as_ref()).await,
        None => pending().await,
    }
}
