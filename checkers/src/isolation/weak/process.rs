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

use rayon::prelude::*;

use super::atomic::Missed;
use super::dependencies::{Dependencies, Lists};
use super::scan::NONE;
use crate::Budget;
use crate::linearizability::search::Stop;

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

/// The processes to which there is no order; `memory`: that keeps happens-before, which then must have no cycle.
pub(super) fn broken(
    dependencies: &Dependencies,
    memory: bool,
    budget: &Budget<'_>,
) -> Result<Vec<Broken>, Stop> {
    let groups = groups(dependencies);
    let sessions: Vec<u32> = (0..dependencies.sessions()).collect();
    let results: Vec<Result<Option<Broken>, Stop>> = sessions
        .into_par_iter()
        .map_init(
            || Sweep::new(dependencies, &groups, memory),
            |sweep, process| {
                let result = sweep.run(process, budget);
                sweep.forget();
                result
            },
        )
        .collect();
    let mut broken = Vec::new();
    for result in results {
        broken.extend(result?);
    }
    Ok(broken)
}

/// How many bytes a process takes while it is looked at.
pub(super) fn bytes(dependencies: &Dependencies) -> usize {
    let writers = dependencies.versions.all().len();
    rayon::current_num_threads() * 8 * dependencies.len() as usize + 12 * writers
}

/// The writers of a key in one chain: from where, and until where among all of the key.
type Group = (u32, u32, u32);

/// By key: its writers, chain by chain.
fn groups(dependencies: &Dependencies) -> Lists<Group> {
    let mut all: Vec<(u32, Group)> = Vec::new();
    for key in 0..dependencies.key_count() {
        let (_, writers) = dependencies.writers(key);
        let chain = |writer: u32| dependencies.chain[writer as usize];
        let mut from = 0;
        for same in writers.chunk_by(|&one, &other| chain(one) == chain(other)) {
            let until = from + same.len() as u32;
            all.push((key, (chain(same[0]), from, until)));
            from = until;
        }
    }
    Lists::sorted(
        dependencies.key_count() as usize,
        all.iter().copied(),
        (0, 0, 0),
    )
}

/// One process after another.
struct Sweep<'a> {
    dependencies: &'a Dependencies,
    groups: &'a Lists<Group>,
    memory: bool,
    /// By chain: how much of it has entered, as one more than the last node.
    entered: Vec<u32>,
    /// By node: before which transaction of the process it entered, if it has.
    entry: Vec<u32>,
    /// By node: the last place in `forced` of what is forced before it.
    last: Vec<u32>,
    forced: Vec<Forced>,
    /// By place in `forced`: the place before of the same later node.
    next: Vec<u32>,
    open: Vec<u32>,
}

impl<'a> Sweep<'a> {
    fn new(dependencies: &'a Dependencies, groups: &'a Lists<Group>, memory: bool) -> Self {
        let nodes = dependencies.len() as usize;
        Self {
            dependencies,
            groups,
            memory,
            entered: vec![0; dependencies.chains() as usize],
            entry: vec![0; nodes],
            last: vec![NONE; nodes],
            forced: Vec::new(),
            next: Vec::new(),
            open: Vec::new(),
        }
    }

    fn forget(&mut self) {
        for forced in &self.forced {
            self.last[forced.later as usize] = NONE;
        }
        self.forced.clear();
        self.next.clear();
    }

    fn run(&mut self, process: u32, budget: &Budget<'_>) -> Result<Option<Broken>, Stop> {
        loop {
            if budget.is_over() {
                return Err(Stop::Time);
            }
            match self.sweep(process) {
                Swept::Changed => {}
                Swept::Broken(missed) => return Ok(Some(self.broken(process, missed))),
                Swept::Done if self.circular(process) => {
                    return Ok(Some(self.broken(process, None)));
                }
                Swept::Done => return Ok(None),
            }
        }
    }

    fn broken(&self, process: u32, missed: Option<Missed>) -> Broken {
        Broken {
            process,
            forced: self.forced.clone(),
            missed,
        }
    }

    fn own(&self, process: u32) -> std::ops::Range<u32> {
        let first = &self.dependencies.first;
        first[process as usize]..first[process as usize + 1]
    }

