//! Reads one history and has it judged, within its bounds of time and memory.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;

use rupture_workloads::checkers::history::{Verdict, codec};
use rupture_workloads::checkers::{Budget, Options};

use super::arguments::build;
use super::guess::{guess, of_run, reads_pairs};
use super::memory::resident;
use super::output::{unwritten, write_dot, write_witness};
use crate::cli::CheckArgs;
use crate::exit::bad_input;

/// A verdict and how long it took.
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) seconds: f64,
}

pub(super) fn judge(file: &Path, args: &CheckArgs, mut options: Options) -> anyhow::Result<Judged> {
    let start = Instant::now();
    if let Some(verdict) = too_large(file, args)? {
        return Ok(Judged {
            verdict,
            seconds: start.elapsed().as_secs_f64(),
        });
    }
    let bytes = fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let history = codec::read(&bytes)
        .map_err(|error| bad_input(error.with_file(file.display().to_string()).to_string()))?;
    drop(bytes);
    let mut guessed = false;
    let model = match (&args.model, of_run(file)) {
        (Some(model), _) => model.clone(),
        (None, Some((model, independent))) => {
            options.independent |= independent;
            model
        }
        (None, None) => {
            options.independent |= reads_pairs(&history);
            guessed = true;
            guess(&history, options.independent)
                .map_err(|error| bad_input(format!("{}: {error}", file.display())))?
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
    Ok(Judged {
        verdict,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// How many times its size a file may take while it is read: as text, and as a history beside it.
const TIMES_ITS_SIZE: u64 = 2;

/// The verdict on a file that does not even fit.
fn too_large(file: &Path, args: &CheckArgs) -> anyhow::Result<Option<Verdict>> {
    let size = fs::metadata(file)
        .with_context(|| format!("cannot read `{}`", file.display()))?
        .len();
    let fits = size.saturating_mul(TIMES_ITS_SIZE) <= args.memory;
    let reason = || {
        format!(
            "out of memory: reading {size} bytes takes up to {TIMES_ITS_SIZE} times that, and --memory allows {}",
            args.memory
        )
    };
    Ok((!fits).then(|| {
        let model = args.model.as_deref().unwrap_or("history");
        Verdict::unknown(
            model,
            args.consistency.as_deref().unwrap_or_default(),
            reason(),
        )
    }))
}
