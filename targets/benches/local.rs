//! Five bundled Raft nodes beside five etcds: real processes, sockets and syncs, on one machine and one disk.
//!
//! `cargo bench -p rupture-targets --bench local [-- ROUNDS [SECONDS]]` starts the clusters side by side and loads one at
//! a time, in turns, so that whatever else the machine does hits all alike: puts, linearizable reads, and a mix of reads,
//! puts and compare-and-sets in equal parts, over 1,000 keys with values of 100 bytes, by 1, 20 and 100 clients, each with
//! one operation open. The same load generator speaks HTTP and JSON to the leader of each: `/v1/requests` of ours, the
//! gateway of etcd. Ours is told etcd's timing and how seldom etcd takes snapshots.
//!
//! `ours` has direct links between its nodes. `proxied` is the same cluster as [`rupture_targets::local`] starts it, every
//! link through a proxy in this process; it is not what is compared with etcd. Without an `etcd` in the path (Debian:
//! `apt-get install etcd-server`) only ours is measured, and that is said. `RUPTURE_BEFORE` names an older build of this
//! bench, whose nodes are measured as `before`: what a change of the runtime has brought. `RUPTURE_SET` sets numbers of
//! ours, such as `snapshot-threshold=100`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command as Program, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use rupture_protocols::store::{Command, Datum, Request};
use rupture_targets::local::LocalSetup;
use rupture_targets::node::NodeOptions;
use rupture_targets::node::clock::NodeClock;
use rupture_targets::{DiskFault, NodeName, Real, Settings, TargetOptions, local, serve};
use rustix::process::{Signal, set_parent_process_death_signal};
use serde_json::json;
use tokio::runtime::Runtime;

const NODES: u32 = 5;
const KEYS: u64 = 1_000;
const VALUES: u64 = 5;
const CLIENTS: [usize; 3] = [1, 20, 100];
const LOADS: [Load; 3] = [Load::Put, Load::Read, Load::Mix];
/// What is done before anything is counted.
const WARM: Duration = Duration::from_millis(500);
/// How long a cluster may take until it serves.
const SERVES_WITHIN: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Load {
    Put,
    Read,
    Mix,
}

