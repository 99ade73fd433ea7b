//! `rupture check`: judges histories that any tool recorded.

mod arguments;
mod beside;
mod files;
mod guess;
mod judge;
mod memory;
mod print;
mod read;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::cli::CheckArgs;
use crate::exit::{Exit, bad_input};
use crate::output;
use crate::report::progress;

use arguments::{build, options};
use files::{Source, batches, sources};
use judge::{Judged, judge};
use print::{print, print_error};
use read::is_stdin;

pub use print::{anomaly, valid};

/// Judges every file, and gives the worst answer.
///
/// # Errors
/// Names that nobody knows, and outputs that would take the place of a history. A file that cannot be judged is
/// reported, and the others are judged all the same.
pub fn main(args: &CheckArgs) -> anyhow::Result<Exit> {
    let options = options(args)?;
    if let Some(model) = &args.model {
        build(model, args.consistency.as_deref(), &options)?;
    }
    let sources = sources(&args.paths);
    refuse_outputs(args, &sources)?;
    let bar = progress::judging(sources.len());
    let mut exit = Exit::Valid;
    let mut first = true;
    for batch in batches(&sources, args.memory) {
        let judged: Vec<Option<anyhow::Result<Judged>>> = batch
            .par_iter()
            .map(|source| {
                let readable = source.problem.is_none();
                let judged = readable.then(|| judge(&source.path, args, &options));
                bar.inc(1);
                judged
            })
            .collect();
        for (source, judged) in batch.iter().zip(&judged) {
            let result = match (judged, &source.problem) {
                (Some(judged), _) => judged.as_ref(),
                (None, Some(problem)) => Err(problem),
                (None, None) => continue,
            };
            exit = exit.worst(match result {
                Ok(judged) => print(&source.path, judged, args, !first),
                Err(error) => print_error(&source.path, error, args),
            });
            first = false;
        }
    }
    Ok(exit)
}

/// Refuses outputs that belong to one of many histories, or that are a file that is read.
fn refuse_outputs(args: &CheckArgs, sources: &[Source]) -> anyhow::Result<()> {
    let outputs = [("--witness", &args.witness), ("--dot", &args.dot)];
    let outputs: Vec<(&str, &Path)> = outputs
        .into_iter()
        .filter_map(|(option, path)| Some((option, path.as_deref()?)))
        .collect();
    if let ([(option, path), ..], [_, _, ..]) = (&outputs[..], sources) {
        return Err(bad_input(format!(
            "{option} {} takes what belongs to one history, and there are {} of them; check them one by one",
            path.display(),
            sources.len()
        )));
    }
    let of_runs: Vec<PathBuf> = sources
        .iter()
        .map(|source| source.path.with_file_name("run.json"))
        .collect();
    let histories = sources.iter().map(|source| {
        // A file that the shell opened is read as well.
        let stdin = is_stdin(&source.path).then(|| Path::new("/dev/stdin"));
        stdin.unwrap_or(&source.path)
    });
    let of_runs = of_runs.iter().map(PathBuf::as_path);
    output::refuse_clashes(&outputs, histories.chain(of_runs))
}
