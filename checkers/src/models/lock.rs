//! Locks: without owners, with owners, with fencing tokens, and with several permits.
//!
//! None of them expires. A lock that is taken away from its holder needs a model of its own.

use rupture_history::ValueRef;

use crate::model::{Mismatch, Model, Seen, Values};

/// An operation of a lock without owners.
///
/// ```
/// use rupture_checkers::Model;
/// use rupture_checkers::models::{Mutex, op::LockOp};
///
/// assert_eq!(Mutex.step(&false, &LockOp::Acquire), Some(true));
/// assert_eq!(Mutex.step(&true, &LockOp::Acquire), None);
/// assert_eq!(Mutex.step(&true, &LockOp::Release), Some(false));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockOp {
    /// It took the lock, which was free.
    Acquire,
    /// It gave the lock back, which was held.
    Release,
}

/// A lock that starts free. Anyone may release it.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::models::Mutex;
/// use rupture_checkers::{Budget, Checker, Linearizable};
///
/// // Two processes hold the lock at once.
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :acquire}
///       {:process 1 :type :invoke :f :acquire}
///       {:process 0 :type :ok :f :acquire}
///       {:process 1 :type :ok :f :acquire}",
/// )?;
/// let verdict = Linearizable::new(Mutex).check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Mutex;

const FUNCTIONS: &[&str] = &["acquire", "release"];

fn held(held: bool) -> String {
    if held {
        "the lock is held".to_owned()
    } else {
        "the lock is free".to_owned()
    }
}

impl Model for Mutex {
    /// Whether it is held.
    type State = bool;
    type Op = LockOp;

    fn name(&self) -> &'static str {
        "mutex"
    }

    fn functions(&self) -> &[&str] {
        FUNCTIONS
    }

    fn initial(&self) -> bool {
        false
    }

    fn decode(&self, seen: &Seen<'_>, _: &mut Values) -> Result<Option<LockOp>, Mismatch> {
        match seen.f {
            "acquire" => Ok(Some(LockOp::Acquire)),
            "release" => Ok(Some(LockOp::Release)),
            _ => Err(Mismatch::Function),
        }
    }

    fn step(&self, held: &bool, op: &LockOp) -> Option<bool> {
        match op {
            LockOp::Acquire => (!held).then_some(true),
            LockOp::Release => held.then_some(false),
        }
    }

    fn describe(&self, op: &LockOp, _: &Values) -> String {
        match op {
            LockOp::Acquire => "acquire".to_owned(),
            LockOp::Release => "release".to_owned(),
        }
    }

    fn describe_state(&self, state: &bool, _: &Values) -> String {
        held(*state)
    }
}

/// An operation of a lock with owners.
///
/// ```
/// use rupture_checkers::Model;
/// use rupture_checkers::models::{OwnerMutex, op::OwnerOp};
///
/// let model = OwnerMutex { reentrant: true };
/// let twice = model.step(&Some((7, 1)), &OwnerOp::Acquire(7));
/// assert_eq!(twice, Some(Some((7, 2))));
/// assert_eq!(model.step(&Some((7, 2)), &OwnerOp::Release(8)), None);
/// assert_eq!(model.step(&Some((7, 1)), &OwnerOp::Release(7)), Some(None));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OwnerOp {
    /// This process took the lock.
    Acquire(i64),
    /// This process gave the lock back.
    Release(i64),
}

/// A lock that only its owner, a process, may release. It starts free.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::models::{Mutex, OwnerMutex};
/// use rupture_checkers::{Budget, Checker, Linearizable};
///
/// // Process 1 gives back what process 0 holds.
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :acquire}
///       {:process 0 :type :ok :f :acquire}
///       {:process 1 :type :invoke :f :release}
///       {:process 1 :type :ok :f :release}",
/// )?;
/// let owned = Linearizable::new(OwnerMutex { reentrant: false });
/// assert_eq!(owned.check(&history, &Budget::unlimited())?.validity, Validity::Invalid);
/// let anyones = Linearizable::new(Mutex);
/// assert_eq!(anyones.check(&history, &Budget::unlimited())?.validity, Validity::Valid);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnerMutex {
    /// Whether its owner may take it again, and then has to release it as often.
    pub reentrant: bool,
}

impl Model for OwnerMutex {
    /// Who holds it, and how many times.
    type State = Option<(i64, u32)>;
    type Op = OwnerOp;

