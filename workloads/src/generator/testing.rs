//! A tiny interpreter of generators with a fake clock, for tests of generators and workloads.
//!
//! It carries operations out against a function instead of a system, and holds the generator to the laws of
//! the [module above](super) at every step. It is not the schedule of the controller, which also retires
//! clients, injects faults and records; but a generator that behaves here behaves there.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

use crate::history::{Event, Kind, Process, Value};

use super::{Context, Generator, Invocation, Next, Threads};

/// How an operation ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// How long after its invocation, in nanoseconds.
    pub after_ns: u64,
    /// `ok`, `fail` or `info`.
    pub kind: Kind,
    /// The result.
    pub value: Value,
}

impl Completion {
    /// The operation ended `ok`, and its result is its argument.
    pub fn ok(after_ns: u64, invocation: &Invocation) -> Self {
        Self {
            after_ns,
            kind: Kind::Ok,
            value: invocation.value.clone(),
        }
    }
}

/// What happened.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Every invocation and completion, in order, with its time.
    pub events: Vec<Event>,
    /// The thread of each invocation, in order.
    pub threads: Vec<usize>,
    /// When the generator said that it was done; `None` when it was stopped first.
    pub done_ns: Option<u64>,
}

impl Run {
    /// The invocations, in order.
    pub fn invocations(&self) -> impl Iterator<Item = &Event> {
        self.events
            .iter()
            .filter(|event| event.kind == Kind::Invoke)
    }
}

/// A law that a generator broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It named a thread that is busy or does not exist.
    #[error("at {now_ns} ns it invokes on thread {thread}, which is not free")]
    NotFree {
        /// When.
        now_ns: u64,
        /// Which.
        thread: usize,
    },
    /// It asked to wait for a moment that is not in the future.
    #[error("at {now_ns} ns it waits until {until_ns} ns")]
    WaitInThePast {
        /// When.
        now_ns: u64,
        /// Until when.
        until_ns: u64,
    },
    /// It waits for an event, and none can come.
    #[error("at {now_ns} ns it waits for an event while nothing runs")]
    Stuck {
        /// When.
        now_ns: u64,
    },
    /// It went on after it was done.
    #[error("at {now_ns} ns it goes on although it was done")]
    NotDone {
        /// When.
        now_ns: u64,
    },
}

struct Interpreter<'a> {
    generator: &'a mut dyn Generator,
    threads: Threads,
    random: Xoshiro256PlusPlus,
    now_ns: u64,
    run: Run,
    /// By the time and the order of their completion.
    in_flight: BTreeMap<Reverse<(u64, usize)>, (usize, Event)>,
}

impl Interpreter<'_> {
    fn ask(&mut self) -> Next {
        self.generator.next(&mut Context {
            now_ns: self.now_ns,
            threads: &self.threads,
            random: &mut self.random,
        })
    }

    fn tell(&mut self, event: Event) {
        let mut context = Context {
            now_ns: self.now_ns,
            threads: &self.threads,
            random: &mut self.random,
        };
        self.generator.update(&mut context, &event);
        self.run.events.push(event);
    }

    fn invoke(
        &mut self,
        invocation: Invocation,
        respond: &mut dyn FnMut(&Invocation) -> Completion,
    ) -> Result<(), Broken> {
        let (now_ns, thread) = (self.now_ns, invocation.thread);
        if !self.threads.is_free(thread) {
            return Err(Broken::NotFree { now_ns, thread });
        }
        let process = self.threads.begin(thread);
        let completion = respond(&invocation);
        let invoked = Event {
            index: None,
            time: now_ns as i64,
            kind: Kind::Invoke,
            process: Process::Client(process),
            f: invocation.f,
            value: invocation.value,
            extra: invocation.extra,
        };
        let at_ns = now_ns.saturating_add(completion.after_ns);
        let completed = Event {
            time: at_ns as i64,
            kind: completion.kind,
            value: completion.value,
            ..invoked.clone()
        };
        let key = Reverse((at_ns, self.run.threads.len()));
        self.in_flight.insert(key, (thread, completed));
        self.run.threads.push(thread);
        self.tell(invoked);
        Ok(())
    }

    /// Goes on to the next completion if it comes before `until_ns`, otherwise to that time.
    fn advance(&mut self, until_ns: u64) {
        let next = self.in_flight.last_entry();
        let Some(entry) = next.filter(|entry| entry.key().0.0 <= until_ns) else {
            self.now_ns = until_ns;
            return;
        };
        let (Reverse((at_ns, _)), (thread, event)) = entry.remove_entry();
        self.now_ns = at_ns;
        self.threads.complete(thread, event.kind);
        self.tell(event);
    }

    /// After the end: all that runs completes, and the generator stays done.
    fn drain(&mut self) -> Result<(), Broken> {
        self.run.done_ns = Some(self.now_ns);
        loop {
            if self.ask() != Next::Done {
                return Err(Broken::NotDone {
                    now_ns: self.now_ns,
                });
            }
            if self.in_flight.is_empty() {
                return Ok(());
            }
            self.advance(u64::MAX);
        }
    }
}

/// Runs a generator on `threads` threads until it is done, has invoked `most` operations, or has been asked a
/// hundred times as often (a generator may wait for ever), against a system that completes each invocation
/// as `respond` says.
///
/// # Errors
/// The first law that the generator breaks.
pub fn run(
    generator: &mut dyn Generator,
    threads: usize,
    seed: u64,
    most: usize,
    mut respond: impl FnMut(&Invocation) -> Completion,
) -> Result<Run, Broken> {
    let mut interpreter = Interpreter {
        generator,
        threads: Threads::new(threads),
        random: Xoshiro256PlusPlus::seed_from_u64(seed),
        now_ns: 0,
        run: Run::default(),
        in_flight: BTreeMap::new(),
    };
    for _ in 0..most.saturating_mul(100) {
        if interpreter.run.threads.len() == most {
            break;
        }
        let now_ns = interpreter.now_ns;
        match interpreter.ask() {
            Next::Invoke(invocation) => interpreter.invoke(invocation, &mut respond)?,
            Next::WaitUntil(until_ns) if until_ns <= now_ns => {
                return Err(Broken::WaitInThePast { now_ns, until_ns });
            }
            Next::WaitUntil(until_ns) => interpreter.advance(until_ns),
            Next::Pending if interpreter.threads.all_free() => {
                return Err(Broken::Stuck { now_ns });
            }
            Next::Pending => interpreter.advance(u64::MAX),
            Next::Done => {
                interpreter.drain()?;
                break;
            }
        }
    }
    Ok(interpreter.run)
}
