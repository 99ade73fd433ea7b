//! Generators that have some of the threads to themselves.

use std::iter::successors;
use std::ops::Range;

use crate::history::{Event, Process};

use super::{Context, Generator, Next, Threads, around, ask_in_turn};

/// Asks a generator that is given the threads of these ranks.
pub(super) fn ask_part(
    inner: &mut impl Generator,
    context: &mut Context<'_>,
    ranks: Range<usize>,
) -> Next {
    let view = context.threads.part(ranks);
    inner.next(&mut context.with_threads(&view))
}

/// Passes on an event to a generator that is given the threads of these ranks.
pub(super) fn tell_part(
    inner: &mut impl Generator,
    context: &mut Context<'_>,
    event: &Event,
    ranks: Range<usize>,
) {
    let view = context.threads.part(ranks);
    inner.update(&mut context.with_threads(&view), event);
}

/// The rank of a random free thread, from which the parts are asked in turn, so that all get their share of
/// one pace; the first where none is free.
pub(super) fn random_start(context: &mut Context<'_>) -> usize {
    let thread = context.any_free_thread();
    thread
        .and_then(|thread| context.threads.rank(thread))
        .unwrap_or(0)
}

/// Threads split evenly into parts of neighbours, by their ranks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split {
    pub(super) parts: usize,
    pub(super) threads: usize,
}

impl Split {
    pub(super) fn part_of(self, rank: usize) -> usize {
        rank * self.parts / self.threads.max(1)
    }

    pub(super) fn ranks_of(self, part: usize) -> Range<usize> {
        let start = |part: usize| (part * self.threads).div_ceil(self.parts.max(1));
        start(part)..start(part + 1)
    }

    /// The parts that have a free thread: the one of the rank `start`, those after it, then those before it.
    /// Passes over the others 64 threads at a time.
    pub(super) fn with_free_thread(
        self,
        threads: &Threads,
        start: usize,
    ) -> impl Iterator<Item = usize> {
        let begin = self.ranks_of(self.part_of(start)).start;
        let first = move |ranks| threads.free_rank_in(ranks).map(|rank| self.part_of(rank));
        let halves = [begin..self.threads, 0..begin];
        halves.into_iter().flat_map(move |half| {
            let rest = move |part: &usize| first(self.ranks_of(*part).end..half.end);
            successors(first(half.clone()), rest)
        })
    }
}

/// What generators answer together whose parts are asked only while they have a free thread: the others are
/// as good as pending, for they could invoke nothing.
pub(super) fn answer_of(asked: Next, live: usize) -> Next {
    match asked {
        Next::Done if live > 0 => Next::Pending,
        asked => asked,
    }
}

/// Keeps to some threads. See [`GeneratorExt::on_threads`](super::GeneratorExt::on_threads).
pub struct OnThreads<G> {
    inner: G,
    wanted: Box<dyn Fn(usize) -> bool + Send>,
}

impl<G: Generator> OnThreads<G> {
    pub(super) fn new(inner: G, wanted: impl Fn(usize) -> bool + Send + 'static) -> Self {
        Self {
            inner,
            wanted: Box::new(wanted),
        }
    }
}

impl<G: Generator> Generator for OnThreads<G> {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        let view = context.threads.select(&self.wanted);
        self.inner.next(&mut context.with_threads(&view))
    }

    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        let thread = context.threads.thread_of_event(event);
        if thread.map_or(matches!(event.process, Process::Named(_)), &self.wanted) {
            let view = context.threads.select(&self.wanted);
            self.inner.update(&mut context.with_threads(&view), event);
        }
    }
}

/// See [`reserve`].
pub struct Reserve {
    /// By part: the rank after its last thread. The last part has all that are left.
    ends: Vec<usize>,
    parts: Vec<Box<dyn Generator>>,
}

/// The first `n` threads of the view for the first generator, the next for the second, and so on; all that
/// are left for `rest`. Where there are too few threads the last generators get none, and are done.
pub fn reserve(parts: Vec<(usize, Box<dyn Generator>)>, rest: Box<dyn Generator>) -> Reserve {
    let (sizes, mut parts): (Vec<usize>, Vec<_>) = parts.into_iter().unzip();
    parts.push(rest);
    let mut end = 0usize;
    let mut end_after = |size| {
        end = end.saturating_add(size);
        end
    };
    let mut ends: Vec<usize> = sizes.into_iter().map(&mut end_after).collect();
    ends.push(usize::MAX);
    Reserve { ends, parts }
}

