//! The conflict-driven search: decide what the order violates, learn from contradictions.
//!
//! The assignment is a trail of sides that are taken, each by decision or by a clause whose other sides are all
//! refused. A side that a clause forces has the level of the last of those, which may be below the present one:
//! going back takes away only what is of higher levels (Nadel & Ryvchin 2018), for what was decided about one
//! corner of a long history should not be forgotten because of another.

use rustc_hash::FxHashSet;

use super::Source;
use super::bounds::Bounds;
use super::choices::{Choices, Side, choice_of, other};
use super::clauses::{Clause, Clauses, NONE, Origins};
use super::graph::{Graph, Order};
use super::heap::Heap;

/// How the search ended.
#[derive(Debug)]
pub(super) enum End {
    /// The order satisfies everything.
    Order,
    /// Nothing does; these choices and the certain edges prove it.
    Contradiction(Vec<u32>),
    Stopped,
}

/// Contradictions until the first restart.
const RESTART: u64 = 256;
/// Going back further than so many levels at once throws too much away.
const FAR: u32 = 100;
/// How many clauses are kept at first.
const CLAUSES: usize = 200_000;
/// In how many steps the budget is looked at.
const LOOK: u64 = 64;

/// No further end of an edge.
const END: u32 = u32::MAX;
/// How often a choice is tried before anything is decided.
const TRIES: u8 = 3;

/// What is known of a choice.
#[derive(Clone, Copy, Debug)]
struct Choice {
    /// The side that is taken.
    side: Option<Side>,
    /// The side that was taken last.
    last: Option<Side>,
    level: u32,
    reason: Clause,
}

pub(super) struct Search<'s> {
    graph: Graph,
    choices: &'s mut Choices,
    bounds: Bounds<'s>,
    known: Vec<Choice>,
    clauses: Clauses,
    /// The sides that are taken, in the order in which they were.
    trail: Vec<Side>,
    /// How many of them have their edges in the graph, and were propagated.
    done: usize,
    level: u32,
    /// Where on the trail the decision of each level stands.
    starts: Vec<usize>,
    heap: Heap,
    /// For each node, the first of the ends of edges of choices that it is; and for each end the next.
    first_end: Vec<u32>,
    next_end: Vec<u32>,
    /// How often each choice was tried before anything was decided.
    tries: Vec<u8>,
    seen: Vec<bool>,
    /// What was forbidden and is written down as a clause.
    forbidden: FxHashSet<Vec<Side>>,
    conflicts: u64,
    steps: u64,
    most_clauses: usize,
}

impl<'s> Search<'s> {
    pub(super) fn new(graph: Graph, choices: &'s mut Choices, bounds: Bounds<'s>) -> Self {
        let first_end = vec![END; graph.nodes() as usize];
        Self {
            graph,
            choices,
            bounds,
            known: Vec::new(),
            clauses: Clauses::default(),
            trail: Vec::new(),
            done: 0,
            level: 0,
            starts: Vec::new(),
            heap: Heap::new(),
            first_end,
            next_end: Vec::new(),
            tries: Vec::new(),
            seen: Vec::new(),
            forbidden: FxHashSet::default(),
            conflicts: 0,
            steps: 0,
            most_clauses: CLAUSES,
        }
    }

    pub(super) fn into_order(self) -> Order {
        self.graph.into_order()
    }

    pub(super) fn into_graph(self) -> Graph {
        self.graph
    }

    pub(super) fn conflicts(&self) -> u64 {
        self.conflicts
    }

    pub(super) fn choices(&self) -> &Choices {
        self.choices
    }

    pub(super) fn run(&mut self, source: &mut impl Source) -> End {
        self.grow();
        if let Some(end) = self.settle(source) {
            return end;
        }
        let mut restart = 0;
        let mut until = RESTART;
        loop {
            if let Some(conflict) = self.propagate() {
                if let Some(used) = self.resolve(conflict) {
                    return End::Contradiction(used);
                }
                if self.conflicts >= until {
                    restart += 1;
                    until = self.conflicts + RESTART * luby(restart);
                    self.go_back(0);
                }
                continue;
            }
            if self.is_over() {
                return End::Stopped;
            }
            if self.clauses.count() > self.most_clauses + self.trail.len() {
                self.forget();
            }
            if let Some(side) = self.next() {
                self.level += 1;
                self.starts.push(self.trail.len());
                self.assign(side, self.level, NONE);
            } else {
                let before = self.choices.len();
                source.violated(self.graph.order(), self.choices);
                let forbidden = self.choices.take_forbidden();
                if self.choices.len() == before && forbidden.is_empty() {
                    return End::Order;
                }
                self.grow();
                if let Some(used) = self.forbid(forbidden) {
                    return End::Contradiction(used);
                }
            }
        }
    }

