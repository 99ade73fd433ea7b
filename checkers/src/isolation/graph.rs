//! Dependency graphs in flat arrays, and their strongly connected components.
//!
//! Adya's direct serialization graph (1999, section 3.1): transactions, and who depends on whom, directly and
//! why. Beside transactions a graph has *auxiliary* nodes, which stand for a moment in real time or for all
//! writes that nobody saw: an edge that leaves one *goes on* as what led to it, and so `n` times `m` edges
//! become `n + m`.
//!
//! The graph is a compressed sparse row: where the edges of each node begin, and then all edges. Components
//! are found by Tarjan's algorithm (1972) with a stack of its own, for a cycle may be a million long.

/// A set of kinds of edges.
pub(crate) type Kinds = u8;

/// The later transaction overwrote what the earlier wrote.
pub(crate) const WW: Kinds = 1;
/// The later transaction read what the earlier wrote.
pub(crate) const WR: Kinds = 2;
/// The later transaction overwrote what the earlier read: an anti-dependency.
pub(crate) const RW: Kinds = 4;
/// The same process had completed the earlier before it invoked the later.
pub(crate) const PROCESS: Kinds = 8;
/// The earlier had completed before the later was invoked.
pub(crate) const REALTIME: Kinds = 16;
/// Goes on from an auxiliary node as what led to it.
pub(crate) const ON: Kinds = 32;

/// An anti-dependency of a transaction that goes on to write the key: under cursor stability it must write first.
pub(crate) const CURSOR: Kinds = 64;

/// An overwriting between two transactions of which it is known that they committed: reading what was not
/// committed is allowed where only these are looked at.
pub(crate) const SURE: Kinds = 128;

/// All that a transaction depends on by what it read and wrote, but for anti-dependencies.
pub(crate) const DEPENDENCY: Kinds = WW | WR;

/// The field's word for an edge of one kind. Only an anti-dependency makes a writer update what it read.
pub(crate) const fn kind_name(kind: Kinds) -> &'static str {
    match kind {
        WW => "ww",
        WR => "wr",
        RW | CURSOR => "rw",
        PROCESS => "process",
        REALTIME => "realtime",
        _ => "before",
    }
}

/// One edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) kind: Kinds,
}

/// A graph whose nodes below [`transactions`](Self::transactions) are transactions, and auxiliary otherwise.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    transactions: u32,
    /// Where the edges of each node begin; one more at the end.
    first: Vec<u32>,
    to: Vec<u32>,
    kind: Vec<Kinds>,
}

impl Graph {
    /// A graph of these edges, in the order in which they are given. Linear time.
    pub(crate) fn of(transactions: u32, nodes: u32, edges: &[Edge]) -> Self {
        let mut first = vec![0_u32; nodes as usize + 1];
        for edge in edges {
            first[edge.from as usize + 1] += 1;
        }
        for node in 1..first.len() {
            first[node] += first[node - 1];
        }
        let mut next = first.clone();
        let mut to = vec![0; edges.len()];
        let mut kind = vec![0; edges.len()];
        for edge in edges {
            let at = &mut next[edge.from as usize];
            to[*at as usize] = edge.to;
            kind[*at as usize] = edge.kind;
            *at += 1;
        }
        Self {
            transactions,
            first,
            to,
            kind,
        }
    }

    /// How many nodes are transactions.
    pub(crate) fn transactions(&self) -> u32 {
        self.transactions
    }

    /// How many nodes there are.
    pub(crate) fn nodes(&self) -> u32 {
        self.first.len() as u32 - 1
    }

    /// How many bytes a graph of so many nodes and edges takes, the list of its edges and the search for
    /// components included.
    pub(crate) fn bytes(nodes: usize, edges: usize) -> usize {
        nodes * 28 + edges * (size_of::<Edge>() + 5)
    }

