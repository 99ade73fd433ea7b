//! The history files that the paths of `rupture check` mean, and which of them are judged at once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::read::is_stdin;
use crate::exit::bad_input;

/// What a history is called inside a run's folder, the one that is read first coming first.
const OF_A_RUN: [&str; 3] = ["history.jsonl", "history.edn", "history.json"];

/// How the names of history files end.
const ENDINGS: [&str; 5] = ["edn", "json", "jsonl", "log", "txt"];

/// The history files that the paths mean: a file is itself, a run's folder is its history, any other folder is all
/// the histories below it.
pub(super) fn history_files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if is_stdin(path) {
            if files.contains(path) {
                return Err(bad_input(
                    "`-`, the standard input, can be read once only".to_owned(),
                ));
            }
            files.push(path.clone());
            continue;
        }
        let kind = fs::metadata(path)
            .map_err(|error| bad_input(format!("cannot read `{}`: {error}", path.display())))?;
        if !kind.is_dir() {
            files.push(path.clone());
            continue;
        }
        let found = below(path)?;
        if found.is_empty() {
            return Err(bad_input(format!(
                "no history file (.{}) in `{}`",
                ENDINGS.join(", ."),
                path.display()
            )));
        }
        files.extend(found);
    }
    Ok(files)
}

fn below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        if let Some(history) = of_a_run(&folder) {
            files.push(history);
            continue;
        }
        let unreadable = || format!("cannot read the folder `{}`", folder.display());
        for entry in fs::read_dir(&folder).with_context(unreadable)? {
            let entry = entry.with_context(unreadable)?;
            let path = entry.path();
            let link = entry.file_type().with_context(unreadable)?.is_symlink();
            if path.is_dir() && !link {
                open.push(path);
            } else if path.is_file() && is_named_like_a_history(&path) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
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

/// Files that are judged at once: small ones, which together stay far from the bound of memory. Any other is alone.
pub(super) fn batches(files: &[PathBuf], memory: u64) -> Vec<&[PathBuf]> {
    const LARGEST: u64 = 4 << 20;
    const ROOMY: u64 = 1 << 30;
    let size = |file: &PathBuf| fs::metadata(file).map_or(0, |meta| meta.len());
    let mut batches = Vec::new();
    let mut from = 0;
    let mut sum = 0;
    for (at, file) in files.iter().enumerate() {
        let size = size(file);
        if at > from && (sum + size > LARGEST || memory < ROOMY) {
            batches.push(&files[from..at]);
            from = at;
            sum = 0;
        }
        sum += size;
    }
    if from < files.len() {
        batches.push(&files[from..]);
    }
    batches
}
