//! Small stores that answer transactions at random: serial, snapshot-isolated, read-committed, stale, and one that
//! makes its answers up.

use rupture_history::{History, Outcome, codec};

use crate::linearizability::tests::random::Random;

/// What a micro-operation does to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Write(u32),
    /// What was found; 0 for nothing.
    Read(u32),
}

#[derive(Clone, Debug)]
pub(super) struct Txn {
    pub(super) process: usize,
    pub(super) invoked: u32,
    /// When it completed, if it did.
    pub(super) completed: Option<u32>,
    pub(super) outcome: Outcome,
    pub(super) acts: Vec<(usize, Act)>,
}

impl Txn {
    /// Whether it had completed before the other was invoked.
    pub(super) fn precedes(&self, other: &Self) -> bool {
        let ended = self.completed.filter(|_| self.outcome != Outcome::Info);
        ended.is_some_and(|row| row < other.invoked)
    }
}

/// How a store answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Serial,
    Snapshot,
    ReadCommitted,
    Stale,
    Arbitrary,
}

pub(super) const KINDS: [Kind; 5] = [
    Kind::Serial,
    Kind::Snapshot,
    Kind::ReadCommitted,
    Kind::Stale,
    Kind::Arbitrary,
];

/// The size of a history.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) transactions: usize,
    pub(super) processes: usize,
    pub(super) keys: usize,
    pub(super) acts: usize,
    /// Of a hundred micro-operations so many write.
    pub(super) writes: usize,
    /// One transaction in so many fails or is not heard of; none if 0.
    pub(super) losing: usize,
}

/// A transaction under way.
struct Open {
    at: usize,
    snapshot: usize,
    next: usize,
    done: bool,
}

struct Store<'r> {
    kind: Kind,
    size: Size,
    random: &'r mut Random,
    txns: Vec<Txn>,
    open: Vec<Option<Open>>,
    names: Vec<usize>,
    /// Committed values by key, with the number of the commit.
    committed: Vec<Vec<(usize, u32)>>,
    commits: usize,
    row: u32,
    written: Vec<u32>,
}

/// What clients of such a store saw.
pub(super) fn history(kind: Kind, size: Size, random: &mut Random) -> Vec<Txn> {
    let mut store = Store {
        kind,
        size,
        txns: Vec::new(),
        open: (0..size.processes).map(|_| None).collect(),
        names: (0..size.processes).collect(),
        committed: vec![Vec::new(); size.keys],
        commits: 0,
        row: 0,
        written: vec![0; size.keys],
        random,
    };
    while store.txns.len() < size.transactions || store.open.iter().any(Option::is_some) {
        let process = store.random.below(size.processes);
        store.step(process);
    }
    if kind == Kind::Arbitrary {
        store.make_up();
    }
    store.txns
}

