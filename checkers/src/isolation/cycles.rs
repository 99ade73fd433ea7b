//! Cycles by name: Adya's phenomena, each as the shortest cycle found.
//!
//! A phenomenon is a pattern of edges. A breadth-first search from a transaction keeps beside the node what the
//! pattern needs to know of the way so far: whether the last edge was an anti-dependency, whether there was another
//! before, whether the edge of session or real time was there that gives the name its suffix. Steps through
//! auxiliary nodes cost nothing, and from a transaction to any later one of its session it is one step.
//!
//! Within the bound of steps the shortest cycle of each name is found, but for one thing: where the shortest way
//! from a transaction back to itself passes another twice, no longer way from there is looked for. Past the bound it
//! is the shortest that was met. Which levels hold is never decided here.

use std::collections::VecDeque;

use super::graph::{
    CURSOR, DEPENDENCY, Digraph, Graph, Kinds, Masked, Moments, NOWHERE, ON, PROCESS, REALTIME, RW,
    SURE, WR, WW, components, heights,
};
use super::promise::Shape;

/// Where anti-dependencies may stand in a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Anti {
    /// Nowhere.
    None,
    /// First, and nowhere else.
    One,
    /// Several, of which no two follow each other.
    Apart,
    /// Last and first at least, which follow each other.
    Adjacent,
}

/// A named pattern of cycles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pattern {
    pub(crate) name: &'static str,
    anti: Anti,
    /// Edges that are not anti-dependencies.
    kinds: Kinds,
    /// What the first edge must be.
    first: Kinds,
    /// What must be there somewhere; 0 for nothing.
    extra: Kinds,
}

const fn pattern(
    name: &'static str,
    anti: Anti,
    kinds: Kinds,
    first: Kinds,
    extra: Kinds,
) -> Pattern {
    Pattern {
        name,
        anti,
        kinds,
        first,
        extra,
    }
}

const WRITE_SKEW: &str = "write-skew";
const G_CURSOR: &str = "G-cursor";

/// All patterns, the worst first.
const PATTERNS: [Pattern; 17] = {
    const D: Kinds = DEPENDENCY;
    const DP: Kinds = DEPENDENCY | PROCESS;
    const DR: Kinds = DEPENDENCY | REALTIME;
    [
        pattern("G0", Anti::None, WW, WW, 0),
        pattern("G0", Anti::None, SURE, SURE, 0),
        pattern("G1c", Anti::None, D, WR, 0),
        pattern(G_CURSOR, Anti::None, D | CURSOR, CURSOR, 0),
        pattern("G-single", Anti::One, D, RW, 0),
        pattern("G-nonadjacent", Anti::Apart, D, RW, 0),
        pattern("G2-item", Anti::Adjacent, D, RW, 0),
        pattern("G0-process", Anti::None, WW | PROCESS, WW, PROCESS),
        pattern("G1c-process", Anti::None, DP, WR, PROCESS),
        pattern("G-single-process", Anti::One, DP, RW, PROCESS),
        pattern("G-nonadjacent-process", Anti::Apart, DP, RW, PROCESS),
        pattern("G2-item-process", Anti::Adjacent, DP, RW, PROCESS),
        pattern("G0-realtime", Anti::None, WW | REALTIME, WW, REALTIME),
        pattern("G1c-realtime", Anti::None, DR, WR, REALTIME),
        pattern("G-single-realtime", Anti::One, DR, RW, REALTIME),
        pattern("G-nonadjacent-realtime", Anti::Apart, DR, RW, REALTIME),
        pattern("G2-item-realtime", Anti::Adjacent, DR, RW, REALTIME),
    ]
};

impl Pattern {
    /// The patterns whose cycles a shape forbids.
    pub(crate) fn forbidden(shape: Shape) -> impl Iterator<Item = &'static Self> {
        PATTERNS.iter().filter(move |pattern| {
            let within = pattern.kinds & !shape.kinds() == 0;
            within
                && match shape {
                    Shape::Any => false,
                    Shape::Acyclic(kinds) => kinds & RW != 0 || pattern.anti == Anti::None,
                    Shape::NoSingle(_) => matches!(pattern.anti, Anti::None | Anti::One),
                    // Whether an update that is lost is forbidden depends on what precedes it.
                    Shape::Moments { prefix, .. } => match pattern.anti {
                        Anti::None => true,
                        Anti::One | Anti::Apart => !prefix,
                        Anti::Adjacent => false,
                    },
                }
        })
    }

    /// Where a name stands among all, the worst first.
    pub(crate) fn rank(name: &str) -> usize {
        let general = if name == WRITE_SKEW { "G2-item" } else { name };
        let place = PATTERNS.iter().position(|pattern| pattern.name == general);
        place.unwrap_or(PATTERNS.len())
    }

    /// The name of a cycle, by its edges.
    fn name_of(steps: &[Step]) -> &'static str {
        let has = |kind| steps.iter().any(|step| step.kind & kind != 0);
        if has(CURSOR) {
            return G_CURSOR;
        }
        let count = steps.iter().filter(|step| step.kind & RW != 0).count();
        let followed = steps.iter().zip(steps.iter().cycle().skip(1));
        let adjacent = count > 1
            && followed
                .take(steps.len())
                .any(|(one, next)| one.kind & next.kind & RW != 0);
        let anti = match count {
            0 => Anti::None,
            1 => Anti::One,
            _ if adjacent => Anti::Adjacent,
            _ => Anti::Apart,
        };
        let extra = if has(REALTIME) {
            REALTIME
        } else if has(PROCESS) {
            PROCESS
        } else {
            0
        };
        let reads = has(WR);
        PATTERNS
            .iter()
            .find(|pattern| {
                let alike = pattern.anti == anti && pattern.extra == extra;
                alike && (anti != Anti::None || (pattern.first == WR) == reads)
            })
            .map_or("cycle", |pattern| pattern.name)
    }
}

