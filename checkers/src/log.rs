//! Logs in the manner of Kafka: what was sent is polled once, in the order of its offsets, and not lost.
//!
//! A *key* names one totally ordered log (a partition of a topic). Clients *send* messages to it, and the
//! log gives each an *offset*; they *poll*, and are handed the messages after those they had, with their
//! offsets. The operations, the names of the anomalies and what counts as one are those of Jepsen's kafka
//! workload (`jepsen.tests.kafka`, whose documentation is the only description of it; the phenomena G1a and
//! G1c are Adya's, *Weak Consistency*, 1999, section 4.2).
//!
//! | `f` | value invoked | value completed |
//! |---|---|---|
//! | `send`, `poll`, `txn` | `[[:send k v] [:poll] ...]` | `[[:send k [offset v]] [:poll {k [[offset v] ...]}] ...]` |
//! | `assign`, `subscribe` | `[k ...]` | the same; the field `seek-to-beginning?` may be true |
//! | `crash`, `debug-topic-partitions` | anything | anything |
//!
//! Offsets may be `nil` or left out where the client was not told. No message is sent to a key twice. An
//! operation may have the field `rebalance-log`, a list of maps whose `:keys` were taken or given meanwhile.
//!
//! # What is known of a log
//! A message lies at an offset if a poll returned it there, or if a send that certainly took effect was told
//! so. Offsets have gaps (markers of transactions lie there), so that only the order of the known ones counts.
//! A send took effect if it is `ok`, or if it is `info` and an `ok` poll returned one of its messages.
//! What a poll was handed counts even when its operation is `fail` or `info`, if its completion tells: a broker
//! never hands out what is not in its log, or not committed, or not next, whatever becomes of the transaction that
//! asked. So such a poll helps to know the order of the log, is itself held to that order, and must not return what
//! its own operation sent. Who read what another had sent is only asked of operations that are `ok`: in what was
//! not to be seen, in circles, and in how far consumers came.
//!
//! # The anomalies
//! [`LogAnomaly`] lists them. Those about contiguity compare two messages of one key by their places in the
//! order of the known offsets: the later one at the same place or before is *nonmonotonic*, further than
//! the next place a *skip*. *Internal* ones (`int-`) compare within one operation, the others the last of an
//! operation with the first of the next operation of the same process. A consumer that polled in an operation
//! that failed starts again where it was before. `assign` and `subscribe` forget the keys that they do not name,
//! and so does `seek-to-beginning?` with all keys; `crash`, and whatever leaves open where the consumer stands
//! (an `info` poll, `assign` or `subscribe`), forget everything.
//!
//! The brokers move partitions among consumers that *subscribe*, and these may then see messages again or have
//! others take their turn. So skips and repetitions from one operation to the next are only noted where the
//! process had subscribed; they count for consumers that were assigned by hand. Within an operation, keys of its
//! `rebalance-log` are passed over.
//!
//! A message is *lost* if it was sent, lies at or before a place that was polled, and no poll returned it: the
//! consumers have gone past it. That presumes that a consumer begins at the beginning of a log. A poll whose
//! result nobody knows may have been handed the message, and a subscribed consumer hands on its place; so if
//! there is such a poll, only what processes polled that never subscribed and know all their results shows how
//! far one should have seen. Messages beyond are *unseen*, which the notes and the measures tell.
//!
//! *G1c* is a circle of operations in which each polled what the one before it had sent; with *-process* and
//! *-realtime*, one of the steps is that an operation had completed before the next began. With
//! [`ww_deps`](Log::ww_deps) a step also leads to who sent what lies next in a log, and circles of such steps alone are
//! *G0*. Kafka does not keep the messages of two transactions apart, so that is off unless asked for, as in Jepsen.
//!
//! # Lag
//! How far the consumers were behind is measured and no anomaly: `realtime-lag` is how long, at the worst, a log had
//! certainly gone on behind what a process had met of it when it polled, and `realtime-lag-offsets` how many offsets that
//! was. A note tells whose poll it was. Without times there is no such measure.
//!
//! # Deliberately absent
//! Compaction and retention: what was sent is there for ever. And the order of an external send's neighbours, unless asked for: other processes send
//! in between.
//!
//! # Cost
//! One pass that numbers keys and messages, one sort of the distinct pairs of message and offset, and passes over
//! what was polled: O(n log n) in the number of messages sent and polled, 100 bytes or so for each.

