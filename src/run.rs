//! One run: from a plan to a verdict.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rupture_nemesis::{self as nemesis, Asked, Evidence, Injector, Problem, Receipt, State};
use rupture_targets::local::{LocalError, LocalSetup};
use rupture_targets::random::stream;
use rupture_targets::{
    Capabilities, MutantInfo, NodeName, RecoveryClaim, TargetError, TargetOptions, local,
    local_capabilities, simulated, target,
};
use rupture_workloads::checkers::history::{History, Validity, Verdict};
use rupture_workloads::checkers::linearizability::online::{Found, Watch, watcher};
use rupture_workloads::checkers::{Budget, CheckError, Options};
use rupture_workloads::generator::{Generator, GeneratorExt};
use rupture_workloads::{Probes, Workload, WorkloadOptions, workload};

use crate::claim;
use crate::drive::{self, Outcome};
use crate::exit::{bad_input, unknown_name};
use crate::invariants::InvariantWatcher;
use crate::journal::{Counts, Journal};
use crate::plan::{Plan, Routing, World};
use crate::record::Sink;
use crate::schedule::{Parts, Schedule};
use crate::storm;

/// What came out of a run.
#[derive(Debug)]
pub struct Report {
    /// What decided the run's random choices.
    pub seed: u64,
    /// One verdict a checker.
    pub parts: Vec<Verdict>,
    /// What became of each fault.
    pub receipts: Vec<Receipt>,
    /// How the operations ended.
    pub counts: Counts,
    /// How long after everything was healed the last probe was answered, in nanoseconds; `None` where not all were.
    pub served_after_ns: Option<u64>,
    /// What the target claimed of that, if it claims anything and was asked.
    pub claim: Option<RecoveryClaim>,
    /// In which world it was.
    pub world: World,
    /// How much time passed: virtual time in the simulator.
    pub lasted_ns: u64,
    /// Whether Ctrl-C cut it short.
    pub interrupted: bool,
}

impl Report {
    /// The verdicts merged: the worst counts.
    pub fn verdict(&self) -> Verdict {
        self.parts
            .iter()
            .cloned()
            .reduce(Verdict::merge)
            .unwrap_or_default()
    }

    /// How many faults were proved to take hold.
    pub fn injected(&self) -> usize {
        self.receipts
            .iter()
            .filter(|receipt| receipt.state == State::Injected)
            .count()
    }
}

/// Refuses what cannot run, before anything starts.
///
/// # Errors
/// Names that nobody knows, with the nearest; settings that contradict each other.
pub fn prepare(plan: &Plan) -> anyhow::Result<()> {
    let workload = make_workload(plan)?;
    let options = options(plan, &workload)?;
    let capabilities = match World::of(plan) {
        World::Sim => simulated(&plan.target, &options).map(|target| target.capabilities()),
        World::Local => local_capabilities(&plan.target, &options),
    };
    let capabilities = capabilities.map_err(|error| target_error(&error))?;
    make_nemesis(plan, &capabilities)?;
    make_watch(plan, &workload)?;
    Ok(())
}

/// What a run of real processes needs besides its plan.
#[derive(Clone, Debug)]
pub struct Place {
    /// The folder of the run, where processes have their files while it lasts, and the undo journal stays.
    pub folder: PathBuf,
    /// The program that is a node when its first argument is `node`.
    pub program: PathBuf,
}

/// What the plan's mutant is about, in a line.
pub fn mutant_about(plan: &Plan) -> Option<&'static str> {
    mutant(plan).map(|info| info.about)
}

fn mutant(plan: &Plan) -> Option<&'static MutantInfo> {
    let name = plan.mutant.as_deref()?;
    let target = target(&plan.target).ok()?;
    target.mutants.iter().find(|info| info.name == name)
}

/// What a plan cannot do although nothing in it is wrong: said before it runs, and noted with its verdict.
pub fn notices(plan: &Plan) -> Vec<String> {
    let mut notices = Vec::new();
    if let (Some(mutant), Ok(workload)) = (mutant(plan), make_workload(plan))
        && !mutant.models.contains(&workload.model)
    {
        notices.push(format!(
            "{} cannot show itself in {}: it shows in {}",
            mutant.name,
            plan.workload,
            mutant.models.join(", ")
        ));
    }
    let nodes = plan.nodes.len();
    if nodes >= MANY_NODES {
        notices.push(format!(
            "{nodes} nodes talk to each other all the time: this takes a while"
        ));
    }
    notices
}

