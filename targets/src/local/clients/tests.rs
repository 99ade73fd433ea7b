//! Client threads against nodes that misbehave.

mod fake;
mod speed;

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};

use rupture_history::{Kind, Value};
use rupture_protocols::ErrorCode;
use rupture_protocols::store::{Datum, Response};
use tokio::runtime::Runtime;

use super::*;
use crate::Completion;
use fake::{Act, Fake};

const MS: u64 = 1_000_000;

struct Fixture {
    clients: Clients,
    addresses: Arc<Addresses>,
    completed: Receiver<(usize, Completion)>,
    origin_ns: u64,
    next: u64,
    runtime: Runtime,
}

fn options() -> TargetOptions {
    TargetOptions {
        threads: 2,
        independent: false,
        ..TargetOptions::default()
    }
}

impl Fixture {
    /// Clients of nodes that are found here, or nowhere.
    fn new(options: &TargetOptions, nodes: &[Option<SocketAddr>]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let addresses = Arc::new(Addresses::default());
        for (node, address) in nodes.iter().enumerate() {
            addresses.set(node as u32, *address);
        }
        addresses.set_present((0..nodes.len() as u32).collect());
        let (done, completed) = channel();
        let tell: Tell = Arc::new(move |happening| {
            if let Happening::Completed { thread, completion } = happening {
                let _ = done.send((thread, completion));
            }
        });
        let origin_ns = monotonic_ns();
        let (handle, table) = (runtime.handle(), addresses.clone());
        let http = http().unwrap();
        let clients = Clients::new(handle, options, "single", table, tell, origin_ns, &http);
        Self {
            clients: clients.unwrap(),
            addresses,
            completed,
            origin_ns,
            next: 0,
            runtime,
        }
    }

    fn now_ns(&self) -> u64 {
        monotonic_ns() - self.origin_ns
    }

    fn begin(&mut self, thread: usize, f: &str, value: &Value, for_ns: u64) -> Result<(), String> {
        self.next += 1;
        let invocation = Invocation {
            thread,
            request_id: self.next,
            node: 0,
            stays: false,
            f,
            value,
            extra: &[],
            deadline_ns: self.now_ns() + for_ns,
        };
        let begun = self.clients.begin(&invocation);
        begun.map_err(|error| error.to_string())
    }

    fn end(&self) -> Completion {
        let patience = Duration::from_secs(20);
        let (_, completion) = self.completed.recv_timeout(patience).expect("it completes");
        completion
    }

    /// Runs an operation to its end, which must not come later than its deadline.
    fn run(&mut self, f: &str, value: &Value, for_ms: u64) -> Completion {
        let begun_ns = self.now_ns();
        self.begin(0, f, value, for_ms * MS).expect("it is known");
        let completion = self.end();
        // Somebody else may have the processor for a while.
        assert!(self.now_ns() - begun_ns < (for_ms + 400) * MS);
        let again = self.completed.try_recv();
        assert!(again.is_err(), "it completes once");
        completion
    }

    fn write(&mut self, for_ms: u64) -> Completion {
        self.run("write", &Value::Int(3), for_ms)
    }

    fn read(&mut self, for_ms: u64) -> Completion {
        self.run("read", &Value::Nil, for_ms)
    }
}

/// A write and a read against one node, each ended as expected.
fn hold(fake: &Fake, write: (Kind, Option<ErrorCode>), read: (Kind, Option<ErrorCode>)) {
    let mut fixture = Fixture::new(&options(), &[Some(fake.address)]);
    let of = |it: Completion| (it.kind, it.error);
    let named =
        |(kind, code): (Kind, Option<ErrorCode>)| (kind, code.map(|it| Value::str(it.as_str())));
    assert_eq!(of(fixture.write(350)), named(write), "write");
    assert_eq!(of(fixture.read(350)), named(read), "read");
}

const TIMEOUT: Option<ErrorCode> = Some(ErrorCode::Timeout);

fn error(code: ErrorCode, leader: Option<u32>, maybe_executed: bool) -> Act {
    Act::Reply(Reply::Error {
        code,
        leader,
        maybe_executed,
    })
}

