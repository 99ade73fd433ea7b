//! `rupture run`: one run, or many seeds.

use std::path::Path;

use anyhow::Context;
use rupture_targets::{Settings, target};
use serde_json::json;

use crate::cli::RunArgs;
use crate::exit::{Exit, bad_input};
use crate::plan::{self, Plan, Seeds};
use crate::record::{self, Folder, point_latest, timestamp};
use crate::report::progress::Watched;
use crate::report::{self, style};
use crate::run::{self, Place, Report, World};
use crate::verbs::seeds;
use crate::{input, interrupt, screen, verbs};

/// Runs what the arguments say and gives the exit code.
///
/// # Errors
/// Settings that cannot be, and results that cannot be written.
pub fn main(args: &RunArgs, words: &[String]) -> anyhow::Result<Exit> {
    let plan = plan_of(args)?;
    let seeds = seeds_of(args)?;
    if let Some(folder) = &args.resume {
        interrupt::listen();
        return seeds::resume(folder, &plan, seeds, args);
    }
    run::prepare(&plan)?;
    let name = name_of(args, &plan)?;
    interrupt::listen();
    match seeds {
        Some(_) if World::of(&plan) != World::Sim => Err(bad_input(format!(
            "many seeds belong to the simulator: in the world `{}` a run is no function of its seed; run it again \
             instead",
            plan.world
        ))),
        Some(seeds) => seeds::main(&plan, seeds, args, &name, words),
        None if args.keep.is_some() || args.fail_fast => Err(bad_input(
            "--keep and --fail-fast belong to a search; give --seeds or --test-count with them",
        )),
        None => one(&plan, args, &name, words),
    }
}

fn one(plan: &Plan, args: &RunArgs, name: &str, words: &[String]) -> anyhow::Result<Exit> {
    let mut folder = Folder::create(&args.results, name, &timestamp())?;
    folder.write("run.json", &manifest(plan, words)?)?;
    if !args.json {
        let seed = format!("seed {}", plan.seed);
        report::print(&report::run::opening(plan, &seed, report::width()));
    }
    let root = folder.root().to_owned();
    if World::of(plan) != World::Sim {
        // Whoever heals what a killed run left looks there.
        warn_of_latest(args, &root);
    }
    let place = Place {
        folder: std::path::absolute(&root).context("the results have no place")?,
        program: std::env::current_exe().context("this program cannot be found")?,
    };
    let report = {
        let mut watched = Watched::new(&mut folder, plan);
        run::run_at(plan, &mut watched, Some(&place), &interrupt::requested)?
    };
    if args.json {
        // Not in verdict.json: a folder may be moved, and a replay has none.
        let mut verdict = verdict_json(&report);
        verdict["results"] = json!(root.to_string_lossy());
        screen::say_json(&verdict);
    } else {
        report::print(&report::run::closing(&report, &root, report::width()));
    }
    let mut exit = Exit::from(report.verdict().validity);
    if let Err(error) = finish(folder, &report) {
        complain!("{} {error:#}", style::error("error:"));
        exit = exit.worst(Exit::Failure);
    }
    if World::of(plan) == World::Sim {
        warn_of_latest(args, &root);
    }
    Ok(exit)
}

/// Points `results/latest` at a run, or says why it does not lead there.
fn warn_of_latest(args: &RunArgs, root: &Path) {
    if let Some(why) = point_latest(&args.results, root) {
        complain!("{} {why}", style::warning("warning:"));
    }
}

/// Closes the folder with the verdict, which is written last: where there is one, everything is.
///
/// # Errors
/// What could not be written. It changes no verdict.
pub fn finish(mut folder: Folder, report: &Report) -> anyhow::Result<()> {
    let flushed = folder.close();
    let written = folder.write("verdict.json", &format!("{:#}\n", verdict_json(report)));
    flushed.and(written)
}

