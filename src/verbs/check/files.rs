//! The history files that the paths of `rupture check` mean, and which of them are judged at once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

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
        if let Some(history) = OF_A_RUN
            .iter()
            .map(|name| folder.join(name))
            .find(|path| path.is_file())
        {
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
            } else if path.is_file()
                && path
                    .extension()
                    .and_then(|e| e.to_str())
                    .is_some_and(|e| ENDINGS.contains(&e))
            {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
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
