//! Worker threads, and the processes that they run.

use rupture_checkers::history::{Event, Kind, Process};

#[derive(Clone, Debug, PartialEq, Eq)]
struct Worker {
    /// Whether this view has the thread at all.
    member: bool,
    free: bool,
    process: i64,
}

/// Worker threads: which are free, and the process that each runs now.
///
/// A thread runs one process after another. The first process of a thread has the thread's number; when an
/// operation ends `info`, its process may still be running in the system under test, so that the thread
/// takes a new one: the old number plus the number of threads (Jepsen's rule). A process therefore belongs
/// to the thread `process mod threads`, for ever.
///
/// A combinator that gives a generator only some of the threads hands it a *view*: all numbers stay, the
/// other threads are merely not [members](Self::contains).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threads {
    workers: Vec<Worker>,
    members: usize,
    free: usize,
}

impl Threads {
    /// `count` threads, all free, that run the processes `0..count`.
    pub fn new(count: usize) -> Self {
        let worker = |thread| Worker {
            member: true,
            free: true,
            process: thread as i64,
        };
        Self {
            workers: (0..count).map(worker).collect(),
            members: count,
            free: count,
        }
    }

    /// A view without any thread, to be filled by [`Self::restrict`].
    pub(crate) fn none() -> Self {
        Self::new(0)
    }

    /// How many threads this view has.
    pub fn count(&self) -> usize {
        self.members
    }

    /// How many threads of this view are free.
    pub fn free_count(&self) -> usize {
        self.free
    }

    /// Whether no thread of this view is busy.
    pub fn all_free(&self) -> bool {
        self.free == self.members
    }

    /// Whether the thread belongs to this view.
    pub fn contains(&self, thread: usize) -> bool {
        self.workers.get(thread).is_some_and(|worker| worker.member)
    }

    /// Whether the thread belongs to this view and is free.
    pub fn is_free(&self, thread: usize) -> bool {
        let free = |worker: &Worker| worker.member && worker.free;
        self.workers.get(thread).is_some_and(free)
    }

    /// The threads of this view, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        let members = self.workers.iter().enumerate();
        members.filter_map(|(thread, worker)| worker.member.then_some(thread))
    }

    /// The free threads of this view, ascending.
    pub fn free(&self) -> impl Iterator<Item = usize> {
        let workers = self.workers.iter().enumerate();
        workers.filter_map(|(thread, worker)| (worker.member && worker.free).then_some(thread))
    }

    /// The process that the thread runs now.
    ///
    /// # Panics
    /// When there is no such thread.
    pub fn process(&self, thread: usize) -> i64 {
        self.workers[thread].process
    }

    /// The thread that runs, or once ran, this process; `None` for a process that no thread runs (a
    /// negative number, or no threads at all).
    pub fn thread_of(&self, process: i64) -> Option<usize> {
        let process = usize::try_from(process).ok()?;
        process.checked_rem(self.workers.len())
    }

    /// The thread of this view that an event belongs to; `None` for the nemesis and for other threads.
    pub fn thread_of_event(&self, event: &Event) -> Option<usize> {
        let Process::Client(process) = event.process else {
            return None;
        };
        let thread = self.thread_of(process)?;
        self.contains(thread).then_some(thread)
    }

    /// A free thread takes up an operation; returns the process that runs it.
    ///
    /// # Panics
    /// When there is no such thread or it is busy: whoever keeps the threads asked for it.
    pub fn begin(&mut self, thread: usize) -> i64 {
        let worker = &mut self.workers[thread];
        assert!(worker.free, "thread {thread} is busy");
        worker.free = false;
        self.free -= usize::from(worker.member);
        worker.process
    }

    /// A busy thread's operation ended; after `info` the thread runs a new process.
    ///
    /// # Panics
    /// When there is no such thread or it is free.
    pub fn complete(&mut self, thread: usize, kind: Kind) {
        let count = self.workers.len() as i64;
        let worker = &mut self.workers[thread];
        assert!(!worker.free, "thread {thread} runs no operation");
        worker.free = true;
        self.free += usize::from(worker.member);
        if kind == Kind::Info {
            worker.process += count;
        }
    }

    /// Makes this the view of those threads of `from` that are wanted.
    pub(crate) fn restrict(&mut self, from: &Self, wanted: impl Fn(usize) -> bool) {
        self.workers.clone_from(&from.workers);
        (self.members, self.free) = (0, 0);
        for (thread, worker) in self.workers.iter_mut().enumerate() {
            worker.member = worker.member && wanted(thread);
            self.members += usize::from(worker.member);
            self.free += usize::from(worker.member && worker.free);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_moves_on_after_info_and_only_then() {
        let mut threads = Threads::new(3);
        for (kind, next) in [
            (Kind::Ok, 1),
            (Kind::Fail, 1),
            (Kind::Info, 4),
            (Kind::Info, 7),
        ] {
            let process = threads.begin(1);
            assert!(!threads.is_free(1) && !threads.all_free());
            threads.complete(1, kind);
            assert_eq!(threads.process(1), next);
            assert_eq!(threads.thread_of(process), Some(1));
        }
        assert_eq!(threads.thread_of(-1), None);
        assert_eq!(Threads::new(0).thread_of(0), None);
    }

    #[test]
    fn a_view_counts_its_own_threads_only() {
        let mut threads = Threads::new(4);
        threads.begin(2);
        threads.begin(3);
        let mut view = Threads::none();
        view.restrict(&threads, |thread| thread > 0 && thread < 3);
        assert_eq!((view.count(), view.free_count()), (2, 1));
        assert_eq!(view.iter().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(view.free().collect::<Vec<_>>(), [1]);
        assert!(!view.contains(0) && !view.is_free(0) && !view.is_free(2));
        let mut inner = Threads::none();
        inner.restrict(&view, |_| true);
        assert_eq!(inner, view);
    }
}
