//! Which operations a text that was read is made of.
//!
//! A text is the one that was put last, or the empty one at the beginning, and what was appended since. All
//! reads that begin with the same pieces are read in one go: of texts in the order of the alphabet, one that
//! begins the next one needs no reading of its own. For each place of the longest the ways to come there are
//! counted, up to two. One way is what is wanted, none means that the text is from nowhere.
//!
//! Where there are two, times often tell them apart. If only one operation can have begun all these texts, they
//! show one and the same growing text: a piece then ends where a shorter read ends or before it, it was not
//! complete when a read that lacks it was invoked, and it was invoked before a read that has it completed.

use rustc_hash::FxHashMap;

use super::{Item, Kind, Tree};

/// Of so many equal pieces nobody tells which is meant.
const MOST_EQUAL: usize = 8;
/// The text at the beginning, in the place of an operation.
const INITIAL: u32 = u32::MAX;

/// What was found of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// It saw the text of this node.
    Node(u32),
    /// No operations give this text. From this place on nothing fits.
    Nowhere(u32),
    /// There is more than one way to read it.
    Unclear,
}

/// The pieces by their text.
pub(super) struct Pieces<'a> {
    equal: FxHashMap<(Kind, &'a [u8]), Vec<u32>>,
    /// By its first byte and its kind, which lengths a piece can have, ascending.
    lengths: FxHashMap<(Kind, u8), Vec<usize>>,
}

impl<'a> Pieces<'a> {
    /// Those of these items, by their places, that put or append.
    pub(super) fn of(items: impl IntoIterator<Item = (u32, Kind, &'a str)>) -> Self {
        let mut pieces = Self {
            equal: FxHashMap::default(),
            lengths: FxHashMap::default(),
        };
        for (at, kind, text) in items {
            // An append of nothing is part of no text.
            if kind == Kind::Read || (kind == Kind::Append && text.is_empty()) {
                continue;
            }
            let text = text.as_bytes();
            pieces.equal.entry((kind, text)).or_default().push(at);
            let first = text.first().copied().unwrap_or_default();
            let lengths = pieces.lengths.entry((kind, first)).or_default();
            if let Err(place) = lengths.binary_search(&text.len()) {
                lengths.insert(place, text.len());
            }
        }
        pieces
    }

    /// The pieces of a kind with which this begins: how long, and which.
    fn starts<'p>(
        &'p self,
        kind: Kind,
        text: &'p [u8],
    ) -> impl Iterator<Item = (usize, &'p [u32])> {
        let first = text
            .first()
            .and_then(|&first| self.lengths.get(&(kind, first)));
        let empty = self
            .equal
            .get(&(kind, &[][..]))
            .map(|equal| (0, &equal[..]));
        let long = first.into_iter().flatten().filter_map(move |&length| {
            let equal = self.equal.get(&(kind, text.get(..length)?))?;
            Some((length, &equal[..]))
        });
        // The empty piece has no first byte of its own.
        empty
            .into_iter()
            .chain(long.filter(|(length, _)| *length > 0))
    }

    /// Whether there is exactly one way to read this text.
    pub(super) fn read_one_way(&self, text: &str) -> bool {
        let ways = Ways::count(self, text.as_bytes(), |_, _, _| true);
        ways.count[text.len()] == 1
    }
}

/// In how many ways each place of a text is reached, up to two, and by which piece last.
struct Ways {
    count: Vec<u8>,
    last: Vec<u32>,
}

impl Ways {
    fn count(
        pieces: &Pieces<'_>,
        text: &[u8],
        allowed: impl Fn(u32, usize, usize) -> bool,
    ) -> Self {
        let mut ways = Self {
            count: vec![0; text.len() + 1],
            last: vec![INITIAL; text.len() + 1],
        };
        ways.count[0] = 1;
        for (length, equal) in pieces.starts(Kind::Replace, text) {
            ways.reach(0, length, equal, 1, &allowed);
        }
        for from in 0..text.len() {
            let before = ways.count[from];
            if before > 0 {
                for (length, equal) in pieces.starts(Kind::Append, &text[from..]) {
                    ways.reach(from, from + length, equal, before, &allowed);
                }
            }
        }
        ways
    }

    fn reach(
        &mut self,
        from: usize,
        to: usize,
        equal: &[u32],
        before: u8,
        allowed: impl Fn(u32, usize, usize) -> bool,
    ) {
        if equal.len() > MOST_EQUAL {
            self.count[to] = 2;
            return;
        }
        for &piece in equal {
            if allowed(piece, from, to) {
                self.count[to] = (self.count[to] + before).min(2);
                self.last[to] = piece;
            }
        }
    }

    /// The furthest place that was reached.
    fn furthest(&self) -> usize {
        self.count.iter().rposition(|&ways| ways > 0).unwrap_or(0)
    }
}

/// Reads all texts; what a read saw stands at its place, and other items have no reading. Says whether that took
/// no look at the times.
pub(super) fn read(items: &[Item<'_>], tree: &mut Tree) -> (Vec<Reading>, bool) {
    let mut plain = true;
    let mut readings = vec![Reading::Unclear; items.len()];
    let pieces = Pieces::of(
        (0..)
            .zip(items)
            .map(|(at, item)| (at, item.kind, item.text)),
    );
    let mut reads: Vec<u32> = (0..)
        .zip(items)
        .filter(|(_, item)| item.kind == Kind::Read)
        .map(|(at, _)| at)
        .collect();
    reads.sort_unstable_by_key(|&at| (items[at as usize].text, at));
    let begins = |a: &u32, b: &u32| items[*b as usize].text.starts_with(items[*a as usize].text);
    for reads in reads.chunk_by(begins) {
        let family = Family {
            items,
            pieces: &pieces,
            reads,
        };
        plain &= family.read(tree, &mut readings);
    }
    (readings, plain)
}

/// Reads of which each begins the next one.
struct Family<'a> {
    items: &'a [Item<'a>],
    pieces: &'a Pieces<'a>,
    reads: &'a [u32],
}

