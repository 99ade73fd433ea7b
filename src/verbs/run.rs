//! `rupture run`: one run, or many seeds.

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde_json::json;

use crate::cli::RunArgs;
use crate::exit::{Exit, bad_input};
use crate::plan::{self, Plan};
use crate::record::{Folder, timestamp};
use crate::report;
use crate::run::{self, Report};
use crate::verbs::seeds;
use crate::{interrupt, verbs};

/// Runs what the arguments say and gives the exit code.
///
/// # Errors
/// Settings that cannot be, and results that cannot be written.
pub fn main(args: &RunArgs, words: &[String]) -> anyhow::Result<Exit> {
    let plan = plan_of(args)?;
    run::prepare(&plan)?;
    interrupt::listen();
    let name = name_of(args, &plan)?;
    match seeds_of(args)? {
        Some(range) => seeds::main(&plan, range, args, &name, words),
        None => one(&plan, args, &name, words),
    }
}

fn one(plan: &Plan, args: &RunArgs, name: &str, words: &[String]) -> anyhow::Result<Exit> {
    let mut folder = Folder::create(&args.results, name, &timestamp())?;
    folder.write("run.json", &manifest(plan, words)?)?;
    if !args.json {
        let seed = format!("seed {}", plan.seed);
        report::print(&report::run::opening(plan, &seed));
    }
    let report = run::run(plan, &mut folder, &interrupt::requested)?;
    let root = folder.root().to_owned();
    if args.json {
        say!("{}", verdict_json(&report));
    } else {
        report::print(&report::run::closing(&report, &root, report::width()));
    }
    finish(folder, &args.results, &report);
    Ok(report.verdict().validity.into())
}

/// Writes the verdict and closes the folder. What could not be written is told and changes no verdict.
pub fn finish(folder: Folder, results: &Path, report: &Report) {
    let written = folder.write("verdict.json", &format!("{:#}\n", verdict_json(report)));
    for error in [written, folder.finish(results)]
        .into_iter()
        .filter_map(Result::err)
    {
        complain!("{} {error:#}", report::style::warning("warning:"));
    }
}

/// What `run.json` says: enough to run it again.
///
/// # Errors
/// A plan that is no JSON, which is a bug of ours.
pub fn manifest(plan: &Plan, words: &[String]) -> anyhow::Result<String> {
    let manifest = json!({
        "format": verbs::replay::FORMAT,
        "rupture": env!("CARGO_PKG_VERSION"),
        "started": chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        "command": words,
        "plan": plan,
    });
    let mut text = serde_json::to_string_pretty(&manifest).context("a plan is JSON")?;
    text.push('\n');
    Ok(text)
}

/// What `verdict.json` says.
pub fn verdict_json(report: &Report) -> serde_json::Value {
    let whole = report.verdict();
    json!({
        "valid": verbs::check::valid(whole.validity),
        "seed": report.seed,
        "interrupted": report.interrupted,
        "operations": { "ok": report.counts.ok, "fail": report.counts.fail, "info": report.counts.info },
        "simulated_seconds": report.simulated_ns as f64 / 1e9,
        "faults": {
            "injected": report.injected(),
            "not_injected": report.receipts.len() - report.injected(),
        },
        "reasons": whole.reasons,
        "checkers": report.parts,
    })
}

/// A plan from the arguments.
///
/// # Errors
/// What contradicts itself or cannot be read.
pub fn plan_of(args: &RunArgs) -> anyhow::Result<Plan> {
    let nodes_file = args.nodes_file.as_deref().map(read_argument).transpose()?;
    let nodes = plan::nodes(nodes_file.as_deref(), args.nodes.as_deref(), &args.node)?;
    let script = args
        .nemesis_script
        .as_deref()
        .map(read_argument)
        .transpose()?;
    let nemesis = match (&script, args.nemesis.is_empty()) {
        (None, true) => vec!["default".to_owned()],
        _ => args.nemesis.clone(),
    };
    let plan = Plan {
        world: "sim".to_owned(),
        target: args.target.clone(),
        mutant: args.mutant.clone(),
        reads: args.reads.clone(),
        workload: args.workload.clone(),
        concurrency: plan::concurrency(&args.concurrency, nodes.len())?,
        nodes,
        time_limit_ms: args.time_limit,
        rate: std::num::NonZeroU32::new(args.rate),
        ops_per_key: args.ops_per_key,
        op_timeout_ms: args.op_timeout,
        nemesis,
        nemesis_interval_ms: args
            .nemesis_interval
            .unwrap_or_else(|| plan::nemesis_interval_ms(args.time_limit)),
        script,
        seed: args.seed,
        stop_on_anomaly: args.stop_on_anomaly,
        check_timeout_ms: args.check_timeout,
        check_memory: args.check_memory,
    };
    plan.validate()?;
    Ok(plan)
}

fn read_argument(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path)
        .map_err(|error| bad_input(format!("cannot read `{}`: {error}", path.display())))
}

fn name_of(args: &RunArgs, plan: &Plan) -> anyhow::Result<String> {
    let name = args.name.clone().unwrap_or_else(|| plan.name());
    let fits = !name.is_empty()
        && name != "latest"
        && !name.starts_with('.')
        && !name.contains(['/', '\\', '\0']);
    if fits {
        Ok(name)
    } else {
        Err(bad_input(format!(
            "--name {name}: give the name of one folder, other than `latest`"
        )))
    }
}

fn seeds_of(args: &RunArgs) -> anyhow::Result<Option<std::ops::Range<u64>>> {
    match (&args.seeds, args.test_count) {
        (Some(range), _) => plan::seeds(range).map(Some),
        (None, Some(0)) => Err(bad_input("--test-count 0: nothing would run")),
        (None, Some(count)) => match args.seed.checked_add(count) {
            Some(end) => Ok(Some(args.seed..end)),
            None => Err(bad_input(format!(
                "--test-count {count}: there are not that many seeds"
            ))),
        },
        (None, None) => Ok(None),
    }
}
