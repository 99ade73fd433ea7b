//! The judges by name.

use std::fmt;

use crate::isolation::{Level, ListAppend};
use crate::models::{
    CasRegister, Counter, FencedLock, FifoQueue, KvAppend, MultiRegister, Mutex, OwnerMutex,
    PriorityQueue, Register, Set, Stack, UnorderedQueue,
};
use crate::sequential::Sequential;
use crate::set_full::SetFull;
use crate::staleness::{self, level};
use crate::{Checker, Linearizable, Model};

/// What a history's model does not say by itself.
///
/// ```
/// use rupture_checkers::history::codec;
/// use rupture_checkers::{Budget, Options, checker};
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :write :value [7 1]}
///       {:process 0 :type :ok :f :write :value [7 1]}",
/// )?;
/// let options = Options { independent: true, witness: true, ..Options::default() };
/// let verdict = checker("register", None, &options)?.check(&history, &Budget::unlimited())?;
/// assert_eq!(verdict.witnesses[0].key.as_deref(), Some("7"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Values are `[key value]`, and every key is judged by itself.
    pub independent: bool,
    /// A failed `cas` of a cas-register is an observation: at some moment of it the value was not the
    /// expected one. Otherwise it did not happen.
    pub observe_failed_cas: bool,
    /// Whether a `valid` verdict brings an order of the operations with it.
    pub witness: bool,
}

/// A model that [`checker`] knows.
///
/// ```
/// use rupture_checkers::models;
///
/// let register = models().iter().find(|info| info.name == "register").unwrap();
/// assert_eq!(register.about, "a value that is read and written");
/// assert_eq!(register.consistency[0], "linearizable", "the default comes first");
/// assert!(register.consistency.contains(&"k-atomic"));
/// ```
pub struct ModelInfo {
    /// Its name.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// The levels that it is judged by; the first is the default.
    pub consistency: &'static [&'static str],
    build: fn(&Options, Promise) -> Box<dyn Checker>,
}

/// A level that a model can be judged by.
#[derive(Clone, Copy, Debug)]
enum Promise {
    Linearizable,
    Sequential,
    Staleness(staleness::Level),
    /// A level of isolation.
    Isolation(Level),
    /// All levels at once.
    Ladder,
}

impl fmt::Debug for ModelInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelInfo")
            .field("name", &self.name)
            .field("consistency", &self.consistency)
            .finish_non_exhaustive()
    }
}

/// A name that the registry does not have.
///
/// ```
/// use rupture_checkers::{Options, checker};
///
/// let judge = |model, level| checker(model, level, &Options::default()).err().unwrap();
/// assert!(judge("registre", None).known().contains(&"register"));
/// let unknown = judge("mutex", Some("k-atomic=2"));
/// assert_eq!(unknown.to_string(), "mutex is not judged by a level named `k-atomic=2`");
/// assert_eq!(unknown.known(), ["linearizable", "sequential"]);
/// assert!(judge("register", Some("stale=soon")).to_string().contains("write `stale=100ms`"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// There is no such model.
    #[error("no model is named `{name}`")]
    Model {
        /// What was asked for.
        name: String,
        /// Every name that there is, in order.
        known: Vec<&'static str>,
    },
    /// The model is not judged by such a level.
    #[error("{model} is not judged by a level named `{level}`")]
    Consistency {
        /// The model.
        model: &'static str,
        /// What was asked for.
        level: String,
        /// Every level of the model.
        known: Vec<&'static str>,
    },
    /// The bound of a level, such as the 2 of `k-atomic=2`, is none.
    #[error("{reason}")]
    Bound {
        /// What was asked for.
        level: String,
        /// What is wrong with it, and what to write.
        reason: String,
    },
}

impl Unknown {
    /// What was asked for.
    pub fn name(&self) -> &str {
        match self {
            Self::Model { name, .. } => name,
            Self::Consistency { level, .. } | Self::Bound { level, .. } => level,
        }
    }

    /// What could have been asked for.
    pub fn known(&self) -> &[&'static str] {
        match self {
            Self::Model { known, .. } | Self::Consistency { known, .. } => known,
            Self::Bound { .. } => &[],
        }
    }
}

/// The judge of a model, by the model's first level unless another is named.
///
/// ```
/// use rupture_checkers::history::{Validity, codec};
/// use rupture_checkers::{Budget, Options, checker};
///
/// let history = codec::read(
///     b"{:process 0 :type :invoke :f :write :value 1}
///       {:process 0 :type :ok :f :write :value 1}
///       {:process 1 :type :invoke :f :read}
///       {:process 1 :type :ok :f :read :value nil}",
/// )?;
/// for (level, validity) in [
///     ("linearizable", Validity::Invalid),
///     ("sequential", Validity::Valid),
///     ("k-atomic=2", Validity::Valid),
/// ] {
///     let judge = checker("register", Some(level), &Options::default())?;
///     assert_eq!(judge.check(&history, &Budget::unlimited())?.validity, validity, "{level}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// There is no such model, it is not judged by such a level, or the level's bound is none.
pub fn checker(
    model: &str,
    consistency: Option<&str>,
    options: &Options,
) -> Result<Box<dyn Checker>, Unknown> {
    let Some(info) = MODELS.iter().find(|info| info.name == model) else {
        return Err(Unknown::Model {
            name: model.to_owned(),
            known: MODELS.iter().map(|info| info.name).collect(),
        });
    };
    let promise = match consistency {
        None if Level::named(info.consistency[0]).is_some() => Promise::Ladder,
        named => promise(info, named.unwrap_or(info.consistency[0]))?,
    };
    Ok((info.build)(options, promise))
}