    fn sweep(&mut self, process: u32) -> Swept {
        self.entered.fill(0);
        let mut changed = false;
        let own = self.own(process);
        for node in own.clone() {
            if node > own.start {
                self.entry[node as usize - 1] = node;
                self.entered[process as usize] = node;
            }
            if !self.enter_before(node, process) {
                return Swept::Broken(None);
            }
            for read in self.dependencies.reads.of(node) {
                if read.source == NONE {
                    if let Some(writer) = self.writer(read.key) {
                        return Swept::Broken(Some(Missed {
                            reader: node,
                            key: read.key,
                            writer,
                        }));
                    }
                } else {
                    changed |= self.force(process, node, read.key, read.source);
                }
            }
        }
        if changed { Swept::Changed } else { Swept::Done }
    }

    /// Lets enter what must come before a transaction of the process. Whether the process itself allows it.
    fn enter_before(&mut self, node: u32, process: u32) -> bool {
        let sources = self.dependencies.reads.of(node).iter();
        let sources = sources
            .map(|read| read.source)
            .filter(|&source| source != NONE);
        self.open.extend(sources);
        self.open_forced(node);
        while let Some(next) = self.open.pop() {
            let chain = self.dependencies.chain[next as usize];
            let entered = self.entered[chain as usize].max(self.dependencies.first[chain as usize]);
            if next < entered {
                continue;
            }
            if chain == process {
                self.open.clear();
                return false;
            }
            for entering in entered..=next {
                self.entry[entering as usize] = node;
                self.open_forced(entering);
                if self.memory {
                    let reads = self.dependencies.reads.of(entering).iter();
                    let sources = reads.map(|read| read.source);
                    self.open.extend(sources.filter(|&source| source != NONE));
                }
            }
            self.entered[chain as usize] = next + 1;
            // The predecessors of one that nobody knows of are in another chain.
            self.open.extend(self.dependencies.previous(entered));
        }
        true
    }

    fn open_forced(&mut self, node: u32) {
        let mut place = self.last[node as usize];
        while place != NONE {
            self.open.push(self.forced[place as usize].earlier);
            place = self.next[place as usize];
        }
    }

    /// Some writer of a key that has entered.
    fn writer(&self, key: u32) -> Option<u32> {
        let (_, writers) = self.dependencies.writers(key);
        let groups = self.groups.of(key).iter();
        let mut first = groups.map(|&(chain, from, _)| (chain, writers[from as usize]));
        first
            .find(|&(chain, writer)| writer < self.entered[chain as usize])
            .map(|(_, writer)| writer)
    }

    /// Forces the writers of a key that have entered, and not before its source, to come before the source. Whether one
    /// has to enter earlier than it did.
    fn force(&mut self, process: u32, reader: u32, key: u32, source: u32) -> bool {
        let (_, writers) = self.dependencies.writers(key);
        let own = self.dependencies.chain[source as usize] == process;
        let limit = self.entry[source as usize];
        let mut changed = false;
        for &(chain, from, until) in self.groups.of(key) {
            let group = &writers[from as usize..until as usize];
            let entered = self.entered[chain as usize];
            if group[0] >= entered {
                continue;
            }
            let count = if group[group.len() - 1] < entered {
                group.len()
            } else {
                group.partition_point(|&writer| writer < entered)
            };
            let earlier = group[count - 1];
            let same_session =
                self.dependencies.chain[source as usize] == chain && earlier < source;
            if earlier == source || same_session || self.entry[earlier as usize] < limit {
                continue;
            }
            let new = self.note(Forced {
                earlier,
                later: source,
                reader,
                key,
            });
            changed |= new && (own || self.entry[earlier as usize] > limit);
        }
        changed
    }

    /// Notes what is forced, unless that is known.
    fn note(&mut self, forced: Forced) -> bool {
        let last = self.last[forced.later as usize];
        let mut place = last;
        while place != NONE {
            if self.forced[place as usize].earlier == forced.earlier {
                return false;
            }
            place = self.next[place as usize];
        }
        self.last[forced.later as usize] = self.forced.len() as u32;
        self.forced.push(forced);
        self.next.push(last);
        true
    }

    /// Whether what entered at once has a cycle. What is forced leads from what entered earlier or at once.
    fn circular(&mut self, process: u32) -> bool {
        let mut starts: Vec<u32> = self.forced.iter().map(|forced| forced.later).collect();
        starts.sort_unstable();
        starts.dedup();
        let mut state = rustc_hash::FxHashMap::default();
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
        let mut place = self.last[node as usize];
        for _ in reads.len()..*cursor as usize - 1 {
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

/// What a sweep came to.
enum Swept {
    /// Something has to enter earlier.
    Changed,
    /// There is no order: of a read of the initial version, or of a cycle through the process.
    Broken(Option<Missed>),
    /// Nothing changed.
    Done,
}
