//! Choosing whom a fault hits.

use rand::RngExt;
use rand::seq::SliceRandom;
use rupture_targets::NodeName;
use rupture_targets::random::Stream;

use crate::fault::{Impossible, Targeting};

/// Who is there when a fault begins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scene {
    /// All nodes, in order. *One*, *minority* and *majority* count these.
    pub(crate) nodes: Vec<NodeName>,
    /// Those that believe to be primary.
    pub(crate) primaries: Vec<NodeName>,
    /// Those that the fault can hit now, in order.
    pub(crate) candidates: Vec<NodeName>,
}

/// The nodes that the targeting means, in order, of those that can be hit.
pub(crate) fn select(
    who: &Targeting,
    scene: &Scene,
    random: &mut Stream,
) -> Result<Vec<NodeName>, Impossible> {
    let nodes = scene.nodes.len();
    match who {
        Targeting::One => draw(1, scene, random),
        Targeting::Minority => {
            let most = nodes.saturating_sub(1) / 2;
            if most == 0 {
                return Err(too_few("a minority", 3, nodes));
            }
            let wanted = random.random_range(1..=most);
            draw(wanted.min(scene.candidates.len().max(1)), scene, random)
        }
        Targeting::Majority => draw(nodes / 2 + 1, scene, random),
        Targeting::All => draw(scene.candidates.len().max(1), scene, random),
        Targeting::Primaries => hittable(&scene.primaries, scene, "no primary can be hit now"),
        Targeting::Named(names) => {
            if let Some(stranger) = names.iter().find(|name| !scene.nodes.contains(name)) {
                return Err(Impossible::UnknownNode {
                    node: stranger.clone(),
                });
            }
            hittable(names, scene, "none of the named nodes can be hit now")
        }
    }
}

pub(crate) fn too_few(what: &str, needed: usize, nodes: usize) -> Impossible {
    Impossible::TooFewNodes {
        fault: what.to_owned(),
        needed,
        nodes,
    }
}

fn draw(wanted: usize, scene: &Scene, random: &mut Stream) -> Result<Vec<NodeName>, Impossible> {
    let able = scene.candidates.len();
    if able < wanted {
        return Err(Impossible::NobodyNow(format!(
            "{wanted} of {} nodes were to be hit, and {able} can be hit now",
            scene.nodes.len()
        )));
    }
    let mut chosen = scene.candidates.clone();
    chosen.shuffle(random);
    chosen.truncate(wanted);
    chosen.sort();
    Ok(chosen)
}

fn hittable(
    wanted: &[NodeName],
    scene: &Scene,
    otherwise: &str,
) -> Result<Vec<NodeName>, Impossible> {
    let chosen: Vec<NodeName> = scene
        .candidates
        .iter()
        .filter(|node| wanted.contains(node))
        .cloned()
        .collect();
    if chosen.is_empty() {
        return Err(Impossible::NobodyNow(otherwise.to_owned()));
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rupture_targets::random;

    fn names(count: u32) -> Vec<NodeName> {
        (0..count).map(NodeName::numbered).collect()
    }

    fn any_targeting() -> impl Strategy<Value = Targeting> {
        prop_oneof![
            Just(Targeting::One),
            Just(Targeting::Minority),
            Just(Targeting::Majority),
            Just(Targeting::All),
            Just(Targeting::Primaries),
        ]
    }

    proptest! {
        #[test]
        fn a_targeting_hits_as_many_as_it_says(
            who in any_targeting(), nodes in 1u32..=9, able in 0u32..=9, primary in 0u32..9, seed: u64,
        ) {
            let scene = Scene {
                nodes: names(nodes),
                primaries: names(nodes).into_iter().skip(primary as usize).take(1).collect(),
                candidates: names(able.min(nodes)),
            };
            let n = nodes as usize;
            let hit = select(&who, &scene, &mut random::stream(seed, "t"));
            if let Ok(hit) = hit {
                    prop_assert!(!hit.is_empty());
                    prop_assert!(hit.is_sorted());
                    prop_assert!(hit.iter().all(|node| scene.candidates.contains(node)));
                    match who {
                        Targeting::One => prop_assert_eq!(hit.len(), 1),
                        Targeting::Minority => prop_assert!(2 * hit.len() < n),
                        Targeting::Majority => prop_assert_eq!(hit.len(), n / 2 + 1),
                        Targeting::All => prop_assert_eq!(hit, scene.candidates),
                        Targeting::Primaries => prop_assert_eq!(hit, scene.primaries),
                        Targeting::Named(_) => unreachable!(),
                    }
            } else {
                    let able = scene.candidates.len();
                    let possible = match who {
                        Targeting::One | Targeting::All => able > 0,
                        Targeting::Minority => n > 2 && able > 0,
                        Targeting::Majority => able > n / 2,
                        _ => scene.primaries.iter().any(|p| scene.candidates.contains(p)),
                    };
                    prop_assert!(!possible, "{who:?} was possible");
            }
        }
    }

    #[test]
    fn a_name_that_nobody_has_is_refused() {
        let scene = Scene {
            nodes: names(3),
            primaries: Vec::new(),
            candidates: names(3),
        };
        let who = Targeting::Named(vec!["n2".into(), "n4".into()]);
        let refused = select(&who, &scene, &mut random::stream(0, "t"));
        assert_eq!(refused, Err(Impossible::UnknownNode { node: "n4".into() }));
    }
}