impl Reserve {
    fn part_of(&self, rank: usize) -> usize {
        self.ends.partition_point(|end| *end <= rank)
    }

    fn ranks_of(&self, part: usize) -> Range<usize> {
        let before = part.checked_sub(1);
        before.map_or(0, |before| self.ends[before])..self.ends[part]
    }

    fn tell(&mut self, part: usize, context: &mut Context<'_>, event: &Event) {
        let ranks = self.ranks_of(part);
        tell_part(&mut self.parts[part], context, event, ranks);
    }
}

impl Generator for Reserve {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        let start = self.part_of(random_start(context));
        ask_in_turn(around(start, self.parts.len()), |part| {
            let ranks = self.ranks_of(part);
            ask_part(&mut self.parts[part], context, ranks)
        })
    }

    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        match Heard::of(context.threads, event) {
            Heard::Rank(rank) => self.tell(self.part_of(rank), context, event),
            Heard::All => (0..self.parts.len()).for_each(|part| self.tell(part, context, event)),
            Heard::Nobody => {}
        }
    }
}

/// See [`each_thread`].
pub struct EachThread<F> {
    make: F,
    /// By rank; `None` where it is done. Empty until the first ask.
    parts: Vec<Option<Box<dyn Generator>>>,
    /// How many are not known to be done.
    live: usize,
}

/// A generator of its own for every thread of the view, made by `make` from the thread's number. That of a
/// busy thread is not asked, and counts as pending until then.
pub fn each_thread<F>(make: F) -> EachThread<F>
where
    F: FnMut(usize) -> Box<dyn Generator> + Send,
{
    EachThread {
        make,
        parts: Vec::new(),
        live: 0,
    }
}

impl<F: FnMut(usize) -> Box<dyn Generator> + Send> EachThread<F> {
    fn ask(&mut self, rank: usize, context: &mut Context<'_>) -> Next {
        let slot = &mut self.parts[rank];
        let Some(part) = slot else {
            return Next::Done;
        };
        let next = ask_part(part, context, rank..rank + 1);
        if next == Next::Done {
            *slot = None;
            self.live -= 1;
        }
        next
    }

    fn tell(&mut self, rank: usize, context: &mut Context<'_>, event: &Event) {
        if let Some(Some(part)) = self.parts.get_mut(rank) {
            tell_part(part, context, event, rank..rank + 1);
        }
    }
}

impl<F: FnMut(usize) -> Box<dyn Generator> + Send> Generator for EachThread<F> {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        let threads = context.threads;
        if self.parts.is_empty() {
            let parts = threads.iter().map(|thread| Some((self.make)(thread)));
            self.parts = parts.collect();
            self.live = self.parts.len();
        }
        let split = Split {
            parts: self.parts.len(),
            threads: threads.count(),
        };
        let start = random_start(context);
        let asked = ask_in_turn(split.with_free_thread(threads, start), |rank| {
            self.ask(rank, context)
        });
        answer_of(asked, self.live)
    }

    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        match Heard::of(context.threads, event) {
            Heard::Rank(rank) => self.tell(rank, context, event),
            Heard::All => (0..self.parts.len()).for_each(|rank| self.tell(rank, context, event)),
            Heard::Nobody => {}
        }
    }
}

/// Who is told of an event where each has some of the threads.
pub(super) enum Heard {
    /// Whoever has the thread of this rank.
    Rank(usize),
    /// Everybody: it is not done by a client.
    All,
    /// Nobody: it is done by a client outside the view.
    Nobody,
}

impl Heard {
    pub(super) fn of(threads: &Threads, event: &Event) -> Self {
        if matches!(event.process, Process::Named(_)) {
            return Self::All;
        }
        let thread = threads.thread_of_event(event);
        let rank = thread.and_then(|thread| threads.rank(thread));
        rank.map_or(Self::Nobody, Self::Rank)
    }
}

impl<G: std::fmt::Debug> std::fmt::Debug for OnThreads<G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OnThreads").field(&self.inner).finish()
    }
}

impl std::fmt::Debug for Reserve {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Reserve").field(&self.ends).finish()
    }
}

impl<F> std::fmt::Debug for EachThread<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EachThread({})", self.parts.len())
    }
}
