//! Transactions that are less isolated than they should be: the bugs of a store that executes a transaction where it
//! arrives and commits it where it stands in the log.
//!
//! The reference store executes a transaction whole, at its place in the log. Many stores over a log do not: a
//! transaction reads from the state that its leader has when it arrives, travels through the log with the index of
//! that state, and is validated when it is applied. What is checked there, and what is read when, decides which
//! isolation level the store has. Each [`Weakness`] is one such mistake and meets every level below the one that it
//! breaks:
//!
//! | weakness | reads | aborts when | breaks | still has |
//! |---|---|---|---|---|
//! | [`ReadUncommitted`](Weakness::ReadUncommitted) | what a running transaction has written so far | a key that it writes was written since it began | read committed (G1a, G1b) | read uncommitted |
//! | [`ReadCommitted`](Weakness::ReadCommitted) | each step at a later moment | never | atomic visibility, G-single | read committed, monotonic atomic view |
//! | [`LostUpdate`](Weakness::LostUpdate) | one snapshot | never, but see below | first committer wins | read atomic, causal, prefix |
//! | [`WriteSkew`](Weakness::WriteSkew) | one snapshot | a key that it writes was written since it began | serializability (G2-item) | strong snapshot isolation |
//! | [`LongFork`](Weakness::LongFork) | the snapshot of its site | a key that it writes was written by a commit that it does not see | one order of commits | parallel snapshot isolation |
//! | [`StaleSnapshot`](Weakness::StaleSnapshot) | a snapshot of a while ago, where it only reads | never | real time | strong session serializability |
//!
//! The snapshot of a transaction covers all that was acknowledged before it was invoked, so that nothing but the named
//! bug is wrong: it begins where a read by read index would be answered. Snapshots as a prefix of the log with first
//! committer wins are snapshot isolation (Berenson et al. 1995; Adya 1999, section 4.3). Two sites that see each
//! other's commits late, in order and with all that those had seen, and commit only what was written on top of all
//! earlier versions, are parallel snapshot isolation (Sovran et al. 2011, section 3; Cerone & Gotsman 2016).
//!
//! A transaction that reads a key back which it has appended to reads the list as it will be committed. Under
//! `LostUpdate` that would tear its snapshot, so there it aborts when such a key was written since it began.
//!
//! Deliberately absent: commands other than transactions. They are executed whole, as ever.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::past::{Commit, Past, View};
use super::registers::{Registers, written_keys};
use super::{Command, Datum, Micro, Objects, Request, Response, Store, refused};

/// How many entries of the log later one site sees the commits of the other.
const APART: u64 = 6;
/// A stale snapshot is taken anew every so many entries of the log.
const REFRESHED: u64 = 16;

/// One way in which transactions are isolated too little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// Writes are seen before their transaction is over, also where it aborts.
    ReadUncommitted,
    /// Each step of a transaction reads the newest committed state of its own moment.
    ReadCommitted,
    /// Transactions read a snapshot and write on top of whatever is there when they commit.
    LostUpdate,
    /// Transactions read a snapshot, and only their writes are validated.
    WriteSkew,
    /// Two sites see each other's commits late.
    LongFork,
    /// Transactions that only read are answered from a snapshot that is refreshed now and then.
    StaleSnapshot,
}

/// A request with what a weak store must know of its beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// What is asked.
    pub request: Request,
    /// The index of the log whose state it began from. It covers all that was acknowledged before it was invoked.
    pub start: u64,
    /// Who asks: one number a client.
    pub session: u64,
}

impl Store {
    /// Applies a committed request that stands at `index` of the log, with transactions isolated as weakly as it says.
    /// All else is as in [`Self::apply`].
    pub fn apply_weakly(
        &mut self,
        at_ns: u64,
        index: u64,
        begun: &Begun,
        weakness: Weakness,
    ) -> Response {
        self.sessions.advance(at_ns);
        self.once(&begun.request, |objects, past| {
            let attempt = Attempt {
                weakness,
                index,
                start: begun.start,
                session: begun.session,
            };
            attempt.apply(&begun.request.command, objects, past)
        })
    }

    /// Answers a read-only command of a session as weakly as it says, when all up to `applied` has been applied.
    pub fn read_weakly(
        &self,
        applied: u64,
        session: u64,
        command: &Command,
        weakness: Weakness,
    ) -> Response {
        let until = match weakness {
            Weakness::LongFork => applied,
            Weakness::StaleSnapshot => (applied - applied % REFRESHED)
                .max(self.past.last_of(session))
                .max(self.past.forgotten()),
            _ => return self.read(command),
        };
        let Command::Txn(steps) = command else {
            return self.read(command);
        };
        let view = weakness.view(until, session);
        let registers = &self.objects.registers;
        let read = |step: &Micro| match step {
            Micro::Read(key) => self.past.value(key, &view, registers),
            Micro::Write(..) | Micro::Append(..) => Datum::Nil,
        };
        Response::Steps(steps.iter().map(read).collect())
    }
}

impl Weakness {
    /// What is seen by who began at this index.
    fn view(self, start: u64, session: u64) -> View {
        View {
            until: start,
            apart: (self == Self::LongFork).then_some((APART, session)),
        }
    }

    /// The keys that must not have been written since the transaction began.
    fn validated(self, steps: &[Micro]) -> Vec<&Datum> {
        match self {
            Self::ReadUncommitted | Self::WriteSkew | Self::LongFork => written_keys(steps),
            Self::LostUpdate => read_back(steps),
            Self::ReadCommitted | Self::StaleSnapshot => Vec::new(),
        }
    }
}

