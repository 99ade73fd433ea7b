//! The driver of real time: it hands operations to clients that run side by side, has faults made on a thread of their
//! own, one after another, so that a slow one delays no client, and writes down what happens as it is told of it. All
//! decisions are the schedule's, as in the simulator.
//!
//! Times in the history are those at which this driver sends and hears: an operation never looks shorter than it was.
//! Nothing waits without a limit: a phase that does not end in time ends the run, with what is known until then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rupture_nemesis::{self as nemesis, Fault, Injector, Receipt, asked_to_begin, asked_to_end};
use rupture_targets::random::Stream;
use rupture_targets::{Cluster, Happening, NodeName, Real, Tell};
use rupture_workloads::checkers::history::observation::Observation;
use rupture_workloads::checkers::history::{Event, Kind, Process, Value};
use rupture_workloads::generator::Op;

use super::{Outcome, Watcher, invocation, not_running};
use crate::journal::Journal;
use crate::schedule::{Phase, Schedule, Step, Task};

/// How often is looked whether an end was asked for, and what was written goes to the files.
const LOOK: Duration = Duration::from_millis(40);
/// What is told at once is taken in together, up to so much.
const TOGETHER: usize = 1_024;
/// What a node tells is heard within this time, unless its process stands still for longer.
const OVERTAKEN_NS: u64 = 30_000_000_000;
/// A machine that is busier than this may be too slow for any store.
const MOST_BUSY: f64 = 0.95;
/// How long the last undoing may take.
const HEALS_WITHIN: Duration = Duration::from_secs(60);

/// Something that this driver is told.
enum Told {
    World(Happening),
    Fault(Box<Done>),
}

/// What came of a step of the nemesis.
enum Done {
    Began(Receipt),
    Looked(Option<Receipt>),
    Ended(Vec<Receipt>),
    Verified(Vec<Receipt>),
    NotRunning(Vec<NodeName>),
    Closed(Vec<Receipt>),
}

/// What the thread of faults is to do.
enum Order {
    Step(nemesis::Step),
    WhoDoesNotRun,
    Close,
}

/// Where a world tells what happens, and where the driver hears it.
pub struct Ears {
    sender: Sender<Told>,
    receiver: Receiver<Told>,
}

impl Ears {
    /// Both ends.
    #[expect(clippy::new_without_default, reason = "ears are made for one run")]
    pub fn new() -> Self {
        let (sender, receiver) = channel();
        Self { sender, receiver }
    }

    /// What a world is started with.
    pub fn tell(&self) -> Tell {
        let sender = self.sender.clone();
        Arc::new(move |happening| {
            // After the end of a run nobody listens.
            let _ = sender.send(Told::World(happening));
        })
    }
}

/// How long the phases of a run may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The main phase.
    pub main: Duration,
    /// From its end until everything is healed.
    pub healing: Duration,
    /// Until the cluster serves again, or has shown that it does not.
    pub recovering: Duration,
    /// The final operations.
    pub last: Duration,
}

/// What a driver drives.
pub struct Driver<'a, 'j> {
    /// The system under test.
    pub target: &'a mut dyn Real,
    /// What happens when.
    pub schedule: Schedule,
    /// Where it is written down.
    pub journal: &'a mut Journal<'j>,
    /// Who hears the nodes.
    pub watcher: &'a mut dyn Watcher,
    /// Whom a fault hits.
    pub random: Stream,
    /// What the world tells.
    pub ears: Ears,
    /// How long each phase may take.
    pub limits: Limits,
}

impl Driver<'_, '_> {
    /// Runs to the end.
    ///
    /// # Errors
    /// A workload and a target that do not fit each other, and a thread that cannot be started.
    pub fn run(self, stop: &(dyn Fn() -> bool + Sync)) -> anyhow::Result<Outcome> {
        let Ears { sender, receiver } = self.ears;
        let hand = Hand::new(self.target, sender, self.random)?;
        let mut running = Running {
            target: self.target,
            schedule: self.schedule,
            journal: self.journal,
            watcher: self.watcher,
            receiver,
            hand,
            limits: self.limits,
            outcome: Outcome::default(),
            asked: BTreeMap::new(),
            processors: None,
            silent: None,
            flushed: Instant::now(),
            late: BTreeMap::new(),
            heard: 0,
            handed_ns: 0,
        };
        let result = running.run(stop);
        // Faults are undone whatever happened.
        running.close();
        result?;
        let mut outcome = running.outcome;
        (outcome.recovered, outcome.last) = running.schedule.finish();
        Ok(outcome)
    }
}