impl Load {
    fn name(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Read => "linearizable read",
            Self::Mix => "mix",
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("node") {
        return node();
    }
    // Cargo adds flags of its own.
    let mut numbers = std::env::args().skip(1).filter_map(|it| it.parse().ok());
    let rounds: usize = numbers.next().unwrap_or(3);
    let seconds: u64 = numbers.next().unwrap_or(2) as u64;
    compare(rounds.max(1), Duration::from_secs(seconds.max(1)));
}

/// This process is a node, with the options in the first line of its input.
fn node() {
    set_parent_process_death_signal(Some(Signal::KILL)).expect("to end with whoever started us");
    let mut line = String::new();
    io::stdin().read_line(&mut line).expect("the options");
    let options: NodeOptions = serde_json::from_str(&line).expect("the options");
    if let Err(error) = serve(&options, &|| false) {
        panic!("{error}");
    }
}

fn compare(rounds: usize, time: Duration) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let program = std::env::current_exe().expect("this program");
    let mut systems = vec![
        System::ours("ours", &program, folder.path()),
        System::proxied(folder.path()),
    ];
    if let Some(older) = std::env::var_os("RUPTURE_BEFORE") {
        systems.push(System::ours("before", older.as_ref(), folder.path()));
    }
    match System::etcd(folder.path()) {
        Ok(etcd) => systems.insert(1, etcd),
        Err(error) => println!(
            "etcd cannot be started ({error}): only ours is measured. Debian: apt-get install etcd-server\n"
        ),
    }
    for system in &mut systems {
        runtime.block_on(system.prepare());
    }
    println!(
        "medians of {rounds} rounds of {} s; in brackets the least and the most; load of the machine {}\n",
        time.as_secs(),
        fs::read_to_string("/proc/loadavg")
            .unwrap_or_default()
            .trim()
    );
    println!(
        "| operation | clients | system | operations a second | p50 ms | p99 ms | processor µs of its nodes an operation | failed |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut ratios = Vec::new();
    for load in LOADS {
        for clients in CLIENTS {
            let mut seen: Vec<Vec<Seen>> = systems.iter().map(|_| Vec::new()).collect();
            for _ in 0..rounds {
                for (system, seen) in systems.iter().zip(&mut seen) {
                    seen.push(measure(&runtime, system, load, clients, time));
                }
            }
            for (system, seen) in systems.iter().zip(&seen) {
                let of = |what: fn(&Seen) -> f64| median(seen.iter().map(what));
                let (least, rate, most) = of(|it| it.rate);
                println!(
                    "| {} | {clients} | {} | {rate:.0} ({least:.0} to {most:.0}) | {:.2} | {:.2} | {:.0} | {} |",
                    load.name(),
                    system.name,
                    of(|it| it.p50_ms).1,
                    of(|it| it.p99_ms).1,
                    of(|it| it.processor_us).1,
                    seen.iter().map(|it| it.failed).sum::<u64>(),
                );
            }
            if systems[1].name == "etcd" {
                let ratio = |what: fn(&Seen) -> f64| {
                    let each = seen[0].iter().zip(&seen[1]);
                    median(each.map(|(ours, etcd)| what(ours) / what(etcd)))
                };
                ratios.push((
                    load,
                    clients,
                    ratio(|it| it.rate),
                    ratio(|it| it.p50_ms),
                    ratio(|it| it.p99_ms),
                ));
            }
        }
    }
    if !ratios.is_empty() {
        println!(
            "\nours over etcd, round by round; above 1 is faster for operations, slower for times\n"
        );
        println!("| operation | clients | operations a second | p50 | p99 |");
        println!("|---|---|---|---|---|");
    }
    for (load, clients, rate, p50, p99) in ratios {
        let cell = |(least, middle, most): (f64, f64, f64)| {
            format!("{middle:.2} ({least:.2} to {most:.2})")
        };
        println!(
            "| {} | {clients} | {} | {} | {} |",
            load.name(),
            cell(rate),
            cell(p50),
            cell(p99)
        );
    }
    for system in &mut systems {
        system.end();
    }
}

/// The least, the median and the most.
fn median(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    (
        values[0],
        values[values.len() / 2],
        values[values.len() - 1],
    )
}

/// What one round saw.
struct Seen {
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
    processor_us: f64,
    failed: u64,
}

/// Loads one system for a while.
fn measure(runtime: &Runtime, system: &System, load: Load, clients: usize, time: Duration) -> Seen {
    let http = http();
    let begin = Instant::now() + WARM;
    let end = begin + time;
    let tasks: Vec<_> = (0..clients)
        .map(|_| {
            let (http, url, speaks) = (http.clone(), system.urls.clone(), system.speaks);
            runtime.spawn(async move {
                let (mut times, mut failed) = (Vec::new(), 0);
                while Instant::now() < end {
                    let sent = Instant::now();
                    let (path, body) = speaks.operation(load);
                    let done = send(&http, &url[path], body).await;
                    let now = Instant::now();
                    if sent >= begin && now <= end {
                        if done {
                            times.push((now - sent).as_micros() as u32);
                        } else {
                            failed += 1;
                        }
                    }
                }
                (times, failed)
            })
        })
        .collect();
    runtime.block_on(async { tokio::time::sleep(WARM).await });
    let before = system.processor();
    runtime.block_on(async { tokio::time::sleep(time).await });
    let processor = system.processor().saturating_sub(before);
    let (mut times, mut failed) = (Vec::new(), 0);
    for task in tasks {
        let (more, wrong) = runtime.block_on(task).expect("a client");
        times.extend(more);
        failed += wrong;
    }
    times.sort_unstable();
    let at = |share: f64| {
        let last = times.len().saturating_sub(1);
        let time = times.get((last as f64 * share) as usize);
        time.map_or(f64::NAN, |us| f64::from(*us) / 1e3)
    };
    Seen {
        rate: times.len() as f64 / time.as_secs_f64(),
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        processor_us: processor.as_secs_f64() * 1e6 / times.len().max(1) as f64,
        failed,
    }
}

fn http() -> Client {
    let builder = Client::builder().no_proxy().pool_max_idle_per_host(256);
    builder
        .timeout(Duration::from_secs(10))
        .build()
        .expect("a client")
}

/// Whether it was done.
async fn send(http: &Client, url: &str, body: String) -> bool {
    let call = http.post(url).header(CONTENT_TYPE, "application/json");
    let Ok(answer) = call.body(body).send().await else {
        return false;
    };
    answer.status().is_success() & answer.bytes().await.is_ok()
}

/// What a system understands.
#[derive(Clone, Copy)]
enum Speaks {
    Ours,
    Etcd,
}

impl Speaks {
    const ETCD_PATHS: [&str; 3] = ["/v3/kv/put", "/v3/kv/range", "/v3/kv/txn"];