    /// Writes down what may not be taken together. The order has it together, so one of its sides is decided against
    /// where none is yet. The choices that prove that nothing is possible, if that is so.
    fn forbid(&mut self, forbidden: Vec<Vec<Side>>) -> Option<Vec<u32>> {
        let mut decided = false;
        for together in forbidden {
            let mut sides: Vec<Side> = together.iter().map(|&side| other(side)).collect();
            if sides.is_empty() {
                return Some(Vec::new());
            }
            if sides.iter().any(|&side| self.taken(side)) {
                continue;
            }
            // Those that are open first, and then those that were refused last: two of them are watched.
            sides.sort_by_key(|&side| {
                let refused = self.refused(side);
                (
                    refused,
                    std::cmp::Reverse(if refused { self.level_of(side) } else { 0 }),
                )
            });
            let open = sides.iter().filter(|&&side| !self.refused(side)).count();
            let new = self.forbidden.insert(together);
            if open > 1 {
                if new {
                    self.clauses.add_lemma(&sides);
                }
                if !std::mem::replace(&mut decided, true) {
                    self.level += 1;
                    self.starts.push(self.trail.len());
                    self.assign(sides[0], self.level, NONE);
                }
                continue;
            }
            let clause = self.clauses.add_lemma(&sides);
            if open == 0 {
                return self.resolve(clause);
            }
            let level = sides.get(1).map_or(0, |&side| self.level_of(side));
            self.assign(sides[0], level, clause);
        }
        None
    }

    /// Mends the order choice by choice without deciding any, and finds what is decided for good because its other
    /// side closes a cycle with what is certain. `None` where some choices are violated again and again.
    fn settle(&mut self, source: &mut impl Source) -> Option<End> {
        let mut stubborn = Vec::new();
        loop {
            while let Some(side) = self.next() {
                if self.is_over() {
                    return Some(End::Stopped);
                }
                let choice = choice_of(side);
                if self.tries[choice as usize] == TRIES {
                    stubborn.push(choice);
                    continue;
                }
                self.tries[choice as usize] += 1;
                if let Some(used) = self.probe(side) {
                    return Some(End::Contradiction(used));
                }
            }
            if !stubborn.is_empty() {
                for choice in stubborn {
                    self.heap.push(choice);
                }
                return None;
            }
            let before = self.choices.len();
            source.violated(self.graph.order(), self.choices);
            // It takes decisions to avoid what is forbidden, and it is told again where they are made.
            let forbidden = !self.choices.take_forbidden().is_empty();
            if self.choices.len() == before && !forbidden {
                return Some(End::Order);
            }
            self.grow();
            if forbidden {
                return None;
            }
        }
    }

    /// Mends the order so that it satisfies a side, or takes the other one for good if that is impossible; and takes
    /// it for good if the other one is. The choices that prove that nothing is possible, if that is so.
    fn probe(&mut self, side: Side) -> Option<Vec<u32>> {
        let taken = self.graph.take(self.choices, side);
        let (refused, edge) = if let Err(edge) = taken {
            (side, edge)
        } else {
            self.graph.release(self.choices, side);
            let edge = self.graph.closes(self.choices, other(side))?;
            (other(side), edge)
        };
        let lemma = self.lemma(refused, edge);
        self.graph.release(self.choices, refused);
        self.assign(other(refused), 0, lemma);
        let conflict = self.propagate()?;
        self.resolve(conflict)
    }

    fn is_over(&mut self) -> bool {
        self.steps += 1;
        if self.conflicts >= self.bounds.conflicts {
            return true;
        }
        self.steps % LOOK == 1 && self.bounds.is_over(self.bytes())
    }