/// The keys that a transaction reads after it has appended to them.
fn read_back(steps: &[Micro]) -> Vec<&Datum> {
    let mut appended = BTreeSet::new();
    let mut keys = Vec::new();
    for step in steps {
        match step {
            Micro::Append(key, _) => {
                appended.insert(key);
            }
            Micro::Read(key) if appended.contains(key) => keys.push(key),
            Micro::Read(_) | Micro::Write(..) => {}
        }
    }
    keys
}

/// A request that is being applied.
struct Attempt {
    weakness: Weakness,
    index: u64,
    start: u64,
    session: u64,
}

impl Attempt {
    fn apply(&self, command: &Command, objects: &mut Objects, past: &mut Past) -> Response {
        match command {
            Command::Txn(steps) if self.weakness != Weakness::StaleSnapshot => {
                self.transact(steps, &mut objects.registers, past)
            }
            Command::Txn(steps) => self.noted(written_keys(steps), command, objects, past),
            Command::Write(key, _) | Command::Cas { key, .. } => {
                self.noted(vec![key], command, objects, past)
            }
            _ => objects.apply(command),
        }
    }

    /// Applies a command whole, and notes what these keys held.
    fn noted(
        &self,
        keys: Vec<&Datum>,
        command: &Command,
        objects: &mut Objects,
        past: &mut Past,
    ) -> Response {
        past.note(self.commit(keys, &objects.registers));
        objects.apply(command)
    }

    fn commit(&self, keys: Vec<&Datum>, registers: &Registers) -> Commit {
        let held = |key: &Datum| (key.clone(), registers.read(key));
        Commit {
            index: self.index,
            session: self.session,
            before: keys.into_iter().map(held).collect(),
            seen_early: Vec::new(),
        }
    }

    fn transact(&self, steps: &[Micro], registers: &mut Registers, past: &mut Past) -> Response {
        if !registers.is_possible(steps) {
            return registers.transact(steps);
        }
        let view = self.weakness.view(self.start, self.session);
        if !past.reaches(view.oldest()) {
            return refused("the snapshot is too old");
        }
        let dirty = self.weakness == Weakness::ReadUncommitted;
        let writes = steps.iter().filter(|step| !matches!(step, Micro::Read(_)));
        let mut seen_early: Vec<Micro> = writes.filter(|_| dirty).cloned().collect();
        if past.is_overwritten(&self.weakness.validated(steps), &view) {
            let undone = self.commit(Vec::new(), registers);
            past.note(Commit {
                seen_early,
                ..undone
            });
            return refused("another transaction wrote a key first");
        }
        seen_early.pop();
        let commit = self.commit(written_keys(steps), registers);
        let answers = self.take(steps, registers, past);
        past.note(Commit {
            seen_early,
            ..commit
        });
        Response::Steps(answers)
    }

    /// Takes all steps. A key that the transaction has written is read as it will be committed.
    fn take(&self, steps: &[Micro], registers: &mut Registers, past: &Past) -> Vec<Datum> {
        let mut own = BTreeSet::new();
        let mut moment = self.start;
        let mut answers = Vec::with_capacity(steps.len());
        for (number, step) in steps.iter().enumerate() {
            answers.push(match step {
                Micro::Read(key) if own.contains(key) => {
                    moment = self.index - 1;
                    registers.read(key)
                }
                Micro::Read(key) => {
                    moment = moment.max(self.moment(number, steps.len()));
                    self.read(key, moment, registers, past)
                }
                Micro::Write(key, _) | Micro::Append(key, _) => {
                    own.insert(key);
                    registers.take(step)
                }
            });
        }
        answers
    }

    /// When a step reads, where each step reads at a moment of its own: they are spread over the time from the
    /// beginning to the commit.
    fn moment(&self, step: usize, steps: usize) -> u64 {
        let last = self.index.saturating_sub(1).max(self.start);
        let span = |part: usize| (last - self.start) * part as u64 / steps as u64;
        match self.weakness {
            Weakness::ReadCommitted => self.start + span(step + 1),
            Weakness::ReadUncommitted => self.start + span(step),
            _ => self.start,
        }
    }

    /// What a key holds that the transaction has not written itself.
    fn read(&self, key: &Datum, moment: u64, registers: &Registers, past: &Past) -> Datum {
        match self.weakness {
            Weakness::ReadCommitted => past.value(key, &View::until(moment), registers),
            Weakness::ReadUncommitted => {
                let mut value = past.value(key, &View::until(moment), registers);
                let running = past.next_after(moment);
                for step in running.iter().flat_map(|commit| &commit.seen_early) {
                    write_on(&mut value, key, step);
                }
                value
            }
            _ => {
                let view = self.weakness.view(self.start, self.session);
                past.value(key, &view, registers)
            }
        }
    }
}

/// What a key that held this holds after a step.
fn write_on(value: &mut Datum, key: &Datum, step: &Micro) {
    match step {
        Micro::Write(written, new) if written == key => value.clone_from(new),
        Micro::Append(written, element) if written == key => match value {
            Datum::List(list) => list.push(element.clone()),
            _ => *value = Datum::List(vec![element.clone()]),
        },
        _ => {}
    }
}

#[cfg(test)]
mod tests;
