//! Generators: which operation comes next, and when.
//!
//! A generator is pure. It is asked [`next`](Generator::next) with the time, the free threads and a random
//! stream, and answers *this operation*, *wait until*, *pending* or *done*; it is told of every
//! [event](Generator::update). It never learns who carries the operations out, so that a workload behaves
//! the same in virtual and in real time. The algebra is that of `jepsen.generator`; what differs:
//!
//! - There is no peeking. An answer [`Next::Invoke`] is always carried out at once, at the time that was
//!   asked, so no combinator ever holds an operation back or drops one. Asking a generator that answers
//!   anything else leaves it as it was, but for the random numbers drawn.
//! - A generator is a value that changes, not one that is copied; what is needed several times (per key, per
//!   thread, again and again) is given as a function that makes it.
//!
//! The laws that every generator keeps, and that the tests hold for random compositions:
//!
//! 1. an invocation names a free thread of the view that was handed in;
//! 2. a wait lies in the future;
//! 3. where all threads of the view are free the answer is never `Pending`: nothing could end it;
//! 4. `Done` stays done.
//!
//! Where to start: leaves ([`repeat`], [`once`], [`function`], [`nothing`], [`sleep`]), the methods of
//! [`GeneratorExt`] that bound and pace one generator, and [`mix`], [`phases`], [`sequence`], [`reserve`],
//! [`each_thread`], [`per_key()`] that make one of several.

mod bound;
mod choice;
mod keys;
mod leaf;
mod order;
mod pace;
pub mod testing;
mod threads;
mod view;

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::history::{Event, Name, Value};

pub use bound::{Limit, ProcessLimit, TimeLimit, Until};
pub use choice::{Mix, mix};
pub use keys::{KeyOptions, PerKey, keyed, per_key, unkeyed};
pub use leaf::{Function, Nothing, Once, Repeat, Sleep, function, nothing, once, repeat, sleep};
pub use order::{Cycle, Phases, Sequence, cycle, phases, sequence};
pub use pace::{Interval, Paced};
pub use threads::Threads;
pub use view::{EachThread, OnThreads, Reserve, each_thread, reserve};

/// An operation that no thread has taken up yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Op {
    /// The function, such as `read`.
    pub f: Name,
    /// The argument.
    pub value: Value,
    /// All other fields.
    pub extra: Vec<(Name, Value)>,
}

impl Op {
    /// An operation without other fields.
    pub fn new(f: &str, value: Value) -> Self {
        Self {
            f: f.into(),
            value,
            extra: Vec::new(),
        }
    }

    /// The same, with the field `final?` that Jepsen's workloads give their last reads.
    #[must_use]
    pub fn marked_final(mut self) -> Self {
        self.extra.push(("final?".into(), Value::Bool(true)));
        self
    }

    /// The operation on this thread.
    pub fn on(self, thread: usize) -> Invocation {
        Invocation {
            thread,
            f: self.f,
            value: self.value,
            extra: self.extra,
        }
    }
}

/// An operation to be invoked now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// Which free thread runs it.
    pub thread: usize,
    /// The function, such as `read`.
    pub f: Name,
    /// The argument.
    pub value: Value,
    /// All other fields.
    pub extra: Vec<(Name, Value)>,
}

/// What a generator answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Carry this out, now.
    Invoke(Invocation),
    /// Ask again at this time in nanoseconds, or after any event that comes before it.
    WaitUntil(u64),
    /// Ask again after some event: nothing can happen until an operation completes.
    Pending,
    /// Nothing more will ever come.
    Done,
}

/// What a generator may look at while it is asked or told something.
#[derive(Debug)]
pub struct Context<'a> {
    /// Nanoseconds since the run began. Never goes back.
    pub now_ns: u64,
    /// The worker threads, or a view of some of them.
    pub threads: &'a Threads,
    /// The generators' own stream of random numbers.
    pub random: &'a mut Xoshiro256PlusPlus,
}

impl Context<'_> {
    /// The same context with a view of the threads in place of all of them.
    pub fn with_threads<'b>(&'b mut self, threads: &'b Threads) -> Context<'b> {
        Context {
            now_ns: self.now_ns,
            threads,
            random: self.random,
        }
    }

    /// One of the free threads, each as likely as the other.
    pub fn any_free_thread(&mut self) -> Option<usize> {
        let choice = match self.threads.free_count() as u64 {
            0 => return None,
            1 => 0,
            count => self.random.random_range(0..count),
        };
        self.threads.nth_free(choice as usize)
    }
}

