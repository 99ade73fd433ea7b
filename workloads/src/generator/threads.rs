//! Worker threads, and the processes that they run.

use std::ops::Range;
use std::sync::Arc;

use rupture_checkers::history::{Event, Kind, Process};

/// How many threads a word of [`Pool::free`] holds.
const BITS: usize = u64::BITS as usize;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Worker {
    thread: usize,
    process: i64,
}

/// Some threads, by their place in the order of their numbers.
#[derive(Clone, Debug)]
struct Pool {
    /// How many threads there are in the whole run, whether or not they are in this pool.
    total: usize,
    workers: Vec<Worker>,
    /// A bit for each worker: whether it is free.
    free: Vec<u64>,
    /// How many processes ended `info`.
    retired: u64,
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
///
/// A generator is asked once or more for every operation, so that nothing here may cost a step for each of
/// ten thousand threads. Views share what they look at, and a view of neighbours is made without looking at
/// each; free threads are found 64 at a time. A view lives for one ask: one that is kept makes
/// [`Self::begin`] and [`Self::complete`] copy all threads.
#[derive(Clone, Debug)]
pub struct Threads {
    pool: Arc<Pool>,
    /// The place in the pool of the first member; the members are neighbours there.
    first: usize,
    members: usize,
    free: usize,
}

impl Threads {
    /// `count` threads, all free, that run the processes `0..count`.
    pub fn new(count: usize) -> Self {
        let worker = |thread| Worker {
            thread,
            process: thread as i64,
        };
        Self::of_pool(Pool {
            total: count,
            workers: (0..count).map(worker).collect(),
            free: vec![u64::MAX; count.div_ceil(BITS)],
            retired: 0,
        })
    }

    /// The view of all threads of a pool.
    fn of_pool(pool: Pool) -> Self {
        let members = pool.workers.len();
        Self {
            free: pool.count_free(0..members),
            pool: Arc::new(pool),
            first: 0,
            members,
        }
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
        self.rank(thread).is_some()
    }

    /// Whether the thread belongs to this view and is free.
    pub fn is_free(&self, thread: usize) -> bool {
        self.rank(thread)
            .is_some_and(|rank| self.pool.is_free(self.first + rank))
    }

    /// The threads of this view, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.workers().iter().map(|worker| worker.thread)
    }

    /// The free threads of this view, ascending.
    pub fn free(&self) -> impl Iterator<Item = usize> {
        let places = self.places(0..self.members);
        let words = self.pool.free_words(places);
        let free = words.flat_map(|(place, word)| bits(word).map(move |bit| place + bit));
        free.map(|place| self.pool.workers[place].thread)
    }

    /// The free thread before which there are `number` others; `None` where there are not so many.
    pub(super) fn nth_free(&self, mut number: usize) -> Option<usize> {
        for (place, word) in self.pool.free_words(self.places(0..self.members)) {
            let count = word.count_ones() as usize;
            if number < count {
                let bit = bits(word).nth(number)?;
                return Some(self.pool.workers[place + bit].thread);
            }
            number -= count;
        }
        None
    }

    /// How many threads of this view come before this one; `None` for one that is not in it.
    pub(super) fn rank(&self, thread: usize) -> Option<usize> {
        let is_it = |worker: &Worker| worker.thread == thread;
        // Where no thread is left out, each is at the place of its number.
        if self.pool.workers.get(thread).is_some_and(is_it) {
            let rank = thread.checked_sub(self.first);
            return rank.filter(|rank| *rank < self.members);
        }
        let by_thread = |worker: &Worker| worker.thread.cmp(&thread);
        self.workers().binary_search_by(by_thread).ok()
    }

    /// The rank of the first free thread among those of these ranks.
    pub(super) fn free_rank_in(&self, ranks: Range<usize>) -> Option<usize> {
        let mut words = self.pool.free_words(self.places(ranks));
        let (place, word) = words.find(|(_, word)| *word != 0)?;
        Some(place + word.trailing_zeros() as usize - self.first)
    }

