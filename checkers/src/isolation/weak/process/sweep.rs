//! Sweeps along one process: what has to come before each of its transactions.

use std::ops::Range;

use super::{Broken, Forced};
use crate::Budget;
use crate::isolation::rows::Rows;
use crate::isolation::weak::atomic::Missed;
use crate::isolation::weak::dependencies::Dependencies;
use crate::isolation::weak::scan::NONE;
use crate::linearizability::search::Stop;

/// The writers of a key in one chain: from where, and until where among all of the key.
pub(super) type Group = (u32, u32, u32);

/// By key: its writers, chain by chain.
pub(super) fn groups(dependencies: &Dependencies) -> Rows<Group> {
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
    let keys = dependencies.key_count() as usize;
    Rows::sorted(keys, all.iter().copied(), (0, 0, 0))
}

/// A read of the process at hand, by key and then by reader.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Own {
    key: u32,
    reader: u32,
    source: u32,
}

/// One process after another.
pub(super) struct Sweep<'a> {
    pub(super) dependencies: &'a Dependencies,
    groups: &'a Rows<Group>,
    /// Whether whom others read from counts.
    pub(super) memory: bool,
    reads: Vec<Own>,
    /// By chain: how much of it has entered, as one more than the last node.
    entered: Vec<u32>,
    /// By node: before which transaction of the process it entered, if it has.
    pub(super) entry: Vec<u32>,
    /// By node: the last place in `forced` of what is forced before it.
    pub(super) last: Vec<u32>,
    pub(super) forced: Vec<Forced>,
    /// By place in `forced`: the place before of the same later node.
    pub(super) next: Vec<u32>,
    open: Vec<u32>,
    /// By node: `entry` as the sweep before left it.
    known: Vec<u32>,
    /// By key: the last sweep, counted over all processes, after which its reads have to be held again.
    due: Vec<u32>,
    sweeps: u32,
    /// By writer of the key at hand: before which transaction of the process it entered.
    entries: Vec<u32>,
    /// By group of the key at hand: until where its writers have entered.
    until: Vec<u32>,
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

impl<'a> Sweep<'a> {
    pub(super) fn new(
        dependencies: &'a Dependencies,
        groups: &'a Rows<Group>,
        memory: bool,
    ) -> Self {
        let nodes = dependencies.len() as usize;
        Self {
            dependencies,
            groups,
            memory,
            reads: Vec::new(),
            entered: vec![0; dependencies.chains() as usize],
            entry: vec![0; nodes],
            last: vec![NONE; nodes],
            forced: Vec::new(),
            next: Vec::new(),
            open: Vec::new(),
            known: vec![0; nodes],
            due: vec![0; dependencies.key_count() as usize],
            sweeps: 0,
            entries: Vec::new(),
            until: Vec::new(),
        }
    }

    /// What is wrong to a process, if anything is.
    pub(super) fn run(
        &mut self,
        process: u32,
        budget: &Budget<'_>,
    ) -> Result<Option<Broken>, Stop> {
        self.begin(process);
        let mut first = true;
        loop {
            if budget.is_over() {
                return Err(Stop::Time);
            }
            match self.sweep(process, std::mem::take(&mut first)) {
                Swept::Changed => {}
                Swept::Broken(missed) => return Ok(Some(self.broken(process, missed))),
                Swept::Done if self.circular(process) => {
                    return Ok(Some(self.broken(process, None)));
                }
                Swept::Done => return Ok(None),
            }
        }
    }

    fn own(&self, process: u32) -> Range<u32> {
        let first = &self.dependencies.first;
        first[process as usize]..first[process as usize + 1]
    }

    /// Forgets the process before, and collects the reads of this one.
    fn begin(&mut self, process: u32) {
        for forced in &self.forced {
            self.last[forced.later as usize] = NONE;
        }
        self.forced.clear();
        self.next.clear();
        self.open.clear();
        self.reads.clear();
        for reader in self.own(process) {
            let reads = self.dependencies.reads.of(reader).iter();
            self.reads.extend(reads.map(|read| Own {
                key: read.key,
                reader,
                source: read.source,
            }));
        }
        self.reads.sort_unstable();
        self.reads.dedup();
    }

    fn broken(&self, process: u32, missed: Option<Missed>) -> Broken {
        Broken {
            process,
            forced: self.forced.clone(),
            missed,
        }
    }

