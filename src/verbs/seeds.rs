//! A search: many seeds of one plan over all cores.
//!
//! Runs share nothing and are judged where they run. What a seed came to is printed and written to the search's index
//! as soon as it is known. A failing seed is then run once more, this time with its results written, as long as fewer
//! are recorded than were asked for: a run of the same seed is the same run.

mod folder;
mod rerun;
mod summary;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use rupture_workloads::checkers::history::Validity;

use crate::cli::RunArgs;
use crate::exit::{Exit, bad_input};
use crate::plan::{Plan, Seeds};
use crate::record::{Nowhere, point_latest};
use crate::report::{self, style, thousands};
use crate::run::{self, Report};
use crate::verbs::run::{begin, finish};
use crate::{interrupt, screen};

use folder::{Answer, Folder, Known, Outcome, Seed};
use summary::{Summary, word};

/// How many seeds of each verdict other than valid are recorded whole.
const RECORDED: u64 = 5;

/// Arguments that change nothing of what a seed does.
const NO_PART_OF_THE_PLAN: [&str; 6] = ["RunArgs", "keep", "fail_fast", "json", "resume", "seeds"];

/// Runs every seed and prints the summary.
pub(super) fn main(
    plan: &Plan,
    seeds: Seeds,
    args: &RunArgs,
    name: &str,
    words: &[String],
) -> anyhow::Result<Exit> {
    let folder = Folder::create(&args.results, name, plan, seeds, words)?;
    let search = Search::new(plan, seeds, &folder, args, words);
    Ok(search.run(Known::default()))
}

/// Goes on with a search that was cut short. The command line may name the plan again, but no other plan; other seeds
/// widen the search.
pub(super) fn resume(
    root: &Path,
    given: &Plan,
    seeds: Option<Seeds>,
    args: &RunArgs,
) -> anyhow::Result<Exit> {
    let (folder, manifest, known) = Folder::open(root)?;
    let mut ids = args.given.iter();
    if ids.any(|id| !NO_PART_OF_THE_PLAN.contains(&id.as_str())) {
        refuse_another(given, &manifest.plan, root)?;
    }
    manifest.plan.validate()?;
    run::prepare(&manifest.plan)?;
    let seeds = seeds.unwrap_or(manifest.seeds);
    let search = Search::new(&manifest.plan, seeds, &folder, args, &manifest.command);
    Ok(search.run(known))
}

/// Answers of two plans do not belong into one index.
fn refuse_another(plan: &Plan, recorded: &Plan, root: &Path) -> anyhow::Result<()> {
    let fields = |plan: &Plan| serde_json::to_value(plan).unwrap_or_default();
    let (plan, recorded) = (fields(plan), fields(recorded));
    let names = plan.as_object().into_iter().chain(recorded.as_object());
    let names: BTreeSet<&String> = names.flat_map(serde_json::Map::keys).collect();
    let differences: Vec<String> = names
        .into_iter()
        .filter(|name| *name != "seed" && plan.get(name) != recorded.get(name))
        .map(|name| {
            let text = |plan: &serde_json::Value| plan.get(name).cloned().unwrap_or_default();
            format!("{name} was {} and is {}", text(&recorded), text(&plan))
        })
        .collect();
    if differences.is_empty() {
        return Ok(());
    }
    Err(bad_input(format!(
        "`{}` is a search of another plan: {}; leave the plan out to go on with it, or start a new search",
        root.display(),
        differences.join(", ")
    )))
}

/// What is known so far.
#[derive(Default)]
struct State {
    valid: u64,
    operations: u64,
    failing: BTreeMap<u64, Answer>,
    recorded: BTreeSet<u64>,
    /// Seeds that are being recorded, or are, of those that are invalid and of those that are unknown.
    kept: [u64; 2],
    /// The lowest seed at which the search ends.
    last: Option<u64>,
    /// Whether something could not be written.
    unwritten: bool,
}

impl State {
    fn done(&self) -> u64 {
        self.valid + self.failing.len() as u64
    }

    fn add(&mut self, answer: &Answer) {
        self.operations += answer.operations;
        if answer.verdict == Outcome::Valid {
            self.valid += 1;
        } else {
            self.failing.insert(answer.seed, answer.clone());
        }
    }
}

/// Whether a search ends with such a seed when it ends at its first failure.
fn ends_a_search(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Invalid | Outcome::Failed)
}

struct Search<'a> {
    plan: &'a Plan,
    seeds: Seeds,
    folder: &'a Folder,
    args: &'a RunArgs,
    words: &'a [String],
    bar: screen::Shown,
    state: Mutex<State>,
}

