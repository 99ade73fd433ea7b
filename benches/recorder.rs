//! How fast a run is recorded: a target that answers at once, driven by the driver of real time, while the history goes to
//! disk as JSONL and as EDN.
//!
//! `cargo bench --bench recorder [-- OPERATIONS]` prints, for answers that come from the driver's own thread and for such
//! that come from another, operations a second from the first invocation until all is in the files, the same where no
//! files are written, and the peak of memory of the whole process an operation.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rupture::drive::real::{Driver, Ears, Limits};
use rupture::invariants::InvariantWatcher;
use rupture::journal::Journal;
use rupture::record::{Folder, Nowhere, Sink};
use rupture::schedule::{Parts, Schedule};
use rupture_nemesis as nemesis;
use rupture_targets::random::stream;
use rupture_targets::{
    Cluster, Completion, Happening, Invocation, NodeName, OperationError, Real, RecoveryClaim, Tell,
};
use rupture_workloads::checkers::history::{Kind, Value};
use rupture_workloads::generator::GeneratorExt;
use rupture_workloads::{Workload, WorkloadOptions, workload};

#[path = "../tests/drivers/node.rs"]
mod node;
use node::Node;

const NODES: u32 = 5;
const THREADS: usize = 20;
const OPERATIONS: u64 = 1_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, name, elsewhere, keeps, operations] = &arguments[..]
        && first == "one"
    {
        let operations = operations.parse().expect("a number of operations");
        return one(name, elsewhere == "true", keeps == "true", operations);
    }
    // Cargo adds flags of its own.
    let operations = arguments.iter().find_map(|it| it.parse::<u64>().ok());
    let operations = operations.unwrap_or(OPERATIONS);
    println!("{operations} operations of {THREADS} clients, each answered at once\n");
    println!(
        "| workload | answers come from | history goes to | operations a second | processor µs an operation | memory an operation |"
    );
    println!("|---|---|---|---|---|---|");
    for name in ["register", "list-append"] {
        for elsewhere in [false, true] {
            for keeps in [false, true] {
                // In a process of its own, so that none has the memory of another.
                let done = Command::new(std::env::current_exe().expect("this program"))
                    .args(["one", name, &elsewhere.to_string(), &keeps.to_string()])
                    .arg(operations.to_string())
                    .status();
                assert!(done.expect("this program").success());
            }
        }
    }
}

/// Measures one run.
fn one(name: &str, elsewhere: bool, keeps: bool, operations: u64) {
    let results = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let mut folder = Folder::create(results.path(), "recorder", "now").expect("a folder");
    let begun = Usage::now();
    let (ops, history) = if keeps {
        run(name, operations, elsewhere, &mut folder)
    } else {
        run(name, operations, elsewhere, &mut Nowhere)
    };
    folder.close().expect("a history that is whole");
    let now = Usage::now();
    let per_second = ops as f64 / (now.at - begun.at).as_secs_f64();
    let processor = now.processor.saturating_sub(begun.processor);
    let processor = processor.as_secs_f64() * 1e6 / ops as f64;
    let from = if elsewhere {
        "another thread"
    } else {
        "the driver's thread"
    };
    let to = if keeps { "memory and disk" } else { "memory" };
    let bytes = peak() / ops;
    println!("| {name} | {from} | {to} | {per_second:.0} | {processor:.2} | {bytes} B |");
    if keeps {
        complete(folder.root(), history.len());
    }
}

/// Time and processor time so far.
struct Usage {
    at: Instant,
    processor: Duration,
}

impl Usage {
    fn now() -> Self {
        let ticks = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields = ticks.rsplit(')').next().unwrap_or_default();
        // User and system time, in hundredths of a second.
        let fields = fields.split_whitespace().skip(11).take(2);
        let hundredths: u64 = fields.filter_map(|it| it.parse::<u64>().ok()).sum();
        Self {
            at: Instant::now(),
            processor: Duration::from_millis(hundredths * 10),
        }
    }
}

/// The most that this process has held in memory so far, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}

