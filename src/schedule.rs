//! The schedule: the one pure state machine between generators and drivers.
//!
//! It is asked what to do now and answers with one [`Step`]; it is told when operations complete. It decides
//! which operation goes to which thread and node, which process invokes it, when faults begin and end, and what
//! comes after the main phase: everything is healed, probes show whether the cluster serves again
//! ([`Recovery`]), and then come the final operations. Virtual or real time makes no
//! difference to it, so that a workload cannot behave differently in the two.
//!
//! What is deliberately absent: sending anything, reading a clock, and judging.

use rupture_nemesis::{self as nemesis, Receipt};
use rupture_targets::random::Stream;
use rupture_targets::{Completion, NodeName, RecoveryClaim};
use rupture_workloads::Probes;
use rupture_workloads::checkers::history::{Event, Kind, Name, Process, Value};
use rupture_workloads::generator::{Context, Generator, Invocation, Next, Op, Threads};

use crate::recovery::{self, Breach, Probe, Recovered, Recovery};

/// How many final operations that were not answered `ok` are kept.
const FAILED_KEPT: usize = 20;

/// What to do now.
#[derive(Debug)]
pub enum Step {
    /// Record this event, and hand the operation to the target.
    Invoke(Task),
    /// Let the injector do this.
    Fault(nemesis::Step),
    /// Everything was healed: ask the target what it claims, and call [`Schedule::recover`].
    Recover,
    /// Nothing until this time, or until an operation completes.
    WaitUntil(u64),
    /// Nothing until an operation completes.
    WaitForCompletion,
    /// The run is over.
    Finished,
}

/// An operation that is to be invoked.
#[derive(Clone, Debug)]
pub struct Task {
    /// The thread that runs it.
    pub thread: usize,
    /// Names the operation in the whole run.
    pub request_id: u64,
    /// The position of the node that is asked first.
    pub node: usize,
    /// The node through which alone it is to be answered, whatever `node` says.
    pub through: Option<NodeName>,
    /// When the client gives up.
    pub deadline_ns: u64,
    /// The invocation as the history keeps it.
    pub event: Event,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Clients and faults, side by side.
    Main,
    /// What lasts is ended, until everything is healed.
    Healing,
    /// The cluster is left alone but for probes.
    Recovering,
    /// What is asked when everything is healed.
    Final,
    /// Nothing comes any more.
    Finished,
}

/// What a schedule is made of.
pub struct Parts {
    /// The main phase; it ends by itself.
    pub main: Box<dyn Generator>,
    /// What is asked when everything is healed.
    pub last: Option<Box<dyn Generator>>,
    /// What shows that the cluster serves again.
    pub probes: Option<Probes>,
    /// Which faults come when.
    pub nemesis: nemesis::Schedule,
    /// How many client threads there are.
    pub threads: usize,
    /// How many nodes there are.
    pub nodes: usize,
    /// How long an operation may take.
    pub op_timeout_ns: u64,
    /// The generators' random numbers.
    pub clients_random: Stream,
    /// The nemesis' random numbers.
    pub faults_random: Stream,
}

/// See the [module](self).
pub struct Schedule {
    parts: Parts,
    threads: Threads,
    /// What each busy thread runs.
    open: Vec<Option<Task>>,
    phase: Phase,
    requests: u64,
    /// Whether nothing is invoked any more.
    stopped: bool,
    /// When everything was healed: at the end of the main phase, or where the faults end by themselves before it.
    healed_ns: Option<u64>,
    recovery: Option<Recovery>,
    last: LastPhase,
}

/// How the final operations went.
#[derive(Clone, Debug, Default)]
pub struct LastPhase {
    /// How many were answered `ok`.
    pub ok: u64,
    /// The first of those that were not.
    pub failed: Vec<Breach>,
}

impl Schedule {
    /// A schedule at its beginning.
    pub fn new(parts: Parts) -> Self {
        Self {
            threads: Threads::new(parts.threads),
            open: vec![None; parts.threads],
            phase: Phase::Main,
            requests: 0,
            stopped: false,
            healed_ns: None,
            recovery: None,
            last: LastPhase::default(),
            parts,
        }
    }

