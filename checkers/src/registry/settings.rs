//! What a model may be told beside a history: the [`Options`], and the table of the settings that change them. From
//! the table come the arguments of the command line and what is said of a setting that a model does not have.

use std::ops::RangeInclusive;

use rupture_history::Value;

use super::models;
use crate::log::{Log, LogAnomaly};

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
#[allow(clippy::struct_excessive_bools)] // Each is a question of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Values are `[key value]`, and every key is judged by itself.
    pub independent: bool,
    /// A failed `cas` of a cas-register is an observation: at some moment of it the value was not the
    /// expected one. Otherwise it did not happen.
    pub observe_failed_cas: bool,
    /// Whether a `valid` verdict brings an order of the operations with it.
    pub witness: bool,
    /// How many violated keys are looked for; see [`Linearizable::anomalies`](crate::Linearizable::anomalies). Other
    /// levels judge every key.
    pub anomalies: Option<usize>,
    /// What registers hold before the first write; nil where it is not given.
    pub initial: Option<Value>,
    /// What the accounts of a bank hold together; told from the reads where it is not given.
    pub total: Option<i64>,
    /// Whether accounts of a bank may hold less than nothing.
    pub negative_balances: bool,
    /// How many permits a semaphore has, 1 or more; without it nothing is judged.
    pub permits: Option<i64>,
    /// [`RwRegister::wfr_keys`](crate::isolation::RwRegister::wfr_keys).
    pub wfr_keys: bool,
    /// [`RwRegister::sequential_keys`](crate::isolation::RwRegister::sequential_keys).
    pub sequential_keys: bool,
    /// [`RwRegister::linearizable_keys`](crate::isolation::RwRegister::linearizable_keys).
    pub linearizable_keys: bool,
    /// Which anomalies of a log count, and whether the order of a log orders who sent: [`Log::allow`], [`Log::forbid`],
    /// [`Log::ww_deps`].
    pub log: Log,
    /// [`Broadcast::uniform`](crate::broadcast::Broadcast::uniform).
    pub uniform: bool,
    /// [`Broadcast::complete`](crate::broadcast::Broadcast::complete).
    pub complete: bool,
}

impl Options {
    /// The settings that were given.
    ///
    /// ```
    /// use rupture_checkers::Options;
    ///
    /// let options = Options { total: Some(100), ..Options::default() };
    /// let given: Vec<&str> = options.given().map(|setting| setting.name).collect();
    /// assert_eq!(given, ["total"]);
    /// ```
    pub fn given(&self) -> impl Iterator<Item = &'static Setting> {
        settings().iter().filter(|setting| (setting.is_given)(self))
    }
}

/// A setting that models may have; [`ModelInfo::settings`](super::ModelInfo::settings) says which.
///
/// ```
/// use rupture_checkers::{Options, SettingKind, settings};
///
/// let permits = settings().iter().find(|setting| setting.name == "permits").unwrap();
/// assert_eq!(permits.models().collect::<Vec<_>>(), ["semaphore"]);
/// let SettingKind::Integer { range, give, .. } = &permits.kind else { panic!("a number") };
/// assert!(!range.contains(&0));
/// let mut options = Options::default();
/// give(&mut options, 3);
/// assert_eq!(options.permits, Some(3));
/// ```
#[derive(Debug)]
pub struct Setting {
    /// Its name, such as `wfr-keys`.
    pub name: &'static str,
    /// What it means: sentences of which the first begins small and the last has no full stop, so that the models can
    /// stand before it. It names no model: they say themselves what they have.
    pub doc: &'static str,
    /// What is given, and what that changes.
    pub kind: SettingKind,
    is_given: fn(&Options) -> bool,
}

impl Setting {
    /// The models that have it, in the order of the alphabet.
    ///
    /// ```
    /// use rupture_checkers::settings;
    ///
    /// let initial = settings().iter().find(|setting| setting.name == "initial").unwrap();
    /// assert!(initial.models().eq(["cas-register", "multi-register", "register"]));
    /// ```
    pub fn models(&self) -> impl Iterator<Item = &'static str> {
        let name = self.name;
        let having = models()
            .iter()
            .filter(move |info| info.settings.contains(&name));
        having.map(|info| info.name)
    }
}

