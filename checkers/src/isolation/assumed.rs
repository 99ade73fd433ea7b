//! The order of versions of a register that [assumptions](Assumptions) give, whatever the level.
//!
//! Each transaction meets versions of a key in the order of its micro-operations: what it reads of others, and what
//! it leaves behind. With `wfr_keys` what it read comes before what it left. Keys that are sequential or
//! linearizable give that too, and go on from the last that was met by what had completed to the first that is met
//! by what is invoked later, of the same process or of any. A version that is met twice in a row is not before
//! itself. What a transaction read only after it wrote is not in order with it by `wfr_keys`: no write followed.

use rustc_hash::FxHashMap;

use super::level::Level;
use super::transactions::{Act, Registers, Transactions, Writes};
use crate::Id;

/// What may be taken for granted of the order in which versions of a key came, beside what reads show. Elle's names
/// and meanings. An assumption that the store does not keep may make a history `invalid` that its level allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Assumptions {
    /// *Writes follow reads*: what a transaction reads of a key comes before what it goes on to write to it.
    pub(crate) wfr_keys: bool,
    /// Every key by itself is sequentially consistent: each process meets its versions in their order, within a
    /// transaction and from one that completed to those that it invoked later.
    pub(crate) sequential_keys: bool,
    /// Every key by itself is linearizable: what a transaction met of a key when it completed does not come after
    /// what those meet that are invoked later, whoever they are.
    pub(crate) linearizable_keys: bool,
}

impl Assumptions {
    /// What is assumed and part of a level anyway, each with the reason.
    pub(crate) fn implied(self, level: Level) -> impl Iterator<Item = String> {
        let reads_count = level.implies(Level::ReadCommitted) || level == Level::WritesFollowReads;
        [
            (
                "wfr-keys",
                self.wfr_keys && reads_count,
                "a transaction comes after whose writes it read",
            ),
            (
                "sequential-keys",
                self.sequential_keys && level.implies(Level::CausalConvergence),
                "it keeps the order of sessions",
            ),
            (
                "linearizable-keys",
                self.linearizable_keys && level.implies(Level::StrongSnapshotIsolation),
                "it keeps real time",
            ),
        ]
        .into_iter()
        .filter(|(_, implied, _)| *implied)
        .map(move |(name, _, why)| format!("`{name}` is part of {level} already: {why}"))
    }
}

/// Nothing, nobody.
const NONE: u32 = u32::MAX;

/// A version of a key: the place of its write in the list of all; behind these come the initial versions by key.
type Version = u32;

/// Two different versions of a key of which the first is assumed to be earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Assumed {
    pub(crate) earlier: Version,
    pub(crate) later: Version,
    /// Whether two transactions show it, and not one that met both.
    apart: bool,
    /// Who met the earlier one, and who met the later one.
    pub(crate) met: (u32, u32),
}

impl Assumed {
    fn of((earlier, from): (Version, u32), (later, to): (Version, u32)) -> Option<Self> {
        (earlier != later).then_some(Self {
            earlier,
            later,
            apart: from != to,
            met: (from, to),
        })
    }
}

/// The first and the last version of a key that a transaction met.
#[derive(Clone, Copy, Debug)]
struct Met {
    transaction: u32,
    key: u32,
    first: Version,
    last: Version,
    /// The last of its versions in the list of all that transactions met.
    listed: u32,
}

/// What is assumed of versions, by the earlier and then the later one; each pair once. `is_version` says of each write
/// whether it made a version: its transaction takes part, and it is its last of the key.
pub(crate) fn assumed(
    transactions: &Transactions<'_, Registers>,
    writes: &Writes,
    is_version: &[bool],
    assumptions: Assumptions,
) -> Vec<Assumed> {
    if assumptions == Assumptions::default() {
        return Vec::new();
    }
    let mut pairs = Vec::new();
    let along = assumptions.sequential_keys || assumptions.linearizable_keys;
    let met = met(transactions, writes, is_version, along, &mut pairs);
    if assumptions.sequential_keys {
        along_sessions(transactions, &met, &mut pairs);
    }
    if assumptions.linearizable_keys {
        along_time(transactions, &met, &mut pairs);
    }
    pairs.sort_unstable();
    pairs.dedup_by_key(|pair| (pair.earlier, pair.later));
    pairs
}

