//! What a node counts and measures, and its text form for Prometheus.
//!
//! Times are the node's own monotonic clock. All maps are ordered, so that equal runs give equal texts.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::event::node_name;
use crate::node::NodeId;

/// The upper bounds of the latency histogram, in nanoseconds and as they are written.
const BUCKETS: [(u64, &str); 6] = [
    (1_000_000, "0.001"),
    (5_000_000, "0.005"),
    (10_000_000, "0.01"),
    (50_000_000, "0.05"),
    (100_000_000, "0.1"),
    (500_000_000, "0.5"),
];

/// The counters and measures of one node since its process started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Elections that this node won.
    pub elections_won: u64,
    /// Elections that it stood in and did not win.
    pub elections_lost: u64,
    /// Partitions that it noticed.
    pub partitions_detected: u64,
    /// Partitions that it saw end.
    pub partitions_healed: u64,
    lag_ns: BTreeMap<NodeId, u64>,
    latency: BTreeMap<&'static str, Histogram>,
}

/// How many calls took how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Histogram {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum_ns: u64,
}

impl Metrics {
    /// By how much a follower's log lags behind the leader's, in the log's own time.
    pub fn lag_ns(&self, follower: NodeId) -> Option<u64> {
        self.lag_ns.get(&follower).copied()
    }

    pub(super) fn set_lag(&mut self, follower: NodeId, ns: u64) {
        self.lag_ns.insert(follower, ns);
    }

    /// Only a leader knows how far others lag.
    pub(super) fn clear_lag(&mut self) {
        self.lag_ns.clear();
    }

    pub(super) fn observe(&mut self, operation_type: &'static str, ns: u64) {
        let histogram = self.latency.entry(operation_type).or_default();
        for (bucket, (bound, _)) in histogram.buckets.iter_mut().zip(BUCKETS) {
            *bucket += u64::from(ns <= bound);
        }
        histogram.count += 1;
        histogram.sum_ns = histogram.sum_ns.saturating_add(ns);
    }

    /// The metrics in Prometheus' text form, each with the label `node`.
    pub fn to_prometheus(&self, node_name: &str) -> String {
        let mut text = String::new();
        // Writing to a text never fails.
        let _ = self.write(node_name, &mut text);
        text
    }

    fn write(&self, node: &str, text: &mut String) -> std::fmt::Result {
        let node = escape(node);
        head(
            text,
            "leader_elections_total",
            "counter",
            "Elections this node stood in.",
        )?;
        for (result, count) in [("won", self.elections_won), ("lost", self.elections_lost)] {
            writeln!(
                text,
                r#"leader_elections_total{{node="{node}",result="{result}"}} {count}"#
            )?;
        }
        head(
            text,
            "replication_lag_seconds",
            "gauge",
            "By how much a follower's log lags behind the leader's.",
        )?;
        for (follower, ns) in &self.lag_ns {
            let (follower, lag) = (node_name(*follower), seconds(*ns));
            writeln!(
                text,
                r#"replication_lag_seconds{{node="{node}",follower_id="{follower}"}} {lag}"#
            )?;
        }
        self.write_latency(&node, text)?;
        head(
            text,
            "partition_events_total",
            "counter",
            "Partitions noticed and seen to end.",
        )?;
        for (kind, count) in [
            ("detected", self.partitions_detected),
            ("healed", self.partitions_healed),
        ] {
            writeln!(
                text,
                r#"partition_events_total{{node="{node}",type="{kind}"}} {count}"#
            )?;
        }
        Ok(())
    }