/// What is given with a setting, and how that changes the [`Options`].
///
/// ```
/// use rupture_checkers::{Options, SettingKind, settings};
///
/// let allow = settings().iter().find(|setting| setting.name == "allow").unwrap();
/// let SettingKind::Words { known, give, .. } = allow.kind else { panic!("words") };
/// assert!(known().contains(&"lost-write"));
/// let mut options = Options::default();
/// assert_eq!(give(&mut options, "lost-write"), Ok(()));
/// assert!(give(&mut options, "unseen").unwrap_err().contains("anyway"));
/// ```
#[derive(Debug)]
pub enum SettingKind {
    /// Nothing: that it is given says all.
    Flag(fn(&mut Options)),
    /// A file that something is written to beside the verdict; judges learn only that it is asked for.
    Beside(fn(&mut Options)),
    /// An integer.
    Integer {
        /// What it counts, for help.
        unit: &'static str,
        /// What it may be.
        range: RangeInclusive<i64>,
        /// Gives it.
        give: fn(&mut Options, i64),
    },
    /// How many, from 1 on; `usize::MAX` is all.
    Count(fn(&mut Options, usize)),
    /// A value, as histories have it.
    Value(fn(&mut Options, Value)),
    /// Words of a fixed vocabulary. A word may stand in one of the settings that share a vocabulary.
    Words {
        /// What a word names; settings with the same share a vocabulary.
        of: &'static str,
        /// The vocabulary.
        known: fn() -> Vec<&'static str>,
        /// Gives a word, or says why it changes nothing.
        give: fn(&mut Options, &str) -> Result<(), &'static str>,
    },
}

/// Every setting that some model has.
///
/// ```
/// use rupture_checkers::{models, settings};
///
/// for name in models().iter().flat_map(|info| info.settings) {
///     assert!(settings().iter().any(|setting| setting.name == *name));
/// }
/// ```
pub fn settings() -> &'static [Setting] {
    &SETTINGS
}

static SETTINGS: [Setting; 16] = [
    Setting {
        name: "independent",
        doc: "values are `[key value]`, and every key is judged by itself",
        kind: SettingKind::Flag(|options| options.independent = true),
        is_given: |options| options.independent,
    },
    Setting {
        name: "anomalies",
        doc: "how many violated keys to look for at the level linearizable, `all` for every one [default: 1]. Once \
              they are known, keys that a short search does not decide are left open, and their number is told",
        kind: SettingKind::Count(|options, count| options.anomalies = Some(count)),
        is_given: |options| options.anomalies.is_some(),
    },
    Setting {
        name: "witness",
        doc: "write an order of all operations that proves `valid` to this file, an operation a line",
        kind: SettingKind::Beside(|options| options.witness = true),
        is_given: |options| options.witness,
    },
    Setting {
        name: "initial",
        doc: "what they hold before the first write, as EDN such as `0`, `\"a\"` or `[1 2]` [default: nil]",
        kind: SettingKind::Value(|options, value| options.initial = Some(value)),
        is_given: |options| options.initial.is_some(),
    },
    Setting {
        name: "observe-failed-cas",
        doc: "take a failed cas as an observation that the state differed, as Porcupine does; Jepsen takes it as an \
              operation that did not happen",
        kind: SettingKind::Flag(|options| options.observe_failed_cas = true),
        is_given: |options| options.observe_failed_cas,
    },
    Setting {
        name: "total",
        doc: "what the accounts hold together; told from the reads when left out",
        kind: SettingKind::Integer {
            unit: "AMOUNT",
            range: i64::MIN..=i64::MAX,
            give: |options, total| options.total = Some(total),
        },
        is_given: |options| options.total.is_some(),
    },
    Setting {
        name: "negative-balances",
        doc: "let accounts hold less than nothing",
        kind: SettingKind::Flag(|options| options.negative_balances = true),
        is_given: |options| options.negative_balances,
    },
    Setting {
        name: "permits",
        doc: "how many permits there are",
        kind: SettingKind::Integer {
            unit: "N",
            range: 1..=i64::MAX,
            give: |options, permits| options.permits = Some(permits),
        },
        is_given: |options| options.permits.is_some(),
    },
    Setting {
        name: "wfr-keys",
        doc: "take it that what a transaction reads of a key comes before what it then writes to it",
        kind: SettingKind::Flag(|options| options.wfr_keys = true),
        is_given: |options| options.wfr_keys,
    },
    Setting {
        name: "sequential-keys",
        doc: "take it that every key by itself is sequentially consistent",
        kind: SettingKind::Flag(|options| options.sequential_keys = true),
        is_given: |options| options.sequential_keys,
    },
    Setting {
        name: "linearizable-keys",
        doc: "take it that every key by itself is linearizable",
        kind: SettingKind::Flag(|options| options.linearizable_keys = true),
        is_given: |options| options.linearizable_keys,
    },
    Setting {
        name: "allow",
        doc: "note anomalies of these kinds, and let them make no history invalid",
        kind: SettingKind::Words {
            of: "anomaly of a log",
            known: log_anomalies,
            give: |options, word| {
                options.log = options.log.allow(log_anomaly(word, false)?);
                Ok(())
            },
        },
        is_given: |options| moves(options, false),
    },
    Setting {
        name: "forbid",
        doc: "let anomalies of these kinds make a history invalid, whoever subscribed to what",
        kind: SettingKind::Words {
            of: "anomaly of a log",
            known: log_anomalies,
            give: |options, word| {
                options.log = options.log.forbid(log_anomaly(word, true)?);
                Ok(())
            },
        },
        is_given: |options| moves(options, true),
    },
    Setting {
        name: "ww-deps",
        doc: "take it that who sends a message comes after who sent the one before it, and look for circles (G0, G1c)",
        kind: SettingKind::Flag(|options| options.log = options.log.ww_deps(true)),
        is_given: |options| options.log.has_ww_deps(),
    },
    Setting {
        name: "uniform",
        doc: "processes that may have crashed bind the others by what they had delivered",
        kind: SettingKind::Flag(|options| options.uniform = true),
        is_given: |options| options.uniform,
    },
    Setting {
        name: "complete",
        doc: "what a process has not delivered when the history ends it never will",
        kind: SettingKind::Flag(|options| options.complete = true),
        is_given: |options| options.complete,
    },
];

