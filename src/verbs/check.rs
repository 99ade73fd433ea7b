//! `rupture check`: judges histories that any tool recorded.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use rayon::prelude::*;
use serde_json::json;

use rupture_workloads::checkers::history::{
    Anomaly, EventRef, Evidence, History, Kind, Rung, Validity, Verdict, codec,
};
use rupture_workloads::checkers::log::{Log, LogAnomaly};
use rupture_workloads::checkers::{Budget, Checker, Options, Unknown, checker};

use rupture_workloads::{WorkloadOptions, workload};

use crate::cli::CheckArgs;
use crate::exit::{Exit, bad_input, of_error, unknown_name};
use crate::report::{self, style};

/// What a history is called inside a run's folder, the one that is read first coming first.
const OF_A_RUN: [&str; 3] = ["history.jsonl", "history.edn", "history.json"];

/// How the names of history files end.
const ENDINGS: [&str; 5] = ["edn", "json", "jsonl", "log", "txt"];

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

/// What the command line sets, for the judges.
fn options(args: &CheckArgs) -> anyhow::Result<Options> {
    let settings = &args.settings;
    let allow = log_anomalies(&settings.allow)?;
    let forbid = log_anomalies(&settings.forbid)?;
    if let Some(both) = allow.iter().find(|kind| forbid.contains(kind)) {
        return Err(bad_input(format!(
            "--allow and --forbid both name `{}`; keep one of them",
            both.name()
        )));
    }
    let log = allow.into_iter().fold(Log::new(), Log::allow);
    Ok(Options {
        independent: settings.independent,
        observe_failed_cas: settings.observe_failed_cas,
        witness: args.witness.is_some(),
        total: settings.total,
        negative_balances: settings.negative_balances,
        wfr_keys: settings.wfr_keys,
        sequential_keys: settings.sequential_keys,
        linearizable_keys: settings.linearizable_keys,
        log: forbid.into_iter().fold(log, Log::forbid),
        uniform: settings.uniform,
        complete: settings.complete,
    })
}

fn log_anomalies(names: &[String]) -> anyhow::Result<Vec<LogAnomaly>> {
    let known = LogAnomaly::ALL.map(LogAnomaly::name);
    let unknown = |name: &String| unknown_name("anomaly of a log", name, &known);
    names
        .iter()
        .map(|name| LogAnomaly::from_name(name).ok_or_else(|| unknown(name)))
        .collect()
}

