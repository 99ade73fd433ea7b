//! What the arguments of `rupture check` mean for the judges.

use rupture_workloads::checkers::isolation::Level;
use rupture_workloads::checkers::log::{Log, LogAnomaly};
use rupture_workloads::checkers::{Checker, Options, Unknown, checker};

use crate::cli::CheckArgs;
use crate::exit::{bad_input, unknown_name};

/// What the command line sets, for the judges.
pub(super) fn options(args: &CheckArgs) -> anyhow::Result<Options> {
    let settings = &args.settings;
    let allow = log_anomalies(&settings.allow)?;
    let forbid = log_anomalies(&settings.forbid)?;
    if let Some(both) = allow.iter().find(|kind| forbid.contains(kind)) {
        return Err(bad_input(format!(
            "--allow and --forbid both name `{}`; keep one of them",
            both.name()
        )));
    }
    for (name, kinds, counts) in [("allow", &allow, false), ("forbid", &forbid, true)] {
        let idle = |kind: &&LogAnomaly| Log::new().counts(**kind) == Some(counts);
        if let Some(kind) = kinds.iter().find(idle) {
            let always = if counts { "invalid" } else { "no less valid" };
            return Err(bad_input(format!(
                "--{name} {} changes nothing: it makes a history {always} anyway; leave it out",
                kind.name()
            )));
        }
    }
    let log = allow.into_iter().fold(Log::new(), Log::allow);
    Ok(Options {
        independent: settings.independent,
        observe_failed_cas: settings.observe_failed_cas,
        witness: args.witness.is_some(),
        anomalies: args.anomalies,
        initial: settings.initial.clone(),
        total: settings.total,
        negative_balances: settings.negative_balances,
        permits: settings.permits,
        wfr_keys: settings.wfr_keys,
        sequential_keys: settings.sequential_keys,
        linearizable_keys: settings.linearizable_keys,
        log: forbid
            .into_iter()
            .fold(log, Log::forbid)
            .ww_deps(settings.ww_deps),
        uniform: settings.uniform,
        complete: settings.complete,
    })
}

fn log_anomalies(names: &[String]) -> anyhow::Result<Vec<LogAnomaly>> {
    let known = LogAnomaly::ALL.map(LogAnomaly::name);
    let unknown = |name: &String| unknown_name("anomaly of a log", name, &known);
    names
        .iter()
        .map(|name| LogAnomaly::from_name(name).ok_or_else(|| unknown(name)))
        .collect()
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
        Unknown::Setting { known, .. } => {
            let known: Vec<String> = known.iter().map(|name| format!("--{name}")).collect();
            let known = match &known[..] {
                [] => "it has none".to_owned(),
                known => format!("it has {}", known.join(", ")),
            };
            bad_input(format!(
                "--{} is no setting of {model}: {known}",
                error.name()
            ))
        }
    })
}
