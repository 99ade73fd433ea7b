//! The state machine that every replicated reference system serves: registers, transactions, sets, queues,
//! counters, accounts and locks, with sessions that make a retried command take effect once.
//!
//! It is deterministic: equal logs give equal stores, equal answers and equal bytes. All maps are ordered. A clone
//! is cheap, because clones share what neither has changed, and serves as a snapshot.
//!
//! Deliberately absent: terms, indices and members. A store knows the log only by what it is handed.

mod bank;
mod collections;
mod command;
mod fingerprint;
mod key;
mod locks;
mod past;
mod registers;
mod ring;
mod session;
mod shared;
mod weak;

pub use command::{Command, Datum, Micro, Request, Response};
pub use key::{IdempotencyKey, IdempotencyKeyError};
pub use session::RETENTION_NS;
pub use weak::{Begun, Weakness};

use serde::{Deserialize, Serialize};

use bank::Bank;
use collections::{Counters, Queues, Sets};
use fingerprint::fingerprint;
use locks::Locks;
use past::Past;
use registers::Registers;
use session::{Known, Sessions};

/// The state that a replicated log builds. Equal logs give equal stores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Store {
    objects: Objects,
    sessions: Sessions,
    /// Empty but under a mutant of isolation, and then not written.
    #[serde(default, skip_serializing_if = "Past::is_empty")]
    past: Past,
}

/// What clients can see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Objects {
    registers: Registers,
    sets: Sets,
    queues: Queues,
    counters: Counters,
    bank: Bank,
    locks: Locks,
}

impl Store {
    /// Applies one committed request. `at_ns` is the log's own time, the same on every replica and never
    /// going back; answers older than the retention are forgotten by it.
    ///
    /// A request whose idempotency key was applied within [`RETENTION_NS`] takes no effect: it is answered as
    /// the first one was, or by [`Response::Duplicate`] when its command is another one. After that time it takes
    /// effect again, so a client must give an operation up well before.
    ///
    /// `remember` is false only under the mutant `reapply-retry`: then a retried request takes effect again.
    pub fn apply(&mut self, at_ns: u64, request: &Request, remember: bool) -> Response {
        self.sessions.advance(at_ns);
        if !remember {
            return self.objects.apply(&request.command);
        }
        self.once(request, |objects, _| objects.apply(&request.command))
    }

    /// Applies a request unless it was applied before.
    fn once(
        &mut self,
        request: &Request,
        apply: impl FnOnce(&mut Objects, &mut Past) -> Response,
    ) -> Response {
        let print = fingerprint(&request.command);
        match self.sessions.recall(&request.idempotency_key, print) {
            Known::Answered(answer) => answer,
            Known::Otherwise => Response::Duplicate,
            Known::New => {
                let answer = apply(&mut self.objects, &mut self.past);
                let key = &request.idempotency_key;
                self.sessions.keep(key, print, answer.clone());
                answer
            }
        }
    }

    /// Answers a read-only command from the state as it is. One that is not read-only is refused.
    pub fn read(&self, command: &Command) -> Response {
        self.objects
            .read(command)
            .unwrap_or_else(|| refused("the command is not read-only"))
    }

    /// How many answers are kept for retries.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Stands for all of it, what it remembers of requests included: equal stores have equal digests. Costs as much as
    /// the store is large.
    pub fn digest(&self) -> u64 {
        fingerprint(self)
    }

    /// Whether both hold the same objects, whatever they remember of requests.
    pub fn same_objects(&self, other: &Self) -> bool {
        self.objects == other.objects
    }
}

impl Objects {
    fn apply(&mut self, command: &Command) -> Response {
        match command {
            Command::Write(key, value) => {
                self.registers.write(key, value);
                Response::Done
            }
            Command::Cas { key, old, new } => self.registers.cas(key, old, new),
            Command::Txn(steps) => self.registers.transact(steps),
            Command::SetAdd(key, element) => self.sets.add(key, element),
            Command::SetRemove(key, element) => self.sets.remove(key, element),
            Command::Enqueue(key, element) => self.queues.enqueue(key, element),
            Command::Dequeue(key) => self.queues.dequeue(key),
            Command::Drain(key) => self.queues.drain(key),
            Command::Add(key, amount) => self.counters.add(key, *amount),
            Command::OpenAccounts(accounts) => self.bank.open(accounts),
            Command::Transfer { from, to, amount } => self.bank.transfer(from, to, *amount),
            Command::Acquire { key, owner } => self.locks.acquire(key, owner),
            Command::Release { key, token } => self.locks.release(key, *token),
            Command::Read(_)
            | Command::SetContains(..)
            | Command::SetRead(_)
            | Command::Count(_)
            | Command::Balances => self.read(command).unwrap_or(Response::Done),
        }
    }

    /// The answer of a read-only command; `None` for another one.
    fn read(&self, command: &Command) -> Option<Response> {
        match command {
            Command::Read(key) => Some(Response::Value(self.registers.read(key))),
            Command::Txn(steps) if command.is_read_only() => Some(self.registers.read_all(steps)),
            Command::SetContains(key, element) => {
                Some(Response::Truth(self.sets.contains(key, element)))
            }
            Command::SetRead(key) => Some(Response::Value(self.sets.read(key))),
            Command::Count(key) => Some(Response::Value(Datum::Int(self.counters.read(key)))),
            Command::Balances => Some(self.bank.balances()),
            _ => None,
        }
    }
}

/// The answer to what was not done.
fn refused(reason: &str) -> Response {
    Response::Refused(reason.to_owned())
}