/// One edge of a cycle, between transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Step {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) kind: Kinds,
}

/// A cycle that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cycle {
    pub(crate) name: &'static str,
    /// Each step begins where the one before ended, and the first where the last ended.
    pub(crate) steps: Vec<Step>,
}

/// The last edge was an anti-dependency.
const LAST: u8 = 1;
/// There was an anti-dependency beside the first.
const SECOND: u8 = 2;
/// The extra edge was there.
const EXTRA: u8 = 4;
/// How many states there are.
const STATES: usize = 8;

/// A search for cycles in one component, with a bound on its steps.
pub(crate) struct Search<'a> {
    graph: &'a Graph,
    /// By node and state: the search that reached it, from 1.
    reached: Vec<u32>,
    /// Whence, as node and state, and by which kind of edge.
    before: Vec<(u32, Kinds)>,
    /// By node and state: the search that followed the session from there on.
    walked: Vec<u32>,
    searches: u32,
    steps: u64,
    /// Places, and after how many steps they were reached.
    queue: VecDeque<(u32, usize)>,
    /// Nodes, states and kinds of steps that go on from there.
    through: Vec<(u32, u8, Kinds)>,
}

impl<'a> Search<'a> {
    /// A search that takes at most so many steps.
    pub(crate) fn new(graph: &'a Graph, steps: u64) -> Self {
        let room = graph.nodes() as usize * STATES;
        Self {
            graph,
            reached: vec![0; room],
            before: vec![(0, 0); room],
            walked: vec![0; room],
            searches: 0,
            steps,
            queue: VecDeque::new(),
            through: Vec::new(),
        }
    }

    /// How many bytes a search takes.
    pub(crate) fn bytes(nodes: usize) -> usize {
        nodes * STATES * 16
    }

    /// How many steps are left.
    pub(crate) fn left(&self) -> u64 {
        self.steps
    }

    /// A shortest cycle of a pattern, if there is one that is shorter than `longest`.
    pub(crate) fn find(&mut self, pattern: &Pattern, longest: usize) -> Option<Cycle> {
        let anti = if pattern.anti == Anti::None { 0 } else { RW };
        let masked = Masked {
            graph: self.graph,
            kinds: pattern.kinds | anti,
        };
        let heights = heights(&masked);
        let mut best: Option<Vec<Step>> = None;
        for start in 0..self.graph.transactions() {
            let starts = self.graph.edges(start).any(|(to, kind)| {
                kind & pattern.first != 0 && heights[to as usize] == heights[start as usize]
            });
            if !starts {
                continue;
            }
            let bound = best.as_ref().map_or(longest, Vec::len);
            if bound <= 2 || self.steps == 0 {
                break;
            }
            if let Some(steps) = self.from(pattern, start, bound, &heights) {
                best = Some(steps);
            }
        }
        best.map(|steps| Cycle {
            name: specific(pattern.name, &steps),
            steps,
        })
    }

    /// A shortest cycle through a transaction of fewer than `bound` edges, if it is simple.
    fn from(
        &mut self,
        pattern: &Pattern,
        start: u32,
        bound: usize,
        heights: &[u32],
    ) -> Option<Vec<Step>> {
        self.searches += 1;
        self.queue.clear();
        let way = Way {
            pattern,
            start,
            heights,
        };
        let mut from = (start * STATES as u32, 0);
        loop {
            let (place, length) = from;
            if length + 1 >= bound || self.steps == 0 {
                return None;
            }
            if self.leave(way, place, length) {
                let steps = self.way(start);
                return simple(&steps).then_some(steps);
            }
            from = self.queue.pop_front()?;
        }
    }