    /// What to do at this time.
    pub fn next(&mut self, now_ns: u64) -> Step {
        loop {
            match self.phase {
                Phase::Main => match self.main(now_ns) {
                    Step::Finished => {
                        self.parts.nemesis.stop(now_ns);
                        self.phase = Phase::Healing;
                    }
                    step => return step,
                },
                Phase::Healing if self.healed_ns.is_some() => self.phase = Phase::Recovering,
                Phase::Healing => match self.faults(now_ns) {
                    Step::Finished => self.phase = Phase::Recovering,
                    step => return step,
                },
                Phase::Recovering => match self.recovering(now_ns) {
                    Step::Finished => self.phase = Phase::Final,
                    step => return step,
                },
                Phase::Final => match self.clients(now_ns) {
                    Step::Finished => self.phase = Phase::Finished,
                    step => return step,
                },
                Phase::Finished => return Step::Finished,
            }
        }
    }

    /// How far the run is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Healing took until now, where it takes time; the probes have not begun.
    pub fn healed(&mut self, now_ns: u64) {
        self.healed_ns = self.healed_ns.map(|_| now_ns);
    }

    /// Ends the run early: nothing is invoked any more and no fault begins. What runs completes, what lasts is
    /// undone, and the final operations are left out.
    pub fn stop(&mut self, now_ns: u64) {
        if !std::mem::replace(&mut self.stopped, true) {
            self.parts.nemesis.stop(now_ns);
        }
    }

    /// Faults and clients side by side; faults go first at the same instant.
    fn main(&mut self, now_ns: u64) -> Step {
        let wake = match self.faults(now_ns) {
            Step::Finished => None,
            Step::WaitUntil(at) => Some(at),
            step => return step,
        };
        match (self.clients(now_ns), wake) {
            (Step::WaitUntil(one), Some(other)) => Step::WaitUntil(one.min(other)),
            (Step::WaitForCompletion, Some(at)) => Step::WaitUntil(at),
            (step, _) => step,
        }
    }

    fn faults(&mut self, now_ns: u64) -> Step {
        match self
            .parts
            .nemesis
            .next(now_ns, &mut self.parts.faults_random)
        {
            nemesis::Step::Done => Step::Finished,
            nemesis::Step::Wait { until_ns } => Step::WaitUntil(until_ns),
            step => {
                if step == nemesis::Step::HealAll {
                    self.healed_ns = Some(now_ns);
                }
                Step::Fault(step)
            }
        }
    }

    /// What came of a fault that began.
    pub fn told(&mut self, receipt: &Receipt) {
        self.parts.nemesis.told(receipt);
    }

    /// The generator of the phase; finished when it is done and every thread is free.
    fn clients(&mut self, now_ns: u64) -> Step {
        if self.stopped {
            return if self.threads.all_free() {
                Step::Finished
            } else {
                Step::WaitForCompletion
            };
        }
        let generator = match self.phase {
            Phase::Main => Some(&mut self.parts.main),
            _ => self.parts.last.as_mut(),
        };
        let Some(generator) = generator else {
            return Step::Finished;
        };
        let mut context = Context {
            now_ns,
            threads: &self.threads,
            random: &mut self.parts.clients_random,
        };
        match generator.next(&mut context) {
            Next::Invoke(invocation) => Step::Invoke(self.begin(now_ns, invocation)),
            Next::WaitUntil(at) => Step::WaitUntil(at),
            Next::Done if self.threads.all_free() => Step::Finished,
            Next::Pending | Next::Done => Step::WaitForCompletion,
        }
    }

    fn begin(&mut self, now_ns: u64, invocation: Invocation) -> Task {
        let Invocation {
            thread,
            f,
            value,
            extra,
        } = invocation;
        let process = self.threads.begin(thread);
        let task = Task {
            thread,
            request_id: self.requests,
            node: thread % self.parts.nodes.max(1),
            through: None,
            deadline_ns: now_ns.saturating_add(self.parts.op_timeout_ns),
            event: Event {
                index: None,
                time: now_ns as i64,
                kind: Kind::Invoke,
                process: Process::Client(process),
                f,
                value,
                extra,
            },
        };
        self.requests += 1;
        self.open[thread] = Some(task.clone());
        self.tell(now_ns, &task.event);
        task
    }