/// Decides what is invoked next. See the [module](self) for the laws.
pub trait Generator: Send {
    /// What is to be done now.
    fn next(&mut self, context: &mut Context<'_>) -> Next;

    /// Hears of an event: invocations and completions, in the order of the history, of whatever generator
    /// they came from. In `context` the thread is busy already when it hears of an invocation, and free
    /// again when it hears of a completion.
    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        let _ = (context, event);
    }
}

impl<G: Generator + ?Sized> Generator for Box<G> {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        (**self).next(context)
    }

    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        (**self).update(context, event);
    }
}

/// What can be made of any one generator.
pub trait GeneratorExt: Generator + Sized + 'static {
    /// At most `count` operations.
    fn limit(self, count: u64) -> Limit<Self> {
        Limit::new(self, count)
    }

    /// Nothing more once the threads of the view have run more than `most` processes between them, busy or
    /// not. Every `info` makes a process more and leaves an operation that runs for ever, each of which
    /// may double the work of deciding linearizability: this bounds them.
    fn process_limit(self, most: usize) -> ProcessLimit<Self> {
        ProcessLimit::new(self, most)
    }

    /// No operation from `span_ns` after the moment when it is first asked.
    fn time_limit(self, span_ns: u64) -> TimeLimit<Self> {
        TimeLimit::new(self, span_ns)
    }

    /// Nothing after one of its operations ended `ok` with an event for which this holds.
    fn until(self, holds: impl FnMut(&Event) -> bool + Send + 'static) -> Until<Self> {
        Until::new(self, holds)
    }

    /// Operations at random intervals, uniform between 0 and twice the mean. The mean is over all threads
    /// together, not for each.
    fn stagger(self, mean_ns: u64) -> Paced<Self> {
        Paced::new(self, Interval::Uniform { mean_ns })
    }

    /// Operations at exponentially distributed intervals: a Poisson process, as long as a thread is free
    /// when its time comes.
    fn poisson(self, mean_ns: u64) -> Paced<Self> {
        Paced::new(self, Interval::Exponential { mean_ns })
    }

    /// Operations at least `interval_ns` apart, and no further if there is a free thread.
    fn delay(self, interval_ns: u64) -> Paced<Self> {
        Paced::new(self, Interval::Exactly { interval_ns })
    }

    /// This one; then, once all threads are free, the next.
    fn then(self, next: impl Generator + 'static) -> Phases {
        phases(vec![Box::new(self), Box::new(next)])
    }

    /// Only on threads for whose number this holds.
    fn on_threads(self, wanted: impl Fn(usize) -> bool + Send + 'static) -> OnThreads<Self> {
        OnThreads::new(self, wanted)
    }

    /// Behind a pointer, for lists of unlike generators.
    fn boxed(self) -> Box<dyn Generator> {
        Box::new(self)
    }
}

impl<G: Generator + 'static> GeneratorExt for G {}

/// Asks several generators in turn, until one has something to invoke. Otherwise the answer is the earliest
/// of what they wait for, and done only where all are done.
fn ask_in_turn(order: impl Iterator<Item = usize>, mut ask: impl FnMut(usize) -> Next) -> Next {
    let mut answer = Next::Done;
    for index in order {
        answer = match (ask(index), answer) {
            (Next::Invoke(invocation), _) => return Next::Invoke(invocation),
            (Next::WaitUntil(one), Next::WaitUntil(other)) => Next::WaitUntil(one.min(other)),
            (Next::WaitUntil(at), _) | (_, Next::WaitUntil(at)) => Next::WaitUntil(at),
            (Next::Pending, _) | (_, Next::Pending) => Next::Pending,
            (Next::Done, rest) => rest,
        };
    }
    answer
}

/// An index, as likely as its weight; `None` where all weights are 0.
fn weighted(
    weights: impl Iterator<Item = u64> + Clone,
    context: &mut Context<'_>,
) -> Option<usize> {
    let total: u64 = weights.clone().sum();
    if total == 0 {
        return None;
    }
    let mut left = context.random.random_range(0..total);
    for (index, weight) in weights.enumerate() {
        match left.checked_sub(weight) {
            Some(rest) => left = rest,
            None => return Some(index),
        }
    }
    None
}

/// `start`, what comes after it, and then what comes before it.
fn around(start: usize, count: usize) -> impl Iterator<Item = usize> {
    (start..count).chain(0..start)
}
