//! Whole runs: a bundled Raft store in the simulator under faults, its history checked.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

use rupture::plan::Plan;
use rupture::record::Nowhere;
use rupture::run;

fn runs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("run");
    group.sample_size(20);
    for workload in ["register", "cas-register", "set"] {
        let mut seed = 0;
        group.bench_function(
            format!("raft, {workload}, 20 simulated seconds, checked"),
            |bencher| {
                bencher.iter_batched(
                    || {
                        seed += 1;
                        Plan {
                            workload: workload.to_owned(),
                            time_limit_ms: 20_000,
                            seed,
                            ..Plan::default()
                        }
                    },
                    |plan| run::run(&plan, &mut Nowhere, &|| false).expect("a run"),
                    BatchSize::SmallInput,
                );
            },
        );
    }
    group.finish();
}

criterion_group!(benches, runs);
criterion_main!(benches);
