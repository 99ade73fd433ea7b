//! What clients ask of the store, and what it answers.

use serde::{Deserialize, Serialize};

/// A plain value: keys, elements and contents alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Datum {
    /// Nothing: an unwritten register.
    #[default]
    Nil,
    /// An integer.
    Int(i64),
    /// A text.
    Text(String),
    /// A list, such as appends build.
    List(Vec<Datum>),
}

/// One step of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Micro {
    /// Read a key.
    Read(Datum),
    /// Write a key.
    Write(Datum, Datum),
    /// Append to the list at a key.
    Append(Datum, Datum),
}

/// What a client asks. Objects of different kinds live in name spaces of their own, each addressed by a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Command {
    /// Read a register; an unwritten one is `Nil`.
    Read(Datum),
    /// Write a register.
    Write(Datum, Datum),
    /// Write `new` if the register holds `old`.
    Cas {
        /// Which register.
        key: Datum,
        /// What it must hold.
        old: Datum,
        /// What to write.
        new: Datum,
    },
    /// Reads, writes and appends on registers, all at once.
    Txn(Vec<Micro>),
    /// Add an element to a set.
    SetAdd(Datum, Datum),
    /// Remove an element from a set.
    SetRemove(Datum, Datum),
    /// Whether a set has an element.
    SetContains(Datum, Datum),
    /// All elements of a set, ascending.
    SetRead(Datum),
    /// Append to a FIFO queue.
    Enqueue(Datum, Datum),
    /// Take the head of a FIFO queue.
    Dequeue(Datum),
    /// Take all of a FIFO queue.
    Drain(Datum),
    /// Add to a counter.
    Add(Datum, i64),
    /// Read a counter.
    Count(Datum),
    /// Open accounts with these balances, once: later ones change nothing.
    OpenAccounts(Vec<(Datum, i64)>),
    /// Move money between accounts; refused when it would overdraw.
    Transfer {
        /// From this account.
        from: Datum,
        /// To this account.
        to: Datum,
        /// How much; at least 1.
        amount: i64,
    },
    /// All balances, ascending by account.
    Balances,
    /// Take a lock; answered with a fencing token that is greater than every earlier one.
    Acquire {
        /// Which lock.
        key: Datum,
        /// Who takes it.
        owner: Datum,
    },
    /// Give a lock back.
    Release {
        /// Which lock.
        key: Datum,
        /// The token that [`Command::Acquire`] was answered with.
        token: i64,
    },
}

/// A command with the key that makes its retries take effect once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// `{request_id}:{operation_type}`.
    pub idempotency_key: String,
    /// What is asked.
    pub command: Command,
}

/// What the store answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Response {
    /// It was done and there is nothing to say.
    Done,
    /// What was read or taken.
    Value(Datum),
    /// Whether it holds.
    Truth(bool),
    /// A transaction's steps, reads filled in: one answer a step, `Nil` for writes and appends.
    Steps(Vec<Datum>),
    /// Balances.
    Balances(Vec<(Datum, i64)>),
    /// A fencing token.
    Token(i64),
    /// It was not done and had no effect, for this reason: a cas that did not match, an overdraft, a lock that
    /// somebody holds.
    Refused(String),
    /// The idempotency key was used before with another command: a permanent failure.
    Duplicate,
}

impl Command {
    /// Whether it changes nothing.
    pub fn is_read_only(&self) -> bool {
        matches!(
            self,
            Self::Read(_)
                | Self::SetContains(..)
                | Self::SetRead(_)
                | Self::Count(_)
                | Self::Balances
        ) || matches!(self, Self::Txn(steps) if steps.iter().all(|step| matches!(step, Micro::Read(_))))
    }

    /// The name of its kind, for metrics and idempotency keys: `read`, `write`, `cas`, `txn`, ...
    pub fn operation_type(&self) -> &'static str {
        match self {
            Self::Read(_) => "read",
            Self::Write(..) => "write",
            Self::Cas { .. } => "cas",
            Self::Txn(_) => "txn",
            Self::SetAdd(..) => "set-add",
            Self::SetRemove(..) => "set-remove",
            Self::SetContains(..) => "set-contains",
            Self::SetRead(_) => "set-read",
            Self::Enqueue(..) => "enqueue",
            Self::Dequeue(_) => "dequeue",
            Self::Drain(_) => "drain",
            Self::Add(..) => "add",
            Self::Count(_) => "count",
            Self::OpenAccounts(_) => "open-accounts",
            Self::Transfer { .. } => "transfer",
            Self::Balances => "balances",
            Self::Acquire { .. } => "acquire",
            Self::Release { .. } => "release",
        }
    }
}
