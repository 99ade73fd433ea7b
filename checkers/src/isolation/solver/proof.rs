//! Why there is no order: the fewest choices that can be found, and a cycle in each case.
//!
//! The search tells which choices its contradiction rests on. Between the ends of their edges only reachability
//! by certain edges matters, so the problem shrinks to those ends; then one choice after the other is left out
//! to see whether a contradiction remains. What is left is *minimal*: none can be spared.
//!
//! Before that, one, two or three choices are looked for among them that contradict each other by themselves, whatever
//! sides are taken, so that a small proof is not missed because a large one was met first.
//!
//! The proof is then told by cases: take one side, and here is a cycle; take the other, and here is another one,
//! or a further choice to be made. Where a side closes a cycle at once, one with the shortest such cycle is taken first.
//!
//! *Promised*: none of the choices can be spared if the proof says that it is minimal. Of the choices that the search's
//! contradiction rests on, there is no smaller proof if this one takes up to three, and they were few enough to try. Each
//! way along certain edges is a shortest one in nodes. *Not promised*: that the search met the smallest contradiction,
//! or that the cases have the fewest edges together.

use super::bounds::Bounds;
use super::choices::{Choices, Edge, Side, choice_of, other};
use super::graph::Graph;
use super::search::{End, Search};
use super::{NoSource, Problem};

/// How many ends of edges are told apart.
const ENDS: usize = 1 << 10;
/// How many contradictions a single attempt to leave something out may cost.
const EFFORT: u64 = 500;
/// How many attempts there are.
const ATTEMPTS: usize = 1 << 9;
/// Among how many choices pairs are tried, and triples.
const PAIRS: usize = 64;
const TRIPLES: usize = 16;
/// Up to how many choices the whole cycles of the sides to take are compared.
const COMPARED: usize = 4;
/// How many cases are told.
const CASES: usize = 32;

/// Why there is no order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proof {
    /// The choices that it rests on, ascending. None if the certain edges have a cycle.
    pub(crate) choices: Vec<u32>,
    /// Whether every one of these choices is needed.
    pub(crate) minimal: bool,
    /// What happens whatever sides are taken; empty if the cases are too many to tell.
    pub(crate) cases: Vec<Case>,
}

/// One way to take sides, and where it leads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    /// The sides that are taken: a choice, and whether it is its second side.
    pub(crate) taken: Vec<(u32, bool)>,
    /// A cycle of certain edges and of edges of these sides.
    pub(crate) cycle: Vec<Hop>,
}

/// An edge of a cycle, which leads to the node of the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) from: u32,
    /// The side that the edge belongs to, if it is not certain.
    pub(crate) side: Option<(u32, bool)>,
}

impl Proof {
    /// The certain edges have this cycle.
    pub(super) fn certain(cycle: Vec<u32>) -> Self {
        let hop = |from| Hop { from, side: None };
        Self {
            choices: Vec::new(),
            minimal: true,
            cases: vec![Case {
                taken: Vec::new(),
                cycle: cycle.into_iter().map(hop).collect(),
            }],
        }
    }
}

/// The proof from these choices.
pub(super) fn of(graph: &Graph, choices: &Choices, used: Vec<u32>, bounds: Bounds<'_>) -> Proof {
    let mut proof = Proof {
        choices: used,
        ..Proof::default()
    };
    let Some(mut small) = Small::of(graph, choices, &proof.choices) else {
        return proof;
    };
    (proof.choices, proof.minimal) = match small.fewest(choices, &proof.choices, bounds) {
        Some(few) => (few, true),
        None => small.shrink(choices, proof.choices, bounds),
    };
    small.edges.clear();
    proof.cases = small.cases(graph, choices, &proof.choices);
    proof
}

/// The ends of the edges of some choices, and which of them reach which by certain edges.
struct Small {
    ends: Vec<u32>,
    /// A row of bits for each end: which others it reaches.
    reaches: Vec<u64>,
    words: usize,
    /// All pairs that reach.
    edges: Vec<Edge>,
}

