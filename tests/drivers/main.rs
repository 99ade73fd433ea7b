//! One body for both drivers: the same schedule over the same scripted target must give the same events in the same order,
//! whether time is virtual or real.

mod node;

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use rupture::drive::{self, Watcher};
use rupture::journal::Journal;
use rupture::record::Memory;
use rupture::schedule::{Parts, Schedule};
use rupture_nemesis as nemesis;
use rupture_targets::random::stream;
use rupture_targets::{
    Capabilities, Cluster, ClusterError, Completion, Happening, Invocation, Keep, Link, LinkShape,
    Loss, NodeEvent, NodeName, OperationError, Real, RecoveryClaim, Simulated, Status, Tell,
    Traffic,
};
use rupture_workloads::checkers::history::observation::Observation;
use rupture_workloads::checkers::history::{Kind, Value};
use rupture_workloads::generator::{GeneratorExt, Op, once, sequence};

use node::Node;

/// How long every operation takes. What must come one after the other lies half of that apart, so that a machine that is
/// busy keeps the order.
const STEP_NS: u64 = 300_000_000;

/// What the target answers: a value that says how.
fn answer(f: &str, value: &Value) -> Completion {
    let kind = match f {
        "refuse" => Kind::Fail,
        "lose" => Kind::Info,
        _ => Kind::Ok,
    };
    Completion {
        kind,
        value: value.clone(),
        error: (kind != Kind::Ok).then(|| Value::keyword("scripted")),
    }
}

/// The target in virtual time.
#[derive(Default)]
struct Virtual {
    now_ns: u64,
    due: BTreeMap<(u64, usize), Happening>,
    node: Node,
    count: usize,
}

/// The one node does what it can.
macro_rules! by_the_node {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        impl Cluster for Virtual {
            fn capabilities(&self) -> Capabilities {
                self.node.capabilities()
            }
            $(fn $name(&mut self, $($argument: $type),*) -> Result<$result, ClusterError> {
                self.node.$name($($argument),*)
            })*
        }
    };
}

by_the_node! {
    nodes() -> Vec<NodeName>;
    members() -> Vec<NodeName>;
    primaries() -> Vec<NodeName>;
    status(node: &NodeName) -> Status;
    kill(node: &NodeName, keep: Keep) -> Loss;
    kill_amid(node: &NodeName, keep: Keep, within_ns: u64) -> ();
    call_off(node: &NodeName) -> ();
    last_loss(node: &NodeName) -> Option<Loss>;
    start(node: &NodeName) -> ();
    pause(node: &NodeName) -> ();
    resume(node: &NodeName) -> ();
    cut(links: &[Link]) -> ();
    mend(links: &[Link]) -> ();
    reach(link: &Link) -> bool;
    shape_link(link: &Link, shape: LinkShape) -> ();
    link_shape(link: &Link) -> LinkShape;
    traffic() -> Traffic;
    clock_offset(node: &NodeName) -> i64;
    bump_clock(node: &NodeName, by_ns: i64) -> ();
    drift_clock(node: &NodeName, ppm: i64) -> ();
    reset_clock(node: &NodeName) -> ();
    grow() -> NodeName;
    shrink(node: &NodeName) -> ();
    hand_over(node: &NodeName) -> ();
    run(node: &NodeName, command: &str) -> String;
}

impl Simulated for Virtual {
    fn now_ns(&self) -> u64 {
        self.now_ns
    }

    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), OperationError> {
        let completed = Happening::Completed {
            thread: invocation.thread,
            completion: answer(invocation.f, invocation.value),
        };
        self.count += 1;
        self.due
            .insert((self.now_ns + STEP_NS, self.count), completed);
        Ok(())
    }

    fn alarm(&mut self, token: u64, at_ns: u64) {
        self.count += 1;
        self.due
            .insert((at_ns, self.count), Happening::Alarm { token });
    }

    fn advance(&mut self, limit_ns: u64) -> Option<Happening> {
        match self.due.pop_first() {
            Some(((at_ns, _), happening)) if at_ns <= limit_ns => {
                self.now_ns = at_ns;
                Some(happening)
            }
            later => {
                self.due.extend(later);
                self.now_ns = limit_ns;
                None
            }
        }
    }

    fn recovery(&self) -> Option<RecoveryClaim> {
        None
    }

    fn serving(&mut self, _: &str, _: &Value) -> Vec<NodeName> {
        Vec::new()
    }

    fn metrics(&self, _: usize) -> String {
        String::new()
    }

    fn as_cluster(&mut self) -> &mut dyn Cluster {
        self
    }
}

