//! Registers that transactions write and read: one judge for the levels that need one order of versions for all
//! ([`register`]) and for those that do not ([`weak`]).

use rupture_history::verdict::Anomaly;
use rupture_history::{History, Validity, Verdict};

use super::assumed::{Assumed, Assumptions};
use super::ladder::{climb, weakest_that_fail};
use super::transactions::{Language, Registers, Transactions, Writes};
use super::{Level, register, weak};
use crate::linearizability::opening::{disorder, nothing_seen, unknown};
use crate::linearizability::search::Stop;
use crate::{Budget, CheckError, Checker};

/// Judges registers that transactions write and read; see the [module](super).
///
/// Every value is written to a key once; `nil` is what a key holds before. In which order versions came is for the
/// history to show, unless something is assumed about it.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::isolation::{Level, RwRegister};
/// use rupture_checkers::{Budget, Checker};
///
/// // Both transactions read what was there at first, and both write: one update is lost.
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :txn :value [[:r :x nil] [:w :x 1]]}
///       {:process 1 :type :invoke :f :txn :value [[:r :x nil] [:w :x 2]]}
///       {:process 0 :type :ok :f :txn :value [[:r :x nil] [:w :x 1]]}
///       {:process 1 :type :ok :f :txn :value [[:r :x nil] [:w :x 2]]}",
/// )?;
/// let judge = |level| RwRegister::new(level).check(&history, &Budget::unlimited());
/// assert_eq!(judge(Level::ReadAtomic)?.validity, Validity::Valid);
/// assert_eq!(judge(Level::SnapshotIsolation)?.validity, Validity::Invalid);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RwRegister {
    /// One level, or all of them.
    level: Option<Level>,
    assumptions: Assumptions,
}

impl RwRegister {
    /// The levels that registers are judged by, the default first.
    pub const LEVELS: [Level; 24] = [
        Level::StrictSerializable,
        Level::StrongSessionSerializable,
        Level::Serializable,
        Level::StrongSnapshotIsolation,
        Level::StrongSessionSnapshotIsolation,
        Level::SnapshotIsolation,
        Level::ParallelSnapshotIsolation,
        Level::Prefix,
        Level::CausalConvergence,
        Level::CausalMemory,
        Level::Causal,
        Level::RepeatableRead,
        Level::ConsistentView,
        Level::CursorStability,
        Level::UpdateAtomic,
        Level::ReadAtomic,
        Level::MonotonicAtomicView,
        Level::ReadCommitted,
        Level::ReadUncommitted,
        Level::Pram,
        Level::MonotonicReads,
        Level::MonotonicWrites,
        Level::ReadYourWrites,
        Level::WritesFollowReads,
    ];

    /// A judge by this level. By one that is not among [`LEVELS`](Self::LEVELS) every verdict is `unknown`.
    pub fn new(level: Level) -> Self {
        Self {
            level: Some(level),
            assumptions: Assumptions::default(),
        }
    }

    /// A judge by all levels at once. Its answer is that of the strongest, and its
    /// [`ladder`](field@Verdict::ladder) says which levels hold.
    ///
    /// ```
    /// use rupture_checkers::history::codec;
    /// use rupture_checkers::isolation::RwRegister;
    /// use rupture_checkers::{Budget, Checker};
    ///
    /// let history = codec::read(
    ///     b"{:process 0 :type :invoke :f :txn :value [[:w :x 1]]}
    ///       {:process 0 :type :ok :f :txn :value [[:w :x 1]]}
    ///       {:process 0 :type :invoke :f :txn :value [[:r :x nil]]}
    ///       {:process 0 :type :ok :f :txn :value [[:r :x nil]]}",
    /// )?;
    /// let verdict = RwRegister::ladder().check(&history, &Budget::unlimited())?;
    /// assert!(verdict.not.contains(&"read-your-writes".to_owned()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ladder() -> Self {
        Self {
            level: None,
            assumptions: Assumptions::default(),
        }
    }

    /// Whether *writes follow reads*: what a transaction reads of a key comes before what it then writes to it. Every
    /// level then asks for an order of versions that keeps this, as it does with the next two. A store that does not keep it may be called invalid.
    #[must_use]
    pub fn wfr_keys(mut self, wfr_keys: bool) -> Self {
        self.assumptions.wfr_keys = wfr_keys;
        self
    }

    /// Whether every key by itself is sequentially consistent: each process meets its versions in their order.
    /// A store that does not keep it may be called invalid.
    #[must_use]
    pub fn sequential_keys(mut self, sequential_keys: bool) -> Self {
        self.assumptions.sequential_keys = sequential_keys;
        self
    }

    /// Whether every key by itself is linearizable: real time orders its versions. A store that does not keep it may be called invalid.
    #[must_use]
    pub fn linearizable_keys(mut self, linearizable_keys: bool) -> Self {
        self.assumptions.linearizable_keys = linearizable_keys;
        self
    }
}