    /// The edges that leave a node, and where they lead.
    pub(crate) fn edges(&self, node: u32) -> impl Iterator<Item = (u32, Kinds)> + '_ {
        let range = self.first[node as usize] as usize..self.first[node as usize + 1] as usize;
        let kinds = self.kind[range.clone()].iter().copied();
        self.to[range].iter().copied().zip(kinds)
    }

    /// The part of the graph that lies between these nodes, which are numbered anew in the order given.
    /// Transactions must come first. `places` has room for every node, and is left as it was found: all
    /// [`NOWHERE`].
    pub(crate) fn part(&self, nodes: &[u32], places: &mut [u32]) -> Self {
        for (place, &node) in nodes.iter().enumerate() {
            places[node as usize] = place as u32;
        }
        let mut edges = Vec::new();
        for (from, &node) in nodes.iter().enumerate() {
            for (to, kind) in self.edges(node) {
                let to = places[to as usize];
                if to != NOWHERE {
                    let from = from as u32;
                    edges.push(Edge { from, to, kind });
                }
            }
        }
        for &node in nodes {
            places[node as usize] = NOWHERE;
        }
        let transactions = nodes.partition_point(|&node| node < self.transactions);
        Self::of(transactions as u32, nodes.len() as u32, &edges)
    }
}

/// Not in the part.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// What can be walked along: a graph, or what a level makes of it.
pub(crate) trait Digraph {
    /// How many nodes there are.
    fn nodes(&self) -> u32;

    /// The next successor of a node; the cursor begins at 0 and is moved past it.
    fn next(&self, node: u32, cursor: &mut u32) -> Option<u32>;
}

/// The edges of some kinds, and those that go on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Masked<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) kinds: Kinds,
}

impl Digraph for Masked<'_> {
    fn nodes(&self) -> u32 {
        self.graph.nodes()
    }

    fn next(&self, node: u32, cursor: &mut u32) -> Option<u32> {
        let end = self.graph.first[node as usize + 1];
        let mut at = self.graph.first[node as usize] + *cursor;
        while at < end {
            at += 1;
            if self.graph.kind[at as usize - 1] & (self.kinds | ON) != 0 {
                *cursor = at - self.graph.first[node as usize];
                return Some(self.graph.to[at as usize - 1]);
            }
        }
        None
    }
}

/// The snapshots and the commits of transactions: what snapshot isolation makes of a graph.
///
/// Node `2 t` is the moment when transaction `t` took its snapshot, `2 t + 1` the moment when it committed. A
/// snapshot comes before its own commit; a dependency says that the earlier committed before the later took
/// its snapshot, an anti-dependency that the earlier took its snapshot before the later committed. There is
/// an order of these moments exactly if no cycle is without two anti-dependencies in a row (Cerone & Gotsman
/// 2016, theorem 10).
///
/// Under *prefix* consistency transactions may update what changed since their snapshot: an overwriting only
/// says that one commit came before the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments<'a> {
    pub(crate) graph: &'a Graph,
    /// The kinds of edges that count as dependencies.
    pub(crate) kinds: Kinds,
    /// Whether overwriting orders commits alone.
    pub(crate) prefix: bool,
}

impl Moments<'_> {
    /// Where an edge leads from a moment, if it is an edge of that moment.
    fn target(self, commit: bool, to: u32, kind: Kinds) -> Option<u32> {
        let (snapshot_of, commit_of) = (2 * to, 2 * to + 1);
        if kind & ON != 0 {
            return Some(if commit { commit_of } else { snapshot_of });
        }
        if kind & RW != 0 {
            return (!commit).then_some(commit_of);
        }
        let counts = commit && kind & self.kinds != 0;
        let among_commits = self.prefix && kind & WW != 0;
        counts.then_some(if among_commits {
            commit_of
        } else {
            snapshot_of
        })
    }
}

