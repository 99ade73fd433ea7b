//! What the arguments of `rupture check` mean for the judges.

use rupture_workloads::checkers::isolation::Level;
use rupture_workloads::checkers::{Checker, Options, Setting, Unknown, checker, settings};

use crate::cli::CheckArgs;
use crate::exit::{bad_input, unknown_name};

/// What the command line sets, for the judges.
pub(super) fn options(args: &CheckArgs) -> anyhow::Result<Options> {
    let mut options = args.settings.options()?;
    options.witness = args.witness.is_some();
    Ok(options)
}

/// The judge of a model and a level, or what is wrong with their names.
pub(super) fn build(
    model: &str,
    consistency: Option<&str>,
    options: &Options,
) -> anyhow::Result<Box<dyn Checker>> {
    checker(model, consistency, options).map_err(|error| match &error {
        Unknown::Model { .. } => unknown_name("model", error.name(), error.known()),
        Unknown::Consistency { known, .. } if known.is_empty() => {
            bad_input(format!("{error}; leave --consistency out"))
        }
        // A level that others have: what is near in meaning helps more than what is near in spelling.
        Unknown::Consistency { known, .. }
            if Level::named(error.name()).is_some()
                && known.iter().any(|name| Level::named(name).is_some()) =>
        {
            bad_input(error.to_string())
        }
        Unknown::Consistency { .. } => {
            unknown_name("consistency level", error.name(), error.known())
        }
        Unknown::Bound { .. } => bad_input(error.to_string()),
        Unknown::Idle {
            model,
            name,
            level,
            why,
        } => bad_input(format!(
            "--{name} changes nothing for {model} at the level {level}: {why}; leave it out"
        )),
        Unknown::Setting { model, name, known } => bad_input(no_setting(model, name, known)),
    })
}

/// That a model does not have a setting, what it has, and who has the setting if they are few.
fn no_setting(model: &str, name: &str, known: &[&str]) -> String {
    const FEW: usize = 3;
    let known: Vec<String> = known.iter().map(|name| format!("--{name}")).collect();
    let known = match &known[..] {
        [] => "it has none".to_owned(),
        known => format!("it has {}", known.join(", ")),
    };
    let setting = settings().iter().find(|setting| setting.name == name);
    let models: Vec<&str> = setting.into_iter().flat_map(Setting::models).collect();
    let whose = match &models[..] {
        few if few.len() <= FEW => format!("; --{name} is for {}", few.join(", ")),
        _ => String::new(),
    };
    format!("--{name} is no setting of {model}: {known}{whose}")
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};
    use rupture_workloads::checkers::SettingKind;

    use super::*;

    /// What is written behind the argument of a setting.
    fn text(setting: &Setting) -> Option<String> {
        match &setting.kind {
            SettingKind::Flag(_) => None,
            SettingKind::Beside(_) => Some("file".to_owned()),
            SettingKind::Integer { range, .. } => Some(range.start().to_string()),
            SettingKind::Count(_) => Some("all".to_owned()),
            SettingKind::Value(_) => Some("[1 -2]".to_owned()),
            SettingKind::Words { known, give, .. } => known()
                .into_iter()
                .find(|word| give(&mut Options::default(), word).is_ok())
                .map(str::to_owned),
        }
    }

    #[test]
    fn every_setting_is_an_argument_that_gives_it_and_nothing_else() {
        for setting in settings() {
            let command = CheckArgs::augment_args(Command::new("check"));
            let argument = format!("--{}", setting.name);
            let words = [Some("check".to_owned()), Some(argument), text(setting)];
            let words = words.into_iter().flatten().chain(["x.edn".to_owned()]);
            let matches = command.try_get_matches_from(words).unwrap();
            let options = options(&CheckArgs::from_arg_matches(&matches).unwrap()).unwrap();
            let given: Vec<&str> = options.given().map(|setting| setting.name).collect();
            assert_eq!(given, [setting.name]);
        }
    }

    #[test]
    fn a_setting_of_another_model_is_refused_with_what_there_is_and_whose_it_is() {
        let refused = |model, give: fn(&mut Options)| {
            let mut options = Options::default();
            give(&mut options);
            build(model, None, &options).err().unwrap().to_string()
        };
        assert_eq!(
            refused("list-append", |options| options.wfr_keys = true),
            "--wfr-keys is no setting of list-append: it has none; --wfr-keys is for rw-register"
        );
        assert_eq!(
            refused("g2", |options| options.independent = true),
            "--independent is no setting of g2: it has none"
        );
    }
}