    /// Follows the edges of a node, after so many steps. Says whether one of them closed a cycle, whose end is then
    /// noted at the start.
    fn leave(&mut self, way: Way<'_>, place: u32, length: usize) -> bool {
        let (node, state) = (place / STATES as u32, (place % STATES as u32) as u8);
        self.through.clear();
        let graph = self.graph;
        for (to, kind) in graph.edges(node) {
            self.steps = self.steps.saturating_sub(1);
            let next = if length == 0 {
                way.pattern.begin(kind)
            } else {
                way.pattern.go_on(state, kind)
            };
            if let Some(next) = next
                && self.arrive(way, (place, length), (to, next), kind)
            {
                return true;
            }
        }
        // What goes on is the same step, and so is what comes later in a session.
        while let Some((node, next, kind)) = self.through.pop() {
            let auxiliary = node >= graph.transactions();
            let goes_on = if auxiliary { ON } else { PROCESS };
            for (to, on) in graph.edges(node) {
                self.steps = self.steps.saturating_sub(1);
                if on & goes_on != 0 && self.arrive(way, (place, length), (to, next), kind) {
                    return true;
                }
            }
        }
        false
    }

    /// A step leads from a place to a node. Says whether it closed a cycle.
    fn arrive(
        &mut self,
        way: Way<'_>,
        (from, length): (u32, usize),
        (to, state): (u32, u8),
        kind: Kinds,
    ) -> bool {
        if way.heights[to as usize] != way.heights[way.start as usize] {
            return false;
        }
        if to == way.start && way.pattern.ends(state) {
            self.before[to as usize * STATES] = (from, kind);
            return true;
        }
        let place = to as usize * STATES + state as usize;
        let new = self.reached[place] != self.searches;
        if to >= self.graph.transactions() {
            if new {
                self.reached[place] = self.searches;
                self.through.push((to, state, kind));
            }
            return false;
        }
        if new && to != way.start {
            self.reached[place] = self.searches;
            self.before[place] = (from, kind);
            self.queue.push_back((place as u32, length + 1));
        }
        if kind & PROCESS != 0 && self.walked[place] != self.searches {
            self.walked[place] = self.searches;
            self.through.push((to, state, kind));
        }
        false
    }

    /// The cycle that was closed at its start.
    fn way(&self, start: u32) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut to = start;
        let mut place = start as usize * STATES;
        loop {
            let (before, kind) = self.before[place];
            let from = before / STATES as u32;
            let kind = plain(kind);
            steps.push(Step { from, to, kind });
            if from == start {
                break;
            }
            to = from;
            place = before as usize;
        }
        steps.reverse();
        steps
    }
}

/// What a search from one transaction looks for.
#[derive(Clone, Copy)]
struct Way<'a> {
    pattern: &'a Pattern,
    start: u32,
    heights: &'a [u32],
}

impl Pattern {
    /// The state after a first edge.
    fn begin(&self, kind: Kinds) -> Option<u8> {
        if kind & self.first == 0 {
            return None;
        }
        let last = if kind & RW != 0 { LAST } else { 0 };
        Some(last | self.extra_of(kind))
    }

    /// The state after one more edge.
    fn go_on(&self, state: u8, kind: Kinds) -> Option<u8> {
        if kind & RW == 0 {
            let counts = kind & self.kinds != 0;
            return counts.then(|| (state & !LAST) | self.extra_of(kind));
        }
        match self.anti {
            Anti::None | Anti::One => None,
            Anti::Apart => (state & LAST == 0).then_some(state | LAST | SECOND),
            Anti::Adjacent => Some(state | LAST | SECOND),
        }
    }

    fn extra_of(&self, kind: Kinds) -> u8 {
        if kind & self.extra != 0 { EXTRA } else { 0 }
    }

    /// Whether a cycle that is back at its start is one of the pattern.
    fn ends(&self, state: u8) -> bool {
        let complete = self.extra == 0 || state & EXTRA != 0;
        complete
            && match self.anti {
                Anti::None | Anti::One => true,
                Anti::Apart => state & SECOND != 0 && state & LAST == 0,
                Anti::Adjacent => state & SECOND != 0 && state & LAST != 0,
            }
    }
}

