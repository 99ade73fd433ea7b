//! Segment trees.

/// How many stretches cover each of a row of segments.
#[derive(Debug)]
pub(super) struct Counts {
    /// The least count below a node, without what was added at nodes above it.
    least: Vec<i32>,
    /// What was added to the whole node.
    added: Vec<i32>,
    size: usize,
}

impl Counts {
    /// Nothing covers any segment.
    pub(super) fn new(segments: usize) -> Self {
        let size = (segments + 1).next_power_of_two();
        Self {
            least: vec![0; 2 * size],
            added: vec![0; 2 * size],
            size,
        }
    }

    /// Adds to the segments `from..to`. O(log n).
    pub(super) fn change(&mut self, from: u32, to: u32, by: i32) {
        let (mut low, mut high) = (from as usize + self.size, to as usize + self.size);
        let (first, last) = (low, high);
        while low < high {
            if low & 1 == 1 {
                self.add(low, by);
                low += 1;
            }
            if high & 1 == 1 {
                high -= 1;
                self.add(high, by);
            }
            low /= 2;
            high /= 2;
        }
        if from < to {
            self.mend(first);
            self.mend(last - 1);
        }
    }

    fn add(&mut self, node: usize, by: i32) {
        self.least[node] += by;
        self.added[node] += by;
    }

    /// Brings what is above a segment up to date.
    fn mend(&mut self, leaf: usize) {
        let mut node = leaf / 2;
        while node > 0 {
            let below = self.least[2 * node].min(self.least[2 * node + 1]);
            self.least[node] = below + self.added[node];
            node /= 2;
        }
    }

    /// The first segment from this one on that nothing covers. There is always one after the last. O(log n).
    pub(super) fn first_zero(&self, from: u32) -> u32 {
        // Up until a node to the right has a zero, then down to the first one below it.
        let mut node = from as usize + self.size;
        let mut above = self.above(node);
        if self.least[node] + above == 0 {
            return from;
        }
        loop {
            while node & 1 == 1 {
                node /= 2;
                if node == 0 {
                    return self.size as u32 - 1;
                }
                above -= self.added[node];
            }
            node += 1;
            if self.least[node] + above == 0 {
                break;
            }
        }
        while node < self.size {
            above += self.added[node];
            node *= 2;
            if self.least[node] + above != 0 {
                node += 1;
            }
        }
        (node - self.size) as u32
    }

    /// What was added to the nodes above one.
    fn above(&self, mut node: usize) -> i32 {
        let mut sum = 0;
        node /= 2;
        while node > 0 {
            sum += self.added[node];
            node /= 2;
        }
        sum
    }
}

/// Numbers of a row of segments, of which the greatest is asked for.
#[derive(Debug)]
pub(super) struct Greatest {
    nodes: Vec<u32>,
    size: usize,
}

impl Greatest {
    /// All numbers are 0, which is none.
    pub(super) fn new(segments: usize) -> Self {
        let size = (segments + 1).next_power_of_two();
        Self {
            nodes: vec![0; 2 * size],
            size,
        }
    }

    /// Sets the number of a segment. O(log n).
    pub(super) fn set(&mut self, segment: u32, number: u32) {
        let mut node = segment as usize + self.size;
        self.nodes[node] = number;
        while node > 1 {
            node /= 2;
            self.nodes[node] = self.nodes[2 * node].max(self.nodes[2 * node + 1]);
        }
    }

    /// The greatest number among the segments `from..to` and the first that has it. O(log n).
    pub(super) fn within(&self, from: u32, to: u32) -> Option<(u32, u32)> {
        let (mut low, mut high) = (from as usize + self.size, to as usize + self.size);
        let mut best = 0;
        let mut node = 0;
        while low < high {
            if low & 1 == 1 {
                if self.nodes[low] > best {
                    (best, node) = (self.nodes[low], low);
                }
                low += 1;
            }
            if high & 1 == 1 {
                high -= 1;
                if self.nodes[high] > best {
                    (best, node) = (self.nodes[high], high);
                }
            }
            low /= 2;
            high /= 2;
        }
        if best == 0 {
            return None;
        }
        while node < self.size {
            node = if self.nodes[2 * node] == best {
                2 * node
            } else {
                2 * node + 1
            };
        }
        Some((best, (node - self.size) as u32))
    }
}