impl Small {
    fn of(graph: &Graph, choices: &Choices, used: &[u32]) -> Option<Self> {
        let sides = used.iter().flat_map(|&choice| [2 * choice, 2 * choice + 1]);
        let mut ends: Vec<u32> = sides
            .flat_map(|side| {
                choices
                    .edges(side)
                    .iter()
                    .flat_map(|&(from, to)| [from, to])
            })
            .collect();
        ends.sort_unstable();
        ends.dedup();
        if ends.len() > ENDS {
            return None;
        }
        let words = ends.len().div_ceil(64);
        let mut small = Self {
            reaches: vec![0; words * ends.len()],
            ends,
            words,
            edges: Vec::new(),
        };
        small.reach(graph);
        let count = small.ends.len() as u32;
        let pairs = (0..count).flat_map(|from| (0..count).map(move |to| (from, to)));
        small.edges = pairs.filter(|&(from, to)| small.leads(from, to)).collect();
        Some(small)
    }

    /// Finds what reaches what. The places of the order that the search left are those of all certain edges too.
    fn reach(&mut self, graph: &Graph) {
        let mut by_place: Vec<u32> = vec![0; graph.nodes() as usize];
        for node in 0..graph.nodes() {
            by_place[graph.order().place(node) as usize] = node;
        }
        let places = self
            .ends
            .iter()
            .map(|&end| graph.order().place(end) as usize);
        let last = places.max().unwrap_or(0);
        let mut carried = vec![0_u64; by_place.len()];
        for word in 0..self.words {
            let chunk = &self.ends[word * 64..self.ends.len().min(word * 64 + 64)];
            carried.fill(0);
            for (bit, &end) in chunk.iter().enumerate() {
                carried[end as usize] |= 1 << bit;
            }
            let first = chunk
                .iter()
                .map(|&end| graph.order().place(end) as usize)
                .min();
            for &node in &by_place[first.unwrap_or(0)..=last] {
                let carries = carried[node as usize];
                if carries != 0 {
                    for &next in graph.out(node) {
                        carried[next as usize] |= carries;
                    }
                }
            }
            for (to, &end) in self.ends.iter().enumerate() {
                let mut from = carried[end as usize];
                while from != 0 {
                    let row = word * 64 + from.trailing_zeros() as usize;
                    self.reaches[row * self.words + to / 64] |= 1 << (to % 64);
                    from &= from - 1;
                }
            }
        }
    }

    /// Whether certain edges lead from an end to another one.
    fn leads(&self, from: u32, to: u32) -> bool {
        from != to && self.leads_or_is(from, to)
    }

    fn leads_or_is(&self, from: u32, to: u32) -> bool {
        let (row, to) = (from as usize * self.words, to as usize);
        self.reaches[row + to / 64] & (1 << (to % 64)) != 0
    }

    fn number(&self, end: u32) -> u32 {
        self.ends.partition_point(|&other| other < end) as u32
    }

    /// Which of some choices a contradiction rests on, if there is one.
    fn refute(&self, choices: &Choices, some: &[u32], bounds: Bounds<'_>) -> Option<Vec<u32>> {
        let renumber = |side: Side| -> Vec<Edge> {
            let edges = choices.edges(side).iter();
            edges
                .map(|&(from, to)| (self.number(from), self.number(to)))
                .collect()
        };
        let mut few = Choices::default();
        for &choice in some {
            few.push(&renumber(2 * choice), &renumber(2 * choice + 1), (0, 0));
        }
        let graph = Graph::of(Problem {
            nodes: self.ends.len() as u32,
            edges: &self.edges,
            hints: &[],
        });
        let mut search = Search::new(graph.ok()?, &mut few, bounds.with_conflicts(EFFORT));
        match search.run(&mut NoSource) {
            End::Contradiction(used) => Some(used.iter().map(|&at| some[at as usize]).collect()),
            End::Order | End::Stopped => None,
        }
    }

