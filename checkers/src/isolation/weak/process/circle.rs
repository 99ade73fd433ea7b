//! Whether what enters at once has an order.

use rustc_hash::FxHashMap;

use super::sweep::Sweep;
use crate::isolation::weak::scan::NONE;

impl Sweep<'_> {
    /// Whether what entered at once has a cycle. What is forced leads from what entered earlier or at once.
    pub(super) fn circular(&mut self, process: u32) -> bool {
        let mut starts: Vec<u32> = self.forced.iter().map(|forced| forced.later).collect();
        starts.sort_unstable();
        starts.dedup();
        let mut state: FxHashMap<u32, bool> = FxHashMap::default();
        let mut path: Vec<(u32, u32)> = Vec::new();
        for start in starts {
            if state.contains_key(&start) || self.dependencies.chain[start as usize] == process {
                continue;
            }
            state.insert(start, false);
            path.push((start, 0));
            while let Some((node, cursor)) = path.last_mut() {
                let node = *node;
                let Some(before) = self.before(node, cursor) else {
                    state.insert(node, true);
                    path.pop();
                    continue;
                };
                if self.entry[before as usize] != self.entry[node as usize]
                    || self.dependencies.chain[before as usize] == process
                {
                    continue;
                }
                match state.get(&before) {
                    None => {
                        state.insert(before, false);
                        path.push((before, 0));
                    }
                    Some(false) => return true,
                    Some(true) => {}
                }
            }
        }
        false
    }

    /// What comes right before a node of another process, one by one.
    fn before(&self, node: u32, cursor: &mut u32) -> Option<u32> {
        if *cursor == 0 {
            *cursor = 1;
            if let Some(previous) = self.dependencies.previous(node) {
                return Some(previous);
            }
        }
        let reads = if self.memory {
            self.dependencies.reads.of(node)
        } else {
            &[]
        };
        while let Some(read) = reads.get(*cursor as usize - 1) {
            *cursor += 1;
            if read.source != NONE {
                return Some(read.source);
            }
        }
        let presumed = self.dependencies.presumed.of(node);
        if let Some(pair) = presumed.get(*cursor as usize - 1 - reads.len()) {
            *cursor += 1;
            return Some(pair.earlier);
        }
        let mut place = self.last[node as usize];
        for _ in reads.len() + presumed.len()..*cursor as usize - 1 {
            if place == NONE {
                return None;
            }
            place = self.next[place as usize];
        }
        if place == NONE {
            return None;
        }
        *cursor += 1;
        Some(self.forced[place as usize].earlier)
    }
}
