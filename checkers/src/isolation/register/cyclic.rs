//! Orders of versions that contradict themselves: Elle's `cyclic-versions`.
//!
//! What is [assumed](crate::isolation::assumed::Assumptions) puts versions of a key in order, pair by pair, and so does who updated what,
//! unless updates may be lost. Where these pairs go round there is no order of versions, whatever the transactions
//! are, so this is looked for before the order of transactions is, and told with those who met the versions. Without
//! an assumption nothing is looked for: then what goes round are transactions, and such cycles have better names.
//!
//! Linear in the number of versions and pairs, but for the shortest round, which is looked for in a bounded number of
//! steps.

use std::collections::VecDeque;

use rupture_history::verdict::Anomaly;

use super::Points;
use super::prepared::Prepared;
use super::reads::{NONE, Version};
use super::words::Words;
use crate::Id;
use crate::isolation::graph::{Digraph, Edge, Graph, Kinds, Masked, WR, WW, components};

/// How many edges the search for the shortest round may follow.
const STEPS: u64 = 5_000_000;

/// How many bytes the search takes.
pub(super) fn bytes(prepared: &Prepared<'_, '_>) -> usize {
    let (versions, pairs) = (prepared.next.len(), prepared.assumed.len());
    if pairs == 0 {
        return 0;
    }
    Graph::bytes(versions, versions + pairs) + versions * 8
}

/// The versions of a short round, each before the next and the last before the first.
pub(super) fn round(prepared: &Prepared<'_, '_>, points: Points) -> Option<Vec<Version>> {
    if prepared.assumed.is_empty() {
        return None;
    }
    let edge = |(from, to)| Edge { from, to, kind: WW };
    let mut edges: Vec<Edge> = prepared.assumed.iter().copied().map(edge).collect();
    for &(version, initial) in &prepared.assumed {
        if prepared.is_initial(initial) {
            edges.push(edge((initial, version)));
        }
    }
    if points != Points::Prefix {
        let updates = prepared.next.iter().enumerate();
        let updates = updates.filter(|(_, next)| **next != NONE);
        edges.extend(updates.map(|(version, &next)| edge((version as Version, next))));
    }
    let versions = prepared.next.len() as u32;
    let graph = Graph::of(versions, versions, &edges);
    let graph = Masked {
        graph: &graph,
        kinds: WW,
    };
    let parts = components(&graph);
    let part = parts.iter().min_by_key(|part| (part.len(), part[0]))?;
    Some(shortest(&graph, part))
}

/// A shortest cycle among the nodes of a component.
fn shortest(graph: &Masked<'_>, part: &[u32]) -> Vec<u32> {
    let mut best: Vec<u32> = Vec::new();
    let mut before = vec![NONE; graph.nodes() as usize];
    let mut steps = STEPS;
    for &start in part {
        if best.len() == 2 || steps == 0 && !best.is_empty() {
            break;
        }
        let mut queue = VecDeque::from([start]);
        let mut last = NONE;
        'search: while let Some(node) = queue.pop_front() {
            let mut cursor = 0;
            while let Some(next) = graph.next(node, &mut cursor) {
                steps = steps.saturating_sub(1);
                if next == start {
                    last = node;
                    break 'search;
                }
                if before[next as usize] == NONE {
                    before[next as usize] = node;
                    queue.push_back(next);
                }
            }
        }
        let back = std::iter::successors(Some(last), |&node| {
            Some(before[node as usize]).filter(|_| node != start)
        });
        let mut cycle: Vec<u32> = back.collect();
        cycle.reverse();
        if best.is_empty() || cycle.len() < best.len() {
            best = cycle;
        }
        before.fill(NONE);
    }
    best
}

/// Why a version comes before another one.
struct Reason {
    /// Who shows it.
    by: Vec<u32>,
    why: String,
    /// The edge between those who wrote the two, if somebody wrote the earlier one.
    edge: Option<(u32, u32, Kinds)>,
}

fn reason(words: &Words<'_, '_, '_>, points: Points, (one, other): (Version, Version)) -> Reason {
    let prepared = words.prepared;
    let (first, key) = (value(prepared, one), key(prepared, one));
    let writers = prepared.writer(one).zip(prepared.writer(other));
    let edge = |kind| writers.map(|(from, to)| (from, to, kind));
    let updates = points != Points::Prefix && prepared.next[one as usize] == other;
    if let Some(writer) = prepared.writer(other).filter(|_| updates) {
        let (name, second) = (words.name(writer), value(prepared, other));
        return Reason {
            by: vec![writer],
            why: format!(
                "{name} read {first} of key {key} and wrote {second}, so {first} came first."
            ),
            edge: edge(WR),
        };
    }
    let Ok(at) = prepared.assumed.binary_search(&(one, other)) else {
        return Reason {
            by: Vec::new(),
            why: format!("Key {key} held {first} before anything was written to it."),
            edge: None,
        };
    };
    let (from, to) = prepared.pairs[at].met;
    let wrote = |transaction, version| prepared.writer(version) == Some(transaction);
    let did = |transaction: u32, version: Version| {
        let did = if wrote(transaction, version) {
            "wrote"
        } else {
            "read"
        };
        format!("{did} {}", value(prepared, version))
    };
    let (name, did, later) = (words.name(from), did(from, one), did(to, other));
    let of = if wrote(from, one) { "to" } else { "of" };
    let then = if from == to {
        format!("then {later}")
    } else {
        let then = words.name(to);
        format!("had completed before {then} was invoked, which {later}")
    };
    Reason {
        by: vec![from, to],
        why: format!(
            "{name} {did} {of} key {key} and {then}, so it is assumed that {first} came first."
        ),
        edge: edge(WW),
    }
}

/// A round in words. If all of its versions were written, then it is a cycle of those who wrote them.
pub(super) fn told(words: &Words<'_, '_, '_>, points: Points, round: &[Version]) -> Anomaly {
    let prepared = words.prepared;
    let after = round.iter().cycle().skip(1);
    let pairs = round.iter().copied().zip(after.copied());
    let reasons: Vec<Reason> = pairs.map(|pair| reason(words, points, pair)).collect();
    let mut shown: Vec<u32> = reasons.iter().flat_map(|one| one.by.clone()).collect();
    let key = key(prepared, round[0]);
    let mut names: Vec<String> = round.iter().map(|&one| value(prepared, one)).collect();
    names.push(value(prepared, round[0]));
    let mut anomaly = Anomaly {
        kind: "cyclic-versions".to_owned(),
        summary: format!(
            "Key {key} would have held {}: no order of its versions does.",
            names.join(" before ")
        ),
        key: Some(key),
        explanation: reasons.iter().map(|one| one.why.clone()).collect(),
        ..Anomaly::default()
    };
    if reasons.iter().all(|one| one.edge.is_some()) {
        for Reason { why, edge, .. } in reasons {
            let Some((from, to, kind)) = edge else {
                continue;
            };
            shown.extend([from, to]);
            anomaly
                .dependencies
                .push(words.shown((from, to), kind, why));
        }
    }
    anomaly.evidence = words.evidence(&shown);
    anomaly
}

fn key(prepared: &Prepared<'_, '_>, version: Version) -> String {
    let key = prepared.key_of(version);
    prepared.transactions.keys.text(Id(key))
}

/// What a version holds; `nil` at first.
fn value(prepared: &Prepared<'_, '_>, version: Version) -> String {
    let write = prepared.writes.all().get(version as usize);
    let value = write.map_or(Id::NIL, |write| write.value);
    prepared.transactions.values.text(value)
}
