//! Reads one history and has it judged, within its bounds of time and memory.

use std::path::Path;
use std::time::{Duration, Instant};

use rupture_workloads::checkers::history::{LeftOut, Verdict};
use rupture_workloads::checkers::{Budget, Options};

use super::arguments::build;
use super::guess::{guess, of_run};
use super::memory::resident;
use super::output::{unwritten, write_dot, write_witness};
use super::read::{Input, read};
use crate::cli::CheckArgs;
use crate::exit::bad_input;

/// A verdict and how long it took.
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) seconds: f64,
    pub(super) left_out: Vec<LeftOut>,
}

impl Judged {
    /// Nobody knows, for the history was not even read.
    fn unread(args: &CheckArgs, reason: String, start: Instant) -> Self {
        let model = args.model.as_deref().unwrap_or("history");
        let level = args.consistency.as_deref().unwrap_or_default();
        Self {
            verdict: Verdict::unknown(model, level, reason),
            seconds: start.elapsed().as_secs_f64(),
            left_out: Vec::new(),
        }
    }
}

pub(super) fn judge(file: &Path, args: &CheckArgs, mut options: Options) -> anyhow::Result<Judged> {
    let start = Instant::now();
    let history = match read(file, args.memory)? {
        Input::History(history) => history,
        Input::TooLarge(reason) => return Ok(Judged::unread(args, reason, start)),
    };
    let mut guessed = false;
    let model = match (&args.model, of_run(file)) {
        (Some(model), _) => model.clone(),
        (None, Some((model, independent))) => {
            options.independent |= independent;
            model
        }
        (None, None) => {
            guessed = true;
            let (model, independent) = guess(&history, options.independent)
                .map_err(|error| bad_input(format!("{}: {error}", file.display())))?;
            options.independent = independent;
            model
        }
    };
    let checker = build(&model, args.consistency.as_deref(), options)?;
    let deadline = start.checked_add(Duration::from_millis(args.timeout));
    let over = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
    let memory = args.memory.saturating_sub(resident());
    let memory = usize::try_from(memory).unwrap_or(usize::MAX);
    let budget = Budget::unlimited().with_time(&over).with_bytes(memory);
    let mut verdict = checker
        .check(&history, &budget)
        .map_err(|error| bad_input(format!("{}: {error}", file.display())))?;
    if let Some(path) = &args.witness {
        let written = write_witness(path, &history, &verdict);
        verdict.notes.extend(unwritten(written));
    }
    if let Some(path) = &args.dot {
        let written = write_dot(path, &verdict);
        verdict.notes.extend(unwritten(written));
    }
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
    let left_out = history.left_out();
    verdict.notes.extend(note_of(&left_out));
    Ok(Judged {
        verdict,
        seconds: start.elapsed().as_secs_f64(),
        left_out,
    })
}

/// What is not judged, in words.
fn note_of(left_out: &[LeftOut]) -> Option<String> {
    let all: Vec<String> = left_out.iter().map(LeftOut::to_string).collect();
    (!all.is_empty()).then(|| format!("left out of judgement: {}", all.join("; ")))
}