/// From so many nodes on it is said that a run takes long.
const MANY_NODES: usize = 100;

/// Runs a plan in the simulator. What it records goes to the sink; `stop` is asked now and then whether to end early.
///
/// # Errors
/// What [`prepare`] refuses, a sink that cannot be opened, a world that needs a [`Place`], and a history that its own
/// checker does not understand (which is a bug of ours).
pub fn run(
    plan: &Plan,
    sink: &mut dyn Sink,
    stop: &(dyn Fn() -> bool + Sync),
) -> anyhow::Result<Report> {
    run_at(plan, sink, None, stop)
}

/// Runs a plan in its world.
///
/// # Errors
/// As [`run`], and processes that cannot be started.
pub fn run_at(
    plan: &Plan,
    sink: &mut dyn Sink,
    place: Option<&Place>,
    stop: &(dyn Fn() -> bool + Sync),
) -> anyhow::Result<Report> {
    let workload = make_workload(plan)?;
    let options = options(plan, &workload)?;
    let names: Vec<NodeName> = (0..plan.nodes.len() as u32)
        .map(NodeName::numbered)
        .collect();
    let mut journal = Journal::open(sink, &names)?;
    if let Some(watch) = make_watch(plan, &workload)? {
        journal.watched_by(watch);
    }
    let mut watcher = InvariantWatcher::of(target(&plan.target)?);
    let Workload {
        generator,
        final_generator,
        probes,
        checker,
        ..
    } = workload;
    let course = Course {
        generator,
        final_generator,
        probes,
    };
    let (outcome, faults) = match (World::of(plan), place) {
        (World::Sim, _) => simulate(plan, &options, course, &mut journal, &mut watcher, stop)?,
        (World::Local, Some(place)) => {
            let setup = LocalSetup {
                program: place.program.clone(),
                folder: place.folder.join("data"),
                undo: place.folder.join("undo.jsonl"),
                base_port: plan.base_port,
            };
            with_processes(
                plan,
                &options,
                &setup,
                course,
                &mut journal,
                &mut watcher,
                stop,
            )?
        }
        (World::Local, None) => {
            return Err(bad_input(format!(
                "the world `{}` needs a folder for the files of its processes: this cannot be done in it",
                plan.world
            )));
        }
    };
    let anomaly = journal.anomaly().cloned();
    let (history, counts) = journal.finish();
    let mut verdict = judge(plan, checker.as_ref(), &history)?;
    verdict.notes.extend(anomaly.as_ref().map(stopped_at));
    verdict.notes.extend(notices(plan));
    verdict.notes.extend(outcome.recovered.not_probed());
    let died = |(node, how): &(NodeName, String)| format!("{node} ended by itself: it {how}");
    verdict.notes.extend(outcome.died.iter().map(died));
    verdict.notes.extend(outcome.is_deaf.then(|| {
        "a node that stood still for long told late what it had done: invariants were judged only until then"
            .to_owned()
    }));
    let mut parts = vec![verdict];
    parts.extend(watcher.finish());
    // A run that was stopped had no time for faults that were still to come.
    let is_cut_short = anomaly.is_some() || outcome.storm.is_some() || outcome.stuck.is_some();
    let asked = if is_cut_short {
        Asked::default()
    } else {
        faults.asked()
    };
    let evidence = nemesis::evidence(&asked, &outcome.receipts);
    if !outcome.interrupted {
        parts[0].notes.extend_from_slice(&evidence.notes);
    }
    parts.extend(conditions(&outcome, &evidence));
    // A run that was cut short accuses nobody of what it did not wait for.
    parts.extend(outcome.storm.as_ref().map(storm::verdict));
    if !is_cut_short && !outcome.interrupted {
        parts.extend(claim::verdict(&outcome, &history, ms(plan.op_timeout_ms)));
    }
    Ok(Report {
        seed: plan.seed,
        parts,
        served_after_ns: outcome.recovered.served_after_ns,
        claim: outcome.recovered.claim,
        receipts: outcome.receipts,
        counts,
        world: World::of(plan),
        lasted_ns: outcome.lasted_ns,
        interrupted: outcome.interrupted,
    })
}

/// What clients are to do, from beginning to end.
struct Course {
    generator: Box<dyn Generator>,
    final_generator: Option<Box<dyn Generator>>,
    probes: Probes,
}

