//! The shortest cycles of certain edges, by name.
//!
//! Where the edges that every order keeps have a cycle, nothing is left to choose, and the level fails as it does where
//! all orders of versions are known: by Adya's phenomena (1999, section 3.1 and 5.1), which [`cycles`](super::super::cycles)
//! looks for. The certain edges are drawn once more here, between transactions and each with its kind: who read from
//! whom, who overwrote what was read where the next version is known, the first chain of a key before all others, what is
//! assumed, sessions and real time. That a cycle exists was decided before, by the [encoding](super::encode); what is
//! found here is only how it is told.
//!
//! *Promised*: within the bound of steps, of each name a shortest cycle over all components, where each step of
//! sessions or of real time counts once however far it goes. Past the bound a name may be missing, and its cycle may be
//! longer than need be. *Not promised*: cycles that rest on choices, which a [proof](super::super::solver) tells by cases.

use rupture_history::Outcome;
use rustc_hash::FxHashMap;

use super::prepared::Prepared;
use super::reads::{NONE, Version};
use super::units::Units;
use super::{Keeps, Points};
use crate::Budget;
use crate::isolation::Level;
use crate::isolation::cycles::{Cycle, Pattern, Search, Step, any};
use crate::isolation::graph::{
    DEPENDENCY, Edge, Graph, Kinds, Masked, NOWHERE, ON, PROCESS, REALTIME, RW, WR, WW, components,
};
use crate::isolation::order::real_time;
use crate::isolation::promise::{Shape, shape};

/// How many steps the search takes altogether, and for one name in one part.
const STEPS: u64 = 40_000_000;
const STEPS_A_NAME: u64 = 8_000_000;

/// The shortest cycle of each name that a level forbids, between transactions and the worst first. None where that
/// takes more memory than there is, or longer than it may.
pub(super) fn cycles(
    prepared: &Prepared<'_, '_>,
    units: &Units,
    (points, keeps): (Points, Keeps),
    level: Level,
    budget: &Budget<'_>,
) -> Vec<Cycle> {
    let mut drawing = Drawing::of(prepared, units, points);
    let bytes = |drawing: &Drawing<'_, '_, '_>| {
        let nodes = drawing.nodes as usize;
        Graph::bytes(nodes, 2 * drawing.edges.len()) + Search::bytes(nodes)
    };
    drawing.draw(keeps);
    if bytes(&drawing) > budget.bytes() || budget.is_over() {
        return Vec::new();
    }
    let transactions = prepared.transactions.len() as u32;
    let graph = Graph::of(transactions, drawing.nodes, &drawing.edges);
    drop(drawing.edges);
    let kinds = DEPENDENCY | RW | PROCESS | REALTIME;
    let mut parts = components(&Masked {
        graph: &graph,
        kinds,
    });
    parts.sort_by_key(Vec::len);
    let mut places = vec![NOWHERE; graph.nodes() as usize];
    let mut told = Told {
        shape: shape(level),
        steps: STEPS,
        found: Vec::new(),
    };
    for nodes in &parts {
        if told.steps == 0 || budget.is_over() {
            break;
        }
        told.look(&graph.part(nodes, &mut places), nodes, budget);
    }
    let operations = &prepared.transactions.operations;
    let same = |step: &Step| {
        let (from, to) = (operations[step.from as usize], operations[step.to as usize]);
        step.kind != REALTIME || from.process == to.process
    };
    // Real time within a session is a cycle of sessions, which has a name of its own.
    told.found.retain(|cycle| {
        let timed = cycle.steps.iter().any(|step| step.kind == REALTIME);
        !timed || !cycle.steps.iter().all(same)
    });
    told.found.sort_by_key(|cycle| Pattern::rank(cycle.name));
    told.found
}

/// What was found so far.
struct Told {
    shape: Shape,
    steps: u64,
    /// The shortest of each name.
    found: Vec<Cycle>,
}

impl Told {
    /// Looks through a part for cycles that are shorter than those that are known.
    fn look(&mut self, part: &Graph, nodes: &[u32], budget: &Budget<'_>) {
        let mut any_found = false;
        for pattern in Pattern::forbidden(self.shape) {
            if budget.is_over() {
                return;
            }
            let bound = self.steps.min(STEPS_A_NAME);
            let mut search = Search::new(part, bound);
            let known = self.found.iter().find(|known| known.name == pattern.name);
            let longest = known.map_or(usize::MAX, |known| known.steps.len());
            any_found |= known.is_some();
            let cycle = search.find(pattern, longest);
            let walked = u64::from(part.nodes());
            self.steps = self.steps.saturating_sub(bound - search.left() + walked);
            if let Some(cycle) = cycle {
                any_found = true;
                self.keep(&cycle, nodes);
            }
        }
        if !any_found && let Some(cycle) = any(part, self.shape) {
            self.keep(&cycle, nodes);
        }
    }