    fn paths(self) -> &'static [&'static str] {
        match self {
            Self::Ours => &["/v1/requests"],
            Self::Etcd => &Self::ETCD_PATHS,
        }
    }

    /// The next operation: the position of its path, and its body.
    fn operation(self, load: Load) -> (usize, String) {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // Spread over the keys without a pattern; the same for everybody.
        let random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let (key, new) = (random % KEYS, random / KEYS % VALUES);
        let old = random / KEYS / VALUES % VALUES;
        let kind = match load {
            Load::Put => 0,
            Load::Read => 1,
            Load::Mix => number % 3,
        };
        match kind {
            0 => self.put(key, new, number),
            1 => self.read(key, number),
            _ => self.cas(key, old, new, number),
        }
    }

    fn put(self, key: u64, value: u64, number: u64) -> (usize, String) {
        match self {
            Self::Ours => request(
                Command::Write(text(key_of(key)), text(value_of(value))),
                number,
            ),
            Self::Etcd => {
                let body =
                    json!({ "key": base64(&key_of(key)), "value": base64(&value_of(value)) });
                (0, body.to_string())
            }
        }
    }

    fn read(self, key: u64, number: u64) -> (usize, String) {
        match self {
            Self::Ours => request(Command::Read(text(key_of(key))), number),
            Self::Etcd => (1, json!({ "key": base64(&key_of(key)) }).to_string()),
        }
    }

    fn cas(self, key: u64, old: u64, new: u64, number: u64) -> (usize, String) {
        match self {
            Self::Ours => {
                let (key, old, new) = (text(key_of(key)), text(value_of(old)), text(value_of(new)));
                request(Command::Cas { key, old, new }, number)
            }
            Self::Etcd => {
                let (key, old, new) = (
                    base64(&key_of(key)),
                    base64(&value_of(old)),
                    base64(&value_of(new)),
                );
                let holds =
                    json!({ "key": key, "target": "VALUE", "result": "EQUAL", "value": old });
                let put = json!({ "requestPut": { "key": key, "value": new } });
                (
                    2,
                    json!({ "compare": [holds], "success": [put] }).to_string(),
                )
            }
        }
    }
}

fn request(command: Command, number: u64) -> (usize, String) {
    let idempotency_key = format!("{number}:{}", command.operation_type());
    let request = Request {
        idempotency_key,
        command,
    };
    (0, serde_json::to_string(&request).expect("a request"))
}

fn text(text: String) -> Datum {
    Datum::Text(text)
}

fn key_of(key: u64) -> String {
    format!("key-{key:04}")
}

fn value_of(value: u64) -> String {
    format!("{value:0100}")
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in text.as_bytes().chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let is_there = digit <= three.len();
            let value = DIGITS[(bits >> (18 - 6 * digit) & 63) as usize];
            out.push(if is_there { char::from(value) } else { '=' });
        }
    }
    out
}

