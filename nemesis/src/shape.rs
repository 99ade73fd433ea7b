//! The shapes of a partition, as total functions from nodes to the links to cut.
//!
//! Definitions follow Jepsen's `nemesis` namespace: `halves` is its `bisect`, `one` its `split-one`, `bridge`
//! its `bridge`, and in `primaries` each primary is alone. All but `one-way` are symmetric. Jepsen cuts the
//! ring of majorities one way where the size of a majority is even; ours is symmetric for every size, which
//! [`majorities_ring`] shows how.

use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rupture_targets::random::Stream;
use rupture_targets::{Link, NodeName};

use crate::fault::{Impossible, Shape};
use crate::targeting::too_few;

/// The links that a partition of this shape cuts, in order. `primaries` matter to [`Shape::Primaries`] only.
///
/// # Errors
/// Too few nodes for anything to be cut, or no primary.
pub fn cuts(
    shape: Shape,
    nodes: &[NodeName],
    primaries: &[NodeName],
    random: &mut Stream,
) -> Result<Vec<Link>, Impossible> {
    let count = nodes.len();
    if count < shape.least_nodes() {
        let name = format!("partition {}", shape.name());
        return Err(too_few(&name, shape.least_nodes(), count));
    }
    let mut order: Vec<NodeName> = nodes.to_vec();
    order.shuffle(random);
    let mut links = match shape {
        Shape::Halves => apart(&[&order[..count / 2], &order[count / 2..]]),
        Shape::One => apart(&[&order[..1], &order[1..]]),
        Shape::Minority => {
            let size = random.random_range(1..=(count - 1) / 2);
            apart(&[&order[..size], &order[size..]])
        }
        Shape::Majority => {
            let mut groups: Vec<&[NodeName]> = order[count / 2 + 1..].chunks(1).collect();
            groups.push(&order[..=count / 2]);
            apart(&groups)
        }
        Shape::MajoritiesRing => majorities_ring(&order),
        Shape::Bridge => bridge(&order),
        Shape::OneWay => one_way(&order, random),
        Shape::Primaries => alone(nodes, primaries)?,
    };
    links.sort();
    Ok(links)
}

/// All links between different groups.
fn apart(groups: &[&[NodeName]]) -> Vec<Link> {
    let mut links = Vec::new();
    for (number, group) in groups.iter().enumerate() {
        for other in groups[..number].iter().chain(&groups[number + 1..]) {
            links.extend(between(group, other));
        }
    }
    links
}

fn between<'a>(from: &'a [NodeName], to: &'a [NodeName]) -> impl Iterator<Item = Link> + use<'a> {
    from.iter()
        .flat_map(move |a| to.iter().map(move |b| Link::new(a, b)))
}

fn alone(nodes: &[NodeName], primaries: &[NodeName]) -> Result<Vec<Link>, Impossible> {
    let (lonely, rest): (Vec<NodeName>, Vec<NodeName>) = nodes
        .iter()
        .cloned()
        .partition(|node| primaries.contains(node));
    if lonely.is_empty() {
        return Err(Impossible::NobodyNow("no node is primary now".to_owned()));
    }
    let mut groups: Vec<&[NodeName]> = lonely.chunks(1).collect();
    groups.push(&rest);
    Ok(apart(&groups))
}

/// Two halves that only the first node of the second half joins.
fn bridge(order: &[NodeName]) -> Vec<Link> {
    let middle = order.len() / 2;
    apart(&[&order[..middle], &order[middle + 1..]])
}

/// A random group cannot be heard by the others, or cannot hear them.
fn one_way(order: &[NodeName], random: &mut Stream) -> Vec<Link> {
    let size = random.random_range(1..order.len());
    let (group, rest) = order.split_at(size);
    match [true, false].choose(random) {
        Some(true) => between(group, rest).collect(),
        _ => between(rest, group).collect(),
    }
}

