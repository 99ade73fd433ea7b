use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::*;
use crate::node::frame::{self, Hello};
use crate::node::inbox::{Input, Outbox, inbox};

const LONG: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(150);

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

type Said<'a> = (Kind, &'a [u8]);

struct Side {
    peers: Peers,
    address: SocketAddr,
    outbox: Outbox,
}

fn node_at(runtime: &Runtime, me: NodeId, token: &str, address: &str) -> Side {
    let listener = runtime.block_on(TcpListener::bind(address));
    let listener = listener.expect("it listens");
    let address = listener.local_addr().expect("an address");
    let (inbox, outbox) = inbox();
    Side {
        peers: Peers::new(runtime.handle(), me, token, listener, inbox),
        address,
        outbox,
    }
}

fn node(runtime: &Runtime, me: NodeId) -> Side {
    node_at(runtime, me, "secret", "127.0.0.1:0")
}

impl Side {
    fn hears(&self, most: Duration) -> Option<(NodeId, Vec<u8>)> {
        match self.outbox.wait(most) {
            Ok(Some(Input::Message { from, bytes })) => Some((from, bytes)),
            Ok(Some(Input::Probed { from, nonce })) => {
                Some((from, format!("probe {nonce}").into_bytes()))
            }
            _ => None,
        }
    }

    /// Whether this message comes, after whatever others.
    fn hears_at_last(&self, bytes: &[u8]) -> bool {
        let began = Instant::now();
        while began.elapsed() < LONG {
            if self.hears(SHORT).is_some_and(|(_, heard)| heard == bytes) {
                return true;
            }
        }
        false
    }
}