struct Running<'a, 'j> {
    target: &'a mut dyn Real,
    schedule: Schedule,
    journal: &'a mut Journal<'j>,
    watcher: &'a mut dyn Watcher,
    receiver: Receiver<Told>,
    hand: Hand,
    limits: Limits,
    outcome: Outcome,
    /// The faults whose end was not asked for yet.
    asked: BTreeMap<u64, Fault>,
    /// What the machine's processors had done when everything was healed.
    processors: Option<Processors>,
    /// Who does not run, once that was asked.
    silent: Option<Vec<NodeName>>,
    flushed: Instant,
    /// What nodes told of themselves and may have been overtaken by: by time, and by when it came.
    late: BTreeMap<(u64, u64), Observation>,
    heard: u64,
    /// What was told before this moment was handed on.
    handed_ns: u64,
}

impl Running<'_, '_> {
    fn run(&mut self, stop: &(dyn Fn() -> bool + Sync)) -> anyhow::Result<()> {
        let mut watchdog = Watchdog::new(self.limits);
        loop {
            if stop() {
                self.outcome.interrupted = true;
                return Ok(());
            }
            let now_ns = self.target.now_ns();
            if self.journal.anomaly().is_some() {
                self.schedule.stop(now_ns);
            }
            if self.outcome.storm.is_some() {
                return Ok(());
            }
            if let Some(stuck) = watchdog.look(self.schedule.phase()) {
                self.outcome.stuck = Some(stuck);
                return Ok(());
            }
            match self.schedule.next(now_ns) {
                Step::Invoke(task) => self.invoke(&task)?,
                Step::Fault(step) => self.fault(now_ns, step),
                // What is left to undo comes first: whoever still lasts would break the claim.
                Step::Recover if self.hand.open > 0 => self.wait(LOOK),
                Step::Recover => self.recover(now_ns),
                Step::WaitUntil(at_ns) => {
                    self.wait(Duration::from_nanos(at_ns.saturating_sub(now_ns)));
                }
                Step::WaitForCompletion => self.wait(LOOK),
                Step::Finished => return Ok(()),
            }
        }
    }

    fn invoke(&mut self, task: &Task) -> anyhow::Result<()> {
        self.journal.event(&task.event);
        let nodes = if task.through.is_some() {
            self.target.present()
        } else {
            Vec::new()
        };
        self.target.invoke(invocation(task, &nodes))?;
        Ok(())
    }

    fn fault(&mut self, now_ns: u64, step: nemesis::Step) {
        match &step {
            nemesis::Step::Begin { id, fault } => {
                self.journal.event(&asked_to_begin(fault, now_ns));
                self.asked.insert(*id, fault.clone());
            }
            nemesis::Step::End { id } => {
                if let Some(fault) = self.asked.remove(id) {
                    self.journal.event(&asked_to_end(&fault, now_ns));
                }
            }
            // A look that comes while others are under way is one too many.
            nemesis::Step::Tick { .. } if self.hand.open > 0 => return,
            _ => {}
        }
        self.hand.order(Order::Step(step));
    }

    /// Asks who does not run, and begins to probe once that is known.
    fn recover(&mut self, now_ns: u64) {
        let Some(not_running) = self.silent.take() else {
            return self.hand.order(Order::WhoDoesNotRun);
        };
        self.outcome.not_running = not_running;
        self.processors = Processors::look();
        self.schedule.healed(now_ns);
        let claim = self.target.recovery();
        let target = &self.target;
        let serving = &mut |op: &Op| target.serving(&op.f, &op.value);
        self.schedule.recover(claim, serving);
    }

    /// Waits for something to be told, and takes in what is.
    fn wait(&mut self, most: Duration) {
        if self.flushed.elapsed() >= LOOK {
            self.journal.flush();
            self.flushed = Instant::now();
            let now_ns = self.target.now_ns();
            self.hand_on(now_ns.saturating_sub(OVERTAKEN_NS));
        }
        match self.receiver.recv_timeout(most.min(LOOK)) {
            Ok(told) => self.take(told),
            Err(RecvTimeoutError::Timeout) => return,
            // The thread of faults holds a sender as long as it lives.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(most.min(LOOK)),
        }
        for _ in 0..TOGETHER {
            match self.receiver.try_recv() {
                Ok(told) => self.take(told),
                Err(_) => break,
            }
        }
    }

    fn take(&mut self, told: Told) {
        match told {
            Told::World(happening) => self.happened(happening),
            Told::Fault(done) => {
                self.hand.open = self.hand.open.saturating_sub(1);
                self.done(*done);
            }
        }
    }

