//! Small histories at random: transactions on stores of several kinds, correct and broken.
//!
//! Clients invoke transactions, the store runs them micro-operation by micro-operation between the steps of other
//! clients, and some completions are lost: then the store may still finish the transaction, or never do.

use rupture_history::Outcome;

use super::txn::{Micro, Seen, Txn};
use crate::linearizability::tests::Random;

/// How a store of lists works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// One transaction after another, in real time.
    Serial,
    /// One after another, in an order that has nothing to do with time.
    Reordered,
    /// The same, but that every session keeps its order.
    Sessions,
    /// Snapshots; the first to commit wins.
    Snapshot,
    /// Snapshots that may be old.
    OldSnapshot,
    /// Snapshots that hold what the session saw; nobody wins or loses.
    Prefix,
    /// Every process has a replica that learns of transactions at its own pace, causes first.
    Parallel,
    /// Every read sees the newest commits.
    Committed,
    /// The same, and whoever appends locks the key.
    Locked,
    /// Appends are seen at once, and undone when a transaction aborts.
    Uncommitted,
    /// Every read sees an old state of its own.
    Stale,
    /// Whoever commits puts its list in place of what is there.
    Overwriting,
    /// Reads are made up from what was appended.
    Arbitrary,
}

impl Store {
    pub(crate) const ALL: [Self; 13] = [
        Self::Serial,
        Self::Reordered,
        Self::Sessions,
        Self::Snapshot,
        Self::OldSnapshot,
        Self::Prefix,
        Self::Parallel,
        Self::Committed,
        Self::Locked,
        Self::Uncommitted,
        Self::Stale,
        Self::Overwriting,
        Self::Arbitrary,
    ];

    pub(super) fn is_serial(self) -> bool {
        matches!(self, Self::Serial | Self::Reordered | Self::Sessions)
    }
}

type Lists = Vec<Vec<i64>>;

/// A transaction that the store runs.
pub(super) struct Job {
    /// Its number.
    pub(super) txn: usize,
    pub(super) client: usize,
    /// How many of its micro-operations were done.
    pub(super) done: usize,
    /// Which state it reads.
    pub(super) snapshot: usize,
    /// Which commits its replica knew.
    pub(super) visible: u32,
    pub(super) own: Vec<(usize, i64)>,
    /// Whether it committed, once that is decided.
    pub(super) committed: Option<bool>,
}

/// A run of a few clients.
pub(super) struct Traffic<'a> {
    pub(super) random: &'a mut Random,
    pub(super) store: Store,
    pub(super) keys: usize,
    /// Of six micro-operations, so many append.
    pub(super) appends: usize,
    pub(super) txns: Vec<Txn>,
    pub(super) jobs: Vec<Job>,
    /// What each client is called now, and the job that it waits for.
    pub(super) clients: Vec<(i64, Option<usize>)>,
    pub(super) moment: usize,
    /// The newest lists, those after each commit, and who committed in which order.
    pub(super) lists: Lists,
    pub(super) states: Vec<Lists>,
    pub(super) commits: Vec<usize>,
    /// Which commits each replica knows, by their place in that order, and what each commit itself knew.
    pub(super) replicas: Vec<u32>,
    pub(super) causes: Vec<u32>,
    /// The latest state that each client saw.
    pub(super) latest: Vec<usize>,
    pub(super) next_value: Vec<i64>,
}

/// A history of at most so many transactions on a store.
pub(crate) fn run(store: Store, most: usize, random: &mut Random) -> Vec<Txn> {
    let few = usize::from(store == Store::Parallel);
    let keys = (1 + few) + random.below(3 - few);
    let clients = (1 + few) + random.below(4 - few);
    let count = 2 + random.below(most - 1);
    let mut traffic = Traffic {
        appends: 2 + random.below(3),
        store,
        keys,
        txns: Vec::new(),
        jobs: Vec::new(),
        clients: (0..clients).map(|name| (name as i64, None)).collect(),
        moment: 0,
        lists: vec![Vec::new(); keys],
        states: vec![vec![Vec::new(); keys]],
        commits: Vec::new(),
        replicas: vec![0; clients],
        causes: Vec::new(),
        latest: vec![0; clients],
        next_value: vec![1; keys],
        random,
    };
    traffic.run(count);
    if matches!(store, Store::Reordered | Store::Sessions) {
        traffic.reorder();
    }
    if store == Store::Arbitrary {
        traffic.make_up();
    }
    traffic.txns
}

