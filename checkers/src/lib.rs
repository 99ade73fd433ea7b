//! A history in, a verdict out: did a concurrent object keep its promise?
//!
//! Clients of a database, a queue or a lock wrote down what they asked and what they were answered. This crate
//! decides from that record alone whether the object behaved like one that does one thing at a time, and where
//! it did not, it says which few operations prove it and why no order explains them.
//!
//! ```
//! use rupture_checkers::history::{Validity, codec};
//! use rupture_checkers::{Budget, Options, checker};
//!
//! let history = codec::read(
//!     b"{:process 0, :type :invoke, :f :write, :value 1}
//!       {:process 0, :type :ok,     :f :write, :value 1}
//!       {:process 1, :type :invoke, :f :read,  :value nil}
//!       {:process 1, :type :ok,     :f :read,  :value nil}",
//! )?;
//! let judge = checker("register", None, &Options::default())?;
//! let verdict = judge.check(&history, &Budget::unlimited())?;
//! assert_eq!(verdict.validity, Validity::Invalid);
//! assert_eq!(verdict.anomalies[0].evidence.len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where to start
//! 1. Get a [`History`](history::History): read a file with [`history::codec::read`], whatever tool wrote it, or
//!    push [`Event`](history::Event)s as your test runs.
//! 2. Choose a judge: [`checker`] finds one by the names of a model and a level, which [`models()`] lists;
//!    [`Linearizable`] and [`Sequential`] take any [`Model`], one of [`models`](mod@models) or your own.
//! 3. Give it a [`Budget`] of time and memory, and read the [`Verdict`](history::Verdict).
//!
//! # What is promised
//! | level | there is an order of the operations that the model allows, and | judge |
//! |---|---|---|
//! | `linearizable` | what ended before something else began comes before it | [`Linearizable`], see [`linearizability`] |
//! | `sequential` | every process's own operations keep their order | [`Sequential`], see [`sequential`] |
//! | `k-atomic=2` | real time is kept, and reads return one of the 2 latest writes | [`staleness::KAtomic`] |
//! | `stale=100ms` | real time is kept, and reads return what was overwritten at most 100 ms before | [`staleness::Stale`] |
//!
//! The last two are for registers, and measure the smallest bound if none is given. Transactions have levels of
//! their own, from `strict-serializable` to `read-uncommitted`, with the causal levels and the session guarantees
//! beside them: [`isolation`] judges lists that are appended to and registers, by one level or by all of them at
//! once. Some types have a rule of their own ([`rules`]): banks, forks, counters and sets that converge. [`log`]
//! judges logs such as Kafka's, [`broadcast`] the order of messages, [`set_full`] follows every element of a set
//! that only grows, and [`raft`] holds what the nodes of a cluster tell to the five invariants of Raft.
//! [`linearizability::online`] judges while the history grows, and says `invalid` at the first event that makes
//! it so.
//!
//! # Objects
//! [`models`](mod@models) has registers, sets, queues, stacks, counters, locks and more. One of your own is a
//! [`Model`]: its states, its operations, how an operation is read from a history ([`Seen`], [`Values`],
//! [`Mismatch`]), and which state follows which. That is about twenty lines; everything else in the trait has a
//! default, and is there to make checks faster and messages better.
//!
//! # How it is decided
//! Deciding linearizability is NP-complete in general (Gibbons & Korach 1997), and not where every value is put
//! in once: registers, sets, queues, stacks and priority queues are then decided in O(n log n). A model of yours
//! that is one of these says so with a [`Theory`] and a [`View`]. A search decides everything else, with a
//! window that slides over the history. [`linearizability`] tells the whole way, and the
//! [`algorithms`](field@history::Verdict::algorithms) of a verdict tell which of them decided.
//!
//! # What can be relied upon
//! - Pure: no file, no clock, no randomness, no global state. Threads decide keys in parallel and do not show.
//! - Deterministic: the same history and the same budget of memory give the same verdict, to the letter. Only
//!   a budget of time can turn an answer into `unknown`.
//! - Proofs are checked. An order that an algorithm found is replayed against the model and real time;
//!   a few operations that an algorithm calls impossible are handed to the search. Where that fails, the
//!   search decides the whole; where they are too many for the search, the theorem alone counts.
//! - `unknown` is not `valid`: out of time or memory, or nothing to judge. A history without a single `ok` is
//!   `unknown`, by every judge; only what a compare-and-set refused is an answer without one ([`Model::refuses`]).
//! - A history that does not speak the model's language is a [`CheckError`] with the index of the event, and
//!   never a verdict.
//! - No unsafe code.

pub mod broadcast;
mod budget;
mod checker;
pub mod isolation;
pub mod linearizability;
pub mod log;
mod model;
pub mod models;
pub mod raft;
mod registry;
pub mod rules;
#[cfg(test)]
mod searches;
pub mod sequential;
pub mod set_full;
pub mod staleness;
mod theory;
mod values;

pub use budget::Budget;
pub use checker::{CheckError, Checker};
pub use linearizability::Linearizable;
pub use model::{Id, Mismatch, Model, Seen, Values};
pub use registry::{
    Form, Guess, ModelInfo, NoGuess, Options, Setting, SettingKind, Unknown, checker, guess,
    models, settings,
};
pub use rupture_history as history;
pub use sequential::Sequential;
pub use theory::{Theory, View};

/// Compiles and runs what the README shows.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
