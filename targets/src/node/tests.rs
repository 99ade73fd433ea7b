//! Whole nodes of a toy protocol, in this process.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rupture_protocols::random::stream;
use rupture_protocols::store::{Command, Datum, Request, Response};
use rupture_protocols::{Context, Input, Node, NodeId, Reply};

use super::clock::NodeClock;
use super::disk::{Disk, lose_power};
use super::{NodeOptions, run};
use crate::observe::Told;
use crate::protocol::{Change, Members, Protocol};
use crate::{DiskFault, Keep, RecoveryClaim, TargetError, TargetOptions};

/// Saves with a write and syncs with a read.
struct Apart;

impl Node for Apart {
    type Message = ();
    type Call = Request;
    type Reply = Reply;
    type Record = u64;
    type Event = ();

    fn step(&mut self, input: Input<Self>, context: &mut Context<'_, Self>) {
        if let Input::Call { id, call } = input {
            if call.command.is_read_only() {
                context.sync();
            } else {
                context.save(7);
            }
            context.reply(id, Reply::Ok(Response::Done));
        }
    }
}

impl Protocol for Apart {
    type Node = Self;

    const NAME: &'static str = "apart";

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

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// Runs a node, asks it these commands one after the other, and ends it. How many records its disk has after the power
/// has failed then.
fn kept_after(commands: &[Command]) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let options = NodeOptions {
        name: "apart".to_owned(),
        target: TargetOptions::default(),
        id: 0,
        listen: free(),
        listen_peers: free(),
        peers: std::collections::BTreeMap::new(),
        data: folder.path().join("n1"),
        token: String::new(),
        clock: NodeClock::honest(),
        disk: DiskFault::default(),
        controller: None,
    };
    let is_over = AtomicBool::new(false);
    let stop = || is_over.load(Ordering::SeqCst);
    thread::scope(|scope| {
        let node = scope.spawn(|| run(&Apart, &options, &stop));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let url = format!("http://{}/v1/requests", options.listen);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for (number, command) in commands.iter().enumerate() {
            let request = Request {
                idempotency_key: format!("{number}:write"),
                command: command.clone(),
            };
            let begun = Instant::now();
            loop {
                let sent = runtime.block_on(client.post(&url).json(&request).send());
                match sent {
                    Ok(answer) => break assert!(answer.status().is_success()),
                    // It does not listen yet.
                    Err(error) => {
                        assert!(begun.elapsed() < Duration::from_secs(10), "{error}");
                        thread::sleep(Duration::from_millis(10));
                    }
                }
            }
        }
        is_over.store(true, Ordering::SeqCst);
        node.join().unwrap().unwrap();
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