    /// The process that the thread runs now.
    ///
    /// # Panics
    /// When this view has no such thread.
    pub fn process(&self, thread: usize) -> i64 {
        self.pool.workers[self.place(thread)].process
    }

    /// The processes of this view's threads.
    pub(super) fn processes(&self) -> impl Iterator<Item = i64> {
        self.workers().iter().map(|worker| worker.process)
    }

    /// How many processes ended `info`, of this view or of others. While it stays, no thread has a new one.
    pub(super) fn retired(&self) -> u64 {
        self.pool.retired
    }

    /// The thread that runs, or once ran, this process; `None` for a process that no thread runs (a
    /// negative number, or no threads at all).
    pub fn thread_of(&self, process: i64) -> Option<usize> {
        let process = usize::try_from(process).ok()?;
        process.checked_rem(self.pool.total)
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
    /// When this view has no such thread or it is busy: whoever keeps the threads asked for it.
    pub fn begin(&mut self, thread: usize) -> i64 {
        let place = self.place(thread);
        assert!(self.pool.is_free(place), "thread {thread} is busy");
        let pool = Arc::make_mut(&mut self.pool);
        pool.free[place / BITS] ^= 1 << (place % BITS);
        self.free -= 1;
        pool.workers[place].process
    }

    /// A busy thread's operation ended; after `info` the thread runs a new process.
    ///
    /// # Panics
    /// When this view has no such thread or it is free.
    pub fn complete(&mut self, thread: usize, kind: Kind) {
        let place = self.place(thread);
        let free = self.pool.is_free(place);
        assert!(!free, "thread {thread} runs no operation");
        let pool = Arc::make_mut(&mut self.pool);
        pool.free[place / BITS] ^= 1 << (place % BITS);
        self.free += 1;
        if kind == Kind::Info {
            pool.workers[place].process += pool.total as i64;
            pool.retired += 1;
        }
    }

    /// The view of the threads of these ranks, as far as there are such. Costs a step for every 64 of them.
    pub(super) fn part(&self, ranks: Range<usize>) -> Self {
        let places = self.places(ranks);
        Self {
            pool: self.pool.clone(),
            first: places.start,
            members: places.len(),
            free: self.pool.count_free(places),
        }
    }

    /// The view of those threads that are wanted. Costs a step for each thread of this one.
    pub(super) fn select(&self, wanted: impl Fn(usize) -> bool) -> Self {
        let mut pool = Pool {
            total: self.pool.total,
            workers: Vec::new(),
            free: Vec::new(),
            retired: self.pool.retired,
        };
        let workers = self.workers().iter().enumerate();
        for (rank, worker) in workers.filter(|(_, worker)| wanted(worker.thread)) {
            let place = pool.workers.len();
            pool.workers.push(worker.clone());
            pool.free.resize(place / BITS + 1, 0);
            let free = self.pool.is_free(self.first + rank);
            pool.free[place / BITS] |= u64::from(free) << (place % BITS);
        }
        Self::of_pool(pool)
    }

    /// The members, ascending.
    fn workers(&self) -> &[Worker] {
        &self.pool.workers[self.places(0..self.members)]
    }

    /// Where in the pool the members of these ranks are, as far as there are such.
    fn places(&self, ranks: Range<usize>) -> Range<usize> {
        let end = ranks.end.min(self.members);
        self.first + ranks.start.min(end)..self.first + end
    }

    fn place(&self, thread: usize) -> usize {
        let rank = self.rank(thread);
        assert!(rank.is_some(), "this view has no thread {thread}");
        self.first + rank.unwrap_or_default()
    }
}

impl PartialEq for Threads {
    /// Whether the same threads of as many run the same processes and are free, whatever the views are of.
    fn eq(&self, other: &Self) -> bool {
        self.pool.total == other.pool.total
            && self.workers() == other.workers()
            && self.free().eq(other.free())
    }
}

impl Eq for Threads {}

impl Pool {
    fn is_free(&self, place: usize) -> bool {
        self.free[place / BITS] >> (place % BITS) & 1 == 1
    }

