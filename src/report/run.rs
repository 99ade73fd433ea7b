//! What a run prints: what is about to happen, and what came out.

use std::collections::BTreeSet;
use std::path::Path;

use crate::plan::Plan;
use crate::report::{self, style, thousands, timeline};
use crate::run::Report;
use rupture_nemesis::{FaultKind, Receipt, State};
use rupture_targets::NodeName;

/// How many faults are listed before the rest is only counted.
const FAULTS_SHOWN: usize = 12;

/// What is about to happen.
pub fn opening(plan: &Plan, seeds: &str) -> Vec<String> {
    let rate = match plan.rate {
        Some(rate) => format!("about {rate} operations a second"),
        None => "as fast as they can".to_owned(),
    };
    let faults = match &plan.script {
        Some(_) => "as the script says".to_owned(),
        None if plan.nemesis.iter().all(|name| name == "none") => "none".to_owned(),
        None => format!(
            "{}, about {} between two of a kind",
            plan.nemesis.join(", "),
            duration(plan.nemesis_interval_ms)
        ),
    };
    let mut lines = vec![format!(
        "{} {}",
        style::bold(format!("{} in the simulator, {seeds}", plan.target)),
        style::dim(format!("(rupture {})", env!("CARGO_PKG_VERSION")))
    )];
    let mut row = |name: &str, text: &str| {
        lines.push(format!("  {} {text}", style::dim(format!("{name:<9}"))));
    };
    row(
        "workload",
        &format!(
            "{}: {} clients, {rate}, for {} of simulated time",
            plan.workload,
            plan.concurrency,
            duration(plan.time_limit_ms)
        ),
    );
    row("cluster", &cluster(&plan.nodes));
    row("faults", &faults);
    if let Some(mutant) = &plan.mutant {
        let about = crate::run::mutant_about(plan).unwrap_or_default();
        row("mutant", &format!("{}: {about}", style::warning(mutant)));
    }
    lines.push(String::new());
    lines
}

fn cluster(nodes: &[String]) -> String {
    match nodes {
        [first, .., last] if nodes.len() > 9 => format!("{} nodes, {first} to {last}", nodes.len()),
        _ => nodes.join(" "),
    }
}

fn duration(ms: u64) -> String {
    if ms.is_multiple_of(1000) {
        format!("{} s", ms / 1000)
    } else {
        format!("{ms} ms")
    }
}

/// What came out.
pub fn closing(report: &Report, folder: &Path, width: usize) -> Vec<String> {
    let mut lines = faults(&report.receipts);
    lines.push(operations(report));
    lines.push(String::new());
    for part in &report.parts {
        lines.extend(report::verdict(part, width));
    }
    lines.push(String::new());
    lines.push(format!("{} {}", style::dim("results "), folder.display()));
    if !report.interrupted {
        lines.push(format!(
            "{} rupture replay {}",
            style::dim("replay  "),
            folder.display()
        ));
    }
    lines
}

fn operations(report: &Report) -> String {
    let counts = &report.counts;
    format!(
        "{} {} in {:.1} s: {} ok, {} fail, {} info",
        thousands(counts.total()),
        style::bold("operations"),
        report.simulated_ns as f64 / 1e9,
        thousands(counts.ok),
        thousands(counts.fail),
        thousands(counts.info)
    )
}

/// The faults in the order in which they began. One that found nobody to hit did nothing, and is only counted.
fn faults(receipts: &[Receipt]) -> Vec<String> {
    let (made, idle): (Vec<&Receipt>, Vec<&Receipt>) =
        receipts.iter().partition(|receipt| receipt.acted);
    let proved = made.iter().filter(|receipt| is_proved(receipt)).count();
    let idle = match idle.len() {
        0 => String::new(),
        n => style::dim(format!(" ({n} more found nobody to hit)")),
    };
    if made.is_empty() {
        return vec![format!("no {}{idle}", style::bold("faults")), String::new()];
    }
    let proof = if proved == made.len() {
        "each seen by a probe to take hold, and seen to be gone".to_owned()
    } else {
        format!("{proved} seen by a probe to take hold, and seen to be gone")
    };
    let mut lines = vec![format!(
        "{} {}, {proof}{idle}",
        made.len(),
        style::bold(if made.len() == 1 { "fault" } else { "faults" })
    )];
    // What was not proved comes first in the choice of what is shown, and in order of time in the list.
    let mut shown = made.clone();
    shown.sort_by_key(|receipt| (is_proved(receipt), receipt.id));
    shown.truncate(FAULTS_SHOWN);
    shown.sort_by_key(|receipt| receipt.id);
    lines.extend(shown.iter().map(|receipt| fault(receipt)));
    if shown.len() < made.len() {
        lines.push(style::dim(format!(
            "  and {} more; all of them stand in faults.jsonl",
            made.len() - shown.len()
        )));
    }
    lines.push(String::new());
    lines
}

/// Whether a probe saw the fault take hold, and another one saw that it was gone.
fn is_proved(receipt: &Receipt) -> bool {
    receipt.state == State::Injected && receipt.healed.as_ref().is_some_and(|probe| probe.ok)
}

/// Whom a fault hit: its nodes, or for a partition the groups that still hear each other, `n1 n2 | n3`. A shape in
/// which hearing is not mutual, or not the same from everywhere, has no groups: then all its nodes.
fn who(receipt: &Receipt) -> String {
    let names = |nodes: &[&NodeName]| {
        nodes
            .iter()
            .map(|node| node.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let nodes: Vec<&NodeName> = receipt.nodes.iter().collect();
    if receipt.fault.kind() != FaultKind::Partition {
        return names(&nodes);
    }
    let cut: BTreeSet<(&NodeName, &NodeName)> = receipt
        .links
        .iter()
        .map(|link| (&link.from, &link.to))
        .collect();
    let mut groups: Vec<Vec<&NodeName>> = Vec::new();
    for node in &nodes {
        let together = |other: &&NodeName| !cut.contains(&(*other, *node));
        match groups.iter_mut().find(|group| group.iter().any(together)) {
            Some(group) => group.push(node),
            None => groups.push(vec![node]),
        }
    }
    let place = |node| groups.iter().position(|group| group.contains(&node));
    let is_cut = |a, b| cut.contains(&(a, b));
    let mut pairs = nodes
        .iter()
        .flat_map(|a| nodes.iter().map(move |b| (*a, *b)));
    if pairs.all(|(a, b)| a == b || is_cut(a, b) == (place(a) != place(b))) {
        groups
            .iter()
            .map(|group| names(group))
            .collect::<Vec<_>>()
            .join(" | ")
    } else {
        names(&nodes)
    }
}

/// `  2.4139 s  partition halves      n1 n3 | n2        for 1.2 s`.
fn fault(receipt: &Receipt) -> String {
    let end = match (receipt.state, receipt.healed_ns) {
        (State::Injected, Some(healed)) => format!(
            "for {:.2} s",
            healed.saturating_sub(receipt.began_ns) as f64 / 1e9
        ),
        (State::Injected, None) => "until the end".to_owned(),
        _ => {
            let reason = receipt.reason.as_deref().unwrap_or("no reason given");
            format!("{}: {reason}", style::warning(receipt.state.name()))
        }
    };
    let what = receipt.fault.to_string();
    format!(
        "  {:>10}  {what:<32} {:<22} {end}",
        timeline::seconds(receipt.began_ns as i64),
        who(receipt)
    )
}