    fn bytes(&self) -> usize {
        let nodes = self.graph.nodes() as usize;
        Graph::bytes(nodes, 0)
            + self.graph.link_bytes()
            + self.choices.bytes()
            + self.clauses.bytes()
            + self.heap.bytes()
            + self.known.capacity() * (size_of::<Choice>() + 2)
            + self.next_end.capacity() * 4
    }

    /// Makes room for choices that are new.
    fn grow(&mut self) {
        let count = self.choices.len();
        self.known.resize(
            count,
            Choice {
                side: None,
                last: None,
                level: 0,
                reason: NONE,
            },
        );
        self.seen.resize(count, false);
        self.tries.resize(count, 0);
        self.graph.grow(self.choices);
        for edge in self.next_end.len() / 2..self.choices.edge_count() {
            let (from, to) = self.choices.edge(edge);
            for (node, end) in [(from, 2 * edge as u32), (to, 2 * edge as u32 + 1)] {
                let first = &mut self.first_end[node as usize];
                self.next_end.push(std::mem::replace(first, end));
            }
        }
        self.clauses.grow(count);
        let order = self.graph.order();
        let place = |side: Side| {
            self.choices
                .edges(side)
                .first()
                .map_or(0, |&(_, to)| order.place(to))
        };
        self.heap.grow(count, |choice| {
            place(2 * choice).min(place(2 * choice + 1)) / self.bounds.part
        });
    }

    /// The next choice that the order violates, and which of its sides to try.
    fn next(&mut self) -> Option<Side> {
        loop {
            while let Some(choice) = self.heap.pop() {
                if self.known[choice as usize].side.is_none() && !self.satisfies(choice) {
                    let last = self.known[choice as usize].last;
                    return Some(last.unwrap_or(2 * choice));
                }
            }
            if !self.look_again() {
                return None;
            }
        }
    }

    /// Lets choices wait again whose edges have ends that moved. False if nothing moved.
    fn look_again(&mut self) -> bool {
        let mut moved = false;
        while let Some(node) = self.graph.next_moved() {
            moved = true;
            let mut end = self.first_end[node as usize];
            while end != END {
                let choice = choice_of(self.graph.side_of(end / 2));
                if self.known[choice as usize].side.is_none() {
                    self.heap.push(choice);
                }
                end = self.next_end[end as usize];
            }
        }
        moved
    }

    fn satisfies(&self, choice: u32) -> bool {
        [2 * choice, 2 * choice + 1].into_iter().any(|side| {
            let mut edges = self.choices.edges(side).iter();
            edges.all(|&edge| self.graph.order().keeps(edge))
        })
    }

    fn assign(&mut self, side: Side, level: u32, reason: Clause) {
        let known = &mut self.known[choice_of(side) as usize];
        known.side = Some(side);
        known.last = Some(side);
        known.level = level;
        known.reason = reason;
        self.trail.push(side);
    }

    /// Whether a side is refused: the other one is taken.
    fn refused(&self, side: Side) -> bool {
        self.known[choice_of(side) as usize].side == Some(other(side))
    }

    fn taken(&self, side: Side) -> bool {
        self.known[choice_of(side) as usize].side == Some(side)
    }

    fn level_of(&self, side: Side) -> u32 {
        self.known[choice_of(side) as usize].level
    }

    /// Draws conclusions, until there are no more or a clause has all of its sides refused.
    fn propagate(&mut self) -> Option<Clause> {
        while let Some(&side) = self.trail.get(self.done) {
            let conflict = match self.graph.take(self.choices, side) {
                Err(edge) => Some(self.lemma(side, edge)),
                Ok(()) => self.visit(other(side)),
            };
            if conflict.is_some() {
                // The side may outlive the conflict, and is then taken again.
                self.graph.release(self.choices, side);
                return conflict;
            }
            self.done += 1;
        }
        None
    }

