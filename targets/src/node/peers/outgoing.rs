//! What goes to one peer: a queue, and the connection that empties it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand::RngExt;
use rupture_protocols::NodeId;
use rupture_protocols::random::{Stream, stream};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use crate::node::clock::monotonic_ns;
use crate::node::complain::Complaints;
use crate::node::frame::{self, Hello, Kind};
use crate::node::race::{Either, race};
use crate::node::socket::{closed, connect, write_some};

/// How many messages wait at most, and how many bytes they have at most.
const MOST_WAITING: usize = 4096;
const MOST_BYTES: usize = 64 << 20;
/// So many bytes that wait are written at once; one message more than that goes alone.
const BATCH_BYTES: usize = 256 << 10;
/// The first pause before another attempt to connect, and the longest.
const SHORTEST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_millis(500);
/// How long an attempt to connect may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// The way to one peer.
pub(super) struct Outgoing {
    to: NodeId,
    hello: Vec<u8>,
    queue: Mutex<Queue>,
    /// Something waits.
    more: Notify,
    address: watch::Sender<Option<SocketAddr>>,
    jitter: Mutex<Stream>,
    complaints: Complaints,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Kind, Vec<u8>)>,
    bytes: usize,
    dropped: u64,
}

/// Why a connection is no longer used.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// It could not be made, or broke.
    Broken,
    /// The peer is to be found elsewhere.
    Moved,
}

type Address = watch::Receiver<Option<SocketAddr>>;

impl Outgoing {
    pub(super) fn new(me: NodeId, to: NodeId, token: &str) -> Self {
        let payload = Hello {
            from: me,
            to,
            token: token.as_bytes(),
        }
        .encode();
        let mut hello = Vec::new();
        frame::append(&mut hello, Kind::Hello, &payload);
        Self {
            to,
            hello,
            queue: Mutex::default(),
            more: Notify::new(),
            address: watch::Sender::new(None),
            // Only so that the nodes of a cluster do not all try again at the same moment.
            jitter: Mutex::new(stream(monotonic_ns(), &format!("backoff {me} {to}"))),
            complaints: Complaints::default(),
        }
    }

    pub(super) fn find(&self, address: SocketAddr) {
        self.address.send_replace(Some(address));
    }

    /// Puts a frame into the queue; what is oldest makes room.
    pub(super) fn push(&self, kind: Kind, payload: Vec<u8>) {
        if payload.len() > frame::MOST_BYTES {
            self.queue().dropped += 1;
            self.complaints.say(&format!(
                "a message of {} bytes to node {} is not sent: peers take {} at most",
                payload.len(),
                self.to,
                frame::MOST_BYTES
            ));
            return;
        }
        let was_empty = {
            let mut queue = self.queue();
            let was_empty = queue.waiting.is_empty();
            while queue.waiting.len() >= MOST_WAITING || queue.bytes + payload.len() > MOST_BYTES {
                let Some((_, oldest)) = queue.waiting.pop_front() else {
                    break;
                };
                queue.bytes -= oldest.len();
                queue.dropped += 1;
            }
            queue.bytes += payload.len();
            queue.waiting.push_back((kind, payload));
            was_empty
        };
        // Who is awake looks again before it sleeps.
        if was_empty {
            self.more.notify_one();
        }
    }

