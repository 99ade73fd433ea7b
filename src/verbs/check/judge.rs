//! Reads one history and has it judged, within its bounds of time and memory.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rupture_workloads::checkers::history::{History, LeftOut, Validity, Verdict};
use rupture_workloads::checkers::{self, Budget, ModelInfo, Options};

use super::arguments::build;
use super::beside::write_asked;
use super::guess::{guess, of_run};
use super::memory::resident;
use super::read::{Input, read};
use crate::cli::CheckArgs;
use crate::exit::bad_input;
use crate::interrupt;

/// A verdict, how long it took, and what was asked for beside it and could not be written.
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) seconds: f64,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) unwritten: Vec<String>,
}

pub(super) fn judge(file: &Path, args: &CheckArgs, options: &Options) -> anyhow::Result<Judged> {
    let start = Instant::now();
    let deadline = start.checked_add(Duration::from_millis(args.timeout));
    let interrupted = AtomicBool::new(false);
    let over = || {
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return true;
        }
        if interrupt::requested() {
            interrupted.store(true, Ordering::Relaxed);
        }
        interrupted.load(Ordering::Relaxed)
    };
    let (history, mut verdict) = match read(file, args.memory, &over)? {
        Input::History(history) => {
            let history = invoked(file, history, args.completions_only)?;
            let verdict = verdict(file, &history, args, options.clone(), &over)?;
            (Some(history), verdict)
        }
        Input::Unread(reason) => (None, unread(args, reason)),
    };
    if interrupted.into_inner() {
        say_interrupted(&mut verdict);
    }
    let unwritten = write_asked(args, history.as_deref(), &mut verdict);
    let left_out = history.as_deref().map(History::left_out);
    Ok(Judged {
        verdict,
        left_out: left_out.unwrap_or_default(),
        seconds: start.elapsed().as_secs_f64(),
        unwritten,
    })
}

/// Judges know only that they had no more time; here it is said why.
fn say_interrupted(verdict: &mut Verdict) {
    for reason in &mut verdict.reasons {
        for cause in ["out of time or memory", "out of time"] {
            *reason = reason.replace(cause, "interrupted");
        }
    }
    let is_said = |reason: &String| reason.contains("interrupted");
    if verdict.validity == Validity::Unknown && !verdict.reasons.iter().any(is_said) {
        verdict.reasons.insert(0, "interrupted".to_owned());
    }
}

/// The history with its invocations, added if it has completions alone and they were asked for.
fn invoked(file: &Path, history: Box<History>, add: bool) -> anyhow::Result<Box<History>> {
    let file = file.display();
    if !add {
        if history.has_completions_alone() {
            return Err(bad_input(format!(
                "{file}: no client invokes an operation, there are completions alone; --completions-only adds an \
                 invocation right before each, as if nothing had overlapped"
            )));
        }
        return Ok(history);
    }
    match history.with_invocations() {
        Some(history) => Ok(Box::new(history)),
        None => Err(bad_input(format!(
            "{file}: --completions-only is for histories without invocations, and this one has some; leave it out"
        ))),
    }
}

fn verdict(
    file: &Path,
    history: &History,
    args: &CheckArgs,
    mut options: Options,
    over: &(dyn Fn() -> bool + Sync),
) -> anyhow::Result<Verdict> {
    let mut guess_note = None;
    let model = match (&args.model, of_run(file)) {
        (Some(model), _) => model.clone(),
        (None, Some((model, independent))) => {
            options.independent |= independent;
            model
        }
        (None, None) => {
            let (model, independent) = guess(history, options.independent)
                .map_err(|error| bad_input(format!("{}: {error}", file.display())))?;
            options.independent = independent;
            guess_note = Some(note_of_guess(&model, independent, history));
            model
        }
    };
    // How the file was read, or what it was taken for, may be why it does not fit.
    let misfit = |error: String, notes: Vec<String>| {
        let all: Vec<String> = [error]
            .into_iter()
            .chain(guess_note.clone())
            .chain(notes)
            .collect();
        bad_input(format!("{}: {}", file.display(), all.join("; ")))
    };
    let checker = build(&model, args.consistency.as_deref(), &options)
        .map_err(|error| misfit(error.to_string(), Vec::new()))?;
    let memory = args.memory.saturating_sub(resident());
    let memory = usize::try_from(memory).unwrap_or(usize::MAX);
    let budget = Budget::unlimited().with_time(over).with_bytes(memory);
    let mut verdict = checker
        .check(history, &budget)
        .map_err(|error| misfit(error.to_string(), notes(history)))?;
    verdict.notes.extend(guess_note.clone());
    let info = checkers::models().iter().find(|info| info.name == model);
    if let Some(mut note) = info.and_then(ModelInfo::without_levels) {
        if !verdict.not.is_empty() {
            note = format!(
                "{note}; what broke it breaks {} as well",
                verdict.not.join(", ")
            );
        }
        verdict.notes.push(note);
    }
    verdict.notes.extend(notes(history));
    verdict.notes.extend(note_of(&history.left_out()));
    Ok(verdict)
}

/// That nobody named the model, and how to.
fn note_of_guess(model: &str, independent: bool, history: &History) -> String {
    if history.iter().all(|event| event.client().is_none()) {
        return format!(
            "no operation says what the model is, and {model} stands for any; --model names it"
        );
    }
    let keys = if independent {
        ", its keys independent"
    } else {
        ""
    };
    format!("the model {model}{keys} was guessed from the operations; --model says otherwise")
}

/// How the history was read, as far as that may be a surprise.
fn notes(history: &History) -> Vec<String> {
    let nobody = (!history.has_processes()).then(|| {
        "no event has a `process`: all are taken for those of one client, 0, which does one thing after the other; what ran \
         at the same time needs processes of its own"
            .to_owned()
    });
    history.notes().iter().cloned().chain(nobody).collect()
}

/// What is not judged, in words.
fn note_of(left_out: &[LeftOut]) -> Option<String> {
    let all: Vec<String> = left_out.iter().map(LeftOut::to_string).collect();
    (!all.is_empty()).then(|| format!("left out of judgement: {}", all.join("; ")))
}

/// The verdict on a file that was not read to its end.
fn unread(args: &CheckArgs, reason: String) -> Verdict {
    let model = args.model.as_deref().unwrap_or("history");
    Verdict::unknown(
        model,
        args.consistency.as_deref().unwrap_or_default(),
        reason,
    )
}
