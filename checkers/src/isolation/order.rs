//! The orders that sessions and real time give, as few edges.
//!
//! A transaction that nobody knows of is after what had completed before it was invoked, and before nothing:
//! it may take effect at any time.

use rupture_history::{Operation, Outcome};
use rustc_hash::FxHashMap;

use super::graph::{Edge, ON, PROCESS, REALTIME};

/// An edge from each transaction to the next of its process. `takes_part` says which there are.
pub(crate) fn sessions(operations: &[Operation], takes_part: &[bool], edges: &mut Vec<Edge>) {
    let mut last: FxHashMap<i64, u32> = FxHashMap::default();
    for (number, operation) in operations.iter().enumerate() {
        if !takes_part[number] {
            continue;
        }
        let to = number as u32;
        let before = if operation.outcome == Outcome::Ok {
            last.insert(operation.process, to)
        } else {
            last.get(&operation.process).copied()
        };
        edges.extend(before.map(|from| Edge {
            from,
            to,
            kind: PROCESS,
        }));
    }
}

/// Edges by which a transaction reaches every one that was invoked after it had completed: through auxiliary
/// nodes from `nodes` on, each a moment at which completions give way to invocations. Returns how many nodes
/// there are then. At most three edges a transaction.
pub(crate) fn real_time(
    operations: &[Operation],
    takes_part: &[bool],
    nodes: u32,
    edges: &mut Vec<Edge>,
) -> u32 {
    let mut events = events(operations, takes_part);
    events.sort_unstable();
    let mut moment: Option<u32> = None;
    let mut next = nodes;
    let mut completed = false;
    for (_, number, completes) in events {
        if completes {
            if !completed {
                edges.extend(moment.map(|from| Edge {
                    from,
                    to: next,
                    kind: ON,
                }));
                completed = true;
            }
            edges.push(Edge {
                from: number,
                to: next,
                kind: REALTIME,
            });
            continue;
        }
        if completed {
            moment = Some(next);
            next += 1;
            completed = false;
        }
        edges.extend(moment.map(|from| Edge {
            from,
            to: number,
            kind: ON,
        }));
    }
    next + u32::from(completed)
}

/// Row, transaction, and whether it completes there.
fn events(operations: &[Operation], takes_part: &[bool]) -> Vec<(u32, u32, bool)> {
    let mut events = Vec::with_capacity(2 * operations.len());
    for (number, operation) in operations.iter().enumerate() {
        if takes_part[number] {
            events.push((operation.invoked, number as u32, false));
            events.extend(operation.ended().map(|row| (row, number as u32, true)));
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(process: i64, invoked: u32, completed: Option<u32>) -> Operation {
        let outcome = completed.map_or(Outcome::Info, |_| Outcome::Ok);
        Operation {
            process,
            invoked,
            completed,
            outcome,
        }
    }

    #[test]
    fn real_time_reaches_exactly_what_was_invoked_after_a_completion() {
        let mut random = 7_u64;
        for _ in 0..2000 {
            let operations = some(&mut random);
            let all = vec![true; operations.len()];
            let mut edges = Vec::new();
            let nodes = real_time(&operations, &all, operations.len() as u32, &mut edges);
            assert!(edges.len() <= 3 * operations.len());
            for (from, one) in operations.iter().enumerate() {
                let reached = reached(from as u32, nodes, &edges);
                for (to, other) in operations.iter().enumerate() {
                    assert_eq!(
                        reached[to],
                        one.precedes(other),
                        "{operations:?} {from} {to}"
                    );
                }
            }
        }
    }

    #[test]
    fn sessions_go_from_each_to_the_next_and_not_on_from_what_nobody_knows() {
        let operations = [
            operation(0, 0, Some(1)),
            operation(1, 2, Some(3)),
            operation(0, 4, None),
            operation(0, 5, Some(6)),
        ];
        let mut edges = Vec::new();
        sessions(&operations, &[true; 4], &mut edges);
        let pairs: Vec<(u32, u32)> = edges.iter().map(|edge| (edge.from, edge.to)).collect();
        assert_eq!(pairs, [(0, 2), (0, 3)]);
    }

    fn some(random: &mut u64) -> Vec<Operation> {
        let mut open: Vec<usize> = Vec::new();
        let mut operations = Vec::new();
        for row in 0..12 {
            *random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let draw = (*random >> 33) as usize;
            if draw.is_multiple_of(2) || open.is_empty() {
                open.push(operations.len());
                operations.push(operation(row.into(), row, None));
            } else {
                let closed = open.swap_remove(draw / 2 % open.len());
                operations[closed].completed = Some(row);
                if !draw.is_multiple_of(7) {
                    operations[closed].outcome = Outcome::Ok;
                }
            }
        }
        operations
    }

    /// The nodes that are reached in one or more steps.
    fn reached(from: u32, nodes: u32, edges: &[Edge]) -> Vec<bool> {
        let mut reached = vec![false; nodes as usize];
        let mut open = vec![from];
        while let Some(node) = open.pop() {
            for edge in edges {
                let auxiliary =
                    node >= nodes || edge.kind == REALTIME && edge.from == from || edge.kind == ON;
                if edge.from == node && auxiliary && !reached[edge.to as usize] {
                    reached[edge.to as usize] = true;
                    open.push(edge.to);
                }
            }
        }
        reached
    }
}
