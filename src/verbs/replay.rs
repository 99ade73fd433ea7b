//! `rupture replay`: runs a recorded run again and compares every byte.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use crate::cli::ReplayArgs;
use crate::exit::{Exit, bad_input};
use crate::plan::{FORMAT, Plan, World};
use crate::record::Memory;
use crate::report::progress::Watched;
use crate::report::{self, style, thousands};
use crate::verbs::run::verdict_json;
use crate::{input, interrupt, run};

#[derive(Deserialize)]
struct Manifest {
    format: u32,
    rupture: String,
    plan: Plan,
}

/// Exits with the verdict's code when every byte is the same, and with 255 when one differs: then this binary is
/// not the one that made the run, or determinism is broken.
///
/// # Errors
/// A folder that is no run, or a run of another version of the format.
pub fn main(args: &ReplayArgs) -> anyhow::Result<Exit> {
    let manifest = read(&args.run)?;
    let recorded = recorded_verdict(&args.run);
    refuse_interrupted(&args.run, recorded.as_ref().ok())?;
    interrupt::listen();
    manifest.plan.validate()?;
    if World::of(&manifest.plan) != World::Sim {
        return Err(bad_input(format!(
            "`{}` was a run of real processes, which is no function of its seed: it cannot be compared byte for byte; \
             run its plan again instead",
            args.run.display()
        )));
    }
    run::prepare(&manifest.plan)?;
    if manifest.rupture != env!("CARGO_PKG_VERSION") {
        complain!(
            "{} recorded by version {}, replayed by {}: bytes may differ",
            style::warning("warning:"),
            manifest.rupture,
            env!("CARGO_PKG_VERSION")
        );
    }
    let width = report::width();
    let seed = format!("seed {}", manifest.plan.seed);
    report::print(&report::run::opening(&manifest.plan, &seed, width));
    let mut memory = Memory::default();
    let report = {
        let mut watched = Watched::new(&mut memory, &manifest.plan);
        run::run(&manifest.plan, &mut watched, &interrupt::requested)?
    };
    if report.interrupted {
        say!("{}: nothing was compared", style::warning("interrupted"));
        return Ok(Exit::Unknown);
    }
    report::print(&report::run::closing(&report, &args.run, width));
    let mut differences: Vec<String> = memory
        .files
        .iter()
        .filter_map(|(path, bytes)| difference(&args.run, path, bytes))
        .flatten()
        .collect();
    differences.extend(strangers(&args.run, &memory)?);
    differences.extend(other_verdict(recorded, &report));
    if differences.is_empty() {
        let bytes: usize = memory.files.iter().map(|(_, bytes)| bytes.len()).sum();
        report::print_wrapped(&format!(
            "{} byte for byte: {} files, {} bytes, and the verdict",
            style::good("the same"),
            memory.files.len(),
            thousands(bytes as u64)
        ));
        return Ok(report.verdict().validity.into());
    }
    for difference in &differences {
        match difference.strip_prefix("  ") {
            Some(_) => say!("{difference}"),
            None => say!("{} {difference}", style::error("different:")),
        }
    }
    Ok(Exit::Failure)
}

fn read(folder: &Path) -> anyhow::Result<Manifest> {
    let path = folder.join("run.json");
    let text = input::read_text(&path).map_err(|error| {
        let search = if folder.join("search.json").is_file() {
            "; it is a search's: replay one of the runs in it"
        } else {
            ""
        };
        bad_input(format!(
            "`{}` is not the folder of a run: {error}{search}",
            folder.display()
        ))
    })?;
    let value: serde_json::Value = serde_json::from_str(&text)
        .map_err(|error| bad_input(format!("{}: {error}", path.display())))?;
    let format = value.get("format").and_then(serde_json::Value::as_u64);
    if format != Some(u64::from(FORMAT)) {
        return Err(bad_input(format!(
            "{}: the format is not {FORMAT}; replay it with the version of rupture that recorded it",
            path.display()
        )));
    }
    let manifest: Manifest = serde_json::from_value(value)
        .map_err(|error| bad_input(format!("{}: {error}", path.display())))?;
    debug_assert_eq!(manifest.format, FORMAT);
    Ok(manifest)
}