impl Traffic<'_> {
    fn run(&mut self, count: usize) {
        // Some transactions read everything, so that the order of appends is known and forks are seen.
        let reads_last = self.random.below(2) == 0;
        let reads_often = self.store == Store::Parallel && reads_last;
        let lossy = self.random.below(3) == 0;
        for _ in 0..count * 40 {
            let client = self.random.below(self.clients.len());
            match self.clients[client].1 {
                None if self.txns.len() < count => {
                    let last = self.txns.len() + 1 == count;
                    let often = reads_often && self.replicas[client] != 0;
                    self.invoke(client, often || last && reads_last);
                }
                Some(job) if self.jobs[job].committed.is_some() => {
                    self.complete(client, job, lossy);
                }
                Some(job) if lossy && self.random.below(40) == 0 => self.lose(client, job),
                _ => {}
            }
            let open: Vec<usize> = (0..self.jobs.len())
                .filter(|job| self.jobs[*job].committed.is_none())
                .collect();
            if !open.is_empty() {
                let job = open[self.random.below(open.len())];
                self.step(job);
            }
        }
    }

    fn now(&mut self) -> usize {
        self.moment += 1;
        self.moment
    }

    fn invoke(&mut self, client: usize, reads_all: bool) {
        let mut micros = Vec::new();
        let most = match self.store {
            Store::Parallel => 1 + self.random.below(2),
            _ => 1 + self.random.below(4),
        };
        for at in 0..if reads_all { self.keys } else { most } {
            let key = self.random.below(self.keys);
            if reads_all {
                micros.push(Micro::Read(at, Seen::Nothing));
            } else if self.random.below(6) < self.appends {
                micros.push(Micro::Append(key, self.next_value[key]));
                self.next_value[key] += 1;
            } else {
                micros.push(Micro::Read(key, Seen::Nothing));
            }
        }
        let invoked = self.now();
        self.clients[client].1 = Some(self.jobs.len());
        self.jobs.push(Job {
            txn: self.txns.len(),
            client,
            done: 0,
            snapshot: 0,
            visible: 0,
            own: Vec::new(),
            committed: None,
        });
        self.txns.push(Txn {
            process: self.clients[client].0,
            invoked,
            completed: None,
            outcome: Outcome::Info,
            micros,
        });
    }

    fn complete(&mut self, client: usize, job: usize, lossy: bool) {
        let committed = self.jobs[job].committed == Some(true);
        let outcome = match (lossy && self.random.below(4) == 0, committed) {
            (true, _) => return self.lose(client, job),
            (false, true) => Outcome::Ok,
            (false, false) => Outcome::Fail,
        };
        let at = self.now();
        let txn = &mut self.txns[self.jobs[job].txn];
        (txn.outcome, txn.completed) = (outcome, Some(at));
        self.clients[client].1 = None;
        if committed {
            self.latest[client] = self.latest[client].max(self.jobs[job].snapshot);
        }
    }

    /// The client gives up, and is another process from now on. Half of what was still to do is never done.
    fn lose(&mut self, client: usize, job: usize) {
        let at = self.now();
        if self.random.below(3) > 0 {
            self.txns[self.jobs[job].txn].completed = Some(at);
        }
        self.clients[client].0 += self.clients.len() as i64;
        self.clients[client].1 = None;
        if self.jobs[job].committed.is_none() && self.random.below(2) == 0 {
            self.jobs[job].committed = Some(false);
        }
    }

    /// Runs what committed again, in another order.
    fn reorder(&mut self) {
        let mut left = self.commits.clone();
        let mut lists: Lists = vec![Vec::new(); self.keys];
        while !left.is_empty() {
            let mut at = self.random.below(left.len());
            if self.store == Store::Sessions {
                let process = self.txns[left[at]].process;
                let same = |txn: &usize| self.txns[*txn].process == process;
                at = left.iter().position(same).unwrap_or(at);
            }
            let txn = left.remove(at);
            for micro in &mut self.txns[txn].micros {
                match micro {
                    Micro::Append(key, value) | Micro::Write(key, value) => {
                        lists[*key].push(*value);
                    }
                    Micro::Read(key, seen) => *seen = Seen::List(lists[*key].clone()),
                }
            }
        }
    }

    /// Lets every read return some elements in some order.
    fn make_up(&mut self) {
        let honest = self.random.below(3) > 0;
        let mut lists: Lists = Vec::new();
        for key in 0..self.keys {
            let committed = |txn: &&Txn| !honest || txn.outcome != Outcome::Fail;
            let of_key = self
                .txns
                .iter()
                .filter(committed)
                .flat_map(|txn| txn.appends(key));
            let mut list: Vec<i64> = of_key.collect();
            for at in 1..list.len() {
                if self.random.below(2) == 0 {
                    list.swap(at, at - 1);
                }
            }
            lists.push(list);
        }
        for txn in &mut self.txns {
            for micro in &mut txn.micros {
                if let Micro::Read(key, seen) = micro {
                    let list = &lists[*key];
                    *seen = Seen::List(list[..self.random.below(list.len() + 1)].to_vec());
                }
            }
        }
    }
}
