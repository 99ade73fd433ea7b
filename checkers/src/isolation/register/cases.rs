//! Why what is forbidden leaves no order: a proof by cases, each of which has a cycle with at most one anti-dependency.
//!
//! The solver tells which choices its contradiction rests on. Each case takes sides of some, and a cycle of certain edges
//! and of edges of these sides is looked for, the shortest that there is. The side whose cycle has no anti-dependency is
//! tried first, and then the one with the shortest cycle.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};

use super::encode::Encoding;
use super::lone::{Lone, Pair, Ways};
use super::prepared::Prepared;
use super::reads::NONE;
use crate::Budget;
use crate::isolation::solver::{Case, Choices, Hop, Proof};

/// How many cases are told.
const CASES: usize = 32;
/// Of how many choices the sides are tried.
const TRIED: usize = 48;

/// A side of a choice.
type Side = (u32, bool);

/// A transaction, and whether the way to it has an anti-dependency.
type State = (u32, bool);

/// The proof from these choices; without cases where they are too many to tell.
pub(super) fn proof<'e, 'p, 'a>(
    encoding: &Encoding<'e, 'p, 'a>,
    lone: &Lone<'e, 'p, 'a>,
    choices: &Choices,
    used: Vec<u32>,
    budget: &Budget<'_>,
) -> Proof {
    let search = Search {
        prepared: encoding.prepared,
        encoding,
        lone,
        choices,
        after: encoding.assumed_after(),
    };
    let mut proof = Proof {
        choices: used,
        ..Proof::default()
    };
    if proof.choices.len() <= TRIED
        && let Some(cases) = search.cases(&proof.choices, budget)
    {
        let taken = cases.iter().flat_map(|case| &case.taken);
        let told: FxHashSet<u32> = taken.map(|side| side.0).collect();
        proof.choices.retain(|choice| told.contains(choice));
        proof.cases = cases;
    }
    proof
}

struct Search<'s, 'e, 'p, 'a> {
    prepared: &'s Prepared<'p, 'a>,
    encoding: &'s Encoding<'e, 'p, 'a>,
    lone: &'s Lone<'e, 'p, 'a>,
    choices: &'s Choices,
    /// By chain: those that are assumed to come after it.
    after: FxHashMap<u32, Vec<u32>>,
}

impl Search<'_, '_, '_, '_> {
    fn cases(&self, used: &[u32], budget: &Budget<'_>) -> Option<Vec<Case>> {
        let mut cases = Vec::new();
        let mut open: Vec<Vec<Side>> = vec![Vec::new()];
        while let Some(taken) = open.pop() {
            if cases.len() + open.len() >= CASES || budget.is_over() {
                return None;
            }
            if let Some(cycle) = self.cycle(&taken) {
                cases.push(Case { taken, cycle });
                continue;
            }
            let (choice, second) = self.branch(used, &taken)?;
            for second in [!second, second] {
                open.push([&taken[..], &[(choice, second)]].concat());
            }
        }
        Some(cases)
    }

    /// The next side to try: one that closes a cycle at once if there is one.
    fn branch(&self, used: &[u32], taken: &[Side]) -> Option<Side> {
        let left = used
            .iter()
            .filter(|&&choice| taken.iter().all(|side| side.0 != choice));
        let sides = left.flat_map(|&choice| [(choice, false), (choice, true)]);
        let closing = sides.clone().filter_map(|side| {
            let cycle = self.cycle(&[taken, &[side]].concat())?;
            Some((self.has_anti(&cycle), cycle.len(), side))
        });
        let best = closing.min().map(|(_, _, side)| side);
        best.or_else(|| sides.clone().next())
    }

    /// The chains of a side, the earlier first.
    fn pair(&self, (choice, second): Side) -> Pair {
        let (one, other) = self.choices.about(choice);
        if second { (other, one) } else { (one, other) }
    }

    /// Whether some step of a cycle is no dependency.
    fn has_anti(&self, cycle: &[Hop]) -> bool {
        let next = cycle.iter().cycle().skip(1);
        cycle.iter().zip(next).any(|(hop, to)| {
            if let Some(side) = hop.side {
                let (one, _) = self.pair(side);
                return self.encoding.tail_writer(one) != Some(hop.from);
            }
            let reads = self.lone.readers.of(hop.from).contains(&to.from);
            let mut ended = self.lone.ended.of(hop.from).iter();
            let follows = |chain: &u32| {
                let mut heads = self.behind(*chain, &[]);
                heads.any(|(next, _)| self.encoding.head_writer(next) == Some(to.from))
            };
            !reads && !ended.any(follows)
        })
    }