/// Somebody who speaks the protocol by hand.
fn stranger(to: SocketAddr, frames: &[Said<'_>]) -> StdStream {
    let mut stream = StdStream::connect(to).expect("it connects");
    let mut bytes = Vec::new();
    for (kind, payload) in frames {
        frame::append(&mut bytes, *kind, payload);
    }
    stream.write_all(&bytes).expect("it writes");
    stream
}

fn hello(from: NodeId, to: NodeId, token: &str) -> Vec<u8> {
    let token = token.as_bytes();
    Hello { from, to, token }.encode()
}

/// Whether the other end closes the connection in this time.
fn is_closed(stream: &mut StdStream, most: Duration) -> bool {
    stream.set_read_timeout(Some(most)).expect("a timeout");
    match stream.read(&mut [0; 8]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn messages_and_probes_arrive_in_order_each_way() {
    let runtime = runtime();
    let (a, b) = (node(&runtime, 0), node(&runtime, 1));
    a.peers.find(1, b.address);
    for number in 0..1000_u32 {
        a.peers.send(1, number.to_le_bytes().to_vec());
    }
    a.peers.probe(1, 77);
    a.peers.send(1, vec![8; 3 << 20]);
    for number in 0..1000_u32 {
        assert_eq!(b.hears(LONG), Some((0, number.to_le_bytes().to_vec())));
    }
    assert_eq!(b.hears(LONG), Some((0, b"probe 77".to_vec())));
    assert_eq!(b.hears(LONG), Some((0, vec![8; 3 << 20])));
    // The other way is another connection.
    b.peers.send(0, b"not found yet".to_vec());
    assert_eq!(a.hears(SHORT), None);
    b.peers.find(0, a.address);
    assert_eq!(a.hears(LONG), Some((1, b"not found yet".to_vec())));
}

#[test]
fn who_does_not_know_the_token_or_means_somebody_else_is_not_heard() {
    let runtime = runtime();
    let b = node(&runtime, 1);
    let right = hello(0, 1, "secret");
    let says: &[Said<'_>] = &[(Kind::Hello, &right), (Kind::Message, b"in")];
    let mut friend = stranger(b.address, says);
    assert_eq!(b.hears(LONG), Some((0, b"in".to_vec())));
    assert!(!is_closed(&mut friend, SHORT));
    for (wrong, why) in [
        (hello(0, 1, "secreT"), "another token"),
        (hello(0, 1, "secret2"), "a longer token"),
        (hello(0, 1, ""), "no token"),
        (hello(0, 2, "secret"), "for somebody else"),
        (hello(1, 1, "secret"), "from itself"),
        (b"\x01\x00abc".to_vec(), "too short"),
        (vec![0; 5000], "too long"),
    ] {
        let says: &[Said<'_>] = &[(Kind::Hello, &wrong), (Kind::Message, b"in")];
        let mut stream = stranger(b.address, says);
        assert!(is_closed(&mut stream, LONG), "{why}");
        assert_eq!(b.hears(Duration::from_millis(20)), None, "{why}");
    }
    let (met, asked): (Said, Said) = ((Kind::Hello, &right), (Kind::Message, b"in"));
    for (says, why) in [
        (&[asked][..], "no hello"),
        (&[met, met], "two hellos"),
        (&[met, (Kind::Probe, b"short")], "a short probe"),
    ] {
        assert!(is_closed(&mut stranger(b.address, says), LONG), "{why}");
    }
    let mut noise = StdStream::connect(b.address).expect("it connects");
    noise
        .write_all(b"GET / HTTP/1.1\r\n\r\n")
        .expect("it writes");
    assert!(is_closed(&mut noise, LONG), "HTTP");
    // All that did not hurt those who are let in.
    friend = stranger(b.address, &[(Kind::Hello, &right), (Kind::Message, b"2")]);
    assert_eq!(b.hears(LONG), Some((0, b"2".to_vec())));
    drop(friend);
}

#[test]
fn who_says_nothing_is_closed_and_who_said_hello_may_be_silent() {
    let runtime = runtime();
    let b = node(&runtime, 1);
    let mut friend = stranger(b.address, &[(Kind::Hello, &hello(0, 1, "secret"))]);
    let mut silent = stranger(b.address, &[]);
    let mut slow = stranger(b.address, &[]);
    slow.write_all(&[10]).expect("it writes");
    let began = Instant::now();
    assert!(is_closed(&mut silent, LONG) && is_closed(&mut slow, LONG));
    assert!(began.elapsed() + SHORT > incoming::PATIENCE);
    assert!(!is_closed(&mut friend, 2 * incoming::PATIENCE));
}

#[test]
fn connections_are_limited() {
    let runtime = runtime();
    let b = node(&runtime, 1);
    let open = |from| stranger(b.address, &[(Kind::Hello, &hello(from, 1, "secret"))]);
    let mut many: Vec<StdStream> = (2..258).map(open).collect();
    assert!(!is_closed(&mut many[255], 2 * incoming::PATIENCE));
    assert!(is_closed(&mut open(0), LONG));
    // Where one goes there is room for another.
    many.pop();
    let began = Instant::now();
    while is_closed(&mut open(0), SHORT) {
        assert!(began.elapsed() < LONG);
    }
}

#[test]
fn a_peer_that_comes_back_is_connected_to_again() {
    let runtime = runtime();
    let (a, b) = (node(&runtime, 0), node(&runtime, 1));
    a.peers.find(1, b.address);
    a.peers.send(1, b"1".to_vec());
    assert!(b.hears_at_last(b"1"));
    let address = b.address;
    drop(b);
    // At another address, which is told.
    let moved = node(&runtime, 1);
    a.peers.find(1, moved.address);
    a.peers.send(1, b"2".to_vec());
    assert!(moved.hears_at_last(b"2"));
    // At an address where nobody was for a while.
    drop(moved);
    a.peers.find(1, address);
    a.peers.send(1, b"3".to_vec());
    std::thread::sleep(SHORT);
    let again = node_at(&runtime, 1, "secret", &address.to_string());
    let began = Instant::now();
    assert!(again.hears_at_last(b"3"), "what waits is kept");
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[test]
fn sending_to_a_peer_that_never_reads_blocks_nobody() {
    let runtime = runtime();
    let (a, b) = (node(&runtime, 0), node(&runtime, 1));
    let deaf = StdListener::bind("127.0.0.1:0").expect("it listens");
    a.peers.find(1, deaf.local_addr().expect("an address"));
    let began = Instant::now();
    for _ in 0..6000 {
        a.peers.send(1, vec![0; 20_000]);
    }
    a.peers.send(1, b"last".to_vec());
    assert!(began.elapsed() < Duration::from_secs(5));
    let dropped = a.peers.way(1).dropped();
    // 64 MiB wait, and a little more is with the system.
    assert!((2400..2646).contains(&dropped), "{dropped} dropped");
    // The newest are still there for who reads.
    a.peers.find(1, b.address);
    assert!(b.hears_at_last(b"last"));
}

#[test]
fn a_newer_connection_of_a_peer_replaces_the_older() {
    let runtime = runtime();
    let b = node(&runtime, 1);
    let says = |from| stranger(b.address, &[(Kind::Hello, &hello(from, 1, "secret"))]);
    let (mut first, mut other) = (says(0), says(2));
    assert!(!is_closed(&mut first, SHORT));
    let mut second = says(0);
    assert!(is_closed(&mut first, LONG));
    assert!(!is_closed(&mut second, SHORT) && !is_closed(&mut other, SHORT));
}

#[test]
fn connections_end_with_the_node() {
    let runtime = runtime();
    let b = node(&runtime, 1);
    let mut friend = stranger(b.address, &[(Kind::Hello, &hello(0, 1, "secret"))]);
    assert!(!is_closed(&mut friend, SHORT));
    drop(b);
    assert!(is_closed(&mut friend, LONG));
}
