//! The schedule: the one pure state machine between generators and drivers.
//!
//! It is asked what to do now and answers with one [`Step`]; it is told when operations complete. It decides
//! which operation goes to which thread and node, which process invokes it, when faults begin and end, and what
//! comes after the main phase: everything is healed, the cluster is given time to recover, and then come the final
//! operations. Virtual or real time makes no difference to it, so that a workload cannot behave differently in
//! the two.
//!
//! What is deliberately absent: sending anything, reading a clock, and judging.

use rupture_nemesis::{self as nemesis, Receipt};
use rupture_targets::Completion;
use rupture_targets::random::Stream;
use rupture_workloads::checkers::history::{Event, Kind, Name, Process, Value};
use rupture_workloads::generator::{Context, Generator, Invocation, Next, Threads};

/// How long a cluster may take to answer again after everything was healed.
pub const RECOVERY_LIMIT_NS: u64 = 30_000_000_000;
/// How often it is asked whether it has.
pub const RECOVERY_STEP_NS: u64 = 100_000_000;

/// What to do now.
#[derive(Debug)]
pub enum Step {
    /// Record this event, and hand the operation to the target.
    Invoke(Task),
    /// Let the injector do this.
    Fault(nemesis::Step),
    /// Look whether the cluster has recovered, then call [`Schedule::recovered`].
    Recovered,
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
    /// When the client gives up.
    pub deadline_ns: u64,
    /// The invocation as the history keeps it.
    pub event: Event,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Main,
    /// Faults end, everything is healed, and the cluster is left alone for a while.
    Healing,
    Recovering {
        until_ns: u64,
        ask_at_ns: u64,
    },
    Final,
    Finished,
}

/// What a schedule is made of.
pub struct Parts {
    /// The main phase; it ends by itself.
    pub main: Box<dyn Generator>,
    /// What is asked when everything is healed.
    pub last: Option<Box<dyn Generator>>,
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
                Phase::Healing => match self.faults(now_ns) {
                    Step::Finished => self.recover(now_ns),
                    step => return step,
                },
                Phase::Recovering { ask_at_ns, .. } if now_ns < ask_at_ns => {
                    return Step::WaitUntil(ask_at_ns);
                }
                Phase::Recovering { .. } => return Step::Recovered,
                Phase::Final => match self.clients(now_ns) {
                    Step::Finished => self.phase = Phase::Finished,
                    step => return step,
                },
                Phase::Finished => return Step::Finished,
            }
        }
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
            step => Step::Fault(step),
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
            _ => self.parts.main.update(&mut context, event),
        }
    }

    fn recover(&mut self, now_ns: u64) {
        self.phase = Phase::Recovering {
            until_ns: now_ns.saturating_add(RECOVERY_LIMIT_NS),
            ask_at_ns: now_ns,
        };
    }

    /// Whether the cluster has recovered. One that has not after [`RECOVERY_LIMIT_NS`] is asked all the same; the
    /// answer says whether it had.
    pub fn recovered(&mut self, now_ns: u64, yes: bool) -> bool {
        if let Phase::Recovering { until_ns, .. } = self.phase {
            self.phase = if yes || now_ns >= until_ns {
                Phase::Final
            } else {
                Phase::Recovering {
                    until_ns,
                    ask_at_ns: now_ns + RECOVERY_STEP_NS,
                }
            };
        }
        yes || self.phase != Phase::Final
    }
}
