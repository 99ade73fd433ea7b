//! Random problems against all ways to take sides, and what proofs have to keep.

use super::{Choices, Edge, NoSource, Order, Problem, Proof, Solution, Source, solve};
use crate::Budget;
use crate::linearizability::tests::random::Random;
use crate::searches::{at_least, share};

/// A problem written out: every choice is a pair of bundles.
#[derive(Clone, Debug)]
struct Small {
    nodes: u32,
    edges: Vec<Edge>,
    choices: Vec<[Vec<Edge>; 2]>,
}

impl Small {
    fn random(random: &mut Random) -> Self {
        let nodes = 2 + random.below(9) as u32;
        let mut edge = |forward: usize| {
            let from = random.below(nodes as usize) as u32;
            let to = random.below(nodes as usize) as u32;
            let forward = random.below(100) < forward;
            if forward {
                (from.min(to), from.max(to))
            } else {
                (from, to)
            }
        };
        let certain = edge(0).0 as usize;
        let edges = (0..certain)
            .map(|_| edge(98))
            .filter(|(from, to)| from != to)
            .collect();
        let tendency = [0, 30, 60][certain / 2 % 3];
        let count = 2 + (edge(0).0 + edge(0).1) as usize / 2;
        let mut bundle = || {
            let size = 1 + usize::from(edge(0).0 == 1);
            (0..size).map(|_| edge(tendency)).collect()
        };
        let choices = (0..count).map(|_| [bundle(), bundle()]).collect();
        Self {
            nodes,
            edges,
            choices,
        }
    }

    /// By the definition: some way to take sides leaves no cycle.
    fn has_order(&self) -> bool {
        (0..1_u32 << self.choices.len()).any(|sides| {
            let taken = self.choices.iter().enumerate();
            let taken = taken.flat_map(|(at, sides_of)| &sides_of[(sides >> at & 1) as usize]);
            acyclic(self.nodes, self.edges.iter().chain(taken))
        })
    }

    fn given(&self) -> Choices {
        let mut choices = Choices::default();
        for [either, or] in &self.choices {
            choices.push(either, or, (0, 0));
        }
        choices
    }

    fn keeps(&self, order: &Order) {
        assert!(self.edges.iter().all(|&edge| order.keeps(edge)));
        for sides in &self.choices {
            assert!(
                sides
                    .iter()
                    .any(|side| side.iter().all(|&edge| order.keeps(edge)))
            );
        }
        let mut places: Vec<u32> = (0..self.nodes).map(|node| order.place(node)).collect();
        places.sort_unstable();
        assert!(places.iter().copied().eq(0..self.nodes));
    }

    fn is_proved(&self, proof: &Proof, choices: &Choices, of: &[usize]) {
        let only = |kept: &dyn Fn(u32) -> bool| Self {
            choices: (proof.choices.iter())
                .filter(|&&choice| kept(choice))
                .map(|&choice| self.choices[of[choice as usize]].clone())
                .collect(),
            ..self.clone()
        };
        assert!(
            !only(&|_| true).has_order(),
            "the choices of a proof do not prove it"
        );
        if proof.minimal {
            for &left_out in &proof.choices {
                assert!(
                    only(&|choice| choice != left_out).has_order(),
                    "a choice too many"
                );
            }
        }
        for case in &proof.cases {
            for (at, hop) in case.cycle.iter().enumerate() {
                let edge = (hop.from, case.cycle[(at + 1) % case.cycle.len()].from);
                match hop.side {
                    None => assert!(self.edges.contains(&edge), "{edge:?} is not certain"),
                    Some((choice, or)) => {
                        assert!(case.taken.contains(&(choice, or)));
                        assert!(choices.edges(2 * choice + u32::from(or)).contains(&edge));
                    }
                }
            }
        }
        assert!(!proof.cases.is_empty());
        // Whatever sides are taken, some case speaks of it.
        let count = proof.choices.len();
        for sides in 0..1_u32 << count {
            let is_second = |choice: u32| {
                let at = proof.choices.iter().position(|&one| one == choice).unwrap();
                sides >> at & 1 == 1
            };
            assert!(proof.cases.iter().any(|case| {
                case.taken
                    .iter()
                    .all(|&(choice, or)| is_second(choice) == or)
            }));
        }
    }
}

fn acyclic<'a>(nodes: u32, edges: impl Iterator<Item = &'a Edge>) -> bool {
    let mut edges: Vec<Edge> = edges.copied().collect();
    let mut nodes: Vec<u32> = (0..nodes).collect();
    loop {
        let before = nodes.len();
        nodes.retain(|&node| edges.iter().any(|&(_, to)| to == node));
        edges.retain(|(from, _)| nodes.contains(from));
        if nodes.is_empty() || nodes.len() == before {
            return nodes.is_empty();
        }
    }
}

/// Tells of choices only when they are violated, one or two at a time.
struct Shy<'a> {
    small: &'a Small,
    /// Which of the choices each one that was told is.
    told: Vec<usize>,
}

impl Source for Shy<'_> {
    fn violated(&mut self, order: &Order, choices: &mut Choices) {
        for (at, sides) in self.small.choices.iter().enumerate() {
            if !sides
                .iter()
                .any(|side| side.iter().all(|&edge| order.keeps(edge)))
            {
                assert!(
                    !self.told.contains(&at),
                    "a choice that was known is violated"
                );
                choices.push(&sides[0], &sides[1], (at as u32, 0));
                self.told.push(at);
                if at % 2 == 0 {
                    return;
                }
            }
        }
    }
}

#[test]
fn every_small_problem_is_decided_as_trying_all_sides_does() {
    let mut random = Random::new(20);
    let (mut orders, mut by_choices) = (0, 0);
    for _ in 0..share(30_000) {
        let small = Small::random(&mut random);
        let hints: Vec<u32> = (0..small.nodes).map(|_| random.below(20) as u32).collect();
        let problem = Problem {
            nodes: small.nodes,
            edges: &small.edges,
            hints: &hints,
        };
        let expected = small.has_order();
        let mut given = small.given();
        let mut shy = Shy {
            small: &small,
            told: Vec::new(),
        };
        let mut asked = Choices::default();
        let all: Vec<usize> = (0..small.choices.len()).collect();
        for asks in [false, true] {
            let solution = if asks {
                solve(problem, &mut asked, &mut shy, &Budget::unlimited())
            } else {
                solve(problem, &mut given, &mut NoSource, &Budget::unlimited())
            };
            match solution {
                Solution::Order(order) => {
                    assert!(expected, "{small:?}");
                    small.keeps(&order);
                    orders += 1;
                }
                Solution::Cyclic(proof) => {
                    assert!(!expected, "{small:?}");
                    let (choices, of) = if asks {
                        (&asked, &shy.told)
                    } else {
                        (&given, &all)
                    };
                    small.is_proved(&proof, choices, of);
                    by_choices += usize::from(proof.choices.len() > 2);
                }
                Solution::Stopped { .. } => panic!("nothing should stop it"),
            }
        }
    }
    assert!(
        orders >= at_least(5_000) && by_choices >= at_least(500),
        "{orders} {by_choices}"
    );
}
