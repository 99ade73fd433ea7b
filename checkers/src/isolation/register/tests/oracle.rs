//! The levels as Adya defines them: an order of versions for every key, and then the cycles. Shares no code with the
//! judge. It says the same as the [orders of commits](super::orders), and is slower, so fewer histories are tried.

use rupture_history::Outcome;

use super::stores::{Act, Txn};
use crate::isolation::Level;
use crate::isolation::assumed::Assumptions;

const KEYS: usize = 3;

fn last_write(txn: &Txn, key: usize) -> Option<u32> {
    txn.acts.iter().rev().find_map(|&(of, act)| match act {
        Act::Write(value) if of == key => Some(value),
        _ => None,
    })
}

/// Whether no read returned what the transaction wrote only later: a cycle of one.
fn foresees_nothing(txn: &Txn) -> bool {
    (0..txn.acts.len()).all(|at| {
        let (key, act) = txn.acts[at];
        !matches!(act, Act::Read(value) if txn.acts[at..].contains(&(key, Act::Write(value))))
    })
}

/// Whether each read agrees with what the transaction itself did last to the key, and foresees nothing.
fn is_internally_consistent(txn: &Txn) -> bool {
    let mut known: [Option<u32>; KEYS] = [None; KEYS];
    foresees_nothing(txn)
        && txn.acts.iter().all(|&(key, act)| match act {
            Act::Write(value) => {
                known[key] = Some(value);
                true
            }
            Act::Read(value) => known[key]
                .replace(value)
                .is_none_or(|before| before == value),
        })
}

/// What the graph of a level has beside reads and writes.
struct Rules {
    snapshots: bool,
    sessions: bool,
    real_time: bool,
}

fn rules(level: Level) -> Rules {
    use Level::{
        Prefix, SnapshotIsolation, StrictSerializable, StrongSessionSerializable,
        StrongSessionSnapshotIsolation, StrongSnapshotIsolation,
    };
    Rules {
        snapshots: matches!(
            level,
            SnapshotIsolation | StrongSessionSnapshotIsolation | StrongSnapshotIsolation | Prefix
        ),
        sessions: matches!(
            level,
            StrongSessionSerializable | StrongSessionSnapshotIsolation | Prefix
        ),
        real_time: matches!(level, StrictSerializable | StrongSnapshotIsolation),
    }
}

fn must_follow(rules: &Rules, one: &Txn, other: &Txn) -> bool {
    (rules.real_time || rules.sessions && one.process == other.process)
        && one.outcome == Outcome::Ok
        && one.precedes(other)
}

/// Whether versions are as it is assumed, by where each stands among those of its key.
fn versions_keep(
    txns: &[Txn],
    there: &[usize],
    assumptions: Assumptions,
    place: &dyn Fn(usize, u32) -> Option<usize>,
) -> bool {
    if assumptions == Assumptions::default() {
        return true;
    }
    (0..KEYS).all(|key| {
        // Where versions stand that it met, and whether it wrote them; only what it leaves behind is a version.
        let met = |at: usize| -> Vec<(usize, bool)> {
            let of_key = txns[at].acts.iter().filter(|(of, _)| *of == key);
            let values = of_key.filter_map(|&(_, act)| match act {
                Act::Write(value) => Some((place(key, value)?, true)),
                Act::Read(value) if txns[at].outcome == Outcome::Ok => {
                    Some((place(key, value)?, false))
                }
                Act::Read(_) => None,
            });
            values.collect()
        };
        let along = assumptions.sequential_keys || assumptions.linearizable_keys;
        there.iter().all(|&one| {
            let own = met(one);
            let within = own
                .windows(2)
                .all(|pair| pair[0].0 <= pair[1].0 || !(along || pair[1].1));
            within
                && there.iter().all(|&other| {
                    let same = txns[one].process == txns[other].process;
                    let counts =
                        assumptions.linearizable_keys || assumptions.sequential_keys && same;
                    if one == other || !counts || !txns[one].precedes(&txns[other]) {
                        return true;
                    }
                    match (own.last(), met(other).first()) {
                        (Some((last, _)), Some((first, _))) => last <= first,
                        _ => true,
                    }
                })
        })
    })
}

/// Which edges a graph of Adya's has.
type Edges = [[bool; 8]; 8];

