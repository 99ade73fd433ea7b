//! What a run prints: what is about to happen, and what came out.

use std::collections::BTreeSet;
use std::path::Path;

use crate::plan::{Plan, World};
use crate::report::{self, Extent, shell, style, thousands, timeline};
use crate::run::Report;
use crate::screen::columns;
use rupture_nemesis::{FaultKind, Receipt, State};
use rupture_targets::{NodeName, target};

/// How many faults are listed before the rest is only counted.
const FAULTS_SHOWN: usize = 12;

/// What is about to happen.
pub fn opening(plan: &Plan, seeds: &str, width: usize) -> Vec<String> {
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
    let title = format!(
        "{} {}",
        style::bold(format!("{} {}, {seeds}", plan.target, place(plan))),
        style::dim(format!("(rupture {})", env!("CARGO_PKG_VERSION")))
    );
    let mut lines = report::wrap(&title, width, "");
    let mut row = |name: &str, text: &str| {
        let room = width.saturating_sub(12).max(20);
        for (number, line) in report::wrap(text, room, "").into_iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            lines.push(format!("  {} {line}", style::dim(format!("{name:<9}"))));
        }
    };
    row(
        "workload",
        &format!(
            "{}: {} clients, {rate}, for {}{}",
            plan.workload,
            plan.concurrency,
            duration(plan.time_limit_ms),
            match World::of(plan) {
                World::Sim => " of simulated time",
                World::Local => "",
            }
        ),
    );
    row("cluster", &cluster(&plan.nodes));
    row("faults", &faults);
    if let Some(mutant) = &plan.mutant {
        let about = crate::run::mutant_about(plan).unwrap_or_default();
        row("mutant", &format!("{}: {about}", style::warning(mutant)));
    }
    let settings = changed_settings(plan);
    if !settings.is_empty() {
        row("settings", &settings.join(", "));
    }
    for notice in crate::run::notices(plan) {
        row("note", &style::warning(&notice));
    }
    lines.push(String::new());
    lines
}

/// Where the target lives, for people.
fn place(plan: &Plan) -> &'static str {
    match World::of(plan) {
        World::Sim => "in the simulator",
        World::Local => "as processes of this machine",
    }
}

/// The settings of the target that are not as usual.
fn changed_settings(plan: &Plan) -> Vec<String> {
    let usual = target(&plan.target).map_or(&[][..], |target| &target.settings);
    let is_usual = |(name, value): &(&String, &u64)| {
        usual
            .iter()
            .any(|info| info.name == *name && info.default == **value)
    };
    let changed = plan.settings.iter().filter(|setting| !is_usual(setting));
    changed
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
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
    let mut lines = faults(&report.receipts, width);
    lines.extend(report::wrap(&operations(report), width, ""));
    lines.extend(served(report));
    lines.push(String::new());
    let extent = Extent {
        anomalies: report::SHOWN,
        whole: "verdict.json, or in --json",
    };
    for part in &report.parts {
        let mut verdict = report::verdict(part, width, extent).into_iter();
        let headline = verdict.next().unwrap_or_default();
        lines.extend(report::wrap(&headline, width, ""));
        lines.extend(verdict);
    }
    lines.push(String::new());
    lines.push(format!("{} {}", style::dim("results "), folder.display()));
    if !report.interrupted && report.world == World::Sim {
        lines.push(format!(
            "{} rupture replay {}",
            style::dim("replay  "),
            shell::quote_path(folder)
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
        report.lasted_ns as f64 / 1e9,
        thousands(counts.ok),
        thousands(counts.fail),
        thousands(counts.info)
    )
}

/// When it served again, beside what it claims.
fn served(report: &Report) -> Option<String> {
    let served = report.served_after_ns? as f64 / 1e9;
    let claimed = report.claim.map_or(String::new(), |claim| {
        format!(", claimed within {}", duration(claim.within_ns / 1_000_000))
    });
    let text = format!("served again {served:.2} s after healing{claimed}");
    Some(format!("  {}", style::dim(text)))
}

/// The faults in the order in which they began. One that met no node did nothing, and is only counted.
fn faults(receipts: &[Receipt], width: usize) -> Vec<String> {
    let (made, idle): (Vec<&Receipt>, Vec<&Receipt>) =
        receipts.iter().partition(|receipt| receipt.acted);
    let proved = made.iter().filter(|receipt| is_proved(receipt)).count();
    let idle = match idle.len() {
        0 => String::new(),
        n => style::dim(format!(" ({n} more found no node to hit)")),
    };
    if made.is_empty() {
        return vec![format!("no {}{idle}", style::bold("faults")), String::new()];
    }
    let proof = if proved == made.len() {
        "each seen by a probe to take hold, and seen to be gone".to_owned()
    } else {
        format!("{proved} seen by a probe to take hold, and seen to be gone")
    };
    let title = format!(
        "{} {}, {proof}{idle}",
        made.len(),
        style::bold(if made.len() == 1 { "fault" } else { "faults" })
    );
    let mut lines = report::wrap(&title, width, "");
    // What was not proved comes first in the choice of what is shown, and in order of time in the list.
    let mut shown = made.clone();
    shown.sort_by_key(|receipt| (is_proved(receipt), receipt.id));
    shown.truncate(FAULTS_SHOWN);
    shown.sort_by_key(|receipt| receipt.id);
    lines.extend(table(&shown, width));
    if shown.len() < made.len() {
        let rest = format!(
            "and {} more; all of them stand in faults.jsonl",
            made.len() - shown.len()
        );
        lines.extend(report::wrap(&rest, width, "  ").into_iter().map(style::dim));
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

/// One row a fault: `  2.4139 s  partition halves  n1 n3 | n2  for 1.2 s`. Where the columns do not fit beside each
/// other, a row is broken like any text.
fn table(receipts: &[&Receipt], width: usize) -> Vec<String> {
    let rows: Vec<[String; 4]> = receipts
        .iter()
        .map(|receipt| {
            let began = timeline::seconds(receipt.began_ns as i64);
            [began, receipt.fault.to_string(), who(receipt), end(receipt)]
        })
        .collect();
    let widest = |column: usize| {
        let cells = rows.iter().map(|row| columns(&row[column]));
        cells.max().unwrap_or(0)
    };
    let [began, what, whom, end] = [0, 1, 2, 3].map(widest);
    if 2 + began + 2 + what + 2 + whom + 2 + end > width {
        let texts = rows
            .iter()
            .map(|[at, fault, nodes, end]| format!("{at}  {fault}: {nodes}, {end}"));
        return texts
            .flat_map(|text| report::wrap(&text, width, "  "))
            .collect();
    }
    rows.iter()
        .map(|[at, fault, nodes, end]| {
            format!("  {at:>began$}  {fault:<what$}  {nodes:<whom$}  {end}")
        })
        .collect()
}

/// How long a fault lasted, or why it did not take hold.
fn end(receipt: &Receipt) -> String {
    match (receipt.state, receipt.healed_ns) {
        (State::Injected, Some(healed)) => format!(
            "for {:.2} s",
            healed.saturating_sub(receipt.began_ns) as f64 / 1e9
        ),
        (State::Injected, None) => "until the end".to_owned(),
        _ => {
            let reason = receipt.reason.as_deref().unwrap_or("no reason given");
            format!("{}: {reason}", style::warning(receipt.state.name()))
        }
    }
}
