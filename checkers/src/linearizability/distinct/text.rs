//! Texts that are replaced, appended to and read, where one can tell which operations made what was read.
//!
//! A *block* is an operation that put a text, or the beginning, with all appends that reads of it show and
//! with these reads. Its operations stand in a fixed order: what was put, the reads of it alone, the first
//! append, the reads that end with that one, and so on. Theorem: an order exists exactly when
//! - every read has a block, and of two reads of one block one begins the other,
//! - no append shows twice, in one block or in two,
//! - no operation of a block completed before one that stands before it in the block was invoked, and
//! - a register has an order for which what puts a text is a write of a value of its own, all else of its block
//!   is a read of that value, and an append that no read shows is a write of a value that nobody reads.
//!
//! Nothing of another block stands between two operations of a block, and what no read shows comes when the
//! last read of a block is done: so an order of the text is one of the register. Conversely let the operations
//! between the write of a block and the next write change places until they stand in the order of the block.
//! Two of them change places only if real time lets them, so what comes out is an order of the text.
//!
//! The register is decided as any other (`register`); the rest is O(n log n) but for the reading of the texts
//! (`read`), which is linear in their length and in how many lengths the pieces have that begin alike. Reads
//! that can be read in several ways are left out; whatever is impossible without them is so with them, and if
//! nothing is, the theory does not say.
//!
//! A violation is shown with only the pieces that matter: leave pieces out of all texts, and every order stays
//! one.

mod core;
mod read;

use rustc_hash::FxHashMap;

use super::facts::{Act, Fact, Facts};
use super::{Core, Found, register};
use crate::Model;
use crate::linearizability::calls::{Call, NEVER};
use crate::theory::View;
use read::Reading;

const NOBODY: u32 = u32::MAX;
/// What reading texts holds, in bytes a byte of the longest text.
const BYTES_A_BYTE: usize = 16;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Read,
    Replace,
    Append,
}

/// An operation. Its times are events, counted from 1.
struct Item<'a> {
    kind: Kind,
    text: &'a str,
    must: bool,
    from: u32,
    to: u32,
    call: u32,
}

/// All texts that were read, each a node below the one that it grew from.
#[derive(Default)]
struct Tree {
    nodes: Vec<Node>,
    children: FxHashMap<(u32, u32), u32>,
}

#[derive(Clone, Copy)]
struct Node {
    parent: u32,
    /// What was appended last, as an item.
    piece: u32,
    /// Of how many appends it is made.
    depth: u32,
    /// The number of its block: 0 is the beginning, and then one more than the item that put the text.
    block: u32,
}

impl Tree {
    /// A tree with one root a block.
    fn new(items: usize) -> Self {
        let root = |block| Node {
            parent: NOBODY,
            piece: NOBODY,
            depth: 0,
            block,
        };
        Self {
            nodes: (0..=items as u32).map(root).collect(),
            children: FxHashMap::default(),
        }
    }

    /// The node of what this item put, or of the beginning.
    fn root(put: Option<u32>) -> u32 {
        put.map_or(0, |put| put + 1)
    }

    fn child(&mut self, parent: u32, piece: u32) -> u32 {
        let nodes = &mut self.nodes;
        *self.children.entry((parent, piece)).or_insert_with(|| {
            let above = nodes[parent as usize];
            nodes.push(Node {
                parent,
                piece,
                depth: above.depth + 1,
                block: above.block,
            });
            nodes.len() as u32 - 1
        })
    }

    fn get(&self, node: u32) -> Node {
        self.nodes[node as usize]
    }
}

/// The operations on one text.
pub(crate) struct Texts<'a> {
    items: Vec<Item<'a>>,
    tree: Tree,
    readings: Vec<Reading>,
    /// Whether every read can be read in one way at most.
    clear: bool,
    /// Whether what was read can be read in one way without a look at the times.
    plain: bool,
    events: u32,
}

impl<'a> Texts<'a> {
    /// Reads the calls, which are in the order of invocation. None if one of them is beyond the theory, or if
    /// reading takes more than so many bytes.
    pub(crate) fn new<M: Model>(model: &M, calls: &'a [Call<M::Op>], bytes: usize) -> Option<Self> {
        let mut items = Vec::with_capacity(calls.len());
        for (at, call) in (0..).zip(calls) {
            let (kind, text) = match model.view(&call.op) {
                View::Text(text) => (Kind::Read, text),
                View::Replace(text) => (Kind::Replace, text),
                View::Append(text) => (Kind::Append, text),
                _ => return None,
            };
            if kind == Kind::Read && !call.must {
                continue;
            }
            items.push(Item {
                kind,
                text,
                must: call.must,
                from: call.invoked,
                to: call.completed,
                call: at,
            });
        }
        let longest = items.iter().map(|item| item.text.len()).max().unwrap_or(0);
        if longest.saturating_mul(BYTES_A_BYTE) > bytes {
            return None;
        }
        let events = number(&mut items);
        let mut tree = Tree::new(items.len());
        let (readings, plain) = read::read(&items, &mut tree);
        let unclear = |(item, reading): (&Item<'_>, &Reading)| {
            item.kind == Kind::Read && *reading == Reading::Unclear
        };
        let clear = !items.iter().zip(&readings).any(unclear);
        Some(Self {
            items,
            tree,
            readings,
            clear,
            plain,
            events,
        })
    }