/// Whether some choice of unknown transactions and of version orders shows none of the phenomena of the level.
pub(super) fn has_versions(txns: &[Txn], level: Level, assumptions: Assumptions) -> bool {
    let consistent = |txn: &Txn| match level {
        Level::RepeatableRead | Level::ConsistentView | Level::CursorStability => {
            foresees_nothing(txn)
        }
        _ => is_internally_consistent(txn),
    };
    if !txns
        .iter()
        .all(|txn| txn.outcome != Outcome::Ok || consistent(txn))
    {
        return false;
    }
    let unknown: Vec<usize> = (0..txns.len())
        .filter(|&at| txns[at].outcome == Outcome::Info)
        .collect();
    (0..1_usize << unknown.len()).any(|chosen| {
        let there: Vec<usize> = (0..txns.len())
            .filter(|at| match txns[*at].outcome {
                Outcome::Ok => true,
                Outcome::Fail => false,
                Outcome::Info => {
                    let place = unknown.iter().position(|one| one == at).unwrap_or(0);
                    chosen >> place & 1 == 1
                }
            })
            .collect();
        reads_are_of(txns, &there)
            && some_versions(txns, &there, level, assumptions, &mut Vec::new())
    })
}

/// No garbage, no G1a, no G1b.
fn reads_are_of(txns: &[Txn], there: &[usize]) -> bool {
    there
        .iter()
        .filter(|&&at| txns[at].outcome == Outcome::Ok)
        .all(|&at| {
            txns[at].acts.iter().all(|&(key, act)| match act {
                Act::Read(0) | Act::Write(_) => true,
                Act::Read(value) => {
                    let own = txns[at].acts.contains(&(key, Act::Write(value)));
                    own || there
                        .iter()
                        .any(|&from| last_write(&txns[from], key) == Some(value))
                }
            })
        })
}

fn some_versions(
    txns: &[Txn],
    there: &[usize],
    level: Level,
    assumptions: Assumptions,
    orders: &mut Vec<Vec<usize>>,
) -> bool {
    if orders.len() == KEYS {
        let place = |key: usize, value: u32| {
            let at = orders[key]
                .iter()
                .position(|&at| last_write(&txns[at], key) == Some(value));
            if value == 0 {
                Some(0)
            } else {
                at.map(|at| at + 1)
            }
        };
        return versions_keep(txns, there, assumptions, &place)
            && allowed(txns, there, level, orders);
    }
    // What some orders of versions show, they show whatever the others are.
    if !allowed(txns, there, level, orders) {
        return false;
    }
    let key = orders.len();
    let writers: Vec<usize> = there
        .iter()
        .copied()
        .filter(|&at| last_write(&txns[at], key).is_some())
        .collect();
    permutations(&writers).into_iter().any(|order| {
        orders.push(order);
        let found = some_versions(txns, there, level, assumptions, orders);
        orders.pop();
        found
    })
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for at in 0..items.len() {
        let mut rest = items.to_vec();
        let first = rest.remove(at);
        for mut order in permutations(&rest) {
            order.insert(0, first);
            all.push(order);
        }
    }
    all
}

/// No cycle that the level forbids.
fn allowed(txns: &[Txn], there: &[usize], level: Level, orders: &[Vec<usize>]) -> bool {
    let rules = rules(level);
    let mut depends: Edges = [[false; 8]; 8];
    let mut anti: Edges = [[false; 8]; 8];
    for &one in there {
        for &other in there {
            depends[one][other] = one != other && must_follow(&rules, &txns[one], &txns[other]);
        }
    }
    for (key, order) in orders.iter().enumerate() {
        for pair in order.windows(2) {
            depends[pair[0]][pair[1]] = true;
        }
        for &reader in there.iter().filter(|&&at| txns[at].outcome == Outcome::Ok) {
            for &(of, act) in &txns[reader].acts {
                let Act::Read(value) = act else { continue };
                if of != key || txns[reader].acts.contains(&(key, Act::Write(value))) {
                    continue;
                }
                let from = order
                    .iter()
                    .position(|&at| last_write(&txns[at], key) == Some(value));
                if let Some(from) = from {
                    depends[order[from]][reader] = true;
                }
                let next = from.map_or(0, |at| at + 1);
                if let Some(&next) = order.get(next).filter(|&&next| next != reader) {
                    anti[reader][next] = true;
                }
            }
        }
    }
    let stale = Stale {
        txns,
        there,
        orders,
    };
    match level {
        Level::ParallelSnapshotIsolation | Level::ConsistentView => {
            return acyclic(depends) && !has_single(&depends, &anti);
        }
        Level::CursorStability => return acyclic(depends) && !stale.has_lost_update(),
        Level::UpdateAtomic => {
            return acyclic(depends) && !stale.has_lost_update() && !stale.is_fractured();
        }
        _ => {}
    }
    let joined = if rules.snapshots {
        followed(&depends, &anti)
    } else {
        either(&depends, &anti)
    };
    acyclic(joined)
}

