//! Anomalies as graphs: data for drawing, and Graphviz's DOT.

use std::fmt::Write as _;

use petgraph::dot::{Config, Dot};
use petgraph::graph::{DiGraph, NodeIndex};

use rupture_workloads::checkers::history::{Anomaly, Evidence, Verdict};

/// The operations of an anomaly, and which comes before which and why.
pub fn graph(anomaly: &Anomaly) -> DiGraph<Evidence, String> {
    let mut graph = DiGraph::new();
    let mut nodes: Vec<(u64, NodeIndex)> = Vec::new();
    for evidence in &anomaly.evidence {
        nodes.push((evidence.index, graph.add_node(evidence.clone())));
    }
    let node = |index: u64| {
        let known = nodes.iter().find(|(known, _)| *known == index);
        known.map(|(_, node)| *node)
    };
    for dependency in &anomaly.dependencies {
        if let (Some(from), Some(to)) = (node(dependency.from), node(dependency.to)) {
            graph.add_edge(from, to, dependency.kind.clone());
        }
    }
    graph
}

/// Every anomaly of a verdict that is a graph, as one `digraph` each.
pub fn dot(verdict: &Verdict) -> String {
    let mut text = String::new();
    let graphs = verdict
        .anomalies
        .iter()
        .filter(|anomaly| !anomaly.dependencies.is_empty());
    for anomaly in graphs {
        let graph = graph(anomaly);
        let edge = |_: &_, edge: petgraph::graph::EdgeReference<'_, String>| {
            format!("label = {:?}", edge.weight())
        };
        let node =
            |_: &_, (_, evidence): (NodeIndex, &Evidence)| format!("label = {:?}", label(evidence));
        let config = [
            Config::EdgeNoLabel,
            Config::NodeNoLabel,
            Config::GraphContentOnly,
        ];
        let content = Dot::with_attr_getters(&graph, &config, &edge, &node);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "digraph {:?} {{\n    label = {:?}\n    node [shape = box]\n{content:?}}}",
            anomaly.kind, anomaly.summary
        );
    }
    text
}

fn label(evidence: &Evidence) -> String {
    let did = evidence.result.as_ref().unwrap_or(&evidence.argument);
    let process = super::timeline::process(&evidence.process);
    format!("T{} {process}\n{did}", evidence.index)
}

#[cfg(test)]
mod tests {
    use rupture_workloads::checkers::history::Dependency;

    use super::*;

    #[test]
    fn a_cycle_is_drawn_with_its_edges_and_a_lone_fault_is_not() {
        let evidence = |index| Evidence {
            index,
            argument: format!("[[:append :x \"{index}\"]]"),
            ..Evidence::default()
        };
        let dependency = |from, to, kind: &str| Dependency {
            from,
            to,
            kind: kind.to_owned(),
            why: String::new(),
        };
        let cycle = Anomaly {
            kind: "G0".to_owned(),
            evidence: vec![evidence(3), evidence(8)],
            dependencies: vec![dependency(3, 8, "ww"), dependency(8, 3, "rw")],
            ..Anomaly::default()
        };
        let verdict = Verdict {
            anomalies: vec![cycle, Anomaly::default()],
            ..Verdict::default()
        };
        let text = dot(&verdict);
        assert_eq!(text.matches("digraph").count(), 1);
        assert!(text.contains("0 -> 1 [ label = \"ww\"]"), "{text}");
        assert!(text.contains("1 -> 0 [ label = \"rw\"]"), "{text}");
        assert!(text.contains("T8"), "{text}");
        assert_eq!(graph(&verdict.anomalies[0]).edge_count(), 2);
    }
}