impl Family<'_> {
    fn item(&self, at: u32) -> &Item<'_> {
        &self.items[at as usize]
    }

    fn text(&self) -> &[u8] {
        self.reads
            .last()
            .map_or(&[], |&at| self.items[at as usize].text.as_bytes())
    }

    /// Whether it took no look at the times.
    fn read(&self, tree: &mut Tree, readings: &mut [Reading]) -> bool {
        let ways = Ways::count(self.pieces, self.text(), |_, _, _| true);
        let ends = self.ends(&ways);
        let nodes = self.nodes(&ways, &ends, tree);
        let mut unclear = Vec::new();
        for (&read, &end) in self.reads.iter().zip(&ends) {
            readings[read as usize] = match ways.count[end] {
                0 => {
                    let within = Ways {
                        count: ways.count[..=end].to_vec(),
                        last: Vec::new(),
                    };
                    Reading::Nowhere(within.furthest() as u32)
                }
                1 => Reading::Node(nodes[&end]),
                _ => {
                    unclear.push((read, end));
                    Reading::Unclear
                }
            };
        }
        if unclear.is_empty() {
            return true;
        }
        let Some(windows) = self.windows() else {
            return true;
        };
        let ways = Ways::count(self.pieces, self.text(), |piece, from, to| {
            windows.allow(self.item(piece), from, to)
        });
        let ends: Vec<usize> = unclear.iter().map(|&(_, end)| end).collect();
        let nodes = self.nodes(&ways, &ends, tree);
        for (read, end) in unclear {
            if let Some(&node) = nodes.get(&end) {
                readings[read as usize] = Reading::Node(node);
            }
        }
        false
    }

    /// Where each read ends.
    fn ends(&self, ways: &Ways) -> Vec<usize> {
        debug_assert_eq!(ways.count.len(), self.text().len() + 1);
        self.reads
            .iter()
            .map(|&at| self.item(at).text.len())
            .collect()
    }

    /// The nodes of those ends to which there is one way.
    fn nodes(&self, ways: &Ways, ends: &[usize], tree: &mut Tree) -> FxHashMap<usize, u32> {
        let mut nodes: FxHashMap<usize, u32> = FxHashMap::default();
        let mut path = Vec::new();
        for &end in ends.iter().filter(|&&end| ways.count[end] == 1) {
            let mut place = end;
            path.clear();
            // Where there is one way to a place, there is one to each place that it leads through.
            let mut node = loop {
                if let Some(&node) = nodes.get(&place) {
                    break node;
                }
                let piece = ways.last[place];
                if piece == INITIAL {
                    break Tree::root(None);
                }
                if self.item(piece).kind == Kind::Replace {
                    break Tree::root(Some(piece));
                }
                path.push((place, piece));
                place -= self.item(piece).text.len();
            };
            nodes.insert(place, node);
            while let Some((place, piece)) = path.pop() {
                node = tree.child(node, piece);
                nodes.insert(place, node);
            }
        }
        nodes
    }

    /// When each piece must have run, if only one operation can have begun these texts.
    fn windows(&self) -> Option<Windows> {
        let text = self.text();
        let mut starts: Vec<u32> = Vec::new();
        for (_, equal) in self.pieces.starts(Kind::Replace, text) {
            starts.extend(equal);
        }
        let from_nothing = self.pieces.starts(Kind::Append, text).next().is_some()
            || self.reads.iter().any(|&at| self.item(at).text.is_empty());
        let begun = match (&starts[..], from_nothing) {
            ([], _) => 0,
            (&[one], false) => self.item(one).from,
            _ => return None,
        };
        let mut windows = Windows {
            ends: Vec::with_capacity(self.reads.len()),
            invoked: vec![begun],
            completed: vec![u32::MAX],
        };
        for &at in self.reads {
            let item = self.item(at);
            let before = windows.invoked.last().copied().unwrap_or_default();
            windows.ends.push(item.text.len());
            windows.invoked.push(before.max(item.from));
        }
        for &at in self.reads.iter().rev() {
            let after = windows.completed.last().copied().unwrap_or(u32::MAX);
            windows.completed.push(after.min(self.item(at).to));
        }
        windows.completed.reverse();
        Some(windows)
    }
}

/// What the times of reads say of the pieces between them.
struct Windows {
    /// Where the reads end, ascending.
    ends: Vec<usize>,
    /// The latest invocation of the first so many reads, and of what began the text.
    invoked: Vec<u32>,
    /// The earliest completion of the reads from this one on.
    completed: Vec<u32>,
}

impl Windows {
    fn allow(&self, piece: &Item<'_>, from: usize, to: usize) -> bool {
        // Reads that lack the piece, and those that have it; none may have a part of it.
        let without = self.ends.partition_point(|&end| end <= from);
        let with = self.ends.partition_point(|&end| end < to);
        piece.kind == Kind::Replace
            || (without == with
                && piece.to > self.invoked[without]
                && piece.from < self.completed[with])
    }
}