    fn keep(&mut self, cycle: &Cycle, nodes: &[u32]) {
        let number = |node: u32| nodes[node as usize];
        let steps = cycle.steps.iter().map(|step| Step {
            from: number(step.from),
            to: number(step.to),
            kind: step.kind,
        });
        let cycle = Cycle {
            name: cycle.name,
            steps: steps.collect(),
        };
        match self.found.iter_mut().find(|known| known.name == cycle.name) {
            None => self.found.push(cycle),
            Some(known) if cycle.steps.len() < known.steps.len() => *known = cycle,
            Some(_) => {}
        }
    }
}

/// The certain edges in the making.
struct Drawing<'d, 'p, 'a> {
    prepared: &'d Prepared<'p, 'a>,
    units: &'d Units,
    /// Whether updates are not lost, so that versions make chains.
    chains: bool,
    edges: Vec<Edge>,
    nodes: u32,
    /// By chain: the node behind all who read its last version, once it is needed.
    read: Vec<u32>,
}

impl<'d, 'p, 'a> Drawing<'d, 'p, 'a> {
    fn of(prepared: &'d Prepared<'p, 'a>, units: &'d Units, points: Points) -> Self {
        Self {
            prepared,
            units,
            chains: points != Points::Prefix,
            edges: Vec::new(),
            nodes: prepared.transactions.len() as u32,
            read: vec![NONE; units.list.len()],
        }
    }

    fn draw(&mut self, keeps: Keeps) {
        self.reads();
        for key in 0..self.prepared.transactions.key_count() as u32 {
            let units = self.units.of_key(key);
            for other in units.start + 1..units.end {
                let head = self.units.list[other as usize].head;
                self.before(units.start, head);
            }
        }
        self.assumed();
        if keeps != Keeps::Nothing {
            self.sessions();
        }
        if keeps == Keeps::RealTime {
            let takes_part = &self.prepared.reads.takes_part;
            let operations = &self.prepared.transactions.operations;
            self.nodes = real_time(operations, takes_part, self.nodes, &mut self.edges);
        }
    }

    fn edge(&mut self, from: u32, to: u32, kind: Kinds) {
        if from != to {
            self.edges.push(Edge { from, to, kind });
        }
    }

    /// Who read from whom, and who wrote the next version of what was read.
    fn reads(&mut self) {
        for at in 0..self.prepared.reads.list.len() {
            let read = self.prepared.reads.list[at];
            if let Some(writer) = self.prepared.writer(read.version) {
                self.edge(writer, read.reader, WR);
            }
            let next = self.prepared.next[read.version as usize];
            let same = next != NONE
                && self.units.of[next as usize] == self.units.of[read.version as usize];
            if same && let Some(writer) = self.prepared.writer(next) {
                self.edge(read.reader, writer, RW);
            }
        }
    }

    /// A chain comes before a version of another one: its last writer, and who read what that left.
    fn before(&mut self, unit: u32, later: Version) {
        let Some(to) = self.prepared.writer(later) else {
            return;
        };
        let tail = self.units.list[unit as usize].tail;
        if let Some(from) = self.prepared.writer(tail) {
            self.edge(from, to, WW);
        }
        if self.read[unit as usize] == NONE {
            let node = self.nodes;
            // Who updates what ends a chain, for those that update it read from each other in a circle, comes
            // before no other update of it.
            let updates = self.prepared.next[tail as usize];
            let updater = self.prepared.writer(updates).filter(|_| self.chains);
            let readers = self.prepared.readers(tail).map(|read| read.reader);
            let readers = readers.filter(|&reader| Some(reader) != updater);
            let readers = readers.map(|from| Edge {
                from,
                to: node,
                kind: RW,
            });
            let known = self.edges.len();
            self.edges.extend(readers);
            if self.edges.len() == known {
                return;
            }
            self.nodes += 1;
            self.read[unit as usize] = node;
        }
        self.edge(self.read[unit as usize], to, ON);
    }

    fn assumed(&mut self) {
        for at in 0..self.prepared.assumed.len() {
            let (earlier, later) = self.prepared.assumed[at];
            let unit = self.units.of[earlier as usize];
            let behind = self.units.of[later as usize];
            let first = |unit: u32| {
                let head = self.units.list[unit as usize].head;
                self.prepared.is_initial(head)
            };
            if unit == behind || first(unit) {
                continue;
            }
            let target = if first(behind) {
                later
            } else {
                self.units.list[behind as usize].head
            };
            self.before(unit, target);
        }
    }

    /// From each transaction to all later ones of its session, through a node behind it.
    fn sessions(&mut self) {
        let mut behind: FxHashMap<i64, u32> = FxHashMap::default();
        for number in 0..self.prepared.transactions.len() {
            if !self.prepared.reads.takes_part[number] {
                continue;
            }
            let operation = self.prepared.transactions.operations[number];
            let before = behind.get(&operation.process).copied();
            if let Some(before) = before {
                self.edge(before, number as u32, ON);
            }
            if operation.outcome == Outcome::Ok {
                let node = self.nodes;
                self.nodes += 1;
                self.edge(number as u32, node, PROCESS);
                if let Some(before) = before {
                    self.edge(before, node, ON);
                }
                behind.insert(operation.process, node);
            }
        }
    }
}