    fn name(&self) -> &'static str {
        if self.reentrant {
            "reentrant-mutex"
        } else {
            "owner-mutex"
        }
    }

    fn functions(&self) -> &[&str] {
        FUNCTIONS
    }

    fn initial(&self) -> Self::State {
        None
    }

    fn decode(&self, seen: &Seen<'_>, values: &mut Values) -> Result<Option<OwnerOp>, Mismatch> {
        match seen.f {
            "acquire" => Ok(Some(OwnerOp::Acquire(owner(seen, values)))),
            "release" => Ok(Some(OwnerOp::Release(owner(seen, values)))),
            _ => Err(Mismatch::Function),
        }
    }

    fn step(&self, state: &Self::State, op: &OwnerOp) -> Option<Self::State> {
        match (*op, *state) {
            (OwnerOp::Acquire(process), None) => Some(Some((process, 1))),
            (OwnerOp::Acquire(process), Some((owner, times))) => {
                (self.reentrant && owner == process).then_some(Some((owner, times + 1)))
            }
            (OwnerOp::Release(process), Some((owner, times))) => {
                (owner == process).then_some((times > 1).then_some((owner, times - 1)))
            }
            (OwnerOp::Release(_), None) => None,
        }
    }

    fn describe(&self, op: &OwnerOp, _: &Values) -> String {
        match op {
            OwnerOp::Acquire(_) => "acquire".to_owned(),
            OwnerOp::Release(_) => "release".to_owned(),
        }
    }

    fn describe_state(&self, state: &Self::State, values: &Values) -> String {
        let Some((owner, times)) = state else {
            return held(false);
        };
        let owner = values.process(*owner);
        match times {
            1 => format!("process {owner} holds the lock"),
            _ => format!("process {owner} holds the lock {times} times"),
        }
    }
}

/// The process that acquires or releases.
fn owner(seen: &Seen<'_>, values: &mut Values) -> i64 {
    values.meet(seen.process, seen.invocation.process())
}

/// An operation of a lock with fencing tokens.
///
/// ```
/// use rupture_checkers::Model;
/// use rupture_checkers::models::{FencedLock, Holder, op::FencedOp};
///
/// let free = (Some(3), Holder::Nobody);
/// assert_eq!(FencedLock.step(&free, &FencedOp::Acquire(4)), Some((Some(4), Holder::Last)));
/// assert_eq!(FencedLock.step(&free, &FencedOp::Acquire(3)), None, "a token twice");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FencedOp {
    /// It took the lock and was given this token.
    Acquire(i64),
    /// It took the lock, and nobody saw its token.
    Acquired,
    /// It gave the lock back that this token stands for.
    Release(i64),
}

/// A lock whose every holder is given a token greater than all before. It starts free.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::models::FencedLock;
/// use rupture_checkers::{Budget, Checker, Linearizable};
///
/// // The lock is free in between, but the second holder's token is less than the first's.
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :acquire}
///       {:process 0 :type :ok :f :acquire :value 8}
///       {:process 0 :type :invoke :f :release :value 8}
///       {:process 0 :type :ok :f :release :value 8}
///       {:process 1 :type :invoke :f :acquire}
///       {:process 1 :type :ok :f :acquire :value 7}",
/// )?;
/// let verdict = Linearizable::new(FencedLock).check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.validity, Validity::Invalid);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct FencedLock;

/// Who holds a lock with fencing tokens.
///
/// ```
/// use rupture_checkers::Model;
/// use rupture_checkers::models::{FencedLock, Holder, op::FencedOp};
///
/// // Whoever took the lock unseen has a token greater than 3, and gives back no other.
/// let held = FencedLock.step(&(Some(3), Holder::Nobody), &FencedOp::Acquired).unwrap();
/// assert_eq!(held, (Some(3), Holder::Unseen));
/// assert!(FencedLock.step(&held, &FencedOp::Release(3)).is_none());
/// assert!(FencedLock.step(&held, &FencedOp::Release(9)).is_some());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// Nobody.
    Nobody,
    /// The last token.
    Last,
    /// A token that nobody saw, greater than the last.
    Unseen,
}

/// A token: an integer, or the `fence` of a map.
fn token(value: ValueRef<'_>) -> Option<i64> {
    value.as_int().or_else(|| value.field("fence")?.as_int())
}

impl Model for FencedLock {
    /// The last token that was seen, if there was one, and who holds the lock.
    type State = (Option<i64>, Holder);
    type Op = FencedOp;

