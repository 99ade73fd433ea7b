//! Orders that one transaction read, and that contradict what happened before it.
//!
//! Causal consistency explains the reads of each transaction by one order of what happened before it, which keeps
//! happens-before (Bouajjani et al., POPL 2017, axiom `AxCausal`); orders of different transactions need not agree. Of
//! lists a transaction reads that order, as far as its keys go: so there is one exactly if happens-before has no circle
//! together with the orders of the lists that this transaction read. All that lies on such a circle happened before the
//! reader, for it goes through somebody whom the reader saw, and happens-before leads there from all the rest.
//!
//! Such a circle is one of causal convergence as well, so a history that converges has no parts to look at. In the
//! others every reader takes one search for components of its part, unless an earlier one read as much of the same
//! keys. That is quadratic at worst, and bounded.

use std::collections::VecDeque;

use rustc_hash::FxHashSet;

use super::sights::Part;
use super::{Circle, Link, Scene};
use crate::Budget;
use crate::isolation::graph::{Digraph, Graph, Kinds, Masked, NOWHERE, PROCESS, WR, components};
use crate::isolation::list_append::lists::length;
use crate::linearizability::search::Stop;

/// How many nodes are looked at altogether, and from how many places a short circle is looked for.
const STEPS: u64 = 400_000_000;
const STARTS: usize = 256;
const BEFORE: Kinds = PROCESS | WR;

/// An append right before one of another transaction in a list, where both are in one part.
#[derive(Clone, Copy, Debug)]
struct Step {
    part: u32,
    from: u32,
    to: u32,
    key: u32,
    /// Their places in the list.
    places: (u32, u32),
}

/// A circle that one reader shows, or nothing if nobody shows any.
///
/// # Errors
/// The budget ends first.
pub(super) fn circle(
    scene: &Scene<'_, '_>,
    parts: &[Part],
    budget: &Budget<'_>,
) -> Result<Option<Circle>, Stop> {
    if parts.is_empty() {
        return Ok(None);
    }
    let steps = scene.steps(parts);
    let mut looked_at: FxHashSet<Vec<(u32, usize)>> = FxHashSet::default();
    let mut done = 0;
    for reader in 0..scene.transactions.len() as u32 {
        let view = scene.view(reader, &steps);
        if view.is_empty() || !looked_at.insert(view.clone()) {
            continue;
        }
        let shown = view
            .iter()
            .flat_map(|&(key, count)| &steps[key as usize][..count]);
        let mut shown: Vec<Step> = shown.copied().collect();
        shown.sort_by_key(|step| (step.part, step.from));
        for steps in shown.chunk_by(|one, other| one.part == other.part) {
            let graph = &parts[steps[0].part as usize].graph;
            done += u64::from(graph.nodes());
            if done > STEPS {
                return Err(Stop::Steps);
            }
            if budget.is_over() {
                return Err(Stop::Time);
            }
            if let Some(hops) = (Shown { graph, steps }).shortest() {
                let nodes = &parts[steps[0].part as usize].nodes;
                return Ok(Some(scene.circle_of(reader, nodes, &hops)));
            }
        }
    }
    Ok(None)
}

/// Happens-before, and the orders that one transaction shows, which are sorted by where they begin.
struct Shown<'a> {
    graph: &'a Graph,
    steps: &'a [Step],
}

/// How one transaction of a circle comes before the next.
#[derive(Clone, Copy, Debug)]
enum By {
    Session,
    Saw,
    Order { key: u32, places: (u32, u32) },
}

#[derive(Clone, Copy, Debug)]
struct Hop {
    from: u32,
    to: u32,
    by: By,
}

/// Cursors from here on are those of steps.
const OF_STEPS: u32 = 1 << 31;

impl Digraph for Shown<'_> {
    fn nodes(&self) -> u32 {
        self.graph.nodes()
    }

    fn next(&self, node: u32, cursor: &mut u32) -> Option<u32> {
        if *cursor < OF_STEPS {
            let before = Masked {
                graph: self.graph,
                kinds: BEFORE,
            };
            if let Some(to) = before.next(node, cursor) {
                return Some(to);
            }
            *cursor = OF_STEPS;
        }
        let step = self.from(node).get((*cursor - OF_STEPS) as usize)?;
        *cursor += 1;
        Some(step.to)
    }
}

