//! Many seeds of one plan over all cores.
//!
//! Runs share nothing and are judged where they run. The summary is sorted by seed, so that it says the same
//! whatever the number of cores. Failing seeds are run once more at the end, the first of them at least, this time
//! with their results written: a run of the same seed is the same run.

use std::cmp::Reverse;
use std::fs;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use rupture_workloads::checkers::history::Validity;

use crate::cli::RunArgs;
use crate::exit::Exit;
use crate::interrupt;
use crate::plan::Plan;
use crate::record::{Folder, Nowhere, timestamp};
use crate::report::{self, style, thousands};
use crate::run::{self, Report};
use crate::verbs::run::{finish, manifest};

/// How many failing seeds get a folder of results, and a line each in the summary.
const RECORDED: usize = 5;
const LISTED: usize = 20;

/// What one seed came to.
struct Answer {
    seed: u64,
    exit: Exit,
    operations: u64,
    /// Why it is not valid, in a few words.
    why: String,
}

/// Runs every seed and prints the summary.
pub(super) fn main(
    plan: &Plan,
    range: Range<u64>,
    args: &RunArgs,
    name: &str,
    words: &[String],
) -> anyhow::Result<Exit> {
    let start = Instant::now();
    probe_results(&args.results)?;
    if !args.json {
        let seeds = format!("seeds {}..{}", range.start, range.end);
        report::print(&report::run::opening(plan, &seeds));
    }
    let mut answers = run_all(plan, range.clone());
    answers.sort_by_key(|answer| answer.seed);
    let mut failing: Vec<&Answer> = answers
        .iter()
        .filter(|answer| answer.exit != Exit::Valid)
        .collect();
    // The worst first: an anomaly must not hide behind runs that say nothing.
    failing.sort_by_key(|answer| (Reverse(answer.exit.badness()), answer.seed));
    let total = range.end - range.start;
    let mut exit = answers
        .iter()
        .fold(Exit::Valid, |worst, answer| worst.worst(answer.exit));
    if (answers.len() as u64) < total {
        exit = exit.worst(Exit::Unknown);
    }
    if args.json {
        say!("{}", summary_json(&answers, total, exit));
    } else {
        print_summary(&answers, &failing, total, start.elapsed().as_secs_f64());
        report::print(&rerun_lines(&failing, words));
    }
    for line in record(plan, &failing, args, name, words) {
        complain!("{line}");
    }
    Ok(exit)
}

/// An unwritable results folder is found before the runs and not after them.
fn probe_results(results: &Path) -> anyhow::Result<()> {
    let probe = results.join(format!(".probe-{}", std::process::id()));
    let made = fs::create_dir_all(results)
        .and_then(|()| fs::create_dir(&probe))
        .and_then(|()| fs::remove_dir(&probe));
    made.with_context(|| {
        format!(
            "cannot write to `{}`; name a writable folder with --results",
            results.display()
        )
    })
}

fn run_all(plan: &Plan, range: Range<u64>) -> Vec<Answer> {
    let bar = progress(range.end - range.start);
    let next = AtomicU64::new(range.start);
    let operations = AtomicU64::new(0);
    let failures = AtomicU64::new(0);
    let answers = Mutex::new(Vec::new());
    // Seeds are taken in ascending order, so that what Ctrl-C leaves is a beginning and not a sample.
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= range.end || interrupt::requested() {
            return;
        }
        let Some(answer) = run_seed(plan, seed) else {
            return;
        };
        let done = operations.fetch_add(answer.operations, Ordering::Relaxed) + answer.operations;
        let failed = u64::from(answer.exit != Exit::Valid);
        let failed = failures.fetch_add(failed, Ordering::Relaxed) + failed;
        bar.set_message(format!(
            "{} operations, {failed} not valid",
            thousands(done)
        ));
        bar.inc(1);
        if let Ok(mut answers) = answers.lock() {
            answers.push(answer);
        }
    };
    rayon::broadcast(|_| work());
    bar.finish_and_clear();
    answers
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// One seed; nothing when Ctrl-C cut it short.
fn run_seed(plan: &Plan, seed: u64) -> Option<Answer> {
    let plan = Plan {
        seed,
        ..plan.clone()
    };
    let failed = |why: String| Answer {
        seed,
        exit: Exit::Failure,
        operations: 0,
        why,
    };
    let run = catch_unwind(AssertUnwindSafe(|| {
        run::run(&plan, &mut Nowhere, &interrupt::requested)
    }));
    Some(match run {
        Err(_) => failed("the tool itself failed (a panic, which is a bug of ours)".to_owned()),
        Ok(Err(error)) => failed(format!("the tool itself failed: {error:#}")),
        Ok(Ok(report)) if report.interrupted => return None,
        Ok(Ok(report)) => answer(seed, &report),
    })
}

fn answer(seed: u64, report: &Report) -> Answer {
    let verdict = report.verdict();
    let mut kinds: Vec<&str> = verdict
        .anomalies
        .iter()
        .map(|anomaly| anomaly.kind.as_str())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    let why = match verdict.validity {
        Validity::Valid => String::new(),
        Validity::Invalid => kinds.join(", "),
        Validity::Unknown => verdict.reasons.join("; "),
    };
    Answer {
        seed,
        exit: verdict.validity.into(),
        operations: report.counts.total(),
        why,
    }
}

