//! What a node does in which order, and what its disk keeps of that.

use std::fmt::Debug;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rupture_protocols::random::stream;
use rupture_protocols::store::{Command, Datum, Request, Response};
use rupture_protocols::{Context, Input, Node, NodeId, Reply};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::run;
use crate::node::clock::NodeClock;
use crate::node::disk::{Disk, DiskFault, lose_power};
use crate::node::frame::{Kind, MOST_BYTES, Reader};
use crate::node::options::NodeOptions;
use crate::observe::Told;
use crate::protocol::{Change, Members, Protocol};
use crate::{Keep, RecoveryClaim, TargetError, TargetOptions};

const SYNC: Duration = Duration::from_secs(1);
const EARLY: &str = "before the sync";
const LATE: &str = "after the sync";

/// A node that does this with what it is asked, answers, and does nothing else. Its messages are texts.
struct Toy<R: Kept>(Does<R>);

type Does<R> = fn(Request, &mut Context<'_, Toy<R>>);

/// What a disk keeps.
trait Kept: Clone + Debug + Serialize + DeserializeOwned + 'static {}

impl<R: Clone + Debug + Serialize + DeserializeOwned + 'static> Kept for R {}

impl<R: Kept> Node for Toy<R> {
    type Message = String;
    type Call = Request;
    type Reply = Reply;
    type Record = R;
    type Event = ();

    fn step(&mut self, input: Input<Self>, context: &mut Context<'_, Self>) {
        if let Input::Call { id, call } = input {
            self.0(call, context);
            context.reply(id, Reply::Ok(Response::Done));
        }
    }
}

impl<R: Kept> Protocol for Toy<R> {
    type Node = Self;

    const NAME: &'static str = "toy";

    fn told_by(_: &TargetOptions) -> Result<Self, TargetError> {
        Ok(Self(|_, _| {}))
    }

    fn node(&self, _: NodeId) -> Self {
        Self(self.0)
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

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// A node without peers.
fn options(data: &Path) -> NodeOptions {
    NodeOptions {
        name: "toy".to_owned(),
        target: TargetOptions::default(),
        id: 0,
        listen: TcpListener::bind(loopback()).unwrap().local_addr().unwrap(),
        listen_peers: loopback(),
        peers: std::collections::BTreeMap::new(),
        data: data.to_owned(),
        token: String::new(),
        clock: NodeClock::honest(),
        disk: DiskFault::default(),
        controller: None,
    }
}

/// Runs a node for as long as this takes.
fn while_it_runs<R: Kept + Send + Sync, T>(
    does: Does<R>,
    options: &NodeOptions,
    work: impl FnOnce() -> T,
) -> T {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let node = scope.spawn(|| run(&Toy(does), options, &|| stop.load(Ordering::Relaxed)));
        let result = work();
        stop.store(true, Ordering::Relaxed);
        node.join().unwrap().unwrap();
        result
    })
}

#[test]
fn only_what_waits_for_no_sync_leaves_before_it() {
    let peer = TcpListener::bind(loopback()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = NodeOptions {
        target: TargetOptions {
            nodes: 2,
            ..TargetOptions::default()
        },
        peers: [(1, peer.local_addr().unwrap())].into(),
        disk: DiskFault {
            slow_sync_ns: SYNC.as_nanos() as u64,
            ..DiskFault::default()
        },
        ..options(&folder.path().join("n1"))
    };
    // Tells its peer before and after what it was asked is durable.
    let does: Does<Request> = |call, context| {
        context.save(call);
        context.send(1, EARLY.to_owned());
        context.sync();
        context.send(1, LATE.to_owned());
    };
    while_it_runs(does, &options, || {
        std::thread::scope(|scope| {
            let heard = scope.spawn(|| hear(&peer));
            ask(options.listen, 1, Command::Read(Datum::Nil));
            let answered = Instant::now();
            let heard = heard.join().unwrap();
            let [(early, first), (late, second)] = &heard[..] else {
                panic!("{heard:?}");
            };
            assert_eq!((early.as_str(), late.as_str()), (EARLY, LATE));
            assert!(*first + SYNC / 2 < answered, "it waited for the disk");
            assert!(*second - *first > SYNC / 2, "it did not wait for the disk");
        });
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
fn ask(node: SocketAddr, number: usize, command: Command) {
    let until = Instant::now() + Duration::from_secs(30);
    let mut stream = loop {
        match TcpStream::connect(node) {
            Ok(stream) => break stream,
            Err(error) if Instant::now() > until => panic!("{error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let request = Request {
        idempotency_key: format!("{number}:any"),
        command,
    };
    let body = serde_json::to_string(&request).unwrap();
    let request = format!(
        "POST /v1/requests HTTP/1.1\r\nhost: n1\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Asks a node that saves with a write and syncs with a read these commands one after the other, and ends it. How many
/// records its disk has after the power has failed then.
fn kept_after(commands: &[Command]) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder.path().join("n1"));
    let does: Does<u64> = |call, context| {
        if call.command.is_read_only() {
            context.sync();
        } else {
            context.save(7);
        }
    };
    while_it_runs(does, &options, || {
        for (number, command) in commands.iter().enumerate() {
            ask(options.listen, number, command.clone());
        }
    });
    lose_power(&options.data, Keep::Synced, &mut stream(1, "test")).unwrap();
    let (_, records) = Disk::<u64>::open(&options.data, DiskFault::default()).unwrap();
    records.len()
}

/// What one turn has saved is durable when a later one has synced, although that saved nothing.
#[test]
fn a_sync_is_for_all_that_was_saved_before() {
    let write = Command::Write(Datum::Int(1), Datum::Int(2));
    let read = Command::Read(Datum::Int(1));
    assert_eq!(kept_after(&[write.clone(), read.clone()]), 1);
    assert_eq!(
        kept_after(&[write.clone(), write.clone(), read, write.clone()]),
        2
    );
    assert_eq!(kept_after(&[write]), 0, "nothing was synced");
}
