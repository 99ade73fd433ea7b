//! What k-atomicity asks of the order of writes alone; the reads then fit in by themselves.
//!
//! For a cluster `c` let `b(c)` be the begin of its write, `f(c)` its first end and `s(c)` its last begin, and in
//! an order of all clusters' writes let `p(c)` be the place of its write.
//!
//! **Theorem.** A history of clusters is k-atomic exactly when its writes have an order such that
//! 1. `x` comes before `y` whenever `f(x) < b(y)`, and
//! 2. `p(x) - p(w) < k` whenever `f(x) < s(w)`.
//!
//! *Necessary*: if `f(x) < b(y)` then x's write, or a read of it, ended before y's write began, and either comes
//! before y's write. If `f(x) < s(w)` then likewise x's write comes before some read of `w`, or before w's write
//! itself; that read has at most `k - 1` writes between its own and itself, and x's is not before or one of those.
//!
//! *Sufficient*: put every read of `w` behind the write at the greatest place among `p(w)` and all `p(x)` with
//! `f(x)` before the read's invocation, and reads behind the same write in the order of their invocations. By 2
//! there are fewer than k writes from its own on. An operation that ended before the read began has its first
//! end before that too, so it is not behind the read (of reads, because the greatest place can only grow with the
//! invocation). A write `y` that began after the read ended is behind it, because all those `x`, and `w`, have their
//! first ends before `b(y)`, so by 1 their places are before y's.
//!
//! So an algorithm may forget the reads but for these three moments of each cluster.
//!
//! For k >= 3 no polynomial algorithm is published. This one searches: it places writes from the first to the
//! last, depth first, with a stack of its own. What matters of the writes that were placed is which of those that
//! remain they allow, and how soon they ask for others: while `w` is among the last k - 1, all `x` with
//! `f(x) < s(w)` must follow before it is the k-th. Such configurations are remembered, so that each is
//! looked at once. One is given up as soon as more writes are due within a number of places than there are places.

use rustc_hash::FxHashSet;

use super::clusters::{Cluster, Moment};
use super::ring::Ring;
use super::search::{Clock, Found};

/// Decides whether a chunk, which is in the order of first ends, is k-atomic.
pub(super) fn decide(chunk: &[Cluster], k: u32, clock: &mut Clock<'_, '_>) -> Found {
    let mut search = Search::new(chunk, k as usize);
    search.run(clock)
}

/// A write that was placed, and what else could have been.
#[derive(Clone, Copy, Debug)]
struct Frame {
    write: u32,
    /// The first write that remained before this one was placed.
    first: u32,
    /// From where on its candidates lie among all candidates, and the next of them.
    from: u32,
    next: u32,
}

struct Search<'a> {
    chunk: &'a [Cluster],
    k: usize,
    /// How many first ends come before each cluster's last begin.
    due: Vec<u32>,
    placed: Vec<bool>,
    order: Vec<u32>,
    /// The first write, in the order of first ends, that remains.
    first: usize,
    /// The writes behind it that were placed, sorted.
    ahead: Vec<u32>,
    /// What remains, the write that began last first.
    by_begin: Ring,
    frames: Vec<Frame>,
    candidates: Vec<u32>,
    known: FxHashSet<Box<[u32]>>,
    /// The configuration that is being looked at.
    key: Vec<u32>,
    bytes: usize,
}

impl<'a> Search<'a> {
    fn new(chunk: &'a [Cluster], k: usize) -> Self {
        let ends: Vec<Moment> = chunk.iter().map(|cluster| cluster.first_end).collect();
        let due = |cluster: &Cluster| ends.partition_point(|&end| end < cluster.last_begin) as u32;
        Self {
            chunk,
            k,
            due: chunk.iter().map(due).collect(),
            placed: vec![false; chunk.len()],
            order: Vec::with_capacity(chunk.len()),
            first: 0,
            ahead: Vec::new(),
            by_begin: Ring::new(chunk, |cluster| cluster.begin),
            frames: Vec::new(),
            candidates: Vec::new(),
            known: FxHashSet::default(),
            key: Vec::new(),
            bytes: 0,
        }
    }

    fn run(&mut self, clock: &mut Clock<'_, '_>) -> Found {
        let mut from = self.collect();
        let mut next = from;
        loop {
            if self.order.len() == self.chunk.len() {
                return Found::Order(self.order.clone());
            }
            if next < self.candidates.len() {
                let frame = Frame {
                    write: self.candidates[next],
                    first: self.first as u32,
                    from: from as u32,
                    next: next as u32 + 1,
                };
                self.place(frame);
                if !clock.tick(1) || !clock.holds(self.bytes) {
                    return Found::Stopped;
                }
                if self.is_hopeful() && self.is_new() {
                    from = self.collect();
                    next = from;
                    continue;
                }
            } else if self.frames.is_empty() {
                return Found::None;
            } else {
                self.candidates.truncate(from);
            }
            let frame = self.take_back();
            from = frame.from as usize;
            next = frame.next as usize;
        }
    }

    /// Appends the writes that may come next, those whose cluster ends first before the others.
    fn collect(&mut self) -> usize {
        let from = self.candidates.len();
        let Some(first) = self.chunk.get(self.first) else {
            return from;
        };
        // The initial value begins and ends at once.
        let early = |write: &u32| self.chunk[*write as usize].begin <= first.first_end;
        self.candidates
            .extend(self.by_begin.backwards().take_while(early));
        self.candidates[from..].sort_unstable();
        from
    }

    fn place(&mut self, frame: Frame) {
        let write = frame.write;
        self.frames.push(frame);
        self.order.push(write);
        self.placed[write as usize] = true;
        self.by_begin.remove(write);
        if write as usize != self.first {
            let at = self.ahead.partition_point(|&other| other < write);
            self.ahead.insert(at, write);
            return;
        }
        let mut passed = 0;
        self.first += 1;
        while self.placed.get(self.first) == Some(&true) {
            self.first += 1;
            passed += 1;
        }
        self.ahead.drain(..passed);
    }

    fn take_back(&mut self) -> Frame {
        let Some(frame) = self.frames.pop() else {
            return Frame {
                write: 0,
                first: 0,
                from: 0,
                next: u32::MAX,
            };
        };
        let write = frame.write;
        self.order.pop();
        self.by_begin.restore(write);
        self.placed[write as usize] = false;
        if write == frame.first {
            let passed = write + 1..self.first as u32;
            self.ahead.splice(..0, passed);
            self.first = write as usize;
        } else {
            self.ahead.retain(|&other| other != write);
        }
        frame
    }

    /// Whether what the last writes ask for fits into the places that are left for it. Builds the key of the
    /// configuration meanwhile.
    fn is_hopeful(&mut self) -> bool {
        self.key.clear();
        self.key.push(self.first as u32);
        let last = self.order.len();
        let mut due = 0;
        for at in last.saturating_sub(self.k)..last {
            due = due.max(self.due[self.order[at] as usize]);
            let places = at + self.k - last;
            let open = due as usize > self.first;
            if open {
                let early = self.ahead.partition_point(|&other| other < due);
                if due as usize - self.first - early > places {
                    return false;
                }
            }
            // What is asked for within the same places by fewer writes is a configuration of its own.
            if places > 0 {
                self.key.push(if open { due } else { 0 });
            }
        }
        true
    }

    fn is_new(&mut self) -> bool {
        self.key.extend_from_slice(&self.ahead);
        let new = self.known.insert(self.key.as_slice().into());
        if new {
            self.bytes += self.key.len() * 4 + 40;
        }
        new
    }
}
