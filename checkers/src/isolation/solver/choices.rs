//! Choices, each of two bundles of edges, in flat arrays.

/// From a node to one that comes later.
pub(crate) type Edge = (u32, u32);

/// A side of a choice: twice the number of the choice, and one more for the second side.
pub(super) type Side = u32;

/// The other side of the same choice.
pub(super) const fn other(side: Side) -> Side {
    side ^ 1
}

/// The choice that a side belongs to.
pub(super) const fn choice_of(side: Side) -> u32 {
    side >> 1
}

/// A list of choices.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    edges: Vec<Edge>,
    /// Where the edges of each side begin; one more at the end.
    first: Vec<u32>,
    /// What each choice is about, in its maker's words.
    about: Vec<Edge>,
    /// Sides that may not be taken all together, as they came and were not looked at yet.
    forbidden: Vec<Vec<Side>>,
    /// Whether there ever were any.
    forbids: bool,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            edges: Vec::new(),
            first: vec![0],
            about: Vec::new(),
            forbidden: Vec::new(),
            forbids: false,
        }
    }
}

impl Choices {
    /// Adds a choice and returns its number: all edges of one side must be kept, or all of the other. The first
    /// side is tried first. `about` is kept for whoever has to put a proof into words.
    pub(crate) fn push(&mut self, either: &[Edge], or: &[Edge], about: (u32, u32)) -> u32 {
        for side in [either, or] {
            self.edges.extend_from_slice(side);
            self.first.push(self.edges.len() as u32);
        }
        self.about.push(about);
        self.about.len() as u32 - 1
    }

    /// Says that some sides may not be taken all together, for a reason that is no cycle of their edges. A side is a
    /// choice and whether it is its second side. No sides at all: there is no solution.
    pub(crate) fn forbid(&mut self, together: &[(u32, bool)]) {
        let sides = together.iter();
        let mut sides: Vec<Side> = sides
            .map(|&(choice, second)| 2 * choice + u32::from(second))
            .collect();
        sides.sort_unstable();
        sides.dedup();
        self.forbidden.push(sides);
        self.forbids = true;
    }

    /// What was forbidden since this was asked last.
    pub(super) fn take_forbidden(&mut self) -> Vec<Vec<Side>> {
        std::mem::take(&mut self.forbidden)
    }

    /// Whether anything was ever forbidden.
    pub(super) fn forbids(&self) -> bool {
        self.forbids
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.about.len()
    }

    /// What a choice is about.
    pub(crate) fn about(&self, choice: u32) -> (u32, u32) {
        self.about[choice as usize]
    }

    /// How many edges there are in all sides.
    pub(super) fn edge_count(&self) -> usize {
        self.edges.len()
    }

    /// The numbers of the edges of a side.
    pub(super) fn range(&self, side: Side) -> std::ops::Range<usize> {
        self.first[side as usize] as usize..self.first[side as usize + 1] as usize
    }

    /// The edges of a side.
    pub(super) fn edges(&self, side: Side) -> &[Edge] {
        &self.edges[self.range(side)]
    }

    /// An edge by its number.
    pub(super) fn edge(&self, number: usize) -> Edge {
        self.edges[number]
    }

    pub(super) fn bytes(&self) -> usize {
        self.edges.capacity() * size_of::<Edge>()
            + self.first.capacity() * size_of::<u32>()
            + self.about.capacity() * size_of::<Edge>()
    }
}
