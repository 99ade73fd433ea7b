//! What the stores do: each begins, reads, appends, commits and aborts in its own way.

use super::stores::{Store, Traffic};
use super::txn::{Micro, Seen};

impl Traffic<'_> {
    /// The store does something for a transaction.
    pub(super) fn step(&mut self, job: usize) {
        if self.jobs[job].done == 0 {
            self.begin(job);
        }
        while self.jobs[job].committed.is_none() {
            let txn = self.jobs[job].txn;
            match self.txns[txn].micros.get(self.jobs[job].done).cloned() {
                None => self.commit(job),
                Some(Micro::Read(key, _)) => {
                    let list = self.read(job, key);
                    self.txns[txn].micros[self.jobs[job].done] = Micro::Read(key, Seen::List(list));
                }
                Some(Micro::Append(key, value) | Micro::Write(key, value)) => {
                    self.append(job, key, value);
                }
            }
            self.jobs[job].done += 1;
            if !self.store.is_serial() {
                break;
            }
        }
    }

    fn begin(&mut self, job: usize) {
        let client = self.jobs[job].client;
        let newest = self.states.len() - 1;
        let oldest = match self.store {
            Store::OldSnapshot => 0,
            Store::Prefix => self.latest[client],
            _ => newest,
        };
        self.jobs[job].snapshot = oldest + self.random.below(newest + 1 - oldest);
        self.learn(client);
        self.jobs[job].visible = self.replicas[client];
    }

    /// A replica learns of some commits, and of all that these knew.
    fn learn(&mut self, client: usize) {
        for commit in 0..self.commits.len() {
            if self.random.below(6) == 0 {
                self.replicas[client] |= self.causes[commit] | 1 << commit;
            }
        }
    }

    fn read(&mut self, job: usize, key: usize) -> Vec<i64> {
        let mut list = match self.store {
            Store::Snapshot | Store::OldSnapshot | Store::Prefix | Store::Overwriting => {
                self.states[self.jobs[job].snapshot][key].clone()
            }
            Store::Stale => self.states[self.random.below(self.states.len())][key].clone(),
            Store::Parallel => self.known(self.jobs[job].visible, key),
            Store::Uncommitted => return self.lists[key].clone(),
            _ => self.lists[key].clone(),
        };
        let own = self.jobs[job].own.iter().filter(|(of, _)| *of == key);
        list.extend(own.map(|(_, value)| *value));
        list
    }

    /// What these commits appended to a key.
    fn known(&self, commits: u32, key: usize) -> Vec<i64> {
        let known = |(place, _): &(usize, &usize)| commits & 1 << place != 0;
        let txns = self.commits.iter().enumerate().filter(known);
        txns.flat_map(|(_, txn)| self.txns[*txn].appends(key))
            .collect()
    }

    fn append(&mut self, job: usize, key: usize, value: i64) {
        let mut others = self
            .jobs
            .iter()
            .filter(|other| other.txn != self.jobs[job].txn && other.committed.is_none());
        if self.store == Store::Locked
            && others.any(|other| other.own.iter().any(|own| own.0 == key))
        {
            return self.abort(job);
        }
        if self.store == Store::Uncommitted {
            self.lists[key].push(value);
        }
        self.jobs[job].own.push((key, value));
    }

    fn abort(&mut self, job: usize) {
        self.jobs[job].committed = Some(false);
        if self.store == Store::Uncommitted {
            for (key, value) in &self.jobs[job].own {
                self.lists[*key].retain(|other| other != value);
            }
        }
    }

    fn commit(&mut self, job: usize) {
        let of = &self.jobs[job];
        let conflicts = |(key, _): &(usize, i64)| match self.store {
            Store::Snapshot | Store::OldSnapshot => {
                self.states[of.snapshot][*key] != self.lists[*key]
            }
            Store::Parallel => self.known(of.visible, *key) != self.lists[*key],
            _ => false,
        };
        if of.own.iter().any(conflicts) || self.random.below(16) == 0 {
            return self.abort(job);
        }
        for (key, value) in self.jobs[job].own.clone() {
            if self.store == Store::Overwriting {
                self.lists[key] = self.read(job, key);
            } else if self.store != Store::Uncommitted {
                self.lists[key].push(value);
            }
        }
        let (client, visible) = (self.jobs[job].client, self.jobs[job].visible);
        self.replicas[client] |= 1 << self.commits.len();
        self.causes.push(visible);
        self.commits.push(self.jobs[job].txn);
        self.states.push(self.lists.clone());
        self.jobs[job].snapshot = self.states.len() - 1;
        self.jobs[job].committed = Some(true);
    }
}