    /// The first one, two or three of some choices that have a cycle whatever sides are taken; the fewest.
    fn fewest(&self, choices: &Choices, used: &[u32], bounds: Bounds<'_>) -> Option<Vec<u32>> {
        let impossible = |few: &[u32]| self.is_impossible(choices, few);
        if let Some(&one) = used.iter().find(|&&one| impossible(&[one])) {
            return Some(vec![one]);
        }
        if used.len() > PAIRS {
            return None;
        }
        for (at, &one) in used.iter().enumerate() {
            if bounds.is_over(0) {
                return None;
            }
            let second = used[at + 1..].iter().find(|&&two| impossible(&[one, two]));
            if let Some(&two) = second {
                return Some(vec![one, two]);
            }
        }
        if used.len() > TRIPLES {
            return None;
        }
        let pairs =
            (0..used.len()).flat_map(|one| (one + 1..used.len()).map(move |two| (one, two)));
        for (one, two) in pairs {
            let few = |three: u32| [used[one], used[two], three];
            let third = used[two + 1..]
                .iter()
                .find(|&&three| impossible(&few(three)));
            if let Some(&three) = third {
                return Some(few(three).to_vec());
            }
        }
        None
    }

    /// Whether there is a cycle whatever sides of these few choices are taken.
    fn is_impossible(&self, choices: &Choices, few: &[u32]) -> bool {
        (0..1_u32 << few.len()).all(|turned| {
            let sides = few.iter().enumerate();
            let taken: Vec<Side> = sides
                .map(|(at, &choice)| 2 * choice + (turned >> at & 1))
                .collect();
            self.cycle(choices, &taken).is_some()
        })
    }

    /// Fewer choices, and whether none of them can be spared.
    fn shrink(
        &self,
        choices: &Choices,
        mut core: Vec<u32>,
        bounds: Bounds<'_>,
    ) -> (Vec<u32>, bool) {
        let mut attempts = 0;
        while let Some(fewer) = self.refute(choices, &core, bounds) {
            attempts += 1;
            let smaller = fewer.len() < core.len();
            core = fewer;
            if !smaller || attempts > ATTEMPTS / 16 {
                break;
            }
        }
        let mut candidates = core.clone();
        while let Some(candidate) = candidates.pop() {
            if core.binary_search(&candidate).is_err() {
                continue;
            }
            attempts += 1;
            if attempts > ATTEMPTS || bounds.is_over(0) {
                return (core, false);
            }
            let rest: Vec<u32> = core
                .iter()
                .copied()
                .filter(|&kept| kept != candidate)
                .collect();
            if let Some(fewer) = self.refute(choices, &rest, bounds) {
                core = fewer;
            }
        }
        (core, true)
    }

    /// All cases, those that are settled at once first.
    fn cases(&self, graph: &Graph, choices: &Choices, core: &[u32]) -> Vec<Case> {
        let mut cases = Vec::new();
        let mut open: Vec<Vec<Side>> = vec![Vec::new()];
        while let Some(taken) = open.pop() {
            if cases.len() + open.len() >= CASES {
                return Vec::new();
            }
            if let Some(cycle) = self.cycle(choices, &taken) {
                let cycle = expand(graph, choices, &cycle);
                let taken = taken.into_iter().map(named).collect();
                cases.push(Case { taken, cycle });
                continue;
            }
            let Some(side) = self.branch(graph, choices, core, &taken) else {
                return Vec::new();
            };
            for side in [other(side), side] {
                let mut next = taken.clone();
                next.push(side);
                open.push(next);
            }
        }
        cases
    }

