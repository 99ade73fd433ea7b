//! The judges by name: what can be asked for, and what is said of a name that there is not. The table of all models
//! is in [`table`].

mod guess;
mod language;
mod settings;
mod table;

use std::fmt;

use crate::Checker;
use crate::broadcast::Order;
use crate::isolation::Level;
use crate::staleness::{self, level};
pub use guess::{Guess, NoGuess, guess};
pub use language::Form;
pub use settings::{Options, Setting, SettingKind, settings};
use table::MODELS;

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
    /// The levels that it is judged by, the strongest first; none where the model has a rule of its own. The first
    /// is the default, but levels of isolation are all judged where none is named, and a `set-full` with broadcasts
    /// is `eventual`.
    pub consistency: &'static [&'static str],
    /// Which of the [`settings`] it has, by their names.
    pub settings: &'static [&'static str],
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
    /// All levels of isolation at once.
    Ladder,
    /// An order of messages.
    Order(Order),
    /// Of elements that arrive at last.
    Eventual,
    /// The model's own rule, or its first level where its operations promise no less.
    Rule,
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
/// let lists = judge("list-append", Some("causal-memory")).to_string();
/// assert!(lists.ends_with("; the nearest above it: strong-session-serializable; the nearest below it: causal"));
/// let unknown = judge("bank", Some("serializable"));
/// assert_eq!(unknown.to_string(), "bank has no levels: it is judged by a rule of its own");
/// assert!(judge("register", Some("stale=soon")).to_string().contains("write `stale=100ms`"));
/// let options = Options { total: Some(100), ..Options::default() };
/// let unknown = checker("register", None, &options).err().unwrap();
/// assert_eq!(unknown.to_string(), "register has no setting named `total`");
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
    #[error("{}", no_level(.model, .level, .known))]
    Consistency {
        /// The model.
        model: &'static str,
        /// What was asked for.
        level: String,
        /// Every level of the model.
        known: Vec<&'static str>,
    },
    /// The model has no such setting, so that what was asked for would be silently left out.
    #[error("{model} has no setting named `{name}`")]
    Setting {
        /// The model.
        model: &'static str,
        /// What was asked for.
        name: &'static str,
        /// Every setting of the model.
        known: &'static [&'static str],
    },
    /// The setting would change nothing at this level of the model, so that it would be silently left out.
    #[error("`{name}` changes nothing for {model} at the level {level}: {why}")]
    Idle {
        /// The model.
        model: &'static str,
        /// What was asked for.
        name: &'static str,
        /// The level.
        level: String,
        /// Why not, and what to do.
        why: &'static str,
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

fn no_level(model: &str, level: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return format!("{model} {NO_LEVELS}");
    }
    let nearest = nearest(level, known);
    format!("{model} is not judged by a level named `{level}`{nearest}")
}

/// What is said of a model without levels.
const NO_LEVELS: &str = "has no levels: it is judged by a rule of its own";

impl Unknown {
    /// What was asked for.
    pub fn name(&self) -> &str {
        match self {
            Self::Model { name, .. } => name,
            Self::Setting { name, .. } | Self::Idle { name, .. } => name,
            Self::Consistency { level, .. } | Self::Bound { level, .. } => level,
        }
    }

    /// What could have been asked for.
    pub fn known(&self) -> &[&'static str] {
        match self {
            Self::Model { known, .. } | Self::Consistency { known, .. } => known,
            Self::Setting { known, .. } => known,
            Self::Bound { .. } | Self::Idle { .. } => &[],
        }
    }
}

