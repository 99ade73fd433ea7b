//! `rupture run`: one run, or many seeds.

use std::num::NonZeroU32;
use std::path::Path;

use anyhow::Context;
use rupture_targets::{Settings, target};
use serde_json::json;

use crate::cli::RunArgs;
use crate::exit::{Exit, bad_input};
use crate::plan::draft::Draft;
use crate::plan::file::{self, PlanFile};
use crate::plan::{self, Plan, Seeds, World, written};
use crate::record::{self, Folder, point_latest, timestamp};
use crate::report::progress::Watched;
use crate::report::{self, style};
use crate::run::{self, Place, Report};
use crate::verbs::seeds;
use crate::{input, interrupt, screen, verbs};

/// Runs what the arguments say and gives the exit code.
///
/// # Errors
/// Settings that cannot be, and results that cannot be written.
pub fn main(args: &RunArgs, words: &[String]) -> anyhow::Result<Exit> {
    let planned = Planned::of(args)?;
    let plan = &planned.plan;
    let seeds = seeds_of(args, plan.seed)?;
    if let Some(folder) = &args.resume {
        interrupt::listen();
        return seeds::resume(folder, plan, seeds, args);
    }
    planned.prepare(args)?;
    let name = name_of(args, plan)?;
    if let Some(instead) = planned.instead(args).filter(|_| !args.json) {
        report::print_wrapped(&style::dim(instead));
    }
    interrupt::listen();
    match seeds {
        Some(_) if World::of(plan) != World::Sim => Err(bad_input(format!(
            "many seeds belong to the simulator: in the world `{}` a run is no function of its seed; run it again \
             instead",
            plan.world
        ))),
        Some(seeds) => seeds::main(plan, seeds, args, &name, words),
        None if args.keep.is_some() || args.fail_fast => Err(bad_input(
            "--keep and --fail-fast belong to a search; give --seeds or --test-count with them",
        )),
        None => one(plan, args, &name, words),
    }
}