    /// The next side to try: one that closes a short cycle at once if there is one.
    fn branch(
        &self,
        graph: &Graph,
        choices: &Choices,
        core: &[u32],
        taken: &[Side],
    ) -> Option<Side> {
        let is_open = |choice: &&u32| taken.iter().all(|&side| choice_of(side) != **choice);
        let sides = core
            .iter()
            .filter(is_open)
            .flat_map(|&choice| [2 * choice, 2 * choice + 1]);
        let closing = sides.clone().filter_map(|side| {
            let mut more = taken.to_vec();
            more.push(side);
            let cycle = self.cycle(choices, &more)?;
            let whole = core.len() <= COMPARED;
            let nodes = whole.then(|| expand(graph, choices, &cycle).len());
            Some((nodes.unwrap_or(0), cycle.len(), side))
        });
        let shortest = closing.min().map(|(_, _, side)| side);
        shortest.or_else(|| sides.clone().next())
    }

    /// The edges of taken sides on a cycle with as few of them as possible.
    fn cycle(&self, choices: &Choices, taken: &[Side]) -> Option<Vec<(Side, Edge)>> {
        let edges: Vec<(Side, Edge)> = (taken.iter())
            .flat_map(|&side| choices.edges(side).iter().map(move |&edge| (side, edge)))
            .collect();
        let ends: Vec<Edge> = (edges.iter())
            .map(|&(_, (from, to))| (self.number(from), self.number(to)))
            .collect();
        let cycles = (0..edges.len()).filter_map(|start| self.cycle_through(&ends, start));
        let shortest = cycles.min_by_key(Vec::len)?;
        Some(shortest.into_iter().map(|at| edges[at]).collect())
    }

    /// A shortest way from an edge back to itself; between two edges lie certain ones.
    fn cycle_through(&self, ends: &[Edge], start: usize) -> Option<Vec<usize>> {
        let mut came: Vec<Option<usize>> = vec![None; ends.len()];
        let mut queue = vec![start];
        let mut at = 0;
        while let Some(&edge) = queue.get(at) {
            at += 1;
            if self.leads_or_is(ends[edge].1, ends[start].0) {
                let mut cycle = vec![edge];
                while let Some(before) = came[cycle[cycle.len() - 1]] {
                    cycle.push(before);
                }
                cycle.reverse();
                return Some(cycle);
            }
            for next in 0..ends.len() {
                let new = next != start && came[next].is_none();
                if new && self.leads_or_is(ends[edge].1, ends[next].0) {
                    came[next] = Some(edge);
                    queue.push(next);
                }
            }
        }
        None
    }
}

/// The whole cycle, with the certain edges between those of sides.
fn expand(graph: &Graph, choices: &Choices, edges: &[(Side, Edge)]) -> Vec<Hop> {
    debug_assert!(
        edges
            .iter()
            .all(|(side, edge)| choices.edges(*side).contains(edge))
    );
    let mut cycle = Vec::new();
    for (at, &(side, (from, to))) in edges.iter().enumerate() {
        let (_, (next, _)) = edges[(at + 1) % edges.len()];
        cycle.push(Hop {
            from,
            side: Some(named(side)),
        });
        let path = path(graph, to, next);
        cycle.extend(path.into_iter().map(|from| Hop { from, side: None }));
    }
    cycle
}

fn named(side: Side) -> (u32, bool) {
    (choice_of(side), side & 1 == 1)
}

/// A shortest path of certain edges, without its end.
fn path(graph: &Graph, from: u32, to: u32) -> Vec<u32> {
    if from == to {
        return Vec::new();
    }
    let bound = graph.order().place(to);
    let mut came = rustc_hash::FxHashMap::default();
    let mut queue = vec![from];
    let mut at = 0;
    'search: while let Some(&node) = queue.get(at) {
        at += 1;
        for &next in graph.out(node) {
            if graph.order().place(next) <= bound && next != from && !came.contains_key(&next) {
                came.insert(next, node);
                if next == to {
                    break 'search;
                }
                queue.push(next);
            }
        }
    }
    let mut path = Vec::new();
    let mut node = to;
    while let Some(&before) = came.get(&node) {
        path.push(before);
        node = before;
    }
    path.reverse();
    path
}