fn progress(seeds: u64) -> ProgressBar {
    let bar = ProgressBar::new(seeds);
    if let Ok(style) =
        ProgressStyle::with_template("  {bar:30} {pos}/{len} seeds, {msg} ({eta} left)")
    {
        bar.set_style(style);
    }
    bar
}

/// Runs the first failing seeds again, into folders. What cannot be recorded is told, and changes nothing else.
fn record(
    plan: &Plan,
    failing: &[&Answer],
    args: &RunArgs,
    name: &str,
    words: &[String],
) -> Vec<String> {
    let judged = failing
        .iter()
        .filter(|answer| answer.exit != Exit::Failure)
        .take(RECORDED);
    judged
        .take_while(|_| !interrupt::requested())
        .map(
            |answer| match record_one(plan, answer.seed, args, name, words) {
                Ok(root) => format!("  {} seed {}: {root}", style::dim("recorded"), answer.seed),
                Err(error) => format!(
                    "{} seed {} was not recorded: {error:#}",
                    style::warning("warning:"),
                    answer.seed
                ),
            },
        )
        .collect()
}

fn record_one(
    plan: &Plan,
    seed: u64,
    args: &RunArgs,
    name: &str,
    words: &[String],
) -> anyhow::Result<String> {
    let plan = Plan {
        seed,
        ..plan.clone()
    };
    let mut folder = Folder::create(&args.results, name, &format!("{}-seed-{seed}", timestamp()))?;
    folder.write("run.json", &manifest(&plan, &rerun_words(words, seed))?)?;
    let report = run::run(&plan, &mut folder, &|| false)?;
    let root = folder.root().display().to_string();
    finish(folder, &args.results, &report);
    Ok(root)
}

fn print_summary(answers: &[Answer], failing: &[&Answer], total: u64, seconds: f64) {
    let operations: u64 = answers.iter().map(|answer| answer.operations).sum();
    let count = |exit: Exit| answers.iter().filter(|answer| answer.exit == exit).count();
    let mut parts = vec![format!("{} {}", count(Exit::Valid), style::good("valid"))];
    for (exit, word) in [
        (Exit::Invalid, style::error("INVALID")),
        (Exit::Unknown, style::warning("unknown")),
        (Exit::Failure, style::error("failed")),
    ] {
        if count(exit) > 0 {
            parts.push(format!("{} {word}", count(exit)));
        }
    }
    say!(
        "{} of {total} seeds: {}; {} operations in {seconds:.1} s",
        answers.len(),
        parts.join(", "),
        thousands(operations)
    );
    if (answers.len() as u64) < total {
        say!(
            "{}: Ctrl-C; what had ended by then is what is told here",
            style::warning("interrupted")
        );
    }
    for answer in failing.iter().take(LISTED) {
        say!(
            "  seed {}: {}: {}",
            answer.seed,
            word(answer.exit),
            answer.why
        );
    }
}

fn word(exit: Exit) -> String {
    match exit {
        Exit::Valid => style::good("valid"),
        Exit::Invalid => style::error("INVALID"),
        Exit::Unknown => style::warning("unknown"),
        Exit::BadArguments | Exit::Failure => style::error("failed"),
    }
}

/// The command that reruns each failing seed.
fn rerun_lines(failing: &[&Answer], words: &[String]) -> Vec<String> {
    if failing.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!("  {}", style::dim("run one again:"))];
    for answer in failing.iter().take(LISTED) {
        let words: Vec<String> = rerun_words(words, answer.seed)
            .iter()
            .map(|word| quote(word))
            .collect();
        lines.push(format!("rupture {}", words.join(" ")));
    }
    if failing.len() > LISTED {
        lines.push(format!("  and {} more", failing.len() - LISTED));
    }
    lines
}

/// The command line with one seed in place of the range.
fn rerun_words(words: &[String], seed: u64) -> Vec<String> {
    let mut rest = words.iter();
    let mut kept = Vec::new();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "--seeds" | "--test-count" | "--seed" => {
                rest.next();
            }
            w if ["--seeds=", "--test-count=", "--seed="]
                .iter()
                .any(|flag| w.starts_with(flag)) => {}
            _ => kept.push(word.clone()),
        }
    }
    kept.push("--seed".to_owned());
    kept.push(seed.to_string());
    kept
}

/// A word as a shell reads it back.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=.,/:+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn summary_json(answers: &[Answer], total: u64, exit: Exit) -> serde_json::Value {
    let of = |exit: Exit| -> Vec<u64> {
        answers
            .iter()
            .filter(|a| a.exit == exit)
            .map(|a| a.seed)
            .collect()
    };
    json!({
        "seeds": total,
        "done": answers.len(),
        "exit": exit as u8,
        "operations": answers.iter().map(|answer| answer.operations).sum::<u64>(),
        "invalid": of(Exit::Invalid),
        "unknown": of(Exit::Unknown),
        "failed": of(Exit::Failure),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rerun_names_one_seed_and_keeps_the_rest() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            rerun_words(&words("run --seeds 0..9 --mutant x"), 4),
            words("run --mutant x --seed 4")
        );
        assert_eq!(
            rerun_words(&words("run --test-count=3 --seed 7"), 8),
            words("run --seed 8")
        );
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote("--nodes=3"), "--nodes=3");
    }
}
