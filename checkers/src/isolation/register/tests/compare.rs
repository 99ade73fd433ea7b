//! Random small histories at every level, against the definitions.

use crate::searches::small_share;
use rupture_history::verdict::Anomaly;

use super::oracle::has_versions;
use super::orders::Facts;
use super::stores::{KINDS, Kind, Size, Txn, events, history, lie};
use crate::Budget;
use crate::isolation::Level;
use crate::isolation::assumed::Assumptions;
use crate::isolation::register::{LEVELS, Prepared, Ruling};
use crate::isolation::transactions::{Registers, Transactions, Writes};
use crate::linearizability::tests::random::Random;

fn size(random: &mut Random) -> Size {
    Size {
        transactions: 2 + random.below(6),
        processes: 2 + random.below(3),
        keys: 1 + random.below(3),
        acts: 1 + random.below(4),
        writes: 25 + 15 * random.below(4),
        losing: [0, 3, 8][random.below(3)],
    }
}

pub(super) fn some(random: &mut Random) -> (Kind, Vec<Txn>) {
    let kind = KINDS[random.below(KINDS.len())];
    let size = size(random);
    let mut txns = history(kind, size, random);
    if random.below(3) == 0 {
        lie(&mut txns, random);
    }
    (kind, txns)
}

pub(super) fn assumptions(random: &mut Random) -> Assumptions {
    let mut some = Assumptions::default();
    match random.below(8) {
        0 => some.wfr_keys = true,
        1 => some.sequential_keys = true,
        2 => some.linearizable_keys = true,
        3 => {
            some.linearizable_keys = true;
            some.sequential_keys = true;
        }
        4 => {
            some.wfr_keys = true;
            some.sequential_keys = true;
        }
        _ => {}
    }
    some
}

/// What Adya's graphs are tried for as well: repeatable read, and a level of either shape.
const GRAPHS: [Level; 3] = [
    Level::RepeatableRead,
    Level::Serializable,
    Level::StrongSnapshotIsolation,
];

/// Of so many histories one has its graphs tried.
const EACH: usize = 50;

/// How often each level held, and what was told.
#[derive(Default)]
struct Seen {
    held: [usize; LEVELS.len()],
    told: usize,
    supposed: usize,
}

impl Seen {
    /// Compares all levels on one history.
    fn compare(&mut self, txns: &[Txn], assumptions: Assumptions, graphs: bool) {
        let expected = Facts::of(txns, assumptions).held();
        for level in GRAPHS.into_iter().filter(|_| graphs) {
            let at = LEVELS.iter().position(|&one| one == level).unwrap();
            let found = has_versions(txns, level, assumptions);
            assert_eq!(found, expected[at], "{level} {assumptions:?} {txns:#?}");
        }
        let history = events(txns);
        let operations = history.operations().unwrap();
        let transactions = Transactions::<Registers>::read(&history, operations).unwrap();
        let writes = Writes::of(&transactions).unwrap();
        let budget = Budget::unlimited();
        let prepared = Prepared::of(&transactions, &writes, assumptions, &budget).unwrap();
        for (at, level) in LEVELS.into_iter().enumerate() {
            let found = prepared.judge(level, &budget);
            let holds = match &found {
                Ruling::Holds => true,
                Ruling::Violated(anomalies) => {
                    self.look(anomalies);
                    false
                }
                Ruling::Unknown(reason) => panic!("{reason}"),
            };
            assert_eq!(
                holds, expected[at],
                "{level} {assumptions:?} {txns:#?} {found:#?}"
            );
            self.held[at] += usize::from(holds);
        }
    }

    fn look(&mut self, anomalies: &[Anomaly]) {
        assert!(
            !anomalies.is_empty() && anomalies.iter().all(|one| !one.evidence.is_empty()),
            "{anomalies:?}"
        );
        self.told += usize::from(anomalies.iter().any(|one| !one.dependencies.is_empty()));
        self.supposed += usize::from(anomalies.iter().any(|one| one.kind.starts_with("non")));
    }
}

/// Compares so many histories.
fn compare(seed: u64, histories: usize) -> Seen {
    let mut random = Random::new(seed);
    let mut seen = Seen::default();
    for number in 0..histories {
        let (_, txns) = some(&mut random);
        let assumptions = assumptions(&mut random);
        seen.compare(&txns, assumptions, number % EACH == 0);
    }
    let Seen { told, supposed, .. } = seen;
    assert!(told > histories / 20 && supposed > 0, "{told} {supposed}");
    seen
}

#[test]
fn small_histories_are_judged_as_by_the_definitions() {
    let histories = small_share(200_000);
    let seen = compare(4, histories);
    for (level, held) in LEVELS.into_iter().zip(seen.held) {
        assert!(
            held > histories / 10 && held < histories * 9 / 10,
            "{level} {held}"
        );
    }
}

#[test]
#[ignore = "minutes"]
fn many_small_histories_are_judged_as_by_the_definitions() {
    for seed in 0..20 {
        compare(1_000 + seed, 200_000);
    }
}