    /// How many frames were dropped so far.
    pub(super) fn dropped(&self) -> u64 {
        self.queue().dropped
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends the frames that wait, as many as go into one write.
    fn take(&self, batch: &mut Vec<u8>) {
        let mut taken = Vec::new();
        {
            let mut queue = self.queue();
            let mut size = batch.len();
            while let Some((_, payload)) = queue.waiting.front() {
                let length = payload.len();
                if !taken.is_empty() && size + length > BATCH_BYTES {
                    break;
                }
                size += length;
                queue.bytes -= length;
                taken.extend(queue.waiting.pop_front());
            }
        }
        for (kind, payload) in &taken {
            frame::append(batch, *kind, payload);
        }
    }

    /// Until something waits.
    async fn mail(&self) {
        while self.queue().waiting.is_empty() {
            self.more.notified().await;
        }
    }

    /// Connects whenever something waits, and writes it; for ever.
    pub(super) async fn carry(self: Arc<Self>) {
        let mut address = self.address.subscribe();
        let mut pause = SHORTEST;
        let mut dropped = 0;
        loop {
            self.mail().await;
            let at = *address.borrow_and_update();
            let Some(at) = at else {
                // The sender lives as long as we do.
                let _ = address.changed().await;
                continue;
            };
            let began = Instant::now();
            let end = self.connection(at, &mut address).await;
            let now_dropped = self.dropped();
            if now_dropped > dropped {
                self.complaints.say(&format!(
                    "{} messages to node {} were dropped: more waited than the queue holds",
                    now_dropped - dropped,
                    self.to
                ));
                dropped = now_dropped;
            }
            // Who takes connections and closes them at once is as dead as who refuses them.
            if end == End::Moved || began.elapsed() > LONGEST {
                pause = SHORTEST;
            }
            if end == End::Moved {
                continue;
            }
            let share = {
                let mut jitter = self.jitter.lock().unwrap_or_else(PoisonError::into_inner);
                jitter.random_range(0.5..=1.0)
            };
            match race(sleep(pause.mul_f64(share)), address.changed()).await {
                Either::First(()) => pause = (pause * 2).min(LONGEST),
                Either::Second(_) => pause = SHORTEST,
            }
        }
    }

    /// One connection, from its beginning to its end.
    async fn connection(&self, at: SocketAddr, address: &mut Address) -> End {
        let stream = match race(timeout(PATIENCE, connect(at)), moved(at, address)).await {
            Either::First(Ok(Ok(stream))) => stream,
            Either::First(_) => return End::Broken,
            Either::Second(()) => return End::Moved,
        };
        let mut batch = self.hello.clone();
        loop {
            // What waits is not taken for a connection that is known to have ended.
            let ends = race(closed(&stream), moved(at, address));
            match race(ends, self.mail()).await {
                Either::First(Either::First(())) => return End::Broken,
                Either::First(Either::Second(())) => return End::Moved,
                Either::Second(()) => self.take(&mut batch),
            }
            let mut rest = &batch[..];
            while !rest.is_empty() {
                let ends = race(closed(&stream), moved(at, address));
                match race(write_some(&stream, rest), ends).await {
                    Either::First(Ok(written)) => rest = &rest[written..],
                    Either::First(Err(_)) | Either::Second(Either::First(())) => {
                        return End::Broken;
                    }
                    Either::Second(Either::Second(())) => return End::Moved,
                }
            }
            batch.clear();
            batch.shrink_to(4 * BATCH_BYTES);
        }
    }
}

/// Until the peer is to be found elsewhere.
async fn moved(at: SocketAddr, address: &mut Address) {
    while address.changed().await.is_ok() {
        if *address.borrow_and_update() != Some(at) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing() -> Outgoing {
        Outgoing::new(0, 1, "t")
    }

    fn waiting(outgoing: &Outgoing) -> Vec<u8> {
        let queue = outgoing.queue();
        queue.waiting.iter().map(|(_, it)| it[0]).collect()
    }

    #[test]
    fn a_queue_that_is_full_drops_its_oldest_and_counts_them() {
        let few = outgoing();
        for number in 0..MOST_WAITING + 3 {
            few.push(Kind::Message, vec![number as u8]);
        }
        assert_eq!(few.dropped(), 3);
        assert_eq!(waiting(&few).len(), MOST_WAITING);
        assert_eq!(waiting(&few)[0], 3);

        let large = outgoing();
        for number in 0..5 {
            large.push(Kind::Message, vec![number; MOST_BYTES / 4]);
        }
        assert_eq!((large.dropped(), waiting(&large)), (1, vec![1, 2, 3, 4]));
        large.push(Kind::Message, vec![9; frame::MOST_BYTES]);
        assert_eq!((large.dropped(), waiting(&large)), (5, vec![9]));
        large.push(Kind::Message, vec![7; frame::MOST_BYTES + 1]);
        assert_eq!((large.dropped(), waiting(&large)), (6, vec![9]));
    }

    #[test]
    fn frames_that_wait_are_written_together() {
        let outgoing = outgoing();
        for number in 0..100 {
            outgoing.push(Kind::Message, vec![number; 10]);
        }
        let mut batch = Vec::new();
        outgoing.take(&mut batch);
        assert!(waiting(&outgoing).is_empty());
        assert_eq!(outgoing.queue().bytes, 0);
        let mut reader = frame::Reader::new(frame::MOST_BYTES);
        reader.space().extend_from_slice(&batch);
        for number in 0..100 {
            let frame = reader.next().expect("frames").expect("a frame");
            assert_eq!(frame.payload(), [number; 10]);
        }
        for _ in 0..3 {
            outgoing.push(Kind::Message, vec![0; BATCH_BYTES]);
        }
        batch.clear();
        outgoing.take(&mut batch);
        assert_eq!(waiting(&outgoing).len(), 2);
    }
}