    /// A thread's operation completed: gives the event to record. Nothing for a thread that runs none.
    pub fn completed(
        &mut self,
        now_ns: u64,
        thread: usize,
        completion: Completion,
    ) -> Option<Event> {
        let task = self.open.get_mut(thread)?.take()?;
        let invoked_ns = task.event.time as u64;
        let mut extra: Vec<(Name, Value)> = task.event.extra;
        if let Some(error) = completion.error {
            extra.push(("error".into(), error));
        }
        let event = Event {
            time: now_ns as i64,
            kind: completion.kind,
            value: completion.value,
            extra,
            ..task.event
        };
        self.threads.complete(thread, event.kind);
        self.tell(now_ns, &event);
        match self.phase {
            Phase::Recovering => {
                if let Some(recovery) = &mut self.recovery {
                    recovery.completed(thread, &event);
                }
            }
            Phase::Final if event.kind == Kind::Ok => self.last.ok += 1,
            Phase::Final if self.last.failed.len() < FAILED_KEPT => {
                let failed = Breach::new(None, &event, invoked_ns, 0);
                self.last.failed.push(failed);
            }
            _ => {}
        }
        Some(event)
    }

    fn tell(&mut self, now_ns: u64, event: &Event) {
        let mut context = Context {
            now_ns,
            threads: &self.threads,
            random: &mut self.parts.clients_random,
        };
        match self.phase {
            Phase::Final => {
                if let Some(last) = &mut self.parts.last {
                    last.update(&mut context, event);
                }
            }
            Phase::Recovering => {}
            _ => self.parts.main.update(&mut context, event),
        }
    }

    /// Begins to probe what the target claims: answers [`Step::Recover`]. `serving` says through which nodes it
    /// promises an answer to an operation.
    pub fn recover(
        &mut self,
        claim: Option<RecoveryClaim>,
        serving: &mut dyn FnMut(&Op) -> Vec<NodeName>,
    ) {
        if let Some(probes) = self.parts.probes.take() {
            let threads = self.parts.threads;
            let healed_ns = self.healed_ns.unwrap_or_default();
            let recovery = Recovery::new(probes, claim, serving, threads, healed_ns);
            self.recovery = Some(recovery);
        }
    }

    /// The rest of the nemesis and the probes, side by side.
    fn recovering(&mut self, now_ns: u64) -> Step {
        if self.parts.probes.is_some() && !self.stopped {
            return Step::Recover;
        }
        let wake = match self.faults(now_ns) {
            Step::Finished => None,
            Step::WaitUntil(at_ns) => Some(at_ns),
            step => return step,
        };
        let next = match &mut self.recovery {
            Some(recovery) if !self.stopped => recovery.next(now_ns, self.threads.free().next()),
            _ if self.threads.all_free() => recovery::Next::Done,
            _ => recovery::Next::Pending,
        };
        match (next, wake) {
            (recovery::Next::Probe(probe), _) => Step::Invoke(self.begin_probe(now_ns, probe)),
            (recovery::Next::WaitUntil(at_ns), Some(wake_ns)) => {
                Step::WaitUntil(at_ns.min(wake_ns))
            }
            (recovery::Next::WaitUntil(at_ns), None) => Step::WaitUntil(at_ns),
            (_, Some(wake_ns)) => Step::WaitUntil(wake_ns),
            (recovery::Next::Pending, None) => Step::WaitForCompletion,
            (recovery::Next::Done, None) => Step::Finished,
        }
    }

    fn begin_probe(&mut self, now_ns: u64, probe: Probe) -> Task {
        let thread = self.threads.free().next().unwrap_or_default();
        let task = self.begin(now_ns, probe.op.on(thread));
        let task = Task {
            through: Some(probe.through),
            deadline_ns: now_ns.saturating_add(probe.answers_ns),
            ..task
        };
        self.open[thread] = Some(task.clone());
        task
    }

    /// How the recovery and the final operations went.
    pub fn finish(self) -> (Recovered, LastPhase) {
        let recovered = self.recovery.map(Recovery::outcome).unwrap_or_default();
        (recovered, self.last)
    }
}