/// Reads the name of a level of a model. A bound may follow it: `k-atomic=2`.
fn promise(info: &ModelInfo, text: &str) -> Result<Promise, Unknown> {
    let name = text.split_once('=').map_or(text, |(name, _)| name);
    let known = info.consistency.contains(&name);
    let bounded = level(text).filter(|_| known).transpose();
    let bounded = bounded.map_err(|reason| Unknown::Bound {
        level: text.to_owned(),
        reason,
    })?;
    match (text, bounded) {
        (_, Some(level)) => Ok(Promise::Staleness(level)),
        ("linearizable", None) if known => Ok(Promise::Linearizable),
        ("sequential", None) if known => Ok(Promise::Sequential),
        (name, None) if known && Level::named(name).is_some() => {
            Ok(Level::named(name).map_or(Promise::Linearizable, Promise::Isolation))
        }
        _ => Err(Unknown::Consistency {
            model: info.name,
            level: text.to_owned(),
            known: info.consistency.to_vec(),
        }),
    }
}

/// Every model by name, in the order of the alphabet.
///
/// ```
/// use rupture_checkers::{Options, checker, models};
///
/// for info in models() {
///     assert!(checker(info.name, None, &Options::default()).is_ok());
/// }
/// ```
pub fn models() -> &'static [ModelInfo] {
    &MODELS
}

fn judge<M: Model + 'static>(model: M, options: Options, promise: Promise) -> Box<dyn Checker> {
    let Options {
        independent,
        witness,
        ..
    } = options;
    match promise {
        Promise::Linearizable | Promise::Isolation(_) | Promise::Ladder => {
            let judge = Linearizable::new(model).independent(independent);
            Box::new(judge.witness(witness))
        }
        Promise::Sequential => Box::new(Sequential::new(model).independent(independent)),
        Promise::Staleness(level) => level.checker(independent),
    }
}

const fn entry(
    name: &'static str,
    about: &'static str,
    build: fn(&Options, Promise) -> Box<dyn Checker>,
) -> ModelInfo {
    ModelInfo {
        name,
        about,
        consistency: &["linearizable", "sequential"],
        build,
    }
}

/// The names of levels.
const fn names<const N: usize>(levels: &[Level; N]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut at = 0;
    while at < N {
        names[at] = levels[at].name();
        at += 1;
    }
    names
}

static MODELS: [ModelInfo; 16] = [
    entry(
        "cas-register",
        "a value that is read, written, and compared and set",
        |options, promise| {
            let model = CasRegister {
                observe_failed: options.observe_failed_cas,
            };
            judge(model, *options, promise)
        },
    ),
    entry(
        "counter",
        "a number that is added to and read",
        |options, promise| judge(Counter, *options, promise),
    ),
    entry(
        "fenced-lock",
        "a lock whose holders are given ever greater tokens",
        |options, promise| judge(FencedLock, *options, promise),
    ),
    entry(
        "fifo-queue",
        "a queue, first in first out",
        |options, promise| judge(FifoQueue, *options, promise),
    ),
    entry(
        "kv-append",
        "strings by key: get, put and append",
        |options, promise| judge(KvAppend, *options, promise),
    ),
    ModelInfo {
        name: "list-append",
        about: "lists that transactions append to and read",
        consistency: &names(&ListAppend::LEVELS),
        build: |_, promise| match promise {
            Promise::Isolation(level) => Box::new(ListAppend::new(level)),
            _ => Box::new(ListAppend::ladder()),
        },
    },
    entry(
        "multi-register",
        "registers that transactions read and write together",
        |options, promise| judge(MultiRegister, *options, promise),
    ),
    entry(
        "mutex",
        "a lock that anyone may release",
        |options, promise| judge(Mutex, *options, promise),
    ),
    entry(
        "owner-mutex",
        "a lock that only the process that holds it may release",
        |options, promise| judge(OwnerMutex { reentrant: false }, *options, promise),
    ),
    entry(
        "priority-queue",
        "integers of which the greatest or the least comes out",
        |options, promise| judge(PriorityQueue, *options, promise),
    ),
    entry(
        "reentrant-mutex",
        "an owner-mutex that its holder may take again",
        |options, promise| judge(OwnerMutex { reentrant: true }, *options, promise),
    ),
    ModelInfo {
        name: "register",
        about: "a value that is read and written",
        consistency: &["linearizable", "sequential", "k-atomic", "stale"],
        build: |options, promise| judge(Register, *options, promise),
    },
    entry(
        "set",
        "elements that are added, removed, asked for and read",
        |options, promise| judge(Set, *options, promise),
    ),
    ModelInfo {
        name: "set-full",
        about: "a set that only grows: lost, stale, duplicated elements",
        consistency: &["linearizable"],
        build: |options, _| {
            let judge = SetFull::new().linearizable(true);
            Box::new(judge.independent(options.independent))
        },
    },
    entry("stack", "a stack, last in first out", |options, promise| {
        judge(Stack, *options, promise)
    }),
    entry(
        "unordered-queue",
        "a queue that gives its values in any order",
        |options, promise| judge(UnorderedQueue, *options, promise),
    ),
];