    fn write_latency(&self, node: &str, text: &mut String) -> std::fmt::Result {
        const NAME: &str = "consensus_latency_seconds";
        head(
            text,
            NAME,
            "histogram",
            "From the call's arrival to its answer.",
        )?;
        for (operation, it) in &self.latency {
            let labels = format!(r#"node="{node}",operation_type="{operation}""#);
            let bounds = BUCKETS.map(|(_, bound)| bound);
            for (bound, count) in bounds.iter().zip(it.buckets) {
                writeln!(text, r#"{NAME}_bucket{{{labels},le="{bound}"}} {count}"#)?;
            }
            writeln!(text, r#"{NAME}_bucket{{{labels},le="+Inf"}} {}"#, it.count)?;
            writeln!(text, "{NAME}_sum{{{labels}}} {}", seconds(it.sum_ns))?;
            writeln!(text, "{NAME}_count{{{labels}}} {}", it.count)?;
        }
        Ok(())
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) -> std::fmt::Result {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

/// Seconds with all nine digits, without a detour over floating point.
fn seconds(ns: u64) -> String {
    format!("{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000)
}

/// A label's value as the text form wants it.
fn escape(value: &str) -> String {
    value
        .replace('\\', r"\\")
        .replace('"', r#"\""#)
        .replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_is_fixed() {
        let mut metrics = Metrics {
            elections_won: 2,
            partitions_detected: 1,
            ..Metrics::default()
        };
        metrics.set_lag(2, 1_500_000_000);
        metrics.observe("write", 1_000_000);
        metrics.observe("write", 60_000_000);
        metrics.observe("read", 700_000_000);
        let expected = r#"# HELP leader_elections_total Elections this node stood in.
# TYPE leader_elections_total counter
leader_elections_total{node="n1",result="won"} 2
leader_elections_total{node="n1",result="lost"} 0
# HELP replication_lag_seconds By how much a follower's log lags behind the leader's.
# TYPE replication_lag_seconds gauge
replication_lag_seconds{node="n1",follower_id="n3"} 1.500000000
# HELP consensus_latency_seconds From the call's arrival to its answer.
# TYPE consensus_latency_seconds histogram
consensus_latency_seconds_bucket{node="n1",operation_type="read",le="0.001"} 0
consensus_latency_seconds_bucket{node="n1",operation_type="read",le="0.005"} 0
consensus_latency_seconds_bucket{node="n1",operation_type="read",le="0.01"} 0
consensus_latency_seconds_bucket{node="n1",operation_type="read",le="0.05"} 0
consensus_latency_seconds_bucket{node="n1",operation_type="read",le="0.1"} 0
consensus_latency_seconds_bucket{node="n1",operation_type="read",le="0.5"} 0
consensus_latency_seconds_bucket{node="n1",operation_type="read",le="+Inf"} 1
consensus_latency_seconds_sum{node="n1",operation_type="read"} 0.700000000
consensus_latency_seconds_count{node="n1",operation_type="read"} 1
consensus_latency_seconds_bucket{node="n1",operation_type="write",le="0.001"} 1
consensus_latency_seconds_bucket{node="n1",operation_type="write",le="0.005"} 1
consensus_latency_seconds_bucket{node="n1",operation_type="write",le="0.01"} 1
consensus_latency_seconds_bucket{node="n1",operation_type="write",le="0.05"} 1
consensus_latency_seconds_bucket{node="n1",operation_type="write",le="0.1"} 2
consensus_latency_seconds_bucket{node="n1",operation_type="write",le="0.5"} 2
consensus_latency_seconds_bucket{node="n1",operation_type="write",le="+Inf"} 2
consensus_latency_seconds_sum{node="n1",operation_type="write"} 0.061000000
consensus_latency_seconds_count{node="n1",operation_type="write"} 2
# HELP partition_events_total Partitions noticed and seen to end.
# TYPE partition_events_total counter
partition_events_total{node="n1",type="detected"} 1
partition_events_total{node="n1",type="healed"} 0
"#;
        assert_eq!(metrics.to_prometheus("n1"), expected);
    }

    #[test]
    fn labels_cannot_break_out() {
        let text = Metrics::default().to_prometheus("a\"b\\c\nd");
        assert!(text.contains(r#"node="a\"b\\c\nd""#), "{text}");
    }
}