/// Two transactions that each overwrite what the other read have a name of their own (Berenson et al. 1995, A5B).
fn specific(name: &'static str, steps: &[Step]) -> &'static str {
    match (name, steps.len()) {
        ("G2-item", 2) => WRITE_SKEW,
        _ => name,
    }
}

/// Whether no transaction is passed twice.
fn simple(steps: &[Step]) -> bool {
    let mut nodes: Vec<u32> = steps.iter().map(|step| step.from).collect();
    nodes.sort_unstable();
    nodes.windows(2).all(|pair| pair[0] != pair[1])
}

/// Some cycle of a component that a shape forbids, though it may pass a transaction twice: for where no pattern
/// has a name for it. Short, and not always the shortest.
pub(crate) fn any(graph: &Graph, shape: Shape) -> Option<Cycle> {
    let steps = match shape {
        Shape::Any => return None,
        Shape::NoSingle(kinds) if components(&Masked { graph, kinds }).is_empty() => {
            let single = Pattern::forbidden(shape).find(|pattern| pattern.anti == Anti::One)?;
            return Search::new(graph, u64::MAX).find(single, usize::MAX);
        }
        Shape::Acyclic(kinds) | Shape::NoSingle(kinds) => {
            let masked = Masked { graph, kinds };
            let walk = closed_walk(&masked)?;
            steps(graph, &walk, |kind| kind & kinds != 0)
        }
        Shape::Moments { kinds, prefix } => {
            let moments = Moments {
                graph,
                kinds,
                prefix,
            };
            let walk = closed_walk(&moments)?;
            moment_steps(graph, &walk, kinds)
        }
    };
    let name = specific(Pattern::name_of(&steps), &steps);
    Some(Cycle { name, steps })
}

/// How many nodes closed walks are looked for from.
const WALKS: usize = 64;

/// A closed walk through a component, the node it begins with first and not last.
fn closed_walk(graph: &impl Digraph) -> Option<Vec<u32>> {
    let components = components(graph);
    let component = components.iter().min_by_key(|nodes| nodes.len())?;
    let mut inside = vec![false; graph.nodes() as usize];
    for &node in component {
        inside[node as usize] = true;
    }
    let mut best: Option<Vec<u32>> = None;
    for &start in component.iter().take(WALKS) {
        let walk = walk_from(graph, start, &inside);
        if walk.len() > 1 && best.as_ref().is_none_or(|best| walk.len() < best.len()) {
            best = Some(walk);
        }
    }
    best
}

fn walk_from(graph: &impl Digraph, start: u32, inside: &[bool]) -> Vec<u32> {
    let mut before = vec![NOWHERE; inside.len()];
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        let mut cursor = 0;
        while let Some(to) = graph.next(node, &mut cursor) {
            if to == start {
                let mut walk = vec![node];
                while walk[walk.len() - 1] != start {
                    walk.push(before[walk[walk.len() - 1] as usize]);
                }
                walk.reverse();
                return walk;
            }
            if inside[to as usize] && before[to as usize] == NOWHERE {
                before[to as usize] = node;
                queue.push_back(to);
            }
        }
    }
    Vec::new()
}

/// The edges along a closed walk of nodes, those through auxiliary nodes joined.
fn steps(graph: &Graph, walk: &[u32], counts: impl Fn(Kinds) -> bool) -> Vec<Step> {
    let real = |node: u32| node < graph.transactions();
    let begin = walk.iter().position(|&node| real(node)).unwrap_or(0);
    let mut steps: Vec<Step> = Vec::new();
    for i in 0..walk.len() {
        let from = walk[(begin + i) % walk.len()];
        let to = walk[(begin + i + 1) % walk.len()];
        let mut edges = graph.edges(from);
        let kind = edges.find(|&(target, kind)| target == to && (kind & ON != 0 || counts(kind)));
        let kind = kind.map_or(ON, |(_, kind)| kind);
        join(&mut steps, from, to, kind);
    }
    steps
}

fn join(steps: &mut Vec<Step>, from: u32, to: u32, kind: Kinds) {
    match steps.last_mut() {
        Some(last) if kind & ON != 0 || kind & last.kind & PROCESS != 0 => last.to = to,
        _ => {
            let kind = plain(kind);
            steps.push(Step { from, to, kind });
        }
    }
}

/// An overwriting is one, however sure.
fn plain(kind: Kinds) -> Kinds {
    if kind & (WW | SURE) == 0 { kind } else { WW }
}

/// The edges along a closed walk of moments.
fn moment_steps(graph: &Graph, walk: &[u32], kinds: Kinds) -> Vec<Step> {
    let real = |moment: u32| moment / 2 < graph.transactions();
    let begin = walk.iter().position(|&moment| real(moment)).unwrap_or(0);
    let mut steps: Vec<Step> = Vec::new();
    for i in 0..walk.len() {
        let from = walk[(begin + i) % walk.len()];
        let to = walk[(begin + i + 1) % walk.len()];
        if from / 2 == to / 2 {
            continue;
        }
        let anti = from.is_multiple_of(2);
        let mut edges = graph.edges(from / 2);
        let edge = edges.find(|&(target, kind)| {
            let fits = if anti {
                kind & RW != 0
            } else {
                kind & kinds != 0
            };
            target == to / 2 && (kind & ON != 0 || fits)
        });
        let kind = edge.map_or(ON, |(_, kind)| kind);
        join(&mut steps, from / 2, to / 2, kind);
    }
    steps
}