/// Every node hears a majority, itself included, and no two nodes the same.
///
/// A majority of `n` is `n / 2` others. Nodes stand in a ring and hear as many neighbours on either side as
/// make up that number; if it is odd, one more is needed, and node `i` also hears the node half the ring
/// away. That pairs all nodes when `n` is even; when it is odd one node has two such partners.
fn majorities_ring(order: &[NodeName]) -> Vec<Link> {
    let n = order.len();
    let others = n / 2;
    let half = n / 2;
    let hears = |a: usize, b: usize| {
        let (low, high) = (a.min(b), a.max(b));
        let distance = (high - low).min(n - (high - low));
        let opposite = others % 2 == 1 && high - low == half;
        distance <= others / 2 || opposite
    };
    let mut links = Vec::new();
    for a in 0..n {
        for b in (0..n).filter(|b| !hears(a, *b)) {
            links.push(Link::new(&order[a], &order[b]));
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rupture_targets::random;
    use std::collections::BTreeSet;

    fn names(count: u32) -> Vec<NodeName> {
        (0..count).map(NodeName::numbered).collect()
    }

    /// Who hears whom afterwards, each node itself included.
    fn heard(nodes: &[NodeName], cut: &[Link]) -> Vec<BTreeSet<usize>> {
        let open = |a: usize, b: usize| !cut.contains(&Link::new(&nodes[b], &nodes[a]));
        (0..nodes.len())
            .map(|a| {
                (0..nodes.len())
                    .filter(|b| a == *b || open(a, *b))
                    .collect()
            })
            .collect()
    }

    fn is_symmetric(cut: &[Link]) -> bool {
        cut.iter()
            .all(|link| cut.contains(&Link::new(&link.to, &link.from)))
    }

    /// The sizes of groups that hear exactly each other, ascending; `None` if hearing is no equivalence.
    fn groups(heard: &[BTreeSet<usize>]) -> Option<Vec<usize>> {
        let whole = |a: usize| heard[a].iter().all(|b| heard[*b] == heard[a]);
        if !(0..heard.len()).all(whole) {
            return None;
        }
        let distinct: BTreeSet<&BTreeSet<usize>> = heard.iter().collect();
        let mut sizes: Vec<usize> = distinct.iter().map(|group| group.len()).collect();
        sizes.sort_unstable();
        Some(sizes)
    }

    fn holds(shape: Shape, nodes: &[NodeName], cut: &[Link], primaries: &[NodeName]) -> bool {
        let n = nodes.len();
        let majority = n / 2 + 1;
        let heard = heard(nodes, cut);
        let groups = groups(&heard);
        match shape {
            Shape::Halves => groups == Some(vec![n / 2, n - n / 2]),
            Shape::One => {
                let mut expected = vec![1, n - 1];
                expected.sort_unstable();
                groups == Some(expected)
            }
            Shape::Minority => groups.is_some_and(|sizes| {
                sizes.len() == 2 && 2 * sizes[0] < n && sizes[0] + sizes[1] == n
            }),
            Shape::Majority => {
                let mut expected = vec![1; n - majority];
                expected.push(majority);
                groups == Some(expected)
            }
            Shape::MajoritiesRing => {
                let distinct: BTreeSet<_> = heard.iter().collect();
                distinct.len() == n && heard.iter().all(|set| set.len() >= majority)
            }
            Shape::Bridge => {
                let bridges: Vec<usize> = (0..n).filter(|a| heard[*a].len() == n).collect();
                let rest: BTreeSet<usize> = (0..n).filter(|a| !bridges.contains(a)).collect();
                let sides: BTreeSet<BTreeSet<usize>> = rest
                    .iter()
                    .map(|a| heard[*a].intersection(&rest).copied().collect())
                    .collect();
                let total: usize = sides.iter().map(BTreeSet::len).sum();
                bridges.len() == 1 && sides.len() == 2 && total == n - 1
            }
            Shape::OneWay => {
                let back: Vec<Link> = cut.iter().map(|l| Link::new(&l.to, &l.from)).collect();
                let senders: BTreeSet<_> = cut.iter().map(|l| &l.from).collect();
                let receivers: BTreeSet<_> = cut.iter().map(|l| &l.to).collect();
                back.iter().all(|link| !cut.contains(link))
                    && senders.is_disjoint(&receivers)
                    && senders.len() + receivers.len() == n
                    && senders.len() * receivers.len() == cut.len()
            }
            Shape::Primaries => (0..n).all(|a| {
                let expected = if primaries.contains(&nodes[a]) {
                    1
                } else {
                    n - primaries.len()
                };
                heard[a].len() == expected
            }),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Every shape, every size from 1 to 9, by its definition.
        #[test]
        fn every_shape_is_what_it_says(seed: u64, lead in 0usize..9, second: bool) {
            for nodes in (1..=9).map(names) {
                let mut primaries: Vec<NodeName> = nodes.iter().skip(lead).take(1).cloned().collect();
                if second && nodes.len() > 2 && lead > 0 {
                    primaries.push(nodes[0].clone());
                }
                for shape in Shape::ALL {
                    let mut stream = random::stream(seed, shape.name());
                    let n = nodes.len();
                    match cuts(shape, &nodes, &primaries, &mut stream) {
                        Ok(cut) => {
                            prop_assert!(!cut.is_empty());
                            prop_assert!(cut.windows(2).all(|pair| pair[0] < pair[1]));
                            prop_assert!(cut.iter().all(|link| link.from != link.to));
                            prop_assert_eq!(is_symmetric(&cut), shape != Shape::OneWay);
                            prop_assert!(holds(shape, &nodes, &cut, &primaries), "{shape:?} of {n}: {cut:?}");
                        }
                        Err(Impossible::TooFewNodes { needed, .. }) => {
                            prop_assert!(n < needed && needed <= 3);
                        }
                        Err(_) => prop_assert!(shape == Shape::Primaries && primaries.is_empty()),
                    }
                }
            }
        }

        #[test]
        fn the_same_stream_cuts_the_same(seed: u64) {
            for shape in Shape::ALL {
                let once = cuts(shape, &names(7), &names(1), &mut random::stream(seed, "s"));
                let again = cuts(shape, &names(7), &names(1), &mut random::stream(seed, "s"));
                prop_assert_eq!(once, again);
            }
        }
    }

    #[test]
    fn a_single_node_has_nothing_to_cut() {
        for shape in Shape::ALL {
            let cut = cuts(shape, &names(1), &names(1), &mut random::stream(0, "s"));
            assert!(matches!(cut, Err(Impossible::TooFewNodes { nodes: 1, .. })));
        }
    }

    #[test]
    fn a_ring_of_five_hears_both_neighbours() {
        let nodes = names(5);
        let cut = majorities_ring(&nodes);
        let neighbours: BTreeSet<usize> = [4, 0, 1].into();
        assert_eq!(heard(&nodes, &cut)[0], neighbours);
    }
}
