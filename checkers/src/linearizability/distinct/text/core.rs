//! The few operations that show a violation, with the pieces that matter.

use super::read::Pieces;
use super::{Core, Kind, Known, NOBODY};

/// How many appends are shown that could have been meant by a text from nowhere.
const MOST_ALIKE: usize = 16;
/// What may be put behind each piece, so that there is one way to read the rest.
const MARKS: [&str; 4] = ["", "|", "¦", "\u{2021}"];

impl Known<'_, '_> {
    /// These items are impossible, with what puts the texts and with reads that show the appends.
    pub(super) fn core(&self, items: &[u32]) -> Option<Core> {
        let texts = self.texts;
        let mut all: Vec<u32> = items.iter().copied().filter(|&at| at != NOBODY).collect();
        for &at in items.iter().filter(|&&at| at != NOBODY) {
            let Some(block) = self.block(at) else {
                continue;
            };
            all.extend(block.checked_sub(1));
            let place = self.places[at as usize];
            if place != NOBODY {
                let depth = texts.tree.get(place).depth;
                let shows = |&read: &u32| {
                    let node = texts.node(read).map(|node| texts.tree.get(node));
                    node.is_some_and(|node| node.block == block && node.depth >= depth)
                };
                if !all.iter().any(shows) {
                    all.push(self.longest[block as usize]);
                }
            }
        }
        all.sort_unstable();
        all.dedup();
        let shown = MARKS.iter().find_map(|mark| self.shown(&all, mark))?;
        Some(Core {
            calls: all.iter().map(|&at| texts.item(at).call).collect(),
            only: None,
            texts: shown,
        })
    }

    fn block(&self, at: u32) -> Option<u32> {
        let tree = &self.texts.tree;
        match self.texts.item(at).kind {
            Kind::Replace => Some(at + 1),
            Kind::Read => self.texts.node(at).map(|node| tree.get(node).block),
            Kind::Append => {
                let place = self.places[at as usize];
                (place != NOBODY).then(|| tree.get(place).block)
            }
        }
    }

    /// The texts of these items, ascending, made of their pieces alone, if there is one way to read each.
    fn shown(&self, all: &[u32], mark: &str) -> Option<Vec<String>> {
        let texts = self.texts;
        let piece = |at: u32| format!("{}{mark}", texts.item(at).text);
        let clash = |&at: &u32| !mark.is_empty() && texts.item(at).text.contains(mark);
        if all.iter().any(clash) {
            return None;
        }
        let shown: Vec<String> = all
            .iter()
            .map(|&at| match texts.node(at) {
                None => piece(at),
                Some(mut node) => {
                    let mut parts = Vec::new();
                    while texts.tree.get(node).depth > 0 {
                        parts.push(texts.tree.get(node).piece);
                        node = texts.tree.get(node).parent;
                    }
                    parts.extend(texts.tree.get(node).block.checked_sub(1));
                    parts.retain(|at| all.binary_search(at).is_ok());
                    parts.iter().rev().map(|&at| piece(at)).collect()
                }
            })
            .collect();
        let kinds = || all.iter().map(|&at| texts.item(at).kind);
        let named = all.iter().zip(kinds()).zip(&shown);
        let pieces = Pieces::of(named.map(|((&at, kind), text)| (at, kind, &text[..])));
        let clear = kinds()
            .zip(&shown)
            .filter(|(kind, _)| *kind == Kind::Read)
            .all(|(_, text)| pieces.read_one_way(text));
        clear.then_some(shown)
    }

    /// Two reads of one block of which neither begins the other.
    pub(super) fn torn(&self, a: u32, b: u32) -> Option<Core> {
        let tree = &self.texts.tree;
        let (mut x, mut y) = (self.texts.node(a)?, self.texts.node(b)?);
        let (mut first, mut second) = (x, y);
        while x != y {
            let (at_x, at_y) = (tree.get(x), tree.get(y));
            if at_x.depth >= at_y.depth {
                (first, x) = (x, at_x.parent);
            }
            if at_y.depth >= at_x.depth {
                (second, y) = (y, at_y.parent);
            }
        }
        self.core(&[a, b, tree.get(first).piece, tree.get(second).piece])
    }

    /// The first stands before the second in their block, but was invoked when that had completed.
    pub(super) fn swapped(&self, first: u32, second: u32) -> Option<Core> {
        let mut items = vec![first, second];
        let node = |at| self.texts.node(at);
        // Two reads differ in what was appended between them.
        if let (Some(short), Some(mut long)) = (node(first), node(second)) {
            let tree = &self.texts.tree;
            while tree.get(long).depth > tree.get(short).depth + 1 {
                long = tree.get(long).parent;
            }
            items.push(tree.get(long).piece);
        }
        self.core(&items)
    }

    /// A read of a text that nobody can have made. What follows the pieces that fit is shown, with appends that
    /// are a part of it: if they gave it, the whole could be read.
    pub(super) fn nowhere(&self, read: u32, from: usize) -> Option<Core> {
        let texts = self.texts;
        let item = texts.item(read);
        let rest = item.text.get(from..)?;
        let alike = (0..texts.items.len() as u32).filter(|&at| {
            let other = texts.item(at);
            other.kind == Kind::Append
                && !other.text.is_empty()
                && other.from < item.to
                && rest.contains(other.text)
        });
        let mut all: Vec<u32> = alike.take(MOST_ALIKE).chain([read]).collect();
        all.sort_unstable();
        let shown = |&at: &u32| {
            let text = if at == read {
                rest
            } else {
                texts.item(at).text
            };
            text.to_owned()
        };
        Some(Core {
            calls: all.iter().map(|&at| texts.item(at).call).collect(),
            only: None,
            texts: all.iter().map(shown).collect(),
        })
    }
}