/// The target in real time.
struct InEarnest {
    began: Instant,
    tell: Tell,
    node: Option<Node>,
}

impl Real for InEarnest {
    fn now_ns(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), OperationError> {
        let (tell, thread) = (self.tell.clone(), invocation.thread);
        let completion = answer(invocation.f, invocation.value);
        thread::spawn(move || {
            thread::sleep(Duration::from_nanos(STEP_NS));
            tell(Happening::Completed { thread, completion });
        });
        Ok(())
    }

    fn cluster(&mut self) -> Option<Box<dyn Cluster + Send>> {
        Some(Box::new(self.node.take()?))
    }

    fn recovery(&self) -> Option<RecoveryClaim> {
        None
    }

    fn present(&self) -> Vec<NodeName> {
        vec![NodeName::numbered(0)]
    }

    fn serving(&self, _: &str, _: &Value) -> Vec<NodeName> {
        Vec::new()
    }

    fn metrics(&self, _: &NodeName) -> String {
        String::new()
    }

    fn end(&mut self) -> Vec<String> {
        Vec::new()
    }
}

struct Nobody;

impl Watcher for Nobody {
    fn told(&mut self, _: &NodeEvent) {}

    fn observed(&mut self, _: &Observation) {}
}

/// Four operations, one of which nobody knows the end of; a fault from the middle of the second into the fourth; and a
/// final operation.
fn schedule() -> Schedule {
    let op = |f: &str, value| once(Op::new(f, Value::Int(value))).boxed();
    let script = nemesis::Script::parse("at 450ms kill one for 600ms").unwrap();
    let faults = nemesis::Plan {
        recovery_ns: STEP_NS,
        ..nemesis::Plan::script(script, 20 * STEP_NS)
    };
    Schedule::new(Parts {
        main: sequence(vec![
            op("add", 1),
            op("refuse", 2),
            op("lose", 3),
            op("add", 4),
        ])
        .boxed(),
        last: Some(op("read", 5)),
        probes: None,
        nemesis: nemesis::Schedule::new(&faults, 1),
        threads: 1,
        nodes: 1,
        op_timeout_ns: 10 * STEP_NS,
        clients_random: stream(1, "clients"),
        faults_random: stream(1, "faults"),
    })
}

/// The events without their times, and the faults that took hold.
fn told(drive: impl FnOnce(Schedule, &mut Journal<'_>) -> drive::Outcome) -> (Vec<String>, usize) {
    let mut memory = Memory::default();
    let mut journal = Journal::open(&mut memory, &[NodeName::numbered(0)]).unwrap();
    let outcome = drive(schedule(), &mut journal);
    assert_eq!(outcome.stuck, None);
    let took_hold = |it: &&nemesis::Receipt| it.state == nemesis::State::Injected;
    let injected = outcome.receipts.iter().filter(took_hold).count();
    let (history, _) = journal.finish();
    let mut times = Vec::new();
    let events = (0..history.len()).map(|row| {
        let event = history.get(row).to_event();
        times.push(event.time);
        format!(
            "{} {} {} {}",
            event.process,
            event.kind.name(),
            event.f,
            event.value
        )
    });
    let events = events.collect();
    assert!(times.is_sorted(), "{times:?}");
    (events, injected)
}

#[test]
fn both_drivers_give_the_same_events_in_the_same_order() {
    let virtual_time = told(|schedule, journal| {
        let driver = drive::simulated::Driver {
            target: &mut Virtual::default(),
            schedule,
            injector: nemesis::Injector::new(),
            journal,
            watcher: &mut Nobody,
            random: stream(1, "targets"),
            looks: false,
            storm: None,
        };
        driver.run(&|| false).unwrap()
    });
    let real_time = told(|schedule, journal| {
        let ears = drive::real::Ears::new();
        let limit = Duration::from_secs(60);
        let mut target = InEarnest {
            began: Instant::now(),
            tell: ears.tell(),
            node: Some(Node::default()),
        };
        let driver = drive::real::Driver {
            target: &mut target,
            schedule,
            journal,
            watcher: &mut Nobody,
            random: stream(1, "targets"),
            ears,
            limits: drive::real::Limits {
                main: limit,
                healing: limit,
                recovering: limit,
                last: limit,
            },
        };
        driver.run(&|| false).unwrap()
    });
    assert_eq!(virtual_time, real_time);
    // Four operations and a final one, each with its end, and a fault with its asked and done, twice.
    assert_eq!(virtual_time.0.len(), 14, "{:#?}", virtual_time.0);
    assert_eq!(virtual_time.1, 1);
}