impl Shown<'_> {
    /// The steps that leave a node.
    fn from(&self, node: u32) -> &[Step] {
        let first = self.steps.partition_point(|step| step.from < node);
        let end = self.steps.partition_point(|step| step.from <= node);
        &self.steps[first..end]
    }

    /// The shortest of some circles, if there is any.
    fn shortest(&self) -> Option<Vec<Hop>> {
        let components = components(self);
        let mut component = vec![NOWHERE; self.graph.nodes() as usize];
        for (number, nodes) in components.iter().enumerate() {
            for &node in nodes {
                component[node as usize] = number as u32;
            }
        }
        let of = |node: u32| component[node as usize];
        let closes = |step: &&Step| of(step.from) != NOWHERE && of(step.from) == of(step.to);
        let circular = self.steps.iter().filter(closes).take(STARTS);
        let ways = circular.map(|step| self.way(*step));
        ways.min_by_key(Vec::len)
    }

    /// The circle that begins with a step that is known to be on one. Leaving an auxiliary node costs nothing.
    fn way(&self, first: Step) -> Vec<Hop> {
        let auxiliary = |node: u32| node >= self.graph.transactions();
        let mut whence = vec![(NOWHERE, By::Saw); self.graph.nodes() as usize];
        let mut queue = VecDeque::from([first.to]);
        let mut done = vec![false; self.graph.nodes() as usize];
        while let Some(node) = queue.pop_front() {
            if node == first.from {
                break;
            }
            if std::mem::replace(&mut done[node as usize], true) {
                continue;
            }
            let before = self.graph.edges(node).filter_map(|(to, kind)| match kind {
                PROCESS => Some((to, By::Session)),
                _ if kind & super::sights::SIGHT != 0 => Some((to, By::Saw)),
                _ => None,
            });
            let steps = self.from(node).iter().map(|step| {
                let (key, places) = (step.key, step.places);
                (step.to, By::Order { key, places })
            });
            for (to, by) in before.chain(steps) {
                if to == first.to || whence[to as usize].0 != NOWHERE {
                    continue;
                }
                whence[to as usize] = (node, by);
                if auxiliary(node) {
                    queue.push_front(to);
                } else {
                    queue.push_back(to);
                }
            }
        }
        let mut hops: Vec<Hop> = Vec::new();
        let (mut to, mut at) = (first.from, first.from);
        while at != first.to {
            let (from, by) = whence[at as usize];
            if !auxiliary(from) {
                hops.push(Hop { from, to, by });
                to = from;
            }
            at = from;
        }
        let (key, places) = (first.key, first.places);
        hops.push(Hop {
            from: first.from,
            to: first.to,
            by: By::Order { key, places },
        });
        hops.reverse();
        joined(&hops)
    }
}

/// Steps along one session, or one list, are one.
fn joined(hops: &[Hop]) -> Vec<Hop> {
    let mut joined: Vec<Hop> = Vec::new();
    for &hop in hops {
        let Some(last) = joined.last_mut() else {
            joined.push(hop);
            continue;
        };
        match (&mut last.by, hop.by) {
            (By::Session, By::Session) => last.to = hop.to,
            (
                By::Order { key, places },
                By::Order {
                    key: next,
                    places: (_, end),
                },
            ) if *key == next => {
                places.1 = end;
                last.to = hop.to;
            }
            _ => joined.push(hop),
        }
    }
    joined
}

impl Scene<'_, '_> {
    /// By key: the steps of its list.
    fn steps(&self, parts: &[Part]) -> Vec<Vec<Step>> {
        let nobody = (NOWHERE, NOWHERE);
        let mut place = vec![nobody; self.transactions.len()];
        for (number, part) in parts.iter().enumerate() {
            for (node, &transaction) in part.transactions().iter().enumerate() {
                place[transaction as usize] = (number as u32, node as u32);
            }
        }
        let keys = 0..self.transactions.key_count() as u32;
        let of_key = |key: u32| {
            let mut steps = Vec::new();
            if self.listing.lists[key as usize].broken {
                return steps;
            }
            let mut last: Option<(u32, (u32, u32))> = None;
            for at in 0..self.count(key) as u32 {
                let write = self.element(key, at as usize);
                if !self.counts(write) {
                    continue;
                }
                let (part, to) = place[write.transaction as usize];
                if let Some((before, (of, from))) = last
                    && (of, from) != (part, to)
                    && of == part
                    && part != NOWHERE
                {
                    steps.push(Step {
                        part,
                        from,
                        to,
                        key,
                        places: (before, at),
                    });
                }
                last = Some((at, (part, to)));
            }
            steps
        };
        keys.map(of_key).collect()
    }

    /// How many steps of which keys a transaction shows, by key. Of two reads of a key the longer shows more.
    fn view(&self, reader: u32, steps: &[Vec<Step>]) -> Vec<(u32, usize)> {
        let reads = self.reads(reader).map(|(key, read)| {
            let seen = self.seen(key, read);
            let steps = &steps[key as usize];
            (
                key,
                steps.partition_point(|step| (step.places.1 as usize) < seen),
            )
        });
        let mut view: Vec<(u32, usize)> = reads.filter(|&(_, count)| count > 0).collect();
        view.sort_unstable_by_key(|&(key, count)| (key, std::cmp::Reverse(count)));
        view.dedup_by_key(|&mut (key, _)| key);
        view
    }

    fn circle_of(&self, reader: u32, nodes: &[u32], hops: &[Hop]) -> Circle {
        let link = |hop: &Hop| {
            let (from, to) = (nodes[hop.from as usize], nodes[hop.to as usize]);
            match hop.by {
                By::Session => Some(Link::Session { from, to }),
                By::Saw => self.saw(from, to),
                By::Order { key, places } => {
                    let shows = |&(of, read): &(u32, _)| {
                        of == key && length(self.transactions, read) > places.1 as usize
                    };
                    Some(Link::Before {
                        first: self.element(key, places.0 as usize),
                        second: self.element(key, places.1 as usize),
                        key,
                        by: self.reads(reader).find(shows).map(|(_, read)| read),
                    })
                }
            }
        };
        Circle {
            kind: "cyclic-cf",
            links: hops.iter().filter_map(link).collect(),
        }
    }
}
