//! How a verdict is printed: for people, or as one JSON object.

use std::path::Path;

use serde_json::json;

use rupture_workloads::checkers::history::{Anomaly, LeftOut, Rung, Validity};

use super::judge::Judged;
use super::memory::bytes_peak;
use crate::cli::CheckArgs;
use crate::exit::{Exit, of_error};
use crate::report::{self, Extent, style};
use crate::screen;

/// Prints a verdict and what could not be written beside it; gives the code that both together end with.
pub(super) fn print(file: &Path, judged: &Judged, args: &CheckArgs, gap: bool) -> Exit {
    if args.json {
        screen::say_json(&line(file, judged));
    } else {
        if gap && judged.verdict.validity != Validity::Valid {
            say!();
        }
        let width = report::width();
        let extent = Extent {
            anomalies: args.settings.anomalies().unwrap_or(report::SHOWN),
            whole: "--json",
        };
        let mut lines = report::verdict(&judged.verdict, width, extent).into_iter();
        let name = style::bold(file.display());
        let first = format!("{name}: {}", lines.next().unwrap_or_default());
        report::print_wrapped(&first);
        report::print(&lines.collect::<Vec<_>>());
    }
    for failure in &judged.unwritten {
        complain!("{} {failure}", style::error("error:"));
    }
    let written = if judged.unwritten.is_empty() {
        Exit::Valid
    } else {
        Exit::Failure
    };
    written.worst(judged.verdict.validity.into())
}

/// Prints why a file has no verdict.
pub(super) fn print_error(file: &Path, error: &anyhow::Error, args: &CheckArgs) -> Exit {
    if args.json {
        let object = json!({ "file": file.display().to_string(), "error": format!("{error:#}") });
        screen::say_json(&object);
    }
    complain!("{} {error:#}", style::error("error:"));
    of_error(error)
}

/// One object a file, as the design lays it down.
fn line(file: &Path, judged: &Judged) -> serde_json::Value {
    let verdict = &judged.verdict;
    let mut object = json!({
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
        "left_out": judged.left_out.iter().map(left_out).collect::<Vec<_>>(),
        "seconds": judged.seconds,
        "bytes_peak": bytes_peak(),
    });
    if !judged.unwritten.is_empty() {
        object["error"] = json!(judged.unwritten.join("; "));
    }
    object
}

/// A process that no judge sees.
fn left_out(out: &LeftOut) -> serde_json::Value {
    json!({ "process": out.process.to_string(), "events": out.events })
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
