//! The settings of models as arguments: one of each row of the table in `checkers`, which says what it is called, what
//! it means and what it changes.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};
use rupture_workloads::checkers::history::Value;
use rupture_workloads::checkers::history::codec::edn;
use rupture_workloads::checkers::{Options, Setting, SettingKind, settings};

use crate::exit::{bad_input, unknown_name};

/// What stands above them in the help.
const HEADING: &str = "Settings of models";

/// Help names the models of a setting as long as they are no more.
const FEW: usize = 3;

/// What a history does not say by itself. A model that does not have a setting refuses it.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// All but what words give.
    given: Options,
    words: Vec<Words>,
}

/// The words of a setting; their vocabulary has not been looked at.
#[derive(Debug, Clone)]
struct Words {
    setting: &'static str,
    of: &'static str,
    known: fn() -> Vec<&'static str>,
    give: fn(&mut Options, &str) -> Result<(), &'static str>,
    given: Vec<String>,
}

impl Settings {
    /// What is given, for the judges.
    ///
    /// # Errors
    /// A word that nobody knows, that changes nothing, or that two settings name.
    pub fn options(&self) -> anyhow::Result<Options> {
        for words in &self.words {
            let known = (words.known)();
            let unknown = |word: &&String| !known.contains(&word.as_str());
            if let Some(word) = words.given.iter().find(unknown) {
                return Err(unknown_name(words.of, word, &known));
            }
        }
        for (at, one) in self.words.iter().enumerate() {
            for other in self.words[..at].iter().filter(|other| other.of == one.of) {
                if let Some(both) = other.given.iter().find(|word| one.given.contains(word)) {
                    return Err(bad_input(format!(
                        "--{} and --{} both name `{both}`; keep one of them",
                        other.setting, one.setting
                    )));
                }
            }
        }
        let mut options = self.given.clone();
        for words in &self.words {
            for word in &words.given {
                (words.give)(&mut options, word).map_err(|why| {
                    let setting = words.setting;
                    bad_input(format!(
                        "--{setting} {word} changes nothing: {why}; leave it out"
                    ))
                })?;
            }
        }
        Ok(options)
    }

    /// How many anomalies are asked for: as many are shown.
    pub fn anomalies(&self) -> Option<usize> {
        self.given.anomalies
    }
}

impl Args for Settings {
    fn augment_args(command: Command) -> Command {
        settings().iter().fold(command, with)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// The command with the argument of a setting.
fn with(command: Command, setting: &'static Setting) -> Command {
    let arg = Arg::new(setting.name)
        .long(setting.name)
        .help_heading(HEADING);
    let arg = arg.help(help(setting));
    let arg = match &setting.kind {
        // Declared by the verb that writes the file.
        SettingKind::Beside(_) => {
            return command.mut_arg(setting.name, |arg| arg.help(help(setting)));
        }
        SettingKind::Flag(_) => arg.action(ArgAction::SetTrue),
        SettingKind::Integer { unit, range, .. } => arg
            .value_name(unit)
            .value_parser(value_parser!(i64).range(range.clone()))
            .allow_hyphen_values(*range.start() < 0),
        SettingKind::Count(_) => arg.value_name("N|all").value_parser(count),
        SettingKind::Value(_) => arg
            .value_name("VALUE")
            .value_parser(value)
            .allow_hyphen_values(true),
        SettingKind::Words { .. } => arg
            .action(ArgAction::Append)
            .value_name("KIND,KIND")
            .value_delimiter(','),
    };
    command.arg(arg)
}

/// What help says of a setting: its few models come first, or its sentence begins with a capital.
fn help(setting: &Setting) -> String {
    let models: Vec<&str> = setting.models().collect();
    if models.len() <= FEW {
        return format!("{}: {}", models.join(", "), setting.doc);
    }
    let mut rest = setting.doc.chars();
    let first = rest.next().into_iter().flat_map(char::to_uppercase);
    first.chain(rest.clone()).collect()
}

impl FromArgMatches for Settings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut all = Self::default();
        all.update_from_arg_matches(matches)?;
        Ok(all)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for setting in settings() {
            self.take(setting, matches);
        }
        Ok(())
    }
}

impl Settings {
    /// Takes what was given of a setting, if it was.
    fn take(&mut self, setting: &'static Setting, matches: &ArgMatches) {
        let options = &mut self.given;
        let name = setting.name;
        match &setting.kind {
            // Taken by the verb that writes the file.
            SettingKind::Beside(_) => {}
            SettingKind::Flag(give) => {
                if matches.get_flag(name) {
                    give(options);
                }
            }
            SettingKind::Integer { give, .. } => {
                if let Some(number) = matches.get_one(name) {
                    give(options, *number);
                }
            }
            SettingKind::Count(give) => {
                if let Some(count) = matches.get_one(name) {
                    give(options, *count);
                }
            }
            SettingKind::Value(give) => {
                if let Some(value) = matches.get_one::<Value>(name) {
                    give(options, value.clone());
                }
            }
            &SettingKind::Words { of, known, give } => {
                if let Some(words) = matches.get_many::<String>(name) {
                    self.words.push(Words {
                        setting: name,
                        of,
                        known,
                        give,
                        given: words.cloned().collect(),
                    });
                }
            }
        }
    }
}

/// A value as EDN.
fn value(text: &str) -> Result<Value, String> {
    // As JSON writes it.
    if text == "null" {
        return Ok(Value::Nil);
    }
    match edn::read_value(text) {
        Ok(Value::Symbol(name)) => Err(format!(
            "`{name}` is a symbol; a string stands in double quotes, a keyword after a colon"
        )),
        Ok(value) => Ok(value),
        Err(error) => Err(format!("{error}; a string stands in double quotes")),
    }
}

/// How many, or all.
fn count(text: &str) -> Result<usize, String> {
    if text == "all" {
        return Ok(usize::MAX);
    }
    let number = text.parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| "give a number from 1 on, or `all`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_initial_value_is_never_a_bare_word() {
        assert_eq!(value("null"), Ok(Value::Nil));
        assert_eq!(value("nil"), Ok(Value::Nil));
        assert_eq!(value("0"), Ok(Value::Int(0)));
        assert_eq!(value("\"a\""), Ok(Value::Str("a".into())));
        assert!(value("a").is_err_and(|error| error.contains("double quotes")));
    }

    #[test]
    fn help_names_few_models_and_those_that_have_the_setting() {
        for setting in settings() {
            let help = help(setting);
            let models: Vec<&str> = setting.models().collect();
            if models.len() <= FEW {
                assert!(help.starts_with(&models.join(", ")), "{help}");
            } else {
                assert!(help.starts_with(char::is_uppercase), "{help}");
            }
        }
    }
}