/// G-single (Adya 1999, 4.2.1): dependencies lead back from whoever overwrote a read to its reader.
fn has_single(depends: &Edges, anti: &Edges) -> bool {
    let reach = closure(*depends);
    (0..8).any(|from| (0..8).any(|to| anti[from][to] && reach[to][from]))
}

/// What is read, by places in the orders of versions: 0 is the initial version.
struct Stale<'s> {
    txns: &'s [Txn],
    there: &'s [usize],
    orders: &'s [Vec<usize>],
}

impl Stale<'_> {
    /// What the `ok` transactions read of others: reader, key, who wrote it, and its place.
    fn reads(&self) -> Vec<(usize, usize, Option<usize>, usize)> {
        let mut reads = Vec::new();
        let ok = |at: &&usize| self.txns[**at].outcome == Outcome::Ok;
        for &reader in self.there.iter().filter(ok) {
            for &(key, act) in &self.txns[reader].acts {
                let Act::Read(value) = act else { continue };
                if key >= self.orders.len()
                    || self.txns[reader].acts.contains(&(key, Act::Write(value)))
                {
                    continue;
                }
                let order = &self.orders[key];
                let place = order
                    .iter()
                    .position(|&at| last_write(&self.txns[at], key) == Some(value));
                if value == 0 || place.is_some() {
                    let writer = place.map(|place| order[place]);
                    reads.push((reader, key, writer, place.map_or(0, |place| place + 1)));
                }
            }
        }
        reads
    }

    fn place(&self, key: usize, writer: usize) -> Option<usize> {
        let place = self.orders.get(key)?.iter().position(|&at| at == writer);
        place.map(|place| place + 1)
    }

    /// Who read a key and wrote it did not write the next version: P4 of Berenson et al. (1995), and G-cursor of Adya (1999,
    /// 4.2.2), a cycle of one `rw` and `ww` on one key.
    fn has_lost_update(&self) -> bool {
        let reads = self.reads();
        reads.iter().any(|&(reader, key, _, read)| {
            let own = self.place(key, reader);
            own.is_some_and(|own| own > read + 1)
        })
    }

    /// Who read from a transaction read an older version of something else that it wrote.
    fn is_fractured(&self) -> bool {
        let reads = self.reads();
        reads.iter().any(|&(reader, _, from, _)| {
            let Some(from) = from else { return false };
            reads.iter().any(|&(other, key, _, read)| {
                let wrote = self.place(key, from);
                other == reader && wrote.is_some_and(|wrote| wrote > read)
            })
        })
    }
}

fn either(one: &Edges, other: &Edges) -> Edges {
    let mut both = *one;
    for from in 0..8 {
        for to in 0..8 {
            both[from][to] |= other[from][to];
        }
    }
    both
}

/// Dependencies, each perhaps followed by one anti-dependency.
fn followed(depends: &Edges, anti: &Edges) -> Edges {
    let mut all = *depends;
    for from in 0..8 {
        for over in 0..8 {
            for to in 0..8 {
                all[from][to] |= depends[from][over] && anti[over][to];
            }
        }
    }
    all
}

fn closure(mut edges: Edges) -> Edges {
    for over in 0..8 {
        for from in 0..8 {
            for to in 0..8 {
                edges[from][to] |= edges[from][over] && edges[over][to];
            }
        }
    }
    edges
}

fn acyclic(edges: Edges) -> bool {
    let reach = closure(edges);
    (0..8).all(|node| !reach[node][node])
}
