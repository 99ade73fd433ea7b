//! What is written beside the verdict: the order that proves it, the graphs of its anomalies.

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde_json::json;

use rupture_workloads::checkers::history::{Evidence, History, Validity, Verdict};

use crate::report;

/// What went wrong while something beside the verdict was written: a note, for it changes no verdict.
pub(super) fn unwritten(written: anyhow::Result<Option<String>>) -> Option<String> {
    written.unwrap_or_else(|error| Some(format!("{error:#}")))
}

/// Writes the graphs of the anomalies; says if there are none.
pub(super) fn write_dot(path: &Path, verdict: &Verdict) -> anyhow::Result<Option<String>> {
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
pub(super) fn write_witness(
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
