//! How a verdict is printed: for people, or as one JSON object.

use std::path::Path;

use serde_json::json;

use rupture_workloads::checkers::history::{Anomaly, LeftOut, Rung, Validity};

use super::judge::Judged;
use super::memory::bytes_peak;
use crate::cli::CheckArgs;
use crate::report::{self, style};

pub(super) fn print(file: &Path, judged: &Judged, args: &CheckArgs, gap: bool) {
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
        "left_out": judged.left_out.iter().map(left_out).collect::<Vec<_>>(),
        "seconds": judged.seconds,
        "bytes_peak": bytes_peak(),
    })
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