/// What became of a level, whoever judged it.
enum Ruling {
    Holds,
    Violated(Vec<Anomaly>),
    Unknown(String),
}

impl Ruling {
    fn validity(&self) -> Validity {
        match self {
            Self::Holds => Validity::Valid,
            Self::Violated(_) => Validity::Invalid,
            Self::Unknown(_) => Validity::Unknown,
        }
    }

    /// Puts itself into a verdict.
    fn close(self, verdict: &mut Verdict) {
        verdict.validity = self.validity();
        match self {
            Self::Holds => verdict.explained = verdict.operations,
            Self::Violated(anomalies) => verdict.anomalies = anomalies,
            Self::Unknown(reason) => verdict.reasons.push(reason),
        }
    }
}

/// A history that is judged by several levels.
struct Case<'a, 'h> {
    transactions: &'a Transactions<'h, Registers>,
    writes: &'a Writes,
    assumptions: Assumptions,
    budget: &'a Budget<'a>,
    strong: Option<register::Prepared<'a, 'h>>,
    weak: Option<weak::Prepared<'a, 'h>>,
}

impl<'a, 'h> Case<'a, 'h> {
    fn rule(&mut self, level: Level) -> Ruling {
        if level == Level::UpdateAtomic {
            // It is read atomic first of all, and that is told in its own words.
            match self.weak(Level::ReadAtomic) {
                Ruling::Holds => self.strong(level),
                other => other,
            }
        } else if register::LEVELS.contains(&level) {
            self.strong(level)
        } else {
            self.weak(level)
        }
    }

    fn out(&self, words: &str) -> Ruling {
        let count = self.transactions.len();
        Ruling::Unknown(format!("{words} after 0 of {count} transactions"))
    }

    fn prepare_strong(&mut self) -> Option<&register::Prepared<'a, 'h>> {
        if self.strong.is_none() {
            let (transactions, writes) = (self.transactions, self.writes);
            self.strong =
                register::Prepared::of(transactions, writes, self.assumptions, self.budget);
        }
        self.strong.as_ref()
    }

    fn strong(&mut self, level: Level) -> Ruling {
        let budget = self.budget;
        match self.prepare_strong() {
            None => self.out("out of time or memory"),
            Some(prepared) => match prepared.judge(level, budget) {
                register::Ruling::Holds => Ruling::Holds,
                register::Ruling::Violated(anomalies) => Ruling::Violated(anomalies),
                register::Ruling::Unknown(reason) => Ruling::Unknown(reason),
            },
        }
    }

