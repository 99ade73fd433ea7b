//! Stores of strings under many clients are judged without a search, violated or not.

#[allow(dead_code, unreachable_pub)]
mod common;

use common::Store;
use rupture_checkers::history::Validity;
use rupture_checkers::models::KvAppend;
use rupture_checkers::{Budget, Checker, Linearizable};

fn judge(operations: usize) {
    for (violated, seed) in [(0, 1), (1, 2), (5, 3)] {
        let store = Store {
            clients: 50,
            operations,
            keys: 10,
            violated,
            seed,
        };
        let history = store.generate();
        let begun = std::time::Instant::now();
        let verdict = Linearizable::new(KvAppend).check(&history, &Budget::unlimited());
        println!(
            "{operations} operations, {violated} keys violated: {:?}",
            begun.elapsed()
        );
        let verdict = verdict.expect("a verdict");
        let expected = if violated == 0 {
            Validity::Valid
        } else {
            Validity::Invalid
        };
        assert_eq!(verdict.validity, expected);
        assert_eq!(verdict.anomalies.len(), violated);
        assert_eq!(verdict.algorithms.len(), 1, "{:?}", verdict.algorithms);
        assert!(verdict.anomalies.iter().all(|it| it.evidence.len() <= 8));
    }
}

#[test]
fn stores_under_fifty_clients_are_judged_whole() {
    judge(2_000);
}

#[test]
fn long_stores_under_fifty_clients_are_judged_whole() {
    judge(20_000);
}
