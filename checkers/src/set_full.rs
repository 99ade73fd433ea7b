//! Sets that only grow, judged element by element: Jepsen's `set-full`.
//!
//! Every element has a life of its own. It is *known* from the completion of its add or of the first read that
//! saw it, whichever comes first; from then on a read that begins must contain it. By real time alone, where one
//! thing is before another if it had ended when the other began:
//!
//! - *lost*: a read missed it that began after it was known and after every read that saw it had ended;
//! - *stable*: a read saw it, and it is not lost; *stale* beside that if a read that began after it was known
//!   missed it;
//! - *never read*: no read saw it, and none that missed it began after it was known.
//!
//! So only whether something completed before something else was invoked counts: neither the order of two
//! invocations nor that of two completions moves a verdict, as neither says what took effect first.
//!
//! Beside that, an element is *unexpected* where a read saw what nobody had begun to add or what certainly
//! was not added, and *duplicated* where one read saw it twice.
//!
//! What differs from Jepsen's: of reads that overlap it takes the one invoked last for the last, so an element
//! that one of them saw and another missed is lost there or stable, as they happened to begin, and stable here;
//! staleness is decided by the order of events and not by milliseconds; unexpected elements count; adding an
//! element again does not begin its life anew; and an acknowledged element that no read could judge makes the
//! verdict `unknown`, for it may be lost.
//!
//! An element that was not added but `broadcast`, as in Maelstrom's workload of that name, promises only to arrive: a
//! judge that is told no level lets the reads of a history with broadcasts be stale, as Maelstrom does.
//!
//! Deliberately absent: removal, and whether the reads agree on an order of the adds. Two reads that overlap
//! and each see an element that the other misses are not linearizable, and nobody here says so; the model
//! [`Set`](crate::models::Set) does, for short histories.
//!
//! How long elements took is measured as in Jepsen's: the quantiles `stable-latency-0` to `-1`, from when an
//! element was known until every read saw it (zero where none missed it), and `lost-latency-0` to `-1`, until a
//! lost one was last seen. Both are by the times of events, where they have any; the verdict is not.
//!
//! One pass over the adds and one over all elements of all reads, backwards in time; memory grows with the
//! number of elements and reads, not with their product.

mod elements;
mod latency;
mod life;
mod object;
mod report;

use rupture_history::{History, Operation, Validity, Verdict};

use crate::linearizability::opening::{contradicted_invocations, disorder, unseen_keys};
use crate::{Budget, CheckError, Checker};
use life::Lives;
use object::Object;
use report::Report;

const MODEL: &str = "set-full";
const LEVEL: &str = "linearizable";
const EVENTUAL: &str = "eventual";

/// Judges a set that only grows. See the [module](self).
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::set_full::SetFull;
/// use rupture_checkers::{Budget, Checker};
///
/// // The first read misses 1, the second sees it again: stale, and not lost.
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :add :value 1}
///       {:process 0 :type :ok :f :add :value 1}
///       {:process 1 :type :invoke :f :read}
///       {:process 1 :type :ok :f :read :value []}
///       {:process 1 :type :invoke :f :read}
///       {:process 1 :type :ok :f :read :value [1]}",
/// )?;
/// let eventual = SetFull::new().check(&history, &Budget::unlimited())?;
/// assert_eq!(eventual.validity, Validity::Valid);
/// let strict = SetFull::new().linearizable(true).check(&history, &Budget::unlimited())?;
/// assert_eq!(strict.validity, Validity::Invalid);
/// assert_eq!(strict.anomalies[0].kind, "stale");
/// assert!(strict.measured.is_empty(), "these events have no times");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SetFull {
    linearizable: bool,
    unless_broadcast: bool,
    independent: bool,
}

impl SetFull {
    /// A judge that lets reads be stale.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a read must see everything that was known when it began: stale reads are then anomalies, and
    /// otherwise only noted.
    #[must_use]
    pub fn linearizable(mut self, linearizable: bool) -> Self {
        self.linearizable = linearizable;
        self
    }

    /// Lets reads be stale after all if the history has broadcasts, which promise no more.
    ///
    /// ```
    /// use rupture_checkers::history::{Validity, codec};
    /// use rupture_checkers::set_full::SetFull;
    /// use rupture_checkers::{Budget, Checker};
    ///
    /// // The message was acknowledged, and reached the second node later.
    /// let history = codec::read(
    ///     b"{:process 0 :type :invoke :f :broadcast :value 1}
    ///       {:process 0 :type :ok :f :broadcast :value 1}
    ///       {:process 1 :type :invoke :f :read}
    ///       {:process 1 :type :ok :f :read :value []}
    ///       {:process 1 :type :invoke :f :read}
    ///       {:process 1 :type :ok :f :read :value [1]}",
    /// )?;
    /// let judge = SetFull::new().linearizable(true);
    /// assert_eq!(judge.check(&history, &Budget::unlimited())?.validity, Validity::Invalid);
    /// let judge = judge.unless_broadcast(true);
    /// assert_eq!(judge.check(&history, &Budget::unlimited())?.validity, Validity::Valid);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn unless_broadcast(mut self, unless_broadcast: bool) -> Self {
        self.unless_broadcast = unless_broadcast;
        self
    }

    /// Whether values are `[key value]`, and every key is a set of its own.
    ///
    /// ```
    /// use rupture_checkers::history::codec;
    /// use rupture_checkers::set_full::SetFull;
    /// use rupture_checkers::{Budget, Checker};
    ///
    /// // The element 1 of the set :a is lost; that of the set :b is not.
    /// let history = codec::read(
    ///     b"{:process 0 :type :invoke :f :add :value [:a 1]}
    ///       {:process 0 :type :ok :f :add :value [:a 1]}
    ///       {:process 0 :type :invoke :f :add :value [:b 1]}
    ///       {:process 0 :type :ok :f :add :value [:b 1]}
    ///       {:process 0 :type :invoke :f :read :value [:a nil]}
    ///       {:process 0 :type :ok :f :read :value [:a []]}
    ///       {:process 0 :type :invoke :f :read :value [:b nil]}
    ///       {:process 0 :type :ok :f :read :value [:b [1]]}",
    /// )?;
    /// let verdict = SetFull::new().independent(true).check(&history, &Budget::unlimited())?;
    /// assert_eq!(verdict.anomalies.len(), 1);
    /// assert_eq!((&*verdict.anomalies[0].kind, verdict.anomalies[0].key.as_deref()), ("lost", Some(":a")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn independent(mut self, independent: bool) -> Self {
        self.independent = independent;
        self
    }
}

impl Checker for SetFull {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        let operations = history.operations()?;
        let objects = Object::all(history, &operations, self.independent)?;
        let broadcasts =
            |operation: &Operation| history.get(operation.invoked as usize).f() == "broadcast";
        let lenient = self.unless_broadcast && operations.iter().any(broadcasts);
        let linearizable = self.linearizable && !lenient;
        let mut report = Report::new(history, &operations, linearizable);
        for object in &objects {
            let Some(lives) = Lives::of(history, object, budget) else {
                report.stop();
                break;
            };
            report.add(object, &lives);
        }
        let level = if linearizable { LEVEL } else { EVENTUAL };
        let verdict = Verdict::new(Validity::Valid, MODEL, level);
        let mut verdict = report.close(verdict);
        verdict
            .notes
            .extend(unseen_keys(objects.iter().map(Object::is_seen)));
        verdict.notes.extend(disorder(history));
        let contradicted = contradicted_invocations(history, &operations, self.independent);
        verdict.notes.extend(contradicted);
        Ok(verdict)
    }
}
