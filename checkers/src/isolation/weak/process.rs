//! Causal memory and pipelined memory: for each process one order of all transactions that explains all its reads.
//!
//! - *Causal memory* (Ahamad et al. 1995; Bouajjani, Enea, Guerraoui & Hamza, POPL 2017, CM): for each process, what happened
//!   before its last transaction has an order that keeps happens-before, in which every transaction of the process reads
//!   the last version before it.
//! - *Pipelined memory* (Lipton & Sandberg 1988): for each process, all transactions have an order that keeps every
//!   session, in which every transaction of the process reads the last version before it. Whom others read from does
//!   not matter.
//!
//! For one process both are the same question over two relations. Whatever must come before a transaction `t` of the
//! process and wrote a key that `t` read from `s` must come before `s`; this is Bouajjani et al.'s happened-before of an
//! operation (section 3.2), and by their theorem 4 there is an order exactly if the least such relation has no cycle,
//! and no initial version is read after a write that must come before.
//!
//! The relation is computed in *sweeps* along the process. A sweep takes its transactions one by one, and lets *enter*
//! what must come before each and has not entered yet; as all of that is closed along sessions, it is one number a chain.
//! A read whose other writers have entered later than its source, or with it, forces them before the source, and if later,
//! then the next sweep lets them enter earlier. Once nothing changes, cycles can only lie among what enters at once. A
//! sweep takes time linear in what enters, and k steps a read for k sessions that wrote its key; there is seldom
//! need for more than a few, but n are possible.

mod circle;
mod sweep;

use rayon::prelude::*;

use super::atomic::Missed;
use super::dependencies::Dependencies;
use crate::Budget;
use crate::linearizability::search::Stop;
use sweep::Sweep;

/// One transaction comes before another to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forced {
    pub(super) earlier: u32,
    pub(super) later: u32,
    /// The read that says so: it returned what the later wrote, although the earlier, which wrote the key too, comes
    /// before it.
    pub(super) reader: u32,
    pub(super) key: u32,
}

/// What is wrong to a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// Its chain.
    pub(super) process: u32,
    /// What is forced, each because of those before.
    pub(super) forced: Vec<Forced>,
    /// A read of an initial version; otherwise there is a cycle.
    pub(super) missed: Option<Missed>,
}

/// Up to how many nodes it is not worth while to share the work.
const FEW: u32 = 1024;

/// The processes to which there is no order; `memory`: that keeps happens-before, which then must have no cycle.
pub(super) fn broken(
    dependencies: &Dependencies,
    memory: bool,
    budget: &Budget<'_>,
) -> Result<Vec<Broken>, Stop> {
    let groups = sweep::groups(dependencies);
    let sessions: Vec<u32> = (0..dependencies.sessions()).collect();
    let sweep = || Sweep::new(dependencies, &groups, memory);
    let run = |sweep: &mut Sweep<'_>, process: u32| sweep.run(process, budget);
    let results: Vec<Result<Option<Broken>, Stop>> = if dependencies.len() <= FEW {
        let mut sweep = sweep();
        sessions
            .into_iter()
            .map(|session| run(&mut sweep, session))
            .collect()
    } else {
        sessions.into_par_iter().map_init(sweep, run).collect()
    };
    let mut broken = Vec::new();
    for result in results {
        broken.extend(result?);
    }
    Ok(broken)
}

/// How many bytes a process takes while it is looked at.
pub(super) fn bytes(dependencies: &Dependencies) -> usize {
    let writers = dependencies.versions.all().len();
    rayon::current_num_threads() * 12 * dependencies.len() as usize + 12 * writers
}
