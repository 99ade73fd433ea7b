//! Generators that have some of the threads to themselves.

use crate::history::{Event, Process};

use super::{Context, Generator, Next, Threads, around, ask_in_turn};

/// A generator, and the view of the threads that it is given.
pub(super) struct Confined<G> {
    pub(super) inner: G,
    view: Threads,
}

impl<G: Generator> Confined<G> {
    pub(super) fn new(inner: G) -> Self {
        Self {
            inner,
            view: Threads::none(),
        }
    }

    pub(super) fn next(
        &mut self,
        context: &mut Context<'_>,
        wanted: impl Fn(usize) -> bool,
    ) -> Next {
        self.view.restrict(context.threads, wanted);
        self.inner.next(&mut context.with_threads(&self.view))
    }

    /// Passes on what clients of the view do, and everything that is not done by clients.
    pub(super) fn update(
        &mut self,
        context: &mut Context<'_>,
        event: &Event,
        wanted: impl Fn(usize) -> bool,
    ) {
        let thread = context.threads.thread_of_event(event);
        let heard = match event.process {
            Process::Client(_) => thread.is_some_and(&wanted),
            Process::Named(_) => true,
        };
        if heard {
            self.view.restrict(context.threads, wanted);
            self.inner
                .update(&mut context.with_threads(&self.view), event);
        }
    }
}

/// Keeps to some threads. See [`GeneratorExt::on_threads`](super::GeneratorExt::on_threads).
pub struct OnThreads<G> {
    inner: Confined<G>,
    wanted: Box<dyn Fn(usize) -> bool + Send>,
}

impl<G: Generator> OnThreads<G> {
    pub(super) fn new(inner: G, wanted: impl Fn(usize) -> bool + Send + 'static) -> Self {
        Self {
            inner: Confined::new(inner),
            wanted: Box::new(wanted),
        }
    }
}

impl<G: Generator> Generator for OnThreads<G> {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        self.inner.next(context, &self.wanted)
    }

    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        self.inner.update(context, event, &self.wanted);
    }
}

/// See [`reserve`].
pub struct Reserve {
    sizes: Vec<usize>,
    parts: Vec<Confined<Box<dyn Generator>>>,
    /// By thread: the part that it belongs to. Empty until the first ask shows what threads there are.
    part_of: Vec<usize>,
}

/// The first `n` threads of the view for the first generator, the next for the second, and so on; all that
/// are left for `rest`. Where there are too few threads the last generators get none, and are done.
pub fn reserve(parts: Vec<(usize, Box<dyn Generator>)>, rest: Box<dyn Generator>) -> Reserve {
    let (sizes, mut inner): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    inner.push(rest);
    Reserve {
        sizes,
        parts: inner.into_iter().map(Confined::new).collect(),
        part_of: Vec::new(),
    }
}

impl Reserve {
    fn assign(&mut self, threads: &Threads) {
        let rest = self.sizes.len();
        let sizes = self.sizes.iter().enumerate();
        let mut owners = sizes.flat_map(|(part, &size)| std::iter::repeat_n(part, size));
        for thread in threads.iter() {
            self.part_of.resize(thread, rest);
            self.part_of.push(owners.next().unwrap_or(rest));
        }
    }
}

impl Generator for Reserve {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        if self.part_of.is_empty() {
            self.assign(context.threads);
        }
        // The part of a random free thread comes first, so that all get their share of one pace.
        let start = context
            .any_free_thread()
            .map_or(0, |thread| self.part_of[thread]);
        ask_in_turn(around(start, self.parts.len()), |part| {
            self.parts[part].next(context, |thread| self.part_of[thread] == part)
        })
    }

    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        for (number, part) in self.parts.iter_mut().enumerate() {
            part.update(context, event, |thread| {
                self.part_of.get(thread) == Some(&number)
            });
        }
    }
}

/// See [`each_thread`].
pub struct EachThread<F> {
    make: F,
    /// By thread; `None` for threads outside the view. Empty until the first ask.
    parts: Vec<Option<Confined<Box<dyn Generator>>>>,
}

/// A generator of its own for every thread of the view, made by `make` from the thread's number.
pub fn each_thread<F>(make: F) -> EachThread<F>
where
    F: FnMut(usize) -> Box<dyn Generator> + Send,
{
    EachThread {
        make,
        parts: Vec::new(),
    }
}

impl<F: FnMut(usize) -> Box<dyn Generator> + Send> Generator for EachThread<F> {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        if self.parts.is_empty() {
            for thread in context.threads.iter() {
                self.parts.resize_with(thread, || None);
                self.parts.push(Some(Confined::new((self.make)(thread))));
            }
        }
        let start = context.any_free_thread().unwrap_or(0);
        ask_in_turn(around(start, self.parts.len()), |thread| {
            match &mut self.parts[thread] {
                Some(part) => part.next(context, |other| other == thread),
                None => Next::Done,
            }
        })
    }

    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        for (thread, part) in self.parts.iter_mut().enumerate() {
            if let Some(part) = part {
                part.update(context, event, |other| other == thread);
            }
        }
    }
}

impl<G: std::fmt::Debug> std::fmt::Debug for OnThreads<G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OnThreads").field(&self.inner.inner).finish()
    }
}

impl std::fmt::Debug for Reserve {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Reserve").field(&self.sizes).finish()
    }
}

impl<F> std::fmt::Debug for EachThread<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EachThread({})", self.parts.len())
    }
}
