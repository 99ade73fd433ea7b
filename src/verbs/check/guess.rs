//! The model that a history's own operations name.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rupture_workloads::checkers::history::{EventRef, History, Kind};
use rupture_workloads::{WorkloadOptions, workload};

use super::read::is_stdin;
use crate::exit::bad_input;

/// What the operations of a history are usually the model of. A wrong guess would be a wrong verdict: what could mean
/// two things (a queue may or may not promise its order) is not guessed.
pub(super) fn guess(history: &History, independent: bool) -> anyhow::Result<String> {
    let clients = || history.iter().filter(|event| event.client().is_some());
    let functions: BTreeSet<&str> = clients().map(EventRef::f).collect();
    let only = |known: &[&str]| functions.iter().all(|f| known.contains(f));
    if only(&["txn", ""]) && !functions.is_empty() {
        return transactions(history).map(str::to_owned);
    }
    let registers = || {
        clients()
            .filter(|event| ["read", "write"].contains(&event.f()))
            .all(|event| holds_an_atom(event, independent))
    };
    // A history without operations is `unknown` by whatever model.
    let plain = only(&["read", "write"]) && functions.contains("write") && registers();
    let model = if functions.is_empty() || plain {
        "register"
    } else if only(&["read", "write", "cas"]) && functions.contains("cas") && registers() {
        "cas-register"
    } else if only(&["get", "put", "append"]) {
        "kv-append"
    } else if only(&["add", "read"]) && functions.contains("add") && reads_collections(history) {
        "set-full"
    } else {
        let seen: Vec<String> = functions.iter().map(|f| format!("`{f}`")).collect();
        return Err(bad_input(format!(
            "cannot guess the model of a history of {}; name it with --model",
            seen.join(", ")
        )));
    };
    Ok(model.to_owned())
}

/// What transactions are made of says whether they are of lists or of registers.
fn transactions(history: &History) -> anyhow::Result<&'static str> {
    let names = history
        .iter()
        .filter(|event| event.client().is_some())
        .flat_map(|event| event.value().items().into_iter().flatten())
        .filter_map(|micro| micro.items()?.next()?.as_name());
    for name in names {
        match name {
            "append" => return Ok("list-append"),
            "w" | "write" => return Ok("rw-register"),
            _ => {}
        }
    }
    Err(bad_input(
        "cannot guess the model of transactions that write nothing; name it with --model",
    ))
}

/// Whether the event's value, or what stands beside its key, is no collection.
fn holds_an_atom(event: EventRef<'_>, independent: bool) -> bool {
    let value = event.value();
    match (independent, value.pair()) {
        (false, _) => value.count().is_none(),
        (true, Some((_, atom))) => atom.count().is_none(),
        (true, None) => value.is_nil(),
    }
}

/// Whether reads are invoked with `[key nil]`: then every key is judged by itself. No model reads with an argument of
/// that form.
pub(super) fn reads_pairs(history: &History) -> bool {
    let mut reads = history
        .iter()
        .filter(|event| event.client().is_some() && event.f() == "read")
        .filter(|event| event.kind() == Kind::Invoke)
        .peekable();
    reads.peek().is_some()
        && reads.all(|event| {
            event
                .value()
                .pair()
                .is_some_and(|(_, value)| value.is_nil())
        })
}

fn reads_collections(history: &History) -> bool {
    history
        .iter()
        .any(|event| event.f() == "read" && event.value().items().is_some())
}

/// What `run.json` beside a history says of it: the model, and whether values are `[key value]`.
pub(super) fn of_run(file: &Path) -> Option<(String, bool)> {
    if is_stdin(file) {
        return None;
    }
    let text = fs::read_to_string(file.parent()?.join("run.json")).ok()?;
    let manifest: serde_json::Value = serde_json::from_str(&text).ok()?;
    let name = manifest.get("plan")?.get("workload")?.as_str()?;
    let workload = workload(name, &WorkloadOptions::default()).ok()?;
    Some((workload.model.to_owned(), workload.independent))
}