    fn happened(&mut self, happening: Happening) {
        match happening {
            Happening::Completed { thread, completion } => {
                let now_ns = self.target.now_ns();
                if let Some(event) = self.schedule.completed(now_ns, thread, completion) {
                    self.journal.event(&event);
                }
            }
            Happening::Node(event) => {
                self.watcher.told(&event);
                if self.journal.keeps() {
                    let node = NodeName::numbered(event.node);
                    self.journal.node_line(&node, &event.line());
                }
            }
            Happening::Died { node, how, tail } => {
                let now_ns = self.target.now_ns();
                self.journal.event(&died(&node, &how, &tail, now_ns));
                self.outcome.died.push((node, how));
            }
            Happening::Observed(observation) => {
                // Without it the rest would be judged wrongly.
                self.outcome.is_deaf |= observation.at_ns < self.handed_ns;
                self.heard += 1;
                self.late
                    .insert((observation.at_ns, self.heard), observation);
            }
            Happening::Storm(storm) => self.outcome.storm = Some(*storm),
            Happening::Alarm { .. } | Happening::Busy => {}
        }
    }

    /// Hands on what nodes told before a moment, in the order of time.
    fn hand_on(&mut self, before_ns: u64) {
        let later = self.late.split_off(&(before_ns, 0));
        self.handed_ns = before_ns;
        if self.outcome.is_deaf {
            self.late.clear();
        }
        for observation in std::mem::replace(&mut self.late, later).values() {
            self.watcher.observed(observation);
        }
    }

    fn done(&mut self, done: Done) {
        let now_ns = self.target.now_ns();
        match done {
            Done::Began(receipt) => {
                self.schedule.told(&receipt);
                self.journal.event(&receipt.begun_event(now_ns));
                // One that did not take hold ends with its beginning.
                if receipt.healed_ns.is_some() {
                    self.journal.event(&receipt.ended_event(now_ns));
                }
                self.journal.receipt(&receipt);
            }
            Done::Ended(receipts) => {
                for receipt in receipts {
                    if let Some(fault) = self.asked.remove(&receipt.id) {
                        self.journal.event(&asked_to_end(&fault, now_ns));
                    }
                    self.journal.event(&receipt.ended_event(now_ns));
                    self.journal.receipt(&receipt);
                }
            }
            Done::Looked(receipt) => {
                if let Some(receipt) = receipt {
                    self.journal.receipt(&receipt);
                }
            }
            Done::Verified(receipts) => {
                for receipt in receipts {
                    self.journal.receipt(&receipt);
                }
            }
            Done::NotRunning(nodes) => self.silent = Some(nodes),
            Done::Closed(receipts) => self.outcome.receipts = receipts,
        }
        self.journal.flush();
    }

    /// Undoes what is left, asks for the last words, and takes everything away.
    fn close(&mut self) {
        self.outcome.lasted_ns = self.target.now_ns();
        self.outcome.starved = self.processors.as_ref().and_then(Processors::starved);
        // Once more: who has ended since is no reason to accuse the others.
        self.hand.order(Order::WhoDoesNotRun);
        self.hand.order(Order::Step(nemesis::Step::HealAll));
        self.hand.order(Order::Step(nemesis::Step::Verify));
        self.hand.order(Order::Close);
        let begun = Instant::now();
        while self.hand.open > 0 && begun.elapsed() < HEALS_WITHIN {
            self.wait(LOOK);
        }
        for node in self.silent.take().unwrap_or_default() {
            if !self.outcome.not_running.contains(&node) {
                self.outcome.not_running.push(node);
            }
        }
        if self.hand.open > 0 {
            let why = "undoing the faults did not end in time".to_owned();
            self.outcome.stuck.get_or_insert(why);
        }
        for node in self.target.present() {
            let text = self.target.metrics(&node);
            self.journal.metrics(&node, &text);
        }
        // Nodes end with the thread that started them; they are to end by our hand.
        self.outcome.left = self.target.end();
        self.hand.end();
        while let Ok(told) = self.receiver.try_recv() {
            self.take(told);
        }
        self.hand_on(u64::MAX);
        self.journal.flush();
    }
}

/// A node's process ended by itself: the last lines of its log stand beside that.
fn died(node: &NodeName, how: &str, tail: &[String], now_ns: u64) -> Event {
    let lines = tail.iter().map(|line| Value::str(line)).collect();
    Event {
        index: None,
        time: now_ns as i64,
        kind: Kind::Info,
        process: Process::nemesis(),
        f: "died".into(),
        value: Value::Map(vec![(Value::str(node.as_str()), Value::str(how))]),
        extra: vec![("log".into(), Value::Vector(lines))],
    }
}