/// A cluster that runs.
struct System {
    name: &'static str,
    speaks: Speaks,
    /// Where clients find the nodes.
    addresses: Vec<SocketAddr>,
    /// What is asked of the leader, once it is known.
    urls: Arc<Vec<String>>,
    children: Vec<Child>,
    real: Option<Box<dyn Real>>,
    pids: Vec<u32>,
}

impl System {
    /// Ours, with direct links.
    fn ours(name: &'static str, program: &Path, folder: &Path) -> Self {
        let (clients, peers) = (free(NODES), free(NODES));
        let numbered: BTreeMap<u32, SocketAddr> = (0..).zip(peers.iter().copied()).collect();
        let mut children = Vec::new();
        for id in 0..NODES {
            let options = NodeOptions {
                name: "raft".to_owned(),
                target: TargetOptions {
                    seed: u64::from(id),
                    ..options()
                },
                id,
                listen: clients[id as usize],
                listen_peers: peers[id as usize],
                peers: numbered
                    .clone()
                    .into_iter()
                    .filter(|(peer, _)| *peer != id)
                    .collect(),
                data: folder.join(name).join(NodeName::numbered(id).as_str()),
                token: "bench".to_owned(),
                clock: NodeClock::honest(),
                disk: DiskFault::default(),
                controller: None,
            };
            let mut child = Program::new(program)
                .arg("node")
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .expect("a node");
            let mut input = child.stdin.take().expect("its input");
            serde_json::to_writer(&mut input, &options).expect("options");
            io::Write::write_all(&mut input, b"\n").expect("options");
            children.push(child);
        }
        Self::of(name, Speaks::Ours, clients, children)
    }

    /// Ours, as a controller starts it.
    fn proxied(folder: &Path) -> Self {
        let base_port = (20_000..30_000).step_by(50).find(|base| {
            let ports = *base..*base + 2 * NODES as u16;
            ports
                .clone()
                .all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
        });
        let base_port = base_port.expect("ports that are free");
        let setup = LocalSetup {
            program: std::env::current_exe().expect("this program"),
            folder: folder.join("proxied"),
            undo: folder.join("undo.jsonl"),
            base_port: Some(base_port),
        };
        let real = local("raft", &options(), &setup, Arc::new(drop)).expect("a cluster");
        let address = |node| SocketAddr::from((Ipv4Addr::LOCALHOST, base_port + 2 * node as u16));
        let addresses = (0..NODES).map(address).collect();
        let mut system = Self::of("proxied", Speaks::Ours, addresses, Vec::new());
        system.real = Some(real);
        system
    }