impl<'a> Search<'a> {
    fn new(
        plan: &'a Plan,
        seeds: Seeds,
        folder: &'a Folder,
        args: &'a RunArgs,
        words: &'a [String],
    ) -> Self {
        Self {
            plan,
            seeds,
            folder,
            args,
            words,
            bar: screen::show(progress(seeds.count())),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(self, known: Known) -> Exit {
        let start = Instant::now();
        if !self.args.json {
            let seeds = format!("seeds {}", self.seeds);
            report::print(&report::run::opening(self.plan, &seeds, report::width()));
        }
        let known = self.take_over(known);
        let next = Mutex::new(Some(self.seeds.first));
        rayon::broadcast(|_| {
            while let Some(seed) = self.next(&next, &known) {
                self.seed(seed);
            }
        });
        self.finish(start.elapsed().as_secs_f64())
    }

    /// Takes over what an earlier process knew, and records what it had no time for. Gives the seeds that are done.
    fn take_over(&self, known: Known) -> BTreeSet<u64> {
        if known.torn > 0 {
            complain!(
                "{} {} lines of the index were cut off and do not count",
                style::warning("warning:"),
                known.torn
            );
        }
        let inside = |seed: u64| (self.seeds.first..=self.seeds.last).contains(&seed);
        let answers = known.answers.values().filter(|answer| inside(answer.seed));
        let mut waiting = Vec::new();
        for answer in answers {
            let mut state = self.state();
            state.add(answer);
            if known.recorded.contains(&answer.seed) {
                state.recorded.insert(answer.seed);
                if let Some(kept) = place(answer.verdict) {
                    state.kept[kept] += 1;
                }
            } else if answer.verdict != Outcome::Valid {
                waiting.push(answer.clone());
            }
            if self.args.fail_fast && ends_a_search(answer.verdict) {
                state.last = Some(state.last.map_or(answer.seed, |last| last.min(answer.seed)));
            }
        }
        let done = self.state().done();
        if done > 0 {
            self.bar.set_position(done);
            self.tell(&format!(
                "{} of {} seeds were done before",
                thousands(done),
                self.seeds.count()
            ));
        }
        waiting.par_iter().for_each(|answer| self.record(answer));
        known.answers.into_keys().collect()
    }

    /// The next seed to run. Seeds are taken in ascending order, so that what a signal leaves is a beginning and not a
    /// sample.
    fn next(&self, next: &Mutex<Option<u64>>, known: &BTreeSet<u64>) -> Option<u64> {
        let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let seed = (*next)?;
            if interrupt::requested() || self.state().last.is_some_and(|last| last < seed) {
                return None;
            }
            *next = (seed < self.seeds.last).then(|| seed + 1);
            if !known.contains(&seed) {
                return Some(seed);
            }
        }
    }

    fn seed(&self, seed: u64) {
        let stop = || interrupt::requested() || self.state().last.is_some_and(|last| last < seed);
        let Some(answer) = run_seed(self.plan, seed, &stop) else {
            return;
        };
        self.folder.answer(&answer);
        let message = {
            let mut state = self.state();
            state.add(&answer);
            if self.args.fail_fast && ends_a_search(answer.verdict) {
                state.last = Some(state.last.map_or(seed, |last| last.min(seed)));
            }
            format!(
                "{} operations, {} not valid",
                thousands(state.operations),
                state.failing.len()
            )
        };
        self.bar.set_message(message);
        self.bar.inc(1);
        if answer.verdict != Outcome::Valid {
            let why = [&answer.anomalies[..], &answer.reasons[..]].concat();
            self.tell(&format!(
                "  seed {seed}: {}: {}",
                word(answer.verdict),
                why.join(", ")
            ));
            self.record(&answer);
        }
    }

    /// Runs a failing seed again, into a folder, if fewer are kept than were asked for.
    fn record(&self, answer: &Answer) {
        let Some(place) = place(answer.verdict) else {
            return;
        };
        {
            let mut state = self.state();
            let is_enough = state.kept[place] >= self.args.keep.unwrap_or(RECORDED);
            if is_enough || interrupt::requested() {
                return;
            }
            state.kept[place] += 1;
        }
        match self.record_one(answer.seed) {
            Ok(root) => {
                self.state().recorded.insert(answer.seed);
                self.tell(&format!("  seed {}: recorded in {root}", answer.seed));
            }
            Err(error) => {
                self.state().unwritten = true;
                let seed = answer.seed;
                complain!(
                    "{} seed {seed} was not recorded: {error:#}",
                    style::error("error:")
                );
            }
        }
    }

    fn record_one(&self, seed: u64) -> anyhow::Result<String> {
        let root = match self.folder.seed(seed)? {
            Seed::Whole(root) => root,
            Seed::New(mut folder) => {
                let plan = of_seed(self.plan, seed);
                begin(&mut folder, &plan, &rerun::one(self.words, seed))?;
                let report = run::run(&plan, &mut folder, &|| false)?;
                let root = folder.root().to_owned();
                finish(folder, &report)?;
                root
            }
        };
        self.folder.recorded(seed);
        Ok(root.display().to_string())
    }

    fn finish(self, seconds: f64) -> Exit {
        let Self {
            seeds,
            folder,
            args,
            words,
            bar,
            state,
            ..
        } = self;
        drop(bar);
        let mut state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = folder.finish() {
            complain!("{} {error:#}", style::error("error:"));
            state.unwritten = true;
        }
        let verdicts = state
            .failing
            .values()
            .map(|answer| Exit::from(answer.verdict));
        let mut exit = verdicts.fold(Exit::Valid, Exit::worst);
        if state.done() < seeds.count() {
            exit = exit.worst(Exit::Unknown);
        }
        if state.unwritten {
            exit = Exit::Failure;
        }
        let summary = Summary {
            seeds,
            state: &state,
            folder,
            words,
            seconds,
            exit,
            interrupted: interrupt::requested(),
        };
        if args.json {
            screen::say_json(&summary.json());
        } else {
            summary.print();
        }
        let worst = summary.worst_recorded();
        if let Some(why) = worst.and_then(|worst| point_latest(&args.results, &worst)) {
            complain!("{} {why}", style::warning("warning:"));
        }
        exit
    }

    /// Prints what is found as it is found. Where the answer is JSON, standard output is kept for it.
    fn tell(&self, text: &str) {
        if self.args.json {
            complain!("{text}");
        } else {
            report::print_wrapped(text);
        }
    }
}

/// Which of the two sorts of seeds that are kept this is; what failed would fail again.
fn place(outcome: Outcome) -> Option<usize> {
    match outcome {
        Outcome::Invalid => Some(0),
        Outcome::Unknown => Some(1),
        Outcome::Valid | Outcome::Failed => None,
    }
}

fn of_seed(plan: &Plan, seed: u64) -> Plan {
    Plan {
        seed,
        ..plan.clone()
    }
}

/// One seed; nothing when it was cut short.
fn run_seed(plan: &Plan, seed: u64, stop: &(dyn Fn() -> bool + Sync)) -> Option<Answer> {
    let plan = of_seed(plan, seed);
    let failed = |why: String| Answer {
        seed,
        verdict: Outcome::Failed,
        operations: 0,
        anomalies: Vec::new(),
        reasons: vec![why],
    };
    let run = catch_unwind(AssertUnwindSafe(|| run::run(&plan, &mut Nowhere, stop)));
    Some(match run {
        Err(_) => failed("the tool itself failed (a panic, which is a bug of ours)".to_owned()),
        Ok(Err(error)) => failed(format!("the tool itself failed: {error:#}")),
        Ok(Ok(report)) if report.interrupted => return None,
        Ok(Ok(report)) => answer(seed, &report),
    })
}

fn answer(seed: u64, report: &Report) -> Answer {
    let verdict = report.verdict();
    let kinds: BTreeSet<&String> = verdict
        .anomalies
        .iter()
        .map(|anomaly| &anomaly.kind)
        .collect();
    let (outcome, anomalies, reasons) = match verdict.validity {
        Validity::Valid => (Outcome::Valid, Vec::new(), Vec::new()),
        Validity::Invalid => (
            Outcome::Invalid,
            kinds.into_iter().cloned().collect(),
            Vec::new(),
        ),
        Validity::Unknown => (Outcome::Unknown, Vec::new(), verdict.reasons.clone()),
    };
    Answer {
        seed,
        verdict: outcome,
        operations: report.counts.total(),
        anomalies,
        reasons,
    }
}

fn progress(seeds: u64) -> ProgressBar {
    let bar = screen::bar(seeds);
    if let Ok(style) =
        ProgressStyle::with_template("  {bar:20} {pos}/{len} seeds, {wide_msg} ({eta} left)")
    {
        bar.set_style(style);
    }
    bar
}
