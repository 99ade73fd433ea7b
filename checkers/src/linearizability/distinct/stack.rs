//! Stacks whose values are all pushed once.
//!
//! Theorem (after Lee & Mathur 2025, section 5, and Abdulla et al. 2025). A value whose push and pop overlap
//! can be pushed and popped in one moment and stands in nobody's way. Any other is there for certain from
//! the completion of its push to the invocation of its pop. Where a gap is not covered by any such stretch,
//! everything that ends before it can be done before it and the rest after it, so what lies on either side
//! is decided apart, and a pop may have found nothing there. Within a stretch of covered gaps `a..b` the
//! stack is never empty, so one value lies at the bottom all the time: one whose push was invoked before `a`
//! and whose pop completed after `b`. If there is none, there is no order. If there is one, any will do: the
//! others can be moved to between its push and its pop, so without it the rest has an order if the whole
//! has. It is taken away, which may uncover gaps, and so on inwards.
//!
//! Each value is taken away once. The gaps that its stretch uncovers and the next bottom are found in
//! segment trees, so all takes O(n log n) time. The stretches are visited from left to right, an outer one
//! before those within it, so that their beginnings never go back: what was once pushed early enough to be
//! a bottom stays so, and values enter the second tree in the order of their pushes.

use super::Found;
use super::cover::{Cover, chain};
use super::facts::{Act, Facts};
use super::points::Points;
use super::priority::filled;
use super::stays::{Stay, core};
use super::trees::{Counts, Greatest};

const NOBODY: u32 = u32::MAX;

/// Decides a stack.
pub(super) fn decide(facts: &Facts<'_>, stays: &[Stay]) -> Found {
    let mut cover = Cover::new(facts.events + 2);
    for stay in stays.iter().filter(|stay| stay.is_certain()) {
        cover.add(stay.came.1, stay.left.0);
    }
    let mut empties = Vec::new();
    for (at, fact) in (0..).zip(&facts.list) {
        if fact.act == Act::Empty {
            let gap = cover.free(fact.from);
            if gap >= fact.to {
                return Found::violation(facts, filled(stays, at, fact));
            }
            empties.push((gap, fact.call));
        }
    }
    empties.sort_unstable();
    drop(cover);
    match Nest::new(facts, stays).unfold(&empties) {
        Ok(order) => Found::Order(order),
        Err(core) => Found::violation(facts, core),
    }
}

/// What is to be done next.
enum Task {
    /// Decide the values whose stretches begin in these segments.
    Inside(u32, u32),
    /// Pop this value in this gap.
    Pop(u32, u32),
}

/// The certain stretches that are left, cut into segments at all their ends.
struct Nest<'a> {
    facts: &'a Facts<'a>,
    stays: &'a [Stay],
    /// The events at which segments begin, ascending.
    cuts: Vec<u32>,
    /// The value whose stretch begins with a segment, if one is left.
    begins: Vec<u32>,
    counts: Counts,
    bottoms: Greatest,
    /// Values in the order of invocation that are not yet in `bottoms`.
    waiting: std::iter::Peekable<std::vec::IntoIter<u32>>,
    /// The first segment from each on in which a stretch may begin.
    next: Cover,
}

impl<'a> Nest<'a> {
    fn new(facts: &'a Facts<'a>, stays: &'a [Stay]) -> Self {
        let certain: Vec<u32> = (0..stays.len() as u32)
            .filter(|&at| stays[at as usize].is_certain())
            .collect();
        let ends = |&at: &u32| [stays[at as usize].came.1, stays[at as usize].left.0];
        let mut cuts: Vec<u32> = certain.iter().flat_map(ends).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let mut nest = Self {
            facts,
            stays,
            begins: vec![NOBODY; cuts.len()],
            counts: Counts::new(cuts.len()),
            bottoms: Greatest::new(cuts.len()),
            waiting: Vec::new().into_iter().peekable(),
            next: Cover::new(cuts.len() as u32),
            cuts,
        };
        for &at in &certain {
            let (from, to) = nest.segments(at);
            nest.begins[from as usize] = at;
            nest.counts.change(from, to, 1);
        }
        for segment in 0..nest.cuts.len() as u32 {
            if nest.begins[segment as usize] == NOBODY {
                nest.next.add(segment, segment + 1);
            }
        }
        nest.waiting = certain.into_iter().peekable();
        nest
    }