#[test]
fn who_is_answered_has_an_answer() {
    let fake = Fake::new(|_| Act::Reply(Reply::Ok(Response::Value(Datum::Int(5)))));
    hold(&fake, (Kind::Ok, None), (Kind::Ok, None));
    assert_eq!(fake.requests(), ["1:write", "2:read"]);
    assert_eq!(fake.connections(), 1, "it is used again");
}

#[test]
fn nobody_who_listens_has_executed_anything() {
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr();
    for address in [address.ok(), None] {
        let mut fixture = Fixture::new(&options(), &[address]);
        for completion in [fixture.write(400), fixture.read(400)] {
            assert_eq!(completion.kind, Kind::Fail);
            assert_eq!(completion.error, Some(Value::str("LEADER_NOT_FOUND")));
        }
    }
    let mut fixture = Fixture::new(&options(), &[]);
    assert!(fixture.begin(0, "read", &Value::Nil, MS).is_err());
}

#[test]
fn a_connection_that_dies_with_a_request_may_have_delivered_it() {
    for act in [Act::Reset, Act::Close, Act::CloseInTheBody] {
        let fake = Fake::new(move |_| act.clone());
        hold(&fake, (Kind::Info, TIMEOUT), (Kind::Fail, TIMEOUT));
    }
}

#[test]
fn what_is_no_reply_tells_nothing() {
    let bodies: [&[u8]; 5] = [b"", b"{}", b"\"Done\"", b"{\"Ok\":\"Done\"} {}", &[0xff; 9]];
    for body in bodies {
        let fake = Fake::new(move |_| Act::Body(200, body.to_vec()));
        hold(&fake, (Kind::Info, TIMEOUT), (Kind::Fail, TIMEOUT));
    }
    for (status, head) in [(302, "location: /v1/requests\r\n"), (503, ""), (404, "")] {
        let fake = Fake::new(move |_| {
            Act::Raw(format!(
                "HTTP/1.1 {status} Whatever\r\n{head}content-length: 2\r\n\r\n{{}}"
            ))
        });
        hold(&fake, (Kind::Info, TIMEOUT), (Kind::Fail, TIMEOUT));
    }
    let fake = Fake::new(|_| Act::Raw("SSH-2.0-OpenSSH\r\n".to_owned()));
    hold(&fake, (Kind::Info, TIMEOUT), (Kind::Fail, TIMEOUT));
}

#[test]
fn an_error_is_what_its_reply_says_whatever_the_status() {
    let never = Fake::new(|_| error(ErrorCode::PermanentFailure, None, false));
    let code = Some(ErrorCode::PermanentFailure);
    hold(&never, (Kind::Fail, code), (Kind::Fail, code));
    let maybe = Fake::new(|_| error(ErrorCode::PermanentFailure, None, true));
    hold(&maybe, (Kind::Info, code), (Kind::Fail, code));
    let reply = Reply::Error {
        code: ErrorCode::PermanentFailure,
        leader: None,
        maybe_executed: false,
    };
    let body = serde_json::to_vec(&reply).unwrap();
    let status = Fake::new(move |_| Act::Body(422, body.clone()));
    hold(&status, (Kind::Fail, code), (Kind::Fail, code));
}

#[test]
fn a_late_answer_to_an_attempt_that_was_left_alone_counts() {
    let fake = Fake::new(|number| match number {
        0 => Act::Late(Duration::from_millis(600), Reply::Ok(Response::Done)),
        _ => Act::Silence,
    });
    let mut fixture = Fixture::new(&options(), &[Some(fake.address)]);
    let completion = fixture.write(5_000);
    assert_eq!((completion.kind, completion.error), (Kind::Ok, None));
    assert!(fake.requests().len() >= 2, "it was tried again");
    assert!(fake.requests().iter().all(|key| key == "1:write"));
}

#[test]
fn silence_ends_at_the_deadline() {
    let fake = Fake::new(|_| Act::Silence);
    hold(&fake, (Kind::Info, TIMEOUT), (Kind::Fail, TIMEOUT));
    let mut fixture = Fixture::new(&options(), &[Some(fake.address)]);
    fixture
        .begin(0, "write", &Value::Int(1), 0)
        .expect("it is known");
    let completion = fixture.end();
    assert_eq!(
        completion.kind,
        Kind::Fail,
        "its deadline had passed before it was sent"
    );
}