/// What all processors of the machine together had done until a moment, in ticks.
struct Processors {
    idle: u64,
    all: u64,
}

impl Processors {
    /// Nothing where the machine does not say.
    fn look() -> Option<Self> {
        let text = std::fs::read_to_string("/proc/stat").ok()?;
        let numbers = text
            .lines()
            .next()?
            .strip_prefix("cpu ")?
            .split_whitespace();
        let numbers: Vec<u64> = numbers.map_while(|it| it.parse().ok()).collect();
        // The fourth is idle, the fifth waits for disks; guests are counted in the first two already.
        Some(Self {
            idle: numbers.get(3)? + numbers.get(4)?,
            all: numbers.iter().take(8).sum(),
        })
    }

    /// Which part of the time since then they were busy, if that was nearly all of it for long enough to be told.
    fn starved(&self) -> Option<f64> {
        let now = Self::look()?;
        let all = now.all.saturating_sub(self.all);
        let busy = 1.0 - now.idle.saturating_sub(self.idle) as f64 / all.max(1) as f64;
        (all >= 100 && busy > MOST_BUSY).then_some(busy)
    }
}

/// The thread that makes faults.
struct Hand {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
    /// How many orders were not answered yet.
    open: usize,
}

impl Hand {
    fn new(target: &mut dyn Real, told: Sender<Told>, random: Stream) -> anyhow::Result<Self> {
        let Some(cluster) = target.cluster() else {
            anyhow::bail!("the cluster is in other hands");
        };
        let (orders, received) = channel();
        let origin = Instant::now()
            .checked_sub(Duration::from_nanos(target.now_ns()))
            .unwrap_or_else(Instant::now);
        let work = move || make_faults(cluster, random, origin, &received, &told);
        let thread = thread::Builder::new()
            .name("faults".to_owned())
            .spawn(work)?;
        Ok(Self {
            orders: Some(orders),
            thread: Some(thread),
            open: 0,
        })
    }

    fn order(&mut self, order: Order) {
        if let Some(orders) = &self.orders
            && orders.send(order).is_ok()
        {
            self.open += 1;
        }
    }

    /// Lets the thread end, unless it hangs: then it ends with the process.
    fn end(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take()
            && self.open == 0
        {
            let _ = thread.join();
        }
    }
}

fn make_faults(
    mut cluster: Box<dyn Cluster + Send>,
    mut random: Stream,
    origin: Instant,
    orders: &Receiver<Order>,
    told: &Sender<Told>,
) {
    let mut injector = Injector::new();
    while let Ok(order) = orders.recv() {
        let cluster = cluster.as_mut();
        let now_ns = u64::try_from(origin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let done = match order {
            Order::Step(nemesis::Step::Begin { id, fault }) => {
                Done::Began(injector.begin(id, &fault, cluster, now_ns, &mut random))
            }
            Order::Step(nemesis::Step::Tick { id }) => {
                Done::Looked(injector.tick(id, cluster, now_ns))
            }
            Order::Step(nemesis::Step::End { id }) => {
                Done::Ended(injector.end(id, cluster, now_ns).into_iter().collect())
            }
            Order::Step(nemesis::Step::HealAll) => Done::Ended(injector.heal_all(cluster, now_ns)),
            Order::Step(nemesis::Step::Verify) => Done::Verified(injector.verify(cluster, now_ns)),
            Order::Step(nemesis::Step::Wait { .. } | nemesis::Step::Done) => Done::Looked(None),
            Order::WhoDoesNotRun => Done::NotRunning(not_running(cluster)),
            Order::Close => Done::Closed(injector.receipts().to_vec()),
        };
        if told.send(Told::Fault(Box::new(done))).is_err() {
            return;
        }
    }
}

/// Says when a phase takes too long.
struct Watchdog {
    limits: Limits,
    phase: Phase,
    begun: Instant,
}

impl Watchdog {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            phase: Phase::Main,
            begun: Instant::now(),
        }
    }

    /// Why the run must end now, if it must.
    fn look(&mut self, phase: Phase) -> Option<String> {
        if phase != self.phase {
            self.phase = phase;
            self.begun = Instant::now();
        }
        let (name, limit) = match phase {
            Phase::Main => ("the main phase", self.limits.main),
            Phase::Healing => ("healing", self.limits.healing),
            Phase::Recovering => ("the recovery", self.limits.recovering),
            Phase::Final => ("the final operations", self.limits.last),
            Phase::Finished => return None,
        };
        let is_over = self.begun.elapsed() > limit;
        is_over.then(|| format!("{name} did not end within {} s", limit.as_secs()))
    }
}