    /// The clause that a cycle proves, which an edge of this side closes.
    fn lemma(&mut self, side: Side, edge: super::Edge) -> Clause {
        let mut sides = vec![other(side)];
        let (known, above) = (&self.known, self.level > 0);
        let for_good = |side: Side| above && known[choice_of(side) as usize].level == 0;
        for culprit in self.graph.culprits(self.choices, edge, for_good) {
            if !std::mem::replace(&mut self.seen[choice_of(culprit) as usize], true) {
                sides.push(other(culprit));
            }
        }
        for &side in &sides {
            self.seen[choice_of(side) as usize] = false;
        }
        // The side itself may be on the path by another of its edges.
        sides[1..].sort_unstable();
        if let Some(at) = sides[1..].iter().position(|&twice| twice == other(side)) {
            sides.remove(at + 1);
        }
        let latest = (1..sides.len()).max_by_key(|&at| self.level_of(sides[at]));
        if let Some(at) = latest {
            sides.swap(1, at);
        }
        self.clauses.add_lemma(&sides)
    }

    /// Looks at the clauses that watch a side which is refused now.
    fn visit(&mut self, refused: Side) -> Option<Clause> {
        let mut watchers = self.clauses.take_watchers(refused);
        let mut conflict = None;
        let mut kept = 0;
        for at in 0..watchers.len() {
            let clause = watchers[at];
            if conflict.is_some() || !self.moves(clause, refused) {
                watchers[kept] = clause;
                kept += 1;
                if conflict.is_none() && !self.hold(clause) {
                    conflict = Some(clause);
                }
            }
        }
        watchers.truncate(kept);
        self.clauses.give_watchers(refused, watchers);
        conflict
    }

    /// Whether a clause found another side to watch. Its first side is then the other one that is watched.
    fn moves(&mut self, clause: Clause, refused: Side) -> bool {
        let sides = self.clauses.sides_mut(clause);
        if sides[0] == refused {
            sides.swap(0, 1);
        }
        let sides = self.clauses.sides(clause);
        if self.taken(sides[0]) {
            return false;
        }
        let free = (2..sides.len()).find(|&at| !self.refused(sides[at]));
        let Some(at) = free else {
            return false;
        };
        let watched = sides[at];
        self.clauses.sides_mut(clause).swap(1, at);
        self.clauses.add_watcher(watched, clause);
        true
    }

    /// A clause whose sides are all refused but perhaps the first forces it. False if that is refused as well.
    fn hold(&mut self, clause: Clause) -> bool {
        let sides = self.clauses.sides(clause);
        let first = sides[0];
        if self.taken(first) {
            return true;
        }
        if self.refused(first) {
            return false;
        }
        let levels = sides[1..].iter().map(|&side| self.level_of(side));
        let level = levels.max().unwrap_or(0);
        self.assign(first, level, clause);
        true
    }

    /// Learns from a clause whose sides are all refused. The choices that prove it where that is for good.
    fn resolve(&mut self, conflict: Clause) -> Option<Vec<u32>> {
        self.conflicts += 1;
        self.heap.decay();
        let levels = self.clauses.sides(conflict).iter();
        let level = levels.map(|&side| self.level_of(side)).max().unwrap_or(0);
        if level == 0 {
            let reasons: Vec<Clause> = (self.known.iter())
                .map(|known| {
                    if known.side.is_some() && known.level == 0 {
                        known.reason
                    } else {
                        NONE
                    }
                })
                .collect();
            return Some(self.clauses.foundation(conflict, &reasons));
        }
        let (learned, origins) = self.learn(conflict, level);
        let below = learned[1..].iter().map(|&side| self.level_of(side)).max();
        let below = below.unwrap_or(0);
        let clause = if origins.clauses.len() == 1 && origins.decided.is_empty() {
            self.front(conflict, &learned);
            conflict
        } else {
            let rank = self.rank(&learned);
            self.clauses.add_learned(&learned, rank, &origins)
        };
        self.go_back(if level - below > FAR {
            level - 1
        } else {
            below
        });
        self.assign(learned[0], below, clause);
        None
    }

    /// Brings the side that a clause forces, and the latest of the others, to where they are watched.
    fn front(&mut self, clause: Clause, learned: &[Side]) {
        for watched in &self.clauses.sides(clause)[..2.min(learned.len())].to_vec() {
            let mut watchers = self.clauses.take_watchers(*watched);
            watchers.retain(|&other| other != clause);
            self.clauses.give_watchers(*watched, watchers);
        }
        self.clauses.sides_mut(clause).copy_from_slice(learned);
        if learned.len() > 1 {
            self.clauses.add_watcher(learned[0], clause);
            self.clauses.add_watcher(learned[1], clause);
        }
    }