#[test]
fn a_hint_is_followed_unless_each_thread_has_its_own_node() {
    let leader = Fake::new(|_| Act::Reply(Reply::Ok(Response::Done)));
    let follower = Fake::new(|_| error(ErrorCode::LeaderNotFound, Some(1), false));
    let nodes = [Some(follower.address), Some(leader.address)];
    assert_eq!(Fixture::new(&options(), &nodes).write(400).kind, Kind::Ok);
    assert_eq!(leader.requests(), ["1:write"]);
    let stays = TargetOptions {
        follow: false,
        ..options()
    };
    let completion = Fixture::new(&stays, &nodes).write(400);
    assert_eq!(completion.kind, Kind::Fail);
    assert_eq!(completion.error, Some(Value::str("LEADER_NOT_FOUND")));
    assert_eq!(leader.requests().len(), 1, "it was not asked again");
}

#[test]
fn a_node_that_moved_is_found_at_its_new_address() {
    let old = Fake::new(|_| Act::Reply(Reply::Ok(Response::Done)));
    let new = Fake::new(|_| Act::Reply(Reply::Ok(Response::Done)));
    let mut fixture = Fixture::new(&options(), &[Some(old.address)]);
    assert_eq!(fixture.write(400).kind, Kind::Ok);
    fixture.addresses.set(0, Some(new.address));
    assert_eq!(fixture.write(400).kind, Kind::Ok);
    assert_eq!((old.requests().len(), new.requests().len()), (1, 1));
}

/// Every attempt is delivered once: nothing below the client tries again on a connection that dies as it is used again.
#[test]
fn a_kept_connection_that_dies_never_delivers_an_attempt_twice() {
    // Every other request on a connection kills it.
    let fake = Fake::new(|number| match number % 2 {
        0 => error(ErrorCode::LeaderNotFound, None, false),
        _ => Act::Reset,
    });
    let mut fixture = Fixture::new(&options(), &[Some(fake.address)]);
    // Attempts come after 0, 50, 150, 350, 750 and 1550 ms, give or take a quarter.
    let completion = fixture.write(2_050);
    assert_eq!(completion.kind, Kind::Info);
    assert_eq!(fake.requests().len(), 6);
}

#[test]
fn a_connection_that_the_node_closes_between_requests_costs_no_operation() {
    let fake = Fake::new(|_| Act::ReplyAndClose(Reply::Ok(Response::Done)));
    let mut fixture = Fixture::new(&options(), &[Some(fake.address)]);
    for _ in 0..50 {
        assert_eq!(fixture.write(1_000).kind, Kind::Ok);
    }
    let mut requests = fake.requests();
    let all = requests.len();
    requests.dedup();
    assert_eq!(requests.len(), 50);
    assert!(all < 100, "{all} deliveries of 50 operations");
}

#[test]
fn a_thread_has_one_operation_open_and_stopping_ends_it() {
    let fake = Fake::new(|_| Act::Silence);
    let mut fixture = Fixture::new(&options(), &[Some(fake.address)]);
    let hour_ns = 3_600_000 * MS;
    fixture.begin(0, "write", &Value::Int(1), hour_ns).unwrap();
    fixture.begin(1, "read", &Value::Nil, hour_ns).unwrap();
    for (thread, f) in [(0, "write"), (2, "read"), (1, "burn")] {
        assert!(
            fixture.begin(thread, f, &Value::Nil, MS).is_err(),
            "{thread} {f}"
        );
    }
    while fake.requests().len() < 2 {
        std::thread::sleep(Duration::from_millis(1));
    }
    fixture.clients.stop();
    let mut ended: Vec<_> = fixture.completed.try_iter().collect();
    ended.sort_by_key(|(thread, _)| *thread);
    let kinds: Vec<_> = ended
        .iter()
        .map(|(thread, it)| (*thread, it.kind))
        .collect();
    assert_eq!(kinds, [(0, Kind::Info), (1, Kind::Fail)]);
    fixture.clients.stop();
    assert!(fixture.completed.try_recv().is_err());
    // Those that go away end what is open too.
    fixture.begin(0, "write", &Value::Int(1), hour_ns).unwrap();
    let Fixture {
        clients,
        completed,
        runtime,
        ..
    } = fixture;
    drop(clients);
    let ended = completed.recv_timeout(Duration::from_secs(5));
    assert!(ended.is_ok());
    drop(runtime);
}
