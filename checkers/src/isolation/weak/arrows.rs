//! Edges between transactions for drawing, each with a sentence that names the operations that show it.
//!
//! `wr`, `rw` and `process` are Adya's (1999, section 3.1) and can be read off the operations. The others follow from
//! what a level asks for:
//! - `ww`: both wrote a key, and the level puts the earlier version before the later one (the commit order of Biswas &
//!   Enea 2019 for `read-atomic` and `monotonic-atomic-view`, the order of versions for the session guarantees);
//! - `cf`: the conflict relation of Bouajjani, Enea, Guerraoui & Hamza (POPL 2017, section 3.2), for causal convergence,
//!   and for causal consistency in the eyes of one reader;
//! - `hb`: their happened-before of one process, for causal memory and pipelined memory.
//!
//! The edges of a cycle come first, in its order, and then what the edges that follow from something rest on.
//!
//! *Promised*: within the bound of steps, of each kind a shortest cycle of what the level forces, over all parts. For
//! causal convergence, and for the order of one process, what a level forces leaves out edges that follow from others:
//! that the last write of a session came before another says so of the earlier ones. Past the bound the cycle may
//! be longer, and past some forced steps their reads are not looked for. *Not promised*: that what the edges rest
//! on is the smallest proof of them, though each way in it is a shortest one; that no cycle with other kinds of edges is
//! shorter. Deliberately absent: edges of reads that contradict their own transaction.

use crate::isolation::graph::{WW, kind_name};

/// The conflict relation of causal convergence.
pub(super) const CF: &str = "cf";
/// Happened-before of one process.
pub(super) const HB: &str = "hb";
/// The order of the versions of a key.
pub(super) const VERSIONS: &str = kind_name(WW);

/// An edge between two nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrow {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) kind: &'static str,
    pub(super) why: String,
}

impl Arrow {
    /// What a level forces, for this reason.
    pub(super) fn forced((from, to): (u32, u32), kind: &'static str, why: &str) -> Self {
        Self {
            from,
            to,
            kind,
            why: why.to_owned(),
        }
    }
}