/// The recorded verdict, or why there is none to compare with.
fn recorded_verdict(folder: &Path) -> Result<serde_json::Value, String> {
    let path = folder.join("verdict.json");
    if !path.exists() {
        return Err(
            "verdict.json is gone, or the run was killed before its end: no verdict was compared"
                .to_owned(),
        );
    }
    let text = input::read_text(&path).map_err(|error| format!("verdict.json: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("verdict.json: {error}"))
}

/// A run that Ctrl-C cut short ended at a moment that no seed decides.
fn refuse_interrupted(folder: &Path, verdict: Option<&serde_json::Value>) -> anyhow::Result<()> {
    if verdict.is_some_and(|verdict| verdict["interrupted"] == true) {
        return Err(bad_input(format!(
            "`{}` was interrupted, and cannot be compared with a run that was not; run its seed again instead",
            folder.display()
        )));
    }
    Ok(())
}

/// Where the recorded verdict is another one than that of the replay.
fn other_verdict(recorded: Result<serde_json::Value, String>, report: &run::Report) -> Vec<String> {
    let recorded = match recorded {
        Ok(recorded) => recorded,
        Err(why) => return vec![why],
    };
    // Both as they are read, so that numbers are rounded alike.
    let replayed = verdict_json(report).to_string();
    let replayed: serde_json::Value = serde_json::from_str(&replayed).unwrap_or_default();
    let names = [&recorded, &replayed]
        .into_iter()
        .filter_map(serde_json::Value::as_object);
    let names: BTreeSet<&String> = names.flat_map(serde_json::Map::keys).collect();
    let is_bounded = recorded["valid"] == "unknown" || replayed["valid"] == "unknown";
    names
        .into_iter()
        // A checker that ran out of time or memory may come further the next time.
        .filter(|name| !(is_bounded && ["valid", "reasons", "checkers"].contains(&name.as_str())))
        .filter(|name| recorded.get(name) != replayed.get(name))
        .flat_map(|name| {
            let text = |verdict: &serde_json::Value| match verdict.get(name) {
                Some(value) => shorten(&value.to_string()),
                None => "(nothing)".to_owned(),
            };
            [
                format!("verdict.json, {name}"),
                format!("  recorded {}", text(&recorded)),
                format!("  replayed {}", text(&replayed)),
            ]
        })
        .collect()
}

/// Logs of nodes that the replay does not have.
fn strangers(folder: &Path, replayed: &Memory) -> anyhow::Result<Vec<String>> {
    let nodes = folder.join("nodes");
    let unreadable = || format!("cannot read the folder `{}`", nodes.display());
    let mut strangers = Vec::new();
    for entry in fs::read_dir(&nodes).with_context(unreadable)? {
        let name = format!(
            "nodes/{}",
            entry
                .with_context(unreadable)?
                .file_name()
                .to_string_lossy()
        );
        if !replayed.files.iter().any(|(path, _)| *path == name) {
            strangers.push(format!(
                "{name} was recorded, and the replay has no such file"
            ));
        }
    }
    strangers.sort();
    Ok(strangers)
}

/// Where a recorded file differs from its replay, in lines; nothing when it is the same.
fn difference(folder: &Path, path: &str, replayed: &[u8]) -> Option<Vec<String>> {
    // One that is longer than its replay differs: the rest of it tells nothing more.
    let limit = replayed.len() as u64 + 1024;
    let place = folder.join(path);
    let recorded = match fs::metadata(&place) {
        Ok(meta) if !meta.is_file() => return Some(vec![format!("{path} is not a file")]),
        Ok(meta) if meta.len() > limit => head(&place, limit),
        Ok(_) => input::read(&place, limit, &|| false).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let recorded = match recorded {
        Ok(bytes) => bytes,
        Err(error) => return Some(vec![format!("cannot read {path}: {error}")]),
    };
    if recorded == replayed {
        return None;
    }
    let same = recorded
        .iter()
        .zip(replayed)
        .take_while(|(a, b)| a == b)
        .count();
    let line = recorded[..same].split(|byte| *byte == b'\n').count() - 1;
    let text = |bytes: &[u8]| {
        let line = bytes
            .split(|byte| *byte == b'\n')
            .nth(line)
            .unwrap_or_default();
        shorten(&String::from_utf8_lossy(line))
    };
    Some(vec![
        format!("{path}, line {}", line + 1),
        format!("  recorded {}", text(&recorded)),
        format!("  replayed {}", text(replayed)),
    ])
}

/// The beginning of a file.
fn head(path: &Path, bytes: u64) -> Result<Vec<u8>, String> {
    let mut head = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(bytes).read_to_end(&mut head));
    read.map(|_| head).map_err(|error| error.to_string())
}

fn shorten(text: &str) -> String {
    const LONGEST: usize = 300;
    match text.char_indices().nth(LONGEST) {
        _ if text.is_empty() => "(nothing)".to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
