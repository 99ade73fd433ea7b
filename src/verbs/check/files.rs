//! The history files that the paths of `rupture check` mean, and which of them are judged at once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::read::is_stdin;
use crate::exit::bad_input;

/// What a history is called inside a run's folder, the one that is read first coming first.
const OF_A_RUN: [&str; 3] = ["history.jsonl", "history.edn", "history.json"];

/// How the names of history files end.
const ENDINGS: [&str; 5] = ["edn", "json", "jsonl", "log", "txt"];

/// A file to judge, or a path that leads to none and why.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) problem: Option<anyhow::Error>,
}

impl Source {
    fn broken(path: &Path, problem: anyhow::Error) -> Self {
        Self {
            path: path.to_owned(),
            problem: Some(problem),
        }
    }
}

/// The history files that the paths mean: a file is itself, a run's folder is its history, any other folder is all
/// the histories below it. A path that means none keeps its place among the others, which are judged all the same.
pub(super) fn sources(paths: &[PathBuf]) -> Vec<Source> {
    let mut sources = Vec::new();
    for path in paths {
        if is_stdin(path) {
            let twice = sources.iter().any(|source: &Source| is_stdin(&source.path));
            let problem = || bad_input("`-`, the standard input, can be read once only");
            sources.push(Source {
                path: path.clone(),
                problem: twice.then(problem),
            });
            continue;
        }
        match fs::metadata(path) {
            Err(error) => {
                let problem = bad_input(format!("cannot read `{}`: {error}", path.display()));
                sources.push(Source::broken(path, problem));
            }
            Ok(meta) if meta.is_dir() => {
                let found = below(path);
                if found.is_empty() {
                    let problem = bad_input(format!(
                        "no history file (.{}) in `{}`",
                        ENDINGS.join(", ."),
                        path.display()
                    ));
                    sources.push(Source::broken(path, problem));
                }
                sources.extend(found);
            }
            Ok(_) => sources.push(Source {
                path: path.clone(),
                problem: None,
            }),
        }
    }
    sources
}

fn below(folder: &Path) -> Vec<Source> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        if let Some(path) = of_a_run(&folder) {
            files.push(Source {
                path,
                problem: None,
            });
            continue;
        }
        if let Err(error) = list(&folder, &mut open, &mut files) {
            let problem = anyhow::Error::from(error)
                .context(format!("cannot read the folder `{}`", folder.display()));
            files.push(Source::broken(&folder, problem));
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The history of a run's folder, which may be packed.
fn of_a_run(folder: &Path) -> Option<PathBuf> {
    let packed = ["", ".gz", ".zst"];
    let names = OF_A_RUN
        .iter()
        .flat_map(|name| packed.map(|ending| format!("{name}{ending}")));
    names
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

fn is_named_like_a_history(path: &Path) -> bool {
    let ending = |path: &Path| Some(path.extension()?.to_str()?.to_owned());
    let plain = match ending(path).as_deref() {
        Some("gz" | "zst") => path.with_extension(""),
        _ => path.to_owned(),
    };
    ending(&plain).is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// Sorts what lies in a folder into folders and histories. Links to folders are not followed: they may lead around.
fn list(folder: &Path, open: &mut Vec<PathBuf>, files: &mut Vec<Source>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let link = entry.file_type()?.is_symlink();
        if path.is_dir() && !link {
            open.push(path);
        } else if path.is_file() && is_named_like_a_history(&path) {
            files.push(Source {
                path,
                problem: None,
            });
        }
    }
    Ok(())
}

/// Files that are judged at once: small ones, which together stay far from the bound of memory. Any other is alone,
/// and so is a pipe, whose size nobody knows.
pub(super) fn batches(sources: &[Source], memory: u64) -> Vec<&[Source]> {
    const LARGEST: u64 = 4 << 20;
    const ROOMY: u64 = 1 << 30;
    let size = |source: &Source| match fs::metadata(&source.path) {
        Ok(meta) if source.problem.is_none() && !meta.is_file() => u64::MAX,
        Ok(meta) => meta.len(),
        Err(_) if is_stdin(&source.path) => u64::MAX,
        Err(_) => 0,
    };
    let mut batches = Vec::new();
    let mut from = 0;
    let mut sum = 0u64;
    for (at, source) in sources.iter().enumerate() {
        let size = size(source);
        if at > from && (sum.saturating_add(size) > LARGEST || memory < ROOMY) {
            batches.push(&sources[from..at]);
            from = at;
            sum = 0;
        }
        sum = sum.saturating_add(size);
    }
    if from < sources.len() {
        batches.push(&sources[from..]);
    }
    batches
}
