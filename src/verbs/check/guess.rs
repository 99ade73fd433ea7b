//! The model that a history's run, or its own operations, name.

use std::path::Path;

use rupture_workloads::checkers;
use rupture_workloads::checkers::history::History;
use rupture_workloads::{WorkloadOptions, workload};

use super::read::is_stdin;
use crate::exit::bad_input;
use crate::input;

/// The model that the operations of a history are of, and whether its keys are independent.
pub(super) fn guess(history: &History, independent: bool) -> anyhow::Result<(String, bool)> {
    match checkers::guess(history, independent) {
        Ok(guess) => Ok((guess.model.to_owned(), guess.independent)),
        Err(error) => Err(bad_input(format!(
            "cannot guess the model: {error}; name it with --model (`rupture list models` says what each speaks)"
        ))),
    }
}

/// What `run.json` beside a history says of it: the model, and whether values are `[key value]`.
pub(super) fn of_run(file: &Path) -> Option<(String, bool)> {
    if is_stdin(file) {
        return None;
    }
    let beside = file.parent()?.join("run.json");
    // A file of that name that is no run's says nothing, whatever it is.
    let text = beside.is_file().then(|| input::read_text(&beside).ok())??;
    let manifest: serde_json::Value = serde_json::from_str(&text).ok()?;
    let name = manifest.get("plan")?.get("workload")?.as_str()?;
    let workload = workload(name, &WorkloadOptions::default()).ok()?;
    Some((workload.model.to_owned(), workload.independent))
}