impl Course {
    /// What happens when.
    fn schedule(self, plan: &Plan, faults: &nemesis::Plan) -> Schedule {
        Schedule::new(Parts {
            main: self.generator.time_limit(ms(plan.time_limit_ms)).boxed(),
            last: self.final_generator,
            probes: Some(self.probes),
            nemesis: nemesis::Schedule::new(faults, plan.nodes.len()),
            threads: plan.concurrency,
            nodes: plan.nodes.len(),
            op_timeout_ns: ms(plan.op_timeout_ms),
            clients_random: stream(plan.seed, "clients"),
            faults_random: stream(plan.seed, "nemesis schedule"),
        })
    }
}

fn simulate(
    plan: &Plan,
    options: &TargetOptions,
    course: Course,
    journal: &mut Journal<'_>,
    watcher: &mut InvariantWatcher,
    stop: &(dyn Fn() -> bool + Sync),
) -> anyhow::Result<(Outcome, nemesis::Plan)> {
    let target = simulated(&plan.target, options);
    let mut target = target.map_err(|error| target_error(&error))?;
    let faults = make_nemesis(plan, &target.capabilities())?;
    let driver = drive::simulated::Driver {
        target: target.as_mut(),
        schedule: course.schedule(plan, &faults),
        injector: Injector::new(),
        journal,
        watcher,
        random: stream(plan.seed, "nemesis targets"),
        looks: false,
        storm: None,
    };
    Ok((driver.run(stop)?, faults))
}

fn with_processes(
    plan: &Plan,
    options: &TargetOptions,
    setup: &LocalSetup,
    course: Course,
    journal: &mut Journal<'_>,
    watcher: &mut InvariantWatcher,
    stop: &(dyn Fn() -> bool + Sync),
) -> anyhow::Result<(Outcome, nemesis::Plan)> {
    let capabilities = local_capabilities(&plan.target, options);
    let capabilities = capabilities.map_err(|error| target_error(&error))?;
    let faults = make_nemesis(plan, &capabilities)?;
    let ears = drive::real::Ears::new();
    let target = local(&plan.target, options, setup, ears.tell());
    let mut target = target.map_err(|error| match error {
        LocalError::Target(error) => target_error(&error),
        other => other.into(),
    })?;
    let driver = drive::real::Driver {
        limits: limits(plan, target.recovery(), &faults),
        target: target.as_mut(),
        schedule: course.schedule(plan, &faults),
        journal,
        watcher,
        random: stream(plan.seed, "nemesis targets"),
        ears,
    };
    Ok((driver.run(stop)?, faults))
}

/// How long each phase of a real run may take: what it is to take, and half a minute for a machine that is busy.
fn limits(
    plan: &Plan,
    claim: Option<RecoveryClaim>,
    faults: &nemesis::Plan,
) -> drive::real::Limits {
    const SPARE: Duration = Duration::from_secs(30);
    let op = Duration::from_millis(plan.op_timeout_ms);
    let claimed_ns = claim.map_or(0, |claim| claim.within_ns.saturating_add(claim.answers_ns));
    let claimed = Duration::from_nanos(claimed_ns.saturating_add(faults.recovery_ns));
    let plus = |a: Duration, b: Duration| a.saturating_add(b).saturating_add(SPARE);
    drive::real::Limits {
        main: plus(Duration::from_millis(plan.time_limit_ms), op),
        healing: plus(op, SPARE),
        recovering: plus(claimed, op),
        last: plus(op.saturating_mul(10), SPARE),
    }
}

/// What a verdict notes of a run that was ended by what its clients saw.
fn stopped_at(found: &Found) -> String {
    let first = if found.is_first { "the first" } else { "one" };
    let key = found.key.as_ref();
    let key = key.map_or(String::new(), |key| format!(" (key {key})"));
    format!(
        "stopped at event {}{key}, {first} that no order explains",
        found.event
    )
}

fn judge(
    plan: &Plan,
    checker: &dyn rupture_workloads::checkers::Checker,
    history: &History,
) -> anyhow::Result<Verdict> {
    let deadline = Instant::now().checked_add(Duration::from_millis(plan.check_timeout_ms));
    let over = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
    let memory = usize::try_from(plan.check_memory).unwrap_or(usize::MAX);
    let budget = Budget::unlimited().with_time(&over).with_bytes(memory);
    checker
        .check(history, &budget)
        .map_err(|error: CheckError| {
            anyhow::anyhow!("the run's own history cannot be judged: {error}")
        })
}

