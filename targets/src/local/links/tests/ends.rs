//! The two ends of a link, by hand.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::super::Links;
use crate::node::frame::{Kind, MOST_BYTES, Reader, append};
use crate::{LinkShape, Traffic};

/// Within this everything comes that comes at all.
pub(super) const LONG: Duration = Duration::from_secs(10);
/// After this nothing is awaited any more.
pub(super) const SHORT: Duration = Duration::from_millis(150);

pub(super) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// The link from node 0 to node 1.
pub(super) struct World {
    pub(super) links: Links,
    pub(super) listener: TcpListener,
    _runtime: Runtime,
}

impl World {
    pub(super) fn new() -> Self {
        let runtime = runtime();
        let links = Links::new(runtime.handle().clone(), 1);
        let listener = listener();
        links.aim(1, Some(listener.local_addr().expect("an address")));
        Self {
            links,
            listener,
            _runtime: runtime,
        }
    }

    pub(super) fn shape(&self, change: impl FnOnce(&mut LinkShape)) {
        let mut shape = LinkShape::default();
        change(&mut shape);
        self.links.shape(0, 1, shape);
    }

    pub(super) fn door(&self) -> SocketAddr {
        self.links.open(0, 1).expect("it opens")
    }

    /// A sender that has said hello, not read by anybody yet.
    pub(super) fn sender(&self) -> Sender {
        let mut sender = Sender(TcpStream::connect(self.door()).expect("it connects"));
        sender.0.set_nodelay(true).expect("no delay");
        sender.frame(Kind::Hello, b"hello");
        sender
    }

    pub(super) fn receiver(&self) -> Receiver {
        accept(&self.listener).expect("a connection comes")
    }

    /// A sender and its receiver, which has heard the hello.
    pub(super) fn pair(&self) -> (Sender, Receiver) {
        let sender = self.sender();
        let mut receiver = self.receiver();
        assert_eq!(
            receiver.next(LONG),
            Got::Frame(Kind::Hello, b"hello".to_vec())
        );
        (sender, receiver)
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.links.traffic()
    }
}

pub(super) fn listener() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").expect("it listens");
    listener.set_nonblocking(true).expect("nonblocking");
    listener
}

/// Who connects, in a while.
pub(super) fn accept(listener: &TcpListener) -> Option<Receiver> {
    accept_within(listener, LONG)
}

pub(super) fn accept_within(listener: &TcpListener, most: Duration) -> Option<Receiver> {
    let began = Instant::now();
    while began.elapsed() < most {
        if let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(false).expect("blocking");
            return Some(Receiver {
                stream,
                reader: Reader::new(MOST_BYTES),
                reads: 0,
            });
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    None
}

pub(super) struct Sender(pub(super) TcpStream);

impl Sender {
    pub(super) fn frame(&mut self, kind: Kind, payload: &[u8]) {
        let mut bytes = Vec::new();
        append(&mut bytes, kind, payload);
        // Whoever lost the connection finds out by other means.
        let _ = self.0.write_all(&bytes);
    }

    pub(super) fn send(&mut self, number: u32) {
        self.frame(Kind::Message, &number.to_le_bytes());
    }

    pub(super) fn send_all(&mut self, numbers: std::ops::Range<u32>) {
        let mut bytes = Vec::new();
        for number in numbers {
            append(&mut bytes, Kind::Message, &number.to_le_bytes());
        }
        let _ = self.0.write_all(&bytes);
    }

    /// Whether the proxy closes the connection in this time.
    pub(super) fn is_closed(&mut self, most: Duration) -> bool {
        self.0.set_read_timeout(Some(most)).expect("a timeout");
        match self.0.read(&mut [0; 8]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Got {
    Frame(Kind, Vec<u8>),
    Nothing,
    /// The stream has ended in order.
    Closed,
    Reset,
}

pub(super) struct Receiver {
    pub(super) stream: TcpStream,
    reader: Reader,
    /// How many reads brought something.
    pub(super) reads: u32,
}

impl Receiver {
    pub(super) fn next(&mut self, most: Duration) -> Got {
        let end = Instant::now() + most;
        loop {
            if let Some(frame) = self.reader.next().expect("frames") {
                return Got::Frame(frame.kind, frame.payload().to_vec());
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Got::Nothing;
            }
            self.stream.set_read_timeout(Some(left)).expect("a timeout");
            let mut bytes = [0; 16_384];
            match self.stream.read(&mut bytes) {
                Ok(0) => return Got::Closed,
                Ok(read) => {
                    self.reads += 1;
                    self.reader.space().extend_from_slice(&bytes[..read]);
                }
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Got::Reset,
                Err(_) => {}
            }
        }
    }

    /// The number that comes next.
    pub(super) fn number(&mut self, most: Duration) -> Option<u32> {
        match self.next(most) {
            Got::Frame(Kind::Message, bytes) => {
                Some(u32::from_le_bytes(bytes.try_into().expect("a number")))
            }
            _ => None,
        }
    }

    /// The numbers that come until none does for a while, but no more than this.
    pub(super) fn numbers(&mut self, most: usize) -> Vec<u32> {
        let mut numbers = Vec::new();
        while numbers.len() < most
            && let Some(number) = self.number(4 * SHORT)
        {
            numbers.push(number);
        }
        numbers
    }
}