impl Digraph for Moments<'_> {
    fn nodes(&self) -> u32 {
        2 * self.graph.nodes()
    }

    fn next(&self, node: u32, cursor: &mut u32) -> Option<u32> {
        let (transaction, commit) = (node / 2, node % 2 == 1);
        if *cursor == 0 && !commit && transaction < self.graph.transactions {
            *cursor = 1;
            return Some(node + 1);
        }
        let skipped = u32::from(!commit && transaction < self.graph.transactions);
        let first = self.graph.first[transaction as usize];
        let end = self.graph.first[transaction as usize + 1];
        let mut at = first + *cursor - skipped;
        while at < end {
            at += 1;
            let (to, kind) = (
                self.graph.to[at as usize - 1],
                self.graph.kind[at as usize - 1],
            );
            if let Some(target) = self.target(commit, to, kind) {
                *cursor = at - first + skipped;
                return Some(target);
            }
        }
        None
    }
}

/// The strongly connected components of more than one node, in an order in which no edge leads from an earlier
/// one to a later one; the nodes of each in ascending order. Linear time.
pub(crate) fn components(graph: &impl Digraph) -> Vec<Vec<u32>> {
    Tarjan::new(graph).run().0
}

/// A number for every node such that every edge leads to a smaller or an equal one, and equal numbers are those
/// of one component.
pub(crate) fn heights(graph: &impl Digraph) -> Vec<u32> {
    Tarjan::new(graph).run().1
}

/// Tarjan's algorithm under way.
struct Tarjan<'a, G> {
    graph: &'a G,
    /// When each node was found, from 1; 0 before. Once its component is known, the number of the component.
    found: Vec<u32>,
    /// The earliest node on the stack that each node reaches.
    low: Vec<u32>,
    done: Vec<bool>,
    /// Nodes whose component is not known yet.
    open: Vec<u32>,
    /// The path that is walked: nodes, and how far their edges are done.
    path: Vec<(u32, u32)>,
    count: u32,
    numbered: u32,
    components: Vec<Vec<u32>>,
}

impl<'a, G: Digraph> Tarjan<'a, G> {
    fn new(graph: &'a G) -> Self {
        let nodes = graph.nodes() as usize;
        Self {
            graph,
            found: vec![0; nodes],
            low: vec![0; nodes],
            done: vec![false; nodes],
            open: Vec::new(),
            path: Vec::new(),
            count: 0,
            numbered: 0,
            components: Vec::new(),
        }
    }

    fn run(mut self) -> (Vec<Vec<u32>>, Vec<u32>) {
        for node in 0..self.graph.nodes() {
            if self.found[node as usize] == 0 {
                self.find(node);
                self.walk();
            }
        }
        (self.components, self.found)
    }

    fn find(&mut self, node: u32) {
        self.count += 1;
        self.found[node as usize] = self.count;
        self.low[node as usize] = self.count;
        self.open.push(node);
        self.path.push((node, 0));
    }

    fn walk(&mut self) {
        while let Some((node, cursor)) = self.path.last_mut() {
            let node = *node;
            match self.graph.next(node, cursor) {
                Some(to) if self.found[to as usize] == 0 => self.find(to),
                Some(to) if !self.done[to as usize] => self.reach(node, self.found[to as usize]),
                Some(_) => {}
                None => {
                    self.path.pop();
                    self.close(node);
                }
            }
        }
    }

    fn reach(&mut self, node: u32, low: u32) {
        let own = &mut self.low[node as usize];
        *own = low.min(*own);
    }

    fn close(&mut self, node: u32) {
        let low = self.low[node as usize];
        if let Some(&(above, _)) = self.path.last() {
            self.reach(above, low);
        }
        if low != self.found[node as usize] {
            return;
        }
        let from = self
            .open
            .iter()
            .rposition(|&open| open == node)
            .unwrap_or(0);
        for &member in &self.open[from..] {
            self.done[member as usize] = true;
            self.found[member as usize] = self.numbered + 1;
        }
        self.numbered += 1;
        if self.open.len() - from > 1 {
            let mut members = self.open.split_off(from);
            members.sort_unstable();
            self.components.push(members);
        } else {
            self.open.truncate(from);
        }
    }
}