    /// How many levels the sides of a clause are of: the fewer, the better it is.
    fn rank(&self, sides: &[Side]) -> u32 {
        let mut levels: Vec<u32> = sides.iter().map(|&side| self.level_of(side)).collect();
        levels.sort_unstable();
        levels.dedup();
        levels.len() as u32
    }

    /// The clause with a single side of this level that follows from a conflict and the clauses that led to it.
    /// That side comes first, the latest of the others second.
    fn learn(&mut self, conflict: Clause, level: u32) -> (Vec<Side>, Origins) {
        let mut origins = Origins::default();
        let mut learned = vec![0];
        let mut open = 0;
        let mut clause = conflict;
        let mut at = self.trail.len();
        loop {
            origins.clauses.push(clause);
            for &side in self.clauses.sides(clause) {
                let choice = choice_of(side);
                // The side that a reason forced is taken; all others are refused.
                if self.known[choice as usize].side == Some(side) || self.seen[choice as usize] {
                    continue;
                }
                match self.known[choice as usize].level {
                    0 => origins.decided.push(choice),
                    of => {
                        self.seen[choice as usize] = true;
                        self.heap.bump(choice);
                        if of == level {
                            open += 1;
                        } else {
                            learned.push(side);
                        }
                    }
                }
            }
            let taken = loop {
                at -= 1;
                let known = &self.known[choice_of(self.trail[at]) as usize];
                if known.level == level && self.seen[choice_of(self.trail[at]) as usize] {
                    break self.trail[at];
                }
            };
            open -= 1;
            self.seen[choice_of(taken) as usize] = false;
            if open == 0 {
                learned[0] = other(taken);
                break;
            }
            clause = self.known[choice_of(taken) as usize].reason;
        }
        for &side in &learned {
            self.seen[choice_of(side) as usize] = false;
        }
        if let Some(at) = (1..learned.len()).max_by_key(|&at| self.level_of(learned[at])) {
            learned.swap(1, at);
        }
        (learned, origins)
    }

    /// Takes back what is of higher levels.
    fn go_back(&mut self, level: u32) {
        let Some(&start) = self.starts.get(level as usize) else {
            return;
        };
        // What stands before the first decision that goes is of lower levels.
        let mut kept = start;
        let mut done = self.done;
        for at in start..self.trail.len() {
            let side = self.trail[at];
            let choice = choice_of(side);
            if self.known[choice as usize].level <= level {
                self.trail[kept] = side;
                kept += 1;
                continue;
            }
            if at < self.done {
                self.graph.release(self.choices, side);
                done -= 1;
            }
            self.known[choice as usize].side = None;
            self.heap.push(choice);
        }
        self.trail.truncate(kept);
        self.done = done;
        self.level = level;
        self.starts.truncate(level as usize);
    }

    fn forget(&mut self) {
        let mut reasons: Vec<Clause> = (self.trail.iter())
            .map(|&side| self.known[choice_of(side) as usize].reason)
            .collect();
        reasons.sort_unstable();
        let moves = self
            .clauses
            .forget(|clause| reasons.binary_search(&clause).is_ok());
        for &side in &self.trail {
            let known = &mut self.known[choice_of(side) as usize];
            if known.reason != NONE {
                known.reason = moves.of(known.reason);
            }
        }
        self.most_clauses += self.most_clauses / 16;
    }
}

/// The sequence of Luby, Sinclair & Zuckerman (1993), from 1: 1 1 2 1 1 2 4 ...
fn luby(mut at: u64) -> u64 {
    loop {
        let size = u64::BITS - at.leading_zeros();
        let full = (1 << size) - 1;
        if at == full {
            return 1 << (size - 1);
        }
        at -= (1 << (size - 1)) - 1;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn restarts_follow_the_sequence() {
        let first: Vec<u64> = (1..=15).map(super::luby).collect();
        assert_eq!(first, [1, 1, 2, 1, 1, 2, 4, 1, 1, 2, 1, 1, 2, 4, 8]);
    }
}