fn one(plan: &Plan, args: &RunArgs, name: &str, words: &[String]) -> anyhow::Result<Exit> {
    let mut folder = Folder::create(&args.results, name, &timestamp())?;
    begin(&mut folder, plan, words)?;
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

/// Writes what a run is about to do: `run.json`, which is enough to run it again, and its plan as people write one.
///
/// # Errors
/// What could not be written.
pub fn begin(folder: &mut Folder, plan: &Plan, words: &[String]) -> anyhow::Result<()> {
    let manifest = json!({
        "format": plan::FORMAT,
        "rupture": env!("CARGO_PKG_VERSION"),
        "started": record::now(),
        "command": words,
        "plan": plan,
    });
    folder.write("run.json", &format!("{manifest:#}\n"))?;
    folder.write("plan.toml", &written::toml(plan))
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
fn every_setting(plan: &mut Plan) {
    if let Ok(target) = target(&plan.target) {
        for info in &target.settings {
            let name = info.name.to_owned();
            plan.settings.entry(name).or_insert(info.default);
        }
    }
}

/// A plan from the arguments, and from the file that they name.
struct Planned {
    file: Option<PlanFile>,
    said: Said,
    plan: Plan,
}

impl Planned {
    /// # Errors
    /// What contradicts itself or cannot be read.
    fn of(args: &RunArgs) -> anyhow::Result<Self> {
        let file = args.plan.as_deref().map(file::read).transpose()?;
        let said = Said::of(args)?;
        let draft = file.as_ref().map(PlanFile::draft).unwrap_or_default();
        let plan = said.plan(args, draft);
        let plan = plan.map_err(|error| located(error, file.as_ref(), |it| said.plan(args, it)))?;
        Ok(Self { file, said, plan })
    }

    /// Refuses what cannot run.
    fn prepare(&self, args: &RunArgs) -> anyhow::Result<()> {
        run::prepare(&self.plan).map_err(|error| {
            located(error, self.file.as_ref(), |draft| {
                run::prepare(&self.said.plan(args, draft)?)
            })
        })
    }

    /// Which arguments were taken in place of what the file says.
    fn instead(&self, args: &RunArgs) -> Option<String> {
        self.file.as_ref()?;
        let ids = args
            .given
            .iter()
            .filter(|id| OF_THE_PLAN.contains(&id.as_str()));
        let options: Vec<String> = ids
            .map(|id| format!("--{}", id.replace('_', "-")))
            .collect();
        (!options.is_empty())
            .then(|| format!("{} in place of what the plan says", options.join(", ")))
    }
}

/// An error with its place in the file of the plan, if it comes from there.
fn located<T>(
    error: anyhow::Error,
    file: Option<&PlanFile>,
    plan: impl Fn(Draft) -> anyhow::Result<T>,
) -> anyhow::Error {
    match file {
        Some(file) => file.locate(error, plan),
        None => error,
    }
}

/// Arguments that say something that a plan says, too, by their ids.
const OF_THE_PLAN: [&str; 23] = [
    "world",
    "target",
    "workload",
    "mutant",
    "reads",
    "set",
    "node",
    "nodes",
    "nodes_file",
    "concurrency",
    "client_routing",
    "base_port",
    "time_limit",
    "rate",
    "ops_per_key",
    "op_timeout",
    "nemesis",
    "nemesis_interval",
    "nemesis_script",
    "seed",
    "stop_on_anomaly",
    "check_timeout",
    "check_memory",
];

/// What the arguments say that has to be read first.
struct Said {
    nodes: Vec<String>,
    script: Option<String>,
    settings: Settings,
}

impl Said {
    fn of(args: &RunArgs) -> anyhow::Result<Self> {
        let nodes_file = args
            .nodes_file
            .as_deref()
            .map(input::read_text)
            .transpose()?;
        let script = args
            .nemesis_script
            .as_deref()
            .map(input::read_text)
            .transpose()?;
        Ok(Self {
            nodes: plan::nodes(nodes_file.as_deref(), args.nodes.as_deref(), &args.node)?,
            script,
            settings: plan::settings(&args.set)?,
        })
    }

    /// The plan of a draft, with what the arguments say in place of what it says. Without a file everything is what the
    /// arguments say, or their defaults.
    fn plan(&self, args: &RunArgs, mut draft: Draft) -> anyhow::Result<Plan> {
        let is_given = |id: &str| args.plan.is_none() || args.given.iter().any(|it| it == id);
        let plan = &mut draft.plan;
        let set = |id: &str, text: &mut String, given: &String| {
            if is_given(id) {
                text.clone_from(given);
            }
        };
        set("world", &mut plan.world, &args.world);
        set("target", &mut plan.target, &args.target);
        set("workload", &mut plan.workload, &args.workload);
        set("concurrency", &mut draft.concurrency, &args.concurrency);
        let number = |id: &str, number: &mut u64, given: u64| {
            if is_given(id) {
                *number = given;
            }
        };
        number("ops_per_key", &mut plan.ops_per_key, args.ops_per_key);
        number("op_timeout", &mut plan.op_timeout_ms, args.op_timeout);
        number("seed", &mut plan.seed, args.seed);
        number(
            "check_timeout",
            &mut plan.check_timeout_ms,
            args.check_timeout,
        );
        number("check_memory", &mut plan.check_memory, args.check_memory);
        plan.mutant = args.mutant.clone().or(plan.mutant.take());
        plan.reads = args.reads.clone().or(plan.reads.take());
        plan.settings.extend(self.settings.clone());
        if ["node", "nodes", "nodes_file"].into_iter().any(is_given) {
            plan.nodes.clone_from(&self.nodes);
        }
        if is_given("client_routing") {
            plan.routing = args.client_routing;
        }
        if is_given("rate") {
            plan.rate = NonZeroU32::new(args.rate);
        }
        plan.stop_on_anomaly |= args.stop_on_anomaly;
        // Random faults and timed ones take each other's place.
        if !args.nemesis.is_empty() || self.script.is_some() {
            draft.nemesis = (!args.nemesis.is_empty()).then(|| args.nemesis.clone());
            plan.script.clone_from(&self.script);
        }
        draft.time_limit_ms = args.time_limit.or(draft.time_limit_ms);
        plan.base_port = args.base_port.or(plan.base_port);
        draft.nemesis_interval_ms = args.nemesis_interval.or(draft.nemesis_interval_ms);
        every_setting(plan);
        draft.finish()
    }
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

fn seeds_of(args: &RunArgs, seed: u64) -> anyhow::Result<Option<Seeds>> {
    match (&args.seeds, args.test_count) {
        (Some(range), _) => plan::seeds(range).map(Some),
        (None, Some(0)) => Err(bad_input("--test-count 0: nothing would run")),
        (None, Some(count)) => match seed.checked_add(count - 1) {
            Some(last) => Ok(Some(Seeds { first: seed, last })),
            None => Err(bad_input(format!(
                "--test-count {count}: there are not that many seeds from {seed} on"
            ))),
        },
        (None, None) => Ok(None),
    }
}
