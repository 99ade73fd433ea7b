//! Reads one history and has it judged, within its bounds of time and memory.

use std::path::Path;
use std::time::{Duration, Instant};

use rupture_workloads::checkers::history::{History, LeftOut, Verdict};
use rupture_workloads::checkers::{Budget, Options};

use super::arguments::build;
use super::beside::write_asked;
use super::guess::{guess, of_run};
use super::memory::resident;
use super::read::{Input, read};
use crate::cli::CheckArgs;
use crate::exit::bad_input;

/// A verdict, how long it took, and what was asked for beside it and could not be written.
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) seconds: f64,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) unwritten: Vec<String>,
}

pub(super) fn judge(file: &Path, args: &CheckArgs, options: Options) -> anyhow::Result<Judged> {
    let start = Instant::now();
    let deadline = start.checked_add(Duration::from_millis(args.timeout));
    let over = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
    let (history, mut verdict) = match read(file, args.memory, &over)? {
        Input::History(history) => {
            let history = invoked(file, history, args.completions_only)?;
            let verdict = verdict(file, &history, args, options, &over)?;
            (Some(history), verdict)
        }
        Input::Unread(reason) => (None, unread(args, reason)),
    };
    let unwritten = write_asked(args, history.as_deref(), &mut verdict);
    let left_out = history.as_deref().map(History::left_out);
    Ok(Judged {
        verdict,
        left_out: left_out.unwrap_or_default(),
        seconds: start.elapsed().as_secs_f64(),
        unwritten,
    })
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
    let mut guessed = false;
    let model = match (&args.model, of_run(file)) {
        (Some(model), _) => model.clone(),
        (None, Some((model, independent))) => {
            options.independent |= independent;
            model
        }
        (None, None) => {
            guessed = true;
            let (model, independent) = guess(history, options.independent)
                .map_err(|error| bad_input(format!("{}: {error}", file.display())))?;
            options.independent = independent;
            model
        }
    };
    let checker = build(&model, args.consistency.as_deref(), options)?;
    let memory = args.memory.saturating_sub(resident());
    let memory = usize::try_from(memory).unwrap_or(usize::MAX);
    let budget = Budget::unlimited().with_time(over).with_bytes(memory);
    let mut verdict = checker
        .check(history, &budget)
        .map_err(|error| bad_input(format!("{}: {error}", file.display())))?;
    if guessed {
        let keys = if options.independent {
            ", its keys independent"
        } else {
            ""
        };
        let note = format!(
            "the model {model}{keys} was guessed from the operations; --model says otherwise"
        );
        verdict.notes.push(note);
    }
    verdict.notes.extend(history.notes().iter().cloned());
    verdict.notes.extend(note_of(&history.left_out()));
    Ok(verdict)
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