/// Files that are judged at once: small ones, which together stay far from the bound of memory. Any other is alone.
fn batches(files: &[PathBuf], memory: u64) -> Vec<&[PathBuf]> {
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

struct Judged {
    verdict: Verdict,
    seconds: f64,
}

fn judge(file: &Path, args: &CheckArgs, mut options: Options) -> anyhow::Result<Judged> {
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

/// What went wrong while something beside the verdict was written: a note, for it changes no verdict.
fn unwritten(written: anyhow::Result<Option<String>>) -> Option<String> {
    written.unwrap_or_else(|error| Some(format!("{error:#}")))
}

/// Writes the graphs of the anomalies; says if there are none.
fn write_dot(path: &Path, verdict: &Verdict) -> anyhow::Result<Option<String>> {
    let text = report::dot::dot(verdict);
    if text.is_empty() {
        return Ok(Some(format!(
            "no anomaly is a graph; `{}` was not written",
            path.display()
        )));
    }
    fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(None)
}

/// Writes an order of the operations, one a line as JSON, if the verdict brought one; says if it brought none.
fn write_witness(
    path: &Path,
    history: &History,
    verdict: &Verdict,
) -> anyhow::Result<Option<String>> {
    if verdict.validity != Validity::Valid {
        return Ok(None);
    }
    if verdict.witnesses.is_empty() {
        let subject = format!("{} {}", verdict.consistency, verdict.model);
        let note = format!(
            "a {subject} verdict brings no order; `{}` was not written",
            path.display()
        );
        return Ok(Some(note));
    }
    let operations = history.operations()?;
    let mut text = String::new();
    for witness in &verdict.witnesses {
        for row in &witness.order {
            let at = operations.partition_point(|operation| operation.invoked < *row);
            let mut line = serde_json::to_value(Evidence::of(history, &operations[at]))?;
            line["key"] = json!(witness.key);
            text.push_str(&line.to_string());
            text.push('\n');
        }
    }
    fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(None)
}

fn build(
    model: &str,
    consistency: Option<&str>,
    options: Options,
) -> anyhow::Result<Box<dyn Checker>> {
    checker(model, consistency, &options).map_err(|error| match &error {
        Unknown::Model { .. } => unknown_name("model", error.name(), error.known()),
        Unknown::Consistency { .. } => {
            unknown_name("consistency level", error.name(), error.known())
        }
        Unknown::Bound { .. } => bad_input(error.to_string()),
        Unknown::Setting { known, .. } => {
            let known: Vec<String> = known.iter().map(|name| format!("--{name}")).collect();
            let known = match &known[..] {
                [] => "it has none".to_owned(),
                known => format!("it has {}", known.join(", ")),
            };
            bad_input(format!(
                "--{} is no setting of {model}: {known}",
                error.name()
            ))
        }
    })
}

/// What the operations of a history are usually the model of. A wrong guess would be a wrong verdict: what could mean
/// two things (a queue may or may not promise its order) is not guessed.
fn guess(history: &History, independent: bool) -> anyhow::Result<String> {
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
fn reads_pairs(history: &History) -> bool {
    let mut reads = history
        .iter()
        .filter(|event| event.f() == "read" && event.kind() == Kind::Invoke)
        .peekable();
    reads.peek().is_some()
        && reads.all(|event| {
            event
                .value()
                .pair()
                .is_some_and(|(_, value)| value.is_nil())
        })
}

/// What `run.json` beside a history says of it: the model, and whether values are `[key value]`.
fn of_run(file: &Path) -> Option<(String, bool)> {
    let text = fs::read_to_string(file.parent()?.join("run.json")).ok()?;
    let manifest: serde_json::Value = serde_json::from_str(&text).ok()?;
    let name = manifest.get("plan")?.get("workload")?.as_str()?;
    let workload = workload(name, &WorkloadOptions::default()).ok()?;
    Some((workload.model.to_owned(), workload.independent))
}

fn reads_collections(history: &History) -> bool {
    history
        .iter()
        .any(|event| event.f() == "read" && event.value().items().is_some())
}

/// The history files that the paths mean: a file is itself, a run's folder is its history, any other folder is all
/// the histories below it.
fn history_files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
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

fn print(file: &Path, judged: &Judged, args: &CheckArgs, gap: bool) {
    if args.json {
        say!("{}", line(file, judged));
        return;
    }
    if gap && judged.verdict.validity != Validity::Valid {
        say!();
    }
    let mut lines = report::verdict(&judged.verdict, report::width()).into_iter();
    let name = style::bold(file.display());
    say!("{name}: {}", lines.next().unwrap_or_default());
    lines.for_each(|line| say!("{line}"));
}

/// One object a file, as the design lays it down.
fn line(file: &Path, judged: &Judged) -> serde_json::Value {
    let verdict = &judged.verdict;
    json!({
        "file": file.display().to_string(),
        "valid": valid(verdict.validity),
        "model": verdict.model,
        "consistency": verdict.consistency,
        "ops": verdict.operations,
        "explained": verdict.explained,
        "anomalies": verdict.anomalies.iter().map(anomaly).collect::<Vec<_>>(),
        "not": verdict.not,
        "also_not": report::ladder::fail_as_well(&verdict.ladder),
        "holds": report::ladder::strongest_that_hold(&verdict.ladder),
        "levels": verdict.ladder.iter().map(rung).collect::<serde_json::Map<_, _>>(),
        "reasons": verdict.reasons,
        "notes": verdict.notes,
        "algorithms": verdict.algorithms,
        "measured": verdict.measured,
        "seconds": judged.seconds,
        "bytes_peak": bytes_peak(),
    })
}

/// A level and whether it holds.
fn rung(rung: &Rung) -> (String, serde_json::Value) {
    (rung.level.clone(), valid(rung.validity))
}

/// `true`, `false` or `"unknown"`.
pub fn valid(validity: Validity) -> serde_json::Value {
    match validity {
        Validity::Valid => json!(true),
        Validity::Invalid => json!(false),
        Validity::Unknown => json!("unknown"),
    }
}

/// An anomaly as JSON, its kind named `type`.
pub fn anomaly(anomaly: &Anomaly) -> serde_json::Value {
    serde_json::to_value(anomaly).unwrap_or_else(|_| json!({ "type": anomaly.kind }))
}

/// The most memory that this process has held so far, in bytes; 0 where the system does not say.
fn bytes_peak() -> u64 {
    status("VmHWM:")
}

/// The memory that this process holds, in bytes; 0 where the system does not say.
fn resident() -> u64 {
    status("VmRSS:")
}

fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
