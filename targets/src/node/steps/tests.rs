//! What a node does in which order, on a disk that is slow.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rupture_protocols::store::{Request, Response};
use rupture_protocols::{Context, Input, Node, NodeId, Reply};

use super::run;
use crate::node::clock::NodeClock;
use crate::node::disk::DiskFault;
use crate::node::frame::{Kind, MOST_BYTES, Reader};
use crate::node::options::NodeOptions;
use crate::observe::Told;
use crate::protocol::{Change, Members, Protocol};
use crate::{RecoveryClaim, TargetError, TargetOptions};

const SYNC: Duration = Duration::from_secs(1);
const EARLY: &str = "before the sync";
const LATE: &str = "after the sync";

/// Saves what it is asked, and tells its peer of that before and after it is durable.
struct Teller;

impl Node for Teller {
    type Message = String;
    type Call = Request;
    type Reply = Reply;
    type Record = Request;
    type Event = ();

    fn step(&mut self, input: Input<Self>, context: &mut Context<'_, Self>) {
        if let Input::Call { id, call } = input {
            context.save(call);
            context.send(1, EARLY.to_owned());
            context.sync();
            context.send(1, LATE.to_owned());
            context.reply(id, Reply::Ok(Response::Done));
        }
    }
}

impl Protocol for Teller {
    type Node = Self;

    const NAME: &'static str = "teller";

    fn told_by(_: &TargetOptions) -> Result<Self, TargetError> {
        Ok(Self)
    }

    fn node(&self, _: NodeId) -> Self {
        Self
    }

    fn request(request: Request) -> Request {
        request
    }

    fn change(_: Change) -> Option<Request> {
        None
    }

    fn leads(_: &Self) -> bool {
        false
    }

    fn members((): &()) -> Option<Members> {
        None
    }

    fn told((): ()) -> Option<Arc<dyn Told>> {
        None
    }

    fn metrics(_: &Self, _: &str) -> String {
        String::new()
    }

    fn recovery(&self) -> Option<RecoveryClaim> {
        None
    }
}

#[test]
fn only_what_waits_for_no_sync_leaves_before_it() {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let peer = TcpListener::bind(loopback).unwrap();
    let listen = TcpListener::bind(loopback).unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = NodeOptions {
        name: Teller::NAME.to_owned(),
        target: TargetOptions {
            nodes: 2,
            ..TargetOptions::default()
        },
        id: 0,
        listen,
        listen_peers: loopback,
        peers: [(1, peer.local_addr().unwrap())].into(),
        data: folder.path().join("n1"),
        token: String::new(),
        clock: NodeClock::honest(),
        disk: DiskFault {
            slow_sync_ns: SYNC.as_nanos() as u64,
            ..DiskFault::default()
        },
        controller: None,
    };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let node = scope.spawn(|| run(&Teller, &options, &|| stop.load(Ordering::Relaxed)));
        let heard = scope.spawn(|| hear(&peer));
        ask(listen);
        let answered = Instant::now();
        let heard = heard.join().unwrap();
        stop.store(true, Ordering::Relaxed);
        node.join().unwrap().unwrap();
        let [(early, first), (late, second)] = &heard[..] else {
            panic!("{heard:?}");
        };
        assert_eq!((early.as_str(), late.as_str()), (EARLY, LATE));
        assert!(*first + SYNC / 2 < answered, "it waited for the disk");
        assert!(*second - *first > SYNC / 2, "it did not wait for the disk");
    });
}

/// The first two messages to a peer, and when they came.
fn hear(peer: &TcpListener) -> Vec<(String, Instant)> {
    let (mut stream, _) = peer.accept().unwrap();
    let mut reader = Reader::new(MOST_BYTES);
    let mut heard = Vec::new();
    let mut bytes = [0; 4096];
    while heard.len() < 2 {
        let read = stream.read(&mut bytes).unwrap();
        assert!(read > 0, "the node has ended");
        reader.space().extend_from_slice(&bytes[..read]);
        while let Some(frame) = reader.next().unwrap() {
            if frame.kind == Kind::Message {
                let message = rmp_serde::from_slice(frame.payload()).unwrap();
                heard.push((message, Instant::now()));
            }
        }
    }
    heard
}

/// Asks a node for something, and waits for the answer.
fn ask(node: SocketAddr) {
    let until = Instant::now() + Duration::from_secs(30);
    let mut stream = loop {
        match TcpStream::connect(node) {
            Ok(stream) => break stream,
            Err(error) if Instant::now() > until => panic!("{error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let body = r#"{"idempotency_key":"1:read","command":{"Read":"Nil"}}"#;
    let request = format!(
        "POST /v1/requests HTTP/1.1\r\nhost: n1\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