    fn sweep(&mut self, process: u32, first: bool) -> Swept {
        self.entered.fill(0);
        let own = self.own(process);
        for node in own.clone() {
            if node > own.start {
                self.entry[node as usize - 1] = node;
                self.entered[process as usize] = node;
            }
            if !self.enter_before(node, process) {
                return Swept::Broken(None);
            }
        }
        self.sweeps += 1;
        if !first {
            self.find_due();
        }
        self.known.copy_from_slice(&self.entry);
        let reads = std::mem::take(&mut self.reads);
        let (mut changed, mut missed) = (false, None);
        for of_key in reads.chunk_by(|one, other| one.key == other.key) {
            if first || self.due[of_key[0].key as usize] == self.sweeps {
                self.hold(process, of_key, &mut changed, &mut missed);
            }
        }
        self.reads = reads;
        match (missed, changed) {
            (Some(missed), _) => Swept::Broken(Some(missed)),
            (None, true) => Swept::Changed,
            (None, false) => Swept::Done,
        }
    }

    /// What holds of a key can only change if one of its writers entered earlier than the last time.
    fn find_due(&mut self) {
        for (node, (now, before)) in (0..).zip(self.entry.iter().zip(&self.known)) {
            if now != before {
                for &key in self.dependencies.writes.of(node) {
                    self.due[key as usize] = self.sweeps;
                }
            }
        }
    }

    /// Lets enter what must come before a transaction of the process. Whether the process itself allows it.
    fn enter_before(&mut self, node: u32, process: u32) -> bool {
        let sources = self.dependencies.reads.of(node).iter();
        let sources = sources
            .map(|read| read.source)
            .filter(|&source| source != NONE);
        self.open.extend(sources);
        self.open_forced(node);
        self.open_presumed(node);
        while let Some(next) = self.open.pop() {
            let chain = self.dependencies.chain[next as usize];
            let entered = self.entered[chain as usize].max(self.dependencies.first[chain as usize]);
            if next < entered {
                continue;
            }
            if chain == process {
                return false;
            }
            self.entry[entered as usize..=next as usize].fill(node);
            for entering in entered..=next {
                self.open_forced(entering);
                self.open_presumed(entering);
                if self.memory {
                    self.open_sources(entering);
                }
            }
            self.entered[chain as usize] = next + 1;
            // The predecessors of one that nobody knows of are in another chain.
            self.open.extend(self.dependencies.previous(entered));
        }
        true
    }

    /// Opens whom a node of another process read from, as far as they have not entered.
    fn open_sources(&mut self, node: u32) {
        for read in self.dependencies.reads.of(node) {
            if read.source != NONE {
                let chain = self.dependencies.chain[read.source as usize];
                if read.source >= self.entered[chain as usize] {
                    self.open.push(read.source);
                }
            }
        }
    }

    fn open_presumed(&mut self, node: u32) {
        let presumed = self.dependencies.presumed.of(node).iter();
        self.open.extend(presumed.map(|pair| pair.earlier));
    }

    fn open_forced(&mut self, node: u32) {
        let mut place = self.last[node as usize];
        while place != NONE {
            self.open.push(self.forced[place as usize].earlier);
            place = self.next[place as usize];
        }
    }

    /// Holds the reads of a key against its writers, session by session. Both enter in order, so each writer is passed
    /// once.
    fn hold(
        &mut self,
        process: u32,
        reads: &[Own],
        changed: &mut bool,
        missed: &mut Option<Missed>,
    ) {
        let key = reads[0].key;
        let (_, writers) = self.dependencies.writers(key);
        let groups = self.groups.of(key);
        self.entries.clear();
        self.until.clear();
        for &(chain, from, until) in groups {
            let entered = self.entered[chain as usize];
            let entry = &self.entry;
            let of_group = writers[from as usize..until as usize].iter();
            self.entries.extend(of_group.map(|&writer| {
                if writer < entered {
                    entry[writer as usize]
                } else {
                    NONE
                }
            }));
            self.until.push(from);
        }
        for read in reads {
            for (place, &(chain, from, end)) in groups.iter().enumerate() {
                let mut until = self.until[place];
                while until < end && self.entries[until as usize] <= read.reader {
                    until += 1;
                }
                self.until[place] = until;
                if until == from {
                    continue;
                }
                let earlier = writers[until as usize - 1];
                if read.source == NONE {
                    if missed.is_none_or(|missed| read.reader < missed.reader) {
                        *missed = Some(Missed {
                            reader: read.reader,
                            key,
                            writer: earlier,
                        });
                    }
                    continue;
                }
                let entry = self.entries[until as usize - 1];
                if earlier != read.source && entry >= self.entry[read.source as usize] {
                    *changed |= self.force((process, chain), *read, earlier, entry);
                }
            }
        }
    }

    /// Forces a writer that entered no earlier than the source of a read to come before that. Whether it has to enter
    /// earlier than it did.
    fn force(&mut self, (process, chain): (u32, u32), read: Own, earlier: u32, entry: u32) -> bool {
        let of_source = self.dependencies.chain[read.source as usize];
        if of_source == chain && earlier < read.source {
            return false;
        }
        let new = self.note(Forced {
            earlier,
            later: read.source,
            reader: read.reader,
            key: read.key,
        });
        new && (of_source == process || entry > self.entry[read.source as usize])
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
}