/// What `run.json` says: enough to run it again.
///
/// # Errors
/// A plan that is no JSON, which is a bug of ours.
pub fn manifest(plan: &Plan, words: &[String]) -> anyhow::Result<String> {
    let manifest = json!({
        "format": verbs::replay::FORMAT,
        "rupture": env!("CARGO_PKG_VERSION"),
        "started": record::now(),
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
    let seconds = match report.world {
        World::Sim => "simulated_seconds",
        World::Local => "seconds",
    };
    json!({
        "valid": verbs::check::valid(whole.validity),
        "seed": report.seed,
        "interrupted": report.interrupted,
        "operations": { "ok": report.counts.ok, "fail": report.counts.fail, "info": report.counts.info },
        "served_after_seconds": report.served_after_ns.map(|ns| ns as f64 / 1e9),
        "claimed_seconds": report.claim.map(|claim| claim.within_ns as f64 / 1e9),
        seconds: report.lasted_ns as f64 / 1e9,
        "faults": {
            "injected": report.injected(),
            "not_injected": report.receipts.len() - report.injected(),
        },
        "reasons": whole.reasons,
        "checkers": report.parts,
    })
}

/// Every setting of the target, so that the plan says all of them and a later default changes no replay.
fn every_setting(args: &RunArgs) -> anyhow::Result<Settings> {
    let mut settings = plan::settings(&args.set)?;
    if let Ok(target) = target(&args.target) {
        for info in &target.settings {
            let name = info.name.to_owned();
            settings.entry(name).or_insert(info.default);
        }
    }
    Ok(settings)
}

/// A plan from the arguments.
///
/// # Errors
/// What contradicts itself or cannot be read.
pub fn plan_of(args: &RunArgs) -> anyhow::Result<Plan> {
    let nodes_file = args
        .nodes_file
        .as_deref()
        .map(input::read_text)
        .transpose()?;
    let nodes = plan::nodes(nodes_file.as_deref(), args.nodes.as_deref(), &args.node)?;
    let script = args
        .nemesis_script
        .as_deref()
        .map(input::read_text)
        .transpose()?;
    let nemesis = match (&script, args.nemesis.is_empty()) {
        (None, true) => vec!["default".to_owned()],
        _ => args.nemesis.clone(),
    };
    let time_limit_ms = match args.time_limit {
        Some(ms) => ms,
        None if args.world == plan::WORLDS[0] => 30_000,
        // Real time is dear.
        None => 10_000,
    };
    let plan = Plan {
        world: args.world.clone(),
        target: args.target.clone(),
        mutant: args.mutant.clone(),
        reads: args.reads.clone(),
        settings: every_setting(args)?,
        workload: args.workload.clone(),
        concurrency: plan::concurrency(&args.concurrency, nodes.len())?,
        nodes,
        routing: args.client_routing,
        base_port: args.base_port,
        time_limit_ms,
        rate: std::num::NonZeroU32::new(args.rate),
        ops_per_key: args.ops_per_key,
        op_timeout_ms: args.op_timeout,
        nemesis,
        nemesis_interval_ms: args
            .nemesis_interval
            .unwrap_or_else(|| plan::nemesis_interval_ms(time_limit_ms)),
        script,
        seed: args.seed,
        stop_on_anomaly: args.stop_on_anomaly,
        check_timeout_ms: args.check_timeout,
        check_memory: args.check_memory,
    };
    plan.validate()?;
    Ok(plan)
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

fn seeds_of(args: &RunArgs) -> anyhow::Result<Option<Seeds>> {
    match (&args.seeds, args.test_count) {
        (Some(range), _) => plan::seeds(range).map(Some),
        (None, Some(0)) => Err(bad_input("--test-count 0: nothing would run")),
        (None, Some(count)) => match args.seed.checked_add(count - 1) {
            Some(last) => Ok(Some(Seeds {
                first: args.seed,
                last,
            })),
            None => Err(bad_input(format!(
                "--test-count {count}: there are not that many seeds from {} on",
                args.seed
            ))),
        },
        (None, None) => Ok(None),
    }
}
