//! Generators that end another: after some operations, some time, or some result.

use std::collections::BTreeSet;

use crate::history::{Event, Kind};

use super::{Context, Generator, Next};

/// At most so many operations. See [`GeneratorExt::limit`](super::GeneratorExt::limit).
#[derive(Clone, Debug)]
pub struct Limit<G> {
    inner: G,
    left: u64,
}

impl<G: Generator> Limit<G> {
    pub(super) fn new(inner: G, count: u64) -> Self {
        Self { inner, left: count }
    }
}

impl<G: Generator> Generator for Limit<G> {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        if self.left == 0 {
            return Next::Done;
        }
        let next = self.inner.next(context);
        self.left -= u64::from(matches!(next, Next::Invoke(_)));
        next
    }

    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        self.inner.update(context, event);
    }
}

/// Ends at a time. See [`GeneratorExt::time_limit`](super::GeneratorExt::time_limit).
#[derive(Clone, Debug)]
pub struct TimeLimit<G> {
    inner: G,
    span_ns: u64,
    deadline_ns: Option<u64>,
}

impl<G: Generator> TimeLimit<G> {
    pub(super) fn new(inner: G, span_ns: u64) -> Self {
        Self {
            inner,
            span_ns,
            deadline_ns: None,
        }
    }
}

impl<G: Generator> Generator for TimeLimit<G> {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        let deadline = context.now_ns.saturating_add(self.span_ns);
        let deadline = *self.deadline_ns.get_or_insert(deadline);
        if context.now_ns >= deadline {
            return Next::Done;
        }
        match self.inner.next(context) {
            Next::WaitUntil(at) => Next::WaitUntil(at.min(deadline)),
            // The deadline may come before any event does.
            Next::Pending => Next::WaitUntil(deadline),
            next => next,
        }
    }

    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        self.inner.update(context, event);
    }
}

/// At most so many processes. See [`GeneratorExt::process_limit`](super::GeneratorExt::process_limit).
#[derive(Clone, Debug)]
pub struct ProcessLimit<G> {
    inner: G,
    most: usize,
    /// Every process that a thread of the view ran when the inner generator was asked.
    seen: BTreeSet<i64>,
    /// How many processes had ended `info` then; `None` before the first ask.
    retired: Option<u64>,
}

impl<G: Generator> ProcessLimit<G> {
    pub(super) fn new(inner: G, most: usize) -> Self {
        Self {
            inner,
            most,
            seen: BTreeSet::new(),
            retired: None,
        }
    }
}

impl<G: Generator> Generator for ProcessLimit<G> {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        let retired = Some(context.threads.retired());
        if self.retired != retired {
            self.retired = retired;
            self.seen.extend(context.threads.processes());
        }
        if self.seen.len() > self.most {
            return Next::Done;
        }
        self.inner.next(context)
    }

    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        self.inner.update(context, event);
    }
}

/// Ends at a result. See [`GeneratorExt::until`](super::GeneratorExt::until).
///
/// Only operations that came from the inner generator count: another part of the same test may well read
/// the same value without having been waited for.
pub struct Until<G> {
    inner: G,
    holds: Box<dyn FnMut(&Event) -> bool + Send>,
    /// By thread: whether it runs an operation of ours.
    ours: Vec<bool>,
    done: bool,
}

impl<G: Generator> Until<G> {
    pub(super) fn new(inner: G, holds: impl FnMut(&Event) -> bool + Send + 'static) -> Self {
        Self {
            inner,
            holds: Box::new(holds),
            ours: Vec::new(),
            done: false,
        }
    }

    fn mark(&mut self, thread: usize) {
        if self.ours.len() <= thread {
            self.ours.resize(thread + 1, false);
        }
        self.ours[thread] = true;
    }

    /// Whether the event completes an operation of ours.
    fn completes(&mut self, context: &Context<'_>, event: &Event) -> bool {
        let thread = context.threads.thread_of_event(event);
        let ours = thread.and_then(|thread| self.ours.get_mut(thread));
        event.kind != Kind::Invoke && ours.is_some_and(std::mem::take)
    }
}

impl<G: Generator> Generator for Until<G> {
    fn next(&mut self, context: &mut Context<'_>) -> Next {
        if self.done {
            return Next::Done;
        }
        let next = self.inner.next(context);
        if let Next::Invoke(invocation) = &next {
            self.mark(invocation.thread);
        }
        next
    }

    fn update(&mut self, context: &mut Context<'_>, event: &Event) {
        if self.completes(context, event) && event.kind == Kind::Ok {
            self.done = self.done || (self.holds)(event);
        }
        self.inner.update(context, event);
    }
}

impl<G: std::fmt::Debug> std::fmt::Debug for Until<G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Until")
            .field("inner", &self.inner)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}