fn log_anomalies() -> Vec<&'static str> {
    LogAnomaly::ALL.map(LogAnomaly::name).to_vec()
}

/// The anomaly of a log with this name, or why it changes nothing to let it count or not.
fn log_anomaly(name: &str, counts: bool) -> Result<LogAnomaly, &'static str> {
    let kind = LogAnomaly::from_name(name).ok_or("no anomaly of a log has that name")?;
    match Log::new().counts(kind) {
        Some(true) if counts => Err("it makes a history invalid anyway"),
        Some(false) if !counts => Err("it makes a history no less valid anyway"),
        _ => Ok(kind),
    }
}

/// Whether some anomaly of a log counts, or does not, that otherwise would not, or would.
fn moves(options: &Options, counts: bool) -> bool {
    let moved =
        |kind| options.log.counts(kind) == Some(counts) && Log::new().counts(kind) != Some(counts);
    LogAnomaly::ALL.into_iter().any(moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn give(setting: &Setting, options: &mut Options) {
        match &setting.kind {
            SettingKind::Flag(give) | SettingKind::Beside(give) => give(options),
            SettingKind::Integer { range, give, .. } => give(options, *range.end()),
            SettingKind::Count(give) => give(options, 2),
            SettingKind::Value(give) => give(options, Value::Int(0)),
            SettingKind::Words { known, give, .. } => {
                let taken = known().into_iter().any(|word| give(options, word).is_ok());
                assert!(taken, "every word of `{}` is idle", setting.name);
            }
        }
    }

    #[test]
    fn a_setting_gives_itself_alone() {
        assert_eq!(Options::default().given().count(), 0);
        for setting in settings() {
            let mut options = Options::default();
            give(setting, &mut options);
            let given = options.given().map(|setting| setting.name);
            assert_eq!(given.collect::<Vec<_>>(), [setting.name]);
        }
    }

    #[test]
    fn every_option_has_a_setting() {
        let mut given = Options::default();
        for setting in settings() {
            give(setting, &mut given);
        }
        // Whoever adds an option is stopped here, and gives it a row of the table.
        let Options {
            independent,
            observe_failed_cas,
            witness,
            anomalies,
            initial,
            total,
            negative_balances,
            permits,
            wfr_keys,
            sequential_keys,
            linearizable_keys,
            log,
            uniform,
            complete,
        } = given;
        assert!(independent && observe_failed_cas && witness && negative_balances);
        assert!(wfr_keys && sequential_keys && linearizable_keys && uniform && complete);
        assert!(anomalies.is_some() && initial.is_some() && total.is_some() && permits.is_some());
        assert!(log != Log::new() && log.has_ww_deps());
    }

    #[test]
    fn models_and_the_table_name_the_same_settings() {
        for info in models() {
            for name in info.settings {
                let rows = settings().iter().filter(|setting| setting.name == *name);
                assert_eq!(rows.count(), 1, "{}: `{name}` in SETTINGS", info.name);
            }
        }
        for setting in settings() {
            assert!(
                setting.models().next().is_some(),
                "no model has `{}`",
                setting.name
            );
            assert!(!setting.doc.ends_with('.') && !setting.doc.starts_with(char::is_uppercase));
        }
    }

    #[test]
    fn words_are_known_or_refused() {
        for setting in settings() {
            let SettingKind::Words { known, give, .. } = setting.kind else {
                continue;
            };
            assert!(give(&mut Options::default(), "unknown").is_err());
            for word in known() {
                let mut options = Options::default();
                let taken = give(&mut options, word).is_ok();
                assert_eq!(
                    taken,
                    options.given().any(|given| given.name == setting.name),
                    "{word}"
                );
            }
        }
    }
}
