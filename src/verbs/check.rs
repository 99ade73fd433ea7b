//! `rupture check`: judges histories that any tool recorded.

mod arguments;
mod beside;
mod files;
mod guess;
mod judge;
mod memory;
mod print;
mod read;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::cli::CheckArgs;
use crate::exit::{Exit, bad_input};
use crate::report::progress;
use crate::{interrupt, output};

use arguments::{build, options};
use files::{Source, batches, sources};
use judge::{Judged, judge};
use print::{print, print_error};
use read::is_stdin;

pub use print::{anomaly, valid};

/// Judges every file, and gives the worst answer. Asked for an end, it leaves what is still judged `unknown`.
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
    interrupt::listen();
    let bar = progress::judging(sources.len());
    let printed = Mutex::new(Printed::new(args));
    for batch in batches(&sources, args.memory) {
        // In the order of the files, and not in halves: so the first verdicts come first.
        batch
            .iter()
            .enumerate()
            .par_bridge()
            .for_each(|(at, source)| {
                let judged = match &source.problem {
                    None => Some(judge(&source.path, args, &options)),
                    Some(_) => None,
                };
                bar.inc(1);
                // Whoever waits here runs nothing else, so nobody waits for himself.
                let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
                printed.take(at, source, judged);
            });
        let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
        printed.next = 0;
    }
    let printed = printed.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(printed.exit)
}

/// A file of a batch with its verdict, or with none if the file leads to no history.
type Done<'a> = (&'a Source, Option<anyhow::Result<Judged>>);

/// What is printed of the verdicts, each as soon as it is known. Who reads text sees each file's name in front of its
/// verdict; who reads JSON gets the objects in the order of the files.
struct Printed<'a> {
    args: &'a CheckArgs,
    exit: Exit,
    first: bool,
    /// The place in the batch of the next object.
    next: usize,
    /// Verdicts that wait for those before them, by their places.
    waiting: BTreeMap<usize, Done<'a>>,
}

impl<'a> Printed<'a> {
    fn new(args: &'a CheckArgs) -> Self {
        Self {
            args,
            exit: Exit::Valid,
            first: true,
            next: 0,
            waiting: BTreeMap::new(),
        }
    }

    fn take(&mut self, at: usize, source: &'a Source, judged: Option<anyhow::Result<Judged>>) {
        if !self.args.json {
            self.print(&(source, judged));
            return;
        }
        self.waiting.insert(at, (source, judged));
        while let Some(done) = self.waiting.remove(&self.next) {
            self.next += 1;
            self.print(&done);
        }
    }

    fn print(&mut self, (source, judged): &Done<'_>) {
        let result = match (judged, &source.problem) {
            (Some(judged), _) => judged.as_ref(),
            (None, Some(problem)) => Err(problem),
            (None, None) => return,
        };
        self.exit = self.exit.worst(match result {
            Ok(judged) => print(&source.path, judged, self.args, !self.first),
            Err(error) => print_error(&source.path, error, self.args),
        });
        self.first = false;
    }
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
