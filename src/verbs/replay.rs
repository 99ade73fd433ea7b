//! `rupture replay`: runs a recorded run again and compares every byte.

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use crate::cli::ReplayArgs;
use crate::exit::{Exit, bad_input};
use crate::interrupt;
use crate::plan::Plan;
use crate::record::Memory;
use crate::report::{self, style, thousands};
use crate::run;

/// The version of `run.json`.
pub const FORMAT: u32 = 1;

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
    refuse_interrupted(&args.run)?;
    interrupt::listen();
    manifest.plan.validate()?;
    run::prepare(&manifest.plan)?;
    if manifest.rupture != env!("CARGO_PKG_VERSION") {
        complain!(
            "{} recorded by version {}, replayed by {}: bytes may differ",
            style::warning("warning:"),
            manifest.rupture,
            env!("CARGO_PKG_VERSION")
        );
    }
    let seed = format!("seed {}", manifest.plan.seed);
    report::print(&report::run::opening(&manifest.plan, &seed));
    let mut memory = Memory::default();
    let report = run::run(&manifest.plan, &mut memory, &interrupt::requested)?;
    if report.interrupted {
        say!("{}: nothing was compared", style::warning("interrupted"));
        return Ok(Exit::Unknown);
    }
    report::print(&report::run::closing(&report, &args.run, report::width()));
    let mut differences: Vec<String> = memory
        .files
        .iter()
        .filter_map(|(path, bytes)| difference(&args.run, path, bytes))
        .collect();
    differences.extend(strangers(&args.run, &memory)?);
    if differences.is_empty() {
        let bytes: usize = memory.files.iter().map(|(_, bytes)| bytes.len()).sum();
        say!(
            "{} byte for byte: {} files, {} bytes",
            style::good("the same"),
            memory.files.len(),
            thousands(bytes as u64)
        );
        return Ok(report.verdict().validity.into());
    }
    for difference in &differences {
        say!("{} {difference}", style::error("different:"));
    }
    Ok(Exit::Failure)
}

fn read(folder: &Path) -> anyhow::Result<Manifest> {
    let path = folder.join("run.json");
    let text = fs::read_to_string(&path).map_err(|error| {
        bad_input(format!(
            "`{}` is not the folder of a run: {}: {error}",
            folder.display(),
            path.display()
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

/// A run that Ctrl-C cut short ended at a moment that no seed decides.
fn refuse_interrupted(folder: &Path) -> anyhow::Result<()> {
    let text = fs::read_to_string(folder.join("verdict.json")).unwrap_or_default();
    let verdict: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    if verdict
        .get("interrupted")
        .and_then(serde_json::Value::as_bool)
        == Some(true)
    {
        return Err(bad_input(format!(
            "`{}` was interrupted, and cannot be compared with a run that was not; run its seed again instead",
            folder.display()
        )));
    }
    Ok(())
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

/// Where a recorded file differs from its replay; nothing when it is the same.
fn difference(folder: &Path, path: &str, replayed: &[u8]) -> Option<String> {
    let recorded =
        match fs::read(folder.join(path)).with_context(|| format!("cannot read `{path}`")) {
            Ok(bytes) => bytes,
            Err(error) => return Some(format!("{error:#}")),
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
        let text = String::from_utf8_lossy(line);
        if text.is_empty() {
            "(nothing)".to_owned()
        } else {
            text.chars().take(300).collect()
        }
    };
    Some(format!(
        "{path}, line {}\n  recorded {}\n  replayed {}",
        line + 1,
        text(&recorded),
        text(replayed)
    ))
}
