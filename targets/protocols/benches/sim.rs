//! How many messages a second the simulator delivers between trivial nodes.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rupture_protocols::echo::Echo;
use rupture_protocols::sim::{LinkFault, Sim, SimOptions};

/// What one measurement runs.
const SLICE_NS: u64 = 100_000_000;

fn cluster(nodes: u32, balls: u32) -> Sim<Echo> {
    Sim::new(SimOptions::default(), 1, nodes, move |_| Echo::new(balls))
}

/// Has every message pass the faults without being lost, so that the traffic stays the same.
fn trouble(sim: &mut Sim<Echo>) {
    for from in 0..sim.nodes() {
        for to in (0..sim.nodes()).filter(|&to| to != from) {
            *sim.link(from, to) = LinkFault {
                delay_ns: 1,
                jitter_ns: 1_000,
                ..LinkFault::default()
            };
        }
    }
}

/// Delivers one slice of virtual time; returns how many messages that were.
fn slice(sim: &mut Sim<Echo>) -> u64 {
    let before = sim.counters().delivered;
    let limit_ns = sim.now_ns() + SLICE_NS;
    while sim.advance(limit_ns).is_some() {}
    sim.counters().delivered - before
}

fn messages(c: &mut Criterion) {
    let mut group = c.benchmark_group("messages");
    for (nodes, balls, faulty) in [(5, 1, false), (5, 10, false), (50, 1, false), (5, 1, true)] {
        let mut sim = cluster(nodes, balls);
        if faulty {
            trouble(&mut sim);
        }
        // The traffic is steady: one slice delivers as many messages as another, but for a few.
        slice(&mut sim);
        let each = slice(&mut sim);
        group.throughput(Throughput::Elements(each));
        let links = if faulty { "faulty" } else { "sound" };
        let name = format!("{nodes} nodes, {} in flight", sim.counters().in_flight());
        group.bench_function(BenchmarkId::new(links, name), |b| {
            b.iter(|| slice(&mut sim));
        });
    }
    group.finish();
}

criterion_group!(benches, messages);
criterion_main!(benches);
