//! What is written beside the verdict: the order that proves it, the graphs of its anomalies.

use serde_json::json;

use rupture_workloads::checkers::history::{Evidence, History, Validity, Verdict};

use crate::cli::CheckArgs;
use crate::{output, report};

/// Writes what was asked for, and removes what an earlier verdict left under the same name. What there is not is
/// noted; gives what could not be written, for it was asked for. Neither changes the verdict.
pub(super) fn write_asked(
    args: &CheckArgs,
    history: Option<&History>,
    verdict: &mut Verdict,
) -> Vec<String> {
    let asked = [
        args.witness
            .as_ref()
            .map(|path| (path, witness(history, verdict))),
        args.dot.as_ref().map(|path| (path, Ok(graphs(verdict)))),
    ];
    let mut failures = Vec::new();
    for (path, content) in asked.into_iter().flatten() {
        let written = content.and_then(|content| match content {
            Content::Text(text) => output::write(path, text.as_bytes()).map(|()| None),
            Content::Nothing(why) => {
                let end = if output::remove_stale(path)? {
                    "was from before, and was removed"
                } else {
                    "was not written"
                };
                Ok(Some(format!("{why}; `{}` {end}", path.display())))
            }
        });
        match written {
            Ok(note) => verdict.notes.extend(note),
            Err(error) => failures.push(format!("{error:#}")),
        }
    }
    failures
}

/// What belongs into a file, or why nothing does.
enum Content {
    Text(String),
    Nothing(String),
}

/// The graphs of the anomalies.
fn graphs(verdict: &Verdict) -> Content {
    let text = report::dot::dot(verdict);
    if text.is_empty() {
        Content::Nothing("no anomaly is a graph".to_owned())
    } else {
        Content::Text(text)
    }
}

/// An order of the operations, one a line as JSON, if the verdict brought one.
fn witness(history: Option<&History>, verdict: &Verdict) -> anyhow::Result<Content> {
    let history = match (verdict.validity, history) {
        (Validity::Valid, Some(history)) => history,
        (Validity::Invalid, _) => {
            return Ok(Content::Nothing(
                "no order explains an invalid history".to_owned(),
            ));
        }
        _ => return Ok(Content::Nothing("no order was found".to_owned())),
    };
    if verdict.witnesses.is_empty() {
        let subject = format!("{} {}", verdict.consistency, verdict.model);
        return Ok(Content::Nothing(format!(
            "a {subject} verdict brings no order"
        )));
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
    Ok(Content::Text(text))
}
