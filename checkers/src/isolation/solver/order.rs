//! Rows of edges, a first order of the nodes, and the cycle that there is where there is none.

use super::choices::Edge;

/// The neighbours of every node, in compressed sparse rows.
#[derive(Debug)]
pub(super) struct Rows {
    first: Vec<u32>,
    to: Vec<u32>,
}

impl Rows {
    pub(super) fn out(nodes: u32, edges: &[Edge]) -> Self {
        Self::build(nodes, edges, |edge| edge)
    }

    pub(super) fn into(nodes: u32, edges: &[Edge]) -> Self {
        Self::build(nodes, edges, |(from, to)| (to, from))
    }

    fn build(nodes: u32, edges: &[Edge], turn: impl Fn(Edge) -> Edge) -> Self {
        let mut first = vec![0_u32; nodes as usize + 2];
        for &edge in edges {
            first[turn(edge).0 as usize + 2] += 1;
        }
        for node in 2..first.len() {
            first[node] += first[node - 1];
        }
        let mut to = vec![0; edges.len()];
        for &edge in edges {
            let (from, target) = turn(edge);
            let at = &mut first[from as usize + 1];
            to[*at as usize] = target;
            *at += 1;
        }
        first.pop();
        Self { first, to }
    }

    pub(super) fn of_range(&self, node: u32) -> std::ops::Range<usize> {
        self.first[node as usize] as usize..self.first[node as usize + 1] as usize
    }

    pub(super) fn of_slot(&self, slot: u32) -> u32 {
        self.to[slot as usize]
    }

    pub(super) fn of(&self, node: u32) -> &[u32] {
        &self.to[self.of_range(node)]
    }

    fn nodes(&self) -> u32 {
        self.first.len() as u32 - 1
    }
}

/// A place for every node such that all edges lead forwards: nodes come in the order of their hints, each behind
/// what must come before it and did not yet. `None` if there is a cycle.
pub(super) fn near(into: &Rows, hints: &[u32]) -> Option<Vec<u32>> {
    const NEW: u32 = u32::MAX;
    const OPEN: u32 = u32::MAX - 1;
    let mut wishes: Vec<u32> = (0..into.nodes()).collect();
    wishes.sort_by_key(|&node| hints.get(node as usize).copied().unwrap_or(0));
    let mut places = vec![NEW; wishes.len()];
    let mut placed = 0;
    // Nodes that wait for others, and the slots of edges that were not looked at yet.
    let mut path: Vec<(u32, u32)> = Vec::new();
    for wish in wishes {
        if places[wish as usize] != NEW {
            continue;
        }
        places[wish as usize] = OPEN;
        path.push((wish, into.of_range(wish).start as u32));
        while let Some((node, slot)) = path.last_mut() {
            if *slot as usize == into.of_range(*node).end {
                places[*node as usize] = placed;
                placed += 1;
                path.pop();
                continue;
            }
            let before = into.of_slot(*slot);
            *slot += 1;
            match places[before as usize] {
                NEW => {
                    places[before as usize] = OPEN;
                    path.push((before, into.of_range(before).start as u32));
                }
                OPEN => return None,
                _ => {}
            }
        }
    }
    Some(places)
}

/// How many nodes of a graph that has a cycle are tried as the beginning of a short one.
const TRIES: usize = 64;

/// A short cycle of a graph that has one: the shortest through some of the nodes that are on cycles.
pub(super) fn cycle(out: &Rows, into: &Rows) -> Vec<u32> {
    let knot = knot(out, into);
    let nodes: Vec<u32> = (0..out.nodes())
        .filter(|&node| knot[node as usize])
        .collect();
    let mut best: Vec<u32> = Vec::new();
    let mut came = vec![u32::MAX; knot.len()];
    let stride = nodes.len().div_ceil(TRIES).max(1);
    for &start in nodes.iter().step_by(stride) {
        let bound = if best.is_empty() {
            nodes.len() + 1
        } else {
            best.len()
        };
        if let Some(found) = cycle_through(out, &knot, start, bound, &mut came) {
            best = found;
        }
    }
    if best.is_empty() {
        // None of those that were tried is on a cycle, but every node here leads to one.
        best = walk(out, &knot, nodes[0]);
    }
    best
}

/// Nodes that are left when those without predecessors, and those without successors, are taken away until there
/// are no more.
fn knot(out: &Rows, into: &Rows) -> Vec<bool> {
    let mut left = vec![true; out.nodes() as usize];
    for (ahead, behind) in [(out, into), (into, out)] {
        let mut degree: Vec<u32> = (0..out.nodes())
            .map(|node| {
                let neighbours = behind.of(node).iter();
                neighbours.filter(|&&next| left[next as usize]).count() as u32
            })
            .collect();
        let mut open: Vec<u32> = (0..out.nodes())
            .filter(|&node| left[node as usize] && degree[node as usize] == 0)
            .collect();
        while let Some(node) = open.pop() {
            left[node as usize] = false;
            for &next in ahead.of(node) {
                degree[next as usize] -= 1;
                if degree[next as usize] == 0 && left[next as usize] {
                    open.push(next);
                }
            }
        }
    }
    left
}

/// A shortest cycle through a node, if there is one of less than `bound` nodes.
fn cycle_through(
    out: &Rows,
    within: &[bool],
    start: u32,
    bound: usize,
    came: &mut [u32],
) -> Option<Vec<u32>> {
    let mut queue = vec![start];
    let mut found = None;
    let mut level_end = 1;
    let mut depth = 1;
    let mut at = 0;
    'search: while at < queue.len() && depth < bound {
        let node = queue[at];
        for &next in out.of(node) {
            if next == start {
                found = Some(node);
                break 'search;
            }
            if within[next as usize] && came[next as usize] == u32::MAX {
                came[next as usize] = node;
                queue.push(next);
            }
        }
        at += 1;
        if at == level_end {
            level_end = queue.len();
            depth += 1;
        }
    }
    let cycle = found.map(|mut node| {
        let mut cycle = vec![node];
        while node != start {
            node = came[node as usize];
            cycle.push(node);
        }
        cycle.reverse();
        cycle
    });
    for node in queue {
        came[node as usize] = u32::MAX;
    }
    cycle
}

/// Walks until a node comes again.
fn walk(out: &Rows, within: &[bool], start: u32) -> Vec<u32> {
    let mut seen = vec![u32::MAX; within.len()];
    let mut path = Vec::new();
    let mut node = start;
    while seen[node as usize] == u32::MAX {
        seen[node as usize] = path.len() as u32;
        path.push(node);
        let next = out.of(node).iter().find(|&&next| within[next as usize]);
        match next {
            Some(&next) => node = next,
            None => return path,
        }
    }
    path.split_off(seen[node as usize] as usize)
}