    fn name(&self) -> &'static str {
        "fenced-lock"
    }

    fn functions(&self) -> &[&str] {
        FUNCTIONS
    }

    fn initial(&self) -> Self::State {
        (None, Holder::Nobody)
    }

    fn decode(&self, seen: &Seen<'_>, _: &mut Values) -> Result<Option<FencedOp>, Mismatch> {
        match (seen.f, seen.result) {
            ("acquire", None) => Ok(Some(FencedOp::Acquired)),
            ("acquire", Some(value)) => match token(value) {
                Some(token) => Ok(Some(FencedOp::Acquire(token))),
                None => Err(Mismatch::result("a token, which is an integer")),
            },
            ("release", result) => match token(seen.argument).or_else(|| token(result?)) {
                Some(token) => Ok(Some(FencedOp::Release(token))),
                None => Err(Mismatch::argument("a token, which is an integer")),
            },
            _ => Err(Mismatch::Function),
        }
    }

    fn step(&self, &(last, holder): &Self::State, op: &FencedOp) -> Option<Self::State> {
        let free = holder == Holder::Nobody;
        let greater = |token| last.is_none_or(|last| last < token);
        match *op {
            FencedOp::Acquire(token) => {
                (free && greater(token)).then_some((Some(token), Holder::Last))
            }
            FencedOp::Acquired => free.then_some((last, Holder::Unseen)),
            FencedOp::Release(token) => {
                let its = match holder {
                    Holder::Nobody => false,
                    Holder::Last => last == Some(token),
                    Holder::Unseen => greater(token),
                };
                its.then_some((Some(token), Holder::Nobody))
            }
        }
    }

    fn describe(&self, op: &FencedOp, _: &Values) -> String {
        match op {
            FencedOp::Acquire(token) => format!("acquire with token {token}"),
            FencedOp::Acquired => "acquire with an unknown token".to_owned(),
            FencedOp::Release(token) => format!("release with token {token}"),
        }
    }

    fn describe_state(&self, &(last, holder): &Self::State, _: &Values) -> String {
        match (holder, last) {
            (Holder::Nobody, None) => "the lock is free and was never held".to_owned(),
            (Holder::Nobody, Some(last)) => {
                format!("the lock is free and its last token is {last}")
            }
            (Holder::Last, Some(last)) => format!("the lock is held with token {last}"),
            (Holder::Last | Holder::Unseen, _) => {
                "the lock is held with an unknown token".to_owned()
            }
        }
    }
}

/// An operation of a semaphore.
///
/// ```
/// use rupture_checkers::Model;
/// use rupture_checkers::models::{Semaphore, op::PermitsOp};
///
/// let model = Semaphore { permits: 3 };
/// assert_eq!(model.step(&3, &PermitsOp::Acquire(2)), Some(1));
/// assert_eq!(model.step(&1, &PermitsOp::Acquire(2)), None);
/// assert_eq!(model.step(&3, &PermitsOp::Release(1)), None, "more than there are");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PermitsOp {
    /// It took this many permits.
    Acquire(i64),
    /// It gave this many back.
    Release(i64),
}

/// A semaphore. No history says how many permits there are: the registry takes them from
/// [`Options::permits`](crate::Options::permits).
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::models::Semaphore;
/// use rupture_checkers::{Budget, Checker, Linearizable};
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :acquire :value 2}
///       {:process 0 :type :ok :f :acquire :value 2}
///       {:process 1 :type :invoke :f :acquire :value 1}
///       {:process 1 :type :ok :f :acquire :value 1}",
/// )?;
/// let check = |permits| {
///     let judge = Linearizable::new(Semaphore { permits });
///     judge.check(&history, &Budget::unlimited())
/// };
/// assert_eq!(check(2)?.validity, Validity::Invalid);
/// assert_eq!(check(3)?.validity, Validity::Valid);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Semaphore {
    /// How many permits there are in all.
    pub permits: i64,
}

impl Semaphore {
    /// One of which nobody knows how many permits it has: with more than anybody takes it is wrong only where it is
    /// wrong with any number, and everything else is open.
    pub(crate) const ANY: Self = Self { permits: i64::MAX };
    /// Why it is open.
    pub(crate) const UNTOLD: &str =
        "a semaphore is judged by how many permits it has: give them (--permits N)";
}

impl Model for Semaphore {
    /// How many permits are free.
    type State = i64;
    type Op = PermitsOp;

    fn name(&self) -> &'static str {
        "semaphore"
    }

    fn functions(&self) -> &[&str] {
        FUNCTIONS
    }

    fn initial(&self) -> i64 {
        self.permits
    }

    fn decode(&self, seen: &Seen<'_>, _: &mut Values) -> Result<Option<PermitsOp>, Mismatch> {
        let permits = || match seen.argument.as_int() {
            Some(n) if n > 0 => Ok(n),
            _ => Err(Mismatch::argument("a number of permits, 1 or more")),
        };
        match seen.f {
            "acquire" => Ok(Some(PermitsOp::Acquire(permits()?))),
            "release" => Ok(Some(PermitsOp::Release(permits()?))),
            _ => Err(Mismatch::Function),
        }
    }

    fn step(&self, free: &i64, op: &PermitsOp) -> Option<i64> {
        match *op {
            PermitsOp::Acquire(n) => (*free >= n).then(|| free - n),
            PermitsOp::Release(n) => free.checked_add(n).filter(|&free| free <= self.permits),
        }
    }

    fn describe(&self, op: &PermitsOp, _: &Values) -> String {
        match op {
            PermitsOp::Acquire(n) => format!("acquire of {n}"),
            PermitsOp::Release(n) => format!("release of {n}"),
        }
    }

    fn describe_state(&self, free: &i64, _: &Values) -> String {
        format!("{free} permits are free")
    }
}
