//! `rupture check`: judges histories that any tool recorded.

mod arguments;
mod files;
mod guess;
mod judge;
mod memory;
mod output;
mod print;
mod read;

use rayon::prelude::*;

use crate::cli::CheckArgs;
use crate::exit::{Exit, bad_input, of_error};
use crate::report::style;

use arguments::{build, options};
use files::{batches, history_files};
use judge::{Judged, judge};
use print::print;

pub use print::{anomaly, valid};

/// Judges every file, and gives the worst answer.
///
/// # Errors
/// Names that nobody knows, and paths without histories. A file that cannot be judged is reported, and the
/// others are judged all the same.
pub fn main(args: &CheckArgs) -> anyhow::Result<Exit> {
    let options = options(args)?;
    if let Some(model) = &args.model {
        build(model, args.consistency.as_deref(), options)?;
    }
    let files = history_files(&args.paths)?;
    let written = [("--witness", &args.witness), ("--dot", &args.dot)];
    for (option, path) in written {
        if let (Some(path), [_, _, ..]) = (path, &files[..]) {
            return Err(bad_input(format!(
                "{option} {} takes what belongs to one history, and there are {} of them; check them one by one",
                path.display(),
                files.len()
            )));
        }
    }
    let mut exit = Exit::Valid;
    let mut first = true;
    for batch in batches(&files, args.memory) {
        let judged: Vec<anyhow::Result<Judged>> = batch
            .par_iter()
            .map(|file| judge(file, args, options))
            .collect();
        for (file, judged) in batch.iter().zip(judged) {
            let answer = match judged {
                Ok(judged) => {
                    print(file, &judged, args, !first);
                    judged.verdict.validity.into()
                }
                Err(error) => {
                    complain!("{} {error:#}", style::error("error:"));
                    of_error(&error)
                }
            };
            first = false;
            exit = exit.worst(answer);
        }
    }
    Ok(exit)
}