mod check;
mod circles;
mod clients;
mod contiguity;
mod evidence;
mod findings;
mod kind;
mod lag;
mod last;
mod numbers;
mod orders;
mod parse;
mod report;
#[cfg(test)]
mod tests;
mod transcript;
mod visibility;
mod words;

pub use kind::LogAnomaly;

use rupture_history::{History, Verdict};

use crate::{Budget, CheckError, Checker};
use kind::Severity;

const MODEL: &str = "log";

/// Judges logs. See the [module](self).
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::log::Log;
/// use rupture_checkers::{Budget, Checker};
///
/// // The second message was polled, and nobody was ever handed the first.
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :send :value [[:send :x 1] [:send :x 2]]}
///       {:process 0 :type :ok :f :send :value [[:send :x [0 1]] [:send :x [1 2]]]}
///       {:process 1 :type :invoke :f :poll :value [[:poll]]}
///       {:process 1 :type :ok :f :poll :value [[:poll {:x [[1 2]]}]]}",
/// )?;
/// let verdict = Log::new().check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// assert_eq!(verdict.anomalies[0].kind, "lost-write");
/// assert_eq!(verdict.anomalies[0].evidence.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    severities: [Severity; LogAnomaly::ALL.len()],
    ww_deps: bool,
}

impl Log {
    /// A judge that counts what Jepsen counts by default: everything but `int-send-skip`, `send-skip` and
    /// `unseen`; and `poll-skip` and `nonmonotonic-poll` unless the process had subscribed.
    pub fn new() -> Self {
        Self {
            severities: LogAnomaly::ALL.map(LogAnomaly::severity),
            ww_deps: false,
        }
    }