/// What keeps a run from being valid although nothing was proved wrong: faults that were never injected or never
/// healed, a cluster that did not come back, an end before the end.
fn conditions(outcome: &Outcome, evidence: &Evidence) -> Option<Verdict> {
    let mut reasons = Vec::new();
    reasons.extend(outcome.stuck.clone());
    let left = |what: &String| format!("could not be taken away: {what}");
    reasons.extend(outcome.left.iter().map(left));
    if outcome.interrupted {
        reasons.push("interrupted before the end".to_owned());
    } else {
        let problems = &evidence.problems;
        reasons.extend(problems.iter().map(Problem::to_string));
        if problems.iter().any(Problem::is_of_a_short_run) {
            reasons.push(
                "run longer (--time-limit), or with shorter waits (--nemesis-interval)".to_owned(),
            );
        }
    }
    (!reasons.is_empty()).then(|| {
        let mut verdict = Verdict::new(Validity::Unknown, "run", "");
        verdict.reasons = reasons;
        verdict
    })
}

fn ms(ms: u64) -> u64 {
    ms.saturating_mul(1_000_000)
}

fn make_workload(plan: &Plan) -> anyhow::Result<Workload> {
    let options = WorkloadOptions {
        threads: plan.concurrency,
        rate_per_second: plan.rate,
        ops_per_key: plan.ops_per_key,
        ..WorkloadOptions::default()
    };
    workload(&plan.workload, &options)
        .map_err(|error| unknown_name("workload", &error.name, &error.known))
}

/// Who ends the run at the first anomaly, if that is asked for.
fn make_watch(plan: &Plan, workload: &Workload) -> anyhow::Result<Option<Box<dyn Watch>>> {
    if !plan.stop_on_anomaly {
        return Ok(None);
    }
    let options = Options {
        independent: workload.independent,
        ..Options::default()
    };
    let watch = watcher(workload.model, &options).map_err(|unknown| {
        bad_input(format!(
            "--stop-on-anomaly: the workload `{}` is judged as {}, which cannot be watched while it runs; \
             these can: {}",
            workload.name,
            workload.model,
            unknown.known().join(", ")
        ))
    })?;
    Ok(Some(watch))
}

/// What the target is built from, in any world.
fn options(plan: &Plan, workload: &Workload) -> anyhow::Result<TargetOptions> {
    let numbered = (0..plan.nodes.len() as u32).map(NodeName::numbered);
    if !plan.nodes.iter().map(String::as_str).eq(numbered
        .clone()
        .map(|name| name.to_string())
        .collect::<Vec<_>>()
        .iter()
        .map(String::as_str))
    {
        return Err(bad_input(format!(
            "the world `{}` makes its own nodes and calls them n1, n2, ...: give --nodes {}",
            plan.world,
            plan.nodes.len()
        )));
    }
    Ok(TargetOptions {
        nodes: plan.nodes.len() as u32,
        threads: plan.concurrency,
        seed: plan.seed,
        model: workload.model.to_owned(),
        independent: workload.independent,
        mutant: plan.mutant.clone(),
        reads: plan.reads.clone(),
        settings: plan.settings.clone(),
        watch: true,
        follow: plan.routing == Routing::Any,
    })
}

fn target_error(error: &TargetError) -> anyhow::Error {
    let nearest = |what: &str, name: &str, known: &[String]| {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        unknown_name(what, name, &known)
    };
    match error {
        TargetError::UnknownTarget { name, known } => nearest("target", name, known),
        TargetError::UnknownMutant { name, known, .. } => nearest("mutant", name, known),
        TargetError::UnknownSetting { name, known, .. } => nearest("setting", name, known),
        TargetError::UnknownReads { name, known, .. } => nearest("way to read", name, known),
        other => bad_input(other.to_string()),
    }
}

fn make_nemesis(plan: &Plan, capabilities: &Capabilities) -> anyhow::Result<nemesis::Plan> {
    let stop_ns = ms(plan.time_limit_ms);
    let mut faults = if let Some(text) = &plan.script {
        let script = nemesis::Script::parse(text)
            .map_err(|error| bad_input(format!("--nemesis-script: {error}")))?;
        nemesis::Plan::script(script, stop_ns)
    } else {
        let names: Vec<&str> = plan.nemesis.iter().map(String::as_str).collect();
        let selection = nemesis::parse(&names).map_err(|error| {
            let known: Vec<&str> = error.known.iter().map(String::as_str).collect();
            unknown_name("nemesis", &error.name, &known)
        })?;
        nemesis::Plan::mix(selection, stop_ns)
    };
    faults.interval_ns = ms(plan.nemesis_interval_ms);
    faults
        .check_against(capabilities, plan.nodes.len())
        .map_err(|error| bad_input(error.to_string()))
}
