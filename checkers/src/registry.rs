//! The judges by name.

use std::fmt;

use crate::models::{
    CasRegister, Counter, FencedLock, FifoQueue, KvAppend, MultiRegister, Mutex, OwnerMutex,
    PriorityQueue, Register, Set, Stack, UnorderedQueue,
};
use crate::set_full::SetFull;
use crate::{Checker, Linearizable, Model};

/// What a history's model does not say by itself.
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
pub struct ModelInfo {
    /// Its name.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// The levels that it is judged by; the first is the default.
    pub consistency: &'static [&'static str],
    build: fn(&Options) -> Box<dyn Checker>,
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
}

impl Unknown {
    /// What was asked for.
    pub fn name(&self) -> &str {
        match self {
            Self::Model { name, .. } => name,
            Self::Consistency { level, .. } => level,
        }
    }

    /// What could have been asked for.
    pub fn known(&self) -> &[&'static str] {
        match self {
            Self::Model { known, .. } | Self::Consistency { known, .. } => known,
        }
    }
}

/// The judge of a model, by the model's first level unless another is named.
///
/// # Errors
/// There is no such model, or it is not judged by such a level.
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
    if let Some(level) = consistency.filter(|level| !info.consistency.contains(level)) {
        return Err(Unknown::Consistency {
            model: info.name,
            level: level.to_owned(),
            known: info.consistency.to_vec(),
        });
    }
    Ok((info.build)(options))
}

/// Every model by name, in the order of the alphabet.
pub fn models() -> &'static [ModelInfo] {
    &MODELS
}

fn linearizable<M: Model + 'static>(model: M, options: &Options) -> Box<dyn Checker> {
    let judge = Linearizable::new(model).independent(options.independent);
    Box::new(judge.witness(options.witness))
}

const fn entry(
    name: &'static str,
    about: &'static str,
    build: fn(&Options) -> Box<dyn Checker>,
) -> ModelInfo {
    ModelInfo {
        name,
        about,
        consistency: &["linearizable"],
        build,
    }
}

static MODELS: [ModelInfo; 15] = [
    entry(
        "cas-register",
        "a value that is read, written, and compared and set",
        |options| {
            let model = CasRegister {
                observe_failed: options.observe_failed_cas,
            };
            linearizable(model, options)
        },
    ),
    entry("counter", "a number that is added to and read", |options| {
        linearizable(Counter, options)
    }),
    entry(
        "fenced-lock",
        "a lock whose holders are given ever greater tokens",
        |options| linearizable(FencedLock, options),
    ),
    entry("fifo-queue", "a queue, first in first out", |options| {
        linearizable(FifoQueue, options)
    }),
    entry(
        "kv-append",
        "strings by key: get, put and append",
        |options| linearizable(KvAppend, options),
    ),
    entry(
        "multi-register",
        "registers that transactions read and write together",
        |options| linearizable(MultiRegister, options),
    ),
    entry("mutex", "a lock that anyone may release", |options| {
        linearizable(Mutex, options)
    }),
    entry(
        "owner-mutex",
        "a lock that only the process that holds it may release",
        |options| linearizable(OwnerMutex { reentrant: false }, options),
    ),
    entry(
        "priority-queue",
        "integers of which the greatest or the least comes out",
        |options| linearizable(PriorityQueue, options),
    ),
    entry(
        "reentrant-mutex",
        "an owner-mutex that its holder may take again",
        |options| linearizable(OwnerMutex { reentrant: true }, options),
    ),
    entry("register", "a value that is read and written", |options| {
        linearizable(Register, options)
    }),
    entry(
        "set",
        "elements that are added, removed, asked for and read",
        |options| linearizable(Set, options),
    ),
    entry(
        "set-full",
        "a set that only grows: lost, stale, duplicated elements",
        |options| {
            let judge = SetFull::new().linearizable(true);
            Box::new(judge.independent(options.independent))
        },
    ),
    entry("stack", "a stack, last in first out", |options| {
        linearizable(Stack, options)
    }),
    entry(
        "unordered-queue",
        "a queue that gives its values in any order",
        |options| linearizable(UnorderedQueue, options),
    ),
];