    /// Whether what was known after an event is decided without what was learned later.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// How many events there are.
    pub(crate) fn events(&self) -> u32 {
        self.events
    }

    /// Decides what was known after this event.
    pub(crate) fn decide(&self, until: u32) -> Found {
        let mut known = Known {
            texts: self,
            until,
            longest: vec![NOBODY; self.items.len() + 1],
            grown: vec![false; self.tree.nodes.len()],
            places: vec![NOBODY; self.items.len()],
        };
        match known.decide() {
            Ok(order) if self.clear => Found::Order(order),
            Ok(_) | Err(None) => Found::Open,
            Err(Some(core)) => Found::Violation(core),
        }
    }

    /// The last completion until this event among the calls of a core, and the call.
    pub(crate) fn last_completion(&self, core: &Core, until: u32) -> Option<(u32, u32)> {
        let of_core = |item: &&Item<'_>| {
            item.must && item.to <= until && core.calls.binary_search(&item.call).is_ok()
        };
        let completions = self.items.iter().filter(of_core);
        completions.map(|item| (item.to, item.call)).max()
    }

    fn item(&self, at: u32) -> &Item<'a> {
        &self.items[at as usize]
    }

    /// The node that a read saw.
    fn node(&self, at: u32) -> Option<u32> {
        match self.readings[at as usize] {
            Reading::Node(node) if self.item(at).kind == Kind::Read => Some(node),
            _ => None,
        }
    }
}