    /// The chains that come after one: certainly, and by the sides that are taken.
    fn behind<'s>(
        &'s self,
        chain: u32,
        taken: &'s [Side],
    ) -> impl Iterator<Item = (u32, Option<Side>)> + 's {
        let certain = self.encoding.others(chain);
        let assumed = self.after.get(&chain).into_iter().flatten().copied();
        let chosen = taken.iter().filter_map(move |&side| {
            let (one, other) = self.pair(side);
            (one == chain).then_some((other, Some(side)))
        });
        certain
            .chain(assumed)
            .map(|next| (next, None))
            .chain(chosen)
    }

    /// A shortest cycle through an edge of the side that was taken last. Before that there was none.
    fn cycle(&self, taken: &[Side]) -> Option<Vec<Hop>> {
        let &last = taken.last()?;
        let (one, other) = self.pair(last);
        let direct = self.missing((one, other), last);
        let walked = self.walk(taken, (one, other), last);
        direct
            .into_iter()
            .chain(walked)
            .min_by_key(|cycle| (self.has_anti(cycle), cycle.len()))
    }

    /// A read that misses what its reader saw another write of, by the side.
    fn missing(&self, pair: Pair, side: Side) -> Option<Vec<Hop>> {
        let of = &self.encoding.units.of;
        let found = self
            .lone
            .missed
            .iter()
            .filter(|missed| (of[missed.read as usize], of[missed.written as usize]) == pair);
        let cycles = found.map(|&missed| {
            let legs = self.lone.missing(self.encoding, missed);
            let hop = |(from, by): (u32, Option<Pair>)| Hop {
                from,
                side: by.map(|_| side),
            };
            legs.into_iter().map(hop).collect::<Vec<Hop>>()
        });
        cycles.min_by_key(Vec::len)
    }

    /// From whoever wrote the second chain back to whoever wrote or read the end of the first.
    fn walk(&self, taken: &[Side], (one, other): Pair, side: Side) -> Option<Vec<Hop>> {
        let start = self.encoding.head_writer(other)?;
        let writer = self.encoding.tail_writer(one)?;
        let any = self.lone.ways == Ways::Any;
        let tail = self.encoding.units.list[one as usize].tail;
        let readers: FxHashSet<u32> = if any {
            let readers = self.prepared.readers(tail).map(|read| read.reader);
            readers.filter(|&reader| reader != start).collect()
        } else {
            FxHashSet::default()
        };
        let mut came: FxHashMap<State, (State, Option<Side>)> = FxHashMap::default();
        let mut firsts: FxHashSet<(u32, bool)> = FxHashSet::default();
        let mut queue: VecDeque<(State, State, Option<Side>)> =
            VecDeque::from([((start, false), (NONE, false), None)]);
        while let Some((state, before, by)) = queue.pop_front() {
            if came.contains_key(&state) {
                continue;
            }
            came.insert(state, (before, by));
            let (node, anti) = state;
            if node == writer || !anti && readers.contains(&node) {
                return Some(hops(&came, state, side));
            }
            let mut step = |to: u32, anti: bool, by: Option<Side>| {
                if to != node && !came.contains_key(&(to, anti)) {
                    queue.push_back(((to, anti), state, by));
                }
            };
            for &reader in self.lone.readers.of(node) {
                step(reader, anti, None);
            }
            for &chain in self.lone.ended.of(node) {
                self.over(chain, anti, taken, &mut firsts, &mut step);
            }
            if anti || !any {
                continue;
            }
            for read in self.prepared.reads.of_reader(node) {
                let chain = self.encoding.units.of[read.version as usize];
                if self.encoding.units.list[chain as usize].tail == read.version {
                    self.over(chain, true, taken, &mut firsts, &mut step);
                } else if let Some(next) = self
                    .prepared
                    .writer(self.prepared.next[read.version as usize])
                {
                    step(next, true, None);
                }
            }
        }
        None
    }

    /// Steps over to the chains behind one; from a first chain once is enough.
    fn over(
        &self,
        chain: u32,
        anti: bool,
        taken: &[Side],
        firsts: &mut FxHashSet<(u32, bool)>,
        step: &mut impl FnMut(u32, bool, Option<Side>),
    ) {
        if self.encoding.is_first(chain) && !firsts.insert((chain, anti)) {
            return;
        }
        for (next, by) in self.behind(chain, taken) {
            if let Some(to) = self.encoding.head_writer(next) {
                step(to, anti, by);
            }
        }
    }
}

/// The way to a state as a cycle, which a side closes.
fn hops(came: &FxHashMap<State, (State, Option<Side>)>, to: State, side: Side) -> Vec<Hop> {
    let mut cycle = vec![Hop {
        from: to.0,
        side: Some(side),
    }];
    let mut at = to;
    while let Some(&(before, by)) = came.get(&at).filter(|(before, _)| before.0 != NONE) {
        cycle.push(Hop {
            from: before.0,
            side: by,
        });
        at = before;
    }
    cycle.reverse();
    cycle
}