/// Every event is in both files.
fn complete(root: &Path, events: usize) {
    for file in ["history.jsonl", "history.edn"] {
        let bytes = fs::read(root.join(file)).expect("a history");
        let lines = bytes.split(|byte| *byte == b'\n').count() - 1;
        assert_eq!(lines, events, "{file} is not whole");
    }
}

/// Runs so many operations. Gives how many completed, and the history.
fn run(
    name: &str,
    operations: u64,
    elsewhere: bool,
    sink: &mut dyn Sink,
) -> (u64, rupture_workloads::checkers::history::History) {
    let options = WorkloadOptions {
        threads: THREADS,
        ..WorkloadOptions::default()
    };
    let Workload { generator, .. } = workload(name, &options).expect("a workload");
    let names: Vec<NodeName> = (0..NODES).map(NodeName::numbered).collect();
    let mut journal = Journal::open(sink, &names).expect("files");
    let ears = Ears::new();
    let mut target = Instantly::new(ears.tell(), elsewhere);
    let hour = Duration::from_secs(3600);
    let driver = Driver {
        target: &mut target,
        schedule: Schedule::new(Parts {
            main: generator.limit(operations).boxed(),
            last: None,
            probes: None,
            nemesis: nemesis::Schedule::new(&nemesis::Plan::default(), NODES as usize),
            threads: THREADS,
            nodes: NODES as usize,
            op_timeout_ns: 1_000_000_000,
            clients_random: stream(1, "clients"),
            faults_random: stream(1, "nemesis schedule"),
        }),
        journal: &mut journal,
        watcher: &mut InvariantWatcher::default(),
        random: stream(1, "nemesis targets"),
        ears,
        limits: Limits {
            main: hour,
            healing: hour,
            recovering: hour,
            last: hour,
        },
    };
    let outcome = driver.run(&|| false).expect("a run");
    assert_eq!(outcome.stuck, None);
    let (history, counts) = journal.finish();
    assert_eq!(counts.ok, operations);
    (counts.total(), history)
}

/// A target that answers every operation with its own value, at once.
struct Instantly {
    origin: Instant,
    tell: Tell,
    /// The clients, where they have a thread of their own.
    clients: Option<Clients>,
}

/// Where a thread of clients is told what to answer, and that thread.
type Clients = (Sender<(usize, Value)>, JoinHandle<()>);

impl Instantly {
    fn new(tell: Tell, elsewhere: bool) -> Self {
        let clients = elsewhere.then(|| {
            let (sender, receiver) = channel();
            let tell = tell.clone();
            let answer = move || {
                for (thread, value) in receiver {
                    tell(completed(thread, value));
                }
            };
            (sender, thread::spawn(answer))
        });
        Self {
            origin: Instant::now(),
            tell,
            clients,
        }
    }
}

fn completed(thread: usize, value: Value) -> Happening {
    Happening::Completed {
        thread,
        completion: Completion {
            kind: Kind::Ok,
            value,
            error: None,
        },
    }
}

impl Real for Instantly {
    fn now_ns(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), OperationError> {
        let value = invocation.value.clone();
        match &self.clients {
            Some((clients, _)) => clients.send((invocation.thread, value)).expect("clients"),
            None => (self.tell)(completed(invocation.thread, value)),
        }
        Ok(())
    }

    fn cluster(&mut self) -> Option<Box<dyn Cluster + Send>> {
        Some(Box::new(Node::default()))
    }

    fn recovery(&self) -> Option<RecoveryClaim> {
        None
    }

    fn present(&self) -> Vec<NodeName> {
        Vec::new()
    }

    fn serving(&self, _f: &str, _value: &Value) -> Vec<NodeName> {
        Vec::new()
    }

    fn metrics(&self, _node: &NodeName) -> String {
        String::new()
    }

    fn end(&mut self) -> Vec<String> {
        if let Some((clients, thread)) = self.clients.take() {
            drop(clients);
            thread.join().expect("clients that ended well");
        }
        Vec::new()
    }
}
