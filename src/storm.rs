//! The verdict on a run that ended because more happened in a second of simulated time than may.

use rupture_targets::{Excess, Storm};
use rupture_workloads::checkers::history::{Anomaly, Validity, Verdict};

use crate::report::thousands;

/// The kind of the anomaly, and of the judge.
const MESSAGE_STORM: &str = "message-storm";
/// How many kinds of events are told.
const TOLD: usize = 6;

/// `invalid`, with what multiplied: no sound system makes so much happen.
pub fn verdict(storm: &Storm) -> Verdict {
    let seconds = format!("{:.3} s", storm.at_ns as f64 / 1e9);
    let kind = storm.kinds.first().map_or("effects", |(name, _)| *name);
    let summary = match storm.excess {
        Excess::Events => format!(
            "{} events within one second of simulated time until {seconds}, most of them {kind}",
            thousands(storm.events)
        ),
        Excess::Bytes => format!(
            "{} bytes were sent and saved within one second of simulated time until {seconds}, most often by {kind}",
            thousands(storm.bytes)
        ),
        Excess::UnderWay { count } => format!(
            "{} events were to come at once at {seconds}",
            thousands(count)
        ),
        Excess::Messages { operations } => format!(
            "nodes sent each other {} messages within the second before {seconds}, while {} operations completed",
            thousands(storm.events),
            thousands(operations)
        ),
        Excess::Effects { node } => format!(
            "one step of n{} at {seconds} had effects without end",
            u64::from(node) + 1
        ),
    };
    let most = thousands(storm.most_events);
    let mut explanation = vec![match storm.excess {
        Excess::Messages { .. } => format!("At most {most} may be sent for that."),
        _ => format!(
            "At most {most} events and about {} bytes a second may come in a cluster of this size.",
            thousands(storm.most_bytes)
        ),
    }];
    let before = |name: &str| {
        let found = storm.before.iter().find(|(it, _)| *it == name);
        found.map_or(0, |(_, count)| *count)
    };
    explanation.extend(storm.kinds.iter().take(TOLD).map(|(name, count)| {
        format!(
            "{name}: {} in this second, {} in the one before.",
            thousands(*count),
            thousands(before(name))
        )
    }));
    explanation.push("The run was ended here; its history goes up to this moment.".to_owned());
    let mut verdict = Verdict::new(Validity::Invalid, MESSAGE_STORM, "");
    verdict.anomalies.push(Anomaly {
        kind: MESSAGE_STORM.to_owned(),
        summary,
        explanation,
        ..Anomaly::default()
    });
    verdict
}