    fn prepare_weak(&mut self) -> Result<(), &'static str> {
        if self.weak.is_some() {
            return Ok(());
        }
        let mut assumed: &[Assumed] = &[];
        if self.assumptions != Assumptions::default() {
            self.prepare_strong().ok_or("out of time or memory")?;
            assumed = self.strong.as_ref().map_or(assumed, |known| &known.pairs);
        }
        let prepared = weak::Prepared::of(self.transactions, self.writes, assumed, self.budget);
        self.weak = Some(prepared.map_err(Stop::words)?);
        Ok(())
    }

    fn weak(&mut self, level: Level) -> Ruling {
        if let Err(words) = self.prepare_weak() {
            return self.out(words);
        }
        let Some(prepared) = &self.weak else {
            return self.out("out of memory");
        };
        if let Some(strong) = self.strong.as_ref().filter(|_| !prepared.is_flawed(level))
            && let Some(anomaly) = strong.without_versions()
        {
            return Ruling::Violated(vec![anomaly]);
        }
        match prepared.judge(level, self.budget) {
            weak::Ruling::Holds => Ruling::Holds,
            weak::Ruling::Stopped(reason) => Ruling::Unknown(reason),
            weak::Ruling::Violated(findings) => {
                let anomalies = findings.into_iter();
                let anomalies = anomalies.map(|finding| finding.anomaly(self.transactions));
                Ruling::Violated(anomalies.collect())
            }
        }
    }
}

impl Checker for RwRegister {
    fn check(&self, history: &History, budget: &Budget<'_>) -> Result<Verdict, CheckError> {
        let operations = history.operations()?;
        let (levels, untimed) = Level::judged(&Self::LEVELS, history);
        let strongest = self.level.unwrap_or(levels[0]);
        let mut verdict = Verdict::new(Validity::Valid, Registers::MODEL, strongest.name());
        verdict.operations = operations.len() as u64;
        verdict.notes.extend(disorder(history));
        if let Some(reason) = nothing_seen(&operations) {
            return Ok(unknown(verdict, reason));
        }
        if !Self::LEVELS.contains(&strongest) {
            let reason = format!("registers are not judged by {strongest}");
            return Ok(unknown(verdict, reason));
        }
        let keys = self.assumptions.linearizable_keys && !history.has_real_time();
        let keys = keys
            .then(|| "linearizable keys need real time, which the file does not have".to_owned());
        if let Some(reason) = strongest.lacks(history).or(keys) {
            return Ok(unknown(verdict, reason));
        }
        let transactions = Transactions::<Registers>::read(history, operations)?;
        let writes = Writes::of(&transactions)?;
        let mut case = Case {
            transactions: &transactions,
            writes: &writes,
            assumptions: self.assumptions,
            budget,
            strong: None,
            weak: None,
        };
        if self.level.is_some() {
            verdict.notes.extend(self.assumptions.implied(strongest));
            let ruling = case.rule(strongest);
            if matches!(ruling, Ruling::Violated(_)) {
                verdict.not = vec![strongest.to_string()];
            }
            ruling.close(&mut verdict);
            return Ok(verdict);
        }
        verdict.notes.extend(untimed);
        judge_all(&mut case, &levels, &mut verdict);
        Ok(verdict)
    }
}

/// Judges all levels. What shows that the weakest of them fail is what shows that the strongest does.
fn judge_all(case: &mut Case<'_, '_>, levels: &[Level], verdict: &mut Verdict) {
    let mut rulings: Vec<(Level, Ruling)> = Vec::new();
    verdict.ladder = climb(levels, |level| {
        let ruling = case.rule(level);
        let validity = ruling.validity();
        rulings.push((level, ruling));
        validity
    });
    verdict.not = weakest_that_fail(&verdict.ladder);
    verdict.validity = verdict.ladder[0].validity;
    if verdict.validity == Validity::Valid {
        verdict.explained = verdict.operations;
    }
    let mut anomalies: Vec<Anomaly> = Vec::new();
    for (level, ruling) in rulings.into_iter().rev() {
        match ruling {
            Ruling::Violated(found) if verdict.not.contains(&level.to_string()) => {
                anomalies.extend(found);
            }
            Ruling::Unknown(reason) => verdict.reasons.push(format!("{level}: {reason}")),
            Ruling::Violated(_) | Ruling::Holds => {}
        }
    }
    let mut told: Vec<String> = Vec::new();
    anomalies.retain(|anomaly| {
        let new = !told.contains(&anomaly.kind);
        told.push(anomaly.kind.clone());
        new
    });
    verdict.anomalies = anomalies;
}
