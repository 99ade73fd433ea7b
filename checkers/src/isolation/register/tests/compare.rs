//! Random small histories at every level, against the definitions.

use super::oracle::{has_order, has_versions};
use super::stores::{KINDS, Kind, Size, Txn, events, history, lie};
use crate::Budget;
use crate::isolation::Level;
use crate::isolation::register::{Assumptions, LEVELS, Prepared, Ruling};
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

fn some(random: &mut Random) -> (Kind, Vec<Txn>) {
    let kind = KINDS[random.below(KINDS.len())];
    let size = size(random);
    let mut txns = history(kind, size, random);
    if random.below(3) == 0 {
        lie(&mut txns, random);
    }
    (kind, txns)
}

fn assumptions(random: &mut Random) -> Assumptions {
    let mut some = Assumptions::default();
    match random.below(8) {
        0 => some.wfr_keys = true,
        1 => some.sequential_keys = true,
        2 => some.linearizable_keys = true,
        3 => {
            some.linearizable_keys = true;
            some.sequential_keys = true;
        }
        _ => {}
    }
    some
}

/// Compares so many histories, and tells how often each level held.
fn compare(seed: u64, histories: usize) -> Vec<usize> {
    let mut random = Random::new(seed);
    let mut held = vec![0; LEVELS.len()];
    let (mut told, mut supposed) = (0, 0);
    for number in 0..histories {
        let (kind, txns) = some(&mut random);
        let assumptions = assumptions(&mut random);
        let history = events(&txns);
        let operations = history.operations().unwrap();
        let transactions = Transactions::<Registers>::read(&history, operations).unwrap();
        let writes = Writes::of(&transactions).unwrap();
        let budget = Budget::unlimited();
        let prepared = Prepared::of(&transactions, &writes, assumptions, &budget).unwrap();
        for (at, level) in LEVELS.into_iter().enumerate() {
            let expected = if level == Level::RepeatableRead {
                has_versions(&txns, level, assumptions)
            } else {
                has_order(&txns, level, assumptions)
            };
            let adyas = matches!(level, Level::Serializable | Level::StrongSnapshotIsolation);
            if adyas && number % 4 == 0 {
                assert_eq!(
                    expected,
                    has_versions(&txns, level, assumptions),
                    "{level} {txns:?}"
                );
            }
            let found = prepared.judge(level, &budget);
            let holds = match &found {
                Ruling::Holds => true,
                Ruling::Violated(anomalies) => {
                    assert!(
                        anomalies.iter().all(|one| !one.evidence.is_empty()),
                        "{anomalies:?}"
                    );
                    told += usize::from(anomalies.iter().any(|one| !one.dependencies.is_empty()));
                    supposed +=
                        usize::from(anomalies.iter().any(|one| one.kind.starts_with("non")));
                    false
                }
                Ruling::Unknown(reason) => panic!("{reason}"),
            };
            assert_eq!(
                holds, expected,
                "{level} {kind:?} {assumptions:?} {txns:#?} {found:#?}"
            );
            held[at] += usize::from(holds);
        }
    }
    assert!(told > histories / 20 && supposed > 0, "{told} {supposed}");
    held
}

#[test]
fn small_histories_are_judged_as_by_the_definitions() {
    let histories = 12_000;
    let held = compare(4, histories);
    for (level, held) in LEVELS.into_iter().zip(held) {
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
        compare(1_000 + seed, 20_000);
    }
}