    /// For every 64 workers of which some are at these places: the first of the 64, and which of those that
    /// are at these places are free.
    fn free_words(&self, places: Range<usize>) -> impl Iterator<Item = (usize, u64)> {
        let Range { start, end } = places;
        (start / BITS..end.div_ceil(BITS)).map(move |index| {
            let base = index * BITS;
            let below = |place: usize| match place.saturating_sub(base) {
                count if count < BITS => (1 << count) - 1,
                _ => u64::MAX,
            };
            (base, self.free[index] & below(end) & !below(start))
        })
    }

    fn count_free(&self, places: Range<usize>) -> usize {
        let words = self.free_words(places);
        words.map(|(_, word)| word.count_ones() as usize).sum()
    }
}

/// The places of the bits that are set, ascending.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = word.trailing_zeros();
        word &= word.checked_sub(1)?;
        Some(lowest as usize)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

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
        assert_eq!(threads.retired(), 2);
        assert_eq!(threads.thread_of(-1), None);
        assert_eq!(Threads::new(0).thread_of(0), None);
    }

    #[test]
    fn a_view_counts_its_own_threads_only() {
        let mut threads = Threads::new(4);
        threads.begin(2);
        threads.begin(3);
        let view = threads.select(|thread| thread > 0 && thread < 3);
        assert_eq!((view.count(), view.free_count()), (2, 1));
        assert_eq!(view.iter().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(view.free().collect::<Vec<_>>(), [1]);
        assert!(!view.contains(0) && !view.is_free(0) && !view.is_free(2));
        assert_eq!(view.select(|_| true), view);
        assert_eq!(threads.part(1..3), view);
        assert_ne!(threads.part(0..2), view);
    }

    #[test]
    fn a_view_is_of_one_moment() {
        let mut threads = Threads::new(2);
        let view = threads.part(0..2);
        threads.begin(0);
        assert!(view.is_free(0) && !threads.is_free(0));
    }

    /// Views of views against sets of numbers, with words that are full, empty and cut at either end.
    #[test]
    fn a_view_has_the_threads_and_the_free_ones_that_a_set_would() {
        let mut threads = Threads::new(200);
        for thread in (0..200).filter(|thread| thread % 7 < 3 || (70..140).contains(thread)) {
            threads.begin(thread);
        }
        for modulus in [1, 2, 5] {
            let some = threads.select(|thread| thread % modulus == 0);
            let all: Vec<usize> = (0..200).filter(|thread| thread % modulus == 0).collect();
            for (start, end) in (0..=all.len()).flat_map(|end| (0..=end).map(move |s| (s, end))) {
                agrees(&some.part(start..end), &threads, &all[start..end]);
            }
            assert_eq!(some.part(0..usize::MAX), some);
        }
    }

    fn agrees(view: &Threads, threads: &Threads, members: &[usize]) {
        let is_free = |thread: &&usize| threads.is_free(**thread);
        let free: Vec<usize> = members.iter().filter(is_free).copied().collect();
        assert_eq!(view.count(), members.len());
        assert_eq!(view.free_count(), free.len());
        assert!(view.iter().eq(members.iter().copied()));
        assert!(view.free().eq(free.iter().copied()));
        let first = view.free_rank_in(0..members.len());
        assert_eq!(first.map(|rank| members[rank]), free.first().copied());
        let last = free.len().wrapping_sub(1);
        assert_eq!(view.nth_free(last), free.last().copied());
        assert_eq!(view.nth_free(free.len()), None);
        let ends: BTreeSet<usize> = members
            .first()
            .into_iter()
            .chain(members.last())
            .copied()
            .collect();
        for &thread in &ends {
            assert_eq!(view.rank(thread), members.binary_search(&thread).ok());
            assert!(!view.contains(thread + 200));
        }
        assert!(
            ends.iter()
                .all(|end| *end == 0 || !view.contains(end - 1) || members.contains(&(end - 1)))
        );
    }
}