/// Numbers the events of the items; returns how many there are.
fn number(items: &mut [Item<'_>]) -> u32 {
    let facts = (0..).zip(&*items).map(|(at, item)| Fact {
        act: Act::Put,
        must: item.must,
        value: at,
        from: item.from,
        to: item.to,
        call: at,
    });
    let facts = Facts::counted(facts.collect(), items.len());
    for (item, fact) in items.iter_mut().zip(&facts.list) {
        (item.from, item.to) = (fact.from, fact.to);
    }
    facts.events
}

/// What was known after an event.
struct Known<'t, 'a> {
    texts: &'t Texts<'a>,
    until: u32,
    /// By block, the read that saw most of it.
    longest: Vec<u32>,
    /// By node, whether the block went through it, as far as was read.
    grown: Vec<bool>,
    /// By item, the node at which an append shows.
    places: Vec<u32>,
}

/// A violation, or that the theory cannot show the one that it found.
type Shown<T> = Result<T, Option<Core>>;

impl Known<'_, '_> {
    fn decide(&mut self) -> Shown<Vec<u32>> {
        for at in 0..self.texts.items.len() as u32 {
            if self.has_completed(at) && self.texts.item(at).kind == Kind::Read {
                self.grow(at)?;
            }
        }
        let ranks = self.ranks()?;
        let facts = self.facts();
        match register::decide(&facts, 0) {
            Found::Order(order) => Ok(self.order(&order, &facts, &ranks)),
            Found::Violation(core) => Err(self.core(&core.calls)),
            Found::Open => Err(None),
        }
    }

    fn has_completed(&self, at: u32) -> bool {
        self.texts.item(at).to <= self.until
    }

    /// Whether it happened for certain.
    fn must(&self, at: u32) -> bool {
        self.texts.item(at).must && self.has_completed(at)
    }

    /// Lets the block of a read grow to what it saw.
    fn grow(&mut self, read: u32) -> Shown<()> {
        let node = match self.texts.readings[read as usize] {
            Reading::Node(node) => node,
            Reading::Nowhere(from) => return Err(self.nowhere(read, from as usize)),
            Reading::Unclear => return Ok(()),
        };
        let block = self.texts.tree.get(node).block;
        let other = self.longest[block as usize];
        let before = self.texts.node_or_root(other, block);
        let mut path = Vec::new();
        let mut above = node;
        while above != block && !self.grown[above as usize] {
            path.push(above);
            above = self.texts.tree.get(above).parent;
        }
        // Shorter ones end on the way to the longest, and longer ones go through it.
        if !path.is_empty() && above != before {
            return Err(self.torn(other, read));
        }
        if other == NOBODY || !path.is_empty() {
            self.longest[block as usize] = read;
        }
        for node in path.into_iter().rev() {
            self.grown[node as usize] = true;
            let piece = self.texts.tree.get(node).piece;
            let place = &mut self.places[piece as usize];
            if *place != NOBODY {
                let there = self.longest[self.texts.tree.get(*place).block as usize];
                return Err(self.core(&[piece, read, there]));
            }
            *place = node;
        }
        Ok(())
    }

    /// The block of an item and its rank there, where it has one.
    fn rank(&self, at: u32) -> Option<(u32, u32)> {
        let tree = &self.texts.tree;
        match self.texts.item(at).kind {
            Kind::Read => {
                let node = self.texts.node(at).filter(|_| self.has_completed(at))?;
                Some((tree.get(node).block, 2 * tree.get(node).depth + 1))
            }
            Kind::Replace => {
                let read = self.longest[at as usize + 1] != NOBODY;
                read.then_some((at + 1, 0))
            }
            Kind::Append => {
                let place = self.places[at as usize];
                (place != NOBODY).then(|| (tree.get(place).block, 2 * tree.get(place).depth))
            }
        }
    }

    /// The rank of every item that has one, if real time agrees with the order in each block.
    fn ranks(&self) -> Shown<Vec<u32>> {
        let mut ranks = vec![0; self.texts.items.len()];
        let mut members: Vec<(u32, u32, u32)> = Vec::new();
        for at in 0..self.texts.items.len() as u32 {
            if let Some((block, rank)) = self.rank(at) {
                ranks[at as usize] = rank;
                members.push((block, rank, at));
            }
        }
        members.sort_unstable();
        for block in members.chunk_by(|a, b| a.0 == b.0) {
            let mut latest = (0, NOBODY);
            for equal in block.chunk_by(|a, b| a.1 == b.1) {
                let early = equal
                    .iter()
                    .find(|(_, _, at)| self.texts.item(*at).to < latest.0);
                if let Some(&(_, _, early)) = early {
                    return Err(self.swapped(latest.1, early));
                }
                let invoked = equal
                    .iter()
                    .map(|&(_, _, at)| (self.texts.item(at).from, at));
                latest = latest.max(invoked.max().unwrap_or_default());
            }
        }
        Ok(ranks)
    }

    /// The register.
    fn facts(&self) -> Facts<'static> {
        let mut list = Vec::with_capacity(self.texts.items.len());
        for (at, item) in (0..).zip(&self.texts.items) {
            let shown = self.rank(at);
            let (act, value) = match (item.kind, shown) {
                (Kind::Replace, _) => (Act::Put, at + 1),
                (Kind::Append | Kind::Read, Some((block, _))) => (Act::See, block),
                (Kind::Append, None) if !item.text.is_empty() => (Act::Put, at + 1),
                (Kind::Append | Kind::Read, None) => continue,
            };
            let must = self.must(at);
            if !must && shown.is_none() {
                continue;
            }
            list.push(Fact {
                act,
                must,
                value,
                from: item.from,
                to: if self.has_completed(at) {
                    item.to
                } else {
                    NEVER
                },
                call: at,
            });
        }
        Facts::given(list, self.texts.items.len() + 1, self.texts.events)
    }

    /// The order of the text from that of the register.
    fn order(&self, register: &[u32], facts: &Facts<'_>, ranks: &[u32]) -> Vec<u32> {
        let mut values = vec![0; self.texts.items.len()];
        for fact in &facts.list {
            values[fact.call as usize] = fact.value;
        }
        let mut order = Vec::with_capacity(self.texts.items.len());
        for block in register.chunk_by(|&a, &b| values[a as usize] == values[b as usize]) {
            let mut block = block.to_vec();
            block.sort_by_key(|&at| ranks[at as usize]);
            order.append(&mut block);
        }
        let order = self.with_idle(order);
        order.iter().map(|&at| self.texts.item(at).call).collect()
    }

    /// Adds the appends of nothing, each behind all that had completed when it was invoked.
    fn with_idle(&self, order: Vec<u32>) -> Vec<u32> {
        let idle = (0..self.texts.items.len() as u32).filter(|&at| {
            let item = self.texts.item(at);
            item.kind == Kind::Append && item.text.is_empty() && self.must(at)
        });
        let idle: Vec<u32> = idle.collect();
        if idle.is_empty() {
            return order;
        }
        // The last place of what had completed, by event.
        let mut last = vec![0; self.texts.events as usize + 2];
        for (place, &at) in (1..).zip(&order) {
            let item = self.texts.item(at);
            if item.to <= self.texts.events {
                last[item.to as usize] = place;
            }
        }
        for event in 1..last.len() {
            last[event] = last[event].max(last[event - 1]);
        }
        let mut placed: Vec<(u32, u32, u32)> = (1..)
            .zip(&order)
            .map(|(place, &at)| (place, 0, at))
            .collect();
        for at in idle {
            let from = self.texts.item(at).from;
            placed.push((last[from as usize], 1 + from, at));
        }
        placed.sort_unstable();
        placed.into_iter().map(|(_, _, at)| at).collect()
    }
}

impl Texts<'_> {
    /// The node that a read saw, or the root of the block if there is no read.
    fn node_or_root(&self, read: u32, block: u32) -> u32 {
        if read == NOBODY {
            return block;
        }
        self.node(read).unwrap_or(block)
    }
}
