//! The search on histories of clients in a closed loop.

#![allow(missing_docs, unreachable_pub)]

#[allow(dead_code)]
#[path = "../tests/common/mod.rs"]
mod common;

use common::{Lie, Plan, generate};
use criterion::{Criterion, criterion_group, criterion_main};
use rupture_checkers::history::Validity;
use rupture_checkers::{Budget, Options, checker};

const CONTENDED: Plan = Plan {
    operations: 1_000,
    clients: 5,
    cas: false,
    pause_ns: 1e5,
    lost_per_mille: 0,
    lie: Lie::None,
    seed: 7,
};

fn judge(c: &mut Criterion, name: &str, plan: &Plan) {
    let history = generate(plan);
    let judge = match checker("cas-register", None, &Options::default()) {
        Ok(judge) => judge,
        Err(error) => panic!("{error}"),
    };
    let expected = match plan.lie {
        Lie::None => Validity::Valid,
        Lie::Unwritten | Lie::Stale => Validity::Invalid,
    };
    c.bench_function(name, |b| {
        b.iter(|| {
            let verdict = judge
                .check(&history, &Budget::unlimited())
                .map(|v| v.validity);
            assert_eq!(verdict, Ok(expected));
        });
    });
}

fn registers(c: &mut Criterion) {
    for clients in [5, 10] {
        for operations in [1_000, 10_000] {
            for cas in [false, true] {
                let plan = Plan {
                    operations,
                    clients,
                    cas,
                    ..CONTENDED
                };
                let model = if cas { "cas-register" } else { "register" };
                judge(c, &format!("{model}/{operations}/{clients} clients"), &plan);
            }
        }
    }
}

fn hard(c: &mut Criterion) {
    for cas in [false, true] {
        let model = if cas { "cas-register" } else { "register" };
        let plan = Plan {
            clients: 10,
            cas,
            ..CONTENDED
        };
        let lost = Plan {
            lost_per_mille: 10,
            ..plan
        };
        let wrong = Plan {
            lie: Lie::Unwritten,
            ..plan
        };
        judge(c, &format!("{model}/1000/10 clients/1 % lost"), &lost);
        judge(c, &format!("{model}/1000/10 clients/violation"), &wrong);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = registers, hard
}
criterion_main!(benches);