    /// Five etcds.
    fn etcd(folder: &Path) -> io::Result<Self> {
        let (clients, peers) = (free(NODES), free(NODES));
        let url = |address: &SocketAddr| format!("http://{address}");
        let all: Vec<String> = (0..)
            .zip(&peers)
            .map(|(id, peer)| format!("n{id}={}", url(peer)))
            .collect();
        let mut children = Vec::new();
        for id in 0..NODES as usize {
            let child = Program::new("etcd")
                .args(["--name", &format!("n{id}")])
                .arg("--data-dir")
                .arg(folder.join("etcd").join(format!("n{id}")))
                .args(["--listen-client-urls", &url(&clients[id])])
                .args(["--advertise-client-urls", &url(&clients[id])])
                .args(["--listen-peer-urls", &url(&peers[id])])
                .args(["--initial-advertise-peer-urls", &url(&peers[id])])
                .args(["--initial-cluster", &all.join(",")])
                .args(["--logger", "zap", "--log-level", "error"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?;
            children.push(child);
        }
        Ok(Self::of("etcd", Speaks::Etcd, clients, children))
    }

    fn of(
        name: &'static str,
        speaks: Speaks,
        addresses: Vec<SocketAddr>,
        children: Vec<Child>,
    ) -> Self {
        let pids = children.iter().map(Child::id).collect();
        Self {
            name,
            speaks,
            addresses,
            urls: Arc::default(),
            children,
            real: None,
            pids,
        }
    }

    /// Waits until it serves, finds its leader, and writes every key.
    async fn prepare(&mut self) {
        let http = http();
        let until = Instant::now() + SERVES_WITHIN;
        while self.urls.is_empty() {
            assert!(Instant::now() < until, "{} does not serve", self.name);
            tokio::time::sleep(Duration::from_millis(100)).await;
            for address in &self.addresses {
                if self.leads(&http, *address).await {
                    let paths = self.speaks.paths().iter();
                    self.urls = Arc::new(
                        paths
                            .map(|path| format!("http://{address}{path}"))
                            .collect(),
                    );
                    break;
                }
            }
        }
        if self.real.is_some() {
            self.pids = children_of_this("node").collect();
            self.pids
                .retain(|pid| self.children.iter().all(|it| it.id() != *pid));
        }
        for key in 0..KEYS {
            let (path, body) = self.speaks.put(key, 0, u64::MAX - key);
            assert!(
                send(&http, &self.urls[path], body).await,
                "{} refuses a put",
                self.name
            );
        }
    }

    /// Whether this node leads.
    async fn leads(&self, http: &Client, address: SocketAddr) -> bool {
        match self.speaks {
            // Another one points to its leader.
            Speaks::Ours => {
                let (_, body) = self.speaks.read(0, u64::MAX);
                send(http, &format!("http://{address}/v1/requests"), body).await
            }
            Speaks::Etcd => {
                let url = format!("http://{address}/v3/maintenance/status");
                let status = async {
                    let answer = http.post(url).body("{}").send().await?;
                    answer.json::<serde_json::Value>().await
                };
                let status = status.await.unwrap_or_default();
                status["leader"].is_string() && status["leader"] == status["header"]["member_id"]
            }
        }
    }

    /// The processor time of its nodes so far.
    fn processor(&self) -> Duration {
        let of = |pid: &u32| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let fields = stat
                .rsplit(')')
                .next()
                .unwrap_or_default()
                .split_whitespace();
            // User and system time, in hundredths of a second.
            fields
                .skip(11)
                .take(2)
                .filter_map(|it| it.parse::<u64>().ok())
                .sum::<u64>()
        };
        Duration::from_millis(self.pids.iter().map(of).sum::<u64>() * 10)
    }

    fn end(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Some(mut real) = self.real.take() {
            let left = real.end();
            assert!(left.is_empty(), "{left:?}");
        }
    }
}

impl Drop for System {
    fn drop(&mut self) {
        self.end();
    }
}

/// The processes that this one has started with this first argument.
fn children_of_this(argument: &str) -> impl Iterator<Item = u32> {
    let me = std::process::id().to_string();
    let processes = fs::read_dir("/proc").expect("processes").flatten();
    let pids = processes.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(move |pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat
            .rsplit(')')
            .next()
            .and_then(|it| it.split_whitespace().nth(1));
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let first = line.split(|byte| *byte == 0).nth(1);
        parent == Some(&me) && first == Some(argument.as_bytes())
    })
}

/// As etcd is told by default: heartbeats, elections, and how seldom it takes snapshots.
fn options() -> TargetOptions {
    let settings = [
        ("heartbeat-ms", 100),
        ("election-timeout-min-ms", 1_000),
        ("election-timeout-max-ms", 2_000),
        ("snapshot-threshold", 100_000),
        ("snapshot-trailing", 5_000),
    ];
    let mut settings: Settings = settings
        .map(|(name, value)| (name.to_owned(), value))
        .into();
    let others = std::env::var("RUPTURE_SET").unwrap_or_default();
    settings.extend(others.split_whitespace().map(|it| {
        let (name, value) = it.split_once('=').expect("NAME=NUMBER");
        (name.to_owned(), value.parse().expect("NAME=NUMBER"))
    }));
    TargetOptions {
        nodes: NODES,
        independent: false,
        settings,
        ..TargetOptions::default()
    }
}

/// Addresses that nobody uses now.
fn free(count: u32) -> Vec<SocketAddr> {
    let listeners: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port"))
        .collect();
    listeners
        .iter()
        .map(|it| it.local_addr().expect("a port"))
        .collect()
}