    fn segment(&self, event: u32) -> u32 {
        self.cuts.partition_point(|&cut| cut < event) as u32
    }

    /// The segments of a value's stretch, the last one excluded.
    fn segments(&self, at: u32) -> (u32, u32) {
        let stay = &self.stays[at as usize];
        (self.segment(stay.came.1), self.segment(stay.left.0))
    }

    /// Takes away one bottom after another, and gives the order of all operations.
    fn unfold(mut self, empties: &[(u32, u32)]) -> Result<Vec<u32>, Vec<u32>> {
        let mut points = Points::with_capacity(self.facts.list.len());
        self.pass_through(&mut points);
        let mut empties = empties.iter().peekable();
        let mut tasks = vec![Task::Inside(0, self.cuts.len() as u32)];
        let mut depth = 0;
        while let Some(task) = tasks.pop() {
            let (from, to) = match task {
                Task::Inside(from, to) => (from, to),
                Task::Pop(at, gap) => {
                    depth -= 1;
                    if let Some(take) = self.stays[at as usize].take {
                        points.push(gap, self.facts.list[take as usize].call);
                    }
                    continue;
                }
            };
            let begin = self.next.free(from);
            if begin >= to {
                continue;
            }
            let end = self.counts.first_zero(begin);
            let (first, last) = (self.cuts[begin as usize], self.cuts[end as usize]);
            if depth == 0 {
                while let Some(&(gap, call)) = empties.next_if(|empty| empty.0 < first) {
                    points.push(gap, call);
                }
            }
            let Some(bottom) = self.bottom(begin, end, first, last) else {
                return Err(self.without_bottom(begin, end, first, last));
            };
            self.take_away(bottom);
            points.push(
                first - 1,
                self.facts.list[self.stays[bottom as usize].put as usize].call,
            );
            depth += 1;
            tasks.push(Task::Inside(end, to));
            tasks.push(Task::Pop(bottom, last));
            tasks.push(Task::Inside(begin, end));
        }
        for &(gap, call) in empties {
            points.push(gap, call);
        }
        Ok(points.order())
    }

    /// Values that can be pushed and popped at once.
    fn pass_through(&self, points: &mut Points) {
        for stay in self.stays.iter().filter(|stay| !stay.is_certain()) {
            let gap = stay.came.0.max(stay.left.0.min(self.facts.events));
            points.push(gap, self.facts.list[stay.put as usize].call);
            if let Some(take) = stay.take {
                points.push(gap, self.facts.list[take as usize].call);
            }
        }
    }

    /// A value that can lie below all others from the event `first` to the event `last`.
    fn bottom(&mut self, begin: u32, end: u32, first: u32, last: u32) -> Option<u32> {
        let early = |stays: &[Stay], at: u32| stays[at as usize].came.0 < first;
        while let Some(at) = self.waiting.next_if(|&at| early(self.stays, at)) {
            let segment = self.segment(self.stays[at as usize].came.1);
            self.bottoms.set(segment, self.stays[at as usize].left.1);
        }
        let (latest, segment) = self.bottoms.within(begin, end)?;
        (latest > last).then(|| self.begins[segment as usize])
    }

    fn take_away(&mut self, at: u32) {
        let (from, to) = self.segments(at);
        self.counts.change(from, to, -1);
        self.bottoms.set(from, 0);
        self.begins[from as usize] = NOBODY;
        self.next.add(from, from + 1);
    }

    /// Values that keep the stack filled all the time, none of which can be the bottom.
    fn without_bottom(&self, begin: u32, end: u32, first: u32, last: u32) -> Vec<u32> {
        let stretches = (begin..end)
            .map(|segment| self.begins[segment as usize])
            .filter(|&at| at != NOBODY)
            .map(|at| {
                (
                    self.stays[at as usize].came.1,
                    self.stays[at as usize].left.0,
                    at,
                )
            })
            .collect();
        core(self.stays, chain(stretches, first, last))
    }
}