const ORDERS: &str = "only the level linearizable brings an order of the operations";
const ALL_KEYS: &str = "only the level linearizable leaves keys open once a violation is known";

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
/// There is no such model, it is not judged by such a level, the level's bound is none, or the options give a setting
/// that the model does not have or that changes nothing at the level.
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
    let mut given = options.given().map(|setting| setting.name);
    if let Some(name) = given.find(|name| !info.settings.contains(name)) {
        return Err(Unknown::Setting {
            model: info.name,
            name,
            known: info.settings,
        });
    }
    let default = info.consistency.first().copied();
    let promise = match (consistency, default) {
        (None, None) => Promise::Rule,
        // Messages that are broadcast arrive at last; elements that are added are there at once.
        (None, Some(_)) if info.name == "set-full" => Promise::Rule,
        (None, Some(first)) if Level::named(first).is_some() => Promise::Ladder,
        (None, Some(first)) => promise(info, first)?,
        (Some(named), _) => promise(info, named)?,
    };
    let level = || consistency.or(default).unwrap_or_default().to_owned();
    let idle = |name, why| {
        Err(Unknown::Idle {
            model: info.name,
            name,
            level: level(),
            why,
        })
    };
    if !matches!(promise, Promise::Linearizable) {
        if options.witness {
            return idle("witness", ORDERS);
        }
        if options.anomalies.is_some() {
            return idle("anomalies", ALL_KEYS);
        }
    }
    Ok((info.build)(options, promise))
}

/// Which levels of a model are nearest to one that it does not have; nothing where none is.
fn nearest(level: &str, known: &[&str]) -> String {
    let Some(level) = Level::named(level) else {
        return String::new();
    };
    let known: Vec<Level> = known.iter().filter_map(|name| Level::named(name)).collect();
    let among = |near: &dyn Fn(Level) -> bool| -> Vec<Level> {
        known.iter().copied().filter(|&other| near(other)).collect()
    };
    let above = Level::weakest(&among(&|other| other.implies(level)));
    let below = Level::strongest(&among(&|other| level.implies(other)));
    let told = [("above", above), ("below", below)].into_iter();
    let told = told.filter(|(_, levels)| !levels.is_empty());
    let told = told.map(|(place, levels)| {
        let names: Vec<&str> = levels.into_iter().map(Level::name).collect();
        format!("; the nearest {place} it: {}", names.join(", "))
    });
    told.collect()
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
    let unknown = || Unknown::Consistency {
        model: info.name,
        level: text.to_owned(),
        known: info.consistency.to_vec(),
    };
    match (text, bounded) {
        _ if !known => Err(unknown()),
        (_, Some(level)) => Ok(Promise::Staleness(level)),
        ("linearizable", None) => Ok(Promise::Linearizable),
        ("sequential", None) => Ok(Promise::Sequential),
        (name, None) => info.named(name).ok_or_else(unknown),
    }
}

impl ModelInfo {
    /// That the model has no levels, in words; `None` where it has some.
    ///
    /// ```
    /// use rupture_checkers::models;
    ///
    /// let of = |name| models().iter().find(|info| info.name == name).unwrap();
    /// assert_eq!(of("bank").without_levels().unwrap(), "bank has no levels: it is judged by a rule of its own");
    /// assert_eq!(of("register").without_levels(), None);
    /// ```
    pub fn without_levels(&self) -> Option<String> {
        let name = self.name;
        self.consistency
            .is_empty()
            .then(|| format!("{name} {NO_LEVELS}"))
    }

    /// Whether a `valid` verdict at this level says that an order of the operations explains each of them. Rules count
    /// and compare, and weaker levels of isolation rule out cycles: what they call valid has no such order.
    ///
    /// ```
    /// use rupture_checkers::models;
    ///
    /// let explains = |name, level| models().iter().find(|info| info.name == name).unwrap().explains(level);
    /// assert!(explains("register", "k-atomic=2") && explains("list-append", "serializable"));
    /// assert!(!explains("bank", "") && !explains("list-append", "read-committed"));
    /// assert!(!explains("set-full", "linearizable"), "it follows every element by itself");
    /// ```
    pub fn explains(&self, level: &str) -> bool {
        let order = matches!(level, "linearizable" | "sequential")
            || staleness::level(level).is_some()
            || Level::named(level).is_some_and(|level| level.implies(Level::Serializable));
        order && self.name != "set-full"
    }

    /// A level of isolation, or an order of messages: `causal` is the name of both.
    fn named(&self, name: &str) -> Option<Promise> {
        if self.name == "broadcast" {
            return Order::from_name(name).map(Promise::Order);
        }
        if self.name == "set-full" && name == "eventual" {
            return Some(Promise::Eventual);
        }
        Level::named(name).map(Promise::Isolation)
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