/// What every transaction met of every key, by transaction. What it read before it wrote goes into the pairs, and
/// `along` its micro-operations whatever came after something else.
fn met(
    transactions: &Transactions<'_, Registers>,
    writes: &Writes,
    is_version: &[bool],
    along: bool,
    pairs: &mut Vec<Assumed>,
) -> Vec<Met> {
    let mut all: Vec<Met> = Vec::new();
    let mut slot: Vec<u32> = vec![NONE; transactions.key_count()];
    // Versions, each with the place of the one before it of the same transaction and key.
    let mut listed: Vec<(Version, u32)> = Vec::new();
    for transaction in 0..transactions.len() as u32 {
        let start = all.len();
        for place in transactions.places(transaction) {
            let micro = transactions.micros()[place];
            let (Act::Write(value) | Act::Read(value)) = micro.act;
            let version = match writes.place(micro.key, value) {
                Some(write) => is_version[write].then_some(write as Version),
                None => (value == Id::NIL).then(|| writes.initial(micro.key)),
            };
            let Some(version) = version else { continue };
            let known = slot[micro.key as usize];
            if known == NONE || (known as usize) < start {
                slot[micro.key as usize] = all.len() as u32;
                all.push(Met {
                    transaction,
                    key: micro.key,
                    first: version,
                    last: version,
                    listed: listed.len() as u32,
                });
                listed.push((version, NONE));
                continue;
            }
            let met = &mut all[known as usize];
            let later = (version, transaction);
            if along {
                pairs.extend(Assumed::of((met.last, transaction), later));
            } else if writes.writer(version) == Some(transaction) {
                let mut at = met.listed;
                while let Some(&(earlier, before)) = listed.get(at as usize) {
                    pairs.extend(Assumed::of((earlier, transaction), later));
                    at = before;
                }
            }
            met.last = version;
            listed.push((version, met.listed));
            met.listed = listed.len() as u32 - 1;
        }
    }
    all
}

fn along_sessions(
    transactions: &Transactions<'_, Registers>,
    met: &[Met],
    pairs: &mut Vec<Assumed>,
) {
    let mut last: FxHashMap<(i64, u32), (Version, u32)> = FxHashMap::default();
    for met in met {
        let operation = transactions.operations[met.transaction as usize];
        let place = (operation.process, met.key);
        let left = (met.last, met.transaction);
        let before = if operation.ended().is_some() {
            last.insert(place, left)
        } else {
            last.get(&place).copied()
        };
        let first = (met.first, met.transaction);
        pairs.extend(before.and_then(|before| Assumed::of(before, first)));
    }
}

fn along_time(transactions: &Transactions<'_, Registers>, met: &[Met], pairs: &mut Vec<Assumed>) {
    let mut events: Vec<(u32, u32, u32, bool)> = Vec::new();
    for (at, met) in met.iter().enumerate() {
        let operation = transactions.operations[met.transaction as usize];
        events.push((met.key, operation.invoked, at as u32, false));
        events.extend(operation.ended().map(|row| (met.key, row, at as u32, true)));
    }
    events.sort_unstable();
    // What had completed and is not known to be before something else that had, and who met it.
    let mut front: Vec<(Version, u32)> = Vec::new();
    // The same, as it was when each transaction was invoked.
    let mut fronts: FxHashMap<u32, Vec<(Version, u32)>> = FxHashMap::default();
    let mut of = NONE;
    for (key, _, at, completes) in events {
        if key != of {
            of = key;
            front.clear();
            fronts.clear();
        }
        let met = met[at as usize];
        if completes {
            let overtaken = fronts.remove(&at).unwrap_or_default();
            front.retain(|before| !overtaken.contains(before) && before.0 != met.last);
            front.push((met.last, met.transaction));
        } else {
            let first = (met.first, met.transaction);
            let before = front.iter().copied();
            pairs.extend(before.filter_map(|before| Assumed::of(before, first)));
            fronts.insert(at, front.clone());
        }
    }
}