impl Store<'_> {
    fn step(&mut self, process: usize) {
        let Some(mut open) = self.open[process].take() else {
            if self.txns.len() < self.size.transactions {
                self.invoke(process);
            }
            return;
        };
        if open.done {
            self.complete(process, open.at);
            return;
        }
        let whole = matches!(self.kind, Kind::Serial | Kind::Stale);
        if whole {
            open.snapshot = self.commits;
            if self.kind == Kind::Stale {
                open.snapshot -= self.random.below(3).min(self.commits);
            }
        }
        loop {
            self.act(&mut open);
            if open.next == self.txns[open.at].acts.len() {
                self.commit(&mut open);
                break;
            }
            if !whole {
                break;
            }
        }
        if self.txns[open.at].outcome == Outcome::Fail {
            self.complete(process, open.at);
        } else {
            self.open[process] = Some(open);
        }
    }

    fn invoke(&mut self, process: usize) {
        let count = 1 + self.random.below(self.size.acts);
        let mut acts = Vec::new();
        for _ in 0..count {
            let key = self.random.below(self.size.keys);
            if self.random.below(100) < self.size.writes {
                self.written[key] += 1;
                acts.push((key, Act::Write(self.written[key])));
            } else {
                acts.push((key, Act::Read(0)));
            }
        }
        self.open[process] = Some(Open {
            at: self.txns.len(),
            snapshot: self.commits,
            next: 0,
            done: false,
        });
        self.row += 1;
        self.txns.push(Txn {
            process: self.names[process],
            invoked: self.row,
            completed: None,
            outcome: Outcome::Info,
            acts,
        });
    }

    fn act(&mut self, open: &mut Open) {
        let txn = &mut self.txns[open.at];
        let (key, act) = txn.acts[open.next];
        if let Act::Read(_) = act {
            let own = txn.acts[..open.next]
                .iter()
                .rev()
                .find_map(|&(of, act)| match act {
                    Act::Write(value) if of == key => Some(value),
                    _ => None,
                });
            let until = if self.kind == Kind::ReadCommitted {
                self.commits
            } else {
                open.snapshot
            };
            let seen = self.committed[key]
                .iter()
                .rev()
                .find(|(commit, _)| *commit <= until);
            let value = own.unwrap_or(seen.map_or(0, |(_, value)| *value));
            txn.acts[open.next].1 = Act::Read(value);
        }
        open.next += 1;
    }

    fn commit(&mut self, open: &mut Open) {
        open.done = true;
        let acts = self.txns[open.at].acts.clone();
        let conflict = acts.iter().any(|&(key, act)| {
            let last = self.committed[key].last();
            matches!(act, Act::Write(_)) && last.is_some_and(|(commit, _)| *commit > open.snapshot)
        });
        let unlucky = self.size.losing > 0 && self.random.below(3 * self.size.losing) == 0;
        if unlucky || self.kind == Kind::Snapshot && conflict {
            self.txns[open.at].outcome = Outcome::Fail;
            return;
        }
        self.commits += 1;
        for (key, act) in acts {
            if let Act::Write(value) = act {
                self.committed[key].push((self.commits, value));
            }
        }
    }

    fn complete(&mut self, process: usize, at: usize) {
        let lost = self.size.losing > 0 && self.random.below(self.size.losing) == 0;
        let txn = &mut self.txns[at];
        if txn.outcome != Outcome::Fail && lost {
            self.names[process] += self.size.processes;
            return;
        }
        self.row += 1;
        txn.completed = Some(self.row);
        if txn.outcome != Outcome::Fail {
            txn.outcome = Outcome::Ok;
        }
    }

    /// Any value that was written to the key, or none.
    fn make_up(&mut self) {
        for txn in &mut self.txns {
            for (key, act) in &mut txn.acts {
                if let Act::Read(value) = act {
                    *value = self.random.below(self.written[*key] as usize + 1) as u32;
                }
            }
        }
    }
}

/// Changes what a few reads found.
pub(super) fn lie(txns: &mut [Txn], random: &mut Random) {
    for _ in 0..=random.below(2) {
        let at = random.below(txns.len());
        let of = random.below(txns[at].acts.len());
        if let (_, Act::Read(value)) = &mut txns[at].acts[of] {
            let other = random.below(4) as u32;
            *value = if random.below(12) == 0 { 99 } else { other };
        }
    }
}

/// The transactions as a history.
pub(super) fn events(txns: &[Txn]) -> History {
    let mut lines: Vec<(u32, String)> = Vec::new();
    for txn in txns {
        let line = |kind: &str, results: bool| {
            let acts = txn.acts.iter().map(|&(key, act)| match act {
                Act::Write(value) => format!("[:w {key} {value}]"),
                Act::Read(value) if results && value > 0 => format!("[:r {key} {value}]"),
                Act::Read(_) => format!("[:r {key} nil]"),
            });
            let acts: String = acts.collect();
            format!(
                "{{:process {} :type :{kind} :f :txn :value [{acts}]}}\n",
                txn.process
            )
        };
        lines.push((txn.invoked, line("invoke", false)));
        if let Some(row) = txn.completed {
            lines.push((row, line(txn.outcome.name(), txn.outcome == Outcome::Ok)));
        }
    }
    lines.sort();
    let text: String = lines.into_iter().map(|(_, line)| line).collect();
    codec::read(text.as_bytes()).expect("written by ourselves")
}