    /// Whether who sent a message comes before who sent what lies next in the log: Jepsen's `:ww-deps`. For systems
    /// whose transactions keep their messages apart, which Kafka's do not. Circles of such steps alone are G0.
    ///
    /// ```
    /// use rupture_checkers::history::{Validity, codec};
    /// use rupture_checkers::log::Log;
    /// use rupture_checkers::{Budget, Checker};
    ///
    /// // Each of two transactions wrote behind the other.
    /// let history = codec::read(
    ///     b"{:process 0 :type :invoke :f :txn :value [[:send :x 1] [:send :y 1]]}
    ///       {:process 1 :type :invoke :f :txn :value [[:send :x 2] [:send :y 2]]}
    ///       {:process 0 :type :ok :f :txn :value [[:send :x [0 1]] [:send :y [1 1]]]}
    ///       {:process 1 :type :ok :f :txn :value [[:send :x [1 2]] [:send :y [0 2]]]}
    ///       {:process 0 :type :invoke :f :poll :value [[:poll]]}
    ///       {:process 0 :type :ok :f :poll :value [[:poll {:x [[0 1]]}]]}",
    /// )?;
    /// let judge = |log: Log| log.check(&history, &Budget::unlimited());
    /// assert_eq!(judge(Log::new())?.validity, Validity::Valid);
    /// assert_eq!(judge(Log::new().ww_deps(true))?.anomalies[0].kind, "G0");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn ww_deps(mut self, ww_deps: bool) -> Self {
        self.ww_deps = ww_deps;
        self
    }

    /// Whether that was asked for.
    ///
    /// ```
    /// use rupture_checkers::log::Log;
    ///
    /// assert!(Log::new().ww_deps(true).has_ww_deps() && !Log::new().has_ww_deps());
    /// ```
    pub fn has_ww_deps(&self) -> bool {
        self.ww_deps
    }

    /// A kind that is allowed, and not looked for.
    fn idle(&self) -> Option<LogAnomaly> {
        let mut kinds = LogAnomaly::ALL
            .into_iter()
            .filter(|kind| kind.needs_ww_deps());
        kinds.find(|&kind| self.severities[kind as usize] == Severity::Noted)
    }

    /// Anomalies of this kind are noted, and make no history invalid.
    ///
    /// ```
    /// use rupture_checkers::history::{Validity, codec};
    /// use rupture_checkers::log::{Log, LogAnomaly};
    /// use rupture_checkers::{Budget, Checker};
    ///
    /// // The consumer is handed the same message twice.
    /// let history = codec::read(
    ///     b"{:process 0 :type :invoke :f :send :value [[:send :x 1]]}
    ///       {:process 0 :type :ok :f :send :value [[:send :x [0 1]]]}
    ///       {:process 0 :type :invoke :f :poll :value [[:poll]]}
    ///       {:process 0 :type :ok :f :poll :value [[:poll {:x [[0 1]]}]]}
    ///       {:process 0 :type :invoke :f :poll :value [[:poll]]}
    ///       {:process 0 :type :ok :f :poll :value [[:poll {:x [[0 1]]}]]}",
    /// )?;
    /// let strict = Log::new().check(&history, &Budget::unlimited())?;
    /// assert_eq!(strict.anomalies[0].kind, "nonmonotonic-poll");
    /// let at_least_once = Log::new().allow(LogAnomaly::NonmonotonicPoll);
    /// let verdict = at_least_once.check(&history, &Budget::unlimited())?;
    /// assert_eq!(verdict.validity, Validity::Valid);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn allow(mut self, kind: LogAnomaly) -> Self {
        self.severities[kind as usize] = Severity::Noted;
        self
    }

    /// Anomalies of this kind make a history invalid, whoever subscribed to what.
    ///
    /// Forbid [`LogAnomaly::Unseen`] where consumers polled to the end of every log before the run ended, as
    /// Jepsen's do.
    ///
    /// ```
    /// use rupture_checkers::history::{Validity, codec};
    /// use rupture_checkers::log::{Log, LogAnomaly};
    /// use rupture_checkers::{Budget, Checker};
    ///
    /// // The second message may be lost, or nobody asked for it yet.
    /// let history = codec::read(
    ///     b"{:process 0 :type :invoke :f :send :value [[:send :x 1] [:send :x 2]]}
    ///       {:process 0 :type :ok :f :send :value [[:send :x [0 1]] [:send :x [1 2]]]}
    ///       {:process 1 :type :invoke :f :poll :value [[:poll]]}
    ///       {:process 1 :type :ok :f :poll :value [[:poll {:x [[0 1]]}]]}",
    /// )?;
    /// let open = Log::new().check(&history, &Budget::unlimited())?;
    /// assert_eq!(open.validity, Validity::Valid);
    /// let to_the_end = Log::new().forbid(LogAnomaly::Unseen);
    /// let verdict = to_the_end.check(&history, &Budget::unlimited())?;
    /// assert_eq!(verdict.anomalies[0].kind, "unseen");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn forbid(mut self, kind: LogAnomaly) -> Self {
        self.severities[kind as usize] = Severity::Counted;
        self
    }

    /// Whether anomalies of this kind make a history invalid; none where that depends on who subscribed.
    ///
    /// ```
    /// use rupture_checkers::log::{Log, LogAnomaly};
    ///
    /// assert_eq!(Log::new().counts(LogAnomaly::LostWrite), Some(true));
    /// assert_eq!(Log::new().counts(LogAnomaly::Unseen), Some(false));
    /// assert_eq!(Log::new().counts(LogAnomaly::PollSkip), None);
    /// ```
    pub fn counts(&self, kind: LogAnomaly) -> Option<bool> {
        match self.severities[kind as usize] {
            Severity::Counted => Some(true),
            Severity::Noted => Some(false),
            Severity::UnlessSubscribed => None,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

impl Checker for Log {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        check::check(self, history, budget)
    }
}
